/* What core.h says of courses: who is told what of a referral, and whose turn it is. */
#include "test_core_kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ANSWER(status) "0{'outcome':'RECEIVED'} 6{'status':'" status "'}"

/* "outcome status case holder next due", "-" for what the unit is not told; "" when it is told of no course. */
static const char *
course(struct kit *k, const char *unit, char dossier)
{
    static char text[200];
    struct core_course c;
    struct core_unit holder = {.id = "-"}, next = {.id = "-"};
    uint8_t id[16];

    assert_int_equal(uuid_parse(kit_id(dossier), id), 0);
    if (core_course(k->core, core_unit_by_id(k->core, unit), id, &c) == 0)
        return "";
    if (c.holder != CORE_UNIT_NONE)
        core_unit(k->core, c.holder, &holder);
    if (c.next_unit != CORE_UNIT_NONE)
        core_unit(k->core, c.next_unit, &next);
    (void)snprintf(text, sizeof text, "%s %s %s %s %s %s", c.outcome[0] != '\0' ? c.outcome : "-",
                   c.referral.code[0] != '\0' ? c.referral.code : "-", c.kase.code[0] != '\0' ? c.kase.code : "-",
                   holder.id, next.id, c.next_due[0] != '\0' ? c.next_due : "-");
    return text;
}
#define IS(unit, dossier, text) assert_string_equal(course(k, unit, dossier), text)

static void
answer(struct kit *k, const char *unit, const char *sections)
{
    KIT_SAY(k, unit, "referral.answered", 'R', "", sections, NULL, NULL);
}

static void
the_referrer_is_told_the_outcome_and_nothing_else(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    IS("sch", 'R', "- - - - - -");
    answer(k, "sw", ANSWER("received"));
    IS("sch", 'R', "RECEIVED - - - - -");
    answer(k, "sw", ANSWER("accepted"));
    IS("sch", 'R', "TAKEN_UP - - - - -");
    answer(k, "sw", ANSWER("on-hold"));
    IS("sch", 'R', "RECEIVED - - - - -");
    answer(k, "sw", ANSWER("accepted"));
    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0 6{'status':'completed'}", NULL, NULL);
    IS("sch", 'R', "DONE - - - - -");
    IS("sw", 'R', "DONE completed - sw - -");
}

static void
what_waits_on_hold_and_is_then_accepted_is_accepted(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    answer(k, "sw", ANSWER("on-hold")); /* before anybody accepted it */
    IS("sch", 'R', "RECEIVED - - - - -");
    answer(k, "sw", ANSWER("accepted"));
    IS("sw", 'R', "TAKEN_UP accepted - sw sw -");
    IS("sch", 'R', "TAKEN_UP - - - - -");
}

static void
a_refusal_is_not_taken_up(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    answer(k, "sw", ANSWER("rejected"));
    IS("sch", 'R', "NOT_TAKEN_UP - - - - -");
    IS("sw", 'R', "NOT_TAKEN_UP rejected - - - -");
}

static void
the_holder_changes_on_acceptance_and_the_turn_on_sending(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    IS("sw", 'R', "- requested - - sw -");
    answer(k, "sw", ANSWER("accepted"));
    IS("sw", 'R', "TAKEN_UP accepted - sw sw -");
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL);
    IS("sw", 'R', "TAKEN_UP accepted - sw ops -");
    IS("ops", 'R', "TAKEN_UP accepted - sw ops -");
    answer(k, "ops", ANSWER("accepted"));
    IS("ops", 'R', "TAKEN_UP accepted - ops ops -");
}

static void
an_answer_says_whose_turn_it_is_and_by_when_until_it_is_sent_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said;

    kit_referral(k, 'R', "sw");
    said = KIT_SAY(k, "sw", "referral.answered", 'R', "",
                   "0{'outcome':'TAKEN_UP'} 6{'status':'accepted','nextAction':{'unit':'fa','due':'2026-04-01'}}", NULL,
                   NULL);
    IS("sw", 'R', "TAKEN_UP accepted - sw fa 2026-04-01");
    IS("dir", 'R', "TAKEN_UP accepted - sw fa 2026-04-01");
    IS("sch", 'R', "TAKEN_UP - - - - -");
    /* The answer is amended: what it said before was never said. */
    KIT_SAY(k, "sw", "referral.answered", 'R', "",
            "0{'outcome':'TAKEN_UP'} 6{'status':'accepted','nextAction':{'unit':'ic','due':'2026-04-02'}}",
            kit_correcting(said, "AMENDED"), NULL);
    IS("sw", 'R', "TAKEN_UP accepted - sw ic 2026-04-02");
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL);
    IS("sw", 'R', "TAKEN_UP accepted - sw ops -");
}

static void
an_answer_that_was_a_mistake_says_nobodys_turn(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said;

    kit_referral(k, 'R', "sw");
    said = KIT_SAY(k, "sw", "referral.answered", 'R', "",
                   "0{'outcome':'TAKEN_UP'} 6{'status':'accepted','nextAction':{'unit':'fa','due':'2026-04-01'}}", NULL,
                   NULL);
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0", kit_correcting(said, "ENTERED_IN_ERROR"), NULL);
    assert_null(strstr(course(k, "sw", 'R'), "fa"));
    assert_null(strstr(course(k, "sw", 'R'), "2026-04-01"));
}

static void
a_unit_whose_part_has_ended_is_told_how_it_stood_then(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw ops");
    answer(k, "ops", ANSWER("rejected"));
    answer(k, "sw", ANSWER("accepted"));
    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0 6{'status':'completed'}", NULL, NULL);
    IS("ops", 'R', "- requested - - sw -");
    IS("dir", 'R', "DONE completed - sw - -");
}

static void
a_mistake_is_known_to_everyone_who_was_told_of_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw");

    KIT_SAY(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(r, "ENTERED_IN_ERROR"), NULL);
    IS("sch", 'R', "- entered-in-error - - - -");
    IS("sw", 'R', "- entered-in-error - - - -");
}

static void
who_does_not_follow_it_is_told_of_no_course(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    IS("kur", 'R', "");
    IS("fa", 'R', "");
    IS("adm", 'R', "");
    IS("sw", 'X', ""); /* there is none */
}

static void
a_case_stands_beside_its_referral(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    IS("sch", 'R', "TAKEN_UP - - - - -");
    IS("sw", 'R', "TAKEN_UP in-progress - sw sw -");
    IS("sw", 'C', "- - OPENED sw - -");
    IS("sch", 'C', "");
}

/* Their roles are not given the interview, nor whether an assistant was asked for. */
static void
who_takes_part_and_may_not_read_the_answers_is_told_of_no_course(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'sch'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    IS("sch", 'C', "");
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    IS("fa", 'C', "- - ASSESSED sw - -");
}

/* "1 requested -, 2 accepted ops" */
static const char *
parts(struct kit *k, const char *unit)
{
    static char text[200];
    struct core_part found[CORE_PARTS_MAX];
    struct core_course c;
    uint8_t id[16];
    size_t count, len = 0;

    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    if (core_course(k->core, core_unit_by_id(k->core, unit), id, &c) == 0)
        return "";
    text[0] = '\0';
    count = core_course_parts(k->core, core_unit_by_id(k->core, unit), &c, found);
    for (size_t i = 0; i < count; i++) {
        struct core_unit with = {.id = "-"};

        if (found[i].unit != CORE_UNIT_NONE)
            core_unit(k->core, found[i].unit, &with);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u %s %s", i > 0 ? ", " : "", found[i].no,
                                found[i].state.code, with.id);
    }
    return text;
}

static void
parts_are_told_to_who_follows_the_whole_and_ones_own_to_who_has_them(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw", "0 1 6{'parts':[{'no':3},{'no':1},{'no':2}]}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'NO','partNos':[2]} 6", NULL, NULL);
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'svc','whole':'NO','partNos':[3]} 6", NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted','parts':[{'no':2}]}", NULL, NULL);
    assert_string_equal(parts(k, "sw"), "1 requested -, 2 accepted ops, 3 requested svc");
    assert_string_equal(parts(k, "ops"), "2 accepted ops");
    IS("ops", 'R', "- - - - - -"); /* of the whole nothing */
    assert_string_equal(parts(k, "sch"), "");
    assert_string_equal(parts(k, "kur"), "");
}

/* "FA fa-1 main*, SW sw-2 substitute": * on duty */
static const char *
workers(struct kit *k, const char *unit)
{
    static char text[400];
    struct core_worker found[16];
    struct core_course c;
    uint8_t id[16];
    size_t count, len = 0;

    assert_int_equal(uuid_parse(kit_id('C'), id), 0);
    if (core_course(k->core, core_unit_by_id(k->core, unit), id, &c) == 0)
        return "";
    text[0] = '\0';
    count = core_course_workers(k->core, &c, found, 16);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s %s%s", i > 0 ? ", " : "", found[i].role,
                                found[i].person, found[i].substitute ? "substitute" : "main",
                                found[i].on_duty ? "*" : "");
    return text;
}

static void
set_worker(struct kit *k, const char *role, const char *person, const char *kind, const char *days)
{
    char body[200];

    (void)snprintf(body, sizeof body, "0{'role':'%s','personRef':'%s','unit':'sw','kind':'%s',%s}", role, person, kind,
                   days);
    KIT_SAY(k, "sw", "case.worker_set", 'C', "", body, NULL, NULL);
}

static void
tasks_fall_to_the_substitute_of_the_day_and_else_to_the_main_worker(void **state)
{
    struct kit *k = *state;
    const struct kit_record *set;

    kit_open_case(k, "sw", 'C');
    set_worker(k, "SW", "kowal", "MAIN", "'from':'2026-01-01'");
    assert_string_equal(workers(k, "sw"), "SW kowal main*");
    set_worker(k, "SW", "nowak", "SUBSTITUTE", "'from':'2026-02-20','until':'2026-03-05'");
    set_worker(k, "SW", "zielin", "SUBSTITUTE", "'from':'2026-07-01','until':'2026-07-31'"); /* in summer */
    set_worker(k, "SW", "dawny", "SUBSTITUTE", "'from':'2026-01-01','until':'2026-01-31'");  /* over */
    assert_string_equal(workers(k, "sw"), "SW kowal main, SW nowak substitute*, SW zielin substitute");
    set_worker(k, "SW", "lipka", "MAIN", "'from':'2026-02-01'"); /* takes kowal's place */
    assert_string_equal(workers(k, "dir"), "SW lipka main, SW nowak substitute*, SW zielin substitute");
    k->now_ms += UINT64_C(10) * 86400000; /* nowak's days are over */
    KIT_SAY(k, "sw", "consent.granted", 'C', "", "0 1 6", NULL, NULL);
    assert_string_equal(workers(k, "sw"), "SW lipka main*, SW zielin substitute");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa','assistantRef':'anna'}", "'lateEntry':true",
            NULL);
    assert_string_equal(workers(k, "fa"), "SW lipka main*, SW zielin substitute, FA anna main*");
    /* Amended, and taken back. */
    set = KIT_SAY(k, "sw", "case.worker_set", 'C', "",
                  "0{'role':'IC','personRef':'x','unit':'sw','kind':'MAIN','from':'2026-01-01'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.worker_set", 'C', "",
            "0{'role':'IC','personRef':'y','unit':'sw','kind':'MAIN','from':'2026-01-01'}",
            kit_correcting(set, "AMENDED"), NULL);
    assert_string_equal(workers(k, "sw"), "SW lipka main*, SW zielin substitute, FA anna main*, IC y main*");
    KIT_SAY(k, "sw", "case.worker_set", 'C', "", "0", kit_correcting(set, "ENTERED_IN_ERROR"), NULL);
    assert_string_equal(workers(k, "sw"), "SW lipka main*, SW zielin substitute, FA anna main*");
    /* Who does not follow the case is told of none. */
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'sch'}", NULL, NULL);
    assert_string_equal(workers(k, "sch"), "");
}

static void
where_a_case_stands_is_not_told_to_a_holder_who_is_given_no_interviews(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 1 6{'path':'IPUS'}", NULL, NULL);
    IS("ic", 'C', "- - IPUS_ONLY ic - -");
    KIT_SAY(k, "ic", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    IS("ic", 'C', "- - - ic - -");
    IS("sw", 'C', "- - ASSESSED ic - -");
    KIT_SAY(k, "ic", "case.closed", 'C', "", "0 6{'reason':'NO_NEED'}", NULL, NULL);
    IS("ic", 'C', "- - CLOSED ic - -");
}

static void
referrals_are_listed_in_their_order_page_by_page(void **state)
{
    struct kit *k = *state;
    struct core_course page[2];
    uint64_t from = 0;
    unsigned seen = 0, pages = 0;
    uint32_t sw = core_unit_by_id(k->core, "sw"), sch = core_unit_by_id(k->core, "sch");

    for (char c = 'A'; c < 'F'; c++)
        kit_referral(k, c, c == 'C' ? "ops" : "sw");
    kit_open_case(k, "sw", 'Z');
    do {
        size_t count = core_referrals(k->core, sw, from, page, 2, &from);
        static const char expected[] = "ABDE";

        for (size_t i = 0; i < count; i++) {
            uint8_t id[16];

            assert_int_equal(uuid_parse(kit_id(expected[seen++]), id), 0);
            assert_memory_equal(page[i].dossier_id, id, 16);
            assert_true(page[i].received);
            assert_false(page[i].sent);
        }
        assert_true(++pages < 5);
    } while (from != 0);
    assert_int_equal(seen, 4);
    assert_int_equal(core_referrals(k->core, sch, 0, page, 2, &from), 2);
    assert_true(page[0].sent && !page[0].received);
    assert_int_equal(core_referrals(k->core, core_unit_by_id(k->core, "kur"), 0, page, 2, &from), 0);
    assert_int_equal(from, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_referrer_is_told_the_outcome_and_nothing_else),
        TEST(what_waits_on_hold_and_is_then_accepted_is_accepted),
        TEST(a_refusal_is_not_taken_up),
        TEST(the_holder_changes_on_acceptance_and_the_turn_on_sending),
        TEST(an_answer_says_whose_turn_it_is_and_by_when_until_it_is_sent_on),
        TEST(an_answer_that_was_a_mistake_says_nobodys_turn),
        TEST(a_unit_whose_part_has_ended_is_told_how_it_stood_then),
        TEST(a_mistake_is_known_to_everyone_who_was_told_of_it),
        TEST(who_does_not_follow_it_is_told_of_no_course),
        TEST(a_case_stands_beside_its_referral),
        TEST(who_takes_part_and_may_not_read_the_answers_is_told_of_no_course),
        TEST(parts_are_told_to_who_follows_the_whole_and_ones_own_to_who_has_them),
        TEST(tasks_fall_to_the_substitute_of_the_day_and_else_to_the_main_worker),
        TEST(where_a_case_stands_is_not_told_to_a_holder_who_is_given_no_interviews),
        TEST(referrals_are_listed_in_their_order_page_by_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
