/* Thousands of access windows that end at once: each is recorded, however little one commit can hold. */
#include "tests/wire/inside.h"

#include "broker/access.h"
#include "store/store.h"

#include <zmq.h>

#define UNITS    5u
#define SESSIONS (UNITS * SESSIONS_PER_UNIT_MAX)
#define WINDOWS  (SESSIONS * SUBSCRIPTIONS_PER_SESSION_MAX)

static_assert(WINDOWS > STORE_BATCH_MAX, "more than one commit holds");

struct crowd {
    struct inside *inside;
    void *zmq; /* one for all: each has threads of its own */
    struct keyfile keys[UNITS];
    struct peer peers[SESSIONS];
};

static void
unit_name(unsigned unit, char ret[16])
{
    (void)snprintf(ret, 16, "ops-many%u", unit);
}

static int
setup(void **state)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    struct town *t;
    struct peer admin;

    assert_non_null(crowd);
    inside_create(&crowd->inside, NULL);
    t = inside_town(crowd->inside);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "crowd");
    for (unsigned i = 0; i < UNITS; i++) {
        char name[16];

        unit_name(i, name);
        peer_key(&crowd->keys[i]);
        peer_enrol_unit(&admin, name, "ops", WICI__V1__ROLE__SW, crowd->keys[i].public_key);
    }
    peer_close(&admin);
    crowd->zmq = zmq_ctx_new();
    assert_non_null(crowd->zmq);
    *state = crowd;
    return 0;
}

static int
teardown(void **state)
{
    struct crowd *crowd = *state;

    for (unsigned i = 0; i < SESSIONS; i++)
        if (crowd->peers[i].socket != NULL)
            (void)zmq_close(crowd->peers[i].socket);
    (void)zmq_ctx_term(crowd->zmq);
    inside_destroy(&crowd->inside);
    free(crowd);
    return 0;
}

/* One session with all the subscriptions it may have. */
static void
session_open(struct crowd *crowd, unsigned i)
{
    const struct daemon *d = &inside_town(crowd->inside)->daemon;
    const struct keyfile *key = &crowd->keys[i / SESSIONS_PER_UNIT_MAX];
    struct peer *p = &crowd->peers[i];
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;
    char name[16];
    int linger = 0;

    p->socket = zmq_socket(crowd->zmq, ZMQ_DEALER);
    assert_non_null(p->socket);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, d->server_key, 40), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
    assert_int_equal(zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    assert_int_equal(zmq_connect(p->socket, d->endpoint), 0);
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    (void)snprintf(name, sizeof name, "s%u", i);
    hello.protocol = 1;
    hello.session = name;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(p, &message);
    peer_free(peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    for (uint32_t k = 1; k <= SUBSCRIPTIONS_PER_SESSION_MAX; k++)
        (void)peer_subscribe(p, k, "", 0, 0);
}

/* Each subscription is shown one letter, and so has one window open. */
static void
all_are_shown_a_letter(struct crowd *crowd)
{
    struct town *t = inside_town(crowd->inside);
    struct peer sw;

    peer_hello(&sw, &t->daemon, &t->sw, "writes");
    for (unsigned i = 0; i < UNITS; i++) {
        char dossier[37], to[16];

        unit_name(i, to);
        peer_uuid4(dossier);
        (void)peer_letter(&sw, dossier, to, "x");
    }
    peer_close(&sw);
    for (unsigned i = 0; i < SESSIONS; i++)
        for (unsigned k = 0; k < SUBSCRIPTIONS_PER_SESSION_MAX; k++)
            peer_free(peer_expect(&crowd->peers[i], WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));
}

/* How many windows of the crowd are recorded; each with its one event, and none as merely possible. */
static size_t
recorded(struct crowd *crowd)
{
    struct town *t = inside_town(crowd->inside);
    struct peer auditor;
    uint64_t from = 1;
    size_t count = 0;
    bool more = true;

    peer_hello(&auditor, &t->daemon, &t->auditor, "counts");
    while (more) {
        Wici__V1__BrokerMessage *message = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, from);
        const Wici__V1__ReadResult *result = message->read_result;

        for (size_t i = 0; i < result->n_deliveries; i++) {
            Wici__V1__Section *s0 = town_s0(result->deliveries[i]);
            const Wici__V1__SysAccessRecordedS0 *body = s0->sys_access_recorded_s0;

            if (strncmp(body->unit, "ops-many", 8) == 0) {
                assert_false(body->possibly);
                assert_int_equal(body->events, 1);
                assert_int_equal(body->from_seq, body->to_seq);
                count++;
            }
            wici__v1__section__free_unpacked(s0, NULL);
        }
        more = result->more;
        from = result->next_seq;
        peer_free(message);
    }
    peer_close(&auditor);
    return count;
}

static void
windows_that_end_at_once_are_all_recorded_while_it_runs_and_at_its_end(void **state)
{
    struct crowd *crowd = *state;
    size_t count = 0;

    for (unsigned i = 0; i < SESSIONS; i++)
        session_open(crowd, i);
    all_are_shown_a_letter(crowd);
    assert_int_equal(recorded(crowd), 0);
    inside_pass(ACCESS_WINDOW_MS_MAX); /* now all are due */
    for (unsigned i = 0; count < WINDOWS; i++) {
        assert_true(i < 1000);
        inside_pass(1000);
        count = recorded(crowd);
        assert_true(count == 0 || count == WINDOWS); /* who asks is told all of what is over */
    }
    all_are_shown_a_letter(crowd);
    assert_int_equal(inside_stop(crowd->inside), 0);
    assert_int_equal(inside_start(crowd->inside, false), 0);
    assert_int_equal(recorded(crowd), 2 * WINDOWS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_that_end_at_once_are_all_recorded_while_it_runs_and_at_its_end, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("wire: windows", tests, NULL, NULL);
}
