/*
 * calendar - see calendar.h
 */
#include "agents/calendar.h"
#include "proto/date.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN   200u
#define LEAP_YEAR      2000 /* in which 02-29 is a date */
#define EASTER_FAR_MAX 200  /* days from Easter that a rule may name */

/* "MM-DD", of any year. */
static bool
fixed_read(const char *word, struct calendar_rule *rule)
{
    char date[DATE_TEXT_SIZE];
    int32_t day;

    if (strlen(word) != 5)
        return false;
    (void)snprintf(date, sizeof date, "%d-%s", LEAP_YEAR, word);
    if (date_parse(date, &day) != 0)
        return false;
    rule->kind = CALENDAR_FIXED;
    rule->month = date_of(day).month;
    rule->day = date_of(day).day;
    return true;
}

/* A whole number with nothing behind it. */
static bool
number_read(const char *word, int min, int max, int *ret)
{
    char end;
    int value;

    if (strlen(word) > 6 || sscanf(word, "%d%c", &value, &end) != 1 || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

/* "from YEAR" and "until YEAR" behind a rule, each once. */
static bool
years_read(char words[][LINE_MAX_LEN], int count, struct calendar_rule *rule)
{
    bool from = false, until = false;

    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count)
            return false;
        if (strcmp(words[i], "from") == 0 && !from)
            from = number_read(words[i + 1], DATE_YEAR_MIN, DATE_YEAR_MAX, &rule->from);
        else if (strcmp(words[i], "until") == 0 && !until)
            until = number_read(words[i + 1], DATE_YEAR_MIN, DATE_YEAR_MAX, &rule->until);
        else
            return false;
        if ((i == 0 && !from && !until) || (i == 2 && (!from || !until)))
            return false;
    }
    return rule->from <= rule->until;
}

/* One line without its comment; *ret_rule false: it is empty. */
static bool
line_read(const char *line, struct calendar_rule *ret, bool *ret_rule)
{
    char words[7][LINE_MAX_LEN];
    int count = sscanf(line, "%199s %199s %199s %199s %199s %199s %199s", words[0], words[1], words[2], words[3],
                       words[4], words[5], words[6]);
    int days;

    *ret_rule = count > 0;
    if (!*ret_rule)
        return true;
    *ret = (struct calendar_rule){.from = DATE_YEAR_MIN, .until = DATE_YEAR_MAX};
    if (count < 2 || count > 6)
        return false;
    if (strcmp(words[0], "once") == 0) {
        ret->kind = CALENDAR_ONCE;
        return count == 2 && date_parse(words[1], &ret->days) == 0;
    }
    if (strcmp(words[0], "easter") == 0) {
        ret->kind = CALENDAR_EASTER;
        if ((words[1][0] != '+' && words[1][0] != '-') ||
            !number_read(words[1], -EASTER_FAR_MAX, EASTER_FAR_MAX, &days))
            return false;
        ret->days = days;
    } else if (strcmp(words[0], "fixed") != 0 || !fixed_read(words[1], ret)) {
        return false;
    }
    return years_read(words + 2, count - 2, ret);
}

int
calendar_parse(struct calendar *ret, const char *text, size_t len, unsigned *ret_line)
{
    struct calendar calendar = {.rule_count = 0};
    unsigned number = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - (text + at));
        const char *comment = memchr(text + at, '#', line_len);
        size_t used = comment == NULL ? line_len : (size_t)(comment - (text + at));
        char line[LINE_MAX_LEN];
        struct calendar_rule rule;
        bool is_rule = false;

        number++;
        if (used >= sizeof line || memchr(text + at, '\0', line_len) != NULL) {
            *ret_line = number;
            return -EINVAL;
        }
        memcpy(line, text + at, used);
        line[used] = '\0';
        if (!line_read(line, &rule, &is_rule)) {
            *ret_line = number;
            return -EINVAL;
        }
        if (is_rule && calendar.rule_count == CALENDAR_RULES_MAX)
            return -E2BIG;
        if (is_rule)
            calendar.rules[calendar.rule_count++] = rule;
        at += line_len + 1;
    }
    *ret = calendar;
    return 0;
}

static bool
rule_names(const struct calendar_rule *rule, int32_t day, struct date date)
{
    if (date.year < rule->from || date.year > rule->until)
        return false;
    switch (rule->kind) {
    case CALENDAR_FIXED: return date.month == rule->month && date.day == rule->day;
    case CALENDAR_EASTER: return day == date_easter(date.year) + rule->days;
    case CALENDAR_ONCE: return day == rule->days;
    }
    abort();
}

bool
calendar_is_holiday(const struct calendar *calendar, int32_t day)
{
    struct date date = date_of(day);

    for (size_t i = 0; i < calendar->rule_count; i++)
        if (rule_names(&calendar->rules[i], day, date))
            return true;
    return false;
}

bool
calendar_is_working(const struct calendar *calendar, int32_t day)
{
    enum date_weekday weekday = date_weekday(day);

    return weekday != DATE_SATURDAY && weekday != DATE_SUNDAY && !calendar_is_holiday(calendar, day);
}

/* The first working day on or after that day. A year without one is no calendar. */
static int32_t
working_from(const struct calendar *calendar, int32_t day)
{
    while (!calendar_is_working(calendar, day))
        day++;
    return day;
}

int32_t
calendar_due(const struct calendar *calendar, int32_t from, struct term term)
{
    int32_t due = from;

    assert(term.count <= TERM_COUNT_MAX);
    switch (term.unit) {
    case TERM_DAYS: due += (int32_t)term.count; break;
    case TERM_MONTHS: due = date_add_months(from, (int)term.count); break;
    case TERM_WORKING_DAYS:
        for (unsigned i = 0; i < term.count; i++)
            due = working_from(calendar, due + 1);
        break;
    }
    return term.shift ? working_from(calendar, due) : due;
}
