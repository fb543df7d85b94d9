/*
 * agent_contact - how it stands with the broker: told to people when it changes, and taken up again
 *
 * A subscription that ended is begun anew, after a pause that grows while it ends again and again: another program of
 * the unit may be looking with its cursor, or the unit may have no cursor left. A session that is taken over twice
 * within COPY_MS is a copy of this folder in use elsewhere: this one draws another mark (inbox_place.h).
 *
 * Each thing is told once, when it begins, and kept in state/link.json for `wici-agent --status`.
 *
 * Errors: 0 or -errno of the disk; -ERESTART: open everything anew, the folder has another name now.
 * Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_AGENT_CONTACT_H
#define WICI_AGENT_CONTACT_H

#include "agents/agent_wici.h"

#define TAKE_BACK_MS     2000u /* until a subscription that ended is begun anew; then twice as long, up to */
#define TAKE_BACK_MAX_MS 300000u
#define COPY_MS          300000u /* a session taken over twice within that: another folder has our names */

struct agent_contact {
    const struct agent_dirs *dirs;
    struct agent_wici *wici;
    struct witness *witness;
    struct place *place;
    enum wici_state state; /* as it was told last */
    uint64_t ready_ms;     /* since when it is ready; 0: it has not been yet */
    /* the rest is its own */
    bool noted;
    uint64_t connections;
    int64_t clock_off_s; /* told; 0: the clock is well */
    uint64_t take_back_ms, take_back_pause_ms, subscribed_ms;
    uint64_t taken_over_ms; /* when the session was last taken over; 0: never */
};

/* One round, at now_ms of a steady clock, after wici_run(). */
int contact_run(struct agent_contact *contact, uint64_t now_ms);

#endif
