/*
 * raw - see raw.h
 */
#include "tests/support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RELAY_BYTES_MAX (1u << 20)

static int64_t
now_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Ports of tests stand on 127.0.0.1. -1: refused. */
static int
connect_to(const char *endpoint, bool narrow)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *port = strrchr(endpoint, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || port == NULL)
        return -1;
    if (narrow) { /* before connect: the other side sizes its own buffer by the segments that it is told */
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){536}, sizeof(int)), 0);
    }
    address.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int
raw_connect(const struct daemon *d)
{
    int fd = connect_to(d->endpoint, false);

    assert_true(fd >= 0);
    return fd;
}

int
raw_connect_narrow(const struct daemon *d)
{
    int fd = connect_to(d->endpoint, true);

    assert_true(fd >= 0);
    return fd;
}

bool
raw_send(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool
raw_closes(int fd, int timeout_ms)
{
    int64_t until = now_ms() + timeout_ms;
    uint8_t dropped[4096];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - now_ms();
        ssize_t got;

        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return false;
        got = recv(fd, dropped, sizeof dropped, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return true;
    }
}

void
raw_greeting(uint8_t ret[RAW_GREETING], const char *mechanism)
{
    memset(ret, 0, RAW_GREETING);
    ret[0] = 0xff;
    ret[9] = 0x7f;
    ret[10] = 3; /* ZMTP 3.0 */
    assert_true(strlen(mechanism) <= 20);
    memcpy(ret + 12, mechanism, strlen(mechanism));
}

/* ---- the relay */

struct raw_relay {
    char to[128], endpoint[64];
    int listener, end;
    pthread_t thread;
    uint8_t *said;
    size_t said_len;
};

/* Passes on what one side has; false when it has ended. */
static bool
pass(struct raw_relay *relay, int from, int to, bool keep)
{
    uint8_t data[16384];
    ssize_t got = recv(from, data, sizeof data, 0);

    if (got < 0 && errno == EINTR)
        return true;
    if (got <= 0)
        return false;
    if (keep && relay->said_len + (size_t)got <= RELAY_BYTES_MAX) {
        memcpy(relay->said + relay->said_len, data, (size_t)got);
        relay->said_len += (size_t)got;
    }
    return raw_send(to, data, (size_t)got);
}

static void *
relay_run(void *arg)
{
    struct raw_relay *relay = arg;
    int client = -1, broker = -1;

    for (;;) {
        struct pollfd p[4] = {{.fd = relay->end, .events = POLLIN},
                              {.fd = client < 0 ? relay->listener : -1, .events = POLLIN},
                              {.fd = client, .events = POLLIN},
                              {.fd = broker, .events = POLLIN}};

        if (poll(p, 4, -1) < 0 && errno != EINTR)
            break;
        if (p[0].revents != 0)
            break;
        if (p[1].revents != 0) {
            client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
            broker = client < 0 ? -1 : connect_to(relay->to, false);
        }
        if ((p[2].revents != 0 && !pass(relay, client, broker, true)) ||
            (p[3].revents != 0 && !pass(relay, broker, client, false)))
            break;
    }
    if (client >= 0)
        (void)close(client);
    if (broker >= 0)
        (void)close(broker);
    return NULL;
}

struct raw_relay *
raw_relay_open(const struct daemon *d)
{
    struct raw_relay *relay = calloc(1, sizeof *relay);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    assert_non_null(relay);
    relay->said = malloc(RELAY_BYTES_MAX);
    assert_non_null(relay->said);
    (void)snprintf(relay->to, sizeof relay->to, "%s", d->endpoint);
    relay->end = eventfd(0, EFD_CLOEXEC);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(relay->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(relay->listener, 1), 0);
    assert_int_equal(getsockname(relay->listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(relay->endpoint, sizeof relay->endpoint, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&relay->thread, NULL, relay_run, relay), 0);
    return relay;
}

const char *
raw_relay_endpoint(const struct raw_relay *relay)
{
    return relay->endpoint;
}

void
raw_relay_close(struct raw_relay **relay, uint8_t **ret, size_t *ret_len)
{
    struct raw_relay *r = *relay;
    uint64_t one = 1;

    assert_int_equal(write(r->end, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    (void)close(r->end);
    (void)close(r->listener);
    *ret = r->said;
    *ret_len = r->said_len;
    free(r);
    *relay = NULL;
}
