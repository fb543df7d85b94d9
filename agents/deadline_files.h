/*
 * deadline_files - the two files that dates are counted with: holidays, and an office's own lengths of deadlines
 *
 * Errors: -EINVAL or -errno of a file, with a sentence in error that names file and line. *ret is untouched then.
 * Ownership: deadline_settings_free() frees the settings. Threads: any.
 */
#ifndef AGENTS_DEADLINE_FILES_H
#define AGENTS_DEADLINE_FILES_H

#include "agents/calendar.h"
#include "agents/deadlines.h"
#include "proto/options.h"

/* path "" or NULL: the holidays that are installed. */
int deadline_calendar_read(struct calendar *ret, const char *path, char error[OPTIONS_ERROR_MAX]);
/* path "" or NULL: no settings. */
int deadline_settings_read(struct deadline_settings *ret, const char *path, char error[OPTIONS_ERROR_MAX]);

#endif
