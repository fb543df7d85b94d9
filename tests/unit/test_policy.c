/* What policy.h says, in its order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "broker/core/decide.h"
#include "broker/core/policy.h"
#include "test_core_matrix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 32768u

/* The default text, with the first `from` after the line that begins with `line` replaced by `to`. */
static unsigned
mended(char text[TEXT_MAX], const char *line, const char *from, const char *to)
{
    const char *start = strstr(policy_default_text, line), *at;
    unsigned number = 1;

    assert_non_null(start);
    at = strstr(start, from);
    assert_non_null(at);
    snprintf(text, TEXT_MAX, "%.*s%s%s", (int)(at - policy_default_text), policy_default_text, to, at + strlen(from));
    for (const char *c = policy_default_text; c < at; c++)
        number += *c == '\n';
    return number;
}

static void
parse_refuses(const char *text, unsigned line)
{
    struct policy *policy = NULL;
    struct refusal refusal = {0};
    char path[32];

    snprintf(path, sizeof path, "line %u", line);
    assert_int_equal(policy_parse(&policy, text, strlen(text), &refusal), -EBADMSG);
    assert_int_equal(refusal.code, E_POLICY);
    assert_string_equal(refusal.path, path);
    assert_null(policy);
}

static struct policy *
parse_default(void)
{
    struct policy *policy = NULL;
    struct refusal refusal = {0};

    if (policy_parse(&policy, policy_default_text, policy_default_len, &refusal) != 0)
        fail_msg("%s", refusal.path);
    return policy;
}

static void
default_policy_is_the_matrix_of_the_domain(void **state)
{
    struct policy *policy = parse_default();
    unsigned publish = 0, conditional = 0, full = 0, half = 0;

    (void)state;
    assert_int_equal(MATRIX_TYPES, 32);
    for (size_t i = 0; i < MATRIX_TYPES; i++)
        for (unsigned role = 1; role <= MATRIX_ROLES; role++) {
            const struct matrix_cell *want = &matrix[i].cells[role - 1];
            struct policy_cell cell = policy_cell(policy, type_by_name(matrix[i].type)->number, role);

            assert_int_equal(cell.publish, want->publish != '-');
            assert_int_equal(cell.conditional, want->publish == 'p');
            assert_int_equal(cell.full, want->full);
            assert_int_equal(cell.half, want->half);
            publish += cell.publish && !cell.conditional;
            conditional += cell.conditional;
            full += (unsigned)__builtin_popcount(cell.full);
            half += (unsigned)__builtin_popcount(cell.half);
        }
    /* The sums of the document's table. */
    assert_int_equal(publish, 140);
    assert_int_equal(conditional, 82);
    assert_int_equal(full, 911);
    assert_int_equal(half, 467);
    assert_string_equal(policy_version(policy), "2026-01");
    policy_destroy(&policy);
    assert_null(policy);
}

static void
a_conditional_cell_of_the_default_has_a_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < MATRIX_TYPES; i++)
        for (unsigned role = 1; role <= MATRIX_ROLES; role++)
            if (matrix[i].cells[role - 1].publish == 'p' &&
                !conditions_known(role, type_by_name(matrix[i].type)->number))
                fail_msg("%s %s", matrix[i].type, role_name(role));
}

static void
cells_outside_the_matrix_are_empty(void **state)
{
    struct policy *policy = parse_default();
    const struct policy_cell empty = {0};
    struct policy_cell cell;

    (void)state;
    cell = policy_cell(policy, TYPE(SYS_UNIT_ENROLLED), WICI__V1__ROLE__ADM);
    assert_memory_equal(&cell, &empty, sizeof cell);
    cell = policy_cell(policy, TYPE(CASE_OPENED), WICI__V1__ROLE__ADM);
    assert_memory_equal(&cell, &empty, sizeof cell);
    cell = policy_cell(policy, 999999, WICI__V1__ROLE__SW);
    assert_memory_equal(&cell, &empty, sizeof cell);
    cell = policy_cell(policy, 299, WICI__V1__ROLE__SW);
    assert_memory_equal(&cell, &empty, sizeof cell);
    policy_destroy(&policy);
}

static void
each_kind_of_error_names_its_line(void **state)
{
    static const struct {
        const char *line, *from, *to;
    } cases[] = {
        {"wici-policy", "wici-policy 1", "wici-policy 2"},
        {"wici-policy", "wici-policy 1", "policy 1"},
        {"version", "version ", "vresion "},
        {"version", "2026-01", ""},
        {"version", "2026-01", "2026-01\nversion 2"},
        {"roles", " FA ", " FB "},     /* no such role */
        {"roles", " FA ", " SW "},     /* twice */
        {"roles", " AUD", ""},         /* one missing */
        {"roles", " AUD", " AUD ADM"}, /* one too many */
        {"ceiling S1", "S1", "S0"},    /* no ceiling of S0 */
        {"ceiling S1", "S1", "S8"},
        {"ceiling S2", "S2", "S1"}, /* twice */
        {"ceiling S3", "Y", "y"},
        {"ceiling S3", " Y ", "   "},   /* too few */
        {"ceiling S3", " Y ", " Y Y "}, /* too many */
        {"above   IC ipus", "IC", "ICE"},
        {"above   IC ipus", "ipus.*", "ipsu.*"}, /* names no type */
        {"above   IC ipus", "ipus.*", "sys.*"},
        {"above   IC ipus", "ipus.*", ""},
        {"type    case.linked", "case.linked", "case.likned"},
        {"type    case.linked", "case.linked", "sys.policy_loaded"},
        {"type    case.linked", "case.linked", "case.closed"}, /* twice */
        {"type    case.linked", "P06", "X06"},
        {"type    case.linked", "P06", "P60"}, /* not in order */
        {"type    case.linked", "P06", "P066"},
        {"type    case.linked", "P06", "P08"},
        {"type    case.linked", "P06", "P0/"},
        {"type    case.linked", "P06", "P06/6"}, /* both */
        {"type    case.linked", "P06", "P6"},    /* without S0 */
        {"type    case.linked", "P06", "P6/0"},
        {"type    case.linked", "P06", "/"},
        {"type    case.linked", "P06", ""}, /* too few */
        {"type    case.linked", "P06", "P06 P06"},
        {"type    case.linked", "P06       -", "P06       06"}, /* INT above its ceiling */
        {"type    referral.submitted", "P0/167", "P06/17"},     /* OSL: half at most */
        {"type    referral.submitted", "P0/167", "P0/2"},       /* OSL: S2 not even by half */
    };
    char text[TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned line = mended(text, cases[i].line, cases[i].from, cases[i].to);

        /* The second of two is the one at fault. */
        parse_refuses(text, strchr(cases[i].to, '\n') != NULL ? line + 1 : line);
    }
}

static void
what_is_missing_is_missed_at_the_end(void **state)
{
    static const char *const lines[] = {"version", "ceiling S4", "type    ipus.approved"};
    char text[TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        unsigned last = 0;

        mended(text, lines[i], lines[i], "#");
        for (const char *c = text; *c != '\0'; c++)
            last += *c == '\n';
        parse_refuses(text, last);
    }
    parse_refuses("", 1);
    parse_refuses("\n\n# nothing\n", 3);
}

static void
rows_before_the_roles_are_refused(void **state)
{
    (void)state;
    parse_refuses("wici-policy 1\nversion 1\ntype case.linked - -\n", 3);
    parse_refuses("wici-policy 1\nversion 1\nceiling S1 Y\n", 3);
}

static void
cells_above_the_ceiling_need_a_line_that_says_so(void **state)
{
    char text[TEXT_MAX];
    unsigned line = 1;

    (void)state;
    mended(text, "above   IC case.plan_updated", "above   IC case.plan_updated", "#");
    for (const char *c = text; c < strstr(text, "type    case.plan_updated"); c++)
        line += *c == '\n';
    parse_refuses(text, line);
}

static void
a_text_too_long_or_with_a_nul_is_refused(void **state)
{
    struct policy *policy = NULL;
    struct refusal refusal = {0};
    char *text = malloc(POLICY_TEXT_MAX + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '\n', POLICY_TEXT_MAX + 1);
    memcpy(text, policy_default_text, policy_default_len);
    assert_int_equal(policy_parse(&policy, text, POLICY_TEXT_MAX, &refusal), 0);
    policy_destroy(&policy);
    assert_int_equal(policy_parse(&policy, text, POLICY_TEXT_MAX + 1, &refusal), -EBADMSG);
    strstr(text, "case.linked")[4] = '\0';
    assert_int_equal(policy_parse(&policy, text, policy_default_len, &refusal), -EBADMSG);
    free(text);
}

/* Each line ends as an editor of Windows ends it, and with blanks that nobody sees. */
static void
blanks_at_the_ends_of_lines_are_no_part_of_them(void **state)
{
    struct policy *policy = NULL;
    struct refusal refusal = {0};
    char *text = malloc(policy_default_len * 3), *to = text;

    (void)state;
    assert_non_null(text);
    for (const char *at = policy_default_text; *at != '\0'; at++) {
        if (*at == '\n')
            to = stpcpy(to, " \r");
        *to++ = *at;
    }
    if (policy_parse(&policy, text, (size_t)(to - text), &refusal) != 0)
        fail_msg("%s", refusal.path);
    assert_null(strpbrk(policy_version(policy), " \r"));
    assert_true(policy_knows_speciality(policy, "neonatologia"));
    policy_destroy(&policy);
    free(text);
}

static void
specialities_are_known_in_any_case_and_all_are_without_a_list(void **state)
{
    static const char *const known[] = {"neonatologia", "NEONATOLOGIA", "położnictwo i ginekologia",
                                        "POŁOŻNICTWO I GINEKOLOGIA"};
    static const char *const unknown[] = {"", "neonatologi", "neonatologia dziecięca", "położnictwo"};
    struct policy *policy = parse_default();
    struct refusal refusal;
    char *text = malloc(policy_default_len + 1);

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(policy_knows_speciality(policy, known[i]));
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_false(policy_knows_speciality(policy, unknown[i]));
    policy_destroy(&policy);
    assert_non_null(text);
    memcpy(text, policy_default_text, policy_default_len + 1);
    for (char *at; (at = strstr(text, "\nspeciality")) != NULL;)
        at[1] = '#';
    assert_int_equal(policy_parse(&policy, text, policy_default_len, &refusal), 0);
    assert_true(policy_knows_speciality(policy, "okulistyka"));
    policy_destroy(&policy);
    free(text);
}

static void
specialities_have_their_bounds(void **state)
{
    static const char line[] = "speciality x\n";
    char *text = calloc(1, policy_default_len + 128 * sizeof line);
    struct policy *policy = NULL;
    struct refusal refusal;
    size_t len = policy_default_len, listed = 4;

    (void)state;
    assert_non_null(text);
    memcpy(text, policy_default_text, policy_default_len);
    for (; listed < POLICY_SPECIALITIES_MAX; listed++, len += sizeof line - 1)
        memcpy(text + len, line, sizeof line);
    assert_int_equal(policy_parse(&policy, text, len, &refusal), 0);
    policy_destroy(&policy);
    memcpy(text + len, line, sizeof line);
    assert_int_equal(policy_parse(&policy, text, len + sizeof line - 1, &refusal), -EBADMSG);
    memcpy(text + policy_default_len, "speciality\n", 11);
    assert_int_equal(policy_parse(&policy, text, policy_default_len + 11, &refusal), -EBADMSG);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_policy_is_the_matrix_of_the_domain),
        cmocka_unit_test(a_conditional_cell_of_the_default_has_a_condition),
        cmocka_unit_test(cells_outside_the_matrix_are_empty),
        cmocka_unit_test(each_kind_of_error_names_its_line),
        cmocka_unit_test(what_is_missing_is_missed_at_the_end),
        cmocka_unit_test(rows_before_the_roles_are_refused),
        cmocka_unit_test(cells_above_the_ceiling_need_a_line_that_says_so),
        cmocka_unit_test(blanks_at_the_ends_of_lines_are_no_part_of_them),
        cmocka_unit_test(specialities_are_known_in_any_case_and_all_are_without_a_list),
        cmocka_unit_test(specialities_have_their_bounds),
        cmocka_unit_test(a_text_too_long_or_with_a_nul_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
