/*
 * agent_work - the office's work list, kept up to date in its folder
 *
 * DIR/worklist.json and DIR/worklist.html (worklist.h), each replaced as a whole: after something was received, when
 * the day changes, and every WORK_ROUND_S. Without a connection they stay as they are, with the day they are of.
 *
 * Errors: 0 or -errno of the disk. Ownership: borrows all of its options. Threads: one.
 */
#ifndef WICI_AGENT_WORK_H
#define WICI_AGENT_WORK_H

#include "agents/agent_config.h"
#include "agents/agent_file.h"
#include "agents/agent_link.h"
#include "agents/calendar.h"
#include "agents/deadlines.h"

#include <jansson.h>

#define WORK_ROUND_S 900u /* seconds between two lists when nothing happens */
#define WORK_PAUSE_S 5u   /* ... and at least, however much is received */

struct agent_work {
    const struct agent_dirs *dirs;
    const struct agent_link *link;
    const struct agent_config *config;
    const struct agent_who *who;
    json_t *const *names; /* see html.h */
    struct calendar calendar;
    struct deadline_settings settings;
    uint64_t asked_ms; /* when it was last made; 0: not yet */
    int32_t day;       /* of the last list */
    uint64_t filed;    /* inbox_filed() then */
    bool refused;      /* the broker knows no such question, or does not answer it to us: said once */
};

/* Reads the holidays and the office's own lengths. A sentence in error. The rest of *work is the caller's to set. */
int agent_work_open(struct agent_work *work, char error[OPTIONS_ERROR_MAX]);
void agent_work_close(struct agent_work *work);
/* At now_ms of a steady clock, on the day `today` (date.h), after `filed` events in all. */
int agent_work_run(struct agent_work *work, uint64_t now_ms, int32_t today, uint64_t filed);

#endif
