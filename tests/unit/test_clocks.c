/* What clocks.h says, in its order. The table of types is the catalogue of the domain, copied by hand. */
#include "proto/clocks.h"
#include "proto/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void
the_clocks_are_d1_to_d19_and_found_by_name(void **state)
{
    char name[8];

    (void)state;
    assert_int_equal(CLOCK_COUNT, 20);
    for (unsigned i = 1; i < CLOCK_COUNT; i++) {
        (void)snprintf(name, sizeof name, "D%u", i);
        assert_string_equal(clock_info((enum clock_id)i)->id, name);
        assert_int_equal(clock_by_name(name), i);
    }
    assert_int_equal(clock_by_name("D20"), CLOCK_NONE);
    assert_int_equal(clock_by_name(""), CLOCK_NONE);
    assert_int_equal(clock_by_name("d1"), CLOCK_NONE);
}

static void
each_says_in_both_languages_what_is_due_and_whose_rule_it_is(void **state)
{
    (void)state;
    for (unsigned i = 1; i < CLOCK_COUNT; i++) {
        const struct clock_info *info = clock_info((enum clock_id)i);

        assert_true(strlen(info->pl) > 0 && strlen(info->en) > 0 && strlen(info->source) > 0);
        assert_true(strlen(clock_force_name(info->force)) > 0);
    }
}

static void
a_term_has_a_length_and_a_date_has_none(void **state)
{
    (void)state;
    for (unsigned i = 1; i < CLOCK_COUNT; i++) {
        const struct clock_info *info = clock_info((enum clock_id)i);

        assert_int_equal(info->term.count > 0, info->basis == CLOCK_TERM);
        assert_true(info->term.count <= TERM_COUNT_MAX);
        if (info->basis != CLOCK_TERM)
            assert_true(info->urgent.count == 0 && !info->term.shift);
    }
}

/* DOMAIN: the end moves only for these. */
static void
only_four_ends_move_to_a_working_day(void **state)
{
    (void)state;
    for (unsigned i = 1; i < CLOCK_COUNT; i++)
        assert_int_equal(clock_info((enum clock_id)i)->term.shift,
                         i == CLOCK_D1 || i == CLOCK_D2 || i == CLOCK_D3 || i == CLOCK_D15);
}

static void
units_have_names_that_are_read_back(void **state)
{
    enum term_unit unit = TERM_DAYS;

    (void)state;
    for (unsigned i = TERM_DAYS; i <= TERM_MONTHS; i++) {
        assert_true(term_unit_by_name(term_unit_name((enum term_unit)i), &unit));
        assert_int_equal(unit, i);
    }
    unit = TERM_MONTHS;
    assert_false(term_unit_by_name("WEEKS", &unit));
    assert_int_equal(unit, TERM_MONTHS);
}

static const struct cell {
    const char *type;
    const char *starts, *ends; /* ends: met, cancelled or replaced */
} catalogue[] = {
    {"referral.submitted", "D1 D3 D15 D17", ""},
    {"referral.answered", "", "D1 D3 D15"},
    {"referral.forwarded", "D15", "D15"},
    {"referral.completed", "", "D1 D3 D15"},
    {"case.opened", "D2", ""},
    {"case.interview_completed", "", "D1"},
    {"case.assistant_assigned", "D4 D11", ""},
    {"case.plan_updated", "", ""},
    {"case.assessment_recorded", "D4", "D4 D11 D14"},
    {"case.closed", "D14", "D1 D2 D3 D4 D10 D11 D16 D17"},
    {"case.safety_concern_raised", "D18", ""},
    {"case.assistant_requested", "", ""},
    {"case.linked", "", ""},
    {"case.worker_set", "", ""},
    {"case.safety_concern_answered", "", "D18"},
    {"consent.granted", "D17", "D17"},
    {"consent.withdrawn", "", "D17"},
    {"placement.changed", "", ""},
    {"court.opinion_requested", "D12", ""},
    {"court.opinion_delivered", "", "D12"},
    {"court.order_issued", "D1 D19", "D19"},
    {"court.insight_requested", "", ""},
    {"meeting.convened", "", ""},
    {"meeting.held", "D9 D10 D13", "D2 D9 D10 D16"},
    {"meeting.agreements_issued", "D16", "D13"},
    {"ipus.agreed", "D6 D7", "D3 D6"},
    {"ipus.updated", "D6 D7", "D6 D7"},
    {"ipus.service_reported", "", "D16"},
    {"ipus.concluded", "", "D6 D7"},
    {"ipus.approved", "", ""},
    {"info.requested", "D15", ""},
    {"info.provided", "", "D15 D19"},
};

static bool
word_in(const char *words, const char *word)
{
    const char *at = words;
    size_t len = strlen(word);

    while ((at = strstr(at, word)) != NULL) {
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
        at += len;
    }
    return false;
}

static void
what_an_event_does_is_what_the_catalogue_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(catalogue); i++) {
        const struct type_info *type = type_by_name(catalogue[i].type);

        assert_non_null(type);
        for (unsigned clock = 1; clock < CLOCK_COUNT; clock++) {
            bool starts = false, ends = false;
            const struct clock_event *event;

            for (size_t j = 0; (event = clock_event_at(j)) != NULL; j++) {
                if (event->type != type->number || event->clock != (enum clock_id)clock)
                    continue;
                starts = starts || event->deed == CLOCK_STARTS || event->deed == CLOCK_REPLACES;
                ends = ends || event->deed != CLOCK_STARTS;
            }
            if (starts != word_in(catalogue[i].starts, clock_info((enum clock_id)clock)->id) ||
                ends != word_in(catalogue[i].ends, clock_info((enum clock_id)clock)->id))
                fail_msg("%s and %s", catalogue[i].type, clock_info((enum clock_id)clock)->id);
        }
    }
}

static void
every_event_of_a_clock_is_in_the_registry(void **state)
{
    const struct clock_event *event;

    (void)state;
    for (size_t i = 0; (event = clock_event_at(i)) != NULL; i++) {
        assert_non_null(type_by_number(event->type));
        assert_int_equal(event->pl[0] == '\0', event->en[0] == '\0');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_are_d1_to_d19_and_found_by_name),
        cmocka_unit_test(each_says_in_both_languages_what_is_due_and_whose_rule_it_is),
        cmocka_unit_test(a_term_has_a_length_and_a_date_has_none),
        cmocka_unit_test(only_four_ends_move_to_a_working_day),
        cmocka_unit_test(units_have_names_that_are_read_back),
        cmocka_unit_test(what_an_event_does_is_what_the_catalogue_says),
        cmocka_unit_test(every_event_of_a_clock_is_in_the_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
