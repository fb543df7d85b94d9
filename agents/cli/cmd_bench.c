/*
 * wici bench - how fast a broker publishes, delivers and replays
 *
 * Each publisher, subscriber and replay is a client with a thread of its own. A publisher opens a dossier of its own
 * and then publishes events of one type into it; the events differ only in their ids, so that they are encoded once.
 * The id carries who published it and its number, so that a subscriber in this process can tell how long it took:
 *
 *     publish -> answer   from the call of wici_publish to the receipt (the event is on disk)
 *     publish -> deliver  from the call of wici_publish to the subscriber's callback
 *
 * All use one unit's key, so the unit must be one that may publish both types; its role is --role.
 */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/event.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define BENCH_THREADS_MAX 64u
#define BENCH_EVENTS_MAX  20000000u
#define BENCH_DRAIN_MS    30000

struct bench;

struct worker {
    struct bench *bench;
    pthread_t thread;
    unsigned index;
    struct wici *w;
    /* publisher */
    uint8_t *event;
    size_t event_len;
    uint8_t *id_at; /* the event id within the event's bytes */
    _Atomic uint32_t sent;
    uint64_t answered, refused;
    _Atomic uint64_t *sent_ns; /* when each was given to wici_publish, by its number */
    uint32_t *answer_us;       /* what each took */
    /* subscriber, replay */
    uint64_t seen, until_seq;
    uint32_t *deliver_us;
    size_t deliver_count, deliver_size;
    double seconds;
    int rc;
    char error[300];
};

struct bench {
    struct cli *cli;
    unsigned publishers, subscribers, replays, window, batch;
    size_t size;
    uint64_t seconds, events; /* one of the two bounds each publisher */
    const char *opener, *type;
    char *role;
    uint8_t mark[4]; /* of this run, in all its event ids */
    _Atomic bool stop;
    _Atomic unsigned ready;
    _Atomic bool go;
    struct worker workers[BENCH_THREADS_MAX];
};

static uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t
wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static int
worker_connect(struct worker *me, const char *name)
{
    const struct bench *b = me->bench;
    char session[48];
    struct wici_options options = {.endpoints = b->cli->endpoints,
                                   .server_key = b->cli->server_key,
                                   .key_file = b->cli->key_file,
                                   .session = session,
                                   .software = "wici bench",
                                   .window = b->window,
                                   .bare_answers = 1};
    int rc;

    snprintf(session, sizeof session, "bench-%s-%u", name, me->index);
    rc = wici_open(&me->w, &options);
    return rc == 0 ? wici_wait_ready(me->w, b->cli->timeout_ms) : rc;
}

static int
worker_fail(struct worker *me, int rc)
{
    const struct wici_error *e = me->w != NULL && (rc == -EPROTO || rc == -EACCES) ? wici_error(me->w) : NULL;

    me->rc = rc;
    if (e != NULL)
        snprintf(me->error, sizeof me->error, "%s %s: %.200s", e->code, e->path, me->bench->cli->pl ? e->pl : e->en);
    else
        snprintf(me->error, sizeof me->error, "%s", strerror(-rc));
    atomic_store(&me->bench->stop, true);
    return rc;
}

/* Everybody begins together. */
static void
worker_ready(struct worker *me)
{
    atomic_fetch_add(&me->bench->ready, 1);
    while (!atomic_load(&me->bench->go) && !atomic_load(&me->bench->stop))
        (void)wici_run(me->w, 5);
}

/* ---- publishers */

/* Makes a text of the section longer until the event has about the size that is asked for. */
static void
text_fill(json_t *json, size_t want)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(json)) {
        json_array_foreach(json, i, value) text_fill(value, want);
        return;
    }
    json_object_foreach(json, key, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), "...") == 0) {
            char *text = malloc(want + 4);

            if (text == NULL)
                return;
            memset(text, 'x', want + 3);
            text[want + 3] = '\0';
            json_string_set(value, text);
            free(text);
            return;
        }
        text_fill(value, want);
    }
}

static int
event_make(struct worker *me, const char *dossier)
{
    const struct bench *b = me->bench;
    json_t *event = event_template(b->type, b->role, false);
    char *text;
    int rc;

    if (event == NULL)
        return -EINVAL;
    json_object_set_new(json_object_get(event, "header"), "dossierId", json_string(dossier));
    for (unsigned round = 0;; round++) {
        free(me->event);
        me->event = NULL;
        text = json_dumps(event, JSON_COMPACT);
        rc = text == NULL ? -ENOMEM : wici_encode_json(me->w, text, &me->event, &me->event_len, NULL);
        free(text);
        if (rc != 0 || round == 1 || me->event_len >= b->size)
            break;
        text_fill(json_object_get(event, "sections"), b->size - me->event_len);
    }
    json_decref(event);
    /* The id is the header's first field: tag, length, 36 characters; the header is the event's first field. */
    for (size_t i = 0; rc == 0 && me->id_at == NULL && i + 38 <= me->event_len; i++) {
        if (me->event[i] == 0x0a && me->event[i + 1] == 36)
            me->id_at = me->event + i + 2;
    }
    return rc == 0 && me->id_at == NULL ? -EBADMSG : rc;
}

static void
event_number(struct worker *me, uint32_t number)
{
    uint8_t random[10], id[16];
    char text[37];

    memcpy(random, me->bench->mark, 4);
    random[4] = (uint8_t)(me->index >> 8);
    random[5] = (uint8_t)me->index;
    for (unsigned i = 0; i < 4; i++)
        random[6 + i] = (uint8_t)(number >> (24 - 8 * i));
    uuid7_make(wall_ms(), random, id);
    uuid_format(id, text);
    memcpy(me->id_at, text, 36);
}

/* Whose event this is: the index of its publisher and its number. False: not of this run. */
static bool
event_of_run(const struct bench *b, const char *event_id, unsigned *ret_index, uint32_t *ret_number)
{
    uint8_t id[16], mine[16];

    if (uuid_parse(event_id, id) != 0)
        return false;
    /* Version and variant bits lie over the first and third byte of the mark. */
    uuid7_make(0, (const uint8_t[10]){b->mark[0], b->mark[1], b->mark[2], b->mark[3]}, mine);
    if (memcmp(id + 6, mine + 6, 4) != 0)
        return false;
    *ret_index = (unsigned)id[10] << 8 | id[11];
    *ret_number = (uint32_t)id[12] << 24 | (uint32_t)id[13] << 16 | (uint32_t)id[14] << 8 | id[15];
    return *ret_index < b->publishers && *ret_number < BENCH_EVENTS_MAX;
}

static void
on_answer(void *arg, const struct wici_answer *answer)
{
    struct worker *me = arg;
    unsigned index;
    uint32_t number;

    if (answer->refusal != NULL) {
        if (me->refused++ == 0)
            snprintf(me->error, sizeof me->error, "%s %s: %.200s", answer->refusal->code, answer->refusal->path,
                     me->bench->cli->pl ? answer->refusal->pl : answer->refusal->en);
        return;
    }
    if (event_of_run(me->bench, answer->event_id, &index, &number)) {
        me->answer_us[me->answered] = (uint32_t)((now_ns() - atomic_load(&me->sent_ns[number])) / 1000);
        me->answered++;
    }
}

static int
dossier_open(struct worker *me, char ret[37])
{
    json_t *event = event_template(me->bench->opener, me->bench->role, false);
    char *text = event == NULL ? NULL : json_dumps(event, JSON_COMPACT);
    int rc = text == NULL ? -EINVAL : wici_publish_json(me->w, text, me->bench->cli->timeout_ms, NULL);

    if (rc == 0)
        snprintf(ret, 37, "%s", jstr(json_object_get(event, "header"), "dossierId"));
    free(text);
    json_decref(event);
    return rc;
}

/* Publishes one message of `batch` events. */
static int
batch_publish(struct worker *me, uint32_t first, unsigned count, uint8_t *copies)
{
    const uint8_t *events[64];
    size_t lens[64];

    for (unsigned i = 0; i < count; i++) {
        event_number(me, first + i);
        memcpy(copies + i * me->event_len, me->event, me->event_len);
        events[i] = copies + i * me->event_len;
        lens[i] = me->event_len;
        atomic_store(&me->sent_ns[first + i], now_ns());
    }
    return wici_publish_many(me->w, events, lens, count, on_answer, me);
}

static void *
publisher_run(void *arg)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    uint64_t max = b->events != 0 ? b->events : BENCH_EVENTS_MAX / b->publishers, begin, drain;
    uint8_t *copies = NULL;
    char dossier[37];
    int rc = worker_connect(me, "p");

    if (rc == 0)
        rc = dossier_open(me, dossier);
    if (rc == 0)
        rc = event_make(me, dossier);
    if (rc == 0) {
        me->sent_ns = calloc(max + 64, sizeof *me->sent_ns);
        me->answer_us = calloc(max + 64, sizeof *me->answer_us);
        copies = malloc(me->event_len * b->batch);
        rc = me->sent_ns == NULL || me->answer_us == NULL || copies == NULL ? -ENOMEM : 0;
    }
    if (rc != 0) {
        worker_fail(me, rc);
        goto out;
    }
    worker_ready(me);
    begin = now_ns();
    while (rc == 0 && !atomic_load(&b->stop)) {
        uint64_t sent = atomic_load(&me->sent);
        unsigned count = sent + b->batch <= max ? b->batch : (unsigned)(max - sent);

        if (count == 0 || (b->seconds != 0 && now_ns() - begin >= b->seconds * 1000000000u))
            break;
        rc = batch_publish(me, (uint32_t)sent, count, copies);
        if (rc == -EAGAIN) {
            rc = wici_run(me->w, 1000);
            continue;
        }
        if (rc == 0)
            atomic_store(&me->sent, (uint32_t)(sent + count));
        if (rc == 0)
            rc = wici_run(me->w, 0);
    }
    drain = now_ns();
    while (rc == 0 && wici_pending(me->w) > 0 && now_ns() - drain < BENCH_DRAIN_MS * 1000000ull)
        rc = wici_run(me->w, 1000);
    me->seconds = (double)(now_ns() - begin) / 1e9;
    if (rc != 0)
        worker_fail(me, rc);
    else if (wici_pending(me->w) > 0)
        worker_fail(me, -ETIMEDOUT);
out:
    free(copies);
    wici_close(&me->w);
    return NULL;
}

/* ---- subscribers and replays */

static int
on_delivery(void *arg, const struct wici_event *event)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    unsigned index;
    uint32_t number;

    me->seen++;
    if (!event_of_run(b, event->event_id, &index, &number))
        return 0;
    if (me->deliver_count == me->deliver_size) {
        size_t size = me->deliver_size == 0 ? 65536 : me->deliver_size * 2;
        uint32_t *grown = realloc(me->deliver_us, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        me->deliver_us = grown;
        me->deliver_size = size;
    }
    me->deliver_us[me->deliver_count++] = (uint32_t)((now_ns() - atomic_load(&b->workers[index].sent_ns[number])) /
                                                     1000);
    return 0;
}

static void *
subscriber_run(void *arg)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    struct wici_subscribe_options options = {.live = 1, .ack_each = 1};
    int rc = worker_connect(me, "s");

    if (rc == 0)
        rc = wici_subscribe(me->w, &options, on_delivery, me, NULL);
    if (rc != 0) {
        worker_fail(me, rc);
        goto out;
    }
    worker_ready(me);
    while (rc == 0 && !atomic_load(&b->stop))
        rc = wici_run(me->w, 20);
    if (rc != 0)
        worker_fail(me, rc);
out:
    wici_close(&me->w);
    return NULL;
}

static int
on_replayed(void *arg, const struct wici_event *event)
{
    struct worker *me = arg;

    me->seen++;
    if (event->seq >= me->until_seq)
        me->until_seq = 0; /* done */
    return 0;
}

static void
on_position(void *arg, uint64_t seq, uint64_t head)
{
    struct worker *me = arg;

    (void)head;
    if (seq >= me->until_seq)
        me->until_seq = 0; /* done: the last records were not for us */
}

static void *
replay_run(void *arg)
{
    struct worker *me = arg;
    struct bench *b = me->bench;
    struct wici_subscribe_options options = {.from_seq = 1, .ack_each = 1, .position_fn = on_position};
    uint64_t begin;
    char *text = NULL;
    json_t *welcome;
    int rc = worker_connect(me, "r");

    if (rc == 0)
        rc = wici_welcome_json(me->w, &text);
    if (rc != 0) {
        worker_fail(me, rc);
        goto out;
    }
    welcome = json_loads(text, 0, NULL);
    me->until_seq = jnum(json_object_get(welcome, "head"), "seq");
    json_decref(welcome);
    worker_ready(me);
    begin = now_ns();
    rc = wici_subscribe(me->w, &options, on_replayed, me, NULL);
    while (rc == 0 && me->until_seq != 0 && !atomic_load(&b->stop))
        rc = wici_run(me->w, 100);
    me->seconds = (double)(now_ns() - begin) / 1e9;
    if (rc != 0)
        worker_fail(me, rc);
out:
    free(text);
    wici_close(&me->w);
    return NULL;
}

/* ---- what came out */

static int
us_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* Percentiles of all workers' times; {} when there are none. */
static json_t *
latency_json(const struct bench *b, bool deliver)
{
    size_t count = 0, at = 0;
    uint32_t *all;
    json_t *json;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++)
        count += deliver ? b->workers[i].deliver_count : b->workers[i].answered;
    if (count == 0)
        return json_object();
    all = malloc(count * sizeof *all);
    if (all == NULL)
        return NULL;
    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        const struct worker *w = &b->workers[i];
        size_t n = deliver ? w->deliver_count : w->answered;

        if (n > 0)
            memcpy(all + at, deliver ? w->deliver_us : w->answer_us, n * sizeof *all);
        at += n;
    }
    qsort(all, count, sizeof *all, us_compare);
    json = json_pack("{s:I,s:I,s:I,s:I}", "count", (json_int_t)count, "p50Us", (json_int_t)all[count / 2], "p99Us",
                     (json_int_t)all[count * 99 / 100], "maxUs", (json_int_t)all[count - 1]);
    free(all);
    return json;
}

static json_t *
result_json(struct bench *b)
{
    uint64_t answered = 0, refused = 0, replayed = 0;
    double seconds = 0, replay_rate = 0;
    size_t size = b->publishers > 0 ? b->workers[0].event_len : 0;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        const struct worker *w = &b->workers[i];

        if (i < b->publishers) {
            answered += w->answered;
            refused += w->refused;
            seconds = w->seconds > seconds ? w->seconds : seconds;
        } else if (i >= b->publishers + b->subscribers && w->seconds > 0) {
            replayed += w->seen;
            replay_rate += (double)w->seen / w->seconds;
        }
    }
    return json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:f,s:f,s:o,s:o,s:I,s:f}", "publishers", (int)b->publishers, "subscribers",
        (int)b->subscribers, "replays", (int)b->replays, "window", (int)b->window, "batch", (int)b->batch, "eventBytes",
        (json_int_t)size, "published", (json_int_t)answered, "refused", (json_int_t)refused, "seconds", seconds,
        "publishedPerSecond", seconds > 0 ? (double)answered / seconds : 0.0, "publishToAnswer", latency_json(b, false),
        "publishToDeliver", latency_json(b, true), "replayed", (json_int_t)replayed, "replayedPerSecond", replay_rate);
}

static void
latency_print(const struct cli *cli, const char *title, const json_t *latency)
{
    char p50[WORDS_TEXT_SIZE], p99[WORDS_TEXT_SIZE], max[WORDS_TEXT_SIZE];

    if (json_object_size(latency) == 0)
        return;
    words_micros(jnum(latency, "p50Us"), cli->pl, p50);
    words_micros(jnum(latency, "p99Us"), cli->pl, p99);
    words_micros(jnum(latency, "maxUs"), cli->pl, max);
    printf(_("%s: half within %s, 99 %% within %s, at most %s (of %llu)\n"), title, p50, p99, max,
           (unsigned long long)jnum(latency, "count"));
}

static int
result_print(struct bench *b, const struct worker *failed)
{
    json_t *json = result_json(b);
    int rc = failed != NULL || jnum(json, "refused") > 0 ? CLI_FAILED : CLI_OK;

    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        if (b->workers[i].error[0] != '\0') {
            cli_warn("%s", b->workers[i].error);
            break;
        }
    }
    if (b->cli->json) {
        cli_print_json(json);
        return rc;
    }
    if (b->publishers > 0) {
        printf(_("published events: %llu of %llu bytes in %.0f s, %.0f/s (refused: %llu)\n"),
               (unsigned long long)jnum(json, "published"), (unsigned long long)jnum(json, "eventBytes"),
               json_real_value(json_object_get(json, "seconds")),
               json_real_value(json_object_get(json, "publishedPerSecond")), (unsigned long long)jnum(json, "refused"));
        latency_print(b->cli, _("publish -> answer"), json_object_get(json, "publishToAnswer"));
        latency_print(b->cli, _("publish -> deliver"), json_object_get(json, "publishToDeliver"));
    }
    if (b->replays > 0)
        printf(_("replayed events: %llu, %.0f/s\n"), (unsigned long long)jnum(json, "replayed"),
               json_real_value(json_object_get(json, "replayedPerSecond")));
    json_decref(json);
    return rc;
}

static int
bench_run(struct bench *b)
{
    unsigned count = b->publishers + b->subscribers + b->replays, started = 0, finished_publishers = 0;
    const struct worker *failed = NULL;
    uint64_t quiet;

    for (; started < count; started++) {
        struct worker *w = &b->workers[started];
        void *(*fn)(void *) = started < b->publishers                    ? publisher_run
                              : started < b->publishers + b->subscribers ? subscriber_run
                                                                         : replay_run;

        w->bench = b;
        w->index = started;
        if (pthread_create(&w->thread, NULL, fn, w) != 0) {
            atomic_store(&b->stop, true);
            break;
        }
    }
    while (atomic_load(&b->ready) < count && !atomic_load(&b->stop))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_store(&b->go, true);
    for (unsigned i = 0; i < started; i++) {
        bool subscriber = i >= b->publishers && i < b->publishers + b->subscribers;

        if (!subscriber) {
            pthread_join(b->workers[i].thread, NULL);
            finished_publishers += i < b->publishers;
        }
    }
    /* Subscribers see the last events a moment later. */
    quiet = b->subscribers > 0 && finished_publishers > 0 ? 500 : 0;
    nanosleep(&(struct timespec){.tv_nsec = (long)quiet * 1000000}, NULL);
    atomic_store(&b->stop, true);
    for (unsigned i = b->publishers; i < started && i < b->publishers + b->subscribers; i++)
        pthread_join(b->workers[i].thread, NULL);
    for (unsigned i = 0; i < started; i++) {
        if (b->workers[i].rc != 0 && failed == NULL)
            failed = &b->workers[i];
    }
    return result_print(b, failed);
}

int
cmd_bench(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"publishers", 'p', N_("N"), 0, N_("clients that publish (1)"), 0},
        {"window", 'w', N_("N"), 0, N_("messages each has under way at once (64)"), 0},
        {"batch", 'b', N_("N"), 0, N_("events a message, 1 to 64 (1)"), 0},
        {"size", 's', N_("BYTES"), 0, N_("about how large an event is (500)"), 0},
        {"subscribers", 'S', N_("N"), 0, N_("clients with a live subscription (0)"), 0},
        {"replays", 'r', N_("N"), 0, N_("clients that replay the log from its beginning (0)"), 0},
        {"seconds", 't', N_("N"), 0, N_("publish that long (5)"), 0},
        {"events", 'n', N_("N"), 0, N_("publish that many with each client, instead of a time"), 0},
        {"type", 'T', N_("TYPE"), 0, N_("type of event (info.provided)"), 0},
        {"opener", 'O', N_("TYPE"), 0, N_("type that opens each publisher's dossier (case.opened)"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {options, NULL,
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
    b->publishers = (unsigned)args_number(&args, 'p', 1, 0);
    b->window = (unsigned)args_number(&args, 'w', 64, 1);
    b->batch = (unsigned)args_number(&args, 'b', 1, 1);
    b->size = (size_t)args_number(&args, 's', 500, 1);
    b->subscribers = (unsigned)args_number(&args, 'S', 0, 0);
    b->replays = (unsigned)args_number(&args, 'r', 0, 0);
    b->events = args_number(&args, 'n', 0, 1);
    b->seconds = b->events != 0 ? 0 : args_number(&args, 't', 5, 1);
    b->type = args_has(&args, 'T') ? args_get(&args, 'T') : "info.provided";
    b->opener = args_has(&args, 'O') ? args_get(&args, 'O') : "case.opened";
    if (b->publishers > 63 || b->subscribers > 63 || b->replays > 63 ||
        b->publishers + b->subscribers + b->replays > BENCH_THREADS_MAX - 1 || b->window > 1024 || b->batch > 64 ||
        b->size > 64000 || b->events > BENCH_EVENTS_MAX / (b->publishers + 1))
        usage_fail(_("more than bench can do: 63 clients, window 1024, batch 64, size 64000, 20 million events"));
    rc = cli_connect(cli);
    role = rc == CLI_OK ? cli_role(cli, "SW") : NULL;
    if (role == NULL) {
        free(b);
        return rc != CLI_OK ? rc : CLI_USAGE;
    }
    b->role = strdup(role);
    if (b->role == NULL || getrandom(b->mark, sizeof b->mark, 0) != (ssize_t)sizeof b->mark)
        rc = CLI_FAILED;
    /* This connection is one of the unit's sessions: it makes room for the others. */
    wici_close(&cli->w);
    if (rc == CLI_OK)
        rc = bench_run(b);
    for (unsigned i = 0; i < BENCH_THREADS_MAX; i++) {
        free(b->workers[i].event);
        free(b->workers[i].sent_ns);
        free(b->workers[i].answer_us);
        free(b->workers[i].deliver_us);
    }
    free(b->role);
    free(b);
    return rc;
}
