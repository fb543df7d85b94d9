/*
 * date - see date.h
 *
 * Days are counted in eras of 400 years, which all have the same number of days, with years that begin in March, so
 * that the leap day is a year's last.
 */
#include "proto/date.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ERA_DAYS 146097
#define ERA_AT   719468 /* days from 1 March of year 0 to 1970-01-01 */
#define HOUR_MS  3600000
#define DAY_MAX  2932896 /* 9999-12-31 */

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int
date_month_length(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    assert(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

int32_t
date_day(struct date date)
{
    int year = date.month <= 2 ? date.year - 1 : date.year;
    int era, year_of_era, day_of_year;

    assert(date.year >= 0);
    assert(date.day >= 1 && date.day <= date_month_length(date.year, date.month));
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - ERA_AT;
}

struct date
date_of(int32_t day)
{
    int from_march = day + ERA_AT;
    int era = (from_march >= 0 ? from_march : from_march - (ERA_DAYS - 1)) / ERA_DAYS;
    int day_of_era = from_march - era * ERA_DAYS;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153; /* 0 is March */
    struct date date = {.month = month < 10 ? month + 3 : month - 9, .day = day_of_year - (153 * month + 2) / 5 + 1};

    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

/* -1: not that many digits. */
static int
digits(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* -EINVAL: not a date. */
static int
parts_parse(const char *text, size_t len, struct date *ret)
{
    struct date date;

    if (len != DATE_TEXT_SIZE - 1 || text[4] != '-' || text[7] != '-')
        return -EINVAL;
    date = (struct date){.year = digits(text, 4), .month = digits(text + 5, 2), .day = digits(text + 8, 2)};
    if (date.year < DATE_YEAR_MIN || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > date_month_length(date.year, date.month))
        return -EINVAL;
    *ret = date;
    return 0;
}

bool
date_is_valid(const char *text, size_t len)
{
    struct date date;

    return parts_parse(text, len, &date) == 0;
}

int
date_parse(const char *text, int32_t *ret_day)
{
    struct date date;
    int rc = parts_parse(text, strnlen(text, DATE_TEXT_SIZE), &date);

    if (rc == 0)
        *ret_day = date_day(date);
    return rc;
}

void
date_format(int32_t day, char ret[DATE_TEXT_SIZE])
{
    struct date date = date_of(day);

    assert(date.year >= DATE_YEAR_MIN && date.year <= DATE_YEAR_MAX);
    (void)snprintf(ret, DATE_TEXT_SIZE, "%04u-%02u-%02u", (unsigned)date.year % 10000, (unsigned)date.month % 100,
                   (unsigned)date.day % 100);
}

enum date_weekday
date_weekday(int32_t day)
{
    int from_monday = (day + 3) % 7; /* 1970-01-01 was a Thursday */

    return (enum date_weekday)(from_monday < 0 ? from_monday + 7 : from_monday);
}

int32_t
date_add_months(int32_t day, int months)
{
    struct date date = date_of(day);
    int total = date.year * 12 + date.month - 1 + months, last;

    assert(total >= 0);
    date.year = total / 12;
    date.month = total % 12 + 1;
    last = date_month_length(date.year, date.month);
    if (date.day > last)
        date.day = last;
    return date_day(date);
}

/* The Gregorian computus: the Sunday after the first full moon of the church's lunar calendar on or after 21 March. */
int32_t
date_easter(int year)
{
    int golden = year % 19, century = year / 100;
    int skipped = century - century / 4;                  /* leap days left out since year 0 */
    int moon = (8 * century + 13) / 25;                   /* drift of the moon, in days */
    int epact = (skipped - moon + 19 * golden + 15) % 30; /* the full moon's day after 21 March */
    int full = epact - (epact == 29 || (epact == 28 && golden > 10) ? 1 : 0);
    int32_t march21 = date_day((struct date){.year = year, .month = 3, .day = 21});
    int32_t moon_day = march21 + full;

    return moon_day + 7 - ((int)date_weekday(moon_day) + 1) % 7;
}

/* ---- Polish time */

/* 01:00 UTC of the month's last Sunday. */
static int64_t
change_ms(int year, int month)
{
    int32_t last = date_day((struct date){.year = year, .month = month, .day = date_month_length(year, month)});

    last -= ((int)date_weekday(last) + 1) % 7;
    return (int64_t)last * DATE_DAY_MS + HOUR_MS;
}

int64_t
date_zone_ms(uint64_t ms)
{
    uint64_t day = ms / DATE_DAY_MS;
    int year;

    if (day > DAY_MAX)
        return HOUR_MS;
    year = date_of((int32_t)day).year;
    return (int64_t)ms >= change_ms(year, 3) && (int64_t)ms < change_ms(year, 10) ? 2 * HOUR_MS : HOUR_MS;
}

int32_t
date_of_moment(uint64_t ms)
{
    uint64_t day = (ms > UINT64_MAX - HOUR_MS ? ms : ms + (uint64_t)date_zone_ms(ms)) / DATE_DAY_MS;

    return day > DAY_MAX ? DAY_MAX : (int32_t)day;
}

uint64_t
date_end(int32_t day)
{
    int64_t midnight = ((int64_t)day + 1) * DATE_DAY_MS;

    /* No change of time falls on a midnight: what holds an hour before it by UTC holds at it. */
    return day < 0 ? 0 : (uint64_t)(midnight - date_zone_ms((uint64_t)(midnight - 2 * HOUR_MS)));
}
