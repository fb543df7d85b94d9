/*
 * access - who was shown what: one record per subscription per minute, per 1,000 events, or at its end
 *
 * Before the first event of such a window leaves, a mark is committed: if the broker dies, the next one finds the mark
 * and records that the events up to the head were possibly shown. The record and the end of the mark share a commit.
 * The windows of a reader share one mark. A window that is over is set aside and recorded by access_write(), in the
 * order in which they ended and ACCESS_TICK_MAX to a commit, however many end at once; its reader may be gone by then,
 * and until then its mark covers it. So nobody waits for the disk at each window, and no batch of the store overflows.
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
#define ACCESS_DELAY_MS_MAX      100u   /* for how long a full window is not recorded */
#define ACCESS_TICK_MAX          1024u  /* windows that are over and recorded in one commit */
#define ACCESS_WAITING_MAX       16384u /* windows that wait to be recorded; beyond it none is opened or rolled */

/* The name of the value that holds the access records' key entry. */
#define ACCESS_ENTRY_VALUE "access.entry"

/* The question that a record of a document's reading names. */
#define ACCESS_DOCUMENT "document"

/* Which events a reader asked for, as a record tells it. */
struct access_asked {
    uint32_t entry; /* key entry of the one dossier; 0: of all, of several, or of one that the reader does not know */
    uint32_t type;  /* 0: any */
    bool narrowed;  /* several dossiers */
    uint8_t family_count; /* 0: all */
    const char *families[FEED_FAMILIES_MAX];
};
void access_asked(const struct broker *b, const struct reader *reader, struct access_asked *ret);

/* A window that is over and not recorded yet, and whose it was. */
struct access_over {
    uint32_t unit, number;
    uint64_t mark;
    char session[ID_LEN_MAX + 1], name[ID_LEN_MAX + 1];
    struct window window;
    struct access_asked asked;
    uint64_t as_of_seq;
    uint64_t next_seq; /* the mark goes on from here; 0: it ends */
};

/* Opens a window that begins with seq: its mark rides in the next commit, and the reader waits for it. -ENOSPC: nothing
 * more can be written about reads, or too many wait to be written: nothing more is shown now. */
int access_open(struct broker *b, struct reader *reader, uint64_t seq);
/* After a commit: the readers that waited for their marks go on. */
void access_committed(struct broker *b);
/* Counts an event shown within an open window. */
void access_count(struct reader *reader, uint64_t seq);
/* Is the window full, or a minute old? */
bool access_is_due(const struct broker *b, const struct reader *reader);
/* Sets the open window aside and begins the next one with seq. Nobody waits: until record and new mark are committed,
 * together, the old mark covers what is shown meanwhile. -ENOSPC: as above; nothing was done. */
int access_roll(struct broker *b, struct reader *reader, uint64_t seq);
/* Sets the open window aside; its mark ends with its record. Does nothing when none is open. */
void access_close(struct broker *b, struct reader *reader);
/* Is there something to record now? */
bool access_has_due(const struct broker *b);
/* Between batches: lets the log grow for what waits. */
int access_room(struct broker *b);
/* Records the first ACCESS_TICK_MAX windows that were set aside, and ends or moves their marks. */
int access_write(struct broker *b);
/* Everything set aside until now is recorded soon; the number that access_is_recorded() is asked with. */
uint64_t access_ask(struct broker *b);
/* Is it recorded, and committed? */
bool access_is_recorded(const struct broker *b, uint64_t asked);
/* Records a bounded read. -ENOSPC: as above. */
int access_read(struct broker *b, const struct reader *reader);
/* Records that one event was shown in the answer to a question. -ENOSPC: as above. */
int access_shown(struct broker *b, const struct session *session, uint64_t seq);
/* Records that something about a dossier (its key entry; 0: several) was told in the answer to a question; seq: about
 * that record, 0: none. why: "" for none. -ENOSPC: as above. */
int access_told(struct broker *b, const struct session *session, const char *question, uint32_t entry, uint64_t seq,
                const char *why);
/* Records that a document of others was shown: the number-th, from 1, of those that record seq names. -ENOSPC: as
 * above. */
int access_document(struct broker *b, const struct session *session, uint32_t entry, uint64_t seq, uint32_t number,
                    const char *why);
/* The same as access_told() where the unit is an auditor, all of whose looking is recorded; else nothing. */
int access_told_auditor(struct broker *b, const struct session *session, const char *question, uint32_t entry,
                        uint64_t seq, const char *why);
/* At start: records what an earlier broker may have shown when it died. */
int access_recover(struct broker *b);

#endif
