/*
 * fold, recover - see fold.h; and the fold of the whole log at start
 *
 * At start a key may still be there that an intent in the log has doomed: the broker died between the two, or an older
 * key store was put back. It is destroyed then, and the log is folded anew, with the holes.
 */
#include "broker/access.h"
#include "broker/ahead.h"
#include "broker/broker.h"
#include "broker/fold.h"
#include "broker/log.h"
#include "broker/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

/* A record as core_apply needs it: without its sections, where it does not look at them. -ENOENT: it holds no event. */
static int
record_load_for_fold(struct record *ret, const struct store_row *row, struct arena *arena)
{
    const struct leaf_part *header = record_part(row, TYPE_SLOT_HEADER), *note = record_part(row, TYPE_SLOT_NOTE);
    int rc;

    if (row->erased)
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

/* ---- a piece at a time */

int
fold_open(struct fold *fold, struct store *store, struct core *core, struct log_keys *keys)
{
    *fold = (struct fold){.store = store, .core = core, .keys = keys};
    return arena_create(&fold->arena, FOLD_ARENA_SIZE);
}

void
fold_close(struct fold *fold)
{
    arena_destroy(&fold->arena);
    *fold = (struct fold){.store = NULL};
}

int
broker_fold_row(struct core *core, const struct store_row *row, struct arena *arena, struct log_keys *keys,
                struct record *ret)
{
    int rc;

    arena_reset(arena);
    rc = record_load_for_fold(ret, row, arena);
    if (rc == 0 && (rc = core_apply(core, &ret->core)) == 0 && keys != NULL)
        rc = log_keys_take(keys, ret);
    return rc;
}

static int
record_fold(struct fold *fold, const struct store_row *row)
{
    struct record record;
    int rc = broker_fold_row(fold->core, row, fold->arena, fold->keys, &record);

    return rc == -ENOENT ? 0 : rc; /* erased: the state forgets it too */
}

static void
fold_failed(const struct fold *fold, int rc)
{
    log_error("recover: record %" PRIu64 " cannot be applied: %s", fold->seq + 1,
              store_why(rc, store_damage(fold->store)));
}

int
fold_some(struct fold *fold, size_t max)
{
    uint64_t head = store_head(fold->store), last = fold->seq + (max < FOLD_SLICE_RECORDS ? max : FOLD_SLICE_RECORDS);
    struct store_slice *slice = NULL;
    struct store_row row;
    int rc = store_slice_begin(fold->store, &slice);

    while (rc == 0 && fold->seq < head && fold->seq < last) {
        rc = store_read(slice, fold->seq + 1, &row);
        if (rc == 0)
            rc = record_fold(fold, &row);
        if (rc == 0)
            fold->seq++;
    }
    store_slice_end(&slice);
    if (rc != 0)
        fold_failed(fold, rc);
    return rc;
}

/* ---- all of it, at start */

static int
fold_all(struct store *store, struct core *core, struct log_keys *keys)
{
    struct ahead *ahead = NULL;
    struct fold fold;
    int rc = fold_open(&fold, store, core, keys);

    if (rc == 0)
        rc = ahead_open(&ahead, store);
    for (uint64_t head = store_head(store); rc == 0 && fold.seq < head;) {
        const struct store_row *row;

        rc = ahead_next(ahead, &row);
        if (rc == 0)
            rc = record_fold(&fold, row);
        if (rc == 0 && ++fold.seq % PROGRESS_EVERY == 0)
            log_info("recover: %" PRIu64 " of %" PRIu64 " records", fold.seq, head);
    }
    ahead_close(&ahead);
    if (rc != 0)
        fold_failed(&fold, rc);
    fold_close(&fold);
    return rc;
}

/*
 * Destroys the keys that were to be destroyed; one of an erasure that is not done may be so by half. *ret_again: one
 * could still be read.
 */
static int
keys_finish(struct store *store, const struct core *core, bool *ret_again)
{
    int rc = 0;

    *ret_again = false;
    for (size_t i = 0; i < core_erasure_count(core) && rc == 0; i++) {
        struct core_erasure erasure;

        core_erasure(core, i, &erasure);
        for (size_t k = 0; k < erasure.count && rc == 0; k++) {
            bool there = !store_key_is_erased(store, erasure.entries[k]);

            if (there)
                log_warn("recover: an erasure that was interrupted goes on: key entry %" PRIu32, erasure.entries[k]);
            if (there || erasure.done_seq == 0)
                rc = store_key_erase_marked(store, erasure.entries[k],
                                            core_erased_entry_mark(core, erasure.entries[k]));
            *ret_again = *ret_again || there;
        }
    }
    return rc;
}

int
broker_fold(struct store *store, struct core *core, uint32_t *ret_access_entry, struct log_keys *keys)
{
    bool again = true;
    int rc = 0;

    while (rc == 0 && again) {
        struct core *fresh = NULL;

        *keys = (struct log_keys){.count = 0};
        rc = core_create(&fresh);
        if (rc == 0)
            rc = fold_all(store, fresh, keys);
        if (rc == 0)
            rc = keys_finish(store, fresh, &again);
        if (rc == 0)
            core_swap(core, fresh);
        core_destroy(&fresh);
    }
    if (rc == 0)
        rc = store_value_each(store, ACCESS_ENTRY_VALUE, entry_read, ret_access_entry);
    return rc == -ENOENT ? -EBADMSG : rc;
}
