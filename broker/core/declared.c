/*
 * I29: where an agency works with declarations of cooperation, one that signed none is given S0 of what it is sent, of
 * answers and of meetings that it is invited to, until the event names the ground of the sharing. Decided when the
 * event comes and kept in its note: a declaration that is signed, or ends, changes nothing of what came before.
 *
 * The author is told of those that he knows of: whom he addresses, invites or answers. Of whom somebody else may have
 * invited, or asked together with him, the note tells the holder, and the author has no note.
 */
#include "broker/core/decide.h"

#include "broker/core/delivery.h"
#include "broker/core/gate.h"
#include "broker/core/view.h"
#include "proto/date.h"

#include <errno.h>
#include <string.h>

/* Bodies that act upon a law of their own, declared or not. */
static bool
is_statutory(const struct agency *agency)
{
    static const char *const words[] = {"COURT", "PROBATION", "POLICE", "IDT", "AUDIT"};
    char **kinds = agency->external != NULL ? agency->external->kinds : agency->enrolled->kinds;
    size_t count = agency->external != NULL ? agency->external->n_kinds : agency->enrolled->n_kinds;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++)
            if (strcmp(kinds[i], words[j]) == 0)
                return true;
    return false;
}

/* Told because an act says so, whoever is told: a family in need, a court's matter, a child in danger. */
static bool
is_by_law(uint32_t type)
{
    return facts_family(type) == FAMILY_REFERRAL || facts_family(type) == FAMILY_COURT ||
           type == TYPE(CASE_SAFETY_CONCERN_RAISED) || type == TYPE(CASE_SAFETY_CONCERN_ANSWERED);
}

/* The author's agency works with declarations, and the event names no ground besides. */
static bool
asks_for_one(const struct deciding *d, uint32_t own, int32_t day)
{
    return !facts_is_recall(d->event) && !is_by_law(d->type) && !gate_names_ground(d->event) &&
           registers_hold(&d->core->registers, REGISTER_DECLARATION, own, "", day);
}

static int
note_agency(struct deciding *d, const char *agency)
{
    char **list = d->note->undeclared;

    if (list == NULL)
        list = arena_alloc(d->arena, NOTE_LIST_MAX * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    d->note->undeclared = list;
    for (size_t i = 0; i < d->note->n_undeclared; i++)
        if (strcmp(list[i], agency) == 0)
            return 0;
    if (d->note->n_undeclared == NOTE_LIST_MAX)
        return decide_refuse(d, E_LIMIT, "header.to");
    list[d->note->n_undeclared] = arena_alloc(d->arena, strlen(agency) + 1);
    if (list[d->note->n_undeclared] == NULL)
        return -ENOMEM;
    memcpy(list[d->note->n_undeclared++], agency, strlen(agency) + 1);
    return 0;
}

/* The event itself gives the unit a place in the dossier: it assigns it, or names it in a row of the plan. */
static bool
is_given_place(const struct deciding *d, uint32_t unit)
{
    const struct directory *directory = &d->core->directory;

    if (d->type == TYPE(CASE_ASSISTANT_ASSIGNED))
        return directory_names(directory, unit, FACTS_TEXT(d->event, 0, Wici__V1__CaseAssistantAssignedS0, unit));
    if (d->type == TYPE(CASE_WORKER_SET))
        return directory_names(directory, unit, FACTS_TEXT(d->event, 0, Wici__V1__CaseWorkerSetS0, unit));
    for (size_t i = 0; i < d->event->section_count; i++) {
        const Wici__V1__ServiceRow *row = facts_row(d->event, i);

        if (row != NULL && !row->removed && directory_names(directory, unit, row->provider))
            return true;
    }
    return false;
}

/* It has one already, or is given one. */
static bool
has_place(const struct deciding *d, uint32_t unit)
{
    const struct core_record record = {
        .seq = d->command->seq, .ts_ms = d->command->now_ms, .event = d->event, .note = d->note};
    const struct dossier *dossier = d->dossier == DOSSIER_NONE ? NULL : &d->core->dossiers.at[d->dossier];

    return is_given_place(d, unit) || view_has_place(d->core, unit, &record, dossier);
}

struct sender {
    uint32_t agency;
    int32_t day;
    bool holder;
};

static bool
names_one(const struct deciding *d, uint32_t unit, char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (directory_names(&d->core->directory, unit, list[i]))
            return true;
    return false;
}

/* The unit wrote it; or the author did, and addressed the unit in it or in what it corrects. */
static bool
was_in(const struct deciding *d, const struct core_named *named, uint32_t unit)
{
    const Wici__V1__BrokerNote *note = named == NULL ? NULL : named->note;
    const char *author;

    if (named == NULL)
        return false;
    author = named->event->header->actor->unit;
    if (directory_names(&d->core->directory, unit, author))
        return true;
    return note != NULL && directory_unit(&d->core->directory, author) == d->command->unit &&
           (names_one(d, unit, note->resolved_to, note->n_resolved_to) ||
            names_one(d, unit, note->first_to, note->n_first_to));
}

/* unit: or the stand-in of an agency; DIRECTORY_NONE: nobody any more. to: the addressee in the header it is for. */
static int
look_at(struct deciding *d, const struct sender *sender, uint32_t unit, size_t to, bool known)
{
    const struct directory *directory = &d->core->directory;
    uint32_t agency;
    int rc;

    if (unit == DIRECTORY_NONE)
        return 0;
    agency = directory->units[unit].agency;
    if (agency == sender->agency || is_statutory(&directory->agencies[agency]) ||
        registers_hold(&d->core->registers, REGISTER_DECLARATION, agency, "", sender->day) || has_place(d, unit))
        return 0;
    rc = note_agency(d, directory_agency_id(directory, agency));
    if (rc != 0)
        return rc;
    if (!known)
        return 0;
    return to < d->event->header->n_to ? decide_warn_indexed(d, RULE_I29, "header.to", to)
                                       : decide_warn(d, RULE_I29, "header.type");
}

/* Those that this event invites. */
static int
look_at_named(struct deciding *d, const struct sender *sender)
{
    const Wici__V1__MeetingConvenedS6 *body;
    int rc = 0;

    if (d->type != TYPE(MEETING_CONVENED))
        return 0;
    for (size_t at = 0; rc == 0 && (body = facts_next(d->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_invited && rc == 0; i++)
            rc = look_at(d, sender, directory_addressee(&d->core->directory, body->invited[i]->unit), SIZE_MAX, true);
    return rc;
}

/* Those that were invited already: by whom, the dossier does not tell. */
static int
look_at_invited(struct deciding *d, const struct sender *sender)
{
    const struct dossier *dossier = d->dossier == DOSSIER_NONE ? NULL : &d->core->dossiers.at[d->dossier];
    struct core_record record = {
        .seq = d->command->seq, .ts_ms = d->command->now_ms, .event = d->event, .note = d->note};
    int rc = 0;

    for (uint32_t i = 0; dossier != NULL && i < dossier->relation_count && rc == 0; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (relation->kind == RELATION_INVITEE &&
            delivery_by(d->core, relation->who, &record, dossier, relation, false))
            rc = look_at(d, sender, relation->who, SIZE_MAX, sender->holder);
    }
    return rc;
}

static int
look_at_answered_one(struct deciding *d, const struct sender *sender, uint32_t unit)
{
    bool known = sender->holder || was_in(d, d->answered, unit) || was_in(d, d->amended, unit);

    return look_at(d, sender, unit, SIZE_MAX, known);
}

/* Those that hear it because it answers or corrects something. */
static int
look_at_answered(struct deciding *d, const struct sender *sender)
{
    const struct directory *directory = &d->core->directory;
    int rc = 0;

    for (size_t i = 0; i < d->note->n_answer_to && rc == 0; i++) {
        uint32_t unit = directory_addressee(directory, d->note->answer_to[i]);

        if (unit != DIRECTORY_NONE)
            rc = look_at_answered_one(d, sender, unit);
    }
    for (uint32_t i = 0; d->note->n_told > 0 && i < directory->unit_count && rc == 0; i++)
        if (view_told(d->note, i))
            rc = look_at_answered_one(d, sender, i);
    return rc;
}

static bool
is_holder(const struct deciding *d)
{
    struct core_record record = {
        .seq = d->command->seq, .ts_ms = d->command->now_ms, .event = d->event, .note = d->note};

    return d->dossier != DOSSIER_NONE &&
           view_is_holder(d->core, d->command->unit, &record, &d->core->dossiers.at[d->dossier]);
}

int
decide_declared(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    struct sender sender = {.agency = directory->units[d->command->unit].agency,
                            .day = date_of_moment(d->command->now_ms)};
    int rc = 0;

    if (!asks_for_one(d, sender.agency, sender.day))
        return 0;
    sender.holder = is_holder(d);
    /* Whether or not somebody was: that the note is missing must not tell. */
    d->note->not_for_author = facts_family(d->type) == FAMILY_MEETING && !sender.holder;
    for (size_t i = 0; i < d->note->n_resolved_to && rc == 0; i++)
        rc = look_at(d, &sender, directory_addressee(directory, d->note->resolved_to[i]), i, true);
    if (rc == 0)
        rc = look_at_named(d, &sender);
    if (rc == 0)
        rc = look_at_answered(d, &sender);
    return rc == 0 ? look_at_invited(d, &sender) : rc;
}
