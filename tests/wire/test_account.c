/* What the broker writes down by itself: refusals (911) and reads (912), as an auditor finds them. */
#include "tests/wire/kit.h"

/* The newest record of this type after from_seq whose S0 passes; copies its Section. NULL: none. */
static Wici__V1__Section *
newest(struct peer *auditor, Wici__V1__EventType type, uint64_t from_seq, bool (*passes)(const Wici__V1__Section *s0))
{
    Wici__V1__BrokerMessage *message = town_read(auditor, type, from_seq);
    Wici__V1__Section *found = NULL;

    assert_false(message->read_result->more);
    for (size_t i = 0; i < message->read_result->n_deliveries; i++) {
        Wici__V1__Section *s0 = town_s0(message->read_result->deliveries[i]);

        assert_non_null(s0);
        if (passes(s0)) {
            if (found != NULL)
                wici__v1__section__free_unpacked(found, NULL);
            found = s0;
        } else {
            wici__v1__section__free_unpacked(s0, NULL);
        }
    }
    peer_free(message);
    return found;
}

static bool
is_role_of_school(const Wici__V1__Section *s0)
{
    return strcmp(s0->sys_event_rejected_s0->agency, "sp12") == 0 &&
           strcmp(s0->sys_event_rejected_s0->code, "E_ACTOR") == 0;
}

static void
a_refusal_is_recorded_at_once_without_its_content(void **state)
{
    struct town *t = *state;
    struct peer school, auditor;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    Wici__V1__Section *s0;
    char dossier[37];

    peer_hello(&school, &t->daemon, &t->school, "refused");
    peer_hello(&auditor, &t->daemon, &t->auditor, "refused");
    peer_uuid4(dossier);
    (void)snprintf(school.unit, sizeof school.unit, "ops-sw"); /* it says it is somebody else */
    for (unsigned i = 0; i < 3; i++) {
        peer_letter_make(&school, dossier, "ops-sw2", "x", &event);
        message = peer_publish(&school, &event);
        assert_string_equal(message->answers->answers[0]->refusal->code, "E_ACTOR");
        peer_free(message);
        peer_event_free(&event);
    }
    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED, 1, is_role_of_school);
    assert_non_null(s0);
    assert_int_equal(s0->sys_event_rejected_s0->count, 1); /* the others are counted, and written after a minute */
    wici__v1__section__free_unpacked(s0, NULL);
    peer_close(&school);
    peer_close(&auditor);
}

static bool
is_read_of_sw2(const Wici__V1__Section *s0)
{
    return strcmp(s0->sys_access_recorded_s0->unit, "ops-sw2") == 0;
}

static void
a_subscription_is_recorded_at_its_end(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2, auditor;
    Wici__V1__ClientMessage message;
    Wici__V1__Unsubscribe unsubscribe;
    Wici__V1__Section *s0;
    uint64_t first, last;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "end");
    peer_hello(&sw2, &t->daemon, &t->sw2, "end");
    peer_hello(&auditor, &t->daemon, &t->auditor, "end");
    (void)peer_subscribe(&sw2, 1, "inbox", 0, 0);
    peer_uuid4(dossier);
    first = peer_letter(&sw, dossier, "ops-sw2", "raz");
    peer_free(peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));
    last = peer_letter(&sw, dossier, "ops-sw2", "dwa");
    peer_free(peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));
    wici__v1__client_message__init(&message);
    wici__v1__unsubscribe__init(&unsubscribe);
    unsubscribe.subscription = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &unsubscribe;
    peer_send(&sw2, &message);
    peer_send(&sw2, &message);
    peer_expect_refused(&sw2, "E_REQUEST"); /* so the first has taken effect */

    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, 1, is_read_of_sw2);
    assert_non_null(s0);
    assert_string_equal(s0->sys_access_recorded_s0->cursor, "inbox");
    assert_int_equal(s0->sys_access_recorded_s0->from_seq, first);
    assert_int_equal(s0->sys_access_recorded_s0->to_seq, last);
    assert_int_equal(s0->sys_access_recorded_s0->events, 2);
    assert_true(s0->sys_access_recorded_s0->as_of_seq >= last);
    assert_false(s0->sys_access_recorded_s0->possibly);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&auditor);
}

#define LONG_EVENTS 1050u
#define LONG_BATCH  50u

static bool
is_read_of_long(const Wici__V1__Section *s0)
{
    return is_read_of_sw2(s0) && strcmp(s0->sys_access_recorded_s0->cursor, "long") == 0;
}

/* Publishes LONG_BATCH letters in one message; their seqs into ret. */
static void
letters_publish(struct peer *from, const char *dossier, uint64_t *ret)
{
    struct peer_event events[LONG_BATCH];
    Wici__V1__BrokerMessage *message;

    for (unsigned i = 0; i < LONG_BATCH; i++)
        peer_letter_make(from, dossier, "ops-sw2", "x", &events[i]);
    peer_publish_later(from, events, LONG_BATCH);
    message = peer_expect(from, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    for (unsigned i = 0; i < LONG_BATCH; i++) {
        assert_int_equal(message->answers->answers[i]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
        ret[i] = message->answers->answers[i]->receipt->seq;
        peer_event_free(&events[i]);
    }
    peer_free(message);
}

static void
a_window_that_is_full_is_recorded_and_the_next_begins_where_it_ended(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2, auditor;
    Wici__V1__Section *s0;
    uint64_t seqs[LONG_EVENTS];
    size_t given = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "long");
    peer_hello(&sw2, &t->daemon, &t->sw2, "long");
    (void)peer_subscribe(&sw2, 1, "long", 0, 0);
    peer_uuid4(dossier);
    for (size_t sent = 0; sent < LONG_EVENTS; sent += LONG_BATCH)
        letters_publish(&sw, dossier, seqs + sent);
    while (given < LONG_EVENTS) {
        Wici__V1__BrokerMessage *message = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);

        for (size_t i = 0; i < message->batch->n_deliveries; i++)
            if (given < LONG_EVENTS && message->batch->deliveries[i]->seq == seqs[given])
                given++;
        peer_ack(&sw2, 1, message->batch->deliveries[message->batch->n_deliveries - 1]->seq);
        peer_free(message);
    }
    seqs[0] = peer_letter(&sw, dossier, "ops-sw2", "last"); /* its commit holds the new mark too */
    peer_free(peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));

    peer_hello(&auditor, &t->daemon, &t->auditor, "long");
    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, 1, is_read_of_long);
    assert_non_null(s0);
    assert_false(s0->sys_access_recorded_s0->possibly);
    assert_int_equal(s0->sys_access_recorded_s0->events, 1000);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_close(&auditor);

    /* What came after the full window is covered by the next one's mark, when the broker dies. */
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    peer_close(&sw);
    peer_close(&sw2);
    daemon_start(&t->daemon);
    peer_hello(&auditor, &t->daemon, &t->auditor, "long");
    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, 1, is_read_of_long);
    assert_non_null(s0);
    assert_true(s0->sys_access_recorded_s0->possibly);
    assert_int_equal(s0->sys_access_recorded_s0->from_seq, seqs[1000]);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_close(&auditor);
}

static void
after_a_crash_the_open_window_is_recorded_as_possibly_shown(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2, auditor;
    Wici__V1__Section *s0;
    uint64_t seq;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "crash");
    peer_hello(&sw2, &t->daemon, &t->sw2, "crash");
    (void)peer_subscribe(&sw2, 1, "crashing", 0, 0);
    peer_uuid4(dossier);
    seq = peer_letter(&sw, dossier, "ops-sw2", "raz");
    peer_free(peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    peer_close(&sw);
    peer_close(&sw2);
    daemon_start(&t->daemon);
    peer_hello(&auditor, &t->daemon, &t->auditor, "crash");
    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, seq, is_read_of_sw2);
    assert_non_null(s0);
    assert_true(s0->sys_access_recorded_s0->possibly);
    assert_string_equal(s0->sys_access_recorded_s0->cursor, "crashing");
    assert_int_equal(s0->sys_access_recorded_s0->from_seq, seq);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_close(&auditor);

    /* Once: the mark is gone. */
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
    peer_hello(&auditor, &t->daemon, &t->auditor, "crash");
    {
        Wici__V1__BrokerMessage *message = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, seq);
        size_t possibly = 0;

        for (size_t i = 0; i < message->read_result->n_deliveries; i++) {
            s0 = town_s0(message->read_result->deliveries[i]);
            possibly += s0->sys_access_recorded_s0->possibly ? 1 : 0;
            wici__v1__section__free_unpacked(s0, NULL);
        }
        assert_int_equal(possibly, 1);
        peer_free(message);
    }
    peer_close(&auditor);
}

static bool
is_read_of_auditor(const Wici__V1__Section *s0)
{
    return strcmp(s0->sys_access_recorded_s0->unit, "audyt") == 0 &&
           strcmp(s0->sys_access_recorded_s0->why, "skarga 12/2026") == 0;
}

static void
an_auditor_sees_content_only_with_a_reason_and_it_is_written_down(void **state)
{
    struct town *t = *state;
    struct peer sw, auditor;
    struct peer_event event;
    Wici__V1__ClientMessage message;
    Wici__V1__BrokerMessage *answer;
    Wici__V1__Read read;
    Wici__V1__Section *s0;
    char dossier[37];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "audit");
    peer_hello(&auditor, &t->daemon, &t->auditor, "audit");
    peer_uuid4(dossier);
    peer_letter_make(&sw, dossier, "ops-sw2", "treść", &event);
    seq = peer_publish_taken(&sw, &event);
    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    read.event_id = event.id;

    peer_send(&auditor, &message);
    answer = peer_expect(&auditor, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT);
    assert_int_equal(answer->read_result->n_deliveries, 1);
    assert_int_equal(answer->read_result->deliveries[0]->seq, seq);
    assert_int_equal(answer->read_result->deliveries[0]->n_parts, 2); /* header and S0 */
    peer_free(answer);

    read.reason = (char *)(uintptr_t) "  ";
    peer_send(&auditor, &message);
    peer_expect_refused(&auditor, "E_REASON");

    read.reason = (char *)(uintptr_t) "skarga 12/2026";
    peer_send(&auditor, &message);
    answer = peer_expect(&auditor, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT);
    assert_int_equal(answer->read_result->n_deliveries, 1);
    assert_true(answer->read_result->deliveries[0]->n_parts > 2);
    peer_free(answer);

    s0 = newest(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, seq, is_read_of_auditor);
    assert_non_null(s0);
    assert_int_equal(s0->sys_access_recorded_s0->from_seq, seq);
    assert_int_equal(s0->sys_access_recorded_s0->events, 1);
    wici__v1__section__free_unpacked(s0, NULL);
    peer_event_free(&event);
    peer_close(&sw);
    peer_close(&auditor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_recorded_at_once_without_its_content),
        cmocka_unit_test(a_subscription_is_recorded_at_its_end),
        cmocka_unit_test(a_window_that_is_full_is_recorded_and_the_next_begins_where_it_ended),
        cmocka_unit_test(after_a_crash_the_open_window_is_recorded_as_possibly_shown),
        cmocka_unit_test(an_auditor_sees_content_only_with_a_reason_and_it_is_written_down),
    };

    return cmocka_run_group_tests_name("wire: accountability", tests, town_setup, town_teardown);
}
