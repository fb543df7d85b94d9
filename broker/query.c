/* query - see query.h */
#include "broker/query.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

int
query_refuse(struct refusal *refusal, enum error_code code, const char *path)
{
    refusal_set(refusal, code, path);
    return -EACCES;
}

uint64_t
query_lists_made(const struct broker *b)
{
    uint64_t folds = core_folds(b->core), made;
    uint8_t hash[sizeof made];

    static_assert(crypto_shorthash_BYTES == sizeof made && crypto_shorthash_KEYBYTES == sizeof b->lists_key,
                  "its sizes");
    crypto_shorthash(hash, (const uint8_t *)&folds, sizeof folds, b->lists_key);
    memcpy(&made, hash, sizeof made);
    return made | 1; /* never 0 */
}

char *
query_time(struct arena *arena, uint64_t ms)
{
    char text[TIME_TEXT_SIZE];

    time_format(ms, text);
    return arena_text(arena, text);
}

int
query_record(struct broker *b, uint32_t unit, uint64_t seq, struct store_slice *slice, struct record *ret,
             struct core_view *view, struct refusal *refusal, const char *path)
{
    struct store_row row;
    int rc = seq == 0 || seq > store_head(b->store) ? -ENOENT : store_read(slice, seq, &row);

    if (rc == 0) {
        arena_reset(b->row_arena);
        rc = record_load(ret, &row, b->row_arena, true);
    }
    if (rc == -ENOENT)
        return query_refuse(refusal, E_UNKNOWN, path);
    if (rc != 0)
        return rc;
    core_view(b->core, unit, &ret->core, false, view);
    return view->received ? 0 : query_refuse(refusal, E_UNKNOWN, path);
}

int
query_event(struct broker *b, uint32_t unit, const char *event_id, struct store_slice *slice, struct record *ret,
            struct core_view *view, struct refusal *refusal, const char *path)
{
    uint8_t id[16];
    uint64_t seq;
    int rc;

    if (uuid_parse(event_id, id) != 0)
        return query_refuse(refusal, E_REQUEST, path);
    rc = store_id_find(b->store, id, &seq);
    if (rc != 0)
        return rc == -ENOENT ? query_refuse(refusal, E_UNKNOWN, path) : rc;
    rc = query_record(b, unit, seq, slice, ret, view, refusal, path);
    if (rc == 0 && memcmp(ret->event.event_id, id, sizeof id) != 0)
        rc = store_damaged(b->store, seq, "the id table has it under another id");
    return rc;
}

int
query_corrected(const struct record *record, struct store_slice *slice, struct arena *arena, struct record *ret,
                bool *ret_is)
{
    struct store_row row;
    uint64_t seq = record->core.note == NULL ? 0 : record->core.note->corrects_seq;
    int rc = seq == 0 ? -ENOENT : store_read(slice, seq, &row);

    if (rc == 0)
        rc = record_load(ret, &row, arena, true);
    *ret_is = rc == 0;
    return rc == -ENOENT ? 0 : rc == -ENOMEM ? -ENOBUFS : rc;
}
