/*
 * query - what the files that answer questions share
 *
 * A function that answers fills the result, in the broker's reply arena. It returns 0, -EACCES (refused, see
 * *refusal), -ENOBUFS (more than one answer holds), or another -errno: latch.
 */
#ifndef BROKER_QUERY_H
#define BROKER_QUERY_H

#include "broker/broker.h"
#include "broker/record.h"

/* Fills the refusal; returns -EACCES. */
int query_refuse(struct refusal *refusal, enum error_code code, const char *path);

/* Reads a committed record that this unit is given something of; E_UNKNOWN for all others, whether they exist or not.
 */
int query_record(struct broker *b, uint32_t unit, uint64_t seq, struct store_slice *slice, struct record *ret,
                 struct core_view *view, struct refusal *refusal, const char *path);
/* The seq of an event id; E_UNKNOWN. */
int query_seq(struct broker *b, const char *event_id, uint64_t *ret, struct refusal *refusal, const char *path);

/* RFC 3339, in the arena; NULL when it is used up. */
char *query_time(struct arena *arena, uint64_t ms);

/* ---- query_event.c */

/* What a unit is shown of an event, section by section, and why. */
int explain_fill(struct broker *b, uint32_t unit, const Wici__V1__Explain *asked, struct store_slice *slice,
                 Wici__V1__QueryResult *result, struct refusal *refusal);
/* Who of those that an own event was addressed to has fetched it. */
int fetched_fill(struct broker *b, uint32_t unit, const Wici__V1__FetchedQuery *asked, struct store_slice *slice,
                 Wici__V1__QueryResult *result, struct refusal *refusal);

/* ---- query_course.c */

/* The dossiers linked with one. */
int group_fill(struct broker *b, uint32_t unit, const char *text, Wici__V1__QueryResult *result,
               struct refusal *refusal);
int courses_fill(struct broker *b, uint32_t unit, const Wici__V1__CoursesQuery *asked, Wici__V1__QueryResult *result,
                 struct refusal *refusal);

/* ---- outside.c */

int outside_fill(struct broker *b, struct session *session, const Wici__V1__OutsideQuery *asked,
                 struct store_slice *slice, Wici__V1__QueryResult *result, struct refusal *refusal);

/* ---- query_clocks.c */

int clocks_fill(struct broker *b, uint32_t unit, const Wici__V1__ClocksQuery *asked, Wici__V1__QueryResult *result);

/* ---- query_work.c */

int work_fill(struct broker *b, uint32_t unit, const Wici__V1__WorkQuery *asked, struct store_slice *slice,
              Wici__V1__QueryResult *result);

/* ---- proof.c */

/* The receipt of a record with what the unit may see of it; that it was shown is recorded. E_BUSY: not signed yet. */
int proof_receipt(struct broker *b, const struct session *session, const Wici__V1__ReceiptQuery *asked,
                  struct store_slice *slice, Wici__V1__QueryResult *result, struct refusal *refusal);
int proof_consistency(struct broker *b, const Wici__V1__ConsistencyQuery *asked, Wici__V1__QueryResult *result,
                      struct refusal *refusal);
/* Inclusion proofs of records in the newest checkpoint, which tell nothing to who does not know the records. */
int proof_inclusion(struct broker *b, const Wici__V1__InclusionQuery *asked, Wici__V1__QueryResult *result,
                    struct refusal *refusal);
/* Leaf inputs, for an auditor's export. */
int proof_leaves(struct broker *b, uint32_t unit, const Wici__V1__LeavesQuery *asked, struct store_slice *slice,
                 Wici__V1__QueryResult *result, struct refusal *refusal);

#endif
