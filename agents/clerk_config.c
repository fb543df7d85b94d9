/*
 * clerk_config - see clerk_config.h
 */
#include "agents/clerk_config.h"

#include "agents/deadline_files.h"

#include <stddef.h>

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

int
clerk_config_read(struct clerk_config *ret, const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct clerk_config config = {0};
    int rc = options_read(&table, &config, path, error);

    if (rc == 0)
        rc = option_secret_check(config.key_file, error);
    if (rc == 0)
        rc = deadline_calendar_read(&config.calendar, config.holidays, error);
    if (rc == 0)
        rc = deadline_settings_read(&config.settings, config.clocks, error);
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
