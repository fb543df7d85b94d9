/* wici worklist: what this unit has to do next, and by when */
#include "agents/cli/cli.h"
#include "agents/words.h"
#include "agents/worklist.h"

#include "proto/date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPT_AS_OF = 512, OPT_HOLIDAYS, OPT_TASKS };

struct asking {
    struct cli *cli;
    int rc; /* exit code, said why */
};

static int
ask(void *arg, const char *request, char **ret)
{
    struct asking *asking = arg;
    json_t *result = NULL;

    asking->rc = cli_query(asking->cli, json_loads(request, 0, NULL), &result);
    if (asking->rc != CLI_OK)
        return -EPROTO;
    *ret = json_dumps(result, JSON_COMPACT);
    json_decref(result);
    return *ret == NULL ? -ENOMEM : 0;
}

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
        char due[WORDS_TEXT_SIZE], left[WORKLIST_LEFT_SIZE], *closed = worklist_closed_by(task, cli->pl);

        words_date(jstr(task, "due"), cli->pl, due);
        worklist_left(task, cli->pl, left);
        table_row(t, due, left, worklist_title(task, cli->pl), jstr(task, "rule"), jstr(task, "dossier"),
                  others ? jstr(task, "unit") : closed);
        free(closed);
    }
    table_print(t);
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
        if (json_array_size(tasks) > 0 && json_array_size(others) > 0)
            puts("");
        if (json_array_size(others) > 0)
            tasks_print(cli, _("What others have to do"), others, true);
        json_decref(list);
    }
    return none ? CLI_NOT_FOUND : CLI_OK;
}

/* The holidays and the day; exits or says why when they are no good. */
static int
options_read(const struct cli_args *args, struct calendar *ret, int32_t *ret_day)
{
    const char *as_of = args_get(args, OPT_AS_OF), *path = args_get(args, OPT_HOLIDAYS);
    unsigned line = 0;
    int rc = calendar_load(ret, path, &line);

    *ret_day = date_of_moment((uint64_t)time(NULL) * 1000u);
    if (as_of != NULL && date_parse(as_of, ret_day) != 0)
        usage_fail(_("--as-of: a date like 2026-03-01"));
    if (rc == -EINVAL)
        cli_warn(_("%s: line %u is no holiday"), path != NULL ? path : "holidays.pl", line);
    else if (rc != 0)
        cli_warn("%s: %s", path != NULL ? path : "holidays.pl", strerror(-rc));
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

int
cmd_worklist(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"as-of", OPT_AS_OF, N_("DATE"), 0, N_("as if it were that day"), 0},
        {"tasks", OPT_TASKS, N_("RULES"), 0, N_("only these deadlines are our own work, \"D1 D15\"; else all"), 0},
        {"holidays", OPT_HOLIDAYS, N_("FILE"), 0, N_("another file of holidays"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Lists what this unit has to do next, by when, on which rule, and which event closes it; then the deadlines "
           "that others in its dossiers have to keep. Exit code 5: nothing is waiting."),
        0, 0};
    struct worklist_options make = {.rules = ""};
    struct asking asking = {.cli = cli};
    struct cli_args args;
    struct calendar calendar;
    json_t *clocks = NULL, *courses = NULL, *list = NULL;
    const char *word;
    size_t len;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (args_has(&args, OPT_TASKS))
        make.rules = args_get(&args, OPT_TASKS);
    if (!worklist_rules_check(make.rules, &word, &len))
        usage_fail(_("--tasks: there is no deadline \"%.*s\""), (int)len, word);
    rc = options_read(&args, &calendar, &make.today);
    if (rc == CLI_OK)
        rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    if (worklist_ask(ask, &asking, &clocks, &courses) != 0)
        return asking.rc != CLI_OK ? asking.rc : CLI_FAILED;
    make.unit = jstr(cli->welcome, "unit");
    make.calendar = &calendar;
    rc = worklist_make(&make, clocks, courses, &list);
    rc = rc == 0 ? list_print(cli, list) : cli_fail(cli, rc, "worklist");
    json_decref(clocks);
    json_decref(courses);
    return rc;
}
