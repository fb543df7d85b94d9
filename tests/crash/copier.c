/*
 * copier - see copier.h; the linker sends the broker's calls that start and await a process to the wraps below
 *
 *     child                            here
 *     before a call: CALL, its bytes   waits for its turn; record, then a byte: to be left out?
 *     after it, if it succeeded: DONE  record
 */
#include "tests/crash/copier.h"

#include "broker/backup.h"
#include "tests/crash/disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_FD 3  /* where it tells how it goes */
#define ARG_LABEL 8u /* among its arguments */
#define PATH_SIZE 512u
#define CALLS_MAX 8u /* of one step */

enum tell { TELL_CALL, TELL_DONE };

struct told {
    enum tell what;
    struct trace_call call;
    char path[PATH_SIZE], to[PATH_SIZE];
};

static struct {
    char dir[PATH_SIZE];
    struct dice dice;
    pid_t child; /* 0: none */
    bool ended;  /* the broker may be told so */
    int fd, report_fd;
    struct told next; /* the call that it waits with */
    uint8_t *bytes;
    struct iovec iov;
} copier;

void (*copier_begins)(const char *label);

static bool
bytes_move(ssize_t (*move)(int, void *, size_t), int fd, void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t some = move(fd, (uint8_t *)bytes + done, len - done);

        if (some <= 0)
            return false;
        done += (size_t)some;
    }
    return true;
}

static ssize_t
put(int fd, void *bytes, size_t len)
{
    return write(fd, bytes, len);
}

/* ---- the child */

static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER; /* LMDB copies with two threads */

static void
tell(enum tell what, const struct trace_call *call)
{
    struct told told = {.what = what, .call = *call};

    (void)snprintf(told.path, sizeof told.path, "%s", call->path);
    (void)snprintf(told.to, sizeof told.to, "%s", call->to == NULL ? "" : call->to);
    if (!bytes_move(put, copier.fd, &told, sizeof told))
        _exit(EXIT_FAILURE);
    for (int i = 0; what == TELL_CALL && i < call->iov_count; i++)
        if (!bytes_move(put, copier.fd, call->iov[i].iov_base, call->iov[i].iov_len))
            _exit(EXIT_FAILURE);
}

static bool
child_before(const struct trace_call *call)
{
    bool left_out = false;

    (void)pthread_mutex_lock(&telling);
    tell(TELL_CALL, call);
    if (!bytes_move(read, copier.fd, &left_out, sizeof left_out))
        _exit(EXIT_FAILURE);
    (void)pthread_mutex_unlock(&telling);
    return left_out;
}

static void
child_after(const struct trace_call *call)
{
    (void)pthread_mutex_lock(&telling);
    tell(TELL_DONE, call);
    (void)pthread_mutex_unlock(&telling);
}

static void
child_run(char *const *argv, int fd)
{
    static struct trace_sink sink = {.before = child_before, .after = child_after};
    int count = 0;

    while (argv[count] != NULL)
        count++;
    copier.fd = fd;
    sink.root = copier.dir;
    trace_sink = &sink;
    if (dup2(copier.report_fd, REPORT_FD) < 0)
        _exit(EXIT_FAILURE);
    _exit(backup_child_main(count, (char **)(uintptr_t)argv));
}

/* ---- here */

void
copier_start(const char *dir, uint64_t seed)
{
    (void)snprintf(copier.dir, sizeof copier.dir, "%s", dir);
    copier.dice.state = seed;
}

/* Its descriptors are others than those here of the same number. */
static struct trace_call *
call_of(struct told *told)
{
    told->call.path = told->path;
    told->call.to = told->to;
    told->call.iov = NULL;
    told->call.fd += told->call.fd < 0 ? 0 : DISK_FDS_MAX;
    return &told->call;
}

/* Until it waits with its next call, or has ended. */
static void
await(void)
{
    struct told told;

    while (!copier.ended) {
        struct trace_call *call;

        if (!bytes_move(read, copier.fd, &told, sizeof told)) {
            copier.ended = true;
            return;
        }
        call = call_of(&told);
        if (told.what == TELL_DONE) {
            if (trace_sink != NULL)
                trace_sink->after(call);
            continue;
        }
        copier.next = told;
        copier.iov = (struct iovec){.iov_base = NULL, .iov_len = call->op == TRACE_WRITE ? call->len : 0};
        free(copier.bytes);
        copier.iov.iov_base = copier.bytes = malloc(copier.iov.iov_len + 1);
        if (copier.bytes == NULL || !bytes_move(read, copier.fd, copier.bytes, copier.iov.iov_len))
            abort();
        return;
    }
}

static void
go_on(void)
{
    struct trace_call call = copier.next.call;
    bool left_out;

    call.path = copier.next.path;
    call.to = copier.next.to;
    call.iov = &copier.iov;
    call.iov_count = 1;
    left_out = trace_sink != NULL && trace_sink->before(&call);
    if (!bytes_move(put, copier.fd, &left_out, sizeof left_out))
        copier.ended = true;
    await();
}

void
copier_step(void)
{
    if (copier.child == 0)
        return;
    for (uint64_t calls = dice_roll(&copier.dice, CALLS_MAX); calls > 0 && !copier.ended; calls--)
        go_on();
}

__typeof__(posix_spawn_file_actions_adddup2) __real_posix_spawn_file_actions_adddup2,
    __wrap_posix_spawn_file_actions_adddup2;

int
__wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int as)
{
    copier.report_fd = fd;
    return __real_posix_spawn_file_actions_adddup2(actions, fd, as);
}

/* Above REPORT_FD, which becomes another file in the child. */
static int
raised(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, REPORT_FD + 1);

    (void)close(fd);
    if (high < 0)
        abort();
    return high;
}

__typeof__(posix_spawn) __real_posix_spawn, __wrap_posix_spawn;

int
__wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                   const posix_spawnattr_t *attributes, char *const *argv, char *const *envp)
{
    int ends[2];

    (void)path;
    (void)actions;
    (void)attributes;
    (void)envp;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    ends[0] = raised(ends[0]);
    ends[1] = raised(ends[1]);
    if (copier_begins != NULL)
        copier_begins(argv[ARG_LABEL]);
    (void)fflush(NULL);
    copier.child = fork();
    if (copier.child < 0)
        abort();
    if (copier.child == 0) {
        (void)close(ends[0]);
        child_run(argv, ends[1]);
    }
    (void)close(ends[1]);
    copier.fd = ends[0];
    copier.ended = false;
    await();
    *ret = copier.child;
    return 0;
}

__typeof__(waitpid) __real_waitpid, __wrap_waitpid;

/* The broker is not told that it has ended before it had its turns. Who dies takes it along. */
pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
    if (copier.child == 0 || pid != copier.child)
        return __real_waitpid(pid, status, options);
    if ((options & WNOHANG) != 0 && !copier.ended)
        return 0;
    (void)close(copier.fd);
    copier.child = 0;
    return __real_waitpid(pid, status, 0);
}
