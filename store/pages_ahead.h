/*
 * pages_ahead - asks the system for a table's pages before they are read
 *
 * Who reads a table of LMDB's from its first key to its last reads pages that lie all over the file. Where they are not
 * in memory each is waited for, one after the other, although the disk would bring many at a time. Which ones come next
 * stands in the pages above them: so their numbers are taken from there, and the system is told (posix_fadvise) of some
 * PAGES_AHEAD that will be needed.
 *
 * That is advice and nothing else. Whatever those pages hold, damage too, nothing is taken from here but where to read
 * ahead: LMDB reads as it does without.
 *
 * Errors: none; without memory, or where the file makes no sense, nothing is asked for. Threads: one thread at a time.
 */
#ifndef STORE_PAGES_AHEAD_H
#define STORE_PAGES_AHEAD_H

#include <lmdb.h>

#define PAGES_AHEAD 1024u /* 4 MiB: a disk that does many reads at a time has enough of them */

struct pages_ahead;

/* Begins at a table's first page, and asks for the first ones. The table as the transaction sees it, which must live
 * until pages_ahead_end. NULL: it has few pages, or it is not known where they lie. */
struct pages_ahead *pages_ahead_begin(MDB_env *env, MDB_txn *txn, const char *table, MDB_dbi dbi);
/* A cursor stands at this row, of which val is the value. Rows are told of in their order. ahead may be NULL. */
void pages_ahead_row(struct pages_ahead *ahead, const MDB_val *val);
/* Sets *ahead to NULL. */
void pages_ahead_end(struct pages_ahead **ahead);

#endif
