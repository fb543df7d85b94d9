/* Who was shown what, where two things meet in one tick: two questions, a question and an erasure. The rest is in
 * tests/interop. */
#include "tests/wire/erase_kit.h"
#include "tests/wire/inside.h"

#include <zmq.h>

#define REQUEST 19u
#define PAST    128u /* messages of 64 letters: to fold them takes many pieces of the work */

/* Asks and does not wait. */
static void
shown_ask(struct peer *p, const char *dossier)
{
    Wici__V1__ClientMessage message;
    Wici__V1__ShownQuery shown;
    Wici__V1__Query query;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__shown_query__init(&shown);
    shown.dossier = (char *)(uintptr_t)dossier; /* packing only reads it */
    query.request = REQUEST;
    query.what_case = WICI__V1__QUERY__WHAT_SHOWN;
    query.shown = &shown;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(p, &message);
}

/* How many reads with events the answer tells; fails on a refusal. */
static size_t
shown_answered(struct peer *p)
{
    Wici__V1__BrokerMessage *message = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    size_t told = 0;

    assert_int_equal(message->query_result->request, REQUEST);
    assert_int_equal(message->query_result->result_case, WICI__V1__QUERY_RESULT__RESULT_SHOWN);
    for (size_t i = 0; i < message->query_result->shown->n_reads; i++)
        told += message->query_result->shown->reads[i]->n_shown > 0;
    peer_free(message);
    return told;
}

static void
erase_answered(struct peer *admin)
{
    Wici__V1__BrokerMessage *message = peer_expect(admin, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);

    assert_true(message->query_result->erase->done);
    peer_free(message);
}

/* A dossier whose letter ops-sw2 has read. */
static void
dossier_read(struct town *t, char dossier[37])
{
    struct peer sw, sw2;
    uint64_t seq;

    peer_uuid4(dossier);
    peer_hello(&sw, &t->daemon, &t->sw, "writes");
    peer_hello(&sw2, &t->daemon, &t->sw2, "reads");
    seq = peer_letter(&sw, dossier, "ops-sw2", "x");
    peer_free(town_read(&sw2, WICI__V1__EVENT_TYPE__INFO_PROVIDED, seq));
    peer_close(&sw2);
    peer_close(&sw);
}

/* So many letters of another dossier that the answer to a question takes many ticks. */
static void
past_write(struct town *t)
{
    struct peer sw;
    char dossier[37];

    peer_uuid4(dossier);
    peer_hello(&sw, &t->daemon, &t->sw, "writes");
    sw.bare = true;
    for (unsigned i = 0; i < PAST; i++) {
        struct peer_event events[64];

        for (unsigned k = 0; k < 64; k++)
            peer_letter_make(&sw, dossier, "sp12-ped", "x", &events[k]);
        peer_publish_later(&sw, events, 64);
        for (unsigned k = 0; k < 64; k++)
            peer_event_free(&events[k]);
    }
    for (unsigned i = 0; i < PAST; i++)
        peer_free(peer_expect(&sw, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS));
    peer_close(&sw);
}

/* One thread receives for all connections: after this handshake what was sent before has long arrived. */
static void
go_when_arrived(struct town *t)
{
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_go();
}

static void
of_two_questions_at_once_one_is_answered_and_the_other_is_told_to_ask_again(void **state)
{
    struct town *t = inside_town(*state);
    struct peer asks[2];
    char dossier[37];
    unsigned busy = 0;

    dossier_read(t, dossier);
    for (unsigned i = 0; i < 2; i++)
        peer_hello(&asks[i], &t->daemon, &t->auditor, i == 0 ? "one" : "two");
    inside_hold();
    for (unsigned i = 0; i < 2; i++)
        shown_ask(&asks[i], dossier);
    go_when_arrived(t);
    for (unsigned i = 0; i < 2; i++) {
        Wici__V1__BrokerMessage *message = peer_receive(&asks[i], PEER_TIMEOUT_MS);

        assert_non_null(message);
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED) {
            assert_string_equal(message->refused->refusal->code, "E_BUSY");
            assert_string_equal(message->refused->refusal->path, "query.shown");
            assert_int_equal(message->refused->request, REQUEST);
            busy |= 1u << i;
        } else {
            assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
        }
        peer_free(message);
    }
    assert_true(busy == 1 || busy == 2);
    shown_ask(&asks[busy >> 1], dossier);
    assert_int_equal(shown_answered(&asks[busy >> 1]), 1);
    for (unsigned i = 0; i < 2; i++)
        peer_close(&asks[i]);
}

/* The question is worked on when the dossier's keys go; a question about another one is answered beside the erasure. */
static void
a_question_about_what_is_erased_meanwhile_has_no_answer_any_more(void **state)
{
    struct town *t = inside_town(*state);
    struct peer auditor, admin;
    char gone[37], other[37];

    past_write(t); /* all of which is folded up to what was read */
    dossier_read(t, gone);
    dossier_read(t, other);
    peer_hello(&auditor, &t->daemon, &t->auditor, "asks");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "erases");
    inside_hold();
    shown_ask(&auditor, gone);
    erase_send(&admin, REQUEST, gone, "COURT_ORDER");
    go_when_arrived(t);
    peer_expect_refused(&auditor, "E_UNKNOWN");
    erase_answered(&admin);
    shown_ask(&auditor, gone);
    peer_expect_refused(&auditor, "E_UNKNOWN");

    dossier_read(t, gone);
    inside_hold();
    shown_ask(&auditor, other);
    erase_send(&admin, REQUEST, gone, "COURT_ORDER");
    go_when_arrived(t);
    assert_int_equal(shown_answered(&auditor), 1);
    erase_answered(&admin);
    peer_close(&admin);
    peer_close(&auditor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_questions_at_once_one_is_answered_and_the_other_is_told_to_ask_again),
        cmocka_unit_test(a_question_about_what_is_erased_meanwhile_has_no_answer_any_more),
    };

    return cmocka_run_group_tests_name("wire: who was shown what", tests, inside_setup, inside_teardown);
}
