/*
 * verify - see verify.h
 *
 * The store's own functions take rows apart and open seals, so that there is one home for what a row is; the tree is
 * made anew from the leaves and compared with the tiles that are there.
 */
#include "store/verify.h"

#include "store/be.h"
#include "store/env.h"
#include "proto/file.h"
#include "store/internal.h"
#include "store/lmdb_err.h"
#include "store/says.h"
#include "store/tombs.h"
#include "store/verify_doc.h"
#include "store/verify_free.h"
#include "store/verify_ids.h"

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
    MDB_txn *txn;     /* st's, as long as this lasts; NULL: not begun */
    struct arena *arena;
    struct merkle_tiles tree;
    uint64_t tiles;
    const uint8_t *frontier; /* that was committed */
    size_t frontier_len;
    struct verify_free pages;
    struct verify_ids ids;
    struct verify_doc docs;
    struct tombs tombs; /* of records without content */
    struct tombs lost;  /* of records whose documents are not there */
    uint64_t last_ms;
    uint64_t epoch; /* of the checkpoint looked at last */
    MDB_cursor *checkpoints;
    uint64_t checkpoint_size; /* of the one the cursor stands at; UINT64_MAX: none is left */
};

static int __attribute__((format(printf, 2, 3))) found(struct verify *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(v->report->what, sizeof v->report->what, damage_word(fmt), args);
    va_end(args);
    return -EBADMSG;
}

/* rc of what says by store_damage() what it found. */
static int
damaged(struct verify *v, int rc)
{
    if (rc == -EBADMSG)
        (void)snprintf(v->report->what, sizeof v->report->what, "%s", v->st->damage);
    return rc;
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
        rc = err_from_lmdb(mdb_txn_begin(v->st->env, NULL, MDB_RDONLY, &v->st->read));
    if (rc == 0) {
        mdb_txn_reset(v->st->read);
        rc = view_begin(v->st, &v->txn);
    }
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
    if ((rc = identity_load(v->st, v->txn)) != 0)
        return damaged(v, rc);
    v->report->identity = v->st->identity;
    if (dbis_open(v->txn, 0, v->st) != 0)
        return found(v, "a database of the log is missing");
    if ((rc = state_load(v->st, v->txn, &v->frontier, &v->frontier_len)) != 0)
        return damaged(v, rc);
    if (v->options->kek_path == NULL)
        return 0;
    rc = keys_open(&v->st->keys, v->options->key_dir, v->options->kek_path, pair);
    if (rc == -EBADMSG)
        return found(v, "the key store is missing, or not a key store");
    if (rc == 0 && (rc = keys_fit(v->st, pair)) != 0)
        return damaged(v, rc);
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
                     rc == -ENOKEY         ? damage_word("none of the given keys signed it")
                     : rc == -EKEYREJECTED ? damage_word("its signature is wrong")
                                           : damage_word("it is no signed checkpoint"));
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
    v->tiles++;
    if (mdb_get(v->txn, v->st->tree.tile, &key, &val) != 0 || val.mv_size != TREE_TILE_SIZE ||
        memcmp(val.mv_data, hashes, TREE_TILE_SIZE) != 0)
        return found(v, "tile %u/%" PRIu64 " of the tree does not fit the records up to record %" PRIu64, level, index,
                     v->report->at);
    return 0;
}

/* An opened record, and what other tables have of it. */
static int
opened_check(struct verify *v, const struct store_row *row)
{
    struct says says;
    int rc;

    arena_reset(v->arena);
    rc = says_of(row, v->arena, &says);
    if (rc == -EBADMSG || rc == -ENOMEM)
        return found(v, "record %" PRIu64 ": its header has no sense", row->seq);
    if (rc == -ENOENT)
        says.unit = NULL;
    else if ((rc = verify_ids_record(&v->ids, row->seq, says.id)) != 0)
        return damaged(v, rc);
    rc = row->entry == STORE_CLEAR_ENTRY ? 0 : verify_doc_record(&v->docs, row, says.unit, v->arena);
    return rc == -ENOENT ? tombs_missing(&v->lost, row->seq, false) : damaged(v, rc);
}

static int
content_check(struct verify *v, const struct row *row, uint64_t seq)
{
    struct store_row opened;
    bool clear = row->entry == STORE_CLEAR_ENTRY;
    int rc;

    if (row->erased)
        return tombs_missing(&v->tombs, seq, false);
    rc = verify_doc_dossier(&v->docs, seq, row->entry);
    if (rc != 0)
        return damaged(v, rc);
    if (!clear && v->st->keys == NULL) {
        v->report->unopened++;
        return 0;
    }
    if (row_verify(v->st, row, seq, &v->st->plain) != 0 || row_open(v->st, row, seq, &v->st->plain, &opened) != 0)
        return damaged(v, -EBADMSG);
    if (opened.erased) /* its key is gone, and its row not rewritten yet */
        return tombs_missing(&v->tombs, seq,
                             v->st->erased != NULL && erased_names(v->st->erased, row->entry, row->generation));
    rc = opened_check(v, &opened);
    if (rc == 0 && clear && (tombs_take(&v->tombs, &opened) != 0 || tombs_take(&v->lost, &opened) != 0))
        rc = found(v, "record %" PRIu64 ": an erasure that makes no sense", seq);
    sodium_memzero(opened.seed, sizeof opened.seed);
    return rc;
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
        return damaged(v, -EBADMSG);
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
        rc = damaged(v, verify_free_row(&v->pages, "log", &val));
        if (rc == 0)
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
    return rc > 0 ? -rc : found(v, "behind record %" PRIu64 ": LMDB: %s", v->report->at, mdb_strerror(rc));
}

/* ---- what lies beside the records */

struct counted {
    uint64_t rows;
    uint64_t head;
};

static int
cursor_look(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct counted *counted = arg;

    (void)unit;
    (void)name;
    counted->rows++;
    return cursor->seq > counted->head ? 1 : 0;
}

static int
value_look(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct counted *counted = arg;

    (void)name;
    (void)value;
    (void)len;
    counted->rows++;
    return 0;
}

/* Their names are those that subscribers gave: told by their place. */
static int
cursors_and_values_check(struct verify *v)
{
    struct counted cursors = {.head = v->st->at.head}, values = {.rows = 0};
    int rc = store_cursor_each(v->st, NULL, cursor_look, &cursors);

    if (rc == 1)
        return found(v, "cursors: row %" PRIu64 " stands behind record %" PRIu64 ", the last", cursors.rows,
                     cursors.head);
    if (rc != 0)
        return found(v, "cursors: row %" PRIu64 " has no sense", cursors.rows + 1);
    if (store_value_each(v->st, "", value_look, &values) != 0)
        return found(v, "values: row %" PRIu64 " has no sense", values.rows + 1);
    return 0;
}

/* Tables whose rows are looked at before the records are, each by itself. */
static int
rows_check(struct verify *v)
{
    int rc = damaged(v, verify_free_list(&v->pages, v->st, v->txn));

    if (rc == 0)
        rc = cursors_and_values_check(v);
    if (rc == 0)
        rc = damaged(v, verify_ids_rows(&v->ids, v->st, v->txn, &v->pages));
    return rc == 0 ? damaged(v, verify_doc_rows(&v->docs, v->st, v->txn, &v->pages)) : rc;
}

/* And when all records were looked at. */
static int
documents_end(struct verify *v)
{
    uint64_t lost = tombs_first(&v->lost);
    int rc = damaged(v, verify_doc_end(&v->docs));

    if (rc == -EBADMSG && lost != 0)
        return found(v, "record %" PRIu64 ": a document that it names is missing", lost);
    v->report->documents = v->docs.documents;
    v->report->documents_unopened = v->docs.unopened;
    v->report->uploads = v->docs.uploads;
    v->report->uploads_old = v->docs.uploads_old;
    return rc;
}

/* ---- the end */

/* What the log says of itself, against what was counted. */
static int
state_check(struct verify *v)
{
    size_t len = merkle_frontier_count(&v->tree.frontier) * MERKLE_HASH_SIZE;
    MDB_stat tiles;

    if (v->st->at.head != v->tree.frontier.size)
        return found(v, "record %" PRIu64 " is missing: %" PRIu64 " were committed", v->tree.frontier.size + 1,
                     v->st->at.head);
    if (v->frontier_len != len || memcmp(v->frontier, v->tree.frontier.hash, len) != 0)
        return found(v, "the records are not those that were committed");
    if (mdb_stat(v->txn, v->st->tree.tile, &tiles) != 0 || tiles.ms_entries != v->tiles)
        return found(v, "the tree: %zu tiles where there should be %" PRIu64, tiles.ms_entries, v->tiles);
    if (v->checkpoint_size != UINT64_MAX)
        return found(v, "there is a checkpoint of %" PRIu64 " records, and only %" PRIu64 " records",
                     v->checkpoint_size, v->tree.frontier.size);
    if (v->report->signed_size == 0 && v->options->trusted == NULL)
        return found(v, "no checkpoint is kept in it");
    return 0;
}

static int
end_check(struct verify *v)
{
    struct verify_report *report = v->report;
    int rc;

    if ((rc = state_check(v)) != 0 || (rc = damaged(v, verify_ids_end(&v->ids))) != 0 || (rc = documents_end(v)) != 0)
        return rc;
    if (v->options->trusted != NULL && v->options->trusted->size > v->tree.frontier.size)
        return -ESTALE;
    report->erased = v->tombs.count;
    report->listed = tombs_listed(&v->tombs);
    if ((report->missing = tombs_first(&v->tombs)) != 0) {
        (void)found(v, "the content of record %" PRIu64 " is missing, and no record says that it was erased",
                    report->missing);
        return -ENODATA;
    }
    if ((report->missing = tombs_first(&v->lost)) != 0) {
        report->missing_document = true;
        (void)found(v, "a document that record %" PRIu64 " names is missing, and no record says that it was erased",
                    report->missing);
        return -ENODATA;
    }
    return 0;
}

static void
verify_free(struct verify *v)
{
    tombs_free(&v->tombs);
    tombs_free(&v->lost);
    verify_free_free(&v->pages);
    verify_ids_free(&v->ids);
    verify_doc_free(&v->docs);
    arena_destroy(&v->arena);
    if (v->st != NULL) {
        if (v->checkpoints != NULL)
            mdb_cursor_close(v->checkpoints);
        if (v->txn != NULL)
            view_end(v->st);
        store_close(&v->st);
    }
    free(v);
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
    if (v == NULL || v->st == NULL || arena_create(&v->arena, DECODE_ARENA_SIZE) != 0)
        goto out;
    if (sodium_init() < 0) {
        rc = -EIO;
        goto out;
    }
    v->options = options;
    v->report = report;
    v->st->lock_fd = -1;
    if ((rc = copy_open(v)) != 0 || (rc = rows_check(v)) != 0 || (rc = records_check(v)) != 0)
        goto out;
    report->records = v->tree.frontier.size;
    merkle_frontier_root(&v->tree.frontier, report->root);
    rc = end_check(v);
out:
    if (v != NULL)
        verify_free(v);
    return rc;
}
