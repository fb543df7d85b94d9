/*
 * init - makes a log and its first records, on a stopped broker
 *
 * What has to be there before anybody can connect: directories, the key-encryption key, the broker's CURVE key, the key
 * that signs checkpoints and the guard's file, the log with its name, and in it the operator's agency, the
 * administrator's unit and key, the policy and the public half of the signing key.
 *
 * May be repeated after an interruption: what is there is used, until the log has its first records.
 *
 * Errors: 0 or -errno; what went wrong was logged. Threads: one.
 */
#ifndef BROKER_INIT_H
#define BROKER_INIT_H

#include "broker/config.h"

#include <stdbool.h>

struct init_options {
    const char *origin; /* the log's name: "wici.miasto.example/2026" */
    const char *agency, *agency_name, *unit;
    const char *agency_kind; /* "OPS", "CUS", ...: a word of sys.agency_enrolled */
    const char *admin_key;   /* file to write the administrator's key pair to */
};

/* -EEXIST: the log has records already. */
int init_run(const struct config *config, const struct init_options *options);

/*
 * Gives the log a new key to sign its checkpoints with, in place of the one in config->checkpoint_key, and records it.
 * After an interruption, once more finishes what was begun.
 *   -ESTALE  the guard or the key file knows more than the log: an older copy was put back
 *   -EBADMSG the key file holds another log's key, which is left there
 */
int init_log_key(const struct config *config);

/*
 * An older copy of the log was put back: the log goes on from what it holds as a new epoch (store.h), with a key of its
 * own to sign with. The record of it carries the checkpoint that the guard holds; what came after the copy is not in
 * this log. After an interruption, also of init_log_key(), once more finishes what was begun. Where wicid restore put
 * the log there it takes the mark of that away.
 *   -EEXIST  the log holds all that was signed, was not restored by wicid, and neither guard nor key in its place
 *            tells of another branch: there is nothing to part from
 *   -EBADMSG the key file holds another log's key; or the guard, what none of this log's keys signed
 */
int init_new_epoch(const struct config *config);

/* Gives the administrator's unit options->unit a new key, written to options->admin_key; the record of it stays in the
 * log. The other options are not used. -ENOENT: there is no such administrator. */
int init_recover(const struct config *config, const struct init_options *options);

#endif
