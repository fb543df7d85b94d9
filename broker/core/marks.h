/*
 * marks - what the records of a dossier say to the clocks, kept so that the clocks can be worked out again
 *
 * A mark is one thing that one record says: that a clock starts (proto/clocks.h), or something that clocks look for: an
 * interview, a meeting, an answer. Which mark ends which clock is worked out when it is asked (clocks.h), so that dates
 * count and not the order of the log, and a correction has only to change marks.
 *
 * What the deadline watcher told of a clock is kept with the mark that starts it.
 *
 * Days are counted from 1970 and kept in 16 bits: until 2149; earlier and later ones are kept as the first and the
 * last, which of a due date is 1970-01-02. Pure; ownership: a list owns its marks. Threads: one at a time.
 */
#ifndef CORE_MARKS_H
#define CORE_MARKS_H

#include "proto/clocks.h"
#include "proto/event.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_PER_EVENT_MAX 72u /* an order has 64 dates and three more marks, an event 30 rows */

/* What is not the start of a clock. Those of the first group count in their own dossier only. */
enum sign {
    SIGN_START, /* of mark.clock */
    SIGN_ANSWERED,
    SIGN_REJECTED,
    SIGN_PART_ACCEPTED, /* item: the part */
    SIGN_PART_ANSWERED, /* item: the part; any other answer to it */
    SIGN_COMPLETED,
    SIGN_INTERVIEW,
    SIGN_MEETING,  /* key: the meeting; item 1: a first contact in the social worker's presence */
    SIGN_PERIODIC, /* item 1: with a reason to continue */
    SIGN_POST_CLOSURE,
    SIGN_CLOSED,
    SIGN_AGREEMENTS, /* key: the meeting */
    SIGN_AGREED,     /* key: the application */
    SIGN_RENEWED,    /* key: the plan that is renewed */
    SIGN_CONCLUDED,  /* key: the plan; item 1: the day of the talk, 0: the day it ended */
    SIGN_SERVICE,    /* key: the service */
    SIGN_OPINION,    /* key: the request */
    SIGN_PROVIDED,   /* key: the question */
    SIGN_REPORT,
    SIGN_REVOKED,
    SIGN_CONSENT,          /* key: the consent; item: its kind */
    SIGN_WITHDRAWN,        /* key: the consent */
    SIGN_CONCERN_ANSWERED, /* key: the concern */
    SIGN_LOSS,             /* an entitlement of LOSS */
    SIGN_ROW,              /* key: the service; item: a row of agreements without a date, from 1 */
    SIGN_COUNT
};

#define MARK_CONSENT_ITEM 10u /* item of what a consent says: this and a number for its kind */

#define MARK_RECALLED 1u
#define MARK_URGENT   2u
#define MARK_FIRST    4u /* the start counts only where the clock has not run before; of an agency: its first */
#define MARK_REPLACES 8u /* the start ends those before it with the same key */

/* Numbers of records have 36 bits: a log of 2^36 records is larger than any that the store can hold. */
struct mark {
    uint64_t seq : 36;    /* of an amended record, where it was first said */
    uint64_t says : 6;    /* mark_sign() and mark_clock() */
    uint64_t item : 7;    /* of a start: which of several dates of the event, from 1, or a kind; 0: the only one */
    uint64_t flags : 4;   /* MARK_... */
    uint64_t told : 5;    /* of a start: CORE_TOLD_..., core.h */
    uint64_t notices : 6; /* how many were told */
    uint32_t key;         /* 0: none */
    uint16_t day;         /* that counts: a clock starts, something was done */
    uint16_t due;         /* of a start: the date that is named, or that was told; 0: none yet */
};
static_assert(sizeof(struct mark) == 16, "a dossier keeps many");
#define MARK_NOTICES_MAX 63u
#define MARK_STARTS      32u /* says: this and the clock; below it a sign */
static_assert(SIGN_COUNT <= MARK_STARTS && CLOCK_COUNT <= MARK_STARTS, "they fit");

struct marks {
    struct mark *at;
    uint16_t count, cap;
};

/* Of agencies as a whole, by their numbers in the directory (agency_clocks.h). */
struct agency_clocks {
    struct marks *at;
    uint32_t count;
};

/* enum sign. */
static inline unsigned
mark_sign(const struct mark *mark)
{
    return mark->says >= MARK_STARTS ? SIGN_START : mark->says;
}

/* enum clock_id; CLOCK_NONE: it starts none. */
static inline unsigned
mark_clock(const struct mark *mark)
{
    return mark->says >= MARK_STARTS ? mark->says - MARK_STARTS : CLOCK_NONE;
}

/* Recorded later. */
static inline bool
mark_is_later(const struct mark *a, const struct mark *b)
{
    return a->seq > b->seq;
}

/* On a later day, or recorded later on the same day. */
static inline bool
mark_comes_after(const struct mark *a, const struct mark *b)
{
    return a->day > b->day || (a->day == b->day && mark_is_later(a, b));
}

/* A due date as it is kept: never 0, which is none. */
uint16_t mark_due(int32_t day);

/* The start of a clock. */
struct mark mark_start(uint64_t seq, enum clock_id clock, int32_t day, uint32_t key);

/*
 * Of what was told of a clock that runs (CORE_TOLD_..., core.h), what still holds. When it was told that it is
 * cancelled, and it runs again (the record that ended it was recalled), everybody believes that nothing is due: then
 * nothing does.
 */
unsigned mark_told_of_run(unsigned told);

/* -ENOMEM */
int marks_add(struct marks *marks, const struct mark *mark);
void marks_clear(struct marks *marks);

/*
 * What the event says, at most MARKS_PER_EVENT_MAX marks; returns how many. The sections of
 * types that core_apply_reads_sections() leaves out are not looked at, but the note is. Where no field says the day, it
 * is that of occurred_at; of a correction, of what it corrects as it was first said.
 */
size_t marks_of_event(const struct event *event, const Wici__V1__BrokerNote *note, uint64_t seq,
                      struct mark ret[MARKS_PER_EVENT_MAX]);
/*
 * The event that seq recorded first is said otherwise. Marks that say the same stay as they are; of a clock whose due
 * date is named anew, what was told of the approach and the passing of the other date is forgotten. -ENOMEM
 */
int marks_amend(struct marks *marks, uint64_t seq, struct mark *said, size_t count);
/* It was never said. */
void marks_recall(struct marks *marks, uint64_t seq);

#endif
