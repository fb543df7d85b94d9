/* What note.h says of checkpoints: three lines, signed; and none that was changed. */
#include "test_note_kit.h"
#include "tests/support/splitmix.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static uint64_t seed_of_cases = 19530501;

static uint64_t
any(void)
{
    return splitmix_next(&seed_of_cases);
}

static char *
signed_checkpoint(struct note_signer *signer, size_t *ret_len)
{
    struct note_checkpoint checkpoint = {.origin = "example.com/log/1", .size = 20852163};
    char text[NOTE_CHECKPOINT_TEXT_SIZE], *bytes;
    size_t len;

    memset(checkpoint.root, 0xa7, sizeof checkpoint.root);
    *signer = signer_of(checkpoint.origin, 7);
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_sign(text, len, signer, 1, &bytes, ret_len), 0);
    return bytes;
}

static void
a_checkpoint_is_three_lines(void **state)
{
    static const uint64_t sizes[] = {0, 1, 20852163, UINT64_MAX};
    static const char *const spelt[] = {"0", "1", "20852163", "18446744073709551615"};
    struct note_checkpoint checkpoint = {.origin = "example.com/log/1"}, back;
    char text[NOTE_CHECKPOINT_TEXT_SIZE], expected[256], root[64];
    size_t len;

    (void)state;
    memset(checkpoint.root, 0xfb, sizeof checkpoint.root);
    sodium_bin2base64(root, sizeof root, checkpoint.root, sizeof checkpoint.root, sodium_base64_VARIANT_ORIGINAL);
    for (size_t i = 0; i < 4; i++) {
        checkpoint.size = sizes[i];
        assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
        snprintf(expected, sizeof expected, "example.com/log/1\n%s\n%s\n", spelt[i], root);
        assert_string_equal(text, expected);
        assert_int_equal(len, strlen(text));
        assert_int_equal(note_checkpoint_parse(text, len, &back), 0);
        assert_memory_equal(&back, &checkpoint, sizeof back);
    }
}

static void
an_origin_is_a_line_of_bounded_length(void **state)
{
    struct note_checkpoint checkpoint = {.origin = "", .size = UINT64_MAX}, back;
    char text[NOTE_CHECKPOINT_TEXT_SIZE], longer[NOTE_CHECKPOINT_TEXT_SIZE + 1];
    size_t len = 9;

    (void)state;
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), -EINVAL);
    snprintf(checkpoint.origin, sizeof checkpoint.origin, "a\nb");
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), -EINVAL);
    snprintf(checkpoint.origin, sizeof checkpoint.origin, "a\tb");
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), -EINVAL);
    assert_int_equal(len, 9);
    memset(checkpoint.origin, 'o', NOTE_NAME_MAX);
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(len, NOTE_CHECKPOINT_TEXT_SIZE - 1);
    assert_int_equal(note_checkpoint_parse(text, len, &back), 0);
    snprintf(longer, sizeof longer, "o%s", text);
    assert_int_equal(note_checkpoint_parse(longer, len + 1, &back), -EBADMSG);
    snprintf(checkpoint.origin, sizeof checkpoint.origin, "Go.sum database tree"); /* spaces are allowed here */
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_checkpoint_parse(text, len, &back), 0);
}

static void
what_is_no_checkpoint_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "o\n",
        "o\n5\n",
        "o\n5\n" HASH_TEXT,     /* no last newline */
        "\n5\n" HASH_TEXT "\n", /* no origin */
        "o\n\n" HASH_TEXT "\n",
        "o\n5\n\n",
        "o\n5\n" HASH_TEXT "\n\n",
        "o\n5\n" HASH_TEXT "\nextension\n", /* too many lines */
        "o\r\n5\r\n" HASH_TEXT "\r\n",      /* CRLF */
        "o\n5\r\n" HASH_TEXT "\n",
        "o\n5\n" HASH_TEXT "\r\n",
        "o\n05\n" HASH_TEXT "\n", /* sizes */
        "o\n00\n" HASH_TEXT "\n",
        "o\n 5\n" HASH_TEXT "\n",
        "o\n5 \n" HASH_TEXT "\n",
        "o\n+5\n" HASH_TEXT "\n",
        "o\n-5\n" HASH_TEXT "\n",
        "o\n5.0\n" HASH_TEXT "\n",
        "o\n0x5\n" HASH_TEXT "\n",
        "o\nfive\n" HASH_TEXT "\n",
        "o\n18446744073709551616\n" HASH_TEXT "\n", /* 2^64 */
        "o\n99999999999999999999999999999999\n" HASH_TEXT "\n",
        "o\n5\n " HASH_TEXT "\n",
        "o\n5\n" HASH_TEXT " \n",
        "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", /* padding left out, spare bits, lengths, other digits */
        "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I==\n",
        "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2Ii\n",
        "o\n5\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\tb\n5\n" HASH_TEXT "\n",
        "a\xff\n5\n" HASH_TEXT "\n",
    };
    struct note_checkpoint checkpoint = {.size = 4711};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *copy = exact(wrong[i], strlen(wrong[i]));

        assert_int_equal(note_checkpoint_parse(copy, strlen(wrong[i]), &checkpoint), -EBADMSG);
        free(copy);
    }
    assert_int_equal(checkpoint.size, 4711);
    assert_int_equal(note_checkpoint_parse("o\n5\n" HASH_TEXT "\n", 4 + 45, &checkpoint), 0);
    assert_int_equal(checkpoint.size, 5);
}

static void
opening_a_checkpoint_checks_form_signature_and_text(void **state)
{
    struct note_checkpoint checkpoint = {.size = 4711};
    struct note_key stranger = key_of(GO_VKEY), c2sp = key_of(C2SP_VKEY);
    struct note_signer signer;
    uint32_t done = 0;
    size_t len;
    char *bytes = signed_checkpoint(&signer, &len);

    (void)state;
    assert_int_equal(note_checkpoint_open(bytes, len - 1, &signer.key, 1, &checkpoint, &done), -EBADMSG);
    assert_int_equal(note_checkpoint_open(bytes, len, &stranger, 1, &checkpoint, &done), -ENOKEY);
    /* Signed, and no checkpoint. */
    assert_int_equal(note_checkpoint_open(C2SP_NOTE, sizeof C2SP_NOTE - 1, &c2sp, 1, &checkpoint, &done), -EBADMSG);
    assert_int_equal(checkpoint.size, 4711);
    assert_int_equal(done, 0);
    assert_int_equal(note_checkpoint_open(bytes, len, &signer.key, 1, &checkpoint, &done), 0);
    assert_int_equal(done, 1);
    assert_int_equal(checkpoint.size, 20852163);
    free(bytes);
}

static void
any_bit_that_is_flipped_in_a_checkpoint_refuses_it(void **state)
{
    struct note_checkpoint checkpoint;
    struct note_signer signer;
    uint32_t done;
    size_t len;
    char *bytes = signed_checkpoint(&signer, &len);

    (void)state;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        assert_true(note_checkpoint_open(bytes, len, &signer.key, 1, &checkpoint, &done) < 0);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(note_checkpoint_open(bytes, len, &signer.key, 1, &checkpoint, &done), 0);
    free(bytes);
}

/* One of: a byte changed, put in, taken out; a piece repeated; the end cut off. */
static size_t
mutate(char *bytes, size_t len, size_t room)
{
    static const char likely[] = "\n\n\n  +=-0\r\t\xe2\x80\x94"
                                 "A1";
    size_t at = (size_t)(any() % (len + 1)), piece;
    char c = any() % 2 == 0 ? likely[any() % (sizeof likely - 1)] : (char)any();

    switch (any() % 5) {
    case 0:
        if (at < len)
            bytes[at] = c;
        return len;
    case 1:
        if (len == room)
            return len;
        memmove(bytes + at + 1, bytes + at, len - at);
        bytes[at] = c;
        return len + 1;
    case 2:
        if (at == len)
            return len;
        memmove(bytes + at, bytes + at + 1, len - at - 1);
        return len - 1;
    case 3:
        piece = (size_t)(any() % (len - at + 1));
        if (piece > room - len)
            return len;
        memmove(bytes + at + piece, bytes + at, len - at);
        return len + piece;
    default: return any() % 8 == 0 ? at : len;
    }
}

static void
a_mutated_checkpoint_opens_only_if_what_was_signed_is_untouched(void **state)
{
    struct note_checkpoint checkpoint, original;
    struct note_signer signer;
    unsigned opened = 0;
    uint32_t done;
    size_t len;
    char *bytes = signed_checkpoint(&signer, &len), buffer[1024];

    (void)state;
    assert_int_equal(note_checkpoint_open(bytes, len, &signer.key, 1, &original, &done), 0);
    for (unsigned i = 0; i < 30000; i++) {
        size_t mutated_len = len;
        char *copy;

        memcpy(buffer, bytes, len);
        for (unsigned j = 0; j <= i % 4; j++)
            mutated_len = mutate(buffer, mutated_len, sizeof buffer);
        copy = exact(buffer, mutated_len);
        if (note_checkpoint_open(copy, mutated_len, &signer.key, 1, &checkpoint, &done) == 0) {
            assert_memory_equal(&checkpoint, &original, sizeof original);
            opened++;
        }
        free(copy);
    }
    assert_in_range(opened, 1, 15000); /* some mutations change nothing */
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_is_three_lines),
        cmocka_unit_test(an_origin_is_a_line_of_bounded_length),
        cmocka_unit_test(what_is_no_checkpoint_is_refused),
        cmocka_unit_test(opening_a_checkpoint_checks_form_signature_and_text),
        cmocka_unit_test(any_bit_that_is_flipped_in_a_checkpoint_refuses_it),
        cmocka_unit_test(a_mutated_checkpoint_opens_only_if_what_was_signed_is_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
