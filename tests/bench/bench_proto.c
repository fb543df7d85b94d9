/*
 * bench_proto - what one event costs before it reaches the store
 *
 *     bench_proto [SECONDS]
 *
 * Decodes and judges a small event (an answer, about 500 bytes) and a large one (a referral of ten sections), and makes
 * leaves of 8 and 32 slots; one line each, per second and per event.
 */
#include "proto/event.h"
#include "proto/json.h"
#include "proto/leaf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACKED_MAX 8192u

static const char header_rest[] =
    "\"dossierId\":\"0f8fad5b-d9cb-469f-a165-70867728950e\",\"occurredAt\":\"2026-03-01T08:30:00.125+01:00\","
    "\"actor\":{\"agency\":\"ops-kos\",\"unit\":\"ops-kos-1\",\"role\":\"SW\",\"personRef\":\"p-17\"},"
    "\"to\":[{\"unit\":\"school-3.main\"}],\"correlationId\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"";

static const char answer_sections[] =
    "{\"subjects\":[\"child-1\"],\"referralAnsweredS0\":{\"referralId\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\","
    "\"outcome\":\"TAKEN_UP\",\"answeredOn\":\"2026-03-01\"}},"
    "{\"referralAnsweredS6\":{\"status\":\"accepted\",\"reasonText\":\"Rodzina zostanie objęta pracą socjalną; "
    "pierwsza "
    "wizyta w ciągu tygodnia. Prosimy szkołę o kontakt w razie dalszych nieobecności.\","
    "\"nextAction\":{\"unit\":\"ops-kos-1\",\"due\":\"2026-03-08\"},"
    "\"deliveredTo\":[{\"personRef\":\"p-2\",\"how\":\"IN_PERSON\",\"on\":\"2026-03-01\"}]}}";

static const char referral_sections[] =
    "{\"referralSubmittedS0\":{\"referralId\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\","
    "\"informationReceivedOn\":\"2026-02-27\"}},"
    "{\"referralSubmittedS1\":{\"persons\":[{\"personRef\":\"child-1\",\"name\":\"Zażółć Gęślą\"}]}},"
    "{\"referralSubmittedS2\":{\"livingConditions\":\"Mieszkanie komunalne, dwa pokoje.\"}},"
    "{\"referralSubmittedS3\":{\"childSituation\":\"Dziecko od miesiąca opuszcza zajęcia.\"}},"
    "{\"referralSubmittedS4\":{\"healthReasons\":\"Nie dotyczy.\"}},"
    "{\"referralSubmittedS5\":{\"safetyFlag\":true}},"
    "{\"referralSubmittedS6\":{\"paperKind\":\"INFORMATION\",\"service\":\"FAMILY_ASSISTANT\",\"sourceKind\":"
    "\"SCHOOL\","
    "\"reasonText\":\"Szkoła prosi o rozeznanie sytuacji rodziny.\"}},"
    "{\"referralSubmittedS7\":{\"address\":\"ul. Polna 1, 00-001 Warszawa\"}},"
    "{\"subjects\":[\"child-2\"],\"referralSubmittedS1\":{\"persons\":[{\"personRef\":\"child-2\"}]}},"
    "{\"subjects\":[\"child-2\"],\"referralSubmittedS3\":{\"childSituation\":\"Młodsze dziecko uczęszcza "
    "regularnie.\"}}";

struct sample {
    uint8_t mem[PACKED_MAX];
    struct bytes header, sections[EVENT_SECTIONS_MAX];
    size_t count, size;
};

static struct arena *arena;

static void
stop(const char *what)
{
    fprintf(stderr, "bench_proto: %s\n", what);
    exit(1);
}

static struct bytes
pack(struct sample *sample, const ProtobufCMessage *message)
{
    struct bytes bytes = {sample->mem + sample->size, protobuf_c_message_get_packed_size(message)};

    if (sample->size + bytes.len > PACKED_MAX)
        stop("the sample is too large");
    protobuf_c_message_pack(message, sample->mem + sample->size);
    sample->size += bytes.len;
    return bytes;
}

static void
sample_make(struct sample *sample, const char *type, const char *sections)
{
    char text[PACKED_MAX];
    const Wici__V1__EventDocument *document;
    ProtobufCMessage *message = NULL;
    struct refusal refusal;
    json_t *json;

    snprintf(text, sizeof text,
             "{\"header\":{\"eventId\":\"019c9f6a-5e00-7abc-9def-0123456789ab\",\"type\":\"%s\",%s},"
             "\"sections\":[%s]}",
             type, header_rest, sections);
    arena_reset(arena);
    json = json_loads(text, 0, NULL);
    if (json == NULL || json_to_message(json, &wici__v1__event_document__descriptor, arena, &message, &refusal) != 0)
        stop("the sample is no event");
    json_decref(json);
    document = (const Wici__V1__EventDocument *)message;
    sample->size = 0;
    sample->count = document->n_sections;
    sample->header = pack(sample, &document->header->base);
    for (size_t i = 0; i < sample->count; i++)
        sample->sections[i] = pack(sample, &document->sections[i]->base);
}

static double
now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void
decode_once(const struct sample *sample)
{
    static struct event event;
    struct refusal refusal;

    arena_reset(arena);
    if (event_decode(&event, sample->header, sample->sections, sample->count, arena, &refusal) != 0) {
        fprintf(stderr, "%s %s\n", error_name(refusal.code), refusal.path);
        stop("the sample is refused");
    }
}

static void
leaf_once(const struct sample *sample)
{
    static uint64_t last;
    uint8_t seed[LEAF_SEED_SIZE] = {1}, input[LEAF_INPUT_MAX];
    struct leaf_part parts[EVENT_SECTIONS_MAX + 1] = {{0, 1018, (uint32_t)sample->header.len, sample->header.data}};
    struct leaf leaf = {.n = sample->count > 4 ? 32 : 8, .seq = ++last};

    for (size_t i = 0; i < sample->count; i++)
        parts[i + 1] = (struct leaf_part){(uint8_t)(i + 2), 1010, (uint32_t)sample->sections[i].len,
                                          sample->sections[i].data};
    leaf_fill(&leaf, seed, parts, sample->count + 1);
    leaf_encode(&leaf, input);
}

static void
measure(const char *what, void (*once)(const struct sample *), const struct sample *sample, double seconds)
{
    double start = now(), took;
    unsigned long count = 0;

    do {
        for (unsigned i = 0; i < 256; i++)
            once(sample);
        count += 256;
        took = now() - start;
    } while (took < seconds);
    printf("%-40s %5zu bytes %10.0f /s %8.2f us\n", what, sample->size, (double)count / took,
           took * 1e6 / (double)count);
}

int
main(int argc, char **argv)
{
    static struct sample small, large;
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;

    if (arena_create(&arena, DECODE_ARENA_SIZE) != 0)
        stop("no memory");
    sample_make(&small, "REFERRAL_ANSWERED", answer_sections);
    sample_make(&large, "REFERRAL_SUBMITTED", referral_sections);
    measure("event_decode, referral.answered", decode_once, &small, seconds);
    measure("event_decode, referral.submitted", decode_once, &large, seconds);
    measure("leaf_fill and leaf_encode, 8 slots", leaf_once, &small, seconds);
    measure("leaf_fill and leaf_encode, 32 slots", leaf_once, &large, seconds);
    arena_destroy(&arena);
    return 0;
}
