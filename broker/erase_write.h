/*
 * erase_write - the records of an erasure, written and read back, and its answer
 *
 * Errors: 0 or -errno: latch; others are named. Threads: the broker's only.
 */
#ifndef BROKER_ERASE_WRITE_H
#define BROKER_ERASE_WRITE_H

#include "broker/erase_scan.h"

/* What the administrator says. */
struct erase_order {
    char reason[33];
    char sha256[65];
    char clear_by[11]; /* "": not said */
    char unit[ID_LEN_MAX + 1];
    const struct erase_known *known; /* NULL: what goes is known from the state */
    size_t known_count;
};

/* A key that is destroyed already, and what is known of it. */
struct erase_known {
    uint32_t entry, generation;     /* entry 0: this log has none */
    char mark[CORE_MARK_TEXT_SIZE]; /* "": not known */
};

#define ERASE_REPEATED "REPEATED" /* the reason of what is repeated; nobody may order with it */

/* -EACCES: a field is not what it has to be. */
int erase_order_take(struct erase_order *ret, const Wici__V1__EraseQuery *asked, const char *unit,
                     struct refusal *refusal);

/*
 * Appends the intent and the notices, in a batch of their own. The state has forgotten the dossiers then.
 *   -ENOSPC   the log has no room for them; -ENOBUFS: they are more than ERASE_RECORDS_MAX. Nothing was appended
 */
int erase_intend(struct broker *b, const struct erase_scan *scan, const struct erase_order *order, uint64_t *ret_seq);
/* The erasure that began with this record, as the state has it. */
bool erase_find(const struct broker *b, uint64_t intended_seq, struct core_erasure *ret);
/* The records that the intent names, read back from it. The caller frees *ret. */
int erase_rows(struct broker *b, uint64_t intended_seq, uint64_t **ret, size_t *ret_count);
/* Is there room to record that it is done? -ENOSPC */
int erase_room_done(struct broker *b);
int erase_done(struct broker *b, uint64_t intended_seq, size_t records);

/* What was found, in the reply arena. -ENOBUFS: it does not fit. */
int erase_found(struct broker *b, const struct erase_scan *scan, Wici__V1__Erasure **ret);

#endif
