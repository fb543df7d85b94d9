/*
 * What can be after a history of two hundred families (test_core_histories.c): for each state of a referral and a case
 * the acts that must stand for it, one holder and no more, who took it once; for each deadline the records that started
 * and ended it. Fails the test where something is told that no history can leave.
 */
#ifndef TEST_CORE_POSSIBLE_H
#define TEST_CORE_POSSIBLE_H

#include "test_core_kit.h"

#define CASES          200u
#define CLOCKS_AT_ONCE 512u

struct family {
    unsigned path, next; /* the path that it follows, and its next step */
    bool erased[128];    /* its dossier of that letter: R its referral, C its case, L a letter of its own */
};

/* The history so far. Of each record, by its place: it was recalled; it went with its dossier. */
extern struct past {
    struct family families[CASES];
    bool recalled[KIT_RECORDS_MAX], gone[KIT_RECORDS_MAX];
    unsigned states, clocks; /* looked at */
} past;

/* The id of the family's dossier of that letter, or of another thing of its own; good for eight calls. */
const char *id_of(unsigned family, char what);
/* It merges two cases, and corrects nothing. */
bool is_merge(const struct event *e);

/* What every unit is told of the family's referral and case can be. */
void is_possible(struct kit *k, unsigned family);
/* So can all deadlines that the watcher "clerk" is given. */
void deadlines_are_possible(struct kit *k);

#endif
