/*
 * verify_doc - the table of documents, against the records that name them
 *
 * Each row has its sum, each document and upload all of its chunks, each chunk a document or upload that it belongs to:
 * so without keys too, and of what is destroyed and not rewritten yet, each byte is read and one that changed is found.
 * With keys every document that a record names is opened and its digest compared (it may be missing where
 * the broker noted that it had not been sent), and each document must be named by a record of its dossier, unless there
 * are some that this build does not understand; without them it belongs to a dossier that has records. Uploads need no
 * record: one that a day has passed over is destroyed by a running broker, one after the other, so that it is counted
 * and no finding.
 *
 * A byte for each entry of the key store is kept, and two bits. Errors: -EBADMSG: store_damage() says what; -ENOMEM.
 * Threads: the store's.
 */
#ifndef STORE_VERIFY_DOC_H
#define STORE_VERIFY_DOC_H

#include "store/doc_row.h"
#include "store/says.h"
#include "store/verify_free.h"

struct verify_doc {
    struct store *st;
    MDB_txn *txn;
    struct verify_free *pages; /* borrowed */
    uint8_t *of_entry;         /* what an entry is the key of */
    uint8_t *dossiers;         /* bits, by entry: records name it */
    uint8_t *unclear;          /* bits, by entry: not all of its records say what they name */
    uint8_t *chunk;            /* room for one that is opened */
    uint64_t documents;        /* of dossiers */
    uint64_t uploads;          /* that no event refers to yet */
    uint64_t uploads_old;      /* of them, with keys: begun a day before the last record */
    uint64_t unopened;         /* documents that no record could be found to name, as no keys were given */
};

/* Every row by itself; with keys (st->keys) uploads are opened. st->at is what was committed, txn a view of st. */
int verify_doc_rows(struct verify_doc *docs, struct store *st, MDB_txn *txn, struct verify_free *pages);
/* A record whose row names this key entry. */
int verify_doc_dossier(struct verify_doc *docs, uint64_t seq, uint32_t entry);
/* An opened record of a dossier; unit: of its author, NULL: it is no event. -ENOENT: a document that it names is not
 * there */
int verify_doc_record(struct verify_doc *docs, const struct store_row *row, const char *unit, struct arena *arena);
/* When all records were looked at. */
int verify_doc_end(struct verify_doc *docs);
void verify_doc_free(struct verify_doc *docs);

#endif
