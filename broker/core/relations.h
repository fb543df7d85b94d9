/*
 * relations - who takes part in a dossier, as what, and from which record until which
 *
 * What is opened or ended in a dossier is so in all that are merged with it (groups.h): there it is marked as
 * shared.
 *
 * Errors: 0 or -ENOMEM. Threads: one at a time.
 */
#ifndef CORE_RELATIONS_H
#define CORE_RELATIONS_H

#include "broker/core/dossier.h"

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
/* Ends at seq the open parties that orders made, in the group. Whom the court's requests made one stays one. */
void dossiers_end_ordered(struct dossiers *dossiers, uint32_t dossier, uint64_t seq);
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
const char *relation_name(enum relation_kind kind);

/* ---- for groups.c */

/* The number in `extras` of what few relations have, kept once where it is the newest; 0: nothing. ref may be NULL. */
int relation_extra(struct dossiers *dossiers, const uint8_t *ref, uint64_t until_ms, uint64_t opened_seq,
                   uint32_t *ret);
/* Opens it in that dossier alone, unless one that is open says the same. */
int relation_add(struct dossiers *dossiers, struct directory *directory, struct dossier *dossier,
                 const struct relation *wanted);
/* Of the same unit, as the same, about the same. */
bool relation_says_same(const struct dossiers *dossiers, const struct relation *a, const struct relation *b);

#endif
