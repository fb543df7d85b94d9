/*
 * Who does not belong here, and what he can do: docs/PROTOCOL.md 2, docs/LIMITS.md. While each of them tries, the
 * others go on: what a social worker publishes is answered and delivered.
 */
#include "tests/wire/kit.h"

#include "broker/front.h"
#include "broker/watch.h"
#include "tests/support/curve.h"
#include "tests/support/raw.h"

#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define CLOSES_MS    (FRONT_HANDSHAKE_MS + 20000) /* a handshake may last so long; and this machine may be busy */
#define SILENT_COUNT 1000u
#define FRAMES_COUNT 9000u
#define MIB          ((size_t)1 << 20)

/* Sanitizers keep freed memory, and some for themselves. */
#if defined(__SANITIZE_THREAD__)
#define MEMORY_FACTOR 6u
#elif defined(__SANITIZE_ADDRESS__)
#define MEMORY_FACTOR 2u
#else
#define MEMORY_FACTOR 1u
#endif

struct scene {
    struct town town;
    struct peer writer, reader;
    char dossier[37];
};

static int
setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct rlimit files;

    assert_non_null(s);
    /* As many descriptors as the system allows, here and in the daemon. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    assert_int_equal(setenv("ASAN_OPTIONS", "quarantine_size_mb=8", 1), 0); /* of the daemon: memory is measured */
    daemon_create(&s->town.daemon, NULL);
    daemon_start(&s->town.daemon);
    town_fill(&s->town);
    peer_hello(&s->writer, &s->town.daemon, &s->town.sw, "lives");
    peer_hello(&s->reader, &s->town.daemon, &s->town.sw2, "lives");
    (void)peer_subscribe(&s->reader, 1, "", 0, 0);
    peer_uuid4(s->dossier);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;

    peer_close(&s->writer);
    peer_close(&s->reader);
    assert_int_equal(daemon_stop(&s->town.daemon, SIGTERM), 0); /* it has to end cleanly */
    daemon_destroy(&s->town.daemon);
    free(s);
    return 0;
}

/* The others are served: a letter is answered, and delivered. */
static void
others_live(struct scene *s)
{
    uint64_t seq = peer_letter(&s->writer, s->dossier, "ops-sw2", "dla innych"), got = 0;

    while (got < seq) {
        Wici__V1__BrokerMessage *message = peer_expect(&s->reader, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);

        got = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;
        peer_free(message);
    }
    assert_int_equal(got, seq);
    peer_ack(&s->reader, 1, got);
}

/* The daemon's own memory has grown by no more than this since. */
static void
memory_within(const struct scene *s, size_t before, size_t bytes)
{
    size_t now = daemon_memory(&s->town.daemon);

    if (now > before + bytes * MEMORY_FACTOR)
        fail_msg("memory grew from %zu to %zu MiB, allowed are %zu more", before / MIB, now / MIB,
                 bytes * MEMORY_FACTOR / MIB);
}

/* The descriptors of the daemon come back to what they were. */
static void
descriptors_return(struct scene *s, size_t before)
{
    for (unsigned i = 0; daemon_descriptors(&s->town.daemon) > before; i++) {
        assert_true(i < 2000);
        others_live(s);
    }
}

/* ---- other protocols, other mechanisms */

struct bytes_of {
    const char *name, *data;
    size_t len;
};

#define BYTES(name, text)                                                                                              \
    {                                                                                                                  \
        name, text, sizeof(text) - 1                                                                                   \
    }

static const struct bytes_of greetings[] = {
    BYTES("ZMTP 1.0: an anonymous peer and a message", "\x01\x00\x06\x00hello"),
    BYTES("ZMTP 1.0: a peer with a name and a message", "\x05\x00main\x06\x00hello"),
    BYTES("ZMTP 1.0 in the long form", "\xff\0\0\0\0\0\0\0\1\0\x06\0hello\0\0\0\0\0\0\0\0\0\0"),
    BYTES("ZMTP 2.0, revision 0", "\xff\0\0\0\0\0\0\0\1\x7f\x00\x05\x00\x00\x00\x05hello"),
    BYTES("ZMTP 2.0: a DEALER and a message", "\xff\0\0\0\0\0\0\0\1\x7f\x01\x05\x00\x00\x00\x05hello"),
    BYTES("a browser", "GET / HTTP/1.1\r\nHost: wici\r\n\r\n"),
    BYTES("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    BYTES("a shell", "root\r\n"),
    BYTES("zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
};

static void
other_protocols_are_closed_without_a_word_of_ours_being_read(void **state)
{
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        int fd = raw_connect(&s->town.daemon);

        (void)raw_send(fd, greetings[i].data, greetings[i].len);
        if (!raw_closes(fd, CLOSES_MS))
            fail_msg("%s: not closed", greetings[i].name);
        (void)close(fd);
    }
    others_live(s);
}

static void
other_mechanisms_are_closed_at_once(void **state)
{
    static const char *const mechanisms[] = {"NULL", "PLAIN", "GSSAPI", "", "CURVE2", "CURV", "curve"};
    struct scene *s = *state;

    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        uint8_t greeting[RAW_GREETING];
        int fd = raw_connect(&s->town.daemon);

        raw_greeting(greeting, mechanisms[i]);
        assert_true(raw_send(fd, greeting, sizeof greeting));
        (void)raw_send(fd,
                       "\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06"
                       "DEALER\x08Identity\0\0\0\0",
                       43);
        if (!raw_closes(fd, FRONT_HANDSHAKE_MS)) /* before that ends by itself */
            fail_msg("mechanism '%s': not closed", mechanisms[i]);
        (void)close(fd);
    }
    others_live(s);
}

/* ---- half-open connections */

static void
who_stops_in_the_middle_of_a_handshake_is_closed(void **state)
{
    struct scene *s = *state;
    uint8_t greeting[RAW_GREETING], hello[202] = "\x04\xc8\x05HELLO\x01";
    int fds[5];

    raw_greeting(greeting, "CURVE");
    for (size_t i = 0; i < 5; i++)
        fds[i] = raw_connect(&s->town.daemon);
    assert_true(raw_send(fds[1], greeting, 1));
    assert_true(raw_send(fds[2], greeting, 20));
    assert_true(raw_send(fds[3], greeting, sizeof greeting));
    assert_true(raw_send(fds[4], greeting, sizeof greeting));
    assert_true(raw_send(fds[4], hello, 100)); /* half a HELLO of CURVE */
    others_live(s);
    for (size_t i = 0; i < 5; i++) {
        assert_true(raw_closes(fds[i], CLOSES_MS));
        (void)close(fds[i]);
    }
}

static void
a_thousand_silent_connections_cost_little_and_end(void **state)
{
    struct scene *s = *state;
    size_t memory, descriptors;
    static int fds[SILENT_COUNT];

    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    descriptors = daemon_descriptors(&s->town.daemon);
    for (size_t i = 0; i < SILENT_COUNT; i++) {
        fds[i] = raw_connect(&s->town.daemon);
        if (i % 100 == 0)
            others_live(s);
    }
    memory_within(s, memory, SILENT_COUNT * 16384);
    assert_true(daemon_descriptors(&s->town.daemon) <= descriptors + SILENT_COUNT);
    for (size_t i = 0; i < SILENT_COUNT; i++) {
        assert_true(raw_closes(fds[i], CLOSES_MS));
        (void)close(fds[i]);
    }
    descriptors_return(s, descriptors);
}

/* ---- what was said before, and what nobody ever said */

/* What a client says from the greeting on, its letter included. */
static void
conversation_record(struct scene *s, uint8_t **ret, size_t *ret_len)
{
    struct daemon through = s->town.daemon;
    struct raw_relay *relay = raw_relay_open(&s->town.daemon);
    struct peer sw;
    char dossier[37];

    (void)snprintf(through.endpoint, sizeof through.endpoint, "%s", raw_relay_endpoint(relay));
    peer_hello(&sw, &through, &s->town.sw, "overheard");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "ops-sw2", "podsłuchane");
    peer_close(&sw);
    raw_relay_close(&relay, ret, ret_len);
    assert_true(*ret_len > 500);
}

/* The log's head, which a letter of the test's own moves on by one. */
static uint64_t
head_now(struct scene *s)
{
    return peer_letter(&s->writer, s->dossier, "ops-sw2", "stan");
}

static void
captured_traffic_sent_again_is_taken_for_nothing(void **state)
{
    struct scene *s = *state;
    uint64_t before;
    uint8_t *said;
    size_t len;

    conversation_record(s, &said, &len);
    before = head_now(s);
    for (unsigned way = 0; way < 3; way++) {
        int fd = raw_connect(&s->town.daemon);

        if (way == 0) /* at once */
            (void)raw_send(fd, said, len);
        else if (way == 1) /* without the handshake */
            (void)raw_send(fd, said + RAW_GREETING + 202, len - RAW_GREETING - 202);
        else /* in step, as the broker would expect it */
            for (size_t at = 0; at < len; at += 64)
                (void)raw_send(fd, said + at, len - at < 64 ? len - at : 64);
        assert_true(raw_closes(fd, CLOSES_MS));
        (void)close(fd);
    }
    assert_int_equal(head_now(s), before + 1);
    free(said);
    others_live(s);
}

static void
captured_traffic_with_any_byte_changed_is_taken_for_nothing(void **state)
{
    struct scene *s = *state;
    uint64_t before;
    uint32_t random = 2463534242u;
    uint8_t *said;
    size_t len;

    conversation_record(s, &said, &len);
    before = head_now(s);
    for (unsigned i = 0; i < 300; i++) {
        int fd = raw_connect(&s->town.daemon);

        random = random * 1664525u + 1013904223u;
        said[(random >> 8) % len] ^= (uint8_t)(1u << (random >> 5) % 8);
        (void)raw_send(fd, said, len);
        (void)close(fd);
    }
    assert_int_equal(head_now(s), before + 1);
    free(said);
    others_live(s);
}

/* ---- names of connections */

/* A DEALER of this key that has chosen its routing id, as no client of ours does. */
static void
named_connect(struct peer *p, struct scene *s, const struct keyfile *key, const void *id, size_t len)
{
    memset(p, 0, sizeof *p);
    p->zmq = zmq_ctx_new();
    p->socket = zmq_socket(p->zmq, ZMQ_DEALER);
    assert_non_null(p->socket);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_LINGER, &(int){0}, sizeof(int)), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_ROUTING_ID, id, len), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, s->town.daemon.server_key, 40), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    assert_int_equal(zmq_connect(p->socket, s->town.daemon.endpoint), 0);
}

static void
hello_send(struct peer *p, const char *session)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = (char *)(uintptr_t)session;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(p, &message);
}

static void
a_routing_id_that_is_squatted_takes_nobodys_answers(void **state)
{
    struct scene *s = *state;
    struct peer owner, squatter;

    named_connect(&owner, s, &s->town.sw, "ops", 3);
    hello_send(&owner, "owner");
    peer_free(peer_expect(&owner, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    named_connect(&squatter, s, &s->town.school, "ops", 3);
    hello_send(&squatter, "squatter");
    peer_ack(&owner, 1, 1);
    peer_expect_refused(&owner, "E_REQUEST"); /* its own answer, and its session is still there */
    assert_null(peer_receive(&squatter, 300));
    peer_close(&owner);
    peer_close(&squatter);
    others_live(s);
}

/* Of two connections with one routing id the later is left outside by libzmq, whatever it says. */
static void
who_takes_a_name_that_is_taken_is_not_heard(void **state)
{
    static const size_t sizes[] = {1, 255, 256, WIRE_MESSAGE_MAX};
    struct scene *s = *state;
    struct peer owner, squatter;
    char *name = malloc(WIRE_MESSAGE_MAX);

    assert_non_null(name);
    named_connect(&owner, s, &s->town.sw, "szkola", 6);
    hello_send(&owner, "owner");
    peer_free(peer_expect(&owner, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(name, 'a' + (int)i, sizes[i]);
        named_connect(&squatter, s, &s->town.school, "szkola", 6);
        assert_int_equal(zmq_send(squatter.socket, name, sizes[i], 0), (int)sizes[i]);
        hello_send(&squatter, "squatter");
        assert_null(peer_receive(&squatter, 200));
        peer_close(&squatter);
        others_live(s);
    }
    peer_ack(&owner, 1, 1);
    peer_expect_refused(&owner, "E_REQUEST");
    peer_close(&owner);
    free(name);
}

/* ---- clients that no library of ZeroMQ would be */

/* The metadata of an honest DEALER; returns its length. */
static size_t
metadata_of_a_dealer(uint8_t *ret)
{
    return curve_property(ret, "Socket-Type", "DEALER", 6);
}

/* Says Hello as a message of one frame. */
static bool
curve_hello_as(struct curve *c, const char *session)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;
    uint8_t data[64];

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = (char *)(uintptr_t)session;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    assert_true(wici__v1__client_message__get_packed_size(&message) <= sizeof data);
    return curve_send(c, 0, data, wici__v1__client_message__pack(&message, data));
}

static bool
curve_hello(struct curve *c)
{
    return curve_hello_as(c, "handmade");
}

static void
a_client_by_hand_gets_in_with_its_key_and_not_without(void **state)
{
    struct scene *s = *state;
    struct curve c;
    struct keyfile stranger;
    uint8_t metadata[256];
    size_t len = metadata_of_a_dealer(metadata);

    peer_key(&stranger);
    assert_false(curve_open(&c, &s->town.daemon, &stranger, metadata, len));
    assert_true(curve_open(&c, &s->town.daemon, &s->town.school, metadata, len));
    assert_true(curve_hello(&c));
    curve_close(&c);
    others_live(s);
}

/* What the broker adds to a message about its sender, its sender cannot say. */
static void
who_claims_to_be_somebody_else_is_still_its_key(void **state)
{
    struct scene *s = *state;
    struct curve c;
    Wici__V1__BrokerMessage *welcome;
    uint8_t metadata[512], *data;
    size_t len = metadata_of_a_dealer(metadata);

    len += curve_property(metadata + len, "User-Id", s->town.daemon.admin.public_key, 40);
    len += curve_property(metadata + len, "Peer-Address", "10.0.0.1", 8);
    len += curve_property(metadata + len, "__fd", "0", 1);
    assert_true(curve_open(&c, &s->town.daemon, &s->town.school, metadata, len));
    assert_true(curve_hello(&c));
    assert_true(curve_receive(&c, &data, &len));
    welcome = wici__v1__broker_message__unpack(NULL, len, data);
    assert_non_null(welcome);
    assert_int_equal(welcome->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME);
    assert_string_equal(welcome->welcome->unit, "sp12-ped");
    peer_free(welcome);
    free(data);
    curve_close(&c);
    others_live(s);
}

/* A routing id longer than any that libzmq sets. */
static void
a_routing_id_beyond_its_bound_does_no_harm(void **state)
{
    static const size_t sizes[] = {255, 256, 300, 70000};
    struct scene *s = *state;
    uint8_t *metadata = malloc(80000), *name = malloc(80000);

    assert_non_null(metadata);
    assert_non_null(name);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct curve c;
        size_t len = metadata_of_a_dealer(metadata);

        memset(name, 'a' + (int)i, sizes[i]);
        len += curve_property(metadata + len, "Identity", name, sizes[i]);
        if (curve_open(&c, &s->town.daemon, &s->town.school, metadata, len)) {
            (void)curve_hello(&c);
            others_live(s); /* one thread receives for all: what it said has arrived */
        }
        others_live(s);
        curve_close(&c);
    }
    free(metadata);
    free(name);
}

/* ---- more than is taken */

#define FRAME_SIZE  60000u
#define LARGE_SIZE  (WIRE_MESSAGE_MAX - 64) /* with what CURVE adds it is within the bound */
#define LARGE_COUNT 300u

/* What may wait of one connection, and what arrives between two looks at it. */
#define WAITING_MAX ((size_t)WATCH_PEER_MAX + 96 * MIB)

static void
a_message_without_end_is_cut_off(void **state)
{
    struct scene *s = *state;
    uint8_t metadata[256], *frame = calloc(1, FRAME_SIZE);
    size_t len = metadata_of_a_dealer(metadata), memory;
    struct curve c;
    unsigned sent = 0;

    assert_non_null(frame);
    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    assert_true(curve_open(&c, &s->town.daemon, &s->town.school, metadata, len));
    for (; sent < FRAMES_COUNT && curve_send(&c, CURVE_MORE, frame, FRAME_SIZE); sent++)
        if (sent % 100 == 0) {
            memory_within(s, memory, WAITING_MAX);
            others_live(s);
        }
    assert_true(sent < FRAMES_COUNT);
    curve_close(&c);
    memory_within(s, memory, WAITING_MAX);
    others_live(s);
    free(frame);
}

#define MANY_PEERS 6u
#define MANY_EACH  ((size_t)25 * MIB) /* less than one may have waiting; of six it is more than all may have */

static void
of_many_messages_without_end_those_that_cost_most_are_cut_off(void **state)
{
    struct scene *s = *state;
    uint8_t metadata[256], *frame = calloc(1, FRAME_SIZE);
    size_t len = metadata_of_a_dealer(metadata), memory, closed = 0;
    struct curve peers[MANY_PEERS];

    assert_non_null(frame);
    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    for (size_t i = 0; i < MANY_PEERS; i++) {
        assert_true(curve_open(&peers[i], &s->town.daemon, &s->town.school, metadata, len));
        for (size_t sent = 0; sent < MANY_EACH && curve_send(&peers[i], CURVE_MORE, frame, FRAME_SIZE);)
            sent += FRAME_SIZE;
        memory_within(s, memory, (size_t)WATCH_ALL_MAX + 96 * MIB);
        others_live(s);
    }
    for (size_t i = 0; i < MANY_PEERS; i++)
        closed += raw_closes(peers[i].fd, 2000);
    assert_true(closed > 0 && closed < MANY_PEERS); /* until the others fit */
    memory_within(s, memory, (size_t)WATCH_ALL_MAX + 96 * MIB);
    for (size_t i = 0; i < MANY_PEERS; i++)
        curve_close(&peers[i]);
    others_live(s);
    free(frame);
}

static void
nine_thousand_frames_are_one_refused_message(void **state)
{
    struct scene *s = *state;
    const char **frames = calloc(FRAMES_COUNT, sizeof *frames);
    struct peer p;

    assert_non_null(frames);
    for (size_t i = 0; i < FRAMES_COUNT; i++)
        frames[i] = "0123456789";
    peer_hello(&p, &s->town.daemon, &s->town.school, "frames");
    peer_send_frames(&p, frames, FRAMES_COUNT);
    peer_expect_refused(&p, "E_DECODE");
    peer_ack(&p, 1, 1);
    peer_expect_refused(&p, "E_REQUEST"); /* it goes on */
    peer_close(&p);
    free(frames);
    others_live(s);
}

static void
what_is_sent_under_a_name_that_is_taken_does_not_pile_up(void **state)
{
    struct scene *s = *state;
    struct peer owner;
    struct curve squatter;
    uint8_t metadata[256], *large = calloc(1, LARGE_SIZE);
    size_t len = metadata_of_a_dealer(metadata), memory;
    unsigned sent = 0;

    assert_non_null(large);
    len += curve_property(metadata + len, "Identity", "gmina", 5);
    named_connect(&owner, s, &s->town.sw, "gmina", 5);
    hello_send(&owner, "owner");
    peer_free(peer_expect(&owner, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    assert_true(curve_open(&squatter, &s->town.daemon, &s->town.school, metadata, len));
    for (; sent < LARGE_COUNT && curve_send(&squatter, 0, large, LARGE_SIZE); sent++)
        if (sent % 10 == 0) {
            memory_within(s, memory, WAITING_MAX);
            others_live(s);
        }
    assert_true(sent < LARGE_COUNT); /* cut off */
    memory_within(s, memory, WAITING_MAX);
    peer_ack(&owner, 1, 1);
    peer_expect_refused(&owner, "E_REQUEST");
    peer_close(&owner);
    curve_close(&squatter);
    for (unsigned i = 0; !daemon_logged(&s->town.daemon, "were cut off"); i++) {
        assert_true(i < 2000);
        others_live(s);
    }
    free(large);
}

static void
messages_of_the_largest_size_without_a_pause_do_not_pile_up(void **state)
{
    struct scene *s = *state;
    uint8_t metadata[256], *garbage = malloc(LARGE_SIZE);
    size_t len = metadata_of_a_dealer(metadata), memory;
    struct curve c;

    assert_non_null(garbage);
    memset(garbage, 0xff, LARGE_SIZE);
    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    assert_true(curve_open(&c, &s->town.daemon, &s->town.school, metadata, len));
    for (unsigned i = 0; i < LARGE_COUNT && curve_send(&c, 0, garbage, LARGE_SIZE); i++)
        if (i % 10 == 0) {
            memory_within(s, memory, WAITING_MAX);
            others_live(s);
        }
    curve_close(&c);
    free(garbage);
    others_live(s);
}

#define UNREAD_PEERS 24u
#define UNREAD_EACH  18000u /* below what libzmq queues for one peer: that bound is not the one */
#define UNREAD_TURNS 1000u

/* A new connection of this key is told Welcome, if not the first then one of the next. */
static void
unit_is_answered(struct scene *s, const struct keyfile *key)
{
    bool welcome = false;

    for (unsigned i = 0; !welcome; i++) {
        Wici__V1__BrokerMessage *message;
        struct peer p;
        char name[16];

        assert_true(i < 60);
        (void)snprintf(name, sizeof name, "again-%u", i);
        named_connect(&p, s, key, name, strlen(name));
        hello_send(&p, name);
        message = peer_receive(&p, 1000);
        welcome = message != NULL && message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME;
        if (message != NULL)
            peer_free(message);
        peer_close(&p);
    }
}

/* Refusals are small, and any number of them can be asked for, before Hello too: they count as other answers do. */
static void
refusals_that_nobody_reads_are_bounded_for_a_unit(void **state)
{
    static const uint8_t ack[] = {0x22, 0x04, 0x08, 0x09, 0x10, 0x09}; /* of a subscription that there is not */
    struct scene *s = *state;
    uint8_t metadata[256];
    struct curve peers[UNREAD_PEERS];
    size_t len = metadata_of_a_dealer(metadata), memory;
    char name[16];

    others_live(s);
    memory = daemon_memory(&s->town.daemon);
    for (size_t i = 0; i < UNREAD_PEERS; i++) {
        assert_true(curve_open_narrow(&peers[i], &s->town.daemon, &s->town.school, metadata, len));
        (void)snprintf(name, sizeof name, "unread-%zu", i);
        if (i >= UNREAD_PEERS / 2) /* neither half reaches the bound alone */
            assert_true(curve_hello_as(&peers[i], name));
        for (unsigned k = 0; k < UNREAD_EACH; k++)
            assert_true(curve_send(&peers[i], 0, ack, sizeof ack));
        others_live(s);
    }
    for (unsigned i = 0; !daemon_logged(&s->town.daemon, "does not read its answers"); i++) {
        assert_true(i < UNREAD_TURNS);
        others_live(s);
    }
    memory_within(s, memory, 160 * MIB); /* 64 are counted; small things cost more than they hold */
    for (size_t i = 0; i < UNREAD_PEERS; i++)
        curve_close(&peers[i]);
    unit_is_answered(s, &s->town.school); /* what was on its way to them counts no more */
    others_live(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_protocols_are_closed_without_a_word_of_ours_being_read),
        cmocka_unit_test(other_mechanisms_are_closed_at_once),
        cmocka_unit_test(who_stops_in_the_middle_of_a_handshake_is_closed),
        cmocka_unit_test(a_thousand_silent_connections_cost_little_and_end),
        cmocka_unit_test(captured_traffic_sent_again_is_taken_for_nothing),
        cmocka_unit_test(captured_traffic_with_any_byte_changed_is_taken_for_nothing),
        cmocka_unit_test(a_routing_id_that_is_squatted_takes_nobodys_answers),
        cmocka_unit_test(who_takes_a_name_that_is_taken_is_not_heard),
        cmocka_unit_test(a_client_by_hand_gets_in_with_its_key_and_not_without),
        cmocka_unit_test(who_claims_to_be_somebody_else_is_still_its_key),
        cmocka_unit_test(a_routing_id_beyond_its_bound_does_no_harm),
        cmocka_unit_test(nine_thousand_frames_are_one_refused_message),
        cmocka_unit_test(a_message_without_end_is_cut_off),
        cmocka_unit_test(of_many_messages_without_end_those_that_cost_most_are_cut_off),
        cmocka_unit_test(what_is_sent_under_a_name_that_is_taken_does_not_pile_up),
        cmocka_unit_test(messages_of_the_largest_size_without_a_pause_do_not_pile_up),
        cmocka_unit_test(refusals_that_nobody_reads_are_bounded_for_a_unit),
    };

    return cmocka_run_group_tests_name("wire: strangers", tests, setup, teardown);
}
