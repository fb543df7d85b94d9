/*
 * record - see record.h
 */
#include "broker/record.h"
#include "broker/pack.h"

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

    if (row->erased)
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
    memcpy(&ret->leaf, &row->leaf, offsetof(struct leaf, digests) + (size_t)row->leaf.n * LEAF_HASH_SIZE);
    memcpy(ret->seed, row->seed, sizeof ret->seed);
    return 0;
}

const struct leaf_part *
record_part(const struct store_row *row, uint8_t slot)
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

    if (!part_is(record_part(row, TYPE_SLOT_HEADER), event->header_bytes))
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
        if (!part_is(record_part(row, slots[i]), event->sections[i].bytes))
            return false;
    return true;
}

/* ---- receipts and deliveries */

enum { /* fields of messages in wire.proto */
       RECEIPT_SEQ = 1,
       RECEIPT_TS = 2,
       RECEIPT_WARNINGS = 3,
       RECEIPT_DIGESTS = 4,
       RECEIPT_SLOTS = 5,
       RECEIPT_CLASS = 6,
       RECEIPT_REPEATED = 7,
       DELIVERY_SEQ = 1,
       DELIVERY_TS = 2,
       DELIVERY_CLASS = 3,
       DELIVERY_DIGESTS = 4,
       DELIVERY_PARTS = 5,
       DISCLOSED_SLOT = 1,
       DISCLOSED_BODY = 2,
       SLOT_SLOT = 1,
       SLOT_SECTION = 2,
       SLOT_SALT = 3
};

/* The most that a slot takes as a field, a part beside its body, and the rest of a receipt or delivery. */
#define SLOT_MAX       (PACK_HEAD_SIZE + 2 * PACK_NUMBER_SIZE + PACK_HEAD_SIZE + LEAF_HASH_SIZE)
#define PART_EXTRA_MAX (SLOT_MAX + 2 * PACK_HEAD_SIZE)
#define REST_MAX       (4 * PACK_NUMBER_SIZE + PACK_HEAD_SIZE + LEAF_SLOTS_MAX * LEAF_HASH_SIZE)

/* A Slot without its tag and length; returns its length. */
static size_t
slot_fill(uint8_t to[SLOT_MAX], const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint32_t id)
{
    uint8_t salt[LEAF_HASH_SIZE], *at = to;

    leaf_salt(seed, slot, salt);
    at = pack_number(at, SLOT_SLOT, slot);
    at = pack_number(at, SLOT_SECTION, id);
    at = pack_bytes(at, SLOT_SALT, salt, sizeof salt);
    return (size_t)(at - to);
}

static uint8_t *
slot_put(uint8_t *at, unsigned field, const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint32_t id)
{
    uint8_t filled[SLOT_MAX];

    return pack_bytes(at, field, filled, slot_fill(filled, seed, slot, id));
}

/* A warning with the sentences that a person reads, which the note does not keep. */
static Wici__V1__Warning
explained(const Wici__V1__Warning *warning)
{
    Wici__V1__Warning ret = *warning;
    enum error_code code = error_by_name(warning->code);
    enum rule rule = rule_by_id(warning->rule, code);

    ret.text_pl = TEXT(rule == RULE_NONE ? error_text(code, true) : rule_text(rule, true));
    ret.text_en = TEXT(rule == RULE_NONE ? error_text(code, false) : rule_text(rule, false));
    return ret;
}

int
record_receipt(const struct event *event, const struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE],
               const uint8_t *slots, const Wici__V1__BrokerNote *note, unsigned how, struct arena *arena,
               struct bytes *ret)
{
    size_t warnings = note == NULL ? 0 : note->n_warnings, size = REST_MAX;
    uint8_t *data, *at;

    for (size_t i = 0; i < warnings; i++) {
        Wici__V1__Warning warning = explained(note->warnings[i]);

        size += pack_bytes_size(wici__v1__warning__get_packed_size(&warning));
    }
    if ((how & RECEIPT_BARE) == 0)
        size += (1 + event->section_count) * SLOT_MAX;
    data = at = arena_alloc(arena, size);
    if (data == NULL)
        return -ENOMEM;
    at = pack_number(at, RECEIPT_SEQ, leaf->seq);
    at = pack_number(at, RECEIPT_TS, leaf->ts_ms);
    for (size_t i = 0; i < warnings; i++) {
        Wici__V1__Warning warning = explained(note->warnings[i]);

        at = pack_head(at, RECEIPT_WARNINGS, wici__v1__warning__get_packed_size(&warning));
        at += wici__v1__warning__pack(&warning, at);
    }
    if ((how & RECEIPT_BARE) == 0) {
        at = pack_bytes(at, RECEIPT_DIGESTS, leaf->digests, (size_t)leaf->n * LEAF_HASH_SIZE);
        at = slot_put(at, RECEIPT_SLOTS, seed, TYPE_SLOT_HEADER, section_id(event->type->number, TYPE_CLASS_HEADER));
        for (size_t i = 0; i < event->section_count; i++)
            at = slot_put(at, RECEIPT_SLOTS, seed, slots[i], event->sections[i].id);
    }
    at = pack_number(at, RECEIPT_CLASS, leaf->cls);
    at = pack_number(at, RECEIPT_REPEATED, (how & RECEIPT_AGAIN) != 0);
    *ret = (struct bytes){.data = data, .len = (size_t)(at - data)};
    assert(ret->len <= size);
    return 0;
}

static uint8_t *
part_put(uint8_t *at, const struct record *record, uint8_t slot_number, uint32_t id, struct bytes body)
{
    uint8_t slot[SLOT_MAX];
    size_t slot_len = slot_fill(slot, record->seed, slot_number, id);

    at = pack_head(at, DELIVERY_PARTS, pack_bytes_size(slot_len) + (body.len > 0 ? pack_bytes_size(body.len) : 0));
    at = pack_bytes(at, DISCLOSED_SLOT, slot, slot_len);
    return body.len > 0 ? pack_bytes(at, DISCLOSED_BODY, body.data, body.len) : at;
}

int
record_delivery(const struct record *record, const struct core_view *view, struct arena *arena, struct bytes *ret)
{
    const struct event *event = &record->event;
    bool note = view->note && record->note_bytes.data != NULL;
    size_t size = REST_MAX + 2 * PART_EXTRA_MAX + event->header_bytes.len + record->note_bytes.len;
    uint8_t *data, *at;

    assert(view->received);
    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0)
            size += PART_EXTRA_MAX + event->sections[i].bytes.len;
    data = at = arena_alloc(arena, size);
    if (data == NULL)
        return -ENOMEM;
    at = pack_number(at, DELIVERY_SEQ, record->core.seq);
    at = pack_number(at, DELIVERY_TS, record->core.ts_ms);
    at = pack_number(at, DELIVERY_CLASS, record->leaf.cls);
    at = pack_bytes(at, DELIVERY_DIGESTS, record->leaf.digests, (size_t)record->leaf.n * LEAF_HASH_SIZE);
    at = part_put(at, record, TYPE_SLOT_HEADER, section_id(event->type->number, TYPE_CLASS_HEADER),
                  event->header_bytes);
    if (note)
        at = part_put(at, record, TYPE_SLOT_NOTE, section_id(event->type->number, TYPE_CLASS_NOTE), record->note_bytes);
    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0)
            at = part_put(at, record, record->slots[i], event->sections[i].id, event->sections[i].bytes);
    *ret = (struct bytes){.data = data, .len = (size_t)(at - data)};
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
