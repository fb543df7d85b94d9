/*
 * inbox_journal - see inbox_journal.h
 */
#include "agents/inbox_journal.h"

#include "agents/agent_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_SIZE 32u
#define READ_COUNT  2048u /* records read at once */

struct journal {
    int fd;
    uint64_t size;         /* bytes that hold whole records */
    uint64_t epoch, first; /* 0: none */
    uint64_t epoch_start;  /* bytes before the present epoch's first record */
    uint64_t max;
    uint8_t *taken; /* one bit for each seq of this epoch */
    size_t taken_size;
};

static void
put64(uint8_t *to, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

static uint64_t
get64(const uint8_t *from)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}

/* FNV-1a: tells a torn record from a whole one; no defence against anybody. */
static uint64_t
check_of(const uint8_t *data, size_t len)
{
    uint64_t hash = 14695981039346656037ull;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 1099511628211ull;
    return hash;
}

static void
record_encode(uint8_t to[RECORD_SIZE], uint64_t seq, const uint8_t id[16])
{
    put64(to, seq);
    memcpy(to + 8, id, 16);
    put64(to + 24, check_of(to, 24));
}

static int
bit_set(struct journal *j, uint64_t seq)
{
    size_t at = (size_t)(seq / 8);

    if (seq >= JOURNAL_SEQ_MAX)
        return -ERANGE;
    if (at >= j->taken_size) {
        size_t size = (at + 1) * 2 < 4096 ? 4096 : (at + 1) * 2;
        uint8_t *grown = realloc(j->taken, size);

        if (grown == NULL)
            return -ENOMEM;
        memset(grown + j->taken_size, 0, size - j->taken_size);
        j->taken = grown;
        j->taken_size = size;
    }
    j->taken[at] |= (uint8_t)(1u << (seq % 8));
    if (seq > j->max)
        j->max = seq;
    return 0;
}

static void
epoch_begin(struct journal *j, uint64_t epoch, uint64_t start)
{
    j->epoch = epoch;
    if (j->first == 0)
        j->first = epoch;
    j->epoch_start = start;
    j->max = 0;
    if (j->taken != NULL)
        memset(j->taken, 0, j->taken_size);
}

/* Calls fn for each record before `end`; stops at its first non-zero. */
typedef int record_fn(struct journal *j, uint64_t offset, const uint8_t *record, const void *arg);

static int
records_each(struct journal *j, uint64_t end, record_fn *fn, const void *arg)
{
    uint8_t *buffer = malloc((size_t)READ_COUNT * RECORD_SIZE);
    uint64_t at = 0;
    int rc = buffer == NULL ? -ENOMEM : 0;

    while (rc == 0 && at < end) {
        size_t want = end - at < READ_COUNT * RECORD_SIZE ? (size_t)(end - at) : READ_COUNT * RECORD_SIZE;
        ssize_t got = pread(j->fd, buffer, want, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)want) {
            rc = got < 0 ? -errno : -EIO;
            break;
        }
        for (size_t i = 0; rc == 0 && i < want; i += RECORD_SIZE)
            rc = fn(j, at + i, buffer + i, arg);
        at += want;
    }
    free(buffer);
    return rc;
}

static int
record_load(struct journal *j, uint64_t offset, const uint8_t *record, const void *arg)
{
    uint64_t end = *(const uint64_t *)arg;
    int rc = 0;

    if (get64(record + 24) != check_of(record, 24)) {
        /* Only the last write can be torn, and it is never longer than a few hundred records. */
        if (end - offset > 1024u * RECORD_SIZE)
            return -EBADMSG;
        return 1;
    }
    if (get64(record) == 0)
        epoch_begin(j, get64(record + 8), offset + RECORD_SIZE);
    else
        rc = bit_set(j, get64(record));
    j->size = offset + RECORD_SIZE;
    return rc;
}

int
journal_open(struct journal **ret, int dir)
{
    struct journal *j = calloc(1, sizeof *j);
    struct stat st;
    uint64_t end;
    int rc = 0;

    if (j == NULL)
        return -ENOMEM;
    j->fd = openat(dir, "taken", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->fd < 0 || fstat(j->fd, &st) < 0) {
        rc = -errno;
        goto out;
    }
    end = (uint64_t)st.st_size / RECORD_SIZE * RECORD_SIZE;
    rc = records_each(j, end, record_load, &end);
    if (rc < 0)
        goto out;
    rc = 0;
    if ((uint64_t)st.st_size != j->size && (ftruncate(j->fd, (off_t)j->size) < 0 || fsync(j->fd) < 0))
        rc = -errno;
    if (rc == 0)
        rc = agent_sync(dir);
    if (rc == 0) {
        *ret = j;
        j = NULL;
    }
out:
    journal_close(&j);
    return rc;
}

void
journal_close(struct journal **journal)
{
    struct journal *j = *journal;

    if (j == NULL)
        return;
    if (j->fd >= 0)
        close(j->fd);
    free(j->taken);
    free(j);
    *journal = NULL;
}

uint64_t
journal_epoch(const struct journal *journal, uint64_t *ret_first)
{
    if (ret_first != NULL)
        *ret_first = journal->first;
    return journal->epoch;
}

static int
records_append(struct journal *j, const uint8_t *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(j->fd, data + done, len - done, (off_t)(j->size + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    if (agent_step != NULL)
        agent_step();
    if (fdatasync(j->fd) < 0)
        return -errno;
    if (agent_step != NULL)
        agent_step();
    j->size += len;
    return 0;
}

int
journal_set_epoch(struct journal *journal, uint64_t epoch)
{
    uint8_t record[RECORD_SIZE], id[16] = {0};
    int rc;

    if (epoch == 0 || epoch == journal->epoch)
        return 0;
    put64(id, epoch);
    record_encode(record, 0, id);
    rc = records_append(journal, record, sizeof record);
    if (rc == 0)
        epoch_begin(journal, epoch, journal->size);
    return rc;
}

static int
record_has_id(struct journal *j, uint64_t offset, const uint8_t *record, const void *arg)
{
    (void)j;
    (void)offset;
    return get64(record) != 0 && memcmp(record + 8, arg, 16) == 0;
}

int
journal_has(struct journal *journal, const struct journal_entry *entry)
{
    static const uint8_t unknown[16];
    size_t at = (size_t)(entry->seq / 8);

    if (at < journal->taken_size && (journal->taken[at] & 1u << (entry->seq % 8)) != 0)
        return 1;
    if (journal->epoch == journal->first || memcmp(entry->id, unknown, sizeof unknown) == 0)
        return 0;
    /* The log went back to an older copy at least once: look through what was taken before. */
    return records_each(journal, journal->epoch_start, record_has_id, entry->id);
}

int
journal_add(struct journal *journal, const struct journal_entry *entries, size_t count)
{
    uint8_t *data;
    int rc = 0;

    if (count == 0)
        return 0;
    data = malloc(count * RECORD_SIZE);
    if (data == NULL)
        return -ENOMEM;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (entries[i].seq == 0 || entries[i].seq >= JOURNAL_SEQ_MAX)
            rc = -ERANGE;
        else
            record_encode(data + i * RECORD_SIZE, entries[i].seq, entries[i].id);
    }
    if (rc == 0)
        rc = records_append(journal, data, count * RECORD_SIZE);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = bit_set(journal, entries[i].seq);
    free(data);
    return rc;
}

uint64_t
journal_max(const struct journal *journal)
{
    return journal->max;
}
