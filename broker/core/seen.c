/* Looking things up for readers: whom a record may concern, what a unit may ask for, and why it is given what. */
#include "broker/core/facts.h"
#include "broker/core/delivery.h"
#include "broker/core/view.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct {
    const char *name, *pl, *en;
} verdicts[] = {
    [CORE_GIVEN_AUTHOR] = {"GIVEN_AUTHOR", "Własne zdarzenie jednostki.", "The unit's own event."},
    [CORE_GIVEN_FULL] = {"GIVEN_FULL", "Role jednostki obejmują tę klasę danych w zdarzeniach tego rodzaju.",
                         "The unit's roles are given this class of this type."},
    [CORE_GIVEN_NAMED] = {"GIVEN_NAMED", "Część wskazuje tę jednostkę jako odbiorcę.",
                          "The section names the unit as one it is for."},
    [CORE_GIVEN_SUBJECT] = {"GIVEN_SUBJECT", "Część dotyczy osoby, w sprawie której jednostka uczestniczy.",
                            "The section is about a person the unit's relation is about."},
    [CORE_WITHHELD_CLASS] = {"WITHHELD_CLASS",
                             "Role jednostki nie obejmują tej klasy danych w zdarzeniach tego rodzaju.",
                             "The unit's roles are not given this class of this type."},
    [CORE_WITHHELD_HALF] =
        {"WITHHELD_HALF",
         "Tę klasę jednostka dostaje tylko w częściach, które ją wskazują albo dotyczą osoby, w sprawie "
         "której uczestniczy; takiej części tu nie ma.",
         "The unit is given this class only in sections that name it or are about a person its relation "
         "is about; there is no such section here."},
    [CORE_WITHHELD_MARK] = {"WITHHELD_MARK", "Autor przeznaczył tę część dla innych.",
                            "The author meant this section for others."},
    [CORE_WITHHELD_RELATION] = {"WITHHELD_RELATION", "Udział jednostki w sprawie nie obejmuje tej części.",
                                "The unit's relation to the dossier does not give this section."},
    [CORE_WITHHELD_ADDRESS] = {"WITHHELD_ADDRESS", "Adres rodziny jest chroniony.",
                               "The family's address is protected."},
    [CORE_WITHHELD_NOTE] = {"WITHHELD_NOTE", "Dopiski brokera widzą tylko autor i prowadzący.",
                            "The broker's note is for the author and the holder only."},
    [CORE_WITHHELD_CONSENT] = {"WITHHELD_CONSENT", "Zgoda, na której to się opiera, została cofnięta albo wygasła.",
                               "The consent that this rests on was withdrawn or has expired."},
    [CORE_WITHHELD_DECLARED] =
        {"WITHHELD_DECLARED",
         "Instytucja jednostki nie podpisała deklaracji o współpracy, a zdarzenie nie wskazuje podstawy udostępnienia.",
         "The unit's agency has not signed the declaration of cooperation, and the event names no ground."},
    [CORE_NONE] = {"NONE", "Role jednostki obejmują tę klasę danych; w tym zdarzeniu nie ma jej dla tej jednostki.",
                   "The unit's roles are given this class; this event holds none of it for the unit."},
};

const char *
core_verdict_name(enum core_verdict verdict)
{
    return verdicts[verdict].name;
}

const char *
core_verdict_text(enum core_verdict verdict, bool pl)
{
    return pl ? verdicts[verdict].pl : verdicts[verdict].en;
}

/* ---- audience */

static int
add_office(struct core *core, const struct dossier *dossier, const struct relation *relation)
{
    const struct agency *agency = &core->directory.agencies[relation->who];
    int rc = 0;

    for (uint32_t i = 0; i < agency->units.count && rc == 0; i++)
        if (relation_is_of(&core->directory, dossier, relation, agency->units.at[i]))
            rc = numbers_add(&core->scratch, agency->units.at[i]);
    return rc;
}

static int
add_named(struct core *core, const char *id)
{
    uint32_t unit = directory_unit(&core->directory, id), agency = directory_agency(&core->directory, id);
    int rc = 0;

    if (unit != DIRECTORY_NONE)
        rc = numbers_add(&core->scratch, unit);
    if (agency != DIRECTORY_NONE)
        for (uint32_t i = 0; i < core->directory.agencies[agency].units.count && rc == 0; i++)
            rc = numbers_add(&core->scratch, core->directory.agencies[agency].units.at[i]);
    return rc;
}

static int
add_list(struct core *core, char *const *list, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_named(core, list[i]);
    return rc;
}

static bool
is_for_everyone(uint32_t type)
{
    return type > TYPE_SYS_FIRST && !facts_sys_in_dossier(type) && type != TYPE(SYS_EVENT_REJECTED) &&
           type != TYPE(SYS_ACCESS_RECORDED);
}

int
core_audience(struct core *core, const struct core_record *record, const uint32_t **ret, size_t *ret_count,
              bool *ret_everyone)
{
    const struct dossier *dossier = core_record_dossier(core, record);
    const struct event *event = record->event;
    int rc;

    core->scratch.count = 0;
    *ret = core->scratch.at;
    *ret_count = 0;
    *ret_everyone = is_for_everyone(event->type->number);
    if (*ret_everyone || view_is_forgotten(core, record))
        return 0;

    rc = add_named(core, event->header->actor->unit);
    for (uint32_t i = 0; i < core->directory.watchers.count && rc == 0; i++)
        rc = numbers_add(&core->scratch, core->directory.watchers.at[i]);
    if (rc == 0 && record->note != NULL)
        rc = add_list(core, record->note->resolved_to, record->note->n_resolved_to);
    if (rc == 0 && record->note != NULL)
        rc = add_list(core, record->note->answer_to, record->note->n_answer_to);
    for (uint32_t i = 0; rc == 0 && record->note != NULL && i < 32 * record->note->n_told; i++)
        if (view_told(record->note, i))
            rc = numbers_add(&core->scratch, i);
    if (rc == 0 && event->type->number == TYPE(SYS_PARTICIPANT_ADDED))
        rc = add_named(core, FACTS_TEXT(event, 0, Wici__V1__SysParticipantAddedS0, unit));
    if (rc == 0 && event->type->number == TYPE(SYS_EVENT_REJECTED))
        rc = add_named(core, FACTS_TEXT(event, 0, Wici__V1__SysEventRejectedS0, agency));
    if (rc == 0 && event->type->number == TYPE(SYS_ERASURE_NOTIFIED))
        rc = add_named(core, FACTS_TEXT(event, 0, Wici__V1__SysErasureNotifiedS0, unit));
    if (rc == 0 && facts_agency(event)[0] != '\0')
        rc = add_named(core, facts_agency(event));
    for (uint32_t i = 0; dossier != NULL && i < dossier->relation_count && rc == 0; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (!delivery_covers(core, relation, record))
            continue;
        rc = relation->kind == RELATION_OFFICE ? add_office(core, dossier, relation)
                                               : numbers_add(&core->scratch, relation->who);
    }
    if (rc != 0)
        return rc;
    numbers_sort(&core->scratch);
    *ret = core->scratch.at;
    *ret_count = core->scratch.count;
    return 0;
}

/* ---- a unit's dossiers */

void
view_unit_lists(const struct core *core, uint32_t unit, const struct numbers **ret_own,
                const struct numbers **ret_office)
{
    static const struct numbers none = {0};
    const struct unit *u = &core->directory.units[unit];
    bool office = (u->roles & (ROLE_BIT(DIR) | ROLE_BIT(HEAD) | ROLE_BIT(OUS))) != 0;

    *ret_own = &u->entries;
    *ret_office = office ? &core->directory.agencies[u->agency].entries : &none;
}

int
core_unit_entries(struct core *core, uint32_t unit, const uint32_t **ret, size_t *ret_count, bool *ret_all)
{
    const struct numbers *own, *office, *told;
    int rc;

    assert(unit < core->directory.unit_count);
    core->scratch.count = 0;
    *ret = core->scratch.at;
    *ret_count = 0;
    *ret_all = (core->directory.units[unit].roles & ROLE_BIT(AUD)) != 0;
    if (*ret_all)
        return 0;

    view_unit_lists(core, unit, &own, &office);
    told = &core->directory.units[unit].told;
    rc = numbers_add(&core->scratch, 0);
    for (uint32_t i = 0, j = 0; (i < own->count || j < office->count) && rc == 0;) {
        uint32_t a = i < own->count ? own->at[i] : UINT32_MAX, b = j < office->count ? office->at[j] : UINT32_MAX;

        rc = numbers_add(&core->scratch, a < b ? a : b);
        i += a <= b;
        j += b <= a;
    }
    for (uint32_t i = 0; i < told->count && rc == 0; i++)
        rc = numbers_add(&core->scratch, told->at[i]);
    if (rc != 0)
        return rc;
    if (told->count > 0)
        numbers_sort(&core->scratch);
    *ret = core->scratch.at;
    *ret_count = core->scratch.count;
    return 0;
}

uint64_t
core_folds(const struct core *core)
{
    return core->folds;
}

size_t
core_unit_entry_count(const struct core *core, uint32_t unit)
{
    const struct numbers *own, *office;

    assert(unit < core->directory.unit_count);
    view_unit_lists(core, unit, &own, &office);
    /* 2^32 entries: no list grows that long */
    return (size_t)(core->folds << 32) + own->count + office->count + core->directory.units[unit].told.count;
}

/*
 * Whether the unit has or had a relation to the dossier, or its office. It is the unit's own lists that are searched,
 * in steps that follow from their length: the answer takes the same time whoever has the dossier.
 */
static bool
unit_knows(const struct core *core, uint32_t unit, const struct dossier *dossier, uint32_t entry)
{
    const struct directory *directory = &core->directory;
    const struct unit *u = &directory->units[unit];
    bool own = numbers_has(&u->entries, entry), office = numbers_has(&directory->agencies[u->agency].entries, entry);

    return own | (office & dossier_is_for_office(directory, dossier, unit)) | ((u->roles & ROLE_BIT(AUD)) != 0);
}

static uint32_t
entry_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16], bool told)
{
    uint32_t found = dossiers_find(&core->dossiers, dossier_id), entry;
    bool there = found != DOSSIER_NONE, knows;
    const struct dossier *dossier;

    assert(unit < core->directory.unit_count);
    if (core->dossiers.count == 0)
        return 0;
    /* An unknown one is asked for as well, in the place of another and under an entry that none has. */
    dossier = &core->dossiers.at[there ? found : 0];
    entry = there ? dossier->entry : 0;
    knows = unit_knows(core, unit, dossier, entry);
    if (told)
        knows |= numbers_has(&core->directory.units[unit].told, entry);
    return knows && there ? entry : 0;
}

uint32_t
core_dossier_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16])
{
    return entry_for(core, unit, dossier_id, false);
}

uint32_t
core_entry_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16])
{
    return entry_for(core, unit, dossier_id, true);
}

uint32_t
core_accounts_for(const struct core *core, uint32_t unit, const uint8_t dossier_id[16])
{
    uint32_t entry = core_dossier_for(core, unit, dossier_id), found = dossiers_find(&core->dossiers, dossier_id);
    const struct dossier *dossier;

    if (entry == 0)
        return 0;
    if ((core->directory.units[unit].roles & ROLE_BIT(AUD)) != 0)
        return entry;
    dossier = &core->dossiers.at[found];
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if ((relation->kind == RELATION_HOLDER || relation->kind == RELATION_OFFICE) &&
            relation_is_of(&core->directory, dossier, relation, unit) &&
            relation_is_open(&core->dossiers, relation, core->latest_ms))
            return entry;
    }
    return 0;
}

bool
core_dossiers_tied(const struct core *core, uint32_t a, uint32_t b)
{
    const struct dossiers *ds = &core->dossiers;
    uint32_t x = dossiers_by_entry(ds, a), y = dossiers_by_entry(ds, b);

    if (x == DOSSIER_NONE || y == DOSSIER_NONE)
        return a == b;
    if (x == y)
        return true;
    for (uint32_t i = 0; i < ds->at[x].link_count; i++)
        if (ds->at[x].links[i].other == y)
            return true;
    for (uint32_t i = 0; i < ds->at[y].link_count; i++)
        if (ds->at[y].links[i].other == x)
            return true;
    for (uint32_t member = ds->at[x].group_next; member != x; member = ds->at[member].group_next)
        if (member == y)
            return true;
    return false;
}

uint32_t
core_dossier_count(const struct core *core)
{
    return dossiers_known(&core->dossiers);
}

/* ---- explaining */

static void
relation_explain(const struct core *core, uint32_t unit, const struct core_record *record,
                 const struct dossier *dossier, const struct relation *relation, struct core_relation_view *ret)
{
    const struct dossiers *dossiers = &core->dossiers;

    *ret = (struct core_relation_view){.kind = relation_name((enum relation_kind)relation->kind),
                                       .from_seq = delivery_from(core, dossier, relation),
                                       .until_seq = relation->until_seq};
    for (uint32_t i = 0; i < dossiers->about[relation->about]; i++)
        if (ret->about_count < sizeof ret->about / sizeof ret->about[0])
            ret->about[ret->about_count++] = strings_at(&dossiers->persons, dossiers->about[relation->about + 1 + i]);
    switch (relation->kind) {
    case RELATION_AUTHOR: ret->applies = view_is_author(core, unit, record->event); break;
    case RELATION_ADDRESSEE:
        ret->applies = view_addressed(core, unit, record) || view_answered(core, unit, record);
        break;
    default: ret->applies = delivery_by(core, unit, record, dossier, relation, false); break;
    }
}

size_t
core_relations(const struct core *core, uint32_t unit, const struct core_record *record, struct core_relation_view *ret,
               size_t max)
{
    const struct dossier *dossier = core_record_dossier(core, record);
    size_t count = 0;

    assert(unit < core->directory.unit_count);
    for (uint32_t i = 0; dossier != NULL && i < dossier->relation_count && count < max; i++)
        if (relation_is_of(&core->directory, dossier, &dossier->relations[i], unit))
            relation_explain(core, unit, record, dossier, &dossier->relations[i], &ret[count++]);
    return count;
}

/* Adds a dossier the unit knows, unless it is there already. */
static void
group_add(const struct core *core, uint32_t unit, uint32_t dossier, const char *link, struct core_group_member *ret,
          size_t max, size_t *count)
{
    const struct dossier *d = &core->dossiers.at[dossier];

    if (*count == max || !unit_knows(core, unit, d, d->entry))
        return;
    for (size_t i = 0; i < *count; i++)
        if (ret[i].entry == d->entry)
            return;
    ret[*count] = (struct core_group_member){
        .entry = d->entry, .kind = dossier_kind_name(d), .link = link, .opened_seq = d->opened_seq};
    memcpy(ret[*count].dossier_id, d->id, 16);
    (*count)++;
}

size_t
core_group(const struct core *core, uint32_t unit, const uint8_t dossier_id[16], struct core_group_member *ret,
           size_t max)
{
    uint32_t dossier = dossiers_find(&core->dossiers, dossier_id);
    size_t count = 0;

    assert(unit < core->directory.unit_count);
    if (core_dossier_for(core, unit, dossier_id) == 0)
        return 0;
    group_add(core, unit, dossier, "", ret, max, &count);
    for (uint32_t i = 0; i < core->dossiers.at[dossier].link_count; i++) {
        const struct dossier_link *link = &core->dossiers.at[dossier].links[i];

        group_add(core, unit, link->other, link_name((enum link_kind)link->kind), ret, max, &count);
    }
    for (uint32_t member = core->dossiers.at[dossier].group_next; member != dossier;
         member = core->dossiers.at[member].group_next)
        group_add(core, unit, member, link_name(LINK_MERGED_INTO), ret, max, &count);
    return count;
}
