/*
 * papers - every document that somebody uploads in a run
 *
 * Each piece of it (STORE_DOC_CHUNK bytes) begins with a mark: "zd", the document's number and the piece's in
 * hexadecimal, a full stop. A mark found in bytes that were sent tells which document was told to whom.
 *
 * Ownership: the list owns them until papers_clear(). Threads: one.
 */
#ifndef SIM_PAPERS_H
#define SIM_PAPERS_H

#include "proto/digest.h"
#include "tests/sim/town.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAPER_NONE     UINT32_MAX
#define PAPER_MARK_LEN 11u

struct paper {
    uint8_t digest[DIGEST_SIZE];
    uint8_t *bytes;
    uint32_t size;
    uint64_t senders; /* bits: units of the town that have begun to send it */
    bool spoilt;      /* somebody has sent other bytes in the place of some of it */
};

/* A new one, of one piece or a few; drawn. */
uint32_t papers_make(void);
uint32_t papers_count(void);
struct paper *papers_at(uint32_t index);
/* PAPER_NONE: there is none of that digest. */
uint32_t papers_find(const uint8_t digest[DIGEST_SIZE]);
/* One of the newest that the unit has begun to send; drawn. PAPER_NONE: it has begun none. */
uint32_t papers_of(const struct town_unit *unit);
void papers_sent_by(uint32_t index, const struct town_unit *unit);
void papers_clear(void);

/* Are these the document's bytes from `offset` on? */
bool paper_has(uint32_t index, size_t offset, const uint8_t *bytes, size_t len);
/* The document of the first mark in these bytes; PAPER_NONE: there is none. */
uint32_t papers_marked(const uint8_t *bytes, size_t len);

#endif
