/* times - see times.h */
#include "agents/cli/times.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_MIN 1024u

static int
times_reserve(struct times *times, size_t more)
{
    size_t size = times->size == 0 ? TIMES_MIN : times->size;
    uint32_t *grown;

    if (times->size - times->count >= more)
        return 0;
    while (size - times->count < more)
        size *= 2;
    grown = reallocarray(times->us, size, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    times->us = grown;
    times->size = size;
    return 0;
}

int
times_add(struct times *times, uint64_t us)
{
    int rc = times_reserve(times, 1);

    if (rc == 0)
        times->us[times->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    return rc;
}

int
times_join(struct times *times, const struct times *other)
{
    int rc = times_reserve(times, other->count);

    if (rc != 0 || other->count == 0)
        return rc;
    memcpy(times->us + times->count, other->us, other->count * sizeof *times->us);
    times->count += other->count;
    return 0;
}

static int
us_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void
times_sort(struct times *times)
{
    if (times->count > 0)
        qsort(times->us, times->count, sizeof *times->us, us_compare);
}

uint32_t
times_percentile(const struct times *times, unsigned percent)
{
    assert(times->count > 0);
    assert(percent >= 1 && percent <= 100);
    return times->us[(times->count * percent + 99) / 100 - 1];
}

void
times_free(struct times *times)
{
    free(times->us);
    *times = (struct times){.us = NULL};
}
