/*
 * find - the finding index: which records belong to a key entry
 *
 * A projection of the log, behind it: an LMDB environment of its own, and in memory the records that are not in it yet.
 * Losing it costs time only; it is rebuilt from the log.
 *
 *     find_add (each record appended) --> tail --find_begin--> taken --find_step, many times--> LMDB
 *
 * Many records are taken together, since LMDB writes a touched page whole; but they are written in pieces, so that
 * nobody waits long: each piece a transaction, with the next of the lists taken, in the order of their keys. So LMDB
 * has some lists up to the mark and those below `next` up to the aim, and says so in each transaction:
 *
 *     lists:       0 .. next - 1    next ..
 *     in LMDB:     up to the aim    up to the mark        find_list reads there first,
 *     in memory:   the tail         taken, the tail       then here
 *
 * In LMDB: key (entry u32, generation u32, first seq u64) -> ascending seqs, u64 each, at most FIND_CHUNK of them, and
 * a sum over key and seqs (check.h). Beside them mark, aim and next: with the leaf hashes of the records they stand at
 * and the log's pair id, so that an index that ran ahead of a restored log, or belongs to another one, is noticed; and
 * with the total of all sums, so that opening notices a chunk that is missing, as reading notices one that changed.
 *
 * Errors: 0 or -errno; -EBADMSG: the index is damaged. Threads: one at a time.
 */
#ifndef STORE_FIND_H
#define STORE_FIND_H

#include "proto/leaf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIND_CHUNK     124u /* seqs in one value: 1000 bytes with their sum, so that four fit a page */
#define FIND_PAIR_SIZE 16u

struct find;

/* How far the index got, or is to get. */
struct find_mark {
    uint64_t seq;                 /* records up to here */
    uint8_t hash[LEAF_HASH_SIZE]; /* leaf hash of that record; zero at 0 */
};

/*
 * Opens the index in dir, which is made when it is not there, and reads all of it. One that is damaged, or belongs to
 * another log, is deleted and begun anew. The tail is empty: the caller feeds it with what is behind the mark, and
 * what was written in part is gone on with.
 */
int find_open(struct find **ret, const char *dir, const uint8_t pair[FIND_PAIR_SIZE], uint64_t map_size_max);
void find_close(struct find **find);
/* Deletes all of it; the mark is 0 then. */
int find_restart(struct find *find);
const struct find_mark *find_mark(const struct find *find); /* all records up to it are in LMDB */
const struct find_mark *find_aim(const struct find *find);  /* those being written go up to it; the mark: none is */

/* Seqs come without gaps after the mark, or after the last one added; but a record that is erased may be skipped. */
int find_add(struct find *find, uint32_t entry, uint32_t generation, uint64_t seq);
/* Takes back the record added last, which was of this entry. */
void find_pop(struct find *find, uint32_t entry, uint32_t generation);
/* How many records are to wait in the tail before they are taken together, in a log of `head` records. */
uint64_t find_due(uint64_t head);
/* Takes the tail up to and with aim->seq, to be written in steps. Nothing else is being written. */
int find_begin(struct find *find, const struct find_mark *aim);
/*
 * Writes the next lists of what was taken, in one transaction: as many as the log, which stands at `head`, has gone on
 * since, so that all are written when half of what is due next waits; but none while they are too few to be worth one.
 */
int find_step(struct find *find, uint64_t head);
/* The same with all that is left: the aim is the mark then. */
int find_finish(struct find *find);

/* Takes the lists of an entry away, of all its generations, in one transaction; in the tail too. */
int find_drop(struct find *find, uint32_t entry);

/* Seqs of the entry in [from, upto], ascending, at most max. */
int find_list(struct find *find, uint32_t entry, uint32_t generation, uint64_t from, uint64_t upto, uint64_t *ret_seqs,
              size_t max, size_t *ret_count);

#endif
