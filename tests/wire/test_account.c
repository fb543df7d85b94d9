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

/* ---- every kind of refusal */

/* How often the log says that this agency was refused with this code. */
static uint64_t
counted(struct peer *auditor, const char *agency, const char *code)
{
    Wici__V1__BrokerMessage *message = town_read(auditor, WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED, 1);
    uint64_t count = 0;

    assert_false(message->read_result->more);
    for (size_t i = 0; i < message->read_result->n_deliveries; i++) {
        Wici__V1__Section *s0 = town_s0(message->read_result->deliveries[i]);

        if (strcmp(s0->sys_event_rejected_s0->agency, agency) == 0 &&
            strcmp(s0->sys_event_rejected_s0->code, code) == 0)
            count += s0->sys_event_rejected_s0->count;
        wici__v1__section__free_unpacked(s0, NULL);
    }
    peer_free(message);
    return count;
}

static void
refused(struct peer *p, Wici__V1__ClientMessage__MessageCase kind, void *body, const char *code)
{
    Wici__V1__ClientMessage message;

    wici__v1__client_message__init(&message);
    message.message_case = kind;
    message.hello = body; /* the members of a union */
    peer_send(p, &message);
    peer_expect_refused(p, code);
}

#define REFUSED(p, KIND, body, code) refused(p, WICI__V1__CLIENT_MESSAGE__MESSAGE_##KIND, &(body), code)

/* The messages that are no questions, each wrong in a way of its own. */
static void
messages_refused(struct peer *p)
{
    Wici__V1__Hello again = WICI__V1__HELLO__INIT;
    Wici__V1__Publish gap = WICI__V1__PUBLISH__INIT;
    Wici__V1__Subscribe nameless = WICI__V1__SUBSCRIBE__INIT;
    Wici__V1__Ack stray = WICI__V1__ACK__INIT;
    Wici__V1__Unsubscribe never = WICI__V1__UNSUBSCRIBE__INIT;
    Wici__V1__Read timeless = WICI__V1__READ__INIT, blank = WICI__V1__READ__INIT;
    Wici__V1__DocumentPut huge = WICI__V1__DOCUMENT_PUT__INIT, false_digest = WICI__V1__DOCUMENT_PUT__INIT;
    Wici__V1__DocumentGet anothers = WICI__V1__DOCUMENT_GET__INIT;
    uint8_t digest[32] = {0}, data[1] = {0};

    again.protocol = 1;
    REFUSED(p, HELLO, again, "E_STATE");
    gap.number = 99;
    REFUSED(p, PUBLISH, gap, "E_GAP");
    REFUSED(p, SUBSCRIBE, nameless, "E_REQUEST");
    stray.subscription = never.subscription = 5;
    REFUSED(p, ACK, stray, "E_REQUEST");
    REFUSED(p, UNSUBSCRIBE, never, "E_REQUEST");
    timeless.request = blank.request = 1;
    timeless.since = (char *)(uintptr_t) "yesterday";
    REFUSED(p, READ, timeless, "E_REQUEST");
    blank.reason = (char *)(uintptr_t) " ";
    REFUSED(p, READ, blank, "E_REASON");
    huge.request = false_digest.request = anothers.request = 1;
    huge.sha256 = false_digest.sha256 = anothers.sha256 = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
    huge.size = 11 << 20;
    REFUSED(p, DOCUMENT_PUT, huge, "E_SIZE");
    false_digest.size = 1;
    false_digest.data = (ProtobufCBinaryData){.len = sizeof data, .data = data};
    REFUSED(p, DOCUMENT_PUT, false_digest, "E_DOCUMENT");
    anothers.seq = 1;
    REFUSED(p, DOCUMENT_GET, anothers, "E_UNKNOWN");
}

static void
question_refused(struct peer *p, Wici__V1__Query__WhatCase kind, void *body, const char *code)
{
    Wici__V1__Query query;

    wici__v1__query__init(&query);
    query.request = 1;
    query.what_case = kind;
    query.directory = body; /* the members of a union */
    REFUSED(p, QUERY, query, code);
}

#define QUESTION(p, KIND, body, code) question_refused(p, WICI__V1__QUERY__WHAT_##KIND, &(body), code)

/* Every question that is refused to somebody, once. */
static void
questions_refused(struct peer *p, char *id)
{
    Wici__V1__Explain explain = WICI__V1__EXPLAIN__INIT;
    Wici__V1__GroupQuery group = WICI__V1__GROUP_QUERY__INIT;
    Wici__V1__FetchedQuery fetched = WICI__V1__FETCHED_QUERY__INIT;
    Wici__V1__ReceiptQuery receipt = WICI__V1__RECEIPT_QUERY__INIT;
    Wici__V1__CoursesQuery courses = WICI__V1__COURSES_QUERY__INIT;
    Wici__V1__BackupQuery backup = WICI__V1__BACKUP_QUERY__INIT;
    Wici__V1__LeavesQuery leaves = WICI__V1__LEAVES_QUERY__INIT;
    Wici__V1__ErasePreviewQuery preview = WICI__V1__ERASE_PREVIEW_QUERY__INIT;
    Wici__V1__EraseQuery erase = WICI__V1__ERASE_QUERY__INIT;
    Wici__V1__ErasuresQuery erasures = WICI__V1__ERASURES_QUERY__INIT;
    Wici__V1__OutsideQuery outside = WICI__V1__OUTSIDE_QUERY__INIT;
    Wici__V1__ShownQuery shown = WICI__V1__SHOWN_QUERY__INIT;
    Wici__V1__CursorDrop drop = WICI__V1__CURSOR_DROP__INIT;
    Wici__V1__WorkQuery work = WICI__V1__WORK_QUERY__INIT;
    Wici__V1__ClocksQuery clocks = WICI__V1__CLOCKS_QUERY__INIT;
    Wici__V1__ConsistencyQuery consistency = WICI__V1__CONSISTENCY_QUERY__INIT;
    Wici__V1__InclusionQuery inclusion = WICI__V1__INCLUSION_QUERY__INIT;
    uint64_t seqs[65] = {1};

    explain.event_id = receipt.event_id = fetched.event_id = id;
    group.dossier = courses.dossier = shown.dossier = id;
    outside.agency = (char *)(uintptr_t) "nobody";
    QUESTION(p, EXPLAIN, explain, "E_UNKNOWN");
    QUESTION(p, GROUP, group, "E_UNKNOWN");
    QUESTION(p, FETCHED, fetched, "E_UNKNOWN");
    QUESTION(p, RECEIPT, receipt, "E_UNKNOWN");
    QUESTION(p, COURSES, courses, "E_UNKNOWN");
    QUESTION(p, BACKUP, backup, "E_UNKNOWN");
    QUESTION(p, LEAVES, leaves, "E_UNKNOWN");
    QUESTION(p, ERASE_PREVIEW, preview, "E_UNKNOWN");
    QUESTION(p, ERASE, erase, "E_UNKNOWN");
    QUESTION(p, ERASURES, erasures, "E_UNKNOWN");
    QUESTION(p, OUTSIDE, outside, "E_UNKNOWN");
    QUESTION(p, SHOWN, shown, "E_UNKNOWN");
    drop.cursor = (char *)(uintptr_t) "none";
    QUESTION(p, CURSOR_DROP, drop, "E_CURSOR");
    work.from_seq = work.from_made = 1;
    work.from_item = 1;
    QUESTION(p, WORK, work, "E_LIST_CHANGED");
    clocks.from_seq = clocks.from_made = 1;
    clocks.from_mark = 1;
    QUESTION(p, CLOCKS, clocks, "E_LIST_CHANGED");
    consistency.old_size = UINT64_C(1) << 40;
    QUESTION(p, CONSISTENCY, consistency, "E_UNKNOWN");
    inclusion.seqs = seqs;
    inclusion.n_seqs = sizeof seqs / sizeof seqs[0];
    QUESTION(p, INCLUSION, inclusion, "E_LIMIT");
    shown.reason = (char *)(uintptr_t) " ";
    QUESTION(p, SHOWN, shown, "E_REASON");
}

static const struct {
    const char *code;
    uint64_t count;
} every_kind[] = {
    {"E_PROTOCOL", 1}, {"E_LOG_DIVERGED", 1}, {"E_STATE", 1},  {"E_GAP", 1},          {"E_REQUEST", 4},
    {"E_REASON", 2},   {"E_SIZE", 1},         {"E_CURSOR", 1}, {"E_LIST_CHANGED", 2}, {"E_DOCUMENT", 1},
    {"E_UNKNOWN", 14}, {"E_TAKEN_OVER", 0},   {"E_DECODE", 1}, {"E_LIMIT", 1},
};

static void
every_kind_of_refusal_is_counted_in_the_log(void **state)
{
    struct town *t = *state;
    static const char *const garbage[] = {"\xff\xff\xff"};
    Wici__V1__Hello hello = WICI__V1__HELLO__INIT;
    Wici__V1__Position ahead = WICI__V1__POSITION__INIT;
    Wici__V1__Ack early = WICI__V1__ACK__INIT;
    struct peer court, other, admin, auditor;
    struct keyfile key;
    char id[37];

    peer_key(&key);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "kinds");
    peer_enrol_agency(&admin, "sad", "COURT");
    peer_enrol_unit(&admin, "sad-rodzinny", "sad", WICI__V1__ROLE__CT, key.public_key);
    peer_close(&admin);

    peer_connect(&court, &t->daemon, &key);
    REFUSED(&court, ACK, early, "E_STATE"); /* before its Hello: not counted */
    hello.protocol = 99;
    REFUSED(&court, HELLO, hello, "E_PROTOCOL");
    hello.protocol = 1;
    ahead.seq = UINT64_C(1) << 40;
    hello.known = &ahead;
    REFUSED(&court, HELLO, hello, "E_LOG_DIVERGED");
    peer_free(peer_expect(&court, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME));
    messages_refused(&court);
    peer_uuid4(id);
    questions_refused(&court, id);
    peer_send_frames(&court, garbage, 1);
    peer_expect_refused(&court, "E_DECODE");
    peer_hello(&other, &t->daemon, &key, "main"); /* the same session: what the first is told is no refusal */
    peer_expect_refused(&court, "E_TAKEN_OVER");
    peer_close(&court);
    peer_close(&other);

    /* The first of each code is there at once, and the end writes what was counted since. */
    peer_hello(&auditor, &t->daemon, &t->auditor, "kinds");
    for (size_t i = 0; i < sizeof every_kind / sizeof every_kind[0]; i++)
        if (counted(&auditor, "sad", every_kind[i].code) != (every_kind[i].count > 0))
            fail_msg("the first %s is not in the log, or more than it is", every_kind[i].code);
    peer_close(&auditor);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
    peer_hello(&auditor, &t->daemon, &t->auditor, "kinds");
    for (size_t i = 0; i < sizeof every_kind / sizeof every_kind[0]; i++) {
        uint64_t count = counted(&auditor, "sad", every_kind[i].code);

        if (count != every_kind[i].count)
            fail_msg("%s was said %d times and is counted %d times", every_kind[i].code, (int)every_kind[i].count,
                     (int)count);
    }
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
        cmocka_unit_test(every_kind_of_refusal_is_counted_in_the_log),
        cmocka_unit_test(a_subscription_is_recorded_at_its_end),
        cmocka_unit_test(a_window_that_is_full_is_recorded_and_the_next_begins_where_it_ended),
        cmocka_unit_test(after_a_crash_the_open_window_is_recorded_as_possibly_shown),
        cmocka_unit_test(an_auditor_sees_content_only_with_a_reason_and_it_is_written_down),
    };

    return cmocka_run_group_tests_name("wire: accountability", tests, town_setup, town_teardown);
}
