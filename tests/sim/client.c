/*
 * client - see client.h
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

#define TEXT(constant) ((char *)(uintptr_t)(constant)) /* packing only reads them */
#define QUEUE_WAITING  6u
#define BOUND_READING  200u
#define BOUND_SMALL    12u
#define CLIENTS_MAX    48u
#define PATIENCE       200u /* rounds; then a new connection */

static struct client clients[CLIENTS_MAX];
static size_t client_count;
static struct inbox *inboxes;

/* ---- who there is */

static struct inbox *
inbox_add(const struct town_unit *unit, const char *cursor)
{
    static const uint32_t windows[] = {0, 4096, 4096, 16384, 1u << 20};
    static const char *const families[] = {"referral", "case", "info", "sys", "meeting", "court"};
    struct inbox *inbox = must(calloc(1, sizeof *inbox));

    inbox->unit = unit;
    (void)snprintf(inbox->cursor, sizeof inbox->cursor, "%s", cursor);
    inbox->window = windows[fate_below(sizeof windows / sizeof windows[0])];
    inbox->start = fate_once_in(4) ? 0 : 1;
    if (fate_once_in(4))
        (void)snprintf(inbox->family, sizeof inbox->family, "%s", families[fate_below(6)]);
    inbox->next = inboxes;
    inboxes = inbox;
    return inbox;
}

static struct client *
client_add(struct town_unit *unit, const char *session)
{
    struct client *c = &clients[client_count];
    unsigned temper = (unsigned)fate_below(12);

    if (client_count == CLIENTS_MAX)
        abort();
    memset(c, 0, sizeof *c);
    c->index = (uint32_t)client_count++;
    c->unit = unit;
    (void)snprintf(c->session, sizeof c->session, "%s", session);
    c->temper = temper < 7 ? TEMPER_EAGER : temper < 10 ? TEMPER_LATE : temper < 11 ? TEMPER_NO_ACK : TEMPER_STUCK;
    c->publishes = !fate_once_in(5);
    return c;
}

static void
sub_add(struct client *c, struct inbox *inbox)
{
    c->subs[c->sub_count++].inbox = inbox;
}

void
clients_create(void)
{
    client_count = 0;
    for (size_t i = 0; i < town_unit_count(); i++) {
        struct client *c = client_add(town_unit(i), "main");
        struct inbox *inbox = inbox_add(c->unit, "inbox");

        if (i == 0) {
            c->temper = TEMPER_EAGER;
            c->publishes = true;
        }
        sub_add(c, inbox);
        if (fate_once_in(3))
            sub_add(c, inbox_add(c->unit, "")); /* one that ends with its session */
        if (fate_once_in(3)) {
            struct client *second = client_add(c->unit, "second");

            sub_add(second, inbox_add(c->unit, fate_once_in(2) ? "second" : ""));
        }
        if (i > 0 && fate_once_in(5)) {
            struct client *twin = client_add(c->unit, fate_once_in(2) ? "main" : "twin");

            twin->twin = true;
            twin->publishes = false;
            sub_add(twin, inbox);
        }
    }
}

void
clients_clear(void)
{
    for (size_t i = 0; i < client_count; i++)
        free(clients[i].queue);
    client_count = 0;
    while (inboxes != NULL) {
        struct inbox *inbox = inboxes;

        inboxes = inbox->next;
        free(inbox->taken);
        free(inbox);
    }
}

size_t
clients_count(void)
{
    return client_count;
}

struct client *
client_at(size_t index)
{
    return &clients[index];
}

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

static void
say(struct client *c, const Wici__V1__ClientMessage *message)
{
    struct door_message parcel = {.said_count = 0};

    say_with(c, message, &parcel);
}

static void
connect_and_hello(struct client *c)
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
        known.epoch = 1;
        known.seq = c->known_seq;
        known.leaf_hash = (ProtobufCBinaryData){.len = sizeof c->known_hash, .data = c->known_hash};
        hello.known = &known;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    say(c, &message);
}

/* ---- publishing */

void
client_publish(struct client *c, uint32_t said)
{
    if (c->queue_len == c->queue_size) {
        c->queue_size = c->queue_size == 0 ? 16 : 2 * c->queue_size;
        c->queue = must(realloc(c->queue, c->queue_size * sizeof *c->queue));
    }
    if (saids_at(said)->same_as == said) {
        saids_at(said)->client = c->index;
        saids_at(said)->ordinal = (uint32_t)c->queue_len;
    }
    c->queue[c->queue_len++] = said;
}

static void
publish_next(struct client *c)
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

        /* A refused id may be used again, mended. */
        if (answers->answers[i]->outcome_case == WICI__V1__ANSWER__OUTCOME_REFUSAL && c->publishes && fate_once_in(6))
            client_publish(c, make_other_bytes(said, c->unit));
    }
    c->answered += c->flights[0].count;
    c->flight_count--;
    memmove(c->flights, c->flights + 1, c->flight_count * sizeof c->flights[0]);
}

/* ---- subscribing */

static void
subscribe(struct client *c, struct client_sub *sub)
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
    say(c, &message);
}

static void
acknowledge(struct client *c, struct client_sub *sub)
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
    say(c, &message);
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
inbox_take(struct inbox *inbox, uint64_t seq)
{
    if (plant_is("inbox_forgets") && seq % 16 == 0)
        return;
    if (seq >= inbox->taken_size) {
        size_t size = inbox->taken_size == 0 ? 1024 : inbox->taken_size;

        while (size <= seq)
            size *= 2;
        inbox->taken = must(realloc(inbox->taken, size));
        memset(inbox->taken + inbox->taken_size, 0, size - inbox->taken_size);
        inbox->taken_size = size;
    }
    inbox->taken[seq] = 1;
}

static void
told(struct client *c, struct client_sub *sub, uint64_t seq)
{
    if (sub == NULL || seq <= sub->to_ack)
        return;
    sub->to_ack = seq;
    if (c->temper == TEMPER_EAGER && !fate_once_in(3))
        acknowledge(c, sub);
}

/* ---- hearing */

static void
head_take(struct client *c, const Wici__V1__Position *head)
{
    if (head == NULL || head->seq <= c->known_seq || head->leaf_hash.len != sizeof c->known_hash)
        return;
    c->known_seq = head->seq;
    memcpy(c->known_hash, head->leaf_hash.data, sizeof c->known_hash);
}

static void
refused_take(struct client *c, const Wici__V1__Refused *refused)
{
    struct client_sub *sub = sub_find(c, refused->subscription);

    if (refused->number != 0) { /* again from the number that the broker names */
        c->next_number = refused->next_number;
        c->sent = c->answered;
        c->flight_count = 0;
    } else if (refused->subscription != 0) {
        if (sub != NULL) {
            sub->number = 0;
            sub->open = false;
        }
    } else if (refused->request != 0) {
        c->reads_open -= c->reads_open > 0;
    } else {
        client_cut(c, true);
    }
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
        head_take(c, m->welcome->head);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS: answers_take(c, m->answers); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED: refused_take(c, m->refused); break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED:
        sub = sub_find(c, m->subscribed->subscription);
        if (sub == NULL)
            break;
        sub->open = true;
        sub->to_ack = sub->acked = m->subscribed->from_seq - 1;
        if (sub->inbox->first == 0)
            sub->inbox->first = m->subscribed->from_seq;
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH:
        sub = sub_find(c, m->batch->subscription);
        for (size_t i = 0; sub != NULL && i < m->batch->n_deliveries; i++)
            inbox_take(sub->inbox, m->batch->deliveries[i]->seq);
        if (m->batch->n_deliveries > 0)
            told(c, sub, m->batch->deliveries[m->batch->n_deliveries - 1]->seq);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS:
        head_take(c, m->positions->head);
        for (size_t i = 0; i < m->positions->n_positions; i++)
            told(c, sub_find(c, m->positions->positions[i]->subscription), m->positions->positions[i]->seq);
        break;
    case WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT: c->reads_open -= c->reads_open > 0; break;
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

/* ---- other deeds */

static void
read_something(struct client *c)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;

    if (c->reads_open >= READS_PER_SESSION_MAX)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    read.request = ++c->next_request;
    if (fate_once_in(2))
        read.dossier = TEXT(make_dossier());
    if (fate_once_in(3))
        read.from_seq = 1 + fate_below(ledger_head() + 1);
    if (fate_once_in(3))
        read.to_seq = read.from_seq + fate_below(ledger_head() + 1);
    if (fate_once_in(4))
        read.max_events = 1 + (uint32_t)fate_below(10);
    if (fate_once_in(4))
        read.family = TEXT(fate_once_in(2) ? "case" : "info");
    if (fate_once_in(5))
        read.reason = TEXT("kontrola");
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    c->reads_open++;
    say(c, &message);
}

static void
ask_something(struct client *c)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__Explain explain;
    Wici__V1__GroupQuery group;
    Wici__V1__CursorsQuery cursors;
    Wici__V1__FetchedQuery fetched;
    char id[37];

    if (ledger_head() == 0)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__explain__init(&explain);
    wici__v1__group_query__init(&group);
    wici__v1__cursors_query__init(&cursors);
    wici__v1__fetched_query__init(&fetched);
    query.request = ++c->next_request;
    explain.seq = 1 + fate_below(ledger_head());
    uuid_format(ledger_at(explain.seq)->record.event.event_id, id);
    group.dossier = TEXT(make_dossier());
    fetched.event_id = id;
    switch (fate_below(4)) {
    case 0:
        query.what_case = WICI__V1__QUERY__WHAT_EXPLAIN;
        query.explain = &explain;
        break;
    case 1:
        query.what_case = WICI__V1__QUERY__WHAT_GROUP;
        query.group = &group;
        break;
    case 2:
        query.what_case = WICI__V1__QUERY__WHAT_CURSORS;
        query.cursors = &cursors;
        break;
    default:
        query.what_case = WICI__V1__QUERY__WHAT_FETCHED;
        query.fetched = &fetched;
        break;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    say(c, &message);
}

static void
garbage(struct client *c)
{
    uint8_t bytes[24];
    struct door_message parcel = {.bytes = bytes, .len = fate_below(sizeof bytes), .bad_frames = fate_once_in(3)};

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)fate_draw();
    door_say(c->line, &parcel);
}

static void
publish_something(struct client *c)
{
    if (!c->publishes)
        return;
    if (c->queue_len - c->answered < QUEUE_WAITING) {
        if (c->queue_len > 0 && fate_once_in(20)) {
            client_publish(c, make_copy(c->queue[c->queue_len - 1], c->unit)); /* before the first is answered */
        } else if (saids_count() > 0 && fate_once_in(15)) {
            uint32_t said = (uint32_t)fate_below(saids_count());

            if (saids_at(saids_at(said)->same_as)->seq != 0 || saids_at(said)->client == c->index)
                client_publish(c, fate_once_in(4) ? make_other_bytes(said, c->unit) : make_copy(said, c->unit));
        } else {
            client_publish(c, make_event(c->unit));
        }
    }
    publish_next(c);
}

static void
subscriptions_act(struct client *c)
{
    struct client_sub *sub = &c->subs[fate_below(c->sub_count)];

    if (sub->number == 0)
        subscribe(c, sub);
    else if (c->temper == TEMPER_EAGER || (c->temper == TEMPER_LATE && fate_once_in(8)))
        acknowledge(c, sub);
}

static void
unsubscribe(struct client *c)
{
    struct client_sub *sub = &c->subs[fate_below(c->sub_count)];
    Wici__V1__ClientMessage message;
    Wici__V1__Unsubscribe unsubscribe;

    if (!sub->open)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__unsubscribe__init(&unsubscribe);
    unsubscribe.subscription = sub->number;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &unsubscribe;
    say(c, &message);
    sub->number = 0;
    sub->open = false;
}

void
client_act(struct client *c)
{
    if (c->line == NULL) {
        if (c->temper != TEMPER_STUCK || fate_once_in(4))
            connect_and_hello(c);
        return;
    }
    if (!c->ready && c->temper != TEMPER_STUCK)
        return;
    switch (fate_below(c->temper == TEMPER_STUCK ? 40 : 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6: publish_something(c); break;
    case 7:
    case 8:
    case 9:
    case 10: subscriptions_act(c); break;
    case 11: read_something(c); break;
    case 12:
        if (fate_once_in(3))
            ask_something(c);
        break;
    case 13:
        if (fate_once_in(60))
            garbage(c);
        break;
    case 14:
        if (fate_once_in(30))
            unsubscribe(c);
        break;
    default: publish_next(c); break;
    }
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
        connect_and_hello(c);
    if (!c->ready)
        return;
    publish_next(c);
    for (size_t i = 0; i < c->sub_count; i++) {
        if (c->subs[i].number == 0)
            subscribe(c, &c->subs[i]);
        acknowledge(c, &c->subs[i]);
    }
}

bool
client_is_done(const struct client *c, uint64_t seq, const char **ret_why)
{
    *ret_why = "has no answer";
    if (c->answered < c->queue_len || c->reads_open > 0)
        return false;
    *ret_why = "is not told of all";
    for (size_t i = 0; i < c->sub_count; i++)
        if (!c->subs[i].open || c->subs[i].to_ack < seq)
            return false;
    return true;
}

static bool
inbox_wants(const struct inbox *inbox, const struct event *event)
{
    size_t len = strlen(inbox->family);

    if (len > 0 && (strncmp(event->type->name, inbox->family, len) != 0 || event->type->name[len] != '.'))
        return false;
    return inbox->dossier[0] == '\0' || strcmp(event->header->dossier_id, inbox->dossier) == 0;
}

static bool
inbox_is_in_use(const struct inbox *inbox)
{
    for (size_t i = 0; i < client_count; i++)
        for (size_t s = 0; s < clients[i].sub_count; s++)
            if (clients[i].subs[s].inbox == inbox && clients[i].subs[s].open && clients[i].temper != TEMPER_STUCK)
                return true;
    return false;
}

void
clients_check_complete(uint64_t head)
{
    for (const struct inbox *inbox = inboxes; inbox != NULL; inbox = inbox->next) {
        uint32_t unit = core_unit_by_id(ledger_core(), inbox->unit->id);

        if (inbox->cursor[0] == '\0' || inbox->first == 0 || unit == CORE_UNIT_NONE || !inbox_is_in_use(inbox))
            continue;
        for (uint64_t seq = inbox->first; seq <= head; seq++) {
            bool taken = seq < inbox->taken_size && inbox->taken[seq] != 0;
            const struct event *event = &ledger_at(seq)->record.event;

            if (taken || !inbox_wants(inbox, event) || ledger_was_hidden(unit, seq, 1) ||
                event->type->number == WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED)
                continue;
            sim_fail("G4 complete", "%s, cursor %s, never took record %" PRIu64 " (%s)", inbox->unit->id, inbox->cursor,
                     seq, event->type->name);
        }
    }
}
