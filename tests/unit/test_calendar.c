/*
 * What calendar.h says, with the holidays that are installed. The dates were taken from printed calendars and worked
 * out by hand; nothing here is computed by what it tests.
 */
#include "agents/calendar.h"
#include "proto/date.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int
calendar_setup(void **state)
{
    struct calendar *calendar = calloc(1, sizeof *calendar);
    char path[4096], text[CALENDAR_TEXT_MAX];
    unsigned line = 0;
    size_t len;
    FILE *in;

    assert_non_null(calendar);
    (void)snprintf(path, sizeof path, "%s/agents/holidays.pl", getenv("WICI_SOURCE"));
    in = fopen(path, "re");
    assert_non_null(in);
    len = fread(text, 1, sizeof text, in);
    (void)fclose(in);
    assert_true(len > 0 && len < sizeof text);
    assert_int_equal(calendar_parse(calendar, text, len, &line), 0);
    *state = calendar;
    return 0;
}

static int
calendar_teardown(void **state)
{
    free(*state);
    return 0;
}

static int32_t
day(const char *text)
{
    int32_t value = 0;

    if (date_parse(text, &value) != 0)
        fail_msg("%s is no day", text);
    return value;
}

static const char *
shown(int32_t value)
{
    static char text[DATE_TEXT_SIZE];

    date_format(value, text);
    return text;
}

/* Movable holidays of a year, and how many days of it are holidays that fall on a Monday to Saturday or on a Sunday. */
static const struct {
    int year;
    const char *easter_monday, *corpus_christi;
    int holidays;
} years[] = {
    {2020, "2020-04-13", "2020-06-11", 13}, {2021, "2021-04-05", "2021-06-03", 13},
    {2022, "2022-04-18", "2022-06-16", 13}, {2023, "2023-04-10", "2023-06-08", 13},
    {2024, "2024-04-01", "2024-05-30", 13}, {2025, "2025-04-21", "2025-06-19", 14},
    {2026, "2026-04-06", "2026-06-04", 14}, {2027, "2027-03-29", "2027-05-27", 14},
    {2028, "2028-04-17", "2028-06-15", 14}, {2029, "2029-04-02", "2029-05-31", 14},
    {2030, "2030-04-22", "2030-06-20", 14}, {2031, "2031-04-14", "2031-06-12", 14},
    {2032, "2032-03-29", "2032-05-27", 14}, {2033, "2033-04-18", "2033-06-16", 14},
    {2034, "2034-04-10", "2034-06-08", 14}, {2035, "2035-03-26", "2035-05-24", 14},
};

static void
holidays_of_2020_to_2035_are_those_of_the_calendar(void **state)
{
    static const char *const fixed[] = {"01-01", "01-06", "05-01", "05-03", "08-15",
                                        "11-01", "11-11", "12-25", "12-26"};
    const struct calendar *calendar = *state;

    for (size_t i = 0; i < COUNT(years); i++) {
        int found = 0;

        for (int32_t at = date_day((struct date){years[i].year, 1, 1}); date_of(at).year == years[i].year; at++)
            found += calendar_is_holiday(calendar, at);
        assert_int_equal(found, years[i].holidays);
        for (size_t f = 0; f < COUNT(fixed); f++) {
            char text[16];

            (void)snprintf(text, sizeof text, "%d-%s", years[i].year, fixed[f]);
            assert_true(calendar_is_holiday(calendar, day(text)));
        }
        assert_true(calendar_is_holiday(calendar, day(years[i].easter_monday)));
        assert_true(calendar_is_holiday(calendar, day(years[i].easter_monday) - 1));
        assert_true(calendar_is_holiday(calendar, day(years[i].corpus_christi)));
        assert_true(calendar_is_holiday(calendar, day(years[i].corpus_christi) - 11)); /* Pentecost */
    }
}

static void
christmas_eve_is_a_holiday_from_2025_on(void **state)
{
    const struct calendar *calendar = *state;

    assert_false(calendar_is_holiday(calendar, day("2024-12-24")));
    assert_true(calendar_is_working(calendar, day("2024-12-24")));
    assert_true(calendar_is_holiday(calendar, day("2025-12-24")));
    assert_true(calendar_is_holiday(calendar, day("2035-12-24")));
}

static void
a_day_given_once_is_a_holiday_in_no_other_year(void **state)
{
    const struct calendar *calendar = *state;

    assert_true(calendar_is_holiday(calendar, day("2018-11-12")));
    assert_false(calendar_is_holiday(calendar, day("2019-11-12")));
}

static void
epiphany_is_a_holiday_from_2011_on(void **state)
{
    const struct calendar *calendar = *state;

    assert_true(calendar_is_working(calendar, day("2010-01-06")));
    assert_false(calendar_is_working(calendar, day("2011-01-06")));
}

static void
working_days_are_monday_to_friday_without_holidays(void **state)
{
    static const char *const off[] = {"2026-11-28", "2026-11-29", "2026-12-24",
                                      "2026-12-25", "2026-06-04", "2026-05-01"};
    static const char *const on[] = {"2026-11-30", "2026-12-23", "2026-12-28",
                                     "2026-06-05", "2026-05-04", "2026-01-02"};
    const struct calendar *calendar = *state;

    for (size_t i = 0; i < COUNT(off); i++)
        assert_false(calendar_is_working(calendar, day(off[i])));
    for (size_t i = 0; i < COUNT(on); i++)
        assert_true(calendar_is_working(calendar, day(on[i])));
}

static void
terms_end_when_the_law_says(void **state)
{
    static const struct {
        const char *from;
        struct term term;
        const char *due;
    } rows[] = {
        /* days: the day of the event is not counted */
        {"2026-03-02", {14, TERM_DAYS, false}, "2026-03-16"},
        {"2026-02-20", {14, TERM_DAYS, false}, "2026-03-06"},
        {"2024-02-20", {14, TERM_DAYS, false}, "2024-03-05"}, /* a leap year */
        {"2026-12-20", {30, TERM_DAYS, false}, "2027-01-19"},
        {"2026-03-25", {7, TERM_DAYS, false}, "2026-04-01"}, /* over the change to summer time */
        {"2026-10-20", {7, TERM_DAYS, false}, "2026-10-27"}, /* and back */
        {"2026-03-02", {0, TERM_DAYS, false}, "2026-03-02"},
        /* an end on a Saturday, a Sunday, a holiday moves, if it may */
        {"2026-03-07", {14, TERM_DAYS, true}, "2026-03-23"},
        {"2026-03-07", {14, TERM_DAYS, false}, "2026-03-21"},
        {"2026-03-20", {14, TERM_DAYS, true}, "2026-04-03"}, /* Good Friday is a working day */
        {"2026-03-21", {14, TERM_DAYS, true}, "2026-04-07"}, /* Saturday, Easter, Easter Monday */
        {"2026-05-21", {14, TERM_DAYS, true}, "2026-06-05"}, /* Corpus Christi */
        {"2024-12-10", {14, TERM_DAYS, true}, "2024-12-24"}, /* a working day then */
        {"2025-12-10", {14, TERM_DAYS, true}, "2025-12-29"}, /* 24, 25, 26, Saturday, Sunday */
        {"2026-12-02", {30, TERM_DAYS, true}, "2027-01-04"}, /* New Year, Saturday, Sunday */
        {"2018-10-29", {14, TERM_DAYS, true}, "2018-11-13"}, /* the day given once */
        /* months: the same number, or the last day */
        {"2026-01-31", {1, TERM_MONTHS, false}, "2026-02-28"},
        {"2028-01-31", {1, TERM_MONTHS, false}, "2028-02-29"},
        {"2026-08-31", {6, TERM_MONTHS, false}, "2027-02-28"},
        {"2024-02-29", {12, TERM_MONTHS, false}, "2025-02-28"},
        {"2026-05-15", {6, TERM_MONTHS, false}, "2026-11-15"},
        {"2026-05-15", {6, TERM_MONTHS, true}, "2026-11-16"}, /* a Sunday */
        {"2026-11-30", {24, TERM_MONTHS, false}, "2028-11-30"},
        /* working days */
        {"2026-11-25", {1, TERM_WORKING_DAYS, false}, "2026-11-26"},
        {"2026-11-27", {1, TERM_WORKING_DAYS, false}, "2026-11-30"},
        {"2026-11-28", {1, TERM_WORKING_DAYS, false}, "2026-11-30"}, /* begins on a Saturday */
        {"2026-12-23", {1, TERM_WORKING_DAYS, false}, "2026-12-28"},
        {"2024-12-23", {1, TERM_WORKING_DAYS, false}, "2024-12-24"},
        {"2026-04-02", {3, TERM_WORKING_DAYS, false}, "2026-04-08"}, /* 3, 7, 8 April */
        {"2026-04-30", {14, TERM_WORKING_DAYS, false}, "2026-05-21"},
        {"2025-12-22", {14, TERM_WORKING_DAYS, false}, "2026-01-16"}, /* 23, 29-31, 2, 5, 7-9, 12-16 */
        /* the same through the years 2020 to 2035 */
        {"2020-12-10", {14, TERM_DAYS, true}, "2020-12-24"}, /* 24 December, before it was a holiday */
        {"2030-12-10", {14, TERM_DAYS, true}, "2030-12-27"}, /* 24, 25, 26 December */
        {"2024-05-16", {14, TERM_DAYS, true}, "2024-05-31"}, /* Corpus Christi */
        {"2027-05-13", {14, TERM_DAYS, true}, "2027-05-28"},
        {"2035-05-10", {14, TERM_DAYS, true}, "2035-05-25"},
        {"2027-03-13", {14, TERM_DAYS, true}, "2027-03-30"}, /* Saturday, Easter, Easter Monday */
        {"2030-04-07", {14, TERM_DAYS, true}, "2030-04-23"},
        {"2035-03-10", {14, TERM_DAYS, true}, "2035-03-27"},
        {"2029-04-17", {14, TERM_DAYS, true}, "2029-05-02"}, /* 1 May; 2 May is a working day */
        {"2028-02-15", {14, TERM_DAYS, true}, "2028-02-29"}, /* a leap day */
        {"2028-02-20", {14, TERM_DAYS, false}, "2028-03-05"},
        {"2025-03-28", {7, TERM_DAYS, false}, "2025-04-04"},   /* over the change to summer time */
        {"2034-10-24", {30, TERM_DAYS, true}, "2034-11-23"},   /* and back */
        {"2023-12-31", {2, TERM_MONTHS, false}, "2024-02-29"}, /* February's last day in a leap year */
        {"2024-01-30", {1, TERM_MONTHS, false}, "2024-02-29"},
        {"2025-01-29", {1, TERM_MONTHS, false}, "2025-02-28"}, /* and in another */
        {"2027-08-31", {6, TERM_MONTHS, false}, "2028-02-29"},
        {"2026-02-28", {24, TERM_MONTHS, false}, "2028-02-28"},
        {"2028-02-29", {24, TERM_MONTHS, false}, "2030-02-28"}, /* from a leap day */
        {"2025-12-31", {6, TERM_MONTHS, false}, "2026-06-30"},
        {"2029-04-30", {3, TERM_WORKING_DAYS, false}, "2029-05-07"}, /* 2, 4, 7 May */
        {"2027-12-31", {1, TERM_WORKING_DAYS, false}, "2028-01-03"},
        {"2028-01-05", {1, TERM_WORKING_DAYS, false}, "2028-01-07"}, /* Epiphany */
        {"2031-08-14", {1, TERM_WORKING_DAYS, false}, "2031-08-18"}, /* Friday, 15 August */
        {"2032-11-10", {2, TERM_WORKING_DAYS, false}, "2032-11-15"}, /* 11 November */
        {"2033-10-31", {1, TERM_WORKING_DAYS, false}, "2033-11-02"}, /* 1 November */
        {"2030-03-29", {1, TERM_WORKING_DAYS, false}, "2030-04-01"}, /* the last Sunday of March lies between */
        {"2021-06-02", {1, TERM_WORKING_DAYS, false}, "2021-06-04"}, /* Corpus Christi */
        {"2025-12-23", {1, TERM_WORKING_DAYS, false}, "2025-12-29"}, /* 24, 25, 26, Saturday, Sunday */
        {"2020-12-23", {1, TERM_WORKING_DAYS, false}, "2020-12-24"}, /* 24 December, before */
    };
    const struct calendar *calendar = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t due = calendar_due(calendar, day(rows[i].from), rows[i].term);

        if (due != day(rows[i].due))
            fail_msg("row %zu, from %s: %s instead of %s", i, rows[i].from, shown(due), rows[i].due);
    }
}

static void
a_line_that_is_no_rule_is_named(void **state)
{
    static const char *const bad[] = {
        "fixed",
        "fixed 13-01",
        "fixed 02-30",
        "fixed 1-1",
        "fixed 01-01 from",
        "easter 60",
        "easter +x",
        "easter +201",
        "once 2018-02-29",
        "once 2018-11-12 from 2018",
        "sunday",
        "fixed 01-01 since 20",
        "fixed 01-01 from 2011 from 2012",
        "fixed 01-01 until 2010 from 2011",
        "fixed 01-01 x",
        "fixed 01-01 from 2011 until 2012 x",
        "fixed 01-01 from 1799",
        "easter + 1",
        "fixed 01-01 from 2011x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct calendar calendar = {.rule_count = 77};
        char text[200];
        unsigned line = 0;

        (void)snprintf(text, sizeof text, "# holidays\n\nfixed 01-01 # New Year\n%s\n", bad[i]);
        if (calendar_parse(&calendar, text, strlen(text), &line) != -EINVAL)
            fail_msg("'%s' is taken for a rule", bad[i]);
        assert_int_equal(line, 4);
        assert_int_equal(calendar.rule_count, 77); /* untouched on failure */
    }
}

static void
what_is_too_much_or_no_text_is_refused(void **state)
{
    char text[CALENDAR_RULES_MAX * 14 + 100] = "";
    struct calendar calendar = {.rule_count = 77};
    unsigned line = 0;
    size_t len = 0;

    (void)state;
    for (unsigned i = 0; i < CALENDAR_RULES_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "fixed 01-01\n");
    assert_int_equal(calendar_parse(&calendar, text, len, &line), 0);
    assert_int_equal(calendar.rule_count, CALENDAR_RULES_MAX);
    len += (size_t)snprintf(text + len, sizeof text - len, "fixed 01-02");
    assert_int_equal(calendar_parse(&calendar, text, len, &line), -E2BIG);
    assert_int_equal(calendar_parse(&calendar, "fixed\00001-01", 12, &line), -EINVAL);
    assert_int_equal(line, 1);
    memset(text, ' ', 300);
    assert_int_equal(calendar_parse(&calendar, text, 300, &line), -EINVAL);
    assert_int_equal(calendar_parse(&calendar, "", 0, &line), 0);
    assert_int_equal(calendar.rule_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holidays_of_2020_to_2035_are_those_of_the_calendar),
        cmocka_unit_test(christmas_eve_is_a_holiday_from_2025_on),
        cmocka_unit_test(a_day_given_once_is_a_holiday_in_no_other_year),
        cmocka_unit_test(epiphany_is_a_holiday_from_2011_on),
        cmocka_unit_test(working_days_are_monday_to_friday_without_holidays),
        cmocka_unit_test(terms_end_when_the_law_says),
        cmocka_unit_test(a_line_that_is_no_rule_is_named),
        cmocka_unit_test(what_is_too_much_or_no_text_is_refused),
    };

    return cmocka_run_group_tests(tests, calendar_setup, calendar_teardown);
}
