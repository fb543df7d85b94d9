/*
 * daemon - see daemon.h
 */
#include "tests/support/daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT_MS 60000 /* sanitizers on a busy machine */

static void
program_path(char *ret, size_t size)
{
    const char *bin = getenv("WICI_BIN");

    assert_non_null(bin);
    assert_true((size_t)snprintf(ret, size, "%s/wicid", bin) < size);
}

static void
path_of(const struct daemon *d, const char *name, char *ret, size_t size)
{
    assert_true((size_t)snprintf(ret, size, "%s/%s", d->dir, name) < size);
}

void
daemon_write(const struct daemon *d, const char *name, const char *text)
{
    char path[160];
    FILE *out;

    path_of(d, name, path, sizeof path);
    out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

void
daemon_tie(pid_t parent)
{
    /* The signal comes with the parent's end; a parent that had ended before it was asked for is another by now. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(127);
}

int
daemon_run(const char *const *arguments, char *out, size_t size)
{
    char path[4096];
    const char *argv[32] = {"wicid"};
    int pipes[2], status, count = 1;
    size_t used = 0;
    pid_t pid, parent = getpid();

    program_path(path, sizeof path);
    for (; arguments[count - 1] != NULL; count++) {
        assert_true(count < 31);
        argv[count] = arguments[count - 1];
    }
    argv[count] = NULL;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        daemon_tie(parent);
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(pipes[1]);
    for (;;) {
        ssize_t got = read(pipes[0], out + used, size - 1 - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    out[used] = '\0';
    (void)close(pipes[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
daemon_create(struct daemon *d, const char *more)
{
    char config[4096], out[8192], path[160];
    struct keyfile broker;

    memset(d, 0, sizeof *d);
    (void)snprintf(d->dir, sizeof d->dir, "/tmp/wici-wire-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    path_of(d, "wicid.conf", d->config, sizeof d->config);
    path_of(d, "admin.key", d->admin_key, sizeof d->admin_key);
    (void)snprintf(config, sizeof config,
                   "listen = tcp://127.0.0.1:*\ndata.dir = %s/data\nkey.dir = %s/keys\nkek.file = %s/kek\n"
                   "curve.key = %s/curve.key\ncheckpoint.key = %s/checkpoint.key\nguard.file = %s/guard\n"
                   "backup.dir = %s/backup\nbackup.key_dir = %s/backup-keys\n%s",
                   d->dir, d->dir, d->dir, d->dir, d->dir, d->dir, d->dir, d->dir,
                   more != NULL ? more : "data.size_max = 256M\n");
    daemon_write(d, "wicid.conf", config);
    const char *const arguments[] = {"init",          "-c",  d->config, "--origin", "wire.example", "--agency",   "ops",
                                     "--agency-name", "OPS", "--unit",  "admin",    "--admin-key",  d->admin_key, NULL};
    if (daemon_run(arguments, out, sizeof out) != 0)
        fail_msg("wicid init: %s", out);
    assert_int_equal(keyfile_read(d->admin_key, &d->admin), 0);
    path_of(d, "curve.key", path, sizeof path);
    assert_int_equal(keyfile_read(path, &broker), 0);
    memcpy(d->server_key, broker.public_key, sizeof d->server_key);
    keyfile_wipe(&broker);
}

/* The line "listening ENDPOINT", within the time that is left. */
static void
endpoint_read(struct daemon *d, int fd)
{
    char line[256];
    size_t used = 0;

    while (used < sizeof line - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, START_TIMEOUT_MS) <= 0 || read(fd, line + used, 1) != 1)
            fail_msg("wicid did not start, see %s/log", d->dir);
        if (line[used++] == '\n')
            break;
    }
    line[used - 1] = '\0';
    assert_int_equal(strncmp(line, "listening ", 10), 0);
    assert_true((size_t)snprintf(d->endpoint, sizeof d->endpoint, "%s", line + 10) < sizeof d->endpoint);
}

void
daemon_start(struct daemon *d)
{
    char path[4096], log[160];
    pid_t parent = getpid();
    int pipes[2];

    assert_int_equal(d->pid, 0);
    program_path(path, sizeof path);
    path_of(d, "log", log, sizeof log);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        daemon_tie(parent);
        (void)dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO); /* as a service has it */
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(path, "wicid", "-c", d->config, (char *)NULL);
        _exit(127);
    }
    (void)close(pipes[1]);
    endpoint_read(d, pipes[0]);
    (void)close(pipes[0]);
}

int
daemon_stop(struct daemon *d, int signal)
{
    int status;

    assert_true(d->pid > 0);
    if (signal != 0)
        assert_int_equal(kill(d->pid, signal), 0);
    assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
    d->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool
daemon_logged(const struct daemon *d, const char *text)
{
    char path[160], log[65536];
    size_t used;
    FILE *in;

    path_of(d, "log", path, sizeof path);
    in = fopen(path, "re");
    if (in == NULL)
        return false;
    used = fread(log, 1, sizeof log - 1, in);
    log[used] = '\0';
    (void)fclose(in);
    return strstr(log, text) != NULL;
}

size_t
daemon_memory(const struct daemon *d)
{
    char path[64];
    unsigned long size, resident, shared;
    FILE *in;

    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)d->pid);
    in = fopen(path, "re");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%lu %lu %lu", &size, &resident, &shared), 3);
    (void)fclose(in);
    return (size_t)(resident - shared) * (size_t)sysconf(_SC_PAGESIZE); /* shared: the map of the log, and programs */
}

size_t
daemon_descriptors(const struct daemon *d)
{
    char path[64];
    size_t count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)d->pid);
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2; /* "." and ".." */
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
daemon_destroy(struct daemon *d)
{
    if (d->pid > 0)
        (void)daemon_stop(d, SIGKILL);
    if (d->dir[0] != '\0')
        (void)nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    keyfile_wipe(&d->admin);
    memset(d, 0, sizeof *d);
}
