/* What merkle.h says of proofs: made, checked, and refused when anything of them is otherwise. */
#include "tests/unit/test_merkle_kit.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_MAX    40u /* below this, all pairs are tried */
#define RANDOM_SIZES 24u

/* ---- proofs */

static void
assert_proofs_of(struct nodes *nodes, uint64_t m, uint64_t n)
{
    struct merkle_proof proof, expected = {.count = 0};
    hash_bytes root1, root2, root;

    nodes->count = n;
    kit_mth((const hash_bytes *)kit_leaves, n, root2);
    assert_int_equal(merkle_root(n, kit_node_of, nodes, root), 0);
    assert_memory_equal(root, root2, HASH);

    if (m < n) {
        kit_path(m, (const hash_bytes *)kit_leaves, n, &expected);
        assert_int_equal(merkle_inclusion_prove(m, n, kit_node_of, nodes, &proof), 0);
        kit_assert_same(&proof, &expected);
        assert_int_equal(merkle_inclusion_check(m, n, kit_leaves[m], &proof, root2), 0);
    }
    expected.count = 0;
    if (m > 0)
        kit_subproof(m, (const hash_bytes *)kit_leaves, n, true, &expected);
    assert_int_equal(merkle_consistency_prove(m, n, kit_node_of, nodes, &proof), 0);
    kit_assert_same(&proof, &expected);
    kit_mth((const hash_bytes *)kit_leaves, m, root1);
    assert_int_equal(merkle_consistency_check(m, n, root1, root2, &proof), m > 0 ? 0 : -EBADMSG);
}

static void
proofs_are_those_of_the_definitions_and_hold(void **state)
{
    struct nodes nodes = kit_nodes_make();

    (void)state;
    for (uint64_t n = 0; n <= SMALL_MAX; n++)
        for (uint64_t m = 0; m <= n; m++)
            assert_proofs_of(&nodes, m, n);
    for (unsigned i = 0; i < RANDOM_SIZES; i++) {
        uint64_t n = i == 0 ? KIT_LEAVES : i == 1 ? 4096 : 1 + kit_any() % KIT_LEAVES;

        assert_proofs_of(&nodes, 0, n);
        assert_proofs_of(&nodes, n - 1, n);
        for (unsigned j = 0; j < 5; j++)
            assert_proofs_of(&nodes, kit_any() % (n + 1), n);
    }
    kit_nodes_free(&nodes);
}

static void
proofs_are_made_and_hold_for_sizes_of_64_bits(void **state)
{
    struct merkle_proof proof;
    hash_bytes root1, root2, root;

    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        uint64_t size2 = i == 0 ? UINT64_MAX : (kit_any() | 1) >> (i % 8);
        uint64_t size1 = i == 0 ? 3 : i == 1 ? size2 - 1 : i == 2 ? 1 : 1 + kit_any() % size2;
        uint64_t index = size1 - 1;

        kit_equal_root(size1, root1);
        kit_equal_root(size2, root2);
        assert_int_equal(merkle_root(size2, kit_equal_node, &size2, root), 0);
        assert_memory_equal(root, root2, HASH);
        assert_int_equal(merkle_inclusion_prove(index, size2, kit_equal_node, &size2, &proof), 0);
        assert_int_equal(merkle_inclusion_check(index, size2, kit_leaves[0], &proof, root2), 0);
        assert_true(kit_inclusion_holds(index, size2, kit_leaves[0], &proof, root2));
        assert_int_equal(merkle_consistency_prove(size1, size2, kit_equal_node, &size2, &proof), 0);
        assert_int_equal(merkle_consistency_check(size1, size2, root1, root2, &proof), 0);
        assert_true(kit_consistency_holds(size1, size2, root1, root2, &proof));
        if (i == 0)
            assert_int_equal(proof.count, MERKLE_PROOF_MAX); /* the longest there is */
    }
}

static void
there_is_no_proof_of_what_is_not_so(void **state)
{
    struct nodes nodes = kit_nodes_make();
    struct merkle_proof proof = {.count = 9};

    (void)state;
    assert_int_equal(merkle_inclusion_prove(0, 0, kit_node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_inclusion_prove(5, 5, kit_node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_inclusion_prove(UINT64_MAX, 5, kit_node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_consistency_prove(6, 5, kit_node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(merkle_consistency_prove(1, 0, kit_node_of, &nodes, &proof), -EINVAL);
    assert_int_equal(proof.count, 9);
    kit_nodes_free(&nodes);
}

static void
an_error_of_the_callback_is_passed_on(void **state)
{
    struct nodes nodes = kit_nodes_make();
    struct merkle_proof proof = {.count = 9};
    hash_bytes root = {7};

    (void)state;
    for (unsigned calls = 0; calls < 4; calls++) {
        nodes.calls_left = calls;
        assert_int_equal(merkle_inclusion_prove(3, 1000, kit_node_of, &nodes, &proof), -EIO);
        nodes.calls_left = calls;
        assert_int_equal(merkle_consistency_prove(3, 1000, kit_node_of, &nodes, &proof), -EIO);
        nodes.calls_left = calls;
        assert_int_equal(merkle_root(1007, kit_node_of, &nodes, root), -EIO);
    }
    assert_int_equal(proof.count, 9);
    assert_int_equal(root[0], 7);
    kit_nodes_free(&nodes);
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
    kit_mth((const hash_bytes *)kit_leaves, size, root);
    memcpy(leaf, kit_leaves[index], HASH);
    assert_int_equal(merkle_inclusion_prove(index, size, kit_node_of, nodes, &proof), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t other = size ^ (UINT64_C(1) << bit);
        bool same = kit_inclusion_holds(index, other, leaf, &proof, root);

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
    kit_mth((const hash_bytes *)kit_leaves, size1, root[0]);
    kit_mth((const hash_bytes *)kit_leaves, size2, root[1]);
    assert_int_equal(merkle_consistency_prove(size1, size2, kit_node_of, nodes, &proof), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t other1 = size1 ^ (UINT64_C(1) << bit), other2 = size2 ^ (UINT64_C(1) << bit);
        bool same1 = kit_consistency_holds(other1, size2, root[0], root[1], &proof);
        bool same2 = kit_consistency_holds(size1, other2, root[0], root[1], &proof);

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
    static const uint64_t sizes[] = {1, 2, 3, 7, 8, 11, 255, 256, 257, 1000, KIT_LEAVES};
    struct nodes nodes = kit_nodes_make();
    unsigned same_inclusion = 0, same_consistency = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_inclusion_flips(&nodes, 0, sizes[i], &same_inclusion);
        assert_inclusion_flips(&nodes, sizes[i] - 1, sizes[i], &same_inclusion);
        assert_inclusion_flips(&nodes, kit_any() % sizes[i], sizes[i], &same_inclusion);
        for (size_t j = 0; j <= i; j++)
            assert_consistency_flips(&nodes, sizes[j], sizes[i], &same_consistency);
    }
    /* The header's warning is true: sizes must come signed. */
    assert_true(same_inclusion > 0);
    assert_true(same_consistency > 0);
    kit_nodes_free(&nodes);
}

/* Roots made to fit: only that the proof goes on above the root tells that it is wrong. */
static void
a_proof_that_goes_on_above_the_root_is_refused(void **state)
{
    struct nodes nodes = kit_nodes_make();
    struct merkle_proof proof;
    hash_bytes root1, root2, above1, above2;

    (void)state;
    for (uint64_t n = 1; n <= SMALL_MAX; n++) {
        for (uint64_t m = 1; m <= n; m++) {
            nodes.count = n;
            kit_mth((const hash_bytes *)kit_leaves, m, root1);
            kit_mth((const hash_bytes *)kit_leaves, n, root2);
            assert_int_equal(merkle_inclusion_prove(m - 1, n, kit_node_of, &nodes, &proof), 0);
            assert_int_equal(merkle_proof_add(&proof, kit_leaves[KIT_LEAVES - 1], HASH), 0);
            kit_node(kit_leaves[KIT_LEAVES - 1], root2, above2);
            assert_int_equal(merkle_inclusion_check(m - 1, n, kit_leaves[m - 1], &proof, above2), -EBADMSG);
            kit_node(root2, kit_leaves[KIT_LEAVES - 1], above2);
            assert_int_equal(merkle_inclusion_check(m - 1, n, kit_leaves[m - 1], &proof, above2), -EBADMSG);

            assert_int_equal(merkle_consistency_prove(m, n, kit_node_of, &nodes, &proof), 0);
            assert_int_equal(merkle_proof_add(&proof, kit_leaves[KIT_LEAVES - 1], HASH), 0);
            kit_node(kit_leaves[KIT_LEAVES - 1], root1, above1);
            kit_node(kit_leaves[KIT_LEAVES - 1], root2, above2);
            assert_int_equal(merkle_consistency_check(m, n, above1, above2, &proof), -EBADMSG);
            kit_node(root2, kit_leaves[KIT_LEAVES - 1], above2);
            assert_int_equal(merkle_consistency_check(m, n, root1, above2, &proof), -EBADMSG);
        }
    }
    kit_nodes_free(&nodes);
}

static void
equal_sizes_and_an_empty_tree_are_decided_without_a_proof(void **state)
{
    struct merkle_proof none = {.count = 0}, one = {.count = 1};
    hash_bytes empty, root;

    (void)state;
    kit_mth(NULL, 0, empty);
    kit_mth((const hash_bytes *)kit_leaves, 5, root);
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
        struct merkle_proof proof = {.count = (size_t)(kit_any() % 9)};
        uint64_t n = 1 + kit_any() % (i % 2 == 0 ? 20 : 300), m = kit_any() % (n + 2);
        hash_bytes root1, root2;
        bool holds;

        for (size_t j = 0; j < proof.count; j++)
            memcpy(proof.hash[j], kit_leaves[kit_any() % KIT_LEAVES], HASH);
        memcpy(root1, kit_leaves[0], HASH);
        memcpy(root2, kit_leaves[1], HASH);
        if (m < n)
            kit_path_root(m, n, kit_leaves[0], &proof, proof.count, root2);
        holds = kit_inclusion_holds(m, n, kit_leaves[0], &proof, root2);
        assert_int_equal(merkle_inclusion_check(m, n, kit_leaves[0], &proof, root2), holds ? 0 : -EBADMSG);
        held += holds;
        refused += !holds;

        memcpy(root2, kit_leaves[1], HASH);
        if (m > 0 && m <= n)
            kit_subproof_roots(m, n, true, root1, &proof, proof.count, root1, root2);
        holds = kit_consistency_holds(m, n, root1, root2, &proof);
        assert_int_equal(merkle_consistency_check(m, n, root1, root2, &proof), holds ? 0 : -EBADMSG);
        held += holds;
        refused += !holds;
    }
    assert_true(held > 2000);
    assert_true(refused > 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_are_those_of_the_definitions_and_hold),
        cmocka_unit_test(proofs_are_made_and_hold_for_sizes_of_64_bits),
        cmocka_unit_test(there_is_no_proof_of_what_is_not_so),
        cmocka_unit_test(an_error_of_the_callback_is_passed_on),
        cmocka_unit_test(hashes_from_outside_are_of_32_bytes_and_not_too_many),
        cmocka_unit_test(any_bit_that_is_flipped_in_a_proof_refuses_it),
        cmocka_unit_test(a_proof_that_goes_on_above_the_root_is_refused),
        cmocka_unit_test(equal_sizes_and_an_empty_tree_are_decided_without_a_proof),
        cmocka_unit_test(any_proof_is_judged_as_the_definitions_do),
    };

    return cmocka_run_group_tests(tests, kit_leaves_make, NULL);
}
