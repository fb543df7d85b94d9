/*
 * answer - what a person types for a field, as the JSON value of that field
 *
 * Dates as people write them ("1.03.2026", "1 marca 2026", "dziś"), codes by their number in the list, their word or
 * their label, yes and no in both languages, times of Polish clocks. What becomes of it is checked by the broker's own
 * checks. Pure: today's date comes in.
 *
 * Ownership: JSON handed out is the caller's (json_decref). Threads: any, each with its own arena.
 */
#ifndef WICI_ANSWER_H
#define WICI_ANSWER_H

#include "proto/arena.h"
#include "proto/date.h"
#include "proto/errors.h"
#include "proto/types.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A date: year-month-day, day.month.year (also with - or /), a day with the Polish or English name of its month, or
 * dziś, wczoraj, jutro, today, yesterday, tomorrow. False: none of these, or no day of the calendar; *ret is untouched.
 */
bool answer_date(const char *text, int32_t today, char ret[DATE_TEXT_SIZE]);

/* tak, t, yes, y; nie, n, no; in any case of letters. False: neither. */
bool answer_yes_no(const char *text, bool *ret);

/* The word at that place (from 0) of a list of codes, cut out into ret; false: the list is shorter. */
#define ANSWER_WORD_SIZE 64u
bool answer_code(const char *codes, size_t index, char ret[ANSWER_WORD_SIZE]);

/*
 * One value of a field that is no message; text has no white space at its ends. NULL: it cannot be understood, or there
 * is no memory. What is understood need not be allowed: answer_check().
 */
json_t *answer_value(const char *text, const ProtobufCFieldDescriptor *field, const struct field_info *info,
                     int32_t today);

/*
 * Would the broker take this value in the field at that place of the message? 0, or -EBADMSG and *refusal as
 * event_decode() would fill it, the path being the field's own. A value of a repeated field is one element.
 * -ENOMEM: the arena is used up. Resets the arena.
 */
int answer_check(const json_t *value, const struct message_info *message, unsigned place, struct arena *arena,
                 struct refusal *refusal);

#endif
