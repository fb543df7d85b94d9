/* What report.h promises of what a unit's roles are not given, and of the page. */
#include "agents/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/date.h"

static const char policy[] = "# case.opened\nwici-policy 1\nroles                SW       DIR        FA INT\n"
                             "type    referral.submitted P01234567 P012367/45 p4 p\n"
                             "type\tcase.opened          P0134567  P01367/45  p013467/5 -\n";

static bool
sees(const char *text, const char *roles)
{
    json_t *list = json_loads(roles, 0, NULL);
    bool ret = report_sees_path(text, list);

    json_decref(list);
    return ret;
}

static void
who_is_given_the_health_of_all_referrals_and_cases_sees_the_path(void **state)
{
    (void)state;
    assert_true(sees(policy, "[\"SW\"]"));
    assert_true(sees(policy, "[\"DIR\",\"FA\"]")); /* a small office */
    assert_false(sees(policy, "[\"DIR\"]"));       /* by half is not all */
    assert_false(sees(policy, "[\"INT\"]"));
    assert_false(sees(policy, "[]"));
    assert_false(sees(policy, "[\"NEW\"]"));
    assert_false(sees("", "[\"SW\"]"));
    assert_false(sees("roles SW\ntype case.opened P4\n", "[\"SW\"]")); /* of referrals nothing is said */
}

/* A family under "Za życiem", to whom an assistant was assigned: what a unit is given of it that sees all. */
static const char *const family[] = {
    "{\"header\":{\"eventId\":\"a1\",\"type\":\"CASE_OPENED\",\"dossierId\":\"a\",\"actor\":{\"unit\":\"fa\"}},"
    "\"sections\":[{\"caseOpenedS0\":{\"openedOn\":\"2026-02-01\",\"gmina\":\"3261011\"}},"
    "{\"caseOpenedS4\":{\"entitlement\":\"PREGNANCY\"}}]}",
    "{\"header\":{\"eventId\":\"a2\",\"type\":\"CASE_ASSISTANT_ASSIGNED\",\"dossierId\":\"a\",\"actor\":{\"unit\":"
    "\"fa\"}},"
    "\"sections\":[{\"caseAssistantAssignedS0\":{\"assignedOn\":\"2026-02-10\",\"unit\":\"fa\"}}]}",
};

static json_t *
rows_of_zz(bool hidden)
{
    int32_t since = 0, until = 0;
    struct report *r = NULL;
    json_t *rows = NULL;

    assert_int_equal(date_parse("2026-01-01", &since), 0);
    assert_int_equal(date_parse("2026-06-30", &until), 0);
    assert_int_equal(report_create(&r, since, until), 0);
    if (hidden)
        report_hide_path(r);
    for (size_t i = 0; i < sizeof family / sizeof family[0]; i++) {
        json_t *event = json_loads(family[i], 0, NULL);

        assert_non_null(event);
        assert_int_equal(report_add(r, event), 0);
        json_decref(event);
    }
    assert_int_equal(report_rows(r, &rows), 0);
    report_free(&r);
    return rows;
}

/* The row of that measure, as people read its count. */
static const char *
read_count(const json_t *rows, const char *measure, bool polish)
{
    static char text[REPORT_COUNT_SIZE];
    const json_t *row;
    size_t i;

    text[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "measure")), measure) == 0)
            report_count(row, polish, text);
    }
    return text;
}

static void
what_is_not_given_is_not_visible_and_not_none(void **state)
{
    json_t *shown = rows_of_zz(false), *hidden = rows_of_zz(true);

    (void)state;
    assert_string_equal(read_count(shown, "zz_supported", true), "1");
    assert_string_equal(read_count(shown, "zz_threatened_pregnancy", true), "0");
    assert_string_equal(read_count(hidden, "zz_supported", true), "niewidoczne dla tej roli");
    assert_string_equal(read_count(hidden, "zz_threatened_pregnancy", false), "not visible to this role");
    assert_string_equal(read_count(hidden, "families_supported", false), "1");
    json_decref(shown);
    json_decref(hidden);
}

static void
a_page_names_its_columns_and_says_all_in_words(void **state)
{
    const struct report_head head = {.unit = "fa", .since = "2026-01-01", .until = "2026-06-30"};
    json_t *rows = rows_of_zz(true), *names = json_pack("{s:s}", "fa", "Asystenci <b>");
    struct page_options options = {.polish = true, .names = names};
    char *page = NULL;

    (void)state;
    assert_int_equal(report_page(rows, &head, &options, &page), 0);
    assert_non_null(
        strstr(page, "<thead><tr><th>co</th><th>w tym</th><th>jednostka</th><th>gmina</th><th>liczba</th>"));
    assert_non_null(strstr(page, "Za okres od 1.01.2026 do 30.06.2026"));
    assert_non_null(strstr(page, "<td>rodziny z asystentem w okresie</td><td></td><td>Asystenci &lt;b&gt; (fa)</td>"
                                 "<td class=\"day\">3261011</td><td>1</td>"));
    assert_non_null(strstr(page, "<td>niewidoczne dla tej roli</td>"));
    free(page);
    options.polish = false;
    assert_int_equal(report_page(rows, &head, &options, &page), 0);
    assert_non_null(strstr(page, "<th>municipality</th><th>count</th>"));
    assert_non_null(strstr(page, "<td>not visible to this role</td>"));
    free(page);
    json_decref(names);
    json_decref(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_given_the_health_of_all_referrals_and_cases_sees_the_path),
        cmocka_unit_test(what_is_not_given_is_not_visible_and_not_none),
        cmocka_unit_test(a_page_names_its_columns_and_says_all_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
