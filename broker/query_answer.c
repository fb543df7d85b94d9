/*
 * query_answer - which function answers which question; and the answers about the broker itself and about cursors
 *
 * "Unknown" and "not yours" are one answer, E_UNKNOWN, as everywhere.
 */
#include "broker/query_answer.h"
#include "broker/access.h"
#include "broker/cursor.h"
#include "broker/erase.h"
#include "broker/reply.h"
#include "broker/shown.h"
#include "broker/talk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- cursors */

struct cursor_list {
    struct broker *b;
    Wici__V1__CursorInfo **items; /* NULL while counting */
    size_t count;
};

static int
cursor_add(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct cursor_list *list = arg;
    struct arena *arena = list->b->reply_arena;
    uint64_t head = store_head(list->b->store);
    uint32_t index = core_unit_by_id(list->b->core, unit);
    Wici__V1__CursorInfo *info;

    if (list->items == NULL) {
        list->count++;
        return 0;
    }
    info = arena_alloc(arena, sizeof *info);
    if (info == NULL)
        return -ENOBUFS;
    wici__v1__cursor_info__init(info);
    info->unit = arena_text(arena, unit);
    info->cursor = arena_text(arena, name);
    info->seq = cursor->seq;
    info->lag = head > cursor->seq ? head - cursor->seq : 0;
    if (cursor->acked_ms != 0 && (info->last_ack = query_time(arena, cursor->acked_ms)) == NULL)
        return -ENOBUFS;
    if (cursor->filter_len > 0)
        info->filter = wici__v1__filter__unpack(arena_allocator(arena), cursor->filter_len, cursor->filter);
    info->connected = index != CORE_UNIT_NONE && cursor_reader(list->b, index, name) != NULL;
    if (info->unit == NULL || info->cursor == NULL)
        return -ENOBUFS;
    list->items[list->count++] = info;
    return 0;
}

/* A unit's cursors; all units' for an administrator. -ENOBUFS: more than one answer holds. */
static int
cursors_fill(struct broker *b, uint32_t unit, size_t *ret_count, Wici__V1__CursorInfo ***ret)
{
    struct cursor_list list = {.b = b};
    struct core_unit u;
    const char *whose;
    int rc;

    core_unit(b->core, unit, &u);
    whose = core_unit_is(b->core, unit, WICI__V1__ROLE__ADM) ? NULL : u.id;
    rc = cursors_write(b); /* what was acknowledged counts as it stands */
    if (rc == 0)
        rc = store_cursor_each(b->store, whose, cursor_add, &list);
    if (rc != 0)
        return rc;
    list.items = arena_alloc(b->reply_arena, (list.count + 1) * sizeof(Wici__V1__CursorInfo *));
    if (list.items == NULL)
        return -ENOBUFS;
    list.count = 0;
    rc = store_cursor_each(b->store, whose, cursor_add, &list);
    *ret_count = list.count;
    *ret = list.items;
    return rc;
}

/* Takes a cursor of the asker's own away; an administrator those of folders and programs that other units have given
 * up, too. It loses nothing of the log: who still reads with it begins again. */
static int
cursor_drop(struct broker *b, uint32_t unit, const Wici__V1__CursorDrop *drop, Wici__V1__QueryResult *result,
            struct refusal *refusal)
{
    Wici__V1__CursorDropped *dropped = arena_alloc(b->reply_arena, sizeof *dropped);
    const char *name = drop->cursor;
    struct core_unit u;
    int rc;

    if (dropped == NULL)
        return -ENOBUFS;
    if (drop->unit[0] != '\0') {
        uint32_t whose = core_unit_by_id(b->core, drop->unit);

        if (whose == CORE_UNIT_NONE || (whose != unit && !core_unit_is(b->core, unit, WICI__V1__ROLE__ADM)))
            return query_refuse(refusal, E_CURSOR, "query.cursorDrop.unit");
        unit = whose;
    }
    if (cursor_reader(b, unit, name) != NULL)
        return query_refuse(refusal, E_STATE, "query.cursorDrop.cursor"); /* unsubscribe first */
    core_unit(b->core, unit, &u);
    if (name[0] == '\0' || strlen(name) > ID_LEN_MAX)
        return query_refuse(refusal, E_CURSOR, "query.cursorDrop.cursor");
    rc = store_cursor_drop(b->store, u.id, name);
    if (rc == -ENOENT)
        return query_refuse(refusal, E_CURSOR, "query.cursorDrop.cursor");
    if (rc != 0)
        return rc;
    wici__v1__cursor_dropped__init(dropped);
    dropped->cursor = TEXT(name);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CURSOR_DROPPED;
    result->cursor_dropped = dropped;
    return 0;
}

/* ---- status */

static int
status_fill(struct broker *b, uint32_t unit, Wici__V1__QueryResult *result)
{
    Wici__V1__Status *s = arena_alloc(b->reply_arena, sizeof *s);
    size_t len;

    if (s == NULL)
        return -ENOBUFS;
    wici__v1__status__init(s);
    s->origin = TEXT(store_identity(b->store)->origin);
    s->head = reply_head(b, b->reply_arena);
    s->safe_up_to = backups_safe_up_to(b->backups);
    s->last_fsync_us = b->stats.last_commit_us;
    s->commits = b->stats.commits;
    if (core_unit_is(
            b->core, unit,
            WICI__V1__ROLE__ADM)) { /* a count that rises tells others that a dossier was opened, or who came */
        s->sessions = sessions_count(b->sessions);
        s->subscriptions = sessions_streams(b->sessions);
        s->dossiers = core_dossier_count(b->core);
    }
    s->store_bytes = store_bytes(b->store);
    s->store_bytes_max = store_bytes_max(b->store);
    (void)checkpoints_newest(b->checkpoints, &len, &s->signed_up_to);
    s->index_behind = store_find_behind(b->store);
    s->fsync_policy = TEXT("every commit, before the answer");
    s->software = TEXT("wicid " WICI_VERSION);
    s->started = query_time(b->reply_arena, b->stats.started_ms);
    if (s->head == NULL || s->started == NULL || erasures_status(b, unit, s) != 0)
        return -ENOBUFS;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_STATUS;
    result->status = s;
    return cursors_fill(b, unit, &s->n_cursors, &s->cursors);
}

/* ---- checkpoints */

static int
checkpoint_fill(struct broker *b, Wici__V1__QueryResult *result)
{
    const struct log_keys *keys = checkpoints_keys(b->checkpoints);
    Wici__V1__Checkpoint *c = arena_alloc(b->reply_arena, sizeof *c);
    Wici__V1__LogKey **list = arena_alloc(b->reply_arena, (keys->count + 1) * sizeof(Wici__V1__LogKey *));
    size_t len;

    if (c == NULL || list == NULL)
        return -ENOBUFS;
    wici__v1__checkpoint__init(c);
    c->note = TEXT(checkpoints_newest(b->checkpoints, &len, &c->size));
    for (size_t i = 0; i < keys->count; i++) {
        char *vkey = arena_alloc(b->reply_arena, NOTE_KEY_TEXT_SIZE);

        list[i] = arena_alloc(b->reply_arena, sizeof **list);
        if (list[i] == NULL || vkey == NULL)
            return -ENOBUFS;
        wici__v1__log_key__init(list[i]);
        note_key_format(&keys->at[i], vkey);
        list[i]->vkey = vkey;
        list[i]->seq = keys->seq[i];
        list[i]->endorsed = TEXT(keys->endorsed[i]);
    }
    c->n_keys = keys->count;
    c->keys = list;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CHECKPOINT;
    result->checkpoint = c;
    return 0;
}

/* ---- backups */

static int
backup_fill(struct broker *b, uint32_t unit, const char *label, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__Backup *m = arena_alloc(b->reply_arena, sizeof *m);
    struct backup_view view;
    int rc = 0;

    if (m == NULL)
        return -ENOBUFS;
    if (!core_unit_is(b->core, unit, WICI__V1__ROLE__ADM))
        return query_refuse(refusal, E_UNKNOWN, "query.backup");
    if (label[0] != '\0')
        rc = backups_ask(b->backups, label, b->clock.now_ms);
    if (rc == -EINVAL)
        return query_refuse(refusal, E_REQUEST, "query.backup.label");
    if (rc == -EBUSY)
        return query_refuse(refusal, E_STATE, "query.backup"); /* one at a time */
    if (rc != 0)
        return rc;
    backups_view(b->backups, &view);
    wici__v1__backup__init(m);
    m->state = TEXT(view.word);
    m->failure = TEXT(view.failure);
    m->label = arena_text(b->reply_arena, view.label);
    m->records = view.records;
    m->bytes = view.bytes;
    m->safe_up_to = backups_safe_up_to(b->backups);
    if ((view.started_ms != 0 && (m->started = query_time(b->reply_arena, view.started_ms)) == NULL) ||
        (view.ended_ms != 0 && (m->ended = query_time(b->reply_arena, view.ended_ms)) == NULL) || m->label == NULL)
        return -ENOBUFS;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_BACKUP;
    result->backup = m;
    return 0;
}

/* ---- */

/* An auditor's looking is recorded, also where only what follows from events is told: in the commit that the answer
 * waits for. */
static int
told_record(struct broker *b, const struct session *session, const Wici__V1__Query *query, const char *question,
            const char *dossier, uint64_t seq, struct refusal *refusal)
{
    uint8_t id[16];
    uint32_t entry = dossier[0] != '\0' && uuid_parse(dossier, id) == 0 ? core_dossier_for(b->core, session->unit, id)
                                                                        : 0;
    int rc;

    if (query->reason[0] != '\0' && !reason_is_valid(query->reason))
        return query_refuse(refusal, E_REASON, "query.reason");
    rc = access_told_auditor(b, session, question, entry, seq, query->reason);
    return rc == -ENOSPC ? query_refuse(refusal, E_FULL, "query") : rc;
}

static int
result_fill(struct broker *b, struct session *session, const Wici__V1__Query *query, struct store_slice *slice,
            Wici__V1__QueryResult *result, struct refusal *refusal)
{
    uint32_t unit = session->unit;
    Wici__V1__Cursors *cursors;
    int rc;

    switch ((unsigned)query->what_case) { /* unsigned: protobuf-c adds a value that is none */
    case WICI__V1__QUERY__WHAT_DIRECTORY:
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_DIRECTORY;
        rc = core_directory(b->core, b->reply_arena, &result->directory);
        return rc == -ENOMEM ? -ENOBUFS : rc;
    case WICI__V1__QUERY__WHAT_POLICY:
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_POLICY;
        rc = core_policy(b->core, b->reply_arena, &result->policy);
        if (rc == -ENOENT)
            return query_refuse(refusal, E_UNKNOWN, "query.policy");
        return rc == -ENOMEM ? -ENOBUFS : rc;
    case WICI__V1__QUERY__WHAT_STATUS: return status_fill(b, unit, result);
    case WICI__V1__QUERY__WHAT_CURSORS:
        cursors = arena_alloc(b->reply_arena, sizeof *cursors);
        if (cursors == NULL)
            return -ENOBUFS;
        wici__v1__cursors__init(cursors);
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_CURSORS;
        result->cursors = cursors;
        return cursors_fill(b, unit, &cursors->n_cursors, &cursors->cursors);
    case WICI__V1__QUERY__WHAT_CURSOR_DROP: return cursor_drop(b, unit, query->cursor_drop, result, refusal);
    case WICI__V1__QUERY__WHAT_EXPLAIN:
        rc = explain_fill(b, unit, query->explain, slice, result, refusal);
        return rc != 0 ? rc : told_record(b, session, query, "explain", "", result->explanation->seq, refusal);
    case WICI__V1__QUERY__WHAT_GROUP:
        rc = group_fill(b, unit, query->group->dossier, result, refusal);
        return rc != 0 ? rc : told_record(b, session, query, "group", query->group->dossier, 0, refusal);
    case WICI__V1__QUERY__WHAT_FETCHED: return fetched_fill(b, unit, query->fetched, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_CHECKPOINT: return checkpoint_fill(b, result);
    case WICI__V1__QUERY__WHAT_RECEIPT: return proof_receipt(b, session, query->receipt, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_INCLUSION: return proof_inclusion(b, query->inclusion, result, refusal);
    case WICI__V1__QUERY__WHAT_CONSISTENCY: return proof_consistency(b, query->consistency, result, refusal);
    case WICI__V1__QUERY__WHAT_CLOCKS: return clocks_fill(b, session->unit, query->clocks, result, refusal);
    case WICI__V1__QUERY__WHAT_WORK: return work_fill(b, unit, query->work, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_COURSES:
        rc = courses_fill(b, unit, query->courses, result, refusal);
        return rc != 0 ? rc : told_record(b, session, query, "courses", query->courses->dossier, 0, refusal);
    case WICI__V1__QUERY__WHAT_BACKUP: return backup_fill(b, unit, query->backup->label, result, refusal);
    case WICI__V1__QUERY__WHAT_LEAVES: return proof_leaves(b, unit, query->leaves, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_ERASE_PREVIEW:
        return erase_preview(b, session, query->request, query->erase_preview, result, refusal);
    case WICI__V1__QUERY__WHAT_ERASE: return erase_order(b, session, query->request, query->erase, result, refusal);
    case WICI__V1__QUERY__WHAT_ERASURES: return erasures_fill(b, unit, query->erasures, result, refusal);
    case WICI__V1__QUERY__WHAT_OUTSIDE: return outside_fill(b, session, query->outside, slice, result, refusal);
    case WICI__V1__QUERY__WHAT__NOT_SET:
    default: return query_refuse(refusal, E_REQUEST, "query");
    }
}

int
query_answer(struct broker *b, struct session *session, const Wici__V1__Query *query)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__QueryResult result;
    struct refusal refusal = {.code = E_NONE};
    struct store_slice *slice = NULL;
    int rc = store_slice_begin(b->store, &slice);

    if (rc != 0)
        return rc;
    arena_reset(b->reply_arena);
    wici__v1__broker_message__init(&message);
    wici__v1__query_result__init(&result);
    result.request = query->request;
    if (query->what_case == WICI__V1__QUERY__WHAT_SHOWN) {
        store_slice_end(&slice);
        rc = shown_begin(b, session, query->request, query->shown, &refusal);
        if (rc == -EACCES)
            reply_refused(b, &session->route, session->unit, &refusal, 0, query->request);
        return rc == -EACCES ? 0 : rc; /* else it is answered later */
    }
    rc = result_fill(b, session, query, slice, &result, &refusal);
    store_slice_end(&slice);
    if (rc == -EINPROGRESS) /* answered when it is done */
        return 0;
    if (rc == -ENOBUFS)
        rc = query_refuse(&refusal, E_LIMIT, "query"); /* more than one answer holds */
    if (rc == -EACCES) {
        reply_refused(b, &session->route, session->unit, &refusal, 0, query->request);
        return 0;
    }
    if (rc != 0)
        return rc;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT;
    message.query_result = &result;
    reply_queue_for(b, session, &message);
    return 0;
}
