/*
 * wicid - the broker's program: arguments, signals, exit codes
 *
 * Start reading here, then broker_tick in broker.c, then store/store.h.
 *
 * Exit codes: 0 ended on a signal, everything it took is committed and answered; 1 it could not start, or it stopped
 * itself; 2 wrong arguments or configuration.
 */
#include "broker/backup.h"
#include "broker/broker.h"
#include "broker/compact.h"
#include "broker/init.h"
#include "broker/kek.h"
#include "broker/log.h"
#include "broker/restore.h"
#include "proto/hangup.h"
#include "proto/limits.h"
#include "proto/language.h"
#include "proto/nodump.h"

#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE     2
#define DEFAULT_CONFIG "/etc/wici/wicid.conf"

enum key {
    KEY_CONFIG = 'c',
    KEY_TEST = 't',
    KEY_PRINT = 'p',
    KEY_ACCEPT_CLOCK = 256,
    KEY_ORIGIN,
    KEY_AGENCY,
    KEY_AGENCY_NAME,
    KEY_AGENCY_KIND,
    KEY_UNIT,
    KEY_ADMIN_KEY,
    KEY_RECOVER,
    KEY_LOG_KEY,
    KEY_NEW_EPOCH,
    KEY_KEYS,
    KEY_COPY,
    KEY_KEK_COPY
};

struct arguments {
    const char *config;
    bool test, print, accept_clock, recover, log_key, new_epoch;
    const char *verb, *object, *keys, *copy, *kek_copy;
    struct init_options options;
};

static const struct argp_option argp_options[] = {
    {"config", KEY_CONFIG, N_("FILE"), 0, N_("read the settings from FILE (default /etc/wici/wicid.conf)"), 0},
    {"test", KEY_TEST, NULL, 0, N_("check the settings and exit"), 0},
    {"print", KEY_PRINT, NULL, 0, N_("print the settings in effect and exit"), 0},
    {"accept-clock", KEY_ACCEPT_CLOCK, NULL, 0,
     N_("start although the clock stands before the log's last record, or more than 30 days after it"), 0},
    {NULL, 0, NULL, 0, N_("For init:"), 1},
    {"origin", KEY_ORIGIN, N_("NAME"), 0, N_("the name of the new log, for ever"), 1},
    {"agency", KEY_AGENCY, N_("ID"), 0, N_("the operator's agency"), 1},
    {"agency-name", KEY_AGENCY_NAME, N_("TEXT"), 0, N_("its name"), 1},
    {"agency-kind", KEY_AGENCY_KIND, N_("WORD"), 0, N_("its kind: OPS (default), CUS, ..."), 1},
    {"unit", KEY_UNIT, N_("ID"), 0, N_("the administrator's unit"), 1},
    {"admin-key", KEY_ADMIN_KEY, N_("FILE"), 0, N_("write the administrator's key pair to FILE"), 1},
    {"recover", KEY_RECOVER, NULL, 0, N_("replace the key of the administrator --unit in an existing log"), 1},
    {"log-key", KEY_LOG_KEY, NULL, 0, N_("give an existing log a new key to sign its checkpoints with"), 1},
    {"new-epoch", KEY_NEW_EPOCH, NULL, 0, N_("let an older copy of the log that was restored go on, as a new epoch"),
     1},
    {NULL, 0, NULL, 0, N_("For restore:"), 2},
    {"keys", KEY_KEYS, N_("DIR"), 0, N_("the newest copy of the key store; not used where there is a key store"), 2},
    {NULL, 0, NULL, 0, N_("For kek rotate:"), 3},
    {"copy", KEY_COPY, N_("DIR"), 0, N_("put a copy of the new key store there, best on another medium"), 3},
    {"kek-copy", KEY_KEK_COPY, N_("FILE"), 0, N_("put a copy of the new key there, apart from the key store"), 3},
    {NULL, 0, NULL, 0, NULL, 0}};

/* The words that are no options: what to do, and to what. */
static bool
word_take(struct arguments *a, const char *word, unsigned number)
{
    static const char *const verbs[] = {"init", "restore", "kek", "compact"};

    for (size_t i = 0; number == 0 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(word, verbs[i]) == 0) {
            a->verb = verbs[i];
            return true;
        }
    if (number != 1 || strcmp(a->verb, "init") == 0 || strcmp(a->verb, "compact") == 0)
        return false;
    a->object = word;
    return strcmp(a->verb, "kek") != 0 || strcmp(word, "rotate") == 0;
}

static error_t
argument_take(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_CONFIG: a->config = value; return 0;
    case KEY_TEST: a->test = true; return 0;
    case KEY_PRINT: a->print = true; return 0;
    case KEY_ACCEPT_CLOCK: a->accept_clock = true; return 0;
    case KEY_ORIGIN: a->options.origin = value; return 0;
    case KEY_AGENCY: a->options.agency = value; return 0;
    case KEY_AGENCY_NAME: a->options.agency_name = value; return 0;
    case KEY_AGENCY_KIND: a->options.agency_kind = value; return 0;
    case KEY_UNIT: a->options.unit = value; return 0;
    case KEY_ADMIN_KEY: a->options.admin_key = value; return 0;
    case KEY_RECOVER: a->recover = true; return 0;
    case KEY_LOG_KEY: a->log_key = true; return 0;
    case KEY_NEW_EPOCH: a->new_epoch = true; return 0;
    case KEY_KEYS: a->keys = value; return 0;
    case KEY_COPY: a->copy = value; return 0;
    case KEY_KEK_COPY: a->kek_copy = value; return 0;
    case ARGP_KEY_ARG: return word_take(a, value, state->arg_num) ? 0 : ARGP_ERR_UNKNOWN;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int
init_main(const struct config *config, const struct arguments *a)
{
    const struct init_options *o = &a->options;
    int rc;

    if (a->new_epoch)
        return init_new_epoch(config) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (a->log_key)
        return init_log_key(config) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (o->unit == NULL || o->admin_key == NULL ||
        (!a->recover && (o->origin == NULL || o->agency == NULL || o->agency_name == NULL))) {
        (void)fprintf(stderr, _("wicid init: needs %s\n"),
                      a->recover ? "--unit, --admin-key" : "--origin, --agency, --agency-name, --unit, --admin-key");
        return EXIT_USAGE;
    }
    rc = a->recover ? init_recover(config, o) : init_run(config, o);
    if (rc == -EINVAL)
        return EXIT_USAGE;
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
kek_main(const struct config *config, const struct arguments *a)
{
    int rc = a->object == NULL ? -EINVAL : kek_run(config, a->copy, a->kek_copy);

    if (rc == -EINVAL) {
        (void)fprintf(stderr, _("wicid kek rotate: needs %s\n"), "--copy, --kek-copy");
        return EXIT_USAGE;
    }
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
verb_main(const struct config *config, const struct arguments *a)
{
    if (strcmp(a->verb, "init") == 0)
        return init_main(config, a);
    if (strcmp(a->verb, "kek") == 0)
        return kek_main(config, a);
    if (strcmp(a->verb, "compact") == 0)
        return compact_run(config) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (a->object == NULL) {
        (void)fprintf(stderr, _("wicid restore: needs the folder of a backup\n"));
        return EXIT_USAGE;
    }
    return restore_run(config, a->object, a->keys) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Keys and what they open belong on different file systems (docs/CONFIG.md); say so once at start. */
static void
places_check(const struct config *config)
{
    struct stat data, keys, kek;

    if (stat(config->data_dir, &data) != 0 || stat(config->key_dir, &keys) != 0 || stat(config->kek_file, &kek) != 0)
        return;
    if (data.st_dev == keys.st_dev && keys.st_dev == kek.st_dev)
        log_warn("config: data.dir, key.dir and kek.file share one file system: whoever copies it can read everything");
}

/* A sanitizer tells more of it than we could. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/*
 * LMDB's files are mapped: a page that the disk does not give, or has no room for, arrives as a signal. What is said
 * then is made before: a handler may do little more than write it.
 */
struct last_words {
    char text[512];
    size_t len;
};

static struct last_words page_lost, page_broken;

static void
last_words_make(struct last_words *words, const char *sentence)
{
    int len = snprintf(words->text, sizeof words->text, "wicid: %s: %s\n", _("error"), sentence);

    words->len = len < 0 || (size_t)len >= sizeof words->text ? 0 : (size_t)len;
}

static void
page_missing(int signal)
{
    ssize_t put = write(STDERR_FILENO, page_lost.text, page_lost.len);

    (void)signal;
    (void)put;
    _exit(EXIT_FAILURE);
}

/* LMDB trusts what its pages say of themselves: a damaged one leads it anywhere. The signal ends the process as it
 * would have; what it means is said before. */
static void
page_misled(int number)
{
    ssize_t put = write(STDERR_FILENO, page_broken.text, page_broken.len);

    (void)put;
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static bool
pages_watch(void)
{
    last_words_make(&page_lost, _("store: a page of a file cannot be read, or there is no room for one: stopping, "
                                  "nothing more is acknowledged"));
    last_words_make(&page_broken, _("store: a page of a file makes no sense, or the program has an error: stopping, "
                                    "nothing more is acknowledged; wici verify tells on a copy whether data.dir is "
                                    "damaged, and at which record"));
    return signal(SIGBUS, page_missing) != SIG_ERR && (SANITIZED || signal(SIGSEGV, page_misled) != SIG_ERR) &&
           signal(SIGABRT, page_misled) != SIG_ERR;
}

/* libzmq ends the process when it cannot open what it starts with. */
static bool
descriptors_suffice(void)
{
    struct rlimit limit = {0};

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= DESCRIPTORS_MIN)
        return true;
    log_error("broker: not started: it may open %llu files, which is not enough: see LimitNOFILE",
              (unsigned long long)limit.rlim_cur);
    return false;
}

/* SIGTERM and SIGINT arrive in the loop, as a readable descriptor; before any thread starts. */
static int
signals_take(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    hangup_ignore();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a write that failed: the broker latches and says so */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
serve_main(const struct config *config, bool accept_clock)
{
    struct broker *broker = NULL;
    int signals, rc;

    if (!descriptors_suffice())
        return EXIT_FAILURE;
    signals = signals_take();
    if (signals < 0) {
        log_error("broker: cannot take signals: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    places_check(config);
    rc = broker_open(&broker, config, accept_clock);
    if (rc != 0) {
        if (rc == -EBADMSG || rc == -ESTALE || rc == -EPERM)
            log_error("broker: not started (see above)"); /* what is wrong was said where it was found */
        else
            log_error("broker: not started: %s", strerror(-rc));
        goto out;
    }
    (void)printf("listening %s\n", front_endpoint(broker->front));
    (void)fflush(stdout);
    log_info("broker: serving %s (seq=%llu)", store_identity(broker->store)->origin,
             (unsigned long long)store_head(broker->store));
    rc = broker_run(broker, signals);
    broker_close(&broker);
out:
    (void)close(signals);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    static const struct argp_child children[] = {{&language_help, 0, NULL, -1}, {NULL, 0, NULL, 0}};
    static const struct argp argp = {
        .options = argp_options,
        .parser = argument_take,
        .args_doc = N_("\ninit --origin=NAME --agency=ID --agency-name=TEXT --unit=ID "
                       "--admin-key=FILE\ninit --recover --unit=ID --admin-key=FILE\ninit --log-key\ninit --new-epoch\n"
                       "restore BACKUP [--keys=DIR]\nkek rotate --copy=DIR --kek-copy=FILE\ncompact"),
        .doc = N_("The broker of Wici: it carries case events between institutions."),
        .children = children,
        .argp_domain = "wici"};
    struct arguments arguments = {.config = DEFAULT_CONFIG, .options.agency_kind = "OPS"};
    struct config config;
    char error[OPTIONS_ERROR_MAX] = "";
    int rc;

    if (nodump_set() != 0) {
        perror("wicid: core dumps");
        return EXIT_FAILURE;
    }
    if (argc > 1 && strcmp(argv[1], BACKUP_CHILD_WORD) == 0)
        return backup_child_main(argc, argv);
    (void)language_set();
    store_speak(language_text);
    argp_program_version = "wicid " WICI_VERSION;
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &arguments) != 0)
        return EXIT_USAGE;
    rc = sodium_init() < 0 || !pages_watch() ? -EIO : config_init(&config);
    if (rc != 0) {
        (void)fprintf(stderr, "wicid: %s: %s\n", _("error"), strerror(-rc));
        return EXIT_FAILURE;
    }
    if (config_read(&config, arguments.config, error) != 0) {
        (void)fprintf(stderr, "wicid: %s\n", error);
        config_free(&config);
        return EXIT_USAGE;
    }
    log_init((enum log_level)config.log_level);
    if (arguments.print)
        config_print(&config, stdout);
    if (arguments.test || arguments.print)
        rc = EXIT_SUCCESS;
    else if (arguments.verb != NULL)
        rc = verb_main(&config, &arguments);
    else
        rc = serve_main(&config, arguments.accept_clock);
    config_free(&config);
    return rc;
}
