/* piece - see piece.h */
#include "broker/piece.h"

#include "broker/broker.h"
#include "broker/front.h"

#include <time.h>

static uint64_t
now_us(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

struct piece
piece_begin(const struct broker *b, uint64_t least_us, uint64_t most_us)
{
    uint64_t us = now_us();

    return (struct piece){.b = b, .least_us = us + least_us, .most_us = us + most_us};
}

bool
piece_is_over(struct piece *piece)
{
    uint64_t us = now_us();

    if (us >= piece->least_us && us - piece->asked_us >= PIECE_ASK_US) {
        piece->asked_us = us;
        piece->over = piece->over || front_waiting(piece->b->front);
    }
    piece->over = piece->over || us >= piece->most_us;
    return piece->over;
}

bool
piece_looks(size_t done)
{
    return done % PIECE_LOOK == PIECE_LOOK - 1;
}
