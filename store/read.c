/*
 * read - slices, and the search by time
 *
 * A slice is a read transaction with a cursor and a buffer. Ended slices are kept and renewed, which is much cheaper
 * than making one. The cursor stands at the row read last, so that reading on in order never searches the tree.
 *
 * Rows are row.c's. A record without a seal (in clear, or erased), and one whose leaf alone is read, has its leaf
 * compared with the tree besides. Both are rare: what belongs to a dossier is sealed.
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

struct store_slice {
    struct store *st;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t head; /* last seq this view has */
    uint64_t at;   /* seq the cursor stands at; 0: none */
    struct plain plain;
    struct store_slice *next; /* in slices_free */
};

/* ---- slices */

static void
slice_free(struct store_slice *slice)
{
    if (slice->cursor != NULL)
        mdb_cursor_close(slice->cursor);
    if (slice->txn != NULL)
        mdb_txn_abort(slice->txn);
    if (slice->plain.bytes != NULL)
        sodium_memzero(slice->plain.bytes, slice->plain.size);
    free(slice->plain.bytes);
    free(slice);
}

void
slices_drop(struct store *st)
{
    while (st->slices_free != NULL) {
        struct store_slice *slice = st->slices_free;

        st->slices_free = slice->next;
        slice_free(slice);
    }
}

int
store_slice_begin(struct store *st, struct store_slice **ret)
{
    struct store_slice *slice = st->slices_free;
    int rc;

    if (slice != NULL) {
        st->slices_free = slice->next;
        rc = mdb_txn_renew(slice->txn);
        if (rc == 0)
            rc = mdb_cursor_renew(slice->txn, slice->cursor);
    } else {
        slice = calloc(1, sizeof *slice);
        if (slice == NULL)
            return -ENOMEM;
        slice->st = st;
        rc = mdb_txn_begin(st->env, NULL, MDB_RDONLY, &slice->txn);
        if (rc == 0)
            rc = mdb_cursor_open(slice->txn, st->ev, &slice->cursor);
    }
    if (rc != 0) {
        slice_free(slice);
        return err_from_lmdb(rc);
    }
    slice->head = st->at.head;
    slice->at = 0;
    slice->next = NULL;
    st->slices_open++;
    *ret = slice;
    return 0;
}

void
store_slice_end(struct store_slice **slice)
{
    struct store_slice *s = *slice;

    *slice = NULL;
    if (s == NULL)
        return;
    assert(s->st->slices_open > 0);
    mdb_txn_reset(s->txn);
    s->st->slices_open--;
    s->next = s->st->slices_free;
    s->st->slices_free = s;
}

/* Moves the cursor to seq and takes the row apart. */
static int
slice_row(struct store_slice *s, uint64_t seq, struct row *ret)
{
    uint8_t bytes[8];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val;
    bool next = s->at != 0 && seq == s->at + 1;
    int rc;

    if (seq == 0 || seq > s->head)
        return -ENOENT;
    be64_put(bytes, seq);
    s->at = 0;
    rc = mdb_cursor_get(s->cursor, &key, &val, next ? MDB_NEXT : MDB_SET_KEY);
    if (rc == 0 && next && (key.mv_size != sizeof bytes || be64_get(key.mv_data) != seq))
        rc = MDB_NOTFOUND;
    if (rc != 0)
        return rc == MDB_NOTFOUND ? damage_set(s->st, "record %" PRIu64 ": is missing", seq)
                                  : damage_set(s->st, "record %" PRIu64 ": LMDB: %s", seq, mdb_strerror(rc));
    s->at = seq;
    return row_split(s->st, seq, val.mv_data, val.mv_size, ret);
}

/* Opened; where no seal covers the leaf, it is the one that the tree holds. */
static int
row_read(struct store *st, const struct row *row, uint64_t seq, struct plain *plain, struct store_row *ret)
{
    int rc = row_open(st, row, seq, plain, ret);

    if (rc == 0 && (ret->erased || row->entry == STORE_CLEAR_ENTRY))
        rc = tree_holds(st, seq, row->leaf, row->leaf_len);
    return rc;
}

int
store_read(struct store_slice *slice, uint64_t seq, struct store_row *ret)
{
    struct row row;
    int rc = slice_row(slice, seq, &row);

    return rc == 0 ? row_read(slice->st, &row, seq, &slice->plain, ret) : rc;
}

int
store_read_leaf(struct store_slice *slice, uint64_t seq, struct leaf *ret, uint32_t *ret_entry)
{
    struct row row;
    int rc = slice_row(slice, seq, &row);

    if (rc != 0)
        return rc;
    if (leaf_decode(ret, row.leaf, row.leaf_len) != 0)
        return damage_set(slice->st, "record %" PRIu64 ": the leaf has no sense", seq);
    rc = tree_holds(slice->st, seq, row.leaf, row.leaf_len);
    if (rc == 0)
        *ret_entry = row.erased ? STORE_NO_ENTRY : row.entry;
    return rc;
}

int
store_read_entries(struct store_slice *slice, uint64_t from, uint32_t *ret_entries, size_t max, size_t *ret_count)
{
    size_t count = 0;

    for (; count < max && from + count <= slice->head; count++) {
        struct row row;
        int rc = slice_row(slice, from + count, &row);

        if (rc != 0)
            return rc;
        ret_entries[count] = row.erased ? STORE_NO_ENTRY : row.entry;
    }
    *ret_count = count;
    return 0;
}

int
store_read_pending(struct store *st, uint64_t seq, struct store_row *ret)
{
    MDB_txn *txn;
    struct row row;
    int rc;

    if (seq == 0 || seq > st->now.head)
        return -ENOENT;
    rc = view_begin(st, &txn);
    if (rc != 0)
        return rc;
    rc = row_get(st, txn, seq, &row);
    if (rc == -ENOENT)
        rc = damage_set(st, "record %" PRIu64 ": is missing", seq);
    if (rc == 0)
        rc = row_read(st, &row, seq, &st->plain, ret); /* copies: nothing points into the map */
    view_end(st);
    return rc;
}

int
store_find_time(struct store_slice *slice, uint64_t ms, uint64_t *ret_seq)
{
    uint64_t low = 1, high = slice->head + 1;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        struct row row;
        int rc = slice_row(slice, mid, &row);

        if (rc == 0)
            rc = tree_holds(slice->st, mid, row.leaf, row.leaf_len);
        if (rc != 0)
            return rc;
        if (be64_get(row.leaf + LEAF_AT_TIME) < ms)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_seq = low;
    return 0;
}

int
store_readers_check(struct store *st)
{
    int dead;

    return err_from_lmdb(mdb_reader_check(st->env, &dead));
}
