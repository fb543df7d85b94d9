/*
 * guard - see guard.h
 *
 * Once the new note has the file's name it is what we last wrote, although its directory could not be synced: a crash
 * may bring the old one back, which is as good, since nobody was shown the new one.
 */
#include "broker/guard.h"

#include "proto/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
file_read(const char *path, char ret[GUARD_SIZE_MAX + 1], size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    rc = file_read_at(fd, ret, GUARD_SIZE_MAX + 1, 0, ret_len);
    close(fd);
    return rc == 0 && *ret_len > GUARD_SIZE_MAX ? -EBADMSG : rc;
}

int
guard_create(const char *path)
{
    struct stat st;
    int rc;

    if (stat(path, &st) == 0)
        return st.st_size == 0 ? 0 : -EEXIST;
    rc = file_create(path, "", 0);
    return rc == 0 ? file_sync_parent(path) : rc;
}

int
guard_open(struct guard *ret, const char *path)
{
    *ret = (struct guard){.path = path};
    return file_read(path, ret->held, &ret->held_len);
}

/* Writes the note aside and gives it the file's name; then it is held. */
static int
note_put(struct guard *guard, const char *note, size_t len)
{
    int rc = file_replace(guard->path, note, len);

    if (rc != 0)
        return rc;
    memcpy(guard->held, note, len);
    guard->held_len = len;
    return file_sync_parent(guard->path);
}

int
guard_replace(struct guard *guard, const char *note, size_t len)
{
    char there[GUARD_SIZE_MAX + 1];
    size_t there_len;
    int rc;

    if (len > GUARD_SIZE_MAX)
        return -EMSGSIZE;
    rc = file_read(guard->path, there, &there_len);
    if (rc == -ENOENT || rc == -EBADMSG)
        return -ESTALE;
    if (rc != 0)
        return rc;
    if (there_len != guard->held_len || memcmp(there, guard->held, there_len) != 0)
        return -ESTALE;
    return note_put(guard, note, len);
}

int
guard_sync(const struct guard *guard)
{
    return file_sync_parent(guard->path);
}
