/*
 * config - see config.h
 */
#include "broker/config.h"
#include "broker/log.h"
#include "proto/language.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_STRING, OPTION_BYTES, OPTION_LEVEL };

struct option_def {
    const char *name;
    enum option_kind kind;
    size_t field;
    const char *value; /* default */
    const char *min, *max;
};

#define FIELD(name) offsetof(struct config, name)

static const struct option_def options[] = {
    /* name            kind           field                 default                       min     max */
    {"listen", OPTION_STRING, FIELD(listen), "tcp://*:5599", NULL, NULL},
    {"data.dir", OPTION_STRING, FIELD(data_dir), "/var/lib/wici/data", NULL, NULL},
    {"data.size_max", OPTION_BYTES, FIELD(data_size_max), "64G", "16M", "16T"},
    {"key.dir", OPTION_STRING, FIELD(key_dir), "/var/lib/wici/keys", NULL, NULL},
    {"kek.file", OPTION_STRING, FIELD(kek_file), "/etc/wici/kek", NULL, NULL},
    {"curve.key", OPTION_STRING, FIELD(curve_key), "/etc/wici/curve.key", NULL, NULL},
    {"checkpoint.key", OPTION_STRING, FIELD(checkpoint_key), "/etc/wici/checkpoint.key", NULL, NULL},
    {"guard.file", OPTION_STRING, FIELD(guard_file), "/var/lib/wici/guard", NULL, NULL},
    {"backup.dir", OPTION_STRING, FIELD(backup_dir), "/var/backups/wici/log", NULL, NULL},
    {"backup.key_dir", OPTION_STRING, FIELD(backup_key_dir), "/var/backups/wici/keys", NULL, NULL},
    {"log.level", OPTION_LEVEL, FIELD(log_level), "info", NULL, NULL},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

static const struct {
    const char *word;
    enum log_level level;
} levels[] = {{"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

static char **
string_of(const struct config *config, const struct option_def *def)
{
    return (char **)(uintptr_t)((const char *)config + def->field);
}

static uint64_t *
number_of(const struct config *config, const struct option_def *def)
{
    return (uint64_t *)(uintptr_t)((const char *)config + def->field);
}

/* "64G": a number and K, M, G, T or nothing. -EINVAL */
static int
bytes_parse(const char *text, uint64_t *ret)
{
    static const char units[] = "KMGT";
    uint64_t value;
    unsigned shift = 0;
    const char *unit;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0)
        return -EINVAL;
    if (*end != '\0') {
        unit = strchr(units, *end);
        if (unit == NULL || end[1] != '\0')
            return -EINVAL;
        shift = 10u * (unsigned)(unit - units + 1);
    }
    if (value > UINT64_MAX >> shift)
        return -EINVAL;
    *ret = value << shift;
    return 0;
}

/* -EINVAL: the value does not fit the option. -ENOMEM */
static int
option_set(struct config *config, const struct option_def *def, const char *text)
{
    uint64_t value, min, max;
    char *copy;

    switch (def->kind) {
    case OPTION_STRING:
        if (text[0] == '\0' || strlen(text) > CONFIG_STRING_MAX)
            return -EINVAL;
        copy = strdup(text);
        if (copy == NULL)
            return -ENOMEM;
        free(*string_of(config, def));
        *string_of(config, def) = copy;
        return 0;
    case OPTION_BYTES:
        if (bytes_parse(text, &value) != 0 || bytes_parse(def->min, &min) != 0 || bytes_parse(def->max, &max) != 0 ||
            value < min || value > max)
            return -EINVAL;
        *number_of(config, def) = value;
        return 0;
    case OPTION_LEVEL:
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
            if (strcmp(levels[i].word, text) == 0) {
                *number_of(config, def) = (uint64_t)levels[i].level;
                return 0;
            }
        }
        return -EINVAL;
    }
    abort();
}

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
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        rc = option_set(ret, &options[i], options[i].value);
        assert(rc != -EINVAL); /* a default fits its own option */
        if (rc != 0) {
            config_free(ret);
            return rc;
        }
    }
    rc = erased_file_set(ret);
    if (rc != 0)
        config_free(ret);
    return rc;
}

static const struct option_def *
option_find(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
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

static void
range_text(const struct option_def *def, char *ret, size_t size)
{
    switch (def->kind) {
    case OPTION_STRING: (void)snprintf(ret, size, _("a text of at most %u bytes"), CONFIG_STRING_MAX); return;
    case OPTION_BYTES:
        (void)snprintf(ret, size, _("%s to %s bytes, K M G T for the units"), def->min, def->max);
        return;
    case OPTION_LEVEL: (void)snprintf(ret, size, "error, warn, info, debug"); return;
    }
    abort();
}

static int
line_take(struct config *config, char *line, bool seen[OPTION_COUNT], char *error, size_t error_size)
{
    const struct option_def *def;
    char *name = trim(line), *value, range[128], shown[64];
    int rc;

    if (name[0] == '\0' || name[0] == '#')
        return 0;
    value = strchr(name, '=');
    if (value == NULL) {
        (void)snprintf(error, error_size, _("not of the form name = value"));
        return -EINVAL;
    }
    *value = '\0';
    value = trim(value + 1);
    name = trim(name);
    def = option_find(name);
    if (def == NULL) {
        (void)snprintf(error, error_size, _("unknown option '%s'"), log_escape(name, shown, sizeof shown));
        return -EINVAL;
    }
    if (seen[def - options]) {
        (void)snprintf(error, error_size, _("option '%s' is given twice"), def->name);
        return -EINVAL;
    }
    seen[def - options] = true;
    rc = option_set(config, def, value);
    if (rc == -EINVAL) {
        range_text(def, range, sizeof range);
        (void)snprintf(error, error_size, _("'%s' does not fit option '%s': %s"),
                       log_escape(value, shown, sizeof shown), def->name, range);
    }
    return rc;
}

int
config_read(struct config *config, const char *path, char error[CONFIG_ERROR_MAX])
{
    bool seen[OPTION_COUNT] = {false};
    char why[256] = "", *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    FILE *in = fopen(path, "re");
    int rc = 0;

    if (in == NULL) {
        rc = -errno;
        (void)snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s", path, strerror(-rc));
        return rc;
    }
    while (rc == 0 && getline(&line, &size, in) >= 0) {
        number++;
        rc = line_take(config, line, seen, why, sizeof why);
        if (rc != 0)
            (void)snprintf(error, CONFIG_ERROR_MAX, "%.200s:%u: %s", path, number, rc == -EINVAL ? why : strerror(-rc));
    }
    if (rc == 0 && ferror(in)) {
        rc = -EIO;
        (void)snprintf(error, CONFIG_ERROR_MAX, _("%.300s: cannot be read"), path);
    }
    free(line);
    (void)fclose(in);
    return rc == 0 ? erased_file_set(config) : rc;
}

void
config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_def *def = &options[i];

        switch (def->kind) {
        case OPTION_STRING: (void)fprintf(out, "%s = %s\n", def->name, *string_of(config, def)); break;
        case OPTION_BYTES: (void)fprintf(out, "%s = %" PRIu64 "\n", def->name, *number_of(config, def)); break;
        case OPTION_LEVEL:
            for (size_t k = 0; k < sizeof levels / sizeof levels[0]; k++)
                if ((uint64_t)levels[k].level == *number_of(config, def))
                    (void)fprintf(out, "%s = %s\n", def->name, levels[k].word);
            break;
        }
    }
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

int
config_each(int (*fn)(void *arg, const char *name), void *arg)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        int rc = fn(arg, options[i].name);

        if (rc != 0)
            return rc;
    }
    return 0;
}

void
config_free(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].kind == OPTION_STRING)
            free(*string_of(config, &options[i]));
    free(config->erased_file);
    memset(config, 0, sizeof *config);
}
