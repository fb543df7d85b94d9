/* piece - see piece.h */
#include "broker/piece.h"

#include "broker/broker.h"
#include "broker/front.h"
#include "broker/session.h"
#include "broker/shown.h"

#include <time.h>

static uint64_t
now_us(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

struct piece
piece_begin(const struct broker *b)
{
    uint64_t us = now_us();

    return (struct piece){.b = b,
                          .least_us = us + SHOWN_US_MIN,
                          .most_us = us + (sessions_busy(b->sessions) ? SHOWN_US_MIN : SHOWN_US_MAX)};
}

bool
piece_is_over(const struct piece *piece)
{
    uint64_t us = now_us();

    return us >= piece->most_us || (us >= piece->least_us && front_waiting(piece->b->front));
}
