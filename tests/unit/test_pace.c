/* What broker/pace.h promises: pauses while somebody publishes, none else, and nobody starves. Time is simulated. */
#include "broker/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STEP_US   50u
#define SECOND_US 1000000u

/* A second of a loop that is asked every STEP_US and serves for turn_us whenever it may; somebody publishes every
 * publish_us (0: nobody). Returns for how long it served. */
static uint64_t
served_in_a_second(uint64_t publish_us, uint64_t turn_us, uint64_t *ret_longest_wait_us)
{
    struct pace pace = {0};
    uint64_t served = 0, published_at = 0, last = 0;

    *ret_longest_wait_us = 0;
    for (uint64_t now = 0; now < SECOND_US; now += STEP_US) {
        if (publish_us != 0 && now >= published_at) {
            pace_publish(&pace, now);
            published_at = now + publish_us;
        }
        if (pace_left_us(&pace, now) > 0)
            continue;
        if (now - last > *ret_longest_wait_us)
            *ret_longest_wait_us = now - last;
        now += turn_us;
        served += turn_us;
        pace_served(&pace, turn_us, now);
        last = now;
    }
    return served;
}

static void
while_nobody_publishes_there_is_no_pause(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_false(pace_is_on(&pace, 0));
    for (uint64_t now = 0; now < 10000; now += 500) {
        assert_int_equal(pace_left_us(&pace, now), 0);
        pace_served(&pace, 500, now + 500);
    }
}

static void
a_pause_is_three_times_as_long_as_what_was_served_and_no_longer_than_a_millisecond(void **state)
{
    static const uint64_t spent[] = {0, 1, 100, 333, 334, 2000, UINT64_MAX};
    static const uint64_t pauses[] = {0, 3, 300, 999, 1000, 1000, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof spent / sizeof *spent; i++) {
        struct pace pace = {0};

        pace_publish(&pace, 7000);
        assert_true(pace_is_on(&pace, 7000));
        assert_int_equal(pace_left_us(&pace, 7000), 0); /* who was not served does not wait */
        pace_served(&pace, spent[i], 8000);
        assert_int_equal(pace_left_us(&pace, 8000), pauses[i]);
        assert_int_equal(pace_left_us(&pace, 8000 + pauses[i]), 0);
    }
    assert_int_equal(PACE_US_MAX, 1000);
}

static void
pauses_end_when_nobody_has_published_for_a_while(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_publish(&pace, 1000);
    pace_publish(&pace, 2000);
    pace_served(&pace, 900, 1999 + PACE_PUBLISH_US);
    assert_int_equal(pace_left_us(&pace, 1999 + PACE_PUBLISH_US), PACE_US_MAX);
    assert_int_equal(pace_left_us(&pace, 2000 + PACE_PUBLISH_US), 0);
    assert_false(pace_is_on(&pace, 2000 + PACE_PUBLISH_US));
}

static void
nobody_starves_however_often_somebody_publishes(void **state)
{
    static const uint64_t publish[] = {STEP_US, 450, 5000, PACE_PUBLISH_US - STEP_US};

    (void)state;
    for (size_t i = 0; i < sizeof publish / sizeof *publish; i++) {
        for (uint64_t turn = 50; turn <= 2000; turn += 50) {
            uint64_t wait, served = served_in_a_second(publish[i], turn, &wait);

            assert_true(served >= SECOND_US / (PACE_TIMES + 2)); /* it is asked a step late */
            assert_true(wait <= PACE_US_MAX + STEP_US);
            if (turn <= PACE_US_MAX / PACE_TIMES)
                assert_true(served <= SECOND_US / (PACE_TIMES + 1) + turn);
        }
    }
}

static void
without_publishers_all_of_the_time_is_served(void **state)
{
    uint64_t wait;

    (void)state;
    assert_true(served_in_a_second(0, 250, &wait) >= SECOND_US / 6 * 5); /* a step after each turn is the loop's */
    assert_int_equal(wait, STEP_US);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_nobody_publishes_there_is_no_pause),
        cmocka_unit_test(a_pause_is_three_times_as_long_as_what_was_served_and_no_longer_than_a_millisecond),
        cmocka_unit_test(pauses_end_when_nobody_has_published_for_a_while),
        cmocka_unit_test(nobody_starves_however_often_somebody_publishes),
        cmocka_unit_test(without_publishers_all_of_the_time_is_served),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
