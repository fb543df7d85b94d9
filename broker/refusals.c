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

struct pair {
    char agency[ID_LEN_MAX + 1];
    enum error_code code;
    uint64_t count;    /* refused since the last record */
    uint64_t since_ms; /* of that record, time since boot */
};

struct refusals {
    struct sequence *sequence;
    struct pair *pairs;
    size_t count, size;
};

int
refusals_create(struct refusals **ret, struct sequence *sequence)
{
    struct refusals *r = calloc(1, sizeof *r);

    if (r == NULL)
        return -ENOMEM;
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
pair_record(struct refusals *r, const struct pair *pair, uint64_t count, uint64_t now_ms)
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
    body.count = count;
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

int
refusals_note(struct refusals *refusals, const char *agency, enum error_code code, uint64_t now_ms, uint64_t mono_ms)
{
    struct pair *pair = pair_find(refusals, agency, code);

    assert(code != E_NONE);
    if (pair == NULL && refusals->count >= REFUSALS_MAX) {
        agency = "broker";
        pair = pair_find(refusals, agency, code);
    }
    if (pair != NULL) {
        pair->count++;
        return 0;
    }
    pair = pair_add(refusals, agency, code);
    if (pair == NULL)
        return -ENOMEM;
    pair->since_ms = mono_ms;
    return pair_record(refusals, pair, 1, now_ms);
}

int
refusals_flush(struct refusals *refusals, uint64_t now_ms, uint64_t mono_ms, bool all, bool *ret_more)
{
    unsigned written = 0;

    *ret_more = false;
    for (size_t i = 0; i < refusals->count;) {
        struct pair *pair = &refusals->pairs[i];
        int rc;

        if (!all && mono_ms - pair->since_ms < REFUSALS_PERIOD_MS) {
            i++;
            continue;
        }
        if (pair->count == 0) { /* a quiet period: forget the pair, so that the next is recorded at once */
            *pair = refusals->pairs[--refusals->count];
            continue;
        }
        if (written++ == REFUSALS_TICK_MAX) {
            *ret_more = true;
            return 0;
        }
        rc = pair_record(refusals, pair, pair->count, now_ms);
        if (rc != 0)
            return rc;
        pair->count = 0;
        pair->since_ms = mono_ms;
        i++;
    }
    return 0;
}
