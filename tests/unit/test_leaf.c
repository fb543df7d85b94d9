/* What leaf.h says. The expected digests were computed apart from our code, from the byte layout in docs/AUDIT.md. */
#include "proto/leaf.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAF_HEAD 33u /* bytes before the digests */

static uint8_t seed[LEAF_SEED_SIZE]; /* 0, 1, 2 ... 31 */
static uint8_t body[512];            /* 0 ... 255, twice */

static int
fill_inputs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)i;
    return 0;
}

static void
assert_hex(const uint8_t hash[LEAF_HASH_SIZE], const char *expected)
{
    char text[2 * LEAF_HASH_SIZE + 1];

    for (unsigned i = 0; i < LEAF_HASH_SIZE; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", hash[i]);
    assert_string_equal(text, expected);
}

/* An event with a header, a section of 512 bytes and an empty section. */
static struct leaf
sample_leaf(void)
{
    const struct leaf_part parts[] = {{0, 1028, 12, (const uint8_t *)"header bytes"},
                                      {2, 1026, sizeof body, body},
                                      {3, 1020, 0, (const uint8_t *)""}};
    struct leaf leaf = {
        .cls = LEAF_EVENT, .n = 8, .seq = UINT64_C(0x0102030405060708), .ts_ms = UINT64_C(0x0000019c9f6a5e01)};

    leaf_fill(&leaf, seed, parts, 3);
    return leaf;
}

static void
salts_and_decoys_are_derived_from_seed_and_slot(void **state)
{
    uint8_t hash[LEAF_HASH_SIZE];

    (void)state;
    leaf_salt(seed, 0, hash);
    assert_hex(hash, "eccb195c957df23eb38243ad3be56594dff192d240d54c5894843df4e81122d1");
    leaf_salt(seed, 31, hash);
    assert_hex(hash, "52d3724a797d3e50ceb4d51e566ec102ad4ef1ebdb1fed9f321717cdcff08210");
    leaf_decoy(seed, 0, hash);
    assert_hex(hash, "107883c77772a46fe4c67b27f5d3a3ae6a3d9e0038e08cbe401ab3f5d0fdf316");
    leaf_decoy(seed, 31, hash);
    assert_hex(hash, "dde4e4b45ddb297bd049657d6b70133e067bcbfc6fe4fc3502fa2affe5c5d642");
}

static void
a_section_digest_covers_slot_id_salt_length_and_body(void **state)
{
    struct leaf_part part = {2, 1026, sizeof body, body};
    const char *expected = "d00e77d5da7aba8f030b8db3960b7f46e2d524fa74aee69aca8b79756b158fd0";
    uint8_t salt[LEAF_HASH_SIZE], hash[LEAF_HASH_SIZE], other[LEAF_HASH_SIZE];

    (void)state;
    leaf_salt(seed, 2, salt);
    leaf_section_digest(&part, salt, hash);
    assert_hex(hash, expected);
    part.slot = 3;
    leaf_section_digest(&part, salt, other);
    assert_memory_not_equal(hash, other, sizeof hash);
    part.slot = 2;
    part.section_id = 1027;
    leaf_section_digest(&part, salt, other);
    assert_memory_not_equal(hash, other, sizeof hash);
    part.section_id = 1026;
    part.len--;
    leaf_section_digest(&part, salt, other);
    assert_memory_not_equal(hash, other, sizeof hash);
    part.len++;
    body[511] ^= 1;
    leaf_section_digest(&part, salt, other);
    body[511] ^= 1;
    assert_memory_not_equal(hash, other, sizeof hash);
    salt[31] ^= 1;
    leaf_section_digest(&part, salt, other);
    assert_memory_not_equal(hash, other, sizeof hash);
}

static void
slots_without_a_part_hold_decoys(void **state)
{
    struct leaf leaf = sample_leaf();
    uint8_t decoy[LEAF_HASH_SIZE];

    (void)state;
    assert_hex(leaf.digests[3],
               "4cc595c1ae5496b923b0c178658bbd2eac20a528dfa758a7c4704d1e2b77d70e"); /* empty, no decoy */
    for (uint8_t slot = 0; slot < leaf.n; slot++) {
        leaf_decoy(seed, slot, decoy);
        assert_int_equal(memcmp(leaf.digests[slot], decoy, sizeof decoy) == 0, slot != 0 && slot != 2 && slot != 3);
    }
}

static void
a_leaf_is_the_bytes_that_the_format_lays_down(void **state)
{
    static const uint8_t head[] = "wici-event-v1\0\1\0\1\2\3\4\5\6\7\10\0\0\1\234\237\152\136\1\10";
    struct leaf leaf = sample_leaf();
    uint8_t input[LEAF_INPUT_MAX], hash[LEAF_HASH_SIZE];
    size_t len = leaf_encode(&leaf, input);

    (void)state;
    assert_int_equal(len, LEAF_HEAD + 8 * LEAF_HASH_SIZE);
    assert_memory_equal(input, head, LEAF_HEAD);
    leaf_sha256(input, len, hash);
    assert_hex(hash, "52b7b7b7507a7f26b65b2a8159c40cb4d653e1ccdee971594f6f86bdc3c46af1");
    leaf_hash(input, len, hash);
    assert_hex(hash, "ef826b55974376396a6a08f53a6c9bb7c256653055187d2f5e7293ea760e6a0a");
}

static void
the_smallest_and_the_largest_leaf_have_their_hashes(void **state)
{
    struct leaf leaf = {.cls = LEAF_ERASURE_DONE, .n = 0, .seq = 7, .ts_ms = 9};
    uint8_t input[LEAF_INPUT_MAX], hash[LEAF_HASH_SIZE];
    size_t len = leaf_encode(&leaf, input);

    (void)state;
    assert_int_equal(len, LEAF_HEAD);
    leaf_hash(input, len, hash);
    assert_hex(hash, "892a8aa83819252e12f87f564676c1dfc09efc7e5098c72617cb44ac99ec855d");
    leaf = (struct leaf){.cls = LEAF_KEY, .n = LEAF_SLOTS_MAX, .seq = UINT64_MAX, .ts_ms = UINT64_MAX};
    leaf_fill(&leaf, seed, NULL, 0);
    len = leaf_encode(&leaf, input);
    assert_int_equal(len, LEAF_INPUT_MAX);
    leaf_hash(input, len, hash);
    assert_hex(hash, "0ee8e54a7f704d30356e87208b546828f9b9ab837c88f3db86af7e5232bdbf66");
    leaf_sha256("", 0, hash);
    assert_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
a_leaf_comes_back_as_it_was_encoded(void **state)
{
    struct leaf leaf = sample_leaf(), back;
    uint8_t input[LEAF_INPUT_MAX];
    size_t len = leaf_encode(&leaf, input);

    (void)state;
    memset(&back, 0xa5, sizeof back);
    assert_int_equal(leaf_decode(&back, input, len), 0);
    assert_int_equal(back.cls, leaf.cls);
    assert_int_equal(back.n, leaf.n);
    assert_int_equal(back.seq, leaf.seq);
    assert_int_equal(back.ts_ms, leaf.ts_ms);
    assert_memory_equal(back.digests, leaf.digests, (size_t)leaf.n * LEAF_HASH_SIZE);
}

static void
what_is_no_leaf_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } spoilt[] = {{0, 'W'}, {13, 1}, {14, 0}, {14, 2}, {15, 4}, {15, 255}, {32, 7}, {32, 9}, {32, 33}, {32, 255}};
    struct leaf leaf = sample_leaf(), back;
    uint8_t input[LEAF_INPUT_MAX + 1] = {0};
    size_t len = leaf_encode(&leaf, input);

    (void)state;
    for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
        uint8_t held = input[spoilt[i].at];

        input[spoilt[i].at] = spoilt[i].value;
        assert_int_equal(leaf_decode(&back, input, len), -EBADMSG);
        input[spoilt[i].at] = held;
    }
    assert_int_equal(leaf_decode(&back, input, len + 1), -EBADMSG);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1); /* so that a read past the end is seen */

        assert_non_null(exact);
        memcpy(exact + 1, input, cut);
        assert_int_equal(leaf_decode(&back, exact + 1, cut), -EBADMSG);
        free(exact);
    }
}

static void *
hash_in_thread(void *ret)
{
    leaf_sha256("wici", 4, ret);
    return NULL;
}

/* What it kept would be a leak, which the sanitizer reports at the end of this program. */
static void
a_thread_that_ends_gives_its_hashing_context_back(void **state)
{
    uint8_t here[LEAF_HASH_SIZE], there[LEAF_HASH_SIZE] = {0};
    pthread_t thread;

    (void)state;
    leaf_sha256("wici", 4, here);
    assert_int_equal(pthread_create(&thread, NULL, hash_in_thread, there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_memory_equal(here, there, LEAF_HASH_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salts_and_decoys_are_derived_from_seed_and_slot),
        cmocka_unit_test(a_section_digest_covers_slot_id_salt_length_and_body),
        cmocka_unit_test(slots_without_a_part_hold_decoys),
        cmocka_unit_test(a_leaf_is_the_bytes_that_the_format_lays_down),
        cmocka_unit_test(the_smallest_and_the_largest_leaf_have_their_hashes),
        cmocka_unit_test(a_leaf_comes_back_as_it_was_encoded),
        cmocka_unit_test(what_is_no_leaf_is_refused),
        cmocka_unit_test(a_thread_that_ends_gives_its_hashing_context_back),
    };

    return cmocka_run_group_tests(tests, fill_inputs, NULL);
}
