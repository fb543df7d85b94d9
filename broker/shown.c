/*
 * shown - see shown.h
 */
#include "broker/access.h"
#include "broker/piece.h"
#include "broker/query.h"
#include "broker/shown_job.h"
#include "broker/talk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIND_COUNT   512u /* sequence numbers asked for at once */
#define READ_SECTION 0u

static_assert(EVENT_SECTIONS_MAX <= 32, "a view's sections are the bits of a number");

bool shown_small;

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

struct session *
shown_asker(const struct broker *b, const struct shown *s)
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
    if (b->shown != NULL && shown_asker(b, b->shown) == NULL)
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
    struct session *session = shown_asker(b, b->shown);

    (void)query_refuse(&refusal, code, "query.shown");
    if (session != NULL)
        reply_refused(b, &session->route, session->unit, &refusal, 0, b->shown->request);
    shown_drop(b);
    return 0;
}

/* ---- gathering */

/* The dossier's events. -ENOBUFS: too many. */
static int
events_gather(struct broker *b, struct shown *s)
{
    uint64_t seqs[FIND_COUNT], from = 1;
    size_t count;

    do {
        int rc = store_find(b->store, s->entry, from, seqs, FIND_COUNT, &count);

        if (rc != 0)
            return rc;
        if (s->event_count + count > SHOWN_EVENTS_MAX)
            return -ENOBUFS;
        if (s->event_count + count > s->event_size) {
            size_t size = 2 * (s->event_count + count);
            struct shown_event *grown = realloc(s->events, size * sizeof *grown);

            if (grown == NULL)
                return -ENOMEM;
            s->events = grown;
            s->event_size = size;
        }
        for (size_t i = 0; i < count; i++)
            s->events[s->event_count++] = (struct shown_event){.seq = seqs[i]};
        if (count > 0)
            from = seqs[count - 1] + 1;
    } while (count == FIND_COUNT);
    return 0;
}

/* The first event with this number or a higher one. */
static size_t
event_from(const struct shown *s, uint64_t seq)
{
    size_t low = 0, high = s->event_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->events[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Nothing but what was told about the dossier is of interest, and of reads only those that may have met its events. */
static int
reads_add(struct broker *b, struct shown *s, const struct shown_read *read, uint64_t from_seq, uint64_t to_seq)
{
    size_t first = event_from(s, from_seq), count = from_seq == 0 ? 0 : event_from(s, to_seq + 1) - first;
    struct shown_read *taken;

    if (read->asked.entry != 0 && read->asked.entry != s->entry)
        return 0;
    if (read->question[0] != '\0' ? read->asked.entry != s->entry && count == 0 : count == 0)
        return 0;
    if (core_entry_for(b->core, read->unit, s->dossier) == 0)
        return 0; /* it has never had to do with it */
    if (read->question[0] != '\0')
        count = 0;
    if (s->read_count == (shown_small ? SHOWN_READS_SMALL : SHOWN_READS_MAX) ||
        (s->read_count > 0 && s->pair_count + count > (shown_small ? SHOWN_PAIRS_SMALL : SHOWN_PAIRS_MAX)))
        return -ENOBUFS;
    if (s->pair_count + count > s->pair_size) {
        size_t size = 2 * (s->pair_count + count);
        struct shown_pair *grown = realloc(s->pairs, size * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        s->pairs = grown;
        s->pair_size = size;
    }
    if (count > 0)
        memset(s->pairs + s->pair_count, 0, count * sizeof *s->pairs);
    taken = &s->reads[s->read_count++];
    *taken = *read;
    taken->event_first = first;
    taken->event_count = count;
    taken->pair_first = s->pair_count;
    s->pair_count += count;
    return 0;
}

static void
text_take(char *ret, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        len = size - 1;
    memcpy(ret, text, len);
    ret[len] = '\0';
}

/* One record of a read. */
static int
record_take(struct broker *b, struct shown *s, const struct record *record)
{
    const Wici__V1__SysAccessRecordedS0 *body;
    struct shown_read read;

    if (record->event.type->number != WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED || record->event.section_count == 0)
        return 0;
    body = (const Wici__V1__SysAccessRecordedS0 *)record->event.sections[READ_SECTION].body;
    read = (struct shown_read){
        .record = record->core.seq,
        .ts_ms = record->core.ts_ms,
        /* Of an earlier version, or of a broker that died: from when the first of its events was there. */
        .opened_seq = body->opened_as_of_seq != 0 ? body->opened_as_of_seq : body->from_seq,
        .as_of_seq = body->as_of_seq,
        .unit = core_unit_by_id(b->core, body->unit),
        .possibly = body->possibly,
        .narrowed = body->narrowed,
        .asked = {.entry = body->dossier_entry, .type = body->type}};
    if (read.unit == CORE_UNIT_NONE)
        return 0;
    read.auditor = core_unit_is(b->core, read.unit, WICI__V1__ROLE__AUD);
    read.content = body->why[0] != '\0';
    for (size_t i = 0; i < body->n_families && i < FEED_FAMILIES_MAX; i++) {
        const char *family = filter_family(body->families[i]);

        if (family != NULL)
            read.asked.families[read.asked.family_count++] = family;
    }
    text_take(read.cursor, sizeof read.cursor, body->cursor);
    text_take(read.why, sizeof read.why, body->why);
    text_take(read.question, sizeof read.question, body->question);
    return reads_add(b, s, &read, body->from_seq, body->to_seq);
}

static int
moment_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* All is gathered: up to where to fold, and where to look. */
static int
fold_begin(struct shown *s)
{
    s->moments = calloc(2 * s->read_count + 1, sizeof *s->moments);
    if (s->moments == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s->read_count; i++) {
        const struct shown_read *read = &s->reads[i];

        if (read->event_count == 0)
            continue;
        s->moments[s->moment_count++] = read->opened_seq;
        s->moments[s->moment_count++] = read->as_of_seq;
        if (read->as_of_seq > s->last)
            s->last = read->as_of_seq;
    }
    if (s->last > s->head)
        s->last = s->head;
    qsort(s->moments, s->moment_count, sizeof *s->moments, moment_compare);
    s->stage = s->moment_count > 0 ? SHOWN_FOLDING : SHOWN_ASKING;
    s->at = 0;
    return 0;
}

static int
open_take(void *arg, struct session *session)
{
    struct broker *b = arg;
    struct shown *s = b->shown;
    int rc = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX && rc == 0; i++) {
        const struct reader *r = session->streams[i];
        struct shown_read read;

        if (r == NULL || !r->window.open || r->window.events == 0)
            continue;
        read = (struct shown_read){.opened_seq = r->window.opened_seq,
                                   .as_of_seq = s->head,
                                   .unit = session->unit,
                                   .auditor = core_unit_is(b->core, session->unit, WICI__V1__ROLE__AUD),
                                   .narrowed = r->feed.filter.dossier_count > 1};
        access_asked(b, r, &read.asked);
        text_take(read.cursor, sizeof read.cursor, r->cursor[0] != '\0' ? r->cursor : session->name);
        rc = reads_add(b, s, &read, r->window.from_seq, r->window.to_seq);
    }
    return rc;
}

static int
over_take(struct broker *b, struct shown *s)
{
    int rc = 0;

    for (size_t i = 0; i < b->over_count && rc == 0; i++) {
        const struct access_over *over = &b->over[(b->over_at + i) % b->over_size];
        struct shown_read read = {.opened_seq = over->window.opened_seq,
                                  .as_of_seq = over->as_of_seq,
                                  .unit = over->unit,
                                  .narrowed = over->asked.narrowed,
                                  .asked = over->asked};

        if (over->window.events == 0)
            continue;
        text_take(read.cursor, sizeof read.cursor, over->name);
        rc = reads_add(b, s, &read, over->window.from_seq, over->window.to_seq);
    }
    return rc;
}

static int
open_close(void *arg, struct session *session)
{
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        if (session->streams[i] != NULL && session->streams[i]->window.events > 0)
            access_close(arg, session->streams[i]);
    return 0;
}

/*
 * The reads still going on, or not yet recorded; all records of reads up to the head have been taken. They have no
 * number to go on from, so a page has all of them or none: with records before them they are left to the next page. If
 * they alone are too many, their windows end here, and they are taken again as the records that they get.
 */
static int
open_gather(struct broker *b, struct shown *s)
{
    size_t reads = s->read_count, pairs = s->pair_count;
    int rc = over_take(b, s);

    if (rc == 0)
        rc = sessions_each(b->sessions, open_take, b);
    if (rc == 0)
        return fold_begin(s);
    if (rc != -ENOBUFS)
        return rc;
    s->read_count = reads;
    s->pair_count = pairs;
    if (reads > 0) {
        s->next_record = s->head + 1; /* no record has that number yet */
        return fold_begin(s);
    }
    rc = sessions_each(b->sessions, open_close, b);
    s->accounts = access_ask(b);
    return rc;
}

/* A piece of the records of reads. */
static int
gather(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece)
{
    uint64_t seqs[FIND_COUNT];
    struct store_row row;
    struct record record;
    size_t count;
    int rc;

    s->head = b->delivered;
    if (b->source.access_entry == 0)
        count = 0;
    else if ((rc = store_find(b->store, b->source.access_entry, s->from_record, seqs, FIND_COUNT, &count)) != 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (seqs[i] > s->head || (s->until_record != 0 && seqs[i] >= s->until_record)) {
            count = 0;
            break;
        }
        if (piece_looks(i) && piece_is_over(piece))
            return 0;
        rc = store_read(slice, seqs[i], &row);
        if (rc != 0)
            return rc == -ENOENT ? -EBADMSG : rc;
        arena_reset(b->row_arena);
        rc = record_load(&record, &row, b->row_arena, false);
        if (rc == 0)
            rc = record_take(b, s, &record);
        if (rc == -ENOBUFS) {
            s->next_record = seqs[i];
            return fold_begin(s);
        }
        if (rc != 0 && rc != -ENOENT)
            return rc;
        s->from_record = seqs[i] + 1;
    }
    if (count > 0)
        return 0;
    return s->until_record == 0 ? open_gather(b, s) : fold_begin(s);
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

static uint8_t
view_classes(const struct core_view *view, const struct event *event)
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
    classes = view.received ? view_classes(&view, &record->event) : 0;
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

/* Reads one record back. -ENOENT: erased. */
static int
event_load(struct broker *b, struct store_slice *slice, uint64_t seq, struct record *ret)
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
        rc = event_load(b, slice, s->events[s->at].seq, &record);
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

/* ---- what the asker may be told */

static int
ask(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece)
{
    unsigned looked = 0;
    int rc;

    for (; s->at < s->event_folded; s->at++) {
        struct shown_event *event = &s->events[s->at];
        struct core_view view;
        struct record record;

        event->asker_sees = s->auditor && event->type != 0;
        event->asker_classes = UINT8_MAX;
        if (s->auditor || event->type == 0)
            continue;
        if (piece_looks(looked++) && piece_is_over(piece))
            return 0;
        rc = event_load(b, slice, event->seq, &record);
        if (rc == -ENOENT)
            continue;
        if (rc != 0)
            return rc;
        core_view(b->core, s->unit, &record.core, false, &view);
        event->asker_sees = view.received;
        event->asker_classes = view_classes(&view, &record.event);
    }
    rc = shown_answer(b, s);
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
    if (shown_asker(b, s) == NULL) { /* nobody waits for it, and others may */
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
        rc = events_gather(b, s);
        if (rc == -ENOBUFS) {
            store_slice_end(&slice);
            return give_up(b, E_LIMIT);
        }
    }
    while (rc == 0 && b->shown != NULL && access_is_recorded(b, s->accounts) && !piece_is_over(&piece))
        switch (s->stage) {
        case SHOWN_GATHERING: rc = gather(b, s, slice, &piece); break;
        case SHOWN_FOLDING: rc = fold(s, slice, &piece); break;
        case SHOWN_LOOKING: rc = look(b, s, slice, &piece); break;
        case SHOWN_ASKING: rc = ask(b, s, slice, &piece); break;
        case SHOWN_WAITING: abort();
        }
    if (slice != NULL)
        store_slice_end(&slice);
    return rc;
}
