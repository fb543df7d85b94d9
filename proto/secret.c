/* secret - see secret.h */
#include "proto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
secret_is_private(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

int
secret_read(const char *path, char ret[SECRET_SIZE_MAX + 1])
{
    struct stat st;
    size_t used = 0;
    int fd, rc = 0;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0) {
        rc = -errno;
        goto out;
    }
    if (!secret_is_private(&st)) {
        rc = -EPERM;
        goto out;
    }
    while (used <= SECRET_SIZE_MAX) {
        ssize_t got = read(fd, ret + used, SECRET_SIZE_MAX + 1 - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rc = -errno;
            goto out;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    if (used > SECRET_SIZE_MAX)
        rc = -EBADMSG;
    else
        ret[used] = '\0';
out:
    close(fd);
    return rc;
}

static int
directory_sync(const char *path)
{
    char copy[PATH_MAX];
    int fd, rc = 0;

    if (strlen(path) >= sizeof copy)
        return -ENAMETOOLONG;
    memcpy(copy, path, strlen(path) + 1);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        rc = -errno;
    close(fd);
    return rc;
}

/* Writes it beside its place, synced; aside gets that name. What a killed attempt left there is gone first. */
static int
aside_write(const char *path, const char *bytes, size_t len, char aside[PATH_MAX])
{
    size_t done = 0;
    int fd, rc = 0;

    if (snprintf(aside, PATH_MAX, "%s.part", path) >= PATH_MAX) {
        aside[0] = '\0';
        return -ENAMETOOLONG;
    }
    if (unlink(aside) != 0 && errno != ENOENT)
        return -errno;
    fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    while (done < len && rc == 0) {
        ssize_t put = write(fd, bytes + done, len - done);

        if (put < 0 && errno != EINTR)
            rc = -errno;
        if (put > 0)
            done += (size_t)put;
    }
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

int
secret_write(const char *path, const char *bytes, size_t len)
{
    char aside[PATH_MAX] = "";
    int rc = aside_write(path, bytes, len, aside);

    /* link, not rename: it never replaces a file that came into being meanwhile */
    if (rc == 0 && link(aside, path) != 0)
        rc = -errno;
    (void)unlink(aside);
    if (rc != 0)
        return rc;
    rc = directory_sync(path);
    if (rc != 0)
        (void)unlink(path);
    return rc;
}
