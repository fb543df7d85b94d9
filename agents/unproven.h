/*
 * unproven - the events that wait for the proof that they are in the log, over a restart
 *
 * A list in the order of delivery, and a file (state/unproven) that holds it: what is added is appended there, and the
 * file is written anew when it has grown, or is to hold just what waits. It survives the end of the process, not a
 * power failure.
 *
 * Errors: 0 or -errno. Ownership: the list is the struct's, the directory is borrowed. Threads: one.
 */
#ifndef WICI_UNPROVEN_H
#define WICI_UNPROVEN_H

#include "proto/leaf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unproven_event {
    uint64_t seq, epoch;
    uint8_t leaf[LEAF_HASH_SIZE];
};

/* All zero, and fd -1, is one that can be closed. */
struct unproven {
    struct unproven_event *at;
    size_t count, size;
    int dir;
    int fd;       /* of the file; -1: not open for appending */
    size_t bytes; /* of it */
    bool overflow_told;
};

/* Reads what waited at the end of the last run from the directory. */
int unproven_load(struct unproven *unproven, int dir);
void unproven_close(struct unproven *unproven);

/* Adds an event. Beyond WITNESS_PENDING_MAX it is left out, which is told once. */
int unproven_add(struct unproven *unproven, uint64_t seq, uint64_t epoch, const uint8_t leaf[LEAF_HASH_SIZE]);

/* Takes count events out of the list, from that index on; the file still has them. */
void unproven_drop(struct unproven *unproven, size_t index, size_t count);
/* Makes the file hold exactly what waits. */
int unproven_write(struct unproven *unproven);

#endif
