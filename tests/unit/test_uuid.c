/* What event.h says of ids, days and times as text. */
#include "proto/event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static uint64_t
parsed(const char *text)
{
    uint64_t ms = UINT64_MAX;

    if (time_parse(text, &ms) != 0)
        fail_msg("%s is refused", text);
    return ms;
}

static void
an_id_comes_back_as_it_was_written(void **state)
{
    const char *text = "019c9f6a-5e00-7abc-9def-0123456789ab";
    const uint8_t expected[16] = {0x01, 0x9c, 0x9f, 0x6a, 0x5e, 0,    0x7a, 0xbc,
                                  0x9d, 0xef, 1,    0x23, 0x45, 0x67, 0x89, 0xab};
    uint8_t id[16];
    char back[37];

    (void)state;
    assert_int_equal(uuid_parse(text, id), 0);
    assert_memory_equal(id, expected, sizeof id);
    uuid_format(id, back);
    assert_string_equal(back, text);
}

static void
what_is_no_id_is_refused_and_leaves_the_result_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "-",
        "0",
        "019c9f6a",
        "019c9f6a-5e00-7abc-9def-0123456789a",
        "019c9f6a-5e00-7abc-9def-0123456789abc",
        "019c9f6a-5e00-7abc-9def-0123456789aB",
        "019c9f6a-5e00-7abc-9def-0123456789ag",
        "019c9f6a5e007abc9def0123456789ab",
        "019c9f6a-5e00-7abc-9def0-123456789ab",
        "{19c9f6a-5e00-7abc-9def-0123456789a}",
        "019c9f6a-5e00-7abc-9def-0123456789ab ",
        " 19c9f6a-5e00-7abc-9def-0123456789ab",
    };
    uint8_t id[16], before[16];

    (void)state;
    memset(id, 0x5a, sizeof id);
    memcpy(before, id, sizeof id);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *exact = strdup(bad[i]); /* so that a read past the end is seen */

        assert_non_null(exact);
        assert_int_equal(uuid_parse(exact, id), -EINVAL);
        assert_memory_equal(id, before, sizeof id);
        free(exact);
    }
}

static void
a_made_id_holds_its_time_version_and_variant(void **state)
{
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, zeros[10] = {0};
    uint8_t id[16];
    char text[37];

    (void)state;
    uuid7_make(UINT64_C(0x0123456789ab), ones, id);
    uuid_format(id, text);
    assert_string_equal(text, "01234567-89ab-7fff-bfff-ffffffffffff");
    uuid7_make(UINT64_C(0xffffffffffff), zeros, id);
    uuid_format(id, text);
    assert_string_equal(text, "ffffffff-ffff-7000-8000-000000000000");
}

static void
a_time_is_read_in_its_zone(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-03-01T08:30:00Z"), UINT64_C(1772353800000));
    assert_int_equal(parsed("2026-03-01T09:30:00+01:00"), UINT64_C(1772353800000));
    assert_int_equal(parsed("2026-02-28T23:00:00-09:30"), UINT64_C(1772353800000));
    assert_int_equal(parsed("2026-03-01T08:30:00.5Z"), UINT64_C(1772353800500));
    assert_int_equal(parsed("2026-03-01T08:30:00.123456789+00:00"), UINT64_C(1772353800123));
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    assert_int_equal(parsed("2024-02-29T12:00:00Z") + 86400000, parsed("2024-03-01T12:00:00Z"));
    assert_int_equal(parsed("1970-01-01T01:00:00+01:00"), 0);
}

static void
what_is_no_time_is_refused_and_leaves_the_result_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-03-01",
        "2026-03-01T08:30:00",
        "2026-03-01T08:30Z",
        "2026-03-01 08:30:00Z",
        "2026-03-01t08:30:00z",
        "2026-02-29T08:30:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T08:60:00Z",
        "2026-03-01T08:30:61Z",
        "2026-03-01T08:30:00.Z",
        "2026-03-01T08:30:00.1234567890Z",
        "2026-03-01T08:30:00,5Z",
        "2026-03-01T08:30:00.5",
        "2026-03-01T08:30:00+24:00",
        "2026-03-01T08:30:00+01:60",
        "2026-03-01T08:30:00+0100",
        "2026-03-01T08:30:00+01",
        "2026-03-01T08:30:00+01:00 ",
        "2026-03-01T08:30:00ZZ",
        "2026-03-01T08:30:00Z, and much more text than any time has",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:30:00+01:00",
        "2026-03-01T-1:30:00Z",
    };
    uint64_t ms = 42;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *exact = strdup(bad[i]);

        assert_non_null(exact);
        if (time_parse(exact, &ms) != -EINVAL)
            fail_msg("%s is taken for a time", bad[i]);
        assert_int_equal(ms, 42);
        free(exact);
    }
}

static void
a_time_comes_back_as_it_was_written(void **state)
{
    static const char *const times[] = {"1970-01-01T00:00:00.000Z", "2026-03-01T08:30:00.007Z",
                                        "2024-02-29T23:59:59.999Z", "2000-12-31T00:00:00.100Z",
                                        "9999-12-31T23:59:59.999Z"};
    char text[TIME_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        time_format(parsed(times[i]), text);
        assert_string_equal(text, times[i]);
    }
    for (uint64_t ms = 0; ms < UINT64_C(253402300800000); ms += UINT64_C(86400000) * 97 + 12345678) {
        time_format(ms, text);
        assert_int_equal(parsed(text), ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_comes_back_as_it_was_written),
        cmocka_unit_test(what_is_no_id_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(a_made_id_holds_its_time_version_and_variant),
        cmocka_unit_test(a_time_is_read_in_its_zone),
        cmocka_unit_test(what_is_no_time_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(a_time_comes_back_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
