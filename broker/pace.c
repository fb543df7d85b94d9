/* pace - see pace.h */
#include "broker/pace.h"

void
pace_publish(struct pace *pace, uint64_t now_us)
{
    pace->quiet_us = now_us + PACE_PUBLISH_US;
}

bool
pace_is_on(const struct pace *pace, uint64_t now_us)
{
    return now_us < pace->quiet_us;
}

void
pace_served(struct pace *pace, uint64_t spent_us, uint64_t now_us)
{
    pace->until_us = now_us + (spent_us <= PACE_US_MAX / PACE_TIMES ? PACE_TIMES * spent_us : PACE_US_MAX);
}

uint64_t
pace_left_us(const struct pace *pace, uint64_t now_us)
{
    return pace_is_on(pace, now_us) && now_us < pace->until_us ? pace->until_us - now_us : 0;
}
