/*
 * document - the documents that an event's sections name: {sha256, size, media type, name}, their bytes sent apart
 *
 * Threads: any.
 */
#ifndef WICI_DOCUMENT_H
#define WICI_DOCUMENT_H

#include "digest.h"
#include "event.h"

/* Where a walk over an event's documents stands; all zero at its beginning. */
struct document_walk {
    size_t section, index;              /* of the document found last: event->sections[section], documents[index] */
    const Wici__V1__Document *document; /* borrows the event */
    uint8_t digest[DIGEST_SIZE];
    size_t next;
};

/* The next document; false: there are no more. One whose digest is not spelt as one is passed over. */
bool document_next(const struct event *event, struct document_walk *walk);

/* A section's body; NULL: none that this build knows. */
const ProtobufCMessage *document_body(const Wici__V1__Section *section);
/* The documents that a body (or NULL) names. Returns how many; *ret borrows the body. */
size_t document_list(const ProtobufCMessage *body, Wici__V1__Document *const **ret);

/* The path of the document found last, in JSON names: "sections[1].caseOpenedS6.documents[0]". */
void document_path(const struct event *event, const struct document_walk *walk, char *ret, size_t size);

/* 64 lower-case hexadecimal digits. -EINVAL */
int document_digest_parse(const char *text, uint8_t ret[DIGEST_SIZE]);
#define DOCUMENT_DIGEST_TEXT_SIZE (2 * DIGEST_SIZE + 1)
void document_digest_format(const uint8_t digest[DIGEST_SIZE], char ret[DOCUMENT_DIGEST_TEXT_SIZE]);

#endif
