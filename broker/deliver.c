/*
 * deliver - see deliver.h
 */
#include "broker/deliver.h"
#include "broker/access.h"
#include "broker/piece.h"
#include "broker/record.h"
#include "broker/reply.h"
#include "broker/sequence.h"
#include "broker/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the head */

static int
interest_add(struct broker *b, uint64_t seq, uint32_t unit, const struct record *kept)
{
    if (b->interest_count == b->interest_size) {
        size_t size = b->interest_size == 0 ? 1024 : 2 * b->interest_size;
        struct interest *grown = realloc(b->interests, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        b->interests = grown;
        b->interest_size = size;
    }
    b->interests[b->interest_count++] = (struct interest){.seq = seq, .unit = unit, .record = kept};
    return 0;
}

int
deliver_note(void *arg, const struct record *record)
{
    struct broker *b = arg;
    const struct record *kept = NULL;
    const uint32_t *units = NULL;
    size_t count = 0;
    bool everyone = false;
    int rc;

    if (b->sessions == NULL || sessions_streams(b->sessions) == 0)
        return 0;
    rc = core_audience(b->core, &record->core, &units, &count, &everyone);
    if (rc != 0)
        return rc;
    if (everyone)
        return interest_add(b, record->core.seq, CORE_UNIT_NONE, sequence_keep(b->sequence));
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct unit_readers *u = sessions_unit_if(b->sessions, units[i]);

        if (u == NULL || u->sessions == NULL)
            continue;
        if (u->live != NULL && kept == NULL)
            kept = sequence_keep(b->sequence);
        if (u->live != NULL && ++u->fresh > b->fresh_most)
            b->fresh_most = u->fresh;
        rc = interest_add(b, record->core.seq, units[i], kept);
    }
    return rc;
}

/* Shows one record to the live streams of one unit. Those that cannot take it fall behind. */
static int
unit_show(struct broker *b, uint32_t unit, const struct record *record)
{
    struct unit_readers *u = sessions_unit_if(b->sessions, unit);
    struct bytes packed = {.data = NULL};
    struct core_view view;
    struct reader *next;
    int rc = 0;

    if (u == NULL || u->live == NULL)
        return 0;
    core_view(b->core, unit, &record->core, false, &view);
    for (struct reader *r = view.received ? u->live : NULL; r != NULL && rc == 0; r = next) {
        enum stream_outcome outcome;

        next = r->next;
        if (r->session->gone)
            continue;
        rc = stream_show(b, r, record, &view, &packed, &outcome);
        if (outcome == STREAM_SHOWN || outcome == STREAM_NOT_FOR_IT || rc != 0)
            continue;
        if (r->out_len > 0)
            rc = stream_flush(b, r);
        if (r->state == READER_LIVE || r->state == READER_OPENING)
            r->feed.pos = record->core.seq - 1;
        if (r->state == READER_LIVE)
            reader_move(b->sessions, r, READER_BLOCKED);
    }
    return rc;
}

struct show_all {
    struct broker *b;
    const struct record *record;
};

static int
session_show(void *arg, struct session *session)
{
    struct show_all *all = arg;
    struct unit_readers *u = sessions_unit_if(all->b->sessions, session->unit);

    /* Once per unit: at its first session. */
    return u->sessions == session ? unit_show(all->b, session->unit, all->record) : 0;
}

/* Reads one committed record back. -ENOENT: erased. */
static int
record_read(struct broker *b, struct store_slice *slice, uint64_t seq, struct store_row *row, struct record *ret)
{
    int rc = store_read(slice, seq, row);

    if (rc != 0)
        return rc == -ENOENT ? -EBADMSG : rc; /* committed and not there */
    arena_reset(b->row_arena);
    return record_load(ret, row, b->row_arena, false);
}

static int
session_flush(void *arg, struct session *session)
{
    int rc = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX && rc == 0; i++)
        if (session->streams[i] != NULL && session->streams[i]->out_len > 0)
            rc = stream_flush(arg, session->streams[i]);
    return rc;
}

static int
unit_flush(struct broker *b, uint32_t unit)
{
    struct unit_readers *u = sessions_unit_if(b->sessions, unit);
    int rc = 0;

    for (struct session *s = u == NULL ? NULL : u->sessions; s != NULL && rc == 0; s = s->unit_next)
        rc = session_flush(b, s);
    return rc;
}

static int
interest_show(struct broker *b, uint32_t unit, const struct record *record)
{
    if (unit == CORE_UNIT_NONE)
        return sessions_each(b->sessions, session_show, &(struct show_all){.b = b, .record = record});
    return unit_show(b, unit, record);
}

/* The first `count` are done with. What the tick kept is gone, also of those that are not committed yet. */
static void
interests_drop(struct broker *b, size_t count)
{
    b->interest_count -= count;
    if (b->interest_count > 0)
        memmove(b->interests, b->interests + count, b->interest_count * sizeof *b->interests);
    for (size_t i = 0; i < b->interest_count; i++)
        b->interests[i].record = NULL;
    sequence_release(b->sequence);
}

/* The first `count` are shown. */
static void
fresh_forget(struct broker *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct unit_readers *u = b->interests[i].unit == CORE_UNIT_NONE
                                     ? NULL
                                     : sessions_unit_if(b->sessions, b->interests[i].unit);

        if (u != NULL)
            u->fresh = 0;
    }
    b->fresh_most = 0;
}

int
deliver_live(struct broker *b)
{
    uint64_t head = store_head(b->store), loaded = 0;
    struct store_slice *slice = NULL;
    struct store_row row;
    struct record record;
    size_t count = 0;
    int rc = 0;

    while (count < b->interest_count && b->interests[count].seq <= head)
        count++; /* the others are not committed yet */
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct interest *in = &b->interests[i];
        struct unit_readers *u = in->unit == CORE_UNIT_NONE ? NULL : sessions_unit_if(b->sessions, in->unit);

        if (in->unit != CORE_UNIT_NONE && (u == NULL || u->live == NULL))
            continue;
        if (in->record == NULL && in->seq != loaded) {
            if (slice == NULL && (rc = store_slice_begin(b->store, &slice)) != 0)
                break;
            rc = record_read(b, slice, in->seq, &row, &record);
            if (rc == -ENOENT) {
                rc = 0;
                continue;
            }
            loaded = in->seq;
        }
        if (rc == 0)
            rc = interest_show(b, in->unit, in->record != NULL ? in->record : &record);
    }
    if (slice != NULL)
        store_slice_end(&slice);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (b->interests[i].unit == CORE_UNIT_NONE) {
            rc = sessions_each(b->sessions, session_flush, b);
            break;
        }
        rc = unit_flush(b, b->interests[i].unit);
    }
    fresh_forget(b, count);
    interests_drop(b, count);
    b->delivered = head;
    return rc;
}

/* ---- positions */

static int
session_positions(void *arg, struct session *s)
{
    struct broker *b = arg;
    Wici__V1__BrokerMessage message;
    Wici__V1__Positions positions;
    Wici__V1__SubscriptionPosition list[SUBSCRIPTIONS_PER_SESSION_MAX], *refs[SUBSCRIPTIONS_PER_SESSION_MAX];
    struct reader *told[SUBSCRIPTIONS_PER_SESSION_MAX];
    size_t count = 0;
    zmq_msg_t packed;
    int rc;

    if (s->gone || s->stuck)
        return 0;
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++) {
        struct reader *r = s->streams[i];
        uint64_t pos;

        if (r == NULL || r->state == READER_OPENING)
            continue;
        pos = r->state == READER_LIVE ? b->delivered : r->feed.pos;
        if (pos <= r->announced || pos <= r->sent)
            continue;
        wici__v1__subscription_position__init(&list[count]);
        list[count].subscription = r->number;
        list[count].seq = pos;
        refs[count] = &list[count];
        told[count++] = r;
    }
    if (count == 0 && s->safe_told == backups_safe_up_to(b->backups))
        return 0;
    arena_reset(b->reply_arena);
    wici__v1__broker_message__init(&message);
    wici__v1__positions__init(&positions);
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS;
    message.positions = &positions;
    positions.n_positions = count;
    positions.positions = refs;
    positions.safe_up_to = backups_safe_up_to(b->backups);
    positions.head = reply_head(b, b->reply_arena);
    if (positions.head == NULL || zmq_msg_init_size(&packed, wici__v1__broker_message__get_packed_size(&message)) != 0)
        return -ENOMEM;
    (void)wici__v1__broker_message__pack(&message, zmq_msg_data(&packed));
    rc = front_send(b->front, &s->route, &packed);
    if (rc == -EAGAIN)
        s->stuck = true;
    else if (rc != 0)
        s->gone = b->gone = true;
    for (size_t i = 0; i < count && rc == 0; i++) /* what was not sent is told later */
        told[i]->announced = list[i].seq;
    if (rc == 0)
        s->safe_told = positions.safe_up_to;
    return 0;
}

/* ---- behind the head */

/* Each answered read is a record: no more than a tick takes. */
static bool
serve_is_over(struct broker *b, struct piece *piece)
{
    piece->over = piece->over || store_next(b->store) - b->delivered > TICK_READS_MAX;
    return piece_is_over(piece);
}

/* Within a turn too: a record that is not in memory takes longer than a turn should. */
static bool
turn_is_over(struct broker *b, struct piece *piece, size_t done)
{
    return piece_looks(done) && serve_is_over(b, piece);
}

static int
stream_turn(struct broker *b, struct store_slice *slice, struct piece *piece, struct reader *r)
{
    uint64_t head = b->delivered;
    struct store_row row;
    struct record record;
    struct core_view view;
    enum stream_outcome outcome;
    int rc = 0;

    feed_refresh(&r->feed, &b->source);
    for (unsigned i = 0; i < DELIVER_TURN_MAX && r->state == READER_BUSY; i++) {
        uint64_t seq;

        rc = feed_next(&r->feed, &b->source, head, &seq);
        if (rc == -EAGAIN)
            return 0;
        if (rc != 0)
            return rc;
        if (seq == 0) { /* it has caught up */
            rc = stream_flush(b, r);
            if (rc == 0 && r->state == READER_BUSY) {
                reader_move(b->sessions, r, READER_LIVE);
                rc = session_positions(b, r->session);
            }
            return rc;
        }
        rc = record_read(b, slice, seq, &row, &record);
        outcome = STREAM_NOT_FOR_IT;
        if (rc == 0) {
            struct bytes packed = {.data = NULL};

            core_view(b->core, r->feed.unit, &record.core, false, &view);
            rc = stream_show(b, r, &record, &view, &packed, &outcome);
        } else if (rc == -ENOENT) {
            rc = 0; /* erased: nobody is given it */
        }
        if (rc != 0)
            return rc;
        if (outcome == STREAM_SHOWN || outcome == STREAM_NOT_FOR_IT) {
            r->feed.pos = seq;
            if (turn_is_over(b, piece, i))
                return 0;
            continue;
        }
        rc = stream_flush(b, r);
        if (r->state == READER_BUSY)
            reader_move(b->sessions, r, READER_BLOCKED);
        return rc;
    }
    return 0;
}

/* Answers a bounded read with what it collected; next_seq 0: that was all. */
static int
read_finish(struct broker *b, struct reader *r, uint64_t next_seq)
{
    Wici__V1__ReadResult head;
    struct session *session = r->session;
    zmq_msg_t message;
    int rc = 0;

    /* Recorded in the commit that the answer waits for. */
    if (r->window.events > 0)
        rc = access_read(b, r);
    if (rc == -ENOSPC) {
        struct refusal refusal = {.code = E_FULL, .path = ""};

        reply_refused(b, &session->route, session->unit, &refusal, 0, r->number);
        reader_drop(b->sessions, r);
        return 0;
    }
    if (rc != 0)
        return rc;
    wici__v1__read_result__init(&head);
    head.request = r->number;
    head.more = next_seq != 0;
    head.next_seq = next_seq;
    head.as_of_seq = b->delivered;
    rc = stream_message(r, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT, &head.base, &message);
    if (rc != 0)
        return rc;
    reply_put_for(b, session, &message);
    reader_drop(b->sessions, r);
    return 0;
}

static bool
read_wants(const struct reader *r, const struct record *record)
{
    if (r->type != 0 && record->event.type->number != r->type)
        return false;
    return filter_passes(&r->feed.filter, &record->event);
}

/* One record of a bounded read. *ret_full: it does not fit any more. */
static int
read_show(struct broker *b, struct reader *r, const struct record *record, bool *ret_full)
{
    struct bytes packed;
    struct core_view view;
    int rc;

    *ret_full = false;
    if (!read_wants(r, record))
        return 0;
    core_view(b->core, r->feed.unit, &record->core, r->with_content, &view);
    if (!view.received)
        return 0;
    arena_reset(b->reply_arena);
    rc = record_delivery(record, &view, b->reply_arena, &packed);
    if (rc != 0)
        return rc;
    if (r->events > 0 && (r->events >= r->max_events || r->out_len + packed.len > WIRE_BATCH_MAX)) {
        *ret_full = true;
        return 0;
    }
    rc = stream_collect(r, packed);
    if (rc != 0)
        return rc;
    r->events++;
    if (!record_is_sys(record)) {
        if (r->window.events++ == 0) {
            r->window.from_seq = record->core.seq;
            r->window.opened_seq = b->delivered;
        }
        r->window.to_seq = record->core.seq;
    }
    return 0;
}

static int
read_turn(struct broker *b, struct store_slice *slice, struct piece *piece, struct reader *r)
{
    uint64_t head = r->to_seq != 0 && r->to_seq < b->delivered ? r->to_seq : b->delivered;
    struct store_row row;
    struct record record;
    int rc = 0;

    if (!access_is_recorded(b, r->accounts))
        return 0;
    feed_refresh(&r->feed, &b->source);
    for (unsigned i = 0; i < DELIVER_TURN_MAX; i++) {
        uint64_t seq;
        bool full = false;

        rc = feed_next(&r->feed, &b->source, head, &seq);
        if (rc == -EAGAIN)
            return 0;
        if (rc != 0)
            return rc;
        if (seq == 0)
            return read_finish(b, r, 0);
        rc = record_read(b, slice, seq, &row, &record);
        if (rc == 0)
            rc = read_show(b, r, &record, &full);
        else if (rc == -ENOENT)
            rc = 0;
        if (rc != 0)
            return rc;
        if (full)
            return read_finish(b, r, seq);
        r->feed.pos = seq;
        if (turn_is_over(b, piece, i))
            break;
    }
    return 0;
}

int
deliver_serve(struct broker *b, uint64_t least_us, uint64_t most_us)
{
    struct piece piece = piece_begin(b, least_us, most_us);
    struct store_slice *slice = NULL;
    struct reader *last = NULL; /* what it has collected goes out when it is another's turn, or the time is over */
    uint32_t unit;
    int rc = 0;

    while ((unit = sessions_turn(b->sessions)) != CORE_UNIT_NONE) {
        struct reader *r = sessions_unit_if(b->sessions, unit)->busy;

        if (last != NULL && last != r && (rc = stream_flush(b, last)) != 0)
            break;
        last = NULL;
        if (slice == NULL && (rc = store_slice_begin(b->store, &slice)) != 0)
            break;
        if (r->session->gone) {
            reader_move(b->sessions, r, READER_BLOCKED);
            continue;
        }
        reader_move(b->sessions, r, READER_BUSY); /* its unit's next turn is another reader's */
        if (r->kind == READER_STREAM) {
            last = r;
            rc = stream_turn(b, slice, &piece, r);
        } else {
            rc = read_turn(b, slice, &piece, r); /* may have ended it */
        }
        if (rc != 0 || serve_is_over(b, &piece))
            break;
    }
    if (rc == 0 && last != NULL)
        rc = stream_flush(b, last);
    if (slice != NULL)
        store_slice_end(&slice);
    return rc;
}

/* ---- timers */

int
deliver_positions(struct broker *b)
{
    return sessions_each(b->sessions, session_positions, b);
}

static int
session_retry(void *arg, struct session *s)
{
    struct broker *b = arg;

    if (!s->stuck)
        return 0;
    s->stuck = false;
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (s->streams[i] != NULL && s->streams[i]->state == READER_BLOCKED)
            reader_move(b->sessions, s->streams[i], READER_BUSY);
    return 0;
}

int
deliver_retry(struct broker *b)
{
    return sessions_each(b->sessions, session_retry, b);
}
