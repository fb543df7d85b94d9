/* options - see options.h */
#include "proto/options.h"

#include "proto/language.h"
#include "proto/secret.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHY_MAX   256u /* bytes of a sentence, without the place */
#define SHOWN_MAX 60u  /* bytes of what stands in the file, in a sentence */

const struct option_word option_yes_no[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};

/* ---- one value */

static char **
text_of(const void *object, const struct option_def *def)
{
    return (char **)(uintptr_t)((const char *)object + def->member);
}

static uint64_t *
number_of(const void *object, const struct option_def *def)
{
    return (uint64_t *)(uintptr_t)((const char *)object + def->member);
}

static const char units[] = "KMGT";

/* "300", and "64G" where units may stand. */
static bool
number_parse(const char *text, bool with_units, uint64_t *ret)
{
    uint64_t value;
    unsigned shift = 0;
    const char *unit;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    if (*end != '\0') {
        unit = with_units ? strchr(units, *end) : NULL;
        if (unit == NULL || end[1] != '\0')
            return false;
        shift = 10u * (unsigned)(unit - units + 1);
    }
    if (value > UINT64_MAX >> shift)
        return false;
    *ret = value << shift;
    return true;
}

static bool
word_parse(const char *text, const struct option_word *words, uint64_t *ret)
{
    for (; words->word != NULL; words++) {
        if (strcmp(words->word, text) == 0) {
            *ret = words->value;
            return true;
        }
    }
    return false;
}

/* A copy of the text; of a path that is relative, joined to the folder of the file. file NULL: a default. */
static int
text_set(char **to, const struct option_def *def, const char *text, const char *file)
{
    const char *slash = file == NULL ? NULL : strrchr(file, '/');
    char *copy = NULL;

    if (strlen(text) < def->min || strlen(text) > def->max)
        return -EINVAL;
    if (def->kind == OPTION_PATH && text[0] != '/' && text[0] != '\0' && slash != NULL) {
        if (asprintf(&copy, "%.*s/%s", (int)(slash - file), file, text) < 0)
            return -ENOMEM;
    } else {
        copy = strdup(text);
    }
    if (copy == NULL)
        return -ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

/* -EINVAL: the value does not fit the option. -ENOMEM */
static int
option_set(void *object, const struct option_def *def, const char *text, const char *file)
{
    uint64_t value = 0;
    bool fits = false;

    switch (def->kind) {
    case OPTION_TEXT:
    case OPTION_PATH: return text_set(text_of(object, def), def, text, file);
    case OPTION_NUMBER:
    case OPTION_BYTES:
        fits = number_parse(text, def->kind == OPTION_BYTES, &value) && value >= def->min && value <= def->max;
        break;
    case OPTION_WORD: fits = word_parse(text, def->words, &value); break;
    }
    if (!fits)
        return -EINVAL;
    *number_of(object, def) = value;
    return 0;
}

int
options_default(const struct options *options, void *ret)
{
    assert(options->count <= OPTIONS_MAX);
    for (size_t i = 0; i < options->count; i++) {
        const struct option_def *def = &options->defs[i];
        int rc = def->initial == NULL ? 0 : option_set(ret, def, def->initial, NULL);

        assert(rc != -EINVAL); /* a default fits its own option */
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- what is wrong, in a sentence */

/* What stands in the file, made harmless for a terminal and a log. */
static const char *
shown_of(const char *text, char ret[SHOWN_MAX + 1])
{
    size_t len = strnlen(text, SHOWN_MAX);

    for (size_t i = 0; i < len; i++)
        ret[i] = isprint((unsigned char)text[i]) && (unsigned char)text[i] < 0x80 ? text[i] : '?';
    ret[len] = '\0';
    return ret;
}

/* 17179869184 as "16G". */
static const char *
bytes_text(uint64_t value, char ret[24])
{
    size_t unit = 0;

    while (unit < strlen(units) && value >= 1024 && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(ret, 24, "%" PRIu64 "%.1s", value, unit > 0 ? units + unit - 1 : "");
    return ret;
}

static void
range_text(const struct option_def *def, char *ret, size_t size)
{
    char min[24], max[24];
    size_t used = 0;

    switch (def->kind) {
    case OPTION_TEXT:
    case OPTION_PATH:
        (void)snprintf(ret, size, _("a text of %llu to %llu bytes"), (unsigned long long)def->min,
                       (unsigned long long)def->max);
        return;
    case OPTION_NUMBER:
        (void)snprintf(ret, size, _("a number from %llu to %llu"), (unsigned long long)def->min,
                       (unsigned long long)def->max);
        return;
    case OPTION_BYTES:
        (void)snprintf(ret, size, _("%s to %s bytes, K M G T for the units"), bytes_text(def->min, min),
                       bytes_text(def->max, max));
        return;
    case OPTION_WORD:
        for (const struct option_word *w = def->words; w->word != NULL && used < size; w++)
            used += (size_t)snprintf(ret + used, size - used, "%s%s", used > 0 ? ", " : "", w->word);
        return;
    }
    abort();
}

/* ---- the file */

char *
option_trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

void
option_split(char *line, char **ret_name, char **ret_value)
{
    char *value = strchr(line, '=');

    if (value != NULL)
        *value++ = '\0';
    *ret_name = option_trim(line);
    *ret_value = value == NULL ? NULL : option_trim(value);
}

static const struct option_def *
option_find(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->defs[i].name, name) == 0)
            return &options->defs[i];
    return NULL;
}

struct reading {
    const struct options *options;
    void *object;
    const char *path;
    bool seen[OPTIONS_MAX];
    char why[WHY_MAX];
};

static int
line_take(struct reading *r, char *line)
{
    const struct option_def *def;
    char *name, *value, range[128], shown[SHOWN_MAX + 1];
    int rc;

    line = option_trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    option_split(line, &name, &value);
    if (value == NULL) {
        (void)snprintf(r->why, sizeof r->why, _("not of the form name = value"));
        return -EINVAL;
    }
    def = option_find(r->options, name);
    if (def == NULL) {
        (void)snprintf(r->why, sizeof r->why, _("unknown option '%s'"), shown_of(name, shown));
        return -EINVAL;
    }
    if (r->seen[def - r->options->defs]) {
        (void)snprintf(r->why, sizeof r->why, _("option '%s' is given twice"), def->name);
        return -EINVAL;
    }
    r->seen[def - r->options->defs] = true;
    rc = option_set(r->object, def, value, r->path);
    if (rc == -EINVAL) {
        range_text(def, range, sizeof range);
        (void)snprintf(r->why, sizeof r->why, _("'%s' does not fit option '%s': %s"), shown_of(value, shown), def->name,
                       range);
    }
    return rc;
}

static int
lines_take(struct reading *r, FILE *in, char error[OPTIONS_ERROR_MAX])
{
    char line[OPTIONS_LINE_MAX + 2];
    unsigned number = 0;
    int rc = 0;

    while (rc == 0 && fgets(line, sizeof line, in) != NULL) {
        number++;
        if (strlen(line) > OPTIONS_LINE_MAX) {
            (void)snprintf(r->why, sizeof r->why, _("the line is too long"));
            rc = -EINVAL;
        } else {
            rc = line_take(r, line);
        }
        if (rc != 0)
            (void)snprintf(error, OPTIONS_ERROR_MAX, "%.200s:%u: %s", r->path, number,
                           rc == -EINVAL ? r->why : strerror(-rc));
    }
    if (rc == 0 && ferror(in)) {
        rc = -EIO;
        (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: cannot be read"), r->path);
    }
    return rc;
}

int
options_read(const struct options *options, void *object, const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct reading r = {.options = options, .object = object, .path = path};
    FILE *in = fopen(path, "re");
    int rc = in == NULL ? -errno : options_default(options, object);

    if (rc != 0) {
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.300s: %s", path, strerror(-rc));
        if (in != NULL)
            (void)fclose(in);
        return rc;
    }
    rc = lines_take(&r, in, error);
    (void)fclose(in);
    for (size_t i = 0; rc == 0 && i < options->count; i++) {
        if (options->defs[i].initial == NULL && !r.seen[i]) {
            (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: option '%s' must be given"), path,
                           options->defs[i].name);
            rc = -EINVAL;
        }
    }
    return rc;
}

void
options_print(const struct options *options, const void *object, FILE *out)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option_def *def = &options->defs[i];

        (void)fprintf(out, "%s = ", def->name);
        switch (def->kind) {
        case OPTION_TEXT:
        case OPTION_PATH: (void)fputs(*text_of(object, def), out); break;
        case OPTION_NUMBER:
        case OPTION_BYTES: (void)fprintf(out, "%" PRIu64, *number_of(object, def)); break;
        case OPTION_WORD:
            for (const struct option_word *w = def->words; w->word != NULL; w++)
                if (w->value == *number_of(object, def))
                    (void)fputs(w->word, out);
            break;
        }
        (void)fputc('\n', out);
    }
}

void
options_free(const struct options *options, void *object)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option_def *def = &options->defs[i];

        if (def->kind != OPTION_TEXT && def->kind != OPTION_PATH)
            continue;
        free(*text_of(object, def));
        *text_of(object, def) = NULL;
    }
}

/* ---- a file that an option names */

int
option_secret_check(const char *path, char error[OPTIONS_ERROR_MAX])
{
    struct stat st;

    if (stat(path, &st) < 0) {
        int rc = -errno;

        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.300s: %s", path, strerror(-rc));
        return rc;
    }
    if (!secret_is_private(&st)) {
        (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: others can read this key file: chmod 600 mends it"), path);
        return -EPERM;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        (void)snprintf(error, OPTIONS_ERROR_MAX, _("%.300s: the key file belongs to another user"), path);
        return -EPERM;
    }
    return 0;
}
