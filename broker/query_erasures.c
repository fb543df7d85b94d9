/*
 * query_erasures - which erasures were ordered, and what became of the copies of who was told of them
 *
 * All of it is in the state, from the records of the orders, the notices and the units' answers; those who look after
 * the log are given these records, too.
 */
#include "broker/query_answer.h"

#include <errno.h>

static bool
looks_after_the_log(const struct broker *b, uint32_t unit)
{
    return core_unit_is(b->core, unit, WICI__V1__ROLE__ADM) || core_unit_is(b->core, unit, WICI__V1__ROLE__AUD);
}

static int
recipient_message(struct broker *b, size_t index, size_t at, Wici__V1__ErasureRecipient **ret)
{
    Wici__V1__ErasureRecipient *r = arena_alloc(b->reply_arena, sizeof *r);
    struct core_erasure_told told;
    struct core_unit unit;

    if (r == NULL)
        return -ENOBUFS;
    core_erasure_told(b->core, index, at, &told);
    core_unit(b->core, told.unit, &unit);
    wici__v1__erasure_recipient__init(r);
    r->unit = TEXT(unit.id);
    r->records = told.records;
    r->from_seq = told.from_seq;
    r->to_seq = told.to_seq;
    r->told_seq = told.seq;
    r->told = query_time(b->reply_arena, told.ts_ms);
    if (told.said_seq != 0) {
        r->said_seq = told.said_seq;
        r->said = query_time(b->reply_arena, told.said_ms);
        r->how = TEXT(told.how);
        r->confirmed_on = TEXT(told.said_on);
        r->legal_basis = TEXT(told.law);
    }
    *ret = r;
    return r->told == NULL || r->said == NULL ? -ENOBUFS : 0;
}

/* Without the units. */
static int
state_message(struct broker *b, const struct core_erasure *erasure, Wici__V1__ErasureState **ret)
{
    Wici__V1__ErasureState *s = arena_alloc(b->reply_arena, sizeof *s);

    if (s == NULL)
        return -ENOBUFS;
    wici__v1__erasure_state__init(s);
    s->intended_seq = erasure->seq;
    s->intended = query_time(b->reply_arena, erasure->ts_ms);
    s->reason = TEXT(erasure->reason);
    s->done_seq = erasure->done_seq;
    s->told = (uint32_t)erasure->told;
    s->destroyed = (uint32_t)erasure->destroyed;
    s->kept = (uint32_t)erasure->kept;
    *ret = s;
    return s->intended == NULL ? -ENOBUFS : 0;
}

static int
all_fill(struct broker *b, uint64_t from, size_t max, Wici__V1__Erasures *ret)
{
    struct core_erasure erasure;
    int rc = 0;

    for (size_t i = core_erasure_from(b->core, from); i < core_erasure_count(b->core) && rc == 0; i++) {
        core_erasure(b->core, i, &erasure);
        if (ret->n_erasures == max) {
            ret->next = erasure.seq;
            break;
        }
        rc = state_message(b, &erasure, &ret->erasures[ret->n_erasures]);
        ret->n_erasures += rc == 0;
    }
    return rc;
}

static int
one_fill(struct broker *b, size_t index, uint64_t from, size_t max, Wici__V1__Erasures *ret)
{
    Wici__V1__ErasureState *state;
    struct core_erasure erasure;
    int rc;

    core_erasure(b->core, index, &erasure);
    rc = state_message(b, &erasure, &ret->erasures[0]);
    if (rc != 0)
        return rc;
    state = ret->erasures[0];
    ret->n_erasures = 1;
    state->recipients = arena_alloc(b->reply_arena, max * sizeof(Wici__V1__ErasureRecipient *));
    if (state->recipients == NULL)
        return -ENOBUFS;
    for (uint64_t at = from; at < erasure.told && rc == 0; at++) {
        if (state->n_recipients == max) {
            ret->next = at;
            break;
        }
        rc = recipient_message(b, index, at, &state->recipients[state->n_recipients]);
        state->n_recipients += rc == 0;
    }
    return rc;
}

/* Which one is asked for. -EACCES: none */
static int
one_find(const struct broker *b, const Wici__V1__ErasuresQuery *asked, size_t *ret, struct refusal *refusal)
{
    const char *path = asked->dossier[0] != '\0' ? "query.erasures.dossier" : "query.erasures.intendedSeq";
    uint64_t seq = asked->intended_seq;
    struct core_erasure erasure;
    uint8_t id[16];
    bool done;

    if (asked->dossier[0] != '\0') {
        if (asked->intended_seq != 0 || uuid_parse(asked->dossier, id) != 0)
            return query_refuse(refusal, E_REQUEST, path);
        seq = core_erased(b->core, id, &done);
    }
    *ret = core_erasure_from(b->core, seq);
    if (*ret < core_erasure_count(b->core))
        core_erasure(b->core, *ret, &erasure);
    if (seq == 0 || *ret == core_erasure_count(b->core) || erasure.seq != seq)
        return query_refuse(refusal, E_UNKNOWN, path);
    return 0;
}

int
erasures_fill(struct broker *b, uint32_t unit, const Wici__V1__ErasuresQuery *asked, Wici__V1__QueryResult *result,
              struct refusal *refusal)
{
    size_t max = asked->max == 0 || asked->max > ERASURES_ANSWER_MAX ? ERASURES_ANSWER_MAX : asked->max, index = 0;
    Wici__V1__Erasures *erasures;
    int rc;

    if (!looks_after_the_log(b, unit))
        return query_refuse(refusal, E_UNKNOWN, "query.erasures");
    erasures = arena_alloc(b->reply_arena, sizeof *erasures);
    if (erasures == NULL)
        return -ENOBUFS;
    wici__v1__erasures__init(erasures);
    erasures->erasures = arena_alloc(b->reply_arena, max * sizeof(Wici__V1__ErasureState *));
    if (erasures->erasures == NULL)
        return -ENOBUFS;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_ERASURES;
    result->erasures = erasures;
    if (asked->dossier[0] == '\0' && asked->intended_seq == 0)
        return all_fill(b, asked->from, max, erasures);
    rc = one_find(b, asked, &index, refusal);
    return rc == 0 ? one_fill(b, index, asked->from, max, erasures) : rc;
}

int
erasures_status(struct broker *b, uint32_t unit, Wici__V1__Status *status)
{
    uint64_t since_ms;

    status->erasures_unanswered = (uint32_t)core_erasure_unanswered(
        b->core, looks_after_the_log(b, unit) ? CORE_UNIT_NONE : unit, &since_ms);
    if (since_ms != 0)
        status->erasures_unanswered_since = query_time(b->reply_arena, since_ms);
    return status->erasures_unanswered_since == NULL ? -ENOBUFS : 0;
}
