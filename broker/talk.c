/* talk - see talk.h */
#include "broker/talk.h"

#include "broker/documents.h"
#include "broker/pack.h"
#include "broker/query_answer.h"
#include "broker/reply.h"
#include "broker/sequence.h"
#include "proto/decode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- publish */

static void
publish_refused(struct broker *b, const struct session *session, const Wici__V1__Publish *publish, enum error_code code,
                const char *path, uint32_t retry_ms)
{
    Wici__V1__Refused refused;
    struct refusal refusal;

    refusal_set(&refusal, code, path);
    wici__v1__refused__init(&refused);
    refused.number = publish->number;
    refused.next_number = session->next_number;
    refused.retry_ms = retry_ms;
    reply_refused_as(b, &session->route, session->unit, &refusal, &refused);
}

enum { /* fields of messages in wire.proto */
       MESSAGE_ANSWERS = 2,
       ANSWERS_NUMBER = 1,
       ANSWERS_ANSWERS = 2,
       ANSWER_ID = 1,
       ANSWER_RECEIPT = 2,
       ANSWER_REFUSAL = 3
};

/* The bytes of an event's Refusal, in the arena. data NULL: it is used up. */
static struct bytes
refusal_pack(const struct refusal *refusal, struct arena *arena)
{
    Wici__V1__Refusal why;
    struct bytes ret = {.data = NULL};
    uint8_t *data;

    refusal_fill(&why, refusal);
    ret.len = wici__v1__refusal__get_packed_size(&why);
    data = arena_alloc(arena, ret.len);
    if (data != NULL)
        (void)wici__v1__refusal__pack(&why, data);
    ret.data = data;
    return ret;
}

/* Queues the answers to one Publish. */
static int
answers_queue(struct broker *b, const struct session *session, uint64_t number, const struct answer *answers,
              size_t count)
{
    struct bytes outcomes[WIRE_PUBLISH_MAX];
    size_t sizes[WIRE_PUBLISH_MAX], size;
    uint8_t head[PACK_NUMBER_SIZE], *at;
    zmq_msg_t message;

    size = (size_t)(pack_number(head, ANSWERS_NUMBER, number) - head);
    for (size_t i = 0; i < count; i++) {
        outcomes[i] = answers[i].refusal.code == E_NONE ? answers[i].receipt
                                                        : refusal_pack(&answers[i].refusal, b->reply_arena);
        if (outcomes[i].data == NULL)
            return -ENOMEM;
        sizes[i] = pack_bytes_size(strlen(answers[i].event_id)) + pack_bytes_size(outcomes[i].len);
        size += pack_bytes_size(sizes[i]);
    }
    if (zmq_msg_init_size(&message, pack_bytes_size(size)) != 0)
        return -ENOMEM;
    at = pack_head(zmq_msg_data(&message), MESSAGE_ANSWERS, size);
    at = pack_number(at, ANSWERS_NUMBER, number);
    for (size_t i = 0; i < count; i++) {
        at = pack_head(at, ANSWERS_ANSWERS, sizes[i]);
        at = pack_bytes(at, ANSWER_ID, answers[i].event_id, strlen(answers[i].event_id));
        at = pack_bytes(at, answers[i].refusal.code == E_NONE ? ANSWER_RECEIPT : ANSWER_REFUSAL, outcomes[i].data,
                        outcomes[i].len);
    }
    assert(at == (uint8_t *)zmq_msg_data(&message) + zmq_msg_size(&message));
    reply_put_for(b, session, &message);
    return 0;
}

static int
publish_take(struct broker *b, struct session *session, const Wici__V1__Publish *publish)
{
    struct answer answers[WIRE_PUBLISH_MAX];
    int rc = 0;

    if (publish->number != session->next_number) {
        publish_refused(b, session, publish, E_GAP, "publish.number", 0);
        return 0;
    }
    if (publish->n_events == 0 || publish->n_events > WIRE_PUBLISH_MAX) {
        publish_refused(b, session, publish, E_REQUEST, "publish.events", 0);
        return 0;
    }
    if (b->no_room || reply_is_full(b, session)) {
        publish_refused(b, session, publish, b->no_room ? E_FULL : E_BUSY, "",
                        b->no_room ? REPLY_FULL_RETRY_MS : REPLY_RETRY_MS);
        return 0;
    }
    session->next_number++;
    pace_publish(&b->pace, b->tick_us);
    arena_reset(b->reply_arena);
    for (size_t i = 0; i < publish->n_events && rc == 0; i++)
        rc = sequence_take(b->sequence, session->unit, publish->events[i], b->clock.now_ms, publish->bare,
                           b->reply_arena, &answers[i]);
    for (size_t i = 0; i < publish->n_events && rc == 0; i++)
        if (answers[i].refusal.code != E_NONE)
            reply_note(b, session->unit, answers[i].refusal.code);
    return rc == 0 ? answers_queue(b, session, publish->number, answers, publish->n_events) : rc;
}

/* ---- any message */

/* Before Hello everything is answered the same way; after it, another Hello. */
static void
state_refused(struct broker *b, const struct front_message *from, uint32_t unit, const struct session *session,
              const Wici__V1__ClientMessage *message)
{
    struct refusal refusal;
    uint32_t subscription = 0, request = 0;

    if (message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE)
        subscription = message->subscribe->subscription;
    if (message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_READ)
        request = message->read->request;
    if (message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY)
        request = message->query->request;
    if (message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT)
        request = message->document_put->request;
    if (message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET)
        request = message->document_get->request;
    refusal_set(&refusal, E_STATE, "");
    if (session == NULL)
        reply_refused_stranger(b, from, unit, &refusal, subscription, request);
    else
        reply_refused(b, &session->route, unit, &refusal, subscription, request);
}

/* Answers may be larger than questions: who does not read them is given no more of them. */
static bool
busy_refused(struct broker *b, const struct session *session, const Wici__V1__ClientMessage *message)
{
    bool read = message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    bool query = message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    bool get = message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET;
    struct refusal refusal;

    if ((!read && !query && !get) || !reply_is_full(b, session))
        return false;
    refusal_set(&refusal, E_BUSY, "");
    reply_refused(b, &session->route, session->unit, &refusal, 0,
                  read  ? message->read->request
                  : get ? message->document_get->request
                        : message->query->request);
    return true;
}

static int
message_take(struct broker *b, const struct front_message *from, uint32_t unit, struct session *session,
             const Wici__V1__ClientMessage *message)
{
    bool hello = message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;

    if ((session == NULL) != hello) {
        state_refused(b, from, unit, session, message);
        return 0;
    }
    if (session != NULL && busy_refused(b, session, message))
        return 0;
    switch ((unsigned)message->message_case) {
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO: return hello_take(b, from, unit, message->hello);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_PUBLISH: return publish_take(b, session, message->publish);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE: return subscribe_take(b, session, message->subscribe);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_ACK: return ack_take(b, session, message->ack);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE: return unsubscribe_take(b, session, message->unsubscribe);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_READ: return read_take(b, session, message->read);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY: return query_answer(b, session, message->query);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT: return document_put_take(b, session, message->document_put);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_GET: return document_get_take(b, session, message->document_get);
    case WICI__V1__CLIENT_MESSAGE__MESSAGE__NOT_SET:
    default: break;
    }
    state_refused(b, from, unit, session, message); /* the caller refuses what has no message in it */
    return 0;
}

int
talk_take(struct broker *b, const struct front_message *from)
{
    zmq_msg_t *payload = (zmq_msg_t *)(uintptr_t)&from->payload; /* zmq's accessors take no const */
    Wici__V1__ClientMessage *message = NULL;
    ProtobufCMessage *decoded;
    struct refusal refusal = {.code = E_NONE};
    struct session *session;
    uint32_t unit;
    int rc = 0;

    if (from->route.len == 0)
        return 0; /* no answer would reach it */
    session = sessions_find(b->sessions, &from->route, from->key);
    unit = from->key[0] == '\0' ? CORE_UNIT_NONE : core_unit_by_key(b->core, from->key, b->clock.now_ms);
    if (unit == CORE_UNIT_NONE || (session != NULL && session->unit != unit)) {
        refusal_set(&refusal, E_KEY, "");
        if (session != NULL) {
            reply_note(b, session->unit, E_KEY); /* its unit until now */
            rc = talk_end_session(b, session);
        }
        reply_refused(b, &from->route, CORE_UNIT_NONE, &refusal, 0, 0);
        return rc;
    }
    arena_reset(b->message_arena);
    if (!from->bad_frames && decode_message(&wici__v1__client_message__descriptor, zmq_msg_data(payload),
                                            zmq_msg_size(payload), true, b->message_arena, &decoded) == 0)
        message = (Wici__V1__ClientMessage *)decoded;
    if (message == NULL || message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE__NOT_SET) {
        refusal_set(&refusal, E_DECODE, "");
        if (session == NULL)
            reply_refused_stranger(b, from, unit, &refusal, 0, 0);
        else
            reply_refused(b, &from->route, unit, &refusal, 0, 0);
        return 0;
    }
    if (session != NULL)
        session->heard_ms = b->clock.mono_ms;
    return message_take(b, from, unit, session, message);
}
