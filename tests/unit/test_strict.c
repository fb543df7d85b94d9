/* What strict.h says, in its order; base64 against libsodium's. */
#include "proto/strict.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
base64_is_that_of_another_implementation(void **state)
{
    uint8_t data[96], back[96];
    char text[128], expected[160];

    (void)state;
    for (size_t len = 0; len <= sizeof data; len++) {
        size_t text_len = STRICT_BASE64_LEN(len), back_len = 999;

        randombytes_buf(data, len);
        sodium_bin2base64(expected, sizeof expected, data, len, sodium_base64_VARIANT_ORIGINAL);
        assert_int_equal(strlen(expected), text_len);
        strict_base64_encode(data, len, text);
        assert_memory_equal(text, expected, text_len);
        assert_int_equal(strict_base64_decode(text, text_len, back, len, &back_len), 0);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, data, len);
    }
}

static void
base64_tells_the_whole_length_and_writes_what_fits(void **state)
{
    uint8_t back[4] = {0, 0, 0, 9};
    size_t len;

    (void)state;
    assert_int_equal(strict_base64_decode("YWJjZGVm", 8, back, 3, &len), 0);
    assert_int_equal(len, 6);
    assert_memory_equal(back, "abc\x09", 4);
}

static void
there_is_one_base64_text_for_the_same_bytes(void **state)
{
    static const char *const wrong[] = {
        "Y",        "YQ",    "YQ=",     "YQ===", "YQ==YQ==", "YWI",      "YWI=\n", "\nYWI=", "YW I=",
        "YR==",     "YWJ=",  "Y===",    "====",  "=",        "==",       "YQ=a",   "YWJj ",  "YW-_",
        "YWJj====", "YWJj=", "YWJ\xc3", "YQ=\r", "YWJjYQ",   "YWJjY===", "=WJj",   "Y=Jj",
    };
    uint8_t back[16];
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(strict_base64_decode(wrong[i], strlen(wrong[i]), back, sizeof back, &len), -EBADMSG);
    assert_int_equal(strict_base64_decode("Y\0Jj", 4, back, sizeof back, &len), -EBADMSG);
    assert_int_equal(len, 77);
    /* All texts of four characters that spell one byte: one for each. */
    for (unsigned a = 0, taken = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char text[4] = {(char)a, (char)b, '=', '='};

            if (strict_base64_decode(text, 4, back, 1, &len) == 0) {
                assert_int_equal(len, 1);
                taken++;
            }
        }
        if (a == 255)
            assert_int_equal(taken, 256);
    }
}

static void
a_decimal_has_no_leading_zeros_and_fits(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } right[] = {{"0", 0}, {"7", 7}, {"10", 10}, {"18446744073709551615", UINT64_MAX}};
    static const char *const wrong[] = {
        "",
        "00",
        "01",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1\n",
        "1\r",
        "0x10",
        "1.0",
        "1e3",
        "1,0",
        "18446744073709551616",
        "18446744073709551620",
        "99999999999999999999",
        "100000000000000000000",
        "184467440737095516150",
        "\xd9\xa1",
    };
    uint64_t value = 5;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(strict_decimal_parse(wrong[i], strlen(wrong[i]), &value), -EBADMSG);
    assert_int_equal(strict_decimal_parse("1\0", 2, &value), -EBADMSG);
    assert_int_equal(value, 5);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(strict_decimal_parse(right[i].text, strlen(right[i].text), &value), 0);
        assert_true(value == right[i].value);
    }
}

static void
utf8_is_decoded_in_its_shortest_form_only(void **state)
{
    static const struct {
        const char *text;
        int32_t point;
    } cases[] = {
        {"a", 'a'},
        {"\xc2\x80", 0x80},
        {"\xdf\xbf", 0x7ff},
        {"\xe0\xa0\x80", 0x800},
        {"\xe2\x80\x94", 0x2014},
        {"\xed\x9f\xbf", 0xd7ff},
        {"\xee\x80\x80", 0xe000},
        {"\xef\xbf\xbf", 0xffff},
        {"\xf0\x90\x80\x80", 0x10000},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
        {"\x80", -1},
        {"\xbf", -1},
        {"\xc0\xaf", -1},
        {"\xc1\xbf", -1},
        {"\xe0\x9f\xbf", -1},
        {"\xed\xa0\x80", -1},
        {"\xed\xbf\xbf", -1},
        {"\xf0\x8f\xbf\xbf", -1},
        {"\xf4\x90\x80\x80", -1},
        {"\xf8\x88\x80\x80\x80", -1},
        {"\xff", -1},
        {"\xc2", -1},
        {"\xe2\x80", -1},
        {"\xf0\x90\x80", -1},
        {"\xc2 ", -1},
        {"\xe2\x80 ", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t at = 0, len = strlen(cases[i].text);

        assert_int_equal(strict_utf8_next(cases[i].text, len, &at), cases[i].point);
        assert_int_equal(at, cases[i].point < 0 ? 0 : len);
    }
}

static void
a_clean_text_has_no_control_characters_but_newlines(void **state)
{
    (void)state;
    assert_true(strict_text_is_clean("", 0));
    assert_true(strict_text_is_clean("\u00e8 subito\nsera\n", 15));
    for (int c = 0; c < 0x20; c++) {
        char text[3] = {'a', (char)c, 'b'};

        assert_int_equal(strict_text_is_clean(text, 3), c == '\n');
    }
    assert_false(strict_text_is_clean("a\xff", 2));
    assert_false(strict_text_is_clean("a\xe2\x80\x94", 3));
}

static void
lines_end_with_newlines(void **state)
{
    const char *text = "one\n\nindex 3\nrest", *at = text, *end = text + strlen(text);
    struct strict_line line;

    (void)state;
    assert_int_equal(strict_line_next(&at, end, &line), 0);
    assert_int_equal(line.len, 3);
    assert_ptr_equal(line.text, text);
    assert_false(strict_line_skip(&line, "one more"));
    assert_false(strict_line_skip(&line, "two"));
    assert_int_equal(line.len, 3);
    assert_int_equal(strict_line_next(&at, end, &line), 0);
    assert_int_equal(line.len, 0);
    assert_int_equal(strict_line_next(&at, end, &line), 0);
    assert_true(strict_line_skip(&line, "index "));
    assert_int_equal(line.len, 1);
    assert_int_equal(line.text[0], '3');
    assert_int_equal(strict_line_next(&at, end, &line), -EBADMSG);
    assert_string_equal(at, "rest");
    assert_int_equal(strict_line_next(&end, end, &line), -EBADMSG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_another_implementation),
        cmocka_unit_test(base64_tells_the_whole_length_and_writes_what_fits),
        cmocka_unit_test(there_is_one_base64_text_for_the_same_bytes),
        cmocka_unit_test(a_decimal_has_no_leading_zeros_and_fits),
        cmocka_unit_test(utf8_is_decoded_in_its_shortest_form_only),
        cmocka_unit_test(a_clean_text_has_no_control_characters_but_newlines),
        cmocka_unit_test(lines_end_with_newlines),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
