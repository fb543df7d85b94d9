/* Pages of a closed store in each other's places: LMDB does not see it, and what is missing then is not taken for
 * absent. */
#include "tests/unit/test_damage_kit.h"

#include "store/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096

static int
any_cursor(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    (void)unit;
    (void)name;
    (void)cursor;
    ++*(unsigned *)arg;
    return 0;
}

static int
any_value(void *arg, const char *name, const uint8_t *value, size_t len)
{
    (void)name;
    (void)value;
    (void)len;
    ++*(unsigned *)arg;
    return 0;
}

static int
any_upload(void *arg, const struct store_doc *doc)
{
    (void)doc;
    ++*(unsigned *)arg;
    return 0;
}

/* Puts a page with records in the place of each that has these bytes. */
static void
page_misplace(const struct kit *kit, const uint8_t *bytes, size_t len)
{
    uint8_t row[KIT_VALUE_MAX], key[8], page[PAGE], other[PAGE];
    size_t row_len = kit_row_get(kit->dir, "ev", key, damage_key(key, OLD), row);
    off_t from = damage_find(kit->dir, "log/data.mdb", row, row_len) / PAGE * PAGE;
    unsigned count = 0;
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/log/data.mdb", kit->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, page, PAGE, from), PAGE);
    for (off_t at = 0; pread(fd, other, PAGE, at) == PAGE; at += PAGE)
        if (memmem(other, PAGE, bytes, len) != NULL) {
            assert_int_equal(pwrite(fd, page, PAGE, at), PAGE);
            count++;
        }
    close(fd);
    assert_true(count > 0);
}

static void
a_page_of_another_table_is_not_taken_for_missing_rows(void **state)
{
    struct store_cursor cursor = {.seq = 7}, got;
    struct store_doc doc = {.size = 3, .owner = "u"};
    struct kit *kit = *state;
    uint8_t row[KIT_VALUE_MAX], key[64];
    unsigned sum = 0;
    size_t count;

    assert_int_equal(store_cursor_put(kit->st, "unit", "main", &cursor), 0);
    assert_int_equal(store_value_put(kit->st, "name", "value", 5), 0);
    assert_int_equal(store_doc_begin(kit->st, &doc), 0);
    damage_fill(kit, true);
    assert_int_equal(kit_open(kit), 0); /* what is not there is not there */
    assert_int_equal(store_cursor_get(kit->st, "unit", "a", &got), -ENOENT);
    assert_int_equal(store_cursor_get(kit->st, "unit", "z", &got), -ENOENT);
    assert_int_equal(store_cursor_each(kit->st, "other", any_cursor, &sum), 0);
    assert_int_equal(store_value_each(kit->st, "z", any_value, &sum), 0);
    assert_int_equal(store_doc_count(kit->st, 1, &count), 0);
    store_close(&kit->st);

    page_misplace(kit, row, kit_row_get(kit->dir, "cur", "unit\0main", 9, row));
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "main", &got), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "cursors: a row has no sense");
    assert_int_equal(store_cursor_each(kit->st, "unit", any_cursor, &sum), -EBADMSG);
    store_close(&kit->st);

    page_misplace(kit, row, kit_row_get(kit->dir, "val", "name", 4, row));
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_value_each(kit->st, "na", any_value, &sum), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "values: a row has no sense");
    store_close(&kit->st);

    page_misplace(kit, row, kit_row_get(kit->dir, "doc", key, kit_key_first(kit->dir, "doc", 'u', key), row));
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_doc_each(kit->st, any_upload, &sum), -EBADMSG);
    assert_string_equal(store_damage(kit->st), "documents: a row has no sense");
    assert_int_equal(store_doc_count(kit->st, 1, &count), -EBADMSG); /* an erasure would leave its documents */
    assert_int_equal(store_doc_find(kit->st, doc.entry, "u", doc.digest, &doc), -EBADMSG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_page_of_another_table_is_not_taken_for_missing_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
