/*
 * calendar_file - holidays from a file; see calendar.h
 */
#include "agents/calendar.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside the program first, so that it is found wherever Wici was installed, and in a build folder. */
static FILE *
installed_open(void)
{
    char self[PATH_MAX], path[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    FILE *file = NULL;

    if (len > 0) {
        self[len] = '\0';
        *strrchr(self, '/') = '\0';
        (void)snprintf(path, sizeof path, "%s/../share/wici/holidays.pl", self);
        file = fopen(path, "re");
    }
    return file != NULL ? file : fopen(WICI_DATADIR "/wici/holidays.pl", "re");
}

int
calendar_load(struct calendar *ret, const char *path, unsigned *ret_line)
{
    FILE *file = path == NULL ? installed_open() : fopen(path, "re");
    char *text;
    size_t len;
    int rc;

    if (file == NULL)
        return -errno;
    text = malloc(CALENDAR_TEXT_MAX + 1);
    if (text == NULL) {
        (void)fclose(file);
        return -ENOMEM;
    }
    len = fread(text, 1, CALENDAR_TEXT_MAX + 1, file);
    rc = ferror(file) ? -EIO : len > CALENDAR_TEXT_MAX ? -EFBIG : calendar_parse(ret, text, len, ret_line);
    (void)fclose(file);
    free(text);
    return rc;
}
