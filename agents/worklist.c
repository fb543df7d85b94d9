/*
 * worklist - see worklist.h
 */
#include "agents/worklist.h"
#include "agents/deadlines.h"
#include "agents/words.h"

#include "proto/date.h"
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

/* ---- tasks */

/* When it is due: as the watcher told, or worked out by the table. False: the answer is no good. */
static bool
due_of(const struct worklist_options *o, const json_t *clock, enum clock_id id, int32_t *ret)
{
    const char *due = member_text(clock, "due");
    struct deadline deadline = {.clock = id,
                                .agency = member_text(clock, "agency"),
                                .named = DEADLINE_DAY_NONE,
                                .urgent = json_is_true(json_object_get(clock, "urgent"))};
    struct deadline_plan plan;

    if (due[0] != '\0')
        return date_parse(due, ret) == 0;
    if (date_parse(member_text(clock, "startedOn"), &deadline.started) != 0 || clock_info(id)->basis != CLOCK_TERM)
        return false;
    deadline_plan(NULL, o->calendar, &deadline, &plan);
    *ret = plan.due;
    return true;
}

/* Names of the types of events that meet a clock. */
static json_t *
closing_events(enum clock_id id)
{
    json_t *names = json_array();
    const struct clock_event *event;

    for (size_t i = 0; (event = clock_event_at(i)) != NULL; i++) {
        const struct type_info *type = type_by_number(event->type);

        if (event->clock == id && event->deed == CLOCK_MEETS && type != NULL)
            (void)json_array_append_new(names, json_string(type->name));
    }
    return names;
}

static int
task_add(json_t *list, json_t *task, const struct worklist_options *o, int32_t due)
{
    char date[DATE_TEXT_SIZE];

    if (task == NULL)
        return -ENOMEM;
    date_format(due, date);
    if (json_object_set_new(task, "due", json_string(date)) != 0 ||
        json_object_set_new(task, "daysLeft", json_integer((json_int_t)due - o->today)) != 0 ||
        json_array_append_new(list, task) != 0)
        return -ENOMEM;
    return 0;
}

static int
clock_add(const struct worklist_options *o, const json_t *clock, json_t *tasks, json_t *others)
{
    enum clock_id id = clock_by_name(member_text(clock, "clock"));
    const struct clock_info *info;
    bool ours;
    int32_t due;
    json_t *task;

    if (id == CLOCK_NONE)
        return 0; /* a newer broker's clock: nothing is known of it here */
    info = clock_info(id);
    if (!due_of(o, clock, id, &due))
        return -EBADMSG;
    ours = strcmp(member_text(clock, "holder"), o->unit) == 0 && rules_have(o->rules, info->id);
    task = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "rule", info->id, "pl", info->pl, "en",
                     info->en, "force", clock_force_name(info->force), "source", info->source, "dossier",
                     member_text(clock, "dossier"), "seq", member_number(clock, "startSeq"), "since",
                     member_text(clock, "startedOn"), "unit", member_text(clock, "holder"), "closedBy",
                     closing_events(id));
    return task_add(ours ? tasks : others, task, o, due);
}

/* What the answer to a referral promised as the next action of this unit. */
static int
course_add(const struct worklist_options *o, const json_t *course, json_t *tasks)
{
    int32_t due;

    if (strcmp(member_text(course, "nextUnit"), o->unit) != 0 || member_text(course, "nextDue")[0] == '\0')
        return 0;
    if (date_parse(member_text(course, "nextDue"), &due) != 0)
        return -EBADMSG;
    return task_add(tasks,
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:[s,s]}", "rule", "", "pl",
                              "następny krok zapowiedziany w odpowiedzi na zgłoszenie", "en",
                              "next step that the answer to the referral announced", "force", "", "source", "",
                              "dossier", member_text(course, "dossier"), "seq", member_number(course, "openedSeq"),
                              "since", "", "unit", o->unit, "closedBy", "referral.answered", "referral.completed"),
                    o, due);
}

/* By due date; then by the order in which they began, so that a list does not jump about. */
static int
task_compare(const void *a, const void *b)
{
    const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
    json_int_t days = days_left(x) - days_left(y),
               seq = (json_int_t)member_number(x, "seq") - (json_int_t)member_number(y, "seq");

    if (days != 0)
        return days < 0 ? -1 : 1;
    if (seq != 0)
        return seq < 0 ? -1 : 1;
    return strcmp(member_text(x, "rule"), member_text(y, "rule"));
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
worklist_make(const struct worklist_options *options, const json_t *clocks, const json_t *courses, json_t **ret)
{
    json_t *tasks = json_array(), *others = json_array();
    int rc = tasks == NULL || others == NULL ? -ENOMEM : 0;
    char today[DATE_TEXT_SIZE];

    assert(options != NULL && options->unit != NULL && options->calendar != NULL && ret != NULL);

    for (size_t i = 0; rc == 0 && i < json_array_size(clocks); i++)
        rc = clock_add(options, json_array_get(clocks, i), tasks, others);
    for (size_t i = 0; rc == 0 && i < json_array_size(courses); i++)
        rc = course_add(options, json_array_get(courses, i), tasks);
    if (rc == 0)
        rc = tasks_sort(&tasks);
    if (rc == 0)
        rc = tasks_sort(&others);
    if (rc != 0) {
        json_decref(tasks);
        json_decref(others);
        return rc;
    }
    date_format(options->today, today);
    *ret = json_pack("{s:s, s:s, s:o, s:o}", "unit", options->unit, "asOf", today, "tasks", tasks, "others", others);
    return *ret == NULL ? -ENOMEM : 0;
}

/* ---- as people read them */

void
worklist_left(const json_t *task, bool polish, char ret[WORKLIST_LEFT_SIZE])
{
    json_int_t left = days_left(task), days = left < 0 ? -left : left;
    const char *word = polish ? (days == 1 ? "dzień" : "dni") : (days == 1 ? "day" : "days");

    if (left == 0)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "dziś" : "today");
    else if (left == 1)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "jutro" : "tomorrow");
    else if (left > 0)
        snprintf(ret, WORKLIST_LEFT_SIZE, polish ? "za %lld %s" : "in %lld %s", (long long)days, word);
    else
        snprintf(ret, WORKLIST_LEFT_SIZE, polish ? "%lld %s po terminie" : "%lld %s late", (long long)days, word);
}

const char *
worklist_title(const json_t *task, bool polish)
{
    return member_text(task, polish ? "pl" : "en");
}

static const char *
type_text(const char *name, bool polish)
{
    const struct type_info *type = type_by_name(name);

    return type == NULL ? name : polish ? type->pl : type->en;
}

char *
worklist_closed_by(const json_t *task, bool polish)
{
    char *text = NULL;
    size_t len = 0, i;
    FILE *out = open_memstream(&text, &len);
    const json_t *name;

    if (out == NULL)
        return NULL;
    json_array_foreach(json_object_get(task, "closedBy"), i, name)
    {
        if (i > 0)
            fputs(" / ", out);
        fputs(type_text(json_string_value(name), polish), out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the page */

struct sheet {
    FILE *out;
    const struct page_options *o;
    const json_t *files;
};

static const char *
say(const struct sheet *s, const char *pl, const char *en)
{
    return s->o->polish ? pl : en;
}

/* The dossier's first characters, as a link to the page of the event that began it where that is still in inbox. */
static void
put_dossier(const struct sheet *s, const json_t *task)
{
    char seq[24];
    const char *file;

    snprintf(seq, sizeof seq, "%lld", (long long)member_number(task, "seq"));
    file = s->files == NULL ? NULL : json_string_value(json_object_get(s->files, seq));
    if (file != NULL) {
        fputs("<a href=\"", s->out);
        html_text(s->out, file);
        fputs("\">", s->out);
    }
    html_text(s->out, member_text(task, "dossier"));
    if (file != NULL)
        fputs("</a>", s->out);
    html_exact(s->out, seq);
}

static int
put_task(const struct sheet *s, const json_t *task, bool others)
{
    char left[WORKLIST_LEFT_SIZE], due[WORDS_TEXT_SIZE], since[WORDS_TEXT_SIZE], *closed;

    closed = worklist_closed_by(task, s->o->polish);
    if (closed == NULL)
        return -ENOMEM;
    worklist_left(task, s->o->polish, left);
    words_date(member_text(task, "due"), s->o->polish, due);
    words_date(member_text(task, "since"), s->o->polish, since);
    fputs("<tr><td>", s->out);
    html_text(s->out, due);
    fputs(days_left(task) < 0 ? "<br><b>" : "<br>", s->out);
    html_text(s->out, left);
    fputs(days_left(task) < 0 ? "</b></td><td>" : "</td><td>", s->out);
    html_text(s->out, worklist_title(task, s->o->polish));
    html_exact(s->out, member_text(task, "rule"));
    if (member_text(task, "source")[0] != '\0') {
        fputs("<br><span class=\"small\">", s->out);
        html_text(s->out, member_text(task, "source"));
        fputs("</span>", s->out);
    }
    if (others) {
        fputs("<br>", s->out);
        html_named(s->out, s->o, member_text(task, "unit"));
    }
    fputs("</td><td>", s->out);
    put_dossier(s, task);
    fputs("</td><td>", s->out);
    html_text(s->out, since);
    fputs("</td><td>", s->out);
    html_text(s->out, closed);
    fputs("</td></tr>\n", s->out);
    free(closed);
    return 0;
}

static int
put_tasks(const struct sheet *s, const char *title, const json_t *tasks, bool others)
{
    size_t i;
    const json_t *task;
    int rc = 0;

    fputs("<h2>", s->out);
    html_text(s->out, title);
    fprintf(s->out, " (%zu)</h2>\n", json_array_size(tasks));
    if (json_array_size(tasks) == 0) {
        html_small(s->out, say(s, "Nic nie czeka.", "Nothing is waiting."));
        return 0;
    }
    fprintf(s->out, "<table class=\"list\"><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>\n",
            say(s, "termin", "due"), say(s, "co jest do zrobienia", "what to do"), say(s, "teczka", "dossier"),
            say(s, "biegnie od", "since"), say(s, "co to kończy", "closed by"));
    json_array_foreach((json_t *)(uintptr_t)tasks, i, task)
    {
        if (rc == 0)
            rc = put_task(s, task, others);
    }
    fputs("</table>\n", s->out);
    return rc;
}

int
worklist_page(const json_t *list, const json_t *files, const struct page_options *options, char **ret)
{
    struct sheet s = {.o = options, .files = files};
    const json_t *others = json_object_get(list, "others");
    char *text = NULL, date[WORDS_TEXT_SIZE], line[2 * WORDS_TEXT_SIZE];
    size_t len = 0;
    int rc;

    assert(options != NULL && ret != NULL);

    s.out = open_memstream(&text, &len);
    if (s.out == NULL)
        return -ENOMEM;
    words_date(member_text(list, "asOf"), options->polish, date);
    html_open(s.out, options, say(&s, "Lista zadań", "Work list"));
    snprintf(line, sizeof line, "%s %s", say(&s, "Stan na", "As of"), date);
    html_small(s.out, line);
    rc = put_tasks(&s, say(&s, "Do zrobienia", "To do"), json_object_get(list, "tasks"), false);
    if (rc == 0 && json_array_size(others) > 0)
        rc = put_tasks(&s, say(&s, "Terminy, których pilnuje kto inny", "What others have to do"), others, true);
    html_small(s.out, say(&s,
                          "Długości terminów są ustawieniami instytucji i nie są poradą prawną. Zadanie znika, gdy "
                          "w dzienniku pojawi się zdarzenie, które je kończy.",
                          "Lengths of deadlines are settings of the institution, and no legal advice. A task goes "
                          "when the event that closes it is in the log."));
    html_close(s.out, options);
    if (fclose(s.out) != 0 && rc == 0)
        rc = -ENOMEM;
    if (rc != 0) {
        free(text);
        return rc;
    }
    *ret = text;
    return 0;
}
