/*
 * env - opening an LMDB environment (env.h says how)
 *
 * LMDB maps the file without asking how long it is: of a file that lost its end, the first read beyond it is a SIGBUS.
 * So its length is compared with LMDB's own page count. A commit may count pages at the end that it did not write
 * (taken and given up within one transaction), hence an allowance where a false alarm would cost more than a rebuild.
 */
#include "store/env.h"

#include "proto/file.h"
#include "store/lmdb_err.h"
#include "store/store.h"

#include <assert.h>
#include <sys/stat.h>

int
env_pages(MDB_env *env, uint64_t *ret_pages, uint64_t *ret_page_size)
{
    MDB_envinfo info;
    MDB_stat stat;
    int rc;

    if ((rc = mdb_env_info(env, &info)) != 0 || (rc = mdb_env_stat(env, &stat)) != 0)
        return err_from_lmdb(rc);
    *ret_pages = info.me_last_pgno + 1;
    *ret_page_size = stat.ms_psize;
    return 0;
}

static int
file_check(MDB_env *env, uint64_t unwritten_max)
{
    uint64_t pages, page_size;
    struct stat sb;
    int fd, rc;

    rc = env_pages(env, &pages, &page_size);
    if (rc == 0)
        rc = err_from_lmdb(mdb_env_get_fd(env, &fd));
    if (rc != 0)
        return rc;
    if (fstat(fd, &sb) != 0)
        return -errno;
    return (uint64_t)sb.st_size + unwritten_max < pages * page_size ? -EBADMSG : 0;
}

/* What LMDB made is for who serves, also when root opened it. */
static int
files_give(const char *dir)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[PATH_MAX];
    int rc = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++) {
        rc = file_path(path, dir, names[i]);
        if (rc == 0)
            rc = file_owner_inherit(path);
    }
    return rc;
}

int
env_open(MDB_env **ret, const char *dir, unsigned dbs, uint64_t map_size_max, uint64_t unwritten_max, bool ahead)
{
    uint64_t map_size = STORE_MAP_MIN;
    MDB_env *env = NULL;
    char path[PATH_MAX];
    unsigned flags = 0;
    struct stat sb;
    int rc, dead;

    rc = file_path(path, dir, "data.mdb");
    if (rc != 0)
        return rc;
    if (stat(path, &sb) == 0)
        while (map_size / 2 < (uint64_t)sb.st_size && map_size < map_size_max)
            map_size *= 2;
    if (map_size > map_size_max)
        map_size = map_size_max; /* LMDB raises it again when the file is longer */

    if ((rc = mdb_env_create(&env)) != 0 || (rc = mdb_env_set_mapsize(env, map_size)) != 0 ||
        (rc = mdb_env_set_maxdbs(env, dbs)) != 0 ||
        (rc = mdb_env_open(env, dir, MDB_NOTLS | (ahead ? 0 : MDB_NORDAHEAD), 0600)) != 0 ||
        (rc = mdb_reader_check(env, &dead)) != 0 || (rc = mdb_env_get_flags(env, &flags)) != 0) {
        rc = err_from_lmdb(rc);
        goto out;
    }
    assert((flags & (MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC)) == 0);
    rc = file_check(env, unwritten_max);
    if (rc == 0)
        rc = files_give(dir);
    if (rc == 0) {
        *ret = env;
        env = NULL;
    }
out:
    if (env != NULL)
        mdb_env_close(env);
    return rc;
}

int
env_open_copy(MDB_env **ret, const char *dir, unsigned dbs)
{
    MDB_env *env = NULL;
    char path[PATH_MAX];
    struct stat sb;
    int rc = file_path(path, dir, "data.mdb");

    if (rc != 0)
        return rc;
    if (stat(path, &sb) != 0)
        return -errno;
    if ((rc = mdb_env_create(&env)) == 0 &&
        (rc = mdb_env_set_mapsize(env, (uint64_t)sb.st_size > STORE_MAP_MIN ? (uint64_t)sb.st_size : STORE_MAP_MIN)) ==
            0 &&
        (rc = mdb_env_set_maxdbs(env, dbs)) == 0)
        rc = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
    if (rc == 0) {
        *ret = env;
        return 0;
    }
    if (env != NULL)
        mdb_env_close(env);
    return err_from_lmdb(rc);
}
