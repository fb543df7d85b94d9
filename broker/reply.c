/*
 * reply - see reply.h
 */
#include "broker/reply.h"
#include "broker/log.h"
#include "broker/refusals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* This peer cannot be told something it waits for: it has to say Hello again. Returns whether it had a session. */
static bool
route_is_gone(struct broker *b, const struct front_route *route)
{
    struct session *session = sessions_find_route(b->sessions, route);

    if (session == NULL)
        return false;
    session->gone = b->gone = true;
    return true;
}

/* This peer does not take what it is told. */
static void
unread_end(struct broker *b, const struct front_route *route)
{
    if (route_is_gone(b, route)) /* once a session: a peer cannot fill the log */
        log_warn("front: a peer does not read its answers, its session ends");
}

/* Takes the message over. Whose session asks is remembered: when it is sent the key must still be a unit's. */
static void
reply_put(struct broker *b, const struct front_route *route, const struct session *session, zmq_msg_t *message)
{
    struct reply *reply;

    if (b->reply_count == b->reply_size) {
        size_t size = b->reply_size == 0 ? 256 : 2 * b->reply_size;
        struct reply *grown = realloc(b->replies, size * sizeof *grown);

        if (grown == NULL) {
            (void)zmq_msg_close(message);
            (void)route_is_gone(b, route);
            return;
        }
        b->replies = grown;
        b->reply_size = size;
    }
    reply = &b->replies[b->reply_count++];
    reply->route = *route;
    memcpy(reply->key, session == NULL ? "" : session->key, session == NULL ? 1 : sizeof reply->key);
    (void)zmq_msg_init(&reply->message);
    (void)zmq_msg_move(&reply->message, message);
}

static int
message_pack(zmq_msg_t *ret, const Wici__V1__BrokerMessage *message)
{
    if (zmq_msg_init_size(ret, wici__v1__broker_message__get_packed_size(message)) != 0)
        return -ENOMEM;
    (void)wici__v1__broker_message__pack(message, zmq_msg_data(ret));
    return 0;
}

/* A message that counts until libzmq has done with it. */
struct counted {
    atomic_bool given; /* libzmq passes it between threads by means that sanitizers do not see; this they do */
    zmq_msg_t message;
    struct unit_readers *unit; /* lives as long as the sockets */
    size_t size;
};

static void
counted_free(void *data, void *hint)
{
    struct counted *c = hint;
    bool given = atomic_load_explicit(&c->given, memory_order_acquire);

    (void)data;
    assert(given);
    (void)atomic_fetch_sub(&c->unit->answering, c->size);
    (void)zmq_msg_close(&c->message);
    free(c);
}

/* The same for a message that counts with this unit until libzmq has done with it. */
static void
counted_put(struct broker *b, const struct front_route *route, const struct session *session, struct unit_readers *unit,
            zmq_msg_t *message)
{
    struct counted *c = malloc(sizeof *c);
    zmq_msg_t outer;

    if (c == NULL) {
        (void)zmq_msg_close(message);
        (void)route_is_gone(b, route);
        return;
    }
    c->unit = unit;
    c->size = zmq_msg_size(message) + sizeof *c;
    (void)zmq_msg_init(&c->message);
    (void)zmq_msg_move(&c->message, message);
    (void)atomic_fetch_add(&c->unit->answering, c->size);
    atomic_store_explicit(&c->given, true, memory_order_release);
    if (zmq_msg_init_data(&outer, zmq_msg_data(&c->message), zmq_msg_size(&c->message), counted_free, c) != 0) {
        counted_free(NULL, c);
        (void)route_is_gone(b, route);
        return;
    }
    reply_put(b, route, session, &outer);
}

void
reply_put_for(struct broker *b, const struct session *session, zmq_msg_t *message)
{
    struct unit_readers *unit = sessions_unit_if(b->sessions, session->unit);

    assert(unit != NULL); /* it has a session */
    counted_put(b, &session->route, session, unit, message);
}

void
reply_queue(struct broker *b, const struct front_route *route, uint32_t unit, Wici__V1__BrokerMessage *message)
{
    struct unit_readers *readers = &b->nobody;
    zmq_msg_t packed;

    if (unit != CORE_UNIT_NONE && sessions_unit(b->sessions, unit, &readers) != 0) {
        (void)route_is_gone(b, route);
        return;
    }
    if (atomic_load(&readers->answering) > 2 * (size_t)REPLIES_UNIT_MAX) {
        unread_end(b, route);
        return;
    }
    if (message_pack(&packed, message) != 0)
        (void)route_is_gone(b, route);
    else
        counted_put(b, route, sessions_find_route(b->sessions, route), readers, &packed);
}

void
reply_queue_for(struct broker *b, const struct session *session, Wici__V1__BrokerMessage *message)
{
    zmq_msg_t packed;

    if (message_pack(&packed, message) != 0)
        (void)route_is_gone(b, &session->route);
    else
        reply_put_for(b, session, &packed);
}

bool
reply_is_full(const struct broker *b, const struct session *session)
{
    const struct unit_readers *u = sessions_unit_if(b->sessions, session->unit);

    return u != NULL && atomic_load(&u->answering) > REPLIES_UNIT_MAX;
}

/* Suspended, or past its date, since it asked? */
static bool
reply_is_barred(const struct broker *b, const struct reply *reply)
{
    return reply->key[0] != '\0' && core_unit_by_key(b->core, reply->key, b->clock.now_ms) == CORE_UNIT_NONE;
}

void
reply_flush(struct broker *b)
{
    for (size_t i = 0; i < b->reply_count; i++) {
        struct reply *reply = &b->replies[i];
        int rc;

        if (reply_is_barred(b, reply)) {
            (void)zmq_msg_close(&reply->message);
            continue;
        }
        rc = front_send(b->front, &reply->route, &reply->message);
        if (rc == 0)
            continue;
        if (rc == -EAGAIN)
            unread_end(b, &reply->route);
        else
            (void)route_is_gone(b, &reply->route);
    }
    b->reply_count = 0;
}

void
reply_drop_all(struct broker *b)
{
    for (size_t i = 0; i < b->reply_count; i++)
        (void)zmq_msg_close(&b->replies[i].message);
    b->reply_count = 0;
}

void
refusal_fill(Wici__V1__Refusal *ret, const struct refusal *refusal)
{
    enum rule rule = refusal->rule != RULE_NONE ? refusal->rule : rule_of_code(refusal->code);

    wici__v1__refusal__init(ret);
    ret->code = TEXT(error_name(refusal->code));
    ret->path = TEXT(refusal->path);
    ret->pl = TEXT(rule == RULE_NONE ? error_text(refusal->code, true) : rule_text(rule, true));
    ret->en = TEXT(rule == RULE_NONE ? error_text(refusal->code, false) : rule_text(rule, false));
    ret->rule = TEXT(rule_id(rule));
    ret->source = TEXT(rule_source(rule));
}

void
reply_note(struct broker *b, uint32_t unit, enum error_code code)
{
    struct core_unit u;

    core_unit(b->core, unit, &u);
    refusals_note(b->refusals, u.agency, code);
}

/* Queues it, and notes nothing. */
static void
refused_queue(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
              Wici__V1__Refused *refused)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Refusal why;

    wici__v1__broker_message__init(&message);
    refusal_fill(&why, refusal);
    refused->refusal = &why;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
    message.refused = refused;
    reply_queue(b, route, unit, &message);
}

void
reply_refused_as(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
                 Wici__V1__Refused *refused)
{
    if (unit != CORE_UNIT_NONE && refusal->code != E_TAKEN_OVER)
        reply_note(b, unit, refusal->code);
    refused_queue(b, route, unit, refusal, refused);
}

void
reply_refused(struct broker *b, const struct front_route *route, uint32_t unit, const struct refusal *refusal,
              uint32_t subscription, uint32_t request)
{
    Wici__V1__Refused refused;

    wici__v1__refused__init(&refused);
    refused.subscription = subscription;
    refused.request = request;
    reply_refused_as(b, route, unit, refusal, &refused);
}

void
reply_refused_for_now(struct broker *b, const struct session *session, const struct refusal *refusal, uint32_t request,
                      uint32_t retry_ms)
{
    Wici__V1__Refused refused;

    wici__v1__refused__init(&refused);
    refused.request = request;
    refused.retry_ms = retry_ms;
    reply_refused_as(b, &session->route, session->unit, refusal, &refused);
}

void
reply_refused_stranger(struct broker *b, const struct front_message *to, uint32_t unit, const struct refusal *refusal,
                       uint32_t subscription, uint32_t request)
{
    size_t count = b->reply_count;
    Wici__V1__Refused refused;

    wici__v1__refused__init(&refused);
    refused.subscription = subscription;
    refused.request = request;
    refused_queue(b, &to->route, unit, refusal, &refused);
    if (b->reply_count > count)
        memcpy(b->replies[count].key, to->key, sizeof to->key);
}

Wici__V1__Position *
reply_head(struct broker *b, struct arena *arena)
{
    Wici__V1__Position *ret = arena_alloc(arena, sizeof *ret);
    uint8_t *hash = arena_alloc(arena, LEAF_HASH_SIZE);

    if (ret == NULL || hash == NULL)
        return NULL;
    wici__v1__position__init(ret);
    ret->epoch = store_identity(b->store)->epoch;
    ret->seq = store_head(b->store);
    if (ret->seq > 0) {
        store_head_hash(b->store, hash);
        ret->leaf_hash = (ProtobufCBinaryData){.len = LEAF_HASH_SIZE, .data = hash};
    }
    return ret;
}
