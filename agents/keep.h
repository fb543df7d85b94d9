/*
 * keep - events on disk until they are safe in a backup of the broker
 *
 * One file an event in a directory of its own. A file's name carries its state:
 *
 *     00000000000000000042-<event id>.wait        no answer yet: to be sent (again) after a restart
 *     00000000000000000042-<event id>.at4711      in the log as 4711; to be sent again if the log goes back
 *
 * Errors: 0 or -errno. Threads: one. Two programs never share a directory (a lock sees to it).
 */
#ifndef WICI_KEEP_H
#define WICI_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_EVENT_MAX ((128u << 10) + 1024u) /* bytes of one encoded event: EVENT_SIZE_MAX and the tags around it */

struct keep;

struct keep_event {
    char id[37];
    const uint8_t *data;
    size_t len;
};

/* Opens the directory and finds what it holds. Files without an answer become due. -EBUSY: another program's. */
int keep_open(struct keep **ret, const char *dir, size_t max);
void keep_close(struct keep **keep);

/* Writes the events and fsyncs them and the directory; ret[i] is the number of events[i], 1 and up. -ENOSPC: full of
 * events without an answer. On failure none is kept. */
int keep_add(struct keep *keep, const struct keep_event *events, size_t count, uint64_t *ret);
/* The event is in the log. Numbers that are unknown are ignored, here and below. */
int keep_answered(struct keep *keep, uint64_t number, uint64_t seq);
/* The event was refused: it is the application's again. */
int keep_drop(struct keep *keep, uint64_t number);
/* Backups hold the log up to seq: what is in it is let go. */
int keep_safe(struct keep *keep, uint64_t seq);

/* What is in the log under these numbers was erased there: it is let go, and never sent again. */
int keep_forget(struct keep *keep, uint64_t from_seq, uint64_t to_seq);

/* Notes the log's epoch. Returns 1 if it is another one than noted before: all events kept are due again. 0: the same,
 * or the first. */
int keep_epoch(struct keep *keep, uint64_t epoch);

/* The next event that is due, oldest first; the caller frees *ret. -ENOENT: none. */
int keep_next_due(struct keep *keep, uint64_t *ret_number, char ret_id[37], uint8_t **ret, size_t *ret_len);
bool keep_has_due(const struct keep *keep);
size_t keep_due(const struct keep *keep); /* how many are due */
/* The id of each event kept, oldest first. */
void keep_each(const struct keep *keep, void (*fn)(void *arg, const char *event_id), void *arg);
size_t keep_count(const struct keep *keep);

#endif
