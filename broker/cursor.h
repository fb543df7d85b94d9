/*
 * cursor - the durable places of subscriptions
 *
 * Errors: 0 or -errno of the store: latch; others are named. Threads: the broker's only.
 */
#ifndef BROKER_CURSOR_H
#define BROKER_CURSOR_H

#include "broker/broker.h"

/* Ties a stream to the unit's cursor of that name: it resumes after the stored place, or begins at start.
 *   -EEXIST   the cursor has another filter
 *   -ENOBUFS  CURSORS_PER_UNIT_MAX */
int cursor_attach(struct broker *b, struct reader *reader, const char *name, uint64_t start);

/* The stream that uses this cursor now, or NULL. */
struct reader *cursor_reader(struct broker *b, uint32_t unit, const char *name);

/* reader->acked has moved: to be written. */
void cursor_touch(struct broker *b, struct reader *reader);
/* Writes one stream's place into the open batch, if it has moved. */
int cursor_write(struct broker *b, struct reader *reader);
/* Writes all that have moved. */
int cursors_write(struct broker *b);

#endif
