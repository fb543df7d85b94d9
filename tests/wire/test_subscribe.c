/* Subscriptions: docs/PROTOCOL.md section 3.3. */
#include "tests/wire/kit.h"

#define SILENCE_MS 1200

/* The seqs of the deliveries of one subscription up to `last`, in the order they came. */
static size_t
seqs_until(struct peer *p, uint32_t subscription, uint64_t last, uint64_t *ret, size_t max)
{
    size_t count = 0;

    while (count == 0 || ret[count - 1] < last) {
        Wici__V1__BrokerMessage *message = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);

        assert_int_equal(message->batch->subscription, subscription);
        for (size_t i = 0; i < message->batch->n_deliveries; i++) {
            assert_true(count < max);
            ret[count++] = message->batch->deliveries[i]->seq;
            assert_true(count == 1 || ret[count - 1] > ret[count - 2]);
        }
        peer_free(message);
    }
    return count;
}

static void
replay_flows_into_live_without_gap_or_repeat(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    uint64_t sent[40], got[400];
    size_t count, at = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "flow");
    peer_hello(&sw2, &t->daemon, &t->sw2, "flow");
    peer_uuid4(dossier);
    for (unsigned i = 0; i < 20; i++)
        sent[i] = peer_letter(&sw, dossier, "ops-sw2", "stare");
    assert_int_equal(peer_subscribe(&sw2, 1, "", sent[0], 0), sent[0]);
    for (unsigned i = 20; i < 40; i++)
        sent[i] = peer_letter(&sw, dossier, "ops-sw2", "nowe");
    count = seqs_until(&sw2, 1, sent[39], got, 400);
    for (size_t i = 0; i < count; i++)
        if (at < 40 && got[i] == sent[at])
            at++;
    assert_int_equal(at, 40);
    peer_close(&sw);
    peer_close(&sw2);
}

/* What came of subscription 1 by now: the last seq of it, or `seq`. */
static uint64_t
seq_by_now(struct peer *p, uint64_t seq)
{
    Wici__V1__BrokerMessage *message;

    while ((message = peer_receive(p, 0)) != NULL) {
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)
            seq = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;
        peer_free(message);
    }
    return seq;
}

static void
who_is_behind_comes_to_the_head_while_somebody_publishes_without_end(void **state)
{
    enum { MESSAGES = 20, EACH = 32 };
    struct town *t = *state;
    struct peer sw, sw2;
    uint64_t first = 0, head = 0, got = 0;
    unsigned more = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "behind");
    peer_hello(&sw2, &t->daemon, &t->sw2, "behind");
    peer_uuid4(dossier);
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct peer_event events[EACH];
        Wici__V1__BrokerMessage *answer;

        for (unsigned k = 0; k < EACH; k++)
            peer_letter_make(&sw, dossier, "ops-sw2", "stare", &events[k]);
        peer_publish_later(&sw, events, EACH);
        answer = peer_expect(&sw, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
        head = answer->answers->answers[EACH - 1]->receipt->seq;
        first = first == 0 ? head - (EACH - 1) : first;
        peer_free(answer);
        for (unsigned k = 0; k < EACH; k++)
            peer_event_free(&events[k]);
    }
    assert_int_equal(peer_subscribe(&sw2, 1, "", first, 0), first);
    while (got < head) { /* some hundred turns are needed at most */
        assert_true(more++ < 20000);
        (void)peer_letter(&sw, dossier, "ops-sw2", "nowe");
        got = seq_by_now(&sw2, got);
    }
    peer_close(&sw);
    peer_close(&sw2);
}

static void
nobody_is_given_what_is_not_theirs(void **state)
{
    struct town *t = *state;
    struct peer sw, school;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "theirs");
    peer_hello(&school, &t->daemon, &t->school, "theirs");
    (void)peer_subscribe(&school, 1, "", 0, 0);
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "ops-sw2", "nie dla szkoły");
    for (;;) {
        Wici__V1__BrokerMessage *message = peer_receive(&school, SILENCE_MS);

        if (message == NULL)
            break;
        assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
        peer_free(message);
    }
    peer_close(&sw);
    peer_close(&school);
}

/* The dossier is on its list, since it is written to there once; that makes it no reader of the rest. */
static void
a_replay_gives_of_a_dossier_only_what_is_for_its_reader(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    uint64_t first, theirs, after, got = 0;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "replay");
    peer_hello(&sw2, &t->daemon, &t->sw2, "replay");
    peer_uuid4(dossier);
    first = peer_letter(&sw, dossier, "sp12-ped", "do szkoły");
    theirs = peer_letter(&sw, dossier, "ops-sw2", "do kolegi");
    after = peer_letter(&sw, dossier, "sp12-ped", "do szkoły");
    assert_int_equal(peer_subscribe(&sw2, 1, "", first, 0), first);
    for (uint64_t announced = 0; announced < after;) {
        Wici__V1__BrokerMessage *message = peer_receive(&sw2, PEER_TIMEOUT_MS);

        assert_non_null(message);
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS) {
            for (size_t i = 0; i < message->positions->n_positions; i++)
                announced = message->positions->positions[i]->seq;
        } else {
            assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
            for (size_t i = 0; i < message->batch->n_deliveries; i++) {
                got = message->batch->deliveries[i]->seq;
                if (got != theirs)
                    fail_msg("given %s", got < theirs ? "what was before its relation" : "what is not for it");
            }
        }
        peer_free(message);
    }
    assert_int_equal(got, theirs);
    peer_close(&sw);
    peer_close(&sw2);
}

static void
a_cursor_goes_on_after_what_was_acknowledged_also_after_a_crash(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    uint64_t sent[4], got[64];
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "cursor");
    peer_hello(&sw2, &t->daemon, &t->sw2, "cursor");
    (void)peer_subscribe(&sw2, 1, "inbox", 0, 0);
    peer_uuid4(dossier);
    for (unsigned i = 0; i < 4; i++)
        sent[i] = peer_letter(&sw, dossier, "ops-sw2", "list");
    (void)seqs_until(&sw2, 1, sent[3], got, 64);
    peer_ack(&sw2, 1, sent[1]);
    (void)peer_letter(&sw, dossier, "ops-sw2", "the acknowledged place rides in the next commit");
    (void)peer_letter(&sw, dossier, "ops-sw2", "which this answer proves");
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    peer_close(&sw);
    peer_close(&sw2);
    daemon_start(&t->daemon);
    peer_hello(&sw2, &t->daemon, &t->sw2, "cursor");
    {
        uint64_t from = peer_subscribe(&sw2, 9, "inbox", 0, 0);

        assert_true(from <= sent[1] + 1); /* never forward */
        (void)seqs_until(&sw2, 9, sent[3], got, 64);
        assert_true(got[0] <= sent[2]);
    }
    peer_close(&sw2);
}

static void
no_more_is_sent_than_there_is_credit_for(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2, admin;
    uint64_t first = 0, last = 0;
    size_t bytes = 0;
    char dossier[37], text[1001];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    peer_hello(&sw, &t->daemon, &t->sw, "credit");
    peer_hello(&sw2, &t->daemon, &t->sw2, "credit");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "credit");
    peer_uuid4(dossier);
    for (unsigned i = 0; i < 20; i++) {
        last = peer_letter(&sw, dossier, "ops-sw2", text);
        first = first == 0 ? last : first;
    }
    (void)peer_subscribe(&sw2, 1, "", first, WIRE_WINDOW_MIN);
    for (;;) {
        Wici__V1__BrokerMessage *message = peer_receive(&sw2, SILENCE_MS);

        if (message == NULL)
            break;
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)
            for (size_t i = 0; i < message->batch->n_deliveries; i++) {
                bytes += wici__v1__delivery__get_packed_size(message->batch->deliveries[i]);
                first = message->batch->deliveries[i]->seq;
            }
        peer_free(message);
    }
    assert_true(bytes > 0);
    assert_true(bytes <= WIRE_WINDOW_MIN);
    assert_true(first < last);
    /* Acknowledging lets the rest through, in order. */
    while (first < last) {
        Wici__V1__BrokerMessage *message;
        uint64_t before = first;

        peer_ack(&sw2, 1, first);
        message = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
        for (size_t i = 0; i < message->batch->n_deliveries; i++) {
            assert_true(message->batch->deliveries[i]->seq > before);
            first = message->batch->deliveries[i]->seq;
        }
        peer_free(message);
    }
    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&admin);
}

/* Opens a case; its seq. */
static uint64_t
case_open(struct peer *p, const char *dossier)
{
    Wici__V1__CaseOpenedS0 facts;
    Wici__V1__CaseOpenedS1 who;
    Wici__V1__CaseOpenedS6 notes;
    Wici__V1__Person person, *household[] = {&person};
    Wici__V1__Section sections[3];
    const Wici__V1__Section *const list[] = {&sections[0], &sections[1], &sections[2]};
    struct peer_event event;
    uint64_t seq;

    wici__v1__case_opened_s0__init(&facts);
    wici__v1__case_opened_s1__init(&who);
    wici__v1__case_opened_s6__init(&notes);
    wici__v1__person__init(&person);
    for (size_t i = 0; i < 3; i++)
        wici__v1__section__init(&sections[i]);
    facts.opened_on = facts.proceeding_started_on = TEXT("2026-03-02");
    facts.gmina = TEXT("1465011");
    person.person_ref = TEXT("osoba-1");
    who.household = household;
    who.n_household = 1;
    notes.path = TEXT("ORDINARY");
    sections[0].body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S0;
    sections[0].case_opened_s0 = &facts;
    sections[1].body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S1;
    sections[1].case_opened_s1 = &who;
    sections[2].body_case = WICI__V1__SECTION__BODY_CASE_OPENED_S6;
    sections[2].case_opened_s6 = &notes;
    peer_event_make(p, WICI__V1__EVENT_TYPE__CASE_OPENED, dossier, NULL, list, 3, &event);
    seq = peer_publish_taken(p, &event);
    peer_event_free(&event);
    return seq;
}

/* Lets a unit take part in the dossier and read it from `history` on. */
static void
participant_add(struct peer *p, const char *dossier, const char *unit, uint64_t history)
{
    Wici__V1__SysParticipantAddedS0 body;
    Wici__V1__Ground ground;
    Wici__V1__Section section;
    const Wici__V1__Section *const list[] = {&section};
    struct peer_event event;

    wici__v1__sys_participant_added_s0__init(&body);
    wici__v1__ground__init(&ground);
    wici__v1__section__init(&section);
    ground.basis = TEXT("STATUTE");
    body.unit = TEXT(unit);
    body.history_from = history;
    body.ground = &ground;
    section.body_case = WICI__V1__SECTION__BODY_SYS_PARTICIPANT_ADDED_S0;
    section.sys_participant_added_s0 = &body;
    peer_event_make(p, WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED, dossier, NULL, list, 1, &event);
    (void)peer_publish_taken(p, &event);
    peer_event_free(&event);
}

/* Up to where the subscription is given records, until it has no credit or nothing is left; 0: none. */
static uint64_t
shown_without_ack(struct peer *p)
{
    uint64_t got = 0;

    for (Wici__V1__BrokerMessage *message; (message = peer_receive(p, SILENCE_MS)) != NULL; peer_free(message))
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH)
            got = message->batch->deliveries[message->batch->n_deliveries - 1]->seq;
    return got;
}

/* With an ack for each batch from `got` on: is that record among those up to `last`? */
static bool
is_shown(struct peer *p, uint64_t seq, uint64_t got, uint64_t last)
{
    bool shown = false;

    while (got < last) {
        Wici__V1__BrokerMessage *message;

        peer_ack(p, 1, got);
        message = peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
        for (size_t i = 0; i < message->batch->n_deliveries; i++) {
            got = message->batch->deliveries[i]->seq;
            shown = shown || got == seq;
        }
        peer_free(message);
    }
    return shown;
}

static void
what_a_stream_may_see_by_the_time_it_comes_there_it_is_given(void **state)
{
    struct town *t = *state;
    struct peer sw, sw2;
    uint64_t first, last = 0, opened = 0, got;
    char letters[37], dossier[37], text[1001];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    peer_hello(&sw, &t->daemon, &t->sw, "history");
    peer_hello(&sw2, &t->daemon, &t->sw2, "history");
    peer_uuid4(letters);
    peer_uuid4(dossier);
    first = peer_letter(&sw, letters, "ops-sw2", text);
    for (unsigned i = 0; i < 20; i++) {
        if (i == 10)
            opened = case_open(&sw, dossier);
        last = peer_letter(&sw, letters, "ops-sw2", text);
    }
    /* Without credit it stands before the case, which is not its own yet. */
    (void)peer_subscribe(&sw2, 1, "", first, WIRE_WINDOW_MIN);
    got = shown_without_ack(&sw2);
    assert_true(got > 0 && got < opened);
    participant_add(&sw, dossier, "ops-sw2", opened);
    assert_true(is_shown(&sw2, opened, got, last));
    peer_close(&sw);
    peer_close(&sw2);
}

/* What the records of reads from `seq` on say that the session was shown first; 0: nothing. */
static uint64_t
shown_from(struct town *t, const char *session, uint64_t seq)
{
    struct peer auditor;
    Wici__V1__BrokerMessage *message;
    uint64_t from = 0;

    peer_hello(&auditor, &t->daemon, &t->auditor, "reads");
    message = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED, seq);
    for (size_t i = 0; i < message->read_result->n_deliveries && from == 0; i++) {
        Wici__V1__Section *s0 = town_s0(message->read_result->deliveries[i]);

        if (strcmp(s0->sys_access_recorded_s0->cursor, session) == 0)
            from = s0->sys_access_recorded_s0->from_seq;
        wici__v1__section__free_unpacked(s0, NULL);
    }
    peer_free(message);
    peer_close(&auditor);
    return from;
}

#define REGISTERED 8u /* records, of some 300 bytes */

/* The letter is the first that counts as shown; while it waits for credit, an older record comes to be for the unit. */
static void
what_comes_to_be_seen_before_what_waits_is_recorded_as_shown(void **state)
{
    struct town *t = *state;
    struct peer admin, sw, sw2;
    uint64_t opened, letter, got;
    char letters[37], dossier[37], text[3001], agency[ID_LEN_MAX + 1];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    peer_hello(&sw, &t->daemon, &t->sw, "waits");
    peer_hello(&sw2, &t->daemon, &t->sw2, "waits");
    peer_uuid4(letters);
    peer_uuid4(dossier);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "waits");
    for (unsigned i = 0; i < REGISTERED; i++) {
        (void)snprintf(agency, sizeof agency, "registered-%u", i);
        peer_enrol_agency(&admin, agency, "OPS");
    }
    peer_close(&admin);
    opened = case_open(&sw, dossier);
    letter = peer_letter(&sw, letters, "ops-sw2", text);
    /* The registry's records, which do not count, leave no credit for it. */
    (void)peer_subscribe(&sw2, 1, "", opened - REGISTERED, WIRE_WINDOW_MIN);
    got = shown_without_ack(&sw2);
    assert_true(got > 0 && got < opened);
    participant_add(&sw, dossier, "ops-sw2", opened);
    assert_true(is_shown(&sw2, opened, got, letter));
    peer_close(&sw2);
    peer_close(&sw);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0); /* the end records what was shown */
    daemon_start(&t->daemon);
    assert_int_equal(shown_from(t, "waits", letter), opened);
}

static void
an_ack_beyond_what_was_sent_is_refused(void **state)
{
    struct town *t = *state;
    struct peer p;

    peer_hello(&p, &t->daemon, &t->sw2, "ack");
    (void)peer_subscribe(&p, 1, "", 0, 0);
    peer_ack(&p, 1, 1000000);
    peer_expect_refused(&p, "E_REQUEST");
    peer_ack(&p, 2, 1);
    peer_expect_refused(&p, "E_REQUEST");
    peer_close(&p);
}

static void
a_cursor_in_use_is_taken_over(void **state)
{
    struct town *t = *state;
    struct peer old, fresh;

    peer_hello(&old, &t->daemon, &t->sw2, "old");
    peer_hello(&fresh, &t->daemon, &t->sw2, "fresh");
    (void)peer_subscribe(&old, 1, "shared", 0, 0);
    (void)peer_subscribe(&fresh, 1, "shared", 0, 0);
    peer_expect_refused(&old, "E_TAKEN_OVER");
    peer_close(&old);
    peer_close(&fresh);
}

static void
subscriptions_are_bounded(void **state)
{
    struct town *t = *state;
    struct peer p;
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;

    peer_hello(&p, &t->daemon, &t->school, "many");
    for (uint32_t i = 1; i <= SUBSCRIPTIONS_PER_SESSION_MAX; i++)
        (void)peer_subscribe(&p, i, "", 0, 0);
    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    subscribe.subscription = SUBSCRIPTIONS_PER_SESSION_MAX + 1;
    peer_send(&p, &message);
    peer_expect_refused(&p, "E_LIMIT");
    subscribe.subscription = 1;
    peer_send(&p, &message);
    peer_expect_refused(&p, "E_REQUEST");
    subscribe.subscription = 0;
    peer_send(&p, &message);
    peer_expect_refused(&p, "E_REQUEST");
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_flows_into_live_without_gap_or_repeat),
        cmocka_unit_test(who_is_behind_comes_to_the_head_while_somebody_publishes_without_end),
        cmocka_unit_test(nobody_is_given_what_is_not_theirs),
        cmocka_unit_test(a_replay_gives_of_a_dossier_only_what_is_for_its_reader),
        cmocka_unit_test(a_cursor_goes_on_after_what_was_acknowledged_also_after_a_crash),
        cmocka_unit_test(no_more_is_sent_than_there_is_credit_for),
        cmocka_unit_test(what_a_stream_may_see_by_the_time_it_comes_there_it_is_given),
        cmocka_unit_test(an_ack_beyond_what_was_sent_is_refused),
        cmocka_unit_test(a_cursor_in_use_is_taken_over),
        cmocka_unit_test(subscriptions_are_bounded),
        cmocka_unit_test(what_comes_to_be_seen_before_what_waits_is_recorded_as_shown),
    };

    return cmocka_run_group_tests_name("wire: subscriptions", tests, town_setup, town_teardown);
}
