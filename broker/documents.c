/*
 * documents - see documents.h
 *
 * The uploads are kept in a table of owner and digest; a client chooses both, so they are hashed under a key of the
 * process's own. Each stands in the list of the uploads in the order of their beginning too, whose first is the next to
 * be too old.
 */
#include "broker/documents.h"

#include "proto/document.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS    4096u
#define COST_LEAST 4096u /* bytes that an operation counts for at least: pages that it touches */

struct quota {
    char agency[ID_LEN_MAX + 1];
    uint32_t count;
    uint64_t bytes;
};

struct upload {
    struct store_doc doc; /* first: what is handed out */
    char agency[ID_LEN_MAX + 1];
    struct upload *bucket_next;
    struct upload *next, *prev; /* in order of beginning */
};

struct documents {
    struct store *store;
    struct core *core;
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    struct upload *buckets[BUCKETS];
    struct upload *first, *last;
    struct quota *quotas;
    size_t quota_count, quota_size;
    uint64_t tick_bytes, swept_ms;
    uint8_t buffer[STORE_DOC_CHUNK];
};

/* ---- the table */

static struct upload **
bucket_of(struct documents *d, const char *owner, const uint8_t digest[DIGEST_SIZE])
{
    uint8_t input[DIGEST_SIZE + STORE_DOC_OWNER_MAX], hash[crypto_shorthash_BYTES];
    size_t len = strlen(owner);
    uint32_t at;

    assert(len <= STORE_DOC_OWNER_MAX);
    memcpy(input, digest, DIGEST_SIZE);
    memcpy(input + DIGEST_SIZE, owner, len);
    crypto_shorthash(hash, input, DIGEST_SIZE + len, d->hash_key);
    memcpy(&at, hash, sizeof at);
    return &d->buckets[at % BUCKETS];
}

static struct upload *
upload_find(struct documents *d, const char *owner, const uint8_t digest[DIGEST_SIZE])
{
    struct upload *at = *bucket_of(d, owner, digest);

    while (at != NULL && (memcmp(at->doc.digest, digest, DIGEST_SIZE) != 0 || strcmp(at->doc.owner, owner) != 0))
        at = at->bucket_next;
    return at;
}

static struct quota *
quota_find(struct documents *d, const char *agency)
{
    for (size_t i = 0; i < d->quota_count; i++)
        if (strcmp(d->quotas[i].agency, agency) == 0)
            return &d->quotas[i];
    return NULL;
}

/* Of an agency that has none yet: an empty one. NULL: no memory. */
static struct quota *
quota_of(struct documents *d, const char *agency)
{
    struct quota *quota = quota_find(d, agency);

    if (quota != NULL)
        return quota;
    if (d->quota_count == d->quota_size) {
        size_t size = d->quota_size == 0 ? 16 : 2 * d->quota_size;
        struct quota *grown = reallocarray(d->quotas, size, sizeof *grown);

        if (grown == NULL)
            return NULL;
        d->quotas = grown;
        d->quota_size = size;
    }
    quota = &d->quotas[d->quota_count++];
    *quota = (struct quota){.count = 0};
    memcpy(quota->agency, agency, strlen(agency) + 1);
    return quota;
}

static int
upload_add(struct documents *d, const struct store_doc *doc, const char *agency, struct upload **ret)
{
    struct quota *quota = quota_of(d, agency);
    struct upload *u = quota == NULL ? NULL : calloc(1, sizeof *u), **bucket;

    if (u == NULL)
        return -ENOMEM;
    u->doc = *doc;
    memcpy(u->agency, quota->agency, sizeof u->agency);
    bucket = bucket_of(d, doc->owner, doc->digest);
    u->bucket_next = *bucket;
    *bucket = u;
    u->prev = d->last;
    if (d->last != NULL)
        d->last->next = u;
    else
        d->first = u;
    d->last = u;
    quota->count++;
    quota->bytes += doc->size;
    if (ret != NULL)
        *ret = u;
    return 0;
}

static void
upload_remove(struct documents *d, struct upload *u)
{
    struct quota *quota = quota_find(d, u->agency);
    struct upload **at = bucket_of(d, u->doc.owner, u->doc.digest);

    assert(quota != NULL && quota->count > 0);
    quota->count--;
    quota->bytes -= u->doc.size;
    if (quota->count == 0)
        *quota = d->quotas[--d->quota_count];
    while (*at != u)
        at = &(*at)->bucket_next;
    *at = u->bucket_next;
    if (u->prev != NULL)
        u->prev->next = u->next;
    else
        d->first = u->next;
    if (u->next != NULL)
        u->next->prev = u->prev;
    else
        d->last = u->prev;
    free(u);
}

/* ---- making */

static int
upload_load(void *arg, const struct store_doc *doc)
{
    struct documents *d = arg;
    struct core_unit unit = {.agency = ""};
    uint32_t index = doc->size == 0 ? CORE_UNIT_NONE : core_unit_by_id(d->core, doc->owner);

    if (index != CORE_UNIT_NONE)
        core_unit(d->core, index, &unit);
    return upload_add(d, doc, unit.agency,
                      NULL); /* one whose key is gone already is nobody's, and the first to be swept */
}

int
documents_create(struct documents **ret, struct store *store, struct core *core)
{
    struct documents *d = calloc(1, sizeof *d);
    int rc;

    if (d == NULL)
        return -ENOMEM;
    d->store = store;
    d->core = core;
    crypto_shorthash_keygen(d->hash_key);
    rc = store_doc_each(store, upload_load, d);
    if (rc == 0)
        *ret = d;
    else
        documents_destroy(&d);
    return rc;
}

void
documents_destroy(struct documents **documents)
{
    struct documents *d = *documents;

    *documents = NULL;
    if (d == NULL)
        return;
    while (d->first != NULL)
        upload_remove(d, d->first);
    free(d->quotas);
    sodium_memzero(d, sizeof *d);
    free(d);
}

/* ---- uploads */

struct store_doc *
documents_find(struct documents *d, uint32_t unit, const uint8_t digest[DIGEST_SIZE])
{
    struct upload *found;
    struct core_unit u;

    core_unit(d->core, unit, &u);
    found = upload_find(d, u.id, digest);
    return found == NULL ? NULL : &found->doc;
}

void
documents_count(struct documents *d, size_t bytes)
{
    d->tick_bytes += bytes < COST_LEAST ? COST_LEAST : bytes;
}

int
documents_begin(struct documents *d, uint32_t unit, const uint8_t digest[DIGEST_SIZE], uint32_t size, uint64_t now_ms,
                struct store_doc **ret)
{
    struct store_doc doc = {.size = size, .began_ms = now_ms};
    const struct quota *quota;
    struct upload *added;
    struct core_unit u;
    int rc;

    core_unit(d->core, unit, &u);
    quota = quota_find(d, u.agency);
    if (quota != NULL && (quota->count >= DOCUMENTS_WAITING_MAX || quota->bytes + size > DOCUMENTS_WAITING_BYTES_MAX))
        return -EDQUOT;
    memcpy(doc.digest, digest, sizeof doc.digest);
    memcpy(doc.owner, u.id, strlen(u.id) + 1);
    documents_count(d, 0);
    rc = store_room_doc(d->store, size);
    if (rc == 0)
        rc = store_doc_begin(d->store, &doc);
    if (rc == 0)
        rc = upload_add(d, &doc, u.agency, &added);
    if (rc == 0)
        *ret = &added->doc;
    return rc;
}

int
documents_chunk(struct documents *d, struct store_doc *doc, const uint8_t *bytes, size_t len)
{
    int rc = store_room_doc(d->store, len);

    documents_count(d, len);
    return rc == 0 ? store_doc_put(d->store, doc, bytes, len) : rc;
}

uint8_t *
documents_buffer(struct documents *d)
{
    return d->buffer;
}

/* ---- events that name them */

static bool
fits(const struct store_doc *doc, const struct document_walk *walk)
{
    return store_doc_is_whole(doc) && doc->size == walk->document->size;
}

int
documents_missing(struct documents *d, uint32_t unit, uint32_t dossier, const struct event *event, struct arena *arena,
                  const char **ret_path)
{
    struct document_walk walk = {.section = 0};
    struct refusal path;
    struct core_unit u;

    *ret_path = NULL;
    core_unit(d->core, unit, &u);
    while (document_next(event, &walk)) {
        struct upload *upload = upload_find(d, u.id, walk.digest);
        struct store_doc bound;
        char *copy;
        int rc;

        if (upload != NULL && fits(&upload->doc, &walk))
            continue;
        rc = dossier == STORE_CLEAR_ENTRY ? -ENOENT : store_doc_find(d->store, dossier, u.id, walk.digest, &bound);
        if (rc != 0 && rc != -ENOENT)
            return rc;
        if (rc == 0 && fits(&bound, &walk))
            continue;
        document_path(event, &walk, path.path, sizeof path.path);
        copy = arena_alloc(arena, sizeof path.path);
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, path.path, sizeof path.path);
        *ret_path = copy;
        return 0;
    }
    return 0;
}

int
documents_bind(struct documents *d, uint32_t unit, uint32_t dossier, const struct event *event)
{
    struct document_walk walk = {.section = 0};
    struct core_unit u;

    if (d->first == NULL || dossier == STORE_CLEAR_ENTRY)
        return 0;
    core_unit(d->core, unit, &u);
    while (document_next(event, &walk)) {
        struct upload *upload = upload_find(d, u.id, walk.digest);
        int rc;

        if (upload == NULL || !fits(&upload->doc, &walk))
            continue;
        documents_count(d, 0);
        rc = store_doc_bind(d->store, &upload->doc, dossier);
        if (rc == 0)
            upload_remove(d, upload);
        else if (rc != -EEXIST && rc != -EINVAL) /* it has it; or the dossier is being erased */
            return rc;
    }
    return 0;
}

/* ---- the tick */

void
documents_tick(struct documents *d)
{
    d->tick_bytes = 0;
}

bool
documents_tick_is_full(const struct documents *d)
{
    return d->tick_bytes >= DOCUMENT_TICK_BYTES_MAX;
}

int
documents_sweep(struct documents *d, uint64_t now_ms, uint64_t mono_ms)
{
    struct upload *u = d->first;
    int rc;

    if (u == NULL || mono_ms - d->swept_ms < DOCUMENT_SWEEP_MS ||
        (u->doc.size != 0 && (now_ms < u->doc.began_ms || now_ms - u->doc.began_ms < DOCUMENT_KEPT_MS)))
        return 0;
    d->swept_ms = mono_ms;
    rc = store_room_own(d->store, 1, 0);
    if (rc == -ENOSPC)
        return 0; /* there is not even room to delete: later */
    if (rc == 0)
        rc = store_doc_drop(d->store, &u->doc);
    if (rc == 0)
        upload_remove(d, u);
    return rc;
}
