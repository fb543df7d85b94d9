/*
 * doc - documents: files that travel with events, in chunks, each document sealed with a key of its own
 *
 *              begin             put ... put              bind
 *   (nothing) -------> UPLOAD ----------------> WHOLE -------------> DOCUMENT of a dossier
 *                        |  ^         |           |                        |
 *                        |  `---------'           |                        |
 *                        | another digest: again  |                        |
 *                        `------- drop -----------'                        `--- store_doc_erase
 *
 * An upload belongs to nobody but its owner (a name that the caller gives) and to no dossier. Only when it is whole,
 * which means that its bytes have the digest it was begun with, can it be bound to a dossier. From then on it is found
 * by dossier, owner and digest together: two owners who have the same file do not learn of each other, and neither do
 * two dossiers.
 *
 * Its key is a key entry of its own, for the dossier is not known when its first byte is sealed. So a document can be
 * destroyed without its dossier (an upload that nothing refers to), and its dossier's erasure destroys it too
 * (store_doc_erase). What LMDB holds in clear of it is that entry, the dossier's, and the sizes; digest and owner are
 * sealed, or lie in a tag that only the dossier's key makes.
 *
 * All writes go into the open batch (store.h) and are durable after store_commit(): after a crash an upload has the
 * chunks that were committed and goes on from there. A document is bound in the commit of the record that refers to it.
 *
 * Errors, ownership and threads are store.h's; a failure that is not named beside a function drops the batch and
 * latches.
 */
#ifndef STORE_DOC_H
#define STORE_DOC_H

#include "proto/digest.h"
#include "proto/limits.h"
#include "store/store.h"

#define STORE_DOC_CHUNK     DOCUMENT_CHUNK_SIZE
#define STORE_DOC_SIZE_MAX  DOCUMENT_SIZE_MAX
#define STORE_DOC_OWNER_MAX 64u /* bytes of an owner's name */
#define STORE_DOC_ERASE_MAX 64u /* documents that one call destroys */

struct store_doc {
    uint32_t entry; /* the key entry of its own; names it */
    uint32_t size, received;
    uint64_t began_ms;
    uint8_t digest[DIGEST_SIZE];
    char owner[STORE_DOC_OWNER_MAX + 1];
    struct digest sofar; /* of the chunks received; whole blocks */
};

static inline bool
store_doc_is_whole(const struct store_doc *doc)
{
    return doc->received == doc->size;
}

/* Is there room for `bytes` more of documents? They stop at STORE_MAP_DOC_PCT of the largest map, so that what is
 * written of events has room for long after. Grows the map as store_room() does. -ENOSPC */
int store_room_doc(struct store *st, uint64_t bytes);

/*
 * Begins an upload; size, digest, owner (not empty) and began_ms are given, the rest is filled in.
 *   -EINVAL  no owner, or the size is none of 1 ... STORE_DOC_SIZE_MAX
 *   -ENOSPC  there are no more key entries
 */
int store_doc_begin(struct store *st, struct store_doc *doc);

/*
 * Adds the next chunk: STORE_DOC_CHUNK bytes, or what is left when it is less. doc moves on.
 *   -EINVAL   it is whole, or another length is due, or its key is gone: nothing was changed
 *   -EILSEQ   the document would be whole with this chunk, and its bytes have another digest than announced.
 *             What came is given up in this batch; the upload begins anew, with nothing received.
 */
int store_doc_put(struct store *st, struct store_doc *doc, const void *bytes, size_t len);

/*
 * Gives a whole upload to a dossier: it is none any more. dossier: the key entry of a committed or pending record.
 *   -EEXIST   the owner has this document in that dossier already: the upload stays one
 *   -EINVAL   it is not whole, or one of the two keys is gone
 */
int store_doc_bind(struct store *st, const struct store_doc *doc, uint32_t dossier);

/* The owner's document of that digest in the dossier; fills *ret (without began_ms). Sees the open batch. -ENOENT also
 * when it or its dossier was erased. */
int store_doc_find(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE],
                   struct store_doc *ret);

/*
 * Opens chunk number `chunk` (from 0) of an upload or document into buf, of STORE_DOC_CHUNK bytes. Sees the open batch.
 *   -ENOENT   there is no such chunk, or the document was erased
 *   -EBADMSG  damaged: stop serving
 */
int store_doc_read(struct store *st, const struct store_doc *doc, uint32_t chunk, uint8_t *buf, size_t *ret_len);

/* Every upload, in the order in which they were begun. Stops at, and returns, fn's first non-zero. fn must not write.
 * What an upload's key was destroyed for and its rows not yet: size 0, and nothing but the entry. */
typedef int store_doc_fn(void *arg, const struct store_doc *doc);
int store_doc_each(struct store *st, store_doc_fn *fn, void *arg);
/* How many documents a dossier has, erased ones too whose rows are still there. */
int store_doc_count(struct store *st, uint32_t dossier, size_t *ret_count);

/*
 * Destroys an upload: its key at once and for good, its rows with the open batch that this begins. Not with a batch
 * open. May be repeated, and must be when a crash came between.
 */
int store_doc_drop(struct store *st, const struct store_doc *doc);
/*
 * The same for the documents of a dossier, at most STORE_DOC_ERASE_MAX of them; *ret_count tells how many. Commit, and
 * call again until there are none. The dossier's own key may be gone already.
 */
int store_doc_erase(struct store *st, uint32_t dossier, size_t *ret_count);

#endif
