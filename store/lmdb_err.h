/*
 * lmdb_err - the one place where LMDB's codes become ours
 *
 * LMDB speaks errno when positive and its own codes when negative; we speak -errno.
 */
#ifndef STORE_LMDB_ERR_H
#define STORE_LMDB_ERR_H

#include <errno.h>
#include <lmdb.h>

static inline int
err_from_lmdb(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return 0;
    case MDB_NOTFOUND: return -ENOENT;
    case MDB_KEYEXIST: return -EEXIST;
    case MDB_MAP_FULL: return -ENOSPC;
    case MDB_BAD_VALSIZE: return -EINVAL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE: return -EBADMSG; /* the file is not what we wrote */
    default: return rc > 0 ? -rc : -EIO;
    }
}

#endif
