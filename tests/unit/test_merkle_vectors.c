/*
 * merkle.h and note.h against the vectors of independent implementations: hashes, roots, nodes, proofs that hold and
 * ones that must be refused, a signed note
 *
 * The file lies beside the source folder, where it is not part of it: without it this test is skipped, and says so.
 */
#include "proto/merkle.h"
#include "proto/note.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH    MERKLE_HASH_SIZE
#define VECTORS "../shared/vectors/merkle-rfc6962.json"

typedef uint8_t hash_bytes[HASH];

static json_t *
get(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    assert_non_null(value);
    return value;
}

/* Hexadecimal of any length; returns how many bytes. */
static size_t
get_hex(const json_t *text, uint8_t *ret, size_t size)
{
    size_t len;

    assert_true(json_is_string(text));
    assert_int_equal(sodium_hex2bin(ret, size, json_string_value(text), json_string_length(text), NULL, &len, NULL), 0);
    assert_int_equal(2 * len, json_string_length(text));
    return len;
}

static void
get_hash(const json_t *text, uint8_t ret[HASH])
{
    assert_int_equal(get_hex(text, ret, HASH), HASH);
}

/* One probe has an index of 2^64 - 1, which jansson reads as a real or not at all; so it reads all numbers as such. */
static uint64_t
get_number(const json_t *object, const char *name)
{
    double value = json_real_value(get(object, name));

    if (value == 18446744073709551616.0)
        return UINT64_MAX;
    assert_true(value >= 0 && value < 9007199254740992.0);
    return (uint64_t)value;
}

static void
vectors_of_hashes_roots_and_nodes(void **state)
{
    const json_t *vectors = *state, *hasher = get(vectors, "hasher"), *inputs = get(vectors, "leaf_inputs_hex");
    const json_t *levels = get(vectors, "node_hashes_by_level"), *level, *text;
    struct merkle_frontier frontier = {.size = 0};
    uint8_t input[64], joined[65] = {1};
    hash_bytes expected, hash, known[8];
    size_t i, n;

    get_hash(get(hasher, "empty_root"), expected);
    merkle_frontier_root(&frontier, hash);
    assert_memory_equal(hash, expected, HASH);
    get_hash(get(hasher, "leaf_of_empty"), expected);
    leaf_hash(input, 0, hash);
    assert_memory_equal(hash, expected, HASH);
    get_hash(get(hasher, "leaf_of_ascii_L123456"), expected);
    leaf_hash((const uint8_t *)"L123456", 7, hash);
    assert_memory_equal(hash, expected, HASH);
    /* Upstream's hasher takes children of any length; ours takes hashes, so the prefix and order are what is compared.
     */
    get_hash(get(hasher, "node_of_ascii_N123_N456"), expected);
    memcpy(joined + 1, "N123N456", 8);
    leaf_sha256(joined, 9, hash);
    assert_memory_equal(hash, expected, HASH);

    assert_int_equal(json_array_size(inputs), 8);
    for (n = 0; n <= 8; n++) {
        const json_t *range = json_array_get(get(vectors, "compact_ranges_by_size"), n);

        get_hash(json_array_get(get(vectors, "roots_by_size"), n), expected);
        merkle_frontier_root(&frontier, hash);
        assert_memory_equal(hash, expected, HASH);
        assert_int_equal(json_array_size(range), merkle_frontier_count(&frontier));
        json_array_foreach(range, i, text)
        {
            get_hash(text, expected);
            assert_memory_equal(frontier.hash[i], expected, HASH);
        }
        if (n == 8)
            break;
        leaf_hash(input, get_hex(json_array_get(inputs, n), input, sizeof input), known[n]);
        assert_int_equal(merkle_frontier_append(&frontier, known[n]), 0);
    }
    assert_int_equal(json_array_size(levels), 4);
    json_array_foreach(levels, n, level)
    {
        assert_int_equal(json_array_size(level), 8u >> n);
        json_array_foreach(level, i, text)
        {
            get_hash(text, expected);
            if (n > 0)
                merkle_node_hash(known[2 * i], known[2 * i + 1], known[i]);
            assert_memory_equal(known[i], expected, HASH);
        }
    }
}

/* What a caller does with bytes from outside: takes each hash, then checks. */
static int
take(const json_t *text, uint8_t ret[HASH])
{
    uint8_t bytes[64];

    return merkle_hash_take(bytes, get_hex(text, bytes, sizeof bytes), ret);
}

static int
take_proof(const json_t *list, struct merkle_proof *ret)
{
    const json_t *text;
    size_t i;

    json_array_foreach(list, i, text)
    {
        uint8_t bytes[64];
        int rc = merkle_proof_add(ret, bytes, get_hex(text, bytes, sizeof bytes));

        if (rc != 0)
            return rc;
    }
    return 0;
}

static int
probe_inclusion(const json_t *probe)
{
    struct merkle_proof proof = {.count = 0};
    hash_bytes leaf, root;

    if (take(get(probe, "leaf_hash"), leaf) != 0 || take(get(probe, "root"), root) != 0 ||
        take_proof(get(probe, "proof"), &proof) != 0)
        return -EBADMSG;
    return merkle_inclusion_check(get_number(probe, "leaf_index"), get_number(probe, "tree_size"), leaf, &proof, root);
}

static int
probe_consistency(const json_t *probe)
{
    struct merkle_proof proof = {.count = 0};
    hash_bytes root1, root2;

    if (take(get(probe, "root1"), root1) != 0 || take(get(probe, "root2"), root2) != 0 ||
        take_proof(get(probe, "proof"), &proof) != 0)
        return -EBADMSG;
    return merkle_consistency_check(get_number(probe, "size1"), get_number(probe, "size2"), root1, root2, &proof);
}

/*
 * One probe that upstream takes is refused here: equal sizes, no proof, and for both roots the twelve bytes "don't care
 * 2". Upstream compares them as they are; we ask for hashes first. With hashes in their place it is taken.
 */
static bool
is_the_probe_without_hashes(const json_t *probe)
{
    return strcmp(json_string_value(get(probe, "file")),
                  "testdata/consistency/additional/sizes-are-equal-one-and-proof-is-empty.json") == 0;
}

static void
vectors_of_proofs_that_hold_and_that_do_not(void **state)
{
    const json_t *probes = get(*state, "upstream_probes"), *probe;
    struct merkle_proof none = {.count = 0};
    const hash_bytes same = {1};
    unsigned held = 0, refused = 0, exceptions = 0;
    size_t i;

    assert_int_equal(json_array_size(get(probes, "inclusion")), 98);
    json_array_foreach(get(probes, "inclusion"), i, probe)
    {
        bool wants_error = json_is_true(get(probe, "want_error"));

        assert_int_equal(probe_inclusion(probe), wants_error ? -EBADMSG : 0);
        *(wants_error ? &refused : &held) += 1;
    }
    assert_int_equal(json_array_size(get(probes, "consistency")), 98);
    json_array_foreach(get(probes, "consistency"), i, probe)
    {
        bool wants_error = json_is_true(get(probe, "want_error"));

        if (is_the_probe_without_hashes(probe)) {
            assert_false(wants_error);
            assert_int_equal(json_string_length(get(probe, "root1")), 24);
            assert_int_equal(probe_consistency(probe), -EBADMSG);
            assert_int_equal(merkle_consistency_check(1, 1, same, same, &none), 0);
            exceptions++;
            continue;
        }
        assert_int_equal(probe_consistency(probe), wants_error ? -EBADMSG : 0);
        *(wants_error ? &refused : &held) += 1;
    }
    assert_int_equal(held, 11);
    assert_int_equal(refused, 184);
    assert_int_equal(exceptions, 1);
}

static void
vectors_of_a_signed_note(void **state)
{
    const json_t *vector = get(*state, "signed_note");
    const char *vkey = json_string_value(get(vector, "vkey"));
    struct note_key key;
    struct note note;
    uint32_t signed_by = 0;
    char bytes[512];
    int len = snprintf(bytes, sizeof bytes, "%s\n\u2014 example.com/foo %s\n", json_string_value(get(vector, "text")),
                       json_string_value(get(vector, "signature_b64")));

    assert_int_equal(note_key_parse(vkey, strlen(vkey), &key), 0);
    assert_int_equal(note_parse(bytes, (size_t)len, &note), 0);
    assert_int_equal(note_verify(&note, &key, 1, &signed_by), 0);
    assert_int_equal(signed_by, 1);
}

static char vectors_path[4096];

static int
vectors_open(void **state)
{
    json_error_t error;

    *state = json_load_file(vectors_path, JSON_DECODE_INT_AS_REAL, &error);
    if (*state == NULL)
        print_error("%s: %s\n", vectors_path, error.text);
    return *state == NULL;
}

static int
vectors_close(void **state)
{
    json_decref(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_hashes_roots_and_nodes),
        cmocka_unit_test(vectors_of_proofs_that_hold_and_that_do_not),
        cmocka_unit_test(vectors_of_a_signed_note),
    };
    const char *source = getenv("WICI_SOURCE");

    snprintf(vectors_path, sizeof vectors_path, "%s/" VECTORS, source == NULL ? "." : source);
    if (access(vectors_path, R_OK) != 0) {
        printf("skipped: the file of vectors, %s beside the sources, is not there\n", VECTORS);
        return 77;
    }
    return cmocka_run_group_tests(tests, vectors_open, vectors_close);
}
