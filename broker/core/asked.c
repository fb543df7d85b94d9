#include "broker/core/asked.h"

#include "broker/core/facts.h"
#include "broker/core/view.h"
#include "proto/limits.h"

#include <string.h>

/* ---- whom a row names */

static bool
names(const struct directory *directory, uint32_t unit, const char *text)
{
    const struct unit *u = &directory->units[unit];
    const struct agency *agency = &directory->agencies[u->agency];
    const char *of_agency = agency->enrolled != NULL   ? agency->enrolled->name
                            : agency->external != NULL ? agency->external->name
                                                       : "";

    return directory_names(directory, unit, text) || (u->enrolled != NULL && strcmp(u->enrolled->name, text) == 0) ||
           strcmp(of_agency, text) == 0;
}

/* The unit is given that section of the record. */
static bool
is_given(const struct core *core, uint32_t unit, const struct core_record *record, size_t section)
{
    struct core_view view;

    core_view(core, unit, record, false, &view);
    return view.received && (view.sections >> section & 1u) != 0;
}

/* The first time that it is asked of this unit. */
static bool
is_new(uint8_t looked_at[UNITS_MAX / 8], uint32_t unit)
{
    uint8_t bit = (uint8_t)(1u << unit % 8), *at = &looked_at[unit / 8];
    bool ret = (*at & bit) == 0;

    *at |= bit;
    return ret;
}

/* Of the units that have or had a relation to the dossier: the first that the text names and that is given the row. */
static uint32_t
unit_named(const struct core *core, const struct core_record *record, const struct dossier *dossier, size_t section,
           const char *text)
{
    uint8_t looked_at[UNITS_MAX / 8] = {0};

    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if (relation->kind != RELATION_OFFICE && is_new(looked_at, relation->who) &&
            names(&core->directory, relation->who, text) && is_given(core, relation->who, record, section))
            return relation->who;
    }
    return CORE_UNIT_NONE;
}

/* The only unit with that role that is given the row. */
static uint32_t
unit_with_role(const struct core *core, const struct core_record *record, const struct dossier *dossier, size_t section,
               const char *text)
{
    unsigned role = role_by_name(text);
    uint8_t looked_at[UNITS_MAX / 8] = {0}; /* a unit may have thousands of relations */
    uint32_t found = CORE_UNIT_NONE;

    for (uint32_t i = 0; role != 0 && i < dossier->relation_count; i++) {
        uint32_t unit = dossier->relations[i].kind == RELATION_OFFICE ? CORE_UNIT_NONE : dossier->relations[i].who;

        if (unit == CORE_UNIT_NONE || (core->directory.units[unit].roles >> role & 1u) == 0 ||
            !is_new(looked_at, unit) || !is_given(core, unit, record, section))
            continue;
        if (found != CORE_UNIT_NONE)
            return CORE_UNIT_NONE;
        found = unit;
    }
    return found;
}

/* ---- keeping */

static int
add(struct core *core, uint32_t dossier, uint64_t seq, uint32_t unit, unsigned item, const uint8_t *question)
{
    struct act_about fact = {
        .act = {.input = IN_NONE, .code = ACT_CODE_ASKED, .day = (int32_t)item, .number = unit, .thing = THING_NONE},
        .machine = MACHINE_COUNT};

    if (unit == DIRECTORY_NONE)
        return 0;
    if (question != NULL) {
        fact.machine = MACHINE_INFO;
        memcpy(fact.ref, question, sizeof fact.ref);
    }
    act_set_seq(&fact.act, seq);
    return acts_add(&core->dossiers, dossier, &fact);
}

/* One of the unit's roles may publish the answer: others are addressed so that they know. */
static bool
may_answer(const struct core *core, uint32_t unit, uint32_t answer)
{
    for (unsigned role = 1; core->policy != NULL && unit != DIRECTORY_NONE && role < ROLE_COUNT; role++)
        if ((core->directory.units[unit].roles >> role & 1u) != 0 && policy_cell(core->policy, answer, role).publish)
            return true;
    return false;
}

/* The type that answers it; 0: it asks nobody by its address. */
static uint32_t
answer_of(uint32_t type)
{
    switch (type) {
    case WICI__V1__EVENT_TYPE__INFO_REQUESTED: return TYPE(INFO_PROVIDED);
    case WICI__V1__EVENT_TYPE__COURT_OPINION_REQUESTED: return TYPE(COURT_OPINION_DELIVERED);
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED: return TYPE(CASE_SAFETY_CONCERN_ANSWERED);
    default: return 0;
    }
}

static int
keep_addressed(struct core *core, const struct core_record *record, uint32_t dossier, uint64_t seq)
{
    const Wici__V1__BrokerNote *note = record->note;
    uint32_t type = record->event->type->number, answer = answer_of(type);
    const uint8_t *question = type == TYPE(INFO_REQUESTED) && seq == record->seq ? record->event->event_id : NULL;
    int rc = 0;

    for (size_t i = 0; note != NULL && i < note->n_resolved_to && rc == 0; i++) {
        uint32_t unit = directory_addressee(&core->directory, note->resolved_to[i]);

        if (may_answer(core, unit, answer))
            rc = add(core, dossier, seq, unit, 0, question);
    }
    return rc;
}

static int
keep_rows(struct core *core, const struct core_record *record, uint32_t dossier, uint64_t seq)
{
    const Wici__V1__MeetingAgreementsIssuedS6 *body;
    unsigned item = 0;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 6, &at)) != NULL;) {
        const struct dossier *d = &core->dossiers.at[dossier];
        const char *text = body->row == NULL ? "" : body->row->responsible;
        uint32_t unit;

        item += body->row != NULL;
        if (text[0] == '\0')
            continue;
        unit = unit_named(core, record, d, at - 1, text);
        if (unit == CORE_UNIT_NONE)
            unit = unit_with_role(core, record, d, at - 1, text);
        rc = add(core, dossier, seq, unit, item, NULL);
    }
    return rc;
}

/* Who is sent it is to answer: the whole, or each of its parts. */
static int
keep_forwarded(struct core *core, const struct core_record *record, uint32_t dossier, uint64_t seq)
{
    const char *to = FACTS_TEXT(record->event, 0, Wici__V1__ReferralForwardedS0, to_unit);
    bool whole = facts_same(FACTS_TEXT(record->event, 0, Wici__V1__ReferralForwardedS0, whole), "YES");
    uint32_t unit = directory_addressee(&core->directory, to);
    const Wici__V1__ReferralForwardedS0 *body;
    int rc = whole ? add(core, dossier, seq, unit, 0, NULL) : 0;

    for (size_t at = 0; !whole && rc == 0 && (body = facts_next(record->event, 0, &at)) != NULL;)
        for (size_t i = 0; i < body->n_part_nos && rc == 0; i++)
            rc = add(core, dossier, seq, unit, body->part_nos[i], NULL);
    return rc;
}

static void
take_back(struct dossier *dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_ASKED && act_seq(act) == seq)
            act->flags |= ACT_RECALLED;
    }
}

/* Another version of it may ask others. */
static bool
asks_by_its_body(uint32_t type)
{
    return type == TYPE(MEETING_AGREEMENTS_ISSUED) || type == TYPE(REFERRAL_FORWARDED);
}

static bool
asks(uint32_t type)
{
    return answer_of(type) != 0 || asks_by_its_body(type);
}

size_t
asked_bound(const struct event *event, const Wici__V1__BrokerNote *note)
{
    const Wici__V1__ReferralForwardedS0 *body;
    size_t bound = 1;

    if (!asks(event->type->number))
        return 0;
    if (event->type->number == TYPE(MEETING_AGREEMENTS_ISSUED))
        return event->section_count;
    if (event->type->number != TYPE(REFERRAL_FORWARDED))
        return note != NULL ? note->n_resolved_to : 0;
    for (size_t at = 0; (body = facts_next(event, 0, &at)) != NULL;)
        bound += body->n_part_nos;
    return bound;
}

int
asked_keep(struct core *core, const struct core_record *record, uint32_t dossier)
{
    uint32_t type = record->event->type->number;
    uint64_t seq = record->seq;

    if (!asks(type))
        return 0;
    if (record->event->header->corrects_event_id[0] != '\0') {
        seq = record->note != NULL ? record->note->corrects_seq : 0;
        if (seq == 0)
            return 0;
        if (!asks_by_its_body(type) && !facts_is_recall(record->event))
            return 0; /* who was asked stays so, however the question is put */
        take_back(&core->dossiers.at[dossier], seq);
    }
    if (facts_is_recall(record->event))
        return 0;
    return type == TYPE(MEETING_AGREEMENTS_ISSUED) ? keep_rows(core, record, dossier, seq)
           : type == TYPE(REFERRAL_FORWARDED)      ? keep_forwarded(core, record, dossier, seq)
                                                   : keep_addressed(core, record, dossier, seq);
}

/* ---- asking */

static bool
was_fact(const struct act *act, uint64_t seq, unsigned item)
{
    return act->input == IN_NONE && act->code == ACT_CODE_ASKED && act_seq(act) == seq && act->day == (int32_t)item;
}

static bool
is_fact(const struct act *act, uint64_t seq, unsigned item)
{
    return was_fact(act, seq, item) && (act->flags & ACT_RECALLED) == 0;
}

bool
asked_anything(const struct dossier *dossier, uint32_t unit)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_ASKED && act->number == unit)
            return true;
    }
    return false;
}

bool
asked_is(const struct dossier *dossier, uint64_t seq, unsigned item, uint32_t unit)
{
    for (uint32_t i = 0; i < dossier->act_count; i++)
        if (is_fact(&dossier->acts[i], seq, item) && dossier->acts[i].number == unit)
            return true;
    return false;
}

static size_t
list(const struct core *core, const struct dossier *dossier, uint64_t seq, unsigned item, bool taken_back,
     uint32_t *ret, size_t max)
{
    size_t count = 0;

    for (uint32_t i = 0; i < dossier->act_count && count < max; i++) {
        const struct act *act = &dossier->acts[i];

        if (was_fact(act, seq, item) && ((act->flags & ACT_RECALLED) != 0) == taken_back &&
            !core->directory.units[act->number].outside)
            ret[count++] = act->number;
    }
    return count;
}

size_t
asked_list(const struct core *core, const struct dossier *dossier, uint64_t seq, unsigned item, bool taken_back,
           uint32_t *ret, size_t max)
{
    size_t count = taken_back ? list(core, dossier, seq, item, true, ret, max) : 0;

    return count > 0 ? count : list(core, dossier, seq, item, false, ret, max);
}

uint32_t
asked_unit(const struct dossier *dossier, uint64_t seq, unsigned item, uint32_t first)
{
    uint32_t found = CORE_UNIT_NONE;

    for (uint32_t i = 0; i < dossier->act_count; i++) {
        if (!is_fact(&dossier->acts[i], seq, item))
            continue;
        if (dossier->acts[i].number == first)
            return first;
        if (found == CORE_UNIT_NONE)
            found = dossier->acts[i].number;
    }
    return found;
}
