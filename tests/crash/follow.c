/* follow - see follow.h */
#include "tests/crash/follow.h"

#include "tests/crash/deeds_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT(constant) ((char *)(uintptr_t)(constant)) /* packing only reads them */
#define CURSOR         "inbox"
#define SUBSCRIPTION   1u
#define TICKS_MAX      2000u

static struct {
    bool open;
    uint64_t at, acked;                 /* given, and acknowledged, up to here */
    uint64_t before;                    /* what a receipt that is awaited says is on disk */
    uint64_t given[SCRIPT_RECORDS_MAX]; /* since it began */
    size_t count;
    bool disorder;
} follow;

static void
heard(enum serve_unit unit, const Wici__V1__BrokerMessage *message)
{
    const Wici__V1__Batch *batch = message->batch;

    for (size_t i = 0; unit == SERVE_READER && i < batch->n_deliveries; i++) {
        uint64_t seq = batch->deliveries[i]->seq;

        disk_mark(MARK_GIVEN, seq);
        follow.disorder = follow.disorder || seq <= follow.at || follow.count == SCRIPT_RECORDS_MAX;
        if (follow.disorder)
            return;
        follow.given[follow.count++] = seq;
        follow.at = seq;
    }
}

int
follow_begin(uint64_t *ret_from)
{
    const Wici__V1__BrokerMessage *told;
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;
    int rc;

    if (follow.open)
        return 0;
    memset(&follow, 0, sizeof follow);
    serve_listen(heard);
    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    subscribe.subscription = SUBSCRIPTION;
    subscribe.cursor = TEXT(CURSOR);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    rc = serve_ask(SERVE_READER, &message, &told);
    if (rc != 0)
        return rc == -EACCES ? -EPROTO : rc;
    follow.open = true;
    follow.acked = told->subscribed->from_seq - 1;
    *ret_from = told->subscribed->from_seq;
    return 0;
}

void
follow_end(void)
{
    serve_listen(NULL);
    follow.open = false;
}

int
follow_take(uint64_t seq)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && follow.at < seq; i++)
        rc = i == TICKS_MAX ? -ETIMEDOUT : serve_tick();
    return rc == 0 && follow.disorder ? -EPROTO : rc;
}

int
follow_ack(void)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Ack ack;

    if (follow.at <= follow.acked)
        return 0;
    wici__v1__client_message__init(&message);
    wici__v1__ack__init(&ack);
    ack.subscription = SUBSCRIPTION;
    ack.seq = follow.acked = follow.at;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    disk_mark(MARK_TAKEN, ack.seq);
    return serve_tell(SERVE_READER, &message);
}

void
follow_bounds(struct bounds *ret)
{
    ret->given = follow.at;
    ret->taken = ret->cursor = follow.acked;
}

void
follow_before(const struct deeds *deeds, uint64_t k)
{
    follow.before = follow.open && deeds->at[k].author == SERVE_READER ? follow.acked : 0;
}

int
follow_deed(const struct deeds *deeds, uint64_t k)
{
    uint64_t seq = 0, from;
    uint8_t id[16];
    int rc;

    disk_mark(MARK_CURSOR, follow.before);
    deed_event_id(deeds, k, id);
    rc = store_id_find(serve_broker()->store, id, &seq);
    if (rc == 0)
        rc = follow_begin(&from);
    if (rc == 0)
        rc = follow_take(seq);
    return rc == 0 && deeds->at[k].acks ? follow_ack() : rc;
}

/* ---- checking what a cut left */

static bool
cursor_check(const struct bounds *bounds, uint64_t *ret_seq, struct finding *ret)
{
    struct store *st = serve_broker()->store;
    struct store_cursor cursor = {.seq = 0};
    int rc = store_cursor_get(st, serve_unit_id(SERVE_READER), CURSOR, &cursor);

    if (rc != 0 && rc != -ENOENT)
        return found_wrong(ret, "cursors", "it cannot be read: %s", strerror(-rc));
    if (cursor.seq > bounds->taken || cursor.seq > store_head(st))
        return found_wrong(ret, "cursors", "it is at %" PRIu64 ", acknowledged %" PRIu64 ", the head is %" PRIu64,
                           cursor.seq, bounds->taken, store_head(st));
    if (cursor.seq < bounds->cursor)
        return found_wrong(ret, "cursors", "it is at %" PRIu64 ", and was on disk at %" PRIu64, cursor.seq,
                           bounds->cursor);
    disk_mark(MARK_CURSOR, cursor.seq);
    *ret_seq = cursor.seq;
    return true;
}

/* Does a record say that the reader was shown this one? */
static bool
is_accounted(struct broker *b, uint64_t seq)
{
    for (uint64_t at = store_head(b->store); at > 0; at--) {
        const Wici__V1__Section *section = deeds_section(b, at);
        const Wici__V1__SysAccessRecordedS0 *read;

        if (section == NULL || section->body_case != WICI__V1__SECTION__BODY_SYS_ACCESS_RECORDED_S0)
            continue;
        read = section->sys_access_recorded_s0;
        if (strcmp(read->unit, serve_unit_id(SERVE_READER)) == 0 && read->from_seq <= seq && seq <= read->to_seq)
            return true;
    }
    return false;
}

/* Deed k's record; 0: it is not there. */
static uint64_t
record_of(const struct deeds *deeds, uint64_t k)
{
    uint64_t seq = 0;
    uint8_t id[16];

    deed_event_id(deeds, k, id);
    return store_id_find(serve_broker()->store, id, &seq) == 0 ? seq : 0;
}

static bool
accounted_check(const struct deeds *deeds, const struct bounds *bounds, struct finding *ret)
{
    for (uint64_t k = 1; k <= DEEDS_MAX; k++) {
        uint64_t seq = record_of(deeds, k);

        if (deeds->at[k].author != SERVE_READER && seq != 0 && seq <= bounds->given &&
            !is_accounted(serve_broker(), seq))
            return found_wrong(ret, "accounted", "record %" PRIu64 " was shown, and nothing says so", seq);
    }
    return true;
}

/* It goes on behind its cursor, and is given each record once. */
static bool
goes_on_check(const struct deeds *deeds, uint64_t cursor, struct finding *ret)
{
    uint64_t from = 0, last = 0;
    size_t at = 0;
    int rc = follow_begin(&from);

    for (uint64_t k = 1; k <= DEEDS_MAX; k++)
        if (record_of(deeds, k) > last)
            last = record_of(deeds, k);
    if (rc == 0 && from != cursor + 1)
        return found_wrong(ret, "follows", "it goes on at %" PRIu64 ", its cursor is at %" PRIu64, from, cursor);
    if (rc == 0 && last > cursor)
        rc = follow_take(last);
    if (rc != 0)
        return found_wrong(ret, "follows", "up to %" PRIu64 ": %s%s", last, strerror(-rc),
                           follow.disorder ? ", out of order" : "");
    for (uint64_t k = 1; k <= DEEDS_MAX; k++) {
        uint64_t seq = record_of(deeds, k);

        while (at < follow.count && follow.given[at] < seq)
            at++; /* the registry's */
        if (seq > cursor && (at == follow.count || follow.given[at] != seq))
            return found_wrong(ret, "follows", "record %" PRIu64 " is not given, the cursor was at %" PRIu64, seq,
                               cursor);
    }
    return true;
}

bool
follow_check(const struct deeds *deeds, const struct bounds *bounds, struct finding *ret)
{
    uint64_t cursor = 0;

    return cursor_check(bounds, &cursor, ret) && accounted_check(deeds, bounds, ret) &&
           goes_on_check(deeds, cursor, ret);
}
