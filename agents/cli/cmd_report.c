/* wici report: the statistics of a period, from what this unit may read */
#include "agents/cli/cli.h"
#include "agents/report.h"
#include "agents/words.h"

#include "proto/date.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CSV = 520 };

struct counting {
    struct cli *cli;
    struct report *report;
};

static int
on_event(void *arg, const struct wici_event *event)
{
    struct counting *c = arg;
    char *text = NULL;
    json_t *json;
    int rc = wici_event_json(event, &text);

    if (rc != 0)
        return rc;
    json = json_loads(text, 0, NULL);
    free(text);
    rc = json == NULL ? -ENOMEM : report_add(c->report, json);
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

/* "szkoła, podjęto": the words of a detail, each with its label. */
static void
detail_text(const struct cli *cli, const char *detail, char *ret, size_t size)
{
    char copy[96], *rest = copy;
    const char *word;
    size_t at = 0;

    (void)snprintf(copy, sizeof copy, "%s", detail);
    ret[0] = '\0';
    while ((word = strsep(&rest, " ")) != NULL) {
        int len = snprintf(ret + at, size - at, "%s%s", at > 0 ? ", " : "",
                           word[0] != '\0' ? word_label(cli, word) : (detail[0] != '\0' ? _("not known") : ""));

        if (len < 0 || (size_t)len >= size - at)
            return;
        at += (size_t)len;
    }
}

static void
rows_print(const struct cli *cli, const json_t *rows, bool csv)
{
    struct table *t = csv ? NULL : table_create(5, _("what"), _("detail"), _("unit"), _("municipality"), _("count"));
    const json_t *row;
    size_t i;

    if (csv)
        csv_row(6, "measure", cli->pl ? "nazwa" : "name", "detail", "unit", "gmina", "count");
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        const char *name = jstr(row, cli->pl ? "pl" : "en");
        char detail[128];

        if (csv) {
            csv_row(6, jstr(row, "measure"), name, jstr(row, "detail"), jstr(row, "unit"), jstr(row, "gmina"),
                    jstr(row, "count"));
            continue;
        }
        detail_text(cli, jstr(row, "detail"), detail, sizeof detail);
        table_row(t, name, detail, jstr(row, "unit"), jstr(row, "gmina"), jstr(row, "count"));
    }
    if (t != NULL)
        table_print(t);
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

int
cmd_report(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"since", 's', N_("DATE"), 0, N_("first day of the period"), 0},
        {"until", 'U', N_("DATE"), 0, N_("last day of the period"), 0},
        {"csv", OPT_CSV, NULL, 0, N_("print CSV"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Counts for a period, from all that this unit may read: families with an assistant, \"Za życiem\" among "
           "them, "
           "plans of social services, meetings, opinions, referrals by source and outcome, deadlines kept and missed. "
           "Numbers by unit and municipality, never by person."),
        0, 0};
    struct counting c = {.cli = cli};
    struct cli_args args;
    json_t *rows = NULL;
    int32_t since, until;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    period_read(&args, &since, &until);
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    rc = report_create(&c.report, since, until);
    if (rc != 0)
        return cli_fail(cli, rc, "report");
    rc = read_all(&c);
    if (rc == CLI_OK && report_rows(c.report, &rows) != 0)
        rc = cli_fail(cli, -ENOMEM, "report");
    if (rc == CLI_OK && cli->json)
        rc = cli_print_json(json_incref(rows));
    else if (rc == CLI_OK)
        rows_print(cli, rows, args_has(&args, OPT_CSV));
    json_decref(rows);
    report_free(&c.report);
    return rc;
}
