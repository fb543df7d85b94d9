/* What tlogproof.h says, in its order */
#include "proto/tlogproof.h"
#include "tests/support/splitmix.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HASH   MERKLE_HASH_SIZE
#define LEAVES 11u
#define INDEX  6u
#define ORIGIN "example.com/log/1"
#define EXTRA  "what the leaf was made of"
#define HASH1  "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

struct fixture {
    uint8_t leaf[LEAVES][HASH];
    struct note_signer signer;
    char *checkpoint;
    struct tlogproof proof; /* of leaf INDEX, with EXTRA */
    char *text;             /* the same as text */
    size_t len;
};

static uint64_t seed_of_cases = 19890604;

static uint64_t
any(void)
{
    return splitmix_next(&seed_of_cases);
}

static int
node_of(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH])
{
    const struct fixture *f = arg;
    struct merkle_frontier frontier = {.size = 0};

    for (uint64_t i = index << level; i < (index + 1) << level; i++)
        assert_int_equal(merkle_frontier_append(&frontier, f->leaf[i]), 0);
    merkle_frontier_root(&frontier, ret);
    return 0;
}

static int
setup(void **state)
{
    static const uint8_t signer_seed[NOTE_SEED_SIZE] = {3, 1, 4};
    struct fixture *f = calloc(1, sizeof *f);
    struct note_checkpoint checkpoint = {.origin = ORIGIN, .size = LEAVES};
    char text[NOTE_CHECKPOINT_TEXT_SIZE];
    size_t len;

    assert_non_null(f);
    for (uint8_t i = 0; i < LEAVES; i++)
        leaf_hash(&i, 1, f->leaf[i]);
    assert_int_equal(merkle_root(LEAVES, node_of, f, checkpoint.root), 0);
    assert_int_equal(note_signer_make(ORIGIN, signer_seed, &f->signer), 0);
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_sign(text, len, &f->signer, 1, &f->checkpoint, &f->proof.checkpoint_len), 0);

    f->proof.checkpoint = f->checkpoint;
    f->proof.index = INDEX;
    f->proof.extra = (const uint8_t *)EXTRA;
    f->proof.extra_len = strlen(EXTRA);
    assert_int_equal(merkle_inclusion_prove(INDEX, LEAVES, node_of, f, &f->proof.path), 0);
    assert_int_equal(tlogproof_format(&f->proof, &f->text, &f->len), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    free(f->text);
    free(f->checkpoint);
    free(f);
    return 0;
}

/* Parses a copy of exactly len bytes, so that a read past its end is seen, and verifies what comes of it. */
static int
open_proof(const struct fixture *f, const char *bytes, size_t len, bool *ret_same_extra)
{
    char *copy = malloc(len + (len == 0));
    uint8_t extra[256];
    struct note_checkpoint checkpoint;
    struct tlogproof proof;
    uint32_t done = 0;
    int rc;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    rc = tlogproof_parse(copy, len, extra, sizeof extra, &proof);
    if (rc == 0)
        rc = tlogproof_verify(&proof, f->leaf[INDEX], &f->signer.key, 1, &checkpoint, &done);
    if (rc == 0) {
        *ret_same_extra = proof.extra_len == strlen(EXTRA) && memcmp(proof.extra, EXTRA, proof.extra_len) == 0;
        assert_int_equal(done, 1);
        assert_int_equal(proof.index, INDEX);
        assert_int_equal(checkpoint.size, LEAVES);
        assert_string_equal(checkpoint.origin, ORIGIN);
    }
    free(copy);
    return rc;
}

static void
a_proof_is_written_as_the_format_says(void **state)
{
    struct fixture *f = *state;
    char expected[2048], *at = expected, base64[64];

    sodium_bin2base64(base64, sizeof base64, (const uint8_t *)EXTRA, strlen(EXTRA), sodium_base64_VARIANT_ORIGINAL);
    at += sprintf(at, "c2sp.org/tlog-proof@v1\nextra %s\nindex 6\n", base64);
    assert_int_equal(f->proof.path.count, 4);
    for (size_t i = 0; i < 4; i++) {
        sodium_bin2base64(base64, sizeof base64, f->proof.path.hash[i], HASH, sodium_base64_VARIANT_ORIGINAL);
        at += sprintf(at, "%s\n", base64);
    }
    sprintf(at, "\n%s", f->checkpoint);
    assert_string_equal(f->text, expected);
    assert_int_equal(f->len, strlen(expected));
}

static void
a_proof_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct tlogproof back;
    uint8_t extra[64];

    assert_int_equal(tlogproof_parse(f->text, f->len, extra, sizeof extra, &back), 0);
    assert_int_equal(back.index, INDEX);
    assert_ptr_equal(back.extra, extra);
    assert_int_equal(back.extra_len, strlen(EXTRA));
    assert_memory_equal(extra, EXTRA, strlen(EXTRA));
    assert_int_equal(back.path.count, f->proof.path.count);
    assert_memory_equal(back.path.hash, f->proof.path.hash, back.path.count * HASH);
    assert_int_equal(back.checkpoint_len, f->proof.checkpoint_len);
    assert_memory_equal(back.checkpoint, f->checkpoint, back.checkpoint_len);
    assert_ptr_equal(back.checkpoint + back.checkpoint_len, f->text + f->len); /* in the text, up to its end */
}

static void
every_leaf_has_its_proof_and_no_other_passes(void **state)
{
    struct fixture *f = *state;

    for (uint64_t i = 0; i < LEAVES; i++) {
        struct tlogproof proof = f->proof, back;
        struct note_checkpoint checkpoint = {.size = 4711};
        uint32_t done = 0;
        char *text;
        size_t len;

        proof.index = i;
        proof.extra_len = 0;
        assert_int_equal(merkle_inclusion_prove(i, LEAVES, node_of, f, &proof.path), 0);
        assert_int_equal(tlogproof_format(&proof, &text, &len), 0);
        assert_int_equal(strncmp(text, "c2sp.org/tlog-proof@v1\nindex ", 29), 0); /* no extra, no line for it */
        assert_int_equal(tlogproof_parse(text, len, NULL, 0, &back), 0);
        assert_int_equal(back.extra_len, 0);
        for (uint64_t j = 0; j < LEAVES; j++)
            if (j != i)
                assert_int_equal(tlogproof_verify(&back, f->leaf[j], &f->signer.key, 1, &checkpoint, &done), -EBADMSG);
        assert_int_equal(checkpoint.size, 4711);
        assert_int_equal(done, 0);
        assert_int_equal(tlogproof_verify(&back, f->leaf[i], &f->signer.key, 1, &checkpoint, &done), 0);
        assert_int_equal(checkpoint.size, LEAVES);
        assert_int_equal(done, 1);
        free(text);
    }
}

static void
a_log_of_one_leaf_needs_no_hashes(void **state)
{
    struct fixture *f = *state;
    struct note_checkpoint checkpoint = {.origin = ORIGIN, .size = 1};
    char checkpoint_text[NOTE_CHECKPOINT_TEXT_SIZE], *note, *text;
    struct tlogproof proof = {.index = 0}, back;
    uint32_t done;
    size_t len;

    memcpy(checkpoint.root, f->leaf[0], HASH);
    assert_int_equal(note_checkpoint_format(&checkpoint, checkpoint_text, &len), 0);
    assert_int_equal(note_sign(checkpoint_text, len, &f->signer, 1, &note, &proof.checkpoint_len), 0);
    proof.checkpoint = note;
    assert_int_equal(tlogproof_format(&proof, &text, &len), 0);
    assert_int_equal(strncmp(text, "c2sp.org/tlog-proof@v1\nindex 0\n\n" ORIGIN "\n1\n", 52), 0);
    assert_int_equal(tlogproof_parse(text, len, NULL, 0, &back), 0);
    assert_int_equal(tlogproof_verify(&back, f->leaf[0], &f->signer.key, 1, &checkpoint, &done), 0);
    assert_int_equal(tlogproof_verify(&back, f->leaf[1], &f->signer.key, 1, &checkpoint, &done), -EBADMSG);
    free(text);
    free(note);
}

static void
what_would_be_no_proof_is_not_written(void **state)
{
    struct fixture *f = *state;
    struct tlogproof proof = f->proof;
    uint8_t *large = calloc(1, TLOGPROOF_EXTRA_MAX + 1), *extra = calloc(1, TLOGPROOF_EXTRA_MAX);
    char *text = NULL;
    size_t len = 0;

    assert_non_null(large);
    assert_non_null(extra);
    proof.index = LEAVES;
    assert_int_equal(tlogproof_format(&proof, &text, &len), -EINVAL);
    proof.index = INDEX;
    proof.checkpoint_len--;
    assert_int_equal(tlogproof_format(&proof, &text, &len), -EINVAL);
    proof.checkpoint = "text\n\n\u2014 n AAAAAAA=\n"; /* a note, and no checkpoint */
    proof.checkpoint_len = strlen(proof.checkpoint);
    assert_int_equal(tlogproof_format(&proof, &text, &len), -EINVAL);
    proof = f->proof;
    proof.extra = large;
    proof.extra_len = TLOGPROOF_EXTRA_MAX + 1;
    assert_int_equal(tlogproof_format(&proof, &text, &len), -EINVAL);
    assert_null(text);

    proof.extra_len = TLOGPROOF_EXTRA_MAX; /* the most there may be */
    assert_int_equal(tlogproof_format(&proof, &text, &len), 0);
    assert_int_equal(tlogproof_parse(text, len, extra, TLOGPROOF_EXTRA_MAX - 1, &proof), -ENOBUFS);
    assert_int_equal(tlogproof_parse(text, len, extra, TLOGPROOF_EXTRA_MAX, &proof), 0);
    assert_int_equal(proof.extra_len, TLOGPROOF_EXTRA_MAX);
    free(text);
    free(large);
    free(extra);
}

/* The proof's text with one piece of it replaced. */
static char *
replaced(const struct fixture *f, const char *from, const char *to, size_t *ret_len)
{
    const char *at = strstr(f->text, from);
    char *text = malloc(f->len + strlen(to) + 1);

    assert_non_null(at);
    assert_non_null(text);
    *ret_len = (size_t)sprintf(text, "%.*s%s%s", (int)(at - f->text), f->text, to, at + strlen(from));
    return text;
}

static void
what_is_no_proof_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"c2sp.org", "C2SP.org"},
        {"@v1\n", "@v2\n"},
        {"@v1\n", "@v1"},
        {"@v1\n", "@v1\r\n"},
        {"@v1\n", "@v1 \n"},
        {"@v1\n", "@v1\n\n"},
        {"c2sp", " c2sp"},
        {"c2sp", "\ufeffc2sp"},
        {"extra ", "extra  "},
        {"extra ", "extra"},
        {"extra ", "extra\t"},
        {"extra ", "Extra "},
        {"extra ", " extra "},
        {"extra ", "extra \nextra "},
        {"extra ", "extra YQ==\nextra "},             /* twice */
        {"extra ", "index 6\nextra "},                /* in the wrong order */
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", ""}, /* there, and empty */
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", "d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg"},
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", "d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg="},
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", "d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZh=="},
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", "d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg== "},
        {"d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==", "d2hhdCB0aGUgbGVhZiB3YXMgbWFkZSBvZg==\r"},
        {"index 6", "index 06"},
        {"index 6", "index  6"},
        {"index 6", "index 6 "},
        {"index 6", "index +6"},
        {"index 6", "index -6"},
        {"index 6", "index 6\r"},
        {"index 6", "index "},
        {"index 6", "index"},
        {"index 6", "Index 6"},
        {"index 6", "index 0x6"},
        {"index 6", "index 11"}, /* outside of the tree */
        {"index 6", "index 18446744073709551615"},
        {"index 6", "index 18446744073709551616"},
        {"index 6", "index 18446744073709551622"}, /* 6 modulo 2^64 */
        {"index 6", "index 99999999999999999999999999999"},
        {"index 6\n", ""},
        {"index 6\n", "index 6\nindex 6\n"},
        {"index 6\n", "index 6\n\n"}, /* an empty line too early */
        {"index 6\n", "index 6\n \n"},
        {"index 6\n", "index 6\n" HASH1 " \n"},
        {"index 6\n", "index 6\n " HASH1 "\n"},
        {"index 6\n", "index 6\n" HASH1 "\r\n"},
        {"index 6\n", "index 6\n" HASH1 HASH1 "\n"},
        {"index 6\n", "index 6\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n"},
        {"index 6\n", "index 6\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n"},
        {"index 6\n", "index 6\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n"},
        {"index 6\n", "index 6\nAAAA\n"},
        {"\n\n" ORIGIN, "\n" ORIGIN}, /* no empty line before the checkpoint */
        {"\n\n" ORIGIN, "\n\n\n" ORIGIN},
        {"\n\n" ORIGIN, "\r\n\r\n" ORIGIN},
        {"\n11\n", "\n011\n"},
        {"\n11\n", "\n6\n"}, /* a tree without leaf 6 */
        {"\n11\n", "\n0\n"},
        {"\n\n\u2014", "\nextension\n\n\u2014"},
        {"\n\n\u2014", "\n\u2014"},
    };
    struct fixture *f = *state;
    struct tlogproof proof = {.index = 4711};
    uint8_t extra[256];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t len;
        char *text = replaced(f, wrong[i][0], wrong[i][1], &len);
        int rc = tlogproof_parse(text, len, extra, sizeof extra, &proof);

        if (rc != -EBADMSG)
            print_message("case %zu gave %d\n", i, rc);
        assert_int_equal(rc, -EBADMSG);
        free(text);
    }
    for (size_t len = 0; len < f->len; len++) {
        bool same;

        assert_int_equal(open_proof(f, f->text, len, &same), -EBADMSG);
    }
    assert_int_equal(proof.index, 4711);
}

static void
a_proof_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct tlogproof proof;
    char many[(MERKLE_PROOF_MAX + 1) * sizeof HASH1 + 16] = "index 6\n", *text, *large = malloc(TLOGPROOF_SIZE_MAX + 1);
    uint8_t extra[256];
    size_t len;

    assert_non_null(large);
    for (size_t i = 4; i < MERKLE_PROOF_MAX; i++) /* four are there */
        strcat(many, HASH1 "\n");
    text = replaced(f, "index 6\n", many, &len);
    assert_int_equal(tlogproof_parse(text, len, extra, sizeof extra, &proof), 0);
    assert_int_equal(proof.path.count, MERKLE_PROOF_MAX);
    free(text);
    text = replaced(f, "index 6\n", strcat(many, HASH1 "\n"), &len);
    assert_int_equal(tlogproof_parse(text, len, extra, sizeof extra, &proof), -EBADMSG);
    free(text);

    memset(large, 'A', TLOGPROOF_SIZE_MAX + 1);
    memcpy(large, "c2sp.org/tlog-proof@v1\nextra ", 29);
    assert_int_equal(tlogproof_parse(large, TLOGPROOF_SIZE_MAX + 1, extra, sizeof extra, &proof), -EBADMSG);
    len = 29 + (TLOGPROOF_EXTRA_MAX / 3 + 1) * 4; /* more extra bytes than there may be */
    sprintf(large + len, "%s", strstr(f->text, "\nindex"));
    assert_int_equal(tlogproof_parse(large, strlen(large), extra, sizeof extra, &proof), -EBADMSG);
    free(large);
}

static void
a_checkpoint_nobody_known_signed_is_not_enough(void **state)
{
    struct fixture *f = *state;
    struct note_key stranger = f->signer.key, liar = f->signer.key;
    struct note_checkpoint checkpoint = {.size = 4711};
    uint32_t done = 0;

    stranger.id[0] ^= 1;
    liar.public_key[0] ^= 1;
    assert_int_equal(tlogproof_verify(&f->proof, f->leaf[INDEX], &stranger, 1, &checkpoint, &done), -ENOKEY);
    assert_int_equal(tlogproof_verify(&f->proof, f->leaf[INDEX], NULL, 0, &checkpoint, &done), -ENOKEY);
    assert_int_equal(tlogproof_verify(&f->proof, f->leaf[INDEX], &liar, 1, &checkpoint, &done), -EKEYREJECTED);
    assert_int_equal(checkpoint.size, 4711);
    assert_int_equal(done, 0);
}

static void
any_bit_that_is_flipped_refuses_the_proof_or_is_in_extra(void **state)
{
    struct fixture *f = *state;
    const size_t extra_at = strlen("c2sp.org/tlog-proof@v1\nextra "),
                 extra_end = extra_at + (strlen(EXTRA) + 2) / 3 * 4;
    unsigned in_extra = 0;
    bool same = false;

    for (size_t bit = 0; bit < 8 * f->len; bit++) {
        int rc;

        f->text[bit / 8] = (char)(f->text[bit / 8] ^ 1 << bit % 8);
        rc = open_proof(f, f->text, f->len, &same);
        f->text[bit / 8] = (char)(f->text[bit / 8] ^ 1 << bit % 8);
        if (rc == 0) {
            assert_in_range(bit / 8, extra_at, extra_end - 1);
            assert_false(same); /* its user sees other bytes, and computes another leaf */
            in_extra++;
        }
    }
    assert_true(in_extra > 0);
    assert_int_equal(open_proof(f, f->text, f->len, &same), 0);
    assert_true(same);
}

/* A byte changed, put in or taken out, or a line repeated or dropped. */
static size_t
mutate(char *bytes, size_t len)
{
    static const char likely[] = "\n\n\n  +=-0\r\t\xe2\x80\x94"
                                 "A1";
    size_t at = (size_t)(any() % len), line, next;
    char c = any() % 2 == 0 ? likely[any() % (sizeof likely - 1)] : (char)any();

    for (line = at; line > 0 && bytes[line - 1] != '\n'; line--)
        ;
    for (next = at; next < len && bytes[next] != '\n'; next++)
        ;
    next += next < len;
    switch (any() % 5) {
    case 0: bytes[at] = c; return len;
    case 1:
        memmove(bytes + at + 1, bytes + at, len - at);
        bytes[at] = c;
        return len + 1;
    case 2: memmove(bytes + at, bytes + at + 1, len - at - 1); return len - 1;
    case 3: memmove(bytes + next, bytes + line, len - line); return len + next - line;
    default: memmove(bytes + line, bytes + next, len - next); return len - (next - line);
    }
}

static void
a_mutated_proof_holds_only_for_the_same_leaf_in_the_same_tree(void **state)
{
    struct fixture *f = *state;
    char *buffer = malloc(16 * f->len);
    unsigned held = 0;

    assert_non_null(buffer);
    for (unsigned i = 0; i < 30000; i++) {
        size_t len = f->len;
        bool same;

        memcpy(buffer, f->text, len);
        for (unsigned j = 0; j <= i % 3 && len > 1; j++)
            len = mutate(buffer, len);
        held += open_proof(f, buffer, len, &same) == 0; /* which looks at what is held */
    }
    assert_in_range(held, 1, 15000);
    free(buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_is_written_as_the_format_says),
        cmocka_unit_test(a_proof_comes_back_as_it_was_written),
        cmocka_unit_test(every_leaf_has_its_proof_and_no_other_passes),
        cmocka_unit_test(a_log_of_one_leaf_needs_no_hashes),
        cmocka_unit_test(what_would_be_no_proof_is_not_written),
        cmocka_unit_test(what_is_no_proof_is_refused),
        cmocka_unit_test(a_proof_is_bounded),
        cmocka_unit_test(a_checkpoint_nobody_known_signed_is_not_enough),
        cmocka_unit_test(any_bit_that_is_flipped_refuses_the_proof_or_is_in_extra),
        cmocka_unit_test(a_mutated_proof_holds_only_for_the_same_leaf_in_the_same_tree),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
