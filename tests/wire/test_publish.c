/* Publishing: docs/PROTOCOL.md section 3.2, and what a receipt proves. */
#include "proto/leaf.h"
#include "tests/wire/kit.h"

#include <openssl/sha.h>

/* The digest of a part, written out from docs/AUDIT.md rather than taken from the code under test. */
static void
digest_of(const Wici__V1__Slot *slot, const uint8_t *body, size_t len, uint8_t ret[32])
{
    uint8_t fixed[16 + 1 + 2 + 32 + 4];
    size_t at = 0;
    uint8_t *all = malloc(sizeof fixed + len);

    assert_non_null(all);
    memcpy(fixed, "wici-section-v1", 16);
    at = 16;
    fixed[at++] = (uint8_t)slot->slot;
    fixed[at++] = (uint8_t)(slot->section_id >> 8);
    fixed[at++] = (uint8_t)slot->section_id;
    assert_int_equal(slot->salt.len, 32);
    memcpy(fixed + at, slot->salt.data, 32);
    at += 32;
    for (int shift = 24; shift >= 0; shift -= 8)
        fixed[at++] = (uint8_t)(len >> shift);
    assert_int_equal(at, sizeof fixed);
    memcpy(all, fixed, sizeof fixed);
    memcpy(all + sizeof fixed, body, len);
    (void)SHA256(all, sizeof fixed + len, ret);
    free(all);
}

static void
receipt_check(const Wici__V1__Receipt *receipt, const struct peer_event *event)
{
    uint8_t digest[32];

    assert_int_equal(receipt->n_slots, event->section_count + 1);
    assert_int_equal(receipt->digests.len % 32, 0);
    digest_of(receipt->slots[0], event->header, event->header_len, digest);
    assert_int_equal(receipt->slots[0]->slot, 0);
    assert_memory_equal(receipt->digests.data, digest, 32);
    for (size_t i = 0; i < event->section_count; i++) {
        const Wici__V1__Slot *slot = receipt->slots[i + 1];

        assert_true((slot->slot + 1) * 32 <= receipt->digests.len);
        digest_of(slot, event->sections[i], event->section_lens[i], digest);
        assert_memory_equal(receipt->digests.data + slot->slot * 32, digest, 32);
    }
}

/* SHA-256(0x00 || leaf input) */
static void
leaf_of(const Wici__V1__Receipt *receipt, uint8_t ret[32])
{
    uint8_t input[1 + 14 + 1 + 1 + 8 + 8 + 1 + 32 * 32] = {0};
    size_t at = 1;

    memcpy(input + at, "wici-event-v1", 14);
    at += 14;
    input[at++] = 1;
    input[at++] = (uint8_t)receipt->leaf_class;
    for (int shift = 56; shift >= 0; shift -= 8)
        input[at++] = (uint8_t)(receipt->seq >> shift);
    for (int shift = 56; shift >= 0; shift -= 8)
        input[at++] = (uint8_t)(receipt->ts_ms >> shift);
    input[at++] = (uint8_t)(receipt->digests.len / 32);
    memcpy(input + at, receipt->digests.data, receipt->digests.len);
    at += receipt->digests.len;
    (void)SHA256(input, at, ret);
}

static void
a_receipt_covers_the_bytes_as_published(void **state)
{
    struct town *t = *state;
    struct peer p, again;
    struct peer_event event;
    Wici__V1__BrokerMessage *message, *status;
    Wici__V1__ClientMessage ask;
    Wici__V1__Query query;
    Wici__V1__StatusQuery what;
    char dossier[37];
    uint8_t leaf[32];

    peer_hello(&p, &t->daemon, &t->sw, "receipt");
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "treść", &event);
    message = peer_publish(&p, &event);
    receipt_check(message->answers->answers[0]->receipt, &event);
    leaf_of(message->answers->answers[0]->receipt, leaf);
    peer_free(message);

    /* The head of the log is that leaf. */
    wici__v1__client_message__init(&ask);
    wici__v1__query__init(&query);
    wici__v1__status_query__init(&what);
    query.what_case = WICI__V1__QUERY__WHAT_STATUS;
    query.status = &what;
    ask.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    ask.query = &query;
    peer_send(&p, &ask);
    status = peer_expect(&p, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_int_equal(status->query_result->status->head->leaf_hash.len, 32);
    assert_memory_equal(status->query_result->status->head->leaf_hash.data, leaf, 32);
    peer_free(status);

    /* Another unit of the agency gets the same answer. */
    peer_hello(&again, &t->daemon, &t->sw2, "receipt");
    message = peer_publish(&again, &event);
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    assert_true(message->answers->answers[0]->receipt->repeated);
    receipt_check(message->answers->answers[0]->receipt, &event);
    peer_free(message);
    peer_event_free(&event);
    peer_close(&p);
    peer_close(&again);
}

static void
a_bare_receipt_is_given_in_full_to_who_sends_the_event_again(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event event;
    Wici__V1__BrokerMessage *bare, *full;
    const Wici__V1__Receipt *receipt;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "bare");
    p.bare = true;
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "treść", &event);
    bare = peer_publish(&p, &event);
    assert_int_equal(bare->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
    assert_string_equal(bare->answers->answers[0]->event_id, event.id);
    receipt = bare->answers->answers[0]->receipt;
    assert_int_equal(receipt->digests.len, 0);
    assert_int_equal(receipt->n_slots, 0);

    p.bare = false;
    full = peer_publish(&p, &event);
    assert_true(full->answers->answers[0]->receipt->repeated);
    assert_int_equal(full->answers->answers[0]->receipt->seq, receipt->seq);
    assert_int_equal(full->answers->answers[0]->receipt->ts_ms, receipt->ts_ms);
    assert_int_equal(full->answers->answers[0]->receipt->n_warnings, receipt->n_warnings);
    receipt_check(full->answers->answers[0]->receipt, &event);
    peer_free(full);

    p.bare = true;
    full = peer_publish(&p, &event);
    assert_true(full->answers->answers[0]->receipt->repeated);
    assert_int_equal(full->answers->answers[0]->receipt->digests.len, 0);
    peer_free(full);
    peer_free(bare);
    peer_event_free(&event);
    peer_close(&p);
}

static void
the_same_event_gets_the_same_receipt_also_after_a_crash(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event event;
    Wici__V1__BrokerMessage *first, *second;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "again");
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "raz", &event);
    first = peer_publish(&p, &event);
    peer_close(&p);
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    daemon_start(&t->daemon);
    peer_hello(&p, &t->daemon, &t->sw, "again");
    second = peer_publish(&p, &event);
    assert_true(second->answers->answers[0]->receipt->repeated);
    second->answers->answers[0]->receipt->repeated = false;
    second->answers->number = first->answers->number;
    {
        size_t len = wici__v1__broker_message__get_packed_size(first);
        uint8_t *a = malloc(len), *b = malloc(len);

        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(wici__v1__broker_message__get_packed_size(second), len);
        (void)wici__v1__broker_message__pack(first, a);
        (void)wici__v1__broker_message__pack(second, b);
        assert_memory_equal(a, b, len);
        free(a);
        free(b);
    }
    peer_free(first);
    peer_free(second);
    peer_event_free(&event);
    peer_close(&p);
}

static void
a_repeat_in_the_same_message_waits_for_the_same_commit(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event events[2];
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "twice");
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "raz", &events[0]);
    events[1] = events[0];
    peer_publish_later(&p, events, 2);
    message = peer_expect(&p, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
    assert_int_equal(message->answers->n_answers, 2);
    assert_false(message->answers->answers[0]->receipt->repeated);
    assert_true(message->answers->answers[1]->receipt->repeated);
    assert_int_equal(message->answers->answers[0]->receipt->seq, message->answers->answers[1]->receipt->seq);
    peer_free(message);
    peer_event_free(&events[0]);
    peer_close(&p);
}

static void
other_bytes_or_another_agency_under_a_used_id_learn_nothing(void **state)
{
    struct town *t = *state;
    struct peer p, school;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "reuse");
    peer_hello(&school, &t->daemon, &t->school, "reuse");
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "raz", &event);
    (void)peer_publish_taken(&p, &event);

    message = peer_publish(&school, &event); /* the same bytes */
    assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_REFUSAL);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_ID_REUSE");
    assert_string_equal(message->answers->answers[0]->refusal->path, "header.eventId");
    peer_free(message);

    event.sections[1][event.section_lens[1] - 1] ^= 1; /* the last letter of the text */
    message = peer_publish(&p, &event);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_ID_REUSE");
    peer_free(message);
    peer_event_free(&event);
    peer_close(&p);
    peer_close(&school);
}

static void
a_number_that_is_not_next_is_not_looked_at(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "gap");
    peer_uuid4(dossier);
    peer_letter_make(&p, dossier, "ops-sw2", "raz", &event);
    p.next_number = 5;
    peer_publish_later(&p, &event, 1);
    message = peer_receive(&p, PEER_TIMEOUT_MS);
    assert_non_null(message);
    assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(message->refused->refusal->code, "E_GAP");
    assert_int_equal(message->refused->number, 5);
    assert_int_equal(message->refused->next_number, 1);
    peer_free(message);
    p.next_number = 1;
    message = peer_publish(&p, &event);
    assert_false(message->answers->answers[0]->receipt->repeated); /* it was not taken before */
    peer_free(message);
    peer_event_free(&event);
    peer_close(&p);
}

static void
an_event_that_does_not_decode_is_answered_under_its_id(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;

    peer_hello(&p, &t->daemon, &t->sw, "decode");
    peer_letter_make(&p, "not-a-uuid", "ops-sw2", "raz", &event);
    message = peer_publish(&p, &event);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_FIELD");
    assert_string_equal(message->answers->answers[0]->refusal->path, "header.dossierId");
    assert_string_equal(message->answers->answers[0]->event_id, event.id);
    peer_free(message);
    peer_event_free(&event);
    peer_close(&p);
}

static void
a_full_log_refuses_events_and_still_answers_questions(void **state)
{
    struct daemon d;
    struct peer admin, p;
    struct keyfile key;
    struct peer_event event;
    static char text[30001];
    char dossier[37];
    bool full = false;
    uint64_t number = 0;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    daemon_create(&d, "data.size_max = 16M\n");
    daemon_start(&d);
    peer_key(&key);
    peer_hello(&admin, &d, &d.admin, "full");
    peer_enrol_unit(&admin, "ops-sw", "ops", WICI__V1__ROLE__SW, key.public_key);
    peer_hello(&p, &d, &key, "full");
    for (unsigned i = 0; i < 1000 && !full; i++) {
        Wici__V1__BrokerMessage *message;

        peer_uuid4(dossier);
        peer_letter_make(&p, dossier, "admin", text, &event);
        peer_publish_later(&p, &event, 1);
        message = peer_receive(&p, PEER_TIMEOUT_MS);
        assert_non_null(message);
        if (message->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED) {
            assert_string_equal(message->refused->refusal->code, "E_FULL");
            assert_true(message->refused->retry_ms > 0);
            number = message->refused->number;
            assert_int_equal(message->refused->next_number, number);
            full = true;
        } else {
            assert_int_equal(message->answers->answers[0]->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
        }
        peer_free(message);
        peer_event_free(&event);
    }
    assert_true(full);
    peer_free(town_read(&admin, 0, 1));
    (void)peer_subscribe(&admin, 1, "still", 1, 0); /* cursors fit */
    peer_close(&admin);
    peer_close(&p);
    assert_int_equal(daemon_stop(&d, SIGTERM), 0);
    daemon_destroy(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_covers_the_bytes_as_published),
        cmocka_unit_test(a_bare_receipt_is_given_in_full_to_who_sends_the_event_again),
        cmocka_unit_test(the_same_event_gets_the_same_receipt_also_after_a_crash),
        cmocka_unit_test(a_repeat_in_the_same_message_waits_for_the_same_commit),
        cmocka_unit_test(other_bytes_or_another_agency_under_a_used_id_learn_nothing),
        cmocka_unit_test(a_number_that_is_not_next_is_not_looked_at),
        cmocka_unit_test(an_event_that_does_not_decode_is_answered_under_its_id),
        cmocka_unit_test(a_full_log_refuses_events_and_still_answers_questions),
    };

    return cmocka_run_group_tests_name("wire: publishing", tests, town_setup, town_teardown);
}
