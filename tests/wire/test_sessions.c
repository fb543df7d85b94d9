/* Sessions come and go: nobody is locked out by those that are gone, idle, or somebody else's. PROTOCOL.md 3.1 */
#include "tests/wire/inside.h"

#include "broker/front.h"
#include "proto/limits.h"
#include "tests/support/curve.h"

#include <zmq.h>

#define SILENCE_MS (15 * 60 * 1000)

static Wici__V1__BrokerMessage *
query(struct peer *p, Wici__V1__Query *query)
{
    Wici__V1__ClientMessage message;

    wici__v1__client_message__init(&message);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = query;
    peer_send(p, &message);
    return peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
}

static void
counts(struct peer *p, uint32_t *ret_sessions, uint32_t *ret_subscriptions)
{
    Wici__V1__Query what;
    Wici__V1__StatusQuery status;
    Wici__V1__BrokerMessage *answer;

    wici__v1__query__init(&what);
    wici__v1__status_query__init(&status);
    what.what_case = WICI__V1__QUERY__WHAT_STATUS;
    what.status = &status;
    answer = query(p, &what);
    *ret_sessions = answer->query_result->status->sessions;
    *ret_subscriptions = answer->query_result->status->subscriptions;
    peer_free(answer);
}

/* Says Hello; the message that answers it. */
static Wici__V1__BrokerMessage *
knock(struct peer *p, const struct daemon *d, const struct keyfile *key, const char *session)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;
    Wici__V1__BrokerMessage *answer;

    peer_connect(p, d, key);
    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = (char *)(uintptr_t)session;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(p, &message);
    answer = peer_receive(p, PEER_TIMEOUT_MS);
    assert_non_null(answer);
    return answer;
}

static void
a_unit_whose_places_are_all_idle_gets_in_and_the_longest_idle_leaves(void **state)
{
    struct town *t = inside_town(*state);
    static struct peer peers[SESSIONS_PER_UNIT_MAX];
    struct peer one_more;
    Wici__V1__BrokerMessage *answer;
    char name[32];

    for (unsigned i = 0; i < SESSIONS_PER_UNIT_MAX; i++) {
        (void)snprintf(name, sizeof name, "s%u", i);
        peer_hello(&peers[i], &t->daemon, &t->school, name);
        inside_pass(10);
    }
    peer_ack(&peers[0], 1, 1); /* the first of them is heard again: now the second is silent for longest */
    peer_expect_refused(&peers[0], "E_REQUEST");
    answer = knock(&one_more, &t->daemon, &t->school, "one-more");
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME);
    peer_free(answer);
    peer_ack(&peers[0], 1, 1);
    peer_expect_refused(&peers[0], "E_REQUEST");
    peer_ack(&peers[1], 1, 1);
    peer_expect_refused(&peers[1], "E_STATE");
    peer_ack(&peers[2], 1, 1);
    peer_expect_refused(&peers[2], "E_REQUEST");
    peer_close(&one_more);
    for (unsigned i = 0; i < SESSIONS_PER_UNIT_MAX; i++)
        peer_close(&peers[i]);
}

static void
places_that_all_read_are_kept_until_their_peers_are_gone(void **state)
{
    struct town *t = inside_town(*state);
    static struct peer peers[SESSIONS_PER_UNIT_MAX];
    struct peer one_more;
    Wici__V1__BrokerMessage *answer;
    char name[32];

    for (unsigned i = 0; i < SESSIONS_PER_UNIT_MAX; i++) {
        (void)snprintf(name, sizeof name, "r%u", i);
        peer_hello(&peers[i], &t->daemon, &t->sw2, name);
        (void)peer_subscribe(&peers[i], 1, "", 0, 0);
    }
    answer = knock(&one_more, &t->daemon, &t->sw2, "one-more");
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(answer->refused->refusal->code, "E_LIMIT");
    peer_free(answer);
    peer_close(&one_more);
    for (unsigned i = 0; i < SESSIONS_PER_UNIT_MAX; i++)
        peer_close(&peers[i]);
    for (unsigned attempt = 0;; attempt++) { /* the broker's socket hears of the ends in its own time */
        assert_true(attempt < 200);
        answer = knock(&one_more, &t->daemon, &t->sw2, "one-more");
        if (answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME)
            break;
        peer_free(answer);
        peer_close(&one_more);
    }
    peer_free(answer);
    peer_close(&one_more);
}

static void
sessions_and_subscriptions_of_peers_that_are_gone_end(void **state)
{
    struct town *t = inside_town(*state);
    struct peer watcher, reader, idle;
    uint32_t sessions, subscriptions, before, before_subscriptions;

    peer_hello(&watcher, &t->daemon, &t->daemon.admin, "watching");
    for (unsigned i = 0;; i++) { /* those of the tests before this one */
        assert_true(i < 1000);
        inside_pass(10000);
        counts(&watcher, &before, &before_subscriptions);
        if (before == 1 && before_subscriptions == 0)
            break;
    }
    peer_hello(&reader, &t->daemon, &t->sw2, "reading");
    (void)peer_subscribe(&reader, 1, "gone", 0, 0);
    peer_hello(&idle, &t->daemon, &t->sw2, "idle");
    counts(&watcher, &sessions, &subscriptions);
    assert_int_equal(sessions, 3);
    assert_int_equal(subscriptions, 1);
    peer_close(&reader);
    peer_close(&idle);
    for (unsigned i = 0; sessions > 1 || subscriptions > 0; i++) {
        assert_true(i < 1000);
        inside_pass(10000);
        counts(&watcher, &sessions, &subscriptions);
    }
    peer_close(&watcher);
}

static void
a_silent_session_without_subscriptions_is_dropped_and_one_that_reads_is_not(void **state)
{
    struct town *t = inside_town(*state);
    struct peer watcher, reader, idle;
    uint32_t sessions, subscriptions;

    peer_hello(&reader, &t->daemon, &t->school, "silent-reader"); /* another agency's: it is not told of refusals */
    (void)peer_subscribe(&reader, 1, "", 0, 0);
    peer_hello(&idle, &t->daemon, &t->sw2, "silent");
    peer_hello(&watcher, &t->daemon, &t->daemon.admin, "watching");
    inside_pass(SILENCE_MS - 60000); /* for this long it may be silent */
    counts(&watcher, &sessions, &subscriptions);
    peer_ack(&idle, 1, 1);
    peer_expect_refused(&idle, "E_REQUEST");
    inside_pass(SILENCE_MS + 1000);
    for (unsigned i = 0;; i++) {
        assert_true(i < 1000);
        counts(&watcher, &sessions, &subscriptions);
        if (sessions == 2 && subscriptions == 1)
            break;
        inside_pass(1000);
    }
    peer_ack(&idle, 1, 1);
    peer_expect_refused(&idle, "E_STATE");
    peer_ack(&reader, 2, 1);
    peer_expect_refused(&reader, "E_REQUEST");
    peer_close(&watcher);
    peer_close(&reader);
    peer_close(&idle);
}

static void
only_an_administrator_is_told_how_many_dossiers_and_sessions_there_are(void **state)
{
    struct town *t = inside_town(*state);
    uint32_t sessions, subscriptions;
    struct peer admin, school;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "status");
    peer_hello(&school, &t->daemon, &t->school, "status");
    (void)peer_subscribe(&school, 1, "", 0, 0);
    counts(&admin, &sessions, &subscriptions);
    assert_true(sessions >= 2);
    assert_true(subscriptions >= 1);
    peer_close(&admin);
    peer_close(&school);
    peer_hello(&school, &t->daemon, &t->school, "asks");
    counts(&school, &sessions, &subscriptions);
    assert_int_equal(sessions, 0);
    assert_int_equal(subscriptions, 0);
    peer_close(&school);
}

static void
what_was_asked_in_the_tick_of_a_suspension_is_not_told(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    Wici__V1__ClientMessage message;
    Wici__V1__Query what;
    Wici__V1__DirectoryQuery directory;
    Wici__V1__BrokerMessage *told;
    struct peer admin, late;
    struct keyfile key;

    peer_key(&key);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "late");
    peer_enrol_unit(&admin, "ops-late", "ops", WICI__V1__ROLE__SW, key.public_key);
    peer_hello(&late, &t->daemon, &key, "late");
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&what);
    wici__v1__directory_query__init(&directory);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &what;
    what.what_case = WICI__V1__QUERY__WHAT_DIRECTORY;
    what.directory = &directory;

    inside_hold();
    for (what.request = 1; what.request <= 8; what.request++)
        peer_send(&late, &message);
    peer_suspend_later(&admin, "ops-late");
    /* One thread receives for all connections: after this handshake both have long arrived. */
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_go();
    told = peer_expect(&admin, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    assert_int_equal(told->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    peer_free(told);
    while ((told = peer_receive(&late, 500)) != NULL) {
        assert_int_equal(told->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
        assert_string_equal(told->refused->refusal->code, "E_KEY");
        peer_free(told);
    }
    peer_close(&admin);
    peer_close(&late);
}

/* The same when the session was taken over in that tick: its questions are nobody's any more, its key still is not. */
static void
what_was_asked_in_the_tick_of_a_takeover_and_a_suspension_is_not_told(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    Wici__V1__ClientMessage ask, greet;
    Wici__V1__Query what;
    Wici__V1__DirectoryQuery directory;
    Wici__V1__Hello hello;
    Wici__V1__BrokerMessage *told;
    struct peer admin, first, second;
    struct keyfile key;
    char name[] = "twice";

    peer_key(&key);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "twice");
    peer_enrol_unit(&admin, "ops-twice", "ops", WICI__V1__ROLE__SW, key.public_key);
    peer_hello(&first, &t->daemon, &key, name);
    peer_connect(&second, &t->daemon, &key);
    wici__v1__client_message__init(&ask);
    wici__v1__query__init(&what);
    wici__v1__directory_query__init(&directory);
    ask.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    ask.query = &what;
    what.what_case = WICI__V1__QUERY__WHAT_DIRECTORY;
    what.directory = &directory;
    wici__v1__client_message__init(&greet);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    hello.session = name;
    greet.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    greet.hello = &hello;

    /* Connections are taken from in turn: questions, then the takeover, then the suspension. */
    inside_hold();
    for (what.request = 1; what.request <= 8; what.request++) {
        peer_send(&first, &ask);
        if (what.request <= 2)
            peer_send(&second, &ask);
        if (what.request <= 5)
            peer_send(&admin, &ask);
    }
    peer_send(&second, &greet);
    peer_suspend_later(&admin, "ops-twice");
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_go();
    while ((told = peer_receive(&first, 500)) != NULL) {
        assert_int_equal(told->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
        peer_free(told);
    }
    while ((told = peer_receive(&second, 0)) != NULL) {
        assert_int_equal(told->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
        peer_free(told);
    }
    peer_close(&admin);
    peer_close(&first);
    peer_close(&second);
}

/* More messages than one connection's queue takes, with heartbeats between them: a queue that is full must not upset
 * those. */
static void
a_full_queue_with_heartbeats_in_between_is_taken_to_its_end(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct curve c;
    Wici__V1__BrokerMessage *answer;
    uint8_t metadata[64], *data;
    size_t len = curve_property(metadata, "Socket-Type", "DEALER", 6);

    assert_true(curve_open(&c, &t->daemon, &t->school, metadata, len));
    inside_hold();
    for (unsigned i = 0; i < 2 * FRONT_RCVHWM; i++) {
        assert_true(curve_send(&c, 0, "\xff\xff", 2));
        if (i % 50 == 0)
            assert_true(curve_send(&c, CURVE_COMMAND, "\x04PING\0\0", 7));
    }
    assert_int_equal(peer_knock(&t->daemon, &t->sw, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_go();
    for (unsigned i = 0; i < 2 * FRONT_RCVHWM; i++) {
        assert_true(curve_receive(&c, &data, &len));
        answer = wici__v1__broker_message__unpack(NULL, len, data);
        assert_non_null(answer);
        assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
        assert_string_equal(answer->refused->refusal->code, "E_DECODE");
        peer_free(answer);
        free(data);
    }
    curve_close(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_administrator_is_told_how_many_dossiers_and_sessions_there_are),
        cmocka_unit_test(what_was_asked_in_the_tick_of_a_suspension_is_not_told),
        cmocka_unit_test(what_was_asked_in_the_tick_of_a_takeover_and_a_suspension_is_not_told),
        cmocka_unit_test(a_unit_whose_places_are_all_idle_gets_in_and_the_longest_idle_leaves),
        cmocka_unit_test(places_that_all_read_are_kept_until_their_peers_are_gone),
        cmocka_unit_test(sessions_and_subscriptions_of_peers_that_are_gone_end),
        cmocka_unit_test(a_silent_session_without_subscriptions_is_dropped_and_one_that_reads_is_not),
        cmocka_unit_test(a_full_queue_with_heartbeats_in_between_is_taken_to_its_end),
    };

    return cmocka_run_group_tests_name("wire: sessions", tests, inside_setup, inside_teardown);
}
