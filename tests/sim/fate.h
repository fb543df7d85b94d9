/*
 * fate - one seed decides everything: the numbers that are drawn, libsodium's random bytes, and what the clocks say
 *
 * The clocks are those of the program's own clock_gettime (linked in its place): they stand still but for fate_pass()
 * and a few drawn microseconds at each look, so that what is bounded by time ends at places that the seed decides.
 *
 * Threads: one. libsodium's bytes come from a stream of their own: how many the broker takes changes no draw.
 */
#ifndef SIM_FATE_H
#define SIM_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before sodium_init(). */
void fate_install(void);
/* Begins anew. */
void fate_start(uint64_t seed);

uint64_t fate_draw(void);
/* 0 to n - 1; n > 0. */
uint64_t fate_below(uint64_t n);
/* True once in n. */
bool fate_once_in(uint64_t n);

#define FATE_LOOK_US_MAX 1500u /* one look at a clock takes so long at most */

void fate_pass(uint64_t us);
/* The wall clock alone moves, as when somebody sets it. */
void fate_wall_step(int64_t ms);
uint64_t fate_wall_ms(void);
uint64_t fate_wall_ms_highest(void); /* that it has said until now */
/* What the wall clock said so many ms of boot time ago. */
uint64_t fate_wall_ms_ago(uint64_t ms);
uint64_t fate_boot_ms(void);
uint64_t fate_boot_us(void); /* without looking: no time goes by */

#endif
