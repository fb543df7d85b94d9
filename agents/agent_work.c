/*
 * agent_work - see agent_work.h
 */
#include "agents/agent_work.h"
#include "agents/worklist.h"

#include "proto/types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
agent_work_open(struct agent_work *work, char error[OPTIONS_ERROR_MAX])
{
    const char *path = work->config->holidays[0] != '\0' ? work->config->holidays : NULL;
    const char *shown = path != NULL ? path : "holidays.pl";
    unsigned line = 0;
    int rc = calendar_load(&work->calendar, path, &line);

    if (rc == -EINVAL)
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%s:%u: not a holiday", shown, line);
    else if (rc != 0)
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%s: %s", shown, strerror(-rc));
    return rc;
}

/* Notes the page of the event that a task began with, where inbox still has it. */
static void
file_note(const struct agent_work *w, const json_t *task, json_t *files)
{
    json_int_t seq = json_integer_value(json_object_get(task, "seq"));
    enum clock_id clock = clock_by_name(json_string_value(json_object_get(task, "rule")));
    const struct clock_event *event;
    char key[24], name[80];

    (void)snprintf(key, sizeof key, "%lld", (long long)seq);
    for (size_t i = 0; (event = clock_event_at(i)) != NULL; i++) {
        const struct type_info *type = type_by_number(event->type);

        if (type == NULL || (clock != CLOCK_NONE && event->clock != clock))
            continue;
        (void)snprintf(name, sizeof name, "inbox/%012lld-%s.html", (long long)seq, type->family);
        if (agent_exists(w->dirs->inbox, name + strlen("inbox/"))) {
            (void)json_object_set_new(files, key, json_string(name));
            return;
        }
    }
}

static json_t *
files_of(const struct agent_work *w, const json_t *list)
{
    static const char *const parts[] = {"tasks", "others"};
    json_t *files = json_object(), *task;
    size_t i;

    for (size_t p = 0; files != NULL && p < 2; p++)
        json_array_foreach(json_object_get(list, parts[p]), i, task) file_note(w, task, files);
    return files;
}

static int
list_write(const struct agent_work *w, const json_t *list)
{
    const struct agent_role *role = &w->config->role;
    struct page_options options = {
        .header = role->page_header, .footer = role->page_footer, .names = *w->names, .polish = role->polish};
    json_t *files = files_of(w, list);
    char *page = NULL, *text = json_dumps(list, JSON_INDENT(2));
    int rc = text == NULL || files == NULL ? -ENOMEM : worklist_page(list, files, &options, &page);

    if (rc == 0)
        rc = agent_stage(w->dirs->top, "worklist.html", page, strlen(page));
    if (rc == 0)
        rc = agent_write(w->dirs->top, "worklist.json", text, strlen(text));
    json_decref(files);
    free(page);
    free(text);
    return rc;
}

static int
list_make(struct agent_work *w, int32_t today)
{
    struct worklist_options options = {
        .unit = w->who->unit, .rules = w->config->role.tasks, .calendar = &w->calendar, .today = today};
    json_t *clocks = NULL, *courses = NULL, *list = NULL;
    int rc = worklist_ask(w->link->query, w->link->arg, &clocks, &courses);

    if (rc == -EPROTO || rc == -EBADMSG) {
        if (!w->refused)
            agent_log(AGENT_WARN, "no work list: the broker does not answer the question");
        w->refused = true;
        return 0;
    }
    if (rc != 0)
        return 0; /* no connection: the next round asks again */
    rc = worklist_make(&options, clocks, courses, &list);
    if (rc == 0)
        rc = list_write(w, list);
    json_decref(list);
    json_decref(courses);
    json_decref(clocks);
    return rc == -EBADMSG ? 0 : rc;
}

int
agent_work_run(struct agent_work *work, uint64_t now_ms, int32_t today, uint64_t filed)
{
    uint64_t waited = now_ms - work->asked_ms;
    bool news = filed != work->filed || today != work->day;

    if (work->asked_ms != 0 && waited < (news ? WORK_PAUSE_S : WORK_ROUND_S) * 1000u)
        return 0;
    work->asked_ms = now_ms;
    work->day = today;
    work->filed = filed;
    return list_make(work, today);
}
