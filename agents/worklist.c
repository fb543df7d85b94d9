/*
 * worklist - see worklist.h
 */
#include "agents/worklist.h"

#include "proto/date.h"
#include "proto/event.h"
#include "proto/member.h"
#include "proto/types.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below 0: the day has gone by. */
static json_int_t
days_left(const json_t *task)
{
    return json_integer_value(json_object_get(task, "daysLeft"));
}

/* ---- the broker's answers */

static bool
is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

void
worklist_answers_free(struct worklist_answers *answers)
{
    json_decref(answers->clocks);
    json_decref(answers->courses);
    json_decref(answers->work);
    *answers = (struct worklist_answers){0};
}

/* Is the clock's name among the words of rules? */
static bool
rules_have(const char *rules, const char *name)
{
    size_t len = strlen(name);

    if (rules == NULL || rules[strspn(rules, " ,")] == '\0')
        return true;
    for (const char *word = rules; *word != '\0'; word += strcspn(word, " ,")) {
        word += strspn(word, " ,");
        if (strcspn(word, " ,") == len && strncmp(word, name, len) == 0)
            return true;
    }
    return false;
}

bool
worklist_rules_check(const char *rules, const char **ret_word, size_t *ret_len)
{
    for (const char *word = rules; *word != '\0'; word += strcspn(word, " ,")) {
        char name[8] = "";

        word += strspn(word, " ,");
        *ret_len = strcspn(word, " ,");
        *ret_word = word;
        if (*ret_len < sizeof name)
            memcpy(name, word, *ret_len);
        if (*ret_len > 0 && clock_by_name(name) == CLOCK_NONE)
            return false;
    }
    return true;
}

/* ---- a task */

struct made {
    const struct worklist_options *o;
    json_t *tasks, *others;
};

#define DAY_NONE INT32_MIN

/* Takes the task. A text that is empty is left out of it. */
static int
task_add(json_t *list, json_t *task)
{
    const char *name;
    json_t *value;
    void *next;

    if (task == NULL)
        return -ENOMEM;
    json_object_foreach_safe(task, next, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(task, name);
    }
    return json_array_append_new(list, task) == 0 ? 0 : -ENOMEM;
}

/* Sets when it is due, or, without a date, for how long it waits. Returns the task; NULL: no memory. */
static json_t *
task_dated(const struct worklist_options *o, json_t *task, int32_t since, int32_t due)
{
    char date[DATE_TEXT_SIZE] = "";
    bool dated = due != DAY_NONE;

    if (dated)
        date_format(due, date);
    if (task == NULL)
        return NULL;
    if (json_object_set_new(task, "due", json_string(date)) != 0 ||
        json_object_set_new(task, dated ? "daysLeft" : "waits",
                            json_integer(dated ? (json_int_t)due - o->today : (json_int_t)o->today - since)) != 0) {
        json_decref(task);
        return NULL;
    }
    return task;
}

static json_t *
optional(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* ---- what there is to do where no deadline runs */

struct work_kind {
    const char *name, *pl, *en, *source;
    const char *closes[2]; /* types of events */
};

#define STEP_PL "następny krok zapowiedziany w odpowiedzi na zgłoszenie"
#define STEP_EN "next step that the answer to the referral announced"

static const struct work_kind work_kinds[] = {
    {"QUESTION",
     "odpowiedź na prośbę o informację",
     "answer to a request for information",
     "Wici",
     {"info.provided", NULL}},
    {"INVITATION", "udział w spotkaniu", "take part in a meeting", "broszura KPRP, 3 (A14)", {"meeting.held", NULL}},
    {"MEETING",
     "zwołane spotkanie: przeprowadzić i zapisać, albo odwołać",
     "meeting convened: hold and record it, or call it off",
     "broszura KPRP, 3 (A14)",
     {"meeting.held", "meeting.convened"}},
    {"RECALL",
     "wpis pomyłkowy: odłożyć albo zniszczyć swoją kopię i potwierdzić",
     "entered in error: set the copy aside or destroy it, and confirm",
     "Wici",
     {"sys.recall_confirmed", NULL}},
    {"ASSISTANT",
     "przydzielenie asystenta rodziny",
     "assign a family assistant",
     "UWR art. 11 (A2)",
     {"case.assistant_assigned", NULL}},
    {"APPROVAL", "zatwierdzenie IPUS", "approve the IPUS", "strona jednego CUS (E13)", {"ipus.approved", NULL}},
    {"RETURNED",
     "IPUS zwrócony do poprawy: uzgodnić na nowo",
     "IPUS sent back: agree on it anew",
     "strona jednego CUS (E13)",
     {"ipus.updated", NULL}},
    {"ROW",
     "uzgodnienie ze spotkania",
     "what a meeting agreed on",
     "broszura KPRP, 5 (MD8)",
     {"meeting.held", "ipus.service_reported"}},
    {"OUTSIDE", "wydrukować i wysłać", "print and send", "Wici", {"sys.delivered_outside", NULL}},
    {"STEP", STEP_PL, STEP_EN, "", {"referral.answered", "referral.completed"}},
    {"INTERVIEW",
     "asystenta przydzielono bez wywiadu: dopisać wywiad",
     "an assistant was assigned without an interview: enter the interview",
     "UWR art. 11 (A2)",
     {"case.interview_completed", NULL}},
    {"BASIS",
     "pierwszy kontakt bez podstawy: dopisać zgodę, postanowienie albo wniosek",
     "first contact without a basis: enter the consent, the order or the application",
     "karta DWR-01; OPS Czechowice-Dziedzice, 1 (B1, B2)",
     {"consent.granted", "court.order_issued"}},
    {"CONSENT",
     "wniosek przekazano bez zgody wnioskodawcy: poprawić przekazanie, podając datę zgody",
     "an application was forwarded without the applicant's consent: correct it, with the date of the consent",
     "CUS art. 38 (A13)",
     {"referral.forwarded", NULL}},
};

/* ---- deadlines */

/* When it is due: as the watcher told, or worked out. 0: not counted in this office; 1; -EBADMSG: the answer is no
 * good.
 */
static int
due_of(const struct worklist_options *o, const json_t *clock, enum clock_id id, int32_t *ret)
{
    const char *due = member_text(clock, "due");
    struct deadline deadline = {
        .clock = id, .agency = member_text(clock, "agency"), .named = DATE_NONE, .urgent = is_true(clock, "urgent")};
    struct deadline_plan plan;
    bool named = is_true(clock, "named"), told = due[0] != '\0' && !named;

    if (date_parse(member_text(clock, "startedOn"), &deadline.started) != 0)
        deadline.started = DATE_NONE;
    if (due[0] != '\0' && date_parse(due, ret) != 0)
        return -EBADMSG;
    if (due[0] == '\0' && (deadline.started == DATE_NONE || clock_info(id)->basis != CLOCK_TERM))
        return -EBADMSG;
    if (told)
        return 1;
    if (named || due[0] != '\0')
        deadline.named = *ret;
    if (deadline.started == DATE_NONE)
        deadline.started = deadline.named;
    deadline_plan(o->settings, o->calendar, &deadline, &plan);
    *ret = plan.due;
    return plan.on;
}

/* Of D15 with a date that was named: a question; without one it is a referral's. */
static bool
is_question(enum clock_id id, const json_t *clock)
{
    return id == CLOCK_D15 && is_true(clock, "named");
}

/* Names of the types of events that meet a clock. */
static json_t *
closing_events(enum clock_id id, const json_t *clock)
{
    json_t *names = json_array();
    const struct clock_event *event;

    for (size_t i = 0; (event = clock_event_at(i)) != NULL; i++) {
        const struct type_info *type = type_by_number(event->type);

        if (event->clock != id || event->deed != CLOCK_MEETS || type == NULL)
            continue;
        if (id != CLOCK_D15 || is_question(id, clock) == (strcmp(type->name, "info.provided") == 0))
            (void)json_array_append_new(names, json_string(type->name));
    }
    return names;
}

static const char *
told_of(const json_t *clock)
{
    return is_true(clock, "toldMissed")                                      ? "missed"
           : is_true(clock, "toldApproaching") || is_true(clock, "toldLast") ? "reminded"
                                                                             : "";
}

/* Why it has fallen to this unit, which stands in for the one that has to do it; "": it has not. */
static const char *
fallen_of(const struct worklist_options *o, const json_t *clock, const char *unit, int32_t due)
{
    if (strcmp(member_text(clock, "head"), o->unit) != 0 || strcmp(unit, o->unit) == 0)
        return "";
    return is_true(clock, "suspended") ? "SUSPENDED" : due < o->today ? "OVERDUE" : "";
}

/* What few deadlines have. */
static void
clock_details(const json_t *clock, enum clock_id id, const char *fallen, json_t *task)
{
    const char *told = told_of(clock), *worker = member_text(clock, "worker");

    if (told[0] != '\0')
        (void)json_object_set_new(task, "told", json_string(told));
    if (fallen[0] != '\0')
        (void)json_object_set_new(task, "fallen", json_string(fallen));
    if (id == CLOCK_D16 && member_number(clock, "item") > 0)
        (void)json_object_set_new(task, "row", json_integer((json_int_t)member_number(clock, "item")));
    if (worker[0] != '\0')
        (void)json_object_set_new(task, "worker", json_string(worker));
    if (is_true(clock, "served"))
        (void)json_object_set_new(task, "for", json_string(member_text(clock, "unit")));
    if (member_text(clock, "dossier")[0] == '\0' && member_text(clock, "agency")[0] != '\0')
        (void)json_object_set_new(task, "agency", json_string(member_text(clock, "agency")));
    if (is_true(clock, "substitute"))
        (void)json_object_set_new(task, "substitute", json_true());
    if (is_true(clock, "holderOnly"))
        (void)json_object_set_new(task, "quiet", json_true());
}

static int
clock_add(const struct made *m, const json_t *clock)
{
    const struct worklist_options *o = m->o;
    enum clock_id id = clock_by_name(member_text(clock, "clock"));
    const char *holder = member_text(clock, "holder"), *unit = member_text(clock, "unit"), *fallen;
    const struct clock_info *info;
    bool ours, asked, question = is_question(id, clock);
    int32_t due, since = o->today;
    json_t *task;
    int rc;

    if (id == CLOCK_NONE)
        return 0; /* a newer broker's clock: nothing is known of it here */
    info = clock_info(id);
    if (unit[0] == '\0') /* an older broker's */
        unit = holder;
    rc = due_of(o, clock, id, &due);
    if (rc <= 0)
        return rc;
    fallen = fallen_of(o, clock, unit, due);
    if (is_true(clock, "served"))
        unit = o->unit; /* what that agency answers is entered here */
    asked = strcmp(unit, holder) != 0 ||
            is_true(clock, "served"); /* what was asked of this very unit is its work, whatever kind of office it is */
    ours = fallen[0] != '\0' || (strcmp(unit, o->unit) == 0 && (asked || rules_have(o->rules, info->id)));
    (void)date_parse(member_text(clock, "startedOn"), &since);
    task = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "kind", "DEADLINE", "rule", info->id,
                     "pl", question ? work_kinds[0].pl : info->pl, "en", question ? work_kinds[0].en : info->en,
                     "force", clock_force_name(info->force), "source", info->source, "dossier",
                     member_text(clock, "dossier"), "seq", (json_int_t)member_number(clock, "startSeq"), "since",
                     member_text(clock, "startedOn"), "unit", unit, "closedBy", closing_events(id, clock));
    if (task != NULL)
        clock_details(clock, id, fallen, task);
    return task_add(ours ? m->tasks : m->others, task_dated(o, task, since, due));
}

/* ---- what waits without a deadline */

static const struct work_kind *
work_kind(const char *name)
{
    for (size_t i = 0; i < sizeof work_kinds / sizeof work_kinds[0]; i++)
        if (strcmp(work_kinds[i].name, name) == 0)
            return &work_kinds[i];
    return NULL;
}

/* "INFO_REQUESTED", as proto3 JSON has it, to "info.requested"; "": none that is known. */
static const char *
type_name_of(const json_t *item)
{
    const char *name = member_text(item, "type");

    for (size_t i = 0; type_at(i) != NULL; i++)
        if (strcmp(type_at(i)->enum_name, name) == 0)
            return type_at(i)->name;
    return "";
}

static int
work_add(const struct made *m, const json_t *item)
{
    const struct worklist_options *o = m->o;
    const struct work_kind *kind = work_kind(member_text(item, "kind"));
    json_int_t ts_ms = (json_int_t)member_number(item, "tsMs");
    const char *falls_to = member_text(item, "fallsTo");
    int32_t since, due = DAY_NONE;
    char since_text[DATE_TEXT_SIZE];
    json_t *closes, *task;

    if (kind == NULL)
        return 0; /* a newer broker's */
    if (ts_ms <= 0 || (member_text(item, "due")[0] != '\0' && date_parse(member_text(item, "due"), &due) != 0))
        return -EBADMSG;
    since = date_of_moment((uint64_t)ts_ms);
    if (strcmp(kind->name, "INVITATION") == 0 && due != DAY_NONE && due < o->today)
        return 0; /* the day is over: who leads it says whether it was held */
    date_format(since, since_text);
    closes = json_pack("[s, s*]", kind->closes[0], kind->closes[1]);
    task = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:s, s:o, s:o, s:o}", "kind", kind->name,
                     "rule", "", "pl", kind->pl, "en", kind->en, "force", "", "source", kind->source, "dossier",
                     member_text(item, "dossier"), "seq", (json_int_t)member_number(item, "seq"), "since", since_text,
                     "unit", falls_to[0] != '\0' ? falls_to : o->unit, "closedBy", closes, "event",
                     member_text(item, "eventId"), "type", optional(type_name_of(item)), "from",
                     optional(strcmp(member_text(item, "unit"), o->unit) == 0 ? "" : member_text(item, "unit")), "for",
                     optional(member_text(item, "agency")));
    if (task != NULL && member_number(item, "item") > 0)
        (void)json_object_set_new(task, "row", json_integer((json_int_t)member_number(item, "item")));
    return task_add(falls_to[0] != '\0' ? m->others : m->tasks, task_dated(o, task, since, due));
}

/* ---- what an answer to a referral promised as the next action of this unit, or of another where this one leads */

static int
course_add(const struct made *m, const json_t *course)
{
    const struct worklist_options *o = m->o;
    const char *unit = member_text(course, "nextUnit"), *next_due = member_text(course, "nextDue");
    bool said = is_true(course, "nextSaid") || next_due[0] != '\0', served = is_true(course, "nextServed");
    bool ours = served || strcmp(unit, o->unit) == 0;
    int32_t due = DAY_NONE, since = o->today;
    uint64_t opened_ms;
    json_t *task;

    if (!said || unit[0] == '\0' || (!ours && strcmp(member_text(course, "holder"), o->unit) != 0))
        return 0;
    if (next_due[0] != '\0' && date_parse(next_due, &due) != 0)
        return -EBADMSG;
    if (time_parse(member_text(course, "opened"), &opened_ms) == 0)
        since = date_of_moment(opened_ms);
    task = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:[s,s], s:o}", "kind", "NEXT_STEP", "rule",
                     "", "pl", STEP_PL, "en", STEP_EN, "force", "", "source", "", "dossier",
                     member_text(course, "dossier"), "seq", (json_int_t)member_number(course, "openedSeq"), "since", "",
                     "unit", ours ? o->unit : unit, "closedBy", "referral.answered", "referral.completed", "for",
                     served ? json_string(unit) : json_null());
    return task_add(ours ? m->tasks : m->others, task_dated(o, task, since, due));
}

/* ---- in their order */

/* What has no date stands behind what is due today. */
static json_int_t
order_of(const json_t *task)
{
    return json_object_get(task, "daysLeft") == NULL ? 1 : 2 * days_left(task);
}

/* By due date; then by the order in which they began, so that a list does not jump about. */
static int
task_compare(const void *a, const void *b)
{
    const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
    json_int_t days = order_of(x) - order_of(y),
               seq = (json_int_t)member_number(x, "seq") - (json_int_t)member_number(y, "seq");
    int order;

    if (days != 0)
        return days < 0 ? -1 : 1;
    if (seq != 0)
        return seq < 0 ? -1 : 1;
    order = strcmp(member_text(x, "rule"), member_text(y, "rule"));
    if (order == 0)
        order = strcmp(member_text(x, "kind"), member_text(y, "kind"));
    if (order != 0)
        return order;
    seq = (json_int_t)member_number(x, "row") - (json_int_t)member_number(y, "row");
    return seq < 0 ? -1 : seq > 0 ? 1 : strcmp(member_text(x, "for"), member_text(y, "for"));
}

static int
tasks_sort(json_t **list)
{
    size_t count = json_array_size(*list);
    json_t **items = calloc(count + 1, sizeof items[0]), *sorted = json_array();
    int rc = items == NULL || sorted == NULL ? -ENOMEM : 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        items[i] = json_array_get(*list, i);
    if (rc == 0)
        qsort(items, count, sizeof items[0], task_compare);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = json_array_append(sorted, items[i]) != 0 ? -ENOMEM : 0;
    free(items);
    if (rc != 0) {
        json_decref(sorted);
        return rc;
    }
    json_decref(*list);
    *list = sorted;
    return 0;
}

int
worklist_make(const struct worklist_options *options, const struct worklist_answers *answers, json_t **ret)
{
    struct made m = {.o = options, .tasks = json_array(), .others = json_array()};
    int rc = m.tasks == NULL || m.others == NULL ? -ENOMEM : 0;
    char today[DATE_TEXT_SIZE];

    assert(options != NULL && options->unit != NULL && options->calendar != NULL && answers != NULL && ret != NULL);

    for (size_t i = 0; rc == 0 && i < json_array_size(answers->clocks); i++)
        rc = clock_add(&m, json_array_get(answers->clocks, i));
    for (size_t i = 0; rc == 0 && i < json_array_size(answers->work); i++)
        rc = work_add(&m, json_array_get(answers->work, i));
    for (size_t i = 0; rc == 0 && i < json_array_size(answers->courses); i++)
        rc = course_add(&m, json_array_get(answers->courses, i));
    if (rc == 0)
        rc = tasks_sort(&m.tasks);
    if (rc == 0)
        rc = tasks_sort(&m.others);
    if (rc != 0) {
        json_decref(m.tasks);
        json_decref(m.others);
        return rc;
    }
    date_format(options->today, today);
    *ret = json_pack("{s:s, s:s, s:o, s:o}", "unit", options->unit, "asOf", today, "tasks", m.tasks, "others",
                     m.others);
    return *ret == NULL ? -ENOMEM : 0;
}

int
worklist_join(const json_t *list, worklist_pick_fn *of, const void *arg, json_t **ret)
{
    static const char *const parts[] = {"tasks", "others"};
    json_t *all = json_array(), *task;
    int rc = all == NULL ? -ENOMEM : 0;
    size_t i;

    for (size_t p = 0; p < 2; p++)
        json_array_foreach(json_object_get(list, parts[p]), i, task)
        {
            if (rc == 0 && of(task, arg) && json_array_append(all, task) != 0)
                rc = -ENOMEM;
        }
    if (rc == 0)
        rc = tasks_sort(&all);
    if (rc != 0)
        json_decref(all);
    else
        *ret = all;
    return rc;
}
