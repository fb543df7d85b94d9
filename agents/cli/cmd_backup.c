/* wici backup: a verified copy of the log and its key store, made by the broker where its settings say */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OPT_STATUS = 's', OPT_NO_WAIT = 'n' };

#define LOOK_EVERY_MS 500

static const char *
failure_text(const char *word)
{
    static const struct {
        const char *word, *text;
    } texts[] = {
        {"EXISTS", N_("there is a backup of that name already: choose another")},
        {"NO_PLACE", N_("a folder of the broker's settings (backup.dir, backup.key_dir) is missing, or both are one")},
        {"NO_SPACE", N_("there is no room for it")},
        {"NO_ACCESS", N_("the broker may not write there")},
        {"INVALID", N_("the copy did not hold when it was verified, or an erasure was under way: see the broker's "
                       "journal; if it says nothing of damage, try again")},
        {"DIED", N_("the process that made it was ended, or met a damaged file: see the broker's journal")},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].word, word) == 0)
            return _(texts[i].text);
    return _("reading or writing failed: see the broker's journal");
}

/* What is going on, in a line of its own on a terminal. */
static void
progress_print(const struct cli *cli, const json_t *b, bool terminal)
{
    const char *state = jstr(b, "state");
    char bytes[WORDS_TEXT_SIZE];

    if (!terminal)
        return;
    if (strcmp(state, "COPYING") == 0) {
        words_bytes(member_number(b, "bytes"), cli->pl, bytes);
        fprintf(stderr, _("\r%s: copying, %s so far\033[K"), jstr(b, "label"), bytes);
    } else if (strcmp(state, "VERIFYING") == 0) {
        fprintf(stderr, _("\r%s: verifying, at record %s\033[K"), jstr(b, "label"), jstr(b, "records"));
    }
    fflush(stderr);
}

static bool
is_under_way(const json_t *b)
{
    const char *state = jstr(b, "state");

    return strcmp(state, "WAITING") == 0 || strcmp(state, "COPYING") == 0 || strcmp(state, "VERIFYING") == 0;
}

/* The exit code. */
static int
backup_print(const json_t *b)
{
    const char *state = jstr(b, "state"), *label = jstr(b, "label");

    if (strcmp(state, "NONE") == 0)
        printf(_("No backup since the broker was started.\n"));
    else if (strcmp(state, "DONE") == 0)
        printf(_("%s: whole and verified, %s records (%s)\n"), label, jstr(b, "records"), time_local(jstr(b, "ended")));
    else if (strcmp(state, "FAILED") == 0)
        printf(_("%s: failed: %s\n"), label, failure_text(jstr(b, "failure")));
    else
        printf(_("%s: under way since %s\n"), label, time_local(jstr(b, "started")));
    if (member_number(b, "safeUpTo") != 0)
        printf(_("In a verified backup up to record %s: whoever sent them need not keep them longer.\n"),
               jstr(b, "safeUpTo"));
    return strcmp(state, "FAILED") == 0 ? CLI_FAILED : CLI_OK;
}

/* *ret: the answer's member. */
static int
backup_ask(struct cli *cli, const char *label, json_t **ret)
{
    json_t *result = NULL;
    int rc = cli_query(cli, json_pack("{s:{s:s}}", "backup", "label", label), &result);

    if (rc != CLI_OK)
        return rc;
    *ret = json_incref(json_object_get(result, "backup"));
    json_decref(result);
    return CLI_OK;
}

static int
backup_wait(struct cli *cli, const char *label, json_t **b)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    bool terminal = isatty(STDERR_FILENO) == 1;
    int rc = CLI_OK;

    while (rc == CLI_OK && is_under_way(*b)) {
        progress_print(cli, *b, terminal);
        (void)nanosleep(&pause, NULL);
        json_decref(*b);
        *b = NULL;
        rc = backup_ask(cli, "", b);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    if (rc == CLI_OK && strcmp(jstr(*b, "label"), label) != 0) {
        cli_warn(_("%s: the broker was restarted meanwhile, and the backup was not finished"), label);
        return CLI_FAILED;
    }
    return rc;
}

/* "2026-11-26-121530", in UTC. */
static void
label_make(char ret[32])
{
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL || strftime(ret, 32, "%Y-%m-%d-%H%M%S", &tm) == 0)
        abort();
}

int
cmd_backup(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"status", OPT_STATUS, NULL, 0, N_("begin none: tell how the last one is"), 0},
        {"no-wait", OPT_NO_WAIT, NULL, 0, N_("do not wait for its end"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("[NAME]"),
        N_("Lets the broker copy the log and its key store while it serves, verify the copy and put it under NAME "
           "(else "
           "the time) into the folders of its settings (backup.dir, backup.key_dir). For administrators."),
        0, 1};
    struct cli_args args;
    json_t *b = NULL;
    char made[32];
    const char *label;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    label_make(made);
    label = args.word_count > 0 ? args.words[0] : made;
    if (args_has(&args, OPT_STATUS) && args.word_count > 0)
        usage_fail(_("--status takes no name"));
    if ((rc = cli_connect(cli)) != CLI_OK)
        return rc;
    rc = backup_ask(cli, args_has(&args, OPT_STATUS) ? "" : label, &b);
    if (rc == CLI_OK && !args_has(&args, OPT_STATUS) && !args_has(&args, OPT_NO_WAIT))
        rc = backup_wait(cli, label, &b);
    if (rc == CLI_OK && cli->json) {
        rc = strcmp(jstr(b, "state"), "FAILED") == 0 ? CLI_FAILED : CLI_OK;
        (void)cli_print_json(json_incref(b));
    } else if (rc == CLI_OK) {
        rc = backup_print(b);
    }
    json_decref(b);
    return rc;
}
