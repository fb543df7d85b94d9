/*
 * verify - see verify.h
 *
 * The store's own functions take rows apart and open seals, so that there is one home for what a row is; the tree is
 * made anew from the leaves and compared with the tiles that are there.
 */
#include "store/verify.h"

#include "store/be.h"
#include "store/env.h"
#include "store/file.h"
#include "store/internal.h"
#include "store/lmdb_err.h"
#include "store/tombs.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct verify {
    const struct verify_options *options;
    struct verify_report *report;
    struct store *st; /* only what reading rows needs */
    MDB_txn *txn;
    struct merkle_tiles tree;
    struct tombs tombs;
    uint64_t last_ms;
    uint64_t epoch; /* of the checkpoint looked at last */
    MDB_cursor *checkpoints;
    uint64_t checkpoint_size; /* of the one the cursor stands at; UINT64_MAX: none is left */
};

static int __attribute__((format(printf, 2, 3))) found(struct verify *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(v->report->what, sizeof v->report->what, fmt, args);
    va_end(args);
    return -EBADMSG;
}

/* ---- opening */

static int
env_open_readonly(struct verify *v)
{
    char log_dir[PATH_MAX];
    int rc = file_path(log_dir, v->options->dir, "log");

    if (rc == 0)
        rc = env_open_copy(&v->st->env, log_dir, STORE_DBS);
    if (rc == 0)
        rc = err_from_lmdb(mdb_txn_begin(v->st->env, NULL, MDB_RDONLY, &v->txn));
    if (rc == 0 || rc == -EACCES || rc == -ENOMEM || rc == -ENOENT)
        return rc;
    return found(v, "the log's file is not whole, or not LMDB's");
}

static int
copy_open(struct verify *v)
{
    uint8_t pair[KEYS_PAIR_SIZE];
    int rc = env_open_readonly(v);

    if (rc != 0)
        return rc;
    if ((rc = mdb_dbi_open(v->txn, "meta", 0, &v->st->meta)) != 0)
        return found(v, "the log's file has no database \"meta\"");
    if (identity_load(v->st, v->txn) != 0)
        return found(v, "%s", v->st->damage);
    v->report->identity = v->st->identity;
    if (dbis_open(v->txn, 0, v->st) != 0)
        return found(v, "a database of the log is missing");
    if (v->options->kek_path == NULL)
        return 0;
    rc = keys_open(&v->st->keys, v->options->key_dir, v->options->kek_path, pair);
    if (rc == -EBADMSG)
        return found(v, "the key store is missing, or not a key store");
    if (rc == 0 && memcmp(pair, v->st->pair, sizeof pair) != 0)
        return found(v, "the key store belongs to another log");
    if (rc == 0 && v->options->erased_path != NULL) {
        rc = erased_open_copy(&v->st->erased, v->options->erased_path, pair);
        if (rc == -EBADMSG)
            return found(v, "the list of destroyed keys is none, or belongs to another log");
    }
    return rc;
}

/* ---- checkpoints */

static int
checkpoint_step(struct verify *v, MDB_cursor_op op)
{
    MDB_val key, val;
    int rc = mdb_cursor_get(v->checkpoints, &key, &val, op);

    v->checkpoint_size = UINT64_MAX;
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0 || key.mv_size != 8)
        return found(v, "the table of checkpoints has no sense");
    v->checkpoint_size = be64_get(key.mv_data);
    return 0;
}

static bool
key_is_of(const struct verify *v, const char *origin, uint32_t keys_signed)
{
    for (size_t i = 0; i < v->options->key_count; i++)
        if ((keys_signed >> i & 1u) != 0 && strcmp(v->options->keys[i].name, origin) == 0)
            return true;
    return false;
}

/* The kept checkpoint of as many records as were looked at. */
static int
checkpoint_check(struct verify *v)
{
    struct note_checkpoint checkpoint;
    uint8_t root[MERKLE_HASH_SIZE];
    uint32_t keys_signed;
    uint64_t epoch;
    MDB_val key, val;
    int rc = mdb_cursor_get(v->checkpoints, &key, &val, MDB_GET_CURRENT);

    if (rc != 0)
        return found(v, "the table of checkpoints has no sense");
    rc = note_checkpoint_open(val.mv_data, val.mv_size, v->options->keys, v->options->key_count, &checkpoint,
                              &keys_signed);
    if (rc != 0)
        return found(v, "the checkpoint of %" PRIu64 " records: %s", v->checkpoint_size,
                     rc == -ENOKEY         ? "none of the given keys signed it"
                     : rc == -EKEYREJECTED ? "its signature is wrong"
                                           : "it is no signed checkpoint");
    merkle_frontier_root(&v->tree.frontier, root);
    epoch = store_epoch_of(&v->st->identity, checkpoint.origin);
    if (checkpoint.size != v->checkpoint_size || epoch == 0 || !key_is_of(v, checkpoint.origin, keys_signed))
        return found(v, "the checkpoint of %" PRIu64 " records is one of another log", v->checkpoint_size);
    if (epoch < v->epoch || epoch > v->st->identity.epoch)
        return found(v, "the checkpoint of %" PRIu64 " records is of an epoch that had ended, or never began",
                     v->checkpoint_size);
    v->epoch = epoch;
    if (memcmp(checkpoint.root, root, sizeof root) != 0)
        return found(v, "the first %" PRIu64 " records are not those that were signed", v->checkpoint_size);
    v->report->signed_size = checkpoint.size;
    return checkpoint_step(v, MDB_NEXT);
}

static int
trusted_check(const struct verify *v)
{
    const struct note_checkpoint *trusted = v->options->trusted;
    uint8_t root[MERKLE_HASH_SIZE];

    if (trusted == NULL || trusted->size != v->tree.frontier.size)
        return 0;
    merkle_frontier_root(&v->tree.frontier, root);
    return memcmp(trusted->root, root, sizeof root) == 0 ? 0 : -ESTALE;
}

/* ---- records */

static int
tile_check(void *arg, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width)
{
    struct verify *v = arg;
    uint8_t bytes[TREE_KEY_SIZE];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val;

    assert(width * MERKLE_HASH_SIZE == TREE_TILE_SIZE);
    bytes[0] = (uint8_t)level;
    be64_put(bytes + 1, index);
    if (mdb_get(v->txn, v->st->tree.tile, &key, &val) != 0 || val.mv_size != TREE_TILE_SIZE ||
        memcmp(val.mv_data, hashes, TREE_TILE_SIZE) != 0)
        return found(v, "tile %u/%" PRIu64 " of the tree does not fit the records up to record %" PRIu64, level, index,
                     v->report->at);
    return 0;
}

static int
content_check(struct verify *v, const struct row *row, uint64_t seq)
{
    struct store_row opened;
    bool clear = row->entry == STORE_CLEAR_ENTRY;
    int rc = 0;

    if (row->erased)
        return tombs_missing(&v->tombs, seq, false);
    if (!clear && v->st->keys == NULL) {
        v->report->unopened++;
        return 0;
    }
    if (row_verify(v->st, row, seq, &v->st->plain) != 0 || row_open(v->st, row, seq, &v->st->plain, &opened) != 0)
        return found(v, "%s", v->st->damage);
    if (opened.erased) /* its key is gone, and its row not rewritten yet */
        return tombs_missing(&v->tombs, seq,
                             v->st->erased != NULL && erased_names(v->st->erased, row->entry, row->generation));
    if (clear)
        rc = tombs_take(&v->tombs, &opened);
    sodium_memzero(opened.seed, sizeof opened.seed);
    return rc == -EBADMSG ? found(v, "record %" PRIu64 ": an erasure that makes no sense", seq) : rc;
}

static int
record_check(struct verify *v, uint64_t seq, const MDB_val *val)
{
    uint8_t hash[LEAF_HASH_SIZE];
    struct leaf leaf;
    struct row row;
    int rc;

    v->report->at = seq;
    if (row_split(v->st, seq, val->mv_data, val->mv_size, &row) != 0)
        return found(v, "%s", v->st->damage);
    if (leaf_decode(&leaf, row.leaf, row.leaf_len) != 0)
        return found(v, "record %" PRIu64 ": the leaf has no sense", seq);
    if (leaf.ts_ms < v->last_ms)
        return found(v, "record %" PRIu64 ": its time is before the last one's", seq);
    v->last_ms = leaf.ts_ms;
    leaf_hash(row.leaf, row.leaf_len, hash);
    if ((rc = content_check(v, &row, seq)) != 0 || (rc = merkle_tiles_add(&v->tree, hash, tile_check, v)) != 0 ||
        (rc = trusted_check(v)) != 0)
        return rc;
    return v->checkpoint_size == seq ? checkpoint_check(v) : 0;
}

static int
records_check(struct verify *v)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    uint64_t seq = 0;
    int rc = mdb_cursor_open(v->txn, v->st->ev, &cursor);

    if (rc == 0)
        rc = mdb_cursor_open(v->txn, v->st->cp, &v->checkpoints);
    if (rc == 0)
        rc = checkpoint_step(v, MDB_FIRST);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_FIRST);
    while (rc == 0) {
        if (key.mv_size != 8 || be64_get(key.mv_data) != ++seq) {
            rc = found(v, "record %" PRIu64 " is missing", seq);
            break;
        }
        rc = record_check(v, seq, &val);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc == -EBADMSG || rc == -ESTALE)
        return rc;
    return rc > 0 ? -rc : found(v, "behind record %" PRIu64 ": %s", v->report->at, mdb_strerror(rc));
}

/* What the log says of itself, against what was counted. */
static int
end_check(struct verify *v)
{
    uint8_t hashes[TREE_FRONTIER_MAX];
    const uint8_t *frontier = NULL;
    size_t frontier_len = 0, len = merkle_frontier_count(&v->tree.frontier) * MERKLE_HASH_SIZE;

    if (state_load(v->st, v->txn, &frontier, &frontier_len) != 0)
        return found(v, "%s", v->st->damage);
    memcpy(hashes, v->tree.frontier.hash, len);
    if (v->st->at.head != v->tree.frontier.size)
        return found(v, "record %" PRIu64 " is missing: %" PRIu64 " were committed", v->tree.frontier.size + 1,
                     v->st->at.head);
    if (frontier_len != len || memcmp(frontier, hashes, len) != 0)
        return found(v, "the records are not those that were committed");
    if (v->checkpoint_size != UINT64_MAX)
        return found(v, "there is a checkpoint of %" PRIu64 " records, and only %" PRIu64 " records",
                     v->checkpoint_size, v->tree.frontier.size);
    if (v->report->signed_size == 0 && v->options->trusted == NULL)
        return found(v, "no checkpoint is kept in it");
    if (v->options->trusted != NULL && v->options->trusted->size > v->tree.frontier.size)
        return -ESTALE;
    v->report->erased = v->tombs.count;
    v->report->listed = tombs_listed(&v->tombs);
    v->report->missing = tombs_first(&v->tombs);
    return v->report->missing != 0 ? -ENODATA : 0;
}

int
verify_copy(const struct verify_options *options, struct verify_report *report)
{
    struct verify *v = calloc(1, sizeof *v);
    int rc = -ENOMEM;

    assert(options->key_count >= 1 && options->key_count <= NOTE_KEYS_MAX);
    *report = (struct verify_report){.at = 0};
    if (v != NULL)
        v->st = calloc(1, sizeof *v->st);
    if (v == NULL || v->st == NULL)
        goto out;
    if (sodium_init() < 0) {
        rc = -EIO;
        goto out;
    }
    v->options = options;
    v->report = report;
    v->st->lock_fd = -1;
    if ((rc = copy_open(v)) != 0 || (rc = records_check(v)) != 0)
        goto out;
    report->records = v->tree.frontier.size;
    merkle_frontier_root(&v->tree.frontier, report->root);
    rc = end_check(v);
out:
    if (v != NULL)
        tombs_free(&v->tombs);
    if (v != NULL && v->st != NULL) {
        if (v->checkpoints != NULL)
            mdb_cursor_close(v->checkpoints);
        if (v->txn != NULL)
            mdb_txn_abort(v->txn);
        store_close(&v->st);
    }
    free(v);
    return rc;
}
