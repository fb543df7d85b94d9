/*
 * What the procedure says of an event: first the rules of its form (forms.c), then the machines, then the rules that
 * look at what the dossier already holds. Dates are those of the payloads, whatever the order in which they came.
 */
#include "broker/core/decide.h"
#include "broker/core/parts.h"
#include "broker/core/rules.h"
#include "proto/date.h"

#include <string.h>

/* ---- the machines */

static size_t
section_of(const struct deciding *d, unsigned cls)
{
    size_t at = 0;

    return facts_next(d->event, cls, &at) == NULL ? 0 : at - 1;
}

static int
take_arrow(struct deciding *d, const struct arrow *arrow)
{
    if (arrow == NULL || arrow->rule == RULE_NONE)
        return 0;
    if (arrow->to == TO_REFUSED && arrow->rule == RULE_I20)
        return decide_refuse_rule_body(d, RULE_I20, section_of(d, 0), "version");
    if (arrow->to == TO_REFUSED)
        return decide_refuse_rule(d, (enum rule)arrow->rule, "header.type");
    return decide_warn(d, (enum rule)arrow->rule, "header.type");
}

static struct matter
matter_of(const struct deciding *d, uint32_t dossier)
{
    return dossier == DOSSIER_NONE ? (struct matter){0} : d->core->dossiers.at[dossier].matter;
}

static int
ask_machines(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    struct act_about what = act_of_event(d->event, d->command->seq);
    struct matter matter = matter_of(d, d->dossier);
    struct thing none = {.day = DATE_NONE}, *of = &none;
    uint32_t guards, thing = THING_NONE;
    int rc;

    if (what.act.input == IN_NONE)
        return 0;
    if (d->dossier != DOSSIER_NONE && rules_others(ds, d->dossier, d->acting, d->command->now_ms))
        what.act.flags |= ACT_OTHERS;
    if (what.machine != MACHINE_COUNT)
        thing = rules_thing(ds, d->dossier, what.machine, what.ref);
    if (thing != THING_NONE)
        of = &ds->things.at[thing];
    if (what.act.input == IN_CONSENT_WITHDRAWN && (of->flags & THING_COOPERATION) != 0)
        what.act.input = IN_COOPERATION_WITHDRAWN;
    guards = act_guards(&matter, of, &what.act);
    rc = take_arrow(d, machine_find(MACHINE_REFERRAL, matter.referral, (enum input)what.act.input, guards));
    if (rc == 0)
        rc = take_arrow(d, machine_find(MACHINE_CASE, matter.kase, (enum input)what.act.input, guards));
    if (rc == 0 && what.machine != MACHINE_COUNT)
        rc = take_arrow(d, machine_find(what.machine, of->state, (enum input)what.act.input, guards));
    return rc;
}

/* Who completes the parts that it has says nothing of the whole. */
static bool
is_about_the_whole(const struct parts *parts)
{
    return parts->input != IN_PART_COMPLETED && parts->input != IN_PART_FAILED && parts->input != IN_PART_CANCELLED;
}

static int
ask_courses(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    struct parts parts;
    int rc = 0;

    parts_of_event(ds, d->dossier, d->acting, d->command->now_ms, d->event, &parts);
    if (is_about_the_whole(&parts))
        rc = ask_machines(d);
    for (size_t i = 0; i < parts.count && rc == 0; i++) {
        uint32_t thing = THING_NONE;
        uint8_t ref[16];

        part_ref(parts.at[i], ref);
        if (d->dossier != DOSSIER_NONE)
            thing = things_find(&ds->things, MACHINE_PART, d->dossier, ref);
        rc = take_arrow(d, machine_find(MACHINE_PART, thing == THING_NONE ? PART_NONE : ds->things.at[thing].state,
                                        parts.input, 0));
    }
    return rc;
}

/* A case that takes a referral up moves the referral, which lies in its own dossier. */
static int
ask_referral(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    uint8_t id[16];
    uint32_t other;

    if (d->type != TYPE(CASE_LINKED) ||
        strcmp(FACTS_TEXT(d->event, 0, Wici__V1__CaseLinkedS0, kind), "REFERRAL_OF") != 0 ||
        uuid_parse(FACTS_TEXT(d->event, 0, Wici__V1__CaseLinkedS0, other_dossier), id) != 0)
        return 0;
    other = dossiers_find(ds, id);
    return other == DOSSIER_NONE
               ? 0
               : take_arrow(d, machine_find(MACHINE_REFERRAL, ds->at[other].matter.referral, IN_TAKEN_UP, 0));
}

/* ---- rules on meetings */

static bool
attended(const struct event *event, unsigned role)
{
    const Wici__V1__MeetingHeldS6 *body;

    for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_attendance; i++)
            if (body->attendance[i]->role == role)
                return true;
    return false;
}

static int
first_contact(struct deciding *d, size_t section)
{
    const struct matter matter = matter_of(d, d->dossier);
    int32_t day = facts_day(FACTS_TEXT(d->event, 0, Wici__V1__MeetingHeldS0, held_on));
    int rc = 0;

    if (day != DATE_NONE && (d->dossier == DOSSIER_NONE || !rules_basis(&d->core->dossiers, d->dossier, day)))
        rc = decide_warn(d, RULE_I7, "header.type");
    if (rc == 0 && (matter.flags & MATTER_ZZ) == 0 && !attended(d->event, WICI__V1__ROLE__SW))
        rc = decide_warn_body(d, RULE_I8, section, "attendance");
    return rc;
}

static int
meeting_held(struct deciding *d)
{
    size_t section;
    const char *kind = FACTS_TEXT_SECTION(d->event, 6, Wici__V1__MeetingHeldS6, kind, &section);
    uint8_t state = matter_of(d, d->dossier).kase;

    if (strcmp(kind, "FIRST_CONTACT") == 0)
        return first_contact(d, section);
    if (strncmp(kind, "MULTI_PROFESSIONAL_", 19) != 0 || state < CASE_ASSIGNED || state > CASE_SUSPENDED ||
        (attended(d->event, WICI__V1__ROLE__SW) && attended(d->event, WICI__V1__ROLE__FA)))
        return 0;
    return decide_warn_body(d, RULE_I9, section, "attendance");
}

static bool
is_of_protocol(const struct dossiers *ds, uint32_t dossier, uint32_t meeting, const char *sha256)
{
    uint64_t document = rules_document(sha256);

    for (EACH_OF_GROUP(ds, member, dossier))
        for (uint32_t i = 0; i < ds->at[member].act_count; i++) {
            const struct act *act = &ds->at[member].acts[i];

            if (act->input == IN_NONE && act->code == ACT_CODE_DOCUMENT && act->thing == meeting &&
                ((uint64_t)(uint32_t)act->day << 32 | act->number) == document)
                return true;
        }
    return false;
}

/* The protocol stays with those who led the meeting: the others get their rows, and not the paper by another way. */
static int
agreements_issued(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    const Wici__V1__MeetingAgreementsIssuedS6 *body;
    uint8_t ref[16];
    uint32_t meeting;

    if (d->dossier == DOSSIER_NONE || !facts_ref(d->event, ref))
        return 0;
    meeting = rules_thing(ds, d->dossier, MACHINE_MEETING, ref);
    if (meeting == THING_NONE)
        return 0;
    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_documents; i++)
            if (is_of_protocol(ds, d->dossier, meeting, body->documents[i]->sha256))
                return decide_refuse_rule_item(d, RULE_I13, at - 1, "documents", i, "");
    return 0;
}

/* ---- rules on plans */

static bool
has_ipus(const struct dossiers *ds, uint32_t dossier)
{
    for (EACH_OF_GROUP(ds, member, dossier))
        for (uint32_t i = ds->at[member].things; i != THING_NONE; i = ds->things.at[i].next)
            if (ds->things.at[i].machine == MACHINE_IPUS &&
                (ds->things.at[i].state == IPUS_IS_AGREED || ds->things.at[i].state == IPUS_IS_APPROVED))
                return true;
    return false;
}

static bool
consulted(const struct event *event, uint32_t roles)
{
    const Wici__V1__CasePlanUpdatedS0 *body;

    for (size_t at = 0; (body = facts_next(event, 0, &at)) != NULL;)
        for (size_t i = 0; i < body->n_consulted_with; i++)
            if ((roles & 1u << (unsigned)body->consulted_with[i]->role) != 0)
                return true;
    return false;
}

static int
plan_updated(struct deciding *d)
{
    const struct matter matter = matter_of(d, d->dossier);
    int rc = 0;

    if (strcmp(FACTS_TEXT(d->event, 6, Wici__V1__CasePlanUpdatedS6, plan_kind), "WORK_PLAN") != 0)
        return 0;
    if (!consulted(d->event, ROLE_BIT(SW)) ||
        ((matter.flags & MATTER_CARE) != 0 && !consulted(d->event, ROLE_BIT(FCC) | ROLE_BIT(CCF))))
        rc = decide_warn(d, RULE_I24, "header.type");
    if (rc == 0 && d->dossier != DOSSIER_NONE && has_ipus(&d->core->dossiers, d->dossier) &&
        FACTS_TEXT(d->event, 0, Wici__V1__CasePlanUpdatedS0, coherent_with_ipus_id)[0] == '\0')
        rc = decide_warn(d, RULE_I25, "header.type");
    return rc;
}

/* ---- rules on representing a person, and on opinions */

static bool
scope_has(const struct dossiers *ds, uint32_t scope, const char *id)
{
    for (uint32_t i = 0; i < ds->about[scope]; i++)
        if (strcmp(strings_at(&ds->persons, ds->about[scope + 1 + i]), id) == 0)
            return true;
    return false;
}

static bool
authorises(const struct deciding *d, const struct thing *consent, int32_t day)
{
    const struct dossiers *ds = &d->core->dossiers;
    const struct directory *directory = &d->core->directory;

    if (consent->state != CONSENT_ACTIVE || (consent->flags & THING_ZZ) == 0 ||
        (consent->until != DATE_NONE && day != DATE_NONE && consent->until < day) || d->note->n_resolved_to == 0)
        return false;
    for (size_t i = 0; i < d->note->n_resolved_to; i++) {
        const char *id = d->note->resolved_to[i];
        uint32_t unit = directory_unit(directory, id);

        if (!scope_has(ds, consent->scope, id) &&
            (unit == DIRECTORY_NONE || !scope_has(ds, consent->scope, directory_unit_agency_id(directory, unit))))
            return false;
    }
    return true;
}

static int
represented(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    const Wici__V1__InfoRequestedS6 *body;
    int32_t day = facts_day(FACTS_TEXT(d->event, 0, Wici__V1__InfoRequestedS0, requested_on));

    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;) {
        uint8_t ref[16];
        uint32_t consent = THING_NONE;

        if (body->representing == NULL)
            continue;
        if (uuid_parse(body->representing->consent_ref, ref) == 0)
            consent = rules_thing(ds, d->dossier, MACHINE_CONSENT, ref);
        if (consent == THING_NONE || !authorises(d, &ds->things.at[consent], day))
            return decide_refuse_rule_body(d, RULE_I27, at - 1, "representing.consentRef");
    }
    return 0;
}

static int
opinion_delivered(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    const struct core_named *cause = d->command->cause;

    if (cause != NULL && cause->event->type->number == TYPE(COURT_OPINION_REQUESTED) && d->dossier != DOSSIER_NONE &&
        dossiers_by_entry(ds, cause->entry) != DOSSIER_NONE &&
        dossiers_same_group(ds, d->dossier, dossiers_by_entry(ds, cause->entry)))
        return 0;
    if (d->dossier != DOSSIER_NONE)
        for (EACH_OF_GROUP(ds, member, d->dossier))
            for (uint32_t i = 0; i < ds->at[member].act_count; i++)
                if (ds->at[member].acts[i].input == IN_OPINION_REQUESTED &&
                    (ds->at[member].acts[i].flags & ACT_RECALLED) == 0)
                    return 0;
    return decide_refuse_rule(d, RULE_I31, "header.causationId");
}

static int
ask_state(struct deciding *d)
{
    switch (d->type) {
    case WICI__V1__EVENT_TYPE__MEETING_HELD: return meeting_held(d);
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED: return agreements_issued(d);
    case WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED: return plan_updated(d);
    case WICI__V1__EVENT_TYPE__IPUS_AGREED: return decide_ipus_agreed(d);
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED: return decide_ipus_updated(d);
    case WICI__V1__EVENT_TYPE__INFO_REQUESTED: return represented(d);
    case WICI__V1__EVENT_TYPE__COURT_OPINION_DELIVERED: return opinion_delivered(d);
    default: return 0;
    }
}

int
decide_rules(struct deciding *d)
{
    int rc;

    if (facts_is_recall(d->event))
        return 0; /* it only takes back */
    rc = decide_forms(d);
    /* What is said again, better, stands where it was first said: the order was judged then. */
    if (rc == 0 && d->event->header->corrects_event_id[0] == '\0') {
        rc = ask_courses(d);
        if (rc == 0)
            rc = ask_referral(d);
    }
    if (rc == 0)
        rc = ask_state(d);
    return rc;
}
