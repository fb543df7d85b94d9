/* erased - see erased.h. Erasures are few: they are searched from the newest, marks by halves. */
#include "broker/core/erased.h"

#include "proto/hex.h"

#include <stdlib.h>
#include <string.h>

void
erased_clear(struct erased *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        numbers_clear(&e->at[i].entries);
        numbers_clear(&e->at[i].told);
        numbers_clear(&e->at[i].confirmed);
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
erased_intend(struct erased *e, uint64_t seq, const Wici__V1__SysErasureIntendedS0 *body)
{
    void *at = e->at;
    int rc;

    if (body->part > 1)
        return 0; /* goes on with what the first part began */
    rc = array_grow(&at, &e->cap, e->count, sizeof *e->at);
    if (rc != 0)
        return rc;
    e->at = at;
    e->at[e->count] = (struct erasure){.seq = seq};
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

int
erased_tell(struct erased *e, uint64_t seq, uint32_t unit)
{
    struct erasure *erasure = erasure_at(e, seq);

    return erasure == NULL ? 0 : numbers_put(&erasure->told, unit);
}

int
erased_confirm(struct erased *e, uint64_t seq, uint32_t unit)
{
    struct erasure *erasure = erasure_at(e, seq);

    return erasure == NULL ? 0 : numbers_put(&erasure->confirmed, unit);
}

const struct erasure *
erased_at(const struct erased *e, uint64_t seq)
{
    return erasure_at(e, seq);
}

void
erased_finish(struct erased *e, uint64_t seq)
{
    struct erasure *erasure = erasure_at(e, seq);

    if (erasure != NULL)
        erasure->done = true;
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
