/*
 * agent_config - the configuration file and the role file of wici-agent
 *
 * Each is read by a table of its own (proto/options.h). A relative path is relative to the file it stands in.
 *
 * Errors: -EINVAL or -errno of a file, with a sentence in error. Ownership: agent_config_free() frees all texts.
 */
#ifndef WICI_AGENT_CONFIG_H
#define WICI_AGENT_CONFIG_H

#include "proto/options.h"

#include <stdint.h>
#include <stdio.h>

#define AGENT_FAMILIES_MAX 16u

/* What this office is: agents/roles/ has one file per kind. */
struct agent_role {
    char *name;       /* "Szkoła" */
    char *role;       /* acting role put into events that name none: "SCH" */
    char *profession; /* likewise; may be empty */
    char *families;   /* what is received; empty: everything but registry and policy */
    char *page_header, *page_footer;
    char *tasks;                          /* clocks (docs/DEADLINES.md) that are this office's work; empty: all */
    uint64_t polish;                      /* "language = pl": pages, and which sentence stands first */
    uint64_t own;                         /* file own events in inbox too: the page to print of what was sent */
    char *family[AGENT_FAMILIES_MAX + 1]; /* families, split; NULL-terminated */
};

struct agent_config {
    char *endpoint, *server_key, *key_file, *dir, *role_file, *session, *cursor;
    char *holidays;         /* file of holidays; empty: the one installed */
    char *clocks;           /* file of the office's own lengths of deadlines; empty: none */
    char *log_key;          /* verifier keys of the log, one a word; "": those that the broker names first */
    uint64_t poll_ms;       /* how often outbox is looked through, besides inotify */
    uint64_t settle_ms;     /* how long a file must not change before it is taken */
    uint64_t half_ms;       /* how long a half-written file may stay as it is */
    uint64_t window;        /* events under way at once */
    uint64_t delivery_s;    /* how often the broker is asked who has fetched what was sent */
    uint64_t delivery_days; /* for how long */
    uint64_t erased_remove; /* copies of what was erased: 1 removed, 0 put into the folder erased */
    struct agent_role role;
};

int agent_config_read(struct agent_config *ret, const char *path, char error[OPTIONS_ERROR_MAX]);
/* Only the role file. */
int agent_role_read(struct agent_role *ret, const char *path, char error[OPTIONS_ERROR_MAX]);
/* The key file may be read by its owner only. */
int agent_config_check_key(const struct agent_config *config, char error[OPTIONS_ERROR_MAX]);
void agent_config_print(const struct agent_config *config, FILE *out);
void agent_config_free(struct agent_config *config);
void agent_role_free(struct agent_role *role);

#endif
