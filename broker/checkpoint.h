/*
 * checkpoint - the signed statement of how far the log has come and what is in it
 *
 * The log's key signs the root of the tree over all records (proto/note.h), at most once a second and only when the log
 * grew. Before anybody is shown a checkpoint it is in the guard's file (guard.h); with the next commit it is kept in
 * the log too. The key was announced in the log by a record (sys.log_key) before its first signature, by `wicid init`
 * or by a rotation on the stopped broker.
 *
 * Errors: 0 or -errno; -EBADMSG, -EIO, -ESTALE: latch. Threads: the broker's only.
 */
#ifndef BROKER_CHECKPOINT_H
#define BROKER_CHECKPOINT_H

#include "broker/record.h"
#include "proto/endorse.h"
#include "proto/note.h"
#include "store/store.h"

#define CHECKPOINT_EVERY_MS 1000u

/* ---- the keys that the log has announced and the epochs that began in it, in the order of their records */

#define LOG_KEYS_MAX  NOTE_KEYS_MAX /* each epoch has a key of its own, so they are no more */
#define LOG_NOTE_SIZE 4097u         /* what the guard may hold, with a NUL */

struct log_epoch {
    uint64_t epoch, seq; /* of the record */
};

struct log_keys {
    size_t count;
    struct note_key at[LOG_KEYS_MAX];
    uint64_t seq[LOG_KEYS_MAX];                    /* of the record */
    char endorsed[LOG_KEYS_MAX][ENDORSE_SIZE_MAX]; /* by the key before; "": by none */

    size_t epoch_count; /* without the first epoch, which no record begins */
    struct log_epoch epochs[LOG_KEYS_MAX];
    char last_known[LOG_NOTE_SIZE]; /* the checkpoint that the last of them began behind; "": none was known */
};

/* Does log_keys_take() look at records of this type? They are of leaf class LEAF_KEY. */
bool log_keys_reads(uint32_t type);
/* Takes the key or the epoch of a record, if it is a sys.log_key or sys.epoch. -EBADMSG: what it announces is none, or
 * one too many. */
int log_keys_take(struct log_keys *keys, const struct record *record);
/* Up to which seq has this log the records of another epoch of it? UINT64_MAX: that is no earlier epoch. */
uint64_t log_keys_same_up_to(const struct log_keys *keys, uint64_t epoch);

/* ---- */

struct checkpoints;

struct checkpoints_options {
    struct store *store;
    const struct log_keys *keys; /* borrowed */
    const char *key_file, *guard_file;
};

/*
 * Reads the key and the guard, and compares: the key must be the one announced last, and the log must contain the
 * guard's checkpoint and its own newest one; but for the guard's when the last epoch of the log began behind just that
 * one. What is wrong was logged.
 *   -EPERM    the key file can be read by others
 *   -ENOKEY   it holds no key, or not the log's
 *   -ENOENT   there is no such file
 *   -ESTALE   the log does not contain what was signed: it is an older copy, or another log
 */
int checkpoints_open(struct checkpoints **ret, const struct checkpoints_options *options);
/* Compares all that without the key, and writes nothing. Its errors, without -EPERM and -ENOKEY. */
int checkpoints_compare(const struct checkpoints_options *options);
void checkpoints_close(struct checkpoints **checkpoints);

/*
 * After a commit: signs when it is due; with `last` also within the second. A guard that cannot be written only delays
 * the publication; it is logged, once until it works again.
 *   -ESTALE  somebody else wrote the guard: another broker signs for this log
 */
int checkpoints_sign(struct checkpoints *checkpoints, uint64_t mono_ms, bool last);
/* Before a commit of something else: the newest checkpoint goes into the batch. */
int checkpoints_keep(struct checkpoints *checkpoints);

/* The newest one published; *ret_size 0 and "": none yet. Lives until the next call of checkpoints_sign. */
const char *checkpoints_newest(const struct checkpoints *checkpoints, size_t *ret_len, uint64_t *ret_size);
const struct log_keys *checkpoints_keys(const struct checkpoints *checkpoints);

/*
 * Is this what was signed last? For proofs against the newest checkpoint: -EBADMSG, logged, when the tree's root of
 * that size is another one now.
 */
int checkpoints_verify(struct checkpoints *checkpoints);

#endif
