/*
 * wici-clerk - watches deadlines
 *
 * An ordinary client with a key of its own and the role CLERK; it is given no section of any event. It keeps nothing:
 * what is to be told follows from the broker's state, the day and the settings (clerk.h).
 */
#include "agents/clerk.h"
#include "agents/clerk_config.h"
#include "proto/date.h"
#include "proto/hangup.h"
#include "proto/language.h"
#include "proto/nodump.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 30000
#define WINDOW   16u /* notices under way: nobody waits for them, and others publish too */

struct arguments {
    const char *config, *as_of;
    bool once, check, verbose;
};

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("wici-clerk: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

static int32_t
today(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return date_of_moment((uint64_t)ts.tv_sec * 1000u);
}

/* Ids and dates only: no line says anything of a person. */
static void
told(void *arg, enum clerk_notice notice, const struct clerk_clock *clock, uint64_t seq)
{
    (void)arg;
    bool of_agency = clock->dossier[0] == '\0';

    printf("%s %s %s=%s start=%llu item=%u seq=%llu\n", clerk_notice_name(notice), clock_info(clock->clock)->id,
           of_agency ? "agency" : "dossier", of_agency ? clock->agency : clock->dossier,
           (unsigned long long)clock->start_seq, clock->item, (unsigned long long)seq);
    (void)fflush(stdout);
}

static void
tally_say(const struct clerk_tally *tally)
{
    if (tally->told[CLERK_APPROACHING] + tally->told[CLERK_MISSED] + tally->told[CLERK_MET] +
            tally->told[CLERK_CANCELLED] >
        0)
        say("told: approaching=%lu missed=%lu met=%lu cancelled=%lu", tally->told[CLERK_APPROACHING],
            tally->told[CLERK_MISSED], tally->told[CLERK_MET], tally->told[CLERK_CANCELLED]);
    if (tally->refused > 0)
        say("not taken: %lu, the last with %s", tally->refused, tally->refusal);
    if (tally->unread > 0)
        say("deadlines that this program does not understand, and nobody is told of: %lu; is it older than the broker?",
            tally->unread);
}

static bool
is_clerk(const struct wici *client)
{
    char *text = NULL;
    json_t *welcome, *role;
    bool found = false;
    size_t i;

    if (wici_welcome_json(client, &text) != 0)
        return false;
    welcome = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(welcome, "roles"), i, role)
    {
        const char *name = json_string_value(role);

        found = found || (name != NULL && strcmp(name, "CLERK") == 0);
    }
    json_decref(welcome);
    free(text);
    return found;
}

static int
round_run(struct clerk *clerk, int32_t day)
{
    const struct wici_error *error;
    struct clerk_tally tally;
    int rc = wici_wait_ready(clerk->client, READY_MS);

    if (rc == 0 && !is_clerk(clerk->client)) {
        say("the key is of a unit without the role CLERK");
        return -EPERM;
    }
    if (rc == 0) {
        rc = clerk_round(clerk, day, &tally);
        tally_say(&tally);
    }
    error = wici_error(clerk->client);
    if (rc == -EACCES || rc == -EPROTO)
        say("the broker refuses: %s", error == NULL ? strerror(-rc) : error->code);
    else if (rc != 0 && rc != -EINTR && rc != -EBADMSG)
        say("the round is not finished: %s", strerror(-rc));
    return rc;
}

/* Waits, with the connection alive. True: it is time to end. */
static bool
pause_is_the_end(struct clerk *clerk, int signal_fd, unsigned long seconds)
{
    struct timespec now, until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)seconds;
    for (;;) {
        struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = wici_fd(clerk->client), .events = POLLIN}};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= until.tv_sec)
            return false;
        if (poll(fds, 2, (int)(until.tv_sec - now.tv_sec) * 1000) >= 0 && fds[0].revents != 0)
            return true;
        (void)wici_run(clerk->client, 0);
    }
}

static int
run(struct clerk *clerk, const struct arguments *arguments, const struct clerk_config *config, int32_t day)
{
    sigset_t set;
    int signal_fd, rc;

    if (arguments->once)
        return round_run(clerk, day);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    hangup_ignore();
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return -errno;
    do
        rc = round_run(clerk, today());
    while (rc != -EPERM && !pause_is_the_end(clerk, signal_fd, config->interval_s));
    close(signal_fd);
    return rc == -EPERM ? rc : 0;
}

/* ---- the command line */

static const struct argp_option options[] = {
    {"config", 'c', N_("FILE"), 0, N_("the configuration file"), 0},
    {"once", 'o', NULL, 0, N_("one round, and end"), 0},
    {"as-of", 'd', N_("DATE"), 0, N_("one round as if it were that day, 2026-03-01; not a day to come"), 0},
    {"check", 't', NULL, 0, N_("check the configuration and the files that it names, print it, and end"), 0},
    {"verbose", 'v', NULL, 0, N_("a line for each notice that was told"), 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t
parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    int32_t day;

    switch (key) {
    case 'c': arguments->config = value; return 0;
    case 'o': arguments->once = true; return 0;
    case 't': arguments->check = true; return 0;
    case 'v': arguments->verbose = true; return 0;
    case 'd':
        arguments->as_of = value;
        arguments->once = true;
        if (date_parse(value, &day) != 0 || day < 1 || day > today())
            argp_error(state, _("--as-of: a day that has come, as 2026-03-01"));
        return 0;
    case ARGP_KEY_END:
        if (arguments->config == NULL)
            argp_error(state, _("which configuration file? (-c FILE)"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

const char *argp_program_version = "wici-clerk " WICI_VERSION;

int
main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
    static const struct argp argp = {
        options,
        parse_option,
        N_("-c FILE"),
        N_("Watches deadlines: tells those who hold a case that a day approaches, was missed, or was met."),
        children,
        NULL,
        "wici"};
    struct arguments arguments = {0};
    struct clerk_config config = {0};
    char error[OPTIONS_ERROR_MAX] = "";
    struct clerk clerk = {.settings = &config.settings, .calendar = &config.calendar};
    int32_t day = today();
    int rc;

    if (nodump_set() != 0) {
        perror("wici-clerk: core dumps");
        return 1;
    }
    (void)language_set();
    argp_err_exit_status = 2;
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &arguments) != 0)
        return 2;
    if (clerk_config_read(&config, arguments.config, error) != 0) {
        say("%s", error);
        return 2;
    }
    if (arguments.check) {
        clerk_config_print(&config, stdout);
        clerk_config_free(&config);
        return 0;
    }
    if (arguments.as_of != NULL)
        (void)date_parse(arguments.as_of, &day);
    clerk.told_fn = arguments.verbose ? told : NULL;
    rc = wici_open(&clerk.client, &(struct wici_options){.endpoints = config.endpoint,
                                                         .server_key = config.server_key,
                                                         .key_file = config.key_file,
                                                         .session = "clerk",
                                                         .software = "wici-clerk " WICI_VERSION,
                                                         .window = WINDOW,
                                                         .bare_answers = 1});
    if (rc != 0)
        say("%s: %s", config.key_file, strerror(-rc));
    else
        rc = run(&clerk, &arguments, &config, day);
    wici_close(&clerk.client);
    clerk_forget(&clerk);
    clerk_config_free(&config);
    return rc == 0 ? 0 : 1;
}
