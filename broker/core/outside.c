#include "broker/core/outside.h"

#include "broker/core/facts.h"
#include "broker/core/view.h"

#include <string.h>

#define STAND_INS_MAX 256u /* agencies that one record may be due to; more than can be addressed */

/* ---- who acts */

uint32_t
outside_served(const struct directory *directory, uint32_t unit, const char *agency)
{
    uint32_t index = directory_agency(directory, agency);

    if (index == DIRECTORY_NONE || directory->agencies[index].external == NULL ||
        directory_unit(directory, directory->agencies[index].external->served_by) != unit)
        return DIRECTORY_NONE;
    return directory_addressee(directory, agency);
}

uint32_t
outside_acting(const struct directory *directory, uint32_t unit, const struct event *event)
{
    const char *behalf = event->header->actor->on_behalf_of;
    uint32_t stand_in = unit == DIRECTORY_NONE || behalf[0] == '\0' ? DIRECTORY_NONE
                                                                    : outside_served(directory, unit, behalf);

    return stand_in == DIRECTORY_NONE ? unit : stand_in;
}

/* ---- what is due */

/* The stand-ins that a record may concern: those that have a relation to the dossier or are named in the note. */
struct stand_ins {
    uint32_t at[STAND_INS_MAX];
    size_t count;
};

static void
add(const struct directory *directory, struct stand_ins *list, uint32_t unit)
{
    if (unit == DIRECTORY_NONE || !directory->units[unit].outside || list->count == STAND_INS_MAX)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] == unit)
            return;
    list->at[list->count++] = unit;
}

static void
stand_ins_of(const struct core *core, const Wici__V1__BrokerNote *note, uint32_t dossier, struct stand_ins *ret)
{
    const struct directory *directory = &core->directory;

    ret->count = 0;
    if (directory->outside_count == 0)
        return;
    for (size_t i = 0; note != NULL && i < note->n_resolved_to; i++)
        add(directory, ret, directory_addressee(directory, note->resolved_to[i]));
    for (size_t i = 0; note != NULL && i < note->n_answer_to; i++)
        add(directory, ret, directory_addressee(directory, note->answer_to[i]));
    if (dossier == DOSSIER_NONE || (core->dossiers.at[dossier].flags & DOSSIER_OUTSIDE) == 0)
        return;
    for (uint32_t i = 0; i < core->dossiers.at[dossier].relation_count; i++)
        if (core->dossiers.at[dossier].relations[i].kind != RELATION_OFFICE)
            add(directory, ret, core->dossiers.at[dossier].relations[i].who);
}

size_t
outside_bound(const struct core *core, const Wici__V1__BrokerNote *note, uint32_t dossier)
{
    struct stand_ins found;

    stand_ins_of(core, note, dossier, &found);
    return found.count + 1; /* and the recall that sys.delivered_outside may make due */
}

static struct act *
fact_find(const struct dossiers *ds, uint32_t dossier, uint32_t stand_in, uint64_t seq)
{
    const struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->act_count; i++) {
        struct act *act = &d->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_DUE && act->number == stand_in && act_seq(act) == seq)
            return act;
    }
    return NULL;
}

/* What is recalled before it was printed need not be recalled on paper; in doubt it is. */
static bool
is_recalled_in_time(const struct dossiers *ds, uint32_t dossier, uint32_t stand_in, const struct core_record *record)
{
    uint64_t seq = record->note != NULL ? record->note->corrects_seq : 0;
    const struct act *fact;

    if (!facts_is_recall(record->event) || seq == 0)
        return false;
    fact = fact_find(ds, dossier, stand_in, seq);
    return fact != NULL && fact->day == DATE_NONE;
}

static int
due_add(struct dossiers *ds, uint32_t dossier, uint32_t stand_in, uint64_t seq)
{
    struct act_about fact = {
        .act = {.input = IN_NONE, .code = ACT_CODE_DUE, .day = DATE_NONE, .number = stand_in, .thing = THING_NONE},
        .machine = MACHINE_COUNT};

    act_set_seq(&fact.act, seq);
    return acts_add(ds, dossier, &fact);
}

int
outside_keep(struct core *core, const struct core_record *record, uint32_t dossier)
{
    struct stand_ins found;
    uint32_t author, acting;
    int rc = 0;

    if (core->directory.outside_count == 0 || record->event->type->number > TYPE_SYS_FIRST)
        return 0;
    author = directory_unit(&core->directory, record->event->header->actor->unit);
    acting = outside_acting(&core->directory, author, record->event);
    stand_ins_of(core, record->note, dossier, &found);
    for (size_t i = 0; i < found.count && rc == 0; i++)
        if (found.at[i] != acting && view_is_brought(core, found.at[i], record, &core->dossiers.at[dossier]) &&
            !is_recalled_in_time(&core->dossiers, dossier, found.at[i], record))
            rc = due_add(&core->dossiers, dossier, found.at[i], record->seq);
    return rc;
}

enum outside_state
outside_find(const struct dossiers *ds, uint32_t dossier, uint32_t stand_in, uint64_t seq)
{
    const struct act *fact = fact_find(ds, dossier, stand_in, seq);

    if (fact == NULL)
        return OUTSIDE_NOT_DUE;
    return fact->day == DATE_NONE ? OUTSIDE_DUE : OUTSIDE_DELIVERED;
}

/* The recall of what has turned out to be delivered: it is due now. */
static int
recall_falls_due(struct core *core, uint32_t dossier, uint32_t stand_in, uint64_t seq)
{
    const struct dossier *d = &core->dossiers.at[dossier];

    for (uint32_t i = 0; i < d->act_count; i++) {
        const struct act *act = &d->acts[i];
        uint64_t recall = seq + act->number;

        if (act->input == IN_NONE && act->code == ACT_CODE_RECALL && act_seq(act) == seq && act->number != 0)
            return fact_find(&core->dossiers, dossier, stand_in, recall) != NULL
                       ? 0
                       : due_add(&core->dossiers, dossier, stand_in, recall);
    }
    return 0;
}

int
outside_deliver(struct core *core, uint32_t dossier, uint32_t stand_in, uint64_t seq, int32_t day)
{
    struct act *fact = fact_find(&core->dossiers, dossier, stand_in, seq);

    if (fact == NULL)
        return 0;
    fact->day = day == DATE_NONE ? 0 : day; /* some day: delivered */
    return recall_falls_due(core, dossier, stand_in, seq);
}

/* ---- for the unit that serves the agency */

uint32_t
core_served(const struct core *core, uint32_t unit, const char *agency)
{
    uint32_t stand_in = outside_served(&core->directory, unit, agency);

    return stand_in == DIRECTORY_NONE ? CORE_UNIT_NONE : stand_in;
}

/* Where the dossiers opened at or after from_seq begin among the entries, which ascend as dossiers are opened. */
static uint32_t
entries_from(const struct dossiers *ds, const struct numbers *entries, uint64_t from_seq)
{
    uint32_t low = 0, high = entries->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ds->at[dossiers_by_entry(ds, entries->at[middle])].opened_seq < from_seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t
core_due_outside(const struct core *core, uint32_t stand_in, struct core_due_place *place, uint64_t *ret, size_t max)
{
    const struct dossiers *ds = &core->dossiers;
    const struct numbers *entries = &core->directory.units[stand_in].entries;
    uint32_t looked_at = 0;
    size_t count = 0;

    for (uint32_t i = entries_from(ds, entries, place->dossier_seq); i < entries->count; i++) {
        const struct dossier *d = &ds->at[dossiers_by_entry(ds, entries->at[i])];
        uint64_t after = d->opened_seq == place->dossier_seq ? place->after_seq : 0;

        for (uint32_t k = 0; k < d->act_count; k++) {
            const struct act *act = &d->acts[k];

            if (act->input != IN_NONE || act->code != ACT_CODE_DUE || act->number != stand_in ||
                act->day != DATE_NONE || (act->flags & ACT_RECALLED) != 0 || act_seq(act) <= after)
                continue;
            if (count == max) {
                *place = (struct core_due_place){.dossier_seq = d->opened_seq, .after_seq = after};
                return count;
            }
            ret[count++] = after = act_seq(act);
        }
        if (++looked_at == COURSES_LOOKED_AT_MAX && i + 1 < entries->count) {
            *place = (struct core_due_place){
                .dossier_seq = ds->at[dossiers_by_entry(ds, entries->at[i + 1])].opened_seq};
            return count;
        }
    }
    *place = (struct core_due_place){.dossier_seq = 0};
    return count;
}

static enum outside_state
state_of(const struct core *core, uint32_t stand_in, const struct core_record *record)
{
    uint32_t dossier = record->entry == 0 ? DOSSIER_NONE : dossiers_by_entry(&core->dossiers, record->entry);

    return dossier == DOSSIER_NONE ? OUTSIDE_NOT_DUE : outside_find(&core->dossiers, dossier, stand_in, record->seq);
}

bool
core_is_outside(const struct core *core, const char *id, const struct core_record *record, int32_t *ret_day)
{
    uint32_t stand_in = directory_addressee(&core->directory, id);
    uint32_t dossier = record->entry == 0 ? DOSSIER_NONE : dossiers_by_entry(&core->dossiers, record->entry);
    const struct act *fact;

    if (stand_in == DIRECTORY_NONE || !core->directory.units[stand_in].outside)
        return false;
    fact = dossier == DOSSIER_NONE ? NULL : fact_find(&core->dossiers, dossier, stand_in, record->seq);
    *ret_day = fact == NULL ? DATE_NONE : fact->day;
    return true;
}

bool
core_is_due_or_delivered(const struct core *core, uint32_t stand_in, const struct core_record *record)
{
    return state_of(core, stand_in, record) != OUTSIDE_NOT_DUE;
}

bool
core_was_delivered(const struct core *core, uint32_t stand_in, const struct core_record *record)
{
    return state_of(core, stand_in, record) == OUTSIDE_DELIVERED;
}
