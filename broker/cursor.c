/*
 * cursor - the durable places of subscriptions
 *
 * An acknowledged place rides in the next commit, at the latest after CURSOR_DELAY_MS_MAX: a crash may bring a cursor
 * back, never forward.
 */
#include "broker/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
cursor_write(struct broker *b, struct reader *r)
{
    struct core_unit unit;
    struct store_cursor cursor = {
        .seq = r->acked, .acked_ms = r->acked_ms, .filter = r->filter_packed, .filter_len = r->filter_len};

    if (r->cursor[0] == '\0' || !r->cursor_dirty)
        return 0;
    core_unit(b->core, r->feed.unit, &unit);
    r->cursor_dirty = false;
    return store_cursor_put(b->store, unit.id, r->cursor, &cursor);
}

static int
session_write(void *arg, struct session *session)
{
    int rc = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX && rc == 0; i++)
        if (session->streams[i] != NULL)
            rc = cursor_write(arg, session->streams[i]);
    return rc;
}

int
cursors_write(struct broker *b)
{
    b->cursors_due_ms = 0;
    return sessions_each(b->sessions, session_write, b);
}

void
cursor_touch(struct broker *b, struct reader *r)
{
    if (r->cursor[0] == '\0')
        return;
    r->cursor_dirty = true;
    if (b->cursors_due_ms == 0)
        b->cursors_due_ms = b->clock.mono_ms + CURSOR_DELAY_MS_MAX;
}

struct reader *
cursor_reader(struct broker *b, uint32_t unit, const char *name)
{
    struct unit_readers *u = sessions_unit_if(b->sessions, unit);

    for (struct session *s = u == NULL ? NULL : u->sessions; s != NULL; s = s->unit_next)
        for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
            if (s->streams[i] != NULL && strcmp(s->streams[i]->cursor, name) == 0)
                return s->streams[i];
    return NULL;
}

static int
cursor_count_one(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    size_t *count = arg;

    (void)unit;
    (void)name;
    (void)cursor;
    (*count)++;
    return 0;
}

/* The stored cursor, when it has this filter. Copies nothing of the store's. */
static int
cursor_resume(struct broker *b, const char *unit, const char *name, struct reader *r, bool *ret_new)
{
    struct store_cursor stored;
    int rc = store_cursor_get(b->store, unit, name, &stored);

    *ret_new = rc == -ENOENT;
    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return rc;
    if (stored.filter_len != r->filter_len ||
        (stored.filter_len > 0 && memcmp(stored.filter, r->filter_packed, stored.filter_len) != 0))
        return -EEXIST;
    r->acked = stored.seq;
    r->acked_ms = stored.acked_ms;
    return 0;
}

int
cursor_attach(struct broker *b, struct reader *r, const char *name, uint64_t start)
{
    struct core_unit unit;
    size_t count = 0;
    bool fresh;
    int rc;

    core_unit(b->core, r->feed.unit, &unit);
    rc = cursor_resume(b, unit.id, name, r, &fresh);
    if (rc != 0)
        return rc;
    if (fresh) {
        rc = store_cursor_each(b->store, unit.id, cursor_count_one, &count);
        if (rc != 0)
            return rc;
        if (count >= CURSORS_PER_UNIT_MAX)
            return -ENOBUFS;
        r->acked = start - 1;
    }
    memcpy(r->cursor, name, strlen(name) + 1);
    if (!fresh)
        return 0;
    r->cursor_dirty = true;
    return cursor_write(b, r); /* durable with the commit that the answer waits for */
}
