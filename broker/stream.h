/*
 * stream - what one reader is sent: deliveries collect, within its credit, and leave as one message
 *
 * A record is shown to a reader that may see it and asked for it. Who is given anything but the registry's records is
 * first written down (access.h). What was shown counts against the reader's window until it is acknowledged; what was
 * collected and could not be sent, as the peer's queue was full, counts for nothing and is shown again.
 *
 * Errors: 0 or -errno: latch. A peer's trouble is no error: its session is stuck, or marked as gone. Ownership: the
 * reader owns what it has collected; what is passed in is copied. Threads: the broker's only.
 */
#ifndef BROKER_STREAM_H
#define BROKER_STREAM_H

#include "broker/broker.h"
#include "broker/record.h"

/* What came of showing one record to one reader. */
enum stream_outcome {
    STREAM_SHOWN,      /* it is collected */
    STREAM_NOT_FOR_IT, /* it may not see it, or did not ask for it */
    STREAM_NO_CREDIT,  /* show it again when the reader has acknowledged */
    STREAM_WAITS       /* show it again when its reading is written down, or the peer takes something */
};

/*
 * Shows a record to a stream, under what its unit may see (core_view). *packed: the delivery under this view, in the
 * broker's reply arena: made by the first reader that wants it and used by all of its unit; data NULL: not yet.
 */
int stream_show(struct broker *b, struct reader *r, const struct record *record, const struct core_view *view,
                struct bytes *packed, enum stream_outcome *ret);
/* Sends what it has collected. When the peer's queue is full the stream goes back to where it was, and is blocked. */
int stream_flush(struct broker *b, struct reader *r);
/* The subscriber has everything up to seq: gives its credit back. */
void stream_acked(struct broker *b, struct reader *r, uint64_t seq);

/* ---- for bounded reads, which have no credit */

/* Adds a packed Delivery to what the reader has collected. -ENOMEM */
int stream_collect(struct reader *r, struct bytes delivery);
/* A BrokerMessage whose field `field` has head's fields and what was collected, which stays; the caller closes or sends
 * *ret. -ENOMEM */
int stream_message(const struct reader *r, unsigned field, const ProtobufCMessage *head, zmq_msg_t *ret);

#endif
