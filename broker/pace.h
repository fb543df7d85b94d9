/*
 * pace - how much of the time those who catch up get while somebody publishes
 *
 * A record that is handed out costs its reader and libzmq's thread more time than it costs the loop. Readers at full
 * speed want all processors, and a publisher's answer then waits for its turn on one of them: a few milliseconds, for a
 * commit of a few tenths. So while somebody publishes, what went to readers that are behind is followed by a pause, in
 * which they sleep. When nobody has published for PACE_PUBLISH_US there are no pauses.
 *
 *     served for s us | pause: PACE_TIMES * s, at most PACE_US_MAX | served ...
 *
 * So nobody starves: of the time in which nothing else is to be done, readers that are behind keep one part in
 * PACE_TIMES + 1 or more; and once a tick takes longer than PACE_US_MAX, there is no pause that would show.
 *
 * Time comes with each call, in microseconds of one clock that does not go back. Threads: one at a time.
 */
#ifndef BROKER_PACE_H
#define BROKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_PUBLISH_US 50000u /* one who waits for each answer, and is that far away, publishes */
#define PACE_TIMES      3u
#define PACE_US_MAX     1000u

/* All zero at first. */
struct pace {
    uint64_t quiet_us; /* from then on nobody publishes */
    uint64_t until_us; /* the pause's end */
};

/* Somebody published. */
void pace_publish(struct pace *pace, uint64_t now_us);
/* Does somebody publish? */
bool pace_is_on(const struct pace *pace, uint64_t now_us);
/* Readers that are behind were served for spent_us, until now. */
void pace_served(struct pace *pace, uint64_t spent_us, uint64_t now_us);
/* How long until they may be served again; 0: now. */
uint64_t pace_left_us(const struct pace *pace, uint64_t now_us);

#endif
