/*
 * clerk_config - the configuration file of wici-clerk
 *
 * Lines "name = value"; '#' begins a comment line. One table (clerk_config.c) holds every option with its default and
 * its bounds. An unknown or repeated name and a value out of bounds are errors that name file and line. A relative path
 * is relative to the configuration file.
 *
 * Errors: -EINVAL, -EPERM or -errno of a file, with a sentence in `error`. Ownership: clerk_config_free() frees all.
 */
#ifndef AGENTS_CLERK_CONFIG_H
#define AGENTS_CLERK_CONFIG_H

#include "agents/calendar.h"
#include "agents/deadlines.h"

#include <stdio.h>

#define CLERK_CONFIG_ERROR_MAX 400u

struct clerk_config {
    char *endpoint, *server_key, *key_file;
    char *holidays; /* the file with the holidays; "": the one that is installed */
    char *clocks;   /* the file with an office's own lengths and switches; "": none */
    unsigned long interval_s;
    struct calendar calendar;
    struct deadline_settings settings;
};

/* Reads it, and the two files that it names; the key file must be readable by its owner only. */
int clerk_config_read(struct clerk_config *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX]);
void clerk_config_print(const struct clerk_config *config, FILE *out);
void clerk_config_free(struct clerk_config *config);

/* Reads holidays (path "" or NULL: those that are installed), and settings (none); for who shows deadlines. */
int clerk_calendar_read(struct calendar *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX]);
int clerk_settings_read(struct deadline_settings *ret, const char *path, char error[CLERK_CONFIG_ERROR_MAX]);

#endif
