/*
 * copier - the process that copies for a backup (broker/backup.h), in turn with a broker that is recorded
 *
 * It is a child of the test and runs the production's code. Before each of its calls that change a file it waits until
 * it may go on, and what it did is noted in the recorder (disk.h) as if it had been done here. Broker and copier are
 * never at work at once, so that a run is the same each time, and a cut may fall between any two calls of either.
 *
 * Errors: what cannot go on ends the process. Threads: one.
 */
#ifndef CRASH_COPIER_H
#define CRASH_COPIER_H

#include <stdbool.h>
#include <stdint.h>

/* For the broker that is opened next, whose files lie below dir; the steps follow from the seed. */
void copier_start(const char *dir, uint64_t seed);
/* The one under way, if there is one, makes none or some of its calls. */
void copier_step(void);

/* Called when one begins; NULL: nothing is. For bugs that tests plant. */
extern void (*copier_begins)(const char *label);

#endif
