/*
 * papers - see papers.h
 */
#include "tests/sim/papers.h"

#include "proto/hex.h"
#include "store/be.h"
#include "store/doc.h"
#include "tests/sim/fate.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAPERS_MAX 1024u
#define SMALL_MAX  3000u
#define REST_MAX   2000u
#define NEWEST     4u /* of a unit's, from which is drawn */

static struct paper papers[PAPERS_MAX];
static uint32_t paper_count;

static uint32_t
size_draw(void)
{
    uint32_t chunks;

    if (!fate_once_in(5))
        return PAPER_MARK_LEN + (uint32_t)fate_below(SMALL_MAX);
    chunks = 1 + (uint32_t)fate_below(2);
    return chunks * STORE_DOC_CHUNK + (fate_once_in(4) ? 0 : 1 + (uint32_t)fate_below(REST_MAX));
}

uint32_t
papers_make(void)
{
    uint32_t index = paper_count++, size = size_draw();
    struct paper *paper = &papers[index];
    struct digest digest;
    size_t at = 0;

    if (index == PAPERS_MAX)
        abort();
    *paper = (struct paper){.bytes = must(malloc(size)), .size = size};
    memset(paper->bytes, 'd', size);
    digest_begin(&digest);
    for (unsigned piece = 0; at < size; piece++, at += STORE_DOC_CHUNK) {
        char mark[PAPER_MARK_LEN + 1];

        (void)snprintf(mark, sizeof mark, "zd%06x%02x.", (unsigned)(index & 0xffffffu), piece & 0xffu);
        memcpy(paper->bytes + at, mark, size - at < PAPER_MARK_LEN ? size - at : PAPER_MARK_LEN);
        if (size - at > STORE_DOC_CHUNK)
            digest_add(&digest, paper->bytes + at, STORE_DOC_CHUNK);
        else
            digest_end(&digest, paper->bytes + at, size - at, paper->digest);
    }
    return index;
}

uint32_t
papers_count(void)
{
    return paper_count;
}

struct paper *
papers_at(uint32_t index)
{
    return &papers[index];
}

uint32_t
papers_find(const uint8_t digest[DIGEST_SIZE])
{
    for (uint32_t i = 0; i < paper_count; i++)
        if (memcmp(papers[i].digest, digest, DIGEST_SIZE) == 0)
            return i;
    return PAPER_NONE;
}

static uint64_t
bit_of(const struct town_unit *unit)
{
    return UINT64_C(1) << (unit - town_unit(0));
}

uint32_t
papers_of(const struct town_unit *unit)
{
    uint32_t newest[NEWEST];
    size_t count = 0;

    for (uint32_t i = paper_count; i > 0 && count < NEWEST; i--)
        if ((papers[i - 1].senders & bit_of(unit)) != 0)
            newest[count++] = i - 1;
    return count == 0 ? PAPER_NONE : newest[fate_below(count)];
}

void
papers_sent_by(uint32_t index, const struct town_unit *unit)
{
    papers[index].senders |= bit_of(unit);
}

void
papers_clear(void)
{
    for (uint32_t i = 0; i < paper_count; i++)
        free(papers[i].bytes);
    paper_count = 0;
}

bool
paper_has(uint32_t index, size_t offset, const uint8_t *bytes, size_t len)
{
    const struct paper *paper = &papers[index];

    return len == 0 ||
           (offset <= paper->size && len <= paper->size - offset && memcmp(paper->bytes + offset, bytes, len) == 0);
}

uint32_t
papers_marked(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes + len;

    for (const uint8_t *at = bytes; (at = memmem(at, (size_t)(end - at), "zd", 2)) != NULL; at++) {
        uint8_t number[4];
        char digits[8];

        if (end - at < (ptrdiff_t)PAPER_MARK_LEN || at[PAPER_MARK_LEN - 1] != '.')
            continue;
        memcpy(digits, at + 2, sizeof digits); /* each is one: the four other bytes are found by chance */
        if (hex_parse(digits, number, sizeof number) == 0 && be32_get(number) >> 8 < paper_count)
            return be32_get(number) >> 8;
    }
    return PAPER_NONE;
}
