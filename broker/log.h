/*
 * log - one line to stderr per thing an operator may act on
 *
 *   wicid: warn: front: self-test: the random key got in
 *
 * The journal adds time and host. When stderr is the journal, each line begins with the level as "<4>". Lines are in
 * the operator's language (proto/language.h), those of LOG_DEBUG in English; po/pl.po has the Polish ones. Only the
 * daemon logs: store/, proto/ and broker/core/ return errors and stay silent. Never log a key, a payload or anything of
 * a dossier; a peer is logged by its public key's first eight characters.
 *
 * Threads: any; a line is written with one write().
 */
#ifndef BROKER_LOG_H
#define BROKER_LOG_H

#include <stddef.h>

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

/* Lines above this level are left out. To be called before another thread starts. */
void log_init(enum log_level max);
/* Keeps errno. */
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* A peer's text made harmless for a line of the log: at most size - 1 characters, others than printable ASCII as '?'.
 */
const char *log_escape(const char *text, char *ret, size_t size);

#endif
