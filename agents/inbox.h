/*
 * inbox - received events, each put into the folder once
 *
 *     event --(1)--> state/in/SEQ-FAMILY.html, .json --(2)--> state/taken --(3)--> inbox/ --(4)--> acknowledged
 *
 * (1) makes both files complete, out of sight. (2) makes the event ours: from there on a crash is rolled forward,
 * before it back (the broker sends the event again). (3) moves them, the page first, so that whoever finds the JSON
 * finds its page; moving happens once, and what people move out of inbox later never comes back. Up to INBOX_BATCH_MAX
 * events share the synchronisations of (1) to (3).
 *
 * An event that opens earlier history to this unit leaves a note in state/history (inbox_history.h), made durable with
 * the event; inbox_history() reads that dossier's history and files what is new.
 *
 * An event that names documents leaves notes in state/documents in the same way; inbox_documents.h fetches them. A
 * notice that records were erased leaves one in state/erasures; inbox_erased.h carries it out.
 *
 * Errors: 0; or -errno when the disk fails: stop. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_INBOX_H
#define WICI_INBOX_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"

#include <jansson.h>

#define INBOX_BATCH_MAX 64u /* events prepared and not moved yet */

struct inbox;

struct inbox_options {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    const struct agent_who *who;
    json_t *const *names; /* *names: see page.h; may change between calls */
};

/* Rolls an interrupted run forward or back. */
int inbox_open(struct inbox **ret, const struct inbox_options *options);
void inbox_close(struct inbox **box);

/* Says which log it is, before its events. -ESTALE: this folder belongs to another log (training is not the real one).
 */
int inbox_set_log(struct inbox *box, const char *origin, uint64_t epoch);
/* The epoch of the log as inbox_set_log() said it last, over restarts; 0: it never did. */
uint64_t inbox_epoch(const struct inbox *box);

/* A wici_event_fn for the subscription; arg is the inbox. */
int inbox_take(void *arg, const struct wici_event *event);
/* The subscription has moved on to seq with nothing to deliver. */
void inbox_position(struct inbox *box, uint64_t seq);
/* Steps 2 to 4 for what was taken. Call it after each wici_run(). */
int inbox_commit(struct inbox *box);
/* Reads the history of one dossier, if one waits. Returns 1: there may be more; 0: none waits; -EAGAIN: it did not work
 * now (no connection); else -errno. */
int inbox_history(struct inbox *box);

/* Did events name documents since the last call? Fetch them after inbox_commit() (inbox_documents.h). */
bool inbox_wanted(struct inbox *box);

/* Did a notice of erasure come since the last call? It is carried out after inbox_commit() (inbox_erased.h). */
bool inbox_erasures(struct inbox *box);

/* Events put into the folder since the start. */
uint64_t inbox_filed(const struct inbox *box);

#endif
