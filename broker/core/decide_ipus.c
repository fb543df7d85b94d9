/* The rules on plans of social services, and on what is registered for them: programmes, qualifications. */
#include "broker/core/decide.h"
#include "broker/core/rules.h"
#include "proto/date.h"

#include <string.h>

/* ---- rules on the IPUS */

static int
coherent(struct deciding *d, const char *plan)
{
    return d->dossier != DOSSIER_NONE && (d->core->dossiers.at[d->dossier].matter.flags & MATTER_PLAN) != 0 &&
                   plan[0] == '\0'
               ? decide_warn(d, RULE_I25, "header.type")
               : 0;
}

static bool
is_coordinator(const struct deciding *d, const struct thing *ipus, const char *person)
{
    const struct dossiers *ds = &d->core->dossiers;
    uint32_t number = strings_find(&ds->persons, person);

    if (ipus->who == STRINGS_NONE || person[0] == '\0' || number == ipus->who)
        return true;
    for (EACH_OF_GROUP(ds, member, d->dossier))
        for (uint32_t i = 0; i < ds->at[member].act_count; i++) {
            const struct act *act = &ds->at[member].acts[i];

            if (act->input == IN_NONE && act->code == ACT_CODE_COORDINATOR && (act->flags & ACT_RECALLED) == 0 &&
                act->number == number && number != STRINGS_NONE)
                return true;
        }
    return false;
}

/* ---- rules on what is registered */

/* The municipalities of the author's agency. */
static void
municipalities(const struct deciding *d, char ***ret, size_t *ret_count)
{
    const struct directory *directory = &d->core->directory;
    const struct agency *agency = &directory->agencies[directory->units[d->command->unit].agency];

    *ret = agency->enrolled != NULL ? agency->enrolled->gmina : NULL;
    *ret_count = agency->enrolled != NULL ? agency->enrolled->n_gmina : 0;
}

static int
services_registered(struct deciding *d, int32_t day)
{
    const struct directory *directory = &d->core->directory;
    const struct registers *registers = &d->core->registers;
    uint32_t agency = directory->units[d->command->unit].agency;
    size_t count;
    char **gmina;
    int rc = 0;

    municipalities(d, &gmina, &count);
    for (size_t i = 0; i < d->event->section_count && rc == 0; i++) {
        const Wici__V1__ServiceRow *row = facts_row(d->event, i);

        if (row == NULL || row->removed)
            continue;
        if (!registers_programme_holds(registers, row->programme_id, day, gmina, count))
            rc = decide_warn_body(d, RULE_I18W, i, "row.programmeId");
        if (rc == 0 && !directory_knows(directory, row->provider) &&
            !registers_hold(registers, REGISTER_VOLUNTEER, agency, row->provider, day))
            rc = decide_warn_body(d, RULE_I33, i, "row.provider");
    }
    return rc;
}

static int
coordinator_qualified(struct deciding *d, int32_t day)
{
    const struct directory *directory = &d->core->directory;
    const Wici__V1__Actor *actor = d->event->header->actor;

    return registers_hold(&d->core->registers, REGISTER_COORDINATOR, directory->units[d->command->unit].agency,
                          actor->person_ref, day)
               ? 0
               : decide_warn(d, RULE_I23, "header.actor.personRef");
}

static int
ipus_registered(struct deciding *d, const char *agreed_on)
{
    int32_t day = facts_day(agreed_on);
    int rc = services_registered(d, day);

    return rc == 0 ? coordinator_qualified(d, day) : rc;
}

int
decide_ipus_agreed(struct deciding *d)
{
    int rc = coherent(d, FACTS_TEXT(d->event, 6, Wici__V1__IpusAgreedS6, coherent_with_plan_id));

    return rc == 0 ? ipus_registered(d, FACTS_TEXT(d->event, 0, Wici__V1__IpusAgreedS0, agreed_on)) : rc;
}

int
decide_ipus_updated(struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    size_t section;
    int32_t to = facts_day(FACTS_TEXT_SECTION(d->event, 0, Wici__V1__IpusUpdatedS0, period_to, &section));
    const struct thing *ipus;
    uint8_t ref[16];
    uint32_t thing;
    int rc;

    if (!facts_ref(d->event, ref))
        return 0;
    thing = rules_thing(ds, d->dossier, MACHINE_IPUS, ref);
    if (thing == THING_NONE)
        return 0;
    ipus = &ds->things.at[thing];
    if (ipus->day != DATE_NONE && to != DATE_NONE && to > date_add_months(ipus->day, 12) - 1)
        return decide_refuse_rule_body(d, RULE_I21, section, "periodTo");
    rc = coherent(d, FACTS_TEXT(d->event, 6, Wici__V1__IpusUpdatedS6, coherent_with_plan_id));
    if (rc == 0 && !is_coordinator(d, ipus, d->event->header->actor->person_ref))
        rc = decide_warn(d, RULE_I20W, "header.actor.personRef");
    return rc == 0 ? ipus_registered(d, FACTS_TEXT(d->event, 0, Wici__V1__IpusUpdatedS0, agreed_on)) : rc;
}
