/* What agents/wici.h says of opening, publishing, keeping and asking, against a real broker that is killed now and
 * then; test_libwici_subscribe.c has subscriptions. */
#include "tests/e2e/test_client_kit.h"

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
        cmocka_unit_test(questions_are_answered_or_refused),
        cmocka_unit_test(the_descriptor_wakes_a_program_that_polls),
        cmocka_unit_test(the_descriptor_still_wakes_after_a_call_between_two_rounds),
    };

    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
