/* What agents/wici.h says, against a real broker that is killed now and then. */
#include "tests/e2e/test_cli_kit.h"
#include "tests/support/peer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000

static unsigned dossiers;

static int64_t
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct wici *
client_open(const char *unit, const char *session)
{
    struct wici_options options = kit_options(&broker, unit);
    struct wici *w = NULL;

    options.session = session;
    assert_int_equal(wici_open(&w, &options), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    return w;
}

static void
dossier_new(char ret[37])
{
    snprintf(ret, 37, "00000000-0000-4000-8000-%04x%08x", (unsigned)getpid() & 0xffff, ++dossiers);
}

/* A case is opened in a dossier of its own; *ret may be NULL. */
static void
case_open(struct wici *w, const char *dossier)
{
    char json[1024], *receipt = NULL;

    snprintf(
        json, sizeof json,
        "{\"header\":{\"type\":\"CASE_OPENED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},\"sections\":["
        "{\"caseOpenedS0\":{\"openedOn\":\"2026-03-01\",\"proceedingStartedOn\":\"2026-03-01\",\"gmina\":\"3261011\"}},"
        "{\"caseOpenedS1\":{\"household\":[{\"personRef\":\"p-1\"}]}},"
        "{\"caseOpenedS6\":{\"path\":\"ORDINARY\"}}]}",
        dossier);
    if (wici_publish_json(w, json, WAIT_MS, &receipt) != 0)
        fail_msg("case_open: %s %s", wici_error(w) ? wici_error(w)->code : "?",
                 wici_error(w) ? wici_error(w)->path : "");
    assert_non_null(strstr(receipt, "\"seq\""));
    free(receipt);
}

static void
info_encode(struct wici *w, const char *dossier, unsigned number, uint8_t **ret, size_t *ret_len)
{
    char json[1024];

    snprintf(json, sizeof json,
             "{\"header\":{\"type\":\"INFO_PROVIDED\",\"dossierId\":\"%s\",\"actor\":{\"role\":\"SW\"}},"
             "\"sections\":[{\"infoProvidedS0\":{\"providedOn\":\"2026-03-01\"}},"
             "{\"infoProvidedS6\":{\"docKind\":\"INFORMATION\",\"text\":\"n %u\"}}]}",
             dossier, number);
    if (wici_encode_json(w, json, ret, ret_len, NULL) != 0)
        fail_msg("info_encode: %s %s", wici_error(w) ? wici_error(w)->code : "?",
                 wici_error(w) ? wici_error(w)->path : "");
}

struct answers {
    unsigned count, refused, repeated;
    uint64_t last_seq;
    int out_of_order;
    char code[48], first_id[37];
};

static void
on_answer(void *arg, const struct wici_answer *answer)
{
    struct answers *a = arg;

    if (a->count++ == 0)
        snprintf(a->first_id, sizeof a->first_id, "%s", answer->event_id);
    if (answer->refusal != NULL) {
        a->refused++;
        snprintf(a->code, sizeof a->code, "%s", answer->refusal->code);
        return;
    }
    if (answer->repeated)
        a->repeated++;
    if (answer->seq <= a->last_seq && !answer->repeated)
        a->out_of_order++;
    a->last_seq = answer->seq;
}

struct events {
    unsigned count, repeats, limit;
    uint64_t first_seq, last_seq, position, head;
    char text[100][37];
};

static int
on_event(void *arg, const struct wici_event *event)
{
    struct events *e = arg;

    if (e->limit != 0 && e->count >= e->limit)
        return -ECANCELED;
    if (event->seq <= e->last_seq)
        e->repeats++;
    if (e->count == 0)
        e->first_seq = event->seq;
    if (e->count < 100)
        snprintf(e->text[e->count], sizeof e->text[0], "%s", event->event_id);
    e->last_seq = event->seq;
    e->count++;
    return 0;
}

static void
publish_some(struct wici *w, const char *dossier, unsigned count, struct answers *answers, int kill_at)
{
    int64_t deadline = now_ms() + 3 * WAIT_MS;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *event;
        size_t len;
        int rc;

        info_encode(w, dossier, i, &event, &len);
        while ((rc = wici_publish(w, event, len, on_answer, answers)) == -EAGAIN && now_ms() < deadline)
            assert_int_equal(wici_run(w, 1000), 0);
        assert_int_equal(rc, 0);
        free(event);
        if ((int)i == kill_at) {
            assert_int_equal(wici_run(w, 0), 0);
            kit_restart(&broker);
        }
    }
    while (wici_pending(w) > 0 && now_ms() < deadline)
        assert_int_equal(wici_run(w, 1000), 0);
    assert_int_equal(wici_pending(w), 0);
}

static unsigned
read_count(struct wici *w, const char *dossier)
{
    char request[128];
    struct events e = {0};

    snprintf(request, sizeof request, "{\"dossier\":\"%s\"}", dossier);
    assert_int_equal(wici_read(w, request, WAIT_MS, on_event, &e), 0);
    assert_int_equal(e.repeats, 0);
    return e.count;
}

/* ---- opening */

static void
open_refuses_what_cannot_work(void **state)
{
    struct wici_options good = kit_options(&broker, "ops-sw"), o;
    struct wici *w = NULL;
    char open_key[128];

    (void)state;
    o = good;
    o.endpoints = "udp://x";
    assert_int_equal(wici_open(&w, &o), -EINVAL);
    o = good;
    o.endpoints = " ";
    assert_int_equal(wici_open(&w, &o), -EINVAL);
    o = good;
    o.server_key = "short";
    assert_int_equal(wici_open(&w, &o), -EINVAL);
    o = good;
    o.key_file = "/nonexistent/key";
    assert_int_equal(wici_open(&w, &o), -ENOENT);
    o = good;
    o.window = 1025;
    assert_int_equal(wici_open(&w, &o), -EINVAL);
    snprintf(open_key, sizeof open_key, "%s/open.key", broker.dir);
    assert_int_equal(link(good.key_file, open_key), 0);
    assert_int_equal(chmod(open_key, 0644), 0);
    o = good;
    o.key_file = open_key;
    assert_int_equal(wici_open(&w, &o), -EPERM);
    assert_int_equal(chmod(open_key, 0600), 0);
    assert_null(w);
}

static void
a_key_nobody_enrolled_is_told_so(void **state)
{
    struct wici_options o = kit_options(&broker, "stranger");
    struct wici *w = NULL;
    char *output;
    const char *words[] = {"key", "generate", o.key_file, NULL};

    (void)state;
    assert_int_equal(program_run("wici", words, NULL, NULL, &output), 0);
    free(output);
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), -EACCES);
    assert_int_equal(wici_state(w), WICI_REFUSED);
    assert_string_equal(wici_error(w)->code, "E_KEY");
    wici_close(&w);
    assert_null(w);
}

static void
the_second_endpoint_is_used_when_the_first_is_dead(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    char endpoints[192], *welcome = NULL;
    struct wici *w = NULL;

    (void)state;
    snprintf(endpoints, sizeof endpoints, "tcp://127.0.0.1:1, %s", broker.endpoint);
    o.endpoints = endpoints;
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_welcome_json(w, &welcome), -ENOTCONN);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    assert_int_equal(wici_welcome_json(w, &welcome), 0);
    assert_non_null(strstr(welcome, "wire.example"));
    free(welcome);
    wici_close(&w);
}

static void
nobody_there_is_a_timeout(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;

    (void)state;
    o.endpoints = "tcp://127.0.0.1:1";
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, 300), -ETIMEDOUT);
    wici_close(&w);
}

/* ---- publishing */

static void
a_full_window_publishes_everything_in_order(void **state)
{
    struct wici *w = client_open("ops-sw", "window");
    struct answers answers = {0};
    char dossier[37];

    (void)state;
    dossier_new(dossier);
    case_open(w, dossier);
    publish_some(w, dossier, 300, &answers, -1);
    assert_int_equal(answers.count, 300);
    assert_int_equal(answers.refused, 0);
    assert_int_equal(answers.out_of_order, 0);
    assert_int_equal(read_count(w, dossier), 301);
    wici_close(&w);
}

static void
a_broker_killed_in_between_loses_and_doubles_nothing(void **state)
{
    struct wici *w = client_open("ops-sw", "killed");
    struct answers answers = {0};
    char dossier[37];

    (void)state;
    dossier_new(dossier);
    case_open(w, dossier);
    publish_some(w, dossier, 200, &answers, 100);
    assert_int_equal(answers.count, 200);
    assert_int_equal(answers.refused, 0);
    assert_int_equal(answers.out_of_order, 0);
    assert_int_equal(read_count(w, dossier), 201);
    wici_close(&w);
}

static void
a_refusal_names_code_path_and_sentence(void **state)
{
    struct wici *w = client_open("ops-sw", "refused");
    struct answers answers = {0};
    uint8_t *event;
    size_t len;
    char *error = NULL;
    const char unknown[] = "{\"header\":{\"type\":\"REFERRAL_ANSWERED\",\"dossierId\":"
                           "\"00000000-0000-4000-8000-00000000beef\",\"actor\":{\"role\":\"SW\"}},\"sections\":["
                           "{\"referralAnsweredS0\":{\"referralId\":\"00000000-0000-4000-8000-00000000cafe\","
                           "\"outcome\":\"RECEIVED\",\"answeredOn\":\"2026-03-01\"}},"
                           "{\"referralAnsweredS6\":{\"status\":\"received\"}}]}";

    (void)state;
    assert_int_equal(wici_publish_json(w, unknown, WAIT_MS, NULL), -EPROTO);
    assert_non_null(wici_error(w));
    assert_string_equal(wici_error(w)->code, "E_DOSSIER");
    assert_string_equal(wici_error(w)->path, "header.dossierId");
    assert_true(strlen(wici_error(w)->pl) > 10);
    assert_true(strlen(wici_error(w)->en) > 10);

    assert_int_equal(wici_encode_json(w, "{\"header\":{\"type\":\"NO_SUCH\"}}", &event, &len, NULL), -EPROTO);
    assert_string_equal(wici_error(w)->code, "E_JSON");
    assert_string_equal(wici_error(w)->path, "header.type");
    assert_int_equal(wici_encode_json(NULL, "{", &event, &len, &error), -EPROTO);
    assert_non_null(strstr(error, "E_JSON"));
    free(error);
    assert_int_equal(wici_publish(w, (const uint8_t *)"x", 1, on_answer, &answers), -EBADMSG);
    assert_int_equal(wici_publish(w, (const uint8_t *)"", 0, on_answer, &answers), -EBADMSG);
    wici_close(&w);
}

static void
the_window_says_when_it_is_full(void **state)
{
    struct wici *w = client_open("ops-sw", "small");
    struct wici_options o = kit_options(&broker, "ops-sw");
    uint8_t *event;
    size_t len;

    (void)state;
    info_encode(w, "00000000-0000-4000-8000-00000000dead", 1, &event, &len);
    wici_close(&w);
    o.window = 2;
    o.session = "small";
    o.endpoints = "tcp://127.0.0.1:1";
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_publish(w, event, len, NULL, NULL), 0);
    assert_int_equal(wici_publish(w, event, len, NULL, NULL), 0);
    assert_int_equal(wici_publish(w, event, len, NULL, NULL), -EAGAIN);
    assert_int_equal(wici_pending(w), 2);
    free(event);
    wici_close(&w);
}

static int
count_up(void *arg)
{
    unsigned *count = arg;

    ++*count;
    return 0;
}

/* The broker goes and comes back within one call, so that wici_state never tells. */
static void
each_connection_is_told_before_what_comes_on_it(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;
    unsigned count = 0;
    char *answer = NULL;

    (void)state;
    o.session = "told";
    o.ready_fn = count_up;
    o.ready_arg = &count;
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    assert_int_equal(count, 1);
    kit_restart(&broker);
    assert_int_equal(wici_state(w), WICI_READY); /* nothing was looked at since */
    assert_int_equal(wici_query(w, "{\"status\":{}}", WAIT_MS, &answer), 0);
    free(answer);
    assert_int_equal(count, 2);
    wici_close(&w);
}

static int
say_no(void *arg)
{
    (void)arg;
    return -EBADMSG;
}

static int
take_nothing(void *arg, const struct wici_event *event)
{
    (void)arg;
    (void)event;
    return -EBADMSG;
}

/* Also the one that means, where the library has it from the broker, that the connection is made anew. */
static void
what_a_callback_returns_is_passed_on(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;
    char dossier[37];
    int rc = 0;

    (void)state;
    o.session = "no";
    o.ready_fn = say_no;
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), -EBADMSG);
    wici_close(&w);
    w = client_open("ops-sw", "none");
    dossier_new(dossier);
    case_open(w, dossier);
    assert_int_equal(wici_subscribe(w, &(struct wici_subscribe_options){0}, take_nothing, NULL, NULL), 0);
    for (int64_t end = now_ms() + WAIT_MS; rc == 0 && now_ms() < end;)
        rc = wici_run(w, 1000);
    assert_int_equal(rc, -EBADMSG);
    assert_int_equal(wici_run(w, 0), -EBADMSG); /* the same event again */
    wici_close(&w);
}

/* ---- keep_dir */

static void
what_was_kept_is_sent_after_a_restart_of_the_program(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = client_open("ops-sw", "keeper"), *second = NULL;
    struct answers answers = {0};
    char dossier[37], dir[128], id[37];
    uint8_t *event;
    size_t len;

    (void)state;
    dossier_new(dossier);
    case_open(w, dossier);
    snprintf(dir, sizeof dir, "%s/keep", broker.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    info_encode(w, dossier, 1, &event, &len);
    wici_close(&w);

    /* Never sent: nobody listens there. */
    o.keep_dir = dir;
    o.session = "keeper";
    o.endpoints = "tcp://127.0.0.1:1";
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_publish(w, event, len, on_answer, &answers), 0);
    assert_int_equal(wici_open(&second, &o), -EBUSY);
    wici_close(&w);
    free(event);

    o = kit_options(&broker, "ops-sw");
    o.keep_dir = dir;
    o.session = "keeper";
    o.kept_fn = on_answer;
    o.kept_arg = &answers;
    assert_int_equal(wici_open(&w, &o), 0);
    for (int64_t end = now_ms() + WAIT_MS; answers.count == 0 && now_ms() < end;)
        assert_int_equal(wici_run(w, 1000), 0);
    assert_int_equal(answers.count, 1);
    assert_int_equal(answers.refused, 0);
    assert_int_equal(answers.repeated, 0);
    assert_int_equal(read_count(w, dossier), 2);
    snprintf(id, sizeof id, "%s", answers.first_id);
    wici_close(&w);

    /* Answered, but in no backup yet: kept, and not sent again while the log is the same. */
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_wait_ready(w, WAIT_MS), 0);
    assert_int_equal(read_count(w, dossier), 2);
    assert_int_equal(wici_pending(w), 0);
    assert_int_equal(answers.count, 1);
    wici_close(&w);
}

/* ---- subscriptions */

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

/* ---- questions, and the descriptor to wait on */

static void
questions_are_answered_or_refused(void **state)
{
    struct wici *w = client_open("ops-sw", "asks");
    char *answer = NULL;

    (void)state;
    assert_int_equal(wici_query(w, "{\"status\":{}}", WAIT_MS, &answer), 0);
    assert_non_null(strstr(answer, "\"origin\":\"wire.example\""));
    free(answer);
    assert_int_equal(wici_query(w, "{\"explain\":{\"seq\":\"999999\"}}", WAIT_MS, &answer), -EPROTO);
    assert_string_equal(wici_error(w)->code, "E_UNKNOWN");
    assert_int_equal(wici_query(w, "{\"nonsense\":{}}", WAIT_MS, &answer), -EPROTO);
    assert_string_equal(wici_error(w)->code, "E_JSON");
    wici_close(&w);
}

static void
the_descriptor_wakes_a_program_that_polls(void **state)
{
    struct wici_options o = kit_options(&broker, "ops-sw");
    struct wici *w = NULL;
    struct answers answers = {0};
    char dossier[37];
    uint8_t *event = NULL;
    size_t len;
    int64_t end = now_ms() + WAIT_MS;

    (void)state;
    o.session = "poll";
    assert_int_equal(wici_open(&w, &o), 0);
    assert_int_equal(wici_run(w, 0), 0);
    while (wici_state(w) != WICI_READY && now_ms() < end) {
        struct pollfd p = {.fd = wici_fd(w), .events = POLLIN};

        assert_true(poll(&p, 1, WAIT_MS) > 0);
        assert_int_equal(wici_run(w, 0), 0);
    }
    dossier_new(dossier);
    case_open(w, dossier);
    info_encode(w, dossier, 1, &event, &len);
    assert_int_equal(wici_publish(w, event, len, on_answer, &answers), 0);
    free(event);
    while (answers.count == 0 && now_ms() < end) {
        struct pollfd p = {.fd = wici_fd(w), .events = POLLIN};

        assert_true(poll(&p, 1, WAIT_MS) > 0);
        assert_int_equal(wici_run(w, 0), 0);
    }
    assert_int_equal(answers.count, 1);
    wici_close(&w);
}

/* What is done between two rounds uses the socket too, and must not swallow what woke the descriptor. */
static void
the_descriptor_still_wakes_after_a_call_between_two_rounds(void **state)
{
    struct wici *writer = client_open("ops-sw", "swallow-writer"), *reader = client_open("ops-sw", "swallow-reader");
    struct wici_subscribe_options options = {.live = 1};
    struct events events = {0};
    struct pollfd fd = {.fd = wici_fd(reader), .events = POLLIN};
    uint32_t kept, dropped[8];
    char dossier[37];

    (void)state;
    assert_int_equal(wici_subscribe(reader, &options, on_event, &events, &kept), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(wici_subscribe(reader, &options, on_event, &events, &dropped[i]), 0);
    while (poll(&fd, 1, 1500) > 0) /* until they are all live and quiet */
        assert_int_equal(wici_run(reader, 0), 0);
    dossier_new(dossier);
    case_open(writer, dossier);
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(wici_unsubscribe(reader, dropped[i]), 0);
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    for (int64_t deadline = now_ms() + WAIT_MS; events.count == 0 && now_ms() < deadline;)
        if (poll(&fd, 1, (int)(deadline - now_ms())) > 0)
            assert_int_equal(wici_run(reader, 0), 0);
    assert_true(events.count > 0);
    wici_close(&writer);
    wici_close(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses_what_cannot_work),
        cmocka_unit_test(a_key_nobody_enrolled_is_told_so),
        cmocka_unit_test(the_second_endpoint_is_used_when_the_first_is_dead),
        cmocka_unit_test(nobody_there_is_a_timeout),
        cmocka_unit_test(a_full_window_publishes_everything_in_order),
        cmocka_unit_test(a_broker_killed_in_between_loses_and_doubles_nothing),
        cmocka_unit_test(a_refusal_names_code_path_and_sentence),
        cmocka_unit_test(the_window_says_when_it_is_full),
        cmocka_unit_test(each_connection_is_told_before_what_comes_on_it),
        cmocka_unit_test(what_a_callback_returns_is_passed_on),
        cmocka_unit_test(what_was_kept_is_sent_after_a_restart_of_the_program),
        cmocka_unit_test(a_subscription_goes_on_over_a_broken_connection_without_gap_or_repeat),
        cmocka_unit_test(an_event_that_is_not_taken_comes_again),
        cmocka_unit_test(nothing_beyond_what_was_delivered_can_be_acknowledged),
        cmocka_unit_test(a_cursor_taken_over_tells_the_first),
        cmocka_unit_test(a_session_taken_over_is_soon_taken_back_but_later_each_time),
        cmocka_unit_test(a_session_that_was_kept_for_long_is_soon_taken_back_again),
        cmocka_unit_test(questions_are_answered_or_refused),
        cmocka_unit_test(the_descriptor_wakes_a_program_that_polls),
        cmocka_unit_test(the_descriptor_still_wakes_after_a_call_between_two_rounds),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
