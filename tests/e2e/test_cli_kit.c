#include "tests/e2e/test_cli_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct daemon broker;
const char *const polish[] = {"LC_ALL=pl_PL.UTF-8", "LANGUAGE=", NULL};
const char *const english[] = {"LC_ALL=en_GB.UTF-8", "LANGUAGE=", NULL};

int
suite_open(void **state)
{
    (void)state;
    kit_open(&broker);
    return 0;
}

int
suite_close(void **state)
{
    (void)state;
    daemon_destroy(&broker);
    return 0;
}

char *
wici_is(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
        const char *want)
{
    return kit_expect(&broker, unit, words, env, input, code, want);
}

void
wici_check(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
           const char *want)
{
    free(wici_is(unit, words, env, input, code, want));
}

json_t *
wici_json(const char *unit, const char *const *words)
{
    char *output = wici_is(unit, words, NULL, NULL, 0, NULL);
    json_t *json = json_loads(output, 0, NULL);

    if (json == NULL)
        fail_msg("not JSON: %s", output);
    free(output);
    return json;
}
