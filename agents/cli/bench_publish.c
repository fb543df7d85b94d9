/* bench_publish - the publishers of `wici bench`, see bench.h */
#include "agents/cli/bench.h"

#include "proto/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DRAIN_MS 30000

static uint64_t
wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* ---- the event */

/* Makes a text of the sections longer by that much. False: they have none. */
static bool
text_fill(json_t *json, size_t want)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_array(json)) {
        json_array_foreach(json, i, value) if (text_fill(value, want)) return true;
        return false;
    }
    json_object_foreach(json, key, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), "...") == 0) {
            char *text = malloc(want + 4);

            if (text == NULL)
                return false;
            memset(text, 'x', want + 3);
            text[want + 3] = '\0';
            json_string_set(value, text);
            free(text);
            return true;
        }
        if (text_fill(value, want))
            return true;
    }
    return false;
}

/* A type whose mandatory fields hold no text gets its notes (class S6) as well, when they begin with one. */
static void
text_add(json_t *event, const char *type, const char *role)
{
    json_t *full = event_template(type, role, true), *section, *body;
    const char *name, *field;
    size_t i;

    json_array_foreach(json_object_get(full, "sections"), i, section)
    {
        name = json_object_iter_key(json_object_iter(section));
        body = json_object_get(section, name);
        field = json_object_iter_key(json_object_iter(body));
        if (name != NULL && field != NULL && strcmp(name + strlen(name) - 2, "S6") == 0 &&
            strcmp(jstr(body, field), "...") == 0)
            json_array_append_new(json_object_get(event, "sections"), json_pack("{s:{s:s}}", name, field, "..."));
    }
    json_decref(full);
}

static int
json_encode(struct worker *me, const json_t *event, uint8_t **ret, size_t *ret_len)
{
    char *text = json_dumps(event, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : wici_encode_json(me->w, text, ret, ret_len, NULL);

    free(text);
    return rc;
}

size_t
bench_event_count(const struct bench *b)
{
    return b->to == NULL ? 1 : json_array_size(b->to);
}

static int
event_make(struct worker *me, const char *to, struct bench_event *ret)
{
    const struct bench *b = me->bench;
    json_t *event = event_template(b->type, b->role, false);
    const uint8_t *dossier;
    int rc;

    if (event == NULL)
        return -EINVAL;
    json_object_set_new(json_object_get(event, "header"), "dossierId", json_string(me->dossiers[0]));
    if (to != NULL)
        json_object_set_new(json_object_get(event, "header"), "to", json_pack("[{s:s}]", "unit", to));
    for (unsigned round = 0;; round++) {
        free(ret->bytes);
        ret->bytes = NULL;
        rc = json_encode(me, event, &ret->bytes, &ret->len);
        if (rc != 0 || round == 1 || ret->len >= b->size)
            break;
        if (!text_fill(json_object_get(event, "sections"), b->size - ret->len)) {
            text_add(event, b->type, b->role);
            (void)text_fill(json_object_get(event, "sections"), b->size - ret->len);
        }
    }
    json_decref(event);
    if (rc != 0)
        return rc;
    /* The id is the header's first field: tag, length, 36 characters; the header is the event's first field. */
    for (size_t i = 0; ret->id_at == 0 && i + 38 <= ret->len; i++)
        if (ret->bytes[i] == 0x0a && ret->bytes[i + 1] == 36)
            ret->id_at = i + 2;
    dossier = memmem(ret->bytes, ret->len, me->dossiers[0], 36);
    if (ret->id_at == 0 || dossier == NULL)
        return -EBADMSG;
    ret->dossier_at = (size_t)(dossier - ret->bytes);
    return 0;
}

static int
events_make(struct worker *me)
{
    const struct bench *b = me->bench;
    size_t count = bench_event_count(b);
    int rc = 0;

    me->events = calloc(count, sizeof *me->events);
    if (me->events == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = event_make(me, b->to == NULL ? NULL : json_string_value(json_array_get(b->to, i)), &me->events[i]);
    return rc;
}

static void
event_id_make(const struct bench *b, unsigned index, uint32_t number, char ret[37])
{
    uint8_t random[10], id[16];

    memcpy(random, b->mark, 4);
    random[4] = (uint8_t)(index >> 8);
    random[5] = (uint8_t)index;
    for (unsigned i = 0; i < 4; i++)
        random[6 + i] = (uint8_t)(number >> (24 - 8 * i));
    uuid7_make(wall_ms(), random, id);
    uuid_format(id, ret);
}

bool
bench_event_is_ours(const struct bench *b, const char *event_id, unsigned *ret_index, uint32_t *ret_number)
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

/* ---- answers */

static void
refusal_keep(struct worker *me, const struct wici_error *refusal)
{
    if (me->refused++ == 0)
        snprintf(me->error, sizeof me->error, "%s %s: %.200s", refusal->code, refusal->path,
                 me->bench->cli->pl ? refusal->pl : refusal->en);
}

static void
on_opened(void *arg, const struct wici_answer *answer)
{
    if (answer->refusal != NULL)
        refusal_keep(arg, answer->refusal);
}

static void
on_answer(void *arg, const struct wici_answer *answer)
{
    struct worker *me = arg;
    uint64_t now = bench_now_ns();
    unsigned index;
    uint32_t number;

    if (answer->refusal != NULL) {
        refusal_keep(me, answer->refusal);
        return;
    }
    for (uint64_t last = atomic_load(&me->bench->last_seq); last < answer->seq;)
        if (atomic_compare_exchange_weak(&me->bench->last_seq, &last, answer->seq))
            break;
    if (bench_event_is_ours(me->bench, answer->event_id, &index, &number) &&
        times_add(&me->answers, (now - atomic_load(&me->sent_ns[number])) / 1000) != 0)
        (void)worker_fail(me, -ENOMEM);
}

static int
drain(struct worker *me)
{
    uint64_t begin = bench_now_ns();
    int rc = 0;

    while (rc == 0 && wici_pending(me->w) > 0) {
        if (bench_now_ns() - begin >= DRAIN_MS * UINT64_C(1000000))
            return -ETIMEDOUT;
        rc = wici_run(me->w, 1000);
    }
    return rc;
}

/* ---- dossiers */

static int
json_publish(struct worker *me, json_t *event)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = event == NULL ? -EINVAL : json_encode(me, event, &bytes, &len);

    while (rc == 0 && (rc = wici_publish(me->w, bytes, len, on_opened, me)) == -EAGAIN)
        rc = wici_run(me->w, 1000);
    if (rc == 0)
        rc = wici_run(me->w, 0);
    free(bytes);
    return rc;
}

static int
dossiers_open(struct worker *me)
{
    const struct bench *b = me->bench;
    int rc = 0;

    me->dossiers = calloc(b->dossiers, sizeof *me->dossiers);
    if (me->dossiers == NULL)
        return -ENOMEM;
    for (unsigned i = 0; rc == 0 && i < b->dossiers && me->refused == 0 && !atomic_load(&me->bench->stop); i++) {
        json_t *event = event_template(b->opener, b->role, false);

        if (event != NULL)
            snprintf(me->dossiers[i], sizeof me->dossiers[i], "%s",
                     jstr(json_object_get(event, "header"), "dossierId"));
        rc = json_publish(me, event);
        json_decref(event);
    }
    if (rc == 0)
        rc = drain(me);
    return rc;
}

/* ---- publishing */

/* Publishes one message of `count` events. */
static int
batch_publish(struct worker *me, uint32_t first, unsigned count, uint8_t *copies)
{
    const uint8_t *events[64];
    size_t lens[64];

    for (unsigned i = 0; i < count; i++) {
        unsigned dossier = (first + i) % me->bench->dossiers;
        const struct bench_event *event =
            &me->events[((size_t)me->index * me->bench->dossiers + dossier) % bench_event_count(me->bench)];
        char id[37];

        event_id_make(me->bench, me->index, first + i, id);
        memcpy(copies, event->bytes, event->len);
        memcpy(copies + event->id_at, id, 36);
        memcpy(copies + event->dossier_at, me->dossiers[dossier], 36);
        events[i] = copies;
        lens[i] = event->len;
        copies += event->len;
        atomic_store(&me->sent_ns[first + i], bench_now_ns());
    }
    return wici_publish_many(me->w, events, lens, count, on_answer, me);
}

static int
publish_all(struct worker *me, uint64_t max, uint8_t *copies)
{
    struct bench *b = me->bench;
    uint64_t begin = bench_now_ns();
    int rc = 0;

    while (rc == 0 && !atomic_load(&b->stop)) {
        uint64_t sent = atomic_load(&me->sent);
        unsigned count = sent + b->batch <= max ? b->batch : (unsigned)(max - sent);

        if (count == 0 || (b->seconds != 0 && bench_now_ns() - begin >= b->seconds * UINT64_C(1000000000)))
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
    if (rc == 0)
        rc = drain(me);
    me->seconds = (double)(bench_now_ns() - begin) / 1e9;
    return rc;
}

static size_t
event_len_max(const struct worker *me)
{
    size_t max = 0;

    for (size_t i = 0; i < bench_event_count(me->bench); i++)
        max = me->events[i].len > max ? me->events[i].len : max;
    return max;
}

void *
bench_publisher_run(void *arg)
{
    struct worker *me = arg;
    const struct bench *b = me->bench;
    uint64_t max = b->events != 0 ? b->events : BENCH_EVENTS_MAX / b->publishers;
    _Atomic uint64_t *sent_ns;
    uint8_t *copies = NULL;
    int rc = worker_connect(me, "p");

    if (rc == 0)
        rc = dossiers_open(me);
    if (rc == 0)
        rc = events_make(me);
    if (rc == 0) {
        sent_ns = calloc(max, sizeof *sent_ns);
        atomic_store(&me->sent_ns, sent_ns);
        copies = malloc(event_len_max(me) * b->batch);
        rc = sent_ns == NULL || copies == NULL ? -ENOMEM : 0;
    }
    if (rc == 0) {
        worker_ready(me);
        rc = publish_all(me, max, copies);
    }
    if (rc != 0)
        (void)worker_fail(me, rc);
    free(copies);
    wici_close(&me->w);
    return NULL;
}
