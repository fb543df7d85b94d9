/*
 * wici-agent - an institution's side of Wici, as folders
 *
 * Files put into outbox are sent; what comes for this unit appears in inbox (docs/AGENT.md). One thread, one loop:
 *
 *     wici_run -> inbox_commit -> contact_run -> outbox_run -> inbox_history -> documents_run -> witness_run
 *              -> receipts_run -> delivery_run -> agent_work_run -> poll
 *
 * The parts: outbox.c and inbox.c move files safely and know nothing of sockets; agent_wici.c is the broker to them;
 * page.c draws the pages.
 */
#include "agents/agent_config.h"
#include "agents/agent_contact.h"
#include "agents/agent_file.h"
#include "agents/agent_status.h"
#include "agents/agent_wici.h"
#include "agents/agent_work.h"
#include "agents/inbox.h"
#include "agents/inbox_documents.h"
#include "agents/inbox_erased.h"
#include "proto/date.h"
#include "proto/errors.h"
#include "proto/hangup.h"
#include "proto/language.h"
#include "proto/nodump.h"
#include "agents/outbox.h"
#include "agents/outbox_delivery.h"
#include "agents/outbox_receipt.h"
#include "agents/witness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS          1000 /* longest pause of the loop */
#define BUSY_MS          100  /* ... while a file is not finished yet */
#define HISTORY_PAUSE_MS 5000u
#define PROOF_MS         5000u /* --once: proofs are waited for so long after the last event */
#define QUIET_MS         3000u /* --once: nothing came for so long */
#define RESTART_MS       100   /* from closing everything to opening it anew */
#define ROOM_MS          5000  /* from one look for room on a full disk to the next */

enum mode { MODE_RUN, MODE_ONCE, MODE_CHECK, MODE_STATUS };

struct arguments {
    enum mode mode;
    const char *config;
    unsigned long wait_s;
};

struct agent {
    struct agent_config config;
    struct agent_dirs dirs;
    struct agent_who who;
    struct agent_wici wici;
    struct outbox *outbox;
    struct inbox *inbox;
    struct place place;
    struct witness *witness;
    struct receipts receipts;
    struct delivery delivery;
    struct agent_work work;
    struct documents_fetch fetch;
    struct erased_work erased;
    int signal_fd, notify_fd;
    struct agent_contact contact;
    bool look; /* something happened in outbox */
    bool full; /* the disk was, and it was told */
    bool history_waits;
    uint64_t next_look_ms, next_history_ms, heard_ms;
    uint64_t heard; /* inbox_filed() when something last came */
};

static uint64_t
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static int32_t
today(const struct agent *a)
{
    return date_of_moment(wici_time_ms(a->wici.client));
}

static bool
is_full(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT;
}

static bool
is_ready(const struct agent *a)
{
    return a->contact.state == WICI_READY;
}

/* ---- the folders */

static void
open_notify(struct agent *a)
{
    if (a->notify_fd >= 0)
        close(a->notify_fd);
    a->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (a->notify_fd >= 0) {
        char path[4096];

        /* Without it (some network shares) the regular look finds the files a little later. */
        if (snprintf(path, sizeof path, "%s/outbox", a->config.dir) >= (int)sizeof path ||
            inotify_add_watch(a->notify_fd, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0)
            agent_log(AGENT_WARN, "no notification of new files, looking every %llu ms",
                      (unsigned long long)a->config.poll_ms);
    }
}

/* -ERESTART: other ones are open now. */
static int
folders_renew(struct agent *a)
{
    int rc = agent_dirs_renew(&a->dirs);

    if (rc == -EIDRM)
        agent_log(AGENT_ERROR,
                  "the folder state was removed or replaced: put it back. Without it this agent begins as a "
                  "new one when it is started again");
    if (rc != 1)
        return rc;
    agent_log(AGENT_WARN, "a folder was removed or replaced: the one that has its name now is used");
    open_notify(a);
    a->look = true;
    return -ERESTART;
}

/* ---- one round of the loop */

static int
run_outbox(struct agent *a, uint64_t now)
{
    if (!a->look && now < a->next_look_ms && outbox_under_way(a->outbox) == 0 && outbox_waiting(a->outbox) == 0)
        return 0;
    a->look = false;
    a->next_look_ms = now + a->config.poll_ms;
    return outbox_run(a->outbox, now);
}

static int
run_history(struct agent *a, uint64_t now)
{
    int rc;

    if (!is_ready(a) || now < a->next_history_ms)
        return 0;
    rc = inbox_history(a->inbox);
    a->history_waits = rc != 0;
    if (rc == -EAGAIN) {
        a->next_history_ms = now + HISTORY_PAUSE_MS;
        return 0;
    }
    return rc < 0 ? rc : 0;
}

static int
run_documents(struct agent *a, uint64_t now)
{
    if (inbox_wanted(a->inbox)) {
        a->fetch.next_ms = 0;
        a->fetch.after[0] = '\0';
        a->fetch.waits = true;
    }
    return is_ready(a) ? documents_run(&a->fetch, now) : 0;
}

static int
run_erased(struct agent *a)
{
    a->erased.waits = inbox_erasures(a->inbox) || a->erased.waits;
    return erased_run(&a->erased);
}

static int
run_round(struct agent *a)
{
    uint64_t now = now_ms();
    int rc = folders_renew(a);

    if (rc != 0)
        return rc;
    rc = wici_run(a->wici.client, 0);
    if (a->wici.failed != 0)
        return a->wici.failed;
    if (is_full(rc))
        return rc;
    if (rc != 0 && rc != -EINTR)
        agent_log(AGENT_WARN, "connection: %s", strerror(-rc));
    rc = inbox_commit(a->inbox);
    if (inbox_filed(a->inbox) != a->heard) {
        a->heard = inbox_filed(a->inbox);
        a->heard_ms = now;
    }
    if (rc == 0)
        rc = contact_run(&a->contact, now);
    if (a->contact.ready_ms > a->heard_ms)
        a->heard_ms = a->contact.ready_ms;
    if (rc == 0)
        rc = run_outbox(a, now);
    if (rc == 0)
        rc = run_history(a, now);
    if (rc == 0)
        rc = inbox_commit(a->inbox); /* a document comes after its event */
    if (rc == 0)
        rc = run_erased(a);
    if (rc == 0)
        rc = run_documents(a, now);
    if (rc == 0 && is_ready(a))
        rc = witness_run(a->witness, now);
    if (rc == 0 && is_ready(a))
        rc = receipts_run(&a->receipts, now);
    if (rc == 0 && is_ready(a))
        rc = delivery_run(&a->delivery, now);
    if (rc >= 0 && is_ready(a))
        rc = agent_work_run(&a->work, now, today(a), inbox_filed(a->inbox));
    if (rc >= 0)
        rc = inbox_commit(a->inbox); /* what came while a question was waiting for its answer */
    if (a->wici.failed != 0)
        rc = a->wici.failed;
    return rc < 0 ? rc : 0;
}

static void
read_notify(struct agent *a)
{
    union {
        struct inotify_event event;
        char bytes[16384];
    } buffer;
    ssize_t got;

    while ((got = read(a->notify_fd, &buffer, sizeof buffer)) > 0) {
        a->look = true;
        for (ssize_t at = 0; at < got;) {
            struct inotify_event event;

            memcpy(&event, buffer.bytes + at, sizeof event);
            if (event.len > 0 && (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0)
                outbox_closed(a->outbox, buffer.bytes + at + sizeof event, now_ms());
            at += (ssize_t)(sizeof event + event.len);
        }
    }
}

/* Waits for something to do. Returns true when it is time to end. */
static bool
wait_for_work(struct agent *a)
{
    struct pollfd fds[] = {{.fd = a->signal_fd, .events = POLLIN},
                           {.fd = a->notify_fd, .events = POLLIN},
                           {.fd = wici_fd(a->wici.client), .events = POLLIN}};
    int pause_ms = outbox_waiting(a->outbox) > 0 ? BUSY_MS : IDLE_MS;

    if (a->config.poll_ms < (uint64_t)pause_ms)
        pause_ms = (int)a->config.poll_ms;
    if (poll(fds, sizeof fds / sizeof fds[0], pause_ms) < 0)
        return false;
    if (fds[1].revents != 0)
        read_notify(a);
    return fds[0].revents != 0;
}

/* --once: nothing is left to do that could be done now. */
static bool
is_done(const struct agent *a, uint64_t started_ms)
{
    uint64_t now = now_ms();
    bool proven = (witness_waiting(a->witness) == 0 && !receipts_wait(&a->receipts)) || now > a->heard_ms + PROOF_MS;
    bool settled = outbox_waiting(a->outbox) == 0 || now > started_ms + a->config.settle_ms + 1000;

    return is_ready(a) && a->wici.subscription != 0 && settled && proven && outbox_under_way(a->outbox) == 0 &&
           !a->history_waits && !a->fetch.waits && (a->wici.caught_up || now > a->heard_ms + QUIET_MS);
}

static int
run(struct agent *a, const struct arguments *arguments)
{
    uint64_t started = now_ms();
    bool over = false;
    int rc = 0;

    while (rc == 0 && !over) {
        rc = run_round(a);
        if (rc == 0 && arguments->mode == MODE_ONCE) {
            if (is_done(a, started))
                return 0;
            if (now_ms() > started + arguments->wait_s * 1000) {
                agent_log(AGENT_ERROR, "not finished after %lu s", arguments->wait_s);
                return -ETIMEDOUT;
            }
        }
        if (rc == 0)
            over = wait_for_work(a);
    }
    if (rc == 0)
        agent_log(AGENT_INFO, "ended on request");
    return rc;
}

/* ---- starting and ending */

/* Before anything else: a request to end that comes early is kept until the loop looks. */
static int
open_signals(struct agent *a)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    hangup_ignore();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN); /* of a lease on a file that its writer opens again (outbox_look.c) */
    a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return a->signal_fd < 0 ? -errno : 0;
}

/* The folders are ours by now. */
static int
parts_open(struct agent *a)
{
    int rc = place_open(&a->place, &a->dirs);

    if (rc == -EBADMSG)
        agent_log(AGENT_ERROR, "state/mark is damaged: remove it, and the folder is given another name at the broker");
    if (rc == 0)
        rc = witness_open(&a->witness,
                          &(struct witness_options){.dirs = &a->dirs, .link = &a->wici.link, .config = &a->config});
    a->wici.witness = a->witness;
    a->wici.place = &a->place;
    if (rc == 0)
        rc = agent_wici_open(&a->wici, &a->config, &a->dirs, &a->who);
    if (rc == 0)
        rc = inbox_open(&a->inbox, &(struct inbox_options){.dirs = &a->dirs,
                                                           .link = &a->wici.link,
                                                           .config = &a->config,
                                                           .who = &a->who,
                                                           .names = &a->wici.names});
    a->wici.inbox = a->inbox;
    if (rc == 0)
        rc = outbox_open(
            &a->outbox,
            &(struct outbox_options){.dirs = &a->dirs, .link = &a->wici.link, .config = &a->config, .who = &a->who});
    a->fetch = (struct documents_fetch){.dirs = &a->dirs, .link = &a->wici.link, .waits = true};
    a->erased = (struct erased_work){.dirs = &a->dirs, .link = &a->wici.link, .config = &a->config, .waits = true};
    a->receipts = (struct receipts){.dirs = &a->dirs, .link = &a->wici.link, .witness = a->witness, .who = &a->who};
    a->delivery = (struct delivery){.dirs = &a->dirs, .link = &a->wici.link, .config = &a->config};
    a->contact = (struct agent_contact){.dirs = &a->dirs, .wici = &a->wici, .witness = a->witness, .place = &a->place};
    a->work.dirs = &a->dirs;
    a->work.link = &a->wici.link;
    a->work.who = &a->who;
    a->work.names = &a->wici.names;
    return rc;
}

static int
agent_open(struct agent *a)
{
    int rc = agent_dirs_lock(&a->dirs);

    if (rc == -EBUSY)
        agent_log(AGENT_ERROR, "another agent runs in this folder");
    if (rc == 0)
        open_notify(a);
    return rc;
}

static void
parts_close(struct agent *a)
{
    agent_wici_close(&a->wici); /* first: it calls into the others */
    outbox_close(&a->outbox);
    inbox_close(&a->inbox);
    witness_close(&a->witness);
    place_close(&a->place);
}

/* Before all is opened anew: not so often that it hurts. Returns true when it is time to end. */
static bool
wait_for_restart(const struct agent *a)
{
    struct pollfd fd = {.fd = a->signal_fd, .events = POLLIN};

    return poll(&fd, 1, RESTART_MS) > 0;
}

/* Waits until the disk has room again. Returns true when it is time to end. */
static bool
wait_for_room(struct agent *a)
{
    struct pollfd fd = {.fd = a->signal_fd, .events = POLLIN};
    bool over = false;

    if (!a->full)
        agent_log(AGENT_ERROR,
                  "the disk with this folder is full: please make room. Nothing is lost; this agent waits, and "
                  "goes on by itself");
    a->full = true;
    do
        over = poll(&fd, 1, ROOM_MS) > 0;
    while (!over && agent_room(a->dirs.state) != 0);
    return over;
}

/* Works until it is told to end, or something fails; opens everything anew where that is all that is needed. */
static int
serve(struct agent *a, const struct arguments *arguments)
{
    for (;;) {
        int rc = folders_renew(a);

        if (rc == 0 || rc == -ERESTART)
            rc = parts_open(a);
        if (rc == 0 && a->full)
            agent_log(AGENT_INFO, "the disk has room again");
        a->full = a->full && rc != 0;
        if (rc == 0)
            rc = run(a, arguments);
        if (rc != -ERESTART && (!is_full(rc) || arguments->mode == MODE_ONCE))
            return rc;
        parts_close(a);
        a->heard = 0;
        a->look = true;
        if (is_full(rc) ? wait_for_room(a) : wait_for_restart(a))
            return 0;
    }
}

static void
agent_close(struct agent *a)
{
    parts_close(a);
    agent_dirs_close(&a->dirs);
    agent_work_close(&a->work);
    agent_config_free(&a->config);
    if (a->signal_fd >= 0)
        close(a->signal_fd);
    if (a->notify_fd >= 0)
        close(a->notify_fd);
}

static void
explain_end(const struct agent *a, int rc)
{
    if (rc == -ESTALE)
        agent_log(AGENT_ERROR, "this folder belongs to another log (training is not the real one): use another dir");
    else if (rc == -EPERM)
        agent_log(AGENT_ERROR, "this folder belongs to unit %s, the key to another: use another dir", a->who.unit);
    else if (is_full(rc))
        agent_log(AGENT_ERROR, "the disk with this folder is full: please make room. Nothing is lost");
    else if (rc != -ETIMEDOUT && rc != -EBUSY && rc != -ENOTRECOVERABLE && rc != -EIDRM)
        agent_log(AGENT_ERROR, "stopped: %s", strerror(-rc));
}

/* ---- the command line */

static const struct argp_option options[] = {
    {"config", 'c', N_("FILE"), 0, N_("the configuration file"), 0},
    {"once", 'o', NULL, 0, N_("do what there is to do, wait for the answers, and end"), 0},
    {"wait", 'w', N_("SECONDS"), 0, N_("with --once: give up after this long (60)"), 0},
    {"check", 't', NULL, 0,
     N_("check configuration, role file, key file and folders, print the configuration, and end"), 0},
    {"status", 's', NULL, 0, N_("show what is waiting, sent and refused, and who has not fetched it yet"), 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t
parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    char *end = NULL;

    switch (key) {
    case 'o': arguments->mode = MODE_ONCE; return 0;
    case 'c': arguments->config = value; return 0;
    case 't': arguments->mode = MODE_CHECK; return 0;
    case 's': arguments->mode = MODE_STATUS; return 0;
    case 'w':
        arguments->wait_s = strtoul(value, &end, 10);
        if (*end != '\0' || arguments->wait_s == 0 || arguments->wait_s > 86400)
            argp_error(state, _("--wait: 1 to 86400"));
        return 0;
    case ARGP_KEY_END:
        if (arguments->config == NULL)
            argp_error(state, _("which configuration file? (-c FILE)"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* What the settings name. 0, or a negative number, having said what is wrong with them. */
static int
settings_open(struct agent *a, const struct arguments *arguments)
{
    char error[OPTIONS_ERROR_MAX] = "";
    int rc = agent_config_read(&a->config, arguments->config, error);

    if (rc == 0 && arguments->mode != MODE_STATUS)
        rc = agent_config_check_key(&a->config, error);
    a->work.config = &a->config;
    if (rc == 0 && arguments->mode != MODE_STATUS)
        rc = agent_work_open(&a->work, error);
    if (rc != 0) {
        agent_log(AGENT_ERROR, "%s", error);
        return rc;
    }
    rc = agent_dirs_open(&a->dirs, a->config.dir);
    if (rc != 0)
        agent_log(AGENT_ERROR, "%s: %s", a->config.dir, strerror(-rc));
    return rc;
}

const char *argp_program_version = "wici-agent " WICI_VERSION;

int
main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
    static const struct argp argp = {
        options,       parse_option,
        N_("-c FILE"), N_("Sends what is put into the folder outbox, and receives into the folder inbox."),
        children,      NULL,
        "wici"};
    struct arguments arguments = {.wait_s = 60};
    struct agent a = {.signal_fd = -1, .notify_fd = -1, .look = true, .history_waits = true};
    int rc = 0;

    a.dirs = AGENT_DIRS_CLOSED;
    a.place = PLACE_CLOSED;
    if (nodump_set() != 0) {
        perror("wici-agent: core dumps");
        return 1;
    }
    (void)language_set();
    argp_err_exit_status = 2;
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &arguments) != 0)
        return 2;
    if (arguments.mode == MODE_RUN && (rc = open_signals(&a)) != 0) {
        agent_log(AGENT_ERROR, "signals: %s", strerror(-rc));
        return 1;
    }
    if (settings_open(&a, &arguments) != 0) {
        agent_close(&a);
        return 2;
    }
    switch (arguments.mode) {
    case MODE_CHECK: agent_config_print(&a.config, stdout); break;
    case MODE_STATUS: rc = agent_status_print(&a.dirs, &a.config, stdout); break;
    case MODE_RUN:
    case MODE_ONCE:
        rc = agent_open(&a);
        if (rc == 0)
            rc = serve(&a, &arguments);
        if (rc != 0)
            explain_end(&a, rc);
        break;
    }
    agent_close(&a);
    return rc == 0 ? 0 : 1;
}
