/* file - whole reads and writes, and files that are there after a power cut */
#include "proto/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_CHUNK (256u << 10)

int
file_path(char ret[PATH_MAX], const char *dir, const char *name)
{
    int len = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int
file_read_at(int fd, void *to, size_t len, off_t at, size_t *ret_len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, (uint8_t *)to + done, len - done, at + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_len = done;
    return 0;
}

int
file_write_at(int fd, const void *from, size_t len, off_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t put = pwrite(fd, (const uint8_t *)from + done, len - done, at + (off_t)done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        done += (size_t)put;
    }
    return 0;
}

/* Whose place it takes keeps its owner, also when root writes this. */
static int
owner_of_replaced(int fd, const char *path)
{
    int rc = geteuid() == 0 ? file_owner_keep(fd, path) : 0;

    return rc == -ENOENT ? 0 : rc;
}

/* Writes it beside its place, synced; aside gets that name. */
static int
aside_write(const char *path, const void *bytes, size_t len, char aside[PATH_MAX])
{
    int fd, rc;

    if (snprintf(aside, PATH_MAX, "%s.tmp", path) >= PATH_MAX) {
        aside[0] = '\0'; /* else it is the name of something else */
        return -ENAMETOOLONG;
    }
    /* Of an attempt that a crash ended; it is gone before the next one has its name, lest that one's rename or link
     * after a power cut were this one's. */
    rc = unlink(aside) == 0 ? file_sync_parent(aside) : errno == ENOENT ? 0 : -errno;
    if (rc != 0)
        return rc;
    fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = file_write_at(fd, bytes, len, 0);
    if (rc == 0)
        rc = owner_of_replaced(fd, path);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

int
file_create(const char *path, const void *bytes, size_t len)
{
    char aside[PATH_MAX] = "";
    struct stat st;
    int rc = lstat(path, &st) == 0 ? -EEXIST : aside_write(path, bytes, len, aside);

    if (rc == -EEXIST)
        return rc;
    /* link, not rename: it never replaces a file that came into being meanwhile */
    if (rc == 0 && link(aside, path) != 0)
        rc = -errno;
    unlink(aside);
    return rc;
}

int
file_owner_keep(int fd, const char *like)
{
    struct stat old, made;

    if (stat(like, &old) != 0 || fstat(fd, &made) != 0)
        return -errno;
    if (old.st_uid == made.st_uid && old.st_gid == made.st_gid)
        return 0;
    return fchown(fd, old.st_uid, old.st_gid) != 0 ? -errno : 0;
}

int
file_replace(const char *path, const void *bytes, size_t len)
{
    char aside[PATH_MAX];
    int rc = aside_write(path, bytes, len, aside);

    if (rc == 0 && rename(aside, path) != 0)
        rc = -errno;
    return rc;
}

static int
parent_of(const char *path, char ret[PATH_MAX])
{
    size_t len = strlen(path);
    char *slash;

    if (len >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(ret, path, len + 1);
    while (len > 1 && ret[len - 1] == '/')
        ret[--len] = '\0';
    slash = strrchr(ret, '/');
    if (slash == NULL)
        memcpy(ret, ".", 2);
    else
        slash[slash == ret] = '\0'; /* the parent of "/x" is "/" */
    return 0;
}

int
file_owner_inherit(const char *path)
{
    struct stat parent, made;
    char dir[PATH_MAX];
    int rc = parent_of(path, dir);

    if (rc != 0 || geteuid() != 0)
        return rc;
    /* By its name: to close another descriptor of LMDB's lock file would end this process's locks of it. */
    if (stat(dir, &parent) != 0 || lstat(path, &made) != 0)
        return -errno;
    if (parent.st_uid == made.st_uid && parent.st_gid == made.st_gid)
        return 0;
    return lchown(path, parent.st_uid, parent.st_gid) != 0 ? -errno : 0;
}

static int
bytes_copy(int from, int to)
{
    uint8_t *chunk = malloc(COPY_CHUNK);
    off_t at = 0;
    size_t had = COPY_CHUNK;
    int rc = chunk == NULL ? -ENOMEM : 0;

    while (rc == 0 && had == COPY_CHUNK) {
        rc = file_read_at(from, chunk, COPY_CHUNK, at, &had);
        if (rc == 0)
            rc = file_write_at(to, chunk, had, at);
        at += (off_t)had;
    }
    free(chunk);
    return rc;
}

int
file_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out, rc;

    if (in < 0)
        return -errno;
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        rc = -errno;
        close(in);
        return rc;
    }
    rc = bytes_copy(in, out);
    if (rc == 0 && fsync(out) != 0)
        rc = -errno;
    if (close(out) != 0 && rc == 0)
        rc = -errno;
    close(in);
    return rc;
}

int
file_sync_dir(const char *dir)
{
    int rc = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        rc = -errno;
    close(fd);
    return rc;
}

int
file_sync_parent(const char *path)
{
    char dir[PATH_MAX];
    int rc = parent_of(path, dir);

    return rc == 0 ? file_sync_dir(dir) : rc;
}

int
file_make_dir(const char *dir)
{
    bool made = mkdir(dir, 0700) == 0;
    int rc;

    if (!made && errno != EEXIST)
        return -errno;
    rc = made ? file_owner_inherit(dir) : 0;
    if (rc == 0)
        rc = file_sync_parent(dir);
    return !made && rc == -EACCES ? 0 : rc;
}
