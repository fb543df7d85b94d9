/*
 * bench_state - what starting on a log costs: the store's recovery, the fold, and the memory of the state
 *
 *     bench_state DATA_DIRECTORY KEY_DIRECTORY KEK_FILE
 *
 * Opens the log of a stopped broker as the broker does, folds it, and prints JSON: seconds of both, records a second,
 * and what malloc holds for the state after the fold, in all and a dossier.
 */
#include "broker/broker.h"
#include "broker/fold.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
check(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_state: %s: %s %s\n", what, strerror(-rc), store_open_damage());
    exit(1);
}

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Bytes that malloc has given out, its own overhead included. */
static size_t
held(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

int
main(int argc, char **argv)
{
    struct store_options options = {.map_size_max = UINT64_C(64) << 30};
    struct store *store = NULL;
    static struct log_keys keys;
    struct core *core = NULL;
    uint32_t access_entry = 0, dossiers;
    double begin, opened, folded;
    size_t before, after;

    if (argc != 4) {
        fprintf(stderr, "usage: bench_state DATA_DIRECTORY KEY_DIRECTORY KEK_FILE\n");
        return 2;
    }
    options.dir = argv[1];
    options.key_dir = argv[2];
    options.kek_path = argv[3];
    begin = now_s();
    check(store_open(&store, &options), argv[1]);
    opened = now_s() - begin;
    before = held();
    check(core_create(&core), "core");
    begin = now_s();
    check(broker_fold(store, core, &access_entry, &keys), "fold");
    folded = now_s() - begin;
    after = held();
    dossiers = core_dossier_count(core);
    printf("{\"records\": %" PRIu64 ", \"openSeconds\": %.3f, \"foldSeconds\": %.3f, \"foldPerSecond\": %.0f, "
           "\"dossiers\": %" PRIu32 ", \"stateBytes\": %zu, \"stateBytesPerDossier\": %.1f}\n",
           store_head(store), opened, folded, (double)store_head(store) / folded, dossiers, after - before,
           dossiers == 0 ? 0.0 : (double)(after - before) / dossiers);
    core_destroy(&core);
    store_close(&store);
    return 0;
}
