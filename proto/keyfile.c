/*
 * keyfile - see keyfile.h
 */
#include "proto/keyfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYFILE_SIZE_MAX 4096u

bool
keyfile_is_key(const char *text)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   ".-:+=^!/*?&<>()[]{}@%$#";

    return strlen(text) == KEYFILE_KEY_SIZE - 1 && strspn(text, alphabet) == KEYFILE_KEY_SIZE - 1;
}

void
keyfile_wipe(struct keyfile *key)
{
    explicit_bzero(key, sizeof *key);
}

static const char *
blanks_skip(const char *at)
{
    return at + strspn(at, " \t");
}

/* One line of the file, NUL-terminated. */
static int
line_parse(char *line, struct keyfile *key)
{
    const char *at = blanks_skip(line);
    char *value, *end;

    if (*at == '#' || *at == '\0')
        return 0;
    if (strncmp(at, "public", 6) == 0)
        value = key->public_key;
    else if (strncmp(at, "secret", 6) == 0)
        value = key->secret_key;
    else
        return -EBADMSG;
    at = blanks_skip(at + 6);
    if (*at != '=' || value[0] != '\0')
        return -EBADMSG;
    at = blanks_skip(at + 1);
    end = line + strlen(line);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        *--end = '\0';
    if (!keyfile_is_key(at))
        return -EBADMSG;
    memcpy(value, at, KEYFILE_KEY_SIZE);
    return 0;
}

static int
text_parse(char *text, struct keyfile *key)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        int rc = line_parse(line, key);

        if (rc != 0)
            return rc;
    }
    return key->public_key[0] != '\0' && key->secret_key[0] != '\0' ? 0 : -EBADMSG;
}

int
keyfile_read(const char *path, struct keyfile *ret)
{
    struct keyfile key = {.public_key = ""};
    char text[KEYFILE_SIZE_MAX + 1] = "";
    struct stat st;
    size_t used = 0;
    int fd, rc = 0;

    assert(path != NULL);
    assert(ret != NULL);

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0) {
        rc = -errno;
        goto out;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        rc = -EPERM;
        goto out;
    }
    while (used < KEYFILE_SIZE_MAX) {
        ssize_t got = read(fd, text + used, KEYFILE_SIZE_MAX - used);

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
    text[used] = '\0';
    rc = used == KEYFILE_SIZE_MAX ? -EBADMSG : text_parse(text, &key);
    if (rc == 0)
        *ret = key;
out:
    explicit_bzero(text, sizeof text);
    keyfile_wipe(&key);
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

int
keyfile_write(const char *path, const struct keyfile *key, const char *comment)
{
    char text[KEYFILE_SIZE_MAX];
    size_t done = 0, len;
    int fd, n, rc = 0;

    assert(path != NULL);
    assert(keyfile_is_key(key->public_key));
    assert(keyfile_is_key(key->secret_key));
    assert(comment == NULL || strchr(comment, '\n') == NULL);

    n = snprintf(text, sizeof text, "%s%s%spublic = %s\nsecret = %s\n", comment != NULL ? "# " : "",
                 comment != NULL ? comment : "", comment != NULL ? "\n" : "", key->public_key, key->secret_key);
    if (n < 0 || (size_t)n >= sizeof text)
        return -EINVAL;
    len = (size_t)n;

    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = -errno;
        goto out;
    }
    while (done < len) {
        ssize_t put = write(fd, text + done, len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            rc = -errno;
            goto out;
        }
        done += (size_t)put;
    }
    if (fsync(fd) != 0)
        rc = -errno;
out:
    explicit_bzero(text, sizeof text);
    if (fd >= 0) {
        if (close(fd) != 0 && rc == 0)
            rc = -errno;
        if (rc == 0)
            rc = directory_sync(path);
        if (rc != 0)
            (void)unlink(path);
    }
    return rc;
}
