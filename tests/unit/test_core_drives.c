/* See test_core_drives.h. The tables are in the order of machines.h. */
#include "test_core_drives.h"

#include "broker/core/parts.h"
#include "broker/core/state.h"
#include "proto/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_NO 2u

/* ---- the drives */

#define LATE_ENTRY          "'lateEntry':true"
#define ROW                 "6@p1=all{'row':{'serviceRef':'a','programmeId':'g','provider':'two'}}"
#define PLAN(no)            "0{'ipusId':'~i','version':" no ",'periodFrom':'~d','periodTo':'~f','agreedOn':'~d'} 1 " ROW
#define ANSWER(status)      "0{'answeredOn':'~d'} 6{'status':'" status "'}"
#define ANSWER_PART(status) "0{'answeredOn':'~d'} 6{'status':'" status "','parts':[{'no':2}]}"
#define END(status)         "0{'completedOn':'~d'} 6{'status':'" status "'}"
#define FORWARD(whole)      "0{'toUnit':'two','forwardedOn':'~d'," whole "} 6{'applicantConsent':{'on':'~d'}}"
#define INTERVIEW(found)    "0{'interviewOn':'~d'} 6{'conclusion':'" found "'}"
#define HELD(kind)          "0{'meetingId':'~m','heldOn':'~d'} 6{'kind':'" kind "','attendance':[{'role':'SW','signed':true}]}"
#define CONVENED(status, no)                                                                                           \
    "0{'meetingId':'~m','status':'" status "','revision':" no "} 6@p1{'kind':'MULTI_PROFESSIONAL_FIRST'}"
#define DECISION(no, word) "0{'ipusId':'~i','version':" no ",'decidedOn':'~d'} 6{'decision':'" word "'}"

#define SAID_BY(by, type_, text) .steps = {{.unit = by, .type = type_, .where = 'D', .sections = text}}
#define SAID_LATE(by, type_, text)                                                                                     \
    .steps = {{.unit = by, .type = type_, .where = 'D', .sections = text, .header = LATE_ENTRY}}
#define ANSWERED(status) .needs = MAY_ANSWER, SAID_BY("all:SW", "referral.answered", ANSWER(status))
#define ENDED(status)    SAID_BY("all:SW", "referral.completed", END(status))
#define OF_PART(status)  .needs = HOLDS, SAID_BY("all:SW", "referral.answered", ANSWER_PART(status))
#define BY_TWO(status)   .needs = WITH_TWO, SAID_BY("two:SW", "referral.completed", END(status))
#define OPENED(path, more)                                                                                             \
    .lacks = HAS_DOSSIER, SAID_BY("all:SW", "case.opened", "0{'openedOn':'~d'} 1 " more "6{'path':'" path "'}")

/* Another case is opened, and turns out to be this one: it was opened in the midst of this one's course. */
#define MERGED(path_)                                                                                                  \
    .unasked = true, .steps = {{.unit = "all:SW",                                                                      \
                                .type = "case.opened",                                                                 \
                                .where = 'K',                                                                          \
                                .sections = "0{'openedOn':'~d'} 1 6{'path':'" path_ "'}"},                             \
                               {.unit = "all:SW",                                                                      \
                                .type = "case.linked",                                                                 \
                                .where = 'D',                                                                          \
                                .sections = "0{'kind':'MERGED_INTO','otherDossier':'~K'} 6"}}

#define TAKEN_UP                                                                                                       \
    .steps = {{.unit = "all:SW",                                                                                       \
               .type = "case.opened",                                                                                  \
               .where = 'K',                                                                                           \
               .sections = "0{'openedOn':'~d'} 1 6{'path':'ORDINARY'}"},                                               \
              {.unit = "all:SW",                                                                                       \
               .type = "case.linked",                                                                                  \
               .where = 'K',                                                                                           \
               .sections = "0{'kind':'REFERRAL_OF','otherDossier':'~D'} 6"}}

const struct drive drives[] = {
    {.input = IN_SUBMITTED, SAID_BY("all:SCH", "referral.submitted", "0 1@p1 6{'service':'OTHER'}")},
    {.input = IN_NONE,
     .steps = {{.unit = "all:SCH",
                .type = "referral.submitted",
                .where = 'D',
                .sections = "0",
                .header = "'correctsEventId':'~s','correction':'ENTERED_IN_ERROR'"}}},
    {.input = IN_RECEIVED, ANSWERED("received")},
    /* Who accepts holds, and nobody else is asked any more. */
    {.input = IN_ACCEPTED, .sets = HOLDS, .clears = GUARD_BIT(OTHERS), ANSWERED("accepted")},
    {.input = IN_REJECTED, .needs = MAY_ANSWER | HOLDS, SAID_BY("all:SW", "referral.answered", ANSWER("rejected"))},
    {.input = IN_REJECTED, .lacks = HOLDS, .clears = MAY_ANSWER, ANSWERED("rejected")},
    {.input = IN_ON_HOLD, ANSWERED("on-hold")},
    {.input = IN_FORWARDED,
     .needs = MAY_ANSWER,
     .sets = GUARD_BIT(OTHERS),
     SAID_BY("all:SW", "referral.forwarded", FORWARD("'whole':'YES'"))},
    {.input = IN_COMPLETED, .needs = HOLDS, .clears = GUARD_BIT(OTHERS), ENDED("completed")},
    {.input = IN_COMPLETED, .lacks = HOLDS, .clears = MAY_ANSWER | GUARD_BIT(OTHERS), ENDED("completed")},
    {.input = IN_FAILED, .needs = HOLDS, .clears = GUARD_BIT(OTHERS), ENDED("failed")},
    {.input = IN_FAILED, .lacks = HOLDS, .clears = MAY_ANSWER | GUARD_BIT(OTHERS), ENDED("failed")},
    {.input = IN_CANCELLED, .needs = HOLDS, .clears = GUARD_BIT(OTHERS), ENDED("cancelled")},
    {.input = IN_CANCELLED, .lacks = HOLDS, .clears = MAY_ANSWER | GUARD_BIT(OTHERS), ENDED("cancelled")},
    {.input = IN_TAKEN_UP, .needs = HOLDS, TAKEN_UP},
    {.input = IN_TAKEN_UP, .needs = MAY_ANSWER, .lacks = HOLDS, .sets = HOLDS, .clears = GUARD_BIT(OTHERS), TAKEN_UP},

    {.input = IN_CASE_OPENED, .sets = HAS_DOSSIER | HAS_CASE, OPENED("ORDINARY", "")},
    {.input = IN_CASE_OPENED, .sets = HAS_DOSSIER | HAS_CASE | GUARD_BIT(BOTH), OPENED("BOTH", "")},
    {.input = IN_CASE_OPENED,
     .sets = HAS_DOSSIER | HAS_CASE | GUARD_BIT(ZZ),
     OPENED("ORDINARY", "4{'entitlement':'PREGNANCY'} ")},
    {.input = IN_CASE_OPENED_IPUS, .sets = HAS_DOSSIER | HAS_CASE | GUARD_BIT(BOTH), OPENED("IPUS", "")},
    {.input = IN_CASE_OPENED, .needs = HAS_CASE, MERGED("ORDINARY")},
    {.input = IN_CASE_OPENED_IPUS, .needs = HAS_CASE, .sets = GUARD_BIT(BOTH), MERGED("IPUS")},
    {.input = IN_CASE_OPENED, .needs = HOLDS, .lacks = HAS_CASE, .sets = HAS_CASE, MERGED("ORDINARY")},
    {.input = IN_CASE_OPENED_IPUS,
     .needs = HOLDS,
     .lacks = HAS_CASE,
     .sets = HAS_CASE | GUARD_BIT(BOTH),
     MERGED("IPUS")},
    {.input = IN_INTERVIEW_NEEDED,
     .sets = GUARD_BIT(NEEDED),
     SAID_BY("all:SW", "case.interview_completed", INTERVIEW("ASSISTANT_NEEDED"))},
    {.input = IN_INTERVIEW_OTHER,
     .clears = GUARD_BIT(NEEDED),
     SAID_BY("all:SW", "case.interview_completed", INTERVIEW("OTHER_SUPPORT"))},
    {.input = IN_INTERVIEW_NO_NEED,
     .clears = GUARD_BIT(NEEDED),
     SAID_BY("all:SW", "case.interview_completed", INTERVIEW("NO_NEED"))},
    {.input = IN_REQUESTED, SAID_BY("all:SW", "case.assistant_requested", "0 6")},
    {.input = IN_REQUESTED, .brings = GUARD_BIT(LATE), SAID_LATE("all:SW", "case.assistant_requested", "0 6")},
    {.input = IN_ASSIGNED, SAID_BY("all:DIR", "case.assistant_assigned", "0{'unit':'all','assignedOn':'~d'} 6")},
    {.input = IN_ASSIGNED,
     .brings = GUARD_BIT(LATE),
     SAID_LATE("all:DIR", "case.assistant_assigned", "0{'unit':'all','assignedOn':'~d'} 6")},
    {.input = IN_WORK_PLAN,
     SAID_BY("all:FA", "case.plan_updated", "0{'consultedWith':[{'role':'SW'}]} 6{'planKind':'WORK_PLAN'}")},
    {.input = IN_PERIODIC, SAID_BY("all:FA", "case.assessment_recorded", "0{'periodTo':'~d'} 6{'kind':'PERIODIC'}")},
    {.input = IN_POST_CLOSURE,
     SAID_BY("all:FA", "case.assessment_recorded", "0{'periodTo':'~d'} 6{'kind':'POST_CLOSURE'}")},
    {.input = IN_POST_CLOSURE,
     .brings = GUARD_BIT(PLAN_DONE),
     SAID_BY("all:FA", "case.assessment_recorded", "0{'periodTo':'~f'} 6{'kind':'POST_CLOSURE'}")},
    {.input = IN_POST_CLOSURE,
     .brings = GUARD_BIT(PLAN_DONE),
     SAID_BY("all:FA", "case.assessment_recorded", "0{'periodTo':'~g'} 6{'kind':'POST_CLOSURE'}")},
    {.input = IN_CLOSED, SAID_BY("all:SW", "case.closed", "0{'closedOn':'~d'} 6")},
    {.input = IN_CLOSED_MONITORED,
     SAID_BY("all:SW", "case.closed", "0{'closedOn':'~d'} 6{'monitoringPlan':{'dates':['~d','~f'],'units':['all']}}")},
    {.input = IN_ZZ_APPLIED,
     .sets = GUARD_BIT(ZZ), /* where there is no case yet, or one that has only been opened */
     .unasked = true,
     .steps = {{.unit = "sch",
                .type = "referral.submitted",
                .where = 'K',
                .to = "all",
                .sections = "0{'appliedOn':'~d'} 1@p1 4{'entitlement':'PREGNANCY'} 6{'paperKind':'APPLICATION'}"},
               {.unit = "all:SW",
                .type = "case.linked",
                .where = 'D',
                .sections = "0{'kind':'REFERRAL_OF','otherDossier':'~K'} 6"}}},
    {.input = IN_IN_CARE, SAID_BY("all:FCC", "placement.changed", "0{'effectiveOn':'~d'} 1@p1 3@p1{'kind':'PLACED'}")},
    {.input = IN_BACK_HOME,
     SAID_BY("all:FCC", "placement.changed", "0{'effectiveOn':'~d'} 1@p1 3@p1{'kind':'RETURNED_HOME'}")},
    {.input = IN_ORDER_ISSUED,
     .sets = GUARD_BIT(ORDER),
     SAID_BY("all:CT", "court.order_issued", "0{'issuedOn':'~d'} 1@p1 5@p1{'orderKind':'OBLIGE_COOPERATION'}")},
    {.input = IN_ORDER_REVOKED,
     .clears = GUARD_BIT(ORDER),
     SAID_BY("all:CT", "court.order_issued", "0{'issuedOn':'~d'} 1@p1 5@p1{'orderKind':'REVOKED'}")},
    {.input = IN_OPINION_REQUESTED, SAID_BY("all:CT", "court.opinion_requested", "0{'dueOn':'~f'} 1 5@p1")},

    {.input = IN_IPUS_AGREED, .brings = GUARD_BIT(NEXT), .sets = PLANNED, SAID_BY("all:IC", "ipus.agreed", PLAN("~n"))},
    {.input = IN_IPUS_AGREED, SAID_BY("all:IC", "ipus.agreed", PLAN("~x"))},
    {.input = IN_IPUS_UPDATED,
     .brings = GUARD_BIT(NEXT),
     .lacks = PLANNED,
     SAID_BY("all:IC", "ipus.updated", PLAN("~n"))},
    {.input = IN_IPUS_UPDATED,
     .brings = GUARD_BIT(NEXT),
     .needs = PLANNED,
     SAID_BY("all:IC", "ipus.updated", PLAN("~n"))},
    {.input = IN_IPUS_UPDATED, SAID_BY("all:IC", "ipus.updated", PLAN("~x"))},
    {.input = IN_IPUS_APPROVED,
     .brings = GUARD_BIT(CURRENT),
     SAID_BY("all:DIR", "ipus.approved", DECISION("~v", "APPROVED"))},
    {.input = IN_IPUS_APPROVED, SAID_BY("all:DIR", "ipus.approved", DECISION("~x", "APPROVED"))},
    {.input = IN_IPUS_RETURNED,
     .brings = GUARD_BIT(CURRENT),
     SAID_BY("all:DIR", "ipus.approved", DECISION("~v", "RETURNED"))},
    {.input = IN_IPUS_RETURNED, SAID_BY("all:DIR", "ipus.approved", DECISION("~x", "RETURNED"))},
    {.input = IN_IPUS_REPORTED,
     .leaves_nothing = true,
     SAID_BY("all:IC", "ipus.service_reported", "0{'ipusId':'~i'} 6{'status':'in-progress'}")},
    {.input = IN_IPUS_CONCLUDED,
     SAID_BY("all:IC", "ipus.concluded", "0{'ipusId':'~i','endedOn':'~d'} 6{'description':'x'}")},

    {.input = IN_CONVENED, .brings = GUARD_BIT(NEXT), SAID_BY("all:SW", "meeting.convened", CONVENED("booked", "~N"))},
    {.input = IN_CONVENED, SAID_BY("all:SW", "meeting.convened", CONVENED("booked", "~X"))},
    {.input = IN_CALLED_OFF, SAID_BY("all:SW", "meeting.convened", CONVENED("cancelled", "~N"))},
    {.input = IN_HELD, SAID_BY("all:SW", "meeting.held", HELD("CONSULTATION"))},
    {.input = IN_HELD_FIRST_CONTACT, SAID_BY("all:FA", "meeting.held", HELD("FIRST_CONTACT"))},
    {.input = IN_AGREEMENTS,
     SAID_BY("all:SW", "meeting.agreements_issued", "0{'meetingId':'~m'} 6@p1{'row':{'no':1,'dueOn':'~f'}}")},

    {.input = IN_CONSENT_GRANTED,
     .clears = COOPERATES,
     SAID_BY("all:SW", "consent.granted", "0{'consentId':'~z','givenOn':'~d'} 6{'kind':'DATA_SHARING'}")},
    {.input = IN_COOPERATION_GRANTED,
     .sets = COOPERATES,
     SAID_BY("all:FA", "consent.granted", "0{'consentId':'~z','givenOn':'~d'} 6{'kind':'COOPERATION_DWR_01_01'}")},
    {.input = IN_CONSENT_WITHDRAWN,
     .lacks = COOPERATES,
     SAID_BY("all:SW", "consent.withdrawn", "0{'consentId':'~z','withdrawnOn':'~d'} 6")},
    {.input = IN_COOPERATION_WITHDRAWN,
     .needs = COOPERATES,
     SAID_BY("all:SW", "consent.withdrawn", "0{'consentId':'~z','withdrawnOn':'~d'} 6")},
    {.input = IN_CONSENT_REFUSED,
     SAID_BY("all:SW", "consent.withdrawn", "0{'consentId':'~z','withdrawnOn':'~d'} 6{'effect':'REFUSED'}")},

    {.input = IN_CONCERN_RAISED,
     .lacks = RAISED,
     .sets = RAISED,
     SAID_BY("all:FA", "case.safety_concern_raised", "0{'raisedOn':'~d'} 1@p1 5@p1{'kind':'EMERGENCY'}")},
    {.input = IN_CONCERN_ANSWERED,
     .steps = {{.unit = "all:SW",
                .type = "case.safety_concern_answered",
                .where = 'D',
                .sections = "0{'outcome':'TAKEN_UP'} 5@p1",
                .header = "'causationId':'~c'"}}},
    {.input = IN_INFO_REQUESTED,
     .lacks = ASKED,
     .sets = ASKED,
     .steps = {{.unit = "all:SW", .type = "info.requested", .where = 'D', .to = "two", .sections = "0 6"}}},
    {.input = IN_INFO_PROVIDED,
     .steps = {{.unit = "all:SW",
                .type = "info.provided",
                .where = 'D',
                .to = "two",
                .sections = "0{'providedOn':'~d'} 6",
                .header = "'causationId':'~q'"}}},

    /* A part is named by a referral, which says more when the one before it has ended. */
    {.input = IN_PART_NAMED,
     .needs = HOLDS,
     .steps = {{.unit = "all:SW", .type = "referral.completed", .where = 'D', .sections = END("cancelled")},
               {.unit = "all:SCH",
                .type = "referral.submitted",
                .where = 'D',
                .sections = "0 1@p1 6{'service':'IPUS','parts':[{'no':2}]}"}}},
    {.input = IN_PART_FORWARDED,
     .needs = MAY_ANSWER,
     .sets = WITH_TWO,
     SAID_BY("all:SW", "referral.forwarded", FORWARD("'whole':'NO','partNos':[2]"))},
    {.input = IN_PART_RECEIVED, OF_PART("received")},
    {.input = IN_PART_ACCEPTED, OF_PART("accepted")},
    {.input = IN_PART_REJECTED, OF_PART("rejected")},
    {.input = IN_PART_ON_HOLD, OF_PART("on-hold")},
    {.input = IN_PART_COMPLETED, BY_TWO("completed")},
    {.input = IN_PART_FAILED, BY_TWO("failed")},
    {.input = IN_PART_CANCELLED, BY_TWO("cancelled")},
};
const size_t drive_count = sizeof drives / sizeof drives[0];

/* ---- the worlds */

#define CASE(path_)                                                                                                    \
    {                                                                                                                  \
        .unit = "all:SW", .type = "case.opened", .where = 'D',                                                         \
        .sections = "0{'openedOn':'~d'} 1 6{'path':'" path_ "'}"                                                       \
    }
#define IN_A_CASE (HAS_DOSSIER | HAS_CASE | HOLDS | MAY_ANSWER)

const struct world worlds[] = {
    {"referral in a case", MACHINE_REFERRAL, REFERRAL_NONE, .holds = IN_A_CASE, .steps = {CASE("ORDINARY")}},
    {"referral", MACHINE_REFERRAL, REFERRAL_REQUESTED, .holds = HAS_DOSSIER | MAY_ANSWER,
     .steps = {{.unit = "sch", .type = "referral.submitted", .where = 'D', .to = "all", .sections = "0 1@p1 6"}},
     .never = {IN_SUBMITTED, IN_PART_NAMED}},
    {"case", MACHINE_CASE, CASE_NONE, .holds = HOLDS | MAY_ANSWER, .steps = {{0}}},
    {"letter", MACHINE_CASE, CASE_NONE, .holds = HAS_DOSSIER | MAY_ANSWER,
     .steps = {{.unit = "sch", .type = "info.requested", .where = 'D', .to = "all", .sections = "0 6"}}},
    {"application", MACHINE_CASE, CASE_NONE, .holds = HAS_DOSSIER | MAY_ANSWER | HOLDS,
     .steps = {{.unit = "sch", .type = "referral.submitted", .where = 'D', .to = "all", .sections = "0 1@p1 6"},
               {.unit = "all:SW", .type = "referral.answered", .where = 'D', .sections = ANSWER("accepted")}},
     .never = {IN_SUBMITTED, IN_PART_NAMED}},
    {"plan", MACHINE_IPUS, IPUS_NONE, .holds = IN_A_CASE, .steps = {CASE("IPUS")}},
    {"meeting", MACHINE_MEETING, MEETING_NONE, .holds = IN_A_CASE,
     .steps = {CASE("ORDINARY"),
               {.unit = "all:SW", .type = "case.assistant_requested", .where = 'D', .sections = "0 6"},
               {.unit = "all:DIR",
                .type = "case.assistant_assigned",
                .where = 'D',
                .sections = "0{'unit':'all','assignedOn':'~d'} 6"}}},
    {"consent", MACHINE_CONSENT, CONSENT_NONE, .holds = IN_A_CASE, .steps = {CASE("ORDINARY")}},
    {"consent that was never given", MACHINE_CONSENT, CONSENT_NONE, .holds = IN_A_CASE | COOPERATES,
     .only = {IN_COOPERATION_WITHDRAWN, IN_CONSENT_REFUSED},
     .steps = {CASE("ORDINARY"),
               {.unit = "all:FA",
                .type = "consent.granted",
                .where = 'D',
                .sections = "0{'consentId':'~z','givenOn':'~d'} 6{'kind':'COOPERATION_DWR_01_01'}"}},
     .taken_back = true},
    {"concern", MACHINE_CONCERN, CONCERN_NONE, .holds = IN_A_CASE, .steps = {CASE("ORDINARY")}},
    {"question", MACHINE_INFO, INFO_NONE, .holds = IN_A_CASE, .steps = {CASE("ORDINARY")}},
    {"question that was taken back", MACHINE_INFO, INFO_NONE, .holds = IN_A_CASE | ASKED,
     .steps = {CASE("ORDINARY"),
               {.unit = "all:SW", .type = "info.requested", .where = 'D', .to = "two", .sections = "0 6"},
               {.unit = "all:SW",
                .type = "info.requested",
                .where = 'D',
                .sections = "0",
                .header = "'correctsEventId':'~q','correction':'ENTERED_IN_ERROR'"}}},
    {"part", MACHINE_PART, PART_NONE, .holds = IN_A_CASE,
     .steps = {CASE("IPUS"),
               {.unit = "all:SCH",
                .type = "referral.submitted",
                .where = 'D',
                .sections = "0 1@p1 6{'service':'IPUS','parts':[{'no':1}]}"}}},
    {"part that was never forwarded", MACHINE_PART, PART_NONE, .holds = IN_A_CASE | WITH_TWO,
     .only = {IN_PART_COMPLETED, IN_PART_FAILED, IN_PART_CANCELLED},
     .steps = {CASE("IPUS"),
               {.unit = "all:SCH",
                .type = "referral.submitted",
                .where = 'D',
                .sections = "0 1@p1 6{'service':'IPUS','parts':[{'no':1}]}"},
               {.unit = "all:SW",
                .type = "referral.forwarded",
                .where = 'D',
                .sections = FORWARD("'whole':'NO','partNos':[2]")}},
     .taken_back = true},
};
const size_t world_count = sizeof worlds / sizeof worlds[0];

static bool
is_among(const enum input inputs[WORLD_INPUTS], enum input input)
{
    for (size_t i = 0; i < WORLD_INPUTS && inputs[i] != IN_NONE; i++)
        if (inputs[i] == input)
            return true;
    return false;
}

bool
world_takes(const struct world *world, enum input input)
{
    return world->only[0] == IN_NONE || is_among(world->only, input);
}

bool
world_never_takes(const struct world *world, enum input input)
{
    return is_among(world->never, input);
}

/* ---- texts */

static const char *
id_of(const struct driven *driven, unsigned what)
{
    static char id[37];

    (void)snprintf(id, sizeof id, "d0000000-0000-7000-8000-%08x%04x", driven->family + 1, what);
    return id;
}

/* The number that the letter stands for: of a plan, or in capitals of a meeting. */
static uint32_t
number_of(const struct driven *driven, char letter)
{
    bool of_plan = letter >= 'a';

    return (of_plan ? driven->version : driven->revision) + (letter == 'n' || letter == 'N'   ? 1
                                                             : letter == 'x' || letter == 'X' ? 5
                                                                                              : 0);
}

/* What ~ and that letter stand for. */
static const char *
word_of(const struct driven *driven, char letter)
{
    static char text[DATE_TEXT_SIZE];
    int32_t today = (int32_t)(driven->kit->now_ms / DATE_DAY_MS);

    switch (letter) {
    case 'd': date_format(today, text); return text;
    case 'f': date_format(today + 100, text); return text;
    case 'g': date_format(today + 200, text); return text;
    case 'n':
    case 'v':
    case 'x':
    case 'N':
    case 'X': (void)snprintf(text, sizeof text, "%u", number_of(driven, letter)); return text;
    case 'c': return driven->concern;
    case 'q': return driven->question;
    case 's': return driven->submitted;
    case 'K': return id_of(driven, 0x100 + driven->fresh);
    default: return id_of(driven, (unsigned char)letter);
    }
}

static void
expand(const struct driven *driven, const char *text, char *ret, size_t size)
{
    size_t len = 0;

    for (; text != NULL && *text != '\0'; text++) {
        assert_true(len + 40 < size);
        if (*text == '~')
            len += (size_t)snprintf(ret + len, size - len, "%s", word_of(driven, *++text));
        else
            ret[len++] = *text;
    }
    ret[len] = '\0';
}

/* ---- saying it */

static const struct kit_record *
say(struct driven *driven, const struct drive_step *step, struct refusal *refusal)
{
    char sections[600], header[300], more[200];
    struct kit_line line = {
        .unit = step->unit, .type = step->type, .to = step->to, .sections = sections, .header = header};

    expand(driven, step->sections, sections, sizeof sections);
    expand(driven, step->header, more, sizeof more);
    (void)snprintf(header, sizeof header, "%s%s'dossierId':'%s'", more, more[0] != '\0' ? "," : "",
                   word_of(driven, step->where));
    *refusal = (struct refusal){0};
    driven->kit->now_ms += 1000;
    return kit_try(driven->kit, &line, refusal);
}

/* What must be taken, since it only sets the scene. */
static const struct kit_record *
set_scene(struct driven *driven, const struct drive_step *step)
{
    struct refusal refusal;
    const struct kit_record *record = say(driven, step, &refusal);

    if (record == NULL)
        fail_msg("%s: %s by %s is refused: %s %s at '%s'", driven->world->name, step->type, step->unit,
                 error_name(refusal.code), rule_id(refusal.rule), refusal.path);
    return record;
}

/* The numbers and ids that later texts name. */
static void
remember(struct driven *driven, enum input input, const struct drive_step *step, const struct kit_record *record)
{
    static const char numbers[] = "nxNX";

    if (input == IN_SUBMITTED)
        strcpy(driven->submitted, kit_event_id(record));
    if (input == IN_CONCERN_RAISED)
        strcpy(driven->concern, kit_event_id(record));
    if (input == IN_INFO_REQUESTED)
        strcpy(driven->question, kit_event_id(record));
    if (input != IN_IPUS_AGREED && input != IN_IPUS_UPDATED && input != IN_CONVENED && input != IN_CALLED_OFF)
        return;
    for (const char *letter = numbers; *letter != '\0'; letter++) {
        const char said[] = {'~', *letter, '\0'};

        if (strstr(step->sections, said) != NULL)
            *(*letter >= 'a' ? &driven->version : &driven->revision) = number_of(driven, *letter);
    }
}

const struct kit_record *
driven_say(struct driven *driven, const struct drive *drive, struct refusal *refusal)
{
    const struct drive_step *last = &drive->steps[0];
    const struct kit_record *record;

    driven->fresh++;
    for (size_t i = 0; i + 1 < DRIVE_STEPS && drive->steps[i + 1].type != NULL; i++) {
        (void)set_scene(driven, &drive->steps[i]);
        last = &drive->steps[i + 1];
    }
    record = say(driven, last, refusal);
    if (record != NULL)
        remember(driven, drive->input, last, record);
    return record;
}

void
driven_begin(struct driven *driven, struct kit *kit, const struct world *world, unsigned family)
{
    *driven = (struct driven){.kit = kit, .world = world, .family = family};
    /* What answers nothing answers, for its form, an event that asks nothing. */
    strcpy(driven->concern, kit_event_id(&kit->records[0]));
    strcpy(driven->question, driven->concern);
    for (size_t i = 0; i < WORLD_STEPS && world->steps[i].type != NULL; i++) {
        strcpy(driven->last, kit_event_id(set_scene(driven, &world->steps[i])));
        if (strcmp(world->steps[i].type, "info.requested") == 0 && world->steps[i].header == NULL)
            strcpy(driven->question, driven->last);
    }
}

void
driven_take_back(struct driven *driven)
{
    const struct drive_step *step = NULL;
    struct drive_step back;
    char header[120];

    for (size_t i = 0; i < WORLD_STEPS && driven->world->steps[i].type != NULL; i++)
        step = &driven->world->steps[i];
    assert_non_null(step);
    (void)snprintf(header, sizeof header, "'correctsEventId':'%s','correction':'ENTERED_IN_ERROR'", driven->last);
    back = *step;
    back.sections = "0";
    back.header = header;
    (void)set_scene(driven, &back);
}

/* ---- where it stands */

static void
thing_ref(const struct driven *driven, enum machine_kind machine, uint8_t ret[16])
{
    const char *id = "";

    switch (machine) {
    case MACHINE_IPUS: id = id_of(driven, 'i'); break;
    case MACHINE_MEETING: id = id_of(driven, 'm'); break;
    case MACHINE_CONSENT: id = id_of(driven, 'z'); break;
    case MACHINE_CONCERN: id = driven->concern; break;
    case MACHINE_INFO: id = driven->question; break;
    case MACHINE_PART: part_ref(PART_NO, ret); return;
    case MACHINE_REFERRAL:
    case MACHINE_CASE:
    case MACHINE_COUNT: abort();
    }
    assert_int_equal(uuid_parse(id, ret), 0);
}

uint8_t
driven_state(const struct driven *driven, enum machine_kind machine)
{
    const struct dossiers *ds = &driven->kit->core->dossiers;
    uint32_t dossier, thing;
    uint8_t id[16], ref[16];

    assert_int_equal(uuid_parse(id_of(driven, 'D'), id), 0);
    dossier = dossiers_find(ds, id);
    if (dossier == DOSSIER_NONE)
        return 0;
    if (machine == MACHINE_REFERRAL)
        return ds->at[dossier].matter.referral;
    if (machine == MACHINE_CASE)
        return ds->at[dossier].matter.kase;
    thing_ref(driven, machine, ref);
    thing = things_find(&ds->things, machine, dossier, ref);
    return thing == THING_NONE ? 0 : ds->things.at[thing].state;
}

void
driven_enrol(struct kit *kit)
{
    kit_agency(kit, "gm");
    kit_unit(kit, "all", "gm", "SW FA DIR IC CT SCH FCC");
    kit_agency(kit, "gn");
    kit_unit(kit, "two", "gn", "SW");
    kit_agency(kit, "school");
    kit_unit(kit, "sch", "school", "SCH");
}
