/*
 * query_event - a question about one event: why a unit is shown of it what it is
 */
#include "broker/query_answer.h"

#include <errno.h>
#include <string.h>

#define RELATIONS_SHOWN_MAX 32u

/* ---- why */

static Wici__V1__ExplainedSection *
section_explained(struct arena *arena, uint32_t slot, uint32_t id, enum core_verdict verdict)
{
    Wici__V1__ExplainedSection *s = arena_alloc(arena, sizeof *s);

    if (s == NULL)
        return NULL;
    wici__v1__explained_section__init(s);
    s->slot = slot;
    s->section_id = id;
    s->verdict = TEXT(core_verdict_name(verdict));
    s->pl = TEXT(core_verdict_text(verdict, true));
    s->en = TEXT(core_verdict_text(verdict, false));
    return s;
}

/*
 * What becomes of a class of this type at the unit, whatever the event holds. Asked of the event with one unmarked,
 * empty section of that class in the last place, so that the answer does not tell whether there is one.
 */
static int
class_verdict(struct broker *b, uint32_t unit, const struct record *record, unsigned cls, enum core_verdict *ret)
{
    const struct message_info *body = record->event.type->body[cls];
    Wici__V1__Section section;
    struct event probe = record->event;
    struct core_record asked = record->core;
    struct core_view view;
    size_t last = probe.section_count < EVENT_SECTIONS_MAX ? probe.section_count++ : EVENT_SECTIONS_MAX - 1;
    ProtobufCMessage *empty = arena_alloc(b->row_arena, body->desc->sizeof_message);

    if (empty == NULL)
        return -ENOBUFS;
    protobuf_c_message_init(body->desc, empty);
    wici__v1__section__init(&section);
    probe.sections[last] = (struct event_section){
        .section = &section, .body = empty, .id = section_id(probe.type->number, cls), .cls = (uint8_t)cls};
    asked.event = &probe;
    core_view(b->core, unit, &asked, false, &view);
    *ret = (view.sections >> last & 1u) == 0 ? view.verdicts[last] : CORE_NONE;
    return 0;
}

/* The sections the unit is given, then each declared class of which it is given none: never, only by half, or none
 * here. */
static int
explain_sections(struct broker *b, uint32_t unit, const struct record *record, const struct core_view *view,
                 Wici__V1__Explanation *ret)
{
    const struct event *event = &record->event;
    Wici__V1__ExplainedSection **list = arena_alloc(b->reply_arena, (event->section_count + TYPE_CLASSES) *
                                                                        sizeof(Wici__V1__ExplainedSection *));
    size_t count = 0;
    unsigned given = 0;

    if (list == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0) {
            given |= 1u << event->sections[i].cls;
            list[count++] = section_explained(b->reply_arena, record->slots[i], event->sections[i].id,
                                              view->verdicts[i]);
        }
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        enum core_verdict verdict;

        if ((event->type->classes >> cls & 1u) == 0 || (given >> cls & 1u) != 0)
            continue;
        if (class_verdict(b, unit, record, cls, &verdict) != 0)
            return -ENOBUFS;
        list[count++] = section_explained(b->reply_arena, event->type->slot[cls], section_id(event->type->number, cls),
                                          verdict);
    }
    for (size_t i = 0; i < count; i++)
        if (list[i] == NULL)
            return -ENOBUFS;
    ret->n_sections = count;
    ret->sections = list;
    return 0;
}

static int
explain_relations(struct broker *b, uint32_t unit, const struct record *record, Wici__V1__Explanation *ret)
{
    struct core_relation_view found[RELATIONS_SHOWN_MAX];
    size_t count = core_relations(b->core, unit, &record->core, found, RELATIONS_SHOWN_MAX);
    Wici__V1__ExplainedRelation **list = arena_alloc(b->reply_arena,
                                                     RELATIONS_SHOWN_MAX * sizeof(Wici__V1__ExplainedRelation *));

    if (list == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < count; i++) {
        Wici__V1__ExplainedRelation *r = arena_alloc(b->reply_arena, sizeof *r);
        char **about = arena_alloc(b->reply_arena, (found[i].about_count + 1) * sizeof(char *));

        if (r == NULL || about == NULL)
            return -ENOBUFS;
        wici__v1__explained_relation__init(r);
        r->kind = TEXT(found[i].kind);
        r->from_seq = found[i].from_seq;
        r->until_seq = found[i].until_seq;
        r->applies = found[i].applies;
        for (size_t k = 0; k < found[i].about_count; k++)
            about[k] = TEXT(found[i].about[k]);
        r->about = about;
        r->n_about = found[i].about_count;
        list[i] = r;
    }
    ret->n_relations = count;
    ret->relations = list;
    return 0;
}

int
explain_fill(struct broker *b, uint32_t unit, const Wici__V1__Explain *asked, struct store_slice *slice,
             Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__Explanation *explanation = arena_alloc(b->reply_arena, sizeof *explanation);
    struct record record;
    struct core_view view;
    uint64_t seq = asked->seq;
    const char *path = seq != 0 ? "query.explain.seq" : "query.explain.eventId";
    int rc;

    if (explanation == NULL)
        return -ENOBUFS;
    if ((seq != 0) == (asked->event_id[0] != '\0'))
        return query_refuse(refusal, E_REQUEST, "query.explain");
    rc = seq == 0 ? query_event(b, unit, asked->event_id, slice, &record, &view, refusal, path)
                  : query_record(b, unit, seq, slice, &record, &view, refusal, path);
    if (rc != 0)
        return rc;
    wici__v1__explanation__init(explanation);
    explanation->seq = record.core.seq;
    rc = explain_relations(b, unit, &record, explanation);
    if (rc == 0)
        rc = explain_sections(b, unit, &record, &view, explanation);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_EXPLANATION;
    result->explanation = explanation;
    return rc;
}
