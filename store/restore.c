/* restore - see restore.h */
#include "store/restore.h"

#include "proto/file.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
lies_in(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat sb;

    return file_path(path, dir, name) == 0 && lstat(path, &sb) == 0;
}

/* ---- the mark */

int
restore_mark_find(const char *data_dir)
{
    return lies_in(data_dir, RESTORE_MARK) ? 0 : -ENOENT;
}

int
restore_mark_remove(const char *data_dir)
{
    char path[PATH_MAX];
    int rc = file_path(path, data_dir, RESTORE_MARK);

    if (rc != 0)
        return rc;
    if (unlink(path) != 0 && errno != ENOENT)
        return -errno;
    return file_sync_dir(data_dir);
}

/* ---- */

/* The key store that will be used. */
static const char *
keys_of(const struct restore_options *o)
{
    return lies_in(o->store.key_dir, KEYS_FILE) ? o->store.key_dir : o->keys_from;
}

int
restore_check(const struct restore_options *o, struct backup_what *ret)
{
    int lock_fd = -1, rc;

    if (lies_in(o->store.dir, "log"))
        return -EEXIST;
    if (lies_in(o->store.dir, "lock")) {
        if ((rc = lock_take(o->store.dir, &lock_fd)) != 0)
            return rc;
        close(lock_fd);
    }
    if (!lies_in(o->from, "log"))
        return -ENOENT;
    rc = backup_read(o->from, ret);
    if (rc != 0)
        return rc;
    return keys_of(o) == NULL ? -ENOKEY : 0;
}

int
restore_verify(const struct restore_options *o, const struct backup_what *what, struct verify_report *report)
{
    struct verify_options options = {.dir = o->from,
                                     .key_dir = keys_of(o),
                                     .kek_path = o->store.kek_path,
                                     .erased_path = o->store.erased_path,
                                     .keys = what->keys,
                                     .key_count = what->key_count};
    int rc = verify_copy(&options, report);

    if (rc != 0)
        return rc;
    if (strcmp(report->identity.origin, what->origin) != 0 || report->identity.epoch != what->epoch ||
        report->records != what->records || memcmp(report->root, what->root, sizeof what->root) != 0) {
        (void)snprintf(report->what, sizeof report->what, "%s",
                       damage_word("the copy is not the one that its description names"));
        return -EBADMSG;
    }
    return 0;
}

/* ---- putting */

/* A fresh directory dir/name; what an interrupted attempt left in it is one file. */
static int
aside_make(const char *dir, const char *name, const char *file, char ret[PATH_MAX])
{
    char path[PATH_MAX];
    int rc = file_path(ret, dir, name);

    if (rc == 0)
        rc = file_make_dir(ret);
    if (rc == 0)
        rc = file_path(path, ret, file);
    if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
        rc = -errno;
    return rc;
}

static int
copy_between(const char *from_dir, const char *to_dir, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];
    int rc;

    if ((rc = file_path(from, from_dir, name)) != 0 || (rc = file_path(to, to_dir, name)) != 0)
        return rc;
    return file_copy(from, to);
}

static int
mark_put(const struct restore_options *o)
{
    char text[BACKUP_TEXT_MAX], from[PATH_MAX], to[PATH_MAX];
    size_t len = 0;
    int fd, rc;

    if ((rc = file_path(from, o->from, BACKUP_FILE)) != 0 || (rc = file_path(to, o->store.dir, RESTORE_MARK)) != 0)
        return rc;
    fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = file_read_at(fd, text, sizeof text, 0, &len);
    close(fd);
    if (rc == 0)
        rc = file_create(to, text, len);
    if (rc == -EEXIST) /* of an attempt that was interrupted: that it is there is what counts */
        rc = 0;
    return rc == 0 ? file_sync_dir(o->store.dir) : rc;
}

/* link, not rename: what came into being meanwhile is not overwritten. */
static int
keys_put(const struct restore_options *o)
{
    char aside[PATH_MAX], made[PATH_MAX], name[PATH_MAX];
    int rc;

    if (lies_in(o->store.key_dir, KEYS_FILE))
        return file_sync_dir(o->store.key_dir); /* perhaps put by an attempt that ended right here */
    if ((rc = aside_make(o->store.key_dir, "restore.new", KEYS_FILE, aside)) != 0 ||
        (rc = copy_between(o->keys_from, aside, KEYS_FILE)) != 0 || (rc = file_path(made, aside, KEYS_FILE)) != 0 ||
        (rc = file_path(name, o->store.key_dir, KEYS_FILE)) != 0)
        return rc;
    if (link(made, name) != 0)
        return -errno;
    return file_sync_dir(o->store.key_dir);
}

/* What keys_put made aside, also by an attempt that ended before it could remove it. */
static int
keys_aside_remove(const struct restore_options *o)
{
    char aside[PATH_MAX], made[PATH_MAX];
    int rc;

    if ((rc = file_path(aside, o->store.key_dir, "restore.new")) != 0 || (rc = file_path(made, aside, KEYS_FILE)) != 0)
        return rc;
    if (unlink(made) != 0 && errno != ENOENT)
        return -errno;
    return rmdir(aside) != 0 && errno != ENOENT ? -errno : 0;
}

static int
log_put(const struct restore_options *o)
{
    char from[PATH_MAX], aside[PATH_MAX], name[PATH_MAX];
    int rc;

    if ((rc = file_path(from, o->from, "log")) != 0 || (rc = file_path(name, o->store.dir, "log")) != 0 ||
        (rc = aside_make(o->store.dir, "log.new", "data.mdb", aside)) != 0 ||
        (rc = copy_between(from, aside, "data.mdb")) != 0 || (rc = file_sync_dir(aside)) != 0)
        return rc;
    if (rename(aside, name) != 0)
        return errno == ENOTEMPTY ? -EEXIST : -errno;
    return file_sync_dir(o->store.dir);
}

int
restore_put(const struct restore_options *o)
{
    struct backup_what what;
    int lock_fd = -1, rc;

    if ((rc = file_make_dir(o->store.dir)) != 0 || (rc = file_make_dir(o->store.key_dir)) != 0 ||
        (rc = restore_check(o, &what)) != 0 || (rc = lock_take(o->store.dir, &lock_fd)) != 0)
        return rc;
    if ((rc = mark_put(o)) != 0 || (rc = keys_put(o)) != 0 || (rc = keys_aside_remove(o)) != 0)
        goto out;
    rc = log_put(o);
out:
    close(lock_fd);
    return rc;
}
