/*
 * deeds - what institutions do with a broker whose power is cut, drawn from a seed (scene.h, erase)
 *
 * A row of deeds; each is one thing that is acknowledged: an event is published into a dossier, new or known, with a
 * document or without one; two cases become one; a dossier is erased, with those merged with it. Everything about
 * deed k follows from the seed, so that the checker knows what must be there without having seen the run, and a deed
 * that a power cut undid is done once more with the same bytes.
 *
 * Errors: 0 or -errno; -EPROTO: the broker answered what it should not have (deed_answer()). Threads: one.
 */
#ifndef CRASH_DEEDS_H
#define CRASH_DEEDS_H

#include "proto/digest.h"
#include "proto/event.h"
#include "tests/crash/serve.h"

#define DEEDS_MAX     40u
#define DOSSIERS_MAX  44u
#define DEED_SECTIONS 3u
#define DEEDS_MARK    "znak-ktorego-szukamy" /* in every text and document */

enum deed_kind { DEED_LETTER, DEED_PAPER, DEED_CASE, DEED_MERGE, DEED_ERASE };

struct deed {
    enum deed_kind kind;
    unsigned dossier, other; /* other: DEED_MERGE */
    enum serve_unit author;
    bool copies;           /* where backups are made: before it one begins */
    bool acks;             /* the reader that follows acknowledges what it was given by then */
    uint32_t len;          /* of its text, or of its document */
    bool restart;          /* then the broker ends and starts; between the two the log ... */
    bool compact, log_key; /* ... gets a fresh file, another key to sign with */
    uint64_t gone;         /* after it: bit i: dossier i is erased */
};

struct deeds {
    uint64_t seed;
    bool followed;                 /* the reader follows by a durable cursor */
    bool copied;                   /* backups are made beside them */
    struct deed at[DEEDS_MAX + 1]; /* from 1 on */
};

void deeds_make(struct deeds *deeds, uint64_t seed);
/* Letters and papers alone, some of them the reader's own, who follows. */
void deeds_make_followed(struct deeds *deeds, uint64_t seed);

static inline bool
deed_is_event(const struct deed *deed)
{
    return deed->kind != DEED_ERASE;
}

/* Is it an event in a dossier that is erased after deed k? */
static inline bool
deed_is_gone(const struct deeds *deeds, uint64_t number, uint64_t k)
{
    return (deeds->at[k].gone >> deeds->at[number].dossier & 1) != 0;
}

void deed_dossier_id(const struct deeds *deeds, unsigned dossier, uint8_t ret[16]);
void deed_event_id(const struct deeds *deeds, uint64_t k, uint8_t ret[16]);

/* The event as it is sent; lives until the next call. */
const Wici__V1__Event *deed_event(const struct deeds *deeds, uint64_t k);
/* The document of a DEED_PAPER, at[k].len bytes; lives until the next call of this or deed_event(). */
const uint8_t *deed_document(const struct deeds *deeds, uint64_t k, uint8_t ret_digest[DIGEST_SIZE]);

/* Does deed k with the broker that is open, until it is acknowledged; twice: it was done before. */
int deed_do(const struct deeds *deeds, uint64_t k, bool twice);
/* The size of the checkpoint that the broker shows whoever asks; 0: none was signed yet. */
int deed_checkpoint(uint64_t *ret_size);
/* What the broker said that it should not have; "" when nothing. */
const char *deed_answer(void);

#endif
