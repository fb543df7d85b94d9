#include "agents/unproven.h"

#include "agents/agent_file.h"
#include "agents/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNPROVEN_FILE   "unproven"
#define UNPROVEN_RECORD (16u + LEAF_HASH_SIZE)
#define UNPROVEN_MAX    ((size_t)WITNESS_PENDING_MAX * 2u * UNPROVEN_RECORD) /* then it is written anew */

static void
record_put(const struct unproven_event *event, uint8_t ret[UNPROVEN_RECORD])
{
    for (unsigned i = 0; i < 8; i++) {
        ret[i] = (uint8_t)(event->seq >> (56 - 8 * i));
        ret[8 + i] = (uint8_t)(event->epoch >> (56 - 8 * i));
    }
    memcpy(ret + 16, event->leaf, LEAF_HASH_SIZE);
}

static int
list_add(struct unproven *u, uint64_t seq, uint64_t epoch, const uint8_t leaf[LEAF_HASH_SIZE])
{
    struct unproven_event *event;

    if (u->count == WITNESS_PENDING_MAX) {
        if (!u->overflow_told)
            agent_log(AGENT_WARN,
                      "too many events wait for the proof that they are in the log: further ones have none");
        u->overflow_told = true;
        return 0;
    }
    if (u->count == u->size) {
        size_t size = u->size == 0 ? 64 : 2 * u->size;
        struct unproven_event *grown = realloc(u->at, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        u->at = grown;
        u->size = size;
    }
    event = &u->at[u->count++];
    event->seq = seq;
    event->epoch = epoch;
    memcpy(event->leaf, leaf, LEAF_HASH_SIZE);
    return 0;
}

int
unproven_load(struct unproven *u, int dir)
{
    char *text = NULL;
    size_t len = 0;
    int rc = agent_read(dir, UNPROVEN_FILE, UNPROVEN_MAX, &text, &len);

    u->dir = dir;
    for (size_t at = 0; rc == 0 && at + UNPROVEN_RECORD <= len; at += UNPROVEN_RECORD) {
        const uint8_t *record = (const uint8_t *)text + at;
        uint64_t seq = 0, epoch = 0;

        for (unsigned i = 0; i < 8; i++) {
            seq = seq << 8 | record[i];
            epoch = epoch << 8 | record[8 + i];
        }
        rc = list_add(u, seq, epoch, record + 16);
    }
    free(text);
    return rc == -ENOENT || rc == -EFBIG ? 0 : rc;
}

void
unproven_close(struct unproven *u)
{
    if (u->fd >= 0)
        (void)close(u->fd);
    free(u->at);
    *u = (struct unproven){.fd = -1};
}

int
unproven_write(struct unproven *u)
{
    uint8_t *bytes = malloc(u->count * UNPROVEN_RECORD + 1);
    int rc;

    if (bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < u->count; i++)
        record_put(&u->at[i], bytes + i * UNPROVEN_RECORD);
    rc = agent_stage(u->dir, UNPROVEN_FILE, bytes, u->count * UNPROVEN_RECORD);
    free(bytes);
    if (rc != 0)
        return rc;
    if (u->fd >= 0)
        (void)close(u->fd);
    u->fd = openat(u->dir, UNPROVEN_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
    u->bytes = u->count * UNPROVEN_RECORD;
    return u->fd < 0 ? -errno : 0;
}

int
unproven_add(struct unproven *u, uint64_t seq, uint64_t epoch, const uint8_t leaf[LEAF_HASH_SIZE])
{
    uint8_t record[UNPROVEN_RECORD];
    size_t before = u->count;
    int rc = list_add(u, seq, epoch, leaf);

    if (rc != 0 || u->count == before)
        return rc;
    if (u->fd < 0 || u->bytes + UNPROVEN_RECORD > UNPROVEN_MAX)
        return unproven_write(u);
    record_put(&u->at[before], record);
    if (write(u->fd, record, sizeof record) != (ssize_t)sizeof record)
        return unproven_write(u); /* half a record would shift those behind it */
    u->bytes += sizeof record;
    return 0;
}

void
unproven_drop(struct unproven *u, size_t index, size_t count)
{
    if (count > 0)
        memmove(u->at + index, u->at + index + count, (u->count - index - count) * sizeof *u->at);
    u->count -= count;
}
