/*
 * outside - agencies without the system: what is due to them on paper, and what was delivered
 *
 * An external agency has no key. In the directory a stand-in takes the place of its unit: with the roles of the
 * agency's kinds, the agency's own name, and nobody who could connect. Relations, views and audience treat it as any
 * unit, so what is due to the agency is cut as for one of its kind. The unit that serves it publishes its letters
 * (actor.on_behalf_of), counts in them as the agency, and prints what is due; by that it is given no more itself.
 *
 * What a record leaves for a stand-in to be told is a fact of the dossier (ACT_CODE_DUE), until sys.delivered_outside.
 * Whether anything of it is for the agency at all is core_view's to say, of the record and the time it is printed.
 *
 * Threads: one at a time.
 */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "broker/core/state.h"

/* The external agency that the unit acts for in this event, as its stand-in; else the unit. */
uint32_t outside_acting(const struct directory *directory, uint32_t unit, const struct event *event);
/* The unit serves that external agency: its stand-in; DIRECTORY_NONE: it does not, or there is none. */
uint32_t outside_served(const struct directory *directory, uint32_t unit, const char *agency);

/* An upper bound of the facts that a record may leave, but for those whom it brings into the dossier. */
size_t outside_bound(const struct core *core, const Wici__V1__BrokerNote *note, uint32_t dossier);
/* A record of the dossier, after its relations were changed. -ENOMEM */
int outside_keep(struct core *core, const struct core_record *record, uint32_t dossier);

enum outside_state { OUTSIDE_NOT_DUE, OUTSIDE_DUE, OUTSIDE_DELIVERED };
enum outside_state outside_find(const struct dossiers *dossiers, uint32_t dossier, uint32_t stand_in, uint64_t seq);
/* It was delivered on that day. */
int outside_deliver(struct core *core, uint32_t dossier, uint32_t stand_in, uint64_t seq, int32_t day);

#endif
