/*
 * signerfile - the key that signs a log's checkpoints, in a file that only its owner can read
 *
 *     # wici.example/2026: signs checkpoints; whoever has it can sign for the log
 *     PRIVATE+KEY+wici.example/2026+c9d2b16a+AQk...
 *
 * One signer key as note.h writes it; lines that begin with # are comments.
 *
 * Errors: 0 or -errno. Ownership: the caller wipes what it read with note_signer_wipe(). Threads: any.
 */
#ifndef WICI_SIGNERFILE_H
#define WICI_SIGNERFILE_H

#include "proto/note.h"

/* -EPERM, others: as secret_read(). -EBADMSG: it does not hold exactly one signer key. -EIO */
int signerfile_read(const char *path, struct note_signer *ret);

/* Writes a new file and syncs it, as secret_write() does. -EEXIST */
int signerfile_write(const char *path, const struct note_signer *signer);

#endif
