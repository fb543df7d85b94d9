/*
 * doc - see doc.h
 *
 *     'u' | entry u32                     an upload: sealed head
 *     'd' | dossier entry u32 | tag 16    a document: entry u32 | size u32 | sum of key and row (check.h)
 *     'c' | entry u32 | chunk u32         nonce 24 | sealed bytes
 *
 * Seals are XChaCha20-Poly1305 under the document's key with random nonces: a chunk that is sent again after a crash
 * need not be what it was. The additional data of a chunk is "wici-doc-v1\0", entry, chunk, size and digest, so that no
 * chunk stands in for another one's, nor for one of the same document under another digest. A head's is
 * "wici-doc-head-v1\0" and the entry.
 *
 * The tag is a keyed BLAKE2b of owner and digest, under a key that is the keyed BLAKE2b of "wici-doc-tag-v1\0" under
 * the dossier's key: whoever has the file and the data files cannot ask them whether it is in there.
 *
 * Entries that uploads take are counted in the state row's keys_used as those of records are, in the same commit: else
 * the next process would give them out again. The number of rows of the database is kept there too, and compared at the
 * start.
 */
#include "store/doc.h"

#include "store/be.h"
#include "store/internal.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#define NONCE     crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE  16u
#define KEY_MAX   (1u + 4u + TAG_SIZE)
#define HEAD_SIZE (8u + 4u + 4u + DIGEST_SIZE + 32u + 1u + STORE_DOC_OWNER_MAX) /* before it is sealed */
#define HEAD_ROW  (NONCE + HEAD_SIZE + SEAL_TAG_SIZE)
#define DOC_ROW   (8u + CHECK_SIZE)
#define PATH_ROOM 8u /* pages that a put or a deletion may copy on its way to a row */

static const uint8_t chunk_label[] = "wici-doc-v1"; /* labels with their NUL */
static const uint8_t head_label[] = "wici-doc-head-v1";
static const uint8_t tag_label[] = "wici-doc-tag-v1";

struct key {
    uint8_t bytes[KEY_MAX];
    size_t len;
};

static struct key
key_make(char kind, uint32_t entry)
{
    struct key key = {.len = 5};

    key.bytes[0] = (uint8_t)kind;
    be32_put(key.bytes + 1, entry);
    return key;
}

static struct key
key_of_chunk(uint32_t entry, uint32_t chunk)
{
    struct key key = key_make('c', entry);

    be32_put(key.bytes + key.len, chunk);
    key.len += 4;
    return key;
}

static MDB_val
val_of(struct key *key)
{
    return (MDB_val){.mv_size = key->len, .mv_data = key->bytes};
}

/* The key of a document, or of a dossier. -ENOKEY: erased. */
static int
key_find(struct store *st, uint32_t entry, const uint8_t **ret)
{
    uint32_t generation;
    int rc = keys_find(st->keys, entry, ret, &generation);

    if (rc == -EBADMSG || rc == -ENOENT)
        return damage_set(st, "key entry %" PRIu32 ": does not unwrap", entry);
    return rc;
}

/* ---- rows */

/* A row of len bytes to be filled in. The batch is open. */
static int
row_reserve(struct store *st, struct key *name, size_t len, uint8_t **ret)
{
    MDB_val key = val_of(name), val = {.mv_size = len};
    int rc;

    st->batch_bytes += 2 * len + PATH_ROOM * st->page_size;
    rc = err_from_lmdb(mdb_put(st->txn, st->doc, &key, &val, MDB_RESERVE | MDB_NOOVERWRITE));
    if (rc == 0)
        st->now.doc_rows++;
    *ret = val.mv_data;
    return rc;
}

static int
row_drop(struct store *st, struct key *name)
{
    MDB_val key = val_of(name);
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

    for (uint32_t chunk = 0; rc == 0 && chunk < (size + STORE_DOC_CHUNK - 1) / STORE_DOC_CHUNK; chunk++) {
        struct key key = key_of_chunk(entry, chunk);

        rc = row_drop(st, &key);
    }
    return rc;
}

/* ---- heads */

static size_t
head_ad(uint32_t entry, uint8_t ret[sizeof head_label + 4])
{
    memcpy(ret, head_label, sizeof head_label);
    be32_put(ret + sizeof head_label, entry);
    return sizeof head_label + 4;
}

static void
head_encode(const struct store_doc *doc, uint8_t ret[HEAD_SIZE])
{
    size_t owner_len = strlen(doc->owner);

    memset(ret, 0, HEAD_SIZE);
    be64_put(ret, doc->began_ms);
    be32_put(ret + 8, doc->size);
    be32_put(ret + 12, doc->received);
    memcpy(ret + 16, doc->digest, DIGEST_SIZE);
    for (unsigned i = 0; i < 8; i++)
        be32_put(ret + 48 + 4 * i, doc->sofar.h[i]);
    ret[80] = (uint8_t)owner_len;
    memcpy(ret + 81, doc->owner, owner_len);
}

/* False: it has no sense. */
static bool
head_decode(const uint8_t head[HEAD_SIZE], uint32_t entry, struct store_doc *ret)
{
    *ret = (struct store_doc){
        .entry = entry, .began_ms = be64_get(head), .size = be32_get(head + 8), .received = be32_get(head + 12)};
    memcpy(ret->digest, head + 16, DIGEST_SIZE);
    for (unsigned i = 0; i < 8; i++)
        ret->sofar.h[i] = be32_get(head + 48 + 4 * i);
    if (ret->size == 0 || ret->size > STORE_DOC_SIZE_MAX || ret->received > ret->size || head[80] == 0 ||
        head[80] > STORE_DOC_OWNER_MAX || (ret->received % STORE_DOC_CHUNK != 0 && ret->received != ret->size))
        return false;
    ret->sofar.len = ret->received / STORE_DOC_CHUNK * STORE_DOC_CHUNK;
    memcpy(ret->owner, head + 81, head[80]);
    return strlen(ret->owner) == head[80];
}

/* Writes the head as it stands now, in place of what was there. The batch is open. */
static int
head_put(struct store *st, const struct store_doc *doc, const uint8_t *key_bytes)
{
    uint8_t head[HEAD_SIZE], ad[sizeof head_label + 4], *at;
    struct key key = key_make('u', doc->entry);
    int rc = row_drop(st, &key);

    if (rc == 0)
        rc = row_reserve(st, &key, HEAD_ROW, &at);
    if (rc != 0)
        return rc;
    head_encode(doc, head);
    randombytes_buf(at, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE, NULL, head, sizeof head, ad, head_ad(doc->entry, ad), NULL,
                                               at, key_bytes);
    sodium_memzero(head, sizeof head);
    return 0;
}

static int
head_open(struct store *st, const MDB_val *key, const MDB_val *val, struct store_doc *ret)
{
    uint8_t head[HEAD_SIZE], ad[sizeof head_label + 4];
    const uint8_t *row = val->mv_data, *key_bytes;
    uint32_t entry;
    int rc;

    if (key->mv_size != 5 || val->mv_size != HEAD_ROW)
        return damage_set(st, "documents: a row has no sense");
    entry = be32_get((const uint8_t *)key->mv_data + 1);
    rc = key_find(st, entry, &key_bytes);
    if (rc == -ENOKEY) {
        *ret = (struct store_doc){.entry = entry};
        return 0;
    }
    if (rc != 0)
        return rc;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(head, NULL, NULL, row + NONCE, HEAD_SIZE + SEAL_TAG_SIZE, ad,
                                                   head_ad(entry, ad), row, key_bytes) != 0 ||
        !head_decode(head, entry, ret))
        rc = damage_set(st, "document %" PRIu32 ": its head does not open", entry);
    sodium_memzero(head, sizeof head);
    return rc;
}

/* ---- uploads */

int
store_doc_begin(struct store *st, struct store_doc *doc)
{
    size_t owner_len = strnlen(doc->owner, sizeof doc->owner);
    const uint8_t *key_bytes;
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
    rc = key_find(st, doc->entry, &key_bytes);
    if (rc == 0)
        rc = head_put(st, doc, key_bytes);
    if (rc != 0)
        return batch_fail(st, rc);
    st->now.keys_used = doc->entry; /* the highest there is */
    return 0;
}

#define CHUNK_AD (sizeof chunk_label + 4 + 4 + 4 + DIGEST_SIZE)

static size_t
chunk_ad(const struct store_doc *doc, uint32_t chunk, uint8_t ret[CHUNK_AD])
{
    uint8_t *at = ret + sizeof chunk_label;

    memcpy(ret, chunk_label, sizeof chunk_label);
    be32_put(at, doc->entry);
    be32_put(at + 4, chunk);
    be32_put(at + 8, doc->size);
    memcpy(at + 12, doc->digest, DIGEST_SIZE);
    return CHUNK_AD;
}

static int
chunk_put(struct store *st, const struct store_doc *doc, const uint8_t *key_bytes, const void *bytes, size_t len)
{
    uint32_t chunk = doc->received / STORE_DOC_CHUNK;
    struct key key = key_of_chunk(doc->entry, chunk);
    uint8_t ad[CHUNK_AD], *at;
    int rc = row_reserve(st, &key, NONCE + len + SEAL_TAG_SIZE, &at);

    if (rc == -EEXIST)
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " is there already", doc->entry, chunk);
    if (rc != 0)
        return rc;
    randombytes_buf(at, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE, NULL, bytes, len, ad, chunk_ad(doc, chunk, ad), NULL, at,
                                               key_bytes);
    return 0;
}

/* All of it came, and it is another document than was announced. */
static int
upload_restart(struct store *st, struct store_doc *doc, const uint8_t *key_bytes)
{
    int rc = chunks_drop(st, doc->entry, doc->size);

    doc->received = 0;
    digest_begin(&doc->sofar);
    if (rc == 0)
        rc = head_put(st, doc, key_bytes);
    return rc == 0 ? 0 : batch_fail(st, rc);
}

int
store_doc_put(struct store *st, struct store_doc *doc, const void *bytes, size_t len)
{
    size_t left = doc->size - doc->received, due = left < STORE_DOC_CHUNK ? left : STORE_DOC_CHUNK;
    bool last = left == due, opened;
    uint8_t digest[DIGEST_SIZE];
    struct store_doc next = *doc;
    const uint8_t *key_bytes;
    int rc;

    if (st->latched)
        return -EIO;
    if (due == 0 || len != due)
        return -EINVAL;
    rc = key_find(st, doc->entry, &key_bytes);
    if (rc == -ENOKEY)
        return -EINVAL;
    if (rc == 0)
        rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc == -EBADMSG ? batch_fail(st, rc) : rc;

    if (last) {
        digest_end(&doc->sofar, bytes, len, digest);
        if (memcmp(digest, doc->digest, sizeof digest) != 0) {
            rc = upload_restart(st, doc, key_bytes);
            return rc == 0 ? -EILSEQ : rc;
        }
    }
    rc = chunk_put(st, doc, key_bytes, bytes, len);
    if (rc != 0)
        return batch_fail(st, rc);
    next.received += (uint32_t)len;
    if (len == STORE_DOC_CHUNK)
        digest_add(&next.sofar, bytes, len);
    rc = head_put(st, &next, key_bytes);
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
rows_each(struct store *st, struct key *prefix, int (*fn)(void *arg, const MDB_val *key, const MDB_val *val), void *arg)
{
    MDB_val key = val_of(prefix), val;
    MDB_cursor *cursor = NULL;
    MDB_txn *txn;
    int rc = view_begin(st, &txn), stop = 0;

    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, st->doc, &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && key.mv_size >= prefix->len && memcmp(key.mv_data, prefix->bytes, prefix->len) == 0) {
        stop = fn(arg, &key, &val);
        if (stop != 0)
            break;
        rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    view_end(st);
    if (stop != 0)
        return stop;
    return rc == MDB_NOTFOUND ? 0 : err_from_lmdb(rc);
}

static int
upload_row(void *arg, const MDB_val *key, const MDB_val *val)
{
    const struct each *each = arg;
    struct store_doc doc;
    int rc = head_open(each->st, key, val, &doc);

    return rc == 0 ? each->fn(each->arg, &doc) : rc;
}

int
store_doc_each(struct store *st, store_doc_fn *fn, void *arg)
{
    struct key prefix = {.bytes = {'u'}, .len = 1};
    struct each each = {.st = st, .fn = fn, .arg = arg};

    return rows_each(st, &prefix, upload_row, &each);
}

/* ---- documents of dossiers */

/* The key of a document's row. -ENOKEY: the dossier was erased. */
static int
tag_make(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE], struct key *ret)
{
    uint8_t input[STORE_DOC_OWNER_MAX + 1 + DIGEST_SIZE], tag_key[32];
    size_t owner_len = strlen(owner);
    const uint8_t *key_bytes;
    int rc = key_find(st, dossier, &key_bytes);

    if (rc != 0)
        return rc;
    assert(owner_len <= STORE_DOC_OWNER_MAX);
    memcpy(input, digest, DIGEST_SIZE);
    memcpy(input + DIGEST_SIZE, owner, owner_len + 1);
    *ret = key_make('d', dossier);
    crypto_generichash(tag_key, sizeof tag_key, tag_label, sizeof tag_label, key_bytes, SEAL_KEY_SIZE);
    crypto_generichash(ret->bytes + ret->len, TAG_SIZE, input, DIGEST_SIZE + owner_len + 1, tag_key, sizeof tag_key);
    ret->len += TAG_SIZE;
    sodium_memzero(tag_key, sizeof tag_key);
    return 0;
}

int
store_doc_bind(struct store *st, const struct store_doc *doc, uint32_t dossier)
{
    struct key upload = key_make('u', doc->entry), key;
    const uint8_t *key_bytes;
    uint8_t *at;
    bool opened;
    int rc;

    assert(dossier != STORE_CLEAR_ENTRY);
    if (st->latched)
        return -EIO;
    if (!store_doc_is_whole(doc) || doc->size == 0)
        return -EINVAL;
    rc = key_find(st, doc->entry, &key_bytes);
    if (rc == 0)
        rc = tag_make(st, dossier, doc->owner, doc->digest, &key);
    if (rc == -ENOKEY)
        return -EINVAL;
    if (rc == 0)
        rc = batch_begin(st, &opened);
    if (rc != 0)
        return rc == -EBADMSG ? batch_fail(st, rc) : rc;
    rc = row_reserve(st, &key, DOC_ROW, &at);
    if (rc == -EEXIST) {
        batch_abandon(st, opened);
        return rc;
    }
    if (rc == 0) {
        be32_put(at, doc->entry);
        be32_put(at + 4, doc->size);
        be64_put(at + 8, check_of(key.bytes, key.len, at, 8));
        rc = row_drop(st, &upload);
    }
    return rc == 0 ? 0 : batch_fail(st, rc);
}

static int
document_decode(struct store *st, const MDB_val *key, const MDB_val *val, uint32_t *ret_entry, uint32_t *ret_size)
{
    const uint8_t *bytes = val->mv_data;

    if (val->mv_size != DOC_ROW || be64_get(bytes + 8) != check_of(key->mv_data, key->mv_size, bytes, 8) ||
        be32_get(bytes) == STORE_CLEAR_ENTRY || be32_get(bytes + 4) == 0 || be32_get(bytes + 4) > STORE_DOC_SIZE_MAX)
        return damage_set(st, "documents: a row has no sense");
    *ret_entry = be32_get(bytes);
    *ret_size = be32_get(bytes + 4);
    return 0;
}

int
store_doc_find(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE],
               struct store_doc *ret)
{
    struct store_doc doc = {.entry = 0};
    const uint8_t *key_bytes;
    struct key name;
    MDB_val key, val;
    MDB_txn *txn;
    int rc = tag_make(st, dossier, owner, digest, &name);

    if (rc == 0)
        rc = view_begin(st, &txn);
    if (rc != 0)
        return rc == -ENOKEY ? -ENOENT : rc;
    key = val_of(&name);
    rc = err_from_lmdb(mdb_get(txn, st->doc, &key, &val));
    if (rc == 0)
        rc = document_decode(st, &key, &val, &doc.entry, &doc.size);
    view_end(st);
    if (rc == 0)
        rc = key_find(st, doc.entry, &key_bytes);
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
    uint64_t from = (uint64_t)chunk * STORE_DOC_CHUNK, left = from < doc->received ? doc->received - from : 0;
    size_t len = left < STORE_DOC_CHUNK ? (size_t)left : STORE_DOC_CHUNK;
    struct key name = key_of_chunk(doc->entry, chunk);
    uint8_t ad[CHUNK_AD];
    const uint8_t *key_bytes, *row;
    MDB_val key = val_of(&name), val;
    MDB_txn *txn;
    int rc;

    if (len == 0)
        return -ENOENT;
    rc = key_find(st, doc->entry, &key_bytes);
    if (rc == 0)
        rc = view_begin(st, &txn);
    if (rc != 0)
        return rc == -ENOKEY ? -ENOENT : rc;
    rc = mdb_get(txn, st->doc, &key, &val);
    row = val.mv_data;
    if (rc != 0 || val.mv_size != NONCE + len + SEAL_TAG_SIZE)
        rc = damage_set(st, "document %" PRIu32 ": chunk %" PRIu32 " is missing", doc->entry, chunk);
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(buf, NULL, NULL, row + NONCE, len + SEAL_TAG_SIZE, ad,
                                                        chunk_ad(doc, chunk, ad), row, key_bytes) != 0)
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
    struct key keys[STORE_DOC_ERASE_MAX];
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
    if (key->mv_size != KEY_MAX)
        return damage_set(listed->st, "documents: a row has no sense");
    rc = document_decode(listed->st, key, val, &listed->entries[i], &listed->sizes[i]);
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
    struct key prefix = key_make('d', dossier);
    struct listed listed = {.st = st};
    int rc = rows_each(st, &prefix, document_list, &listed);

    if (rc == 0)
        *ret_count = listed.count;
    return rc;
}

/* The key is gone: its row of that name, and its chunks. */
static int
rows_of_drop(struct store *st, struct key *name, uint32_t entry, uint32_t size)
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
    struct key key = key_make('u', doc->entry);
    int rc = store_key_erase(st, doc->entry);

    return rc == 0 ? rows_of_drop(st, &key, doc->entry, STORE_DOC_SIZE_MAX) : rc;
}

int
store_doc_erase(struct store *st, uint32_t dossier, size_t *ret_count)
{
    struct key prefix = key_make('d', dossier);
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
