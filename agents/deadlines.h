/*
 * deadlines - when a clock is due and when people are reminded, by the law's table and an office's own settings
 *
 * Settings are data, a line each; '#' begins a comment. They say what differs from proto/clocks.def; of several lines
 * about one clock the last counts, one that names the agency before one that does not:
 *
 *     D2 off
 *     D1 term 14 WORKING_DAYS urgent 2 WORKING_DAYS shift yes remind 7 AFTER remind 2 BEFORE
 *     agency cus-koszalin D1 on
 *
 * term, urgent, shift and remind may each be left out and are then what the table has (two reminders at most; one that
 * is given takes the place of both). A date that an event names is nobody's to move: such a clock takes remind, on and
 * off. The agency is that of the unit which holds the dossier.
 *
 * Ownership: settings are plain data, copied as such. Pure; threads: any.
 */
#ifndef AGENTS_DEADLINES_H
#define AGENTS_DEADLINES_H

#include "agents/calendar.h"
#include "proto/clocks.h"
#include "proto/date.h" /* DATE_NONE */
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEADLINE_SETTINGS_MAX      4096u      /* lines: some for each of an association's offices */
#define DEADLINE_SETTINGS_TEXT_MAX (1u << 20) /* bytes of a file */

struct deadline_setting {
    char agency[ID_LEN_MAX + 1]; /* "": of all */
    enum clock_id clock;
    bool off, has_term, has_urgent, has_shift, shift;
    unsigned remind_count;
    struct term term, urgent;
    struct remind reminds[CLOCK_REMINDS_MAX];
};

struct deadline_settings {
    size_t count;
    struct deadline_setting *at;
};

/*
 * Reads settings. -EINVAL: line *ret_line (from 1) cannot be understood, or sets what its clock does not have; -E2BIG:
 * more than DEADLINE_SETTINGS_MAX; -ENOMEM. *ret is untouched then.
 */
int deadline_settings_parse(struct deadline_settings *ret, const char *text, size_t len, unsigned *ret_line);
void deadline_settings_free(struct deadline_settings *settings);

/* A clock that runs. */
struct deadline {
    enum clock_id clock;
    const char *agency; /* of the unit that holds the dossier; "" when none does */
    int32_t started;
    int32_t named; /* the date that the event names; DATE_NONE: a term */
    bool urgent;
};

struct deadline_plan {
    bool on;
    int32_t due;
    unsigned remind_count;
    int32_t reminds[CLOCK_REMINDS_MAX]; /* ascending, none after the due date */
};

/* When it is due, and when people are reminded. settings may be NULL: the table alone. */
void deadline_plan(const struct deadline_settings *settings, const struct calendar *calendar,
                   const struct deadline *deadline, struct deadline_plan *ret);

#endif
