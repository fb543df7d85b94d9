/* Deadlines, page by page. */
#include "broker/query_answer.h"

#include "proto/date.h"
#include "proto/limits.h"

#include <errno.h>

static char *
day_text(struct arena *arena, int32_t day)
{
    char *text;

    if (day == DATE_NONE)
        return TEXT("");
    text = arena_alloc(arena, DATE_TEXT_SIZE);
    if (text != NULL)
        date_format(day, text);
    return text;
}

static const char *
state_word(enum core_clock_state state)
{
    switch (state) {
    case CORE_CLOCK_RUNS: return "runs";
    case CORE_CLOCK_MET: return "met";
    case CORE_CLOCK_CANCELLED: return "cancelled";
    }
    return "";
}

static int
clock_message(const struct broker *b, const struct core_clock *clock, Wici__V1__Clock **ret)
{
    struct arena *arena = b->reply_arena;
    Wici__V1__Clock *c = arena_alloc(arena, sizeof *c);
    char *dossier = arena_alloc(arena, 37);
    struct core_unit holder, unit;

    if (c == NULL || dossier == NULL)
        return -ENOBUFS;
    wici__v1__clock__init(c);
    uuid_format(clock->dossier_id, dossier);
    c->dossier = clock->agency[0] != '\0' ? TEXT("") : dossier;
    c->clock = TEXT(clock_info(clock->clock)->id);
    c->start_seq = clock->start_seq;
    c->item = clock->item;
    c->started_on = day_text(arena, clock->started);
    c->due = day_text(arena, clock->due);
    c->named = clock->named;
    c->urgent = clock->urgent;
    c->holder_only = clock->holder_only;
    c->state = TEXT(state_word(clock->state));
    c->end_seq = clock->end_seq;
    c->ended_on = day_text(arena, clock->ended);
    c->told_approaching = (clock->told & CORE_TOLD_APPROACHING) != 0;
    c->told_last = (clock->told & CORE_TOLD_LAST) != 0;
    c->told_missed = (clock->told & CORE_TOLD_MISSED) != 0;
    c->told_met = (clock->told & CORE_TOLD_MET) != 0;
    c->told_cancelled = (clock->told & CORE_TOLD_CANCELLED) != 0;
    c->notices = clock->notices;
    if (clock->holder != CORE_UNIT_NONE) {
        core_unit(b->core, clock->holder, &holder);
        c->holder = TEXT(holder.id);
        c->agency = TEXT(holder.agency);
    }
    if (clock->unit != CORE_UNIT_NONE) {
        core_unit(b->core, clock->unit, &unit);
        c->unit = TEXT(unit.id);
        if (clock->holder == CORE_UNIT_NONE)
            c->agency = TEXT(unit.agency);
    }
    if (clock->worker != NULL)
        c->worker = TEXT(clock->worker);
    c->substitute = clock->substitute;
    c->suspended = clock->suspended;
    c->served = clock->served;
    if (clock->head != CORE_UNIT_NONE) {
        core_unit(b->core, clock->head, &unit);
        c->head = TEXT(unit.id);
    }
    if (clock->agency[0] != '\0')
        c->agency = TEXT(clock->agency);
    *ret = c;
    return c->started_on == NULL || c->due == NULL || c->ended_on == NULL ? -ENOBUFS : 0;
}

int
clocks_fill(struct broker *b, uint32_t unit, const Wici__V1__ClocksQuery *asked, Wici__V1__QueryResult *result,
            struct refusal *refusal)
{
    size_t max = asked->max == 0 || asked->max > CLOCKS_MAX ? CLOCKS_MAX : asked->max, count;
    struct core_clocks_at at = {.seq = asked->from_seq, .mark = asked->from_mark};
    struct core_clock *found = arena_alloc(b->reply_arena, max * sizeof *found);
    Wici__V1__Clocks *clocks = arena_alloc(b->reply_arena, sizeof *clocks);
    int rc = 0;

    if (asked->from_mark != 0 && asked->from_made != query_lists_made(b))
        return query_refuse(refusal, E_LIST_CHANGED, "query.clocks.fromMade");
    if (found == NULL || clocks == NULL)
        return -ENOBUFS;
    wici__v1__clocks__init(clocks);
    count = core_clocks(b->core, unit, &at, found, max);
    clocks->clocks = arena_alloc(b->reply_arena, (count + 1) * sizeof(Wici__V1__Clock *));
    if (clocks->clocks == NULL)
        return -ENOBUFS;
    for (; clocks->n_clocks < count && rc == 0; clocks->n_clocks++)
        rc = clock_message(b, &found[clocks->n_clocks], &clocks->clocks[clocks->n_clocks]);
    clocks->next_seq = at.seq;
    clocks->next_mark = at.mark;
    clocks->next_made = query_lists_made(b);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CLOCKS;
    result->clocks = clocks;
    return rc;
}
