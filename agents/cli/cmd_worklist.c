/*
 * wici worklist: what this unit has to do next, and by when; wici deadlines: of that what has a deadline, and for an
 * office what its whole agency has. One list (agents/worklist.h), asked and worked out once.
 */
#include "agents/cli/cli.h"
#include "agents/deadline_files.h"
#include "agents/worklist.h"
#include "proto/date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPT_AS_OF = 512, OPT_HOLIDAYS, OPT_TASKS, OPT_CLOCKS };

/* ---- what both have in common */

/* The files that dates are counted with, and the day. */
struct counting {
    struct calendar calendar;
    struct deadline_settings settings;
    int32_t today;
};

static int
counting_read(const struct cli_args *args, struct counting *ret)
{
    const char *as_of = args_get(args, OPT_AS_OF);
    char error[OPTIONS_ERROR_MAX] = "";

    ret->today = date_of_moment((uint64_t)time(NULL) * 1000u);
    if (as_of != NULL && date_parse(as_of, &ret->today) != 0)
        usage_fail(_("--as-of: a date like 2026-03-01"));
    if (deadline_calendar_read(&ret->calendar, args_get(args, OPT_HOLIDAYS), error) == 0 &&
        deadline_settings_read(&ret->settings, args_get(args, OPT_CLOCKS), error) == 0)
        return CLI_OK;
    cli_warn("%s", error);
    return CLI_USAGE;
}

/* Asks, and puts the list together. */
static int
list_make(struct cli *cli, const struct counting *counting, const char *rules, json_t **ret)
{
    struct worklist_options make = {
        .rules = rules, .calendar = &counting->calendar, .settings = &counting->settings, .today = counting->today};
    struct worklist_answers answers;
    int rc = cli_connect(cli);

    if (rc != CLI_OK)
        return rc;
    rc = worklist_ask(cli_ask, cli, &answers);
    if (rc != 0)
        return cli_fail(cli, rc, "worklist");
    make.unit = jstr(cli->welcome, "unit");
    rc = worklist_make(&make, &answers, ret);
    worklist_answers_free(&answers);
    return rc == 0 ? CLI_OK : cli_fail(cli, rc, "worklist");
}

/* ---- wici worklist */

static void
tasks_print(const struct cli *cli, const char *title, const json_t *tasks, bool others)
{
    struct table *t = others ? table_create(6, _("due"), _("left"), _("what to do"), _("rule"), _("dossier"), _("unit"))
                             : table_create(6, _("due"), _("left"), _("what to do"), _("rule"), _("dossier"),
                                            _("closed by"));
    const json_t *task;
    size_t i;

    printf("%s (%zu)\n", title, json_array_size(tasks));
    json_array_foreach((json_t *)(uintptr_t)tasks, i, task)
    {
        char due[WORKLIST_LEFT_SIZE], left[WORKLIST_LEFT_SIZE], *closed = worklist_closed_by(task, cli->pl),
                                                                *what = worklist_title(task, NULL, cli->pl);

        worklist_due(task, cli->pl, due);
        worklist_left(task, cli->pl, left);
        table_row(t, due, left, what, jstr(task, "rule"), worklist_place(task), others ? jstr(task, "unit") : closed);
        free(closed);
        free(what);
    }
    table_print(t);
}

/* What is done by a command rather than by an event from the outbox. */
static void
commands_print(const json_t *tasks)
{
    const json_t *task;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)tasks, i, task)
    {
        if (strcmp(jstr(task, "kind"), "RECALL") == 0)
            printf(_("entered in error: wici confirm %s set-aside, or destroyed\n"), jstr(task, "event"));
        else if (strcmp(jstr(task, "kind"), "OUTSIDE") == 0)
            printf(_("to print: wici outside page %s --agency %s\n"), jstr(task, "event"), jstr(task, "for"));
    }
}

static int
list_print(struct cli *cli, json_t *list)
{
    const json_t *tasks = json_object_get(list, "tasks"), *others = json_object_get(list, "others");
    bool none = json_array_size(tasks) + json_array_size(others) == 0;

    if (cli->json) {
        (void)cli_print_json(list);
    } else {
        if (json_array_size(tasks) > 0)
            tasks_print(cli, _("To do"), tasks, false);
        commands_print(tasks);
        if (json_array_size(tasks) > 0 && json_array_size(others) > 0)
            puts("");
        if (json_array_size(others) > 0)
            tasks_print(cli, _("What others have to do"), others, true);
        json_decref(list);
    }
    return none ? cli_none(cli, _("Nothing is waiting.")) : CLI_OK;
}

int
cmd_worklist(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"as-of", OPT_AS_OF, N_("DATE"), 0, N_("as if it were that day"), 0},
        {"tasks", OPT_TASKS, N_("RULES"), 0, N_("only these deadlines are our own work, \"D1 D15\"; else all"), 0},
        {"holidays", OPT_HOLIDAYS, N_("FILE"), 0, N_("the holidays, else those that are installed"), 0},
        {"clocks", OPT_CLOCKS, N_("FILE"), 0, N_("the office's own lengths, as the deadline watcher has them"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Lists what this unit has to do next, by when, on which rule, and which event closes it: deadlines, and "
           "what "
           "it was asked to do elsewhere; then the deadlines that others in its dossiers have to keep. Exit code 5: "
           "nothing is waiting."),
        0, 0};
    struct counting counting = {.settings = {0}};
    struct cli_args args;
    json_t *list = NULL;
    const char *word, *rules;
    size_t len;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rules = args_has(&args, OPT_TASKS) ? args_get(&args, OPT_TASKS) : "";
    if (!worklist_rules_check(rules, &word, &len))
        usage_fail(_("--tasks: there is no deadline \"%.*s\""), (int)len, word);
    rc = counting_read(&args, &counting);
    if (rc == CLI_OK)
        rc = list_make(cli, &counting, rules, &list);
    if (rc == CLI_OK)
        rc = list_print(cli, list);
    deadline_settings_free(&counting.settings);
    return rc;
}

/* ---- wici deadlines */

struct wanted {
    const char *unit; /* NULL: of the whole agency */
    json_int_t days_max;
};

static bool
is_wanted(const json_t *task, const void *arg)
{
    const struct wanted *wanted = arg;
    bool dated = json_object_get(task, "daysLeft") != NULL;

    return (strcmp(jstr(task, "kind"), "DEADLINE") == 0 || strcmp(jstr(task, "kind"), "ROW") == 0) &&
           (wanted->unit == NULL || strcmp(jstr(task, "unit"), wanted->unit) == 0) &&
           (dated ? json_integer_value(json_object_get(task, "daysLeft")) <= wanted->days_max
                  : wanted->days_max == INT32_MAX);
}

static const char *
told_word(const char *told)
{
    return strcmp(told, "missed") == 0 ? _("missed") : told[0] != '\0' ? _("reminded") : "";
}

static void
deadlines_print(const struct cli *cli, const json_t *all)
{
    struct table *t = table_create(6, _("due"), _("left"), _("deadline"), _("dossier"), _("unit"), _("told"));
    const json_t *task;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)all, i, task)
    {
        char due[WORKLIST_LEFT_SIZE], left[WORKLIST_LEFT_SIZE], label[240], *what = worklist_title(task, NULL, cli->pl);

        worklist_due(task, cli->pl, due);
        worklist_left(task, cli->pl, left);
        (void)snprintf(label, sizeof label, "%s%s%s", jstr(task, "rule"), jstr(task, "rule")[0] != '\0' ? " " : "",
                       what != NULL ? what : "");
        table_row(t, due, left, label, worklist_place(task), jstr(task, "unit"), told_word(jstr(task, "told")));
        free(what);
    }
    table_print(t);
}

int
cmd_deadlines(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"agency", 'a', NULL, 0, N_("of the whole agency: for its directors and heads"), 0},
        {"within", 'w', N_("DAYS"), 0, N_("only what is due by then; 0: today, and what is over"), 0},
        {"as-of", OPT_AS_OF, N_("DATE"), 0, N_("as if it were that day"), 0},
        {"holidays", OPT_HOLIDAYS, N_("FILE"), 0, N_("the holidays, else those that are installed"), 0},
        {"clocks", OPT_CLOCKS, N_("FILE"), 0, N_("the office's own lengths, as the deadline watcher has them"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Tells what is due in the dossiers that this unit holds or has to answer, and of what it was asked, the "
           "nearest first. What the deadline watcher told of is shown as told; the rest is worked out here. Exit code "
           "5: nothing is due."),
        0, 0};
    struct counting counting = {.settings = {0}};
    struct wanted wanted = {.days_max = INT32_MAX};
    struct cli_args args;
    json_t *list = NULL, *all = NULL;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (args_has(&args, 'w'))
        wanted.days_max = (json_int_t)args_number(&args, 'w', 0, 0);
    rc = counting_read(&args, &counting);
    if (rc == CLI_OK)
        rc = list_make(cli, &counting, "", &list);
    if (rc == CLI_OK) {
        wanted.unit = args_has(&args, 'a') ? NULL : jstr(cli->welcome, "unit");
        if (worklist_join(list, is_wanted, &wanted, &all) != 0)
            rc = CLI_FAILED;
    }
    if (rc == CLI_OK && cli->json)
        rc = cli_print_json(json_incref(all));
    else if (rc == CLI_OK && json_array_size(all) > 0)
        deadlines_print(cli, all);
    if (rc == CLI_OK && json_array_size(all) == 0)
        rc = cli_none(cli, _("Nothing is due."));
    deadline_settings_free(&counting.settings);
    json_decref(list);
    json_decref(all);
    return rc;
}
