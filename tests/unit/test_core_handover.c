/* Handing a case over: to another agency, which opens one of its own and is given the history that was granted; and to
 * another unit of the agency, which holds it from then on. */
#include "test_core_kit.h"

#include <stdio.h>

#define GROUND ",'ground':{'basis':'CONSENT'}"

/* The sections of a referral that hands dossier C over, with its history from that record on; 0: none. */
static const char *
handing(uint64_t history_from)
{
    static char body[256];
    char history[48] = "";

    if (history_from != 0)
        (void)snprintf(history, sizeof history, ",'historyFrom':%u", (unsigned)history_from);
    (void)snprintf(body, sizeof body, "0 1@p1 6{'service':'HAND_OVER','handOver':{'fromDossier':'%s'%s}" GROUND "}",
                   kit_id('C'), history);
    return body;
}

static const struct kit_record *
accept(struct kit *k, const char *unit)
{
    return KIT_SAY(k, unit, "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
}

static void
another_agency_is_given_the_history_that_was_granted_up_to_its_acceptance(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *interview, *between, *after;

    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 1 6{'conclusion':'NO_NEED'}", NULL, "dir=016");
    KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(interview->record.seq), NULL, "ops=016");
    between = KIT_SAY(k, "sw", "consent.granted", 'C', "", "0 1 6", NULL, "dir=016");
    kit_expect(k, interview, "dir=016"); /* asked, not accepted */
    accept(k, "ops");
    kit_expect(k, interview, "dir=016 ops=016");
    kit_expect(k, between, "dir=016 ops=016");
    assert_string_equal(kit_seen(k, "ops", opened), ""); /* earlier than was granted */
    assert_false(kit_note_seen(k, "ops", interview));
    after = KIT_SAY(k, "sw", "consent.granted", 'C', "", "0 1 6", NULL, "dir=016");
    kit_refused(k, &(struct kit_line){"ops", "case.closed", 'C', "", "0 6", NULL, NULL}, E_DOSSIER, "header.dossierId");
    /* The old holder keeps his own record, and the new one continues it in another. */
    kit_relations_are(k, "sw", opened, "holder");
    KIT_SAY(k, "ops", "case.opened", 'D', "", "0 1 6{'path':'ORDINARY'}", NULL, "");
    KIT_SAY(k, "ops", "case.linked", 'D', "", "0{'kind':'CONTINUED_FROM','otherDossier':'$C'} 6", NULL, "");
    assert_string_equal(kit_seen(k, "ops", after), "");
}

static void
without_a_history_it_is_given_none_and_can_still_name_what_it_continues(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(0), NULL, NULL);
    KIT_SAY(k, "ops", "case.opened", 'D', "", "0 1 6{'path':'ORDINARY'}", NULL, "");
    /* Taking it up in a case is an acceptance too. */
    KIT_SAY(k, "ops", "case.linked", 'D', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'} 6", NULL, NULL);
    KIT_SAY(k, "ops", "case.linked", 'D', "", "0{'kind':'CONTINUED_FROM','otherDossier':'$C'} 6", NULL, "");
    kit_expect(k, opened, "dir=016");
}

static void
inside_one_agency_the_dossier_goes_on_with_the_unit_that_accepts(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *later;

    KIT_SAY(k, "sw", "referral.submitted", 'R', "ic", handing(opened->record.seq), NULL, NULL);
    kit_relations_are(k, "sw", opened, "holder");
    accept(k, "ic");
    kit_relations_are(k, "sw", opened, "");
    kit_relations_are(k, "ic", opened, "holder");
    assert_string_equal(kit_seen(k, "ic", opened), "01");
    later = KIT_SAY(k, "ic", "consent.granted", 'C', "", "0 1 6", NULL, "dir=016");
    assert_string_equal(kit_seen(k, "sw", later), "");
}

static void
only_who_holds_hands_over_and_only_while_he_holds(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C');
    struct kit_line ask = {.unit = "fa", .type = "referral.submitted", .dossier = 'R', .to = "ops"};

    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    ask.sections = handing(opened->record.seq);
    kit_refused(k, &ask, E_DOSSIER, "sections[2].referralSubmittedS6.handOver.fromDossier");
    ask.unit = "sch"; /* unknown to it, and answered alike */
    kit_refused(k, &ask, E_DOSSIER, "sections[2].referralSubmittedS6.handOver.fromDossier");
    ask.unit = "sw";
    ask.dossier = 'C'; /* a dossier hands over itself, no other */
    kit_open_case(k, "sw", 'D');
    ask.sections = "0 1 6{'service':'HAND_OVER','handOver':{'fromDossier':'$D'}}";
    kit_refused(k, &ask, E_DOSSIER, "sections[2].referralSubmittedS6.handOver.fromDossier");
    ask.dossier = 'R';
    ask.sections = "0 1 6{'service':'HAND_OVER','handOver':{'fromDossier':'$C','historyFrom':1}}";
    kit_refused(k, &ask, E_GROUND, "sections[2].referralSubmittedS6.handOver.historyFrom");

    /* Handed to another unit of the agency meanwhile: the old holder has nothing to give any more. */
    KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(opened->record.seq), NULL, NULL);
    KIT_SAY(k, "sw", "referral.submitted", 'S', "ic", handing(opened->record.seq), NULL, NULL);
    KIT_SAY(k, "ic", "referral.answered", 'S', "", "0 6{'status':'accepted'}", NULL, NULL);
    accept(k, "ops");
    assert_string_equal(kit_seen(k, "ops", opened), "");
}

static void
a_hand_over_is_not_one_by_being_answered_otherwise_or_in_part(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C');

    KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(opened->record.seq), NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'received'}", NULL, NULL);
    assert_string_equal(kit_seen(k, "ops", opened), "");
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'rejected'}", NULL, NULL);
    assert_string_equal(kit_seen(k, "ops", opened), "");
}

static void
a_recall_of_the_referral_or_of_the_acceptance_takes_the_history_back(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *ask, *accepted;

    ask = KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(opened->record.seq), NULL, NULL);
    accepted = accept(k, "ops");
    assert_string_equal(kit_seen(k, "ops", opened), "016");
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0", kit_correcting(accepted, "ENTERED_IN_ERROR"), NULL);
    assert_string_equal(kit_seen(k, "ops", opened), "");
    accept(k, "ops"); /* this time it was meant */
    assert_string_equal(kit_seen(k, "ops", opened), "016");
    KIT_SAY(k, "sw", "referral.submitted", 'R', "", "0", kit_correcting(ask, "ENTERED_IN_ERROR"), NULL);
    assert_string_equal(kit_seen(k, "ops", opened), "");

    /* Inside the agency the old holder holds again. */
    KIT_SAY(k, "sw", "referral.submitted", 'S', "ic", handing(opened->record.seq), NULL, NULL);
    accepted = KIT_SAY(k, "ic", "referral.answered", 'S', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "ic", opened, "holder");
    KIT_SAY(k, "ic", "referral.answered", 'S', "", "0", kit_correcting(accepted, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "sw", opened, "holder");
    kit_relations_are(k, "ic", opened, "");
    assert_string_equal(kit_seen(k, "ic", opened), "");
}

static void
what_a_court_ordered_goes_on_in_the_case_that_continues(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *d;

    KIT_SAY(k, "sw", "court.order_issued", 'C', "",
            "0{'issuedOn':'2026-03-01'} 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}",
            "+'onBehalfOf':'court','channel':'PAPER','receivedOn':'2026-02-27'", NULL);
    KIT_SAY(k, "sw", "referral.submitted", 'R', "ops", handing(opened->record.seq), NULL, NULL);
    accept(k, "ops");
    d = KIT_SAY(k, "ops", "case.opened", 'D', "", "0 1 6{'path':'ORDINARY'}", NULL, "");
    KIT_SAY(k, "ops", "case.linked", 'D', "", "0{'kind':'CONTINUED_FROM','otherDossier':'$C'} 6", NULL, "kur=0 ct=0");
    kit_relations_are(k, "kur", d, "party");
    /* It is the basis there too: an assistant without an interview is marked, not refused. */
    KIT_MARKED(k, "W_ORDER", "ops:DIR", "case.assistant_assigned", 'D', "", "0{'unit':'ops'}", NULL, NULL);
}

#define HANDOVER(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HANDOVER(without_a_history_it_is_given_none_and_can_still_name_what_it_continues),
        HANDOVER(inside_one_agency_the_dossier_goes_on_with_the_unit_that_accepts),
        HANDOVER(only_who_holds_hands_over_and_only_while_he_holds),
        HANDOVER(a_hand_over_is_not_one_by_being_answered_otherwise_or_in_part),
        HANDOVER(a_recall_of_the_referral_or_of_the_acceptance_takes_the_history_back),
        HANDOVER(what_a_court_ordered_goes_on_in_the_case_that_continues),
        HANDOVER(another_agency_is_given_the_history_that_was_granted_up_to_its_acceptance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
