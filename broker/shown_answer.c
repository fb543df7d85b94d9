/*
 * shown_answer - the answer of shown.h: only what the asker may be told, only reads that were given something
 */
#include "broker/access.h"
#include "broker/query.h"
#include "broker/reply.h"
#include "broker/shown_job.h"

#include <errno.h>
#include <string.h>

/* A pair is told when the asker may see the event, and something of it was given. */
static bool
pair_is_told(const struct shown *s, const struct shown_read *read, size_t i)
{
    const struct shown_pair *pair = &s->pairs[read->pair_first + i];
    const struct shown_event *event = &s->events[read->event_first + i];

    return pair->given && event->asker_sees;
}

static int
shown_fill(struct broker *b, const struct shown_event *event, const struct shown_pair *pair, Wici__V1__Shown **ret)
{
    Wici__V1__Shown *m = arena_alloc(b->reply_arena, sizeof *m);
    uint32_t *classes = arena_alloc(b->reply_arena, TYPE_CLASSES * sizeof *classes);

    if (m == NULL || classes == NULL)
        return -ENOBUFS;
    wici__v1__shown__init(m);
    m->seq = event->seq;
    m->at_most = pair->changed;
    m->classes = classes;
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++)
        if ((pair->classes & event->asker_classes & 1u << cls) != 0)
            classes[m->n_classes++] = cls;
    *ret = m;
    return 0;
}

/* *ret NULL: nothing to tell. */
static int
read_fill(struct broker *b, const struct shown *s, const struct shown_read *read, Wici__V1__ShownRead **ret)
{
    Wici__V1__ShownRead *m;
    struct core_unit u;
    size_t told = 0;

    *ret = NULL;
    for (size_t i = 0; i < read->event_count; i++)
        told += pair_is_told(s, read, i);
    if (told == 0 && read->question[0] == '\0')
        return 0;
    m = arena_alloc(b->reply_arena, sizeof *m);
    if (m == NULL)
        return -ENOBUFS;
    wici__v1__shown_read__init(m);
    core_unit(b->core, read->unit, &u);
    m->record = read->record;
    m->ts_ms = read->ts_ms;
    m->possibly = read->possibly;
    m->narrowed = read->narrowed;
    m->seq = read->told_seq;
    m->document = read->told_document;
    m->unit = arena_text(b->reply_arena, u.id);
    m->cursor = arena_text(b->reply_arena, read->cursor);
    m->why = arena_text(b->reply_arena, read->auditor && !s->auditor ? "" : read->why);
    m->question = arena_text(b->reply_arena, read->question);
    m->shown = arena_alloc(b->reply_arena, (told + 1) * sizeof(Wici__V1__Shown *));
    if (m->unit == NULL || m->cursor == NULL || m->why == NULL || m->question == NULL || m->shown == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < read->event_count; i++) {
        int rc = 0;

        if (pair_is_told(s, read, i))
            rc = shown_fill(b, &s->events[read->event_first + i], &s->pairs[read->pair_first + i],
                            &m->shown[m->n_shown++]);
        if (rc != 0)
            return rc;
    }
    *ret = m;
    return 0;
}

/* The events that some read was given. */
static int
events_fill(struct broker *b, const struct shown *s, Wici__V1__ShownList *list)
{
    bool *told = arena_alloc(b->reply_arena, s->event_count + 1);

    list->events = arena_alloc(b->reply_arena, (s->event_count + 1) * sizeof(Wici__V1__ShownEvent *));
    if (told == NULL || list->events == NULL)
        return -ENOBUFS;
    memset(told, 0, s->event_count + 1);
    for (size_t i = 0; i < s->read_count; i++)
        for (size_t k = 0; k < s->reads[i].event_count; k++)
            told[s->reads[i].event_first + k] |= pair_is_told(s, &s->reads[i], k);
    for (size_t i = 0; i < s->event_count; i++) {
        Wici__V1__ShownEvent *event;

        if (!told[i])
            continue;
        event = arena_alloc(b->reply_arena, sizeof *event);
        if (event == NULL)
            return -ENOBUFS;
        wici__v1__shown_event__init(event);
        event->seq = s->events[i].seq;
        event->ts_ms = s->events[i].ts_ms;
        event->type = (Wici__V1__EventType)s->events[i].type;
        list->events[list->n_events++] = event;
    }
    return 0;
}

static int
list_fill(struct broker *b, const struct shown *s, Wici__V1__ShownList *list)
{
    int rc = events_fill(b, s, list);

    list->next_record = s->next_record;
    list->as_of_seq = s->head;
    list->after_erasure = core_erasure_count(b->core) > 0;
    list->reads = arena_alloc(b->reply_arena, (s->read_count + 1) * sizeof(Wici__V1__ShownRead *));
    if (list->reads == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < s->read_count && rc == 0; i++) {
        rc = read_fill(b, s, &s->reads[i], &list->reads[list->n_reads]);
        if (rc == 0 && list->reads[list->n_reads] != NULL)
            list->n_reads++;
    }
    return rc;
}

int
shown_answer(struct broker *b, struct session *session, struct shown *s)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__QueryResult result;
    Wici__V1__ShownList list;
    struct refusal refusal = {.code = E_NONE};
    int rc;

    arena_reset(b->reply_arena);
    wici__v1__broker_message__init(&message);
    wici__v1__query_result__init(&result);
    wici__v1__shown_list__init(&list);
    result.request = s->request;
    result.result_case = WICI__V1__QUERY_RESULT__RESULT_SHOWN;
    result.shown = &list;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT;
    message.query_result = &result;
    rc = core_accounts_for(b->core, s->unit, s->dossier) == 0
             ? query_refuse(&refusal, E_UNKNOWN, "query.shown.dossier") /* not any more */
             : list_fill(b, s, &list);
    if (rc == 0)
        rc = access_told(b, session, "shown", s->entry, 0, s->why); /* in the commit that the answer waits for */
    if (rc == -ENOBUFS)
        rc = query_refuse(&refusal, E_LIMIT, "query.shown"); /* more than one answer holds */
    if (rc == -ENOSPC)
        rc = query_refuse(&refusal, E_FULL, "query.shown");
    if (rc == -EACCES) {
        reply_refused(b, &session->route, session->unit, &refusal, 0, s->request);
        rc = 0;
    } else if (rc == 0) {
        reply_queue_for(b, session, &message);
    }
    return rc;
}
