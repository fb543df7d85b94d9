/*
 * What a unit knows of a course ends with its relation: the acts up to there are folded again. Who has an open one is
 * told what the state says. So nobody learns here what he was not told by the events that he was given.
 */
#include "broker/core/course.h"

#include "broker/core/acts.h"
#include "broker/core/clocks.h"
#include "broker/core/parts.h"
#include "broker/core/view.h"

#include "proto/date.h"
#include "proto/limits.h"

#include <assert.h>
#include <string.h>

#define OPEN_END UINT64_MAX

/* How far a unit follows a course: up to that record, 0: not at all. */
struct reach {
    uint64_t sent; /* as one that sent it: the outcome alone */
    uint64_t full; /* as one that works on it, or looks on and may_follow() */
    bool received; /* it was its to answer, or to carry on */
    bool part;     /* ... in part */
};

static uint64_t
relation_end(const struct core *core, const struct relation *relation)
{
    if (relation->until_seq != 0)
        return relation->until_seq;
    return relation_is_open(&core->dossiers, relation, core->latest_ms) ? OPEN_END : 0;
}

static void
extend(uint64_t *end, uint64_t by)
{
    *end = by > *end ? by : *end;
}

static bool
gives_notes(const struct core *core, uint32_t roles, uint32_t type)
{
    for (unsigned role = 1; role < 32; role++)
        if ((roles >> role & 1u) != 0 && (policy_cell(core->policy, type, role).full >> 6 & 1u) != 0)
            return true;
    return false;
}

/* Where a case stands comes from S6 of interviews and requests for an assistant. */
static bool
may_follow_case(const struct core *core, uint32_t unit)
{
    uint32_t roles = core->directory.units[unit].roles;

    return core->policy != NULL && gives_notes(core, roles, TYPE(CASE_INTERVIEW_COMPLETED)) &&
           gives_notes(core, roles, TYPE(CASE_ASSISTANT_REQUESTED));
}

/* Status and turn come from S6 of answers. Who works on it must know; of those who look on or take part, only whom the
 * policy gives all of these in full. */
static bool
may_follow(const struct core *core, uint32_t unit)
{
    return may_follow_case(core, unit) && gives_notes(core, core->directory.units[unit].roles, TYPE(REFERRAL_ANSWERED));
}

static struct reach
reach_of(const struct core *core, uint32_t unit, const struct dossier *dossier)
{
    struct reach reach = {0};

    /* An auditor is given class S0, which has the outcome; content takes a reason (core_view). */
    if ((core->directory.units[unit].roles & ROLE_BIT(AUD)) != 0)
        reach.sent = OPEN_END;
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (!relation_is_of(&core->directory, dossier, relation, unit))
            continue;
        switch ((enum relation_kind)relation->kind) {
        case RELATION_REFERRER: extend(&reach.sent, relation_end(core, relation)); break;
        case RELATION_HOLDER:
        case RELATION_PENDING:
            reach.received = true;
            extend(&reach.full, relation_end(core, relation));
            break;
        case RELATION_SUCCESSOR: extend(&reach.full, relation_end(core, relation)); break;
        case RELATION_OFFICE:
        case RELATION_PARTICIPANT:
            if (may_follow(core, unit))
                extend(&reach.full, relation_end(core, relation));
            break;
        case RELATION_AUTHOR:
        case RELATION_ADDRESSEE:
        case RELATION_INVITEE:
        case RELATION_PROVIDER:
        case RELATION_PARTY:
        case RELATION_KIND_COUNT: break;
        }
    }
    for (uint32_t i = dossier->things; i != THING_NONE && !reach.part; i = core->dossiers.things.at[i].next)
        reach.part = core->dossiers.things.at[i].machine == MACHINE_PART &&
                     core->dossiers.things.at[i].number == unit + 1;
    return reach;
}

/* The state after the record `end`, out of the dossier's own acts; what was recalled since was never said. */
static struct matter
matter_at(const struct dossier *dossier, uint64_t end)
{
    struct matter matter = {0};

    if (end == OPEN_END)
        return dossier->matter;
    for (uint32_t i = 0; i < dossier->act_count && act_seq(&dossier->acts[i]) <= end; i++) {
        const struct act *act = &dossier->acts[i];

        if ((act->flags & ACT_RECALLED) == 0)
            matter_step(&matter, act);
        else if (act->input == IN_SUBMITTED && matter.referral == REFERRAL_NONE)
            matter.referral = REFERRAL_ENTERED_IN_ERROR;
    }
    return matter;
}

/* What the referrer is told of that state; "": nothing yet. */
static const char *
outcome_word(enum referral_state state)
{
    switch (state) {
    case REFERRAL_RECEIVED:
    case REFERRAL_ON_HOLD: return "RECEIVED";
    case REFERRAL_ACCEPTED:
    case REFERRAL_IN_PROGRESS: return "TAKEN_UP";
    case REFERRAL_COMPLETED: return "DONE";
    case REFERRAL_REJECTED:
    case REFERRAL_FAILED:
    case REFERRAL_CANCELLED: return "NOT_TAKEN_UP";
    case REFERRAL_NONE:
    case REFERRAL_REQUESTED:
    case REFERRAL_ENTERED_IN_ERROR:
    case REFERRAL_STATE_COUNT: break;
    }
    return "";
}

static bool
is_under_way(uint8_t state)
{
    switch ((enum referral_state)state) {
    case REFERRAL_REQUESTED:
    case REFERRAL_RECEIVED:
    case REFERRAL_ACCEPTED:
    case REFERRAL_IN_PROGRESS:
    case REFERRAL_ON_HOLD: return true;
    case REFERRAL_NONE:
    case REFERRAL_COMPLETED:
    case REFERRAL_FAILED:
    case REFERRAL_CANCELLED:
    case REFERRAL_REJECTED:
    case REFERRAL_ENTERED_IN_ERROR:
    case REFERRAL_STATE_COUNT: break;
    }
    return false;
}

/* The newest unit that had the relation after the record `end`; what ended with that record had ended. */
static uint32_t
unit_with(const struct core *core, const struct dossier *dossier, enum relation_kind kind, uint64_t end)
{
    uint32_t found = CORE_UNIT_NONE;
    uint64_t from = 0;

    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];
        uint64_t until = relation_end(core, relation);

        if (relation->kind == kind && relation->from_seq <= end && (until > end || until == OPEN_END) &&
            relation->from_seq >= from) {
            found = relation->who;
            from = relation->from_seq;
        }
    }
    return found;
}

/* The act ends what was announced before it: the referral is answered anew, sent on or over, or its case is. */
static bool
ends_step(const struct act *act)
{
    switch (act->input) {
    case IN_RECEIVED:
    case IN_ACCEPTED:
    case IN_REJECTED:
    case IN_ON_HOLD:
    case IN_FORWARDED:
    case IN_COMPLETED:
    case IN_FAILED:
    case IN_CANCELLED:
    case IN_CLOSED:
    case IN_CLOSED_MONITORED: return true;
    default: return false;
    }
}

/* The announced step was taken, up to the record `end`, in the referral or in the case that took it up. */
static bool
is_taken(const struct core *core, const struct dossier *dossier, const struct act *said, uint64_t end)
{
    struct kin kin;

    clocks_kin(&core->dossiers, (uint32_t)(dossier - core->dossiers.at), &kin);
    for (size_t k = 0; k < kin.count; k++) {
        const struct dossier *d = &core->dossiers.at[kin.at[k]];

        for (uint32_t i = 0; i < d->act_count; i++) {
            const struct act *act = &d->acts[i];

            if (act_seq(act) <= act_seq(said) || act_seq(act) > end || (act->flags & (ACT_RECALLED | ACT_COPIED)) != 0)
                continue;
            if (ends_step(act) || (act->input == IN_NONE && act->code == ACT_CODE_STEP && act->number == said->number))
                return true;
        }
    }
    return false;
}

const struct act *
course_announced(const struct core *core, const struct dossier *dossier, uint64_t end)
{
    const struct act *said = NULL;

    if (!is_under_way(matter_at(dossier, end).referral))
        return NULL;
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if ((act->flags & ACT_RECALLED) != 0 || act_seq(act) > end)
            continue;
        if (act->input == IN_NONE && act->code == ACT_CODE_NEXT)
            said = act;
    }
    return said != NULL && is_taken(core, dossier, said, end) ? NULL : said;
}

bool
course_is_told(const struct core *core, uint32_t unit, const struct dossier *dossier)
{
    return reach_of(core, unit, dossier).full == OPEN_END;
}

/*
 * Whose turn it is. An answer may say it, until that unit took the step, or the referral is answered anew, sent on or
 * over. Else it is for the unit that was asked last and has not taken it up yet, and after that for the holder.
 */
static void
next_step(const struct core *core, const struct dossier *dossier, uint64_t end, struct core_course *ret)
{
    const struct act *said = course_announced(core, dossier, end);
    uint32_t pending = unit_with(core, dossier, RELATION_PENDING, end);

    ret->next_said = said != NULL;
    ret->next_unit = said != NULL ? said->number : pending != CORE_UNIT_NONE ? pending : ret->holder;
    if (said != NULL && said->day != DATE_NONE)
        date_format(said->day, ret->next_due);
}

static struct core_state
state_of(enum machine_kind machine, uint8_t state)
{
    const struct state_text *text = &machine_at(machine)->states[state];

    return state == 0 ? (struct core_state){"", "", ""} : (struct core_state){text->name, text->pl, text->en};
}

/* To who is not given the interviews: that there is a case with a plan of services alone, or that it is closed. */
static struct core_state
case_state_for(const struct core *core, uint32_t unit, uint8_t kase)
{
    bool told = kase == CASE_IPUS_ONLY || kase == CASE_CLOSED || may_follow_case(core, unit);

    return state_of(MACHINE_CASE, told ? kase : (uint8_t)CASE_NONE);
}

static void
course_fill(const struct core *core, uint32_t unit, const struct dossier *dossier, const struct reach *reach,
            struct core_course *ret)
{
    uint64_t end = reach->full > reach->sent ? reach->full : reach->sent;
    struct matter matter = matter_at(dossier, end);

    memset(ret, 0, sizeof *ret);
    memcpy(ret->dossier_id, dossier->id, sizeof ret->dossier_id);
    ret->opened_seq = dossier->opened_seq;
    ret->opened_ms = dossier->opened_ms;
    ret->holder = ret->next_unit = CORE_UNIT_NONE;
    ret->sent = reach->sent != 0;
    ret->received = reach->received || reach->part;
    ret->dossier = (uint32_t)(dossier - core->dossiers.at);
    ret->whole = reach->full != 0;
    ret->outcome = outcome_word((enum referral_state)matter.referral);
    ret->referral = ret->kase = state_of(MACHINE_REFERRAL, REFERRAL_NONE);
    /* That it was a mistake, everyone who was given it is told. */
    if (matter.referral == REFERRAL_ENTERED_IN_ERROR)
        ret->referral = state_of(MACHINE_REFERRAL, matter.referral);
    if (reach->full == 0)
        return;
    matter = matter_at(dossier, reach->full);
    ret->referral = state_of(MACHINE_REFERRAL, matter.referral);
    ret->kase = case_state_for(core, unit, matter.kase);
    ret->holder = unit_with(core, dossier, RELATION_HOLDER, reach->full);
    if (is_under_way(matter.referral))
        next_step(core, dossier, reach->full, ret);
}

static bool
add(const struct core *core, uint32_t unit, const struct dossier *dossier, struct core_course *ret)
{
    struct reach reach = reach_of(core, unit, dossier);

    if (reach.sent == 0 && reach.full == 0 && !reach.part)
        return false;
    course_fill(core, unit, dossier, &reach, ret);
    return true;
}

size_t
core_course_parts(const struct core *core, uint32_t unit, const struct core_course *course,
                  struct core_part ret[CORE_PARTS_MAX])
{
    const struct things *things = &core->dossiers.things;
    size_t count = 0;

    assert(course->dossier < core->dossiers.count);
    for (uint32_t i = core->dossiers.at[course->dossier].things; i != THING_NONE; i = things->at[i].next) {
        const struct thing *thing = &things->at[i];
        uint32_t with = thing->number == 0 ? CORE_UNIT_NONE : thing->number - 1;
        size_t at;

        if (thing->machine != MACHINE_PART || thing->state == PART_NONE || count == CORE_PARTS_MAX ||
            (!course->whole && with != unit))
            continue;
        for (at = count++; at > 0 && ret[at - 1].no > part_no(thing); at--)
            ret[at] = ret[at - 1];
        ret[at] = (struct core_part){.no = part_no(thing),
                                     .state = state_of(MACHINE_PART, thing->state),
                                     .unit = with < core->directory.unit_count ? with : CORE_UNIT_NONE};
    }
    return count;
}

/* ---- of one dossier, of all */

static const struct dossier *
dossier_of_entry(const struct core *core, uint32_t entry)
{
    return &core->dossiers.at[dossiers_by_entry(&core->dossiers, entry)];
}

size_t
core_course(const struct core *core, uint32_t unit, const uint8_t dossier_id[16], struct core_course *ret)
{
    uint32_t entry = core_dossier_for(core, unit, dossier_id);

    return entry != 0 && add(core, unit, dossier_of_entry(core, entry), ret) ? 1 : 0;
}

/* Where the dossiers opened at or after from_seq begin; entries ascend as dossiers are opened. */
static uint32_t
list_from(const struct core *core, const struct numbers *list, uint64_t from_seq)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (dossier_of_entry(core, list->at[middle])->opened_seq < from_seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t
core_referrals(const struct core *core, uint32_t unit, uint64_t from_seq, struct core_course *ret, size_t max,
               uint64_t *ret_next_seq)
{
    const struct numbers *own, *office;
    uint32_t i, j, looked_at = 0;
    size_t count = 0;

    assert(unit < core->directory.unit_count);
    assert(max > 0);
    view_unit_lists(core, unit, &own, &office);
    i = list_from(core, own, from_seq);
    j = list_from(core, office, from_seq);
    *ret_next_seq = 0;
    while (i < own->count || j < office->count) {
        uint32_t a = i < own->count ? own->at[i] : UINT32_MAX, b = j < office->count ? office->at[j] : UINT32_MAX;
        const struct dossier *dossier = dossier_of_entry(core, a < b ? a : b);

        if (count == max || looked_at++ == COURSES_LOOKED_AT_MAX) {
            *ret_next_seq = dossier->opened_seq;
            break;
        }
        if (dossier->kind == OPENS_REFERRAL && add(core, unit, dossier, &ret[count]))
            count++;
        i += a <= b;
        j += b <= a;
    }
    return count;
}
