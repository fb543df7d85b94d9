/* What agents/cli/times.h promises, in its order. */
#include "agents/cli/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* 1 to count, in an order that is not theirs. */
static void
fill(struct times *times, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(times_add(times, i % 2 == 0 ? i / 2 + 1 : count - i / 2), 0);
}

static void
a_percentile_is_the_smallest_time_that_so_many_do_not_exceed(void **state)
{
    struct times times = {.us = NULL};

    (void)state;
    fill(&times, 200);
    times_sort(&times);
    assert_int_equal(times.count, 200);
    assert_int_equal(times_percentile(&times, 1), 2);
    assert_int_equal(times_percentile(&times, 50), 100);
    assert_int_equal(times_percentile(&times, 99), 198);
    assert_int_equal(times_percentile(&times, 100), 200);
    times_free(&times);
    assert_int_equal(times.count, 0);
}

static void
of_few_times_the_highest_percentiles_are_the_longest(void **state)
{
    struct times times = {.us = NULL};

    (void)state;
    fill(&times, 3);
    times_sort(&times);
    assert_int_equal(times_percentile(&times, 1), 1);
    assert_int_equal(times_percentile(&times, 33), 1);
    assert_int_equal(times_percentile(&times, 34), 2);
    assert_int_equal(times_percentile(&times, 50), 2);
    assert_int_equal(times_percentile(&times, 99), 3);
    times_free(&times);
}

static void
joined_times_are_all_there(void **state)
{
    struct times all = {.us = NULL}, some = {.us = NULL}, none = {.us = NULL};

    (void)state;
    fill(&some, 5000);
    assert_int_equal(times_join(&all, &some), 0);
    assert_int_equal(times_join(&all, &none), 0);
    assert_int_equal(times_add(&all, 6000), 0);
    assert_int_equal(times_join(&all, &some), 0);
    times_sort(&all);
    assert_int_equal(all.count, 10001);
    assert_int_equal(times_percentile(&all, 100), 6000);
    assert_int_equal(times_percentile(&all, 50), 2501);
    times_free(&all);
    times_free(&some);
    times_free(&none);
}

static void
a_time_too_long_for_its_place_is_the_longest(void **state)
{
    struct times times = {.us = NULL};

    (void)state;
    assert_int_equal(times_add(&times, UINT64_C(1) << 40), 0);
    assert_int_equal(times_percentile(&times, 50), UINT32_MAX);
    times_free(&times);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_the_smallest_time_that_so_many_do_not_exceed),
        cmocka_unit_test(of_few_times_the_highest_percentiles_are_the_longest),
        cmocka_unit_test(joined_times_are_all_there),
        cmocka_unit_test(a_time_too_long_for_its_place_is_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
