/*
 * env - opening an LMDB environment the way both of ours are
 *
 * Default flags only: each commit is synced, data before meta page; anything weaker loses acknowledged commits in a
 * power cut. MDB_NOTLS is no such flag: it ties read transactions to their handle instead of the thread. Nor is
 * MDB_NORDAHEAD, which is on only where a table is read in the order of its keys, that is all over the file: what reads
 * a cold log most is a replay, in the file's order.
 *
 * Errors: 0 or -errno, as lmdb_err.h maps them. Ownership: the caller closes the environment (mdb_env_close).
 */
#ifndef STORE_ENV_H
#define STORE_ENV_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Opens dir, which must exist, with room for `dbs` databases. The map is STORE_MAP_MIN doubled until the file fills
 * half of it at most, but not above map_size_max (unless the file is). ahead: the system is to read ahead.
 *   -EBADMSG  it is not LMDB's, or more than unwritten_max bytes are missing at its end
 */
int env_open(MDB_env **ret, const char *dir, unsigned dbs, uint64_t map_size_max, uint64_t unwritten_max, bool ahead);
/* Opens dir to read what nobody writes meanwhile: no lock is taken, nothing made. -ENOENT, or as above. */
int env_open_copy(MDB_env **ret, const char *dir, unsigned dbs);
/* Pages that were in use at most so far; what is above is not in the file. */
int env_pages(MDB_env *env, uint64_t *ret_pages, uint64_t *ret_page_size);

#endif
