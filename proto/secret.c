/* secret - see secret.h */
#include "proto/secret.h"

#include "proto/file.h"

#include <errno.h>
#include <fcntl.h>
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
    rc = file_read_at(fd, ret, SECRET_SIZE_MAX + 1, 0, &used);
    if (rc != 0)
        goto out;
    if (used > SECRET_SIZE_MAX)
        rc = -EBADMSG;
    else
        ret[used] = '\0';
out:
    close(fd);
    return rc;
}

int
secret_write(const char *path, const char *bytes, size_t len)
{
    int rc = file_create(path, bytes, len);

    if (rc != 0)
        return rc;
    rc = file_sync_parent(path);
    if (rc != 0)
        (void)unlink(path);
    return rc;
}
