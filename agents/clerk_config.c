/*
 * clerk_config - see clerk_config.h
 */
#include "agents/clerk_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 2048u

enum option {
    OPTION_ENDPOINT,
    OPTION_SERVER_KEY,
    OPTION_KEY_FILE,
    OPTION_HOLIDAYS,
    OPTION_CLOCKS,
    OPTION_INTERVAL,
    OPTION_COUNT
};

static const struct {
    const char *name, *fallback; /* NULL: must be given */
    size_t min, max;             /* bytes */
} options[OPTION_COUNT] = {
    [OPTION_ENDPOINT] = {"endpoint", NULL, 1, 1000}, [OPTION_SERVER_KEY] = {"server_key", NULL, 40, 40},
    [OPTION_KEY_FILE] = {"key_file", NULL, 1, 1000}, [OPTION_HOLIDAYS] = {"holidays", "", 0, 1000},
    [OPTION_CLOCKS] = {"clocks", "", 0, 1000},       [OPTION_INTERVAL] = {"interval_seconds", "300", 1, 5},
};
#define INTERVAL_S_MIN 1u
#define INTERVAL_S_MAX 86400u

static int
say(char *error, int rc, const char *path, unsigned line, const char *what)
{
    if (line > 0)
        (void)snprintf(error, CLERK_CONFIG_ERROR_MAX, "%s:%u: %s", path, line, what);
    else
        (void)snprintf(error, CLERK_CONFIG_ERROR_MAX, "%s: %s", path, what);
    return rc;
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

/* NULL: well; else what is wrong. */
static const char *
line_read(char *line, char *values[OPTION_COUNT])
{
    char *value = strchr(line, '='), *name;

    if (value == NULL)
        return "expected: name = value";
    *value++ = '\0';
    name = trim(line);
    value = trim(value);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        if (values[i] != NULL)
            return "this option is given twice";
        if (strlen(value) < options[i].min || strlen(value) > options[i].max)
            return "the value is too short or too long";
        values[i] = strdup(value);
        return values[i] == NULL ? "out of memory" : NULL;
    }
    return "there is no such option";
}

static int
lines_read(const char *path, char *values[OPTION_COUNT], char *error)
{
    char line[LINE_SIZE];
    const char *wrong = NULL;
    unsigned number = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return say(error, -errno, path, 0, strerror(errno));
    while (wrong == NULL && fgets(line, sizeof line, file) != NULL) {
        char *text = trim(line);

        number++;
        if (strlen(line) == sizeof line - 1)
            wrong = "the line is too long";
        else if (*text != '\0' && *text != '#')
            wrong = line_read(text, values);
    }
    (void)fclose(file);
    if (wrong != NULL)
        return say(error, -EINVAL, path, number, wrong);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        char what[80];

        if (values[i] != NULL)
            continue;
        (void)snprintf(what, sizeof what, "%s: this option must be given", options[i].name);
        if (options[i].fallback == NULL)
            return say(error, -EINVAL, path, 0, what);
        values[i] = strdup(options[i].fallback);
        if (values[i] == NULL)
            return say(error, -ENOMEM, path, 0, strerror(ENOMEM));
    }
    return 0;
}

/* ---- the files it names */

/* A whole file; the caller frees. */
static int
file_read(const char *path, size_t max, char **ret, size_t *ret_len, char *error)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t len;

    if (file == NULL)
        return say(error, -errno, path, 0, strerror(errno));
    text = malloc(max + 1);
    len = text == NULL ? 0 : fread(text, 1, max + 1, file);
    if (text == NULL || ferror(file) != 0 || len > max) {
        int rc = text == NULL ? -ENOMEM : len > max ? -E2BIG : -EIO;

        (void)fclose(file);
        free(text);
        return say(error, rc, path, 0, strerror(-rc));
    }
    (void)fclose(file);
    *ret = text;
    *ret_len = len;
    return 0;
}

int
clerk_calendar_read(struct calendar *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX])
{
    const char *file = path == NULL || path[0] == '\0' ? NULL : path;
    unsigned line = 0;
    int rc = calendar_load(ret, file, &line);

    if (rc == 0)
        return 0;
    return say(error, rc, file == NULL ? "holidays.pl" : file, line,
               line > 0 ? "this is no rule for holidays" : strerror(-rc));
}

int
clerk_settings_read(struct deadline_settings *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX])
{
    char *text = NULL;
    unsigned line = 0;
    size_t len = 0;
    int rc;

    if (path == NULL || path[0] == '\0') {
        *ret = (struct deadline_settings){0};
        return 0;
    }
    rc = file_read(path, DEADLINE_SETTINGS_TEXT_MAX, &text, &len, error);
    if (rc == 0) {
        rc = deadline_settings_parse(ret, text, len, &line);
        if (rc != 0)
            (void)say(error, rc, path, line,
                      rc == -E2BIG ? "too many lines" : "this is no setting of a deadline (docs/DEADLINES.md)");
    }
    free(text);
    return rc;
}

static int
key_check(const char *path, char *error)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return say(error, -errno, path, 0, strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return say(error, -EPERM, path, 0, "others may read this key file; run chmod 600 on it");
    return 0;
}

/* A relative path is relative to the configuration file, wherever the program is started. */
static int
path_resolve(char **path, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    char *joined = NULL;

    if ((*path)[0] == '/' || (*path)[0] == '\0' || slash == NULL)
        return 0;
    if (asprintf(&joined, "%.*s/%s", (int)(slash - config_path), config_path, *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = joined;
    return 0;
}

int
clerk_config_read(struct clerk_config *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX])
{
    struct clerk_config config = {0};
    char *values[OPTION_COUNT] = {NULL}, *end = NULL;
    int rc = lines_read(path, values, error);

    config.endpoint = values[OPTION_ENDPOINT];
    config.server_key = values[OPTION_SERVER_KEY];
    config.key_file = values[OPTION_KEY_FILE];
    config.holidays = values[OPTION_HOLIDAYS];
    config.clocks = values[OPTION_CLOCKS];
    if (rc == 0) {
        config.interval_s = strtoul(values[OPTION_INTERVAL], &end, 10);
        if (!isdigit((unsigned char)values[OPTION_INTERVAL][0]) || *end != '\0' || config.interval_s < INTERVAL_S_MIN ||
            config.interval_s > INTERVAL_S_MAX)
            rc = say(error, -EINVAL, path, 0, "interval_seconds: 1 to 86400");
    }
    free(values[OPTION_INTERVAL]);
    if (rc == 0 && (path_resolve(&config.key_file, path) != 0 || path_resolve(&config.holidays, path) != 0 ||
                    path_resolve(&config.clocks, path) != 0))
        rc = say(error, -ENOMEM, path, 0, strerror(ENOMEM));
    if (rc == 0)
        rc = key_check(config.key_file, error);
    if (rc == 0)
        rc = clerk_calendar_read(&config.calendar, config.holidays, error);
    if (rc == 0)
        rc = clerk_settings_read(&config.settings, config.clocks, error);
    if (rc != 0)
        clerk_config_free(&config);
    else
        *ret = config;
    return rc;
}

void
clerk_config_print(const struct clerk_config *config, FILE *out)
{
    fprintf(out, "endpoint = %s\nserver_key = %s\nkey_file = %s\nholidays = %s\nclocks = %s\ninterval_seconds = %lu\n",
            config->endpoint, config->server_key, config->key_file, config->holidays, config->clocks,
            config->interval_s);
}

void
clerk_config_free(struct clerk_config *config)
{
    free(config->endpoint);
    free(config->server_key);
    free(config->key_file);
    free(config->holidays);
    free(config->clocks);
    deadline_settings_free(&config->settings);
    *config = (struct clerk_config){0};
}
