/*
 * restore - see restore.h
 *
 * The copy is verified in a child process: damage in it may kill whoever reads it.
 */
#include "broker/restore.h"

#include "broker/log.h"
#include "proto/event.h"
#include "proto/language.h"
#include "proto/file.h"
#include "store/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What both processes see. */
struct shared {
    struct verify_report report;
    int rc;
};

static int
verify_apart(const struct restore_options *options, const struct backup_what *what, struct shared *shared)
{
    pid_t child;

    shared->rc = -ECHILD;
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)signal(SIGBUS, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
        (void)signal(SIGSEGV, SIG_DFL);
        shared->rc = restore_verify(options, what, &shared->report);
        _exit(EXIT_SUCCESS);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return -errno;
    return shared->rc;
}

static void
check_log(const struct restore_options *o, int rc)
{
    switch (rc) {
    case -EEXIST:
        log_error("restore: there is a log in %s: nothing is overwritten; move it aside if it is lost", o->store.dir);
        return;
    case -EBUSY: log_error("restore: a process has %s open: stop wicid first", o->store.dir); return;
    case -ENOENT:
        log_error("restore: %s is no backup: it has a folder log and a file %s", o->from, BACKUP_FILE);
        return;
    case -EBADMSG: log_error("restore: %s/%s is damaged", o->from, BACKUP_FILE); return;
    case -ENOKEY:
        log_error("restore: there is no key store in %s: name the newest copy of it with --keys", o->store.key_dir);
        return;
    default: log_error("restore: %s: %s", o->from, strerror(-rc)); return;
    }
}

static void
verify_log(const struct restore_options *o, int rc, const struct verify_report *report)
{
    if (rc == -ECHILD)
        log_error("restore: %s: the file is damaged: reading on behind record %" PRIu64 " was not possible", o->from,
                  report->at);
    else if (rc == -EPERM)
        log_error("restore: %s can be read by others, or is not the key of this key store; if it was changed since "
                  "(wicid kek rotate), name a copy of the key store that was made after that",
                  o->store.kek_path);
    else if (rc == -ENODATA && report->missing_document)
        log_error("restore: %s: a document that record %" PRIu64 " names is missing, and no record says that it was "
                  "erased",
                  o->from, report->missing);
    else if (rc == -ENODATA)
        log_error("restore: %s: the content of record %" PRIu64 " is missing, and no record says that it was erased",
                  o->from, report->missing);
    else
        log_error("restore: %s: the copy does not hold: %s", o->from, store_why(rc, report->what));
}

static void
done_print(const struct config *config, const struct backup_what *what)
{
    char time[TIME_TEXT_SIZE];

    time_format(what->time_ms, time);
    (void)printf(_("The log %s is in %s as it was at %s: %" PRIu64 " records, verified.\n"
                   "What was taken after that is not in it. Next: wicid init --new-epoch, then start wicid; agents "
                   "that still have their events send them again by themselves.\n"),
                 what->origin, config->data_dir, time, what->records);
}

int
restore_run(const struct config *config, const char *from, const char *keys_from)
{
    struct restore_options options = {.store = config_store(config), .from = from, .keys_from = keys_from};
    struct backup_what *what = calloc(1, sizeof *what);
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = what == NULL || shared == MAP_FAILED ? -ENOMEM : 0;

    if (rc == 0)
        rc = config_directories(config);
    if (rc != 0) {
        log_error("restore: %s: %s", config->data_dir, strerror(-rc));
        goto out;
    }
    rc = restore_check(&options, what);
    if (rc != 0) {
        check_log(&options, rc);
        goto out;
    }
    rc = verify_apart(&options, what, shared);
    if (rc != 0) {
        verify_log(&options, rc, &shared->report);
        goto out;
    }
    rc = restore_put(&options);
    if (rc != 0)
        log_error("restore: %s cannot be put there: %s; once more goes on", from, strerror(-rc));
    else
        done_print(config, what);
out:
    if (shared != MAP_FAILED)
        (void)munmap(shared, sizeof *shared);
    free(what);
    return rc;
}

int
restore_refuses(const struct config *config)
{
    char path[PATH_MAX];

    if (restore_mark_find(config->data_dir) != 0)
        return 0;
    if (file_path(path, config->data_dir, "log") == 0 && access(path, F_OK) != 0)
        log_error("restore: the restoration into %s was interrupted: the same `wicid restore` goes on",
                  config->data_dir);
    else
        log_error(
            "restore: the log in %s was restored from a backup and lacks what was taken after it: it goes on with "
            "`wicid init --new-epoch`",
            config->data_dir);
    return -ESTALE;
}
