/*
 * refusals - the record of what was refused: per agency and code, the first at once, then one a minute with a count
 *
 * A refusal is noted where it is said (reply.h), whatever it answers, and counted in memory; the tick writes what is
 * due before the answers leave. So the commit that an answer waits for holds the first record of its code, and however
 * many are refused, no more than one record a minute follows. Nothing of what was refused is kept, not even a digest.
 *
 * Errors: 0 or -errno (of sequence.h). Threads: the broker's only.
 */
#ifndef BROKER_REFUSALS_H
#define BROKER_REFUSALS_H

#include "broker/sequence.h"
#include "proto/errors.h"

#define REFUSALS_PERIOD_MS 60000u
#define REFUSALS_MAX       8192u /* pairs of agency and code in one period; more are counted as agency "broker" */
#define REFUSALS_TICK_MAX  512u  /* counts written in one commit */

struct refusals;

int refusals_create(struct refusals **ret, struct store *store, struct sequence *sequence);
void refusals_destroy(struct refusals **refusals);

/* Counts one refusal to a unit of this agency. Writes nothing, and never fails: without memory the next flush does. */
void refusals_note(struct refusals *refusals, const char *agency, enum error_code code);
/* Was something noted that is to be recorded at once? */
bool refusals_are_new(const struct refusals *refusals);

/*
 * Writes the counts that are new, and those of the periods that are over, at most REFUSALS_TICK_MAX; all: of those
 * under way too. mono_ms: time since boot. *ret_more: not all of them were written, call it again after the next
 * commit. While the log has no room for events none is written, and they are kept; the end may use what is left.
 */
int refusals_flush(struct refusals *refusals, uint64_t now_ms, uint64_t mono_ms, bool all, bool *ret_more);

#endif
