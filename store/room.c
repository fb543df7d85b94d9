/*
 * Room in the log's map: asked before anything is taken in, so that a batch which was begun can be committed. The map
 * grows here, where no transaction is open.
 */
#include "store/internal.h"

#include "store/doc.h"
#include "store/env.h"
#include "store/lmdb_err.h"

/*
 * What `records` rows of `bytes` bytes may add to the map. A page is at least half full of rows (one that does not fit
 * the rest begins the next, a longer one takes whole pages), hence twice the bytes. In the id table each record may
 * touch a page of its own, which LMDB copies: an id whose time is not near the others'. A tile of the tree takes three
 * pages for 256 records.
 */
uint64_t
room_needed(const struct store *st, size_t records, uint64_t bytes, uint64_t id_pages)
{
    uint64_t touched = records < id_pages ? records : id_pages;

    return 2 * (bytes + records * (uint64_t)ROW_EXTRA_MAX) +
           (touched + records / 32 + records / 64 + 32) * st->page_size;
}

/* Pages that commits have given up and later ones may take; and the pages of the id table. LMDB shows its list of free
 * pages to readers only, so a batch that is open is not looked into. */
static int
room_exact(struct store *st, uint64_t *ret_free_pages, uint64_t *ret_id_pages)
{
    MDB_cursor *cursor = NULL;
    uint64_t pages = 0;
    MDB_val key, val;
    MDB_stat stat;
    MDB_txn *txn;
    int rc = read_begin(st, &txn);

    if (rc != 0)
        return rc;
    /* Database 0 is LMDB's list of free pages: transaction -> count, then page numbers. */
    rc = mdb_cursor_open(txn, 0, &cursor);
    while (rc == 0 && (rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) == 0) {
        size_t count;

        if (val.mv_size < sizeof count)
            continue;
        memcpy(&count, val.mv_data, sizeof count);
        pages += count;
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        rc = mdb_stat(txn, st->id, &stat);
    read_end(st);
    if (rc != 0)
        return err_from_lmdb(rc);
    *ret_free_pages = pages;
    *ret_id_pages = stat.ms_leaf_pages + stat.ms_branch_pages + 1;
    return 0;
}

static int
map_grow_to(struct store *st, uint64_t size)
{
    uint64_t max = st->map_size_max;

    if (size > max)
        size = max;
    return err_from_lmdb(mdb_env_set_mapsize(st->env, size));
}

/* Below that share of the map. */
static int
room_below(struct store *st, size_t records, uint64_t bytes, unsigned pct)
{
    uint64_t pages, page_size, free_pages, id_pages, used, needed, usable;
    MDB_envinfo info;
    int rc;

    store_check(st);
    if (st->latched)
        return -EIO;
    rc = env_pages(st->env, &pages, &page_size);
    if (rc == 0)
        rc = err_from_lmdb(mdb_env_info(st->env, &info));
    if (rc != 0)
        return rc;
    used = pages * page_size + st->batch_bytes;
    needed = room_needed(st, records, bytes, UINT64_MAX);

    /* Grow early, at half: later there may be a slice open, just when it must be. */
    if (used + needed > info.me_mapsize / 2 && info.me_mapsize < st->map_size_max && st->txn == NULL &&
        st->slices_open == 0 && st->read_users == 0) {
        uint64_t size = info.me_mapsize;

        while (size / 2 < used + needed && size < st->map_size_max)
            size *= 2;
        rc = map_grow_to(st, size);
        if (rc == 0)
            rc = err_from_lmdb(mdb_env_info(st->env, &info));
        if (rc != 0)
            return rc;
    }
    usable = info.me_mapsize / 100 * pct;
    if (used + needed <= usable)
        return 0;

    rc = room_exact(st, &free_pages, &id_pages);
    if (rc != 0)
        return rc;
    used -= free_pages * page_size;
    return used + room_needed(st, records, bytes, id_pages) <= usable ? 0 : -ENOSPC;
}

int
store_room(struct store *st, size_t records, uint64_t bytes)
{
    return room_below(st, records, bytes, STORE_MAP_USABLE_PCT);
}

int
store_room_own(struct store *st, size_t records, uint64_t bytes)
{
    return room_below(st, records, bytes, STORE_MAP_OWN_PCT);
}

int
store_room_doc(struct store *st, uint64_t bytes)
{
    return room_below(st, 1, bytes, STORE_MAP_DOC_PCT);
}

uint64_t
store_bytes(const struct store *st)
{
    uint64_t pages, page_size;

    return env_pages(st->env, &pages, &page_size) == 0 ? pages * page_size : 0;
}

uint64_t
store_bytes_max(const struct store *st)
{
    return st->map_size_max;
}
