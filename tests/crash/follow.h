/*
 * follow - the reader of deeds (deeds.h), following by a durable cursor in a broker whose power is cut (scene.h,
 * follow)
 *
 *     follow_begin ... follow_take, follow_ack ... follow_end
 *
 * What it is given, and what it acknowledges, is marked at the moment at which it leaves. So of any state that a cut
 * left it is known how far the cursor may have come at most, and what has to be told of as shown.
 *
 * Errors: 0 or -errno, those of serve.h. Threads: one.
 */
#ifndef CRASH_FOLLOW_H
#define CRASH_FOLLOW_H

#include "tests/crash/deeds.h"

/* Subscribes at the broker that is open, unless it has; *ret_from is the first record that may come. */
int follow_begin(uint64_t *ret_from);
/* The broker is gone. */
void follow_end(void);

/* Waits until it was given that record. */
int follow_take(uint64_t seq);
/* Acknowledges all that it was given. */
int follow_ack(void);
/* What it was given and has acknowledged, and what of it is on disk once the broker has come to its end. */
void follow_bounds(struct bounds *ret);

/* Deed k is about to be done: who has acknowledged before will find that on disk once it is. */
void follow_before(const struct deeds *deeds, uint64_t k);
/* Deed k is done: it is taken, and some of what was taken is acknowledged. */
int follow_deed(const struct deeds *deeds, uint64_t k);

/* Puts the checkers "cursors", "accounted" and "follows" (scene.h) to the broker that is open, before anything is done
 * with it. */
bool follow_check(const struct deeds *deeds, const struct bounds *bounds, struct finding *ret);

#endif
