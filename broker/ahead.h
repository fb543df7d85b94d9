/*
 * ahead - the rows of the log from the first to the last, read by a thread of its own ahead of who decodes and applies
 * them
 *
 * A start is bound by one processor: reading a row touches pages for the first time and opens a seal, which is two
 * thirds of it; decoding and applying come after that and need neither. So one thread reads and another applies, a
 * batch apart.
 *
 * Errors: 0 or -errno. Ownership: the caller owns what ahead_open makes. Threads: one thread calls; from ahead_open to
 * ahead_close the store belongs to the thread that reads, and nobody else may touch it.
 */
#ifndef BROKER_AHEAD_H
#define BROKER_AHEAD_H

#include "store/store.h"

struct ahead;

/* Begins to read. -ENOMEM, -EAGAIN: there is no room for another thread: do not start. */
int ahead_open(struct ahead **ret, struct store *store);
/* The next row up to the head, which lives until the next call. Not to be called after the last one. Errors are those
 * of store_read(), at the first row that has one; the thread has ended then. */
int ahead_next(struct ahead *ahead, const struct store_row **ret);
void ahead_close(struct ahead **ahead);

#endif
