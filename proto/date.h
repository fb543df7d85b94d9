/*
 * date - days of the calendar, and Polish time
 *
 * A day is a number, counted from 1970-01-01 (0). Dates in events are days in Poland (Europe/Warsaw); moments are
 * milliseconds since 1970 UTC. Months are counted as KPA art. 57 par. 3 has it: a term in months ends on the day with
 * the number of the day it began on, or on the month's last day where there is none of that number.
 *
 * Summer time follows the rule of the European Union, in force since 1996: from 01:00 UTC of March's last Sunday to
 * 01:00 UTC of October's. Earlier years would be an hour off in some weeks; no event of that age has a time of day.
 *
 * Pure; threads: any.
 */
#ifndef PROTO_DATE_H
#define PROTO_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_TEXT_SIZE 11u  /* "2026-03-01" and the NUL */
#define DATE_YEAR_MIN  1800 /* of dates that are taken from a text */
#define DATE_YEAR_MAX  9999
#define DATE_DAY_MS    86400000
#define DATE_NONE      INT32_MIN /* where a day may be missing */

enum date_weekday { DATE_MONDAY, DATE_TUESDAY, DATE_WEDNESDAY, DATE_THURSDAY, DATE_FRIDAY, DATE_SATURDAY, DATE_SUNDAY };

struct date {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* Is text[0..len-1] a day of the calendar, "2026-02-28"? */
bool date_is_valid(const char *text, size_t len);
/* -EINVAL: not such a day. */
int date_parse(const char *text, int32_t *ret_day);
/* The day lies in the years from DATE_YEAR_MIN to DATE_YEAR_MAX. */
void date_format(int32_t day, char ret[DATE_TEXT_SIZE]);

/* The date exists. */
int32_t date_day(struct date date);
struct date date_of(int32_t day);
enum date_weekday date_weekday(int32_t day);
int date_month_length(int year, int month);
/* months may be negative. 31 January and one month: 28 or 29 February. */
int32_t date_add_months(int32_t day, int months);
/* Easter Sunday, Gregorian calendar. */
int32_t date_easter(int year);

/* The day that it is in Poland at that moment; after 9999-12-31 that day. */
int32_t date_of_moment(uint64_t ms);
/* The moment at which the day ends in Poland: the first of the next day. 0 for days before 1970. */
uint64_t date_end(int32_t day);
/* How far Polish time is ahead of UTC then: 3,600,000 ms, or 7,200,000 in summer. */
int64_t date_zone_ms(uint64_t ms);

#endif
