/*
 * event - decoding and judging one event
 *
 * Two passes: decoding (decode.h), which refuses what an encoding may hide, and the registry: which sections the type
 * declares, which fields must be there, what each may hold.
 */
#include "event.h"
#include "check.h"
#include "decode.h"
#include "leaf.h"
#include "types_table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECTION_MARKS 3u /* fields of Section before the body: subjects, only_for, not_to */

/* ---- decoding */

static const ProtobufCFieldDescriptor *
body_field(uint32_t section_id)
{
    const ProtobufCMessageDescriptor *desc = &wici__v1__section__descriptor;

    return section_id == 0 ? NULL : protobuf_c_message_descriptor_get_field(desc, section_id);
}

/* Fills one section of *ret. 0, or -EBADMSG; body stays NULL when it has none that we know. */
static int
section_decode(struct event_section *ret, struct bytes bytes, struct arena *arena)
{
    ProtobufCMessage *message;

    ret->bytes = bytes;
    ret->body = NULL;
    if (decode_message(&wici__v1__section__descriptor, bytes.data, bytes.len, false, arena, &message) != 0)
        return -EBADMSG;
    ret->section = (Wici__V1__Section *)message;
    ret->id = (uint16_t)ret->section->body_case;
    ret->cls = (uint8_t)(ret->id % 10u);
    if (ret->section->body_case != WICI__V1__SECTION__BODY__NOT_SET)
        ret->body = &ret->section->referral_submitted_s0->base; /* a union of pointers: whichever body it is */
    return 0;
}

/* NULL: it does not decode. */
static Wici__V1__Header *
header_decode(struct bytes bytes, struct arena *arena)
{
    ProtobufCMessage *message;

    if (decode_message(&wici__v1__header__descriptor, bytes.data, bytes.len, false, arena, &message) != 0)
        return NULL;
    return (Wici__V1__Header *)message;
}

static bool
all_zero(const uint8_t id[16])
{
    static const uint8_t zero[16];

    return memcmp(id, zero, sizeof zero) == 0;
}

/* The parts of the decoded header that others want as numbers. -EBADMSG: one of them is not as it must be. */
static int
header_fill(struct event *event, struct bytes bytes, Wici__V1__Header *header)
{
    event->header_bytes = bytes;
    event->header = header;
    event->type = type_by_number((uint32_t)header->type);
    if (event->type == NULL || header->actor == NULL || uuid_parse(header->event_id, event->event_id) != 0)
        return -EBADMSG;
    event->has_dossier = header->dossier_id[0] != '\0';
    memset(event->dossier_id, 0, sizeof event->dossier_id);
    if (event->has_dossier && (uuid_parse(header->dossier_id, event->dossier_id) != 0 || all_zero(event->dossier_id)))
        return -EBADMSG;
    event->event_id_ms = 0;
    for (unsigned i = 0; i < 6 && event->event_id[6] >> 4 == 7; i++)
        event->event_id_ms = event->event_id_ms << 8 | event->event_id[i];
    return time_parse(header->occurred_at, &event->occurred_ms) == 0 ? 0 : -EBADMSG;
}

static bool
section_is_declared(const struct event_section *section, const struct type_info *type)
{
    return section->body != NULL && section->id / 10u == type->number && section->cls < TYPE_CLASSES &&
           type->body[section->cls] != NULL;
}

int
event_decode_stored(struct event *ret, struct bytes header, const struct bytes *sections, size_t section_count,
                    struct arena *arena)
{
    Wici__V1__Header *decoded = header_decode(header, arena);
    int rc = decoded == NULL || section_count > EVENT_SECTIONS_MAX ? -EBADMSG : header_fill(ret, header, decoded);

    ret->section_count = 0;
    for (size_t i = 0; rc == 0 && i < section_count; i++) {
        rc = section_decode(&ret->sections[i], sections[i], arena);
        if (rc == 0 && !section_is_declared(&ret->sections[i], ret->type))
            rc = -EBADMSG;
        if (rc == 0)
            ret->section_count++;
    }
    return rc;
}

/* ---- judging */

static int
header_check(struct event *event, struct bytes bytes, struct arena *arena, struct refusal *refusal)
{
    Wici__V1__Header *header;
    struct check_path path;
    int rc;

    if (bytes.len > EVENT_HEADER_MAX)
        return check_refuse(refusal, E_SIZE, "header");
    header = header_decode(bytes, arena);
    if (header == NULL)
        return check_refuse(refusal, E_DECODE, "header");
    if (type_by_number((uint32_t)header->type) == NULL)
        return check_refuse(refusal, E_TYPE, "header.type");
    check_path_set(&path, "header");
    rc = check_message(&header->base, types_header, true, &path, refusal);
    if (rc != 0) {
        if (strcmp(refusal->path, "header.eventId") == 0 && refusal->code == E_FIELD)
            refusal->code = E_ID;
        return rc;
    }
    if (header->type < (int)TYPE_SYS_FIRST && header->dossier_id[0] == '\0')
        return check_refuse(refusal, E_FIELD, "header.dossierId");
    if ((header->correction[0] != '\0') != (header->corrects_event_id[0] != '\0'))
        return check_refuse(refusal, E_FIELD,
                            header->correction[0] != '\0' ? "header.correctsEventId" : "header.correction");
    /* Ids were looked at above; these are the header's only free text, and every recipient reads it. */
    if (check_has_personal_number(header->actor->profession))
        return check_refuse(refusal, E_PERSONAL_DATA, "header.actor.profession");
    for (size_t i = 0; i < header->n_to; i++) {
        const Wici__V1__Address *to = header->to[i];

        if (check_has_personal_number(to->area)) {
            check_path_push(&path, "to", (long)i);
            check_path_push(&path, "area", -1);
            return check_refuse_at(refusal, E_PERSONAL_DATA, &path);
        }
        if ((to->unit[0] == '\0') == (to->agency[0] == '\0')) { /* one of the two, not both */
            check_path_push(&path, "to", (long)i);
            return check_refuse_at(refusal, E_FIELD, &path);
        }
    }
    return header_fill(event, bytes, header) == 0 ? 0 : check_refuse(refusal, E_FIELD, "header");
}

static int
section_check(struct event *event, size_t index, struct bytes bytes, struct arena *arena, struct refusal *refusal)
{
    struct event_section *section = &event->sections[index];
    const struct message_info *info = types_section;
    const ProtobufCFieldDescriptor *field;
    struct check_path path;
    size_t place;
    int rc = 0;

    check_path_set(&path, "");
    check_path_push(&path, "sections", (long)index);
    if (section_decode(section, bytes, arena) != 0)
        return check_refuse_at(refusal, E_DECODE, &path);
    if (!section_is_declared(section, event->type))
        return check_refuse_at(refusal, E_SECTION, &path);

    /* The marks, then the body alone: the other bodies of the oneof cannot be there. */
    for (unsigned i = 0; rc == 0 && i < SECTION_MARKS; i++)
        rc = check_field(&section->section->base, info, i, &path, refusal);
    if (rc != 0)
        return rc;
    field = body_field(section->id);
    place = (size_t)(field - info->desc->fields);
    check_path_push(&path, info->fields[place].json, -1);
    return check_message(section->body, event->type->body[section->cls], false, &path, refusal);
}

/* Is the mandatory field at `place` of class cls set in any section? */
static bool
field_is_somewhere(const struct event *event, unsigned cls, unsigned place)
{
    for (size_t i = 0; i < event->section_count; i++)
        if (event->sections[i].cls == cls &&
            check_present(event->sections[i].body, &event->type->body[cls]->desc->fields[place]))
            return true;
    return false;
}

static size_t
first_section(const struct event *event, unsigned cls)
{
    size_t i = 0;

    while (i < event->section_count && event->sections[i].cls != cls)
        i++;
    return i;
}

const char *
event_body_name(const struct event *event, unsigned cls)
{
    const ProtobufCFieldDescriptor *field = body_field(section_id(event->type->number, cls));

    return types_section->fields[field - types_section->desc->fields].json;
}

static int
class_check(const struct event *event, unsigned cls, struct refusal *refusal)
{
    const struct message_info *info = event->type->body[cls];
    size_t first = first_section(event, cls);
    struct check_path path;

    for (unsigned place = 0; place < info->desc->n_fields; place++) {
        if (!info->fields[place].required || field_is_somewhere(event, cls, place))
            continue;
        check_path_set(&path, "");
        if (first == event->section_count) { /* the whole section is missing */
            check_path_push(&path, "sections", -1);
            check_path_push(&path, event_body_name(event, cls), -1);
            return check_refuse_at(refusal, E_SECTION, &path);
        }
        check_path_push(&path, "sections", (long)first);
        check_path_push(&path, event_body_name(event, cls), -1);
        check_path_push(&path, info->fields[place].json, -1);
        return check_refuse_at(refusal, E_FIELD, &path);
    }
    return 0;
}

/* Every class with mandatory fields has them: but one of `either` is enough, and a recall needs S0 only. */
static int
mandatory_check(const struct event *event, struct refusal *refusal)
{
    bool recall = strcmp(event->header->correction, "ENTERED_IN_ERROR") == 0;
    bool either = false;
    int rc = 0;

    for (size_t i = 0; i < event->section_count; i++)
        either = either || (event->type->either & (1u << event->sections[i].cls)) != 0;
    for (unsigned cls = 0; rc == 0 && cls < TYPE_CLASSES; cls++) {
        bool there = first_section(event, cls) < event->section_count;

        if (event->type->body[cls] == NULL)
            continue;
        if (!there && ((recall && cls > 0) || (either && (event->type->either & (1u << cls)) != 0)))
            continue;
        rc = class_check(event, cls, refusal);
    }
    return rc;
}

/* Do the sections fit into the slots of the type? */
static bool
slots_are_enough(const struct event *event)
{
    uint8_t seed[LEAF_SEED_SIZE] = {0}, slots[EVENT_SECTIONS_MAX];
    uint16_t ids[EVENT_SECTIONS_MAX];

    for (size_t i = 0; i < event->section_count; i++)
        ids[i] = event->sections[i].id;
    return event_slots(event->type, ids, event->section_count, seed, slots) == 0;
}

int
event_decode(struct event *ret, struct bytes header, const struct bytes *sections, size_t section_count,
             struct arena *arena, struct refusal *refusal)
{
    size_t size = header.len;
    int rc;

    assert(ret != NULL);
    assert(refusal != NULL);
    for (size_t i = 0; i < section_count; i++)
        size += sections[i].len;
    if (size > EVENT_SIZE_MAX)
        return check_refuse(refusal, E_SIZE, "");
    if (section_count > EVENT_SECTIONS_MAX)
        return check_refuse(refusal, E_SECTION, "sections");

    rc = header_check(ret, header, arena, refusal);
    ret->section_count = 0;
    for (size_t i = 0; rc == 0 && i < section_count; i++) {
        rc = section_check(ret, i, sections[i], arena, refusal);
        ret->section_count++;
    }
    if (rc == 0)
        rc = mandatory_check(ret, refusal);
    if (rc == 0 && !slots_are_enough(ret))
        rc = check_refuse(refusal, E_SECTION, "sections");
    return rc;
}

const ProtobufCMessage *
event_body(const struct event *event, unsigned cls)
{
    size_t first = first_section(event, cls);

    return first < event->section_count ? event->sections[first].body : NULL;
}

/* ---- slots */

/*
 * Numbers below a bound, drawn evenly from SHA-256("wici-slots-v1" 0 || seed || block) byte by byte: bytes that would
 * favour some numbers are skipped.
 */
struct slot_draw {
    uint8_t input[14 + LEAF_SEED_SIZE + 1];
    uint8_t block[LEAF_HASH_SIZE];
    size_t used;
};

static uint8_t
slot_draw_below(struct slot_draw *draw, uint8_t bound)
{
    unsigned fair = 256u - 256u % bound;

    for (;;) {
        uint8_t byte;

        if (draw->used == sizeof draw->block) {
            leaf_sha256(draw->input, sizeof draw->input, draw->block);
            draw->input[sizeof draw->input - 1]++;
            draw->used = 0;
        }
        byte = draw->block[draw->used++];
        if (byte < fair)
            return (uint8_t)(byte % bound);
    }
}

static void
tail_shuffle(uint8_t *tail, uint8_t count, const uint8_t seed[LEAF_SEED_SIZE])
{
    struct slot_draw draw = {.used = sizeof draw.block};

    memcpy(draw.input, "wici-slots-v1", 14);
    memcpy(draw.input + 14, seed, LEAF_SEED_SIZE);
    for (uint8_t i = count; i > 1; i--) {
        uint8_t other = slot_draw_below(&draw, i);
        uint8_t held = tail[i - 1];

        tail[i - 1] = tail[other];
        tail[other] = held;
    }
}

int
event_slots(const struct type_info *type, const uint16_t *section_ids, size_t count, const uint8_t seed[32],
            uint8_t *slots)
{
    uint8_t tail[LEAF_SLOTS_MAX], tail_count = 0, tail_used = 0;
    uint8_t taken = 0; /* classes whose fixed slot is given */
    size_t extra = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned cls = section_ids[i] % 10u;

        assert(cls < TYPE_CLASSES && type->slot[cls] != 0);
        if (taken & (1u << cls)) {
            slots[i] = 0;
            extra++;
        } else {
            slots[i] = type->slot[cls];
            taken = (uint8_t)(taken | (1u << cls));
        }
    }
    if (extra == 0)
        return 0;
    for (uint8_t slot = 2; slot < type->slots; slot++) {
        bool fixed = false;

        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++)
            fixed = fixed || type->slot[cls] == slot;
        if (!fixed)
            tail[tail_count++] = slot;
    }
    if (extra > tail_count)
        return -E2BIG;
    tail_shuffle(tail, tail_count, seed);
    for (size_t i = 0; i < count; i++)
        if (slots[i] == 0)
            slots[i] = tail[tail_used++];
    return 0;
}
