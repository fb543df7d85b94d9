/*
 * restore - `wicid restore FROM [--keys DIR]`: a backup in place of a log that is lost (store/restore.h)
 *
 * Tells the operator what was done and what comes next: a new epoch, before which wicid does not serve.
 *
 * Errors: 0 or -errno; what went wrong was logged. Threads: one.
 */
#ifndef BROKER_RESTORE_H
#define BROKER_RESTORE_H

#include "broker/config.h"

/* keys_from NULL: the key store that is there is used. */
int restore_run(const struct config *config, const char *from, const char *keys_from);

/*
 * May the log in config->data_dir be used as it lies there? -ESTALE, logged: it was restored, and no epoch began in it
 * yet; or a restoration was interrupted.
 */
int restore_refuses(const struct config *config);

#endif
