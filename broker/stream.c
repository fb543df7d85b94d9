/*
 * stream - see stream.h
 */
#include "broker/stream.h"
#include "broker/access.h"
#include "broker/pack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- packing: deliveries collect in reader->out as they stand in a Batch or ReadResult (field 2 of both) */

#define DELIVERIES_FIELD 2u
static_assert(WIRE_BATCH_MAX < WIRE_MESSAGE_MAX, "a batch is one message");

static int
out_reserve(struct reader *r, size_t len)
{
    if (r->out_size - r->out_len < len) {
        size_t size = r->out_size == 0 ? 4096 : r->out_size;
        uint8_t *grown;

        while (size - r->out_len < len)
            size *= 2;
        grown = realloc(r->out, size);
        if (grown == NULL)
            return -ENOMEM;
        r->out = grown;
        r->out_size = size;
    }
    return 0;
}

static void
out_free(struct reader *r)
{
    free(r->out);
    r->out = NULL;
    r->out_len = r->out_size = 0;
}

int
stream_collect(struct reader *r, struct bytes delivery)
{
    int rc = out_reserve(r, pack_bytes_size(delivery.len));

    if (rc != 0)
        return rc;
    (void)pack_bytes(r->out + r->out_len, DELIVERIES_FIELD, delivery.data, delivery.len);
    r->out_len += pack_bytes_size(delivery.len);
    return 0;
}

int
stream_message(const struct reader *r, unsigned field, const ProtobufCMessage *head, zmq_msg_t *ret)
{
    size_t head_len = protobuf_c_message_get_packed_size(head), len = head_len + r->out_len;
    uint8_t *at;

    if (zmq_msg_init_size(ret, pack_bytes_size(len)) != 0)
        return -ENOMEM;
    at = pack_head(zmq_msg_data(ret), field, len);
    at += protobuf_c_message_pack(head, at);
    if (r->out_len > 0)
        memcpy(at, r->out, r->out_len);
    return 0;
}

/* ---- credit */

static int
credit_push(struct reader *r, uint64_t seq, size_t bytes)
{
    if (r->credit_count == r->credit_size) {
        size_t size = r->credit_size == 0 ? 64 : 2 * r->credit_size;
        struct credit *grown = malloc(size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < r->credit_count; i++)
            grown[i] = r->credits[(r->credit_at + i) % r->credit_size];
        free(r->credits);
        r->credits = grown;
        r->credit_size = size;
        r->credit_at = 0;
    }
    r->credits[(r->credit_at + r->credit_count++) % r->credit_size] = (struct credit){.seq = seq,
                                                                                      .bytes = (uint32_t)bytes};
    r->out_credits++;
    r->outstanding += bytes;
    return 0;
}

/* Takes back what was counted for deliveries that were not sent. */
static void
credit_unsend(struct reader *r)
{
    for (; r->out_credits > 0; r->out_credits--) {
        r->credit_count--;
        r->outstanding -= r->credits[(r->credit_at + r->credit_count) % r->credit_size].bytes;
    }
}

void
stream_acked(struct broker *b, struct reader *r, uint64_t seq)
{
    while (r->credit_count > r->out_credits && r->credits[r->credit_at].seq <= seq) {
        r->outstanding -= r->credits[r->credit_at].bytes;
        r->credit_at = (r->credit_at + 1) % r->credit_size;
        r->credit_count--;
    }
    if (r->credit_count == 0) { /* who keeps up holds no memory */
        free(r->credits);
        r->credits = NULL;
        r->credit_size = r->credit_at = 0;
    }
    if (r->state == READER_BLOCKED && !r->session->stuck)
        reader_move(b->sessions, r, READER_BUSY);
}

/* ---- sending */

int
stream_flush(struct broker *b, struct reader *r)
{
    Wici__V1__Batch head;
    zmq_msg_t message;
    int rc;

    if (r->out_len == 0)
        return 0;
    wici__v1__batch__init(&head);
    head.subscription = r->number;
    rc = stream_message(r, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH, &head.base, &message);
    if (rc != 0)
        return rc;
    rc = front_send(b->front, &r->session->route, &message);
    if (rc == 0) {
        r->sent = r->credits[(r->credit_at + r->credit_count - 1) % r->credit_size].seq;
        r->out_credits = 0;
    } else {
        credit_unsend(r);
        r->feed.pos = r->out_first - 1;
        feed_forget(&r->feed);
        reader_move(b->sessions, r, READER_BLOCKED);
        r->session->stuck = rc == -EAGAIN;
        if (rc != -EAGAIN)
            r->session->gone = b->gone = true;
    }
    out_free(r);
    return 0;
}

int
stream_show(struct broker *b, struct reader *r, const struct record *record, const struct core_view *view,
            struct bytes *packed, enum stream_outcome *ret)
{
    uint64_t seq = record->core.seq;
    int rc = 0;

    *ret = STREAM_NOT_FOR_IT;
    if (!view->received || !filter_passes(&r->feed.filter, &record->event))
        return 0;
    if (!record_is_sys(record)) {
        *ret = STREAM_WAITS;
        /* While what the window was opened for waited, something older came to be for the unit: another window. */
        if (r->window.open && seq < r->window.from_seq)
            access_close(b, r);
        if (access_is_due(b, r) && r->window.events > 0) {
            rc = access_roll(b, r, seq);
            if (rc == -ENOSPC)
                access_close(b, r); /* to end it there is room */
            else if (rc != 0)
                return rc;
        }
        if (!r->window.open) {
            rc = access_open(b, r, seq);
            if (rc == -ENOSPC)
                r->session->stuck = true; /* tried again later, as for a peer whose queue is full */
            return rc == -ENOSPC ? 0 : rc;
        }
    }
    if (packed->data == NULL) {
        arena_reset(b->reply_arena);
        rc = record_delivery(record, view, b->reply_arena, packed);
    }
    if (rc != 0)
        return rc;
    *ret = STREAM_NO_CREDIT;
    if (r->credit_count > 0 && r->outstanding + packed->len > r->window_bytes)
        return 0;
    if (r->out_len > 0 && r->out_len + packed->len > WIRE_BATCH_MAX) {
        rc = stream_flush(b, r);
        if (rc != 0 || r->session->gone || r->session->stuck)
            return rc;
    }
    if (r->out_len == 0)
        r->out_first = seq;
    if ((rc = stream_collect(r, *packed)) != 0 || (rc = credit_push(r, seq, packed->len)) != 0)
        return rc;
    if (!record_is_sys(record))
        access_count(r, seq);
    *ret = STREAM_SHOWN;
    return 0;
}
