/*
 * kek - another key-encryption key (KEK) takes the place of the one in use, on a stopped broker
 *
 *     1  KEK.next                the new one, in a file beside kek_path
 *     2  key_dir/keys.next       the key store, each key wrapped with the new one
 *     3  kek_copy, copy_dir/keys the copies of both that the operator wants elsewhere; read back, and each key opened
 *                                with them is compared with what the old one opens
 *     4  keys.next -> keys       from here on the old KEK opens nothing that is in use
 *     5  KEK.old                 the old one gets this name too
 *     6  KEK.next -> KEK
 *     7  KEK.old                 overwritten and removed
 *
 * Each step is synced before the next begins. Interrupted before 4 the old pair is in use, as if nothing had been done;
 * after it, the key store and KEK.next fit each other: store_open() says -EPERM, and kek_rotate() once more goes on
 * with what is left. What the old KEK wrapped, in whatever backup, nobody opens after 7 who has no copy of it: so keys
 * that were destroyed since are gone from backups, too. Copies of the log stay good: the new key store opens them.
 *
 * Files get the owner of those whose place they take. Overwriting a file is not destruction on SSDs, copy-on-write file
 * systems and snapshots.
 *
 * Errors: see below. Threads: one; no store of the process is open.
 */
#ifndef STORE_KEK_H
#define STORE_KEK_H

#include "store/store.h"

#include <limits.h>

#define KEK_NEXT ".next"
#define KEK_OLD  ".old"

struct kek_options {
    struct store_options store;
    const char *copy_dir; /* made when only its last part is missing */
    const char *kek_copy; /* a file */
};

enum kek_outcome { KEK_ROTATED, KEK_FINISHED /* what an earlier call had begun; no other rotation was begun */ };

/*
 * entry (may be touched on failure): the key entry that something is wrong with; 0: none.
 *   -ENOENT   there is no log, or no key store
 *   -EBUSY    some process has it open
 *   -EPERM    neither the KEK nor KEK.next opens the key store, or one can be read by others
 *   -EBADMSG  an entry in use does not open; or the key store belongs to another log
 *   -EEXIST   a copy is there already, and holds something else
 *   -EINVAL   both copies are needed to begin
 */
int kek_rotate(const struct kek_options *options, enum kek_outcome *ret, uint32_t *entry);

/* What lies beside the KEK: was a rotation interrupted before the new one had its place; is the old one still there? */
bool kek_is_half_rotated(const char *kek_path);
bool kek_old_is_left(const char *kek_path);

#endif
