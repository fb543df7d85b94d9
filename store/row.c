/*
 * One row of the log, taken apart, opened, compared with its leaf.
 *
 * What is checked on each read: the row's shape, the seq in the leaf against the row's key, the sum over entry and
 * generation, and the seal, which binds the content to the whole leaf. A record without a seal that opens (in clear, or
 * erased) has its digests computed instead; read.c compares its leaf with the tree.
 */
#include "store/internal.h"

#include "store/be.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#define PLAIN_FIRST 4096u

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
    if (be64_get(bytes + LEAF_AT_SEQ) != seq)
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
        return damage_set(st, "record %" PRIu64 ": LMDB: %s", seq, mdb_strerror(rc));
    return row_split(st, seq, val.mv_data, val.mv_size, ret);
}
