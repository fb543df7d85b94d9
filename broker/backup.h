/*
 * backup - a copy of the log and the key store while the broker serves (store/backup.h)
 *
 * A child process makes it: the broker's own program, started anew, so that LMDB's rules hold (no fork with an open
 * environment, none opened twice in a process) and nothing of the loop is shared. The loop looks after it ten times a
 * second; it never waits for it.
 *
 *     ask -> WAITING -> COPYING -> VERIFYING -> DONE
 *                          `----------`-------> FAILED
 *
 *     WAITING     what the log holds is signed, and the checkpoint goes into the next commit, so that the copy has it;
 *                 while an erasure is looked into, until its intent is recorded and its keys are destroyed
 *     DONE        the copy is on disk under its name, and the commit that says so is made
 *
 * Only then safe_up_to rises: publishers let their copies of events go that are below it. It never falls. The place of
 * the copy is the operator's choice (config: backup.dir, backup.key_dir), never that of who asks: an administrator
 * elsewhere must not choose where the broker writes on its own machine, so the question carries a label only.
 *
 * A copy of the log needs every key that it uses, and the key store is copied after it: so no erasure destroys keys
 * between the two, it waits until both are copied (backups_copying). The copy holds then what it held when it was asked
 * for; else it has the erasure's intent. While it is verified erasures go on.
 *
 * Errors: 0 or -errno; others than those named: latch. Threads: the loop's.
 */
#ifndef BROKER_BACKUP_H
#define BROKER_BACKUP_H

#include "broker/checkpoint.h"
#include "broker/config.h"
#include "store/backup.h"

enum backup_state {
    BACKUP_NONE,
    BACKUP_WAITING,
    BACKUP_SIGNED, /* what was signed waits for the commit */
    BACKUP_RUNNING,
    BACKUP_RECORDED, /* the record of it waits for the commit */
    BACKUP_DONE,
    BACKUP_FAILED
};

/* How the last one is. The texts live until the next call of backups_look or backups_ask. */
struct backup_view {
    const char *word; /* "NONE", "WAITING", "COPYING", "VERIFYING", "DONE", "FAILED" */
    /* "EXISTS", "NO_PLACE", "NO_SPACE", "NO_ACCESS", "INVALID", "BROKEN"; "DIED": the process that made it; else "" */
    const char *failure;
    const char *label;             /* "": none since the broker started */
    uint64_t records;              /* in the copy, when it is done; while it is verified, those looked at */
    uint64_t bytes;                /* while copying: written so far */
    uint64_t started_ms, ended_ms; /* 0: not yet */
};

struct backups;

/* Reads how far the last verified backup goes. -EBADMSG: that has no sense. */
int backups_create(struct backups **ret, const struct config *config, struct store *store,
                   struct checkpoints *checkpoints);
/* Ends a copy that is under way; what is there of it keeps the name LABEL.part. */
void backups_destroy(struct backups **backups);

/* The highest seq in a verified backup that the log knows of; 0: none. */
uint64_t backups_safe_up_to(const struct backups *backups);

/*
 * Begins one.
 *   -EINVAL  no such label
 *   -EBUSY   one is under way
 */
int backups_ask(struct backups *backups, const char *label, uint64_t now_ms);
void backups_view(const struct backups *backups, struct backup_view *ret);

/* The loop's: goes on with what is under way; may write into the open batch. hold: keys are about to be destroyed, and
 * what has not begun to copy waits. */
int backups_look(struct backups *backups, uint64_t now_ms, uint64_t mono_ms, bool hold);

/* Are log and key store being copied? */
bool backups_copying(const struct backups *backups);

/* ---- the child */

extern const char *backup_program; /* what is started; a test that is no wicid sets NULL: then a backup fails */

#define BACKUP_CHILD_WORD "backup-child" /* the first argument of such a process */

/* What main() does when its first argument is that word; its exit code. */
int backup_child_main(int argc, char **argv);

#endif
