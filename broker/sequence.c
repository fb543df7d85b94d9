/*
 * sequence - see sequence.h
 */
#include "broker/sequence.h"
#include "broker/checkpoint.h"

#include "proto/document.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE 4096u
#define OWN_SIZE  (EVENT_SIZE_MAX + EVENT_HEADER_MAX)

struct sequence {
    struct store *store;
    struct core *core;
    struct documents *documents; /* NULL: there are none */
    sequence_fn *appended;
    void *arg;
    struct arena *event_arena; /* records kept, then the event being taken */
    size_t kept;               /* how much of it is kept */
    struct arena *named_arena; /* the events it names, and an earlier one with its id */
    uint32_t spare_entry;      /* taken from the store and not used yet; 0: none */
    uint8_t pool[POOL_SIZE];   /* random bytes; each is used once */
    size_t pool_left;
    struct record current, cause, corrected;
    uint8_t note[EVENT_NOTE_MAX];
    uint8_t own[OWN_SIZE];
};

/* A system call for each seed would cost more than hashing the event. */
static void
random_take(struct sequence *sequence, uint8_t *ret, size_t len)
{
    assert(len <= POOL_SIZE);
    if (sequence->pool_left < len) {
        randombytes_buf(sequence->pool, sizeof sequence->pool);
        sequence->pool_left = sizeof sequence->pool;
    }
    sequence->pool_left -= len;
    memcpy(ret, sequence->pool + sequence->pool_left, len);
    sodium_memzero(sequence->pool + sequence->pool_left, len); /* a seed is kept in its sealed record only */
}

int
sequence_create(struct sequence **ret, struct store *store, struct core *core, struct documents *documents,
                sequence_fn *appended, void *arg)
{
    struct sequence *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return -ENOMEM;
    s->store = store;
    s->core = core;
    s->documents = documents;
    s->appended = appended;
    s->arg = arg;
    if ((rc = arena_create(&s->event_arena, SEQUENCE_KEEP_MAX + DECODE_ARENA_SIZE)) != 0 ||
        (rc = arena_create(&s->named_arena, DECODE_ARENA_SIZE)) != 0)
        goto out;
    *ret = s;
    s = NULL;
out:
    sequence_destroy(&s);
    return rc;
}

void
sequence_destroy(struct sequence **sequence)
{
    if (*sequence == NULL)
        return;
    arena_destroy(&(*sequence)->event_arena);
    arena_destroy(&(*sequence)->named_arena);
    sodium_memzero(*sequence, sizeof **sequence);
    free(*sequence);
    *sequence = NULL;
}

static int
refuse(struct refusal *refusal, enum error_code code, const char *path)
{
    refusal_set(refusal, code, path);
    return -EACCES;
}

/* The table of ids led to a record: is it the one of that id? */
static int
id_check(struct sequence *s, const struct store_row *row, const uint8_t id[16])
{
    struct record record;
    int rc;

    arena_reset(s->named_arena);
    rc = record_load(&record, row, s->named_arena, false);
    if (rc == 0 && memcmp(record.event.event_id, id, sizeof record.event.event_id) != 0)
        rc = store_damaged(s->store, row->seq, "the id table has it under another id");
    return rc;
}

/* The event is in the log already: the same answer again, or a refusal that tells nothing (-EACCES). */
static int
repeat_answer(struct sequence *s, uint32_t unit, const struct event *event, uint64_t seq, unsigned how,
              struct arena *reply, struct answer *ret)
{
    struct store_row row;
    struct core_unit asker;
    Wici__V1__BrokerNote *note = NULL;
    uint16_t ids[EVENT_SECTIONS_MAX];
    uint8_t slots[EVENT_SECTIONS_MAX];
    int rc = store_read_pending(s->store, seq, &row);

    if (rc != 0)
        return rc;
    if (row.erased)
        return refuse(&ret->refusal, E_ERASED, "header.eventId");
    core_unit(s->core, unit, &asker);
    if (!record_is_same(&row, event) || strcmp(event->header->actor->agency, asker.agency) != 0) {
        rc = id_check(s, &row, event->event_id);
        return rc != 0 ? rc : refuse(&ret->refusal, E_ID_REUSE, "header.eventId");
    }
    for (size_t i = 0; i < row.part_count; i++) {
        if (row.parts[i].slot != TYPE_SLOT_NOTE)
            continue;
        note = wici__v1__broker_note__unpack(arena_allocator(reply), row.parts[i].len, row.parts[i].body);
        if (note == NULL)
            return -EBADMSG;
    }
    for (size_t i = 0; i < event->section_count; i++)
        ids[i] = event->sections[i].id;
    rc = event_slots(event->type, ids, event->section_count, row.seed, slots);
    assert(rc == 0); /* record_is_same did the same */
    rc = record_receipt(event, &row.leaf, row.seed, slots, note, how | RECEIPT_AGAIN, reply, &ret->receipt);
    if (rc == 0 && s->documents != NULL && event->has_dossier && strcmp(event->header->actor->unit, asker.id) == 0)
        rc = documents_bind(s->documents, unit, row.entry, event); /* what its first coming was too early for */
    return rc;
}

/* What the log holds about an event that this one names; *ret NULL: nothing. */
static int
named_find(struct sequence *s, const char *id_text, struct record *record, struct core_named *named,
           const struct core_named **ret)
{
    struct store_row row;
    uint8_t id[16];
    uint64_t seq;
    int rc;

    *ret = NULL;
    if (id_text[0] == '\0' || uuid_parse(id_text, id) != 0)
        return 0;
    rc = store_id_find(s->store, id, &seq);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0)
        rc = store_read_pending(s->store, seq, &row);
    if (rc == 0)
        rc = record_load(record, &row, s->named_arena, true);
    if (rc == -ENOENT)
        return 0; /* erased: as if it had never been */
    if (rc == 0 && memcmp(record->event.event_id, id, sizeof id) != 0)
        rc = store_damaged(s->store, seq, "the id table has it under another id");
    if (rc != 0)
        return rc;
    *named = (struct core_named){.seq = record->core.seq,
                                 .entry = record->core.entry,
                                 .ts_ms = record->core.ts_ms,
                                 .event = &record->event,
                                 .note = record->core.note};
    *ret = named;
    return 0;
}

int
sequence_entry(struct sequence *sequence, uint32_t *ret_entry)
{
    int rc = 0;

    if (sequence->spare_entry == 0)
        rc = store_key_take(sequence->store, &sequence->spare_entry);
    *ret_entry = sequence->spare_entry;
    sequence->spare_entry = 0;
    return rc;
}

/* Header, note and sections, each in its slot. Returns how many. */
static size_t
parts_fill(struct leaf_part parts[LEAF_SLOTS_MAX], const struct event *event, const uint8_t *slots, const uint8_t *note,
           size_t note_len)
{
    size_t count = 0;
    uint32_t type = event->type->number;

    parts[count++] = (struct leaf_part){.slot = TYPE_SLOT_HEADER,
                                        .section_id = section_id(type, TYPE_CLASS_HEADER),
                                        .len = (uint32_t)event->header_bytes.len,
                                        .body = event->header_bytes.data};
    if (note_len > 0)
        parts[count++] = (struct leaf_part){.slot = TYPE_SLOT_NOTE,
                                            .section_id = section_id(type, TYPE_CLASS_NOTE),
                                            .len = (uint32_t)note_len,
                                            .body = note};
    for (size_t i = 0; i < event->section_count; i++)
        parts[count++] = (struct leaf_part){.slot = slots[i],
                                            .section_id = event->sections[i].id,
                                            .len = (uint32_t)event->sections[i].bytes.len,
                                            .body = event->sections[i].bytes.data};
    return count;
}

/* The room of the event taken before, unless that is kept. */
static void
event_room(struct sequence *s)
{
    arena_rewind(s->event_arena, s->kept);
}

const struct record *
sequence_keep(struct sequence *s)
{
    const struct record *copy = arena_used(s->event_arena) > SEQUENCE_KEEP_MAX
                                    ? NULL
                                    : record_copy(&s->current, s->event_arena);

    if (copy != NULL)
        s->kept = arena_used(s->event_arena);
    return copy;
}

void
sequence_release(struct sequence *s)
{
    s->kept = 0;
}

static enum leaf_class
class_of(uint32_t type)
{
    if (type == WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED)
        return LEAF_ERASURE_INTENDED;
    if (type == WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE)
        return LEAF_ERASURE_DONE;
    return log_keys_reads(type) ? LEAF_KEY : LEAF_EVENT;
}

/* Appends s->current.event, decided so, and applies it. decision->entry: where its content is sealed. */
static int
event_append(struct sequence *s, const struct core_decision *decision, uint64_t ts_ms)
{
    struct record *r = &s->current;
    const struct event *event = &r->event;
    struct leaf_part parts[LEAF_SLOTS_MAX];
    uint16_t ids[EVENT_SECTIONS_MAX];
    size_t note_len = decision->note_len;
    struct store_record row = {.leaf_class = (uint8_t)class_of(event->type->number),
                               .n = event->type->slots,
                               .ts_ms = ts_ms,
                               .seed = r->seed,
                               .event_id = event->event_id,
                               .entry = decision->entry,
                               .parts = parts};
    uint64_t seq;
    int rc;

    assert(note_len <= sizeof s->note); /* the core bounds what it resolves */
    if (note_len > 0)
        (void)wici__v1__broker_note__pack(decision->note, s->note);
    r->note_bytes = (struct bytes){.data = note_len > 0 ? s->note : NULL, .len = note_len};
    random_take(s, r->seed, LEAF_SEED_SIZE);
    for (size_t i = 0; i < event->section_count; i++)
        ids[i] = event->sections[i].id;
    rc = event_slots(event->type, ids, event->section_count, r->seed, r->slots);
    assert(rc == 0); /* event_decode refuses an event with too many sections */
    row.part_count = parts_fill(parts, event, r->slots, s->note, note_len);
    rc = store_append(s->store, &row, &seq, &r->leaf);
    if (rc != 0)
        return rc;
    r->core = (struct core_record){.seq = seq,
                                   .ts_ms = ts_ms,
                                   .entry = event->has_dossier ? decision->entry : 0,
                                   .event = event,
                                   .note = note_len > 0 ? decision->note : NULL};
    rc = core_apply(s->core, &r->core);
    if (rc == 0)
        rc = s->appended(s->arg, r);
    return rc;
}

/* Who confirms a recall names it as the cause; what it recalls is asked for too. */
static const char *
corrected_id(const struct event *event, const struct core_named *cause)
{
    if (event->type->number == WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED && cause != NULL)
        return cause->event->header->corrects_event_id;
    return event->header->corrects_event_id;
}

/* What the event names and nobody has sent. *ret_names: it names documents at all, which few do. */
static int
documents_look(struct sequence *s, uint32_t unit, const struct event *event, struct core_command *command,
               bool *ret_names)
{
    struct document_walk first = {.section = 0};

    *ret_names = s->documents != NULL && event->has_dossier && document_next(event, &first);
    if (!*ret_names)
        return 0;
    return documents_missing(s->documents, unit, core_dossier_for(s->core, unit, event->dossier_id), event,
                             s->event_arena, &command->missing_document);
}

/* Decides and appends s->current.event. -EACCES: refused. */
static int
event_take(struct sequence *s, uint32_t unit, uint64_t now_ms, unsigned how, struct arena *reply, struct answer *ret)
{
    struct record *r = &s->current;
    const struct event *event = &r->event;
    uint64_t last_ms = store_last_ms(s->store);
    struct core_command command = {
        .now_ms = now_ms > last_ms ? now_ms : last_ms, .seq = store_next(s->store), .unit = unit, .event = event};
    struct core_decision decision = {.entry = 0};
    struct core_named cause, corrected;
    bool names_documents;
    int rc;

    if ((rc = named_find(s, event->header->causation_id, &s->cause, &cause, &command.cause)) != 0 ||
        (rc = named_find(s, corrected_id(event, command.cause), &s->corrected, &corrected, &command.corrected)) != 0)
        return rc;
    rc = documents_look(s, unit, event, &command, &names_documents);
    if (rc == -ENOMEM)
        return refuse(&ret->refusal, E_INTERNAL, "");
    if (rc != 0)
        return rc;
    if (event->type->opens != OPENS_NOTHING && s->spare_entry == 0) {
        rc = store_key_take(s->store, &s->spare_entry);
        if (rc == -ENOSPC)
            s->spare_entry = 0; /* the core answers E_FULL if it needs one */
        else if (rc != 0)
            return rc;
    }
    command.fresh_entry = s->spare_entry;
    rc = core_decide(s->core, &command, s->event_arena, &decision, &ret->refusal);
    if (rc == -ENOMEM)
        return refuse(&ret->refusal, E_INTERNAL, ""); /* nothing was changed; no event of allowed size comes here */
    if (rc != 0)
        return rc;
    if (decision.opens)
        s->spare_entry = 0;
    rc = event_append(s, &decision, command.now_ms);
    if (rc == 0 && names_documents)
        rc = documents_bind(s->documents, unit, decision.entry, event);
    if (rc == 0)
        rc = record_receipt(event, &r->leaf, r->seed, r->slots, decision.note, how, reply, &ret->receipt);
    sodium_memzero(r->seed, sizeof r->seed);
    return rc;
}

/* The id of an event that does not decode, as far as it can be made out: its sender looks for it in the answer. */
static void
id_guess(struct sequence *s, const Wici__V1__Event *sent, char ret[37])
{
    Wici__V1__Header *header;
    uint8_t id[16];

    if (sent->header.len > EVENT_HEADER_MAX)
        return;
    event_room(s);
    header = wici__v1__header__unpack(arena_allocator(s->event_arena), sent->header.len, sent->header.data);
    if (header != NULL && uuid_parse(header->event_id, id) == 0)
        uuid_format(id, ret);
}

int
sequence_take(struct sequence *s, uint32_t unit, const Wici__V1__Event *sent, uint64_t now_ms, bool bare,
              struct arena *reply, struct answer *ret)
{
    struct bytes header = {.data = sent->header.data, .len = sent->header.len}, sections[EVENT_SECTIONS_MAX];
    struct event *event = &s->current.event;
    unsigned how = bare ? RECEIPT_BARE : 0;
    uint64_t seq;
    int rc;

    ret->event_id[0] = ret->refusal.path[0] = '\0';
    ret->receipt = (struct bytes){.data = NULL};
    ret->refusal.code = E_NONE;
    ret->refusal.rule = RULE_NONE;
    event_room(s);
    arena_reset(s->named_arena);

    if (sent->n_sections > EVENT_SECTIONS_MAX) {
        rc = refuse(&ret->refusal, E_SECTION, "sections");
        goto out;
    }
    for (size_t i = 0; i < sent->n_sections; i++)
        sections[i] = (struct bytes){.data = sent->sections[i].data, .len = sent->sections[i].len};
    rc = event_decode(event, header, sections, sent->n_sections, s->event_arena, &ret->refusal);
    if (rc == -EBADMSG || rc == -ENOMEM) {
        if (ret->refusal.code == E_NONE)
            (void)refuse(&ret->refusal, E_DECODE, "");
        rc = -EACCES;
        goto out;
    }
    if (rc != 0)
        goto out;
    uuid_format(event->event_id, ret->event_id);
    rc = store_id_find(s->store, event->event_id, &seq);
    if (rc == 0) {
        rc = repeat_answer(s, unit, event, seq, how, reply, ret);
    } else if (rc == -ENOENT) {
        if (event->event_id_ms > now_ms + EVENT_AHEAD_MS_MAX)
            rc = refuse(&ret->refusal, E_ID, "header.eventId");
        else
            rc = event_take(s, unit, now_ms, how, reply, ret);
    }
out:
    if (rc != -EACCES)
        return rc;
    if (ret->event_id[0] == '\0')
        id_guess(s, sent, ret->event_id);
    return 0;
}

int
sequence_own(struct sequence *s, Wici__V1__Section *body, uint32_t entry, uint64_t now_ms)
{
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    uint64_t last_ms = store_last_ms(s->store), ts_ms = now_ms > last_ms ? now_ms : last_ms;
    char id_text[37], time_text[TIME_TEXT_SIZE], broker[] = "broker";
    uint8_t id[16], random[10];
    struct bytes header_bytes, section_bytes;
    struct core_decision own = {.entry = entry}; /* with nothing to note */
    int rc;

    random_take(s, random, sizeof random);
    uuid7_make(ts_ms, random, id);
    uuid_format(id, id_text);
    time_format(ts_ms, time_text);
    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    actor.agency = actor.unit = broker;
    actor.role = WICI__V1__ROLE__BRK;
    header.event_id = id_text;
    header.type = (Wici__V1__EventType)((uint32_t)body->body_case / 10u);
    header.occurred_at = time_text;
    header.actor = &actor;

    header_bytes.data = s->own;
    header_bytes.len = wici__v1__header__get_packed_size(&header);
    section_bytes.data = s->own + header_bytes.len;
    section_bytes.len = wici__v1__section__get_packed_size(body);
    if (header_bytes.len + section_bytes.len > sizeof s->own)
        return -EMSGSIZE;
    (void)wici__v1__header__pack(&header, s->own);
    (void)wici__v1__section__pack(body, s->own + header_bytes.len);

    event_room(s);
    rc = event_decode_stored(&s->current.event, header_bytes, &section_bytes, 1, s->event_arena);
    if (rc != 0)
        return rc;
    rc = event_append(s, &own, ts_ms);
    sodium_memzero(s->current.seed, sizeof s->current.seed);
    return rc;
}
