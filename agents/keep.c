/* keep - events on disk until they are safe in a backup of the broker */
#include "agents/keep.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 96u

struct entry {
    uint64_t number;
    uint64_t seq; /* 0: no answer yet */
    char id[37];
    bool due; /* to be sent again */
    bool gone;
};

struct keep {
    int dir_fd, lock_fd;
    size_t max;
    uint64_t last_number;
    uint64_t epoch;        /* 0: none noted yet */
    struct entry *entries; /* ascending by number */
    size_t count, size, alive, due_count;
    size_t due_from; /* no entry before this index is due */
    uint64_t safe;
};

static void
name_make(char *ret, uint64_t number, const char *id, uint64_t seq)
{
    if (seq == 0)
        snprintf(ret, NAME_SIZE, "%020" PRIu64 "-%s.wait", number, id);
    else
        snprintf(ret, NAME_SIZE, "%020" PRIu64 "-%s.at%" PRIu64, number, id, seq);
}

static bool
name_read(const char *name, struct entry *ret)
{
    struct entry e = {0};
    char tail[32], again[NAME_SIZE];

    if (sscanf(name, "%20" SCNu64 "-%36[0-9a-f-].%31s", &e.number, e.id, tail) != 3)
        return false;
    if (strcmp(tail, "wait") != 0 && sscanf(tail, "at%" SCNu64, &e.seq) != 1)
        return false;
    name_make(again, e.number, e.id, e.seq);
    if (e.number == 0 || strcmp(again, name) != 0)
        return false;
    *ret = e;
    return true;
}

static int
entry_push(struct keep *k, const struct entry *e)
{
    if (k->count == k->size) {
        size_t size = k->size == 0 ? 64 : k->size * 2;
        struct entry *grown = realloc(k->entries, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        k->entries = grown;
        k->size = size;
    }
    k->entries[k->count++] = *e;
    k->alive++;
    if (e->due)
        k->due_count++;
    return 0;
}

static struct entry *
entry_find(struct keep *k, uint64_t number)
{
    size_t low = 0, high = k->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (k->entries[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < k->count && k->entries[low].number == number && !k->entries[low].gone ? &k->entries[low] : NULL;
}

static void
entry_set_due(struct keep *k, struct entry *e, bool due)
{
    if (e->due == due)
        return;
    e->due = due;
    if (due) {
        k->due_count++;
        k->due_from = 0;
    } else {
        k->due_count--;
    }
}

static int
entry_remove(struct keep *k, struct entry *e)
{
    char name[NAME_SIZE];

    name_make(name, e->number, e->id, e->seq);
    if (unlinkat(k->dir_fd, name, 0) != 0 && errno != ENOENT)
        return -errno;
    entry_set_due(k, e, false);
    e->gone = true;
    k->alive--;
    return 0;
}

/* Half of the table gone: close the gaps. */
static void
entries_compact(struct keep *k)
{
    size_t to = 0;

    if (k->alive * 2 > k->count)
        return;
    for (size_t i = 0; i < k->count; i++) {
        if (!k->entries[i].gone)
            k->entries[to++] = k->entries[i];
    }
    k->count = to;
    k->due_from = 0;
    assert(k->count == k->alive);
}

static int
entry_compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static int
dir_read(struct keep *k)
{
    struct dirent *d;
    DIR *dir = NULL;
    int fd, rc = 0;

    fd = openat(k->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (dir == NULL) {
        rc = -errno;
        close(fd);
        return rc;
    }
    while (rc == 0 && (errno = 0, d = readdir(dir)) != NULL) {
        struct entry e;
        size_t len = strlen(d->d_name);

        if (len > 4 && strcmp(d->d_name + len - 4, ".tmp") == 0)
            unlinkat(k->dir_fd, d->d_name, 0); /* never finished, so never sent */
        else if (name_read(d->d_name, &e)) {
            e.due = e.seq == 0;
            if (e.number > k->last_number)
                k->last_number = e.number;
            rc = entry_push(k, &e);
        }
    }
    if (rc == 0 && errno != 0)
        rc = -errno;
    closedir(dir);
    if (k->count > 1)
        qsort(k->entries, k->count, sizeof *k->entries, entry_compare);
    return rc;
}

static int
file_write(struct keep *k, const char *name, const uint8_t *data, size_t len)
{
    char tmp[NAME_SIZE + 8];
    size_t done = 0;
    int fd, rc = 0;

    snprintf(tmp, sizeof tmp, "%s.tmp", name);
    fd = openat(k->dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    while (rc == 0 && done < len) {
        ssize_t n = write(fd, data + done, len - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            rc = -errno;
    }
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && renameat(k->dir_fd, tmp, k->dir_fd, name) != 0)
        rc = -errno;
    if (rc != 0)
        unlinkat(k->dir_fd, tmp, 0);
    return rc;
}

static int
file_read(struct keep *k, const char *name, size_t max, uint8_t **ret, size_t *ret_len)
{
    struct stat st;
    uint8_t *data = NULL;
    size_t len, done = 0;
    int fd, rc = 0;

    fd = openat(k->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0) {
        rc = -errno;
        goto out;
    }
    if (st.st_size < 0 || (size_t)st.st_size > max) {
        rc = -EBADMSG;
        goto out;
    }
    len = (size_t)st.st_size;
    data = malloc(len + 1);
    if (data == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    while (done < len) {
        ssize_t n = read(fd, data + done, len - done);

        if (n == 0) {
            rc = -EBADMSG;
            goto out;
        }
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR) {
            rc = -errno;
            goto out;
        }
    }
    data[len] = '\0';
    *ret = data;
    *ret_len = len;
    data = NULL;
out:
    free(data);
    close(fd);
    return rc;
}

static int
epoch_read(struct keep *k)
{
    uint8_t *text = NULL;
    size_t len;
    int rc = file_read(k, "epoch", 64, &text, &len);

    if (rc == -ENOENT)
        return 0;
    if (rc == 0 && sscanf((const char *)text, "%" SCNu64, &k->epoch) != 1)
        rc = -EBADMSG;
    free(text);
    return rc;
}

int
keep_open(struct keep **ret, const char *dir, size_t max)
{
    struct keep *k;
    int rc;

    assert(ret != NULL);
    assert(max > 0);
    k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    k->max = max;
    k->lock_fd = -1;
    k->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k->dir_fd < 0) {
        rc = -errno;
        goto out;
    }
    k->lock_fd = openat(k->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (k->lock_fd < 0) {
        rc = -errno;
        goto out;
    }
    if (flock(k->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
        goto out;
    }
    rc = dir_read(k);
    if (rc == 0)
        rc = epoch_read(k);
    if (rc != 0)
        goto out;
    *ret = k;
    k = NULL;
out:
    keep_close(&k);
    return rc;
}

void
keep_close(struct keep **keep)
{
    struct keep *k = *keep;

    if (k == NULL)
        return;
    if (k->lock_fd >= 0)
        close(k->lock_fd);
    if (k->dir_fd >= 0)
        close(k->dir_fd);
    free(k->entries);
    free(k);
    *keep = NULL;
}

/* Lets go of the oldest answered events until `count` more fit. */
static int
room_make(struct keep *k, size_t count)
{
    for (size_t i = 0; i < k->count && k->alive + count > k->max; i++) {
        struct entry *e = &k->entries[i];

        if (!e->gone && e->seq != 0 && !e->due) {
            int rc = entry_remove(k, e);

            if (rc != 0)
                return rc;
        }
    }
    entries_compact(k);
    return k->alive + count > k->max ? -ENOSPC : 0;
}

int
keep_add(struct keep *k, const struct keep_event *events, size_t count, uint64_t *ret)
{
    size_t added = 0;
    int rc;

    rc = k->alive + count > k->max ? room_make(k, count) : 0;
    while (rc == 0 && added < count) {
        struct entry e = {.number = k->last_number + 1};
        char name[NAME_SIZE];

        memcpy(e.id, events[added].id, sizeof e.id);
        name_make(name, e.number, e.id, 0);
        rc = file_write(k, name, events[added].data, events[added].len);
        if (rc != 0)
            break;
        rc = entry_push(k, &e);
        if (rc != 0) {
            unlinkat(k->dir_fd, name, 0);
            break;
        }
        k->last_number++;
        ret[added++] = e.number;
    }
    if (rc == 0 && fsync(k->dir_fd) != 0)
        rc = -errno;
    if (rc != 0) {
        for (size_t i = 0; i < added; i++)
            (void)keep_drop(k, ret[i]);
    }
    return rc;
}

int
keep_answered(struct keep *k, uint64_t number, uint64_t seq)
{
    struct entry *e = entry_find(k, number);
    char from[NAME_SIZE], to[NAME_SIZE];

    if (e == NULL)
        return 0;
    assert(seq > 0);
    if (seq <= k->safe)
        return entry_remove(k, e);
    name_make(from, e->number, e->id, e->seq);
    name_make(to, e->number, e->id, seq);
    /* Not fsynced: if the new name is lost the event is sent once more, and the broker knows it. */
    if (renameat(k->dir_fd, from, k->dir_fd, to) != 0)
        return -errno;
    e->seq = seq;
    return 0;
}

int
keep_drop(struct keep *k, uint64_t number)
{
    struct entry *e = entry_find(k, number);

    return e == NULL ? 0 : entry_remove(k, e);
}

int
keep_safe(struct keep *k, uint64_t seq)
{
    int rc = 0;

    if (seq <= k->safe)
        return 0;
    k->safe = seq;
    for (size_t i = 0; rc == 0 && i < k->count; i++) {
        struct entry *e = &k->entries[i];

        if (!e->gone && !e->due && e->seq != 0 && e->seq <= seq)
            rc = entry_remove(k, e);
    }
    entries_compact(k);
    return rc;
}

int
keep_forget(struct keep *k, uint64_t from_seq, uint64_t to_seq)
{
    bool any = false;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->count; i++) {
        struct entry *e = &k->entries[i];

        if (e->gone || e->seq < from_seq || e->seq > to_seq || e->seq == 0)
            continue;
        rc = entry_remove(k, e);
        any = true;
    }
    entries_compact(k);
    return rc == 0 && any && fsync(k->dir_fd) != 0 ? -errno : rc;
}

int
keep_epoch(struct keep *k, uint64_t epoch)
{
    char text[32];
    bool changed = k->epoch != 0 && k->epoch != epoch;
    int len, rc;

    if (k->epoch == epoch)
        return 0;
    if (changed) {
        /* First the files, then the note: a crash between the two does this once more. */
        k->safe = 0;
        for (size_t i = 0; i < k->count; i++) {
            struct entry *e = &k->entries[i];

            if (!e->gone && e->seq != 0) {
                char from[NAME_SIZE], to[NAME_SIZE];

                name_make(from, e->number, e->id, e->seq);
                name_make(to, e->number, e->id, 0);
                if (renameat(k->dir_fd, from, k->dir_fd, to) != 0)
                    return -errno;
                e->seq = 0;
                entry_set_due(k, e, true);
            }
        }
    }
    len = snprintf(text, sizeof text, "%" PRIu64 "\n", epoch);
    rc = file_write(k, "epoch", (const uint8_t *)text, (size_t)len);
    if (rc == 0 && fsync(k->dir_fd) != 0)
        rc = -errno;
    if (rc != 0)
        return rc;
    k->epoch = epoch;
    return changed ? 1 : 0;
}

int
keep_next_due(struct keep *k, uint64_t *ret_number, char ret_id[37], uint8_t **ret, size_t *ret_len)
{
    for (; k->due_count > 0 && k->due_from < k->count; k->due_from++) {
        struct entry *e = &k->entries[k->due_from];
        char name[NAME_SIZE];
        int rc;

        if (e->gone || !e->due)
            continue;
        name_make(name, e->number, e->id, e->seq);
        rc = file_read(k, name, KEEP_EVENT_MAX, ret, ret_len);
        if (rc != 0)
            return rc;
        entry_set_due(k, e, false);
        *ret_number = e->number;
        memcpy(ret_id, e->id, sizeof e->id);
        return 0;
    }
    return -ENOENT;
}

bool
keep_has_due(const struct keep *k)
{
    return k->due_count > 0;
}

size_t
keep_due(const struct keep *k)
{
    return k->due_count;
}

void
keep_each(const struct keep *k, void (*fn)(void *arg, const char *event_id), void *arg)
{
    for (size_t i = 0; i < k->count; i++)
        if (!k->entries[i].gone)
            fn(arg, k->entries[i].id);
}

size_t
keep_count(const struct keep *k)
{
    return k->alive;
}
