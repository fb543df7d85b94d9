/*
 * bench_readers - how long it takes to read what concerns one dossier, or one unit, out of a large log
 *
 *     bench_readers dossiers ENDPOINT SERVER_KEY KEY_FILE COUNT
 *         COUNT dossiers of the unit, one after the other in an order without order: each is subscribed to from the
 * first record on, without a durable cursor, until the broker says that this was all. Prints events and times a
 * dossier.
 *
 *     bench_readers units ENDPOINT SERVER_KEY DIRECTORY PREFIX COUNT BEHIND
 *         COUNT units (keys DIRECTORY/PREFIX000.key and on), each with a connection and a durable cursor of its own,
 * BEHIND records behind the log's head, all at once. Prints when all were current, and the times of the units.
 *
 * Prints JSON; times are from the call of wici_subscribe.
 */
#include "agents/cli/times.h"
#include "agents/wici.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX   100000u
#define UNITS_MAX   1000u
#define THREADS     4u
#define TIMEOUT_MS  60000
#define DOSSIER_LEN 37u

struct reader {
    struct wici *w;
    uint64_t until, events; /* until 0: done */
    uint64_t began_us, took_us;
};

static const char *endpoint, *server_key;

static void
check(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_readers: %s: %s\n", what, strerror(-rc));
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
reader_connect(struct reader *r, const char *key_file)
{
    struct wici_options options = {
        .endpoints = endpoint, .server_key = server_key, .key_file = key_file, .session = "bench-readers"};

    check(wici_open(&r->w, &options), key_file);
    check(wici_wait_ready(r->w, TIMEOUT_MS), "connect");
}

/* The log's head, as the broker's answer to a question says. */
static uint64_t
head_ask(struct wici *w)
{
    char *text = NULL;
    json_t *json, *seq;
    uint64_t head;

    check(wici_query(w, "{\"status\":{}}", TIMEOUT_MS, &text), "status");
    json = json_loads(text, 0, NULL);
    seq = json_object_get(json_object_get(json_object_get(json, "status"), "head"), "seq");
    head = json_is_string(seq) ? strtoull(json_string_value(seq), NULL, 10) : (uint64_t)json_integer_value(seq);
    json_decref(json);
    free(text);
    return head;
}

static void
reader_reached(struct reader *r, uint64_t seq)
{
    if (r->until == 0 || seq < r->until)
        return;
    r->until = 0;
    r->took_us = now_us() - r->began_us;
}

static int
on_event(void *arg, const struct wici_event *event)
{
    struct reader *r = arg;

    r->events++;
    reader_reached(r, event->seq);
    return 0;
}

static void
on_position(void *arg, uint64_t seq, uint64_t head)
{
    (void)head;
    reader_reached(arg, seq);
}

static void
reader_subscribe(struct reader *r, const struct wici_subscribe_options *options, uint64_t until, uint32_t *ret_id)
{
    r->until = until;
    r->events = 0;
    r->began_us = now_us();
    check(wici_subscribe(r->w, options, on_event, r, ret_id), "subscribe");
}

static void
times_print(const char *name, struct times *times, const char *end)
{
    times_sort(times);
    printf("\"%s\": {\"count\": %zu, \"p50Us\": %u, \"p99Us\": %u, \"maxUs\": %u}%s", name, times->count,
           times_percentile(times, 50), times_percentile(times, 99), times_percentile(times, 100), end);
}

/* ---- dossiers */

struct found {
    char (*ids)[DOSSIER_LEN];
    size_t count, max;
};

static int
on_opened(void *arg, const struct wici_event *event)
{
    struct found *found = arg;

    if (strcmp(event->type, "case.opened") == 0 && found->count < found->max)
        memcpy(found->ids[found->count++], event->dossier_id, DOSSIER_LEN);
    return 0;
}

/* The dossiers that were opened first; a log that `wici bench` filled begins with the opening of all of them. */
static void
dossiers_find(struct wici *w, struct found *found)
{
    struct wici_subscribe_options options = {
        .families = (const char *const[]){"case", NULL}, .from_seq = 1, .ack_each = 1};
    uint64_t begin = now_us();
    uint32_t id;

    check(wici_subscribe(w, &options, on_opened, found, &id), "subscribe");
    while (found->count < found->max && now_us() - begin < TIMEOUT_MS * UINT64_C(1000))
        check(wici_run(w, 100), "run");
    check(wici_unsubscribe(w, id), "unsubscribe");
    if (found->count < found->max) {
        fprintf(stderr, "bench_readers: %zu of %zu dossiers found\n", found->count, found->max);
        exit(1);
    }
}

static void
dossiers_read(const char *key_file, size_t count)
{
    struct found found = {.max = count};
    struct times times = {.us = NULL};
    struct reader r = {.w = NULL};
    uint64_t events = 0;
    uint32_t random = 1;

    reader_connect(&r, key_file);
    found.ids = calloc(count, sizeof *found.ids);
    if (found.ids == NULL)
        check(-1, "memory");
    dossiers_find(r.w, &found);
    for (size_t left = count; left > 0; left--) {
        const char *dossiers[2] = {NULL, NULL};
        struct wici_subscribe_options options = {
            .dossiers = dossiers, .from_seq = 1, .ack_each = 1, .position_fn = on_position};
        char id[DOSSIER_LEN];
        uint32_t subscription;
        size_t at;

        random = random * 1664525u + 1013904223u;
        at = random % left;
        memcpy(id, found.ids[at], sizeof id);
        memcpy(found.ids[at], found.ids[left - 1], sizeof id);
        dossiers[0] = id;
        reader_subscribe(&r, &options, head_ask(r.w), &subscription);
        while (r.until != 0)
            check(wici_run(r.w, 1000), "run");
        check(times_add(&times, r.took_us), "times");
        events += r.events;
        check(wici_unsubscribe(r.w, subscription), "unsubscribe");
    }
    printf("{\"dossiers\": %zu, \"eventsEach\": %.1f, ", count, (double)events / (double)count);
    times_print("read", &times, "}\n");
    wici_close(&r.w);
    free(found.ids);
    times_free(&times);
}

/* ---- units */

struct share {
    pthread_t thread;
    struct reader *readers;
    size_t count;
    uint64_t from, until;
    const char *cursor;
    _Atomic bool *go;
};

static void *
share_run(void *arg)
{
    struct share *share = arg;
    struct wici_subscribe_options options = {
        .cursor = share->cursor, .from_seq = share->from, .ack_each = 1, .position_fn = on_position};
    struct pollfd polls[UNITS_MAX];
    size_t left = share->count;

    while (!atomic_load(share->go))
        for (size_t i = 0; i < share->count; i++)
            check(wici_run(share->readers[i].w, 0), "run");
    for (size_t i = 0; i < share->count; i++) {
        reader_subscribe(&share->readers[i], &options, share->until, NULL);
        polls[i] = (struct pollfd){.fd = wici_fd(share->readers[i].w), .events = POLLIN};
        check(wici_run(share->readers[i].w, 0), "run");
    }
    while (left > 0) {
        left = 0;
        (void)poll(polls, share->count, 1000);
        for (size_t i = 0; i < share->count; i++) {
            if (polls[i].revents != 0)
                check(wici_run(share->readers[i].w, 0), "run");
            left += share->readers[i].until != 0;
        }
    }
    return NULL;
}

static void
units_read(const char *dir, const char *prefix, size_t count, uint64_t behind)
{
    static struct reader readers[UNITS_MAX];
    struct share shares[THREADS] = {{.count = 0}};
    struct times times = {.us = NULL};
    char cursor[32], path[4096];
    uint64_t head, events = 0, begin, last = 0;
    size_t at = 0;
    _Atomic bool go = false;

    snprintf(cursor, sizeof cursor, "week-%d", (int)getpid());
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s%03zu.key", dir, prefix, i);
        reader_connect(&readers[i], path);
    }
    head = head_ask(readers[0].w);
    for (size_t i = 0; i < THREADS; i++) {
        size_t end = count * (i + 1) / THREADS;

        shares[i] = (struct share){.readers = readers + at,
                                   .count = end - at,
                                   .from = head > behind ? head - behind + 1 : 1,
                                   .until = head,
                                   .cursor = cursor,
                                   .go = &go};
        at = end;
        if (pthread_create(&shares[i].thread, NULL, share_run, &shares[i]) != 0)
            check(-1, "thread");
    }
    begin = now_us();
    atomic_store(&go, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(shares[i].thread, NULL);
    for (size_t i = 0; i < count; i++) {
        char request[128], *answer = NULL;
        uint64_t done = readers[i].began_us + readers[i].took_us;

        last = done > last ? done : last;
        events += readers[i].events;
        check(times_add(&times, readers[i].took_us), "times");
        snprintf(request, sizeof request, "{\"cursorDrop\":{\"cursor\":\"%s\"}}", cursor);
        (void)wici_query(readers[i].w, request, TIMEOUT_MS, &answer);
        free(answer);
        wici_close(&readers[i].w);
    }
    printf("{\"units\": %zu, \"behind\": %llu, \"events\": %llu, \"allCurrentMs\": %.1f, ", count,
           (unsigned long long)behind, (unsigned long long)events, (double)(last - begin) / 1e3);
    times_print("unit", &times, "}\n");
    times_free(&times);
}

int
main(int argc, char **argv)
{
    bool dossiers = argc == 6 && strcmp(argv[1], "dossiers") == 0, units = argc == 8 && strcmp(argv[1], "units") == 0;
    unsigned long count = dossiers ? strtoul(argv[5], NULL, 10) : units ? strtoul(argv[6], NULL, 10) : 0;

    if (count == 0 || count > (dossiers ? COUNT_MAX : UNITS_MAX)) {
        fprintf(stderr, "usage: bench_readers dossiers ENDPOINT SERVER_KEY KEY_FILE COUNT\n"
                        "       bench_readers units ENDPOINT SERVER_KEY DIRECTORY PREFIX COUNT BEHIND\n");
        return 2;
    }
    endpoint = argv[2];
    server_key = argv[3];
    if (dossiers)
        dossiers_read(argv[4], count);
    else
        units_read(argv[4], argv[5], count, strtoull(argv[7], NULL, 10));
    return 0;
}
