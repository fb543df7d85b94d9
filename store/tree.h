/*
 * tree - the tree over the log's leaves, kept as tiles
 *
 *     tile    level u8 | index u64     256 hashes: the nodes of level 8 * level from 256 * index on (proto/merkle.h)
 *
 * A tile is put once, when it is full, in the commit of the record that fills it, and never changed. The newest tile of
 * each level is not full; it is kept in memory and made again at start: that of level 0 from at most 255 records, that
 * of a higher level from at most 255 full tiles of the level below. The frontier (the complete subtrees that the tree
 * falls into) lies in the state row, which each commit of records rewrites: it is what these must agree with.
 *
 * Memory moves at the commit, not at the append; so a batch that is dropped leaves nothing to take back. After a commit
 * that failed it is ahead of the log, and the store is latched.
 *
 * Errors: 0 or -errno, as in store.h. Threads: one at a time.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "proto/merkle.h"

#include <lmdb.h>

#define TREE_LEVELS       (MERKLE_LEVELS_MAX / MERKLE_TILE_HEIGHT)
#define TREE_KEY_SIZE     9u
#define TREE_TILE_SIZE    (MERKLE_TILE_WIDTH * MERKLE_HASH_SIZE)
#define TREE_FRONTIER_MAX (MERKLE_LEVELS_MAX * MERKLE_HASH_SIZE) /* bytes */

struct store;

/* The newest tile of a level. */
struct tree_level {
    uint8_t hash[MERKLE_TILE_WIDTH][MERKLE_HASH_SIZE];
    struct merkle_frontier inside; /* of its hashes; the tile is full, and put, before it holds 256 */
};

struct tree {
    MDB_dbi tile;
    uint64_t size; /* leaves */
    struct tree_level levels[TREE_LEVELS];
};

/* Adds a leaf, and puts the tiles that it fills. -errno as LMDB's put gives it: the transaction is lost. */
int tree_append(struct tree *tree, MDB_txn *txn, const uint8_t leaf_hash[MERKLE_HASH_SIZE]);

/* Writes the hashes of the frontier and returns their length in bytes. */
size_t tree_frontier(const struct tree *tree, uint8_t ret[TREE_FRONTIER_MAX]);

/*
 * Builds st->tree, for store_open. hashes are the leaf hashes of the newest `count` records: all of them, or 256. They
 * are compared with the tile that covers them, and what comes out with the frontier of the state row.
 * -EBADMSG: the tree does not agree with the records; the damage is noted.
 */
int tree_load(struct store *st, MDB_txn *txn, const uint8_t (*hashes)[MERKLE_HASH_SIZE], size_t count,
              const uint8_t *frontier, size_t frontier_len);

/* Is this the leaf of record seq, of the committed ones? Of one that is not committed yet nothing is looked at.
 * -EBADMSG: the tree holds another one; the damage is noted. */
int tree_holds(struct store *st, uint64_t seq, const uint8_t *leaf, size_t leaf_len);

#endif
