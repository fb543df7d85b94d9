/* The tests' own wicid: who starts it, ends it, and nothing else does. */
#include "tests/wire/kit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 30000

static int
setup(void **state)
{
    struct daemon *d = calloc(1, sizeof *d);

    assert_non_null(d);
    daemon_create(d, NULL);
    *state = d;
    return 0;
}

static int
teardown(void **state)
{
    daemon_destroy(*state);
    free(*state);
    return 0;
}

/* Starts it, tells its number, and dies as a failed assert lets a test die. */
static _Noreturn void
test_aborts(struct daemon *d, int tell, int wait)
{
    char c;

    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    daemon_start(d);
    if (write(tell, &d->pid, sizeof d->pid) != sizeof d->pid || read(wait, &c, 1) != 0)
        _exit(1);
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

static void
a_test_that_aborts_leaves_no_wicid_behind(void **state)
{
    int tell[2], wait[2], status, fd;
    struct pollfd end = {.events = POLLIN};
    pid_t test, started;

    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    assert_int_equal(pipe2(wait, O_CLOEXEC), 0);
    test = fork();
    assert_true(test >= 0);
    if (test == 0) {
        (void)close(wait[1]);
        test_aborts(*state, tell[1], wait[0]);
    }
    assert_int_equal(read(tell[0], &started, sizeof started), sizeof started);
    fd = (int)syscall(SYS_pidfd_open, started, 0);
    assert_true(fd >= 0);
    end.fd = fd;
    assert_int_equal(poll(&end, 1, 0), 0); /* it serves */
    (void)close(wait[1]);
    assert_int_equal(waitpid(test, &status, 0), test);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (poll(&end, 1, END_MS) != 1) {
        (void)kill(started, SIGKILL);
        fail_msg("wicid outlived the test that had started it");
    }
    (void)close(fd);
    (void)close(tell[0]);
    (void)close(tell[1]);
    (void)close(wait[0]);
}

/* "Read your settings again": ended by it, it would stay down. */
static void
a_hangup_ends_no_service(void **state)
{
    struct daemon *d = *state;
    struct peer admin;

    daemon_start(d);
    assert_int_equal(kill(d->pid, SIGHUP), 0);
    peer_hello(&admin, d, &d->admin, "still");
    peer_close(&admin);
    assert_int_equal(daemon_stop(d, SIGTERM), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_test_that_aborts_leaves_no_wicid_behind),
        cmocka_unit_test(a_hangup_ends_no_service),
    };

    return cmocka_run_group_tests_name("wire: daemon", tests, setup, teardown);
}
