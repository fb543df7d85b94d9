/*
 * dossier - the dossiers: what is kept of each, and how it is found. relations.h says who has which relation to it,
 * groups.h what ties it to others
 *
 * A relation is an interval of the log: [from_seq, until_seq], both ends included, until_seq 0 while it is open; some
 * also end at a date. A dossier merged with others shares the later changes of its relations with them.
 *
 * Small on purpose (docs/LIMITS.md: 512 bytes for an ordinary dossier): persons and dates are kept beside, by number.
 *
 * Errors: 0 or -ENOMEM. Ownership: all of it is the struct's; a pointer into it lives until the next dossiers_add().
 * Threads: one at a time.
 */
#ifndef CORE_DOSSIER_H
#define CORE_DOSSIER_H

#include "broker/core/acts.h"
#include "broker/core/directory.h"
#include "broker/core/marks.h"
#include "broker/core/strings.h"
#include "proto/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOSSIER_NONE UINT32_MAX
#define WHO_ANY      UINT32_MAX

enum relation_kind {
    RELATION_AUTHOR,
    RELATION_ADDRESSEE,
    RELATION_HOLDER,
    RELATION_PENDING,
    RELATION_OFFICE, /* of an agency: its DIR and HEAD units, on IPUS also OUS */
    RELATION_PARTICIPANT,
    RELATION_REFERRER,
    RELATION_INVITEE,
    RELATION_PROVIDER,
    RELATION_PARTY,
    RELATION_SUCCESSOR, /* carries on elsewhere: is given the history, up to its acceptance */
    RELATION_KIND_COUNT
};

enum link_kind {
    LINK_REFERRAL_OF,
    LINK_MERGED_INTO,
    LINK_SIBLING,
    LINK_PREVIOUS,
    LINK_CONTINUED_FROM,
    LINK_KIND_COUNT
};

#define RELATION_OBLIGES 1u /* party: the order obliges the family */
#define RELATION_SHARED  2u /* come by a merge: of another dossier of the group */
#define RELATION_ORDERED 4u /* party: an order made it one, and its revocation ends that */
#define RELATION_OPENING 8u /* covers its dossier from the opening; from_seq says when it was opened */

#define DOSSIER_IPUS              1u
#define DOSSIER_ADDRESS_PROTECTED 2u
#define DOSSIER_PATH_IPUS         4u  /* case.opened said path IPUS */
#define DOSSIER_OUTSIDE           16u /* an external agency has or had a relation to it */
#define DOSSIER_RECALLS           8u  /* something in it was entered in error */

struct relation {
    uint64_t from_seq, until_seq;
    uint32_t who;   /* a unit; of RELATION_OFFICE an agency */
    uint32_t about; /* a set of persons, dossiers_about(); 0: none named */
    uint32_t extra; /* in dossiers.extras; 0: none */
    uint8_t kind, flags;
    uint16_t left; /* of an author: acts and marks that its events left; of an addressee: records that addressed it and
                      stand; counted as far as it goes */
};

/* What few relations have. */
struct relation_extra {
    uint8_t ref[16]; /* meeting or IPUS */
    uint64_t until_ms;
    uint64_t opened_seq; /* the record that opened it, where it begins elsewhere; 0: from_seq */
    uint64_t taken_back; /* what lies before this record was given by mistake, and is given no more; 0: nothing */
};

struct dossier_link {
    uint32_t other;
    uint8_t kind;
};

struct dossier {
    uint8_t id[16];
    uint64_t opened_seq, opened_ms;
    struct relation *relations;
    struct dossier_link *links;
    uint16_t relation_count, relation_cap;
    uint16_t link_count, link_cap;
    uint32_t entry;
    uint32_t opener;     /* unit */
    uint32_t group_next; /* ring of merged dossiers; itself when alone */
    uint32_t things;     /* the newest one, THING_NONE */
    struct act *acts;    /* in the order of the log */
    struct marks marks;  /* what its deadlines are worked out from */
    uint16_t act_count, act_cap;
    uint16_t folded; /* while acts_fold() runs: how many it has taken */
    struct matter matter;
    uint8_t kind; /* enum type_opens */
    uint8_t flags;
};

struct dossiers {
    struct dossier *at;
    uint32_t count, cap;
    uint32_t forgotten; /* of these: have entry 0, no id, and stand for nothing */
    uint32_t *slots;    /* hash table by id */
    uint32_t slot_mask;
    uint32_t *by_entry; /* DOSSIER_NONE: none */
    uint32_t entry_cap;
    struct strings persons;
    uint32_t *about; /* sets: a count, then that many numbers of persons; 0 is the empty set */
    uint32_t about_len, about_cap;
    struct relation_extra *extras; /* 0 is the one that says nothing */
    uint32_t extra_count, extra_cap;
    struct things things;
};

int dossiers_init(struct dossiers *dossiers);
void dossiers_clear(struct dossiers *dossiers);

/* DOSSIER_NONE: unknown. */
uint32_t dossiers_find(const struct dossiers *dossiers, const uint8_t id[16]);
uint32_t dossiers_by_entry(const struct dossiers *dossiers, uint32_t entry);
int dossiers_add(struct dossiers *dossiers, const uint8_t id[16], uint32_t entry, enum type_opens kind, uint64_t seq,
                 uint64_t ts_ms, uint32_t opener, uint32_t *ret);

/* How many there are that were not forgotten (groups.h). */
uint32_t dossiers_known(const struct dossiers *dossiers);

/* The number in `about` of a set of texts. -ENOMEM */
int dossiers_set(struct dossiers *dossiers, const char *const *texts, size_t count, uint32_t *ret);

/* "REFERRAL", "CASE", "MEETING", "LETTER" */
const char *dossier_kind_name(const struct dossier *dossier);

/* Makes a list of one dossier that long. -ENOMEM: there is no room, or it is far longer than decide lets in. */
int dossier_list_room(void **list, uint32_t cap, size_t size);

#endif
