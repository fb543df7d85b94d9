/*
 * agent_contact - see agent_contact.h
 */
#include "agents/agent_contact.h"

#include "agents/agent_status.h"
#include "proto/errors.h"

#include <errno.h>
#include <string.h>

/* Another connection said Hello under our session's name. Once, that may be an older one of our own which came late. */
static int
note_taken_over(struct agent_contact *c, uint64_t now_ms)
{
    bool again = c->taken_over_ms != 0 && now_ms - c->taken_over_ms < COPY_MS;
    int rc;

    c->taken_over_ms = now_ms;
    if (!again)
        return 0;
    agent_log(AGENT_WARN, "a copy of this folder is in use elsewhere: this one goes on under another name, so that "
                          "each is given everything");
    rc = place_renew(c->place);
    return rc != 0 ? rc : -ERESTART;
}

/* What is sent bears the broker's time then (wici_time_ms); people see the wrong one on their files. */
static void
note_clock(struct agent_contact *c)
{
    int64_t off_s = agent_wici_clock_off_s(c->wici);

    if (off_s > 0 && c->clock_off_s == 0)
        agent_log(AGENT_WARN, "this computer's clock is wrong: fast by %lld s. What is sent bears the broker's time",
                  (long long)off_s);
    else if (off_s < 0 && c->clock_off_s == 0)
        agent_log(AGENT_WARN, "this computer's clock is wrong: slow by %lld s. What is sent bears the broker's time",
                  (long long)-off_s);
    c->clock_off_s = off_s;
}

static int
note_ready(struct agent_contact *c, uint64_t now_ms)
{
    int rc = agent_wici_greet(c->wici);

    witness_hurry(c->witness);
    c->ready_ms = now_ms;
    if (rc != 0)
        return rc == -ENOTCONN ? 0 : rc;
    agent_log(AGENT_INFO, "connected: agency=%s unit=%s", c->wici->who->agency, c->wici->who->unit);
    if (c->wici->diverged)
        agent_log(AGENT_WARN, "the broker was restored from an older copy (E_LOG_DIVERGED): what it may have lost of "
                              "ours is sent again, as far as it is kept");
    c->wici->diverged = false;
    note_clock(c);
    return agent_status_note(c->dirs, "ready", "", c->clock_off_s);
}

static int
note_state(struct agent_contact *c, uint64_t now_ms)
{
    enum wici_state state = wici_state(c->wici->client);
    const struct wici_error *error = wici_error(c->wici->client);
    const char *code = state == WICI_REFUSED && error != NULL && error->code != NULL ? error->code : "";
    int rc;

    if (c->noted && state == c->state && c->connections == c->wici->connections)
        return 0;
    c->noted = true;
    c->state = state;
    c->connections = c->wici->connections;
    switch (state) {
    case WICI_READY: return note_ready(c, now_ms);
    case WICI_CONNECTING:
        agent_log(AGENT_WARN, "no connection to the broker; trying");
        return agent_status_note(c->dirs, "connecting", "", c->clock_off_s);
    case WICI_REFUSED:
        agent_log(AGENT_ERROR, "the broker refuses this connection: %s", code);
        rc = agent_status_note(c->dirs, "refused", code, c->clock_off_s);
        return rc == 0 && strcmp(code, error_name(E_TAKEN_OVER)) == 0 ? note_taken_over(c, now_ms) : rc;
    }
    return 0;
}

static void
explain_deaf(const char *code)
{
    if (strcmp(code, error_name(E_TAKEN_OVER)) == 0 || strcmp(code, error_name(E_STATE)) == 0)
        agent_log(AGENT_ERROR,
                  "another program of this unit reads with this agent's cursor; what it takes is asked for "
                  "again afterwards");
    else if (strcmp(code, error_name(E_LIMIT)) == 0)
        agent_log(
            AGENT_ERROR,
            "this unit has as many cursors as it may: each folder of an agent has one; 'wici cursor list' shows "
            "them, with when each was last used; 'wici cursor drop NAME' removes that of a folder no longer used");
}

/* A subscription that another program of the unit took over is taken back: that may have been somebody who had a look.
 * Two that both need it would take it from each other for ever, so the pause grows. */
static int
note_ended(struct agent_contact *c, uint64_t now_ms)
{
    uint64_t *pause = &c->take_back_pause_ms;
    int rc;

    *pause = *pause == 0 || now_ms - c->subscribed_ms > TAKE_BACK_MAX_MS ? TAKE_BACK_MS : *pause * 2;
    if (*pause > TAKE_BACK_MAX_MS)
        *pause = TAKE_BACK_MAX_MS;
    c->take_back_ms = now_ms + *pause;
    agent_log(AGENT_ERROR, "nothing is received: %s; to be tried again in %llu s", c->wici->ended,
              (unsigned long long)*pause / 1000u);
    explain_deaf(c->wici->ended);
    rc = agent_status_note(c->dirs, "deaf", c->wici->ended, c->clock_off_s);
    c->wici->ended[0] = '\0';
    return rc;
}

int
contact_run(struct agent_contact *c, uint64_t now_ms)
{
    int rc = note_state(c, now_ms);

    if (rc != 0)
        return rc;
    if (c->wici->ended[0] != '\0')
        return note_ended(c, now_ms);
    if (c->wici->subscription != 0 || c->state != WICI_READY || now_ms < c->take_back_ms)
        return 0;
    rc = agent_wici_subscribe(c->wici);
    if (rc != 0 || c->wici->subscription == 0)
        return rc;
    c->subscribed_ms = now_ms;
    return agent_status_note(c->dirs, "ready", "", c->clock_off_s);
}
