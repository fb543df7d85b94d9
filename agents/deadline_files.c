#include "agents/deadline_files.h"

#include "proto/language.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
say(char *error, int rc, const char *path, unsigned line, const char *what)
{
    if (line > 0)
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.200s:%u: %s", path, line, what);
    else
        (void)snprintf(error, OPTIONS_ERROR_MAX, "%.300s: %s", path, what);
    return rc;
}

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
deadline_calendar_read(struct calendar *ret, const char *path, char error[OPTIONS_ERROR_MAX])
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
deadline_settings_read(struct deadline_settings *ret, const char *path, char error[OPTIONS_ERROR_MAX])
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
