/* wici report: the statistics of a period, from what this unit may read */
#include "agents/cli/cli.h"
#include "agents/report.h"
#include "agents/words.h"

#include "proto/date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPT_CSV = 520, OPT_EXCEL, OPT_PAGE, OPT_ART46, OPT_PRESENT, OPT_ON };

struct counting {
    struct cli *cli;
    struct report *report;
};

static int
on_event(void *arg, const struct wici_event *event)
{
    struct counting *c = arg;
    json_t *json;
    int rc = event_json(event, &json);

    if (rc != 0)
        return rc;
    rc = report_add(c->report, json);
    json_decref(json);
    return rc;
}

static int
read_all(struct counting *c)
{
    int rc = wici_read(c->cli->w, "{}", c->cli->timeout_ms, on_event, c);

    if (rc == -E2BIG) {
        cli_warn(_("more than %u events count: a report of so many is not made"), REPORT_EVENTS_MAX);
        return CLI_FAILED;
    }
    return rc == 0 ? CLI_OK : cli_fail(c->cli, rc, "wici");
}

static void
rows_csv(const struct cli *cli, const json_t *rows)
{
    const json_t *row;
    size_t i;

    csv_row(6, "measure", cli->pl ? "nazwa" : "name", "detail", "unit", "gmina", "count");
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
        csv_row(6, jstr(row, "measure"), jstr(row, cli->pl ? "pl" : "en"), jstr(row, "detail"), jstr(row, "unit"),
                jstr(row, "gmina"), jstr(row, "count"));
}

/* As people read it: a count, or why there is none. */
static void
rows_office(const struct cli *cli, const json_t *rows)
{
    const json_t *row;
    size_t i;

    csv_office_begin();
    csv_office_row(cli, 5, _("what"), _("detail"), _("unit"), _("municipality"), _("count"));
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        char detail[REPORT_DETAIL_SIZE], count[REPORT_COUNT_SIZE];

        report_detail(row, cli->pl, detail);
        report_count(row, cli->pl, count);
        csv_office_row(cli, 5, jstr(row, cli->pl ? "pl" : "en"), detail, jstr(row, "unit"), jstr(row, "gmina"), count);
    }
}

static void
rows_print(const struct cli *cli, const json_t *rows, const struct cli_args *args, bool art46)
{
    struct table *t = table_create(5, _("what"), _("detail"), _("unit"), _("municipality"), _("count"));
    char since[WORDS_TEXT_SIZE], until[WORDS_TEXT_SIZE];
    const json_t *row;
    size_t i;

    words_date(args_get(args, 's'), cli->pl, since);
    words_date(args_get(args, 'U'), cli->pl, until);
    puts(report_title(art46, cli->pl));
    printf(_("from %s to %s, of all that the unit %s may read\n\n"), since, until, jstr(cli->welcome, "unit"));
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        char detail[REPORT_DETAIL_SIZE], count[REPORT_COUNT_SIZE];

        report_detail(row, cli->pl, detail);
        report_count(row, cli->pl, count);
        table_row(t, jstr(row, cli->pl ? "pl" : "en"), detail, jstr(row, "unit"), jstr(row, "gmina"), count);
    }
    table_print(t);
}

static int
rows_page(struct cli *cli, const json_t *rows, const struct cli_args *args, bool art46)
{
    const struct report_head head = {
        .unit = jstr(cli->welcome, "unit"), .since = args_get(args, 's'), .until = args_get(args, 'U'), .art46 = art46};
    json_t *directory = NULL, *names;
    struct page_options options = {.polish = cli->pl};
    char *html = NULL;
    int rc = cli_directory(cli, &directory);

    if (rc != CLI_OK)
        return rc;
    options.names = names = directory_names(directory);
    rc = report_page(rows, &head, &options, &html);
    if (rc == 0)
        fputs(html, stdout);
    free(html);
    json_decref(names);
    json_decref(directory);
    return rc == 0 ? CLI_OK : cli_fail(cli, rc, "report");
}

/* Whether this unit can count what S4 alone says. */
static int
path_ask(struct cli *cli, struct report *report)
{
    json_t *result = NULL;
    int rc = cli_query(cli, json_pack("{s:{}}", "policy"), &result);

    if (rc == CLI_OK &&
        !report_sees_path(jstr(json_object_get(result, "policy"), "text"), json_object_get(cli->welcome, "roles")))
        report_hide_path(report);
    json_decref(result);
    return rc;
}

static void
period_read(const struct cli_args *args, int32_t *ret_since, int32_t *ret_until)
{
    const char *since = args_get(args, 's'), *until = args_get(args, 'U');

    if (since == NULL || until == NULL)
        usage_fail(_("which period? --since DATE --until DATE"));
    if (date_parse(since, ret_since) != 0 || date_parse(until, ret_until) != 0)
        usage_fail(_("a period is given by two dates like 2026-03-01"));
    if (*ret_since > *ret_until)
        usage_fail(_("the period ends before it begins"));
}

/* ---- the half-yearly summary */

static bool
has_role(const json_t *unit, const char *role)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(unit, "roles"), i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), role) == 0)
            return true;
    }
    return false;
}

/* To whom it is presented: the directors and the organisers of the local community of our agency. *ret: an exit code.
 */
static json_t *
units_find(struct cli *cli, int *ret)
{
    const char *agency = jstr(cli->welcome, "agency");
    json_t *directory = NULL, *units = json_array();
    bool director = false, organiser = false;
    const json_t *unit;
    size_t i;

    *ret = cli_directory(cli, &directory);
    json_array_foreach(json_object_get(directory, "units"), i, unit)
    {
        if (strcmp(jstr(unit, "agency"), agency) != 0 || (!has_role(unit, "DIR") && !has_role(unit, "OSL")))
            continue;
        (void)json_array_append_new(units, json_string(jstr(unit, "id")));
        director = director || has_role(unit, "DIR");
        organiser = organiser || has_role(unit, "OSL");
    }
    json_decref(directory);
    if (*ret == CLI_OK && json_array_size(units) == 0) {
        cli_warn(_("this institution has no unit of a director or of an organiser of the local community"));
        *ret = CLI_FAILED;
    } else if (*ret == CLI_OK && (!director || !organiser)) {
        cli_warn("%s", director ? _("this institution has no unit of an organiser of the local community: present the "
                                    "summary to that organiser outside Wici, too (CUS art. 46)")
                                : _("this institution has no unit of a director: present the summary to the director "
                                    "outside Wici, too (CUS art. 46)"));
    }
    return units;
}

/* Records that the summary of the period was presented; that is what its deadline waits for. */
static int
present(struct cli *cli, const struct cli_args *args)
{
    const char *role = cli_role(cli, "OUS"), *on = args_get(args, OPT_ON);
    char today[DATE_TEXT_SIZE];
    json_t *units;
    int rc;

    if (role == NULL)
        return CLI_USAGE;
    units = units_find(cli, &rc);
    if (rc != CLI_OK) {
        json_decref(units);
        return rc;
    }
    cli_today(today);
    return cli_command_event(cli, "sys.report_presented", NULL, role,
                             json_pack("{s:s, s:s, s:s, s:o, s:s}", "kind", "ART_46", "periodFrom", args_get(args, 's'),
                                       "periodTo", args_get(args, 'U'), "presentedTo", units, "presentedOn",
                                       on != NULL ? on : today));
}

int
cmd_report(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"since", 's', N_("DATE"), 0, N_("first day of the period"), 0},
        {"until", 'U', N_("DATE"), 0, N_("last day of the period"), 0},
        {"csv", OPT_CSV, NULL, 0, N_("print CSV"), 0},
        {"excel", OPT_EXCEL, NULL, 0, N_("print CSV that Excel opens by a double click, as people read it"), 0},
        {"page", OPT_PAGE, NULL, 0, N_("print a page (HTML), to keep or to put on paper"), 0},
        {"art46", OPT_ART46, NULL, 0, N_("only the half-yearly summary of the plans (CUS art. 46)"), 0},
        {"present", OPT_PRESENT, NULL, 0,
         N_("record that it was presented to our director and organiser of the local community; with --art46"), 0},
        {"on", OPT_ON, N_("DATE"), 0, N_("presented on; else today"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Counts for a period, from all that this unit may read: families with an assistant, \"Za życiem\" among "
           "them, "
           "plans of social services, meetings, opinions, referrals by source and outcome, deadlines kept and missed. "
           "Numbers by unit and municipality, never by person. With --art46 and --present the summary is recorded as "
           "presented, which its deadline (D8) waits for."),
        0, 0};
    struct counting c = {.cli = cli};
    struct cli_args args;
    json_t *rows = NULL;
    int32_t since, until;
    bool art46;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    period_read(&args, &since, &until);
    if ((args_has(&args, OPT_PRESENT) && !args_has(&args, OPT_ART46)) ||
        (args_has(&args, OPT_ON) && !args_has(&args, OPT_PRESENT)))
        usage_fail(_("--present goes with --art46, and --on with --present"));
    if (cli->json + args_has(&args, OPT_CSV) + args_has(&args, OPT_EXCEL) + args_has(&args, OPT_PAGE) > 1)
        usage_fail(_("only one of --csv, --excel, --page and --json"));
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    rc = report_create(&c.report, since, until);
    if (rc != 0)
        return cli_fail(cli, rc, "report");
    rc = path_ask(cli, c.report);
    if (rc == CLI_OK)
        rc = read_all(&c);
    art46 = args_has(&args, OPT_ART46);
    if (rc == CLI_OK && (art46 ? report_rows_art46 : report_rows)(c.report, &rows) != 0)
        rc = cli_fail(cli, -ENOMEM, "report");
    if (rc == CLI_OK && cli->json)
        rc = cli_print_json(json_incref(rows));
    else if (rc == CLI_OK && args_has(&args, OPT_CSV))
        rows_csv(cli, rows);
    else if (rc == CLI_OK && args_has(&args, OPT_EXCEL))
        rows_office(cli, rows);
    else if (rc == CLI_OK && args_has(&args, OPT_PAGE))
        rc = rows_page(cli, rows, &args, art46);
    else if (rc == CLI_OK)
        rows_print(cli, rows, &args, art46);
    if (rc == CLI_OK && args_has(&args, OPT_PRESENT))
        rc = present(cli, &args);
    json_decref(rows);
    report_free(&c.report);
    return rc;
}
