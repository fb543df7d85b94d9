/* A fresh file for the log of a stopped broker: what broker/compact.h, `wicid compact` and docs/INSTALL.md say. */
#include "tests/wire/backup_kit.h"

static void
letters(struct town *t, unsigned count)
{
    char dossier[37];
    struct peer sw;

    peer_hello(&sw, &t->daemon, &t->sw, "letters");
    for (unsigned i = 0; i < count; i++) {
        peer_uuid4(dossier);
        (void)peer_letter(&sw, dossier, "sp12-ped", "Zaświadczenie.");
    }
    peer_close(&sw);
}

static void
letters_are_read(struct town *t, size_t count)
{
    struct peer p;
    Wici__V1__BrokerMessage *m;

    peer_hello(&p, &t->daemon, &t->school, "reader");
    m = town_read(&p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, 1);
    assert_int_equal(m->read_result->n_deliveries, count);
    peer_free(m);
    peer_close(&p);
}

/* ---- */

static void
the_log_is_the_same_in_a_fresh_file(void **state)
{
    struct town *t = *state;
    char out[8192];

    letters(t, 40);
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 1); /* while it runs */
    assert_says(out, "stop wicid");
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "stat -c %i data/log/data.mdb > before && chmod 640 data/log/data.mdb");
    assert_int_equal(RUN(out, "compact", "something", "-c", t->daemon.config), 2);
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 0);
    assert_says(out, "verified");
    town_shell(t, "! stat -c %i data/log/data.mdb | cmp -s - before && test ! -e data/compact && "
                  "test $(stat -c %a data/log/data.mdb) = 640");
    daemon_start(&t->daemon);
    letters(t, 2);
    letters_are_read(t, 42);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 0); /* again */
    daemon_start(&t->daemon);
    letters_are_read(t, 42);
}

static void
what_is_no_log_or_does_not_hold_stays_as_it_is(void **state)
{
    struct town *t = *state;
    char out[8192];

    letters(t, 3);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp -a data whole && cp kek kek.whole && head -c 32 /dev/zero > kek");
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 1);
    assert_says(out, "is not the key of this log");
    town_shell(t, "cp kek.whole kek && mkdir data/compact && touch data/compact/mine");
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 1);
    assert_says(out, "cannot be removed");
    town_shell(t, "rm -r data/compact && cmp data/log/data.mdb whole/log/data.mdb && mv data/log away");
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 1);
    assert_says(out, "there is no log");
    town_shell(t, "mv away data/log && touch data/restored");
    assert_int_equal(RUN(out, "compact", "-c", t->daemon.config), 1);
    assert_says(out, "wicid init --new-epoch");
    town_shell(t, "rm data/restored");
    daemon_start(&t->daemon);
    letters_are_read(t, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_log_is_the_same_in_a_fresh_file),
        TEST(what_is_no_log_or_does_not_hold_stays_as_it_is),
    };

    return cmocka_run_group_tests_name("wire: compact", tests, NULL, NULL);
}
