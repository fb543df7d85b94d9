/*
 * config - see config.h
 */
#include "broker/config.h"
#include "broker/log.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_word levels[] = {
    {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {NULL, 0}};

#define M (1ull << 20)
#define T (1ull << 40)

#define MEMBER(name) offsetof(struct config, name)

static const struct option_def defs[] = {
    /* name       kind         member            default     min max words */
    {"listen", OPTION_TEXT, MEMBER(listen), "tcp://*:5599", 1, CONFIG_STRING_MAX, NULL},
    {"data.dir", OPTION_TEXT, MEMBER(data_dir), "/var/lib/wici/data", 1, CONFIG_STRING_MAX, NULL},
    {"data.size_max", OPTION_BYTES, MEMBER(data_size_max), "64G", 16 * M, 16 * T, NULL},
    {"key.dir", OPTION_TEXT, MEMBER(key_dir), "/var/lib/wici/keys", 1, CONFIG_STRING_MAX, NULL},
    {"kek.file", OPTION_TEXT, MEMBER(kek_file), "/etc/wici/kek", 1, CONFIG_STRING_MAX, NULL},
    {"curve.key", OPTION_TEXT, MEMBER(curve_key), "/etc/wici/curve.key", 1, CONFIG_STRING_MAX, NULL},
    {"checkpoint.key", OPTION_TEXT, MEMBER(checkpoint_key), "/etc/wici/checkpoint.key", 1, CONFIG_STRING_MAX, NULL},
    {"guard.file", OPTION_TEXT, MEMBER(guard_file), "/var/lib/wici/guard", 1, CONFIG_STRING_MAX, NULL},
    {"backup.dir", OPTION_TEXT, MEMBER(backup_dir), "/var/backups/wici/log", 1, CONFIG_STRING_MAX, NULL},
    {"backup.key_dir", OPTION_TEXT, MEMBER(backup_key_dir), "/var/backups/wici/keys", 1, CONFIG_STRING_MAX, NULL},
    {"log.level", OPTION_WORD, MEMBER(log_level), "info", 0, 0, levels},
};

static const struct options options = {defs, sizeof defs / sizeof defs[0]};

/* "/var/lib/wici/guard.erased". -ENOMEM */
static int
erased_file_set(struct config *config)
{
    char *path = NULL;

    if (asprintf(&path, "%s.erased", config->guard_file) < 0)
        return -ENOMEM;
    free(config->erased_file);
    config->erased_file = path;
    return 0;
}

int
config_init(struct config *ret)
{
    int rc;

    memset(ret, 0, sizeof *ret);
    rc = options_default(&options, ret);
    if (rc == 0)
        rc = erased_file_set(ret);
    if (rc != 0)
        config_free(ret);
    return rc;
}

int
config_read(struct config *config, const char *path, char error[OPTIONS_ERROR_MAX])
{
    int rc = options_read(&options, config, path, error);

    return rc == 0 ? erased_file_set(config) : rc;
}

void
config_print(const struct config *config, FILE *out)
{
    options_print(&options, config, out);
}

struct store_options
config_store(const struct config *config)
{
    return (struct store_options){.dir = config->data_dir,
                                  .key_dir = config->key_dir,
                                  .kek_path = config->kek_file,
                                  .erased_path = config->erased_file,
                                  .map_size_max = config->data_size_max};
}

/* Makes the directory and its parents, for their owner only. */
static int
directory_make(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part)
        return -ENAMETOOLONG;
    memcpy(part, path, len + 1);
    for (char *at = part + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return mkdir(part, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

static int
parent_make(const char *path)
{
    char copy[PATH_MAX];

    if (strlen(path) >= sizeof copy)
        return -ENAMETOOLONG;
    memcpy(copy, path, strlen(path) + 1);
    return directory_make(dirname(copy));
}

int
config_directories(const struct config *config)
{
    int rc;

    if ((rc = directory_make(config->data_dir)) != 0 || (rc = directory_make(config->key_dir)) != 0 ||
        (rc = parent_make(config->kek_file)) != 0 || (rc = parent_make(config->curve_key)) != 0 ||
        (rc = parent_make(config->checkpoint_key)) != 0)
        return rc;
    return parent_make(config->guard_file);
}

void
config_free(struct config *config)
{
    options_free(&options, config);
    free(config->erased_file);
    memset(config, 0, sizeof *config);
}
