/* What agents/words.h promises: labels, Polish time, sizes. */
#include "agents/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
time_is(const char *rfc3339, bool pl, const char *want)
{
    char text[WORDS_TEXT_SIZE];

    words_time_text(rfc3339, pl, text);
    assert_string_equal(text, want);
}

static void
times_are_those_of_poland_in_winter_and_in_summer(void **state)
{
    (void)state;
    time_is("2026-11-23T14:13:05Z", true, "23.11.2026, 15:13");
    time_is("2026-07-01T22:30:00Z", true, "2.07.2026, 00:30");
    time_is("2026-07-01T22:30:00+02:00", false, "2026-07-01 22:30");
    time_is("2026-12-31T23:00:00Z", false, "2027-01-01 00:00");
}

static void
the_clock_changes_on_the_last_sundays_of_march_and_october(void **state)
{
    (void)state;
    time_is("2026-03-29T00:59:59Z", true, "29.03.2026, 01:59");
    time_is("2026-03-29T01:00:00Z", true, "29.03.2026, 03:00");
    time_is("2026-10-25T00:59:59Z", true, "25.10.2026, 02:59");
    time_is("2026-10-25T01:00:00Z", true, "25.10.2026, 02:00");
    time_is("2024-03-31T01:00:00Z", true, "31.03.2024, 03:00"); /* the last Sunday is the last day */
}

static void
what_is_no_time_is_left_as_it_is(void **state)
{
    char long_text[200], text[WORDS_TEXT_SIZE];

    (void)state;
    time_is("yesterday", true, "yesterday");
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    words_time_text(long_text, true, text);
    assert_int_equal(strlen(text), WORDS_TEXT_SIZE - 1);
    words_date(long_text, true, text);
    assert_int_equal(strlen(text), WORDS_TEXT_SIZE - 1);
}

static void
dates_are_written_as_the_language_has_them(void **state)
{
    char text[WORDS_TEXT_SIZE];

    (void)state;
    words_date("2016-09-04", true, text);
    assert_string_equal(text, "4.09.2016");
    words_date("2016-09-04", false, text);
    assert_string_equal(text, "2016-09-04");
    words_date("2016-9-4abc", true, text);
    assert_string_equal(text, "2016-9-4abc");
}

static void
sizes_have_a_unit_and_one_decimal(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *pl, *en;
    } sizes[] = {{0, "0 B", "0 B"},
                 {1023, "1023 B", "1023 B"},
                 {1024, "1 KiB", "1 KiB"},
                 {1536, "1,5 KiB", "1.5 KiB"},
                 {151552, "148 KiB", "148 KiB"},
                 {68719476736, "64 GiB", "64 GiB"},
                 {UINT64_MAX, "15,9 EiB", "15.9 EiB"}};
    char text[WORDS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        words_bytes(sizes[i].bytes, true, text);
        assert_string_equal(text, sizes[i].pl);
        words_bytes(sizes[i].bytes, false, text);
        assert_string_equal(text, sizes[i].en);
    }
}

static void
durations_are_milliseconds_with_one_decimal(void **state)
{
    char text[WORDS_TEXT_SIZE];

    (void)state;
    words_micros(4317, true, text);
    assert_string_equal(text, "4,3 ms");
    words_micros(12950, false, text);
    assert_string_equal(text, "13.0 ms");
    words_micros(UINT64_MAX, false, text);
    assert_string_equal(text, "18446744073709551.6 ms");
}

static void
words_have_labels_in_both_languages_and_others_none(void **state)
{
    (void)state;
    assert_string_equal(words_code("MULTI_PROFESSIONAL_FIRST", false), "first meeting of the professionals");
    assert_string_equal(words_code("in-progress", true), "w toku");
    assert_null(words_code("NO_SUCH_WORD", true));
    assert_string_equal(words_class(0, false), "Facts");
    assert_string_equal(words_class(7, true), "Adres i kontakt");
    assert_null(words_class(8, true));
}

static void
what_turns_a_text_round_is_named(void **state)
{
    static const struct {
        const char *text;
        unsigned number;
    } all[] = {
        {"\u202a", 0x202a}, {"\u202ex", 0x202e}, {"\u2066", 0x2066}, {"\u2069", 0x2069}, {"\u2029", 0}, {"\u202f", 0},
        {"\u2065", 0},      {"\u206a", 0},       {"x\u202e", 0},     {"\u20ac", 0},      {"", 0},       {"\xe2\x80", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(words_turn(all[i].text), all[i].number);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_those_of_poland_in_winter_and_in_summer),
        cmocka_unit_test(the_clock_changes_on_the_last_sundays_of_march_and_october),
        cmocka_unit_test(what_is_no_time_is_left_as_it_is),
        cmocka_unit_test(dates_are_written_as_the_language_has_them),
        cmocka_unit_test(sizes_have_a_unit_and_one_decimal),
        cmocka_unit_test(durations_are_milliseconds_with_one_decimal),
        cmocka_unit_test(words_have_labels_in_both_languages_and_others_none),
        cmocka_unit_test(what_turns_a_text_round_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
