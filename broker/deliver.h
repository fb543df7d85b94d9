/*
 * deliver - hands out what is committed, each reader at its own pace
 *
 * The log is the queue. A stream at the head (LIVE) is served from the tick's own records, which were kept in memory
 * when they were applied and whose audience the core named then. A stream that is behind, or has no credit, keeps
 * nothing but its position, and goes on from there: units take turns, each turn is small, and the whole is bounded by
 * the time a tick may spend.
 *
 * Whatever the way, one function decides what a unit is given of a record: core_view, at the time it is given.
 *
 * Errors: 0 or -errno: latch. A peer's trouble is no error: its session is marked as gone. Threads: the broker's only.
 */
#ifndef BROKER_DELIVER_H
#define BROKER_DELIVER_H

#include "broker/broker.h"
#include "broker/record.h"

#define DELIVER_TURN_MAX   64u /* records looked at in one turn */
#define POSITIONS_EVERY_MS 1000u

/* A record was applied: notes which units may want it once it is committed. A sequence_fn; arg is the broker. */
int deliver_note(void *arg, const struct record *record);

/* Serves the streams at the head from what was committed since the last call. */
int deliver_live(struct broker *b);

/* Serves those that are behind, for about most_us; or for about least_us, if then somebody waits at the door. */
int deliver_serve(struct broker *b, uint64_t least_us, uint64_t most_us);

/* Tells subscriptions that moved on without a delivery where they stand; called every POSITIONS_EVERY_MS. */
int deliver_positions(struct broker *b);

/* Tries again those whose peers' queues were full. */
int deliver_retry(struct broker *b);

#endif
