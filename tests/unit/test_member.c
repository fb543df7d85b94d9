/* What proto/member.h promises, in its order. */
#include "proto/member.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

static const char source[] =
    "{\"t\":\"text\",\"big\":\"18446744073709551615\",\"small\":7,\"minus\":-7,\"minusText\":\"-7\","
    "\"word\":\"x7\",\"over\":\"99999999999999999999\",\"list\":[1],\"nothing\":null}";

static int
setup(void **state)
{
    *state = json_loads(source, 0, NULL);
    return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    json_decref(*state);
    return 0;
}

static void
a_text_is_read_and_all_else_is_empty(void **state)
{
    assert_string_equal(member_text(*state, "t"), "text");
    assert_string_equal(member_text(*state, "small"), "");
    assert_string_equal(member_text(*state, "list"), "");
    assert_string_equal(member_text(*state, "nothing"), "");
    assert_string_equal(member_text(*state, "missing"), "");
    assert_string_equal(member_text(NULL, "t"), "");
}

static void
a_number_is_read_from_either_form_and_all_else_is_0(void **state)
{
    assert_true(member_number(*state, "big") == UINT64_MAX);
    assert_int_equal(member_number(*state, "small"), 7);
    assert_int_equal(member_number(*state, "minus"), 0);
    assert_int_equal(member_number(*state, "minusText"), 0);
    assert_int_equal(member_number(*state, "word"), 0);
    assert_true(member_number(*state, "over") == UINT64_MAX);
    assert_int_equal(member_number(*state, "list"), 0);
    assert_int_equal(member_number(*state, "missing"), 0);
    assert_int_equal(member_number(NULL, "small"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_and_all_else_is_empty),
        cmocka_unit_test(a_number_is_read_from_either_form_and_all_else_is_0),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
