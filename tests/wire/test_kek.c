/* Another key-encryption key: what store/kek.h, `wicid kek rotate` and docs/INSTALL.md say. */
#include "tests/wire/backup_kit.h"

/* All letters, opened: what they hold is given to their recipient. */
static void
letters_are_read(struct town *t, size_t count)
{
    struct peer p;
    Wici__V1__BrokerMessage *m;

    peer_hello(&p, &t->daemon, &t->school, "reader");
    m = town_read(&p, WICI__V1__EVENT_TYPE__INFO_PROVIDED, 1);
    assert_int_equal(m->read_result->n_deliveries, count);
    for (size_t i = 0; i < count; i++) {
        Wici__V1__Section *s0 = town_s0(m->read_result->deliveries[i]);

        assert_non_null(s0);
        wici__v1__section__free_unpacked(s0, NULL);
    }
    peer_free(m);
    peer_close(&p);
}

static int
rotate(struct town *t, const char *copy, const char *kek_copy, char out[8192])
{
    char copy_path[200], kek_path[200];

    (void)snprintf(copy_path, sizeof copy_path, "%s/%s", t->daemon.dir, copy);
    (void)snprintf(kek_path, sizeof kek_path, "%s/%s", t->daemon.dir, kek_copy);
    return daemon_run((const char *const[]){"kek", "rotate", "--copy", copy_path, "--kek-copy", kek_path, "-c",
                                            t->daemon.config, NULL},
                      out, 8192);
}

/* What wici-verify says of a copy of the log with this key store and this KEK. */
static int
verify(struct town *t, const char *log, const char *keys, const char *kek)
{
    char text[1024];
    int status;

    (void)snprintf(text, sizeof text,
                   "cd %s && '%s/wici-verify' $(sed -n 's/^vkey /--vkey /p' %s/BACKUP) --key-dir %s --kek %s %s "
                   "> verified 2>&1",
                   t->daemon.dir, getenv("WICI_BIN"), log, keys, kek, log);
    status = system(text);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- */

static void
a_new_key_opens_everything_and_the_old_copies_are_useless(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_letter(t);
    (void)town_backup(t, "monday");
    assert_int_equal(rotate(t, "away", "kek.away", out), 1); /* while it runs */
    assert_says(out, "stop wicid");
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cp kek kek.before");
    assert_int_equal(RUN(out, "kek", "rotate", "-c", t->daemon.config), 2); /* without copies nothing begins */
    assert_says(out, "--kek-copy");
    town_shell(t, "test ! -e kek.next && cmp kek kek.before");
    assert_int_equal(rotate(t, "away", "kek.away", out), 0);
    assert_says(out, "kek.away");
    town_shell(
        t, "! cmp -s kek kek.before && cmp kek kek.away && cmp keys/keys away/keys && test $(stat -c %a kek) = 600 && "
           "test ! -e kek.next && test ! -e kek.old && test ! -e keys/keys.next");
    daemon_start(&t->daemon);
    (void)town_letter(t);
    letters_are_read(t, 3);
    (void)town_backup(t, "tuesday");

    assert_int_equal(verify(t, "backup/monday", "backup-keys/monday", "kek"), 3);        /* old key store, new key */
    assert_int_equal(verify(t, "backup/monday", "backup-keys/monday", "kek.before"), 0); /* who kept the old one */
    assert_int_equal(verify(t, "backup/monday", "away", "kek.away"), 0); /* the copy opens earlier logs */
    assert_int_equal(verify(t, "backup/tuesday", "backup-keys/tuesday", "kek"), 0);
}

static void
a_copy_that_cannot_be_made_or_is_another_ones_changes_nothing(void **state)
{
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "cksum kek keys/keys > before && mkdir other && echo x > other/keys && echo x > kek.other");
    assert_int_equal(rotate(t, "no/such/place", "kek.away", out), 1);
    assert_int_equal(rotate(t, "other", "kek.away", out), 1);
    assert_says(out, "something else");
    assert_int_equal(rotate(t, "away", "kek.other", out), 1);
    assert_says(out, "something else");
    town_shell(t, "cksum kek keys/keys | cmp - before && grep -q x other/keys && grep -q x kek.other");
    daemon_start(&t->daemon);
    (void)town_letter(t); /* what was begun counts for nothing */
    letters_are_read(t, 2);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "printf x | dd of=keys/keys bs=1 seek=150 conv=notrunc status=none");
    assert_int_equal(rotate(t, "away2", "kek.away2", out), 1);
    assert_says(out, "entry 1");
    town_shell(t, "test ! -e away2/keys");
}

/* Each state that a killed rotation may leave, in their order; made of the files of one that was not killed. */
static void
an_interrupted_rotation_is_harmless_or_named_and_goes_on(void **state)
{
    static const struct {
        const char *made;
        bool starts;
        const char *said; /* by wicid, NULL: nothing */
    } steps[] = {
        {"head -c 7 k1/kek > kek.next.tmp", true, NULL},
        {"cp k1/kek kek.next", true, NULL},
        {"cp k1/kek kek.next && head -c 900 k1/keys > keys/keys.next", true, NULL},
        {"cp k1/kek kek.next && cp k1/keys keys/keys.next && cp k1/kek kek.away", true, NULL},
        {"cp k1/kek kek.next && cp k1/keys keys/keys.next && cp k1/kek kek.away && mkdir away && cp k1/keys away/keys",
         true, NULL},
        {"cp k1/kek kek.next && cp k1/keys keys/keys && cp k1/kek kek.away && mkdir away && cp k1/keys away/keys",
         false, "wicid kek rotate"},
        {"cp k1/kek kek.next && cp k1/keys keys/keys && ln kek kek.old", false, "wicid kek rotate"},
        {"cp k1/keys keys/keys && mv kek kek.old && cp k1/kek kek", true, "wicid kek rotate"},
        {"cp k1/keys keys/keys && mv kek kek.old && cp k1/kek kek && head -c 32 /dev/zero > kek.old", true,
         "wicid kek rotate"},
    };
    struct town *t = *state;
    char out[8192];

    (void)town_letter(t);
    (void)town_letter(t);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    town_shell(t, "mkdir k0 k1 && cp -p kek keys/keys k0");
    assert_int_equal(rotate(t, "away", "kek.away", out), 0);
    town_shell(t, "cp -p kek keys/keys k1");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        town_shell(t, "rm -rf away kek.* keys/keys.next log && cp -p k0/kek kek && cp -p k0/keys keys/keys");
        town_shell(t, steps[i].made);
        if (steps[i].starts) {
            daemon_start(&t->daemon);
            letters_are_read(t, 2);
            if (steps[i].said != NULL)
                assert_true(daemon_logged(&t->daemon, steps[i].said));
            assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
        } else {
            assert_int_equal(RUN(out, "-c", t->daemon.config), 1);
            assert_says(out, steps[i].said);
        }
        assert_int_equal(rotate(t, "away", "kek.away", out), 0);
        town_shell(t, "! cmp -s kek k0/kek && test ! -e kek.old && test ! -e kek.next && test ! -e keys/keys.next");
        daemon_start(&t->daemon);
        letters_are_read(t, 2);
        assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    }
    daemon_start(&t->daemon);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, town_setup, town_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_key_opens_everything_and_the_old_copies_are_useless),
        TEST(a_copy_that_cannot_be_made_or_is_another_ones_changes_nothing),
        TEST(an_interrupted_rotation_is_harmless_or_named_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
