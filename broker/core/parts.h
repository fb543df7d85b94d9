/*
 * parts - the parts of an application, each with a course of its own (CUS art. 38)
 *
 * An application names its parts by number. Each can be forwarded to another unit, which answers for it and carries it
 * out, while the holder of the whole goes on with the others. When every part that the application named has ended, the
 * referral has ended. A part is a thing (acts.h) of MACHINE_PART in the referral's dossier; its number is that of the
 * unit asked last, plus one, 0 while it is with the holder.
 *
 * Threads: one at a time.
 */
#ifndef CORE_PARTS_H
#define CORE_PARTS_H

#include "broker/core/state.h"

#define PARTS_MAX 99u /* numbers of parts, as referral.proto has them */

/* What an event says of parts; input IN_NONE: nothing. */
struct parts {
    enum input input; /* to each of them */
    size_t count;
    uint8_t at[PARTS_MAX];
};

/* unit: who publishes it (DIRECTORY_NONE: unknown): one that has only parts completes these and not the whole. */
void parts_of_event(const struct dossiers *dossiers, uint32_t dossier, uint32_t unit, uint64_t now_ms,
                    const struct event *event, struct parts *ret);
/* The unit has parts of the referral, and nothing to do with the whole. */
bool parts_only(const struct dossiers *dossiers, uint32_t dossier, uint32_t unit, uint64_t now_ms);
/* All of them were forwarded to the unit. */
bool parts_are_with(const struct dossiers *dossiers, uint32_t dossier, uint32_t unit, const struct parts *parts);

/* It was forwarded, and is not the holder's own to carry out. */
bool parts_is_elsewhere(const struct dossiers *dossiers, uint32_t dossier, unsigned no);

/* The id of a part in MACHINE_PART, and back. */
void part_ref(unsigned no, uint8_t ret[16]);
unsigned part_no(const struct thing *thing);

#endif
