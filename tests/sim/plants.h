/*
 * plants - bugs that are planted to see that they are noticed, and by which checker
 *
 * Each stands between two production modules, linked in the place of a function (or in the simulated client), and does
 * nothing unless it is chosen.
 */
#ifndef SIM_PLANTS_H
#define SIM_PLANTS_H

#include <stdbool.h>
#include <stddef.h>

struct plant {
    const char *name, *checker, *what;
};

const struct plant *plant_at(size_t index); /* NULL past the end */
/* -ENOENT: no such bug. NULL: none. */
int plant_choose(const char *name);
bool plant_is(const char *name);

#endif
