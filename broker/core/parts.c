#include "broker/core/parts.h"

#include "broker/core/facts.h"

#include <string.h>

void
part_ref(unsigned no, uint8_t ret[16])
{
    memset(ret, 0, 16);
    ret[15] = (uint8_t)no;
}

unsigned
part_no(const struct thing *thing)
{
    return thing->ref[15];
}

static void
add(struct parts *parts, uint32_t no)
{
    if (no == 0 || no > PARTS_MAX)
        return;
    for (size_t i = 0; i < parts->count; i++)
        if (parts->at[i] == no)
            return;
    parts->at[parts->count++] = (uint8_t)no;
}

static enum input
completed_as(const char *status)
{
    if (strcmp(status, "completed") == 0)
        return IN_PART_COMPLETED;
    if (strcmp(status, "failed") == 0)
        return IN_PART_FAILED;
    return strcmp(status, "cancelled") == 0 ? IN_PART_CANCELLED : IN_NONE;
}

/* fn for each part that is or was forwarded to the unit. */
static void
each_of_unit(const struct dossiers *ds, uint32_t dossier, uint32_t unit, struct parts *ret)
{
    for (uint32_t i = ds->at[dossier].things; i != THING_NONE; i = ds->things.at[i].next)
        if (ds->things.at[i].machine == MACHINE_PART && ds->things.at[i].number == unit + 1)
            add(ret, part_no(&ds->things.at[i]));
}

bool
parts_only(const struct dossiers *ds, uint32_t dossier, uint32_t unit, uint64_t now_ms)
{
    struct parts own = {0};

    if (dossier == DOSSIER_NONE || unit == DIRECTORY_NONE ||
        dossiers_has_open(ds, dossier, RELATION_HOLDER, unit, NULL, now_ms) ||
        dossiers_has_open(ds, dossier, RELATION_PENDING, unit, NULL, now_ms) ||
        dossiers_has_open(ds, dossier, RELATION_REFERRER, unit, NULL, now_ms))
        return false;
    each_of_unit(ds, dossier, unit, &own);
    return own.count > 0;
}

bool
parts_are_with(const struct dossiers *ds, uint32_t dossier, uint32_t unit, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        uint8_t ref[16];
        uint32_t thing;

        part_ref(parts->at[i], ref);
        thing = things_find(&ds->things, MACHINE_PART, dossier, ref);
        if (thing == THING_NONE || ds->things.at[thing].state == PART_NONE || ds->things.at[thing].number != unit + 1)
            return false;
    }
    return parts->count > 0;
}

bool
parts_is_elsewhere(const struct dossiers *ds, uint32_t dossier, unsigned no)
{
    uint8_t ref[16];
    uint32_t thing;

    part_ref(no, ref);
    thing = things_find(&ds->things, MACHINE_PART, dossier, ref);
    return thing != THING_NONE && ds->things.at[thing].number != 0;
}

void
parts_of_event(const struct dossiers *ds, uint32_t dossier, uint32_t unit, uint64_t now_ms, const struct event *event,
               struct parts *ret)
{
    const Wici__V1__ReferralSubmittedS6 *submitted;
    const Wici__V1__ReferralForwardedS0 *forwarded;
    const Wici__V1__ReferralAnsweredS6 *answered;
    struct act_about what;

    ret->input = IN_NONE;
    ret->count = 0;
    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED:
        ret->input = IN_PART_NAMED;
        for (size_t at = 0; (submitted = facts_next(event, 6, &at)) != NULL;)
            for (size_t i = 0; i < submitted->n_parts; i++)
                add(ret, submitted->parts[i]->no);
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_ANSWERED:
        what = act_of_event(event, 0);
        ret->input = (enum input)what.act.input;
        for (size_t at = 0; (answered = facts_next(event, 6, &at)) != NULL;)
            for (size_t i = 0; i < answered->n_parts; i++)
                add(ret, answered->parts[i]->no);
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_FORWARDED:
        if (facts_same(FACTS_TEXT(event, 0, Wici__V1__ReferralForwardedS0, whole), "YES"))
            break;
        ret->input = IN_PART_FORWARDED;
        for (size_t at = 0; (forwarded = facts_next(event, 0, &at)) != NULL;)
            for (size_t i = 0; i < forwarded->n_part_nos; i++)
                add(ret, forwarded->part_nos[i]);
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_COMPLETED:
        ret->input = completed_as(FACTS_TEXT(event, 6, Wici__V1__ReferralCompletedS6, status));
        if (parts_only(ds, dossier, unit, now_ms))
            each_of_unit(ds, dossier, unit, ret);
        break;
    default: break;
    }
    if (ret->count == 0)
        ret->input = IN_NONE;
}
