/* What disclosure.h and consistency.h say; every bit of a receipt and of a consistency file counts. */
#include "proto/consistency.h"
#include "proto/disclosure.h"
#include "proto/tlogproof.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS  8u
#define LEAVES 11u
#define AT     6u /* the leaf that is disclosed */

/* A log of LEAVES records; of one, the parts in slots 0, 2 and 3. */
struct log {
    struct note_signer signer;
    uint8_t seed[LEAF_SEED_SIZE];
    struct leaf_part parts[3];
    struct leaf leaf;
    uint8_t hashes[LEAVES][LEAF_HASH_SIZE];
    uint8_t salts[3][LEAF_HASH_SIZE];
    Wici__V1__Delivery delivery;
    Wici__V1__Disclosed disclosed[3], *list[3];
    Wici__V1__Slot slots[3];
};

static int
node_get(void *arg, unsigned level, uint64_t index, uint8_t ret[MERKLE_HASH_SIZE])
{
    struct log *log = arg;
    struct merkle_frontier inside = {.size = 0};

    for (uint64_t i = index << level; i < (index + 1) << level; i++)
        assert_int_equal(merkle_frontier_append(&inside, log->hashes[i]), 0);
    merkle_frontier_root(&inside, ret);
    return 0;
}

static void
delivery_fill(struct log *log)
{
    wici__v1__delivery__init(&log->delivery);
    log->delivery.seq = log->leaf.seq;
    log->delivery.ts_ms = log->leaf.ts_ms;
    log->delivery.leaf_class = log->leaf.cls;
    log->delivery.digests = (ProtobufCBinaryData){.len = SLOTS * LEAF_HASH_SIZE, .data = log->leaf.digests[0]};
    log->delivery.n_parts = 3;
    log->delivery.parts = log->list;
    for (unsigned i = 0; i < 3; i++) {
        wici__v1__disclosed__init(&log->disclosed[i]);
        wici__v1__slot__init(&log->slots[i]);
        leaf_salt(log->seed, log->parts[i].slot, log->salts[i]);
        log->slots[i].slot = log->parts[i].slot;
        log->slots[i].section_id = log->parts[i].section_id;
        log->slots[i].salt = (ProtobufCBinaryData){.len = LEAF_HASH_SIZE, .data = log->salts[i]};
        log->disclosed[i].slot = &log->slots[i];
        log->disclosed[i].body = (ProtobufCBinaryData){.len = log->parts[i].len,
                                                       .data = (uint8_t *)(uintptr_t)log->parts[i].body};
        log->list[i] = &log->disclosed[i];
    }
}

static int
setup(void **state)
{
    static const char *const bodies[] = {"header", "the first", "the second"};
    struct log *log = calloc(1, sizeof *log);
    uint8_t key_seed[NOTE_SEED_SIZE] = {1};

    assert_non_null(log);
    assert_int_equal(note_signer_make("example.com/log", key_seed, &log->signer), 0);
    memset(log->seed, 7, sizeof log->seed);
    for (unsigned i = 0; i < 3; i++)
        log->parts[i] = (struct leaf_part){.slot = (uint8_t)(i == 0 ? 0 : i + 1),
                                           .section_id = (uint16_t)(8010 + i),
                                           .len = (uint32_t)strlen(bodies[i]),
                                           .body = (const uint8_t *)bodies[i]};
    log->leaf = (struct leaf){.cls = LEAF_EVENT, .n = SLOTS, .seq = AT + 1, .ts_ms = 1795443995034};
    leaf_fill(&log->leaf, log->seed, log->parts, 3);
    for (unsigned i = 0; i < LEAVES; i++)
        memset(log->hashes[i], (int)i, LEAF_HASH_SIZE);
    disclosure_leaf_hash(&log->leaf, log->hashes[AT]);
    delivery_fill(log);
    *state = log;
    return 0;
}

static int
teardown(void **state)
{
    free(*state);
    return 0;
}

/* A signed checkpoint of the first size leaves; malloc'd. */
static char *
checkpoint(struct log *log, uint64_t size, struct note_checkpoint *ret, size_t *ret_len)
{
    char text[NOTE_CHECKPOINT_TEXT_SIZE], *note;
    size_t len;

    *ret = (struct note_checkpoint){.origin = "example.com/log", .size = size};
    assert_int_equal(merkle_root(size, node_get, log, ret->root), 0);
    assert_int_equal(note_checkpoint_format(ret, text, &len), 0);
    assert_int_equal(note_sign(text, len, &log->signer, 1, &note, ret_len), 0);
    return note;
}

static char *
receipt(struct log *log, size_t *ret_len)
{
    size_t len = wici__v1__delivery__get_packed_size(&log->delivery);
    uint8_t *packed = malloc(len);
    struct tlogproof proof = {.index = AT, .extra = packed, .extra_len = len};
    struct note_checkpoint over;
    char *note = checkpoint(log, LEAVES, &over, &proof.checkpoint_len), *text;

    assert_non_null(packed);
    (void)wici__v1__delivery__pack(&log->delivery, packed);
    proof.checkpoint = note;
    assert_int_equal(merkle_inclusion_prove(AT, LEAVES, node_get, log, &proof.path), 0);
    assert_int_equal(tlogproof_format(&proof, &text, ret_len), 0);
    free(packed);
    free(note);
    return text;
}

/* All that a verifier does with a receipt. */
static int
receipt_check(const struct log *log, const char *bytes, size_t len)
{
    static uint8_t extra[TLOGPROOF_EXTRA_MAX];
    Wici__V1__Delivery *delivery = NULL;
    struct note_checkpoint over;
    struct tlogproof proof;
    uint8_t hash[LEAF_HASH_SIZE];
    uint32_t keys_signed;
    struct leaf leaf;
    int rc;

    if (tlogproof_parse(bytes, len, extra, sizeof extra, &proof) != 0 ||
        disclosure_open(proof.extra, proof.extra_len, &leaf, &delivery) != 0)
        return -EBADMSG;
    wici__v1__delivery__free_unpacked(delivery, NULL);
    if (leaf.seq != proof.index + 1)
        return -EBADMSG;
    disclosure_leaf_hash(&leaf, hash);
    rc = tlogproof_verify(&proof, hash, &log->signer.key, 1, &over, &keys_signed);
    return rc == 0 && strcmp(over.origin, "example.com/log") == 0 ? 0 : -EBADMSG;
}

static void
every_bit_of_a_receipt_counts(void **state)
{
    struct log *log = *state;
    size_t len;
    char *text = receipt(log, &len);

    assert_int_equal(receipt_check(log, text, len), 0);
    for (size_t at = 0; at < len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            if (receipt_check(log, text, len) == 0)
                fail_msg("bit %u of byte %zu does not count", bit, at);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
    for (size_t keep = 0; keep < len; keep++)
        assert_int_not_equal(receipt_check(log, text, keep), 0);
    free(text);
}

static void
every_bit_of_a_disclosure_counts(void **state)
{
    struct log *log = *state;
    uint8_t packed[1024], hash[LEAF_HASH_SIZE];
    size_t len = wici__v1__delivery__pack(&log->delivery, packed);
    Wici__V1__Delivery *delivery = NULL;
    struct leaf leaf;

    assert_int_equal(disclosure_open(packed, len, &leaf, &delivery), 0);
    assert_int_equal(delivery->n_parts, 3);
    wici__v1__delivery__free_unpacked(delivery, NULL);
    for (size_t at = 0; at < len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            packed[at] = (uint8_t)(packed[at] ^ (1 << bit));
            if (disclosure_open(packed, len, &leaf, &delivery) == 0) { /* then it is another leaf's */
                wici__v1__delivery__free_unpacked(delivery, NULL);
                disclosure_leaf_hash(&leaf, hash);
                assert_memory_not_equal(hash, log->hashes[AT], sizeof hash);
            }
            packed[at] = (uint8_t)(packed[at] ^ (1 << bit));
        }
    packed[len] = 0x50; /* an unknown field at the end: number 10, value 0 */
    packed[len + 1] = 0;
    assert_int_equal(disclosure_open(packed, len + 2, &leaf, &delivery), -EBADMSG);
}

static void
a_part_opens_only_in_its_own_slot_with_its_own_salt(void **state)
{
    struct log *log = *state;
    struct leaf leaf;

    assert_int_equal(disclosure_check(&log->delivery, &leaf), 0);
    for (uint32_t slot = 0; slot < LEAF_SLOTS_MAX + 2; slot++) { /* other slots: the decoys', a real one's, none */
        log->slots[1].slot = slot;
        assert_int_equal(disclosure_check(&log->delivery, &leaf), slot == 2 ? 0 : -EBADMSG);
    }
    delivery_fill(log);
    log->slots[1].salt.data = log->salts[2]; /* swapped */
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    delivery_fill(log);
    log->slots[1].salt.len = LEAF_HASH_SIZE - 1;
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    delivery_fill(log);
    log->slots[1].section_id++;
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    log->slots[1].section_id = UINT32_C(65536) + 8011; /* the same in sixteen bits */
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    delivery_fill(log);
    log->list[2] = &log->disclosed[1]; /* one part twice */
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    delivery_fill(log);
    log->disclosed[1].body.len--;
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
}

static void
a_decoy_does_not_open_as_a_section(void **state)
{
    struct log *log = *state;
    uint8_t decoy[LEAF_HASH_SIZE];
    struct leaf leaf;

    /* Whoever knew the seed could give the decoy's own preimage; it is of another kind than a section's. */
    leaf_decoy(log->seed, 5, decoy);
    assert_memory_equal(decoy, log->leaf.digests[5], sizeof decoy);
    leaf_salt(log->seed, 5, log->salts[1]);
    log->slots[1].slot = 5;
    log->disclosed[1].body = (ProtobufCBinaryData){.len = sizeof decoy, .data = decoy};
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    log->disclosed[1].body = (ProtobufCBinaryData){.len = 0, .data = NULL};
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
}

static void
fewer_parts_are_a_disclosure_of_the_same_leaf(void **state)
{
    struct log *log = *state;
    uint8_t whole[LEAF_HASH_SIZE], less[LEAF_HASH_SIZE];
    struct leaf leaf;

    assert_int_equal(disclosure_check(&log->delivery, &leaf), 0);
    disclosure_leaf_hash(&leaf, whole);
    log->delivery.n_parts = 1;
    assert_int_equal(disclosure_check(&log->delivery, &leaf), 0);
    disclosure_leaf_hash(&leaf, less);
    assert_memory_equal(whole, less, sizeof less);
}

static void
digests_that_are_no_list_are_refused(void **state)
{
    static const size_t lens[] = {0, 1, 31, 33, 33 * 32};
    struct log *log = *state;
    uint8_t many[33 * 32] = {0};
    struct leaf leaf;

    log->delivery.n_parts = 0;
    log->delivery.digests.data = many;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        log->delivery.digests.len = lens[i];
        assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
    }
    delivery_fill(log);
    log->delivery.leaf_class = 4;
    assert_int_equal(disclosure_check(&log->delivery, &leaf), -EBADMSG);
}

/* ---- consistency files */

static char *
consistency_file(struct log *log, uint64_t old_size, uint64_t size, size_t *ret_len)
{
    struct consistency c = {.old_size = old_size};
    struct note_checkpoint over;
    char *note = checkpoint(log, size, &over, &c.checkpoint_len), *text;

    c.checkpoint = note;
    assert_int_equal(merkle_consistency_prove(old_size, size, node_get, log, &c.proof), 0);
    assert_int_equal(consistency_format(&c, &text, ret_len), 0);
    free(note);
    return text;
}

static int
file_check(const struct log *log, const char *bytes, size_t len, const struct note_checkpoint *older)
{
    struct note_checkpoint newer;
    struct consistency c;

    if (consistency_parse(bytes, len, &c) != 0)
        return -EBADMSG;
    return consistency_verify(&c, older, &log->signer.key, 1, &newer);
}

static void
a_log_contains_each_of_its_beginnings(void **state)
{
    struct log *log = *state;

    for (uint64_t size = 1; size <= LEAVES; size++)
        for (uint64_t old_size = 0; old_size <= size; old_size++) {
            struct note_checkpoint older, other;
            size_t len, note_len;
            char *text = consistency_file(log, old_size, size, &len);

            free(checkpoint(log, old_size, &older, &note_len));
            assert_int_equal(file_check(log, text, len, &older), 0);
            other = older;
            other.size++; /* about another checkpoint */
            assert_int_equal(file_check(log, text, len, &other), -EBADMSG);
            other = older;
            memcpy(other.origin, "elsewhere", sizeof "elsewhere");
            assert_int_equal(file_check(log, text, len, &other), -EBADMSG);
            other = older;
            other.root[0] ^= 1;
            if (old_size > 0)
                assert_int_equal(file_check(log, text, len, &other), old_size == size ? -ESTALE : -EBADMSG);
            free(text);
        }
}

static void
every_bit_of_a_consistency_file_counts(void **state)
{
    struct log *log = *state;
    struct note_checkpoint older;
    size_t len, note_len;
    char *text = consistency_file(log, AT, LEAVES, &len);

    free(checkpoint(log, AT, &older, &note_len));
    assert_int_equal(file_check(log, text, len, &older), 0);
    for (size_t at = 0; at < len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            if (file_check(log, text, len, &older) == 0)
                fail_msg("bit %u of byte %zu does not count", bit, at);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
    for (size_t keep = 0; keep < len; keep++)
        assert_int_not_equal(file_check(log, text, keep, &older), 0);
    free(text);
}

static void
a_consistency_file_is_not_made_backwards(void **state)
{
    struct log *log = *state;
    struct consistency c = {.old_size = LEAVES};
    struct note_checkpoint over;
    char *note = checkpoint(log, AT, &over, &c.checkpoint_len), *text = NULL;
    size_t len = 0;

    c.checkpoint = note;
    assert_int_equal(consistency_format(&c, &text, &len), -EINVAL);
    c.old_size = 0;
    c.checkpoint_len--;
    assert_int_equal(consistency_format(&c, &text, &len), -EINVAL);
    assert_null(text);
    free(note);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(every_bit_of_a_receipt_counts),
        LOG_TEST(every_bit_of_a_disclosure_counts),
        LOG_TEST(a_part_opens_only_in_its_own_slot_with_its_own_salt),
        LOG_TEST(a_decoy_does_not_open_as_a_section),
        LOG_TEST(fewer_parts_are_a_disclosure_of_the_same_leaf),
        LOG_TEST(digests_that_are_no_list_are_refused),
        LOG_TEST(a_log_contains_each_of_its_beginnings),
        LOG_TEST(every_bit_of_a_consistency_file_counts),
        LOG_TEST(a_consistency_file_is_not_made_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
