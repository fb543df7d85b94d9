/* Parts of an application (broker/core/parts.h): who answers for which, and when the whole has ended. */
#include "test_core_kit.h"

#include "broker/core/parts.h"

#include <string.h>

#define FORWARD(no, unit)                                                                                              \
    "0{'toUnit':'" unit "','whole':'NO','partNos':[" no "]} 6{'applicantConsent':{'on':'2026-03-02'}}"
#define ANSWER(no, status) "0 6{'status':'" status "','parts':[{'no':" no "}]}"
#define COMPLETE(status)   "0 6{'status':'" status "'}"

static uint8_t
part_state(struct kit *k, unsigned no)
{
    uint8_t id[16], ref[16];
    uint32_t thing;

    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    part_ref(no, ref);
    thing = things_find(&k->core->dossiers.things, MACHINE_PART, dossiers_find(&k->core->dossiers, id), ref);
    return thing == THING_NONE ? PART_NONE : k->core->dossiers.things.at[thing].state;
}

static uint8_t
whole(struct kit *k)
{
    uint8_t id[16];

    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    return k->core->dossiers.at[dossiers_find(&k->core->dossiers, id)].matter.referral;
}

/* An application in three parts, taken by the coordinator, the second forwarded to the small office. */
static const struct kit_record *
forwarded(struct kit *k)
{
    KIT_SAY(k, "sch", "referral.submitted", 'R', "ic",
            "0 1@p1 6{'service':'IPUS','parts':[{'no':1},{'no':2},{'no':3}]}", NULL, NULL);
    KIT_MARKED(k, "", "ic", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    return KIT_MARKED(k, "", "ic", "referral.forwarded", 'R', "", FORWARD("2", "ops"), NULL, NULL);
}

static void
a_part_is_its_receivers_to_answer_and_nothing_else_is(void **state)
{
    struct kit *k = *state;
    const struct kit_record *sent = forwarded(k);
    struct kit_line line = {.unit = "ops", .type = "referral.answered", .dossier = 'R'};

    assert_int_equal(part_state(k, 2), PART_REQUESTED);
    line.sections = "0 6{'status':'accepted'}"; /* the whole */
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line.sections = ANSWER("1", "accepted");
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line.sections = "0 6{'status':'accepted','parts':[{'no':2},{'no':3}]}";
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line.sections = ANSWER("2", "accepted");
    line.expect = "sch=0 ic=0"; /* IC is given S6 where it is named, DIR not another agency's answers */
    kit_say(k, &line);
    assert_int_equal(part_state(k, 2), PART_IS_ACCEPTED);
    assert_int_equal(whole(k), REFERRAL_ACCEPTED);
    kit_relations_are(k, "ic", sent, "holder");
    kit_relations_are(k, "ops", sent, ""); /* of a part only that event is given */
}

static void
the_referral_ends_with_the_last_of_its_parts(void **state)
{
    struct kit *k = *state;

    forwarded(k);
    KIT_MARKED(k, "", "ops", "referral.answered", 'R', "", ANSWER("2", "accepted"), NULL, NULL);
    KIT_MARKED(k, "", "ic", "referral.answered", 'R', "", ANSWER("1", "rejected"), NULL, NULL);
    KIT_MARKED(k, "", "ic", "referral.forwarded", 'R', "", FORWARD("3", "svc"), NULL, NULL);
    KIT_MARKED(k, "", "svc", "referral.answered", 'R', "", ANSWER("3", "rejected"), NULL, NULL);
    assert_int_equal(whole(k), REFERRAL_ACCEPTED);
    /* Who has a part completes that, and the whole with it when it was the last. */
    KIT_MARKED(k, "", "ops", "referral.completed", 'R', "", COMPLETE("completed"), NULL, NULL);
    assert_int_equal(part_state(k, 2), PART_IS_COMPLETED);
    assert_int_equal(whole(k), REFERRAL_COMPLETED);
    kit_relations_are(k, "sch", &k->records[k->count - 1], "referrer"); /* until the holder has told it */
    KIT_REFUSED_BY(k, RULE_T1, "ic", "referral.forwarded", 'R', "", FORWARD("1", "ops"), NULL, NULL);
}

static void
a_part_that_is_completed_leaves_the_others_as_they_are(void **state)
{
    struct kit *k = *state;
    const struct kit_record *sent = forwarded(k);

    KIT_MARKED(k, "", "ops", "referral.answered", 'R', "", ANSWER("2", "accepted"), NULL, NULL);
    KIT_MARKED(k, "", "ops", "referral.completed", 'R', "", COMPLETE("completed"), NULL, NULL);
    assert_int_equal(part_state(k, 1), PART_REQUESTED);
    assert_int_equal(whole(k), REFERRAL_ACCEPTED);
    kit_relations_are(k, "sch", sent, "referrer");
    /* The holder completes the whole, whatever its parts. */
    KIT_MARKED(k, "", "ic", "referral.completed", 'R', "", COMPLETE("completed"), NULL, NULL);
    assert_int_equal(whole(k), REFERRAL_COMPLETED);
    kit_relations_are(k, "sch", sent, "");
}

static void
parts_that_all_were_refused_are_a_refusal(void **state)
{
    struct kit *k = *state;

    forwarded(k);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", ANSWER("2", "rejected"), NULL, NULL);
    KIT_SAY(k, "ic", "referral.answered", 'R', "", "0 6{'status':'rejected','parts':[{'no':1},{'no':3}]}", NULL, NULL);
    assert_int_equal(whole(k), REFERRAL_REJECTED);
}

static void
what_one_refused_another_is_asked_for(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {
        .unit = "ops", .type = "referral.answered", .dossier = 'R', .sections = ANSWER("2", "accepted")};

    forwarded(k);
    KIT_MARKED(k, "", "ops", "referral.answered", 'R', "", ANSWER("2", "rejected"), NULL, NULL);
    KIT_MARKED(k, "", "ic", "referral.forwarded", 'R', "", FORWARD("2", "svc"), NULL, NULL);
    kit_refused(k, &line, E_DOSSIER, "header.dossierId"); /* not its any more */
    KIT_MARKED(k, "", "svc", "referral.answered", 'R', "", ANSWER("2", "accepted"), NULL, NULL);
    /* ... and who has it may send it on. */
    KIT_MARKED(k, "", "svc", "referral.forwarded", 'R', "", FORWARD("2", "ops"), NULL, NULL);
    kit_say(k, &line);
    assert_int_equal(part_state(k, 2), PART_IS_ACCEPTED);
}

static void
without_the_applicants_consent_forwarding_is_marked(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "sch", "referral.submitted", 'R', "ic", "0 1@p1 6{'service':'IPUS','parts':[{'no':1}]}", NULL, NULL);
    KIT_MARKED(k, "W_NO_FORWARD_CONSENT", "ic", "referral.forwarded", 'R', "",
               "0{'toUnit':'ops','whole':'NO','partNos':[1]} 6", NULL, NULL);
}

static void
corrections_reach_the_part(void **state)
{
    struct kit *k = *state;
    const struct kit_record *sent = forwarded(k), *answer;
    struct kit_line line = {
        .unit = "ops", .type = "referral.answered", .dossier = 'R', .sections = ANSWER("2", "received")};

    answer = KIT_SAY(k, "ops", "referral.answered", 'R', "", ANSWER("2", "rejected"), NULL, NULL);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", ANSWER("2", "accepted"), kit_correcting(answer, "AMENDED"), NULL);
    assert_int_equal(part_state(k, 2), PART_IS_ACCEPTED);
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0", kit_correcting(answer, "ENTERED_IN_ERROR"), NULL);
    assert_int_equal(part_state(k, 2), PART_REQUESTED);
    KIT_SAY(k, "ic", "referral.forwarded", 'R', "", "0", kit_correcting(sent, "ENTERED_IN_ERROR"), "ops=0 dir=0");
    assert_int_equal(part_state(k, 2), PART_REQUESTED); /* the application names it still */
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    /* An amended application keeps its parts as they stand. */
    KIT_SAY(k, "sch", "referral.submitted", 'R', "", "0 1@p1 6{'service':'IPUS'}",
            kit_correcting(&k->records[sent->record.seq - 3], "AMENDED"), NULL);
    assert_int_equal(part_state(k, 1), PART_REQUESTED);
}

#define PARTS(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PARTS(a_part_is_its_receivers_to_answer_and_nothing_else_is),
        PARTS(the_referral_ends_with_the_last_of_its_parts),
        PARTS(a_part_that_is_completed_leaves_the_others_as_they_are),
        PARTS(parts_that_all_were_refused_are_a_refusal),
        PARTS(what_one_refused_another_is_asked_for),
        PARTS(without_the_applicants_consent_forwarding_is_marked),
        PARTS(corrections_reach_the_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
