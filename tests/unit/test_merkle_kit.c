/* test_merkle_kit - see test_merkle_kit.h */
#include "tests/unit/test_merkle_kit.h"

#include "tests/support/splitmix.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

hash_bytes kit_leaves[KIT_LEAVES];
static uint64_t seed = 20260301;

/* The same cases in each run. */
uint64_t
kit_any(void)
{
    return splitmix_next(&seed);
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

void
kit_node(const uint8_t *left, const uint8_t *right, uint8_t *ret)
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
void
kit_mth(const hash_bytes *d, uint64_t n, uint8_t *ret)
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
    kit_mth(d, k, left);
    kit_mth(d + k, n - k, right);
    kit_node(left, right, ret);
}

/* PATH(m, D[n]), appended to ret */
void
kit_path(uint64_t m, const hash_bytes *d, uint64_t n, struct merkle_proof *ret)
{
    uint64_t k;

    if (n == 1)
        return;
    k = largest_power_below(n);
    if (m < k) {
        kit_path(m, d, k, ret);
        kit_mth(d + k, n - k, ret->hash[ret->count++]);
    } else {
        kit_path(m - k, d + k, n - k, ret);
        kit_mth(d, k, ret->hash[ret->count++]);
    }
}

/* SUBPROOF(m, D[n], b), appended to ret */
void
kit_subproof(uint64_t m, const hash_bytes *d, uint64_t n, bool b, struct merkle_proof *ret)
{
    uint64_t k;

    if (m == n) {
        if (!b)
            kit_mth(d, n, ret->hash[ret->count++]);
        return;
    }
    k = largest_power_below(n);
    if (m <= k) {
        kit_subproof(m, d, k, b, ret);
        kit_mth(d + k, n - k, ret->hash[ret->count++]);
    } else {
        kit_subproof(m - k, d + k, n - k, false, ret);
        kit_mth(d, k, ret->hash[ret->count++]);
    }
}

/* The root that a path leads to, read from its end as the definition builds it; false: it is too long or too short. */
bool
kit_path_root(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof, size_t count, uint8_t *ret)
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
    if (!kit_path_root(m < k ? m : m - k, m < k ? k : n - k, leaf, proof, count - 1, below))
        return false;
    if (m < k)
        kit_node(below, proof->hash[count - 1], ret);
    else
        kit_node(proof->hash[count - 1], below, ret);
    return true;
}

bool
kit_inclusion_holds(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof, const uint8_t *root)
{
    hash_bytes computed;

    return m < n && kit_path_root(m, n, leaf, proof, proof->count, computed) && memcmp(computed, root, HASH) == 0;
}

/* Both roots that a consistency proof leads to, in the same manner. */
bool
kit_subproof_roots(uint64_t m, uint64_t n, bool b, const uint8_t *root1, const struct merkle_proof *proof, size_t count,
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
        if (!kit_subproof_roots(m, k, b, root1, proof, count - 1, older, newer))
            return false;
        memcpy(ret_older, older, HASH);
        kit_node(newer, proof->hash[count - 1], ret_newer);
    } else {
        if (!kit_subproof_roots(m - k, n - k, false, root1, proof, count - 1, older, newer))
            return false;
        kit_node(proof->hash[count - 1], older, ret_older);
        kit_node(proof->hash[count - 1], newer, ret_newer);
    }
    return true;
}

bool
kit_consistency_holds(uint64_t m, uint64_t n, const uint8_t *root1, const uint8_t *root2,
                      const struct merkle_proof *proof)
{
    hash_bytes older, newer;

    return m > 0 && m <= n && kit_subproof_roots(m, n, true, root1, proof, proof->count, older, newer) &&
           memcmp(older, root1, HASH) == 0 && memcmp(newer, root2, HASH) == 0;
}

/* ---- trees to ask */

int
kit_node_of(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
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

struct nodes
kit_nodes_make(void)
{
    struct nodes nodes = {.count = KIT_LEAVES, .calls_left = UINT32_MAX};

    for (unsigned level = 0; level < 14; level++) {
        uint64_t width = KIT_LEAVES >> level;

        nodes.level[level] = calloc(width + 1, HASH);
        assert_non_null(nodes.level[level]);
        for (uint64_t i = 0; i < width; i++) {
            if (level == 0)
                memcpy(nodes.level[0][i], kit_leaves[i], HASH);
            else
                kit_node(nodes.level[level - 1][2 * i], nodes.level[level - 1][2 * i + 1], nodes.level[level][i]);
        }
    }
    return nodes;
}

void
kit_nodes_free(struct nodes *nodes)
{
    for (unsigned level = 0; level < 14; level++)
        free(nodes->level[level]);
}

int
kit_equal_node(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
{
    uint64_t *size = arg;

    assert_true(level < 64);
    assert_true(index < *size >> level);
    memcpy(ret, kit_leaves[0], HASH);
    while (level-- > 0)
        kit_node(ret, ret, ret);
    return 0;
}

void
kit_equal_root(uint64_t size, uint8_t *ret)
{
    hash_bytes left, right;
    uint64_t k;

    if (size == 1) {
        memcpy(ret, kit_leaves[0], HASH);
        return;
    }
    k = largest_power_below(size);
    kit_equal_root(k, left);
    if (k == size - k)
        memcpy(right, left, HASH);
    else
        kit_equal_root(size - k, right);
    kit_node(left, right, ret);
}

void
kit_assert_same(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hash, b->hash, a->count * HASH);
}

int
kit_leaves_make(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KIT_LEAVES; i++) {
        uint64_t input = kit_any();

        leaf_hash((const uint8_t *)&input, sizeof input, kit_leaves[i]);
    }
    return sodium_init() < 0;
}
