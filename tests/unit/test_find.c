/* What store/find.h says of writing in pieces: begun, stepped, interrupted and gone on with, the index tells the same.
 */
#include "store/find.h"

#include "store/fault.h"
#include "store/store.h"
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

#define ENTRIES     9u
#define MAP_MAX     (UINT64_C(1) << 30)
#define TAKEN       40u /* records that are written in pieces in most tests: each entry has four or five */
#define NO_ENTRY    UINT32_MAX
#define NEXT_OFFSET (FIND_PAIR_SIZE + 2u * (8u + LEAF_HASH_SIZE)) /* behind the pair id, where the progress lies */

static const uint8_t pair[FIND_PAIR_SIZE] = "this log's pair";

struct fixture {
    char root[64], dir[80];
    struct find *find;
    uint64_t head;    /* records added */
    uint32_t dropped; /* this entry has none; NO_ENTRY */
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    (void)snprintf(f->root, sizeof f->root, "/tmp/wici-find-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    (void)snprintf(f->dir, sizeof f->dir, "%s/find", f->root);
    assert_int_equal(find_open(&f->find, f->dir, pair, MAP_MAX), 0);
    f->dropped = NO_ENTRY;
    store_find_small = true;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    store_find_small = false;
    find_close(&f->find);
    kit_remove(f->root);
    free(f);
    return 0;
}

/* Not in the order of the entries: what was added first is not written first. */
static uint32_t
entry_of(uint64_t seq)
{
    return (uint32_t)(seq * 7 % ENTRIES);
}

static void
add(struct fixture *f, uint64_t to)
{
    for (uint64_t seq = f->head + 1; seq <= to; seq++)
        assert_int_equal(find_add(f->find, entry_of(seq), 1, seq), 0);
    f->head = to;
}

static void
begin(struct fixture *f)
{
    struct find_mark aim = {.seq = f->head, .hash = {1, 2, 3}};

    assert_int_equal(find_begin(f->find, &aim), 0);
}

/* Closes, opens, and feeds what is behind the mark; an erased record is passed over. */
static void
reopen(struct fixture *f)
{
    find_close(&f->find);
    assert_int_equal(find_open(&f->find, f->dir, pair, MAP_MAX), 0);
    for (uint64_t seq = find_mark(f->find)->seq + 1; seq <= f->head; seq++)
        if (entry_of(seq) != f->dropped)
            assert_int_equal(find_add(f->find, entry_of(seq), 1, seq), 0);
}

static void
assert_found(struct fixture *f)
{
    uint64_t got[64];

    for (uint32_t entry = 0; entry < ENTRIES; entry++) {
        size_t count = 99, at = 0;

        assert_int_equal(find_list(f->find, entry, 1, 1, f->head, got, 64, &count), 0);
        for (uint64_t seq = 1; seq <= f->head; seq++) {
            size_t one = 99;
            uint64_t only;

            if (entry_of(seq) != entry || entry == f->dropped)
                continue;
            assert_true(at < count);
            assert_int_equal(got[at++], seq);
            assert_int_equal(find_list(f->find, entry, 1, seq, seq, &only, 1, &one), 0);
            assert_int_equal(one, 1);
            assert_int_equal(only, seq);
        }
        assert_int_equal(at, count);
    }
}

/* A step in which `lists` of the nine are written; half of what is due is 4 here. The log does not move for it. */
static void
step(struct fixture *f, unsigned lists)
{
    assert_int_equal(find_step(f->find, find_aim(f->find)->seq + (lists * 4 + ENTRIES - 1) / ENTRIES), 0);
}

static void
all_is_found_before_between_and_after_the_pieces(void **state)
{
    struct fixture *f = *state;

    add(f, TAKEN);
    assert_found(f);
    begin(f);
    assert_found(f);
    for (uint64_t gone = 1; gone <= 4; gone++) {
        assert_int_equal(find_mark(f->find)->seq, 0);
        assert_int_equal(find_aim(f->find)->seq, TAKEN);
        add(f, TAKEN + gone);
        assert_int_equal(find_step(f->find, f->head), 0);
        assert_found(f);
    }
    assert_int_equal(find_mark(f->find)->seq, TAKEN);
    assert_int_equal(find_aim(f->find)->seq, TAKEN);
    assert_int_equal(find_step(f->find, f->head), 0); /* nothing is being written */
    assert_found(f);
}

static void
stopped_after_any_piece_it_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    unsigned begun_anew = 0;

    for (unsigned lists = 0; lists <= ENTRIES; lists++) {
        uint64_t mark = find_mark(f->find)->seq;

        add(f, f->head + TAKEN);
        begin(f);
        step(f, lists);
        add(f, f->head + 3);
        reopen(f);
        begun_anew += find_aim(f->find)->seq == mark;
        assert_found(f);
        step(f, lists + 3 < ENTRIES ? lists + 3 : ENTRIES);
        reopen(f);
        assert_found(f);
        assert_int_equal(find_finish(f->find), 0);
        assert_found(f);
        reopen(f);
        assert_found(f);
        if (find_mark(f->find)->seq < f->head) { /* what came while it was being written */
            begin(f);
            assert_int_equal(find_finish(f->find), 0);
        }
        assert_int_equal(find_mark(f->find)->seq, f->head);
        assert_found(f);
    }
    assert_int_equal(begun_anew, 1); /* where no piece was written */
}

static void
a_piece_is_as_large_as_the_log_has_grown(void **state)
{
    struct fixture *f = *state;
    uint64_t half = STORE_FIND_FLUSH / 2;

    store_find_small = false;
    for (uint64_t seq = 1; seq <= STORE_FIND_FLUSH; seq++) /* as many lists as records */
        assert_int_equal(find_add(f->find, (uint32_t)seq, 1, seq), 0);
    f->head = STORE_FIND_FLUSH;
    begin(f);
    assert_int_equal(find_step(f->find, f->head), 0);
    assert_int_equal(find_step(f->find, f->head + 1023), 0); /* 2,046 lists are not worth it */
    find_close(&f->find);
    assert_int_equal(find_open(&f->find, f->dir, pair, MAP_MAX), 0);
    assert_int_equal(find_aim(f->find)->seq, 0);

    for (uint64_t seq = 1; seq <= STORE_FIND_FLUSH; seq++)
        assert_int_equal(find_add(f->find, (uint32_t)seq, 1, seq), 0);
    begin(f);
    assert_int_equal(find_step(f->find, f->head + 1024), 0);
    find_close(&f->find);
    assert_int_equal(find_open(&f->find, f->dir, pair, MAP_MAX), 0);
    assert_int_equal(find_mark(f->find)->seq, 0);
    assert_int_equal(find_aim(f->find)->seq, STORE_FIND_FLUSH);

    for (uint64_t seq = 1; seq <= STORE_FIND_FLUSH; seq++)
        assert_int_equal(find_add(f->find, (uint32_t)seq, 1, seq), 0);
    assert_int_equal(find_step(f->find, f->head + half - 1), 0);
    assert_int_equal(find_mark(f->find)->seq, 0);
    assert_int_equal(find_step(f->find, f->head + half), 0);
    assert_int_equal(find_mark(f->find)->seq, STORE_FIND_FLUSH);
}

static void
what_is_dropped_between_the_pieces_is_gone(void **state)
{
    struct fixture *f = *state;

    for (uint32_t entry = 0; entry < ENTRIES; entry += ENTRIES - 1) { /* written first, and last */
        add(f, f->head + TAKEN);
        begin(f);
        step(f, 5);
        add(f, f->head + 9);
        f->dropped = entry;
        assert_int_equal(find_drop(f->find, entry), 0);
        assert_found(f);
        reopen(f);
        assert_found(f);
        assert_int_equal(find_finish(f->find), 0);
        assert_found(f);
        reopen(f);
        assert_found(f);

        assert_int_equal(find_restart(f->find), 0);
        f->head = 0;
        f->dropped = NO_ENTRY;
    }
}

static void
a_batch_that_is_taken_back_leaves_what_was_taken(void **state)
{
    struct fixture *f = *state;
    struct find_mark aim = {.seq = TAKEN};

    add(f, TAKEN + 5);
    assert_int_equal(find_begin(f->find, &aim), 0);
    step(f, 4);
    for (; f->head > TAKEN; f->head--)
        find_pop(f->find, entry_of(f->head), 1);
    assert_found(f);
    add(f, TAKEN + 7);
    assert_found(f);
    assert_int_equal(find_finish(f->find), 0);
    assert_found(f);
}

/* Changes the file wherever the progress was ever written. Returns how often. */
static unsigned
damage_next(const struct fixture *f)
{
    char path[96];
    uint8_t *bytes;
    unsigned found = 0;
    struct stat sb;
    int fd;

    (void)snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &sb), 0);
    bytes = malloc((size_t)sb.st_size);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)sb.st_size, 0), sb.st_size);
    for (off_t at = 0; at + (off_t)NEXT_OFFSET + 8 <= sb.st_size; at++)
        if (memcmp(bytes + at, pair, sizeof pair) == 0) {
            bytes[at + (off_t)NEXT_OFFSET + 3] ^= 1; /* another entry */
            assert_int_equal(pwrite(fd, bytes + at, NEXT_OFFSET + 8, at), NEXT_OFFSET + 8);
            found++;
        }
    close(fd);
    free(bytes);
    return found;
}

static void
a_damaged_word_of_how_far_it_got_begins_it_anew(void **state)
{
    struct fixture *f = *state;

    add(f, TAKEN);
    begin(f);
    step(f, 5);
    find_close(&f->find);
    assert_true(damage_next(f) > 0);
    assert_int_equal(find_open(&f->find, f->dir, pair, MAP_MAX), 0);
    assert_int_equal(find_mark(f->find)->seq, 0);
    assert_int_equal(find_aim(f->find)->seq, 0);
    reopen(f);
    assert_found(f);
}

#define FIND_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FIND_TEST(all_is_found_before_between_and_after_the_pieces),
        FIND_TEST(stopped_after_any_piece_it_goes_on_where_it_was),
        FIND_TEST(a_piece_is_as_large_as_the_log_has_grown),
        FIND_TEST(what_is_dropped_between_the_pieces_is_gone),
        FIND_TEST(a_batch_that_is_taken_back_leaves_what_was_taken),
        FIND_TEST(a_damaged_word_of_how_far_it_got_begins_it_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
