/*
 * directory - the agencies, units and keys that were enrolled
 *
 * A projection of sys.901 to sys.906. Agencies and units share one name space, so that a name in only_for, not_to or
 * a provider's field is never ambiguous. Nothing is ever taken out: what an old record names stays known.
 *
 * Errors: 0 or -ENOMEM. Ownership: the directory copies what it is given. Pointers handed out live until the next
 * directory_* that changes. Threads: one at a time.
 */
#ifndef CORE_DIRECTORY_H
#define CORE_DIRECTORY_H

#include "broker/core/strings.h"
#include "proto/arena.h"
#include "proto/limits.h"
#include "wici/v1/sys.pb-c.h"
#include "wici/v1/wire.pb-c.h"

#include <stdbool.h>

#define DIRECTORY_NONE UINT32_MAX

struct numbers {
    uint32_t *at;
    uint32_t count, cap;
};
/* -ENOMEM */
int numbers_add(struct numbers *numbers, uint32_t number);
/* Ascending, each once. */
void numbers_sort(struct numbers *numbers);
/* Adds to an ascending list, unless it is there. -ENOMEM */
int numbers_put(struct numbers *numbers, uint32_t number);
/* Takes it out of an ascending list, if it is there. */
void numbers_remove(struct numbers *numbers, uint32_t number);
/* Of an ascending list; takes the same steps whether the number is there or not. */
bool numbers_has(const struct numbers *numbers, uint32_t number);
void numbers_clear(struct numbers *numbers);

struct agency {
    uint32_t name;                           /* its id in directory.names */
    Wici__V1__SysAgencyEnrolledS0 *enrolled; /* one of the two */
    Wici__V1__SysExternalEnrolledS0 *external;
    struct numbers units;
    struct numbers entries; /* key entries of the dossiers its offices see or saw, ascending */
};

struct unit {
    uint32_t name;
    uint32_t agency;
    uint32_t roles; /* bit r: has enum Role r */
    bool suspended;
    bool outside; /* stands in for an external agency, whose name it has: no unit (broker/core/outside.h) */
    Wici__V1__SysUnitEnrolledS0 *enrolled;
    uint32_t keys[KEYS_PER_UNIT_MAX]; /* in directory.keys; DIRECTORY_NONE: free */
    struct numbers entries;           /* key entries of the dossiers it has or had a relation to, ascending */
    struct numbers told;              /* ... and of those in which the note of a record names it without one */
};

struct key {
    uint32_t unit;
    uint64_t until_ms; /* 0: no end; valid before it */
};

struct owner {
    bool is_unit;
    uint32_t index;
};

struct directory {
    struct strings names; /* ids of agencies and units */
    struct owner *owners; /* by number in names */
    uint32_t owner_cap;
    struct agency *agencies;
    uint32_t agency_count, agency_cap;
    struct unit *units;
    uint32_t unit_count, unit_cap;
    uint32_t outside_count; /* of them stand in for external agencies */
    struct strings key_text;
    struct key *keys; /* by number in key_text */
    uint32_t key_cap;
    struct numbers watchers; /* units with the role AUD or ADM */
    uint64_t version;
};

void directory_clear(struct directory *directory);

int directory_add_agency(struct directory *directory, const Wici__V1__SysAgencyEnrolledS0 *body);
int directory_add_external(struct directory *directory, const Wici__V1__SysExternalEnrolledS0 *body);
int directory_add_unit(struct directory *directory, const Wici__V1__SysUnitEnrolledS0 *body);
/* The unit's older keys end at until_ms. A key slot whose key has ended by now_ms is used again. */
int directory_add_key(struct directory *directory, uint32_t unit, const char *key, uint64_t until_ms, uint64_t now_ms);
void directory_suspend(struct directory *directory, uint32_t unit, bool suspended);

/* DIRECTORY_NONE: no such unit, agency. */
uint32_t directory_unit(const struct directory *directory, const char *id);
uint32_t directory_agency(const struct directory *directory, const char *id);
/* A unit, or the stand-in of an external agency: whatever an event may be for. DIRECTORY_NONE: neither. */
uint32_t directory_addressee(const struct directory *directory, const char *id);
bool directory_knows(const struct directory *directory, const char *id);
bool directory_key_valid(const struct key *key, uint64_t now_ms);
const char *directory_unit_id(const struct directory *directory, uint32_t unit);
const char *directory_agency_id(const struct directory *directory, uint32_t agency);
/* The agency, external or not, is of that kind ("COURT"), among others. */
bool directory_is_of_kind(const struct directory *directory, uint32_t agency, const char *kind);
const char *directory_unit_agency_id(const struct directory *directory, uint32_t unit);
/* Who stands in for a unit that does not act: the nearest unit above it with the role DIR or HEAD that is not
 * suspended, else such a director's unit of its agency. DIRECTORY_NONE: there is none besides it. */
uint32_t directory_head(const struct directory *directory, uint32_t unit);
bool directory_names(const struct directory *directory, uint32_t unit,
                     const char *id); /* id is the unit or its agency */
unsigned directory_active_admins(const struct directory *directory);

#endif
