/*
 * outbox_look - which files in outbox are finished, in the order in which they are taken
 *
 * Files are looked at in the order of their names. One is finished when it has not changed for settle_ms, or its writer
 * closed it, and its JSON ends; one whose JSON breaks off is, when it has stayed so for half_ms. Names that begin with
 * a dot or do not end in ".json" are not the agent's.
 *
 * Times are of one steady clock. Errors: 0 or -errno. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_OUTBOX_LOOK_H
#define WICI_OUTBOX_LOOK_H

#include "agents/agent_config.h"

#include <stddef.h>
#include <stdint.h>

#define OUTBOX_LOOK_MAX 256u /* names looked at in one go; the rest has its turn when these are gone */

struct looks;

/* dir: the folder outbox, open. -ENOMEM */
int looks_open(struct looks **ret, int dir, const struct agent_config *config);
void looks_close(struct looks **looks);

/* inotify saw the writer close or rename this file. */
void looks_closed(struct looks *looks, const char *name, uint64_t now_ms);
/* Looks the folder through: when all that was seen is taken, something new was told, or poll_ms have gone. */
int looks_update(struct looks *looks, uint64_t now_ms);

/* Files seen and not taken. */
size_t looks_count(const struct looks *looks);
/* The first of them, when it is finished; else NULL, and those behind it wait with it. Lives until it is dropped. */
const char *looks_ready(struct looks *looks, uint64_t now_ms);
/* The first was taken. */
void looks_drop(struct looks *looks);

#endif
