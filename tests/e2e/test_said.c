/* What libwici tells its application of a broker's refusals (agents/client.h). */
#include "agents/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
a_refusal_is_told_with_its_path_and_both_sentences(void **state)
{
    struct error_buffer e = {.set = false};
    Wici__V1__Refusal refusal;

    (void)state;
    wici__v1__refusal__init(&refusal);
    refusal.code = (char *)(uintptr_t) "E_LATER";
    refusal.path = (char *)(uintptr_t) "header.to[0]";
    refusal.pl = (char *)(uintptr_t) "zdanie";
    refusal.en = (char *)(uintptr_t) "sentence";
    error_set_refusal(&e, &refusal);
    assert_string_equal(e.view.code, "E_LATER");
    assert_string_equal(e.view.path, "header.to[0]");
    assert_string_equal(e.view.pl, "zdanie");
    assert_string_equal(e.view.en, "sentence");
}

static void
a_refusal_that_gives_no_reason_is_the_brokers_fault(void **state)
{
    struct error_buffer e = {.set = false};

    (void)state;
    error_set_refusal(&e, NULL);
    assert_true(e.set);
    assert_string_equal(e.view.code, "E_INTERNAL");
    assert_string_equal(e.view.path, "");
    assert_string_equal(e.view.pl, error_text(E_INTERNAL, true));
    assert_string_equal(e.view.en, error_text(E_INTERNAL, false));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_told_with_its_path_and_both_sentences),
        cmocka_unit_test(a_refusal_that_gives_no_reason_is_the_brokers_fault),
    };

    return cmocka_run_group_tests_name("libwici: what is said", tests, NULL, NULL);
}
