/*
 * config - what the operator of wicid sets (proto/options.h)
 *
 *     # /etc/wici/wicid.conf
 *     listen   = tcp://127.0.0.1:5599
 *     data.dir = /var/lib/wici/data
 *
 * Every option has a default, so an empty file is a configuration. docs/CONFIG.md tells what each is for, and a test
 * compares the two. Secrets are named by path and never stand in the file.
 *
 * Threads: any; constant once read.
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include "proto/options.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_STRING_MAX 4096u /* bytes of one value */

struct config {
    char *listen;
    char *data_dir;
    char *key_dir;
    char *kek_file;
    char *curve_key;
    char *checkpoint_key;
    char *guard_file;
    char *erased_file; /* no option: beside guard_file; which keys were destroyed (store/erased.h). NULL: not kept */
    char *backup_dir;
    char *backup_key_dir;
    uint64_t data_size_max;
    uint64_t log_level;
};

/* Every option at its default. -ENOMEM. */
int config_init(struct config *ret);

/*
 * Every option as the file says, into what config_init() made. On failure error says where and what: "wicid.conf:3:
 * unknown option ...". Errors as options_read().
 */
int config_read(struct config *config, const char *path, char error[OPTIONS_ERROR_MAX]);

/* The effective configuration, in the form config_read takes. */
void config_print(const struct config *config, FILE *out);

/* Where the log is, as the store takes it; borrows from the configuration. */
struct store_options config_store(const struct config *config);

/* Makes the directories that it names, with their parents, for their owner only. -errno */
int config_directories(const struct config *config);

void config_free(struct config *config);

#endif
