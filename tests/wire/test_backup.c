/* Backups of a broker that serves: what broker/backup.h and docs/INSTALL.md say. */
#include "tests/wire/backup_kit.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static void
assert_refused(struct peer *p, const char *label, const char *code)
{
    Wici__V1__BrokerMessage *m = backup_ask_any(p, label, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);

    assert_string_equal(m->refused->refusal->code, code);
    peer_free(m);
}

static void
backup_fails(struct peer *admin, const char *label, const char *failure)
{
    Wici__V1__BrokerMessage *m = backup_ended(admin, label);

    assert_string_equal(m->query_result->backup->state, "FAILED");
    assert_string_equal(m->query_result->backup->failure, failure);
    peer_free(m);
}

/* wici-verify, with the keys, on what lies under the label. */
static void
assert_verifies(const struct town *t, const char *label)
{
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "cd %s && '%s/wici-verify' $(sed -n 's/^vkey /--vkey /p' backup/%s/BACKUP) --key-dir backup-keys/%s "
                   "--kek kek backup/%s > verified && ! grep -q sealed verified",
                   t->daemon.dir, getenv("WICI_BIN"), label, label, label);
    assert_int_equal(system(text), 0);
}

static uint64_t
letter(struct town *t, struct peer *sw)
{
    char dossier[37];

    (void)t;
    peer_uuid4(dossier);
    return peer_letter(sw, dossier, "sp12-ped", "Zaświadczenie.");
}

static void
folders_make(struct town *t)
{
    town_shell(t, "mkdir -p backup backup-keys");
}

/* ---- */

static void
a_backup_verifies_and_says_how_far_it_goes(void **state)
{
    struct town *t = *state;
    struct peer admin, sw;
    uint64_t seq, records;

    folders_make(t);
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    seq = letter(t, &sw);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    records = backup_done(&admin, "monday");
    assert_true(records >= seq);
    assert_verifies(t, "monday");
    town_shell(t, "test ! -e backup/monday.part && test ! -e backup-keys/monday.part && "
                  "cmp backup/monday/BACKUP backup-keys/monday/BACKUP");
    peer_close(&admin);
    peer_close(&sw);
}

static void
publishers_are_told_at_once_and_after_a_restart(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *m;
    Wici__V1__ClientMessage hello;
    Wici__V1__Hello body;
    struct peer admin, sw;
    uint64_t records;

    folders_make(t);
    peer_hello(&sw, &t->daemon, &t->sw, "letters"); /* no subscription */
    (void)letter(t, &sw);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    records = backup_done(&admin, "monday");
    while ((m = peer_receive(&sw, PEER_TIMEOUT_MS)) != NULL) {
        uint64_t told = m->message_case == WICI__V1__BROKER_MESSAGE__MESSAGE_POSITIONS ? m->positions->safe_up_to : 0;

        peer_free(m);
        if (told != 0) {
            assert_int_equal(told, records);
            break;
        }
    }
    assert_non_null(m);
    peer_close(&admin);
    peer_close(&sw);
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    daemon_start(&t->daemon);
    wici__v1__client_message__init(&hello);
    wici__v1__hello__init(&body);
    body.protocol = 1;
    body.session = (char *)(uintptr_t) "again";
    hello.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    hello.hello = &body;
    peer_connect(&sw, &t->daemon, &t->sw);
    peer_send(&sw, &hello);
    m = peer_expect(&sw, WICI__V1__BROKER_MESSAGE__MESSAGE_WELCOME);
    assert_int_equal(m->welcome->safe_up_to, records);
    peer_free(m);
    peer_close(&sw);
}

static void
publishing_goes_on_meanwhile(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *m;
    struct peer admin, sw;
    uint64_t first, last = 0;
    unsigned published = 0;

    folders_make(t);
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    first = letter(t, &sw);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    m = backup_ask(&admin, "monday");
    while (backup_is_under_way(m->query_result->backup)) {
        last = letter(t, &sw);
        published++;
        peer_free(m);
        m = backup_ask(&admin, "");
    }
    assert_string_equal(m->query_result->backup->state, "DONE");
    assert_in_range(m->query_result->backup->records, first, last);
    peer_free(m);
    assert_true(published > 1);
    assert_verifies(t, "monday");
    peer_close(&admin);
    peer_close(&sw);
}

static void
only_administrators_begin_one_and_one_at_a_time(void **state)
{
    static const char *const bad[] = {".", "..", ".x", "a/b", "a b", "x.part", "../../etc", "ą"};
    struct town *t = *state;
    Wici__V1__BrokerMessage *m;
    struct peer admin, other;

    folders_make(t);
    peer_hello(&other, &t->daemon, &t->auditor, "backup");
    assert_refused(&other, "monday", "E_UNKNOWN");
    assert_refused(&other, "", "E_UNKNOWN");
    peer_close(&other);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    m = backup_ask(&admin, "");
    assert_string_equal(m->query_result->backup->state, "NONE");
    peer_free(m);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(&admin, bad[i], "E_REQUEST");
    m = backup_ask(&admin, "monday");
    peer_free(m);
    assert_refused(&admin, "tuesday", "E_STATE");
    for (;;) {
        m = backup_ask(&admin, "");
        bool more = backup_is_under_way(m->query_result->backup);

        peer_free(m);
        if (!more)
            break;
        (void)usleep(20000);
    }
    peer_close(&admin);
}

static void
a_backup_is_never_replaced(void **state)
{
    struct town *t = *state;
    struct peer admin;

    folders_make(t);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    (void)backup_done(&admin, "monday");
    town_shell(t, "cksum backup/monday/log/data.mdb backup-keys/monday/keys > before");
    backup_fails(&admin, "monday", "EXISTS");
    town_shell(t, "mv backup/monday elsewhere"); /* taken away: its keys are there still, and are the only ones */
    backup_fails(&admin, "monday", "EXISTS");
    town_shell(t, "mv elsewhere backup/monday");
    town_shell(t, "cksum backup/monday/log/data.mdb backup-keys/monday/keys | cmp - before");
    assert_verifies(t, "monday");
    (void)backup_done(&admin, "tuesday");
    peer_close(&admin);
}

static void
what_an_attempt_left_is_removed_by_the_next_one(void **state)
{
    struct town *t = *state;
    struct peer admin;

    folders_make(t);
    town_shell(t,
               "mkdir -p backup/monday.part/log backup-keys/monday.part && echo x > backup/monday.part/log/data.mdb && "
               "echo x > backup/monday.part/BACKUP.new && echo x > backup-keys/monday.part/BACKUP.new && "
               "echo x > backup/monday.part/BACKUP && echo x > backup-keys/monday.part/keys");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    (void)backup_done(&admin, "monday");
    assert_verifies(t, "monday");
    town_shell(t, "mkdir backup/tuesday.part && echo x > backup/tuesday.part/mine"); /* not ours: it stays */
    backup_fails(&admin, "tuesday", "BROKEN");
    town_shell(t, "test -e backup/tuesday.part/mine");
    peer_close(&admin);
}

static void
a_failure_leaves_no_half_and_the_broker_serves(void **state)
{
    struct town *t = *state;
    Wici__V1__BrokerMessage *m;
    struct peer admin, sw;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    backup_fails(&admin, "monday", "NO_PLACE"); /* there are no folders */
    folders_make(t);
    town_shell(t, "rmdir backup-keys && ln -s backup backup-keys");
    backup_fails(&admin, "monday", "NO_PLACE");
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    (void)letter(t, &sw);
    (void)letter(t, &sw);
    town_shell(t,
               "rm backup-keys && mkdir backup-keys && cp keys/keys whole && printf x | dd of=keys/keys bs=1 seek=150 "
               "conv=notrunc status=none"); /* in the first dossier's key, which the broker has in memory */
    backup_fails(&admin, "monday", "INVALID");
    m = backup_ask(&admin, "");
    assert_int_equal(m->query_result->backup->safe_up_to, 0); /* nobody lets anything go */
    peer_free(m);
    assert_true(daemon_logged(&t->daemon, "backup: monday failed"));
    town_shell(t, "test -z \"$(ls -A backup backup-keys | grep -v :)\"");
    town_shell(t, "cp whole keys/keys");
    (void)letter(t, &sw);
    (void)backup_done(&admin, "monday");
    assert_verifies(t, "monday");
    peer_close(&admin);
    peer_close(&sw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backup_verifies_and_says_how_far_it_goes),
        TEST(publishers_are_told_at_once_and_after_a_restart),
        TEST(publishing_goes_on_meanwhile),
        TEST(only_administrators_begin_one_and_one_at_a_time),
        TEST(a_backup_is_never_replaced),
        TEST(what_an_attempt_left_is_removed_by_the_next_one),
        TEST(a_failure_leaves_no_half_and_the_broker_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
