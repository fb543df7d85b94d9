/* The table of refusals and warnings, by itself; tests/lint/errors.py holds it against the documents. */
#include "proto/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
every_code_speaks_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ERROR_CODE_COUNT; i++) {
        const char *pl = error_text((enum error_code)i, true), *en = error_text((enum error_code)i, false);

        assert_true(strlen(pl) > 10 && pl[strlen(pl) - 1] == '.');
        assert_true(strlen(en) > 10 && en[strlen(en) - 1] == '.');
        assert_string_not_equal(pl, en);
    }
}

static void
every_name_is_there_once_and_leads_back(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ERROR_CODE_COUNT; i++) {
        for (unsigned j = 1; j < i; j++)
            assert_string_not_equal(error_name((enum error_code)i), error_name((enum error_code)j));
        assert_int_equal(error_by_name(error_name((enum error_code)i)), i);
    }
}

static void
only_warnings_are_notes(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ERROR_CODE_COUNT; i++) {
        bool warning = strncmp(error_name((enum error_code)i), "W_", 2) == 0;

        assert_true(warning || strncmp(error_name((enum error_code)i), "E_", 2) == 0);
        assert_int_equal(error_client((enum error_code)i) == CLIENT_NOTE, warning);
    }
    assert_int_equal(error_client(E_FULL), CLIENT_WAIT);
    assert_int_equal(error_client(E_FIELD), CLIENT_FIX);
    assert_int_equal(error_client(E_TAKEN_OVER), CLIENT_HELLO);
    assert_int_equal(error_client(E_KEY), CLIENT_ASK);
}

static void
what_is_no_code_is_none(void **state)
{
    (void)state;
    assert_int_equal(error_by_name("E_NOSUCH"), E_NONE);
    assert_int_equal(error_by_name("e_role"), E_NONE);
    assert_int_equal(error_by_name(""), E_NONE);
    assert_int_equal(error_by_name("OK"), E_NONE);
    assert_string_equal(error_name(E_NONE), "OK");
    assert_string_equal(error_name(E_ROLE), "E_ROLE");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_speaks_both_languages),
        cmocka_unit_test(every_name_is_there_once_and_leads_back),
        cmocka_unit_test(only_warnings_are_notes),
        cmocka_unit_test(what_is_no_code_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
