/*
 * words - see words.h
 */
#include "agents/words.h"

#include "proto/date.h"
#include "proto/event.h"
#include "proto/types.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *word, *pl, *en;
} words[] = {
#define WORD(word, pl, en) {word, pl, en},
#include "agents/words.def"
#undef WORD
};

static const char *const classes[TYPE_CLASSES][2] = {
    {"Fakty", "Facts"},
    {"Tożsamość", "Identity"},
    {"Sytuacja bytowa", "Living conditions"},
    {"Sytuacja prawna dziecka", "The child's legal situation"},
    {"Zdrowie i rozwój", "Health and development"},
    {"Sąd, przemoc", "Justice, violence"},
    {"Zapisy specjalistów", "Professional notes"},
    {"Adres i kontakt", "Address and contact"},
};

const char *
words_code(const char *word, bool pl)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return pl ? words[i].pl : words[i].en;
    return NULL;
}

const char *
words_class(unsigned cls, bool pl)
{
    return cls < TYPE_CLASSES ? classes[cls][pl ? 0 : 1] : NULL;
}

/* U+202A to U+202E, and U+2066 to U+2069. */
unsigned
words_turn(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    if (at[0] != 0xe2 || (at[1] != 0x80 && at[1] != 0x81))
        return 0;
    if (at[1] == 0x80 ? at[2] < 0xaa || at[2] > 0xae : at[2] < 0xa6 || at[2] > 0xa9)
        return 0;
    return 0x2000u | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
}

/* ---- times */

void
words_time(uint64_t ms, bool pl, char ret[WORDS_TEXT_SIZE])
{
    time_t at = (time_t)(ms / 1000);
    struct tm tm;

    at += (time_t)(date_zone_ms(ms) / 1000);
    if (gmtime_r(&at, &tm) == NULL)
        ret[0] = '\0';
    else if (pl)
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%d.%02d.%d, %02d:%02d", tm.tm_mday, tm.tm_mon + 1, tm.tm_year + 1900,
                       tm.tm_hour, tm.tm_min);
    else
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                       tm.tm_hour, tm.tm_min);
}

void
words_time_text(const char *rfc3339, bool pl, char ret[WORDS_TEXT_SIZE])
{
    uint64_t ms;

    if (time_parse(rfc3339, &ms) == 0)
        words_time(ms, pl, ret);
    else
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%s", rfc3339);
}

void
words_date(const char *date, bool pl, char ret[WORDS_TEXT_SIZE])
{
    unsigned year, month, day;
    char end;

    if (pl && strlen(date) == 10 && sscanf(date, "%4u-%2u-%2u%c", &year, &month, &day, &end) == 3)
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%u.%02u.%04u", day, month, year);
    else
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%s", date);
}

const char *
words_weekday(int32_t day, bool pl)
{
    static const char *const days[7][2] = {{"pon.", "Mon"}, {"wt.", "Tue"},  {"śr.", "Wed"},   {"czw.", "Thu"},
                                           {"pt.", "Fri"},  {"sob.", "Sat"}, {"niedz.", "Sun"}};

    return days[date_weekday(day)][pl ? 0 : 1];
}

void
words_day(const char *date, bool pl, char ret[WORDS_TEXT_SIZE])
{
    char plain[WORDS_TEXT_SIZE];
    int32_t day;

    words_date(date, pl, plain);
    if (date_parse(date, &day) == 0)
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%s %.40s", words_weekday(day, pl), plain);
    else
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%s", plain);
}

/* ---- sizes and durations */

void
words_bytes(uint64_t bytes, bool pl, char ret[WORDS_TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    uint64_t tenths;

    if (bytes < 1024) {
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%u B", (unsigned)bytes);
        return;
    }
    while (unit + 1 < sizeof units / sizeof units[0] && bytes >> (10u * (unit + 1)) >= 1)
        unit++;
    tenths = (bytes >> (10u * (unit - 1))) * 10 / 1024;
    if (tenths % 10 == 0 || tenths >= 1000)
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%u %s", (unsigned)(tenths / 10), units[unit]);
    else
        (void)snprintf(ret, WORDS_TEXT_SIZE, "%u%c%u %s", (unsigned)(tenths / 10), pl ? ',' : '.',
                       (unsigned)(tenths % 10), units[unit]);
}

void
words_micros(uint64_t us, bool pl, char ret[WORDS_TEXT_SIZE])
{
    uint64_t tenths = us / 100 + (us % 100 >= 50);

    (void)snprintf(ret, WORDS_TEXT_SIZE, "%llu%c%u ms", (unsigned long long)(tenths / 10), pl ? ',' : '.',
                   (unsigned)(tenths % 10));
}
