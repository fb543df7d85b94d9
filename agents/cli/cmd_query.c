/* wici cursor, explain, fetched, status: small questions */
#include "agents/cli/cli.h"
#include "agents/words.h"
#include "proto/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connects and asks. With --json the whole answer is printed, and *ret is NULL; else *ret is its member. */
static int
ask(struct cli *cli, json_t *request, const char *member, json_t **ret)
{
    json_t *result;
    int rc = cli_connect(cli);

    *ret = NULL;
    if (rc != CLI_OK) {
        json_decref(request);
        return rc;
    }
    rc = cli_query(cli, request, &result);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        return cli_print_json(result);
    *ret = json_incref(json_object_get(result, member));
    json_decref(result);
    return CLI_OK;
}

/* ---- cursors */

static void
filter_text(const json_t *cursor, char *ret, size_t size)
{
    const json_t *filter = json_object_get(cursor, "filter");
    char *dossiers = jjoin(json_object_get(filter, "dossiers")), *families = jjoin(json_object_get(filter, "families"));

    snprintf(ret, size, "%s%s%s", families, families[0] != '\0' && dossiers[0] != '\0' ? " " : "", dossiers);
    free(dossiers);
    free(families);
}

static void
cursors_print(const json_t *cursors)
{
    struct table *t = table_create(7, _("unit"), _("cursor"), _("at"), _("behind"), _("last acknowledged"),
                                   _("connected"), _("filter"));
    const json_t *cursor;
    size_t i;

    json_array_foreach(cursors, i, cursor)
    {
        const char *lag = jstr(cursor, "lag"), *seq = jstr(cursor, "seq");
        char filter[256];

        filter_text(cursor, filter, sizeof filter);
        table_row(t, jstr(cursor, "unit"), jstr(cursor, "cursor"), seq[0] != '\0' ? seq : "0",
                  lag[0] != '\0' ? lag : "0", time_local(jstr(cursor, "lastAck")),
                  json_is_true(json_object_get(cursor, "connected")) ? _("yes") : _("no"), filter);
    }
    table_print(t);
}

int
cmd_cursor(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"unit", 'u', N_("UNIT"), 0, N_("drop: whose cursor, for an administrator"), 0},
        {0},
    };
    static const struct cli_syntax syntax = {
        options, N_("list | drop NAME"),
        N_("Lists durable cursors (all units' for an administrator), or drops one: of a folder or a program that is "
           "not "
           "used any more. A unit may have 64. Who reads with it still is given everything again."),
        1, 2};
    struct cli_args args;
    const char *unit;
    json_t *result;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (strcmp(args.words[0], "list") == 0 && args.word_count == 1) {
        rc = ask(cli, json_pack("{s:{}}", "cursors"), "cursors", &result);
        if (rc == CLI_OK && !cli->json)
            cursors_print(json_object_get(result, "cursors"));
    } else if (strcmp(args.words[0], "drop") == 0 && args.word_count == 2) {
        unit = args_get(&args, 'u');
        rc = ask(cli,
                 json_pack("{s:{s:s, s:s}}", "cursorDrop", "cursor", args.words[1], "unit", unit != NULL ? unit : ""),
                 "cursorDropped", &result);
        if (rc == CLI_OK && !cli->json)
            printf(_("dropped: %s\n"), args.words[1]);
        if (rc == CLI_REFUSED && wici_error(cli->w) != NULL &&
            strcmp(wici_error(cli->w)->code, error_name(E_STATE)) == 0)
            fprintf(stderr, "%s\n", _("The cursor is in use: a program reads with it now. End that first."));
    } else {
        usage_fail(_("say: %s"), _(syntax.words));
    }
    json_decref(result);
    return rc;
}

/* ---- explain, fetched */

static void
explanation_print(const struct cli *cli, const json_t *e)
{
    struct table *t = table_create(5, _("relation"), _("from record"), _("to record"), _("about"), _("delivers it"));
    const json_t *row;
    size_t i;

    printf(_("Record %s\n\n"), jstr(e, "seq"));
    json_array_foreach(json_object_get(e, "relations"), i, row)
    {
        char *about = jjoin(json_object_get(row, "about"));
        const char *until = jstr(row, "untilSeq");

        table_row(t, word_label(cli, jstr(row, "kind")), jstr(row, "fromSeq"), until[0] != '\0' ? until : "-", about,
                  json_is_true(json_object_get(row, "applies")) ? _("yes") : _("no"));
        free(about);
    }
    table_print(t);
    putchar('\n');
    t = table_create(3, _("part"), _("given"), _("why"));
    json_array_foreach(json_object_get(e, "sections"), i, row)
    {
        bool given = strncmp(jstr(row, "verdict"), "GIVEN", strlen("GIVEN")) == 0;

        table_row(t, class_label(cli, (unsigned)(member_number(row, "sectionId") % 10)), given ? _("yes") : _("no"),
                  jstr(row, cli->pl ? "pl" : "en"));
    }
    table_print(t);
}

int
cmd_explain(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("SEQ|EVENT_ID"),
        N_("Tells by which relations this unit is given a record, and for each section why it is given or not."), 1, 1};
    struct cli_args args;
    json_t *result, *what;
    char *end;
    unsigned long long seq;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    seq = strtoull(args.words[0], &end, 10);
    what = *end == '\0' ? json_pack("{s:I}", "seq", (json_int_t)seq) : json_pack("{s:s}", "eventId", args.words[0]);
    rc = ask(cli, json_pack("{s:o}", "explain", what), "explanation", &result);
    if (rc == CLI_OK && !cli->json)
        explanation_print(cli, result);
    json_decref(result);
    return rc;
}

/* "3 d 4 h", "2 h 5 min", "40 s": the two largest parts are enough. */
static void
age_text(uint64_t s, char *ret, size_t size)
{
    unsigned days = (unsigned)(s / 86400), hours = (unsigned)(s / 3600 % 24), minutes = (unsigned)(s / 60 % 60);

    if (days > 0)
        snprintf(ret, size, _("%u d %u h"), days, hours);
    else if (hours > 0)
        snprintf(ret, size, _("%u h %u min"), hours, minutes);
    else if (minutes > 0)
        snprintf(ret, size, _("%u min"), minutes);
    else
        snprintf(ret, size, _("%u s"), (unsigned)s);
}

static void
fetched_print(const struct cli *cli, const json_t *list)
{
    struct table *t = table_create(5, _("unit"), _("fetched"), _("last read"), _("not reading for"), _("confirmed"));
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
    {
        uint64_t s = member_number(row, "notReadingS");
        bool outside = json_is_true(json_object_get(row, "outside"));
        char age[48] = "", on[WORDS_TEXT_SIZE] = "";

        if (outside)
            snprintf(age, sizeof age, "%s", _("on paper"));
        else if (json_is_true(json_object_get(row, "neverConnected")))
            snprintf(age, sizeof age, "%s", _("never connected"));
        else if (s > 0)
            age_text(s, age, sizeof age);
        words_date(jstr(row, "deliveredOn"), cli->pl, on);
        table_row(t, jstr(row, "unit"), json_is_true(json_object_get(row, "fetched")) ? _("yes") : _("no"),
                  outside ? on : time_local(jstr(row, "lastRead")), age,
                  !json_is_true(json_object_get(row, "mustConfirm")) ? ""
                  : json_is_true(json_object_get(row, "confirmed"))  ? _("yes")
                                                                     : _("no"));
    }
    table_print(t);
}

int
cmd_fetched(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("EVENT_ID"),
        N_("Tells which addressed units have fetched an event of ours, and for how long each has not read; to which "
           "institutions without the system it was handed over; and of what was entered in error, who has confirmed "
           "it."),
        1, 1};
    struct cli_args args;
    json_t *result;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = ask(cli, json_pack("{s:{s:s}}", "fetched", "eventId", args.words[0]), "fetched", &result);
    if (rc == CLI_OK && !cli->json)
        fetched_print(cli, json_object_get(result, "units"));
    json_decref(result);
    return rc;
}

/* ---- status */

static void
status_row(struct table *t, const char *name, const json_t *status, const char *key)
{
    const char *value = jstr(status, key);

    table_row(t, name, value[0] != '\0' ? value : "0");
}

/* What the broker says of its durability; there is one way only. */
static const char *const durability = N_("every commit, before the answer");

static void
status_sizes(const struct cli *cli, struct table *t, const json_t *s)
{
    uint64_t bytes = member_number(s, "storeBytes"), max = member_number(s, "storeBytesMax");
    char used[WORDS_TEXT_SIZE], most[WORDS_TEXT_SIZE], text[192];

    words_bytes(bytes, cli->pl, used);
    words_bytes(max, cli->pl, most);
    snprintf(text, sizeof text, _("%s of at most %s (%.0f %%)"), used, most,
             max == 0 ? 0.0 : 100.0 * (double)bytes / (double)max);
    table_row(t, _("size on disk"), text);
}

/* Answers to notices of erasures that are owed: by anybody, to who looks after the log; else by the asker. */
static void
status_erasures(const struct cli *cli, struct table *t, const json_t *s)
{
    char since[WORDS_TEXT_SIZE], text[192];

    if (member_number(s, "erasuresUnanswered") == 0)
        return;
    words_time_text(jstr(s, "erasuresUnansweredSince"), cli->pl, since);
    snprintf(text, sizeof text, _("%s, the oldest since %s"), jstr(s, "erasuresUnanswered"), since);
    table_row(t, _("notices of erasures not answered"), text);
}

static void
status_print(const struct cli *cli, const json_t *s)
{
    struct table *t = table_create(2, _("log"), jstr(s, "origin"));
    const json_t *head = json_object_get(s, "head");
    const char *policy = jstr(s, "fsyncPolicy");
    char text[WORDS_TEXT_SIZE];

    status_row(t, _("records"), head, "seq");
    status_row(t, _("epoch"), head, "epoch");
    table_row(t, _("in a verified backup up to"), member_number(s, "safeUpTo") == 0 ? _("none") : jstr(s, "safeUpTo"));
    status_row(t, _("signed up to"), s, "signedUpTo");
    status_sizes(cli, t, s);
    if (json_object_get(s, "sessions") != NULL) { /* an administrator, who has one himself */
        status_row(t, _("dossiers"), s, "dossiers");
        status_row(t, _("sessions"), s, "sessions");
        status_row(t, _("subscriptions"), s, "subscriptions");
    }
    table_row(t, _("started"), time_local(jstr(s, "started")));
    status_row(t, _("commits since then"), s, "commits");
    words_micros(member_number(s, "lastFsyncUs"), cli->pl, text);
    table_row(t, _("last write to disk took"), member_number(s, "commits") == 0 ? "-" : text);
    table_row(t, _("written to disk"), strcmp(policy, durability) == 0 ? _(durability) : policy);
    status_row(t, _("index behind (records)"), s, "indexBehind");
    status_erasures(cli, t, s);
    table_row(t, _("software"), jstr(s, "software"));
    table_print(t);
    if (json_array_size(json_object_get(s, "cursors")) > 0) {
        putchar('\n');
        cursors_print(json_object_get(s, "cursors"));
    }
}

int
cmd_status(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, NULL, N_("Prints how the broker and its log are."), 0, 0};
    struct cli_args args;
    json_t *status;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = ask(cli, json_pack("{s:{}}", "status"), "status", &status);
    if (rc == CLI_OK && !cli->json)
        status_print(cli, status);
    json_decref(status);
    return rc;
}
