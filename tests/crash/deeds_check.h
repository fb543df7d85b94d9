/*
 * deeds_check - what must be there after a power cut among deeds (deeds.h), looked at in the broker that was opened
 *
 * The checkers, by the name they give in their finding (scene.h says more of them): deeds, root, tree, digests,
 * records, holes, ids, found, ordered, documents, keys, listed, fold; and before a broker is opened: destroyed, guard;
 * and in the files: traces.
 */
#ifndef CRASH_DEEDS_CHECK_H
#define CRASH_DEEDS_CHECK_H

#include "tests/crash/deeds.h"

/* The last deed that is there; none may be there behind one that is not. */
bool deeds_found(const struct deeds *deeds, const struct bounds *bounds, uint64_t *ret_step, struct finding *ret);
/* How much of the log was acknowledged is in it, and the same. */
bool deeds_root(const struct bounds *bounds, struct finding *ret);
/* Everything, once nothing is under way any more; deed `step` is the last one. */
bool deeds_check(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret);

/* Remembers the key store with the first deeds done: of the keys that are there none is ever written anew. */
bool gone_keys_remember(const struct place *place);
/* Marks the keys that are destroyed now: whoever is told of it finds them destroyed from here on. */
void gone_keys_mark(const struct place *place);
/* While nobody has opened it: those that were marked are destroyed, and listed. */
bool gone_keys_check(const struct place *place, const struct bounds *bounds, struct finding *ret);
/* While nobody has opened it: the guard holds all that was shown as signed. */
bool guard_check(const struct place *place, const struct bounds *bounds, struct finding *ret);
/* The keys that are destroyed are those of the dossiers erased up to `step` and of their documents, and no others. */
bool gone_keys_are(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret);

/* The one section of a record of the broker's own; lives until the next call. NULL: there is none. */
const Wici__V1__Section *deeds_section(struct broker *b, uint64_t seq);

/* In no file is a text, nor the id of a dossier that is erased up to `step`, nor a key that is destroyed. */
bool deeds_traces(const struct deeds *deeds, const struct place *place, uint64_t step, struct finding *ret);

#endif
