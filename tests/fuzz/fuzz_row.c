/*
 * fuzz_row - any bytes as a row of the log, and as the content of a record
 *
 * First byte 0: the rest is a row as it stands in LMDB, taken apart and opened. Else it is a record whose seal has
 * opened: number of slots, then for each part slot, section id and a dose of bytes; as the fold at start takes it.
 */
#include "broker/record.h"
#include "store/internal.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

/* What is not reached: a row that is sealed is refused before any key is looked for. */
static void
row_try(const uint8_t *data, size_t size)
{
    static struct store st; /* a row in clear needs nothing of it but the place for what is wrong */
    static struct plain plain;
    struct store_row opened;
    struct row row;

    if (row_split(&st, 1, data, size, &row) != 0) {
        must(st.damage[0] != '\0');
    } else if (row.erased || row.entry == STORE_CLEAR_ENTRY) {
        int rc = row_open(&st, &row, 1, &plain, &opened);

        must(rc == 0 || rc == -EBADMSG);
        must(rc != 0 || opened.part_count <= LEAF_SLOTS_MAX);
    }
    st.damage[0] = '\0';
}

static void
record_try(struct arena *arena, const uint8_t *data, size_t size)
{
    static struct record record;
    static struct store_row row;
    struct core_view view = {.received = true, .note = true, .sections = UINT32_MAX};
    struct bytes delivery;
    struct dose dose;
    uint32_t seen = 0;
    int rc;

    memset(&row, 0, sizeof row);
    row.seq = 1;
    row.leaf.cls = LEAF_EVENT;
    row.leaf.seq = 1;
    row.leaf.n = size == 0 ? 1 : (uint8_t)(1 + data[0] % LEAF_SLOTS_MAX);
    for (size_t at = 1; at + 3 <= size && row.part_count < LEAF_SLOTS_MAX;) {
        struct leaf_part *part = &row.parts[row.part_count];
        const uint8_t *rest = data + at + 3;
        size_t left = size - at - 3;

        part->slot = data[at] % row.leaf.n;
        part->section_id = (uint16_t)(data[at + 1] << 8 | data[at + 2]);
        if (!dose_next(&rest, &left, &dose))
            break;
        part->len = (uint32_t)dose.len;
        part->body = dose.data;
        at = size - left;
        row.part_count += (seen >> part->slot & 1) == 0; /* each slot once: the store saw to that */
        seen |= UINT32_C(1) << part->slot;
    }
    rc = record_load(&record, &row, arena, (size & 1) != 0);
    must(rc == 0 || rc == -ENOENT || rc == -EBADMSG || rc == -ENOMEM);
    if (rc != 0)
        return;
    must(record.event.section_count <= EVENT_SECTIONS_MAX);
    (void)record_is_same(&row, &record.event);
    rc = record_delivery(&record, &view, arena, &delivery);
    must(rc == 0 || rc == -ENOMEM);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;

    must(arena != NULL || arena_create(&arena, DECODE_ARENA_SIZE) == 0);
    if (size == 0)
        return 0;
    arena_reset(arena);
    if (data[0] == 0)
        row_try(data + 1, size - 1);
    else
        record_try(arena, data + 1, size - 1);
    return 0;
}
