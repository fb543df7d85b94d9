/*
 * inbox_history - earlier events that an event opens to this unit
 *
 * A subscription goes on and never back: what a new part in a dossier opens of the time before is read for itself. An
 * event says so, and leaves a note in state/history, durable before the event is acknowledged:
 *
 *     SEQ-FROM-DOSSIER         read the dossier from record FROM on, up to before SEQ
 *     SEQ-FROM-DOSSIER.group   ... and those merged with it: which they are the broker is asked
 *     DOSSIER.hand             somebody asks in this referral that the unit carries another dossier on
 *
 * A hand-over is given when the unit accepts: its own acceptance makes a note of the first kind out of DOSSIER.hand.
 * What was received already is not filed again, so a note too many costs one read.
 *
 * Errors: 0; or -errno when the disk fails: stop. Ownership: borrows. Threads: one.
 */
#ifndef WICI_INBOX_HISTORY_H
#define WICI_INBOX_HISTORY_H

#include "agents/agent_file.h"
#include "agents/agent_link.h"

#include <jansson.h>

/* Leaves the notes that the event asks for. unit: whose agent this is. */
int history_note(const struct agent_dirs *dirs, const char *unit, const struct wici_event *event, const json_t *json);

/* What is to be read next. */
struct history {
    char note[80];
    uint64_t from, to; /* records, both included */
    char dossier[37];
};

/* 1: *ret is filled; 0: nothing waits; -EAGAIN: the broker was asked, and gave no answer now. */
int history_next(const struct agent_dirs *dirs, const struct agent_link *link, struct history *ret);
/* It was read. */
int history_done(const struct agent_dirs *dirs, const struct history *history);

#endif
