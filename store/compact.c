/* compact - see compact.h */
#include "store/compact.h"

#include "store/env.h"
#include "proto/file.h"
#include "store/internal.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DBS         8u
#define BATCH_BYTES (8u << 20) /* of rows between two commits of the new file */
#define SLACK_BYTES (1u << 20) /* of the new file beside its rows */

struct db {
    const char *name;
    MDB_dbi from, to;
};

struct compact {
    struct store *st;
    struct compact_report *report;
    struct db dbs[DBS];
    char data[PATH_MAX], new_dir[PATH_MAX], new_data[PATH_MAX]; /* the log's file; DIR/compact/log, and its file */
    MDB_txn *from;                                              /* the log */
    MDB_env *env;                                               /* the new file */
    MDB_txn *txn;
    size_t batch_bytes;
};

/* ---- paths */

static int
paths_make(struct compact *c, const char *dir)
{
    char aside[PATH_MAX], log_dir[PATH_MAX];
    int rc;

    if ((rc = file_path(log_dir, dir, "log")) != 0 || (rc = file_path(c->data, log_dir, "data.mdb")) != 0 ||
        (rc = file_path(aside, dir, COMPACT_DIR)) != 0 || (rc = file_path(c->new_dir, aside, "log")) != 0)
        return rc;
    return file_path(c->new_data, c->new_dir, "data.mdb");
}

static int
gone(int failed)
{
    return failed != 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}

int
compact_remove(const char *dir)
{
    static const char *const files[] = {"log/data.mdb", "log/lock.mdb"};
    char aside[PATH_MAX], path[PATH_MAX];
    int rc = file_path(aside, dir, COMPACT_DIR);

    for (size_t i = 0; rc == 0 && i < sizeof files / sizeof *files; i++)
        if ((rc = file_path(path, aside, files[i])) == 0)
            rc = gone(unlink(path));
    if (rc == 0 && (rc = file_path(path, aside, "log")) == 0)
        rc = gone(rmdir(path));
    return rc == 0 ? gone(rmdir(aside)) : rc;
}

/* ---- before anything is made */

static void
dbs_list(struct compact *c)
{
    const struct store *st = c->st;
    const struct db dbs[DBS] = {{"cp", st->cp, 0},          {"cur", st->cur, 0}, {"doc", st->doc, 0},
                                {"ev", st->ev, 0},          {"id", st->id, 0},   {"meta", st->meta, 0},
                                {"tile", st->tree.tile, 0}, {"val", st->val, 0}};

    memcpy(c->dbs, dbs, sizeof dbs);
}

/* A database that this version does not know would be lost. */
static int
dbs_check(struct compact *c)
{
    MDB_cursor *cursor = NULL;
    MDB_dbi names;
    MDB_val key, val;
    size_t at = 0;
    int rc = mdb_dbi_open(c->from, NULL, 0, &names);

    if (rc == 0)
        rc = mdb_cursor_open(c->from, names, &cursor);
    while (rc == 0 && (rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) == 0) {
        if (at == DBS || key.mv_size != strlen(c->dbs[at].name) ||
            memcmp(key.mv_data, c->dbs[at].name, key.mv_size) != 0) {
            rc = MDB_INCOMPATIBLE;
            break;
        }
        at++;
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_INCOMPATIBLE || (rc == MDB_NOTFOUND && at != DBS))
        return damage_set(c->st, "the log has other databases than this version knows");
    return rc == MDB_NOTFOUND ? 0 : err_from_lmdb(rc);
}

/* LMDB's list has a line for each reader, which begins with the number of its process. */
static int
reader_look(const char *line, void *arg)
{
    long pid = strtol(line, NULL, 10);
    bool *others = arg;

    *others = *others || (pid > 0 && pid != (long)getpid());
    return 0;
}

static int
readers_check(struct store *st)
{
    bool others = false;
    int dead, rc = mdb_reader_check(st->env, &dead);

    if (rc == 0 && mdb_reader_list(st->env, reader_look, &others) < 0)
        return -EIO;
    if (rc != 0)
        return err_from_lmdb(rc);
    return others ? -EBUSY : 0;
}

static int
room_check(struct compact *c, const char *dir)
{
    struct compact_report *r = c->report;
    struct statvfs disk;
    struct stat sb;

    if (statvfs(dir, &disk) != 0 || stat(c->data, &sb) != 0)
        return -errno;
    r->bytes_before = (uint64_t)sb.st_size;
    r->bytes_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    r->bytes_needed = SLACK_BYTES;
    for (size_t i = 0; i < DBS; i++) {
        MDB_stat stat;
        int rc = mdb_stat(c->from, c->dbs[i].from, &stat);

        if (rc != 0)
            return err_from_lmdb(rc);
        r->bytes_needed += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * c->st->page_size;
        r->rows += stat.ms_entries;
    }
    return r->bytes_free < r->bytes_needed ? -ENOSPC : 0;
}

/* ---- the new file */

static int
file_begin(struct compact *c)
{
    char aside[PATH_MAX];
    int rc;

    memcpy(aside, c->new_dir, strlen(c->new_dir) + 1);
    aside[strlen(aside) - strlen("/log")] = '\0';
    if ((rc = file_make_dir(aside)) != 0 || (rc = file_make_dir(c->new_dir)) != 0)
        return rc;
    /* The rows take no more pages than now: they come in order, and fill them. */
    if ((rc = mdb_env_create(&c->env)) == 0 &&
        (rc = mdb_env_set_mapsize(c->env, 2 * c->report->bytes_needed + STORE_MAP_MIN)) == 0 &&
        (rc = mdb_env_set_maxdbs(c->env, STORE_DBS)) == 0)
        rc = mdb_env_open(c->env, c->new_dir, MDB_NOTLS, 0600);
    return err_from_lmdb(rc);
}

static int
batch_end(struct compact *c, int rc)
{
    if (c->txn == NULL)
        return rc;
    if (rc == 0)
        rc = mdb_txn_commit(c->txn);
    else
        mdb_txn_abort(c->txn);
    c->txn = NULL;
    c->batch_bytes = 0;
    return rc;
}

/* LMDB's codes. */
static int
db_copy(struct compact *c, struct db *db)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    int rc = mdb_txn_begin(c->env, NULL, 0, &c->txn);

    if (rc == 0)
        rc = mdb_dbi_open(c->txn, db->name, MDB_CREATE, &db->to);
    if (rc == 0)
        rc = mdb_cursor_open(c->from, db->from, &cursor);
    while (rc == 0 && (rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) == 0) {
        rc = mdb_put(c->txn, db->to, &key, &val, MDB_APPEND);
        c->batch_bytes += key.mv_size + val.mv_size;
        if (rc == 0 && c->batch_bytes > BATCH_BYTES && (rc = batch_end(c, 0)) == 0)
            rc = mdb_txn_begin(c->env, NULL, 0, &c->txn);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return batch_end(c, rc == MDB_NOTFOUND ? 0 : rc);
}

/* Its owner is the old one's, also when root made it. What the kernel has of it goes, so that it is read from the disk.
 */
static int
file_end(struct compact *c)
{
    struct stat old;
    int fd, rc = 0;

    mdb_env_close(c->env);
    c->env = NULL;
    fd = open(c->new_data, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (stat(c->data, &old) != 0 || fchown(fd, old.st_uid, old.st_gid) != 0 || fchmod(fd, old.st_mode & 07777) != 0 ||
        fsync(fd) != 0)
        rc = -errno;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (rc == 0 && fstat(fd, &old) == 0)
        c->report->bytes_after = (uint64_t)old.st_size;
    close(fd);
    return rc;
}

static int
file_make(struct compact *c)
{
    int rc = file_begin(c);

    for (size_t i = 0; i < DBS && rc == 0; i++)
        rc = err_from_lmdb(db_copy(c, &c->dbs[i]));
    return rc == 0 ? file_end(c) : rc;
}

/* ---- compared */

static bool
is_same(const MDB_val *a, const MDB_val *b)
{
    return a->mv_size == b->mv_size && memcmp(a->mv_data, b->mv_data, a->mv_size) == 0;
}

/* LMDB's codes; MDB_CORRUPTED: they differ. */
static int
db_compare(struct compact *c, struct db *db, MDB_txn *txn)
{
    MDB_cursor *old = NULL, *new = NULL;
    MDB_val old_key, old_val, key, val;
    int rc, at_end = 0;

    if ((rc = mdb_dbi_open(txn, db->name, 0, &db->to)) != 0 || (rc = mdb_cursor_open(c->from, db->from, &old)) != 0 ||
        (rc = mdb_cursor_open(txn, db->to, &new)) != 0)
        goto out;
    while ((rc = mdb_cursor_get(old, &old_key, &old_val, MDB_NEXT)) == 0)
        if (mdb_cursor_get(new, &key, &val, MDB_NEXT) != 0 || !is_same(&old_key, &key) || !is_same(&old_val, &val)) {
            rc = MDB_CORRUPTED;
            goto out;
        }
    at_end = mdb_cursor_get(new, &key, &val, MDB_NEXT);
    if (rc == MDB_NOTFOUND)
        rc = at_end == MDB_NOTFOUND ? 0 : MDB_CORRUPTED;
out:
    if (old != NULL)
        mdb_cursor_close(old);
    if (new != NULL)
        mdb_cursor_close(new);
    return rc;
}

static int
file_compare(struct compact *c)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    int rc = env_open_copy(&env, c->new_dir, STORE_DBS);

    if (rc != 0)
        return rc;
    rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    for (size_t i = 0; i < DBS && rc == 0; i++) {
        rc = db_compare(c, &c->dbs[i], txn);
        if (rc == MDB_CORRUPTED)
            (void)damage_set(c->st, "the new file's database %s is not the log's", c->dbs[i].name);
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    mdb_env_close(env);
    return err_from_lmdb(rc);
}

/* ---- */

int
compact_make(struct store *st, const char *dir, struct compact_report *report)
{
    struct compact c = {.st = st, .report = report};
    int rc;

    assert(st->txn == NULL);
    *report = (struct compact_report){.rows = 0};
    dbs_list(&c);
    if ((rc = paths_make(&c, dir)) != 0 || (rc = compact_remove(dir)) != 0 || (rc = readers_check(st)) != 0 ||
        (rc = view_begin(st, &c.from)) != 0)
        return rc;
    if ((rc = dbs_check(&c)) == 0 && (rc = room_check(&c, dir)) == 0 && (rc = file_make(&c)) == 0)
        rc = file_compare(&c);
    if (c.env != NULL)
        mdb_env_close(c.env);
    view_end(st);
    return rc;
}

int
compact_place(struct store *st, const char *dir)
{
    struct compact c = {.st = st};
    char log_dir[PATH_MAX];
    int rc;

    assert(st->txn == NULL);
    if ((rc = paths_make(&c, dir)) != 0 || (rc = file_path(log_dir, dir, "log")) != 0)
        return rc;
    if (rename(c.new_data, c.data) != 0)
        return -errno;
    st->latched = true; /* what it has open is nobody's any more */
    if ((rc = file_sync_dir(log_dir)) != 0 || (rc = compact_remove(dir)) != 0)
        return rc;
    return file_sync_dir(dir);
}
