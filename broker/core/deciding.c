/* What the unit that publishes is to the dossier. */
#include "broker/core/deciding.h"

#include "proto/date.h"

bool
decide_is_in(const struct deciding *d, uint32_t dossier, enum relation_kind kind)
{
    return dossiers_has_open(&d->core->dossiers, dossier, kind, d->command->unit, NULL, d->command->now_ms) ||
           (d->acting != d->command->unit &&
            dossiers_has_open(&d->core->dossiers, dossier, kind, d->acting, NULL, d->command->now_ms));
}

bool
decide_is(const struct deciding *d, enum relation_kind kind)
{
    return d->dossier != DOSSIER_NONE && decide_is_in(d, d->dossier, kind);
}

int
decide_received(struct deciding *d)
{
    const Wici__V1__Actor *actor = d->event->header->actor;

    if (actor->channel[0] == '\0')
        return decide_refuse(d, E_BEHALF, "header.actor.channel");
    if (actor->received_on[0] == '\0')
        return decide_refuse(d, E_BEHALF, "header.actor.receivedOn");
    return 0;
}

bool
decide_setting(const struct deciding *d, const char *setting)
{
    return registers_hold(&d->core->registers, REGISTER_SETTING, d->core->directory.units[d->command->unit].agency,
                          setting, date_of_moment(d->command->now_ms));
}

static bool
may_write_as(const struct deciding *d, uint32_t unit)
{
    const struct dossiers *dossiers = &d->core->dossiers;
    const struct dossier *dossier;
    bool may = false;

    /* Asked of every dossier, there or not; only of one's own the relations are looked at (core_dossier_for). */
    if (core_dossier_for(d->core, unit, d->event->dossier_id) == 0 || d->dossier == DOSSIER_NONE)
        return false;
    dossier = &dossiers->at[d->dossier];
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (relation->kind == RELATION_AUTHOR && dossier->opener != unit &&
            d->event->header->corrects_event_id[0] == '\0')
            continue;
        may |= relation_is_of(&d->core->directory, dossier, relation, unit) &&
               relation_is_open(dossiers, relation, d->command->now_ms);
    }
    return may;
}

bool
decide_may_write(const struct deciding *d)
{
    bool may = may_write_as(d, d->command->unit);

    return d->acting != d->command->unit ? may | may_write_as(d, d->acting) : may;
}
