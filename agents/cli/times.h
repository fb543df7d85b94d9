/*
 * times - how long each of many things took, and the percentiles of that
 *
 * Microseconds, kept one by one: a percentile is a time that was measured, not an estimate.
 *
 * Ownership: whoever has a struct times frees what it holds with times_free(). Threads: one at a time.
 */
#ifndef WICI_CLI_TIMES_H
#define WICI_CLI_TIMES_H

#include <stddef.h>
#include <stdint.h>

struct times { /* {NULL} is an empty one */
    uint32_t *us;
    size_t count, size;
};

/* Takes one in; longer than 71 minutes counts as that. -ENOMEM: it is not in. */
int times_add(struct times *times, uint64_t us);
/* Takes all of another's in. -ENOMEM: none of them is in. */
int times_join(struct times *times, const struct times *other);
/* Puts them in order. */
void times_sort(struct times *times);
/* Of sorted times, the smallest that at least `percent` of 100 of them do not exceed (the nearest rank): 50 the median,
 * 100 the longest. There must be one, and percent be 1 to 100. */
uint32_t times_percentile(const struct times *times, unsigned percent);
void times_free(struct times *times);

#endif
