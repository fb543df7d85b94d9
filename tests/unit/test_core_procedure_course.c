/*
 * What the state of a referral and a case is: the fold of what was said and not taken back, the same on replay; and
 * what stops being given, because a consent ended or an event was entered in error.
 */
#include "test_core_procedure_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- courses */

static void
a_case_is_suspended_without_consent_and_goes_on_with_it(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    KIT_SAY(k, "fa", "consent.withdrawn", 'C', "",
            "0{'consentId':'$c','withdrawnOn':'2026-05-01'} 1 6{'effect':'STOP_SERVICE'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_SUSPENDED);
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$d','givenOn':'2026-06-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    /* With an order the work goes on. */
    KIT_SAY(k, "fa", "consent.withdrawn", 'C', "",
            "0{'consentId':'$d','withdrawnOn':'2026-07-01'} 1 6{'effect':'STOP_SERVICE'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
}

/* Given at the reception, with the application: wherever it is withdrawn, the work waits. */
static void
a_case_is_suspended_without_the_consent_that_came_with_its_referral(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    KIT_SAY(k, "sw", "consent.granted", 'R', "",
            "0{'consentId':'$d','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
    KIT_SAY(k, "sw", "consent.withdrawn", 'R', "",
            "0{'consentId':'$d','withdrawnOn':'2026-05-01'} 1 6{'effect':'STOP_SERVICE'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_SUSPENDED);
    KIT_SAY(k, "sw", "consent.granted", 'R', "",
            "0{'consentId':'$e','givenOn':'2026-06-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
    KIT_SAY(k, "fa", "consent.withdrawn", 'C', "",
            "0{'consentId':'$e','withdrawnOn':'2026-07-01'} 1 6{'effect':'STOP_SERVICE'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_SUSPENDED);
}

static void
a_closed_case_is_monitored_until_its_plan_is_done(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "case.closed", 'C', "",
            "0 6{'reason':'MOVED','monitoringPlan':{'dates':['2027-03-01','2026-09-01'],'units':['fa']}}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_MONITORED);
    KIT_MARKED(k, OK, "fa", "case.assessment_recorded", 'C', "", "0{'periodTo':'2026-09-01'} 6{'kind':'POST_CLOSURE'}",
               NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_MONITORED);
    KIT_MARKED(k, OK, "fa", "case.assessment_recorded", 'C', "", "0{'periodTo':'2027-03-01'} 6{'kind':'POST_CLOSURE'}",
               NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_CLOSED);
    KIT_REFUSED_BY(k, RULE_T2, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "sw", "case.assistant_requested", 'C', "", "0 6", LATE, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_CLOSED);
    /* A concern about a family is taken in whatever state. */
    KIT_MARKED(k, OK, "sw", "case.safety_concern_raised", 'C', "", "0 1 5{'kind':'EMERGENCY'}", NULL, NULL);
}

static void
a_referral_goes_its_course_and_what_has_ended_stays_ended(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw ops");
    assert_int_equal(referral_state(k, 'R'), REFERRAL_REQUESTED);
    KIT_MARKED(k, OK, "sw", "referral.answered", 'R', "", "0 6{'status':'rejected'}", NULL, NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_REQUESTED); /* the other may still take it up */
    KIT_MARKED(k, OK, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    KIT_MARKED(k, OK, "ops", "referral.answered", 'R', "", "0 6{'status':'on-hold'}", NULL, NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_ON_HOLD);
    KIT_MARKED(k, OK, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_ACCEPTED);
    KIT_MARKED(k, OK, "ops", "referral.completed", 'R', "", "0 6{'status':'completed'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_T1, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_T1, "ops", "referral.forwarded", 'R', "", "0{'toUnit':'sw','whole':'YES'} 6", NULL, NULL);
    kit_referral(k, 'S', "sw");
    KIT_MARKED(k, OK, "sw", "referral.answered", 'S', "", "0 6{'status':'rejected'}", NULL, NULL);
    assert_int_equal(referral_state(k, 'S'), REFERRAL_REJECTED);
}

static void
things_of_a_letter_are_answered_where_the_case_goes_on(void **state)
{
    struct kit *k = *state;
    const struct kit_record *raised;
    char answering[80];
    uint32_t thing;

    raised = KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5", NULL, NULL);
    strcpy(answering, kit_answering(raised));
    kit_open_case(k, "sw", 'C');
    KIT_MARKED(k, "W_ORDER", "sw", "case.safety_concern_answered", 'C', "", "0{'outcome':'TAKEN_UP'}", answering, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "case.safety_concern_answered", 'C', "", "0{'outcome':'TAKEN_UP'}", answering, NULL);
    thing = things_find(&k->core->dossiers.things, MACHINE_CONCERN,
                        dossiers_by_entry(&k->core->dossiers, raised->record.entry), raised->event.event_id);
    assert_int_equal(k->core->dossiers.things.at[thing].state, CONCERN_IS_ANSWERED);
}

/* ---- corrections */

static void
what_is_recalled_was_never_said(void **state)
{
    struct kit *k = *state;
    const struct kit_record *interview, *order, *held;

    kit_open_case(k, "sw", 'C');
    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL,
                        NULL);
    KIT_SAY(k, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_REQUESTED);
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0", kit_correcting(interview, "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(case_state(k, 'C'), CASE_REQUESTED); /* the request remains, out of its order */
    order = KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "", "0", kit_correcting(order, "ENTERED_IN_ERROR"), NULL);
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'D', "", "0{'unit':'fa'}", NULL, NULL);
    kit_active_case(k, 'E');
    held = &k->records[k->count - 1];
    KIT_SAY(k, "fa", "meeting.held", 'E', "", "0{'meetingId':'$f'}", kit_correcting(held, "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(case_state(k, 'E'), CASE_ASSIGNED);
}

static void
a_recalled_submission_leaves_a_referral_entered_in_error(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw");

    KIT_SAY(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(r, "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_ENTERED_IN_ERROR);
}

static void
what_is_amended_was_said_like_that_from_the_beginning(void **state)
{
    struct kit *k = *state;
    const struct kit_record *interview, *amended;

    kit_open_case(k, "sw", 'C');
    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'OTHER_SUPPORT'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_OTHER_SUPPORT);
    amended = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}",
                      kit_correcting(interview, "AMENDED"), NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSESSED);
    KIT_MARKED(k, OK, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL);
    /* A correction of the correction is one of the interview. */
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0", kit_correcting(amended, "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(amended->record.note->corrects_seq, interview->record.seq);
    assert_int_equal(k->records[k->count - 1].record.note->corrects_seq, interview->record.seq);
}

static void
versions_count_again_after_a_recall(void **state)
{
    struct kit *k = *state;
    const struct kit_record *second;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    second = KIT_SAY(k, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_SAY(k, "ic", "ipus.updated", 'C', "", "0{'ipusId':'$I'}", kit_correcting(second, "ENTERED_IN_ERROR"), NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_SAY(k, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
}

static void
merged_cases_have_one_course(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    assert_int_equal(case_state(k, 'D'), CASE_ASSESSED);
    KIT_MARKED(k, OK, "sw", "case.assistant_requested", 'D', "", "0 6", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSIGNED);
    assert_int_equal(case_state(k, 'D'), CASE_ASSIGNED);
}

static void
a_merge_is_taken_back_by_recalling_its_link(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c, *d, *link, *later;

    c = kit_open_case(k, "sw", 'C');
    d = kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'svc'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'svc'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    link = KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    kit_relations_are(k, "kur", d, "participant");
    kit_relations_are(k, "fcc", c, "participant");
    assert_int_equal(case_state(k, 'D'), CASE_ASSESSED);

    KIT_SAY(k, "sw", "case.linked", 'D', "", "0", kit_correcting(link, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "kur", c, "participant"); /* each has its own again */
    kit_relations_are(k, "kur", d, "");
    kit_relations_are(k, "fcc", d, "participant");
    kit_relations_are(k, "fcc", c, "");
    kit_relations_are(k, "svc", c, "participant"); /* of both */
    kit_relations_are(k, "svc", d, "participant");
    kit_relations_are(k, "sw", c, "holder");
    kit_relations_are(k, "sw", d, "holder");
    kit_relations_are(k, "dir", d, "office");
    assert_int_equal(case_state(k, 'C'), CASE_ASSESSED);
    assert_int_equal(case_state(k, 'D'), CASE_OPENED);
    later = KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, NULL);
    assert_string_equal(kit_seen(k, "fcc", later), "");
    assert_int_equal(case_state(k, 'D'), CASE_OPENED);
    /* And they can be merged again. */
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    kit_relations_are(k, "fcc", c, "participant");
}

static void
what_was_said_twice_is_taken_back_twice(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw"), *links[2], *c = kit_open_case(k, "sw", 'C'), *d;

    for (size_t i = 0; i < 2; i++)
        links[i] = KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_IN_PROGRESS);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0", kit_correcting(links[1], "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_IN_PROGRESS);
    kit_relations_are(k, "sw", r, "holder");
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0", kit_correcting(links[0], "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_REQUESTED);
    kit_relations_are(k, "sw", r, "pending");
    /* Merged, once from each side. */
    d = kit_open_case(k, "sw", 'D');
    links[0] = KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    links[1] = KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0", kit_correcting(links[0], "ENTERED_IN_ERROR"), NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    kit_relations_are(k, "fcc", d, "participant");
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0", kit_correcting(links[1], "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "fcc", d, "");
    kit_relations_are(k, "fcc", c, "participant");
}

static void
a_case_that_parts_is_held_by_who_held_it_itself(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *d = kit_open_case(k, "sw", 'D'),
                            *e = kit_open_case(k, "sw", 'E'), *link;

    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    link = KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$E'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.submitted", 'E', "ic", "0 1@p1 6{'service':'HAND_OVER'}", NULL, NULL);
    KIT_SAY(k, "ic", "referral.answered", 'E', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "ic", c, "holder");
    kit_relations_are(k, "sw", c, "");
    KIT_SAY(k, "ic", "case.linked", 'D', "", "0", kit_correcting(link, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "sw", c, "holder");
    kit_relations_are(k, "sw", d, "holder");
    kit_relations_are(k, "dir", d, "office");
    kit_relations_are(k, "ic", d, "");
    kit_relations_are(k, "ic", e, "holder");
    kit_relations_are(k, "sw", e, "");
}

static void
of_three_merged_cases_two_stay_together(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c, *e, *link;

    c = kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    e = kit_open_case(k, "sw", 'E');
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    link = KIT_SAY(k, "sw", "case.linked", 'E', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'}", NULL, NULL);
    kit_relations_are(k, "kur", e, "participant");
    KIT_SAY(k, "sw", "case.linked", 'E', "", "0", kit_correcting(link, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "kur", e, "");
    kit_relations_are(k, "kur", c, "participant");
    KIT_SAY(k, "sw", "case.interview_completed", 'D', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSESSED);
    assert_int_equal(case_state(k, 'E'), CASE_OPENED);
}

/* ---- what stops being given */

#define SHARING "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}"

static void
i37_a_withdrawn_consent_stops_what_rests_on_it_and_nothing_else(void **state)
{
    struct kit *k = *state;
    const struct kit_record *consented, *by_statute, *other, *both;
    struct core_view v;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'kur','about':['p1']}", NULL, NULL);
    KIT_SAY(k, "sw", "consent.granted", 'C', "", SHARING, NULL, NULL);
    consented = KIT_SAY(k, "sw", "case.interview_completed", 'C', "kur dir",
                        "0 1@p1 6@p1{'conclusion':'NO_NEED','ground':{'basis':'CONSENT'}}", CONSENTED, NULL);
    by_statute = KIT_SAY(k, "sw", "case.interview_completed", 'C', "dir",
                         "0 1@p1 6@p1{'conclusion':'NO_NEED','ground':{'basis':'STATUTE'}}", CONSENTED, NULL);
    other = KIT_SAY(k, "sw", "case.interview_completed", 'C', "dir", "0 1@p1 6@p1{'conclusion':'NO_NEED'}", NULL, NULL);
    kit_expect(k, consented, "dir=016");
    KIT_SAY(k, "sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6", NULL, NULL);
    kit_expect(k, consented, "dir=0");
    kit_expect(k, by_statute, "dir=016");
    kit_expect(k, other, "dir=016");
    /* What has another ground as well goes on but for what names the consent. */
    both = KIT_SAY(
        k, "sw", "case.interview_completed", 'C', "dir",
        "0 1@p1 6@p1{'conclusion':'NO_NEED','ground':{'basis':'STATUTE'}} 6@p1{'ground':{'basis':'CONSENT'}}",
        CONSENTED, "dir=016");
    core_view(k->core, core_unit_by_id(k->core, "dir"), &both->record, false, &v);
    assert_int_equal(v.verdicts[2], CORE_GIVEN_FULL);
    assert_int_equal(v.verdicts[3], CORE_WITHHELD_CONSENT);
    /* Events under it that come later are cut at once. */
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "dir", "0 1@p1 6{'conclusion':'NO_NEED'}", CONSENTED, "dir=0");
    /* Given again, it holds again. */
    KIT_SAY(k, "sw", "consent.granted", 'C', "", SHARING, NULL, NULL);
    kit_expect(k, consented, "dir=016");
}

static void
i37_a_consent_ends_with_its_date(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-01','validTo':'2026-03-02'} 1 6", NULL, NULL);
    r = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 1 6{'conclusion':'NO_NEED'}", CONSENTED, "dir=016");
    k->now_ms += 86400000; /* the last day of it */
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    kit_expect(k, r, "dir=016");
    k->now_ms += 86400000;
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    kit_expect(k, r, "dir=0");
}

static void
i37_a_withdrawal_reaches_everyone_who_was_given_sections_under_the_consent(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "consent.granted", 'C', "", SHARING, NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    /* To the school by address, to the foster-care coordinator by its relation. */
    KIT_SAY(k, "sw", "info.provided", 'C', "sch", "0 1@p1 6@p1", CONSENTED, "sch=016 dir=");
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3 6", CONSENTED, "fcc=013 dir=0136");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'svc'}", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'svc'}", NULL, NULL);
    r = KIT_SAY(k, "sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6", NULL,
                "dir=016 sch=0 fcc=0");
    assert_int_equal(r->record.note->n_answer_to, 2); /* the others read it by their relation, or were given nothing */
}

static void
i37_a_withdrawal_also_reaches_those_who_were_given_what_was_amended_since(void **state)
{
    struct kit *k = *state;
    const struct kit_record *placed;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "consent.granted", 'C', "", SHARING, NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    placed = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3{'kind':'PLACED'} 6", CONSENTED, NULL);
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3{'kind':'MOVED'} 6", kit_correcting(placed, "AMENDED"), NULL);
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6", NULL,
            "dir=016 fcc=0");
}

static void
what_was_entered_in_error_is_closed_to_all_but_author_and_auditors_and_all_are_told(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong, *amended, *recall;

    KIT_SAY(
        k, "adm", "sys.unit_enrolled", 0, "",
        "0{'unitId':'aud','agencyId':'op','name':'a','roles':['AUD'],'key':'auditauditauditauditauditauditauditaudit'}",
        NULL, NULL);
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    wrong = KIT_SAY(k, "sw", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, "sch=013 dir=013 fcc=013 aud=0");
    amended = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p1", kit_correcting(wrong, "AMENDED"),
                      "sch=013 dir=013 fcc=013 aud=0");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    recall = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0", kit_correcting(amended, "ENTERED_IN_ERROR"),
                     "sch=0 dir=0 fcc=0 aud=0");
    kit_expect(k, wrong, "aud=0");
    kit_expect(k, amended, "aud=0");
    kit_expect(k, recall, "sch=0 dir=0 fcc=0 aud=0");
    assert_string_equal(kit_seen(k, "sw", wrong), "013");
}

/* ---- any history */

static uint32_t
next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static const struct {
    const char *unit, *type, *body;
} steps[] = {
    {"sw", "case.interview_completed", "0 6{'conclusion':'ASSISTANT_NEEDED'}"},
    {"sw", "case.interview_completed", "0 6{'conclusion':'OTHER_SUPPORT'}"},
    {"sw", "case.assistant_requested", "0 6"},
    {"dir", "case.assistant_assigned", "0{'unit':'fa'}"},
    {"fa", "meeting.held", CONTACT},
    {"sw", "meeting.convened", "0{'meetingId':'$2','revision':1} 6"},
    {"sw", "meeting.convened", "0{'meetingId':'$2','revision':2,'status':'cancelled'} 6"},
    {"sw", "meeting.held", "0{'meetingId':'$2'} 6{" DOCUMENT(SHA) "}"},
    {"sw", "meeting.agreements_issued", "0{'meetingId':'$2'} 6{" DOCUMENT(SHA) "}"},
    {"fa", "case.plan_updated", "0 6{'planKind':'WORK_PLAN'}"},
    {"fa", "case.assessment_recorded", "0{'periodTo':'2027-01-01'} 6{'kind':'POST_CLOSURE'}"},
    {"sw", "consent.granted", "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}"},
    {"sw", "consent.withdrawn", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6"},
    {"ct", "court.order_issued", "0{'issuedOn':'2026-03-01'} 1 5{'orderKind':'OBLIGE_COOPERATION'}"},
    {"ct", "court.order_issued", "0{'issuedOn':'2026-03-02'} 1 5{'orderKind':'REVOKED'}"},
    {"sw", "referral.submitted", "0 1 6{'service':'HAND_OVER'}"},
    {"sw", "referral.submitted", "0 1 6{'service':'IPUS','parts':[{'no':1},{'no':2}]}"},
    {"sw", "referral.forwarded", "0{'toUnit':'fa','whole':'NO','partNos':[1]} 6"},
    {"fa", "referral.answered", "0 6{'status':'accepted','parts':[{'no':1}]}"},
    {"sw", "referral.answered", "0 6{'status':'rejected','parts':[{'no':2}]}"},
    {"fa", "referral.completed", "0 6{'status':'completed'}"},
    {"sw", "referral.answered", "0 6{'status':'accepted'}"},
    {"sw", "referral.answered", "0 6{'status':'rejected'}"},
    {"sw", "referral.completed", "0 6{'status':'completed'}"},
    {"ic", "ipus.agreed", PLAN("I", "1", "2026-03-01", "2026-08-31")},
    {"ic", "ipus.updated", PLAN("I", "2", "2026-03-01", "2026-08-31")},
    {"dir", "ipus.approved", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}"},
    {"ic", "ipus.concluded", "0{'ipusId':'$I'} 6{'description':'x'}"},
    {"sw", "case.linked", "0{'kind':'MERGED_INTO','otherDossier':'$D'}"},
    {"sw", "case.linked", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}"},
    {"sw", "case.closed", "0 6{'reason':'MOVED'}"},
    {"sw", "case.closed", "0 6{'reason':'MOVED','monitoringPlan':{'dates':['2026-12-01']}}"},
};

/* What is kept beside the acts is what they fold to. */
static void
state_is_the_fold(struct kit *k)
{
    struct dossiers *ds = &k->core->dossiers;
    uint8_t *before, *after;
    size_t before_len, after_len;

    assert_int_equal(core_dump(k->core, &before, &before_len), 0);
    for (uint32_t i = 0; i < ds->count; i++)
        acts_fold(ds, i);
    assert_int_equal(core_dump(k->core, &after, &after_len), 0);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

static void
replay_is_the_same(struct kit *k)
{
    struct core *again;
    uint8_t *before, *after;
    size_t before_len, after_len;

    assert_int_equal(core_create(&again), 0);
    for (size_t i = 0; i < k->count; i++)
        assert_int_equal(core_apply(again, &k->records[i].record), 0);
    assert_int_equal(core_dump(k->core, &before, &before_len), 0);
    assert_int_equal(core_dump(again, &after, &after_len), 0);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
    core_destroy(&again);
}

static void
any_history_leaves_a_possible_state_that_replays(void **state)
{
    struct kit *k = *state;
    size_t taken = 0, refused = 0;

    (void)k;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        size_t start;

        kit_teardown(state);
        kit_setup(state);
        k = *state;
        kit_open_case(k, "sw", 'C');
        kit_open_case(k, "sw", 'D');
        KIT_SAY(k, "ct", "court.order_issued", 'L', "sw",
                "0{'issuedOn':'2026-02-01'} 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
        for (const char *at = "CD"; *at != '\0'; at++) {
            KIT_SAY(k, "sw", "sys.participant_added", *at, "", "0{'unit':'ic'}", NULL, NULL);
            KIT_SAY(k, "sw", "sys.participant_added", *at, "", "0{'unit':'ct'}", NULL, NULL);
            KIT_SAY(k, "sw", "sys.participant_added", *at, "", "0{'unit':'fa'}", NULL, NULL);
        }
        start = k->count;
        for (unsigned i = 0; i < 120; i++) {
            size_t step = next(&random) % (sizeof steps / sizeof steps[0]);
            const char *header = next(&random) % 3 == 0 ? LATE : NULL, *type = steps[step].type,
                       *body = steps[step].body;
            const char *unit = steps[step].unit;
            char dossier = next(&random) % 2 == 0 ? 'C' : 'D';
            struct refusal refusal;

            if (next(&random) % 6 == 0 && k->count > start) {
                const struct kit_record *old = &k->records[start + next(&random) % (k->count - start)];

                header = kit_correcting(old, next(&random) % 2 == 0 ? "ENTERED_IN_ERROR" : "AMENDED");
                type = old->event.type->name;
                unit = old->event.header->actor->unit;
                dossier = (char)old->event.dossier_id[15];
                body = strstr(header, "AMENDED") != NULL && strcmp(type, steps[step].type) == 0 ? body : "0";
            }
            if (kit_try(k, &(const struct kit_line){unit, type, dossier, "", body, header, NULL}, &refusal) != NULL)
                taken++;
            else
                refused++;
            assert_true(case_state(k, 'C') < CASE_STATE_COUNT);
            assert_true(referral_state(k, 'C') < REFERRAL_STATE_COUNT);
        }
        state_is_the_fold(k);
        replay_is_the_same(k);
    }
    printf("%zu events taken, %zu refused\n", taken, refused);
    assert_true(taken > 1500);
    assert_true(refused > 300);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_case_is_suspended_without_consent_and_goes_on_with_it),
        RULE(a_case_is_suspended_without_the_consent_that_came_with_its_referral),
        RULE(a_closed_case_is_monitored_until_its_plan_is_done),
        RULE(a_referral_goes_its_course_and_what_has_ended_stays_ended),
        RULE(things_of_a_letter_are_answered_where_the_case_goes_on),
        RULE(what_is_recalled_was_never_said),
        RULE(a_recalled_submission_leaves_a_referral_entered_in_error),
        RULE(what_is_amended_was_said_like_that_from_the_beginning),
        RULE(versions_count_again_after_a_recall),
        RULE(merged_cases_have_one_course),
        RULE(a_merge_is_taken_back_by_recalling_its_link),
        RULE(what_was_said_twice_is_taken_back_twice),
        RULE(a_case_that_parts_is_held_by_who_held_it_itself),
        RULE(of_three_merged_cases_two_stay_together),
        RULE(i37_a_withdrawn_consent_stops_what_rests_on_it_and_nothing_else),
        RULE(i37_a_consent_ends_with_its_date),
        RULE(i37_a_withdrawal_reaches_everyone_who_was_given_sections_under_the_consent),
        RULE(i37_a_withdrawal_also_reaches_those_who_were_given_what_was_amended_since),
        RULE(what_was_entered_in_error_is_closed_to_all_but_author_and_auditors_and_all_are_told),
        RULE(any_history_leaves_a_possible_state_that_replays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
