/*
 * daemon - a wicid of one test: its own directory, an ephemeral port, started and ended as often as wanted
 *
 * Failures are cmocka's: what cannot be set up fails the test. Ownership: daemon_destroy ends what runs and removes the
 * directory. A test that dies takes its wicid along, and leaves the directory to be looked at.
 *
 * Threads: one thread at a time; who starts it outlives it.
 */
#ifndef SUPPORT_DAEMON_H
#define SUPPORT_DAEMON_H

#include "proto/keyfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon {
    char dir[64];
    char config[96];
    char admin_key[96];
    char endpoint[128];
    char server_key[KEYFILE_KEY_SIZE];
    struct keyfile admin;
    pid_t pid; /* 0: not running */
};

/* Makes directory, configuration and log: `wicid init`. more (may be NULL): further lines of configuration. */
void daemon_create(struct daemon *d, const char *more);
/* Starts it and waits until it listens. */
void daemon_start(struct daemon *d);
/* Sends the signal (0: none) and waits for the end; the exit code, or 128 + the signal that ended it. */
int daemon_stop(struct daemon *d, int signal);
void daemon_destroy(struct daemon *d);

/* Runs wicid with these arguments (NULL-terminated, without the program) to its end; its stdout and stderr, together,
 * are put into out. Returns the exit code. */
int daemon_run(const char *const *arguments, char *out, size_t size);

/* For the child of a fork: from here on it ends, at the latest, when the thread that forked does. parent: getpid()
 * before the fork. */
void daemon_tie(pid_t parent);

/* Writes a file of the daemon's directory. */
void daemon_write(const struct daemon *d, const char *name, const char *text);

/* What the daemon has written to its log so far contains this. */
bool daemon_logged(const struct daemon *d, const char *text);

/* What the running daemon holds now: bytes of memory that are its own (no mapped file), and descriptors. */
size_t daemon_memory(const struct daemon *d);
size_t daemon_descriptors(const struct daemon *d);

#endif
