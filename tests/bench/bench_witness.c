/*
 * bench_witness - what its checks cost wici-agent (agents/witness.h)
 *
 *     bench_witness [DIR]      on the disk that matters; a folder of its own in DIR, else in the current one
 *
 * 16,384 events of 16 slots, of which six parts (some 600 bytes) are given: each is checked when it is received, and
 * proven with 64 others by a question whose answer lies ready; then 500 receipts are checked. One line each: wall-clock
 * and processor time of an event.
 */
#include "agents/witness.h"

#include "proto/disclosure.h"
#include "proto/limits.h"
#include "proto/strict.h"
#include "proto/tlogproof.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEVELS   14u
#define EVENTS   (1u << LEVELS)
#define SLOTS    16u
#define PARTS    6u
#define RECEIPTS 500u
#define ORIGIN   "bench.example/log"

struct event {
    uint8_t *bytes; /* of the Delivery */
    size_t len;
};

static struct event events[EVENTS];
static uint8_t nodes[LEVELS + 1][EVENTS][MERKLE_HASH_SIZE]; /* complete subtrees of 2^level leaves */
static char *answers[EVENTS / INCLUSIONS_MAX];
static struct note_signer signer;
static char *note;

static void __attribute__((noreturn)) stop(const char *what)
{
    (void)fprintf(stderr, "bench_witness: %s\n", what);
    exit(EXIT_FAILURE);
}

static void
must(bool good, const char *what)
{
    if (!good)
        stop(what);
}

/* ---- the log */

static void
event_make(uint32_t index)
{
    static const uint32_t lens[PARTS] = {180, 20, 60, 120, 150, 70};
    uint8_t bodies[PARTS][200], salts[PARTS][LEAF_HASH_SIZE], seed[LEAF_SEED_SIZE] = {0};
    struct leaf_part parts[PARTS];
    struct leaf leaf = {.cls = LEAF_EVENT, .n = SLOTS, .seq = index + 1, .ts_ms = 1795443995034u + index};
    Wici__V1__Delivery delivery = WICI__V1__DELIVERY__INIT;
    Wici__V1__Disclosed disclosed[PARTS], *list[PARTS];
    Wici__V1__Slot slots[PARTS];

    memcpy(seed, &index, sizeof index);
    for (unsigned i = 0; i < PARTS; i++) {
        memset(bodies[i], (int)(index + i), lens[i]);
        parts[i] = (struct leaf_part){
            .slot = (uint8_t)i, .section_id = (uint16_t)(8010 + i), .len = lens[i], .body = bodies[i]};
    }
    leaf_fill(&leaf, seed, parts, PARTS);
    disclosure_leaf_hash(&leaf, nodes[0][index]);
    delivery.seq = leaf.seq;
    delivery.ts_ms = leaf.ts_ms;
    delivery.leaf_class = leaf.cls;
    delivery.digests = (ProtobufCBinaryData){.len = SLOTS * LEAF_HASH_SIZE, .data = leaf.digests[0]};
    delivery.n_parts = PARTS;
    delivery.parts = list;
    for (unsigned i = 0; i < PARTS; i++) {
        wici__v1__disclosed__init(&disclosed[i]);
        wici__v1__slot__init(&slots[i]);
        leaf_salt(seed, (uint8_t)i, salts[i]);
        slots[i].slot = i;
        slots[i].section_id = parts[i].section_id;
        slots[i].salt = (ProtobufCBinaryData){.len = LEAF_HASH_SIZE, .data = salts[i]};
        disclosed[i].slot = &slots[i];
        disclosed[i].body = (ProtobufCBinaryData){.len = lens[i], .data = bodies[i]};
        list[i] = &disclosed[i];
    }
    events[index].len = wici__v1__delivery__get_packed_size(&delivery);
    events[index].bytes = malloc(events[index].len);
    must(events[index].bytes != NULL, "no memory");
    (void)wici__v1__delivery__pack(&delivery, events[index].bytes);
}

static int
node_get(void *arg, unsigned level, uint64_t index, uint8_t ret[MERKLE_HASH_SIZE])
{
    (void)arg;
    memcpy(ret, nodes[level][index], MERKLE_HASH_SIZE);
    return 0;
}

static void
log_make(void)
{
    static const uint8_t seed[NOTE_SEED_SIZE] = {1};
    struct note_checkpoint checkpoint = {.origin = ORIGIN, .size = EVENTS};
    char text[NOTE_CHECKPOINT_TEXT_SIZE];
    size_t len;

    for (uint32_t i = 0; i < EVENTS; i++)
        event_make(i);
    for (unsigned level = 0; level < LEVELS; level++)
        for (uint32_t i = 0; i < EVENTS >> (level + 1); i++) {
            uint8_t input[1 + 2 * MERKLE_HASH_SIZE] = {1};

            memcpy(input + 1, nodes[level][2 * i], 2 * MERKLE_HASH_SIZE);
            leaf_sha256(input, sizeof input, nodes[level + 1][i]);
        }
    memcpy(checkpoint.root, nodes[LEVELS][0], MERKLE_HASH_SIZE);
    must(note_signer_make(ORIGIN, seed, &signer) == 0 && note_checkpoint_format(&checkpoint, text, &len) == 0 &&
             note_sign(text, len, &signer, 1, &note, &len) == 0,
         "no checkpoint");
}

static void
answer_make(uint32_t at)
{
    json_t *proofs = json_array();

    for (uint32_t i = at * INCLUSIONS_MAX; i < (at + 1) * INCLUSIONS_MAX; i++) {
        json_t *hashes = json_array();
        struct merkle_proof proof;
        char base64[STRICT_BASE64_LEN(MERKLE_HASH_SIZE) + 1], seq[24];

        must(merkle_inclusion_prove(i, EVENTS, node_get, NULL, &proof) == 0, "no proof");
        for (size_t k = 0; k < proof.count; k++) {
            strict_base64_encode(proof.hash[k], MERKLE_HASH_SIZE, base64);
            json_array_append_new(hashes, json_string(base64));
        }
        (void)snprintf(seq, sizeof seq, "%u", i + 1);
        json_array_append_new(proofs, json_pack("{s:s,s:o}", "seq", seq, "hashes", hashes));
    }
    {
        json_t *answer = json_pack("{s:{s:s,s:o}}", "inclusion", "note", note, "proofs", proofs);

        answers[at] = json_dumps(answer, JSON_COMPACT);
        json_decref(answer);
    }
    must(answers[at] != NULL, "no answer");
}

/* Gives what lies ready. */
static int
query(void *arg, const char *request, char **ret)
{
    const char *first = strchr(request, '[');
    unsigned long seq = first == NULL ? 0 : strtoul(first + 1, NULL, 10);

    (void)arg;
    must(seq > 0, "another question");
    *ret = strdup(answers[(seq - 1) / INCLUSIONS_MAX]);
    return *ret == NULL ? -ENOMEM : 0;
}

static char *
receipt_make(uint32_t index)
{
    struct tlogproof proof = {.extra = events[index].bytes,
                              .extra_len = events[index].len,
                              .index = index,
                              .checkpoint = note,
                              .checkpoint_len = strlen(note)};
    char *text;
    size_t len;

    must(merkle_inclusion_prove(index, EVENTS, node_get, NULL, &proof.path) == 0 &&
             tlogproof_format(&proof, &text, &len) == 0,
         "no receipt");
    return text;
}

/* ---- measuring */

struct lap {
    double wall, cpu;
};

static double
seconds(clockid_t which)
{
    struct timespec ts = {0};

    (void)clock_gettime(which, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct lap
lap_begin(void)
{
    return (struct lap){.wall = seconds(CLOCK_MONOTONIC), .cpu = seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void
lap_end(const struct lap *lap, const char *what, unsigned count)
{
    (void)printf("%-44s %8.2f us, processor %8.2f us\n", what, (seconds(CLOCK_MONOTONIC) - lap->wall) * 1e6 / count,
                 (seconds(CLOCK_PROCESS_CPUTIME_ID) - lap->cpu) * 1e6 / count);
}

static void
events_measure(struct witness *w)
{
    struct lap lap = lap_begin();

    for (uint32_t i = 0; i < EVENTS; i++) {
        struct wici_event event = {.seq = i + 1, .delivery = events[i].bytes, .delivery_len = events[i].len};

        must(witness_event(w, &event) == 0, "an event does not hold");
    }
    lap_end(&lap, "an event when it is received", EVENTS);
    lap = lap_begin();
    for (uint64_t now = 1; witness_waiting(w) > 0; now += WITNESS_SOON_MS)
        must(witness_run(w, now) == 0, "a proof does not hold");
    lap_end(&lap, "its proof, 64 with one question", EVENTS);
}

static void
receipts_measure(struct witness *w)
{
    char *receipts[RECEIPTS];
    struct lap lap;

    for (uint32_t i = 0; i < RECEIPTS; i++)
        receipts[i] = receipt_make(i);
    lap = lap_begin();
    for (uint32_t i = 0; i < RECEIPTS; i++)
        must(witness_receipt(w, receipts[i], 0, NULL, 0) == 0, "a receipt does not hold");
    lap_end(&lap, "the receipt of an event that was sent", RECEIPTS);
    for (uint32_t i = 0; i < RECEIPTS; i++)
        free(receipts[i]);
}

int
main(int argc, char **argv)
{
    char dir[PATH_MAX], vkey[NOTE_KEY_TEXT_SIZE], command[PATH_MAX + 16];
    struct agent_config config = {.log_key = vkey};
    struct agent_link link = {.query = query};
    struct agent_dirs dirs;
    struct witness_options options = {.dirs = &dirs, .link = &link, .config = &config};
    struct witness *w = NULL;

    (void)snprintf(dir, sizeof dir, "%.4000s/bench-witness-XXXXXX", argc > 1 ? argv[1] : ".");
    must(mkdtemp(dir) != NULL, "no folder");
    log_make();
    for (uint32_t i = 0; i < EVENTS / INCLUSIONS_MAX; i++)
        answer_make(i);
    note_key_format(&signer.key, vkey);
    must(agent_dirs_open(&dirs, dir) == 0 && witness_open(&w, &options) == 0, "it does not open");
    witness_epoch(w, 1);
    events_measure(w);
    receipts_measure(w);
    witness_close(&w);
    agent_dirs_close(&dirs);
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
