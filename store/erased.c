/* erased - see erased.h */
#include "store/erased.h"

#include "store/be.h"
#include "store/fault.h"
#include "proto/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 32u
#define READ_STEP   4096u /* records read at a time */
#define ROOM_FIRST  127u  /* records that a new list has room for: with its header a page */

#define VERSION 3u

bool store_list_small;

enum { AT_MAGIC = 0, AT_VERSION = 8, AT_PAIR = 16 };

static const uint8_t magic[8] = "WICIGONE";

static const uint8_t no_mark[STORE_MARK_SIZE];

struct gone {
    uint32_t entry, generation;
    uint8_t mark[STORE_MARK_SIZE];
};

struct erased {
    char path[PATH_MAX];
    uint8_t pair[KEYS_PAIR_SIZE];
    int fd; /* -1: there is no file yet */
    struct gone *at;
    size_t count, size;
    uint32_t highest; /* entry */
    uint64_t records; /* in the file: a key may be there twice, once with its mark */
    uint64_t room;    /* records that the file is long enough for */
    bool named;       /* the file has its name after a power cut too */
};

static bool
is_marked(const struct gone *gone)
{
    return memcmp(gone->mark, no_mark, sizeof no_mark) != 0;
}

static struct gone *
gone_find(const struct erased *e, uint32_t entry, uint32_t generation)
{
    for (size_t i = 0; i < e->count && entry <= e->highest; i++)
        if (e->at[i].entry == entry && e->at[i].generation == generation)
            return &e->at[i];
    return NULL;
}

/* One that is known gets its mark, where it had none. */
static int
gone_push(struct erased *e, uint32_t entry, uint32_t generation, const uint8_t mark[STORE_MARK_SIZE])
{
    struct gone *gone = gone_find(e, entry, generation);

    if (gone == NULL) {
        size_t size = e->size == 0 ? 64 : 2 * e->size;

        if (e->count == e->size) {
            struct gone *grown = reallocarray(e->at, size, sizeof *grown);

            if (grown == NULL)
                return -ENOMEM;
            e->at = grown;
            e->size = size;
        }
        gone = &e->at[e->count++];
        *gone = (struct gone){.entry = entry, .generation = generation};
        e->highest = entry > e->highest ? entry : e->highest;
    }
    if (!is_marked(gone))
        memcpy(gone->mark, mark, sizeof gone->mark);
    return 0;
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
        be32_get(header + AT_VERSION) != VERSION || memcmp(header + AT_PAIR, e->pair, KEYS_PAIR_SIZE) != 0)
        return -EBADMSG;
    return 0;
}

/* What stands in a record, with its place in the file and the pair: a record of another list, or moved, does not fit.
 */
static uint64_t
record_check(const struct erased *e, const uint8_t record[ERASED_RECORD_SIZE])
{
    uint8_t name[KEYS_PAIR_SIZE + 8];

    memcpy(name, e->pair, KEYS_PAIR_SIZE);
    be64_put(name + KEYS_PAIR_SIZE, e->records);
    return check_of(name, sizeof name, record, ERASED_RECORD_SIZE - CHECK_SIZE);
}

static int
record_read(struct erased *e, const uint8_t record[ERASED_RECORD_SIZE], bool *ended)
{
    static const uint8_t none[ERASED_RECORD_SIZE] = {0};
    int rc;

    if (memcmp(record, none, sizeof none) == 0) {
        *ended = true; /* room */
        return 0;
    }
    if (*ended || be64_get(record + ERASED_RECORD_SIZE - CHECK_SIZE) != record_check(e, record))
        return -EBADMSG;
    rc = gone_push(e, be32_get(record), be32_get(record + 4), record + 8);
    e->records++;
    return rc;
}

/* Half of a record at the end is one that was being entered where lists had no room of their own: its key was not
 * touched yet. Of any other record that does not fit nobody knows which key it means: to destroy another one would be
 * worse than to stop. */
static int
records_read(struct erased *e)
{
    static uint8_t bytes[READ_STEP * ERASED_RECORD_SIZE];
    off_t at = HEADER_SIZE;
    size_t had = sizeof bytes;
    bool ended = false;
    int rc = 0;

    while (rc == 0 && had == sizeof bytes) {
        rc = file_read_at(e->fd, bytes, sizeof bytes, at, &had);
        for (size_t i = 0; rc == 0 && i + ERASED_RECORD_SIZE <= had; i += ERASED_RECORD_SIZE)
            rc = record_read(e, bytes + i, &ended);
        e->room += had / ERASED_RECORD_SIZE;
        at += (off_t)had;
    }
    return rc;
}

static int
list_open(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE], int flags)
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
    e->fd = open(path, flags | O_CLOEXEC);
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

int
erased_open(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE])
{
    return list_open(ret, path, pair, O_RDWR);
}

int
erased_open_copy(struct erased **ret, const char *path, const uint8_t pair[KEYS_PAIR_SIZE])
{
    return list_open(ret, path, pair, O_RDONLY);
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

/*
 * Makes the file, or a longer one in its place, so that a record is written where the file has zeros already: one that
 * made the file longer could leave anything there after a power cut. After a failure there is no file open.
 */
static int
room_make(struct erased *e)
{
    uint64_t room = e->fd >= 0 ? 2 * e->records + 1 : store_list_small ? 1 : ROOM_FIRST;
    size_t used = HEADER_SIZE + e->records * ERASED_RECORD_SIZE, size = HEADER_SIZE + room * ERASED_RECORD_SIZE,
           had = 0;
    bool first = e->fd < 0;
    uint8_t *bytes = calloc(1, size);
    int rc = bytes == NULL ? -ENOMEM : 0;

    if (rc == 0 && first) {
        memcpy(bytes + AT_MAGIC, magic, sizeof magic);
        be32_put(bytes + AT_VERSION, VERSION);
        memcpy(bytes + AT_PAIR, e->pair, KEYS_PAIR_SIZE);
        rc = file_create(e->path, bytes, size);
        if (rc == 0)
            rc = file_owner_inherit(e->path);
    } else if (rc == 0) {
        rc = file_read_at(e->fd, bytes, used, 0, &had);
        if (rc == 0)
            rc = had == used ? file_replace(e->path, bytes, size) : -EBADMSG;
        close(e->fd);
        e->fd = -1;
    }
    free(bytes);
    e->named = false;
    if (rc != 0)
        return rc;
    e->fd = open(e->path, O_RDWR | O_CLOEXEC);
    e->room = room;
    return e->fd < 0 ? -errno : 0;
}

/* Whoever made the file may have died before it had its name for good. */
static int
name_sync(struct erased *e)
{
    int rc = e->named ? 0 : file_sync_parent(e->path);

    e->named = rc == 0;
    return rc;
}

int
erased_add(struct erased *e, uint32_t entry, uint32_t generation, const uint8_t *mark)
{
    uint8_t record[ERASED_RECORD_SIZE];
    const struct gone *gone = gone_find(e, entry, generation);
    int rc;

    assert(entry != 0);
    if (mark == NULL)
        mark = no_mark;
    if (gone != NULL && (mark == no_mark || is_marked(gone))) {
        if (e->fd >= 0 && fdatasync(e->fd) != 0) /* whoever entered it may have died before that */
            return -errno;
        return name_sync(e);
    }
    if ((e->fd < 0 || e->records == e->room) && (rc = room_make(e)) != 0)
        return rc;
    if ((rc = name_sync(e)) != 0)
        return rc;
    be32_put(record, entry);
    be32_put(record + 4, generation);
    memcpy(record + 8, mark, STORE_MARK_SIZE);
    be64_put(record + ERASED_RECORD_SIZE - CHECK_SIZE, record_check(e, record));
    rc = file_write_at(e->fd, record, sizeof record, (off_t)(HEADER_SIZE + e->records * ERASED_RECORD_SIZE));
    if (rc == 0 && fdatasync(e->fd) != 0)
        rc = -errno;
    if (rc == 0)
        rc = gone_push(e, entry, generation, mark);
    if (rc == 0)
        e->records++;
    return rc;
}

bool
erased_names(const struct erased *e, uint32_t entry, uint32_t generation)
{
    for (size_t i = 0; i < e->count && entry <= e->highest; i++)
        if (e->at[i].entry == entry && e->at[i].generation >= generation)
            return true;
    return false;
}

int
erased_each(const struct erased *e, store_erased_fn *fn, void *arg)
{
    int rc = 0;

    for (size_t i = 0; i < e->count && rc == 0; i++)
        rc = fn(arg, e->at[i].entry, e->at[i].generation, e->at[i].mark);
    return rc;
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
