/*
 * A step that the answer to a referral announces of a unit is on that unit's list, whether it works on the referral
 * (the course tells it) or only was given the answer; of an agency without the system, on that of who serves it.
 */
#include "test_core_kit.h"

#include "proto/date.h"

#include <stdio.h>
#include <string.h>

static int
setup(void **state)
{
    struct kit *k;

    kit_setup(state);
    k = *state;
    kit_agency(k, "ngo");
    kit_unit(k, "aide", "ngo", "FA");
    KIT_SAY(k, "adm", "sys.external_enrolled", 0, "",
            "0{'agencyId':'paper','name':'p','kinds':['ASSISTANCE_ORG'],'servedBy':'rec','channel':'PAPER'}", NULL,
            NULL);
    kit_referral(k, 'R', "sw");
    return 0;
}

#define STEP(unit)                                                                                                     \
    "0{'outcome':'TAKEN_UP','answeredOn':'2026-03-02'} 6{'status':'accepted','nextAction':{'unit':'" unit              \
    "','due':'2026-03-20'}}"

static const struct kit_record *
answer(struct kit *k, const char *to, const char *sections)
{
    return KIT_SAY(k, "sw", "referral.answered", 'R', to, sections, NULL, NULL);
}

/* "8 2026-03-20 for paper": the record, the day, the agency that is served. */
static const char *
steps_of(struct kit *k, const char *unit)
{
    static char text[256];
    struct core_work found[16];
    struct core_work_at at = {0};
    size_t count = core_work(k->core, kit_index(k, unit), &at, found, 16), len = 0;

    assert_int_equal(at.seq, 0);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct core_unit agency = {.agency = ""};
        char day[DATE_TEXT_SIZE] = "";

        if (found[i].kind != CORE_WORK_STEP)
            continue;
        if (found[i].due != DATE_NONE)
            date_format(found[i].due, day);
        if (found[i].agency != CORE_UNIT_NONE)
            core_unit(k->core, found[i].agency, &agency);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu %s%s%s", len > 0 ? "; " : "",
                                (unsigned long long)found[i].seq, day, agency.agency[0] != '\0' ? " for " : "",
                                agency.agency);
    }
    return text;
}

static const char *
step_of(const struct kit_record *answer_, const char *more)
{
    static char text[64];

    (void)snprintf(text, sizeof text, "%llu %s", (unsigned long long)answer_->record.seq, more);
    return text;
}

static void
a_step_is_on_the_list_of_who_was_given_the_answer_until_it_is_taken(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said = answer(k, "aide", STEP("aide"));

    assert_string_equal(kit_seen(k, "aide", said), "06");
    assert_string_equal(steps_of(k, "aide"), step_of(said, "2026-03-20"));
    assert_string_equal(steps_of(k, "sw"), ""); /* it leads: the course tells it */
    KIT_SAY(k, "aide", "info.provided", 'R', "sw", "0{'providedOn':'2026-03-05'} 6", NULL, NULL);
    assert_string_equal(steps_of(k, "aide"), "");
}

static void
another_answer_or_its_recall_takes_the_step_back(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said = answer(k, "aide", STEP("aide"));

    answer(k, "", "0{'outcome':'TAKEN_UP','answeredOn':'2026-03-03'} 6{'status':'accepted'}");
    assert_string_equal(steps_of(k, "aide"), "");
    said = answer(k, "aide",
                  "0{'outcome':'TAKEN_UP','answeredOn':'2026-03-04'} 6{'status':'accepted',"
                  "'nextAction':{'unit':'aide'}}");
    assert_string_equal(steps_of(k, "aide"), step_of(said, ""));
    KIT_SAY(k, "sw", "referral.answered", 'R', "", "0", kit_correcting(said, "ENTERED_IN_ERROR"), NULL);
    assert_string_equal(steps_of(k, "aide"), "");
}

static void
a_step_of_an_agency_without_the_system_is_on_the_list_of_who_serves_it(void **state)
{
    struct kit *k = *state;
    const struct kit_record *said = answer(k, "agency:paper", STEP("paper"));

    assert_string_equal(kit_seen(k, "paper", said), "06");
    assert_string_equal(steps_of(k, "rec"), step_of(said, "2026-03-20 for paper"));
    assert_string_equal(steps_of(k, "sw"), "");
    KIT_SAY(k, "rec", "info.provided", 'R', "sw", "0{'providedOn':'2026-03-05'} 6",
            "+'onBehalfOf':'paper','channel':'PAPER','receivedOn':'2026-03-05'", NULL);
    assert_string_equal(steps_of(k, "rec"), "");
}

static void
a_referral_that_has_ended_announces_nothing(void **state)
{
    struct kit *k = *state;

    (void)answer(k, "aide", STEP("aide"));
    KIT_SAY(k, "sw", "referral.completed", 'R', "",
            "0{'outcome':'DONE','completedOn':'2026-03-09'} 6{'status':'completed'}", NULL, NULL);
    assert_string_equal(steps_of(k, "aide"), "");
}

#define STEPS(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STEPS(a_step_is_on_the_list_of_who_was_given_the_answer_until_it_is_taken),
        STEPS(another_answer_or_its_recall_takes_the_step_back),
        STEPS(a_step_of_an_agency_without_the_system_is_on_the_list_of_who_serves_it),
        STEPS(a_referral_that_has_ended_announces_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
