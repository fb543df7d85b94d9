/* addressed - see addressed.h */
#include "broker/core/addressed.h"

#include "broker/core/facts.h"

#define COUNTED_MAX UINT16_MAX /* that many and more: counted no more, and it stays an addressee */

/* The open relation that says that this dossier, and no other that it was merged with, addressed the unit. */
static struct relation *
own(const struct dossier *dossier, uint32_t unit)
{
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *relation = &dossier->relations[i];

        if (relation->kind == RELATION_ADDRESSEE && relation->who == unit && relation->until_seq == 0 &&
            (relation->flags & RELATION_SHARED) == 0)
            return relation;
    }
    return NULL;
}

/* One act for each unit. */
static int
keep_amended(struct dossiers *ds, uint32_t dossier, uint64_t seq, const uint32_t *units, size_t count)
{
    struct act_about added = {.act = {.input = IN_NONE, .code = ACT_CODE_ADDRESSED, .day = DATE_NONE},
                              .machine = MACHINE_COUNT};
    int rc = 0;

    act_set_seq(&added.act, seq);
    for (size_t i = 0; i < count && rc == 0; i++) {
        added.act.number = units[i];
        rc = acts_add(ds, dossier, &added);
    }
    return rc;
}

int
addressed_keep(struct core *core, const struct core_record *record, uint32_t dossier)
{
    const Wici__V1__BrokerNote *note = record->note;
    uint32_t units[NOTE_LIST_MAX];
    size_t count = 0;

    if (note == NULL || facts_is_recall(record->event))
        return 0;
    for (size_t i = 0; i < note->n_resolved_to && count < NOTE_LIST_MAX; i++) {
        units[count] = directory_addressee(&core->directory, note->resolved_to[i]);
        count += units[count] != DIRECTORY_NONE;
    }
    if (note->corrects_seq != 0)
        return keep_amended(&core->dossiers, dossier, note->corrects_seq, units, count);
    for (size_t i = 0; i < count; i++) {
        struct relation *relation = own(&core->dossiers.at[dossier], units[i]);

        if (relation != NULL && relation->left < COUNTED_MAX)
            relation->left++;
    }
    return 0;
}

void
addressed_recall(struct core *core, const struct core_record *recall, uint32_t dossier)
{
    const Wici__V1__BrokerNote *note = recall->note;

    for (size_t i = 0; i < note->n_first_to; i++) {
        uint32_t unit = directory_addressee(&core->directory, note->first_to[i]);
        struct relation *relation = unit == DIRECTORY_NONE ? NULL : own(&core->dossiers.at[dossier], unit);

        if (relation != NULL && relation->left > 0 && relation->left < COUNTED_MAX)
            relation->left--;
    }
}

static bool
stands_in(const struct dossier *dossier, uint32_t unit)
{
    const struct relation *relation = own(dossier, unit);

    if (relation != NULL && relation->left > 0)
        return true;
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_ADDRESSED && (act->flags & ACT_RECALLED) == 0 &&
            act->number == unit)
            return true;
    }
    return false;
}

bool
addressed_still(const struct dossiers *ds, uint32_t dossier, uint32_t unit)
{
    uint32_t member = dossier;

    do {
        if (stands_in(&ds->at[member], unit))
            return true;
        member = ds->at[member].group_next;
    } while (member != dossier);
    return false;
}

void
addressed_end(struct dossiers *ds, uint32_t dossier, uint64_t seq)
{
    uint32_t member = dossier;

    do {
        for (uint32_t i = 0; i < ds->at[member].relation_count; i++) {
            struct relation *relation = &ds->at[member].relations[i];

            if (relation->kind == RELATION_ADDRESSEE && relation->until_seq == 0 &&
                !addressed_still(ds, dossier, relation->who))
                relation->until_seq = seq;
        }
        member = ds->at[member].group_next;
    } while (member != dossier);
}
