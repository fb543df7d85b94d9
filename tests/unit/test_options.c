/* What proto/options.h promises, in its order. */
#include "proto/options.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct config {
    char *name, *folder, *note;
    uint64_t wait_ms, size, level, loud;
};

#define MEMBER(member) offsetof(struct config, member)

static const struct option_word levels[] = {{"low", 3}, {"high", 7}, {NULL, 0}};

static const struct option_def defs[] = {
    {"name", OPTION_TEXT, MEMBER(name), NULL, 2, 5, NULL},
    {"folder", OPTION_PATH, MEMBER(folder), "here", 0, 20, NULL},
    {"note", OPTION_TEXT, MEMBER(note), "", 0, 9000, NULL},
    {"wait_ms", OPTION_NUMBER, MEMBER(wait_ms), "50", 10, 100, NULL},
    {"data.size", OPTION_BYTES, MEMBER(size), "1M", 1024, 3ull << 30, NULL},
    {"level", OPTION_WORD, MEMBER(level), "low", 0, 0, levels},
    {"loud", OPTION_WORD, MEMBER(loud), "no", 0, 0, option_yes_no},
};

static const struct options options = {defs, sizeof defs / sizeof defs[0]};

struct fixture {
    char dir[64], path[96], error[OPTIONS_ERROR_MAX];
    struct config config;
};

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.dir = "/tmp/wici-options-XXXXXX"};
    if (mkdtemp(f.dir) == NULL)
        return -1;
    (void)snprintf(f.path, sizeof f.path, "%s/a.conf", f.dir);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    options_free(&options, &f->config);
    (void)unlink(f->path);
    return rmdir(f->dir);
}

/* options_read() of a file with these bytes. */
static int
read_bytes(struct fixture *f, const char *text, size_t len)
{
    FILE *file = fopen(f->path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    f->error[0] = '\0';
    return options_read(&options, &f->config, f->path, f->error);
}

static int
read_text(struct fixture *f, const char *text)
{
    return read_bytes(f, text, strlen(text));
}

static void
defaults_stand_where_the_file_says_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(options_default(&options, &f->config), 0);
    assert_null(f->config.name); /* a file must say it */
    assert_string_equal(f->config.folder, "here");
    assert_int_equal(read_text(f, "name = abc\n"), 0);
    assert_string_equal(f->config.name, "abc");
    assert_string_equal(f->config.folder, "here"); /* a default is not taken from the folder of the file */
    assert_string_equal(f->config.note, "");
    assert_int_equal(f->config.wait_ms, 50);
    assert_int_equal(f->config.size, 1 << 20);
    assert_int_equal(f->config.level, 3);
    assert_int_equal(f->config.loud, 0);
}

static void
every_kind_is_read_and_white_space_around_it_is_not(void **state)
{
    struct fixture *f = *state;
    char expected[128];

    assert_int_equal(read_text(f,
                               "# name = no\n\n \t \r\n  name\t=  a b \r\nfolder = x/y\nnote = a = b # c\nwait_ms=100\n"
                               "data.size = 3G\nlevel = high\nloud = yes"),
                     0);
    assert_string_equal(f->config.name, "a b");
    (void)snprintf(expected, sizeof expected, "%s/x/y", f->dir);
    assert_string_equal(f->config.folder, expected);
    assert_string_equal(f->config.note, "a = b # c");
    assert_int_equal(f->config.wait_ms, 100);
    assert_int_equal(f->config.size, 3ull << 30);
    assert_int_equal(f->config.level, 7);
    assert_int_equal(f->config.loud, 1);
    assert_int_equal(read_text(f, "name = ab\nfolder = /x\n"), 0);
    assert_string_equal(f->config.folder, "/x");
    assert_int_equal(f->config.wait_ms, 50); /* what the file before it said is gone */
    assert_int_equal(read_text(f, "name = ab\nfolder =\n"), 0);
    assert_string_equal(f->config.folder, "");
}

static void
what_is_wrong_is_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "a.conf: option 'name' must be given"},
        {"name = ab\ncolour = red\n", "a.conf:2: unknown option 'colour'"},
        {"name = ab\n\n# x\nname = ab\n", "a.conf:4: option 'name' is given twice"},
        {"name\n", "a.conf:1: not of the form name = value"},
        {"name = a\n", "a.conf:1: 'a' does not fit option 'name': a text of 2 to 5 bytes"},
        {"name = abcdef\n", "a.conf:1: 'abcdef' does not fit option 'name'"},
        {"name =\n", "a.conf:1: '' does not fit option 'name'"},
        {"wait_ms = 9\n", "'9' does not fit option 'wait_ms': a number from 10 to 100"},
        {"wait_ms = 101\n", "'101' does not fit"},
        {"wait_ms = 1e1\n", "'1e1' does not fit"},
        {"wait_ms = -50\n", "'-50' does not fit"},
        {"wait_ms = 1K\n", "'1K' does not fit"},
        {"wait_ms = 18446744073709551666\n", "does not fit"}, /* 2^64 + 50 */
        {"data.size = 1023\n", "'1023' does not fit option 'data.size': 1K to 3G bytes"},
        {"data.size = 4G\n", "'4G' does not fit"},
        {"data.size = 1KB\n", "'1KB' does not fit"},
        {"data.size = 18014398509481985K\n", "does not fit"}, /* 2^64 + 1024 */
        {"level = loud\n", "'loud' does not fit option 'level': low, high"},
        {"loud = 1\n", "'1' does not fit option 'loud': no, yes"},
        {"\xef\xbb\xbfname = ab\n", "unknown option '???name'"}, /* a byte order mark is seen */
        {"\x1b[2Jname = ab\n", "unknown option '?[2Jname'"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(f, bad[i].text), -EINVAL);
        if (strstr(f->error, bad[i].says) == NULL)
            fail_msg("expected '%s' in: %s", bad[i].says, f->error);
        options_free(&options, &f->config);
        assert_null(f->config.folder);
    }
}

static void
a_file_that_cannot_be_read_is_an_error_of_its_own(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(options_read(&options, &f->config, "/nowhere/a.conf", f->error), -ENOENT);
    assert_string_equal(f->error, "/nowhere/a.conf: No such file or directory");
    assert_int_equal(options_read(&options, &f->config, f->dir, f->error), -EIO); /* a folder opens and is not read */
    assert_non_null(strstr(f->error, "cannot be read"));
}

static void
a_line_has_a_bound_that_every_value_fits_in(void **state)
{
    struct fixture *f = *state;
    static char text[2 * OPTIONS_LINE_MAX];
    int head = snprintf(text, sizeof text, "name = ab\nnote = ");

    memset(text + head, 'x', 9000);
    assert_int_equal(read_bytes(f, text, (size_t)head + 9000), 0);
    assert_int_equal(strlen(f->config.note), 9000);
    memset(text + head, 'x', 9001);
    assert_int_equal(read_bytes(f, text, (size_t)head + 9001), -EINVAL);
    assert_non_null(strstr(f->error, "a.conf:2: 'xxx"));
    assert_true(strlen(f->error) < 250);
    memset(text + 10, 'x', OPTIONS_LINE_MAX + 1);
    assert_int_equal(read_bytes(f, text, 10 + OPTIONS_LINE_MAX), -EINVAL);
    assert_non_null(strstr(f->error, "a.conf:2: not of the form"));
    assert_int_equal(read_bytes(f, text, 10 + OPTIONS_LINE_MAX + 1), -EINVAL);
    assert_non_null(strstr(f->error, "a.conf:2: the line is too long"));
    assert_int_equal(read_bytes(f, "name = ab\0c\nlevel = high\n", 25), 0); /* a NUL ends its line and nothing else */
    assert_int_equal(f->config.level, 7);
}

static void
what_is_printed_is_read_again(void **state)
{
    struct fixture *f = *state;
    char *first = NULL, *second = NULL;
    size_t len;
    FILE *out = open_memstream(&first, &len);

    assert_int_equal(read_text(f, "name = abc\nfolder = x\ndata.size = 2K\nlevel = high\nloud = yes\n"), 0);
    options_print(&options, &f->config, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(first, "data.size = 2048\nlevel = high\nloud = yes\n"));
    assert_int_equal(read_text(f, first), -EINVAL); /* the path is whole now, and longer than a name may be here */
    assert_non_null(strstr(f->error, "folder"));
    assert_int_equal(read_text(f, "name = abc\nfolder = /x\ndata.size = 2K\nlevel = high\n"), 0);
    free(first);
    out = open_memstream(&first, &len);
    options_print(&options, &f->config, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(read_text(f, first), 0);
    out = open_memstream(&second, &len);
    options_print(&options, &f->config, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void
a_secret_is_a_file_of_its_owner_alone(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(option_secret_check(f->path, f->error), -ENOENT);
    (void)read_text(f, "x");
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(option_secret_check(f->path, f->error), 0);
    assert_int_equal(chmod(f->path, 0604), 0);
    assert_int_equal(option_secret_check(f->path, f->error), -EPERM);
    assert_non_null(strstr(f->error, "chmod 600"));
    assert_int_equal(option_secret_check(f->dir, f->error), -EPERM);
    if (geteuid() == 0) { /* only root can give a file away */
        assert_int_equal(chmod(f->path, 0600), 0);
        assert_int_equal(chown(f->path, 12345, 0), 0);
        assert_int_equal(option_secret_check(f->path, f->error), -EPERM);
        assert_non_null(strstr(f->error, "another user"));
    }
}

static void
a_line_is_split_at_its_first_sign(void **state)
{
    char line[] = " a b =\tc = d ", bare[] = " a ", *name, *value;

    (void)state;
    option_split(line, &name, &value);
    assert_string_equal(name, "a b");
    assert_string_equal(value, "c = d");
    option_split(bare, &name, &value);
    assert_string_equal(name, "a");
    assert_null(value);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(defaults_stand_where_the_file_says_nothing),  T(every_kind_is_read_and_white_space_around_it_is_not),
        T(what_is_wrong_is_told_with_file_and_line),    T(a_file_that_cannot_be_read_is_an_error_of_its_own),
        T(a_line_has_a_bound_that_every_value_fits_in), T(what_is_printed_is_read_again),
        T(a_secret_is_a_file_of_its_owner_alone),       T(a_line_is_split_at_its_first_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
