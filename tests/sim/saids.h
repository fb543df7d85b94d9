/*
 * saids - every event that somebody publishes in a run, with what became of it
 *
 * Each section that has a free text holds a mark: "zq", the event's number and the section's place in hexadecimal, a
 * full stop. A mark found in bytes that were sent tells what was told to whom.
 *
 * Ownership: the list owns its events until saids_clear(). Indexes stay; pointers live until the next saids_add().
 */
#ifndef SIM_SAIDS_H
#define SIM_SAIDS_H

#include "proto/event.h"

#define SAID_NONE     UINT32_MAX
#define SAID_MARK_LEN 11u

struct said {
    uint8_t id[16];
    struct bytes header, sections[EVENT_SECTIONS_MAX]; /* own memory */
    size_t section_count;
    char agency[24];          /* whose key sends it first */
    uint32_t client, ordinal; /* who publishes it, as which of its events; SAID_NONE: a copy */
    uint32_t same_as;         /* of which event this is a copy, byte for byte; else itself */
    uint64_t seq;             /* in the log; 0: not */
    struct bytes receipts[2]; /* as first given, without "repeated": whole, and bare; len 0: not yet */
    uint32_t refused;         /* times */
    bool in_clear;            /* was in some log as a record of no dossier, which nothing seals */
    bool let_go; /* its publisher does not keep it, or no more: sent again it comes behind what it was before */
    bool copied; /* somebody else of its unit publishes it, too */
    bool lost;   /* was in a log before this one, behind the copy that was put back */
};

uint32_t saids_count(void);
struct said *saids_at(uint32_t index);
/* Copies the bytes. client, ordinal and same_as are for the caller to fill. */
uint32_t saids_add(const uint8_t id[16], struct bytes header, const struct bytes *sections, size_t count,
                   const char *agency);
void saids_clear(void);
/* No event is in the log any more; those behind the first `head` records are lost. */
void saids_part(uint64_t head);

/* The event with this id that was first made, SAID_NONE; and the next one with the same id. */
uint32_t saids_by_id(const uint8_t id[16]);
uint32_t saids_next_same_id(uint32_t index);
bool said_has_bytes(const struct said *said, struct bytes header, const struct bytes *sections, size_t count);
bool said_is_same(const struct said *a, const struct said *b);

void said_mark(uint32_t index, size_t section, char ret[SAID_MARK_LEN + 1]);
/* The next mark in [at, end): moves *at behind it. */
bool said_find_mark(const uint8_t **at, const uint8_t *end, uint32_t *ret_said, size_t *ret_section);

#endif
