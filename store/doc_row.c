/* doc_row - see doc_row.h */
#include "store/doc_row.h"

#include "store/be.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

static_assert(DOC_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "the nonce is as long as the cipher's");

static const uint8_t chunk_label[] = "wici-doc-v1"; /* labels with their NUL */
static const uint8_t head_label[] = "wici-doc-head-v1";
static const uint8_t tag_label[] = "wici-doc-tag-v1";

/* ---- keys */

struct doc_key
doc_key_make(char kind, uint32_t entry)
{
    struct doc_key key = {.len = 5};

    key.bytes[0] = (uint8_t)kind;
    be32_put(key.bytes + 1, entry);
    return key;
}

struct doc_key
doc_key_of_chunk(uint32_t entry, uint32_t chunk)
{
    struct doc_key key = doc_key_make('c', entry);

    be32_put(key.bytes + key.len, chunk);
    key.len += 4;
    return key;
}

MDB_val
doc_key_val(struct doc_key *key)
{
    return (MDB_val){.mv_size = key->len, .mv_data = key->bytes};
}

int
doc_secret(struct store *st, uint32_t entry, const uint8_t **ret)
{
    uint32_t generation;
    int rc = keys_find(st->keys, entry, ret, &generation);

    if (rc == -EBADMSG || rc == -ENOENT)
        return damage_set(st, "key entry %" PRIu32 ": does not unwrap", entry);
    return rc;
}

int
doc_key_of_document(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE],
                    struct doc_key *ret)
{
    uint8_t input[STORE_DOC_OWNER_MAX + 1 + DIGEST_SIZE], tag_key[32];
    size_t owner_len = strlen(owner);
    const uint8_t *secret;
    int rc = doc_secret(st, dossier, &secret);

    if (rc != 0)
        return rc;
    assert(owner_len <= STORE_DOC_OWNER_MAX);
    memcpy(input, digest, DIGEST_SIZE);
    memcpy(input + DIGEST_SIZE, owner, owner_len + 1);
    *ret = doc_key_make('d', dossier);
    crypto_generichash(tag_key, sizeof tag_key, tag_label, sizeof tag_label, secret, SEAL_KEY_SIZE);
    crypto_generichash(ret->bytes + ret->len, DOC_TAG_SIZE, input, DIGEST_SIZE + owner_len + 1, tag_key,
                       sizeof tag_key);
    ret->len += DOC_TAG_SIZE;
    sodium_memzero(tag_key, sizeof tag_key);
    return 0;
}

/* ---- sums */

/* Of the row in front of it. */
static void
sum_put(const struct doc_key *key, uint8_t *row, size_t len)
{
    be64_put(row + len, check_of(key->bytes, key->len, row, len));
}

bool
doc_row_adds_up(const MDB_val *key, const MDB_val *val)
{
    const uint8_t *row = val->mv_data;
    size_t len = val->mv_size - CHECK_SIZE;

    return val->mv_size >= CHECK_SIZE && be64_get(row + len) == check_of(key->mv_data, key->mv_size, row, len);
}

/* ---- documents */

void
doc_row_encode(const struct doc_key *key, uint32_t entry, uint32_t size, uint8_t ret[DOC_SIZE])
{
    be32_put(ret, entry);
    be32_put(ret + 4, size);
    sum_put(key, ret, DOC_SIZE - CHECK_SIZE);
}

int
doc_row_decode(struct store *st, const MDB_val *key, const MDB_val *val, uint32_t *ret_entry, uint32_t *ret_size)
{
    const uint8_t *bytes = val->mv_data;

    if (val->mv_size != DOC_SIZE || !doc_row_adds_up(key, val) || be32_get(bytes) == STORE_CLEAR_ENTRY ||
        be32_get(bytes + 4) == 0 || be32_get(bytes + 4) > STORE_DOC_SIZE_MAX)
        return damage_set(st, "documents: a row has no sense");
    *ret_entry = be32_get(bytes);
    *ret_size = be32_get(bytes + 4);
    return 0;
}

/* ---- heads of uploads */

static size_t
head_ad(uint32_t entry, uint8_t ret[sizeof head_label + 4])
{
    memcpy(ret, head_label, sizeof head_label);
    be32_put(ret + sizeof head_label, entry);
    return sizeof head_label + 4;
}

static void
head_encode(const struct store_doc *doc, uint8_t ret[DOC_HEAD_SIZE])
{
    size_t owner_len = strlen(doc->owner);

    memset(ret, 0, DOC_HEAD_SIZE);
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
head_decode(const uint8_t head[DOC_HEAD_SIZE], uint32_t entry, struct store_doc *ret)
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

void
doc_head_seal(const struct store_doc *doc, const uint8_t *secret, uint8_t ret[DOC_HEAD_ROW])
{
    uint8_t head[DOC_HEAD_SIZE], ad[sizeof head_label + 4];
    struct doc_key key = doc_key_make('u', doc->entry);

    head_encode(doc, head);
    randombytes_buf(ret, DOC_NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + DOC_NONCE_SIZE, NULL, head, sizeof head, ad,
                                               head_ad(doc->entry, ad), NULL, ret, secret);
    sum_put(&key, ret, DOC_HEAD_ROW - CHECK_SIZE);
    sodium_memzero(head, sizeof head);
}

int
doc_head_look(struct store *st, const MDB_val *key, const MDB_val *val, uint32_t *ret_entry)
{
    uint32_t entry;

    if (key->mv_size != 5 || val->mv_size != DOC_HEAD_ROW)
        return damage_set(st, "documents: a row has no sense");
    entry = be32_get((const uint8_t *)key->mv_data + 1);
    if (!doc_row_adds_up(key, val))
        return damage_set(st, "document %" PRIu32 ": its head is not what was written", entry);
    *ret_entry = entry;
    return 0;
}

int
doc_head_open(struct store *st, const MDB_val *key, const MDB_val *val, struct store_doc *ret)
{
    uint8_t head[DOC_HEAD_SIZE], ad[sizeof head_label + 4];
    const uint8_t *row = val->mv_data, *secret;
    uint32_t entry;
    int rc = doc_head_look(st, key, val, &entry);

    if (rc == 0)
        rc = doc_secret(st, entry, &secret);
    if (rc == -ENOKEY) {
        *ret = (struct store_doc){.entry = entry};
        return 0;
    }
    if (rc != 0)
        return rc;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(head, NULL, NULL, row + DOC_NONCE_SIZE,
                                                   DOC_HEAD_SIZE + SEAL_TAG_SIZE, ad, head_ad(entry, ad), row,
                                                   secret) != 0 ||
        !head_decode(head, entry, ret))
        rc = damage_set(st, "document %" PRIu32 ": its head does not open", entry);
    sodium_memzero(head, sizeof head);
    return rc;
}

/* ---- chunks */

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

size_t
doc_chunk_row(uint32_t size, uint32_t chunk)
{
    uint64_t from = (uint64_t)chunk * STORE_DOC_CHUNK, left = from < size ? size - from : 0;

    if (left == 0)
        return 0;
    return (left < STORE_DOC_CHUNK ? (size_t)left : STORE_DOC_CHUNK) + DOC_CHUNK_MORE;
}

void
doc_chunk_seal(const struct store_doc *doc, uint32_t chunk, const uint8_t *secret, const void *bytes, size_t len,
               uint8_t *ret)
{
    struct doc_key key = doc_key_of_chunk(doc->entry, chunk);
    uint8_t ad[CHUNK_AD];

    randombytes_buf(ret, DOC_NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + DOC_NONCE_SIZE, NULL, bytes, len, ad, chunk_ad(doc, chunk, ad),
                                               NULL, ret, secret);
    sum_put(&key, ret, DOC_NONCE_SIZE + len + SEAL_TAG_SIZE);
}

bool
doc_chunk_open(const struct store_doc *doc, uint32_t chunk, const uint8_t *secret, const uint8_t *row, size_t len,
               uint8_t *ret)
{
    uint8_t ad[CHUNK_AD];

    return crypto_aead_xchacha20poly1305_ietf_decrypt(ret, NULL, NULL, row + DOC_NONCE_SIZE, len + SEAL_TAG_SIZE, ad,
                                                      chunk_ad(doc, chunk, ad), row, secret) == 0;
}
