/*
 * asked - who was asked to do something, whoever holds the dossier
 *
 * A question, a court's request for an opinion and a safety concern ask the units that they are addressed to and that
 * may answer; a referral that is sent on asks the unit that it is sent to, for all of it or for some parts; a row of a
 * meeting's agreements asks the unit that it names as responsible: by the id or the name of the unit or of its agency,
 * or by a role that one unit of the dossier alone has ("SCH"). Only a unit that is given the row is asked by it; a text
 * that names none (the family, a neighbour) asks nobody. Kept as facts of the dossier (ACT_CODE_ASKED), under the
 * number where it was first said, so that a correction has only to take them back.
 *
 * On whom a deadline falls follows from them (clocks.h); what has no deadline is listed by core_work().
 *
 * Threads: one at a time.
 */
#ifndef CORE_ASKED_H
#define CORE_ASKED_H

#include "broker/core/state.h"

/* An upper bound of the facts that the event may leave. */
size_t asked_bound(const struct event *event, const Wici__V1__BrokerNote *note);
/* A record of the dossier, after its relations were changed. -ENOMEM */
int asked_keep(struct core *core, const struct core_record *record, uint32_t dossier);

/* Which of the record's rows or parts a clock's start stands for, as below. */
static inline unsigned
asked_item(const struct mark *start)
{
    return mark_clock(start) == CLOCK_D16 || mark_clock(start) == CLOCK_D15 ? start->item : 0;
}
/* Something in the dossier asks the unit. */
bool asked_anything(const struct dossier *dossier, uint32_t unit);
/* The unit was asked by the record of that number; item: which of its rows or parts, from 1, or 0. */
bool asked_is(const struct dossier *dossier, uint64_t seq, unsigned item, uint32_t unit);
/* Of those that were asked, but for agencies without the system, at most max; their number. taken_back: those that are
 * not asked any more, where there are any. */
size_t asked_list(const struct core *core, const struct dossier *dossier, uint64_t seq, unsigned item, bool taken_back,
                  uint32_t *ret, size_t max);
/* The unit itself where it was asked; else the first that was; CORE_UNIT_NONE: nobody was. */
uint32_t asked_unit(const struct dossier *dossier, uint64_t seq, unsigned item, uint32_t first);

#endif
