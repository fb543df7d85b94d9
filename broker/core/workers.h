/*
 * workers - the people who work on a case: main, and substitutes for a time
 *
 * From case.worker_set and case.assistant_assigned, kept as facts of the dossier (ACT_CODE_WORKER). Tasks fall to the
 * substitute of the day, then to the main worker, then to the unit, then to its head: whoever plans work asks for them
 * with the course of the case (core_course_workers).
 *
 * Threads: one at a time.
 */
#ifndef CORE_WORKERS_H
#define CORE_WORKERS_H

#include "broker/core/clocks.h"
#include "broker/core/state.h"

/* What the record says of workers, under the number where it was first said. -ENOMEM */
int workers_keep(struct core *core, const struct core_record *record, uint32_t dossier, uint64_t seq);
/*
 * Of the people of a unit who work on the family, the one on whom tasks of these roles (bits) fall today; NULL: nobody
 * is named. Lives until the next core_apply.
 */
const char *workers_on_duty(const struct core *core, const struct kin *kin, uint32_t unit, uint32_t roles,
                            bool *ret_substitute);
/* The unit of the last of those who work on the family, or will, in one of these roles; DIRECTORY_NONE: there is none.
 */
uint32_t workers_unit(const struct core *core, const struct kin *kin, uint32_t roles);
/* What was said of workers at seq is not said any more: it is said otherwise. */
void workers_take_back(struct dossiers *dossiers, uint32_t dossier, uint64_t seq);

#endif
