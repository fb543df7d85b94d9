/* What store/store.h says of key entries, ids, cursors and values, and of reading what is committed. */
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- key entries */

static void
an_entry_without_a_committed_record_is_free_after_a_restart(void **state)
{
    struct kit *kit = *state;
    uint32_t first = kit_take(kit), second = kit_take(kit), third = kit_take(kit);

    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(third, 3);
    kit_add(kit, 1, second);
    assert_int_equal(store_commit(kit->st), 0);
    kit_add(kit, 2, third);
    kit_reopen(kit);
    assert_int_equal(kit_take(kit), third); /* first is below a used one and stays unused */
    assert_int_equal(store_key_generation(kit->st, third), 1);
    assert_int_equal(store_key_generation(kit->st, STORE_CLEAR_ENTRY), 0);
}

static void
entries_go_on_beyond_what_is_made_at_a_time(void **state)
{
    struct kit *kit = *state;
    uint64_t seq = 0;

    for (uint32_t want = 1; want <= 2 * STORE_KEY_ENTRIES_STEP + 5; want++) {
        assert_int_equal(kit_take(kit), want);
        if (want % 100 == 0)
            seq = kit_add(kit, want, want);
    }
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    for (uint64_t i = 1; i <= seq; i++)
        kit_assert_row(kit, i, i * 100, (uint32_t)i * 100);
    assert_int_equal(kit_take(kit), 2001);
}

static void
no_content_and_no_key_lies_in_any_file(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    uint8_t kek[32];
    int fd = open(kit->kek, O_RDONLY);

    assert_int_equal(read(fd, kek, sizeof kek), sizeof kek);
    close(fd);
    for (uint64_t i = 1; i <= 200; i++)
        kit_add(kit, i, i % 2 == 0 ? entry : kit_take(kit));
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_close(&kit->st);
    assert_int_equal(kit_grep(kit->root, KIT_MARKER, strlen(KIT_MARKER)), 0);
    assert_int_equal(kit_grep(kit->root, "header of", strlen("header of")), 0);
    assert_int_equal(kit_grep(kit->dir, kek, sizeof kek), 0);
    assert_int_equal(kit_grep(kit->key_dir, kek, sizeof kek), 0);

    assert_int_equal(kit_open(kit), 0);
    kit_add(kit, 300, STORE_CLEAR_ENTRY); /* the search does find what is there */
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(kit_grep(kit->dir, KIT_MARKER, strlen(KIT_MARKER)), 1);
}

/* ---- event ids */

static void
the_id_table_sees_the_open_batch(void **state)
{
    struct kit *kit = *state;
    uint8_t id[16];
    uint64_t seq = 0;

    kit_id(1, id);
    assert_int_equal(store_id_find(kit->st, id, &seq), -ENOENT);
    kit_add(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_id_find(kit->st, id, &seq), 0);
    assert_int_equal(seq, 1);
    assert_int_equal(store_commit(kit->st), 0);
    kit_add(kit, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_id_find(kit->st, id, &seq), 0);
    assert_int_equal(seq, 1);
}

static void
read_pending_reads_the_batch_and_the_log(void **state)
{
    struct kit *kit = *state;
    uint32_t entry = kit_take(kit);
    struct store_slice *slice = NULL;
    struct store_row row;

    kit_add(kit, 1, entry);
    assert_int_equal(store_commit(kit->st), 0);
    kit_add(kit, 2, STORE_CLEAR_ENTRY);
    kit_add(kit, 3, entry);
    assert_int_equal(store_read_pending(kit->st, 1, &row), 0);
    assert_true(kit_row_is(&row, 1, entry));
    assert_int_equal(store_read_pending(kit->st, 2, &row), 0);
    assert_true(kit_row_is(&row, 2, STORE_CLEAR_ENTRY));
    assert_int_equal(store_read_pending(kit->st, 3, &row), 0);
    assert_true(kit_row_is(&row, 3, entry));
    assert_int_equal(store_read_pending(kit->st, 4, &row), -ENOENT);
    assert_int_equal(store_read_pending(kit->st, 0, &row), -ENOENT);

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read(slice, 2, &row), -ENOENT); /* a slice does not see it */
    store_slice_end(&slice);
    store_rollback(kit->st);
    assert_int_equal(store_read_pending(kit->st, 2, &row), -ENOENT);
    assert_int_equal(store_read_pending(kit->st, 1, &row), 0);
    assert_true(kit_row_is(&row, 1, entry));
}

/* ---- cursors and values */

static void
cursors_move_in_the_commit(void **state)
{
    struct kit *kit = *state;
    struct store_cursor cursor = {.seq = 5, .acked_ms = 6, .filter = (const uint8_t *)"filter", .filter_len = 6};

    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(store_commit(kit->st), 0);
    cursor.seq = 9;
    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(cursor.seq, 9); /* as the batch has it */
    kit_reopen(kit);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), 0);
    assert_int_equal(cursor.seq, 5);
    assert_int_equal(cursor.acked_ms, 6);
    assert_int_equal(cursor.filter_len, 6);
    assert_memory_equal(cursor.filter, "filter", 6);
    assert_int_equal(store_cursor_get(kit->st, "unit", "nam", &cursor), -ENOENT);
    assert_int_equal(store_cursor_get(kit->st, "uni", "tname", &cursor), -ENOENT);

    assert_int_equal(store_cursor_drop(kit->st, "unit", "other"), -ENOENT);
    assert_false(store_has_batch(kit->st));
    assert_int_equal(store_cursor_drop(kit->st, "unit", "name"), 0);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), -ENOENT);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_cursor_get(kit->st, "unit", "name", &cursor), -ENOENT);
}

struct seen {
    char text[512];
    int stop_at, count;
};

static int
see_cursor(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s/%s=%llu ", unit, name, (unsigned long long)cursor->seq);
    return ++seen->count == seen->stop_at ? 42 : 0;
}

static int
see_value(void *arg, const char *name, const uint8_t *value, size_t value_len)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof seen->text - len, "%s=%.*s ", name, (int)value_len, (const char *)value);
    return ++seen->count == seen->stop_at ? 42 : 0;
}

static void
cursors_are_listed_by_unit(void **state)
{
    static const char *const names[][2] = {{"b", "1"}, {"a", "2"}, {"a", "1"}, {"ab", "1"}, {"a", ""}};
    struct kit *kit = *state;
    struct seen seen = {.text = ""};

    for (unsigned i = 0; i < 5; i++) {
        struct store_cursor cursor = {.seq = i};

        assert_int_equal(store_cursor_put(kit->st, names[i][0], names[i][1], &cursor), 0);
    }
    assert_int_equal(store_cursor_each(kit->st, NULL, see_cursor, &seen), 0); /* sees the batch */
    assert_string_equal(seen.text, "a/=4 a/1=2 a/2=1 ab/1=3 b/1=0 ");
    assert_int_equal(store_commit(kit->st), 0);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_cursor_each(kit->st, "a", see_cursor, &seen), 0);
    assert_string_equal(seen.text, "a/=4 a/1=2 a/2=1 ");
    seen = (struct seen){.stop_at = 2};
    assert_int_equal(store_cursor_each(kit->st, NULL, see_cursor, &seen), 42);
    assert_int_equal(seen.count, 2);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_cursor_each(kit->st, "c", see_cursor, &seen), 0);
    assert_int_equal(seen.count, 0);
}

static void
cursors_and_values_have_bounds(void **state)
{
    struct kit *kit = *state;
    char name[STORE_NAME_MAX + 2];
    uint8_t *filter = calloc(1, STORE_VALUE_MAX + 1);
    struct store_cursor cursor = {.filter = filter, .filter_len = STORE_VALUE_MAX + 1};

    assert_non_null(filter);
    memset(name, 'n', sizeof name);
    name[STORE_NAME_MAX] = '\0';
    assert_int_equal(store_cursor_put(kit->st, "unit", "name", &cursor), -EMSGSIZE);
    cursor.filter_len--;
    assert_int_equal(store_cursor_put(kit->st, "u", name, &cursor), -EINVAL);
    assert_int_equal(store_cursor_put(kit->st, "u", name + 1, &cursor), 0);
    assert_int_equal(store_cursor_get(kit->st, "u", name + 1, &cursor), 0);
    assert_int_equal(cursor.filter_len, STORE_VALUE_MAX);
    assert_int_equal(store_value_put(kit->st, "v", filter, STORE_VALUE_MAX + 1), -EMSGSIZE);
    assert_int_equal(store_value_put(kit->st, "v", filter, STORE_VALUE_MAX), 0);
    assert_int_equal(store_value_put(kit->st, name, filter, 1), 0);
    assert_int_equal(store_value_put(kit->st, "", filter, 1), -EINVAL);
    name[STORE_NAME_MAX] = 'n';
    name[STORE_NAME_MAX + 1] = '\0';
    assert_int_equal(store_value_put(kit->st, name, filter, 1), -EINVAL);
    assert_int_equal(store_commit(kit->st), 0);
    free(filter);
}

static void
values_are_listed_by_prefix(void **state)
{
    struct kit *kit = *state;
    struct seen seen = {.text = ""};

    assert_int_equal(store_value_put(kit->st, "session/b", "2", 1), 0);
    assert_int_equal(store_value_put(kit->st, "session/a", "1", 1), 0);
    assert_int_equal(store_value_put(kit->st, "tick", "", 0), 0);
    assert_int_equal(store_value_put(kit->st, "session/a", "one", 3), 0);
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_value_each(kit->st, "session/", see_value, &seen), 0);
    assert_string_equal(seen.text, "session/a=one session/b=2 ");
    assert_int_equal(store_value_drop(kit->st, "session/a"), 0);
    assert_int_equal(store_value_drop(kit->st, "session/zzz"), 0);
    seen = (struct seen){.text = ""};
    assert_int_equal(store_value_each(kit->st, "", see_value, &seen), 0);
    assert_string_equal(seen.text, "session/b=2 tick= ");
    seen = (struct seen){.stop_at = 1};
    assert_int_equal(store_value_each(kit->st, "", see_value, &seen), 42);
}

/* ---- slices */

static void
a_slice_is_a_view_of_one_moment(void **state)
{
    struct kit *kit = *state;
    struct store_slice *before = NULL, *after = NULL;
    struct store_row row;
    uint64_t seq = 0;

    kit_add(kit, 1, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &before), 0);
    kit_add(kit, 2, STORE_CLEAR_ENTRY);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &after), 0);
    assert_int_equal(store_read(before, 2, &row), -ENOENT);
    assert_int_equal(store_read(before, 1, &row), 0);
    assert_int_equal(store_read(before, 2, &row), -ENOENT);
    assert_int_equal(store_read(after, 2, &row), 0);
    assert_int_equal(store_read(after, 0, &row), -ENOENT);
    assert_int_equal(store_find_time(before, UINT64_MAX, &seq), 0);
    assert_int_equal(seq, 2);
    store_slice_end(&after);
    store_slice_end(&before);
    assert_int_equal(store_slice_begin(kit->st, &before), 0);
    assert_int_equal(store_read(before, 2, &row), 0);
    store_slice_end(&before);
}

static void
records_are_read_in_any_order(void **state)
{
    struct kit *kit = *state;
    uint32_t entries[3] = {STORE_CLEAR_ENTRY, kit_take(kit), kit_take(kit)};
    struct store_slice *slice = NULL;
    struct store_row row;

    for (uint64_t i = 1; i <= 300; i++)
        kit_add(kit, i, entries[i % 3]);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (uint64_t i = 1; i <= 300; i++) {
        assert_int_equal(store_read(slice, i, &row), 0);
        assert_true(kit_row_is(&row, i, entries[i % 3]));
    }
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t seq = 1 + i * 37 % 300;

        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(kit_row_is(&row, seq, entries[seq % 3]));
    }
    store_slice_end(&slice);
}

static void
the_entries_of_many_records_are_read_at_once(void **state)
{
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    uint32_t entries[10], a = kit_take(kit), b = kit_take(kit);
    size_t count = 7;

    kit_add(kit, 1, a);
    kit_add(kit, 2, STORE_CLEAR_ENTRY);
    kit_add(kit, 3, b);
    kit_add(kit, 4, a);
    assert_int_equal(store_commit(kit->st), 0);
    kit_add(kit, 5, b); /* not committed */
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_read_entries(slice, 2, entries, 2, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0], STORE_CLEAR_ENTRY);
    assert_int_equal(entries[1], b);
    assert_int_equal(store_read_entries(slice, 1, entries, 10, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(entries[0], a);
    assert_int_equal(entries[3], a);
    assert_int_equal(store_read_entries(slice, 5, entries, 10, &count), 0);
    assert_int_equal(count, 0);
    store_slice_end(&slice);
}

/* More of them than the cache of keys begins with. */
static void
records_of_thousands_of_dossiers_are_read_in_any_order(void **state)
{
    enum { DOSSIERS = 2500, STRIDE = 1501 };
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    struct store_row row;

    for (unsigned i = 1; i <= DOSSIERS; i++)
        kit_add(kit, i, kit_take(kit));
    assert_int_equal(store_commit(kit->st), 0);
    kit_reopen(kit);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (unsigned i = 0; i < 2 * DOSSIERS; i++) {
        unsigned seq = i * STRIDE % DOSSIERS + 1;

        assert_int_equal(store_read(slice, seq, &row), 0);
        assert_true(kit_row_is(&row, seq, seq));
    }
    store_slice_end(&slice);
}

static void
time_is_found_by_its_first_record(void **state)
{
    static const uint64_t times[] = {10, 10, 20, 30, 30, 30, 40};
    static const uint64_t probes[][2] = {{0, 1},  {10, 1}, {11, 3}, {20, 3}, {21, 4},
                                         {30, 4}, {31, 7}, {40, 7}, {41, 8}};
    struct kit *kit = *state;
    struct store_slice *slice = NULL;
    struct kit_record r;
    uint64_t seq = 0;

    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    assert_int_equal(store_find_time(slice, 0, &seq), 0);
    assert_int_equal(seq, 1); /* an empty log */
    store_slice_end(&slice);
    for (unsigned i = 0; i < 7; i++) {
        kit_record(&r, i, STORE_CLEAR_ENTRY);
        r.record.ts_ms = times[i];
        assert_int_equal(store_append(kit->st, &r.record, &seq, NULL), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_slice_begin(kit->st, &slice), 0);
    for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
        assert_int_equal(store_find_time(slice, probes[i][0], &seq), 0);
        assert_int_equal(seq, probes[i][1]);
    }
    store_slice_end(&slice);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(an_entry_without_a_committed_record_is_free_after_a_restart),
        KIT_TEST(entries_go_on_beyond_what_is_made_at_a_time),
        KIT_TEST(no_content_and_no_key_lies_in_any_file),
        KIT_TEST(the_id_table_sees_the_open_batch),
        KIT_TEST(read_pending_reads_the_batch_and_the_log),
        KIT_TEST(cursors_move_in_the_commit),
        KIT_TEST(cursors_are_listed_by_unit),
        KIT_TEST(cursors_and_values_have_bounds),
        KIT_TEST(values_are_listed_by_prefix),
        KIT_TEST(a_slice_is_a_view_of_one_moment),
        KIT_TEST(records_are_read_in_any_order),
        KIT_TEST(the_entries_of_many_records_are_read_at_once),
        KIT_TEST(records_of_thousands_of_dossiers_are_read_in_any_order),
        KIT_TEST(time_is_found_by_its_first_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
