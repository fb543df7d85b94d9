/*
 * What note.h says of keys and of notes, in its order; test_note_checkpoint.c has checkpoints
 *
 * Base64, SHA-256 and Ed25519 are compared with libsodium's.
 */
#include "test_note_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
parse(const char *bytes)
{
    char *copy = exact(bytes, strlen(bytes));
    struct note note;
    int rc = note_parse(copy, strlen(bytes), &note);

    free(copy);
    return rc;
}

static int
parse_and_verify(const char *bytes, const struct note_key *keys, size_t count, uint32_t *ret_signed)
{
    struct note note;
    int rc = note_parse(bytes, strlen(bytes), &note);

    return rc != 0 ? rc : note_verify(&note, keys, count, ret_signed);
}

/* ---- keys */

static void
a_vkey_is_read_and_written(void **state)
{
    static const char *const vkeys[] = {C2SP_VKEY, GO_VKEY};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct note_key key = key_of(vkeys[i]), made;
        char text[NOTE_KEY_TEXT_SIZE];

        note_key_format(&key, text);
        assert_string_equal(text, vkeys[i]);
        assert_int_equal(note_key_make(key.name, key.public_key, &made), 0);
        assert_memory_equal(&made, &key, sizeof key);
    }
}

static void
an_id_covers_name_type_and_public_key(void **state)
{
    struct note_key key = key_of(C2SP_VKEY);
    uint8_t input[64] = "example.com/foo\n\x01", hash[32];

    (void)state;
    assert_string_equal(key.name, "example.com/foo");
    memcpy(input + 17, key.public_key, 32);
    crypto_hash_sha256(hash, input, 49);
    assert_memory_equal(key.id, hash, 4);
}

static void
a_key_is_another_one_with_another_name_or_public_key(void **state)
{
    struct note_key key = key_of(C2SP_VKEY), same = key_of(C2SP_VKEY), other;
    uint8_t bytes[NOTE_PUBLIC_KEY_SIZE];

    (void)state;
    assert_true(note_key_equal(&key, &same));
    assert_int_equal(note_key_make("example.com/fo", key.public_key, &other), 0);
    assert_false(note_key_equal(&key, &other));
    memcpy(bytes, key.public_key, sizeof bytes);
    bytes[sizeof bytes - 1] ^= 1;
    assert_int_equal(note_key_make(key.name, bytes, &other), 0);
    assert_false(note_key_equal(&key, &other));
}

static void
what_is_no_vkey_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "+",
        "++",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903a+",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",                    /* no name */
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",     /* upper case */
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",     /* another id */
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",     /* another name */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",     /* another key */
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",     /* type 2 */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U==",     /* a byte too few */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==", /* one too many */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ",
        " example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d90+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com+foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        GO_SIGNER,
    };
    struct note_key key = key_of(C2SP_VKEY), before = key;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *copy = exact(wrong[i], strlen(wrong[i]));

        assert_int_equal(note_key_parse(copy, strlen(wrong[i]), &key), -EBADMSG);
        free(copy);
    }
    for (size_t len = 0; len < sizeof C2SP_VKEY - 1; len++) {
        char *copy = exact(C2SP_VKEY, len);

        assert_int_equal(note_key_parse(copy, len, &key), -EBADMSG);
        free(copy);
    }
    assert_memory_equal(&key, &before, sizeof key);
}

static void
a_name_has_no_spaces_pluses_or_control_characters(void **state)
{
    static const char *const wrong[] = {
        "",         "a b",      " a",       "a+b",        "a\nb",     "a\tb",     "a\x01",
        "a\xff",    "a\xc2",    "a\u00a0b", "a\xc2\x85z", "a\u1680b", "a\u2000b", "a\u200ab",
        "a\u2028b", "a\u2029b", "a\u202fb", "a\u205fb",   "a\u3000b",
    };
    static const char *const right[] = {"a", "example.com/log/1", "\u017c\u00f3\u0142w", "a\u200bb"};
    uint8_t bytes[32] = {1};
    char longest[NOTE_NAME_MAX + 2], text[NOTE_SIGNER_TEXT_SIZE];
    struct note_signer signer, back;
    struct note_key key;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(note_key_make(wrong[i], bytes, &key), -EINVAL);
        assert_int_equal(note_signer_make(wrong[i], bytes, &signer), -EINVAL);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_int_equal(note_key_make(right[i], bytes, &key), 0);
    memset(longest, 'n', sizeof longest);
    longest[NOTE_NAME_MAX + 1] = '\0';
    assert_int_equal(note_key_make(longest, bytes, &key), -EINVAL);
    longest[NOTE_NAME_MAX] = '\0';
    assert_int_equal(note_signer_make(longest, bytes, &signer), 0);
    note_key_format(&signer.key, text);
    assert_int_equal(strlen(text), NOTE_KEY_TEXT_SIZE - 1);
    note_signer_format(&signer, text);
    assert_int_equal(strlen(text), NOTE_SIGNER_TEXT_SIZE - 1);
    assert_int_equal(note_signer_parse(text, strlen(text), &back), 0);
    assert_memory_equal(&back, &signer, sizeof back);
}

static void
a_signer_is_read_and_written_and_has_its_public_key(void **state)
{
    struct note_signer signer, before;
    struct note_key key = key_of(GO_VKEY);
    char text[NOTE_SIGNER_TEXT_SIZE], spoilt[sizeof GO_SIGNER];
    uint8_t public_key[32], secret[64];

    (void)state;
    assert_int_equal(note_signer_parse(GO_SIGNER, sizeof GO_SIGNER - 1, &signer), 0);
    assert_memory_equal(&signer.key, &key, sizeof key);
    note_signer_format(&signer, text);
    assert_string_equal(text, GO_SIGNER);
    crypto_sign_seed_keypair(public_key, secret, signer.seed);
    assert_memory_equal(public_key, signer.key.public_key, 32);

    before = signer;
    for (size_t len = 0; len < sizeof GO_SIGNER - 1; len++)
        assert_int_equal(note_signer_parse(GO_SIGNER, len, &signer), -EBADMSG);
    for (size_t bit = 0; bit < 8 * (sizeof GO_SIGNER - 1); bit++) {
        memcpy(spoilt, GO_SIGNER, sizeof spoilt);
        spoilt[bit / 8] = (char)(spoilt[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(note_signer_parse(spoilt, sizeof spoilt - 1, &signer), -EBADMSG);
    }
    assert_int_equal(note_signer_parse(GO_VKEY, sizeof GO_VKEY - 1, &signer), -EBADMSG);
    assert_memory_equal(&signer, &before, sizeof signer);
    note_signer_wipe(&signer);
    memset(&before, 0, sizeof before);
    assert_memory_equal(&signer, &before, sizeof signer);
}

/* ---- notes */

static void
a_note_is_signed_as_others_do(void **state)
{
    struct note_signer signer;
    char *bytes;
    size_t len;

    (void)state;
    assert_int_equal(note_signer_parse(GO_SIGNER, sizeof GO_SIGNER - 1, &signer), 0);
    assert_int_equal(note_sign(GO_TEXT, sizeof GO_TEXT - 1, &signer, 1, &bytes, &len), 0);
    assert_string_equal(bytes, GO_TEXT "\n" GO_LINE);
    assert_int_equal(len, strlen(bytes));
    free(bytes);
}

static void
what_others_signed_is_verified(void **state)
{
    struct note_key keys[2] = {key_of(GO_VKEY), key_of(C2SP_VKEY)};
    uint32_t done = 0;

    (void)state;
    assert_int_equal(parse_and_verify(C2SP_NOTE, keys, 2, &done), 0);
    assert_int_equal(done, 2);
    assert_int_equal(parse_and_verify(GO_TEXT "\n" GO_LINE, keys, 2, &done), 0);
    assert_int_equal(done, 1);
    done = 9;
    assert_int_equal(parse_and_verify(C2SP_NOTE, keys, 1, &done), -ENOKEY);
    assert_int_equal(parse_and_verify(C2SP_NOTE, keys, 0, &done), -ENOKEY);
    assert_int_equal(done, 9);
}

static void
a_signature_is_that_of_another_implementation(void **state)
{
    struct note_signer signer = signer_of("example.com/log/1", 7);
    uint8_t secret[64], public_key[32], data[68];
    char expected[256], base64[96], *bytes;
    size_t len;

    (void)state;
    crypto_sign_seed_keypair(public_key, secret, signer.seed);
    memcpy(data, signer.key.id, 4);
    crypto_sign_detached(data + 4, NULL, (const uint8_t *)"text\n", 5, secret);
    sodium_bin2base64(base64, sizeof base64, data, sizeof data, sodium_base64_VARIANT_ORIGINAL);
    snprintf(expected, sizeof expected, "text\n\n" DASH "example.com/log/1 %s\n", base64);
    assert_int_equal(note_sign("text\n", 5, &signer, 1, &bytes, &len), 0);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void
a_note_is_taken_apart_at_its_last_empty_line(void **state)
{
    static const char bytes[] = "a\n\nb\n" DASH "x AAAAAAA=\n\n\n" C2SP_LINE GO_LINE;
    struct note note;

    (void)state;
    assert_int_equal(note_parse(bytes, sizeof bytes - 1, &note), 0);
    assert_ptr_equal(note.text, bytes);
    assert_int_equal(note.text_len, strlen("a\n\nb\n" DASH "x AAAAAAA=\n\n"));
    assert_int_equal(note.count, 2);
    assert_int_equal(note.signatures[1].name_len, strlen("PeterNeumann"));
    assert_memory_equal(note.signatures[1].name, "PeterNeumann", note.signatures[1].name_len);
    assert_memory_equal(note.signatures[1].id, "\xc7\x4f\x20\xa3", 4);
    assert_int_equal(note.signatures[0].base64_len, 92);
}

static void
the_examples_of_the_documents_are_notes(void **state)
{
    static const char poem[] =
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\u00e8d \u00e8 subito "
        "sera.\n\n" DASH "quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    static const char sofa[] =
        "example.com/behind-the-sofa\n20852163\n" HASH_TEXT "\n\n" DASH "example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" DASH
        "example.com/behind-the-sofa "
        "opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    struct note_checkpoint checkpoint;
    struct note note;

    (void)state;
    assert_int_equal(note_parse(poem, sizeof poem - 1, &note), 0);
    assert_int_equal(note.count, 1);
    assert_int_equal(note_checkpoint_parse(note.text, note.text_len, &checkpoint), -EBADMSG);
    assert_int_equal(note_parse(sofa, sizeof sofa - 1, &note), 0);
    assert_int_equal(note.count, 2); /* one name, two keys */
    assert_int_equal(note_checkpoint_parse(note.text, note.text_len, &checkpoint), 0);
    assert_string_equal(checkpoint.origin, "example.com/behind-the-sofa");
    assert_int_equal(checkpoint.size, 20852163);
    assert_int_equal(checkpoint.root[0], 0x0a);
    assert_int_equal(checkpoint.root[31], 0x62);
}

static void
what_is_no_note_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "\n\n",
        "\n\n\n",
        "text",
        "text\n",
        "text\n\n",                           /* no signature */
        "text\n" DASH "n AAAAAAA=\n",         /* no empty line */
        "text\n\n" DASH "n AAAAAAA=",         /* no last newline */
        "text\r\n\r\n" DASH "n AAAAAAA=\r\n", /* CRLF */
        "text\n\n" DASH "n AAAAAAA=\r\n",
        "text\n\n" DASH "n AAAAAAA=\n\n", /* an empty line behind */
        "text\n\n" DASH "n AAAAAAA=\nmore\n",
        "text\n\n" DASH "n AAAAAAA= \n", /* extra spaces */
        "text\n\n" DASH "n  AAAAAAA=\n",
        "text\n\n" DASH " n AAAAAAA=\n",
        "text\n\n " DASH "n AAAAAAA=\n",
        "text\n\n\u2014n AAAAAAA=\n", /* no space */
        "text\n\n\u2014\tn AAAAAAA=\n",
        "text\n\n- n AAAAAAA=\n", /* other dashes */
        "text\n\n-- n AAAAAAA=\n",
        "text\n\n\u2013 n AAAAAAA=\n",
        "text\n\n\u2015 n AAAAAAA=\n",
        "text\n\n" DASH "AAAAAAA=\n", /* no name */
        "text\n\n" DASH " AAAAAAA=\n",
        "text\n\n" DASH "n\n",
        "text\n\n" DASH "n \n",
        "text\n\n" DASH "a+b AAAAAAA=\n",
        "text\n\n" DASH "a\u00a0b AAAAAAA=\n",
        "text\n\n" DASH "n AAAAAAA\n", /* base64 without padding, with too much, of spare bits */
        "text\n\n" DASH "n AAAAAAA==\n",
        "text\n\n" DASH "n AAAAAAAA=\n",
        "text\n\n" DASH "n AAAAAAA=AAAA\n",
        "text\n\n" DASH "n AAAAAAB=\n",
        "text\n\n" DASH "n AAAA-AA=\n",
        "text\n\n" DASH "n AAAAAA==\n", /* an id, and no signature */
        "text\n\n" DASH "n AAAA\n",
        "te\txt\n\n" DASH "n AAAAAAA=\n", /* control characters */
        "te\x01xt\n\n" DASH "n AAAAAAA=\n",
        "te\xffxt\n\n" DASH "n AAAAAAA=\n", /* no UTF-8 */
        "te\xc0\xafxt\n\n" DASH "n AAAAAAA=\n",
        "te\xed\xa0\x80xt\n\n" DASH "n AAAAAAA=\n",
        "\xef\xbb\n\n" DASH "n AAAAAAA=\n",
        DASH "n AAAAAAA=\n",
        "\n" DASH "n AAAAAAA=\n", /* no text */
    };
    struct note note = {.count = 3};

    (void)state;
    assert_int_equal(parse("text\n\n" DASH "n AAAAAAA=\n"), 0); /* what the cases depart from */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (parse(wrong[i]) != -EBADMSG)
            print_message("case %zu was taken\n", i);
        assert_int_equal(parse(wrong[i]), -EBADMSG);
    }
    assert_int_equal(note_parse("te\0t\n\n" DASH "n AAAAAAA=\n", 21, &note), -EBADMSG);
    for (size_t len = 0; len < sizeof C2SP_NOTE - 1; len++) {
        char *copy = exact(C2SP_NOTE, len);

        assert_int_equal(note_parse(copy, len, &note), -EBADMSG);
        free(copy);
    }
    assert_int_equal(note.count, 3);
}

static void
a_note_is_bounded(void **state)
{
    char *bytes = malloc(NOTE_SIZE_MAX + 1), *at = bytes;
    const size_t tail = sizeof "\n\n" C2SP_LINE - 1;
    struct note note;

    (void)state;
    assert_non_null(bytes);
    at += sprintf(at, "text\n\n");
    for (unsigned i = 0; i < NOTE_SIGNATURES_MAX; i++)
        at += sprintf(at, DASH "signer-%u AAAAAAA=\n", i);
    assert_int_equal(note_parse(bytes, (size_t)(at - bytes), &note), 0);
    assert_int_equal(note.count, NOTE_SIGNATURES_MAX);
    at += sprintf(at, DASH "one-more AAAAAAA=\n");
    assert_int_equal(note_parse(bytes, (size_t)(at - bytes), &note), -EBADMSG);

    memset(bytes, 'x', NOTE_SIZE_MAX + 1);
    memcpy(bytes + NOTE_SIZE_MAX - tail, "\n\n" C2SP_LINE, tail);
    assert_int_equal(note_parse(bytes, NOTE_SIZE_MAX, &note), 0);
    memset(bytes, 'x', NOTE_SIZE_MAX + 1);
    memcpy(bytes + NOTE_SIZE_MAX + 1 - tail, "\n\n" C2SP_LINE, tail);
    assert_int_equal(note_parse(bytes, NOTE_SIZE_MAX + 1, &note), -EBADMSG);
    free(bytes);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
    char bytes[400], name[NOTE_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof name);
    name[NOTE_NAME_MAX + 1] = '\0';
    snprintf(bytes, sizeof bytes, "text\n\n" DASH "%s AAAAAAA=\n", name);
    assert_int_equal(parse(bytes), -EBADMSG);
    snprintf(bytes, sizeof bytes, "text\n\n" DASH "%s AAAAAAA=\n", name + 1);
    assert_int_equal(parse(bytes), 0);
}

static void
unknown_signers_are_ignored_and_known_ones_must_be_right(void **state)
{
    struct note_signer signers[3] = {signer_of("a.example", 1), signer_of("b.example", 2), signer_of("a.example", 3)};
    struct note_key keys[3] = {signers[0].key, signers[1].key, signers[2].key}, impostor = signers[1].key;
    char *bytes, *other, mixed[1024];
    uint32_t done = 0;
    size_t len, other_len;

    (void)state;
    assert_int_equal(note_sign("one\n", 4, signers, 3, &bytes, &len), 0);
    assert_int_equal(parse_and_verify(bytes, keys, 3, &done), 0);
    assert_int_equal(done, 7);
    assert_int_equal(parse_and_verify(bytes, keys + 1, 1, &done), 0);
    assert_int_equal(done, 1);
    assert_int_equal(parse_and_verify(bytes, keys + 2, 1, &done), 0); /* the same name, another id */

    /* b's signature is of another text. Who does not know b does not mind; who does, refuses, a's being right or not.
     */
    assert_int_equal(note_sign("two\n", 4, signers + 1, 1, &other, &other_len), 0);
    free(bytes);
    assert_int_equal(note_sign("one\n", 4, signers, 1, &bytes, &len), 0);
    snprintf(mixed, sizeof mixed, "%s%s", bytes, strstr(other, "\u2014"));
    assert_int_equal(parse_and_verify(mixed, keys, 1, &done), 0);
    assert_int_equal(parse_and_verify(mixed, keys, 2, &done), -EKEYREJECTED);
    assert_int_equal(parse_and_verify(mixed, keys + 1, 1, &done), -EKEYREJECTED);
    assert_int_equal(parse_and_verify(mixed, keys + 2, 1, &done), -ENOKEY);
    /* Name or id alone do not make a key known. */
    snprintf(impostor.name, sizeof impostor.name, "c.example");
    assert_int_equal(parse_and_verify(mixed, &impostor, 1, &done), -ENOKEY);
    free(bytes);
    free(other);
}

/* The id and signature are c2sp's, whose name the other is the beginning of, or goes on from. */
static void
a_name_is_compared_to_its_end(void **state)
{
    static const char *const names[] = {"example.com/fo", "example.com/foo2", "e"};
    struct note_key key = key_of(C2SP_VKEY);
    uint32_t done = 0;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char bytes[256];

        snprintf(bytes, sizeof bytes, C2SP_TEXT "\n" DASH "%s%s", names[i], strstr(C2SP_LINE, " Uw2Q"));
        assert_int_equal(parse_and_verify(bytes, &key, 1, &done), -ENOKEY);
    }
    assert_int_equal(done, 0);
}

static void
a_known_signature_of_another_length_is_wrong(void **state)
{
    struct note_key key = key_of(C2SP_VKEY);
    uint32_t done = 0;

    (void)state;
    assert_int_equal(parse_and_verify(C2SP_TEXT "\n" DASH "example.com/foo Uw2QOkk=\n", &key, 1, &done), -EKEYREJECTED);
    assert_int_equal(parse_and_verify(C2SP_TEXT
                                      "\n" DASH "example.com/foo "
                                      "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
                                      "RKuwHjG1Yu72IneyaQMA\n",
                                      &key, 1, &done),
                     -EKEYREJECTED);
    assert_int_equal(done, 0);
}

static void
a_known_key_signs_once(void **state)
{
    struct note_signer signer = signer_of("a.example", 1), twice[2] = {signer, signer};
    struct note_key keys[2] = {key_of(GO_VKEY), key_of(C2SP_VKEY)};
    uint32_t done = 5;
    char *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(parse_and_verify(C2SP_NOTE C2SP_LINE, keys, 2, &done), -EBADMSG);
    assert_int_equal(done, 5);
    assert_int_equal(parse_and_verify(C2SP_NOTE GO_LINE GO_LINE, keys + 1, 1, &done), 0); /* a stranger's affair */
    assert_int_equal(note_sign("text\n", 5, twice, 2, &bytes, &len), -EINVAL);
    assert_null(bytes);
}

static void
what_would_be_no_note_is_not_signed(void **state)
{
    static const char *const wrong[] = {"", "text", "a\tb\n", "a\r\n", "a\xff\n", "a\xc2\n"};
    struct note_signer signer = signer_of("a.example", 1), many[NOTE_SIGNATURES_MAX + 1];
    char *bytes = NULL, *large = malloc(NOTE_SIZE_MAX + 1);
    size_t len = 0;

    (void)state;
    assert_non_null(large);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(note_sign(wrong[i], strlen(wrong[i]), &signer, 1, &bytes, &len), -EINVAL);
    assert_int_equal(note_sign("a\0\n", 3, &signer, 1, &bytes, &len), -EINVAL);
    assert_int_equal(note_sign("text\n", 5, &signer, 0, &bytes, &len), -EINVAL);
    for (uint8_t i = 0; i <= NOTE_SIGNATURES_MAX; i++)
        many[i] = signer_of("a.example", i);
    assert_int_equal(note_sign("text\n", 5, many, NOTE_SIGNATURES_MAX + 1, &bytes, &len), -EINVAL);
    memset(large, 'x', NOTE_SIZE_MAX + 1);
    large[NOTE_SIZE_MAX - 1] = '\n';
    large[NOTE_SIZE_MAX] = '\n';
    assert_int_equal(note_sign(large, NOTE_SIZE_MAX, &signer, 1, &bytes, &len), -EMSGSIZE);
    assert_int_equal(note_sign(large, NOTE_SIZE_MAX + 1, &signer, 1, &bytes, &len), -EMSGSIZE);
    assert_null(bytes);
    /* The most there may be. */
    assert_int_equal(note_sign("text\n", 5, many, NOTE_SIGNATURES_MAX, &bytes, &len), 0);
    free(bytes);
    large[NOTE_SIZE_MAX - 111] = '\n'; /* behind it: an empty line, 108 bytes of signature line */
    assert_int_equal(note_sign(large, NOTE_SIZE_MAX - 110, &signer, 1, &bytes, &len), 0);
    assert_int_equal(len, NOTE_SIZE_MAX - 110 + 1 + 4 + 9 + 1 + 92 + 1);
    free(bytes);
    free(large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vkey_is_read_and_written),
        cmocka_unit_test(an_id_covers_name_type_and_public_key),
        cmocka_unit_test(a_key_is_another_one_with_another_name_or_public_key),
        cmocka_unit_test(what_is_no_vkey_is_refused),
        cmocka_unit_test(a_name_has_no_spaces_pluses_or_control_characters),
        cmocka_unit_test(a_signer_is_read_and_written_and_has_its_public_key),
        cmocka_unit_test(a_note_is_signed_as_others_do),
        cmocka_unit_test(what_others_signed_is_verified),
        cmocka_unit_test(a_signature_is_that_of_another_implementation),
        cmocka_unit_test(a_note_is_taken_apart_at_its_last_empty_line),
        cmocka_unit_test(the_examples_of_the_documents_are_notes),
        cmocka_unit_test(what_is_no_note_is_refused),
        cmocka_unit_test(a_note_is_bounded),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(unknown_signers_are_ignored_and_known_ones_must_be_right),
        cmocka_unit_test(a_name_is_compared_to_its_end),
        cmocka_unit_test(a_known_signature_of_another_length_is_wrong),
        cmocka_unit_test(a_known_key_signs_once),
        cmocka_unit_test(what_would_be_no_note_is_not_signed),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
