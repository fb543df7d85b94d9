/*
 * client - see client.h: the protocol's side of it
 */
#include "tests/sim/client.h"

#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"
#include "tests/sim/plants.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUND_READING 200u
#define BOUND_SMALL   12u
#define PATIENCE      200u /* rounds; then a new connection */

/* ---- the line */

static void
line_forget(struct client *c)
{
    if (plant_is("resent_out_of_order") && c->sent > c->answered + 1) {
        uint32_t first = c->queue[c->answered];

        c->queue[c->answered] = c->queue[c->answered + 1];
        c->queue[c->answered + 1] = first;
    }
    c->line = NULL;
    c->ready = false;
    c->sent = c->answered;
    c->flight_count = 0;
    c->reads_open = 0;
    c->upload.request = c->document_get = c->erase = c->shown.request = 0;
    for (size_t i = 0; i < c->sub_count; i++) {
        c->subs[i].number = 0;
        c->subs[i].open = false;
    }
}

void
client_cut(struct client *c, bool noticed)
{
    if (c->line == NULL)
        return;
    door_cut(c->line, noticed);
    line_forget(c);
}

static void
say_with(struct client *c, const Wici__V1__ClientMessage *message, struct door_message *parcel)
{
    parcel->len = wici__v1__client_message__get_packed_size(message);
    parcel->bytes = must(malloc(parcel->len + 1));
    (void)wici__v1__client_message__pack(message, parcel->bytes);
    door_say(c->line, parcel);
    free(parcel->bytes);
}

void
client_say(struct client *c, const Wici__V1__ClientMessage *message)
{
    struct door_message parcel = {.said_count = 0};

    say_with(c, message, &parcel);
}

void
client_connect(struct client *c)
{
    const char *key = fate_once_in(4) ? c->unit->old_key : c->unit->key;
    Wici__V1__ClientMessage message;
    Wici__V1__Position known;
    Wici__V1__Hello hello;

    c->line = door_connect(key, c->temper == TEMPER_STUCK || c->temper == TEMPER_LATE ? BOUND_SMALL : BOUND_READING);
    if (c->line == NULL)
        return;
    c->next_number = 1; /* who does not read the Welcome guesses */
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    wici__v1__position__init(&known);
    hello.protocol = 1;
    hello.session = c->session;
    if (c->known_seq > 0) {
        known.epoch = c->epoch;
        known.seq = c->known_seq;
        known.leaf_hash = (ProtobufCBinaryData){.len = sizeof c->known_hash, .data = c->known_hash};
        hello.known = &known;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    client_say(c, &message);
}

/* ---- publishing */

void
client_publish(struct client *c, uint32_t said)
{
    if (c->queue_len == c->queue_size) {
        c->queue_size = c->queue_size == 0 ? 16 : 2 * c->queue_size;
        c->queue = must(realloc(c->queue, c->queue_size * sizeof *c->queue));
        c->seqs = must(realloc(c->seqs, c->queue_size * sizeof *c->seqs));
    }
    if (saids_at(said)->same_as == said) {
        saids_at(said)->client = c->index;
        saids_at(said)->ordinal = (uint32_t)c->queue_len;
    }
    c->seqs[c->queue_len] = 0;
    c->queue[c->queue_len++] = said;
}

void
client_publish_next(struct client *c)
{
    size_t count = c->queue_len - c->sent, max = 1 + fate_below(4);
    Wici__V1__ClientMessage message;
    Wici__V1__Publish publish;
    Wici__V1__Event events[4], *list[4];
    ProtobufCBinaryData sections[4][EVENT_SECTIONS_MAX];
    struct door_message parcel = {.said_count = 0};

    if (count > max)
        count = max;
    if (count == 0 || c->flight_count == CLIENT_FLIGHTS_MAX)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__publish__init(&publish);
    for (size_t i = 0; i < count; i++) {
        const struct said *said = saids_at(c->queue[c->sent + i]);

        wici__v1__event__init(&events[i]);
        events[i].header = (ProtobufCBinaryData){.len = said->header.len,
                                                 .data = (uint8_t *)(uintptr_t)said->header.data};
        for (size_t s = 0; s < said->section_count; s++)
            sections[i][s] = (ProtobufCBinaryData){.len = said->sections[s].len,
                                                   .data = (uint8_t *)(uintptr_t)said->sections[s].data};
        events[i].sections = sections[i];
        events[i].n_sections = said->section_count;
        list[i] = &events[i];
        parcel.saids[parcel.said_count++] = c->queue[c->sent + i];
    }
    publish.number = c->next_number++;
    publish.events = list;
    publish.n_events = count;
    publish.bare = fate_once_in(3);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH;
    message.publish = &publish;
    c->flights[c->flight_count].number = publish.number;
    c->flights[c->flight_count].first = c->sent;
    c->flights[c->flight_count++].count = count;
    c->sent += count;
    say_with(c, &message, &parcel);
}

static void
answers_take(struct client *c, const Wici__V1__Answers *answers)
{
    if (c->flight_count == 0 || c->flights[0].number != answers->number)
        sim_fail("answers", "%s/%s is answered Publish %" PRIu64 " out of turn", c->unit->id, c->session,
                 answers->number);
    for (size_t i = 0; i < answers->n_answers; i++) {
        uint32_t said = c->queue[c->flights[0].first + i];

        if (answers->answers[i]->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT)
            c->seqs[c->flights[0].first + i] = answers->answers[i]->receipt->seq;
        /* A refused id may be used again, mended. */
        if (answers->answers[i]->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL && c->publishes && fate_once_in(6))
            client_publish(c, make_other_bytes(said, c->unit));
    }
    c->answered += c->flights[0].count;
    c->flight_count--;
    memmove(c->flights, c->flights + 1, c->flight_count * sizeof c->flights[0]);
}

/* ---- subscribing */

void
client_subscribe(struct client *c, struct client_sub *sub)
{
    struct inbox *inbox = sub->inbox;
    char *dossiers[1] = {TEXT(inbox->dossier)}, *families[1] = {TEXT(inbox->family)};
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;
    Wici__V1__Filter filter;

    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    /* What keeps no place may ask for something else each time. */
    if (inbox->cursor[0] == '\0' && fate_once_in(2))
        (void)snprintf(inbox->dossier, sizeof inbox->dossier, "%s", make_dossier());
    wici__v1__filter__init(&filter);
    filter.dossiers = dossiers;
    filter.n_dossiers = inbox->dossier[0] != '\0';
    filter.families = families;
    filter.n_families = inbox->family[0] != '\0';
    sub->number = ++c->next_sub;
    subscribe.subscription = sub->number;
    subscribe.cursor = TEXT(inbox->cursor);
    subscribe.window_bytes = inbox->window;
    if (filter.n_dossiers + filter.n_families > 0)
        subscribe.filter = &filter;
    if (inbox->start == 0) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_LIVE;
        subscribe.live = true;
    } else if (fate_once_in(2)) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_FROM_SEQ;
        subscribe.from_seq = inbox->start;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    client_say(c, &message);
}

void
client_acknowledge(struct client *c, struct client_sub *sub)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Ack ack;

    if (!sub->open || sub->to_ack <= sub->acked)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__ack__init(&ack);
    ack.subscription = sub->number;
    ack.seq = sub->acked = sub->to_ack;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    client_say(c, &message);
}

static struct client_sub *
sub_find(struct client *c, uint32_t number)
{
    for (size_t i = 0; i < c->sub_count; i++)
        if (c->subs[i].number == number && number != 0)
            return &c->subs[i];
    return NULL;
}

static void
told(struct client *c, struct client_sub *sub, uint64_t seq)
{
    if (sub == NULL || seq <= sub->to_ack)
        return;
    sub->to_ack = seq;
    if (c->temper == TEMPER_EAGER && !fate_once_in(3))
        client_acknowledge(c, sub);
}

/* ---- hearing */

/* Backups hold the log up to that record: what is in it need not be kept. */
static void
safe_take(struct client *c, uint64_t safe_up_to)
{
    while (c->safe < c->answered && c->seqs[c->safe] <= safe_up_to)
        c->safe++;
}

/* The log is another one than before: all that is kept is sent again, in its order. */
static void
epoch_take(struct client *c, const Wici__V1__Position *head)
{
    if (c->epoch == head->epoch)
        return;
    for (size_t i = 0; c->epoch != 0 && i < (c->keeps ? c->safe : c->answered); i++)
        saids_at(saids_at(c->queue[i])->same_as)->let_go = true;
    if (c->epoch != 0 && c->keeps) {
        c->answered = c->sent = c->safe;
        sim_tell("%s/%s sends again what it kept of epoch %" PRIu64 ": %zu events", c->unit->id, c->session, c->epoch,
                 c->queue_len - c->safe);
    }
    c->epoch = head->epoch;
    c->known_seq = 0;
}

static void
head_take(struct client *c, const Wici__V1__Position *head)
{
    if (head == NULL || head->epoch != c->epoch || head->seq <= c->known_seq ||
        head->leaf_hash.len != sizeof c->known_hash)
        return;
    c->known_seq = head->seq;
    memcpy(c->known_hash, head->leaf_hash.data, sizeof c->known_hash);
}

static void
refused_take(struct client *c, const Wici__V1__Refused *refused)
{
    struct client_sub *sub = sub_find(c, refused->subscription);

    if (strcmp(refused->refusal->code, error_name(E_LOG_DIVERGED)) == 0)
        return; /* the Welcome behind it tells the epoch */
    if (strcmp(refused->refusal->code, error_name(E_STATE)) == 0) {
        client_cut(c, true);           /* the session was dropped */
    } else if (refused->number != 0) { /* again from the number that the broker names */
        c->next_number = refused->next_number;
        c->sent = c->answered;
        c->flight_count = 0;
    } else if (refused->subscription != 0) {
        if (sub != NULL) {
            sub->number = 0;
            sub->open = false;
        }
    } else if (refused->request != 0 &&
               (refused->request == c->upload.request || refused->request == c->document_get)) {
        client_document_refused(c, refused);
    } else if (refused->request != 0 && refused->request == c->erase) {
        c->erase = 0;
    } else if (refused->request != 0 && refused->request == c->shown.request) {
        client_shown_refused(c, refused->refusal->code);
    } else if (refused->request != 0) {
        c->reads_open -= c->reads_open > 0;
    } else {
        client_cut(c, true);
    }
}

/* What it hears was said by a broker whose log was lost since. */
static bool
is_of_old(const struct client *c)
{
    return c->epoch != ledger_epoch();
}

static void
message_take(struct client *c, const Wici__V1__BrokerMessage *m)
{
    struct client_sub *sub;

    c->waited = 0;
    switch ((unsigned)m->message_case) {
    case WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME:
        c->ready = true;
        c->next_number = m->welcome->next_number;
        epoch_take(c, m->welcome->head);
        head_take(c, m->welcome->head);
        safe_take(c, m->welcome->safe_up_to);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS: answers_take(c, m->answers); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED: refused_take(c, m->refused); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED:
        sub = sub_find(c, m->subscribed->subscription);
        if (sub == NULL)
            break;
        sub->open = true;
        sub->to_ack = sub->acked = m->subscribed->from_seq - 1;
        if (sub->inbox->first == 0 && !is_of_old(c))
            sub->inbox->first = m->subscribed->from_seq;
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH:
        sub = sub_find(c, m->batch->subscription);
        for (size_t i = 0; sub != NULL && i < m->batch->n_deliveries && !is_of_old(c); i++)
            inbox_take(sub->inbox, m->batch->deliveries[i]->seq);
        if (m->batch->n_deliveries > 0)
            told(c, sub, m->batch->deliveries[m->batch->n_deliveries - 1]->seq);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS:
        head_take(c, m->positions->head);
        safe_take(c, m->positions->safe_up_to);
        for (size_t i = 0; i < m->positions->n_positions; i++)
            told(c, sub_find(c, m->positions->positions[i]->subscription), m->positions->positions[i]->seq);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT: c->reads_open -= c->reads_open > 0; break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT:
        if (m->query_result->request == c->erase)
            c->erase = 0;
        if (m->query_result->request == c->shown.request &&
            m->query_result->result_case == WICI__V1__QUERY_RESULT__RESULT_SHOWN)
            client_shown_told(c, m->query_result->shown);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE: client_document_told(c, m->document_state); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_PART:
        if (m->document_part->request == c->document_get)
            c->document_get = 0;
        break;
    default: break;
    }
}

void
client_hear(struct client *c)
{
    Wici__V1__BrokerMessage *m;
    uint8_t *bytes;
    size_t len = 0;

    if (c->line == NULL || c->temper == TEMPER_STUCK || (bytes = door_hear(c->line, &len)) == NULL) {
        if (c->line != NULL && !c->line->known)
            client_cut(c, true); /* the broker's end is gone, and what it had sent has been read */
        return;
    }
    m = wici__v1__broker_message__unpack(NULL, len, bytes);
    if (m == NULL)
        sim_fail("answers", "a message to %s does not decode", c->unit->id);
    message_take(c, m);
    wici__v1__broker_message__free_unpacked(m, NULL);
    free(bytes);
}

/* ---- the end */

void
client_finish(struct client *c, uint64_t seq)
{
    const char *why;

    if (c->twin || c->temper == TEMPER_STUCK) {
        if (c->twin)
            client_cut(c, true);
        return;
    }
    if (client_is_done(c, seq, &why))
        c->waited = 0;
    if (c->line != NULL && ++c->waited > PATIENCE) {
        if (sessions_find_route(sim_broker->sessions, &c->line->route) != NULL)
            sim_fail("G4 progress", "%s/%s %s, and it has a session", c->unit->id, c->session, why);
        client_cut(c, true);
        c->waited = 0;
    }
    if (c->line == NULL)
        client_connect(c);
    if (!c->ready)
        return;
    client_publish_next(c);
    client_shown_finish(c);
    for (size_t i = 0; i < c->sub_count; i++) {
        if (c->subs[i].number == 0)
            client_subscribe(c, &c->subs[i]);
        client_acknowledge(c, &c->subs[i]);
    }
}

bool
client_is_done(const struct client *c, uint64_t seq, const char **ret_why)
{
    *ret_why = "has no answer";
    if (c->answered < c->queue_len || c->reads_open > 0 || c->upload.request != 0 || c->document_get != 0 ||
        c->erase != 0 || c->shown.dossier[0] != '\0')
        return false;
    *ret_why = "is not told of all";
    for (size_t i = 0; i < c->sub_count; i++)
        if (!c->subs[i].open || c->subs[i].to_ack < seq)
            return false;
    return true;
}
