/*
 * signerfile - the key that signs a log's checkpoints, in a file that only its owner can read
 *
 *     # wici.example/2026: signs checkpoints; whoever has it can sign for the log
 *     PRIVATE+KEY+wici.example/2026+c9d2b16a+AQk...
 *     # What the guard held when this key was made was signed by:
 *     after wici.example/2026+5a6e0e1b+AQc...
 *
 * One signer key as note.h writes it, and where a log went on with it after another key, which of them had signed last:
 * if that log is lost, this file alone tells whose the guard's checkpoint is (broker/rotate.c). Lines that begin with #
 * are comments.
 *
 * Errors: 0 or -errno. Ownership: the caller wipes what it read with note_signer_wipe(). Threads: any.
 */
#ifndef WICI_SIGNERFILE_H
#define WICI_SIGNERFILE_H

#include "proto/note.h"

/* ret_after: NULL when it is not asked for; its name is "" when the file names none. -EPERM, others: as secret_read().
 * -EBADMSG: it does not hold exactly one signer key, or more than that and one key before it. -EIO */
int signerfile_read(const char *path, struct note_signer *ret, struct note_key *ret_after);

/* Writes a new file and syncs it, as secret_write() does. after: NULL for none. -EEXIST */
int signerfile_write(const char *path, const struct note_signer *signer, const struct note_key *after);

#endif
