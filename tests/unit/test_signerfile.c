/* what signerfile.h says, in its order */
#include "proto/signerfile.h"
#include "proto/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64], path[96], text[4 * NOTE_SIGNER_TEXT_SIZE], key[NOTE_SIGNER_TEXT_SIZE], vkey[NOTE_KEY_TEXT_SIZE];
    struct note_signer signer, earlier;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint8_t seed[NOTE_SEED_SIZE] = {7};

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/wici-signer-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/it.key", f->dir);
    assert_int_equal(note_signer_make("wici.example/2026-e2", seed, &f->signer), 0);
    seed[0] = 8;
    assert_int_equal(note_signer_make("wici.example/2026", seed, &f->earlier), 0);
    note_signer_format(&f->signer, f->key);
    note_key_format(&f->earlier.key, f->vkey);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static void
holds(const struct fixture *f, const char *after)
{
    struct note_signer signer;
    struct note_key key;
    char text[NOTE_SIGNER_TEXT_SIZE];

    assert_int_equal(signerfile_read(f->path, &signer, NULL), 0);
    assert_int_equal(signerfile_read(f->path, &signer, &key), 0);
    note_signer_format(&signer, text);
    assert_string_equal(text, f->key);
    if (after == NULL) {
        assert_string_equal(key.name, "");
    } else {
        note_key_format(&key, text);
        assert_string_equal(text, after);
    }
}

/* The file of these words. */
static int
read_of(struct fixture *f, const char *words)
{
    struct note_signer signer = {.key.name = "before"};
    struct note_key key = {.name = "before"};
    int rc;

    (void)unlink(f->path);
    assert_int_equal(secret_write(f->path, words, strlen(words)), 0);
    rc = signerfile_read(f->path, &signer, &key);
    if (rc != 0) { /* nothing was given */
        assert_string_equal(signer.key.name, "before");
        assert_string_equal(key.name, "before");
    }
    return rc;
}

static void
what_is_written_is_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(signerfile_write(f->path, &f->signer, NULL), 0);
    holds(f, NULL);
    assert_int_equal(signerfile_write(f->path, &f->signer, NULL), -EEXIST);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(signerfile_write(f->path, &f->signer, &f->earlier.key), 0);
    holds(f, f->vkey);
}

static void
comments_and_the_order_of_lines_do_not_count(void **state)
{
    struct fixture *f = *state;

    (void)snprintf(f->text, sizeof f->text, "# a\n\nafter %s\n# b\n%s", f->vkey, f->key);
    assert_int_equal(read_of(f, f->text), 0);
    holds(f, f->vkey);
}

static void
one_key_and_at_most_one_before_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_of(f, ""), -EBADMSG);
    assert_int_equal(read_of(f, "# nothing\n"), -EBADMSG);
    assert_int_equal(read_of(f, f->vkey), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "after %s\n", f->vkey);
    assert_int_equal(read_of(f, f->text), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "%s\n%s\n", f->key, f->key);
    assert_int_equal(read_of(f, f->text), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "%s\nafter %s\nafter %s\n", f->key, f->vkey, f->vkey);
    assert_int_equal(read_of(f, f->text), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "%s\nafter\n", f->key);
    assert_int_equal(read_of(f, f->text), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "%s\nafter %.20s\n", f->key, f->vkey);
    assert_int_equal(read_of(f, f->text), -EBADMSG);
    (void)snprintf(f->text, sizeof f->text, "%s\nafter %s\n", f->key, f->key); /* no second secret */
    assert_int_equal(read_of(f, f->text), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(comments_and_the_order_of_lines_do_not_count),
        TEST(one_key_and_at_most_one_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
