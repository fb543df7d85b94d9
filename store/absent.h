/*
 * absent - what lies where a row would be that is not there
 *
 * LMDB does not compare a page with the place that it is read from. Where a disk put a page of another table in this
 * one's place, every row of that page is missing, and nothing would say so: a cursor would begin anew, a document would
 * be none. So whoever finds no row looks at the rows on both sides: one of them lies in the page where it would be.
 *
 * What is not noticed: an older page of the same table. Threads: the store's.
 */
#ifndef STORE_ABSENT_H
#define STORE_ABSENT_H

#include <lmdb.h>
#include <stdbool.h>

/* Is this row one of its table, as it was written? */
typedef bool absent_fn(const MDB_val *key, const MDB_val *val);

/* No row has this key, or none begins with it. False: a row beside that place is none of the table's, or there is none
 * where the table should have some. */
bool absent_rightly(MDB_txn *txn, MDB_dbi dbi, const MDB_val *key, absent_fn *adds_up);

#endif
