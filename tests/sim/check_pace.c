/*
 * check_pace - the pauses of those who catch up (broker/pace.h), as the ticks give them: see check.h
 *
 * The broker looks at its clock before each turn and after it, so that the turn seen here is never longer than the one
 * that it measures, and what it must wait is never longer than what it thinks.
 */
#include "tests/sim/check.h"

#include "broker/pace.h"
#include "tests/sim/fate.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <string.h>

static struct {
    uint64_t quiet_us; /* from then on nobody publishes; 0: nobody has */
    uint64_t begun_us, ended_us;
    uint64_t turns, turns_before; /* of which the tick before knew */
} seen;

void
check_pace_clear(void)
{
    memset(&seen, 0, sizeof seen);
}

void
check_pace_published(void)
{
    seen.quiet_us = sim_broker->tick_us + PACE_PUBLISH_US;
}

void
check_pace_turn(void)
{
    uint64_t spent = seen.ended_us - seen.begun_us, now = fate_boot_us();
    uint64_t pause = spent * PACE_TIMES < PACE_US_MAX ? spent * PACE_TIMES : PACE_US_MAX;

    if (seen.turns > 0 && now < seen.quiet_us && now < seen.ended_us + pause)
        sim_fail("pace",
                 "somebody publishes, and those who catch up have their next turn after %" PRIu64 " us, not %" PRIu64,
                 now - seen.ended_us, pause);
    seen.begun_us = now;
}

void
check_pace_turn_over(void)
{
    seen.ended_us = fate_boot_us();
    seen.turns++;
}

void
check_pace_tick(void)
{
    uint64_t tick_us = sim_broker->tick_us;

    if (seen.turns == seen.turns_before && tick_us >= seen.quiet_us)
        sim_fail("pace", "nobody publishes, and those who catch up wait");
    if (seen.turns == seen.turns_before && tick_us >= seen.ended_us + FATE_LOOK_US_MAX + PACE_US_MAX)
        sim_fail("pace", "those who catch up wait for %" PRIu64 " us", tick_us - seen.ended_us);
    seen.turns_before = seen.turns;
}
