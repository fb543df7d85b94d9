/*
 * event - one event, decoded and checked against the registry
 *
 * event_decode() turns the bytes a publisher sent into a view, or says which field is wrong. It checks what can be
 * seen from the event alone: encoding, sizes, formats, declared classes, mandatory fields, ids. Who may send it, and
 * when, is the broker core's matter.
 *
 * Ownership: a view borrows the bytes it was made from and the arena; both must outlive it.
 * Threads: any, each with its own arena.
 */
#ifndef WICI_EVENT_H
#define WICI_EVENT_H

#include "arena.h"
#include "errors.h"
#include "limits.h"
#include "types.h"

#include "wici/v1/event.pb-c.h"
#include "wici/v1/wire.pb-c.h"

struct bytes {
    const uint8_t *data;
    size_t len;
};

struct event_section {
    struct bytes bytes;           /* as published */
    Wici__V1__Section *section;   /* decoded */
    const ProtobufCMessage *body; /* the body's message; never NULL */
    uint16_t id;                  /* section id */
    uint8_t cls;                  /* 0 to 7 */
};

struct event {
    const struct type_info *type;
    struct bytes header_bytes;
    Wici__V1__Header *header;
    uint8_t event_id[16];
    uint8_t dossier_id[16]; /* all zero: belongs to no dossier */
    bool has_dossier;
    uint64_t event_id_ms; /* time inside the UUIDv7; 0 of version 8 */
    uint64_t occurred_ms;
    size_t section_count;
    struct event_section sections[EVENT_SECTIONS_MAX];
};

/*
 * Decodes header and sections and checks all of it. On success returns 0 and fills *ret. On failure returns -EBADMSG
 * and fills *refusal: E_DECODE, E_SIZE, E_TYPE, E_ID, E_FIELD, E_SECTION, E_PERSONAL_DATA with the field's path in JSON
 * names ("header.actor.unit", "sections[2].caseOpenedS0.openedOn").
 */
int event_decode(struct event *ret, struct bytes header, const struct bytes *sections, size_t section_count,
                 struct arena *arena, struct refusal *refusal);

/* Decodes without judging: for what is in the log already. -EBADMSG: these bytes are damaged, or of a type or section
 * that this build does not know. */
int event_decode_stored(struct event *ret, struct bytes header, const struct bytes *sections, size_t section_count,
                        struct arena *arena);

/*
 * Checks any message of ours against the registry, field by field, path being the JSON path of the message itself
 * ("" for the root). Does not look at mandatory fields of section bodies, which count over all sections of a class.
 */
int event_check_message(const ProtobufCMessage *message, const char *path, struct refusal *refusal);

/* The JSON name of a class's body: "caseOpenedS6". The type has that class. */
const char *event_body_name(const struct event *event, unsigned cls);

/* The body of the first section of class cls, or NULL. Cast it to the type's generated struct. */
const ProtobufCMessage *event_body(const struct event *event, unsigned cls);

/*
 * Assigns each section its slot in the leaf: the first of a class has the type's fixed slot, the others take the tail
 * slots in an order drawn from the seed. slots[i] belongs to sections[i]. Same input, same slots, for ever.
 * Returns -E2BIG when the type has not that many slots (event_decode refuses such an event with E_SECTION).
 */
int event_slots(const struct type_info *type, const uint16_t *section_ids, size_t count, const uint8_t seed[32],
                uint8_t *slots);

/* -EINVAL: not the 36 characters of a lower-case UUID. */
int uuid_parse(const char *text, uint8_t ret[16]);
void uuid_format(const uint8_t id[16], char ret[37]);
/* A version 7 id out of a time and 10 random bytes. */
void uuid7_make(uint64_t ms, const uint8_t random[10], uint8_t ret[16]);

/* RFC 3339 with a zone, from 1970 on. -EINVAL: not such a time. */
int time_parse(const char *text, uint64_t *ret_ms);
/* "2026-03-01T08:30:00.000Z" */
#define TIME_TEXT_SIZE 32u
void time_format(uint64_t ms, char ret[TIME_TEXT_SIZE]);

#endif
