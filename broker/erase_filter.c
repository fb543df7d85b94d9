/*
 * erase_filter - see erase_filter.h
 */
#include "broker/erase_filter.h"
#include "broker/query.h"
#include "broker/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- filters and those who read by them */

void
erase_filter(const struct broker *b, Wici__V1__Filter *filter)
{
    static const char none[] = "00000000-0000-0000-0000-000000000000";
    uint8_t id[16];
    bool done;

    for (size_t i = 0; filter != NULL && i < filter->n_dossiers; i++)
        if (uuid_parse(filter->dossiers[i], id) == 0 && core_erased(b->core, id, &done) != 0)
            memcpy(filter->dossiers[i], none, sizeof none); /* as long as what it replaces */
}

/* Does the packed filter name what was erased? Writes it anew, with the same length. */
static bool
filter_blank(const struct broker *b, uint8_t *packed, size_t len)
{
    Wici__V1__Filter *filter = len == 0 ? NULL : wici__v1__filter__unpack(NULL, len, packed);
    uint8_t *again;
    bool changed = false;

    if (filter == NULL)
        return false;
    erase_filter(b, filter);
    again = wici__v1__filter__get_packed_size(filter) == len ? malloc(len) : NULL;
    if (again != NULL) {
        (void)wici__v1__filter__pack(filter, again);
        changed = memcmp(again, packed, len) != 0;
        memcpy(packed, again, len);
    }
    free(again);
    wici__v1__filter__free_unpacked(filter, NULL);
    return changed;
}

static void
reader_blank(const struct broker *b, struct reader *r)
{
    bool done;

    for (size_t i = 0; i < r->feed.filter.dossier_count; i++)
        if (core_erased(b->core, r->feed.filter.dossiers[i], &done) != 0)
            memset(r->feed.filter.dossiers[i], 0, sizeof r->feed.filter.dossiers[i]);
    (void)filter_blank(b, r->filter_packed, r->filter_len);
}

/* What a bounded read has collected may be of it: it is to be asked again. What a stream had collected has left. */
static int
session_stop(void *arg, struct session *session)
{
    struct broker *b = arg;
    struct refusal refusal;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL)
            reader_blank(b, session->streams[i]);
    for (size_t i = 0; i < READS_PER_SESSION_MAX; i++) {
        struct reader *r = session->reads[i];

        if (r == NULL)
            continue;
        reader_blank(b, r);
        if (r->out_len == 0)
            continue;
        (void)query_refuse(&refusal, E_BUSY, "read");
        reply_refused(b, &session->route, session->unit, &refusal, 0, r->number);
        reader_drop(b->sessions, r);
    }
    return 0;
}

void
erase_readers_stop(struct broker *b)
{
    (void)sessions_each(b->sessions, session_stop, b);
}

/* ---- cursors */

struct blank {
    struct broker *b;
    char unit[STORE_NAME_MAX + 1], name[STORE_NAME_MAX + 1];
    struct store_cursor cursor;
    uint8_t *filter;
    bool found;
    int rc;
};

/* The first cursor whose filter names what was erased. */
static int
cursor_look(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct blank *blank = arg;
    uint8_t *copy = cursor->filter_len == 0 ? NULL : malloc(cursor->filter_len);

    if (copy == NULL) {
        blank->rc = cursor->filter_len == 0 ? 0 : -ENOMEM;
        return blank->rc;
    }
    memcpy(copy, cursor->filter, cursor->filter_len);
    if (!filter_blank(blank->b, copy, cursor->filter_len)) {
        free(copy);
        return 0;
    }
    (void)snprintf(blank->unit, sizeof blank->unit, "%s", unit);
    (void)snprintf(blank->name, sizeof blank->name, "%s", name);
    blank->cursor = *cursor;
    blank->cursor.filter = blank->filter = copy;
    blank->found = true;
    return 1;
}

/* What is rewritten is seen by the next look. */
int
erase_cursors_blank(struct broker *b)
{
    int rc = 0;

    for (bool more = true; more && rc == 0;) {
        struct blank blank = {.b = b};

        rc = store_cursor_each(b->store, NULL, cursor_look, &blank);
        if (rc == 1)
            rc = blank.rc;
        more = blank.found;
        if (rc == 0 && more)
            rc = store_cursor_put(b->store, blank.unit, blank.name, &blank.cursor);
        free(blank.filter);
    }
    return rc;
}
