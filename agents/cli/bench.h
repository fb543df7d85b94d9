/*
 * bench - what the parts of `wici bench` share
 *
 *     cmd_bench.c      options; starts everybody and waits for them
 *     bench_worker.c   what they all do
 *     bench_publish.c  publishers
 *     bench_read.c     live subscribers and replays
 *     bench_result.c   what came out, as JSON and as text
 *
 * Each publisher, subscriber and replay is a client with a thread of its own: a worker. A publisher opens dossiers of
 * its own and then publishes events of one type into them, in turn; the events differ only in their ids, so that they
 * are encoded once. The id carries who published it and its number, so that a subscriber in this process can tell how
 * long it took:
 *
 *     publish -> answer   from the call of wici_publish_many to the receipt (the event is on disk)
 *     publish -> deliver  from the same to the subscriber's callback
 *
 * Threads: a worker's fields are its thread's own until that has ended, but for what is _Atomic.
 */
#ifndef WICI_CLI_BENCH_H
#define WICI_CLI_BENCH_H

#include "agents/cli/cli.h"
#include "agents/cli/times.h"

#include <pthread.h>
#include <stdatomic.h>

#define BENCH_THREADS_MAX  64u
#define BENCH_EVENTS_MAX   20000000u
#define BENCH_DOSSIERS_MAX 1000000u

struct bench;

/* An event, ready but for its ids. */
struct bench_event {
    uint8_t *bytes;
    size_t len;
    size_t id_at, dossier_at; /* where they stand */
};

struct worker {
    struct bench *bench;
    pthread_t thread;
    unsigned index;
    struct wici *w;

    /* publisher */
    struct bench_event *events; /* one for each addressee, or one */
    char (*dossiers)[37];
    _Atomic uint32_t sent;
    _Atomic(_Atomic uint64_t *) sent_ns; /* when each was given to wici_publish_many, by its number */
    uint64_t refused;
    struct times answers;

    /* subscriber, replay */
    uint64_t seen, until_seq;
    struct times deliveries;
    _Atomic uint64_t position; /* nothing up to it was left out */

    double seconds;
    int rc;
    char error[300];
};

/* What the broker had used up at one moment. */
struct bench_usage {
    uint64_t store_bytes, cpu_us;
};

struct bench {
    struct cli *cli;
    unsigned publishers, subscribers, replays, window, batch, dossiers;
    size_t size;
    uint64_t seconds, events; /* one of the two bounds each publisher */
    const char *opener, *type;
    json_t *to;          /* units: what is said in a dossier is addressed to one of them; NULL: to nobody */
    unsigned broker_pid; /* 0: not told */
    char *role;
    uint8_t mark[4]; /* of this run, in all its event ids */
    struct bench_usage before, after;
    _Atomic uint64_t last_seq; /* the highest that was answered */
    _Atomic bool stop, go;
    _Atomic unsigned ready;
    struct worker workers[BENCH_THREADS_MAX]; /* publishers, then subscribers, then replays */
};

uint64_t bench_now_ns(void);

/* The thread of each kind of worker; arg is the struct worker. They end when done, or at bench->stop, or failing. */
void *bench_publisher_run(void *arg);
void *bench_subscriber_run(void *arg);
void *bench_replay_run(void *arg);

/* For them: */
int worker_connect(struct worker *me, const char *name);
/* Everybody begins together: waits for the others. */
void worker_ready(struct worker *me);
/* Keeps what went wrong, and ends the run. Returns rc. */
int worker_fail(struct worker *me, int rc);
/* Whose event this is: the index of its publisher and its number. False: not of this run. */
bool bench_event_is_ours(const struct bench *b, const char *event_id, unsigned *ret_index, uint32_t *ret_number);

/* How many events a worker keeps ready. */
size_t bench_event_count(const struct bench *b);

/* Prints what came out; the exit code. */
int bench_result_print(struct bench *b);

#endif
