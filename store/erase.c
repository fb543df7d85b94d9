/*
 * erase - taking content away for good, in two steps (store.h)
 *
 * First the key, in a file of its own: from its sync on nothing that it sealed can be opened, whatever LMDB still
 * holds. Then the rows, each rewritten as its leaf, in as many commits as one likes. The leaf is what the tree and
 * every proof cover, so neither changes. A crash between leaves rows whose key is gone; they read as erased all the
 * same.
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>

/* Enters it where no copy of the key store is put back from. */
static int
erasure_note(struct store *st, uint32_t entry, const uint8_t *mark)
{
    const uint8_t *key;
    uint32_t generation = 0;
    int rc;

    if (st->erased == NULL)
        return 0;
    rc = keys_find(st->keys, entry, &key, &generation);
    if (rc == -EBADMSG) /* half destroyed, by an attempt that had entered it */
        return 0;
    if (rc == -ENOKEY) {
        generation--;
        rc = 0;
    }
    return rc == 0 ? erased_add(st->erased, entry, generation, mark) : rc;
}

int
store_key_erase(struct store *st, uint32_t entry)
{
    return store_key_erase_marked(st, entry, NULL);
}

int
store_erased_each(const struct store *st, store_erased_fn *fn, void *arg)
{
    return st->erased == NULL ? 0 : erased_each(st->erased, fn, arg);
}

int
store_key_erase_marked(struct store *st, uint32_t entry, const uint8_t *mark)
{
    int rc;

    assert(st->txn == NULL);
    if (st->latched)
        return -EIO;
    if (entry == STORE_CLEAR_ENTRY || entry > st->at.keys_used)
        return -EINVAL;
    rc = erasure_note(st, entry, mark);
    if (rc == 0)
        rc = keys_erase(st->keys, entry);
    if (rc == 0)
        return 0;
    (void)damage_set(st, "key entry %" PRIu32 ": cannot be erased: %s", entry, strerror(-rc));
    (void)batch_fail(st, rc);
    return -EIO;
}

bool
store_key_is_erased(const struct store *st, uint32_t entry)
{
    const uint8_t *key;
    uint32_t generation = 0;

    return entry != STORE_CLEAR_ENTRY && keys_find(st->keys, entry, &key, &generation) == -ENOKEY;
}

int
store_find_drop(struct store *st, uint32_t entry)
{
    int rc;

    assert(st->txn == NULL);
    if (st->latched)
        return -EIO;
    if (!store_key_is_erased(st, entry))
        return -EINVAL;
    rc = find_drop(st->find, entry);
    if (rc == 0)
        return 0;
    (void)damage_set(st, "finding index: entry %" PRIu32 ": cannot be taken away: %s", entry, strerror(-rc));
    return batch_fail(st, rc);
}

/* Is the key that the row was sealed with gone? */
static bool
row_key_is_erased(const struct store *st, const struct row *row)
{
    const uint8_t *key;
    uint32_t generation = 0;

    return row->entry != STORE_CLEAR_ENTRY && keys_find(st->keys, row->entry, &key, &generation) == -ENOKEY &&
           row->generation < generation;
}

int
store_content_drop(struct store *st, uint64_t seq)
{
    uint8_t seq_bytes[8], leaf[LEAF_INPUT_MAX];
    MDB_val key = {.mv_size = sizeof seq_bytes, .mv_data = seq_bytes};
    MDB_val val = {.mv_data = leaf};
    struct row row;
    bool opened;
    int rc;

    if (seq == 0 || seq > st->at.head)
        return -ENOENT;
    rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc;
    rc = row_get(st, st->txn, seq, &row);
    if (rc == -ENOENT)
        rc = damage_set(st, "record %" PRIu64 ": is missing", seq);
    if (rc != 0)
        return batch_fail(st, rc);
    if (row.erased || !row_key_is_erased(st, &row)) {
        batch_abandon(st, opened);
        return row.erased ? 0 : -EINVAL;
    }
    memcpy(leaf, row.leaf, row.leaf_len); /* the put may move what the row points into */
    val.mv_size = row.leaf_len;
    be64_put(seq_bytes, seq);
    rc = err_from_lmdb(mdb_put(st->txn, st->ev, &key, &val, 0));
    if (rc != 0)
        return batch_fail(st, rc);
    st->batch_bytes += 4 * st->page_size; /* the path to the row, copied */
    return 0;
}
