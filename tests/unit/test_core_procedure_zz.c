/*
 * The path under "Za zyciem": where an application of the family brings it, what it does without, which papers it
 * takes; for each a history that keeps the rule and one that breaks it.
 */
#include "test_core_procedure_kit.h"

static void
i5_za_zyciem_has_no_interview_and_needs_none(void **state)
{
    struct kit *k = *state;

    open_zz(k, 'C');
    KIT_SAY(k, "fa", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I5, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    /* Neither does it take the social worker, and the application is basis enough. */
    KIT_MARKED(k, OK, "fa", "meeting.held", 'C', "",
               "0{'meetingId':'$f','heldOn':'2026-03-06'} "
               "6{'kind':'FIRST_CONTACT','attendance':[{'role':'FA','signed':true}]}",
               NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
}

static void
i5_an_application_that_a_case_takes_up_brings_the_path_with_it(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, OK, "rec", "referral.submitted", 'R', "ic",
               "0{'appliedOn':'2026-03-01'} 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}",
               PAPER_OF("p1"), NULL);
    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_IPUS_ONLY);
    KIT_SAY(k, "ic", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_OPENED);
    assert_int_equal(referral_state(k, 'R'), REFERRAL_IN_PROGRESS);
    KIT_SAY(k, "ic", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I5, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
}

static void
i5_an_application_in_the_case_itself_brings_the_path_with_it(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "referral.submitted", 'C', "",
               "0{'appliedOn':'2026-03-01'} 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}", NULL,
               NULL);
    assert_int_equal(case_state(k, 'C'), CASE_OPENED);
    KIT_SAY(k, "ic", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I5, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "meeting.held", 'C', "", CONTACT, NULL, NULL); /* it rests on the application */
}

static const struct kit_record *
apply(struct kit *k, char dossier)
{
    return KIT_SAY(k, "rec", "referral.submitted", dossier, "sw",
                   "0{'appliedOn':'2026-03-01'} 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}",
                   PAPER_OF("p1"), NULL);
}

static void
i5_an_application_is_not_followed_by_an_interview_before_there_is_a_case(void **state)
{
    struct kit *k = *state;

    apply(k, 'R');
    KIT_REFUSED_BY(k, RULE_I5, "sw", "case.interview_completed", 'R', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
    KIT_SAY(k, "rec", "referral.submitted", 'S', "sw", "0 1@p1 6{'paperKind':'APPLICATION'}", PAPER_OF("p1"), NULL);
    KIT_MARKED(k, "W_ORDER", "sw", "case.interview_completed", 'S', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
}

static void
i4_the_familys_application_stands_for_the_request_also_after_an_interview(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'OTHER_SUPPORT'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    apply(k, 'R');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSIGNED);
    KIT_MARKED(k, OK, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL);
}

static void
i6_each_entitlement_has_its_paper(void **state)
{
    static const struct {
        const char *body, *warnings;
    } cases[] = {
        {"0 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}", ""},
        {"0 1@p1 4{'entitlement':'LOSS'} 6{'paperKind':'APPLICATION'}", ""},
        {"0 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'NEED'}", "W_CERT"},
        {"0 1@p1 4{'entitlement':'ILL_CHILD'} 6{'paperKind':'APPLICATION'}", "W_CERT"},
        {"0 1@p1 4{'entitlement':'ILL_CHILD','certificate':{'doctorSpeciality':'neonatologia'}} "
         "6{'paperKind':'APPLICATION'}",
         ""},
        {"0 1@p1 4{'entitlement':'ILL_CHILD','certificate':{'doctorSpeciality':'POŁOŻNICTWO i Ginekologia'}} "
         "6{'paperKind':'APPLICATION'}",
         ""},
        {"0 1@p1 4{'entitlement':'ILL_CHILD','certificate':{'doctorSpeciality':'okulistyka'}} "
         "6{'paperKind':'APPLICATION'}",
         "W_CERT"}, /* not in the policy's list */
        {"0 1@p1 4{'entitlement':'DISABLED_CHILD'} 6{'paperKind':'APPLICATION'}", "W_CERT"},
        {"0 1@p1 4{'entitlement':'DISABLED_CHILD','b6Document':{'kind':'DISABILITY_CERTIFICATE'}} "
         "6{'paperKind':'APPLICATION'}",
         ""},
        {"0 1@p1 6{'paperKind':'NEED'}", ""},
    };
    struct kit *k = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        KIT_MARKED(k, cases[i].warnings, "ops:SW", "referral.submitted", (char)('1' + i), "fa", cases[i].body, NULL,
                   NULL);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(i5_za_zyciem_has_no_interview_and_needs_none),
        RULE(i5_an_application_that_a_case_takes_up_brings_the_path_with_it),
        RULE(i5_an_application_in_the_case_itself_brings_the_path_with_it),
        RULE(i5_an_application_is_not_followed_by_an_interview_before_there_is_a_case),
        RULE(i4_the_familys_application_stands_for_the_request_also_after_an_interview),
        RULE(i6_each_entitlement_has_its_paper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
