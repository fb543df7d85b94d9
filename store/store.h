/*
 * store - the log: records in order, sealed per dossier, durable before anyone is told
 *
 * A record is the parts of one event (header, broker's note, sections), each in its slot, with a leaf that covers
 * them (proto/leaf.h). Records get sequence numbers 1, 2, 3, ... without gaps and are never changed. Beside them
 * the store keeps what must move in the same commit: the table of event ids, cursors and small named values; and,
 * behind the log, the finding index that tells which records belong to a dossier. A tree over the leaves grows in the
 * same commit as the records, so that any record, and that nothing was taken away or changed, can be proven.
 *
 *     store_append, store_cursor_put, ...      store_commit
 *   IDLE ---------------------------> BATCH ----------------> IDLE
 *                                       |   any failure
 *                                       `--------------------> LATCHED: every later write returns -EIO
 *
 * Content is sealed with the key of the record's dossier (a "key entry"); LMDB sees ciphertext only. Key entries lie in
 * a file of their own, each wrapped with the key-encryption key, and are synced before the first commit that uses them.
 *
 * Durability: what store_commit() has reported as written survives a crash of process, system or power; what it has
 * not is gone or there as a whole. LMDB's flags are its fully synchronous defaults.
 *
 * Errors: every int is 0 or a negative errno. -EIO: the store is damaged, or a commit failed: stop serving. -ENOSPC: no
 * room (see store_room). -ENOMEM. Others are named beside the function.
 *
 * Ownership: the caller owns what it passes in; the store copies it. What a read hands out says how long it lives.
 *
 * Threads: one thread at a time. One process at a time: a lock file says so (-EBUSY).
 */
#ifndef STORE_H
#define STORE_H

#include "proto/leaf.h"
#include "proto/merkle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_BATCH_MAX        4096u        /* records between two commits */
#define STORE_RECORD_MAX       (160u << 10) /* bytes of all parts of one record */
#define STORE_NAME_MAX         192u         /* bytes of the name of a cursor or value */
#define STORE_VALUE_MAX        (64u << 10)  /* bytes of a cursor's filter or of a named value */
#define STORE_MAP_MIN          (16u << 20)  /* bytes: the smallest map */
#define STORE_MAP_DOC_PCT      80u          /* documents stop there, so that events go on for long */
#define STORE_MAP_USABLE_PCT   90u          /* publishes stop there, so that cursors and audit records still fit */
#define STORE_MAP_OWN_PCT      97u          /* records of reads stop there; what has to be written to end still fits */
#define STORE_MARK_SIZE        16u          /* bytes by which an erased dossier is recognised */
#define STORE_KEY_ENTRIES_STEP 1024u        /* key entries made and synced at a time */
#define STORE_FIND_FLUSH       50000u       /* records that the finding index takes in together, in a small log */
#define STORE_FIND_FLUSH_MAX   250000u      /* the same in a large one; bounds the memory of those that wait */
#define STORE_CHECKPOINT_STEP  65536u       /* records: of the checkpoints in one such stretch the last one is kept */
#define STORE_CLEAR_ENTRY      0u           /* key entry of records that belong to no dossier: not sealed */
#define STORE_NO_ENTRY         UINT32_MAX   /* read from an erased record: its row no longer names an entry */

struct store;

struct store_options {
    const char *dir;         /* data directory: log/, find/, lock */
    const char *key_dir;     /* directory of the key store, best on another file system */
    const char *kek_path;    /* file with the 32-byte key-encryption key; nobody else may read it (-EPERM) */
    const char *erased_path; /* which keys were destroyed, apart from the key store (erased.h); NULL: not kept */
    uint64_t map_size_max;   /* bytes the log may grow to; the map grows by doubling up to it */
};

/* What the log is; written once by store_create, in the commit that makes the log. */
#define STORE_ORIGIN_MAX 128u
struct store_identity {
    char origin[STORE_ORIGIN_MAX]; /* name of the log, as in its checkpoints */
    uint64_t epoch;                /* 1; raised when a restored copy goes on under a new origin */
    uint64_t created_ms;
};

/*
 * The log's name in the checkpoints of an epoch: the origin itself in the first, "ORIGIN-e2" in the second. Two
 * branches of a log never sign under one name.
 */
#define STORE_EPOCH_NAME_MAX (STORE_ORIGIN_MAX + 24u)
void store_epoch_name(const struct store_identity *identity, uint64_t epoch, char ret[STORE_EPOCH_NAME_MAX]);
/* The epoch that signs under this name; 0: it is a name of another log. */
uint64_t store_epoch_of(const struct store_identity *identity, const char *name);

/*
 * Makes an empty log, a key store and, when kek_path does not exist, a key-encryption key (mode 0600).
 * The directories are made when only their last part is missing.
 *   -EEXIST  there is a log or a key store already: nothing was touched
 *   -EPERM   the key-encryption key that is there can be read by others, or is not 32 bytes
 *   -EINVAL  no origin, or a map below STORE_MAP_MIN
 */
int store_create(const struct store_options *options, const struct store_identity *identity);

/*
 * Opens a log that store_create made, and recovers: checks the newest records against their leaves, the id table and
 * the tree against them, and rolls the finding index forward.
 *   -ENOENT   there is no log
 *   -EBUSY    another process has it open
 *   -EPERM    the key-encryption key can be read by others, or does not fit the key store
 *   -EBADMSG  the log is damaged, or of another version of the format; store_open_damage() says which and where
 */
int store_open(struct store **ret, const struct store_options *options);
/* Drops what was not committed. */
void store_close(struct store **st);

/*
 * How texts of damage are put into the operator's language, by a function like gettext(), which is given each before
 * its numbers are filled in. NULL, as at first: English. A program says it once, before it opens a log or verifies one.
 */
typedef const char *store_words_fn(const char *text);
void store_speak(store_words_fn *words);

/* The place and kind of the damage found last, for the operator's log; "" when there was none. */
const char *store_damage(const struct store *st);
const char *store_open_damage(void); /* the same after a failed store_open, until the next one */
/* What to tell of a call that failed: the damage, where there is one; else what its errno says. */
const char *store_why(int rc, const char *damage);
/* What the caller found wrong in record seq, by what it means (an English text): kept for store_damage(). Returns
 * -EBADMSG. */
int store_damaged(struct store *st, uint64_t seq, const char *what);

const struct store_identity *store_identity(const struct store *st);
uint64_t store_head(const struct store *st);    /* last committed seq; 0: empty */
uint64_t store_next(const struct store *st);    /* seq the next append gets */
uint64_t store_last_ms(const struct store *st); /* time of the last record appended; 0: none */
void store_head_hash(const struct store *st,
                     uint8_t ret[LEAF_HASH_SIZE]); /* leaf hash of store_head; zero when empty */
uint64_t store_bytes(const struct store *st);      /* bytes of the map in use */
uint64_t store_bytes_max(const struct store *st);

/* ---- writing: all of it goes into the open batch, and is durable after store_commit */

struct store_record {
    uint8_t leaf_class;            /* enum leaf_class */
    uint8_t n;                     /* slots */
    uint64_t ts_ms;                /* not before store_last_ms */
    const uint8_t *seed;           /* LEAF_SEED_SIZE random bytes, never used before */
    const uint8_t *event_id;       /* 16 bytes, entered in the id table; NULL: none */
    uint32_t entry;                /* key entry of its dossier, or STORE_CLEAR_ENTRY */
    const struct leaf_part *parts; /* distinct slots below n */
    size_t part_count;
};

/*
 * Is there room for `records` more records of `bytes` bytes in all, below STORE_MAP_USABLE_PCT of the largest map?
 * Grows the map when needed and possible (only between batches, with no slice open). -ENOSPC: refuse with E_FULL.
 */
int store_room(struct store *st, size_t records, uint64_t bytes);
/* The same below STORE_MAP_OWN_PCT: for records of the broker's own that a stranger can bring about. */
int store_room_own(struct store *st, size_t records, uint64_t bytes);

/*
 * Adds a record to the batch. leaf (may be NULL) gets what the record's leaf covers.
 *   -EEXIST   the event id is in the table already: look it up first
 *   -EINVAL   the time is before store_last_ms, or the key entry was not taken, or is erased
 *   -ENOBUFS  STORE_BATCH_MAX records wait: commit first
 *   -EMSGSIZE more than STORE_RECORD_MAX
 * These leave the batch as it was. After any other failure the whole batch is dropped and the store latches.
 */
int store_append(struct store *st, const struct store_record *record, uint64_t *ret_seq, struct leaf *leaf);

/* Syncs the key store if a new entry is used, then commits with LMDB's syncs. On failure nothing of the batch counts
 * and the store latches. With no batch open it does nothing. */
int store_commit(struct store *st);
bool store_has_batch(const struct store *st);
/*
 * From this batch's commit on the log is of that epoch. The caller writes into the same batch the record that says so.
 *   -EINVAL  it is not above the present epoch
 */
int store_epoch_begin(struct store *st, uint64_t epoch);
/* Drops the batch; its sequence numbers will be given again. */
void store_rollback(struct store *st);

/*
 * A key entry for a new dossier. An entry whose batch is not committed is free again after a restart.
 *   -ENOSPC  there are no more numbers for entries: the batch is as it was
 * A key store that cannot grow, a full disk too, is -EIO: the batch is dropped and the store latches.
 */
int store_key_take(struct store *st, uint32_t *ret_entry);
uint32_t store_key_generation(const struct store *st, uint32_t entry);

/* ---- erasing: first the key, then what it sealed */

/*
 * Destroys the key of a dossier, at once and for good: when this returns 0 it is gone from the key store on disk and
 * from memory, its records read as erased, and none can be added. Not between an append and its commit. May be
 * repeated, and must be when a crash came between.
 *   -EINVAL  nothing committed uses that entry, or it is STORE_CLEAR_ENTRY
 * Any other failure latches; the key may be gone or not.
 */
int store_key_erase(struct store *st, uint32_t entry);
/* The same, of a dossier that is recognised by its mark, STORE_MARK_SIZE bytes, NULL: none; the list of destroyed keys
 * (erased.h) keeps that. */
int store_key_erase_marked(struct store *st, uint32_t entry, const uint8_t *mark);

/* Each key that the list names, once, in this log's use or not; the mark is zeros where there is none. Nothing where no
 * list is kept. Stops at, and returns, the first non-zero of fn. */
typedef int store_erased_fn(void *arg, uint32_t entry, uint32_t generation, const uint8_t mark[STORE_MARK_SIZE]);
int store_erased_each(const struct store *st, store_erased_fn *fn, void *arg);

/* Was the key of this entry destroyed? false too where there is none. */
bool store_key_is_erased(const struct store *st, uint32_t entry);

/*
 * Rewrites a committed record as its leaf alone, in the open batch. Its ciphertext stays in pages that LMDB has given
 * up until they are used again. A record that is its leaf already stays as it is.
 *   -ENOENT  not committed
 *   -EINVAL  its key was not erased: what can still be read is not taken away
 */
int store_content_drop(struct store *st, uint64_t seq);

/* ---- event ids */

/* Sees the open batch too. -ENOENT: not in the table. */
int store_id_find(struct store *st, const uint8_t event_id[16], uint64_t *ret_seq);

/* ---- cursors and named values */

struct store_cursor {
    uint64_t seq;          /* everything up to here took effect at the subscriber */
    uint64_t acked_ms;     /* time of the last acknowledgement */
    const uint8_t *filter; /* as the subscriber gave it; lives until the next write */
    size_t filter_len;
};
/* Unit (not empty) and name are at most STORE_NAME_MAX together (-EINVAL), a filter STORE_VALUE_MAX (-EMSGSIZE). */
int store_cursor_put(struct store *st, const char *unit, const char *name, const struct store_cursor *cursor);
int store_cursor_get(struct store *st, const char *unit, const char *name, struct store_cursor *ret); /* -ENOENT */
int store_cursor_drop(struct store *st, const char *unit, const char *name);                          /* -ENOENT */
typedef int store_cursor_fn(void *arg, const char *unit, const char *name, const struct store_cursor *cursor);
/* unit NULL: all units. Stops at, and returns, fn's first non-zero. fn must not write. */
int store_cursor_each(struct store *st, const char *unit, store_cursor_fn *fn, void *arg);

/* A name is 1 to STORE_NAME_MAX long (-EINVAL), a value at most STORE_VALUE_MAX (-EMSGSIZE). */
int store_value_put(struct store *st, const char *name, const void *value, size_t len);
int store_value_drop(struct store *st, const char *name); /* 0 also when there was none */
typedef int store_value_fn(void *arg, const char *name, const uint8_t *value, size_t len);
int store_value_each(struct store *st, const char *prefix, store_value_fn *fn, void *arg);

/* ---- reading committed records */

/* One record, opened. Points into the slice and the buffer of the call; lives until the next read of the slice. */
struct store_row {
    uint64_t seq;
    struct leaf leaf;
    uint8_t seed[LEAF_SEED_SIZE];
    uint32_t entry; /* STORE_NO_ENTRY when the row is rewritten as its leaf */
    uint32_t generation;
    bool erased; /* only the leaf is left: no seed, no parts */
    size_t part_count;
    struct leaf_part parts[LEAF_SLOTS_MAX];
};

/*
 * A view of the log at one moment. Keep it short (a few milliseconds): it pins old pages, and the map cannot grow.
 * It does not see the open batch.
 */
struct store_slice;
int store_slice_begin(struct store *st, struct store_slice **ret);
void store_slice_end(struct store_slice **slice);

/* -ENOENT: not committed. -EBADMSG: damaged (the seal does not open, or the leaf does not fit): stop serving. */
int store_read(struct store_slice *slice, uint64_t seq, struct store_row *ret);
/* Only what the leaf says, without opening the seal. */
int store_read_leaf(struct store_slice *slice, uint64_t seq, struct leaf *ret, uint32_t *ret_entry);
/* The key entries of the records from seq `from` on, one after the other, at most max: STORE_NO_ENTRY where the row no
 * longer names one. *ret_count 0: there is none. Nothing is opened and no leaf decoded. -EBADMSG */
int store_read_entries(struct store_slice *slice, uint64_t from, uint32_t *ret_entries, size_t max, size_t *ret_count);
/* Reads a record of the open batch or a committed one; lives until the next call. For telling a repeat from a reuse. */
int store_read_pending(struct store *st, uint64_t seq, struct store_row *ret);
/* The first seq whose time is at or after ms; store_head + 1 when there is none. Binary search. */
int store_find_time(struct store_slice *slice, uint64_t ms, uint64_t *ret_seq);

/* ---- the tree over the leaves, and checkpoints of it */

/*
 * Roots and proofs over the first `size` committed records, as proto/merkle.h has them; record seq is leaf seq - 1.
 * Each proof was checked against the records' leaves and the tree's own roots before it is handed out; that the root is
 * the one that was signed for that size is for the caller to compare.
 *   -ENOENT   size is above store_head, or seq is none of 1 ... size, or size1 is above size2
 *   -EBADMSG  the tree is damaged, or does not hold this record: stop serving
 */
int store_tree_root(struct store *st, uint64_t size, uint8_t ret[MERKLE_HASH_SIZE]);
int store_prove_inclusion(struct store *st, uint64_t seq, uint64_t size, struct merkle_proof *ret);
int store_prove_consistency(struct store *st, uint64_t size1, uint64_t size2, struct merkle_proof *ret);

/*
 * Keeps a signed checkpoint of the first `size` committed records, in the open batch, and drops the one before it when
 * both lie in the same STORE_CHECKPOINT_STEP records. The note is not looked into.
 *   -EINVAL   there is no committed tree of that size, or it is empty, or the note is
 *   -EMSGSIZE more than STORE_VALUE_MAX
 */
int store_checkpoint_put(struct store *st, uint64_t size, const char *note, size_t len);
/* The newest checkpoint of at most `size` records, also of the open batch; the note is not terminated and lives until
 * the next call. -ENOENT: none is kept. */
int store_checkpoint_get(struct store *st, uint64_t size, uint64_t *ret_size, const char **ret_note, size_t *ret_len);

/* ---- other processes that read the log's files (backup.h) */

/* Frees the views of readers that died: until then they keep pages from being used again. Called after one ended. */
int store_readers_check(struct store *st);

/* ---- the finding index */

/*
 * The committed sequence numbers of a key entry's records from seq `from` on, ascending, at most `max`; includes what
 * the index has not taken in yet. Returns the number found in *ret_count.
 */
int store_find(struct store *st, uint32_t entry, uint64_t from, uint64_t *ret_seqs, size_t max, size_t *ret_count);
/*
 * Takes committed records into the index when enough wait: a 32nd of the log, STORE_FIND_FLUSH at least and
 * STORE_FIND_FLUSH_MAX at most. They are written in pieces, a transaction of its own in some of the calls that follow,
 * as large as the log has grown since the last one: so the owner's loop calls this often. When `all`, all records are
 * written in this call.
 */
int store_find_flush(struct store *st, bool all);
/* Takes what the index says of an erased key entry away. Between batches. -EINVAL: its key was not erased. */
int store_find_drop(struct store *st, uint32_t entry);
uint64_t store_find_behind(const struct store *st); /* records the index has not taken in */

#endif
