/*
 * The simulation's program: runs of many seeds, or one of them again.
 *
 *     simulate --seed 7 [--verbose]            one run, its story told
 *     simulate --from 1 --count 100            runs of seeds 1 to 100
 *     simulate --from 1 --seconds 3600         as many as fit
 *     simulate --list tests/sim/seeds          the seeds of a file
 *     simulate --plants                        each planted bug, until its checker notices
 *
 * Exit codes: 0 nothing was found; 1 a promise is broken, told on stderr with the command that does it again; 2 usage.
 */
#include "tests/sim/fate.h"
#include "tests/sim/saids.h"
#include "tests/sim/plants.h"
#include "tests/sim/sim.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PLANT_SEEDS 120u /* tried with each planted bug */

enum key {
    KEY_SEED = 256,
    KEY_FROM,
    KEY_COUNT,
    KEY_SECONDS,
    KEY_LIST,
    KEY_PLANT,
    KEY_PLANTS,
    KEY_DIGEST,
    KEY_TWICE,
    KEY_DIR,
    KEY_STEPS
};

struct arguments {
    uint64_t seed, from, count, seconds, steps;
    bool one, plants, digest, twice, verbose;
    const char *list, *plant, *dir;
};

static const struct argp_option options[] = {
    {"seed", KEY_SEED, "N", 0, "One run, of this seed", 0},
    {"from", KEY_FROM, "N", 0, "Runs of seeds from N on", 0},
    {"count", KEY_COUNT, "N", 0, "So many", 0},
    {"seconds", KEY_SECONDS, "N", 0, "As many as fit into N seconds", 0},
    {"steps", KEY_STEPS, "N", 0, "Steps of each run; drawn when absent", 0},
    {"list", KEY_LIST, "FILE", 0, "Runs of the seeds in FILE", 0},
    {"plant", KEY_PLANT, "NAME", 0, "With this bug planted", 0},
    {"plants", KEY_PLANTS, NULL, 0, "Each planted bug has to be noticed by its checker", 0},
    {"digest", KEY_DIGEST, NULL, 0, "Print a digest of all that the broker said", 0},
    {"twice", KEY_TWICE, NULL, 0, "Make each run again: the broker has to say the same", 0},
    {"dir", KEY_DIR, "DIR", 0, "Work in DIR, which is emptied (default: one of its own in /dev/shm)", 0},
    {"verbose", 'v', NULL, 0, "Tell the story", 0},
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t
argument_take(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_SEED:
        a->seed = strtoull(value, NULL, 10);
        a->one = true;
        return 0;
    case KEY_FROM: a->from = strtoull(value, NULL, 10); return 0;
    case KEY_COUNT: a->count = strtoull(value, NULL, 10); return 0;
    case KEY_SECONDS: a->seconds = strtoull(value, NULL, 10); return 0;
    case KEY_STEPS: a->steps = strtoull(value, NULL, 10); return 0;
    case KEY_LIST: a->list = value; return 0;
    case KEY_PLANT: a->plant = value; return 0;
    case KEY_PLANTS: a->plants = true; return 0;
    case KEY_DIGEST: a->digest = true; return 0;
    case KEY_TWICE: a->twice = true; return 0;
    case KEY_DIR: a->dir = value; return 0;
    case 'v': a->verbose = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static uint64_t seed_now;

/* An assertion of the broker, or a sanitizer's finding, is a finding too. */
static void
aborted(int sig)
{
    char line[96];
    int len = snprintf(line, sizeof line, "FAILED: aborted\nagain: simulate --seed %" PRIu64 " --verbose\n", seed_now);

    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        _exit(1);
    (void)signal(sig, SIG_DFL);
}

const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "abort_on_error=1";
}

static void
one_run(const struct arguments *a, uint64_t seed)
{
    struct sim_options o = {.seed = seed, .steps = a->steps, .plant = a->plant, .verbose = a->verbose};
    uint64_t digest;

    seed_now = seed;
    digest = sim_run(&o, a->dir);
    if (a->twice && sim_run(&o, a->dir) != digest) {
        (void)fprintf(stderr, "FAILED: seed %" PRIu64 " does not say the same twice\n", seed);
        exit(1);
    }
    if (a->digest)
        (void)printf("%" PRIu64 " %016" PRIx64 "\n", seed, digest);
}

static uint64_t
seconds_now(void)
{
    return (uint64_t)time(NULL);
}

static uint64_t
many_runs(const struct arguments *a)
{
    uint64_t start = seconds_now(), runs = 0;

    while (a->seconds > 0 ? seconds_now() - start < a->seconds : runs < a->count)
        one_run(a, a->from + runs++);
    return runs;
}

static uint64_t
listed_runs(const struct arguments *a)
{
    FILE *file = fopen(a->list, "re");
    uint64_t runs = 0;
    char line[256];

    if (file == NULL) {
        (void)fprintf(stderr, "simulate: %s: %s\n", a->list, strerror(errno));
        exit(2);
    }
    while (fgets(line, sizeof line, file) != NULL)
        if (line[0] >= '0' && line[0] <= '9') {
            one_run(a, strtoull(line, NULL, 10));
            runs++;
        }
    (void)fclose(file);
    return runs;
}

/* Runs seeds from `from` on with the bug in a child; returns what stopped it, "" for nothing. */
static const char *
noticed_by(struct arguments *a, const struct plant *plant, uint64_t from)
{
    static char said[4096];
    int ends[2], status = 0;
    size_t len = 0;
    pid_t child;

    said[0] = '\0';
    if (pipe(ends) != 0 || (child = fork()) < 0)
        abort();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)plant_choose(plant->name);
        a->plant = plant->name;
        for (uint64_t seed = from; seed <= PLANT_SEEDS; seed++)
            one_run(a, seed);
        _exit(0);
    }
    (void)close(ends[1]);
    for (ssize_t got; len < sizeof said - 1 && (got = read(ends[0], said + len, sizeof said - 1 - len)) > 0;)
        len += (size_t)got;
    said[len] = '\0';
    (void)close(ends[0]);
    (void)waitpid(child, &status, 0);
    return said;
}

/* A bug may be met by another checker first: its own has to meet it too, under some seed. */
static int
all_plants(struct arguments *a)
{
    int missed = 0;

    for (size_t i = 0; plant_at(i) != NULL; i++) {
        const struct plant *plant = plant_at(i);
        const char *said = "", *at;
        uint64_t from = 1;
        char wanted[64];
        bool good = false;

        (void)snprintf(wanted, sizeof wanted, "FAILED: %s: ", plant->checker);
        while (!good && from <= PLANT_SEEDS) {
            said = noticed_by(a, plant, from);
            good = strncmp(said, wanted, strlen(wanted)) == 0;
            at = strstr(said, "(seed ");
            from = at == NULL ? PLANT_SEEDS + 1 : strtoull(at + strlen("(seed "), NULL, 10) + 1;
        }
        (void)printf("%-20s %s: %s%.*s\n", plant->name, plant->what,
                     good ? "" : "NOT NOTICED by its checker: ", (int)strcspn(said, "\n"), said);
        missed += !good;
    }
    return missed == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct argp argp = {.options = options, .parser = argument_take, .doc = "Simulates the whole broker under a seed."};
    struct arguments a = {.from = 1, .count = 20};
    char dir[64];
    uint64_t runs = 1;
    int rc = 0;

    argp_err_exit_status = 2;
    if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0 || plant_choose(a.plant) != 0)
        return 2;
    (void)snprintf(dir, sizeof dir, "/dev/shm/wici-sim.%d", (int)getpid());
    if (a.dir == NULL)
        a.dir = dir;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGABRT, aborted);
    fate_install();
    if (sodium_init() < 0)
        return 2;
    if (a.plants)
        rc = all_plants(&a);
    else if (a.one)
        one_run(&a, a.seed);
    else
        runs = a.list != NULL ? listed_runs(&a) : many_runs(&a);
    if (!a.plants)
        (void)printf("%" PRIu64 " runs: %" PRIu64 " ticks, %" PRIu64 " records, %" PRIu64 " receipts (%" PRIu64
                     " repeated), %" PRIu64 " refusals, %" PRIu64 " deliveries, %" PRIu64 " reads, %" PRIu64
                     " pieces of documents taken, %" PRIu64 " documents bound, %" PRIu64 " pieces given, %" PRIu64
                     " uploads swept, %" PRIu64 " erasures of %" PRIu64 " dossiers, %" PRIu64 " deaths, %" PRIu64
                     " cuts, %" PRIu64 " pages of who was shown what with %" PRIu64 " deliveries, %" PRIu64
                     " backups, %" PRIu64 " restorations told to %" PRIu64 " clients, after which %" PRIu64
                     " events came back; nothing found\n",
                     runs, sim_counts.ticks, sim_counts.records, sim_counts.receipts, sim_counts.repeats,
                     sim_counts.refusals, sim_counts.deliveries, sim_counts.reads, sim_counts.pieces, sim_counts.bound,
                     sim_counts.parts, sim_counts.swept, sim_counts.erasures, sim_counts.erased, sim_counts.deaths,
                     sim_counts.cuts, sim_counts.pages, sim_counts.shown, sim_counts.copies, sim_counts.restorations,
                     sim_counts.diverged, sim_counts.back);
    {
        char command[128];

        (void)snprintf(command, sizeof command, "rm -rf '%s'", a.dir);
        if (system(command) != 0)
            return 2;
    }
    return rc;
}
