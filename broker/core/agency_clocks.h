/*
 * agency_clocks - deadlines of an agency as a whole, which return for as long as it works: D8 and D9
 *
 * A clock starts by what it asks for (a summary that was presented, a meeting that was held) and is met by the next of
 * the kind in the same agency. The first of each kind starts on the day the agency's first organiser of services was
 * enrolled, and counts unless something of the kind was done by that day. Kept as marks (marks.h), a list for each
 * agency; the key of a mark is the key entry of the dossier whose record said it, 0 for a record without one.
 *
 * Pure; ownership: the lists are the struct's; threads as core.h.
 */
#ifndef CORE_AGENCY_CLOCKS_H
#define CORE_AGENCY_CLOCKS_H

#include "broker/core/deciding.h"

struct core_clock;

void agency_clocks_clear(struct agency_clocks *clocks);

/* Takes over a record, or its correction. It may say nothing of these clocks. -ENOMEM */
int agency_clocks_keep(struct core *core, const struct core_record *record);
/* A unit was enrolled by that record. Where it is its agency's first organiser, both clocks start. -ENOMEM */
int agency_clocks_enrolled(struct core *core, uint32_t unit, const struct core_record *record);
/* The dossier of that key entry was forgotten: so is what its records said. */
void agency_clocks_forget(struct agency_clocks *clocks, uint32_t entry);

/* The marks of an agency, by its number in the directory; NULL: none. */
const struct marks *agency_clocks_at(const struct core *core, uint32_t agency);
/* The clock that mark `at` of the agency starts; false: one that does not count. */
bool agency_clocks_of(const struct core *core, uint32_t agency, uint16_t at, struct core_clock *ret);

/* May the unit know of them: a director, a head, or an organiser of that agency? */
bool agency_clocks_known(const struct directory *directory, uint32_t unit, uint32_t agency);

/* The summary was presented to all whom the act names, as far as the agency has units for them. */
bool agency_clocks_presented(const struct directory *directory, uint32_t agency,
                             const Wici__V1__SysReportPresentedS0 *body);

/* The event would start one in the agency, which has as many as it can have. */
bool agency_clocks_full(const struct core *core, const struct event *event, uint32_t agency);

#endif
