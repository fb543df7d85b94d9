/*
 * What a unit was asked to do where no deadline of docs/DEADLINES.md runs; see core_work() in core.h.
 *
 * Each task is that of one act of its dossier, or of one mark (a row of agreements), and stands in the order of these:
 * both are only ever added, so that a page goes on where the one before it ended, whatever was done and asked in
 * between.
 */
#include "broker/core/asked.h"
#include "broker/core/clocks.h"
#include "broker/core/course.h"
#include "broker/core/facts.h"
#include "broker/core/outside.h"
#include "broker/core/rules.h"
#include "broker/core/view.h"
#include "proto/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One dossier that is looked through for a unit. */
struct looking {
    const struct core *core;
    uint32_t unit, dossier;
    uint32_t stand_in; /* of the agency that it serves, while that one's are looked for */
    const struct dossier *d;
    bool holder, office, directs; /* it holds the dossier; is the office of who holds it; directs that office */
    struct core_work *ret;
    size_t max, count;
    uint32_t looked_at; /* dossiers */
    uint32_t steps;     /* acts and marks, each as often as it was */
    bool full;
};

static void
found_as(struct looking *l, struct core_work work)
{
    l->full = l->count == l->max;
    if (l->full)
        return;
    work.agency = l->stand_in;
    memcpy(work.dossier_id, l->d->id, sizeof work.dossier_id);
    l->ret[l->count++] = work;
}

static void
found(struct looking *l, enum core_work_kind kind, uint64_t seq, int32_t due)
{
    found_as(l, (struct core_work){.kind = kind, .seq = seq, .due = due, .unit = CORE_UNIT_NONE});
}

/* Whose work is looked for. */
static uint32_t
whose(const struct looking *l)
{
    return l->stand_in != CORE_UNIT_NONE ? l->stand_in : l->unit;
}

/* The dossier's newest act on the thing (THING_NONE: on none) that says one of two things; NULL: none that counts. */
static const struct act *
newest(struct looking *l, uint32_t thing, enum input one, enum input other)
{
    l->steps += l->d->act_count;
    for (uint32_t i = l->d->act_count; i-- > 0;) {
        const struct act *act = &l->d->acts[i];

        if ((act->input == one || act->input == other) && act->thing == thing &&
            (act->flags & (ACT_RECALLED | ACT_COPIED)) == 0)
            return act;
    }
    return NULL;
}

/* ---- questions without a date, of those that were asked */

static bool
has_deadline(const struct dossier *d, uint64_t seq)
{
    for (uint16_t i = 0; i < d->marks.count; i++)
        if (d->marks.at[i].seq == seq && mark_clock(&d->marks.at[i]) == CLOCK_D15)
            return true;
    return false;
}

static void
question(struct looking *l, const struct act *act)
{
    l->steps += l->d->marks.count;
    if (act->number == whose(l) && (act->flags & ACT_RECALLED) == 0 && act->thing != THING_NONE &&
        l->core->dossiers.things.at[act->thing].state == INFO_IS_REQUESTED && !has_deadline(l->d, act_seq(act)))
        found(l, CORE_WORK_QUESTION, act_seq(act), DATE_NONE);
}

/* ---- rows of agreements without a date: of who was asked; else of the holder, whose office is told, too */

static void
row(struct looking *l, const struct core_clock *clock)
{
    const struct directory *directory = &l->core->directory;
    struct core_work work = {
        .kind = CORE_WORK_ROW, .seq = clock->start_seq, .item = clock->item, .due = DATE_NONE, .unit = CORE_UNIT_NONE};

    if (asked_is(l->d, clock->start_seq, clock->item, whose(l))) {
        found_as(l, work);
        return;
    }
    if (l->stand_in != CORE_UNIT_NONE || (!l->holder && (!l->office || clock->holder_only)))
        return;
    if (clock->unit != CORE_UNIT_NONE && directory->units[clock->unit].outside &&
        outside_served(directory, l->unit, directory_unit_agency_id(directory, clock->unit)) == clock->unit)
        return; /* told as that agency's */
    if (clock->unit != l->unit)
        work.unit = clock->unit;
    found_as(l, work);
}

/* The answer has taken its time: the page is full. */
static bool
is_too_long(struct looking *l)
{
    l->full = l->full || l->steps > LOOKED_AT_STEPS_MAX;
    return l->full;
}

/* Those of the dossier's marks from *at on; *at: the one that the page has no room for, or behind all. */
static void
rows(struct looking *l, uint32_t *at)
{
    bool looked = false;
    struct kin kin;

    for (; *at < l->d->marks.count && !is_too_long(l); ++*at) {
        const struct mark *mark = &l->d->marks.at[*at];
        struct core_clock clock;
        struct mark start;

        if (mark_sign(mark) != SIGN_ROW || (mark->flags & MARK_RECALLED) != 0)
            continue;
        if (!looked) {
            clocks_kin(&l->core->dossiers, l->dossier, &kin);
            l->steps += (uint32_t)(kin.count * kin.count / 2);
        }
        looked = true;
        l->steps += kin.says + l->d->act_count;
        start = mark_start(mark->seq, CLOCK_D16, mark->day, mark->key); /* it ends as one with a date does */
        start.item = mark->item;
        if (clocks_of(l->core, &kin, l->dossier, &start, &clock) && clock.state == CORE_CLOCK_RUNS)
            row(l, &clock);
        if (l->full)
            return;
    }
}

/* ---- steps that an answer announced, of whom no course tells: who was addressed with it, not who works on it */

static void
step(struct looking *l, const struct act *act)
{
    if (act->number == whose(l) && course_announced(l->core, l->d, UINT64_MAX) == act &&
        !course_is_told(l->core, l->unit, l->d))
        found(l, CORE_WORK_STEP, act_seq(act), act->day);
}

/* ---- meetings that are convened: of the holder, and of those invited */

static void
meeting(struct looking *l, const struct act *act)
{
    const struct dossiers *ds = &l->core->dossiers;
    const struct thing *thing;
    bool invited;

    if (act->thing == THING_NONE)
        return;
    thing = &ds->things.at[act->thing];
    if (thing->machine != MACHINE_MEETING || thing->state != MEETING_BOOKED ||
        newest(l, act->thing, IN_CONVENED, IN_CONVENED) != act)
        return;
    invited = dossiers_has_open(ds, l->dossier, RELATION_INVITEE, l->unit, thing->ref, l->core->latest_ms);
    if (invited || l->holder)
        found(l, l->holder ? CORE_WORK_MEETING : CORE_WORK_INVITATION, act_seq(act), act->day);
}

/* ---- recalls, of everyone who may have been given what was recalled (core_must_confirm) */

static bool
is_confirmed(const struct dossier *d, uint32_t unit, uint64_t seq)
{
    for (uint32_t i = 0; i < d->act_count; i++) {
        const struct act *act = &d->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_CONFIRMED && act_seq(act) == seq && act->number == unit)
            return true;
    }
    return false;
}

bool
core_has_confirmed(const struct core *core, uint32_t unit, const struct core_record *recall)
{
    const struct dossier *d = core_record_dossier(core, recall);

    return d != NULL && recall->note != NULL && is_confirmed(d, unit, recall->note->corrects_seq);
}

static void
recall(struct looking *l, const struct act *act)
{
    l->steps += l->d->act_count;
    if (act->number != 0 && !is_confirmed(l->d, l->unit, act_seq(act)))
        found(l, CORE_WORK_RECALL, act_seq(act) + act->number, DATE_NONE);
}

bool
core_must_confirm(const struct core *core, uint32_t unit, const struct core_record *recall,
                  const struct core_record *recalled)
{
    struct core_view view;

    return facts_is_recall(recall->event) && !view_is_author(core, unit, recall->event) &&
           !view_is_author(core, unit, recalled->event) && view_reaches(core, unit, recall, &view) &&
           view_ever_received(core, unit, recalled);
}

/* ---- what waits for a director's decision, and what he sent back */

static void
assistant(struct looking *l, const struct act *act)
{
    if (l->directs && l->d->matter.kase == CASE_REQUESTED && newest(l, THING_NONE, IN_REQUESTED, IN_REQUESTED) == act)
        found(l, CORE_WORK_ASSISTANT, act_seq(act), DATE_NONE);
}

/* Its newest version waits for the director; when he sent that one back, for the holder. */
static void
plan(struct looking *l, const struct act *act)
{
    const struct thing *thing;
    const struct act *agreed, *back;

    if (act->thing == THING_NONE)
        return;
    thing = &l->core->dossiers.things.at[act->thing];
    if (thing->machine != MACHINE_IPUS || thing->state != IPUS_IS_AGREED)
        return;
    agreed = newest(l, act->thing, IN_IPUS_AGREED, IN_IPUS_UPDATED);
    back = newest(l, act->thing, IN_IPUS_RETURNED, IN_IPUS_RETURNED);
    if (agreed != NULL && back != NULL && act_seq(back) > act_seq(agreed)) {
        if (act == back && l->holder)
            found(l, CORE_WORK_RETURNED, act_seq(act), DATE_NONE);
    } else if (act == agreed && l->directs) {
        found(l, CORE_WORK_APPROVAL, act_seq(act), DATE_NONE);
    }
}

/* ---- what is to be entered yet: of who holds the dossier, and of who said what lacks it */

static bool
has_interview(struct looking *l)
{
    const struct dossiers *ds = &l->core->dossiers;

    for (EACH_OF_GROUP(ds, member, l->dossier)) {
        l->steps += ds->at[member].act_count;
        for (uint32_t i = 0; i < ds->at[member].act_count; i++) {
            const struct act *act = &ds->at[member].acts[i];

            if (act->input >= IN_INTERVIEW_NEEDED && act->input <= IN_INTERVIEW_NO_NEED &&
                (act->flags & ACT_RECALLED) == 0)
                return true;
        }
    }
    return false;
}

static_assert(IN_INTERVIEW_NO_NEED - IN_INTERVIEW_NEEDED == 2, "interviews stand together");

/* The first contact that was held in that record had a basis, as is known now. */
static bool
has_basis(struct looking *l, uint64_t seq)
{
    for (uint32_t i = 0; i < l->d->act_count; i++) {
        const struct act *act = &l->d->acts[i];

        if (act->input != IN_HELD_FIRST_CONTACT || act_seq(act) != seq)
            continue;
        for (EACH_OF_GROUP(&l->core->dossiers, member, l->dossier))
            l->steps += l->core->dossiers.at[member].act_count;
        return rules_basis(&l->core->dossiers, l->dossier, act->day);
    }
    return true; /* it was another meeting, after all */
}

static void
missing(struct looking *l, const struct act *act)
{
    bool ended = l->d->matter.kase == CASE_MONITORED || l->d->matter.kase == CASE_CLOSED;

    l->steps += l->d->act_count;
    if ((act->flags & ACT_RECALLED) != 0 || (act->number != l->unit && !l->holder))
        return;
    switch ((enum missing)act->day) {
    case MISSING_INTERVIEW:
        if (!ended && !has_interview(l))
            found(l, CORE_WORK_INTERVIEW, act_seq(act), DATE_NONE);
        return;
    case MISSING_BASIS:
        if (!ended && !has_basis(l, act_seq(act)))
            found(l, CORE_WORK_BASIS, act_seq(act), DATE_NONE);
        return;
    case MISSING_CONSENT: /* only its author can say it otherwise */
        if (act->number == l->unit)
            found(l, CORE_WORK_CONSENT, act_seq(act), DATE_NONE);
        return;
    case MISSING_COUNT: break;
    }
    abort();
}

/* ---- all of a unit's */

static void
rights(struct looking *l)
{
    bool director = (l->core->directory.units[l->unit].roles & ROLE_BIT(DIR)) != 0;

    l->holder = l->office = l->directs = false;
    for (uint32_t i = 0; i < l->d->relation_count; i++) {
        const struct relation *relation = &l->d->relations[i];

        if (!relation_is_of(&l->core->directory, l->d, relation, l->unit) ||
            !relation_is_open(&l->core->dossiers, relation, l->core->latest_ms))
            continue;
        l->holder = l->holder || relation->kind == RELATION_HOLDER;
        l->office = l->office || relation->kind == RELATION_OFFICE;
        l->directs = l->directs ||
                     (director && (relation->kind == RELATION_HOLDER || relation->kind == RELATION_OFFICE));
    }
}

/* ---- what is due on paper, of who serves the agency; and what was asked of it */

static void
served(struct looking *l, const struct act *act)
{
    if (act->input != IN_NONE)
        return;
    if (act->code == ACT_CODE_ASKED)
        question(l, act);
    if (act->code == ACT_CODE_NEXT)
        step(l, act);
    if (act->code == ACT_CODE_DUE && act->number == l->stand_in && act->day == DATE_NONE &&
        (act->flags & ACT_RECALLED) == 0)
        found(l, CORE_WORK_OUTSIDE, act_seq(act), DATE_NONE);
}

/* ---- the lists */

static void
duty(struct looking *l, const struct act *act)
{
    if (act->input == IN_NONE && act->code == ACT_CODE_ASKED)
        question(l, act);
    else if (act->input == IN_NONE && act->code == ACT_CODE_NEXT)
        step(l, act);
    else if (act->input == IN_NONE && act->code == ACT_CODE_RECALL)
        recall(l, act);
    else if (act->input == IN_NONE && act->code == ACT_CODE_MISSING)
        missing(l, act);
    else if (act->input == IN_CONVENED)
        meeting(l, act);
    else if (act->input == IN_REQUESTED)
        assistant(l, act);
    else if (act->input == IN_IPUS_AGREED || act->input == IN_IPUS_UPDATED || act->input == IN_IPUS_RETURNED)
        plan(l, act);
}

/* Places within a dossier: its acts, then its marks. */
#define ROWS_FROM (1u << 31)

/* What there is in the dossier from the place on; true: the page is full, and *place is where to go on. */
static bool
look_through(struct looking *l, void (*look)(struct looking *l, const struct act *act), uint32_t *place)
{
    uint32_t mark = *place >= ROWS_FROM ? *place - ROWS_FROM : 0;

    if (l->stand_in == CORE_UNIT_NONE)
        rights(l);
    for (; *place < l->d->act_count; ++*place) {
        if (is_too_long(l))
            return true;
        l->steps++;
        look(l, &l->d->acts[*place]);
        if (l->full)
            return true;
    }
    rows(l, &mark);
    *place = ROWS_FROM + mark;
    return l->full;
}

/* Looks through the dossiers of both lists from *at on. False: the page is full, and *at says where to go on. */
static bool
each_dossier(struct looking *l, const struct numbers *own, const struct numbers *office, struct core_work_at *at,
             void (*look)(struct looking *l, const struct act *act))
{
    uint32_t i = 0, j = 0;

    while (i < own->count || j < office->count) {
        uint32_t a = i < own->count ? own->at[i] : UINT32_MAX, b = j < office->count ? office->at[j] : UINT32_MAX;
        uint32_t place;

        l->dossier = dossiers_by_entry(&l->core->dossiers, a < b ? a : b);
        l->d = &l->core->dossiers.at[l->dossier];
        i += a <= b;
        j += b <= a;
        if (l->d->opened_seq < at->seq)
            continue;
        if (l->looked_at++ == WORK_LOOKED_AT_MAX) {
            *at = (struct core_work_at){.seq = l->d->opened_seq, .served = at->served};
            return false;
        }
        place = l->d->opened_seq == at->seq ? at->item : 0;
        if (look_through(l, look, &place)) {
            *at = (struct core_work_at){.seq = l->d->opened_seq, .item = place, .served = at->served};
            return false;
        }
    }
    return true;
}

size_t
core_work(const struct core *core, uint32_t unit, struct core_work_at *at, struct core_work *ret, size_t max)
{
    static const struct numbers none = {0};
    struct looking l = {.core = core, .unit = unit, .stand_in = CORE_UNIT_NONE, .ret = ret, .max = max};
    const struct directory *directory = &core->directory;
    const struct numbers *own, *office;

    assert(unit < directory->unit_count);
    assert(max > 0);
    if (at->served == 0) {
        view_unit_lists(core, unit, &own, &office);
        if (!each_dossier(&l, own, office, at, duty))
            return l.count;
        *at = (struct core_work_at){.served = 1};
    }
    for (uint32_t i = at->served - 1; directory->outside_count > 0 && i < directory->unit_count; i++) {
        if (!directory->units[i].outside ||
            outside_served(directory, unit, directory_unit_agency_id(directory, i)) != i)
            continue;
        if (at->served != i + 1)
            *at = (struct core_work_at){.served = i + 1};
        l.stand_in = i;
        if (!each_dossier(&l, &directory->units[i].entries, &none, at, served))
            return l.count;
    }
    *at = (struct core_work_at){0};
    return l.count;
}
