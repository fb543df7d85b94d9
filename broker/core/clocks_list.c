/* Deadlines as lists: of everything for the deadline watcher, of its own for a unit. */
#include "broker/core/clocks.h"

#include "broker/core/agency_clocks.h"
#include "broker/core/asked.h"
#include "broker/core/outside.h"
#include "broker/core/view.h"
#include "broker/core/workers.h"
#include "proto/limits.h"

#include <assert.h>

static bool
is_told(const struct core_clock *clock, unsigned what)
{
    return (clock->told & what) != 0;
}

/* There may be something to tell: it runs, or its end was not told. */
static bool
is_of_interest(const struct core_clock *clock)
{
    switch (clock->state) {
    case CORE_CLOCK_RUNS: return true;
    case CORE_CLOCK_MET: return !is_told(clock, CORE_TOLD_MET);
    case CORE_CLOCK_CANCELLED: return !is_told(clock, CORE_TOLD_CANCELLED);
    }
    return false;
}

/* How much of a dossier's deadlines a unit may know: as its holder, by its office, or as who takes part. */
struct right {
    bool all, holder, office, works;
};

static struct right
right_of(const struct core *core, uint32_t unit, const struct dossier *dossier)
{
    struct right right = {.all = (core->directory.units[unit].roles & ROLE_BIT(CLERK)) != 0};

    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (!relation_is_of(&core->directory, dossier, relation, unit) ||
            !relation_is_open(&core->dossiers, relation, core->latest_ms))
            continue;
        right.holder = right.holder || relation->kind == RELATION_HOLDER || relation->kind == RELATION_PENDING;
        right.office = right.office || relation->kind == RELATION_OFFICE;
        right.works = right.works || relation->kind == RELATION_PARTICIPANT;
    }
    return right;
}

/* Questions between agencies are not the office's to know. */
static bool
may_know(const struct right *right, const struct core_clock *clock, const struct mark *start)
{
    if (right->all)
        return is_of_interest(clock);
    if (clock->state != CORE_CLOCK_RUNS)
        return false;
    return right->holder ||
           (right->office && !clock->holder_only && !(mark_clock(start) == CLOCK_D15 && start->key != 0));
}

/* Roles that may publish an event which meets the clock. */
static uint32_t
roles_of(const struct core *core, enum clock_id clock)
{
    const struct clock_event *event;
    uint32_t roles = 0;

    for (size_t i = 0; core->policy != NULL && (event = clock_event_at(i)) != NULL; i++)
        for (unsigned role = 1; role < ROLE_COUNT && event->clock == clock && event->deed == CLOCK_MEETS; role++)
            roles |= (uint32_t)policy_cell(core->policy, event->type, role).publish << role;
    return roles;
}

/* Who does it: who was asked; the holder, where such a thing is his to publish; else who works on the family and does.
 */
static uint32_t
doer(const struct core *core, const struct kin *kin, const struct core_clock *clock)
{
    uint32_t roles = roles_of(core, clock->clock), unit;

    if (clock->unit != clock->holder || clock->holder == CORE_UNIT_NONE ||
        (core->directory.units[clock->holder].roles & roles) != 0)
        return clock->unit;
    unit = workers_unit(core, kin, roles);
    return unit == DIRECTORY_NONE ? clock->holder : unit;
}

size_t
clocks_owing(const struct core *core, uint32_t dossier, const struct mark *start, const struct core_clock *clock,
             uint32_t ret[CLOCK_OWING_MAX])
{
    const struct dossier *d = &core->dossiers.at[dossier];
    struct kin kin;
    uint32_t unit;
    size_t count;

    if (clock->holder_only)
        return 0;
    count = asked_list(core, d, start->seq, asked_item(start), (start->flags & MARK_RECALLED) != 0, ret, NOTE_LIST_MAX);
    clocks_kin(&core->dossiers, dossier, &kin);
    unit = doer(core, &kin, clock);
    if (unit != clock->holder && unit != CORE_UNIT_NONE &&
        dossiers_has_open(&core->dossiers, dossier, RELATION_PARTICIPANT, unit, NULL, core->latest_ms))
        ret[count++] = unit;
    return count;
}

/*
 * Who was asked is told what he was asked for, and nothing else of the dossier: not who holds it, nor of a loss. Who
 * takes part is told what falls to him.
 */
static bool
may_know_own(uint32_t unit, const struct dossier *dossier, const struct mark *start, const struct right *right,
             bool knows, struct core_clock *clock)
{
    if (clock->state != CORE_CLOCK_RUNS)
        return knows;
    if (!asked_is(dossier, start->seq, asked_item(start), unit))
        return knows || (right->works && clock->unit == unit && !clock->holder_only);
    clock->unit = unit;
    if (!knows) {
        clock->holder = CORE_UNIT_NONE;
        clock->holder_only = false;
    }
    return true;
}

/* On whom within the unit, and on whom after it. Persons are their own agency's to know. kin NULL: an agency's. */
static void
falls_to(const struct core *core, uint32_t asker, const struct kin *kin, struct core_clock *clock)
{
    const struct directory *directory = &core->directory;

    clock->head = CORE_UNIT_NONE;
    if (clock->unit == CORE_UNIT_NONE)
        return;
    clock->suspended = directory->units[clock->unit].suspended;
    clock->head = directory_head(directory, clock->unit);
    if (kin != NULL && directory->units[clock->unit].agency == directory->units[asker].agency)
        clock->worker = workers_on_duty(core, kin, clock->unit, roles_of(core, clock->clock), &clock->substitute);
}

/* Who asks: a unit about itself, or about an agency without the system that it serves. */
struct asker {
    uint32_t unit;
    uint32_t whose; /* the unit, or what stands for the agency */
};

/* How much one answer has looked at: dossiers, and what lies in them. */
struct effort {
    uint32_t dossiers, steps;
};

/* Pages: behind every dossier, whose number is that of a record (marks.h), the agencies by theirs; behind these the
 * dossiers of each agency that is served. */
#define AGENCIES_FROM    (UINT64_C(1) << 36)
#define SERVED_FROM      (UINT64_C(1) << 60)
#define SERVED_SEQ_COUNT (UINT64_C(1) << 36)
static_assert((uint64_t)UNITS_MAX * SERVED_SEQ_COUNT < SERVED_FROM, "each stand-in has its own numbers");

static uint64_t
place_of(const struct asker *asker, uint64_t opened_seq)
{
    return asker->whose == asker->unit ? opened_seq : SERVED_FROM + asker->whose * SERVED_SEQ_COUNT + opened_seq;
}

/* The unit that serves it has it on its own list already, as what somebody else in its dossier has to do. */
static bool
is_on_own_list(const struct core *core, const struct asker *asker, const struct dossier *dossier,
               const struct mark *start, const struct core_clock *clock)
{
    struct right right;

    if (asker->whose == asker->unit || clock->unit != asker->whose)
        return false;
    right = right_of(core, asker->unit, dossier);
    return may_know(&right, clock, start);
}

static bool
is_served_by(const struct core *core, uint32_t unit, uint32_t stand_in)
{
    return stand_in != CORE_UNIT_NONE && core->directory.units[stand_in].outside &&
           outside_served(&core->directory, unit, directory_unit_agency_id(&core->directory, stand_in)) == stand_in;
}

/* The clock that a mark starts, as the asker is told of it; false: it is not. */
static bool
tell(const struct core *core, const struct asker *asker, const struct kin *kin, uint32_t dossier,
     const struct mark *start, const struct right *right, struct core_clock *ret)
{
    const struct dossier *d = &core->dossiers.at[dossier];
    bool knows, leads = right->all || right->holder || right->office;

    if ((!leads && !right->works && !asked_is(d, start->seq, asked_item(start), asker->whose)) ||
        !clocks_of(core, kin, dossier, start, ret))
        return false;
    ret->unit = doer(core, kin, ret);
    if (is_on_own_list(core, asker, d, start, ret))
        return false;
    knows = may_know(right, ret, start);
    if (!right->all)
        knows = may_know_own(asker->whose, d, start, right, knows, ret);
    ret->served = is_served_by(core, asker->unit, ret->unit);
    return knows;
}

/* False: the page is full, and *at says where to go on. */
static bool
list_dossier(const struct core *core, const struct asker *asker, uint32_t dossier, struct core_clocks_at *at,
             struct core_clock *ret, size_t max, size_t *count, struct effort *effort)
{
    const struct dossier *d = &core->dossiers.at[dossier];
    uint64_t place = place_of(asker, d->opened_seq);
    struct right right;
    struct kin kin;

    if (d->marks.count == 0)
        return true;
    right = right_of(core, asker->whose, d);
    if (!right.all && !right.holder && !right.office && !right.works && !asked_anything(d, asker->whose))
        return true;
    clocks_kin(&core->dossiers, dossier, &kin);
    effort->steps += (uint32_t)(kin.count * kin.count / 2);
    for (uint32_t i = place == at->seq ? at->mark : 0; i < d->marks.count; i++) {
        struct core_clock clock;

        if (effort->steps > LOOKED_AT_STEPS_MAX) {
            *at = (struct core_clocks_at){.seq = place, .mark = i};
            return false;
        }
        effort->steps += kin.says + d->act_count + d->relation_count;
        if (!tell(core, asker, &kin, dossier, &d->marks.at[i], &right, &clock))
            continue;
        if (*count == max) {
            *at = (struct core_clocks_at){.seq = place, .mark = i};
            return false;
        }
        falls_to(core, asker->unit, &kin, &clock);
        ret[(*count)++] = clock;
    }
    return true;
}

/* The first dossier opened at or after seq; dossiers stand in that order. */
static uint32_t
first_from(const struct dossiers *ds, uint64_t seq)
{
    uint32_t low = 0, high = ds->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ds->at[middle].opened_seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* False: the page is full. */
static bool
list_agencies(const struct core *core, uint32_t unit, struct core_clocks_at *at, struct core_clock *ret, size_t max,
              size_t *count)
{
    bool all = (core->directory.units[unit].roles & ROLE_BIT(CLERK)) != 0;
    uint64_t first = at->seq >= AGENCIES_FROM ? at->seq - AGENCIES_FROM : 0; /* behind them all: none is left */
    uint32_t mark = at->seq >= AGENCIES_FROM ? at->mark : 0;

    for (uint64_t i = first; i < core->agency_clocks.count; i++, mark = 0) {
        if (!all && !agency_clocks_known(&core->directory, unit, (uint32_t)i))
            continue;
        for (; mark < core->agency_clocks.at[i].count; mark++) {
            struct core_clock clock;

            if (!agency_clocks_of(core, (uint32_t)i, (uint16_t)mark, &clock))
                continue;
            if (all ? !is_of_interest(&clock) : clock.state != CORE_CLOCK_RUNS)
                continue;
            if (*count == max) {
                *at = (struct core_clocks_at){.seq = AGENCIES_FROM + i, .mark = mark};
                return false;
            }
            falls_to(core, unit, NULL, &clock);
            ret[(*count)++] = clock;
        }
    }
    return true;
}

static size_t
list_all(const struct core *core, const struct asker *asker, struct core_clocks_at *at, struct core_clock *ret,
         size_t max)
{
    uint32_t first = first_from(&core->dossiers, at->seq);
    struct effort effort = {0};
    size_t count = 0;

    for (uint32_t i = first; i < core->dossiers.count; i++) {
        if (i - first == CLOCKS_LOOKED_AT_MAX) {
            *at = (struct core_clocks_at){.seq = core->dossiers.at[i].opened_seq};
            return count;
        }
        if (!list_dossier(core, asker, i, at, ret, max, &count, &effort))
            return count;
    }
    if (list_agencies(core, asker->unit, at, ret, max, &count))
        *at = (struct core_clocks_at){0};
    return count;
}

/* A list of units' dossiers in two parts, which are walked as one. False: the page is full. */
static bool
list_entries(const struct core *core, const struct asker *asker, const struct numbers *own,
             const struct numbers *office, struct core_clocks_at *at, struct core_clock *ret, size_t max, size_t *count,
             struct effort *effort)
{
    uint32_t i = 0, j = 0;

    while (i < own->count || j < office->count) {
        uint32_t a = i < own->count ? own->at[i] : UINT32_MAX, b = j < office->count ? office->at[j] : UINT32_MAX;
        uint32_t dossier = dossiers_by_entry(&core->dossiers, a < b ? a : b);
        uint64_t place = place_of(asker, core->dossiers.at[dossier].opened_seq);

        i += a <= b;
        j += b <= a;
        if (place < at->seq)
            continue;
        if (effort->dossiers++ == CLOCKS_LOOKED_AT_MAX) {
            *at = (struct core_clocks_at){.seq = place};
            return false;
        }
        if (!list_dossier(core, asker, dossier, at, ret, max, count, effort))
            return false;
    }
    return true;
}

size_t
core_clocks(const struct core *core, uint32_t unit, struct core_clocks_at *at, struct core_clock *ret, size_t max)
{
    static const struct numbers none = {0};
    const struct directory *directory = &core->directory;
    struct asker asker = {.unit = unit, .whose = unit};
    const struct numbers *own, *office;
    struct effort effort = {0};
    size_t count = 0;

    assert(unit < directory->unit_count);
    assert(max > 0);
    if ((directory->units[unit].roles & ROLE_BIT(CLERK)) != 0)
        return list_all(core, &asker, at, ret, max);
    view_unit_lists(core, unit, &own, &office);
    if (!list_entries(core, &asker, own, office, at, ret, max, &count, &effort) ||
        !list_agencies(core, unit, at, ret, max, &count))
        return count;
    for (uint32_t i = 0; directory->outside_count > 0 && i < directory->unit_count; i++) {
        if (!is_served_by(core, unit, i))
            continue;
        asker.whose = i;
        if (!list_entries(core, &asker, &directory->units[i].entries, &none, at, ret, max, &count, &effort))
            return count;
    }
    *at = (struct core_clocks_at){0};
    return count;
}
