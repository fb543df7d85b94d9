/*
 * A core with institutions in it, and events for it in one line each.
 *
 * Sections are written as classes with marks: "0 1@p1 6=sw,dir{'service':'IPUS'} 7!sch": class, @ subjects, = only_for,
 * ! not_to, and a body in JSON with ' for " and $C for the id that the letter C stands for, as in .dossier.
 */
#ifndef TEST_CORE_KIT_H
#define TEST_CORE_KIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "broker/core/core.h"

#define KIT_RECORDS_MAX 4096u

struct kit_record {
    struct arena *arena;
    struct event event;
    struct core_record record;
};

struct kit {
    struct core *core;
    struct core *folded; /* the same records, without the sections that core_apply says it does not look at */
    bool changed;        /* the test changed core by other means: it is not compared with folded */
    struct kit_record records[KIT_RECORDS_MAX]; /* records[i].record.seq is i + 1 */
    size_t count;
    uint32_t next_entry;
    uint64_t now_ms;
    const char *missing_document; /* of what is said next: the path of one that was not sent; NULL: none is */
};

struct kit_line {
    const char *unit; /* who publishes: "sw", or "ops:SW" when it has several roles */
    const char *type;
    char dossier;   /* 0: none */
    const char *to; /* "sw dir", "agency:cus", "agency:cus/area" */
    const char *sections;
    const char
        *header; /* more of the header, JSON fields with ' for "; "+fields|fields": of the actor first. Or NULL */
    const char *expect; /* "sw=0167 dir=016": what each unit is given; all others nothing. NULL: not asked */
};

/* The policy is loaded; an administrator "adm" of the agency "op" is there. */
void kit_create(struct kit *kit);
void kit_destroy(struct kit *kit);
void kit_agency(struct kit *kit, const char *agency);
/* roles: "SW INT" */
void kit_unit(struct kit *kit, const char *unit, const char *agency, const char *roles);

/* cus: rec sw fa dir ic ous, one role each; school: sch; court: ct; probation: kur; provider: svc; foster: fcc; and
 * gops: ops, a small office with SW INT FA DIR in one unit. */
void kit_enrol_town(struct kit *kit);

/* Applies it to core, and to folded as a restart would; kit_destroy() compares the two. */
void kit_apply(struct kit *kit, const struct core_record *record);
/* The line as the decoder judges it, by its form alone: 0, or -EBADMSG with *refusal filled. */
int kit_decode(struct kit *kit, const struct kit_line *line, struct refusal *refusal);
/* Decides, and when it is taken applies. Returns the record, or NULL with *refusal filled. */
struct kit_record *kit_try(struct kit *kit, const struct kit_line *line, struct refusal *refusal);
/* A record that the broker writes itself, or `wicid init`: applied without being decided. */
const struct kit_record *kit_own(struct kit *kit, const char *type, const char *sections);
/* Must be taken, and seen as line->expect says. */
struct kit_record *kit_say(struct kit *kit, const struct kit_line *line);
void kit_refused(struct kit *kit, const struct kit_line *line, enum error_code code, const char *path);
/* Must be refused by this rule. */
void kit_refused_by(struct kit *kit, const struct kit_line *line, enum rule rule);
/* Must be taken, with just these warnings but W_WITHHELD: "W_NO_SW W_CHAIR", in any order; "" for none. */
struct kit_record *kit_marked(struct kit *kit, const struct kit_line *line, const char *warnings);
#define KIT_MARKED(kit, warnings, ...) kit_marked(kit, &(const struct kit_line){__VA_ARGS__}, warnings)
#define KIT_REFUSED_BY(kit, rule, ...) kit_refused_by(kit, &(const struct kit_line){__VA_ARGS__}, rule)
/* Another policy is loaded. */
void kit_policy(struct kit *kit, const char *text);
#define KIT_SAY(kit, ...) kit_say(kit, &(const struct kit_line){__VA_ARGS__})

/* A unit's number, or that which stands for an external agency. */
uint32_t kit_index(const struct kit *kit, const char *id);
/* The classes of a record that the unit is given now, "0167"; "" for nothing, "-" for a header without any. */
const char *kit_seen(struct kit *kit, const char *unit, const struct kit_record *record);
void kit_expect(struct kit *kit, const struct kit_record *record, const char *expect);
bool kit_note_seen(struct kit *kit, const char *unit, const struct kit_record *record);
/* Kinds of the unit's open relations to the record's dossier but author and addressee: "participant party". */
const char *kit_relations(struct kit *kit, const char *unit, const struct kit_record *record);

/* "d0000000-0000-7000-8000-0000000000XX" for a letter; for ids in bodies. */
const char *kit_id(char letter);
const char *kit_event_id(const struct kit_record *record);

/* ---- steps that many tests begin with */

/* cmocka fixtures: a kit with the units of kit_enrol_town. */
int kit_setup(void **state);
int kit_teardown(void **state);
/* The unit has just these relations to the record's dossier. */
void kit_relations_are(struct kit *k, const char *unit, const struct kit_record *record, const char *relations);
/* The school submits a referral; a unit opens a case on the ordinary path. */
const struct kit_record *kit_referral(struct kit *k, char dossier, const char *to);
const struct kit_record *kit_open_case(struct kit *k, const char *unit, char dossier);
/* A case on the ordinary path with an assistant in it, who met the family on 2026-03-10: consent, interview, request,
 * assignment, first contact, each in its order. */
const struct kit_record *kit_active_case(struct kit *k, char dossier);
/* Header fields that name the event answered or corrected; live until the next call. */
const char *kit_answering(const struct kit_record *record);
const char *kit_correcting(const struct kit_record *record, const char *how);

#endif
