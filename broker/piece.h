/*
 * piece - how long a piece of long work lasts, so that publishers do not wait for it
 *
 * It ends when somebody waits. Who publishes one event at a time is not seen waiting when it begins, so that is looked
 * for again; but each piece has its least time, so that the work ends, whoever comes.
 */
#ifndef BROKER_PIECE_H
#define BROKER_PIECE_H

#include <stdbool.h>
#include <stdint.h>

struct broker;

struct piece {
    const struct broker *b;
    uint64_t least_us, most_us; /* of the monotonic clock: it ends not before the one, and not behind the other */
};

/* One that begins now: SHOWN_US_MIN to SHOWN_US_MAX long, and no longer than the least while sessions are busy. */
struct piece piece_begin(const struct broker *b);
bool piece_is_over(const struct piece *piece);

#endif
