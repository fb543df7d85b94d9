/* What was entered in error: whom the recall reaches, who confirms it, and what it undoes. */
#include "test_core_kit.h"

#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

/* "0{...}" of a confirmation. */
static const char *
confirming(const struct kit_record *recalled)
{
    static char body[128];

    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(recalled));
    return body;
}

static struct kit_line
confirmation(const char *unit, const struct kit_record *recall, const struct kit_record *recalled)
{
    return (struct kit_line){.unit = unit,
                             .type = "sys.recall_confirmed",
                             .dossier = 'C',
                             .sections = confirming(recalled),
                             .header = kit_answering(recall)};
}

static const struct kit_record *
placement(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    return KIT_SAY(k, "fcc", "placement.changed", 'C', "sch", "0 1@p1 3@p1", NULL, NULL);
}

static const struct kit_record *
recall_of(struct kit *k, const char *unit, const struct kit_record *recalled)
{
    return KIT_SAY(k, unit, "placement.changed", 'C', "", "0", kit_correcting(recalled, "ENTERED_IN_ERROR"), NULL);
}

/* ---- confirming */

static void
a_recall_is_confirmed_by_each_unit_it_reached_and_its_holder_and_authors_are_told(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "sw", wrong);
    struct kit_line line = confirmation("sch", recall, wrong);

    kit_expect(k, recall, "sch=0 dir=0 fcc=0");
    line.expect = "sw=0 fcc=0"; /* the holder, who recalled it, and whose event it was */
    kit_say(k, &line);
    line = confirmation("dir", recall, wrong);
    line.expect = "sw=0 fcc=0";
    kit_say(k, &line);
}

static void
a_recall_is_confirmed_after_one_has_left_the_dossier(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong, *recall;
    struct kit_line line;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    wrong = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, "dir=013 fcc=013");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    recall = recall_of(k, "sw", wrong);
    kit_expect(k, recall, "dir=0 fcc=0");
    line = confirmation("fcc", recall, wrong);
    line.expect = "sw=0";
    kit_say(k, &line);
}

static void
a_unit_confirms_once_and_names_what_was_recalled(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "fcc", wrong);
    struct kit_line line = confirmation("sch", recall, wrong);

    line.sections = confirming(recall);
    kit_refused(k, &line, E_UNKNOWN, "sections[0].sysRecallConfirmedS0.recalledEvent");
    line.sections = confirming(wrong);
    kit_say(k, &line);
    kit_refused(k, &line, E_EXISTS, "sections[0].sysRecallConfirmedS0.recalledEvent");
}

static void
who_was_not_given_it_has_nothing_to_confirm(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong = placement(k), *recall = recall_of(k, "sw", wrong);
    struct kit_line line;

    KIT_SAY(
        k, "adm", "sys.unit_enrolled", 0, "",
        "0{'unitId':'aud','agencyId':'op','name':'a','roles':['AUD'],'key':'auditauditauditauditauditauditauditaudit'}",
        NULL, NULL);
    line = confirmation("ops", recall, wrong);
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = confirmation("aud", recall, wrong); /* sees that it happened, and has no copy */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("sw", recall, wrong); /* recalled it */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("fcc", recall, wrong); /* whose event it was: it keeps it */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line = confirmation("sch", wrong, wrong); /* no recall */
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
    line.header = NULL;
    kit_refused(k, &line, E_UNKNOWN, "header.causationId");
}

/* ---- reaching many */

static void
a_recall_reaches_more_units_than_a_list_of_the_note_holds(void **state)
{
    struct kit *k = *state;
    struct kit_line recall = {.unit = "sw", .type = "case.interview_completed", .dossier = 'C', .sections = "0"}, line;
    const struct kit_record *interview, *said;
    char unit[16], body[48];

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) {
        (void)snprintf(unit, sizeof unit, "fa-%u", i);
        (void)snprintf(body, sizeof body, "0{'unit':'%s'}", unit);
        kit_unit(k, unit, "cus", "FA");
        KIT_SAY(k, "sw", "sys.participant_added", 'C', "", body, NULL, NULL);
    }
    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0", NULL, NULL);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) { /* no relation brings them the recall any more */
        (void)snprintf(body, sizeof body, "0{'unit':'fa-%u'}", i);
        KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", body, NULL, NULL);
    }
    recall.header = kit_correcting(interview, "ENTERED_IN_ERROR");
    said = kit_say(k, &recall);
    for (unsigned i = 0; i < NOTE_LIST_MAX + 20; i++) {
        const uint32_t *audience;
        size_t count, found = 0;
        bool everyone;

        (void)snprintf(unit, sizeof unit, "fa-%u", i);
        assert_string_equal(kit_seen(k, unit, said), "0");
        assert_int_equal(core_audience(k->core, &said->record, &audience, &count, &everyone), 0);
        for (size_t j = 0; j < count; j++)
            found += audience[j] == core_unit_by_id(k->core, unit);
        assert_int_equal(found, 1);
    }
    assert_string_equal(kit_seen(k, "ops", said), "");
    assert_string_equal(kit_seen(k, "fa", said), "");
    /* And the last of them confirms. */
    line = confirmation(unit, said, interview);
    line.expect = "sw=0";
    kit_say(k, &line);
}

/* ---- undoing: relations */

static const struct kit_record *
recall(struct kit *k, const struct kit_record *r)
{
    struct kit_line line = {.unit = r->event.header->actor->unit,
                            .type = r->event.type->name,
                            .sections = "0",
                            .header = kit_correcting(r, "ENTERED_IN_ERROR")};

    line.dossier = (char)r->event.dossier_id[15];
    return kit_say(k, &line);
}

static void
an_application_sent_to_the_wrong_unit_is_not_its_any_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "ops");
    const struct kit_line late = {.unit = "ops", .type = "info.provided", .dossier = 'R', .sections = "0"};

    kit_relations_are(k, "ops", r, "pending office");
    kit_expect(k, recall(k, r), "ops=0");
    kit_relations_are(k, "ops", r, "");
    kit_relations_are(k, "sch", r, "");
    kit_refused(k, &late, E_DOSSIER, "header.dossierId");
}

static void
an_acceptance_in_error_gives_the_matter_back_to_who_had_to_answer(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw ops"), *answer;

    answer = KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "sw", r, "holder");
    kit_relations_are(k, "ops", r, "");
    (void)recall(k, answer);
    kit_relations_are(k, "sw", r, "pending");
    kit_relations_are(k, "ops", r, "pending office");
    kit_relations_are(k, "dir", r, "office");
    answer = KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "ops", r, "office holder");
    kit_relations_are(k, "sw", r, "");
    kit_relations_are(k, "dir", r, "");
}

static void
a_holder_who_was_followed_by_mistake_holds_again(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r = kit_referral(k, 'R', "sw"), *sent, *answer;

    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    sent = KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL);
    answer = KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "sw", r, "");
    (void)recall(k, answer);
    kit_relations_are(k, "sw", r, "holder");
    kit_relations_are(k, "ops", r, "pending office");
    (void)recall(k, sent);
    kit_relations_are(k, "sw", r, "holder");
    kit_relations_are(k, "ops", r, "");
    /* What was done meanwhile stands: an earlier acceptance taken back makes nobody wait again. */
    KIT_SAY(k, "sw", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    kit_relations_are(k, "ops", r, "office holder");
}

static void
an_assistant_and_workers_set_in_error_take_no_part(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *fa, *kur, *later;

    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL);
    fa = KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    kit_relations_are(k, "fa", c, "participant");
    assert_string_equal(kit_seen(k, "fa", c), "016");
    (void)recall(k, fa);
    kit_relations_are(k, "fa", c, "");
    later = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, "dir=06");
    assert_string_equal(kit_seen(k, "fa", c), ""); /* the history goes back: test_core_taken_back.c */
    /* Set twice and taken back once: he stays. */
    fa = KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    (void)recall(k, fa);
    kit_relations_are(k, "fa", c, "participant");
    assert_string_equal(kit_seen(k, "fa", later), "06");
    /* Amended to another unit: the recall undoes what the amendment opened too. */
    kur = KIT_SAY(k, "dir", "case.worker_set", 'C', "", "0{'unit':'rec'}", NULL, NULL);
    KIT_SAY(k, "dir", "case.worker_set", 'C', "", "0{'unit':'ic'}", kit_correcting(kur, "AMENDED"), NULL);
    kit_relations_are(k, "ic", c, "participant");
    (void)recall(k, kur);
    kit_relations_are(k, "ic", c, "");
    kit_relations_are(k, "rec", c, "");
}

static void
a_case_closed_in_error_has_its_participants_again(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_active_case(k, 'C'), *closed;

    closed = KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, NULL);
    kit_relations_are(k, "fa", c, "");
    (void)recall(k, closed);
    kit_relations_are(k, "fa", c, "participant");
    /* Closed twice, once in error: closed all the same. */
    closed = KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'OTHER'}", NULL, NULL);
    (void)recall(k, closed);
    kit_relations_are(k, "fa", c, "");
}

static void
who_opened_a_case_in_error_holds_it_and_clears_it_up(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *plan;

    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    plan = KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6", NULL, "sw=06 dir=06");
    (void)recall(k, opened);
    kit_relations_are(k, "sw", opened, "holder");
    kit_relations_are(k, "dir", opened, "office");
    kit_expect(k, opened, "");
    KIT_SAY(k, "sw", "case.plan_updated", 'C', "", "0", kit_correcting(plan, "ENTERED_IN_ERROR"), "fa=0 dir=0");
}

static void
an_order_entered_in_error_makes_nobody_a_party_also_not_to_the_case_that_took_it_up(void **state)
{
    struct kit *k = *state;
    const struct kit_record *order, *c, *link;

    order = KIT_SAY(k, "ct", "court.order_issued", 'L', "sw",
                    "0 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}", NULL, NULL);
    c = kit_open_case(k, "sw", 'C');
    link = KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    kit_relations_are(k, "kur", c, "party");
    kit_relations_are(k, "sw", order, "holder");
    (void)recall(k, link);
    kit_relations_are(k, "kur", c, "");
    kit_relations_are(k, "kur", order, "party");
    kit_relations_are(k, "sw", order, "pending"); /* it has to be taken up still */
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    kit_relations_are(k, "kur", c, "party");
    (void)recall(k, order);
    kit_relations_are(k, "kur", c, "");
    kit_relations_are(k, "ct", c, "");
    kit_relations_are(k, "kur", order, "");
}

static void
invited_and_providers_are_as_if_the_last_word_had_not_been_said(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *second, *issued;
#define INVITING(revision, who) "0{'meetingId':'$1','status':'booked','revision':" revision "} 6{'invited':[" who "]}"

    KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch'}"), NULL, NULL);
    second = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("2", "{'unit':'kur'}"), NULL, NULL);
    kit_relations_are(k, "sch", c, "");
    (void)KIT_SAY(k, "sw", "meeting.convened", 'C', "", "0{'meetingId':'$1'}",
                  kit_correcting(second, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "sch", c, "invitee");
    kit_relations_are(k, "kur", c, "");
    issued = KIT_SAY(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6", NULL, NULL);
    kit_relations_are(k, "sch", c, "");
    (void)KIT_SAY(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'}",
                  kit_correcting(issued, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "sch", c, "invitee");
}

static void
what_was_taken_back_cannot_be_said_otherwise(void **state)
{
    struct kit *k = *state;
    const struct kit_record *wrong;

    kit_open_case(k, "sw", 'C');
    wrong = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch'}"), NULL, NULL);
    KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'kur'}"), kit_correcting(wrong, "AMENDED"),
            NULL);
    wrong = recall(k, wrong);
    for (size_t i = k->count - 3; i < k->count; i++) /* itself, what amended it, and the recall */
        kit_refused(k,
                    &(struct kit_line){"sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch'}"),
                                       kit_correcting(&k->records[i], "AMENDED"), NULL},
                    E_ORDER, "header.correctsEventId");
    kit_relations_are(k, "sch", wrong, "");
    (void)recall(k, wrong); /* once more does no harm */
}

static void
what_two_records_opened_ends_with_the_recall_of_both_and_not_of_one(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *first, *second, *third;

    first = KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    second = KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", NULL);
    (void)recall(k, first);
    kit_relations_are(k, "fa", c, "participant");
    (void)recall(k, second);
    kit_relations_are(k, "fa", c, "");
    /* An invitation that the next one replaced does not come back when both were wrong, in whatever order. */
    first = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch','about':['p1']}"), NULL, NULL);
    second = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch','about':['p2']}"), NULL, NULL);
    (void)recall(k, first);
    kit_relations_are(k, "sch", c, "invitee");
    (void)recall(k, second);
    kit_relations_are(k, "sch", c, "");
    /* ... and goes on when two later ones were, the earlier of them first. */
    first = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("2", "{'unit':'sch'}"), NULL, NULL);
    second = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("2", "{'unit':'kur'}"), NULL, NULL);
    third = KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("2", ""), NULL, NULL);
    (void)recall(k, second);
    kit_relations_are(k, "sch", c, "");
    (void)recall(k, third);
    kit_relations_are(k, "sch", c, "invitee");
}

static void
who_was_invited_is_given_the_agreements_also_as_they_are_amended(void **state)
{
    struct kit *k = *state;
    const struct kit_record *issued;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "meeting.convened", 'C', "", INVITING("1", "{'unit':'sch','about':['p1']},{'unit':'kur'}"), NULL,
            NULL);
    issued = KIT_SAY(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6@p1 6@p2", NULL,
                     "sch=06 kur=0 dir=06");
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6@p1 6@p2 6@p1",
            kit_correcting(issued, "AMENDED"), "sch=06 kur=0 dir=06");
    /* Another meeting's, or what else is said of this one, is not theirs. */
    KIT_SAY(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$2'} 6@p1", NULL, "dir=06");
    KIT_SAY(k, "sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6", NULL, "dir=06");
}

#define RECALL(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

/* ---- what was amended was not recalled */

static void
an_amended_event_stays_open_beside_another_ones_recall_and_is_amended_again(void **state)
{
    static const char answer[] =
        "0{'outcome':'TAKEN_UP','answeredOn':'2026-03-01'} 6{'status':'accepted','nextAction':{'unit':"
        "'sw','due':'2026-03-20'}}";
    struct kit *k = *state;
    const struct kit_record *said, *amended, *wrong;

    kit_referral(k, 'R', "sw");
    said = KIT_SAY(k, "sw", "referral.answered", 'R', "", answer, NULL, "sch=0 dir=06");
    amended = KIT_SAY(k, "sw", "referral.answered", 'R', "", answer, kit_correcting(said, "AMENDED"), NULL);
    wrong = KIT_SAY(k, "sw", "placement.changed", 'R', "", "0 1@p1 3@p1",
                    "+'onBehalfOf':'p1','channel':'PAPER','receivedOn':"
                    "'2026-03-01'",
                    NULL);
    KIT_SAY(k, "sw", "placement.changed", 'R', "", "0", kit_correcting(wrong, "ENTERED_IN_ERROR"), NULL);
    kit_expect(k, said, "sch=0 dir=06"); /* its next step was said anew, so the old one counts no more */
    kit_expect(k, amended, "sch=0 dir=06");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", answer, kit_correcting(said, "AMENDED"), NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RECALL(a_recall_is_confirmed_by_each_unit_it_reached_and_its_holder_and_authors_are_told),
        RECALL(a_recall_is_confirmed_after_one_has_left_the_dossier),
        RECALL(a_unit_confirms_once_and_names_what_was_recalled),
        RECALL(who_was_not_given_it_has_nothing_to_confirm),
        RECALL(an_application_sent_to_the_wrong_unit_is_not_its_any_more),
        RECALL(an_acceptance_in_error_gives_the_matter_back_to_who_had_to_answer),
        RECALL(a_holder_who_was_followed_by_mistake_holds_again),
        RECALL(an_assistant_and_workers_set_in_error_take_no_part),
        RECALL(a_case_closed_in_error_has_its_participants_again),
        RECALL(who_opened_a_case_in_error_holds_it_and_clears_it_up),
        RECALL(an_order_entered_in_error_makes_nobody_a_party_also_not_to_the_case_that_took_it_up),
        RECALL(invited_and_providers_are_as_if_the_last_word_had_not_been_said),
        RECALL(what_was_taken_back_cannot_be_said_otherwise),
        RECALL(what_two_records_opened_ends_with_the_recall_of_both_and_not_of_one),
        RECALL(who_was_invited_is_given_the_agreements_also_as_they_are_amended),
        RECALL(a_recall_reaches_more_units_than_a_list_of_the_note_holds),
        RECALL(an_amended_event_stays_open_beside_another_ones_recall_and_is_amended_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
