/*
 * backup - see backup.h
 *
 * The child is told by its arguments what to do, and tells by a piece of shared memory how it goes; what it found ends
 * up there before it exits. It dies with the broker.
 */
#include "broker/backup.h"

#include "broker/log.h"
#include "store/be.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE_NAME     "backup" /* u64 records, then the label */
#define REPORT_FD      3
#define CHILD_NICENESS 10

const char *backup_program = "/proc/self/exe"; /* also when its file was replaced meanwhile */

/* What both processes see. */
struct shared {
    struct backup_report report;
    int rc; /* of backup_make */
};

struct backups {
    const struct config *config;
    struct store *store;
    struct checkpoints *checkpoints;
    uint64_t safe_up_to;

    enum backup_state state;
    char label[BACKUP_LABEL_MAX + 1];
    const char *failure;
    uint64_t records, started_ms, ended_ms;
    pid_t child; /* 0: none */
    struct shared *shared;
    char part[PATH_MAX]; /* the file that grows while it is copied */
};

/* ---- what the log says of backups */

static int
value_take(void *arg, const char *name, const uint8_t *value, size_t len)
{
    uint64_t *safe_up_to = arg;

    if (strcmp(name, VALUE_NAME) != 0)
        return 0;
    if (len < sizeof(uint64_t))
        return -EBADMSG;
    *safe_up_to = be64_get(value);
    return 0;
}

static int
value_put(struct backups *b)
{
    uint8_t value[sizeof(uint64_t) + BACKUP_LABEL_MAX];
    size_t len = strlen(b->label);

    be64_put(value, b->records);
    memcpy(value + sizeof(uint64_t), b->label, len);
    return store_value_put(b->store, VALUE_NAME, value, sizeof(uint64_t) + len);
}

int
backups_create(struct backups **ret, const struct config *config, struct store *store, struct checkpoints *checkpoints)
{
    struct backups *b = calloc(1, sizeof *b);
    int rc = -ENOMEM;

    if (b == NULL)
        return rc;
    b->config = config;
    b->store = store;
    b->checkpoints = checkpoints;
    b->failure = "";
    b->shared = mmap(NULL, sizeof *b->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b->shared == MAP_FAILED) {
        b->shared = NULL;
        goto out;
    }
    rc = store_value_each(store, VALUE_NAME, value_take, &b->safe_up_to);
    if (rc == 0 && b->safe_up_to > store_head(store)) {
        log_error("backup: the log says that a backup holds %" PRIu64 " records, and has only %" PRIu64, b->safe_up_to,
                  store_head(store));
        rc = -EBADMSG;
    }
    if (rc == 0) {
        *ret = b;
        b = NULL;
    }
out:
    backups_destroy(&b);
    return rc;
}

void
backups_destroy(struct backups **backups)
{
    struct backups *b = *backups;

    *backups = NULL;
    if (b == NULL)
        return;
    if (b->child != 0) {
        (void)kill(b->child, SIGKILL);
        (void)waitpid(b->child, NULL, 0);
        log_warn("backup: %s was not finished", b->label);
    }
    if (b->shared != NULL)
        (void)munmap(b->shared, sizeof *b->shared);
    free(b);
}

uint64_t
backups_safe_up_to(const struct backups *b)
{
    return b->safe_up_to;
}

/* ---- the child */

enum { ARG_WORD = 1, ARG_DATA, ARG_SIZE, ARG_KEYS, ARG_KEK, ARG_LOG_TO, ARG_KEYS_TO, ARG_LABEL, ARG_VKEYS };

static int
child_options(int argc, char **argv, struct backup_options *o, struct note_key *keys)
{
    if (argc <= ARG_VKEYS || argc - ARG_VKEYS > (int)NOTE_KEYS_MAX)
        return -EINVAL;
    o->store = (struct store_options){.dir = argv[ARG_DATA],
                                      .key_dir = argv[ARG_KEYS],
                                      .kek_path = argv[ARG_KEK],
                                      .map_size_max = strtoull(argv[ARG_SIZE], NULL, 10)};
    o->log_to = argv[ARG_LOG_TO];
    o->keys_to = argv[ARG_KEYS_TO];
    o->label = argv[ARG_LABEL];
    for (int i = ARG_VKEYS; i < argc; i++)
        if (note_key_parse(argv[i], strlen(argv[i]), &keys[o->key_count++]) != 0)
            return -EINVAL;
    o->keys = keys;
    return 0;
}

int
backup_child_main(int argc, char **argv)
{
    struct note_key keys[NOTE_KEYS_MAX];
    struct backup_options options = {.key_count = 0};
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, REPORT_FD, 0);

    /* Damage in a page is expected here: it is to kill, and its death is an answer. */
    (void)signal(SIGBUS, SIG_DFL);
    (void)signal(SIGABRT, SIG_DFL);
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0,
                      CHILD_NICENESS); /* who publishes goes first; where it may not, it does without */
    if (shared == MAP_FAILED || child_options(argc, argv, &options, keys) != 0)
        return EXIT_FAILURE;
    shared->rc = backup_make(&options, &shared->report);
    return EXIT_SUCCESS;
}

/* The word for what backup_make() returned; -ECHILD: its process ended without a word. */
static const char *
failure_word(int rc)
{
    switch (rc) {
    case 0: return "";
    case -EEXIST: return "EXISTS";
    case -ENOENT:
    case -ENOTDIR:
    case -EINVAL: return "NO_PLACE";
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG: return "NO_SPACE";
    case -EACCES:
    case -EROFS: return "NO_ACCESS";
    case -EBADMSG:
    case -ENODATA:
    case -ESTALE:
    case -EPERM: return "INVALID";
    case -ECHILD: return "DIED";
    default: return "BROKEN";
    }
}

static int
child_spawn(struct backups *b, char **argv, int report_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int rc;

    if (backup_program == NULL)
        return -ENOSYS;
    (void)sigemptyset(&none);
    if ((rc = posix_spawn_file_actions_init(&actions)) != 0)
        return -rc;
    if ((rc = posix_spawnattr_init(&attributes)) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return -rc;
    }
    if ((rc = posix_spawn_file_actions_adddup2(&actions, report_fd, REPORT_FD)) == 0 &&
        (rc = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
        (rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK)) == 0)
        rc = posix_spawn(&b->child, backup_program, &actions, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        b->child = 0;
    return -rc;
}

/* Fresh memory for the child to tell in; the one before is given up. */
static int
shared_make(struct backups *b, int *ret_fd)
{
    struct shared *shared;
    int fd = memfd_create("wici-backup", MFD_CLOEXEC), rc = 0;

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, sizeof *shared) != 0) {
        rc = -errno;
        goto out;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) {
        rc = -errno;
        goto out;
    }
    (void)munmap(b->shared, sizeof *b->shared);
    b->shared = shared;
    shared->rc = -ECHILD; /* until it says otherwise */
    *ret_fd = fd;
    fd = -1;
out:
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int
child_start(struct backups *b)
{
    const struct config *c = b->config;
    const struct log_keys *keys = checkpoints_keys(b->checkpoints);
    char word[] = "wicid", child[] = BACKUP_CHILD_WORD, size[24], vkeys[NOTE_KEYS_MAX][NOTE_KEY_TEXT_SIZE];
    char *argv[ARG_VKEYS + NOTE_KEYS_MAX + 1] = {word,        child,         c->data_dir,       size,    c->key_dir,
                                                 c->kek_file, c->backup_dir, c->backup_key_dir, b->label};
    int fd = -1, rc;

    (void)snprintf(size, sizeof size, "%" PRIu64, c->data_size_max);
    for (size_t i = 0; i < keys->count; i++) {
        note_key_format(&keys->at[i], vkeys[i]);
        argv[ARG_VKEYS + i] = vkeys[i];
    }
    rc = shared_make(b, &fd);
    if (rc == 0)
        rc = child_spawn(b, argv, fd);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* ---- the loop's side */

int
backups_ask(struct backups *b, const char *label, uint64_t now_ms)
{
    int len;

    if (!backup_label_is_valid(label))
        return -EINVAL;
    if (b->state != BACKUP_NONE && b->state != BACKUP_DONE && b->state != BACKUP_FAILED)
        return -EBUSY;
    len = snprintf(b->part, sizeof b->part, "%s/%s.part/log/data.mdb", b->config->backup_dir, label);
    if (len < 0 || (size_t)len >= sizeof b->part)
        return -EINVAL;
    memcpy(b->label, label, strlen(label) + 1);
    b->state = BACKUP_WAITING;
    b->failure = "";
    b->records = 0;
    b->started_ms = now_ms;
    b->ended_ms = 0;
    return 0;
}

static void
fail(struct backups *b, int rc, uint64_t now_ms)
{
    const char *what = b->shared->report.verify.what;

    b->state = BACKUP_FAILED;
    b->failure = failure_word(rc);
    b->ended_ms = now_ms;
    if (rc == -ECHILD)
        log_error("backup: %s failed: the process that makes it ended at record %" PRIu64, b->label,
                  b->shared->report.verify.at);
    else
        log_error("backup: %s failed: %s", b->label, store_why(rc, what));
}

/* Signs what there is; the next commit keeps it. A guard that cannot be written was logged: then the copy has less. */
static int
wait_look(struct backups *b, uint64_t mono_ms)
{
    int rc = checkpoints_sign(b->checkpoints, mono_ms, true);

    b->state = BACKUP_SIGNED;
    return rc == 0 ? checkpoints_keep(b->checkpoints) : rc;
}

static int
signed_look(struct backups *b, uint64_t now_ms)
{
    int rc = child_start(b);

    if (rc != 0) {
        fail(b, rc, now_ms);
        return 0;
    }
    b->state = BACKUP_RUNNING;
    log_info("backup: %s begun", b->label);
    return 0;
}

static int
child_look(struct backups *b, uint64_t now_ms)
{
    pid_t ended = waitpid(b->child, NULL, WNOHANG);
    int rc;

    if (ended == 0 || (ended < 0 && errno == EINTR))
        return 0;
    b->child = 0;
    rc = store_readers_check(b->store);
    if (rc != 0)
        return rc;
    if (b->shared->rc != 0) {
        fail(b, b->shared->rc, now_ms);
        return 0;
    }
    b->records = b->shared->report.verify.records;
    b->ended_ms = now_ms;
    b->state = BACKUP_RECORDED;
    return value_put(b);
}

bool
backups_copying(const struct backups *b)
{
    return b->state == BACKUP_RUNNING && atomic_load(&b->shared->report.phase) <= BACKUP_COPYING;
}

int
backups_look(struct backups *b, uint64_t now_ms, uint64_t mono_ms, bool hold)
{
    switch (b->state) {
    case BACKUP_NONE:
    case BACKUP_DONE:
    case BACKUP_FAILED: return 0;
    case BACKUP_WAITING: return hold ? 0 : wait_look(b, mono_ms);
    case BACKUP_SIGNED: return hold ? 0 : signed_look(b, now_ms);
    case BACKUP_RUNNING: return child_look(b, now_ms);
    case BACKUP_RECORDED: /* a tick ago: its commit is made, or the broker has latched */
        if (b->records > b->safe_up_to)
            b->safe_up_to = b->records;
        b->state = BACKUP_DONE;
        log_info("backup: %s is whole: %" PRIu64 " records", b->label, b->records);
        return 0;
    }
    abort();
}

static const char *
state_word(const struct backups *b)
{
    switch (b->state) {
    case BACKUP_NONE: return "NONE";
    case BACKUP_WAITING:
    case BACKUP_SIGNED: return "WAITING";
    case BACKUP_RUNNING: return backups_copying(b) ? "COPYING" : "VERIFYING";
    case BACKUP_RECORDED: return "VERIFYING";
    case BACKUP_DONE: return "DONE";
    case BACKUP_FAILED: return "FAILED";
    }
    abort();
}

void
backups_view(const struct backups *b, struct backup_view *ret)
{
    struct stat st;

    *ret = (struct backup_view){.word = state_word(b),
                                .failure = b->failure,
                                .label = b->label,
                                .records = b->records,
                                .started_ms = b->started_ms,
                                .ended_ms = b->ended_ms};
    if (b->state != BACKUP_RUNNING)
        return;
    ret->records = b->shared->report.verify.at;
    if (stat(b->part, &st) == 0)
        ret->bytes = (uint64_t)st.st_size;
}
