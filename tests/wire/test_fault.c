/* What the broker does when it can no longer write: a disk that refuses (a limit on the process), a log that is full.
 */
#include "tests/wire/kit.h"

#include <sys/resource.h>
#include <unistd.h>

static int
setup(void **state)
{
    return town_setup(state);
}

/* From now on every write of the broker to a file fails, as on a disk that is broken. */
static void
disk_break(const struct town *t)
{
    struct rlimit none = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(t->daemon.pid, RLIMIT_FSIZE, &none, NULL), 0);
}

static void
after_a_failed_commit_nobody_is_told_ok_and_the_broker_ends_with_an_error(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "fault");
    peer_hello(&sw2, &t->daemon, &t->sw2, "fault");
    (void)peer_subscribe(&sw2, 1, "", 0, 0);
    peer_uuid4(dossier);
    seq = peer_letter(&sw, dossier, "ops-sw2", "before");
    peer_free(peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH));
    disk_break(t);
    peer_letter_make(&sw, dossier, "ops-sw2", "after", &event);
    peer_publish_later(&sw, &event, 1);
    assert_int_equal(daemon_stop(&t->daemon, 0), 1); /* it ends by itself */
    assert_null(peer_receive(&sw, 300));
    while ((message = peer_receive(&sw2, 300)) != NULL) {
        assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
        peer_free(message);
    }
    peer_close(&sw);
    peer_close(&sw2);

    daemon_start(&t->daemon);
    peer_hello(&sw, &t->daemon, &t->sw, "fault");
    message = town_read(&sw, WICI__V1__EVENT_TYPE__INFO_PROVIDED, seq);
    assert_int_equal(message->read_result->n_deliveries, 1);
    peer_free(message);
    message = peer_publish(&sw, &event);
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    assert_false(message->answers->answers[0]->receipt->repeated);
    peer_free(message);
    peer_event_free(&event);
    peer_close(&sw);
}

static void
an_end_that_cannot_be_recorded_is_no_success(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "end");
    peer_hello(&sw2, &t->daemon, &t->sw2, "end");
    (void)peer_subscribe(&sw2, 1, "", 0, 0);
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "ops-sw2", "shown");
    peer_free(
        peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)); /* its window is open: that is to be recorded */
    disk_break(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 1);
    peer_close(&sw);
    peer_close(&sw2);
    daemon_start(&t->daemon);
}

/* The log is read through a map: what the disk does not give is no error but a signal. */
static void
a_page_that_cannot_be_read_ends_the_broker_with_a_word(void **state)
{
    struct town *t = *state;
    char path[160];
    struct peer sw;
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "page");
    peer_uuid4(dossier);
    for (unsigned i = 0; i < 20; i++)
        (void)peer_letter(&sw, dossier, "ops-sw2", "page");
    (void)snprintf(path, sizeof path, "%s/data/log/data.mdb", t->daemon.dir);
    assert_int_equal(truncate(path, 8192), 0);
    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    read.request = 1;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    peer_send(&sw, &message);
    assert_int_equal(daemon_stop(&t->daemon, 0), 1);
    assert_true(daemon_logged(&t->daemon, "a page of a file cannot be read"));
    assert_null(peer_receive(&sw, 300));
    peer_close(&sw);
}

/* ---- a full log */

static struct peer_event
large_letter(struct peer *p, const char *dossier)
{
    struct peer_event event;
    char *text = malloc(16001);

    assert_non_null(text);
    memset(text, 'x', 16000);
    text[16000] = '\0';
    peer_letter_make(p, dossier, "ops-sw2", text, &event);
    free(text);
    return event;
}

static int
small_setup(void **state)
{
    struct town *t = calloc(1, sizeof *t);

    assert_non_null(t);
    daemon_create(&t->daemon, "data.size_max = 16M\n");
    daemon_start(&t->daemon);
    town_fill(t);
    *state = t;
    return 0;
}

static void
a_full_log_refuses_publishes_and_goes_on_reading(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2, auditor;
    Wici__V1__BrokerMessage *message = NULL;
    uint64_t last = 0, number = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "full");
    peer_hello(&sw2, &t->daemon, &t->sw2, "full");
    (void)peer_subscribe(&sw2, 1, "full", 0, 0);
    peer_uuid4(dossier);
    for (unsigned i = 0;; i++) {
        struct peer_event event = large_letter(&sw, dossier);

        assert_true(i < 1000);
        number = sw.next_number;
        peer_publish_later(&sw, &event, 1);
        peer_event_free(&event);
        message = peer_receive(&sw, PEER_TIMEOUT_MS);
        assert_non_null(message);
        if (message->message_case != WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS)
            break;
        if (message->answers->answers[0]->outcome_case != WICI__V1__ANSWER__OUTCOME_RECEIPT)
            fail_msg("refused %s", message->answers->answers[0]->refusal->code);
        last = message->answers->answers[0]->receipt->seq;
        peer_free(message);
    }
    assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(message->refused->refusal->code, "E_FULL");
    assert_int_equal(message->refused->number, number);
    assert_int_equal(message->refused->next_number, number);
    assert_true(message->refused->retry_ms > 0);
    peer_free(message);

    /* Deliveries, bounded reads, cursors and the records of all that go on. */
    for (uint64_t seen = 0; seen < last;) {
        message = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
        seen = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;
        peer_free(message);
        peer_ack(&sw2, 1, seen);
    }
    message = town_read(&sw2, WICI__V1__EVENT_TYPE__INFO_PROVIDED, last);
    assert_int_equal(message->read_result->n_deliveries, 1);
    peer_free(message);
    peer_hello(&auditor, &t->daemon, &t->auditor, "full");
    message = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, last);
    assert_true(message->read_result->n_deliveries > 0);
    peer_free(message);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&auditor);
}

/* What is written about reads takes room too: nobody fills the rest of the log with it. */
static void
reading_a_full_log_again_and_again_does_not_stop_the_broker(void **state)
{
    struct town *t = *state;
    struct peer sw2;
    Wici__V1__BrokerMessage *message;
    Wici__V1__ClientMessage ask;
    Wici__V1__Read read;
    unsigned results = 0;

    peer_hello(&sw2, &t->daemon, &t->sw2, "again");
    wici__v1__client_message__init(&ask);
    wici__v1__read__init(&read);
    ask.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    ask.read = &read;
    read.type = WICI__V1__EVENT_TYPE__INFO_PROVIDED;
    read.max_events = 1;
    read.reason =
        (char *)(uintptr_t) "a reason that is as long as it may be, so that what is written about the read is "
                            "long as well; a reason that is as long as it may be, so that what is written";
    for (unsigned i = 0; i < 30000; i++) {
        read.request = i + 1;
        peer_send(&sw2, &ask);
        do
            message = peer_receive(&sw2, PEER_TIMEOUT_MS);
        while (message != NULL && message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
        assert_non_null(message);
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED) {
            assert_string_equal(message->refused->refusal->code, "E_FULL");
            peer_free(message);
            break;
        }
        results++;
        peer_free(message);
    }
    assert_true(results > 100);
    peer_close(&sw2);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
}

int
main(void)
{
    const struct CMUnitTest broken[] = {
        cmocka_unit_test(after_a_failed_commit_nobody_is_told_ok_and_the_broker_ends_with_an_error),
        cmocka_unit_test(an_end_that_cannot_be_recorded_is_no_success),
        cmocka_unit_test(a_page_that_cannot_be_read_ends_the_broker_with_a_word),
    };
    const struct CMUnitTest full[] = {
        cmocka_unit_test(a_full_log_refuses_publishes_and_goes_on_reading),
        cmocka_unit_test(reading_a_full_log_again_and_again_does_not_stop_the_broker),
    };

    return cmocka_run_group_tests_name("wire: a broken disk", broken, setup, town_teardown) +
           cmocka_run_group_tests_name("wire: a full log", full, small_setup, town_teardown);
}
