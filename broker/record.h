/*
 * record - a row of the log as an event, and an event as what a reader is given
 *
 * Ownership: a loaded record borrows the row's bytes (or its own copies in the arena, when asked for) and the arena.
 * Threads: one thread at a time.
 */
#ifndef BROKER_RECORD_H
#define BROKER_RECORD_H

#include "broker/core/core.h"
#include "proto/event.h"
#include "store/store.h"

struct record {
    struct core_record core; /* points into this struct */
    struct event event;
    uint8_t slots[EVENT_SECTIONS_MAX]; /* of event.sections[i] */
    struct bytes note_bytes;           /* data NULL: no note */
    struct leaf leaf;
    uint8_t seed[LEAF_SEED_SIZE];
};

/*
 * Decodes a row. copy: the bytes are copied into the arena, so that the record outlives the row.
 *   -ENOENT   the row holds no event: it was erased
 *   -EBADMSG  it does not decode: damage
 *   -ENOMEM   the arena is used up
 */
int record_load(struct record *ret, const struct store_row *row, struct arena *arena, bool copy);

/* The row's part in that slot, as long as the row lives; NULL: there is none. */
const struct leaf_part *record_part(const struct store_row *row, uint8_t slot);

/* Does the row hold exactly this event (header, and each section in the slot its seed gives it)? */
bool record_is_same(const struct store_row *row, const struct event *event);

enum receipt_how {
    RECEIPT_BARE = 1, /* without digests and slots */
    RECEIPT_AGAIN = 2 /* the log had the event already */
};

/* The receipt of an event, as the bytes of a Receipt: its header's and sections' slots in the order they were
 * published. how: of enum receipt_how. In the arena. -ENOMEM */
int record_receipt(const struct event *event, const struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE],
                   const uint8_t *slots, const Wici__V1__BrokerNote *note, unsigned how, struct arena *arena,
                   struct bytes *ret);

/* What a reader is given, as the bytes of a Delivery: all digests, and the parts the view allows. In the arena. -ENOMEM
 */
int record_delivery(const struct record *record, const struct core_view *view, struct arena *arena, struct bytes *ret);

/* A copy in the arena in which the record's event was decoded, to live as long as that; it borrows nothing else. NULL:
 * the arena is used up. */
const struct record *record_copy(const struct record *record, struct arena *arena);

/* Is it one of the registry's and the broker's own records (sys.*)? */
static inline bool
record_is_sys(const struct record *record)
{
    return record->event.type->number > TYPE_SYS_FIRST;
}

#endif
