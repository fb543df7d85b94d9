/*
 * watch - see watch.h
 *
 * Connections are found by going through the descriptors of the process. One is told from an earlier one with the same
 * descriptor by the kernel's cookie of the socket when we look, and by its number when a frame is taken; so what an
 * earlier one had taken is not counted for the next, but for what was taken in the second between two looks.
 */
#include "broker/watch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_OVERHEAD  64u        /* bytes that a frame takes on the wire beside its content; less, with CURVE */
#define GROWTH_MAX      (8u << 20) /* memory may grow by so much before we look */
#define LOOK_ALWAYS_MS  1000
#define DESCRIPTORS_MAX (1u << 20)

struct connection {
    uint64_t cookie;  /* of the kernel; 0: none seen */
    uint64_t who;     /* of the last frame */
    uint64_t taken;   /* bytes */
    uint64_t waiting; /* when last looked at */
    bool fresh;       /* `who` is another than when last looked at: what was taken is its own */
    bool cut;         /* off: nothing more comes over it, and it is counted once */
};

struct watch {
    uint16_t port;
    int end, statm;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    struct connection *connections;
    size_t count; /* by descriptor */
    uint64_t cut;
};

static int64_t
now_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Bytes of memory that are ours alone: without the log's map. 0 when that cannot be read. */
static uint64_t
memory_own(const struct watch *watch)
{
    char text[128];
    ssize_t len = pread(watch->statm, text, sizeof text - 1, 0);
    unsigned long size, resident, shared;

    if (len <= 0)
        return 0;
    text[len] = '\0';
    if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || resident < shared)
        return 0;
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The place of a descriptor. NULL: none, out of memory. */
static struct connection *
connection_at(struct watch *watch, int fd)
{
    size_t at = (size_t)fd, count = watch->count == 0 ? 256 : watch->count;
    struct connection *grown;

    if (at < watch->count)
        return &watch->connections[at];
    if (at >= DESCRIPTORS_MAX)
        return NULL;
    while (count <= at)
        count *= 2;
    grown = realloc(watch->connections, count * sizeof *grown);
    if (grown == NULL)
        return NULL;
    for (size_t i = watch->count; i < count; i++)
        grown[i] = (struct connection){.cookie = 0};
    watch->connections = grown;
    watch->count = count;
    return &grown[at];
}

void
watch_took(struct watch *watch, int fd, uint64_t who, size_t bytes)
{
    struct connection *c;

    if (fd < 0)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    c = connection_at(watch, fd);
    if (c != NULL && c->who != who) {
        c->who = who;
        c->taken = 0;
        c->fresh = true;
    }
    if (c != NULL)
        c->taken += bytes + FRAME_OVERHEAD;
    (void)pthread_mutex_unlock(&watch->lock);
}

uint64_t
watch_cut_count(struct watch *watch)
{
    uint64_t cut;

    (void)pthread_mutex_lock(&watch->lock);
    cut = watch->cut;
    (void)pthread_mutex_unlock(&watch->lock);
    return cut;
}

static bool
is_of_port(int fd, uint16_t port)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port) == port;
    return address.ss_family == AF_INET6 && ntohs(((struct sockaddr_in6 *)&address)->sin6_port) == port;
}

/* How much of this descriptor's bytes waits; 0 too when it is no connection of ours. */
static uint64_t
waiting_of(struct watch *watch, int fd)
{
    struct tcp_info info = {0};
    socklen_t info_size = sizeof info, cookie_size = sizeof(uint64_t);
    uint64_t cookie = 0;
    struct connection *c;

    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &cookie_size) != 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) != 0 || info.tcpi_bytes_received == 0 ||
        !is_of_port(fd, watch->port))
        return 0;
    c = connection_at(watch, fd);
    if (c == NULL)
        return 0;
    if (c->cookie != cookie && !c->fresh)
        c->taken = 0;
    if (c->cookie != cookie)
        c->cut = false;
    c->cookie = cookie;
    c->fresh = false;
    if (c->cut)
        return 0; /* until libzmq closes it */
    if (c->taken > info.tcpi_bytes_received)
        c->taken = info.tcpi_bytes_received; /* less overhead than was counted; or an earlier one's */
    return info.tcpi_bytes_received - c->taken;
}

static void
cut_off(struct watch *watch, size_t fd)
{
    (void)shutdown((int)fd, SHUT_RDWR);
    watch->connections[fd].waiting = 0;
    watch->connections[fd].cut = true;
    watch->cut++;
}

/* Looks at every connection, and cuts off who has too much waiting. */
static void
look(struct watch *watch)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    uint64_t all = 0;

    if (dir == NULL)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++)
        watch->connections[i].waiting = 0;
    while ((entry = readdir(dir)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        uint64_t waiting = entry->d_name[0] == '.' ? 0 : waiting_of(watch, fd);

        if (waiting == 0)
            continue;
        watch->connections[fd].waiting = waiting;
        if (waiting > WATCH_PEER_MAX)
            cut_off(watch, (size_t)fd);
        else
            all += waiting;
    }
    while (all > WATCH_ALL_MAX) {
        size_t most = 0;

        for (size_t i = 1; i < watch->count; i++)
            if (watch->connections[i].waiting > watch->connections[most].waiting)
                most = i;
        assert(watch->connections[most].waiting > 0); /* all is their sum */
        all -= watch->connections[most].waiting;
        cut_off(watch, most);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    (void)closedir(dir);
}

static void *
watch_run(void *arg)
{
    struct watch *watch = arg;
    struct pollfd end = {.fd = watch->end, .events = POLLIN};
    uint64_t memory = memory_own(watch);
    int64_t looked_ms = now_ms();

    while (poll(&end, 1, WATCH_EVERY_MS) <= 0) {
        uint64_t grown = memory_own(watch);

        if (grown < memory)
            memory = grown;
        if (grown <= memory + GROWTH_MAX && now_ms() - looked_ms < LOOK_ALWAYS_MS)
            continue;
        look(watch);
        memory = grown;
        looked_ms = now_ms();
    }
    return NULL;
}

int
watch_create(struct watch **ret, uint16_t port)
{
    struct watch *watch = calloc(1, sizeof *watch);
    int rc;

    if (watch == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&watch->lock, NULL);
    watch->port = port;
    watch->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    watch->end = eventfd(0, EFD_CLOEXEC);
    if (watch->statm < 0 || watch->end < 0) {
        rc = -errno;
        goto out;
    }
    rc = -pthread_create(&watch->thread, NULL, watch_run, watch);
    if (rc != 0)
        goto out;
    watch->running = true;
    *ret = watch;
    watch = NULL;
out:
    watch_destroy(&watch);
    return rc;
}

void
watch_destroy(struct watch **watch)
{
    struct watch *w = *watch;

    if (w == NULL)
        return;
    if (w->running) {
        (void)eventfd_write(w->end, 1);
        (void)pthread_join(w->thread, NULL);
    }
    if (w->end >= 0)
        (void)close(w->end);
    if (w->statm >= 0)
        (void)close(w->statm);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->connections);
    free(w);
    *watch = NULL;
}
