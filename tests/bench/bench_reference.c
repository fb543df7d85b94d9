/*
 * bench_reference - what this machine gives anybody, to set the broker's figures beside
 *
 *     bench_reference [directory]
 *
 * commit: one record of 600 bytes appended to an LMDB database and committed with LMDB's default flags, as anybody
 * would use it. writes: what such a commit cannot do without, and no LMDB: 4 KiB appended, fdatasync, then 120 bytes
 * written through a descriptor opened O_DSYNC. roundTrip: 512 bytes to a ROUTER and back over TCP loopback with CURVE,
 * one at a time. Prints JSON, times in microseconds. The directory should be on the disk that matters; the default is
 * here.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define COMMITS      1000u
#define WARM_COMMITS 100u
#define TRIPS        5000u
#define WARM         500u
#define SIZE         512u
#define RECORD       600u
#define MAP          ((size_t)64 << 20)

struct echo {
    void *router;
    size_t left;
};

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "bench_reference: %s: %s\n", what, zmq_strerror(errno));
    exit(1);
}

static double
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void
print(const char *name, double *us, size_t count, const char *end)
{
    qsort(us, count, sizeof *us, compare);
    printf("\"%s\": {\"p50\": %.1f, \"p99\": %.1f}%s", name, us[count / 2], us[count * 99 / 100], end);
}

static void
lmdb_check(int rc)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_reference: lmdb: %s\n", mdb_strerror(rc));
    exit(1);
}

static void
record_put(MDB_env *env, MDB_dbi dbi, uint64_t number)
{
    static uint8_t record[RECORD];
    uint8_t seq[8];
    MDB_val key = {sizeof seq, seq}, value = {sizeof record, record};
    MDB_txn *txn;

    for (unsigned i = 0; i < 8; i++)
        seq[i] = (uint8_t)(number >> (56 - 8 * i));
    lmdb_check(mdb_txn_begin(env, NULL, 0, &txn));
    lmdb_check(mdb_put(txn, dbi, &key, &value, MDB_APPEND));
    lmdb_check(mdb_txn_commit(txn));
}

static void
commits(const char *dir)
{
    static double us[COMMITS];
    char path[4096], name[4200];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    if ((size_t)snprintf(path, sizeof path, "%s/reference-XXXXXX", dir) >= sizeof path || mkdtemp(path) == NULL)
        die(dir);
    lmdb_check(mdb_env_create(&env));
    lmdb_check(mdb_env_set_mapsize(env, MAP));
    lmdb_check(mdb_env_open(env, path, 0, 0600));
    lmdb_check(mdb_txn_begin(env, NULL, 0, &txn));
    lmdb_check(mdb_dbi_open(txn, NULL, 0, &dbi));
    lmdb_check(mdb_txn_commit(txn));
    for (size_t i = 0; i < WARM_COMMITS + COMMITS; i++) {
        double begin = now_us();

        record_put(env, dbi, i + 1);
        if (i >= WARM_COMMITS)
            us[i - WARM_COMMITS] = now_us() - begin;
    }
    mdb_env_close(env);
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/%s", path, i == 0 ? "data.mdb" : "lock.mdb");
        (void)unlink(name);
    }
    (void)rmdir(path);
    print("commit", us, COMMITS, ", ");
}

static void
writes(const char *dir)
{
    static double us[COMMITS];
    static uint8_t page[4096];
    char path[4096];
    int data, meta;

    if ((size_t)snprintf(path, sizeof path, "%s/reference-XXXXXX", dir) >= sizeof path || (data = mkstemp(path)) < 0)
        die(dir);
    meta = open(path, O_WRONLY | O_DSYNC | O_CLOEXEC);
    (void)unlink(path);
    if (meta < 0 || pwrite(data, page, sizeof page, 0) != sizeof page || fsync(data) != 0)
        die(path);
    for (size_t i = 0; i < COMMITS; i++) {
        double begin = now_us();

        page[0] = (uint8_t)i;
        if (pwrite(data, page, sizeof page, (off_t)((i + 1) * sizeof page)) != sizeof page || fdatasync(data) != 0 ||
            pwrite(meta, page, 120, 0) != 120)
            die(path);
        us[i] = now_us() - begin;
    }
    (void)close(meta);
    (void)close(data);
    print("writes", us, COMMITS, ", ");
}

static void *
echo_run(void *arg)
{
    struct echo *echo = arg;
    char route[256], body[SIZE];

    while (echo->left-- > 0) {
        int len = zmq_recv(echo->router, route, sizeof route, 0);

        if (len < 0 || zmq_recv(echo->router, body, sizeof body, 0) < 0 ||
            zmq_send(echo->router, route, (size_t)len, ZMQ_SNDMORE) < 0 ||
            zmq_send(echo->router, body, sizeof body, 0) < 0)
            die("echo");
    }
    return NULL;
}

static void
round_trips(void)
{
    static double us[TRIPS];
    void *server_zmq = zmq_ctx_new(), *client_zmq = zmq_ctx_new(); /* an I/O thread each, as in two programs */
    void *router = zmq_socket(server_zmq, ZMQ_ROUTER), *dealer = zmq_socket(client_zmq, ZMQ_DEALER);
    char public_key[41], secret_key[41], endpoint[256], body[SIZE] = {0};
    size_t size = sizeof endpoint;
    struct echo echo = {.router = router, .left = TRIPS + WARM};
    pthread_t thread;
    int one = 1;

    if (zmq_curve_keypair(public_key, secret_key) != 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SERVER, &one, sizeof one) != 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret_key, 40) != 0 ||
        zmq_bind(router, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, public_key, 40) != 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, public_key, 40) != 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, secret_key, 40) != 0 || zmq_connect(dealer, endpoint) != 0 ||
        pthread_create(&thread, NULL, echo_run, &echo) != 0)
        die("zmq");
    for (size_t i = 0; i < TRIPS + WARM; i++) {
        double begin = now_us();

        if (zmq_send(dealer, body, sizeof body, 0) < 0 || zmq_recv(dealer, body, sizeof body, 0) < 0)
            die("round trip");
        if (i >= WARM)
            us[i - WARM] = now_us() - begin;
    }
    pthread_join(thread, NULL);
    (void)zmq_close(router);
    (void)zmq_close(dealer);
    (void)zmq_ctx_term(server_zmq);
    (void)zmq_ctx_term(client_zmq);
    print("roundTrip", us, TRIPS, "");
}

int
main(int argc, char **argv)
{
    printf("{");
    commits(argc > 1 ? argv[1] : ".");
    writes(argc > 1 ? argv[1] : ".");
    round_trips();
    printf("}\n");
    return 0;
}
