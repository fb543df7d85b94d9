/*
 * refusals - the record of what was refused: per agency and code, the first at once, then one a minute with a count
 *
 * Nothing of what was refused is kept, not even a digest.
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

int refusals_create(struct refusals **ret, struct sequence *sequence);
void refusals_destroy(struct refusals **refusals);

/* Notes one refusal to a unit of this agency; writes the record if it is the first of its period. mono_ms: time since
 * boot. */
int refusals_note(struct refusals *refusals, const char *agency, enum error_code code, uint64_t now_ms,
                  uint64_t mono_ms);

/* Writes the counts of the periods that are over, at most REFUSALS_TICK_MAX; all: of those under way too. *ret_more:
 * not all of them were written, call it again after the next commit. */
int refusals_flush(struct refusals *refusals, uint64_t now_ms, uint64_t mono_ms, bool all, bool *ret_more);

#endif
