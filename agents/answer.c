/*
 * answer - see answer.h
 */
#include "agents/answer.h"

#include "agents/words.h"
#include "proto/check.h"
#include "proto/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- dates */

#define MONTHS 12u

static const char *const months_pl[MONTHS] = {"stycznia", "lutego",       "marca",     "kwietnia",
                                              "maja",     "czerwca",      "lipca",     "sierpnia",
                                              "września", "października", "listopada", "grudnia"};
static const char *const months_en[MONTHS] = {"january", "february", "march",     "april",   "may",      "june",
                                              "july",    "august",   "september", "october", "november", "december"};

static const struct {
    const char *word;
    int32_t days;
} days_named[] = {{"dziś", 0},     {"dzis", 0},   {"dzisiaj", 0},   {"today", 0},
                  {"wczoraj", -1}, {"jutro", +1}, {"tomorrow", +1}, {"yesterday", -1}};

/* A number of one to four digits; *text moves behind it. -1: none stands there. */
static int
number_read(const char **text)
{
    int number = 0, digits = 0;

    for (; isdigit((unsigned char)**text) && digits < 5; (*text)++, digits++)
        number = number * 10 + (**text - '0');
    return digits >= 1 && digits <= 4 ? number : -1;
}

/* The name of a month; *text moves behind it. 0: none. */
static int
month_read(const char **text)
{
    for (unsigned i = 0; i < MONTHS; i++) {
        size_t pl = strlen(months_pl[i]), en = strlen(months_en[i]);

        if (strncasecmp(*text, months_pl[i], pl) == 0) {
            *text += pl;
            return (int)i + 1;
        }
        if (strncasecmp(*text, months_en[i], en) == 0) {
            *text += en;
            return (int)i + 1;
        }
    }
    return 0;
}

static bool
separator_read(const char **text)
{
    if (strchr(".-/ ", **text) == NULL || **text == '\0')
        return false;
    (*text)++;
    while (**text == ' ')
        (*text)++;
    return true;
}

/* Reads a date from the beginning of text; ret_rest is what stands behind it. */
static bool
date_read(const char *text, int32_t today, int32_t *ret, const char **ret_rest)
{
    int first, second, third;

    for (size_t i = 0; i < sizeof days_named / sizeof days_named[0]; i++) {
        size_t len = strlen(days_named[i].word);

        if (strncasecmp(text, days_named[i].word, len) == 0 && (text[len] == '\0' || text[len] == ' ')) {
            *ret = today + days_named[i].days;
            *ret_rest = text + len;
            return true;
        }
    }
    first = number_read(&text);
    if (first < 0 || !separator_read(&text))
        return false;
    second = isdigit((unsigned char)*text) ? number_read(&text) : month_read(&text);
    if (second <= 0 || !separator_read(&text))
        return false;
    third = number_read(&text);
    if (third < 0)
        return false;
    if (first > 31) { /* the year stands first */
        int day = third;

        third = first;
        first = day;
    }
    if (third < DATE_YEAR_MIN || third > DATE_YEAR_MAX || second > 12 || first < 1 ||
        first > date_month_length(third, second))
        return false;
    *ret = date_day((struct date){.year = third, .month = second, .day = first});
    *ret_rest = text;
    return true;
}

bool
answer_date(const char *text, int32_t today, char ret[DATE_TEXT_SIZE])
{
    const char *rest;
    int32_t day;

    if (!date_read(text, today, &day, &rest) || *rest != '\0')
        return false;
    date_format(day, ret);
    return true;
}

/* "1.03.2026 8:30", by Polish clocks, as RFC 3339; what is RFC 3339 already stays. */
static json_t *
time_value(const char *text, int32_t today)
{
    char date[DATE_TEXT_SIZE], made[48];
    const char *rest;
    int64_t local, zone;
    int32_t day;
    int hour, minute;

    if (!date_read(text, today, &day, &rest))
        return NULL;
    if (*rest == 'T')
        return json_string(text);
    while (*rest == ' ' || *rest == ',')
        rest++;
    hour = number_read(&rest);
    if (hour < 0 || hour > 23 || (*rest != ':' && *rest != '.'))
        return NULL;
    rest++;
    minute = number_read(&rest);
    if (minute < 0 || minute > 59 || *rest != '\0' || day < 1)
        return NULL;
    local = (int64_t)day * DATE_DAY_MS + (hour * 60 + minute) * INT64_C(60000);
    zone = date_zone_ms((uint64_t)(local - 3600000)); /* as if it were winter, then as it is there */
    zone = date_zone_ms((uint64_t)(local - zone));
    date_format(day, date);
    (void)snprintf(made, sizeof made, "%sT%02d:%02d:00+0%d:00", date, hour, minute, (int)(zone / 3600000));
    return json_string(made);
}

/* ---- yes and no, codes */

static bool
one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcasecmp(text, *words) == 0)
            return true;
    return false;
}

bool
answer_yes_no(const char *text, bool *ret)
{
    static const char *const yes[] = {"t", "tak", "y", "yes", NULL}, *const no[] = {"n", "nie", "no", NULL};

    if (!one_of(text, yes) && !one_of(text, no))
        return false;
    *ret = one_of(text, yes);
    return true;
}

bool
answer_code(const char *codes, size_t index, char ret[ANSWER_WORD_SIZE])
{
    size_t len;

    for (; index > 0 && codes != NULL; index--) {
        codes = strchr(codes, ' ');
        codes += codes != NULL;
    }
    if (codes == NULL || *codes == '\0')
        return false;
    len = strcspn(codes, " ");
    if (len >= ANSWER_WORD_SIZE)
        return false;
    memcpy(ret, codes, len);
    ret[len] = '\0';
    return true;
}

/* A place in the list (from 1), else 0. */
static size_t
place_of(const char *text)
{
    return strlen(text) <= 3 && strspn(text, "0123456789") == strlen(text) ? (size_t)strtoul(text, NULL, 10) : 0;
}

static json_t *
code_value(const char *text, const char *codes)
{
    size_t place = place_of(text);
    char word[ANSWER_WORD_SIZE];

    if (place > 0)
        return answer_code(codes, place - 1, word) ? json_string(word) : NULL;
    for (size_t i = 0; answer_code(codes, i, word); i++) {
        const char *pl = words_code(word, true), *en = words_code(word, false);

        if (strcasecmp(text, word) == 0 || (pl != NULL && strcasecmp(text, pl) == 0) ||
            (en != NULL && strcasecmp(text, en) == 0))
            return json_string(word);
    }
    return NULL;
}

/* Roles are an enum, and the only one that a person fills in. */
static json_t *
enum_value(const char *text, const ProtobufCEnumDescriptor *desc)
{
    size_t place = place_of(text);

    if (place > 0)
        return place < desc->n_values ? json_string(desc->values[place].name) : NULL;
    for (unsigned i = 1; i < desc->n_values; i++)
        if (strcasecmp(text, desc->values[i].name) == 0)
            return json_string(desc->values[i].name);
    return NULL;
}

/* ---- a field */

static json_t *
string_value(const char *text, const struct field_info *info, int32_t today)
{
    char date[DATE_TEXT_SIZE];

    switch (info->format) {
    case FIELD_DATE: return answer_date(text, today, date) ? json_string(date) : NULL;
    case FIELD_TIME: return time_value(text, today);
    case FIELD_CODE: return code_value(text, info->codes);
    case FIELD_ANY:
    case FIELD_ID:
    case FIELD_UUID:
    case FIELD_UUID7:
    case FIELD_LINE:
    case FIELD_TEXT:
    case FIELD_SHA256:
    case FIELD_GMINA:
    case FIELD_MEDIA_TYPE:
    case FIELD_KEY: return json_string(text);
    }
    abort();
}

json_t *
answer_value(const char *text, const ProtobufCFieldDescriptor *field, const struct field_info *info, int32_t today)
{
    bool yes;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: return string_value(text, info, today);
    case PROTOBUF_C_TYPE_ENUM: return enum_value(text, field->descriptor);
    case PROTOBUF_C_TYPE_BOOL: return answer_yes_no(text, &yes) ? json_boolean(yes) : NULL;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: {
        size_t digits = strlen(text);

        if (digits == 0 || digits > 18 || strspn(text, "0123456789") != digits)
            return NULL;
        return json_integer((json_int_t)strtoll(text, NULL, 10));
    }
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return NULL; /* a message is asked for field by field; the others do not occur */
    }
    abort();
}

int
answer_check(const json_t *value, const struct message_info *message, unsigned place, struct arena *arena,
             struct refusal *refusal)
{
    const char *name = message->fields[place].json;
    bool many = message->desc->fields[place].label == PROTOBUF_C_LABEL_REPEATED;
    json_t *json = many ? json_pack("{s:[O]}", name, value) : json_pack("{s:O}", name, value);
    ProtobufCMessage *made;
    struct check_path path;
    int rc;

    if (json == NULL)
        return -ENOMEM;
    arena_reset(arena);
    rc = json_to_message(json, message->desc, arena, &made, refusal);
    if (rc == 0) {
        check_path_set(&path, "");
        rc = check_field(made, message, place, &path, refusal);
    }
    json_decref(json);
    return rc;
}
