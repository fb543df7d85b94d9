/* What agents/wici.h says of subscriptions and of sessions that are taken over, against a real broker. */
#include "tests/e2e/test_client_kit.h"
#include "tests/support/peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
on_position(void *arg, uint64_t seq, uint64_t head)
{
    struct events *e = arg;

    e->position = seq;
    e->head = head;
}

static void
events_wait(struct wici *w, struct events *e, unsigned count)
{
    for (int64_t end = now_ms() + WAIT_MS; e->count < count && now_ms() < end;) {
        int rc = wici_run(w, 1000);

        if (rc == -ECANCELED)
            break;
        assert_int_equal(rc, 0);
    }
    assert_int_equal(e->count, count);
}

static void
a_subscription_goes_on_over_a_broken_connection_without_gap_or_repeat(void **state)
{
    struct wici *w = client_open("ops-sw", "pub"), *s = client_open("ops-sw", "sub");
    struct answers answers = {0};
    struct events plain = {0}, durable = {0};
    char dossier[37], other[37];
    const char *const filter[] = {dossier, NULL};
    struct wici_subscribe_options options = {.dossiers = filter, .ack_each = 1, .position_fn = on_position};

    (void)state;
    dossier_new(dossier);
    case_open(w, dossier);
    assert_int_equal(wici_subscribe(s, &options, on_event, &plain, NULL), 0);
    options.cursor = "over";
    assert_int_equal(wici_subscribe(s, &options, on_event, &durable, NULL), 0);
    publish_some(w, dossier, 20, &answers, -1);
    events_wait(s, &plain, 21);
    events_wait(s, &durable, 21);
    publish_some(w, dossier, 20, &answers, 5);
    events_wait(s, &plain, 41);
    events_wait(s, &durable, 41);
    assert_int_equal(plain.repeats + durable.repeats, 0);
    /* What is for another dossier only moves the position. */
    dossier_new(other);
    case_open(w, other);
    for (int64_t end = now_ms() + WAIT_MS; plain.position <= plain.last_seq && now_ms() < end;)
        assert_int_equal(wici_run(s, 1000), 0);
    assert_true(plain.position > plain.last_seq);
    assert_true(plain.head >= plain.position);
    assert_int_equal(plain.count, 41);
    wici_close(&s);

    /* Another program with the same cursor goes on where this one was done. */
    s = client_open("ops-sw", "sub");
    memset(&durable, 0, sizeof durable);
    assert_int_equal(wici_subscribe(s, &options, on_event, &durable, NULL), 0);
    publish_some(w, dossier, 1, &answers, -1);
    events_wait(s, &durable, 1);
    assert_int_equal(durable.first_seq, answers.last_seq);
    wici_close(&s);
    wici_close(&w);
}

static void
an_event_that_is_not_taken_comes_again(void **state)
{
    struct wici *w = client_open("ops-sw", "pub");
    struct answers answers = {0};
    struct events e = {.limit = 3};
    char dossier[37], third[37];
    const char *const filter[] = {dossier, NULL};
    struct wici_subscribe_options options = {.dossiers = filter, .ack_each = 1};
    int rc = 0;

    (void)state;
    dossier_new(dossier);
    case_open(w, dossier);
    publish_some(w, dossier, 9, &answers, -1);
    assert_int_equal(wici_subscribe(w, &options, on_event, &e, NULL), 0);
    for (int64_t end = now_ms() + WAIT_MS; rc == 0 && now_ms() < end;)
        rc = wici_run(w, 1000);
    assert_int_equal(rc, -ECANCELED);
    assert_int_equal(e.count, 3);
    snprintf(third, sizeof third, "%s", e.text[2]);
    e.limit = 0;
    events_wait(w, &e, 10);
    assert_int_equal(e.repeats, 0);
    assert_string_equal(e.text[2], third);
    wici_close(&w);
}

static void
nothing_beyond_what_was_delivered_can_be_acknowledged(void **state)
{
    struct wici *w = client_open("ops-sw", "ack");
    struct events e = {0};
    struct wici_subscribe_options options = {.from_seq = 1};
    uint32_t id;

    (void)state;
    assert_int_equal(wici_subscribe(w, &options, on_event, &e, &id), 0);
    for (int64_t end = now_ms() + WAIT_MS; e.count == 0 && now_ms() < end;)
        assert_int_equal(wici_run(w, 1000), 0);
    assert_int_equal(wici_ack(w, id, e.last_seq + 1000000), -EINVAL);
    assert_int_equal(wici_ack(w, id, e.last_seq), 0);
    assert_int_equal(wici_ack(w, id + 1, 1), -ENOENT);
    assert_int_equal(wici_unsubscribe(w, id), 0);
    assert_int_equal(wici_unsubscribe(w, id), -ENOENT);
    wici_close(&w);
}

struct ended {
    unsigned count;
    char code[48];
};

static void
on_ended(void *arg, const struct wici_error *why)
{
    struct ended *e = arg;

    e->count++;
    snprintf(e->code, sizeof e->code, "%s", why->code);
}

static int
on_event_ignored(void *arg, const struct wici_event *event)
{
    (void)arg;
    (void)event;
    return 0;
}

static void
a_cursor_taken_over_tells_the_first(void **state)
{
    struct wici *one = client_open("ops-sw", "one"), *two = client_open("ops-sw", "two");
    struct ended ended = {0};
    struct wici_subscribe_options options = {.cursor = "shared", .ack_each = 1, .ended_fn = on_ended};

    (void)state;
    assert_int_equal(wici_subscribe(one, &options, on_event_ignored, &ended, NULL), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(wici_run(one, 50), 0);
    assert_int_equal(wici_subscribe(two, &options, on_event_ignored, &ended, NULL), 0);
    for (int64_t end = now_ms() + WAIT_MS; ended.count == 0 && now_ms() < end;) {
        assert_int_equal(wici_run(two, 20), 0);
        assert_int_equal(wici_run(one, 20), 0);
    }
    assert_int_equal(ended.count, 1);
    assert_string_equal(ended.code, "E_TAKEN_OVER");
    wici_close(&one);
    wici_close(&two);
}

/* How long it takes from another connection's Hello until the client has its session back. */
static int64_t
taken_back_ms(struct wici *w, const char *session)
{
    struct keyfile key;
    struct peer other;
    char path[160];
    int64_t begin = now_ms(), end = begin + WAIT_MS;

    snprintf(path, sizeof path, "%s/ops-sw.key", broker.dir);
    assert_int_equal(keyfile_read(path, &key), 0);
    peer_hello(&other, &broker, &key, session);
    while (wici_state(w) == WICI_READY && now_ms() < end)
        assert_int_equal(wici_run(w, 20), 0);
    assert_int_equal(wici_state(w), WICI_REFUSED);
    assert_string_equal(wici_error(w)->code, "E_TAKEN_OVER");
    while (wici_state(w) != WICI_READY && now_ms() < end)
        assert_int_equal(wici_run(w, 20), 0);
    assert_int_equal(wici_state(w), WICI_READY);
    peer_close(&other);
    keyfile_wipe(&key);
    return now_ms() - begin;
}

/* Of each pause at least half is waited for. */
static void
a_session_taken_over_is_soon_taken_back_but_later_each_time(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;

    (void)state;
    o.session = "taken";
    o.reconnect_min_ms = 20;
    o.reconnect_max_ms = 4 * WAIT_MS; /* who waits for that fails */
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    for (int64_t pause = 20; pause <= 640; pause *= 2)
        assert_true(taken_back_ms(w, o.session) >= pause / 2);
    wici_close(&w);
}

static void
a_session_that_was_kept_for_long_is_soon_taken_back_again(void **state)
{
    enum { LONGEST_MS = 1280 };
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;
    unsigned soon = 0;

    (void)state;
    o.session = "peace";
    o.reconnect_min_ms = 20;
    o.reconnect_max_ms = LONGEST_MS;
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    for (int64_t pause = 20; pause < LONGEST_MS; pause *= 2)
        (void)taken_back_ms(w, o.session);
    assert_true(taken_back_ms(w, o.session) >= LONGEST_MS / 2);
    for (int64_t end = now_ms() + LONGEST_MS + 1; now_ms() < end;)
        assert_int_equal(wici_run(w, (int)(end - now_ms())), 0);
    for (unsigned i = 0; i < 3; i++) /* the machine may be slow once */
        soon += taken_back_ms(w, o.session) < LONGEST_MS / 2;
    assert_true(soon > 0);
    wici_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscription_goes_on_over_a_broken_connection_without_gap_or_repeat),
        cmocka_unit_test(an_event_that_is_not_taken_comes_again),
        cmocka_unit_test(nothing_beyond_what_was_delivered_can_be_acknowledged),
        cmocka_unit_test(a_cursor_taken_over_tells_the_first),
        cmocka_unit_test(a_session_taken_over_is_soon_taken_back_but_later_each_time),
        cmocka_unit_test(a_session_that_was_kept_for_long_is_soon_taken_back_again),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
