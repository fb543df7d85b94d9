/* wici audit: what was refused and who was shown what, from the records that the broker makes of both */
#include "agents/cli/shown.h"
#include "agents/subject.h"

#include "proto/errors.h"
#include "proto/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CSV = 300 };

struct audit {
    struct cli *cli;
    bool csv;
    const char *agency, *unit;   /* only theirs; NULL: all */
    char since[32], until[32];   /* RFC 3339; "": no bound */
    json_t *directory, *records; /* of the records: {"seq","tsMs", and the fields of the body} */
};

static const struct argp_option audit_options[] = {
    {"agency", 'a', N_("ID"), 0, N_("only this institution's"), 0},
    {"unit", 'u', N_("ID"), 0, N_("only this unit's (reads)"), 0},
    {"dossier", 'd', N_("UUID"), 0, N_("what was shown of this dossier, event by event (reads)"), 0},
    {"reason", 'r', N_("TEXT"), 0, N_("why it is asked, recorded with the answer (with --dossier)"), 0},
    {"since", 's', N_("TIME"), 0, N_("recorded since: 2026-03-01, 2026-03-01T08:30:00Z, 2h, 3d"), 0},
    {"until", 'U', N_("TIME"), 0, N_("recorded until"), 0},
    {"csv", OPT_CSV, NULL, 0, N_("print CSV"), 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

/* ---- asking */

static bool
is_enrolled(const struct audit *a, const char *list, const char *id)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(a->directory, list), i, entry)
    {
        if (strcmp(jstr(entry, "id"), id) == 0)
            return true;
    }
    return false;
}

static bool
is_wanted(const struct audit *a, const json_t *body)
{
    const char *unit = jstr(body, "unit"), *agency = jstr(body, "agency");

    if (a->unit != NULL && strcmp(a->unit, unit) != 0)
        return false;
    return a->agency == NULL || strcmp(a->agency, agency[0] != '\0' ? agency : unit_agency(a->directory, unit)) == 0;
}

static int
on_record(void *arg, const struct wici_event *event)
{
    struct audit *a = arg;
    json_t *json, *body;
    int rc = event_json(event, &json);

    if (rc != 0)
        return rc;
    body = json_deep_copy(event_first_body(json));
    if (body != NULL && is_wanted(a, body)) {
        json_object_set(body, "seq", json_object_get(json, "seq"));
        json_object_set(body, "tsMs", json_object_get(json, "tsMs"));
        json_array_append(a->records, body);
    }
    json_decref(body);
    json_decref(json);
    return 0;
}

/* Connects, and fetches the directory, in which what is asked for must be. */
static int
audit_connect(struct audit *a)
{
    int rc = cli_connect(a->cli);

    if (rc == CLI_OK)
        rc = cli_directory(a->cli, &a->directory);
    if (rc != CLI_OK)
        return rc;
    if ((a->agency != NULL && !is_enrolled(a, "agencies", a->agency)) ||
        (a->unit != NULL && !is_enrolled(a, "units", a->unit))) {
        cli_warn(_("not in the directory: %s"),
                 a->unit != NULL && !is_enrolled(a, "units", a->unit) ? a->unit : a->agency);
        return CLI_NOT_FOUND;
    }
    return CLI_OK;
}

/* Connects, and gathers the records of a type that are wanted. */
static int
audit_gather(struct audit *a, const char *type)
{
    json_t *request;
    char *text;
    int rc = audit_connect(a);

    if (rc != CLI_OK)
        return rc;
    request = json_pack("{s:s}", "type", type);
    if (a->since[0] != '\0')
        json_object_set_new(request, "since", json_string(a->since));
    if (a->until[0] != '\0')
        json_object_set_new(request, "until", json_string(a->until));
    a->records = json_array();
    text = json_dumps(request, JSON_COMPACT);
    rc = text == NULL ? -ENOMEM : wici_read(a->cli->w, text, a->cli->timeout_ms, on_record, a);
    free(text);
    json_decref(request);
    return rc == 0 ? CLI_OK : cli_fail(a->cli, rc, "wici");
}

static void
rfc3339(const json_t *record, char ret[TIME_TEXT_SIZE])
{
    time_format(member_number(record, "tsMs"), ret);
}

/* ---- refusals */

static int
total_compare(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    int by = strcmp(jstr(*x, "agency"), jstr(*y, "agency"));

    return by != 0 ? by : strcmp(jstr(*x, "code"), jstr(*y, "code"));
}

/* Sums by agency and code, in that order: {"agency","code","count","first","last"}. */
static json_t *
refusals_sum(const struct audit *a)
{
    json_t *sums = json_object(), *list = json_array(), *record, *sum;
    const char *key;
    const json_t **sorted;
    size_t i, count = 0;

    json_array_foreach(a->records, i, record)
    {
        char name[160], when[TIME_TEXT_SIZE];

        snprintf(name, sizeof name, "%s %s", jstr(record, "agency"), jstr(record, "code"));
        rfc3339(record, when);
        sum = json_object_get(sums, name);
        if (sum == NULL) {
            sum = json_pack("{s:s,s:s,s:i,s:s}", "agency", jstr(record, "agency"), "code", jstr(record, "code"),
                            "count", 0, "first", when);
            json_object_set_new(sums, name, sum);
        }
        json_object_set_new(sum, "count",
                            json_integer((json_int_t)(member_number(sum, "count") + member_number(record, "count"))));
        json_object_set_new(sum, "last", json_string(when));
    }
    sorted = calloc(json_object_size(sums) + 1, sizeof *sorted);
    if (sorted == NULL)
        abort();
    json_object_foreach(sums, key, sum) sorted[count++] = sum;
    qsort(sorted, count, sizeof *sorted, total_compare);
    for (i = 0; i < count; i++)
        json_array_append(list, (json_t *)(uintptr_t)sorted[i]);
    free(sorted);
    json_decref(sums);
    return list;
}

static void
refusals_csv(const struct audit *a)
{
    const json_t *record;
    size_t i;

    csv_row(5, "seq", "time", "agency", "code", "count");
    json_array_foreach(a->records, i, record)
    {
        char when[TIME_TEXT_SIZE];

        rfc3339(record, when);
        csv_row(5, jstr(record, "seq"), when, jstr(record, "agency"), jstr(record, "code"), jstr(record, "count"));
    }
}

static void
refusals_print(const struct audit *a)
{
    struct table *t = table_create(6, _("institution"), _("code"), _("at least"), _("first"), _("last"), _("meaning"));
    json_t *sums = refusals_sum(a), *sum;
    size_t i;

    json_array_foreach(sums, i, sum)
    {
        enum error_code code = error_by_name(jstr(sum, "code"));

        table_row(t, jstr(sum, "agency"), jstr(sum, "code"), jstr(sum, "count"), time_local(jstr(sum, "first")),
                  time_local(jstr(sum, "last")), code != E_NONE ? error_text(code, a->cli->pl) : "");
    }
    table_print(t);
    puts(_("Counts are lower bounds: those of the last minute are still to come, and a crash loses them."));
    json_decref(sums);
}

static int
audit_refusals(struct audit *a)
{
    int rc = audit_gather(a, "SYS_EVENT_REJECTED");

    if (rc != CLI_OK)
        return rc;
    if (a->csv)
        refusals_csv(a);
    else if (a->cli->json)
        rc = cli_print_json(
            json_pack("{s:b,s:o,s:O}", "countsAreLowerBounds", 1, "totals", refusals_sum(a), "records", a->records));
    else if (json_array_size(a->records) > 0)
        refusals_print(a);
    return rc == CLI_OK && json_array_size(a->records) == 0 ? cli_none(a->cli, _("No such refusal is on record.")) : rc;
}

/* ---- reads */

/* What else the record says, for people. */
static const char *
read_remark(const json_t *record)
{
    if (json_is_true(json_object_get(record, "possibly")))
        return _("possibly shown: the broker was interrupted");
    if (json_is_true(json_object_get(record, "narrowed")))
        return _("at most: several dossiers were asked for");
    return json_is_true(json_object_get(record, "breakGlass")) ? _("break glass") : "";
}

static void
reads_csv(const struct audit *a)
{
    const json_t *record;
    size_t i;

    csv_row(14, "seq", "time", "unit", "agency", "reader", "events", "from_seq", "to_seq", "as_of_seq", "dossier",
            "why", "possibly", "question", "document");
    json_array_foreach(a->records, i, record)
    {
        char when[TIME_TEXT_SIZE];

        rfc3339(record, when);
        csv_row(14, jstr(record, "seq"), when, jstr(record, "unit"), unit_agency(a->directory, jstr(record, "unit")),
                jstr(record, "cursor"), jstr(record, "events"), jstr(record, "fromSeq"), jstr(record, "toSeq"),
                jstr(record, "asOfSeq"), jstr(record, "dossier"), jstr(record, "why"),
                json_is_true(json_object_get(record, "possibly")) ? "1" : "0", jstr(record, "question"),
                jstr(record, "document"));
    }
}

static void
reads_print(const struct audit *a)
{
    struct table *t = table_create(10, _("record"), _("time"), _("unit"), _("institution"), _("reader"), _("events"),
                                   _("records from-to"), _("what"), _("why"), _("remark"));
    const json_t *record;
    size_t i;

    json_array_foreach(a->records, i, record)
    {
        char range[64] = "", told[SUBJECT_TOLD_SIZE];
        bool possibly = json_is_true(json_object_get(record, "possibly"));

        subject_told(record, a->cli->pl, told);
        if (jstr(record, "fromSeq")[0] != '\0')
            (void)snprintf(range, sizeof range, "%s-%s", jstr(record, "fromSeq"), jstr(record, "toSeq"));
        table_row(t, jstr(record, "seq"), time_local_ms(member_number(record, "tsMs")), jstr(record, "unit"),
                  unit_agency(a->directory, jstr(record, "unit")), jstr(record, "cursor"),
                  possibly ? "?" : jstr(record, "events"), range, told, jstr(record, "why"), read_remark(record));
    }
    table_print(t);
}

/* Nobody else is given these records: to find none would say that nobody read. */
static bool
may_see_reads(const struct cli *cli)
{
    const json_t *role;
    size_t i;

    json_array_foreach(json_object_get(cli->welcome, "roles"), i, role)
    {
        const char *name = json_string_value(role);

        if (name != NULL && (strcmp(name, "AUD") == 0 || strcmp(name, "ADM") == 0))
            return true;
    }
    return false;
}

static int
audit_reads(struct audit *a)
{
    int rc = audit_gather(a, "SYS_ACCESS_RECORDED");

    if (rc != CLI_OK)
        return rc;
    if (!may_see_reads(a->cli)) {
        cli_warn(_("records of reads are given to auditors and administrators only"));
        return CLI_NOT_FOUND;
    }
    if (a->csv)
        reads_csv(a);
    else if (a->cli->json)
        rc = cli_print_json(json_pack("{s:O}", "reads", a->records));
    else if (json_array_size(a->records) > 0)
        reads_print(a);
    return rc == CLI_OK && json_array_size(a->records) == 0 ? cli_none(a->cli, _("No such read is on record.")) : rc;
}

/* Of one dossier: what exactly. */
static int
audit_shown(struct audit *a, const char *dossier, const char *reason)
{
    struct shown_request request = {.dossier = dossier,
                                    .since = a->since[0] != '\0' ? a->since : NULL,
                                    .until = a->until[0] != '\0' ? a->until : NULL,
                                    .reason = reason};
    json_t *shown = NULL;
    size_t count;
    int rc = audit_connect(a);

    if (rc == CLI_OK)
        rc = shown_ask(a->cli, &request, &shown);
    if (rc != CLI_OK)
        return rc;
    shown_narrow(shown, a->directory, a->agency, a->unit);
    count = json_array_size(json_object_get(shown, "reads"));
    if (a->csv)
        shown_csv(shown, a->directory);
    else if (a->cli->json)
        rc = cli_print_json(json_incref(shown));
    else if (count > 0)
        shown_print(a->cli, shown, a->directory);
    if (!a->cli->json && json_is_true(json_object_get(shown, "afterErasure")))
        fprintf(stderr, "%s\n", subject_note("ERASED_LINKS", a->cli->pl));
    json_decref(shown);
    return rc == CLI_OK && count == 0 ? cli_none(a->cli, _("Nothing of the dossier was shown.")) : rc;
}

int
cmd_audit(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        audit_options, "refusals|reads",
        N_("refusals: what was refused, by institution and code. reads: who was shown what, a line for each read, or "
           "for a minute of a subscription. Both from the log's records. Exit code 5: none."),
        1, 1};
    struct audit a = {.cli = cli};
    struct cli_args args;
    const char *dossier;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    dossier = args_get(&args, 'd');
    a.csv = args_has(&args, OPT_CSV);
    a.agency = args_get(&args, 'a');
    a.unit = args_get(&args, 'u');
    (void)args_time(&args, 's', a.since);
    (void)args_time(&args, 'U', a.until);
    if (a.csv && cli->json)
        usage_fail("%s", _("only one of --csv and --json"));
    if (strcmp(args.words[0], "refusals") == 0) {
        if (a.unit != NULL)
            usage_fail("%s", _("refusals are counted by institution: use --agency"));
        if (dossier != NULL)
            usage_fail("%s", _("what was refused is not kept: --dossier is for reads"));
        rc = audit_refusals(&a);
    } else if (strcmp(args.words[0], "reads") == 0) {
        if (dossier == NULL && args_has(&args, 'r'))
            usage_fail("%s", _("--reason goes with --dossier"));
        rc = dossier == NULL ? audit_reads(&a) : audit_shown(&a, dossier, args_get(&args, 'r'));
    } else {
        usage_fail(_("say: %s"), syntax.words);
    }
    json_decref(a.directory);
    json_decref(a.records);
    return rc;
}
