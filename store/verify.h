/*
 * verify - a copy of the log, read from its first record to its last, without a broker
 *
 * Nothing is written into the copy, no lock is taken: it must not be in use. Damage may lie anywhere in it, also where
 * LMDB trusts its own pages, so that reading it may end in a signal: verify_copy() is for a process that may die.
 *
 * What is checked: each record's number, time (never falling) and leaf; the content of records that are not sealed, and
 * of the sealed ones when keys are given, against their digests; every tile of the tree, its frontier and the root, all
 * made anew; each checkpoint that is kept: signature, name, root; of each record without content, that an erasure names
 * it, or, when it is given, the list of destroyed keys its key.
 *
 * And what lies beside the records: each row of the table of event ids names a record and each record is named by one,
 * as it says itself where it is opened (verify_ids.h); documents, uploads and their chunks have their sums, are whole
 * and belong together, and with keys each document that a record names is there and gives its digest, and no other is
 * (verify_doc.h); no cursor stands behind the last record, and cursors and values have their sums. Not looked at: the
 * finding index, which follows from the log. Memory: some 10 MiB, a bit for each record, and a byte for each entry of
 * the key store.
 *
 * Errors: see below. Threads: one.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "proto/note.h"
#include "store/store.h"

#include <stdbool.h>

#define VERIFY_TEXT_SIZE 256u

struct verify_options {
    const char *dir;                       /* with log/data.mdb in it */
    const char *key_dir, *kek_path;        /* NULL: sealed content is not opened */
    const char *erased_path;               /* the list of destroyed keys (erased.h), beside keys; NULL: not asked */
    const struct note_key *keys;           /* of the log, distinct, at most NOTE_KEYS_MAX */
    size_t key_count;                      /* at least one */
    const struct note_checkpoint *trusted; /* the log must contain it; NULL: none */
};

/* May be read while verify_copy() is under way, or after it died. */
struct verify_report {
    uint64_t at;          /* the record being looked at */
    uint64_t records;     /* in all */
    uint64_t signed_size; /* of the newest checkpoint */
    struct store_identity identity;
    uint8_t root[MERKLE_HASH_SIZE]; /* over all records */
    uint64_t unopened;              /* records whose content was not looked at: sealed, and no keys were given */
    uint64_t erased;                /* records whose content is gone */
    uint64_t listed;                /* of them, those that only the list of destroyed keys names */
    uint64_t missing;               /* the first of them that no erasure names; 0: none */
    bool missing_document;          /* of that record only a document is */
    uint64_t documents;             /* of dossiers */
    uint64_t documents_unopened;    /* of them: not compared with what names them, as no keys were given */
    uint64_t uploads;               /* documents that no event refers to yet */
    uint64_t uploads_old;           /* of them, with keys: begun a day before the last record, to be destroyed */
    char what[VERIFY_TEXT_SIZE];    /* what was found (store_speak), with the number of the first bad record */
};

/*
 * 0, or:
 *   -EBADMSG  something does not fit: report->what
 *   -ESTALE   all fits, but the log does not contain the trusted checkpoint
 *   -ENODATA  all fits, but the content of record report->missing is gone, or a document that it names, and no record
 *             says that it was erased
 *   -ENOENT   there is no log in dir
 *   -EPERM    the key-encryption key can be read by others, or does not fit
 */
int verify_copy(const struct verify_options *options, struct verify_report *report);

#endif
