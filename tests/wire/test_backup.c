/* Backups of a broker that serves: what broker/backup.h and docs/INSTALL.md say. */
#include "tests/wire/backup_kit.h"
#include "tests/wire/erase_kit.h"

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

/* Nor is one that nobody ever sends: whoever publishes could have all backups fail. */
static void
a_document_that_is_named_and_not_sent_is_missing_in_no_backup(void **state)
{
    struct town *t = *state;
    Wici__V1__Document never = WICI__V1__DOCUMENT__INIT, *documents[] = {&never};
    Wici__V1__InfoProvidedS0 what = WICI__V1__INFO_PROVIDED_S0__INIT;
    Wici__V1__InfoProvidedS6 body = WICI__V1__INFO_PROVIDED_S6__INIT;
    Wici__V1__Section s0 = WICI__V1__SECTION__INIT, s6 = WICI__V1__SECTION__INIT;
    const Wici__V1__Section *sections[] = {&s0, &s6};
    char digest[] = "0101010101010101010101010101010101010101010101010101010101010101", day[] = "2026-03-02",
         media[] = "application/pdf", kind[] = "INFORMATION", text[] = "w zalaczeniu", dossier[37];
    struct peer_event event;
    struct peer admin, sw;
    uint64_t seq;

    folders_make(t);
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    never.sha256 = digest;
    never.size = 5;
    never.media_type = media;
    what.provided_on = day;
    body.doc_kind = kind;
    body.text = text;
    body.documents = documents;
    body.n_documents = 1;
    s0.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S0;
    s0.info_provided_s0 = &what;
    s6.body_case = WICI__V1__SECTION__BODY_INFO_PROVIDED_S6;
    s6.info_provided_s6 = &body;
    peer_uuid4(dossier);
    peer_event_make(&sw, WICI__V1__EVENT_TYPE__INFO_PROVIDED, dossier, "sp12-ped", sections, 2, &event);
    seq = peer_publish_taken(&sw, &event);
    peer_event_free(&event);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    assert_true(backup_done(&admin, "monday") >= seq);
    assert_verifies(t, "monday");
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
               "echo x > backup/monday.part/BACKUP.tmp && echo x > backup-keys/monday.part/BACKUP.tmp && "
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
    town_shell(
        t,
        "rm backup-keys && mkdir backup-keys && cp keys/keys whole && printf xxxxxxxx | dd of=keys/keys bs=1 seek=150 "
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

/* ---- an erasure meanwhile */

/* Is it started? Before that its parent waits for it, and must not wait for one that is stopped. */
static bool
is_child(pid_t pid)
{
    char path[64], words[256] = "";
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    len = fread(words, 1, sizeof words - 1, file);
    fclose(file);
    return len > strlen("wicid") + 1 && strcmp(words + strlen(words) + 1, "backup-child") == 0;
}

/* The process that makes the backup; 0: there is none. */
static pid_t
child_of(const struct town *t)
{
    char path[64];
    int child = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)t->daemon.pid, (int)t->daemon.pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return is_child(child) ? child : 0;
}

static bool
is_stopped(pid_t pid)
{
    char path[64], state = '?';
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    fclose(file);
    return state == 'T';
}

/* Begins a backup and stops the process that makes it, before it has copied. label gets its name. */
static pid_t
backup_stopped(struct town *t, struct peer *admin, char label[16])
{
    for (unsigned i = 0; i < 20; i++) {
        Wici__V1__BrokerMessage *m;
        bool copying;
        pid_t child = 0;

        (void)snprintf(label, 16, "stopped%u", i);
        peer_free(backup_ask(admin, label));
        for (unsigned n = 0; n < 20000 && child == 0; n++) {
            child = child_of(t);
            if (child == 0)
                (void)usleep(500); /* between two looks */
        }
        assert_int_not_equal(child, 0);
        (void)kill(child, SIGSTOP);
        for (unsigned n = 0; n < 20000 && !is_stopped(child) && child_of(t) == child; n++)
            (void)usleep(500);
        m = backup_ask(admin, "");
        copying = strcmp(m->query_result->backup->state, "COPYING") == 0;
        peer_free(m);
        if (copying)
            return child;
        (void)kill(child, SIGCONT); /* it was quicker */
        peer_free(backup_wait(admin, backup_ask(admin, "")));
    }
    fail_msg("no backup could be stopped while it copied");
    return 0;
}

static size_t
intents_count(struct town *t)
{
    struct peer auditor;
    Wici__V1__BrokerMessage *m;
    size_t count;

    peer_hello(&auditor, &t->daemon, &t->auditor, "look");
    m = town_read(&auditor, WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED, 1);
    count = m->read_result->n_deliveries;
    peer_free(m);
    peer_close(&auditor);
    return count;
}

/* The copy of the log was made, or may have been, with the dossier in it: its key is needed until it is copied too. */
static void
an_erasure_waits_until_log_and_keys_are_copied(void **state)
{
    struct town *t = *state;
    struct peer admin, orders, sw;
    Wici__V1__BrokerMessage *m;
    char dossier[37], label[16];
    pid_t child;

    folders_make(t);
    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "backup");
    peer_hello(&orders, &t->daemon, &t->daemon.admin, "orders");
    peer_uuid4(dossier);
    (void)peer_letter(&sw, dossier, "sp12-ped", "one");
    child = backup_stopped(t, &admin, label);
    erase_send(&orders, 11, dossier, "COURT_ORDER");
    for (unsigned i = 0; i < 20; i++) /* each in a tick of its own, in which the erasure might go on */
        (void)letter(t, &sw);
    (void)peer_letter(&sw, dossier, "sp12-ped", "taken as ever");
    assert_int_equal(intents_count(t), 0);
    (void)kill(child, SIGCONT);
    m = peer_expect(&orders, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_true(m->query_result->erase->done);
    assert_int_equal(m->query_result->erase->records, 2); /* with what came while it waited */
    peer_free(m);
    m = backup_wait(&admin, backup_ask(&admin, ""));
    assert_string_equal(m->query_result->backup->state, "DONE");
    peer_free(m);
    assert_verifies(t, label);
    town_shell(t, "! grep -q 'no content' verified"); /* as it was when it was asked for */

    (void)backup_done(&admin, "after");
    assert_verifies(t, "after");
    town_shell(t, "grep -q 'no content' verified");
    peer_close(&sw);
    peer_close(&admin);
    peer_close(&orders);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backup_verifies_and_says_how_far_it_goes),
        TEST(a_document_that_is_named_and_not_sent_is_missing_in_no_backup),
        TEST(publishers_are_told_at_once_and_after_a_restart),
        TEST(publishing_goes_on_meanwhile),
        TEST(only_administrators_begin_one_and_one_at_a_time),
        TEST(a_backup_is_never_replaced),
        TEST(what_an_attempt_left_is_removed_by_the_next_one),
        TEST(a_failure_leaves_no_half_and_the_broker_serves),
        TEST(an_erasure_waits_until_log_and_keys_are_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
