/* What hex.h says. */
#include "proto/hex.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
every_byte_comes_back(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t bytes[2] = {(uint8_t)value, (uint8_t)~value}, back[2];
        char text[5];

        hex_format(bytes, sizeof bytes, text);
        assert_int_equal(strlen(text), 4);
        assert_int_equal(hex_parse(text, back, sizeof back), 0);
        assert_memory_equal(back, bytes, sizeof bytes);
    }
}

static void
what_is_no_text_of_that_length_is_refused(void **state)
{
    static const char *const bad[] = {"", "0", "00f", "00ff0", "00FF", "00fg", " 0ff", "00f ", "0xff", "00-f", "00f\n"};
    uint8_t ret[2] = {7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hex_parse(bad[i], ret, sizeof ret), -EINVAL);
    assert_int_equal(ret[0], 7);
    assert_int_equal(ret[1], 7);
    assert_int_equal(hex_parse("00ff", ret, sizeof ret), 0);
    assert_int_equal(ret[0], 0);
    assert_int_equal(ret[1], 255);
}

static void
known_texts(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x1f, 0xa0, 0xff};
    char text[9];

    (void)state;
    hex_format(bytes, sizeof bytes, text);
    assert_string_equal(text, "001fa0ff");
    hex_format(bytes, 0, text);
    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_no_text_of_that_length_is_refused),
        cmocka_unit_test(known_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
