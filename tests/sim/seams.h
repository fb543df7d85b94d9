/*
 * seams - where the simulation stands between the production modules: functions linked in the place of others
 *
 * Each is the production function, with a place to die before or after it, a checker that looks on, or a planted bug.
 */
#ifndef SIM_SEAMS_H
#define SIM_SEAMS_H

#include <stdbool.h>
#include <stddef.h>

/* Bugs that are planted to see that they are noticed, and the checker that has to notice each. */
struct plant {
    const char *name, *checker, *what;
};
const struct plant *plant_at(size_t index); /* NULL past the end */
/* -ENOENT: no such bug. NULL: none. */
int plant_choose(const char *name);
bool plant_is(const char *name);

/* The next commit fails, as a disk that gives an error. */
void seams_fail_commit(void);
bool seams_commit_failed(void);

#endif
