/* Tasks that are no deadlines, page by page. A unit is told of one only where it is given the record that asks. */
#include "broker/query_answer.h"

#include "proto/date.h"
#include "proto/limits.h"

#include <errno.h>

static const char *
kind_word(enum core_work_kind kind)
{
    switch (kind) {
    case CORE_WORK_QUESTION: return "QUESTION";
    case CORE_WORK_INVITATION: return "INVITATION";
    case CORE_WORK_MEETING: return "MEETING";
    case CORE_WORK_RECALL: return "RECALL";
    case CORE_WORK_ASSISTANT: return "ASSISTANT";
    case CORE_WORK_APPROVAL: return "APPROVAL";
    case CORE_WORK_RETURNED: return "RETURNED";
    case CORE_WORK_ROW: return "ROW";
    case CORE_WORK_OUTSIDE: return "OUTSIDE";
    case CORE_WORK_STEP: return "STEP";
    case CORE_WORK_INTERVIEW: return "INTERVIEW";
    case CORE_WORK_BASIS: return "BASIS";
    case CORE_WORK_CONSENT: return "CONSENT";
    }
    return "";
}

static int
item_message(struct broker *b, const struct core_work *work, const struct record *record, Wici__V1__WorkItem **ret)
{
    struct arena *arena = b->reply_arena;
    Wici__V1__WorkItem *item = arena_alloc(arena, sizeof *item);
    char *dossier = arena_alloc(arena, 37), *id = arena_alloc(arena, 37), *due = arena_alloc(arena, DATE_TEXT_SIZE);
    uint32_t author = core_unit_by_id(b->core, record->event.header->actor->unit);
    struct core_unit unit;

    if (item == NULL || dossier == NULL || id == NULL || due == NULL)
        return -ENOBUFS;
    wici__v1__work_item__init(item);
    uuid_format(work->dossier_id, dossier);
    uuid_format(record->event.event_id, id);
    item->dossier = dossier;
    item->event_id = id;
    item->kind = TEXT(kind_word(work->kind));
    item->seq = work->seq;
    item->type = (Wici__V1__EventType)record->event.type->number;
    item->ts_ms = record->core.ts_ms;
    if (author != CORE_UNIT_NONE) {
        core_unit(b->core, author, &unit);
        item->unit = TEXT(unit.id);
    }
    if (work->due != DATE_NONE) {
        date_format(work->due, due);
        item->due = due;
    }
    if (work->agency != CORE_UNIT_NONE) {
        core_unit(b->core, work->agency, &unit);
        item->agency = TEXT(unit.agency);
    }
    if (work->unit != CORE_UNIT_NONE) {
        core_unit(b->core, work->unit, &unit);
        item->falls_to = TEXT(unit.id);
    }
    item->item = work->item;
    *ret = item;
    return 0;
}

/* Does the recall wait for this unit? What it takes back is read beside it. */
static int
recall_waits(struct broker *b, uint32_t unit, const struct record *recall, struct store_slice *slice, bool *ret)
{
    struct arena *arena = NULL;
    struct record recalled;
    int rc = arena_create(&arena, DECODE_ARENA_SIZE);

    if (rc == 0)
        rc = query_corrected(recall, slice, arena, &recalled, ret);
    if (rc == 0 && *ret)
        *ret = core_must_confirm(b->core, unit, &recall->core, &recalled.core);
    arena_destroy(&arena);
    return rc;
}

/* Is the unit given the note in which the step is announced? */
static bool
is_announced(const struct record *record, const struct core_view *view)
{
    for (size_t i = 0; i < record->event.section_count; i++)
        if (record->event.sections[i].cls == 6 && (view->sections & 1u << i) != 0)
            return true;
    return false;
}

static int
item_add(struct broker *b, uint32_t unit, const struct core_work *work, struct store_slice *slice, Wici__V1__Work *ret)
{
    struct refusal refusal;
    struct record record;
    struct core_view view;
    bool waits = true;
    int rc = query_record(b, work->agency != CORE_UNIT_NONE ? work->agency : unit, work->seq, slice, &record, &view,
                          &refusal, "");

    if (rc == -EACCES)
        return 0; /* nothing of it is for the unit */
    if (rc == 0 && work->kind == CORE_WORK_RECALL)
        rc = recall_waits(b, unit, &record, slice, &waits);
    if (rc == 0 && work->kind == CORE_WORK_STEP)
        waits = is_announced(&record, &view);
    if (rc != 0 || !waits)
        return rc;
    rc = item_message(b, work, &record, &ret->items[ret->n_items]);
    ret->n_items += rc == 0;
    return rc;
}

int
work_fill(struct broker *b, uint32_t unit, const Wici__V1__WorkQuery *asked, struct store_slice *slice,
          Wici__V1__QueryResult *result, struct refusal *refusal)
{
    size_t max = asked->max == 0 || asked->max > WORK_MAX ? WORK_MAX : asked->max, count;
    struct core_work_at at = {.seq = asked->from_seq, .item = asked->from_item, .served = asked->from_served};
    struct core_work *found = arena_alloc(b->reply_arena, max * sizeof *found);
    Wici__V1__Work *work = arena_alloc(b->reply_arena, sizeof *work);
    int rc = 0;

    if (asked->from_item != 0 && asked->from_made != query_lists_made(b))
        return query_refuse(refusal, E_LIST_CHANGED, "query.work.fromMade");
    if (found == NULL || work == NULL)
        return -ENOBUFS;
    wici__v1__work__init(work);
    count = core_work(b->core, unit, &at, found, max);
    work->items = arena_alloc(b->reply_arena, (count + 1) * sizeof(Wici__V1__WorkItem *));
    if (work->items == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = item_add(b, unit, &found[i], slice, work);
    work->next_seq = at.seq;
    work->next_item = at.item;
    work->next_served = at.served;
    work->next_made = query_lists_made(b);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_WORK;
    result->work = work;
    return rc;
}
