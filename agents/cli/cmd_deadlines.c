/* wici deadlines: what is due, and by when, in what this unit holds; for an office, in what its agency holds */
#include "agents/cli/cli.h"
#include "agents/clerk.h"
#include "agents/clerk_config.h"
#include "proto/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPT_HOLIDAYS = 400, OPT_CLOCKS };

struct reckoning {
    struct calendar calendar;
    struct deadline_settings settings;
    int32_t today;
    bool agency;      /* of the whole agency, not of this unit alone */
    int32_t days_max; /* due by then; INT32_MAX: all */
};

static int32_t
today(void)
{
    return date_of_moment((uint64_t)time(NULL) * 1000u);
}

/* "in 3 days", "today", "5 days ago" */
static const char *
distance(int32_t days, char ret[64])
{
    long n = days < 0 ? -(long)days : days;

    if (days == 0)
        (void)snprintf(ret, 64, "%s", _("today"));
    else if (days > 0)
        (void)snprintf(ret, 64, ngettext("in %ld day", "in %ld days", (unsigned long)n), n);
    else
        (void)snprintf(ret, 64, ngettext("%ld day ago", "%ld days ago", (unsigned long)n), n);
    return ret;
}

static const char *
said_of(const struct clerk_clock *clock)
{
    return clock->told_missed ? _("missed") : clock->told_approaching || clock->told_last ? _("reminded") : "";
}

/* What was told of a term stands; what was not told yet is worked out here, by the same files as the watcher's. */
static bool
reckon(const struct cli *cli, const struct reckoning *r, json_t *json, json_t *all)
{
    const char *own = jstr(cli->welcome, "unit"), *told = jstr(json, "due");
    char *text = json_dumps(json, JSON_COMPACT), due[DATE_TEXT_SIZE];
    struct clerk_clock clock;
    struct deadline_plan plan;
    bool known = text != NULL && clerk_clock_read(text, &clock) == 0;
    int32_t day;

    free(text);
    if (!known)
        return false;
    deadline_plan(&r->settings, &r->calendar,
                  &(struct deadline){.clock = clock.clock,
                                     .agency = clock.agency,
                                     .started = clock.started,
                                     .named = clock.named,
                                     .urgent = clock.urgent},
                  &plan);
    if (date_parse(told, &day) != 0)
        day = plan.due;
    if ((!plan.on && told[0] == '\0') || (!r->agency && strcmp(own, clock.holder) != 0) || day - r->today > r->days_max)
        return true;
    date_format(day, due);
    json_object_set_new(json, "due", json_string(due));
    json_object_set_new(json, "daysLeft", json_integer(day - r->today));
    json_object_set_new(json, "label",
                        json_string(cli->pl ? clock_info(clock.clock)->pl : clock_info(clock.clock)->en));
    json_object_set_new(json, "told", json_string(said_of(&clock)));
    json_array_append(all, json);
    return true;
}

static int
ask(struct cli *cli, const struct reckoning *r, json_t *all)
{
    json_int_t seq = 0, mark = 0;

    do {
        json_t *result = NULL, *answer, *clock;
        size_t i;
        int rc = cli_query(cli, json_pack("{s:{s:I, s:I}}", "clocks", "fromSeq", seq, "fromMark", mark), &result);

        if (rc != CLI_OK)
            return rc;
        answer = json_object_get(result, "clocks");
        json_array_foreach(json_object_get(answer, "clocks"), i, clock)
        {
            if (!reckon(cli, r, clock, all))
                cli_warn(_("the broker told of a deadline that this program does not know; update it"));
        }
        seq = (json_int_t)jnum(answer, "nextSeq");
        mark = (json_int_t)jnum(answer, "nextMark");
        json_decref(result);
    } while (seq != 0);
    return CLI_OK;
}

static int
by_due(const void *a, const void *b)
{
    const json_t *const *one = a, *const *two = b;
    int order = strcmp(jstr(*one, "due"), jstr(*two, "due"));

    if (order == 0)
        order = strcmp(jstr(*one, "dossier"), jstr(*two, "dossier"));
    return order != 0 ? order : strcmp(jstr(*one, "clock"), jstr(*two, "clock"));
}

/* A new array with the same elements, in the order of their days; NULL: no memory. */
static json_t *
sorted(const json_t *all)
{
    size_t count = json_array_size(all);
    json_t **list = calloc(count + 1, sizeof *list), *ret = json_array();

    for (size_t i = 0; i < count && list != NULL; i++)
        list[i] = json_array_get(all, i);
    if (list != NULL && count > 0)
        qsort(list, count, sizeof *list, by_due);
    for (size_t i = 0; i < count && list != NULL; i++)
        json_array_append(ret, list[i]);
    if (list == NULL) {
        json_decref(ret);
        ret = NULL;
    }
    free(list);
    return ret;
}

static void
print(const json_t *all)
{
    struct table *t = table_create(6, _("due"), "", _("deadline"), _("dossier"), _("holder"), _("told"));
    const json_t *clock;
    size_t i;

    json_array_foreach(all, i, clock)
    {
        char left[64], label[200];

        (void)snprintf(label, sizeof label, "%s %s", jstr(clock, "clock"), jstr(clock, "label"));
        table_row(t, jstr(clock, "due"),
                  distance((int32_t)json_integer_value(json_object_get(clock, "daysLeft")), left), label,
                  jstr(clock, "dossier"), jstr(clock, "holder"), jstr(clock, "told"));
    }
    table_print(t);
}

int
cmd_deadlines(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"agency", 'a', NULL, 0, N_("of the whole agency: for its directors and heads"), 0},
        {"within", 'w', N_("DAYS"), 0, N_("only what is due by then; 0: today, and what is over"), 0},
        {"holidays", OPT_HOLIDAYS, N_("FILE"), 0, N_("the holidays, else those that are installed"), 0},
        {"clocks", OPT_CLOCKS, N_("FILE"), 0, N_("the office's own lengths, as the deadline watcher has them"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Tells what is due in the dossiers that this unit holds or has to answer, the nearest first. What the "
           "deadline watcher told of is shown as told; the rest is worked out here. Exit code 5: nothing is due."),
        0, 0};
    struct cli_args args;
    struct reckoning r = {.today = today(), .days_max = INT32_MAX};
    char error[OPTIONS_ERROR_MAX] = "";
    json_t *all = json_array(), *list = NULL;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    r.agency = args_has(&args, 'a');
    if (args_has(&args, 'w'))
        r.days_max = (int32_t)args_number(&args, 'w', 0, 0);
    if (clerk_calendar_read(&r.calendar, args_get(&args, OPT_HOLIDAYS), error) != 0 ||
        clerk_settings_read(&r.settings, args_get(&args, OPT_CLOCKS), error) != 0) {
        cli_warn("%s", error);
        json_decref(all);
        return CLI_USAGE;
    }
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = ask(cli, &r, all);
    if (rc == CLI_OK && (list = sorted(all)) == NULL)
        rc = CLI_FAILED;
    if (rc == CLI_OK && cli->json)
        rc = cli_print_json(json_incref(list));
    else if (rc == CLI_OK && json_array_size(list) > 0)
        print(list);
    if (rc == CLI_OK && json_array_size(list) == 0)
        rc = CLI_NOT_FOUND;
    deadline_settings_free(&r.settings);
    json_decref(list);
    json_decref(all);
    return rc;
}
