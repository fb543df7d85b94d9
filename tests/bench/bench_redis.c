/*
 * bench_redis - the load of `wici bench`, for a Redis server
 *
 *     bench_redis PORT PUBLISHERS WINDOW BATCH BYTES SECONDS [EVENTS]
 *
 * Publishes for SECONDS, or until each publisher has sent EVENTS if that is sooner. Each publisher is a connection that
 * keeps WINDOW messages under way; a message is BATCH commands `XADD log * event <BYTES bytes>` sent in one write (a
 * pipeline, no MULTI), and is answered when the last of them is. One thread serves all connections, so that the load
 * takes as little as can be from the server. Prints JSON as `wici bench` does: events, events a second, and from write
 * to last answer of the message p50, p99 and the longest.
 */
#include "agents/cli/times.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PUBLISHERS_MAX 64u
#define WINDOW_MAX     1024u
#define BATCH_MAX      64u

struct publisher {
    int fd;
    size_t unwritten;               /* bytes of the message that is on its way out */
    uint64_t began_us[WINDOW_MAX];  /* ring: when each message under way was written */
    uint64_t sent;                  /* messages */
    unsigned first, under_way, due; /* due: answers still to come for the first of them */
    char in[65536];
    size_t in_len;
};

static struct publisher publishers[PUBLISHERS_MAX];
static char *message;
static size_t message_len;
static unsigned window, batch;
static uint64_t messages_max; /* of each publisher */
static struct times answers;
static uint64_t events;

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "bench_redis: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void
message_make(size_t bytes)
{
    size_t size = batch * (bytes + 128);

    message = malloc(size);
    if (message == NULL)
        die("message");
    for (unsigned i = 0; i < batch; i++) {
        message_len += (size_t)snprintf(message + message_len, size - message_len,
                                        "*5\r\n$4\r\nXADD\r\n$3\r\nlog\r\n$1\r\n*\r\n$5\r\nevent\r\n$%zu\r\n", bytes);
        memset(message + message_len, 'x', bytes);
        memcpy(message + message_len + bytes, "\r\n", 2);
        message_len += bytes + 2;
    }
}

static void
connect_to(struct publisher *p, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        die("connect");
}

/* Writes messages until the window is full or the socket takes no more. */
static void
publish(struct publisher *p, bool more)
{
    while (p->unwritten > 0 || (more && p->under_way < window && p->sent < messages_max)) {
        ssize_t n;

        if (p->unwritten == 0) {
            if (p->under_way == 0)
                p->due = batch;
            p->began_us[(p->first + p->under_way++) % WINDOW_MAX] = now_us();
            p->unwritten = message_len;
            p->sent++;
        }
        n = send(p->fd, message + message_len - p->unwritten, p->unwritten, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die("send");
        p->unwritten -= (size_t)n;
    }
}

static void
answered(struct publisher *p, uint64_t now)
{
    events++;
    if (--p->due > 0)
        return;
    for (unsigned i = 0; i < batch; i++) /* each event of a message took as long as the message */
        if (times_add(&answers, now - p->began_us[p->first % WINDOW_MAX]) != 0)
            die("times");
    p->first++;
    p->under_way--;
    p->due = batch;
}

/* Takes what came: bulk strings, "$<length>\r\n<that many bytes>\r\n". */
static void
take(struct publisher *p)
{
    ssize_t n = recv(p->fd, p->in + p->in_len, sizeof p->in - p->in_len, MSG_DONTWAIT);
    size_t at = 0;
    uint64_t now;

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("recv");
    p->in_len += (size_t)n;
    now = now_us();
    for (;;) {
        const char *start = p->in + at, *line = memchr(start, '\n', p->in_len - at);
        size_t len;

        if (line == NULL)
            break;
        if (*start != '$') {
            fprintf(stderr, "bench_redis: %.*s\n", (int)(line - start), start);
            exit(1);
        }
        len = (size_t)(line + 1 - start) + strtoul(start + 1, NULL, 10) + 2;
        if (len > p->in_len - at)
            break;
        at += len;
        answered(p, now);
    }
    memmove(p->in, p->in + at, p->in_len - at);
    p->in_len -= at;
}

int
main(int argc, char **argv)
{
    struct pollfd polls[PUBLISHERS_MAX];
    unsigned long numbers[7] = {0};
    unsigned count, busy;
    uint64_t begin, until;
    double seconds;

    for (int i = 1; i < argc && i < 8; i++)
        numbers[i - 1] = strtoul(argv[i], NULL, 10);
    if (argc < 7 || argc > 8 || numbers[0] > 65535 || numbers[1] - 1 >= PUBLISHERS_MAX ||
        numbers[2] - 1 >= WINDOW_MAX || numbers[3] - 1 >= BATCH_MAX || numbers[4] - 1 >= 65536 ||
        numbers[5] - 1 >= 3600) {
        fprintf(stderr, "usage: bench_redis PORT PUBLISHERS WINDOW BATCH BYTES SECONDS [EVENTS]\n");
        return 2;
    }
    count = (unsigned)numbers[1];
    window = (unsigned)numbers[2];
    batch = (unsigned)numbers[3];
    messages_max = numbers[6] == 0 ? UINT64_MAX : (numbers[6] + batch - 1) / batch;
    message_make(numbers[4]);
    for (unsigned i = 0; i < count; i++) {
        connect_to(&publishers[i], (uint16_t)numbers[0]);
        polls[i].fd = publishers[i].fd;
    }
    begin = now_us();
    until = begin + numbers[5] * 1000000u;
    do {
        bool more = now_us() < until;

        busy = 0;
        for (unsigned i = 0; i < count; i++) {
            publish(&publishers[i], more);
            busy += publishers[i].under_way > 0;
            polls[i].events = publishers[i].unwritten > 0 ? POLLIN | POLLOUT : POLLIN;
        }
        if (busy > 0 && poll(polls, count, 1000) < 0)
            die("poll");
        for (unsigned i = 0; i < count && busy > 0; i++)
            if ((polls[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0)
                take(&publishers[i]);
    } while (busy > 0);
    seconds = (double)(now_us() - begin) / 1e6;
    times_sort(&answers);
    printf("{\"published\": %llu, \"seconds\": %.3f, \"publishedPerSecond\": %.1f, \"publishToAnswer\": "
           "{\"p50Us\": %u, \"p99Us\": %u, \"maxUs\": %u}}\n",
           (unsigned long long)events, seconds, (double)events / seconds, times_percentile(&answers, 50),
           times_percentile(&answers, 99), times_percentile(&answers, 100));
    times_free(&answers);
    free(message);
    return 0;
}
