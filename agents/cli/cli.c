/*
 * wici - the command line for administrators, coordinators and auditors
 */
#include "agents/cli/cli.h"
#include "proto/nodump.h"

#include <errno.h>
#include <limits.h>
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

/* All commands; the last one has no name. */
static const struct cli_command commands[] = {
    {"init", cmd_wicid, N_("make a new log, with its keys and first administrator (runs wicid init)")},
    {"key", cmd_key, N_("make a key pair; give a unit a new key")},
    {"agency", cmd_agency, N_("enrol institutions, list them")},
    {"unit", cmd_unit, N_("enrol units, suspend and resume them, change keys, list them")},
    {"participant", cmd_participant, N_("let a unit take part in a dossier, or end that")},
    {"registry", cmd_registry, N_("enrol an office's institutions, units and registers out of one file")},
    {"directory", cmd_directory, N_("all agencies and units")},
    {"policy", cmd_policy, N_("show, compare or load the policy: who may publish and see what")},
    {"publish", cmd_publish, N_("publish events from JSON")},
    {"tail", cmd_tail, N_("follow events as they come")},
    {"read", cmd_read, N_("read what the log holds")},
    {"case", cmd_case, N_("one case and what is linked with it, as a readable timeline")},
    {"referrals", cmd_referrals, N_("what became of the referrals we sent and received, and whose turn it is")},
    {"deadlines", cmd_deadlines, N_("what is due, and by when")},
    {"report", cmd_report, N_("the statistics of a period: families, plans, meetings, referrals, deadlines")},
    {"outside", cmd_outside,
     N_("what is due on paper to institutions without the system, and that it was handed over")},
    {"confirm", cmd_confirm, N_("confirm what became of copies of what was entered in error, or erased")},
    {"worklist", cmd_worklist, N_("what this unit has to do next, and by when")},
    {"cursor", cmd_cursor, N_("list durable cursors, or drop one")},
    {"explain", cmd_explain, N_("why this unit is given an event, and which of its sections")},
    {"fetched", cmd_fetched, N_("which addressed units have fetched an event of ours")},
    {"audit", cmd_audit, N_("what was refused, and who was shown what")},
    {"subject", cmd_subject, N_("all that is held about a dossier, for a person's request under GDPR art. 15")},
    {"status", cmd_status, N_("how the broker is")},
    {"erase", cmd_erase, N_("what an erasure of a dossier would take; have it erased")},
    {"backup", cmd_backup, N_("let the broker make a verified copy of the log and its keys")},
    {"kek", cmd_wicid, N_("kek rotate: another key-encryption key (runs wicid kek)")},
    {"compact", cmd_wicid, N_("put the log into a fresh file, without what was erased (runs wicid compact)")},
    {"restore", cmd_wicid, N_("put a backup in place of a log that is lost (runs wicid restore)")},
    {"checkpoint", cmd_checkpoint, N_("the newest signed statement of what is in the log")},
    {"log", cmd_log, N_("the keys that sign the log")},
    {"document", cmd_document, N_("files that travel with events: send, list, fetch")},
    {"receipt", cmd_receipt, N_("the proof that a record is in the log, with what we may see of it")},
    {"consistency", cmd_consistency, N_("the proof that the log still begins with an older checkpoint")},
    {"verify", cmd_verify, N_("check a receipt, a proof, an export or a copy, without a broker (runs wici-verify)")},
    {"export", cmd_export, N_("the log's leaves and tree as a directory of tiles, for auditors")},
    {"types", cmd_types, N_("the types of events and their fields")},
    {"template", cmd_template, N_("a JSON skeleton of an event")},
    {"new", cmd_new, N_("ask for the fields of an event and put it into the outbox")},
    {"bench", cmd_bench, N_("measure publishing, delivery and replay")},
    {NULL, NULL, NULL},
};

const char *argp_program_version = "wici " WICI_VERSION;

/* ---- words and options */

enum { KEY_JSON = 1000, KEY_TIMEOUT, KEY_ENDPOINT, KEY_SERVER_KEY, KEY_KEY_FILE, KEY_ROLE };

static const struct argp_option common_options[] = {
    {NULL, 0, NULL, 0, N_("In every command:"), 90},
    {"config", 'c', N_("FILE"), 0, N_("settings (else WICI_CONFIG, else ~/.config/wici/wici.conf)"), 90},
    {"json", KEY_JSON, NULL, 0, N_("print JSON"), 90},
    {"timeout", KEY_TIMEOUT, N_("SECONDS"), 0, N_("wait that long for each answer (10)"), 90},
    {"endpoint", KEY_ENDPOINT, N_("ADDRESS"), 0, N_("the broker, as tcp://host:port; several with commas"), 90},
    {"server-key", KEY_SERVER_KEY, N_("KEY"), 0, N_("the broker's public key"), 90},
    {"key-file", KEY_KEY_FILE, N_("FILE"), 0, N_("our key pair"), 90},
    {"role", KEY_ROLE, N_("ROLE"), 0, N_("act in this role, where the unit has several"), 90},
    {NULL, 0, NULL, 0, NULL, 0},
};

static int
keep(char **to, const char *value)
{
    free(*to);
    *to = strdup(value);
    return *to == NULL ? ENOMEM : 0;
}

static error_t
common_parse(int key, char *arg, struct argp_state *state)
{
    struct cli *cli = state->input;

    switch (key) {
    case 'c': cli->config = arg; return 0;
    case KEY_JSON: cli->json = true; return 0;
    case KEY_TIMEOUT: {
        double seconds = atof(arg);

        if (!(seconds > 0 && seconds < 86400))
            argp_error(state, _("not a number of seconds: %s"), arg);
        cli->timeout_ms = (int)(seconds * 1000);
        return 0;
    }
    case KEY_ENDPOINT: return keep(&cli->endpoints, arg);
    case KEY_SERVER_KEY: return keep(&cli->server_key, arg);
    case KEY_KEY_FILE: return keep(&cli->key_file, arg);
    case KEY_ROLE: return keep(&cli->role, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp common_argp = {common_options, common_parse, NULL, NULL, NULL, NULL, "wici"};

struct parse_state {
    struct cli *cli;
    struct cli_args *args;
    const struct cli_syntax *syntax;
};

static error_t
command_parse(int key, char *arg, struct argp_state *state)
{
    struct parse_state *p = state->input;
    struct cli_args *args = p->args;

    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = p->cli; return 0;
    case ARGP_KEY_ARG:
        if (args->word_count >= p->syntax->words_max || args->word_count >= CLI_ARGS_MAX)
            argp_error(state, _("one word too many: %s"), arg);
        args->words[args->word_count++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (args->word_count < p->syntax->words_min)
            argp_error(state, _("missing: %s"), _(p->syntax->words));
        return 0;
    case ARGP_KEY_NO_ARGS:
    case ARGP_KEY_ARGS:
    case ARGP_KEY_FINI:
    case ARGP_KEY_SUCCESS:
    case ARGP_KEY_ERROR: return ARGP_ERR_UNKNOWN;
    default:
        if (args->option_count >= CLI_ARGS_MAX)
            argp_error(state, _("one word too many: %s"), arg != NULL ? arg : "");
        args->options[args->option_count].key = key;
        args->options[args->option_count++].value = arg;
        return 0;
    }
}

int
cli_become(char **words)
{
    static const char *const places[] = {"", "../sbin/"}; /* of a build folder, and installed */
    char self[PATH_MAX], path[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    if (len > 0) {
        self[len] = '\0';
        *strrchr(self, '/') = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            snprintf(path, sizeof path, "%s/%s%s", self, places[i], words[0]);
            execv(path, words);
        }
    }
    execvp(words[0], words);
    cli_warn(_("%s cannot be run: %s"), words[0], strerror(errno));
    return CLI_FAILED;
}

void
args_parse(struct cli *cli, const struct cli_syntax *syntax, int argc, char **argv, struct cli_args *ret)
{
    const struct argp_child children[] = {
        {&common_argp, 0, NULL, 90}, {&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
    const struct argp argp = {syntax->options, command_parse, syntax->words, syntax->doc, children, NULL, "wici"};
    struct parse_state state = {.cli = cli, .args = ret, .syntax = syntax};
    char name[64];

    memset(ret, 0, sizeof *ret);
    snprintf(name, sizeof name, "wici %s", argv[0]);
    argv[0] = name;
    argp_err_exit_status = CLI_USAGE;
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &state) != 0)
        exit(CLI_FAILED);
}

const char *
args_get(const struct cli_args *args, int key)
{
    const char *found = NULL;

    for (size_t i = 0; i < args->option_count; i++) {
        if (args->options[i].key == key)
            found = args->options[i].value;
    }
    return found;
}

bool
args_has(const struct cli_args *args, int key)
{
    for (size_t i = 0; i < args->option_count; i++) {
        if (args->options[i].key == key)
            return true;
    }
    return false;
}

json_t *
args_list(const struct cli_args *args, int key)
{
    json_t *list = NULL;

    for (size_t i = 0; i < args->option_count; i++) {
        if (args->options[i].key != key || args->options[i].value == NULL)
            continue;
        if (list == NULL)
            list = json_array();
        json_array_append_new(list, json_string(args->options[i].value));
    }
    return list;
}

uint64_t
args_number(const struct cli_args *args, int key, uint64_t otherwise, uint64_t min)
{
    const char *text = args_get(args, key);
    unsigned long long value;
    char *end;

    if (text == NULL)
        return otherwise;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min)
        usage_fail(_("not a number that fits: %s"), text);
    return value;
}

static void
warn(const char *format, va_list ap)
{
    fputs("wici: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
}

void
usage_fail(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    warn(format, ap);
    va_end(ap);
    exit(CLI_USAGE);
}

void
cli_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    warn(format, ap);
    va_end(ap);
}

/* ---- main */

static void
help_print(FILE *out)
{
    fprintf(out, "%s\n\n", _("Usage: wici COMMAND [OPTION...] [WORD...]"));
    for (const struct cli_command *c = commands; c->name != NULL; c++)
        fprintf(out, "  %-12s %s\n", c->name, _(c->help));
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
    const struct argp_child children[] = {{&common_argp, 0, NULL, 90}, {NULL, 0, NULL, 0}};
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
        if (strcmp(argv[at], c->name) == 0)
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
    free(cli.role);
    if (fflush(stdout) != 0 && rc == CLI_OK)
        rc = CLI_FAILED;
    return rc;
}
