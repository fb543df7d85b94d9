/*
 * find - the finding index (find.h gives the layout)
 *
 * Invariants:
 *   (1) LMDB holds the seqs of lists below next up to and with aim.seq, and those of the others up to and with
 * mark.seq; taken those of the others up to and with aim.seq; the tail those above it. While nothing is being written
 * next is 0, taken is empty and the aim is the mark. What taken holds besides is not looked at. (2) total is that of
 * the sums of all chunks in LMDB (find_chunk.h). (3) All reads of LMDB go through one read-only transaction that is
 * renewed for each and reset after it, so that none is open while the map grows.
 *
 * The index is bounded by the log it describes: an entry's seq costs 8 bytes, at worst (each record a dossier of its
 * own, half-full pages) 70, a third of the smallest record. A transaction may copy every page it touches, so the map
 * may grow to twice the log's.
 */
#include "store/find.h"

#include "store/be.h"
#include "store/check.h"
#include "store/env.h"
#include "store/fault.h"
#include "proto/file.h"
#include "store/find_chunk.h"
#include "store/lmdb_err.h"
#include "store/store.h"
#include "store/tail.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_SIZE   (8u + LEAF_HASH_SIZE)
#define MARK_SIZE (1u + FIND_PAIR_SIZE + 2u * AT_SIZE + 8u + CHECK_SIZE)
#define FORMAT    3u

#define FIND_DUE_PART  32u
#define FIND_STEP      2048u /* lists: fewer are not worth a transaction */
#define FIND_DUE_SMALL 8u    /* of store_find_small */

bool store_find_small;

struct find {
    char dir[PATH_MAX];
    uint8_t pair[FIND_PAIR_SIZE];
    uint64_t map_size_max;
    MDB_env *env;
    MDB_dbi seqs, meta;
    MDB_txn *read; /* reset between reads */
    MDB_cursor *read_cursor;
    struct find_mark mark, aim;
    uint64_t next;  /* list: those below it are written up to the aim */
    uint64_t total; /* of the sums of all chunks, as committed */
    struct tail tail, taken;
    uint64_t *lists; /* of taken, ascending; NULL until the first step */
    size_t list_count, list_at;
};

/* What a transaction leaves behind, should it be committed. */
struct progress {
    struct find_mark mark, aim;
    uint64_t next, total;
};

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

static struct progress
progress_of(const struct find *f)
{
    return (struct progress){.mark = f->mark, .aim = f->aim, .next = f->next, .total = f->total};
}

static void
progress_take(struct find *f, const struct progress *p)
{
    f->mark = p->mark;
    f->aim = p->aim;
    f->next = p->next;
    f->total = p->total;
}

static bool
is_writing(const struct find *f)
{
    return f->aim.seq != f->mark.seq;
}

static void
at_encode(uint8_t bytes[AT_SIZE], const struct find_mark *mark)
{
    be64_put(bytes, mark->seq);
    memcpy(bytes + 8, mark->hash, LEAF_HASH_SIZE);
}

static void
at_decode(const uint8_t bytes[AT_SIZE], struct find_mark *ret)
{
    ret->seq = be64_get(bytes);
    memcpy(ret->hash, bytes + 8, LEAF_HASH_SIZE);
}

/* The last 8 bytes are the total of all sums, with one over the bytes before them. */
static uint64_t
progress_sum(const uint8_t bytes[MARK_SIZE])
{
    return check_of("mark", 4, bytes, MARK_SIZE - CHECK_SIZE);
}

static int
progress_put(struct find *f, MDB_txn *txn, const struct progress *p)
{
    uint8_t bytes[MARK_SIZE], *at = bytes;
    char name[] = "mark";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val = {.mv_size = sizeof bytes, .mv_data = bytes};

    *at++ = FORMAT;
    memcpy(at, f->pair, FIND_PAIR_SIZE);
    at += FIND_PAIR_SIZE;
    at_encode(at, &p->mark);
    at_encode(at + AT_SIZE, &p->aim);
    at += 2 * AT_SIZE;
    be64_put(at, p->next);
    be64_put(at + 8, p->total + progress_sum(bytes));
    return mdb_put(txn, f->meta, &key, &val, 0);
}

/* -ENOENT: a fresh index. -EBADMSG: another format or log. */
static int
progress_get(struct find *f, MDB_txn *txn, struct progress *ret)
{
    char name[] = "mark";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val;
    const uint8_t *at;
    int rc = mdb_get(txn, f->meta, &key, &val);

    if (rc != 0)
        return err_from_lmdb(rc);
    at = val.mv_data;
    if (val.mv_size != MARK_SIZE || at[0] != FORMAT || memcmp(at + 1, f->pair, FIND_PAIR_SIZE) != 0)
        return -EBADMSG;
    at += 1 + FIND_PAIR_SIZE;
    at_decode(at, &ret->mark);
    at_decode(at + AT_SIZE, &ret->aim);
    at += 2 * AT_SIZE;
    ret->next = be64_get(at);
    ret->total = be64_get(at + 8) - progress_sum(val.mv_data);
    return ret->aim.seq >= ret->mark.seq ? 0 : -EBADMSG;
}

/* ---- opening */

static int
index_open(struct find *f)
{
    struct progress progress = {0};
    MDB_txn *txn = NULL;
    int rc;

    rc = file_make_dir(f->dir);
    if (rc == 0)
        rc = env_open(&f->env, f->dir, 2, f->map_size_max, 0, true);
    if (rc != 0)
        return rc;
    if ((rc = mdb_txn_begin(f->env, NULL, 0, &txn)) != 0 ||
        (rc = mdb_dbi_open(txn, "seqs", MDB_CREATE, &f->seqs)) != 0 ||
        (rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &f->meta)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    rc = progress_get(f, txn, &progress);
    if (rc == 0)
        rc = chunks_check(txn, f->seqs, progress.total);
    if (rc == -ENOENT) {
        MDB_stat stat;

        rc = err_from_lmdb(mdb_stat(txn, f->seqs, &stat));
        if (rc == 0 && stat.ms_entries != 0)
            rc = -EBADMSG;
        if (rc == 0)
            rc = err_from_lmdb(progress_put(f, txn, &progress));
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
    progress_take(f, &progress);
out:
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (rc != 0)
        index_close(f);
    return rc;
}

static void
taken_clear(struct find *f)
{
    tail_clear(&f->taken);
    free(f->lists);
    f->lists = NULL;
}

int
find_restart(struct find *f)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[PATH_MAX];

    index_close(f);
    taken_clear(f);
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
    taken_clear(f);
    tail_clear(&f->tail);
    free(f);
}

const struct find_mark *
find_mark(const struct find *f)
{
    return &f->mark;
}

const struct find_mark *
find_aim(const struct find *f)
{
    return &f->aim;
}

/* ---- writing */

int
find_add(struct find *f, uint32_t entry, uint32_t generation, uint64_t seq)
{
    uint64_t list = tail_key(entry, generation);

    assert(seq > f->mark.seq);
    if (seq > f->aim.seq)
        return tail_push(&f->tail, list, seq);
    assert(f->lists == NULL); /* while it opens: what was taken before is fed anew */
    return list < f->next ? 0 : tail_push(&f->taken, list, seq);
}

void
find_pop(struct find *f, uint32_t entry, uint32_t generation)
{
    tail_pop(&f->tail, tail_key(entry, generation));
}

static int
list_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Writes the lists up to number `upto`, each up to the aim. They are sorted, so that pages are touched once and in
 * order. */
static int
lists_write(struct find *f, size_t upto)
{
    struct progress progress = progress_of(f);
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    int rc;

    if ((rc = mdb_txn_begin(f->env, NULL, 0, &txn)) != 0 || (rc = mdb_cursor_open(txn, f->seqs, &cursor)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    for (size_t i = f->list_at; i < upto; i++) {
        size_t count;
        const uint64_t *seqs = tail_find(&f->taken, f->lists[i], 0, &count);

        count = seqs_lower_bound(seqs, count, f->aim.seq + 1);
        rc = count == 0 ? 0 : chunks_append(cursor, f->lists[i], seqs, count, &progress.total);
        if (rc != 0)
            goto out;
    }
    if (upto == f->list_count) {
        progress.mark = f->aim;
        progress.next = 0;
    } else {
        progress.next = f->lists[upto];
    }
    rc = err_from_lmdb(progress_put(f, txn, &progress));
    if (rc != 0)
        goto out;
    mdb_cursor_close(cursor);
    cursor = NULL;
    rc = err_from_lmdb(mdb_txn_commit(txn));
    txn = NULL; /* commit frees it, whether or not it succeeds */
    if (rc == 0)
        progress_take(f, &progress);
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

    if (store_find_small)
        return FIND_DUE_SMALL;
    if (due < STORE_FIND_FLUSH)
        return STORE_FIND_FLUSH;
    return due < STORE_FIND_FLUSH_MAX ? due : STORE_FIND_FLUSH_MAX;
}

/* The lists of what was taken, in the order in which they are written. */
static int
lists_sort(struct find *f)
{
    uint64_t *lists = malloc((f->taken.used + 1) * sizeof *lists);
    size_t count = 0;

    if (lists == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->taken.slot_count; i++)
        if (f->taken.slots[i].len > 0)
            lists[count++] = f->taken.slots[i].key;
    qsort(lists, count, sizeof *lists, list_compare);
    f->lists = lists;
    f->list_count = count;
    f->list_at = 0;
    return 0;
}

int
find_begin(struct find *f, const struct find_mark *aim)
{
    struct tail rest = {0};
    int rc = 0;

    assert(!is_writing(f));
    assert(aim->seq > f->mark.seq);
    for (size_t i = 0; rc == 0 && i < f->tail.slot_count; i++) { /* of an open batch */
        const struct tail_list *list = &f->tail.slots[i];
        const uint64_t *seqs = f->tail.pool + list->at;

        for (size_t j = seqs_lower_bound(seqs, list->len, aim->seq + 1); rc == 0 && j < list->len; j++)
            rc = tail_push(&rest, list->key, seqs[j]);
    }
    if (rc != 0) {
        tail_clear(&rest);
        return rc;
    }
    f->taken = f->tail;
    f->tail = rest;
    f->aim = *aim;
    return 0;
}

static int
step_to(struct find *f, size_t upto)
{
    int rc;

    while ((rc = lists_write(f, upto)) == -ENOSPC)
        if ((rc = map_grow(f)) != 0)
            break;
    if (rc != 0)
        return rc;
    f->list_at = upto;
    if (!is_writing(f))
        taken_clear(f);
    return 0;
}

int
find_step(struct find *f, uint64_t head)
{
    uint64_t half = find_due(head) / 2, gone = head - f->aim.seq;
    size_t upto;
    int rc;

    if (!is_writing(f))
        return 0;
    if (f->lists == NULL && (rc = lists_sort(f)) != 0)
        return rc;
    upto = gone >= half ? f->list_count : (size_t)(f->list_count * gone / half);
    if (upto < f->list_count && upto - f->list_at < (store_find_small ? 1 : FIND_STEP))
        return 0;
    return step_to(f, upto);
}

int
find_finish(struct find *f)
{
    int rc = 0;

    if (!is_writing(f))
        return 0;
    if (f->lists == NULL)
        rc = lists_sort(f);
    return rc == 0 ? step_to(f, f->list_count) : rc;
}

int
find_drop(struct find *f, uint32_t entry)
{
    struct progress progress;
    MDB_txn *txn = NULL;
    int rc;

    do {
        progress = progress_of(f);
        rc = mdb_txn_begin(f->env, NULL, 0, &txn);
        if (rc == 0 && (rc = chunks_delete(txn, f->seqs, entry, &progress.total)) == 0 &&
            (rc = progress_put(f, txn, &progress)) == 0)
            rc = mdb_txn_commit(txn);
        else if (txn != NULL)
            mdb_txn_abort(txn);
        txn = NULL;
        rc = err_from_lmdb(rc);
    } while (rc == -ENOSPC && (rc = map_grow(f)) == 0);
    if (rc == 0) {
        progress_take(f, &progress);
        tail_drop(&f->taken, entry);
        tail_drop(&f->tail, entry);
    }
    return rc;
}

/* ---- reading */

/* As far as LMDB has the list. */
static uint64_t
list_end(const struct find *f, uint64_t list)
{
    return list < f->next ? f->aim.seq : f->mark.seq;
}

static int
written_read(struct find *f, uint64_t list, uint64_t from, uint64_t upto, uint64_t *ret_seqs, size_t max,
             size_t *ret_count)
{
    int rc = err_from_lmdb(mdb_txn_renew(f->read));

    if (rc != 0)
        return rc;
    rc = err_from_lmdb(mdb_cursor_renew(f->read, f->read_cursor));
    if (rc == 0)
        rc = chunks_read(f->read_cursor, list, list_end(f, list), from, upto, ret_seqs, max, ret_count);
    mdb_txn_reset(f->read);
    return rc;
}

/* Returns how many. */
static size_t
waiting_read(const struct tail *tail, uint64_t list, uint64_t from, uint64_t upto, uint64_t *ret_seqs, size_t max)
{
    size_t found = 0, waiting;
    const uint64_t *seqs = tail_find(tail, list, from, &waiting);

    while (found < waiting && found < max && seqs[found] <= upto) {
        ret_seqs[found] = seqs[found];
        found++;
    }
    return found;
}

int
find_list(struct find *f, uint32_t entry, uint32_t generation, uint64_t from, uint64_t upto, uint64_t *ret_seqs,
          size_t max, size_t *ret_count)
{
    uint64_t list = tail_key(entry, generation), end = list_end(f, list);
    size_t found = 0;
    int rc = 0;

    if (from <= end)
        rc = written_read(f, list, from, upto, ret_seqs, max, &found);
    if (rc != 0)
        return rc;
    if (end < f->aim.seq)
        found += waiting_read(&f->taken, list, from, upto < f->aim.seq ? upto : f->aim.seq, ret_seqs + found,
                              max - found);
    found += waiting_read(&f->tail, list, from, upto, ret_seqs + found, max - found);
    *ret_count = found;
    return 0;
}
