#include "broker/core/workers.h"

#include "broker/core/facts.h"
#include "broker/core/rules.h"
#include "proto/date.h"
#include "proto/limits.h"

#include <string.h>

enum { PERSON, UNIT, ROLE, KIND, UNTIL, TEXT_COUNT };

static int
keep(struct dossiers *ds, uint32_t dossier, uint64_t seq, const struct act *of)
{
    struct act_about fact = {.act = *of, .machine = MACHINE_COUNT};

    fact.act.input = IN_NONE;
    fact.act.thing = THING_NONE;
    act_set_seq(&fact.act, seq);
    return acts_add(ds, dossier, &fact);
}

/* There are many of these: small. */
static int
keep_assistant(struct core *core, const Wici__V1__CaseAssistantAssignedS0 *body, uint32_t dossier, uint64_t seq)
{
    struct act act = {.code = ACT_CODE_ASSISTANT, .day = (int32_t)directory_unit(&core->directory, body->unit)};
    int rc = strings_add(&core->dossiers.persons, body->assistant_ref, &act.number);

    return rc == 0 ? keep(&core->dossiers, dossier, seq, &act) : rc;
}

static int
keep_worker(struct core *core, const Wici__V1__CaseWorkerSetS0 *body, uint32_t dossier, uint64_t seq)
{
    const char *role = role_name((unsigned)body->role);
    const char *const texts[TEXT_COUNT] = {body->person_ref, body->unit, role != NULL ? role : "", body->kind,
                                           body->until};
    struct act act = {.code = ACT_CODE_WORKER, .day = facts_day(body->from)};
    int rc = dossiers_set(&core->dossiers, texts, TEXT_COUNT, &act.number);

    return rc == 0 ? keep(&core->dossiers, dossier, seq, &act) : rc;
}

int
workers_keep(struct core *core, const struct core_record *record, uint32_t dossier, uint64_t seq)
{
    const void *body;
    int rc = 0;

    if (record->event->type->number == TYPE(CASE_ASSISTANT_ASSIGNED))
        for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 0, &at)) != NULL;)
            rc = keep_assistant(core, body, dossier, seq);
    if (record->event->type->number == TYPE(CASE_WORKER_SET))
        for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 0, &at)) != NULL;)
            rc = keep_worker(core, body, dossier, seq);
    return rc;
}

static bool
is_worker(const struct act *act)
{
    return act->input == IN_NONE && (act->code == ACT_CODE_WORKER || act->code == ACT_CODE_ASSISTANT) &&
           (act->flags & ACT_RECALLED) == 0;
}

void
workers_take_back(struct dossiers *ds, uint32_t dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < ds->at[dossier].act_count; i++)
        if (is_worker(&ds->at[dossier].acts[i]) && act_seq(&ds->at[dossier].acts[i]) == seq)
            ds->at[dossier].acts[i].flags |= ACT_RECALLED;
}

/* ---- asking */

static const char *
text_of(const struct dossiers *ds, const struct act *act, unsigned which)
{
    return strings_at(&ds->persons, ds->about[act->number + 1 + which]);
}

/* The day of the assignment that the fact stands beside. */
static int32_t
assigned_on(const struct dossier *dossier, const struct act *fact)
{
    for (uint32_t i = 0; i < dossier->act_count; i++)
        if (dossier->acts[i].input == IN_ASSIGNED && act_seq(&dossier->acts[i]) == act_seq(fact))
            return dossier->acts[i].day;
    return DATE_NONE;
}

static struct core_worker
worker_of(const struct core *core, const struct dossier *dossier, const struct act *act, int32_t today)
{
    const struct dossiers *ds = &core->dossiers;
    struct core_worker worker = {.until = ""};
    int32_t from = act->day, until;

    if (act->code == ACT_CODE_ASSISTANT) {
        from = assigned_on(dossier, act);
        worker.person = strings_at(&ds->persons, act->number);
        worker.unit = (uint32_t)act->day < core->directory.unit_count
                          ? directory_unit_id(&core->directory, (uint32_t)act->day)
                          : "";
        worker.role = role_name(WICI__V1__ROLE__FA);
    } else {
        worker.person = text_of(ds, act, PERSON);
        worker.unit = text_of(ds, act, UNIT);
        worker.role = text_of(ds, act, ROLE);
        worker.until = text_of(ds, act, UNTIL);
        worker.substitute = strcmp(text_of(ds, act, KIND), "SUBSTITUTE") == 0;
    }
    if (from != DATE_NONE)
        date_format(from, worker.from);
    until = facts_day(worker.until);
    worker.today = (from == DATE_NONE || from <= today) && (until == DATE_NONE || until >= today);
    return worker;
}

static bool
is_over(const struct core_worker *worker, int32_t today)
{
    int32_t until = facts_day(worker->until);

    return until != DATE_NONE && until < today;
}

/* One main worker for each role and unit, the one set last; of substitutes all who are to come or are there. */
static void
put(struct core_worker *list, size_t max, size_t *count, const struct core_worker *worker)
{
    for (size_t i = 0; i < *count; i++)
        if (!worker->substitute && !list[i].substitute && strcmp(list[i].role, worker->role) == 0 &&
            strcmp(list[i].unit, worker->unit) == 0) {
            list[i] = *worker;
            return;
        }
    if (*count < max)
        list[(*count)++] = *worker;
}

/* On each role and unit the last substitute of the day is on duty, else its main worker. */
static void
duties(struct core_worker *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t on = count;

        for (size_t k = 0; k < count; k++)
            if (strcmp(list[i].role, list[k].role) == 0 && strcmp(list[i].unit, list[k].unit) == 0 && list[k].today &&
                (on == count || list[k].substitute))
                on = k;
        list[i].on_duty = on == i;
    }
}

/* Adds those of one dossier. */
static void
gather(const struct core *core, uint32_t dossier, struct core_worker *list, size_t max, size_t *count)
{
    const struct dossier *d = &core->dossiers.at[dossier];
    int32_t today = date_of_moment(core->latest_ms);

    for (uint32_t i = 0; i < d->act_count; i++) {
        const struct act *act = &d->acts[i];
        struct core_worker worker;

        if (!is_worker(act))
            continue;
        worker = worker_of(core, d, act, today);
        if (!is_over(&worker, today))
            put(list, max, count, &worker);
    }
}

size_t
core_course_workers(const struct core *core, const struct core_course *course, struct core_worker *ret, size_t max)
{
    const struct dossiers *ds = &core->dossiers;
    size_t count = 0;

    if (!course->whole)
        return 0;
    for (EACH_OF_GROUP(ds, member, course->dossier))
        gather(core, member, ret, max, &count);
    duties(ret, count);
    return count;
}

static size_t
gather_all(const struct core *core, const struct kin *kin, struct core_worker list[COURSE_WORKERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < kin->count; i++)
        gather(core, kin->at[i], list, COURSE_WORKERS_MAX, &count);
    duties(list, count);
    return count;
}

static bool
does(const struct core_worker *worker, uint32_t roles)
{
    return (roles >> role_by_name(worker->role) & 1u) != 0;
}

uint32_t
workers_unit(const struct core *core, const struct kin *kin, uint32_t roles)
{
    struct core_worker list[COURSE_WORKERS_MAX];

    for (size_t i = gather_all(core, kin, list); i-- > 0;)
        if (does(&list[i], roles))
            return directory_unit(&core->directory, list[i].unit);
    return DIRECTORY_NONE;
}

const char *
workers_on_duty(const struct core *core, const struct kin *kin, uint32_t unit, uint32_t roles, bool *ret_substitute)
{
    struct core_worker list[COURSE_WORKERS_MAX];
    const char *id = directory_unit_id(&core->directory, unit);
    size_t count = gather_all(core, kin, list);

    for (size_t i = 0; i < count; i++)
        if (list[i].on_duty && does(&list[i], roles) && strcmp(list[i].unit, id) == 0) {
            *ret_substitute = list[i].substitute;
            return list[i].person;
        }
    return NULL;
}
