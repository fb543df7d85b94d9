/*
 * query_answer - the files that answer questions
 *
 * A function that answers fills the result, in the broker's reply arena. It returns 0, -EACCES (refused, see *refusal),
 * -ENOBUFS (more than one answer holds), or another -errno: latch. What it fills in lives until that arena is reset.
 * Threads: the broker's only.
 */
#ifndef BROKER_QUERY_ANSWER_H
#define BROKER_QUERY_ANSWER_H

#include "broker/query.h"

/* Any question of a session: the answer is queued, or comes later. -errno: latch. */
int query_answer(struct broker *b, struct session *session, const Wici__V1__Query *query);

/* ---- query_event.c */

/* What a unit is shown of an event, section by section, and why. */
int explain_fill(struct broker *b, uint32_t unit, const Wici__V1__Explain *asked, struct store_slice *slice,
                 Wici__V1__QueryResult *result, struct refusal *refusal);
/* ---- query_fetched.c */

/* Who of those that an own event was addressed to has fetched it; of an entry in error, who has confirmed it. */
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

int clocks_fill(struct broker *b, uint32_t unit, const Wici__V1__ClocksQuery *asked, Wici__V1__QueryResult *result,
                struct refusal *refusal);

/* ---- query_work.c */

int work_fill(struct broker *b, uint32_t unit, const Wici__V1__WorkQuery *asked, struct store_slice *slice,
              Wici__V1__QueryResult *result, struct refusal *refusal);

/* ---- query_erasures.c */

/* Which erasures there are, and what became of copies; how many answers a unit owes. */
int erasures_fill(struct broker *b, uint32_t unit, const Wici__V1__ErasuresQuery *asked, Wici__V1__QueryResult *result,
                  struct refusal *refusal);
int erasures_status(struct broker *b, uint32_t unit, Wici__V1__Status *status);

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
