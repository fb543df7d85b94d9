/*
 * docs/DEADLINES.md: the start and each of the ends of the deadlines of a referral, a case, a plan and the assistant's
 * work. Events and their dates are written out; due dates of terms are not the core's business.
 */
#include "test_core_clocks_kit.h"

#include <stdio.h>
#include <string.h>

/* ---- D1 */

static void
d1_runs_from_the_day_the_information_came_and_ends_with_the_interview_in_the_case(void **state)
{
    struct kit *k = *state;

    referral(k);
    IS('R', "D1", "from 2026-01-05");
    open_case(k, 'C');
    interview(k, 'C');
    IS('R', "D1", "from 2026-01-05"); /* that case has not taken it up */
    take_up(k, 'C');
    IS('R', "D1", "met 2026-01-16");
}

static void
d1_does_not_run_under_za_zyciem_or_for_another_service(void **state)
{
    struct kit *k = *state;

    say(k, "sch", "referral.submitted", 'R', "sw",
        "0{'informationReceivedOn':'2026-01-05'} 1@p1 4@p1{'entitlement':'PREGNANCY'} 6{'service':'FAMILY_ASSISTANT'}",
        NULL);
    IS('R', "D1", "");
    say(k, "sch", "referral.submitted", 'S', "sw", "0{'informationReceivedOn':'2026-01-05'} 1@p1 6{'service':'OTHER'}",
        NULL);
    IS('S', "D1", "");
}

static void
d1_is_cancelled_by_a_rejection_a_completion_and_the_end_of_the_case(void **state)
{
    struct kit *k = *state;

    referral(k);
    say(k, "sw", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-06'} 6{'status':'rejected'}", NULL);
    IS('R', "D1", "cancelled");
}

static void
d1_is_cancelled_when_the_referral_is_completed(void **state)
{
    struct kit *k = *state;

    referral(k);
    say(k, "sw", "referral.completed", 'R', "", "0{'completedOn':'2026-01-06'} 6{'status':'cancelled'}", NULL);
    IS('R', "D1", "cancelled");
    IS('R', "D15", "cancelled");
}

static void
d1_to_d4_are_cancelled_and_d10_and_d11_met_when_the_case_is_closed(void **state)
{
    struct kit *k = *state;

    referral(k);
    open_case(k, 'C');
    take_up(k, 'C');
    assign(k, 'C', "2026-01-20");
    meeting(k, 'C', "fa", 'm', "2026-02-02", "MULTI_PROFESSIONAL_FIRST");
    IS('C', "D2", "from 2026-01-08");
    IS('C', "D4", "from 2026-01-20");
    IS('C', "D10", "from 2026-02-02");
    IS('C', "D11", "from 2026-01-20");
    close_case(k, 'C', "2026-02-20", "'reason':'FAMILY_WITHDREW'");
    IS('R', "D1", "cancelled");
    IS('C', "D2", "cancelled");
    IS('C', "D4", "cancelled");
    IS('C', "D10", "met 2026-02-20");
    IS('C', "D11", "met 2026-02-20");
    IS('C', "D13", "from 2026-02-02"); /* who took part is still owed what was agreed */
}

static void
d1_runs_by_a_court_order_where_it_has_not_run_before(void **state)
{
    struct kit *k = *state;

    say(k, "ct", "court.order_issued", 'L', "sw", "0{'issuedOn':'2026-01-10'} 1@p1 5{'orderKind':'OBLIGE_COOPERATION'}",
        NULL);
    IS('L', "D1", "from 2026-01-10");
    open_case(k, 'C');
    say(k, "ct", "court.order_issued", 'L', "sw", "0{'issuedOn':'2026-01-20'} 1@p1 5{'orderKind':'OBLIGE_COOPERATION'}",
        NULL);
    IS('L', "D1", "from 2026-01-10"); /* the first of them */
    say(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL);
    interview(k, 'C');
    IS('L', "D1", "met 2026-01-16");
    /* By a letter: from the day it came. */
    say(k, "sw", "court.order_issued", 'M', "sw", "0{'issuedOn':'2026-01-10'} 1@p1 5{'orderKind':'OBLIGE_COOPERATION'}",
        "+'onBehalfOf':'court','channel':'PAPER','receivedOn':'2026-02-27'");
    IS('M', "D1", "from 2026-02-27");
}

/* ---- D2 */

static void
d2_runs_from_the_proceeding_and_ends_with_a_first_contact_in_the_social_workers_presence(void **state)
{
    struct kit *k = *state;

    open_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    IS('C', "D2", "from 2026-01-08");
    meeting(k, 'C', "fa", 'k', "2026-01-22", "CONSULTATION");
    say(k, "fa", "meeting.held", 'C', "",
        "0{'meetingId':'$f','heldOn':'2026-01-25'} 6{'kind':'FIRST_CONTACT','attendance':[{'role':'FA'}]}", NULL);
    IS('C', "D2", "from 2026-01-08");
    meeting(k, 'C', "fa", 'g', "2026-01-29", "FIRST_CONTACT");
    IS('C', "D2", "met 2026-01-29");
}

static void
d2_does_not_run_under_za_zyciem_or_on_the_ipus_path(void **state)
{
    struct kit *k = *state;

    say(k, "fa", "case.opened", 'Z', "",
        "0{'proceedingStartedOn':'2026-01-08'} 1 4{'entitlement':'ILL_CHILD'} 6{'path':'ORDINARY'}", NULL);
    IS('Z', "D2", "");
    say(k, "ic", "case.opened", 'I', "", "0{'proceedingStartedOn':'2026-01-08'} 1 6{'path':'IPUS'}", NULL);
    IS('I', "D2", "");
}

/* ---- D3, D6, D7: an IPUS */

static struct kit_record *
ipus_referral(struct kit *k, const char *parts)
{
    char sections[300];

    (void)snprintf(
        sections, sizeof sections,
        "0{'informationReceivedOn':'2026-01-05','appliedOn':'2026-01-05'} 1@p1 6{'service':'IPUS','parts':[%s]}",
        parts);
    return say(k, "rec", "referral.submitted", 'R', "ic", sections,
               "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':'2026-01-05'");
}

static struct kit_record *
ipus(struct kit *k, char ipus, const char *application, const char *agreed, const char *from, const char *until,
     char renews)
{
    static char sections[1200];
    char renewed[60] = "";

    if (renews != 0)
        (void)snprintf(renewed, sizeof renewed, ",'renewsIpusId':'$%c'", renews);
    (void)snprintf(sections, sizeof sections,
                   "0{'ipusId':'$%c','version':1,'appliedOn':'2026-01-05','agreedOn':'%s','periodFrom':'%s','periodTo':"
                   "'%s','applicationEventId':'%s'} 1@p1 6{'applicantAgreed':'YES'%s} "
                   "6{'row':{'serviceRef':'s1','programmeId':'pr','provider':'svc','place':'x','schedule':'y'}}",
                   ipus, agreed, from, until, application, renewed);
    return say(k, "ic", "ipus.agreed", 'I', "", sections, NULL);
}

static struct kit_record *
ipus_case(struct kit *k)
{
    struct kit_record *application = ipus_referral(k, "");

    say(k, "ic", "case.opened", 'I', "", "0{'proceedingStartedOn':'2026-01-08'} 1 6{'path':'IPUS'}", NULL);
    say(k, "ic", "case.linked", 'I', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL);
    return application;
}

static void
d3_runs_from_the_application_and_ends_with_the_plan_made_on_it(void **state)
{
    struct kit *k = *state;
    struct kit_record *application = ipus_case(k);

    IS('R', "D3", "from 2026-01-05");
    ipus(k, 'i', kit_id('x'), "2026-01-30", "2026-02-01", "2026-07-31", 0);
    IS('R', "D3", "from 2026-01-05"); /* made on another application */
    ipus(k, 'j', kit_event_id(application), "2026-02-03", "2026-03-01", "2026-08-31", 0);
    IS('R', "D3", "met 2026-02-03");
}

static void
d3_is_met_by_a_rejection(void **state)
{
    struct kit *k = *state;

    ipus_referral(k, "");
    say(k, "ic", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-16'} 6{'status':'rejected'}", NULL);
    IS('R', "D3", "met 2026-01-16");
}

static void
sent_on(struct kit *k, const char *from, const char *to, const char *day, unsigned no)
{
    char sections[240];

    (void)snprintf(sections, sizeof sections,
                   "0{'fromUnit':'%s','toUnit':'%s','forwardedOn':'%s','whole':'NO','partNos':[%u]} 1@p1 "
                   "6{'applicantConsent':{'on':'2026-01-06'}}",
                   from, to, day, no);
    say(k, from, "referral.forwarded", 'R', to, sections, NULL);
}

static void
part_forwarded(struct kit *k, unsigned no)
{
    sent_on(k, "ic", "mun", "2026-01-08", no);
}

static void
part_answered(struct kit *k, const char *unit, const char *day, const char *status, unsigned no)
{
    char sections[120];

    (void)snprintf(sections, sizeof sections, "0{'answeredOn':'%s'} 6{'status':'%s','parts':[{'no':%u}]}", day, status,
                   no);
    say(k, unit, "referral.answered", 'R', "", sections, NULL);
}

static void
part_accepted(struct kit *k, const char *unit, const char *day, unsigned no)
{
    part_answered(k, unit, day, "accepted", no);
}

static void
d3_is_met_when_others_have_accepted_every_part(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    ipus_referral(k, "{'no':1,'text':'x'},{'no':2,'text':'y'}");
    part_forwarded(k, 1);
    part_forwarded(k, 2);
    part_accepted(k, "mun", "2026-01-16", 1);
    part_accepted(k, "mun", "2026-01-17", 1);
    IS('R', "D3", "from 2026-01-05");
    part_accepted(k, "mun", "2026-01-19", 2);
    IS('R', "D3", "met 2026-01-19");
}

static void
d3_runs_while_the_coordinator_keeps_a_part(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    ipus_referral(k, "{'no':1,'text':'x'},{'no':2,'text':'y'}");
    part_forwarded(k, 2);
    part_accepted(k, "ic", "2026-01-16", 1);
    part_accepted(k, "mun", "2026-01-17", 2);
    IS('R', "D3", "from 2026-01-05");
    part_forwarded(k, 1);
    part_accepted(k, "mun", "2026-01-20", 1);
    IS('R', "D3", "met 2026-01-20");
}

static void
what_the_whole_owes_runs_on_when_a_part_is_completed(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    ipus_referral(k, "{'no':1,'text':'x'},{'no':2,'text':'y'}");
    part_forwarded(k, 2);
    part_accepted(k, "mun", "2026-01-12", 2);
    say(k, "mun", "referral.completed", 'R', "", "0{'completedOn':'2026-01-20'} 6{'status':'completed'}", NULL);
    IS('R', "D3", "from 2026-01-05");
    say(k, "ic", "referral.completed", 'R', "", "0{'completedOn':'2026-01-21'} 6{'status':'cancelled'}", NULL);
    IS('R', "D3", "cancelled");
}

/* Whose it is to answer, of the dossier's D15 of that day. */
static const char *
owes_answer(struct kit *k, const char *started)
{
    size_t count = clocks(k, "clerk");

    for (size_t i = 0; i < count; i++)
        if (found[i].clock == CLOCK_D15 && strcmp(day_text(found[i].started), started) == 0) {
            struct core_unit unit;

            core_unit(k->core, found[i].unit, &unit);
            return unit.id;
        }
    return "";
}

static void
d15_runs_for_each_part_that_is_sent_on_and_is_of_who_was_sent_it(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    kit_agency(k, "zbk");
    kit_unit(k, "lokale", "zbk", "MUN");
    ipus_referral(k, "{'no':1,'text':'x'},{'no':2,'text':'y'},{'no':3,'text':'z'}");
    sent_on(k, "ic", "mun", "2026-01-08", 2);
    sent_on(k, "ic", "mun", "2026-01-09", 3);
    IS('R', "D15", "from 2026-01-05; from 2026-01-08; from 2026-01-09");
    assert_string_equal(owes_answer(k, "2026-01-05"), "ic");
    assert_string_equal(owes_answer(k, "2026-01-08"), "mun");
    part_accepted(k, "ic", "2026-01-10", 1);
    IS('R', "D15", "met 2026-01-10; from 2026-01-08; from 2026-01-09");
    sent_on(k, "mun", "lokale", "2026-01-12", 2); /* on again: another owes the answer now */
    IS('R', "D15", "met 2026-01-10; cancelled; from 2026-01-09; from 2026-01-12");
    assert_string_equal(owes_answer(k, "2026-01-12"), "lokale");
    part_accepted(k, "mun", "2026-01-13", 3);
    part_answered(k, "lokale", "2026-01-14", "rejected", 2);
    IS('R', "D15", "met 2026-01-10; cancelled; met 2026-01-13; met 2026-01-14");
}

static void
d15_is_of_who_was_sent_the_whole_though_the_sender_had_accepted_it(void **state)
{
    struct kit *k = *state;

    kit_agency(k, "gmina");
    kit_unit(k, "mun", "gmina", "MUN");
    ipus_referral(k, "");
    say(k, "ic", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-06'} 6{'status':'accepted'}", NULL);
    say(k, "ic", "referral.forwarded", 'R', "mun",
        "0{'fromUnit':'ic','toUnit':'mun','forwardedOn':'2026-01-08','whole':'YES'} 1@p1 "
        "6{'applicantConsent':{'on':'2026-01-07'}}",
        NULL);
    assert_string_equal(owes_answer(k, "2026-01-08"), "mun");
}

static void
d6_and_d7_follow_the_period_of_the_plan(void **state)
{
    struct kit *k = *state;
    struct kit_record *application = ipus_case(k);

    ipus(k, 'i', kit_event_id(application), "2026-01-30", "2026-02-01", "2026-07-31", 0);
    IS('I', "D6", "from 2026-01-30 due 2026-07-31");
    IS('I', "D7", "from 2026-07-31");
    say(k, "ic", "ipus.updated", 'I', "",
        "0{'ipusId':'$i','version':2,'appliedOn':'2026-01-05','agreedOn':'2026-04-01','periodFrom':'2026-02-01',"
        "'periodTo':'2026-06-30'} 6{'reason':'NEEDS_CHANGED'}",
        NULL);
    IS('I', "D6", "cancelled; from 2026-04-01 due 2026-06-30");
    IS('I', "D7", "cancelled; from 2026-06-30");
    say(k, "ic", "ipus.concluded", 'I', "",
        "0{'ipusId':'$i','endedOn':'2026-06-30','summaryTalkOn':'2026-07-06'} 6{'description':'x'}", NULL);
    IS('I', "D6", "cancelled; met 2026-06-30");
    IS('I', "D7", "cancelled; met 2026-07-06");
}

static void
d6_is_met_by_a_renewal_and_d7_is_not(void **state)
{
    struct kit *k = *state;
    struct kit_record *application = ipus_case(k);

    ipus(k, 'i', kit_event_id(application), "2026-01-30", "2026-02-01", "2026-07-31", 0);
    ipus(k, 'j', kit_event_id(application), "2026-07-20", "2026-08-01", "2027-01-31", 'i');
    IS('I', "D6", "met 2026-07-20; from 2026-07-20 due 2027-01-31");
    IS('I', "D7", "from 2026-07-31; from 2027-01-31");
}

/* ---- D4, D11: the assistant's work */

static void
d4_goes_from_assessment_to_assessment(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    assign(k, 'C', "2026-02-20"); /* another assistant: the family is assessed when it was due */
    IS('C', "D4", "from 2026-01-20");
    assess(k, 'C', "2026-07-15", "'kind':'PERIODIC'");
    IS('C', "D4", "met 2026-07-15; from 2026-07-15");
    assess(k, 'C', "2027-01-10", "'kind':'PERIODIC'");
    IS('C', "D4", "met 2026-07-15; met 2027-01-10; from 2027-01-10");
}

static void
what_is_entered_after_the_case_was_closed_begins_nothing_that_runs_on(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    close_case(k, 'C', "2026-07-20", "'reason':'GOALS_MET','monitoringPlan':{'dates':['2026-12-01'],'units':['fa']}");
    assess(k, 'C', "2026-07-15", "'kind':'PERIODIC'");
    IS('C', "D4", "cancelled; cancelled");
    meeting(k, 'C', "fa", 'm', "2026-07-10", "MULTI_PROFESSIONAL_NEXT");
    IS('C', "D10", "met 2026-07-20");
    say(k, "fa", "consent.granted", 'C', "",
        "0{'consentId':'$c','givenOn':'2026-07-01','validTo':'2027-07-01'} 1 6{'kind':'DATA_SHARING'}", NULL);
    IS('C', "D17", "cancelled");
    say(k, "fa", "meeting.held", 'C', "",
        "0{'meetingId':'$n','heldOn':'2026-07-21'} 6{'kind':'MULTI_PROFESSIONAL_NEXT','attendance':[{'role':'SW'}]}",
        NULL);
    IS('C', "D10", "met 2026-07-20; from 2026-07-21"); /* they meet on */
}

#define MONITORED "'reason':'GOALS_MET','monitoringPlan':{'dates':['2026-12-01'],'units':['fa']}"

/* The last assessment speaks of a time that reaches beyond the closing; nobody makes a next one. */
static void
an_assistants_work_is_not_due_again_in_a_closed_case_whatever_day_is_said(void **state)
{
    struct kit *k = *state;
    struct kit_record *closed;

    kit_active_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    closed = close_case(k, 'C', "2026-07-20", MONITORED);
    assess(k, 'C', "2026-07-31", "'kind':'PERIODIC'");
    IS('C', "D4", "cancelled; cancelled");
    assign(k, 'C', "2026-08-01");
    IS('C', "D4", "cancelled; cancelled");
    IS('C', "D11", "met 2026-07-20");
    say(k, "sw", "case.closed", 'C', "", "0", kit_correcting(closed, "ENTERED_IN_ERROR"));
    IS('C', "D4", "met 2026-07-31; from 2026-07-31");
    IS('C', "D11", "from 2026-01-20");
}

/* Agreements come after the meeting: what was agreed before the case was closed ended with it. */
static void
a_row_issued_after_the_closing_is_of_the_day_of_its_meeting(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    meeting(k, 'C', "fa", 'm', "2026-02-26", "CONSULTATION");
    close_case(k, 'C', "2026-02-27", MONITORED);
    say(k, "sw", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$m'} 6{'row':{'no':1,'action':'x','dueOn':'2026-04-01'}}", NULL);
    IS('C', "D16", "cancelled");
    meeting(k, 'C', "sw", 'n', "2026-02-28", "CONSULTATION"); /* they meet on */
    say(k, "sw", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$n'} 6{'row':{'no':1,'action':'x','dueOn':'2026-04-02'}}", NULL);
    IS('C', "D16", "cancelled; from 2026-03-01 due 2026-04-02");
}

/* The referral of a case that is over, entered only now; and what comes anew. */
static void
a_referral_entered_after_its_case_was_closed_begins_nothing_that_runs_on(void **state)
{
    struct kit *k = *state;

    open_case(k, 'C');
    close_case(k, 'C', "2026-02-20", "'reason':'OTHER'");
    say(k, "sch", "referral.submitted", 'R', "sw",
        "0{'informationReceivedOn':'2026-01-05'} 1@p1 4@p1{'b6Document':{'validTo':'2027-08-31'}} "
        "6{'service':'FAMILY_ASSISTANT'}",
        "'occurredAt':'2026-01-07T08:00:00Z'");
    IS('R', "D1", "from 2026-01-05");
    IS('R', "D17", "from 2026-01-07 due 2027-08-31");
    take_up(k, 'C');
    IS('R', "D1", "cancelled");
    IS('R', "D17", "cancelled");
    say(k, "sw", "court.order_issued", 'C', "", "0{'issuedOn':'2026-02-25'} 1@p1 5{'orderKind':'OBLIGE_COOPERATION'}",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-02-26'");
    IS('C', "D1", ""); /* the clock has run before */
}

static void
d11_ends_with_a_reason_to_continue_only(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    assess(k, 'C', "2026-07-15", "'kind':'PERIODIC'");
    IS('C', "D11", "from 2026-01-20");
    assess(k, 'C', "2028-01-10", "'kind':'PERIODIC','continueReason':'x'");
    IS('C', "D11", "met 2028-01-10");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCKS_TEST(d1_runs_from_the_day_the_information_came_and_ends_with_the_interview_in_the_case),
        CLOCKS_TEST(d1_does_not_run_under_za_zyciem_or_for_another_service),
        CLOCKS_TEST(d1_is_cancelled_by_a_rejection_a_completion_and_the_end_of_the_case),
        CLOCKS_TEST(d1_is_cancelled_when_the_referral_is_completed),
        CLOCKS_TEST(d1_to_d4_are_cancelled_and_d10_and_d11_met_when_the_case_is_closed),
        CLOCKS_TEST(d1_runs_by_a_court_order_where_it_has_not_run_before),
        CLOCKS_TEST(d2_runs_from_the_proceeding_and_ends_with_a_first_contact_in_the_social_workers_presence),
        CLOCKS_TEST(d2_does_not_run_under_za_zyciem_or_on_the_ipus_path),
        CLOCKS_TEST(d3_runs_from_the_application_and_ends_with_the_plan_made_on_it),
        CLOCKS_TEST(d3_is_met_by_a_rejection),
        CLOCKS_TEST(d3_is_met_when_others_have_accepted_every_part),
        CLOCKS_TEST(d3_runs_while_the_coordinator_keeps_a_part),
        CLOCKS_TEST(what_the_whole_owes_runs_on_when_a_part_is_completed),
        CLOCKS_TEST(d15_runs_for_each_part_that_is_sent_on_and_is_of_who_was_sent_it),
        CLOCKS_TEST(d15_is_of_who_was_sent_the_whole_though_the_sender_had_accepted_it),
        CLOCKS_TEST(what_is_entered_after_the_case_was_closed_begins_nothing_that_runs_on),
        CLOCKS_TEST(d6_and_d7_follow_the_period_of_the_plan),
        CLOCKS_TEST(d6_is_met_by_a_renewal_and_d7_is_not),
        CLOCKS_TEST(d4_goes_from_assessment_to_assessment),
        CLOCKS_TEST(an_assistants_work_is_not_due_again_in_a_closed_case_whatever_day_is_said),
        CLOCKS_TEST(a_row_issued_after_the_closing_is_of_the_day_of_its_meeting),
        CLOCKS_TEST(a_referral_entered_after_its_case_was_closed_begins_nothing_that_runs_on),
        CLOCKS_TEST(d11_ends_with_a_reason_to_continue_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
