/*
 * What agency_clocks.h and core.h say of deadlines of an agency as a whole (D8, D9): what starts and meets them, who is
 * given and told which, corrections, erasure, and how many there may be.
 */
#include "test_core_clocks_kit.h"

#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

/* The agency's clocks of that id as the unit is given them: "from START [due DUE]", "met DAY", "cancelled"; "" for
 * none. */
static const char *
agency_is(struct kit *k, const char *unit, const char *agency, const char *id)
{
    static char text[400];
    size_t count = all_clocks(k, unit), len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct core_clock *c = &found[i];

        if (strcmp(c->agency, agency) != 0 || c->clock != clock_by_name(id))
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s", len > 0 ? "; " : "",
                                c->state == CORE_CLOCK_RUNS  ? "from "
                                : c->state == CORE_CLOCK_MET ? "met "
                                                             : "cancelled",
                                c->state == CORE_CLOCK_RUNS  ? day_text(c->started)
                                : c->state == CORE_CLOCK_MET ? day_text(c->ended)
                                                             : "");
        if (c->state == CORE_CLOCK_RUNS && c->due != DATE_NONE)
            len += (size_t)snprintf(text + len, sizeof text - len, " due %s", day_text(c->due));
    }
    return text;
}
#define OF_CUS(id, text) assert_string_equal(agency_is(k, "clerk", "cus", id), text)

static struct kit_record *
present(struct kit *k, const char *day, const char *to)
{
    char sections[300];

    (void)snprintf(sections, sizeof sections,
                   "0{'kind':'ART_46','periodFrom':'2025-07-01','periodTo':'2025-12-31','presentedTo':[%s],"
                   "'presentedOn':'%s'}",
                   to, day);
    return say(k, "ous", "sys.report_presented", 0, "", sections, NULL);
}

static struct kit_record *
coordinators(struct kit *k, char dossier, char id, const char *day)
{
    char sections[120];

    (void)snprintf(sections, sizeof sections, "0{'meetingId':'$%c'} 6{'kind':'IPUS_COORDINATORS'}", id);
    say(k, "ous", "meeting.convened", dossier, "", sections, NULL);
    return meeting(k, dossier, "ous", id, day, "IPUS_COORDINATORS");
}

/* The day of the kit, on which "ous" was enrolled. */
#define FROM_ENROLMENT "from 2026-03-01"

static void
the_first_of_each_runs_from_the_day_the_first_organiser_was_enrolled(void **state)
{
    struct kit *k = *state;

    OF_CUS("D8", FROM_ENROLMENT);
    OF_CUS("D9", FROM_ENROLMENT);
    assert_string_equal(agency_is(k, "clerk", "gops", "D8"), ""); /* it has no organiser */
    kit_unit(k, "ous2", "cus", "OUS");
    kit_unit(k, "both", "gops", "SW OUS");
    OF_CUS("D8", FROM_ENROLMENT);
    assert_string_equal(agency_is(k, "clerk", "gops", "D8"), FROM_ENROLMENT);
    assert_string_equal(agency_is(k, "both", "gops", "D9"), FROM_ENROLMENT);
    assert_int_equal(found[0].unit, core_unit_by_id(k->core, "both"));
}

static void
what_is_done_after_that_day_meets_the_first_and_starts_the_next(void **state)
{
    struct kit *k = *state;
    struct kit_record *held;

    present(k, "2026-07-10", "'dir'");
    OF_CUS("D8", "met 2026-07-10; from 2026-07-10");
    held = coordinators(k, 'M', 'm', "2026-05-08");
    OF_CUS("D9", "met 2026-05-08; from 2026-05-08");
    say(k, "ous", "meeting.held", 'M', "", "0{'meetingId':'$m','heldOn':'2026-05-08'}",
        kit_correcting(held, "ENTERED_IN_ERROR"));
    OF_CUS("D9", FROM_ENROLMENT "; cancelled");
}

/* What was done by then says itself from when on the next is due. */
static void
what_was_done_by_that_day_takes_the_place_of_the_first(void **state)
{
    struct kit *k = *state;

    present(k, "2026-03-01", "'dir'");
    OF_CUS("D8", FROM_ENROLMENT);
    assert_int_equal(found[all_clocks(k, "clerk") - 1].start_seq, k->count); /* the summary's */
    coordinators(k, 'M', 'm', "2026-01-08");
    OF_CUS("D9", "from 2026-01-08");
}

static void
d8_runs_from_a_summary_to_the_next(void **state)
{
    struct kit *k = *state;

    present(k, "2025-07-10", "'dir'");
    OF_CUS("D8", "from 2025-07-10");
    present(k, "2026-01-08", "'dir'");
    OF_CUS("D8", "met 2026-01-08; from 2026-01-08");
}

static void
d8_asks_for_the_director_and_the_organiser_of_the_local_community(void **state)
{
    struct kit *k = *state;

    kit_unit(k, "osl", "cus", "OSL");
    present(k, "2025-07-10", "'dir'");
    present(k, "2025-07-11", "'osl'");
    OF_CUS("D8", FROM_ENROLMENT);
    present(k, "2025-07-12", "'dir','osl'");
    OF_CUS("D8", "from 2025-07-12");
    present(k, "2026-01-08", "'dir'");
    OF_CUS("D8", "from 2025-07-12");
}

static void
d9_runs_from_a_meeting_of_coordinators_to_the_agencys_next(void **state)
{
    struct kit *k = *state;

    coordinators(k, 'M', 'm', "2026-01-08");
    OF_CUS("D9", "from 2026-01-08");
    say(k, "sw", "meeting.convened", 'N', "", "0{'meetingId':'$n'} 6{'kind':'CONSULTATION'}", NULL);
    meeting(k, 'N', "sw", 'n', "2026-02-01", "CONSULTATION");
    OF_CUS("D9", "from 2026-01-08");
    coordinators(k, 'O', 'o', "2026-02-03");
    OF_CUS("D9", "met 2026-02-03; from 2026-02-03");
    coordinators(k, 'P', 'p', "2026-01-20"); /* entered late */
    OF_CUS("D9", "met 2026-01-20; from 2026-02-03; met 2026-02-03");
}

static void
a_correction_of_the_meeting_moves_or_ends_it(void **state)
{
    struct kit *k = *state;
    struct kit_record *held = coordinators(k, 'M', 'm', "2026-01-08"), *next = coordinators(k, 'N', 'n', "2026-02-03");

    say(k, "ous", "meeting.held", 'N', "", "0{'meetingId':'$n','heldOn':'2026-02-03'}",
        kit_correcting(next, "ENTERED_IN_ERROR"));
    OF_CUS("D9", "from 2026-01-08; cancelled");
    say(k, "ous", "meeting.held", 'M', "",
        "0{'meetingId':'$m','heldOn':'2026-01-09'} "
        "6{'kind':'IPUS_COORDINATORS','attendance':[{'role':'OUS','signed':true}]}",
        kit_correcting(held, "AMENDED"));
    OF_CUS("D9", "cancelled; cancelled; from 2026-01-09");
}

static void
the_agencys_organiser_and_its_director_are_given_them_and_nobody_else(void **state)
{
    static const char *const others[] = {"sw", "fa", "ic", "rec", "ops", "sch", "adm"};
    struct kit *k = *state;

    present(k, "2025-07-10", "'dir'");
    coordinators(k, 'M', 'm', "2026-01-08");
    assert_string_equal(agency_is(k, "ous", "cus", "D8"), "from 2025-07-10");
    assert_int_equal(found[all_clocks(k, "ous") - 1].unit, core_unit_by_id(k->core, "ous"));
    assert_string_equal(agency_is(k, "dir", "cus", "D9"), "from 2026-01-08");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_string_equal(agency_is(k, others[i], "cus", "D8"), "");
    present(k, "2026-01-08", "'dir'");
    assert_string_equal(agency_is(k, "ous", "cus", "D8"), "from 2026-01-08"); /* the one that was met is only told */
}

/* ---- telling */

static struct kit_line
notice(struct kit *k, const char *what, const char *id, const char *due, const char *more)
{
    static char sections[600], type[40];
    struct kit_line line = {.unit = "clerk", .type = type, .sections = sections};
    size_t count = all_clocks(k, "clerk"), i = 0;
    char end[80] = "";

    while (i < count && (found[i].agency[0] == '\0' || found[i].clock != clock_by_name(id)))
        i++;
    assert_true(i < count);
    if (found[i].end_seq != 0)
        (void)snprintf(end, sizeof end, ",'endSeq':'%llu','endedOn':'%s'", (unsigned long long)found[i].end_seq,
                       day_text(found[i].ended));
    (void)snprintf(type, sizeof type, "sys.deadline_%s", what);
    (void)snprintf(
        sections, sizeof sections,
        "0{'deadline':{'clock':'%s','startSeq':'%llu','startedOn':'%s','due':'%s','notice':%u,'agency':'%s'%s%s}}", id,
        (unsigned long long)found[i].start_seq, day_text(found[i].started), due, found[i].notices, found[i].agency, end,
        more);
    return line;
}

static void
tell(struct kit *k, const char *what, const char *id, const char *due)
{
    struct kit_line line = notice(k, what, id, due, "");

    line.expect = "dir=0 ous=0"; /* and not the administrator, nor another office */
    kit_say(k, &line);
}
#define AT(field) "sections[0].sysDeadline" field

static void
the_first_is_told_and_taken_back_once_something_earlier_is_entered(void **state)
{
    struct kit *k = *state;

    tell(k, "approaching", "D8", "2026-09-01");
    OF_CUS("D8", FROM_ENROLMENT " due 2026-09-01");
    present(k, "2025-12-10", "'dir'"); /* entered late */
    OF_CUS("D8", "cancelled; from 2025-12-10");
    tell(k, "cancelled", "D8", "2026-09-01");
    OF_CUS("D8", "from 2025-12-10");
}

static void
each_is_told_once_to_the_organiser_and_the_director(void **state)
{
    struct kit *k = *state;
    struct kit_line line;

    present(k, "2025-07-10", "'dir'");
    tell(k, "approaching", "D8", "2026-01-10");
    line = notice(k, "approaching", "D8", "2026-01-10", "");
    kit_refused(k, &line, E_ORDER, AT("ApproachingS0.deadline.clock"));
    tell(k, "missed", "D8", "2026-01-10");
    OF_CUS("D8", "from 2025-07-10 due 2026-01-10");
    present(k, "2026-01-15", "'dir'");
    tell(k, "met", "D8", "2026-01-10");
    OF_CUS("D8", "from 2026-01-15");
}

static void
a_notice_that_does_not_fit_is_refused(void **state)
{
    struct kit *k = *state;
    struct kit_line line;

    present(k, "2025-07-10", "'dir'");
    referral(k);
    line = notice(k, "met", "D8", "2026-01-10", "");
    kit_refused(k, &line, E_ORDER, AT("MetS0.deadline.clock"));
    line = notice(k, "approaching", "D8", "2026-01-10", ",'agency':'gops'");
    kit_refused(k, &line, E_UNKNOWN, AT("ApproachingS0.deadline.startSeq"));
    line = notice(k, "approaching", "D8", "2026-01-10", ",'agency':'nobody'");
    kit_refused(k, &line, E_UNKNOWN, AT("ApproachingS0.deadline.startSeq"));
    line = notice(k, "approaching", "D8", "2026-01-10", ",'item':1");
    kit_refused(k, &line, E_UNKNOWN, AT("ApproachingS0.deadline.startSeq"));
    line = notice(k, "approaching", "D8", "2026-01-10", "");
    line.dossier = 'R'; /* it is no dossier's */
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = notice(k, "approaching", "D8", "2026-01-10", ",'agency':''");
    kit_refused(k, &line, E_DOSSIER, "header.dossierId");
    line = notice(k, "approaching", "D8", "2026-01-10", "");
    line.unit = "ous";
    kit_refused(k, &line, E_ROLE, "header.actor.role");
    tell(k, "approaching", "D8", "2026-01-10");
}

/* ---- pages, erasure, how many */

static void
a_list_goes_on_with_the_agencies_where_the_page_ended(void **state)
{
    struct kit *k = *state;
    struct core_clocks_at at = {0};
    char text[200] = "";
    struct core_clock one;

    referral(k); /* D1, D15 */
    present(k, "2025-07-10", "'dir'");
    coordinators(k, 'M', 'm', "2026-01-08"); /* D13 of the meeting, D9 */
    do {
        if (core_clocks(k->core, core_unit_by_id(k->core, "clerk"), &at, &one, 1) == 1)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s ", clock_info(one.clock)->id,
                           one.agency);
    } while (at.seq != 0);
    assert_string_equal(text, "D15 D1 D13 D8cus D9cus ");
}

static void
with_the_meeting_its_deadline_is_erased(void **state)
{
    struct kit *k = *state;
    struct kit_record *held = coordinators(k, 'M', 'm', "2026-01-08");
    char sections[400];

    coordinators(k, 'N', 'n', "2026-02-03");
    OF_CUS("D9", "met 2026-02-03; from 2026-02-03");
    (void)snprintf(
        sections, sizeof sections,
        "0{'reason':'COURT_ORDER','orderSha256':'%064d','orderedBy':'adm','keys':[{'entry':%u,'generation':1,"
        "'mark':'%032d'}],'part':1,'parts':1}",
        0, held->record.entry, 0);
    kit_own(k, "sys.erasure_intended", sections);
    k->changed = true;
    OF_CUS("D9", "from 2026-02-03");
}

static void
an_agency_has_a_bounded_number_of_them(void **state)
{
    struct kit *k = *state;
    struct kit_line line = {.unit = "ous",
                            .type = "sys.report_presented",
                            .sections = "0{'kind':'ART_46','periodFrom':'2025-07-01','periodTo':'2025-12-31',"
                                        "'presentedTo':['dir'],'presentedOn':'2026-01-08'}"};
    struct kit_line held = {.unit = "ous",
                            .type = "meeting.held",
                            .dossier = 'M',
                            .sections = "0{'meetingId':'$m','heldOn':'2026-01-08'} 6{'kind':'IPUS_COORDINATORS',"
                                        "'attendance':[{'role':'OUS','signed':true}]}"};

    say(k, "ous", "meeting.convened", 'M', "", "0{'meetingId':'$m'} 6{'kind':'IPUS_COORDINATORS'}", NULL);
    for (unsigned i = 2; i < AGENCY_CLOCKS_MAX; i++) /* the first two are there */
        kit_say(k, &line);
    kit_refused(k, &line, E_LIMIT, "header.actor.agency");
    line.sections = "0{'kind':'ART_46','periodFrom':'2025-07-01','periodTo':'2025-12-31','presentedTo':['ous'],"
                    "'presentedOn':'2026-01-08'}";
    kit_say(k, &line); /* one that starts none */
    kit_refused(k, &held, E_LIMIT, "header.actor.agency");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOCKS_TEST(the_first_of_each_runs_from_the_day_the_first_organiser_was_enrolled),
        CLOCKS_TEST(what_is_done_after_that_day_meets_the_first_and_starts_the_next),
        CLOCKS_TEST(what_was_done_by_that_day_takes_the_place_of_the_first),
        CLOCKS_TEST(the_first_is_told_and_taken_back_once_something_earlier_is_entered),
        CLOCKS_TEST(d8_runs_from_a_summary_to_the_next),
        CLOCKS_TEST(d8_asks_for_the_director_and_the_organiser_of_the_local_community),
        CLOCKS_TEST(d9_runs_from_a_meeting_of_coordinators_to_the_agencys_next),
        CLOCKS_TEST(a_correction_of_the_meeting_moves_or_ends_it),
        CLOCKS_TEST(the_agencys_organiser_and_its_director_are_given_them_and_nobody_else),
        CLOCKS_TEST(each_is_told_once_to_the_organiser_and_the_director),
        CLOCKS_TEST(a_notice_that_does_not_fit_is_refused),
        CLOCKS_TEST(a_list_goes_on_with_the_agencies_where_the_page_ended),
        CLOCKS_TEST(with_the_meeting_its_deadline_is_erased),
        CLOCKS_TEST(an_agency_has_a_bounded_number_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
