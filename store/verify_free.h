/*
 * verify_free - LMDB's list of pages that it may use again
 *
 * No reader looks at it, so that damage there shows only when something is written: then LMDB dies of it, or writes
 * over a page that is in use. Each page of the file is in a table or on the list, none is there twice, and no row lies
 * in a page of the list. Of pages that hold no rows and only lead to others, nothing but their number is seen.
 *
 * One bit for each page is kept. Errors: -EBADMSG: store_damage() says what; -ENOMEM. Threads: the store's.
 */
#ifndef STORE_VERIFY_FREE_H
#define STORE_VERIFY_FREE_H

#include "store/internal.h"

struct verify_free {
    struct store *st;
    uint8_t *listed;     /* bits, by page */
    uint64_t pages;      /* of the file */
    const uint8_t *base; /* where page 0 is mapped */
};

/*
 * The list by itself, against how many pages the tables say they have, and against the rows of all tables but records,
 * event ids and documents, which the caller goes through. st's databases are open in txn.
 */
int verify_free_list(struct verify_free *free, struct store *st, MDB_txn *txn);
/* A row's value, or key: it lies in no page of the list. */
int verify_free_row(struct verify_free *free, const char *table, const MDB_val *val);
void verify_free_free(struct verify_free *free);

#endif
