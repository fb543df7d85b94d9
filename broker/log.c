/*
 * log - see log.h
 */
#include "broker/log.h"
#include "proto/language.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024

static enum log_level log_max = LOG_INFO;
static int log_journal;

void
log_init(enum log_level max)
{
    log_max = max;
    log_journal = getenv("JOURNAL_STREAM") != NULL;
}

static const char *
level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return _("error");
    case LOG_WARN: return _("warn");
    case LOG_INFO: return _("info");
    case LOG_DEBUG: return "debug";
    }
    abort();
}

void
log_at(enum log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    int saved = errno, used, more;
    va_list ap;

    if (level > log_max)
        return;
    used = log_journal ? snprintf(line, sizeof line, "<%d>wicid: %s: ", (int)level, level_name(level))
                       : snprintf(line, sizeof line, "wicid: %s: ", level_name(level));
    errno = saved; /* for %m */
    va_start(ap, fmt);
    more = vsnprintf(line + used, sizeof line - (size_t)used - 1, level == LOG_DEBUG ? fmt : _(fmt), ap);
    va_end(ap);
    if (more > 0) {
        used += more;
        if (used > LOG_LINE_MAX - 2)
            used = LOG_LINE_MAX - 2;
    }
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)used) < 0) {
        /* nobody listens, and there is nobody to tell */
    }
    errno = saved;
}

const char *
log_escape(const char *text, char *ret, size_t size)
{
    size_t n = 0;

    for (; n + 1 < size && text[n] != '\0'; n++)
        ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    if (size > 0)
        ret[n] = '\0';
    return ret;
}
