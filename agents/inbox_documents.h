/*
 * inbox_documents - the files of received events, each put into inbox once
 *
 *     event --(1)--> state/documents/STEM-K.want --(2)--> + STEM-K.file --(3)--> STEM-K.have --(4)--> inbox/STEM-K.pdf
 *                                                                              --(5)--> all of STEM-K.* removed
 *
 * STEM is the event's ("000000004711-referral"), K the document's place among those that the event names to this unit.
 * (1) is durable before the event is acknowledged. (2) makes the file complete, out of sight. (3) makes it ours: from
 * there on a crash is rolled forward, before it the file is fetched again. (4) happens once: what people move out of
 * inbox later never comes back.
 *
 * A document whose author has not sent it yet is asked for again, for DOCUMENTS_DAYS.
 *
 * Errors: 0 or -errno: the disk fails, stop. Ownership: borrows its folders and link. Threads: one.
 */
#ifndef WICI_INBOX_DOCUMENTS_H
#define WICI_INBOX_DOCUMENTS_H

#include "agents/agent_file.h"
#include "agents/agent_link.h"

#include <jansson.h>

#define DOCUMENTS_DAYS     14u
#define DOCUMENTS_STEP_MAX 4u     /* files fetched in one go */
#define DOCUMENTS_EVERY_MS 60000u /* between two rounds over those that are not there yet */
#define DOCUMENTS_PAUSE_MS 5000u  /* after the connection failed */

struct documents_fetch {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    uint64_t next_ms; /* when the next round begins; 0: now */
    char after[128];  /* within a round: the last one asked for */
    bool waits;       /* there may be some to fetch now */
};

/* Which event it is: its files' stem, and when it came (wici_time_ms). */
struct documents_from {
    const struct agent_dirs *dirs;
    const char *stem;
    uint64_t now_ms;
};

/* Step 1 for an event as in wici_event_json. It gets a member "files": [{"file", "name", "sha256"}], by which who reads
 * it finds them. *ret_any: it names some. */
int documents_want(const struct documents_from *from, json_t *event, bool *ret_any);

/* Rolls an interrupted run forward or back. */
int documents_recover(const struct agent_dirs *dirs);
/* One step at now_ms of a steady clock: fetches a few. */
int documents_run(struct documents_fetch *fetch, uint64_t now_ms);
/* Files that were named and are not in inbox yet. */
int documents_waiting(const struct agent_dirs *dirs, size_t *ret_count);

#endif
