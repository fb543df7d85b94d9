/*
 * Refusals: a unit is told of one only when the log counts it, by agency and code, since the broker began; and once the
 * broker has ended well, the counts are no fewer than the refusals that left. See check.h.
 */
#include "tests/sim/check.h"

#include "broker/refusals.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 1024u

struct said_pair {
    char agency[ID_LEN_MAX + 1], code[ERROR_PATH_MAX];
    uint64_t said; /* since the broker began */
};

static struct {
    struct said_pair pairs[PAIRS_MAX];
    size_t count;
    uint64_t begun; /* where the log stood then */
} refused;

void
check_refused_reopened(void)
{
    refused.count = 0;
    refused.begun = ledger_head();
}

/* What is said to who has no session, or about one that is over, is not counted. */
static bool
is_counted(const char *code)
{
    static const enum error_code others[] = {E_STATE, E_DECODE, E_KEY, E_TAKEN_OVER};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(code, error_name(others[i])) == 0)
            return false;
    return true;
}

/* How often the log says so, since the broker began. */
static uint64_t
counted(const struct said_pair *pair)
{
    uint64_t count = 0;

    for (uint64_t seq = refused.begun + 1; seq <= ledger_head(); seq++) {
        const struct event *event = &ledger_at(seq)->record.event;
        const Wici__V1__SysEventRejectedS0 *body;

        if (event->type->number != WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED)
            continue;
        body = event->sections[0].section->sys_event_rejected_s0;
        if (strcmp(body->agency, pair->agency) == 0 && strcmp(body->code, pair->code) == 0)
            count += body->count;
    }
    return count;
}

void
check_refused(uint32_t unit, const char *code)
{
    struct said_pair *pair = refused.pairs;
    struct core_unit u;

    if (unit == CORE_UNIT_NONE || !is_counted(code))
        return;
    core_unit(ledger_core(), unit, &u);
    while (pair < refused.pairs + refused.count &&
           (strcmp(pair->agency, u.agency) != 0 || strcmp(pair->code, code) != 0))
        pair++;
    if (pair == refused.pairs + refused.count) {
        if (refused.count++ == PAIRS_MAX)
            abort();
        *pair = (struct said_pair){.said = 0};
        (void)snprintf(pair->agency, sizeof pair->agency, "%s", u.agency);
        (void)snprintf(pair->code, sizeof pair->code, "%s", code);
        if (counted(pair) == 0)
            sim_fail("counted", "%s is told %s, and the log does not say that %s was ever refused so", u.id, code,
                     u.agency);
    }
    pair->said++;
}

void
check_refused_ended(void)
{
    for (size_t i = 0; i < refused.count; i++) {
        const struct said_pair *pair = &refused.pairs[i];

        if (counted(pair) < pair->said)
            sim_fail("counted", "%s was told %s %" PRIu64 " times, and the log counts %" PRIu64, pair->agency,
                     pair->code, pair->said, counted(pair));
    }
}
