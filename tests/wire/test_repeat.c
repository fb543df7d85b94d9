/* A log that was put back from a copy older than an erasure: what broker/erase_repeat.h says. */
#include "tests/wire/backup_kit.h"
#include "tests/wire/erase_kit.h"

#include <inttypes.h>
#include <sys/wait.h>

/* From the order to the end. */
static void
erase(struct town *t, const char *dossier)
{
    Wici__V1__BrokerMessage *answer;
    struct peer admin;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "erase");
    erase_send(&admin, 5, dossier, "COURT_ORDER");
    answer = peer_expect(&admin, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    assert_true(answer->query_result->erase->done);
    peer_free(answer);
    peer_close(&admin);
}

/* The log, and with `lost` its key store, are gone; guard and list of destroyed keys are not. */
static void
restore(struct town *t, bool lost)
{
    char from[200], keys[200], out[8192], command[400], *key;

    (void)snprintf(from, sizeof from, "%s/backup/monday", t->daemon.dir);
    (void)snprintf(keys, sizeof keys, "%s/backup-keys/monday", t->daemon.dir);
    town_shell(t, lost ? "rm -r data keys" : "rm -r data");
    assert_int_equal(RUN(out, "restore", from, "--keys", keys, "-c", t->daemon.config), 0);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    key = strstr(out, "wire.example-e2+");
    assert_non_null(key);
    key[strcspn(key, " \n")] = '\0';
    (void)snprintf(command, sizeof command, "echo '%s' > epoch.vkey", key);
    town_shell(t, command);
}

/* What an auditor's program says of the log as it lies there. */
static void
assert_verify(struct town *t, const char *words, int code)
{
    char text[2048];
    int status;

    (void)snprintf(text, sizeof text,
                   "cd %s && '%s/wici-verify' $(sed -n 's/^vkey /--vkey /p' backup/monday/BACKUP) --vkey $(cat "
                   "epoch.vkey) %s data > verified",
                   t->daemon.dir, getenv("WICI_BIN"), words);
    status = system(text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* The deliveries of a type, and the S0 of the last one. */
static size_t
given(struct town *t, const struct keyfile *key, Wici__V1__EventType type, Wici__V1__Section **ret)
{
    struct peer p;
    Wici__V1__BrokerMessage *m;
    size_t count;

    peer_hello(&p, &t->daemon, key, "given");
    m = town_read(&p, type, 1);
    count = m->read_result->n_deliveries;
    if (ret != NULL)
        *ret = count == 0 ? NULL : town_s0(m->read_result->deliveries[count - 1]);
    peer_free(m);
    peer_close(&p);
    return count;
}

static void
assert_refused(struct town *t, const struct keyfile *key, const char *dossier, const char *code)
{
    struct peer_event event;
    Wici__V1__BrokerMessage *m;
    struct peer p;

    peer_hello(&p, &t->daemon, key, "again");
    peer_letter_make(&p, dossier, "sp12-ped", "again", &event);
    m = peer_publish(&p, &event);
    assert_non_null(m->answers->answers[0]->refusal);
    assert_string_equal(m->answers->answers[0]->refusal->code, code);
    peer_free(m);
    peer_event_free(&event);
    peer_close(&p);
}

static uint64_t
letter(struct town *t, const char *dossier)
{
    struct peer sw;
    uint64_t seq;

    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    seq = peer_letter(&sw, dossier, "sp12-ped", "Zaświadczenie.");
    peer_close(&sw);
    return seq;
}

/* Of what is repeated the copies are asked for anew: each of the two dossiers leads to it, and nobody has answered. */
static void
assert_copies_are_asked_for(struct town *t, const char *dossier)
{
    Wici__V1__BrokerMessage *answer;
    struct peer admin;

    peer_hello(&admin, &t->daemon, &t->daemon.admin, "copies");
    answer = erasures_ask(&admin, dossier, 0, 0, 0);
    assert_int_equal(erasures_of(answer)->n_erasures, 1);
    assert_string_equal(erasures_of(answer)->erasures[0]->reason, "REPEATED");
    assert_true(erasures_of(answer)->erasures[0]->done_seq != 0);
    assert_true(erasures_of(answer)->erasures[0]->told >= 3);
    assert_int_equal(erasures_of(answer)->erasures[0]->destroyed + erasures_of(answer)->erasures[0]->kept, 0);
    peer_free(answer);
    peer_close(&admin);
}

/* ---- */

static void
restored_and_repeated(struct town *t, bool lost)
{
    const Wici__V1__SysErasureIntendedS0 *intended;
    char dossier[37], later[37], kept[37];
    Wici__V1__Section *s0 = NULL;
    uint64_t seq;

    peer_uuid4(dossier);
    peer_uuid4(later);
    peer_uuid4(kept);
    seq = letter(t, dossier);
    (void)letter(t, kept);
    (void)town_backup(t, "monday");
    (void)letter(t, dossier);
    (void)letter(t, later); /* the copy never heard of this one */
    erase(t, dossier);
    erase(t, later);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);

    restore(t, lost);
    assert_verify(t, "--key-dir keys --kek kek", 5); /* no record says it yet */
    assert_verify(t, "--key-dir keys --kek kek --erased guard.erased", 0);
    town_shell(t, "grep -q 'list of destroyed keys' verified");
    daemon_start(&t->daemon);
    assert_int_equal(given(t, &t->auditor, WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED, &s0), 1);
    intended = s0->sys_erasure_intended_s0;
    assert_string_equal(intended->reason, "REPEATED");
    assert_string_equal(intended->order_sha256, "");
    assert_int_equal(intended->n_keys, 2);
    assert_int_equal(intended->n_ranges, 1);
    assert_int_equal(intended->ranges[0]->from_seq, seq);
    assert_int_equal(intended->ranges[0]->to_seq, seq);
    for (size_t i = 0; i < intended->n_keys; i++)
        assert_int_equal(strlen(intended->keys[i]->mark), 32);
    assert_true((intended->keys[0]->entry == 0) != (intended->keys[1]->entry == 0));
    wici__v1__section__free_unpacked(s0, NULL);

    /* Everybody may have been given it. */
    assert_int_equal(given(t, &t->school, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, &s0), 1);
    assert_int_equal(s0->sys_erasure_notified_s0->n_ranges, 1);
    assert_int_equal(s0->sys_erasure_notified_s0->ranges[0]->from_seq, seq);
    assert_string_equal(s0->sys_erasure_notified_s0->reason, "REPEATED");
    wici__v1__section__free_unpacked(s0, NULL);
    assert_int_equal(given(t, &t->sw, WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED, NULL), 1);
    assert_int_equal(given(t, &t->school, WICI__V1__EVENT_TYPE__INFO_PROVIDED, NULL), 1); /* of the one that was kept */

    /* What a publisher kept does not come back. */
    assert_refused(t, &t->sw, dossier, "E_ERASED");
    assert_refused(t, &t->sw, later, "E_ERASED");
    (void)letter(t, kept);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_verify(t, "--key-dir keys --kek kek", 0);
    assert_verify(t, "", 0);

    daemon_start(&t->daemon); /* once */
    assert_int_equal(given(t, &t->auditor, WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED, NULL), 1);
    assert_int_equal(given(t, &t->auditor, WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE, NULL), 1);
    assert_copies_are_asked_for(t, dossier);
    assert_copies_are_asked_for(t, later);
    (void)letter(t, kept);
}

static void
with_an_older_key_store_it_is_repeated_before_anything_is_served(void **state)
{
    restored_and_repeated(*state, true);
}

static void
with_the_key_store_that_is_left_it_is_repeated_too(void **state)
{
    restored_and_repeated(*state, false);
}

static void
it_is_no_reason_of_an_order(void **state)
{
    struct town *t = *state;
    char dossier[37];
    struct peer admin;

    peer_uuid4(dossier);
    (void)letter(t, dossier);
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "erase");
    erase_send(&admin, 5, dossier, "REPEATED");
    peer_expect_refused(&admin, "E_REQUEST");
    peer_close(&admin);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_an_older_key_store_it_is_repeated_before_anything_is_served),
        TEST(with_the_key_store_that_is_left_it_is_repeated_too),
        TEST(it_is_no_reason_of_an_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
