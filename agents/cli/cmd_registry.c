/* wici init, key, agency, unit, participant, directory: who may connect, and who takes part */
#include "agents/cli/cli.h"

#include "proto/keyfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

/* ---- what wicid does on its own machine: init, restore, kek */

int
cmd_wicid(struct cli *cli, int argc, char **argv)
{
    char **words = calloc((size_t)argc + 4, sizeof *words);
    static char program[] = "wicid", option[] = "-c";
    size_t at = 0;
    int rc;

    if (words == NULL)
        return CLI_FAILED;
    words[at++] = program;
    words[at++] = argv[0];
    if (cli->config != NULL) { /* given before the command */
        words[at++] = option;
        words[at++] = (char *)(uintptr_t)cli->config;
    }
    for (int i = 1; i < argc; i++)
        words[at++] = argv[i];
    rc = cli_become(words);
    free(words);
    return rc;
}

/* ---- key */

static int
key_generate(const struct cli *cli, const char *path)
{
    struct keyfile key = {0};
    int rc = zmq_curve_keypair(key.public_key, key.secret_key) != 0 ? -ENOTSUP : keyfile_write(path, &key, NULL);

    if (rc == -EEXIST)
        cli_warn(_("%s: there is such a file; it was not touched"), path);
    else if (rc != 0)
        cli_warn("%s: %s", path, strerror(-rc));
    else if (cli->json)
        rc = cli_print_json(json_pack("{s:s,s:s}", "file", path, "public", key.public_key));
    else
        puts(key.public_key);
    keyfile_wipe(&key);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

static int
key_show(const struct cli *cli, const char *path)
{
    struct keyfile key;
    int rc = keyfile_read(path, &key);

    if (rc != 0) {
        cli_warn("%s: %s", path, rc == -EPERM ? _("others can read this key file: chmod 600 mends it") : strerror(-rc));
        return CLI_FAILED;
    }
    if (cli->json)
        rc = cli_print_json(json_pack("{s:s,s:s}", "file", path, "public", key.public_key));
    else
        puts(key.public_key);
    keyfile_wipe(&key);
    return rc;
}

/* ---- the directory */

static void
agencies_print(const json_t *directory)
{
    struct table *t = table_create(5, _("agency"), _("name"), _("kinds"), _("served by"), _("channel"));
    const json_t *agency;
    size_t i;

    json_array_foreach(json_object_get(directory, "agencies"), i, agency)
    {
        char *kinds = jjoin(json_object_get(agency, "kinds"));

        table_row(t, jstr(agency, "id"), jstr(agency, "name"), kinds, jstr(agency, "servedBy"),
                  jstr(agency, "channel"));
        free(kinds);
    }
    table_print(t);
}

static void
units_print(const json_t *directory)
{
    struct table *t = table_create(7, _("unit"), _("agency"), _("name"), _("roles"), _("areas"), _("municipalities"),
                                   _("state"));
    const json_t *unit;
    size_t i;

    json_array_foreach(json_object_get(directory, "units"), i, unit)
    {
        char *roles = jjoin(json_object_get(unit, "roles")), *areas = jjoin(json_object_get(unit, "areas"));
        char *gmina = jjoin(json_object_get(unit, "gmina"));

        table_row(t, jstr(unit, "id"), jstr(unit, "agency"), jstr(unit, "name"), roles, areas, gmina,
                  json_is_true(json_object_get(unit, "suspended")) ? _("suspended") : _("active"));
        free(roles);
        free(areas);
        free(gmina);
    }
    table_print(t);
}

/* part: "agencies", "units", or NULL for both. With --json the whole answer. */
static int
directory_list(struct cli *cli, const char *part)
{
    json_t *result;
    const json_t *directory;
    int rc = cli_connect(cli);

    if (rc == CLI_OK)
        rc = cli_query(cli, json_pack("{s:{}}", "directory"), &result);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        return cli_print_json(result);
    directory = json_object_get(result, "directory");
    if (part == NULL || strcmp(part, "agencies") == 0)
        agencies_print(directory);
    if (part == NULL)
        putchar('\n');
    if (part == NULL || strcmp(part, "units") == 0)
        units_print(directory);
    json_decref(result);
    return rc;
}

int
cmd_directory(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, NULL, N_("Prints all agencies and units."), 0, 0};
    struct cli_args args;

    args_parse(cli, &syntax, argc, argv, &args);
    return directory_list(cli, NULL);
}

/* Adds a member to a section's body, if there is something to add. */
static void
body_set(json_t *body, const char *name, json_t *value)
{
    if (value != NULL)
        json_object_set_new(body, name, value);
}

static json_t *
option_text(const struct cli_args *args, int key)
{
    const char *value = args_get(args, key);

    return value == NULL ? NULL : json_string(value);
}

static int
admin_command(struct cli *cli, const char *type, json_t *body)
{
    const char *role;
    int rc = cli_connect(cli);

    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    role = cli_role(cli, "ADM");
    if (role == NULL) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_command_event(cli, type, NULL, role, body);
}

static int
agency_set(struct cli *cli, const struct cli_args *args)
{
    bool on = args->word_count == 4 && strcmp(args->words[3], "on") == 0;
    json_t *body, *from = option_text(args, 'f');
    char today[DATE_TEXT_SIZE];

    if (args->word_count != 4 || (!on && strcmp(args->words[3], "off") != 0))
        usage_fail(_("say: %s"), "wici agency set ID SETTING on|off");
    body = json_pack("{s:s,s:s,s:b}", "agency", args->words[1], "setting", args->words[2], "on", on);
    cli_today(today);
    body_set(body, "from", from != NULL ? from : json_string(today));
    body_set(body, "to", option_text(args, 't'));
    return admin_command(cli, "sys.setting_registered", body);
}

int
cmd_agency(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"name", 'n', N_("TEXT"), 0, N_("its name"), 0},
        {"kind", 'k', N_("KIND"), 0, N_("OPS, COURT, SCHOOL, ...: see wici types sys.agency_enrolled; may be repeated"),
         0},
        {"gmina", 'g', N_("TERYT"), 0, N_("a municipality it works in; may be repeated"), 0},
        {"from", 'f', N_("DATE"), 0, N_("first day"), 0},
        {"to", 't', N_("DATE"), 0, N_("last day"), 0},
        {"served-by", 's', N_("UNIT"), 0, N_("external: the unit that handles its paper"), 0},
        {"channel", 'C', N_("CHANNEL"), 0, N_("external: PAPER, EDORECZENIA, EPUAP, EMAIL, PHONE, IN_PERSON"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("add ID | external ID | set ID SETTING on|off | list"),
        N_("Enrols an institution (add), or one that has no key of its own (external). An administrator or the "
           "director "
           "registers a rule of its own (set; see wici types sys.setting_registered)."),
        1, 4};
    struct cli_args args;
    json_t *body;
    bool external;

    args_parse(cli, &syntax, argc, argv, &args);
    if (strcmp(args.words[0], "set") == 0)
        return agency_set(cli, &args);
    external = strcmp(args.words[0], "external") == 0;
    if (strcmp(args.words[0], "list") == 0 && args.word_count == 1)
        return directory_list(cli, "agencies");
    if ((!external && strcmp(args.words[0], "add") != 0) || args.word_count != 2)
        usage_fail(_("say: %s"), _(syntax.words));
    body = json_pack("{s:s}", "agencyId", args.words[1]);
    body_set(body, "name", option_text(&args, 'n'));
    body_set(body, "kinds", args_list(&args, 'k'));
    if (external) {
        body_set(body, "servedBy", option_text(&args, 's'));
        body_set(body, "channel", option_text(&args, 'C'));
        return admin_command(cli, "sys.external_enrolled", body);
    }
    body_set(body, "gmina", args_list(&args, 'g'));
    body_set(body, "from", option_text(&args, 'f'));
    body_set(body, "to", option_text(&args, 't'));
    return admin_command(cli, "sys.agency_enrolled", body);
}

/* The public key that an option names: itself, or a file that holds it. */
static json_t *
option_key(const struct cli_args *args)
{
    const char *value = args_get(args, 'k');
    struct keyfile key;
    json_t *text;
    int rc;

    if (value == NULL)
        usage_fail(_("--key is missing: the public key, or its key file"));
    if (keyfile_is_key(value))
        return json_string(value);
    rc = keyfile_read(value, &key);
    if (rc != 0)
        usage_fail(_("%s: neither a public key nor a key file (%s)"), value, strerror(-rc));
    text = json_string(key.public_key);
    keyfile_wipe(&key);
    return text;
}

static int
unit_rotate(struct cli *cli, const struct cli_args *args, const char *unit)
{
    json_t *body = json_pack("{s:s}", "unitId", unit);
    const char *role;
    char until[32];
    int rc;

    body_set(body, "key", option_key(args));
    if (args_time(args, 'u', until))
        body_set(body, "oldUntil", json_string(until));
    rc = cli_connect(cli);
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    /* An administrator, or the unit itself in any of its roles. */
    role = cli_role(cli, "ADM");
    if (role == NULL) {
        json_decref(body);
        return CLI_USAGE;
    }
    return cli_command_event(cli, "sys.unit_key_rotated", NULL, role, body);
}

static const struct argp_option rotate_options[] = {
    {"key", 'k', N_("KEY|FILE"), 0, N_("the new public key, or the key file that holds it"), 0},
    {"old-until", 'u', N_("TIME"), 0, N_("until when the old key stays valid"), 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

int
cmd_key(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {rotate_options, N_("generate FILE | show FILE | rotate UNIT"),
                                             N_("Makes a key pair in a new file and prints its public key (generate), "
                                                "prints that of a file (show), or gives a "
                                                "unit a new key (rotate)."),
                                             2, 2};
    struct cli_args args;

    args_parse(cli, &syntax, argc, argv, &args);
    if (strcmp(args.words[0], "generate") == 0)
        return key_generate(cli, args.words[1]);
    if (strcmp(args.words[0], "show") == 0)
        return key_show(cli, args.words[1]);
    if (strcmp(args.words[0], "rotate") == 0)
        return unit_rotate(cli, &args, args.words[1]);
    usage_fail(_("say: %s"), _(syntax.words));
}

static json_t *
unit_body(const struct cli_args *args, const char *unit)
{
    json_t *body = json_pack("{s:s}", "unitId", unit);

    body_set(body, "agencyId", option_text(args, 'a'));
    body_set(body, "name", option_text(args, 'n'));
    body_set(body, "roles", args_list(args, 'r'));
    body_set(body, "areas", args_list(args, 'A'));
    body_set(body, "gmina", args_list(args, 'g'));
    body_set(body, "parent", option_text(args, 'p'));
    body_set(body, "key", option_key(args));
    return body;
}

int
cmd_unit(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"agency", 'a', N_("ID"), 0, N_("add: the agency it belongs to"), 0},
        {"name", 'n', N_("TEXT"), 0, N_("add: its name"), 0},
        {"role", 'r', N_("ROLE"), 0, N_("add: SW, INT, FA, DIR, ...; may be repeated"), 0},
        {"area", 'A', N_("TEXT"), 0, N_("add: an area (rejon) it serves; may be repeated"), 0},
        {"gmina", 'g', N_("TERYT"), 0, N_("add: a municipality; may be repeated"), 0},
        {"parent", 'p', N_("UNIT"), 0, N_("add: the unit it belongs to"), 0},
        {"key", 'k', N_("KEY|FILE"), 0, N_("add, rotate: the public key, or the key file that holds it"), 0},
        {"old-until", 'u', N_("TIME"), 0, N_("rotate: until when the old key stays valid"), 0},
        {"reason", 'R', N_("TEXT"), 0, N_("suspend: why"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("add ID | suspend ID | resume ID | rotate ID | list"),
        N_("Enrols a unit, the mailbox that holds a key; suspends and resumes it; gives it a new key."), 1, 2};
    struct cli_args args;
    const char *verb;
    json_t *body;

    args_parse(cli, &syntax, argc, argv, &args);
    verb = args.words[0];
    if (strcmp(verb, "list") == 0 && args.word_count == 1)
        return directory_list(cli, "units");
    if (args.word_count != 2)
        usage_fail(_("say: %s"), _(syntax.words));
    if (strcmp(verb, "add") == 0)
        return admin_command(cli, "sys.unit_enrolled", unit_body(&args, args.words[1]));
    if (args_has(&args, 'r') && cli->role == NULL)
        cli->role = strdup(args_get(&args, 'r')); /* elsewhere --role is the role that acts */
    if (strcmp(verb, "rotate") == 0)
        return unit_rotate(cli, &args, args.words[1]);
    body = json_pack("{s:s}", "unitId", args.words[1]);
    if (strcmp(verb, "resume") == 0)
        return admin_command(cli, "sys.unit_resumed", body);
    body_set(body, "reason", option_text(&args, 'R'));
    if (strcmp(verb, "suspend") == 0)
        return admin_command(cli, "sys.unit_suspended", body);
    json_decref(body);
    usage_fail(_("say: %s"), _(syntax.words));
}

/* ---- who takes part */

int
cmd_participant(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"about", OPT_ABOUT, N_("PERSON"), 0, N_("add: only about this person; may be repeated"), 0},
        {"purpose", 'p', N_("WORD"), 0, N_("add: SUPPORT, CARE, SCHOOLING, HEALTH, SUPERVISION, SERVICE, OTHER"), 0},
        {"history-from", 'h', N_("SEQ"), 0, N_("add: give what happened from that number on; needs --ground"), 0},
        {"ground", 'g', N_("WORD"), 0, N_("add: CONSENT, COURT_ORDER, STATUTE, VITAL_INTEREST"), 0},
        {"legal-basis", 'l', N_("TEXT"), 0, N_("add: the provision or document of that ground"), 0},
        {"until", 'u', N_("DATE"), 0, N_("add: last day"), 0},
        {"reason", 'r', N_("WORD"), 0, N_("remove: ENDED, LEFT, MISTAKE, OTHER"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("add DOSSIER UNIT | remove DOSSIER UNIT"),
        N_("The holder of a dossier lets another unit take part, or ends that; a unit may also leave by itself."), 3,
        3};
    struct cli_args args;
    const char *role;
    json_t *body, *ground;
    bool add;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    add = strcmp(args.words[0], "add") == 0;
    if (!add && strcmp(args.words[0], "remove") != 0)
        usage_fail(_("say: %s"), _(syntax.words));
    body = json_pack("{s:s}", "unit", args.words[2]);
    if (add) {
        body_set(body, "about", args_list(&args, OPT_ABOUT));
        body_set(body, "purpose", option_text(&args, 'p'));
        body_set(body, "until", option_text(&args, 'u'));
        if (args_has(&args, 'h'))
            body_set(body, "historyFrom", json_integer((json_int_t)args_number(&args, 'h', 0, 1)));
        if (args_has(&args, 'g')) {
            ground = json_pack("{s:s}", "basis", args_get(&args, 'g'));
            body_set(ground, "legalBasis", option_text(&args, 'l'));
            body_set(body, "ground", ground);
        }
    } else {
        body_set(body, "reason", option_text(&args, 'r'));
    }
    rc = cli_connect(cli);
    role = rc == CLI_OK ? cli_role(cli, NULL) : NULL;
    if (role == NULL) {
        json_decref(body);
        return rc != CLI_OK ? rc : CLI_USAGE;
    }
    return cli_command_event(cli, add ? "sys.participant_added" : "sys.participant_removed", args.words[1], role, body);
}
