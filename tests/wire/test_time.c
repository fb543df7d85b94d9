/* What time does: the guard of the clock, the minute of access records and of counted refusals. The test holds the
 * clocks. */
#include "tests/wire/inside.h"

#include "broker/access.h"
#include "broker/clock.h"
#include "broker/refusals.h"

#include <errno.h>
#include <zmq.h>

#define HOUR_MS (3600ll * 1000)
#define DAY_MS  (24 * HOUR_MS)

/* ---- the guard */

static void
the_clock_is_followed_while_it_is_corrected_slowly(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct peer p;
    uint64_t last = 0;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "slow");
    peer_uuid4(dossier);
    for (unsigned i = 0; i < 6; i++) {
        struct peer_event event;
        Wici__V1__BrokerMessage *message;

        inside_wall(i < 3 ? -50000 : 50000); /* two and a half minutes there and back again, step by step */
        peer_letter_make(&p, dossier, "ops-sw2", "x", &event);
        message = peer_publish(&p, &event);
        assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
        assert_true(message->answers->answers[0]->receipt->ts_ms >= last); /* the log's time never goes back */
        last = message->answers->answers[0]->receipt->ts_ms;
        peer_free(message);
        peer_event_free(&event);
    }
    peer_close(&p);
}

/* A jump stops the broker; whoever starts it then has looked at the clock. */
static void
jumps(struct inside *inside, int64_t ms)
{
    struct town *t = inside_town(inside);
    struct peer p;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "jump");
    peer_uuid4(dossier);
    (void)peer_letter(&p, dossier, "ops-sw2", "before");
    inside_wall(ms);
    peer_letter_make(&p, dossier, "ops-sw2", "after", &event);
    peer_publish_later(&p, &event, 1);
    assert_int_equal(inside_wait(inside), -ETIME);
    message = peer_receive(&p, 300);
    assert_null(message); /* nobody was told OK */
    inside_wall(-ms);
    assert_int_equal(inside_start(inside, false), 0);
    peer_close(&p);
    peer_hello(&p, &t->daemon, &t->sw, "jump");
    message = peer_publish(&p, &event); /* the sender still has it, and it was not in the log */
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    assert_false(message->answers->answers[0]->receipt->repeated);
    peer_free(message);
    peer_event_free(&event);
    peer_close(&p);
}

static void
a_clock_that_jumps_ahead_stops_the_broker(void **state)
{
    jumps(*state, CLOCK_JUMP_MAX_MS + 1000);
}

static void
a_clock_that_jumps_back_stops_the_broker(void **state)
{
    jumps(*state, -(int64_t)CLOCK_JUMP_MAX_MS - 1000);
}

static void
a_log_that_is_ahead_of_the_clock_is_not_continued_without_the_operators_word(void **state)
{
    struct inside *inside = *state;

    assert_int_equal(inside_stop(inside), 0);
    inside_wall(-3600 * 1000);
    assert_int_equal(inside_start(inside, false), -ETIME);
    assert_int_equal(inside_start(inside, true), 0);
    assert_int_equal(inside_stop(inside), 0);
    inside_wall(3600 * 1000);
    assert_int_equal(inside_start(inside, false), 0);
}

static void
a_log_that_was_at_rest_for_a_month_is_not_continued_without_the_operators_word(void **state)
{
    struct inside *inside = *state;
    struct peer p;

    assert_int_equal(inside_stop(inside), 0);
    inside_wall(29 * DAY_MS);
    assert_int_equal(inside_start(inside, false), 0);
    assert_int_equal(inside_stop(inside), 0);
    inside_wall(31 * DAY_MS); /* nothing was written in between */
    assert_int_equal(inside_start(inside, false), -ETIME);
    assert_int_equal(inside_start(inside, true), 0);
    peer_hello(&p, &inside_town(inside)->daemon, &inside_town(inside)->sw, "month");
    peer_close(&p);
    assert_int_equal(inside_stop(inside), 0);
    inside_wall(-60 * DAY_MS);
    assert_int_equal(inside_start(inside, false), 0);
}

/* ---- the minute */

struct reads {
    size_t count;
    uint64_t events, from_seq, to_seq; /* of the newest */
};

/* The access records of this cursor. */
static void
reads_of(struct peer *auditor, const char *cursor, struct reads *ret)
{
    uint64_t from = 1;
    bool more = true;

    *ret = (struct reads){0};
    while (more) {
        Wici__V1__BrokerMessage *message = town_read(auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, from);
        const Wici__V1__ReadResult *result = message->read_result;

        for (size_t i = 0; i < result->n_deliveries; i++) {
            Wici__V1__Section *s0 = town_s0(result->deliveries[i]);
            const Wici__V1__SysAccessRecordedS0 *body = s0->sys_access_recorded_s0;

            if (strcmp(body->cursor, cursor) == 0) {
                assert_true(body->from_seq > ret->to_seq); /* each event in one record */
                ret->count++;
                ret->events = body->events;
                ret->from_seq = body->from_seq;
                ret->to_seq = body->to_seq;
            }
            wici__v1__section__free_unpacked(s0, NULL);
        }
        more = result->more;
        from = result->next_seq;
        peer_free(message);
    }
}

static void
batch_with(struct peer *p, uint64_t seq)
{
    Wici__V1__BrokerMessage *message = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);

    assert_int_equal(message->batch->n_deliveries, 1);
    assert_int_equal(message->batch->deliveries[0]->seq, seq);
    peer_free(message);
}

static void
an_access_record_covers_no_more_than_a_minute(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, sw2, auditor;
    struct reads reads;
    uint64_t first, last;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "minute");
    peer_hello(&sw2, &t->daemon, &t->sw2, "minute");
    peer_hello(&auditor, &t->daemon, &t->auditor, "minute");
    (void)peer_subscribe(&sw2, 1, "minute", 0, 0);
    peer_uuid4(dossier);
    first = peer_letter(&sw, dossier, "ops-sw2", "raz");
    batch_with(&sw2, first);
    last = peer_letter(&sw, dossier, "ops-sw2", "dwa");
    batch_with(&sw2, last);
    inside_pass(ACCESS_WINDOW_MS_MAX / 2);
    reads_of(&auditor, "minute", &reads);
    assert_int_equal(reads.count, 0);
    inside_pass(ACCESS_WINDOW_MS_MAX / 2);
    for (unsigned i = 0; reads.count == 0; i++) { /* written without anything new being delivered */
        assert_true(i < 1000);
        inside_pass(1000);
        reads_of(&auditor, "minute", &reads);
    }
    assert_int_equal(reads.events, 2);
    assert_int_equal(reads.from_seq, first);
    assert_int_equal(reads.to_seq, last);
    first = peer_letter(&sw, dossier, "ops-sw2", "trzy");
    batch_with(&sw2, first);
    inside_pass(ACCESS_WINDOW_MS_MAX);
    for (unsigned i = 0; reads.count == 1; i++) {
        assert_true(i < 1000);
        inside_pass(1000);
        reads_of(&auditor, "minute", &reads);
    }
    assert_int_equal(reads.events, 1);
    assert_int_equal(reads.from_seq, first);
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&auditor);
}

static void
an_access_record_covers_no_more_than_a_thousand_events(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, sw2, auditor;
    struct peer_event events[50];
    struct reads reads;
    uint64_t seen = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "thousand");
    peer_hello(&sw2, &t->daemon, &t->sw2, "thousand");
    peer_hello(&auditor, &t->daemon, &t->auditor, "thousand");
    (void)peer_subscribe(&sw2, 1, "thousand", 0, 0);
    peer_uuid4(dossier);
    for (unsigned round = 0; round < 2 * ACCESS_WINDOW_EVENTS_MAX / 50 + 1; round++) {
        for (unsigned i = 0; i < 50; i++)
            peer_letter_make(&sw, dossier, "ops-sw2", "x", &events[i]);
        peer_publish_later(&sw, events, 50);
        for (unsigned i = 0; i < 50; i++)
            peer_event_free(&events[i]);
        peer_free(peer_expect(&sw, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS));
    }
    while (seen < 2 * ACCESS_WINDOW_EVENTS_MAX + 50) {
        Wici__V1__BrokerMessage *message = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
        uint64_t last = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;

        seen += message->batch->n_deliveries;
        peer_free(message);
        peer_ack(&sw2, 1, last);
    }
    reads_of(&auditor, "thousand", &reads);
    assert_int_equal(reads.count, 2);
    assert_int_equal(reads.events, ACCESS_WINDOW_EVENTS_MAX);
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&auditor);
}

/* ---- refusals */

/* How many records there are of the school's refusals with this code, and their counts in all. */
static void
refusals_of(struct peer *auditor, const char *code, size_t *ret_records, uint64_t *ret_count)
{
    Wici__V1__BrokerMessage *message = town_read(auditor, WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED, 1);

    *ret_records = 0;
    *ret_count = 0;
    assert_false(message->read_result->more);
    for (size_t i = 0; i < message->read_result->n_deliveries; i++) {
        Wici__V1__Section *s0 = town_s0(message->read_result->deliveries[i]);
        const Wici__V1__SysEventRejectedS0 *body = s0->sys_event_rejected_s0;

        if (strcmp(body->agency, "sp12") == 0 && strcmp(body->code, code) == 0) {
            (*ret_records)++;
            *ret_count += body->count;
        }
        wici__v1__section__free_unpacked(s0, NULL);
    }
    peer_free(message);
}

static void
refused_once(struct peer *school)
{
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_uuid4(dossier);
    peer_letter_make(school, dossier, "nobody-knows-it", "x", &event);
    message = peer_publish(school, &event);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_ADDRESS");
    peer_free(message);
    peer_event_free(&event);
}

static void
refusals_are_recorded_at_once_and_then_counted_for_a_minute(void **state)
{
    struct town *t = inside_town(*state);
    struct peer school, auditor;
    size_t records;
    uint64_t count;

    peer_hello(&school, &t->daemon, &t->school, "count");
    peer_hello(&auditor, &t->daemon, &t->auditor, "count");
    for (unsigned i = 0; i < 5; i++)
        refused_once(&school);
    refusals_of(&auditor, "E_ADDRESS", &records, &count);
    assert_int_equal(records, 1);
    assert_int_equal(count, 1);
    inside_pass(REFUSALS_PERIOD_MS);
    for (unsigned i = 0; records == 1; i++) {
        assert_true(i < 1000);
        inside_pass(1000);
        refusals_of(&auditor, "E_ADDRESS", &records, &count);
    }
    assert_int_equal(records, 2);
    assert_int_equal(count, 5);
    inside_pass(2 * REFUSALS_PERIOD_MS); /* a quiet minute ends the counting */
    for (unsigned i = 0; records == 2; i++) {
        assert_true(i < 1000);
        inside_pass(REFUSALS_PERIOD_MS);
        refused_once(&school);
        refusals_of(&auditor, "E_ADDRESS", &records, &count);
    }
    peer_close(&school);
    peer_close(&auditor);
}

static void
counts_under_way_are_written_at_the_end(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct peer school, auditor;
    size_t records, before_records;
    uint64_t count, before;

    peer_hello(&auditor, &t->daemon, &t->auditor, "end");
    peer_hello(&school, &t->daemon, &t->school, "end");
    refused_once(&school);
    refusals_of(&auditor, "E_ADDRESS", &before_records, &before);
    for (unsigned i = 0; i < 3; i++)
        refused_once(&school);
    peer_close(&school);
    peer_close(&auditor);
    assert_int_equal(inside_stop(inside), 0);
    assert_int_equal(inside_start(inside, false), 0);
    peer_hello(&auditor, &t->daemon, &t->auditor, "end");
    refusals_of(&auditor, "E_ADDRESS", &records, &count);
    assert_true(count >= before + 3);
    peer_close(&auditor);
}

/* ---- keys */

/* Enrols a unit whose key is rotated at once; the old one is good for an hour more. */
static void
unit_rotate(struct inside *inside, const char *unit, struct keyfile *ret_old, struct keyfile *ret_new)
{
    struct town *t = inside_town(inside);
    Wici__V1__SysUnitKeyRotatedS0 body;
    Wici__V1__Section section;
    const Wici__V1__Section *sections[] = {&section};
    char until[TIME_TEXT_SIZE];
    struct peer_event event;
    struct peer admin;

    peer_key(ret_old);
    peer_key(ret_new);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "turn");
    peer_enrol_unit(&admin, unit, "ops", WICI__V1__ROLE__SW, ret_old->public_key);
    wici__v1__sys_unit_key_rotated_s0__init(&body);
    wici__v1__section__init(&section);
    time_format(inside_now_ms() + HOUR_MS, until);
    body.unit_id = (char *)(uintptr_t)unit;
    body.key = ret_new->public_key;
    body.old_until = until;
    section.body_case = WICI__V1__SECTION__BODY_SYS_UNIT_KEY_ROTATED_S0;
    section.sys_unit_key_rotated_s0 = &body;
    peer_event_make(&admin, WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED, NULL, NULL, sections, 1, &event);
    (void)peer_publish_taken(&admin, &event);
    peer_event_free(&event);
    peer_close(&admin);
}

static void
a_rotated_key_serves_beside_the_new_one_until_its_time_and_no_longer(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    struct peer old, fresh;
    struct keyfile old_key, new_key;

    unit_rotate(inside, "ops-turn", &old_key, &new_key);
    peer_hello(&old, &t->daemon, &old_key, "old");
    peer_hello(&fresh, &t->daemon, &new_key, "new");
    (void)peer_subscribe(&old, 1, "", 0, 0);
    (void)peer_subscribe(&fresh, 1, "", 0, 0);
    inside_pass(2 * HOUR_MS);
    peer_ack(&old, 1, 0);
    for (;;) {
        Wici__V1__BrokerMessage *message = peer_receive(&old, PEER_TIMEOUT_MS);
        bool told;

        assert_non_null(message);
        told = message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED;
        if (told)
            assert_string_equal(message->refused->refusal->code, "E_KEY");
        peer_free(message);
        if (told)
            break;
    }
    peer_close(&old);
    peer_close(&fresh);
    peer_hello(&fresh, &t->daemon, &new_key, "again");
    peer_close(&fresh);
}

/* What a read found is answered in the next tick. That one ends the broker, and begins when the key's time is over. */
static void
a_key_that_ends_before_the_last_tick_is_told_nothing_in_it(void **state)
{
    struct inside *inside = *state;
    struct town *t = inside_town(inside);
    Wici__V1__ClientMessage ask;
    Wici__V1__BrokerMessage *told;
    Wici__V1__Read read;
    struct keyfile old_key, new_key;
    struct peer old;

    unit_rotate(inside, "ops-last", &old_key, &new_key);
    peer_hello(&old, &t->daemon, &old_key, "old");
    wici__v1__client_message__init(&ask);
    wici__v1__read__init(&read);
    read.request = 1;
    read.from_seq = 1;
    read.max_events = 1;
    ask.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    ask.read = &read;
    inside_hold();
    peer_send(&old, &ask);
    /* One thread receives for all connections: after this handshake it has long arrived. */
    assert_int_equal(peer_knock(&t->daemon, &t->school, t->daemon.server_key), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    inside_end_after_look(inside, 2 * HOUR_MS);
    inside_go();
    assert_int_equal(inside_wait(inside), 0);
    while ((told = peer_receive(&old, 300)) != NULL) {
        assert_int_not_equal(told->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_READ_RESULT);
        peer_free(told);
    }
    peer_close(&old);
    assert_int_equal(inside_start(inside, false), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_record_covers_no_more_than_a_minute),
        cmocka_unit_test(an_access_record_covers_no_more_than_a_thousand_events),
        cmocka_unit_test(refusals_are_recorded_at_once_and_then_counted_for_a_minute),
        cmocka_unit_test(counts_under_way_are_written_at_the_end),
        cmocka_unit_test(a_rotated_key_serves_beside_the_new_one_until_its_time_and_no_longer),
        cmocka_unit_test(a_key_that_ends_before_the_last_tick_is_told_nothing_in_it),
        cmocka_unit_test(the_clock_is_followed_while_it_is_corrected_slowly),
        cmocka_unit_test(a_clock_that_jumps_ahead_stops_the_broker),
        cmocka_unit_test(a_clock_that_jumps_back_stops_the_broker),
        cmocka_unit_test(a_log_that_is_ahead_of_the_clock_is_not_continued_without_the_operators_word),
        cmocka_unit_test(a_log_that_was_at_rest_for_a_month_is_not_continued_without_the_operators_word),
    };

    return cmocka_run_group_tests_name("wire: time", tests, inside_setup, inside_teardown);
}
