/*
 * cursor - cursors of subscribers and small named values
 *
 * Both are rows of plain databases that move in the log's commit. A cursor's key is its unit, a NUL and its name, so
 * that all cursors of a unit lie together.
 */
#include "store/internal.h"

#include "store/absent.h"
#include "store/be.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <stdlib.h>

#define CURSOR_HEAD_SIZE 16u /* seq and acked_ms */
#define KEY_MAX          (STORE_NAME_MAX + 1u)

struct key {
    uint8_t bytes[KEY_MAX];
    size_t len;
};

static int
cursor_key(struct key *key, const char *unit, const char *name)
{
    size_t unit_len = strlen(unit), name_len = strlen(name);

    if (unit_len == 0 || unit_len + name_len > STORE_NAME_MAX)
        return -EINVAL;
    memcpy(key->bytes, unit, unit_len + 1);
    memcpy(key->bytes + unit_len + 1, name, name_len);
    key->len = unit_len + 1 + name_len;
    return 0;
}

static int
value_key(struct key *key, const char *name)
{
    key->len = strlen(name);
    if (key->len == 0 || key->len > STORE_NAME_MAX)
        return -EINVAL;
    memcpy(key->bytes, name, key->len);
    return 0;
}

/* Puts head, then tail, under key, behind their sum. */
static int
row_put(struct store *st, MDB_dbi dbi, struct key *name, const void *head, size_t head_len, const void *tail,
        size_t tail_len)
{
    MDB_val key = {.mv_size = name->len, .mv_data = name->bytes};
    MDB_val val = {.mv_size = CHECK_SIZE + head_len + tail_len};
    uint8_t *at;
    bool opened;
    int rc = batch_begin(st, &opened);

    if (rc != 0)
        return rc;
    rc = mdb_put(st->txn, dbi, &key, &val, MDB_RESERVE);
    if (rc != 0)
        return batch_fail(st, err_from_lmdb(rc));
    at = val.mv_data;
    if (head_len > 0)
        memcpy(at + CHECK_SIZE, head, head_len);
    if (tail_len > 0)
        memcpy(at + CHECK_SIZE + head_len, tail, tail_len);
    be64_put(at, check_of(name->bytes, name->len, at + CHECK_SIZE, head_len + tail_len));
    return 0;
}

/* Takes the sum off. False: it is not that of this row. */
static bool
row_take(const MDB_val *key, const MDB_val *val, MDB_val *ret)
{
    uint8_t *bytes = val->mv_data;

    if (val->mv_size < CHECK_SIZE)
        return false;
    *ret = (MDB_val){.mv_size = val->mv_size - CHECK_SIZE, .mv_data = bytes + CHECK_SIZE};
    return be64_get(bytes) == check_of(key->mv_data, key->mv_size, ret->mv_data, ret->mv_size);
}

static bool
row_adds_up(const MDB_val *key, const MDB_val *val)
{
    MDB_val taken;

    return row_take(key, val, &taken);
}

/* There is no such row. */
static int
row_absent(struct store *st, MDB_txn *txn, MDB_dbi dbi, const MDB_val *key)
{
    if (absent_rightly(txn, dbi, key, row_adds_up))
        return -ENOENT;
    return dbi == st->cur ? damage_set(st, "cursors: a row has no sense")
                          : damage_set(st, "values: a row has no sense");
}

static int
row_drop(struct store *st, MDB_dbi dbi, struct key *name)
{
    MDB_val key = {.mv_size = name->len, .mv_data = name->bytes};
    bool opened;
    int rc = batch_begin(st, &opened);

    if (rc != 0)
        return rc;
    rc = mdb_del(st->txn, dbi, &key, NULL);
    if (rc == MDB_NOTFOUND)
        batch_abandon(st, opened);
    else if (rc != 0)
        return batch_fail(st, err_from_lmdb(rc));
    return err_from_lmdb(rc);
}

typedef int row_fn(struct store *st, void *arg, const MDB_val *key, const MDB_val *val);

/* Calls fn for each row whose key begins with prefix. */
static int
rows_each(struct store *st, MDB_dbi dbi, struct key *prefix, row_fn *fn, void *arg)
{
    const MDB_val first = {.mv_size = prefix->len, .mv_data = prefix->bytes};
    MDB_cursor *cursor = NULL;
    MDB_val key = first;
    bool none = true;
    MDB_txn *txn;
    MDB_val val;
    int rc = view_begin(st, &txn);

    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, prefix->len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (rc == 0) {
        int stop;

        if (key.mv_size < prefix->len || memcmp(key.mv_data, prefix->bytes, prefix->len) != 0)
            break;
        none = false;
        stop = fn(st, arg, &key, &val);
        if (stop != 0) {
            mdb_cursor_close(cursor);
            view_end(st);
            return stop;
        }
        rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    rc = rc == MDB_NOTFOUND ? 0 : err_from_lmdb(rc);
    if (rc == 0 && none && row_absent(st, txn, dbi, &first) == -EBADMSG)
        rc = -EBADMSG;
    view_end(st);
    return rc;
}

/* ---- cursors */

static int
cursor_decode(struct store *st, const MDB_val *key, const MDB_val *row, struct store_cursor *ret)
{
    const uint8_t *bytes;
    MDB_val taken, *val = &taken;

    if (!row_take(key, row, val) || val->mv_size < CURSOR_HEAD_SIZE ||
        val->mv_size > CURSOR_HEAD_SIZE + STORE_VALUE_MAX)
        return damage_set(st, "cursors: a row has no sense");
    bytes = val->mv_data;
    ret->seq = be64_get(bytes);
    ret->acked_ms = be64_get(bytes + 8);
    ret->filter = bytes + CURSOR_HEAD_SIZE;
    ret->filter_len = val->mv_size - CURSOR_HEAD_SIZE;
    return 0;
}

int
store_cursor_put(struct store *st, const char *unit, const char *name, const struct store_cursor *cursor)
{
    uint8_t head[CURSOR_HEAD_SIZE];
    struct key key;
    int rc = cursor_key(&key, unit, name);

    if (rc != 0)
        return rc;
    if (cursor->filter_len > STORE_VALUE_MAX)
        return -EMSGSIZE;
    be64_put(head, cursor->seq);
    be64_put(head + 8, cursor->acked_ms);
    return row_put(st, st->cur, &key, head, sizeof head, cursor->filter, cursor->filter_len);
}

int
store_cursor_get(struct store *st, const char *unit, const char *name, struct store_cursor *ret)
{
    struct store_cursor found;
    struct key bytes;
    MDB_val key, val;
    MDB_txn *txn;
    int rc = cursor_key(&bytes, unit, name);

    if (rc != 0)
        return rc;
    rc = view_begin(st, &txn);
    if (rc != 0)
        return rc;
    key = (MDB_val){.mv_size = bytes.len, .mv_data = bytes.bytes};
    rc = err_from_lmdb(mdb_get(txn, st->cur, &key, &val));
    if (rc == -ENOENT)
        rc = row_absent(st, txn, st->cur, &key);
    if (rc == 0)
        rc = cursor_decode(st, &key, &val, &found);
    if (rc == 0) {
        memcpy(st->filter, found.filter, found.filter_len); /* the map may move before the next write */
        found.filter = st->filter;
        *ret = found;
    }
    view_end(st);
    return rc;
}

int
store_cursor_drop(struct store *st, const char *unit, const char *name)
{
    struct key key;
    int rc = cursor_key(&key, unit, name);

    return rc == 0 ? row_drop(st, st->cur, &key) : rc;
}

struct cursor_each {
    store_cursor_fn *fn;
    void *arg;
};

static int
cursor_row(struct store *st, void *arg, const MDB_val *key, const MDB_val *val)
{
    const struct cursor_each *each = arg;
    struct store_cursor cursor;
    char names[KEY_MAX + 1];
    int rc = cursor_decode(st, key, val, &cursor);

    if (rc != 0)
        return rc;
    if (key->mv_size > KEY_MAX || memchr(key->mv_data, '\0', key->mv_size) == NULL)
        return damage_set(st, "cursors: a name has no sense");
    memcpy(names, key->mv_data, key->mv_size);
    names[key->mv_size] = '\0';
    return each->fn(each->arg, names, names + strlen(names) + 1, &cursor);
}

int
store_cursor_each(struct store *st, const char *unit, store_cursor_fn *fn, void *arg)
{
    struct cursor_each each = {.fn = fn, .arg = arg};
    struct key prefix = {.len = 0};
    int rc = unit == NULL ? 0 : cursor_key(&prefix, unit, "");

    return rc == 0 ? rows_each(st, st->cur, &prefix, cursor_row, &each) : rc;
}

/* ---- values */

int
store_value_put(struct store *st, const char *name, const void *value, size_t len)
{
    struct key key;
    int rc = value_key(&key, name);

    if (rc != 0)
        return rc;
    if (len > STORE_VALUE_MAX)
        return -EMSGSIZE;
    return row_put(st, st->val, &key, NULL, 0, value, len);
}

int
store_value_drop(struct store *st, const char *name)
{
    struct key key;
    int rc = value_key(&key, name);

    if (rc == 0)
        rc = row_drop(st, st->val, &key);
    return rc == -ENOENT ? 0 : rc;
}

struct value_each {
    store_value_fn *fn;
    void *arg;
};

static int
value_row(struct store *st, void *arg, const MDB_val *key, const MDB_val *val)
{
    const struct value_each *each = arg;
    char name[KEY_MAX + 1];
    MDB_val taken;

    if (key->mv_size > KEY_MAX || !row_take(key, val, &taken))
        return damage_set(st, "values: a row has no sense");
    memcpy(name, key->mv_data, key->mv_size);
    name[key->mv_size] = '\0';
    return each->fn(each->arg, name, taken.mv_data, taken.mv_size);
}

int
store_value_each(struct store *st, const char *prefix, store_value_fn *fn, void *arg)
{
    struct value_each each = {.fn = fn, .arg = arg};
    struct key key = {.len = strlen(prefix)};

    if (key.len > STORE_NAME_MAX)
        return -EINVAL;
    memcpy(key.bytes, prefix, key.len);
    return rows_each(st, st->val, &key, value_row, &each);
}
