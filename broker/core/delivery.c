/* delivery - the questions about relations that come before those about roles (delivery.h) */
#include "broker/core/delivery.h"

#include "broker/core/facts.h"

#include <string.h>

/* Participants that safety concerns go to. */
#define SAFETY_ROLES                                                                                                   \
    (ROLE_BIT(SW) | ROLE_BIT(FA) | ROLE_BIT(DIR) | ROLE_BIT(HEAD) | ROLE_BIT(FCC) | ROLE_BIT(CCF) | ROLE_BIT(KUR))

bool
delivery_to_participants(uint32_t type)
{
    switch (facts_family(type)) {
    case FAMILY_MEETING:
    case FAMILY_INFO:
    case FAMILY_COURT: return false; /* to those invited, asked or named */
    default: return true;
    }
}

static bool
participant_receives(uint32_t type, uint32_t roles)
{
    if (!delivery_to_participants(type))
        return false;
    if (type == TYPE(CASE_SAFETY_CONCERN_RAISED) || type == TYPE(CASE_SAFETY_CONCERN_ANSWERED))
        return (roles & SAFETY_ROLES) != 0;
    return true;
}

static bool
names_probation(const struct core *core, uint32_t unit, const struct event *event)
{
    const Wici__V1__CourtOrderIssuedS5 *body;

    if (event->type->number != TYPE(COURT_ORDER_ISSUED))
        return false;
    for (size_t at = 0; (body = facts_next(event, 5, &at)) != NULL;)
        if (body->probation_unit[0] != '\0' && directory_names(&core->directory, unit, body->probation_unit))
            return true;
    return false;
}

bool
delivery_participant_may(const struct core *core, uint32_t unit, uint32_t type)
{
    return participant_receives(type, core->directory.units[unit].roles);
}

bool
delivery_party_may(const struct core *core, uint32_t unit, const struct relation *relation, uint32_t type)
{
    bool obliges = (relation->flags & RELATION_OBLIGES) != 0;
    bool kur = (core->directory.units[unit].roles & ROLE_BIT(KUR)) != 0;

    switch (type) {
    case WICI__V1__EVENT_TYPE__PLACEMENT_CHANGED:
    case WICI__V1__EVENT_TYPE__COURT_ORDER_ISSUED: return true;
    case WICI__V1__EVENT_TYPE__CASE_OPENED:
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED:
    case WICI__V1__EVENT_TYPE__CASE_LINKED:
    case WICI__V1__EVENT_TYPE__CASE_WORKER_SET:
    case WICI__V1__EVENT_TYPE__CASE_CLOSED: return obliges;
    case WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED:
    case WICI__V1__EVENT_TYPE__CASE_ASSESSMENT_RECORDED:
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED:
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_ANSWERED: return kur;
    default: return false; /* of the court's other letters those it is addressed by */
    }
}

static bool
party_receives(const struct core *core, uint32_t unit, const struct core_record *record,
               const struct relation *relation)
{
    uint32_t type = record->event->type->number;

    return delivery_party_may(core, unit, relation, type) &&
           (type != TYPE(COURT_ORDER_ISSUED) || names_probation(core, unit, record->event));
}

static bool
ref_is(const struct core *core, const struct relation *relation, const struct event *event)
{
    uint8_t ref[16];

    return facts_ref(event, ref) && memcmp(core->dossiers.extras[relation->extra].ref, ref, sizeof ref) == 0;
}

static bool
provider_receives(const struct core *core, uint32_t unit, const struct event *event)
{
    if (event->type->number != TYPE(IPUS_AGREED) && event->type->number != TYPE(IPUS_UPDATED))
        return true;
    for (size_t i = 0; i < event->section_count; i++) {
        const Wici__V1__ServiceRow *row = facts_row(event, i);

        if (row != NULL && directory_names(&core->directory, unit, row->provider))
            return true;
    }
    return false;
}

/* Questions go to those asked; another agency's answer to a referral goes to those it answers. */
static bool
office_receives(const struct core *core, const struct relation *relation, const struct event *event)
{
    if (event->type->number == TYPE(REFERRAL_ANSWERED))
        return directory_agency(&core->directory, event->header->actor->agency) == relation->who;
    return facts_family(event->type->number) != FAMILY_INFO;
}

/* It tells of the answer to a question between agencies. */
static bool
is_of_question(const struct dossier *dossier, const Wici__V1__Deadline *deadline)
{
    for (uint16_t i = 0; i < dossier->marks.count; i++) {
        const struct mark *mark = &dossier->marks.at[i];

        if (mark->seq == deadline->start_seq && mark_clock(mark) == CLOCK_D15 && mark->key != 0)
            return strcmp(deadline->clock, clock_info(CLOCK_D15)->id) == 0;
    }
    return false;
}

/* Who carries the dossier on, or is to answer; and his office, but for what is the holder's alone. Who else owes it is
 * named in the note. */
static bool
deadline_receives(const struct event *event, const struct dossier *dossier, enum relation_kind kind)
{
    const Wici__V1__Deadline *deadline = facts_deadline(event);

    return kind == RELATION_HOLDER || kind == RELATION_PENDING ||
           (kind == RELATION_OFFICE && deadline != NULL && !deadline->holder_only &&
            !is_of_question(dossier, deadline));
}

bool
delivery_covers(const struct core *core, const struct relation *relation, const struct core_record *record)
{
    if (relation_covers(&core->dossiers, relation, record->seq, record->ts_ms))
        return true;
    return relation->kind == RELATION_INVITEE && record->note != NULL && record->note->corrects_seq != 0 &&
           relation_covers(&core->dossiers, relation, record->note->corrects_seq, record->ts_ms);
}

uint64_t
delivery_from(const struct core *core, const struct dossier *dossier, const struct relation *relation)
{
    uint64_t from = (relation->flags & RELATION_OPENING) != 0 ? dossier->opened_seq : relation->from_seq;
    uint64_t taken_back = core->dossiers.extras[relation->extra].taken_back;

    return taken_back > from ? taken_back : from;
}

bool
delivery_by(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier,
            const struct relation *relation, bool ever)
{
    uint32_t type = record->event->type->number;
    enum relation_kind kind = (enum relation_kind)relation->kind;

    if (!relation_is_of(&core->directory, dossier, relation, unit) || !delivery_covers(core, relation, record) ||
        (!ever && relation_took_back(&core->dossiers, relation, record->seq)))
        return false;
    if (type == TYPE(SYS_PARTICIPANT_ADDED) || type == TYPE(SYS_PARTICIPANT_REMOVED))
        return kind == RELATION_HOLDER || kind == RELATION_PARTICIPANT || kind == RELATION_OFFICE;
    if (facts_is_deadline(type))
        return deadline_receives(record->event, dossier, kind);
    if (type > TYPE_SYS_FIRST)
        return kind == RELATION_HOLDER;
    switch (kind) {
    case RELATION_AUTHOR:
    case RELATION_ADDRESSEE: return false; /* said by the record itself */
    case RELATION_HOLDER:
    case RELATION_PENDING:
    case RELATION_SUCCESSOR: return true;
    case RELATION_OFFICE: return office_receives(core, relation, record->event);
    case RELATION_PARTICIPANT: return participant_receives(type, core->directory.units[unit].roles);
    case RELATION_REFERRER: return type == TYPE(REFERRAL_ANSWERED) || type == TYPE(REFERRAL_COMPLETED);
    case RELATION_INVITEE: return facts_family(type) == FAMILY_MEETING && ref_is(core, relation, record->event);
    case RELATION_PROVIDER:
        return facts_family(type) == FAMILY_IPUS && ref_is(core, relation, record->event) &&
               provider_receives(core, unit, record->event);
    case RELATION_PARTY: return party_receives(core, unit, record, relation);
    case RELATION_KIND_COUNT: break;
    }
    return false;
}
