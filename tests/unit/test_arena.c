/* What arena.h says. */
#include "proto/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wici/v1/event.pb-c.h"

static int
setup(void **state)
{
    return arena_create((struct arena **)state, 1024);
}

static int
teardown(void **state)
{
    arena_destroy((struct arena **)state);
    assert_null(*state);
    return 0;
}

static void
pieces_are_aligned_apart_and_within_the_block(void **state)
{
    uint8_t *pieces[8];

    for (unsigned i = 0; i < 8; i++) {
        pieces[i] = arena_alloc(*state, 33);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, 33);
    }
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < 33; j++)
            assert_int_equal(pieces[i][j], i);
}

static void
a_used_up_arena_gives_null_and_no_request_is_too_large_to_refuse(void **state)
{
    assert_null(arena_alloc(*state, 1025));
    assert_null(arena_alloc(*state, SIZE_MAX));
    assert_null(arena_alloc(*state, SIZE_MAX - 15));
    assert_non_null(arena_alloc(*state, 1024));
    assert_null(arena_alloc(*state, 1));
}

static void
a_reset_gives_all_of_it_back(void **state)
{
    void *first = arena_alloc(*state, 1024);

    assert_non_null(first);
    arena_reset(*state);
    assert_ptr_equal(arena_alloc(*state, 1024), first);
}

static void
a_rewind_keeps_what_was_handed_out_before(void **state)
{
    void *kept = arena_alloc(*state, 100), *after;
    size_t used = arena_used(*state);

    memset(kept, 'k', 100);
    after = arena_alloc(*state, 100);
    memset(after, 'a', 100);
    arena_rewind(*state, used);
    assert_int_equal(arena_used(*state), used);
    assert_ptr_equal(arena_alloc(*state, 100), after);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(((const char *)kept)[i], 'k');
}

static void
a_text_is_copied_whole_or_not_at_all(void **state)
{
    char text[1024];

    memset(text, 't', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_string_equal(arena_text(*state, ""), "");
    assert_null(arena_text(*state, text));
    arena_reset(*state);
    assert_string_equal(arena_text(*state, text), text);
    assert_null(arena_text(*state, ""));
}

static void
a_message_that_does_not_fit_fails_to_unpack(void **state)
{
    Wici__V1__Actor actor;
    uint8_t bytes[2000];
    char text[1500];
    size_t len;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    wici__v1__actor__init(&actor);
    actor.agency = text;
    len = wici__v1__actor__pack(&actor, bytes);
    assert_null(wici__v1__actor__unpack(arena_allocator(*state), len, bytes));
    arena_reset(*state);
    text[100] = '\0';
    len = wici__v1__actor__pack(&actor, bytes);
    assert_non_null(wici__v1__actor__unpack(arena_allocator(*state), len, bytes));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_are_aligned_apart_and_within_the_block, setup, teardown),
        cmocka_unit_test_setup_teardown(a_used_up_arena_gives_null_and_no_request_is_too_large_to_refuse, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reset_gives_all_of_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rewind_keeps_what_was_handed_out_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_is_copied_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_that_does_not_fit_fails_to_unpack, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
