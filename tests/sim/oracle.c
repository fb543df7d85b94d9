/*
 * oracle - see oracle.h
 */
#include "tests/sim/oracle.h"

#include "broker/core/state.h"
#include "tests/unit/test_core_oracle.h"

#define ABOUT_MAX 256u

/* Who looks, at what, and what brings it to him. */
struct looking {
    const struct core *core;
    const struct core_record *record;
    const struct dossier *dossier;
    const char *type, *unit, *agency;
    uint32_t index, agency_index, roles;
    bool delivered, referred, holder, addressed, answered;
    const char *about[ABOUT_MAX]; /* persons that what delivers is about */
    size_t about_count;
};

static bool
has_role(const struct looking *l, const char *words)
{
    for (unsigned role = 0; role < MATRIX_ROLES; role++)
        if ((l->roles >> (role + 1) & 1u) != 0 && is_one_of(role_words[role], words))
            return true;
    return false;
}

static bool
is_ours(const struct looking *l, const char *id)
{
    return strcmp(id, l->unit) == 0 || strcmp(id, l->agency) == 0;
}

static bool
are_ours(const struct looking *l, char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_ours(l, ids[i]))
            return true;
    return false;
}

/* The first text of that field in the sections of a class; "" for none. A field of a message in it: outer, inner. */
static const char *
text_in(const ProtobufCMessage *body, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor, name);
    const char *text;

    if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return "";
    memcpy(&text, (const char *)body + field->offset, sizeof text);
    return text;
}

static bool
ref_is(const struct looking *l, const uint8_t ref[16])
{
    const struct event *event = l->record->event;

    for (size_t i = 0; i < event->section_count; i++) {
        const char *field = starts(l->type, "meeting.") ? "meeting_id" : "ipus_id";
        const char *text = event->sections[i].cls == 0 ? text_in(event->sections[i].body, field) : "";
        uint8_t id[16];

        if (text[0] != '\0')
            return uuid_parse(text, id) == 0 && memcmp(id, ref, 16) == 0;
    }
    return false;
}

/* Some section of the class, or the message `inner` in it, names the unit or its agency in this field. */
static bool
names_us(const struct looking *l, unsigned cls, const char *inner, const char *name)
{
    const struct event *event = l->record->event;

    for (size_t i = 0; i < event->section_count; i++) {
        const ProtobufCMessage *body = event->sections[i].body;

        if (event->sections[i].cls != cls)
            continue;
        if (inner != NULL) {
            const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                                    inner);

            if (field == NULL)
                continue;
            memcpy(&body, (const char *)body + field->offset, sizeof body);
            if (body == NULL)
                continue;
        }
        if (is_ours(l, text_in(body, name)))
            return true;
    }
    return false;
}

static bool
delivers(const struct looking *l, enum how how)
{
    for (unsigned role = 0; role < MATRIX_ROLES; role++)
        if ((l->roles >> (role + 1) & 1u) != 0 && oracle_delivers(how, l->type, role_words[role]))
            return true;
    return false;
}

static bool
office_delivers(const struct looking *l)
{
    bool ipus = (l->dossier->flags & DOSSIER_IPUS) != 0;

    if (!has_role(l, ipus ? "DIR HEAD OUS" : "DIR HEAD"))
        return false;
    if (strcmp(l->type, "referral.answered") == 0)
        return strcmp(l->record->event->header->actor->agency, l->agency) == 0;
    return starts(l->type, "sys.") || !starts(l->type, "info.");
}

static bool
covers(const struct looking *l, const struct relation *r, uint64_t seq)
{
    const struct relation_extra *extra = &l->core->dossiers.extras[r->extra];

    return ((r->flags & RELATION_OPENING) != 0 || seq >= r->from_seq) && (r->until_seq == 0 || seq <= r->until_seq) &&
           (extra->until_ms == 0 || l->record->ts_ms <= extra->until_ms) && seq >= extra->taken_back;
}

/* An invitation lasts until the agreements are issued; who was given them is given what corrects them. */
static bool
invited_to_corrected(const struct looking *l, const struct relation *r)
{
    uint64_t corrects = l->record->note == NULL ? 0 : l->record->note->corrects_seq;

    return r->kind == RELATION_INVITEE && corrects != 0 && covers(l, r, corrects);
}

static bool
relation_delivers(const struct looking *l, const struct relation *r)
{
    const struct relation_extra *extra = &l->core->dossiers.extras[r->extra];
    bool sys = starts(l->type, "sys.");

    if (!covers(l, r, l->record->seq) && !invited_to_corrected(l, r))
        return false;
    switch ((enum relation_kind)r->kind) {
    case RELATION_SUCCESSOR: return r->who == l->index && !sys;
    case RELATION_HOLDER:
    case RELATION_PENDING: return r->who == l->index && (!sys || r->kind == RELATION_HOLDER);
    case RELATION_OFFICE: return r->who == l->agency_index && office_delivers(l);
    case RELATION_PARTICIPANT: return r->who == l->index && (sys || delivers(l, BY_PARTICIPANT));
    case RELATION_REFERRER: return r->who == l->index && delivers(l, BY_REFERRER);
    case RELATION_INVITEE: return r->who == l->index && delivers(l, BY_INVITEE) && ref_is(l, extra->ref);
    case RELATION_PROVIDER:
        return r->who == l->index && delivers(l, BY_PROVIDER) && ref_is(l, extra->ref) &&
               (!is_one_of(l->type, "ipus.agreed ipus.updated") || names_us(l, 6, "row", "provider"));
    case RELATION_PARTY:
        return r->who == l->index &&
               delivers(l, (r->flags & RELATION_OBLIGES) != 0 ? BY_PARTY : BY_PARTY_NOT_OBLIGED) &&
               (strcmp(l->type, "court.order_issued") != 0 || names_us(l, 5, NULL, "probation_unit"));
    case RELATION_AUTHOR:
    case RELATION_ADDRESSEE:
    case RELATION_KIND_COUNT: break;
    }
    return false;
}

static void
about_add(struct looking *l, const char *person)
{
    if (l->about_count == ABOUT_MAX)
        abort();
    l->about[l->about_count++] = person;
}

static void
relations_look(struct looking *l)
{
    const struct dossiers *dossiers = &l->core->dossiers;

    for (uint32_t i = 0; l->dossier != NULL && i < l->dossier->relation_count; i++) {
        const struct relation *r = &l->dossier->relations[i];

        if (!relation_delivers(l, r))
            continue;
        l->holder = l->holder || r->kind == RELATION_HOLDER;
        l->referred = l->referred || r->kind == RELATION_REFERRER;
        l->delivered = l->delivered || r->kind != RELATION_REFERRER;
        for (uint32_t k = 0; k < dossiers->about[r->about]; k++)
            about_add(l, strings_at(&dossiers->persons, dossiers->about[r->about + 1 + k]));
    }
}

static bool
about_ours(const struct looking *l, const Wici__V1__Section *section)
{
    for (size_t i = 0; i < section->n_subjects; i++) {
        if (l->addressed)
            return true;
        for (size_t k = 0; k < l->about_count; k++)
            if (strcmp(section->subjects[i], l->about[k]) == 0)
                return true;
    }
    return false;
}

static bool
section_gives(const struct looking *l, const struct event_section *s, const struct matrix_row *row)
{
    bool protected = s->cls == 7 && l->dossier != NULL && (l->dossier->flags & DOSSIER_ADDRESS_PROTECTED) != 0;
    bool full = false, half = false;

    if (are_ours(l, s->section->not_to, s->section->n_not_to))
        return false;
    if (s->section->n_only_for > 0 && !are_ours(l, s->section->only_for, s->section->n_only_for))
        return false;
    if (l->referred && !l->delivered && s->cls != 0)
        return false;
    for (unsigned role = 0; role < MATRIX_ROLES; role++) {
        if ((l->roles >> (role + 1) & 1u) == 0 || (protected && !is_one_of(role_words[role], "SW FCC CT KUR")))
            continue;
        full = full || (row->cells[role].full >> s->cls & 1u) != 0;
        half = half || (row->cells[role].half >> s->cls & 1u) != 0;
    }
    return full || (half && (s->section->n_only_for > 0 || about_ours(l, s->section)));
}

/* Records of the registry. */
static bool
sys_gives(const struct looking *l)
{
    bool watching = has_role(l, "AUD") || (l->roles >> WICI__V1__ROLE__ADM & 1u) != 0;

    if (is_one_of(l->type, "sys.access_recorded sys.erasure_intended sys.erasure_done sys.erasure_confirmed"))
        return watching;
    if (strcmp(l->type, "sys.erasure_notified") == 0)
        return watching || names_us(l, 0, NULL, "unit");
    if (strcmp(l->type, "sys.event_rejected") == 0)
        return watching || names_us(l, 0, NULL, "agency");
    if (strcmp(l->type, "sys.participant_added") == 0 && names_us(l, 0, NULL, "unit"))
        return true;
    if (is_one_of(l->type, "sys.qualification_registered sys.volunteer_file_registered"))
        return watching || strcmp(l->record->event->header->actor->agency, l->agency) == 0;
    if (is_one_of(l->type, "sys.participant_added sys.participant_removed"))
        return has_role(l, "AUD") || l->delivered;
    if (is_one_of(l->type, "sys.recall_confirmed sys.delivered_outside"))
        return has_role(l, "AUD") || l->holder || l->answered;
    return true;
}

static bool
list_names(char *const *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], id) == 0)
            return true;
    return false;
}

static void
note_look(struct looking *l)
{
    const Wici__V1__BrokerNote *note = l->record->note;

    if (note == NULL)
        return;
    l->addressed = list_names(note->resolved_to, note->n_resolved_to, l->unit);
    l->answered = list_names(note->answer_to, note->n_answer_to, l->unit) ||
                  (l->index / 32 < note->n_told && (note->told[l->index / 32] & 1u << l->index % 32) != 0);
    for (size_t i = 0; l->answered && i < note->n_answer_about; i++)
        about_add(l, note->answer_about[i]);
    l->delivered = l->addressed || l->answered;
}

void
oracle_look(const struct core *core, uint32_t unit, const struct core_record *record, bool closed,
            struct oracle_view *ret)
{
    const struct event *event = record->event;
    struct looking l = {.core = core, .record = record, .type = event->type->name, .index = unit};
    uint32_t dossier = record->entry == 0 ? DOSSIER_NONE : dossiers_by_entry(&core->dossiers, record->entry);
    const struct matrix_row *row = NULL;
    struct core_unit u;
    bool auditor, author;

    core_unit(core, unit, &u);
    *ret = (struct oracle_view){.received = false};
    if (u.suspended)
        return;
    l.unit = u.id;
    l.agency = u.agency;
    l.roles = u.roles;
    l.agency_index = core->directory.units[unit].agency;
    l.dossier = dossier == DOSSIER_NONE ? NULL : &core->dossiers.at[dossier];
    auditor = has_role(&l, "AUD");
    author = strcmp(event->header->actor->unit, u.id) == 0;
    note_look(&l);
    relations_look(&l);
    if (starts(l.type, "sys.")) {
        ret->received = author || sys_gives(&l);
        for (size_t i = 0; ret->received && i < event->section_count; i++)
            ret->sections |= 1u << i;
        return;
    }
    for (size_t i = 0; i < MATRIX_TYPES && row == NULL; i++)
        row = strcmp(matrix[i].type, l.type) == 0 ? &matrix[i] : NULL;
    if (author) {
        ret->received = true;
        ret->note = l.holder || record->note == NULL || record->note->n_answer_to == 0;
        ret->sections = (uint32_t)((UINT64_C(1) << event->section_count) - 1);
        return;
    }
    if (!l.delivered && !l.referred) {
        if (!auditor)
            return;
        l.roles = 1u << WICI__V1__ROLE__AUD; /* looking at everything takes no relation; more does */
    }
    if (closed && !auditor)
        return;
    for (size_t i = 0; i < event->section_count; i++)
        if (row != NULL && section_gives(&l, &event->sections[i], row))
            ret->sections |= 1u << i;
    ret->received = ret->sections != 0 || auditor;
    ret->note = l.holder && ret->received;
}
