/* A backup in place of a lost log: what store/restore.h, broker/restore.h and docs/INSTALL.md say. */
#include "tests/wire/restore_kit.h"

#include <inttypes.h>
#include <sys/stat.h>

static int
restore(struct town *t, const char *from, const char *keys, char out[8192])
{
    char from_path[200], keys_path[200];

    if (keys == NULL)
        return daemon_run((const char *const[]){"restore", at(t, from, from_path), "-c", t->daemon.config, NULL}, out,
                          8192);
    return daemon_run((const char *const[]){"restore", at(t, from, from_path), "--keys", at(t, keys, keys_path), "-c",
                                            t->daemon.config, NULL},
                      out, 8192);
}

/* ---- */

static void
what_was_restored_serves_as_a_new_epoch_only(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_backup(t, "monday"); /* all that was signed, and all that there is: the guard has nothing against it */
    assert_int_equal(daemon_stop(&t->daemon, SIGKILL), 128 + SIGKILL);
    town_shell(t, "rm -r data keys");
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 0);
    assert_says(out, "wicid init --new-epoch");
    assert_refuses_to_start(t, "wicid init --new-epoch");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1); /* nor does it take anything else */
    assert_int_equal(
        RUN(out, "init", "--recover", "--unit", "admin", "--admin-key", "/dev/null", "-c", t->daemon.config), 1);
    new_epoch(t, "wire.example-e2");
    daemon_start(&t->daemon);
    assert_new_key_is_endorsed(t);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1); /* the mark is gone */
    daemon_start(&t->daemon);
}

static void
a_log_and_a_key_store_are_never_overwritten(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_backup(t, "monday");
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 1); /* while it runs */
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cksum data/log/data.mdb keys/keys > before");
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 1);
    assert_says(out, "nothing is overwritten");
    town_shell(t, "cksum data/log/data.mdb keys/keys | cmp - before && test ! -e data/restored");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);

    town_shell(t, "rm -r data && cksum keys/keys > before"); /* the younger key store is there, and stays */
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 0);
    town_shell(t, "cksum keys/keys | cmp - before");
    new_epoch(t, "-e2");
    daemon_start(&t->daemon);
    (void)town_letter(t);
}

static void
what_is_not_whole_is_not_put_there(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_backup(t, "monday");
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t,
               "rm -r data keys && cp -r backup/monday bad && cp -r backup/monday other && cp -r backup/monday part");
    assert_int_equal(restore(t, "backup/monday", NULL, out), 1);
    assert_says(out, "--keys");
    assert_int_equal(restore(t, "backup-keys/monday", "backup-keys/monday", out), 1); /* the wrong folder */
    assert_says(out, "is no backup");
    town_shell(t, "sed -i 's/^records .*/records 3/' other/BACKUP && sed -i 's/^epoch/Epoch/' part/BACKUP");
    assert_int_equal(restore(t, "other", "backup-keys/monday", out), 1);
    assert_says(out, "does not hold");
    assert_int_equal(restore(t, "part", "backup-keys/monday", out), 1);
    assert_says(out, "damaged");
    town_shell(t, "truncate -s 20000 bad/log/data.mdb");
    assert_int_equal(restore(t, "bad", "backup-keys/monday", out), 1);
    town_shell(t, "head -c 32 /dev/urandom > kek.other && chmod 600 kek.other && mv kek kek.right && mv kek.other kek");
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 1);
    assert_says(out, "kek");
    town_shell(t, "mv kek.right kek && test ! -e data/log && test ! -e keys/keys && test ! -e data/restored");
    assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 0);
    new_epoch(t, "-e2");
    daemon_start(&t->daemon);
    (void)town_letter(t);
}

/* With everything of the machine but the operator's own copies of the keys. */
static void
a_lost_guard_is_made_anew_and_the_epoch_is_above_all_that_is_known(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_backup(t, "monday");
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    for (unsigned i = 2; i <= 3;
         i++) { /* twice from the same copy: the second time it is the key that knows of epoch 2 */
        char name[32];

        town_shell(t, "rm -r data keys guard");
        assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 0);
        (void)snprintf(name, sizeof name, "wire.example-e%u", i);
        new_epoch(t, name);
        daemon_start(&t->daemon);
        (void)town_letter(t);
        assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    }
    daemon_start(&t->daemon);
}

/* Each state that a killed `wicid restore` and `wicid init --new-epoch` may leave, in their order. */
static void
an_interruption_is_named_and_the_same_command_goes_on(void **state)
{
    static const char *const steps[] = {
        "mkdir data keys",
        "mkdir -p data keys && cp backup/monday/BACKUP data/restored",
        "mkdir -p data keys/restore.new && cp backup/monday/BACKUP data/restored && head -c 100 "
        "backup-keys/monday/keys > "
        "keys/restore.new/keys",
        "mkdir -p data keys/restore.new && cp backup/monday/BACKUP data/restored && cp backup-keys/monday/keys "
        "keys/keys && "
        "ln keys/keys keys/restore.new/keys",
        "mkdir -p data/log.new keys && cp backup/monday/BACKUP data/restored && cp backup-keys/monday/keys keys/keys "
        "&& "
        "head -c 5000 backup/monday/log/data.mdb > data/log.new/data.mdb",
    };
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_backup(t, "monday");
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        town_shell(t, "rm -r data keys");
        town_shell(t, steps[i]);
        if (i > 0) {
            assert_refuses_to_start(t, "interrupted");
            assert_int_equal(RUN(out, "init", "-c", t->daemon.config, "--origin", "wire.example", "--agency", "ops",
                                 "--agency-name", "OPS", "--unit", "admin", "--admin-key", t->daemon.admin_key),
                             1); /* nor is a new log made there */
        }
        assert_int_equal(restore(t, "backup/monday", "backup-keys/monday", out), 0);
        town_shell(t, "test ! -e keys/restore.new && test ! -e data/log.new && test -e data/restored");
        assert_refuses_to_start(t, "wicid init --new-epoch");
    }
    town_shell(t, "cp data/restored mark && cp checkpoint.key old.key");
    new_epoch(t, "-e2");
    town_shell(
        t, "cp mark data/restored && mv checkpoint.key checkpoint.key.next && cp old.key checkpoint.key"); /* its commit
                                                                                                             is made */
    assert_refuses_to_start(t, "wicid init --new-epoch");
    new_epoch(t, "-e2"); /* and not a third one */
    daemon_start(&t->daemon);
    (void)town_letter(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_restored_serves_as_a_new_epoch_only),
        TEST(a_log_and_a_key_store_are_never_overwritten),
        TEST(what_is_not_whole_is_not_put_there),
        TEST(a_lost_guard_is_made_anew_and_the_epoch_is_above_all_that_is_known),
        TEST(an_interruption_is_named_and_the_same_command_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
