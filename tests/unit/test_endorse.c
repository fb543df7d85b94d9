/* One key of a log vouches for the next: what proto/endorse.h says. */
#include "proto/endorse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct note_signer
signer(uint8_t number)
{
    uint8_t seed[NOTE_SEED_SIZE] = {number};
    struct note_signer ret;

    assert_int_equal(note_signer_make("unit.example/log", seed, &ret), 0);
    return ret;
}

static void
who_trusts_the_one_may_trust_the_other(void **state)
{
    struct note_signer old = signer(1), next = signer(2), other = signer(3);
    struct note_key trusted[2] = {other.key, old.key};
    char text[ENDORSE_SIZE_MAX];

    (void)state;
    assert_int_equal(endorse_make(&old, &next.key, text), 0);
    assert_int_equal(endorse_check(text, &next.key, &old.key, 1), 0);
    assert_int_equal(endorse_check(text, &next.key, trusted, 2), 0);
    assert_int_equal(endorse_check(text, &next.key, &other.key, 1), -ENOKEY);
    assert_int_equal(endorse_check(text, &other.key, &old.key, 1), -EBADMSG); /* about another one */
    assert_int_equal(endorse_check(text, &old.key, &old.key, 1), -EBADMSG);
    assert_int_equal(endorse_make(&next, &next.key, text), 0); /* anybody vouches for himself */
    assert_int_equal(endorse_check(text, &next.key, &old.key, 1), -ENOKEY);
}

static void
no_changed_bit_passes(void **state)
{
    struct note_signer old = signer(1), next = signer(2);
    char text[ENDORSE_SIZE_MAX], changed[ENDORSE_SIZE_MAX];

    (void)state;
    assert_int_equal(endorse_make(&old, &next.key, text), 0);
    for (size_t at = 0; at < strlen(text); at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(changed, text, sizeof changed);
            changed[at] = (char)(changed[at] ^ 1 << bit);
            assert_int_not_equal(endorse_check(changed, &next.key, &old.key, 1), 0);
        }
    assert_int_equal(endorse_check("", &next.key, &old.key, 1), -EBADMSG);
}

/* What a key signs as a checkpoint vouches for nothing, and the other way round. */
static void
it_is_no_checkpoint(void **state)
{
    struct note_signer old = signer(1), next = signer(2);
    struct note_checkpoint checkpoint = {.origin = "wici-log-key", .size = 7};
    char text[ENDORSE_SIZE_MAX], *note = NULL;
    size_t len;
    uint32_t by;

    (void)state;
    assert_int_equal(endorse_make(&old, &next.key, text), 0);
    assert_int_equal(note_checkpoint_open(text, strlen(text), &old.key, 1, &checkpoint, &by), -EBADMSG);
    checkpoint = (struct note_checkpoint){.origin = "wici-log-key", .size = 7};
    assert_int_equal(note_checkpoint_format(&checkpoint, text, &len), 0);
    assert_int_equal(note_sign(text, len, &old, 1, &note, &len), 0);
    assert_int_equal(endorse_check(note, &next.key, &old.key, 1), -EBADMSG);
    free(note);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_trusts_the_one_may_trust_the_other),
        cmocka_unit_test(no_changed_bit_passes),
        cmocka_unit_test(it_is_no_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
