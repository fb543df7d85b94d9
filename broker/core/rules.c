/* What the procedure looks for: in the dossier, those merged with it, and those that it took up or that took it up. */
#include "broker/core/rules.h"

#include "proto/date.h"

uint32_t
rules_thing(const struct dossiers *ds, uint32_t dossier, enum machine_kind machine, const uint8_t ref[16])
{
    uint32_t untouched = THING_NONE; /* it was only spoken of here */

    if (dossier == DOSSIER_NONE)
        return THING_NONE;
    for (EACH_OF_GROUP(ds, member, dossier)) {
        const struct dossier *d = &ds->at[member];
        uint32_t thing = things_find(&ds->things, machine, member, ref);

        for (uint32_t i = 0;; i++) {
            if (thing != THING_NONE && ds->things.at[thing].state != 0)
                return thing;
            if (untouched == THING_NONE)
                untouched = thing;
            if (i == d->link_count)
                break;
            thing = d->links[i].kind == LINK_REFERRAL_OF ? things_find(&ds->things, machine, d->links[i].other, ref)
                                                         : THING_NONE;
        }
    }
    return untouched;
}

bool
rules_rests_known(const struct dossiers *ds, uint32_t dossier, uint32_t consent, size_t *ret_known)
{
    uint32_t of = ds->things.at[consent].dossier;
    const struct dossier *d = &ds->at[of];
    bool known = of == dossier;

    *ret_known = 0;
    for (uint32_t i = 0; i < d->act_count; i++) {
        const struct act *act = &d->acts[i];

        if (act->input != IN_NONE || act->code != ACT_CODE_RESTS)
            continue;
        (*ret_known)++;
        known = known || (act->number == dossier && act->thing == consent);
    }
    return known;
}

bool
rules_others(const struct dossiers *ds, uint32_t dossier, uint32_t unit, uint64_t now_ms)
{
    const struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->relation_count; i++) {
        const struct relation *relation = &d->relations[i];

        if ((relation->kind == RELATION_HOLDER || relation->kind == RELATION_PENDING) && relation->who != unit &&
            relation_is_open(ds, relation, now_ms))
            return true;
    }
    return false;
}

/* ---- the basis of a first contact: a consent, an order or an application, dated on or before it */

static bool
consent_holds(const struct thing *consent, int32_t day)
{
    int32_t withdrawn = (int32_t)consent->number;

    if (consent->day == DATE_NONE || consent->day > day || (consent->until != DATE_NONE && consent->until < day))
        return false;
    return consent->state == CONSENT_ACTIVE || (consent->state == CONSENT_IS_WITHDRAWN && withdrawn > day);
}

static bool
has_consent(const struct dossiers *ds, const struct dossier *d, int32_t day)
{
    for (uint32_t i = d->things; i != THING_NONE; i = ds->things.at[i].next)
        if (ds->things.at[i].machine == MACHINE_CONSENT && (ds->things.at[i].flags & THING_COOPERATION) != 0 &&
            consent_holds(&ds->things.at[i], day))
            return true;
    return false;
}

bool
rules_basis(const struct dossiers *ds, uint32_t dossier, int32_t day)
{
    int32_t ordered = DATE_NONE, revoked = DATE_NONE;

    for (EACH_OF_GROUP(ds, member, dossier)) {
        const struct dossier *d = &ds->at[member];

        if (has_consent(ds, d, day))
            return true;
        for (uint32_t i = 0; i < d->link_count; i++)
            if (d->links[i].kind == LINK_REFERRAL_OF && has_consent(ds, &ds->at[d->links[i].other], day))
                return true;
        for (uint32_t i = 0; i < d->act_count; i++) {
            const struct act *act = &d->acts[i];

            if ((act->flags & ACT_RECALLED) != 0 || act->day == DATE_NONE || act->day > day)
                continue;
            if (act->input == IN_ZZ_APPLIED || (act->flags & ACT_ZZ) != 0)
                return true; /* applied for, or so opened */
            if (act->input == IN_ORDER_ISSUED && act->day > ordered)
                ordered = act->day;
            if (act->input == IN_ORDER_REVOKED && act->day > revoked)
                revoked = act->day;
        }
    }
    return ordered != DATE_NONE && ordered > revoked;
}

uint64_t
rules_document(const char *sha256)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 16 && sha256[i] != '\0'; i++)
        value = value << 4 | (uint64_t)(sha256[i] <= '9' ? sha256[i] - '0' : sha256[i] - 'a' + 10);
    return value;
}
