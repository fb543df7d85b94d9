/*
 * History that a recalled event had opened is given no more, on replay and by reads either; but who was given it is
 * told when something in it is taken back or erased. And what a revoking order takes back.
 */
#include "test_core_erase_kit.h"

#include <stdio.h>
#include <string.h>

static const struct kit_record *
recall_of(struct kit *k, const char *unit, char dossier, const struct kit_record *recalled)
{
    return KIT_SAY(k, unit, recalled->event.type->name, dossier, "", "0", kit_correcting(recalled, "ENTERED_IN_ERROR"),
                   NULL);
}

static void
seen_is(struct kit *k, const char *unit, const struct kit_record *record, const char *classes)
{
    assert_string_equal(kit_seen(k, unit, record), classes);
}

static bool
is_recipient(struct kit *k, const char *unit, const struct kit_record *record)
{
    uint32_t index = core_unit_by_id(k->core, unit);
    const uint32_t *units;
    size_t count, found = 0;

    assert_int_equal(core_recipients(k->core, &record->record, &units, &count), 0);
    for (size_t i = 0; i < count; i++)
        found += units[i] == index;
    return found > 0;
}

static const struct kit_record *
assign(struct kit *k, const char *unit)
{
    char body[48];

    (void)snprintf(body, sizeof body, "0{'unit':'%s'} 6", unit);
    return KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", body, "'lateEntry':true", NULL);
}

static void
who_was_assigned_by_mistake_is_given_no_history_any_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *assigned, *meanwhile;

    assigned = assign(k, "fa");
    meanwhile = KIT_SAY(k, "sw", "case.assistant_requested", 'C', "", "0 6", "'lateEntry':true", "fa=06 dir=06");
    seen_is(k, "fa", opened, "016");
    recall_of(k, "dir", 'C', assigned);
    seen_is(k, "fa", opened, "");
    seen_is(k, "fa", meanwhile, "06"); /* it was an assistant then */
    kit_relations_are(k, "fa", opened, "");
    assign(k, "fa"); /* and now it is meant */
    seen_is(k, "fa", opened, "016");
}

static void
who_was_given_the_history_by_mistake_is_told_when_it_goes(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *interview;

    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 1 2 6{'conclusion':'ASSISTANT_NEEDED'}", NULL,
                        NULL);
    recall_of(k, "dir", 'C', assign(k, "fa"));
    assert_true(is_recipient(k, "fa", opened)); /* of an order of erasure */
    assert_false(is_recipient(k, "fcc", opened));
    seen_is(k, "fa", recall_of(k, "sw", 'C', interview), "0");
}

static void
whom_it_was_forwarded_to_by_mistake_is_given_no_history_any_more_nor_is_its_office(void **state)
{
    struct kit *k = *state;
    const struct kit_record *referral = kit_referral(k, 'R', "ops"), *forwarded;

    forwarded = KIT_SAY(k, "ops:SW", "referral.forwarded", 'R', "", "0{'whole':'YES','toUnit':'sw'} 6", NULL, NULL);
    seen_is(k, "sw", referral, "016");
    seen_is(k, "dir", referral, "016");
    recall_of(k, "ops:SW", 'R', forwarded);
    seen_is(k, "sw", referral, "");
    seen_is(k, "dir", referral, "");
    assert_true(is_recipient(k, "dir", referral));
    KIT_SAY(k, "ops:SW", "referral.forwarded", 'R', "", "0{'whole':'YES','toUnit':'ic'} 6", NULL, NULL);
    seen_is(k, "dir", referral, "016"); /* its office all the same */
    seen_is(k, "sw", referral, "");
}

#define MERGED "0{'kind':'MERGED_INTO','otherDossier':'$D','historyFrom':'1'} 6{'ground':{'basis':'STATUTE'}}"

static void
with_whom_it_was_merged_by_mistake_is_given_no_history_any_more(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "sw", 'C'), *other, *link, *meanwhile;

    other = kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "sys.participant_added", 'D', "", "0{'unit':'fcc'}", NULL, NULL);
    link = KIT_SAY(k, "sw", "case.linked", 'C', "", MERGED, NULL, NULL);
    meanwhile = KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 6", NULL, NULL);
    seen_is(k, "fcc", opened, "01");
    recall_of(k, "sw", 'C', link);
    seen_is(k, "fcc", opened, "");
    seen_is(k, "fcc", meanwhile, "0");
    seen_is(k, "sw", opened, "016"); /* whose they are has them */
    seen_is(k, "sw", other, "016");
    assert_true(is_recipient(k, "fcc", opened));
}

static void
who_holds_by_himself_after_the_merge_has_his_history(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened = kit_open_case(k, "ops", 'C'), *other, *link;

    other = kit_open_case(k, "ops", 'D');
    link = KIT_SAY(k, "ops", "case.linked", 'C', "", MERGED, NULL, NULL);
    seen_is(k, "ops", opened, "016");
    recall_of(k, "ops", 'C', link);
    kit_relations_are(k, "ops", opened, "holder office");
    kit_relations_are(k, "ops", other, "holder office");
    seen_is(k, "ops", other, "016");
}

/* What the court asked for is asked for still; and a mistaken revocation ends nothing. */
static void
an_order_that_is_revoked_ends_the_parties_of_orders_and_leaves_those_of_requests(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c = kit_open_case(k, "sw", 'C'), *revoked;

    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.opinion_requested", 'C', "fa", "0 1@p1 5", NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "sw", "court.order_issued", 'C', "", "0 1@p1 5{'orderKind':'SUPERVISION','probationUnit':'kur'}",
            "+'onBehalfOf':'court','channel':'PAPER','receivedOn':'2026-02-27'", NULL);
    kit_relations_are(k, "ct", c, "party party");
    kit_relations_are(k, "kur", c, "party");
    revoked = KIT_SAY(k, "sw", "court.order_issued", 'C', "", "0 1@p1 5{'orderKind':'REVOKED'}",
                      "+'onBehalfOf':'court','channel':'PAPER','receivedOn':'2026-02-28'", NULL);
    kit_relations_are(k, "ct", c, "party");
    kit_relations_are(k, "kur", c, "");
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, "ct=013 dir=013");
    KIT_SAY(k, "sw", "court.order_issued", 'C', "", "0", kit_correcting(revoked, "ENTERED_IN_ERROR"), NULL);
    kit_relations_are(k, "ct", c, "party party");
    kit_relations_are(k, "kur", c, "party");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_assigned_by_mistake_is_given_no_history_any_more),
        TEST(who_was_given_the_history_by_mistake_is_told_when_it_goes),
        TEST(whom_it_was_forwarded_to_by_mistake_is_given_no_history_any_more_nor_is_its_office),
        TEST(with_whom_it_was_merged_by_mistake_is_given_no_history_any_more),
        TEST(who_holds_by_himself_after_the_merge_has_his_history),
        TEST(an_order_that_is_revoked_ends_the_parties_of_orders_and_leaves_those_of_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
