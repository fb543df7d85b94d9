/*
 * open - making a log, opening it, and what is checked before it may serve
 *
 * store_create builds the log in log.new and renames it to log at the end, when all of it is on disk: there is a log or
 * there is none. Opening never repairs: it compares what must agree and refuses when it does not.
 *
 *   state row      <-> last key and number of rows of ev (equal: gapless from 1), number of ids
 *   newest records <-> their leaves, all digests computed anew, time never falling; the head's leaf hash <-> state
 *   tree           <-> hashes of the newest records; number of tiles; frontier in the state row (tree.h)
 *   documents      <-> number of rows
 *   ids            <-> seqs within the log, the total of all rows in the state row; the last id entered <-> its record
 *   list of erased <-> pair id; what it names is destroyed in the key store, should that be an older copy
 *   key store      <-> pair id, and long enough for the entries records use
 *   finding index  <-> all its sums, their total, leaf hash at its watermark; behind it, it is fed again (it may be
 *                      rebuilt: it is a projection)
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/compact.h"
#include "store/env.h"
#include "proto/file.h"
#include "store/lmdb_err.h"
#include "store/pages_ahead.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define CHECK_NEWEST  256u       /* records looked at when opening: a tile of the tree, at least */
#define UNWRITTEN_MAX (1u << 20) /* bytes that may be missing at the end of the log's file (env.c) */

static char open_damage[DAMAGE_SIZE];

const char *
store_open_damage(void)
{
    return open_damage;
}

/* ---- the lock */

int
lock_take(const char *dir, int *ret_fd)
{
    char path[PATH_MAX];
    int fd, rc = file_path(path, dir, "lock");

    if (rc != 0)
        return rc;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if ((rc = file_owner_inherit(path)) != 0) {
        close(fd);
        return rc;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

/* ---- making */

int
dbis_open(MDB_txn *txn, unsigned flags, struct store *st)
{
    int rc;

    if ((rc = mdb_dbi_open(txn, "ev", flags, &st->ev)) != 0 || (rc = mdb_dbi_open(txn, "id", flags, &st->id)) != 0 ||
        (rc = mdb_dbi_open(txn, "cur", flags, &st->cur)) != 0 ||
        (rc = mdb_dbi_open(txn, "val", flags, &st->val)) != 0 ||
        (rc = mdb_dbi_open(txn, "tile", flags, &st->tree.tile)) != 0 ||
        (rc = mdb_dbi_open(txn, "cp", flags, &st->cp)) != 0 || (rc = mdb_dbi_open(txn, "doc", flags, &st->doc)) != 0)
        return rc;
    return 0;
}

/* The first commit, in a fresh directory. */
static int
log_make(const char *log_dir, const struct store_options *options, const struct store_identity *identity,
         const uint8_t pair[KEYS_PAIR_SIZE])
{
    static const char *const stale[] = {"data.mdb", "lock.mdb"}; /* of an attempt that a crash ended */
    struct store *dbis = calloc(1, sizeof *dbis);
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    char path[PATH_MAX];
    int rc;

    if (dbis == NULL)
        return -ENOMEM;
    rc = file_make_dir(log_dir);
    for (size_t i = 0; rc == 0 && i < sizeof stale / sizeof *stale; i++)
        if ((rc = file_path(path, log_dir, stale[i])) == 0 && unlink(path) != 0 && errno != ENOENT)
            rc = -errno;
    if (rc == 0)
        rc = env_open(&env, log_dir, STORE_DBS, options->map_size_max, UNWRITTEN_MAX, true);
    if (rc != 0)
        goto out;

    rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &dbis->meta);
    if (rc == 0)
        rc = dbis_open(txn, MDB_CREATE, dbis);
    if (rc == 0)
        rc = meta_put_first(txn, dbis->meta, identity, pair);
    if (rc == 0) {
        rc = mdb_txn_commit(txn);
        txn = NULL;
    }
    rc = err_from_lmdb(rc);
    if (txn != NULL)
        mdb_txn_abort(txn);
    mdb_env_close(env);
    if (rc == 0)
        rc = file_sync_dir(log_dir);
out:
    free(dbis);
    return rc;
}

int
store_create(const struct store_options *options, const struct store_identity *identity)
{
    char log_dir[PATH_MAX], log_new[PATH_MAX], keys[PATH_MAX];
    size_t origin_len = strnlen(identity->origin, STORE_ORIGIN_MAX);
    uint8_t pair[KEYS_PAIR_SIZE];
    bool keys_made = false;
    int lock_fd = -1, rc;

    if (origin_len == 0 || origin_len == STORE_ORIGIN_MAX || options->map_size_max < STORE_MAP_MIN)
        return -EINVAL;
    if (sodium_init() < 0)
        return -EIO;
    if ((rc = file_path(log_dir, options->dir, "log")) != 0 ||
        (rc = file_path(log_new, options->dir, "log.new")) != 0 ||
        (rc = file_path(keys, options->key_dir, KEYS_FILE)) != 0)
        return rc;
    if (access(log_dir, F_OK) == 0 || access(keys, F_OK) == 0)
        return -EEXIST;

    if ((rc = file_make_dir(options->dir)) != 0 || (rc = file_make_dir(options->key_dir)) != 0 ||
        (rc = lock_take(options->dir, &lock_fd)) != 0)
        goto out;
    rc = keys_create(options->key_dir, options->kek_path, pair);
    if (rc != 0)
        goto out;
    keys_made = true;
    rc = log_make(log_new, options, identity, pair);
    if (rc == 0 && rename(log_new, log_dir) != 0)
        rc = -errno;
    if (rc != 0)
        goto out;
    keys_made = false; /* it belongs to a log now */
    rc = file_sync_dir(options->dir);
out:
    if (keys_made)
        unlink(keys); /* holds no key that anything needs */
    if (lock_fd >= 0)
        close(lock_fd);
    return rc;
}

/* ---- checks */

static int
rows_check(struct store *st, MDB_txn *txn)
{
    MDB_stat ev, id, doc;
    int rc;

    if ((rc = mdb_stat(txn, st->ev, &ev)) != 0 || (rc = mdb_stat(txn, st->id, &id)) != 0 ||
        (rc = mdb_stat(txn, st->doc, &doc)) != 0)
        return err_from_lmdb(rc);
    if (ev.ms_entries != st->at.head)
        return damage_set(st, "log: %zu records where there should be %" PRIu64, ev.ms_entries, st->at.head);
    if (id.ms_entries != st->at.id_count)
        return damage_set(st, "id table: %zu rows where there should be %" PRIu64, id.ms_entries, st->at.id_count);
    if (doc.ms_entries != st->at.doc_rows)
        return damage_set(st, "documents: %zu rows where there should be %" PRIu32, doc.ms_entries, st->at.doc_rows);
    return 0;
}

/* Leaves the leaf hashes of what it checked in st->batch_hashes. */
static int
newest_check(struct store *st, MDB_txn *txn, size_t *ret_count)
{
    uint64_t first = st->at.head > CHECK_NEWEST ? st->at.head - CHECK_NEWEST + 1 : 1, seq = first;
    uint8_t hash[LEAF_HASH_SIZE] = {0};
    uint64_t last_ms = 0;
    struct row row;
    int rc = 0;

    for (; rc == 0 && seq <= st->at.head; seq++) {
        rc = row_get(st, txn, seq, &row);
        if (rc == -ENOENT)
            rc = damage_set(st, "record %" PRIu64 ": is missing", seq);
        if (rc == 0)
            rc = row_verify(st, &row, seq, &st->plain);
        if (rc == 0 && be64_get(row.leaf + 24) < last_ms)
            rc = damage_set(st, "record %" PRIu64 ": its time is before the last one's", seq);
        if (rc != 0)
            return rc;
        last_ms = be64_get(row.leaf + 24);
        leaf_hash(row.leaf, row.leaf_len, hash);
        memcpy(st->batch_hashes[seq - first], hash, sizeof hash);
    }
    *ret_count = (size_t)(seq - first);
    if (memcmp(hash, st->at.hash, sizeof hash) != 0 || last_ms != st->at.last_ms)
        return damage_set(st, "record %" PRIu64 ": is not the one that was committed", st->at.head);
    return 0;
}

int
ids_add_up(struct store *st, MDB_txn *txn)
{
    struct pages_ahead *ahead = pages_ahead_begin(st->env, txn, "id", st->id);
    MDB_cursor *cursor = NULL;
    uint64_t sum = 0;
    MDB_val key, val;
    int rc = mdb_cursor_open(txn, st->id, &cursor);

    for (rc = rc == 0 ? mdb_cursor_get(cursor, &key, &val, MDB_FIRST) : rc; rc == 0;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        pages_ahead_row(ahead, &val);
        if (key.mv_size != 16 || val.mv_size != 8 || be64_get(val.mv_data) == 0 ||
            be64_get(val.mv_data) > st->at.head) {
            rc = damage_set(st, "id table: a row names no record");
            break;
        }
        sum += check_of_id(key.mv_data, be64_get(val.mv_data));
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    pages_ahead_end(&ahead);
    if (rc != MDB_NOTFOUND)
        return rc == -EBADMSG ? rc : damage_set(st, "id table: LMDB: %s", mdb_strerror(rc));
    return sum == st->at.id_sum ? 0 : damage_set(st, "id table: a row is not one that was entered");
}

static int
ids_check(struct store *st, MDB_txn *txn)
{
    uint64_t seq = 0;
    int rc = ids_add_up(st, txn);

    if (rc != 0)
        return rc;
    if (st->at.id_seq == 0)
        return 0;
    rc = store_id_find(st, st->at.id, &seq);
    if (rc == -ENOENT || (rc == 0 && seq != st->at.id_seq))
        rc = damage_set(st, "id table: the id of record %" PRIu64 " is missing", st->at.id_seq);
    return rc;
}

int
keys_fit(struct store *st, const uint8_t pair[KEYS_PAIR_SIZE])
{
    uint32_t last;
    int rc;

    if (memcmp(pair, st->pair, KEYS_PAIR_SIZE) != 0)
        return damage_set(st, "key store: belongs to another log");
    rc = keys_last(st->keys, &last);
    if (rc == 0 && last < st->at.keys_used)
        rc = damage_set(st, "key store: ends at entry %" PRIu32 ", the log uses %" PRIu32, last, st->at.keys_used);
    return rc;
}

/* Is this record of our log the one that the finding index meant? */
static int
find_stands(struct store *st, MDB_txn *txn, const struct find_mark *mark, bool *ret)
{
    uint8_t hash[LEAF_HASH_SIZE];
    struct row row;
    int rc;

    *ret = mark->seq == 0;
    if (mark->seq == 0 || mark->seq > st->at.head)
        return 0;
    rc = row_get(st, txn, mark->seq, &row);
    if (rc != 0)
        return rc;
    leaf_hash(row.leaf, row.leaf_len, hash);
    *ret = memcmp(hash, mark->hash, sizeof hash) == 0;
    return 0;
}

/* Feeds the finding index what it has not taken in, as much at a time as is taken in together while the log grows. */
static int
find_roll_forward(struct store *st, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    uint8_t seq_bytes[8];
    MDB_val key = {.mv_size = sizeof seq_bytes, .mv_data = seq_bytes};
    MDB_val val;
    bool mark_stands, aim_stands;
    uint64_t first;
    struct row row;
    int rc;

    if ((rc = find_stands(st, txn, find_mark(st->find), &mark_stands)) != 0 ||
        (rc = find_stands(st, txn, find_aim(st->find), &aim_stands)) != 0)
        return rc;
    if (!mark_stands || !aim_stands) /* it indexed another branch: an older copy of the log was restored */
        rc = find_restart(st->find);
    if (rc == 0)
        rc = err_from_lmdb(mdb_cursor_open(txn, st->ev, &cursor));
    first = find_mark(st->find)->seq + 1;
    be64_put(seq_bytes, first);
    for (uint64_t seq = first; rc == 0 && seq <= st->at.head; seq++) {
        rc = mdb_cursor_get(cursor, &key, &val, seq == first ? MDB_SET_KEY : MDB_NEXT);
        if (rc != 0) {
            rc = damage_set(st, "record %" PRIu64 ": LMDB: %s", seq, mdb_strerror(rc));
            break;
        }
        rc = row_split(st, seq, val.mv_data, val.mv_size, &row);
        if (rc == 0 && !row.erased)
            rc = find_add(st->find, row.entry, row.generation, seq);
        if (rc == 0 && seq - find_aim(st->find)->seq == find_due(st->at.head)) {
            struct find_mark reached = {.seq = seq};

            leaf_hash(row.leaf, row.leaf_len, reached.hash);
            if ((rc = find_finish(st->find)) == 0 && (rc = find_begin(st->find, &reached)) == 0)
                rc = find_finish(st->find);
        }
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc;
}

/* ---- opening */

static int
log_open(struct store *st, const char *log_dir, bool ahead)
{
    MDB_txn *txn = NULL;
    uint64_t pages;
    int rc = env_open(&st->env, log_dir, STORE_DBS, st->map_size_max, UNWRITTEN_MAX, ahead);

    if (rc == 0)
        rc = env_pages(st->env, &pages, &st->page_size);
    if (rc == -EBADMSG || rc == -EINVAL || rc == -ENOENT)
        return damage_set(st, "log: data.mdb is not whole, or not LMDB's");
    if (rc != 0)
        return rc;

    /* Handles opened in a read transaction are kept by its commit; nothing is written. */
    rc = mdb_txn_begin(st->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "meta", 0, &st->meta);
    if (rc == 0 && identity_load(st, txn) != 0) { /* first of all: which databases there are depends on the version */
        mdb_txn_abort(txn);
        return -EBADMSG;
    }
    if (rc == 0)
        rc = dbis_open(txn, 0, st);
    if (rc == MDB_NOTFOUND) {
        mdb_txn_abort(txn);
        return damage_set(st, "log: a database is missing");
    }
    if (rc == 0) {
        rc = mdb_txn_commit(txn);
        txn = NULL;
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (rc == 0)
        rc = mdb_txn_begin(st->env, NULL, MDB_RDONLY, &st->read);
    if (rc == 0)
        mdb_txn_reset(st->read);
    return err_from_lmdb(rc);
}

static void
log_shut(struct store *st)
{
    if (st->read != NULL)
        mdb_txn_abort(st->read);
    if (st->env != NULL)
        mdb_env_close(st->env);
    st->read = NULL;
    st->env = NULL;
}

/* What is read from all over the file: the table of ids. */
static int
recover_scattered(struct store *st, const uint8_t pair[KEYS_PAIR_SIZE])
{
    const uint8_t *frontier;
    size_t frontier_len;
    MDB_txn *txn;
    int rc = view_begin(st, &txn);

    if (rc != 0)
        return rc;
    if ((rc = state_load(st, txn, &frontier, &frontier_len)) == 0 && (rc = rows_check(st, txn)) == 0 &&
        (rc = keys_fit(st, pair)) == 0)
        rc = ids_check(st, txn);
    view_end(st);
    return rc;
}

static int
recover(struct store *st, const char *find_dir)
{
    const uint8_t *frontier = NULL;
    size_t frontier_len = 0, newest = 0;
    MDB_txn *txn;
    int rc = view_begin(st, &txn);

    if (rc != 0)
        return rc;
    if ((rc = state_load(st, txn, &frontier, &frontier_len)) != 0 || (rc = newest_check(st, txn, &newest)) != 0 ||
        (rc = tree_load(st, txn, (const uint8_t(*)[LEAF_HASH_SIZE])st->batch_hashes, newest, frontier, frontier_len)) !=
            0)
        goto out;
    rc = find_open(&st->find, find_dir, st->pair, st->map_size_max);
    if (rc == 0)
        rc = find_roll_forward(st, txn);
out:
    view_end(st);
    return rc;
}

/* What was destroyed is destroyed once more: the key store may be an older copy that was put back. */
static int
erased_restore(struct store *st, const char *path, const uint8_t pair[KEYS_PAIR_SIZE])
{
    int rc;

    if (path == NULL)
        return 0;
    rc = erased_open(&st->erased, path, pair);
    if (rc == -EBADMSG)
        return damage_set(st, "list of destroyed keys: not one, or another log's");
    return rc == 0 ? erased_repeat(st->erased, st->keys) : rc;
}

/* One that can be closed, with nothing open. */
static int
store_alloc(struct store **ret, const struct store_options *options)
{
    struct store *st = calloc(1, sizeof *st);

    if (st == NULL)
        return -ENOMEM;
    st->lock_fd = -1;
    st->map_size_max = options->map_size_max;
    st->blob = malloc(BLOB_MAX);
    st->filter = malloc(STORE_VALUE_MAX);
    *ret = st;
    if (st->blob == NULL || st->filter == NULL) {
        store_close(ret);
        return -ENOMEM;
    }
    return 0;
}

static int
keys_open_told(struct store *st, const struct store_options *options, uint8_t ret_pair[KEYS_PAIR_SIZE])
{
    int rc = keys_open(&st->keys, options->key_dir, options->kek_path, ret_pair);

    if (rc == -EPERM)
        damage_set(st, "key-encryption key: missing, readable by others, or not the one of this key store");
    if (rc == -EBADMSG)
        damage_set(st, "key store: missing, or not a key store");
    return rc;
}

int
store_open(struct store **ret, const struct store_options *options)
{
    char log_dir[PATH_MAX], find_dir[PATH_MAX], data[PATH_MAX];
    uint8_t pair[KEYS_PAIR_SIZE];
    struct store *st;
    int rc;

    open_damage[0] = '\0';
    if (options->map_size_max < STORE_MAP_MIN)
        return -EINVAL;
    if (sodium_init() < 0)
        return -EIO;
    if ((rc = file_path(log_dir, options->dir, "log")) != 0 || (rc = file_path(find_dir, options->dir, "find")) != 0 ||
        (rc = file_path(data, log_dir, "data.mdb")) != 0)
        return rc;
    if (access(data, F_OK) != 0)
        return -errno;

    if ((rc = store_alloc(&st, options)) != 0)
        return rc;
    if ((rc = lock_take(options->dir, &st->lock_fd)) != 0)
        goto out;
    if ((rc = compact_remove(options->dir)) != 0) {
        damage_set(st, "%s/%s cannot be removed: it may hold what is erased: %s", options->dir, COMPACT_DIR,
                   strerror(-rc));
        goto out;
    }
    if ((rc = keys_open_told(st, options, pair)) != 0 || (rc = erased_restore(st, options->erased_path, pair)) != 0)
        goto out;

    /* Whoever wrote these files and made their directories may have died before syncing them; what is seen from here
     * on, and told to others, must stay. Without the system's reading ahead first: the ids of ten million records lie
     * on 140,000 pages between the records, and for each the system would read what lies around it. */
    if ((rc = log_open(st, log_dir, false)) != 0 || (rc = err_from_lmdb(mdb_env_sync(st->env, 1))) != 0 ||
        (rc = file_sync_dir(log_dir)) != 0 || (rc = file_sync_dir(options->dir)) != 0 ||
        (rc = recover_scattered(st, pair)) != 0)
        goto out;
    log_shut(st);
    if ((rc = log_open(st, log_dir, true)) != 0 || (rc = recover(st, find_dir)) != 0)
        goto out;
    *ret = st;
    st = NULL;
out:
    if (rc != 0)
        memcpy(open_damage, st->damage, sizeof open_damage);
    store_close(&st);
    return rc;
}

void
store_close(struct store **store)
{
    struct store *st = *store;

    *store = NULL;
    if (st == NULL)
        return;
    assert(st->slices_open == 0);
    if (st->txn != NULL)
        mdb_txn_abort(st->txn);
    find_close(&st->find);
    slices_drop(st);
    log_shut(st);
    erased_close(&st->erased);
    keys_close(&st->keys);
    if (st->lock_fd >= 0)
        close(st->lock_fd);
    if (st->blob != NULL)
        sodium_memzero(st->blob, BLOB_MAX);
    if (st->plain.bytes != NULL)
        sodium_memzero(st->plain.bytes, st->plain.size);
    free(st->blob);
    free(st->plain.bytes);
    free(st->filter);
    free(st);
}
