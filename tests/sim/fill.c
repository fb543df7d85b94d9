/*
 * fill - see fill.h
 */
#include "tests/sim/fill.h"

#include "proto/document.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"
#include "tests/sim/papers.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"
#include "tests/unit/test_core_matrix.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE    (1u << 20)
#define LONG_TEXT_MAX 6000u
#define DAY_MS        86400000u

static struct {
    struct arena *arena;
    uint32_t index;      /* of the event being made */
    size_t section;      /* of its section being filled */
    bool marked;         /* the section has its mark */
    const char *dossier; /* it is in */
    const struct town_unit *unit;
    const char *tied; /* to it; NULL */
} filling;

void
fill_begin(uint32_t index, const char *dossier, const struct town_unit *unit)
{
    if (filling.arena == NULL && arena_create(&filling.arena, ARENA_SIZE) != 0)
        abort();
    arena_reset(filling.arena);
    filling.index = index;
    filling.dossier = dossier;
    filling.unit = unit;
    filling.tied = NULL;
}

void
fill_tie(const char *dossier)
{
    filling.tied = dossier;
}

struct arena *
fill_arena(void)
{
    return filling.arena;
}

void *
fill_room(size_t size)
{
    return must(arena_alloc(filling.arena, size));
}

char *
fill_text(const char *text)
{
    char *copy = fill_room(strlen(text) + 1);

    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

/* ---- values */

static char *
person(void)
{
    static const char *const persons[] = {"p1", "p2", "p3", "p4"};

    return fill_text(persons[fate_below(4)]);
}

char *
fill_unit(void)
{
    if (fate_once_in(4))
        return fill_text(town_agency(fate_below(town_agency_count()))->id);
    return fill_text(town_unit(fate_below(town_unit_count()))->id);
}

/* Two references for each dossier, so that meetings and services of one dossier are told apart. */
static char *
reference(void)
{
    char *id = fill_text(filling.dossier != NULL && filling.dossier[0] != '\0'
                             ? filling.dossier
                             : "d0000000-0000-4000-8000-000000000000");

    id[0] = fate_once_in(4) ? 'e' : 'f';
    return id;
}

char *
fill_day(void)
{
    char time[TIME_TEXT_SIZE];

    time_format(fate_wall_ms() + DAY_MS * fate_below(4) - DAY_MS, time);
    time[10] = '\0';
    return fill_text(time);
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
    at = fill_text(at);
    *(char *)(uintptr_t)(at + strcspn(at, " ")) = '\0';
    return (char *)(uintptr_t)at;
}

/* The section's mark in its first text; words in the others. */
static char *
words(uint32_t max)
{
    size_t len = SAID_MARK_LEN + (fate_once_in(12) ? fate_below(LONG_TEXT_MAX) : 0);
    char *text;

    if (filling.marked)
        return fill_text("tekst");
    if (max != 0 && len > max)
        len = SAID_MARK_LEN;
    text = fill_room(len + 1);
    said_mark(filling.index, filling.section, text);
    memset(text + SAID_MARK_LEN, 'a', len - SAID_MARK_LEN);
    text[len] = '\0';
    filling.marked = true;
    return text;
}

bool
fill_is_among(const char *name, const char *list)
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
        if (fill_is_among(name, "unit to_unit provider probation_unit units scope_agencies"))
            return fill_unit();
        return fill_is_among(name, "person_ref about same_as") ? person() : fill_text("x1");
    case FIELD_UUID:
        if (filling.tied != NULL && strcmp(name, "other_dossier") == 0)
            return fill_text(filling.tied);
        if (fill_is_among(name, "other_dossier case_dossier about_cases") && make_dossier()[0] != '\0')
            return fill_text(make_dossier());
        return reference();
    case FIELD_UUID7: return reference();
    case FIELD_DATE: return fill_day();
    case FIELD_TIME: time_format(fate_wall_ms(), time); return fill_text(time);
    case FIELD_CODE:
        if (filling.tied != NULL && fill_is_among("MERGED_INTO", info->codes) && !fate_once_in(4))
            return fill_text("MERGED_INTO");
        return code(info->codes);
    case FIELD_ANY:
    case FIELD_LINE:
    case FIELD_TEXT: return words(info->max);
    case FIELD_SHA256: return fill_text("00000000000000000000000000000000000000000000000000000000000000aa");
    case FIELD_GMINA: return fill_text("1465011");
    case FIELD_MEDIA_TYPE: return fill_text("text/plain");
    case FIELD_KEY: town_key(key); return fill_text(key);
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

/* Names what the unit uploads, now and then what another does: then nobody has sent it for this event. */
static void
document_name(Wici__V1__Document *document)
{
    uint32_t paper = filling.unit == NULL || fate_once_in(8) ? PAPER_NONE : papers_of(filling.unit);
    char digest[DOCUMENT_DIGEST_TEXT_SIZE];

    if (paper == PAPER_NONE && papers_count() > 0 && fate_once_in(2))
        paper = (uint32_t)fate_below(papers_count());
    if (paper == PAPER_NONE)
        return;
    document_digest_format(papers_at(paper)->digest, digest);
    document->sha256 = fill_text(digest);
    document->size = papers_at(paper)->size + fate_once_in(20);
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
        ProtobufCMessage *child = fill_room(info->message->desc->sizeof_message);

        protobuf_c_message_init(info->message->desc, child);
        message_fill(child, info->message, depth + 1);
        if (info->message->desc == &wici__v1__document__descriptor)
            document_name((Wici__V1__Document *)(void *)child);
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
        bool text = depth == 0 && !filling.marked &&
                    (info->fields[i].format == FIELD_TEXT || info->fields[i].format == FIELD_LINE) &&
                    field->label != PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING;

        if (!info->fields[i].required && !text && (depth > 1 || !fate_once_in(4)))
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = 1 + fate_below(2);
            uint8_t *list = fill_room(count * value_size(field));

            for (size_t k = 0; k < count; k++)
                value_put(list + k * value_size(field), field, &info->fields[i], depth);
            *(void **)at = list;
            *(size_t *)(void *)((uint8_t *)message + field->quantifier_offset) = count;
        } else {
            value_put(at, field, &info->fields[i], depth);
        }
    }
}

struct bytes
fill_pack(const ProtobufCMessage *message)
{
    struct bytes ret = {.len = protobuf_c_message_get_packed_size(message)};
    uint8_t *bytes = fill_room(ret.len + 1);

    (void)protobuf_c_message_pack(message, bytes);
    ret.data = bytes;
    return ret;
}

static char **
names(char *(*draw)(void), size_t *ret_count)
{
    char **list = fill_room(2 * sizeof *list);

    *ret_count = 1 + fate_below(2);
    for (size_t i = 0; i < *ret_count; i++)
        list[i] = draw();
    return list;
}

ProtobufCMessage *
fill_section(Wici__V1__Section *section, const struct type_info *type, unsigned cls)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&wici__v1__section__descriptor,
                                                                                    section_id(type->number, cls));
    ProtobufCMessage *body = fill_room(type->body[cls]->desc->sizeof_message);

    wici__v1__section__init(section);
    protobuf_c_message_init(type->body[cls]->desc, body);
    section->body_case = (Wici__V1__Section__BodyCase)section_id(type->number, cls);
    memcpy((uint8_t *)section + field->offset, &body, sizeof body);
    filling.marked = false;
    return body;
}

static struct bytes
section_make(const struct type_info *type, unsigned cls)
{
    Wici__V1__Section section;
    ProtobufCMessage *body = fill_section(&section, type, cls);

    message_fill(body, type->body[cls], 0);
    if (fate_once_in(2))
        section.subjects = names(person, &section.n_subjects);
    if (fate_once_in(5))
        section.only_for = names(fill_unit, &section.n_only_for);
    if (fate_once_in(8))
        section.not_to = names(fill_unit, &section.n_not_to);
    return fill_pack(&section.base);
}

static bool
class_is_needed(const struct type_info *type, unsigned cls)
{
    for (unsigned i = 0; i < type->body[cls]->desc->n_fields; i++)
        if (type->body[cls]->fields[i].required)
            return true;
    return false;
}

size_t
fill_sections(const struct type_info *type, struct bytes *ret)
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
            filling.section = count;
            ret[count++] = section_make(type, cls);
        }
    }
    return count;
}
