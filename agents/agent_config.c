/*
 * agent_config - see agent_config.h
 */
#include "agents/agent_config.h"
#include "agents/worklist.h"
#include "proto/language.h"
#include "proto/types.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG(member) offsetof(struct agent_config, member)
#define ROLE(member)   offsetof(struct agent_role, member)

static const struct option_word erased_words[] = {{"aside", 0}, {"remove", 1}, {NULL, 0}};

static const struct option_def config_options[] = {
    /* name      kind         member            default  min max words */
    {"endpoint", OPTION_TEXT, CONFIG(endpoint), NULL, 1, 1000, NULL},
    {"server_key", OPTION_TEXT, CONFIG(server_key), NULL, 40, 40, NULL},
    {"key_file", OPTION_PATH, CONFIG(key_file), NULL, 1, 1000, NULL},
    {"dir", OPTION_PATH, CONFIG(dir), NULL, 1, 1000, NULL},
    {"role", OPTION_PATH, CONFIG(role_file), NULL, 1, 1000, NULL},
    {"session", OPTION_TEXT, CONFIG(session), "agent", 1, 50, NULL},
    {"holidays", OPTION_PATH, CONFIG(holidays), "", 0, 1000, NULL},
    {"clocks", OPTION_PATH, CONFIG(clocks), "", 0, 1000, NULL},
    {"cursor", OPTION_TEXT, CONFIG(cursor), "agent", 1, 40, NULL},
    {"log_key", OPTION_TEXT, CONFIG(log_key), "", 0, 9000, NULL},
    {"poll_ms", OPTION_NUMBER, CONFIG(poll_ms), "2000", 50, 600000, NULL},
    {"settle_ms", OPTION_NUMBER, CONFIG(settle_ms), "2000", 0, 600000, NULL},
    {"half_written_ms", OPTION_NUMBER, CONFIG(half_ms), "60000", 100, 3600000, NULL},
    {"window", OPTION_NUMBER, CONFIG(window), "64", 1, 64, NULL},
    {"delivery_seconds", OPTION_NUMBER, CONFIG(delivery_s), "300", 1, 86400, NULL},
    {"delivery_days", OPTION_NUMBER, CONFIG(delivery_days), "60", 1, 3660, NULL},
    {"erased", OPTION_WORD, CONFIG(erased_remove), "aside", 0, 0, erased_words},
};

static const struct option_word languages[] = {{"pl", 1}, {"en", 0}, {NULL, 0}};

static const struct option_def role_options[] = {
    {"name", OPTION_TEXT, ROLE(name), NULL, 1, 200, NULL},
    {"role", OPTION_TEXT, ROLE(role), NULL, 1, 16, NULL},
    {"profession", OPTION_TEXT, ROLE(profession), "", 0, 80, NULL},
    {"families", OPTION_TEXT, ROLE(families), "", 0, 300, NULL},
    {"tasks", OPTION_TEXT, ROLE(tasks), "", 0, 200, NULL},
    {"language", OPTION_WORD, ROLE(polish), "pl", 0, 0, languages},
    {"page_header", OPTION_TEXT, ROLE(page_header), "", 0, 1000, NULL},
    {"page_footer", OPTION_TEXT, ROLE(page_footer), "", 0, 1000, NULL},
    {"own_events", OPTION_WORD, ROLE(own), "yes", 0, 0, option_yes_no},
};

static const struct options config_table = {config_options, sizeof config_options / sizeof config_options[0]};
static const struct options role_table = {role_options, sizeof role_options / sizeof role_options[0]};

static bool
family_is_known(const char *family)
{
    for (size_t i = 0; type_at(i) != NULL; i++)
        if (strcmp(type_at(i)->family, family) == 0)
            return true;
    return false;
}

static int
families_split(struct agent_role *role, const char *path, char *error)
{
    size_t count = 0;
    char *copy = strdup(role->families), *rest = copy, *word;
    int rc = copy == NULL ? -ENOMEM : 0;

    while (rc == 0 && (word = strsep(&rest, " ,")) != NULL) {
        if (*word == '\0')
            continue;
        if (count == AGENT_FAMILIES_MAX || !family_is_known(word)) {
            (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: families: there is no family '%.40s', or too many"),
                           path, word);
            rc = -EINVAL;
        } else if ((role->family[count] = strdup(word)) == NULL) {
            rc = -ENOMEM;
        } else {
            count++;
        }
    }
    free(copy);
    if (rc == -ENOMEM)
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.300s: %s", path, strerror(ENOMEM));
    return rc;
}

int
agent_role_read(struct agent_role *ret, const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct agent_role role = {0};
    const char *word;
    size_t word_len;
    int rc = options_read(&role_table, &role, path, error);

    if (rc == 0 && role_by_name(role.role) == 0) {
        (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: role: there is no role '%s'"), path, role.role);
        rc = -EINVAL;
    }
    if (rc == 0 && !worklist_rules_check(role.tasks, &word, &word_len)) {
        (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: tasks: there is no deadline '%.*s'"), path, (int)word_len,
                       word);
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = families_split(&role, path, error);
    if (rc != 0)
        agent_role_free(&role);
    else
        *ret = role;
    return rc;
}

int
agent_config_read(struct agent_config *ret, const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct agent_config config = {0};
    int rc = options_read(&config_table, &config, path, error);

    if (rc == 0)
        rc = agent_role_read(&config.role, config.role_file, error);
    if (rc != 0)
        agent_config_free(&config);
    else
        *ret = config;
    return rc;
}

int
agent_config_check_key(const struct agent_config *config, char error[OPTIONS_ERROR_MAX])
{
    return option_secret_check(config->key_file, error);
}

void
agent_config_print(const struct agent_config *config, FILE *out)
{
    options_print(&config_table, config, out);
    fprintf(out, "\n# %s\n", config->role_file);
    options_print(&role_table, &config->role, out);
}

void
agent_role_free(struct agent_role *role)
{
    options_free(&role_table, role);
    for (size_t i = 0; role->family[i] != NULL; i++)
        free(role->family[i]);
    *role = (struct agent_role){0};
}

void
agent_config_free(struct agent_config *config)
{
    agent_role_free(&config->role);
    options_free(&config_table, config);
    *config = (struct agent_config){0};
}
