/*
 * saids - see saids.h
 */
#include "tests/sim/saids.h"

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096u

static struct {
    struct said *at;
    uint32_t *next; /* same bucket, older first */
    uint32_t count, size;
    uint32_t buckets[BUCKETS];
    bool ready;
} saids;

static struct bytes
bytes_copy(struct bytes bytes)
{
    uint8_t *copy = must(malloc(bytes.len + 1));

    memcpy(copy, bytes.data, bytes.len);
    return (struct bytes){.data = copy, .len = bytes.len};
}

static void
bytes_free(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
    *bytes = (struct bytes){.data = NULL};
}

static uint32_t *
bucket_of(const uint8_t id[16])
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; !saids.ready && i < BUCKETS; i++)
        saids.buckets[i] = SAID_NONE;
    saids.ready = true;
    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ id[i]) * 16777619u;
    return &saids.buckets[hash & (BUCKETS - 1)];
}

uint32_t
saids_count(void)
{
    return saids.count;
}

struct said *
saids_at(uint32_t index)
{
    return &saids.at[index];
}

uint32_t
saids_add(const uint8_t id[16], struct bytes header, const struct bytes *sections, size_t count, const char *agency)
{
    uint32_t index = saids.count, *at = bucket_of(id);
    struct said *said;

    if (saids.count == saids.size) {
        saids.size = saids.size == 0 ? 256 : 2 * saids.size;
        saids.at = must(realloc(saids.at, saids.size * sizeof *saids.at));
        saids.next = must(realloc(saids.next, saids.size * sizeof *saids.next));
    }
    said = &saids.at[saids.count++];
    memset(said, 0, sizeof *said);
    memcpy(said->id, id, 16);
    said->header = bytes_copy(header);
    for (size_t i = 0; i < count; i++)
        said->sections[i] = bytes_copy(sections[i]);
    said->section_count = count;
    (void)snprintf(said->agency, sizeof said->agency, "%s", agency);
    said->client = said->ordinal = SAID_NONE;
    said->same_as = index;
    while (*at != SAID_NONE)
        at = &saids.next[*at];
    *at = index;
    saids.next[index] = SAID_NONE;
    return index;
}

void
saids_part(uint64_t head)
{
    for (uint32_t i = 0; i < saids.count; i++) {
        struct said *said = &saids.at[i];

        if (said->seq > head) {
            said->lost = true;
            said->let_go = said->let_go || said->copied; /* who copied it may come first now */
            bytes_free(&said->receipts[0]);
            bytes_free(&said->receipts[1]);
        }
        said->seq = 0;
    }
}

void
saids_clear(void)
{
    for (uint32_t i = 0; i < saids.count; i++) {
        bytes_free(&saids.at[i].header);
        bytes_free(&saids.at[i].receipts[0]);
        bytes_free(&saids.at[i].receipts[1]);
        for (size_t s = 0; s < saids.at[i].section_count; s++)
            bytes_free(&saids.at[i].sections[s]);
    }
    free(saids.at);
    free(saids.next);
    memset(&saids, 0, sizeof saids);
}

static uint32_t
same_id_from(uint32_t index, const uint8_t id[16])
{
    while (index != SAID_NONE && memcmp(saids.at[index].id, id, 16) != 0)
        index = saids.next[index];
    return index;
}

uint32_t
saids_by_id(const uint8_t id[16])
{
    return same_id_from(*bucket_of(id), id);
}

uint32_t
saids_next_same_id(uint32_t index)
{
    return same_id_from(saids.next[index], saids.at[index].id);
}

static bool
bytes_are(struct bytes a, struct bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

bool
said_has_bytes(const struct said *said, struct bytes header, const struct bytes *sections, size_t count)
{
    if (!bytes_are(said->header, header) || said->section_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!bytes_are(said->sections[i], sections[i]))
            return false;
    return true;
}

bool
said_is_same(const struct said *a, const struct said *b)
{
    return said_has_bytes(a, b->header, b->sections, b->section_count);
}

void
said_mark(uint32_t index, size_t section, char ret[SAID_MARK_LEN + 1])
{
    (void)snprintf(ret, SAID_MARK_LEN + 1, "zq%06x%02x.", (unsigned)(index & 0xffffffu), (unsigned)(section & 0xffu));
}

static int
hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
said_find_mark(const uint8_t **at, const uint8_t *end, uint32_t *ret_said, size_t *ret_section)
{
    while (end - *at >= (ptrdiff_t)SAID_MARK_LEN) {
        const uint8_t *found = memchr(*at, 'z', (size_t)(end - *at));
        uint32_t number = 0;
        bool good;

        if (found == NULL || end - found < (ptrdiff_t)SAID_MARK_LEN)
            return false;
        *at = found + 1;
        good = found[1] == 'q' && found[SAID_MARK_LEN - 1] == '.';
        for (size_t i = 2; good && i < SAID_MARK_LEN - 1; i++) {
            good = hex_value(found[i]) >= 0;
            number = number << 4 | (uint32_t)(hex_value(found[i]) & 15);
        }
        if (!good || number >> 8 >= saids.count)
            continue;
        *at = found + SAID_MARK_LEN;
        *ret_said = number >> 8;
        *ret_section = number & 0xffu;
        return true;
    }
    return false;
}
