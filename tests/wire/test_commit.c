/* What is said waits for the commit, whoever asks: docs/PROTOCOL.md section 4. */
#include "tests/wire/inside.h"

#include "store/fault.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <zmq.h>

#define SILENCE_MS 300

static sem_t begun, go_on;

/* What the broker's thread meets at a commit; one that waits says that it has begun, and lasts as long as the test
 * wants. */
enum commit { COMMIT_WORKS, COMMIT_WAITS, COMMIT_FAILS };
static _Atomic enum commit commits;

static int
commit_meets(void)
{
    switch (atomic_load(&commits)) {
    case COMMIT_WORKS: break;
    case COMMIT_WAITS:
        (void)sem_post(&begun);
        while (sem_wait(&go_on) != 0) {
        }
        break;
    case COMMIT_FAILS: return -EIO;
    }
    return 0;
}

static int
setup(void **state)
{
    struct inside *inside;

    assert_int_equal(sem_init(&begun, 0, 0), 0);
    assert_int_equal(sem_init(&go_on, 0, 0), 0);
    atomic_store(&commits, COMMIT_WORKS);
    store_commit_fault = commit_meets; /* before the broker's thread begins */
    inside_create(&inside, NULL);
    *state = inside;
    return 0;
}

static int
teardown(void **state)
{
    struct inside *inside = *state;

    atomic_store(&commits, COMMIT_WORKS);
    (void)sem_post(&go_on); /* after a test that failed a commit may wait still */
    inside_destroy(&inside);
    store_commit_fault = NULL;
    return 0;
}

/* The same event over two connections, so that one tick takes both. */
static void
twice_in_one_tick(struct inside *inside, struct peer *first, struct peer *second, enum commit meets)
{
    struct town *t = inside_town(inside);
    struct peer_event event;
    char dossier[37];

    peer_hello(first, &t->daemon, &t->sw, "first");
    peer_hello(second, &t->daemon, &t->sw, "second");
    peer_uuid4(dossier);
    peer_letter_make(first, dossier, "ops-sw2", "once", &event);
    inside_hold();
    atomic_store(&commits, meets);
    peer_publish_later(first, &event, 1);
    peer_publish_later(second, &event, 1);
    /* One thread receives for all connections: after this handshake both have long arrived. */
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_go();
    peer_event_free(&event);
}

/* One thread sends for all connections: after this handshake what was handed to it before has long left. */
static void
all_has_left(const struct town *t)
{
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

/* Positions are no answer. */
static void
nothing_is_told(struct peer *p, const char *who)
{
    Wici__V1__BrokerMessage *message;

    while ((message = peer_receive(p, SILENCE_MS)) != NULL) {
        if (message->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS)
            fail_msg("%s was answered before the commit had ended", who);
        peer_free(message);
    }
}

static const Wici__V1__Receipt *
receipt(Wici__V1__BrokerMessage *message)
{
    assert_int_equal(message->answers->n_answers, 1);
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    return message->answers->answers[0]->receipt;
}

static void
an_event_and_its_repeat_wait_for_the_commit_that_holds_them(void **state)
{
    struct inside *inside = *state;
    Wici__V1__BrokerMessage *one, *other;
    struct peer first, second;

    twice_in_one_tick(inside, &first, &second, COMMIT_WAITS);
    while (sem_wait(&begun) != 0) {
    }
    all_has_left(inside_town(inside));
    nothing_is_told(&second, "the repeat");
    nothing_is_told(&first, "the event");
    atomic_store(&commits, COMMIT_WORKS);
    (void)sem_post(&go_on);
    one = peer_expect(&first, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    other = peer_expect(&second, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    assert_int_equal(receipt(one)->seq, receipt(other)->seq);
    assert_true(receipt(one)->repeated != receipt(other)->repeated);
    peer_free(one);
    peer_free(other);
    peer_close(&first);
    peer_close(&second);
}

static void
when_that_commit_fails_neither_is_ever_answered(void **state)
{
    struct inside *inside = *state;
    struct peer first, second;

    twice_in_one_tick(inside, &first, &second, COMMIT_FAILS);
    assert_int_equal(inside_wait(inside), -EIO);
    nothing_is_told(&first, "the event");
    nothing_is_told(&second, "the repeat");
    peer_close(&first);
    peer_close(&second);
}

/* A piece of a document: what is said to be there is on disk. */
static void
a_document_is_said_to_be_there_when_it_is(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    Wici__V1__BrokerMessage *answer;
    Wici__V1__ClientMessage message;
    Wici__V1__DocumentPut put;
    uint8_t digest[32] = {1}, bytes[DOCUMENT_CHUNK_SIZE] = {0};
    struct peer p;

    peer_hello(&p, &t->daemon, &t->sw, "document");
    wici__v1__client_message__init(&message);
    wici__v1__document_put__init(&put);
    put.request = 1;
    put.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    put.size = 2 * DOCUMENT_CHUNK_SIZE;
    put.data = (ProtobufCBinaryData){.len = sizeof bytes, .data = bytes};
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_DOCUMENT_PUT;
    message.document_put = &put;
    atomic_store(&commits, COMMIT_WAITS);
    peer_send(&p, &message);
    while (sem_wait(&begun) != 0) {
    }
    all_has_left(t);
    nothing_is_told(&p, "the document");
    atomic_store(&commits, COMMIT_WORKS);
    (void)sem_post(&go_on);
    answer = peer_expect(&p, WICI__V1__BROKER_MESSAGE__MESSAGE_DOCUMENT_STATE);
    assert_int_equal(answer->document_state->received, DOCUMENT_CHUNK_SIZE);
    peer_free(answer);

    atomic_store(&commits, COMMIT_FAILS);
    put.offset = DOCUMENT_CHUNK_SIZE;
    peer_send(&p, &message);
    assert_int_equal(inside_wait(inside), -EIO);
    nothing_is_told(&p, "the document");
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_and_its_repeat_wait_for_the_commit_that_holds_them, setup, teardown),
        cmocka_unit_test_setup_teardown(when_that_commit_fails_neither_is_ever_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_document_is_said_to_be_there_when_it_is, setup, teardown),
    };

    return cmocka_run_group_tests_name("wire: commits", tests, NULL, NULL);
}
