/*
 * The rules of the procedure: for each a history that keeps it and one that breaks it, with the reaction of the
 * register. Then what the state is: the fold of what was said and not taken back, the same on replay.
 */
#include "test_core_kit.h"

#include "broker/core/rules.h"
#include "broker/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"
#define LATE          "'lateEntry':true"
#define OK            ""

static uint8_t
case_state(struct kit *k, char dossier)
{
    uint8_t id[16];
    uint32_t index;

    assert_int_equal(uuid_parse(kit_id(dossier), id), 0);
    index = dossiers_find(&k->core->dossiers, id);
    assert_true(index != DOSSIER_NONE);
    return k->core->dossiers.at[index].matter.kase;
}

static uint8_t
referral_state(struct kit *k, char dossier)
{
    uint8_t id[16];
    uint32_t index;

    assert_int_equal(uuid_parse(kit_id(dossier), id), 0);
    index = dossiers_find(&k->core->dossiers, id);
    assert_true(index != DOSSIER_NONE);
    return k->core->dossiers.at[index].matter.referral;
}

static void
open_zz(struct kit *k, char dossier)
{
    KIT_MARKED(k, OK, "fa", "case.opened", dossier, "",
               "0{'openedOn':'2026-03-03'} 1 4{'entitlement':'PREGNANCY'} 6{'path':'ORDINARY'}", NULL, NULL);
}

/* ---- I2, I3: better by the social worker */

static void
i2_insight_by_the_assistant_is_taken_and_marked(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, OK, "sw", "court.insight_requested", 'L', "ct", "0 1 5", NULL, NULL);
    KIT_MARKED(k, "W_INSIGHT_BY_FA", "fa", "court.insight_requested", 'M', "ct sw", "0 1 5{'grounds':'x'}", NULL,
               "ct=015 sw=015 dir=01");
    KIT_MARKED(k, "W_INSIGHT_BY_FA", "ic", "court.insight_requested", 'N', "ct", "0 1 5", NULL, NULL);
}

static void
i3_a_blue_card_by_the_assistant_is_taken_and_marked(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    KIT_MARKED(k, OK, "sw", "case.safety_concern_raised", 'L', "dir", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "case.safety_concern_raised", 'M', "sw", "0 1 5{'kind':'EMERGENCY'}", NULL, NULL);
    r = KIT_MARKED(k, "W_BLUE_CARD_BY_FA", "fa", "case.safety_concern_raised", 'N', "sw",
                   "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL, NULL);
    assert_string_equal(r->record.note->warnings[0]->path, "sections[2].caseSafetyConcernRaisedS5.kind");
    assert_string_equal(r->record.note->warnings[0]->rule, "I3");
    assert_string_equal(r->record.note->warnings[0]->source, rule_source(RULE_I3));
}

/* ---- I4: interview, request, assignment */

static void
i4_an_assistant_is_assigned_after_interview_and_request(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    assert_int_equal(case_state(k, 'C'), CASE_ACTIVE);
    kit_open_case(k, "sw", 'D');
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'D', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.interview_completed", 'D', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'D', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "dir", "case.assistant_assigned", 'D', "", "0{'unit':'fa'}", LATE, NULL);
    assert_int_equal(case_state(k, 'D'), CASE_ASSIGNED);
}

static void
i4_a_court_order_stands_in_for_them_also_from_the_letter_that_the_case_took_up(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw",
            "0{'issuedOn':'2026-03-01'} 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    kit_open_case(k, "sw", 'C');
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    /* The interview that was missing is entered: nothing odd about that. */
    KIT_MARKED(k, OK, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    assert_int_equal(case_state(k, 'C'), CASE_ASSIGNED);
}

static void
i4_an_order_that_was_revoked_stands_in_for_nothing(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0 1 5{'orderKind':'REVOKED'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I4, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", NULL, NULL);
}

/* ---- I5, I6: Za zyciem */

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

/* ---- I7, I8: the first contact */

static void
assign_late(struct kit *k, char dossier)
{
    kit_open_case(k, "sw", dossier);
    KIT_SAY(k, "dir", "case.assistant_assigned", dossier, "", "0{'unit':'fa'}", LATE, NULL);
}

#define CONTACT                                                                                                        \
    "0{'meetingId':'$f','heldOn':'2026-03-10'} 6{'kind':'FIRST_CONTACT','attendance':[{'role':'SW','signed':true},"    \
    "{'role':'FA','signed':true}]}"

static void
i7_a_first_contact_rests_on_a_consent_dated_on_or_before_it(void **state)
{
    static const struct {
        const char *consent, *withdrawn, *warnings;
    } cases[] = {
        {"0{'consentId':'$c','givenOn':'2026-03-10'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, ""},
        {"0{'consentId':'$c','givenOn':'2026-03-11'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, "W_NO_BASIS"},
        {"0{'consentId':'$c','givenOn':'2026-01-01','validTo':'2026-03-10'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL,
         ""},
        {"0{'consentId':'$c','givenOn':'2026-01-01','validTo':'2026-03-09'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL,
         "W_NO_BASIS"},
        {"0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}", NULL, "W_NO_BASIS"},
        {"0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}",
         "0{'consentId':'$c','withdrawnOn':'2026-03-09'} 1 6{'effect':'STOP_SERVICE'}", "W_NO_BASIS"},
        {"0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}",
         "0{'consentId':'$c','withdrawnOn':'2026-03-11'} 1 6{'effect':'STOP_SERVICE'}", ""},
    };
    struct kit *k = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char dossier = (char)('1' + i);

        assign_late(k, dossier);
        KIT_SAY(k, "fa", "consent.granted", dossier, "", cases[i].consent, NULL, NULL);
        if (cases[i].withdrawn != NULL)
            KIT_SAY(k, "fa", "consent.withdrawn", dossier, "", cases[i].withdrawn, NULL, NULL);
        /* A suspended case takes the contact out of its order. */
        KIT_MARKED(k,
                   cases[i].withdrawn == NULL     ? cases[i].warnings
                   : cases[i].warnings[0] == '\0' ? "W_ORDER"
                                                  : "W_ORDER W_NO_BASIS",
                   "fa", "meeting.held", dossier, "", CONTACT, NULL, NULL);
    }
}

static void
i7_a_consent_filed_later_but_dated_in_time_is_the_basis(void **state)
{
    struct kit *k = *state;
    uint8_t id[16];
    uint32_t dossier;
    int32_t day = 20522; /* 2026-03-10 */

    assign_late(k, 'C');
    KIT_MARKED(k, "W_NO_BASIS", "fa", "meeting.held", 'C', "", CONTACT, NULL, NULL);
    assert_int_equal(uuid_parse(kit_id('C'), id), 0);
    dossier = dossiers_find(&k->core->dossiers, id);
    assert_false(rules_basis(&k->core->dossiers, dossier, day));
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-10'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    assert_true(rules_basis(&k->core->dossiers, dossier, day));
    assert_false(rules_basis(&k->core->dossiers, dossier, day - 1));
}

static void
i7_an_order_is_the_basis_from_its_date_until_it_is_revoked(void **state)
{
    struct kit *k = *state;

    assign_late(k, 'C');
    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw",
            "0{'issuedOn':'2026-03-05'} 1 5{'orderKind':'OBLIGE_COOPERATION'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "meeting.held", 'C', "", CONTACT, NULL, NULL);
    KIT_SAY(k, "ct", "court.order_issued", 'L', "sw", "0{'issuedOn':'2026-03-08'} 1 5{'orderKind':'REVOKED'}", NULL,
            NULL);
    assign_late(k, 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_MARKED(k, "W_NO_BASIS", "fa", "meeting.held", 'D', "", CONTACT, NULL, NULL);
}

static void
i8_the_social_worker_is_at_the_first_contact(void **state)
{
    struct kit *k = *state;

    assign_late(k, 'C');
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    KIT_MARKED(k, "W_NO_SW", "fa", "meeting.held", 'C', "",
               "0{'meetingId':'$f','heldOn':'2026-03-10'} "
               "6{'kind':'FIRST_CONTACT','attendance':[{'role':'FA','signed':true}]}",
               NULL, NULL);
}

/* ---- I9, I10, I11, I13, I15: meetings */

static void
i9_a_multi_professional_meeting_has_both_once_there_is_an_assistant(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    KIT_MARKED(k, "W_SW_FA", "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$1'} 6{'kind':'MULTI_PROFESSIONAL_FIRST','attendance':[{'role':'SW','signed':true}]}",
               NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$2'} 6{'kind':'MULTI_PROFESSIONAL_NEXT','attendance':[{'role':'SW','signed':true},"
               "{'role':'FA','signed':true}]}",
               NULL, NULL);
    kit_open_case(k, "sw", 'D');
    KIT_MARKED(k, OK, "sw", "meeting.held", 'D', "",
               "0{'meetingId':'$3'} 6{'kind':'MULTI_PROFESSIONAL_FIRST','attendance':[{'role':'SW','signed':true}]}",
               NULL, NULL);
}

static void
i10_the_chair_is_a_social_worker_or_an_assistant_but_where_others_convene(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    KIT_MARKED(k, OK, "sw", "meeting.convened", 'C', "",
               "0{'meetingId':'$1','revision':1} 6{'kind':'CONSULTATION','chairRole':'SW'}", NULL, NULL);
    KIT_MARKED(k, "W_CHAIR", "sw", "meeting.convened", 'C', "",
               "0{'meetingId':'$2','revision':1} 6{'kind':'CONSULTATION','chairRole':'SCH'}", NULL, NULL);
    KIT_MARKED(k, "W_CHAIR", "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$2'} 6{'kind':'CONSULTATION','chairRole':'DIR'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$3'} 6{'kind':'INTERDISCIPLINARY_TEAM','chairRole':'IDT'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "", "0{'meetingId':'$4'} 6{'kind':'IPUS_TALK','chairRole':'IC'}", NULL,
               NULL);
}

static void
i11_not_more_than_four_services(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.agreements_issued", 'C', "",
               "0{'meetingId':'$1'} 6{'chosenServices':['a','b','c','d']}", NULL, NULL);
    KIT_MARKED(k, "W_TOO_MANY_SERVICES", "sw", "meeting.agreements_issued", 'C', "",
               "0{'meetingId':'$1'} 6{'chosenServices':['a','b','c']} 6{'chosenServices':['d','e']}", NULL, NULL);
}

#define SHA           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DOCUMENT(sha) "'documents':[{'sha256':'" sha "','size':1,'mediaType':'application/pdf'}]"

static void
i13_the_protocol_does_not_leave_with_the_agreements(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6{'protocolSigned':true," DOCUMENT(SHA) "}", NULL,
            NULL);
    KIT_MARKED(
        k, OK, "sw", "meeting.agreements_issued", 'C', "",
        "0{'meetingId':'$1'} 6{" DOCUMENT("ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") "}", NULL,
        NULL);
    KIT_REFUSED_BY(k, RULE_I13, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{" DOCUMENT(SHA) "}",
                   NULL, NULL);
    /* Of another meeting it is just a paper. */
    KIT_SAY(k, "sw", "meeting.held", 'C', "", "0{'meetingId':'$2'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$2'} 6{" DOCUMENT(SHA) "}", NULL,
               NULL);
}

static void
i15_list_and_protocol_are_signed(void **state)
{
    struct kit *k = *state;

    kit_open_case(k, "sw", 'C');
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$1'} 6{'attendance':[{'role':'SW','signed':true}],'protocol':'x','protocolSigned':true}",
               NULL, NULL);
    KIT_MARKED(k, "W_UNSIGNED", "sw", "meeting.held", 'C', "", "0{'meetingId':'$2'} 6{'attendance':[{'role':'SW'}]}",
               NULL, NULL);
    KIT_MARKED(k, "W_UNSIGNED", "sw", "meeting.held", 'C', "", "0{'meetingId':'$3'} 6{'protocol':'x'}", NULL, NULL);
    KIT_MARKED(k, "W_UNSIGNED", "sw", "meeting.held", 'C', "",
               "0{'meetingId':'$4'} 1{'attendance':[{'personRef':'p1','present':true}]} 6", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "", "0{'meetingId':'$5'} 1{'attendance':[{'personRef':'p1'}]} 6", NULL,
               NULL); /* was not there */
}

/* ---- I16 to I22: the IPUS */

/* The programme, and the coordinator's qualification. */
static void
register_ipus(struct kit *k)
{
    KIT_SAY(k, "ous", "sys.programme_registered", 0, "", "0{'programmeId':'g','gmina':'326101','from':'2010-01-01'}",
            NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-1','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
}

static void
open_ipus(struct kit *k, char dossier)
{
    register_ipus(k);
    KIT_SAY(k, "ic", "case.opened", dossier, "", "0 6{'path':'IPUS'}", NULL, NULL);
}

#define ROW "'row':{'serviceRef':'a','programmeId':'g','provider':'svc','place':'x','schedule':'x'}"
#define PLAN(id, version, from, to)                                                                                    \
    "0{'ipusId':'$" id "','version':" version ",'periodFrom':'" from "','periodTo':'" to                               \
    "'} 6{'applicantAgreed':'YES'," ROW "}"

static void
i16_an_ipus_lasts_three_to_twelve_months_both_days_included(void **state)
{
    static const struct {
        const char *body;
        bool holds;
    } cases[] = {
        {PLAN("1", "1", "2026-01-01", "2026-03-31"), true},  {PLAN("2", "1", "2026-01-01", "2026-03-30"), false},
        {PLAN("3", "1", "2026-03-01", "2027-02-28"), true},  {PLAN("4", "1", "2026-03-01", "2027-03-01"), false},
        {PLAN("5", "1", "2024-02-29", "2025-02-27"), true},  {PLAN("6", "1", "2024-02-29", "2025-02-28"), false},
        {PLAN("7", "1", "2026-11-30", "2027-02-27"), true},  {PLAN("8", "1", "2026-11-30", "2027-02-26"), false},
        {PLAN("9", "1", "2026-06-01", "2026-05-31"), false}, {PLAN("a", "1", "2026-01-15", "2026-09-14"), true},
    };
    struct kit *k = *state;

    open_ipus(k, 'C');
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (cases[i].holds)
            KIT_SAY(k, "ic", "ipus.agreed", 'C', "", cases[i].body, NULL, NULL);
        else
            KIT_REFUSED_BY(k, RULE_I16, "ic", "ipus.agreed", 'C', "", cases[i].body, NULL, NULL);
}

static void
i18_an_ipus_names_a_service(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I18, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'}",
                   NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'," ROW "}", NULL,
            NULL);
    KIT_MARKED(k, "W_TOO_MANY_SERVICES", "ic", "ipus.updated", 'C', "",
               "0{'ipusId':'$I','version':2} 6{" ROW "} 6{" ROW "} 6{" ROW "} 6{" ROW "} 6{" ROW "}", NULL, NULL);
}

static void
i19_the_applicant_agrees(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I19, "ic", "ipus.agreed", 'C', "",
                   "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'NO'," ROW "}", NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 6{'applicantAgreed':'YES'," ROW "}", NULL,
            NULL);
    KIT_REFUSED_BY(k, RULE_I19, "ic", "ipus.updated", 'C', "", "0{'ipusId':'$I','version':2} 6{'applicantAgreed':'NO'}",
                   NULL, NULL);
}

static void
i20_versions_follow_one_another_and_the_coordinator_stays(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.agreed", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.updated", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'", NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I20, "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), "+'personRef':'ic-1'",
               NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-2','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_OTHER_IC", "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"),
               "+'personRef':'ic-2'", NULL);
    KIT_SAY(k, "ic", "case.worker_set", 'C', "", "0{'role':'IC','personRef':'ic-2','unit':'ic','kind':'MAIN'}", NULL,
            NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "4", "2026-03-01", "2026-08-31"), "+'personRef':'ic-2'",
               NULL);
}

static void
i21_an_update_does_not_go_beyond_a_year_from_the_beginning(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-06-01", "2027-02-28"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I21, "ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-06-01", "2027-03-01"), NULL, NULL);
}

static void
i22_a_conclusion_has_a_description_and_comes_after_the_end(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I22, "ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'resultCode':'PROGRESS'}", NULL,
                   NULL);
    KIT_MARKED(k, "W_TALK_EARLY", "ic", "ipus.concluded", 'C', "",
               "0{'ipusId':'$I','endedOn':'2026-08-31','summaryTalkOn':'2026-08-30'} 6{'description':'x'}", NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("J", "1", "2026-09-01", "2026-12-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.concluded", 'C', "",
               "0{'ipusId':'$J','endedOn':'2026-12-31','summaryTalkOn':'2026-12-31'} 6{" DOCUMENT(SHA) "}", NULL, NULL);
}

static void
i42_a_service_is_performed_after_the_plan_was_approved(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, "W_NOT_APPROVED", "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'RETURNED'}", NULL,
               NULL);
    KIT_MARKED(k, "W_NOT_APPROVED", "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, "W_ORDER", "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}",
               NULL, NULL);
    KIT_MARKED(k, OK, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':2} 6{'decision':'APPROVED'}", NULL,
               NULL);
    KIT_MARKED(k, OK, "ic", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
}

static void
i42_an_organiser_approves_with_a_registered_authorisation(void **state)
{
    struct kit *k = *state;
    static const char approve[] = "0{'ipusId':'$I','version':1,'decidedOn':'2026-03-10'} 6{'decision':'APPROVED'}";

    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2026-03-01','to':'2026-03-09'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, NULL, NULL); /* not any more */
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2026-03-01'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I42, "ous", "ipus.approved", 'C', "", approve, "+'personRef':'ous-2'", NULL);
    KIT_MARKED(k, OK, "ous", "ipus.approved", 'C', "", approve, NULL, NULL);
}

#define AGREED(id, programme, provider, day)                                                                           \
    "0{'ipusId':'$" id "','version':1,'agreedOn':'" day "'} 6{'row':{'programmeId':'" programme                        \
    "','provider':'" provider "'}}"

static void
i18_services_come_from_a_registered_programme(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "ic", "ipus.agreed", 'C', "", AGREED("2", "h", "svc", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "ous", "sys.programme_registered", 0, "",
            "0{'programmeId':'g','gmina':'326101','from':'2020-01-01','to':'2026-03-01'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "ic", "ipus.agreed", 'C', "", AGREED("4", "g", "svc", "2026-03-02"), NULL, NULL);
}

static void
i18_a_programme_is_one_of_the_agencys_municipality(void **state)
{
    struct kit *k = *state;

    register_ipus(k);
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "",
            "0{'agencyId':'cusb','name':'b','kinds':['CUS'],'gmina':['020101']}", NULL, NULL);
    kit_unit(k, "icb", "cusb", "IC DIR");
    KIT_SAY(k, "icb:DIR", "sys.qualification_registered", 0, "",
            "0{'personRef':'icb-1','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_SAY(k, "icb:IC", "case.opened", 'C', "", "0 6{'path':'IPUS'}", NULL, NULL);
    KIT_MARKED(k, "W_PROGRAMME", "icb:IC", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "adm", "sys.programme_registered", 0, "", "0{'programmeId':'h','gmina':'020101','from':'2020-01-01'}",
            NULL, NULL);
    KIT_MARKED(k, OK, "icb:IC", "ipus.agreed", 'C', "", AGREED("2", "h", "svc", "2026-03-01"), NULL, NULL);
}

static void
i23_the_coordinator_is_qualified_in_its_agency(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "svc", "2026-03-01"), NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("2", "g", "svc", "2019-12-31"), NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "svc", "2026-03-01"),
               "+'personRef':'ic-2'", NULL);
    KIT_SAY(k, "ops:DIR", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-2','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_QUALIFICATION", "ic", "ipus.agreed", 'C', "", AGREED("4", "g", "svc", "2026-03-01"),
               "+'personRef':'ic-2'", NULL);
}

static void
i33_a_volunteer_has_a_complete_file(void **state)
{
    struct kit *k = *state;

    open_ipus(k, 'C');
    KIT_MARKED(k, "W_VOLUNTEER", "ic", "ipus.agreed", 'C', "", AGREED("1", "g", "vol-7", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "",
            "0{'volunteerRef':'vol-7','complete':false,'from':'2026-01-01'}", NULL, NULL);
    KIT_MARKED(k, "W_VOLUNTEER", "ic", "ipus.agreed", 'C', "", AGREED("2", "g", "vol-7", "2026-03-01"), NULL, NULL);
    KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "",
            "0{'volunteerRef':'vol-7','complete':true,'from':'2026-01-01'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", AGREED("3", "g", "vol-7", "2026-03-01"), NULL, NULL);
}

static void
i29_where_declarations_are_in_use_an_addressee_without_one_is_marked(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, OK, "sw", "info.requested", '1', "sch", "0 6", NULL, NULL); /* not in use */
    KIT_SAY(k, "dir", "sys.declaration_registered", 0, "",
            "0{'agencies':['cus','gops'],'signedOn':'2026-01-01','validTo':'2026-03-01'}", NULL, NULL);
    KIT_MARKED(k, "W_NO_DECLARATION", "sw", "info.requested", '2', "ops sch", "0 6", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "info.requested", '3', "ops fa", "0 6", NULL, NULL);
    KIT_MARKED(k, OK, "sch", "info.requested", '4', "ops", "0 6", NULL, NULL); /* the school works without */
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "", "0{'agencyId':'sad','name':'s','kinds':['COURT']}", NULL, NULL);
    kit_unit(k, "sad-1", "sad", "CT");
    KIT_MARKED(k, OK, "sw", "info.requested", '5', "sad-1", "0 6", NULL, NULL); /* statutory */
    k->now_ms += 86400000;
    KIT_MARKED(k, OK, "sw", "info.requested", '6', "sch", "0 6", NULL, NULL); /* the own one has ended */
}

static void
registers_are_kept_by_those_who_answer_for_them_and_workers_files_by_their_agency(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_refused(k,
                &(struct kit_line){"sch", "sys.declaration_registered", 0, "", "0{'agencies':['school']}", NULL, NULL},
                E_ROLE, "header.actor.role");
    kit_refused(
        k,
        &(struct kit_line){"dir", "sys.declaration_registered", 0, "", "0{'agencies':['school','gops']}", NULL, NULL},
        E_ROLE, "header.actor.role");
    kit_refused(
        k, &(struct kit_line){"dir", "sys.declaration_registered", 0, "", "0{'agencies':['cus','nobody']}", NULL, NULL},
        E_UNKNOWN, "sections[0].sysDeclarationRegisteredS0.agencies[1]");
    kit_refused(k, &(struct kit_line){"dir", "sys.programme_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"ous", "sys.qualification_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    kit_refused(k, &(struct kit_line){"sw", "sys.volunteer_file_registered", 0, "", "0", NULL, NULL}, E_ROLE,
                "header.actor.role");
    r = KIT_SAY(k, "dir", "sys.volunteer_file_registered", 0, "", "0{'volunteerRef':'v','from':'2026-01-01'}", NULL,
                NULL);
    assert_string_equal(kit_seen(k, "sw", r), "0");
    assert_string_equal(kit_seen(k, "ops", r), "");
    assert_string_equal(kit_seen(k, "adm", r), "0");
    r = KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
                "0{'personRef':'p','kind':'IPUS_APPROVER','from':'2026-01-01'}", NULL, NULL);
    assert_string_equal(kit_seen(k, "ic", r), "0");
    assert_string_equal(kit_seen(k, "sch", r), "");
    r = KIT_SAY(k, "dir", "sys.declaration_registered", 0, "", "0{'agencies':['cus'],'signedOn':'2026-01-01'}", NULL,
                NULL);
    assert_string_equal(kit_seen(k, "sch", r), "0");
}

/* ---- I24, I25: plans */

static void
i24_the_plan_is_consulted_with_those_who_must_be_asked(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    KIT_MARKED(k, "W_CONSULT", "fa", "case.plan_updated", 'C', "", "0 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3{'kind':'PLACED'}", NULL, NULL);
    KIT_MARKED(k, "W_CONSULT", "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'},{'role':'FCC'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1 3{'kind':'RETURNED_HOME'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
}

static void
i25_ipus_and_work_plan_name_each_other(void **state)
{
    struct kit *k = *state;

    register_ipus(k);
    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ic'}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, "W_COHERENCE", "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}],'coherentWithIpusId':'$I'} 6{'planKind':'WORK_PLAN'}", NULL, NULL);
    KIT_MARKED(k, "W_COHERENCE", "ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL);
    KIT_MARKED(k, OK, "ic", "ipus.updated", 'C', "",
               "0{'ipusId':'$I','version':3} 6{'coherentWithPlanId':'$p'," ROW "}", NULL, NULL);
}

/* ---- I26, I27: acting for a person; I31: opinions; I32, I41 */

static void
enrol_hospital(struct kit *k)
{
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "", "0{'agencyId':'hospital','name':'h','kinds':['PROVIDER','HEALTH']}",
            NULL, NULL);
    kit_unit(k, "ward", "hospital", "HLT");
}

static void
i26_an_authorisation_never_covers_a_health_care_provider(void **state)
{
    struct kit *k = *state;

    enrol_hospital(k);
    open_zz(k, 'C');
    KIT_REFUSED_BY(k, RULE_I26, "fa", "consent.granted", 'C', "",
                   "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['provider','hospital']}}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I26, "fa", "consent.granted", 'C', "",
                   "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['ward']}}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "consent.granted", 'C', "",
               "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['provider']}}", NULL, NULL);
}

#define ASK "0{'requestId':'$q','requestedOn':'2026-04-01'} 6{'question':'x','representing':{'consentRef':'$z'}}"

static void
i27_who_represents_has_an_authorisation_for_that_addressee(void **state)
{
    struct kit *k = *state;

    open_zz(k, 'C');
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'C', "svc", ASK, NULL, NULL);
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$z','givenOn':'2026-03-01','validTo':'2026-04-01'} 1 "
            "4{'zzAuthorisation':{'scopeAgencies':['provider']}}",
            NULL, NULL);
    KIT_MARKED(k, OK, "fa", "info.requested", 'C', "svc", ASK, NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'C', "sch", ASK, NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'C', "svc sch", ASK, NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'C', "svc",
                   "0{'requestId':'$r','requestedOn':'2026-04-02'} 6{'representing':{'consentRef':'$z'}}", NULL, NULL);
    /* Another dossier's authorisation is none. */
    open_zz(k, 'D');
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'D', "svc", ASK, NULL, NULL);
    KIT_SAY(k, "fa", "consent.withdrawn", 'C', "", "0{'consentId':'$z','withdrawnOn':'2026-03-20'} 1 6", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I27, "fa", "info.requested", 'C', "svc", ASK, NULL, NULL);
}

static void
i31_an_opinion_answers_the_courts_request(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    KIT_REFUSED_BY(k, RULE_I31, "fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
    KIT_SAY(k, "ct", "court.opinion_requested", 'L', "sw", "0 1 5", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I31, "fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
}

static void
i32_goals_are_met_together_with_the_family(void **state)
{
    struct kit *k = *state;

    kit_active_case(k, 'C');
    kit_active_case(k, 'D');
    KIT_MARKED(k, "W_NOT_JOINT", "sw", "case.closed", 'C', "", "0 6{'reason':'GOALS_MET'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "case.closed", 'D', "", "0 6{'reason':'GOALS_MET','decidedWithFamily':true}", NULL, NULL);
}

static void
i41_forwarding_takes_the_applicants_consent(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "rec", "referral.submitted", 'R', "ic", "0 1@p1 6{'service':'IPUS'}", PAPER_OF("p1"), NULL);
    KIT_MARKED(k, "W_NO_FORWARD_CONSENT", "ic", "referral.forwarded", 'R', "",
               "0{'toUnit':'ops','whole':'YES'} 6{'applicantConsent':{}}", NULL, NULL);
    KIT_MARKED(k, OK, "ic", "referral.forwarded", 'R', "",
               "0{'toUnit':'ops','whole':'YES'} 6{'applicantConsent':{'on':'2026-03-02'}}", NULL, NULL);
}

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

#define CONSENTED "'consentRef':'d0000000-0000-7000-8000-000000000063'" /* $c */
#define SHARING   "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}"

static void
i37_a_withdrawn_consent_stops_what_rests_on_it_and_nothing_else(void **state)
{
    struct kit *k = *state;
    const struct kit_record *consented, *by_statute, *other;

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
        RULE(i2_insight_by_the_assistant_is_taken_and_marked),
        RULE(i3_a_blue_card_by_the_assistant_is_taken_and_marked),
        RULE(i4_an_assistant_is_assigned_after_interview_and_request),
        RULE(i4_a_court_order_stands_in_for_them_also_from_the_letter_that_the_case_took_up),
        RULE(i4_an_order_that_was_revoked_stands_in_for_nothing),
        RULE(i5_za_zyciem_has_no_interview_and_needs_none),
        RULE(i5_an_application_that_a_case_takes_up_brings_the_path_with_it),
        RULE(i6_each_entitlement_has_its_paper),
        RULE(i7_a_first_contact_rests_on_a_consent_dated_on_or_before_it),
        RULE(i7_a_consent_filed_later_but_dated_in_time_is_the_basis),
        RULE(i7_an_order_is_the_basis_from_its_date_until_it_is_revoked),
        RULE(i8_the_social_worker_is_at_the_first_contact),
        RULE(i9_a_multi_professional_meeting_has_both_once_there_is_an_assistant),
        RULE(i10_the_chair_is_a_social_worker_or_an_assistant_but_where_others_convene),
        RULE(i11_not_more_than_four_services),
        RULE(i13_the_protocol_does_not_leave_with_the_agreements),
        RULE(i15_list_and_protocol_are_signed),
        RULE(i16_an_ipus_lasts_three_to_twelve_months_both_days_included),
        RULE(i18_an_ipus_names_a_service),
        RULE(i19_the_applicant_agrees),
        RULE(i20_versions_follow_one_another_and_the_coordinator_stays),
        RULE(i21_an_update_does_not_go_beyond_a_year_from_the_beginning),
        RULE(i22_a_conclusion_has_a_description_and_comes_after_the_end),
        RULE(i42_a_service_is_performed_after_the_plan_was_approved),
        RULE(i42_an_organiser_approves_with_a_registered_authorisation),
        RULE(i18_services_come_from_a_registered_programme),
        RULE(i18_a_programme_is_one_of_the_agencys_municipality),
        RULE(i23_the_coordinator_is_qualified_in_its_agency),
        RULE(i33_a_volunteer_has_a_complete_file),
        RULE(i29_where_declarations_are_in_use_an_addressee_without_one_is_marked),
        RULE(registers_are_kept_by_those_who_answer_for_them_and_workers_files_by_their_agency),
        RULE(i24_the_plan_is_consulted_with_those_who_must_be_asked),
        RULE(i25_ipus_and_work_plan_name_each_other),
        RULE(i26_an_authorisation_never_covers_a_health_care_provider),
        RULE(i27_who_represents_has_an_authorisation_for_that_addressee),
        RULE(i31_an_opinion_answers_the_courts_request),
        RULE(i32_goals_are_met_together_with_the_family),
        RULE(i41_forwarding_takes_the_applicants_consent),
        RULE(a_case_is_suspended_without_consent_and_goes_on_with_it),
        RULE(a_closed_case_is_monitored_until_its_plan_is_done),
        RULE(a_referral_goes_its_course_and_what_has_ended_stays_ended),
        RULE(things_of_a_letter_are_answered_where_the_case_goes_on),
        RULE(what_is_recalled_was_never_said),
        RULE(a_recalled_submission_leaves_a_referral_entered_in_error),
        RULE(what_is_amended_was_said_like_that_from_the_beginning),
        RULE(versions_count_again_after_a_recall),
        RULE(merged_cases_have_one_course),
        RULE(a_merge_is_taken_back_by_recalling_its_link),
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
