/*
 * tombs - which of the records without content an erasure names
 *
 * An erasure names its records in the record of its intent (sys.erasure_intended, leaf class 1; docs/AUDIT.md), which
 * comes after all of them. In a log that was put back from an older copy it comes only when a broker starts on it; till
 * then the list of destroyed keys beside the guard (erased.h) tells. What is missing and named by neither is a finding.
 *
 * Errors: 0 or -errno. Threads: one.
 */
#ifndef STORE_TOMBS_H
#define STORE_TOMBS_H

#include "store/store.h"

/* By what it is known that a record's content was erased. */
enum tomb { TOMB_NONE, TOMB_LIST, TOMB_RECORD };

struct tombs {
    uint64_t *missing; /* ascending */
    enum tomb *named;  /* of the same place */
    size_t count, size;
};

/* A record whose content is gone; they come in ascending order. listed: the list of destroyed keys names its key. */
int tombs_missing(struct tombs *tombs, uint64_t seq, bool listed);
/* A record with its content, of whatever class: what it names counts, when it comes before it. -EBADMSG: it is an
 * intent, and makes no sense */
int tombs_take(struct tombs *tombs, const struct store_row *row);
/* The first that no erasure names; 0: there is none. */
uint64_t tombs_first(const struct tombs *tombs);
/* How many only the list names. */
size_t tombs_listed(const struct tombs *tombs);
void tombs_free(struct tombs *tombs);

#endif
