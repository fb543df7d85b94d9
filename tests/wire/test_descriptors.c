/* What the broker does when it may open no more files: docs/LIMITS.md, last section. */
#include "tests/wire/kit.h"

#include "proto/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES     96u
#define STRANGERS 200u

static void
files_allow(pid_t pid, rlim_t count)
{
    struct rlimit limit = {0};

    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void
a_broker_that_may_not_open_enough_files_says_so_and_does_not_start(void **state)
{
    struct town *t = *state;
    const char *const arguments[] = {"-c", t->daemon.config, NULL};
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    for (rlim_t count = 16; count < DESCRIPTORS_MIN; count++) {
        int code;

        files_allow(getpid(), count);
        code = daemon_run(arguments, out, sizeof out);
        files_allow(getpid(), 1024);
        if (code != 1 || strstr(out, "LimitNOFILE") == NULL)
            fail_msg("with %u files: exit %d, %s", (unsigned)count, code, out);
    }
    files_allow(getpid(), DESCRIPTORS_MIN);
    daemon_start(&t->daemon);
    files_allow(getpid(), 1024);
}

static void
stranger_connect(const struct daemon *d, int *ret)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = strrchr(d->endpoint, ':');

    assert_non_null(port);
    to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    *ret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(*ret >= 0);
    (void)connect(*ret, (const struct sockaddr *)&to, sizeof to);
}

static void
letter_travels(struct peer *from, struct peer *to, const char *dossier)
{
    uint64_t seq = peer_letter(from, dossier, "ops-sw2", "list"), got = 0;

    while (got < seq) {
        Wici__V1__BrokerMessage *message = peer_expect(to, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);

        got = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;
        peer_free(message);
        peer_ack(to, 1, got);
    }
    assert_int_equal(got, seq);
}

static void
who_is_connected_is_served_while_no_more_connections_can_be_taken_and_then_others_are(void **state)
{
    struct town *t = *state;
    int strangers[STRANGERS];
    struct peer sw, sw2, school;
    char dossier[37];

    files_allow(t->daemon.pid, FILES);
    peer_hello(&sw, &t->daemon, &t->sw, "files");
    peer_hello(&sw2, &t->daemon, &t->sw2, "files");
    (void)peer_subscribe(&sw2, 1, "files", 0, 0);
    for (unsigned i = 0; i < STRANGERS; i++)
        stranger_connect(&t->daemon, &strangers[i]);
    for (unsigned i = 0; i < 50; i++) {
        peer_uuid4(dossier); /* a key entry each */
        letter_travels(&sw, &sw2, dossier);
    }
    for (unsigned i = 0; i < STRANGERS; i++)
        (void)close(strangers[i]);
    peer_hello(&school, &t->daemon, &t->school, "files");
    letter_travels(&sw, &sw2, dossier);
    peer_close(&school);
    peer_close(&sw);
    peer_close(&sw2);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_may_not_open_enough_files_says_so_and_does_not_start),
        cmocka_unit_test(who_is_connected_is_served_while_no_more_connections_can_be_taken_and_then_others_are),
    };

    return cmocka_run_group_tests_name("wire: descriptors", tests, town_setup, town_teardown);
}
