/*
 * The golden scenarios of the domain, line by line: who publishes what, and which classes each other unit is given.
 * A unit that a line does not name must be given nothing. A half class appears where the sections name the receiver or
 * its persons, so the marks here are those that the scenario's line calls for.
 */
#include "test_core_kit.h"

#include <stdio.h>
#include <string.h>

#define PAPER_OF(who) "+'onBehalfOf':'" who "','channel':'PAPER','receivedOn':'2026-02-27'"

static int
setup(void **state)
{
    static struct kit kit;

    kit_create(&kit);
    kit_agency(&kit, "cus");
    kit_unit(&kit, "rec", "cus", "INT");
    kit_unit(&kit, "sw", "cus", "SW");
    kit_unit(&kit, "fa", "cus", "FA");
    kit_unit(&kit, "dir", "cus", "DIR");
    kit_unit(&kit, "ic", "cus", "IC");
    kit_unit(&kit, "ous", "cus", "OUS");
    kit_unit(&kit, "osl", "cus", "OSL");
    kit_agency(&kit, "school");
    kit_unit(&kit, "sch", "school", "SCH");
    kit_agency(&kit, "court");
    kit_unit(&kit, "ct", "court", "CT");
    kit_agency(&kit, "probation");
    kit_unit(&kit, "kur", "probation", "KUR");
    kit_agency(&kit, "provider");
    kit_unit(&kit, "svc", "provider", "SVC");
    kit_agency(&kit, "providerb");
    kit_unit(&kit, "svcb", "providerb", "SVC");
    kit_agency(&kit, "gmina");
    kit_unit(&kit, "mun", "gmina", "MUN");
    kit_agency(&kit, "foster");
    kit_unit(&kit, "fcc", "foster", "FCC");
    kit_agency(&kit, "gops");
    kit_unit(&kit, "ops", "gops", "SW INT FA DIR");
    kit_agency(&kit, "gopsb");
    kit_unit(&kit, "opsb", "gopsb", "SW INT FA DIR");
    kit_agency(&kit, "schoolb");
    kit_unit(&kit, "schb", "schoolb", "SCH");
    *state = &kit;
    return 0;
}

static int
teardown(void **state)
{
    kit_destroy(*state);
    return 0;
}

static void
scenario_1_school_to_cus(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened, *linked, *interview, *requested;

    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw", "0 1@p1 6{'service':'FAMILY_ASSISTANT'} 7", NULL,
            "sw=0167 dir=0167");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0{'outcome':'RECEIVED'} 6{'status':'received'}", NULL,
            "sch=0 dir=06");
    opened = KIT_SAY(k, "sw", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'} 7", NULL, "dir=0167");
    linked = KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'} 6", NULL, "dir=06");
    interview = KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 1 2 6{'conclusion':'ASSISTANT_NEEDED'}", NULL,
                        "dir=0126");
    requested = KIT_SAY(k, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, "dir=06");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'} 6", NULL, "sw=06 fa=06");
    /* FA replays days 3 to 19. */
    assert_string_equal(kit_seen(k, "fa", opened), "0167");
    assert_string_equal(kit_seen(k, "fa", linked), "06");
    assert_string_equal(kit_seen(k, "fa", interview), "0126");
    assert_string_equal(kit_seen(k, "fa", requested), "06");
    KIT_SAY(k, "fa", "meeting.held", 'C', "", "0{'meetingId':'$1'} 1 6{'kind':'FIRST_CONTACT'}", NULL,
            "sw=016 dir=016");
    KIT_SAY(k, "fa", "consent.granted", 'C', "", "0 1 6", NULL, "sw=016 dir=016");
    KIT_SAY(k, "fa", "case.plan_updated", 'C', "", "0 6{'planKind':'WORK_PLAN'}", NULL, "sw=06 dir=06");
    KIT_SAY(k, "fa", "meeting.convened", 'C', "",
            "0{'meetingId':'$2'} 1@p1 6@p1{'kind':'CONSULTATION','invited':[{'unit':'sch','about':['p1']}]}", NULL,
            "sw=016 sch=016 dir=016");
    KIT_SAY(k, "fa", "meeting.held", 'C', "", "0{'meetingId':'$2'} 1@p1 6@p1", NULL, "sw=016 dir=016 sch=0");
    KIT_SAY(k, "fa", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$2'} 1 6@p1", NULL, "sw=016 dir=016 sch=06");
    KIT_SAY(k, "fa", "case.assessment_recorded", 'C', "", "0 6", NULL, "sw=06 dir=06");
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'monitoringPlan':{'units':['fa']}}", NULL, "fa=06 dir=06");
    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0{'outcome':'DONE'} 6{'status':'completed'}", NULL,
            "sch=0 dir=06");
    KIT_SAY(k, "fa", "case.assessment_recorded", 'C', "", "0 6{'kind':'POST_CLOSURE'}", NULL, "sw=06 dir=06");
}

static void
scenario_4_court(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;
    char cause[64] = "'causationId':'";

    KIT_SAY(k, "rec", "court.order_issued", 'L', "sw",
            "0 1@p1 5@p1{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'} 6@p1", PAPER_OF("court"),
            "sw=0156 dir=016 kur=0156");
    KIT_SAY(k, "sw", "case.opened", 'C', "kur ct", "0 1 5 6{'path':'ORDINARY'}", NULL, "dir=016 kur=015 ct=0");
    KIT_SAY(k, "sw", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$L'} 6", NULL,
            "dir=06 kur=0 ct=0");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'} 6", NULL, "sw=06 fa=06 kur=0 ct=0");
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 2 6", NULL, "fa=026 dir=026");
    KIT_SAY(k, "fa", "info.provided", 'C', "ct sw dir", "0 1 6=ct,sw,dir{'docKind':'REPORT'}", NULL,
            "ct=016 sw=016 dir=016");
    asked = KIT_SAY(k, "ct", "court.opinion_requested", 'C', "fa kur", "0 1 5@p1 6", NULL,
                    "fa=0156 sw=0156 dir=016 kur=015");
    strcat(strcat(cause, kit_event_id(asked)), "'");
    KIT_SAY(k, "fa", "court.opinion_delivered", 'C', "ct kur", "0 1 5@p1 6=ct", cause, "ct=0156 sw=015 dir=01 kur=015");
}

static void
scenario_7_ipus(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "rec", "referral.submitted", 'R', "ic", "0 1@p1 6{'service':'IPUS'} 7", PAPER_OF("p1"),
            "ic=017 dir=0167");
    KIT_SAY(k, "ic", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "dir=06 rec=0");
    KIT_SAY(k, "ic", "case.opened", 'C', "", "0 1 6{'path':'IPUS'}", NULL, "dir=016 ous=0");
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "",
            "0{'ipusId':'$I','version':1} 1@p1 2 6@p1=svc,ous,dir{'row':{'serviceRef':'a','provider':'svc'}} "
            "6@p1=svcb,ous,dir{'row':{'serviceRef':'b','provider':'svcb'}} 7@p1=svc,dir",
            NULL, "dir=01267 ous=0126 svc=0167 svcb=016");
    KIT_SAY(k, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6", NULL, "ic=06 ous=06 svc=0 svcb=0");
    KIT_SAY(k, "svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6{'status':'in-progress'}", NULL,
            "ic=06 ous=06 dir=0");
    KIT_SAY(k, "ic", "ipus.updated", 'C', "",
            "0{'ipusId':'$I','version':2} 1 6@p1=svc,ous,dir{'row':{'serviceRef':'a','provider':'svc'}}", NULL,
            "dir=016 ous=016 svc=06");
    KIT_SAY(k, "ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'description':'x'}", NULL,
            "dir=06 ous=06 svc=0 svcb=0");
}

static void
scenario_8_forwarding(void **state)
{
    struct kit *k = *state;
    const struct kit_record *submitted;

    submitted = KIT_SAY(k, "rec", "referral.submitted", 'R', "ic", "0 1@p1 6{'service':'IPUS'} 7", PAPER_OF("p1"),
                        "ic=017 dir=0167");
    KIT_SAY(k, "ic", "referral.forwarded", 'R', "", "0{'toUnit':'mun','whole':'YES'} 6@p1", NULL, "mun=06 dir=06");
    assert_string_equal(kit_seen(k, "mun", submitted), "017");
    KIT_SAY(k, "mun", "referral.answered", 'R', "ic", "0 6@p1{'status':'accepted'}", NULL, "ic=06 rec=0");
    assert_non_null(strstr(kit_relations(k, "mun", submitted), "holder"));
    assert_null(strstr(kit_relations(k, "ic", submitted), "pending"));
    assert_string_equal(kit_relations(k, "dir", submitted), "");
}

static void
scenario_9_foster_care(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "ops", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'} 7{'addressProtected':true}", NULL, "");
    KIT_SAY(k, "ops", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, "");
    KIT_SAY(k, "ops", "case.assistant_requested", 'C', "", "0 6", NULL, "");
    KIT_SAY(k, "ops:DIR", "case.assistant_assigned", 'C', "", "0{'unit':'ops'}", NULL, "");
    KIT_SAY(k, "ops:FA", "meeting.held", 'C', "", "0{'meetingId':'$0'} 6{'kind':'FIRST_CONTACT'}", NULL, "");
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'fcc','about':['c1'],'purpose':'CARE'}", NULL,
            "fcc=0");
    KIT_SAY(k, "fcc", "placement.changed", 'C', "ops kur sch", "0 1@c1 3@c1{'kind':'PLACED'} 6 7", NULL,
            "ops=01367 kur=0137 sch=013");
    KIT_MARKED(k, "W_CONSULT", "ops:FA", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, "fcc=0");
    KIT_MARKED(k, "", "ops:FA", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'},{'role':'FCC'}]} 6{'planKind':'WORK_PLAN'}", NULL, "fcc=0");
    KIT_SAY(k, "fcc", "meeting.convened", 'C', "", "0{'meetingId':'$1'} 1 6{'kind':'CHILD_REVIEW'}", NULL, "ops=016");
    KIT_SAY(k, "fcc", "meeting.held", 'C', "", "0{'meetingId':'$1'} 1 6{'kind':'CHILD_REVIEW'}", NULL, "ops=016");
    KIT_SAY(k, "ops:FA", "case.assessment_recorded", 'C', "kur", "0 3 6", NULL, "fcc=03 kur=03");
}

static void
scenario_17_information(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;
    char cause[64] = "'causationId':'";

    asked = KIT_SAY(k, "ops", "info.requested", 'L', "sch", "0 1@p1 6@p1", NULL, "sch=016");
    strcat(strcat(cause, kit_event_id(asked)), "'");
    KIT_SAY(k, "sch", "info.provided", 'L', "", "0 1@p1 4@p1 6@p1", cause, "ops=0146");
}

static void
scenario_17_nobody_else_in_the_dossier_receives_either(void **state)
{
    struct kit *k = *state;
    const struct kit_record *asked;
    char cause[64] = "'causationId':'";

    KIT_SAY(k, "sw", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL, "dir=016");
    KIT_SAY(k, "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}", "'lateEntry':true", "sw=0 fa=0");
    asked = KIT_SAY(k, "sw", "info.requested", 'C', "sch", "0 1@p1 6@p1", NULL, "sch=016");
    strcat(strcat(cause, kit_event_id(asked)), "'");
    KIT_SAY(k, "sch", "info.provided", 'C', "", "0 1@p1 4@p1 6@p1", cause, "sw=0146");
}

static void
scenario_2_late_interview(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, "", "sch", "referral.submitted", 'R', "sw", "0 1@p1 6 7", NULL, "sw=0167 dir=0167");
    KIT_MARKED(k, "", "sw", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL, "dir=016");
    KIT_MARKED(k, "", "sw", "case.interview_completed", 'C', "", "0 2 6{'conclusion':'ASSISTANT_NEEDED'}", NULL,
               "dir=026");
}

static void
scenario_3_za_zyciem(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "", "0{'agencyId':'hospital','name':'h','kinds':['HEALTH']}", NULL,
            NULL);
    KIT_MARKED(k, "", "rec", "referral.submitted", 'R', "fa",
               "0{'appliedOn':'2026-03-01'} 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}",
               PAPER_OF("p1"), "fa=0146 dir=016");
    KIT_MARKED(k, "", "fa", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "dir=06 rec=0");
    KIT_MARKED(k, "", "fa", "case.opened", 'C', "",
               "0{'openedOn':'2026-03-03'} 1 4{'entitlement':'PREGNANCY'} 6{'path':'ORDINARY'}", NULL, "dir=016");
    KIT_MARKED(k, "", "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'} 6", NULL, "fa=06");
    KIT_MARKED(k, "", "fa", "meeting.held", 'C', "",
               "0{'meetingId':'$1','heldOn':'2026-03-06'} 1 "
               "6{'kind':'FIRST_CONTACT','attendance':[{'role':'FA','signed':true}]}",
               NULL, "dir=016");
    KIT_REFUSED_BY(k, RULE_I26, "fa", "consent.granted", 'C', "",
                   "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['hospital']}}", NULL, NULL);
    KIT_MARKED(k, "", "fa", "consent.granted", 'C', "",
               "0{'consentId':'$z','givenOn':'2026-03-06'} 1 4{'zzAuthorisation':{'scopeAgencies':['provider']}}", NULL,
               "dir=01");
    KIT_MARKED(k, "", "fa", "case.plan_updated", 'C', "",
               "0{'consultedWith':[{'role':'SW'}]} 4{'catalogue':'x'} 6{'planKind':'WORK_PLAN'}", NULL, "dir=06");
    KIT_MARKED(k, "", "fa", "info.requested", 'C', "svc",
               "0{'requestedOn':'2026-03-30'} 1 6@p1{'representing':{'consentRef':'$z'}}", NULL, "svc=06");
}

static void
scenario_5_insight_by_the_assistant(void **state)
{
    struct kit *k = *state;

    KIT_MARKED(k, "W_INSIGHT_BY_FA", "fa", "court.insight_requested", 'L', "ct sw", "0 1@p1 5 6@p1", NULL,
               "ct=0156 sw=0156 dir=016");
    /* Where the agency has switched it off: not by the assistant, and still by the social worker. */
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "",
            "0{'agency':'cus','setting':'INSIGHT_NOT_BY_FA','on':true,'from':'2026-01-01'}", NULL, NULL);
    KIT_REFUSED_BY(k, RULE_I2, "fa", "court.insight_requested", 'M', "ct sw", "0 1@p1 5 6@p1", NULL, NULL);
    KIT_MARKED(k, "", "sw", "court.insight_requested", 'M', "ct", "0 1@p1 5 6@p1", NULL, "ct=0156");
}

static void
scenario_6_blue_card_by_the_assistant(void **state)
{
    struct kit *k = *state;
    const struct kit_record *raised;

    kit_agency(k, "team");
    kit_unit(k, "idt", "team", "IDT");
    raised = KIT_MARKED(k, "W_BLUE_CARD_BY_FA", "fa", "case.safety_concern_raised", 'L', "sw dir idt",
                        "0 1 5@p1{'kind':'BLUE_CARD_STARTED'} 7", NULL, "sw=0157 dir=0157 idt=015");
    KIT_MARKED(k, "", "sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'TAKEN_UP'} 5=fa,idt 6",
               kit_answering(raised), "fa=056 dir=06 idt=05");
}

static void
scenario_10_consent_withdrawn(void **state)
{
    struct kit *k = *state;
    const struct kit_record *shared;

    KIT_SAY(k, "ops", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL, "");
    KIT_SAY(k, "ops", "court.order_issued", 'C', "kur", "0 1 5@p1{'orderKind':'OBLIGE_COOPERATION'}", PAPER_OF("court"),
            NULL);
    KIT_SAY(k, "ops", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'DATA_SHARING'}", NULL, NULL);
    shared = KIT_SAY(k, "ops", "info.provided", 'C', "svc", "0 1@p1 6@p1",
                     "'consentRef':'d0000000-0000-7000-8000-000000000063'", "svc=016");
    KIT_MARKED(k, "", "ops", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-05'} 1 6", NULL,
               "svc=0");
    assert_string_equal(kit_seen(k, "svc", shared), "0");
    /* What rests on the court goes on. */
    KIT_SAY(k, "ops:FA", "case.assessment_recorded", 'C', "", "0 6", NULL, "kur=0");
}

static void
scenario_11_auditor(void **state)
{
    struct kit *k = *state;
    uint32_t auditor;

    scenario_1_school_to_cus(state);
    KIT_SAY(
        k, "adm", "sys.unit_enrolled", 0, "",
        "0{'unitId':'aud','agencyId':'op','name':'a','roles':['AUD'],'key':'auditauditauditauditauditauditauditaudit'}",
        NULL, NULL);
    auditor = core_unit_by_id(k->core, "aud");
    for (size_t i = 0; i < k->count; i++) {
        const struct kit_record *r = &k->records[i];
        struct core_view view;

        /* All of it as S0, without a reason; every section with one. */
        assert_string_equal(kit_seen(k, "aud", r), "0");
        core_view(k->core, auditor, &r->record, true, &view);
        assert_int_equal(view.sections, (1u << r->event.section_count) - 1);
    }
}

/* Once in the log, whoever sends it twice: wire.wire_publish. A cursor that goes on without a gap: e2e.agent_inbox. */
static void
scenario_12_twice_and_offline(void **state)
{
    struct kit *k = *state;

    KIT_SAY(k, "sch", "referral.submitted", 'R', "sw", "0 1@p1 6", NULL, "sw=016 dir=016");
}

static void
scenario_13_paper_school(void **state)
{
    struct kit *k = *state;
    const struct kit_record *answer;
    char body[200];

    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'schc','name':'s','kinds':['SCHOOL'],'servedBy':'ops','channel':'PAPER'}", NULL, NULL);
    KIT_SAY(k, "ops", "referral.submitted", 'R', "", "0 1 6 7", PAPER_OF("schc"), "");
    answer = KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "schc=0");
    (void)snprintf(body, sizeof body,
                   "0{'event':'%s','agency':'schc','channel':'PAPER','deliveredOn':'2026-03-02','by':'ops-1'}",
                   kit_event_id(answer));
    KIT_SAY(k, "ops", "sys.delivered_outside", 'R', "", body, kit_answering(answer), "");
}

static void
scenario_14_siblings(void **state)
{
    struct kit *k = *state;
    const struct kit_record *c, *d;

    KIT_SAY(k, "sch", "referral.submitted", 'R', "ops", "0 1@p1 6", NULL, "ops=016");
    KIT_SAY(k, "schb", "referral.submitted", 'S', "ops", "0 1@p2 6", NULL, "ops=016");
    KIT_SAY(k, "ops", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "sch=0");
    KIT_SAY(k, "ops", "referral.answered", 'S', "", "0 6{'status':'accepted'}", NULL, "schb=0");
    c = KIT_SAY(k, "ops", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'}", NULL, "");
    d = KIT_SAY(k, "ops", "case.opened", 'D', "", "0 1 6{'path':'ORDINARY'}", NULL, ""); /* by mistake */
    KIT_SAY(k, "ops", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'} 6", NULL, "");
    KIT_SAY(k, "ops", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$S'} 6", NULL, "");
    KIT_SAY(k, "ops", "case.linked", 'D', "", "0{'kind':'MERGED_INTO','otherDossier':'$C'} 6", NULL, "");
    KIT_SAY(k, "ops", "meeting.convened", 'C', "",
            "0{'meetingId':'$1'} 1 6{'kind':'MULTI_PROFESSIONAL_FIRST','invited':[{'unit':'sch','about':['p1']},"
            "{'unit':'schb','about':['p2']}]}",
            NULL, "sch=0 schb=0");
    KIT_SAY(k, "ops", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6", NULL, "sch=0 schb=0");
    KIT_SAY(k, "ops", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 1 6@p1", NULL, "sch=06 schb=0");
    kit_expect(k, c, "");
    kit_expect(k, d, "");
}

static void
scenario_15_substitution_and_moving(void **state)
{
    struct kit *k = *state;
    const struct kit_record *opened, *closed;
    char body[256];

    opened = KIT_SAY(k, "ops", "case.opened", 'C', "", "0 1 6{'path':'ORDINARY'} 7", NULL, "");
    KIT_SAY(k, "ops", "court.order_issued", 'C', "", "0 1 5{'orderKind':'OBLIGE_COOPERATION','probationUnit':'kur'}",
            PAPER_OF("court"), NULL);
    KIT_SAY(k, "ops", "sys.participant_added", 'C', "", "0{'unit':'sch'}", NULL, NULL);
    KIT_SAY(k, "ops", "case.worker_set", 'C', "",
            "0{'role':'SW','personRef':'sw-2','unit':'ops','kind':'SUBSTITUTE','from':'2026-03-01','until':'2026-04-"
            "05'} 6",
            NULL, "kur=0 ct=0 sch=0");
    (void)snprintf(body, sizeof body,
                   "0 1@p1 2 6{'service':'HAND_OVER','handOver':{'fromDossier':'%s','historyFrom':%u},"
                   "'ground':{'basis':'CONSENT'}} 7",
                   kit_id('C'), (unsigned)opened->record.seq);
    KIT_SAY(k, "ops", "referral.submitted", 'R', "opsb", body, NULL, "opsb=01267");
    KIT_SAY(k, "opsb", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, "ops=0");
    /* OPSB replays as OPS granted. */
    assert_string_equal(kit_seen(k, "opsb", opened), "0167");
    KIT_SAY(k, "opsb", "case.opened", 'D', "kur", "0 1 6{'path':'ORDINARY'} 7", NULL, "kur=017");
    KIT_SAY(k, "opsb", "case.linked", 'D', "kur", "0{'kind':'CONTINUED_FROM','otherDossier':'$C'} 6", NULL,
            "kur=0 ct=0");
    closed = KIT_SAY(k, "ops", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, "kur=0 ct=0 sch=0");
    /* OPS keeps its own record, and no more. */
    assert_string_equal(kit_seen(k, "opsb", closed), "");
    kit_relations_are(k, "ops", opened, "holder office");
}

static const char *
confirming(const struct kit_record *recalled)
{
    static char body[128];

    (void)snprintf(body, sizeof body, "0{'recalledEvent':'%s','how':'DESTROYED','confirmedOn':'2026-03-04'}",
                   kit_event_id(recalled));
    return body;
}

static void
scenario_16_wrong_person(void **state)
{
    struct kit *k = *state;
    const struct kit_record *referral, *opened, *recall;

    referral = KIT_SAY(k, "sch", "referral.submitted", 'R', "ops", "0 1@p1 6", NULL, "ops=016");
    opened = KIT_SAY(k, "ops", "case.opened", 'C', "kur", "0 1 6{'path':'ORDINARY'}", NULL, "kur=01");
    recall = KIT_SAY(k, "sch", "referral.submitted", 'R', "", "0", kit_correcting(referral, "ENTERED_IN_ERROR"),
                     "ops=0");
    KIT_SAY(k, "ops", "sys.recall_confirmed", 'R', "", confirming(referral), kit_answering(recall), "sch=0");
    recall = KIT_SAY(k, "ops", "case.opened", 'C', "", "0", kit_correcting(opened, "ENTERED_IN_ERROR"), "kur=0");
    KIT_SAY(k, "kur", "sys.recall_confirmed", 'C', "", confirming(opened), kit_answering(recall), "ops=0");
    kit_expect(k, referral, "");
    kit_expect(k, opened, "");
    assert_string_equal(kit_seen(k, "sch", referral), "016");
}

static void
scenario_18_forwarded_in_part_returned_once_and_renewed(void **state)
{
    struct kit *k = *state;
#define OWN_ROW "'row':{'serviceRef':'a','programmeId':'g','provider':'svc'}"

    KIT_SAY(k, "ous", "sys.programme_registered", 0, "", "0{'programmeId':'g','gmina':'326101','from':'2020-01-01'}",
            NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ic-1','kind':'IPUS_COORDINATOR','from':'2020-01-01'}", NULL, NULL);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2020-01-01'}", NULL, NULL);
    KIT_MARKED(k, "", "rec", "referral.submitted", 'R', "ic",
               "0 1@p1 6@p1{'service':'IPUS','parts':[{'no':1},{'no':2}]}", PAPER_OF("p1"), "ic=016 dir=016");
    KIT_MARKED(k, "", "ic", "referral.forwarded", 'R', "",
               "0{'toUnit':'mun','whole':'NO','partNos':[2]} 1@p1 6@p1{'applicantConsent':{'on':'2026-03-02'}}", NULL,
               "mun=016 dir=016");
    KIT_MARKED(k, "", "mun", "referral.answered", 'R', "ic", "0 6@p1{'status':'accepted','parts':[{'no':2}]}", NULL,
               "ic=06 rec=0");
    KIT_MARKED(k, "", "ic", "case.opened", 'C', "", "0 1 6{'path':'IPUS'}", NULL, NULL);
    KIT_MARKED(k, "", "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$I','version':1} 1 6@p1=svc,ous,dir{" OWN_ROW "}",
               NULL, "dir=016 ous=016 svc=06");
    KIT_MARKED(k, "W_NOT_APPROVED", "svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, "", "ous", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'RETURNED'}", NULL,
               "ic=06 dir=06 svc=0");
    KIT_MARKED(k, "", "ic", "ipus.updated", 'C', "", "0{'ipusId':'$I','version':2} 1 6@p1=svc,ous,dir{" OWN_ROW "}",
               NULL, "dir=016 ous=016 svc=06");
    KIT_MARKED(k, "", "ous", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':2} 6{'decision':'APPROVED'}", NULL,
               "ic=06 dir=06 svc=0");
    KIT_MARKED(k, "", "svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL);
    KIT_MARKED(k, "", "ic", "referral.submitted", 'S', "ic", "0 1@p1 6@p1{'service':'IPUS','renewsIpusId':'$I'}", NULL,
               "dir=016");
    KIT_MARKED(k, "", "ic", "ipus.agreed", 'C', "", "0{'ipusId':'$J','version':1} 1 6@p1=svc,ous,dir{" OWN_ROW "}",
               NULL, "dir=016 ous=016 svc=06");
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(scenario_1_school_to_cus),
        SCENARIO(scenario_4_court),
        SCENARIO(scenario_7_ipus),
        SCENARIO(scenario_8_forwarding),
        SCENARIO(scenario_9_foster_care),
        SCENARIO(scenario_2_late_interview),
        SCENARIO(scenario_3_za_zyciem),
        SCENARIO(scenario_5_insight_by_the_assistant),
        SCENARIO(scenario_6_blue_card_by_the_assistant),
        SCENARIO(scenario_10_consent_withdrawn),
        SCENARIO(scenario_11_auditor),
        SCENARIO(scenario_12_twice_and_offline),
        SCENARIO(scenario_13_paper_school),
        SCENARIO(scenario_14_siblings),
        SCENARIO(scenario_15_substitution_and_moving),
        SCENARIO(scenario_16_wrong_person),
        SCENARIO(scenario_18_forwarded_in_part_returned_once_and_renewed),
        SCENARIO(scenario_17_information),
        SCENARIO(scenario_17_nobody_else_in_the_dossier_receives_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
