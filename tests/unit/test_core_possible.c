/* See test_core_possible.h. It looks at the records, and at what the core tells; never at how it came to that. */
#include "test_core_possible.h"

#include "proto/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct past past;

const char *
id_of(unsigned family, char what)
{
    static char ring[8][37];
    static unsigned turn;
    char *id = ring[turn++ % 8];

    (void)snprintf(id, sizeof ring[0], "d0000000-0000-7000-8000-%08x%04x", family + 1, (unsigned)what);
    return id;
}

bool
is_merge(const struct event *e)
{
    return e->type->number == WICI__V1__EVENT_TYPE__CASE_LINKED && e->section_count > 0 &&
           e->header->correction[0] == '\0' && strcmp(e->sections[0].section->case_linked_s0->kind, "MERGED_INTO") == 0;
}

static bool
still_stands(const struct kit *k, size_t i)
{
    return !past.recalled[i] && !past.gone[i] &&
           strcmp(k->records[i].event.header->correction, "ENTERED_IN_ERROR") != 0;
}

/* Of the records of a dossier that stand, was there one of that type (and kind of meeting)? */
static bool
stands(const struct kit *k, const char *dossier, const char *type, const char *kind)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->records[i].event;

        if (strcmp(e->header->dossier_id, dossier) != 0 || strcmp(e->type->name, type) != 0 || !still_stands(k, i))
            continue;
        if (kind == NULL)
            return true;
        for (size_t s = 0; s < e->section_count; s++)
            if (e->sections[s].cls == 6 && strcmp(e->sections[s].section->meeting_held_s6->kind, kind) == 0)
                return true;
    }
    return false;
}

static unsigned
family_of(const char *dossier)
{
    return (unsigned)strtoul(dossier + 24, NULL, 16) / 0x10000u - 1; /* see id_of() */
}

/* The families whose cases are one with this one's by links that stand; itself first. */
static size_t
one_with(const struct kit *k, unsigned family, unsigned ret[CASES])
{
    size_t count = 1;

    ret[0] = family;
    for (size_t at = 0; at < count; at++)
        for (size_t i = 0; i < k->count; i++) {
            const struct event *e = &k->records[i].event;
            unsigned a, b, other;
            bool known = false;

            if (!is_merge(e) || !still_stands(k, i))
                continue;
            a = family_of(e->header->dossier_id);
            b = family_of(e->sections[0].section->case_linked_s0->other_dossier);
            if (past.families[b].erased['C'] || (a != ret[at] && b != ret[at]))
                continue;
            other = a == ret[at] ? b : a;
            for (size_t j = 0; j < count; j++)
                known = known || ret[j] == other;
            if (!known)
                ret[count++] = other;
        }
    return count;
}

/* A state, and what must stand in the dossier of that letter of the family, or of one that is one with it. */
struct need {
    const char *state, *type, *kind;
    char where;
};

static void
has_what_it_needs(const struct kit *k, unsigned family, const char *state, const struct need *needs, size_t count)
{
    static unsigned together[CASES];

    for (size_t i = 0; i < count; i++) {
        bool there = false;

        if (strcmp(needs[i].state, state) != 0)
            continue;
        for (size_t j = 0, all = one_with(k, family, together); j < all && !there; j++)
            there = stands(k, id_of(together[j], needs[i].where), needs[i].type, needs[i].kind);
        if (!there)
            fail_msg("family %u is %s without %s", family, state, needs[i].type);
    }
}

/* Who holds it took it: opened it, as a case or for a meeting, accepted it, took it up, answered it. */
static bool
has_taken(const struct kit *k, unsigned family, const char *unit)
{
    static const char *const takes[] = {"case.opened", "meeting.convened", "referral.answered",
                                        "case.linked", "info.provided",    "case.safety_concern_answered"};
    static unsigned together[CASES];
    size_t all = one_with(k, family, together);

    for (size_t i = 0; i < k->count; i++) {
        const Wici__V1__Header *h = k->records[i].event.header;
        bool takes_it = false, his = false;

        if (past.gone[i] || strcmp(h->actor->unit, unit) != 0 || h->dossier_id[0] == '\0')
            continue;
        for (size_t t = 0; t < sizeof takes / sizeof *takes; t++)
            takes_it = takes_it || strcmp(k->records[i].event.type->name, takes[t]) == 0;
        for (size_t j = 0; j < all; j++)
            his = his || family_of(h->dossier_id) == together[j];
        if (takes_it && his)
            return true;
    }
    return false;
}

/* It is a case, and no letter of that id. */
static bool
is_case(const struct kit *k, const char *dossier)
{
    for (size_t i = 0; i < k->count; i++)
        if (!past.gone[i] && strcmp(k->records[i].event.header->dossier_id, dossier) == 0)
            return k->records[i].event.type->opens == OPENS_CASE;
    return false;
}

/* What everybody is told of one dossier fits together; returns the state of the referral or case. */
static const char *
told_alike(struct kit *k, unsigned family, char where)
{
    const char *state = "";
    uint32_t holder = CORE_UNIT_NONE;
    struct core_unit unit_of;
    uint8_t id[16];

    assert_int_equal(uuid_parse(id_of(family, where), id), 0);
    for (uint32_t unit = 0; unit < core_unit_count(k->core); unit++) {
        struct core_course c;
        const char *own;

        if (core_course(k->core, unit, id, &c) == 0)
            continue;
        if (past.families[family].erased[(unsigned char)where])
            fail_msg("family %u: %c was erased, and its course is told", family, where);
        if (!c.whole)
            continue;
        own = where == 'C' ? c.kase.code : c.referral.code;
        /* Who takes part no more is told how it was then: by whom it is held now say holder and office. */
        if (core_accounts_for(k->core, unit, id) != 0 && c.holder != CORE_UNIT_NONE) {
            if (holder != CORE_UNIT_NONE && holder != c.holder)
                fail_msg("family %u: two units hold %c", family, where);
            holder = c.holder;
        }
        if (own[0] != '\0' && c.received)
            state = own;
    }
    if (holder == CORE_UNIT_NONE && where == 'C' && is_case(k, id_of(family, where)))
        fail_msg("family %u: nobody holds its case", family);
    if (holder != CORE_UNIT_NONE) {
        core_unit(k->core, holder, &unit_of);
        if (!has_taken(k, family, unit_of.id))
            fail_msg("family %u: %s holds %c and never took it", family, unit_of.id, where);
    }
    return state;
}

void
is_possible(struct kit *k, unsigned family)
{
    static const struct need case_needs[] = {
        {"ASSESSED", "case.interview_completed", NULL, 'C'},
        {"REQUESTED", "case.assistant_requested", NULL, 'C'},
        {"ASSIGNED", "case.assistant_assigned", NULL, 'C'},
        {"ACTIVE", "case.assistant_assigned", NULL, 'C'},
        {"ACTIVE", "meeting.held", "FIRST_CONTACT", 'C'},
        {"SUSPENDED", "consent.withdrawn", NULL, 'C'},
        {"MONITORED", "case.closed", NULL, 'C'},
        {"CLOSED", "case.closed", NULL, 'C'},
    };
    static const struct need referral_needs[] = {
        {"received", "referral.answered", NULL, 'R'}, {"accepted", "referral.answered", NULL, 'R'},
        {"on-hold", "referral.answered", NULL, 'R'},  {"rejected", "referral.answered", NULL, 'R'},
        {"in-progress", "case.linked", NULL, 'C'},    {"completed", "referral.completed", NULL, 'R'},
        {"failed", "referral.completed", NULL, 'R'},  {"cancelled", "referral.completed", NULL, 'R'},
    };
    const char *state = told_alike(k, family, 'C');

    has_what_it_needs(k, family, state, case_needs, sizeof case_needs / sizeof *case_needs);
    past.states += state[0] != '\0';
    state = told_alike(k, family, 'R');
    has_what_it_needs(k, family, state, referral_needs, sizeof referral_needs / sizeof *referral_needs);
    past.states += state[0] != '\0';
}

/* The record of that number is there, and stands. */
static bool
seq_stands(const struct kit *k, uint64_t seq)
{
    return seq >= 1 && seq <= k->count && still_stands(k, (size_t)seq - 1);
}

/* How often the deadline watcher told of that clock, which an amendment of its day makes another one. */
static unsigned
times_told(const struct kit *k, const struct core_clock *c)
{
    unsigned told = 0;

    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->records[i].event;
        const Wici__V1__Deadline *d;
        char started[DATE_TEXT_SIZE];

        if (past.gone[i] || strncmp(e->type->name, "sys.deadline_", 13) != 0)
            continue;
        /* All four have it as their only field. */
        d = e->sections[0].section->sys_deadline_met_s0->deadline;
        date_format(c->started, started);
        told += d->start_seq == c->start_seq && d->item == c->item && strcmp(d->started_on, started) == 0 &&
                strcmp(d->clock, clock_info(c->clock)->id) == 0;
    }
    return told;
}

/* Could that record start the clock: of a dossier one in it, of an agency what its deadlines start by. */
static bool
may_start(const struct event *event, const struct core_clock *c)
{
    uint32_t type = event->type->number;
    char dossier[37];

    uuid_format(c->dossier_id, dossier);
    if (c->agency[0] == '\0')
        return strcmp(event->header->dossier_id, dossier) == 0;
    if (type == WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED)
        return c->clock == CLOCK_D8 || c->clock == CLOCK_D9;
    return c->clock == CLOCK_D8 ? type == WICI__V1__EVENT_TYPE__SYS_REPORT_PRESENTED
                                : c->clock == CLOCK_D9 && type == WICI__V1__EVENT_TYPE__MEETING_HELD;
}

static void
clock_is_possible(const struct kit *k, const struct core_clock *c)
{
    const char *id = clock_info(c->clock)->id;
    char dossier[37];

    uuid_format(c->dossier_id, dossier);
    if (c->start_seq < 1 || c->start_seq > k->count || past.gone[c->start_seq - 1] ||
        !may_start(&k->records[c->start_seq - 1].event, c))
        fail_msg("%s of %s was started by record %zu", id, dossier, (size_t)c->start_seq);
    if (c->state != CORE_CLOCK_CANCELLED && !seq_stands(k, c->start_seq))
        fail_msg("%s of %s goes on, and record %zu was recalled", id, dossier, (size_t)c->start_seq);
    if (c->state == CORE_CLOCK_RUNS && (c->end_seq != 0 || c->ended != DATE_NONE))
        fail_msg("%s of %s runs and has ended", id, dossier);
    if (c->state == CORE_CLOCK_MET && c->end_seq == 0)
        fail_msg("%s of %s was met by nothing", id, dossier);
    if (c->end_seq != 0 && !seq_stands(k, c->end_seq))
        fail_msg("%s of %s was ended by record %zu, which does not stand", id, dossier, (size_t)c->end_seq);
    if (c->notices != times_told(k, c))
        fail_msg("%s of %s was told %u times, not %u", id, dossier, times_told(k, c), c->notices);
}

void
deadlines_are_possible(struct kit *k)
{
    static struct core_clock clocks[CLOCKS_AT_ONCE];
    struct core_clocks_at at = {0};

    do {
        size_t count = core_clocks(k->core, core_unit_by_id(k->core, "clerk"), &at, clocks, CLOCKS_AT_ONCE);

        for (size_t i = 0; i < count; i++)
            clock_is_possible(k, &clocks[i]);
        past.clocks += (unsigned)count;
    } while (at.seq != 0);
}
