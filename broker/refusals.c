/*
 * refusals - see refusals.h
 */
#include "broker/refusals.h"
#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_ROOM_BYTES 1024ull

struct pair {
    char agency[ID_LEN_MAX + 1];
    enum error_code code;
    bool recorded;     /* in this period: what is counted waits for its end */
    uint64_t count;    /* refused since the last record */
    uint64_t since_ms; /* of that record, time since boot */
};

struct refusals {
    struct store *store;
    struct sequence *sequence;
    struct pair *pairs;
    size_t count, size;
    size_t fresh;   /* pairs that are not recorded in this period */
    bool no_memory; /* some refusal could not be counted */
};

int
refusals_create(struct refusals **ret, struct store *store, struct sequence *sequence)
{
    struct refusals *r = calloc(1, sizeof *r);

    if (r == NULL)
        return -ENOMEM;
    r->store = store;
    r->sequence = sequence;
    *ret = r;
    return 0;
}

void
refusals_destroy(struct refusals **refusals)
{
    if (*refusals == NULL)
        return;
    free((*refusals)->pairs);
    free(*refusals);
    *refusals = NULL;
}

static int
pair_record(struct refusals *r, const struct pair *pair, uint64_t now_ms)
{
    Wici__V1__SysEventRejectedS0 body;
    Wici__V1__Section section;
    char agency[ID_LEN_MAX + 1], code[ERROR_PATH_MAX];

    memcpy(agency, pair->agency, sizeof agency);
    (void)snprintf(code, sizeof code, "%s", error_name(pair->code));
    wici__v1__sys_event_rejected_s0__init(&body);
    wici__v1__section__init(&section);
    body.agency = agency;
    body.code = code;
    body.count = pair->count;
    section.body_case = WICI__V1__SECTION__BODY_SYS_EVENT_REJECTED_S0;
    section.sys_event_rejected_s0 = &body;
    return sequence_own(r->sequence, &section, STORE_CLEAR_ENTRY, now_ms);
}

static struct pair *
pair_find(struct refusals *r, const char *agency, enum error_code code)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->pairs[i].code == code && strcmp(r->pairs[i].agency, agency) == 0)
            return &r->pairs[i];
    return NULL;
}

static struct pair *
pair_add(struct refusals *r, const char *agency, enum error_code code)
{
    struct pair *pair;

    if (r->count == r->size) {
        size_t size = r->size == 0 ? 16 : 2 * r->size;
        struct pair *grown = realloc(r->pairs, size * sizeof *grown);

        if (grown == NULL)
            return NULL;
        r->pairs = grown;
        r->size = size;
    }
    pair = &r->pairs[r->count++];
    *pair = (struct pair){.code = code};
    (void)snprintf(pair->agency, sizeof pair->agency, "%s", agency);
    return pair;
}

void
refusals_note(struct refusals *refusals, const char *agency, enum error_code code)
{
    struct pair *pair = pair_find(refusals, agency, code);

    assert(code != E_NONE);
    if (pair == NULL && refusals->count >= REFUSALS_MAX) {
        agency = "broker";
        pair = pair_find(refusals, agency, code);
    }
    if (pair == NULL) {
        pair = pair_add(refusals, agency, code);
        if (pair == NULL) {
            refusals->no_memory = true;
            return;
        }
        refusals->fresh++;
    }
    pair->count++;
}

bool
refusals_are_new(const struct refusals *refusals)
{
    return refusals->fresh > 0 || refusals->no_memory;
}

/* A period is over, or all of them are to be. */
static bool
pair_is_over(const struct pair *pair, uint64_t mono_ms, bool all)
{
    return all || mono_ms - pair->since_ms >= REFUSALS_PERIOD_MS;
}

static bool
pair_is_due(const struct pair *pair, uint64_t mono_ms, bool all)
{
    return pair->count > 0 && (!pair->recorded || pair_is_over(pair, mono_ms, all));
}

/* Forgets the pairs of which nothing came for a period, so that the next is recorded at once. Returns how many are due.
 */
static size_t
pairs_look(struct refusals *r, uint64_t mono_ms, bool all)
{
    size_t due = 0;

    for (size_t i = 0; i < r->count;) {
        const struct pair *pair = &r->pairs[i];

        if (pair->count == 0 && pair_is_over(pair, mono_ms, all)) {
            r->pairs[i] = r->pairs[--r->count];
            continue;
        }
        due += pair_is_due(pair, mono_ms, all);
        i++;
    }
    return due;
}

/* What is left of a log that takes no events any more is for the records of reads, not for counts; until the end. */
static int
room_ask(struct store *store, size_t records, bool all)
{
    uint64_t bytes = records * RECORD_ROOM_BYTES;

    return all ? store_room_own(store, records, bytes) : store_room(store, records, bytes);
}

int
refusals_flush(struct refusals *refusals, uint64_t now_ms, uint64_t mono_ms, bool all, bool *ret_more)
{
    size_t due, written = 0;
    int rc;

    *ret_more = false;
    if (refusals->no_memory)
        return -ENOMEM;
    due = pairs_look(refusals, mono_ms, all);
    if (due == 0)
        return 0;
    if (due > REFUSALS_TICK_MAX) {
        due = REFUSALS_TICK_MAX;
        *ret_more = true;
    }
    rc = room_ask(refusals->store, due, all);
    if (rc != 0) {
        *ret_more = false;
        return rc == -ENOSPC ? 0 : rc;
    }
    for (size_t i = 0; written < due; i++) {
        struct pair *pair = &refusals->pairs[i];

        if (!pair_is_due(pair, mono_ms, all))
            continue;
        rc = pair_record(refusals, pair, now_ms);
        if (rc != 0)
            return rc;
        refusals->fresh -= !pair->recorded;
        pair->recorded = true;
        pair->count = 0;
        pair->since_ms = mono_ms;
        written++;
    }
    return 0;
}
