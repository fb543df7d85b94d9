/*
 * dossier - the dossiers, and who has which relation to them
 *
 * A relation is an interval of the log: [from_seq, until_seq], both ends included, until_seq 0 while it is open; some
 * also end at a date. A dossier merged with others shares the later changes of its relations with them.
 *
 * Small on purpose (docs/LIMITS.md: 512 bytes for an ordinary dossier): persons and dates are kept beside, by number.
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

/* What is to be opened. */
struct relation_spec {
    enum relation_kind kind;
    uint32_t who;
    uint64_t from_seq;
    bool from_opening;   /* covers each dossier from its own opening */
    uint64_t opened_seq; /* the record that opens it, where that is not from_seq; 0: from_seq, or it does not matter */
    const char *const *about;
    size_t about_count;
    const uint8_t *ref; /* 16 bytes or NULL */
    uint64_t until_ms;
    uint8_t flags;
};

int dossiers_init(struct dossiers *dossiers);
void dossiers_clear(struct dossiers *dossiers);

/* DOSSIER_NONE: unknown. */
uint32_t dossiers_find(const struct dossiers *dossiers, const uint8_t id[16]);
uint32_t dossiers_by_entry(const struct dossiers *dossiers, uint32_t entry);
int dossiers_add(struct dossiers *dossiers, const uint8_t id[16], uint32_t entry, enum type_opens kind, uint64_t seq,
                 uint64_t ts_ms, uint32_t opener, uint32_t *ret);

/*
 * Forgets a dossier: its id, relations, acts and things, and that others were linked with it. Its number is not given
 * again; nothing finds it, and what took effect in other dossiers stays until the state is made anew.
 */
void dossiers_forget(struct dossiers *dossiers, struct directory *directory, uint32_t dossier);
/* How many there are that were not forgotten. */
uint32_t dossiers_known(const struct dossiers *dossiers);

/* The number in `about` of a set of texts. -ENOMEM */
int dossiers_set(struct dossiers *dossiers, const char *const *texts, size_t count, uint32_t *ret);
/* Opens a relation in a dossier and all that are merged with it; one that says the same and is open is kept, where the
 * same record opened it: a recall of one of two must not take what the other gave. */
int dossiers_open(struct dossiers *dossiers, struct directory *directory, uint32_t dossier,
                  const struct relation_spec *spec);
/* The unit's event left so many more acts and marks in the dossier. */
void dossiers_count_left(struct dossiers *dossiers, uint32_t dossier, uint32_t unit, size_t more);
/* Ends at seq (which they still get) the open relations of that kind, who (WHO_ANY) and ref (NULL: any), in the group.
 */
void dossiers_end(struct dossiers *dossiers, uint32_t dossier, enum relation_kind kind, uint32_t who,
                  const uint8_t *ref, uint64_t seq);
/* Ends the office of each agency none of whose units holds or pends any more. */
void dossiers_end_offices(struct dossiers *dossiers, const struct directory *directory, uint32_t dossier, uint64_t seq);
/*
 * Undoes what the record at `seq` did to the relations of the dossier's group, as a recall at now_seq says: what it
 * opened ends (but nobody stops being an author, and the opener goes on holding what he opened), and gives nothing any
 * more of the time before that record; what it ended goes on unless what opened it was recalled too, and up to where
 * something later ended it. What another record opened as well stays; an addressee is one for as long as anything in
 * the group that was not recalled addresses it. Acts are recalled before. -ENOMEM
 */
int dossiers_undo(struct dossiers *dossiers, const struct directory *directory, uint32_t dossier, uint64_t seq,
                  uint64_t now_seq);
/* Merges the groups of two dossiers: each gets the other's open relations from from_seq on. */
int dossiers_merge(struct dossiers *dossiers, struct directory *directory, uint32_t a, uint32_t b, uint64_t from_seq);
/* Copies the open relations of one kind. */
int dossiers_copy(struct dossiers *dossiers, struct directory *directory, uint32_t from, uint32_t to,
                  enum relation_kind kind, uint64_t from_seq);
/* Both ways; once. */
int dossiers_link(struct dossiers *dossiers, uint32_t a, uint32_t b, enum link_kind kind);
/* Takes the link of record linked_seq back, at seq: merged dossiers part, and what they shared ends where it was not
 * their own (but for addressees: addressed_end), and gives nothing any more of the time before the link. Where nobody
 * holds them then, who held them last by themselves holds them again. -ENOMEM */
int dossiers_unlink(struct dossiers *dossiers, uint32_t a, uint32_t b, enum link_kind kind, uint64_t linked_seq,
                    uint64_t seq);
void dossiers_flag(struct dossiers *dossiers, uint32_t dossier, uint8_t flags);
bool dossiers_same_group(const struct dossiers *dossiers, uint32_t a, uint32_t b);
uint32_t dossiers_group_size(const struct dossiers *dossiers, uint32_t dossier);

/* An open relation of that kind and unit (or agency); WHO_ANY. */
bool dossiers_has_open(const struct dossiers *dossiers, uint32_t dossier, enum relation_kind kind, uint32_t who,
                       const uint8_t *ref, uint64_t now_ms);

/* It covers, or covered, the record: what was taken back since counts. */
bool relation_covers(const struct dossiers *dossiers, const struct relation *relation, uint64_t seq, uint64_t ts_ms);
/* The record is of what was given by mistake, and is given no more. */
bool relation_took_back(const struct dossiers *dossiers, const struct relation *relation, uint64_t seq);
/* What lies before `seq` is given no more. -ENOMEM */
int relation_take_back(struct dossiers *dossiers, struct relation *relation, uint64_t seq);
/* The record that opened it; of several the first. */
uint64_t relation_opened_seq(const struct dossiers *dossiers, const struct relation *relation);
bool relation_is_open(const struct dossiers *dossiers, const struct relation *relation, uint64_t now_ms);
/* The unit has a role of those who see what is their agency's office's in this dossier. */
bool dossier_is_for_office(const struct directory *directory, const struct dossier *dossier, uint32_t unit);
/* One of the agency's units holds it or has to answer. */
bool dossier_is_served_by(const struct dossier *dossier, const struct directory *directory, uint32_t agency);
/* The relation is the unit's, or its agency's office and the unit has an office's role. */
bool relation_is_of(const struct directory *directory, const struct dossier *dossier, const struct relation *relation,
                    uint32_t unit);
/* "REFERRAL", "CASE", "MEETING", "LETTER" */
const char *dossier_kind_name(const struct dossier *dossier);
const char *relation_name(enum relation_kind kind);
const char *link_name(enum link_kind kind);
/* LINK_KIND_COUNT: no such word. */
enum link_kind link_by_name(const char *name);

#endif
