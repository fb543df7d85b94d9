/*
 * report - the statistics of a period, counted from events
 *
 * Takes in what a unit may read, from the log's beginning on in the log's order (a family supported in the period may
 * have come years before), and counts: families supported, "Za życiem" among them, plans of social services and what
 * became of their services, meetings, opinions, referrals by source and outcome, deadlines kept and missed. What counts
 * is the date in the event, not when it was recorded; what was recalled does not count, what was amended counts as
 * amended; merged cases count once. All is as it stood on the period's last day, whenever it is asked: an assistant, an
 * answer or an end of later does not change it.
 *
 * Counts only, by unit and municipality; never by person. What a unit was not given it cannot count: an event of which
 * the telling section was withheld is left out, or counted under an empty detail. Whether a case is under "Za życiem"
 * only S4 says, and a section that is withheld looks like none: for a unit whose roles are not given it, these measures
 * are not 0 but not known (report_hide_path).
 *
 * Errors: 0; -ENOMEM; -E2BIG: more than REPORT_EVENTS_MAX events that count. Ownership: the report copies what it
 * needs; what is handed out is the caller's. Threads: one.
 */
#ifndef WICI_REPORT_H
#define WICI_REPORT_H

#include "agents/html.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define REPORT_EVENTS_MAX 1000000u

struct report;

/* The first and last day of the period (proto/date.h); since <= until. */
int report_create(struct report **ret, int32_t since, int32_t until);
/* The policy gives one of the roles (["SW"]) the S4 of referrals and of cases, of whomever: what says that a family is
 * under "Za życiem". policy: its text. */
bool report_sees_path(const char *policy, const json_t *roles);
/* The unit is not given it: the measures of "Za życiem" have one row each, of which the count is null. */
void report_hide_path(struct report *report);
/* What wici_event_json() made. Other types of events are passed over. */
int report_add(struct report *report, const json_t *event);
/*
 * Rows {"measure", "pl", "en", "detail", "unit", "gmina", "count"} in the order of the measures, then detail, unit and
 * gmina. detail: source and outcome of a referral ("SCHOOL TAKEN_UP"), the clock of a deadline ("D1"), the status of a
 * service on the last day ("in-progress", "NOT_REPORTED", "REMOVED") and the result of a plan ("GOALS_MET"); else "".
 * Services count by their provider, of plans that ran in the period; referrals by the unit that they were sent to,
 * their deadlines by who answered them last, both in the municipality of the case that took them up; deadlines of a
 * case by who opened it.
 * Measures with a count of 0 have one row, with detail, unit and gmina empty, and so have those with a count of null.
 */
int report_rows(const struct report *report, json_t **ret);
/* Of these the half-yearly summary of what became of the plans (CUS art. 46): plans, their services and results, the
 * coordinators' meetings, and the deadlines of plans, of that summary and of these meetings. -ENOMEM */
int report_rows_art46(const struct report *report, json_t **ret);
void report_free(struct report **report);

/* ---- as people read it */

/* The detail with its labels: "szkoła, podjęto", "D1 wywiad środowiskowy". */
#define REPORT_DETAIL_SIZE 200u
void report_detail(const json_t *row, bool polish, char ret[REPORT_DETAIL_SIZE]);
/* The count, or that it is not visible to the unit's role. */
#define REPORT_COUNT_SIZE 64u
void report_count(const json_t *row, bool polish, char ret[REPORT_COUNT_SIZE]);
/* Its title. Constant. */
const char *report_title(bool art46, bool polish);

/* What the page says of itself. */
struct report_head {
    const char *unit, *since, *until; /* dates as JSON has them */
    bool art46;
};
/* The page to read and print, in the frame of html.h: a table, whose columns are named on each sheet. -ENOMEM */
int report_page(const json_t *rows, const struct report_head *head, const struct page_options *options, char **ret);

#endif
