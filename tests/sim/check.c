/*
 * check - see check.h: what passes the door, answers, and what holds between ticks
 */
#include "tests/sim/check.h"

#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE_EACH 64u /* ticks, about: comparing states is dear */

void
check_create(void)
{
    ledger_create();
}

void
check_clear(void)
{
    ledger_clear();
    check_cursors_clear();
    check_documents_clear();
    check_erased_clear();
    check_shown_clear();
    check_backup_clear();
    check_pace_clear();
}

/* ---- what the broker takes */

static void
publish_taken(struct tally *tally, uint32_t unit, const Wici__V1__Publish *publish, const struct door_message *message)
{
    struct tally_publish *p = must(calloc(1, sizeof *p)), **end = &tally->publishes;

    p->number = publish->number;
    p->bare = publish->bare != 0;
    p->count = message->said_count;
    p->saids = must(calloc(p->count + 1, sizeof *p->saids));
    memcpy(p->saids, message->saids, p->count * sizeof *p->saids);
    p->owed = must(calloc(p->count + 1, sizeof *p->owed));
    for (size_t i = 0; i < p->count; i++) {
        const struct said *first = saids_at(saids_at(p->saids[i])->same_as);

        if (first->seq != 0)
            p->owed[i] = check_documents_again(first->seq, unit);
    }
    for (size_t i = 0; i < TALLY_SUBS_MAX; i++)
        p->acked[i] = tally->subs[i].cursor[0] != '\0' && tally->subs[i].open ? tally->subs[i].acked : 0;
    while (*end != NULL)
        end = &(*end)->next;
    *end = p;
}

static void
subscribe_taken(struct tally *tally, const Wici__V1__Subscribe *s)
{
    struct tally_sub *sub = tally_sub_add(tally, s->subscription);

    if (sub == NULL)
        return;
    memcpy(sub->cursor, s->cursor, strlen(s->cursor) + 1);
    if (s->filter != NULL)
        tally_filter_take(&sub->filter, s->filter->dossiers, s->filter->n_dossiers, s->filter->families,
                          s->filter->n_families);
    sub->window = s->window_bytes == 0 || s->window_bytes > WIRE_WINDOW_MAX ? WIRE_WINDOW_MAX
                  : s->window_bytes < WIRE_WINDOW_MIN                       ? WIRE_WINDOW_MIN
                                                                            : s->window_bytes;
    sub->start = s->start_case == WICI__V1__SUBSCRIBE__START_FROM_SEQ ? s->from_seq : 1;
    if (s->start_case == WICI__V1__SUBSCRIBE__START_LIVE)
        sub->start = 0;
}

static void
ack_taken(struct door_line *line, const Wici__V1__Ack *ack)
{
    struct tally_sub *sub = tally_sub_find(line->tally, ack->subscription);
    uint32_t unit = check_unit_of(line->key);

    if (sub == NULL || !sub->open || ack->seq < sub->acked || ack->seq > sub->told || unit == CORE_UNIT_NONE)
        return;
    sub->acked = ack->seq;
    tally_credit_ack(sub, ack->seq);
    if (sub->cursor[0] != '\0')
        check_cursor_acked(unit, sub->cursor, ack->seq);
}

static void
read_taken(struct tally *tally, const Wici__V1__Read *r)
{
    struct tally_read *read = NULL;
    char *dossiers[] = {r->dossier}, *families[] = {r->family};

    for (size_t i = 0; i < TALLY_READS_MAX && read == NULL; i++)
        if (!tally->reads[i].used)
            read = &tally->reads[i];
    if (read == NULL)
        return;
    *read = (struct tally_read){.used = true,
                                .request = r->request,
                                .from = r->from_seq == 0 ? 1 : r->from_seq,
                                .to = r->to_seq,
                                .type = (uint32_t)r->type,
                                .with_content = r->reason[0] != '\0',
                                .asked_in = ledger_head()};
    tally_filter_take(&read->filter, dossiers, r->dossier[0] != '\0', families, r->family[0] != '\0');
}

static void
tell(const struct door_line *line, const char *arrow, const ProtobufCMessage *message, unsigned which, size_t len)
{
    uint32_t unit = check_unit_of(line->key);
    const ProtobufCFieldDescriptor *field = message == NULL
                                                ? NULL
                                                : protobuf_c_message_descriptor_get_field(message->descriptor, which);
    struct core_unit u = {.id = "(nobody)"};

    if (unit != CORE_UNIT_NONE)
        core_unit(ledger_core(), unit, &u);
    sim_tell("line %u, %s/%s %s %s, %zu bytes", line->route.id[3] * 256u + line->route.id[4], u.id,
             line->tally->session, arrow, field == NULL ? "(garbage)" : field->name, len);
}

void
check_taken(struct door_line *line, const struct door_message *message)
{
    Wici__V1__ClientMessage *m = wici__v1__client_message__unpack(NULL, message->len, message->bytes);

    tell(line, "->", (const ProtobufCMessage *)m, m == NULL ? 0 : (unsigned)m->message_case, message->len);
    if (m == NULL || message->bad_frames) {
        wici__v1__client_message__free_unpacked(m, NULL);
        return;
    }
    switch ((unsigned)m->message_case) {
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO:
        if (!line->tally->welcomed) {
            tally_reset(line->tally);
            check_hello(line->tally, m->hello);
            memcpy(line->tally->session, m->hello->session, strlen(m->hello->session) + 1);
        }
        break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH:
        publish_taken(line->tally, check_unit_of(line->key), m->publish, message);
        break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE: subscribe_taken(line->tally, m->subscribe); break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK: ack_taken(line, m->ack); break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE: {
        struct tally_sub *sub = tally_sub_find(line->tally, m->unsubscribe->subscription);

        if (sub != NULL)
            tally_sub_end(sub);
        break;
    }
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_READ: read_taken(line->tally, m->read); break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY:
        if (m->query->what_case == WICI__V1__QUERY__WHAT_ERASE ||
            m->query->what_case == WICI__V1__QUERY__WHAT_ERASE_PREVIEW)
            check_erase_asked(line, m->query);
        if (m->query->what_case == WICI__V1__QUERY__WHAT_SHOWN)
            check_shown_asked(line, check_unit_of(line->key), m->query);
        break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT: check_document_put(line, m->document_put); break;
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET: check_document_get(line, m->document_get); break;
    default: break;
    }
    wici__v1__client_message__free_unpacked(m, NULL);
}

/* ---- answers */

static void
receipt_check(uint32_t index, const Wici__V1__Receipt *receipt, bool bare)
{
    struct said *said = saids_at(saids_at(index)->same_as);
    struct bytes *first = &said->receipts[bare];
    Wici__V1__Receipt plain = *receipt;
    const struct record *record;
    struct bytes bytes;
    uint8_t *packed;

    sim_counts.receipts++;
    sim_counts.repeats += receipt->repeated != 0;
    if (receipt->seq > ledger_head())
        sim_fail("G1 durable", "event %u has its receipt for %" PRIu64 ", the log stands at %" PRIu64, index,
                 receipt->seq, ledger_head());
    if (said->seq != receipt->seq)
        sim_fail("G1 durable", "event %u has its receipt for %" PRIu64 ", in the log it is %" PRIu64, index,
                 receipt->seq, said->seq);
    record = &ledger_at(receipt->seq)->record;
    if (receipt->ts_ms != record->core.ts_ms || receipt->digests.len != (bare ? 0 : record->leaf.n * LEAF_HASH_SIZE) ||
        receipt->n_slots != (bare ? 0 : said->section_count + 1) ||
        (!bare && memcmp(receipt->digests.data, record->leaf.digests, receipt->digests.len) != 0))
        sim_fail("G2 once", "the receipt of event %u is not its record's", index);
    plain.repeated = false;
    bytes.len = wici__v1__receipt__get_packed_size(&plain);
    packed = must(malloc(bytes.len + 1));
    (void)wici__v1__receipt__pack(&plain, packed);
    bytes.data = packed;
    if (first->len == 0) {
        *first = bytes;
        return;
    }
    if (first->len != bytes.len || memcmp(first->data, bytes.data, bytes.len) != 0)
        sim_fail("G2 once", "event %u is given another receipt than before", index);
    free(packed);
}

/* The event in the log that has this id; NULL: none. */
static const struct said *
in_log(const uint8_t id[16])
{
    for (uint32_t i = saids_by_id(id); i != SAID_NONE; i = saids_next_same_id(i))
        if (saids_at(i)->seq != 0)
            return saids_at(i);
    return NULL;
}

static void
refusal_check(uint32_t index, const char *key, const Wici__V1__Refusal *refusal)
{
    const struct said *said = saids_at(index), *there = in_log(said->id);
    bool reuse = strcmp(refusal->code, error_name(E_ID_REUSE)) == 0, same;
    uint32_t unit = check_unit_of(key);
    struct core_unit u = {.agency = ""};

    sim_counts.refusals++;
    if (unit != CORE_UNIT_NONE)
        core_unit(ledger_core(), unit, &u);
    same = there != NULL && said_is_same(there, said) &&
           strcmp(ledger_at(there->seq)->record.event.header->actor->agency, u.agency) == 0;
    check_erased_refusal(unit, said, refusal);
    if (there != NULL && ledger_erased(ledger_at(there->seq)->record.core.entry) != 0) {
        if (said_is_same(there, said) && strcmp(refusal->code, error_name(E_ERASED)) != 0)
            sim_fail("erased", "event %u is record %" PRIu64 ", which was erased, and is refused %s", index, there->seq,
                     refusal->code);
        return;
    }
    if (reuse && there == NULL)
        sim_fail("G2 once", "event %u is refused E_ID_REUSE, its id is not in the log", index);
    if (same && there->seq <= ledger_base()) /* else it may have been taken later in this tick, from another's hand */
        sim_fail("G2 once", "event %u is in the log as %" PRIu64 " and is refused %s", index, there->seq,
                 refusal->code);
}

static void
answers_check(struct door_line *line, uint32_t unit, const Wici__V1__Answers *answers)
{
    struct tally_publish **at = &line->tally->publishes, *p;
    bool fresh = false;

    while (*at != NULL && (*at)->number != answers->number)
        at = &(*at)->next;
    p = *at;
    if (p == NULL || p->count != answers->n_answers)
        sim_fail("answers", "Publish %" PRIu64 " is answered with %zu answers", answers->number, answers->n_answers);
    for (size_t i = 0; i < p->count; i++) {
        const Wici__V1__Answer *answer = answers->answers[i];
        char id[37];

        uuid_format(saids_at(p->saids[i])->id, id);
        if (strcmp(answer->event_id, id) != 0)
            sim_fail("answers", "answer %zu of Publish %" PRIu64 " is about another event", i, answers->number);
        if (answer->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT) {
            receipt_check(p->saids[i], answer->receipt, p->bare);
            check_documents_owed(answer->receipt->seq, p->owed[i]);
            fresh = fresh || !answer->receipt->repeated;
        } else if (answer->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL) {
            refusal_check(p->saids[i], line->key, answer->refusal);
            check_refused(unit, answer->refusal->code);
        } else {
            sim_fail("answers", "answer %zu of Publish %" PRIu64 " says nothing", i, answers->number);
        }
    }
    for (size_t i = 0; fresh && i < TALLY_SUBS_MAX; i++)
        if (p->acked[i] > 0 && line->tally->subs[i].open && line->tally->subs[i].cursor[0] != '\0')
            check_cursor_reached(unit, line->tally->subs[i].cursor, p->acked[i]);
    *at = p->next;
    free(p->saids);
    free(p->owed);
    free(p);
}

/* ---- what the broker sends */

static void
subscribed_check(struct door_line *line, uint32_t unit, const Wici__V1__Subscribed *s)
{
    struct tally_sub *sub = tally_sub_find(line->tally, s->subscription);

    if (sub == NULL || sub->open || s->from_seq > ledger_head() + 1)
        sim_fail("answers", "subscription %u is said to begin at %" PRIu64, s->subscription, s->from_seq);
    if (sub->cursor[0] != '\0')
        check_cursor_begins(unit, sub, s->from_seq);
    else if (sub->start != 0 && s->from_seq != sub->start)
        sim_fail("G5 gap", "a subscription from %" PRIu64 " begins at %" PRIu64, sub->start, s->from_seq);
    sub->open = true;
    sub->told = sub->acked = s->from_seq - 1;
    sub->told_in = ledger_base();
    if (s->window_bytes != sub->window)
        sim_fail("G7 bounded", "a subscription of %zu bytes has a window of %u", sub->window, s->window_bytes);
}

static void
refused_check(struct door_line *line, const Wici__V1__Refused *refused)
{
    struct tally *tally = line->tally;
    struct tally_sub *sub = tally_sub_find(tally, refused->subscription);
    struct tally_read *read = tally_read_find(tally, refused->request);
    struct tally_document *document = tally_document_find(tally, refused->request);
    struct tally_publish **at = &tally->publishes;
    const char *code = refused->refusal->code;

    if (strcmp(code, error_name(E_LOG_DIVERGED)) == 0)
        check_diverged(tally);
    if (sub != NULL && (!sub->open || strcmp(code, error_name(E_TAKEN_OVER)) == 0))
        tally_sub_end(sub);
    if (read != NULL && refused->subscription == 0 && refused->number == 0)
        memset(read, 0, sizeof *read);
    if (refused->request != 0 && refused->request == tally->erase.request)
        tally->erase.request = 0;
    if (refused->request != 0 && refused->request == tally->shown.request)
        tally->shown.request = 0;
    if (document != NULL && refused->subscription == 0 && refused->number == 0)
        check_document_refused(line, check_unit_of(line->key), document, code);
    while (*at != NULL && (*at)->number != refused->number)
        at = &(*at)->next;
    if (refused->number != 0 && *at != NULL) {
        struct tally_publish *p = *at;

        *at = p->next;
        free(p->saids);
        free(p->owed);
        free(p);
    }
    if (refused->number == 0 && refused->subscription == 0 && refused->request == 0 &&
        (strcmp(code, error_name(E_TAKEN_OVER)) == 0 || strcmp(code, error_name(E_KEY)) == 0 ||
         strcmp(code, error_name(E_STATE)) == 0))
        tally_reset(tally);
}

void
check_sent(struct door_line *line, const uint8_t *bytes, size_t len)
{
    Wici__V1__BrokerMessage *m = wici__v1__broker_message__unpack(NULL, len, bytes);
    uint32_t unit = check_unit_of(line->key);

    tell(line, "<-", (const ProtobufCMessage *)m, m == NULL ? 0 : (unsigned)m->message_case, len);
    sim_digest(line->route.id, line->route.len);
    sim_digest(bytes, len);
    if (m == NULL)
        sim_fail("answers", "a message to a peer does not decode");
    if (unit == CORE_UNIT_NONE && m->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED)
        sim_fail("G6 barred", "a key that is no unit's any more is sent message %d", (int)m->message_case);
    if (unit != CORE_UNIT_NONE && m->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT)
        check_marks(unit, bytes, len);
    if (m->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART)
        check_document_marks(bytes, len);
    switch ((unsigned)m->message_case) {
    case WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME:
        line->tally->welcomed = true;
        check_welcome(line->tally, m->welcome);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS: answers_check(line, unit, m->answers); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED:
        sim_tell("  %s %s", m->refused->refusal->code, m->refused->refusal->path);
        refused_check(line, m->refused);
        check_refused(unit, m->refused->refusal->code);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED: subscribed_check(line, unit, m->subscribed); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH: check_batch(line, unit, m->batch); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS: check_positions(line, unit, m->positions); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT: check_read(line, unit, m->read_result); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT:
        check_answer_erased(unit, m->query_result);
        check_erase_answered(line, unit, m->query_result);
        check_shown_told(line, unit, m->query_result);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE: check_document_state(line, unit, m->document_state); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART: check_document_part(line, unit, m->document_part); break;
    default: break;
    }
    wici__v1__broker_message__free_unpacked(m, NULL);
}

/* ---- between */

void
check_committed(struct store *store)
{
    uint64_t before = ledger_head();

    ledger_follow(store);
    sim_counts.records += ledger_head() - before;
    check_cursors_committed(store);
    check_documents_committed(store, before);
    check_erased_committed(store, before);
    if (sim_broker != NULL && fate_boot_ms() % COMPARE_EACH == 0 && store_next(store) == store_head(store) + 1)
        ledger_compare_core(sim_broker->core, "running");
}

void
check_reopened(void)
{
    ledger_compare(sim_broker->store);
    ledger_follow(sim_broker->store);
    if (check_erased_count() > 0)
        ledger_fold_anew();
    ledger_compare_core(sim_broker->core, "after a restart");
    check_cursors_committed(sim_broker->store);
    check_documents_reopened(sim_broker->store);
    check_erased_reopened(sim_broker->store);
    check_backup_reopened();
    check_refused_reopened();
    check_pace_clear();
    ledger_tick();
}

static int
session_check(void *arg, struct session *session)
{
    struct core_unit u;

    (void)arg;
    core_unit(sim_broker->core, session->unit, &u);
    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++) {
        const struct reader *r = session->streams[i];

        if (r == NULL)
            continue;
        if (r->out != NULL || r->out_len != 0)
            sim_fail("G7 bounded", "%zu bytes stay packed for %s", r->out_len, u.id);
        if (r->credit_count > 1 && r->outstanding > r->window_bytes)
            sim_fail("G7 bounded", "%s has %zu bytes outstanding of %u", u.id, r->outstanding, r->window_bytes);
        if (r->feed.plan_count > FEED_PLAN_MAX)
            sim_fail("G7 bounded", "a plan of %zu records is kept for %s", r->feed.plan_count, u.id);
    }
    return 0;
}

/* The broker's state was folded anew, with holes. */
void
check_folded_anew(void)
{
    check_erased_keys(sim_broker->store);
    ledger_fold_anew();
    ledger_compare_core(sim_broker->core, "after an erasure");
}

void
check_tick(void)
{
    if (sim_broker->interest_count > 0 && sim_broker->interests[0].seq <= store_head(sim_broker->store))
        sim_fail("G7 bounded", "%zu interests outlive their tick", sim_broker->interest_count);
    (void)sessions_each(sim_broker->sessions, session_check, NULL);
    check_erased_tick(sim_broker->store);
    check_pace_tick();
    ledger_tick();
}
