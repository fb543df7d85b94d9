/*
 * make - see make.h
 */
#include "tests/sim/make.h"

#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"
#include "tests/unit/test_core_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(constant) ((char *)(uintptr_t)(constant)) /* packing only reads them */
#define DOSSIERS_USED  14u
#define ARENA_SIZE     (1u << 20)
#define LONG_TEXT_MAX  6000u
#define DAY_MS         86400000u
#define TYPE(name)     ((uint32_t)WICI__V1__EVENT_TYPE__##name)

static struct {
    struct arena *arena;
    char dossiers[DOSSIERS_USED][37];
    size_t dossier_count;
    uint32_t index;      /* of the event being made */
    size_t section;      /* of its section being filled */
    bool marked;         /* the section has its mark */
    const char *dossier; /* it is in */
} made;

static void *
room(size_t size)
{
    return must(arena_alloc(made.arena, size));
}

static char *
text_of(const char *text)
{
    char *copy = room(strlen(text) + 1);

    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

void
make_start(void)
{
    if (made.arena == NULL && arena_create(&made.arena, ARENA_SIZE) != 0)
        abort();
    made.dossier_count = 0;
}

const char *
make_dossier(void)
{
    return made.dossier_count == 0 ? "" : made.dossiers[fate_below(made.dossier_count)];
}

/* ---- values */

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

static char *
person(void)
{
    static const char *const persons[] = {"p1", "p2", "p3", "p4"};

    return text_of(persons[fate_below(4)]);
}

static char *
unit_or_agency(void)
{
    if (fate_once_in(4))
        return text_of(town_agency(fate_below(town_agency_count()))->id);
    return text_of(town_unit(fate_below(town_unit_count()))->id);
}

/* Two references for each dossier, so that meetings and services of one dossier are told apart. */
static char *
reference(void)
{
    char *id = text_of(made.dossier != NULL && made.dossier[0] != '\0' ? made.dossier
                                                                       : "d0000000-0000-4000-8000-000000000000");

    id[0] = fate_once_in(4) ? 'e' : 'f';
    return id;
}

static char *
day(void)
{
    char time[TIME_TEXT_SIZE];

    time_format(fate_wall_ms() + DAY_MS * fate_below(4) - DAY_MS, time);
    time[10] = '\0';
    return text_of(time);
}

static char *
code(const char *codes)
{
    size_t words = 1, pick;
    const char *at = codes;

    for (const char *c = codes; *c != '\0'; c++)
        words += *c == ' ';
    for (pick = fate_below(words); pick > 0; pick--)
        at = strchr(at, ' ') + 1;
    at = text_of(at);
    *(char *)(uintptr_t)(at + strcspn(at, " ")) = '\0';
    return TEXT(at);
}

/* The section's mark in its first text; words in the others. */
static char *
words(uint32_t max)
{
    size_t len = SAID_MARK_LEN + (fate_once_in(12) ? fate_below(LONG_TEXT_MAX) : 0);
    char *text;

    if (made.marked)
        return text_of("tekst");
    if (max != 0 && len > max)
        len = SAID_MARK_LEN;
    text = room(len + 1);
    said_mark(made.index, made.section, text);
    memset(text + SAID_MARK_LEN, 'a', len - SAID_MARK_LEN);
    text[len] = '\0';
    made.marked = true;
    return text;
}

static bool
name_is(const char *name, const char *list)
{
    size_t len = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static char *
string_value(const char *name, const struct field_info *info)
{
    char time[TIME_TEXT_SIZE], key[FRONT_KEY_SIZE];

    switch (info->format) {
    case FIELD_ID:
        if (name_is(name, "unit to_unit provider probation_unit units scope_agencies"))
            return unit_or_agency();
        return name_is(name, "person_ref about same_as") ? person() : text_of("x1");
    case FIELD_UUID:
        if (name_is(name, "other_dossier case_dossier about_cases") && made.dossier_count > 0)
            return text_of(make_dossier());
        return reference();
    case FIELD_UUID7: return reference();
    case FIELD_DATE: return day();
    case FIELD_TIME: time_format(fate_wall_ms(), time); return text_of(time);
    case FIELD_CODE: return code(info->codes);
    case FIELD_ANY:
    case FIELD_LINE:
    case FIELD_TEXT: return words(info->max);
    case FIELD_SHA256: return text_of("00000000000000000000000000000000000000000000000000000000000000aa");
    case FIELD_GMINA: return text_of("1465011");
    case FIELD_MEDIA_TYPE: return text_of("text/plain");
    case FIELD_KEY: town_key(key); return text_of(key);
    }
    abort();
}

static uint64_t
number_value(const char *name, const struct field_info *info)
{
    if (strcmp(name, "history_from") == 0)
        return 1 + fate_below(ledger_head() + 1);
    return 1 + fate_below(info->max == 0 || info->max > 9 ? 9 : info->max);
}

/* ---- messages */

static void message_fill(ProtobufCMessage *message, const struct message_info *info, unsigned depth);

static void
value_put(void *at, const ProtobufCFieldDescriptor *field, const struct field_info *info, unsigned depth)
{
    switch ((unsigned)field->type) { /* unsigned: the registry uses few of them */
    case PROTOBUF_C_TYPE_STRING: *(char **)at = string_value(field->name, info); break;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = fate_once_in(2); break;
    case PROTOBUF_C_TYPE_ENUM: *(uint32_t *)at = 1 + (uint32_t)fate_below(MATRIX_ROLES); break;
    case PROTOBUF_C_TYPE_UINT32: *(uint32_t *)at = (uint32_t)number_value(field->name, info); break;
    case PROTOBUF_C_TYPE_UINT64: *(uint64_t *)at = number_value(field->name, info); break;
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage *child = room(info->message->desc->sizeof_message);

        protobuf_c_message_init(info->message->desc, child);
        message_fill(child, info->message, depth + 1);
        *(ProtobufCMessage **)at = child;
        break;
    }
    default: abort();
    }
}

static size_t
value_size(const ProtobufCFieldDescriptor *field)
{
    switch ((unsigned)field->type) { /* unsigned: the registry uses few of them */
    case PROTOBUF_C_TYPE_UINT64: return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_UINT32: return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    default: return sizeof(void *);
    }
}

static void
message_fill(ProtobufCMessage *message, const struct message_info *info, unsigned depth)
{
    for (unsigned i = 0; i < info->desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &info->desc->fields[i];
        void *at = (uint8_t *)message + field->offset;
        bool text = depth == 0 && !made.marked &&
                    (info->fields[i].format == FIELD_TEXT || info->fields[i].format == FIELD_LINE) &&
                    field->label != PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING;

        if (!info->fields[i].required && !text && (depth > 1 || !fate_once_in(4)))
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = 1 + fate_below(2);
            uint8_t *list = room(count * value_size(field));

            for (size_t k = 0; k < count; k++)
                value_put(list + k * value_size(field), field, &info->fields[i], depth);
            *(void **)at = list;
            *(size_t *)(void *)((uint8_t *)message + field->quantifier_offset) = count;
        } else {
            value_put(at, field, &info->fields[i], depth);
        }
    }
}

static struct bytes
pack(const ProtobufCMessage *message)
{
    struct bytes ret = {.len = protobuf_c_message_get_packed_size(message)};
    uint8_t *bytes = room(ret.len + 1);

    (void)protobuf_c_message_pack(message, bytes);
    ret.data = bytes;
    return ret;
}

static char **
names(char *(*draw)(void), size_t *ret_count)
{
    char **list = room(2 * sizeof *list);

    *ret_count = 1 + fate_below(2);
    for (size_t i = 0; i < *ret_count; i++)
        list[i] = draw();
    return list;
}

static ProtobufCMessage *
section_start(Wici__V1__Section *section, const struct type_info *type, unsigned cls)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&wici__v1__section__descriptor,
                                                                                    section_id(type->number, cls));
    ProtobufCMessage *body = room(type->body[cls]->desc->sizeof_message);

    wici__v1__section__init(section);
    protobuf_c_message_init(type->body[cls]->desc, body);
    section->body_case = (Wici__V1__Section__BodyCase)section_id(type->number, cls);
    memcpy((uint8_t *)section + field->offset, &body, sizeof body);
    made.marked = false;
    return body;
}

static struct bytes
section_make(const struct type_info *type, unsigned cls)
{
    Wici__V1__Section section;
    ProtobufCMessage *body = section_start(&section, type, cls);

    message_fill(body, type->body[cls], 0);
    if (fate_once_in(2))
        section.subjects = names(person, &section.n_subjects);
    if (fate_once_in(5))
        section.only_for = names(unit_or_agency, &section.n_only_for);
    if (fate_once_in(8))
        section.not_to = names(unit_or_agency, &section.n_not_to);
    return pack(&section.base);
}

static bool
class_is_needed(const struct type_info *type, unsigned cls)
{
    for (unsigned i = 0; i < type->body[cls]->desc->n_fields; i++)
        if (type->body[cls]->fields[i].required)
            return true;
    return false;
}

static size_t
sections_make(const struct type_info *type, struct bytes *ret)
{
    size_t count = 0;

    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        unsigned times = 0;

        if (type->body[cls] == NULL || fate_once_in(200))
            continue;
        times = cls == 0 || class_is_needed(type, cls) || fate_once_in(2);
        if (times > 0 && cls > 0 && fate_once_in(8))
            times++;
        for (; times > 0; times--) {
            made.section = count;
            ret[count++] = section_make(type, cls);
        }
    }
    return count;
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
        actor.on_behalf_of = unit_or_agency();
        actor.channel = TEXT("PAPER");
        actor.received_on = day();
    }
    if (draft->type->number < TYPE_SYS_FIRST) {
        header.n_to = fate_below(3);
        header.to = list;
        for (size_t i = 0; i < header.n_to; i++) {
            wici__v1__address__init(&addresses[i]);
            if (fate_once_in(5))
                addresses[i].agency = text_of(town_agency(fate_below(town_agency_count()))->id);
            else
                addresses[i].unit = text_of(town_unit(fate_below(town_unit_count()))->id);
        }
        if (fate_once_in(3))
            header.causation_id = text_of(event_in(draft->dossier));
    }
    if (draft->dossier[0] != '\0' && fate_once_in(15)) {
        header.corrects_event_id = text_of(event_in(draft->dossier));
        header.correction = header.corrects_event_id[0] == '\0' ? TEXT("")
                            : fate_once_in(3)                   ? TEXT("ENTERED_IN_ERROR")
                                                                : TEXT("AMENDED");
    }
    return pack(&header.base);
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

static void
dossier_draw(struct draft *draft)
{
    bool opens = draft->type->opens != OPENS_NOTHING;
    const char *known = dossier_known(draft->unit);

    draft->dossier[0] = '\0';
    if (draft->type->number > TYPE_SYS_FIRST && draft->type->number != TYPE(SYS_PARTICIPANT_ADDED) &&
        draft->type->number != TYPE(SYS_PARTICIPANT_REMOVED) && !fate_once_in(8))
        return; /* the registry's */
    if (opens && made.dossier_count < DOSSIERS_USED &&
        (draft->type->opens == OPENS_CASE || known[0] == '\0' || fate_once_in(3))) {
        uuid4(draft->dossier);
        (void)snprintf(made.dossiers[made.dossier_count++], 37, "%s", draft->dossier);
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

    arena_reset(made.arena);
    draft.type = type_draw(draft.role);
    dossier_draw(&draft);
    made.dossier = draft.dossier;
    made.index = saids_count();
    if (fate_once_in(50))
        draft.role = 1 + (unsigned)fate_below(MATRIX_ROLES);
    id_draw(id);
    count = sections_make(draft.type, sections);
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

    arena_reset(made.arena);
    uuid_format(old->id, id);
    made.index = saids_count();
    draft.type = header == NULL ? NULL : type_by_number((uint32_t)header->type);
    if (draft.type == NULL)
        draft.type = type_at(0);
    (void)snprintf(draft.dossier, sizeof draft.dossier, "%s", header == NULL ? "" : header->dossier_id);
    made.dossier = draft.dossier;
    wici__v1__header__free_unpacked(header, NULL);
    count = sections_make(draft.type, sections);
    bytes = header_make(&draft, id);
    return enter(&draft, id, bytes, sections, count);
}

uint32_t
make_copy(uint32_t said, const struct town_unit *unit)
{
    struct said old = *saids_at(said);
    uint32_t copy = saids_add(old.id, old.header, old.sections, old.section_count, unit->agency);

    saids_at(copy)->same_as = old.same_as;
    return copy;
}

/* ---- commands */

static uint32_t
command(const struct type_info *type, const Wici__V1__Section *section)
{
    struct draft draft = {.unit = town_unit(0), .role = WICI__V1__ROLE__ADM, .type = type};
    struct bytes bytes = pack(&section->base);
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

    arena_reset(made.arena);
    body = (Wici__V1__SysAgencyEnrolledS0 *)section_start(&section, type, 0);
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

    arena_reset(made.arena);
    body = (Wici__V1__SysUnitEnrolledS0 *)section_start(&section, type, 0);
    body->unit_id = body->name = TEXT(unit->id);
    body->agency_id = TEXT(unit->agency);
    body->key = TEXT(unit->key);
    body->roles = roles;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (name_is(role_name(role), unit->roles))
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

    arena_reset(made.arena);
    if (core_policy(ledger_core(), made.arena, &policy) != 0)
        abort();
    body = (Wici__V1__SysPolicyLoadedS0 *)section_start(&section, type, 0);
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

    arena_reset(made.arena);
    body = section_start(&section, type, 0);
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

    arena_reset(made.arena);
    memcpy(unit->old_key, unit->key, sizeof unit->key);
    town_key(unit->key);
    time_format(fate_wall_ms() + old_ms, until);
    body = (Wici__V1__SysUnitKeyRotatedS0 *)section_start(&section, type, 0);
    body->unit_id = TEXT(unit->id);
    body->key = TEXT(unit->key);
    body->old_until = TEXT(until);
    return command(type, &section);
}
