/*
 * bench_store - how fast the log takes and gives records
 *
 *     bench_store [-g] [-n records] [-d dossiers] [directory]
 *     bench_store -t [-n records] [directory]              what the tree costs: the same appends with and without it
 *
 * Events of about 500 bytes (a header, a note, two sections, 8 slots) in as many dossiers as told, UUIDv7-like ids,
 * synchronous commits. Prints appends a second for several batch sizes, what one append costs apart from its commit,
 * and reads a second, in order and by dossier. With -g it appends in batches of 500 only, and tells what the records
 * cost up to 100,000 (a tenth of all, when they are fewer than a million) and the last as many. The directory should be
 * on the disk that matters; the default is here.
 */
#include "store/fault.h"
#include "store/store.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARTS        4u
#define GROWTH_PART  UINT64_C(100000)
#define GROWTH_BATCH 500u

struct bench {
    struct store *st;
    uint32_t *entries; /* key entry of each dossier */
    uint32_t dossiers;
    uint64_t number;
    uint8_t bodies[PARTS][200];
};

static void
check(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, strerror(-rc));
    exit(1);
}

static double
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Processor time of this thread. */
static double
cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Time in the first six bytes, then random: what a UUIDv7 is to a B-tree. */
static void
make_id(uint64_t ms, uint8_t ret[16])
{
    randombytes_buf(ret, 16);
    for (int i = 0; i < 6; i++)
        ret[i] = (uint8_t)(ms >> (40 - 8 * i));
}

static void
append(struct bench *b)
{
    static const uint32_t lens[PARTS] = {120, 60, 200, 120};
    static uint8_t seeds[512][LEAF_SEED_SIZE]; /* pooled: asking for each costs more */
    struct leaf_part parts[PARTS];
    uint64_t ms = UINT64_C(1750000000000) + b->number / 100, seq;
    uint8_t id[16];
    struct store_record record = {.leaf_class = LEAF_EVENT, .n = 8, .ts_ms = ms, .event_id = id, .parts = parts};

    if (b->number % 512 == 0)
        randombytes_buf(seeds, sizeof seeds);
    make_id(ms, id);
    for (unsigned i = 0; i < PARTS; i++)
        parts[i] = (struct leaf_part){
            .slot = (uint8_t)i, .section_id = (uint16_t)(10 * i), .len = lens[i], .body = b->bodies[i]};
    record.part_count = PARTS;
    record.seed = seeds[b->number % 512];
    record.entry = b->entries[(b->number * UINT64_C(2654435761) >> 7) % b->dossiers];
    b->number++;
    check(store_append(b->st, &record, &seq, NULL), "append");
}

static void
bench_appends(struct bench *b, unsigned batch, uint64_t count)
{
    double began = now_s(), committing = 0, flushing = 0, worst_flush = 0, cpu = cpu_s(), flush_cpu = 0, at;

    for (uint64_t done = 0; done < count;) {
        check(store_room(b->st, batch, batch * UINT64_C(700)), "room");
        for (unsigned i = 0; i < batch; i++, done++)
            append(b);
        at = now_s();
        check(store_commit(b->st), "commit");
        committing += now_s() - at;
        at = now_s();
        flush_cpu -= cpu_s();
        check(store_find_flush(b->st, false), "flush");
        flush_cpu += cpu_s();
        at = now_s() - at;
        flushing += at;
        worst_flush = at > worst_flush ? at : worst_flush;
    }
    at = now_s() - began;
    printf("batch %4u, to record %10" PRIu64 ": %8.0f records/s   append %5.2f us, commit %6.3f ms, flush %5.2f us a "
           "record (longest %.0f ms); processor %5.2f us a record, of these the flush %5.2f\n",
           batch, b->number, (double)count / at, (at - committing - flushing) / (double)count * 1e6,
           committing / ((double)count / batch) * 1e3, flushing / (double)count * 1e6, worst_flush * 1e3,
           (cpu_s() - cpu) / (double)count * 1e6, flush_cpu / (double)count * 1e6);
}

static void
bench_reads(struct bench *b)
{
    struct store_slice *slice = NULL;
    uint64_t head = store_head(b->st), seqs[256], total = 0;
    double began = now_s();
    struct store_row row;
    struct leaf leaf;
    uint32_t entry;
    size_t count;

    check(store_slice_begin(b->st, &slice), "slice");
    for (uint64_t seq = 1; seq <= head; seq++)
        check(store_read(slice, seq, &row), "read");
    printf("read in order:   %8.0f records/s\n", (double)head / (now_s() - began));
    began = now_s();
    for (uint64_t seq = 1; seq <= head; seq++)
        check(store_read_leaf(slice, seq, &leaf, &entry), "read leaf");
    printf("leaves in order: %8.0f records/s\n", (double)head / (now_s() - began));
    store_slice_end(&slice);

    began = now_s();
    for (uint32_t i = 0; i < b->dossiers && i < 2000; i++) {
        check(store_find(b->st, b->entries[i], 1, seqs, 256, &count), "find");
        check(store_slice_begin(b->st, &slice), "slice");
        for (size_t j = 0; j < count; j++)
            check(store_read(slice, seqs[j], &row), "read");
        store_slice_end(&slice);
        total += count;
    }
    printf("read by dossier: %8.0f records/s (%.1f us a dossier of %.0f)\n", (double)total / (now_s() - began),
           (now_s() - began) * 1e6 / (b->dossiers < 2000 ? b->dossiers : 2000),
           (double)total / (b->dossiers < 2000 ? b->dossiers : 2000));
}

/* What the first records cost, and what the last do. */
static void
bench_growth(struct bench *b, uint64_t records)
{
    uint64_t part = records < GROWTH_PART * 10 ? records / 10 : GROWTH_PART;

    bench_appends(b, GROWTH_BATCH, part);
    for (unsigned i = 0; i < 4; i++) {
        bench_appends(b, GROWTH_BATCH, (records - 2 * part) / 4);
    }
    bench_appends(b, GROWTH_BATCH, part);
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

/* A fresh store below root, and its dossiers. */
struct place {
    char dir[PATH_MAX / 2], keys[PATH_MAX / 2], kek[PATH_MAX / 2];
    struct store_options options;
};

static void
bench_open(struct bench *b, struct place *place, const char *root, const char *name)
{
    struct store_identity identity = {.origin = "bench.example/log", .epoch = 1};

    snprintf(place->dir, sizeof place->dir, "%s/%s.data", root, name);
    snprintf(place->keys, sizeof place->keys, "%s/%s.keys", root, name);
    snprintf(place->kek, sizeof place->kek, "%s/%s.kek", root, name);
    place->options = (struct store_options){
        .dir = place->dir, .key_dir = place->keys, .kek_path = place->kek, .map_size_max = UINT64_C(64) << 30};
    check(store_create(&place->options, &identity), "create");
    check(store_open(&b->st, &place->options), "open");
    b->entries = calloc(b->dossiers, sizeof *b->entries);
    if (b->entries == NULL)
        check(-ENOMEM, "entries");
    randombytes_buf(b->bodies, sizeof b->bodies);
    for (uint32_t i = 0; i < b->dossiers; i++)
        check(store_key_take(b->st, &b->entries[i]), "key");
}

/* Rounds of the two in turn, so that both meet the same machine. */
static void
bench_tree(const char *root, uint64_t records)
{
    static struct bench with = {.dossiers = 1000}, without = {.dossiers = 1000};
    struct bench *both[2] = {&with, &without};
    double wall[2] = {0}, cpu[2] = {0};
    const unsigned rounds = 10, batch = 500;
    struct merkle_proof proof;
    struct place places[2];
    double began;

    bench_open(&with, &places[0], root, "with");
    bench_open(&without, &places[1], root, "without");
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < 2; i++) {
            double wall_began = now_s(), cpu_began = cpu_s();

            store_tree_fault = i == 1;
            for (uint64_t done = 0; done < records / rounds; done += batch) {
                check(store_room(both[i]->st, batch, batch * UINT64_C(700)), "room");
                for (unsigned k = 0; k < batch; k++)
                    append(both[i]);
                check(store_commit(both[i]->st), "commit");
            }
            wall[i] += now_s() - wall_began;
            cpu[i] += cpu_s() - cpu_began;
        }
    store_tree_fault = false;
    for (unsigned i = 0; i < 2; i++) {
        double count = (double)store_head(both[i]->st);

        printf("%-13s %.3f us a record, of which processor %.3f us; %.0f bytes of map a record (%.0f records, batches "
               "of %u)\n",
               i == 0 ? "with tree:" : "without tree:", wall[i] / count * 1e6, cpu[i] / count * 1e6,
               (double)store_bytes(both[i]->st) / count, count, batch);
    }
    began = now_s();
    for (unsigned i = 0; i < 10000; i++)
        check(store_prove_inclusion(with.st, 1 + randombytes_uniform((uint32_t)store_head(with.st)),
                                    store_head(with.st), &proof),
              "inclusion");
    printf("proof that a record is in the log: %.1f us\n", (now_s() - began) * 1e6 / 10000);
    began = now_s();
    for (unsigned i = 0; i < 10000; i++)
        check(store_prove_consistency(with.st, 1 + randombytes_uniform((uint32_t)store_head(with.st)),
                                      store_head(with.st), &proof),
              "consistency");
    printf("proof that the log begins with an older one: %.1f us\n", (now_s() - began) * 1e6 / 10000);
    for (unsigned i = 0; i < 2; i++) {
        store_close(&both[i]->st);
        free(both[i]->entries);
    }
    began = now_s();
    check(store_open(&with.st, &places[0].options), "open");
    printf("open: %.1f ms\n", (now_s() - began) * 1e3);
    store_close(&with.st);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    char root[PATH_MAX / 4];
    struct place place;
    uint64_t records = 500000;
    bool tree = false, growth = false;
    double began;
    int option;

    b.dossiers = 10000;
    while ((option = getopt(argc, argv, "gn:d:t")) != -1) {
        if (option == 'n')
            records = strtoull(optarg, NULL, 10);
        else if (option == 'd')
            b.dossiers = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 't')
            tree = true;
        else if (option == 'g')
            growth = true;
        else
            return 2;
    }
    snprintf(root, sizeof root, "%s/bench-store-XXXXXX", optind < argc ? argv[optind] : ".");
    if (mkdtemp(root) == NULL)
        check(-errno, root);
    if (tree) {
        bench_tree(root, records);
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return 0;
    }
    if (b.dossiers == 0)
        return 2;
    began = now_s();
    bench_open(&b, &place, root, "all");
    printf("key entries:     %8.0f /s\n", b.dossiers / (now_s() - began));
    if (growth) {
        bench_growth(&b, records);
    } else {
        bench_appends(&b, 1, records / 250);
        bench_appends(&b, 10, records / 25);
        bench_appends(&b, 100, records / 5 * 2);
        bench_appends(&b, 500, records / 5 * 2);
        bench_appends(&b, 1000, records);
        bench_reads(&b);
    }
    printf("%.0f bytes of map a record\n", (double)store_bytes(b.st) / (double)store_head(b.st));
    store_close(&b.st);
    began = now_s();
    check(store_open(&b.st, &place.options), "open");
    printf("open:            %8.1f ms with %llu records\n", (now_s() - began) * 1e3,
           (unsigned long long)store_head(b.st));
    store_close(&b.st);
    free(b.entries);
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
