/*
 * shown_reads - for shown.h: the dossier's events, and the reads that may have been given some of them
 *
 * Reads are in three places: most in the log's records (912); those that are over and wait for their record; and the
 * windows of those that are still going on.
 */
#include "broker/access.h"
#include "broker/shown_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIND_COUNT   512u /* sequence numbers asked for at once */
#define READ_SECTION 0u

bool shown_small;

int
shown_events_gather(struct broker *b, struct shown *s)
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
    uint64_t of_seq = 0;
    struct shown_read *taken;

    if (read->asked.entry != 0 && read->asked.entry != s->entry)
        return 0;
    if (read->question[0] != '\0' ? read->asked.entry != s->entry && count == 0 : count == 0)
        return 0;
    if (core_entry_for(b->core, read->unit, s->dossier) == 0)
        return 0; /* it has never had to do with it */
    if (read->question[0] != '\0') {
        of_seq = count > 0 ? from_seq : 0;
        count = 0;
    }
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
    taken->of_seq = of_seq;
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
        .document = body->document,
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

int
shown_reads_gather(struct broker *b, struct shown *s, struct store_slice *slice, struct piece *piece)
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
