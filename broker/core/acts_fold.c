/*
 * The fold of acts: the things of a dossier, one step, and all steps again after a correction. Acts of a dossier lie in
 * the order of the log. A fold starts from nothing and never refuses.
 */
#include "broker/core/dossier.h"
#include "proto/date.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64u

/* ---- things */

static uint32_t
thing_slot(const struct things *things, enum machine_kind machine, uint32_t dossier, const uint8_t ref[16])
{
    uint32_t slot = ((uint32_t)hash_bytes(ref, 16) ^ dossier * 0x9e3779b1u) & things->slot_mask;

    for (; things->slots[slot] != THING_NONE; slot = (slot + 1) & things->slot_mask) {
        const struct thing *thing = &things->at[things->slots[slot]];

        if (thing->dossier == dossier && thing->machine == machine && memcmp(thing->ref, ref, 16) == 0)
            break;
    }
    return slot;
}

uint32_t
things_find(const struct things *things, enum machine_kind machine, uint32_t dossier, const uint8_t ref[16])
{
    return things->slot_mask == 0 ? THING_NONE : things->slots[thing_slot(things, machine, dossier, ref)];
}

static int
things_room(struct things *things)
{
    void *at = things->at;
    uint32_t count, *slots;
    int rc = array_grow(&at, &things->cap, things->count, sizeof *things->at);

    if (rc != 0)
        return rc;
    things->at = at;
    if (things->count == 0)
        things->at[things->count++] = (struct thing){0};
    if (things->slot_mask != 0 && things->count < things->slot_mask / 2)
        return 0;
    count = things->slot_mask == 0 ? SLOTS_MIN : (things->slot_mask + 1) * 2;
    slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    free(things->slots);
    things->slots = slots;
    things->slot_mask = count - 1;
    for (uint32_t i = 1; i < things->count; i++) {
        const struct thing *thing = &things->at[i];

        slots[thing_slot(things, (enum machine_kind)thing->machine, thing->dossier, thing->ref)] = i;
    }
    return 0;
}

static void
thing_reset(struct thing *thing)
{
    thing->state = thing->before = thing->flags = 0;
    thing->number = 0;
    thing->day = thing->until = DATE_NONE;
}

int
acts_thing(struct dossiers *ds, uint32_t dossier, enum machine_kind machine, const uint8_t ref[16], uint32_t *ret)
{
    struct things *things = &ds->things;
    struct thing *thing;
    int rc;

    *ret = things_find(things, machine, dossier, ref);
    if (*ret != THING_NONE)
        return 0;
    rc = things_room(things);
    if (rc == 0)
        rc = things_room(things); /* the first time made things[0] */
    if (rc != 0)
        return rc;
    *ret = things->count++;
    thing = &things->at[*ret];
    *thing = (struct thing){
        .dossier = dossier, .next = ds->at[dossier].things, .machine = (uint8_t)machine, .who = STRINGS_NONE};
    memcpy(thing->ref, ref, 16);
    thing_reset(thing);
    things->slots[thing_slot(things, machine, dossier, ref)] = *ret;
    ds->at[dossier].things = *ret;
    return 0;
}

void
things_clear(struct things *things)
{
    free(things->at);
    free(things->slots);
    memset(things, 0, sizeof *things);
}

/* ---- one step */

uint32_t
act_guards(const struct matter *matter, const struct thing *thing, const struct act *act)
{
    uint32_t guards = 0, number = thing != NULL ? thing->number : 0;

    guards |= (act->flags & ACT_LATE) != 0 ? GUARD_BIT(LATE) : 0;
    guards |= (act->flags & ACT_OTHERS) != 0 ? GUARD_BIT(OTHERS) : 0;
    guards |= (matter->flags & MATTER_ORDER) != 0 ? GUARD_BIT(ORDER) : 0;
    guards |= (matter->flags & MATTER_ZZ) != 0 ? GUARD_BIT(ZZ) : 0;
    guards |= (matter->flags & MATTER_NEEDED) != 0 ? GUARD_BIT(NEEDED) : 0;
    guards |= (matter->flags & MATTER_BOTH) != 0 ? GUARD_BIT(BOTH) : 0;
    guards |= matter->monitor_until == 0 || act->day >= matter->monitor_until ? GUARD_BIT(PLAN_DONE) : 0;
    guards |= matter->referral_before == REFERRAL_REQUESTED || matter->referral_before == REFERRAL_RECEIVED
                  ? GUARD_BIT(UNTAKEN)
                  : 0;
    guards |= act->number == number + 1 ? GUARD_BIT(NEXT) : 0;
    guards |= act->number == number ? GUARD_BIT(CURRENT) : 0;
    return guards;
}

/* What the case hears of it. */
static uint8_t
heard(const struct act *act)
{
    return act->input == IN_SUBMITTED && (act->flags & ACT_ZZ) != 0 ? (uint8_t)IN_ZZ_APPLIED : act->input;
}

static void
matter_flags(struct matter *matter, const struct act *act)
{
    uint8_t set = 0, clear = 0;

    switch (heard(act)) {
    case IN_CASE_OPENED:
    case IN_CASE_OPENED_IPUS:
        if ((act->flags & ACT_ZZ) != 0 && matter->kase == CASE_OPENED)
            set |= MATTER_ZZ;
        /* Whatever is brought in later goes on beside the plan of services. */
        set |= act->input == IN_CASE_OPENED_IPUS || (act->flags & ACT_BOTH) != 0 ? MATTER_BOTH : 0;
        set |= (act->flags & ACT_CARE) != 0 ? MATTER_CARE : 0;
        break;
    case IN_ZZ_APPLIED: set = matter->kase == CASE_OPENED || matter->kase == CASE_NONE ? MATTER_ZZ : 0; break;
    case IN_INTERVIEW_NEEDED: set = MATTER_NEEDED; break;
    case IN_INTERVIEW_OTHER:
    case IN_INTERVIEW_NO_NEED: clear = MATTER_NEEDED; break;
    case IN_ORDER_ISSUED: set = MATTER_ORDER; break;
    case IN_ORDER_REVOKED: clear = MATTER_ORDER; break;
    case IN_IN_CARE: set = MATTER_CARE; break;
    case IN_BACK_HOME: clear = MATTER_CARE; break;
    case IN_WORK_PLAN: set = MATTER_PLAN; break;
    case IN_CLOSED_MONITORED: matter->monitor_until = (uint16_t)act->number; break;
    default: break;
    }
    matter->flags = (uint8_t)((matter->flags | set) & ~clear);
}

void
matter_step(struct matter *matter, const struct act *act)
{
    uint32_t guards = act_guards(matter, NULL, act);
    const struct arrow *arrow = machine_find(MACHINE_REFERRAL, matter->referral, (enum input)act->input, guards);
    bool refused = arrow != NULL && arrow->to == TO_REFUSED;

    if (arrow != NULL)
        matter->referral = machine_take(arrow, matter->referral, &matter->referral_before);
    arrow = machine_find(MACHINE_CASE, matter->kase, (enum input)heard(act), guards);
    refused = refused || (arrow != NULL && arrow->to == TO_REFUSED);
    if (arrow != NULL)
        matter->kase = machine_take(arrow, matter->kase, &matter->case_before);
    if (!refused)
        matter_flags(matter, act);
}

static void
thing_step(struct thing *thing, const struct matter *matter, const struct act *act)
{
    const struct arrow *arrow = machine_find((enum machine_kind)thing->machine, thing->state, (enum input)act->input,
                                             act_guards(matter, thing, act));

    if (arrow == NULL || arrow->to == TO_REFUSED)
        return;
    thing->state = machine_take(arrow, thing->state, &thing->before);
    switch (act->input) {
    case IN_IPUS_AGREED:
        thing->day = act->day;
        thing->number = act->number;
        break;
    case IN_IPUS_UPDATED: thing->number = act->number; break;
    case IN_PART_NAMED: thing->flags |= THING_NAMED; break;
    case IN_PART_FORWARDED: thing->number = act->number + 1; break;
    case IN_CONVENED:
    case IN_CALLED_OFF: thing->number = act->number > thing->number ? act->number : thing->number; break;
    case IN_HELD:
    case IN_HELD_FIRST_CONTACT: thing->day = act->day; break;
    case IN_CONSENT_GRANTED:
    case IN_COOPERATION_GRANTED:
        thing->flags = act->code;
        thing->day = act->day;
        thing->until = (int32_t)act->number;
        thing->number = (uint32_t)DATE_NONE;
        break;
    case IN_CONSENT_WITHDRAWN:
    case IN_COOPERATION_WITHDRAWN:
    case IN_CONSENT_REFUSED: thing->number = (uint32_t)act->day; break;
    default: break;
    }
}

/* ---- parts of an application, which ends with the last of them */

static bool
is_part(const struct dossiers *ds, const struct act *act)
{
    return act->thing != THING_NONE && ds->things.at[act->thing].machine == MACHINE_PART;
}

/* After an act on a part: have all that the application names ended? Done if one was done. */
static void
settle(const struct dossiers *ds, const struct act *act, struct matter *matter)
{
    static const enum referral_state ends[PART_STATE_COUNT] = {[PART_IS_COMPLETED] = REFERRAL_COMPLETED,
                                                               [PART_HAS_FAILED] = REFERRAL_FAILED,
                                                               [PART_IS_REJECTED] = REFERRAL_REJECTED,
                                                               [PART_IS_CANCELLED] = REFERRAL_CANCELLED};
    static const enum part_state order[] = {PART_IS_COMPLETED, PART_HAS_FAILED, PART_IS_REJECTED, PART_IS_CANCELLED};
    const uint32_t ended = 1u << PART_IS_COMPLETED | 1u << PART_HAS_FAILED | 1u << PART_IS_REJECTED |
                           1u << PART_IS_CANCELLED;
    uint32_t seen = 0;

    if (!is_part(ds, act) || ends[ds->things.at[act->thing].state] == REFERRAL_NONE ||
        matter->referral < REFERRAL_REQUESTED || matter->referral > REFERRAL_ON_HOLD)
        return;
    for (uint32_t i = ds->at[ds->things.at[act->thing].dossier].things; i != THING_NONE; i = ds->things.at[i].next)
        if (ds->things.at[i].machine == MACHINE_PART && (ds->things.at[i].flags & THING_NAMED) != 0)
            seen |= 1u << ds->things.at[i].state;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if ((seen & 1u << order[i]) != 0) {
            if ((seen & ~ended) == 0)
                matter->referral = (uint8_t)ends[order[i]];
            return;
        }
}

/* ---- acts of a dossier */

static int
act_append(struct dossier *dossier, const struct act *act)
{
    if (dossier->act_count == dossier->act_cap) {
        uint32_t cap = dossier->act_cap + dossier->act_cap / 8u + 1u;
        struct act *grown;

        if (cap > UINT16_MAX)
            return -ENOMEM; /* far beyond what decide lets in */
        grown = reallocarray(dossier->acts, cap, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        dossier->acts = grown;
        dossier->act_cap = (uint16_t)cap;
    }
    dossier->acts[dossier->act_count++] = *act;
    return 0;
}

int
acts_add(struct dossiers *ds, uint32_t dossier, const struct act_about *what)
{
    struct act act = what->act;
    uint32_t member = dossier;
    int rc = 0;

    if (what->machine != MACHINE_COUNT) {
        rc = acts_thing(ds, dossier, what->machine, what->ref, &act.thing);
        if (rc != 0)
            return rc;
        if (act.input == IN_CONSENT_WITHDRAWN && (ds->things.at[act.thing].flags & THING_COOPERATION) != 0)
            act.input = IN_COOPERATION_WITHDRAWN;
    }
    rc = act_append(&ds->at[dossier], &act);
    if (rc != 0)
        return rc;
    if (act.thing != THING_NONE)
        thing_step(&ds->things.at[act.thing], &ds->at[dossier].matter, &act);
    do {
        matter_step(&ds->at[member].matter, &act);
        settle(ds, &act, &ds->at[member].matter);
        member = ds->at[member].group_next;
    } while (member != dossier);
    return 0;
}

/* ---- folding again */

static void
fold_reset(struct dossiers *ds, uint32_t dossier)
{
    struct dossier *d = &ds->at[dossier];

    d->matter = (struct matter){0};
    d->folded = 0;
    for (uint32_t i = d->things; i != THING_NONE; i = ds->things.at[i].next)
        thing_reset(&ds->things.at[i]);
}

/* The group's next act in the order of the log, and whose; NULL: no more. */
static const struct act *
fold_next(struct dossiers *ds, uint32_t dossier)
{
    uint32_t member = dossier, best = DOSSIER_NONE;

    do {
        const struct dossier *d = &ds->at[member];

        if (d->folded < d->act_count) {
            const struct act *act = &d->acts[d->folded];
            const struct act *first = best == DOSSIER_NONE ? NULL : &ds->at[best].acts[ds->at[best].folded];

            if (first == NULL || act_seq(act) < act_seq(first) || (act_seq(act) == act_seq(first) && member < best))
                best = member;
        }
        member = d->group_next;
    } while (member != dossier);
    return best == DOSSIER_NONE ? NULL : &ds->at[best].acts[ds->at[best].folded++];
}

void
acts_fold(struct dossiers *ds, uint32_t dossier)
{
    struct matter matter = {0};
    const struct act *act;
    uint32_t member = dossier;

    do {
        fold_reset(ds, member);
        member = ds->at[member].group_next;
    } while (member != dossier);
    while ((act = fold_next(ds, dossier)) != NULL) {
        if ((act->flags & ACT_RECALLED) != 0) {
            if (act->input == IN_SUBMITTED && matter.referral == REFERRAL_NONE)
                matter.referral = REFERRAL_ENTERED_IN_ERROR;
            continue;
        }
        if (act->thing != THING_NONE)
            thing_step(&ds->things.at[act->thing], &matter, act);
        matter_step(&matter, act);
        settle(ds, act, &matter);
    }
    do {
        ds->at[member].matter = matter;
        ds->at[member].folded = 0;
        member = ds->at[member].group_next;
    } while (member != dossier);
}

/* Kept beside the act of the same record, which an amendment replaces; see ACT_CODE_*. */
static bool
act_is_fact(const struct act *act)
{
    return act->input == IN_NONE && act->code != 0;
}

bool
acts_correct(struct dossiers *ds, uint32_t dossier, uint64_t seq, const struct act *act)
{
    struct dossier *d = &ds->at[dossier];
    bool found = false;

    for (uint32_t i = 0; i < d->act_count; i++) {
        struct act *old = &d->acts[i];

        if (act_seq(old) != seq && ((old->flags & ACT_COPIED) == 0 || old->number != (uint32_t)seq))
            continue;
        found = true;
        if (act == NULL) {
            old->flags |= ACT_RECALLED;
        } else if (is_part(ds, old)) {
            /* Which parts, and whose they are, stays as it was first said. */
            if (act->input >= IN_PART_RECEIVED && act->input <= IN_PART_ON_HOLD)
                old->input = act->input;
        } else if ((old->flags & ACT_COPIED) == 0 && !act_is_fact(old)) {
            uint32_t thing = old->thing;

            *old = *act;
            act_set_seq(old, seq);
            old->thing = thing;
        }
    }
    return found;
}
