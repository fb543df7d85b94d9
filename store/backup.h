/*
 * backup - a whole, verified copy of a log and its key store, while the log is in use
 *
 *     log_to/LABEL/log/data.mdb    the log as it stood at one commit
 *     log_to/LABEL/BACKUP          what the copy is (below)
 *     keys_to/LABEL/keys           the key store, copied after the log, so that it has every key that the copy needs
 *     keys_to/LABEL/BACKUP         the same text
 *
 * The two may lie apart: the one without the other tells nobody anything. Both are written under the name LABEL.part,
 * synced, read back and verified (verify.h, content opened with the copied keys), and only then get their names: first
 * the keys, then the log. So log_to/LABEL is there whole, with its keys, or not at all; a process that dies on the way
 * leaves LABEL.part, which the next attempt under this label removes, and perhaps keys_to/LABEL without a log, under
 * which label nothing is tried again.
 *
 * The log is read through LMDB by a process of its own, never by the one that has it open (LMDB forbids both in one).
 * It holds a read transaction while it copies: pages that were given up meanwhile are not used again until it ends, so
 * the log's file may grow by what is written meanwhile. Writers never wait for it. The copy holds no pages that the log
 * had given up.
 *
 * BACKUP is lines of "word value", in this order, each once, but for vkey, of which there is one for each key:
 *
 *     wici-backup 1
 *     origin wici.example.pl/2026
 *     epoch 1
 *     records 4711
 *     root <base64 of the tree's root over them>
 *     time 2026-11-26T12:15:30.000Z
 *     vkey <a key that signs the log, as text>
 *
 * Errors: see below. Threads: one.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "proto/limits.h"
#include "store/store.h"
#include "store/verify.h"

#include <stdatomic.h>

#define BACKUP_FILE     "BACKUP"
#define BACKUP_TEXT_MAX (512u + NOTE_KEYS_MAX * (NOTE_KEY_TEXT_SIZE + 6u)) /* bytes of the file BACKUP */

enum backup_phase { BACKUP_STARTING, BACKUP_COPYING, BACKUP_VERIFYING, BACKUP_NAMED };

struct backup_options {
    struct store_options store;   /* that is in use */
    const char *log_to, *keys_to; /* directories that exist, two different ones */
    const char *label;
    const struct note_key *keys; /* of the log, distinct, at most NOTE_KEYS_MAX */
    size_t key_count;            /* at least one */
};

/* May lie in memory that another process looks at meanwhile. */
struct backup_report {
    _Atomic uint32_t phase; /* enum backup_phase */
    struct verify_report verify;
};

/* Letters, digits, . _ -; it does not begin with a dot, nor end with ".part". */
bool backup_label_is_valid(const char *label);

/*
 * Makes one. report->verify.records is the number of records in it. After a failure nothing of it is left, as far as
 * what is broken lets go.
 *   -EINVAL   no such label; or both directories are one
 *   -EEXIST   there is a backup of that label, or its keys
 *   -ENOENT   one of the directories, or the log, is not there
 *   -EBADMSG, -ENODATA, -EPERM  the copy does not verify, see verify.h; report->verify says what
 *   -ENOSPC, -EIO, ...          it could not be written
 */
int backup_make(const struct backup_options *options, struct backup_report *report);

/* What a file BACKUP says. */
struct backup_what {
    char origin[STORE_ORIGIN_MAX];
    uint64_t epoch, records, time_ms;
    uint8_t root[MERKLE_HASH_SIZE];
    struct note_key keys[NOTE_KEYS_MAX];
    size_t key_count;
};

/* Reads dir/BACKUP. -ENOENT: there is none. -EBADMSG: it is not what backup_make writes. */
int backup_read(const char *dir, struct backup_what *ret);

#endif
