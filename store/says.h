/*
 * says - what an event says of itself, as far as the store's own tables must agree with it
 *
 * The event's id, for the table of ids; its author's unit, the documents it names and whether all had been sent, for
 * the table of documents. All else in an event is no matter of the store's.
 *
 * Ownership: what is handed out lives in the arena, until that is reset. Threads: any, each with its own arena.
 */
#ifndef STORE_SAYS_H
#define STORE_SAYS_H

#include "proto/arena.h"
#include "proto/digest.h"
#include "store/store.h"

struct says {
    uint8_t id[16];
    const char *unit; /* of its author */
};

/*
 * The header of a record with its content.
 *   -ENOENT   it has none
 *   -EBADMSG  it has no sense
 *   -ENOMEM   the arena is used up
 */
int says_of(const struct store_row *row, struct arena *arena, struct says *ret);

/* Each document that its sections name. *ret_all: every section was one that this build knows; what others name is not
 * seen. Stops at, and returns, fn's first non-zero. */
typedef int says_document_fn(void *arg, const uint8_t digest[DIGEST_SIZE], uint32_t size);
int says_documents(const struct store_row *row, struct arena *arena, says_document_fn *fn, void *arg, bool *ret_all);
/* Did the broker note, when it took the event, that a document which it names had not been sent (W_DOCUMENT)? */
bool says_document_unsent(const struct store_row *row, struct arena *arena);

#endif
