/*
 * make - see make.h
 */
#include "tests/sim/make.h"

#include "broker/core/state.h"
#include "tests/sim/fate.h"
#include "tests/sim/fill.h"
#include "tests/sim/ledger.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"
#include "tests/unit/test_core_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOSSIERS_USED 14u
#define TYPE(name)    ((uint32_t)WICI__V1__EVENT_TYPE__##name)

static struct {
    char dossiers[DOSSIERS_USED][37];
    size_t dossier_count;
} made;

void
make_start(void)
{
    made.dossier_count = 0;
}

const char *
make_dossier(void)
{
    return made.dossier_count == 0 ? "" : made.dossiers[fate_below(made.dossier_count)];
}

size_t
make_dossier_count(void)
{
    return made.dossier_count;
}

const char *
make_dossier_at(size_t index)
{
    return made.dossiers[index];
}

static void
uuid4(char ret[37])
{
    uint8_t id[16];

    for (size_t i = 0; i < 16; i++)
        id[i] = (uint8_t)fate_draw();
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    uuid_format(id, ret);
}

/* ---- the header */

struct draft {
    const struct town_unit *unit;
    unsigned role;
    const struct type_info *type;
    char dossier[37];
};

static void
id_draw(char ret[37])
{
    uint8_t id[16], random[10];
    uint64_t ms = fate_wall_ms();

    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)fate_draw();
    if (fate_once_in(60))
        ms += EVENT_AHEAD_MS_MAX + 1000;
    uuid7_make(ms, random, id);
    uuid_format(id, ret);
    if (saids_count() > 0 && fate_once_in(40))
        uuid_format(saids_at((uint32_t)fate_below(saids_count()))->id, ret);
}

/* An event of the log that is in this dossier; drawn. "" when none is found soon. */
static const char *
event_in(const char *dossier)
{
    static char id[37];

    for (unsigned i = 0; i < 8 && ledger_head() > 0; i++) {
        const struct event *event = &ledger_at(1 + fate_below(ledger_head()))->record.event;

        if (!event->has_dossier || (strcmp(event->header->dossier_id, dossier) != 0 && !fate_once_in(10)))
            continue;
        uuid_format(event->event_id, id);
        return id;
    }
    return "";
}

static struct bytes
header_make(const struct draft *draft, char id[37])
{
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    Wici__V1__Address addresses[2], *list[2] = {&addresses[0], &addresses[1]};
    char time[TIME_TEXT_SIZE];

    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    time_format(fate_wall_ms() - fate_below(10000), time);
    header.event_id = id;
    header.type = (Wici__V1__EventType)draft->type->number;
    header.schema_version = 1;
    header.occurred_at = time;
    header.dossier_id = TEXT(draft->dossier);
    header.actor = &actor;
    actor.agency = TEXT(draft->unit->agency);
    actor.unit = TEXT(draft->unit->id);
    actor.role = (Wici__V1__Role)draft->role;
    if (draft->role == WICI__V1__ROLE__INT || fate_once_in(15)) {
        actor.on_behalf_of = fill_unit();
        actor.channel = TEXT("PAPER");
        actor.received_on = fill_day();
    }
    if (draft->type->number < TYPE_SYS_FIRST) {
        header.n_to = fate_below(3);
        header.to = list;
        for (size_t i = 0; i < header.n_to; i++) {
            wici__v1__address__init(&addresses[i]);
            if (fate_once_in(5))
                addresses[i].agency = fill_text(town_agency(fate_below(town_agency_count()))->id);
            else
                addresses[i].unit = fill_text(town_unit(fate_below(town_unit_count()))->id);
        }
        if (fate_once_in(3))
            header.causation_id = fill_text(event_in(draft->dossier));
    }
    if (draft->dossier[0] != '\0' && fate_once_in(15)) {
        header.corrects_event_id = fill_text(event_in(draft->dossier));
        header.correction = header.corrects_event_id[0] == '\0' ? TEXT("")
                            : fate_once_in(3)                   ? TEXT("ENTERED_IN_ERROR")
                                                                : TEXT("AMENDED");
    }
    return fill_pack(&header.base);
}

/* ---- an event */

static const struct type_info *
type_draw(unsigned role)
{
    if (fate_once_in(40))
        return type_at(fate_below(type_count())); /* those of the registry too, most of them not for this role */
    if (fate_once_in(9))
        return type_by_number(fate_once_in(3) ? TYPE(SYS_PARTICIPANT_REMOVED) : TYPE(SYS_PARTICIPANT_ADDED));
    for (unsigned i = 0; i < 40 && role >= 1 && role <= MATRIX_ROLES; i++) {
        size_t row = fate_below(MATRIX_TYPES);

        if (matrix[row].cells[role - 1].publish != '-')
            return type_by_name(matrix[row].type);
    }
    return type_by_name(matrix[fate_below(MATRIX_TYPES)].type);
}

/* A dossier that the unit knows, if one is found soon. */
static const char *
dossier_known(const struct town_unit *unit)
{
    uint32_t index = core_unit_by_id(ledger_core(), unit->id);
    const char *dossier = make_dossier();

    for (unsigned i = 0; i < 6 && index != CORE_UNIT_NONE; i++) {
        uint8_t id[16];

        if (uuid_parse(dossier, id) != 0 || core_dossier_for(ledger_core(), index, id) != 0)
            break;
        dossier = make_dossier();
    }
    return dossier;
}

/* A new one takes a free place, or, as a rule, that of one that was erased. DOSSIERS_USED: there is none. */
static size_t
place_for_dossier(void)
{
    uint8_t id[16];

    for (size_t i = 0; i < made.dossier_count && !fate_once_in(3); i++)
        if (uuid_parse(made.dossiers[i], id) == 0 && ledger_erased_dossier(id) != 0)
            return i;
    return made.dossier_count;
}

static void
dossier_draw(struct draft *draft)
{
    bool opens = draft->type->opens != OPENS_NOTHING;
    const char *known = dossier_known(draft->unit);
    size_t place;

    draft->dossier[0] = '\0';
    if (draft->type->number > TYPE_SYS_FIRST && draft->type->number != TYPE(SYS_PARTICIPANT_ADDED) &&
        draft->type->number != TYPE(SYS_PARTICIPANT_REMOVED) && !fate_once_in(8))
        return; /* the registry's */
    if (opens && (place = place_for_dossier()) < DOSSIERS_USED &&
        (draft->type->opens == OPENS_CASE || known[0] == '\0' || fate_once_in(3))) {
        uuid4(draft->dossier);
        (void)snprintf(made.dossiers[place], 37, "%s", draft->dossier);
        made.dossier_count += place == made.dossier_count;
        return;
    }
    (void)snprintf(draft->dossier, sizeof draft->dossier, "%s", known);
}

static uint32_t
enter(const struct draft *draft, char id[37], struct bytes header, const struct bytes *sections, size_t count)
{
    uint8_t bytes[16];

    (void)uuid_parse(id, bytes);
    return saids_add(bytes, header, sections, count, draft->unit->agency);
}

uint32_t
make_event(const struct town_unit *unit)
{
    struct draft draft = {.unit = unit, .role = town_role(unit)};
    struct bytes sections[EVENT_SECTIONS_MAX], header;
    size_t count;
    char id[37];

    draft.type = type_draw(draft.role);
    dossier_draw(&draft);
    fill_begin(saids_count(), draft.dossier, unit);
    if (fate_once_in(50))
        draft.role = 1 + (unsigned)fate_below(MATRIX_ROLES);
    id_draw(id);
    count = fill_sections(draft.type, sections);
    header = header_make(&draft, id);
    return enter(&draft, id, header, sections, count);
}

/* A dossier that the unit holds, after the place *at; NULL: there is none. */
static const char *
held_next(uint32_t unit, size_t *at)
{
    const struct dossiers *dossiers = &ledger_core()->dossiers;

    while (*at < made.dossier_count) {
        const char *text = made.dossiers[(*at)++];
        uint8_t id[16];
        uint32_t dossier = uuid_parse(text, id) == 0 ? dossiers_find(dossiers, id) : DOSSIER_NONE;

        if (dossier != DOSSIER_NONE &&
            dossiers_has_open(dossiers, dossier, RELATION_HOLDER, unit, NULL, fate_wall_ms()))
            return text;
    }
    return NULL;
}

uint32_t
make_link(const struct town_unit *unit)
{
    struct draft draft = {.unit = unit, .role = town_role(unit), .type = type_by_number(TYPE(CASE_LINKED))};
    uint32_t index = core_unit_by_id(ledger_core(), unit->id);
    struct bytes sections[EVENT_SECTIONS_MAX], header;
    size_t at = fate_below(DOSSIERS_USED / 2), count;
    const char *first = index == CORE_UNIT_NONE ? NULL : held_next(index, &at);
    const char *second = first == NULL ? NULL : held_next(index, &at);
    char id[37];

    if (second == NULL)
        return SAID_NONE;
    (void)snprintf(draft.dossier, sizeof draft.dossier, "%s", first);
    fill_begin(saids_count(), draft.dossier, unit);
    fill_tie(second);
    id_draw(id);
    count = fill_sections(draft.type, sections);
    header = header_make(&draft, id);
    return enter(&draft, id, header, sections, count);
}

uint32_t
make_other_bytes(uint32_t said, const struct town_unit *unit)
{
    const struct said *old = saids_at(said);
    struct draft draft = {.unit = unit, .role = town_role(unit)};
    Wici__V1__Header *header = wici__v1__header__unpack(NULL, old->header.len, old->header.data);
    struct bytes sections[EVENT_SECTIONS_MAX], bytes;
    size_t count;
    char id[37];

    uuid_format(old->id, id);
    draft.type = header == NULL ? NULL : type_by_number((uint32_t)header->type);
    if (draft.type == NULL)
        draft.type = type_at(0);
    (void)snprintf(draft.dossier, sizeof draft.dossier, "%s", header == NULL ? "" : header->dossier_id);
    fill_begin(saids_count(), draft.dossier, unit);
    wici__v1__header__free_unpacked(header, NULL);
    count = fill_sections(draft.type, sections);
    bytes = header_make(&draft, id);
    return enter(&draft, id, bytes, sections, count);
}

uint32_t
make_copy(uint32_t said, const struct town_unit *unit)
{
    struct said old = *saids_at(said);
    uint32_t copy = saids_add(old.id, old.header, old.sections, old.section_count, unit->agency);

    saids_at(copy)->same_as = old.same_as;
    saids_at(old.same_as)->copied = true;
    return copy;
}

/* ---- commands */

static uint32_t
command(const struct type_info *type, const Wici__V1__Section *section)
{
    struct draft draft = {.unit = town_unit(0), .role = WICI__V1__ROLE__ADM, .type = type};
    struct bytes bytes = fill_pack(&section->base);
    char id[37];
    uint8_t raw[16], random[10];

    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)fate_draw();
    uuid7_make(fate_wall_ms(), random, raw);
    uuid_format(raw, id);
    return enter(&draft, id, header_make(&draft, id), &bytes, 1);
}

uint32_t
make_enrol_agency(const struct town_agency *agency)
{
    const struct type_info *type = type_by_number(TYPE(SYS_AGENCY_ENROLLED));
    Wici__V1__Section section;
    Wici__V1__SysAgencyEnrolledS0 *body;
    char *kinds[1] = {TEXT(agency->kind)};

    fill_begin(saids_count(), "", NULL);
    body = (Wici__V1__SysAgencyEnrolledS0 *)fill_section(&section, type, 0);
    body->agency_id = body->name = TEXT(agency->id);
    body->kinds = kinds;
    body->n_kinds = 1;
    return command(type, &section);
}

uint32_t
make_enrol_unit(const struct town_unit *unit)
{
    const struct type_info *type = type_by_number(TYPE(SYS_UNIT_ENROLLED));
    Wici__V1__Section section;
    Wici__V1__SysUnitEnrolledS0 *body;
    Wici__V1__Role roles[ROLE_COUNT];

    fill_begin(saids_count(), "", NULL);
    body = (Wici__V1__SysUnitEnrolledS0 *)fill_section(&section, type, 0);
    body->unit_id = body->name = TEXT(unit->id);
    body->agency_id = TEXT(unit->agency);
    body->key = TEXT(unit->key);
    body->roles = roles;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (fill_is_among(role_name(role), unit->roles))
            roles[body->n_roles++] = (Wici__V1__Role)role;
    return command(type, &section);
}

uint32_t
make_policy(void)
{
    const struct type_info *type = type_by_number(TYPE(SYS_POLICY_LOADED));
    Wici__V1__Section section;
    Wici__V1__SysPolicyLoadedS0 *body;
    Wici__V1__Policy *policy = NULL;

    fill_begin(saids_count(), "", NULL);
    if (core_policy(ledger_core(), fill_arena(), &policy) != 0)
        abort();
    body = (Wici__V1__SysPolicyLoadedS0 *)fill_section(&section, type, 0);
    body->version = policy->version;
    body->text = policy->text;
    return command(type, &section);
}

uint32_t
make_suspend(const struct town_unit *unit, bool suspend)
{
    const struct type_info *type = type_by_number(suspend ? TYPE(SYS_UNIT_SUSPENDED) : TYPE(SYS_UNIT_RESUMED));
    Wici__V1__Section section;
    ProtobufCMessage *body;

    fill_begin(saids_count(), "", NULL);
    body = fill_section(&section, type, 0);
    if (suspend)
        ((Wici__V1__SysUnitSuspendedS0 *)body)->unit_id = TEXT(unit->id);
    else
        ((Wici__V1__SysUnitResumedS0 *)body)->unit_id = TEXT(unit->id);
    return command(type, &section);
}

uint32_t
make_rotate(struct town_unit *unit, uint64_t old_ms)
{
    const struct type_info *type = type_by_number(TYPE(SYS_UNIT_KEY_ROTATED));
    Wici__V1__Section section;
    Wici__V1__SysUnitKeyRotatedS0 *body;
    char until[TIME_TEXT_SIZE];

    fill_begin(saids_count(), "", NULL);
    memcpy(unit->old_key, unit->key, sizeof unit->key);
    town_key(unit->key);
    time_format(fate_wall_ms() + old_ms, until);
    body = (Wici__V1__SysUnitKeyRotatedS0 *)fill_section(&section, type, 0);
    body->unit_id = TEXT(unit->id);
    body->key = TEXT(unit->key);
    body->old_until = TEXT(until);
    return command(type, &section);
}
