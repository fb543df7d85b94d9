/* What agents/keep.h says, in its order. */
#include "agents/keep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    char dir[32];
    struct keep *keep;
};

static void
reopen(struct fixture *f, size_t max)
{
    if (f->keep != NULL)
        keep_close(&f->keep);
    assert_int_equal(keep_open(&f->keep, f->dir, max), 0);
}

static uint64_t
add(struct fixture *f, unsigned n)
{
    struct keep_event event = {.data = (const uint8_t *)"bytes", .len = 5};
    uint64_t number;

    snprintf(event.id, sizeof event.id, "00000000-0000-7000-8000-%012x", n);
    assert_int_equal(keep_add(f->keep, &event, 1, &number), 0);
    return number;
}

static uint64_t
due(struct fixture *f)
{
    uint8_t *data;
    uint64_t number;
    size_t len;
    char id[37];

    assert_int_equal(keep_next_due(f->keep, &number, id, &data, &len), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "bytes", 5);
    free(data);
    return number;
}

static void
what_has_no_answer_is_due_after_a_restart_in_the_old_order(void **state)
{
    struct fixture *f = *state;
    uint64_t one, two, three;

    reopen(f, 100);
    one = add(f, 1);
    two = add(f, 2);
    three = add(f, 3);
    assert_false(keep_has_due(f->keep));
    assert_int_equal(keep_answered(f->keep, two, 17), 0);
    reopen(f, 100);
    assert_int_equal(keep_count(f->keep), 3);
    assert_int_equal(due(f), one);
    assert_int_equal(due(f), three);
    assert_false(keep_has_due(f->keep));
    assert_true(add(f, 4) > three);
}

static void
what_was_refused_is_let_go(void **state)
{
    struct fixture *f = *state;

    reopen(f, 100);
    assert_int_equal(keep_drop(f->keep, add(f, 1)), 0);
    assert_int_equal(keep_drop(f->keep, 4711), 0);
    reopen(f, 100);
    assert_int_equal(keep_count(f->keep), 0);
}

static void
what_a_backup_holds_is_let_go(void **state)
{
    struct fixture *f = *state;
    uint64_t one, two;

    reopen(f, 100);
    one = add(f, 1);
    two = add(f, 2);
    assert_int_equal(keep_answered(f->keep, one, 10), 0);
    assert_int_equal(keep_answered(f->keep, two, 11), 0);
    assert_int_equal(keep_safe(f->keep, 10), 0);
    assert_int_equal(keep_count(f->keep), 1);
    assert_int_equal(keep_safe(f->keep, 11), 0);
    assert_int_equal(keep_count(f->keep), 0);
    assert_int_equal(keep_answered(f->keep, add(f, 3), 9), 0); /* answered after the backup was told */
    assert_int_equal(keep_count(f->keep), 0);
}

static void
what_was_erased_is_let_go_and_never_due_again(void **state)
{
    struct fixture *f = *state;
    uint64_t one, two, three;

    reopen(f, 100);
    assert_int_equal(keep_epoch(f->keep, 7), 0);
    one = add(f, 1);
    two = add(f, 2);
    three = add(f, 3);
    assert_int_equal(keep_answered(f->keep, one, 10), 0);
    assert_int_equal(keep_answered(f->keep, two, 11), 0);
    assert_int_equal(keep_forget(f->keep, 0, 10), 0); /* what has no answer is under no number */
    assert_int_equal(keep_forget(f->keep, 12, 20), 0);
    assert_int_equal(keep_count(f->keep), 2);
    reopen(f, 100);
    assert_int_equal(keep_epoch(f->keep, 8), 1);
    assert_int_equal(due(f), two);
    assert_int_equal(due(f), three);
    assert_false(keep_has_due(f->keep));
}

static void
a_new_epoch_makes_everything_due(void **state)
{
    struct fixture *f = *state;
    uint64_t one;

    reopen(f, 100);
    assert_int_equal(keep_epoch(f->keep, 7), 0);
    one = add(f, 1);
    assert_int_equal(keep_answered(f->keep, one, 10), 0);
    reopen(f, 100);
    assert_int_equal(keep_epoch(f->keep, 7), 0);
    assert_false(keep_has_due(f->keep));
    assert_int_equal(keep_epoch(f->keep, 8), 1);
    assert_int_equal(due(f), one);
    reopen(f, 100);
    assert_int_equal(keep_epoch(f->keep, 8), 0);
    assert_int_equal(due(f), one); /* still without an answer in the new log */
}

static void
a_full_directory_lets_go_of_answered_events_only(void **state)
{
    struct fixture *f = *state;
    struct keep_event event = {.id = "00000000-0000-7000-8000-0000000000ff", .data = (const uint8_t *)"x", .len = 1};
    uint64_t one, number;

    reopen(f, 3);
    one = add(f, 1);
    add(f, 2);
    add(f, 3);
    assert_int_equal(keep_add(f->keep, &event, 1, &number), -ENOSPC);
    assert_int_equal(keep_answered(f->keep, one, 5), 0);
    assert_int_equal(keep_add(f->keep, &event, 1, &number), 0);
    assert_int_equal(keep_count(f->keep), 3);
}

static void
a_directory_belongs_to_one_program(void **state)
{
    struct fixture *f = *state;
    struct keep *second = NULL;

    reopen(f, 3);
    assert_int_equal(keep_open(&second, f->dir, 3), -EBUSY);
    assert_int_equal(keep_open(&second, "/nonexistent", 3), -ENOENT);
    assert_null(second);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    strcpy(f->dir, "/tmp/wici-keep-XXXXXX");
    *state = f;
    return mkdtemp(f->dir) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    char command[64];

    if (f->keep != NULL)
        keep_close(&f->keep);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    free(f);
    return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_has_no_answer_is_due_after_a_restart_in_the_old_order),
        TEST(what_was_refused_is_let_go),
        TEST(what_a_backup_holds_is_let_go),
        TEST(what_was_erased_is_let_go_and_never_due_again),
        TEST(a_new_epoch_makes_everything_due),
        TEST(a_full_directory_lets_go_of_answered_events_only),
        TEST(a_directory_belongs_to_one_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
