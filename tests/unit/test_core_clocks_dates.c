/*
 * docs/DEADLINES.md: the start and each of the ends of the deadlines of meetings, the court, monitoring, questions,
 * consents and concerns, most of which are dates that an event names.
 */
#include "test_core_clocks_kit.h"

#include "proto/date.h"

#include <stdio.h>

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

/* ---- what no field dates */

/* What is said, and a week later said again with the same words. C is an active case. */
struct undated {
    const char *clock;
    char dossier;
    const char *unit, *type, *to, *sections;
    bool answers;    /* a question of the school's, Q, which is due on a day */
    const char *was; /* after both */
};

#define ROWS                                                                                                           \
    "0{'meetingId':'$f'} 6{'row':{'no':1,'action':'x','responsible':'fa','dueOn':'2026-04-01','serviceRef':'s1'}}"
#define ON_HEALTH                                                                                                      \
    "0{'informationReceivedOn':'2026-01-05'} 1@p1 4@p1{'entitlement':'ILL_CHILD','certificate':{'validTo':"            \
    "'2026-09-30'}} 6{'service':'FAMILY_ASSISTANT'}"

static const struct undated undated[] = {
    {"D15", 'R', "sch", "referral.submitted", "sw", FA_REFERRAL, false, "from 2026-03-01"},
    {"D17", 'R', "sch", "referral.submitted", "fa", ON_HEALTH, false, "from 2026-03-01 due 2026-09-30"},
    {"D16", 'C', "fa", "meeting.agreements_issued", "", ROWS, false, "from 2026-03-01 due 2026-04-01"},
    {"D13", 'C', "fa", "meeting.agreements_issued", "", ROWS, false, "met 2026-03-01"},
    {"D15", 'C', "fa", "info.requested", "sch", "0{'answerBy':'2026-03-20'} 6", false,
     "from 2026-03-01 due 2026-03-20"},
    {"D15", 'Q', "sw", "info.provided", "", "0 6{'docKind':'INFORMATION'}", true, "met 2026-03-01"},
};

static struct kit_record *
say_undated(struct kit *k, const struct undated *line, const char *header)
{
    return say(k, line->unit, line->type, line->dossier, line->to, line->sections, header);
}

static void
what_no_field_dates_stays_where_it_was_when_it_is_said_otherwise(void **state)
{
    for (size_t i = 0; i < sizeof undated / sizeof undated[0]; i++) {
        const struct undated *line = &undated[i];
        struct kit *k = *state;
        struct kit_record *said, *asked = NULL;
        char header[300] = "";

        if (line->dossier == 'C')
            kit_active_case(k, 'C');
        if (line->answers) {
            asked = say(k, "sch", "info.requested", 'Q', "sw", "0{'answerBy':'2026-03-20'} 6", NULL);
            (void)snprintf(header, sizeof header, "%s,", kit_answering(asked));
        }
        said = say_undated(k, line, asked == NULL ? NULL : kit_answering(asked));
        IS(line->dossier, line->clock, line->was);
        for (unsigned again = 0; again < 2; again++) { /* also what is said of a correction */
            char with[600];

            k->now_ms += 7 * DATE_DAY_MS;
            (void)snprintf(with, sizeof with, "%s%s", header, kit_correcting(said, "AMENDED"));
            said = say_undated(k, line, with);
            IS(line->dossier, line->clock, line->was);
        }
        kit_teardown(state);
        clocks_setup(state);
    }
}

static void
a_report_stays_on_its_day_when_it_is_said_otherwise(void **state)
{
    struct kit *k = *state;
    struct kit_record *said;

    kit_active_case(k, 'C');
    say(k, "sw", "court.order_issued", 'C', "",
        "0{'issuedOn':'2026-03-01','reportDates':['2026-03-05']} 1@p1 5{'orderKind':'SUPERVISION'}",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-01'");
    said = say(k, "fa", "info.provided", 'C', "ct", "0 6{'docKind':'REPORT'}", NULL);
    IS('C', "D19", "met 2026-03-01");
    k->now_ms += 7 * DATE_DAY_MS;
    say(k, "fa", "info.provided", 'C', "ct", "0 6{'docKind':'REPORT'}", kit_correcting(said, "AMENDED"));
    IS('C', "D19", "met 2026-03-01");
}

static void
a_date_field_that_is_said_otherwise_moves_its_deadline(void **state)
{
    struct kit *k = *state;
    struct kit_record *said = referral(k);

    IS('R', "D15", "from 2026-01-07");
    k->now_ms += 7 * DATE_DAY_MS;
    say(k, "sch", "referral.submitted", 'R', "sw", FA_REFERRAL, kit_correcting(said, "AMENDED"));
    IS('R', "D15", "cancelled; from 2026-03-01"); /* no letter's: the day it was entered, not that of the correction */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCKS_TEST(d10_ends_with_the_next_meeting_of_any_kind),
        CLOCKS_TEST(d13_ends_with_the_agreements_of_that_meeting),
        CLOCKS_TEST(d16_is_each_row_with_a_date),
        CLOCKS_TEST(d12_is_the_courts_date_and_ends_with_the_opinion_on_that_request),
        CLOCKS_TEST(d19_is_each_date_of_the_order_and_each_report_stands_for_one),
        CLOCKS_TEST(d14_is_each_date_of_the_monitoring_plan),
        CLOCKS_TEST(d15_runs_from_the_day_the_referral_came_and_ends_with_any_answer),
        CLOCKS_TEST(d15_runs_anew_when_the_referral_is_sent_on),
        CLOCKS_TEST(d15_of_a_question_is_the_date_it_names),
        CLOCKS_TEST(d17_is_the_end_of_a_consent_and_ends_with_a_new_one_of_its_kind),
        CLOCKS_TEST(d17_is_the_end_of_a_certificate_too),
        CLOCKS_TEST(what_no_field_dates_stays_where_it_was_when_it_is_said_otherwise),
        CLOCKS_TEST(a_report_stays_on_its_day_when_it_is_said_otherwise),
        CLOCKS_TEST(a_date_field_that_is_said_otherwise_moves_its_deadline),
        CLOCKS_TEST(d18_ends_with_the_answer_to_that_concern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
