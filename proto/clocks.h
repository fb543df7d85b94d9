/*
 * clocks - every deadline that Wici watches, as data
 *
 * clocks.def is the one list: what a clock is called, how long it runs, when people are reminded, whose rule it is, and
 * which events start, meet, cancel or replace it. docs/DEADLINES.md is printed from it and says what the words mean.
 * Lengths and reminders are what holds where an agency has set nothing else.
 *
 * Terms are counted as KPA art. 57 has it (agents/calendar.h). Dates are days as proto/date.h counts them.
 * Everything handed out is constant and lives as long as the program. Threads: any.
 */
#ifndef PROTO_CLOCKS_H
#define PROTO_CLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum term_unit { TERM_DAYS, TERM_WORKING_DAYS, TERM_MONTHS };

struct term {
    unsigned count; /* at most TERM_COUNT_MAX */
    enum term_unit unit;
    bool shift; /* an end on a Saturday or holiday moves to the next working day (KPA art. 57 par. 4) */
};
#define TERM_COUNT_MAX 3660u

/* The numbers are for ever: they stand in the state and in the ids of what the deadline watcher publishes. */
enum clock_id {
    CLOCK_NONE,
#define WICI_CLOCK(id, basis, count, unit, urgent_count, urgent_unit, shift, remind1, remind2, force, source, pl, en)  \
    CLOCK_##id,
#define WICI_CLOCK_EVENT(clock, deed, type, pl, en)
#include "clocks.def"
#undef WICI_CLOCK_EVENT
#undef WICI_CLOCK
    CLOCK_COUNT
};

enum clock_basis {
    CLOCK_TERM, /* a term, counted from the day that starts it */
    CLOCK_DATE, /* a date that the event names, and that nothing moves */
    CLOCK_CHECK /* does not run: checked when the event comes */
};

enum clock_force {
    FORCE_LAW,
    FORCE_LOCAL,    /* an office's own rules */
    FORCE_PRACTICE, /* the practice that the sources describe */
    FORCE_PRODUCT   /* nobody's rule: Wici's default */
};

/* A day on which people are reminded: so long after the start, or before the due date; BEFORE and 0 is the day itself.
 */
enum remind_from { REMIND_NOT, REMIND_AFTER, REMIND_BEFORE };
struct remind {
    enum remind_from from;
    unsigned count;
    enum term_unit unit; /* TERM_DAYS or TERM_MONTHS */
};
#define CLOCK_REMINDS_MAX 2u

enum clock_deed { CLOCK_STARTS, CLOCK_MEETS, CLOCK_CANCELS, CLOCK_REPLACES };

/* One event type, and what it does to one clock. */
struct clock_event {
    enum clock_id clock;
    enum clock_deed deed;
    uint32_t type;       /* enum EventType */
    const char *pl, *en; /* which of them, and the date that counts; "" for all */
};

struct clock_info {
    const char *id; /* "D1" */
    const char *pl, *en;
    enum clock_basis basis;
    struct term term;   /* CLOCK_TERM */
    struct term urgent; /* of an event with a priority other than routine; count 0: no shorter one */
    struct remind reminds[CLOCK_REMINDS_MAX];
    enum clock_force force;
    const char *source;
};

/* id is above CLOCK_NONE and below CLOCK_COUNT. */
const struct clock_info *clock_info(enum clock_id id);
/* CLOCK_NONE: no such name. */
enum clock_id clock_by_name(const char *name);
/* "LAW", "LOCAL", "PRACTICE", "PRODUCT". */
const char *clock_force_name(enum clock_force force);
/* "DAYS", "WORKING_DAYS", "MONTHS", as the file with an agency's own clocks spells them. */
const char *term_unit_name(enum term_unit unit);
/* False: no such word. */
bool term_unit_by_name(const char *name, enum term_unit *ret);

/* The events of all clocks, in the order of clocks.def; NULL past the end. */
const struct clock_event *clock_event_at(size_t index);

#endif
