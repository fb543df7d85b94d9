/*
 * types - the registry of event types: what an event of each type may and must hold
 *
 * The tables are made at build time from the options in proto/wici/v1/, the one home of the registry.
 * All pointers lead to constant data that lives as long as the program. Threads: any.
 */
#ifndef WICI_TYPES_H
#define WICI_TYPES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TYPE_CLASSES      8u /* S0 to S7 */
#define TYPE_CLASS_HEADER 8u /* last digit of the section id of a header: slot 0 */
#define TYPE_CLASS_NOTE   9u /* ... and of the broker's own section: slot 1 */
#define TYPE_SLOT_HEADER  0u
#define TYPE_SLOT_NOTE    1u
#define TYPE_SYS_FIRST    900u /* sys.* types have numbers above this one */

enum type_opens { OPENS_NOTHING, OPENS_REFERRAL, OPENS_CASE, OPENS_MEETING, OPENS_LETTER };

enum field_format {
    FIELD_ANY,
    FIELD_ID,
    FIELD_UUID,
    FIELD_UUID7,
    FIELD_DATE,
    FIELD_TIME,
    FIELD_CODE,
    FIELD_LINE,
    FIELD_TEXT,
    FIELD_SHA256,
    FIELD_GMINA,
    FIELD_MEDIA_TYPE,
    FIELD_KEY
}; /* the numbers of Format in options.proto */

struct message_info;

/* What options.proto says of one field; name and kind are in the protobuf-c descriptor. */
struct field_info {
    uint32_t number;
    enum field_format format;
    bool required;
    uint32_t max;                       /* bytes of a string, or the largest integer; 0 none said */
    uint32_t max_count;                 /* elements of a repeated field; 0 none said */
    const char *codes;                  /* FIELD_CODE: words separated by one space; else NULL */
    const char *json;                   /* lowerCamelCase name */
    const char *pl, *en;                /* labels */
    const struct message_info *message; /* of a message field; else NULL */
};

/* One message type and the extra facts about its fields, in the order of desc->fields. */
struct message_info {
    const ProtobufCMessageDescriptor *desc;
    const struct field_info *fields;
};

struct type_info {
    uint32_t number;       /* EventType */
    const char *name;      /* "referral.submitted" */
    const char *family;    /* "referral" */
    const char *enum_name; /* "REFERRAL_SUBMITTED", as JSON spells it */
    const char *pl, *en;
    uint8_t slots;   /* n: digests in the leaf, 4, 8, 16 or 32 */
    uint8_t classes; /* bit c set: sections of class c are declared */
    uint8_t either;  /* bits: of these classes one is enough; 0 none */
    enum type_opens opens;
    uint8_t slot[TYPE_CLASSES];                    /* fixed slot of the first section of a class; 0 not declared */
    const struct message_info *body[TYPE_CLASSES]; /* NULL where the class is not declared */
};

/* NULL: no such type. */
const struct type_info *type_by_number(uint32_t number);
const struct type_info *type_by_name(const char *name);
const struct type_info *type_at(size_t index); /* in ascending order of number; NULL past the end */
size_t type_count(void);

/* The extra facts of a message of ours, by its protobuf-c descriptor; NULL: none of ours. */
const struct message_info *message_info(const ProtobufCMessageDescriptor *desc);
/* Has it a field that must be there? */
bool message_has_required(const struct message_info *message);

/* Section ids: ten times the type's number, plus the class (or TYPE_CLASS_HEADER, TYPE_CLASS_NOTE). */
static inline uint16_t
section_id(uint32_t type, unsigned cls)
{
    return (uint16_t)(type * 10u + cls);
}

/* Roles, in the order and with the numbers of enum Role; the words are those of DOMAIN and of JSON ("SW"). */
#define ROLE_COUNT 23u                /* with ROLE_UNSPECIFIED at 0 */
const char *role_name(unsigned role); /* "SW"; NULL: no such role */
const char *role_label(unsigned role, bool pl);
unsigned role_by_name(const char *name); /* 0: no such role */

#endif
