/*
 * inbox_erased - an office's copies of records that were erased (sys.erasure_notified)
 *
 *     notice --(1)--> state/erasures/SEQ.json --(2)--> each copy to erased/, or removed --(3)--> the note is removed
 *
 * A copy is whatever the agent wrote beside its own notes: what inbox holds under a record's number (page, data, files,
 * files still to be fetched), and what sent holds of an event that we published (the file, its folder, receipt, proof,
 * and who fetched it). Which of two is done is the office's to say, for only it knows by what law it keeps its files:
 * "aside", they are moved to the folder erased, out of the daily work, where people decide; or "remove". What people
 * have moved away or renamed is not found, and is theirs. The client lets go of what it kept to send it again, always.
 *
 * (1) is durable before the notice is acknowledged. (2) may be done twice: what was moved is not there any more. The
 * notice itself is filed in inbox, so that people see it.
 *
 * Numbers are the present epoch's. After the log went back to an older copy, files of an earlier epoch may bear another
 * event's number: they are left to people, and the log says how many; but for what was sent again in this epoch, whose
 * number is that of its later receipt (receipt_file.h). But not when the broker repeats what the older
 * copy did not know of (reason REPEATED) and it is the first copy that came back: those records are in that copy, and
 * files of both epochs are theirs.
 *
 * Errors: 0 or -errno: the disk fails, stop. Ownership: borrows its options. Threads: one.
 */
#ifndef WICI_INBOX_ERASED_H
#define WICI_INBOX_ERASED_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"

#include <jansson.h>

struct erased_work {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    bool waits; /* there may be a notice to be carried out */
};

/* Is this event a notice of erasure to this unit? */
bool erased_is_notice(const struct wici_event *event, const json_t *json, const char *unit);
/* Step 1. suffix: what file names of the present epoch end in ("" in the first one, "-e2"); second: it is the one after
 * the first that this agent knows. */
int erased_note(const struct agent_dirs *dirs, const struct wici_event *event, const json_t *json, const char *suffix,
                bool second);

/* Steps 2 and 3 of all notices that wait. */
int erased_run(struct erased_work *work);

#endif
