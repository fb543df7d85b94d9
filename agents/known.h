/*
 * known - the log as the agent knows it: the keys that may sign it, and the newest checkpoint that it saw
 *
 * A checkpoint that the broker gives is taken when one of the keys signed it and when it contains the one before; it
 * is then the one that is known, and kept in state/checkpoint. How keys are come by, which epochs are followed and what
 * happens when something does not hold: witness.h.
 *
 * Errors: 0; -ENOTRECOVERABLE: caught, told and noted, stop; -EAGAIN: the broker gives no answer now, ask again;
 * -EBADMSG: a file is damaged, told, stop; else -errno when the disk fails. Ownership: borrows what it is opened with;
 * holds nothing that has to be closed. Threads: one.
 */
#ifndef WICI_KNOWN_H
#define WICI_KNOWN_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"
#include "proto/merkle.h"
#include "proto/note.h"

#include <jansson.h>

#define KNOWN_ALARM_FILE "alarm.json" /* in state */

struct known {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    struct note_key keys[NOTE_KEYS_MAX]; /* that may sign */
    size_t key_count;
    bool keys_fixed; /* by the configuration */
    struct note_checkpoint checkpoint;
    bool has_checkpoint;
};

/* -ENOTRECOVERABLE: an earlier run caught something, and nobody has looked yet; it is told again. */
int known_open(struct known *ret, const struct agent_dirs *dirs, const struct agent_link *link,
               const struct agent_config *config);

/* Takes a checkpoint that the broker gave; *ret: what it says. */
int known_take(struct known *k, const char *note, size_t len, struct note_checkpoint *ret);

/* Tells and notes what does not hold. note (may be NULL): the signed checkpoint that contradicts. -ENOTRECOVERABLE; or
 * -errno: it could not be noted, so what it was found in is to be looked at again. */
int known_caught(struct known *k, const char *what, uint64_t seq, const char *note, size_t note_len);

/* Asks the broker; takes request, gives the member `result` of its answer, the caller's to release. */
int known_ask(struct known *k, json_t *request, const char *result, json_t **ret);

/* The hashes of a proof, as the broker's JSON has them. -EBADMSG */
int known_hashes_take(const json_t *hashes, struct merkle_proof *ret);

/* The epoch that a checkpoint's name says: "wici.example/log-e2": 2; without "-eN": 1. *ret_len: of the name before. */
unsigned long known_epoch_of(const char *origin, size_t *ret_len);

#endif
