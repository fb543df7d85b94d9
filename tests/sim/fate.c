/*
 * fate - see fate.h; the generator is SplitMix64
 */
#include "tests/sim/fate.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#define WALL_START_US  1795000000000000u /* 2026-11-18 */
#define LOOK_US_MAX    40u               /* a look at a clock takes so long at most ... */
#define LOOK_SLOW_US   FATE_LOOK_US_MAX  /* ... but once in a while, when the machine is busy with something else */
#define LOOK_SLOW_EACH 64u

static uint64_t state, bytes_state, boot_us;
static int64_t wall_offset_us, offset_before_us; /* before the last step */
static uint64_t step_at_us;
static uint64_t highest_ms; /* of the wall clock, before the last step */

static uint64_t
split_mix(uint64_t *at)
{
    uint64_t z = *at += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t
fate_draw(void)
{
    return split_mix(&state);
}

uint64_t
fate_below(uint64_t n)
{
    return fate_draw() % n;
}

bool
fate_once_in(uint64_t n)
{
    return fate_below(n) == 0;
}

/* ---- libsodium */

static const char *
bytes_name(void)
{
    return "fate";
}

static uint32_t
bytes_number(void)
{
    return (uint32_t)split_mix(&bytes_state);
}

static void
bytes_fill(void *const ret, const size_t len)
{
    uint8_t *at = ret;

    for (size_t done = 0; done < len; done += 8) {
        uint64_t word = split_mix(&bytes_state);

        memcpy(at + done, &word, len - done < 8 ? len - done : 8);
    }
}

void
fate_install(void)
{
    static randombytes_implementation fate = {
        .implementation_name = bytes_name, .random = bytes_number, .buf = bytes_fill};

    (void)randombytes_set_implementation(&fate);
}

void
fate_start(uint64_t seed)
{
    state = seed;
    bytes_state = split_mix(&state);
    boot_us = 1000000u + fate_below(1000000u);
    wall_offset_us = offset_before_us = (int64_t)(WALL_START_US - boot_us);
    step_at_us = 0;
    highest_ms = 0;
}

/* ---- the clocks */

void
fate_pass(uint64_t us)
{
    boot_us += us;
}

void
fate_wall_step(int64_t ms)
{
    highest_ms = fate_wall_ms_highest();
    offset_before_us = wall_offset_us;
    wall_offset_us += ms * 1000;
    step_at_us = boot_us;
}

uint64_t
fate_wall_ms(void)
{
    return (uint64_t)((int64_t)boot_us + wall_offset_us) / 1000u;
}

uint64_t
fate_wall_ms_highest(void)
{
    return fate_wall_ms() > highest_ms ? fate_wall_ms() : highest_ms;
}

uint64_t
fate_wall_ms_ago(uint64_t ms)
{
    int64_t at = (int64_t)boot_us - (int64_t)ms * 1000;

    return (uint64_t)(at + (at < (int64_t)step_at_us ? offset_before_us : wall_offset_us)) / 1000u;
}

uint64_t
fate_boot_ms(void)
{
    return boot_us / 1000u;
}

uint64_t
fate_boot_us(void)
{
    return boot_us;
}

__typeof__(clock_gettime) __wrap_clock_gettime;

/* What every part of the program gets that asks for the time. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    uint64_t us;

    boot_us += fate_below(LOOK_SLOW_EACH) == 0 ? LOOK_SLOW_US : fate_below(LOOK_US_MAX);
    us = clock == CLOCK_REALTIME ? (uint64_t)((int64_t)boot_us + wall_offset_us) : boot_us;
    ret->tv_sec = (time_t)(us / 1000000u);
    ret->tv_nsec = (long)(us % 1000000u) * 1000;
    return 0;
}
