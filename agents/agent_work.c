/*
 * agent_work - see agent_work.h
 */
#include "agents/agent_work.h"
#include "agents/deadline_files.h"
#include "agents/worklist.h"

#include "proto/types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
agent_work_open(struct agent_work *work, char error[OPTIONS_ERROR_MAX])
{
    int rc = deadline_calendar_read(&work->calendar, work->config->holidays, error);

    return rc == 0 ? deadline_settings_read(&work->settings, work->config->clocks, error) : rc;
}

void
agent_work_close(struct agent_work *work)
{
    deadline_settings_free(&work->settings);
}

/* Notes the page of the event that a task began with, where inbox still has it. */
static void
file_note(const struct agent_work *w, const json_t *task, json_t *files)
{
    json_int_t seq = json_integer_value(json_object_get(task, "seq"));
    const char *family = "";
    char key[24], name[80];

    (void)snprintf(key, sizeof key, "%lld", (long long)seq);
    for (size_t i = 0; type_at(i) != NULL; i++) {
        if (strcmp(type_at(i)->family, family) == 0)
            continue; /* types of a family stand together */
        family = type_at(i)->family;
        (void)snprintf(name, sizeof name, "inbox/%012lld-%s.html", (long long)seq, family);
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
    struct worklist_options options = {.unit = w->who->unit,
                                       .rules = w->config->role.tasks,
                                       .calendar = &w->calendar,
                                       .settings = &w->settings,
                                       .today = today};
    struct worklist_answers answers = {0};
    json_t *list = NULL;
    int rc = worklist_ask(w->link->query, w->link->arg, &answers);

    if (rc == -EPROTO || rc == -EBADMSG) { /* -ESTALE: somebody erases without a pause; the next round asks again */
        if (!w->refused)
            agent_log(AGENT_WARN, "no work list: the broker does not answer the question");
        w->refused = true;
        return 0;
    }
    if (rc != 0)
        return 0; /* no connection: the next round asks again */
    rc = worklist_make(&options, &answers, &list);
    if (rc == 0)
        rc = list_write(w, list);
    json_decref(list);
    worklist_answers_free(&answers);
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
