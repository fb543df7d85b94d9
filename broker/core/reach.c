/*
 * Who must be told that something is taken back: each unit that was given what was entered in error, and each that was
 * given sections under a consent which is withdrawn. Most read it by the relation they still have; the others are named
 * in the note, as those are to whom an answer goes.
 */
#include "broker/core/clocks.h"
#include "broker/core/decide.h"
#include "broker/core/delivery.h"
#include "broker/core/gate.h"
#include "broker/core/rules.h"
#include "broker/core/view.h"

#include <errno.h>
#include <string.h>

/* Names the unit unless the event reaches it anyway, or it is the author himself. */
static int
tell(struct deciding *d, uint32_t unit)
{
    struct core_record record = {
        .seq = d->command->seq, .ts_ms = d->command->now_ms, .event = d->event, .note = d->note};
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];
    struct core_view view;

    if (unit == d->command->unit)
        return 0;
    view_compute(d->core, unit, &record, dossier, dossier->flags, false, &view);
    return view.received ? 0 : decide_answer_to(d, directory_unit_id(&d->core->directory, unit));
}

/* fn for each unit that the relation stands for. */
static int
each_unit(struct deciding *d, const struct dossier *dossier, const struct relation *relation, const void *what,
          int (*fn)(struct deciding *d, const struct dossier *dossier, uint32_t unit, const void *what))
{
    const struct directory *directory = &d->core->directory;
    int rc = 0;

    if (relation->kind != RELATION_OFFICE)
        return fn(d, dossier, relation->who, what);
    for (uint32_t i = 0; i < directory->agencies[relation->who].units.count && rc == 0; i++)
        if (relation_is_of(directory, dossier, relation, directory->agencies[relation->who].units.at[i]))
            rc = fn(d, dossier, directory->agencies[relation->who].units.at[i], what);
    return rc;
}

/* ---- entered in error */

static int
tell_if_given(struct deciding *d, const struct dossier *dossier, uint32_t unit, const void *what)
{
    if (gate_closed(what, dossier))
        return 0; /* they were told the first time */
    return view_ever_received(d->core, unit, what) ? tell(d, unit) : 0;
}

static int
recalled(struct deciding *d)
{
    const struct core_named *corrected = d->command->corrected;
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];
    struct core_record record = {.seq = corrected->seq,
                                 .ts_ms = corrected->ts_ms,
                                 .entry = corrected->entry,
                                 .event = corrected->event,
                                 .note = corrected->note};
    int rc = 0;

    for (uint32_t i = 0; i < dossier->relation_count && rc == 0; i++)
        if (delivery_covers(d->core, &dossier->relations[i], &record))
            rc = each_unit(d, dossier, &dossier->relations[i], &record, tell_if_given);
    return rc;
}

/* ---- a consent withdrawn */

/* The unit's roles may be given more than S0 of such an event. */
static int
tell_if_shared_with(struct deciding *d, const struct dossier *dossier, uint32_t unit, const void *what)
{
    const struct act *act = what;

    (void)dossier;
    if (d->core->policy == NULL)
        return 0;
    for (unsigned role = 1; role < ROLE_COUNT; role++) {
        struct policy_cell cell;

        if ((d->core->directory.units[unit].roles & 1u << role) == 0)
            continue;
        cell = policy_cell(d->core->policy, (uint32_t)act->day, role);
        if (((cell.full | cell.half) & ~1u) != 0)
            return tell(d, unit);
    }
    return 0;
}

/* May the relation have given the unit such an event? Of a court's order only a probation officer is named. */
static bool
relation_shared(const struct core *core, uint32_t unit, const struct relation *relation, uint32_t type)
{
    switch ((enum relation_kind)relation->kind) {
    case RELATION_HOLDER:
    case RELATION_PENDING:
    case RELATION_SUCCESSOR:
    case RELATION_OFFICE: return true;
    case RELATION_PARTICIPANT: return delivery_participant_may(core, unit, type);
    case RELATION_INVITEE: return facts_family(type) == FAMILY_MEETING;
    case RELATION_PROVIDER: return facts_family(type) == FAMILY_IPUS;
    case RELATION_PARTY:
        return delivery_party_may(core, unit, relation, type) &&
               (type != TYPE(COURT_ORDER_ISSUED) || (core->directory.units[unit].roles & ROLE_BIT(KUR)) != 0);
    case RELATION_AUTHOR:
    case RELATION_ADDRESSEE:
    case RELATION_REFERRER:
    case RELATION_KIND_COUNT: break;
    }
    return false;
}

struct sharing {
    const struct relation *relation;
    const struct act *act;
};

/* Where what the record said was first said: it may have amended that. */
static uint64_t
first_said(const struct dossier *dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_AMENDED && act->number != 0 &&
            act_seq(act) + act->number == seq)
            return act_seq(act);
    }
    return seq;
}

/* The relation was there for some version from the first to the last, which are all one record: the last names the
 * consent, and whoever was given one before has the same by now on that consent. */
static bool
relation_met(const struct relation *relation, uint64_t first, uint64_t last)
{
    return ((relation->flags & RELATION_OPENING) != 0 || relation->from_seq <= last) &&
           (relation->until_seq == 0 || first <= relation->until_seq);
}

static int
tell_if_related(struct deciding *d, const struct dossier *dossier, uint32_t unit, const void *what)
{
    const struct sharing *s = what;

    return relation_shared(d->core, unit, s->relation, (uint32_t)s->act->day)
               ? tell_if_shared_with(d, dossier, unit, s->act)
               : 0;
}

static int
shared(struct deciding *d, const struct dossier *dossier, const struct act *act)
{
    const struct dossiers *ds = &d->core->dossiers;
    uint64_t first = first_said(dossier, act_seq(act));
    int rc = 0;

    for (uint32_t i = 0; i < ds->about[act->number] && rc == 0; i++) {
        uint32_t unit = directory_addressee(&d->core->directory,
                                            strings_at(&ds->persons, ds->about[act->number + 1 + i]));

        if (unit != DIRECTORY_NONE)
            rc = tell_if_shared_with(d, dossier, unit, act);
    }
    for (uint32_t i = 0; i < dossier->relation_count && rc == 0; i++) {
        const struct sharing sharing = {.relation = &dossier->relations[i], .act = act};

        if (relation_met(sharing.relation, first, act_seq(act)))
            rc = each_unit(d, dossier, sharing.relation, &sharing, tell_if_related);
    }
    return rc;
}

/* By its id: the event may have come before the consent was entered. */
static int
shared_in(struct deciding *d, const struct dossier *dossier, const uint8_t consent[16])
{
    const struct things *things = &d->core->dossiers.things;
    int rc = 0;

    for (uint32_t i = 0; i < dossier->act_count && rc == 0; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_GATED &&
            memcmp(things->at[act->thing].ref, consent, 16) == 0)
            rc = shared(d, dossier, act);
    }
    return rc;
}

/* In the dossier, in those merged with it, and in those tied to these by REFERRAL_OF: where gate_stopped() finds it. */
static int
shared_around(struct deciding *d, uint32_t dossier, const uint8_t consent[16])
{
    const struct dossiers *ds = &d->core->dossiers;
    struct kin kin;
    int rc = 0;

    clocks_kin(ds, dossier, &kin);
    for (size_t i = 0; i < kin.count && rc == 0; i++)
        rc = shared_in(d, &ds->at[kin.at[i]], consent);
    return rc;
}

/* ... and where what came while they were tied rests on it still. */
static int
shared_elsewhere(struct deciding *d, uint32_t consent)
{
    const struct dossiers *ds = &d->core->dossiers;
    const struct thing *thing = &ds->things.at[consent];
    const struct dossier *dossier = &ds->at[thing->dossier];
    int rc = 0;

    for (uint32_t i = 0; i < dossier->act_count && rc == 0; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_RESTS && act->thing == consent)
            rc = shared_in(d, &ds->at[act->number], thing->ref);
    }
    return rc;
}

static int
withdrawn(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    uint8_t ref[16];
    uint32_t thing;
    int rc;

    if (uuid_parse(FACTS_TEXT(d->event, 0, Wici__V1__ConsentWithdrawnS0, consent_id), ref) != 0)
        return 0;
    thing = rules_thing(ds, d->dossier, MACHINE_CONSENT, ref);
    rc = shared_around(d, d->dossier, ref);
    if (rc == 0 && thing != THING_NONE && ds->things.at[thing].dossier != d->dossier)
        rc = shared_around(d, ds->things.at[thing].dossier, ref);
    return rc == 0 && thing != THING_NONE ? shared_elsewhere(d, thing) : rc;
}

int
decide_reach(struct deciding *d)
{
    int rc = 0;

    if (d->dossier == DOSSIER_NONE)
        return 0;
    if (facts_is_recall(d->event))
        rc = recalled(d);
    else if (d->type == TYPE(CONSENT_WITHDRAWN))
        rc = withdrawn(d);
    if (rc == -E2BIG)
        return decide_refuse(d, E_LIMIT, facts_is_recall(d->event) ? "header.correctsEventId" : "header.dossierId");
    return rc;
}
