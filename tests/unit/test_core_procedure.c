/*
 * The rules of the procedure on the way of a family, at meetings and for plans: for each a history that keeps it and
 * one that breaks it, with the reaction of the register.
 */
#include "test_core_procedure_kit.h"

#include <string.h>

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

#define OF_AREA(id, role, area, key)                                                                                   \
    "0{'unitId':'" id "','agencyId':'cus','name':'x','roles':['" role "'],'areas':['" area "'],'key':'" key "'}"

static void
i2_i3_the_social_worker_is_told_whomever_the_assistant_addressed(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "fa", "court.insight_requested", 'L', "ct", "0 1 5{'grounds':'x'}", NULL, "ct=015 sw=015 dir=01");
    KIT_SAY(k, "ic", "court.insight_requested", 'M', "ct", "0 1 5{'grounds':'x'}", NULL, "ct=015 sw=015 dir=01");
    KIT_SAY(k, "fa", "case.safety_concern_raised", 'N', "kur", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL,
            "kur=015 sw=015 dir=01");
    KIT_SAY(k, "fa", "case.safety_concern_raised", 'O', "kur", "0 1 5{'kind':'EMERGENCY'}", NULL, "kur=015");
    /* One who has the family already is told, and no other. */
    KIT_SAY(k, "ops:SW", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL);
    KIT_SAY(k, "ops:SW", "sys.participant_added", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    KIT_SAY(k, "fa", "court.insight_requested", 'C', "ct", "0 1 5{'grounds':'x'}", NULL, "ct=015 ops=015");
    /* Of several in the agency those of the author's area; all, where he has none. */
    KIT_SAY(k, "adm", "sys.unit_enrolled", 0, "",
            OF_AREA("sw-n", "SW", "N", "000000000000000000000000000000000000000n"), NULL, NULL);
    KIT_SAY(k, "adm", "sys.unit_enrolled", 0, "",
            OF_AREA("fa-n", "FA", "N", "000000000000000000000000000000000000000f"), NULL, NULL);
    KIT_SAY(k, "fa-n", "court.insight_requested", 'P', "ct", "0 1 5{'grounds':'x'}", NULL, "ct=015 sw-n=015 dir=01");
    KIT_SAY(k, "fa", "court.insight_requested", 'Q', "ct", "0 1 5{'grounds':'x'}", NULL,
            "ct=015 sw=015 sw-n=015 dir=01");
}

/* The sentence that belongs to the only mark of what was just taken. */
static const char *
sentence(const struct kit_record *r, bool pl)
{
    const Wici__V1__Warning *warning = r->record.note->warnings[0];

    assert_int_equal(r->record.note->n_warnings, 1);
    return rule_text(rule_by_id(warning->rule, error_by_name(warning->code)), pl);
}

static void
i2_i3_that_a_social_worker_is_told_is_said_only_where_one_is(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    r = KIT_SAY(k, "fa", "court.insight_requested", 'L', "ct", "0 1 5", NULL, "ct=015 sw=015 dir=01");
    assert_string_equal(r->record.note->warnings[0]->code, "W_INSIGHT_BY_FA");
    assert_non_null(strstr(sentence(r, true), "pracownik socjalny zawiadomiony"));
    assert_non_null(strstr(sentence(r, false), "the social worker is told"));
    r = KIT_SAY(k, "fa", "case.safety_concern_raised", 'M', "kur", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL,
                "kur=015 sw=015 dir=01");
    assert_non_null(strstr(sentence(r, true), "pracownik socjalny zawiadomiony"));
    assert_non_null(strstr(sentence(r, false), "the social worker is told"));
    /* The only one is suspended. */
    KIT_SAY(k, "adm", "sys.unit_suspended", 0, "", "0{'unitId':'sw'}", NULL, NULL);
    r = KIT_SAY(k, "fa", "court.insight_requested", 'N', "ct", "0 1 5", NULL, "ct=015");
    assert_string_equal(r->record.note->warnings[0]->code, "W_NO_SOCIAL_WORKER");
    assert_string_equal(r->record.note->warnings[0]->rule, "I2");
    assert_non_null(strstr(sentence(r, true), "nie zawiadomiono"));
    assert_non_null(strstr(sentence(r, false), "none was told"));
    r = KIT_SAY(k, "fa", "case.safety_concern_raised", 'O', "kur", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL,
                "kur=015");
    assert_string_equal(r->record.note->warnings[0]->code, "W_NO_SOCIAL_WORKER");
    assert_string_equal(r->record.note->warnings[0]->rule, "I3");
    assert_non_null(strstr(sentence(r, true), "nie zawiadomiono"));
    assert_non_null(strstr(sentence(r, false), "none was told"));
    /* Another centre's, addressed, is one; so is that of a centre on paper. */
    r = KIT_SAY(k, "fa", "court.insight_requested", 'P', "ct ops", "0 1 5", NULL, "ct=015 ops=015");
    assert_string_equal(r->record.note->warnings[0]->code, "W_INSIGHT_BY_FA");
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'gops-2','name':'x','kinds':['OPS'],'servedBy':'rec','channel':'PAPER'}", NULL, NULL);
    r = KIT_SAY(k, "fa", "court.insight_requested", 'Q', "ct agency:gops-2", "0 1 5", NULL, NULL);
    assert_string_equal(r->record.note->warnings[0]->code, "W_INSIGHT_BY_FA");
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

/* ---- what is wrong for more than one machine */

static void
each_machines_rule_is_told(void **state)
{
    struct kit *k = *state;
    const struct kit_record *r;

    kit_active_case(k, 'C'); /* there was a first contact */
    KIT_SAY(k, "sw", "meeting.convened", 'C', "", "0{'meetingId':'$g','revision':1,'status':'cancelled'} 6", NULL,
            NULL);
    r = KIT_MARKED(k, "W_ORDER W_ORDER", "fa", "meeting.held", 'C', "",
                   "0{'meetingId':'$g','heldOn':'2026-03-12'} 6{'kind':'FIRST_CONTACT','chairRole':'FA',"
                   "'attendance':[{'role':'SW','signed':true},{'role':'FA','signed':true}]}",
                   NULL, NULL);
    assert_string_equal(r->record.note->warnings[0]->rule, "T2");
    assert_string_equal(r->record.note->warnings[0]->source, rule_source(RULE_T2W));
    assert_string_equal(r->record.note->warnings[1]->rule, "T4");
    assert_string_equal(r->record.note->warnings[1]->path, "header.type");
}

/* ---- I7, I8: the first contact */

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

/* The reception takes it with the application. */
static void
i7_a_consent_in_the_referral_that_the_case_took_up_is_its_basis(void **state)
{
    struct kit *k = *state;

    kit_referral(k, 'R', "sw");
    KIT_SAY(k, "sw", "consent.granted", 'R', "",
            "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    assign_late(k, 'C');
    KIT_MARKED(k, "W_NO_BASIS", "fa", "meeting.held", 'C', "", CONTACT, NULL, NULL);
    assign_late(k, 'D');
    KIT_SAY(k, "sw", "case.linked", 'D', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "meeting.held", 'D', "", CONTACT, NULL, NULL);
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
    KIT_MARKED(k, "W_UNSIGNED", "sw", "meeting.held", 'C', "", "0{'meetingId':'$6'} 6{" DOCUMENT(SHA) "}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "meeting.held", 'C', "", "0{'meetingId':'$7'} 6{'protocolSigned':true," DOCUMENT(SHA) "}",
               NULL, NULL);
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
    /* It is the assistant's to write; the social worker's in neither of the two. */
    KIT_REFUSED_BY(k, RULE_I31R, "sw", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I31R, "sw", "court.opinion_delivered", 'L', "ct", "0 1 5 6=ct", NULL, NULL);
    KIT_MARKED(k, OK, "fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
    KIT_MARKED(k, OK, "dir", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
    /* Where the work has ended, it is his again. */
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, NULL);
    KIT_MARKED(k, OK, "sw", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL);
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

#define RULE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(i2_insight_by_the_assistant_is_taken_and_marked),
        RULE(i3_a_blue_card_by_the_assistant_is_taken_and_marked),
        RULE(i2_i3_the_social_worker_is_told_whomever_the_assistant_addressed),
        RULE(i2_i3_that_a_social_worker_is_told_is_said_only_where_one_is),
        RULE(i4_an_assistant_is_assigned_after_interview_and_request),
        RULE(i4_a_court_order_stands_in_for_them_also_from_the_letter_that_the_case_took_up),
        RULE(i4_an_order_that_was_revoked_stands_in_for_nothing),
        RULE(each_machines_rule_is_told),
        RULE(i7_a_first_contact_rests_on_a_consent_dated_on_or_before_it),
        RULE(i7_a_consent_filed_later_but_dated_in_time_is_the_basis),
        RULE(i7_a_consent_in_the_referral_that_the_case_took_up_is_its_basis),
        RULE(i7_an_order_is_the_basis_from_its_date_until_it_is_revoked),
        RULE(i8_the_social_worker_is_at_the_first_contact),
        RULE(i9_a_multi_professional_meeting_has_both_once_there_is_an_assistant),
        RULE(i10_the_chair_is_a_social_worker_or_an_assistant_but_where_others_convene),
        RULE(i11_not_more_than_four_services),
        RULE(i13_the_protocol_does_not_leave_with_the_agreements),
        RULE(i15_list_and_protocol_are_signed),
        RULE(i24_the_plan_is_consulted_with_those_who_must_be_asked),
        RULE(i25_ipus_and_work_plan_name_each_other),
        RULE(i26_an_authorisation_never_covers_a_health_care_provider),
        RULE(i27_who_represents_has_an_authorisation_for_that_addressee),
        RULE(i31_an_opinion_answers_the_courts_request),
        RULE(i32_goals_are_met_together_with_the_family),
        RULE(i41_forwarding_takes_the_applicants_consent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
