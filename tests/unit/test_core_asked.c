/* What core.h and asked.h say of those who are asked and hold nothing: on whom a deadline falls. */
#include "test_core_asked_kit.h"

#include <string.h>

/* ---- questions */

static void
a_question_falls_to_who_was_asked_and_not_to_who_holds(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = asked_question(k, "sch", "2026-03-20");
    CLOCKS("sch", "D15 sch (-)"); /* it sees no case, nor who leads it */
    CLOCKS("sw", "D15 sch (sw)");
    CLOCKS("clerk", "D15 sch (sw)");
    CLOCKS("dir", ""); /* questions are not the office's */
    CLOCKS("kur", "");
    NO_WORK("sch"); /* it is a deadline, and there once */
    asked_say(k, "sch", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    CLOCKS("sch", "");
    CLOCKS("sw", "");
}

static void
a_question_to_two_is_on_both_lists(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    asked_question(k, "sch kur", "2026-03-20");
    CLOCKS("sch", "D15 sch (-)");
    CLOCKS("kur", "D15 kur (-)");
    CLOCKS("clerk", "D15 sch (sw)");
}

static void
a_question_that_is_taken_back_is_nobodys(void **state)
{
    struct kit *k = *state;
    struct kit_record *dated, *open;

    kit_open_case(k, "sw", 'C');
    dated = asked_question(k, "sch", "2026-03-20");
    open = asked_question(k, "sch", "");
    asked_work_is(k, "sch", "QUESTION", open, "");
    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(dated, "ENTERED_IN_ERROR"));
    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(open, "ENTERED_IN_ERROR"));
    CLOCKS("sch", "");
    assert_null(strstr(asked_work_of(k, "sch"), "QUESTION")); /* but the recalls wait */
}

static void
a_question_without_a_date_waits_until_it_is_answered(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = asked_question(k, "sch", "");
    asked_work_is(k, "sch", "QUESTION", asked, "");
    NO_WORK("sw");
    NO_WORK("kur");
    asked_say(k, "sch", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    NO_WORK("sch");
}

static void
a_question_that_opens_a_letter_is_who_was_askeds_too(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "kur", "info.requested", 'L', "sch", "0{'requestedOn':'2026-03-01','answerBy':'2026-03-20'} 6", NULL,
            NULL);
    CLOCKS("sch", "D15 sch (sch)");
    CLOCKS("kur", "");
}

static void
of_a_loss_nobody_learns_by_being_asked(void **state)
{
    struct kit *k = *state;
    struct core_clock found[4];
    struct core_clocks_at at = {0};

    KIT_SAY(k, "sw", "case.opened", 'C', "",
            "0{'openedOn':'2026-03-01'} 1@p1 4{'entitlement':'LOSS'} 6{'path':'ORDINARY'}", NULL, NULL);
    asked_question(k, "sch", "2026-03-20");
    assert_int_equal(core_clocks(k->core, kit_index(k, "sch"), &at, found, 4), 1);
    assert_false(found[0].holder_only);
    at = (struct core_clocks_at){0};
    assert_true(core_clocks(k->core, kit_index(k, "sw"), &at, found, 4) > 0);
    assert_true(found[0].holder_only);
}

/* ---- a court's request */

static void
an_opinion_falls_to_who_was_asked_for_it(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_active_case(k, 'C');
    asked = asked_say(k, "sw", "court.opinion_requested", "fa kur",
                      "0{'requestedOn':'2026-03-11','dueOn':'2026-03-25'} 1@p1 5",
                      "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-11'");
    CLOCKS("fa", "D12 fa (-)");
    CLOCKS("kur", ""); /* is told, and gives no opinions */
    CLOCKS("sw", "D12 fa (sw)");
    CLOCKS("dir", "D12 fa (sw)");
    asked_say(k, "fa", "court.opinion_delivered", "ct", "0{'deliveredOn':'2026-03-24'} 5 6=ct", kit_answering(asked));
    CLOCKS("fa", "");
}

/* ---- a safety concern */

static struct kit_record *
concern(struct kit *k, const char *to)
{
    return asked_say(k, "fa", "case.safety_concern_raised", to,
                     "0{'raisedOn':'2026-03-11'} 1@p1 5{'kind':'OTHER','facts':'x'}", NULL);
}

static void
a_concern_falls_to_whom_it_is_addressed_and_who_may_answer(void **state)
{
    struct kit *k = *state;
    struct kit_record *raised;

    kit_active_case(k, 'C');
    raised = concern(k, "ops sch");
    CLOCKS("ops", "D18 ops (-)");
    CLOCKS("sch", ""); /* is told, and answers no concerns */
    CLOCKS("sw", "D18 ops (sw)");
    CLOCKS("dir", "D18 ops (sw)");
    CLOCKS("fa", "");
    asked_say(k, "ops", "case.safety_concern_answered", "", "0{'answeredOn':'2026-03-12','outcome':'TAKEN_UP'} 5",
              kit_answering(raised));
    CLOCKS("ops", "");
    CLOCKS("sw", "");
}

static void
a_concern_that_reaches_the_holder_falls_to_him(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    concern(k, "ops sw");
    CLOCKS("sw", "D18 sw (sw)");
    CLOCKS("ops", "D18 ops (-)");
}

static void
a_concern_addressed_to_nobody_who_may_answer_is_the_holders(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    concern(k, "sch");
    CLOCKS("sw", "D18 sw (sw)");
    CLOCKS("sch", "");
}

static void
a_concern_taken_back_is_nobodys(void **state)
{
    struct kit *k = *state;
    struct kit_record *raised;

    kit_active_case(k, 'C');
    raised = concern(k, "ops");
    asked_say(k, "fa", "case.safety_concern_raised", "", "0", kit_correcting(raised, "ENTERED_IN_ERROR"));
    CLOCKS("ops", "");
    CLOCKS("sw", "");
}

/* ---- rows of agreements */

static void
a_row_falls_to_the_unit_that_it_names(void **state)
{
    struct kit *k = *state;

    asked_meeting(k);
    asked_agree(k, ROW("=sch", "sch") ROW("=kur", "probation") ROW("=sch", "SCH") ROW("", "matka"));
    CLOCKS("sch", "D16 sch (-); D16 sch (-)"); /* by its id, and by a role that nobody else there has */
    CLOCKS("kur", "D16 kur (-)");              /* by its agency's */
    CLOCKS("sw", "D16 sch (sw); D16 kur (sw); D16 sch (sw); D16 sw (sw)");
    CLOCKS("svc", "");
}

static void
a_row_asks_nobody_who_is_not_given_it(void **state)
{
    struct kit *k = *state;

    asked_meeting(k);
    asked_agree(k, ROW("=kur", "sch") ROW("=sch", "svc"));
    CLOCKS("sch", ""); /* the row is another's */
    CLOCKS("svc", ""); /* it has nothing to do with this family */
    CLOCKS("sw", "D16 sw (sw); D16 sw (sw)");
}

static void
a_row_is_told_until_the_next_meeting(void **state)
{
    struct kit *k = *state;

    asked_meeting(k);
    asked_agree(k, ROW("=sch", "sch"));
    CLOCKS("sch", "D16 sch (-)");
    asked_say(
        k, "fa", "meeting.held", "",
        "0{'meetingId':'$n','heldOn':'2026-04-08'} 6{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}",
        NULL);
    CLOCKS("sch", ""); /* which the school was not at */
}

static void
agreements_that_are_amended_ask_anew(void **state)
{
    struct kit *k = *state;
    struct kit_record *first;

    asked_meeting(k);
    first = asked_agree(k, ROW("=sch,kur", "sch"));
    KIT_SAY(k, "fa", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$m'} " ROW("=sch,kur", "kur"),
            kit_correcting(first, "AMENDED"), NULL);
    CLOCKS("sch", "");
    CLOCKS("kur", "D16 kur (-)"); /* which was invited, and so is given the correction */
    asked_say(k, "fa", "meeting.agreements_issued", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    CLOCKS("kur", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asked_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question_falls_to_who_was_asked_and_not_to_who_holds),
        TEST(a_question_to_two_is_on_both_lists),
        TEST(a_question_that_is_taken_back_is_nobodys),
        TEST(a_question_without_a_date_waits_until_it_is_answered),
        TEST(a_question_that_opens_a_letter_is_who_was_askeds_too),
        TEST(of_a_loss_nobody_learns_by_being_asked),
        TEST(an_opinion_falls_to_who_was_asked_for_it),
        TEST(a_concern_taken_back_is_nobodys),
        TEST(a_concern_addressed_to_nobody_who_may_answer_is_the_holders),
        TEST(a_concern_that_reaches_the_holder_falls_to_him),
        TEST(a_concern_falls_to_whom_it_is_addressed_and_who_may_answer),
        TEST(a_row_falls_to_the_unit_that_it_names),
        TEST(a_row_asks_nobody_who_is_not_given_it),
        TEST(a_row_is_told_until_the_next_meeting),
        TEST(agreements_that_are_amended_ask_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
