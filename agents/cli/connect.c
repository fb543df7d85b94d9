/*
 * connect - settings, the connection, and what a command asks of it
 *
 * Settings are `key = value` lines; a key_file that is no absolute path is looked for beside the settings:
 *
 *     endpoint   = tcp://broker.example:5599
 *     server_key = <40 characters>
 *     key_file   = unit.key
 *
 * Those of wici-agent will do as well.
 */
#include "agents/cli/cli.h"
#include "agents/agent_config.h"

#include "proto/options.h"
#include "proto/types.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLI_SLOTS_MAX 32u

/* ---- settings */

struct settings {
    char *endpoint, *server_key, *key_file, *role;
};

#define SETTING(name, kind)                                                                                            \
    {                                                                                                                  \
#name, kind, offsetof(struct settings, name), "", 0, 4096, NULL                                                \
    }

static const struct option_def setting_defs[] = {SETTING(endpoint, OPTION_TEXT), SETTING(server_key, OPTION_TEXT),
                                                 SETTING(key_file, OPTION_PATH), SETTING(role, OPTION_TEXT)};

static const struct options setting_table = {setting_defs, sizeof setting_defs / sizeof setting_defs[0]};

/* What was given as an option wins. */
static void
setting_take(char **to, char **from)
{
    if (*to != NULL || (*from)[0] == '\0')
        return;
    *to = *from;
    *from = NULL;
}

/* An office has the settings of its agent: who is to be asked, and as whom, stands there too. False: that is no such
 * file. */
static bool
agent_settings_take(struct cli *cli, const char *path)
{
    struct agent_config config = {0};
    char error[OPTIONS_ERROR_MAX];

    if (agent_config_read(&config, path, error) != 0)
        return false;
    setting_take(&cli->endpoints, &config.endpoint);
    setting_take(&cli->server_key, &config.server_key);
    setting_take(&cli->key_file, &config.key_file);
    setting_take(&cli->usual_role, &config.role.role);
    agent_config_free(&config);
    return true;
}

static int
settings_read(struct cli *cli, const char *path, bool must)
{
    struct settings settings = {NULL, NULL, NULL, NULL};
    char error[OPTIONS_ERROR_MAX];
    int rc = options_read(&setting_table, &settings, path, error);

    if (rc == -EINVAL && agent_settings_take(cli, path)) {
        rc = 0;
    } else if (rc == 0) {
        setting_take(&cli->endpoints, &settings.endpoint);
        setting_take(&cli->server_key, &settings.server_key);
        setting_take(&cli->key_file, &settings.key_file);
        setting_take(&cli->role, &settings.role);
    } else if (rc == -ENOENT && !must) {
        rc = 0;
    } else {
        cli_warn("%s", error);
    }
    options_free(&setting_table, &settings);
    return rc == 0 ? CLI_OK : rc == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

/* The settings file, over what was not given as an option. Prints what is wrong. */
static int
settings_take(struct cli *cli)
{
    const char *path = cli->config != NULL ? cli->config : getenv("WICI_CONFIG");
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char text[PATH_MAX];
    int n = 0;

    if (path != NULL && path[0] != '\0')
        return settings_read(cli, path, true);
    if (base != NULL && base[0] != '\0')
        n = snprintf(text, sizeof text, "%s/wici/wici.conf", base);
    else if (home != NULL)
        n = snprintf(text, sizeof text, "%s/.config/wici/wici.conf", home);
    return n > 0 && (size_t)n < sizeof text ? settings_read(cli, text, false) : CLI_OK;
}

/* ---- errors */

void
cli_refusal_print(const struct cli *cli, const struct wici_error *error)
{
    fprintf(stderr, "%s%s%s: %s\n", error->code, error->path[0] != '\0' ? " " : "", error->path,
            cli->pl ? error->pl : error->en);
}

/* Refusals that mean: there is no such thing, for you. */
static bool
error_is_unknown(const struct wici_error *error)
{
    return strcmp(error->code, "E_UNKNOWN") == 0 || strcmp(error->code, "E_CURSOR") == 0;
}

int
cli_fail(struct cli *cli, int rc, const char *what)
{
    const struct wici_error *error = cli->w != NULL ? wici_error(cli->w) : NULL;

    switch (rc) {
    case -EPROTO:
    case -ESTALE:
        if (error != NULL) {
            cli_refusal_print(cli, error);
            return error_is_unknown(error) ? CLI_NOT_FOUND : CLI_REFUSED;
        }
        break;
    case -EACCES:
        if (error != NULL) {
            cli_refusal_print(cli, error);
            return CLI_REFUSED;
        }
        break;
    case -ETIMEDOUT: cli_warn(_("the broker did not answer in time (%s)"), cli->endpoints); return CLI_NO_BROKER;
    case -EINTR: return CLI_FAILED;
    default: break;
    }
    cli_warn("%s: %s", what, strerror(-rc));
    return CLI_FAILED;
}

/* ---- the connection */

/*
 * The session's name. The broker cannot see that a client has gone and keeps its session for a while, and a unit has
 * a limited number of them; so commands use few names again and again. Two at once must not use the same one, since
 * the second would take the session over: a name is taken by binding a socket in Linux's abstract name space, which
 * the system gives back when the program ends, however it ends.
 */
static void
session_take(struct cli *cli, char ret[32])
{
    char host[65] = "";
    uint32_t hash = 2166136261u;

    (void)gethostname(host, sizeof host - 1);
    for (const char *c = host; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (unsigned slot = 0; slot < CLI_SLOTS_MAX; slot++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), n;

        if (fd < 0)
            break;
        n = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "wici-%.40s-%u", cli->server_key, slot);
        if (bind(fd, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0) {
            cli->slot_fd = fd;
            snprintf(ret, 32, "cli-%08x-%u", hash, slot);
            return;
        }
        close(fd);
    }
    snprintf(ret, 32, "cli-%08x-%ld", hash, (long)getpid());
}

int
cli_connect(struct cli *cli)
{
    struct wici_options options = {0};
    char session[32], *text = NULL;
    int rc = settings_take(cli);

    if (rc != CLI_OK)
        return rc;
    if (cli->endpoints == NULL || cli->server_key == NULL || cli->key_file == NULL) {
        cli_warn(_("endpoint, server_key and key_file are needed: as options, or in ~/.config/wici/wici.conf"));
        return CLI_USAGE;
    }
    session_take(cli, session);
    options.endpoints = cli->endpoints;
    options.server_key = cli->server_key;
    options.key_file = cli->key_file;
    options.session = session;
    options.software = "wici " WICI_VERSION;
    options.window = cli->window;
    options.bare_answers = cli->bare_answers;
    rc = wici_open(&cli->w, &options);
    if (rc == -EPERM) {
        cli_warn(_("%s: others can read this key file: chmod 600 mends it"), cli->key_file);
        return CLI_FAILED;
    }
    if (rc == -EBADMSG) {
        cli_warn(_("%s: not a key pair"), cli->key_file);
        return CLI_FAILED;
    }
    if (rc == -EINVAL) {
        cli_warn(_("endpoint or server_key is malformed"));
        return CLI_USAGE;
    }
    if (rc != 0)
        return cli_fail(cli, rc, cli->key_file);
    rc = wici_wait_ready(cli->w, cli->timeout_ms);
    if (rc == -ETIMEDOUT) {
        cli_warn(_("the broker cannot be reached (%s)"), cli->endpoints);
        return CLI_NO_BROKER;
    }
    if (rc != 0)
        return cli_fail(cli, rc, cli->endpoints);
    rc = wici_welcome_json(cli->w, &text);
    if (rc != 0)
        return cli_fail(cli, rc, cli->endpoints);
    cli->welcome = json_loads(text, 0, NULL);
    free(text);
    return CLI_OK;
}

const char *
cli_role(struct cli *cli, const char *preferred)
{
    const json_t *roles = json_object_get(cli->welcome, "roles");
    char *list;

    if (cli->role != NULL)
        return cli->role;
    for (size_t i = 0; preferred != NULL && i < json_array_size(roles); i++) {
        const char *role = json_string_value(json_array_get(roles, i));

        if (role != NULL && strcmp(role, preferred) == 0)
            return role;
    }
    if (json_array_size(roles) == 1)
        return json_string_value(json_array_get(roles, 0));
    if (cli->usual_role != NULL)
        return cli->usual_role;
    list = jjoin(roles);
    cli_warn(_("this unit has several roles (%s): say which one acts with --role"), list != NULL ? list : "");
    free(list);
    return NULL;
}

int
cli_ask(void *cli, const char *request, char **ret)
{
    const struct cli *c = cli;

    return wici_query(c->w, request, c->timeout_ms, ret);
}

int
cli_query(struct cli *cli, json_t *request, json_t **ret)
{
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT), *answer = NULL;
    int rc;

    json_decref(request);
    if (text == NULL)
        return cli_fail(cli, -ENOMEM, "wici");
    rc = cli_ask(cli, text, &answer);
    free(text);
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    *ret = json_loads(answer, 0, NULL);
    free(answer);
    return *ret == NULL ? cli_fail(cli, -ENOMEM, "wici") : CLI_OK;
}

int
cli_directory(struct cli *cli, json_t **ret)
{
    json_t *result = NULL;
    int rc = cli_query(cli, json_pack("{s:{}}", "directory"), &result);

    if (rc != CLI_OK)
        return rc;
    *ret = json_incref(json_object_get(result, "directory"));
    json_decref(result);
    return CLI_OK;
}

void
cli_warnings_print(const struct cli *cli, const json_t *receipt)
{
    const json_t *warning;
    size_t i;

    json_array_foreach(json_object_get(receipt, "warnings"), i, warning)
    {
        const char *rule = jstr(warning, "rule"), *source = jstr(warning, "source");

        printf("  %s %s: %s", jstr(warning, "code"), jstr(warning, "path"),
               jstr(warning, cli->pl ? "textPl" : "textEn"));
        if (rule[0] != '\0')
            printf(" (%s%s%s)", rule, source[0] != '\0' ? ", " : "", source);
        puts("");
    }
}

int
cli_command_event(struct cli *cli, const char *type, const char *dossier, const char *role, json_t *body)
{
    return cli_command_answering(cli, type, dossier, role, NULL, body);
}

int
cli_command_answering(struct cli *cli, const char *type, const char *dossier, const char *role, const char *cause,
                      json_t *body)
{
    const struct type_info *info = type_by_name(type);
    char *name = info == NULL ? NULL : section_json_name(info->number, 0), *text = NULL, *receipt = NULL;
    json_t *event;
    int rc;

    if (name == NULL) {
        json_decref(body);
        return cli_fail(cli, -ENOMEM, "wici");
    }
    event = json_pack("{s:{s:s,s:{s:s}},s:[{s:o}]}", "header", "type", info->enum_name, "actor", "role", role,
                      "sections", name, body);
    if (event != NULL && dossier != NULL)
        json_object_set_new(json_object_get(event, "header"), "dossierId", json_string(dossier));
    if (event != NULL && cause != NULL)
        json_object_set_new(json_object_get(event, "header"), "causationId", json_string(cause));
    text = event == NULL ? NULL : json_dumps(event, JSON_COMPACT);
    json_decref(event);
    free(name);
    rc = text == NULL ? -ENOMEM : wici_publish_json(cli->w, text, cli->timeout_ms, &receipt);
    free(text);
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    if (cli->json) {
        puts(receipt);
    } else {
        json_t *json = json_loads(receipt, 0, NULL);

        printf(_("recorded as number %s: %s\n"), jstr(json, "seq"), type_label(cli, type));
        cli_warnings_print(cli, json);
        json_decref(json);
    }
    free(receipt);
    return CLI_OK;
}
