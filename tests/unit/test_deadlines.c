/*
 * What deadlines.h and clerk.h say: settings, due days and reminders, what there is to tell. Dates were worked out by
 * hand, with the holidays that are installed.
 */
#include "agents/clerk.h"
#include "proto/date.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct calendar calendar;

static int
setup(void **state)
{
    char path[4096], text[CALENDAR_TEXT_MAX];
    unsigned line = 0;
    size_t len;
    FILE *in;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/agents/holidays.pl", getenv("WICI_SOURCE"));
    in = fopen(path, "re");
    assert_non_null(in);
    len = fread(text, 1, sizeof text, in);
    (void)fclose(in);
    assert_int_equal(calendar_parse(&calendar, text, len, &line), 0);
    return 0;
}

static int32_t
day(const char *text)
{
    int32_t value = DATE_NONE;

    if (text[0] != '\0' && date_parse(text, &value) != 0)
        fail_msg("%s is no day", text);
    return value;
}

static const char *
shown(int32_t value)
{
    static char text[4][DATE_TEXT_SIZE];
    static unsigned turn;
    char *ret = text[turn++ % 4];

    date_format(value, ret);
    return ret;
}

static void
parse(struct deadline_settings *settings, const char *text)
{
    unsigned line = 0;

    if (deadline_settings_parse(settings, text, strlen(text), &line) != 0)
        fail_msg("line %u of: %s", line, text);
}

/* ---- the table alone */

static const struct {
    const char *clock, *started, *named, *due, *reminds;
} table[] = {
    {"D1", "2026-03-02", "", "2026-03-16", "2026-03-09 2026-03-14"},
    {"D1", "2026-03-21", "", "2026-04-07", "2026-03-28 2026-04-02"}, /* 4 April is the Saturday before Easter Monday */
    {"D2", "2026-01-08", "", "2026-02-09", "2026-01-28 2026-02-04"}, /* 7 February is a Saturday */
    {"D3", "2026-01-05", "", "2026-02-04", "2026-01-20 2026-01-30"},
    {"D4", "2025-08-31", "", "2026-02-28", "2026-01-28"}, /* a month's last day; a Saturday is not moved */
    {"D6", "2026-01-30", "2026-07-31", "2026-07-31", "2026-07-01 2026-07-24"},
    {"D7", "2026-07-31", "", "2026-08-14", "2026-08-14"},
    {"D9", "2026-01-31", "", "2026-04-30", "2026-04-09"},
    {"D10", "2026-01-31", "", "2026-02-28", "2026-02-21"},
    {"D11", "2024-02-29", "", "2026-02-28", "2025-12-28"},
    {"D12", "2026-03-11", "2026-03-25", "2026-03-25", "2026-03-18 2026-03-23"},
    {"D13", "2026-12-23", "", "2026-12-30", "2026-12-30"}, /* 24 to 26 December are holidays, 27 a Sunday */
    {"D13", "2024-12-23", "", "2024-12-30", "2024-12-30"}, /* in 2024 the 24th was a working day, 28 and 29 a weekend */
    {"D14", "2026-06-01", "2026-09-01", "2026-09-01", "2026-08-25"},
    {"D15", "2026-04-30", "", "2026-05-07", "2026-05-07"},
    {"D16", "2026-03-01", "2026-04-01", "2026-04-01", "2026-03-29"},
    {"D17", "2026-03-11", "2026-12-31", "2026-12-31", "2026-12-01"},
    {"D18", "2026-06-03", "", "2026-06-05", "2026-06-03"}, /* Corpus Christi is on 4 June */
    {"D19", "2026-03-11", "2026-06-11", "2026-06-11", "2026-05-28 2026-06-08"},
};

static void
plan_is(const struct deadline_settings *settings, const struct deadline *deadline, const char *due, const char *reminds)
{
    struct deadline_plan plan;
    char text[64] = "";

    deadline_plan(settings, &calendar, deadline, &plan);
    for (unsigned i = 0; i < plan.remind_count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? " " : "",
                       shown(plan.reminds[i]));
    if (!plan.on || plan.due != day(due) || strcmp(text, reminds) != 0)
        fail_msg("%s from %s: due %s, not %s; reminders %s, not %s", clock_info(deadline->clock)->id,
                 shown(deadline->started), shown(plan.due), due, text, reminds);
}

static void
due_days_and_reminders_are_those_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        plan_is(NULL,
                &(struct deadline){.clock = clock_by_name(table[i].clock),
                                   .agency = "cus",
                                   .started = day(table[i].started),
                                   .named = day(table[i].named)},
                table[i].due, table[i].reminds);
}

static void
an_urgent_one_has_the_shorter_term(void **state)
{
    (void)state;
    plan_is(NULL,
            &(struct deadline){
                .clock = CLOCK_D15, .agency = "", .started = day("2026-04-30"), .named = DATE_NONE, .urgent = true},
            "2026-05-04", "2026-05-04"); /* 1 and 3 May are holidays, 2 a Saturday */
}

/* ---- settings */

static const struct deadline d1 = {
    .clock = CLOCK_D1, .agency = "cus", .started = 20514 /* 2026-03-02 */, .named = DATE_NONE};

static void
a_setting_says_what_differs(void **state)
{
    struct deadline_settings settings;

    (void)state;
    parse(&settings, "# ours\n\nD1 term 14 WORKING_DAYS urgent 2 WORKING_DAYS # of the regulation\n");
    plan_is(&settings, &d1, "2026-03-20", "2026-03-09 2026-03-14");
    deadline_settings_free(&settings);
    parse(&settings, "D1 remind 1 DAYS BEFORE remind 5 BEFORE");
    plan_is(&settings, &d1, "2026-03-16", "2026-03-11 2026-03-15");
    deadline_settings_free(&settings);
    parse(&settings, "D1 term 12 DAYS shift no\r\nD1 remind 0 AFTER\n");
    plan_is(&settings, &d1, "2026-03-14", "2026-03-02");
    deadline_settings_free(&settings);
}

static void
one_for_an_agency_counts_before_one_for_all(void **state)
{
    struct deadline_settings settings;
    struct deadline_plan plan;
    struct deadline other = d1;

    (void)state;
    other.agency = "ops";
    parse(&settings, "agency cus D1 term 20 DAYS\nD1 off\nagency gops D1 term 3 DAYS\n");
    plan_is(&settings, &d1, "2026-03-23", "2026-03-09 2026-03-14"); /* 22 March is a Sunday */
    deadline_plan(&settings, &calendar, &other, &plan);
    assert_false(plan.on);
    deadline_settings_free(&settings);
    parse(&settings, "D1 term 20 DAYS\nagency cus D1 off\nagency cus D1 on\n");
    plan_is(&settings, &d1, "2026-03-23", "2026-03-09 2026-03-14");
    deadline_settings_free(&settings);
}

static void
a_reminder_that_falls_behind_the_day_is_none(void **state)
{
    struct deadline_settings settings;

    (void)state;
    parse(&settings, "D1 term 2 WORKING_DAYS");
    plan_is(&settings, &d1, "2026-03-04", "");
    deadline_settings_free(&settings);
}

static void
what_cannot_be_understood_is_refused_with_its_line(void **state)
{
    static const char *const wrong[] = {
        "D1",
        "D20 off",
        "D5 off", /* a check */
        "D1 of",
        "D1 off now",
        "D1 term",
        "D1 term 0 DAYS",
        "D1 term 3661 DAYS",
        "D1 term -1 DAYS",
        "D1 term 1 WEEKS",
        "D1 term 1 DAYS term 2 DAYS",
        "D1 shift maybe",
        "D1 remind 1 AFTER remind 2 AFTER remind 3 AFTER",
        "D1 remind 1",
        "D1 remind 1 WORKING_DAYS BEFORE",
        "D12 term 5 DAYS", /* the court's date */
        "D12 shift yes",
        "agency D1 off",
        "agency cus",
        "agency aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa D1 off",
    };
    struct deadline_settings settings = {.count = 7};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[200];
        unsigned line = 0;

        (void)snprintf(text, sizeof text, "D2 off\n%s\nD3 off\n", wrong[i]);
        if (deadline_settings_parse(&settings, text, strlen(text), &line) != -EINVAL || line != 2)
            fail_msg("taken, or not line 2 but %u: %s", line, wrong[i]);
    }
    assert_int_equal(settings.count, 7); /* untouched */
}

/* ---- what there is to tell */

static struct clerk_clock
clock_text(const char *more)
{
    struct clerk_clock clock;
    char json[600];

    (void)snprintf(json, sizeof json,
                   "{\"dossier\":\"d0000000-0000-7000-8000-0000000000aa\",\"agency\":\"cus\",\"clock\":\"D1\","
                   "\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\"%s}",
                   more);
    assert_int_equal(clerk_clock_read(json, &clock), 0);
    return clock;
}

static const char *
decided(const char *today, const char *more)
{
    static char text[40];
    struct clerk_clock clock = clock_text(more);
    struct deadline_plan plan;
    bool last;
    enum clerk_notice notice;

    deadline_plan(NULL, &calendar, &d1, &plan); /* reminders on the 9th and 14th, due on the 16th */
    notice = clerk_decide(&clock, &plan, day(today), &last);
    (void)snprintf(text, sizeof text, "%s%s", clerk_notice_name(notice), last ? " last" : "");
    return text;
}
#define DECIDED(today, more, what) assert_string_equal(decided(today, more), what)

static void
a_clock_is_told_of_when_its_day_comes(void **state)
{
    (void)state;
    DECIDED("2026-03-08", "", "nothing");
    DECIDED("2026-03-09", "", "approaching");
    DECIDED("2026-03-10", ",\"toldApproaching\":true", "nothing");
    DECIDED("2026-03-14", ",\"toldApproaching\":true", "approaching last");
    DECIDED("2026-03-15", "", "approaching last"); /* one for both */
    DECIDED("2026-03-16", ",\"toldApproaching\":true,\"toldLast\":true", "nothing");
    DECIDED("2026-03-17", ",\"toldApproaching\":true,\"toldLast\":true", "missed");
    DECIDED("2026-03-17", "", "missed"); /* no reminder of what is over */
    DECIDED("2026-03-18", ",\"toldMissed\":true", "nothing");
}

static void
an_end_is_told_once_and_taken_back_when_it_was_none(void **state)
{
    (void)state;
    DECIDED("2026-03-10", ",\"state\":\"met\",\"endSeq\":\"9\",\"endedOn\":\"2026-03-10\"", "met");
    DECIDED("2026-03-10", ",\"state\":\"met\",\"toldMet\":true", "nothing");
    DECIDED("2026-03-10", ",\"state\":\"cancelled\"", "cancelled");
    DECIDED("2026-03-10", ",\"state\":\"cancelled\",\"toldCancelled\":true", "nothing");
    DECIDED("2026-03-20", ",\"toldMet\":true", "cancelled");
    DECIDED("2026-03-20", ",\"toldMet\":true,\"toldMissed\":true", "cancelled");
}

static void
after_a_loss_nobody_is_told_that_a_day_was_missed(void **state)
{
    (void)state;
    DECIDED("2026-03-09", ",\"holderOnly\":true", "approaching");
    DECIDED("2026-03-17", ",\"holderOnly\":true", "nothing");
}

static void
a_clock_that_is_switched_off_is_silent_unless_something_was_told(void **state)
{
    struct deadline_plan plan = {.on = false, .due = 20528};
    struct clerk_clock clock = clock_text("");
    bool last;

    (void)state;
    assert_int_equal(clerk_decide(&clock, &plan, 20600, &last), CLERK_NOTHING);
    clock.state = CLERK_IS_CANCELLED;
    assert_int_equal(clerk_decide(&clock, &plan, 20600, &last), CLERK_NOTHING);
    clock.told_missed = true;
    assert_int_equal(clerk_decide(&clock, &plan, 20600, &last), CLERK_CANCELLED);
}

static void
the_same_notice_has_the_same_bytes_and_another_has_another_id(void **state)
{
    struct clerk_clock clock = clock_text("");
    struct deadline_plan plan;
    char *one = NULL, *two = NULL, *three = NULL;

    (void)state;
    deadline_plan(NULL, &calendar, &d1, &plan);
    assert_int_equal(clerk_event(&clock, &plan, CLERK_MISSED, false, day("2026-03-17"), &one), 0);
    assert_int_equal(clerk_event(&clock, &plan, CLERK_MISSED, false, day("2026-03-17"), &two), 0);
    assert_string_equal(one, two);
    assert_non_null(strstr(one, "\"occurredAt\":\"2026-03-16T23:00:00.000Z\"")); /* midnight in Poland */
    clock.notices = 1;
    assert_int_equal(clerk_event(&clock, &plan, CLERK_MISSED, false, day("2026-03-17"), &three), 0);
    assert_int_not_equal(strncmp(strstr(one, "eventId"), strstr(three, "eventId"), 48), 0);
    assert_int_equal(strstr(one, "eventId")[strlen("eventId\":\"") + 14], '8'); /* the version */
    free(one);
    free(two);
    free(three);
}

/* D8, D9 */
static void
a_notice_of_an_agency_names_it_and_no_dossier(void **state)
{
    static const char json[] = "{\"dossier\":\"\",\"agency\":\"cus\",\"clock\":\"D9\",\"startSeq\":\"7\","
                               "\"startedOn\":\"2026-01-31\",\"state\":\"runs\"}";
    struct deadline_plan plan;
    struct clerk_clock clock;
    char *one = NULL, *two = NULL;

    (void)state;
    assert_int_equal(clerk_clock_read(json, &clock), 0);
    deadline_plan(NULL, &calendar, &(struct deadline){CLOCK_D9, "cus", day("2026-01-31"), DATE_NONE, false}, &plan);
    assert_int_equal(clerk_event(&clock, &plan, CLERK_MISSED, false, day("2026-05-04"), &one), 0);
    assert_non_null(strstr(one, "\"agency\":\"cus\""));
    assert_non_null(strstr(one, "\"due\":\"2026-04-30\""));
    assert_null(strstr(one, "dossierId"));
    (void)strcpy(clock.agency, "mops");
    assert_int_equal(clerk_event(&clock, &plan, CLERK_MISSED, false, day("2026-05-04"), &two), 0);
    assert_int_not_equal(strncmp(strstr(one, "eventId"), strstr(two, "eventId"), 48), 0);
    free(one);
    free(two);
}

static void
what_is_no_clock_is_not_read(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"clock\":\"D1\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\"}",
        "{\"clock\":\"D1\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\"}", /* whose? */
        "{\"clock\":\"D1\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"other\"}",
        "{\"clock\":\"D0\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\"}",
        "{\"clock\":\"D1\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\"}",
        "{\"clock\":\"D1\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-32\",\"state\":\"runs\"}",
        "{\"clock\":\"D12\",\"startSeq\":\"7\",\"startedOn\":\"2026-03-02\",\"state\":\"runs\",\"named\":true}",
    };
    struct clerk_clock clock;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (clerk_clock_read(wrong[i], &clock) != -EPROTO)
            fail_msg("taken: %s", wrong[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_days_and_reminders_are_those_of_the_table),
        cmocka_unit_test(an_urgent_one_has_the_shorter_term),
        cmocka_unit_test(a_setting_says_what_differs),
        cmocka_unit_test(one_for_an_agency_counts_before_one_for_all),
        cmocka_unit_test(a_reminder_that_falls_behind_the_day_is_none),
        cmocka_unit_test(what_cannot_be_understood_is_refused_with_its_line),
        cmocka_unit_test(a_clock_is_told_of_when_its_day_comes),
        cmocka_unit_test(an_end_is_told_once_and_taken_back_when_it_was_none),
        cmocka_unit_test(after_a_loss_nobody_is_told_that_a_day_was_missed),
        cmocka_unit_test(a_clock_that_is_switched_off_is_silent_unless_something_was_told),
        cmocka_unit_test(the_same_notice_has_the_same_bytes_and_another_has_another_id),
        cmocka_unit_test(a_notice_of_an_agency_names_it_and_no_dossier),
        cmocka_unit_test(what_is_no_clock_is_not_read),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
