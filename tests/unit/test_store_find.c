/* The finding index, through store_find: flushed, restarted, deleted or damaged, it tells what the log says. */
#include "store/fault.h"
#include "store/find.h"
#include "tests/unit/test_store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LISTS 4u /* entries 0 to 3 are used */

/* Record `number` belongs to this entry: one is frequent, one rare. */
static uint32_t
entry_of(uint64_t number)
{
    if (number % 100 == 0)
        return 3;
    return number % 3 == 0 ? 1 : number % 7 == 0 ? STORE_CLEAR_ENTRY : 2;
}

static void
take_entries(struct kit *kit)
{
    uint32_t entry = 0;

    while (entry < LISTS - 1)
        assert_int_equal(store_key_take(kit->st, &entry), 0);
}

/* Appends up to and with record `to`, and commits. */
static void
fill(struct kit *kit, uint64_t to)
{
    uint64_t seq;

    for (uint64_t number = store_next(kit->st); number <= to; number++) {
        if (number % 1000 == 1)
            assert_int_equal(store_room(kit->st, 1000, 200000), 0);
        assert_int_equal(kit_append(kit, number, entry_of(number), &seq), 0);
        assert_int_equal(seq, number);
        if (seq % 1000 == 0)
            assert_int_equal(store_commit(kit->st), 0);
    }
    assert_int_equal(store_commit(kit->st), 0);
}

/* Asks for all seqs of each list, `max` at a time from `from` on, and compares with what entry_of says. */
static void
assert_lists_from(struct kit *kit, uint64_t from, size_t max)
{
    uint64_t *got = calloc(max, sizeof *got);

    assert_non_null(got);
    for (uint32_t entry = 0; entry < LISTS; entry++) {
        uint64_t want = from, next = from;
        size_t count = max;

        while (count == max) {
            assert_int_equal(store_find(kit->st, entry, next, got, max, &count), 0);
            assert_true(count <= max);
            for (size_t i = 0; i < count; i++) {
                while (want <= store_head(kit->st) && entry_of(want) != entry)
                    want++;
                assert_int_equal(got[i], want++);
            }
            next = count > 0 ? got[count - 1] + 1 : next;
        }
        while (want <= store_head(kit->st) && entry_of(want) != entry)
            want++;
        assert_true(want > store_head(kit->st)); /* none was left out */
    }
    free(got);
}

static void
assert_lists(struct kit *kit)
{
    static const size_t sizes[] = {1, 7, 125, 1000, 10000};
    const uint64_t froms[] = {1, 2, 125, 126, 374, 376, 700, store_head(kit->st)};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_lists_from(kit, 1, sizes[i]);
    for (size_t i = 0; i < sizeof froms / sizeof *froms; i++)
        assert_lists_from(kit, froms[i], 125);
}

static void
finds_in_the_tail_and_in_chunks_and_in_both(void **state)
{
    struct kit *kit = *state;

    take_entries(kit);
    fill(kit, 700);
    assert_int_equal(store_find_behind(kit->st), 700);
    assert_lists(kit);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    assert_int_equal(store_find_behind(kit->st), 0);
    assert_lists(kit);
    fill(kit, 1500);
    assert_int_equal(store_find_behind(kit->st), 800);
    assert_lists(kit);
}

static void
many_small_flushes_fill_the_same_chunks(void **state)
{
    struct kit *kit = *state;

    take_entries(kit);
    for (uint64_t to = 1; to <= 1200; to += 1 + to % 23) {
        fill(kit, to);
        assert_int_equal(store_find_flush(kit->st, true), 0);
    }
    assert_lists(kit);
    kit_reopen(kit);
    assert_lists(kit);
}

static void
takes_in_by_itself_only_when_enough_wait_and_while_the_log_grows(void **state)
{
    struct kit *kit = *state;
    uint64_t head = STORE_FIND_FLUSH + 10;

    take_entries(kit);
    fill(kit, STORE_FIND_FLUSH - 1);
    assert_int_equal(store_find_flush(kit->st, false), 0);
    assert_int_equal(store_find_behind(kit->st), STORE_FIND_FLUSH - 1);
    fill(kit, head);
    assert_int_equal(store_find_flush(kit->st, false), 0);
    assert_int_equal(store_find_behind(kit->st), head); /* taken, and not written yet */
    assert_lists_from(kit, 1, 5000);
    fill(kit, head + STORE_FIND_FLUSH / 2);
    assert_int_equal(store_find_flush(kit->st, false), 0);
    assert_int_equal(store_find_behind(kit->st), STORE_FIND_FLUSH / 2);
    assert_lists_from(kit, 1, 5000);
    assert_lists_from(kit, STORE_FIND_FLUSH - 5, 3);

    fill(kit, head + 2 * STORE_FIND_FLUSH + 20); /* more than what is taken in together waits when it opens */
    store_close(&kit->st);
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_find_behind(kit->st), 20);
    assert_lists_from(kit, 1, 5000);
}

static void
written_in_pieces_it_tells_the_same_also_after_any_restart(void **state)
{
    struct kit *kit = *state;

    take_entries(kit);
    fill(kit, 100); /* then each entry is in use */
    assert_int_equal(store_find_flush(kit->st, true), 0);
    for (uint64_t to = 101; to <= 300; to++) {
        fill(kit, to);
        assert_int_equal(store_find_flush(kit->st, false), 0);
        if (to % 3 == 0)
            kit_reopen(kit);
        assert_true(store_find_behind(kit->st) <= 12); /* what is due, and half of it again */
        assert_lists_from(kit, 1, 125);
    }
}

static void
the_larger_the_log_the_more_is_taken_in_together(void **state)
{
    (void)state;
    assert_int_equal(find_due(0), STORE_FIND_FLUSH);
    assert_int_equal(find_due(UINT64_C(32) * STORE_FIND_FLUSH), STORE_FIND_FLUSH);
    assert_int_equal(find_due(UINT64_C(64) * STORE_FIND_FLUSH), 2 * STORE_FIND_FLUSH);
    assert_int_equal(find_due(UINT64_C(32) * STORE_FIND_FLUSH_MAX), STORE_FIND_FLUSH_MAX);
    assert_int_equal(find_due(UINT64_MAX), STORE_FIND_FLUSH_MAX);
}

static void
does_not_find_the_open_batch_and_flushes_beside_it(void **state)
{
    struct kit *kit = *state;
    uint64_t seq, got[4];
    size_t count;

    take_entries(kit);
    fill(kit, 50);
    assert_int_equal(kit_append(kit, 51, 3, &seq), 0);
    assert_int_equal(store_find(kit->st, 3, 1, got, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    assert_int_equal(store_find_behind(kit->st), 0);
    assert_int_equal(store_find(kit->st, 3, 1, got, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_commit(kit->st), 0);
    assert_int_equal(store_find(kit->st, 3, 1, got, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(got[0], 51);

    assert_int_equal(kit_append(kit, 52, 3, &seq), 0);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_rollback(kit->st);
    assert_int_equal(store_find(kit->st, 3, 1, got, 4, &count), 0);
    assert_int_equal(count, 1);
}

static void
finds_nothing_for_an_entry_without_records(void **state)
{
    struct kit *kit = *state;
    uint64_t got[4];
    size_t count = 9;

    take_entries(kit);
    assert_int_equal(store_find(kit->st, 2, 1, got, 4, &count), 0);
    assert_int_equal(count, 0);
    fill(kit, 10);
    assert_int_equal(store_find(kit->st, 3, 1, got, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_find(kit->st, 4711, 1, got, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_find(kit->st, 2, 11, got, 4, &count), 0);
    assert_int_equal(count, 0);
}

static void
goes_on_after_a_reopen_where_it_was(void **state)
{
    struct kit *kit = *state;

    take_entries(kit);
    fill(kit, 900);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    fill(kit, 1000);
    kit_reopen(kit);
    assert_int_equal(store_find_behind(kit->st), 100);
    assert_lists(kit);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    kit_reopen(kit);
    assert_int_equal(store_find_behind(kit->st), 0);
    assert_lists(kit);
}

static void
is_rebuilt_when_its_directory_is_gone(void **state)
{
    struct kit *kit = *state;
    char find[PATH_MAX];

    take_entries(kit);
    fill(kit, 900);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_close(&kit->st);
    snprintf(find, sizeof find, "%s/find", kit->dir);
    kit_remove(find);
    assert_int_equal(kit_open(kit), 0);
    assert_lists(kit);
}

static void
is_rebuilt_when_its_file_makes_no_sense(void **state)
{
    static const off_t lengths[] = {0, 100, 5000};
    struct kit *kit = *state;
    uint8_t garbage[8192];
    char path[PATH_MAX];

    memset(garbage, 0xa5, sizeof garbage);
    take_entries(kit);
    fill(kit, 900);
    snprintf(path, sizeof path, "%s/find/data.mdb", kit->dir);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(store_find_flush(kit->st, true), 0);
        store_close(&kit->st);
        if (i < 3) {
            assert_int_equal(truncate(path, lengths[i]), 0);
        } else {
            int fd = open(path, O_WRONLY);

            assert_int_equal(pwrite(fd, garbage, sizeof garbage, 0), sizeof garbage);
            close(fd);
        }
        assert_int_equal(kit_open(kit), 0);
        assert_lists(kit);
    }
}

/* Copies the file of one store over the other's. */
static void
copy(const char *from_dir, const char *to_dir, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], *bytes;
    struct stat sb;
    int fd;

    snprintf(from, sizeof from, "%s/%s", from_dir, name);
    snprintf(to, sizeof to, "%s/%s", to_dir, name);
    *strrchr(to, '/') = '\0'; /* log or find */
    assert_true(mkdir(to, 0700) == 0 || errno == EEXIST);
    snprintf(to, sizeof to, "%s/%s", to_dir, name);
    fd = open(from, O_RDONLY);
    assert_int_equal(fstat(fd, &sb), 0);
    bytes = malloc((size_t)sb.st_size);
    assert_int_equal(read(fd, bytes, (size_t)sb.st_size), sb.st_size);
    close(fd);
    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, (size_t)sb.st_size), sb.st_size);
    close(fd);
    free(bytes);
}

static void
is_rebuilt_when_it_is_of_another_log_or_branch(void **state)
{
    struct kit *kit = *state;
    struct kit other;
    char saved[PATH_MAX];

    /* An older copy of the log is restored; the index beside it ran ahead, then stands at a number that is another
     * record. */
    take_entries(kit);
    fill(kit, 400);
    store_close(&kit->st);
    snprintf(saved, sizeof saved, "%s/saved", kit->root);
    assert_int_equal(mkdir(saved, 0700), 0);
    copy(kit->dir, saved, "log/data.mdb");
    assert_int_equal(kit_open(kit), 0);
    fill(kit, 600);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_close(&kit->st);
    copy(saved, kit->dir, "log/data.mdb");
    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_head(kit->st), 400);
    assert_lists(kit);

    /* The index of another log, whose records are of other entries. */
    kit_make(&other, kit->root);
    snprintf(other.dir, sizeof other.dir, "%s/data2", kit->root);
    snprintf(other.key_dir, sizeof other.key_dir, "%s/keys2", kit->root);
    assert_int_equal(kit_create(&other), 0);
    assert_int_equal(kit_open(&other), 0);
    for (uint64_t i = 1, seq; i <= 300; i++)
        assert_int_equal(kit_append(&other, i, STORE_CLEAR_ENTRY, &seq), 0);
    assert_int_equal(store_commit(other.st), 0);
    assert_int_equal(store_find_flush(other.st, true), 0);
    store_close(&other.st);
    store_close(&kit->st);
    copy(other.dir, kit->dir, "find/data.mdb");
    assert_int_equal(kit_open(kit), 0);
    assert_lists(kit);
}

static void
is_rebuilt_when_the_record_it_stands_at_is_another(void **state)
{
    struct kit *kit = *state;
    uint64_t seq, got[4];
    size_t count = 0;
    char branch[PATH_MAX];

    /* Two branches from record 300 on; the index of the first, which ends at 600, is laid beside the second. */
    take_entries(kit);
    fill(kit, 300);
    store_close(&kit->st);
    snprintf(branch, sizeof branch, "%s/branch", kit->root);
    assert_int_equal(mkdir(branch, 0700), 0);
    copy(kit->dir, branch, "log/data.mdb");
    assert_int_equal(kit_open(kit), 0);
    fill(kit, 600);
    assert_int_equal(store_find_flush(kit->st, true), 0);
    store_close(&kit->st);
    copy(kit->dir, branch, "find/data.mdb");
    copy(branch, kit->dir, "log/data.mdb");
    assert_int_equal(kit_open(kit), 0);
    for (uint64_t number = 1301; number <= 1700; number++)
        assert_int_equal(kit_append(kit, number, 1, &seq), 0);
    assert_int_equal(store_commit(kit->st), 0);
    store_close(&kit->st);
    copy(branch, kit->dir, "find/data.mdb");

    assert_int_equal(kit_open(kit), 0);
    assert_int_equal(store_head(kit->st), 700);
    assert_int_equal(store_find(kit->st, 2, 301, got, 4, &count), 0);
    assert_int_equal(count, 0); /* the first branch had some */
    assert_int_equal(store_find(kit->st, 1, 301, got, 4, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(got[3], 304);
}

/* An older copy of the log is restored which has the record of the mark, and not that of the aim, or another one. */
static void
is_rebuilt_when_what_it_was_writing_is_not_in_the_log(void **state)
{
    struct kit *kit = *state;
    char saved[PATH_MAX];

    take_entries(kit);
    for (unsigned goes_on = 0; goes_on < 2; goes_on++) {
        uint64_t old = store_next(kit->st) + 5, seq;

        assert_int_equal(store_find_flush(kit->st, true), 0);
        fill(kit, old);
        store_close(&kit->st);
        snprintf(saved, sizeof saved, "%s/saved%u", kit->root, goes_on);
        assert_int_equal(mkdir(saved, 0700), 0);
        copy(kit->dir, saved, "log/data.mdb");
        assert_int_equal(kit_open(kit), 0);
        fill(kit, old + 10);
        assert_int_equal(store_find_flush(kit->st, false), 0); /* taken */
        fill(kit, old + 12);
        assert_int_equal(store_find_flush(kit->st, false), 0); /* half of it is written */
        assert_int_equal(store_find_behind(kit->st), 18);
        store_close(&kit->st);
        copy(saved, kit->dir, "log/data.mdb");
        if (goes_on == 1) { /* other records get the numbers, before the index is opened beside them */
            copy(kit->dir, saved, "find/data.mdb");
            assert_int_equal(kit_open(kit), 0);
            for (uint64_t number = old + 1001; number <= old + 1020; number++)
                assert_int_equal(kit_append(kit, number, 2, &seq), 0);
            assert_int_equal(store_commit(kit->st), 0);
            store_close(&kit->st);
            copy(saved, kit->dir, "find/data.mdb");
        }
        assert_int_equal(kit_open(kit), 0);
        assert_int_equal(store_head(kit->st), old + goes_on * 20);
        if (goes_on == 0) {
            assert_lists_from(kit, 1, 125);
        } else {
            uint64_t got[64];
            size_t count;

            assert_int_equal(store_find(kit->st, 1, old + 1, got, 64, &count), 0);
            assert_int_equal(count, 0); /* the first branch had some */
            assert_int_equal(store_find(kit->st, 2, old + 1, got, 64, &count), 0);
            assert_int_equal(count, 20);
        }
    }
}

static int
small_setup(void **state)
{
    store_find_small = true;
    return kit_setup(state);
}

static int
small_teardown(void **state)
{
    store_find_small = false;
    return kit_teardown(state);
}

#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, small_setup, small_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(finds_in_the_tail_and_in_chunks_and_in_both),
        KIT_TEST(many_small_flushes_fill_the_same_chunks),
        KIT_TEST(takes_in_by_itself_only_when_enough_wait_and_while_the_log_grows),
        SMALL_TEST(written_in_pieces_it_tells_the_same_also_after_any_restart),
        cmocka_unit_test(the_larger_the_log_the_more_is_taken_in_together),
        KIT_TEST(does_not_find_the_open_batch_and_flushes_beside_it),
        KIT_TEST(finds_nothing_for_an_entry_without_records),
        KIT_TEST(goes_on_after_a_reopen_where_it_was),
        KIT_TEST(is_rebuilt_when_its_directory_is_gone),
        KIT_TEST(is_rebuilt_when_its_file_makes_no_sense),
        KIT_TEST(is_rebuilt_when_it_is_of_another_log_or_branch),
        KIT_TEST(is_rebuilt_when_the_record_it_stands_at_is_another),
        SMALL_TEST(is_rebuilt_when_what_it_was_writing_is_not_in_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
