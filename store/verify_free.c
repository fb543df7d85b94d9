/*
 * verify_free - see verify_free.h
 *
 * The list is LMDB's first database, which its own tools read in the same way: under the number of a transaction the
 * pages that it gave up, their count first, then their numbers in descending order. Where the file is mapped follows
 * from any page in use, since each begins with its own number.
 */
#include "store/verify_free.h"

#include "store/env.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define DBI_FREE   0u
#define DBI_MAIN   1u
#define META_PAGES 2u

static bool
is_listed(const struct verify_free *v, uint64_t page)
{
    return (v->listed[page / 8] >> page % 8 & 1) != 0;
}

static int
piece_take(struct verify_free *v, const MDB_val *key, const MDB_val *val, uint64_t *count)
{
    const uint8_t *at = val->mv_data;
    size_t pages, page, last = SIZE_MAX;

    if (key->mv_size != sizeof(size_t) || val->mv_size < sizeof pages || val->mv_size % sizeof pages != 0)
        return damage_set(v->st, "data.mdb: the list of free pages has no sense");
    memcpy(&pages, at, sizeof pages);
    if (pages >= val->mv_size / sizeof pages)
        return damage_set(v->st, "data.mdb: the list of free pages is cut short");
    for (size_t i = 1; i <= pages; i++) {
        memcpy(&page, at + i * sizeof page, sizeof page);
        if (page < META_PAGES || page >= v->pages || page >= last || is_listed(v, page))
            return damage_set(v->st, "data.mdb: the list of free pages names page %zu, which it cannot", page);
        v->listed[page / 8] |= (uint8_t)(1u << page % 8);
        last = page;
    }
    *count += pages;
    return 0;
}

static int
list_take(struct verify_free *v, MDB_txn *txn, uint64_t *count)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    int rc = mdb_cursor_open(txn, DBI_FREE, &cursor), stop = 0;

    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_FIRST);
    while (rc == 0 && stop == 0) {
        stop = piece_take(v, &key, &val, count);
        if (stop == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (stop == 0 && rc != MDB_NOTFOUND)
        stop = damage_set(v->st, "data.mdb: the list of free pages: LMDB: %s", mdb_strerror(rc));
    return stop;
}

static int
used_count(struct verify_free *v, MDB_txn *txn, uint64_t *count)
{
    const struct store *st = v->st;
    const MDB_dbi dbis[] = {DBI_FREE, DBI_MAIN,      st->ev, st->id,  st->cur,
                            st->val,  st->tree.tile, st->cp, st->doc, st->meta};

    for (size_t i = 0; i < sizeof dbis / sizeof *dbis; i++) {
        MDB_stat stat;
        int rc = mdb_stat(txn, dbis[i], &stat);

        if (rc != 0)
            return damage_set(v->st, "data.mdb: LMDB: %s", mdb_strerror(rc));
        *count += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    }
    return 0;
}

/* Any row will do. */
static int
base_find(struct verify_free *v, MDB_txn *txn)
{
    char name[] = "state";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name}, val;
    const uint8_t *page;
    size_t number;

    if (mdb_get(txn, v->st->meta, &key, &val) != 0)
        return damage_set(v->st, "meta: state is missing");
    page = (const uint8_t *)val.mv_data - (uintptr_t)val.mv_data % v->st->page_size;
    memcpy(&number, page, sizeof number);
    if (number < META_PAGES || number >= v->pages)
        return damage_set(v->st, "data.mdb: a page has another number than its own");
    v->base = page - number * v->st->page_size;
    return 0;
}

int
verify_free_row(struct verify_free *v, const char *table, const MDB_val *val)
{
    size_t at = (size_t)((const uint8_t *)val->mv_data - v->base), size = v->st->page_size;
    size_t end = at + (val->mv_size == 0 ? 1 : val->mv_size);

    for (size_t page = at / size; page * size < end; page++)
        if (page >= v->pages || is_listed(v, page))
            return damage_set(v->st, "%s: a row lies in page %zu, which the list of free pages names",
                              damage_word(table), page);
    return 0;
}

/* The rows of a table that nobody else goes through, or not in order. */
static int
table_look(struct verify_free *v, MDB_txn *txn, MDB_dbi dbi, const char *name)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, val;
    int rc = mdb_cursor_open(txn, dbi, &cursor), stop = 0;

    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_FIRST);
    while (rc == 0 && stop == 0) {
        stop = verify_free_row(v, name, &key) != 0 ? -EBADMSG : verify_free_row(v, name, &val);
        if (stop == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (stop == 0 && rc != MDB_NOTFOUND)
        stop = damage_set(v->st, "%s: LMDB: %s", name, mdb_strerror(rc));
    return stop;
}

static int
small_tables_look(struct verify_free *v, MDB_txn *txn)
{
    const struct {
        MDB_dbi dbi;
        const char *name;
    } tables[] = {{DBI_FREE, "data.mdb"},    {DBI_MAIN, "data.mdb"}, {v->st->meta, "meta"},
                  {v->st->cur, "cursors"},   {v->st->val, "values"}, {v->st->tree.tile, "tree"},
                  {v->st->cp, "checkpoints"}};
    int rc = 0;

    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == 0; i++)
        rc = table_look(v, txn, tables[i].dbi, tables[i].name);
    return rc;
}

int
verify_free_list(struct verify_free *v, struct store *st, MDB_txn *txn)
{
    uint64_t listed = 0, used = META_PAGES;
    int rc;

    v->st = st;
    rc = env_pages(st->env, &v->pages, &st->page_size);
    if (rc != 0)
        return rc;
    v->listed = calloc(v->pages / 8 + 1, 1);
    if (v->listed == NULL)
        return -ENOMEM;
    if ((rc = list_take(v, txn, &listed)) != 0 || (rc = used_count(v, txn, &used)) != 0)
        return rc;
    if (listed + used != v->pages)
        return damage_set(
            st, "data.mdb: %" PRIu64 " pages in tables and %" PRIu64 " on the list of free pages, of %" PRIu64, used,
            listed, v->pages);
    rc = base_find(v, txn);
    return rc == 0 ? small_tables_look(v, txn) : rc;
}

void
verify_free_free(struct verify_free *v)
{
    free(v->listed);
    v->listed = NULL;
}
