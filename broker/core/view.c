/*
 * Two questions, in this order: does anything deliver the record to the unit (a relation that covers it, delivery.h;
 * its own authorship, the record's addressees), and if so, which of its sections. The first is about relations and
 * never about roles, the second about roles, marks and persons.
 */
#include "broker/core/view.h"

#include "broker/core/agency_clocks.h"
#include "broker/core/delivery.h"
#include "broker/core/facts.h"
#include "broker/core/gate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 32u /* of a section, as event.proto has it */
static_assert(EVENT_SECTIONS_MAX <= 32, "sections are the bits of a number");

#define ROLE_FIRST WICI__V1__ROLE__SW
#define ROLE_LAST  WICI__V1__ROLE__AUD

/* Who still counts when the family's address is protected. */
#define ADDRESS_ROLES (ROLE_BIT(SW) | ROLE_BIT(FCC) | ROLE_BIT(CT) | ROLE_BIT(KUR))
const struct dossier *
core_record_dossier(const struct core *core, const struct core_record *record)
{
    uint32_t dossier = record->entry == 0 ? DOSSIER_NONE : dossiers_by_entry(&core->dossiers, record->entry);

    return dossier == DOSSIER_NONE ? NULL : &core->dossiers.at[dossier];
}

static bool
list_has(char *const *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], id) == 0)
            return true;
    return false;
}

bool
view_addressed(const struct core *core, uint32_t unit, const struct core_record *record)
{
    return record->note != NULL &&
           list_has(record->note->resolved_to, record->note->n_resolved_to, directory_unit_id(&core->directory, unit));
}

bool
view_answered(const struct core *core, uint32_t unit, const struct core_record *record)
{
    return record->note != NULL &&
           (list_has(record->note->answer_to, record->note->n_answer_to, directory_unit_id(&core->directory, unit)) ||
            view_told(record->note, unit));
}

bool
view_told(const Wici__V1__BrokerNote *note, uint32_t unit)
{
    return unit / 32 < note->n_told && (note->told[unit / 32] >> unit % 32 & 1) != 0;
}

bool
view_is_author(const struct core *core, uint32_t unit, const struct event *event)
{
    return strcmp(event->header->actor->unit, directory_unit_id(&core->directory, unit)) == 0;
}

/* ---- which sections */

struct reader {
    const struct core *core;
    const struct core_record *record;
    const struct dossier *dossier;
    uint32_t unit, roles;
    uint8_t flags;                      /* of the dossier */
    uint8_t full, half;                 /* classes, over all its roles */
    uint8_t address_full, address_half; /* the same over the roles that may know a protected address */
    bool addressed, answered, ever;
    bool only_referrer, undeclared;
    enum gate_stop stopped; /* by a consent that does not hold any more */
    bool met_known;
    uint32_t met; /* bit i: section i is about a person of a relation that delivers the record */
};

static void
policy_rights(struct reader *r, const struct policy *policy)
{
    uint32_t type = r->record->event->type->number;

    if (policy == NULL)
        return;
    for (unsigned role = ROLE_FIRST; role <= ROLE_LAST; role++) {
        struct policy_cell cell;

        if ((r->roles & 1u << role) == 0)
            continue;
        cell = policy_cell(policy, type, role);
        r->full |= cell.full;
        r->half |= cell.half;
        if ((ADDRESS_ROLES & 1u << role) != 0) {
            r->address_full |= cell.full;
            r->address_half |= cell.half;
        }
    }
}

/* Ever: by each policy that was in force at the record or after it. */
static void
reader_rights(struct reader *r)
{
    const struct policy_past *past = &r->core->past;

    policy_rights(r, r->core->policy);
    for (uint32_t i = 0; r->ever && i < past->count; i++)
        if (past->until_seq[i] > r->record->seq)
            policy_rights(r, past->at[i]);
}

/* A person that sections are about. */
struct subject {
    uint32_t person;   /* dossiers.persons */
    uint32_t sections; /* bit i: section i */
};

static int
subject_order(const void *a, const void *b)
{
    const struct subject *x = a, *y = b;

    return x->person < y->person ? -1 : x->person > y->person;
}

/* The persons of all sections whom a relation may be about, ascending, each once. */
static size_t
subjects_of(const struct reader *r, struct subject ret[EVENT_SECTIONS_MAX * SUBJECTS_MAX])
{
    const struct event *event = r->record->event;
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < event->section_count; i++)
        for (size_t k = 0; k < event->sections[i].section->n_subjects && k < SUBJECTS_MAX; k++) {
            uint32_t person = strings_find(&r->core->dossiers.persons, event->sections[i].section->subjects[k]);

            if (person != STRINGS_NONE)
                ret[count++] = (struct subject){.person = person, .sections = 1u << i};
        }
    qsort(ret, count, sizeof ret[0], subject_order);
    for (size_t i = 0; i < count; i++)
        if (kept > 0 && ret[kept - 1].person == ret[i].person)
            ret[kept - 1].sections |= ret[i].sections;
        else
            ret[kept++] = ret[i];
    return kept;
}

/* Which sections are about a person whom a relation that delivers the record is about. Once for all of them: a holder
 * may give a unit thousands of relations with dozens of persons each. */
static uint32_t
sections_met(const struct reader *r)
{
    const struct dossiers *ds = &r->core->dossiers;
    struct subject subjects[EVENT_SECTIONS_MAX * SUBJECTS_MAX];
    size_t count = subjects_of(r, subjects);
    uint32_t met = 0;

    for (uint32_t i = 0; r->dossier != NULL && count > 0 && i < r->dossier->relation_count; i++) {
        const struct relation *relation = &r->dossier->relations[i];

        if (relation->about == 0 || !delivery_by(r->core, r->unit, r->record, r->dossier, relation, r->ever))
            continue;
        for (uint32_t k = 0; k < ds->about[relation->about]; k++) {
            const struct subject person = {.person = ds->about[relation->about + 1 + k]};
            const struct subject *found = bsearch(&person, subjects, count, sizeof subjects[0], subject_order);

            met |= found != NULL ? found->sections : 0;
        }
    }
    return met;
}

static bool
subjects_meet(struct reader *r, size_t index)
{
    const Wici__V1__BrokerNote *note = r->record->note;
    const Wici__V1__Section *section = r->record->event->sections[index].section;

    if (section->n_subjects == 0)
        return false;
    if (r->addressed)
        return true; /* an addressee's persons are those of the event, and these are among them */
    for (size_t i = 0; r->answered && i < note->n_answer_about; i++)
        if (list_has(section->subjects, section->n_subjects, note->answer_about[i]))
            return true;
    if (!r->met_known)
        r->met = sections_met(r);
    r->met_known = true;
    return (r->met >> index & 1u) != 0;
}

static bool
marks_name(const struct reader *r, char *const *marks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (directory_names(&r->core->directory, r->unit, marks[i]))
            return true;
    return false;
}

static enum core_verdict
section_verdict(struct reader *r, size_t index)
{
    const struct event_section *s = &r->record->event->sections[index];
    const Wici__V1__Section *section = s->section;
    uint8_t bit, full = r->full, half = r->half;
    bool named;

    if (!facts_section_known(r->record->event, index))
        return CORE_WITHHELD_CLASS;
    bit = (uint8_t)(1u << s->cls);
    if (marks_name(r, section->not_to, section->n_not_to))
        return CORE_WITHHELD_MARK;
    named = marks_name(r, section->only_for, section->n_only_for);
    if (section->n_only_for > 0 && !named)
        return CORE_WITHHELD_MARK;
    if (r->only_referrer && s->cls != 0)
        return CORE_WITHHELD_RELATION;
    if (r->undeclared && s->cls != 0)
        return CORE_WITHHELD_DECLARED;
    if ((r->stopped == STOPS_ALL && s->cls != 0) ||
        (r->stopped == STOPS_NAMED && gate_names_consent(r->record->event, index)))
        return CORE_WITHHELD_CONSENT;
    if (s->cls == 7 && (r->flags & DOSSIER_ADDRESS_PROTECTED) != 0) {
        full = r->address_full;
        half = r->address_half;
        if (((full | half) & bit) == 0 && ((r->full | r->half) & bit) != 0)
            return CORE_WITHHELD_ADDRESS;
    }
    if ((full & bit) != 0)
        return CORE_GIVEN_FULL;
    if ((half & bit) == 0)
        return CORE_WITHHELD_CLASS;
    if (named)
        return CORE_GIVEN_NAMED;
    return subjects_meet(r, index) ? CORE_GIVEN_SUBJECT : CORE_WITHHELD_HALF;
}

static bool
verdict_gives(enum core_verdict verdict)
{
    return verdict <= CORE_GIVEN_SUBJECT;
}

static void
give(struct core_view *ret, size_t section, enum core_verdict verdict)
{
    ret->verdicts[section] = verdict;
    if (verdict_gives(verdict))
        ret->sections |= 1u << section;
}

static void
give_all(struct core_view *ret, const struct event *event, enum core_verdict verdict)
{
    for (size_t i = 0; i < event->section_count; i++)
        give(ret, i, verdict);
}

/* The directory's records are everyone's; refusals and reads are for those who look after the broker. */
static bool
register_receives(const struct core *core, uint32_t unit, const struct event *event)
{
    uint32_t roles = core->directory.units[unit].roles, watching = ROLE_BIT(AUD) | ROLE_BIT(ADM);

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED:
        return (roles & watching) != 0 || strcmp(FACTS_TEXT(event, 0, Wici__V1__SysEventRejectedS0, agency),
                                                 directory_unit_agency_id(&core->directory, unit)) == 0;
    case WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED:
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED:
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_CONFIRMED:
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE: return (roles & watching) != 0;
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED:
        return (roles & watching) != 0 || strcmp(FACTS_TEXT(event, 0, Wici__V1__SysErasureNotifiedS0, unit),
                                                 directory_unit_id(&core->directory, unit)) == 0;
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED:
        return (roles & ROLE_BIT(AUD)) != 0 || strcmp(FACTS_TEXT(event, 0, Wici__V1__SysParticipantAddedS0, unit),
                                                      directory_unit_id(&core->directory, unit)) == 0;
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED:
    case WICI__V1__EVENT_TYPE__SYS_DELIVERED_OUTSIDE:
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED: return (roles & ROLE_BIT(AUD)) != 0;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED:
        return (roles & ROLE_BIT(AUD)) != 0 ||
               agency_clocks_known(&core->directory, unit, directory_agency(&core->directory, facts_agency(event)));
    /* About workers and volunteers: their own agency's. */
    case WICI__V1__EVENT_TYPE__SYS_QUALIFICATION_REGISTERED:
    case WICI__V1__EVENT_TYPE__SYS_VOLUNTEER_FILE_REGISTERED:
        return (roles & watching) != 0 ||
               strcmp(event->header->actor->agency, directory_unit_agency_id(&core->directory, unit)) == 0;
    default: return true;
    }
}

static void
sys_compute(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier,
            bool ever, struct core_view *ret)
{
    const struct event *event = record->event;

    ret->received = view_is_author(core, unit, event) || register_receives(core, unit, event) ||
                    view_answered(core, unit, record);
    for (uint32_t i = 0; dossier != NULL && !ret->received && i < dossier->relation_count; i++)
        ret->received = delivery_by(core, unit, record, dossier, &dossier->relations[i], ever);
    if (!ret->received)
        return;
    for (size_t i = 0; i < event->section_count; i++)
        give(ret, i,
             event->sections[i].cls == 0 && facts_section_known(event, i) ? CORE_GIVEN_FULL : CORE_WITHHELD_CLASS);
}

/* What brings a record to a unit. */
struct ways {
    bool delivered; /* an address, an answer, a relation other than the referrer's */
    bool referred, holder;
    bool placed; /* a relation that is more than being sent it, being invited or having to answer */
};

static bool
is_place(enum relation_kind kind)
{
    return kind != RELATION_REFERRER && kind != RELATION_INVITEE && kind != RELATION_PENDING;
}

static struct ways
ways_of(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier,
        bool ever)
{
    struct ways ways = {.delivered = view_addressed(core, unit, record) || view_answered(core, unit, record)};

    for (uint32_t i = 0; dossier != NULL && i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        /* Most relations are somebody else's. */
        if ((relation->who != unit && relation->kind != RELATION_OFFICE) ||
            !delivery_by(core, unit, record, dossier, relation, ever))
            continue;
        if (relation->kind == RELATION_REFERRER)
            ways.referred = true;
        else
            ways.delivered = true;
        if (relation->kind == RELATION_HOLDER)
            ways.holder = true;
        ways.placed = ways.placed || is_place((enum relation_kind)relation->kind);
    }
    return ways;
}

/* Its agency was sent the event without a declaration. */
static bool
is_undeclared(const struct core *core, uint32_t unit, const Wici__V1__BrokerNote *note)
{
    return note != NULL &&
           list_has(note->undeclared, note->n_undeclared, directory_unit_agency_id(&core->directory, unit));
}

enum look {
    LOOK_NOW,
    LOOK_CONTENT, /* an auditor's, with a reason */
    LOOK_EVER     /* what has narrowed the past since, a recall or policy too, and a suspension, do not count */
};

/* Units that the event reached through the one it answers, or perhaps because somebody else invited them: not the
 * author's to know. */
static bool
names_others(const Wici__V1__BrokerNote *note)
{
    return note->n_answer_to > 0 || note->not_for_author;
}

static void
compute(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier,
        uint8_t flags, enum look look, struct core_view *ret)
{
    const struct event *event = record->event;
    struct reader r = {
        .core = core, .record = record, .dossier = dossier, .unit = unit, .flags = flags, .ever = look == LOOK_EVER};
    struct ways ways;
    bool author, auditor;

    assert(unit < core->directory.unit_count);

    ret->received = ret->note = false;
    ret->sections = 0;
    for (size_t i = 0; i < event->section_count; i++)
        ret->verdicts[i] = CORE_WITHHELD_RELATION;
    if ((core->directory.units[unit].suspended && look != LOOK_EVER) || event->type == NULL)
        return;
    if (event->type->number > TYPE_SYS_FIRST) {
        sys_compute(core, unit, record, dossier, r.ever, ret);
        return;
    }

    r.roles = core->directory.units[unit].roles;
    r.addressed = view_addressed(core, unit, record);
    r.answered = view_answered(core, unit, record);
    author = view_is_author(core, unit, event);
    auditor = (r.roles & ROLE_BIT(AUD)) != 0;
    ways = ways_of(core, unit, record, dossier, r.ever);
    ret->note = ways.holder;

    if (author) {
        ret->note = ret->note || record->note == NULL || !names_others(record->note);
        ret->received = true;
        give_all(ret, event, CORE_GIVEN_AUTHOR);
        return;
    }
    if (auditor && look == LOOK_CONTENT) {
        ret->received = true;
        give_all(ret, event, CORE_GIVEN_FULL);
        return;
    }
    if (!ways.delivered && !ways.referred && !auditor)
        return;
    if (!auditor && look != LOOK_EVER && gate_closed(record, dossier)) {
        ret->note = false;
        return;
    }
    r.stopped = look == LOOK_EVER ? STOPS_NOTHING : gate_stopped(core, record, dossier);
    r.only_referrer = ways.referred && !ways.delivered;
    r.undeclared = !ways.placed && is_undeclared(core, unit, record->note);
    /* Looking at everything gives S0; what its other roles may see takes a relation like anybody's. */
    if (auditor && !ways.delivered && !ways.referred)
        r.roles = ROLE_BIT(AUD);
    reader_rights(&r);
    for (size_t i = 0; i < event->section_count; i++)
        give(ret, i, section_verdict(&r, i));
    /* Who is given no part is not shown the header either: that something was said here is itself a fact. */
    ret->received = ret->sections != 0 || auditor;
    ret->note = ret->note && ret->received;
}

void
view_compute(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier,
             uint8_t flags, bool with_content, struct core_view *ret)
{
    compute(core, unit, record, dossier, flags, with_content ? LOOK_CONTENT : LOOK_NOW, ret);
}

/* Of a dossier that was forgotten nobody is given anything, whoever wrote the record or looks at it. */
bool
view_is_forgotten(const struct core *core, const struct core_record *record)
{
    return record->entry != 0 && record->event->has_dossier && core_record_dossier(core, record) == NULL;
}

static void
look_at(const struct core *core, uint32_t unit, const struct core_record *record, enum look look, struct core_view *ret)
{
    const struct dossier *dossier = core_record_dossier(core, record);

    if (view_is_forgotten(core, record)) {
        *ret = (struct core_view){.received = false};
        for (size_t i = 0; i < record->event->section_count; i++)
            ret->verdicts[i] = CORE_WITHHELD_RELATION;
        return;
    }
    compute(core, unit, record, dossier, dossier != NULL ? dossier->flags : 0, look, ret);
}

void
core_view(const struct core *core, uint32_t unit, const struct core_record *record, bool with_content,
          struct core_view *ret)
{
    look_at(core, unit, record, with_content ? LOOK_CONTENT : LOOK_NOW, ret);
}

bool
view_ever_received(const struct core *core, uint32_t unit, const struct core_record *record)
{
    struct core_view view;

    look_at(core, unit, record, LOOK_EVER, &view);
    return view.received;
}

bool
view_is_brought(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier)
{
    struct ways ways = ways_of(core, unit, record, dossier, false);

    return ways.delivered || ways.referred;
}

bool
view_has_place(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier)
{
    return ways_of(core, unit, record, dossier, false).placed;
}

bool
view_is_holder(const struct core *core, uint32_t unit, const struct core_record *record, const struct dossier *dossier)
{
    return ways_of(core, unit, record, dossier, false).holder;
}

bool
view_reaches(const struct core *core, uint32_t unit, const struct core_record *record, struct core_view *ret)
{
    core_view(core, unit, record, false, ret);
    return ret->received && view_is_brought(core, unit, record, core_record_dossier(core, record));
}
