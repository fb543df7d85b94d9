/*
 * kek - `wicid kek rotate --copy DIR --kek-copy FILE`: another key-encryption key (store/kek.h)
 *
 * Errors: 0 or -errno; what went wrong was logged. -EINVAL: both copies have to be named. Threads: one.
 */
#ifndef BROKER_KEK_H
#define BROKER_KEK_H

#include "broker/config.h"

int kek_run(const struct config *config, const char *copy_dir, const char *kek_copy);

/* After a store did not open with -EPERM: says what may be wrong with the key, an interrupted rotation too. */
void kek_refused_log(const struct config *config);
/* At start: an old key that an interrupted rotation did not destroy is named. */
void kek_look(const struct config *config);

#endif
