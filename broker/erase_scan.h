/*
 * erase_scan - what an erasure would take, and who was given what of it; changes nothing
 *
 * Goes through the records of the dossiers a piece at a time, between batches. It is complete when nothing came to
 * them, and to the directory, since it began; else it begins anew.
 *
 * Errors: 0 or -errno: latch; others are named. Ownership: owns its lists. Threads: the broker's only.
 */
#ifndef BROKER_ERASE_SCAN_H
#define BROKER_ERASE_SCAN_H

#include "broker/erase.h"

struct erase_given {
    uint32_t unit;
    uint64_t *seqs;
    size_t count, size;
};

struct erase_scan {
    uint8_t asked[ERASE_ASKED_MAX][16];
    size_t asked_count;
    struct core_erase_member members[ERASE_DOSSIERS_MAX]; /* those that go first */
    size_t member_count, goes;
    uint64_t *seqs; /* of the records, ascending once it is complete */
    size_t count, size;
    uint64_t first_seq, last_seq;
    size_t documents;
    struct erase_given *given; /* by unit, ascending */
    size_t given_count, given_size, given_total;
    /* where it stands */
    size_t member_at;
    uint64_t pos, head, directory_version;
    unsigned passes;
};

/* Looks the asked dossiers up. -ENOENT: none of them is known. -ENOBUFS: ERASE_DOSSIERS_MAX */
int erase_scan_begin(struct broker *b, struct erase_scan *scan);
/* At most ERASE_STEP_RECORDS more. -ENOBUFS: ERASE_GIVEN_MAX. -EBUSY: ERASE_PASSES_MAX. -ENOENT: they are gone */
int erase_scan_some(struct broker *b, struct erase_scan *scan, bool *ret_complete);
/* Gives the lists back. */
void erase_scan_free(struct erase_scan *scan);

/* How many ranges such numbers make. */
size_t erase_ranges_count(const uint64_t *seqs, size_t count);

#endif
