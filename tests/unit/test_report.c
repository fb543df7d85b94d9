/* What report.h promises. */
#include "agents/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/date.h"

static int32_t
day(const char *text)
{
    int32_t ret = 0;

    assert_int_equal(date_parse(text, &ret), 0);
    return ret;
}

/* The first half of 2026. */
static struct report *
half_year(void)
{
    struct report *r = NULL;

    assert_int_equal(report_create(&r, day("2026-01-01"), day("2026-06-30")), 0);
    return r;
}

/* An event with the sections given, of the unit "fa". */
static void
add_of(struct report *r, const char *id, const char *type, const char *dossier, const char *more, const char *sections)
{
    char text[1200];
    json_t *event;

    (void)snprintf(
        text, sizeof text,
        "{\"header\":{\"eventId\":\"%s\",\"type\":\"%s\",\"dossierId\":\"%s\",\"actor\":{\"unit\":\"fa\"}%s},"
        "\"sections\":[%s]}",
        id, type, dossier, more, sections);
    event = json_loads(text, 0, NULL);
    assert_non_null(event);
    assert_int_equal(report_add(r, event), 0);
    json_decref(event);
}

static void
add(struct report *r, const char *id, const char *type, const char *dossier, const char *sections)
{
    add_of(r, id, type, dossier, "", sections);
}

/* The sum of a measure's rows with that detail, unit and gmina; NULL: any. */
static long
count(const struct report *r, const char *measure, const char *detail, const char *unit, const char *gmina)
{
    json_t *rows = NULL, *row;
    long sum = 0;
    size_t i;
    unsigned found = 0;

    assert_int_equal(report_rows(r, &rows), 0);
    json_array_foreach(rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "measure")), measure) != 0)
            continue;
        found++;
        if ((detail == NULL || strcmp(json_string_value(json_object_get(row, "detail")), detail) == 0) &&
            (unit == NULL || strcmp(json_string_value(json_object_get(row, "unit")), unit) == 0) &&
            (gmina == NULL || strcmp(json_string_value(json_object_get(row, "gmina")), gmina) == 0))
            sum += (long)json_integer_value(json_object_get(row, "count"));
    }
    json_decref(rows);
    assert_true(found > 0); /* each measure has a row */
    return sum;
}

#define OPENED(day)   "{\"caseOpenedS0\":{\"openedOn\":\"" day "\",\"gmina\":\"3261011\"}}"
#define ASSIGNED(day) "{\"caseAssistantAssignedS0\":{\"assignedOn\":\"" day "\",\"unit\":\"fa\"}}"
#define CLOSED(day)   "{\"caseClosedS0\":{\"closedOn\":\"" day "\"}}"
#define HELD(day)     "{\"meetingHeldS0\":{\"heldOn\":\"" day "\"}}"

static void
a_family_is_supported_from_assignment_to_the_end(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "a1", "CASE_OPENED", "a", OPENED("2024-05-01")); /* through the whole period */
    add(r, "a2", "CASE_ASSISTANT_ASSIGNED", "a", ASSIGNED("2024-05-10"));
    add(r, "b1", "CASE_OPENED", "b", OPENED("2026-06-29")); /* since its last day */
    add(r, "b2", "CASE_ASSISTANT_ASSIGNED", "b", ASSIGNED("2026-06-30"));
    add(r, "c1", "CASE_OPENED", "c", OPENED("2025-01-01")); /* until its first day */
    add(r, "c2", "CASE_ASSISTANT_ASSIGNED", "c", ASSIGNED("2025-01-02"));
    add(r, "c3", "CASE_CLOSED", "c", CLOSED("2026-01-01"));
    add(r, "d1", "CASE_ASSISTANT_ASSIGNED", "d", ASSIGNED("2025-01-02")); /* ended before */
    add(r, "d2", "CASE_CLOSED", "d", CLOSED("2025-12-31"));
    add(r, "e1", "CASE_ASSISTANT_ASSIGNED", "e", ASSIGNED("2026-07-01")); /* began after */
    add(r, "f1", "CASE_OPENED", "f", OPENED("2026-02-01"));               /* no assistant */
    assert_int_equal(count(r, "families_supported", NULL, "fa", "3261011"), 3);
    assert_int_equal(count(r, "families_supported", NULL, NULL, NULL), 3);
    assert_int_equal(count(r, "families_taken_up", NULL, NULL, NULL), 1);
    assert_int_equal(count(r, "families_ended", NULL, NULL, NULL), 1);
    report_free(&r);
    assert_null(r);
}

static void
nothing_counts_as_a_row_of_zero(void **state)
{
    struct report *r = half_year();

    (void)state;
    assert_int_equal(count(r, "families_supported", "", "", ""), 0);
    assert_int_equal(count(r, "referrals", "", "", ""), 0);
    assert_int_equal(count(r, "deadlines_missed", "", "", ""), 0);
    report_free(&r);
}

static void
recalled_events_do_not_count_and_amended_ones_as_amended(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "m1", "MEETING_HELD", "a", HELD("2026-02-01"));
    add(r, "m2", "MEETING_HELD", "a", HELD("2026-02-02"));
    add(r, "m3", "MEETING_HELD", "a", HELD("2026-02-03"));
    assert_int_equal(count(r, "meetings_held", NULL, "fa", NULL), 3);
    add_of(r, "m4", "MEETING_HELD", "a", ",\"correctsEventId\":\"m1\",\"correction\":\"ENTERED_IN_ERROR\"",
           HELD("2026-02-01"));
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 2);
    add_of(r, "m5", "MEETING_HELD", "a", ",\"correctsEventId\":\"m2\",\"correction\":\"AMENDED\"", HELD("2025-02-02"));
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 1);
    add_of(r, "m6", "MEETING_HELD", "a", ",\"correctsEventId\":\"m5\",\"correction\":\"AMENDED\"", HELD("2026-03-02"));
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 2);
    add_of(r, "m7", "MEETING_HELD", "a", ",\"correctsEventId\":\"m6\",\"correction\":\"ENTERED_IN_ERROR\"", "");
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 1);
    report_free(&r);
}

static void
merged_cases_are_one_family(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "a1", "CASE_OPENED", "a", OPENED("2026-02-01"));
    add(r, "a2", "CASE_ASSISTANT_ASSIGNED", "a", ASSIGNED("2026-02-02"));
    add(r, "b1", "CASE_ASSISTANT_ASSIGNED", "b", ASSIGNED("2026-02-03"));
    assert_int_equal(count(r, "families_supported", NULL, NULL, NULL), 2);
    add(r, "b2", "CASE_LINKED", "b", "{\"caseLinkedS0\":{\"kind\":\"MERGED_INTO\",\"otherDossier\":\"a\"}}");
    assert_int_equal(count(r, "families_supported", NULL, NULL, "3261011"), 1);
    add(r, "a3", "CASE_LINKED", "a", "{\"caseLinkedS0\":{\"kind\":\"MERGED_INTO\",\"otherDossier\":\"b\"}}");
    assert_int_equal(count(r, "families_supported", NULL, NULL, NULL), 1); /* a circle is no way out */
    report_free(&r);
}

static void
za_zyciem_is_known_by_the_case_or_the_referral_it_took_up(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "r1", "REFERRAL_SUBMITTED", "r",
        "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-02-01\"}},"
        "{\"referralSubmittedS4\":{\"entitlement\":\"COMPLICATED_PREGNANCY\"}}");
    add(r, "a1", "CASE_LINKED", "a", "{\"caseLinkedS0\":{\"kind\":\"REFERRAL_OF\",\"otherDossier\":\"r\"}}");
    add(r, "a2", "CASE_ASSISTANT_ASSIGNED", "a", ASSIGNED("2026-02-02"));
    add(r, "b1", "CASE_OPENED", "b", OPENED("2026-02-01") ",{\"caseOpenedS4\":{\"entitlement\":\"PREGNANCY\"}}");
    add(r, "b2", "CASE_ASSISTANT_ASSIGNED", "b", ASSIGNED("2026-02-02"));
    add(r, "c1", "CASE_OPENED", "c", OPENED("2026-02-01"));
    add(r, "c2", "CASE_ASSISTANT_ASSIGNED", "c", ASSIGNED("2026-02-02"));
    assert_int_equal(count(r, "zz_supported", NULL, NULL, NULL), 2);
    assert_int_equal(count(r, "zz_threatened_pregnancy", NULL, NULL, NULL), 1);
    add(r, "b3", "CASE_PLAN_UPDATED", "b", "{\"casePlanUpdatedS4\":{\"entitlement\":\"COMPLICATED_PREGNANCY\"}}");
    assert_int_equal(count(r, "zz_threatened_pregnancy", NULL, NULL, NULL), 2);
    add(r, "r2", "REFERRAL_SUBMITTED", "s", "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-03-01\"}}");
    add(r, "a3", "CASE_LINKED", "a", "{\"caseLinkedS0\":{\"kind\":\"REFERRAL_OF\",\"otherDossier\":\"s\"}}");
    assert_int_equal(count(r, "zz_supported", NULL, NULL, NULL), 2); /* a school wrote about the family, too */
    report_free(&r);
}

static void
referrals_are_told_apart_by_source_and_outcome(void **state)
{
    struct report *r = half_year();
    static const char *const dossiers[] = {"a", "b", "c"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        add_of(r, dossiers[i], "REFERRAL_SUBMITTED", dossiers[i], ",\"to\":[{\"unit\":\"sw\"}]",
               "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-02-01\"}},"
               "{\"referralSubmittedS6\":{\"sourceKind\":\"SCHOOL\"}}");
    add(r, "x1", "REFERRAL_ANSWERED", "a", "{\"referralAnsweredS0\":{\"outcome\":\"TAKEN_UP\"}}");
    add(r, "x2", "REFERRAL_COMPLETED", "a", "{\"referralCompletedS0\":{\"outcome\":\"DONE\"}}");
    add(r, "x3", "REFERRAL_ANSWERED", "b", "{\"referralAnsweredS0\":{\"outcome\":\"NOT_TAKEN_UP\"}}");
    assert_int_equal(count(r, "referrals", "SCHOOL DONE", "sw", ""), 1);
    assert_int_equal(count(r, "referrals", "SCHOOL NOT_TAKEN_UP", "sw", ""), 1);
    assert_int_equal(count(r, "referrals", "SCHOOL ", "sw", ""), 1);
    assert_int_equal(count(r, "referrals", NULL, NULL, NULL), 3);
    report_free(&r);
}

static void
a_number_is_that_of_the_last_day_whenever_it_is_asked(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "r1", "REFERRAL_SUBMITTED", "r", "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-06-20\"}}");
    add(r, "r2", "REFERRAL_ANSWERED", "r",
        "{\"referralAnsweredS0\":{\"outcome\":\"RECEIVED\",\"answeredOn\":\"2026-06-30\"}}");
    add(r, "r3", "REFERRAL_ANSWERED", "r",
        "{\"referralAnsweredS0\":{\"outcome\":\"TAKEN_UP\",\"answeredOn\":\"2026-07-01\"}}");
    assert_int_equal(count(r, "referrals", " RECEIVED", NULL, NULL), 1);
    add(r, "a1", "CASE_ASSISTANT_ASSIGNED", "a", ASSIGNED("2026-02-02"));
    add(r, "a2", "CASE_ASSISTANT_ASSIGNED", "a",
        "{\"caseAssistantAssignedS0\":{\"assignedOn\":\"2026-07-02\",\"unit\":\"fa2\"}}"); /* another one from then on */
    assert_int_equal(count(r, "families_supported", NULL, "fa", NULL), 1);
    add(r, "a3", "CASE_ASSISTANT_ASSIGNED", "a",
        "{\"caseAssistantAssignedS0\":{\"assignedOn\":\"2025-11-02\",\"unit\":\"fa3\"}}"); /* entered late */
    assert_int_equal(count(r, "families_supported", NULL, "fa", NULL), 1);
    assert_int_equal(count(r, "families_taken_up", NULL, NULL, NULL), 0); /* it was so already */
    report_free(&r);
}

static void
a_referral_counts_where_the_case_is_that_took_it_up(void **state)
{
    struct report *r = half_year();

    (void)state;
    add_of(r, "r1", "REFERRAL_SUBMITTED", "r", ",\"to\":[{\"agency\":\"ops\",\"area\":\"1\"}]",
           "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-02-01\"}}");
    assert_int_equal(count(r, "referrals", NULL, "", ""), 1);
    add(r, "r2", "REFERRAL_ANSWERED", "r", "{\"referralAnsweredS0\":{\"outcome\":\"TAKEN_UP\"}}");
    add(r, "a1", "CASE_OPENED", "a", OPENED("2026-02-03"));
    add(r, "a2", "CASE_LINKED", "a", "{\"caseLinkedS0\":{\"kind\":\"REFERRAL_OF\",\"otherDossier\":\"r\"}}");
    assert_int_equal(count(r, "referrals", NULL, "fa", "3261011"), 1); /* "fa" is who answered it */
    report_free(&r);
}

static void
plans_of_services_are_made_updated_concluded_and_running(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "a1", "IPUS_AGREED", "a",
        "{\"ipusAgreedS0\":{\"ipusId\":\"p\",\"agreedOn\":\"2026-02-01\",\"periodTo\":\"2026-05-31\"}}");
    assert_int_equal(count(r, "ipus_running", NULL, NULL, NULL), 0);
    add(r, "a2", "IPUS_UPDATED", "a",
        "{\"ipusUpdatedS0\":{\"ipusId\":\"p\",\"agreedOn\":\"2026-03-01\",\"periodTo\":\"2026-06-30\"}}");
    assert_int_equal(count(r, "ipus_running", NULL, "fa", NULL), 1);
    add(r, "a3", "IPUS_CONCLUDED", "a", "{\"ipusConcludedS0\":{\"ipusId\":\"p\",\"endedOn\":\"2026-06-30\"}}");
    assert_int_equal(count(r, "ipus_running", NULL, NULL, NULL), 0);
    assert_int_equal(count(r, "ipus_made", NULL, NULL, NULL), 1);
    assert_int_equal(count(r, "ipus_updated", NULL, NULL, NULL), 1);
    assert_int_equal(count(r, "ipus_concluded", NULL, NULL, NULL), 1);
    report_free(&r);
}

#define SERVICE(type, service, provider, more)                                                                         \
    "{\"" type "S6\":{\"row\":{\"serviceRef\":\"" service "\",\"provider\":\"" provider "\"" more "}}}"

static void
agreed(struct report *r, const char *id, const char *plan, const char *on, const char *rows)
{
    char sections[900];

    (void)snprintf(sections, sizeof sections,
                   "{\"ipusAgreedS0\":{\"ipusId\":\"%s\",\"agreedOn\":\"%s\",\"periodTo\":\"2026-12-31\"}},%s", plan,
                   on, rows);
    add(r, id, "IPUS_AGREED", "a", sections);
}

static void
reported(struct report *r, const char *id, const char *plan, const char *service, const char *status, const char *on)
{
    char sections[300], time[80];

    (void)snprintf(sections, sizeof sections,
                   "{\"ipusServiceReportedS0\":{\"ipusId\":\"%s\",\"serviceRef\":\"%s\"}},"
                   "{\"ipusServiceReportedS6\":{\"status\":\"%s\"}}",
                   plan, service, status);
    (void)snprintf(time, sizeof time, ",\"occurredAt\":\"%sT10:00:00Z\"", on);
    add_of(r, id, "IPUS_SERVICE_REPORTED", "a", time, sections);
}

static void
services_count_by_their_status_on_the_last_day(void **state)
{
    struct report *r = half_year();

    (void)state;
    agreed(r, "1", "p", "2026-02-01",
           SERVICE("ipusAgreed", "s1", "svc", "") "," SERVICE("ipusAgreed", "s2", "svc", "") "," SERVICE(
               "ipusAgreed", "s3", "club", "") "," SERVICE("ipusAgreed", "s4", "club", ""));
    assert_int_equal(count(r, "ipus_services", "NOT_REPORTED", NULL, NULL), 4);
    reported(r, "2", "p", "s1", "in-progress", "2026-03-01");
    reported(r, "3", "p", "s1", "completed", "2026-06-30");
    reported(r, "4", "p", "s1", "on-hold", "2026-05-01"); /* came late, and is of an earlier day */
    reported(r, "5", "p", "s3", "failed", "2026-07-01");  /* after the period */
    add(r, "6", "IPUS_UPDATED", "a",
        "{\"ipusUpdatedS0\":{\"ipusId\":\"p\",\"agreedOn\":\"2026-04-01\",\"periodTo\":\"2026-12-31\"}}," SERVICE(
            "ipusUpdated", "s4", "club", ",\"removed\":true") "," SERVICE("ipusUpdated", "s5", "club", ""));
    assert_int_equal(count(r, "ipus_services", "completed", "svc", NULL), 1);
    assert_int_equal(count(r, "ipus_services", "NOT_REPORTED", "svc", NULL), 1);
    assert_int_equal(count(r, "ipus_services", "NOT_REPORTED", "club", NULL), 2); /* s3, s5 */
    assert_int_equal(count(r, "ipus_services", "REMOVED", "club", NULL), 1);
    assert_int_equal(count(r, "ipus_services", NULL, NULL, NULL), 5);
    report_free(&r);
}

static void
services_count_of_plans_that_ran_in_the_period(void **state)
{
    struct report *r = half_year();

    (void)state;
    agreed(r, "1", "old", "2025-02-01", SERVICE("ipusAgreed", "s1", "svc", ""));
    add(r, "2", "IPUS_CONCLUDED", "a",
        "{\"ipusConcludedS0\":{\"ipusId\":\"old\",\"endedOn\":\"2025-12-31\"}},"
        "{\"ipusConcludedS6\":{\"resultCode\":\"GOALS_MET\"}}");
    agreed(r, "3", "next", "2026-07-01", SERVICE("ipusAgreed", "s1", "svc", ""));
    assert_int_equal(count(r, "ipus_services", NULL, NULL, NULL), 0);
    agreed(r, "4", "p", "2026-02-01", SERVICE("ipusAgreed", "s1", "svc", ""));
    add(r, "5", "IPUS_CONCLUDED", "a",
        "{\"ipusConcludedS0\":{\"ipusId\":\"p\",\"endedOn\":\"2026-06-01\"}},"
        "{\"ipusConcludedS6\":{\"resultCode\":\"PROGRESS\"}}");
    assert_int_equal(count(r, "ipus_services", "NOT_REPORTED", "svc", NULL), 1);
    assert_int_equal(count(r, "ipus_results", "PROGRESS", NULL, NULL), 1);
    assert_int_equal(count(r, "ipus_results", NULL, NULL, NULL), 1);
    report_free(&r);
}

static void
what_is_said_of_services_can_be_corrected(void **state)
{
    struct report *r = half_year();

    (void)state;
    agreed(r, "1", "p", "2026-02-01",
           SERVICE("ipusAgreed", "s1", "svc", "") "," SERVICE("ipusAgreed", "s2", "svc", ""));
    reported(r, "2", "p", "s1", "completed", "2026-03-01");
    add_of(r, "3", "IPUS_SERVICE_REPORTED", "a", ",\"correctsEventId\":\"2\",\"correction\":\"ENTERED_IN_ERROR\"", "");
    add_of(r, "4", "IPUS_AGREED", "a", ",\"correctsEventId\":\"1\",\"correction\":\"AMENDED\"",
           "{\"ipusAgreedS0\":{\"ipusId\":\"p\",\"agreedOn\":\"2026-02-01\",\"periodTo\":\"2026-12-31\"}}," SERVICE(
               "ipusAgreed", "s1", "club", ""));
    assert_int_equal(count(r, "ipus_services", "NOT_REPORTED", "club", NULL), 1);
    assert_int_equal(count(r, "ipus_services", NULL, NULL, NULL), 1);
    report_free(&r);
}

static void
a_service_whose_plan_was_not_given_counts_by_who_reports_it(void **state)
{
    struct report *r = half_year();

    (void)state;
    reported(r, "1", "p", "s1", "in-progress", "2025-12-31");
    assert_int_equal(count(r, "ipus_services", NULL, NULL, NULL), 0);
    reported(r, "2", "p", "s1", "on-hold", "2026-01-01");
    assert_int_equal(count(r, "ipus_services", "on-hold", "fa", NULL), 1);
    report_free(&r);
}

static void
meetings_of_coordinators_are_told_apart(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "1", "MEETING_HELD", "a",
        "{\"meetingHeldS0\":{\"heldOn\":\"2026-02-01\"}},{\"meetingHeldS6\":{\"kind\":\"IPUS_COORDINATORS\"}}");
    add(r, "2", "MEETING_HELD", "b", "{\"meetingHeldS0\":{\"heldOn\":\"2026-02-01\"}}");
    assert_int_equal(count(r, "ipus_coordinators", NULL, "fa", NULL), 1);
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 2);
    report_free(&r);
}

#define DEADLINE(kind, seq, due, more)                                                                                 \
    "{\"sysDeadline" kind "S0\":{\"deadline\":{\"clock\":\"D1\",\"startSeq\":\"" seq "\",\"due\":\"" due "\"" more "}" \
    "}"                                                                                                                \
    "}"

#define FROM(day) ",\"startedOn\":\"" day "\""

static void
deadlines_are_kept_late_or_missed_by_their_due_date(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "1", "SYS_DEADLINE_MET", "a", DEADLINE("Met", "1", "2026-02-10", ",\"endedOn\":\"2026-02-10\""));
    add(r, "2", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "2", "2026-02-10", ""));
    add(r, "3", "SYS_DEADLINE_MET", "a", DEADLINE("Met", "2", "2026-02-10", ",\"endedOn\":\"2026-02-11\""));
    add(r, "4", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "3", "2026-02-10", ""));
    add(r, "5", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "4", "2026-02-10", ""));
    add(r, "6", "SYS_DEADLINE_CANCELLED", "a", DEADLINE("Cancelled", "4", "2026-02-10", ""));
    add(r, "7", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "5", "2025-12-31", ""));
    add(r, "8", "SYS_DEADLINE_MISSED", "b", DEADLINE("Missed", "3", "2026-02-10", "")); /* another dossier's */
    assert_int_equal(count(r, "deadlines_kept", "D1", NULL, NULL), 1);
    assert_int_equal(count(r, "deadlines_late", "D1", NULL, NULL), 1);
    assert_int_equal(count(r, "deadlines_missed", "D1", NULL, NULL), 2);
    report_free(&r);
}

/* Amended to another day and back: the clock of each day is one of its own, and the other's end is not its end. */
static void
a_deadline_that_an_amendment_moved_is_counted_by_the_clock_that_runs(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "1", "SYS_DEADLINE_CANCELLED", "a", DEADLINE("Cancelled", "1", "2026-02-10", FROM("2026-01-27")));
    add(r, "2", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "1", "2026-02-10", FROM("2026-01-27")));
    add(r, "3", "SYS_DEADLINE_CANCELLED", "a", DEADLINE("Cancelled", "1", "2026-02-17", FROM("2026-02-03")));
    assert_int_equal(count(r, "deadlines_missed", "D1", NULL, NULL), 1);
    report_free(&r);
}

static void
deadlines_count_by_who_holds_the_dossier_and_its_municipality(void **state)
{
    struct report *r = half_year();

    (void)state;
    add_of(r, "r1", "REFERRAL_SUBMITTED", "r", ",\"to\":[{\"unit\":\"sw\"}]",
           "{\"referralSubmittedS0\":{\"informationReceivedOn\":\"2026-02-01\"}}");
    add(r, "1", "SYS_DEADLINE_MISSED", "r", DEADLINE("Missed", "1", "2026-02-10", ""));
    assert_int_equal(count(r, "deadlines_missed", "D1", "sw", ""), 1);
    add(r, "r2", "REFERRAL_ANSWERED", "r", "{\"referralAnsweredS0\":{\"outcome\":\"TAKEN_UP\"}}");
    add(r, "a1", "CASE_OPENED", "a", OPENED("2026-02-03"));
    add(r, "a2", "CASE_LINKED", "a", "{\"caseLinkedS0\":{\"kind\":\"REFERRAL_OF\",\"otherDossier\":\"r\"}}");
    add(r, "2", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "5", "2026-02-10", ""));
    assert_int_equal(count(r, "deadlines_missed", "D1", "fa", "3261011"),
                     2); /* "fa" answered the one, opened the other */
    add(r, "3", "SYS_DEADLINE_MET", "r", DEADLINE("Met", "1", "2026-02-10", ",\"endedOn\":\"2026-07-01\""));
    assert_int_equal(count(r, "deadlines_missed", "D1", NULL, NULL), 2); /* on the last day it was */
    assert_int_equal(count(r, "deadlines_late", "D1", NULL, NULL), 0);
    report_free(&r);
}

/* A row of the summary: its measure, detail and count; NULL: there is none at that place. */
static const char *
summary_at(const json_t *rows, size_t at)
{
    static char text[120];
    const json_t *row = json_array_get(rows, at);

    (void)snprintf(text, sizeof text, "%s %s %lld", json_string_value(json_object_get(row, "measure")),
                   json_string_value(json_object_get(row, "detail")),
                   (long long)json_integer_value(json_object_get(row, "count")));
    return row == NULL ? NULL : text;
}

static void
the_half_yearly_summary_is_of_plans_and_their_deadlines(void **state)
{
    static const char *const expected[] = {
        "ipus_made  1",        "ipus_updated  0",     "ipus_concluded  0",    "ipus_running  1",
        "ipus_services  0",    "ipus_results  0",     "ipus_coordinators  1", "deadlines_kept  0",
        "deadlines_late D8 1", "deadlines_missed  0", /* D1 was, which is no plan's */
    };
    struct report *r = half_year();
    json_t *rows = NULL;

    (void)state;
    agreed(r, "1", "p", "2026-02-01", "{}");
    add(r, "2", "MEETING_HELD", "a",
        "{\"meetingHeldS0\":{\"heldOn\":\"2026-02-01\"}},{\"meetingHeldS6\":{\"kind\":\"IPUS_COORDINATORS\"}}");
    add(r, "3", "SYS_DEADLINE_MISSED", "a", DEADLINE("Missed", "1", "2026-02-10", ""));
    add(r, "4", "SYS_DEADLINE_MET", "",
        "{\"sysDeadlineMetS0\":{\"deadline\":{\"clock\":\"D8\",\"startSeq\":\"9\",\"due\":\"2026-03-01\",\"endedOn\":"
        "\"2026-03-02\"}}}");
    assert_int_equal(report_rows_art46(r, &rows), 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_string_equal(summary_at(rows, i), expected[i]);
    assert_int_equal(json_array_size(rows), sizeof expected / sizeof expected[0]);
    json_decref(rows);
    report_free(&r);
}

static void
other_events_and_what_was_withheld_are_passed_over(void **state)
{
    struct report *r = half_year();

    (void)state;
    add(r, "1", "CONSENT_GRANTED", "a", "{\"consentGrantedS0\":{}}");
    add(r, "2", "MEETING_HELD", "a", "");
    add(r, "3", "NO_SUCH_TYPE", "a", "");
    assert_int_equal(count(r, "meetings_held", NULL, NULL, NULL), 0);
    report_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_is_supported_from_assignment_to_the_end),
        cmocka_unit_test(nothing_counts_as_a_row_of_zero),
        cmocka_unit_test(recalled_events_do_not_count_and_amended_ones_as_amended),
        cmocka_unit_test(merged_cases_are_one_family),
        cmocka_unit_test(za_zyciem_is_known_by_the_case_or_the_referral_it_took_up),
        cmocka_unit_test(referrals_are_told_apart_by_source_and_outcome),
        cmocka_unit_test(a_number_is_that_of_the_last_day_whenever_it_is_asked),
        cmocka_unit_test(a_referral_counts_where_the_case_is_that_took_it_up),
        cmocka_unit_test(plans_of_services_are_made_updated_concluded_and_running),
        cmocka_unit_test(services_count_by_their_status_on_the_last_day),
        cmocka_unit_test(services_count_of_plans_that_ran_in_the_period),
        cmocka_unit_test(what_is_said_of_services_can_be_corrected),
        cmocka_unit_test(a_service_whose_plan_was_not_given_counts_by_who_reports_it),
        cmocka_unit_test(meetings_of_coordinators_are_told_apart),
        cmocka_unit_test(deadlines_are_kept_late_or_missed_by_their_due_date),
        cmocka_unit_test(a_deadline_that_an_amendment_moved_is_counted_by_the_clock_that_runs),
        cmocka_unit_test(deadlines_count_by_who_holds_the_dossier_and_its_municipality),
        cmocka_unit_test(the_half_yearly_summary_is_of_plans_and_their_deadlines),
        cmocka_unit_test(other_events_and_what_was_withheld_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
