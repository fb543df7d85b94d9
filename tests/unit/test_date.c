/* What date.h says, in its order; the days of the year were looked up in calendars, not computed here. */
#include "proto/date.h"
#include "proto/event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int32_t
day(const char *text)
{
    int32_t value = 0;

    assert_int_equal(date_parse(text, &value), 0);
    return value;
}

static uint64_t
moment(const char *text)
{
    uint64_t ms = 0;

    assert_int_equal(time_parse(text, &ms), 0);
    return ms;
}

static void
assert_day(int32_t value, const char *text)
{
    char shown[DATE_TEXT_SIZE];

    date_format(value, shown);
    assert_string_equal(shown, text);
}

static void
only_days_of_the_calendar_are_days(void **state)
{
    static const char *const good[] = {"2026-03-01", "2024-02-29", "2000-02-29", "1800-01-01", "9999-12-31",
                                       "2026-04-30", "2026-12-31", "2026-01-31", "2026-02-28", "1900-02-28"};
    static const char *const bad[] = {"2026-02-29",  "1900-02-29", "2100-02-29", "2026-04-31", "2026-06-31",
                                      "2026-09-31",  "2026-11-31", "2026-01-32", "2026-00-10", "2026-13-10",
                                      "2026-10-00",  "1799-12-31", "0000-00-00", "2026-3-01",  "2026-03-1",
                                      "2026/03/01",  "20260301",   "26-03-01",   "",           "2026-03-01 ",
                                      "2026-03-01T", "+026-03-01", "2026-03--1", "2026-0a-01"};
    int32_t value = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!date_is_valid(good[i], strlen(good[i])))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (date_is_valid(bad[i], strlen(bad[i])))
            fail_msg("%s is taken for a day", bad[i]);
        assert_int_equal(date_parse(bad[i], &value), -EINVAL);
    }
    assert_int_equal(value, 7); /* untouched on failure */
}

static void
days_are_counted_from_1970(void **state)
{
    (void)state;
    assert_int_equal(day("1970-01-01"), 0);
    assert_int_equal(day("1969-12-31"), -1);
    assert_int_equal(day("2000-03-01"), 11017);
    assert_int_equal(day("2026-11-25"), 20782);
}

/* Every day of eleven centuries, by counting on. */
static void
each_day_follows_the_one_before(void **state)
{
    struct date date = {.year = DATE_YEAR_MIN, .month = 1, .day = 1};
    enum date_weekday weekday = DATE_WEDNESDAY; /* 1 January 1800 */

    (void)state;
    for (int32_t at = date_day(date); date.year < 2900; at++) {
        struct date found = date_of(at);

        assert_int_equal(date_day(date), at);
        assert_int_equal(found.year, date.year);
        assert_int_equal(found.month, date.month);
        assert_int_equal(found.day, date.day);
        assert_int_equal(date_weekday(at), weekday);
        weekday = weekday == DATE_SUNDAY ? DATE_MONDAY : (enum date_weekday)(weekday + 1);
        if (++date.day > date_month_length(date.year, date.month)) {
            date.day = 1;
            date.year += date.month == 12;
            date.month = date.month % 12 + 1;
        }
    }
}

static void
the_days_of_the_week_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(date_weekday(day("1970-01-01")), DATE_THURSDAY);
    assert_int_equal(date_weekday(day("2026-11-25")), DATE_WEDNESDAY);
    assert_int_equal(date_weekday(day("2018-11-12")), DATE_MONDAY);
    assert_int_equal(date_weekday(day("2024-02-29")), DATE_THURSDAY);
    assert_int_equal(date_weekday(day("1945-05-08")), DATE_TUESDAY);
}

static void
months_end_on_the_same_number_or_the_last_day(void **state)
{
    static const struct {
        const char *from;
        int months;
        const char *to;
    } rows[] = {
        {"2026-01-31", 1, "2026-02-28"},   {"2024-01-31", 1, "2024-02-29"},  {"2026-01-31", 3, "2026-04-30"},
        {"2026-02-28", 1, "2026-03-28"},   {"2024-02-29", 12, "2025-02-28"}, {"2024-02-29", 48, "2028-02-29"},
        {"2026-08-31", 6, "2027-02-28"},   {"2027-08-31", 6, "2028-02-29"},  {"2026-12-31", 1, "2027-01-31"},
        {"2026-11-30", 3, "2027-02-28"},   {"2026-05-15", 0, "2026-05-15"},  {"2026-03-31", -1, "2026-02-28"},
        {"2026-01-15", -13, "2024-12-15"}, {"2026-01-01", 3, "2026-04-01"},  {"2026-03-01", 12, "2027-03-01"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_day(date_add_months(day(rows[i].from), rows[i].months), rows[i].to);
}

static void
easter_is_when_it_was(void **state)
{
    static const char *const sundays[] = {
        "1818-03-22", "1886-04-25", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23", "2008-03-23",
        "2011-04-24", "2016-03-27", "2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31",
        "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2031-04-13",
        "2032-03-28", "2033-04-17", "2034-04-09", "2035-03-25", "2038-04-25", "2049-04-18", "2076-04-19",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sundays); i++) {
        assert_day(date_easter(date_of(day(sundays[i])).year), sundays[i]);
        assert_int_equal(date_weekday(day(sundays[i])), DATE_SUNDAY);
    }
}

static void
a_moment_has_the_date_of_poland(void **state)
{
    (void)state;
    assert_day(date_of_moment(moment("2026-01-10T22:59:59Z")), "2026-01-10");
    assert_day(date_of_moment(moment("2026-01-10T23:00:00Z")), "2026-01-11");
    assert_day(date_of_moment(moment("2026-07-10T21:59:59Z")), "2026-07-10");
    assert_day(date_of_moment(moment("2026-07-10T22:00:00Z")), "2026-07-11");
    assert_day(date_of_moment(moment("2025-12-31T23:30:00Z")), "2026-01-01");
    assert_day(date_of_moment(UINT64_MAX), "9999-12-31"); /* whatever a stranger sends */
    assert_int_equal(date_zone_ms(UINT64_MAX), 3600000);
}

static void
summer_time_lasts_from_marchs_to_octobers_last_sunday(void **state)
{
    (void)state;
    assert_int_equal(date_zone_ms(moment("2026-03-29T00:59:59Z")), 3600000);
    assert_int_equal(date_zone_ms(moment("2026-03-29T01:00:00Z")), 7200000);
    assert_int_equal(date_zone_ms(moment("2026-10-25T00:59:59Z")), 7200000);
    assert_int_equal(date_zone_ms(moment("2026-10-25T01:00:00Z")), 3600000);
    assert_int_equal(date_zone_ms(moment("2024-03-31T01:00:00Z")), 7200000); /* the month's last day */
    assert_int_equal(date_zone_ms(moment("2027-10-31T01:00:00Z")), 3600000);
}

static void
a_day_ends_at_midnight_of_poland(void **state)
{
    (void)state;
    assert_int_equal(date_end(day("2026-01-10")), moment("2026-01-10T23:00:00Z"));
    assert_int_equal(date_end(day("2026-07-10")), moment("2026-07-10T22:00:00Z"));
    assert_int_equal(date_end(day("2026-03-28")), moment("2026-03-28T23:00:00Z")); /* before the change */
    assert_int_equal(date_end(day("2026-03-29")), moment("2026-03-29T22:00:00Z")); /* a day of 23 hours */
    assert_int_equal(date_end(day("2026-10-24")), moment("2026-10-24T22:00:00Z"));
    assert_int_equal(date_end(day("2026-10-25")), moment("2026-10-25T23:00:00Z")); /* of 25 */
    assert_int_equal(date_end(day("1969-12-31")), 0);
    for (int32_t at = day("2020-01-01"); at < day("2036-01-01"); at++) {
        assert_int_equal(date_of_moment(date_end(at)), at + 1);
        assert_int_equal(date_of_moment(date_end(at) - 1), at);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_days_of_the_calendar_are_days),
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(each_day_follows_the_one_before),
        cmocka_unit_test(the_days_of_the_week_are_those_of_the_calendar),
        cmocka_unit_test(months_end_on_the_same_number_or_the_last_day),
        cmocka_unit_test(easter_is_when_it_was),
        cmocka_unit_test(a_moment_has_the_date_of_poland),
        cmocka_unit_test(summer_time_lasts_from_marchs_to_octobers_last_sunday),
        cmocka_unit_test(a_day_ends_at_midnight_of_poland),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
