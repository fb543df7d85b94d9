/*
 * agent_config - see agent_config.h
 */
#include "agents/agent_config.h"
#include "agents/worklist.h"

#include "proto/types.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 2048u

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_YES_NO };

struct option_def {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *fallback; /* NULL: must be given */
    uint64_t min, max;    /* of a number; of a text: bytes */
};

#define CONFIG(member) offsetof(struct agent_config, member)
#define ROLE(member)   offsetof(struct agent_role, member)

static const struct option_def config_options[] = {
    /* name             kind           field                  default  min  max */
    {"endpoint", OPTION_TEXT, CONFIG(endpoint), NULL, 1, 1000},
    {"server_key", OPTION_TEXT, CONFIG(server_key), NULL, 40, 40},
    {"key_file", OPTION_TEXT, CONFIG(key_file), NULL, 1, 1000},
    {"dir", OPTION_TEXT, CONFIG(dir), NULL, 1, 1000},
    {"role", OPTION_TEXT, CONFIG(role_file), NULL, 1, 1000},
    {"session", OPTION_TEXT, CONFIG(session), "agent", 1, 64},
    {"holidays", OPTION_TEXT, CONFIG(holidays), "", 0, 1000},
    {"cursor", OPTION_TEXT, CONFIG(cursor), "agent", 1, 40},
    {"log_key", OPTION_TEXT, CONFIG(log_key), "", 0, 9000},
    {"poll_ms", OPTION_NUMBER, CONFIG(poll_ms), "2000", 50, 600000},
    {"settle_ms", OPTION_NUMBER, CONFIG(settle_ms), "2000", 0, 600000},
    {"half_written_ms", OPTION_NUMBER, CONFIG(half_ms), "60000", 100, 3600000},
    {"window", OPTION_NUMBER, CONFIG(window), "64", 1, 64},
    {"delivery_seconds", OPTION_NUMBER, CONFIG(delivery_s), "300", 1, 86400},
    {"delivery_days", OPTION_NUMBER, CONFIG(delivery_days), "60", 1, 3660},
};

static const struct option_def role_options[] = {
    {"name", OPTION_TEXT, ROLE(name), NULL, 1, 200},
    {"role", OPTION_TEXT, ROLE(role), NULL, 1, 16},
    {"profession", OPTION_TEXT, ROLE(profession), "", 0, 80},
    {"families", OPTION_TEXT, ROLE(families), "", 0, 300},
    {"tasks", OPTION_TEXT, ROLE(tasks), "", 0, 200},
    {"language", OPTION_TEXT, ROLE(language), "pl", 2, 2},
    {"page_header", OPTION_TEXT, ROLE(page_header), "", 0, 1000},
    {"page_footer", OPTION_TEXT, ROLE(page_footer), "", 0, 1000},
    {"own_events", OPTION_YES_NO, ROLE(own), "yes", 0, 0},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static char **
text_field(void *object, const struct option_def *def)
{
    return (char **)(void *)((char *)object + def->offset);
}

static const char *
option_set(void *object, const struct option_def *def, const char *value)
{
    char *end = NULL;
    uint64_t number;
    size_t len = strlen(value);
    char *copy;

    switch (def->kind) {
    case OPTION_TEXT:
        if (len < def->min || len > def->max)
            return "the value is too short or too long";
        copy = strdup(value);
        if (copy == NULL)
            return "out of memory";
        *text_field(object, def) = copy;
        return NULL;
    case OPTION_NUMBER:
        errno = 0;
        number = strtoull(value, &end, 10);
        if (!isdigit((unsigned char)value[0]) || *end != '\0' || errno != 0)
            return "the value is not a number";
        if (number < def->min || number > def->max)
            return "the number is out of bounds";
        *(uint64_t *)(void *)((char *)object + def->offset) = number;
        return NULL;
    case OPTION_YES_NO:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return "the value must be yes or no";
        *(bool *)((char *)object + def->offset) = strcmp(value, "yes") == 0;
        return NULL;
    }
    abort();
}

static char *
trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static const char *
option_line(void *object, const struct option_def *defs, size_t count, bool *seen, char *line)
{
    char *value = strchr(line, '=');
    char *name;

    if (value == NULL)
        return "expected: name = value";
    *value++ = '\0';
    name = trim(line);
    value = trim(value);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(defs[i].name, name) != 0)
            continue;
        if (seen[i])
            return "this option is given twice";
        seen[i] = true;
        return option_set(object, &defs[i], value);
    }
    return "there is no such option";
}

static int
options_read(void *object, const struct option_def *defs, size_t count, const char *path, char *error)
{
    bool seen[32] = {false};
    char line[LINE_SIZE];
    const char *wrong = NULL;
    unsigned number = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        int rc = -errno;

        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: %s", path, strerror(-rc));
        return rc;
    }
    while (wrong == NULL && fgets(line, sizeof line, file) != NULL) {
        char *text;

        number++;
        if (strchr(line, '\n') == NULL && !feof(file)) {
            wrong = "the line is too long";
            break;
        }
        text = trim(line);
        if (*text != '\0' && *text != '#')
            wrong = option_line(object, defs, count, seen, text);
    }
    (void)fclose(file);
    if (wrong != NULL) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s:%u: %s", path, number, wrong);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (seen[i])
            continue;
        wrong = defs[i].fallback == NULL ? "this option must be given" : option_set(object, &defs[i], defs[i].fallback);
        if (wrong != NULL) {
            (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: %s: %s", path, defs[i].name, wrong);
            return -EINVAL;
        }
    }
    return 0;
}

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
            (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: families: there is no family \"%s\", or too many", path,
                           word);
            rc = -EINVAL;
        } else if ((role->family[count] = strdup(word)) == NULL) {
            rc = -ENOMEM;
        } else {
            count++;
        }
    }
    free(copy);
    return rc;
}

int
agent_role_read(struct agent_role *ret, const char *path, char error[AGENT_CONFIG_ERROR_MAX])
{
    struct agent_role role = {0};
    const char *word;
    size_t word_len;
    int rc = options_read(&role, role_options, COUNT(role_options), path, error);

    if (rc == 0 && role_by_name(role.role) == 0) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: role: there is no role \"%s\"", path, role.role);
        rc = -EINVAL;
    }
    if (rc == 0 && strcmp(role.language, "pl") != 0 && strcmp(role.language, "en") != 0) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: language: pl or en", path);
        rc = -EINVAL;
    }
    if (rc == 0 && !worklist_rules_check(role.tasks, &word, &word_len)) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: tasks: there is no deadline \"%.*s\"", path, (int)word_len,
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

/* A relative path is relative to the configuration file, wherever the agent is started. */
static int
path_resolve(char **path, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    char *joined = NULL;

    if ((*path)[0] == '/' || slash == NULL)
        return 0;
    if (asprintf(&joined, "%.*s/%s", (int)(slash - config_path), config_path, *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = joined;
    return 0;
}

int
agent_config_read(struct agent_config *ret, const char *path, char error[AGENT_CONFIG_ERROR_MAX])
{
    struct agent_config config = {0};
    int rc;

    error[0] = '\0';
    rc = options_read(&config, config_options, COUNT(config_options), path, error);
    if (rc == 0)
        rc = path_resolve(&config.key_file, path);
    if (rc == 0)
        rc = path_resolve(&config.dir, path);
    if (rc == 0)
        rc = path_resolve(&config.role_file, path);
    if (rc == 0 && config.holidays[0] != '\0')
        rc = path_resolve(&config.holidays, path);
    if (rc == 0)
        rc = agent_role_read(&config.role, config.role_file, error);
    if (rc != 0) {
        if (error[0] == '\0')
            (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: %s", path, strerror(-rc));
        agent_config_free(&config);
        return rc;
    }
    *ret = config;
    return 0;
}

int
agent_config_check_key(const struct agent_config *config, char error[AGENT_CONFIG_ERROR_MAX])
{
    struct stat st;

    if (stat(config->key_file, &st) < 0) {
        int rc = -errno;

        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: %s", config->key_file, strerror(-rc));
        return rc;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: others may read this key file; run: chmod 600 %s",
                       config->key_file, config->key_file);
        return -EPERM;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        (void)snprintf(error, AGENT_CONFIG_ERROR_MAX, "%s: the key file belongs to another user", config->key_file);
        return -EPERM;
    }
    return 0;
}

static void
options_print(const void *object, const struct option_def *defs, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *field = (const char *)object + defs[i].offset;

        switch (defs[i].kind) {
        case OPTION_TEXT: fprintf(out, "%s = %s\n", defs[i].name, *(char *const *)(const void *)field); break;
        case OPTION_NUMBER:
            fprintf(out, "%s = %llu\n", defs[i].name, (unsigned long long)*(const uint64_t *)(const void *)field);
            break;
        case OPTION_YES_NO: fprintf(out, "%s = %s\n", defs[i].name, *(const bool *)field ? "yes" : "no"); break;
        }
    }
}

void
agent_config_print(const struct agent_config *config, FILE *out)
{
    options_print(config, config_options, COUNT(config_options), out);
    fprintf(out, "\n# %s\n", config->role_file);
    options_print(&config->role, role_options, COUNT(role_options), out);
}

static void
options_free(void *object, const struct option_def *defs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (defs[i].kind == OPTION_TEXT)
            free(*text_field(object, &defs[i]));
}

void
agent_role_free(struct agent_role *role)
{
    options_free(role, role_options, COUNT(role_options));
    for (size_t i = 0; role->family[i] != NULL; i++)
        free(role->family[i]);
    *role = (struct agent_role){0};
}

void
agent_config_free(struct agent_config *config)
{
    agent_role_free(&config->role);
    options_free(config, config_options, COUNT(config_options));
    *config = (struct agent_config){0};
}
