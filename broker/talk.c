/*
 * talk - one message of a peer, and what is said to it (docs/PROTOCOL.md)
 *
 * Who speaks is asked anew for every message, from the key that the message itself carries: a connection outlives its
 * key. Everything said here is queued, and leaves after the tick's commit.
 */
#include "broker/access.h"
#include "broker/broker.h"
#include "broker/cursor.h"
#include "broker/deliver.h"
#include "broker/erase.h"
#include "broker/log.h"
#include "broker/pack.h"
#include "broker/refusals.h"
#include "broker/sequence.h"
#include "proto/decode.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_VERSION 1u

/* The names clients choose: 1 to 64 of a-z A-Z 0-9 . _ - and no run of eleven digits, which could be a person's. */
static bool
name_is_valid(const char *name)
{
    size_t len = strlen(name), digits = 0;

    if (len == 0 || len > ID_LEN_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isascii((unsigned char)name[i]) || (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL))
            return false;
        digits = isdigit((unsigned char)name[i]) ? digits + 1 : 0;
        if (digits == 11)
            return false;
    }
    return true;
}

/* Refuses a message for the codes that are recorded. */
static int
refused_record(struct broker *b, uint32_t unit, enum error_code code)
{
    struct core_unit u;

    core_unit(b->core, unit, &u);
    return refusals_note(b->refusals, u.agency, code, b->clock.now_ms, b->clock.mono_ms);
}

/* ---- ending */

int
talk_end_reader(struct broker *b, struct reader *reader)
{
    int rc = 0;

    if (reader->kind == READER_STREAM) {
        access_close(b, reader);
        rc = cursor_write(b, reader);
    }
    reader_drop(b->sessions, reader);
    return rc;
}

int
talk_end_session(struct broker *b, struct session *session)
{
    int rc = 0;

    for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX && rc == 0; i++)
        if (session->streams[i] != NULL)
            rc = talk_end_reader(b, session->streams[i]);
    sessions_drop(b->sessions, session);
    return rc;
}

/*
 * Sends the head of the log, which every client may want to know. What it is for: libzmq tells that a peer is gone only
 * to who sends to it. Nobody is there: the session ends with the next sweep.
 */
static int
session_probe(struct broker *b, struct session *s)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Positions positions;
    zmq_msg_t packed;
    int rc;

    s->probed_ms = b->clock.mono_ms;
    arena_reset(b->reply_arena);
    wici__v1__broker_message__init(&message);
    wici__v1__positions__init(&positions);
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS;
    message.positions = &positions;
    positions.safe_up_to = backups_safe_up_to(b->backups);
    positions.head = reply_head(b, b->reply_arena);
    if (positions.head == NULL || zmq_msg_init_size(&packed, wici__v1__broker_message__get_packed_size(&message)) != 0)
        return -ENOMEM;
    (void)wici__v1__broker_message__pack(&message, zmq_msg_data(&packed));
    rc = front_send(b->front, &s->route, &packed);
    if (rc != 0 && rc != -EAGAIN)
        s->gone = b->gone = true;
    return 0;
}

static bool
probe_is_due(const struct broker *b, const struct session *s)
{
    return b->clock.mono_ms - s->heard_ms >= SESSION_PROBE_MS && b->clock.mono_ms - s->probed_ms >= SESSION_PROBE_MS;
}

struct sweep {
    struct broker *b;
    bool keys;
};

static int
session_sweep(void *arg, struct session *s)
{
    struct sweep *sweep = arg;
    struct broker *b = sweep->b;
    bool streams = false, ends = s->gone;
    int rc;

    if (!ends && sweep->keys && core_unit_by_key(b->core, s->key, b->clock.now_ms) != s->unit)
        ends = true;
    if (!ends && sweep->keys && probe_is_due(b, s)) {
        rc = session_probe(b, s);
        if (rc != 0)
            return rc;
        ends = s->gone;
    }
    if (!ends && b->clock.mono_ms - s->heard_ms > SESSION_SILENCE_MS_MAX) {
        for (size_t i = 0; i < SUBSCRIPTIONS_PER_SESSION_MAX; i++)
            streams = streams || s->streams[i] != NULL;
        ends = !streams;
    }
    return ends ? talk_end_session(b, s) : 0;
}

int
talk_sweep(struct broker *b, bool keys)
{
    b->gone = false;
    return sessions_each(b->sessions, session_sweep, &(struct sweep){.b = b, .keys = keys});
}

/* ---- hello */

/* Does the log hold what the client saw last? */
static int
position_is_held(struct broker *b, const Wici__V1__Position *known, bool *ret)
{
    struct store_slice *slice = NULL;
    uint8_t input[LEAF_INPUT_MAX], hash[LEAF_HASH_SIZE];
    struct leaf leaf;
    uint32_t entry;
    int rc;

    *ret = known == NULL || known->seq == 0;
    if (*ret || known->epoch > store_identity(b->store)->epoch || known->seq > store_head(b->store) ||
        known->seq > log_keys_same_up_to(&b->log_keys, known->epoch))
        return 0;
    rc = store_slice_begin(b->store, &slice);
    if (rc != 0)
        return rc;
    rc = store_read_leaf(slice, known->seq, &leaf, &entry);
    store_slice_end(&slice);
    if (rc != 0)
        return rc;
    leaf_hash(input, leaf_encode(&leaf, input), hash);
    *ret = known->leaf_hash.len == sizeof hash && memcmp(known->leaf_hash.data, hash, sizeof hash) == 0;
    return 0;
}

static int
welcome_queue(struct broker *b, const struct session *session, const Wici__V1__Position *known)
{
    uint64_t same_up_to = known == NULL ? UINT64_MAX : log_keys_same_up_to(&b->log_keys, known->epoch);
    Wici__V1__BrokerMessage message;
    Wici__V1__Welcome welcome;
    Wici__V1__Policy *policy = NULL;
    Wici__V1__Role roles[ROLE_COUNT];
    char time_text[TIME_TEXT_SIZE];
    struct core_unit unit;

    arena_reset(b->reply_arena);
    core_unit(b->core, session->unit, &unit);
    wici__v1__broker_message__init(&message);
    wici__v1__welcome__init(&welcome);
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME;
    message.welcome = &welcome;
    welcome.protocol = PROTOCOL_VERSION;
    welcome.origin = (char *)(uintptr_t)store_identity(b->store)->origin; /* packing only reads them */
    welcome.agency = (char *)(uintptr_t)unit.agency;
    welcome.unit = (char *)(uintptr_t)unit.id;
    for (unsigned r = 1; r < ROLE_COUNT; r++)
        if ((unit.roles >> r & 1u) != 0)
            roles[welcome.n_roles++] = (Wici__V1__Role)r;
    welcome.roles = roles;
    welcome.next_number = session->next_number;
    welcome.head = reply_head(b, b->reply_arena);
    if (same_up_to != UINT64_MAX)
        welcome.same_up_to = same_up_to;
    welcome.safe_up_to = backups_safe_up_to(b->backups);
    time_format(b->clock.now_ms, time_text);
    welcome.time = time_text;
    if (core_policy(b->core, b->reply_arena, &policy) == 0)
        welcome.policy_version = policy->version;
    welcome.message_size_max = WIRE_MESSAGE_MAX;
    welcome.window_bytes_max = WIRE_WINDOW_MAX;
    if (welcome.head == NULL)
        return -ENOMEM;
    reply_queue(b, &session->route, session->unit, &message);
    return 0;
}

/* The session is another connection's now. */
static int
session_take_over(struct broker *b, struct session *old)
{
    struct refusal refusal;

    refusal_set(&refusal, E_TAKEN_OVER, "");
    reply_refused(b, &old->route, old->unit, &refusal, 0, 0);
    return talk_end_session(b, old);
}

/* Makes room for one more session of this unit: the gone leave, else the one that was idle for longest. */
static int
room_make(struct broker *b, uint32_t unit)
{
    struct unit_readers *u = sessions_unit_if(b->sessions, unit);
    uint32_t count = u == NULL ? 0 : u->session_count;
    struct session *idlest;
    int rc = 0;

    for (struct session *s = u == NULL ? NULL : u->sessions; s != NULL && rc == 0; s = s->unit_next)
        if (!s->gone)
            rc = session_probe(b, s);
    if (rc == 0)
        rc = talk_sweep(b, false);
    if (rc != 0 || u == NULL || u->session_count < count)
        return rc;
    idlest = sessions_idlest(b->sessions, unit);
    return idlest == NULL ? 0 : talk_end_session(b, idlest);
}

static int
hello_take(struct broker *b, const struct front_message *from, uint32_t unit, const Wici__V1__Hello *hello)
{
    const char *name = hello->session[0] == '\0' ? "main" : hello->session;
    char software[64], shown[9];
    struct session *session, *old;
    struct core_unit u;
    struct refusal refusal = {.code = E_NONE};
    bool held;
    int rc;

    if (hello->protocol != PROTOCOL_VERSION)
        refusal_set(&refusal, E_PROTOCOL, "hello.protocol");
    else if (!name_is_valid(name))
        refusal_set(&refusal, E_REQUEST, "hello.session");
    if (refusal.code != E_NONE) {
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
        return 0;
    }
    /* Those that are gone end before one of the same name begins. */
    if ((rc = talk_sweep(b, false)) != 0)
        return rc;
    old = sessions_find_name(b->sessions, unit, name);
    if (old != NULL && (rc = session_take_over(b, old)) != 0)
        return rc;
    rc = sessions_add(b->sessions, &from->route, from->key, unit, name, &session);
    if (rc == -ENOBUFS) {
        rc = room_make(b, unit);
        if (rc == 0)
            rc = sessions_add(b->sessions, &from->route, from->key, unit, name, &session);
    }
    if (rc == -ENOBUFS) {
        refusal_set(&refusal, E_LIMIT, "hello.session");
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
        return 0;
    }
    if (rc != 0)
        return rc;
    session->heard_ms = session->probed_ms = b->clock.mono_ms;
    rc = position_is_held(b, hello->known, &held);
    if (rc != 0)
        return rc;
    core_unit(b->core, unit, &u);
    log_debug("session: %s/%s says hello (key=%s software=%s)", u.id, name, log_escape(from->key, shown, sizeof shown),
              log_escape(hello->software, software, sizeof software));
    if (!held) {
        log_warn("session: %s/%s has seen a log that this is not (seq=%llu)", u.id, name,
                 (unsigned long long)hello->known->seq);
        refusal_set(&refusal, E_LOG_DIVERGED, "hello.known");
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
    }
    session->safe_told = backups_safe_up_to(b->backups);
    return welcome_queue(b, session, hello->known);
}

/* ---- publish */

static void
publish_refused(struct broker *b, const struct session *session, const Wici__V1__Publish *publish, enum error_code code,
                const char *path, uint32_t retry_ms)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Refused refused;
    Wici__V1__Refusal why;
    struct refusal refusal;

    refusal_set(&refusal, code, path);
    wici__v1__broker_message__init(&message);
    wici__v1__refused__init(&refused);
    refusal_fill(&why, &refusal);
    refused.refusal = &why;
    refused.number = publish->number;
    refused.next_number = session->next_number;
    refused.retry_ms = retry_ms;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
    message.refused = &refused;
    reply_queue(b, &session->route, session->unit, &message);
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
    arena_reset(b->reply_arena);
    for (size_t i = 0; i < publish->n_events && rc == 0; i++)
        rc = sequence_take(b->sequence, session->unit, publish->events[i], b->clock.now_ms, publish->bare,
                           b->reply_arena, &answers[i]);
    /* Recorded behind the message's own events, which stay together. */
    for (size_t i = 0; i < publish->n_events && rc == 0; i++)
        if (answers[i].refusal.code != E_NONE && answers[i].refusal.code != E_FULL)
            rc = refused_record(b, session->unit, answers[i].refusal.code);
    return rc == 0 ? answers_queue(b, session, publish->number, answers, publish->n_events) : rc;
}

/* ---- subscriptions */

static int
subscribe_start(struct broker *b, const Wici__V1__Subscribe *subscribe, uint64_t *ret, struct refusal *refusal)
{
    struct store_slice *slice = NULL;
    uint64_t ms;
    int rc;

    switch ((unsigned)subscribe->start_case) { /* unsigned: protobuf-c adds a value that is none */
    case WICI__V1__SUBSCRIBE__START__NOT_SET: *ret = 1; return 0;
    case WICI__V1__SUBSCRIBE__START_LIVE: *ret = store_next(b->store); return 0;
    case WICI__V1__SUBSCRIBE__START_FROM_SEQ:
        *ret = subscribe->from_seq == 0 ? 1 : subscribe->from_seq;
        if (*ret > store_next(b->store)) {
            refusal_set(refusal, E_REQUEST, "subscribe.fromSeq");
            return -EINVAL;
        }
        return 0;
    case WICI__V1__SUBSCRIBE__START_FROM_TIME:
        if (time_parse(subscribe->from_time, &ms) != 0) {
            refusal_set(refusal, E_REQUEST, "subscribe.fromTime");
            return -EINVAL;
        }
        rc = store_slice_begin(b->store, &slice);
        if (rc == 0) {
            rc = store_find_time(slice, ms, ret);
            store_slice_end(&slice);
        }
        return rc == -EINVAL ? -EIO : rc;
    default: refusal_set(refusal, E_REQUEST, "subscribe"); return -EINVAL;
    }
}

static uint32_t
window_clamp(uint32_t bytes)
{
    if (bytes == 0 || bytes > WIRE_WINDOW_MAX)
        return WIRE_WINDOW_MAX;
    return bytes < WIRE_WINDOW_MIN ? WIRE_WINDOW_MIN : bytes;
}

/* Fills a new stream. -EINVAL: *refusal says why. */
static int
stream_fill(struct broker *b, struct reader *r, const Wici__V1__Subscribe *subscribe, struct refusal *refusal)
{
    struct reader *old;
    uint64_t start;
    int rc;

    erase_filter(b, subscribe->filter);
    if ((rc = filter_take(&r->feed.filter, subscribe->filter, "subscribe.filter", refusal)) != 0 ||
        (rc = subscribe_start(b, subscribe, &start, refusal)) != 0)
        return rc;
    r->window_bytes = window_clamp(subscribe->window_bytes);
    if (subscribe->filter != NULL) {
        r->filter_len = wici__v1__filter__get_packed_size(subscribe->filter);
        if (r->filter_len > STORE_VALUE_MAX) {
            refusal_set(refusal, E_LIMIT, "subscribe.filter");
            return -EINVAL;
        }
        r->filter_packed = malloc(r->filter_len + 1);
        if (r->filter_packed == NULL)
            return -ENOMEM;
        (void)wici__v1__filter__pack(subscribe->filter, r->filter_packed);
    }
    r->acked = start - 1;
    if (subscribe->cursor[0] == '\0')
        return 0;
    if (!name_is_valid(subscribe->cursor)) {
        refusal_set(refusal, E_REQUEST, "subscribe.cursor");
        return -EINVAL;
    }
    old = cursor_reader(b, r->feed.unit, subscribe->cursor);
    if (old != NULL && (rc = cursor_write(b, old)) != 0) /* what it acknowledged, the new one goes on from */
        return rc;
    rc = cursor_attach(b, r, subscribe->cursor, start);
    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(refusal, rc == -EEXIST ? E_CURSOR : E_LIMIT, "subscribe.cursor");
        return -EINVAL;
    }
    if (rc == 0 && old != NULL) {
        struct refusal taken;

        refusal_set(&taken, E_TAKEN_OVER, "");
        reply_refused(b, &old->session->route, old->session->unit, &taken, old->number, 0);
        rc = talk_end_reader(b, old);
    }
    return rc;
}

static int
subscribe_take(struct broker *b, struct session *session, const Wici__V1__Subscribe *subscribe)
{
    Wici__V1__BrokerMessage message;
    Wici__V1__Subscribed subscribed;
    struct refusal refusal = {.code = E_NONE};
    struct reader *r = NULL;
    int rc = subscribe->subscription == 0
                 ? -EEXIST
                 : reader_add(b->sessions, session, READER_STREAM, subscribe->subscription, &r);

    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(&refusal, rc == -EEXIST ? E_REQUEST : E_LIMIT, "subscribe.subscription");
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = stream_fill(b, r, subscribe, &refusal);
    if (rc == -EINVAL) {
        if (r != NULL) {
            r->cursor_dirty = false;
            reader_drop(b->sessions, r);
        }
        reply_refused(b, &session->route, session->unit, &refusal, subscribe->subscription, 0);
        return 0;
    }
    if (rc != 0)
        return rc;
    r->feed.pos = r->sent = r->announced = r->acked;
    reader_move(b->sessions, r, READER_BUSY);

    wici__v1__broker_message__init(&message);
    wici__v1__subscribed__init(&subscribed);
    subscribed.subscription = r->number;
    subscribed.from_seq = r->feed.pos + 1;
    subscribed.window_bytes = r->window_bytes;
    message.message_case = WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED;
    message.subscribed = &subscribed;
    reply_queue(b, &session->route, session->unit, &message);
    return 0;
}

static int
ack_take(struct broker *b, struct session *session, const Wici__V1__Ack *ack)
{
    struct reader *r = reader_find(session, ack->subscription);
    struct refusal refusal;

    if (r == NULL || ack->seq < r->acked || (ack->seq > r->sent && ack->seq > r->announced)) {
        refusal_set(&refusal, E_REQUEST, r == NULL ? "ack.subscription" : "ack.seq");
        reply_refused(b, &session->route, session->unit, &refusal, ack->subscription, 0);
        return 0;
    }
    if (ack->seq > r->acked) {
        r->acked = ack->seq;
        r->acked_ms = b->clock.now_ms;
        cursor_touch(b, r);
    }
    deliver_acked(b, r, ack->seq);
    return 0;
}

static int
unsubscribe_take(struct broker *b, struct session *session, const Wici__V1__Unsubscribe *unsubscribe)
{
    struct reader *r = reader_find(session, unsubscribe->subscription);
    struct refusal refusal;

    if (r != NULL)
        return talk_end_reader(b, r);
    refusal_set(&refusal, E_REQUEST, "unsubscribe.subscription");
    reply_refused(b, &session->route, session->unit, &refusal, unsubscribe->subscription, 0);
    return 0;
}

/* ---- bounded reads */

/* Time bounds become bounds of seq: time grows with it. */
static int
read_times(struct broker *b, struct reader *r, const Wici__V1__Read *read, uint64_t *from, struct refusal *refusal)
{
    uint64_t since_ms = 0, until_ms = 0, seq;
    struct store_slice *slice = NULL;
    int rc;

    if (read->since[0] != '\0' && time_parse(read->since, &since_ms) != 0) {
        refusal_set(refusal, E_REQUEST, "read.since");
        return -EINVAL;
    }
    if (read->until[0] != '\0' && time_parse(read->until, &until_ms) != 0) {
        refusal_set(refusal, E_REQUEST, "read.until");
        return -EINVAL;
    }
    if (since_ms == 0 && until_ms == 0)
        return 0;
    rc = store_slice_begin(b->store, &slice);
    if (rc == 0 && since_ms != 0) {
        rc = store_find_time(slice, since_ms, &seq);
        if (rc == 0 && seq > *from)
            *from = seq;
    }
    if (rc == 0 && until_ms != 0) {
        rc = store_find_time(slice, until_ms, &seq);
        if (rc == 0 && (r->to_seq == 0 || seq - 1 < r->to_seq))
            r->to_seq = seq - 1;
        if (rc == 0 && r->to_seq == 0)
            *from = UINT64_MAX; /* nothing is that old */
    }
    if (slice != NULL)
        store_slice_end(&slice);
    return rc;
}

static int
read_event(struct broker *b, struct reader *r, const char *text, uint64_t *from, struct refusal *refusal)
{
    uint8_t id[16];
    uint64_t seq;
    int rc;

    if (uuid_parse(text, id) != 0) {
        refusal_set(refusal, E_REQUEST, "read.eventId");
        return -EINVAL;
    }
    rc = store_id_find(b->store, id, &seq);
    if (rc != 0 && rc != -ENOENT)
        return rc;
    if (rc == -ENOENT || seq < *from || (r->to_seq != 0 && seq > r->to_seq)) {
        *from = UINT64_MAX; /* nothing: the same as not yours */
        return 0;
    }
    *from = r->to_seq = seq;
    return 0;
}

bool
reason_is_valid(const char *reason)
{
    bool blank = true;

    for (const char *at = reason; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ')
            return false;
        blank = blank && *at == ' ';
    }
    return !blank && strlen(reason) <= REASON_MAX;
}

static int
read_fill(struct broker *b, struct reader *r, const Wici__V1__Read *read, struct refusal *refusal)
{
    Wici__V1__Filter filter;
    char *dossier = read->dossier, *family = read->family;
    uint64_t from = read->from_seq == 0 ? 1 : read->from_seq;
    int rc;

    wici__v1__filter__init(&filter);
    filter.dossiers = &dossier;
    filter.n_dossiers = dossier[0] != '\0';
    filter.families = &family;
    filter.n_families = family[0] != '\0';
    rc = filter_take(&r->feed.filter, &filter, "read", refusal);
    if (rc == -EINVAL)
        refusal_set(refusal, E_REQUEST, strncmp(refusal->path, "read.d", 6) == 0 ? "read.dossier" : "read.family");
    if (rc != 0)
        return rc;
    r->type = (uint32_t)read->type;
    if (r->type != 0 && type_by_number(r->type) == NULL) {
        refusal_set(refusal, E_REQUEST, "read.type");
        return -EINVAL;
    }
    if (read->to_seq != 0 && read->to_seq < read->from_seq) {
        refusal_set(refusal, E_REQUEST, "read.toSeq");
        return -EINVAL;
    }
    r->to_seq = read->to_seq;
    r->max_events = read->max_events == 0 || read->max_events > WIRE_READ_MAX ? WIRE_READ_MAX : read->max_events;
    if (read->reason[0] != '\0') {
        if (!reason_is_valid(read->reason)) {
            refusal_set(refusal, E_REASON, "read.reason");
            return -EINVAL;
        }
        r->with_content = true;
        memcpy(r->why, read->reason, strlen(read->reason) + 1);
    }
    if ((rc = read_times(b, r, read, &from, refusal)) != 0)
        return rc;
    if (read->event_id[0] != '\0' && (rc = read_event(b, r, read->event_id, &from, refusal)) != 0)
        return rc;
    r->feed.pos = from - 1;
    return 0;
}

static int
read_take(struct broker *b, struct session *session, const Wici__V1__Read *read)
{
    struct refusal refusal = {.code = E_NONE};
    struct reader *r = NULL;
    int rc = reader_add(b->sessions, session, READER_READ, read->request, &r);

    if (rc == -EEXIST || rc == -ENOBUFS) {
        refusal_set(&refusal, rc == -EEXIST ? E_REQUEST : E_LIMIT, "read.request");
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = read_fill(b, r, read, &refusal);
    if (rc == -EINVAL) {
        if (r != NULL)
            reader_drop(b->sessions, r);
        reply_refused(b, &session->route, session->unit, &refusal, 0, read->request);
        return 0;
    }
    if (rc != 0)
        return rc;
    r->accounts = access_ask(b); /* who asks what was read is told all of it */
    reader_move(b->sessions, r, READER_BUSY);
    return 0;
}

/* ---- any message */

/* Before Hello everything is answered the same way. */
static void
state_refused(struct broker *b, const struct front_message *from, uint32_t unit, const Wici__V1__ClientMessage *message)
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
    reply_refused_stranger(b, from, unit, &refusal, subscription, request);
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
        state_refused(b, from, unit, message);
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
    state_refused(b, from, unit, message); /* the caller refuses what has no message in it */
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
            rc = refused_record(b, session->unit, E_KEY);
            if (rc == 0)
                rc = talk_end_session(b, session);
        }
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
        return rc;
    }
    arena_reset(b->message_arena);
    if (!from->bad_frames && decode_message(&wici__v1__client_message__descriptor, zmq_msg_data(payload),
                                            zmq_msg_size(payload), true, b->message_arena, &decoded) == 0)
        message = (Wici__V1__ClientMessage *)decoded;
    if (message == NULL || message->message_case == WICI__V1__CLIENT_MESSAGE__MESSAGE__NOT_SET) {
        refusal_set(&refusal, E_DECODE, "");
        if (session != NULL)
            rc = refused_record(b, unit, E_DECODE);
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
        return rc;
    }
    if (session != NULL)
        session->heard_ms = b->clock.mono_ms;
    return message_take(b, from, unit, session, message);
}
