/* what secret.h says, in its order */
#include "proto/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT "a secret\n"

struct fixture {
    char dir[64], path[96], part[104];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/wici-secret-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/it.key", f->dir);
    (void)snprintf(f->part, sizeof f->part, "%s.tmp", f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    (void)unlink(f->part);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static void
file_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void
holds(const struct fixture *f, const char *text)
{
    char read[SECRET_SIZE_MAX + 1];

    assert_int_equal(secret_read(f->path, read), 0);
    assert_string_equal(read, text);
    assert_int_equal(access(f->part, F_OK), -1);
}

static void
what_is_written_is_read_by_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(secret_write(f->path, TEXT, strlen(TEXT)), 0);
    holds(f, TEXT);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(secret_is_private(&st));
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;
    char read[SECRET_SIZE_MAX + 1];

    file_put(f->path, TEXT);
    assert_int_equal(chmod(f->path, 0640), 0);
    assert_int_equal(secret_read(f->path, read), -EPERM);
    assert_int_equal(secret_read(f->dir, read), -EPERM);
    assert_int_equal(secret_read(f->part, read), -ENOENT);
}

static void
a_file_that_is_there_is_not_touched(void **state)
{
    struct fixture *f = *state;

    file_put(f->path, "another\n");
    assert_int_equal(secret_write(f->path, TEXT, strlen(TEXT)), -EEXIST);
    holds(f, "another\n");
}

static void
what_a_killed_attempt_left_is_removed_by_the_next(void **state)
{
    struct fixture *f = *state;

    file_put(f->part, "half of a longer secret than the next one\n");
    assert_int_equal(secret_write(f->path, TEXT, strlen(TEXT)), 0);
    holds(f, TEXT);
}

/* No file may grow: a write fails, or ends the process by SIGXFSZ unless that is ignored. */
static void
files_may_not_grow(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_FSIZE, &none) != 0)
        _exit(2);
}

static int
status_of(pid_t child)
{
    int status;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
who_is_killed_while_writing_leaves_no_half_of_it(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    int status;

    if (child == 0) {
        files_may_not_grow();
        (void)signal(SIGXFSZ, SIG_DFL);
        _exit(secret_write(f->path, TEXT, strlen(TEXT)) == 0 ? 0 : 1);
    }
    status = status_of(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXFSZ);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(secret_write(f->path, TEXT, strlen(TEXT)), 0);
    holds(f, TEXT);
}

static void
nothing_is_left_of_a_failure(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    int status;

    if (child == 0) {
        files_may_not_grow();
        (void)signal(SIGXFSZ, SIG_IGN);
        _exit(secret_write(f->path, TEXT, strlen(TEXT)) == -EFBIG ? 0 : 1);
    }
    status = status_of(child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(access(f->part, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_by_its_owner_alone),
        TEST(a_file_that_others_may_read_is_refused),
        TEST(a_file_that_is_there_is_not_touched),
        TEST(what_a_killed_attempt_left_is_removed_by_the_next),
        TEST(who_is_killed_while_writing_leaves_no_half_of_it),
        TEST(nothing_is_left_of_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
