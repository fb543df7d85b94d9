/*
 * erased - which keys were destroyed, in a file that is not restored with them
 *
 * An older copy of the key store that is put back has keys that were destroyed since. This file says which, and lies
 * where the guard lies: when a store is opened, what it names is destroyed once more, before anything is read. It holds
 * numbers only:
 *
 *     header   magic "WICIGONE" 8 | version u32 = 3 | zero 4 | pair id 16
 *     each     entry u32 | generation u32 of the key that was destroyed | mark 16 | sum (check.h) of these, pair id and
 *              place in the file u64
 *
 * The mark is what the erased dossier is recognised by (docs/AUDIT.md, Erasing), zeros where the key was a document's,
 * or whoever destroyed it did not know.
 *
 * A key is entered, and that is synced, before it is destroyed. It is entered where there are zeros, and the file keeps
 * its length: a full list is written anew with twice the room, synced, and put in the place of the old one. So a power
 * cut leaves zeros or the record, whatever a file system does with the end of a file. A number that is entered twice,
 * or whose key is there still since a crash came between, is no harm: whoever entered it was about to destroy it.
 *
 * Errors: 0 or -errno. Threads: one.
 */
#ifndef STORE_ERASED_H
#define STORE_ERASED_H

#include "store/check.h"
#include "store/keys.h"
#include "store/store.h"

#define ERASED_RECORD_SIZE (4u + 4u + STORE_MARK_SIZE + CHECK_SIZE)

struct erased;

/* Reads the file; without one nothing was destroyed, and the first one entered makes it. -EBADMSG: it is no such file,
 * or another log's, or a record of it does not fit its sum: which key it names is then not known. */
int erased_open(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE]);
/* The same to look at it only. */
int erased_open_copy(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE]);
void erased_close(struct erased **erased);

/* Enters a key, unless it is there, with its mark; NULL: none. Synced when this returns 0. */
int erased_add(struct erased *erased, uint32_t entry, uint32_t generation, const uint8_t *mark);

/* Is that key, or a younger one of the entry, named? */
bool erased_names(const struct erased *erased, uint32_t entry, uint32_t generation);

/* Each key once, in the order of their entries in the list; stops at, and returns, the first non-zero of fn. */
int erased_each(const struct erased *erased, store_erased_fn *fn, void *arg);

/* Destroys in this key store whatever of it is there. -errno of keys.h */
int erased_repeat(const struct erased *erased, struct keys *keys);

#endif
