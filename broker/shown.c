/*
 * shown - see shown.h
 */
#include "broker/access.h"
#include "broker/fold.h"
#include "broker/piece.h"
#include "broker/query.h"
#include "broker/reply.h"
#include "broker/shown_job.h"
#include "broker/talk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(EVENT_SECTIONS_MAX <= 32, "a view's sections are the bits of a number");

/* ---- beginning and ending */

void
shown_drop(struct broker *b)
{
    struct shown *s = b->shown;

    if (s == NULL)
        return;
    core_destroy(&s->core);
    arena_destroy(&s->arena);
    free(s->events);
    free(s->reads);
    free(s->pairs);
    free(s->moments);
    free(s);
    b->shown = NULL;
}

/* The session that asked, and is still there; NULL: nobody waits for the answer. */
static struct session *
asker(const struct broker *b, const struct shown *s)
{
    struct session *session = sessions_find(b->sessions, &s->route, s->key);
    bool same = session != NULL && session->unit == s->unit && !session->gone && strcmp(session->name, s->session) == 0;

    return same ? session : NULL;
}

/* Bounds of time become numbers of records: time grows with them. An `until` that is to come bounds nothing: what goes
 * on now may have its record before it. */
static int
bounds_take(struct broker *b, struct shown *s, const Wici__V1__ShownQuery *asked, struct refusal *refusal)
{
    struct store_slice *slice = NULL;
    uint64_t since_ms = 0, until_ms = 0, seq = 1;
    int rc;

    if (asked->since[0] != '\0' && time_parse(asked->since, &since_ms) != 0)
        return query_refuse(refusal, E_REQUEST, "query.shown.since");
    if (asked->until[0] != '\0' && time_parse(asked->until, &until_ms) != 0)
        return query_refuse(refusal, E_REQUEST, "query.shown.until");
    rc = store_slice_begin(b->store, &slice);
    if (rc != 0)
        return rc;
    if (since_ms != 0)
        rc = store_find_time(slice, since_ms, &seq);
    s->from_record = asked->from_record > seq ? asked->from_record : seq;
    if (rc == 0 && until_ms != 0 && until_ms <= b->clock.now_ms)
        rc = store_find_time(slice, until_ms, &s->until_record);
    store_slice_end(&slice);
    return rc;
}

int
shown_begin(struct broker *b, const struct session *session, uint32_t request, const Wici__V1__ShownQuery *asked,
            struct refusal *refusal)
{
    struct shown *s;
    uint8_t id[16];
    int rc;

    if (uuid_parse(asked->dossier, id) != 0)
        return query_refuse(refusal, E_REQUEST, "query.shown.dossier");
    if (asked->reason[0] != '\0' && !reason_is_valid(asked->reason))
        return query_refuse(refusal, E_REASON, "query.shown.reason");
    if (core_accounts_for(b->core, session->unit, id) == 0)
        return query_refuse(refusal, E_UNKNOWN, "query.shown.dossier");
    if (b->shown != NULL && asker(b, b->shown) == NULL)
        shown_drop(b);
    if (b->shown != NULL)
        return query_refuse(refusal, E_BUSY, "query.shown");
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    b->shown = s;
    s->route = session->route;
    memcpy(s->key, session->key, sizeof s->key);
    memcpy(s->session, session->name, sizeof s->session);
    s->unit = session->unit;
    s->request = request;
    s->auditor = core_unit_is(b->core, session->unit, WICI__V1__ROLE__AUD);
    s->entry = core_accounts_for(b->core, session->unit, id);
    memcpy(s->dossier, id, sizeof s->dossier);
    memcpy(s->why, asked->reason, strlen(asked->reason) + 1);
    s->accounts = access_ask(b); /* who asks what was read is told all of it */
    if ((rc = bounds_take(b, s, asked, refusal)) == 0 && (rc = core_create(&s->core)) == 0 &&
        (rc = arena_create(&s->arena, DECODE_ARENA_SIZE)) == 0) {
        s->reads = calloc(SHOWN_READS_MAX, sizeof *s->reads);
        rc = s->reads == NULL ? -ENOMEM : 0;
    }
    if (rc != 0)
        shown_drop(b);
    return rc;
}

/* The answer is a refusal. */
static int
give_up(struct broker *b, enum error_code code)
{
    struct refusal refusal;
    struct session *session = asker(b, b->shown);

    (void)query_refuse(&refusal, code, "query.shown");
    if (session != NULL)
        reply_refused(b, &session->route, session->unit, &refusal, 0, b->shown->request);
    shown_drop(b);
    return 0;
}

/* ---- looking at the dossier's events as the fold stands */

static bool
is_open_at(const struct shown_read *read, uint64_t pos)
{
    return read->event_count > 0 && read->opened_seq <= pos && pos <= read->as_of_seq;
}

static bool
asked_passes(const struct access_asked *asked, const struct event *event)
{
    bool passes = asked->family_count == 0;

    for (size_t i = 0; i < asked->family_count && !passes; i++)
        passes = strcmp(asked->families[i], event->type->family) == 0;
    return passes && (asked->type == 0 || asked->type == event->type->number);
}

uint8_t
shown_classes(const struct core_view *view, const struct event *event)
{
    uint8_t classes = 0;

    for (size_t i = 0; i < event->section_count; i++)
        if ((view->sections >> i & 1u) != 0)
            classes |= (uint8_t)(1u << event->sections[i].cls);
    return classes;
}

static void
pair_look(const struct shown *s, const struct shown_read *read, const struct record *record, struct shown_pair *pair)
{
    struct core_view view = {.received = false};
    uint8_t classes;

    if (read->unit >= core_unit_count(s->core))
        return; /* it was not enrolled yet */
    if (asked_passes(&read->asked, &record->event))
        core_view(s->core, read->unit, &record->core, read->content, &view);
    classes = view.received ? shown_classes(&view, &record->event) : 0;
    if (pair->looked && (pair->classes != classes || pair->given != view.received))
        pair->changed = true;
    pair->looked = true;
    pair->given = pair->given || view.received;
    pair->classes |= classes;
}

/* Does any read that is open now have this event in its stretch? */
static bool
event_is_wanted(const struct shown *s, size_t index)
{
    for (size_t i = 0; i < s->read_count; i++)
        if (is_open_at(&s->reads[i], s->pos) && index - s->reads[i].event_first < s->reads[i].event_count)
            return true;
    return false;
}

int
shown_load(struct broker *b, struct store_slice *slice, uint64_t seq, struct record *ret)
{
    struct store_row row;
    int rc = store_read(slice, seq, &row);

    if (rc != 0)
        return rc == -ENOENT ? -EBADMSG : rc;
    arena_reset(b->row_arena);
    return record_load(ret, &row, b->row_arena, true);
}

static int
look(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece)
{
    unsigned looked = 0;

    for (; s->at < s->event_folded; s->at++) {
        struct record record;
        int rc;

        if (!event_is_wanted(s, s->at))
            continue;
        if (piece_looks(looked++) && piece_is_over(piece))
            return 0;
        rc = shown_load(b, slice, s->events[s->at].seq, &record);
        if (rc == -ENOENT)
            continue;
        if (rc != 0)
            return rc;
        for (size_t i = 0; i < s->read_count; i++) {
            const struct shown_read *read = &s->reads[i];

            if (is_open_at(read, s->pos) && s->at - read->event_first < read->event_count)
                pair_look(s, read, &record, &s->pairs[read->pair_first + s->at - read->event_first]);
        }
    }
    s->stage = SHOWN_FOLDING;
    return 0;
}

/* ---- the fold */

/* May the record change what somebody sees of the dossier? */
static bool
changes(const struct shown *s, uint32_t entry, const struct record *record)
{
    uint32_t type = record->event.type->number;

    if (record->core.entry != 0)
        return core_dossiers_tied(s->core, s->entry, entry);
    return type > TYPE_SYS_FIRST && type != WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED &&
           type != WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED;
}

/* Does a read begin or end here? */
static bool
moment_is_here(struct shown *s)
{
    bool here = false;

    while (s->moment_at < s->moment_count && s->moments[s->moment_at] <= s->pos) {
        here = true;
        s->moment_at++;
    }
    return here;
}

static int
fold(struct shown *s, struct store_slice *slice, struct piece *piece)
{
    for (unsigned folded = 0; s->pos < s->last; folded++) {
        struct store_row row;
        struct record record;
        bool tied = false, here;
        int rc;

        if (piece_looks(folded) && piece_is_over(piece))
            return 0;
        rc = store_read(slice, s->pos + 1, &row);
        if (rc != 0)
            return rc == -ENOENT ? -EBADMSG : rc;
        tied = core_dossiers_tied(s->core, s->entry, row.entry); /* it may be what unties them */
        rc = broker_fold_row(s->core, &row, s->arena, NULL, &record);
        if (rc != 0 && rc != -ENOENT)
            return rc;
        s->pos++;
        if (s->event_folded < s->event_count && s->events[s->event_folded].seq == s->pos) {
            struct shown_event *event = &s->events[s->event_folded++];

            event->ts_ms = row.leaf.ts_ms;
            event->type = rc == 0 ? record.event.type->number : 0;
        }
        here = moment_is_here(s);
        if (here || (rc == 0 && (tied || changes(s, row.entry, &record)))) {
            s->stage = SHOWN_LOOKING;
            s->at = 0;
            return 0;
        }
    }
    s->stage = SHOWN_ASKING;
    s->at = 0;
    return 0;
}

/* ---- the answer */

static int
ask(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece)
{
    struct session *session;
    bool done = false;
    int rc = shown_ask(b, s, slice, piece, &done);

    if (rc != 0 || !done)
        return rc;
    session = asker(b, s);
    rc = session == NULL ? 0 : shown_answer(b, session, s);
    shown_drop(b);
    return rc;
}

int
shown_turn(struct broker *b)
{
    struct shown *s = b->shown;
    struct store_slice *slice = NULL;
    struct piece piece = piece_begin(b, SHOWN_US_MIN, sessions_busy(b->sessions) ? SHOWN_US_MIN : SHOWN_US_MAX);
    int rc;

    if (s == NULL)
        return 0;
    if (asker(b, s) == NULL) { /* nobody waits for it, and others may */
        shown_drop(b);
        return 0;
    }
    if (!access_is_recorded(b, s->accounts))
        return 0;
    if (core_accounts_for(b->core, s->unit, s->dossier) == 0) /* erased meanwhile, or not the asker's any more */
        return give_up(b, E_UNKNOWN);
    rc = store_slice_begin(b->store, &slice);
    if (rc == 0 && s->stage == SHOWN_WAITING) {
        s->stage = SHOWN_GATHERING;
        rc = shown_events_gather(b, s);
        if (rc == -ENOBUFS) {
            store_slice_end(&slice);
            return give_up(b, E_LIMIT);
        }
    }
    while (rc == 0 && b->shown != NULL && access_is_recorded(b, s->accounts) && !piece_is_over(&piece))
        switch (s->stage) {
        case SHOWN_GATHERING: rc = shown_reads_gather(b, s, slice, &piece); break;
        case SHOWN_FOLDING: rc = fold(s, slice, &piece); break;
        case SHOWN_LOOKING: rc = look(b, s, slice, &piece); break;
        case SHOWN_ASKING: rc = ask(b, s, slice, &piece); break;
        case SHOWN_WAITING: abort();
        }
    if (slice != NULL)
        store_slice_end(&slice);
    return rc;
}
