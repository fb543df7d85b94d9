/*
 * The transaction of a batch, and that of readers beside it.
 *
 * st->at is where the log stands on disk, st->now where it stands with the open batch. A batch is one LMDB write
 * transaction; appends, and the puts of cursors, documents and checkpoints, open it.
 *
 * Invariants, asserted in store_check():
 *   (1) at and now differ (but for key entries given out) only while a transaction is open.
 *   (2) now.head - at.head records wait, at most STORE_BATCH_MAX, and the finding index's tail has them.
 *   (3) A latched store has no transaction.
 *
 * LMDB's habits that shape this: a failed put voids the transaction, so the batch is dropped with it; commit frees the
 * transaction whether or not it succeeds; and after a failed fdatasync the *next* commit succeeds although the first
 * one's pages may never have reached the disk: hence the latch.
 */
#include "store/internal.h"

#include "store/lmdb_err.h"

#include <assert.h>
#include <stdio.h>

void
store_check(const struct store *st)
{
    assert(st != NULL);
    assert(st->txn == NULL || !st->latched);
    assert(st->txn != NULL || st->now.head == st->at.head);
    assert(st->now.head - st->at.head == st->batch_rows);
    assert(st->batch_rows <= STORE_BATCH_MAX);
    assert(st->now.keys_used <= st->now.keys_taken);
}

/* ---- reading: the state of the last commit, whatever lies in an open batch */

int
read_begin(struct store *st, MDB_txn **ret)
{
    if (st->read_users == 0) {
        int rc = mdb_txn_renew(st->read);

        if (rc != 0)
            return err_from_lmdb(rc);
    }
    st->read_users++;
    *ret = st->read;
    return 0;
}

void
read_end(struct store *st)
{
    assert(st->read_users > 0);
    if (--st->read_users == 0)
        mdb_txn_reset(st->read);
}

int
view_begin(struct store *st, MDB_txn **ret)
{
    if (st->txn == NULL)
        return read_begin(st, ret);
    *ret = st->txn;
    return 0;
}

void
view_end(struct store *st)
{
    if (st->txn == NULL)
        read_end(st);
}

/* ---- writing */

int
batch_begin(struct store *st, bool *ret_opened)
{
    int rc;

    *ret_opened = false;
    if (st->latched)
        return -EIO;
    if (st->txn != NULL)
        return 0;
    assert(st->read_users == 0); /* callbacks must not write */

    rc = mdb_txn_begin(st->env, NULL, 0, &st->txn);
    if (rc == 0)
        rc = mdb_cursor_open(st->txn, st->ev, &st->ev_cursor);
    if (rc != 0)
        return batch_fail(st, err_from_lmdb(rc));
    *ret_opened = true;
    return 0;
}

/* The transaction is gone; back to what is committed. */
static void
batch_forget(struct store *st)
{
    while (st->batch_rows > 0) {
        uint64_t list = st->batch_lists[--st->batch_rows];

        find_pop(st->find, (uint32_t)(list >> 32), (uint32_t)list);
    }
    st->epoch_next = 0;
    st->txn = NULL;
    st->ev_cursor = NULL; /* a write transaction's cursors die with it */
    st->batch_bytes = 0;
    st->now = st->at;
}

void
batch_abandon(struct store *st, bool opened)
{
    if (!opened)
        return;
    assert(st->batch_rows == 0);
    mdb_txn_abort(st->txn);
    st->txn = NULL;
    st->ev_cursor = NULL;
}

int
batch_fail(struct store *st, int rc)
{
    if (st->txn != NULL)
        mdb_txn_abort(st->txn);
    batch_forget(st);
    st->latched = true;
    if (st->damage[0] == '\0')
        (void)damage_set(st, "a write failed: %s", strerror(-rc));
    return rc;
}

bool
store_has_batch(const struct store *st)
{
    return st->txn != NULL;
}

void
store_rollback(struct store *st)
{
    if (st->txn != NULL)
        mdb_txn_abort(st->txn);
    batch_forget(st);
    store_check(st);
}
