/* What agents/answer.h promises: what people type becomes what the broker takes. */
#include "agents/answer.h"

#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TODAY 20514 /* 2026-03-02 */

static void
date_is(const char *text, const char *want)
{
    char date[DATE_TEXT_SIZE] = "before";
    bool understood = answer_date(text, TODAY, date);

    if (understood != (want != NULL) || strcmp(date, want != NULL ? want : "before") != 0)
        fail_msg("\"%s\": %s, expected %s", text, date, want != NULL ? want : "a refusal");
}

static void
dates_are_understood_as_people_write_them(void **state)
{
    (void)state;
    date_is("1.03.2026", "2026-03-01");
    date_is("01.03.2026", "2026-03-01");
    date_is("1-3-2026", "2026-03-01");
    date_is("2026-03-01", "2026-03-01");
    date_is("29.02.2028", "2028-02-29");
    date_is("11 listopada 2026", "2026-11-11");
    date_is("1 march 2026", "2026-03-01");
    date_is("dziś", "2026-03-02");
    date_is("wczoraj", "2026-03-01");
    date_is("Jutro", "2026-03-03");
}

static void
what_is_no_day_of_the_calendar_is_no_date(void **state)
{
    (void)state;
    date_is("29.02.2026", NULL);
    date_is("31.04.2026", NULL);
    date_is("0.01.2026", NULL);
    date_is("1.13.2026", NULL);
    date_is("1.3.26", NULL);
    date_is("1.3", NULL);
    date_is("1.03.2026 r.", NULL);
    date_is("pojutrze", NULL);
    date_is("99999.1.2026", NULL);
    date_is("", NULL);
}

static unsigned
place_of(const struct message_info *message, const char *name)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++)
        if (strcmp(message->fields[i].json, name) == 0)
            return i;
    fail_msg("no field %s", name);
    return 0;
}

static void
value_is(unsigned type, unsigned cls, const char *name, const char *text, const char *want)
{
    const struct message_info *message = type_by_number(type)->body[cls];
    unsigned place = place_of(message, name);
    json_t *value = answer_value(text, &message->desc->fields[place], &message->fields[place], TODAY);
    char *got = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0))
        fail_msg("%s \"%s\": %s", name, text, got != NULL ? got : "nothing");
    free(got);
    json_decref(value);
}

static void
codes_are_chosen_by_number_word_or_label(void **state)
{
    (void)state;
    value_is(101, 6, "paperKind", "2", "\"APPLICATION\"");
    value_is(101, 6, "paperKind", "application", "\"APPLICATION\"");
    value_is(101, 6, "paperKind", "Wniosek", "\"APPLICATION\"");
    value_is(101, 6, "paperKind", "0", NULL);
    value_is(101, 6, "paperKind", "4", NULL);
    value_is(101, 6, "paperKind", "podanie", NULL);
    value_is(101, 5, "safetyFlag", "tak", "true");
    value_is(101, 5, "safetyFlag", "n", "false");
    value_is(101, 5, "safetyFlag", "może", NULL);
}

static void
times_are_those_of_polish_clocks(void **state)
{
    (void)state;
    value_is(601, 0, "startsAt", "1.03.2026 8:30", "\"2026-03-01T08:30:00+01:00\"");
    value_is(601, 0, "startsAt", "1.07.2026, 17:05", "\"2026-07-01T17:05:00+02:00\"");
    value_is(601, 0, "startsAt", "29.03.2026 1:59", "\"2026-03-29T01:59:00+01:00\"");
    value_is(601, 0, "startsAt", "29.03.2026 3:00", "\"2026-03-29T03:00:00+02:00\"");
    value_is(601, 0, "startsAt", "2026-03-01T08:30:00Z", "\"2026-03-01T08:30:00Z\"");
    value_is(601, 0, "startsAt", "1.03.2026 24:00", NULL);
    value_is(601, 0, "startsAt", "1.03.2026", NULL);
}

static enum error_code
checked(unsigned type, unsigned cls, const char *name, const char *text)
{
    const struct message_info *message = type_by_number(type)->body[cls];
    struct refusal refusal = {.code = E_NONE};
    struct arena *arena;
    json_t *value = json_string(text);
    int rc;

    assert_int_equal(arena_create(&arena, 1u << 16), 0);
    rc = answer_check(value, message, place_of(message, name), arena, &refusal);
    assert_int_equal(rc, refusal.code == E_NONE ? 0 : -EBADMSG);
    json_decref(value);
    arena_destroy(&arena);
    return refusal.code;
}

static void
what_the_broker_refuses_is_refused_at_once(void **state)
{
    (void)state;
    assert_int_equal(checked(101, 0, "referralId", "5f0c3f8e-3c1b-4f0e-9d55-0c6a4b8f1a11"), E_NONE);
    assert_int_equal(checked(101, 0, "referralId", "abc"), E_FIELD);
    assert_int_equal(checked(101, 0, "conditionsCheckedBy", "44051401359"), E_PERSONAL_DATA);
    assert_int_equal(checked(101, 6, "reasonCodes", "brak-opieki"), E_NONE);
    assert_int_equal(checked(101, 6, "reasonCodes", "dwa słowa"), E_FIELD);
    assert_int_equal(checked(101, 7, "address", "dwa\nwiersze"), E_FIELD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_understood_as_people_write_them),
        cmocka_unit_test(what_is_no_day_of_the_calendar_is_no_date),
        cmocka_unit_test(codes_are_chosen_by_number_word_or_label),
        cmocka_unit_test(times_are_those_of_polish_clocks),
        cmocka_unit_test(what_the_broker_refuses_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
