/*
 * words - codes, classes, times and sizes as people read them
 *
 * The log and JSON carry words ("MULTI_PROFESSIONAL_FIRST"), RFC 3339 times and bytes; pages and the command line show
 * what these functions make of them. Nothing here is ever parsed again.
 *
 * Times are those of Poland, by the rule of the European Union (summer time from the last Sunday of March to the last
 * Sunday of October, 01:00 UTC), computed here: a server may have no time zone data, and may stand in UTC.
 *
 * Threads: any.
 */
#ifndef WICI_WORDS_H
#define WICI_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_TEXT_SIZE 64u

/* The label of a word of words.def; NULL: it has none. Constant. */
const char *words_code(const char *word, bool pl);
/* The name of a class of data, 0 to 7: "Facts". NULL: no such class. Constant. */
const char *words_class(unsigned cls, bool pl);

/*
 * The number of a character at text that turns round what is shown behind it (Unicode's embeddings, overrides and
 * isolates of direction: with one, "gpj.exe" looks like "exe.jpg"); 0: it is none. It takes WORDS_TURN_LEN bytes, and
 * is shown to nobody as it is.
 */
#define WORDS_TURN_LEN 3u
unsigned words_turn(const char *text);

/* "23.11.2026, 15:13" in Polish, "2026-11-23 15:13" in English; Polish time. Milliseconds since 1970. */
void words_time(uint64_t ms, bool pl, char ret[WORDS_TEXT_SIZE]);
/* The same of an RFC 3339 text; what is none is copied as it is, cut to the buffer. */
void words_time_text(const char *rfc3339, bool pl, char ret[WORDS_TEXT_SIZE]);
/* "14.09.2016" in Polish, "2016-09-14" in English, of a date as JSON has it; what is none is copied. */
void words_date(const char *date, bool pl, char ret[WORDS_TEXT_SIZE]);
/* "pon.", "Mon", of a day as proto/date.h counts them. Constant. */
const char *words_weekday(int32_t day, bool pl);
/* The same date with the day of the week: "pon. 7.04.2026", "Mon 2026-04-07". */
void words_day(const char *date, bool pl, char ret[WORDS_TEXT_SIZE]);
/* "64 GiB", "1,5 MiB", "512 B". */
void words_bytes(uint64_t bytes, bool pl, char ret[WORDS_TEXT_SIZE]);
/* "4,3 ms" in Polish, "4.3 ms" in English, of microseconds. */
void words_micros(uint64_t us, bool pl, char ret[WORDS_TEXT_SIZE]);

#endif
