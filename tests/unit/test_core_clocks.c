/*
 * What core.h says of deadlines, and docs/DEADLINES.md: each clock's start and each of its ends, corrections, links,
 * who is told, and what the deadline watcher may say. Events and their dates are written out; due dates of terms are
 * not the core's business.
 */
#include "test_core_kit.h"

#include "proto/date.h"
#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS_OF_TEST_MAX 64u

static int
setup(void **state)
{
    struct kit *k;

    kit_setup(state);
    k = *state;
    kit_unit(k, "clerk", "op", "CLERK");
    kit_unit(k, "clerk2", "op", "CLERK");
    return 0;
}

static struct core_clock found[CLOCKS_OF_TEST_MAX];

static size_t
clocks(struct kit *k, const char *unit)
{
    struct core_clocks_at at = {0};
    size_t count = core_clocks(k->core, core_unit_by_id(k->core, unit), &at, found, CLOCKS_OF_TEST_MAX);

    assert_int_equal(at.seq, 0);
    return count;
}

static const char *
day_text(int32_t day)
{
    static char text[4][DATE_TEXT_SIZE];
    static unsigned turn;
    char *ret = text[turn++ % 4];

    if (day == CORE_DAY_NONE)
        return "-";
    date_format(day, ret);
    return ret;
}

/*
 * The dossier's clocks of that id as the deadline watcher is given them, in their order, separated by "; ":
 * "runs from START [due DUE]", "met DAY", "cancelled"; and who holds. "" for none.
 */
static const char *
clock_is(struct kit *k, char dossier, const char *id)
{
    static char text[2048];
    uint8_t of[16];
    size_t count = clocks(k, "clerk"), len = 0;

    assert_int_equal(uuid_parse(kit_id(dossier), of), 0);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct core_clock *c = &found[i];

        if (memcmp(c->dossier_id, of, sizeof of) != 0 || c->clock != clock_by_name(id))
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", len > 0 ? "; " : "");
        switch (c->state) {
        case CORE_CLOCK_RUNS:
            len += (size_t)snprintf(text + len, sizeof text - len, "from %s", day_text(c->started));
            break;
        case CORE_CLOCK_MET:
            len += (size_t)snprintf(text + len, sizeof text - len, "met %s", day_text(c->ended));
            break;
        case CORE_CLOCK_CANCELLED: len += (size_t)snprintf(text + len, sizeof text - len, "cancelled"); break;
        }
        if (c->state == CORE_CLOCK_RUNS && c->due != CORE_DAY_NONE)
            len += (size_t)snprintf(text + len, sizeof text - len, " due %s", day_text(c->due));
        if (c->urgent)
            len += (size_t)snprintf(text + len, sizeof text - len, " urgent");
    }
    return text;
}
#define IS(dossier, id, text) assert_string_equal(clock_is(k, dossier, id), text)

static struct kit_record *
say(struct kit *k, const char *unit, const char *type, char dossier, const char *to, const char *sections,
    const char *header)
{
    return KIT_SAY(k, unit, type, dossier, to, sections, header, NULL);
}

/* ---- what the events of a family are in these tests */

#define FA_REFERRAL "0{'informationReceivedOn':'2026-01-05'} 1@p1 6{'service':'FAMILY_ASSISTANT'}"

static struct kit_record *
referral(struct kit *k)
{
    return say(k, "sch", "referral.submitted", 'R', "sw", FA_REFERRAL,
               "+'onBehalfOf':'p1','channel':'PAPER',"
               "'receivedOn':'2026-01-07'");
}

static struct kit_record *
open_case(struct kit *k, char dossier)
{
    return say(k, "sw", "case.opened", dossier, "", "0{'proceedingStartedOn':'2026-01-08'} 1 6{'path':'ORDINARY'}",
               NULL);
}

static void
take_up(struct kit *k, char dossier)
{
    say(k, "sw", "case.linked", dossier, "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL);
}

static struct kit_record *
interview(struct kit *k, char dossier)
{
    return say(k, "sw", "case.interview_completed", dossier, "",
               "0{'interviewOn':'2026-01-16'} 6{'conclusion':'ASSISTANT_NEEDED'}", NULL);
}

static struct kit_record *
assign(struct kit *k, char dossier, const char *day)
{
    char sections[80];

    (void)snprintf(sections, sizeof sections, "0{'unit':'fa','assignedOn':'%s'}", day);
    return say(k, "dir", "case.assistant_assigned", dossier, "", sections, "'lateEntry':true");
}

static struct kit_record *
meeting(struct kit *k, char dossier, const char *unit, char id, const char *day, const char *kind)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections,
                   "0{'meetingId':'$%c','heldOn':'%s'} 6{'kind':'%s','attendance':[{'role':'SW','signed':true},"
                   "{'role':'FA','signed':true}]}",
                   id, day, kind);
    return say(k, unit, "meeting.held", dossier, "", sections, NULL);
}

static struct kit_record *
close_case(struct kit *k, char dossier, const char *day, const char *s6)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections, "0{'closedOn':'%s'} 6{%s}", day, s6);
    return say(k, "sw", "case.closed", dossier, "", sections, NULL);
}

static struct kit_record *
assess(struct kit *k, char dossier, const char *until, const char *s6)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections, "0{'periodTo':'%s'} 6{%s}", until, s6);
    return say(k, "fa", "case.assessment_recorded", dossier, "", sections, NULL);
}

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
d3_is_met_when_every_part_is_accepted(void **state)
{
    struct kit *k = *state;

    ipus_referral(k, "{'no':1,'text':'x'},{'no':2,'text':'y'}");
    say(k, "ic", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-16'} 6{'status':'accepted','parts':[{'no':1}]}",
        NULL);
    say(k, "ic", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-17'} 6{'status':'accepted','parts':[{'no':1}]}",
        NULL);
    IS('R', "D3", "from 2026-01-05");
    say(k, "ic", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-19'} 6{'status':'accepted','parts':[{'no':2}]}",
        NULL);
    IS('R', "D3", "met 2026-01-19");
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

/* ---- D10, D13, D16: meetings */

static void
d10_ends_with_the_next_meeting_of_any_kind(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    meeting(k, 'C', "fa", 'm', "2026-03-20", "MULTI_PROFESSIONAL_FIRST");
    IS('C', "D10", "from 2026-03-20");
    meeting(k, 'C', "fa", 'k', "2026-03-15", "CONSULTATION"); /* entered late */
    IS('C', "D10", "from 2026-03-20");
    meeting(k, 'C', "fa", 'n', "2026-04-18", "MULTI_PROFESSIONAL_NEXT");
    IS('C', "D10", "met 2026-04-18; from 2026-04-18");
}

static void
d13_ends_with_the_agreements_of_that_meeting(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    IS('C', "D13", "from 2026-03-10");
    meeting(k, 'C', "fa", 'm', "2026-03-20", "CONSULTATION");
    say(k, "fa", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$m'} 6{}", NULL);
    IS('C', "D13", "from 2026-03-10; met 2026-03-01"); /* the day of the test's clock */
}

static void
d16_is_each_row_with_a_date(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "fa", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$f'} 6{'row':{'no':1,'action':'x','responsible':'fa','dueOn':'2026-04-01','serviceRef':'s1'}} "
        "6{'row':{'no':2,'action':'x','responsible':'fa'}} 6{'row':{'no':3,'action':'x','responsible':'fa','dueOn':"
        "'2026-03-25'}} 6",
        NULL);
    IS('C', "D16", "from 2026-03-01 due 2026-04-01; from 2026-03-01 due 2026-03-25");
    meeting(k, 'C', "fa", 'm', "2026-03-20", "CONSULTATION");
    IS('C', "D16", "met 2026-03-20; met 2026-03-20");
}

/* ---- D12, D19: the court */

static void
d12_is_the_courts_date_and_ends_with_the_opinion_on_that_request(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked, *again;

    kit_active_case(k, 'C');
    asked = say(k, "sw", "court.opinion_requested", 'C', "fa",
                "0{'requestedOn':'2026-03-11','dueOn':'2026-03-25'} 1@p1 5",
                "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-11'");
    again = say(k, "sw", "court.opinion_requested", 'C', "fa",
                "0{'requestedOn':'2026-03-12','dueOn':'2026-04-25'} 1@p1 5",
                "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-12'");
    IS('C', "D12", "from 2026-03-11 due 2026-03-25; from 2026-03-12 due 2026-04-25");
    say(k, "fa", "court.opinion_delivered", 'C', "ct", "0{'deliveredOn':'2026-03-27'} 5 6=ct", kit_answering(again));
    IS('C', "D12", "from 2026-03-11 due 2026-03-25; met 2026-03-27");
    say(k, "fa", "court.opinion_delivered", 'C', "ct", "0{'deliveredOn':'2026-03-24'} 5 6=ct", kit_answering(asked));
    IS('C', "D12", "met 2026-03-24; met 2026-03-27");
}

static void
report_on(struct kit *k, const char *day, const char *to, const char *kind)
{
    char sections[100];
    int32_t number;

    assert_int_equal(date_parse(day, &number), 0);
    k->now_ms = (uint64_t)number * DATE_DAY_MS + 43200000;
    (void)snprintf(sections, sizeof sections, "0{'providedOn':'%s'} 6{'docKind':'%s'}", day, kind);
    say(k, "fa", "info.provided", 'C', to, sections, NULL);
}

static void
d19_is_each_date_of_the_order_and_each_report_stands_for_one(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "sw", "court.order_issued", 'C', "",
        "0{'issuedOn':'2026-03-11','reportDates':['2026-06-11','2026-09-11','2026-12-11']} 1@p1 5{'orderKind':"
        "'SUPERVISION'}",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-11'");
    report_on(k, "2026-04-01", "ct", "INFORMATION"); /* a letter, no report */
    report_on(k, "2026-04-02", "sw", "REPORT");      /* to somebody else */
    IS('C', "D19", "from 2026-03-11 due 2026-06-11; from 2026-03-11 due 2026-09-11; from 2026-03-11 due 2026-12-11");
    report_on(k, "2026-06-01", "ct", "REPORT");
    report_on(k, "2026-06-02", "ct", "REPORT"); /* once more: not for September */
    IS('C', "D19", "met 2026-06-01; from 2026-03-11 due 2026-09-11; from 2026-03-11 due 2026-12-11");
    report_on(k, "2026-09-20", "ct", "REPORT"); /* late, for September alone */
    IS('C', "D19", "met 2026-06-01; met 2026-09-20; from 2026-03-11 due 2026-12-11");
    say(k, "sw", "court.order_issued", 'C', "", "0{'issuedOn':'2026-10-11'} 1@p1 5{'orderKind':'REVOKED'}",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-10-11'");
    IS('C', "D19", "met 2026-06-01; met 2026-09-20; cancelled");
}

/* ---- D14 */

static void
d14_is_each_date_of_the_monitoring_plan(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    close_case(k, 'C', "2026-06-01",
               "'reason':'GOALS_MET','monitoringPlan':{'dates':['2026-09-01','2026-12-01'],'units':['fa']}");
    IS('C', "D14", "from 2026-06-01 due 2026-09-01; from 2026-06-01 due 2026-12-01");
    say(k, "fa", "case.assessment_recorded", 'C', "", "0{'periodTo':'2026-08-28'} 6{'kind':'POST_CLOSURE'}", NULL);
    IS('C', "D14", "met 2026-08-28; from 2026-06-01 due 2026-12-01");
    say(k, "fa", "case.assessment_recorded", 'C', "", "0{'periodTo':'2026-12-01'} 6{'kind':'POST_CLOSURE'}", NULL);
    IS('C', "D14", "met 2026-08-28; met 2026-12-01");
}

/* ---- D15 */

static void
d15_runs_from_the_day_the_referral_came_and_ends_with_any_answer(void **state)
{
    struct kit *k = *state;

    referral(k);
    IS('R', "D15", "from 2026-01-07");
    say(k, "sw", "referral.answered", 'R', "", "0{'answeredOn':'2026-01-09'} 6{'status':'received'}", NULL);
    IS('R', "D15", "met 2026-01-09");
}

static void
d15_runs_anew_when_the_referral_is_sent_on(void **state)
{
    struct kit *k = *state;

    say(k, "sch", "referral.submitted", 'R', "sw", FA_REFERRAL, "'priority':'urgent'");
    IS('R', "D15", "from 2026-03-01 urgent");
    say(k, "sw", "referral.forwarded", 'R', "ops",
        "0{'fromUnit':'sw','toUnit':'ops','forwardedOn':'2026-03-03','whole':'YES'} 6", NULL);
    IS('R', "D15", "cancelled urgent; from 2026-03-03");
    say(k, "ops:SW", "referral.answered", 'R', "", "0{'answeredOn':'2026-03-05'} 6{'status':'accepted'}", NULL);
    IS('R', "D15", "cancelled urgent; met 2026-03-05");
}

static void
d15_of_a_question_is_the_date_it_names(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_active_case(k, 'C');
    say(k, "fa", "info.requested", 'C', "sch", "0 6{'question':'x'}", NULL);
    IS('C', "D15", "");
    asked = say(k, "fa", "info.requested", 'C', "sch", "0{'requestedOn':'2026-03-01','answerBy':'2026-03-20'} 6", NULL);
    IS('C', "D15", "from 2026-03-01 due 2026-03-20");
    say(k, "sch", "info.provided", 'C', "fa", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    IS('C', "D15", "met 2026-03-01");
}

/* ---- D17, D18 */

static void
d17_is_the_end_of_a_consent_and_ends_with_a_new_one_of_its_kind(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "fa", "consent.granted", 'C', "",
        "0{'consentId':'$d','givenOn':'2026-03-11','validTo':'2026-12-31'} 1 6{'kind':'DATA_SHARING'}", NULL);
    say(k, "fa", "consent.granted", 'C', "",
        "0{'consentId':'$e','givenOn':'2026-03-12','validTo':'2026-11-30'} 1 6{'kind':'FEE_TERMS'}", NULL);
    IS('C', "D17", "from 2026-03-11 due 2026-12-31; from 2026-03-12 due 2026-11-30");
    say(k, "fa", "consent.withdrawn", 'C', "",
        "0{'consentId':'$e','withdrawnOn':'2026-04-11'} 1 6{'effect':"
        "'STOP_SERVICE'}",
        NULL);
    say(k, "fa", "consent.granted", 'C', "", "0{'consentId':'$g','givenOn':'2026-12-11'} 1 6{'kind':'DATA_SHARING'}",
        NULL);
    IS('C', "D17", "met 2026-12-11; cancelled");
}

static void
d17_is_the_end_of_a_certificate_too(void **state)
{
    struct kit *k = *state;
    struct kit_record *first;

    first = say(k, "sch", "referral.submitted", 'R', "fa",
                "0{'informationReceivedOn':'2026-01-05'} 1@p1 4@p1{'entitlement':'ILL_CHILD','certificate':{'validTo':"
                "'2026-09-30'},'b6Document':{'validTo':'2027-08-31'}} 6{'service':'FAMILY_ASSISTANT'}",
                NULL);
    IS('R', "D17", "from 2026-03-01 due 2026-09-30; from 2026-03-01 due 2027-08-31");
    say(k, "sch", "referral.submitted", 'R', "",
        "0{'informationReceivedOn':'2026-01-05'} 1@p1 4@p1{'entitlement':'ILL_CHILD','certificate':{'validTo':"
        "'2026-10-31'}} 6{'service':'FAMILY_ASSISTANT'}",
        kit_correcting(first, "AMENDED"));
    IS('R', "D17", "from 2026-03-01 due 2026-10-31; cancelled");
}

static void
d18_ends_with_the_answer_to_that_concern(void **state)
{
    struct kit *k = *state;
    struct kit_record *raised;

    raised = say(k, "sch", "case.safety_concern_raised", 'L', "sw", "0{'raisedOn':'2026-03-01'} 1@p1 5{'kind':'OTHER'}",
                 NULL);
    IS('L', "D18", "from 2026-03-01");
    say(k, "sw", "case.safety_concern_answered", 'L', "", "0{'answeredOn':'2026-03-02','outcome':'TAKEN_UP'}",
        kit_answering(raised));
    IS('L', "D18", "met 2026-03-02");
}

/* ---- corrections */

static void
a_recall_of_the_start_cancels_and_of_the_end_lets_it_run_again(void **state)
{
    struct kit *k = *state;
    struct kit_record *first = referral(k), *talk;

    open_case(k, 'C');
    take_up(k, 'C');
    talk = interview(k, 'C');
    IS('R', "D1", "met 2026-01-16");
    say(k, "sw", "case.interview_completed", 'C', "", "0", kit_correcting(talk, "ENTERED_IN_ERROR"));
    IS('R', "D1", "from 2026-01-05");
    say(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    IS('R', "D1", "cancelled");
    IS('R', "D15", "cancelled");
}

static void
an_amended_date_replaces_the_clock_and_an_amended_text_does_not(void **state)
{
    struct kit *k = *state;
    struct kit_record *first = say(k, "sch", "referral.submitted", 'R', "sw", FA_REFERRAL, NULL);

    say(k, "sch", "referral.submitted", 'R', "", FA_REFERRAL, kit_correcting(first, "AMENDED"));
    IS('R', "D1", "from 2026-01-05");
    say(k, "sch", "referral.submitted", 'R', "",
        "0{'informationReceivedOn':'2026-01-02'} 1@p1 6{'service':'FAMILY_ASSISTANT'}",
        kit_correcting(first, "AMENDED"));
    IS('R', "D1", "cancelled; from 2026-01-02");
    say(k, "sch", "referral.submitted", 'R', "", FA_REFERRAL, kit_correcting(first, "AMENDED"));
    IS('R', "D1", "from 2026-01-05; cancelled");
}

static void
an_amended_question_is_still_the_one_that_is_answered(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_active_case(k, 'C');
    asked = say(k, "fa", "info.requested", 'C', "sch", "0{'requestedOn':'2026-03-01','answerBy':'2026-03-20'} 6", NULL);
    say(k, "fa", "info.requested", 'C', "sch", "0{'requestedOn':'2026-03-01','answerBy':'2026-03-25'} 6",
        kit_correcting(asked, "AMENDED"));
    IS('C', "D15", "from 2026-03-01 due 2026-03-25");
    say(k, "sch", "info.provided", 'C', "fa", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    IS('C', "D15", "met 2026-03-01");
}

static void
merged_cases_have_one_interview(void **state)
{
    struct kit *k = *state;

    referral(k);
    open_case(k, 'C');
    open_case(k, 'D');
    take_up(k, 'C');
    interview(k, 'D');
    IS('R', "D1", "from 2026-01-05");
    say(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL);
    IS('R', "D1", "met 2026-01-16");
}

/* ---- telling */

/* A sys.deadline_* of the first clock of that id that the deadline watcher is given. */
static struct kit_line
notice(struct kit *k, const char *what, const char *id, const char *due, const char *more)
{
    static char sections[600];
    static char type[40];
    struct kit_line line = {.unit = "clerk", .type = type, .sections = sections};
    size_t count = clocks(k, "clerk"), i = 0;
    char ended[40] = "", end[40] = "";

    while (i < count && found[i].clock != clock_by_name(id))
        i++;
    assert_true(i < count);
    if (found[i].ended != CORE_DAY_NONE)
        (void)snprintf(ended, sizeof ended, ",'endedOn':'%s'", day_text(found[i].ended));
    if (found[i].end_seq != 0)
        (void)snprintf(end, sizeof end, ",'endSeq':'%llu'", (unsigned long long)found[i].end_seq);
    (void)snprintf(type, sizeof type, "sys.deadline_%s", what);
    (void)snprintf(
        sections, sizeof sections,
        "0{'deadline':{'clock':'%s','startSeq':'%llu','item':%u,'startedOn':'%s','due':'%s','notice':%u%s%s%s%s}}", id,
        (unsigned long long)found[i].start_seq, found[i].item, day_text(found[i].started), due, found[i].notices,
        found[i].holder_only ? ",'holderOnly':true" : "", end, ended, more);
    line.dossier = 'R';
    for (char letter = 'A'; letter <= 'Z'; letter++) {
        uint8_t dossier[16];

        assert_int_equal(uuid_parse(kit_id(letter), dossier), 0);
        if (memcmp(dossier, found[i].dossier_id, sizeof dossier) == 0)
            line.dossier = letter;
    }
    return line;
}

static struct kit_record *
tell(struct kit *k, const char *what, const char *id, const char *due)
{
    struct kit_line line = notice(k, what, id, due, "");

    return kit_say(k, &line);
}

static void
refused(struct kit *k, const char *what, const char *id, const char *due, const char *more, enum error_code code,
        const char *path)
{
    struct kit_line line = notice(k, what, id, due, more);

    kit_refused(k, &line, code, path);
}
#define AT(field) "sections[0].sysDeadline" field

static void
a_deadline_is_told_once_to_the_holder_and_his_office(void **state)
{
    struct kit *k = *state;
    struct kit_record *told;
    struct kit_line line;

    referral(k);
    told = tell(k, "approaching", "D1", "2026-01-19");
    kit_expect(k, told, "sw=0 dir=0"); /* not the school that referred */
    refused(k, "approaching", "D1", "2026-01-19", "", E_ORDER, AT("ApproachingS0.deadline.clock"));
    line = notice(k, "approaching", "D1", "2026-01-19", ",'last':true");
    kit_say(k, &line);
    refused(k, "approaching", "D1", "2026-01-19", ",'last':true", E_ORDER, AT("ApproachingS0.deadline.clock"));
    told = tell(k, "missed", "D1", "2026-01-19");
    kit_expect(k, told, "sw=0 dir=0");
    IS('R', "D1", "from 2026-01-05 due 2026-01-19");
    refused(k, "missed", "D1", "2026-01-19", "", E_ORDER, AT("MissedS0.deadline.clock"));
    refused(k, "approaching", "D1", "2026-01-19", "", E_ORDER, AT("ApproachingS0.deadline.clock"));
    open_case(k, 'C');
    take_up(k, 'C');
    interview(k, 'C');
    IS('R', "D1", "met 2026-01-16"); /* by its date, whenever it was entered */
    tell(k, "met", "D1", "2026-01-19");
    IS('R', "D1", "");
}

static void
what_was_told_as_met_can_be_taken_back_and_met_again(void **state)
{
    struct kit *k = *state;
    struct kit_record *talk;

    referral(k);
    open_case(k, 'C');
    take_up(k, 'C');
    talk = interview(k, 'C');
    tell(k, "met", "D1", "2026-01-19");
    IS('R', "D1", "");
    say(k, "sw", "case.interview_completed", 'C', "", "0", kit_correcting(talk, "ENTERED_IN_ERROR"));
    IS('R', "D1", "from 2026-01-05 due 2026-01-19");
    tell(k, "cancelled", "D1", "2026-01-19");
    IS('R', "D1", "from 2026-01-05 due 2026-01-19");
    interview(k, 'C');
    tell(k, "met", "D1", "2026-01-19");
    IS('R', "D1", "");
}

static void
a_cancelled_deadline_is_told_once(void **state)
{
    struct kit *k = *state;
    struct kit_record *first = referral(k);

    say(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    refused(k, "met", "D1", "2026-01-19", "", E_ORDER, AT("MetS0.deadline.clock"));
    tell(k, "cancelled", "D1", "2026-01-19");
    tell(k, "cancelled", "D15", "2026-01-19");
    assert_int_equal(clocks(k, "clerk"), 0);
}

static void
a_notice_that_does_not_fit_the_state_is_refused(void **state)
{
    struct kit *k = *state;
    struct kit_line line;

    referral(k);
    refused(k, "met", "D1", "2026-01-19", "", E_ORDER, AT("MetS0.deadline.clock"));
    refused(k, "cancelled", "D1", "2026-01-19", "", E_ORDER, AT("CancelledS0.deadline.clock"));
    refused(k, "missed", "D1", "2026-03-01", "", E_FIELD, AT("MissedS0.deadline.due")); /* today is not over */
    refused(k, "approaching", "D1", "2026-01-01", "", E_FIELD, AT("ApproachingS0.deadline.due"));
    refused(k, "approaching", "D1", "2026-01-19", ",'holderOnly':true", E_FIELD,
            AT("ApproachingS0.deadline.holderOnly"));
    refused(k, "approaching", "D1", "2026-01-19", ",'endSeq':'7'", E_FIELD, AT("ApproachingS0.deadline.endSeq"));
    refused(k, "approaching", "D1", "2026-01-19", ",'endedOn':'2026-01-07'", E_FIELD,
            AT("ApproachingS0.deadline.endedOn"));
    refused(k, "approaching", "D1", "2026-01-19", ",'notice':1", E_ORDER, AT("ApproachingS0.deadline.notice"));
    refused(k, "approaching", "D1", "2026-01-19", ",'clock':'D99'", E_FIELD, AT("ApproachingS0.deadline.clock"));
    refused(k, "approaching", "D1", "2026-01-19", ",'item':2", E_UNKNOWN, AT("ApproachingS0.deadline.startSeq"));
    refused(k, "approaching", "D1", "2026-01-19", ",'startedOn':'2026-01-06'", E_UNKNOWN,
            AT("ApproachingS0.deadline.startSeq"));
    line = notice(k, "approaching", "D1", "2026-01-19", "");
    line.unit = "sw";
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    line = notice(k, "approaching", "D1", "2026-01-19", "");
    line.dossier = 'Q';
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    tell(k, "approaching", "D1", "2026-01-19");
}

static void
the_date_that_an_event_names_is_not_moved(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "sw", "court.opinion_requested", 'C', "fa", "0{'requestedOn':'2026-02-11','dueOn':'2026-02-25'} 1@p1 5",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-02-11'");
    refused(k, "missed", "D12", "2026-02-24", "", E_FIELD, AT("MissedS0.deadline.due"));
    tell(k, "missed", "D12", "2026-02-25");
}

static void
after_a_loss_the_holder_alone_is_reminded_and_nobody_is_told_of_a_missed_day(void **state)
{
    struct kit *k = *state;
    struct kit_record *told;

    say(k, "fa", "case.opened", 'Z', "",
        "0{'proceedingStartedOn':'2026-01-08'} 1 4{'entitlement':'LOSS'} 6{'path':"
        "'ORDINARY'}",
        NULL);
    assign(k, 'Z', "2026-01-20");
    told = tell(k, "approaching", "D4", "2026-07-20");
    kit_expect(k, told, "fa=0");
    refused(k, "missed", "D4", "2026-02-20", "", E_ORDER, AT("MissedS0.deadline.clock"));
    assert_int_equal(clocks(k, "dir"), 0);
    assert_int_equal(clocks(k, "fa"), 2);
}

/* ---- lists */

static void
a_unit_is_given_what_it_holds_and_an_office_what_its_agency_holds(void **state)
{
    struct kit *k = *state;

    referral(k);
    assert_int_equal(clocks(k, "sw"), 2);
    assert_int_equal(clocks(k, "dir"), 2);
    assert_int_equal(clocks(k, "sch"), 0);
    assert_int_equal(clocks(k, "ops"), 0);
    assert_int_equal(clocks(k, "adm"), 0);
    open_case(k, 'C');
    take_up(k, 'C');
    interview(k, 'C');
    assert_int_equal(clocks(k, "sw"), 2);    /* D15, D2 */
    assert_int_equal(clocks(k, "clerk"), 3); /* and that D1 was met */
    say(k, "sw", "info.requested", 'C', "sch", "0{'requestedOn':'2026-03-01','answerBy':'2026-03-20'} 6", NULL);
    assert_int_equal(clocks(k, "sw"), 3);
    assert_int_equal(clocks(k, "dir"), 2); /* questions are between those who ask and answer */
}

static void
a_list_goes_on_where_the_page_ended(void **state)
{
    struct kit *k = *state;
    struct core_clocks_at at = {0};
    struct core_clock one;
    size_t count = 0;
    uint64_t sum = 0;

    referral(k);
    open_case(k, 'C');
    assign(k, 'C', "2026-01-20");
    do {
        size_t got = core_clocks(k->core, core_unit_by_id(k->core, "clerk"), &at, &one, 1);

        count += got;
        sum += got * one.clock;
    } while (at.seq != 0);
    assert_int_equal(count, 5);
    assert_int_equal(sum, 1 + 15 + 2 + 4 + 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d1_runs_from_the_day_the_information_came_and_ends_with_the_interview_in_the_case),
        TEST(d1_does_not_run_under_za_zyciem_or_for_another_service),
        TEST(d1_is_cancelled_by_a_rejection_a_completion_and_the_end_of_the_case),
        TEST(d1_is_cancelled_when_the_referral_is_completed),
        TEST(d1_to_d4_are_cancelled_and_d10_and_d11_met_when_the_case_is_closed),
        TEST(d1_runs_by_a_court_order_where_it_has_not_run_before),
        TEST(d2_runs_from_the_proceeding_and_ends_with_a_first_contact_in_the_social_workers_presence),
        TEST(d2_does_not_run_under_za_zyciem_or_on_the_ipus_path),
        TEST(d3_runs_from_the_application_and_ends_with_the_plan_made_on_it),
        TEST(d3_is_met_by_a_rejection),
        TEST(d3_is_met_when_every_part_is_accepted),
        TEST(d6_and_d7_follow_the_period_of_the_plan),
        TEST(d6_is_met_by_a_renewal_and_d7_is_not),
        TEST(d4_goes_from_assessment_to_assessment),
        TEST(d11_ends_with_a_reason_to_continue_only),
        TEST(d10_ends_with_the_next_meeting_of_any_kind),
        TEST(d13_ends_with_the_agreements_of_that_meeting),
        TEST(d16_is_each_row_with_a_date),
        TEST(d12_is_the_courts_date_and_ends_with_the_opinion_on_that_request),
        TEST(d19_is_each_date_of_the_order_and_each_report_stands_for_one),
        TEST(d14_is_each_date_of_the_monitoring_plan),
        TEST(d15_runs_from_the_day_the_referral_came_and_ends_with_any_answer),
        TEST(d15_runs_anew_when_the_referral_is_sent_on),
        TEST(d15_of_a_question_is_the_date_it_names),
        TEST(d17_is_the_end_of_a_consent_and_ends_with_a_new_one_of_its_kind),
        TEST(d17_is_the_end_of_a_certificate_too),
        TEST(d18_ends_with_the_answer_to_that_concern),
        TEST(a_recall_of_the_start_cancels_and_of_the_end_lets_it_run_again),
        TEST(an_amended_date_replaces_the_clock_and_an_amended_text_does_not),
        TEST(an_amended_question_is_still_the_one_that_is_answered),
        TEST(merged_cases_have_one_interview),
        TEST(a_deadline_is_told_once_to_the_holder_and_his_office),
        TEST(what_was_told_as_met_can_be_taken_back_and_met_again),
        TEST(a_cancelled_deadline_is_told_once),
        TEST(a_notice_that_does_not_fit_the_state_is_refused),
        TEST(the_date_that_an_event_names_is_not_moved),
        TEST(after_a_loss_the_holder_alone_is_reminded_and_nobody_is_told_of_a_missed_day),
        TEST(a_unit_is_given_what_it_holds_and_an_office_what_its_agency_holds),
        TEST(a_list_goes_on_where_the_page_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
