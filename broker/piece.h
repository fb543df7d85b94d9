/*
 * piece - how long a piece of long work lasts, so that publishers do not wait for it
 *
 * It ends when somebody waits. Who publishes one event at a time is not seen waiting when it begins, so that is looked
 * for again; but each piece has its least time, so that the work ends, whoever comes.
 *
 * Looking at the clock costs a fraction of what a record takes, asking the door as much as several: so PIECE_LOOK
 * records lie between two looks, and PIECE_ASK_US between two questions.
 *
 * Errors: none. Threads: the broker's only.
 */
#ifndef BROKER_PIECE_H
#define BROKER_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;

#define PIECE_LOOK   8u   /* records between two looks at the clock */
#define PIECE_ASK_US 100u /* between two times that the door is asked whether somebody waits: a call of the kernel */

struct piece {
    const struct broker *b;
    uint64_t least_us, most_us, asked_us; /* of the monotonic clock */
    bool over;                            /* may be set by who finds another reason */
};

/* One that begins now. It ends not before the least time, and not after the most but for what was begun. */
struct piece piece_begin(const struct broker *b, uint64_t least_us, uint64_t most_us);
/* Once over it stays over. */
bool piece_is_over(struct piece *piece);
/* Between records: is it time to look? done: so many of a run were worked on before this one, from 0. */
bool piece_looks(size_t done);

#endif
