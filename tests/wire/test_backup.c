/* Backups of a broker that serves: what broker/backup.h and docs/INSTALL.md say. */
#include "tests/wire/kit.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* Asks; label "" for how the last one is. The caller frees it. */
static Wici__V1__BrokerMessage *
ask_any(struct peer *p, const char *label, Wici__V1__BrokerMessage__MessageCase kind)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__BackupQuery what;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__backup_query__init(&what);
    what.label = (char *)(uintptr_t)label;
    query.request = 9;
    query.what_case = WICI__V1__QUERY__WHAT_BACKUP;
    query.backup = &what;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_send(p, &message);
    return peer_expect(p, kind);
}

static Wici__V1__BrokerMessage *
ask(struct peer *p, const char *label)
{
    return ask_any(p, label, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
}

static void
assert_refused(struct peer *p, const char *label, const char *code)
{
    Wici__V1__BrokerMessage *m = ask_any(p, label, WICI__V1__BROKER_MESSAGE__MESSAGE_REFUSED);

    assert_string_equal(m->refused->refusal->code, code);
    peer_free(m);
}

static bool
is_under_way(const Wici__V1__Backup *b)
{
    return strcmp(b->state, "DONE") != 0 && strcmp(b->state, "FAILED") != 0;
}

static void
pause_short(void)
{
    (void)usleep(20000); /* between two questions, not instead of one */
}

/* Begins one and waits for its end. The caller frees it. */
static Wici__V1__BrokerMessage *
backup_ended(struct peer *admin, const char *label)
{
    Wici__V1__BrokerMessage *m = ask(admin, label);

    for (unsigned i = 0; is_under_way(m->query_result->backup); i++) {
        assert_true(i < PEER_TIMEOUT_MS / 20);
        peer_free(m);
        pause_short();
        m = ask(admin, "");
    }
    assert_string_equal(m->query_result->backup->label, label);
    return m;
}

static uint64_t
backup_done(struct peer *admin, const char *label)
{
    Wici__V1__BrokerMessage *m = backup_ended(admin, label);
    uint64_t records = m->query_result->backup->records;

    assert_string_equal(m->query_result->backup->state, "DONE");
    assert_true(m->query_result->backup->safe_up_to >= records);
    peer_free(m);
    return records;
}

static void
backup_fails(struct peer *admin, const char *label, const char *failure)
{
    Wici__V1__BrokerMessage *m = backup_ended(admin, label);

    assert_string_equal(m->query_result->backup->state, "FAILED");
    assert_string_equal(m->query_result->backup->failure, failure);
    peer_free(m);
}

static void
shell(const struct town *t, const char *command)
{
    char text[512];

    (void)snprintf(text, sizeof text, "cd %s && %s", t->daemon.dir, command);
    assert_int_equal(system(text), 0);
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
    shell(t, "mkdir -p backup backup-keys");
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
    shell(t, "test ! -e backup/monday.part && test ! -e backup-keys/monday.part && "
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
    m = ask(&admin, "monday");
    while (is_under_way(m->query_result->backup)) {
        last = letter(t, &sw);
        published++;
        peer_free(m);
        m = ask(&admin, "");
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
    m = ask(&admin, "");
    assert_string_equal(m->query_result->backup->state, "NONE");
    peer_free(m);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(&admin, bad[i], "E_REQUEST");
    m = ask(&admin, "monday");
    peer_free(m);
    assert_refused(&admin, "tuesday", "E_STATE");
    for (;;) {
        m = ask(&admin, "");
        bool more = is_under_way(m->query_result->backup);

        peer_free(m);
        if (!more)
            break;
        pause_short();
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
    shell(t, "cksum backup/monday/log/data.mdb backup-keys/monday/keys > before");
    backup_fails(&admin, "monday", "EXISTS");
    shell(t, "mv backup/monday elsewhere"); /* taken away: its keys are there still, and are the only ones */
    backup_fails(&admin, "monday", "EXISTS");
    shell(t, "mv elsewhere backup/monday");
    shell(t, "cksum backup/monday/log/data.mdb backup-keys/monday/keys | cmp - before");
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
    shell(t, "mkdir -p backup/monday.part/log backup-keys/monday.part && echo x > backup/monday.part/log/data.mdb && "
             "echo x > backup/monday.part/BACKUP && echo x > backup-keys/monday.part/keys");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    (void)backup_done(&admin, "monday");
    assert_verifies(t, "monday");
    shell(t, "mkdir backup/tuesday.part && echo x > backup/tuesday.part/mine"); /* not ours: it stays */
    backup_fails(&admin, "tuesday", "BROKEN");
    shell(t, "test -e backup/tuesday.part/mine");
    peer_close(&admin);
}

static void
a_failure_leaves_no_half_and_the_broker_serves(void **state)
{
    struct town *t = *state;
    struct peer admin, sw;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    backup_fails(&admin, "monday", "NO_PLACE"); /* there are no folders */
    folders_make(t);
    shell(t, "rmdir backup-keys && ln -s backup backup-keys");
    backup_fails(&admin, "monday", "NO_PLACE");
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    (void)letter(t, &sw);
    (void)letter(t, &sw);
    shell(t, "rm backup-keys && mkdir backup-keys && cp keys/keys whole && printf x | dd of=keys/keys bs=1 seek=150 "
             "conv=notrunc status=none"); /* in the first dossier's key, which the broker has in memory */
    backup_fails(&admin, "monday", "INVALID");
    assert_true(daemon_logged(&t->daemon, "backup: monday failed"));
    shell(t, "test -z \"$(ls -A backup backup-keys | grep -v :)\"");
    shell(t, "cp whole keys/keys");
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
        TEST(a_backup_verifies_and_says_how_far_it_goes), TEST(publishers_are_told_at_once_and_after_a_restart),
        TEST(publishing_goes_on_meanwhile),               TEST(only_administrators_begin_one_and_one_at_a_time),
        TEST(a_backup_is_never_replaced),                 TEST(what_an_attempt_left_is_removed_by_the_next_one),
        TEST(a_failure_leaves_no_half_and_the_broker_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
