/* What agents/registry_file.h promises, in its order. */
#include "agents/registry_file.h"

#include "proto/keyfile.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY "uSO2@B?wA[=8XNWm&zzxTMc3*<gWn{v5}c1ZWq0T"

struct fixture {
    char dir[64], path[96];
    struct registry_file *file;
    struct registry_problem problem;
};

static int
setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.dir = "/tmp/wici-registry-XXXXXX"};
    if (mkdtemp(f.dir) == NULL)
        return -1;
    (void)snprintf(f.path, sizeof f.path, "%s/office.registry", f.dir);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char key[128];

    registry_file_close(&f->file);
    (void)snprintf(key, sizeof key, "%s/unit.key", f->dir);
    unlink(key);
    unlink(f->path);
    return rmdir(f->dir);
}

static int
reading(struct fixture *f, const char *text)
{
    FILE *out = fopen(f->path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    registry_file_close(&f->file);
    return registry_file_read(f->path, &f->file, &f->problem);
}

static const char *
field(const struct fixture *f, size_t entry, const char *name)
{
    const json_t *value = json_object_get(f->file->entries[entry].body, name);

    return json_string_value(json_is_array(value) ? json_array_get(value, json_array_size(value) - 1) : value);
}

static void
an_entry_is_the_fields_of_an_event(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(reading(f, "# an office\n\n"
                                "[agency cus]\n"
                                "name  = Centrum, i więcej\n"
                                "kinds = CUS, OPS\n"
                                "[unit cus-sw]\n"
                                "  agencyId=cus\n"
                                "  name = Zespół\n"
                                "  roles = INT,SW\n"
                                "  key = " KEY "\n"
                                "[programme p-1]\n"
                                "by = cus-ous\n"
                                "gmina = 326101\n"
                                "from = 1 stycznia 2024\n"),
                     0);
    assert_int_equal(f->file->count, 3);
    assert_string_equal(f->file->entries[0].type->name, "sys.agency_enrolled");
    assert_string_equal(field(f, 0, "agencyId"), "cus");
    assert_string_equal(field(f, 0, "name"), "Centrum, i więcej");
    assert_string_equal(field(f, 0, "kinds"), "OPS");
    assert_null(f->file->entries[0].by);
    assert_string_equal(field(f, 1, "unitId"), "cus-sw");
    assert_string_equal(field(f, 1, "roles"), "SW");
    assert_string_equal(field(f, 1, "key"), KEY);
    assert_string_equal(f->file->entries[2].by, "cus-ous");
    assert_string_equal(field(f, 2, "from"), "2024-01-01");
    assert_int_equal(f->file->entries[2].line, 11);
}

static void
a_key_may_be_that_of_a_file_beside_it(void **state)
{
    struct fixture *f = *state;
    struct keyfile key = {.public_key = KEY, .secret_key = KEY};
    char path[128];

    (void)snprintf(path, sizeof path, "%s/unit.key", f->dir);
    assert_int_equal(keyfile_write(path, &key, NULL), 0);
    assert_int_equal(reading(f, "[unit u]\nagencyId = a\nname = U\nroles = SW\nkey = unit.key\n"), 0);
    assert_string_equal(field(f, 0, "key"), KEY);
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *word; /* word NULL: the broker's own checks refuse it */
        unsigned line;
    } wrong[] = {
        {"name = x\n", "name = x", 1},
        {"[agency]\n", "[agency]", 1},
        {"[agency a\n", "[agency a", 1},
        {"\n[office a]\n", "office", 2},
        {"[agency a]\nnames = x\n", "names", 2},
        {"[agency a]\nname = x\nname = y\nkinds = OPS\n", "name", 3},
        {"[agency a]\nname = x\nkinds = OPS, BANK\n", "kinds", 3},
        {"[agency a]\nwithout a value\n", "without a value", 2},
        {"[agency a]\nname = x\nkinds = OPS\n[agency a]\nname = y\nkinds = OPS\n", "a", 4},
        {"[agency a]\nname = x\nkinds = OPS\nby = u\n", "a", 1},
        {"[programme p]\ngmina = 326101\nfrom = 2024-01-01\n", "p", 1},
        {"[programme p]\nby = u\nby = v\n", "by", 3},
        {"[programme p]\nby = u\ngmina = 326101\nfrom = today\n", "from", 4},
        {"[programme p]\nby = u\ngmina = 326101\nfrom = 2024-02-30\n", "from", 4},
        {"[unit u]\nkey = missing.key\n", "key", 2},
        {"[agency a]\nname = x\n", NULL, 1},
        {"[agency a b]\nname = x\nkinds = OPS\n", NULL, 1},
        {"# first\n[programme p]\nby = u\ngmina = Koszalin\nfrom = 2024-01-01\n", NULL, 2},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(reading(f, wrong[i].text), -EBADMSG);
        assert_null(f->file);
        if (f->problem.line != wrong[i].line || (f->problem.why == NULL) != (wrong[i].word == NULL))
            fail_msg("%s: line %u, %s", wrong[i].text, f->problem.line, f->problem.why);
        if (wrong[i].word != NULL)
            assert_string_equal(f->problem.word, wrong[i].word);
        else
            assert_int_equal(f->problem.refusal.code, E_FIELD);
    }
    assert_int_equal(registry_file_read("/nowhere/office.registry", &f->file, &f->problem), -ENOENT);
}

static void
lines_and_entries_are_bounded(void **state)
{
    struct fixture *f = *state;
    char *text = calloc(1, REGISTRY_ENTRIES_MAX * 48 + REGISTRY_LINE_MAX + 100), *end = text;

    assert_non_null(text);
    memset(text, 'x', REGISTRY_LINE_MAX + 1);
    assert_int_equal(reading(f, text), -EBADMSG);
    assert_int_equal(f->problem.line, 1);
    for (unsigned i = 0; i <= REGISTRY_ENTRIES_MAX; i++)
        end += sprintf(end, "[volunteer v%u]\nby=u\nfrom=2024-01-01\n", i);
    assert_int_equal(reading(f, text), -EBADMSG);
    assert_int_equal(f->problem.line, 3 * REGISTRY_ENTRIES_MAX + 1);
    free(text);
}

static void
the_same_is_told_by_its_id_and_what_is_said_of_it_by_all_fields(void **state)
{
    struct fixture *f = *state;
    const struct registry_entry *e;
    json_t *other;

    assert_int_equal(reading(f, "[qualification ic]\nby = d\nkind = IPUS_COORDINATOR\nfrom = 2024-01-01\n"
                                "[qualification ic]\nby = d\nkind = IPUS_APPROVER\nfrom = 2024-01-01\n"
                                "[volunteer v]\nby = d\nfrom = 2024-01-01\ncomplete = nie\n"
                                "[setting a]\nby = d\nsetting = FA_AS_IC\non = tak\nfrom = 2024-01-01\n"
                                "[setting a]\nby = d\nsetting = INSIGHT_NOT_BY_FA\non = tak\nfrom = 2024-01-01\n"),
                     0);
    e = f->file->entries;
    assert_false(registry_same(e[0].kind, e[0].body, e[1].body));
    assert_false(registry_same(e[3].kind, e[3].body, e[4].body));
    assert_true(registry_same(e[0].kind, e[0].body, e[0].body));
    assert_true(registry_equal(e[0].body, e[0].body));
    assert_false(registry_equal(e[0].body, e[1].body));
    other = json_pack("{s:s,s:s}", "volunteerRef", "v", "from", "2024-01-01"); /* complete: at its default */
    assert_true(registry_equal(e[2].body, other));
    json_object_set_new(other, "minor", json_true());
    assert_false(registry_equal(e[2].body, other));
    assert_true(registry_same(e[2].kind, e[2].body, other));
    json_decref(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_is_the_fields_of_an_event),
        TEST(a_key_may_be_that_of_a_file_beside_it),
        TEST(what_is_wrong_is_named_with_its_line),
        TEST(lines_and_entries_are_bounded),
        TEST(the_same_is_told_by_its_id_and_what_is_said_of_it_by_all_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
