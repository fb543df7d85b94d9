/*
 * access - who was shown what: one record per subscription per minute, per 1,000 events, or at its end
 *
 * Before the first event of such a window leaves, a mark is committed: if the broker dies, the next one finds the mark
 * and records that the events up to the head were possibly shown. The record and the end of the mark share a commit.
 * A reader that goes through many windows at once does not wait for the disk at each: full ones are recorded together,
 * a moment later, and until then the first one's mark covers them all.
 * Records of the registry (sys.*) count for nothing: every unit may read them.
 *
 * The records are sealed under a key entry of their own, so that neither units nor reasons lie in clear, and so that
 * catching up does not wade through them.
 *
 * Errors: 0 or -errno: latch. Threads: the broker's only.
 */
#ifndef BROKER_ACCESS_H
#define BROKER_ACCESS_H

#include "broker/broker.h"

#define ACCESS_WINDOW_MS_MAX     60000u
#define ACCESS_WINDOW_EVENTS_MAX 1000u
#define ACCESS_FULL_MAX          32u  /* full windows of one reader that are not recorded yet */
#define ACCESS_DELAY_MS_MAX      100u /* for how long they are not */

/* The name of the value that holds the access records' key entry. */
#define ACCESS_ENTRY_VALUE "access.entry"

/* Opens a window that begins with seq: its mark rides in the next commit, and the reader waits for it. -ENOSPC: nothing
 * more can be written about reads, so nothing more is shown. */
int access_open(struct broker *b, struct reader *reader, uint64_t seq);
/* After a commit: the readers that waited for their marks go on. */
void access_committed(struct broker *b);
/* Counts an event shown within an open window. */
void access_count(struct reader *reader, uint64_t seq);
/* Is the window full, or a minute old? */
bool access_is_due(const struct broker *b, const struct reader *reader);
/* Sets the open window aside, to be recorded by access_write(), and begins the next one with seq. Nobody waits: until
 * record and new mark are committed, together, the old mark covers what is shown meanwhile. -ENOSPC: as above; nothing
 * was done. */
int access_roll(struct broker *b, struct reader *reader, uint64_t seq);
/* Records what all readers have set aside. */
int access_write(struct broker *b);
/* Records what the window holds and takes its mark back. Does nothing when none is open. */
int access_close(struct broker *b, struct reader *reader);
/* Records a bounded read. -ENOSPC: as above. */
int access_read(struct broker *b, const struct reader *reader);
/* Records that one event was shown in the answer to a question. -ENOSPC: as above. */
int access_shown(struct broker *b, const struct session *session, uint64_t seq);
/* At start: records what an earlier broker may have shown when it died. */
int access_recover(struct broker *b);

#endif
