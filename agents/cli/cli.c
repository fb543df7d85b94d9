/*
 * wici - the command line for administrators, coordinators and auditors
 */
#include "agents/cli/cli.h"
#include "proto/nodump.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cli_command {
    const char *name;
    cli_fn *fn;
    const char *help;
};

/* All commands, as the help groups them: a row without a function is a title. The last one has no name. */
static const struct cli_command commands[] = {
    {"", NULL, N_("Everyday work:")},
    {"new", cmd_new, N_("ask for the fields of an event and put it into the outbox")},
    {"publish", cmd_publish, N_("publish events from JSON")},
    {"tail", cmd_tail, N_("follow events as they come")},
    {"read", cmd_read, N_("read what the log holds")},
    {"case", cmd_case, N_("one case and what is linked with it, as a readable timeline")},
    {"worklist", cmd_worklist, N_("what this unit has to do next, and by when")},
    {"deadlines", cmd_deadlines, N_("what is due, and by when")},
    {"referrals", cmd_referrals, N_("what became of the referrals we sent and received, and whose turn it is")},
    {"document", cmd_document, N_("files that travel with events: send, list, fetch")},
    {"outside", cmd_outside,
     N_("what is due on paper to institutions without the system, and that it was handed over")},
    {"confirm", cmd_confirm, N_("confirm what became of copies of what was entered in error, or erased")},
    {"participant", cmd_participant, N_("let a unit take part in a dossier, or end that")},
    {"", NULL, N_("Why, and what became of it:")},
    {"explain", cmd_explain, N_("why this unit is given an event, and which of its sections")},
    {"fetched", cmd_fetched, N_("which addressed units have fetched an event of ours")},
    {"cursor", cmd_cursor, N_("list durable cursors, or drop one")},
    {"status", cmd_status, N_("how the broker is")},
    {"report", cmd_report, N_("the statistics of a period: families, plans, meetings, referrals, deadlines")},
    {"", NULL, N_("Types of events:")},
    {"types", cmd_types, N_("the types of events and their fields")},
    {"template", cmd_template, N_("a JSON skeleton of an event")},
    {"", NULL, N_("Administrators:")},
    {"init", cmd_wicid, N_("make a new log, with its keys and first administrator (runs wicid init)")},
    {"key", cmd_key, N_("make a key pair; give a unit a new key")},
    {"agency", cmd_agency, N_("enrol institutions, list them")},
    {"unit", cmd_unit, N_("enrol units, suspend and resume them, change keys, list them")},
    {"registry", cmd_registry, N_("enrol an office's institutions, units and registers out of one file")},
    {"directory", cmd_directory, N_("all agencies and units")},
    {"policy", cmd_policy, N_("show, compare or load the policy: who may publish and see what")},
    {"backup", cmd_backup, N_("let the broker make a verified copy of the log and its keys")},
    {"restore", cmd_wicid, N_("put a backup in place of a log that is lost (runs wicid restore)")},
    {"kek", cmd_wicid, N_("kek rotate: another key-encryption key (runs wicid kek)")},
    {"compact", cmd_wicid, N_("put the log into a fresh file, without what was erased (runs wicid compact)")},
    {"erase", cmd_erase, N_("what an erasure of a dossier would take; have it erased")},
    {"", NULL, N_("Proofs, and auditors:")},
    {"checkpoint", cmd_checkpoint, N_("the newest signed statement of what is in the log")},
    {"receipt", cmd_receipt, N_("the proof that a record is in the log, with what we may see of it")},
    {"consistency", cmd_consistency, N_("the proof that the log still begins with an older checkpoint")},
    {"verify", cmd_verify, N_("check a receipt, a proof, an export or a copy, without a broker (runs wici-verify)")},
    {"log", cmd_log, N_("the keys that sign the log")},
    {"export", cmd_export, N_("the log's leaves and tree as a directory of tiles, for auditors")},
    {"audit", cmd_audit, N_("what was refused, and who was shown what")},
    {"subject", cmd_subject, N_("all that is held about a dossier, for a person's request under GDPR art. 15")},
    {"", NULL, N_("Measuring:")},
    {"bench", cmd_bench, N_("measure publishing, delivery and replay")},
    {NULL, NULL, NULL},
};

const char *argp_program_version = "wici " WICI_VERSION;

static void
help_print(FILE *out)
{
    fprintf(out, "%s\n", _("Usage: wici COMMAND [OPTION...] [WORD...]"));
    for (const struct cli_command *c = commands; c->name != NULL; c++) {
        if (c->fn == NULL)
            fprintf(out, "\n%s\n", _(c->help));
        else
            fprintf(out, "  %-12s %s\n", c->name, _(c->help));
    }
    fprintf(out, "\n%s\n", _("wici COMMAND --help tells more. The manual: wici(1)."));
}

static const struct argp_option leading_options[] = {
    {"help", '?', NULL, 0, NULL, 0},
    {"version", 'V', NULL, 0, NULL, 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

/* Options may stand before the command too: stops at the first word, which is the command. */
static error_t
leading_parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    switch (key) {
    case '?': help_print(stdout); exit(CLI_OK);
    case 'V': puts(argp_program_version); exit(CLI_OK);
    case ARGP_KEY_INIT: state->child_inputs[0] = state->input; return 0;
    case ARGP_KEY_ARG:
        state->next--;
        ((struct cli *)state->input)->command_index = state->next;
        state->next = state->argc;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int
main(int argc, char **argv)
{
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {NULL, 0, NULL, 0}};
    const struct argp leading = {leading_options, leading_parse, NULL, NULL, children, NULL, "wici"};
    struct cli cli = {.timeout_ms = CLI_TIMEOUT_MS, .slot_fd = -1};
    int at, rc = -1;

    if (nodump_set() != 0) {
        perror("wici: core dumps");
        return CLI_FAILED;
    }
    cli.pl = language_set();
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        help_print(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0) {
        help_print(stdout);
        return CLI_OK;
    }
    argp_err_exit_status = CLI_USAGE;
    if (argp_parse(&leading, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, &cli) != 0)
        return CLI_FAILED;
    at = cli.command_index;
    if (at == 0) {
        help_print(stderr);
        return CLI_USAGE;
    }
    for (const struct cli_command *c = commands; c->name != NULL && rc < 0; c++) {
        if (c->fn != NULL && strcmp(argv[at], c->name) == 0)
            rc = c->fn(&cli, argc - at, argv + at);
    }
    if (rc < 0)
        usage_fail(_("there is no command %s; wici --help lists them"), argv[at]);
    wici_close(&cli.w);
    if (cli.slot_fd >= 0)
        close(cli.slot_fd);
    json_decref(cli.welcome);
    free(cli.endpoints);
    free(cli.server_key);
    free(cli.key_file);
    free(cli.usual_role);
    free(cli.role);
    if (fflush(stdout) != 0 && rc == CLI_OK)
        rc = CLI_FAILED;
    return rc;
}
