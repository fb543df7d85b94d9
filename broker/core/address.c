/* Whom an event is for: the units that the addressees in the header stand for, and those an answer goes back to. */
#include "broker/core/decide.h"
#include "broker/core/view.h"

#include <errno.h>
#include <string.h>

static int
list_add(struct deciding *d, char **list, size_t *count, const char *id)
{
    size_t size = strlen(id) + 1;
    char *copy;

    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i], id) == 0)
            return 0;
    if (*count == NOTE_LIST_MAX)
        return -E2BIG;
    copy = arena_alloc(d->arena, size);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, id, size);
    list[(*count)++] = copy;
    return 0;
}

static char **
list_make(struct deciding *d)
{
    return arena_alloc(d->arena, NOTE_LIST_MAX * sizeof(char *));
}

/* ---- addressees */

/* The only unit of the agency that has the role; DIRECTORY_NONE: none, or several. */
static uint32_t
only_unit_with(const struct directory *directory, const struct agency *agency, uint32_t roles)
{
    uint32_t found = DIRECTORY_NONE;

    for (uint32_t i = 0; i < agency->units.count; i++)
        if ((directory->units[agency->units.at[i]].roles & roles) != 0) {
            if (found != DIRECTORY_NONE)
                return DIRECTORY_NONE;
            found = agency->units.at[i];
        }
    return found;
}

static bool
unit_has_area(const struct unit *unit, const char *area)
{
    for (size_t i = 0; i < unit->enrolled->n_areas; i++)
        if (strcmp(unit->enrolled->areas[i], area) == 0)
            return true;
    return false;
}

static uint32_t
only_unit_of_area(const struct directory *directory, const struct agency *agency, const char *area)
{
    uint32_t found = DIRECTORY_NONE;

    for (uint32_t i = 0; i < agency->units.count; i++)
        if (unit_has_area(&directory->units[agency->units.at[i]], area)) {
            if (found != DIRECTORY_NONE)
                return DIRECTORY_NONE;
            found = agency->units.at[i];
        }
    return found;
}

/* Without an area: the agency's only unit, else its reception, else its social workers. */
static uint32_t
front_door(const struct directory *directory, const struct agency *agency)
{
    uint32_t found;

    if (agency->units.count == 1)
        return agency->units.at[0];
    found = only_unit_with(directory, agency, ROLE_BIT(INT));
    return found != DIRECTORY_NONE ? found : only_unit_with(directory, agency, ROLE_BIT(SW));
}

/* NULL: the address does not lead to one place. */
static const char *
address_resolve(const struct directory *directory, const Wici__V1__Address *to)
{
    uint32_t unit = DIRECTORY_NONE, agency = directory_agency(directory, to->agency);

    if (to->unit[0] != '\0') {
        unit = directory_unit(directory, to->unit);
        if (unit != DIRECTORY_NONE && to->agency[0] != '\0' && directory->units[unit].agency != agency)
            return NULL;
    } else if (agency == DIRECTORY_NONE) {
        return NULL;
    } else if (directory->agencies[agency].external != NULL) {
        return to->agency; /* its serving unit prints and sends; it gets no more by it, so the agency is named */
    } else if (to->area[0] != '\0') {
        unit = only_unit_of_area(directory, &directory->agencies[agency], to->area);
    } else {
        unit = front_door(directory, &directory->agencies[agency]);
    }
    return unit == DIRECTORY_NONE ? NULL : directory_unit_id(directory, unit);
}

bool
decide_is_unaddressed(const struct deciding *d)
{
    enum type_opens opens = d->event->type->opens;

    return d->dossier == DOSSIER_NONE && (opens == OPENS_REFERRAL || opens == OPENS_LETTER) &&
           d->event->header->n_to == 0;
}

/* ---- what is better a social worker's, and comes from another: he is told */

static bool
is_better_by_social_worker(const struct deciding *d)
{
    unsigned role = (unsigned)d->event->header->actor->role;

    if (facts_is_recall(d->event))
        return false;
    if (d->type == TYPE(COURT_INSIGHT_REQUESTED))
        return role == WICI__V1__ROLE__FA || role == WICI__V1__ROLE__IC;
    return d->type == TYPE(CASE_SAFETY_CONCERN_RAISED) && role == WICI__V1__ROLE__FA &&
           strcmp(FACTS_TEXT(d->event, 5, Wici__V1__CaseSafetyConcernRaisedS5, kind), "BLUE_CARD_STARTED") == 0;
}

/* ... who is told of it now; of an external centre on paper. */
static bool
is_social_worker(const struct directory *directory, uint32_t unit)
{
    return unit != DIRECTORY_NONE && (directory->units[unit].roles & ROLE_BIT(SW)) != 0 &&
           !directory->units[unit].suspended;
}

/* One is addressed, leads the dossier, or is the author. */
bool
decide_tells_social_worker(const struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const struct dossiers *ds = &d->core->dossiers;

    if (is_social_worker(directory, d->command->unit))
        return true;
    for (size_t i = 0; i < d->note->n_resolved_to; i++)
        if (is_social_worker(directory, directory_addressee(directory, d->note->resolved_to[i])))
            return true;
    if (d->dossier == DOSSIER_NONE)
        return false;
    for (uint32_t i = 0; i < ds->at[d->dossier].relation_count; i++) {
        const struct relation *relation = &ds->at[d->dossier].relations[i];

        if ((relation->kind == RELATION_HOLDER || relation->kind == RELATION_PENDING) &&
            relation_is_open(ds, relation, d->command->now_ms) && is_social_worker(directory, relation->who))
            return true;
    }
    return false;
}

static bool
units_share_area(const struct unit *a, const struct unit *b)
{
    for (size_t i = 0; i < b->enrolled->n_areas; i++)
        if (unit_has_area(a, b->enrolled->areas[i]))
            return true;
    return false;
}

/* Those of the author's own agency: of his area, and where there is none, all. */
static int
address_social_workers(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const struct unit *author = &directory->units[d->command->unit];
    const struct numbers *units = &directory->agencies[author->agency].units;
    bool found = false;
    int rc = 0;

    for (unsigned everywhere = 0; everywhere < 2 && !found; everywhere++)
        for (uint32_t i = 0; i < units->count && rc == 0; i++) {
            const struct unit *unit = &directory->units[units->at[i]];

            if (!is_social_worker(directory, units->at[i]) || (everywhere == 0 && !units_share_area(unit, author)))
                continue;
            found = true;
            rc = list_add(d, d->note->resolved_to, &d->note->n_resolved_to, directory_unit_id(directory, units->at[i]));
        }
    return rc;
}

int
decide_addresses(struct deciding *d)
{
    const Wici__V1__Header *header = d->event->header;
    const struct directory *directory = &d->core->directory;
    int rc = 0;

    d->note->resolved_to = list_make(d);
    if (d->note->resolved_to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < header->n_to && rc == 0; i++) {
        const char *id = address_resolve(directory, header->to[i]);

        if (id == NULL)
            return decide_refuse_indexed(d, E_ADDRESS, "header.to", i, "");
        rc = list_add(d, d->note->resolved_to, &d->note->n_resolved_to, id);
    }
    if (decide_is_unaddressed(d)) /* nobody would answer it: it is for the unit that enters it */
        rc = list_add(d, d->note->resolved_to, &d->note->n_resolved_to, directory_unit_id(directory, d->command->unit));
    if (rc == 0 && d->type == TYPE(REFERRAL_FORWARDED) && !facts_is_recall(d->event)) {
        size_t section;
        const char *to = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__ReferralForwardedS0, to_unit, &section);

        if (!directory_knows(directory, to))
            return decide_refuse_body(d, E_ADDRESS, section, "toUnit");
        rc = list_add(d, d->note->resolved_to, &d->note->n_resolved_to, to);
    }
    if (rc == 0 && is_better_by_social_worker(d) && !decide_tells_social_worker(d))
        rc = address_social_workers(d);
    return rc == -E2BIG ? decide_refuse(d, E_LIMIT, "header.to") : rc;
}

/* ---- answers and corrections */

/* Who asked hears the answer. Who referred a family is told the outcome by his relation, and no more than that. */
static bool
answers_author(uint32_t type, uint32_t cause)
{
    return type == TYPE(INFO_PROVIDED) || type == TYPE(COURT_OPINION_DELIVERED) ||
           type == TYPE(CASE_SAFETY_CONCERN_ANSWERED) ||
           (type == TYPE(REFERRAL_ANSWERED) && cause != TYPE(REFERRAL_SUBMITTED));
}

/* The named event is in this dossier or its group, and the unit may see it: else naming it gives nobody anything. */
static bool
is_within_reach(const struct deciding *d, const struct core_named *named)
{
    uint32_t other = dossiers_by_entry(&d->core->dossiers, named->entry);
    struct core_record record = {
        .seq = named->seq, .ts_ms = named->ts_ms, .entry = named->entry, .event = named->event, .note = named->note};
    struct core_view view;

    if (d->dossier == DOSSIER_NONE || other == DOSSIER_NONE ||
        !dossiers_same_group(&d->core->dossiers, d->dossier, other))
        return false;
    core_view(d->core, d->command->unit, &record, false, &view);
    return view.received;
}

static int
units_add(struct deciding *d, const struct core_named *named, bool with_author)
{
    int rc = 0;

    for (size_t i = 0; named->note != NULL && i < named->note->n_resolved_to && rc == 0; i++)
        rc = list_add(d, d->note->answer_to, &d->note->n_answer_to, named->note->resolved_to[i]);
    for (size_t i = 0; named->note != NULL && i < named->note->n_answer_to && rc == 0; i++)
        rc = list_add(d, d->note->answer_to, &d->note->n_answer_to, named->note->answer_to[i]);
    if (rc == 0 && with_author)
        rc = list_add(d, d->note->answer_to, &d->note->n_answer_to, named->event->header->actor->unit);
    return rc;
}

/* What is corrected reaches whom it reached before, however many they are. */
static int
units_tell(struct deciding *d, const struct core_named *named)
{
    const struct directory *directory = &d->core->directory;
    int rc = 0;

    for (size_t i = 0; named->note != NULL && i < named->note->n_resolved_to && rc == 0; i++)
        rc = decide_answer_to(d, named->note->resolved_to[i]);
    for (size_t i = 0; named->note != NULL && i < named->note->n_answer_to && rc == 0; i++)
        rc = decide_answer_to(d, named->note->answer_to[i]);
    for (uint32_t i = 0; named->note != NULL && i < directory->unit_count && rc == 0; i++)
        if (view_told(named->note, i))
            rc = decide_answer_to(d, directory_unit_id(directory, i));
    return rc;
}

/* One bit for each unit, so that any number of them has room in a note. */
static int
told_add(struct deciding *d, uint32_t unit)
{
    size_t count = ((size_t)d->core->directory.unit_count + 31) / 32;

    if (unit == DIRECTORY_NONE)
        return -E2BIG; /* an agency without units */
    if (d->note->told == NULL) {
        d->note->told = arena_alloc(d->arena, count * sizeof *d->note->told);
        if (d->note->told == NULL)
            return -ENOMEM;
        memset(d->note->told, 0, count * sizeof *d->note->told);
        d->note->n_told = count;
    }
    d->note->told[unit / 32] |= 1u << unit % 32;
    return 0;
}

int
decide_answer_to(struct deciding *d, const char *unit)
{
    int rc;

    if (d->note->answer_to == NULL)
        d->note->answer_to = list_make(d);
    if (d->note->answer_to == NULL)
        return -ENOMEM;
    rc = list_add(d, d->note->answer_to, &d->note->n_answer_to, unit);
    return rc == -E2BIG ? told_add(d, directory_unit(&d->core->directory, unit)) : rc;
}

/* The persons of one event, or those that both are about: the units of either must not be given the other's persons. */
static int
persons_add(struct deciding *d, const struct core_named *one, const struct core_named *other)
{
    const char *persons[FACTS_PERSONS_MAX], *others[FACTS_PERSONS_MAX];
    size_t count = facts_persons(one->event, persons), other_count = 0;
    int rc = 0;

    if (other != NULL)
        other_count = facts_persons(other->event, others);
    for (size_t i = 0; i < count && rc == 0; i++) {
        bool both = other == NULL;

        for (size_t j = 0; j < other_count && !both; j++)
            both = strcmp(persons[i], others[j]) == 0;
        if (both)
            rc = list_add(d, d->note->answer_about, &d->note->n_answer_about, persons[i]);
    }
    return rc == -E2BIG ? 0 : rc; /* persons beyond the list's bound are left out: that gives less, never more */
}

int
decide_answer(struct deciding *d)
{
    const struct core_named *cause = d->command->cause, *corrected = d->command->corrected, *first;
    int rc = 0;

    if (cause != NULL && !is_within_reach(d, cause))
        cause = NULL;
    if (corrected != NULL && !is_within_reach(d, corrected))
        corrected = NULL;
    d->answered = cause;
    d->amended = corrected;
    first = cause != NULL ? cause : corrected;
    if (first == NULL)
        return 0;
    d->note->answer_to = list_make(d);
    d->note->answer_about = list_make(d);
    if (d->note->answer_to == NULL || d->note->answer_about == NULL)
        return -ENOMEM;
    if (cause != NULL)
        rc = units_add(d, cause, answers_author(d->type, cause->event->type->number));
    if (rc == -E2BIG)
        return decide_refuse(d, E_LIMIT, "header.causationId");
    if (rc == 0 && corrected != NULL)
        rc = units_tell(d, corrected);
    if (rc == -E2BIG)
        return decide_refuse(d, E_LIMIT, "header.correctsEventId");
    if (rc == 0)
        rc = persons_add(d, first, cause != NULL ? corrected : NULL);
    return rc;
}
