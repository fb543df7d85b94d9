/* erased - see erased.h */
#include "store/erased.h"

#include "store/be.h"
#include "store/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 32u
#define RECORD_SIZE 8u
#define READ_STEP   4096u /* records read at a time */

enum { AT_MAGIC = 0, AT_VERSION = 8, AT_PAIR = 16 };

static const uint8_t magic[8] = "WICIGONE";

struct gone {
    uint32_t entry, generation;
};

struct erased {
    char path[PATH_MAX];
    uint8_t pair[KEYS_PAIR_SIZE];
    int fd; /* -1: there is no file yet */
    struct gone *at;
    size_t count, size;
};

static int
gone_push(struct erased *e, uint32_t entry, uint32_t generation)
{
    size_t size = e->size == 0 ? 64 : 2 * e->size;
    struct gone *grown;

    if (e->count == e->size) {
        grown = reallocarray(e->at, size, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        e->at = grown;
        e->size = size;
    }
    e->at[e->count++] = (struct gone){.entry = entry, .generation = generation};
    return 0;
}

static bool
gone_has(const struct erased *e, uint32_t entry, uint32_t generation)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->at[i].entry == entry && e->at[i].generation == generation)
            return true;
    return false;
}

static int
header_check(const struct erased *e)
{
    uint8_t header[HEADER_SIZE];
    size_t had = 0;
    int rc = file_read_at(e->fd, header, sizeof header, 0, &had);

    if (rc != 0)
        return rc;
    if (had != sizeof header || memcmp(header + AT_MAGIC, magic, sizeof magic) != 0 ||
        be32_get(header + AT_VERSION) != 1 || memcmp(header + AT_PAIR, e->pair, KEYS_PAIR_SIZE) != 0)
        return -EBADMSG;
    return 0;
}

/* Half of a record at the end is one that was being entered: its key was not touched yet. */
static int
records_read(struct erased *e)
{
    static uint8_t bytes[READ_STEP * RECORD_SIZE];
    off_t at = HEADER_SIZE;
    size_t had = sizeof bytes;
    int rc = 0;

    while (rc == 0 && had == sizeof bytes) {
        rc = file_read_at(e->fd, bytes, sizeof bytes, at, &had);
        for (size_t i = 0; rc == 0 && i + RECORD_SIZE <= had; i += RECORD_SIZE)
            rc = gone_push(e, be32_get(bytes + i), be32_get(bytes + i + 4));
        at += (off_t)had;
    }
    return rc;
}

int
erased_open(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE])
{
    struct erased *e = calloc(1, sizeof *e);
    int rc = 0;

    if (e == NULL)
        return -ENOMEM;
    e->fd = -1;
    memcpy(e->pair, pair, KEYS_PAIR_SIZE);
    if (strlen(path) >= sizeof e->path) {
        rc = -ENAMETOOLONG;
        goto out;
    }
    memcpy(e->path, path, strlen(path) + 1);
    e->fd = open(path, O_RDWR | O_CLOEXEC);
    if (e->fd < 0) {
        rc = errno == ENOENT ? 0 : -errno;
    } else {
        rc = header_check(e);
        if (rc == 0)
            rc = records_read(e);
    }
    if (rc == 0) {
        *ret = e;
        e = NULL;
    }
out:
    erased_close(&e);
    return rc;
}

void
erased_close(struct erased **erased)
{
    struct erased *e = *erased;

    *erased = NULL;
    if (e == NULL)
        return;
    if (e->fd >= 0)
        close(e->fd);
    free(e->at);
    free(e);
}

static int
file_begin(struct erased *e)
{
    uint8_t header[HEADER_SIZE] = {0};
    int rc;

    memcpy(header + AT_MAGIC, magic, sizeof magic);
    be32_put(header + AT_VERSION, 1);
    memcpy(header + AT_PAIR, e->pair, KEYS_PAIR_SIZE);
    rc = file_create(e->path, header, sizeof header);
    if (rc == 0)
        rc = file_sync_parent(e->path);
    if (rc != 0)
        return rc;
    e->fd = open(e->path, O_RDWR | O_CLOEXEC);
    return e->fd < 0 ? -errno : 0;
}

int
erased_add(struct erased *e, uint32_t entry, uint32_t generation)
{
    uint8_t record[RECORD_SIZE];
    int rc;

    assert(entry != 0);
    if (gone_has(e, entry, generation))
        return e->fd >= 0 && fdatasync(e->fd) != 0 ? -errno : 0; /* whoever entered it may have died before that */
    if (e->fd < 0 && (rc = file_begin(e)) != 0)
        return rc;
    be32_put(record, entry);
    be32_put(record + 4, generation);
    rc = file_write_at(e->fd, record, sizeof record, (off_t)(HEADER_SIZE + e->count * RECORD_SIZE));
    if (rc == 0 && fdatasync(e->fd) != 0)
        rc = -errno;
    return rc == 0 ? gone_push(e, entry, generation) : rc;
}

int
erased_repeat(const struct erased *e, struct keys *keys)
{
    const uint8_t *key;
    uint32_t generation;

    for (size_t i = 0; i < e->count; i++) {
        int rc = e->at[i].entry == 0 ? -ENOENT : keys_find(keys, e->at[i].entry, &key, &generation);

        if (rc == 0 && generation <= e->at[i].generation)
            rc = keys_erase(keys, e->at[i].entry);
        if (rc != 0 && rc != -ENOENT && rc != -ENOKEY)
            return rc;
    }
    return 0;
}
