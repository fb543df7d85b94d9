/*
 * access - see access.h
 */
#include "broker/access.h"
#include "broker/sequence.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_PREFIX "open:"

/* A read is shown only while there is room for the record of it, and for those of the reads under way. */
#define ROOM_RECORDS 16u
#define ROOM_BYTES   (ROOM_RECORDS * 1024ull)

struct shown {
    const char *unit, *cursor, *why;
    uint64_t from_seq, to_seq, events;
    bool possibly;
};

/* The key entry of the access records; taken with the first of them. */
static int
entry_have(struct broker *b)
{
    uint8_t value[4];
    uint32_t entry;
    int rc;

    if (b->source.access_entry != 0)
        return 0;
    rc = sequence_entry(b->sequence, &entry);
    if (rc != 0)
        return rc;
    for (unsigned i = 0; i < 4; i++)
        value[i] = (uint8_t)(entry >> (24 - 8 * i));
    rc = store_value_put(b->store, ACCESS_ENTRY_VALUE, value, sizeof value);
    if (rc == 0)
        b->source.access_entry = entry;
    return rc;
}

static int
record_write(struct broker *b, const struct shown *shown)
{
    Wici__V1__SysAccessRecordedS0 body;
    Wici__V1__Section section;
    int rc = entry_have(b);

    if (rc != 0)
        return rc;
    wici__v1__sys_access_recorded_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit = (char *)(uintptr_t)shown->unit; /* packing only reads them */
    body.cursor = (char *)(uintptr_t)shown->cursor;
    body.why = (char *)(uintptr_t)shown->why;
    body.from_seq = shown->from_seq;
    body.to_seq = shown->to_seq;
    body.as_of_seq = store_head(b->store);
    body.events = shown->events;
    body.possibly = shown->possibly;
    section.body_case = WICI__V1__SECTION__BODY_SYS_ACCESS_RECORDED_S0;
    section.sys_access_recorded_s0 = &body;
    return sequence_own(b->sequence, &section, b->source.access_entry, b->clock.now_ms);
}

static const char *
unit_id(const struct broker *b, uint32_t unit)
{
    struct core_unit u;

    core_unit(b->core, unit, &u);
    return u.id;
}

/* What the reader is called in a record: its cursor, or its session. */
static const char *
reader_name(const struct reader *reader)
{
    return reader->cursor[0] != '\0' ? reader->cursor : reader->session->name;
}

static void
mark_name(const struct broker *b, const struct reader *reader, char ret[STORE_NAME_MAX])
{
    (void)snprintf(ret, STORE_NAME_MAX, MARK_PREFIX "%s:%s:%" PRIu32, unit_id(b, reader->feed.unit),
                   reader->session->name, reader->number);
}

static int
mark_put(struct broker *b, const struct reader *reader, uint64_t seq)
{
    char name[STORE_NAME_MAX];
    uint8_t value[8 + ID_LEN_MAX + 1];
    size_t cursor_len = strlen(reader_name(reader));

    for (unsigned i = 0; i < 8; i++)
        value[i] = (uint8_t)(seq >> (56 - 8 * i));
    memcpy(value + 8, reader_name(reader), cursor_len);
    mark_name(b, reader, name);
    return store_value_put(b->store, name, value, 8 + cursor_len);
}

int
access_open(struct broker *b, struct reader *reader, uint64_t seq)
{
    int rc;

    assert(!reader->window.open);
    if ((rc = store_room_own(b->store, ROOM_RECORDS, ROOM_BYTES)) != 0)
        return rc;
    if (b->opening_count == b->opening_size) {
        size_t size = b->opening_size == 0 ? 16 : 2 * b->opening_size;
        struct reader **grown = realloc(b->opening, size * sizeof(struct reader *));

        if (grown == NULL)
            return -ENOMEM;
        b->opening = grown;
        b->opening_size = size;
    }
    rc = mark_put(b, reader, seq);
    if (rc != 0)
        return rc;
    reader->window = (struct window){.open = true, .from_seq = seq, .opened_ms = b->clock.mono_ms};
    b->opening[b->opening_count++] = reader;
    reader_move(b->sessions, reader, READER_OPENING);
    return 0;
}

void
access_committed(struct broker *b)
{
    for (size_t i = 0; i < b->opening_count; i++)
        if (b->opening[i] != NULL)
            reader_move(b->sessions, b->opening[i], READER_BUSY);
    b->opening_count = 0;
}

void
access_count(struct reader *reader, uint64_t seq)
{
    assert(reader->window.open);
    reader->window.to_seq = seq;
    reader->window.events++;
}

bool
access_is_due(const struct broker *b, const struct reader *reader)
{
    return reader->window.open && reader->state != READER_OPENING &&
           (reader->window.events >= ACCESS_WINDOW_EVENTS_MAX ||
            b->clock.mono_ms - reader->window.opened_ms >= ACCESS_WINDOW_MS_MAX);
}

static int
window_write(struct broker *b, const struct reader *reader, const struct window *window)
{
    struct shown shown = {.unit = unit_id(b, reader->feed.unit),
                          .cursor = reader_name(reader),
                          .why = reader->why, /* "" but for an auditor's bounded read */
                          .from_seq = window->from_seq,
                          .to_seq = window->to_seq,
                          .events = window->events};

    return record_write(b, &shown);
}

/* Records what the reader has set aside; its open window's mark takes the place of theirs. */
static int
full_write(struct broker *b, struct reader *reader)
{
    int rc = 0;

    for (size_t i = 0; i < reader->full_count && rc == 0; i++)
        rc = window_write(b, reader, &reader->full[i]);
    if (rc == 0 && reader->full_count > 0)
        rc = mark_put(b, reader, reader->window.from_seq);
    b->full_windows -= reader->full_count;
    reader->full_count = 0;
    free(reader->full);
    reader->full = NULL;
    return rc;
}

int
access_roll(struct broker *b, struct reader *reader, uint64_t seq)
{
    size_t records = ROOM_RECORDS + b->full_windows;
    int rc;

    assert(reader->window.open && reader->window.events > 0);
    rc = store_room_own(b->store, records, records * (ROOM_BYTES / ROOM_RECORDS));
    if (rc == 0 && reader->full_count == ACCESS_FULL_MAX)
        rc = full_write(b, reader);
    if (rc != 0)
        return rc;
    if (reader->full == NULL)
        reader->full = malloc(ACCESS_FULL_MAX * sizeof *reader->full);
    if (reader->full == NULL)
        return -ENOMEM;
    reader->full[reader->full_count++] = reader->window;
    b->full_windows++;
    if (b->full_due_ms == 0)
        b->full_due_ms = b->clock.mono_ms + ACCESS_DELAY_MS_MAX;
    reader->window = (struct window){.open = true, .from_seq = seq, .opened_ms = b->clock.mono_ms};
    return 0;
}

static int
session_write(void *arg, struct session *session)
{
    int rc = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX && rc == 0; i++)
        if (session->streams[i] != NULL && session->streams[i]->full_count > 0)
            rc = full_write(arg, session->streams[i]);
    return rc;
}

int
access_write(struct broker *b)
{
    b->full_due_ms = 0;
    return sessions_each(b->sessions, session_write, b);
}

int
access_close(struct broker *b, struct reader *reader)
{
    char name[STORE_NAME_MAX];
    int rc = 0;

    if (!reader->window.open)
        return 0;
    for (size_t i = 0; i < b->opening_count; i++)
        if (b->opening[i] == reader)
            b->opening[i] = NULL;
    if (reader->full_count > 0)
        rc = full_write(b, reader);
    if (rc == 0 && reader->window.events > 0)
        rc = window_write(b, reader, &reader->window);
    mark_name(b, reader, name);
    if (rc == 0)
        rc = store_value_drop(b->store, name);
    reader->window = (struct window){.open = false};
    return rc;
}

int
access_read(struct broker *b, const struct reader *reader)
{
    int rc = store_room_own(b->store, ROOM_RECORDS, ROOM_BYTES);

    return rc == 0 ? window_write(b, reader, &reader->window) : rc;
}

int
access_shown(struct broker *b, const struct session *session, uint64_t seq)
{
    struct shown shown = {.unit = unit_id(b, session->unit),
                          .cursor = session->name,
                          .why = "",
                          .from_seq = seq,
                          .to_seq = seq,
                          .events = 1};
    int rc = store_room_own(b->store, ROOM_RECORDS, ROOM_BYTES);

    return rc == 0 ? record_write(b, &shown) : rc;
}

/* The marks found at start, copied: the store must not be written to while it lists them. */
struct marks {
    char (*names)[STORE_NAME_MAX + 1];
    struct {
        uint64_t from_seq;
        char cursor[ID_LEN_MAX + 1];
    } * values;
    size_t count, size;
};

static int
mark_take(void *arg, const char *name, const uint8_t *value, size_t len)
{
    struct marks *m = arg;

    if (len < 8 || len - 8 > ID_LEN_MAX || strlen(name) > STORE_NAME_MAX)
        return -EBADMSG;
    if (m->count == m->size) {
        size_t size = m->size == 0 ? 16 : 2 * m->size;
        void *names = realloc(m->names, size * sizeof *m->names), *values;

        if (names == NULL)
            return -ENOMEM;
        m->names = names;
        values = realloc(m->values, size * sizeof *m->values);
        if (values == NULL)
            return -ENOMEM;
        m->values = values;
        m->size = size;
    }
    memcpy(m->names[m->count], name, strlen(name) + 1);
    m->values[m->count].from_seq = 0;
    for (unsigned i = 0; i < 8; i++)
        m->values[m->count].from_seq = m->values[m->count].from_seq << 8 | value[i];
    memcpy(m->values[m->count].cursor, value + 8, len - 8);
    m->values[m->count].cursor[len - 8] = '\0';
    m->count++;
    return 0;
}

int
access_recover(struct broker *b)
{
    struct marks m = {.names = NULL};
    uint64_t head = store_head(b->store);
    int rc = store_value_each(b->store, MARK_PREFIX, mark_take, &m);

    for (size_t i = 0; i < m.count && rc == 0; i++) {
        char unit[STORE_NAME_MAX + 1];
        char *end;
        struct shown shown = {.unit = unit,
                              .cursor = m.values[i].cursor,
                              .why = "",
                              .from_seq = m.values[i].from_seq,
                              .to_seq = head,
                              .possibly = true};

        memcpy(unit, m.names[i] + strlen(MARK_PREFIX), strlen(m.names[i]) - strlen(MARK_PREFIX) + 1);
        end = strchr(unit, ':');
        if (end == NULL) {
            rc = -EBADMSG;
            break;
        }
        *end = '\0';
        rc = record_write(b, &shown);
        if (rc == 0)
            rc = store_value_drop(b->store, m.names[i]);
    }
    if (rc == 0)
        rc = store_commit(b->store);
    free(m.names);
    free(m.values);
    return rc;
}
