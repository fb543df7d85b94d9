/* What store.h says about the tree and its checkpoints, against the definition of RFC 6962 taken literally. */
#include "store/fault.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

/* ---- the second implementation: MTH as it is written down, over all leaves, with libsodium's SHA-256 */

struct leaves {
    uint8_t (*hash)[LEAF_HASH_SIZE];
    uint64_t count, room;
};

static void
mth(const uint8_t (*leaf)[LEAF_HASH_SIZE], uint64_t n, uint8_t ret[LEAF_HASH_SIZE])
{
    uint8_t input[1 + 2 * LEAF_HASH_SIZE] = {1};
    uint64_t k = 1;

    if (n == 0) {
        crypto_hash_sha256(ret, NULL, 0);
        return;
    }
    if (n == 1) {
        memcpy(ret, leaf[0], LEAF_HASH_SIZE);
        return;
    }
    while (2 * k < n)
        k *= 2;
    mth(leaf, k, input + 1);
    mth(leaf + k, n - k, input + 1 + LEAF_HASH_SIZE);
    crypto_hash_sha256(ret, input, sizeof input);
}

static void
append(struct kit *kit, struct leaves *leaves, uint64_t number)
{
    uint8_t input[1 + LEAF_INPUT_MAX] = {0};
    struct kit_record r;
    struct leaf leaf;
    uint64_t seq;
    size_t len;

    if (!store_has_batch(kit->st)) /* the map grows before a batch only */
        assert_int_equal(store_room(kit->st, STORE_BATCH_MAX, STORE_BATCH_MAX * sizeof r.bodies), 0);
    kit_record(&r, number, STORE_CLEAR_ENTRY);
    assert_int_equal(store_append(kit->st, &r.record, &seq, &leaf), 0);
    len = leaf_encode(&leaf, input + 1);
    if (seq > leaves->room) {
        leaves->room = 2 * seq;
        leaves->hash = realloc(leaves->hash, leaves->room * sizeof *leaves->hash);
        assert_non_null(leaves->hash);
    }
    crypto_hash_sha256(leaves->hash[seq - 1], input, 1 + len);
    leaves->count = seq;
}

static const uint8_t (*hashes(const struct leaves *leaves))[LEAF_HASH_SIZE]
{
    return (const uint8_t(*)[LEAF_HASH_SIZE])leaves->hash;
}

static void
assert_root(struct kit *kit, const struct leaves *leaves, uint64_t size)
{
    uint8_t root[LEAF_HASH_SIZE], want[LEAF_HASH_SIZE];

    mth(hashes(leaves), size, want);
    assert_int_equal(store_tree_root(kit->st, size, root), 0);
    assert_memory_equal(root, want, sizeof root);
}

static void
assert_proofs(struct kit *kit, const struct leaves *leaves, uint64_t size1, uint64_t size2)
{
    uint8_t root1[LEAF_HASH_SIZE], root2[LEAF_HASH_SIZE];
    struct merkle_proof proof;

    mth(hashes(leaves), size1, root1);
    mth(hashes(leaves), size2, root2);
    assert_int_equal(store_prove_consistency(kit->st, size1, size2, &proof), 0);
    assert_int_equal(merkle_consistency_check(size1, size2, root1, root2, &proof), 0);
    assert_int_equal(store_prove_inclusion(kit->st, size1, size2, &proof), 0);
    assert_int_equal(merkle_inclusion_check(size1 - 1, size2, leaves->hash[size1 - 1], &proof, root2), 0);
}

/* ---- */

static void
roots_and_proofs_of_any_size_are_those_of_the_definition(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};

    /* Batches that end before, at and behind the edges of tiles; the store opened anew between some of them. */
    for (uint64_t number = 1, batch = 1; number <= 1300; batch = batch * 5 % 127 + 1) {
        for (uint64_t i = 0; i < batch && number <= 1300; i++)
            append(kit, &leaves, number++);
        assert_int_equal(store_commit(kit->st), 0);
        assert_root(kit, &leaves, leaves.count);
        if (batch % 7 == 0)
            kit_reopen(kit);
    }
    for (uint64_t size = 0; size <= 1300; size += size % 256 < 3 || size % 256 > 253 ? 1 : 13)
        assert_root(kit, &leaves, size);
    for (uint64_t i = 0; i < 700; i++) {
        uint64_t size2 = 1 + randombytes_uniform(1300), size1 = 1 + randombytes_uniform((uint32_t)size2);

        assert_proofs(kit, &leaves, size1, size2);
    }
    free(leaves.hash);
}

static void
the_tree_grows_into_its_third_level(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    const uint64_t last = 65536 + 256 + 2;

    for (uint64_t number = 1; number <= last; number++) {
        append(kit, &leaves, number);
        if (number % STORE_BATCH_MAX == 0 || number >= 65535)
            assert_int_equal(store_commit(kit->st), 0);
        if (number == 65535 || number == 65536 || number == 65537 || number == last) {
            kit_reopen(kit);
            assert_root(kit, &leaves, number);
            assert_proofs(kit, &leaves, 40000, number);
            assert_proofs(kit, &leaves, number - 1, number);
        }
    }
    assert_proofs(kit, &leaves, 65536, last);
    assert_proofs(kit, &leaves, 256, 65536);
    free(leaves.hash);
}

static void
what_is_not_committed_is_not_in_the_tree(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    struct merkle_proof proof;
    uint8_t root[LEAF_HASH_SIZE];

    for (uint64_t number = 1; number <= 255; number++)
        append(kit, &leaves, number);
    assert_int_equal(store_tree_root(kit->st, 1, root), -ENOENT);
    assert_int_equal(store_commit(kit->st), 0);
    for (uint64_t number = 1000; number < 1300; number++)
        append(kit, &leaves, number);
    assert_int_equal(store_tree_root(kit->st, 256, root), -ENOENT);
    assert_int_equal(store_prove_inclusion(kit->st, 256, 256, &proof), -ENOENT);
    leaves.count = 255;
    assert_root(kit, &leaves, 255);
    store_rollback(kit->st);
    for (uint64_t number = 2000; number < 2003; number++)
        append(kit, &leaves, number);
    assert_int_equal(store_commit(kit->st), 0);
    assert_root(kit, &leaves, 258);
    assert_proofs(kit, &leaves, 256, 258);
    kit_reopen(kit);
    assert_root(kit, &leaves, 258);
    free(leaves.hash);
}

static void
there_is_no_proof_of_what_is_not_there(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    struct merkle_proof proof = {.count = 77};
    uint8_t root[LEAF_HASH_SIZE];

    assert_int_equal(store_tree_root(kit->st, 0, root), 0);
    assert_root(kit, &leaves, 0);
    for (uint64_t number = 1; number <= 5; number++)
        append(kit, &leaves, number);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_tree_root(kit->st, 6, root), -ENOENT);
    assert_int_equal(store_prove_inclusion(kit->st, 0, 5, &proof), -ENOENT);
    assert_int_equal(store_prove_inclusion(kit->st, 5, 4, &proof), -ENOENT);
    assert_int_equal(store_prove_inclusion(kit->st, 5, 6, &proof), -ENOENT);
    assert_int_equal(store_prove_inclusion(kit->st, 1, UINT64_MAX, &proof), -ENOENT);
    assert_int_equal(store_prove_consistency(kit->st, 4, 3, &proof), -ENOENT);
    assert_int_equal(store_prove_consistency(kit->st, 3, 6, &proof), -ENOENT);
    assert_int_equal(proof.count, 77); /* untouched on failure */
    assert_int_equal(store_prove_consistency(kit->st, 0, 5, &proof), 0);
    assert_int_equal(proof.count, 0);
    free(leaves.hash);
}

static int
commit_fails(void)
{
    return -EIO;
}

static void
a_latched_store_proves_nothing(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    struct merkle_proof proof;
    uint8_t root[LEAF_HASH_SIZE];

    append(kit, &leaves, 1);
    assert_int_equal(store_commit(kit->st), 0);
    append(kit, &leaves, 2);
    store_commit_fault = commit_fails;
    assert_int_equal(store_commit(kit->st), -EIO);
    store_commit_fault = NULL;
    assert_int_equal(store_tree_root(kit->st, 1, root), -EIO);
    assert_int_equal(store_prove_inclusion(kit->st, 1, 1, &proof), -EIO);
    assert_int_equal(store_prove_consistency(kit->st, 1, 1, &proof), -EIO);
    assert_int_equal(store_checkpoint_put(kit->st, 1, "n", 1), -EIO);
    kit_reopen(kit);
    leaves.count = 1;
    assert_root(kit, &leaves, 1);
    free(leaves.hash);
}

static void
a_log_that_left_its_tree_behind_is_refused(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};

    append(kit, &leaves, 1);
    assert_int_equal(store_commit(kit->st), 0);
    store_tree_fault = true;
    append(kit, &leaves, 2);
    assert_int_equal(store_commit(kit->st), 0);
    store_tree_fault = false;
    store_close(&kit->st);
    assert_int_equal(kit_open(kit), -EBADMSG);
    assert_non_null(strstr(store_open_damage(), "tree"));
    free(leaves.hash);
}

/* ---- checkpoints */

static void
assert_checkpoint(struct kit *kit, uint64_t size, uint64_t want_size, const char *want)
{
    const char *note = NULL;
    uint64_t got = 0;
    size_t len = 0;

    assert_int_equal(store_checkpoint_get(kit->st, size, &got, &note, &len), 0);
    assert_int_equal(got, want_size);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(note, want, len);
}

static void
the_newest_checkpoint_is_kept_over_a_restart(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    const char *note;
    uint64_t size;
    size_t len;

    assert_int_equal(store_checkpoint_get(kit->st, UINT64_MAX, &size, &note, &len), -ENOENT);
    for (uint64_t number = 1; number <= 3; number++)
        append(kit, &leaves, number);
    assert_int_equal(store_checkpoint_put(kit->st, 1, "early", 5), -EINVAL); /* not committed */
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_checkpoint_put(kit->st, 4, "four", 4), -EINVAL);
    assert_int_equal(store_checkpoint_put(kit->st, 0, "none", 4), -EINVAL);
    assert_int_equal(store_checkpoint_put(kit->st, 2, "", 0), -EINVAL);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_checkpoint_put(kit->st, 2, "two", 3), 0);
    assert_true(store_has_batch(kit->st));
    assert_checkpoint(kit, 3, 2, "two");
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_checkpoint_put(kit->st, 3, "three", 5), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_checkpoint(kit, UINT64_MAX, 3, "three");
    assert_checkpoint(kit, 3, 3, "three");
    assert_int_equal(store_checkpoint_get(kit->st, 2, &size, &note, &len), -ENOENT); /* thinned out */
    free(leaves.hash);
}

static void
of_each_stretch_of_records_the_last_checkpoint_stays(void **state)
{
    struct kit *kit = *state;
    struct leaves leaves = {.count = 0};
    const char *note;
    uint64_t size;
    size_t len;

    for (uint64_t number = 1; number <= STORE_CHECKPOINT_STEP + 10; number++) {
        append(kit, &leaves, number);
        if (number % STORE_BATCH_MAX == 0)
            assert_int_equal(store_commit(kit->st), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    for (uint64_t at = STORE_CHECKPOINT_STEP - 9; at <= STORE_CHECKPOINT_STEP + 9; at += 3)
        assert_int_equal(store_checkpoint_put(kit->st, at, "note", 4), 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_checkpoint(kit, UINT64_MAX, STORE_CHECKPOINT_STEP + 9, "note");
    assert_checkpoint(kit, STORE_CHECKPOINT_STEP + 8, STORE_CHECKPOINT_STEP - 3, "note");
    assert_int_equal(store_checkpoint_get(kit->st, STORE_CHECKPOINT_STEP - 4, &size, &note, &len), -ENOENT);
    free(leaves.hash);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(roots_and_proofs_of_any_size_are_those_of_the_definition),
        KIT_TEST(the_tree_grows_into_its_third_level),
        KIT_TEST(what_is_not_committed_is_not_in_the_tree),
        KIT_TEST(there_is_no_proof_of_what_is_not_there),
        KIT_TEST(a_latched_store_proves_nothing),
        KIT_TEST(a_log_that_left_its_tree_behind_is_refused),
        KIT_TEST(the_newest_checkpoint_is_kept_over_a_restart),
        KIT_TEST(of_each_stretch_of_records_the_last_checkpoint_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
