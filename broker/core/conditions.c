/*
 * What the policy's p stands for, one row per role and type. A p that has no row here is refused: a policy cannot
 * invent a condition that the program does not know. Some rows bind a P as well: a head sets workers of his own agency,
 * and who links a dossier leads it.
 */
#include "broker/core/decide.h"
#include "broker/core/rules.h"

#include <errno.h>
#include <string.h>

static int
refuse_role(struct deciding *d)
{
    return decide_refuse(d, E_ROLE, "header.actor.role");
}

/* Paper: of whom, by which way, when. */
static int
on_behalf(struct deciding *d)
{
    const Wici__V1__Actor *actor = d->event->header->actor;

    if (actor->on_behalf_of[0] == '\0')
        return decide_refuse(d, E_BEHALF, "header.actor.onBehalfOf");
    return decide_received(d);
}

static int
freely(struct deciding *d)
{
    (void)d;
    return 0;
}

/* An assistant as IPUS coordinator, where his agency has it so. */
static int
as_coordinator(struct deciding *d)
{
    return decide_setting(d, "FA_AS_IC") ? 0 : refuse_role(d);
}

static int
cancellation(struct deciding *d)
{
    int rc = on_behalf(d);

    if (rc != 0)
        return rc;
    return strcmp(FACTS_TEXT(d->event, 6, Wici__V1__ReferralCompletedS6, status), "cancelled") == 0 ? 0
                                                                                                    : refuse_role(d);
}

/* What is said again, better, is judged as it was: what came since does not make it somebody else's to say. */
static bool
is_first_said(const struct deciding *d)
{
    return d->event->header->corrects_event_id[0] == '\0' && decide_may_write(d);
}

static bool
has_assistant(const struct deciding *d, uint32_t dossier)
{
    uint8_t state = d->core->dossiers.at[dossier].matter.kase;

    return state >= CASE_ASSIGNED && state <= CASE_SUSPENDED;
}

/* The assistant of a family does not ask for one. Of a family in a new dossier nothing is known here. */
static int
not_of_own_family(struct deciding *d)
{
    size_t section;
    const char *service = FACTS_TEXT_SECTION(d->event, 6, Wici__V1__ReferralSubmittedS6, service, &section);

    if (strcmp(service, "FAMILY_ASSISTANT") != 0 || !is_first_said(d) || !has_assistant(d, d->dossier))
        return 0;
    return decide_refuse_rule_body(d, RULE_I1F, section, "service");
}

/* A court asks the assistant; a social worker answers where there is none, here or in the case that took this up. */
static int
without_assistant(struct deciding *d)
{
    const struct dossier *dossier;

    if (!is_first_said(d))
        return 0;
    if (has_assistant(d, d->dossier))
        return decide_refuse_rule(d, RULE_I31R, "header.actor.role");
    dossier = &d->core->dossiers.at[d->dossier];
    for (uint32_t i = 0; i < dossier->link_count; i++)
        if (dossier->links[i].kind == LINK_REFERRAL_OF && has_assistant(d, dossier->links[i].other))
            return decide_refuse_rule(d, RULE_I31R, "header.actor.role");
    return 0;
}

static bool
is_court(const struct directory *directory, uint32_t agency)
{
    const struct numbers *units = &directory->agencies[agency].units;
    uint32_t stand_in = directory_addressee(directory, directory_agency_id(directory, agency)), roles = 0;

    if (directory->agencies[agency].external != NULL && stand_in != DIRECTORY_NONE)
        roles = directory->units[stand_in].roles;
    for (uint32_t i = 0; i < units->count; i++)
        roles |= directory->units[units->at[i]].roles;
    return (roles & ROLE_BIT(CT)) != 0;
}

/* A court's paper: what another institution sent is none. */
static int
court_paper(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    uint32_t agency;
    int rc = on_behalf(d);

    if (rc != 0)
        return rc;
    agency = directory_agency(directory, d->event->header->actor->on_behalf_of);
    return agency == DIRECTORY_NONE || is_court(directory, agency)
               ? 0
               : decide_refuse(d, E_BEHALF, "header.actor.onBehalfOf");
}

static bool
is_za_zyciem(const struct deciding *d)
{
    return FACTS_TEXT(d->event, 4, Wici__V1__CaseOpenedS4, entitlement)[0] != '\0';
}

static int
za_zyciem(struct deciding *d)
{
    return is_za_zyciem(d) ? 0 : refuse_role(d);
}

/* A case of services alone: one under "Za życiem" has an assistant to come. */
static int
path_ipus(struct deciding *d)
{
    return strcmp(FACTS_TEXT(d->event, 6, Wici__V1__CaseOpenedS6, path), "IPUS") == 0 && !is_za_zyciem(d)
               ? 0
               : refuse_role(d);
}

/*
 * ... and as long as it is one: where an assistant has come, others end it. That there was an interview, or a request,
 * is not for him to know, and so changes nothing here.
 */
static int
dossier_ipus(struct deciding *d)
{
    if (!decide_may_write(d)) /* a dossier the unit does not know is refused as such, a step later */
        return 0;
    return (d->core->dossiers.at[d->dossier].flags & DOSSIER_PATH_IPUS) != 0 && !has_assistant(d, d->dossier)
               ? 0
               : refuse_role(d);
}

/* An organiser whom the director authorised, on the day of the decision. */
static int
approver(struct deciding *d)
{
    int32_t day = facts_day(FACTS_TEXT(d->event, 0, Wici__V1__IpusApprovedS0, decided_on));

    if (registers_hold(&d->core->registers, REGISTER_APPROVER, d->core->directory.units[d->command->unit].agency,
                       d->event->header->actor->person_ref, day))
        return 0;
    return decide_refuse_rule(d, RULE_I42, "header.actor.personRef");
}

static int
child_aid_plan(struct deciding *d)
{
    return strcmp(FACTS_TEXT(d->event, 6, Wici__V1__CasePlanUpdatedS6, plan_kind), "CHILD_AID_PLAN") == 0
               ? 0
               : refuse_role(d);
}

/* words: the kinds allowed, each between spaces */
static bool
kind_is_among(const char *kind, const char *words)
{
    size_t len = strlen(kind);

    for (const char *at = words; len > 0 && (at = strstr(at, kind)) != NULL; at += len)
        if (at[-1] == ' ' && at[len] == ' ')
            return true;
    return false;
}

static int
meeting_kinds(struct deciding *d, const char *words)
{
    bool said = false;

    if (d->type == TYPE(MEETING_CONVENED)) {
        const Wici__V1__MeetingConvenedS6 *body;

        for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;) {
            if (body->kind[0] == '\0')
                continue;
            said = true;
            if (!kind_is_among(body->kind, words))
                return refuse_role(d);
        }
    } else if (d->type == TYPE(MEETING_HELD)) {
        const Wici__V1__MeetingHeldS6 *body;

        for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;) {
            if (body->kind[0] == '\0')
                continue;
            said = true;
            if (!kind_is_among(body->kind, words))
                return refuse_role(d);
        }
    } else {
        /* Agreements name no kind: they are for whoever convened the meeting, or leads the dossier. */
        said = !decide_may_write(d) || decide_is(d, RELATION_HOLDER) || decide_is(d, RELATION_AUTHOR);
    }
    return said ? 0 : refuse_role(d);
}

static int
meetings_ic(struct deciding *d)
{
    return meeting_kinds(d, " IPUS_TALK IPUS_SUMMARY MULTI_PROFESSIONAL_FIRST MULTI_PROFESSIONAL_NEXT CONSULTATION ");
}

static int
meetings_ous(struct deciding *d)
{
    return meeting_kinds(d, " IPUS_COORDINATORS ");
}

static int
meetings_idt(struct deciding *d)
{
    return meeting_kinds(d, " INTERDISCIPLINARY_TEAM DIAGNOSTIC_GROUP ");
}

static int
meetings_child(struct deciding *d)
{
    return meeting_kinds(d, " CHILD_REVIEW ");
}

/* The (future) holder links. */
static int
holder(struct deciding *d)
{
    return !decide_may_write(d) || decide_is(d, RELATION_HOLDER) ? 0 : refuse_role(d);
}

/* ... as whose role may publish it anyhow: where nobody else leads it or is to answer it; a director for his office. */
static int
leads(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    const struct directory *directory = &d->core->directory;

    if (!decide_may_write(d) || decide_is(d, RELATION_HOLDER) || decide_is(d, RELATION_PENDING) ||
        !rules_others(ds, d->dossier, d->acting, d->command->now_ms))
        return 0;
    return d->event->header->actor->role == WICI__V1__ROLE__DIR &&
                   dossier_is_served_by(&ds->at[d->dossier], directory, directory->units[d->command->unit].agency)
               ? 0
               : refuse_role(d);
}

static int
own_unit(struct deciding *d)
{
    const char *unit = FACTS_TEXT(d->event, 0, Wici__V1__CaseWorkerSetS0, unit);

    return directory_unit(&d->core->directory, unit) == d->command->unit ? 0 : refuse_role(d);
}

static int
own_agency(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    uint32_t unit = directory_unit(directory, FACTS_TEXT(d->event, 0, Wici__V1__CaseWorkerSetS0, unit));

    if (unit == DIRECTORY_NONE) /* refused as an unknown unit, later */
        return 0;
    return directory->units[unit].agency == directory->units[d->command->unit].agency ? 0 : refuse_role(d);
}

static int
provider(struct deciding *d)
{
    uint8_t ref[16];

    if (!decide_may_write(d))
        return 0;
    if (facts_ref(d->event, ref) &&
        dossiers_has_open(&d->core->dossiers, d->dossier, RELATION_PROVIDER, d->command->unit, ref, d->command->now_ms))
        return 0;
    return refuse_role(d);
}

#define ROW(role, type, check)                                                                                         \
    {                                                                                                                  \
        WICI__V1__ROLE__##role, WICI__V1__EVENT_TYPE__##type, check                                                    \
    }

static const struct condition {
    unsigned role;
    uint32_t type;
    int (*check)(struct deciding *d);
} conditions[] = {
    ROW(INT, REFERRAL_SUBMITTED, on_behalf),
    ROW(FA, REFERRAL_SUBMITTED, not_of_own_family),

    /* Answering and forwarding take a holder or a pending one, whatever the role: decide.c. */
    ROW(FA, REFERRAL_ANSWERED, freely),
    ROW(KUR, REFERRAL_ANSWERED, freely),
    ROW(SCH, REFERRAL_ANSWERED, freely),
    ROW(FCC, REFERRAL_ANSWERED, freely),
    ROW(CCF, REFERRAL_ANSWERED, freely),
    ROW(POL, REFERRAL_ANSWERED, freely),
    ROW(HLT, REFERRAL_ANSWERED, freely),
    ROW(SVC, REFERRAL_ANSWERED, freely),
    ROW(IDT, REFERRAL_ANSWERED, freely),
    ROW(OSL, REFERRAL_FORWARDED, freely),
    ROW(SVC, REFERRAL_FORWARDED, freely),
    ROW(INT, REFERRAL_COMPLETED, cancellation),
    ROW(FA, REFERRAL_COMPLETED, freely),

    ROW(FA, CASE_OPENED, za_zyciem),
    ROW(IC, CASE_OPENED, path_ipus),
    ROW(FCC, CASE_PLAN_UPDATED, child_aid_plan),
    ROW(CCF, CASE_PLAN_UPDATED, child_aid_plan),
    ROW(IC, CASE_CLOSED, dossier_ipus),
    ROW(INT, CASE_SAFETY_CONCERN_RAISED, on_behalf),
    ROW(FA, CASE_SAFETY_CONCERN_RAISED, freely),
    ROW(SW, CASE_LINKED, leads),
    ROW(FA, CASE_LINKED, holder),
    ROW(DIR, CASE_LINKED, leads),
    ROW(IC, CASE_LINKED, leads),
    ROW(MUN, CASE_LINKED, holder),
    ROW(FCC, CASE_LINKED, holder),

    ROW(SW, CASE_WORKER_SET, own_unit),
    ROW(FA, CASE_WORKER_SET, own_unit),
    ROW(DIR, CASE_WORKER_SET, own_agency),
    ROW(HEAD, CASE_WORKER_SET, own_agency),
    ROW(IC, CASE_WORKER_SET, own_unit),
    ROW(OUS, CASE_WORKER_SET, own_unit),
    ROW(OSL, CASE_WORKER_SET, own_unit),
    ROW(MUN, CASE_WORKER_SET, own_unit),
    ROW(KUR, CASE_WORKER_SET, own_unit),
    ROW(SCH, CASE_WORKER_SET, own_unit),
    ROW(FCC, CASE_WORKER_SET, own_unit),
    ROW(CCF, CASE_WORKER_SET, own_unit),
    ROW(POL, CASE_WORKER_SET, own_unit),
    ROW(HLT, CASE_WORKER_SET, own_unit),
    ROW(SVC, CASE_WORKER_SET, own_unit),
    ROW(IDT, CASE_WORKER_SET, own_unit),

    ROW(INT, CONSENT_GRANTED, on_behalf),
    ROW(OSL, CONSENT_GRANTED, freely),
    ROW(MUN, CONSENT_GRANTED, freely),
    ROW(INT, CONSENT_WITHDRAWN, on_behalf),
    ROW(OSL, CONSENT_WITHDRAWN, freely),
    ROW(MUN, CONSENT_WITHDRAWN, freely),
    ROW(INT, PLACEMENT_CHANGED, on_behalf),

    ROW(SW, COURT_OPINION_REQUESTED, court_paper),
    ROW(INT, COURT_OPINION_REQUESTED, court_paper),
    ROW(SW, COURT_OPINION_DELIVERED, without_assistant),
    ROW(DIR, COURT_OPINION_DELIVERED, freely), /* where he signs: an agency's own practice */
    ROW(SW, COURT_ORDER_ISSUED, court_paper),
    ROW(INT, COURT_ORDER_ISSUED, court_paper),
    ROW(FA, COURT_INSIGHT_REQUESTED, freely),
    ROW(IC, COURT_INSIGHT_REQUESTED, freely),

    ROW(IC, MEETING_CONVENED, meetings_ic),
    ROW(IC, MEETING_HELD, meetings_ic),
    ROW(IC, MEETING_AGREEMENTS_ISSUED, meetings_ic),
    ROW(OUS, MEETING_CONVENED, meetings_ous),
    ROW(OUS, MEETING_HELD, meetings_ous),
    ROW(OUS, MEETING_AGREEMENTS_ISSUED, meetings_ous),
    ROW(IDT, MEETING_CONVENED, meetings_idt),
    ROW(IDT, MEETING_HELD, meetings_idt),
    ROW(IDT, MEETING_AGREEMENTS_ISSUED, meetings_idt),
    ROW(FCC, MEETING_CONVENED, meetings_child),
    ROW(FCC, MEETING_HELD, meetings_child),
    ROW(FCC, MEETING_AGREEMENTS_ISSUED, meetings_child),
    ROW(CCF, MEETING_CONVENED, meetings_child),
    ROW(CCF, MEETING_HELD, meetings_child),
    ROW(CCF, MEETING_AGREEMENTS_ISSUED, meetings_child),

    ROW(FA, IPUS_AGREED, as_coordinator),
    ROW(FA, IPUS_UPDATED, as_coordinator),
    ROW(FA, IPUS_CONCLUDED, as_coordinator),
    ROW(OUS, IPUS_APPROVED, approver),
    ROW(OSL, IPUS_SERVICE_REPORTED, provider),
    ROW(MUN, IPUS_SERVICE_REPORTED, provider),
    ROW(SCH, IPUS_SERVICE_REPORTED, provider),
    ROW(FCC, IPUS_SERVICE_REPORTED, provider),
    ROW(CCF, IPUS_SERVICE_REPORTED, provider),
    ROW(HLT, IPUS_SERVICE_REPORTED, provider),
    ROW(SVC, IPUS_SERVICE_REPORTED, provider),

    ROW(INT, INFO_REQUESTED, on_behalf),
    ROW(INT, INFO_PROVIDED, on_behalf),
};

static const struct condition *
condition_find(unsigned role, uint32_t type)
{
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
        if (conditions[i].role == role && conditions[i].type == type)
            return &conditions[i];
    return NULL;
}

bool
conditions_known(unsigned role, uint32_t type)
{
    return condition_find(role, type) != NULL;
}

int
decide_conditions(struct deciding *d, unsigned role, bool conditional)
{
    const struct condition *condition = condition_find(role, d->type);

    if (condition != NULL)
        return condition->check(d);
    return conditional ? refuse_role(d) : 0;
}
