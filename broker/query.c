/*
 * query - questions about the directory, the policy, the broker, cursors, and why a unit sees what it sees
 *
 * "Unknown" and "not yours" are one answer, E_UNKNOWN, as everywhere.
 */
#include "broker/query.h"
#include "broker/access.h"
#include "broker/cursor.h"
#include "broker/erase.h"
#include "broker/shown.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RELATIONS_SHOWN_MAX 32u
#define TEXT(constant)      ((char *)(uintptr_t)(constant)) /* packing only reads them */

int
query_refuse(struct refusal *refusal, enum error_code code, const char *path)
{
    refusal->code = code;
    refusal->rule = RULE_NONE;
    (void)snprintf(refusal->path, sizeof refusal->path, "%s", path);
    return -EACCES;
}

static char *
time_copy(struct arena *arena, uint64_t ms)
{
    char text[TIME_TEXT_SIZE];

    time_format(ms, text);
    return arena_text(arena, text);
}

/* ---- cursors */

struct cursor_list {
    struct broker *b;
    Wici__V1__CursorInfo **items; /* NULL while counting */
    size_t count;
};

static int
cursor_add(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct cursor_list *list = arg;
    struct arena *arena = list->b->reply_arena;
    uint64_t head = store_head(list->b->store);
    uint32_t index = core_unit_by_id(list->b->core, unit);
    Wici__V1__CursorInfo *info;

    if (list->items == NULL) {
        list->count++;
        return 0;
    }
    info = arena_alloc(arena, sizeof *info);
    if (info == NULL)
        return -ENOBUFS;
    wici__v1__cursor_info__init(info);
    info->unit = arena_text(arena, unit);
    info->cursor = arena_text(arena, name);
    info->seq = cursor->seq;
    info->lag = head > cursor->seq ? head - cursor->seq : 0;
    if (cursor->acked_ms != 0 && (info->last_ack = time_copy(arena, cursor->acked_ms)) == NULL)
        return -ENOBUFS;
    if (cursor->filter_len > 0)
        info->filter = wici__v1__filter__unpack(arena_allocator(arena), cursor->filter_len, cursor->filter);
    info->connected = index != CORE_UNIT_NONE && cursor_reader(list->b, index, name) != NULL;
    if (info->unit == NULL || info->cursor == NULL)
        return -ENOBUFS;
    list->items[list->count++] = info;
    return 0;
}

static bool
is_administrator(const struct broker *b, uint32_t unit)
{
    struct core_unit u;

    core_unit(b->core, unit, &u);
    return (u.roles >> WICI__V1__ROLE__ADM & 1u) != 0;
}

/* A unit's cursors; all units' for an administrator. -ENOBUFS: more than one answer holds. */
static int
cursors_fill(struct broker *b, uint32_t unit, size_t *ret_count, Wici__V1__CursorInfo ***ret)
{
    struct cursor_list list = {.b = b};
    struct core_unit u;
    const char *whose;
    int rc;

    core_unit(b->core, unit, &u);
    whose = is_administrator(b, unit) ? NULL : u.id;
    rc = cursors_write(b); /* what was acknowledged counts as it stands */
    if (rc == 0)
        rc = store_cursor_each(b->store, whose, cursor_add, &list);
    if (rc != 0)
        return rc;
    list.items = arena_alloc(b->reply_arena, (list.count + 1) * sizeof(Wici__V1__CursorInfo *));
    if (list.items == NULL)
        return -ENOBUFS;
    list.count = 0;
    rc = store_cursor_each(b->store, whose, cursor_add, &list);
    *ret_count = list.count;
    *ret = list.items;
    return rc;
}

static int
cursor_drop(struct broker *b, uint32_t unit, const char *name, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__CursorDropped *dropped = arena_alloc(b->reply_arena, sizeof *dropped);
    struct core_unit u;
    int rc;

    if (dropped == NULL)
        return -ENOBUFS;
    if (cursor_reader(b, unit, name) != NULL)
        return query_refuse(refusal, E_STATE, "query.cursorDrop.cursor"); /* unsubscribe first */
    core_unit(b->core, unit, &u);
    if (name[0] == '\0' || strlen(name) > ID_LEN_MAX)
        return query_refuse(refusal, E_CURSOR, "query.cursorDrop.cursor");
    rc = store_cursor_drop(b->store, u.id, name);
    if (rc == -ENOENT)
        return query_refuse(refusal, E_CURSOR, "query.cursorDrop.cursor");
    if (rc != 0)
        return rc;
    wici__v1__cursor_dropped__init(dropped);
    dropped->cursor = TEXT(name);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CURSOR_DROPPED;
    result->cursor_dropped = dropped;
    return 0;
}

/* ---- status */

static int
status_fill(struct broker *b, uint32_t unit, Wici__V1__QueryResult *result)
{
    Wici__V1__Status *s = arena_alloc(b->reply_arena, sizeof *s);
    size_t len;

    if (s == NULL)
        return -ENOBUFS;
    wici__v1__status__init(s);
    s->origin = TEXT(store_identity(b->store)->origin);
    s->head = reply_head(b, b->reply_arena);
    s->safe_up_to = backups_safe_up_to(b->backups);
    s->last_fsync_us = b->stats.last_commit_us;
    s->commits = b->stats.commits;
    if (is_administrator(b, unit)) { /* a count that rises tells others that a dossier was opened, or who came */
        s->sessions = sessions_count(b->sessions);
        s->subscriptions = sessions_streams(b->sessions);
        s->dossiers = core_dossier_count(b->core);
    }
    s->store_bytes = store_bytes(b->store);
    s->store_bytes_max = store_bytes_max(b->store);
    (void)checkpoints_newest(b->checkpoints, &len, &s->signed_up_to);
    s->index_behind = store_find_behind(b->store);
    s->fsync_policy = TEXT("every commit, before the answer");
    s->software = TEXT("wicid " WICI_VERSION);
    s->started = time_copy(b->reply_arena, b->stats.started_ms);
    if (s->head == NULL || s->started == NULL)
        return -ENOBUFS;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_STATUS;
    result->status = s;
    return cursors_fill(b, unit, &s->n_cursors, &s->cursors);
}

/* ---- one record */

int
query_record(struct broker *b, uint32_t unit, uint64_t seq, struct store_slice *slice, struct record *ret,
             struct core_view *view, struct refusal *refusal, const char *path)
{
    struct store_row row;
    int rc = seq == 0 || seq > store_head(b->store) ? -ENOENT : store_read(slice, seq, &row);

    if (rc == 0) {
        arena_reset(b->row_arena);
        rc = record_load(ret, &row, b->row_arena, true);
    }
    if (rc == -ENOENT)
        return query_refuse(refusal, E_UNKNOWN, path);
    if (rc != 0)
        return rc;
    core_view(b->core, unit, &ret->core, false, view);
    return view->received ? 0 : query_refuse(refusal, E_UNKNOWN, path);
}

int
query_seq(struct broker *b, const char *event_id, uint64_t *ret, struct refusal *refusal, const char *path)
{
    uint8_t id[16];
    int rc;

    if (uuid_parse(event_id, id) != 0)
        return query_refuse(refusal, E_REQUEST, path);
    rc = store_id_find(b->store, id, ret);
    return rc == -ENOENT ? query_refuse(refusal, E_UNKNOWN, path) : rc;
}

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

static int
explain(struct broker *b, uint32_t unit, const Wici__V1__Explain *asked, struct store_slice *slice,
        Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__Explanation *explanation = arena_alloc(b->reply_arena, sizeof *explanation);
    struct record record;
    struct core_view view;
    uint64_t seq = asked->seq;
    const char *path = seq != 0 ? "query.explain.seq" : "query.explain.eventId";
    int rc = 0;

    if (explanation == NULL)
        return -ENOBUFS;
    if ((seq != 0) == (asked->event_id[0] != '\0'))
        return query_refuse(refusal, E_REQUEST, "query.explain");
    if (seq == 0)
        rc = query_seq(b, asked->event_id, &seq, refusal, path);
    if (rc == 0)
        rc = query_record(b, unit, seq, slice, &record, &view, refusal, path);
    if (rc != 0)
        return rc;
    wici__v1__explanation__init(explanation);
    explanation->seq = seq;
    rc = explain_relations(b, unit, &record, explanation);
    if (rc == 0)
        rc = explain_sections(b, unit, &record, &view, explanation);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_EXPLANATION;
    result->explanation = explanation;
    return rc;
}

/* ---- who has fetched an own event */

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

static int
fetched_unit(struct broker *b, const char *id, uint64_t seq, Wici__V1__Fetched **ret)
{
    Wici__V1__Fetched *f = arena_alloc(b->reply_arena, sizeof *f);
    struct reading reading = {.any = false};
    int rc = store_cursor_each(b->store, id, reading_add, &reading);

    if (rc != 0)
        return rc;
    if (f == NULL)
        return -ENOBUFS;
    wici__v1__fetched__init(f);
    f->unit = arena_text(b->reply_arena, id);
    f->never_connected = !reading.any;
    f->fetched = reading.any && reading.seq >= seq;
    if (reading.acked_ms != 0) {
        f->last_read = time_copy(b->reply_arena, reading.acked_ms);
        if (b->clock.now_ms > reading.acked_ms)
            f->not_reading_s = (b->clock.now_ms - reading.acked_ms) / 1000;
    }
    if (f->unit == NULL || f->last_read == NULL)
        return -ENOBUFS;
    *ret = f;
    return 0;
}

static int
fetched(struct broker *b, uint32_t unit, const Wici__V1__FetchedQuery *asked, struct store_slice *slice,
        Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__FetchedList *list = arena_alloc(b->reply_arena, sizeof *list);
    const Wici__V1__BrokerNote *note;
    struct record record;
    struct core_view view;
    struct core_unit u;
    uint64_t seq = 0;
    int rc;

    if (list == NULL)
        return -ENOBUFS;
    rc = query_seq(b, asked->event_id, &seq, refusal, "query.fetched.eventId");
    if (rc == 0)
        rc = query_record(b, unit, seq, slice, &record, &view, refusal, "query.fetched.eventId");
    if (rc != 0)
        return rc;
    core_unit(b->core, unit, &u);
    if (strcmp(record.event.header->actor->unit, u.id) != 0)
        return query_refuse(refusal, E_UNKNOWN, "query.fetched.eventId");
    rc = cursors_write(b);
    wici__v1__fetched_list__init(list);
    list->seq = seq;
    note = record.core.note;
    if (note != NULL) {
        list->units = arena_alloc(b->reply_arena, (note->n_resolved_to + 1) * sizeof(Wici__V1__Fetched *));
        if (list->units == NULL)
            return -ENOBUFS;
        for (size_t i = 0; i < note->n_resolved_to && rc == 0; i++)
            rc = fetched_unit(b, note->resolved_to[i], seq, &list->units[list->n_units++]);
    }
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_FETCHED;
    result->fetched = list;
    return rc;
}

/* ---- linked dossiers */

static int
group_fill(struct broker *b, uint32_t unit, const char *text, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    struct core_group_member *found = arena_alloc(b->reply_arena, GROUP_DOSSIERS_MAX * sizeof *found);
    Wici__V1__Group *group = arena_alloc(b->reply_arena, sizeof *group);
    uint8_t id[16];
    size_t count;

    if (found == NULL || group == NULL)
        return -ENOBUFS;
    if (uuid_parse(text, id) != 0)
        return query_refuse(refusal, E_REQUEST, "query.group.dossier");
    count = core_group(b->core, unit, id, found, GROUP_DOSSIERS_MAX);
    if (count == 0)
        return query_refuse(refusal, E_UNKNOWN, "query.group.dossier");
    wici__v1__group__init(group);
    group->members = arena_alloc(b->reply_arena, count * sizeof(Wici__V1__GroupMember *));
    if (group->members == NULL)
        return -ENOBUFS;
    for (size_t i = 0; i < count; i++) {
        Wici__V1__GroupMember *m = arena_alloc(b->reply_arena, sizeof *m);
        char *dossier = arena_alloc(b->reply_arena, 37);

        if (m == NULL || dossier == NULL)
            return -ENOBUFS;
        wici__v1__group_member__init(m);
        uuid_format(found[i].dossier_id, dossier);
        m->dossier = dossier;
        m->kind = TEXT(found[i].kind);
        m->link = TEXT(found[i].link);
        m->opened_seq = found[i].opened_seq;
        group->members[group->n_members++] = m;
    }
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_GROUP;
    result->group = group;
    return 0;
}

/* ---- where referrals and cases stand */

static Wici__V1__CourseState *
course_state(struct arena *arena, const struct core_state *state)
{
    Wici__V1__CourseState *s = arena_alloc(arena, sizeof *s);

    if (s == NULL)
        return NULL;
    wici__v1__course_state__init(s);
    s->code = TEXT(state->code);
    s->pl = TEXT(state->pl);
    s->en = TEXT(state->en);
    return s;
}

static char *
unit_text(const struct broker *b, uint32_t unit)
{
    struct core_unit u;

    if (unit == CORE_UNIT_NONE)
        return TEXT("");
    core_unit(b->core, unit, &u);
    return TEXT(u.id);
}

static int
course_parts(struct broker *b, uint32_t unit, const struct core_course *course, Wici__V1__Course *ret)
{
    struct arena *arena = b->reply_arena;
    struct core_part parts[CORE_PARTS_MAX];
    size_t count = core_course_parts(b->core, unit, course, parts);

    if (count == 0)
        return 0;
    ret->parts = arena_alloc(arena, count * sizeof(Wici__V1__CoursePart *));
    if (ret->parts == NULL)
        return -ENOBUFS;
    for (; ret->n_parts < count; ret->n_parts++) {
        Wici__V1__CoursePart *part = arena_alloc(arena, sizeof *part);

        if (part == NULL)
            return -ENOBUFS;
        wici__v1__course_part__init(part);
        part->no = parts[ret->n_parts].no;
        part->unit = unit_text(b, parts[ret->n_parts].unit);
        part->state = course_state(arena, &parts[ret->n_parts].state);
        if (part->state == NULL)
            return -ENOBUFS;
        ret->parts[ret->n_parts] = part;
    }
    return 0;
}

static int
course_workers(struct broker *b, const struct core_course *course, Wici__V1__Course *ret)
{
    struct core_worker workers[COURSE_WORKERS_MAX];
    size_t count = core_course_workers(b->core, course, workers, COURSE_WORKERS_MAX);

    if (count == 0)
        return 0;
    ret->workers = arena_alloc(b->reply_arena, count * sizeof(Wici__V1__CourseWorker *));
    if (ret->workers == NULL)
        return -ENOBUFS;
    for (; ret->n_workers < count; ret->n_workers++) {
        const struct core_worker *worker = &workers[ret->n_workers];
        Wici__V1__CourseWorker *message = arena_alloc(b->reply_arena, sizeof *message);

        if (message == NULL)
            return -ENOBUFS;
        wici__v1__course_worker__init(message);
        message->role = (Wici__V1__Role)role_by_name(worker->role);
        message->unit = TEXT(worker->unit);
        message->person_ref = TEXT(worker->person);
        message->from = arena_text(b->reply_arena, worker->from);
        message->until = TEXT(worker->until);
        message->substitute = worker->substitute;
        message->on_duty = worker->on_duty;
        if (message->from == NULL)
            return -ENOBUFS;
        ret->workers[ret->n_workers] = message;
    }
    return 0;
}

static int
course_message(struct broker *b, uint32_t unit, struct core_course *course, Wici__V1__Course **ret)
{
    struct arena *arena = b->reply_arena;
    Wici__V1__Course *c = arena_alloc(arena, sizeof *c);
    char *dossier = arena_alloc(arena, 37);
    int rc;

    if (c == NULL || dossier == NULL)
        return -ENOBUFS;
    wici__v1__course__init(c);
    uuid_format(course->dossier_id, dossier);
    c->dossier = dossier;
    c->opened_seq = course->opened_seq;
    c->opened = time_copy(arena, course->opened_ms);
    c->sent = course->sent;
    c->received = course->received;
    c->outcome = TEXT(course->outcome);
    c->holder = unit_text(b, course->holder);
    c->next_unit = unit_text(b, course->next_unit);
    c->next_due = course->next_due;
    if (c->opened == NULL ||
        (course->referral.code[0] != '\0' && (c->referral = course_state(arena, &course->referral)) == NULL) ||
        (course->kase.code[0] != '\0' && (c->case_ = course_state(arena, &course->kase)) == NULL))
        return -ENOBUFS;
    *ret = c;
    rc = course_workers(b, course, c);
    return rc == 0 ? course_parts(b, unit, course, c) : rc;
}

/* Those of the dossiers linked with it, itself first, that the unit may know something of. */
static size_t
courses_of_group(struct broker *b, uint32_t unit, const uint8_t dossier[16], struct core_course *ret, size_t max)
{
    struct core_group_member *members = arena_alloc(b->reply_arena, COURSES_MAX * sizeof *members);
    size_t count = members == NULL ? 0 : core_group(b->core, unit, dossier, members, COURSES_MAX), found = 0;

    for (size_t i = 0; i < count && found < max; i++)
        found += core_course(b->core, unit, members[i].dossier_id, &ret[found]);
    return found;
}

static int
courses_fill(struct broker *b, uint32_t unit, const Wici__V1__CoursesQuery *asked, Wici__V1__QueryResult *result,
             struct refusal *refusal)
{
    size_t max = asked->max == 0 || asked->max > COURSES_MAX ? COURSES_MAX : asked->max, count;
    struct core_course *found = arena_alloc(b->reply_arena, max * sizeof *found);
    Wici__V1__Courses *courses = arena_alloc(b->reply_arena, sizeof *courses);
    uint8_t id[16];
    int rc = 0;

    if (found == NULL || courses == NULL)
        return -ENOBUFS;
    wici__v1__courses__init(courses);
    if (asked->dossier[0] == '\0') {
        count = core_referrals(b->core, unit, asked->from_seq, found, max, &courses->next_seq);
    } else {
        if (uuid_parse(asked->dossier, id) != 0)
            return query_refuse(refusal, E_REQUEST, "query.courses.dossier");
        count = asked->group ? courses_of_group(b, unit, id, found, max) : core_course(b->core, unit, id, found);
        if (count == 0)
            return query_refuse(refusal, E_UNKNOWN, "query.courses.dossier");
    }
    courses->courses = arena_alloc(b->reply_arena, (count + 1) * sizeof(Wici__V1__Course *));
    if (courses->courses == NULL)
        return -ENOBUFS;
    for (; courses->n_courses < count && rc == 0; courses->n_courses++)
        rc = course_message(b, unit, &found[courses->n_courses], &courses->courses[courses->n_courses]);
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_COURSES;
    result->courses = courses;
    return rc;
}

/* ---- checkpoints */

static int
checkpoint_fill(struct broker *b, Wici__V1__QueryResult *result)
{
    const struct log_keys *keys = checkpoints_keys(b->checkpoints);
    Wici__V1__Checkpoint *c = arena_alloc(b->reply_arena, sizeof *c);
    Wici__V1__LogKey **list = arena_alloc(b->reply_arena, (keys->count + 1) * sizeof(Wici__V1__LogKey *));
    size_t len;

    if (c == NULL || list == NULL)
        return -ENOBUFS;
    wici__v1__checkpoint__init(c);
    c->note = TEXT(checkpoints_newest(b->checkpoints, &len, &c->size));
    for (size_t i = 0; i < keys->count; i++) {
        char *vkey = arena_alloc(b->reply_arena, NOTE_KEY_TEXT_SIZE);

        list[i] = arena_alloc(b->reply_arena, sizeof **list);
        if (list[i] == NULL || vkey == NULL)
            return -ENOBUFS;
        wici__v1__log_key__init(list[i]);
        note_key_format(&keys->at[i], vkey);
        list[i]->vkey = vkey;
        list[i]->seq = keys->seq[i];
    }
    c->n_keys = keys->count;
    c->keys = list;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_CHECKPOINT;
    result->checkpoint = c;
    return 0;
}

/* ---- backups */

static int
backup_fill(struct broker *b, uint32_t unit, const char *label, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    Wici__V1__Backup *m = arena_alloc(b->reply_arena, sizeof *m);
    struct backup_view view;
    int rc = 0;

    if (m == NULL)
        return -ENOBUFS;
    if (!is_administrator(b, unit))
        return query_refuse(refusal, E_UNKNOWN, "query.backup");
    if (label[0] != '\0')
        rc = backups_ask(b->backups, label, b->clock.now_ms);
    if (rc == -EINVAL)
        return query_refuse(refusal, E_REQUEST, "query.backup.label");
    if (rc == -EBUSY)
        return query_refuse(refusal, E_STATE, "query.backup"); /* one at a time */
    if (rc != 0)
        return rc;
    backups_view(b->backups, &view);
    wici__v1__backup__init(m);
    m->state = TEXT(view.word);
    m->failure = TEXT(view.failure);
    m->label = arena_text(b->reply_arena, view.label);
    m->records = view.records;
    m->bytes = view.bytes;
    m->safe_up_to = backups_safe_up_to(b->backups);
    if ((view.started_ms != 0 && (m->started = time_copy(b->reply_arena, view.started_ms)) == NULL) ||
        (view.ended_ms != 0 && (m->ended = time_copy(b->reply_arena, view.ended_ms)) == NULL) || m->label == NULL)
        return -ENOBUFS;
    result->result_case = WICI__V1__QUERY_RESULT__RESULT_BACKUP;
    result->backup = m;
    return 0;
}

/* ---- */

/* An auditor's looking is recorded, also where only what follows from events is told: in the commit that the answer
 * waits for. */
static int
told_record(struct broker *b, const struct session *session, const char *question, const char *dossier, uint64_t seq,
            struct refusal *refusal)
{
    uint8_t id[16];
    uint32_t entry = dossier[0] != '\0' && uuid_parse(dossier, id) == 0 ? core_dossier_for(b->core, session->unit, id)
                                                                        : 0;
    int rc = access_told_auditor(b, session, question, entry, seq);

    return rc == -ENOSPC ? query_refuse(refusal, E_FULL, "query") : rc;
}

static int
result_fill(struct broker *b, struct session *session, const Wici__V1__Query *query, struct store_slice *slice,
            Wici__V1__QueryResult *result, struct refusal *refusal)
{
    uint32_t unit = session->unit;
    Wici__V1__Cursors *cursors;
    int rc;

    switch ((unsigned)query->what_case) { /* unsigned: protobuf-c adds a value that is none */
    case WICI__V1__QUERY__WHAT_DIRECTORY:
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_DIRECTORY;
        rc = core_directory(b->core, b->reply_arena, &result->directory);
        return rc == -ENOMEM ? -ENOBUFS : rc;
    case WICI__V1__QUERY__WHAT_POLICY:
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_POLICY;
        rc = core_policy(b->core, b->reply_arena, &result->policy);
        if (rc == -ENOENT)
            return query_refuse(refusal, E_UNKNOWN, "query.policy");
        return rc == -ENOMEM ? -ENOBUFS : rc;
    case WICI__V1__QUERY__WHAT_STATUS: return status_fill(b, unit, result);
    case WICI__V1__QUERY__WHAT_CURSORS:
        cursors = arena_alloc(b->reply_arena, sizeof *cursors);
        if (cursors == NULL)
            return -ENOBUFS;
        wici__v1__cursors__init(cursors);
        result->result_case = WICI__V1__QUERY_RESULT__RESULT_CURSORS;
        result->cursors = cursors;
        return cursors_fill(b, unit, &cursors->n_cursors, &cursors->cursors);
    case WICI__V1__QUERY__WHAT_CURSOR_DROP: return cursor_drop(b, unit, query->cursor_drop->cursor, result, refusal);
    case WICI__V1__QUERY__WHAT_EXPLAIN:
        rc = explain(b, unit, query->explain, slice, result, refusal);
        return rc != 0 ? rc : told_record(b, session, "explain", "", result->explanation->seq, refusal);
    case WICI__V1__QUERY__WHAT_GROUP:
        rc = group_fill(b, unit, query->group->dossier, result, refusal);
        return rc != 0 ? rc : told_record(b, session, "group", query->group->dossier, 0, refusal);
    case WICI__V1__QUERY__WHAT_FETCHED: return fetched(b, unit, query->fetched, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_CHECKPOINT: return checkpoint_fill(b, result);
    case WICI__V1__QUERY__WHAT_RECEIPT: return proof_receipt(b, session, query->receipt, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_INCLUSION: return proof_inclusion(b, query->inclusion, result, refusal);
    case WICI__V1__QUERY__WHAT_CONSISTENCY: return proof_consistency(b, query->consistency, result, refusal);
    case WICI__V1__QUERY__WHAT_CLOCKS: return clocks_fill(b, session->unit, query->clocks, result);
    case WICI__V1__QUERY__WHAT_WORK: return work_fill(b, unit, query->work, slice, result);
    case WICI__V1__QUERY__WHAT_COURSES:
        rc = courses_fill(b, unit, query->courses, result, refusal);
        return rc != 0 ? rc : told_record(b, session, "courses", query->courses->dossier, 0, refusal);
    case WICI__V1__QUERY__WHAT_BACKUP: return backup_fill(b, unit, query->backup->label, result, refusal);
    case WICI__V1__QUERY__WHAT_LEAVES: return proof_leaves(b, unit, query->leaves, slice, result, refusal);
    case WICI__V1__QUERY__WHAT_ERASE_PREVIEW:
        return erase_preview(b, session, query->request, query->erase_preview, result, refusal);
    case WICI__V1__QUERY__WHAT_ERASE: return erase_order(b, session, query->request, query->erase, result, refusal);
    case WICI__V1__QUERY__WHAT_OUTSIDE: return outside_fill(b, session, query->outside, slice, result, refusal);
    case WICI__V1__QUERY__WHAT__NOT_SET:
    default: return query_refuse(refusal, E_REQUEST, "query");
    }
}

int
query_answer(struct broker *b, struct session *session, const Wici__V1__Query *query)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__QueryResult result;
    struct refusal refusal = {.code = E_NONE};
    struct store_slice *slice = NULL;
    int rc = store_slice_begin(b->store, &slice);

    if (rc != 0)
        return rc;
    arena_reset(b->reply_arena);
    wici__v1__broker_message__init(&message);
    wici__v1__query_result__init(&result);
    result.request = query->request;
    if (query->what_case == WICI__V1__QUERY__WHAT_SHOWN) {
        store_slice_end(&slice);
        rc = shown_begin(b, session, query->request, query->shown, &refusal);
        if (rc == -EACCES)
            reply_refused(b, &session->route, session->unit, &refusal, 0, query->request);
        return rc == -EACCES ? 0 : rc; /* else it is answered later */
    }
    rc = result_fill(b, session, query, slice, &result, &refusal);
    store_slice_end(&slice);
    if (rc == -EINPROGRESS) /* answered when it is done */
        return 0;
    if (rc == -ENOBUFS)
        rc = query_refuse(&refusal, E_LIMIT, "query"); /* more than one answer holds */
    if (rc == -EACCES) {
        reply_refused(b, &session->route, session->unit, &refusal, 0, query->request);
        return 0;
    }
    if (rc != 0)
        return rc;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT;
    message.query_result = &result;
    reply_queue_for(b, session, &message);
    return 0;
}
