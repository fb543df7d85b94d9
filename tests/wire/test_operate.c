/* What an operator meets: configuration, init, signals, restarts (docs/CONFIG.md, docs/man/wicid.8). */
#include "tests/wire/kit.h"

#include <sys/stat.h>
#include <unistd.h>

static void
config_errors_name_file_and_line(void **state)
{
    struct town *t = *state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"# fine\nlisten = tcp://127.0.0.1:*\nlistne = x\n", "bad.conf:3: unknown option 'listne'"},
        {"data.size_max = 1M\n", "bad.conf:1: '1M' does not fit option 'data.size_max': 16M to 16T"},
        {"data.size_max = many\n", "bad.conf:1: 'many' does not fit"},
        {"log.level = loud\n", "bad.conf:1: 'loud' does not fit option 'log.level'"},
        {"log.level = info\n\nlog.level = info\n", "bad.conf:3: option 'log.level' is given twice"},
        {"listen\n", "bad.conf:1: not of the form"},
        {"listen =\n", "bad.conf:1: '' does not fit"},
    };
    char path[160], out[4096];

    (void)snprintf(path, sizeof path, "%s/bad.conf", t->daemon.dir);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        daemon_write(&t->daemon, "bad.conf", cases[i].text);
        assert_int_equal(RUN(out, "-t", "-c", path), 2);
        if (strstr(out, cases[i].expected) == NULL)
            fail_msg("expected '%s' in: %s", cases[i].expected, out);
    }
    assert_int_equal(RUN(out, "-t", "-c", "/nowhere/wicid.conf"), 2);
    assert_non_null(strstr(out, "/nowhere/wicid.conf: No such file"));
    assert_int_equal(RUN(out, "-t", "-c", t->daemon.config), 0);
    assert_int_equal(RUN(out, "--no-such-argument"), 2);
}

static void
what_is_printed_can_be_read_again(void **state)
{
    struct town *t = *state;
    char path[160], first[4096], second[4096];

    assert_int_equal(RUN(first, "-p", "-c", t->daemon.config), 0);
    daemon_write(&t->daemon, "again.conf", first);
    (void)snprintf(path, sizeof path, "%s/again.conf", t->daemon.dir);
    assert_int_equal(RUN(second, "-p", "-c", path), 0);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "data.size_max = 268435456\n"));
}

static void
init_does_not_touch_a_log_that_has_records(void **state)
{
    struct town *t = *state;
    struct keyfile key;
    char path[160], out[4096];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    (void)snprintf(path, sizeof path, "%s/other.key", t->daemon.dir);
    assert_int_equal(RUN(out, "init", "-c", t->daemon.config, "--origin", "wire.example", "--agency", "ops",
                         "--agency-name", "OPS", "--unit", "admin", "--admin-key", path),
                     1);
    assert_non_null(strstr(out, "has records already"));
    assert_int_equal(keyfile_read(path, &key), -2); /* ENOENT: nothing was made */
    daemon_start(&t->daemon);
}

static void
two_brokers_do_not_share_a_log(void **state)
{
    struct town *t = *state;
    char out[4096];

    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    assert_non_null(strstr(out, "another process has"));
}

static void
a_key_file_that_others_can_read_is_refused(void **state)
{
    struct town *t = *state;
    char path[160], out[4096];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    (void)snprintf(path, sizeof path, "%s/curve.key", t->daemon.dir);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    assert_non_null(strstr(out, "others may read it"));
    assert_int_equal(chmod(path, 0600), 0);
    (void)snprintf(path, sizeof path, "%s/kek", t->daemon.dir);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    assert_non_null(strstr(out, "can be read by others"));
    assert_int_equal(chmod(path, 0600), 0);
    daemon_start(&t->daemon);
}

static void
a_lost_administrator_key_is_replaced_on_the_stopped_broker(void **state)
{
    struct town *t = *state;
    struct keyfile fresh;
    struct peer admin;
    char path[160], out[4096];
    Wici__V1__BrokerMessage *message;

    (void)snprintf(path, sizeof path, "%s/fresh.key", t->daemon.dir);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_int_equal(RUN(out, "init", "--recover", "-c", t->daemon.config, "--unit", "ops-sw", "--admin-key", path), 1);
    assert_non_null(strstr(out, "knows no administrator"));
    assert_int_equal(RUN(out, "init", "--recover", "-c", t->daemon.config, "--unit", "admin", "--admin-key", path), 0);
    assert_int_equal(keyfile_read(path, &fresh), 0);
    daemon_start(&t->daemon);
    peer_hello(&admin, &t->daemon, &fresh, "recovered");
    message = town_read(&admin, WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED, 1);
    assert_true(message->read_result->n_deliveries >= 1);
    peer_free(message);
    peer_close(&admin);
    peer_connect(&admin, &t->daemon, &t->daemon.admin); /* the lost key opens nothing any more */
    {
        Wici__V1__ClientMessage hello;
        Wici__V1__Hello body;

        wici__v1__client_message__init(&hello);
        wici__v1__hello__init(&body);
        body.protocol = 1;
        hello.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
        hello.hello = &body;
        peer_send(&admin, &hello);
        assert_null(peer_receive(&admin, 1000));
    }
    peer_close(&admin);
    t->daemon.admin = fresh;
}

static void
sigterm_answers_what_was_taken_and_loses_nothing_acknowledged(void **state)
{
    struct town *t = *state;
    struct peer p;
    struct peer_event events[WIRE_PUBLISH_MAX];
    uint64_t answered = 0, last = 0;
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_hello(&p, &t->daemon, &t->sw, "term");
    peer_uuid4(dossier);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < WIRE_PUBLISH_MAX; i++)
            peer_letter_make(&p, dossier, "ops-sw2", "x", &events[i]);
        peer_publish_later(&p, events, WIRE_PUBLISH_MAX);
        for (unsigned i = 0; i < WIRE_PUBLISH_MAX; i++)
            peer_event_free(&events[i]);
    }
    message = peer_expect(&p, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS); /* the others are under way */
    do {
        assert_int_equal(message->answers->number, ++answered);
        last = message->answers->answers[WIRE_PUBLISH_MAX - 1]->receipt->seq;
        peer_free(message);
        if (answered == 1)
            assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
        message = peer_receive(&p, 500);
    } while (message != NULL);
    peer_close(&p);
    daemon_start(&t->daemon);
    peer_hello(&p, &t->daemon, &t->sw, "term");
    message = town_read(&p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, last);
    assert_true(message->read_result->n_deliveries >= 1);
    assert_int_equal(message->read_result->deliveries[0]->seq, last);
    peer_free(message);
    peer_close(&p);
}

static void
what_was_acknowledged_survives_kill_9(void **state)
{
    struct town *t = *state;
    struct peer p;
    uint64_t seqs[30];
    Wici__V1__BrokerMessage *message;
    char dossier[37];

    peer_uuid4(dossier);
    for (unsigned round = 0; round < 3; round++) {
        peer_hello(&p, &t->daemon, &t->sw, "kill");
        for (unsigned i = 0; i < 10; i++)
            seqs[round * 10 + i] = peer_letter(&p, dossier, "ops-sw2", "x");
        assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
        peer_close(&p);
        daemon_start(&t->daemon);
    }
    peer_hello(&p, &t->daemon, &t->sw, "kill");
    message = town_read(&p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, seqs[0]);
    assert_int_equal(message->read_result->n_deliveries, 30);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(message->read_result->deliveries[i]->seq, seqs[i]);
    peer_free(message);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_errors_name_file_and_line),
        cmocka_unit_test(what_is_printed_can_be_read_again),
        cmocka_unit_test(init_does_not_touch_a_log_that_has_records),
        cmocka_unit_test(two_brokers_do_not_share_a_log),
        cmocka_unit_test(a_key_file_that_others_can_read_is_refused),
        cmocka_unit_test(a_lost_administrator_key_is_replaced_on_the_stopped_broker),
        cmocka_unit_test(sigterm_answers_what_was_taken_and_loses_nothing_acknowledged),
        cmocka_unit_test(what_was_acknowledged_survives_kill_9),
    };

    return cmocka_run_group_tests_name("wire: operating", tests, town_setup, town_teardown);
}
