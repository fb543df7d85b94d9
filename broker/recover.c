/*
 * recover - the state is the fold of the log: at start every record is applied once, in order
 */
#include "broker/access.h"
#include "broker/broker.h"
#include "broker/log.h"
#include "broker/record.h"

#include <errno.h>
#include <inttypes.h>

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

int
broker_fold(struct store *store, struct core *core, uint32_t *ret_access_entry)
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
            rc = record_load(&record, &row, arena, false);
            if (rc == 0)
                rc = core_apply(core, &record.core);
            else if (rc == -ENOENT)
                rc = 0; /* erased: the state forgets it too */
            if (rc != 0)
                break;
            if (seq % PROGRESS_EVERY == 0)
                log_info("recover: %" PRIu64 " of %" PRIu64 " records", seq, head);
        }
        store_slice_end(&slice);
        if (rc != 0)
            log_error("recover: record %" PRIu64 " cannot be applied: %s", seq, store_damage(store));
    }
    arena_destroy(&arena);
    if (rc == 0)
        rc = store_value_each(store, ACCESS_ENTRY_VALUE, entry_read, ret_access_entry);
    return rc == -ENOENT ? -EBADMSG : rc;
}
