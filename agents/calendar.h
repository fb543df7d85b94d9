/*
 * calendar - which days are holidays, and when a term ends
 *
 * Holidays are data: parliament adds days and takes them away, once for a single year. The file (agents/holidays.pl is
 * ours) has a rule a line; '#' begins a comment:
 *
 *     fixed 12-24 from 2025     the same date each year; "from YEAR" and "until YEAR" may follow, both included
 *     easter +60                counted from Easter Sunday
 *     once 2018-11-12           that day alone
 *
 * Saturdays and Sundays are no working days and need no rule.
 *
 * Terms are counted as the law counts them (KPA art. 57): the day of the event is not part of the term; days are days
 * of the calendar; months end on the day of the same number, or the month's last (proto/date.h); where the law says so,
 * an end on a Saturday or a holiday moves to the next working day.
 *
 * Ownership: a calendar is plain data, copied as such. Pure; threads: any.
 */
#ifndef AGENTS_CALENDAR_H
#define AGENTS_CALENDAR_H

#include "proto/clocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_RULES_MAX 64u         /* Poland has 14 */
#define CALENDAR_TEXT_MAX  (16u << 10) /* bytes of a file */

enum calendar_rule_kind { CALENDAR_FIXED, CALENDAR_EASTER, CALENDAR_ONCE };

struct calendar_rule {
    enum calendar_rule_kind kind;
    int month, day;  /* FIXED */
    int32_t days;    /* EASTER: after Easter Sunday; ONCE: the day itself */
    int from, until; /* years, both included */
};

struct calendar {
    size_t rule_count;
    struct calendar_rule rules[CALENDAR_RULES_MAX];
};

/*
 * Reads the rules. -EINVAL: *ret_line (from 1) cannot be understood; -E2BIG: more than CALENDAR_RULES_MAX rules.
 * *ret is untouched then.
 */
int calendar_parse(struct calendar *ret, const char *text, size_t len, unsigned *ret_line);

/*
 * Reads the file at path; NULL: the one that is installed with this program, or lies in its build folder. -ENOENT and
 * other errors of the file; -EINVAL, *ret_line as above; -E2BIG; -EFBIG: more than CALENDAR_TEXT_MAX bytes.
 */
int calendar_load(struct calendar *ret, const char *path, unsigned *ret_line);

/* Is it a holiday by a rule? Of days between 1970 and 9999. */
bool calendar_is_holiday(const struct calendar *calendar, int32_t day);
/* Monday to Friday and no holiday. */
bool calendar_is_working(const struct calendar *calendar, int32_t day);

/* The last day of a term that an event of day `from` began. */
int32_t calendar_due(const struct calendar *calendar, int32_t from, struct term term);

#endif
