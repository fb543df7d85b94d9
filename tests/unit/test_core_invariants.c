/*
 * The invariants, one row each: a line that keeps the rule and a line that breaks it, each in a world of its own. What
 * breaks it meets the reaction of docs/RULES.md, by this rule alone; what keeps it is taken without a word of it. A
 * rule without a row fails, as does a number of the register that none shows. The edges: test_core_procedure*.c.
 */
#include "test_core_clocks_kit.h"
#include "test_core_procedure_kit.h"

#include <stdio.h>
#include <string.h>

#define REGISTER_LAST 44u /* the register goes from I1 to I44 */
#define RETIRED       12u

/* What was there before; returns more of the line's header, or NULL. */
typedef const char *before_fn(struct kit *k);

struct way {
    before_fn *before; /* NULL: nothing */
    struct kit_line line;
};

struct row {
    enum rule rule;
    struct way keeps, breaks;
};

/* ---- before */

static const char *
opened(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    return NULL;
}

static const char *
opened_zz(struct kit *k)
{
    open_zz(k, 'C');
    KIT_SAY(k, "fa", "sys.participant_added", 'C', "", "0{'unit':'sw'}", NULL, NULL);
    return NULL;
}

static const char *
with_osl(struct kit *k)
{
    kit_unit(k, "osl", "cus", "OSL");
    return NULL;
}

#define SUMMARY(to)                                                                                                    \
    "0{'kind':'ART_46','periodFrom':'2025-07-01','periodTo':'2025-12-31','presentedTo':[" to                           \
    "],'presentedOn':'2026-01-08'}"

static const char *
active(struct kit *k)
{
    kit_active_case(k, 'C');
    return NULL;
}

static const char *
closed(struct kit *k)
{
    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "case.closed", 'C', "", "0 6{'reason':'MOVED'}", NULL, NULL);
    return NULL;
}

static const char *
insight_switched_off(struct kit *k)
{
    KIT_SAY(k, "dir", "sys.setting_registered", 0, "",
            "0{'agency':'cus','setting':'INSIGHT_NOT_BY_FA','on':true,'from':'2026-01-01'}", NULL, NULL);
    return NULL;
}

static const char *
interview_and_request(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'ASSISTANT_NEEDED'}", NULL, NULL);
    KIT_SAY(k, "sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL);
    return NULL;
}

static const char *
assigned(struct kit *k)
{
    assign_late(k, 'C');
    return NULL;
}

static const char *
assigned_with_consent(struct kit *k)
{
    assign_late(k, 'C');
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6{'kind':'COOPERATION_DWR_01_01'}", NULL, NULL);
    return NULL;
}

static const char *
met(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6{'protocolSigned':true," DOCUMENT(SHA) "}", NULL,
            NULL);
    return NULL;
}

static const char *
called_off(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "meeting.convened", 'C', "", "0{'meetingId':'$1','status':'cancelled'} 6", NULL, NULL);
    return NULL;
}

static const char *
ipus_path(struct kit *k)
{
    open_ipus(k, 'C');
    return NULL;
}

static const char *
agreed(struct kit *k)
{
    open_ipus(k, 'C');
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    return NULL;
}

static const char *
approved(struct kit *k)
{
    agreed(k);
    KIT_SAY(k, "dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}", NULL, NULL);
    return NULL;
}

static const char *
agreed_and_may_approve(struct kit *k)
{
    agreed(k);
    KIT_SAY(k, "dir", "sys.qualification_registered", 0, "",
            "0{'personRef':'ous-1','kind':'IPUS_APPROVER','from':'2020-01-01'}", NULL, NULL);
    return NULL;
}

static const char *
active_with_ipus(struct kit *k)
{
    register_ipus(k);
    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ic'}", NULL, NULL);
    KIT_SAY(k, "ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL);
    return NULL;
}

static const char *
hospital(struct kit *k)
{
    KIT_SAY(k, "adm", "sys.agency_enrolled", 0, "", "0{'agencyId':'hospital','name':'h','kinds':['HEALTH']}", NULL,
            NULL);
    kit_unit(k, "ward", "hospital", "HLT");
    open_zz(k, 'C');
    return NULL;
}

static const char *
authorised(struct kit *k)
{
    open_zz(k, 'C');
    KIT_SAY(k, "fa", "consent.granted", 'C', "",
            "0{'consentId':'$z','givenOn':'2026-03-01'} 1 4{'zzAuthorisation':{'scopeAgencies':['provider']}}", NULL,
            NULL);
    return NULL;
}

static const char *
declared(struct kit *k)
{
    KIT_SAY(k, "dir", "sys.declaration_registered", 0, "", "0{'agencies':['cus','gops'],'signedOn':'2026-01-01'}", NULL,
            NULL);
    return NULL;
}

static const char *
opinion_asked_for(struct kit *k)
{
    kit_active_case(k, 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.opinion_requested", 'C', "fa", "0 1 5", NULL, NULL);
    return NULL;
}

static const char *
opinion_asked_without_assistant(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'ct'}", NULL, NULL);
    KIT_SAY(k, "ct", "court.opinion_requested", 'C', "sw", "0 1 5", NULL, NULL);
    return NULL;
}

/* An organisation that runs assistants, and has nobody else. */
static const char *
without_social_worker(struct kit *k)
{
    kit_agency(k, "asysta");
    kit_unit(k, "fa-n", "asysta", "FA");
    return NULL;
}

static const char *
opened_for_assistant(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fa'}", NULL, NULL);
    return NULL;
}

static const char *
applied(struct kit *k)
{
    KIT_SAY(k, "rec", "referral.submitted", 'R', "ic", "0 1@p1 6{'service':'IPUS'}", PAPER_OF("p1"), NULL);
    return NULL;
}

static const char *
referred(struct kit *k)
{
    kit_referral(k, 'R', "sw");
    return NULL;
}

static const char *
accepted(struct kit *k)
{
    kit_referral(k, 'R', "sw");
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    return NULL;
}

static const char *
rejected(struct kit *k)
{
    kit_referral(k, 'R', "sw ops"); /* so that somebody can still speak */
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0 6{'status':'accepted'}", NULL, NULL);
    KIT_SAY(k, "sw", "referral.completed", 'R', "", "0 6{'status':'completed'}", NULL, NULL);
    return NULL;
}

static const char *
correcting_a_placement(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "sys.participant_added", 'C', "", "0{'unit':'fcc'}", NULL, NULL);
    return kit_correcting(KIT_SAY(k, "sw", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, NULL), "AMENDED");
}

static const char *
consented(struct kit *k)
{
    kit_open_case(k, "sw", 'C');
    KIT_SAY(k, "sw", "consent.granted", 'C', "", "0{'consentId':'$c','givenOn':'2026-03-01'} 1 6", NULL, NULL);
    return NULL;
}

static const char *
concerned(struct kit *k)
{
    return kit_answering(
        KIT_SAY(k, "sch", "case.safety_concern_raised", 'L', "sw", "0 1 5{'kind':'OTHER'}", NULL, NULL));
}

static const char *
asked(struct kit *k)
{
    return kit_answering(KIT_SAY(k, "sch", "info.requested", 'L', "sw", "0 6", NULL, NULL));
}

/* ---- the rules */

#define INSIGHT_TO(to)   "court.insight_requested", 'L', to, "0 1 5 6", NULL, NULL
#define BLUE_CARD_TO(to) "case.safety_concern_raised", 'L', to, "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL, NULL
#define ROW6(more)       "0{'ipusId':'$I','version':1,'agreedOn':'2026-03-01'} 6{" more "}"
#define SERVICE(programme, provider)                                                                                   \
    "'row':{'serviceRef':'a','programmeId':'" programme "','provider':'" provider "','place':'x','schedule':'x'}"
#define LETTER     "0{'providedOn':'2026-03-01'} 6{'docKind':'INFORMATION','text':'x'}"
#define FIRST(who) "0{'meetingId':'$f','heldOn':'2026-03-10'} 6{'kind':'FIRST_CONTACT','attendance':[" who "]}"
#define SW_WAS     "{'role':'SW','signed':true}"
#define FA_WAS     "{'role':'FA','signed':true}"
#define APPLIED    "0 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':"
#define INSIGHT    INSIGHT_TO("ct")
#define ASSIGN     "dir", "case.assistant_assigned", 'C', "", "0{'unit':'fa'}"
#define ASK        "0{'requestId':'$q','requestedOn':'2026-03-01'} 6{'representing':{'consentRef':'$z'}}"
#define AHEAD(at)  "'occurredAt':'2026-03-01T08:" at "Z'"

static const struct row rows[] = {
    {RULE_I1,
     {NULL, {"sw", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL}},
     {NULL, {"sch", "case.opened", 'C', "", "0 6{'path':'ORDINARY'}", NULL, NULL}}},
    {RULE_I2, {insight_switched_off, {"sw", INSIGHT}}, {insight_switched_off, {"fa", INSIGHT}}},
    {RULE_I1F,
     {opened_for_assistant,
      {"fa", "referral.submitted", 'C', "", "0 1@p1 6{'service':'FAMILY_ASSISTANT'}", NULL, NULL}},
     {active, {"fa", "referral.submitted", 'C', "", "0 1@p1 6{'service':'FAMILY_ASSISTANT'}", NULL, NULL}}},
    {RULE_I2W, {NULL, {"sw", INSIGHT}}, {NULL, {"fa", INSIGHT}}},
    {RULE_I2N, {without_social_worker, {"fa-n", INSIGHT_TO("ct sw")}}, {without_social_worker, {"fa-n", INSIGHT}}},
    {RULE_I3,
     {NULL, {"sw", "case.safety_concern_raised", 'L', "dir", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL, NULL}},
     {NULL, {"fa", "case.safety_concern_raised", 'L', "sw", "0 1 5{'kind':'BLUE_CARD_STARTED'}", NULL, NULL}}},
    {RULE_I3N,
     {without_social_worker, {"fa-n", BLUE_CARD_TO("kur sw")}},
     {without_social_worker, {"fa-n", BLUE_CARD_TO("kur")}}},
    {RULE_I4, {interview_and_request, {ASSIGN, NULL, NULL}}, {opened, {ASSIGN, NULL, NULL}}},
    {RULE_I4W, {interview_and_request, {ASSIGN, LATE, NULL}}, {opened, {ASSIGN, LATE, NULL}}},
    {RULE_I5,
     {opened, {"sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL}},
     {opened_zz, {"sw", "case.interview_completed", 'C', "", "0 6{'conclusion':'NO_NEED'}", NULL, NULL}}},
    {RULE_I6,
     {NULL, {"ops:SW", "referral.submitted", 'R', "fa", APPLIED "'APPLICATION'}", NULL, NULL}},
     {NULL, {"ops:SW", "referral.submitted", 'R', "fa", APPLIED "'NEED'}", NULL, NULL}}},
    {RULE_I7,
     {assigned_with_consent, {"fa", "meeting.held", 'C', "", CONTACT, NULL, NULL}},
     {assigned, {"fa", "meeting.held", 'C', "", CONTACT, NULL, NULL}}},
    {RULE_I8,
     {assigned_with_consent, {"fa", "meeting.held", 'C', "", CONTACT, NULL, NULL}},
     {assigned_with_consent, {"fa", "meeting.held", 'C', "", FIRST(FA_WAS), NULL, NULL}}},
    {RULE_I9,
     {active,
      {"sw", "meeting.held", 'C', "",
       "0{'meetingId':'$2'} 6{'kind':'MULTI_PROFESSIONAL_FIRST','attendance':[" SW_WAS "," FA_WAS "]}", NULL, NULL}},
     {active,
      {"sw", "meeting.held", 'C', "",
       "0{'meetingId':'$2'} 6{'kind':'MULTI_PROFESSIONAL_FIRST','attendance':[" SW_WAS "]}", NULL, NULL}}},
    {RULE_I10,
     {opened,
      {"sw", "meeting.convened", 'C', "", "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','chairRole':'FA'}", NULL, NULL}},
     {opened,
      {"sw", "meeting.convened", 'C', "", "0{'meetingId':'$1'} 6{'kind':'CONSULTATION','chairRole':'SCH'}", NULL,
       NULL}}},
    {RULE_I11,
     {met,
      {"sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{'chosenServices':['a','b','c','d']}", NULL,
       NULL}},
     {met,
      {"sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{'chosenServices':['a','b','c','d','e']}",
       NULL, NULL}}},
    {RULE_I13,
     {met, {"sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{'row':{'no':1}}", NULL, NULL}},
     {met, {"sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{" DOCUMENT(SHA) "}", NULL, NULL}}},
    {RULE_I15,
     {opened, {"sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6{'attendance':[" SW_WAS "]}", NULL, NULL}},
     {opened, {"sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6{'attendance':[{'role':'SW'}]}", NULL, NULL}}},
    {RULE_I16,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2027-02-28"), NULL, NULL}},
     {ipus_path, {"ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2027-03-01"), NULL, NULL}}},
    {RULE_I18,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6("'applicantAgreed':'YES'," ROW), NULL, NULL}},
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6("'applicantAgreed':'YES'"), NULL, NULL}}},
    {RULE_I18W,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6(SERVICE("g", "svc")), NULL, NULL}},
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6(SERVICE("h", "svc")), NULL, NULL}}},
    {RULE_I19,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6("'applicantAgreed':'YES'," ROW), NULL, NULL}},
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6("'applicantAgreed':'NO'," ROW), NULL, NULL}}},
    {RULE_I20,
     {agreed, {"ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL}},
     {agreed, {"ic", "ipus.updated", 'C', "", PLAN("I", "3", "2026-03-01", "2026-08-31"), NULL, NULL}}},
    {RULE_I20W,
     {agreed, {"ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), NULL, NULL}},
     {agreed,
      {"ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-03-01", "2026-08-31"), "+'personRef':'ic-2'", NULL}}},
    {RULE_I21,
     {agreed, {"ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-06-01", "2027-02-28"), NULL, NULL}},
     {agreed, {"ic", "ipus.updated", 'C', "", PLAN("I", "2", "2026-06-01", "2027-03-01"), NULL, NULL}}},
    {RULE_I22,
     {agreed, {"ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'description':'x'}", NULL, NULL}},
     {agreed, {"ic", "ipus.concluded", 'C', "", "0{'ipusId':'$I'} 6{'resultCode':'PROGRESS'}", NULL, NULL}}},
    {RULE_I22W,
     {agreed,
      {"ic", "ipus.concluded", 'C', "",
       "0{'ipusId':'$I','endedOn':'2026-08-31','summaryTalkOn':'2026-08-31'} 6{'description':'x'}", NULL, NULL}},
     {agreed,
      {"ic", "ipus.concluded", 'C', "",
       "0{'ipusId':'$I','endedOn':'2026-08-31','summaryTalkOn':'2026-08-30'} 6{'description':'x'}", NULL, NULL}}},
    {RULE_I23,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), NULL, NULL}},
     {ipus_path,
      {"ic", "ipus.agreed", 'C', "", PLAN("I", "1", "2026-03-01", "2026-08-31"), "+'personRef':'ic-2'", NULL}}},
    {RULE_I24,
     {active,
      {"fa", "case.plan_updated", 'C', "", "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL, NULL}},
     {active, {"fa", "case.plan_updated", 'C', "", "0 6{'planKind':'WORK_PLAN'}", NULL, NULL}}},
    {RULE_I25,
     {active_with_ipus,
      {"fa", "case.plan_updated", 'C', "",
       "0{'consultedWith':[{'role':'SW'}],'coherentWithIpusId':'$I'} 6{'planKind':'WORK_PLAN'}", NULL, NULL}},
     {active_with_ipus,
      {"fa", "case.plan_updated", 'C', "", "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}", NULL,
       NULL}}},
    {RULE_I26,
     {hospital,
      {"fa", "consent.granted", 'C', "", "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['provider']}}",
       NULL, NULL}},
     {hospital,
      {"fa", "consent.granted", 'C', "", "0{'consentId':'$z'} 1 4{'zzAuthorisation':{'scopeAgencies':['hospital']}}",
       NULL, NULL}}},
    {RULE_I27,
     {authorised, {"fa", "info.requested", 'C', "svc", ASK, NULL, NULL}},
     {authorised, {"fa", "info.requested", 'C', "sch", ASK, NULL, NULL}}},
    {RULE_I28,
     {NULL, {"sw", "referral.submitted", 'R', "ops", "0 1@p1 2@p1 6@p1{'service':'OTHER'}", NULL, "ops=0126"}},
     {NULL, {"sw", "referral.submitted", 'R', "sch", "0 1@p1 2@p1 6@p1{'service':'OTHER'}", NULL, "sch=016"}}},
    {RULE_I29,
     {declared, {"sw", "info.requested", 'L', "ops", "0 6@p1", NULL, "ops=06"}},
     {declared, {"sw", "info.requested", 'L', "sch", "0 6@p1", NULL, "sch=0"}}},
    {RULE_I31,
     {opinion_asked_for, {"fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL}},
     {active, {"fa", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL}}},
    {RULE_I31R,
     {opinion_asked_without_assistant, {"sw", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL}},
     {opinion_asked_for, {"sw", "court.opinion_delivered", 'C', "ct", "0 1 5 6=ct", NULL, NULL}}},
    {RULE_I32,
     {active, {"sw", "case.closed", 'C', "", "0 6{'reason':'GOALS_MET','decidedWithFamily':true}", NULL, NULL}},
     {active, {"sw", "case.closed", 'C', "", "0 6{'reason':'GOALS_MET'}", NULL, NULL}}},
    {RULE_I33,
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6(SERVICE("g", "svc")), NULL, NULL}},
     {ipus_path, {"ic", "ipus.agreed", 'C', "", ROW6(SERVICE("g", "vol-7")), NULL, NULL}}},
    {RULE_I35,
     {NULL, {"sw", "info.provided", 'L', "ops", "0 6", AHEAD("05:00"), NULL}},
     {NULL, {"sw", "info.provided", 'L', "ops", "0 6", AHEAD("05:01"), NULL}}},
    {RULE_I35W,
     {opened, {"sw", "case.assistant_requested", 'C', "", "0 6", "'occurredAt':'2026-02-01T08:00:00Z'," LATE, NULL}},
     {opened, {"sw", "case.assistant_requested", 'C', "", "0 6", "'occurredAt':'2026-02-01T08:00:00Z'", NULL}}},
    {RULE_I36,
     {NULL, {"sw", "info.provided", 'L', "ops", LETTER, "+'personRef':'sw-1'", NULL}},
     {NULL, {"sw", "info.provided", 'L', "ops", LETTER, "+'personRef':'44051401359'", NULL}}},
    {RULE_I37,
     {consented, {"sw", "info.provided", 'C', "sch", "0 6@p1{'ground':{'basis':'CONSENT'}}", CONSENTED, NULL}},
     {consented, {"sw", "info.provided", 'C', "sch", "0 6@p1{'ground':{'basis':'CONSENT'}}", NULL, NULL}}},
    {RULE_I38,
     {NULL, {"sw", "info.provided", 'L', "ops", LETTER, NULL, NULL}},
     {NULL, {"sw", "info.provided", 'L', "ops", "6{'docKind':'INFORMATION','text':'x'}", NULL, NULL}}},
    {RULE_I39,
     {NULL, {"sw", "case.opened", 'C', "", "0 6", NULL, NULL}},
     {NULL, {"sw", "case.interview_completed", 'C', "", "0 6", NULL, NULL}}},
    {RULE_I40,
     {opened,
      {"sw", "sys.participant_added", 'C', "", "0{'unit':'kur','historyFrom':'1','ground':{'basis':'STATUTE'}}", NULL,
       NULL}},
     {opened, {"sw", "sys.participant_added", 'C', "", "0{'unit':'kur','historyFrom':'1'}", NULL, NULL}}},
    {RULE_I41,
     {applied,
      {"ic", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6{'applicantConsent':{'on':'2026-03-02'}}",
       NULL, NULL}},
     {applied, {"ic", "referral.forwarded", 'R', "", "0{'toUnit':'ops','whole':'YES'} 6", NULL, NULL}}},
    {RULE_I42,
     {agreed_and_may_approve,
      {"ous", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}", NULL, NULL}},
     {agreed, {"ous", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}", NULL, NULL}}},
    {RULE_I42W,
     {approved, {"svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL}},
     {agreed, {"svc", "ipus.service_reported", 'C', "", "0{'ipusId':'$I'} 6", NULL, NULL}}},
    {RULE_I43,
     {correcting_a_placement, {"sw", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, NULL}},
     {correcting_a_placement, {"fcc", "placement.changed", 'C', "", "0 1@p1 3@p1", NULL, NULL}}},
    {RULE_I44,
     {NULL, {"rec", "referral.submitted", 'R', "sw", "0 1@p1 6", PAPER_OF("p1"), NULL}},
     {NULL, {"rec", "referral.submitted", 'R', "sw", "0 1@p1 6", "+'onBehalfOf':'p1','channel':'PAPER'", NULL}}},
    {RULE_D8W,
     {with_osl, {"ous", "sys.report_presented", 0, "", SUMMARY("'dir','osl'"), NULL, NULL}},
     {with_osl, {"ous", "sys.report_presented", 0, "", SUMMARY("'dir'"), NULL, NULL}}},
    {RULE_T1,
     {accepted, {"sw", "referral.answered", 'R', "", "0 6{'status':'on-hold'}", NULL, NULL}},
     {rejected, {"sw", "referral.answered", 'R', "", "0 6{'status':'on-hold'}", NULL, NULL}}},
    {RULE_T1W,
     {accepted, {"sw", "referral.answered", 'R', "", "0 6{'status':'on-hold'}", NULL, NULL}},
     {referred, {"sw", "referral.answered", 'R', "", "0 6{'status':'on-hold'}", NULL, NULL}}},
    {RULE_T2,
     {closed, {"sw", "case.assistant_requested", 'C', "", "0 6", LATE, NULL}},
     {closed, {"sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL}}},
    {RULE_T2W,
     {interview_and_request, {ASSIGN, NULL, NULL}},
     {opened, {"sw", "case.assistant_requested", 'C', "", "0 6", NULL, NULL}}},
    {RULE_T3W,
     {agreed, {"dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':1} 6{'decision':'APPROVED'}", NULL, NULL}},
     {agreed, {"dir", "ipus.approved", 'C', "", "0{'ipusId':'$I','version':2} 6{'decision':'APPROVED'}", NULL, NULL}}},
    {RULE_T4W,
     {opened, {"sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6", NULL, NULL}},
     {called_off, {"sw", "meeting.held", 'C', "", "0{'meetingId':'$1'} 6", NULL, NULL}}},
    {RULE_T5W,
     {consented, {"sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-02'} 6", NULL, NULL}},
     {opened, {"sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-02'} 6", NULL, NULL}}},
    {RULE_T6W,
     {concerned, {"sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'TAKEN_UP'}", NULL, NULL}},
     {asked, {"sw", "case.safety_concern_answered", 'L', "", "0{'outcome':'TAKEN_UP'}", NULL, NULL}}},
};

/* Of an event by itself: the decoder judges it. */
static bool
is_of_form(enum rule rule)
{
    return rule == RULE_I36 || rule == RULE_I38;
}

/* The same id again needs a log: unit.sequence shows it. */
static bool
is_shown_elsewhere(enum rule rule)
{
    return rule == RULE_I34;
}

/* What became of a line: the rule by which it was refused, or the note of what was taken. */
struct met_with {
    bool taken;
    enum error_code code;
    enum rule rule;
    const Wici__V1__BrokerNote *note; /* NULL: none, or not taken */
};

static struct met_with
meet(struct kit *k, const struct row *row, const struct way *way)
{
    struct kit_line line = way->line;
    struct met_with ret = {.taken = true};
    struct refusal refusal = {0};
    const char *more = way->before != NULL ? way->before(k) : NULL;
    const struct kit_record *record;

    if (more != NULL)
        line.header = more;
    if (is_of_form(row->rule) && kit_decode(k, &line, &refusal) != 0) {
        ret.taken = false;
    } else {
        record = kit_try(k, &line, &refusal);
        ret.taken = record != NULL;
        ret.note = record != NULL ? record->record.note : NULL;
        if (record != NULL && line.expect != NULL)
            kit_expect(k, record, line.expect);
    }
    ret.code = ret.taken ? E_NONE : refusal.code;
    ret.rule = refusal.rule != RULE_NONE ? refusal.rule : rule_of_code(ret.code);
    return ret;
}

static bool
is_warned(const struct met_with *met_with, enum rule rule)
{
    const Wici__V1__BrokerNote *note = met_with->note;

    for (size_t i = 0; note != NULL && i < note->n_warnings; i++)
        if (strcmp(note->warnings[i]->code, error_name(rule_code(rule))) == 0 &&
            strcmp(note->warnings[i]->rule, rule_id(rule)) == 0)
            return true;
    return false;
}

static void
what_keeps_a_rule_is_taken_and_what_breaks_it_meets_its_reaction(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        const char *id = rule_id(row->rule), *code = error_name(rule_code(row->rule));
        struct met_with kept = meet(*state, row, &row->keeps), broken;

        if (!kept.taken)
            fail_msg("%s: what keeps it is refused with %s", id, error_name(kept.code));
        if (is_warned(&kept, row->rule))
            fail_msg("%s: what keeps it is marked %s", id, code);
        kit_teardown(state);
        clocks_setup(state);
        broken = meet(*state, row, &row->breaks);
        if (error_client(rule_code(row->rule)) == CLIENT_NOTE
                ? !broken.taken || !is_warned(&broken, row->rule)
                : broken.taken || broken.rule != row->rule || broken.code != rule_code(row->rule))
            fail_msg("%s: what breaks it does not meet %s, but %s of %s", id, code,
                     broken.taken ? "nothing" : error_name(broken.code), rule_id(broken.rule));
        kit_teardown(state);
        clocks_setup(state);
    }
}

/* ---- those whose reaction is no code: reminders, and what is not given any more */

static void
i14_agreements_reach_who_was_there_or_are_reminded_of(void **state)
{
    struct kit *k = *state;

    opened(k);
    meeting(k, 'C', "sw", '1', "2026-03-20", "CONSULTATION");
    IS('C', "D13", "from 2026-03-20");
    say(k, "sw", "meeting.agreements_issued", 'C', "", "0{'meetingId':'$1'} 6{'row':{'no':1}}", NULL);
    IS('C', "D13", "met 2026-03-01"); /* the day they were sent */
}

static void
i17_a_plan_that_was_agreed_late_is_taken_and_its_day_stands(void **state)
{
    static const struct {
        const char *agreed_on, *clock;
    } ways[] = {{"2026-02-27", "met 2026-02-27"}, {"2026-04-20", "met 2026-04-20"}};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct kit *k = *state;
        char sections[400];

        say(k, "rec", "referral.submitted", 'R', "ic", "0{'appliedOn':'2026-02-01'} 1@p1 6{'service':'IPUS'}",
            PAPER_OF("p1"));
        open_ipus(k, 'C');
        say(k, "ic", "case.linked", 'C', "", "0{'kind':'REFERRAL_OF','otherDossier':'$R'}", NULL);
        IS('R', "D3", "from 2026-02-01");
        (void)snprintf(sections, sizeof sections,
                       "0{'ipusId':'$I','version':1,'agreedOn':'%s','applicationEventId':'%s'} 6{" ROW "}",
                       ways[i].agreed_on, kit_event_id(&k->records[k->count - 5]));
        KIT_MARKED(k, OK, "ic", "ipus.agreed", 'C', "", sections, NULL, NULL);
        IS('R', "D3", ways[i].clock);
        kit_teardown(state);
        clocks_setup(state);
    }
}

static void
i30_an_assessment_is_reminded_of_until_it_comes(void **state)
{
    struct kit *k = *state;

    active(k);
    assign(k, 'C', "2026-01-20");
    IS('C', "D4", "from 2026-01-20");
    assess(k, 'C', "2026-07-15", "'kind':'PERIODIC'");
    IS('C', "D4", "met 2026-07-15; from 2026-07-15");
}

static void
i37_what_rests_on_a_consent_is_given_as_long_as_it_holds(void **state)
{
    struct kit *k = *state;
    const struct kit_record *rests, *by_statute;

    consented(k);
    rests = say(k, "sw", "info.provided", 'C', "sch", "0 6@p1{'ground':{'basis':'CONSENT'}}", CONSENTED);
    by_statute = say(k, "sw", "info.provided", 'C', "sch", "0 6@p1{'ground':{'basis':'STATUTE'}}", CONSENTED);
    kit_expect(k, rests, "sch=06 dir=");
    say(k, "sw", "consent.withdrawn", 'C', "", "0{'consentId':'$c','withdrawnOn':'2026-03-01'} 6", NULL);
    kit_expect(k, rests, "sch=0 dir=");
    kit_expect(k, by_statute, "sch=06 dir=");
}

static const unsigned without_a_code[] = {14, 17, 30}; /* the tests above */

/* ---- none is left out */

static void
every_rule_and_every_number_of_the_register_is_shown(void **state)
{
    (void)state;
    for (unsigned rule = 1; rule < RULE_COUNT; rule++) {
        unsigned count = is_shown_elsewhere((enum rule)rule);

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            count += rows[i].rule == (enum rule)rule;
        if (count != 1)
            fail_msg("%s with %s has %u rows", rule_id((enum rule)rule), error_name(rule_code((enum rule)rule)), count);
    }
    for (unsigned number = 1; number <= REGISTER_LAST; number++) {
        bool shown = number == RETIRED;
        char id[8];

        (void)snprintf(id, sizeof id, "I%u", number);
        for (unsigned rule = 1; rule < RULE_COUNT && !shown; rule++)
            shown = strcmp(rule_id((enum rule)rule), id) == 0;
        for (size_t i = 0; i < sizeof without_a_code / sizeof *without_a_code && !shown; i++)
            shown = without_a_code[i] == number;
        if (!shown)
            fail_msg("%s is shown by nothing", id);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCKS_TEST(what_keeps_a_rule_is_taken_and_what_breaks_it_meets_its_reaction),
        CLOCKS_TEST(i14_agreements_reach_who_was_there_or_are_reminded_of),
        CLOCKS_TEST(i17_a_plan_that_was_agreed_late_is_taken_and_its_day_stands),
        CLOCKS_TEST(i30_an_assessment_is_reminded_of_until_it_comes),
        CLOCKS_TEST(i37_what_rests_on_a_consent_is_given_as_long_as_it_holds),
        cmocka_unit_test(every_rule_and_every_number_of_the_register_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
