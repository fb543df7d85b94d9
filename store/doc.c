/*
 * doc - see doc.h, and doc_row.h for how documents lie in the log's file
 *
 * Entries that uploads take are counted in the state row's keys_used as those of records are, in the same commit: else
 * the next process would give them out again. The number of rows of the database is kept there too, and compared at the
 * start.
 */
#include "store/doc.h"

#include "store/absent.h"
#include "store/doc_row.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define PATH_ROOM 8u /* pages that a put or a deletion may copy on its way to a row */

/* ---- rows */

/* There is no such row. */
static int
row_absent(struct store *st, MDB_txn *txn, const MDB_val *key)
{
    return absent_rightly(txn, st->doc, key, doc_row_adds_up) ? -ENOENT
                                                              : damage_set(st, "documents: a row has no sense");
}

/* A row of len bytes to be filled in. The batch is open. */
static int
row_reserve(struct store *st, struct doc_key *name, size_t len, uint8_t **ret)
{
    MDB_val key = doc_key_val(name), val = {.mv_size = len};
    int rc;

    st->batch_bytes += 2 * len + PATH_ROOM * st->page_size;
    rc = err_from_lmdb(mdb_put(st->txn, st->doc, &key, &val, MDB_RESERVE | MDB_NOOVERWRITE));
    if (rc == 0)
        st->now.doc_rows++;
    *ret = val.mv_data;
    return rc;
}

static int
row_drop(struct store *st, struct doc_key *name)
{
    MDB_val key = doc_key_val(name);
    int rc = err_from_lmdb(mdb_del(st->txn, st->doc, &key, NULL));

    st->batch_bytes += PATH_ROOM * st->page_size;
    if (rc == 0)
        st->now.doc_rows--;
    return rc == -ENOENT ? 0 : rc;
}

static int
chunks_drop(struct store *st, uint32_t entry, uint32_t size)
{
    int rc = 0;

    for (uint32_t chunk = 0; rc == 0 && chunk < doc_chunks(size); chunk++) {
        struct doc_key key = doc_key_of_chunk(entry, chunk);

        rc = row_drop(st, &key);
    }
    return rc;
}

/* Writes the head as it stands now, in place of what was there. The batch is open. */
static int
head_put(struct store *st, const struct store_doc *doc, const uint8_t *secret)
{
    struct doc_key key = doc_key_make('u', doc->entry);
    uint8_t *at;
    int rc = row_drop(st, &key);

    if (rc == 0)
        rc = row_reserve(st, &key, DOC_HEAD_ROW, &at);
    if (rc == 0)
        doc_head_seal(doc, secret, at);
    return rc;
}

/* ---- uploads */

int
store_doc_begin(struct store *st, struct store_doc *doc)
{
    size_t owner_len = strnlen(doc->owner, sizeof doc->owner);
    const uint8_t *secret;
    bool opened;
    int rc;

    if (st->latched)
        return -EIO;
    if (owner_len == 0 || owner_len > STORE_DOC_OWNER_MAX || doc->size == 0 || doc->size > STORE_DOC_SIZE_MAX)
        return -EINVAL;
    rc = store_key_take(st, &doc->entry);
    if (rc == 0)
        rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc;
    doc->received = 0;
    digest_begin(&doc->sofar);
    rc = doc_secret(st, doc->entry, &secret);
    if (rc == 0)
        rc = head_put(st, doc, secret);
    if (rc != 0)
        return batch_fail(st, rc);
    st->now.keys_used = doc->entry; /* the highest there is */
    return 0;
}

static int
chunk_put(struct store *st, const struct store_doc *doc, const uint8_t *secret, const void *bytes, size_t len)
{
    uint32_t chunk = doc->received / STORE_DOC_CHUNK;
    struct doc_key key = doc_key_of_chunk(doc->entry, chunk);
    uint8_t *at;
    int rc = row_reserve(st, &key, len + DOC_CHUNK_MORE, &at);

    if (rc == -EEXIST)
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " is there already", doc->entry, chunk);
    if (rc == 0)
        doc_chunk_seal(doc, chunk, secret, bytes, len, at);
    return rc;
}

/* All of it came, and it is another document than was announced. */
static int
upload_restart(struct store *st, struct store_doc *doc, const uint8_t *secret)
{
    int rc = chunks_drop(st, doc->entry, doc->size);

    doc->received = 0;
    digest_begin(&doc->sofar);
    if (rc == 0)
        rc = head_put(st, doc, secret);
    return rc == 0 ? 0 : batch_fail(st, rc);
}

int
store_doc_put(struct store *st, struct store_doc *doc, const void *bytes, size_t len)
{
    size_t left = doc->size - doc->received, due = left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK;
    bool last = left == due, opened;
    uint8_t digest[DIGEST_SIZE];
    struct store_doc next = *doc;
    const uint8_t *secret;
    int rc;

    if (st->latched)
        return -EIO;
    if (due == 0 || len != due)
        return -EINVAL;
    rc = doc_secret(st, doc->entry, &secret);
    if (rc == -ENOKEY)
        return -EINVAL;
    if (rc == 0)
        rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc == -EBADMSG ? batch_fail(st, rc) : rc;

    if (last) {
        digest_end(&doc->sofar, bytes, len, digest);
        if (memcmp(digest, doc->digest, sizeof digest) != 0) {
            rc = upload_restart(st, doc, secret);
            return rc == 0 ? -EILSEQ : rc;
        }
    }
    rc = chunk_put(st, doc, secret, bytes, len);
    if (rc != 0)
        return batch_fail(st, rc);
    next.received += (uint32_t)len;
    if (len == STORE_DOC_CHUNK)
        digest_add(&next.sofar, bytes, len);
    rc = head_put(st, &next, secret);
    if (rc != 0)
        return batch_fail(st, rc);
    *doc = next;
    return 0;
}

struct each {
    struct store *st;
    store_doc_fn *fn;
    void *arg;
};

/* Calls fn for each row whose key begins with prefix. */
static int
rows_each(struct store *st, struct doc_key *prefix, int (*fn)(void *arg, const MDB_val *key, const MDB_val *val),
          void *arg)
{
    MDB_val first = doc_key_val(prefix), key = first, val;
    MDB_cursor *cursor = NULL;
    bool none = true;
    MDB_txn *txn;
    int rc = view_begin(st, &txn), stop = 0;

    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, st->doc, &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && key.mv_size >= prefix->len && memcmp(key.mv_data, prefix->bytes, prefix->len) == 0) {
        none = false;
        stop = fn(arg, &key, &val);
        if (stop != 0)
            break;
        rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    rc = rc == MDB_NOTFOUND ? 0 : err_from_lmdb(rc);
    if (rc == 0 && none && row_absent(st, txn, &first) == -EBADMSG)
        rc = -EBADMSG;
    view_end(st);
    return stop != 0 ? stop : rc;
}

static int
upload_row(void *arg, const MDB_val *key, const MDB_val *val)
{
    const struct each *each = arg;
    struct store_doc doc;
    int rc = doc_head_open(each->st, key, val, &doc);

    return rc == 0 ? each->fn(each->arg, &doc) : rc;
}

int
store_doc_each(struct store *st, store_doc_fn *fn, void *arg)
{
    struct doc_key prefix = {.bytes = {'u'}, .len = 1};
    struct each each = {.st = st, .fn = fn, .arg = arg};

    return rows_each(st, &prefix, upload_row, &each);
}

/* ---- documents of dossiers */

int
store_doc_bind(struct store *st, const struct store_doc *doc, uint32_t dossier)
{
    struct doc_key upload = doc_key_make('u', doc->entry), key;
    const uint8_t *secret;
    uint8_t *at;
    bool opened;
    int rc;

    assert(dossier != STORE_CLEAR_ENTRY);
    if (st->latched)
        return -EIO;
    if (!store_doc_is_whole(doc) || doc->size == 0)
        return -EINVAL;
    rc = doc_secret(st, doc->entry, &secret);
    if (rc == 0)
        rc = doc_key_of_document(st, dossier, doc->owner, doc->digest, &key);
    if (rc == -ENOKEY)
        return -EINVAL;
    if (rc == 0)
        rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc == -EBADMSG ? batch_fail(st, rc) : rc;
    rc = row_reserve(st, &key, DOC_SIZE, &at);
    if (rc == -EEXIST) {
        batch_abandon(st, opened);
        return rc;
    }
    if (rc == 0) {
        doc_row_encode(&key, doc->entry, doc->size, at);
        rc = row_drop(st, &upload);
    }
    return rc == 0 ? 0 : batch_fail(st, rc);
}

int
store_doc_find(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE],
               struct store_doc *ret)
{
    struct store_doc doc = {.entry = 0};
    const uint8_t *secret;
    struct doc_key name;
    MDB_val key, val;
    MDB_txn *txn;
    int rc = doc_key_of_document(st, dossier, owner, digest, &name);

    if (rc == 0)
        rc = view_begin(st, &txn);
    if (rc != 0)
        return rc == -ENOKEY ? -ENOENT : rc;
    key = doc_key_val(&name);
    rc = err_from_lmdb(mdb_get(txn, st->doc, &key, &val));
    if (rc == -ENOENT)
        rc = row_absent(st, txn, &key);
    if (rc == 0)
        rc = doc_row_decode(st, &key, &val, &doc.entry, &doc.size);
    view_end(st);
    if (rc == 0)
        rc = doc_secret(st, doc.entry, &secret);
    if (rc != 0)
        return rc == -ENOKEY ? -ENOENT : rc;
    doc.received = doc.size;
    memcpy(doc.digest, digest, sizeof doc.digest);
    (void)snprintf(doc.owner, sizeof doc.owner, "%s", owner);
    *ret = doc;
    return 0;
}

int
store_doc_read(struct store *st, const struct store_doc *doc, uint32_t chunk, uint8_t *buf, size_t *ret_len)
{
    size_t row_len = doc_chunk_row(doc->received, chunk), len;
    struct doc_key name = doc_key_of_chunk(doc->entry, chunk);
    const uint8_t *secret;
    MDB_val key = doc_key_val(&name), val;
    MDB_txn *txn;
    int rc;

    if (row_len == 0)
        return -ENOENT;
    len = row_len - DOC_CHUNK_MORE;
    rc = doc_secret(st, doc->entry, &secret);
    if (rc == 0)
        rc = view_begin(st, &txn);
    if (rc != 0)
        return rc == -ENOKEY ? -ENOENT : rc;
    rc = mdb_get(txn, st->doc, &key, &val);
    if (rc != 0 || val.mv_size != row_len)
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " is missing", doc->entry, chunk);
    else if (!doc_row_adds_up(&key, &val))
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " is not what was written", doc->entry, chunk);
    else if (!doc_chunk_open(doc, chunk, secret, val.mv_data, len, buf))
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " does not open", doc->entry, chunk);
    view_end(st);
    if (rc == 0)
        *ret_len = len;
    return rc;
}

/* ---- destroying */

struct listed {
    struct store *st;
    size_t count, max;
    uint32_t entries[STORE_DOC_ERASE_MAX], sizes[STORE_DOC_ERASE_MAX];
    struct doc_key keys[STORE_DOC_ERASE_MAX];
};

static int
document_list(void *arg, const MDB_val *key, const MDB_val *val)
{
    struct listed *listed = arg;
    size_t i = listed->count;
    int rc;

    if (listed->max == 0) { /* only counts */
        listed->count++;
        return 0;
    }
    if (i == listed->max)
        return 1;
    if (key->mv_size != DOC_KEY_MAX)
        return damage_set(listed->st, "documents: a row has no sense");
    rc = doc_row_decode(listed->st, key, val, &listed->entries[i], &listed->sizes[i]);
    if (rc != 0)
        return rc;
    memcpy(listed->keys[i].bytes, key->mv_data, key->mv_size);
    listed->keys[i].len = key->mv_size;
    listed->count++;
    return 0;
}

int
store_doc_count(struct store *st, uint32_t dossier, size_t *ret_count)
{
    struct doc_key prefix = doc_key_make('d', dossier);
    struct listed listed = {.st = st};
    int rc = rows_each(st, &prefix, document_list, &listed);

    if (rc == 0)
        *ret_count = listed.count;
    return rc;
}

/* The key is gone: its row of that name, and its chunks. */
static int
rows_of_drop(struct store *st, struct doc_key *name, uint32_t entry, uint32_t size)
{
    bool opened;
    int rc = batch_begin(st, &opened);

    if (rc != 0)
        return rc;
    rc = row_drop(st, name);
    if (rc == 0)
        rc = chunks_drop(st, entry, size);
    return rc == 0 ? 0 : batch_fail(st, rc);
}

int
store_doc_drop(struct store *st, const struct store_doc *doc)
{
    struct doc_key key = doc_key_make('u', doc->entry);
    int rc = store_key_erase(st, doc->entry);

    return rc == 0 ? rows_of_drop(st, &key, doc->entry, STORE_DOC_SIZE_MAX) : rc;
}

int
store_doc_erase(struct store *st, uint32_t dossier, size_t *ret_count)
{
    struct doc_key prefix = doc_key_make('d', dossier);
    struct listed listed = {.st = st, .max = STORE_DOC_ERASE_MAX};
    int rc;

    assert(st->txn == NULL);
    assert(dossier != STORE_CLEAR_ENTRY);
    if (st->latched)
        return -EIO;
    rc = rows_each(st, &prefix, document_list, &listed);
    if (rc == 1)
        rc = 0;
    for (size_t i = 0; i < listed.count && rc == 0; i++)
        rc = store_key_erase(st, listed.entries[i]);
    for (size_t i = 0; i < listed.count && rc == 0; i++)
        rc = rows_of_drop(st, &listed.keys[i], listed.entries[i], listed.sizes[i]);
    if (rc == 0)
        *ret_count = listed.count;
    return rc;
}
