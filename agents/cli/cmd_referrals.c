/* wici referrals: what became of what this unit sent and received; and where one dossier stands, for `wici case` */
#include "agents/cli/cli.h"
#include "agents/words.h"
#include "proto/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
state_label(const struct cli *cli, const json_t *course, const char *key)
{
    return jstr(json_object_get(course, key), cli->pl ? "pl" : "en");
}

/* The outcome; before there is one, that nobody has answered yet. */
static const char *
outcome_label(const struct cli *cli, const json_t *course)
{
    const char *outcome = jstr(course, "outcome");

    if (outcome[0] != '\0')
        return word_label(cli, outcome);
    if (json_object_get(course, "referral") == NULL || jstr(course, "nextUnit")[0] != '\0')
        return _("no answer yet");
    return "";
}

static bool
has_ended(const json_t *course)
{
    const char *outcome = jstr(course, "outcome"), *code = jstr(json_object_get(course, "referral"), "code");

    return strcmp(outcome, "DONE") == 0 || strcmp(outcome, "NOT_TAKEN_UP") == 0 ||
           strcmp(code, "entered-in-error") == 0;
}

static const char *
direction(const json_t *course)
{
    bool sent = json_is_true(json_object_get(course, "sent")),
         received = json_is_true(json_object_get(course, "received"));

    return sent && received ? _("sent, received") : sent ? _("sent") : received ? _("received") : "-";
}

static void
referrals_print(const struct cli *cli, const json_t *courses)
{
    struct table *t = table_create(8, _("dossier"), _("since"), _("direction"), _("outcome"), _("status"), _("holder"),
                                   _("whose turn"), _("by"));
    const json_t *course;
    size_t i;

    json_array_foreach(courses, i, course)
    {
        char since[WORDS_TEXT_SIZE];

        words_time_text(jstr(course, "opened"), cli->pl, since);
        table_row(t, jstr(course, "dossier"), since, direction(course), outcome_label(cli, course),
                  state_label(cli, course, "referral"), jstr(course, "holder"), jstr(course, "nextUnit"),
                  jstr(course, "nextDue"));
    }
    table_print(t);
}

/* All pages into one array. */
static int
referrals_ask(struct cli *cli, bool open_only, json_t *all)
{
    json_int_t from = 0;

    do {
        json_t *result = NULL, *answer, *course;
        size_t i;
        int rc = cli_query(cli, json_pack("{s:{s:I}}", "courses", "fromSeq", from), &result);

        if (rc != CLI_OK)
            return rc;
        answer = json_object_get(result, "courses");
        json_array_foreach(json_object_get(answer, "courses"), i, course)
        {
            if (!open_only || !has_ended(course))
                json_array_append(all, course);
        }
        from = (json_int_t)member_number(answer, "nextSeq");
        json_decref(result);
    } while (from != 0);
    return CLI_OK;
}

int
cmd_referrals(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"open", 'o', NULL, 0, N_("only what has not ended"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL,
        N_("Tells what became of the referrals this unit sent and received. Of those it only sent, the outcome. Exit "
           "code 5: none."),
        0, 0};
    struct cli_args args;
    json_t *all = json_array();
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = referrals_ask(cli, args_has(&args, 'o'), all);
    if (rc == CLI_OK && cli->json)
        rc = cli_print_json(json_incref(all));
    else if (rc == CLI_OK && json_array_size(all) > 0)
        referrals_print(cli, all);
    if (rc == CLI_OK && json_array_size(all) == 0)
        rc = cli_none(cli, _("No referrals."));
    json_decref(all);
    return rc;
}

static void
worker_print(const struct cli *cli, const json_t *worker)
{
    const char *person = jstr(worker, "personRef"), *unit = jstr(worker, "unit"),
               *role = role_label(role_by_name(jstr(worker, "role")), cli->pl);
    char from[WORDS_TEXT_SIZE], until[WORDS_TEXT_SIZE];

    words_date(jstr(worker, "from"), cli->pl, from);
    words_date(jstr(worker, "until"), cli->pl, until);
    if (!json_is_true(json_object_get(worker, "substitute")))
        printf(_("      %s: %s (%s)\n"), role, person, unit);
    else if (until[0] != '\0')
        printf(_("      %s: %s (%s), substitute from %s to %s\n"), role, person, unit, from, until);
    else
        printf(_("      %s: %s (%s), substitute from %s\n"), role, person, unit, from);
}

void
course_print(const struct cli *cli, const json_t *course)
{
    const char *referral = state_label(cli, course, "referral"), *kase = state_label(cli, course, "case");
    const char *outcome = jstr(course, "outcome"), *holder = jstr(course, "holder"), *next = jstr(course, "nextUnit");
    const char *due = jstr(course, "nextDue");
    const json_t *part, *worker;
    size_t i;

    if (referral[0] != '\0')
        printf(_("      referral: %s\n"), referral);
    else if (outcome[0] != '\0')
        printf(_("      outcome: %s\n"), word_label(cli, outcome));
    json_array_foreach(json_object_get(course, "parts"), i, part) if (jstr(part, "unit")[0] != '\0')
        printf(_("      part %ld: %s (%s)\n"), (long)member_number(part, "no"), state_label(cli, part, "state"),
               jstr(part, "unit"));
    else printf(_("      part %ld: %s\n"), (long)member_number(part, "no"), state_label(cli, part, "state"));
    if (kase[0] != '\0')
        printf(_("      case: %s\n"), kase);
    json_array_foreach(json_object_get(course, "workers"), i, worker) worker_print(cli, worker);
    if (holder[0] != '\0')
        printf(_("      holder: %s\n"), holder);
    if (next[0] != '\0' && due[0] != '\0')
        printf(_("      whose turn: %s, by %s\n"), next, due);
    else if (next[0] != '\0')
        printf(_("      whose turn: %s\n"), next);
}
