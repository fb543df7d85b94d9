/*
 * tree - tiles, roots and proofs (tree.h says how the tree lies)
 *
 * The frontier of the whole tree is the frontiers inside the newest tiles, one behind the other from the top level
 * down: a tree of 2 * 65536 + 3 * 256 + 5 leaves has 2 hashes in level 2, 3 in level 1 and 5 in level 0, and falls into
 * the complete subtrees of each. So a leaf costs one node hash on average, as with one long frontier, and each full
 * tile's hash is at hand when the level above wants it.
 *
 * What is handed out is checked first, against the record's own leaf and the tree's root: a tile that was damaged makes
 * a proof that does not hold, and that is found here and not at the auditor's.
 */
#include "store/tree.h"

#include "store/be.h"
#include "store/fault.h"
#include "store/internal.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>

static_assert(TREE_KEY_SIZE == 1 + 8, "level and index");
static_assert(STORE_BATCH_MAX >= MERKLE_TILE_WIDTH, "store_open keeps the hashes of a tile's records there");

bool store_tree_fault;

static void
key_encode(uint8_t ret[TREE_KEY_SIZE], unsigned level, uint64_t index)
{
    ret[0] = (uint8_t)level;
    be64_put(ret + 1, index);
}

/* ---- growing */

static int
tile_put(struct tree *tree, MDB_txn *txn, unsigned level, uint64_t index)
{
    uint8_t bytes[TREE_KEY_SIZE];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val = {.mv_size = TREE_TILE_SIZE, .mv_data = tree->levels[level].hash};

    key_encode(bytes, level, index);
    return err_from_lmdb(mdb_put(txn, tree->tile, &key, &val, MDB_NOOVERWRITE));
}

/* Adds a hash to the newest tile of a level. The 256th leaves the tile's own hash in its frontier. */
static void
level_add(struct tree_level *level, const uint8_t hash[MERKLE_HASH_SIZE])
{
    assert(level->inside.size < MERKLE_TILE_WIDTH);
    memcpy(level->hash[level->inside.size], hash, MERKLE_HASH_SIZE);
    (void)merkle_frontier_append(&level->inside, hash); /* far from its bound */
}

int
tree_append(struct tree *tree, MDB_txn *txn, const uint8_t leaf_hash[MERKLE_HASH_SIZE])
{
    uint64_t nodes = ++tree->size; /* of the level */
    uint8_t hash[MERKLE_HASH_SIZE];

    memcpy(hash, leaf_hash, sizeof hash);
    for (unsigned i = 0; i < TREE_LEVELS; i++) {
        struct tree_level *level = &tree->levels[i];
        int rc;

        level_add(level, hash);
        if (level->inside.size < MERKLE_TILE_WIDTH)
            break;
        nodes /= MERKLE_TILE_WIDTH;
        rc = tile_put(tree, txn, i, nodes - 1);
        if (rc != 0)
            return rc;
        memcpy(hash, level->inside.hash[0], sizeof hash);
        level->inside.size = 0;
    }
    return 0;
}

size_t
tree_frontier(const struct tree *tree, uint8_t ret[TREE_FRONTIER_MAX])
{
    size_t len = 0;

    for (unsigned i = TREE_LEVELS; i-- > 0;) {
        const struct merkle_frontier *inside = &tree->levels[i].inside;
        size_t more = merkle_frontier_count(inside) * MERKLE_HASH_SIZE;

        memcpy(ret + len, inside->hash, more);
        len += more;
    }
    return len;
}

/* ---- reading */

static int
tile_get(struct store *st, MDB_txn *txn, unsigned level, uint64_t index, const uint8_t **ret)
{
    uint8_t bytes[TREE_KEY_SIZE];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val;
    int rc;

    key_encode(bytes, level, index);
    rc = mdb_get(txn, st->tree.tile, &key, &val);
    if (rc != 0 || val.mv_size != TREE_TILE_SIZE)
        return rc == 0 ? damage_set(st, "tree: tile %u/%" PRIu64 ": has another size", level, index)
               : rc == MDB_NOTFOUND
                   ? damage_set(st, "tree: tile %u/%" PRIu64 ": is missing", level, index)
                   : damage_set(st, "tree: tile %u/%" PRIu64 ": LMDB: %s", level, index, mdb_strerror(rc));
    *ret = val.mv_data;
    return 0;
}

/* The committed hashes of a tile: of a full one in the map, else in memory. */
static int
tile_hashes(struct store *st, MDB_txn *txn, unsigned level, uint64_t index, const uint8_t **ret, unsigned *ret_width)
{
    *ret_width = merkle_tile_width(st->tree.size, level, index);
    if (*ret_width == 0)
        return -ENOENT;
    if (*ret_width == MERKLE_TILE_WIDTH)
        return tile_get(st, txn, level, index, ret);
    *ret = st->tree.levels[level].hash[0];
    return 0;
}

int
tree_holds(struct store *st, uint64_t seq, const uint8_t *leaf, size_t leaf_len)
{
    uint64_t at = seq - 1;
    uint8_t hash[LEAF_HASH_SIZE];
    const uint8_t *hashes;
    unsigned width;
    MDB_txn *txn;
    int rc;

    if (seq > st->tree.size)
        return 0;
    rc = view_begin(st, &txn);
    if (rc != 0)
        return rc;
    rc = tile_hashes(st, txn, 0, at / MERKLE_TILE_WIDTH, &hashes, &width);
    assert(rc != -ENOENT && (rc != 0 || at % MERKLE_TILE_WIDTH < width));
    if (rc == 0) {
        leaf_hash(leaf, leaf_len, hash);
        if (memcmp(hash, hashes + at % MERKLE_TILE_WIDTH * MERKLE_HASH_SIZE, sizeof hash) != 0)
            rc = damage_set(st, "record %" PRIu64 ": the tree holds another one", seq);
    }
    view_end(st);
    return rc;
}

/* ---- at start */

static int
tile_hash(struct store *st, MDB_txn *txn, unsigned level, uint64_t index, uint8_t ret[MERKLE_HASH_SIZE])
{
    const struct merkle_tile whole = {.level = level, .index = index, .first = 0, .count = MERKLE_TILE_WIDTH};
    const uint8_t *hashes;
    int rc = tile_get(st, txn, level, index, &hashes);

    return rc == 0 ? merkle_tile_node(&whole, hashes, MERKLE_TILE_WIDTH, ret) : rc;
}

static int
tiles_count(struct store *st, MDB_txn *txn)
{
    uint64_t want = 0;
    MDB_stat stat;
    int rc = mdb_stat(txn, st->tree.tile, &stat);

    if (rc != 0)
        return err_from_lmdb(rc);
    for (uint64_t nodes = st->at.head / MERKLE_TILE_WIDTH; nodes > 0; nodes /= MERKLE_TILE_WIDTH)
        want += nodes;
    if (stat.ms_entries != want)
        return damage_set(st, "tree: %zu tiles where there should be %" PRIu64, stat.ms_entries, want);
    return 0;
}

/* The newest records against the end of the last full tile; what is behind it is the newest tile of level 0. */
static int
leaves_load(struct store *st, MDB_txn *txn, const uint8_t (*hashes)[MERKLE_HASH_SIZE], size_t count)
{
    size_t newest = (size_t)(st->at.head % MERKLE_TILE_WIDTH), full = count - newest;
    uint64_t index = st->at.head / MERKLE_TILE_WIDTH;
    const uint8_t *tile;
    int rc;

    assert(count >= newest);
    if (full > 0) {
        rc = tile_get(st, txn, 0, index - 1, &tile);
        if (rc != 0)
            return rc;
        if (memcmp(tile + TREE_TILE_SIZE - full * MERKLE_HASH_SIZE, hashes, full * MERKLE_HASH_SIZE) != 0)
            return damage_set(st, "tree: tile 0/%" PRIu64 ": does not fit its records", index - 1);
    }
    for (size_t i = full; i < count; i++)
        level_add(&st->tree.levels[0], hashes[i]);
    return 0;
}

int
tree_load(struct store *st, MDB_txn *txn, const uint8_t (*hashes)[MERKLE_HASH_SIZE], size_t count,
          const uint8_t *frontier, size_t frontier_len)
{
    uint8_t want[TREE_FRONTIER_MAX], hash[MERKLE_HASH_SIZE];
    uint64_t nodes = st->at.head / MERKLE_TILE_WIDTH;
    int rc;

    if ((rc = tiles_count(st, txn)) != 0 || (rc = leaves_load(st, txn, hashes, count)) != 0)
        return rc;
    for (unsigned level = 1; level < TREE_LEVELS && nodes > 0; level++, nodes /= MERKLE_TILE_WIDTH)
        for (uint64_t i = nodes - nodes % MERKLE_TILE_WIDTH; i < nodes; i++) {
            rc = tile_hash(st, txn, level - 1, i, hash);
            if (rc != 0)
                return rc;
            level_add(&st->tree.levels[level], hash);
        }
    st->tree.size = st->at.head;
    if (tree_frontier(&st->tree, want) != frontier_len || memcmp(want, frontier, frontier_len) != 0)
        return damage_set(st, "tree: its tiles do not fit what was committed");
    return 0;
}

/* ---- roots and proofs */

struct view {
    struct store *st;
    MDB_txn *txn;
};

/* A merkle_node_fn. */
static int
node_get(void *arg, unsigned level, uint64_t index, uint8_t ret[MERKLE_HASH_SIZE])
{
    struct view *view = arg;
    struct merkle_tile at = merkle_tile_of(level, index);
    const uint8_t *hashes;
    unsigned width;
    int rc = tile_hashes(view->st, view->txn, at.level, at.index, &hashes, &width);

    return rc == 0 ? merkle_tile_node(&at, hashes, width, ret) : rc;
}

/* -ENOENT: there is no committed tree of that size. */
static int
tree_view(struct store *st, uint64_t size, struct view *ret)
{
    if (st->latched)
        return -EIO;
    if (size > st->at.head)
        return -ENOENT;
    assert(st->tree.size == st->at.head);
    ret->st = st;
    return view_begin(st, &ret->txn);
}

int
store_tree_root(struct store *st, uint64_t size, uint8_t ret[MERKLE_HASH_SIZE])
{
    struct view view;
    int rc = tree_view(st, size, &view);

    if (rc != 0)
        return rc;
    rc = merkle_root(size, node_get, &view, ret);
    view_end(st);
    return rc;
}

static int
inclusion_prove(struct view *view, uint64_t seq, uint64_t size, struct merkle_proof *ret)
{
    uint8_t leaf[LEAF_HASH_SIZE], root[MERKLE_HASH_SIZE];
    struct row row;
    int rc = row_get(view->st, view->txn, seq, &row);

    if (rc == -ENOENT)
        return damage_set(view->st, "record %" PRIu64 ": is missing", seq);
    if (rc != 0 || (rc = merkle_root(size, node_get, view, root)) != 0 ||
        (rc = merkle_inclusion_prove(seq - 1, size, node_get, view, ret)) != 0)
        return rc;
    leaf_hash(row.leaf, row.leaf_len, leaf);
    if (merkle_inclusion_check(seq - 1, size, leaf, ret, root) != 0)
        return damage_set(view->st, "record %" PRIu64 ": the tree holds another one", seq);
    return 0;
}

int
store_prove_inclusion(struct store *st, uint64_t seq, uint64_t size, struct merkle_proof *ret)
{
    struct merkle_proof proof;
    struct view view;
    int rc;

    if (seq == 0 || seq > size)
        return -ENOENT;
    rc = tree_view(st, size, &view);
    if (rc != 0)
        return rc;
    rc = inclusion_prove(&view, seq, size, &proof);
    view_end(st);
    if (rc == 0)
        *ret = proof;
    return rc;
}

static int
consistency_prove(struct view *view, uint64_t size1, uint64_t size2, struct merkle_proof *ret)
{
    uint8_t root1[MERKLE_HASH_SIZE], root2[MERKLE_HASH_SIZE];
    int rc;

    if ((rc = merkle_root(size1, node_get, view, root1)) != 0 ||
        (rc = merkle_root(size2, node_get, view, root2)) != 0 ||
        (rc = merkle_consistency_prove(size1, size2, node_get, view, ret)) != 0)
        return rc;
    if (size1 > 0 && merkle_consistency_check(size1, size2, root1, root2, ret) != 0)
        return damage_set(view->st, "tree: the tiles of the first %" PRIu64 " records contradict each other", size2);
    return 0;
}

int
store_prove_consistency(struct store *st, uint64_t size1, uint64_t size2, struct merkle_proof *ret)
{
    struct merkle_proof proof;
    struct view view;
    int rc;

    if (size1 > size2)
        return -ENOENT;
    rc = tree_view(st, size2, &view);
    if (rc != 0)
        return rc;
    rc = consistency_prove(&view, size1, size2, &proof);
    view_end(st);
    if (rc == 0)
        *ret = proof;
    return rc;
}

/* ---- checkpoints */

/* Moves to the newest checkpoint of at most size leaves. */
static int
checkpoint_seek(MDB_cursor *cursor, uint64_t size, MDB_val *key, MDB_val *val)
{
    uint8_t bytes[8];
    int rc;

    be64_put(bytes, size);
    *key = (MDB_val){.mv_size = sizeof bytes, .mv_data = bytes};
    rc = mdb_cursor_get(cursor, key, val, MDB_SET_RANGE);
    if (rc == 0 && key->mv_size == 8 && be64_get(key->mv_data) == size)
        return 0;
    rc = mdb_cursor_get(cursor, key, val, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    return rc;
}

int
store_checkpoint_get(struct store *st, uint64_t size, uint64_t *ret_size, const char **ret_note, size_t *ret_len)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    MDB_txn *txn;
    int rc = view_begin(st, &txn);

    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, st->cp, &cursor);
    if (rc == 0)
        rc = checkpoint_seek(cursor, size, &key, &val);
    rc = err_from_lmdb(rc);
    if (rc == 0 && (key.mv_size != 8 || val.mv_size == 0 || val.mv_size > STORE_VALUE_MAX))
        rc = damage_set(st, "checkpoints: a row has no sense");
    if (rc == 0) {
        memcpy(st->filter, val.mv_data, val.mv_size);
        *ret_size = be64_get(key.mv_data);
        *ret_note = (const char *)st->filter;
        *ret_len = val.mv_size;
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    view_end(st);
    return rc;
}

/* Drops the newest checkpoint before size, unless it is the last of its STORE_CHECKPOINT_STEP records. */
static int
checkpoint_thin(struct store *st, uint64_t size)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    int rc = mdb_cursor_open(st->txn, st->cp, &cursor);

    if (rc == 0)
        rc = checkpoint_seek(cursor, size - 1, &key, &val);
    if (rc == 0 && key.mv_size == 8 && be64_get(key.mv_data) / STORE_CHECKPOINT_STEP == size / STORE_CHECKPOINT_STEP)
        rc = mdb_cursor_del(cursor, 0);
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : err_from_lmdb(rc);
}

int
store_checkpoint_put(struct store *st, uint64_t size, const char *note, size_t len)
{
    uint8_t bytes[8];
    MDB_val key = {.mv_size = sizeof bytes, .mv_data = bytes};
    MDB_val val = {.mv_size = len};
    bool opened;
    int rc;

    if (st->latched)
        return -EIO;
    if (size == 0 || size > st->at.head || len == 0)
        return -EINVAL;
    if (len > STORE_VALUE_MAX)
        return -EMSGSIZE;
    rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc;
    be64_put(bytes, size);
    rc = checkpoint_thin(st, size);
    if (rc == 0)
        rc = err_from_lmdb(mdb_put(st->txn, st->cp, &key, &val, MDB_RESERVE));
    if (rc != 0)
        return batch_fail(st, rc);
    memcpy(val.mv_data, note, len);
    return 0;
}
