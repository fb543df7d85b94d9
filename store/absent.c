/* absent - see absent.h */
#include "store/absent.h"

#include <stddef.h>

bool
absent_rightly(MDB_txn *txn, MDB_dbi dbi, const MDB_val *key, absent_fn *adds_up)
{
    MDB_val at = *key, val;
    MDB_cursor *cursor = NULL;
    bool right = true;
    MDB_stat stat;
    int rc;

    if (mdb_stat(txn, dbi, &stat) != 0 || mdb_cursor_open(txn, dbi, &cursor) != 0)
        return false;
    rc = mdb_cursor_get(cursor, &at, &val, key->mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (rc == 0) {
        right = adds_up(&at, &val);
        if (right)
            rc = mdb_cursor_get(cursor, &at, &val, MDB_PREV);
    } else if (rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(cursor, &at, &val, MDB_LAST);
        right = rc == 0 || stat.ms_entries == 0;
    }
    if (right && rc == 0)
        right = adds_up(&at, &val);
    mdb_cursor_close(cursor);
    return right && (rc == 0 || rc == MDB_NOTFOUND);
}
