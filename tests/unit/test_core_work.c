/* What core.h says of work that is no deadline: what waits for whom, and the lists that tell it. */
#include "test_core_asked_kit.h"

#include <stdio.h>
#include <string.h>

/* ---- meetings */

static void
an_invitation_waits_until_the_meeting_was_held(void **state)
{
    struct kit *k = *state;
    struct kit_record *said;

    kit_open_case(k, "sw", 'C');
    said = asked_say(k, "sw", "meeting.convened", "",
                     "0{'meetingId':'$m','startsAt':'2026-04-01T23:30:00+02:00','status':'booked','revision':1} "
                     "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'sch'},{'unit':'kur'}]}",
                     NULL);
    asked_work_is(k, "sch", "INVITATION", said, "2026-04-01"); /* the day in Poland */
    asked_work_is(k, "sw", "MEETING", said, "2026-04-01");
    said = asked_say(k, "sw", "meeting.convened", "",
                     "0{'meetingId':'$m','startsAt':'2026-04-03T10:00:00+02:00','status':'booked','revision':2} "
                     "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'kur'}]}",
                     NULL);
    NO_WORK("sch"); /* not invited any more */
    asked_work_is(k, "kur", "INVITATION", said, "2026-04-03");
    asked_work_is(k, "sw", "MEETING", said, "2026-04-03");
    asked_say(
        k, "sw", "meeting.held", "",
        "0{'meetingId':'$m','heldOn':'2026-04-03'} 6{'kind':'CONSULTATION','chairRole':'SW','attendance':[{'role':'SW',"
        "'signed':true}]}",
        NULL);
    NO_WORK("kur");
    NO_WORK("sw");
}

static void
a_meeting_that_is_called_off_waits_for_nobody(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    asked_convene(k, "{'unit':'sch'}");
    asked_say(k, "fa", "meeting.convened", "",
              "0{'meetingId':'$m','startsAt':'2026-04-01T10:00:00+02:00','status':'cancelled','revision':2} "
              "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'sch'}]}",
              NULL);
    NO_WORK("sch");
    NO_WORK("sw");
}

/* ---- recalls */

static bool
must_confirm(struct kit *k, const char *unit, const struct kit_record *recall, const struct kit_record *recalled)
{
    return core_must_confirm(k->core, kit_index(k, unit), &recall->record, &recalled->record);
}

static void
a_recall_waits_for_those_who_were_given_what_it_recalls(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong, *recall;
    char body[128];

    kit_open_case(k, "sw", 'C');
    wrong = asked_say(k, "sw", "placement.changed", "sch", "0 1@p1 3@p1",
                      "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':"
                      "'2026-03-01'");
    recall = asked_say(k, "sw", "placement.changed", "", "0", kit_correcting(wrong, "ENTERED_IN_ERROR"));
    assert_true(must_confirm(k, "sch", recall, wrong));
    assert_true(must_confirm(k, "dir", recall, wrong));
    assert_false(must_confirm(k, "sw", recall, wrong)); /* its own */
    assert_false(must_confirm(k, "kur", recall, wrong));
    assert_false(must_confirm(k, "sch", wrong, wrong)); /* no recall */
    asked_work_is(k, "sch", "RECALL", recall, "");
    NO_WORK("kur");
    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(wrong));
    asked_say(k, "sch", "sys.recall_confirmed", "", body, kit_answering(recall));
    NO_WORK("sch");
    asked_work_is(k, "dir", "RECALL", recall, "");
}

/* ---- what waits for a decision */

static void
an_assistant_is_the_directors_to_assign(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked_say(k, "sw", "case.interview_completed", "",
              "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}", NULL);
    NO_WORK("dir");
    asked = asked_say(k, "sw", "case.assistant_requested", "", "0 6", NULL);
    asked_work_is(k, "dir", "ASSISTANT", asked, "");
    NO_WORK("sw");
    asked_say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-03'}", NULL);
    NO_WORK("dir");
}

#define PLAN(version)                                                                                                  \
    "0{'ipusId':'$I','version':" version                                                                               \
    ",'agreedOn':'2026-03-01','periodFrom':'2026-03-01','periodTo':'2026-08-31'} "                                     \
    "1@p1 "                                                                                                            \
    "6{'applicantAgreed':'YES','row':{'serviceRef':'s','programmeId':'p','provider':'svc','place':'x','schedule':"     \
    "'x'}}"

static void
a_plan_is_the_directors_to_approve_and_the_holders_when_it_comes_back(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said;

    KIT_SAY(k, "ic", "case.opened", 'C', "", "0{'openedOn':'2026-03-01'} 1@p1 6{'path':'IPUS'}", NULL, NULL);
    said = asked_say(k, "ic", "ipus.agreed", "", PLAN("1"), NULL);
    asked_work_is(k, "dir", "APPROVAL", said, "");
    NO_WORK("ic");
    said = asked_say(k, "dir", "ipus.approved", "",
                     "0{'ipusId':'$I','version':1,'decidedOn':'2026-03-02'} 6{'decision':'RETURNED'}", NULL);
    NO_WORK("dir");
    asked_work_is(k, "ic", "RETURNED", said, "");
    said = asked_say(k, "ic", "ipus.updated", "", PLAN("2"), NULL);
    asked_work_is(k, "dir", "APPROVAL", said, "");
    NO_WORK("ic");
    asked_say(k, "dir", "ipus.approved", "",
              "0{'ipusId':'$I','version':2,'decidedOn':'2026-03-02'} 6{'decision':'APPROVED'}", NULL);
    NO_WORK("dir");
    NO_WORK("svc");
}

/* ---- what an event lacked is work of who leads the dossier and of who said it, until it is entered */

static void
an_interview_that_was_left_out_is_to_be_entered(void **state)
{
    struct kit *k = *state;
    const struct kit_record *assigned;

    kit_open_case(k, "sw", 'C');
    assigned = asked_say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-03'}",
                         "'lateEntry':true");
    asked_work_is(k, "sw", "INTERVIEW", assigned, "");
    asked_work_is(k, "dir", "INTERVIEW", assigned, "");
    NO_WORK("fa");
    asked_say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-02'}",
              kit_correcting(assigned, "AMENDED"));
    asked_work_is(k, "sw", "INTERVIEW", assigned, "");
    asked_say(k, "sw", "case.interview_completed", "",
              "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}", "'lateEntry':true");
    NO_WORK("sw");
    NO_WORK("dir");
}

static void
what_was_assigned_by_mistake_lacks_no_interview(void **state)
{
    struct kit *k = *state;
    const struct kit_record *assigned;

    kit_open_case(k, "sw", 'C');
    assigned = asked_say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-03'}",
                         "'lateEntry':true");
    asked_say(k, "dir", "case.assistant_assigned", "", "0", kit_correcting(assigned, "ENTERED_IN_ERROR"));
    assert_null(strstr(asked_work_of(k, "sw"), "INTERVIEW"));
}

#define FIRST_CONTACT                                                                                                  \
    "0{'meetingId':'$f','heldOn':'2026-03-10'} 6{'kind':'FIRST_CONTACT','attendance':[{'role':'SW','signed':true},"    \
    "{'role':'FA','signed':true}]}"
#define CONSENT(id, on) "0{'consentId':'$" id "','givenOn':'" on "'} 1 6{'kind':'COOPERATION_DWR_01_01'}"

static void
the_basis_of_a_first_contact_is_to_be_entered(void **state)
{
    struct kit *k = *state;
    const struct kit_record *held;

    kit_open_case(k, "sw", 'C');
    asked_say(k, "sw", "case.interview_completed", "",
              "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}", NULL);
    asked_say(k, "sw", "case.assistant_requested", "", "0 6", NULL);
    asked_say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-03'}", NULL);
    held = asked_say(k, "fa", "meeting.held", "", FIRST_CONTACT, NULL);
    asked_work_is(k, "sw", "BASIS", held, "");
    asked_work_is(k, "fa", "BASIS", held, "");
    NO_WORK("dir");
    asked_say(k, "fa", "consent.granted", "", CONSENT("c", "2026-03-12"), NULL);
    asked_work_is(k, "fa", "BASIS", held, ""); /* signed too late */
    asked_say(k, "fa", "consent.granted", "", CONSENT("d", "2026-03-10"), NULL);
    NO_WORK("sw");
    NO_WORK("fa");
}

static void
the_applicants_consent_is_to_be_said_with_what_was_forwarded(void **state)
{
    struct kit *k = *state;
    const struct kit_record *sent;

    KIT_SAY(k, "rec", "referral.submitted", 'C', "ic", "0 1@p1 6{'service':'IPUS'}",
            "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':'2026-02-27'", NULL);
    sent = asked_say(k, "ic", "referral.forwarded", "", "0{'toUnit':'ops','whole':'YES'} 6", NULL);
    asked_work_is(k, "ic", "CONSENT", sent, "");
    NO_WORK("ops");
    asked_say(k, "ic", "referral.forwarded", "",
              "0{'toUnit':'ops','whole':'YES'} 6{'applicantConsent':{'on':'2026-03-01'}}",
              kit_correcting(sent, "AMENDED"));
    NO_WORK("ic");
}

/* ---- on paper */

/* "ROW 14/2": one row of a record, and what follows. */
static const char *
row_of(const struct kit_record *record, unsigned item, const char *more)
{
    static char text[8][80];
    static unsigned turn;
    char *ret = text[turn++ % 8];

    (void)snprintf(ret, sizeof text[0], "ROW %llu/%u%s", (unsigned long long)record->record.seq, item, more);
    return ret;
}

#define OPEN_ROW(audience, responsible)                                                                                \
    "6" audience "{'row':{'no':1,'action':'x','responsible':'" responsible "','serviceRef':'s1'}} "

static void
a_row_without_a_date_is_work_of_who_it_names_and_else_of_the_holder(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;
    char all[200];

    asked_meeting(k);
    rows = asked_agree(k, OPEN_ROW("=sch", "sch") ROW("=sch", "sch") OPEN_ROW("", "matka"));
    CLOCKS("sch", "D16 sch (-)"); /* the one that has a date */
    assert_non_null(strstr(asked_work_of(k, "sch"), row_of(rows, 1, "")));
    assert_null(strstr(asked_work_of(k, "sch"), row_of(rows, 3, "")));
    (void)snprintf(all, sizeof all, "%s; %s", row_of(rows, 1, " >sch"), row_of(rows, 3, ""));
    assert_non_null(strstr(asked_work_of(k, "sw"), all));
    (void)snprintf(all, sizeof all, "%s; %s", row_of(rows, 1, " >sch"), row_of(rows, 3, " >sw"));
    assert_non_null(strstr(asked_work_of(k, "dir"), all));
    assert_null(strstr(asked_work_of(k, "kur"), "ROW"));
    assert_null(strstr(asked_work_of(k, "fa"), "ROW"));
}

static void
a_row_without_a_date_ends_as_one_with_a_date_does(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    asked_meeting(k);
    rows = asked_agree(k, OPEN_ROW("=sch", "sch") OPEN_ROW("=kur", "kur"));
    assert_non_null(strstr(asked_work_of(k, "sch"), "ROW"));
    asked_say(k, "fa", "meeting.agreements_issued", "",
              "0{'meetingId':'$m'} " ROW("=sch", "sch") OPEN_ROW("=kur", "kur"), kit_correcting(rows, "AMENDED"));
    CLOCKS("sch", "D16 sch (-)");
    assert_null(strstr(asked_work_of(k, "sch"), "ROW"));
    assert_non_null(strstr(asked_work_of(k, "kur"), "ROW"));
    asked_say(
        k, "fa", "meeting.held", "",
        "0{'meetingId':'$n','heldOn':'2026-04-08'} 6{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}",
        NULL);
    assert_null(strstr(asked_work_of(k, "kur"), "ROW"));
    assert_null(strstr(asked_work_of(k, "sw"), "ROW"));
}

static void
a_row_without_a_date_that_is_taken_back_is_nobodys(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    asked_meeting(k);
    rows = asked_agree(k, OPEN_ROW("=sch", "sch"));
    assert_non_null(strstr(asked_work_of(k, "sch"), "ROW"));
    asked_say(k, "fa", "meeting.agreements_issued", "", "0", kit_correcting(rows, "ENTERED_IN_ERROR"));
    assert_null(strstr(asked_work_of(k, "sch"), "ROW"));
    assert_null(strstr(asked_work_of(k, "sw"), "ROW"));
}

/* An agency without the system, which "rec" serves; and one that "sw" serves. */
static void
paper(struct kit *k)
{
    kit_own(k, "sys.external_enrolled",
            "0{'agencyId':'paper','name':'P','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}");
    kit_own(k, "sys.external_enrolled",
            "0{'agencyId':'paper2','name':'P','kinds':['SCHOOL'],'servedBy':'sw','channel':'PAPER'}");
}

static void
what_an_agency_on_paper_owes_is_on_the_list_of_who_serves_it(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked, *open;
    char text[80], header[200];

    paper(k);
    kit_open_case(k, "sw", 'C');
    asked = asked_question(k, "agency:paper", "2026-03-20");
    CLOCKS("rec", "D15 /paper (-)"); /* no more than the agency is told */
    CLOCKS("sw", "D15 paper (sw)");
    CLOCKS("clerk", "D15 paper (sw)");
    CLOCKS("sch", "");
    CLOCKS("dir", "");
    open = asked_question(k, "agency:paper", "");
    (void)snprintf(text, sizeof text, "QUESTION %llu for paper", (unsigned long long)open->record.seq);
    assert_non_null(strstr(asked_work_of(k, "rec"), text));
    assert_null(strstr(asked_work_of(k, "sw"), "QUESTION"));
    (void)snprintf(header, sizeof header, "+'onBehalfOf':'paper','channel':'PAPER','receivedOn':'2026-03-19'|%s",
                   kit_answering(asked));
    asked_say(k, "rec", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", header);
    CLOCKS("rec", "");
    CLOCKS("sw", "");
}

static void
who_serves_and_leads_has_it_once(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    paper(k);
    kit_active_case(k, 'C');
    asked_convene(k, "{'unit':'paper2'},{'unit':'kur'}");
    asked_question(k, "agency:paper2", "2026-03-20");
    CLOCKS("sw", "D15 /paper2 (sw)");
    rows = asked_agree(k, ROW("=paper2", "paper2") OPEN_ROW("=paper2", "paper2"));
    CLOCKS("sw", "D15 /paper2 (sw); D16 /paper2 (sw)");
    assert_non_null(strstr(asked_work_of(k, "sw"), row_of(rows, 2, " for paper2")));
    assert_null(strstr(asked_work_of(k, "sw"), row_of(rows, 2, " >")));
    assert_non_null(strstr(asked_work_of(k, "dir"), row_of(rows, 2, " >paper2")));
    assert_null(strstr(asked_work_of(k, "rec"), "ROW"));
}

static void
a_list_of_deadlines_goes_on_with_those_that_are_served(void **state)
{
    struct kit *k = *state;
    struct core_clocks_at at = {0};
    struct core_clock one;
    unsigned count = 0;

    kit_own(k, "sys.external_enrolled",
            "0{'agencyId':'paper3','name':'P','kinds':['SCHOOL'],'servedBy':'sw','channel':'PAPER'}");
    paper(k);
    kit_open_case(k, "ops:SW", 'C');
    for (unsigned i = 0; i < 3; i++)
        asked_say(k, "ops:SW", "info.requested", i == 1 ? "agency:paper3" : "agency:paper2",
                  "0{'requestedOn':'2026-03-01','answerBy':'2026-03-20'} 6", NULL);
    do {
        size_t got = core_clocks(k->core, kit_index(k, "sw"), &at, &one, 1);

        count += got == 1 && one.served && one.clock == CLOCK_D15;
        assert_int_equal(got == 0 || one.served, true);
    } while (at.seq != 0);
    assert_int_equal(count, 3);
}

static const char *
letter(const struct kit_record *record, const char *agency)
{
    static char text[80];

    (void)snprintf(text, sizeof text, "OUTSIDE %llu for %s", (unsigned long long)record->record.seq, agency);
    return text;
}

static void
what_is_due_on_paper_is_work_of_who_serves_the_agency(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;

    kit_own(k, "sys.external_enrolled",
            "0{'agencyId':'paper','name':'P','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}");
    kit_own(k, "sys.external_enrolled",
            "0{'agencyId':'paper2','name':'P','kinds':['SCHOOL'],'servedBy':'rec','channel':'PAPER'}");
    kit_open_case(k, "sw", 'C');
    asked = asked_say(k, "sw", "info.requested", "agency:paper2", "0{'requestedOn':'2026-03-01'} 6", NULL);
    assert_non_null(strstr(asked_work_of(k, "rec"), letter(asked, "paper2")));
    NO_WORK("sch");
    asked = asked_say(k, "sw", "info.requested", "agency:paper", "0{'requestedOn':'2026-03-01'} 6", NULL);
    assert_non_null(strstr(asked_work_of(k, "rec"), letter(asked, "paper"))); /* of both, page by page too */
    assert_non_null(strstr(asked_work_of(k, "rec"), " for paper2"));
    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(asked, "ENTERED_IN_ERROR"));
    assert_null(strstr(asked_work_of(k, "rec"), " for paper;"));
    assert_null(strstr(asked_work_of(k, "rec"), letter(asked, "paper")));
}

static void
a_list_goes_on_where_it_stopped(void **state)
{
    struct kit *k = *state;
    struct core_work found[8];
    struct core_work_at at = {0};

    kit_open_case(k, "sw", 'C');
    asked_question(k, "sch", "");
    asked_question(k, "sch", "");
    asked_question(k, "sch", "");
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 2);
    assert_true(at.seq != 0);
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 1);
    assert_int_equal(at.seq, 0);
}

/* What is answered between two pages must not move what comes after it. */
static void
a_list_goes_on_where_it_stopped_though_the_work_before_is_done(void **state)
{
    struct kit *k = *state;
    struct core_work found[8];
    struct core_work_at at = {0};
    const struct kit_record *asked[4];

    kit_open_case(k, "sw", 'C');
    for (unsigned i = 0; i < 4; i++)
        asked[i] = asked_question(k, "sch", "");
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 2);
    asked_say(k, "sch", "info.provided", "sw", "0 6", kit_answering(asked[0]));
    asked_question(k, "sch", "");
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 2);
    assert_int_equal(found[0].seq, asked[2]->record.seq);
    assert_int_equal(found[1].seq, asked[3]->record.seq);
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 1); /* the newest */
    assert_int_equal(at.seq, 0);
}

/* A letter that was opened by mistake has other questions in it, which are the receiver's to answer still. */
static void
of_several_questions_the_others_are_answered_when_the_first_is_taken_back(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first = asked_question(k, "sch", ""), *second = asked_question(k, "sch", ""),
                            *third = asked_question(k, "sch", "");

    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    asked_say(k, "sch", "info.provided", "sw", "0 6", kit_answering(second));
    asked_say(k, "sch", "info.provided", "sw", "0 6", kit_answering(third));
}

/* ... and when all that it was sent was sent by mistake, it has nothing to do with the family any more. */
static void
who_was_addressed_by_mistake_twice_is_no_addressee_any_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first, *second;

    kit_open_case(k, "sw", 'C');
    first = asked_question(k, "sch", "");
    second = asked_question(k, "sch", "");
    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(second, "ENTERED_IN_ERROR"));
    asked_say(k, "sw", "info.requested", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    kit_refused(
        k,
        &(const struct kit_line){.unit = "sch", .type = "info.provided", .dossier = 'C', .to = "sw", .sections = "0 6"},
        E_DOSSIER, "header.dossierId");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asked_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_invitation_waits_until_the_meeting_was_held),
        TEST(a_meeting_that_is_called_off_waits_for_nobody),
        TEST(a_recall_waits_for_those_who_were_given_what_it_recalls),
        TEST(an_assistant_is_the_directors_to_assign),
        TEST(a_plan_is_the_directors_to_approve_and_the_holders_when_it_comes_back),
        TEST(an_interview_that_was_left_out_is_to_be_entered),
        TEST(what_was_assigned_by_mistake_lacks_no_interview),
        TEST(the_basis_of_a_first_contact_is_to_be_entered),
        TEST(the_applicants_consent_is_to_be_said_with_what_was_forwarded),
        TEST(what_is_due_on_paper_is_work_of_who_serves_the_agency),
        TEST(a_row_without_a_date_is_work_of_who_it_names_and_else_of_the_holder),
        TEST(a_row_without_a_date_that_is_taken_back_is_nobodys),
        TEST(a_row_without_a_date_ends_as_one_with_a_date_does),
        TEST(what_an_agency_on_paper_owes_is_on_the_list_of_who_serves_it),
        TEST(who_serves_and_leads_has_it_once),
        TEST(a_list_of_deadlines_goes_on_with_those_that_are_served),
        TEST(of_several_questions_the_others_are_answered_when_the_first_is_taken_back),
        TEST(who_was_addressed_by_mistake_twice_is_no_addressee_any_more),
        TEST(a_list_goes_on_where_it_stopped),
        TEST(a_list_goes_on_where_it_stopped_though_the_work_before_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
