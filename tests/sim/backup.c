/*
 * backup - see backup.h
 */
#include "tests/sim/backup.h"

#include "broker/backup.h"
#include "broker/init.h"
#include "broker/restore.h"
#include "store/fault.h"
#include "store/restore.h"
#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPIES_MAX 64u
#define PATH_SIZE  512u
#define ARG_LABEL  8u /* among the arguments of the process that copies */
#define REPORT_FD  3  /* where it tells how it goes */

struct copy {
    char label[16];
    struct check_shot *shot; /* what the checkers knew when the log was copied; NULL: it is not yet */
    bool whole;
    bool parted; /* of a branch that was left: its keys may have been used, or destroyed, for others since */
};

static struct {
    const struct config *config;
    struct copy copies[COPIES_MAX];
    size_t count; /* the last may be under way */
    unsigned labels;
    char label[16];
    int report_fd; /* as posix_spawn was told */
    pid_t child;   /* 0: none */
    int go_on, reached;
    bool ended; /* the broker may be told that it has */
} backup;

static bool in_child;

void
backup_start(const struct config *config)
{
    memset(&backup, 0, sizeof backup);
    backup.config = config;
}

void
backup_clear(void)
{
    for (size_t i = 0; i < backup.count; i++)
        check_shot_free(&backup.copies[i].shot);
    backup.count = 0;
}

const char *
backup_label_next(void)
{
    (void)snprintf(backup.label, sizeof backup.label, "copy-%u", backup.labels++);
    return backup.label;
}

/* ---- the process that copies */

/* It tells that it stands here, and waits. */
static void
gate(void)
{
    char byte = 0;

    if (!in_child)
        return;
    if (write(backup.reached, &byte, 1) != 1 || read(backup.go_on, &byte, 1) != 1)
        _exit(EXIT_FAILURE);
}

__typeof__(mdb_env_copyfd2) __real_mdb_env_copyfd2, __wrap_mdb_env_copyfd2;

int
__wrap_mdb_env_copyfd2(MDB_env *env, mdb_filehandle_t fd, unsigned int flags)
{
    int rc;

    gate();
    rc = __real_mdb_env_copyfd2(env, fd, flags);
    gate();
    return rc;
}

__typeof__(verify_copy) __real_verify_copy, __wrap_verify_copy;

int
__wrap_verify_copy(const struct verify_options *options, struct verify_report *report)
{
    gate();
    return __real_verify_copy(options, report);
}

__typeof__(posix_spawn_file_actions_adddup2) __real_posix_spawn_file_actions_adddup2,
    __wrap_posix_spawn_file_actions_adddup2;

int
__wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int as)
{
    backup.report_fd = fd;
    return __real_posix_spawn_file_actions_adddup2(actions, fd, as);
}

static int
argument_count(char *const *argv)
{
    int count = 0;

    while (argv[count] != NULL)
        count++;
    return count;
}

/* Its ends lie above REPORT_FD, which becomes another file in the child. */
static void
pipe_open(int ret[2])
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) != 0)
        abort();
    for (size_t i = 0; i < 2; i++) {
        ret[i] = fcntl(low[i], F_DUPFD_CLOEXEC, REPORT_FD + 1);
        (void)close(low[i]);
        if (ret[i] < 0)
            abort();
    }
}

static void
child_run(char *const *argv, const int to[2], const int from[2])
{
    in_child = true;
    sim_broker = NULL;
    backup.go_on = to[0];
    backup.reached = from[1];
    (void)close(to[1]);
    (void)close(from[0]);
    if (dup2(backup.report_fd, REPORT_FD) < 0)
        _exit(EXIT_FAILURE);
    _exit(backup_child_main(argument_count(argv), (char **)(uintptr_t)argv));
}

/* Until it stands at the next gate; false: it has ended. */
static bool
child_reaches(void)
{
    char byte;

    return read(backup.reached, &byte, 1) == 1;
}

__typeof__(posix_spawn) __real_posix_spawn, __wrap_posix_spawn;

int
__wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                   const posix_spawnattr_t *attributes, char *const *argv, char *const *envp)
{
    int to[2], from[2];

    (void)path;
    (void)actions;
    (void)attributes;
    (void)envp;
    if (backup.count == COPIES_MAX)
        abort();
    pipe_open(to);
    pipe_open(from);
    (void)fflush(NULL);
    backup.child = fork();
    if (backup.child < 0)
        abort();
    if (backup.child == 0)
        child_run(argv, to, from);
    (void)close(to[0]);
    (void)close(from[1]);
    backup.go_on = to[1];
    backup.reached = from[0];
    backup.ended = !child_reaches();
    (void)snprintf(backup.copies[backup.count].label, sizeof backup.copies[0].label, "%s", argv[ARG_LABEL]);
    backup.copies[backup.count].parted = false;
    backup.copies[backup.count++].whole = false;
    sim_tell("a copy, %s, is begun", argv[ARG_LABEL]);
    *ret = backup.child;
    return 0;
}

static void
child_forget(void)
{
    (void)close(backup.go_on);
    (void)close(backup.reached);
    backup.child = 0;
    if (backup.count > 0 && !backup.copies[backup.count - 1].whole)
        check_shot_free(&backup.copies[--backup.count].shot);
}

__typeof__(waitpid) __real_waitpid, __wrap_waitpid;

/* The broker is not told that it has ended before the driver let it. Who dies takes it along. */
pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
    if (backup.child == 0 || pid != backup.child)
        return __real_waitpid(pid, status, options);
    if ((options & WNOHANG) != 0 && !backup.ended)
        return 0;
    pid = __real_waitpid(pid, status, 0);
    child_forget();
    return pid;
}

static char *
path_of(char ret[PATH_SIZE], const char *dir, const char *label)
{
    (void)snprintf(ret, PATH_SIZE, "%s/%s", dir, label);
    return ret;
}

static void
copy_ended(struct copy *copy)
{
    struct backup_what what;
    char path[PATH_SIZE];

    if (copy->shot == NULL || backup_read(path_of(path, backup.config->backup_dir, copy->label), &what) != 0)
        sim_fail("backup", "%s was asked for, and is not made", copy->label);
    if (what.records != check_shot_head(copy->shot) || what.epoch != ledger_epoch())
        sim_fail("backup", "%s is said to hold %" PRIu64 " records of epoch %" PRIu64 "; copied were %" PRIu64,
                 copy->label, what.records, what.epoch, check_shot_head(copy->shot));
    copy->whole = true;
    sim_counts.copies++;
    sim_tell("%s is whole: %" PRIu64 " records", copy->label, what.records);
    check_backup_whole(what.records);
}

void
backup_step(void)
{
    struct copy *copy;
    char byte = 0;

    if (backup.child == 0 || backup.ended)
        return;
    copy = &backup.copies[backup.count - 1];
    if (copy->shot == NULL)
        copy->shot = check_shot_take();
    if (write(backup.go_on, &byte, 1) != 1)
        abort();
    backup.ended = !child_reaches();
    if (backup.ended)
        copy_ended(copy);
}

bool
backup_is_under_way(void)
{
    return backup.child != 0;
}

size_t
backup_count(void)
{
    return backup.count - (backup.child != 0 && !backup.copies[backup.count - 1].whole);
}

/* ---- what is put back */

static void
lose(const char *dir)
{
    char command[PATH_SIZE + 64];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        abort();
}

/* What the operator is told is not shown here. */
static int
quietly(int (*fn)(const void *arg), const void *arg)
{
    int out = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), rc;

    (void)fflush(stdout);
    (void)dup2(nowhere, STDOUT_FILENO);
    rc = fn(arg);
    (void)fflush(stdout);
    (void)dup2(out, STDOUT_FILENO);
    (void)close(out);
    (void)close(nowhere);
    return rc;
}

struct places {
    char log[PATH_SIZE], keys[PATH_SIZE];
    bool keys_lost;
};

static int
put_back(const void *arg)
{
    const struct places *places = arg;

    return restore_run(backup.config, places->log, places->keys_lost ? places->keys : NULL);
}

static int
new_epoch(const void *arg)
{
    (void)arg;
    return init_new_epoch(backup.config);
}

/* One of those of this branch, drawn; and the newest of them. */
static const struct copy *
copy_draw(const struct copy **ret_newest)
{
    const struct copy *some[COPIES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < backup_count(); i++)
        if (!backup.copies[i].parted)
            some[count++] = &backup.copies[i];
    *ret_newest = some[count - 1]; /* the one that was put back last is among them */
    return some[fate_below(count)];
}

static void
branch_leave(uint64_t head)
{
    for (size_t i = 0; i < backup.count; i++)
        if (check_shot_head(backup.copies[i].shot) > head)
            backup.copies[i].parted = true;
}

void
backup_put_back(bool keys_lost)
{
    const struct copy *newest, *copy = copy_draw(&newest);
    struct places places = {.keys_lost = keys_lost};

    store_commit_fault = NULL;
    (void)path_of(places.log, backup.config->backup_dir, copy->label);
    (void)path_of(places.keys, backup.config->backup_key_dir, newest->label);
    sim_counts.restorations++;
    sim_tell("the disks are lost%s: %s is put back, %" PRIu64 " records of %" PRIu64,
             keys_lost ? ", with the keys" : "", copy->label, check_shot_head(copy->shot), ledger_head());
    lose(backup.config->data_dir);
    if (keys_lost)
        lose(backup.config->key_dir);
    if (quietly(put_back, &places) != 0)
        sim_fail("backup", "%s cannot be put back", copy->label);
    check_put_back(copy->shot);
    clients_put_back(ledger_head());
    branch_leave(ledger_head());
    if (quietly(new_epoch, NULL) != 0)
        sim_fail("restored", "no new epoch begins behind record %" PRIu64, check_shot_head(copy->shot));
}

void
backup_verify_all(void)
{
    static struct verify_report report;
    static struct backup_what what;

    for (size_t i = 0; i < backup_count(); i++) {
        char path[PATH_SIZE];
        struct restore_options options = {.store = config_store(backup.config), .from = path};
        int rc;

        if (backup.copies[i].parted)
            continue;
        (void)path_of(path, backup.config->backup_dir, backup.copies[i].label);
        rc = backup_read(path, &what);
        if (rc == 0)
            rc = restore_verify(&options, &what, &report);
        if (rc != 0)
            sim_fail("backup", "%s, of %" PRIu64 " records, does not verify with the keys of now: %s %s",
                     backup.copies[i].label, check_shot_head(backup.copies[i].shot), strerror(-rc), report.what);
    }
}
