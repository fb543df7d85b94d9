/* A line is words; each keyword takes what follows it. */
#include "agents/deadlines.h"
#include "proto/date.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN_MAX 400u

struct words {
    char *at[32];
    size_t count, next;
};

static const char *
word(struct words *words)
{
    return words->next < words->count ? words->at[words->next++] : "";
}

static bool
split(char *line, struct words *ret)
{
    char *save = NULL;

    *ret = (struct words){0};
    for (char *at = strtok_r(line, " \t\r", &save); at != NULL; at = strtok_r(NULL, " \t\r", &save)) {
        if (ret->count == sizeof ret->at / sizeof ret->at[0])
            return false;
        ret->at[ret->count++] = at;
    }
    return true;
}

static bool
number(const char *text, unsigned min, unsigned *ret)
{
    unsigned value = 0;

    if (text[0] == '\0' || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (unsigned)(*text - '0');
    *ret = value;
    return value >= min && value <= TERM_COUNT_MAX;
}

static bool
term_read(struct words *words, struct term *ret)
{
    return number(word(words), 1, &ret->count) && term_unit_by_name(word(words), &ret->unit);
}

/* "7 AFTER", "7 DAYS AFTER", "1 MONTHS BEFORE" */
static bool
remind_read(struct words *words, struct remind *ret)
{
    const char *next;

    ret->unit = TERM_DAYS;
    if (!number(word(words), 0, &ret->count))
        return false;
    next = word(words);
    if (term_unit_by_name(next, &ret->unit))
        next = word(words);
    ret->from = strcmp(next, "AFTER") == 0 ? REMIND_AFTER : strcmp(next, "BEFORE") == 0 ? REMIND_BEFORE : REMIND_NOT;
    return ret->from != REMIND_NOT && ret->unit != TERM_WORKING_DAYS;
}

static bool
yes_read(struct words *words, bool *ret)
{
    const char *text = word(words);

    *ret = strcmp(text, "yes") == 0;
    return *ret || strcmp(text, "no") == 0;
}

static bool
keyword_read(struct words *words, struct deadline_setting *ret)
{
    bool terms = clock_info(ret->clock)->basis == CLOCK_TERM;
    const char *key = word(words);

    if (strcmp(key, "term") == 0 && terms && !ret->has_term)
        return ret->has_term = term_read(words, &ret->term);
    if (strcmp(key, "urgent") == 0 && terms && !ret->has_urgent)
        return ret->has_urgent = term_read(words, &ret->urgent);
    if (strcmp(key, "shift") == 0 && terms && !ret->has_shift) {
        ret->has_shift = true;
        return yes_read(words, &ret->shift);
    }
    if (strcmp(key, "remind") == 0 && ret->remind_count < CLOCK_REMINDS_MAX)
        return remind_read(words, &ret->reminds[ret->remind_count++]);
    return false;
}

static bool
setting_read(struct words *words, struct deadline_setting *ret)
{
    const char *text = word(words);

    *ret = (struct deadline_setting){0};
    if (strcmp(text, "agency") == 0) {
        text = word(words);
        if (text[0] == '\0' || strlen(text) >= sizeof ret->agency)
            return false;
        (void)snprintf(ret->agency, sizeof ret->agency, "%s", text);
        text = word(words);
    }
    ret->clock = clock_by_name(text);
    if (ret->clock == CLOCK_NONE || clock_info(ret->clock)->basis == CLOCK_CHECK || words->next == words->count)
        return false;
    text = words->at[words->next];
    if (strcmp(text, "off") == 0 || strcmp(text, "on") == 0) {
        ret->off = strcmp(text, "off") == 0;
        return words->next + 1 == words->count;
    }
    while (words->next < words->count)
        if (!keyword_read(words, ret))
            return false;
    return true;
}

static int
setting_add(struct deadline_settings *settings, size_t *cap, const struct deadline_setting *setting)
{
    if (settings->count == DEADLINE_SETTINGS_MAX)
        return -E2BIG;
    if (settings->count == *cap) {
        size_t want = *cap * 2 + 8;
        struct deadline_setting *grown = reallocarray(settings->at, want, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        settings->at = grown;
        *cap = want;
    }
    settings->at[settings->count++] = *setting;
    return 0;
}

int
deadline_settings_parse(struct deadline_settings *ret, const char *text, size_t len, unsigned *ret_line)
{
    struct deadline_settings settings = {0};
    size_t cap = 0;
    unsigned line_number = 0;
    int rc = 0;

    for (size_t at = 0; at < len && rc == 0;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        const char *comment = memchr(text + at, '#', line_len);
        size_t used = comment != NULL ? (size_t)(comment - text) - at : line_len;
        struct deadline_setting setting;
        struct words words;
        char line[LINE_LEN_MAX + 1];

        line_number++;
        if (used > LINE_LEN_MAX || memchr(text + at, '\0', used) != NULL) {
            rc = -EINVAL;
            break;
        }
        memcpy(line, text + at, used);
        line[used] = '\0';
        if (!split(line, &words))
            rc = -EINVAL;
        else if (words.count > 0)
            rc = setting_read(&words, &setting) ? setting_add(&settings, &cap, &setting) : -EINVAL;
        at += line_len + 1;
    }
    if (rc != 0) {
        *ret_line = line_number;
        deadline_settings_free(&settings);
        return rc;
    }
    *ret = settings;
    return 0;
}

void
deadline_settings_free(struct deadline_settings *settings)
{
    free(settings->at);
    *settings = (struct deadline_settings){0};
}

/* ---- what holds for one clock */

static void
apply(struct deadline_setting *into, const struct deadline_setting *from)
{
    into->off = from->off;
    if (from->has_shift)
        into->shift = from->shift;
    if (from->has_term)
        into->term = from->term;
    if (from->has_urgent)
        into->urgent = from->urgent;
    if (from->remind_count > 0) {
        into->remind_count = from->remind_count;
        memcpy(into->reminds, from->reminds, sizeof into->reminds);
    }
}

static struct deadline_setting
in_force(const struct deadline_settings *settings, enum clock_id clock, const char *agency)
{
    const struct clock_info *info = clock_info(clock);
    struct deadline_setting ret = {.clock = clock,
                                   .shift = info->term.shift,
                                   .term = info->term,
                                   .urgent = info->urgent,
                                   .remind_count = CLOCK_REMINDS_MAX};

    memcpy(ret.reminds, info->reminds, sizeof ret.reminds);
    for (unsigned own = 0; own < 2 && settings != NULL; own++)
        for (size_t i = 0; i < settings->count; i++)
            if (settings->at[i].clock == clock &&
                strcmp(settings->at[i].agency, own == 1 && agency[0] != '\0' ? agency : "") == 0)
                apply(&ret, &settings->at[i]);
    ret.term.shift = ret.urgent.shift = ret.shift;
    return ret;
}

static int32_t
remind_day(const struct remind *remind, const struct deadline *deadline, int32_t due)
{
    bool before = remind->from == REMIND_BEFORE;
    int32_t from = before ? due : deadline->started;
    int count = before ? -(int)remind->count : (int)remind->count;

    return remind->unit == TERM_MONTHS ? date_add_months(from, count) : from + count;
}

void
deadline_plan(const struct deadline_settings *settings, const struct calendar *calendar,
              const struct deadline *deadline, struct deadline_plan *ret)
{
    struct deadline_setting setting = in_force(settings, deadline->clock, deadline->agency);
    bool urgent = deadline->urgent && setting.urgent.count > 0;

    *ret = (struct deadline_plan){.on = !setting.off, .due = deadline->named};
    if (deadline->named == DATE_NONE)
        ret->due = calendar_due(calendar, deadline->started, urgent ? setting.urgent : setting.term);
    for (unsigned i = 0; i < setting.remind_count; i++) {
        int32_t day;

        if (setting.reminds[i].from == REMIND_NOT)
            continue;
        day = remind_day(&setting.reminds[i], deadline, ret->due);
        if (day > ret->due)
            continue;
        if (ret->remind_count == 1 && day < ret->reminds[0]) {
            ret->reminds[1] = ret->reminds[0];
            ret->reminds[0] = day;
        } else {
            ret->reminds[ret->remind_count] = day;
        }
        ret->remind_count++;
    }
}
