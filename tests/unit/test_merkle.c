/*
 * What merkle.h says, in its order
 *
 * Expected values come from the recursive definitions of RFC 6962, written down below as literally as C allows and over
 * another SHA-256 (libsodium's). test_merkle_vectors.c has those of an independent implementation.
 */
#include "proto/merkle.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HASH         MERKLE_HASH_SIZE
#define LEAVES_MAX   5000u
#define SMALL_MAX    40u /* below this, all pairs are tried */
#define RANDOM_SIZES 24u

typedef uint8_t hash_bytes[HASH];

static hash_bytes leaves[LEAVES_MAX];
static uint64_t seed = 20260301;

/* splitmix64: the same cases in each run */
static uint64_t
any(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- the definitions */

static uint64_t
largest_power_below(uint64_t n)
{
    uint64_t k = 1;

    while (k <= (n - 1) / 2)
        k *= 2;
    return k;
}

static void
ref_node(const uint8_t *left, const uint8_t *right, uint8_t *ret)
{
    crypto_hash_sha256_state state;
    static const uint8_t one = 1;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &one, 1);
    crypto_hash_sha256_update(&state, left, HASH);
    crypto_hash_sha256_update(&state, right, HASH);
    crypto_hash_sha256_final(&state, ret);
}

/* MTH(D[0:n]), D being given as the hashes of its leaves */
static void
mth(const hash_bytes *d, uint64_t n, uint8_t *ret)
{
    hash_bytes left, right;
    uint64_t k;

    if (n == 0) {
        crypto_hash_sha256(ret, (const uint8_t *)"", 0);
        return;
    }
    if (n == 1) {
        memcpy(ret, d[0], HASH);
        return;
    }
    k = largest_power_below(n);
    mth(d, k, left);
    mth(d + k, n - k, right);
    ref_node(left, right, ret);
}

/* PATH(m, D[n]), appended to ret */
static void
path(uint64_t m, const hash_bytes *d, uint64_t n, struct merkle_proof *ret)
{
    uint64_t k;

    if (n == 1)
        return;
    k = largest_power_below(n);
    if (m < k) {
        path(m, d, k, ret);
        mth(d + k, n - k, ret->hash[ret->count++]);
    } else {
        path(m - k, d + k, n - k, ret);
        mth(d, k, ret->hash[ret->count++]);
    }
}

/* SUBPROOF(m, D[n], b), appended to ret */
static void
subproof(uint64_t m, const hash_bytes *d, uint64_t n, bool b, struct merkle_proof *ret)
{
    uint64_t k;

    if (m == n) {
        if (!b)
            mth(d, n, ret->hash[ret->count++]);
        return;
    }
    k = largest_power_below(n);
    if (m <= k) {
        subproof(m, d, k, b, ret);
        mth(d + k, n - k, ret->hash[ret->count++]);
    } else {
        subproof(m - k, d + k, n - k, false, ret);
        mth(d, k, ret->hash[ret->count++]);
    }
}

/* The root that a path leads to, read from its end as the definition builds it; false: it is too long or too short. */
static bool
path_root(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof, size_t count, uint8_t *ret)
{
    hash_bytes below;
    uint64_t k;

    if (n == 1) {
        memcpy(ret, leaf, HASH);
        return count == 0;
    }
    if (count == 0)
        return false;
    k = largest_power_below(n);
    if (!path_root(m < k ? m : m - k, m < k ? k : n - k, leaf, proof, count - 1, below))
        return false;
    if (m < k)
        ref_node(below, proof->hash[count - 1], ret);
    else
        ref_node(proof->hash[count - 1], below, ret);
    return true;
}

static bool
ref_inclusion(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof, const uint8_t *root)
{
    hash_bytes computed;

    return m < n && path_root(m, n, leaf, proof, proof->count, computed) && memcmp(computed, root, HASH) == 0;
}

/* Both roots that a consistency proof leads to, in the same manner. */
static bool
subproof_roots(uint64_t m, uint64_t n, bool b, const uint8_t *root1, const struct merkle_proof *proof, size_t count,
               uint8_t *ret_older, uint8_t *ret_newer)
{
    hash_bytes older, newer;
    uint64_t k;

    if (m == n) {
        if (count != (b ? 0 : 1))
            return false;
        memcpy(ret_older, b ? root1 : proof->hash[0], HASH);
        memcpy(ret_newer, ret_older, HASH);
        return true;
    }
    if (count == 0)
        return false;
    k = largest_power_below(n);
    if (m <= k) {
        if (!subproof_roots(m, k, b, root1, proof, count - 1, older, newer))
            return false;
        memcpy(ret_older, older, HASH);
        ref_node(newer, proof->hash[count - 1], ret_newer);
    } else {
        if (!subproof_roots(m - k, n - k, false, root1, proof, count - 1, older, newer))
            return false;
        ref_node(proof->hash[count - 1], older, ret_older);
        ref_node(proof->hash[count - 1], newer, ret_newer);
    }
    return true;
}

static bool
ref_consistency(uint64_t m, uint64_t n, const uint8_t *root1, const uint8_t *root2, const struct merkle_proof *proof)
{
    hash_bytes older, newer;

    return m > 0 && m <= n && subproof_roots(m, n, true, root1, proof, proof->count, older, newer) &&
           memcmp(older, root1, HASH) == 0 && memcmp(newer, root2, HASH) == 0;
}

/* ---- trees to ask */

/* All nodes of the tree over the first count leaves. */
struct nodes {
    uint64_t count;
    unsigned calls_left; /* 0: the next call fails */
    hash_bytes *level[14];
};

static int
node_of(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
{
    struct nodes *nodes = arg;

    if (nodes->calls_left-- == 0)
        return -EIO;
    /* Never a node that is not complete in this tree. */
    assert_true(level < 14);
    assert_true((index + 1) << level <= nodes->count);
    memcpy(ret, nodes->level[level][index], HASH);
    return 0;
}

static struct nodes
nodes_make(void)
{
    struct nodes nodes = {.count = LEAVES_MAX, .calls_left = UINT32_MAX};

    for (unsigned level = 0; level < 14; level++) {
        uint64_t width = LEAVES_MAX >> level;

        nodes.level[level] = calloc(width + 1, HASH);
        assert_non_null(nodes.level[level]);
        for (uint64_t i = 0; i < width; i++) {
            if (level == 0)
                memcpy(nodes.level[0][i], leaves[i], HASH);
            else
                ref_node(nodes.level[level - 1][2 * i], nodes.level[level - 1][2 * i + 1], nodes.level[level][i]);
        }
    }
    return nodes;
}

static void
nodes_free(struct nodes *nodes)
{
    for (unsigned level = 0; level < 14; level++)
        free(nodes->level[level]);
}

/* A tree of 2^64 - 1 equal leaves: what a node's hash is depends on its level alone. */
static int
equal_node(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
{
    uint64_t *size = arg;

    assert_true(level < 64);
    assert_true(index < *size >> level);
    memcpy(ret, leaves[0], HASH);
    while (level-- > 0)
        ref_node(ret, ret, ret);
    return 0;
}

static void
equal_root(uint64_t size, uint8_t *ret)
{
    hash_bytes left, right;
    uint64_t k;

    if (size == 1) {
        memcpy(ret, leaves[0], HASH);
        return;
    }
    k = largest_power_below(size);
    equal_root(k, left);
    if (k == size - k)
        memcpy(right, left, HASH);
    else
        equal_root(size - k, right);
    ref_node(left, right, ret);
}

static void
assert_same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hash, b->hash, a->count * HASH);
}

static int
make_leaves(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LEAVES_MAX; i++) {
        uint64_t input = any();

        leaf_hash((const uint8_t *)&input, sizeof input, leaves[i]);
    }
    return sodium_init() < 0;
}

/* ---- hashing and the frontier */

static void
a_node_is_the_hash_of_one_and_both_children(void **state)
{
    hash_bytes expected, hash, left, right;

    (void)state;
    ref_node(leaves[0], leaves[1], expected);
    merkle_node_hash(leaves[0], leaves[1], hash);
    assert_memory_equal(hash, expected, HASH);
    memcpy(left, leaves[0], HASH);
    merkle_node_hash(left, leaves[1], left); /* in place */
    assert_memory_equal(left, expected, HASH);
    memcpy(right, leaves[1], HASH);
    merkle_node_hash(leaves[0], right, right);
    assert_memory_equal(right, expected, HASH);
}

static void
a_frontier_gives_the_root_of_each_size(void **state)
{
    struct merkle_frontier frontier = {.size = 0};
    hash_bytes root, expected;

    (void)state;
    for (unsigned n = 0;; n++) {
        assert_int_equal(frontier.size, n);
        assert_int_equal(merkle_frontier_count(&frontier), (size_t)__builtin_popcount(n));
        if (n < 300 || n % 97 == 0 || n == LEAVES_MAX) {
            merkle_frontier_root(&frontier, root);
            mth((const hash_bytes *)leaves, n, expected);
            assert_memory_equal(root, expected, HASH);
        }
        if (n == LEAVES_MAX)
            break;
        assert_int_equal(merkle_frontier_append(&frontier, leaves[n]), 0);
    }
}

static void
a_frontier_that_was_kept_goes_on_where_it_was(void **state)
{
    struct merkle_frontier frontier = {.size = 0}, loaded;
    hash_bytes root, expected;
    size_t len;

    (void)state;
    for (unsigned n = 0; n < 200; n++) {
        len = merkle_frontier_count(&frontier) * HASH;
        memset(&loaded, 0xa5, sizeof loaded);
        assert_int_equal(merkle_frontier_load(&loaded, n, frontier.hash[0], len), 0);
        assert_int_equal(merkle_frontier_append(&loaded, leaves[n]), 0);
        assert_int_equal(merkle_frontier_append(&frontier, leaves[n]), 0);
        merkle_frontier_root(&frontier, expected);
        merkle_frontier_root(&loaded, root);
        assert_memory_equal(root, expected, HASH);
    }
    loaded.size = 77;
    len = merkle_frontier_count(&frontier) * HASH;
    assert_int_equal(merkle_frontier_load(&loaded, 200, frontier.hash[0], len - 1), -EBADMSG);
    assert_int_equal(merkle_frontier_load(&loaded, 200, frontier.hash[0], len + HASH), -EBADMSG);
    assert_int_equal(merkle_frontier_load(&loaded, 201, frontier.hash[0], len), -EBADMSG);
    assert_int_equal(merkle_frontier_load(&loaded, 0, frontier.hash[0], len), -EBADMSG);
    assert_int_equal(loaded.size, 77);
}

static void
a_frontier_reaches_the_largest_size_and_no_further(void **state)
{
    uint64_t size = UINT64_MAX;
    struct merkle_frontier frontier;
    hash_bytes hashes[64], root, expected;

    (void)state;
    for (unsigned i = 0; i < 64; i++) /* the largest subtree first: of level 63, 62 ... 0 */
        assert_int_equal(equal_node(&size, 63 - i, 0, hashes[i]), 0);
    /* 2^63 - 1 leaves and one make one subtree out of 63. */
    assert_int_equal(merkle_frontier_load(&frontier, UINT64_MAX / 2, hashes[1], 63u * HASH), 0);
    assert_int_equal(merkle_frontier_append(&frontier, leaves[0]), 0);
    assert_int_equal(merkle_frontier_count(&frontier), 1);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, hashes[0], HASH);

    assert_int_equal(merkle_frontier_load(&frontier, UINT64_MAX - 1, hashes[0], 63u * HASH), 0);
    assert_int_equal(merkle_frontier_append(&frontier, leaves[0]), 0);
    assert_int_equal(frontier.size, UINT64_MAX);
    equal_root(UINT64_MAX, expected);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, expected, HASH);
    assert_int_equal(merkle_frontier_append(&frontier, leaves[0]), -EOVERFLOW);
    assert_int_equal(frontier.size, UINT64_MAX);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, expected, HASH);
}

/* ---- proofs */

static void
assert_proofs_of(struct nodes *nodes, uint64_t m, uint64_t n)
{
    struct merkle_proof proof, expected = {.count = 0};
    hash_bytes root1, root2, root;

    nodes->count = n;
    mth((const hash_bytes *)leaves, n, root2);
    assert_int_equal(merkle_root(n, node_of, nodes, root), 0);
    assert_memory_equal(root, root2, HASH);

    if (m < n) {
        path(m, (const hash_bytes *)leaves, n, &expected);
        assert_int_equal(merkle_inclusion_prove(m, n, node_of, nodes, &proof), 0);
        assert_same_proof(&proof, &expected);
        assert_int_equal(merkle_inclusion_check(m, n, leaves[m], &proof, root2), 0);
    }
    expected.count = 0;
    if (m > 0)
        subproof(m, (const hash_bytes *)leaves, n, true, &expected);
    assert_int_equal(merkle_consistency_prove(m, n, node_of, nodes, &proof), 0);
    assert_same_proof(&proof, &expected);
    mth((const hash_bytes *)leaves, m, root1);
    assert_int_equal(merkle_consistency_check(m, n, root1, root2, &proof), m > 0 ? 0 : -EBADMSG);
}

static void
proofs_are_those_of_the_definitions_and_hold(void **state)
{
    struct nodes nodes = nodes_make();

    (void)state;
    for (uint64_t n = 0; n <= SMALL_MAX; n++)
        for (uint64_t m = 0; m <= n; m++)
            assert_proofs_of(&nodes, m, n);
    for (unsigned i = 0; i < RANDOM_SIZES; i++) {
        uint64_t n = i == 0 ? LEAVES_MAX : i == 1 ? 4096 : 1 + any() % LEAVES_MAX;

        assert_proofs_of(&nodes, 0, n);
        assert_proofs_of(&nodes, n - 1, n);
        for (unsigned j = 0; j < 5; j++)
            assert_proofs_of(&nodes, any() % (n + 1), n);
    }
    nodes_free(&nodes);
}

static void
proofs_are_made_and_hold_for_sizes_of_64_bits(void **state)
{
    struct merkle_proof proof;
    hash_bytes root1, root2, root;

    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        uint64_t size2 = i == 0 ? UINT64_MAX : (any() | 1) >> (i % 8);
        uint64_t size1 = i == 0 ? 3 : i == 1 ? size2 - 1 : i == 2 ? 1 : 1 + any() % size2;
        uint64_t index = size1 - 1;

        equal_root(size1, root1);
        equal_root(size2, root2);
        assert_int_equal(merkle_root(size2, equal_node, &size2, root), 0);
        assert_memory_equal(root, root2, HASH);
        assert_int_equal(merkle_inclusion_prove(index, size2, equal_node, &size2, &proof), 0);
        assert_int_equal(merkle_inclusion_check(index, size2, leaves[0], &proof, root2), 0);
        assert_true(ref_inclusion(index, size2, leaves[0], &proof, root2));
        assert_int_equal(merkle_consistency_prove(size1, size2, equal_node, &size2, &proof), 0);
        assert_int_equal(merkle_consistency_check(size1, size2, root1, root2, &proof), 0);
        assert_true(ref_consistency(size1, size2, root1, root2, &proof));
        if (i == 0)
            assert_int_equal(proof.count, MERKLE_PROOF_MAX); /* the longest there is */
    }
}

static void
there_is_no_proof_of_what_is_not_so(void **state)
{
    struct nodes nodes = nodes_make();
    struct merkle_proof proof = {.count = 9};

    (void)state;
    assert_int_equal(merkle_inclusion_prove(0, 0, node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_inclusion_prove(5, 5, node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_inclusion_prove(UINT64_MAX, 5, node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_consistency_prove(6, 5, node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_consistency_prove(1, 0, node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(proof.count, 9);
    nodes_free(&nodes);
}

static void
an_error_of_the_callback_is_passed_on(void **state)
{
    struct nodes nodes = nodes_make();
    struct merkle_proof proof = {.count = 9};
    hash_bytes root = {7};

    (void)state;
    for (unsigned calls = 0; calls < 4; calls++) {
        nodes.calls_left = calls;
        assert_int_equal(merkle_inclusion_prove(3, 1000, node_of, &nodes, &proof), -EIO);
        nodes.calls_left = calls;
        assert_int_equal(merkle_consistency_prove(3, 1000, node_of, &nodes, &proof), -EIO);
        nodes.calls_left = calls;
        assert_int_equal(merkle_root(1007, node_of, &nodes, root), -EIO);
    }
    assert_int_equal(proof.count, 9);
    assert_int_equal(root[0], 7);
    nodes_free(&nodes);
}

static void
hashes_from_outside_are_of_32_bytes_and_not_too_many(void **state)
{
    struct merkle_proof proof = {.count = 0};
    uint8_t bytes[64] = {1, 2, 3}, hash[HASH] = {0};

    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(merkle_hash_take(bytes, len, hash), len == HASH ? 0 : -EBADMSG);
        assert_int_equal(merkle_proof_add(&proof, bytes, len), len == HASH ? 0 : -EBADMSG);
    }
    assert_memory_equal(hash, bytes, HASH);
    assert_int_equal(proof.count, 1);
    assert_memory_equal(proof.hash[0], bytes, HASH);
    while (proof.count < MERKLE_PROOF_MAX)
        assert_int_equal(merkle_proof_add(&proof, bytes, HASH), 0);
    assert_int_equal(merkle_proof_add(&proof, bytes, HASH), -EBADMSG);
    assert_int_equal(proof.count, MERKLE_PROOF_MAX);
}

/* Sizes that differ by one bit and take the same proof are found by the definitions; nothing else may be taken. */
static void
assert_inclusion_flips(struct nodes *nodes, uint64_t index, uint64_t size, unsigned *same_path)
{
    struct merkle_proof proof;
    hash_bytes root, leaf;

    nodes->count = size;
    mth((const hash_bytes *)leaves, size, root);
    memcpy(leaf, leaves[index], HASH);
    assert_int_equal(merkle_inclusion_prove(index, size, node_of, nodes, &proof), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t other = size ^ (UINT64_C(1) << bit);
        bool same = ref_inclusion(index, other, leaf, &proof, root);

        assert_int_equal(merkle_inclusion_check(index ^ (UINT64_C(1) << bit), size, leaf, &proof, root), -EBADMSG);
        assert_int_equal(merkle_inclusion_check(index, other, leaf, &proof, root), same ? 0 : -EBADMSG);
        *same_path += same;
    }
    for (unsigned bit = 0; bit < 8 * HASH; bit++) {
        uint8_t mask = (uint8_t)(1u << bit % 8);

        leaf[bit / 8] ^= mask;
        assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), -EBADMSG);
        leaf[bit / 8] ^= mask;
        root[bit / 8] ^= mask;
        assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), -EBADMSG);
        root[bit / 8] ^= mask;
        for (size_t i = 0; i < proof.count; i++) {
            proof.hash[i][bit / 8] ^= mask;
            assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), -EBADMSG);
            proof.hash[i][bit / 8] ^= mask;
        }
    }
    if (proof.count > 0) {
        proof.count--;
        assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), -EBADMSG);
        proof.count++;
    }
    assert_int_equal(merkle_proof_add(&proof, root, HASH), 0);
    assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), -EBADMSG);
    proof.count--;
    assert_int_equal(merkle_inclusion_check(index, size, leaf, &proof, root), 0); /* all was put back */
}

static void
assert_consistency_flips(struct nodes *nodes, uint64_t size1, uint64_t size2, unsigned *same_path)
{
    struct merkle_proof proof;
    hash_bytes root[2];

    nodes->count = size2;
    mth((const hash_bytes *)leaves, size1, root[0]);
    mth((const hash_bytes *)leaves, size2, root[1]);
    assert_int_equal(merkle_consistency_prove(size1, size2, node_of, nodes, &proof), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t other1 = size1 ^ (UINT64_C(1) << bit), other2 = size2 ^ (UINT64_C(1) << bit);
        bool same1 = ref_consistency(other1, size2, root[0], root[1], &proof);
        bool same2 = ref_consistency(size1, other2, root[0], root[1], &proof);

        assert_int_equal(merkle_consistency_check(other1, size2, root[0], root[1], &proof), same1 ? 0 : -EBADMSG);
        assert_int_equal(merkle_consistency_check(size1, other2, root[0], root[1], &proof), same2 ? 0 : -EBADMSG);
        *same_path += same1 + same2;
    }
    for (unsigned bit = 0; bit < 8 * HASH; bit++) {
        uint8_t mask = (uint8_t)(1u << bit % 8);

        for (unsigned i = 0; i < 2; i++) {
            root[i][bit / 8] ^= mask;
            assert_int_equal(merkle_consistency_check(size1, size2, root[0], root[1], &proof), -EBADMSG);
            root[i][bit / 8] ^= mask;
        }
        for (size_t i = 0; i < proof.count; i++) {
            proof.hash[i][bit / 8] ^= mask;
            assert_int_equal(merkle_consistency_check(size1, size2, root[0], root[1], &proof), -EBADMSG);
            proof.hash[i][bit / 8] ^= mask;
        }
    }
    if (proof.count > 0) {
        proof.count--;
        assert_int_equal(merkle_consistency_check(size1, size2, root[0], root[1], &proof), -EBADMSG);
        proof.count++;
    }
    assert_int_equal(merkle_proof_add(&proof, root[0], HASH), 0);
    assert_int_equal(merkle_consistency_check(size1, size2, root[0], root[1], &proof), -EBADMSG);
    proof.count--;
    if (size1 != size2)
        assert_int_equal(merkle_consistency_check(size2, size1, root[1], root[0], &proof), -EBADMSG);
    assert_int_equal(merkle_consistency_check(size1, size2, root[0], root[1], &proof), 0);
}

static void
any_bit_that_is_flipped_in_a_proof_refuses_it(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 8, 11, 255, 256, 257, 1000, LEAVES_MAX};
    struct nodes nodes = nodes_make();
    unsigned same_inclusion = 0, same_consistency = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_inclusion_flips(&nodes, 0, sizes[i], &same_inclusion);
        assert_inclusion_flips(&nodes, sizes[i] - 1, sizes[i], &same_inclusion);
        assert_inclusion_flips(&nodes, any() % sizes[i], sizes[i], &same_inclusion);
        for (size_t j = 0; j <= i; j++)
            assert_consistency_flips(&nodes, sizes[j], sizes[i], &same_consistency);
    }
    /* The header's warning is true: sizes must come signed. */
    assert_true(same_inclusion > 0);
    assert_true(same_consistency > 0);
    nodes_free(&nodes);
}

/* Roots made to fit: only that the proof goes on above the root tells that it is wrong. */
static void
a_proof_that_goes_on_above_the_root_is_refused(void **state)
{
    struct nodes nodes = nodes_make();
    struct merkle_proof proof;
    hash_bytes root1, root2, above1, above2;

    (void)state;
    for (uint64_t n = 1; n <= SMALL_MAX; n++) {
        for (uint64_t m = 1; m <= n; m++) {
            nodes.count = n;
            mth((const hash_bytes *)leaves, m, root1);
            mth((const hash_bytes *)leaves, n, root2);
            assert_int_equal(merkle_inclusion_prove(m - 1, n, node_of, &nodes, &proof), 0);
            assert_int_equal(merkle_proof_add(&proof, leaves[LEAVES_MAX - 1], HASH), 0);
            ref_node(leaves[LEAVES_MAX - 1], root2, above2);
            assert_int_equal(merkle_inclusion_check(m - 1, n, leaves[m - 1], &proof, above2), -EBADMSG);
            ref_node(root2, leaves[LEAVES_MAX - 1], above2);
            assert_int_equal(merkle_inclusion_check(m - 1, n, leaves[m - 1], &proof, above2), -EBADMSG);

            assert_int_equal(merkle_consistency_prove(m, n, node_of, &nodes, &proof), 0);
            assert_int_equal(merkle_proof_add(&proof, leaves[LEAVES_MAX - 1], HASH), 0);
            ref_node(leaves[LEAVES_MAX - 1], root1, above1);
            ref_node(leaves[LEAVES_MAX - 1], root2, above2);
            assert_int_equal(merkle_consistency_check(m, n, above1, above2, &proof), -EBADMSG);
            ref_node(root2, leaves[LEAVES_MAX - 1], above2);
            assert_int_equal(merkle_consistency_check(m, n, root1, above2, &proof), -EBADMSG);
        }
    }
    nodes_free(&nodes);
}

static void
equal_sizes_and_an_empty_tree_are_decided_without_a_proof(void **state)
{
    struct merkle_proof none = {.count = 0}, one = {.count = 1};
    hash_bytes empty, root;

    (void)state;
    mth(NULL, 0, empty);
    mth((const hash_bytes *)leaves, 5, root);
    assert_int_equal(merkle_consistency_check(5, 5, root, root, &none), 0);
    assert_int_equal(merkle_consistency_check(5, 5, root, empty, &none), -EBADMSG);
    assert_int_equal(merkle_consistency_check(5, 5, root, root, &one), -EBADMSG);
    assert_int_equal(merkle_consistency_check(0, 0, empty, empty, &none), -EBADMSG);
    assert_int_equal(merkle_consistency_check(0, 5, empty, root, &none), -EBADMSG);
    assert_int_equal(merkle_consistency_check(0, 5, empty, root, &one), -EBADMSG);
    assert_int_equal(merkle_consistency_check(4, 5, root, root, &none), -EBADMSG);
    assert_int_equal(merkle_inclusion_check(0, 0, empty, &none, empty), -EBADMSG);
    assert_int_equal(merkle_inclusion_check(UINT64_MAX, 0, empty, &none, empty), -EBADMSG);
}

/* Numbers and lengths at random, roots such that it holds whenever the lengths fit: both must say the same. */
static void
any_proof_is_judged_as_the_definitions_do(void **state)
{
    unsigned held = 0, refused = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct merkle_proof proof = {.count = (size_t)(any() % 9)};
        uint64_t n = 1 + any() % (i % 2 == 0 ? 20 : 300), m = any() % (n + 2);
        hash_bytes root1, root2;
        bool holds;

        for (size_t j = 0; j < proof.count; j++)
            memcpy(proof.hash[j], leaves[any() % LEAVES_MAX], HASH);
        memcpy(root1, leaves[0], HASH);
        memcpy(root2, leaves[1], HASH);
        if (m < n)
            path_root(m, n, leaves[0], &proof, proof.count, root2);
        holds = ref_inclusion(m, n, leaves[0], &proof, root2);
        assert_int_equal(merkle_inclusion_check(m, n, leaves[0], &proof, root2), holds ? 0 : -EBADMSG);
        held += holds;
        refused += !holds;

        memcpy(root2, leaves[1], HASH);
        if (m > 0 && m <= n)
            subproof_roots(m, n, true, root1, &proof, proof.count, root1, root2);
        holds = ref_consistency(m, n, root1, root2, &proof);
        assert_int_equal(merkle_consistency_check(m, n, root1, root2, &proof), holds ? 0 : -EBADMSG);
        held += holds;
        refused += !holds;
    }
    assert_true(held > 2000);
    assert_true(refused > 2000);
}

/* ---- tiles */

static void
a_tile_holds_what_the_format_says(void **state)
{
    (void)state;
    /* The example of tlog-tiles: 70,000 leaves. */
    assert_int_equal(merkle_tile_width(70000, 0, 0), 256);
    assert_int_equal(merkle_tile_width(70000, 0, 272), 256);
    assert_int_equal(merkle_tile_width(70000, 0, 273), 112);
    assert_int_equal(merkle_tile_width(70000, 0, 274), 0);
    assert_int_equal(merkle_tile_width(70000, 1, 0), 256);
    assert_int_equal(merkle_tile_width(70000, 1, 1), 17);
    assert_int_equal(merkle_tile_width(70000, 2, 0), 1);
    assert_int_equal(merkle_tile_width(70000, 2, 1), 0);
    assert_int_equal(merkle_tile_width(70000, 3, 0), 0);
    /* And 256: a full tile, and a partial one above it. */
    assert_int_equal(merkle_tile_width(256, 0, 0), 256);
    assert_int_equal(merkle_tile_width(256, 0, 1), 0);
    assert_int_equal(merkle_tile_width(256, 1, 0), 1);
    assert_int_equal(merkle_tile_width(0, 0, 0), 0);
    assert_int_equal(merkle_tile_width(UINT64_MAX, 7, 0), 255);
    assert_int_equal(merkle_tile_width(UINT64_MAX, 0, UINT64_MAX / 256), 255);
    assert_int_equal(merkle_tile_width(UINT64_MAX, 0, UINT64_MAX), 0);
}

static void
a_node_is_found_in_its_tile(void **state)
{
    static const struct {
        unsigned level;
        uint64_t index;
        struct merkle_tile tile;
    } cases[] = {
        {0, 0, {0, 0, 0, 1}},      {0, 255, {0, 0, 255, 1}},
        {0, 256, {0, 1, 0, 1}},    {1, 127, {0, 0, 254, 2}},
        {1, 128, {0, 1, 0, 2}},    {7, 1, {0, 0, 128, 128}},
        {7, 2, {0, 1, 0, 128}},    {8, 0, {1, 0, 0, 1}},
        {8, 257, {1, 1, 1, 1}},    {9, 130, {1, 1, 4, 2}},
        {63, 0, {7, 0, 0, 128}},   {63, 1, {7, 0, 128, 128}},
        {56, 255, {7, 0, 255, 1}}, {0, UINT64_MAX, {0, UINT64_MAX / 256, 255, 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct merkle_tile tile = merkle_tile_of(cases[i].level, cases[i].index);

        assert_int_equal(tile.level, cases[i].tile.level);
        assert_int_equal(tile.index, cases[i].tile.index);
        assert_int_equal(tile.first, cases[i].tile.first);
        assert_int_equal(tile.count, cases[i].tile.count);
    }
}

/* Reads nodes from tiles, as a store does: only levels 0 and 8 are taken from the tree. */
static int
node_of_tile(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
{
    struct nodes *nodes = arg;
    struct merkle_tile tile = merkle_tile_of(level, index);
    unsigned width = merkle_tile_width(nodes->count, tile.level, tile.index);
    const hash_bytes *hashes = (const hash_bytes *)nodes->level[tile.level * MERKLE_TILE_HEIGHT];

    return merkle_tile_node(&tile, hashes[tile.index * MERKLE_TILE_WIDTH], width, ret);
}

static void
proofs_can_be_made_from_tiles(void **state)
{
    struct nodes nodes = nodes_make();
    struct merkle_proof proof, expected;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t n = 1 + any() % LEAVES_MAX, m = any() % n;

        nodes.count = n;
        assert_int_equal(merkle_inclusion_prove(m, n, node_of, &nodes, &expected), 0);
        assert_int_equal(merkle_inclusion_prove(m, n, node_of_tile, &nodes, &proof), 0);
        assert_same_proof(&proof, &expected);
        assert_int_equal(merkle_consistency_prove(m, n, node_of, &nodes, &expected), 0);
        assert_int_equal(merkle_consistency_prove(m, n, node_of_tile, &nodes, &proof), 0);
        assert_same_proof(&proof, &expected);
    }
    nodes_free(&nodes);
}

static void
a_full_tile_hashes_to_one_of_the_tile_above(void **state)
{
    struct merkle_tile whole = {.first = 0, .count = MERKLE_TILE_WIDTH}, last = {.first = 254, .count = 2};
    hash_bytes hash = {7}, expected;

    (void)state;
    mth((const hash_bytes *)leaves, MERKLE_TILE_WIDTH, expected);
    assert_int_equal(merkle_tile_node(&whole, leaves[0], MERKLE_TILE_WIDTH - 1, hash), -ENOENT);
    assert_int_equal(merkle_tile_node(&last, leaves[0], 255, hash), -ENOENT);
    assert_int_equal(merkle_tile_node(&last, leaves[0], 0, hash), -ENOENT);
    assert_int_equal(hash[0], 7);
    assert_int_equal(merkle_tile_node(&whole, leaves[0], MERKLE_TILE_WIDTH, hash), 0);
    assert_memory_equal(hash, expected, HASH);
}

#define ROLLED      70000u /* the example of tlog-tiles */
#define ROLLED_FULL 273u   /* full tiles of level 0 */

/* Tiles as they come out, each against the leaves, or against the roots of the tiles below. */
struct rolled {
    uint64_t size;                      /* of the tree so far */
    uint64_t count[MERKLE_TILE_LEVELS]; /* full tiles */
    hash_bytes roots[2][ROLLED_FULL];   /* of these */
    unsigned partial;                   /* tiles that are not full */
};

static void
rolled_leaf(uint64_t index, uint8_t ret[HASH])
{
    crypto_hash_sha256(ret, (const uint8_t *)&index, sizeof index);
}

static int
tile_is_right(void *arg, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width)
{
    struct rolled *r = arg;
    hash_bytes tile[MERKLE_TILE_WIDTH];

    memcpy(tile, hashes, (size_t)width * HASH);
    assert_int_equal(index, r->count[level]);
    assert_int_equal(width, merkle_tile_width(r->size, level, index));
    for (unsigned i = 0; i < width; i++) {
        uint64_t at = index * MERKLE_TILE_WIDTH + i;
        hash_bytes leaf;

        rolled_leaf(at, leaf);
        assert_memory_equal(tile[i], level == 0 ? leaf : r->roots[level - 1][at], HASH);
    }
    if (width == MERKLE_TILE_WIDTH)
        mth((const hash_bytes *)tile, width, r->roots[level][r->count[level]++]);
    else
        r->partial++;
    return 0;
}

static void
a_tree_rolled_leaf_by_leaf_gives_each_tile_when_it_is_full_and_the_rest_at_the_end(void **state)
{
    struct merkle_tiles *tiles = calloc(1, sizeof *tiles);
    struct rolled *r = calloc(1, sizeof *r);
    struct merkle_frontier frontier = {.size = 0};

    (void)state;
    assert_non_null(tiles);
    assert_non_null(r);
    assert_int_equal(merkle_tiles_rest(tiles, tile_is_right, r), 0);
    assert_int_equal(r->partial, 0);
    while (r->size < ROLLED) {
        hash_bytes leaf;

        rolled_leaf(r->size++, leaf);
        assert_int_equal(merkle_tiles_add(tiles, leaf, tile_is_right, r), 0);
        assert_int_equal(merkle_frontier_append(&frontier, leaf), 0);
        assert_int_equal(r->count[0], r->size / MERKLE_TILE_WIDTH);
    }
    assert_memory_equal(&tiles->frontier, &frontier, sizeof frontier);
    assert_int_equal(r->count[0], ROLLED_FULL);
    assert_int_equal(r->count[1], 1);
    assert_int_equal(merkle_tiles_rest(tiles, tile_is_right, r), 0);
    assert_int_equal(r->partial, 3);
    free(tiles);
    free(r);
}

static int
tile_fails(void *arg, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width)
{
    (void)arg;
    (void)level;
    (void)index;
    (void)hashes;
    (void)width;
    return -EIO;
}

static void
who_cannot_take_a_tile_ends_the_rolling(void **state)
{
    struct merkle_tiles *tiles = calloc(1, sizeof *tiles);

    (void)state;
    assert_non_null(tiles);
    for (unsigned i = 0; i < MERKLE_TILE_WIDTH - 1; i++)
        assert_int_equal(merkle_tiles_add(tiles, leaves[i], tile_fails, NULL), 0);
    assert_int_equal(merkle_tiles_rest(tiles, tile_fails, NULL), -EIO);
    assert_int_equal(merkle_tiles_add(tiles, leaves[0], tile_fails, NULL), -EIO);
    free(tiles);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_the_hash_of_one_and_both_children),
        cmocka_unit_test(a_frontier_gives_the_root_of_each_size),
        cmocka_unit_test(a_frontier_that_was_kept_goes_on_where_it_was),
        cmocka_unit_test(a_frontier_reaches_the_largest_size_and_no_further),
        cmocka_unit_test(proofs_are_those_of_the_definitions_and_hold),
        cmocka_unit_test(proofs_are_made_and_hold_for_sizes_of_64_bits),
        cmocka_unit_test(there_is_no_proof_of_what_is_not_so),
        cmocka_unit_test(an_error_of_the_callback_is_passed_on),
        cmocka_unit_test(hashes_from_outside_are_of_32_bytes_and_not_too_many),
        cmocka_unit_test(any_bit_that_is_flipped_in_a_proof_refuses_it),
        cmocka_unit_test(a_proof_that_goes_on_above_the_root_is_refused),
        cmocka_unit_test(equal_sizes_and_an_empty_tree_are_decided_without_a_proof),
        cmocka_unit_test(any_proof_is_judged_as_the_definitions_do),
        cmocka_unit_test(a_tile_holds_what_the_format_says),
        cmocka_unit_test(a_node_is_found_in_its_tile),
        cmocka_unit_test(proofs_can_be_made_from_tiles),
        cmocka_unit_test(a_full_tile_hashes_to_one_of_the_tile_above),
        cmocka_unit_test(a_tree_rolled_leaf_by_leaf_gives_each_tile_when_it_is_full_and_the_rest_at_the_end),
        cmocka_unit_test(who_cannot_take_a_tile_ends_the_rolling),
    };

    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
