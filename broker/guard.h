/*
 * guard - the last checkpoint that was signed, outside of the log
 *
 * A copy of the log that was put back from a backup looks whole. The guard remembers how far the log had come: one
 * file, best on another file system than the log, that holds the newest signed checkpoint. It is replaced (written
 * aside, synced, renamed, its directory synced) before anybody is shown that checkpoint, and only if it still holds
 * what we last wrote: two brokers with copies of one log notice each other there.
 *
 * An empty file says that nothing is known yet. `wicid init` makes one; afterwards an operator who knows why the log
 * is shorter than the guard may empty it.
 *
 * Errors: 0 or -errno. Threads: one.
 */
#ifndef BROKER_GUARD_H
#define BROKER_GUARD_H

#include <stddef.h>

#define GUARD_SIZE_MAX 4096u /* bytes: a note with one signature, and room */

struct guard {
    const char *path; /* the caller's */
    char held[GUARD_SIZE_MAX + 1];
    size_t held_len; /* 0: empty */
};

/* Makes an empty one. -EEXIST: there is a file that is not empty. One that is empty is left as it is. */
int guard_create(const char *path);

/* Reads what it holds. -ENOENT: there is no file. -EBADMSG: it is larger than GUARD_SIZE_MAX. */
int guard_open(struct guard *ret, const char *path);

/* Puts a note in its place. -ESTALE: somebody else wrote the file meanwhile; it was not touched. After any other
 * failure the file holds the old note or this one; trying again, with this note or a newer one, is right. -EMSGSIZE:
 * more than GUARD_SIZE_MAX */
int guard_replace(struct guard *guard, const char *note, size_t len);
/* Makes sure that the file keeps what it holds, whoever put it there and died before that. */
int guard_sync(const struct guard *guard);

#endif
