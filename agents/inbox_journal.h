/*
 * inbox_journal - which events this agent has taken, for ever
 *
 * One file, state/taken, of records of 32 bytes: seq (8 bytes, big endian), event id (16), check (8). A record with
 * seq 0 begins a new epoch of the log and holds its number in place of the id: after the broker was restored from an
 * older copy, sequence numbers begin again from an earlier one, and only ids tell what was taken before.
 * In memory there is one bit for each seq of the present epoch. A torn end is cut off when the file is opened.
 *
 * Errors: 0 or -errno; -EBADMSG: the file is damaged. Threads: one.
 */
#ifndef WICI_INBOX_JOURNAL_H
#define WICI_INBOX_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SEQ_MAX (1ull << 32) /* bounds the bits in memory: 512 MiB */

struct journal;

struct journal_entry {
    uint64_t seq;
    uint8_t id[16]; /* all zero: not known */
};

int journal_open(struct journal **ret, int dir);
void journal_close(struct journal **journal);

/* The present epoch; 0: none noted yet. *ret_first: the first one ever noted. */
uint64_t journal_epoch(const struct journal *journal, uint64_t *ret_first);
/* Begins a new epoch, on the disk before it returns; nothing happens if it is the present one. */
int journal_set_epoch(struct journal *journal, uint64_t epoch);

/* Whether this event was taken: by its seq in this epoch, or by its id in an earlier one. Negative: -errno. */
int journal_has(struct journal *journal, const struct journal_entry *entry);
/* Adds them, on the disk before it returns. -ERANGE: a seq beyond JOURNAL_SEQ_MAX. */
int journal_add(struct journal *journal, const struct journal_entry *entries, size_t count);
/* The highest seq taken in this epoch. */
uint64_t journal_max(const struct journal *journal);

#endif
