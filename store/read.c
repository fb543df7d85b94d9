/*
 * read - slices, rows and the search by time
 *
 * A slice is a read transaction with a cursor and a buffer. Ended slices are kept and renewed, which is much cheaper
 * than making one. The cursor stands at the row read last, so that reading on in order never searches the tree.
 *
 * What is checked on each read: the row's shape, the seq in the leaf against the row's key, the sum over entry and
 * generation, and the seal, which binds the content to the whole leaf. A record without a seal that opens (in clear, or
 * erased) has its digests computed instead, and its leaf compared with the tree; so has one whose leaf alone is read.
 * Both are rare: what belongs to a dossier is sealed.
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#define PLAIN_FIRST 4096u

/* Places in a leaf input */
enum { AT_SEQ = 16, AT_TIME = 24 };

struct store_slice {
    struct store *st;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t head; /* last seq this view has */
    uint64_t at;   /* seq the cursor stands at; 0: none */
    struct plain plain;
    struct store_slice *next; /* in slices_free */
};

static int
plain_reserve(struct plain *plain, size_t len)
{
    size_t size = plain->size == 0 ? PLAIN_FIRST : plain->size;
    uint8_t *bytes;

    if (len <= plain->size)
        return 0;
    while (size < len)
        size *= 2;
    bytes = malloc(size);
    if (bytes == NULL)
        return -ENOMEM;
    if (plain->bytes != NULL)
        sodium_memzero(plain->bytes, plain->size);
    free(plain->bytes);
    plain->bytes = bytes;
    plain->size = size;
    return 0;
}

/* ---- rows */

int
row_split(struct store *st, uint64_t seq, const uint8_t *bytes, size_t len, struct row *ret)
{
    struct row row = {.leaf = bytes};
    uint8_t n;

    if (len <= SEAL_LEAF_HEAD)
        return damage_set(st, "record %" PRIu64 ": the row is cut short", seq);
    n = bytes[SEAL_LEAF_HEAD];
    row.leaf_len = SEAL_LEAF_LEN(n);
    if (n < 1 || n > LEAF_SLOTS_MAX || len < row.leaf_len)
        return damage_set(st, "record %" PRIu64 ": the leaf has no sense", seq);
    if (be64_get(bytes + AT_SEQ) != seq)
        return damage_set(st, "record %" PRIu64 ": its leaf names another", seq);
    row.erased = len == row.leaf_len;
    if (!row.erased) {
        if (len < row.leaf_len + ROW_HEAD_SIZE)
            return damage_set(st, "record %" PRIu64 ": the row is cut short", seq);
        row.entry = be32_get(bytes + row.leaf_len);
        row.generation = be32_get(bytes + row.leaf_len + 4);
        if (be32_get(bytes + row.leaf_len + 8) != check_of_row(seq, row.entry, row.generation))
            return damage_set(st, "record %" PRIu64 ": the row names another key than it was written with", seq);
        row.blob = bytes + row.leaf_len + ROW_HEAD_SIZE;
        row.blob_len = len - row.leaf_len - ROW_HEAD_SIZE;
    }
    *ret = row;
    return 0;
}

/* Takes the content apart: seed, then the parts. */
static int
blob_parse(const uint8_t *at, size_t left, uint8_t n, struct store_row *ret)
{
    uint32_t seen = 0; /* a bit for each slot */

    if (left < LEAF_SEED_SIZE)
        return -EBADMSG;
    memcpy(ret->seed, at, LEAF_SEED_SIZE);
    at += LEAF_SEED_SIZE;
    left -= LEAF_SEED_SIZE;
    ret->part_count = 0;
    while (left > 0) {
        struct leaf_part part;

        if (left < PART_HEAD_SIZE || ret->part_count == LEAF_SLOTS_MAX)
            return -EBADMSG;
        part.slot = at[0];
        part.section_id = be16_get(at + 1);
        part.len = be32_get(at + 3);
        part.body = at + PART_HEAD_SIZE;
        at += PART_HEAD_SIZE;
        left -= PART_HEAD_SIZE;
        if (part.len > left || part.slot >= n || (seen >> part.slot & 1) != 0)
            return -EBADMSG;
        at += part.len;
        left -= part.len;
        seen |= UINT32_C(1) << part.slot;
        ret->parts[ret->part_count++] = part;
    }
    return 0;
}

/* Do the parts give the digests of the leaf? */
static bool
digests_match(struct store *st, const struct store_row *row)
{
    struct leaf *leaf = &st->leaf;

    leaf->n = row->leaf.n;
    leaf_fill(leaf, row->seed, row->parts, row->part_count);
    return memcmp(leaf->digests, row->leaf.digests, row->leaf.n * (size_t)LEAF_HASH_SIZE) == 0;
}

/* Opens the seal into plain. *ret_erased: the key is gone, and with it the content. */
static int
blob_unseal(struct store *st, const struct row *row, uint64_t seq, uint8_t *plain, bool *ret_erased)
{
    const uint8_t *key;
    uint32_t generation = 0;
    int rc = keys_find(st->keys, row->entry, &key, &generation);

    if (rc == -ENOKEY && row->generation != 0 && row->generation < generation) {
        *ret_erased = true; /* the erasure did not come to this row yet */
        return 0;
    }
    if (rc == -EBADMSG)
        return damage_set(st, "key entry %" PRIu32 ": does not unwrap", row->entry);
    if (rc == -ENOENT || rc == -ENOKEY || (rc == 0 && row->generation != generation))
        return damage_set(st, "record %" PRIu64 ": there is no such key", seq);
    if (rc == 0 && seal_open(plain, row->blob, row->blob_len, row->leaf, key) != 0)
        return damage_set(st, "record %" PRIu64 ": the seal does not open", seq);
    return rc;
}

int
row_open(struct store *st, const struct row *row, uint64_t seq, struct plain *plain, struct store_row *ret)
{
    bool clear = row->entry == STORE_CLEAR_ENTRY;
    size_t len;
    int rc;

    if (leaf_decode(&ret->leaf, row->leaf, row->leaf_len) != 0)
        return damage_set(st, "record %" PRIu64 ": the leaf has no sense", seq);
    ret->seq = seq;
    ret->erased = row->erased;
    ret->entry = row->erased ? STORE_NO_ENTRY : row->entry;
    ret->generation = row->generation;
    ret->part_count = 0;
    if (row->erased)
        return 0;

    if (row->blob_len < (clear ? LEAF_SEED_SIZE : SEAL_TAG_SIZE))
        return damage_set(st, "record %" PRIu64 ": the row is cut short", seq);
    len = clear ? row->blob_len : row->blob_len - SEAL_TAG_SIZE;
    rc = plain_reserve(plain, len);
    if (rc != 0)
        return rc;
    if (clear)
        memcpy(plain->bytes, row->blob, len);
    else if ((rc = blob_unseal(st, row, seq, plain->bytes, &ret->erased)) != 0 || ret->erased)
        return rc;
    if (blob_parse(plain->bytes, len, ret->leaf.n, ret) != 0)
        return damage_set(st, "record %" PRIu64 ": the content has no sense", seq);
    if (clear && (row->generation != 0 || !digests_match(st, ret)))
        return damage_set(st, "record %" PRIu64 ": the content does not fit the leaf", seq);
    return 0;
}

int
row_verify(struct store *st, const struct row *row, uint64_t seq, struct plain *plain)
{
    struct store_row opened;
    int rc = row_open(st, row, seq, plain, &opened);

    if (rc == 0 && !opened.erased && !digests_match(st, &opened))
        rc = damage_set(st, "record %" PRIu64 ": the content does not fit the leaf", seq);
    sodium_memzero(opened.seed, sizeof opened.seed);
    return rc;
}

int
row_get(struct store *st, MDB_txn *txn, uint64_t seq, struct row *ret)
{
    uint8_t bytes[8];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val;
    int rc;

    be64_put(bytes, seq);
    rc = mdb_get(txn, st->ev, &key, &val);
    if (rc == MDB_NOTFOUND)
        return -ENOENT;
    if (rc != 0)
        return damage_set(st, "record %" PRIu64 ": %s", seq, mdb_strerror(rc));
    return row_split(st, seq, val.mv_data, val.mv_size, ret);
}

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
        return damage_set(s->st, "record %" PRIu64 ": %s", seq, rc == MDB_NOTFOUND ? "is missing" : mdb_strerror(rc));
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
        if (be64_get(row.leaf + AT_TIME) < ms)
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
