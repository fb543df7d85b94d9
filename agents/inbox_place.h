/*
 * inbox_place - this folder's own place in what comes for its unit
 *
 * Each folder reads with a cursor of its own, in a session of its own, so that two folders of one unit (two machines,
 * an old one that still runs) are each given everything (docs/decisions/009). Two files in state:
 *
 *     mark    letters drawn at the first start: the end of the names of session and cursor, and nothing else
 *     place   how far this folder has come, and in which epoch of the log
 *
 * The place is written before the broker is told of it. So the broker's cursor is never ahead of it, unless this folder
 * is an older copy of itself, the power failed, or somebody else read with its cursor. Whoever finds it ahead begins
 * again at the place (agent_wici.c); what comes twice then is passed over by inbox_journal.h.
 *
 * The place is of one choice of families: another choice has another cursor, which begins at the first record. A place
 * of another epoch counts as unknown: its numbers are another log's.
 *
 * Errors: 0 or -errno of the disk; -EBADMSG: state/mark is damaged. Ownership: borrows dirs. Threads: one.
 */
#ifndef WICI_INBOX_PLACE_H
#define WICI_INBOX_PLACE_H

#include "agents/agent_file.h"

#include <stdbool.h>
#include <stdint.h>

#define PLACE_MARK_LEN 12u /* letters, of sixteen: 48 bits, as names of one unit have to differ */

struct place {
    const struct agent_dirs *dirs;
    char mark[PLACE_MARK_LEN + 1];
    bool common; /* this folder had received before it had a mark: with the cursor that all of its unit had in common */
    int fd;      /* state/place */
    uint32_t filter;
    uint64_t epoch, seq; /* of that filter; epoch 0: not known */
};
#define PLACE_CLOSED ((struct place){.fd = -1})

/* Reads both files; a mark is drawn where there is none. A place that is not whole counts as not known. */
int place_open(struct place *ret, const struct agent_dirs *dirs);
void place_close(struct place *place);

/* Is it known how far this folder came, with this choice of families, in this epoch? */
bool place_is_known(const struct place *place, uint32_t filter, uint64_t epoch);
/* Everything up to seq was taken; of epoch 0, which no log has, nothing is noted. It survives the death of the program,
 * not the loss of power: fsync would cost more than what comes twice after that. */
int place_note(struct place *place, uint32_t filter, uint64_t epoch, uint64_t seq);
/* Another folder has the same mark, being a copy of this one: draws another. The place stays. */
int place_renew(struct place *place);

#endif
