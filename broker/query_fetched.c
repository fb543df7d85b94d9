/*
 * Who has an own event: which addressed units have fetched it, to which agencies without the system it was handed over;
 * and of an entry in error, who still has a copy to set aside.
 */
#include "broker/cursor.h"
#include "broker/query_answer.h"

#include "proto/date.h"

#include <errno.h>
#include <string.h>

struct reading {
    bool any;
    uint64_t seq, acked_ms; /* the furthest, the newest */
};

static int
reading_add(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct reading *reading = arg;

    (void)unit;
    (void)name;
    reading->any = true;
    if (cursor->seq > reading->seq)
        reading->seq = cursor->seq;
    if (cursor->acked_ms > reading->acked_ms)
        reading->acked_ms = cursor->acked_ms;
    return 0;
}

static Wici__V1__Fetched *
fetched_new(struct broker *b, const char *id)
{
    Wici__V1__Fetched *f = arena_alloc(b->reply_arena, sizeof *f);
    size_t size = strlen(id) + 1;
    char *unit = arena_alloc(b->reply_arena, size);

    if (f == NULL || unit == NULL)
        return NULL;
    wici__v1__fetched__init(f);
    f->unit = memcpy(unit, id, size);
    return f;
}

static int
unit_fetched(struct broker *b, const char *id, uint64_t seq, Wici__V1__Fetched **ret)
{
    Wici__V1__Fetched *f = fetched_new(b, id);
    char *last_read = arena_alloc(b->reply_arena, TIME_TEXT_SIZE);
    struct reading reading = {.any = false};
    int rc = f == NULL || last_read == NULL ? -ENOBUFS : store_cursor_each(b->store, id, reading_add, &reading);

    if (rc != 0)
        return rc;
    f->never_connected = !reading.any;
    f->fetched = reading.any && reading.seq >= seq;
    if (reading.acked_ms != 0) {
        time_format(reading.acked_ms, last_read);
        f->last_read = last_read;
        if (b->clock.now_ms > reading.acked_ms)
            f->not_reading_s = (b->clock.now_ms - reading.acked_ms) / 1000;
    }
    *ret = f;
    return 0;
}

/* An agency without the system: it has the event when it was handed over. */
static int
agency_fetched(struct broker *b, const char *id, int32_t day, Wici__V1__Fetched **ret)
{
    Wici__V1__Fetched *f = fetched_new(b, id);
    char *text = arena_alloc(b->reply_arena, DATE_TEXT_SIZE);

    if (f == NULL || text == NULL)
        return -ENOBUFS;
    f->outside = true;
    f->fetched = day != DATE_NONE;
    if (day > 0) {
        date_format(day, text);
        f->delivered_on = text;
    }
    *ret = f;
    return 0;
}

static int
addressed_fill(struct broker *b, const struct record *record, Wici__V1__FetchedList *list)
{
    const Wici__V1__BrokerNote *note = record->core.note;
    int rc = 0;

    for (size_t i = 0; note != NULL && i < note->n_resolved_to && rc == 0; i++) {
        int32_t day;

        rc = core_is_outside(b->core, note->resolved_to[i], &record->core, &day)
                 ? agency_fetched(b, note->resolved_to[i], day, &list->units[list->n_units])
                 : unit_fetched(b, note->resolved_to[i], record->core.seq, &list->units[list->n_units]);
        list->n_units += rc == 0;
    }
    return rc;
}

/* Of an entry in error: each unit that was given what is taken back, wherever it was addressed. */
static int
confirmers_fill(struct broker *b, const struct record *recall, const struct record *recalled,
                Wici__V1__FetchedList *list, size_t max)
{
    const uint32_t *units;
    size_t count;
    bool everyone;
    int rc = core_audience(b->core, &recall->core, &units, &count, &everyone);

    for (size_t i = 0; i < count && rc == 0 && list->n_units < max; i++) {
        struct core_unit unit;

        if (!core_must_confirm(b->core, units[i], &recall->core, &recalled->core))
            continue;
        core_unit(b->core, units[i], &unit);
        if (core_unit_by_id(b->core, unit.id) != units[i])
            continue; /* stands for an agency without the system, which confirms nothing */
        rc = unit_fetched(b, unit.id, recall->core.seq, &list->units[list->n_units]);
        if (rc == 0) {
            list->units[list->n_units]->must_confirm = true;
            list->units[list->n_units++]->confirmed = core_has_confirmed(b->core, units[i], &recall->core);
        }
    }
    return rc;
}

int
fetched_fill(struct broker *b, uint32_t unit, const Wici__V1__FetchedQuery *asked, struct store_slice *slice,
             Wici__V1__QueryResult *result, struct refusal *refusal)
{
    const size_t max = FETCHED_MAX;
    Wici__V1__FetchedList *list = arena_alloc(b->reply_arena, sizeof *list);
    struct record record, recalled;
    struct core_view view;
    struct core_unit u;
    uint64_t seq;
    bool is_recall = false;
    int rc;

    if (list == NULL)
        return -ENOBUFS;
    rc = query_event(b, unit, asked->event_id, slice, &record, &view, refusal, "query.fetched.eventId");
    if (rc != 0)
        return rc;
    seq = record.core.seq;
    core_unit(b->core, unit, &u);
    if (strcmp(record.event.header->actor->unit, u.id) != 0)
        return query_refuse(refusal, E_UNKNOWN, "query.fetched.eventId");
    rc = cursors_write(b);
    wici__v1__fetched_list__init(list);
    list->seq = seq;
    list->units = arena_alloc(b->reply_arena, max * sizeof(Wici__V1__Fetched *));
    if (list->units == NULL)
        return -ENOBUFS;
    if (rc == 0 && strcmp(record.event.header->correction, "ENTERED_IN_ERROR") == 0)
        rc = query_corrected(&record, slice, b->reply_arena, &recalled, &is_recall);
    if (rc == 0)
        rc = is_recall ? confirmers_fill(b, &record, &recalled, list, max) : addressed_fill(b, &record, list);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_FETCHED;
    result->fetched = list;
    return rc;
}
