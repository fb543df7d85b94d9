/*
 * wici bench - how fast a broker publishes, delivers and replays; bench.h says how
 *
 * All clients use one unit's key, so the unit must be one that may publish both types; its role is --role.
 */
#include "agents/cli/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define DELIVERED_WAIT_MS 30000

static void
pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* ---- what the broker uses up */

/* User and system time of a process. -ESRCH: there is none of that number, or it may not be looked at. */
static int
cpu_read(unsigned pid, uint64_t *ret_us)
{
    char path[64], text[1024];
    unsigned long long user, system;
    const char *rest;
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    file = fopen(path, "re");
    if (file == NULL)
        return -ESRCH;
    len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return -ESRCH;
    *ret_us = (user + system) * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    return 0;
}

/* Connected: the log's size is asked for. */
static int
usage_read(const struct bench *b, struct bench_usage *ret)
{
    json_t *result;
    int rc = cli_query(b->cli, json_pack("{s:{}}", "status"), &result);

    if (rc != CLI_OK)
        return rc;
    ret->store_bytes = member_number(json_object_get(result, "status"), "storeBytes");
    json_decref(result);
    if (b->broker_pid != 0 && cpu_read(b->broker_pid, &ret->cpu_us) != 0) {
        cli_warn(_("there is no process %u"), b->broker_pid);
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* ---- running */

/* Subscribers see the last events a moment later. */
static void
delivered_wait(struct bench *b)
{
    uint64_t last = atomic_load(&b->last_seq), begin = bench_now_ns();
    unsigned behind = 1;

    while (behind > 0 && !atomic_load(&b->stop)) {
        behind = 0;
        for (unsigned i = b->publishers; i < b->publishers + b->subscribers; i++) {
            struct worker *w = &b->workers[i];

            if (atomic_load(&w->position) >= last)
                continue;
            behind++;
            if (bench_now_ns() - begin >= DELIVERED_WAIT_MS * UINT64_C(1000000))
                (void)worker_fail(w, -ETIMEDOUT);
        }
        pause_ms(1);
    }
}

static void
bench_run(struct bench *b)
{
    unsigned count = b->publishers + b->subscribers + b->replays, started = 0;

    for (; started < count; started++) {
        struct worker *w = &b->workers[started];
        void *(*fn)(void *) = started < b->publishers                    ? bench_publisher_run
                              : started < b->publishers + b->subscribers ? bench_subscriber_run
                                                                         : bench_replay_run;

        w->bench = b;
        w->index = started;
        if (pthread_create(&w->thread, NULL, fn, w) != 0) {
            w->rc = -EAGAIN;
            snprintf(w->error, sizeof w->error, "%s", strerror(EAGAIN));
            atomic_store(&b->stop, true);
            break;
        }
    }
    while (atomic_load(&b->ready) < count && !atomic_load(&b->stop))
        pause_ms(1);
    if (!atomic_load(&b->stop) && usage_read(b, &b->before) != CLI_OK)
        atomic_store(&b->stop, true);
    atomic_store(&b->go, true);
    for (unsigned i = 0; i < started; i++)
        if (i < b->publishers || i >= b->publishers + b->subscribers)
            pthread_join(b->workers[i].thread, NULL);
    delivered_wait(b);
    if (usage_read(b, &b->after) != CLI_OK)
        b->after = b->before;
    atomic_store(&b->stop, true);
    for (unsigned i = b->publishers; i < started && i < b->publishers + b->subscribers; i++)
        pthread_join(b->workers[i].thread, NULL);
}

/* ---- the command */

static const struct argp_option bench_options[] = {
    {"publishers", 'p', N_("N"), 0, N_("clients that publish (1)"), 0},
    {"window", 'w', N_("N"), 0, N_("messages each has under way at once (64)"), 0},
    {"batch", 'b', N_("N"), 0, N_("events a message, 1 to 64 (1)"), 0},
    {"size", 's', N_("BYTES"), 0, N_("about how large an event is (500)"), 0},
    {"subscribers", 'S', N_("N"), 0, N_("clients with a live subscription (0)"), 0},
    {"replays", 'r', N_("N"), 0, N_("clients that replay the log from its beginning (0)"), 0},
    {"seconds", 't', N_("N"), 0, N_("publish that long (5)"), 0},
    {"events", 'n', N_("N"), 0, N_("publish that many with each client, instead of a time"), 0},
    {"dossiers", 'd', N_("N"), 0, N_("dossiers of each publisher, used in turn (1)"), 0},
    {"to", 'a', N_("UNIT"), 0, N_("addressed to this unit; repeated: each dossier has the next one"), 0},
    {"type", 'T', N_("TYPE"), 0, N_("type of event (info.provided)"), 0},
    {"opener", 'O', N_("TYPE"), 0, N_("type that opens each publisher's dossiers (case.opened)"), 0},
    {"broker-pid", 'B', N_("PID"), 0, N_("the broker's process on this machine: tells its processor time too"), 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static void
options_take(struct bench *b, const struct cli_args *args)
{
    b->publishers = (unsigned)args_number(args, 'p', 1, 0);
    b->window = (unsigned)args_number(args, 'w', 64, 1);
    b->batch = (unsigned)args_number(args, 'b', 1, 1);
    b->size = (size_t)args_number(args, 's', 500, 1);
    b->subscribers = (unsigned)args_number(args, 'S', 0, 0);
    b->replays = (unsigned)args_number(args, 'r', 0, 0);
    b->dossiers = (unsigned)args_number(args, 'd', 1, 1);
    b->broker_pid = (unsigned)args_number(args, 'B', 0, 1);
    b->events = args_number(args, 'n', 0, 1);
    b->seconds = b->events != 0 ? 0 : args_number(args, 't', 5, 1);
    b->type = args_has(args, 'T') ? args_get(args, 'T') : "info.provided";
    b->opener = args_has(args, 'O') ? args_get(args, 'O') : "case.opened";
    b->to = args_list(args, 'a');
    if (b->publishers > 63 || b->subscribers > 63 || b->replays > 63 ||
        b->publishers + b->subscribers + b->replays > BENCH_THREADS_MAX - 1 || b->window > 1024 || b->batch > 64 ||
        b->size > 64000 || b->events > BENCH_EVENTS_MAX / (b->publishers + 1) ||
        b->dossiers > BENCH_DOSSIERS_MAX / (b->publishers + 1))
        usage_fail(_("more than bench can do: 63 clients, window 1024, batch 64, size 64000, 20 million events, "
                     "1 million dossiers"));
}

static void
bench_free(struct bench *b)
{
    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        for (size_t k = 0; b->workers[i].events != NULL && k < bench_event_count(b); k++)
            free(b->workers[i].events[k].bytes);
        free(b->workers[i].events);
        free(b->workers[i].dossiers);
        free(b->workers[i].sent_ns);
        times_free(&b->workers[i].answers);
        times_free(&b->workers[i].deliveries);
    }
    json_decref(b->to);
    free(b->role);
    free(b);
}

int
cmd_bench(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {bench_options, NULL,
                                             N_("Measures a broker with the key of a unit that may publish. It writes "
                                                "into the log: never use it on one that is "
                                                "in use."),
                                             0, 0};
    struct bench *b = calloc(1, sizeof *b);
    struct cli_args args;
    const char *role;
    int rc;

    if (b == NULL)
        return CLI_FAILED;
    args_parse(cli, &syntax, argc, argv, &args);
    b->cli = cli;
    options_take(b, &args);
    rc = cli_connect(cli);
    role = rc == CLI_OK ? cli_role(cli, "SW") : NULL;
    if (role == NULL) {
        rc = rc != CLI_OK ? rc : CLI_USAGE;
    } else if ((b->role = strdup(role)) == NULL || getrandom(b->mark, sizeof b->mark, 0) != (ssize_t)sizeof b->mark) {
        rc = CLI_FAILED;
    } else {
        bench_run(b);
        rc = bench_result_print(b);
    }
    bench_free(b);
    return rc;
}
