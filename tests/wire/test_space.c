/* A file system that is full: tmpfs of a few megabytes, in a mount namespace of this test. Skipped where none may be
 * mounted; test_fault.c shows the same with a limit on the process, everywhere. */
#include "tests/wire/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED    77
#define LETTER_LEN 16000

static void
path_in(const struct daemon *d, const char *name, char ret[160])
{
    assert_true(snprintf(ret, 160, "%s/%s", d->dir, name) < 160);
}

static void
files_copy(const char *from, const char *to)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        char all[170];

        (void)snprintf(all, sizeof all, "%s/.", from);
        (void)execlp("cp", "cp", "-a", all, to, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
resize(const char *path, const char *size, unsigned long flags)
{
    char option[32];

    (void)snprintf(option, sizeof option, "size=%s,mode=0700", size);
    assert_int_equal(mount("tmpfs", path, "tmpfs", flags, option), 0);
}

/* Puts this directory of a stopped broker on a file system of its own, of this size. */
static void
put_on_tmpfs(const struct daemon *d, const char *name, const char *size)
{
    char path[160], old[160];

    path_in(d, name, path);
    path_in(d, "before", old);
    assert_int_equal(rename(path, old), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    resize(path, size, 0);
    files_copy(old, path);
}

/* Two letters in one message. */
struct sent {
    struct peer_event events[2];
    uint64_t seqs[2]; /* 0: not acknowledged */
};

/* Publishes until the broker ends; behind `before` letters, each in a dossier of its own or all in one. Returns how
 * many messages were sent; the last was not answered. */
static size_t
publish_until_the_end(struct town *t, struct sent *sent, size_t max, size_t len, bool new_dossiers, unsigned before)
{
    char dossiers[2][37], *text = malloc(len + 1);
    struct peer sw;
    size_t count = 0;
    bool ended = false;

    assert_non_null(text);
    memset(text, 'x', len);
    text[len] = '\0';
    peer_hello(&sw, &t->daemon, &t->sw, "space");
    peer_uuid4(dossiers[0]);
    for (unsigned i = 0; i < before; i++) {
        peer_uuid4(dossiers[1]);
        (void)peer_letter(&sw, dossiers[new_dossiers], "ops-sw2", "before");
    }
    memcpy(dossiers[1], dossiers[0], sizeof dossiers[0]);
    for (; !ended; count++) {
        struct sent *s = &sent[count];
        Wici__V1__BrokerMessage *message;

        assert_true(count < max);
        for (size_t i = 0; i < 2; i++) {
            if (new_dossiers)
                peer_uuid4(dossiers[i]);
            peer_letter_make(&sw, dossiers[i], "ops-sw2", text, &s->events[i]);
        }
        peer_publish_later(&sw, s->events, 2);
        do { /* what was said before the end counts */
            siginfo_t end = {.si_pid = 0};

            assert_int_equal(waitid(P_PID, (id_t)t->daemon.pid, &end, WEXITED | WNOHANG | WNOWAIT), 0);
            ended = end.si_pid != 0;
            message = peer_receive(&sw, 100);
        } while (message == NULL && !ended);
        if (message == NULL)
            continue;
        assert_int_equal(message->message_case, WICI__V1__BROKER_MESSAGE__MESSAGE_ANSWERS);
        for (size_t i = 0; i < 2; i++)
            if (message->answers->answers[i]->outcome_case == WICI__V1__ANSWER__OUTCOME_RECEIPT)
                s->seqs[i] = message->answers->answers[i]->receipt->seq;
        peer_free(message);
    }
    assert_int_equal(daemon_stop(&t->daemon, 0), 1);
    assert_true(daemon_logged(&t->daemon, "nothing more is acknowledged"));
    peer_close(&sw);
    free(text);
    return count;
}

/* With room again, all that was acknowledged is there, and what was not is taken now. */
static void
nothing_is_lost(struct town *t, const struct sent *sent, size_t count)
{
    struct peer sw;

    daemon_start(&t->daemon);
    peer_hello(&sw, &t->daemon, &t->sw, "space");
    for (size_t i = 0; i < 2 * count; i++) {
        Wici__V1__BrokerMessage *message = peer_publish(&sw, &sent[i / 2].events[i % 2]);
        const Wici__V1__Answer *answer = message->answers->answers[0];

        assert_int_equal(answer->outcome_case, WICI__V1__ANSWER__OUTCOME_RECEIPT);
        if (sent[i / 2].seqs[i % 2] != 0 &&
            (!answer->receipt->repeated || answer->receipt->seq != sent[i / 2].seqs[i % 2]))
            fail_msg("event %zu of %zu was acknowledged, and is not there", i, 2 * count);
        peer_free(message);
    }
    peer_close(&sw);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
}

static void
fill_and_make_room(void **state, const char *name, const char *size, size_t len, bool new_dossiers, unsigned before)
{
    enum { SENT_MAX = 4000 };
    struct town *t = *state;
    struct sent *sent = calloc(SENT_MAX, sizeof *sent);
    char path[160];
    size_t count;

    assert_non_null(sent);
    assert_int_equal(daemon_stop(&t->daemon, SIGTERM), 0);
    put_on_tmpfs(&t->daemon, name, size);
    daemon_start(&t->daemon);
    count = publish_until_the_end(t, sent, SENT_MAX, len, new_dossiers, before);
    path_in(&t->daemon, name, path);
    resize(path, "256m", MS_REMOUNT);
    nothing_is_lost(t, sent, count);
    for (size_t i = 0; i < 2 * count; i++)
        peer_event_free(&sent[i / 2].events[i % 2]);
    free(sent);
    assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void
a_full_data_directory_stops_the_broker_and_loses_nothing_acknowledged(void **state)
{
    fill_and_make_room(state, "data", "8m", LETTER_LEN, false, 1);
}

/* Entries are made many at a time: it may be the first or the second letter of a message for which there are none. */
static void
a_full_key_directory_stops_the_broker_and_loses_nothing_acknowledged(void **state)
{
    fill_and_make_room(state, "keys", "128k", 10, true, 1);
}

static void
a_full_key_directory_loses_no_letter_that_stood_before_in_its_message(void **state)
{
    fill_and_make_room(state, "keys", "128k", 10, true, 2);
}

/* Wherever in its work the room ends: LMDB's lock file too, which it writes through a map. */
static void
init_where_there_is_hardly_any_room_refuses_and_says_so(void **state)
{
    struct daemon d = {.pid = 0};
    char out[8192], config[2048], path[160], key[180];
    unsigned refused = 0;
    const char *const arguments[] = {"init",          "-c",  d.config, "--origin", "space.example", "--agency", "ops",
                                     "--agency-name", "OPS", "--unit", "admin",    "--admin-key",   key,        NULL};

    (void)state;
    (void)snprintf(d.dir, sizeof d.dir, "/tmp/wici-space-XXXXXX");
    assert_non_null(mkdtemp(d.dir));
    (void)snprintf(d.config, sizeof d.config, "%s/wicid.conf", d.dir);
    path_in(&d, "full", path);
    (void)snprintf(key, sizeof key, "%s/admin.key", path);
    (void)snprintf(config, sizeof config,
                   "data.dir = %s/data\nkey.dir = %s/keys\nkek.file = %s/kek\ncurve.key = %s/curve.key\n"
                   "checkpoint.key = %s/checkpoint.key\nguard.file = %s/guard\n",
                   path, path, path, path, path, path);
    daemon_write(&d, "wicid.conf", config);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned pages = 1; pages <= 28; pages++) {
        char size[16];
        int code;

        (void)snprintf(size, sizeof size, "%uk", 4 * pages);
        resize(path, size, 0);
        code = daemon_run(arguments, out, sizeof out);
        if ((code != 0 && (code != 1 || strncmp(out, "wicid: error: ", 14) != 0)) || strstr(out, "Sanitizer") != NULL)
            fail_msg("with %u pages: exit %d: %s", pages, code, out);
        refused += code != 0;
        assert_int_equal(umount2(path, MNT_DETACH), 0);
    }
    assert_true(refused > 10 && refused < 28);
    daemon_destroy(&d);
}

/* A mount namespace, so that what is mounted is gone with this process. */
static bool
may_mount(void)
{
    char dir[] = "/tmp/wici-space-XXXXXX";
    bool may;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mkdtemp(dir) == NULL)
        return false;
    may = mount("tmpfs", dir, "tmpfs", 0, "size=1m") == 0 && umount2(dir, MNT_DETACH) == 0;
    (void)rmdir(dir);
    return may;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_data_directory_stops_the_broker_and_loses_nothing_acknowledged,
                                        town_setup, town_teardown),
        cmocka_unit_test_setup_teardown(a_full_key_directory_stops_the_broker_and_loses_nothing_acknowledged,
                                        town_setup, town_teardown),
        cmocka_unit_test_setup_teardown(a_full_key_directory_loses_no_letter_that_stood_before_in_its_message,
                                        town_setup, town_teardown),
        cmocka_unit_test(init_where_there_is_hardly_any_room_refuses_and_says_so),
    };

    if (!may_mount()) {
        (void)printf("skipped: no file system may be mounted here: %s\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("wire: space", tests, NULL, NULL);
}
