/* What merkle.h says of hashes, frontier and tiles, in its order. test_merkle_proofs.c has the proofs. */
#include "tests/unit/test_merkle_kit.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- hashing and the frontier */

static void
a_node_is_the_hash_of_one_and_both_children(void **state)
{
    hash_bytes expected, hash, left, right;

    (void)state;
    kit_node(kit_leaves[0], kit_leaves[1], expected);
    merkle_node_hash(kit_leaves[0], kit_leaves[1], hash);
    assert_memory_equal(hash, expected, HASH);
    memcpy(left, kit_leaves[0], HASH);
    merkle_node_hash(left, kit_leaves[1], left); /* in place */
    assert_memory_equal(left, expected, HASH);
    memcpy(right, kit_leaves[1], HASH);
    merkle_node_hash(kit_leaves[0], right, right);
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
        if (n < 300 || n % 97 == 0 || n == KIT_LEAVES) {
            merkle_frontier_root(&frontier, root);
            kit_mth((const hash_bytes *)kit_leaves, n, expected);
            assert_memory_equal(root, expected, HASH);
        }
        if (n == KIT_LEAVES)
            break;
        assert_int_equal(merkle_frontier_append(&frontier, kit_leaves[n]), 0);
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
        assert_int_equal(merkle_frontier_append(&loaded, kit_leaves[n]), 0);
        assert_int_equal(merkle_frontier_append(&frontier, kit_leaves[n]), 0);
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
        assert_int_equal(kit_equal_node(&size, 63 - i, 0, hashes[i]), 0);
    /* 2^63 - 1 leaves and one make one subtree out of 63. */
    assert_int_equal(merkle_frontier_load(&frontier, UINT64_MAX / 2, hashes[1], 63u * HASH), 0);
    assert_int_equal(merkle_frontier_append(&frontier, kit_leaves[0]), 0);
    assert_int_equal(merkle_frontier_count(&frontier), 1);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, hashes[0], HASH);

    assert_int_equal(merkle_frontier_load(&frontier, UINT64_MAX - 1, hashes[0], 63u * HASH), 0);
    assert_int_equal(merkle_frontier_append(&frontier, kit_leaves[0]), 0);
    assert_int_equal(frontier.size, UINT64_MAX);
    kit_equal_root(UINT64_MAX, expected);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, expected, HASH);
    assert_int_equal(merkle_frontier_append(&frontier, kit_leaves[0]), -EOVERFLOW);
    assert_int_equal(frontier.size, UINT64_MAX);
    merkle_frontier_root(&frontier, root);
    assert_memory_equal(root, expected, HASH);
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
    struct nodes nodes = kit_nodes_make();
    struct merkle_proof proof, expected;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t n = 1 + kit_any() % KIT_LEAVES, m = kit_any() % n;

        nodes.count = n;
        assert_int_equal(merkle_inclusion_prove(m, n, kit_node_of, &nodes, &expected), 0);
        assert_int_equal(merkle_inclusion_prove(m, n, node_of_tile, &nodes, &proof), 0);
        kit_assert_same(&proof, &expected);
        assert_int_equal(merkle_consistency_prove(m, n, kit_node_of, &nodes, &expected), 0);
        assert_int_equal(merkle_consistency_prove(m, n, node_of_tile, &nodes, &proof), 0);
        kit_assert_same(&proof, &expected);
    }
    kit_nodes_free(&nodes);
}

static void
a_full_tile_hashes_to_one_of_the_tile_above(void **state)
{
    struct merkle_tile whole = {.first = 0, .count = MERKLE_TILE_WIDTH}, last = {.first = 254, .count = 2};
    hash_bytes hash = {7}, expected;

    (void)state;
    kit_mth((const hash_bytes *)kit_leaves, MERKLE_TILE_WIDTH, expected);
    assert_int_equal(merkle_tile_node(&whole, kit_leaves[0], MERKLE_TILE_WIDTH - 1, hash), -ENOENT);
    assert_int_equal(merkle_tile_node(&last, kit_leaves[0], 255, hash), -ENOENT);
    assert_int_equal(merkle_tile_node(&last, kit_leaves[0], 0, hash), -ENOENT);
    assert_int_equal(hash[0], 7);
    assert_int_equal(merkle_tile_node(&whole, kit_leaves[0], MERKLE_TILE_WIDTH, hash), 0);
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
        kit_mth((const hash_bytes *)tile, width, r->roots[level][r->count[level]++]);
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
        assert_int_equal(merkle_tiles_add(tiles, kit_leaves[i], tile_fails, NULL), 0);
    assert_int_equal(merkle_tiles_rest(tiles, tile_fails, NULL), -EIO);
    assert_int_equal(merkle_tiles_add(tiles, kit_leaves[0], tile_fails, NULL), -EIO);
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
        cmocka_unit_test(a_tile_holds_what_the_format_says),
        cmocka_unit_test(a_node_is_found_in_its_tile),
        cmocka_unit_test(proofs_can_be_made_from_tiles),
        cmocka_unit_test(a_full_tile_hashes_to_one_of_the_tile_above),
        cmocka_unit_test(a_tree_rolled_leaf_by_leaf_gives_each_tile_when_it_is_full_and_the_rest_at_the_end),
        cmocka_unit_test(who_cannot_take_a_tile_ends_the_rolling),
    };

    return cmocka_run_group_tests(tests, kit_leaves_make, NULL);
}
