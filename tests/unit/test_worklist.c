/* What worklist.h promises. */
#include "agents/worklist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/date.h"

/* 2026: 6 April is Easter Monday, 1 May a Friday. */
static const char holidays[] = "easter +1\nfixed 05-01\nfixed 05-03\n";

#define DOSSIER "5f0c3f8e-3c1b-7f0e-9d55-0c6a4b8f1a11"
#define OTHER   "7f0c3f8e-3c1b-7f0e-9d55-0c6a4b8f1a12"

static int32_t
day(const char *text)
{
    int32_t ret = 0;

    assert_int_equal(date_parse(text, &ret), 0);
    return ret;
}

static struct calendar calendar;

static int
setup(void **state)
{
    unsigned line;

    (void)state;
    return calendar_parse(&calendar, holidays, sizeof holidays - 1, &line);
}

static json_t *
parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    return json;
}

static struct deadline_settings settings;

static int
make(const char *today, const char *rules, const char *clocks, const char *courses, const char *work, json_t **ret)
{
    struct worklist_answers answers = {.clocks = parse(clocks), .courses = parse(courses), .work = parse(work)};
    struct worklist_options options = {
        .unit = "ops", .rules = rules, .calendar = &calendar, .settings = &settings, .today = day(today)};
    int rc = worklist_make(&options, &answers, ret);

    worklist_answers_free(&answers);
    return rc;
}

static json_t *
list_of(const char *today, const char *rules, const char *clocks, const char *courses)
{
    json_t *list = NULL;

    assert_int_equal(make(today, rules, clocks, courses, "[]", &list), 0);
    return list;
}

static json_t *
work_of(const char *today, const char *work)
{
    json_t *list = NULL;

    assert_int_equal(make(today, "D19", "[]", "[]", work, &list), 0);
    return list;
}

static const json_t *
task(const json_t *list, const char *part, size_t at)
{
    const json_t *found = json_array_get(json_object_get(list, part), at);

    assert_non_null(found);
    return found;
}

static const char *
text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

#define D1                                                                                                             \
    "{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startSeq\":\"12\",\"startedOn\":\"2026-03-23\",\"holder\":"       \
    "\"ops\"}"

static void
a_term_is_worked_out_with_the_calendar(void **state)
{
    json_t *list = list_of("2026-04-01", "", "[" D1 "]", "[]");
    const json_t *t = task(list, "tasks", 0);

    (void)state;
    /* 14 days after 23 March is Easter Monday: the next working day. */
    assert_string_equal(text(t, "due"), "2026-04-07");
    assert_int_equal(json_integer_value(json_object_get(t, "daysLeft")), 6);
    assert_string_equal(text(t, "rule"), "D1");
    assert_string_equal(text(t, "source"), "OPS Czechowice-Dziedzice, 2 (A2)");
    assert_string_equal(text(t, "since"), "2026-03-23");
    assert_int_equal(json_integer_value(json_object_get(t, "seq")), 12);
    assert_string_equal(json_string_value(json_array_get(json_object_get(t, "closedBy"), 0)),
                        "case.interview_completed");
    assert_string_equal(text(list, "asOf"), "2026-04-01");
    json_decref(list);
}

static void
the_urgent_term_is_the_shorter_one(void **state)
{
    json_t *list = list_of("2026-04-30", "",
                           "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D15\",\"startSeq\":\"3\",\"startedOn\":"
                           "\"2026-04-30\",\"urgent\":true,\"holder\":\"ops\"}]",
                           "[]");

    (void)state;
    assert_string_equal(text(task(list, "tasks", 0), "due"), "2026-05-04"); /* over 1 May and a week end */
    json_decref(list);
}

static void
a_date_that_was_told_is_taken_as_it_is(void **state)
{
    json_t *list = list_of("2026-04-01", "",
                           "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startSeq\":\"12\",\"startedOn\":"
                           "\"2026-03-23\",\"due\":\"2026-03-30\",\"holder\":\"ops\"}]",
                           "[]");

    (void)state;
    assert_string_equal(text(task(list, "tasks", 0), "due"), "2026-03-30");
    json_decref(list);
}

static void
the_overdue_come_first(void **state)
{
    json_t *list = list_of("2026-04-10", "",
                           "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D12\",\"startSeq\":\"20\",\"startedOn\":"
                           "\"2026-03-23\",\"due\":\"2026-04-11\",\"holder\":\"ops\"},"
                           "{\"dossier\":\"" OTHER "\",\"clock\":\"D12\",\"startSeq\":\"19\",\"startedOn\":"
                           "\"2026-03-23\",\"due\":\"2026-04-11\",\"holder\":\"ops\"}," D1 "]",
                           "[]");

    (void)state;
    assert_string_equal(text(task(list, "tasks", 0), "rule"), "D1");
    assert_string_equal(text(task(list, "tasks", 1), "dossier"), OTHER);
    assert_string_equal(text(task(list, "tasks", 2), "dossier"), DOSSIER);
    json_decref(list);
}

static void
what_is_another_units_or_no_work_of_this_office_is_apart(void **state)
{
    static const char clocks[] = "[" D1 ",{\"dossier\":\"" OTHER "\",\"clock\":\"D1\",\"startSeq\":\"9\",\"startedOn\":"
                                 "\"2026-03-23\",\"holder\":\"ops-fa\"}]";
    json_t *list = list_of("2026-04-01", "D2, D1", clocks, "[]");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "others", 0), "unit"), "ops-fa");
    json_decref(list);
    list = list_of("2026-04-01", "D15 D16", clocks, "[]"); /* D1 is neither D15 nor D16 */
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 0);
    assert_int_equal(json_array_size(json_object_get(list, "others")), 2);
    json_decref(list);
}

static void
what_was_asked_of_this_unit_is_its_work_whatever_the_office(void **state)
{
    /* Asked by who holds the dossier, which an asked unit is not told; and asked of another by this one. */
    static const char clocks[] = "[{\"dossier\":\"" DOSSIER
                                 "\",\"clock\":\"D16\",\"startSeq\":\"9\",\"item\":2,\"startedOn\":\"2026-03-23\","
                                 "\"due\":\"2026-04-10\",\"named\":true,\"unit\":\"ops\"},"
                                 "{\"dossier\":\"" OTHER
                                 "\",\"clock\":\"D15\",\"startSeq\":\"10\",\"startedOn\":\"2026-03-23\",\"due\":"
                                 "\"2026-04-11\",\"named\":true,\"holder\":\"ops\",\"unit\":\"sch\"}]";
    json_t *list = list_of("2026-04-01", "D1", clocks, "[]");
    char *title = worklist_title(task(list, "tasks", 0), NULL, true);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "tasks", 0), "rule"), "D16");
    assert_string_equal(title, "uzgodnienie ze spotkania, wiersz 2");
    assert_string_equal(text(task(list, "others", 0), "unit"), "sch");
    free(title);
    json_decref(list);
}

static void
an_offices_own_lengths_and_switches_count(void **state)
{
    static const char lines[] = "D1 term 5 DAYS\nagency cus D2 off\nD12 off\n";
    static const char clocks[] = "[" D1 ",{\"dossier\":\"" OTHER
                                 "\",\"clock\":\"D2\",\"startSeq\":\"9\",\"startedOn\":\"2026-03-23\",\"agency\":"
                                 "\"cus\",\"holder\":\"ops\"},{\"dossier\":\"" OTHER
                                 "\",\"clock\":\"D12\",\"startSeq\":\"9\",\"startedOn\":"
                                 "\"2026-03-23\",\"due\":\"2026-04-09\",\"named\":true,\"holder\":\"ops\"}]";
    unsigned line;
    json_t *list;

    (void)state;
    assert_int_equal(deadline_settings_parse(&settings, lines, sizeof lines - 1, &line), 0);
    list = list_of("2026-04-01", "", clocks, "[]");
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "tasks", 0), "rule"), "D1");
    assert_string_equal(text(task(list, "tasks", 0), "due"), "2026-03-30"); /* a Saturday: moved */
    json_decref(list);
    deadline_settings_free(&settings);
    settings = (struct deadline_settings){0};
}

static void
what_was_told_of_a_deadline_stands_whatever_the_settings(void **state)
{
    static const char lines[] = "D1 off\n";
    unsigned line;
    json_t *list;

    (void)state;
    assert_int_equal(deadline_settings_parse(&settings, lines, sizeof lines - 1, &line), 0);
    list = list_of("2026-04-01", "",
                   "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startSeq\":\"12\",\"startedOn\":\"2026-03-23\","
                   "\"due\":\"2026-03-30\",\"toldMissed\":true,\"holder\":\"ops\"}]",
                   "[]");
    assert_string_equal(text(task(list, "tasks", 0), "due"), "2026-03-30");
    assert_string_equal(text(task(list, "tasks", 0), "told"), "missed");
    json_decref(list);
    deadline_settings_free(&settings);
    settings = (struct deadline_settings){0};
}

#define WORK(kind, more)                                                                                               \
    "{\"dossier\":\"" DOSSIER "\",\"kind\":\"" kind "\",\"seq\":\"17\",\"eventId\":\"" OTHER "\",\"unit\":\"cus-sw\"," \
    "\"tsMs\":\"1774958400000\"" more "}" /* 2026-03-31 14:00 in Poland */

static void
work_without_a_deadline_is_on_the_list_with_who_asks(void **state)
{
    json_t *list = work_of("2026-04-03", "[" WORK("QUESTION", ",\"type\":\"INFO_REQUESTED\"") "]"),
           *names = parse("{\"cus-sw\":\"Zespół pracy socjalnej\"}");
    const json_t *t = task(list, "tasks", 0);
    char left[WORKLIST_LEFT_SIZE], due[WORKLIST_LEFT_SIZE], *title = worklist_title(t, names, true),
                                                            *closed = worklist_closed_by(t, true);

    (void)state;
    worklist_left(t, true, left);
    worklist_due(t, true, due);
    assert_string_equal(text(t, "kind"), "QUESTION");
    assert_string_equal(text(t, "since"), "2026-03-31");
    assert_string_equal(left, "od 3 dni");
    assert_string_equal(due, "bez terminu");
    assert_string_equal(title, "odpowiedź na prośbę o informację (od: Zespół pracy socjalnej)");
    assert_string_equal(closed, "informacja, konsultacja, sprawozdanie");
    free(title);
    free(closed);
    json_decref(names);
    json_decref(list);
}

static void
a_letter_says_for_whom_it_is(void **state)
{
    json_t *list = work_of("2026-04-01", "[" WORK("OUTSIDE", ",\"type\":\"INFO_REQUESTED\",\"agency\":\"sp3\"") "]");
    const json_t *t = task(list, "tasks", 0);
    char *title = worklist_title(t, NULL, false);
    struct page_options options = {.polish = true};
    char *page = NULL;

    (void)state;
    assert_non_null(strstr(title, "print and send: "));
    assert_non_null(strstr(title, " (for: sp3)"));
    assert_int_equal(worklist_page(list, NULL, &options, &page), 0);
    assert_non_null(strstr(page, "wici outside page " OTHER " --agency sp3<")); /* who serves several says which */
    free(page);
    free(title);
    json_decref(list);
}

/* What an agency without the system is to answer is ours to enter, whatever kind of office this is. */
static void
what_an_agency_that_is_served_owes_is_ours(void **state)
{
    json_t *list = NULL, *names = parse("{\"sp3\":\"Szkoła nr 3\"}");
    const json_t *t;
    char *title;

    (void)state;
    assert_int_equal(make("2026-04-01", "D19",
                          "[{\"dossier\":\"" OTHER "\",\"clock\":\"D15\",\"startSeq\":\"7\",\"startedOn\":"
                          "\"2026-03-23\",\"due\":\"2026-04-08\",\"named\":true,\"unit\":\"sp3\","
                          "\"served\":true}]",
                          "[{\"dossier\":\"" DOSSIER "\",\"openedSeq\":\"9\",\"nextUnit\":\"sp3\",\"nextSaid\":true,"
                          "\"nextServed\":true,\"opened\":\"2026-03-30T10:00:00Z\"}]",
                          "[" WORK("QUESTION", ",\"type\":\"INFO_REQUESTED\",\"agency\":\"sp3\"") "]", &list),
                     0);
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 3);
    assert_int_equal(json_array_size(json_object_get(list, "others")), 0);
    for (size_t i = 0; i < 3; i++) {
        t = task(list, "tasks", i);
        title = worklist_title(t, names, true);
        assert_string_equal(text(t, "unit"), "ops");
        assert_string_equal(text(t, "for"), "sp3");
        assert_non_null(strstr(title, " (w imieniu: Szkoła nr 3)"));
        free(title);
    }
    json_decref(names);
    json_decref(list);
}

/* Our own stands among our tasks, what falls to another unit apart. */
static void
a_row_without_a_date_says_which_and_on_whom_it_falls(void **state)
{
    json_t *list = work_of("2026-04-03",
                           "[" WORK("ROW", ",\"item\":2") "," WORK("ROW", ",\"item\":3,\"fallsTo\":\"sch\"") "]");
    char *title = worklist_title(task(list, "tasks", 0), NULL, true), due[WORKLIST_LEFT_SIZE];

    (void)state;
    assert_non_null(strstr(title, "uzgodnienie ze spotkania, wiersz 2"));
    worklist_due(task(list, "tasks", 0), true, due);
    assert_string_equal(due, "bez terminu");
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "others", 0), "unit"), "sch");
    free(title);
    json_decref(list);
}

static void
an_announced_step_without_a_date_is_a_task_and_of_another_unit_the_holders_to_know(void **state)
{
    json_t *list = list_of("2026-04-01", "", "[]",
                           "[{\"dossier\":\"" DOSSIER "\",\"openedSeq\":\"4\",\"nextUnit\":\"ops\",\"nextSaid\":true,"
                           "\"opened\":\"2026-03-30T10:00:00Z\"},{\"dossier\":\"" OTHER "\",\"openedSeq\":\"5\","
                           "\"nextUnit\":\"ops-fa\",\"nextDue\":\"2026-04-02\",\"holder\":\"ops\"}]");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_int_equal(json_integer_value(json_object_get(task(list, "tasks", 0), "waits")), 2);
    assert_string_equal(text(task(list, "others", 0), "unit"), "ops-fa");
    json_decref(list);
}

static void
an_invitation_goes_with_its_day_and_a_meeting_that_was_not_recorded_stays(void **state)
{
    static const char work[] = "[" WORK("INVITATION",
                                        ",\"due\":\"2026-04-02\"") "," WORK("MEETING", ",\"due\":\"2026-04-02\"") "]";
    json_t *list = work_of("2026-04-02", work);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 2);
    json_decref(list);
    list = work_of("2026-04-03", work);
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "tasks", 0), "kind"), "MEETING");
    assert_int_equal(json_integer_value(json_object_get(task(list, "tasks", 0), "daysLeft")), -1);
    json_decref(list);
}

static void
what_has_no_date_stands_behind_what_is_due_today(void **state)
{
    json_t *list = NULL;

    (void)state;
    assert_int_equal(make("2026-04-07", "",
                          "[" D1 ",{\"dossier\":\"" OTHER "\",\"clock\":\"D12\",\"startSeq\":\"1\",\"startedOn\":"
                          "\"2026-03-23\",\"due\":\"2026-04-08\",\"holder\":\"ops\"}]",
                          "[]", "[" WORK("RECALL", "") "]", &list),
                     0);
    assert_string_equal(text(task(list, "tasks", 0), "rule"), "D1"); /* today */
    assert_string_equal(text(task(list, "tasks", 1), "kind"), "RECALL");
    assert_string_equal(text(task(list, "tasks", 2), "rule"), "D12"); /* tomorrow */
    json_decref(list);
}

static void
work_of_a_newer_broker_is_left_out_and_what_is_no_work_refused(void **state)
{
    json_t *list = work_of("2026-04-01", "[" WORK("DANCE", "") "]");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 0);
    json_decref(list);
    list = NULL;
    assert_int_equal(make("2026-04-01", "", "[]", "[]", "[{\"kind\":\"RECALL\"}]", &list), -EBADMSG);
    assert_int_equal(make("2026-04-01", "", "[]", "[]", "[" WORK("MEETING", ",\"due\":\"soon\"") "]", &list), -EBADMSG);
    assert_null(list);
}

static bool
is_deadline(const json_t *t, const void *arg)
{
    (void)arg;
    return strcmp(text(t, "kind"), "DEADLINE") == 0;
}

static void
ours_and_others_are_joined_in_their_order(void **state)
{
    json_t *list = NULL, *all = NULL;

    (void)state;
    assert_int_equal(make("2026-04-07", "",
                          "[" D1 ",{\"dossier\":\"" OTHER "\",\"clock\":\"D12\",\"startSeq\":\"1\",\"startedOn\":"
                          "\"2026-03-23\",\"due\":\"2026-04-01\",\"holder\":\"ops-fa\"}]",
                          "[]", "[" WORK("RECALL", "") "]", &list),
                     0);
    assert_int_equal(worklist_join(list, is_deadline, NULL, &all), 0);
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(text(json_array_get(all, 0), "rule"), "D12");
    json_decref(all);
    json_decref(list);
}

/* A deadline of ops-fa whose head is this unit. */
#define OF_FA(more)                                                                                                    \
    "[{\"dossier\":\"" OTHER                                                                                           \
    "\",\"clock\":\"D12\",\"startSeq\":\"9\",\"startedOn\":\"2026-03-23\",\"due\":\"2026-04-10\","                     \
    "\"named\":true,\"holder\":\"ops-fa\",\"unit\":\"ops-fa\",\"head\":\"ops\"" more "}]"

static void
a_task_falls_to_the_head_when_it_is_late_or_its_unit_suspended(void **state)
{
    json_t *list = list_of("2026-04-10", "D1", OF_FA(""), "[]");
    char *title;

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 0); /* it is the unit's today */
    assert_int_equal(json_array_size(json_object_get(list, "others")), 1);
    json_decref(list);
    list = list_of("2026-04-11", "D1", OF_FA(""), "[]");
    title = worklist_title(task(list, "tasks", 0), NULL, true);
    assert_string_equal(title, "opinia dla sądu (za: ops-fa, nie zrobiono w terminie)");
    free(title);
    json_decref(list);
    list = list_of("2026-03-25", "D1", OF_FA(",\"suspended\":true"), "[]");
    title = worklist_title(task(list, "tasks", 0), NULL, false);
    assert_string_equal(title, "opinion for the court (for: ops-fa, which is suspended)");
    free(title);
    json_decref(list);
}

static void
a_task_says_on_whom_it_falls(void **state)
{
    json_t *list = list_of(
        "2026-04-10", "",
        "[{\"dossier\":\"" OTHER "\",\"clock\":\"D12\",\"startSeq\":\"9\",\"startedOn\":\"2026-03-23\","
        "\"due\":\"2026-04-10\",\"named\":true,\"holder\":\"ops\",\"unit\":\"ops\",\"worker\":\"p-7\","
        "\"substitute\":true}]",
        "[]");
    char *title = worklist_title(task(list, "tasks", 0), NULL, true);

    (void)state;
    assert_string_equal(title, "opinia dla sądu, pracownik: p-7 (zastępstwo)");
    free(title);
    json_decref(list);
}

static void
after_a_loss_nobody_is_pressed(void **state)
{
    json_t *list = list_of(
        "2026-04-12", "",
        "[{\"dossier\":\"" OTHER "\",\"clock\":\"D12\",\"startSeq\":\"9\",\"startedOn\":\"2026-03-23\","
        "\"due\":\"2026-04-10\",\"named\":true,\"holder\":\"ops\",\"unit\":\"ops\",\"holderOnly\":true}]",
        "[]");
    char left[WORKLIST_LEFT_SIZE];

    (void)state;
    worklist_left(task(list, "tasks", 0), true, left);
    assert_string_equal(left, "gdy to będzie możliwe");
    json_decref(list);
}

static void
the_next_step_an_answer_announced_is_a_task(void **state)
{
    json_t *list = list_of("2026-04-01", "", "[]",
                           "[{\"dossier\":\"" DOSSIER "\",\"openedSeq\":\"4\",\"nextUnit\":\"ops\",\"nextDue\":"
                           "\"2026-04-02\"},{\"dossier\":\"" OTHER "\",\"openedSeq\":\"5\",\"nextUnit\":\"ops-fa\","
                           "\"nextDue\":\"2026-04-02\"},{\"dossier\":\"" OTHER "\",\"openedSeq\":\"6\",\"nextUnit\":"
                           "\"ops\"}]");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 1);
    assert_string_equal(text(task(list, "tasks", 0), "due"), "2026-04-02");
    assert_string_equal(text(task(list, "tasks", 0), "dossier"), DOSSIER);
    assert_int_equal(json_array_size(json_object_get(task(list, "tasks", 0), "closedBy")), 2); /* or a new answer */
    json_decref(list);
}

static void
what_is_no_answer_of_the_broker_is_refused(void **state)
{
    static const char *const wrong[] = {
        "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startSeq\":\"12\",\"holder\":\"ops\"}]",
        "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startSeq\":\"12\",\"startedOn\":\"2026-02-30\"}]",
        "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D12\",\"startSeq\":\"12\",\"startedOn\":\"2026-03-01\"}]",
        "[{\"dossier\":\"" DOSSIER "\",\"clock\":\"D1\",\"startedOn\":\"2026-03-01\",\"due\":\"soon\"}]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *list = NULL;

        assert_int_equal(make("2026-04-01", "", wrong[i], "[]", "[]", &list), -EBADMSG);
        assert_null(list);
    }
}

static void
a_clock_of_a_newer_broker_is_left_out(void **state)
{
    json_t *list = list_of("2026-04-01", "", "[{\"clock\":\"D99\",\"startedOn\":\"2026-03-01\"}]", "[]");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(list, "tasks")), 0);
    assert_int_equal(json_array_size(json_object_get(list, "others")), 0);
    json_decref(list);
}

static void
rules_are_names_of_clocks(void **state)
{
    const char *word;
    size_t len;

    (void)state;
    assert_true(worklist_rules_check("", &word, &len));
    assert_true(worklist_rules_check(" D1, D15 ,D19", &word, &len));
    assert_false(worklist_rules_check("D1 D20", &word, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(word, "D20", 3);
    assert_false(worklist_rules_check("interviews-of-all-kinds", &word, &len));
}

static void
how_long_is_left_reads_well(void **state)
{
    static const struct {
        json_int_t days;
        const char *pl, *en;
    } rows[] = {
        {-12, "12 dni po terminie", "12 days late"},
        {-1, "1 dzień po terminie", "1 day late"},
        {0, "dziś", "today"},
        {1, "jutro", "tomorrow"},
        {2, "za 2 dni", "in 2 days"},
        {30, "za 30 dni", "in 30 days"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *t = json_pack("{s:I}", "daysLeft", rows[i].days);
        char left[WORKLIST_LEFT_SIZE];

        worklist_left(t, true, left);
        assert_string_equal(left, rows[i].pl);
        worklist_left(t, false, left);
        assert_string_equal(left, rows[i].en);
        json_decref(t);
    }
}

static void
the_page_has_every_task_and_escapes(void **state)
{
    json_t *list = list_of("2026-04-20", "", "[" D1 "]", "[]"), *files = parse("{\"12\":\"inbox/12-<x>.html\"}");
    struct page_options options = {.header = "Ośrodek <b>\u202e", .polish = true};
    char *page = NULL;

    (void)state;
    assert_int_equal(worklist_page(list, files, &options, &page), 0);
    assert_non_null(strstr(page, "wt. 7.04.2026<br><b>13 dni po terminie</b></td><td>wywiad środowiskowy "));
    assert_non_null(strstr(page, "<p>Jednostka: ops. Stan na: pon. 20.04.2026")); /* it may lie beside another unit's */
    assert_non_null(strstr(page, "<thead>")); /* so that its titles stand on each sheet */
    assert_non_null(strstr(page, "wywiad środowiskowy przeprowadzony"));
    assert_non_null(strstr(page, "<a href=\"inbox/12-&lt;x&gt;.html\">" DOSSIER "</a>"));
    assert_non_null(strstr(page, "Ośrodek &lt;b&gt;[U+202E]"));
    assert_null(strstr(page, "pilnują inni"));
    free(page);
    json_decref(list);
    list = list_of("2026-04-20", "", "[]", "[]");
    assert_int_equal(worklist_page(list, NULL, &options, &page), 0);
    assert_non_null(strstr(page, "Nic nie czeka."));
    free(page);
    json_decref(list);
    json_decref(files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_is_worked_out_with_the_calendar),
        cmocka_unit_test(the_urgent_term_is_the_shorter_one),
        cmocka_unit_test(a_date_that_was_told_is_taken_as_it_is),
        cmocka_unit_test(the_overdue_come_first),
        cmocka_unit_test(what_is_another_units_or_no_work_of_this_office_is_apart),
        cmocka_unit_test(what_was_asked_of_this_unit_is_its_work_whatever_the_office),
        cmocka_unit_test(an_offices_own_lengths_and_switches_count),
        cmocka_unit_test(what_was_told_of_a_deadline_stands_whatever_the_settings),
        cmocka_unit_test(work_without_a_deadline_is_on_the_list_with_who_asks),
        cmocka_unit_test(a_letter_says_for_whom_it_is),
        cmocka_unit_test(what_an_agency_that_is_served_owes_is_ours),
        cmocka_unit_test(a_row_without_a_date_says_which_and_on_whom_it_falls),
        cmocka_unit_test(an_announced_step_without_a_date_is_a_task_and_of_another_unit_the_holders_to_know),
        cmocka_unit_test(an_invitation_goes_with_its_day_and_a_meeting_that_was_not_recorded_stays),
        cmocka_unit_test(what_has_no_date_stands_behind_what_is_due_today),
        cmocka_unit_test(work_of_a_newer_broker_is_left_out_and_what_is_no_work_refused),
        cmocka_unit_test(ours_and_others_are_joined_in_their_order),
        cmocka_unit_test(a_task_falls_to_the_head_when_it_is_late_or_its_unit_suspended),
        cmocka_unit_test(a_task_says_on_whom_it_falls),
        cmocka_unit_test(after_a_loss_nobody_is_pressed),
        cmocka_unit_test(the_next_step_an_answer_announced_is_a_task),
        cmocka_unit_test(what_is_no_answer_of_the_broker_is_refused),
        cmocka_unit_test(a_clock_of_a_newer_broker_is_left_out),
        cmocka_unit_test(rules_are_names_of_clocks),
        cmocka_unit_test(how_long_is_left_reads_well),
        cmocka_unit_test(the_page_has_every_task_and_escapes),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
