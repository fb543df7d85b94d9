/*
 * clock - see clock.h
 */
#include "broker/clock.h"

#include <errno.h>
#include <time.h>

static uint64_t
ms_of(const struct timespec *ts)
{
    return (uint64_t)ts->tv_sec * 1000u + (uint64_t)ts->tv_nsec / 1000000u;
}

static void
clock_now_real(uint64_t *ret_wall_ms, uint64_t *ret_boot_ms)
{
    struct timespec wall = {0}, boot = {0};

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    *ret_wall_ms = ms_of(&wall);
    *ret_boot_ms = ms_of(&boot);
}

void (*clock_now)(uint64_t *ret_wall_ms, uint64_t *ret_boot_ms) = clock_now_real;

int
clock_look(struct clock *clock)
{
    int64_t offset, jump;

    clock_now(&clock->now_ms, &clock->mono_ms);
    offset = (int64_t)clock->now_ms - (int64_t)clock->mono_ms;
    jump = clock->started ? offset - clock->offset_ms : 0;
    clock->offset_ms = offset;
    clock->started = true;
    return jump > (int64_t)CLOCK_JUMP_MAX_MS || jump < -(int64_t)CLOCK_JUMP_MAX_MS ? -ETIME : 0;
}

int
clock_check_start(const struct clock *clock, uint64_t last_ms)
{
    if (last_ms == 0)
        return 0;
    /* Small corrections backwards are followed while running, so a restart must follow them too. */
    if (clock->now_ms + CLOCK_JUMP_MAX_MS < last_ms || clock->now_ms > last_ms + CLOCK_SLEEP_MAX_MS)
        return -ETIME;
    return 0;
}
