/*
 * clerk - what there is to tell of a deadline, and telling it
 *
 * The broker keeps which clocks run, which ended, and what was told of them; it works out no date. A round asks for all
 * of them, works out when each is due (deadlines.h), and publishes what the day brings: that a day approaches, that it
 * was missed, that a clock was met or cancelled. What is told is in the broker's state at once, so a round that was cut
 * off is simply made again: the state says what is still to be told. Ids of notices follow from what they say, and the
 * broker takes none that its state does not ask for: nothing is told twice, whoever crashes when.
 *
 * Errors: 0 or a negative errno. Threads: one.
 */
#ifndef AGENTS_CLERK_H
#define AGENTS_CLERK_H

#include "agents/deadlines.h"
#include "agents/wici.h"

#include <sys/queue.h>

enum clerk_notice { CLERK_NOTHING, CLERK_APPROACHING, CLERK_MISSED, CLERK_MET, CLERK_CANCELLED, CLERK_NOTICE_COUNT };

enum clerk_state { CLERK_RUNS, CLERK_IS_MET, CLERK_IS_CANCELLED };

/* One clock, as the broker gives it. */
struct clerk_clock {
    char dossier[37], /* "": of the agency as a whole */
        agency[ID_LEN_MAX + 1], holder[ID_LEN_MAX + 1];
    enum clock_id clock;
    uint64_t start_seq;
    unsigned item, notices;
    int32_t started, named, ended; /* DATE_NONE */
    bool urgent, holder_only;
    enum clerk_state state;
    uint64_t end_seq;
    bool told_approaching, told_last, told_missed, told_met, told_cancelled;
};

/* Takes over a Clock of the broker's answer, as JSON. -EPROTO: it is none. */
int clerk_clock_read(const char *json, struct clerk_clock *ret);

/*
 * What there is to tell of the clock on that day. *ret_last: of a reminder, that no other comes before the due day. One
 * reminder is told for all whose day has come. A clock that is switched off is told of only where something was told
 * before; after a loss nobody is told that a day was missed.
 */
enum clerk_notice clerk_decide(const struct clerk_clock *clock, const struct deadline_plan *plan, int32_t today,
                               bool *ret_last);

/* The notice as an event in JSON; the caller frees *ret. -ENOMEM */
int clerk_event(const struct clerk_clock *clock, const struct deadline_plan *plan, enum clerk_notice notice, bool last,
                int32_t today, char **ret);

struct clerk_tally {
    unsigned long told[CLERK_NOTICE_COUNT];
    unsigned long refused; /* the state had moved on: looked at again in the next round */
    char refusal[320];     /* code and path of the last of them */
    unsigned long unread;  /* clocks that this program does not understand: nobody is told of them */
};

struct clerk_pending;

/* Begins as {0} with the first three set, all borrowed. */
struct clerk {
    struct wici *client;
    const struct deadline_settings *settings; /* NULL: none */
    const struct calendar *calendar;
    /* Called for each notice that the broker took; may be NULL. */
    void (*told_fn)(void *arg, enum clerk_notice notice, const struct clerk_clock *clock, uint64_t seq);
    void *told_arg;
    struct clerk_tally tally; /* of the round that runs */
    LIST_HEAD(, clerk_pending) pending;
};

/*
 * One round: all clocks, until nothing is left to tell.
 *   -ENOTCONN, -ETIMEDOUT  the broker was lost; the next round goes on
 *   -EACCES                the broker refuses the question, or this unit is no deadline watcher
 *   -EBADMSG               some were not understood (ret->unread), as of a newer broker; all others were told
 */
int clerk_round(struct clerk *clerk, int32_t today, struct clerk_tally *ret);

/* After wici_close(): what still waited for an answer is let go, and told by the next round. */
void clerk_forget(struct clerk *clerk);

const char *clerk_notice_name(enum clerk_notice notice);

#endif
