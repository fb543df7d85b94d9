/* What digest.h says; libsodium's SHA-256 is the second implementation. */
#include "proto/digest.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
pieces_give_the_digest_of_the_whole(void **state)
{
    static uint8_t bytes[5 * DIGEST_BLOCK + 13];
    uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        crypto_hash_sha256(want, bytes, len);
        for (size_t cut = 0; cut <= len; cut += DIGEST_BLOCK) {
            struct digest digest, again;

            digest_begin(&digest);
            digest_add(&digest, bytes, cut);
            again = digest; /* put away, and taken up again */
            digest_end(&again, bytes + cut, len - cut, got);
            assert_memory_equal(got, want, sizeof want);
            digest_end(&again, bytes + cut, len - cut, got);
            assert_memory_equal(got, want, sizeof want);
        }
    }
}

/* Beyond 512 MiB the length in bits takes a second word. */
static void
a_long_one_has_a_second_word_of_length(void **state)
{
    static uint8_t bytes[1u << 20];
    uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];
    crypto_hash_sha256_state sodium;
    struct digest digest;

    (void)state;
    crypto_hash_sha256_init(&sodium);
    digest_begin(&digest);
    for (unsigned i = 0; i < 513; i++) {
        crypto_hash_sha256_update(&sodium, bytes, sizeof bytes);
        digest_add(&digest, bytes, sizeof bytes);
    }
    crypto_hash_sha256_final(&sodium, want);
    digest_end(&digest, "", 0, got);
    assert_memory_equal(got, want, sizeof want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
        cmocka_unit_test(a_long_one_has_a_second_word_of_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
