/* Who gets in, and what a stranger can say: docs/PROTOCOL.md sections 2, 3.1 and 6. */
#include "tests/wire/kit.h"

#include <zmq.h>

#define SILENCE_MS 1500 /* how long nothing has to come before we believe that nothing comes */

static void
hello_send(struct peer *p)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Hello hello;

    wici__v1__client_message__init(&message);
    wici__v1__hello__init(&hello);
    hello.protocol = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    peer_send(p, &message);
}

static void
an_enrolled_key_gets_in_and_is_told_who_it_is(void **state)
{
    struct town *t = *state;
    struct peer p;

    assert_int_equal(peer_knock(&t->daemon, &t->sw, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    peer_hello(&p, &t->daemon, &t->sw, "main");
    assert_string_equal(p.unit, "ops-sw");
    assert_string_equal(p.agency, "ops");
    assert_int_equal(p.role, WICI__V1__ROLE__SW);
    peer_close(&p);
}

static void
a_key_nobody_enrolled_does_not_get_in(void **state)
{
    struct town *t = *state;
    struct keyfile stranger;

    peer_key(&stranger);
    assert_int_equal(peer_knock(&t->daemon, &stranger, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
}

static void
a_connection_without_curve_does_not_get_in(void **state)
{
    struct town *t = *state;
    struct peer p;

    assert_int_not_equal(peer_knock(&t->daemon, NULL, NULL), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    peer_connect(&p, &t->daemon, NULL);
    hello_send(&p);
    assert_null(peer_receive(&p, SILENCE_MS));
    peer_close(&p);
}

static void
a_client_that_expects_another_broker_does_not_get_in(void **state)
{
    struct town *t = *state;
    struct keyfile other;

    peer_key(&other);
    assert_int_not_equal(peer_knock(&t->daemon, &t->sw, other.public_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

static void
before_hello_everything_is_refused(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event event;
    char dossier[37];

    peer_connect(&p, &t->daemon, &t->sw);
    (void)snprintf(p.agency, sizeof p.agency, "ops");
    (void)snprintf(p.unit, sizeof p.unit, "ops-sw");
    p.role = WICI__V1__ROLE__SW;
    p.next_number = 1;
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "x", &event);
    peer_publish_later(&p, &event, 1);
    peer_expect_refused(&p, "E_STATE");
    peer_ack(&p, 1, 1);
    peer_expect_refused(&p, "E_STATE");
    hello_send(&p);
    peer_free(peer_expect(&p, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    hello_send(&p);
    peer_expect_refused(&p, "E_STATE");
    peer_event_free(&event);
    peer_close(&p);
}

static void
a_message_is_one_frame_with_one_message_in_it(void **state)
{
    struct town *t = *state;
    struct peer p;
    Wici__V1__ClientMessage message;
    Wici__V1__Unsubscribe unsubscribe;
    size_t len;
    char packed[16] = "";
    const char *two[] = {"a", "b"}, *good[] = {packed, ""}, *bad[] = {"", packed},
               *many[] = {"", "", "", "", "", "", "", ""}, *garbage[] = {"\xff\xff\xff"}, *empty[] = {""};

    wici__v1__client_message__init(&message);
    wici__v1__unsubscribe__init(&unsubscribe);
    unsubscribe.subscription = 7;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &unsubscribe;
    assert_true(wici__v1__client_message__get_packed_size(&message) < sizeof packed);
    len = wici__v1__client_message__pack(&message, (uint8_t *)packed);
    assert_int_equal(len, strlen(packed)); /* it is sent as a text */

    peer_hello(&p, &t->daemon, &t->sw, "frames");
    peer_send_frames(&p, good, 1);
    peer_expect_refused(&p, "E_REQUEST"); /* it has no such subscription */
    peer_send_frames(&p, good, 2);
    peer_expect_refused(&p, "E_DECODE");
    peer_send_frames(&p, bad, 2);
    peer_expect_refused(&p, "E_DECODE");
    peer_send_frames(&p, two, 2);
    peer_expect_refused(&p, "E_DECODE");
    peer_send_frames(&p, many, 8);
    peer_expect_refused(&p, "E_DECODE");
    peer_send_frames(&p, garbage, 1);
    peer_expect_refused(&p, "E_DECODE");
    peer_send_frames(&p, empty, 1);
    peer_expect_refused(&p, "E_DECODE");
    peer_close(&p);
}

static void
what_is_too_large_is_never_taken_in(void **state)
{
    struct town *t = *state;
    struct peer p;
    size_t size = WIRE_MESSAGE_MAX + 1;
    char *large = malloc(size + 1);

    assert_non_null(large);
    memset(large, 'x', size);
    large[size] = '\0';
    peer_hello(&p, &t->daemon, &t->sw, "large");
    peer_send_frames(&p, (const char *const *)&large, 1);
    assert_null(peer_receive(&p, SILENCE_MS)); /* the connection ended */
    peer_close(&p);
    free(large);
    peer_hello(&p, &t->daemon, &t->sw, "large"); /* and the broker goes on */
    peer_close(&p);
}

static void
the_second_hello_of_a_name_takes_the_session_over(void **state)
{
    struct town *t = *state;
    struct peer old, fresh;

    peer_hello(&old, &t->daemon, &t->sw, "shared");
    peer_hello(&fresh, &t->daemon, &t->sw, "shared");
    peer_expect_refused(&old, "E_TAKEN_OVER");
    peer_ack(&old, 1, 1);
    peer_expect_refused(&old, "E_STATE");
    peer_close(&old);
    peer_close(&fresh);
}

static void
a_suspended_unit_is_told_once_and_gets_nothing_more(void **state)
{
    struct town *t = *state;
    struct peer admin, sw, sw2;
    char dossier[37];
    uint64_t seq;
    Wici__V1__BrokerMessage *message;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "suspending");
    peer_hello(&sw, &t->daemon, &t->sw, "suspending");
    peer_hello(&sw2, &t->daemon, &t->sw2, "suspending");
    (void)peer_subscribe(&sw2, 1, "", 0, 0);
    peer_uuid4(dossier);
    seq = peer_letter(&sw, dossier, "ops-sw2", "before");
    message = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
    assert_int_equal(message->batch->deliveries[0]->seq, seq);
    peer_free(message);

    peer_suspend(&admin, "ops-sw2");
    (void)peer_letter(&sw, dossier, "ops-sw2", "after");
    assert_null(peer_receive(&sw2, SILENCE_MS));
    peer_ack(&sw2, 1, seq);
    peer_expect_refused(&sw2, "E_KEY");
    assert_int_equal(peer_knock(&t->daemon, &t->sw2, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    peer_close(&admin);
    peer_close(&sw);
    peer_close(&sw2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_enrolled_key_gets_in_and_is_told_who_it_is),
        cmocka_unit_test(a_key_nobody_enrolled_does_not_get_in),
        cmocka_unit_test(a_connection_without_curve_does_not_get_in),
        cmocka_unit_test(a_client_that_expects_another_broker_does_not_get_in),
        cmocka_unit_test(before_hello_everything_is_refused),
        cmocka_unit_test(a_message_is_one_frame_with_one_message_in_it),
        cmocka_unit_test(what_is_too_large_is_never_taken_in),
        cmocka_unit_test(the_second_hello_of_a_name_takes_the_session_over),
        cmocka_unit_test(a_suspended_unit_is_told_once_and_gets_nothing_more),
    };

    return cmocka_run_group_tests_name("wire: the door", tests, town_setup, town_teardown);
}
