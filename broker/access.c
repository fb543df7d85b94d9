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
#define ROOM_RECORDS      16u
#define ROOM_RECORD_BYTES 1024ull

/* What a record says. */
struct access_record {
    const char *unit, *cursor, *why, *question;
    uint64_t from_seq, to_seq, events;
    uint64_t opened_seq, as_of_seq;
    struct access_asked asked;
    uint32_t document; /* of record from_seq; 0: none was shown */
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
record_write(struct broker *b, const struct access_record *record)
{
    Wici__V1__SysAccessRecordedS0 body;
    Wici__V1__Section section;
    int rc = entry_have(b);

    if (rc != 0)
        return rc;
    wici__v1__sys_access_recorded_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit = TEXT(record->unit);
    body.cursor = TEXT(record->cursor);
    body.why = TEXT(record->why);
    body.question = TEXT(record->question);
    body.from_seq = record->from_seq;
    body.to_seq = record->to_seq;
    body.opened_as_of_seq = record->opened_seq;
    body.as_of_seq = record->as_of_seq;
    body.dossier_entry = record->asked.entry;
    body.narrowed = record->asked.narrowed;
    body.type = record->asked.type;
    body.families = (char **)(uintptr_t)record->asked.families;
    body.n_families = record->asked.family_count;
    body.events = record->events;
    body.document = record->document;
    body.possibly = record->possibly;
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

void
access_asked(const struct broker *b, const struct reader *reader, struct access_asked *ret)
{
    const struct filter *filter = &reader->feed.filter;

    *ret = (struct access_asked){
        .type = reader->type, .narrowed = filter->dossier_count > 1, .family_count = (uint8_t)filter->family_count};
    memcpy(ret->families, filter->families, filter->family_count * sizeof filter->families[0]);
    if (filter->dossier_count == 1)
        ret->entry = core_entry_for(b->core, reader->feed.unit, filter->dossiers[0]);
}

/* What the reader is called in a record: its cursor, or its session. */
static const char *
reader_name(const struct reader *reader)
{
    return reader->cursor[0] != '\0' ? reader->cursor : reader->session->name;
}

/* The mark's number tells a reader from a later one of the same name: windows of both may wait to be recorded. */
static void
mark_name(const struct broker *b, uint32_t unit, const char *session, uint32_t number, uint64_t mark,
          char ret[STORE_NAME_MAX])
{
    int len = snprintf(ret, STORE_NAME_MAX, MARK_PREFIX "%s:%s:%" PRIu32 ":%" PRIu64, unit_id(b, unit), session, number,
                       mark);

    assert(len > 0 && (size_t)len < STORE_NAME_MAX);
}

static int
mark_put(struct broker *b, const char *mark, const char *name, uint64_t seq)
{
    uint8_t value[8 + ID_LEN_MAX + 1];
    size_t len = strlen(name);

    for (unsigned i = 0; i < 8; i++)
        value[i] = (uint8_t)(seq >> (56 - 8 * i));
    memcpy(value + 8, name, len);
    return store_value_put(b->store, mark, value, 8 + len);
}

/* ---- windows that are over: a ring, with a place for each open window, so that to end one cannot fail */

static int
over_reserve(struct broker *b, size_t count)
{
    struct access_over *grown;
    size_t size = b->over_size == 0 ? 64 : b->over_size;

    while (size < count)
        size *= 2;
    if (size == b->over_size)
        return 0;
    grown = malloc(size * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < b->over_count; i++)
        grown[i] = b->over[(b->over_at + i) % b->over_size];
    free(b->over);
    b->over = grown;
    b->over_size = size;
    b->over_at = 0;
    return 0;
}

static void
over_put(struct broker *b, const struct reader *reader, uint64_t next_seq, uint64_t due_ms)
{
    struct access_over *over;

    assert(b->over_count < b->over_size);
    over = &b->over[(b->over_at + b->over_count++) % b->over_size];
    *over = (struct access_over){.unit = reader->feed.unit,
                                 .number = reader->number,
                                 .mark = reader->mark,
                                 .window = reader->window,
                                 .as_of_seq = store_head(b->store),
                                 .next_seq = next_seq};
    access_asked(b, reader, &over->asked);
    memcpy(over->session, reader->session->name, strlen(reader->session->name) + 1);
    memcpy(over->name, reader_name(reader), strlen(reader_name(reader)) + 1);
    b->over_put++;
    if (b->over_due_ms == 0 || due_ms < b->over_due_ms)
        b->over_due_ms = due_ms;
}

/* Room for one more window, beside those under way and those that wait. */
static int
over_room(struct broker *b)
{
    size_t records = ROOM_RECORDS + b->over_count + b->windows_open;
    int rc;

    if (b->over_count >= ACCESS_WAITING_MAX)
        return -ENOSPC;
    rc = store_room_own(b->store, records, records * ROOM_RECORD_BYTES);
    return rc != 0 ? rc : over_reserve(b, b->over_count + b->windows_open + 2);
}

int
access_open(struct broker *b, struct reader *reader, uint64_t seq)
{
    char name[STORE_NAME_MAX];
    int rc;

    assert(!reader->window.open);
    if ((rc = over_room(b)) != 0)
        return rc;
    if (b->opening_count == b->opening_size) {
        size_t size = b->opening_size == 0 ? 16 : 2 * b->opening_size;
        struct reader **grown = realloc(b->opening, size * sizeof(struct reader *));

        if (grown == NULL)
            return -ENOMEM;
        b->opening = grown;
        b->opening_size = size;
    }
    reader->mark = b->marks++;
    mark_name(b, reader->feed.unit, reader->session->name, reader->number, reader->mark, name);
    rc = mark_put(b, name, reader_name(reader), seq);
    if (rc != 0)
        return rc;
    reader->window = (struct window){
        .open = true, .from_seq = seq, .opened_seq = store_head(b->store), .opened_ms = b->clock.mono_ms};
    b->windows_open++;
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
    b->over_committed = b->over_put - b->over_count;
}

void
access_count(struct reader *reader, uint64_t seq)
{
    assert(reader->window.open && seq >= reader->window.from_seq);
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

int
access_roll(struct broker *b, struct reader *reader, uint64_t seq)
{
    int rc;

    assert(reader->window.open && reader->window.events > 0);
    if ((rc = over_room(b)) != 0)
        return rc;
    over_put(b, reader, seq, b->clock.mono_ms + ACCESS_DELAY_MS_MAX);
    reader->window = (struct window){
        .open = true, .from_seq = seq, .opened_seq = store_head(b->store), .opened_ms = b->clock.mono_ms};
    return 0;
}

void
access_close(struct broker *b, struct reader *reader)
{
    if (!reader->window.open)
        return;
    for (size_t i = 0; i < b->opening_count; i++)
        if (b->opening[i] == reader)
            b->opening[i] = NULL;
    over_put(b, reader, 0, b->clock.mono_ms);
    b->windows_open--;
    reader->window = (struct window){.open = false};
}

bool
access_has_due(const struct broker *b)
{
    return b->over_count > 0 && (store_has_batch(b->store) || b->clock.mono_ms >= b->over_due_ms);
}

int
access_room(struct broker *b)
{
    int rc = 0;

    if (b->over_count > 0)
        rc = store_room_own(b->store, ACCESS_TICK_MAX, ACCESS_TICK_MAX * ROOM_RECORD_BYTES);
    return rc == -ENOSPC ? 0 : rc; /* for these there was room when they were opened */
}

static int
over_write(struct broker *b, const struct access_over *over)
{
    struct access_record record = {.unit = unit_id(b, over->unit),
                                   .cursor = over->name,
                                   .why = "", /* streams have no reason */
                                   .question = "",
                                   .from_seq = over->window.from_seq,
                                   .to_seq = over->window.to_seq,
                                   .events = over->window.events,
                                   .opened_seq = over->window.opened_seq,
                                   .as_of_seq = over->as_of_seq,
                                   .asked = over->asked};
    char name[STORE_NAME_MAX];
    int rc = record.events > 0 ? record_write(b, &record) : 0;

    if (rc != 0)
        return rc;
    mark_name(b, over->unit, over->session, over->number, over->mark, name);
    return over->next_seq == 0 ? store_value_drop(b->store, name) : mark_put(b, name, over->name, over->next_seq);
}

int
access_write(struct broker *b)
{
    int rc = 0;

    for (unsigned i = 0; i < ACCESS_TICK_MAX && b->over_count > 0 && rc == 0; i++) {
        rc = over_write(b, &b->over[b->over_at]);
        if (rc != 0)
            return rc;
        b->over_at = (b->over_at + 1) % b->over_size;
        b->over_count--;
    }
    b->over_due_ms = b->over_count > 0 ? b->clock.mono_ms : 0;
    return 0;
}

uint64_t
access_ask(struct broker *b)
{
    if (b->over_count > 0)
        b->over_due_ms = b->clock.mono_ms;
    return b->over_put;
}

bool
access_is_recorded(const struct broker *b, uint64_t asked)
{
    return b->over_committed >= asked;
}

/* ---- what is recorded at once */

int
access_read(struct broker *b, const struct reader *reader)
{
    struct access_record record = {.unit = unit_id(b, reader->feed.unit),
                                   .cursor = reader_name(reader),
                                   .why = reader->why, /* as who asked stated it, auditor or not */
                                   .question = "",
                                   .from_seq = reader->window.from_seq,
                                   .to_seq = reader->window.to_seq,
                                   .events = reader->window.events,
                                   .opened_seq = reader->window.opened_seq,
                                   .as_of_seq = store_head(b->store)};
    int rc;

    access_asked(b, reader, &record.asked);
    rc = store_room_own(b->store, ROOM_RECORDS, ROOM_RECORDS * ROOM_RECORD_BYTES);

    return rc == 0 ? record_write(b, &record) : rc;
}

int
access_shown(struct broker *b, const struct session *session, uint64_t seq)
{
    struct access_record record = {.unit = unit_id(b, session->unit),
                                   .cursor = session->name,
                                   .why = "",
                                   .question = "",
                                   .from_seq = seq,
                                   .to_seq = seq,
                                   .events = 1,
                                   .opened_seq = store_head(b->store),
                                   .as_of_seq = store_head(b->store)};
    int rc = store_room_own(b->store, ROOM_RECORDS, ROOM_RECORDS * ROOM_RECORD_BYTES);

    return rc == 0 ? record_write(b, &record) : rc;
}

/* What was told in the answer to a question, about a dossier or a record of it. */
static int
told_write(struct broker *b, const struct session *session, struct access_record *record, uint64_t seq)
{
    int rc = store_room_own(b->store, ROOM_RECORDS, ROOM_RECORDS * ROOM_RECORD_BYTES);

    record->unit = unit_id(b, session->unit);
    record->cursor = session->name;
    record->from_seq = record->to_seq = seq;
    record->opened_seq = record->as_of_seq = store_head(b->store);
    return rc == 0 ? record_write(b, record) : rc;
}

int
access_told(struct broker *b, const struct session *session, const char *question, uint32_t entry, uint64_t seq,
            const char *why)
{
    struct access_record record = {.why = why, .question = question, .asked.entry = entry};

    return told_write(b, session, &record, seq);
}

int
access_document(struct broker *b, const struct session *session, uint32_t entry, uint64_t seq, uint32_t number,
                const char *why)
{
    struct access_record record = {.why = why, .question = ACCESS_DOCUMENT, .asked.entry = entry, .document = number};

    return told_write(b, session, &record, seq);
}

int
access_told_auditor(struct broker *b, const struct session *session, const char *question, uint32_t entry, uint64_t seq,
                    const char *why)
{
    bool auditor = core_unit_is(b->core, session->unit, WICI__V1__ROLE__AUD);

    return auditor ? access_told(b, session, question, entry, seq, why) : 0;
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
        struct access_record record = {.unit = unit,
                                       .cursor = m.values[i].cursor,
                                       .why = "",
                                       .question = "",
                                       .from_seq = m.values[i].from_seq,
                                       .to_seq = head,
                                       .as_of_seq = head,
                                       .possibly = true};

        memcpy(unit, m.names[i] + strlen(MARK_PREFIX), strlen(m.names[i]) - strlen(MARK_PREFIX) + 1);
        end = strchr(unit, ':');
        if (end == NULL) {
            rc = -EBADMSG;
            break;
        }
        *end = '\0';
        if (i % ACCESS_TICK_MAX == 0 && (rc = store_commit(b->store)) == 0)
            rc = store_room_own(b->store, ACCESS_TICK_MAX, ACCESS_TICK_MAX * ROOM_RECORD_BYTES);
        if (rc == 0 || rc == -ENOSPC)
            rc = record_write(b, &record);
        if (rc == 0)
            rc = store_value_drop(b->store, m.names[i]);
    }
    if (rc == 0)
        rc = store_commit(b->store);
    free(m.names);
    free(m.values);
    return rc;
}
