/*
 * What is due to agencies without the system, for the unit that serves them: the list, and one event cut as for the
 * agency, to print. That it was told is recorded, with the agency as the reason.
 */
#include "broker/access.h"
#include "broker/query_answer.h"

#include <errno.h>
#include <string.h>

static char *
copy_id(struct arena *arena, const uint8_t id[16])
{
    char *text = arena_alloc(arena, 37);

    if (text != NULL)
        uuid_format(id, text);
    return text;
}

static int
item_fill(struct broker *b, uint32_t stand_in, const struct record *record, Wici__V1__OutsideItem **ret)
{
    Wici__V1__OutsideItem *item = arena_alloc(b->reply_arena, sizeof *item);

    if (item == NULL)
        return -ENOBUFS;
    wici__v1__outside_item__init(item);
    item->seq = record->core.seq;
    item->ts_ms = record->core.ts_ms;
    item->type = (Wici__V1__EventType)record->event.type->number;
    item->event_id = copy_id(b->reply_arena, record->event.event_id);
    item->dossier = copy_id(b->reply_arena, record->event.dossier_id);
    item->delivered = core_was_delivered(b->core, stand_in, &record->core);
    *ret = item;
    return item->event_id == NULL || item->dossier == NULL ? -ENOBUFS : 0;
}

/* ---- the list */

static int
list_fill(struct broker *b, uint32_t stand_in, const Wici__V1__OutsideQuery *asked, struct store_slice *slice,
          Wici__V1__Outside *ret)
{
    struct core_due_place place = {.dossier_seq = asked->dossier_seq, .after_seq = asked->after_seq};
    size_t max = asked->max == 0 || asked->max > OUTSIDE_MAX ? OUTSIDE_MAX : asked->max, count;
    uint64_t seqs[OUTSIDE_MAX];
    int rc = 0;

    count = core_due_outside(b->core, stand_in, &place, seqs, max);
    ret->items = arena_alloc(b->reply_arena, (count + 1) * sizeof(Wici__V1__OutsideItem *));
    if (ret->items == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct refusal refusal;
        struct record record;
        struct core_view view;

        rc = query_record(b, stand_in, seqs[i], slice, &record, &view, &refusal, "");
        if (rc == -EACCES) {
            rc = 0; /* nothing of it is for the agency: withheld, or taken back */
            continue;
        }
        if (rc == 0)
            rc = item_fill(b, stand_in, &record, &ret->items[ret->n_items]);
        ret->n_items += rc == 0;
    }
    ret->next_dossier_seq = place.dossier_seq;
    ret->next_after_seq = place.after_seq;
    return rc;
}

/* ---- one event, to print */

static int
page_fill(struct broker *b, struct session *session, uint32_t stand_in, const Wici__V1__OutsideQuery *asked,
          struct store_slice *slice, Wici__V1__Outside *ret, struct refusal *refusal)
{
    struct record record;
    struct core_view view;
    struct bytes packed;
    int rc = query_event(b, stand_in, asked->event_id, slice, &record, &view, refusal, "query.outside.eventId");

    if (rc != 0)
        return rc;
    if (!core_is_due_or_delivered(b->core, stand_in, &record.core))
        return query_refuse(refusal, E_UNKNOWN, "query.outside.eventId");
    ret->items = arena_alloc(b->reply_arena, sizeof(Wici__V1__OutsideItem *));
    if (ret->items == NULL)
        return -ENOBUFS;
    rc = item_fill(b, stand_in, &record, &ret->items[0]);
    if (rc != 0)
        return rc;
    ret->n_items = 1;
    if (record_delivery(&record, &view, b->reply_arena, &packed) != 0)
        return -ENOBUFS;
    ret->items[0]->delivery = wici__v1__delivery__unpack(arena_allocator(b->reply_arena), packed.len, packed.data);
    if (ret->items[0]->delivery == NULL)
        return -ENOBUFS;
    /* In the commit that the answer waits for. */
    rc = access_told(b, session, "outside", record.core.entry, record.core.seq, asked->agency);
    return rc == -ENOSPC ? query_refuse(refusal, E_FULL, "query.outside.eventId") : rc;
}

int
outside_fill(struct broker *b, struct session *session, const Wici__V1__OutsideQuery *asked, struct store_slice *slice,
             Wici__V1__QueryResult *result, struct refusal *refusal)
{
    uint32_t stand_in = core_served(b->core, session->unit, asked->agency);
    Wici__V1__Outside *outside;

    if (stand_in == CORE_UNIT_NONE)
        return query_refuse(refusal, E_UNKNOWN, "query.outside.agency");
    outside = arena_alloc(b->reply_arena, sizeof *outside);
    if (outside == NULL)
        return -ENOBUFS;
    wici__v1__outside__init(outside);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_OUTSIDE;
    result->outside = outside;
    return asked->event_id[0] != '\0' ? page_fill(b, session, stand_in, asked, slice, outside, refusal)
                                      : list_fill(b, stand_in, asked, slice, outside);
}
