#include "store/find_chunk.h"

#include "store/be.h"
#include "store/check.h"
#include "store/find.h"
#include "store/lmdb_err.h"
#include "store/tail.h"

#include <string.h>

#define KEY_SIZE   16u
#define CHUNK_SIZE (FIND_CHUNK * 8u) /* of the seqs; their sum is behind them */

static void
key_encode(uint8_t key[KEY_SIZE], uint64_t list, uint64_t first)
{
    be64_put(key, list);
    be64_put(key + 8, first);
}

static uint64_t
chunk_sum(const void *key, const uint8_t *seqs, size_t len)
{
    return check_of(key, KEY_SIZE, seqs, len);
}

/* Is this a chunk of the list as we write them? *ret_len: bytes of its seqs. */
static bool
chunk_is_sound(const MDB_val *key, const MDB_val *val, size_t *ret_len)
{
    const uint8_t *bytes = val->mv_data;
    size_t len = val->mv_size - CHECK_SIZE;

    if (key->mv_size != KEY_SIZE || val->mv_size <= CHECK_SIZE || len % 8 != 0 || len > CHUNK_SIZE ||
        memcmp((const uint8_t *)key->mv_data + 8, bytes, 8) != 0 ||
        be64_get(bytes + len) != chunk_sum(key->mv_data, bytes, len))
        return false;
    *ret_len = len;
    return true;
}

static uint64_t
chunk_kept_sum(const MDB_val *val)
{
    return val->mv_size < CHECK_SIZE ? 0 : be64_get((const uint8_t *)val->mv_data + val->mv_size - CHECK_SIZE);
}

int
chunks_check(MDB_txn *txn, MDB_dbi seqs, uint64_t total)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    size_t len;
    int rc = mdb_cursor_open(txn, seqs, &cursor);

    for (rc = rc == 0 ? mdb_cursor_get(cursor, &key, &val, MDB_FIRST) : rc; rc == 0;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        if (!chunk_is_sound(&key, &val, &len)) {
            rc = MDB_CORRUPTED;
            break;
        }
        total -= chunk_kept_sum(&val);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        rc = total == 0 ? 0 : MDB_CORRUPTED;
    return rc == MDB_CORRUPTED ? -EBADMSG : err_from_lmdb(rc);
}

/* ---- writing */

/* Positions the cursor at the last chunk of the list. -ENOENT: it has none. */
static int
chunk_last(MDB_cursor *cursor, uint64_t list, MDB_val *key, MDB_val *val, size_t *ret_len)
{
    uint8_t wanted[KEY_SIZE];
    int rc;

    key_encode(wanted, list, UINT64_MAX);
    *key = (MDB_val){.mv_size = sizeof wanted, .mv_data = wanted};
    rc = mdb_cursor_get(cursor, key, val, MDB_SET_RANGE);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, key, val, MDB_PREV);
    else if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(cursor, key, val, MDB_LAST);
    if (rc != 0)
        return err_from_lmdb(rc);
    if (!chunk_is_sound(key, val, ret_len))
        return -EBADMSG;
    return be64_get(key->mv_data) == list ? 0 : -ENOENT;
}

int
chunks_append(MDB_cursor *cursor, uint64_t list, const uint64_t *seqs, size_t count, uint64_t *total)
{
    uint8_t chunk[CHUNK_SIZE + CHECK_SIZE], name[KEY_SIZE];
    size_t len = 0, had = 0;
    MDB_val key, val;
    int rc = chunk_last(cursor, list, &key, &val, &had);

    if (rc == 0 && had < CHUNK_SIZE) {
        len = had / 8;
        memcpy(chunk, val.mv_data, had);
        *total -= chunk_kept_sum(&val);
        if (be64_get(chunk + 8 * (len - 1)) >= seqs[0])
            return -EBADMSG; /* beyond the watermark */
    } else if (rc != 0 && rc != -ENOENT) {
        return rc;
    }
    while (count > 0) {
        while (len < FIND_CHUNK && count > 0) {
            be64_put(chunk + 8 * len++, *seqs++);
            count--;
        }
        key_encode(name, list, be64_get(chunk));
        be64_put(chunk + 8 * len, chunk_sum(name, chunk, 8 * len));
        key = (MDB_val){.mv_size = sizeof name, .mv_data = name};
        val = (MDB_val){.mv_size = 8 * len + CHECK_SIZE, .mv_data = chunk};
        *total += chunk_kept_sum(&val);
        rc = mdb_put(mdb_cursor_txn(cursor), mdb_cursor_dbi(cursor), &key, &val, 0);
        if (rc != 0)
            return err_from_lmdb(rc);
        len = 0;
    }
    return 0;
}

int
chunks_delete(MDB_txn *txn, MDB_dbi seqs, uint32_t entry, uint64_t *total)
{
    MDB_cursor *cursor = NULL;
    uint8_t first[KEY_SIZE];
    MDB_val key, val;
    int rc = mdb_cursor_open(txn, seqs, &cursor);

    key_encode(first, tail_key(entry, 0), 0);
    while (rc == 0) {
        key = (MDB_val){.mv_size = sizeof first, .mv_data = first};
        rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE); /* anew each time: where a cursor stands after a
                                                                   deletion is not to be relied on */
        if (rc == 0 && (key.mv_size != KEY_SIZE || be64_get(key.mv_data) >> 32 != entry))
            break;
        if (rc == 0)
            *total -= chunk_kept_sum(&val);
        if (rc == 0)
            rc = mdb_cursor_del(cursor, 0);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* ---- reading */

/* Positions the cursor at the chunk that holds the first seq not below from, or at the one after it. */
static int
chunk_seek(MDB_cursor *cursor, uint64_t list, uint64_t from, MDB_val *key, MDB_val *val)
{
    uint8_t wanted[KEY_SIZE];
    MDB_val next_key, next_val;
    int rc;

    key_encode(wanted, list, from);
    next_key = (MDB_val){.mv_size = sizeof wanted, .mv_data = wanted};
    rc = mdb_cursor_get(cursor, &next_key, &next_val, MDB_SET_RANGE);
    if (rc == 0 && next_key.mv_size == KEY_SIZE && memcmp(next_key.mv_data, wanted, KEY_SIZE) == 0) {
        *key = next_key;
        *val = next_val;
        return 0;
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;

    /* The chunk before may reach beyond from. */
    rc = mdb_cursor_get(cursor, key, val, rc == 0 ? MDB_PREV : MDB_LAST);
    if (rc == 0 && key->mv_size == KEY_SIZE && be64_get(key->mv_data) == list)
        return 0;
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    return mdb_cursor_get(cursor, key, val, rc == 0 ? MDB_NEXT : MDB_FIRST);
}

int
chunks_read(MDB_cursor *cursor, uint64_t list, uint64_t end, uint64_t from, uint64_t upto, uint64_t *ret_seqs,
            size_t max, size_t *ret_count)
{
    size_t found = 0, len;
    uint64_t last = 0;
    MDB_val key, val;
    int rc;

    rc = chunk_seek(cursor, list, from, &key, &val);
    for (; rc == 0 && found < max; rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        const uint8_t *bytes = val.mv_data;

        if (!chunk_is_sound(&key, &val, &len))
            return -EBADMSG;
        if (be64_get(key.mv_data) != list)
            break;
        for (size_t at = 0; at < len && found < max; at += 8) {
            uint64_t seq = be64_get(bytes + at);

            if (seq <= last || seq > end)
                return -EBADMSG;
            last = seq;
            if (seq >= from && seq <= upto)
                ret_seqs[found++] = seq;
        }
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        return err_from_lmdb(rc);
    *ret_count = found;
    return 0;
}
