/*
 * session - see session.h
 */
#include "broker/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096u /* a power of two */

struct sessions {
    struct session *buckets[BUCKETS];
    uint32_t count, streams;
    struct unit_readers **units; /* by unit; NULL: never had a session */
    size_t unit_count;
    uint32_t *turns; /* ring: units with busy readers */
    size_t turn_at, turn_count, turn_size;
};

/* FNV-1a: the ids are libzmq's own, or an enrolled peer's, whose sessions are bounded. */
static size_t
bucket_of(const struct front_route *route)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < route->len; i++)
        hash = (hash ^ route->id[i]) * 16777619u;
    return hash & (BUCKETS - 1);
}

int
sessions_create(struct sessions **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? -ENOMEM : 0;
}

void
sessions_destroy(struct sessions **sessions)
{
    struct sessions *t = *sessions;

    if (t == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i] != NULL)
            sessions_drop(t, t->buckets[i]);
    for (size_t i = 0; i < t->unit_count; i++)
        free(t->units[i]);
    free(t->units);
    free(t->turns);
    free(t);
    *sessions = NULL;
}

struct session *
sessions_find(struct sessions *sessions, const struct front_route *route, const char *key)
{
    for (struct session *s = sessions->buckets[bucket_of(route)]; s != NULL; s = s->next) {
        if (!front_route_is(&s->route, route) || s->gone)
            continue;
        if (strcmp(s->key, key) == 0)
            return s;
        s->gone = true; /* the connection that said Hello is gone: another key uses its routing id */
    }
    return NULL;
}

struct session *
sessions_find_route(struct sessions *sessions, const struct front_route *route)
{
    for (struct session *s = sessions->buckets[bucket_of(route)]; s != NULL; s = s->next)
        if (!s->gone && front_route_is(&s->route, route))
            return s;
    return NULL;
}

struct session *
sessions_find_name(struct sessions *sessions, uint32_t unit, const char *name)
{
    struct unit_readers *u = sessions_unit_if(sessions, unit);

    for (struct session *s = u == NULL ? NULL : u->sessions; s != NULL; s = s->unit_next)
        if (!s->gone && strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

struct unit_readers *
sessions_unit_if(struct sessions *sessions, uint32_t unit)
{
    return unit < sessions->unit_count ? sessions->units[unit] : NULL;
}

int
sessions_unit(struct sessions *sessions, uint32_t unit, struct unit_readers **ret)
{
    assert(unit < UNITS_MAX);
    if (unit >= sessions->unit_count) {
        size_t count = sessions->unit_count == 0 ? 64 : sessions->unit_count;
        struct unit_readers **grown;

        while (count <= unit)
            count *= 2;
        grown = realloc(sessions->units, count * sizeof(struct unit_readers *));
        if (grown == NULL)
            return -ENOMEM;
        for (size_t i = sessions->unit_count; i < count; i++)
            grown[i] = NULL;
        sessions->units = grown;
        sessions->unit_count = count;
    }
    if (sessions->units[unit] == NULL)
        sessions->units[unit] = calloc(1, sizeof(struct unit_readers));
    *ret = sessions->units[unit];
    return *ret == NULL ? -ENOMEM : 0;
}

int
sessions_add(struct sessions *sessions, const struct front_route *route, const char *key, uint32_t unit,
             const char *name, struct session **ret)
{
    struct unit_readers *u;
    struct session *s;
    size_t bucket = bucket_of(route);
    int rc = sessions_unit(sessions, unit, &u);

    assert(strlen(name) <= ID_LEN_MAX);
    if (rc != 0)
        return rc;
    if (u->session_count >= SESSIONS_PER_UNIT_MAX || (sessions->count >= SESSIONS_MAX && u->session_count > 0))
        return -ENOBUFS;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->route = *route;
    memcpy(s->key, key, sizeof s->key);
    memcpy(s->name, name, strlen(name) + 1);
    s->unit = unit;
    s->next_number = 1;
    s->next = sessions->buckets[bucket];
    sessions->buckets[bucket] = s;
    s->unit_next = u->sessions;
    u->sessions = s;
    u->session_count++;
    sessions->count++;
    *ret = s;
    return 0;
}

void
sessions_drop(struct sessions *sessions, struct session *session)
{
    struct unit_readers *u = sessions_unit_if(sessions, session->unit);
    struct session **at = &sessions->buckets[bucket_of(&session->route)];

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL)
            reader_drop(sessions, session->streams[i]);
    for (size_t i = 0; i < READS_PER_SESSION_MAX; i++)
        if (session->reads[i] != NULL)
            reader_drop(sessions, session->reads[i]);
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    at = &u->sessions;
    while (*at != session)
        at = &(*at)->unit_next;
    *at = session->unit_next;
    u->session_count--;
    sessions->count--;
    free(session);
}

static bool
reads_nothing(const struct session *session)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL)
            return false;
    for (size_t i = 0; i < READS_PER_SESSION_MAX; i++)
        if (session->reads[i] != NULL)
            return false;
    return true;
}

struct session *
sessions_idlest(struct sessions *sessions, uint32_t unit)
{
    struct unit_readers *u = sessions_unit_if(sessions, unit);
    struct session *found = NULL;

    for (struct session *s = u == NULL ? NULL : u->sessions; s != NULL; s = s->unit_next)
        if (reads_nothing(s) && (found == NULL || s->heard_ms <= found->heard_ms))
            found = s;
    return found;
}

uint32_t
sessions_count(const struct sessions *sessions)
{
    return sessions->count;
}

uint32_t
sessions_streams(const struct sessions *sessions)
{
    return sessions->streams;
}

int
sessions_each(struct sessions *sessions, int (*fn)(void *arg, struct session *session), void *arg)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct session *next;

        for (struct session *s = sessions->buckets[i]; s != NULL; s = next) {
            int rc;

            next = s->next;
            rc = fn(arg, s);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

int
reader_add(struct sessions *sessions, struct session *session, enum reader_kind kind, uint32_t number,
           struct reader **ret)
{
    struct reader **slots = kind == READER_STREAM ? session->streams : session->reads, **free_slot = NULL, *r;
    size_t max = kind == READER_STREAM ? SUBSCRIPTIONS_PER_SESSION_MAX : READS_PER_SESSION_MAX;

    for (size_t i = 0; i < max; i++) {
        if (slots[i] == NULL)
            free_slot = &slots[i];
        else if (slots[i]->number == number)
            return -EEXIST;
    }
    if (free_slot == NULL)
        return -ENOBUFS;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->kind = kind;
    r->state = READER_BLOCKED;
    r->session = session;
    r->number = number;
    r->feed.unit = session->unit;
    *free_slot = r;
    sessions->streams += kind == READER_STREAM;
    *ret = r;
    return 0;
}

struct reader *
reader_find(struct session *session, uint32_t subscription)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL && session->streams[i]->number == subscription)
            return session->streams[i];
    return NULL;
}

static void
list_take(struct unit_readers *u, struct reader *r)
{
    struct reader **first = r->state == READER_LIVE ? &u->live : &u->busy;

    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        *first = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    else if (r->state == READER_BUSY)
        u->busy_last = r->prev;
    r->next = r->prev = NULL;
}

static void
list_put(struct unit_readers *u, struct reader *r)
{
    if (r->state == READER_LIVE) {
        r->next = u->live;
        if (u->live != NULL)
            u->live->prev = r;
        u->live = r;
        return;
    }
    r->prev = u->busy_last;
    if (u->busy_last != NULL)
        u->busy_last->next = r;
    else
        u->busy = r;
    u->busy_last = r;
}

static void
turn_put(struct sessions *sessions, uint32_t unit)
{
    if (sessions->turn_count == sessions->turn_size) {
        size_t size = sessions->turn_size == 0 ? 64 : 2 * sessions->turn_size;
        uint32_t *grown = malloc(size * sizeof *grown);

        if (grown == NULL)
            return; /* the unit is served when one of its readers next becomes busy */
        for (size_t i = 0; i < sessions->turn_count; i++)
            grown[i] = sessions->turns[(sessions->turn_at + i) % sessions->turn_size];
        free(sessions->turns);
        sessions->turns = grown;
        sessions->turn_size = size;
        sessions->turn_at = 0;
    }
    sessions->turns[(sessions->turn_at + sessions->turn_count++) % sessions->turn_size] = unit;
    sessions->units[unit]->queued = true;
}

void
reader_move(struct sessions *sessions, struct reader *reader, enum reader_state state)
{
    struct unit_readers *u = sessions_unit_if(sessions, reader->feed.unit);

    if (reader->state == READER_LIVE || reader->state == READER_BUSY)
        list_take(u, reader);
    reader->state = state;
    if (state != READER_LIVE && state != READER_BUSY)
        return;
    list_put(u, reader);
    if (state == READER_BUSY && !u->queued)
        turn_put(sessions, reader->feed.unit);
}

void
reader_drop(struct sessions *sessions, struct reader *reader)
{
    struct session *s = reader->session;
    struct reader **slots = reader->kind == READER_STREAM ? s->streams : s->reads;
    size_t max = reader->kind == READER_STREAM ? SUBSCRIPTIONS_PER_SESSION_MAX : READS_PER_SESSION_MAX;

    reader_move(sessions, reader, READER_ENDED);
    for (size_t i = 0; i < max; i++)
        if (slots[i] == reader)
            slots[i] = NULL;
    sessions->streams -= reader->kind == READER_STREAM;
    feed_free(&reader->feed);
    free(reader->out);
    free(reader->credits);
    free(reader->filter_packed);
    explicit_bzero(reader->why, sizeof reader->why);
    free(reader);
}

uint32_t
sessions_turn(struct sessions *sessions)
{
    while (sessions->turn_count > 0) {
        uint32_t unit = sessions->turns[sessions->turn_at];

        sessions->turn_at = (sessions->turn_at + 1) % sessions->turn_size;
        sessions->turn_count--;
        sessions->units[unit]->queued = false;
        if (sessions->units[unit]->busy != NULL) {
            turn_put(sessions, unit);
            return unit;
        }
    }
    return CORE_UNIT_NONE;
}

bool
sessions_busy(const struct sessions *sessions)
{
    for (size_t i = 0; i < sessions->turn_count; i++)
        if (sessions->units[sessions->turns[(sessions->turn_at + i) % sessions->turn_size]]->busy != NULL)
            return true;
    return false;
}
