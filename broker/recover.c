/*
 * recover - the state is the fold of the log: at start every record is applied once, in order
 */
#include "broker/access.h"
#include "broker/broker.h"
#include "broker/checkpoint.h"
#include "broker/log.h"
#include "broker/record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SLICE_RECORDS   4096u /* a slice pins old pages: short ones */
#define PROGRESS_EVERY  1000000u
#define FOLD_ARENA_SIZE DECODE_ARENA_SIZE

static int
entry_read(void *arg, const char *name, const uint8_t *value, size_t len)
{
    uint32_t *entry = arg;

    (void)name;
    if (len != 4)
        return -EBADMSG;
    *entry = (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 | value[3];
    return 0;
}

static const struct leaf_part *
part_at(const struct store_row *row, uint8_t slot)
{
    for (size_t i = 0; i < row->part_count; i++)
        if (row->parts[i].slot == slot)
            return &row->parts[i];
    return NULL;
}

/* A record as core_apply needs it: without its sections, where it does not look at them. -ENOENT: it holds no event. */
static int
record_load_for_fold(struct record *ret, const struct store_row *row, struct arena *arena)
{
    const struct leaf_part *header = part_at(row, TYPE_SLOT_HEADER), *note = part_at(row, TYPE_SLOT_NOTE);
    int rc;

    if (row->erased || (row->leaf.cls != LEAF_EVENT && row->leaf.cls != LEAF_KEY))
        return -ENOENT;
    if (header == NULL)
        return -EBADMSG;
    rc = event_decode_stored(&ret->event, (struct bytes){header->body, header->len}, NULL, 0, arena);
    if (rc != 0)
        return rc;
    if (core_apply_reads_sections(ret->event.type->number) || log_keys_reads(ret->event.type->number))
        return record_load(ret, row, arena, false);
    ret->core = (struct core_record){.seq = row->seq, .ts_ms = row->leaf.ts_ms, .event = &ret->event};
    if (ret->event.has_dossier)
        ret->core.entry = row->entry; /* the entry of the access records is no dossier's */
    if (note == NULL)
        return 0;
    ret->core.note = wici__v1__broker_note__unpack(arena_allocator(arena), note->len, note->body);
    return ret->core.note == NULL ? -EBADMSG : 0;
}

int
broker_fold(struct store *store, struct core *core, uint32_t *ret_access_entry, struct log_keys *keys)
{
    uint64_t head = store_head(store), seq = 1;
    struct store_slice *slice = NULL;
    struct arena *arena = NULL;
    struct store_row row;
    struct record record;
    int rc = arena_create(&arena, FOLD_ARENA_SIZE);

    while (rc == 0 && seq <= head) {
        uint64_t last = head - seq < SLICE_RECORDS ? head : seq + SLICE_RECORDS - 1;

        rc = store_slice_begin(store, &slice);
        for (; rc == 0 && seq <= last; seq++) {
            rc = store_read(slice, seq, &row);
            if (rc != 0)
                break;
            arena_reset(arena);
            rc = record_load_for_fold(&record, &row, arena);
            if (rc == 0 && (rc = core_apply(core, &record.core)) == 0)
                rc = log_keys_take(keys, &record);
            else if (rc == -ENOENT)
                rc = 0; /* erased: the state forgets it too */
            if (rc != 0)
                break;
            if (seq % PROGRESS_EVERY == 0)
                log_info("recover: %" PRIu64 " of %" PRIu64 " records", seq, head);
        }
        store_slice_end(&slice);
        if (rc != 0)
            log_error("recover: record %" PRIu64 " cannot be applied: %s %s", seq, strerror(-rc), store_damage(store));
    }
    arena_destroy(&arena);
    if (rc == 0)
        rc = store_value_each(store, ACCESS_ENTRY_VALUE, entry_read, ret_access_entry);
    return rc == -ENOENT ? -EBADMSG : rc;
}
