/*
 * verify_ids - the table of event ids, against the records
 *
 * Each row names a record and each record is named by one row; where the record's content is opened, it says the same
 * id. Of the others the total of all rows tells that they are those that were entered.
 *
 * One bit for each record is kept. Errors: -EBADMSG: store_damage() says what; -ENOMEM. Threads: the store's.
 */
#ifndef STORE_VERIFY_IDS_H
#define STORE_VERIFY_IDS_H

#include "store/internal.h"
#include "store/verify_free.h"

struct verify_ids {
    struct store *st;
    MDB_txn *txn;
    uint8_t *named; /* bits, by seq */
};

/* Every row by itself. st->at is what was committed. */
int verify_ids_rows(struct verify_ids *ids, struct store *st, MDB_txn *txn, struct verify_free *pages);
/* An opened record, and the id it says. */
int verify_ids_record(struct verify_ids *ids, uint64_t seq, const uint8_t id[16]);
/* When all records were looked at. */
int verify_ids_end(struct verify_ids *ids);
void verify_ids_free(struct verify_ids *ids);

#endif
