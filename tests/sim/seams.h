/*
 * seams - where the simulation stands between the production modules: functions linked in the place of others
 *
 * Each is the production function, with a place to die before or after it, or a checker that looks on. Those with a bug
 * planted in them are in plants.h.
 */
#ifndef SIM_SEAMS_H
#define SIM_SEAMS_H

#include <stdbool.h>

/* The next commit fails, as a disk that gives an error. */
void seams_fail_commit(void);
bool seams_commit_failed(void);

#endif
