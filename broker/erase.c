/*
 * erase - see erase.h
 *
 * Nothing here is kept on disk beside the log's own records: what is intended and not done shows from them, and all
 * steps after the intent may be done twice.
 */
#include "broker/erase.h"
#include "broker/access.h"
#include "broker/erase_filter.h"
#include "broker/erase_repeat.h"
#include "broker/erase_scan.h"
#include "broker/erase_write.h"
#include "broker/fold.h"
#include "broker/log.h"
#include "broker/query.h"
#include "broker/reply.h"
#include "broker/sequence.h"
#include "store/doc.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FOLD_PIECE      64u        /* records folded between two looks at the clock */
#define FOLD_US_MIN     2000u      /* of folding in one tick */
#define FOLD_US_MAX     20000u     /* ... where the rest of a tick takes as long */
#define ROW_BYTES       (4u << 12) /* what rewriting a row may take of the map: the path to it */
#define ROWS_FEW        16u        /* rows rewritten in one tick, where the map has little room */
#define NO_ROOM_WAIT_MS 5000u

enum stage { STAGE_IDLE, STAGE_SCAN, STAGE_DOCUMENTS, STAGE_ROWS };

/* Whoever asked; route and key tell whether the session is still the same one. */
struct asker {
    struct front_route route;
    char key[FRONT_KEY_SIZE]; /* "": nobody waits any more */
    uint32_t request;
};

static_assert(ERASE_RECORDS_MAX < STORE_BATCH_MAX, "the intent and its notices fit one batch of the store");

struct eraser {
    enum stage stage;
    bool preview;
    struct asker asker;
    struct erase_scan scan;
    struct erase_order order;
    uint64_t intended_seq;
    uint64_t *rows; /* the records to be rewritten */
    size_t row_at, row_count;
    size_t key_at;       /* whose documents are next */
    uint64_t no_room_ms; /* boot time: not before */

    struct core *fresh; /* the state that is folded anew; NULL: none is */
    struct fold fold;
    uint64_t stepped_us; /* when the last step ended */
};

static uint64_t
now_us(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void
idle(struct eraser *e)
{
    erase_scan_free(&e->scan);
    free(e->rows);
    e->rows = NULL;
    e->row_at = e->row_count = e->key_at = 0;
    e->intended_seq = 0;
    e->asker = (struct asker){.request = 0};
    e->stage = STAGE_IDLE;
}

/* ---- answering */

static struct session *
asker_session(const struct broker *b, const struct eraser *e)
{
    return e->asker.key[0] == '\0' ? NULL : sessions_find(b->sessions, &e->asker.route, e->asker.key);
}

static void
asker_refuse(struct broker *b, struct eraser *e, enum error_code code, const char *field)
{
    struct session *session = asker_session(b, e);
    struct refusal refusal;
    char path[64];

    (void)snprintf(path, sizeof path, "query.%s%s", e->preview ? "erasePreview" : "erase", field);
    (void)query_refuse(&refusal, code, path);
    if (session != NULL)
        reply_refused(b, &session->route, session->unit, &refusal, 0, e->asker.request);
}

/* What was found, with how far it has come. */
static void
asker_answer(struct broker *b, struct eraser *e)
{
    struct session *session = asker_session(b, e);
    Wici__V1__BrokerMessage message;
    Wici__V1__QueryResult result;
    Wici__V1__Erasure *erasure = NULL;

    if (session == NULL)
        return;
    arena_reset(b->reply_arena);
    if (erase_found(b, &e->scan, &erasure) != 0) {
        asker_refuse(b, e, E_LIMIT, "");
        return;
    }
    erasure->intended_seq = e->intended_seq;
    erasure->done = e->intended_seq != 0;
    wici__v1__broker_message__init(&message);
    wici__v1__query_result__init(&result);
    result.request = e->asker.request;
    result.result_case = e->preview ? WICI__V1__QUERY_RESULT__RESULT_ERASE_PREVIEW
                                    : WICI__V1__QUERY_RESULT__RESULT_ERASE;
    result.erase = erasure; /* the two are one member */
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT;
    message.query_result = &result;
    reply_queue_for(b, session, &message);
}

/* ---- asking */

/* They were erased by an earlier order. */
static int
answer_before(struct broker *b, const uint8_t id[16], Wici__V1__QueryResult *result)
{
    Wici__V1__Erasure *erasure = arena_alloc(b->reply_arena, sizeof *erasure);
    bool done = false;

    if (erasure == NULL)
        return -ENOBUFS;
    wici__v1__erasure__init(erasure);
    erasure->intended_seq = core_erased(b->core, id, &done);
    erasure->done = done;
    erasure->before = true;
    result->erase = erasure;
    return 0;
}

/* Takes the ids that are named. 0: all were erased before. */
static int
asked_take(struct broker *b, struct erase_scan *scan, char *const *ids, size_t count, const char *path,
           Wici__V1__QueryResult *result, struct refusal *refusal)
{
    uint8_t id[16] = {0};
    bool done;
    int rc;

    if (count == 0)
        return query_refuse(refusal, E_REQUEST, path);
    if (count > ERASE_ASKED_MAX)
        return query_refuse(refusal, E_LIMIT, path);
    for (size_t i = 0; i < count; i++) {
        if (uuid_parse(ids[i], id) != 0)
            return query_refuse(refusal, E_REQUEST, path);
        if (core_erased(b->core, id, &done) == 0)
            memcpy(scan->asked[scan->asked_count++], id, sizeof id);
    }
    if (scan->asked_count == 0)
        return answer_before(b, id, result);
    rc = erase_scan_begin(b, scan);
    if (rc == -ENOENT)
        return query_refuse(refusal, E_UNKNOWN, path);
    if (rc == -ENOBUFS)
        return query_refuse(refusal, E_LIMIT, path);
    return rc == 0 ? -EINPROGRESS : rc;
}

static int
ask(struct broker *b, const struct session *session, uint32_t request, bool preview, char *const *ids, size_t count,
    Wici__V1__QueryResult *result, struct refusal *refusal)
{
    const char *path = preview ? "query.erasePreview.dossiers" : "query.erase.dossiers";
    struct eraser *e = b->eraser;
    int rc;

    if (e->stage != STAGE_IDLE)
        return query_refuse(refusal, E_BUSY, preview ? "query.erasePreview" : "query.erase");
    result->result_case = preview ? WICI__V1__QUERY_RESULT__RESULT_ERASE_PREVIEW : WICI__V1__QUERY_RESULT__RESULT_ERASE;
    rc = asked_take(b, &e->scan, ids, count, path, result, refusal);
    if (rc != -EINPROGRESS) {
        idle(e);
        return rc;
    }
    e->stage = STAGE_SCAN;
    e->preview = preview;
    e->asker = (struct asker){.route = session->route, .request = request};
    memcpy(e->asker.key, session->key, sizeof e->asker.key);
    return -EINPROGRESS;
}

int
erase_preview(struct broker *b, const struct session *session, uint32_t request,
              const Wici__V1__ErasePreviewQuery *asked, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    if (!core_unit_is(b->core, session->unit, WICI__V1__ROLE__ADM))
        return query_refuse(refusal, E_UNKNOWN, "query.erasePreview");
    return ask(b, session, request, true, asked->dossiers, asked->n_dossiers, result, refusal);
}

int
erase_order(struct broker *b, const struct session *session, uint32_t request, const Wici__V1__EraseQuery *asked,
            Wici__V1__QueryResult *result, struct refusal *refusal)
{
    struct erase_order order;
    struct core_unit unit;
    int rc;

    if (!core_unit_is(b->core, session->unit, WICI__V1__ROLE__ADM))
        return query_refuse(refusal, E_UNKNOWN, "query.erase");
    core_unit(b->core, session->unit, &unit);
    rc = erase_order_take(&order, asked, unit.id, refusal);
    if (rc == 0)
        rc = ask(b, session, request, false, asked->dossiers, asked->n_dossiers, result, refusal);
    if (rc == -EINPROGRESS)
        b->eraser->order = order;
    return rc;
}

/* ---- the state, anew */

static void
fold_end(struct eraser *e)
{
    fold_close(&e->fold);
    core_destroy(&e->fresh);
}

/* One that is under way began with less erased: it begins anew. */
static int
fold_begin(struct broker *b)
{
    struct eraser *e = b->eraser;
    int rc;

    fold_end(e);
    rc = core_create(&e->fresh);
    return rc == 0 ? fold_open(&e->fold, b->store, e->fresh, NULL) : rc;
}

/* Goes on for about as long as the rest of a tick takes; takes the place of the state in use once it has come as far.
 */
static int
fold_step(struct broker *b)
{
    struct eraser *e = b->eraser;
    uint64_t started_us = now_us(), rest_us = started_us - e->stepped_us;
    size_t folded = 0;
    int rc = 0;

    if (rest_us < FOLD_US_MIN)
        rest_us = FOLD_US_MIN;
    if (rest_us > FOLD_US_MAX)
        rest_us = FOLD_US_MAX;
    while (rc == 0 && e->fold.seq < store_head(b->store) && folded < ERASE_FOLD_RECORDS &&
           now_us() - started_us < rest_us) {
        rc = fold_some(&e->fold, FOLD_PIECE);
        folded += FOLD_PIECE;
    }
    if (rc == 0 && e->fold.seq == store_head(b->store)) {
        core_swap(b->core, e->fresh);
        fold_end(e);
        log_info("erase: the state was made anew without what was erased (seq=%" PRIu64 ")", store_head(b->store));
    }
    return rc;
}

/* ---- intent and keys */

static int
keys_destroy(struct broker *b)
{
    struct erase_scan *s = &b->eraser->scan;
    int rc = 0;

    for (size_t i = 0; i < s->goes && rc == 0; i++)
        rc = store_key_erase_marked(b->store, s->members[i].entry,
                                    core_erased_entry_mark(b->core, s->members[i].entry));
    return rc;
}

/* From the commit here on there is no way back. */
static int
intend(struct broker *b)
{
    struct eraser *e = b->eraser;
    int rc = erase_intend(b, &e->scan, &e->order, &e->intended_seq);

    if (rc == -ENOSPC || rc == -ENOBUFS) {
        asker_refuse(b, e, rc == -ENOSPC ? E_FULL : E_LIMIT, "");
        idle(e);
        return 0;
    }
    if (rc == 0)
        rc = store_commit(b->store);
    if (rc == 0)
        rc = keys_destroy(b);
    if (rc == 0)
        rc = erase_cursors_blank(b); /* now: a subscriber that comes back finds its cursor under the blanked filter */
    if (rc != 0)
        return rc;
    log_info("erase: intended and the keys destroyed (seq=%" PRIu64 ", records=%zu)", e->intended_seq, e->scan.count);
    erase_readers_stop(b);
    e->rows = e->scan.seqs; /* kept on under another name, for what goes on after a restart too */
    e->row_count = e->scan.count;
    e->scan.seqs = NULL;
    e->stage = STAGE_DOCUMENTS;
    return fold_begin(b);
}

static int
scan_step(struct broker *b)
{
    struct eraser *e = b->eraser;
    bool complete = false;
    int rc = erase_scan_some(b, &e->scan, &complete);

    if (rc == -ENOBUFS || rc == -EBUSY || rc == -ENOENT) {
        asker_refuse(b, e, rc == -ENOBUFS ? E_LIMIT : rc == -EBUSY ? E_BUSY : E_UNKNOWN, ".dossiers");
        idle(e);
        return 0;
    }
    if (rc != 0 || !complete)
        return rc;
    if (!e->preview)
        return intend(b);
    asker_answer(b, e);
    idle(e);
    return 0;
}

/* ---- documents, rows, and the end */

/* The documents of one dossier, a bounded number: each has a key of its own. */
static int
documents_step(struct broker *b)
{
    struct eraser *e = b->eraser;
    struct core_erasure erasure;
    size_t count = 0;
    int rc;

    if (!erase_find(b, e->intended_seq, &erasure))
        return -EBADMSG;
    if (e->key_at == erasure.count) {
        e->stage = STAGE_ROWS;
        return 0;
    }
    rc = store_doc_erase(b->store, erasure.entries[e->key_at], &count);
    if (rc == 0 && count == 0)
        e->key_at++;
    return rc;
}

static int
rows_step(struct broker *b)
{
    struct eraser *e = b->eraser;
    size_t max = ERASE_STEP_RECORDS;
    int rc = 0;

    if (b->clock.mono_ms < e->no_room_ms)
        return 0;
    for (; max >= ROWS_FEW; max /= ROWS_FEW)
        if ((rc = store_room_own(b->store, 0, max * ROW_BYTES)) != -ENOSPC)
            break;
    if (rc == -ENOSPC) {
        log_warn("erase: the log has no room to take content out: make data.size_max larger; going on when there is");
        e->no_room_ms = b->clock.mono_ms + NO_ROOM_WAIT_MS;
        return 0;
    }
    for (size_t i = 0; i < max && e->row_at < e->row_count && rc == 0; i++)
        rc = store_content_drop(b->store, e->rows[e->row_at++]);
    return rc;
}

/* No row holds content any more: the index forgets too, and it is recorded that it is done. */
static int
finish(struct broker *b)
{
    struct eraser *e = b->eraser;
    struct core_erasure erasure;
    int rc = erase_room_done(b);

    if (rc == -ENOSPC) {
        e->no_room_ms = b->clock.mono_ms + NO_ROOM_WAIT_MS;
        return 0;
    }
    if (rc == 0 && !erase_find(b, e->intended_seq, &erasure))
        rc = -EBADMSG;
    for (size_t i = 0; rc == 0 && i < erasure.count; i++)
        rc = store_find_drop(b->store, erasure.entries[i]);
    if (rc == 0)
        rc = erase_cursors_blank(b);
    if (rc == 0)
        rc = erase_done(b, e->intended_seq, e->row_count);
    if (rc != 0)
        return rc;
    log_info("erase: done (intended by seq=%" PRIu64 ", records=%zu)", e->intended_seq, e->row_count);
    asker_answer(b, e); /* leaves after the commit of what was just recorded */
    idle(e);
    return 0;
}

/* ---- a step */

bool
erase_holds(const struct broker *b)
{
    return b->eraser->stage == STAGE_SCAN && !b->eraser->preview;
}

/* What would be found meanwhile is of no use: it has to be complete at the moment of the intent. */
static bool
waits_for_backup(const struct broker *b)
{
    return erase_holds(b) && backups_copying(b->backups);
}

/* What an earlier broker, or an earlier order, left to do. */
static int
pending_take(struct broker *b)
{
    struct eraser *e = b->eraser;

    for (size_t i = 0; i < core_erasure_count(b->core); i++) {
        struct core_erasure erasure;

        core_erasure(b->core, i, &erasure);
        if (erasure.done_seq != 0)
            continue;
        e->stage = STAGE_DOCUMENTS;
        e->intended_seq = erasure.seq;
        return erase_rows(b, erasure.seq, &e->rows, &e->row_count);
    }
    return 0;
}

int
erase_step(struct broker *b)
{
    struct eraser *e = b->eraser;
    int rc = 0;

    if (!erase_is_due(b))
        return 0;
    switch (e->stage) {
    case STAGE_IDLE: break;
    case STAGE_SCAN: rc = waits_for_backup(b) ? 0 : scan_step(b); break;
    case STAGE_DOCUMENTS: rc = documents_step(b); break;
    case STAGE_ROWS:
        rc = e->row_at < e->row_count || b->clock.mono_ms < e->no_room_ms ? rows_step(b) : finish(b);
        break;
    }
    if (rc == 0)
        rc = store_commit(b->store); /* a batch of its own: with one open the log cannot grow for what is received */
    if (rc == 0 && e->stage == STAGE_IDLE)
        rc = pending_take(b);
    if (rc == 0 && e->fresh != NULL)
        rc = fold_step(b);
    e->stepped_us = now_us();
    if (rc != 0)
        log_error("erase: it cannot go on: %s", store_why(rc, store_damage(b->store)));
    return rc;
}

bool
erase_is_due(const struct broker *b)
{
    const struct eraser *e = b->eraser;

    if (e->fresh != NULL || (e->stage == STAGE_SCAN && !waits_for_backup(b)) || e->stage == STAGE_DOCUMENTS)
        return true;
    return e->stage == STAGE_ROWS && b->clock.mono_ms >= e->no_room_ms;
}

int
erase_open(struct broker *b)
{
    int rc;

    b->eraser = calloc(1, sizeof *b->eraser);
    if (b->eraser == NULL)
        return -ENOMEM;
    rc = erase_repeat(b);
    return rc == 0 ? pending_take(b) : rc;
}

void
erase_close(struct broker *b)
{
    if (b->eraser == NULL)
        return;
    idle(b->eraser);
    fold_end(b->eraser);
    free(b->eraser);
    b->eraser = NULL;
}
