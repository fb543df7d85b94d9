/* Open addressing, at most half full; texts are compared, so a collision costs time only. */
#include "broker/core/strings.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROW_DOUBLING_MAX 1024u /* elements */

#define SLOTS_MIN 16u

uint64_t
hash_bytes(const void *data, size_t len)
{
    const uint8_t *at = data;
    uint64_t hash = 0x9e3779b97f4a7c15u ^ len;

    while (len > 0) {
        uint64_t word = 0;
        size_t take = len < sizeof word ? len : sizeof word;

        memcpy(&word, at, take);
        hash = (hash ^ word) * 0xbf58476d1ce4e5b9u;
        hash ^= hash >> 29;
        at += take;
        len -= take;
    }
    hash *= 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

int
array_grow(void **array, uint32_t *cap, uint32_t count, size_t size)
{
    uint32_t want;
    void *grown;

    assert(count <= *cap);
    if (count < *cap)
        return 0;
    want = *cap < 4 ? 4 : *cap < GROW_DOUBLING_MAX ? *cap * 2 : *cap + *cap / 8;
    if (want < *cap)
        return -ENOMEM;
    grown = reallocarray(*array, want, size);
    if (grown == NULL)
        return -ENOMEM;
    *array = grown;
    *cap = want;
    return 0;
}

/* The slot that holds the text, or the empty one where it belongs. */
static uint32_t
slot_of(const struct strings *strings, const char *text, size_t len)
{
    uint32_t slot = (uint32_t)hash_bytes(text, len) & strings->slot_mask;

    while (strings->slots[slot] != STRINGS_NONE && strcmp(strings_at(strings, strings->slots[slot]), text) != 0)
        slot = (slot + 1) & strings->slot_mask;
    return slot;
}

static int
slots_grow(struct strings *strings)
{
    uint32_t count = strings->slot_mask == 0 ? SLOTS_MIN : (strings->slot_mask + 1) * 2;
    uint32_t *slots = reallocarray(NULL, count, sizeof *slots);

    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0xff, count * sizeof *slots);
    free(strings->slots);
    strings->slots = slots;
    strings->slot_mask = count - 1;
    for (uint32_t i = 0; i < strings->count; i++) {
        const char *text = strings_at(strings, i);

        slots[slot_of(strings, text, strlen(text))] = i;
    }
    return 0;
}

int
strings_add(struct strings *strings, const char *text, uint32_t *ret)
{
    size_t len = strlen(text);
    uint32_t slot, caps = strings->cap;
    void *start = strings->start;
    int rc;

    if (strings->slot_mask == 0 || strings->count >= strings->slot_mask / 2) {
        rc = slots_grow(strings);
        if (rc != 0)
            return rc;
    }
    slot = slot_of(strings, text, len);
    if (strings->slots[slot] != STRINGS_NONE) {
        *ret = strings->slots[slot];
        return 0;
    }
    if (strings->text_cap - strings->text_len <= len) {
        size_t cap = (strings->text_cap + len + 256) * 3 / 2;
        char *grown = realloc(strings->text, cap);

        if (grown == NULL)
            return -ENOMEM;
        strings->text = grown;
        strings->text_cap = cap;
    }
    rc = array_grow(&start, &caps, strings->count, sizeof *strings->start);
    if (rc != 0)
        return rc;
    strings->start = start;
    strings->cap = caps;
    memcpy(strings->text + strings->text_len, text, len + 1);
    strings->start[strings->count] = strings->text_len;
    strings->text_len += len + 1;
    strings->slots[slot] = strings->count;
    *ret = strings->count++;
    return 0;
}

uint32_t
strings_find(const struct strings *strings, const char *text)
{
    if (strings->slot_mask == 0)
        return STRINGS_NONE;
    return strings->slots[slot_of(strings, text, strlen(text))];
}

const char *
strings_at(const struct strings *strings, uint32_t number)
{
    assert(number < strings->count);
    return strings->text + strings->start[number];
}

void
strings_clear(struct strings *strings)
{
    free(strings->text);
    free(strings->start);
    free(strings->slots);
    memset(strings, 0, sizeof *strings);
}
