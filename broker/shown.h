/*
 * shown - who was shown what of a dossier, and when: from the records of reads, and from the log's fold as it stood
 * then
 *
 * A record of a read (912) names a reader, a stretch of the log, and between which two heads of the log it was shown.
 * What of the dossier that was is not written down; it follows. The log is folded once more, from its first record, in
 * a second core; while the fold stands between these two heads, core_view() says which of the dossier's events in the
 * stretch the reader was given, and which classes of each: when the first head is reached, after each record that may
 * change what is seen (of the dossier, of one tied to it, of the registry), and at the last. Where the answers differ,
 * the most of them is told, and that it is at most that. So nothing is left out, whatever was withdrawn since.
 *
 * But what was erased is not folded: who was given something only because the dossier was linked with one that is
 * erased now is not told. Nobody knows any more which dossiers those were, so each answer of a log with an erasure says
 * so.
 *
 *     WAITING -> GATHERING -> FOLDING <-> LOOKING -> ASKING -> (answered)
 *
 * That takes as long as a start of the broker, so it is done a bounded piece at a time, behind the deliveries, for one
 * question at a time. Reads that are still going on are told as such, all on the last page; where they alone are too
 * many for one, their windows end, and they are told as the records that they get.
 *
 * Who may ask: auditors; and who holds the dossier, or is the office of who does, about the events and classes that it
 * may see itself. An auditor's reason is told to auditors only. That it was asked is recorded (912, question "shown").
 *
 * Errors: 0 or -errno: latch. Ownership: the broker has at most one; shown_drop() frees it. Threads: the broker's only.
 */
#ifndef BROKER_SHOWN_H
#define BROKER_SHOWN_H

#include "broker/broker.h"

#define SHOWN_READS_MAX  1024u  /* reads in one answer */
#define SHOWN_PAIRS_MAX  12288u /* events of all reads in one answer; a read that alone has more is told whole */
#define SHOWN_EVENTS_MAX 8192u  /* events of a dossier that can be asked about */
#define SHOWN_US_MAX     2000u  /* of a tick, while nobody waits: a message that comes ends the piece */
#define SHOWN_US_MIN     250u   /* of a tick, whoever waits */

#define SHOWN_READS_SMALL 24u /* of shown_small */
#define SHOWN_PAIRS_SMALL 256u
extern bool shown_small; /* set by tests: pages so small that a short run has several */

/* Begins to answer; the answer comes later. -EACCES: refused, see *refusal (E_UNKNOWN; E_REQUEST, E_REASON; E_BUSY:
 * another question is being worked on). */
int shown_begin(struct broker *b, const struct session *session, uint32_t request, const Wici__V1__ShownQuery *asked,
                struct refusal *refusal);
/* A piece of the work, when there is some; gives up when who asked is gone. */
int shown_turn(struct broker *b);
/* Gives up, without an answer. */
void shown_drop(struct broker *b);

#endif
