/*
 * outbox - files the office wants sent, each sent once
 *
 *     outbox/NAME --(1)--> state/out/N-NAME --(2)--> + state/out/N-ID.ev --(3)--> broker
 *                                                                        --(4)--> + state/out/N.answer
 *         --(5)--> sent/NAME or rejected/NAME, with NAME.receipt.json or NAME.txt beside it; state/out/N* is removed
 *
 * Each step is on the disk before the next begins, and each can be done again: wherever the agent is killed, after
 * its next start the file is in exactly one of sent and rejected, and the log has at most one record of it. (2) fixes
 * the event's id and bytes before anything is sent, so that the broker recognises a repeat; (4) fixes the outcome.
 *
 * Files are taken in the order of their names, once they are finished (outbox_look.h); one that is not holds back those
 * behind it. JSON that breaks off and stays so is refused. What is no such file is told in the folder (outbox_odd.h).
 * outbox_job.h has the steps.
 *
 * Errors: 0; or -errno when the disk fails: stop. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_OUTBOX_H
#define WICI_OUTBOX_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"

#define OUTBOX_JOBS_MAX 64u /* files under way at once: what a crash leaves to look through */

struct outbox;

struct outbox_options {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    const struct agent_who *who; /* may be filled in later: nothing is taken before */
};

/* Finishes or resumes what an earlier run left. */
int outbox_open(struct outbox **ret, const struct outbox_options *options);
/* Close the client first: its answers come to this object. */
void outbox_close(struct outbox **box);

/* inotify saw the writer close or rename this file. now_ms is of the same steady clock as below. */
void outbox_closed(struct outbox *box, const char *name, uint64_t now_ms);
/* One round: put away what was answered, look, take, encode, publish. */
int outbox_run(struct outbox *box, uint64_t now_ms);

/* Files taken and not put away yet. */
size_t outbox_under_way(const struct outbox *box);
/* Files seen in outbox in the last round that were not taken. */
size_t outbox_waiting(const struct outbox *box);
/* Files refused since the start. */
size_t outbox_rejected(const struct outbox *box);

#endif
