/*
 * compact - `wicid compact`: the stopped broker's log in a fresh file, without what was erased (store/compact.h)
 *
 * The log is opened and folded first, so that an erasure that has begun and is not done is noticed: its rows would come
 * along. The new file is verified as a backup is (store/verify.h), opened with the keys that are there, before it takes
 * the place of the old one.
 *
 * Errors: 0 or -errno; what went wrong was logged, and the log is as it was. Threads: one.
 */
#ifndef BROKER_COMPACT_H
#define BROKER_COMPACT_H

#include "broker/config.h"

int compact_run(const struct config *config);

#endif
