/*
 * documents - files on their way to an event, and out to who may see it
 *
 *     DocumentPut --> upload, piece by piece --> whole --(1)--> document of its dossier
 *                             |                    |                      |
 *                             `--------(2)---------'                      `--(3)--> DocumentPart
 *                                       |
 *                                   destroyed
 *
 *     (1) an event of the unit names it    (2) a day without such an event    (3) DocumentGet
 *
 * An upload is its unit's: nobody else can name it, bind it or learn that it is there. A document is given through an
 * event and never by its digest alone: the asker must be given a section, of a record whose author sent the document,
 * that names it. Whoever passes it on sends it again.
 *
 * What waits for an event counts against the agency of its unit, so that nobody's uploads cost others theirs.
 *
 * Errors: 0 or -errno: latch, but for those named beside a function. Ownership: uploads are the table's; a pointer to
 * one lives until the next documents_* that changes anything. Threads: the broker's only.
 */
#ifndef BROKER_DOCUMENTS_H
#define BROKER_DOCUMENTS_H

#include "proto/event.h"
#include "proto/limits.h"
#include "store/doc.h"

#include "broker/core/core.h"

#define DOCUMENT_SWEEP_MS 100u /* between two uploads that are destroyed: each costs a sync */

struct documents;

/* Loads what waits. */
int documents_create(struct documents **ret, struct store *store, struct core *core);
void documents_destroy(struct documents **documents);

/*
 * Is every document that the unit's event names here: waiting whole, or bound to this dossier by the unit before?
 * dossier 0: a new one. *ret_path: of the first that is not, as long as the arena lives; NULL: all are.
 */
int documents_missing(struct documents *documents, uint32_t unit, uint32_t dossier, const struct event *event,
                      struct arena *arena, const char **ret_path);
/* Gives what waits and is named by the unit's event to its dossier, in the open batch. */
int documents_bind(struct documents *documents, uint32_t unit, uint32_t dossier, const struct event *event);

/* Bytes of documents that were written or read since documents_tick(): a tick takes DOCUMENT_TICK_BYTES_MAX. */
void documents_tick(struct documents *documents);
bool documents_tick_is_full(const struct documents *documents);

/* Destroys an upload that has waited for too long, when there is one and the last was DOCUMENT_SWEEP_MS ago. Between
 * batches. */
int documents_sweep(struct documents *documents, uint64_t now_ms, uint64_t mono_ms);

/* What a unit has begun and nothing refers to: by digest. NULL: nothing. */
struct store_doc *documents_find(struct documents *documents, uint32_t unit, const uint8_t digest[DIGEST_SIZE]);
/* Begins an upload. -EDQUOT: of this agency as much waits as may. -ENOSPC: the log has no room. */
int documents_begin(struct documents *documents, uint32_t unit, const uint8_t digest[DIGEST_SIZE], uint32_t size,
                    uint64_t now_ms, struct store_doc **ret);
/* The next chunk of an upload: store_doc_put(). -ENOSPC: the log has no room. */
int documents_chunk(struct documents *documents, struct store_doc *doc, const uint8_t *bytes, size_t len);
/* Counts bytes that were read. */
void documents_count(struct documents *documents, size_t bytes);
/* Room for one chunk. */
uint8_t *documents_buffer(struct documents *documents);

#endif
