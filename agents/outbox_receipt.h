/*
 * outbox_receipt - the proof that what we sent is in the log
 *
 * For each sent event sent/NAME.receipt is the receipt of docs/AUDIT.md: its place in a signed checkpoint, with all
 * that we published. It is fetched when the checkpoint that covers the event is there, a second or two after it was
 * sent, checked against the digests that the answer to the publish told and against the log that we know (witness.h),
 * and then kept: wici verify checks it, by anybody, without the broker. What is not fetched yet is noted in
 * state/receipts, over any restart. A sent file that was moved away gets none.
 *
 * When the log came back from an older copy, in a new epoch, the client sends again what it keeps. Before anything of
 * that is answered each such event is noted once more (receipts_again), so that no crash forgets one:
 *
 *     its record is the one that was promised   nothing is written: the receipt stays as it is
 *     it became another record                  NAME.receipt-eN, beside what there is (receipt_file.h); the bytes must
 *                                               be those that the first answer's digests are of
 *     it is in the log no more, nor taken again NAME.lost-eN.txt says so to people
 *
 * The number N is that of the epoch that signed: what a broker merely says of its epoch excuses no other record.
 *
 * Errors: 0 or -errno, those of witness.h too. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_OUTBOX_RECEIPT_H
#define WICI_OUTBOX_RECEIPT_H

#include "agents/agent_file.h"
#include "agents/agent_link.h"
#include "agents/witness.h"

#define RECEIPT_STEP_MAX 8u    /* questions in one go */
#define RECEIPT_PAUSE_MS 1000u /* from one look to the next */

struct receipts {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    struct witness *witness;
    const struct agent_who *who;
    uint64_t next_ms;
    char after[64]; /* within a round: the last one asked about */
};

/* What was sent, and what the broker answered. */
struct receipt_expected {
    const char *event_id, *file, *side; /* names in sent: of the event, and of the receipt to come */
    const char *receipt;                /* the answer: JSON of a Receipt */
    uint64_t seq, epoch;                /* of the log, when it answered */
    const uint8_t *event;               /* bytes of the EventDocument that was published */
    size_t len;
};

/* Notes that the receipt is to be fetched, and whether the digests of the answer are those of the event: where they are
 * not, receipts_run() tells. An answer without digests leaves nothing to compare with, and is not noted. */
int receipts_expect(const struct agent_dirs *dirs, const struct receipt_expected *expected);

/* The log goes on in another epoch than `epoch`: notes those of the events with these ids that lie in sent. The ids are
 * sorted in place. May be repeated. */
struct receipts_id {
    char text[37];
};
int receipts_again(const struct agent_dirs *dirs, uint64_t epoch, struct receipts_id *ids, size_t count);
/* One of them was refused when it was sent again: why, for the person who wrote it. */
int receipts_refused(const struct agent_dirs *dirs, const char *event_id, const char *why);

/* One step at now_ms of a steady clock, on a connection that is ready. */
int receipts_run(struct receipts *receipts, uint64_t now_ms);
/* Is there an event whose receipt is not there yet? */
bool receipts_wait(const struct receipts *receipts);

#endif
