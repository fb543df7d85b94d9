/* What nodump.h says, of a process of its own. */
#include "proto/nodump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRACED 1 /* by the search for leaks, and by tests */
#else
#define TRACED 0
#endif

enum { AS_PROMISED = 20, NOT_SET, LIMIT_IS_THERE, CAN_BE_TRACED };

static int
set_and_look(void)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

    if (nodump_set() != 0 || nodump_set() != 0) /* twice is nothing else */
        return NOT_SET;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0)
        return LIMIT_IS_THERE;
    return prctl(PR_GET_DUMPABLE) == TRACED ? AS_PROMISED : CAN_BE_TRACED;
}

static void
both_limits_are_nothing_and_nobody_traces_it(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(set_and_look());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), AS_PROMISED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_limits_are_nothing_and_nobody_traces_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
