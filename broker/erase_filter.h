/*
 * erase_filter - readers and cursors by whose filters an erased dossier is still named
 *
 * A filter goes on, and names zeros where it named the dossier: its id must not come back into the log or stay in
 * memory. The packed filter keeps its length, so that a row of the store that holds one is not moved.
 *
 * Errors: 0 or -errno: latch. Threads: the broker's only.
 */
#ifndef BROKER_ERASE_FILTER_H
#define BROKER_ERASE_FILTER_H

#include "broker/broker.h"

/* Of what a client sends: what it names and was erased is named no more. Changes the strings in place. */
void erase_filter(const struct broker *b, Wici__V1__Filter *filter);

/* After the state has forgotten the dossiers: all readers' filters, and bounded reads that have collected something are
 * refused with E_BUSY, as it may be of them. */
void erase_readers_stop(struct broker *b);

/* The filters of all durable cursors, in the open batch. */
int erase_cursors_blank(struct broker *b);

#endif
