/*
 * powercut - the states that a power cut may leave of a store, each opened and checked
 *
 * A workload is a scene (scene.h) of its own seed on a fresh directory, recorded (disk.h): making the log, commits,
 * growth of the map, flushes of the finding index, closing and opening; a backup, a restoration, another
 * key-encryption key. Then:
 *
 *     cut        at random moments, random choices of what was not synced are lost, torn or out of order; the state is
 *                opened by the calls of production, all checkers are put to it, and it must go on
 *     cut again  some recoveries are recorded themselves, with the steps after them, and cut the same way
 *     kill, cut  the process is killed at a random moment, its writes still in the page cache; the next one opens what
 *                it sees and goes on; then the power is cut. What the second one saw may not be lost either
 *
 *     powercut [--states N] [--jobs N] [--seed N]   N states over workloads of seeds 1, 2, 3, ... or from N on
 *     powercut --only SEED [--plant NAME] [--keep]  one workload again; --keep leaves the failing state's directory
 *     powercut ... --scene NAME                     of one scene (scene.h) only; else each seed has its own
 *     powercut ... --without KIND                   cuts do nothing of a kind (disk.h): lost, torn, reordered, names
 *     powercut --plants                             each bug of plant.h must be found, by what is named there
 *
 * Everything follows from the seed. Workers are processes of their own: one that dies (SIGBUS, an assert) has failed at
 * the state it was at. Directories lie in WICI_CRASH_DIR, else /dev/shm, else /tmp: what is synced does not matter
 * here.
 */
#include "tests/crash/disk.h"
#include "tests/crash/plant.h"
#include "tests/crash/scene.h"

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX        64u
#define CUT_STATES      300u /* tried in a workload; those that are equal to one before are not counted */
#define AGAIN_STATES    24u  /* tried in a recovery, or after a kill */
#define KILLS           6u   /* of a workload */
#define AGAIN_ONE_IN    40u
#define AGAIN_DEPTH     3u /* cut, cut again, and once more */
#define STATE_SECONDS   60u
#define SEEN_SLOTS      4096u
#define PLANT_STATES    20000u
#define PLANT_WORKLOADS 60u
#define UNSEEN_STATES   1000u /* in which a bug is not found without the kind of cut that shows it, */
#define UNSEEN_TIMES    2u    /* and in so many times those in which it was found with it */
#define DIR_SIZE        200
#define MALLOC_MMAP     (1 << 20)

/* Shared with the workers. */
struct progress {
    _Atomic uint64_t next_seed, states, workloads, again, kills, left_over, of_scene[SCENES_MAX];
    _Atomic bool failed;
    struct {
        uint64_t seed, state; /* what it is at */
        const char *how;      /* it came to that state */
        struct finding finding;
    } workers[JOBS_MAX];
};

static struct progress *progress;
static unsigned me;            /* this worker */
static const char *only_scene; /* NULL: that of the seed */
static bool keep;

struct workload {
    struct plan plan;
    char root[DIR_SIZE];
    struct place work; /* where it runs */
    struct place state;
    uint64_t state_count;
    struct finding finding;
};

/* The hashes of decisions made, so that a state is not taken twice. */
struct seen {
    uint64_t hashes[SEEN_SLOTS];
};

static bool
seen_before(struct seen *seen, uint64_t hash)
{
    size_t slot = (size_t)(hash >> 20) % SEEN_SLOTS;

    hash += hash == 0;
    while (seen->hashes[slot] != 0 && seen->hashes[slot] != hash)
        slot = (slot + 1) % SEEN_SLOTS;
    if (seen->hashes[slot] == hash)
        return true;
    seen->hashes[slot] = hash;
    return false;
}

static int
moments_compare(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static void
raise_to(uint64_t *number, uint64_t to)
{
    if (*number < to)
        *number = to;
}

/* The marks that give these bounds. */
static void
bounds_mark(const struct bounds *bounds)
{
    if (bounds->created)
        disk_mark(MARK_CREATED, 0);
    disk_mark(MARK_ACKED, bounds->acked);
    disk_mark(MARK_BEGUN, bounds->begun);
    for (unsigned i = 0; bounds->backups >> i != 0; i++)
        if ((bounds->backups >> i & 1u) != 0)
            disk_mark(MARK_BACKUP, i);
    disk_mark(MARK_SAFE, bounds->safe);
    if (bounds->restored)
        disk_mark(MARK_RESTORED, 1);
    disk_mark(MARK_EPOCH, bounds->epoch);
    disk_mark(MARK_ROTATED, bounds->rotations);
    disk_mark(MARK_ROOT, bounds->root);
    disk_mark(MARK_HEAD, bounds->head);
    disk_mark(MARK_KEY_BEGUN, bounds->keys_begun);
    disk_mark(MARK_KEY, bounds->keys);
    disk_mark(MARK_SIGNED, bounds->checkpoint);
    disk_mark(MARK_GIVEN, bounds->given);
    disk_mark(MARK_TAKEN, bounds->taken);
    disk_mark(MARK_CURSOR, bounds->cursor);
    for (uint64_t entry = 0; entry < BOUNDS_KEYS; entry++)
        if (bounds->gone[entry])
            disk_mark(MARK_GONE, entry);
}

/* What the marks up to `at` allow to be found. */
static struct bounds
bounds_at(const struct history *h, size_t at)
{
    struct bounds bounds = {0};
    uint64_t root = 0;

    for (size_t i = 0; i < at; i++) {
        const struct disk_event *event = &h->events[i];

        if (event->kind != EVENT_MARK)
            continue;
        switch ((enum script_mark)event->mark) {
        case MARK_CREATED: bounds.created = true; break;
        case MARK_ACKED: raise_to(&bounds.acked, event->at); break;
        case MARK_BEGUN: raise_to(&bounds.begun, event->at); break;
        case MARK_BACKUP: bounds.backups |= 1u << event->at; break;
        case MARK_SAFE: raise_to(&bounds.safe, event->at); break;
        case MARK_RESTORED: bounds.restored = true; break;
        case MARK_EPOCH: raise_to(&bounds.epoch, event->at); break;
        case MARK_ROTATED: raise_to(&bounds.rotations, event->at); break;
        case MARK_ROOT: root = event->at; break;
        case MARK_HEAD:
            bounds.head = event->at;
            bounds.root = root;
            break;
        case MARK_KEY_BEGUN: raise_to(&bounds.keys_begun, event->at); break;
        case MARK_KEY: raise_to(&bounds.keys, event->at); break;
        case MARK_SIGNED: raise_to(&bounds.checkpoint, event->at); break;
        case MARK_GONE: bounds.gone[event->at] = true; break;
        case MARK_GIVEN: raise_to(&bounds.given, event->at); break;
        case MARK_TAKEN: raise_to(&bounds.taken, event->at); break;
        case MARK_CURSOR: raise_to(&bounds.cursor, event->at); break;
        }
    }
    if (bounds.begun < bounds.acked)
        bounds.begun = bounds.acked;
    return bounds;
}

/* Puts the checkers to the state that lies in w->state. */
static bool
state_check(struct workload *w, const struct bounds *bounds, unsigned more, uint64_t *ret_step)
{
    progress->workers[me].state = ++w->state_count;
    (void)alarm(STATE_SECONDS);
    script_randomness(w->plan.seed * 1000003 + w->state_count);
    w->finding.checker = NULL;
    if (!w->plan.scene->check(&w->plan, &w->state, bounds, more, ret_step, &w->finding))
        return false;
    atomic_fetch_add(&progress->states, 1);
    atomic_fetch_add(&progress->of_scene[w->plan.scene->number], 1);
    return true;
}

static bool cuts_explore(struct workload *w, const struct history *h, size_t from, size_t states, unsigned depth,
                         const char *how);

/* The recovery of this state and the steps after it are recorded, and cut. */
static bool
again_explore(struct workload *w, const struct cut *cut, struct dice dice, struct bounds bounds, unsigned depth)
{
    struct history h;
    uint64_t found;
    size_t from;
    bool good;

    (void)cut_make(cut, dice, w->state.dir);
    history_read(&h, w->state.dir);
    record_start(&h, w->state.dir);
    bounds_mark(&bounds);
    from = h.count;
    progress->workers[me].how = "cut, recovering";
    good = state_check(w, &bounds, 2, &found);
    if (!record_stop() && good) {
        w->finding = (struct finding){.checker = "recorder", .what = "something went past it"};
        good = false;
    }
    if (good)
        good = cuts_explore(w, &h, from, AGAIN_STATES, depth + 1, "cut, recovering, cut again");
    atomic_fetch_add(&progress->again, 1);
    history_free(&h);
    return good;
}

/* States of moments after event `from`. */
static bool
cuts_explore(struct workload *w, const struct history *h, size_t from, size_t states, unsigned depth, const char *how)
{
    struct dice dice = {.state = w->plan.seed * 7919 + w->state_count * 104729 + depth};
    size_t *moments = calloc(states, sizeof *moments);
    struct seen *seen = calloc(1, sizeof *seen);
    struct cut cut;
    bool good = moments != NULL && seen != NULL;

    for (size_t i = 0; i < states && good; i++)
        moments[i] = from + (size_t)dice_roll(&dice, h->count - from + 1);
    qsort(moments, states, sizeof *moments, moments_compare);
    cut_start(&cut, h);
    for (size_t i = 0; i < states && good; i++) {
        struct dice choice = {.state = dice_roll(&dice, UINT64_MAX)};
        bool again = dice_roll(&dice, AGAIN_ONE_IN) == 0 && depth < AGAIN_DEPTH;
        struct bounds bounds = bounds_at(h, moments[i]);
        uint64_t step = 0;

        cut_forward(&cut, moments[i]);
        if (seen_before(seen, cut_make(&cut, choice, NULL)))
            continue;
        (void)cut_make(&cut, choice, w->state.dir);
        progress->workers[me].how = how;
        good = state_check(w, &bounds, i % 4 == 0 ? 2 : 1, &step);
        bounds.acked = bounds.begun = step; /* it was found at this one, whatever was begun */
        if (good && again && bounds.created)
            good = again_explore(w, &cut, choice, bounds, depth);
    }
    cut_free(&cut);
    free(moments);
    free(seen);
    return good;
}

/* Any; or, every second time, when a name has just changed and its directory is not synced: what the next one takes for
 * granted may be taken back then. */
static size_t
kill_moment(const struct history *h, size_t from, struct dice *dice)
{
    size_t at = from + (size_t)dice_roll(dice, h->count - from + 1), left;

    if (dice_roll(dice, 2) == 0 || h->count == from)
        return at;
    for (left = h->count - from; left > 0; left--, at = at == h->count ? from : at + 1)
        if (at < h->count && (h->events[at].kind == EVENT_RENAME || h->events[at].kind == EVENT_ENTER))
            return at + 1;
    return at;
}

/* The process is killed after some event; another goes on with what it sees; then the power is cut. */
static bool
kill_explore(struct workload *w, const struct history *h, size_t from, struct dice *dice)
{
    size_t at = kill_moment(h, from, dice);
    struct bounds bounds;
    struct history killed;
    uint64_t step;
    bool good;

    history_copy(&killed, h, at);
    bounds = bounds_at(&killed, at);
    history_make(&killed, w->state.dir);
    record_start(&killed, w->state.dir);
    progress->workers[me].how = "killed";
    good = state_check(w, &bounds, 2, &step);
    if (!record_stop() && good) {
        w->finding = (struct finding){.checker = "recorder", .what = "something went past it"};
        good = false;
    }
    if (good)
        good = cuts_explore(w, &killed, at, AGAIN_STATES, 1, "killed, opened, cut");
    atomic_fetch_add(&progress->kills, 1);
    history_free(&killed);
    return good;
}

/* Runs it and records it. Its states begin at event *ret_from. */
static bool
workload_record(struct workload *w, struct dice *dice, struct history *h, size_t *ret_from)
{
    struct plan *plan = &w->plan;
    int rc;

    plan->past = (struct bounds){.created = true};
    script_make(&plan->script, plan->seed);
    script_randomness(plan->seed);
    disk_remove(w->work.dir);
    rc = plan->scene->prepare(plan, &w->work, dice);
    history_read(h, w->work.dir);
    record_start(h, w->work.dir);
    if (plan->first > 0) {
        plan->past.acked = plan->past.begun = plan->first;
        bounds_mark(&plan->past);
    }
    *ret_from = h->count;
    if (rc == 0)
        rc = plan->scene->act(plan, &w->work);
    if (!record_stop()) {
        w->finding = (struct finding){.checker = "recorder", .what = "something went past it"};
        return false;
    }
    if (rc != 0) {
        w->finding = (struct finding){.checker = "workload"};
        (void)snprintf(w->finding.what, sizeof w->finding.what, "%s %s", strerror(-rc), store_open_damage());
    }
    return rc == 0;
}

static bool
workload_explore(struct workload *w, uint64_t seed)
{
    struct dice dice = {.state = seed};
    struct history h;
    size_t from = 0;
    bool good;

    w->plan.seed = seed;
    w->plan.scene = scene_find(seed, only_scene);
    w->state_count = 0;
    progress->workers[me].seed = seed;
    progress->workers[me].state = 0;
    progress->workers[me].how = "recording";
    good = workload_record(w, &dice, &h, &from) && cuts_explore(w, &h, from, CUT_STATES, 1, "cut");
    for (unsigned i = 0; i < KILLS && good; i++)
        good = kill_explore(w, &h, from, &dice);
    history_free(&h);
    atomic_fetch_add(&progress->workloads, 1);
    return good;
}

/* ---- workers */

static void
root_make(struct workload *w)
{
    const char *above = getenv("WICI_CRASH_DIR");
    char dir[DIR_SIZE];

    if (above == NULL)
        above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(w->root, sizeof w->root, "%.150s/wici-powercut-XXXXXX", above);
    if (mkdtemp(w->root) == NULL) {
        perror(w->root);
        exit(EXIT_FAILURE);
    }
    (void)snprintf(dir, sizeof dir, "%.190s/work", w->root);
    place_make(&w->work, dir);
    (void)snprintf(dir, sizeof dir, "%.190s/state", w->root);
    place_make(&w->state, dir);
}

/* Never returns. Takes seeds until enough states are done. */
static void
worker(struct workload *w, uint64_t states, uint64_t workloads)
{
    bool good = true;

    while (good && !atomic_load(&progress->failed) && atomic_load(&progress->states) < states) {
        uint64_t seed = atomic_fetch_add(&progress->next_seed, 1);

        if (workloads-- == 0)
            break;
        good = workload_explore(w, seed);
    }
    if (!good) {
        progress->workers[me].finding = w->finding;
        atomic_store(&progress->failed, true);
    }
    atomic_fetch_add(&progress->left_over, script_left_over);
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Runs the workers to their end. Returns the number of the first that failed, or -1. */
static int
workers_run(unsigned jobs, uint64_t seed, uint64_t states, uint64_t workloads)
{
    static struct workload w[JOBS_MAX];
    pid_t pids[JOBS_MAX];
    int failed = -1;

    memset(progress, 0, sizeof *progress);
    atomic_store(&progress->next_seed, seed);
    (void)fflush(NULL);
    for (unsigned i = 0; i < jobs; i++) {
        root_make(&w[i]);
        pids[i] = fork();
        if (pids[i] < 0) {
            perror("fork");
            exit(EXIT_FAILURE);
        }
        if (pids[i] == 0) {
            me = i;
            worker(&w[i], states, workloads);
        }
    }
    for (unsigned i = 0; i < jobs; i++) {
        struct finding *finding = &progress->workers[i].finding;
        int status = 0;

        if (waitpid(pids[i], &status, 0) != pids[i])
            abort();
        if (WIFSIGNALED(status)) {
            finding->checker = "dies";
            (void)snprintf(finding->what, sizeof finding->what, "signal %d: %s", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
            atomic_store(&progress->failed, true);
        }
        if (status != 0 && failed < 0)
            failed = (int)i;
        if (status != 0 && keep)
            (void)printf("kept: %s\n", w[i].state.dir);
        else
            disk_remove(w[i].root);
    }
    return failed;
}

static void
failure_print(int worker_index, const char *plant)
{
    const struct finding *finding = &progress->workers[worker_index].finding;
    uint64_t seed = progress->workers[worker_index].seed;

    (void)printf("FAILED: %s: %s (seed %" PRIu64 ", state %" PRIu64 ": %s)\n", finding->checker, finding->what, seed,
                 progress->workers[worker_index].state, progress->workers[worker_index].how);
    (void)printf("again: powercut --only %" PRIu64 " --keep%s%s%s%s\n", seed, plant != NULL ? " --plant " : "",
                 plant != NULL ? plant : "", only_scene != NULL ? " --scene " : "",
                 only_scene != NULL ? only_scene : "");
}

/* The bug is there, and is found by a checker that may find it. */
static bool
plant_find(const struct plant *plant, const char *how)
{
    int failed = workers_run(1, 1, PLANT_STATES, PLANT_WORKLOADS);
    const struct finding *finding;

    if (failed < 0) {
        (void)printf("%-10s NOT FOUND%s in %" PRIu64 " states\n", plant->name, how, atomic_load(&progress->states));
        return false;
    }
    finding = &progress->workers[failed].finding;
    (void)printf("%-10s found%s after %" PRIu64 " states by \"%s\": %s\n", plant->name, how,
                 atomic_load(&progress->states), finding->checker, finding->what);
    if (strstr(plant->checkers, finding->checker) != NULL)
        return true;
    (void)printf("%-10s should have been found by: %s\n", "", plant->checkers);
    return false;
}

/* Found by cuts of its kind alone, and not by all others. */
static bool
plant_is_of_kind(const struct plant *plant, unsigned kind)
{
    uint64_t states = UNSEEN_TIMES * atomic_load(&progress->states);
    bool found;
    int failed;

    disk_kinds = DISK_LOST | kind;
    found = plant_find(plant, " by its kind alone");
    disk_kinds = DISK_ALL & ~kind;
    failed = workers_run(1, 1, states > UNSEEN_STATES ? states : UNSEEN_STATES, PLANT_WORKLOADS);
    disk_kinds = DISK_ALL;
    (void)printf("%-10s %sfound without that kind in %" PRIu64 " states\n", plant->name, failed < 0 ? "not " : "",
                 atomic_load(&progress->states));
    if (failed >= 0)
        failure_print(failed, plant->name);
    return found && failed < 0;
}

static bool
plants_find(void)
{
    unsigned shown = 0;
    bool all = true;

    for (size_t i = 0; i < plant_count; i++) {
        unsigned kind = plant_kind(plants[i].name);

        if (!plant_set(plants[i].name))
            abort();
        only_scene = plants[i].scene;
        all = plant_find(&plants[i], "") && (kind == 0 || plant_is_of_kind(&plants[i], kind)) && all;
        shown |= kind;
    }
    if (shown != DISK_ALL)
        (void)printf("a kind of cut has no bug that it alone shows\n");
    return all && shown == DISK_ALL;
}

static double
seconds(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"states", required_argument, NULL, 's'},  {"jobs", required_argument, NULL, 'j'},
        {"seed", required_argument, NULL, 'f'},    {"only", required_argument, NULL, 'o'},
        {"plant", required_argument, NULL, 'p'},   {"plants", no_argument, NULL, 'P'},
        {"keep", no_argument, NULL, 'k'},          {"scene", required_argument, NULL, 'S'},
        {"without", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
    uint64_t states = 10000, seed = 1, workloads = UINT64_MAX;
    unsigned long jobs = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
    const struct rlimit no_core = {0};
    const char *plant = NULL;
    bool all_plants = false;
    double started = seconds(), took;
    int option, failed;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': states = strtoull(optarg, NULL, 10); break;
        case 'j': jobs = strtoul(optarg, NULL, 10); break;
        case 'f': seed = strtoull(optarg, NULL, 10); break;
        case 'o':
            seed = strtoull(optarg, NULL, 10);
            workloads = jobs = 1;
            states = UINT64_MAX;
            break;
        case 'p': plant = optarg; break;
        case 'P': all_plants = true; break;
        case 'k': keep = true; break;
        case 'S': only_scene = optarg; break;
        case 'w':
            if (!disk_kind_leave(optarg))
                return 2;
            break;
        default: return 2;
        }
    }
    jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)mallopt(M_MMAP_THRESHOLD, MALLOC_MMAP); /* LMDB asks for 2 MiB of zeros and uses a little of it */
    (void)mallopt(M_TRIM_THRESHOLD, 32 * MALLOC_MMAP);
    if (progress == MAP_FAILED || setrlimit(RLIMIT_CORE, &no_core) != 0)
        return EXIT_FAILURE;
    if (scene_find(seed, only_scene) == NULL) {
        (void)fprintf(stderr, "powercut: there is no scene \"%s\"\n", only_scene);
        return 2;
    }
    if (all_plants)
        return plants_find() ? EXIT_SUCCESS : EXIT_FAILURE;
    if (plant != NULL && !plant_set(plant)) {
        (void)fprintf(stderr, "powercut: there is no bug \"%s\"\n", plant);
        return 2;
    }

    failed = workers_run((unsigned)jobs, seed, states, workloads);
    took = seconds() - started;
    (void)printf("%" PRIu64 " states of %" PRIu64 " workloads from seed %" PRIu64 " (%" PRIu64
                 " recoveries cut again, %" PRIu64 " kills, %" PRIu64
                 " key stores left over) in %.1f s, %.0f a second\n",
                 atomic_load(&progress->states), atomic_load(&progress->workloads), seed, atomic_load(&progress->again),
                 atomic_load(&progress->kills), atomic_load(&progress->left_over), took,
                 (double)atomic_load(&progress->states) / took);
    for (unsigned i = 0; i < SCENES_MAX; i++)
        if (atomic_load(&progress->of_scene[i]) > 0)
            (void)printf("  %" PRIu64 " of scene %s\n", atomic_load(&progress->of_scene[i]), scene_name(i));
    if (failed >= 0)
        failure_print(failed, plant);
    return failed < 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
