/*
 * happenings - what may happen to the families of test_worklist_histories.c: people are asked things by questions,
 * courts, meetings and their agreements, paper and mistakes; referrals are sent, answered with the next step that
 * somebody is to take, taken up by a case, sent on and ended; all of it answered, amended, recalled and confirmed,
 * often at a wrong time.
 */
#ifndef TEST_WORKLIST_HAPPENINGS_H
#define TEST_WORKLIST_HAPPENINGS_H

#include "test_core_kit.h"

#define FAMILIES 20u
#define EVERYONE 11u

extern const char *const everyone[EVERYONE]; /* the units whose lists are looked at */

extern uint64_t chance;
unsigned draw(unsigned below);

/* One thing is said; false: it was refused, or there was nothing to say. */
bool happens(struct kit *k);

#endif
