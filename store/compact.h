/*
 * compact - the log, row by row, into a fresh file that takes the place of the one in use
 *
 * What LMDB deletes or overwrites lies on in pages it has given up, and in the unused rest of pages in use, for nobody
 * knows how long; its own compacting copy takes the latter along. So what an erasure took away is gone from the file
 * only when its rows were put into a new one:
 *
 *     1  dir/compact/log/data.mdb   each row of each database, in order; synced
 *     2                             read back from the disk and compared with the log, row by row
 *     3  ... -> dir/log/data.mdb    by rename; the directory is synced
 *     4  dir/compact                removed
 *
 * The old file is there until the new one, whole and compared, has its name: at every moment there is one good log
 * under the name of the log. Between 2 and 3 the caller verifies the new file (verify.h). What an interrupted attempt
 * left in dir/compact is removed by the next store_open(): content that is erased meanwhile must not survive there.
 *
 * Nothing else changes: records, tree, proofs, cursors and documents are the same bytes. The finding index, which holds
 * numbers only, stays as it is. The blocks that the old file had are the file system's: on SSDs, copy-on-write file
 * systems and snapshots its bytes can be there still.
 *
 * Errors: see below. Threads: the store's.
 */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "store/store.h"

#define COMPACT_DIR "compact" /* in the data directory */

/* What is told; filled in as far as it came, also on failure. */
struct compact_report {
    uint64_t rows;                      /* of all databases */
    uint64_t bytes_before, bytes_after; /* of the file */
    uint64_t bytes_needed, bytes_free;  /* on the disk; needed is what the rows take now */
};

/*
 * Steps 1 and 2. dir is the store's data directory; no batch is open. The store stays open and as it is.
 *   -EBUSY    another process reads the log (a backup): nothing was done
 *   -ENOSPC   not enough room for a second file: nothing is left of it
 *   -EBADMSG  the log is damaged, or the copy is not what the log is; store_damage() says where
 * After any failure compact_remove() takes away what was made.
 */
int compact_make(struct store *st, const char *dir, struct compact_report *report);

/* Steps 3 and 4. From its rename on the store is that of a file that has no name: close it, and nothing else. */
int compact_place(struct store *st, const char *dir);

/* Removes dir/compact with what compact_make() puts there; 0 also when there is none. -ENOTEMPTY: it holds more. */
int compact_remove(const char *dir);

#endif
