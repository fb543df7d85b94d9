/*
 * agent_wici - the broker as outbox and inbox see it: libwici behind the table of agent_link.h
 *
 * Errors: 0 or -errno. Threads: one.
 */
#ifndef WICI_AGENT_WICI_H
#define WICI_AGENT_WICI_H

#include "agents/agent_config.h"
#include "agents/agent_link.h"
#include "agents/inbox.h"
#include "agents/inbox_place.h"
#include "agents/witness.h"

#include <jansson.h>

struct agent_wici {
    struct wici *client;
    struct agent_link link;
    struct inbox *inbox; /* borrowed; set before wici_run() is called */
    struct place *place; /* borrowed; set before opening */
    const struct agent_config *config;
    struct witness *witness; /* borrowed; set before opening */
    struct agent_who *who;   /* borrowed; filled in from the broker's Welcome */
    const struct agent_dirs *dirs;
    json_t *names;         /* the directory: id -> name; NULL: none yet */
    uint32_t subscription; /* 0: none; it ended, and agent_wici_subscribe() begins another */
    uint64_t head;         /* of the log, as last heard */
    uint64_t connections;  /* how often one was made */
    bool diverged;         /* on one of them, the broker said that it was restored; the caller clears it */
    bool asked_settled;    /* all our events had their answer when the last question was asked */
    bool caught_up;        /* the subscription has reached the head on this connection */
    bool ahead; /* the broker's cursor was found ahead of the place: agent_wici_subscribe() drops it and begins anew */
    char ended[32]; /* the code with which the subscription ended: another session took the cursor over, or it was
                              refused; the caller clears it */
    int failed;     /* -ESTALE, -EPERM: this folder is not for this broker or key; or the disk */
};

/* Opens the client; what the agent knew of unit and names from earlier runs is read from state/. */
int agent_wici_open(struct agent_wici *ret, const struct agent_config *config, const struct agent_dirs *dirs,
                    struct agent_who *who);
/* Subscribes, on a connection that is ready, with the cursor of this folder: from its place on, or from where its
 * unit's common cursor stood if it read with that before. 0 also where the broker could not be asked now: there is no
 * subscription then, and a reason in `ended` if it refused. */
int agent_wici_subscribe(struct agent_wici *a);
/* What to do after a connection has come up: fetch the directory. Whose it is has been checked by then, before anything
 * came. */
int agent_wici_greet(struct agent_wici *a);
/* By how many seconds this computer's clock is fast; less than 0: slow; 0: it is not wrong, as far as is known. */
int64_t agent_wici_clock_off_s(const struct agent_wici *a);
void agent_wici_close(struct agent_wici *a);

#endif
