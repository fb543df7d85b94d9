/*
 * desk - what is written on the stopped broker is written here: the log, its fold, the sequencer
 *
 * Errors: 0 or -errno; what went wrong was logged where it says so. Threads: one.
 */
#ifndef BROKER_DESK_H
#define BROKER_DESK_H

#include "broker/checkpoint.h"
#include "broker/config.h"
#include "broker/sequence.h"

struct desk {
    struct store *store;
    struct core *core;
    struct sequence *sequence;
    struct log_keys log_keys; /* with those of what is appended here */
    uint64_t now_ms;
};

/* Opens and folds the log; logged. After a failure too desk_close() is called. The desk stays where it is until then.
 */
int desk_open(struct desk *desk, const struct config *config);
void desk_close(struct desk *desk);

/* Makes a signer key of that name in a new file. after: see signerfile.h. -EINVAL: it is no name for a key. */
int desk_signer(const char *path, const char *name, const struct note_key *after, struct note_signer *ret);
/* Writes the record that announces the log's key. replaces: NULL when it is the first. endorsed (endorse.h): "" when no
 * key vouches for it. */
int desk_log_key(struct desk *desk, const struct note_key *key, const struct note_key *replaces, const char *endorsed);

#endif
