/*
 * ways - where the drives lead by the tables of machines.h, which are read here without the core's help
 *
 * A node is a state of the world's machine with the guards that hold there; a search goes from the world's start by all
 * drives that can be said and are not refused, the shortest way first.
 */
#ifndef TEST_CORE_WAYS_H
#define TEST_CORE_WAYS_H

#include "test_core_drives.h"

#define NODES_MAX 2048u

struct node {
    uint8_t state, before;
    uint32_t bits;
    uint16_t parent, drive; /* how it was come to; the first is its own parent */
    uint16_t depth;
};

struct search {
    const struct world *world;
    uint32_t matter; /* the bits that matter here */
    struct node nodes[NODES_MAX];
    size_t count;
};

/* The guards that hold for the drive there: those of its own, those kept, and what the state before tells. */
uint32_t ways_hold(const struct search *s, const struct node *at, const struct drive *drive);
/* The row that decides; NULL: the machine does not look at the input. */
const struct arrow *ways_first_fit(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards);
bool ways_names(enum machine_kind kind, enum input input);
/* The guards that make a difference for the input; for IN_NONE for any. */
uint32_t ways_guards(enum machine_kind kind, enum input input);

/* Fills the search. */
void ways_search(struct search *s, const struct world *world);
bool ways_can_say(const struct search *s, const struct node *from, const struct drive *drive);
/* Where the drive leads; false: it is refused, and *ret is where it was. */
bool ways_follow(const struct search *s, const struct node *from, const struct drive *drive, struct node *ret);

#endif
