/*
 * check - the promises of docs/PROTOCOL.md 4 as checkers, each with the name that a failure shows
 *
 *     G1 durable    a receipt leaves only when the log holds its record at its number; after each restart all is there
 *     G1 document   what is said to be there of an upload is there; a document is its dossier's with the commit of its
 *                   event, byte for byte, from then on and after each restart; nothing is half there
 *     G2 once       one id, one record, one receipt, for the same bytes of the same agency; E_ID_REUSE for others, and
 *                   for nothing else; a refusal leaves nothing behind
 *     G3 log        numbers without gaps, nothing that nobody published, heads and hashes that are told are true
 *     G3 order      what a publisher sent stands in the log in the order of its sending
 *     G4 cursor     a durable cursor is never ahead of what was acknowledged, never goes back on disk, and is there
 *                   when an event published after the acknowledgement has its receipt
 *     G4 complete   at the end each durable subscriber has taken every event that it always could see
 *     G4 progress   at the end everybody who asks has an answer, and every subscription stands at the head
 *     G5 gap        a subscription passes nothing that it could see all the time
 *     G5 repeat     inside one subscription seqs ascend
 *     G6 sections   a delivery holds exactly the parts that the unit may see; a read no others, and all it asked for
 *     G6 oracle     what the core gives is what the domain's tables give (oracle.h)
 *     G6 marks      no message to a peer holds text of a section that this peer may not see
 *     G6 document   a piece of a document goes to whom a section that names it is shown, and to nobody else; it is of
 *                   the one that the event's author sent
 *     G6 barred     who is suspended, or whose key has ended, is told nothing but that
 *     G6 accounted  nothing is shown before the mark of its reader's own access window is committed
 *     G6 told       who asks who was shown what is told all that was shown, over any number of pages and deaths; and of
 *                   each record of a read just what it can have shown, as far as the asker may see that itself
 *     G7 bounded    what is kept for a reader stays within its credit; nothing stays packed between ticks; the uploads
 *                   of an agency stay within their quota, and nobody is refused before
 *     sweep         an upload that no event names is destroyed when its day is over, and not before
 *     erased        from an intent on nobody is given anything of its dossiers; their keys are destroyed with its tick,
 *                   and when it is done no row, document, index or filter knows of them; whoever was given something
 *                   is told so, and nobody else; what merged goes together, and the rest of the log is what it was
 *     sealed        no file holds text of a section, or of a document, that a key does not seal; but for the registry's
 *     backup        a copy that was asked for is made, whole, of what was committed when the log was copied, and can be
 *                   put back from then on; nothing is said to be safe that is in none
 *     restored      a log that was put back knows of every erasure before it is served; who has seen what it lacks is
 *                   told so, and up to where both are the same
 *     fold          the state after a restart, and while running, is the fold of the log, byte for byte; once
 *                   something was erased, with its holes
 *     pure          core_decide leaves the state as it was
 *     pace          while somebody publishes, those who catch up wait after each turn three times as long as it took, a
 *                   millisecond at most; while nobody does they have a turn in each tick
 *     answers       each Publish is answered once, event by event, in its order
 *     counted       who is refused is counted in the log by agency and code before it is told so, and each time by the
 *                   broker's end
 *
 * Threads: one.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "proto/digest.h"
#include "proto/event.h"
#include "tests/sim/door.h"
#include "tests/sim/saids.h"
#include "tests/sim/tally.h"
#include "store/store.h"

void check_create(void);
void check_clear(void);

/* The door's hooks. */
void check_taken(struct door_line *line, const struct door_message *message);
void check_sent(struct door_line *line, const uint8_t *bytes, size_t len);

/* A commit succeeded; the broker was opened again; a tick ended; its state was folded anew, after an erasure. */
void check_committed(struct store *store);
void check_reopened(void);
void check_tick(void);
void check_folded_anew(void);

/* ---- check_delivery.c */

/* The unit whose key this is in the ledger's newest state, now or within the last second; CORE_UNIT_NONE. */
uint32_t check_unit_of(const char *key);
void check_marks(uint32_t unit, const uint8_t *bytes, size_t len);
void check_batch(struct door_line *line, uint32_t unit, const Wici__V1__Batch *batch);
void check_positions(struct door_line *line, uint32_t unit, const Wici__V1__Positions *positions);
void check_read(struct door_line *line, uint32_t unit, const Wici__V1__ReadResult *result);
void check_head(const Wici__V1__Position *head);

/* ---- check_documents.c */

void check_documents_clear(void);
/* before: where the log stood at the commit before. */
void check_documents_committed(struct store *store, uint64_t before);
void check_documents_reopened(struct store *store);
/* The event of that record is sent again, by that unit: what came late for it is to be its dossier's then. Returns what
 * check_documents_owed() is to be asked with when the event has its receipt. */
uint32_t check_documents_again(uint64_t seq, uint32_t unit);
void check_documents_owed(uint64_t seq, uint32_t owed);
/* What there is, to be freed by the caller; and as it was then. */
struct check_documents_shot;
struct check_documents_shot *check_documents_shot(void);
void check_documents_put_back(const struct check_documents_shot *shot);
/* Uploads that no event names. */
size_t check_documents_waiting(void);
/* The intent of that number goes over the documents of its dossiers; it is done. */
void check_documents_erase(uint64_t intended_seq);
void check_documents_erased(struct store *store, uint64_t intended_seq);
/* The documents of dossiers that the unit may see: the number-th of them, from 0, and a record through which. False:
 * there are no more. */
bool check_documents_seen(uint32_t unit, size_t number, uint64_t *ret_seq, uint8_t ret_digest[DIGEST_SIZE]);
void check_document_put(struct door_line *line, const Wici__V1__DocumentPut *put);
void check_document_get(struct door_line *line, const Wici__V1__DocumentGet *get);
void check_document_state(struct door_line *line, uint32_t unit, const Wici__V1__DocumentState *state);
void check_document_part(struct door_line *line, uint32_t unit, const Wici__V1__DocumentPart *part);
void check_document_refused(struct door_line *line, uint32_t unit, struct tally_document *ask, const char *code);
void check_document_marks(const uint8_t *bytes, size_t len);

/* ---- check_erased.c */

void check_erased_clear(void);
/* Of what was intended behind the ledger's head nothing is known any more. */
void check_erased_put_back(void);
size_t check_erased_count(void); /* erasures that were intended */
void check_erased_committed(struct store *store, uint64_t before);
/* The keys of all that an intent names are destroyed. */
void check_erased_keys(struct store *store);
void check_erased_tick(struct store *store);
void check_erased_reopened(struct store *store);
/* At the end: what was intended is done. */
void check_erased_end(void);
void check_erase_asked(struct door_line *line, const Wici__V1__Query *query);
void check_erase_answered(struct door_line *line, uint32_t unit, const Wici__V1__QueryResult *result);
void check_answer_erased(uint32_t unit, const Wici__V1__QueryResult *result);
/* An event of the unit is refused: does that tell it of an erasure what it may know? */
void check_erased_refusal(uint32_t unit, const struct said *said, const Wici__V1__Refusal *refusal);

/* ---- check_backup.c */

/* What the checkers know at the moment in which the log is copied. */
struct check_shot;
struct check_shot *check_shot_take(void);
void check_shot_free(struct check_shot **shot);
uint64_t check_shot_head(const struct check_shot *shot);
/* The log is what it was then: what came after it is forgotten. */
void check_put_back(const struct check_shot *shot);
/* It was put back, and not served since. */
bool check_is_put_back(void);
void check_backup_clear(void);
void check_backup_whole(uint64_t records);
void check_backup_reopened(void);
void check_safe(uint64_t safe_up_to);
/* A key with this mark (NULL: none) is in the list of destroyed keys; is the dossier's? */
void check_listed(const uint8_t *mark);
bool check_is_listed(const uint8_t dossier[16]);
void check_hello(struct tally *tally, const Wici__V1__Hello *hello);
void check_diverged(struct tally *tally);
void check_welcome(struct tally *tally, const Wici__V1__Welcome *welcome);

/* ---- check_shown.c */

void check_shown_clear(void);
/* The unit was given these sections of the record, by a reader of this cursor or session. */
void check_shown_given(uint32_t unit, const char *name, uint64_t seq, uint32_t sections);
void check_shown_asked(struct door_line *line, uint32_t unit, const Wici__V1__Query *query);
void check_shown_told(struct door_line *line, uint32_t unit, const Wici__V1__QueryResult *result);

/* ---- check_pace.c */

void check_pace_clear(void);
/* An event is taken. */
void check_pace_published(void);
/* Those who are behind have a turn now; it is over; the tick is. */
void check_pace_turn(void);
void check_pace_turn_over(void);
void check_pace_tick(void);

/* ---- check_refused.c */

/* The unit is told so. */
void check_refused(uint32_t unit, const char *code);
/* The broker begins to serve; it has ended well. */
void check_refused_reopened(void);
void check_refused_ended(void);

/* ---- check_files.c */

/* The broker has ended: what lies in clear under `dir`, of texts and documents, is the registry's. */
void check_files(const char *dir);

/* ---- check_cursor.c */

/* A durable subscription begins: it goes on where an earlier one left off. */
void check_cursor_begins(uint32_t unit, const struct tally_sub *sub, uint64_t from_seq);
void check_cursor_acked(uint32_t unit, const char *cursor, uint64_t seq);
/* The cursor has to be on disk as far as this. */
void check_cursor_reached(uint32_t unit, const char *cursor, uint64_t seq);
void check_cursors_committed(struct store *store);
void check_cursors_clear(void);
/* All of them, to be freed by the caller; and as they were then. */
struct check_cursors_shot;
struct check_cursors_shot *check_cursors_shot(void);
void check_cursors_put_back(const struct check_cursors_shot *shot);

#endif
