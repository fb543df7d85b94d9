/*
 * test_cli_kit - one broker for all tests of a program, and `wici` run against it by its units
 *
 * A test fails when a command exits with another code than is wanted, or its output lacks what is wanted.
 */
#ifndef TEST_CLI_KIT_H
#define TEST_CLI_KIT_H

#include "tests/e2e/test_lib_kit.h"

#include <jansson.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

extern struct daemon broker;
extern const char *const polish[], *const english[]; /* environments */

/* For cmocka: starts the broker (kit_open), and ends it. */
int suite_open(void **state);
int suite_close(void **state);

/* kit_expect at the broker. */
char *wici_is(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
              const char *want);
void wici_check(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
                const char *want);
/* What it printed, as JSON, which the caller frees. */
json_t *wici_json(const char *unit, const char *const *words);

#endif
