/*
 * Erasing, from the order to its end: what the administrator is told, who hears of it and who does not, what is given
 * afterwards and what is found in the files.
 */
#include "tests/wire/erase_kit.h"
#include "tests/wire/inside.h"

#include "broker/broker.h"
#include "broker/erase.h"
#include "broker/fold.h"

/* ---- asking */

static Wici__V1__BrokerMessage *
ask(struct peer *p, bool preview, const char *const *dossiers, size_t count, const char *reason)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__ErasePreviewQuery look;
    Wici__V1__EraseQuery erase;
    char *ids[32], sum[] = ERASE_ORDER_SHA256, date[] = "2027-01-31";
    Wici__V1__BrokerMessage *answer;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__erase_preview_query__init(&look);
    wici__v1__erase_query__init(&erase);
    for (size_t i = 0; i < count; i++)
        ids[i] = (char *)(uintptr_t)dossiers[i]; /* packing only reads them */
    look.dossiers = erase.dossiers = ids;
    look.n_dossiers = erase.n_dossiers = count;
    erase.reason = (char *)(uintptr_t)reason;
    erase.order_sha256 = sum;
    erase.backups_clear_by = date;
    query.request = 5;
    query.what_case = preview ? WICI__V1__QUERY__WHAT_ERASE_PREVIEW : WICI__V1__QUERY__WHAT_ERASE;
    if (preview)
        query.erase_preview = &look;
    else
        query.erase = &erase;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(p, &message);
    do
        answer = peer_receive(p, PEER_TIMEOUT_MS);
    while (answer != NULL && answer->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS);
    assert_non_null(answer);
    return answer;
}

static const Wici__V1__Erasure *
erasure_of(const Wici__V1__BrokerMessage *answer, bool preview)
{
    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_int_equal(answer->query_result->request, 5);
    assert_int_equal(answer->query_result->result_case,
                     preview ? WICI__V1__QUERY_RESULT__RESULT_ERASE_PREVIEW : WICI__V1__QUERY_RESULT__RESULT_ERASE);
    return answer->query_result->erase;
}

static void
ask_refused(struct peer *p, bool preview, const char *dossier, const char *reason, const char *code, const char *path)
{
    Wici__V1__BrokerMessage *answer = ask(p, preview, &dossier, 1, reason);

    assert_int_equal(answer->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);
    assert_string_equal(answer->refused->refusal->code, code);
    assert_string_equal(answer->refused->refusal->path, path);
    peer_free(answer);
}

/* Returns the seq of the intent. */
static uint64_t
erase(struct town *t, const char *dossier, uint64_t records)
{
    struct peer admin;
    Wici__V1__BrokerMessage *answer;
    uint64_t seq;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "erase");
    answer = ask(&admin, false, &dossier, 1, "COURT_ORDER");
    assert_true(erasure_of(answer, false)->done);
    assert_false(erasure_of(answer, false)->before);
    assert_int_equal(erasure_of(answer, false)->records, records);
    seq = erasure_of(answer, false)->intended_seq;
    assert_int_not_equal(seq, 0);
    peer_free(answer);
    peer_close(&admin);
    return seq;
}

static const Wici__V1__ErasureRecipient *
recipient(const Wici__V1__Erasure *erasure, const char *unit)
{
    for (size_t i = 0; i < erasure->n_recipients; i++)
        if (strcmp(erasure->recipients[i]->unit, unit) == 0)
            return erasure->recipients[i];
    return NULL;
}

/* How many records of this type the peer is given from a seq on; *ret: the S0 of the last one, freed by the caller. */
static size_t
given(struct peer *p, Wici__V1__EventType type, uint64_t from_seq, Wici__V1__Section **ret)
{
    Wici__V1__BrokerMessage *message = town_read(p, type, from_seq);
    size_t count = message->read_result->n_deliveries;

    if (ret != NULL)
        *ret = count > 0 ? town_s0(message->read_result->deliveries[count - 1]) : NULL;
    peer_free(message);
    return count;
}

/* ---- the tests */

static void
a_preview_tells_what_would_go_and_changes_nothing(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, admin;
    Wici__V1__BrokerMessage *answer;
    const Wici__V1__Erasure *erasure;
    uint64_t first, last, head;
    const char *ids[1];
    char dossier[37];

    ids[0] = dossier;
    peer_hello(&sw, &t->daemon, &t->sw, "preview");
    peer_uuid4(dossier);
    first = peer_letter(&sw, dossier, "ops-sw2", "one");
    last = peer_letter(&sw, dossier, "sp12-ped", "two");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "preview");
    answer = ask(&admin, true, ids, 1, "");
    erasure = erasure_of(answer, true);
    assert_int_equal(erasure->n_dossiers, 1);
    assert_string_equal(erasure->dossiers[0]->dossier, dossier);
    assert_string_equal(erasure->dossiers[0]->kind, "LETTER");
    assert_true(erasure->dossiers[0]->goes);
    assert_int_equal(erasure->records, 2);
    assert_int_equal(erasure->from_seq, first);
    assert_int_equal(erasure->to_seq, last);
    assert_int_equal(erasure->intended_seq, 0);
    assert_int_equal(recipient(erasure, "ops-sw")->records, 2); /* the author has them too */
    assert_int_equal(recipient(erasure, "ops-sw2")->records, 2);
    assert_int_equal(recipient(erasure, "sp12-ped")->records, 1);
    assert_int_equal(recipient(erasure, "sp12-ped")->from_seq, last);
    assert_int_equal(recipient(erasure, "audyt")->records, 2);
    assert_null(recipient(erasure, "admin"));
    peer_free(answer);
    peer_close(&admin);
    assert_int_equal(given(&sw, WICI__V1__EVENT_TYPE__INFO_PROVIDED, first, NULL), 2);
    head = peer_letter(&sw, dossier, "ops-sw2", "three");
    assert_true(head > last);
    peer_close(&sw);
}

static void
what_is_asked_wrongly_or_by_others_is_refused(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, admin;
    const char *many[ERASE_ASKED_MAX + 1];
    Wici__V1__BrokerMessage *answer;
    char dossier[37], unknown[37];

    peer_hello(&sw, &t->daemon, &t->sw, "refused");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "ops-sw2", "stays");
    ask_refused(&sw, true, dossier, "", "E_UNKNOWN", "query.erasePreview");
    ask_refused(&sw, false, dossier, "COURT_ORDER", "E_UNKNOWN", "query.erase");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "refused");
    ask_refused(&admin, false, dossier, "BECAUSE", "E_REQUEST", "query.erase.reason");
    ask_refused(&admin, false, dossier, "", "E_REQUEST", "query.erase.reason");
    ask_refused(&admin, false, "no-uuid", "COURT_ORDER", "E_REQUEST", "query.erase.dossiers");
    peer_uuid4(unknown);
    ask_refused(&admin, false, unknown, "COURT_ORDER", "E_UNKNOWN", "query.erase.dossiers");
    ask_refused(&admin, true, unknown, "", "E_UNKNOWN", "query.erasePreview.dossiers");
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = dossier;
    answer = ask(&admin, true, many, sizeof many / sizeof *many, "");
    assert_string_equal(answer->refused->refusal->code, "E_LIMIT");
    peer_free(answer);
    answer = ask(&admin, true, many, 0, "");
    assert_string_equal(answer->refused->refusal->code, "E_REQUEST");
    peer_free(answer);
    assert_int_equal(given(&sw, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, 1, NULL), 0);
    peer_close(&admin);
    peer_close(&sw);
}

static void
recipients_are_told_their_numbers_and_nobody_else_hears_of_it(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, sw2, school, auditor, admin, stranger;
    struct keyfile key;
    struct peer_event event;
    Wici__V1__BrokerMessage *message;
    Wici__V1__Section *s0;
    uint64_t first, kept, second, intended;
    char dossier[37], other[37];

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "setup");
    peer_key(&key);
    peer_enrol_unit(&admin, "ops-sw9", "ops", WICI__V1__ROLE__SW, key.public_key);
    peer_hello(&sw, &t->daemon, &t->sw, "notices");
    peer_hello(&sw2, &t->daemon, &t->sw2, "notices");
    peer_hello(&school, &t->daemon, &t->school, "notices");
    peer_hello(&auditor, &t->daemon, &t->auditor, "notices");
    peer_hello(&stranger, &t->daemon, &key, "notices");
    peer_uuid4(dossier);
    peer_uuid4(other);
    first = peer_letter(&sw, dossier, "ops-sw2", "one");
    kept = peer_letter(&sw, other, "ops-sw2", "of another");
    second = peer_letter(&sw, dossier, "sp12-ped", "two");
    intended = erase(t, dossier, 2);

    assert_int_equal(given(&sw2, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, intended, &s0), 1);
    assert_string_equal(s0->sys_erasure_notified_s0->unit, "ops-sw2");
    assert_int_equal(s0->sys_erasure_notified_s0->intended_seq, intended);
    assert_int_equal(s0->sys_erasure_notified_s0->n_ranges, 2);
    assert_int_equal(s0->sys_erasure_notified_s0->ranges[0]->from_seq, first);
    assert_int_equal(s0->sys_erasure_notified_s0->ranges[0]->to_seq, first);
    assert_int_equal(s0->sys_erasure_notified_s0->ranges[1]->from_seq, second);
    assert_string_equal(s0->sys_erasure_notified_s0->reason, "COURT_ORDER");
    wici__v1__section__free_unpacked(s0, NULL);
    assert_int_equal(given(&school, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, intended, &s0), 1);
    assert_int_equal(s0->sys_erasure_notified_s0->n_ranges, 1);
    assert_int_equal(s0->sys_erasure_notified_s0->ranges[0]->from_seq, second);
    wici__v1__section__free_unpacked(s0, NULL);
    assert_int_equal(given(&stranger, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, intended, NULL), 0);
    assert_int_equal(given(&sw, WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED, intended, NULL), 0);
    assert_int_equal(given(&sw, WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE, intended, NULL), 0);
    /* Those who look after the broker see that it happened, and not to whose dossier. */
    assert_int_equal(given(&auditor, WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED, intended, &s0), 1);
    assert_string_equal(s0->sys_erasure_intended_s0->order_sha256, ERASE_ORDER_SHA256);
    assert_string_equal(s0->sys_erasure_intended_s0->ordered_by, "admin");
    assert_string_equal(s0->sys_erasure_intended_s0->backups_clear_by, "2027-01-31");
    assert_int_equal(s0->sys_erasure_intended_s0->n_keys, 1);
    assert_int_equal(s0->sys_erasure_intended_s0->recipients, 4);
    wici__v1__section__free_unpacked(s0, NULL);
    assert_int_equal(given(&admin, WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE, intended, &s0), 1);
    assert_int_equal(s0->sys_erasure_done_s0->intended_seq, intended);
    assert_int_equal(s0->sys_erasure_done_s0->records, 2);
    wici__v1__section__free_unpacked(s0, NULL);

    /* Replay gives the other dossier alone, to authors and auditors as well. */
    message = town_read(&sw, WICI__V1__EVENT_TYPE__INFO_PROVIDED, first);
    assert_int_equal(message->read_result->n_deliveries, 1);
    assert_int_equal(message->read_result->deliveries[0]->seq, kept);
    peer_free(message);
    assert_int_equal(given(&auditor, WICI__V1__EVENT_TYPE__INFO_PROVIDED, first, NULL), 1);
    assert_int_equal(given(&school, WICI__V1__EVENT_TYPE__INFO_PROVIDED, first, NULL), 0);

    /* And whoever writes into it hears as much as he knew. */
    peer_letter_make(&sw2, dossier, "ops-sw", "again", &event);
    message = peer_publish(&sw2, &event);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_ERASED");
    peer_free(message);
    peer_event_free(&event);
    peer_letter_make(&stranger, dossier, "ops-sw", "again", &event);
    message = peer_publish(&stranger, &event);
    assert_string_equal(message->answers->answers[0]->refusal->code, "E_DOSSIER");
    peer_free(message);
    peer_event_free(&event);
    (void)peer_letter(&sw2, other, "ops-sw", "goes on");

    peer_close(&sw);
    peer_close(&sw2);
    peer_close(&school);
    peer_close(&auditor);
    peer_close(&admin);
    peer_close(&stranger);
}

static void
ordered_again_it_says_that_it_was_done(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, admin;
    Wici__V1__BrokerMessage *answer;
    uint64_t intended;
    const char *ids[1];
    char dossier[37];

    ids[0] = dossier;
    peer_hello(&sw, &t->daemon, &t->sw, "twice");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "ops-sw2", "once");
    peer_close(&sw);
    intended = erase(t, dossier, 1);
    for (unsigned i = 0; i < 2; i++) {
        peer_hello(&admin, &t->daemon, &t->daemon.admin, "twice");
        answer = ask(&admin, i == 0, ids, 1, "COURT_ORDER");
        assert_true(erasure_of(answer, i == 0)->before);
        assert_true(erasure_of(answer, i == 0)->done);
        assert_int_equal(erasure_of(answer, i == 0)->intended_seq, intended);
        peer_free(answer);
        peer_close(&admin);
        assert_int_equal(inside_stop(*state), 0);
        assert_int_equal(inside_start(*state, false), 0);
    }
}

/* Subscribes to two dossiers under a cursor's name; the deliveries that come first. */
static Wici__V1__BrokerMessage *
subscribe_to(struct peer *p, char *one, char *other)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Subscribe subscribe;
    Wici__V1__Filter filter;
    char name[] = "filtered", *ids[2] = {one, other};

    wici__v1__client_message__init(&message);
    wici__v1__subscribe__init(&subscribe);
    wici__v1__filter__init(&filter);
    filter.dossiers = ids;
    filter.n_dossiers = 2;
    subscribe.subscription = 1;
    subscribe.cursor = name;
    subscribe.filter = &filter;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_SUBSCRIBE;
    message.subscribe = &subscribe;
    peer_send(p, &message);
    peer_free(peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_SUBSCRIBED));
    return peer_expect(p, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH);
}

static int
cursor_look(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    Wici__V1__Filter *filter = wici__v1__filter__unpack(NULL, cursor->filter_len, cursor->filter);
    unsigned *seen = arg;

    (void)unit;
    assert_non_null(filter);
    if (strcmp(name, "filtered") == 0) {
        (*seen)++;
        assert_int_equal(filter->n_dossiers, 2);
        assert_string_equal(filter->dossiers[0], "00000000-0000-0000-0000-000000000000");
        assert_string_not_equal(filter->dossiers[1], "00000000-0000-0000-0000-000000000000");
    }
    wici__v1__filter__free_unpacked(filter, NULL);
    return 0;
}

static void
no_cursor_names_it(struct broker *b)
{
    unsigned seen = 0;

    assert_int_equal(store_cursor_each(b->store, NULL, cursor_look, &seen), 0);
    assert_int_equal(seen, 1);
}

/* The filter is the cursor's: the subscriber comes back with the same one and goes on. */
static void
a_cursor_whose_filter_named_it_goes_on(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw, sw2;
    Wici__V1__BrokerMessage *batch;
    uint64_t kept;
    char dossier[37], other[37];

    peer_hello(&sw, &t->daemon, &t->sw, "filter");
    peer_hello(&sw2, &t->daemon, &t->sw2, "filter");
    peer_uuid4(dossier);
    peer_uuid4(other);
    (void)peer_letter(&sw, dossier, "ops-sw2", "goes");
    kept = peer_letter(&sw, other, "ops-sw2", "stays");
    batch = subscribe_to(&sw2, dossier, other);
    assert_int_equal(batch->batch->n_deliveries, 2);
    peer_ack(&sw2, 1, kept);
    peer_free(batch);
    (void)erase(t, dossier, 1);
    kept = peer_letter(&sw, other, "ops-sw2", "later");
    batch = peer_expect(&sw2, WICI__V1__BROKER_MESSAGE__MESSAGE_BATCH); /* it was not cut off */
    assert_int_equal(batch->batch->deliveries[0]->seq, kept);
    peer_free(batch);
    peer_close(&sw2);
    for (unsigned i = 0; i < 2; i++) {
        peer_hello(&sw2, &t->daemon, &t->sw2, "filter");
        batch = subscribe_to(&sw2, dossier, other);
        assert_int_equal(batch->batch->deliveries[0]->seq, kept);
        peer_free(batch);
        peer_close(&sw2);
        if (i == 0) {
            peer_close(&sw);
            inside_at_end(*state, no_cursor_names_it);
            assert_int_equal(inside_stop(*state), 0);
            assert_int_equal(inside_start(*state, false), 0);
            peer_hello(&sw, &t->daemon, &t->sw, "filter");
        }
    }
    peer_close(&sw);
}

static void
live_is_folded(struct broker *b)
{
    struct core *folded = NULL;
    uint8_t *live_bytes = NULL, *folded_bytes = NULL;
    size_t live_len = 0, folded_len = 0;
    struct fold fold;

    assert_false(erase_is_due(b)); /* the state was made anew */
    assert_int_equal(core_create(&folded), 0);
    assert_int_equal(fold_open(&fold, b->store, folded, NULL), 0);
    while (fold.seq < store_head(b->store))
        assert_int_equal(fold_some(&fold, FOLD_SLICE_RECORDS), 0);
    fold_close(&fold);
    assert_int_equal(core_dump(b->core, &live_bytes, &live_len), 0);
    assert_int_equal(core_dump(folded, &folded_bytes, &folded_len), 0);
    assert_int_equal(live_len, folded_len);
    assert_memory_equal(live_bytes, folded_bytes, live_len);
    free(live_bytes);
    free(folded_bytes);
    core_destroy(&folded);
}

static void
the_state_becomes_the_fold_of_the_log_with_its_holes(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw;
    char dossiers[6][37];

    peer_hello(&sw, &t->daemon, &t->sw, "state");
    for (unsigned i = 0; i < 6; i++) {
        peer_uuid4(dossiers[i]);
        (void)peer_letter(&sw, dossiers[i], i % 2 == 0 ? "ops-sw2" : "sp12-ped", "x");
    }
    (void)erase(t, dossiers[1], 1);
    (void)peer_letter(&sw, dossiers[2], "sp12-ped", "between");
    (void)erase(t, dossiers[4], 1);
    (void)peer_letter(&sw, dossiers[2], "sp12-ped", "after");
    (void)erase(t, dossiers[2], 3);
    for (unsigned i = 0; i < 3; i++)
        (void)peer_letter(&sw, dossiers[5], "ops-sw2", "others go on");
    peer_close(&sw);
    inside_at_end(*state, live_is_folded);
    assert_int_equal(inside_stop(*state), 0);
    assert_int_equal(inside_start(*state, false), 0);
    peer_hello(&sw, &t->daemon, &t->sw, "state");
    assert_int_equal(given(&sw, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, 1, NULL), 3);
    peer_close(&sw);
}

/* Keys are about to be destroyed: what has not begun to copy waits. (That it fails then is the program it has not.) */
static void
held_back(struct broker *b)
{
    struct backup_view view;

    backup_program = NULL;
    assert_int_equal(backups_ask(b->backups, "held", 1), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(backups_look(b->backups, 1, 1, true), 0);
        backups_view(b->backups, &view);
        assert_string_equal(view.word, "WAITING");
        assert_false(backups_copying(b->backups));
    }
    assert_int_equal(backups_look(b->backups, 1, 1, false), 0); /* what there is is signed */
    assert_int_equal(backups_look(b->backups, 1, 1, true), 0);
    backups_view(b->backups, &view);
    assert_string_equal(view.word, "WAITING");
    assert_int_equal(backups_look(b->backups, 1, 1, false), 0);
    backups_view(b->backups, &view);
    assert_string_equal(view.word, "FAILED");
}

static void
a_backup_does_not_begin_while_keys_are_about_to_be_destroyed(void **state)
{
    struct town *t = inside_town(*state);
    struct peer sw;
    char dossier[37];

    peer_hello(&sw, &t->daemon, &t->sw, "held");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "sp12-ped", "x");
    peer_close(&sw);
    inside_at_end(*state, held_back);
    assert_int_equal(inside_stop(*state), 0);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, inside_setup, inside_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_preview_tells_what_would_go_and_changes_nothing),
        RULE(what_is_asked_wrongly_or_by_others_is_refused),
        RULE(recipients_are_told_their_numbers_and_nobody_else_hears_of_it),
        RULE(ordered_again_it_says_that_it_was_done),
        RULE(a_cursor_whose_filter_named_it_goes_on),
        RULE(the_state_becomes_the_fold_of_the_log_with_its_holes),
        RULE(a_backup_does_not_begin_while_keys_are_about_to_be_destroyed),
    };

    return cmocka_run_group_tests_name("wire: erase", tests, NULL, NULL);
}
