/*
 * outbox_delivery - has the addressee fetched what we sent?
 *
 * For each sent event with addressees, sent/NAME.delivery.json says which of the addressed units has fetched it, and
 * how long the others have not been reading. It is refreshed in rounds, a few events at a time, until all have fetched
 * it, delivery_days are over, or the sent file was moved away.
 *
 * Errors: 0 or -errno. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_OUTBOX_DELIVERY_H
#define WICI_OUTBOX_DELIVERY_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"

#define DELIVERY_STEP_MAX 8u /* questions in one go */

struct delivery {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    uint64_t next_ms; /* when the next round begins */
    char after[64];   /* within a round: the last one asked about */
};

/* One step at now_ms of a steady clock. Returns 1: the round goes on; 0: it is over, or not due; or -errno. */
int delivery_run(struct delivery *delivery, uint64_t now_ms);

#endif
