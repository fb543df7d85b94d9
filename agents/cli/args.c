/* The words and options of a command, and saying what is wrong with them. */
#include "agents/cli/cli.h"
#include "proto/event.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int
cli_none(const struct cli *cli, const char *said)
{
    if (!cli->json)
        fprintf(stderr, "%s\n", said);
    return CLI_NOT_FOUND;
}

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

const struct argp cli_common_argp = {common_options, common_parse, NULL, NULL, NULL, NULL, "wici"};

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

void
args_parse(struct cli *cli, const struct cli_syntax *syntax, int argc, char **argv, struct cli_args *ret)
{
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
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

static bool
time_take(const char *text, char ret[32])
{
    uint64_t ms, age;
    struct tm tm = {.tm_isdst = -1};
    const char *rest;
    char *end;

    if (time_parse(text, &ms) == 0) {
        time_format(ms, ret);
        return true;
    }
    rest = strptime(text, "%Y-%m-%d", &tm);
    if (rest != NULL && *rest == '\0') {
        time_t t = mktime(&tm);

        if (t < 0)
            return false;
        time_format((uint64_t)t * 1000, ret);
        return true;
    }
    age = strtoull(text, &end, 10);
    if (end == text || text[0] < '0' || text[0] > '9' || end[0] == '\0' || end[1] != '\0' || age > 1000000)
        return false;
    switch (*end) {
    case 's': break;
    case 'm': age *= 60; break;
    case 'h': age *= 3600; break;
    case 'd': age *= 86400; break;
    default: return false;
    }
    time_format(((uint64_t)time(NULL) - age) * 1000, ret);
    return true;
}

bool
args_time(const struct cli_args *args, int key, char ret[32])
{
    const char *text = args_get(args, key);

    if (text == NULL)
        return false;
    if (!time_take(text, ret))
        usage_fail(_("not a time: %s; times are 2026-03-01, 2026-03-01T08:30:00Z, or an age as 90m, 2h, 3d"), text);
    return true;
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
