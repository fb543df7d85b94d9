/*
 * find - the finding index (find.h gives the layout)
 *
 * Invariants:
 *   (1) LMDB holds seqs up to and with mark.seq, the tail those above it.
 *   (2) Chunks of one entry do not overlap: the last seq of one is below the first of the next.
 *   (3) total is that of the sums of all chunks in LMDB; it is added to and subtracted from with each that is written.
 *   (4) All reads of LMDB go through one read-only transaction that is renewed for each and reset after it, so that
 *       none is open while the map grows.
 *
 * The index is bounded by the log it describes: an entry's seq costs 8 bytes, at worst (each record a dossier of its
 * own, half-full pages) 70, a third of the smallest record. A transaction may copy every page it touches, so the map
 * may grow to twice the log's.
 */
#include "store/find.h"

#include "store/be.h"
#include "store/check.h"
#include "store/env.h"
#include "store/file.h"
#include "store/lmdb_err.h"
#include "store/store.h"
#include "store/tail.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_SIZE   16u
#define CHUNK_SIZE (FIND_CHUNK * 8u) /* of the seqs; their sum is behind them */
#define MARK_SIZE  (1u + FIND_PAIR_SIZE + 8u + LEAF_HASH_SIZE + CHECK_SIZE)
#define FORMAT     2u

#define FIND_DUE_PART 32u

struct find {
    char dir[PATH_MAX];
    uint8_t pair[FIND_PAIR_SIZE];
    uint64_t map_size_max;
    MDB_env *env;
    MDB_dbi seqs, meta;
    MDB_txn *read; /* reset between reads */
    MDB_cursor *read_cursor;
    struct find_mark mark;
    uint64_t total; /* of the sums of all chunks, as committed */
    struct tail tail;
};

static void
key_encode(uint8_t key[KEY_SIZE], uint64_t list, uint64_t first)
{
    be64_put(key, list);
    be64_put(key + 8, first);
}

/* ---- the environment */

static void
index_close(struct find *f)
{
    if (f->read_cursor != NULL)
        mdb_cursor_close(f->read_cursor);
    if (f->read != NULL)
        mdb_txn_abort(f->read);
    if (f->env != NULL)
        mdb_env_close(f->env);
    f->read_cursor = NULL;
    f->read = NULL;
    f->env = NULL;
}

static int
mark_put(struct find *f, MDB_txn *txn, const struct find_mark *mark, uint64_t total)
{
    uint8_t bytes[MARK_SIZE];
    char name[] = "mark";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val = {.mv_size = sizeof bytes, .mv_data = bytes};

    bytes[0] = FORMAT;
    memcpy(bytes + 1, f->pair, FIND_PAIR_SIZE);
    be64_put(bytes + 1 + FIND_PAIR_SIZE, mark->seq);
    memcpy(bytes + 1 + FIND_PAIR_SIZE + 8, mark->hash, LEAF_HASH_SIZE);
    be64_put(bytes + MARK_SIZE - CHECK_SIZE, total);
    return mdb_put(txn, f->meta, &key, &val, 0);
}

/* -ENOENT: a fresh index. -EBADMSG: another format or log. */
static int
mark_get(struct find *f, MDB_txn *txn, struct find_mark *ret, uint64_t *ret_total)
{
    char name[] = "mark";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val;
    const uint8_t *bytes;
    int rc = mdb_get(txn, f->meta, &key, &val);

    if (rc != 0)
        return err_from_lmdb(rc);
    bytes = val.mv_data;
    if (val.mv_size != MARK_SIZE || bytes[0] != FORMAT || memcmp(bytes + 1, f->pair, FIND_PAIR_SIZE) != 0)
        return -EBADMSG;
    ret->seq = be64_get(bytes + 1 + FIND_PAIR_SIZE);
    memcpy(ret->hash, bytes + 1 + FIND_PAIR_SIZE + 8, LEAF_HASH_SIZE);
    *ret_total = be64_get(bytes + MARK_SIZE - CHECK_SIZE);
    return 0;
}

/* ---- chunks */

static uint64_t
chunk_sum(const void *key, const uint8_t *seqs, size_t len)
{
    return check_of(key, KEY_SIZE, seqs, len);
}

/* Is this a chunk of the list as we write them? *ret_len: bytes of its seqs. */
static bool
chunk_is_sound(const MDB_val *key, const MDB_val *val, size_t *ret_len)
{
    const uint8_t *bytes = val->mv_data;
    size_t len = val->mv_size - CHECK_SIZE;

    if (key->mv_size != KEY_SIZE || val->mv_size <= CHECK_SIZE || len % 8 != 0 || len > CHUNK_SIZE ||
        memcmp((const uint8_t *)key->mv_data + 8, bytes, 8) != 0 ||
        be64_get(bytes + len) != chunk_sum(key->mv_data, bytes, len))
        return false;
    *ret_len = len;
    return true;
}

static uint64_t
chunk_kept_sum(const MDB_val *val)
{
    return val->mv_size < CHECK_SIZE ? 0 : be64_get((const uint8_t *)val->mv_data + val->mv_size - CHECK_SIZE);
}

/* All chunks are sound, and none is missing. -EBADMSG */
static int
chunks_check(const struct find *f, MDB_txn *txn, uint64_t total)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    size_t len;
    int rc = mdb_cursor_open(txn, f->seqs, &cursor);

    for (rc = rc == 0 ? mdb_cursor_get(cursor, &key, &val, MDB_FIRST) : rc; rc == 0;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        if (!chunk_is_sound(&key, &val, &len)) {
            rc = MDB_CORRUPTED;
            break;
        }
        total -= chunk_kept_sum(&val);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        rc = total == 0 ? 0 : MDB_CORRUPTED;
    return rc == MDB_CORRUPTED ? -EBADMSG : err_from_lmdb(rc);
}

/* ---- opening */

static int
index_open(struct find *f)
{
    struct find_mark mark = {0};
    uint64_t total = 0;
    MDB_txn *txn = NULL;
    int rc;

    rc = file_make_dir(f->dir);
    if (rc == 0)
        rc = env_open(&f->env, f->dir, 2, f->map_size_max, 0);
    if (rc != 0)
        return rc;
    if ((rc = mdb_txn_begin(f->env, NULL, 0, &txn)) != 0 ||
        (rc = mdb_dbi_open(txn, "seqs", MDB_CREATE, &f->seqs)) != 0 ||
        (rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &f->meta)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    rc = mark_get(f, txn, &mark, &total);
    if (rc == 0)
        rc = chunks_check(f, txn, total);
    if (rc == -ENOENT) {
        MDB_stat stat;

        rc = err_from_lmdb(mdb_stat(txn, f->seqs, &stat));
        if (rc == 0 && stat.ms_entries != 0)
            rc = -EBADMSG;
        if (rc == 0)
            rc = err_from_lmdb(mark_put(f, txn, &mark, total));
    }
    if (rc != 0)
        goto out;
    rc = mdb_txn_commit(txn);
    txn = NULL;
    if (rc != 0 || (rc = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->read)) != 0 ||
        (rc = mdb_cursor_open(f->read, f->seqs, &f->read_cursor)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    mdb_txn_reset(f->read);
    f->mark = mark;
    f->total = total;
out:
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (rc != 0)
        index_close(f);
    return rc;
}

int
find_restart(struct find *f)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[PATH_MAX];

    index_close(f);
    tail_clear(&f->tail);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int rc = file_path(path, f->dir, names[i]);

        if (rc != 0)
            return rc;
        if (unlink(path) != 0 && errno != ENOENT)
            return -errno;
    }
    return index_open(f);
}

int
find_open(struct find **ret, const char *dir, const uint8_t pair[FIND_PAIR_SIZE], uint64_t map_size_max)
{
    struct find *f;
    int rc;

    f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    rc = snprintf(f->dir, sizeof f->dir, "%s", dir) < (int)sizeof f->dir ? 0 : -ENAMETOOLONG;
    memcpy(f->pair, pair, FIND_PAIR_SIZE);
    f->map_size_max = map_size_max * 2;
    if (rc == 0)
        rc = index_open(f);
    if (rc == -EBADMSG || rc == -ENOENT || rc == -EINVAL || rc == -EIO) /* what it holds makes no sense */
        rc = find_restart(f);
    if (rc == 0) {
        *ret = f;
        f = NULL;
    }
    find_close(&f);
    return rc;
}

void
find_close(struct find **find)
{
    struct find *f = *find;

    *find = NULL;
    if (f == NULL)
        return;
    index_close(f);
    tail_clear(&f->tail);
    free(f);
}

const struct find_mark *
find_mark(const struct find *f)
{
    return &f->mark;
}

/* ---- writing */

int
find_add(struct find *f, uint32_t entry, uint32_t generation, uint64_t seq)
{
    assert(seq > f->mark.seq);
    return tail_push(&f->tail, tail_key(entry, generation), seq);
}

void
find_pop(struct find *f, uint32_t entry, uint32_t generation)
{
    tail_pop(&f->tail, tail_key(entry, generation));
}

static int
list_compare(const void *a, const void *b)
{
    const struct tail_list *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

/* Positions the cursor at the last chunk of the list. -ENOENT: it has none. */
static int
chunk_last(MDB_cursor *cursor, uint64_t list, MDB_val *key, MDB_val *val, size_t *ret_len)
{
    uint8_t wanted[KEY_SIZE];
    int rc;

    key_encode(wanted, list, UINT64_MAX);
    *key = (MDB_val){.mv_size = sizeof wanted, .mv_data = wanted};
    rc = mdb_cursor_get(cursor, key, val, MDB_SET_RANGE);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, key, val, MDB_PREV);
    else if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(cursor, key, val, MDB_LAST);
    if (rc != 0)
        return err_from_lmdb(rc);
    if (!chunk_is_sound(key, val, ret_len))
        return -EBADMSG;
    return be64_get(key->mv_data) == list ? 0 : -ENOENT;
}

/* Appends ascending seqs to the list: fills its last chunk, then begins new ones. */
static int
list_append(struct find *f, MDB_txn *txn, MDB_cursor *cursor, uint64_t list, const uint64_t *seqs, size_t count,
            uint64_t *total)
{
    uint8_t chunk[CHUNK_SIZE + CHECK_SIZE], name[KEY_SIZE];
    size_t len = 0, had = 0;
    MDB_val key, val;
    int rc = chunk_last(cursor, list, &key, &val, &had);

    if (rc == 0 && had < CHUNK_SIZE) {
        len = had / 8;
        memcpy(chunk, val.mv_data, had);
        *total -= chunk_kept_sum(&val);
        if (be64_get(chunk + 8 * (len - 1)) >= seqs[0])
            return -EBADMSG; /* beyond the watermark */
    } else if (rc != 0 && rc != -ENOENT) {
        return rc;
    }
    while (count > 0) {
        while (len < FIND_CHUNK && count > 0) {
            be64_put(chunk + 8 * len++, *seqs++);
            count--;
        }
        key_encode(name, list, be64_get(chunk));
        be64_put(chunk + 8 * len, chunk_sum(name, chunk, 8 * len));
        key = (MDB_val){.mv_size = sizeof name, .mv_data = name};
        val = (MDB_val){.mv_size = 8 * len + CHECK_SIZE, .mv_data = chunk};
        *total += chunk_kept_sum(&val);
        rc = mdb_put(txn, f->seqs, &key, &val, 0);
        if (rc != 0)
            return err_from_lmdb(rc);
        len = 0;
    }
    return 0;
}

/* Writes each list's seqs up to the mark. lists are sorted, so that pages are touched once and in order. */
static int
flush_write(struct find *f, const struct tail_list *lists, size_t count, const struct find_mark *mark)
{
    uint64_t total = f->total;
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    int rc;

    if ((rc = mdb_txn_begin(f->env, NULL, 0, &txn)) != 0 || (rc = mdb_cursor_open(txn, f->seqs, &cursor)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t *seqs = f->tail.pool + lists[i].at;
        size_t due = seqs_lower_bound(seqs, lists[i].len, mark->seq + 1);

        rc = due == 0 ? 0 : list_append(f, txn, cursor, lists[i].key, seqs, due, &total);
        if (rc != 0)
            goto out;
    }
    rc = err_from_lmdb(mark_put(f, txn, mark, total));
    if (rc != 0)
        goto out;
    mdb_cursor_close(cursor);
    cursor = NULL;
    rc = err_from_lmdb(mdb_txn_commit(txn));
    txn = NULL; /* commit frees it, whether or not it succeeds */
    if (rc == 0)
        f->total = total;
out:
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (txn != NULL)
        mdb_txn_abort(txn);
    return rc;
}

/* Doubles the map. No transaction of this environment is open between calls (invariant 3). */
static int
map_grow(struct find *f)
{
    MDB_envinfo info;
    int rc = err_from_lmdb(mdb_env_info(f->env, &info));

    if (rc != 0)
        return rc;
    if (info.me_mapsize * 2 > f->map_size_max)
        return -ENOSPC;
    return err_from_lmdb(mdb_env_set_mapsize(f->env, info.me_mapsize * 2));
}

/*
 * Records in many dossiers touch nearly every page of the index, however few they are, and LMDB writes a touched page
 * whole: the larger the index, the more must share that.
 */
uint64_t
find_due(uint64_t head)
{
    uint64_t due = head / FIND_DUE_PART;

    if (due < STORE_FIND_FLUSH)
        return STORE_FIND_FLUSH;
    return due < STORE_FIND_FLUSH_MAX ? due : STORE_FIND_FLUSH_MAX;
}

int
find_flush(struct find *f, const struct find_mark *mark)
{
    struct tail rest = {0};
    struct tail_list *lists;
    size_t count = 0;
    int rc = 0;

    assert(mark->seq >= f->mark.seq);
    lists = malloc((f->tail.used + 1) * sizeof *lists);
    if (lists == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->tail.slot_count; i++)
        if (f->tail.slots[i].len > 0)
            lists[count++] = f->tail.slots[i];
    qsort(lists, count, sizeof *lists, list_compare);

    /* What stays in the tail, first: after the commit nothing may fail any more. */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const uint64_t *seqs = f->tail.pool + lists[i].at;

        for (size_t j = seqs_lower_bound(seqs, lists[i].len, mark->seq + 1); rc == 0 && j < lists[i].len; j++)
            rc = tail_push(&rest, lists[i].key, seqs[j]);
    }
    if (rc != 0)
        goto out;

    while ((rc = flush_write(f, lists, count, mark)) == -ENOSPC)
        if ((rc = map_grow(f)) != 0)
            break;
    if (rc != 0)
        goto out;
    f->mark = *mark;
    tail_clear(&f->tail);
    f->tail = rest;
    rest = (struct tail){0};
out:
    tail_clear(&rest);
    free(lists);
    return rc;
}

static int
entry_delete(struct find *f, MDB_txn *txn, uint32_t entry, uint64_t *total)
{
    MDB_cursor *cursor = NULL;
    uint8_t first[KEY_SIZE];
    MDB_val key, val;
    int rc = mdb_cursor_open(txn, f->seqs, &cursor);

    key_encode(first, tail_key(entry, 0), 0);
    while (rc == 0) {
        key = (MDB_val){.mv_size = sizeof first, .mv_data = first};
        rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE); /* anew each time: where a cursor stands after a
                                                                   deletion is not to be relied on */
        if (rc == 0 && (key.mv_size != KEY_SIZE || be64_get(key.mv_data) >> 32 != entry))
            break;
        if (rc == 0)
            *total -= chunk_kept_sum(&val);
        if (rc == 0)
            rc = mdb_cursor_del(cursor, 0);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
find_drop(struct find *f, uint32_t entry)
{
    MDB_txn *txn = NULL;
    uint64_t total;
    int rc;

    do {
        total = f->total;
        rc = mdb_txn_begin(f->env, NULL, 0, &txn);
        if (rc == 0 && (rc = entry_delete(f, txn, entry, &total)) == 0 && (rc = mark_put(f, txn, &f->mark, total)) == 0)
            rc = mdb_txn_commit(txn);
        else if (txn != NULL)
            mdb_txn_abort(txn);
        txn = NULL;
        rc = err_from_lmdb(rc);
    } while (rc == -ENOSPC && (rc = map_grow(f)) == 0);
    if (rc == 0) {
        f->total = total;
        tail_drop(&f->tail, entry);
    }
    return rc;
}

/* ---- reading */

/* Positions the cursor at the chunk that holds the first seq not below from, or at the one after it. */
static int
chunk_seek(MDB_cursor *cursor, uint64_t list, uint64_t from, MDB_val *key, MDB_val *val)
{
    uint8_t wanted[KEY_SIZE];
    MDB_val next_key, next_val;
    int rc;

    key_encode(wanted, list, from);
    next_key = (MDB_val){.mv_size = sizeof wanted, .mv_data = wanted};
    rc = mdb_cursor_get(cursor, &next_key, &next_val, MDB_SET_RANGE);
    if (rc == 0 && next_key.mv_size == KEY_SIZE && memcmp(next_key.mv_data, wanted, KEY_SIZE) == 0) {
        *key = next_key;
        *val = next_val;
        return 0;
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;

    /* The chunk before may reach beyond from. */
    rc = mdb_cursor_get(cursor, key, val, rc == 0 ? MDB_PREV : MDB_LAST);
    if (rc == 0 && key->mv_size == KEY_SIZE && be64_get(key->mv_data) == list)
        return 0;
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    return mdb_cursor_get(cursor, key, val, rc == 0 ? MDB_NEXT : MDB_FIRST);
}

static int
list_read(struct find *f, uint64_t list, uint64_t from, uint64_t upto, uint64_t *ret_seqs, size_t max,
          size_t *ret_count)
{
    size_t found = 0, len;
    uint64_t last = 0;
    MDB_val key, val;
    int rc;

    rc = mdb_txn_renew(f->read);
    if (rc != 0)
        return err_from_lmdb(rc);
    rc = mdb_cursor_renew(f->read, f->read_cursor);
    if (rc == 0)
        rc = chunk_seek(f->read_cursor, list, from, &key, &val);
    for (; rc == 0 && found < max; rc = mdb_cursor_get(f->read_cursor, &key, &val, MDB_NEXT)) {
        const uint8_t *bytes = val.mv_data;

        if (!chunk_is_sound(&key, &val, &len)) {
            rc = MDB_CORRUPTED;
            break;
        }
        if (be64_get(key.mv_data) != list)
            break;
        for (size_t at = 0; at < len && found < max; at += 8) {
            uint64_t seq = be64_get(bytes + at);

            if (seq <= last || seq > f->mark.seq) {
                rc = MDB_CORRUPTED;
                goto out;
            }
            last = seq;
            if (seq >= from && seq <= upto)
                ret_seqs[found++] = seq;
        }
    }
    if (rc == MDB_NOTFOUND)
        rc = 0;
out:
    mdb_txn_reset(f->read);
    if (rc == 0)
        *ret_count = found;
    return err_from_lmdb(rc);
}

int
find_list(struct find *f, uint32_t entry, uint32_t generation, uint64_t from, uint64_t upto, uint64_t *ret_seqs,
          size_t max, size_t *ret_count)
{
    uint64_t list = tail_key(entry, generation);
    const uint64_t *seqs;
    size_t found = 0, waiting;
    int rc = 0;

    if (from <= f->mark.seq)
        rc = list_read(f, list, from, upto, ret_seqs, max, &found);
    if (rc != 0)
        return rc;
    seqs = tail_find(&f->tail, list, from, &waiting);
    for (size_t i = 0; i < waiting && found < max && seqs[i] <= upto; i++)
        ret_seqs[found++] = seqs[i];
    *ret_count = found;
    return 0;
}
