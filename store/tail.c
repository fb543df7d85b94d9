/* tail - seqs by key entry, in memory (tail.h says how) */
#include "store/tail.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024u
#define CAP_FIRST   2u

static size_t
slot_of(const struct tail *t, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15); /* entries are dense: spread them */
    size_t i = (size_t)(h >> 32) & (t->slot_count - 1);

    while (t->slots[i].cap != 0 && t->slots[i].key != key)
        i = (i + 1) & (t->slot_count - 1);
    return i;
}

static int
slots_grow(struct tail *t)
{
    struct tail bigger = *t;

    bigger.slot_count = t->slot_count == 0 ? SLOTS_FIRST : t->slot_count * 2;
    bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->slot_count; i++)
        if (t->slots[i].cap != 0)
            bigger.slots[slot_of(&bigger, t->slots[i].key)] = t->slots[i];
    free(t->slots);
    *t = bigger;
    return 0;
}

/* Gives the list a place of `cap` seqs at the end of the pool. */
static int
list_move(struct tail *t, struct tail_list *list, uint32_t cap)
{
    if (t->pool_cap - t->pool_len < cap) {
        size_t pool_cap = t->pool_cap * 2 + cap + SLOTS_FIRST;
        uint64_t *pool = NULL;

        if (pool_cap <= UINT32_MAX)
            pool = realloc(t->pool, pool_cap * sizeof *pool);
        if (pool == NULL)
            return -ENOMEM;
        t->pool = pool;
        t->pool_cap = pool_cap;
    }
    if (list->len > 0)
        memcpy(t->pool + t->pool_len, t->pool + list->at, list->len * sizeof *t->pool);
    list->at = (uint32_t)t->pool_len;
    list->cap = cap;
    t->pool_len += cap;
    return 0;
}

void
tail_clear(struct tail *t)
{
    free(t->slots);
    free(t->pool);
    *t = (struct tail){0};
}

int
tail_push(struct tail *t, uint64_t key, uint64_t seq)
{
    struct tail_list *list;
    int rc = 0;

    if (2 * (t->used + 1) > t->slot_count)
        rc = slots_grow(t);
    if (rc != 0)
        return rc;
    list = &t->slots[slot_of(t, key)];
    if (list->cap == 0) {
        struct tail_list fresh = {.key = key};

        rc = list_move(t, &fresh, CAP_FIRST);
        if (rc != 0)
            return rc;
        *list = fresh;
        t->used++;
    } else if (list->len == list->cap) {
        rc = list_move(t, list, list->cap * 2);
        if (rc != 0)
            return rc;
    }
    assert(list->len == 0 || t->pool[list->at + list->len - 1] < seq);
    t->pool[list->at + list->len++] = seq;
    return 0;
}

void
tail_pop(struct tail *t, uint64_t key)
{
    struct tail_list *list;

    assert(t->slot_count > 0);
    list = &t->slots[slot_of(t, key)];
    assert(list->len > 0);
    list->len--;
}

void
tail_drop(struct tail *t, uint32_t entry)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        struct tail_list *list = &t->slots[i];

        if (list->cap == 0 || list->key >> 32 != entry)
            continue;
        memset(t->pool + list->at, 0, list->len * sizeof *t->pool);
        list->len = 0;
    }
}

const uint64_t *
tail_find(const struct tail *t, uint64_t key, uint64_t from, size_t *ret_count)
{
    const struct tail_list *list;
    const uint64_t *seqs;
    size_t skip;

    *ret_count = 0;
    if (t->slot_count == 0)
        return NULL;
    list = &t->slots[slot_of(t, key)];
    if (list->len == 0)
        return NULL;
    seqs = t->pool + list->at;
    skip = seqs_lower_bound(seqs, list->len, from);
    *ret_count = list->len - skip;
    return seqs + skip;
}

size_t
seqs_lower_bound(const uint64_t *seqs, size_t count, uint64_t from)
{
    size_t low = 0;

    while (low < count) {
        size_t mid = low + (count - low) / 2;

        if (seqs[mid] < from)
            low = mid + 1;
        else
            count = mid;
    }
    return low;
}
