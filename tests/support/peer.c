/*
 * peer - see peer.h
 */
#include "tests/support/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

static void
option_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

void
peer_connect(struct peer *p, const struct daemon *d, const struct keyfile *key)
{
    memset(p, 0, sizeof *p);
    p->zmq = zmq_ctx_new();
    assert_non_null(p->zmq);
    p->socket = zmq_socket(p->zmq, ZMQ_DEALER);
    assert_non_null(p->socket);
    option_int(p->socket, ZMQ_LINGER, 0);
    if (key != NULL) {
        assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, d->server_key, 40), 0);
        assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
        assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    }
    assert_int_equal(zmq_connect(p->socket, d->endpoint), 0);
}

void
peer_hello(struct peer *p, const struct daemon *d, const struct keyfile *key, const char *session)
{
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Hello hello;

    peer_connect(p, d, key);
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = TEXT(session);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(p, &message);
    answer = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME);
    (void)snprintf(p->agency, sizeof p->agency, "%s", answer->welcome->agency);
    (void)snprintf(p->unit, sizeof p->unit, "%s", answer->welcome->unit);
    assert_true(answer->welcome->n_roles > 0);
    p->role = answer->welcome->roles[0];
    p->next_number = answer->welcome->next_number;
    assert_int_equal(p->next_number, 1);
    peer_free(answer);
}

void
peer_close(struct peer *p)
{
    if (p->socket != NULL)
        (void)zmq_close(p->socket);
    if (p->zmq != NULL)
        (void)zmq_ctx_term(p->zmq);
    memset(p, 0, sizeof *p);
}

void
peer_send(struct peer *p, const Wici__V1__ClientMessage *message)
{
    size_t len = wici__v1__client_message__get_packed_size(message);
    uint8_t *data = malloc(len + 1);

    assert_non_null(data);
    (void)wici__v1__client_message__pack(message, data);
    assert_int_equal(zmq_send(p->socket, data, len, 0), (int)len);
    free(data);
}

void
peer_send_frames(struct peer *p, const char *const *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(zmq_send(p->socket, frames[i], strlen(frames[i]), i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

Wici__V1__BrokerMessage *
peer_receive(struct peer *p, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = p->socket, .events = ZMQ_POLLIN};
    Wici__V1__BrokerMessage *message;
    zmq_msg_t frame;

    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return NULL;
    assert_int_equal(zmq_msg_init(&frame), 0);
    assert_true(zmq_msg_recv(&frame, p->socket, 0) >= 0);
    assert_false(zmq_msg_more(&frame));
    message = wici__v1__broker_message__unpack(NULL, zmq_msg_size(&frame), zmq_msg_data(&frame));
    assert_non_null(message);
    (void)zmq_msg_close(&frame);
    return message;
}

Wici__V1__BrokerMessage *
peer_expect(struct peer *p, Wici__V1__BrokerMessage__MessageCase kind)
{
    for (;;) {
        Wici__V1__BrokerMessage *message = peer_receive(p, PEER_TIMEOUT_MS);

        if (message == NULL)
            fail_msg("nothing came, expected message %d", (int)kind);
        if (message->message_case == kind)
            return message;
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED)
            fail_msg("refused %s %s, expected message %d", message->refused->refusal->code,
                     message->refused->refusal->path, (int)kind);
        assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
        peer_free(message);
    }
}

/* A batch of nothing but counts of refusals (911): a subscriber's agency is given those of its own. */
static bool
counts_refusals(const Wici__V1__BrokerMessage *message)
{
    if (message->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)
        return false;
    for (size_t i = 0; i < message->batch->n_deliveries; i++) {
        const Wici__V1__Delivery *delivery = message->batch->deliveries[i];
        bool counts = false;

        for (size_t k = 0; k < delivery->n_parts; k++)
            counts = counts || delivery->parts[k]->slot->section_id == 10 * WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED;
        if (!counts)
            return false;
    }
    return true;
}

void
peer_expect_refused(struct peer *p, const char *code)
{
    Wici__V1__BrokerMessage *message;

    do {
        message = peer_receive(p, PEER_TIMEOUT_MS);
        if (message == NULL)
            fail_msg("nothing came, expected %s", code);
        if (message->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS && !counts_refusals(message))
            break;
        peer_free(message);
    } while (true);
    assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(message->refused->refusal->code, code);
    assert_true(message->refused->refusal->pl[0] != '\0' && message->refused->refusal->en[0] != '\0');
    peer_free(message);
}

void
peer_free(Wici__V1__BrokerMessage *message)
{
    wici__v1__broker_message__free_unpacked(message, NULL);
}

/* ---- events */

static uint64_t
now_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
peer_uuid4(char ret[37])
{
    uint8_t id[16];

    assert_int_equal(getrandom(id, sizeof id, 0), sizeof id);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    uuid_format(id, ret);
}

void
peer_event_make(const struct peer *p, Wici__V1__EventType type, const char *dossier, const char *to,
                const Wici__V1__Section *const *sections, size_t count, struct peer_event *ret)
{
    Wici__V1__Header header;
    Wici__V1__Actor actor;
    Wici__V1__Address address, *addresses[] = {&address};
    char time_text[TIME_TEXT_SIZE];
    uint8_t id[16], random[10];

    assert_int_equal(getrandom(random, sizeof random, 0), sizeof random);
    uuid7_make(now_ms(), random, id);
    uuid_format(id, ret->id);
    time_format(now_ms(), time_text);
    wici__v1__header__init(&header);
    wici__v1__actor__init(&actor);
    wici__v1__address__init(&address);
    actor.agency = TEXT(p->agency);
    actor.unit = TEXT(p->unit);
    actor.role = p->role;
    header.event_id = ret->id;
    header.type = type;
    header.schema_version = 1;
    header.occurred_at = time_text;
    header.actor = &actor;
    if (dossier != NULL)
        header.dossier_id = TEXT(dossier);
    if (to != NULL) {
        address.unit = TEXT(to);
        header.to = addresses;
        header.n_to = 1;
    }
    ret->header_len = wici__v1__header__get_packed_size(&header);
    ret->header = malloc(ret->header_len + 1);
    assert_non_null(ret->header);
    (void)wici__v1__header__pack(&header, ret->header);
    assert_true(count <= PEER_SECTIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        ret->section_lens[i] = wici__v1__section__get_packed_size(sections[i]);
        ret->sections[i] = malloc(ret->section_lens[i] + 1);
        assert_non_null(ret->sections[i]);
        (void)wici__v1__section__pack(sections[i], ret->sections[i]);
    }
    ret->section_count = count;
}

void
peer_event_free(struct peer_event *event)
{
    free(event->header);
    for (size_t i = 0; i < event->section_count; i++)
        free(event->sections[i]);
    memset(event, 0, sizeof *event);
}

void
peer_publish_later(struct peer *p, const struct peer_event *events, size_t count)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Publish publish;
    Wici__V1__Event list[WIRE_PUBLISH_MAX], *refs[WIRE_PUBLISH_MAX];
    ProtobufCBinaryData sections[WIRE_PUBLISH_MAX][PEER_SECTIONS_MAX];

    assert_true(count <= WIRE_PUBLISH_MAX);
    wici__v1__client_message__init(&message);
    wici__v1__publish__init(&publish);
    for (size_t i = 0; i < count; i++) {
        wici__v1__event__init(&list[i]);
        list[i].header = (ProtobufCBinaryData){.len = events[i].header_len, .data = events[i].header};
        for (size_t k = 0; k < events[i].section_count; k++)
            sections[i][k] = (ProtobufCBinaryData){.len = events[i].section_lens[k], .data = events[i].sections[k]};
        list[i].sections = sections[i];
        list[i].n_sections = events[i].section_count;
        refs[i] = &list[i];
    }
    publish.number = p->next_number++;
    publish.events = refs;
    publish.n_events = count;
    publish.bare = p->bare;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH;
    message.publish = &publish;
    peer_send(p, &message);
}

Wici__V1__BrokerMessage *
peer_publish(struct peer *p, const struct peer_event *event)
{
    peer_publish_later(p, event, 1);
    return peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
}

uint64_t
peer_publish_taken(struct peer *p, const struct peer_event *event)
{
    Wici__V1__BrokerMessage *message = peer_publish(p, event);
    const Wici__V1__Answer *answer = message->answers->answers[0];
    uint64_t seq;

    if (answer->outcome_case != WICI__V1__ANSWER__OUTCOME_RECEIPT)
        fail_msg("refused: %s %s", answer->refusal->code, answer->refusal->path);
    assert_string_equal(answer->event_id, event->id);
    seq = answer->receipt->seq;
    peer_free(message);
    return seq;
}

void
peer_letter_make(const struct peer *p, const char *dossier, const char *to, const char *text, struct peer_event *ret)
{
    Wici__V1__InfoProvidedS0 what;
    Wici__V1__InfoProvidedS6 body;
    Wici__V1__Section first, second;
    const Wici__V1__Section *sections[] = {&first, &second};

    wici__v1__info_provided_s0__init(&what);
    wici__v1__info_provided_s6__init(&body);
    wici__v1__section__init(&first);
    wici__v1__section__init(&second);
    what.provided_on = TEXT("2026-03-02");
    body.doc_kind = TEXT("INFORMATION");
    body.text = TEXT(text);
    first.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    first.info_provided_s0 = &what;
    second.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    second.info_provided_s6 = &body;
    peer_event_make(p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, dossier, to, sections, 2, ret);
}

uint64_t
peer_letter(struct peer *p, const char *dossier, const char *to, const char *text)
{
    struct peer_event event;
    uint64_t seq;

    peer_letter_make(p, dossier, to, text, &event);
    seq = peer_publish_taken(p, &event);
    peer_event_free(&event);
    return seq;
}

/* ---- commands */

static void
command(struct peer *admin, Wici__V1__EventType type, const Wici__V1__Section *section)
{
    struct peer_event event;

    peer_event_make(admin, type, NULL, NULL, &section, 1, &event);
    (void)peer_publish_taken(admin, &event);
    peer_event_free(&event);
}

void
peer_enrol_agency(struct peer *admin, const char *agency, const char *kind)
{
    Wici__V1__SysAgencyEnrolledS0 body;
    Wici__V1__Section section;
    char *kinds[] = {TEXT(kind)};

    wici__v1__sys_agency_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.agency_id = body.name = TEXT(agency);
    body.kinds = kinds;
    body.n_kinds = 1;
    section.body_case = WICI__V1__SECTION__BODY_SYS_AGENCY_ENROLLED_S0;
    section.sys_agency_enrolled_s0 = &body;
    command(admin, WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED, &section);
}

void
peer_enrol_unit(struct peer *admin, const char *unit, const char *agency, Wici__V1__Role role, const char *key)
{
    Wici__V1__SysUnitEnrolledS0 body;
    Wici__V1__Section section;

    wici__v1__sys_unit_enrolled_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = body.name = TEXT(unit);
    body.agency_id = TEXT(agency);
    body.roles = &role;
    body.n_roles = 1;
    body.key = TEXT(key);
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_ENROLLED_S0;
    section.sys_unit_enrolled_s0 = &body;
    command(admin, WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED, &section);
}

void
peer_suspend_later(struct peer *admin, const char *unit)
{
    Wici__V1__SysUnitSuspendedS0 body;
    Wici__V1__Section section;
    const Wici__V1__Section *sections[] = {&section};
    struct peer_event event;

    wici__v1__sys_unit_suspended_s0__init(&body);
    wici__v1__section__init(&section);
    body.unit_id = TEXT(unit);
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_SUSPENDED_S0;
    section.sys_unit_suspended_s0 = &body;
    peer_event_make(admin, WICI__V1__EVENT_TYPE__SYS_UNIT_SUSPENDED, NULL, NULL, sections, 1, &event);
    peer_publish_later(admin, &event, 1);
    peer_event_free(&event);
}

void
peer_suspend(struct peer *admin, const char *unit)
{
    Wici__V1__BrokerMessage *message;

    peer_suspend_later(admin, unit);
    message = peer_expect(admin, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    peer_free(message);
}

void
peer_key(struct keyfile *ret)
{
    assert_int_equal(zmq_curve_keypair(ret->public_key, ret->secret_key), 0);
}

/* ---- subscriptions */

uint64_t
peer_subscribe(struct peer *p, uint32_t subscription, const char *cursor, uint64_t start, uint32_t window_bytes)
{
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Subscribe subscribe;
    uint64_t from_seq;

    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    subscribe.subscription = subscription;
    subscribe.cursor = TEXT(cursor);
    subscribe.window_bytes = window_bytes;
    if (start == 0) {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_LIVE;
        subscribe.live = true;
    } else {
        subscribe.start_case = WICI__V1__SUBSCRIBE__START_FROM_SEQ;
        subscribe.from_seq = start;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    peer_send(p, &message);
    answer = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED);
    assert_int_equal(answer->subscribed->subscription, subscription);
    from_seq = answer->subscribed->from_seq;
    peer_free(answer);
    return from_seq;
}

void
peer_ack(struct peer *p, uint32_t subscription, uint64_t seq)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Ack ack;

    wici__v1__client_message__init(&message);
    wici__v1__ack__init(&ack);
    ack.subscription = subscription;
    ack.seq = seq;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    peer_send(p, &message);
}

/* ---- handshakes */

int
peer_knock(const struct daemon *d, const struct keyfile *key, const char *server_key)
{
    void *zmq = zmq_ctx_new(), *socket = zmq_socket(zmq, ZMQ_DEALER), *monitor = zmq_socket(zmq, ZMQ_PAIR);
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    uint8_t frame[256];
    uint16_t event = 0;
    int linger = 0;

    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof linger), 0);
    if (key != NULL) {
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, 40), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    }
    assert_int_equal(zmq_socket_monitor(socket, "inproc://knock",
                                        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                                            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                            ZMQ_EVENT_DISCONNECTED),
                     0);
    assert_int_equal(zmq_connect(monitor, "inproc://knock"), 0);
    assert_int_equal(zmq_connect(socket, d->endpoint), 0);
    assert_true(zmq_poll(&item, 1, PEER_TIMEOUT_MS) > 0);
    assert_true(zmq_recv(monitor, frame, sizeof frame, 0) >= 2);
    memcpy(&event, frame, sizeof event);
    (void)zmq_recv(monitor, frame, sizeof frame, 0);
    (void)zmq_close(socket);
    (void)zmq_close(monitor);
    (void)zmq_ctx_term(zmq);
    return event;
}
