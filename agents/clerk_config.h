/*
 * clerk_config - the configuration file of wici-clerk
 *
 * A table of options (proto/options.h), and the two files that two of them name. A relative path is relative to the
 * configuration file.
 *
 * Errors: -EINVAL, -EPERM or -errno of a file, with a sentence in error. Ownership: clerk_config_free() frees all.
 */
#ifndef AGENTS_CLERK_CONFIG_H
#define AGENTS_CLERK_CONFIG_H

#include "agents/calendar.h"
#include "agents/deadlines.h"
#include "proto/options.h"

#include <stdio.h>

struct clerk_config {
    char *endpoint, *server_key, *key_file;
    char *holidays; /* the file with the holidays; "": the one that is installed */
    char *clocks;   /* the file with an office's own lengths and switches; "": none */
    uint64_t interval_s;
    struct calendar calendar;
    struct deadline_settings settings;
};

/* Reads it, and the two files that it names; the key file must be readable by its owner only. */
int clerk_config_read(struct clerk_config *ret, const char *path, char error[OPTIONS_ERROR_MAX]);
void clerk_config_print(const struct clerk_config *config, FILE *out);
void clerk_config_free(struct clerk_config *config);

#endif
