/*
 * talk_read - what a session asks to be shown: subscriptions and bounded reads; see talk.h
 */
#include "broker/talk.h"

#include "broker/access.h"
#include "broker/cursor.h"
#include "broker/erase_filter.h"
#include "broker/reply.h"
#include "broker/stream.h"
#include "proto/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- subscriptions */

static int
subscribe_start(struct broker *b, const Wici__V1__Subscribe *subscribe, uint64_t *ret, struct refusal *refusal)
{
    struct store_slice *slice = NULL;
    uint64_t ms;
    int rc;

    switch ((unsigned)subscribe->start_case) { /* unsigned: protobuf-c adds a value that is none */
    case WICI__V1__SUBSCRIBE__START__NOT_SET: *ret = 1; return 0;
    case WICI__V1__SUBSCRIBE__START_LIVE: *ret = store_next(b->store); return 0;
    case WICI__V1__SUBSCRIBE__START_FROM_SEQ:
        *ret = subscribe->from_seq == 0 ? 1 : subscribe->from_seq;
        if (*ret > store_next(b->store)) {
            refusal_set(refusal, E_REQUEST, "subscribe.fromSeq");
            return -EINVAL;
        }
        return 0;
    case WICI__V1__SUBSCRIBE__START_FROM_TIME:
        if (time_parse(subscribe->from_time, &ms) != 0) {
            refusal_set(refusal, E_REQUEST, "subscribe.fromTime");
            return -EINVAL;
        }
        rc = store_slice_begin(b->store, &slice);
        if (rc == 0) {
            rc = store_find_time(slice, ms, ret);
            store_slice_end(&slice);
        }
        return rc == -EINVAL ? -EIO : rc;
    default: refusal_set(refusal, E_REQUEST, "subscribe"); return -EINVAL;
    }
}

static uint32_t
window_clamp(uint32_t bytes)
{
    if (bytes == 0 || bytes > WIRE_WINDOW_MAX)
        return WIRE_WINDOW_MAX;
    return bytes < WIRE_WINDOW_MIN ? WIRE_WINDOW_MIN : bytes;
}

/* Fills a new stream. -EINVAL: *refusal says why. */
static int
stream_fill(struct broker *b, struct reader *r, const Wici__V1__Subscribe *subscribe, struct refusal *refusal)
{
    struct reader *old;
    uint64_t start;
    int rc;

    erase_filter(b, subscribe->filter);
    if ((rc = filter_take(&r->feed.filter, subscribe->filter, "subscribe.filter", refusal)) != 0 ||
        (rc = subscribe_start(b, subscribe, &start, refusal)) != 0)
        return rc;
    r->window_bytes = window_clamp(subscribe->window_bytes);
    if (subscribe->filter != NULL) {
        r->filter_len = wici__v1__filter__get_packed_size(subscribe->filter);
        if (r->filter_len > STORE_VALUE_MAX) {
            refusal_set(refusal, E_LIMIT, "subscribe.filter");
            return -EINVAL;
        }
        r->filter_packed = malloc(r->filter_len + 1);
        if (r->filter_packed == NULL)
            return -ENOMEM;
        (void)wici__v1__filter__pack(subscribe->filter, r->filter_packed);
    }
    r->acked = start - 1;
    if (subscribe->cursor[0] == '\0')
        return 0;
    if (!session_name_is_valid(subscribe->cursor)) {
        refusal_set(refusal, E_REQUEST, "subscribe.cursor");
        return -EINVAL;
    }
    old = cursor_reader(b, r->feed.unit, subscribe->cursor);
    if (old != NULL && (rc = cursor_write(b, old)) != 0) /* what it acknowledged, the new one goes on from */
        return rc;
    rc = cursor_attach(b, r, subscribe->cursor, start);
    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(refusal, rc == -EEXIST ? E_CURSOR : E_LIMIT, "subscribe.cursor");
        return -EINVAL;
    }
    if (rc == 0 && old != NULL) {
        struct refusal taken;

        refusal_set(&taken, E_TAKEN_OVER, "");
        reply_refused(b, &old->session->route, old->session->unit, &taken, old->number, 0);
        rc = talk_end_reader(b, old);
    }
    return rc;
}

int
subscribe_take(struct broker *b, struct session *session, const Wici__V1__Subscribe *subscribe)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Subscribed subscribed;
    struct refusal refusal = {.code = E_NONE};
    struct reader *r = NULL;
    int rc = subscribe->subscription == 0
                 ? -EEXIST
                 : reader_add(b->sessions, session, READER_STREAM, subscribe->subscription, &r);

    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(&refusal, rc == -EEXIST ? E_REQUEST : E_LIMIT, "subscribe.subscription");
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = stream_fill(b, r, subscribe, &refusal);
    if (rc == -EINVAL) {
        if (r != NULL) {
            r->cursor_dirty = false;
            reader_drop(b->sessions, r);
        }
        reply_refused(b, &session->route, session->unit, &refusal, subscribe->subscription, 0);
        return 0;
    }
    if (rc != 0)
        return rc;
    r->feed.pos = r->sent = r->announced = r->acked;
    reader_move(b->sessions, r, READER_BUSY);

    wici__v1__broker_message__init(&message);
    wici__v1__subscribed__init(&subscribed);
    subscribed.subscription = r->number;
    subscribed.from_seq = r->feed.pos + 1;
    subscribed.window_bytes = r->window_bytes;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED;
    message.subscribed = &subscribed;
    reply_queue(b, &session->route, session->unit, &message);
    return 0;
}

int
ack_take(struct broker *b, struct session *session, const Wici__V1__Ack *ack)
{
    struct reader *r = reader_find(session, ack->subscription);
    struct refusal refusal;

    if (r == NULL || ack->seq < r->acked || (ack->seq > r->sent && ack->seq > r->announced)) {
        refusal_set(&refusal, E_REQUEST, r == NULL ? "ack.subscription" : "ack.seq");
        reply_refused(b, &session->route, session->unit, &refusal, ack->subscription, 0);
        return 0;
    }
    if (ack->seq > r->acked) {
        r->acked = ack->seq;
        r->acked_ms = b->clock.now_ms;
        cursor_touch(b, r);
    }
    stream_acked(b, r, ack->seq);
    return 0;
}

int
unsubscribe_take(struct broker *b, struct session *session, const Wici__V1__Unsubscribe *unsubscribe)
{
    struct reader *r = reader_find(session, unsubscribe->subscription);
    struct refusal refusal;

    if (r != NULL)
        return talk_end_reader(b, r);
    refusal_set(&refusal, E_REQUEST, "unsubscribe.subscription");
    reply_refused(b, &session->route, session->unit, &refusal, unsubscribe->subscription, 0);
    return 0;
}

/* ---- bounded reads */

/* Time bounds become bounds of seq: time grows with it. */
static int
read_times(struct broker *b, struct reader *r, const Wici__V1__Read *read, uint64_t *from, struct refusal *refusal)
{
    uint64_t since_ms = 0, until_ms = 0, seq;
    struct store_slice *slice = NULL;
    int rc;

    if (read->since[0] != '\0' && time_parse(read->since, &since_ms) != 0) {
        refusal_set(refusal, E_REQUEST, "read.since");
        return -EINVAL;
    }
    if (read->until[0] != '\0' && time_parse(read->until, &until_ms) != 0) {
        refusal_set(refusal, E_REQUEST, "read.until");
        return -EINVAL;
    }
    if (since_ms == 0 && until_ms == 0)
        return 0;
    rc = store_slice_begin(b->store, &slice);
    if (rc == 0 && since_ms != 0) {
        rc = store_find_time(slice, since_ms, &seq);
        if (rc == 0 && seq > *from)
            *from = seq;
    }
    if (rc == 0 && until_ms != 0) {
        rc = store_find_time(slice, until_ms, &seq);
        if (rc == 0 && (r->to_seq == 0 || seq - 1 < r->to_seq))
            r->to_seq = seq - 1;
        if (rc == 0 && r->to_seq == 0)
            *from = UINT64_MAX; /* nothing is that old */
    }
    if (slice != NULL)
        store_slice_end(&slice);
    return rc;
}

/* The table of ids led to that record: is it the one of that id? One that was erased says nothing any more. */
static int
id_check(struct broker *b, uint64_t seq, const uint8_t id[16])
{
    struct record record;
    struct store_row row;
    int rc = store_read_pending(b->store, seq, &row);

    arena_reset(b->row_arena);
    if (rc == 0)
        rc = record_load(&record, &row, b->row_arena, false);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0 && memcmp(record.event.event_id, id, sizeof record.event.event_id) != 0)
        rc = store_damaged(b->store, seq, "the id table has it under another id");
    return rc;
}

static int
read_event(struct broker *b, struct reader *r, const char *text, uint64_t *from, struct refusal *refusal)
{
    uint8_t id[16];
    uint64_t seq;
    int rc;

    if (uuid_parse(text, id) != 0) {
        refusal_set(refusal, E_REQUEST, "read.eventId");
        return -EINVAL;
    }
    rc = store_id_find(b->store, id, &seq);
    if (rc != 0 && rc != -ENOENT)
        return rc;
    if (rc == -ENOENT || seq < *from || (r->to_seq != 0 && seq > r->to_seq)) {
        *from = UINT64_MAX; /* nothing: the same as not yours */
        return 0;
    }
    if ((rc = id_check(b, seq, id)) != 0)
        return rc;
    *from = r->to_seq = seq;
    return 0;
}

bool
reason_is_valid(const char *reason)
{
    return strlen(reason) <= REASON_MAX && reason[strspn(reason, " ")] != '\0' && check_is_line(reason);
}

static int
read_fill(struct broker *b, struct reader *r, const Wici__V1__Read *read, struct refusal *refusal)
{
    Wici__V1__Filter filter;
    char *dossier = read->dossier, *family = read->family;
    uint64_t from = read->from_seq == 0 ? 1 : read->from_seq;
    int rc;

    wici__v1__filter__init(&filter);
    filter.dossiers = &dossier;
    filter.n_dossiers = dossier[0] != '\0';
    filter.families = &family;
    filter.n_families = family[0] != '\0';
    rc = filter_take(&r->feed.filter, &filter, "read", refusal);
    if (rc == -EINVAL)
        refusal_set(refusal, E_REQUEST, strncmp(refusal->path, "read.d", 6) == 0 ? "read.dossier" : "read.family");
    if (rc != 0)
        return rc;
    r->type = (uint32_t)read->type;
    if (r->type != 0 && type_by_number(r->type) == NULL) {
        refusal_set(refusal, E_REQUEST, "read.type");
        return -EINVAL;
    }
    r->feed.type = r->type;
    if (read->to_seq != 0 && read->to_seq < read->from_seq) {
        refusal_set(refusal, E_REQUEST, "read.toSeq");
        return -EINVAL;
    }
    r->to_seq = read->to_seq;
    r->max_events = read->max_events == 0 || read->max_events > WIRE_READ_MAX ? WIRE_READ_MAX : read->max_events;
    if (read->reason[0] != '\0') {
        if (!reason_is_valid(read->reason)) {
            refusal_set(refusal, E_REASON, "read.reason");
            return -EINVAL;
        }
        r->with_content = true;
        memcpy(r->why, read->reason, strlen(read->reason) + 1);
    }
    if ((rc = read_times(b, r, read, &from, refusal)) != 0)
        return rc;
    if (read->event_id[0] != '\0' && (rc = read_event(b, r, read->event_id, &from, refusal)) != 0)
        return rc;
    r->feed.pos = from - 1;
    return 0;
}

int
read_take(struct broker *b, struct session *session, const Wici__V1__Read *read)
{
    struct refusal refusal = {.code = E_NONE};
    struct reader *r = NULL;
    int rc = reader_add(b->sessions, session, READER_READ, read->request, &r);

    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(&refusal, rc == -EEXIST ? E_REQUEST : E_LIMIT, "read.request");
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = read_fill(b, r, read, &refusal);
    if (rc == -EINVAL) {
        if (r != NULL)
            reader_drop(b->sessions, r);
        reply_refused(b, &session->route, session->unit, &refusal, 0, read->request);
        return 0;
    }
    if (rc != 0)
        return rc;
    r->accounts = access_ask(b); /* who asks what was read is told all of it */
    reader_move(b->sessions, r, READER_BUSY);
    return 0;
}
