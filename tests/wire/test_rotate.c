/* Another key for the log and another epoch, whatever is lost: what broker/init.h, AUDIT.md and INSTALL.md say. */
#include "proto/signerfile.h"
#include "tests/wire/restore_kit.h"

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
    assert_says(out, "an older copy of the log was put back: `wicid init --new-epoch`");
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
    static const char all_is_his[] = "test -z \"$(find . ! -uid $(stat -c %u .))\"";
    struct town *t = *state;

    older_copy_keep(t);
    town_shell(t, "test $(id -u) != 0 || chown -R 65534:65534 .");
    log_key(t);
    town_shell(t, all_is_his);
    log_lost(t);
    town_shell(t, "rm -r guard data/find data/log/lock.mdb && touch data/restored"); /* as wicid restore leaves it */
    town_shell(t, "test $(id -u) != 0 || chown -R 65534:65534 .");
    new_epoch(t, "wire.example-e2");
    town_shell(t, "test -e data/find/lock.mdb && test -e data/log/lock.mdb && test -e guard");
    town_shell(t, all_is_his);
    town_shell(t, "test $(id -u) != 0 || chown -R 0:0 .");
    assert_serves(t);
}

/* All that was signed is there, and a key of this log is in its place that it never announced. */
static void
a_log_that_is_whole_and_whose_key_is_of_a_lost_branch_goes_on(void **state)
{
    struct town *t = *state;
    char out[8192];

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp -a data older");
    log_key(t); /* it signs nothing */
    log_lost(t);
    assert_int_equal(RUN(out, "init", "--log-key", "-c", t->daemon.config), 1);
    assert_says(out, "wicid init --new-epoch");
    new_epoch(t, "wire.example-e2");
    assert_serves(t);

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM),
                     0); /* an epoch that began in a copy, and the log is found again */
    town_shell(t, "rm -r older && cp -a data found");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "mv data whole && mv found data");
    new_epoch(t, "wire.example-e3");
    town_shell(t, "rm -r data && mv whole data");
    assert_refuses_to_start(t, "wicid init --new-epoch");
    new_epoch(t, "wire.example-e4");
    assert_serves(t);

    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0); /* a copy of an epoch that has signed nothing */
    town_shell(t, "cp -a data older");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    log_lost(t);
    new_epoch(t, "wire.example-e5");
    town_shell(t, "rm -r older && cp -a data older");
    log_key(t);
    log_lost(t);
    new_epoch(t, "wire.example-e6");
    assert_serves(t);
}

/* Renamed over, it would be lost to the log that it signs for. */
static void
the_key_of_another_log_is_left_alone(void **state)
{
    static const char *const commands[] = {"--log-key", "--new-epoch"};
    struct town *t = *state;
    struct note_signer other;
    uint8_t seed[NOTE_SEED_SIZE] = {9};
    char out[8192], path[200];

    older_copy_keep(t);
    log_lost(t);
    town_shell(t, "mv checkpoint.key mine");
    assert_int_equal(note_signer_make("another.example", seed, &other), 0);
    assert_int_equal(signerfile_write(at(t, "checkpoint.key", path), &other, NULL), 0);
    town_shell(t, "cp checkpoint.key before");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(RUN(out, "init", commands[i], "-c", t->daemon.config), 1);
        assert_says(out, "is another log's: put back the key of this one");
        town_shell(t, "cmp checkpoint.key before");
    }
    town_shell(t, "mv mine checkpoint.key");
    new_epoch(t, "wire.example-e2");
    assert_serves(t);
}

/* A power cut may take a rename back that was not synced; what the key signed in its place stays. */
static void
a_key_that_lost_its_place_again_after_it_signed_is_known(void **state)
{
    struct town *t = *state;
    char out[8192];

    older_copy_keep(t);
    town_shell(t, "cp checkpoint.key old.key");
    log_lost(t);
    new_epoch(t, "wire.example-e2");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp checkpoint.key signed && mv checkpoint.key checkpoint.key.next && mv old.key checkpoint.key");
    log_lost(t);
    town_shell(t, "mkdir checkpoint.key.next.tmp"); /* where the next key would be written: what signed is not lost */
    assert_int_equal(RUN(out, "init", "--new-epoch", "-c", t->daemon.config), 1);
    town_shell(t, "cmp signed checkpoint.key && rmdir checkpoint.key.next.tmp");
    new_epoch(t, "wire.example-e3");
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
        TEST(an_epoch_after_a_changed_key_begins_once_and_the_key_is_not_changed_before),
        TEST(a_log_lost_again_before_its_new_epoch_served_goes_on_as_the_next_one),
        TEST(a_log_lost_after_its_key_was_changed_twice_goes_on),
        TEST(a_key_that_waited_for_its_place_when_the_log_was_lost_stands_in_nobodys_way),
        TEST(a_changed_key_that_waits_for_its_place_is_no_new_epoch),
        TEST(the_key_of_an_older_log_is_not_changed),
        TEST(a_key_that_cannot_be_read_is_not_replaced_and_one_that_is_lost_is),
        TEST(a_new_key_leaves_the_guard_alone),
        TEST(a_new_key_and_guard_belong_to_whom_the_old_ones_did),
        TEST(a_log_that_is_whole_and_whose_key_is_of_a_lost_branch_goes_on),
        TEST(the_key_of_another_log_is_left_alone),
        TEST(a_key_that_lost_its_place_again_after_it_signed_is_known),
        TEST(a_key_that_was_announced_and_lost_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
