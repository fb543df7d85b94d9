/*
 * talk_session - how sessions begin, and how they and what they read end; see talk.h
 */
#include "broker/talk.h"

#include "broker/access.h"
#include "broker/cursor.h"
#include "broker/log.h"
#include "broker/reply.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PROTOCOL_VERSION 1u
#define DIVERGED_TELL_MS 60000u

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

bool
session_name_is_valid(const char *name)
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
    welcome.origin = TEXT(store_identity(b->store)->origin);
    welcome.agency = TEXT(unit.agency);
    welcome.unit = TEXT(unit.id);
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

/* The operator is told once a minute of each unit: a peer cannot fill the log. */
static void
diverged_tell(const struct broker *b, const struct session *session, uint64_t seq)
{
    struct unit_readers *readers = sessions_unit_if(b->sessions, session->unit);
    struct core_unit u;

    if (readers->diverged_ms != 0 && b->clock.mono_ms - readers->diverged_ms < DIVERGED_TELL_MS)
        return;
    readers->diverged_ms = b->clock.mono_ms;
    core_unit(b->core, session->unit, &u);
    log_warn("session: %s/%s has seen a log that this is not (seq=%llu)", u.id, session->name, (unsigned long long)seq);
}

int
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
    else if (!session_name_is_valid(name))
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
        diverged_tell(b, session, hello->known->seq);
        refusal_set(&refusal, E_LOG_DIVERGED, "hello.known");
        reply_refused(b, &from->route, unit, &refusal, 0, 0);
    }
    session->safe_told = backups_safe_up_to(b->backups);
    return welcome_queue(b, session, hello->known);
}
