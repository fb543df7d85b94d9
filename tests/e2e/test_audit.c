/* What docs/CLI.md and docs/AUDIT.md say of wici audit: what was refused, and who was shown what, as auditors find it.
 */
#include "tests/e2e/test_lib_kit.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon broker;
static const char *const polish[] = {"LC_ALL=pl_PL.UTF-8", "LANGUAGE=", NULL};
static char dossier[37];

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static char *
wici_is(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
        const char *want)
{
    return kit_expect(&broker, unit, words, env, input, code, want);
}

static void
wici_check(const char *unit, const char *const *words, const char *const *env, const char *input, int code,
           const char *want)
{
    free(wici_is(unit, words, env, input, code, want));
}

static json_t *
wici_json(const char *unit, const char *const *words)
{
    char *output = wici_is(unit, words, NULL, NULL, 0, NULL);
    json_t *json = json_loads(output, 0, NULL);

    if (json == NULL)
        fail_msg("not JSON: %s", output);
    free(output);
    return json;
}

static const char *
text_at(const json_t *json, const char *list, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(json_object_get(json, list), index), key));

    return text == NULL ? "" : text;
}

static long long
number_at(const json_t *json, const char *list, size_t index, const char *key)
{
    const json_t *value = json_object_get(json_array_get(json_object_get(json, list), index), key);

    return json_is_string(value) ? atoll(json_string_value(value)) : json_integer_value(value);
}

/* A referral from sp12 to ops-sw, which opens the dossier. */
static void
referral_publish(void)
{
    char *event = wici_is("sp12", WORDS("template", "referral.submitted", "--role", "SCH", "--to", "ops-sw"), NULL,
                          NULL, 0, NULL);
    json_t *json = json_loads(event, 0, NULL);

    assert_non_null(json);
    snprintf(dossier, sizeof dossier, "%s",
             json_string_value(json_object_get(json_object_get(json, "header"), "dossierId")));
    wici_check("sp12", WORDS("publish"), NULL, event, 0, NULL);
    json_decref(json);
    free(event);
}

/* Three refusals of one code: one is recorded at once, the others with the broker's end. */
static void
refusals_are_counted_by_institution_and_code(void **state)
{
    json_t *json;

    (void)state;
    wici_check("audyt", WORDS("audit", "refusals"), NULL, NULL, 5, NULL);
    for (int i = 0; i < 3; i++) {
        char *event = wici_is("sp12", WORDS("template", "court.order_issued", "--role", "CT", "--to", "ops-sw"), NULL,
                              NULL, 0, NULL);

        wici_check("sp12", WORDS("publish"), NULL, event, 3, "E_ROLE");
        free(event);
    }
    assert_int_equal(daemon_stop(&broker, SIGTERM), 0);
    daemon_start(&broker);
    json = wici_json("audyt", WORDS("audit", "refusals", "--json"));
    assert_true(json_is_true(json_object_get(json, "countsAreLowerBounds")));
    assert_int_equal(json_array_size(json_object_get(json, "records")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "totals")), 1);
    assert_string_equal(text_at(json, "totals", 0, "agency"), "sp12-school");
    assert_string_equal(text_at(json, "totals", 0, "code"), "E_ROLE");
    assert_int_equal(number_at(json, "totals", 0, "count"), 3);
    json_decref(json);
    wici_check("audyt", WORDS("audit", "refusals"), NULL, NULL, 0, "lower bounds");
    wici_check("audyt", WORDS("audit", "refusals"), polish, NULL, 0, "dolną granicą");
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "sp12-school", "--csv"), NULL, NULL, 0,
               "seq,time,agency,code,count\r\n");
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "ops"), NULL, NULL, 5, NULL);
    wici_check("audyt", WORDS("audit", "refusals", "--agency", "nobody"), NULL, NULL, 5,
               "not in the directory: nobody");
    wici_check("audyt", WORDS("audit", "refusals", "--until", "2020-01-01"), NULL, NULL, 5, NULL);
    wici_check("sp12", WORDS("audit", "refusals"), NULL, NULL, 0, "E_ROLE"); /* its own */
    wici_check("ops-sw", WORDS("audit", "refusals"), NULL, NULL, 5, NULL);    /* not the others' */
}

static void
reads_tell_who_was_shown_how_much_and_why(void **state)
{
    json_t *json;

    (void)state;
    referral_publish();
    wici_check("ops-sw", WORDS("read", "--dossier", dossier), NULL, NULL, 0, "sp12");
    wici_check("audyt", WORDS("read", "--dossier", dossier, "--reason", "=skarga, 12/2026", "--content"), NULL, NULL, 0,
               "sp12");
    json = wici_json("audyt", WORDS("audit", "reads", "--unit", "ops-sw", "--json"));
    assert_int_equal(json_array_size(json_object_get(json, "reads")), 1);
    assert_int_equal(number_at(json, "reads", 0, "events"), 1);
    assert_string_equal(text_at(json, "reads", 0, "why"), "");
    json_decref(json);
    json = wici_json("audyt", WORDS("audit", "reads", "--agency", "nadzor", "--since", "1h", "--json"));
    assert_int_equal(json_array_size(json_object_get(json, "reads")), 1);
    assert_string_equal(text_at(json, "reads", 0, "why"), "=skarga, 12/2026");
    json_decref(json);
    wici_check("audyt", WORDS("audit", "reads"), NULL, NULL, 0, "ops-sw");
    wici_check("audyt", WORDS("audit", "reads"), polish, NULL, 0, "zapisy od-do");
    /* A table calculator must not take a reason for a formula. */
    wici_check("audyt", WORDS("audit", "reads", "--csv"), NULL, NULL, 0, ",\"'=skarga, 12/2026\",0\r\n");
    wici_check("audyt", WORDS("audit", "reads", "--until", "2020-01-01"), NULL, NULL, 5, NULL);
    wici_check("ops-sw", WORDS("audit", "reads"), NULL, NULL, 5, "auditors and administrators only");
}

static void
the_command_line_is_checked(void **state)
{
    (void)state;
    wici_check("audyt", WORDS("audit"), NULL, NULL, 2, "missing: refusals|reads");
    wici_check("audyt", WORDS("audit", "writes"), NULL, NULL, 2, "say: refusals|reads");
    wici_check("audyt", WORDS("audit", "reads", "--csv", "--json"), NULL, NULL, 2, "only one of");
    wici_check("audyt", WORDS("audit", "reads", "--since", "yesterday"), NULL, NULL, 2, "not a time");
    wici_check("audyt", WORDS("audit", "refusals", "--unit", "sp12"), polish, NULL, 2, "--agency");
}

static int
suite_open(void **state)
{
    char key[128];

    (void)state;
    kit_open(&broker);
    snprintf(key, sizeof key, "%s/audyt.key", broker.dir);
    wici_check("admin", WORDS("key", "generate", key), NULL, NULL, 0, NULL);
    wici_check("admin", WORDS("agency", "add", "nadzor", "--name", "Nadzór", "--kind", "AUDIT"), NULL, NULL, 0, NULL);
    wici_check("admin",
               WORDS("unit", "add", "audyt", "--agency", "nadzor", "--name", "Audyt", "--role", "AUD", "--key", key),
               NULL, NULL, 0, NULL);
    return 0;
}

static int
suite_close(void **state)
{
    (void)state;
    daemon_destroy(&broker);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_counted_by_institution_and_code),
        cmocka_unit_test(reads_tell_who_was_shown_how_much_and_why),
        cmocka_unit_test(the_command_line_is_checked),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
