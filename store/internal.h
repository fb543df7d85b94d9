/*
 * internal - what the files of the store share
 *
 *     dir/lock            held while the store is open
 *     dir/log/data.mdb    the log: the databases below, one commit for all of them
 *     dir/find/data.mdb   the finding index (find.h), behind the log
 *     key_dir/keys        the key store (keys.h)
 *
 *     database  key                    value
 *     ev        seq (8)                leaf input | key entry u32 | generation u32 | sum of these and seq u32 | blob
 *                                      blob: seed 32, then for each part slot u8, section id u16, length u32, body;
 *                                      sealed, but where the key entry is 0
 *                                      erased: the leaf input alone; its length follows from its n
 *     id        event id (16)          seq (8)
 *     cur       unit NUL cursor name   sum (check.h) u64 | seq u64 | acked_ms u64 | filter
 *     val       name                   sum u64 | value
 *     tile      level u8, index u64    256 hashes (tree.h)
 *     cp        size                   signed note
 *     doc       see doc_row.h          uploads, documents of dossiers, their chunks
 *     meta      "identity"             version u32 = 4 | epoch u64 | created_ms u64 | pair id 16 | sum u64 | origin
 *               "state"                struct store_mark | frontier of the tree (tree.h), rewritten by each commit
 *                                      that holds records, or takes or drops rows of documents
 *
 * Integers are big-endian.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/check.h"
#include "store/erased.h"
#include "store/find.h"
#include "store/keys.h"
#include "store/seal.h"
#include "store/store.h"
#include "store/tree.h"

#include <limits.h>
#include <lmdb.h>

#define STORE_DBS      16u  /* databases of the log's environment, some for what is built on the store */
#define STORE_VERSION  5u   /* of the format */
#define STATE_HEAD     104u /* before the frontier; its last 8 bytes are the sum of the others */
#define STATE_MAX      (STATE_HEAD + TREE_FRONTIER_MAX)
#define IDENTITY_HEAD  (4u + 8u + 8u + KEYS_PAIR_SIZE + CHECK_SIZE)
#define ROW_HEAD_SIZE  12u /* entry, generation and their sum, between leaf input and blob */
#define PART_HEAD_SIZE 7u  /* slot, section id and length, before a body */
#define BLOB_MAX       (LEAF_SEED_SIZE + LEAF_SLOTS_MAX * PART_HEAD_SIZE + STORE_RECORD_MAX)
#define ROW_EXTRA_MAX                                                                                                  \
    (LEAF_INPUT_MAX + ROW_HEAD_SIZE + LEAF_SEED_SIZE + LEAF_SLOTS_MAX * PART_HEAD_SIZE + SEAL_TAG_SIZE)
#define DAMAGE_SIZE 240u

/* Where the log stands: once as committed, once with the open batch. */
struct store_mark {
    uint64_t head;                /* last seq */
    uint64_t last_ms;             /* its time */
    uint64_t id_count;            /* rows of the id table */
    uint64_t id_sum;              /* of all of them (check.h) */
    uint64_t id_seq;              /* the newest record with an event id; 0: none */
    uint8_t id[16];               /* that id */
    uint32_t keys_used;           /* the highest key entry a record or document uses */
    uint32_t doc_rows;            /* rows of the documents */
    uint32_t keys_taken;          /* the highest entry given out; not kept over a restart */
    uint8_t hash[LEAF_HASH_SIZE]; /* leaf hash of head; of the open batch only at its commit */
};

/* A buffer that grows to what one opened record needs. */
struct plain {
    uint8_t *bytes;
    size_t size;
};

struct store {
    struct store_identity identity;
    uint8_t pair[KEYS_PAIR_SIZE];
    uint64_t map_size_max;
    int lock_fd;

    MDB_env *env;
    MDB_dbi ev, id, cur, val, cp, doc, meta;
    uint64_t page_size;
    struct keys *keys;
    struct erased *erased; /* NULL: not kept */
    struct find *find;
    struct tree tree; /* as committed */

    MDB_txn *read; /* reset unless read_users > 0 */
    unsigned read_users;
    struct store_slice *slices_free; /* ended slices, to be renewed */
    unsigned slices_open;

    struct store_mark at;  /* committed */
    struct store_mark now; /* with the open batch; equal to at when there is none, but for keys_taken */
    MDB_txn *txn;          /* the open batch */
    MDB_cursor *ev_cursor; /* at the end of ev; dies with txn */
    uint64_t batch_bytes;  /* what the batch may add to the map */
    size_t batch_rows;
    uint64_t batch_lists[STORE_BATCH_MAX];                 /* tail keys of its records, to take back */
    uint8_t batch_hashes[STORE_BATCH_MAX][LEAF_HASH_SIZE]; /* their leaf hashes */
    uint64_t epoch_next;                                   /* of the open batch; 0: the epoch stays */
    bool latched;

    uint8_t *blob;                      /* BLOB_MAX bytes: content on its way into a seal */
    uint8_t leaf_input[LEAF_INPUT_MAX]; /* of the record appended last */
    size_t leaf_len;
    struct leaf leaf;
    struct plain plain; /* store_read_pending */
    uint8_t *filter;    /* what store_cursor_get handed out */
    char damage[DAMAGE_SIZE];
};

/* ---- meta.c: the rows of meta */

/* A text of damage in the operator's language (store_speak); for what damage_set() is given by a %s. */
const char *damage_word(const char *text) __attribute__((format_arg(1)));
/* Notes the damage, for store_damage(); translates fmt. Returns -EBADMSG. */
int damage_set(struct store *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int identity_load(struct store *st, MDB_txn *txn);
/* Returns its length. */
size_t identity_encode(const struct store_identity *identity, const uint8_t pair[KEYS_PAIR_SIZE],
                       uint8_t ret[IDENTITY_HEAD + STORE_ORIGIN_MAX]);
/* The frontier points into the map. */
int state_load(struct store *st, MDB_txn *txn, const uint8_t **ret_frontier, size_t *ret_len);
void state_encode(const struct store_mark *mark, uint8_t ret[STATE_HEAD]);
/* The rows of a log that is empty. LMDB's codes. */
int meta_put_first(MDB_txn *txn, MDB_dbi meta, const struct store_identity *identity,
                   const uint8_t pair[KEYS_PAIR_SIZE]);

/* ---- batch.c: the transaction */

/* Asserts the invariants that batch.c lists. */
void store_check(const struct store *st);

/* -EIO when latched; else sees to an open batch. *ret_opened tells whether this call opened it. */
int batch_begin(struct store *st, bool *ret_opened);
/* Gives up a batch that batch_begin opened and nothing was written into. */
void batch_abandon(struct store *st, bool opened);
/* Drops the batch and latches. Returns rc. */
int batch_fail(struct store *st, int rc);

/* A read transaction of the last commit, whatever lies in an open batch. Nests; read_end for each. */
int read_begin(struct store *st, MDB_txn **ret);
void read_end(struct store *st);
/* The open batch's transaction, or a read transaction of now. Nests; view_end for each. */
int view_begin(struct store *st, MDB_txn **ret);
void view_end(struct store *st);

/* ---- room.c */

/* What so many records of so many bytes may add to the map; id_pages: of the id table, where they are known. */
uint64_t room_needed(const struct store *st, size_t records, uint64_t bytes, uint64_t id_pages);

/* ---- open.c */

/* The rows of the id table are those that were entered, all of them. -EBADMSG */
int ids_add_up(struct store *st, MDB_txn *txn);
/* The key store is this log's, and has the entries that it uses. -EBADMSG */
int keys_fit(struct store *st, const uint8_t pair[KEYS_PAIR_SIZE]);
/* The data directory is one process's, until it closes *ret_fd. -EBUSY */
int lock_take(const char *dir, int *ret_fd);
/* All databases but meta. LMDB's codes. */
int dbis_open(MDB_txn *txn, unsigned flags, struct store *st);

/* ---- row.c: one row of ev */

/* Places in a leaf input */
enum { LEAF_AT_SEQ = 16, LEAF_AT_TIME = 24 };

/* A row taken apart, not opened. Points into the row. */
struct row {
    const uint8_t *leaf;
    size_t leaf_len;
    bool erased; /* nothing follows the leaf */
    uint32_t entry, generation;
    const uint8_t *blob;
    size_t blob_len;
};

int row_split(struct store *st, uint64_t seq, const uint8_t *bytes, size_t len, struct row *ret);
int row_open(struct store *st, const struct row *row, uint64_t seq, struct plain *plain, struct store_row *ret);
/* Opens the row and computes all of its digests anew. */
int row_verify(struct store *st, const struct row *row, uint64_t seq, struct plain *plain);
int row_get(struct store *st, MDB_txn *txn, uint64_t seq, struct row *ret); /* -ENOENT */

/* ---- read.c */

void slices_drop(struct store *st);

#endif
