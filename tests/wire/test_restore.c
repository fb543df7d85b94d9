/* A backup in place of a lost log: what store/restore.h, broker/restore.h and docs/INSTALL.md say. */
#include "proto/endorse.h"
#include "tests/wire/backup_kit.h"

#include <inttypes.h>
#include <sys/stat.h>

/* A word of the command line: a path in the town's folder. */
static const char *
at(const struct town *t, const char *name, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", t->daemon.dir, name);
    return path;
}

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

static void
assert_refuses_to_start(struct town *t, const char *why)
{
    char out[8192];

    assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
    assert_says(out, why);
}

static void
new_epoch(struct town *t, const char *name)
{
    char out[8192];

    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 0);
    assert_says(out, name);
}

/* Who was told the key of before can follow. */
static void
assert_new_key_is_endorsed(struct town *t)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__CheckpointQuery what;
    Wici__V1__BrokerMessage *m;
    Wici__V1__LogKey **keys;
    struct note_key old, fresh;
    struct peer admin;
    size_t count;

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__checkpoint_query__init(&what);
    query.what_case = WICI__V1__QUERY__WHAT_CHECKPOINT;
    query.checkpoint = &what;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    peer_hello(&admin, &t->daemon, &t->daemon.admin, "keys");
    peer_send(&admin, &message);
    m = peer_expect(&admin, WICI__V1__BROKER_MESSAGE__MESSAGE_QUERY_RESULT);
    count = m->query_result->checkpoint->n_keys;
    keys = m->query_result->checkpoint->keys;
    assert_true(count >= 2);
    assert_int_equal(note_key_parse(keys[count - 2]->vkey, strlen(keys[count - 2]->vkey), &old), 0);
    assert_int_equal(note_key_parse(keys[count - 1]->vkey, strlen(keys[count - 1]->vkey), &fresh), 0);
    assert_int_equal(endorse_check(keys[count - 1]->endorsed, &fresh, &old, 1), 0);
    assert_string_equal(keys[0]->endorsed, "");
    peer_free(m);
    peer_close(&admin);
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

/* The log's key was changed after the copy was made: the guard holds what a key signed that the copy never heard of. */
static void
an_epoch_after_a_changed_key_begins_once_and_the_key_is_not_changed_before(void **state)
{
    struct town *t = *state;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp -a data older");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 0);
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0); /* signed */
    town_shell(t, "rm -r data && mv older data && cp checkpoint.key before");
    assert_refuses_to_start(t, "wicid init --new-epoch");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1);
    assert_says(out, "if an older copy of the log was restored, `wicid init --new-epoch`");
    town_shell(t, "cmp checkpoint.key before && test ! -e checkpoint.key.next");

    new_epoch(t, "wire.example-e2");
    town_shell(t, "cp checkpoint.key before");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1);
        assert_says(out, "the log goes on as epoch 2 already: it needs no other one; start wicid");
        assert_null(strstr(out, "put back"));
    }
    town_shell(t, "cmp checkpoint.key before");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1);
    assert_says(out, "holds all that was signed");
    daemon_start(&t->daemon);
}

/* ---- the guard's checkpoint is always of a key that is at hand */

static void
log_key(struct town *t)
{
    char out[8192];

    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 0);
}

/* The older copy in the folder "older" once more in the place of the log. */
static void
log_lost(struct town *t)
{
    town_shell(t, "rm -r data && cp -a older data");
    assert_refuses_to_start(t, "wicid init --new-epoch");
}

/* A copy, and then a changed key that signs: only the guard's checkpoint tells of what comes. */
static void
older_copy_keep(struct town *t)
{
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp -a data older");
    log_key(t);
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
}

static void
assert_serves(struct town *t)
{
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    daemon_start(&t->daemon);
}

static void
a_log_lost_again_before_its_new_epoch_served_goes_on_as_the_next_one(void **state)
{
    struct town *t = *state;

    older_copy_keep(t);
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    log_lost(t);
    new_epoch(t, "wire.example-e3");
    log_lost(t);
    new_epoch(t, "wire.example-e4");
    assert_serves(t);
}

static void
a_log_lost_after_its_key_was_changed_twice_goes_on(void **state)
{
    struct town *t = *state;

    older_copy_keep(t);
    log_key(t);
    log_key(t);
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    assert_serves(t);
}

/* Killed when the records of the new key were on disk, which was not in its place yet; then lost. */
static void
a_key_that_waited_for_its_place_when_the_log_was_lost_stands_in_nobodys_way(void **state)
{
    static const char kill_before_place[] = "mv checkpoint.key checkpoint.key.next && cp old.key checkpoint.key";
    struct town *t = *state;

    older_copy_keep(t);
    town_shell(t, "cp checkpoint.key old.key");
    log_key(t);
    town_shell(t, kill_before_place);
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    town_shell(t, kill_before_place);
    log_lost(t);
    new_epoch(t, "wire.example-e2"); /* the key that waits has signed nothing under that name */
    town_shell(t, "test ! -e checkpoint.key.next");
    assert_serves(t);
}

/* `wicid init --log-key` that was interrupted is no new epoch that was begun; it is finished first. */
static void
a_changed_key_that_waits_for_its_place_is_no_new_epoch(void **state)
{
    static const char kill_before_place[] = "mv checkpoint.key checkpoint.key.next && mv old.key checkpoint.key";
    struct town *t = *state;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp checkpoint.key old.key");
    log_key(t);
    town_shell(t, kill_before_place);
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1);
    assert_says(out, "holds all that was signed (epoch 1): it needs no new epoch; start wicid");
    town_shell(t, "test ! -e checkpoint.key.next");
    assert_serves(t);

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp checkpoint.key old.key");
    log_key(t);
    town_shell(t, kill_before_place);
    town_shell(t, "touch data/restored"); /* the mark of wicid restore, whichever way it came to be there */
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1);
    new_epoch(t, "wire.example-e2");
    assert_serves(t);
}

/* The key of an older copy is the one in the file: what the guard holds tells that records are missing. */
static void
the_key_of_an_older_log_is_not_changed(void **state)
{
    struct town *t = *state;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp -a data older");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp checkpoint.key before");
    log_lost(t);
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1);
    assert_says(out, "wicid init --new-epoch");
    town_shell(t, "cmp checkpoint.key before && test ! -e checkpoint.key.next");
    new_epoch(t, "wire.example-e2");
    assert_serves(t);
}

/* A key that is lost may be replaced, and nothing vouches for the new one. One that cannot be read for now may not: the
 * new one would have nobody's word, and an epoch might take a number that only the key's name tells of. */
static void
a_key_that_cannot_be_read_is_not_replaced_and_one_that_is_lost_is(void **state)
{
    static const char *const commands[] = {"--log-key", "--new-epoch"};
    struct town *t = *state;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "mv checkpoint.key held && mkdir checkpoint.key");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(RUN(out, "init", commands[i], "-c", t->daemon.config), 1);
        assert_says(out, "init: key file");
        assert_says(out, "others may read it, or it is no file");
        town_shell(t, "test -d checkpoint.key && test ! -e checkpoint.key.next");
    }
    town_shell(t, "rmdir checkpoint.key && cp held checkpoint.key && mkdir checkpoint.key.next");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(RUN(out, "init", commands[i], "-c", t->daemon.config), 1);
        assert_says(out, "checkpoint.key.next: others may read it, or it is no file");
    }
    town_shell(t, "rmdir checkpoint.key.next");
    log_key(t);
    daemon_start(&t->daemon);
    assert_new_key_is_endorsed(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "rm checkpoint.key");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 0);
    assert_says(out, "none vouches for the new one");
    assert_serves(t);
}

/* Neither of the two writes the guard: whoever runs them, it stays what the broker made it. */
static void
a_new_key_leaves_the_guard_alone(void **state)
{
    struct town *t = *state;
    char out[8192];

    older_copy_keep(t);
    town_shell(t, "cp guard before && ls -i guard > inode");
    log_key(t);
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    town_shell(t, "cmp guard before && ls -i guard | cmp - inode");
    assert_serves(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "mv guard away");
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1);
    assert_says(out, "whoever moved it puts it back");
    town_shell(t, "mv away guard && test ! -e checkpoint.key.next");
    assert_serves(t);
}

/* Root runs them, since who serves may not write where the keys lie: what they make is for who serves all the same. */
static void
a_new_key_and_guard_belong_to_whom_the_old_ones_did(void **state)
{
    static const char owner[] = "stat -c %u:%g checkpoint.key guard";
    struct town *t = *state;
    char command[200];

    older_copy_keep(t);
    town_shell(t, "test $(id -u) != 0 || chown -R 65534:65534 checkpoint.key guard data older");
    (void)snprintf(command, sizeof command, "%s > owner", owner);
    town_shell(t, command);
    (void)snprintf(command, sizeof command, "%s | cmp - owner", owner);
    log_key(t);
    town_shell(t, command);
    log_lost(t);
    town_shell(t, "rm guard && touch data/restored"); /* as wicid restore marks it */
    new_epoch(t, "wire.example-e2");
    town_shell(t, command);
    town_shell(t, "test $(id -u) != 0 || chown -R 0:0 checkpoint.key guard data");
    assert_serves(t);
}

/* The log announced a key whose file is gone, and the one in its place is of before: it gets another one. */
static void
a_key_that_was_announced_and_lost_is_replaced(void **state)
{
    struct town *t = *state;

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp checkpoint.key old.key");
    log_key(t);
    town_shell(t, "mv old.key checkpoint.key");
    assert_refuses_to_start(t, "wicid init --log-key");
    log_key(t);
    assert_serves(t);

    older_copy_keep(t);
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    town_shell(t, "rm checkpoint.key"); /* with it goes the name of the key that signed what the guard holds */
    log_key(t);
    assert_serves(t);
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
        TEST(an_epoch_after_a_changed_key_begins_once_and_the_key_is_not_changed_before),
        TEST(a_log_lost_again_before_its_new_epoch_served_goes_on_as_the_next_one),
        TEST(a_log_lost_after_its_key_was_changed_twice_goes_on),
        TEST(a_key_that_waited_for_its_place_when_the_log_was_lost_stands_in_nobodys_way),
        TEST(a_changed_key_that_waits_for_its_place_is_no_new_epoch),
        TEST(the_key_of_an_older_log_is_not_changed),
        TEST(a_key_that_cannot_be_read_is_not_replaced_and_one_that_is_lost_is),
        TEST(a_new_key_leaves_the_guard_alone),
        TEST(a_new_key_and_guard_belong_to_whom_the_old_ones_did),
        TEST(a_key_that_was_announced_and_lost_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
