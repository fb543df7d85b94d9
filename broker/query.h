/*
 * query - what all who answer questions need: a refusal, a record that the asker may see
 *
 * Errors: -EACCES: refused, see *refusal; any other -errno: latch. Ownership: texts lie in the arena, records where
 * they were read into. Threads: the broker's only.
 */
#ifndef BROKER_QUERY_H
#define BROKER_QUERY_H

#include "broker/broker.h"
#include "broker/record.h"

/* Fills the refusal; returns -EACCES. */
int query_refuse(struct refusal *refusal, enum error_code code, const char *path);

/* Reads a committed record that this unit is given something of, into the broker's row arena; E_UNKNOWN for all others,
 * whether they exist or not. */
int query_record(struct broker *b, uint32_t unit, uint64_t seq, struct store_slice *slice, struct record *ret,
                 struct core_view *view, struct refusal *refusal, const char *path);
/* The same of an event, by its id. */
int query_event(struct broker *b, uint32_t unit, const char *event_id, struct store_slice *slice, struct record *ret,
                struct core_view *view, struct refusal *refusal, const char *path);

/* What the record corrects or takes back, read into the arena. *ret_is false: nothing, or that was erased. -ENOBUFS. */
int query_corrected(const struct record *record, struct store_slice *slice, struct arena *arena, struct record *ret,
                    bool *ret_is);
/*
 * A number for what places within dossiers are counted in, in the lists that are asked for page by page: another one
 * after an erasure, which takes acts and marks out of other dossiers, too, and after each start. Never 0. How many
 * erasures there were, of whatever dossiers, does not show in it.
 */
uint64_t query_lists_made(const struct broker *b);
/* RFC 3339, in the arena; NULL when it is used up. */
char *query_time(struct arena *arena, uint64_t ms);

#endif
