/*
 * restore - a backup (backup.h) takes the place of a log that is lost
 *
 * On the machine of a stopped broker: FROM/log goes to data.dir, a key store to key.dir, and a mark beside the log says
 * that this was done. Nothing that is there is overwritten: there must be no log in data.dir; a key store in key.dir
 * stays and is used, since it is younger than any copy of it and has every key that the copy has, but for those that
 * were destroyed meanwhile; and but for copies of a branch that an earlier restoration gave up: entries that the
 * restored log did not use are given anew, and such a copy opens with the key store copied beside it only. Only where
 * there is none the one in KEYS_FROM is copied: the newest that there is, it need not be of the same backup.
 *
 * The copy is verified first, opened with the key store that will be used. Content whose key was destroyed since it was
 * made may be missing, where the list of destroyed keys (erased.h) names the key. Then
 *
 *     data.dir/restored            the mark; synced
 *     key.dir/keys                 if there was none
 *     data.dir/log.new -> log      the log has its name last
 *
 * so that a log that was put back never lies there without its mark. What was interrupted is begun anew by the same
 * call. A log with its mark is not to be served before a new epoch began in it (store_epoch_begin): whether what it
 * lacks was ever signed, nobody can tell.
 *
 * Errors: see below. Threads: one; no store of the process is open. Reading a damaged copy may kill the process, as
 * verify.h says: restore_verify() is for one that may die.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "store/backup.h"

#define RESTORE_MARK "restored" /* in the data directory; holds the file BACKUP of what was restored */

struct restore_options {
    struct store_options store; /* where to; the last parts of its directories are made */
    const char *from;           /* a backup of a log */
    const char *keys_from;      /* a directory with a key store; NULL: the one in store.key_dir has to do */
};

/*
 * Is there room for it to be put? Nothing is changed.
 *   -EEXIST   there is a log in the data directory
 *   -EBUSY    some process has it open
 *   -ENOENT   from is no backup
 *   -EBADMSG  its description has no sense
 *   -ENOKEY   there is no key store in store.key_dir, and keys_from names none
 */
int restore_check(const struct restore_options *options, struct backup_what *ret);

/* Verifies the copy; -EBADMSG also when it is not what its description says. The others are those of verify_copy(). */
int restore_verify(const struct restore_options *options, const struct backup_what *what, struct verify_report *report);

/* Puts it there. Errors: those of restore_check(), and of the disk; after those once more goes on. */
int restore_put(const struct restore_options *options);

/* ---- the mark */

/* 0; -ENOENT: there is none. */
int restore_mark_find(const char *data_dir);
/* When an epoch began. 0 also when there was none. */
int restore_mark_remove(const char *data_dir);

#endif
