/* erased - see erased.h. Erasures are few: they are searched from the newest, marks by halves. */
#include "broker/core/erased.h"

#include "proto/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No version wrote a longer one: what is longer is cut. */
static void
text_keep(char *ret, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        len = size - 1;
    memcpy(ret, text, len);
    ret[len] = '\0';
}

void
erased_clear(struct erased *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        numbers_clear(&e->at[i].entries);
        for (uint32_t k = 0; k < e->at[i].told_count; k++)
            free(e->at[i].told[k].law);
        free(e->at[i].told);
    }
    free(e->at);
    free(e->marks);
    memset(e, 0, sizeof *e);
}

/* How many marks are below this one. */
static uint32_t
marks_below(const struct erased *e, const uint8_t mark[ERASED_MARK_SIZE])
{
    uint32_t low = 0, high = e->mark_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (memcmp(e->marks[middle].mark, mark, ERASED_MARK_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int
mark_add(struct erased *e, const uint8_t mark[ERASED_MARK_SIZE], uint32_t erasure, uint32_t entry)
{
    uint32_t below = marks_below(e, mark);
    void *marks = e->marks;
    int rc;

    if (below < e->mark_count && memcmp(e->marks[below].mark, mark, ERASED_MARK_SIZE) == 0)
        return 0;
    rc = array_grow(&marks, &e->mark_cap, e->mark_count, sizeof *e->marks);
    if (rc != 0)
        return rc;
    e->marks = marks;
    memmove(e->marks + below + 1, e->marks + below, (e->mark_count - below) * sizeof *e->marks);
    memcpy(e->marks[below].mark, mark, ERASED_MARK_SIZE);
    e->marks[below].erasure = erasure;
    e->marks[below].entry = entry;
    e->mark_count++;
    return 0;
}

int
erased_intend(struct erased *e, uint64_t seq, uint64_t ts_ms, const Wici__V1__SysErasureIntendedS0 *body)
{
    void *at = e->at;
    int rc;

    if (body->part > 1)
        return 0; /* goes on with what the first part began */
    rc = array_grow(&at, &e->cap, e->count, sizeof *e->at);
    if (rc != 0)
        return rc;
    e->at = at;
    e->at[e->count] = (struct erasure){.seq = seq, .ts_ms = ts_ms};
    text_keep(e->at[e->count].reason, sizeof e->at[e->count].reason, body->reason);
    for (size_t i = 0; rc == 0 && i < body->n_keys; i++) {
        uint8_t mark[ERASED_MARK_SIZE];

        /* No version wrote one that is none: such a text says nothing. */
        if (hex_parse(body->keys[i]->mark, mark, sizeof mark) == 0)
            rc = mark_add(e, mark, e->count, body->keys[i]->entry);
        if (rc == 0 && body->keys[i]->entry != 0) /* 0: only the branch of before had it (broker/erase_repeat.h) */
            rc = numbers_add(&e->at[e->count].entries, body->keys[i]->entry);
    }
    e->count++;
    return rc;
}

static struct erasure *
erasure_at(const struct erased *e, uint64_t seq)
{
    for (uint32_t i = e->count; i > 0; i--)
        if (e->at[i - 1].seq == seq)
            return &e->at[i - 1];
    return NULL;
}

/* How many of those that were told are below this unit. */
static uint32_t
told_below(const struct erasure *erasure, uint32_t unit)
{
    uint32_t low = 0, high = erasure->told_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (erasure->told[middle].unit < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The unit's place among those that were told, made if there is none. NULL: no memory. */
static struct erased_told *
told_put(struct erasure *erasure, uint32_t unit)
{
    uint32_t below = told_below(erasure, unit);
    void *told = erasure->told;

    if (below < erasure->told_count && erasure->told[below].unit == unit)
        return &erasure->told[below];
    if (array_grow(&told, &erasure->told_cap, erasure->told_count, sizeof *erasure->told) != 0)
        return NULL;
    erasure->told = told;
    memmove(erasure->told + below + 1, erasure->told + below, (erasure->told_count - below) * sizeof *erasure->told);
    erasure->told[below] = (struct erased_told){.unit = unit};
    erasure->told_count++;
    return &erasure->told[below];
}

int
erased_tell(struct erased *e, uint64_t seq, uint64_t ts_ms, uint32_t unit, const Wici__V1__SysErasureNotifiedS0 *body)
{
    struct erasure *erasure = erasure_at(e, body->intended_seq);
    struct erased_told *told;

    if (erasure == NULL)
        return 0;
    told = told_put(erasure, unit);
    if (told == NULL)
        return -ENOMEM;
    if (told->seq == 0) {
        told->seq = seq;
        told->ts_ms = ts_ms;
    }
    for (size_t i = 0; i < body->n_ranges; i++) {
        const Wici__V1__SeqRange *range = body->ranges[i];

        told->records += range->to_seq - range->from_seq + 1;
        if (told->from_seq == 0 || range->from_seq < told->from_seq)
            told->from_seq = range->from_seq;
        if (range->to_seq > told->to_seq)
            told->to_seq = range->to_seq;
    }
    return 0;
}

int
erased_confirm(struct erased *e, uint64_t seq, uint64_t ts_ms, uint32_t unit,
               const Wici__V1__SysErasureConfirmedS0 *body)
{
    struct erasure *erasure = erasure_at(e, body->intended_seq);
    uint32_t below = erasure == NULL ? 0 : told_below(erasure, unit);
    struct erased_told *told;

    if (erasure == NULL || below == erasure->told_count || erasure->told[below].unit != unit)
        return 0;
    told = &erasure->told[below];
    if (told->said_seq != 0)
        return 0;
    if (strcmp(body->how, ERASED_KEPT) == 0) {
        told->law = strdup(body->legal_basis);
        if (told->law == NULL)
            return -ENOMEM;
        erasure->kept++;
    } else {
        erasure->destroyed++;
    }
    told->said_seq = seq;
    told->said_ms = ts_ms;
    text_keep(told->said_on, sizeof told->said_on, body->confirmed_on);
    return 0;
}

const struct erased_told *
erased_told_of(const struct erasure *erasure, uint32_t unit)
{
    uint32_t below = told_below(erasure, unit);

    return below < erasure->told_count && erasure->told[below].unit == unit ? &erasure->told[below] : NULL;
}

const struct erasure *
erased_at(const struct erased *e, uint64_t seq)
{
    return erasure_at(e, seq);
}

void
erased_finish(struct erased *e, uint64_t seq, const Wici__V1__SysErasureDoneS0 *body)
{
    struct erasure *erasure = erasure_at(e, body->intended_seq);

    if (erasure != NULL)
        erasure->done_seq = seq;
}

static bool
mark_is_there(const struct erased *e, const uint8_t mark[ERASED_MARK_SIZE])
{
    uint32_t below = marks_below(e, mark);

    return below < e->mark_count && memcmp(e->marks[below].mark, mark, ERASED_MARK_SIZE) == 0;
}

const uint8_t *
erased_entry_mark(const struct erased *e, uint32_t entry)
{
    for (uint32_t i = 0; i < e->mark_count; i++)
        if (e->marks[i].entry == entry)
            return e->marks[i].mark;
    return NULL;
}

bool
erased_is_known(const struct erased *e, uint32_t entry, const uint8_t mark[ERASED_MARK_SIZE])
{
    if (mark_is_there(e, mark))
        return true;
    for (uint32_t i = 0; i < e->count; i++)
        for (uint32_t k = 0; k < e->at[i].entries.count; k++)
            if (e->at[i].entries.at[k] == entry)
                return true;
    return false;
}

const struct erasure *
erased_find(const struct erased *e, const uint8_t dossier_id[16])
{
    uint8_t mark[ERASED_MARK_SIZE];
    uint32_t below;

    if (e->mark_count == 0)
        return NULL;
    erased_mark_of(dossier_id, mark);
    if (!mark_is_there(e, mark))
        return NULL;
    below = marks_below(e, mark);
    return &e->at[e->marks[below].erasure];
}
