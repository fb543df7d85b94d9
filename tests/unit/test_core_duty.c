/* What core.h says of on whom a deadline falls within a unit and after it, and of the next step that an answer
 * announced. */
#include "test_core_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

#define CLOCKS_OF_TEST_MAX 32u

static struct kit_record *
say(struct kit *k, const char *unit, const char *type, char dossier, const char *sections)
{
    return KIT_SAY(k, unit, type, dossier, "", sections, NULL, NULL);
}

/* ---- on whom a deadline falls */

static struct core_clock
clock_of(struct kit *k, const char *asker, enum clock_id id)
{
    static struct core_clock found[CLOCKS_OF_TEST_MAX];
    struct core_clocks_at at = {0};
    size_t count = core_clocks(k->core, kit_index(k, asker), &at, found, CLOCKS_OF_TEST_MAX), i = 0;

    while (i < count && found[i].clock != id)
        i++;
    assert_true(i < count);
    return found[i];
}

static const char *
worker_of(struct kit *k, const char *asker, enum clock_id id)
{
    struct core_clock clock = clock_of(k, asker, id);

    return clock.worker == NULL ? "-" : clock.worker;
}

static void
worker_set(struct kit *k, const char *role, const char *person, const char *kind, const char *until)
{
    char sections[240];

    (void)snprintf(sections, sizeof sections,
                   "0{'role':'%s','personRef':'%s','unit':'sw','kind':'%s','from':'2026-02-01'%s%s%s}", role, person,
                   kind, until[0] != '\0' ? ",'until':'" : "", until, until[0] != '\0' ? "'" : "");
    say(k, "sw", "case.worker_set", 'C', sections);
}

static void
a_case(struct kit *k)
{
    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw",
            "0{'informationReceivedOn':'2026-02-25'} 1@p1 6{'service':'FAMILY_ASSISTANT'}", NULL, NULL);
    say(k, "sw", "case.opened", 'C',
        "0{'openedOn':'2026-02-26','proceedingStartedOn':'2026-02-26'} 1@p1 6{'path':'ORDINARY'}");
    say(k, "sw", "case.linked", 'C', "0{'kind':'REFERRAL_OF','otherDossier':'$R'}");
}

/* The clock of the test stands at 2026-03-01. */
static void
a_deadline_falls_to_the_substitute_then_to_the_worker_then_to_the_unit(void **state)
{
    struct kit *k = *state;

    a_case(k);
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "-"); /* nobody is named: the unit's */
    worker_set(k, "SW", "anna", "MAIN", "");
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "anna");
    assert_false(clock_of(k, "sw", CLOCK_D1).substitute);
    worker_set(k, "SW", "ewa", "SUBSTITUTE", "2026-03-20");
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "ewa");
    assert_true(clock_of(k, "sw", CLOCK_D1).substitute);
    k->now_ms += 30ull * 86400000u; /* her time is over with the next record of a later day */
    (void)kit_referral(k, 'X', "sw");
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "anna");
}

static void
a_deadline_falls_to_who_does_such_things(void **state)
{
    struct kit *k = *state;

    a_case(k);
    worker_set(k, "OSL", "ola", "MAIN", ""); /* makes no interviews */
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "-");
    worker_set(k, "SW", "anna", "MAIN", "");
    assert_string_equal(worker_of(k, "sw", CLOCK_D1), "anna");
}

static void
a_worker_is_told_to_the_own_agency_alone(void **state)
{
    struct kit *k = *state;

    kit_unit(k, "clerk", "op", "CLERK");
    a_case(k);
    worker_set(k, "SW", "anna", "MAIN", "");
    assert_string_equal(worker_of(k, "dir", CLOCK_D1), "anna");
    assert_string_equal(worker_of(k, "clerk", CLOCK_D1), "-");
}

static void
a_deadline_falls_to_the_assistants_unit_where_the_holder_does_no_such_thing(void **state)
{
    struct kit *k = *state;
    struct core_unit unit;

    a_case(k);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa','assignedOn':'2026-03-01'}",
            "'lateEntry':true", NULL);
    core_unit(k->core, clock_of(k, "fa", CLOCK_D4).unit, &unit); /* assessments are made by assistants */
    assert_string_equal(unit.id, "fa");
    core_unit(k->core, clock_of(k, "sw", CLOCK_D4).unit, &unit);
    assert_string_equal(unit.id, "fa");
    core_unit(k->core, clock_of(k, "sw", CLOCK_D11).unit, &unit); /* and a case is closed by who leads it */
    assert_string_equal(unit.id, "sw");
}

static const char *
head_of(struct kit *k, const char *asker)
{
    struct core_clock clock = clock_of(k, asker, CLOCK_D1);
    static struct core_unit unit;

    if (clock.head == CORE_UNIT_NONE)
        return "-";
    core_unit(k->core, clock.head, &unit);
    return unit.id;
}

static void
suspended(struct kit *k, const char *unit, bool on)
{
    char sections[80];

    (void)snprintf(sections, sizeof sections, "0{'unitId':'%s'%s}", unit, on ? ",'reason':'x'" : "");
    KIT_SAY(k, "adm", on ? "sys.unit_suspended" : "sys.unit_resumed", 0, "", sections, NULL, NULL);
}

static void
who_stands_in_is_the_nearest_head_above_else_the_director(void **state)
{
    struct kit *k = *state;

    a_case(k);
    assert_string_equal(head_of(k, "sw"), "dir");
    assert_false(clock_of(k, "dir", CLOCK_D1).suspended);
    suspended(k, "sw", true);
    assert_true(clock_of(k, "dir", CLOCK_D1).suspended); /* the head has it at once */
    suspended(k, "sw", false);
    suspended(k, "dir", true);
    assert_string_equal(head_of(k, "sw"), "-"); /* there is no other */
}

static void
a_head_above_comes_before_the_director(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "adm", "sys.unit_enrolled", 0, "",
            "0{'unitId':'team','agencyId':'cus','name':'T','roles':['HEAD'],'key':'"
            "0000000000000000000000000000000000000001'}",
            NULL, NULL);
    KIT_SAY(
        k, "adm", "sys.unit_enrolled", 0, "",
        "0{'unitId':'sw3','agencyId':'cus','name':'S','roles':['SW'],'parent':'team','key':'00000000000000000000000000"
        "00000000000002'}",
        NULL, NULL);
    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw3",
            "0{'informationReceivedOn':'2026-02-25'} 1@p1 6{'service':'FAMILY_ASSISTANT'}", NULL, NULL);
    assert_string_equal(head_of(k, "sw3"), "team");
    assert_string_equal(head_of(k, "team"), "team");
    suspended(k, "team", true);
    assert_string_equal(head_of(k, "sw3"), "dir");
}

/* ---- the next step that was announced */

static const char *
next_of(struct kit *k, const char *unit)
{
    static char text[80];
    struct core_course course;
    struct core_unit next = {.id = "-"};
    uint8_t id[16];

    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    assert_int_equal(core_course(k->core, kit_index(k, unit), id, &course), 1);
    if (course.next_unit != CORE_UNIT_NONE)
        core_unit(k->core, course.next_unit, &next);
    (void)snprintf(text, sizeof text, "%s%s%s", next.id, course.next_due[0] != '\0' ? " " : "", course.next_due);
    return text;
}
#define NEXT(text) assert_string_equal(next_of(k, "sw"), text)

#define ANSWER(status, next) "0{'outcome':'TAKEN_UP','answeredOn':'2026-03-01'} 6{'status':'" status "'" next "}"
#define NEXT_FA              ",'nextAction':{'unit':'fa','due':'2026-03-20'}"
#define NEXT_SW              ",'nextAction':{'unit':'sw','due':'2026-03-21'}"

static void
referred(struct kit *k)
{
    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw",
            "0{'informationReceivedOn':'2026-02-25'} 1@p1 6{'service':'FAMILY_ASSISTANT'}", NULL, NULL);
}

static void
taken_up(struct kit *k)
{
    say(k, "sw", "case.opened", 'C', "0{'openedOn':'2026-02-26'} 1@p1 6{'path':'ORDINARY'}");
    say(k, "sw", "case.linked", 'C', "0{'kind':'REFERRAL_OF','otherDossier':'$R'}");
}

static void
an_announced_step_stands_until_its_unit_takes_it(void **state)
{
    struct kit *k = *state;

    referred(k);
    say(k, "sw", "referral.answered", 'R', ANSWER("accepted", NEXT_SW));
    NEXT("sw 2026-03-21");
    taken_up(k);
    NEXT("sw 2026-03-21"); /* opening and linking a case is no work with the family */
    say(k, "sw", "case.interview_completed", 'C', "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}");
    NEXT("sw"); /* the holder's turn, without a date */
}

static void
a_step_of_another_unit_is_its_own_to_take(void **state)
{
    struct kit *k = *state;

    referred(k);
    say(k, "sw", "referral.answered", 'R', ANSWER("accepted", NEXT_FA));
    taken_up(k);
    say(k, "sw", "case.interview_completed", 'C', "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}");
    NEXT("fa 2026-03-20");
    say(k, "sw", "case.assistant_requested", 'C', "0 6");
    say(k, "dir", "case.assistant_assigned", 'C', "0{'unit':'fa','assignedOn':'2026-03-03'}");
    NEXT("fa 2026-03-20");
    say(k, "fa", "meeting.held", 'C',
        "0{'meetingId':'$m','heldOn':'2026-03-05'} 6{'kind':'FIRST_CONTACT','attendance':[{'role':'SW','signed':true},"
        "{'role':'FA','signed':true}]}");
    NEXT("sw");
}

static void
a_step_that_was_recalled_was_not_taken(void **state)
{
    struct kit *k = *state;
    const struct kit_record *talk;

    referred(k);
    say(k, "sw", "referral.answered", 'R', ANSWER("accepted", NEXT_SW));
    taken_up(k);
    talk = say(k, "sw", "case.interview_completed", 'C',
               "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}");
    NEXT("sw");
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0", kit_correcting(talk, "ENTERED_IN_ERROR"), NULL);
    NEXT("sw 2026-03-21");
}

static void
a_new_answer_or_the_end_takes_an_announced_step_away(void **state)
{
    struct kit *k = *state;

    referred(k);
    say(k, "sw", "referral.answered", 'R', ANSWER("received", NEXT_SW));
    NEXT("sw 2026-03-21");
    say(k, "sw", "referral.answered", 'R', ANSWER("on-hold", ""));
    NEXT("sw");
    say(k, "sw", "referral.answered", 'R', ANSWER("accepted", NEXT_FA));
    NEXT("fa 2026-03-20");
    say(k, "sw", "referral.completed", 'R', "0{'outcome':'DONE','completedOn':'2026-03-02'} 6{'status':'completed'}");
    NEXT("-");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_falls_to_the_substitute_then_to_the_worker_then_to_the_unit),
        TEST(a_deadline_falls_to_who_does_such_things),
        TEST(a_worker_is_told_to_the_own_agency_alone),
        TEST(a_deadline_falls_to_the_assistants_unit_where_the_holder_does_no_such_thing),
        TEST(who_stands_in_is_the_nearest_head_above_else_the_director),
        TEST(a_head_above_comes_before_the_director),
        TEST(an_announced_step_stands_until_its_unit_takes_it),
        TEST(a_step_of_another_unit_is_its_own_to_take),
        TEST(a_step_that_was_recalled_was_not_taken),
        TEST(a_new_answer_or_the_end_takes_an_announced_step_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
