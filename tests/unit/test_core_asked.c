/* What core.h and asked.h say of those who are asked and hold nothing: on whom a deadline falls, and what waits for
 * whom where none runs. */
#include "test_core_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

#define WORK_OF_TEST_MAX 32u

static int
setup(void **state)
{
    kit_setup(state);
    kit_unit(*state, "clerk", "op", "CLERK");
    return 0;
}

static struct kit_record *
say(struct kit *k, const char *unit, const char *type, const char *to, const char *sections, const char *header)
{
    return KIT_SAY(k, unit, type, 'C', to, sections, header, NULL);
}

/* "D15 sch; D16 fa": the clocks that the unit is told of, on whom each falls, and "(HOLDER)" where that is told; "/"
 * before who is served. */
static const char *
clocks_of(struct kit *k, const char *unit)
{
    static char text[512];
    struct core_clock found[WORK_OF_TEST_MAX];
    struct core_clocks_at at = {0};
    size_t count = core_clocks(k->core, kit_index(k, unit), &at, found, WORK_OF_TEST_MAX), len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct core_unit falls, holder = {.id = "-"};

        if (found[i].clock != CLOCK_D12 && found[i].clock != CLOCK_D15 && found[i].clock != CLOCK_D16 &&
            found[i].clock != CLOCK_D18)
            continue;
        core_unit(k->core, found[i].unit, &falls);
        if (found[i].holder != CORE_UNIT_NONE)
            core_unit(k->core, found[i].holder, &holder);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s%s (%s)", len > 0 ? "; " : "",
                                clock_info(found[i].clock)->id, found[i].served ? "/" : "", falls.id, holder.id);
    }
    return text;
}
#define CLOCKS(unit, text) assert_string_equal(clocks_of(k, unit), text)

static size_t
work_list(struct kit *k, const char *unit, struct core_work *ret, size_t page)
{
    struct core_work_at at = {0};
    size_t count = 0;

    do {
        assert_true(count + page <= WORK_OF_TEST_MAX);
        count += core_work(k->core, kit_index(k, unit), &at, ret + count, page);
    } while (at.seq != 0);
    return count;
}

/* "QUESTION 12; MEETING 13 2026-04-01": kind, number of the record, and the day where there is one; "ROW 14/2", and
 * ">kur" on whom it falls where that is another; "for paper" an agency that is served. */
static const char *
work_of(struct kit *k, const char *unit)
{
    static const char *const kinds[] = {"QUESTION", "INVITATION", "MEETING", "RECALL", "ASSISTANT",
                                        "APPROVAL", "RETURNED",   "ROW",     "OUTSIDE"};
    static char text[1024];
    struct core_work found[WORK_OF_TEST_MAX], again[WORK_OF_TEST_MAX];
    size_t count = work_list(k, unit, found, 8), len = 0;
    char day[DATE_TEXT_SIZE];
    struct core_unit other;

    assert_int_equal(work_list(k, unit, again, 1), count); /* page by page the same */
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(again[i].kind, found[i].kind);
        assert_int_equal(again[i].seq, found[i].seq);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %llu", len > 0 ? "; " : "", kinds[found[i].kind],
                                (unsigned long long)found[i].seq);
        if (found[i].due != DATE_NONE) {
            date_format(found[i].due, day);
            len += (size_t)snprintf(text + len, sizeof text - len, " %s", day);
        }
        if (found[i].kind == CORE_WORK_ROW)
            len += (size_t)snprintf(text + len, sizeof text - len, "/%u", found[i].item);
        if (found[i].unit != CORE_UNIT_NONE) {
            core_unit(k->core, found[i].unit, &other);
            len += (size_t)snprintf(text + len, sizeof text - len, " >%s", other.id);
        }
        if (found[i].agency != CORE_UNIT_NONE) {
            core_unit(k->core, found[i].agency, &other);
            len += (size_t)snprintf(text + len, sizeof text - len, " for %s", other.agency);
        }
    }
    return text;
}

static void
work_is(struct kit *k, const char *unit, const char *kind, const struct kit_record *record, const char *day)
{
    char text[80];

    (void)snprintf(text, sizeof text, "%s %llu%s%s", kind, (unsigned long long)record->record.seq,
                   day[0] != '\0' ? " " : "", day);
    assert_string_equal(work_of(k, unit), text);
}
#define NO_WORK(unit) assert_string_equal(work_of(k, unit), "")

/* ---- questions */

static struct kit_record *
ask(struct kit *k, const char *to, const char *answer_by)
{
    char sections[120];

    (void)snprintf(sections, sizeof sections, "0{'requestedOn':'2026-03-01'%s%s%s} 6",
                   answer_by[0] != '\0' ? ",'answerBy':'" : "", answer_by, answer_by[0] != '\0' ? "'" : "");
    return say(k, "sw", "info.requested", to, sections, NULL);
}

static void
a_question_falls_to_who_was_asked_and_not_to_who_holds(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = ask(k, "sch", "2026-03-20");
    CLOCKS("sch", "D15 sch (-)"); /* it sees no case, nor who leads it */
    CLOCKS("sw", "D15 sch (sw)");
    CLOCKS("clerk", "D15 sch (sw)");
    CLOCKS("dir", ""); /* questions are not the office's */
    CLOCKS("kur", "");
    NO_WORK("sch"); /* it is a deadline, and there once */
    say(k, "sch", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
    CLOCKS("sch", "");
    CLOCKS("sw", "");
}

static void
a_question_to_two_is_on_both_lists(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    ask(k, "sch kur", "2026-03-20");
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
    dated = ask(k, "sch", "2026-03-20");
    open = ask(k, "sch", "");
    work_is(k, "sch", "QUESTION", open, "");
    say(k, "sw", "info.requested", "", "0", kit_correcting(dated, "ENTERED_IN_ERROR"));
    say(k, "sw", "info.requested", "", "0", kit_correcting(open, "ENTERED_IN_ERROR"));
    CLOCKS("sch", "");
    assert_null(strstr(work_of(k, "sch"), "QUESTION")); /* but the recalls wait */
}

static void
a_question_without_a_date_waits_until_it_is_answered(void **state)
{
    struct kit *k = *state;
    struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    asked = ask(k, "sch", "");
    work_is(k, "sch", "QUESTION", asked, "");
    NO_WORK("sw");
    NO_WORK("kur");
    say(k, "sch", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", kit_answering(asked));
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
    ask(k, "sch", "2026-03-20");
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
    asked = say(k, "sw", "court.opinion_requested", "fa kur",
                "0{'requestedOn':'2026-03-11','dueOn':'2026-03-25'} 1@p1 5",
                "+'onBehalfOf':'x','channel':'PAPER','receivedOn':'2026-03-11'");
    CLOCKS("fa", "D12 fa (-)");
    CLOCKS("kur", ""); /* is told, and gives no opinions */
    CLOCKS("sw", "D12 fa (sw)");
    CLOCKS("dir", "D12 fa (sw)");
    say(k, "fa", "court.opinion_delivered", "ct", "0{'deliveredOn':'2026-03-24'} 5 6=ct", kit_answering(asked));
    CLOCKS("fa", "");
}

/* ---- a safety concern */

static struct kit_record *
concern(struct kit *k, const char *to)
{
    return say(k, "fa", "case.safety_concern_raised", to,
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
    say(k, "ops", "case.safety_concern_answered", "", "0{'answeredOn':'2026-03-12','outcome':'TAKEN_UP'} 5",
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
    say(k, "fa", "case.safety_concern_raised", "", "0", kit_correcting(raised, "ENTERED_IN_ERROR"));
    CLOCKS("ops", "");
    CLOCKS("sw", "");
}

/* ---- rows of agreements */

static struct kit_record *
convene(struct kit *k, const char *invited)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections,
                   "0{'meetingId':'$m','startsAt':'2026-04-01T23:30:00+02:00','status':'booked','revision':1} "
                   "6{'kind':'CONSULTATION','chairRole':'SW','invited':[%s]}",
                   invited);
    return say(k, "fa", "meeting.convened", "", sections, NULL);
}

#define ROW(audience, responsible)                                                                                     \
    "6" audience "{'row':{'no':1,'action':'x','responsible':'" responsible "','dueOn':'2026-04-10'}} "

static struct kit_record *
agree(struct kit *k, const char *rows)
{
    char sections[800];

    (void)snprintf(sections, sizeof sections, "0{'meetingId':'$m'} %s", rows);
    return say(k, "fa", "meeting.agreements_issued", "", sections, NULL);
}

static void
meeting_of(struct kit *k)
{
    kit_active_case(k, 'C');
    convene(k, "{'unit':'sch'},{'unit':'kur'}");
}

static void
a_row_falls_to_the_unit_that_it_names(void **state)
{
    struct kit *k = *state;

    meeting_of(k);
    agree(k, ROW("=sch", "sch") ROW("=kur", "probation") ROW("=sch", "SCH") ROW("", "matka"));
    CLOCKS("sch", "D16 sch (-); D16 sch (-)"); /* by its id, and by a role that nobody else there has */
    CLOCKS("kur", "D16 kur (-)");              /* by its agency's */
    CLOCKS("sw", "D16 sch (sw); D16 kur (sw); D16 sch (sw); D16 sw (sw)");
    CLOCKS("svc", "");
}

static void
a_row_asks_nobody_who_is_not_given_it(void **state)
{
    struct kit *k = *state;

    meeting_of(k);
    agree(k, ROW("=kur", "sch") ROW("=sch", "svc"));
    CLOCKS("sch", ""); /* the row is another's */
    CLOCKS("svc", ""); /* it has nothing to do with this family */
    CLOCKS("sw", "D16 sw (sw); D16 sw (sw)");
}

static void
a_row_is_told_until_the_next_meeting(void **state)
{
    struct kit *k = *state;

    meeting_of(k);
    agree(k, ROW("=sch", "sch"));
    CLOCKS("sch", "D16 sch (-)");
    say(k, "fa", "meeting.held", "",
        "0{'meetingId':'$n','heldOn':'2026-04-08'} 6{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}",
        NULL);
    CLOCKS("sch", ""); /* which the school was not at */
}

static void
agreements_that_are_amended_ask_anew(void **state)
{
    struct kit *k = *state;
    struct kit_record *first;

    meeting_of(k);
    first = agree(k, ROW("=sch,kur", "sch"));
    KIT_SAY(k, "fa", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$m'} " ROW("=sch,kur", "kur"),
            kit_correcting(first, "AMENDED"), NULL);
    CLOCKS("sch", "");
    CLOCKS("kur", "D16 kur (-)"); /* which was invited, and so is given the correction */
    say(k, "fa", "meeting.agreements_issued", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    CLOCKS("kur", "");
}

/* ---- meetings */

static void
an_invitation_waits_until_the_meeting_was_held(void **state)
{
    struct kit *k = *state;
    struct kit_record *said;

    kit_open_case(k, "sw", 'C');
    said = say(k, "sw", "meeting.convened", "",
               "0{'meetingId':'$m','startsAt':'2026-04-01T23:30:00+02:00','status':'booked','revision':1} "
               "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'sch'},{'unit':'kur'}]}",
               NULL);
    work_is(k, "sch", "INVITATION", said, "2026-04-01"); /* the day in Poland */
    work_is(k, "sw", "MEETING", said, "2026-04-01");
    said = say(k, "sw", "meeting.convened", "",
               "0{'meetingId':'$m','startsAt':'2026-04-03T10:00:00+02:00','status':'booked','revision':2} "
               "6{'kind':'CONSULTATION','chairRole':'SW','invited':[{'unit':'kur'}]}",
               NULL);
    NO_WORK("sch"); /* not invited any more */
    work_is(k, "kur", "INVITATION", said, "2026-04-03");
    work_is(k, "sw", "MEETING", said, "2026-04-03");
    say(k, "sw", "meeting.held", "",
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
    convene(k, "{'unit':'sch'}");
    say(k, "fa", "meeting.convened", "",
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
    wrong = say(k, "sw", "placement.changed", "sch", "0 1@p1 3@p1",
                "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':"
                "'2026-03-01'");
    recall = say(k, "sw", "placement.changed", "", "0", kit_correcting(wrong, "ENTERED_IN_ERROR"));
    assert_true(must_confirm(k, "sch", recall, wrong));
    assert_true(must_confirm(k, "dir", recall, wrong));
    assert_false(must_confirm(k, "sw", recall, wrong)); /* its own */
    assert_false(must_confirm(k, "kur", recall, wrong));
    assert_false(must_confirm(k, "sch", wrong, wrong)); /* no recall */
    work_is(k, "sch", "RECALL", recall, "");
    NO_WORK("kur");
    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(wrong));
    say(k, "sch", "sys.recall_confirmed", "", body, kit_answering(recall));
    NO_WORK("sch");
    work_is(k, "dir", "RECALL", recall, "");
}

/* ---- what waits for a decision */

static void
an_assistant_is_the_directors_to_assign(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;

    kit_open_case(k, "sw", 'C');
    say(k, "sw", "case.interview_completed", "", "0{'interviewOn':'2026-03-02'} 6{'conclusion':'ASSISTANT_NEEDED'}",
        NULL);
    NO_WORK("dir");
    asked = say(k, "sw", "case.assistant_requested", "", "0 6", NULL);
    work_is(k, "dir", "ASSISTANT", asked, "");
    NO_WORK("sw");
    say(k, "dir", "case.assistant_assigned", "", "0{'unit':'fa','assignedOn':'2026-03-03'}", NULL);
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
    said = say(k, "ic", "ipus.agreed", "", PLAN("1"), NULL);
    work_is(k, "dir", "APPROVAL", said, "");
    NO_WORK("ic");
    said = say(k, "dir", "ipus.approved", "",
               "0{'ipusId':'$I','version':1,'decidedOn':'2026-03-02'} 6{'decision':'RETURNED'}", NULL);
    NO_WORK("dir");
    work_is(k, "ic", "RETURNED", said, "");
    said = say(k, "ic", "ipus.updated", "", PLAN("2"), NULL);
    work_is(k, "dir", "APPROVAL", said, "");
    NO_WORK("ic");
    say(k, "dir", "ipus.approved", "", "0{'ipusId':'$I','version':2,'decidedOn':'2026-03-02'} 6{'decision':'APPROVED'}",
        NULL);
    NO_WORK("dir");
    NO_WORK("svc");
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

    meeting_of(k);
    rows = agree(k, OPEN_ROW("=sch", "sch") ROW("=sch", "sch") OPEN_ROW("", "matka"));
    CLOCKS("sch", "D16 sch (-)"); /* the one that has a date */
    assert_non_null(strstr(work_of(k, "sch"), row_of(rows, 1, "")));
    assert_null(strstr(work_of(k, "sch"), row_of(rows, 3, "")));
    (void)snprintf(all, sizeof all, "%s; %s", row_of(rows, 1, " >sch"), row_of(rows, 3, ""));
    assert_non_null(strstr(work_of(k, "sw"), all));
    (void)snprintf(all, sizeof all, "%s; %s", row_of(rows, 1, " >sch"), row_of(rows, 3, " >sw"));
    assert_non_null(strstr(work_of(k, "dir"), all));
    assert_null(strstr(work_of(k, "kur"), "ROW"));
    assert_null(strstr(work_of(k, "fa"), "ROW"));
}

static void
a_row_without_a_date_ends_as_one_with_a_date_does(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    meeting_of(k);
    rows = agree(k, OPEN_ROW("=sch", "sch") OPEN_ROW("=kur", "kur"));
    assert_non_null(strstr(work_of(k, "sch"), "ROW"));
    say(k, "fa", "meeting.agreements_issued", "", "0{'meetingId':'$m'} " ROW("=sch", "sch") OPEN_ROW("=kur", "kur"),
        kit_correcting(rows, "AMENDED"));
    CLOCKS("sch", "D16 sch (-)");
    assert_null(strstr(work_of(k, "sch"), "ROW"));
    assert_non_null(strstr(work_of(k, "kur"), "ROW"));
    say(k, "fa", "meeting.held", "",
        "0{'meetingId':'$n','heldOn':'2026-04-08'} 6{'kind':'CONSULTATION','attendance':[{'role':'SW','signed':true}]}",
        NULL);
    assert_null(strstr(work_of(k, "kur"), "ROW"));
    assert_null(strstr(work_of(k, "sw"), "ROW"));
}

static void
a_row_without_a_date_that_is_taken_back_is_nobodys(void **state)
{
    struct kit *k = *state;
    struct kit_record *rows;

    meeting_of(k);
    rows = agree(k, OPEN_ROW("=sch", "sch"));
    assert_non_null(strstr(work_of(k, "sch"), "ROW"));
    say(k, "fa", "meeting.agreements_issued", "", "0", kit_correcting(rows, "ENTERED_IN_ERROR"));
    assert_null(strstr(work_of(k, "sch"), "ROW"));
    assert_null(strstr(work_of(k, "sw"), "ROW"));
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
    asked = ask(k, "agency:paper", "2026-03-20");
    CLOCKS("rec", "D15 /paper (-)"); /* no more than the agency is told */
    CLOCKS("sw", "D15 paper (sw)");
    CLOCKS("clerk", "D15 paper (sw)");
    CLOCKS("sch", "");
    CLOCKS("dir", "");
    open = ask(k, "agency:paper", "");
    (void)snprintf(text, sizeof text, "QUESTION %llu for paper", (unsigned long long)open->record.seq);
    assert_non_null(strstr(work_of(k, "rec"), text));
    assert_null(strstr(work_of(k, "sw"), "QUESTION"));
    (void)snprintf(header, sizeof header, "+'onBehalfOf':'paper','channel':'PAPER','receivedOn':'2026-03-19'|%s",
                   kit_answering(asked));
    say(k, "rec", "info.provided", "sw", "0 6{'docKind':'INFORMATION'}", header);
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
    convene(k, "{'unit':'paper2'},{'unit':'kur'}");
    ask(k, "agency:paper2", "2026-03-20");
    CLOCKS("sw", "D15 /paper2 (sw)");
    rows = agree(k, ROW("=paper2", "paper2") OPEN_ROW("=paper2", "paper2"));
    CLOCKS("sw", "D15 /paper2 (sw); D16 /paper2 (sw)");
    assert_non_null(strstr(work_of(k, "sw"), row_of(rows, 2, " for paper2")));
    assert_null(strstr(work_of(k, "sw"), row_of(rows, 2, " >")));
    assert_non_null(strstr(work_of(k, "dir"), row_of(rows, 2, " >paper2")));
    assert_null(strstr(work_of(k, "rec"), "ROW"));
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
        say(k, "ops:SW", "info.requested", i == 1 ? "agency:paper3" : "agency:paper2",
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
    asked = say(k, "sw", "info.requested", "agency:paper2", "0{'requestedOn':'2026-03-01'} 6", NULL);
    assert_non_null(strstr(work_of(k, "rec"), letter(asked, "paper2")));
    NO_WORK("sch");
    asked = say(k, "sw", "info.requested", "agency:paper", "0{'requestedOn':'2026-03-01'} 6", NULL);
    assert_non_null(strstr(work_of(k, "rec"), letter(asked, "paper"))); /* of both, page by page too */
    assert_non_null(strstr(work_of(k, "rec"), " for paper2"));
    say(k, "sw", "info.requested", "", "0", kit_correcting(asked, "ENTERED_IN_ERROR"));
    assert_null(strstr(work_of(k, "rec"), " for paper;"));
    assert_null(strstr(work_of(k, "rec"), letter(asked, "paper")));
}

static void
a_list_goes_on_where_it_stopped(void **state)
{
    struct kit *k = *state;
    struct core_work found[8];
    struct core_work_at at = {0};

    kit_open_case(k, "sw", 'C');
    ask(k, "sch", "");
    ask(k, "sch", "");
    ask(k, "sch", "");
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
        asked[i] = ask(k, "sch", "");
    assert_int_equal(core_work(k->core, kit_index(k, "sch"), &at, found, 2), 2);
    say(k, "sch", "info.provided", "sw", "0 6", kit_answering(asked[0]));
    ask(k, "sch", "");
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
    const struct kit_record *first = ask(k, "sch", ""), *second = ask(k, "sch", ""), *third = ask(k, "sch", "");

    say(k, "sw", "info.requested", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    say(k, "sch", "info.provided", "sw", "0 6", kit_answering(second));
    say(k, "sch", "info.provided", "sw", "0 6", kit_answering(third));
}

/* ... and when all that it was sent was sent by mistake, it has nothing to do with the family any more. */
static void
who_was_addressed_by_mistake_twice_is_no_addressee_any_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *first, *second;

    kit_open_case(k, "sw", 'C');
    first = ask(k, "sch", "");
    second = ask(k, "sch", "");
    say(k, "sw", "info.requested", "", "0", kit_correcting(second, "ENTERED_IN_ERROR"));
    say(k, "sw", "info.requested", "", "0", kit_correcting(first, "ENTERED_IN_ERROR"));
    kit_refused(
        k,
        &(const struct kit_line){.unit = "sch", .type = "info.provided", .dossier = 'C', .to = "sw", .sections = "0 6"},
        E_DOSSIER, "header.dossierId");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

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
        TEST(an_invitation_waits_until_the_meeting_was_held),
        TEST(a_meeting_that_is_called_off_waits_for_nobody),
        TEST(a_recall_waits_for_those_who_were_given_what_it_recalls),
        TEST(an_assistant_is_the_directors_to_assign),
        TEST(a_plan_is_the_directors_to_approve_and_the_holders_when_it_comes_back),
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
