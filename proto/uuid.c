/*
 * uuid - ids and times as text (declared in event.h)
 */
#include "date.h"
#include "event.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One more than the value of a lower-case hexadecimal digit; 0: it is none. */
static const uint8_t hex[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

int
uuid_parse(const char *text, uint8_t ret[16])
{
    const unsigned char *digits = (const unsigned char *)text;
    uint8_t id[16];
    size_t at = 0;

    assert(text != NULL);
    if (strnlen(text, 37) != 36)
        return -EINVAL;
    for (size_t i = 0; i < 16; i++) {
        unsigned high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
            return -EINVAL;
        high = hex[digits[at]];
        low = hex[digits[at + 1]];
        if (high == 0 || low == 0)
            return -EINVAL;
        id[i] = (uint8_t)((high - 1) << 4 | (low - 1));
        at += 2;
    }
    memcpy(ret, id, sizeof id);
    return 0;
}

void
uuid_format(const uint8_t id[16], char ret[37])
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[id[i] >> 4];
        *at++ = digits[id[i] & 15];
    }
    *at = '\0';
}

void
uuid7_make(uint64_t ms, const uint8_t random[10], uint8_t ret[16])
{
    for (unsigned i = 0; i < 6; i++)
        ret[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(ret + 6, random, 10);
    ret[6] = (uint8_t)(0x70 | (ret[6] & 0x0f));
    ret[8] = (uint8_t)(0x80 | (ret[8] & 0x3f));
}

/* Two or four digits at text; -1: something else. */
static int
digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int
time_parse(const char *text, uint64_t *ret_ms)
{
    size_t len, at = 19;
    int hour, minute, second, offset = 0;
    int64_t ms, fraction = 0;
    char date[DATE_TEXT_SIZE];
    int32_t day;

    assert(text != NULL);
    len = strnlen(text, TIME_TEXT_SIZE + 8);
    if (len < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return -EINVAL;
    memcpy(date, text, sizeof date - 1);
    date[sizeof date - 1] = '\0';
    if (date_parse(date, &day) != 0)
        return -EINVAL;
    hour = digits(text + 11, 2);
    minute = digits(text + 14, 2);
    second = digits(text + 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return -EINVAL;
    if (text[at] == '.') {
        int scale = 100;
        size_t first = ++at;

        for (; text[at] >= '0' && text[at] <= '9'; at++, scale /= 10)
            fraction += (int64_t)scale * (text[at] - '0');
        if (at == first || at - first > 9)
            return -EINVAL;
    }
    if (text[at] == '+' || text[at] == '-') {
        int hours, minutes;

        if (len != at + 6 || text[at + 3] != ':')
            return -EINVAL;
        hours = digits(text + at + 1, 2);
        minutes = digits(text + at + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return -EINVAL;
        offset = (hours * 60 + minutes) * (text[at] == '+' ? 1 : -1);
    } else if (text[at] != 'Z' || len != at + 1) {
        return -EINVAL;
    }
    ms = (int64_t)day * DATE_DAY_MS + ((int64_t)hour * 3600 + (int64_t)(minute - offset) * 60 + second) * 1000 +
         fraction;
    if (ms < 0)
        return -EINVAL;
    *ret_ms = (uint64_t)ms;
    return 0;
}

void
time_format(uint64_t ms, char ret[TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    size_t len;

    memset(&tm, 0, sizeof tm);
    gmtime_r(&seconds, &tm);
    len = strftime(ret, TIME_TEXT_SIZE - 6, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + len, TIME_TEXT_SIZE - len, ".%03uZ", (unsigned)(ms % 1000));
}
