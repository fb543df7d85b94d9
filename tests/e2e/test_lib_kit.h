/*
 * test_lib_kit - programs, units and clients around a wicid of tests/support
 *
 * WICI_BIN names the folder of the programs. What cannot be set up ends the program: a test without its broker says
 * nothing.
 */
#ifndef TEST_LIB_KIT_H
#define TEST_LIB_KIT_H

#include "agents/wici.h"
#include "tests/support/daemon.h"

/* Makes and starts a broker with the units ops-sw (role SW, agency ops) and sp12 (role SCH, agency sp12-school); their
 * key files are <dir>/ops-sw.key and <dir>/sp12.key. */
void kit_open(struct daemon *d);
/* kill -9, as a power failure would end it, and a new start on the same port. */
void kit_restart(struct daemon *d);

/* Options of a client of that unit; the key file's name lives until the next call. */
struct wici_options kit_options(const struct daemon *d, const char *unit);

/* Runs a program of WICI_BIN with words (NULL-terminated, without the program) and environment additions ("K=V", NULL-
 * terminated, may be NULL). input (may be NULL) is its standard input. Returns its exit code; *ret_output is what it
 * wrote to both outputs, which the caller frees. */
int program_run(const char *program, const char *const *words, const char *const *env, const char *input,
                char **ret_output);

/* The same for `wici` with the connection of that unit. */
int kit_wici(const struct daemon *d, const char *unit, const char *const *words, const char *const *env,
             const char *input, char **ret_output);

/* The same; fails the test unless it exits with `code` and its output holds `want` (NULL: anything). env NULL: English.
 * Returns the output, which the caller frees. */
char *kit_expect(const struct daemon *d, const char *unit, const char *const *words, const char *const *env,
                 const char *input, int code, const char *want);

#endif
