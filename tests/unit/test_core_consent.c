/*
 * A section that rests on a consent which was withdrawn stays stopped, whatever becomes of the tie to the dossier where
 * the consent was entered: taken back, or that dossier erased.
 */
#include "test_core_erase_kit.h"

#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

/* What the header says of a section's consent: that of the letter c. */
#define CONSENT   "'consentRef':'d0000000-0000-7000-8000-000000000063'"
#define GRANTED   "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}"
#define WITHDRAWN "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6"

static void
seen_is(struct kit *k, const char *unit, const struct kit_record *record, const char *classes)
{
    assert_string_equal(kit_seen(k, unit, record), classes);
}

/* A referral R, and a case C of the office that takes it up. */
static const struct kit_record *
tied(struct kit *k, const char *kind)
{
    char body[96];

    KIT_SAY(k, "sch", "referral.submitted", 'R', "ops", "0 1@p1 6", NULL, NULL);
    KIT_SAY(k, "ops", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL, NULL);
    if (strcmp(kind, "MERGED_INTO") == 0)
        KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    (void)snprintf(body, sizeof body, "0{'kind':'%s','otherDossier':'$R'}", kind);
    return KIT_SAY(k, "ops", "case.linked", 'C', "", body, NULL, NULL);
}

static const struct kit_record *
share(struct kit *k)
{
    return KIT_SAY(k, "ops", "info.provided", 'C', "svc", "0 1@p1 6@p1", CONSENT, NULL);
}

static void
take_back(struct kit *k, const struct kit_record *link)
{
    KIT_SAY(k, "ops", "case.linked", 'C', "", "0", kit_correcting(link, "ENTERED_IN_ERROR"), NULL);
}

static void
a_withdrawal_holds_when_the_tie_is_taken_back(struct kit *k, const char *kind)
{
    const struct kit_record *link = tied(k, kind), *shared;

    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = share(k);
    seen_is(k, "svc", shared, "016");
    KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, "svc=0");
    seen_is(k, "svc", shared, "0");
    take_back(k, link);
    seen_is(k, "svc", shared, "0");
    seen_is(k, "ops", shared, "016"); /* the author's */
}

static void
a_withdrawal_holds_when_the_case_has_not_taken_the_referral_up_after_all(void **state)
{
    a_withdrawal_holds_when_the_tie_is_taken_back(*state, "REFERRAL_OF");
}

static void
a_withdrawal_holds_when_the_dossiers_were_not_one_after_all(void **state)
{
    a_withdrawal_holds_when_the_tie_is_taken_back(*state, "MERGED_INTO");
}

static void
a_withdrawal_after_the_tie_was_taken_back_stops_what_rested_on_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *link = tied(k, "REFERRAL_OF"), *shared;

    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = share(k);
    take_back(k, link);
    seen_is(k, "svc", shared, "016");
    KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, NULL);
    seen_is(k, "svc", shared, "0");
}

/* Whoever withdraws the consent, and whatever was tied since: it was given on that consent. */
static void
a_withdrawal_reaches_whom_it_was_given_while_the_dossiers_were_tied(struct kit *k, const char *kind)
{
    const struct kit_record *link = tied(k, kind), *shared;

    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = share(k);
    take_back(k, link);
    seen_is(k, "svc", shared, "016");
    KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, "svc=0");
    seen_is(k, "svc", shared, "0");
}

static void
a_withdrawal_after_a_case_gave_the_referral_up_reaches_whom_the_case_gave_it(void **state)
{
    a_withdrawal_reaches_whom_it_was_given_while_the_dossiers_were_tied(*state, "REFERRAL_OF");
}

static void
a_withdrawal_after_the_dossiers_parted_reaches_whom_either_gave_it(void **state)
{
    a_withdrawal_reaches_whom_it_was_given_while_the_dossiers_were_tied(*state, "MERGED_INTO");
}

static void
a_withdrawal_in_the_case_that_relied_on_it_reaches_whom_the_case_gave_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *link = tied(k, "REFERRAL_OF"), *shared;

    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = share(k);
    take_back(k, link);
    KIT_SAY(k, "ops", "consent.withdrawn", 'C', "", WITHDRAWN, NULL, "svc=0");
    seen_is(k, "svc", shared, "0");
}

/* The probation officer is told what the assistant finds, and nothing of consents. */
static void
a_withdrawal_reaches_a_party_that_was_given_an_assessment(void **state)
{
    struct kit *k = *state;
    const struct kit_record *shared;

    kit_open_case(k, "ops", 'C');
    KIT_SAY(k, "ops", "court.order_issued", 'C', "", "0 1@p1 5@p1{'orderKind':'SUPERVISION','probationUnit':'kur'}",
            "+'onBehalfOf':'court','channel':'PAPER','receivedOn':'2026-02-27'", NULL);
    KIT_SAY(k, "ops", "consent.granted", 'C', "", GRANTED, NULL, NULL);
    shared = KIT_SAY(k, "ops:FA", "case.assessment_recorded", 'C', "", "0 3@p1 6@p1{'kind':'PERIODIC'}", CONSENT,
                     "kur=036");
    KIT_SAY(k, "ops", "consent.withdrawn", 'C', "", WITHDRAWN, NULL, "kur=0");
    seen_is(k, "kur", shared, "0");
}

/* It came on paper, and was entered only later, in the referral. */
static void
a_withdrawal_reaches_whom_it_was_given_before_the_consent_was_entered(void **state)
{
    struct kit *k = *state;
    const struct kit_record *shared;

    tied(k, "REFERRAL_OF");
    shared = share(k);
    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, "svc=0");
    seen_is(k, "svc", shared, "0");
}

static_assert('A' + CONSENT_TIES_MAX <= 'R', "a letter for each dossier, and R for the consent's");

static void
others_rest_on_the_consents_of_one_dossier_up_to_a_bound(void **state)
{
    struct kit *k = *state;
    const struct kit_line too_many = {"ops", "info.provided", 'z', "svc", "0 1@p1 6@p1", CONSENT, NULL};

    KIT_SAY(k, "sch", "referral.submitted", 'R', "ops", "0 1@p1 6", NULL, NULL);
    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    for (size_t i = 0; i <= CONSENT_TIES_MAX; i++) {
        char dossier = i < CONSENT_TIES_MAX ? (char)('A' + i) : 'z';

        KIT_SAY(k, "ops", "case.opened", dossier, "", "0 1 6{'path':'ORDINARY'}", NULL, NULL);
        KIT_SAY(k, "ops", "case.linked", dossier, "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
        for (unsigned twice = 0; i < CONSENT_TIES_MAX && twice < 2; twice++)
            KIT_SAY(k, "ops", "info.provided", dossier, "svc", "0 1@p1 6@p1", CONSENT, NULL);
    }
    kit_refused(k, &too_many, E_LIMIT, "header.consentRef");
    /* Its own paper, entered there. */
    KIT_SAY(k, "ops", "consent.granted", 'z', "",
            "0{'consentId':'$y','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}", NULL, NULL);
    KIT_SAY(k, "ops", "info.provided", 'z', "svc", "0 1@p1 6@p1", "'consentRef':'d0000000-0000-7000-8000-000000000079'",
            NULL);
}

static void
what_is_said_otherwise_under_another_consent_rests_on_that_one(void **state)
{
    struct kit *k = *state;
    const struct kit_record *link = tied(k, "REFERRAL_OF"), *shared, *amended;
    char header[300];

    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = KIT_SAY(k, "ops", "info.provided", 'C', "svc", "0 1@p1 6@p1", NULL, NULL);
    (void)snprintf(header, sizeof header, "%s," CONSENT, kit_correcting(shared, "AMENDED"));
    amended = KIT_SAY(k, "ops", "info.provided", 'C', "svc", "0 1@p1 6@p1", header, NULL);
    KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, "svc=0");
    seen_is(k, "svc", shared, "016");
    seen_is(k, "svc", amended, "0");
    take_back(k, link);
    seen_is(k, "svc", amended, "0");
}

/* Says it again, with the same words, on the consent that it did not name. */
static const struct kit_record *
say_on_consent(struct kit *k, const struct kit_record *said, const char *type, const char *sections)
{
    char header[300];

    (void)snprintf(header, sizeof header, "%s," CONSENT, kit_correcting(said, "AMENDED"));
    return KIT_SAY(k, "ops", type, 'C', "", sections, header, NULL);
}

/* Invited no more, it is given corrections of what it was given. */
static void
a_withdrawal_reaches_who_was_invited_when_the_consent_is_named_only_by_an_amendment(void **state)
{
    static const char rows[] = "0{'meetingId':'$m'} 6@p1{'row':{'no':1,'action':'x'}}";
    struct kit *k = *state;
    const struct kit_record *rested;

    kit_open_case(k, "ops", 'C');
    KIT_SAY(k, "ops", "consent.granted", 'C', "", GRANTED, NULL, NULL);
    KIT_SAY(k, "ops", "meeting.convened", 'C', "",
            "0{'meetingId':'$m'} 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
            "sch=06");
    rested = say_on_consent(k, KIT_SAY(k, "ops", "meeting.agreements_issued", 'C', "", rows, NULL, "sch=06"),
                            "meeting.agreements_issued", rows);
    seen_is(k, "sch", rested, "06");
    KIT_SAY(k, "ops", "consent.withdrawn", 'C', "", WITHDRAWN, NULL, "sch=0");
    seen_is(k, "sch", rested, "0");
}

static void
a_withdrawal_reaches_who_took_part_before_an_amendment_named_the_consent(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said;

    kit_open_case(k, "ops", 'C');
    KIT_SAY(k, "ops", "consent.granted", 'C', "", GRANTED, NULL, NULL);
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'kur'}", NULL, NULL);
    said = KIT_SAY(k, "ops", "placement.changed", 'C', "", "0 1 3 6", NULL, "fcc=013");
    KIT_SAY(k, "ops", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    seen_is(k, "fcc", say_on_consent(k, said, "placement.changed", "0 1 3 6"), "");
    KIT_SAY(k, "ops", "consent.withdrawn", 'C', "", WITHDRAWN, NULL, "fcc=0"); /* and not who was gone by then */
}

/* More than the lists of a note hold: the units of a question and those of its answer. */
static void
a_withdrawal_reaches_all_that_an_amendment_reaches_however_many_they_are(void **state)
{
    struct kit *k = *state;
    char to[2][600] = {"ops", ""}, header[300];
    const struct kit_record *asked, *said, *withdrawn;

    kit_agency(k, "crowd");
    for (unsigned i = 0; i < 2 * 60; i++) {
        char unit[16];

        (void)snprintf(unit, sizeof unit, "u%u", i);
        kit_unit(k, unit, "crowd", "SVC");
        strcat(strcat(to[i / 60], i % 60 == 0 && i > 0 ? "" : " "), unit);
    }
    asked = KIT_SAY(k, "svc", "info.requested", 'Q', to[0], "0 1@p1 6@p1", NULL, NULL);
    said = KIT_SAY(k, "ops", "info.provided", 'Q', to[1], "0 1@p1 6@p1", kit_answering(asked), NULL);
    (void)snprintf(header, sizeof header, "%s," CONSENT, kit_correcting(said, "AMENDED"));
    said = KIT_SAY(k, "ops", "info.provided", 'Q', to[1], "0 1@p1 6@p1", header, NULL);
    KIT_SAY(k, "ops", "consent.granted", 'Q', "", GRANTED, NULL, NULL);
    withdrawn = KIT_SAY(k, "ops", "consent.withdrawn", 'Q', "", WITHDRAWN, NULL, NULL);
    for (unsigned i = 0; i < 2 * 60; i++) {
        char unit[16];

        (void)snprintf(unit, sizeof unit, "u%u", i);
        seen_is(k, unit, said, "0");
        seen_is(k, unit, withdrawn, "0");
    }
}

/* Told in a dossier that it never had a part in, it finds that when it catches up, too. */
static void
who_left_before_the_merge_finds_the_withdrawal(void **state)
{
    struct kit *k = *state;
    const struct kit_record *withdrawn;

    kit_open_case(k, "sw", 'C');
    kit_open_case(k, "sw", 'D');
    KIT_SAY(k, "sw", "consent.granted", 'C', "", GRANTED, NULL, NULL);
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3 6", CONSENT, "fcc=013 dir=0136");
    KIT_SAY(k, "sw", "sys.participant_removed", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'MERGED_INTO','otherDossier':'$D'}", NULL, NULL);
    withdrawn = KIT_SAY(k, "sw", "consent.withdrawn", 'D', "", WITHDRAWN, NULL, NULL);
    seen_is(k, "fcc", withdrawn, "0");
}

/* In the state that forgot it, and in one that is folded from a log with holes. */
static void
with_its_dossier_erased_a_consent_elsewhere_holds_no_more(struct kit *k, bool withdrawn)
{
    struct core_erase_member members[8];
    static bool gone[KIT_RECORDS_MAX];
    const struct kit_record *shared, *vouched;
    struct core *anew, *before = k->core;
    uint8_t id[16];
    size_t count;

    tied(k, "REFERRAL_OF");
    KIT_SAY(k, "ops", "consent.granted", 'R', "", GRANTED, NULL, NULL);
    shared = share(k);
    if (withdrawn)
        KIT_SAY(k, "ops", "consent.withdrawn", 'R', "", WITHDRAWN, NULL, NULL);
    vouched = KIT_SAY(k, "ops", "info.provided", 'C', "svc", "0 1@p1 6@p1",
                      "'consentRef':'d0000000-0000-7000-8000-000000000064'", NULL);
    assert_int_equal(uuid_parse(kit_id('R'), id), 0);
    count = kit_erase(k, id, NULL, 0, members, 8);
    seen_is(k, "svc", shared, "0");
    seen_is(k, "svc", vouched, "016"); /* on paper only: its author vouches for it */
    for (size_t i = 0; i < k->count; i++)
        gone[i] = kit_goes(members, count, k->records[i].record.entry);
    anew = kit_fold_but(k, gone);
    k->core = anew;
    seen_is(k, "svc", shared, "0");
    seen_is(k, "svc", vouched, "016");
    k->core = before;
    core_destroy(&anew);
}

static void
a_withdrawal_holds_when_its_dossier_was_erased(void **state)
{
    with_its_dossier_erased_a_consent_elsewhere_holds_no_more(*state, true);
}

static void
a_consent_that_was_erased_holds_no_more(void **state)
{
    with_its_dossier_erased_a_consent_elsewhere_holds_no_more(*state, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_withdrawal_holds_when_the_case_has_not_taken_the_referral_up_after_all),
        TEST(a_withdrawal_holds_when_the_dossiers_were_not_one_after_all),
        TEST(a_withdrawal_after_the_tie_was_taken_back_stops_what_rested_on_it),
        TEST(a_withdrawal_after_a_case_gave_the_referral_up_reaches_whom_the_case_gave_it),
        TEST(a_withdrawal_after_the_dossiers_parted_reaches_whom_either_gave_it),
        TEST(a_withdrawal_in_the_case_that_relied_on_it_reaches_whom_the_case_gave_it),
        TEST(a_withdrawal_reaches_a_party_that_was_given_an_assessment),
        TEST(a_withdrawal_reaches_whom_it_was_given_before_the_consent_was_entered),
        TEST(others_rest_on_the_consents_of_one_dossier_up_to_a_bound),
        TEST(what_is_said_otherwise_under_another_consent_rests_on_that_one),
        TEST(a_withdrawal_reaches_who_was_invited_when_the_consent_is_named_only_by_an_amendment),
        TEST(a_withdrawal_reaches_who_took_part_before_an_amendment_named_the_consent),
        TEST(a_withdrawal_reaches_all_that_an_amendment_reaches_however_many_they_are),
        TEST(who_left_before_the_merge_finds_the_withdrawal),
        TEST(a_withdrawal_holds_when_its_dossier_was_erased),
        TEST(a_consent_that_was_erased_holds_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
