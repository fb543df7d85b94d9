/*
 * erase - a dossier's content is destroyed, on an order, while everybody else is served
 *
 *     SCAN ----------> INTENT --------> KEYS -------> DOCUMENTS ----> ROWS --------------> DONE
 *     what goes, who   924, and 926     destroyed     each with its   each row its leaf    the index, cursors'
 *     was given what   for each unit    at once       own key         alone, by and by     filters, 925
 *
 * The scan changes nothing: a preview ends with it. The intent is a record (sys.erasure_intended, with its parts and
 * the notices in one commit): from it on the state has forgotten the dossiers, so that nothing of them is delivered
 * and whoever publishes into one hears E_ERASED; and from it on the erasure goes on to its end, over any number of
 * restarts, since all that it needs is in the log. The keys are destroyed right after that commit, before anything else
 * is done. Documents and rows follow in bounded pieces. When none holds content any more sys.erasure_done is recorded,
 * and who asked is answered.
 *
 * Beside it the state is folded anew from the log with its holes and put in the place of the one in use (fold.h), so
 * that what the erased dossiers had brought about in others is what it is after a restart.
 *
 * An order waits while a backup copies log and key store (backup.h): its copy must not lose keys that it needs.
 *
 * One erasure at a time; another one is E_BUSY until this one is done.
 *
 * Errors: 0 or -errno: latch; others are named. Threads: the broker's only.
 */
#ifndef BROKER_ERASE_H
#define BROKER_ERASE_H

#include "broker/broker.h"

#define ERASE_ASKED_MAX    16u      /* dossiers named in one order */
#define ERASE_DOSSIERS_MAX 256u     /* dossiers that go in one order, with those merged with them; or are linked */
#define ERASE_GIVEN_MAX    2000000u /* numbers of records over all recipients, kept while an erasure is looked into */
#define ERASE_RANGES_MAX   2048u    /* ranges in one record of it, as sys.proto has it */
#define ERASE_RECORDS_MAX  3584u    /* records that say what is intended and to whom, in one commit */
#define ERASE_STEP_RECORDS 256u     /* records looked at, or rewritten, in one tick */
#define ERASE_FOLD_RECORDS 4096u    /* records folded anew in one tick */
#define ERASE_PASSES_MAX   8u       /* times that a dossier is gone through anew because something came to it */

struct eraser;

/* At start, after the fold: repeats what this log, put back from a copy, does not know of (erase_repeat.h), and goes on
 * with what an earlier broker began. */
int erase_open(struct broker *b);
void erase_close(struct broker *b);

/*
 * Asked by an administrator.
 *   -EACCES       refused: *refusal says why
 *   -EINPROGRESS  it is answered later
 *   -ENOBUFS      the answer does not fit
 * 0: *result is the answer (the dossiers were erased before)
 */
int erase_preview(struct broker *b, const struct session *session, uint32_t request,
                  const Wici__V1__ErasePreviewQuery *asked, Wici__V1__QueryResult *result, struct refusal *refusal);
int erase_order(struct broker *b, const struct session *session, uint32_t request, const Wici__V1__EraseQuery *asked,
                Wici__V1__QueryResult *result, struct refusal *refusal);

/* Between two batches: the next piece of what is under way. */
int erase_step(struct broker *b);
/* Is there something to do without anybody sending anything? */
bool erase_is_due(const struct broker *b);
/* Is an order looked into, whose keys will be destroyed? A backup does not begin to copy then (backup.h). */
bool erase_holds(const struct broker *b);

#endif
