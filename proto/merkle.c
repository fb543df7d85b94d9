/*
 * merkle - a tree is never held: it is folded from the roots of its complete subtrees
 *
 * A range of leaves lo ... hi - 1 that RFC 6962's recursion arrives at falls into complete subtrees, one for each bit
 * set in hi - lo, the largest first, because lo is a multiple of a power of two that is at least hi - lo. Its hash is
 * these folded from the right. A frontier is that list for the range 0 ... size - 1.
 *
 * Proofs are made from the root down and read from the leaf up, so the hashes are collected and then turned round. Of
 * the ranges that a proof names, one at most is not complete: beside a complete range everything is complete.
 */
#include "merkle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(MERKLE_TILE_WIDTH == 1u << MERKLE_TILE_HEIGHT, "a tile is a complete subtree of its hashes");

void
merkle_node_hash(const uint8_t left[MERKLE_HASH_SIZE], const uint8_t right[MERKLE_HASH_SIZE],
                 uint8_t ret[MERKLE_HASH_SIZE])
{
    uint8_t input[1 + 2 * MERKLE_HASH_SIZE] = {1};

    memcpy(input + 1, left, MERKLE_HASH_SIZE);
    memcpy(input + 1 + MERKLE_HASH_SIZE, right, MERKLE_HASH_SIZE);
    leaf_sha256(input, sizeof input, ret);
}

/* Hashes a list of subtrees, the largest first, into the root of them all. None: the empty tree. */
static void
fold(const uint8_t (*hash)[MERKLE_HASH_SIZE], size_t count, uint8_t ret[MERKLE_HASH_SIZE])
{
    uint8_t root[MERKLE_HASH_SIZE];

    if (count == 0) {
        leaf_sha256("", 0, ret);
        return;
    }
    memcpy(root, hash[--count], sizeof root);
    while (count > 0)
        merkle_node_hash(hash[--count], root, root);
    memcpy(ret, root, sizeof root);
}

/* ---- the frontier */

static size_t
bits_set(uint64_t size)
{
    return (size_t)__builtin_popcountll(size);
}

size_t
merkle_frontier_count(const struct merkle_frontier *frontier)
{
    return bits_set(frontier->size);
}

int
merkle_frontier_load(struct merkle_frontier *ret, uint64_t size, const uint8_t *hashes, size_t len)
{
    if (len != bits_set(size) * MERKLE_HASH_SIZE)
        return -EBADMSG;
    ret->size = size;
    if (len > 0)
        memcpy(ret->hash, hashes, len);
    return 0;
}

int
merkle_frontier_append(struct merkle_frontier *frontier, const uint8_t leaf_hash[MERKLE_HASH_SIZE])
{
    size_t last = merkle_frontier_count(frontier);

    if (frontier->size == UINT64_MAX)
        return -EOVERFLOW;
    memcpy(frontier->hash[last], leaf_hash, MERKLE_HASH_SIZE);
    /* As in adding one to a binary number: each trailing 1 is a subtree as large as the one that is carried. */
    for (uint64_t carry = frontier->size; (carry & 1) != 0; carry >>= 1) {
        last--;
        merkle_node_hash(frontier->hash[last], frontier->hash[last + 1], frontier->hash[last]);
    }
    frontier->size++;
    assert(last + 1 == merkle_frontier_count(frontier));
    return 0;
}

void
merkle_frontier_root(const struct merkle_frontier *frontier, uint8_t ret[MERKLE_HASH_SIZE])
{
    fold((const uint8_t(*)[MERKLE_HASH_SIZE])frontier->hash, merkle_frontier_count(frontier), ret);
}

/* ---- making proofs */

/* The largest power of two below n. */
static uint64_t
split(uint64_t n)
{
    assert(n > 1);
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static int
range_hash(uint64_t lo, uint64_t hi, merkle_node_fn *node, void *arg, uint8_t ret[MERKLE_HASH_SIZE])
{
    uint8_t hash[MERKLE_LEVELS_MAX][MERKLE_HASH_SIZE];
    uint64_t rest = hi - lo;
    size_t count = 0;

    assert(lo <= hi);
    while (rest > 0) {
        unsigned level = (unsigned)(63 - __builtin_clzll(rest));
        int rc = node(arg, level, lo >> level, hash[count]);

        if (rc != 0)
            return rc;
        count++;
        lo += UINT64_C(1) << level;
        rest -= UINT64_C(1) << level;
    }
    fold((const uint8_t(*)[MERKLE_HASH_SIZE])hash, count, ret);
    return 0;
}

int
merkle_root(uint64_t size, merkle_node_fn *node, void *arg, uint8_t ret[MERKLE_HASH_SIZE])
{
    return range_hash(0, size, node, arg, ret);
}

/* The ranges whose hashes make up a proof, from the root down. */
struct ranges {
    size_t count;
    struct {
        uint64_t lo, hi;
    } at[MERKLE_PROOF_MAX];
};

static void
ranges_add(struct ranges *ranges, uint64_t lo, uint64_t hi)
{
    assert(ranges->count < MERKLE_PROOF_MAX);
    ranges->at[ranges->count].lo = lo;
    ranges->at[ranges->count++].hi = hi;
}

static int
ranges_prove(const struct ranges *ranges, merkle_node_fn *node, void *arg, struct merkle_proof *ret)
{
    struct merkle_proof proof = {.count = 0};

    for (size_t i = ranges->count; i-- > 0; proof.count++) {
        int rc = range_hash(ranges->at[i].lo, ranges->at[i].hi, node, arg, proof.hash[proof.count]);

        if (rc != 0)
            return rc;
    }
    *ret = proof;
    return 0;
}

int
merkle_inclusion_prove(uint64_t index, uint64_t size, merkle_node_fn *node, void *arg, struct merkle_proof *ret)
{
    struct ranges siblings = {.count = 0};
    uint64_t lo = 0, hi = size;

    if (index >= size)
        return -EINVAL;
    while (hi - lo > 1) {
        uint64_t mid = lo + split(hi - lo);

        if (index < mid) {
            ranges_add(&siblings, mid, hi);
            hi = mid;
        } else {
            ranges_add(&siblings, lo, mid);
            lo = mid;
        }
    }
    return ranges_prove(&siblings, node, arg, ret);
}

int
merkle_consistency_prove(uint64_t size1, uint64_t size2, merkle_node_fn *node, void *arg, struct merkle_proof *ret)
{
    struct ranges ranges = {.count = 0};
    uint64_t lo = 0, hi = size2;

    if (size1 > size2)
        return -EINVAL;
    if (size1 == 0)
        hi = 0; /* nothing to prove */
    /* Down to the subtree that ends where the older tree ends. */
    while (hi > size1) {
        uint64_t mid = lo + split(hi - lo);

        if (size1 <= mid) {
            ranges_add(&ranges, mid, hi);
            hi = mid;
        } else {
            ranges_add(&ranges, lo, mid);
            lo = mid;
        }
    }
    if (lo > 0)
        ranges_add(&ranges, lo, hi); /* otherwise it is the older tree itself, whose root the verifier has */
    return ranges_prove(&ranges, node, arg, ret);
}

/* ---- checking proofs */

int
merkle_hash_take(const void *hash, size_t len, uint8_t ret[MERKLE_HASH_SIZE])
{
    if (len != MERKLE_HASH_SIZE)
        return -EBADMSG;
    memcpy(ret, hash, len);
    return 0;
}

int
merkle_proof_add(struct merkle_proof *proof, const void *hash, size_t len)
{
    if (proof->count >= MERKLE_PROOF_MAX || merkle_hash_take(hash, len, proof->hash[proof->count]) != 0)
        return -EBADMSG;
    proof->count++;
    return 0;
}

/*
 * The two numbers that RFC 9162 calls fn and sn: the place of the node in its level, and of the last node of that
 * level. Both are shifted as the proof climbs, and the last is 0 exactly at the root.
 */
struct climb {
    uint64_t at, last;
};

/* Does the next hash of the proof stand to the left of what was computed so far? Climbs to where that is so, if it is.
 */
static int
climb_takes_left(struct climb *climb)
{
    if ((climb->at & 1) == 0 && climb->at != climb->last)
        return 0;
    /* The last node of a level that has no sibling goes up as it is. */
    while ((climb->at & 1) == 0 && climb->at != 0) {
        climb->at >>= 1;
        climb->last >>= 1;
    }
    return 1;
}

static void
climb_up(struct climb *climb)
{
    climb->at >>= 1;
    climb->last >>= 1;
}

int
merkle_inclusion_check(uint64_t index, uint64_t size, const uint8_t leaf_hash[MERKLE_HASH_SIZE],
                       const struct merkle_proof *proof, const uint8_t root[MERKLE_HASH_SIZE])
{
    struct climb climb = {.at = index, .last = size - 1};
    uint8_t hash[MERKLE_HASH_SIZE];

    assert(proof->count <= MERKLE_PROOF_MAX);
    if (index >= size)
        return -EBADMSG;
    memcpy(hash, leaf_hash, sizeof hash);
    for (size_t i = 0; i < proof->count; i++) {
        if (climb.last == 0)
            return -EBADMSG; /* at the root already */
        if (climb_takes_left(&climb))
            merkle_node_hash(proof->hash[i], hash, hash);
        else
            merkle_node_hash(hash, proof->hash[i], hash);
        climb_up(&climb);
    }
    return climb.last == 0 && memcmp(hash, root, sizeof hash) == 0 ? 0 : -EBADMSG;
}

int
merkle_consistency_check(uint64_t size1, uint64_t size2, const uint8_t root1[MERKLE_HASH_SIZE],
                         const uint8_t root2[MERKLE_HASH_SIZE], const struct merkle_proof *proof)
{
    struct climb climb = {.at = size1 - 1, .last = size2 - 1};
    uint8_t older[MERKLE_HASH_SIZE], newer[MERKLE_HASH_SIZE];
    size_t i = 0;

    assert(proof->count <= MERKLE_PROOF_MAX);
    if (size1 == 0 || size1 > size2)
        return -EBADMSG;
    if (size1 == size2)
        return proof->count == 0 && memcmp(root1, root2, MERKLE_HASH_SIZE) == 0 ? 0 : -EBADMSG;
    if (proof->count == 0)
        return -EBADMSG;

    /* Both roots are computed from the last complete subtree of the older tree, which is all of it for a power of two.
     */
    memcpy(older, (size1 & (size1 - 1)) == 0 ? root1 : proof->hash[i++], sizeof older);
    memcpy(newer, older, sizeof newer);
    while ((climb.at & 1) != 0)
        climb_up(&climb);
    for (; i < proof->count; i++) {
        if (climb.last == 0)
            return -EBADMSG;
        if (climb_takes_left(&climb)) {
            merkle_node_hash(proof->hash[i], older, older);
            merkle_node_hash(proof->hash[i], newer, newer);
        } else {
            merkle_node_hash(newer, proof->hash[i], newer);
        }
        climb_up(&climb);
    }
    if (climb.last != 0 || memcmp(older, root1, sizeof older) != 0 || memcmp(newer, root2, sizeof newer) != 0)
        return -EBADMSG;
    return 0;
}

/* ---- tiles */

struct merkle_tile
merkle_tile_of(unsigned level, uint64_t index)
{
    unsigned inner = level % MERKLE_TILE_HEIGHT;

    assert(level < MERKLE_LEVELS_MAX);
    assert(index <= UINT64_MAX >> level);
    return (struct merkle_tile){.level = level / MERKLE_TILE_HEIGHT,
                                .index = index >> (MERKLE_TILE_HEIGHT - inner),
                                .first = (unsigned)((index << inner) % MERKLE_TILE_WIDTH),
                                .count = 1u << inner};
}

unsigned
merkle_tile_width(uint64_t size, unsigned level, uint64_t index)
{
    uint64_t nodes;

    assert(level < MERKLE_LEVELS_MAX / MERKLE_TILE_HEIGHT);
    nodes = size >> (level * MERKLE_TILE_HEIGHT);
    if (index < nodes / MERKLE_TILE_WIDTH)
        return MERKLE_TILE_WIDTH;
    return index == nodes / MERKLE_TILE_WIDTH ? (unsigned)(nodes % MERKLE_TILE_WIDTH) : 0;
}

int
merkle_tile_node(const struct merkle_tile *at, const uint8_t *hashes, size_t width, uint8_t ret[MERKLE_HASH_SIZE])
{
    struct merkle_frontier inside = {.size = 0};

    assert(width <= MERKLE_TILE_WIDTH);
    assert(at->count > 0 && (at->count & (at->count - 1)) == 0);
    if (at->first > width || at->count > width - at->first)
        return -ENOENT;
    for (unsigned i = at->first; i < at->first + at->count; i++)
        if (merkle_frontier_append(&inside, hashes + (size_t)i * MERKLE_HASH_SIZE) != 0)
            return -EOVERFLOW;
    merkle_frontier_root(&inside, ret);
    return 0;
}

int
merkle_tiles_add(struct merkle_tiles *tiles, const uint8_t leaf_hash[MERKLE_HASH_SIZE], merkle_tile_fn *fn, void *arg)
{
    uint8_t hash[MERKLE_HASH_SIZE];
    int rc = merkle_frontier_append(&tiles->frontier, leaf_hash);

    memcpy(hash, leaf_hash, sizeof hash);
    for (unsigned i = 0; rc == 0 && i < MERKLE_TILE_LEVELS; i++) {
        struct merkle_frontier *inside = &tiles->levels[i].inside;

        memcpy(tiles->levels[i].hash[inside->size], hash, sizeof hash);
        rc = merkle_frontier_append(inside, hash);
        if (rc != 0 || inside->size < MERKLE_TILE_WIDTH)
            break;
        merkle_frontier_root(inside, hash); /* the next level's */
        inside->size = 0;
        rc = fn(arg, i, tiles->levels[i].index++, tiles->levels[i].hash[0], MERKLE_TILE_WIDTH);
    }
    return rc;
}

int
merkle_tiles_rest(const struct merkle_tiles *tiles, merkle_tile_fn *fn, void *arg)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < MERKLE_TILE_LEVELS; i++)
        if (tiles->levels[i].inside.size > 0)
            rc = fn(arg, i, tiles->levels[i].index, tiles->levels[i].hash[0], (unsigned)tiles->levels[i].inside.size);
    return rc;
}
