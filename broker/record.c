/*
 * record - see record.h
 */
#include "broker/record.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Borrowed, or copied into the arena. false: the arena is used up. */
static bool
bytes_take(struct bytes *ret, const struct leaf_part *part, struct arena *arena, bool copy)
{
    uint8_t *data;

    ret->data = part->body;
    ret->len = part->len;
    if (!copy)
        return true;
    data = arena_alloc(arena, part->len == 0 ? 1 : part->len);
    if (data == NULL)
        return false;
    if (part->len > 0)
        memcpy(data, part->body, part->len);
    ret->data = data;
    return true;
}

int
record_load(struct record *ret, const struct store_row *row, struct arena *arena, bool copy)
{
    struct bytes header = {.data = NULL}, sections[EVENT_SECTIONS_MAX];
    size_t count = 0;
    int rc;

    if (row->erased || row->leaf.cls != LEAF_EVENT)
        return -ENOENT;
    ret->note_bytes = (struct bytes){.data = NULL};
    for (size_t i = 0; i < row->part_count; i++) {
        const struct leaf_part *part = &row->parts[i];
        struct bytes *into;

        if (part->slot == TYPE_SLOT_HEADER) {
            into = &header;
        } else if (part->slot == TYPE_SLOT_NOTE) {
            into = &ret->note_bytes;
        } else {
            if (count == EVENT_SECTIONS_MAX)
                return -EBADMSG;
            ret->slots[count] = part->slot;
            into = &sections[count++];
        }
        if (!bytes_take(into, part, arena, copy))
            return -ENOMEM;
    }
    if (header.data == NULL)
        return -EBADMSG;
    rc = event_decode_stored(&ret->event, header, sections, count, arena);
    if (rc != 0)
        return rc;
    ret->core = (struct core_record){
        .seq = row->seq, .ts_ms = row->leaf.ts_ms, .entry = row->entry, .event = &ret->event, .note = NULL};
    if (!ret->event.has_dossier)
        ret->core.entry = 0; /* the entry of the access records is no dossier's */
    if (ret->note_bytes.data != NULL) {
        ret->core.note = wici__v1__broker_note__unpack(arena_allocator(arena), ret->note_bytes.len,
                                                       ret->note_bytes.data);
        if (ret->core.note == NULL)
            return -EBADMSG;
    }
    ret->leaf = row->leaf;
    memcpy(ret->seed, row->seed, sizeof ret->seed);
    return 0;
}

static const struct leaf_part *
part_at(const struct store_row *row, uint8_t slot)
{
    for (size_t i = 0; i < row->part_count; i++)
        if (row->parts[i].slot == slot)
            return &row->parts[i];
    return NULL;
}

static bool
part_is(const struct leaf_part *part, struct bytes bytes)
{
    return part != NULL && part->len == bytes.len && (bytes.len == 0 || memcmp(part->body, bytes.data, bytes.len) == 0);
}

bool
record_is_same(const struct store_row *row, const struct event *event)
{
    uint16_t ids[EVENT_SECTIONS_MAX];
    uint8_t slots[EVENT_SECTIONS_MAX];
    size_t sections = 0;

    if (!part_is(part_at(row, TYPE_SLOT_HEADER), event->header_bytes))
        return false;
    for (size_t i = 0; i < row->part_count; i++)
        sections += row->parts[i].slot > TYPE_SLOT_NOTE;
    if (sections != event->section_count)
        return false;
    for (size_t i = 0; i < event->section_count; i++)
        ids[i] = event->sections[i].id;
    if (event_slots(event->type, ids, event->section_count, row->seed, slots) != 0)
        return false;
    for (size_t i = 0; i < event->section_count; i++)
        if (!part_is(part_at(row, slots[i]), event->sections[i].bytes))
            return false;
    return true;
}

static uint8_t *
digests_copy(const struct leaf *leaf, struct arena *arena)
{
    uint8_t *data = arena_alloc(arena, (size_t)leaf->n * LEAF_HASH_SIZE);

    if (data != NULL)
        memcpy(data, leaf->digests, (size_t)leaf->n * LEAF_HASH_SIZE);
    return data;
}

static Wici__V1__Slot *
slot_make(struct arena *arena, const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint32_t section_id)
{
    Wici__V1__Slot *ret = arena_alloc(arena, sizeof *ret);
    uint8_t *salt = arena_alloc(arena, LEAF_HASH_SIZE);

    if (ret == NULL || salt == NULL)
        return NULL;
    wici__v1__slot__init(ret);
    leaf_salt(seed, slot, salt);
    ret->slot = slot;
    ret->section_id = section_id;
    ret->salt = (ProtobufCBinaryData){.len = LEAF_HASH_SIZE, .data = salt};
    return ret;
}

int
record_receipt(const struct event *event, const struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE],
               const uint8_t *slots, const Wici__V1__BrokerNote *note, struct arena *arena, Wici__V1__Receipt **ret)
{
    Wici__V1__Receipt *receipt = arena_alloc(arena, sizeof *receipt);
    uint8_t *digests = digests_copy(leaf, arena);
    Wici__V1__Slot **list = arena_alloc(arena, (event->section_count + 1) * sizeof(Wici__V1__Slot *));

    if (receipt == NULL || digests == NULL || list == NULL)
        return -ENOMEM;
    wici__v1__receipt__init(receipt);
    receipt->seq = leaf->seq;
    receipt->ts_ms = leaf->ts_ms;
    receipt->leaf_class = leaf->cls;
    receipt->digests = (ProtobufCBinaryData){.len = (size_t)leaf->n * LEAF_HASH_SIZE, .data = digests};
    if (note != NULL) {
        receipt->n_warnings = note->n_warnings;
        receipt->warnings = note->warnings;
    }
    list[0] = slot_make(arena, seed, TYPE_SLOT_HEADER, section_id(event->type->number, TYPE_CLASS_HEADER));
    for (size_t i = 0; i < event->section_count; i++)
        list[i + 1] = slot_make(arena, seed, slots[i], event->sections[i].id);
    for (size_t i = 0; i <= event->section_count; i++)
        if (list[i] == NULL)
            return -ENOMEM;
    receipt->n_slots = event->section_count + 1;
    receipt->slots = list;
    *ret = receipt;
    return 0;
}

/* ---- deliveries, written by hand: half of what a replay costs was protobuf-c measuring and packing them */

enum { /* field and wire type of Delivery, Disclosed and Slot in wire.proto */
       TAG_DELIVERY_SEQ = 1 << 3,
       TAG_DELIVERY_TS = 2 << 3,
       TAG_DELIVERY_CLASS = 3 << 3,
       TAG_DELIVERY_DIGESTS = 4 << 3 | 2,
       TAG_DELIVERY_PARTS = 5 << 3 | 2,
       TAG_DISCLOSED_SLOT = 1 << 3 | 2,
       TAG_DISCLOSED_BODY = 2 << 3 | 2,
       TAG_SLOT_SLOT = 1 << 3,
       TAG_SLOT_SECTION = 2 << 3,
       TAG_SLOT_SALT = 3 << 3 | 2
};

/* The most a part takes beside its body, and a delivery beside its parts. */
#define PART_EXTRA_MAX     (6 * (1 + VARINT_BYTES) + LEAF_HASH_SIZE)
#define DELIVERY_EXTRA_MAX (4 * (1 + VARINT_BYTES) + LEAF_SLOTS_MAX * LEAF_HASH_SIZE)

size_t
varint_put(uint8_t *at, uint64_t value)
{
    size_t len = 0;

    while (value >= 0x80) {
        at[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[len++] = (uint8_t)value;
    return len;
}

static uint8_t *
number_put(uint8_t *at, uint8_t tag, uint64_t value)
{
    if (value == 0)
        return at; /* proto3: the same as absent */
    *at++ = tag;
    return at + varint_put(at, value);
}

static uint8_t *
bytes_put(uint8_t *at, uint8_t tag, const void *data, size_t len)
{
    *at++ = tag;
    at += varint_put(at, len);
    if (len > 0)
        memcpy(at, data, len);
    return at + len;
}

static size_t
varint_size(uint64_t value)
{
    size_t len = 1;

    while (value >= 0x80) {
        value >>= 7;
        len++;
    }
    return len;
}

static uint8_t *
part_put(uint8_t *at, const struct record *record, uint8_t slot_number, uint32_t id, struct bytes body)
{
    uint8_t salt[LEAF_HASH_SIZE], slot[3 * (1 + VARINT_BYTES) + LEAF_HASH_SIZE], *end = slot;
    size_t slot_len, len;

    leaf_salt(record->seed, slot_number, salt);
    end = number_put(end, TAG_SLOT_SLOT, slot_number);
    end = number_put(end, TAG_SLOT_SECTION, id);
    end = bytes_put(end, TAG_SLOT_SALT, salt, sizeof salt);
    slot_len = (size_t)(end - slot);
    len = 1 + varint_size(slot_len) + slot_len + (body.len > 0 ? 1 + varint_size(body.len) + body.len : 0);

    *at++ = TAG_DELIVERY_PARTS;
    at += varint_put(at, len);
    at = bytes_put(at, TAG_DISCLOSED_SLOT, slot, slot_len);
    return body.len > 0 ? bytes_put(at, TAG_DISCLOSED_BODY, body.data, body.len) : at;
}

int
record_delivery(const struct record *record, const struct core_view *view, struct arena *arena, struct bytes *ret)
{
    const struct event *event = &record->event;
    bool note = view->note && record->note_bytes.data != NULL;
    size_t size = DELIVERY_EXTRA_MAX + 2 * PART_EXTRA_MAX + event->header_bytes.len + record->note_bytes.len;
    uint8_t *data, *at;

    assert(view->received);
    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0)
            size += PART_EXTRA_MAX + event->sections[i].bytes.len;
    data = at = arena_alloc(arena, size);
    if (data == NULL)
        return -ENOMEM;
    at = number_put(at, TAG_DELIVERY_SEQ, record->core.seq);
    at = number_put(at, TAG_DELIVERY_TS, record->core.ts_ms);
    at = number_put(at, TAG_DELIVERY_CLASS, record->leaf.cls);
    at = bytes_put(at, TAG_DELIVERY_DIGESTS, record->leaf.digests, (size_t)record->leaf.n * LEAF_HASH_SIZE);
    at = part_put(at, record, TYPE_SLOT_HEADER, section_id(event->type->number, TYPE_CLASS_HEADER),
                  event->header_bytes);
    if (note)
        at = part_put(at, record, TYPE_SLOT_NOTE, section_id(event->type->number, TYPE_CLASS_NOTE), record->note_bytes);
    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0)
            at = part_put(at, record, record->slots[i], event->sections[i].id, event->sections[i].bytes);
    ret->data = data;
    ret->len = (size_t)(at - data);
    assert(ret->len <= size);
    return 0;
}

/* ---- keeping */

static bool
bytes_copy(struct bytes *bytes, struct arena *arena)
{
    uint8_t *data = arena_alloc(arena, bytes->len == 0 ? 1 : bytes->len);

    if (data == NULL)
        return false;
    if (bytes->len > 0)
        memcpy(data, bytes->data, bytes->len);
    bytes->data = data;
    return true;
}

const struct record *
record_copy(const struct record *record, struct arena *arena)
{
    struct record *copy = arena_alloc(arena, sizeof *copy);

    if (copy == NULL)
        return NULL;
    *copy = *record;
    copy->core.event = &copy->event;
    if (!bytes_copy(&copy->event.header_bytes, arena))
        return NULL;
    for (size_t i = 0; i < copy->event.section_count; i++)
        if (!bytes_copy(&copy->event.sections[i].bytes, arena))
            return NULL;
    copy->core.note = NULL;
    if (copy->note_bytes.data == NULL)
        return copy;
    if (!bytes_copy(&copy->note_bytes, arena))
        return NULL;
    copy->core.note = wici__v1__broker_note__unpack(arena_allocator(arena), copy->note_bytes.len,
                                                    copy->note_bytes.data);
    return copy->core.note == NULL ? NULL : copy;
}
