/*
 * verify_doc - see verify_doc.h
 *
 * Chunks come before documents and uploads in the table's order, so that the table is gone through twice: first
 * documents and uploads, each with its chunks; and when the records were looked at, the chunks, for one that nobody
 * has, and for their sums, but of those that a record had opened. Both are in the order of the keys, and take what each
 * entry is from the byte that is kept for it.
 */
#include "store/verify_doc.h"

#include "proto/hex.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* The byte of an entry: how many chunks, and what it is. */
enum { CHUNKS = 0x3f, KIND = 0xc0, NOTHING = 0, UPLOAD = 0x40, DOCUMENT = 0x80, NAMED = 0xc0 };
static_assert(DOC_CHUNKS_MAX <= CHUNKS, "how many chunks is kept in six bits");

static bool
bit_of(const uint8_t *bits, uint32_t entry)
{
    return (bits[entry / 8] >> entry % 8 & 1) != 0;
}

static int
entry_take(struct verify_doc *v, uint32_t entry, uint32_t chunks, unsigned kind)
{
    if (entry == STORE_CLEAR_ENTRY || entry > v->st->at.keys_used)
        return damage_set(v->st, "document %" PRIu32 ": its key is none that the log uses", entry);
    if (v->of_entry[entry] != NOTHING)
        return damage_set(v->st, "document %" PRIu32 ": two rows have it", entry);
    v->of_entry[entry] = (uint8_t)(chunks | kind);
    return 0;
}

/* ---- chunks */

/* The first `chunks` of them are there, and as long as those of so many bytes are. */
static int
chunks_look(struct verify_doc *v, uint32_t entry, uint32_t size)
{
    for (uint32_t chunk = 0; chunk < doc_chunks(size); chunk++) {
        struct doc_key name = doc_key_of_chunk(entry, chunk);
        MDB_val key = doc_key_val(&name), val;
        int rc = mdb_get(v->txn, v->st->doc, &key, &val);

        if (rc == MDB_NOTFOUND)
            return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 " is missing", entry, chunk);
        if (rc != 0)
            return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 ": LMDB: %s", entry, chunk,
                              mdb_strerror(rc));
        if (val.mv_size != doc_chunk_row(size, chunk))
            return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 " is not as long as it was", entry, chunk);
    }
    return 0;
}

/* Opens all that was received, and compares it with the digest, or with what the head says of it so far. */
static int
chunks_open(struct verify_doc *v, const struct store_doc *doc)
{
    uint8_t digest[DIGEST_SIZE];
    struct digest sofar;
    size_t len = 0;
    int rc = 0;

    digest_begin(&sofar);
    for (uint32_t chunk = 0; chunk < doc_chunks(doc->received) && rc == 0; chunk++) {
        rc = store_doc_read(v->st, doc, chunk, v->chunk, &len);
        if (rc == 0 && len == STORE_DOC_CHUNK)
            digest_add(&sofar, v->chunk, len);
    }
    if (rc != 0)
        return rc;
    digest_end(&sofar, v->chunk, len % STORE_DOC_CHUNK, digest);
    sodium_memzero(v->chunk, STORE_DOC_CHUNK);
    if (store_doc_is_whole(doc) ? memcmp(digest, doc->digest, sizeof digest) != 0
                                : memcmp(sofar.h, doc->sofar.h, sizeof sofar.h) != 0)
        return damage_set(v->st, "document %" PRIu32 ": its bytes do not give its digest", doc->entry);
    return 0;
}

/* How many chunks lie under an entry that does not tell: all of them full but for the last. */
static int
chunks_count(struct verify_doc *v, uint32_t entry, uint32_t *ret)
{
    const size_t full = doc_chunk_row(STORE_DOC_SIZE_MAX, 0);
    uint32_t chunk = 0;
    size_t last = full;

    for (; chunk < DOC_CHUNKS_MAX; chunk++) {
        struct doc_key name = doc_key_of_chunk(entry, chunk);
        MDB_val key = doc_key_val(&name), val;

        if (mdb_get(v->txn, v->st->doc, &key, &val) != 0)
            break;
        if (last != full || val.mv_size > full || val.mv_size <= DOC_CHUNK_MORE)
            return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 " is not as long as it was", entry, chunk);
        last = val.mv_size;
    }
    *ret = chunk;
    return 0;
}

/* ---- documents and uploads */

static int
document_look(struct verify_doc *v, const MDB_val *key, const MDB_val *val)
{
    uint32_t entry, size;
    int rc;

    if (key->mv_size != DOC_KEY_MAX)
        return damage_set(v->st, "documents: a row has no sense");
    rc = doc_row_decode(v->st, key, val, &entry, &size);
    if (rc != 0) {
        char name[2 * DOC_KEY_MAX + 1];

        hex_format(key->mv_data, key->mv_size, name);
        return damage_set(v->st, "documents: row %s has no sense", name);
    }
    v->documents++;
    rc = entry_take(v, entry, doc_chunks(size), DOCUMENT);
    return rc == 0 ? chunks_look(v, entry, size) : rc;
}

static int
upload_look(struct verify_doc *v, const MDB_val *key, const MDB_val *val)
{
    struct store_doc doc = {.size = 0};
    uint32_t chunks;
    int rc;

    if ((rc = doc_head_look(v->st, key, val, &doc.entry)) != 0)
        return rc;
    v->uploads++;
    if (doc.entry == STORE_CLEAR_ENTRY || doc.entry > v->st->at.keys_used)
        return entry_take(v, doc.entry, 0, UPLOAD);
    if (v->st->keys != NULL && (rc = doc_head_open(v->st, key, val, &doc)) != 0)
        return rc;
    if (doc.size == 0) { /* not opened, or its key is destroyed and its rows are not yet */
        rc = chunks_count(v, doc.entry, &chunks);
        return rc == 0 ? entry_take(v, doc.entry, chunks, UPLOAD) : rc;
    }
    if (doc.began_ms + DOCUMENT_KEPT_MS < v->st->at.last_ms)
        v->uploads_old++;
    rc = entry_take(v, doc.entry, doc_chunks(doc.received), UPLOAD);
    if (rc == 0)
        rc = chunks_look(v, doc.entry, doc.received);
    return rc == 0 ? chunks_open(v, &doc) : rc;
}

static int
chunk_belongs(struct verify_doc *v, const MDB_val *key, const MDB_val *val)
{
    const uint8_t *bytes = key->mv_data;
    uint32_t entry, chunk;

    if (key->mv_size != 9)
        return damage_set(v->st, "documents: a row has no sense");
    entry = be32_get(bytes + 1);
    chunk = be32_get(bytes + 5);
    if (entry > v->st->at.keys_used || (v->of_entry[entry] & KIND) == NOTHING || chunk >= (v->of_entry[entry] & CHUNKS))
        return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 " is there, and belongs to none", entry, chunk);
    if ((v->of_entry[entry] & KIND) != NAMED && !doc_row_adds_up(key, val))
        return damage_set(v->st, "document %" PRIu32 ": chunk %" PRIu32 " is not what was written", entry, chunk);
    return 0;
}

static int
document_belongs(struct verify_doc *v, const MDB_val *key, const MDB_val *val)
{
    uint32_t dossier = be32_get((const uint8_t *)key->mv_data + 1), entry = be32_get(val->mv_data);

    if (dossier == STORE_CLEAR_ENTRY || dossier > v->st->at.keys_used || !bit_of(v->dossiers, dossier))
        return damage_set(v->st, "document %" PRIu32 ": no record is of its dossier", entry);
    if (v->st->keys == NULL)
        v->unopened++;
    else if ((v->of_entry[entry] & KIND) != NAMED && !bit_of(v->unclear, dossier) &&
             !store_key_is_erased(v->st, dossier))
        return damage_set(v->st, "document %" PRIu32 ": no record names it", entry);
    return 0;
}

/* ---- the table */

typedef int row_fn(struct verify_doc *v, const MDB_val *key, const MDB_val *val);

/* Each row from the first key that begins with `from` on, by its kind; a kind without a function is passed over. */
static int
rows_each(struct verify_doc *v, char from, row_fn *chunk, row_fn *document, row_fn *upload)
{
    MDB_val key = {.mv_size = 1, .mv_data = &from}, val;
    MDB_cursor *cursor = NULL;
    int rc = mdb_cursor_open(v->txn, v->st->doc, &cursor), stop = 0;

    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && stop == 0) {
        char kind = *(const char *)key.mv_data;
        row_fn *fn = kind == 'c' ? chunk : kind == 'd' ? document : upload;

        if (kind != 'c' && kind != 'd' && kind != 'u')
            stop = damage_set(v->st, "documents: a row has no sense");
        else if (fn != NULL)
            stop = verify_free_row(v->pages, "documents", &val) != 0 ? -EBADMSG : fn(v, &key, &val);
        if (stop == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (stop == 0 && rc != MDB_NOTFOUND)
        stop = damage_set(v->st, "documents: LMDB: %s", mdb_strerror(rc));
    return stop;
}

int
verify_doc_rows(struct verify_doc *v, struct store *st, MDB_txn *txn, struct verify_free *pages)
{
    v->st = st;
    v->txn = txn;
    v->pages = pages;
    v->of_entry = calloc((size_t)st->at.keys_used + 1, 1);
    v->dossiers = calloc((size_t)st->at.keys_used / 8 + 1, 1);
    v->unclear = calloc((size_t)st->at.keys_used / 8 + 1, 1);
    v->chunk = malloc(STORE_DOC_CHUNK);
    if (v->of_entry == NULL || v->dossiers == NULL || v->unclear == NULL || v->chunk == NULL)
        return -ENOMEM;
    return rows_each(v, 'd', NULL, document_look, upload_look);
}

/* ---- records */

int
verify_doc_dossier(struct verify_doc *v, uint64_t seq, uint32_t entry)
{
    if (entry > v->st->at.keys_used)
        return damage_set(v->st, "record %" PRIu64 ": its key entry %" PRIu32 " is above those that the log uses", seq,
                          entry);
    v->dossiers[entry / 8] |= (uint8_t)(1u << entry % 8);
    return 0;
}

struct naming {
    struct verify_doc *v;
    const struct store_row *row;
    const char *unit;
    bool unsent; /* when the event was taken, not all that it names was there; it may have come since */
};

static int
document_named(void *arg, const uint8_t digest[DIGEST_SIZE], uint32_t size)
{
    const struct naming *naming = arg;
    struct verify_doc *v = naming->v;
    struct store_doc doc;
    int rc = store_doc_find(v->st, naming->row->entry, naming->unit, digest, &doc);

    if (naming->unsent && (rc == -ENOENT || (rc == 0 && doc.size != size)))
        return 0;
    if (rc != 0)
        return rc;
    if (doc.size != size)
        return damage_set(v->st, "record %" PRIu64 ": document %" PRIu32 " is of another size than it names",
                          naming->row->seq, doc.entry);
    if ((v->of_entry[doc.entry] & KIND) == NAMED)
        return 0;
    v->of_entry[doc.entry] |= NAMED;
    return chunks_open(v, &doc);
}

int
verify_doc_record(struct verify_doc *v, const struct store_row *row, const char *unit, struct arena *arena)
{
    struct naming naming = {.v = v, .row = row, .unit = unit};
    bool all = false;
    int rc = 0;

    naming.unsent = says_document_unsent(row, arena);
    if (unit != NULL && strlen(unit) <= STORE_DOC_OWNER_MAX)
        rc = says_documents(row, arena, document_named, &naming, &all);
    if (rc == 0 && !all)
        v->unclear[row->entry / 8] |= (uint8_t)(1u << row->entry % 8);
    return rc;
}

int
verify_doc_end(struct verify_doc *v)
{
    MDB_stat stat;
    int rc = rows_each(v, '\0', chunk_belongs, document_belongs, NULL);

    if (rc != 0)
        return rc;
    rc = mdb_stat(v->txn, v->st->doc, &stat);
    if (rc != 0)
        return damage_set(v->st, "documents: LMDB: %s", mdb_strerror(rc));
    if (stat.ms_entries != v->st->at.doc_rows)
        return damage_set(v->st, "documents: %zu rows where there should be %" PRIu32, stat.ms_entries,
                          v->st->at.doc_rows);
    return 0;
}

void
verify_doc_free(struct verify_doc *v)
{
    free(v->of_entry);
    free(v->dossiers);
    free(v->unclear);
    free(v->chunk);
    *v = (struct verify_doc){.st = NULL};
}
