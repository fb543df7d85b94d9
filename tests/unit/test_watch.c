/*
 * What broker/watch.h promises: who has too much waiting is cut off, once, and nobody else is.
 *
 * The process sends to itself over TCP and reads everything, as libzmq does; what waits is what watch_took is not told.
 * Looks are the watch's own. One is known to be over when a connection that deserves it was cut off by it
 * (look_awaited).
 */
#include "broker/watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB      ((size_t)1 << 20)
#define CHUNK    ((size_t)64 << 10)
#define WAIT_MS  20000
#define GROWTH   (16 * MIB) /* more than the watch lets pass without a look */
#define LOOKS_IN 8u

struct listener {
    int fd;
    uint16_t port;
};

/* One connection, both ends of it. */
struct pair {
    int client, server;
};

struct scene {
    struct listener ours, others;
    struct watch *watch;
    unsigned awaited; /* connections that look_awaited had cut off */
    void *grown[LOOKS_IN];
};

static struct listener
listener_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct listener l = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    assert_true(l.fd >= 0);
    assert_int_equal(bind(l.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(l.fd, 16), 0);
    assert_int_equal(getsockname(l.fd, (struct sockaddr *)&address, &size), 0);
    l.port = ntohs(address.sin_port);
    return l;
}

static struct pair
pair_open(const struct listener *l)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(l->port)};
    struct pair p = {.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    assert_true(p.client >= 0);
    assert_int_equal(connect(p.client, (struct sockaddr *)&address, sizeof address), 0);
    p.server = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(p.server >= 0);
    return p;
}

static void
pair_close(struct pair *p)
{
    (void)close(p->client);
    (void)close(p->server);
}

/* Sends so much and reads it. With who != 0 all of it is taken. Ends early when the connection was cut off. */
static void
pair_send(struct scene *s, const struct pair *p, size_t bytes, uint64_t who)
{
    static char chunk[CHUNK];

    for (size_t sent = 0; sent < bytes; sent += CHUNK) {
        if (send(p->client, chunk, CHUNK, MSG_NOSIGNAL) != (ssize_t)CHUNK)
            return;
        for (size_t got = 0; got < CHUNK;) {
            ssize_t n = recv(p->server, chunk, CHUNK - got, 0);

            if (n <= 0)
                return;
            got += (size_t)n;
        }
        if (who != 0)
            watch_took(s->watch, p->server, who, CHUNK);
    }
}

/* The client's end finds that the connection has ended, at the latest after so long. */
static bool
pair_is_cut(const struct pair *p, int wait_ms)
{
    struct pollfd end = {.fd = p->client, .events = POLLIN};
    char byte;

    return poll(&end, 1, wait_ms) == 1 && recv(p->client, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* Returns when the watch has looked at all that there is now: a connection made for it is cut off in the same look. */
static void
look_awaited(struct scene *s)
{
    struct pair p = pair_open(&s->ours);

    assert_true(s->awaited < LOOKS_IN);
    pair_send(s, &p, WATCH_PEER_MAX + MIB, 0);
    s->grown[s->awaited] = mmap(NULL, GROWTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                                0);
    assert_true(s->grown[s->awaited] != MAP_FAILED);
    assert_true(pair_is_cut(&p, WAIT_MS));
    s->awaited++;
    (void)watch_cut_count(s->watch); /* the look is over when it can be asked */
    pair_close(&p);
}

/* How many were cut off beside those. */
static unsigned
cut_count(struct scene *s)
{
    return (unsigned)watch_cut_count(s->watch) - s->awaited;
}

static int
setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->ours = listener_open();
    s->others = listener_open();
    assert_int_equal(watch_create(&s->watch, s->ours.port), 0);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;

    watch_destroy(&s->watch);
    assert_null(s->watch);
    for (unsigned i = 0; i < s->awaited; i++)
        (void)munmap(s->grown[i], GROWTH);
    (void)close(s->ours.fd);
    (void)close(s->others.fd);
    free(s);
    return 0;
}

static void
who_has_too_much_waiting_is_cut_off_once(void **state)
{
    struct scene *s = *state;
    struct pair p = pair_open(&s->ours);

    pair_send(s, &p, WATCH_PEER_MAX + MIB, 0);
    assert_true(pair_is_cut(&p, WAIT_MS));
    assert_int_equal(cut_count(s), 1);
    look_awaited(s); /* libzmq has not closed it yet */
    look_awaited(s);
    assert_int_equal(cut_count(s), 1);
    pair_close(&p);
}

static void
who_has_no_more_waiting_than_it_may_stays(void **state)
{
    struct scene *s = *state;
    struct pair p = pair_open(&s->ours);

    pair_send(s, &p, WATCH_PEER_MAX - MIB, 0);
    look_awaited(s);
    assert_false(pair_is_cut(&p, 0));
    assert_int_equal(cut_count(s), 0);
    pair_close(&p);
}

static void
what_was_taken_does_not_wait(void **state)
{
    struct scene *s = *state;
    struct pair p = pair_open(&s->ours);

    pair_send(s, &p, 2 * (size_t)WATCH_PEER_MAX, 7);
    watch_took(s->watch, -1, 8, WATCH_PEER_MAX); /* nobody knows of whom */
    look_awaited(s);
    pair_send(s, &p, WATCH_PEER_MAX, 7);
    look_awaited(s);
    assert_false(pair_is_cut(&p, 0));
    assert_int_equal(cut_count(s), 0);
    pair_send(s, &p, WATCH_PEER_MAX + MIB, 0); /* and what it sends behind that waits */
    look_awaited(s);
    assert_true(pair_is_cut(&p, WAIT_MS));
    assert_int_equal(cut_count(s), 1);
    pair_close(&p);
}

static void
what_an_earlier_connection_had_taken_is_not_the_next_ones(void **state)
{
    struct scene *s = *state;
    struct pair first = pair_open(&s->ours), next;
    int fd = first.server;

    pair_send(s, &first, 3 * (size_t)WATCH_PEER_MAX, 7);
    look_awaited(s);
    assert_int_equal(cut_count(s), 0);
    pair_close(&first);
    next = pair_open(&s->ours);
    if (next.server != fd) { /* the lowest that is free may be the first one's other end */
        assert_int_equal(dup3(next.server, fd, O_CLOEXEC), fd);
        (void)close(next.server);
        next.server = fd;
    }
    pair_send(s, &next, WATCH_PEER_MAX + MIB, 0);
    look_awaited(s);
    assert_true(pair_is_cut(&next, WAIT_MS));
    assert_int_equal(cut_count(s), 1);
    pair_close(&next);
}

static void
of_all_together_those_with_the_most_are_cut_off_until_it_is_less(void **state)
{
    static const size_t sizes[] = {26, 31, 27, 28, 29}; /* MiB: without the largest they are within the bound */
    struct scene *s = *state;
    struct pair pairs[5];

    for (size_t i = 0; i < 5; i++) {
        pairs[i] = pair_open(&s->ours);
        pair_send(s, &pairs[i], sizes[i] * MIB, 0);
    }
    look_awaited(s);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pair_is_cut(&pairs[i], i == 1 ? WAIT_MS : 0), i == 1);
    assert_int_equal(cut_count(s), 1);
    for (size_t i = 0; i < 5; i++)
        pair_close(&pairs[i]);
}

static void
connections_of_another_port_are_left_alone(void **state)
{
    struct scene *s = *state;
    struct pair p = pair_open(&s->others);

    pair_send(s, &p, 2 * (size_t)WATCH_PEER_MAX, 0);
    look_awaited(s);
    assert_false(pair_is_cut(&p, 0));
    assert_int_equal(cut_count(s), 0);
    pair_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_has_too_much_waiting_is_cut_off_once, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_no_more_waiting_than_it_may_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_taken_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_earlier_connection_had_taken_is_not_the_next_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(of_all_together_those_with_the_most_are_cut_off_until_it_is_less, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(connections_of_another_port_are_left_alone, setup, teardown),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
