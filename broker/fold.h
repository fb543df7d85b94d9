/*
 * fold - the state is the fold of the log: every record is applied once, in order
 *
 * At start the whole log is folded in one go (broker_fold), while a thread reads ahead of it (ahead.h); after an
 * erasure a second state is folded beside the one in use, a piece at a time, and takes its place once it has come as
 * far (erase.h). What was erased is a hole: nothing is applied for it.
 *
 * Errors: 0 or -errno, logged with the number of the record: latch. Ownership: borrows store, core and keys. Threads:
 * the broker's only.
 */
#ifndef BROKER_FOLD_H
#define BROKER_FOLD_H

#include "broker/checkpoint.h"
#include "broker/core/core.h"
#include "broker/record.h"
#include "store/store.h"

#define FOLD_SLICE_RECORDS 4096u /* a slice of the store pins old pages: short ones */

struct fold {
    struct store *store;
    struct core *core;
    struct log_keys *keys; /* takes what the log announces; NULL: not asked for */
    struct arena *arena;
    uint64_t seq; /* everything up to here is applied */
};

int fold_open(struct fold *fold, struct store *store, struct core *core, struct log_keys *keys);
/* Applies the next committed records, at most `max` and at most FOLD_SLICE_RECORDS. Done when fold->seq is
 * store_head(). */
int fold_some(struct fold *fold, size_t max);
void fold_close(struct fold *fold);

/* At start: applies every record of the log. keys: those that it has announced. *ret_access_entry: the key entry of the
 * records of reads; 0: none yet. */
int broker_fold(struct store *store, struct core *core, uint32_t *ret_access_entry, struct log_keys *keys);
/* The same for one row; keys may be NULL. *ret lives in the arena, without sections where the core does not look at
 * them. -ENOENT: it holds no event any more. */
int broker_fold_row(struct core *core, const struct store_row *row, struct arena *arena, struct log_keys *keys,
                    struct record *ret);

#endif
