/*
 * What core.h says of deadlines beside their starts and ends: corrections, merged cases, what the deadline watcher may
 * say and to whom it goes, and who is given which list.
 */
#include "test_core_clocks_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

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
    if (found[i].ended != DATE_NONE)
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

/* A notice of the clock, given to just those, as S0 and nothing else: "sw=0 fa=0". */
static void
told_to(struct kit *k, const char *what, const char *id, const char *due, const char *whom)
{
    struct kit_line line = notice(k, what, id, due, "");

    line.expect = whom;
    kit_say(k, &line);
}

static void
who_was_asked_is_told_of_it_and_nobody_else(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = say(k, "sw", "info.requested", 'C', "sch kur", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-20'} 6",
                NULL);
    say(k, "sw", "info.requested", 'C', "svc", "0{'requestedOn':'2026-02-01'} 6",
        NULL);                                                          /* of another, without a date */
    told_to(k, "approaching", "D15", "2026-02-20", "sw=0 sch=0 kur=0"); /* questions are not the office's */
    told_to(k, "missed", "D15", "2026-02-20", "sw=0 sch=0 kur=0");
    say(k, "sch", "info.provided", 'C', "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    told_to(k, "met", "D15", "2026-02-20", "sw=0 sch=0 kur=0");
}

static void
of_an_opinion_and_of_a_concern_those_are_told_who_are_to_answer(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "sw", "court.opinion_requested", 'C', "fa kur", "0{'requestedOn':'2026-02-11','dueOn':'2026-02-25'} 1@p1 5",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-02-11'");
    told_to(k, "approaching", "D12", "2026-02-25", "sw=0 dir=0 fa=0"); /* "kur" gives no opinions */
    say(k, "sch", "case.safety_concern_raised", 'L', "sw ops",
        "0{'raisedOn':'2026-02-26'} 1@p1 5{'kind':'OTHER','facts':'x'}", NULL);
    told_to(k, "approaching", "D18", "2026-02-27", "sw=0 dir=0 ops=0");
}

static void
who_works_on_the_family_is_told_of_what_he_does(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    assign(k, 'C', "2026-01-20");
    told_to(k, "approaching", "D4", "2026-07-20", "sw=0 dir=0 fa=0");
}

static void
of_a_question_taken_back_those_are_told_who_were_asked(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = say(k, "sw", "info.requested", 'C', "sch", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-20'} 6", NULL);
    told_to(k, "approaching", "D15", "2026-02-20", "sw=0 sch=0");
    say(k, "sw", "info.requested", 'C', "", "0", kit_correcting(asked, "ENTERED_IN_ERROR"));
    told_to(k, "cancelled", "D15", "2026-02-20", "sw=0 sch=0");
}

static void
of_a_loss_who_was_asked_is_told_nothing(void **state)
{
    struct kit *k = *state;

    say(k, "sw", "case.opened", 'C', "",
        "0{'openedOn':'2026-03-01','proceedingStartedOn':'2026-01-08'} 1@p1 4{'entitlement':'LOSS'} "
        "6{'path':'ORDINARY'}",
        NULL);
    say(k, "sw", "info.requested", 'C', "sch", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-20'} 6", NULL);
    told_to(k, "approaching", "D15", "2026-02-20", "sw=0");
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

/* A question is told of by its date; amended, it names another. */
static void
a_date_that_an_amendment_moves_is_told_of_anew(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = say(k, "sw", "info.requested", 'C', "sch", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-20'} 6", NULL);
    told_to(k, "missed", "D15", "2026-02-20", "sw=0 sch=0");
    say(k, "sw", "info.requested", 'C', "", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-20'} 6",
        kit_correcting(asked, "AMENDED"));
    refused(k, "missed", "D15", "2026-02-20", "", E_ORDER, AT("MissedS0.deadline.clock"));
    say(k, "sw", "info.requested", 'C', "", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-25'} 6",
        kit_correcting(asked, "AMENDED"));
    IS('C', "D15", "from 2026-03-01 due 2026-02-25");
    assert_int_equal(found[0].told, 0);
    told_to(k, "missed", "D15", "2026-02-25", "sw=0 sch=0");
    say(k, "sch", "info.provided", 'C', "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    tell(k, "met", "D15", "2026-02-25");
    say(k, "sw", "info.requested", 'C', "", "0{'requestedOn':'2026-02-01','answerBy':'2026-02-26'} 6",
        kit_correcting(asked, "AMENDED"));
    IS('C', "D15", ""); /* that it was met is known */
}

static void
a_clock_that_runs_again_after_its_end_was_told_is_told_of_anew(void **state)
{
    struct kit *k = *state;
    struct kit_record *closed;

    open_case(k, 'C');
    tell(k, "missed", "D2", "2026-02-09");
    closed = close_case(k, 'C', "2026-02-20", "'reason':'MOVED'");
    tell(k, "cancelled", "D2", "2026-02-09");
    IS('C', "D2", "");
    say(k, "sw", "case.closed", 'C', "", "0", kit_correcting(closed, "ENTERED_IN_ERROR"));
    tell(k, "missed", "D2", "2026-02-09");
    refused(k, "missed", "D2", "2026-02-09", "", E_ORDER, AT("MissedS0.deadline.clock"));
    close_case(k, 'C', "2026-02-21", "'reason':'MOVED'");
    tell(k, "cancelled", "D2", "2026-02-09");
    IS('C', "D2", "");
}

static void
a_row_that_an_amendment_gives_another_service_is_the_same_deadline(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    kit_active_case(k, 'C');
    rows = say(k, "fa", "meeting.agreements_issued", 'C', "",
               "0{'meetingId':'$f'} 6{'row':{'no':1,'action':'x','responsible':'fa','dueOn':'2026-02-25'}}", NULL);
    say(k, "fa", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$f'} 6{'row':{'no':1,'action':'x','responsible':'fa','dueOn':'2026-02-25','serviceRef':'s2'}}",
        kit_correcting(rows, "AMENDED"));
    IS('C', "D16", "from 2026-03-01 due 2026-02-25");
    tell(k, "missed", "D16", "2026-02-25");
    say(k, "fa", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$f'} 6{'row':{'no':1,'action':'x','responsible':'fa','dueOn':'2026-02-25','serviceRef':'s3'}}",
        kit_correcting(rows, "AMENDED"));
    IS('C', "D16", "from 2026-03-01 due 2026-02-25");
    refused(k, "missed", "D16", "2026-02-25", "", E_ORDER, AT("MissedS0.deadline.clock"));
}

/* A slip of the pen in a year: the clock is still one that can be told of, and hides no other. */
static void
a_date_before_1970_is_kept_as_the_first_day(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    say(k, "sw", "court.opinion_requested", 'C', "fa", "0{'requestedOn':'2026-02-11','dueOn':'1926-03-25'} 1@p1 5",
        "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-02-11'");
    IS('C', "D12", "from 2026-02-11 due 1970-01-02");
    tell(k, "missed", "D12", "1970-01-02");
}

/* A slip of the pen to the other side: what comes of it can be told. */
static void
a_term_that_ends_behind_the_last_day_can_be_told_of(void **state)
{
    struct kit *k = *state;
    struct kit_record *first = say(k, "sch", "referral.submitted", 'R', "sw",
                                   "0{'informationReceivedOn':'2926-01-05'} 1@p1 6{'service':'FAMILY_ASSISTANT'}",
                                   NULL);

    IS('R', "D1", "from 2149-06-06");
    say(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    tell(k, "cancelled", "D1", "2149-06-20");
    IS('R', "D1", "");
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
    assert_int_equal(count, 7);
    assert_int_equal(sum, 1 + 15 + 2 + 4 + 11 + 8 + 9); /* and the first two of the centre */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCKS_TEST(a_recall_of_the_start_cancels_and_of_the_end_lets_it_run_again),
        CLOCKS_TEST(an_amended_date_replaces_the_clock_and_an_amended_text_does_not),
        CLOCKS_TEST(an_amended_question_is_still_the_one_that_is_answered),
        CLOCKS_TEST(merged_cases_have_one_interview),
        CLOCKS_TEST(a_deadline_is_told_once_to_the_holder_and_his_office),
        CLOCKS_TEST(of_a_loss_who_was_asked_is_told_nothing),
        CLOCKS_TEST(of_a_question_taken_back_those_are_told_who_were_asked),
        CLOCKS_TEST(who_works_on_the_family_is_told_of_what_he_does),
        CLOCKS_TEST(of_an_opinion_and_of_a_concern_those_are_told_who_are_to_answer),
        CLOCKS_TEST(who_was_asked_is_told_of_it_and_nobody_else),
        CLOCKS_TEST(what_was_told_as_met_can_be_taken_back_and_met_again),
        CLOCKS_TEST(a_cancelled_deadline_is_told_once),
        CLOCKS_TEST(a_notice_that_does_not_fit_the_state_is_refused),
        CLOCKS_TEST(the_date_that_an_event_names_is_not_moved),
        CLOCKS_TEST(after_a_loss_the_holder_alone_is_reminded_and_nobody_is_told_of_a_missed_day),
        CLOCKS_TEST(a_date_that_an_amendment_moves_is_told_of_anew),
        CLOCKS_TEST(a_clock_that_runs_again_after_its_end_was_told_is_told_of_anew),
        CLOCKS_TEST(a_row_that_an_amendment_gives_another_service_is_the_same_deadline),
        CLOCKS_TEST(a_date_before_1970_is_kept_as_the_first_day),
        CLOCKS_TEST(a_term_that_ends_behind_the_last_day_can_be_told_of),
        CLOCKS_TEST(a_unit_is_given_what_it_holds_and_an_office_what_its_agency_holds),
        CLOCKS_TEST(a_list_goes_on_where_the_page_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
