/*
 * What tiledir.h says: files where other tools look for them, which are checked to the last bit; where they do not fit,
 * the file and the first leaf that does not are told.
 */
#include "proto/tiledir.h"
#include "tests/support/splitmix.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FEW      2u
#define MANY     (MERKLE_TILE_WIDTH + 44u) /* a full tile, one that is not, and one of the next level */
#define LEAF_LEN 70u
#define FILE_MAX 32768u

/* Of FEW leaves, and of MANY, without the checkpoint. */
static const char *const few_files[] = {"tile/entries/000.p/2", "tile/0/000.p/2", NULL};
static const char *const many_files[] = {"tile/entries/000", "tile/entries/001.p/44", "tile/0/000",
                                         "tile/0/001.p/44",  "tile/1/000.p/1",        NULL};

struct export
{
    char dir[64];
    uint64_t size;
    const char *const *files;
    uint8_t root[MERKLE_HASH_SIZE];
};

struct found {
    int rc;
    bool same_root;
    char path[TILEDIR_PATH_SIZE];
    uint64_t index, leaves;
};

static void
leaf_make(uint64_t index, uint8_t ret[LEAF_LEN])
{
    uint64_t seed = index;

    for (size_t i = 0; i < LEAF_LEN; i++)
        ret[i] = (uint8_t)splitmix_next(&seed);
}

static void
export_make(struct export *e, uint64_t size, const char *const *files)
{
    struct tiledir *tiles = NULL;
    uint8_t leaf[LEAF_LEN];
    uint64_t told = 0;

    *e = (struct export){.dir = "/tmp/wici-tiledir-XXXXXX", .size = size, .files = files};
    assert_non_null(mkdtemp(e->dir));
    assert_int_equal(tiledir_create(&tiles, e->dir), 0);
    for (uint64_t i = 0; i < size; i++) {
        leaf_make(i, leaf);
        assert_int_equal(tiledir_add(tiles, leaf, sizeof leaf), 0);
    }
    tiledir_root(tiles, &told, e->root);
    assert_int_equal(told, size);
    assert_int_equal(tiledir_finish(tiles, "signed", 6), 0);
    tiledir_close(&tiles);
}

static void
export_remove(struct export *e)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s", e->dir);
    assert_int_equal(system(command), 0);
}

static size_t
file_read(const struct export *e, const char *path, uint8_t ret[FILE_MAX])
{
    char full[192];
    size_t len;
    FILE *in;

    (void)snprintf(full, sizeof full, "%s/%s", e->dir, path);
    in = fopen(full, "rbe");
    assert_non_null(in);
    len = fread(ret, 1, FILE_MAX, in);
    assert_true(len < FILE_MAX);
    assert_int_equal(fclose(in), 0);
    return len;
}

static void
file_write(const struct export *e, const char *path, const uint8_t *bytes, size_t len)
{
    char full[192];
    FILE *out;

    (void)snprintf(full, sizeof full, "%s/%s", e->dir, path);
    out = fopen(full, "wbe");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static int
leaf_count(void *arg, uint64_t index, const uint8_t *input, size_t len, const struct merkle_frontier *frontier)
{
    struct found *found = arg;

    (void)input;
    (void)len;
    assert_int_equal(frontier->size, index);
    assert_int_equal(index, found->leaves++);
    return 0;
}

/* What a verifier does: the tiles fit the leaves, and these are the ones that were signed. */
static struct found
look(const struct export *e)
{
    struct found found = {0};
    struct merkle_frontier frontier = {.size = 0};
    uint8_t root[MERKLE_HASH_SIZE];

    found.rc = tiledir_check(e->dir, e->size, leaf_count, &found, &frontier, found.path, &found.index);
    merkle_frontier_root(&frontier, root);
    found.same_root = memcmp(root, e->root, sizeof root) == 0;
    return found;
}

static bool
holds(const struct export *e)
{
    struct found found = look(e);

    return found.rc == 0 && found.same_root;
}

static void
what_was_written_holds(void **state)
{
    const uint64_t sizes[] = {FEW, MANY};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[FILE_MAX];
        struct found found;
        struct export e;

        export_make(&e, sizes[i], i == 0 ? few_files : many_files);
        found = look(&e);
        assert_int_equal(found.rc, 0);
        assert_true(found.same_root);
        assert_int_equal(found.leaves, sizes[i]);
        assert_int_equal(file_read(&e, e.files[0], bytes), (i == 0 ? FEW : MERKLE_TILE_WIDTH) * (2 + LEAF_LEN));
        export_remove(&e);
    }
}

static void
every_bit_of_an_export_counts(void **state)
{
    uint8_t bytes[FILE_MAX];
    size_t bits = 0;
    struct export e;

    (void)state;
    export_make(&e, FEW, few_files);
    for (const char *const *file = few_files; *file != NULL; file++) {
        size_t len = file_read(&e, *file, bytes);

        for (size_t bit = 0; bit < 8 * len; bit++, bits++) {
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
            file_write(&e, *file, bytes, len);
            if (holds(&e))
                fail_msg("bit %zu of %s does not count", bit, *file);
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        }
        for (size_t keep = 0; keep < len; keep++) {
            file_write(&e, *file, bytes, keep);
            assert_false(holds(&e));
        }
        bytes[len] = 0;
        file_write(&e, *file, bytes, len + 1);
        assert_false(holds(&e));
        file_write(&e, *file, bytes, len);
    }
    assert_int_equal(bits, 8 * FEW * (2 + LEAF_LEN + MERKLE_HASH_SIZE));
    assert_true(holds(&e));
    export_remove(&e);
}

/* The file, and the leaf at each place in it: of an entry, the one whose bytes they are. */
static void
the_first_leaf_that_does_not_fit_is_told(void **state)
{
    uint8_t bytes[FILE_MAX];
    struct export e;

    (void)state;
    export_make(&e, MANY, many_files);
    for (size_t f = 0; f < 4; f++) {
        size_t len = file_read(&e, many_files[f], bytes), each = f < 2 ? 2 + LEAF_LEN : MERKLE_HASH_SIZE;
        uint64_t first = f % 2 == 1 ? MERKLE_TILE_WIDTH : 0;

        for (size_t leaf = 0; leaf < len / each; leaf += 7) {
            size_t at = leaf * each + each / 2;
            struct found found;

            bytes[at] ^= 0x10;
            file_write(&e, many_files[f], bytes, len);
            found = look(&e);
            assert_int_equal(found.rc, -EBADMSG);
            assert_int_equal(found.index, first + leaf);
            assert_string_equal(found.path, many_files[2 + f % 2]); /* entries and tile tell of each other */
            bytes[at] ^= 0x10;
        }
        file_write(&e, many_files[f], bytes, len);
    }
    assert_true(holds(&e));
    export_remove(&e);
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    struct export e;

    (void)state;
    export_make(&e, MANY, many_files);
    for (const char *const *file = many_files; *file != NULL; file++) {
        char full[192], away[200];
        struct found found;

        (void)snprintf(full, sizeof full, "%s/%s", e.dir, *file);
        (void)snprintf(away, sizeof away, "%s.away", full);
        assert_int_equal(rename(full, away), 0);
        found = look(&e);
        assert_int_equal(found.rc, -EBADMSG);
        assert_string_equal(found.path, *file);
        assert_true(found.index < e.size);
        assert_int_equal(rename(away, full), 0);
    }
    assert_true(holds(&e));
    export_remove(&e);
}

static void
nothing_is_written_over(void **state)
{
    struct tiledir *tiles = NULL;
    struct export e;

    (void)state;
    export_make(&e, FEW, few_files);
    assert_int_equal(tiledir_create(&tiles, e.dir), -ENOTEMPTY);
    assert_null(tiles);
    export_remove(&e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_holds),
        cmocka_unit_test(every_bit_of_an_export_counts),
        cmocka_unit_test(the_first_leaf_that_does_not_fit_is_told),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(nothing_is_written_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
