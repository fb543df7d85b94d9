/*
 * clock - the broker's time, and the guard against a clock that jumps
 *
 * A wrong time in the log can never be taken back, so a jump of the wall clock of more than CLOCK_JUMP_MAX_MS against
 * the time since boot stops the broker (DESIGN: stops rather than guesses). Slow corrections are followed.
 *
 * Threads: one thread at a time.
 */
#ifndef BROKER_CLOCK_H
#define BROKER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MAX_MS  60000u
#define CLOCK_SLEEP_MAX_MS (30ull * 24 * 3600 * 1000) /* a log that was at rest for longer needs --accept-clock */

struct clock {
    int64_t offset_ms; /* wall clock less time since boot, at the last look */
    bool started;
    uint64_t now_ms;  /* wall clock, ms since 1970 */
    uint64_t mono_ms; /* time since boot */
};

/* Replaced by a test that makes the clock jump; else clock_gettime. */
extern void (*clock_now)(uint64_t *ret_wall_ms, uint64_t *ret_boot_ms);

/* Looks at the clocks. -ETIME: the wall clock jumped since the last look. */
int clock_look(struct clock *clock);

/* May a log whose last record has this time (0: none) be continued now? -ETIME: not without the operator's word. */
int clock_check_start(const struct clock *clock, uint64_t last_ms);

#endif
