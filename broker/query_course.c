/*
 * query_course - questions about dossiers: which are linked, and where the referrals and cases in them stand
 */
#include "broker/query_answer.h"

#include "proto/limits.h"

#include <errno.h>
#include <string.h>

/* ---- linked dossiers */

#define GROUP_ANSWER_MAX (LINKS_PER_DOSSIER_MAX + GROUP_DOSSIERS_MAX)

int
group_fill(struct broker *b, uint32_t unit, const char *text, Wici__V1__QueryResult *result, struct refusal *refusal)
{
    struct core_group_member *found = arena_alloc(b->reply_arena, GROUP_ANSWER_MAX * sizeof *found);
    Wici__V1__Group *group = arena_alloc(b->reply_arena, sizeof *group);
    uint8_t id[16];
    size_t count;

    if (found == NULL || group == NULL)
        return -ENOBUFS;
    if (uuid_parse(text, id) != 0)
        return query_refuse(refusal, E_REQUEST, "query.group.dossier");
    count = core_group(b->core, unit, id, found, GROUP_ANSWER_MAX);
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
    c->opened = query_time(arena, course->opened_ms);
    c->sent = course->sent;
    c->received = course->received;
    c->outcome = TEXT(course->outcome);
    c->holder = unit_text(b, course->holder);
    c->next_unit = unit_text(b, course->next_unit);
    c->next_due = course->next_due;
    c->next_said = course->next_said;
    c->next_served = core_served(b->core, unit, c->next_unit) != CORE_UNIT_NONE;
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

int
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
