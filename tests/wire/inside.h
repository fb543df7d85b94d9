/*
 * inside - a town whose broker runs in a thread of the test, so that the test holds its clocks
 *
 * Everything else is as in kit.h: a real log, a real socket, peers that speak frame by frame.
 */
#ifndef WIRE_INSIDE_H
#define WIRE_INSIDE_H

#include "tests/wire/kit.h"

struct inside;

/* Makes log and town, and starts the broker. more: as daemon_create. */
void inside_create(struct inside **ret, const char *more);
void inside_destroy(struct inside **inside);
/* The two as cmocka's fixtures: *state is the inside. */
int inside_setup(void **state);
int inside_teardown(void **state);
struct town *inside_town(struct inside *inside);

/* Starts it again after inside_stop; returns what broker_open did. */
int inside_start(struct inside *inside, bool accept_clock);
/* Ends it as SIGTERM would; returns what broker_run did. */
int inside_stop(struct inside *inside);
/* Waits until it ends by itself, and fails when it does not; returns what broker_run did. */
int inside_wait(struct inside *inside);

struct broker;
/* Called in inside_stop, when the broker has said its last and is not closed yet; once. */
void inside_at_end(struct inside *inside, void (*look)(struct broker *));

/* Keeps the broker from taking what arrives, until it may go on: then one tick takes all of it. */
void inside_hold(void);
void inside_go(void);

/* Moves the wall clock and the time since boot, at once. */
void inside_wall(int64_t ms);
void inside_boot(int64_t ms);
uint64_t inside_now_ms(void); /* the wall clock as the broker sees it */
/* Lets time go by: both. */
void inside_pass(int64_t ms);
/* Once the broker has looked at its clock next, so much time goes by and it is ended as by SIGTERM, within that tick.
 * Called while it is held; inside_wait then waits for the end. */
void inside_end_after_look(struct inside *inside, int64_t ms);

#endif
