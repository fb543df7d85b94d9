/*
 * store - append and commit; key entries; event ids; where the log stands
 *
 * The batch is batch.c's, whose invariants hold here, too. And by construction:
 *   (4) A record's row, its id and the state row are one commit: there is no moment at which one is without the others.
 *   (5) A key entry is on disk before it is given out (keys.h), and so before the first commit that uses it.
 */
#include "store/internal.h"

#include "store/be.h"
#include "store/fault.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

int (*store_commit_fault)(void);

/* The batch's leaves go into the tree; then what the log is after them. */
static int
state_put(struct store *st)
{
    uint8_t bytes[STATE_MAX];
    char name[] = "state";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val val = {.mv_data = bytes};

    if (st->batch_rows > 0)
        leaf_hash(st->leaf_input, st->leaf_len, st->now.hash);
    for (size_t i = 0; i < st->batch_rows && !store_tree_fault; i++) {
        int rc = tree_append(&st->tree, st->txn, st->batch_hashes[i]);

        if (rc != 0)
            return rc;
    }
    state_encode(&st->now, bytes);
    val.mv_size = STATE_HEAD + tree_frontier(&st->tree, bytes + STATE_HEAD);
    return err_from_lmdb(mdb_put(st->txn, st->meta, &key, &val, 0));
}

static bool
state_moved(const struct store *st)
{
    return st->batch_rows > 0 || st->now.keys_used != st->at.keys_used || st->now.doc_rows != st->at.doc_rows;
}

int
store_commit(struct store *st)
{
    int rc;

    store_check(st);
    if (st->latched)
        return -EIO;
    if (st->txn == NULL)
        return 0;

    if (state_moved(st) && (rc = state_put(st)) != 0)
        return batch_fail(st, rc);
    if (store_commit_fault != NULL && (rc = store_commit_fault()) != 0) {
        mdb_txn_abort(st->txn);
    } else {
        rc = err_from_lmdb(mdb_txn_commit(st->txn));
    }
    st->txn = NULL; /* either way */
    if (rc != 0) {
        (void)damage_set(st, "a commit failed: %s", strerror(-rc));
        batch_fail(st, rc);
        return -EIO;
    }
    st->ev_cursor = NULL;
    st->batch_rows = 0;
    st->batch_bytes = 0;
    st->at = st->now;
    if (st->epoch_next != 0)
        st->identity.epoch = st->epoch_next;
    st->epoch_next = 0;
    store_check(st);
    return 0;
}

/* ---- records */

/* Seed and parts, as they lie in a blob. Returns the length. */
static size_t
blob_build(uint8_t *blob, const struct store_record *record)
{
    uint8_t *at = blob;

    memcpy(at, record->seed, LEAF_SEED_SIZE);
    at += LEAF_SEED_SIZE;
    for (size_t i = 0; i < record->part_count; i++) {
        const struct leaf_part *part = &record->parts[i];

        at[0] = part->slot;
        be16_put(at + 1, part->section_id);
        be32_put(at + 3, part->len);
        at += PART_HEAD_SIZE;
        if (part->len > 0)
            memcpy(at, part->body, part->len);
        at += part->len;
    }
    return (size_t)(at - blob);
}

/* The world's limits, before anything is touched. */
static int
record_check(const struct store *st, const struct store_record *record)
{
    uint64_t bytes = 0;
    uint32_t seen = 0;

    assert(record->n >= 1 && record->n <= LEAF_SLOTS_MAX);
    assert(record->leaf_class <= LEAF_KEY);
    assert(record->seed != NULL);
    assert(record->part_count <= record->n);
    for (size_t i = 0; i < record->part_count; i++) {
        assert(record->parts[i].slot < record->n);
        assert((seen >> record->parts[i].slot & 1) == 0);
        seen |= UINT32_C(1) << record->parts[i].slot;
        bytes += record->parts[i].len;
    }
    if (record->ts_ms < st->now.last_ms || record->entry > st->now.keys_taken)
        return -EINVAL;
    if (bytes > STORE_RECORD_MAX)
        return -EMSGSIZE;
    return st->batch_rows == STORE_BATCH_MAX ? -ENOBUFS : 0;
}

/* Enters the id. -EEXIST leaves the transaction as it was. */
static int
id_put(struct store *st, const uint8_t event_id[16], uint64_t seq)
{
    uint8_t id[16], value[8];
    MDB_val key = {.mv_size = sizeof id, .mv_data = id};
    MDB_val val = {.mv_size = sizeof value, .mv_data = value};

    memcpy(id, event_id, sizeof id);
    be64_put(value, seq);
    return err_from_lmdb(mdb_put(st->txn, st->id, &key, &val, MDB_NOOVERWRITE));
}

/* Puts the row of st->leaf_input and the blob; seals straight into the page. */
static int
row_put(struct store *st, uint64_t seq, uint32_t entry, uint32_t generation, const uint8_t *key_bytes, size_t blob_len)
{
    uint8_t seq_bytes[8], *at;
    MDB_val key = {.mv_size = sizeof seq_bytes, .mv_data = seq_bytes};
    MDB_val val = {.mv_size = st->leaf_len + ROW_HEAD_SIZE + blob_len + (key_bytes != NULL ? SEAL_TAG_SIZE : 0)};
    int rc;

    be64_put(seq_bytes, seq);
    rc = mdb_cursor_put(st->ev_cursor, &key, &val, MDB_NOOVERWRITE | MDB_APPEND | MDB_RESERVE);
    if (rc != 0)
        return err_from_lmdb(rc);
    at = val.mv_data;
    memcpy(at, st->leaf_input, st->leaf_len);
    at += st->leaf_len;
    be32_put(at, entry);
    be32_put(at + 4, generation);
    be32_put(at + 8, check_of_row(seq, entry, generation));
    at += ROW_HEAD_SIZE;
    if (key_bytes != NULL)
        seal_make(at, st->blob, blob_len, st->leaf_input, key_bytes);
    else
        memcpy(at, st->blob, blob_len);
    return 0;
}

/* Where the log stands with this record, whose row is put. */
static void
batch_count(struct store *st, const struct store_record *record, uint64_t seq, uint32_t generation, size_t blob_len)
{
    if (!store_tree_fault)
        leaf_hash(st->leaf_input, st->leaf_len, st->batch_hashes[st->batch_rows]);
    st->batch_lists[st->batch_rows++] = (uint64_t)record->entry << 32 | generation;
    st->batch_bytes += room_needed(st, 1, blob_len, 1);
    st->now.head = seq;
    st->now.last_ms = record->ts_ms;
    if (record->entry > st->now.keys_used)
        st->now.keys_used = record->entry;
    if (record->event_id != NULL) {
        st->now.id_count++;
        st->now.id_sum += check_of_id(record->event_id, seq);
        st->now.id_seq = seq;
        memcpy(st->now.id, record->event_id, sizeof st->now.id);
    }
}

int
store_append(struct store *st, const struct store_record *record, uint64_t *ret_seq, struct leaf *leaf)
{
    const uint8_t *key_bytes = NULL;
    uint64_t seq = st->now.head + 1;
    uint32_t generation = 0;
    size_t blob_len;
    bool opened;
    int rc;

    store_check(st);
    if (st->latched)
        return -EIO;
    rc = record_check(st, record);
    if (rc != 0)
        return rc;
    if (record->entry != STORE_CLEAR_ENTRY) {
        rc = keys_find(st->keys, record->entry, &key_bytes, &generation);
        if (rc == -ENOKEY)
            return -EINVAL; /* erased: nothing may be added to that dossier */
        if (rc == -EBADMSG || rc == -ENOENT)
            rc = damage_set(st, "key entry %" PRIu32 ": does not unwrap", record->entry);
        if (rc != 0)
            return batch_fail(st, rc);
    }
    rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc;
    if (record->event_id != NULL) {
        rc = id_put(st, record->event_id, seq);
        if (rc == -EEXIST) {
            batch_abandon(st, opened);
            return rc;
        }
        if (rc != 0)
            return batch_fail(st, rc);
    }

    if (leaf == NULL)
        leaf = &st->leaf;
    leaf->cls = record->leaf_class;
    leaf->n = record->n;
    leaf->seq = seq;
    leaf->ts_ms = record->ts_ms;
    leaf_fill(leaf, record->seed, record->parts, record->part_count);
    st->leaf_len = leaf_encode(leaf, st->leaf_input);
    assert(st->leaf_len == SEAL_LEAF_LEN(leaf->n));
    blob_len = blob_build(st->blob, record);

    rc = row_put(st, seq, record->entry, generation, key_bytes, blob_len);
    if (rc == 0)
        rc = find_add(st->find, record->entry, generation, seq);
    if (rc != 0)
        return batch_fail(st, rc);

    batch_count(st, record, seq, generation, blob_len);
    *ret_seq = seq;
    return 0;
}

/* ---- key entries and ids */

/*
 * The list of destroyed keys may name entries that this key store, an older copy, never had: a key made there would be
 * destroyed by the next start. Such an entry is destroyed as soon as it is made, and passed over.
 */
static int
key_next(struct store *st, uint32_t *ret_entry)
{
    uint32_t entry = st->now.keys_taken, generation = 0;
    const uint8_t *key;
    int rc;

    for (;;) {
        rc = keys_next(st->keys, entry, &entry);
        if (rc == 0 && st->erased != NULL)
            rc = keys_find(st->keys, entry, &key, &generation);
        if (rc != 0 || st->erased == NULL || !erased_names(st->erased, entry, generation))
            break;
        rc = keys_erase(st->keys, entry);
        if (rc != 0)
            break;
    }
    if (rc == 0)
        *ret_entry = entry;
    return rc;
}

int
store_key_take(struct store *st, uint32_t *ret_entry)
{
    int rc;

    store_check(st);
    if (st->latched)
        return -EIO;
    rc = key_next(st, ret_entry);
    if (rc == -EOVERFLOW)
        return -ENOSPC;
    if (rc != 0) {
        if (rc == -EBADMSG || rc == -ENOENT)
            (void)damage_set(st, "the key store: a new entry does not read back");
        else
            (void)damage_set(st, "the key store: a new entry cannot be made: %s", strerror(-rc));
        (void)batch_fail(st, rc);
        return -EIO; /* not what makes it: that may be a disk that is full, and -ENOSPC is said of numbers */
    }
    st->now.keys_taken = *ret_entry;
    return 0;
}

uint32_t
store_key_generation(const struct store *st, uint32_t entry)
{
    const uint8_t *key;
    uint32_t generation = 0;

    if (entry != STORE_CLEAR_ENTRY)
        (void)keys_find(st->keys, entry, &key, &generation); /* 0 stays for what does not exist */
    return generation;
}

int
store_id_find(struct store *st, const uint8_t event_id[16], uint64_t *ret_seq)
{
    uint8_t id[16];
    MDB_val key = {.mv_size = sizeof id, .mv_data = id};
    MDB_val val;
    MDB_txn *txn;
    int rc = view_begin(st, &txn);

    if (rc != 0)
        return rc;
    memcpy(id, event_id, sizeof id);
    rc = err_from_lmdb(mdb_get(txn, st->id, &key, &val));
    if (rc == 0 && (val.mv_size != 8 || be64_get(val.mv_data) == 0 || be64_get(val.mv_data) > st->now.head))
        rc = damage_set(st, "id table: a row names no record");
    if (rc == 0)
        *ret_seq = be64_get(val.mv_data);
    view_end(st);
    return rc;
}

/* ---- the finding index */

int
store_find(struct store *st, uint32_t entry, uint64_t from, uint64_t *ret_seqs, size_t max, size_t *ret_count)
{
    uint32_t generation = store_key_generation(st, entry);
    int rc;

    if (generation == 0 && entry != STORE_CLEAR_ENTRY && entry <= st->now.keys_taken)
        return damage_set(st, "key entry %" PRIu32 ": does not unwrap", entry); /* else its records would seem gone */
    rc = find_list(st->find, entry, generation, from, st->at.head, ret_seqs, max, ret_count);
    if (rc == -EBADMSG)
        rc = damage_set(st, "finding index: entry %" PRIu32 ": delete the directory find, it will be rebuilt", entry);
    return rc;
}

uint64_t
store_find_behind(const struct store *st)
{
    return st->at.head - find_mark(st->find)->seq;
}

/* All committed records are to be written. */
static int
find_take(struct store *st)
{
    struct find_mark aim = {.seq = st->at.head};

    memcpy(aim.hash, st->at.hash, sizeof aim.hash);
    return find_begin(st->find, &aim);
}

int
store_find_flush(struct store *st, bool all)
{
    int rc = 0;

    if (st->latched)
        return -EIO;
    if (all)
        rc = find_finish(st->find);
    if (rc == 0 && st->at.head - find_aim(st->find)->seq >= (all ? 1 : find_due(st->at.head))) {
        rc = find_finish(st->find);
        if (rc == 0)
            rc = find_take(st);
    }
    if (rc == 0)
        rc = all ? find_finish(st->find) : find_step(st->find, st->at.head);
    if (rc == 0)
        return 0;
    if (st->damage[0] == '\0')
        (void)damage_set(st, "finding index: a write failed: %s", strerror(-rc));
    return batch_fail(st, rc);
}

/* ---- where it stands */

const struct store_identity *
store_identity(const struct store *st)
{
    return &st->identity;
}

uint64_t
store_head(const struct store *st)
{
    return st->at.head;
}

uint64_t
store_next(const struct store *st)
{
    return st->now.head + 1;
}

uint64_t
store_last_ms(const struct store *st)
{
    return st->now.last_ms;
}

void
store_head_hash(const struct store *st, uint8_t ret[LEAF_HASH_SIZE])
{
    memcpy(ret, st->at.hash, LEAF_HASH_SIZE);
}
