/*
 * merkle - the tree over the leaves of the log (RFC 6962): roots, proofs, tiles
 *
 *     MTH({}) = SHA-256("")      MTH({d}) = SHA-256(0x00 || d), which is leaf_hash()
 *     MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])),  k = the largest power of two below n
 *
 * A *node* is a complete subtree, named by level and index: node (l, i) covers 2^l leaves, from leaf i * 2^l on.
 * A writer keeps a *frontier*: the roots of the complete subtrees that a tree of its size falls into, which is all that
 * is needed to append. A *proof* is a list of hashes: that a leaf is in a tree (inclusion), or that one tree begins
 * with all of another (consistency). Sizes and indexes are any 64-bit number.
 *
 * An inclusion proof does not fix the size of the tree: other sizes in which the leaf has the same path take the same
 * proof. A consistency proof fixes neither size, for the same reason. The sizes must come signed, with the roots: see
 * note.h.
 *
 * Errors: 0 or -errno, named beside each function. Ownership: the caller's structs and bytes throughout; nothing is
 * kept and nothing allocated. Threads: any.
 */
#ifndef WICI_MERKLE_H
#define WICI_MERKLE_H

#include "proto/leaf.h"

#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE   LEAF_HASH_SIZE
#define MERKLE_LEVELS_MAX  64u                     /* levels of nodes, and hashes of a frontier: sizes are 64-bit */
#define MERKLE_PROOF_MAX   (MERKLE_LEVELS_MAX + 1) /* hashes of one proof: one per level, and the node to start from */
#define MERKLE_TILE_HEIGHT 8u
#define MERKLE_TILE_WIDTH  256u /* hashes of a full tile */
#define MERKLE_TILE_LEVELS (MERKLE_LEVELS_MAX / MERKLE_TILE_HEIGHT)

/* SHA-256(0x01 || left || right). ret may be left or right. */
void merkle_node_hash(const uint8_t left[MERKLE_HASH_SIZE], const uint8_t right[MERKLE_HASH_SIZE],
                      uint8_t ret[MERKLE_HASH_SIZE]);

/* ---- the frontier */

/* {.size = 0} is the frontier of the empty tree. */
struct merkle_frontier {
    uint64_t size;                                     /* leaves */
    uint8_t hash[MERKLE_LEVELS_MAX][MERKLE_HASH_SIZE]; /* one for each bit set in size, the largest subtree first */
};

/* How many hashes are in use. */
size_t merkle_frontier_count(const struct merkle_frontier *frontier);

/* Fills a frontier with what was kept of another: its size and the hashes in use, in their order.
 * -EBADMSG: these are not as many hashes as a tree of that size has. */
int merkle_frontier_load(struct merkle_frontier *ret, uint64_t size, const uint8_t *hashes, size_t len);

/* Appends one leaf. -EOVERFLOW: the tree has UINT64_MAX leaves; it is unchanged. */
int merkle_frontier_append(struct merkle_frontier *frontier, const uint8_t leaf_hash[MERKLE_HASH_SIZE]);

/* The root of the tree. */
void merkle_frontier_root(const struct merkle_frontier *frontier, uint8_t ret[MERKLE_HASH_SIZE]);

/* ---- making proofs */

/*
 * Gives the hash of node (level, index), of which all leaves lie in the tree that was asked about. 0, or a negative
 * errno, which ends what called it and is returned by it.
 */
typedef int merkle_node_fn(void *arg, unsigned level, uint64_t index, uint8_t ret[MERKLE_HASH_SIZE]);

/* A list of hashes. {.count = 0} is an empty one. */
struct merkle_proof {
    size_t count;
    uint8_t hash[MERKLE_PROOF_MAX][MERKLE_HASH_SIZE];
};

/* The root of the tree of the first size leaves. Errors: node's. */
int merkle_root(uint64_t size, merkle_node_fn *node, void *arg, uint8_t ret[MERKLE_HASH_SIZE]);

/* The proof that leaf index is in the tree of size leaves. -EINVAL: it is not (index >= size). Others: node's. */
int merkle_inclusion_prove(uint64_t index, uint64_t size, merkle_node_fn *node, void *arg, struct merkle_proof *ret);

/*
 * The proof that the tree of size2 leaves begins with the tree of size1 leaves; an empty one when size1 is 0 or size2.
 * -EINVAL: size1 > size2. Others: node's.
 */
int merkle_consistency_prove(uint64_t size1, uint64_t size2, merkle_node_fn *node, void *arg, struct merkle_proof *ret);

/* ---- checking proofs */

/* Takes a hash that came from outside. -EBADMSG: it is not MERKLE_HASH_SIZE bytes. */
int merkle_hash_take(const void *hash, size_t len, uint8_t ret[MERKLE_HASH_SIZE]);

/* Appends a hash that came from outside. -EBADMSG: it is not MERKLE_HASH_SIZE bytes, or there are too many. */
int merkle_proof_add(struct merkle_proof *proof, const void *hash, size_t len);

/* Does the proof hold for this leaf, its place and this root (RFC 9162, 2.1.3.2)? All of it must be used up.
 * -EBADMSG: it does not. */
int merkle_inclusion_check(uint64_t index, uint64_t size, const uint8_t leaf_hash[MERKLE_HASH_SIZE],
                           const struct merkle_proof *proof, const uint8_t root[MERKLE_HASH_SIZE]);

/*
 * Does the proof hold for these two trees (RFC 9162, 2.1.4.2)? All of it must be used up. Equal sizes take equal roots
 * and an empty proof. A size1 of 0 is always refused: every tree begins with the empty one, so there is nothing to
 * prove, and who relies on it relies on nothing. -EBADMSG: it does not hold.
 */
int merkle_consistency_check(uint64_t size1, uint64_t size2, const uint8_t root1[MERKLE_HASH_SIZE],
                             const uint8_t root2[MERKLE_HASH_SIZE], const struct merkle_proof *proof);

/* ---- tiles (C2SP tlog-tiles) */

/*
 * Tile (L, N) holds the nodes of level 8 * L from index 256 * N on: 256 of them when it is full, fewer while the tree
 * is too small for it. The seven levels of nodes between two levels of tiles are hashed together from these when they
 * are wanted.
 */
struct merkle_tile {
    unsigned level; /* 0 ... 7 */
    uint64_t index;
    unsigned first; /* the hashes in it that make up the node */
    unsigned count; /* 1, 2, 4 ... 128 */
};

/* The tile that holds node (level, index), and where in it. The node must exist in some tree: index < 2^(64 - level).
 */
struct merkle_tile merkle_tile_of(unsigned level, uint64_t index);

/* How many hashes tile (level, index) holds in a tree of size leaves: 0 when there is no such tile, 256 when it is
 * full. */
unsigned merkle_tile_width(uint64_t size, unsigned level, uint64_t index);

/* The hash of the node at this place of a tile of width hashes; that of a full tile as a whole is the one with first 0
 * and count 256. -ENOENT: the tile does not reach that far. */
int merkle_tile_node(const struct merkle_tile *at, const uint8_t *hashes, size_t width, uint8_t ret[MERKLE_HASH_SIZE]);

/*
 * Rolls a tree into its tiles, leaf by leaf: for who has all leaves in order, to write the tiles or to compare them.
 * All zero it is that of the empty tree.
 */
struct merkle_tiles {
    struct merkle_frontier frontier; /* of the whole tree */
    struct {
        uint8_t hash[MERKLE_TILE_WIDTH][MERKLE_HASH_SIZE]; /* of the newest tile */
        struct merkle_frontier inside; /* the same, as a tree of its own: size is the tile's width */
        uint64_t index;                /* of the newest tile */
    } levels[MERKLE_TILE_LEVELS];
};

/* Is given tile (level, index) of `width` hashes, which live until it returns. 0, or a negative errno, which ends what
 * called it and is returned by it. */
typedef int merkle_tile_fn(void *arg, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width);

/* Appends one leaf; calls fn for each tile that it fills, from level 0 up. -EOVERFLOW: as merkle_frontier_append.
 * Others: fn's, after which the tiles are of no use. */
int merkle_tiles_add(struct merkle_tiles *tiles, const uint8_t leaf_hash[MERKLE_HASH_SIZE], merkle_tile_fn *fn,
                     void *arg);
/* Calls fn for each tile that is not full, and not empty. Errors: fn's. */
int merkle_tiles_rest(const struct merkle_tiles *tiles, merkle_tile_fn *fn, void *arg);

#endif
