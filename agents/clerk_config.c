/*
 * clerk_config - see clerk_config.h
 */
#include "agents/clerk_config.h"

#include "proto/language.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER(name) offsetof(struct clerk_config, name)

static const struct option_def defs[] = {
    /* name      kind         member            default  min max words */
    {"endpoint", OPTION_TEXT, MEMBER(endpoint), NULL, 1, 1000, NULL},
    {"server_key", OPTION_TEXT, MEMBER(server_key), NULL, 40, 40, NULL},
    {"key_file", OPTION_PATH, MEMBER(key_file), NULL, 1, 1000, NULL},
    {"holidays", OPTION_PATH, MEMBER(holidays), "", 0, 1000, NULL},
    {"clocks", OPTION_PATH, MEMBER(clocks), "", 0, 1000, NULL},
    {"interval_seconds", OPTION_NUMBER, MEMBER(interval_s), "300", 1, 86400, NULL},
};

static const struct options table = {defs, sizeof defs / sizeof defs[0]};

static int
say(char *error, int rc, const char *path, unsigned line, const char *what)
{
    if (line > 0)
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.200s:%u: %s", path, line, what);
    else
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.300s: %s", path, what);
    return rc;
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
clerk_calendar_read(struct calendar *ret, const char *path, char error[OPTIONS_ERROR_MAX])
{
    const char *file = path == NULL || path[0] == '\0' ? NULL : path;
    unsigned line = 0;
    int rc = calendar_load(ret, file, &line);

    if (rc == 0)
        return 0;
    return say(error, rc, file == NULL ? "holidays.pl" : file, line,
               line > 0 ? _("this is no rule for holidays") : strerror(-rc));
}

int
clerk_settings_read(struct deadline_settings *ret, const char *path, char error[OPTIONS_ERROR_MAX])
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
                      rc == -E2BIG ? _("too many lines") : _("this is no setting of a deadline (docs/DEADLINES.md)"));
    }
    free(text);
    return rc;
}

int
clerk_config_read(struct clerk_config *ret, const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct clerk_config config = {0};
    int rc = options_read(&table, &config, path, error);

    if (rc == 0)
        rc = option_secret_check(config.key_file, error);
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
    options_print(&table, config, out);
}

void
clerk_config_free(struct clerk_config *config)
{
    options_free(&table, config);
    deadline_settings_free(&config->settings);
    *config = (struct clerk_config){0};
}
