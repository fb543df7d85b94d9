/*
 * Who was shown what (broker/shown.h): what the door saw given to somebody is told, page by page and over any death;
 * and of each record of a read what it can have shown, no more and no less.
 *
 * The first is held against the deliveries that left before the first page was asked for. The second is worked out from
 * the records of reads in the log and from what the ledger saw each unit might be given in each state of it: live,
 * while the broker folds its log once more.
 */
#include "tests/sim/check.h"

#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INQUIRIES_MAX 64u

/* Something of one record, given to one unit under the name of its cursor or session; or told so. */
struct given {
    uint64_t seq;
    uint32_t unit;
    uint8_t classes; /* bits */
    char name[ID_LEN_MAX + 1];
};

struct givens {
    struct given *at;
    size_t count, size;
};

/* Pages of one question, over the reconnects of who asks. */
struct inquiry {
    char unit[ID_LEN_MAX + 1], session[ID_LEN_MAX + 1], dossier[37];
    bool used, whole;    /* whole: from the first record of a read on */
    size_t given_before; /* deliveries that left before the first page was asked for */
    uint64_t from, next; /* of the last page: asked from, to go on from */
    struct givens told;
};

static struct givens given;
static struct inquiry inquiries[INQUIRIES_MAX];

void
check_shown_clear(void)
{
    free(given.at);
    memset(&given, 0, sizeof given);
    for (size_t i = 0; i < INQUIRIES_MAX; i++)
        free(inquiries[i].told.at);
    memset(inquiries, 0, sizeof inquiries);
}

static void
givens_add(struct givens *list, const struct given *one)
{
    if (list->count == list->size) {
        list->size = 2 * list->size + 64;
        list->at = must(realloc(list->at, list->size * sizeof *list->at));
    }
    list->at[list->count++] = *one;
}

static uint8_t
classes_of(uint32_t sections, const struct event *event)
{
    uint8_t classes = 0;

    for (size_t i = 0; i < event->section_count; i++)
        if ((sections >> i & 1u) != 0)
            classes |= (uint8_t)(1u << event->sections[i].cls);
    return classes;
}

void
check_shown_given(uint32_t unit, const char *name, uint64_t seq, uint32_t sections)
{
    const struct record *record = &ledger_at(seq)->record;
    struct given one = {.seq = seq, .unit = unit, .classes = classes_of(sections, &record->event)};

    if (record_is_sys(record) || record->core.entry == 0)
        return;
    (void)snprintf(one.name, sizeof one.name, "%s", name);
    givens_add(&given, &one);
}

/* ---- asking */

static struct inquiry *
inquiry_of(const char *unit, const char *session)
{
    struct inquiry *room = NULL;

    for (size_t i = 0; i < INQUIRIES_MAX; i++) {
        struct inquiry *q = &inquiries[i];

        if (q->used && strcmp(q->unit, unit) == 0 && strcmp(q->session, session) == 0)
            return q;
        if (!q->used && room == NULL)
            room = q;
    }
    if (room == NULL)
        abort();
    room->used = true;
    (void)snprintf(room->unit, sizeof room->unit, "%s", unit);
    (void)snprintf(room->session, sizeof room->session, "%s", session);
    return room;
}

void
check_shown_asked(struct door_line *line, uint32_t unit, const Wici__V1__Query *query)
{
    const Wici__V1__ShownQuery *asked = query->shown;
    struct tally_shown *ask = &line->tally->shown;
    struct core_unit u;
    struct inquiry *q;
    bool goes_on;

    if (unit == CORE_UNIT_NONE || strlen(asked->dossier) != 36)
        return;
    if (sessions_find(sim_broker->sessions, &line->route, line->key) == NULL)
        return; /* its session was taken over, and the word of that did not reach it */
    core_unit(ledger_core(), unit, &u);
    q = inquiry_of(u.id, line->tally->session);
    goes_on = asked->from_record != 0 && strcmp(q->dossier, asked->dossier) == 0 &&
              (asked->from_record == q->from || asked->from_record == q->next);
    if (!goes_on) {
        q->told.count = 0;
        q->given_before = given.count;
        q->whole = asked->from_record == 0 && asked->since[0] == '\0' && asked->until[0] == '\0';
        (void)snprintf(q->dossier, sizeof q->dossier, "%s", asked->dossier);
    }
    q->from = asked->from_record;
    *ask = (struct tally_shown){
        .request = query->request, .asked_in = ledger_head(), .from_record = asked->from_record};
    if (asked->since[0] != '\0' && time_parse(asked->since, &ask->since_ms) != 0)
        ask->request = 0;
}

/* ---- what a record of a read can have shown */

struct looking {
    uint32_t unit; /* who asks */
    bool auditor;
    bool quiet;     /* nothing changed since it asked that may change what it sees */
    uint32_t entry; /* of the dossier */
    bool touched;   /* by an erasure: the broker's second state never held what went */
    const Wici__V1__ShownList *list;
};

struct read {
    const Wici__V1__SysAccessRecordedS0 *body;
    uint64_t seq, opened;
    uint32_t unit;
    bool content; /* an auditor, who stated why */
};

static bool
read_asks_for(const struct read *r, const struct event *event)
{
    bool passes = r->body->n_families == 0;

    for (size_t i = 0; i < r->body->n_families && !passes; i++)
        passes = strcmp(r->body->families[i], event->type->family) == 0;
    return passes && (r->body->type == 0 || r->body->type == event->type->number);
}

/* What it was given of the record while the read went on; false: nothing. */
static bool
pair_can_be(const struct read *r, uint64_t seq, uint8_t *ret_classes, bool *ret_changed)
{
    const struct event *event = &ledger_at(seq)->record.event;
    const struct sight *sight = ledger_sight(r->unit, seq);
    bool received = false, looked = false, before = false;
    uint8_t classes = 0, classes_before = 0;

    *ret_changed = false;
    for (uint32_t i = 0; i < sight->past_count && read_asks_for(r, event); i++) {
        const struct sight_past *past = &sight->past[i];
        uint8_t now = past->received ? classes_of(past->sections, event) : 0;

        if (past->since > r->body->as_of_seq ||
            (i + 1 < sight->past_count && sight->past[i + 1].since <= (r->opened > seq ? r->opened : seq)))
            continue;
        *ret_changed = *ret_changed || (looked && (before != past->received || classes_before != now));
        looked = true;
        before = past->received;
        classes_before = now;
        received = received || past->received;
        classes |= now;
    }
    *ret_classes = classes;
    return received;
}

static const Wici__V1__ShownRead *
told_read(const struct looking *l, uint64_t record)
{
    for (size_t i = 0; i < l->list->n_reads; i++)
        if (l->list->reads[i]->record == record)
            return l->list->reads[i];
    return NULL;
}

static const Wici__V1__Shown *
told_pair(const Wici__V1__ShownRead *read, uint64_t seq)
{
    for (size_t i = 0; read != NULL && i < read->n_shown; i++)
        if (read->shown[i]->seq == seq)
            return read->shown[i];
    return NULL;
}

static uint8_t
classes_told(const Wici__V1__Shown *pair)
{
    uint8_t classes = 0;

    for (size_t i = 0; i < pair->n_classes; i++)
        classes |= (uint8_t)(1u << pair->classes[i]);
    return classes;
}

/* One event in the stretch of a read: told as it can have been, where the asker may see it. */
static size_t
pair_check(const struct looking *l, const struct read *r, const Wici__V1__ShownRead *told, uint64_t seq)
{
    const struct sight *asker = ledger_sight(l->unit, seq);
    const Wici__V1__Shown *pair = told_pair(told, seq);
    uint8_t classes, seen = l->auditor ? UINT8_MAX : classes_of(asker->view.sections, &ledger_at(seq)->record.event);
    bool changed, can = pair_can_be(r, seq, &classes, &changed), sees = l->auditor || asker->view.received;

    if (pair == NULL && can && sees && (l->quiet || l->auditor))
        sim_fail("G6 told", "record %" PRIu64 " of a read of %s can have shown %" PRIu64 ", and that is not told",
                 r->seq, r->body->unit, seq);
    if (pair == NULL)
        return 0;
    if (!can || (l->quiet && !sees))
        sim_fail("G6 told", "record %" PRIu64 " of a read of %s is said to have shown %" PRIu64 ", which it %s", r->seq,
                 r->body->unit, seq, can ? "is not for the asker to know" : "cannot have");
    if ((classes_told(pair) & ~classes) != 0 || ((l->quiet || l->auditor) && classes_told(pair) != (classes & seen)) ||
        pair->at_most != changed)
        sim_fail("G6 told",
                 "record %" PRIu64 " of a read of %s is said to have shown classes %x of %" PRIu64
                 "%s; it can have shown %x%s, the asker sees %x",
                 r->seq, r->body->unit, classes_told(pair), seq, pair->at_most ? " at most" : "", classes,
                 changed ? " at most" : "", seen);
    return 1;
}

static void
words_check(const struct looking *l, const struct read *r, const Wici__V1__ShownRead *told)
{
    const char *why = !l->auditor && core_unit_is(ledger_core(), r->unit, WICI__V1__ROLE__AUD) ? "" : r->body->why;

    if (told->ts_ms != ledger_at(r->seq)->record.core.ts_ms || strcmp(told->unit, r->body->unit) != 0 ||
        strcmp(told->cursor, r->body->cursor) != 0 || strcmp(told->why, why) != 0 ||
        strcmp(told->question, r->body->question) != 0 || (told->possibly != 0) != (r->body->possibly != 0) ||
        (told->narrowed != 0) != (r->body->narrowed != 0))
        sim_fail("G6 told", "record %" PRIu64 " of a read of %s is told otherwise than it stands in the log", r->seq,
                 r->body->unit);
}

/* Something was told about the dossier, or about a record of it. */
static bool
answer_is_about(const struct looking *l, const Wici__V1__SysAccessRecordedS0 *body)
{
    if (body->dossier_entry != 0 || body->from_seq == 0)
        return body->dossier_entry == l->entry;
    for (uint64_t at = body->from_seq; at <= body->to_seq && at <= ledger_head(); at++)
        if (ledger_at(at)->record.core.entry == l->entry)
            return true;
    return false;
}

static void
record_check(const struct looking *l, uint64_t seq)
{
    const struct record *record = &ledger_at(seq)->record;
    struct read r = {.body = record->event.sections[0].section->sys_access_recorded_s0, .seq = seq};
    const Wici__V1__ShownRead *told = told_read(l, seq);
    size_t pairs = 0;

    r.unit = core_unit_by_id(ledger_core(), r.body->unit);
    r.opened = r.body->opened_as_of_seq != 0 ? r.body->opened_as_of_seq : r.body->from_seq;
    r.content = r.body->why[0] != '\0' && core_unit_is(ledger_core(), r.unit, WICI__V1__ROLE__AUD);
    if (told != NULL)
        words_check(l, &r, told);
    if (r.body->question[0] != '\0') {
        if ((told != NULL) != answer_is_about(l, r.body))
            sim_fail("G6 told", "record %" PRIu64 " of an answer about key entry %u is%s told", seq,
                     r.body->dossier_entry, told == NULL ? " not" : "");
        return;
    }
    if (r.content || l->touched)
        return;
    for (uint64_t at = r.body->from_seq; at <= r.body->to_seq && at <= ledger_head(); at++)
        if (ledger_at(at)->record.core.entry == l->entry &&
            (r.body->dossier_entry == 0 || r.body->dossier_entry == l->entry))
            pairs += pair_check(l, &r, told, at);
    if (told != NULL && (pairs == 0 || pairs != told->n_shown))
        sim_fail("G6 told", "record %" PRIu64 " of a read of %s is told, with %zu events; %zu are in it", seq,
                 r.body->unit, told->n_shown, pairs);
}

static uint64_t
first_record(const struct tally_shown *ask)
{
    uint64_t seq = ask->from_record > 1 ? ask->from_record : 1;

    while (seq <= ledger_head() && ledger_at(seq)->record.core.ts_ms < ask->since_ms)
        seq++;
    return seq;
}

static void
page_check(const struct looking *l, const struct tally_shown *ask)
{
    uint64_t last = l->list->next_record != 0 ? l->list->next_record - 1 : l->list->as_of_seq;
    uint64_t first = first_record(ask);
    size_t told = 0, known = 0;

    if (l->list->as_of_seq > ledger_head() || (l->list->next_record != 0 && l->list->next_record <= ask->from_record))
        sim_fail("G6 told", "a page as of %" PRIu64 " goes on from %" PRIu64, l->list->as_of_seq, l->list->next_record);
    for (uint64_t seq = first; seq <= last && seq <= ledger_head(); seq++)
        if (ledger_at(seq)->record.event.type->number == WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED) {
            record_check(l, seq);
            known += told_read(l, seq) != NULL;
        }
    for (size_t i = 0; i < l->list->n_reads; i++)
        told += l->list->reads[i]->record != 0;
    if (told != known)
        sim_fail("G6 told", "%zu reads are told from %" PRIu64 " to %" PRIu64 ", %zu have a record there", told, first,
                 last, known);
}

/* ---- what was given is told */

static void
page_take(struct inquiry *q, const Wici__V1__ShownList *list)
{
    for (size_t i = 0; i < list->n_reads; i++)
        for (size_t k = 0; k < list->reads[i]->n_shown; k++) {
            struct given one = {.seq = list->reads[i]->shown[k]->seq,
                                .unit = core_unit_by_id(ledger_core(), list->reads[i]->unit),
                                .classes = classes_told(list->reads[i]->shown[k])};

            (void)snprintf(one.name, sizeof one.name, "%s", list->reads[i]->cursor);
            givens_add(&q->told, &one);
        }
}

static bool
is_told(const struct inquiry *q, const struct given *one, uint8_t classes)
{
    for (size_t i = 0; i < q->told.count; i++) {
        const struct given *told = &q->told.at[i];

        if (told->seq == one->seq && told->unit == one->unit && strcmp(told->name, one->name) == 0)
            classes &= (uint8_t)~told->classes;
        else
            continue;
        if (classes == 0)
            return true;
    }
    return false;
}

static void
inquiry_check(const struct looking *l, const struct inquiry *q)
{
    for (size_t i = 0; i < q->given_before; i++) {
        const struct given *one = &given.at[i];
        struct core_unit u;

        if (ledger_at(one->seq)->record.core.entry != l->entry)
            continue;
        sim_counts.shown++;
        /* What a link with an erased dossier gave is not told, but that it may be so. */
        if (is_told(q, one, l->auditor ? one->classes : 0) || (l->touched && l->list->after_erasure) ||
            (!l->auditor && !ledger_sight(l->unit, one->seq)->view.received) || (!l->auditor && !l->quiet))
            continue;
        core_unit(ledger_core(), one->unit, &u);
        sim_fail("G6 told",
                 "%s/%s was given classes %x of record %" PRIu64 ", and who asks who was shown what is not told so",
                 u.id, one->name, one->classes, one->seq);
    }
}

/* Nothing was committed since but records of reads. */
static bool
is_quiet(uint64_t since)
{
    for (uint64_t seq = since + 1; seq <= ledger_head(); seq++)
        if (ledger_at(seq)->record.event.type->number != WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED)
            return false;
    return true;
}

void
check_shown_told(struct door_line *line, uint32_t unit, const Wici__V1__QueryResult *result)
{
    struct tally_shown *ask = &line->tally->shown;
    struct core_unit u;
    struct looking l = {.unit = unit, .list = result->shown};
    struct inquiry *q;
    uint8_t id[16];

    if (result->result_case != WICI__V1__QUERY_RESULT__RESULT_SHOWN)
        return;
    if (ask->request == 0 || ask->request != result->request)
        sim_fail("answers", "who was shown what is told, and nobody has asked for it");
    core_unit(ledger_core(), unit, &u);
    q = inquiry_of(u.id, line->tally->session);
    if (uuid_parse(q->dossier, id) != 0 || ledger_erased_dossier(id) != 0)
        sim_fail("erased", "%s is told who was shown what of a dossier that was erased", u.id);
    l.auditor = core_unit_is(ledger_core(), unit, WICI__V1__ROLE__AUD);
    l.quiet = is_quiet(ask->asked_in);
    l.entry = core_accounts_for(ledger_core(), unit, id);
    l.touched = ledger_is_touched(l.entry);
    if (l.entry == 0 && l.quiet)
        sim_fail("G6 told", "%s is told who was shown what of a dossier that is not its to ask about", u.id);
    ask->request = 0;
    if (l.entry == 0)
        return;
    page_check(&l, ask);
    page_take(q, result->shown);
    q->next = result->shown->next_record;
    sim_counts.pages++;
    if (q->next == 0 && q->whole)
        inquiry_check(&l, q);
    if (q->next == 0)
        q->whole = false;
}
