/*
 * reply - what is said to peers, packed and kept until the commit (broker.h)
 */
#include "broker/broker.h"
#include "broker/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
drop_route(void *arg, struct session *session)
{
    const struct front_route *route = arg;

    if (session->route.len == route->len && memcmp(session->route.id, route->id, route->len) == 0)
        session->gone = true;
    return 0;
}

/* This peer cannot be told something it waits for: it has to say Hello again. */
static void
route_is_gone(struct broker *b, const struct front_route *route)
{
    struct front_route copy = *route;

    (void)sessions_each(b->sessions, drop_route, &copy);
    b->gone = true;
}

void
reply_put(struct broker *b, const struct front_route *route, zmq_msg_t *message)
{
    if (b->reply_count == b->reply_size) {
        size_t size = b->reply_size == 0 ? 256 : 2 * b->reply_size;
        struct reply *grown = realloc(b->replies, size * sizeof *grown);

        if (grown == NULL) {
            (void)zmq_msg_close(message);
            route_is_gone(b, route);
            return;
        }
        b->replies = grown;
        b->reply_size = size;
    }
    b->replies[b->reply_count].route = *route;
    (void)zmq_msg_init(&b->replies[b->reply_count].message);
    (void)zmq_msg_move(&b->replies[b->reply_count].message, message);
    b->reply_count++;
}

void
reply_queue(struct broker *b, const struct front_route *route, Wici__V1__BrokerMessage *message)
{
    zmq_msg_t packed;

    if (zmq_msg_init_size(&packed, wici__v1__broker_message__get_packed_size(message)) != 0) {
        route_is_gone(b, route);
        return;
    }
    (void)wici__v1__broker_message__pack(message, zmq_msg_data(&packed));
    reply_put(b, route, &packed);
}

void
reply_flush(struct broker *b)
{
    for (size_t i = 0; i < b->reply_count; i++) {
        int rc = front_send(b->front, &b->replies[i].route, &b->replies[i].message);

        if (rc == 0)
            continue;
        if (rc == -EAGAIN)
            log_warn("front: a peer does not read its answers, its session ends");
        route_is_gone(b, &b->replies[i].route);
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
    wici__v1__refusal__init(ret);
    ret->code = (char *)(uintptr_t)error_name(refusal->code); /* packing only reads them */
    ret->path = (char *)(uintptr_t)refusal->path;
    ret->pl = (char *)(uintptr_t)error_text(refusal->code, true);
    ret->en = (char *)(uintptr_t)error_text(refusal->code, false);
}

void
reply_refused(struct broker *b, const struct front_route *route, const struct refusal *refusal, uint32_t subscription,
              uint32_t request)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Refused refused;
    Wici__V1__Refusal why;

    wici__v1__broker_message__init(&message);
    wici__v1__refused__init(&refused);
    refusal_fill(&why, refusal);
    refused.refusal = &why;
    refused.subscription = subscription;
    refused.request = request;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
    message.refused = &refused;
    reply_queue(b, route, &message);
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
