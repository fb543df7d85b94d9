/*
 * leaf - the hashed bytes, written big-endian piece by piece
 *
 * OpenSSL 3 looks its digest up at every one-shot call, which takes longer than hashing a short message; so each thread
 * fetches SHA-256 once and reuses one context.
 */
#include "leaf.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SALT_TAG     "wici-salt-v1" /* each tag is hashed with its terminating 0 */
#define DECOY_TAG    "wici-decoy-v1"
#define SECTION_TAG  "wici-section-v1"
#define LEAF_TAG     "wici-event-v1"
#define LEAF_VERSION 1u

struct piece {
    const void *data;
    size_t len;
};

struct hasher {
    EVP_MD_CTX *context;
    EVP_MD *digest;
};

static pthread_key_t hasher_key; /* frees a thread's hasher when the thread ends */

static void
hasher_free(void *arg)
{
    struct hasher *hasher = arg;

    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->digest);
    free(hasher);
}

static void
hasher_key_create(void)
{
    if (pthread_key_create(&hasher_key, hasher_free) != 0)
        abort();
}

static struct hasher *
hasher_create(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct hasher *hasher = calloc(1, sizeof *hasher);

    pthread_once(&once, hasher_key_create);
    if (hasher == NULL || pthread_setspecific(hasher_key, hasher) != 0)
        abort();
    hasher->context = EVP_MD_CTX_new();
    hasher->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    return hasher;
}

/* Only a failure to set up can make this fail, and then nothing that we wrote could be proven: stop. */
static void
sha256(const struct piece *pieces, size_t count, uint8_t ret[LEAF_HASH_SIZE])
{
    static _Thread_local struct hasher *hasher;
    EVP_MD_CTX *context;
    int ok = 1;

    if (hasher == NULL)
        hasher = hasher_create();
    context = hasher->context;
    ok &= context != NULL && hasher->digest != NULL && EVP_DigestInit_ex2(context, hasher->digest, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok &= EVP_DigestUpdate(context, pieces[i].data, pieces[i].len);
    ok = ok && EVP_DigestFinal_ex(context, ret, NULL) == 1;
    if (!ok)
        abort();
}

static void
be16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void
be32(uint8_t *to, uint32_t value)
{
    be16(to, (uint16_t)(value >> 16));
    be16(to + 2, (uint16_t)value);
}

static void
be64(uint8_t *to, uint64_t value)
{
    be32(to, (uint32_t)(value >> 32));
    be32(to + 4, (uint32_t)value);
}

static uint64_t
from_be64(const uint8_t *from)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}

void
leaf_sha256(const void *data, size_t len, uint8_t ret[LEAF_HASH_SIZE])
{
    sha256(&(struct piece){data, len}, 1, ret);
}

static void
derive(const char *tag, size_t tag_size, const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    const struct piece pieces[] = {{tag, tag_size}, {seed, LEAF_SEED_SIZE}, {&slot, 1}};

    sha256(pieces, 3, ret);
}

void
leaf_salt(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    derive(SALT_TAG, sizeof SALT_TAG, seed, slot, ret);
}

void
leaf_decoy(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    derive(DECOY_TAG, sizeof DECOY_TAG, seed, slot, ret);
}

void
leaf_section_digest(const struct leaf_part *part, const uint8_t salt[LEAF_HASH_SIZE], uint8_t ret[LEAF_HASH_SIZE])
{
    uint8_t head[3], len[4];
    const struct piece pieces[] = {{SECTION_TAG, sizeof SECTION_TAG},
                                   {head, sizeof head},
                                   {salt, LEAF_HASH_SIZE},
                                   {len, sizeof len},
                                   {part->body, part->len}};

    head[0] = part->slot;
    be16(head + 1, part->section_id);
    be32(len, part->len);
    sha256(pieces, 5, ret);
}

void
leaf_fill(struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE], const struct leaf_part *parts, size_t count)
{
    uint32_t filled = 0;

    assert(leaf->n <= LEAF_SLOTS_MAX);
    for (size_t i = 0; i < count; i++) {
        uint8_t salt[LEAF_HASH_SIZE];

        assert(parts[i].slot < leaf->n);
        assert((filled & (1u << parts[i].slot)) == 0);
        filled |= 1u << parts[i].slot;
        leaf_salt(seed, parts[i].slot, salt);
        leaf_section_digest(&parts[i], salt, leaf->digests[parts[i].slot]);
    }
    for (uint8_t slot = 0; slot < leaf->n; slot++)
        if ((filled & (1u << slot)) == 0)
            leaf_decoy(seed, slot, leaf->digests[slot]);
}

size_t
leaf_encode(const struct leaf *leaf, uint8_t ret[LEAF_INPUT_MAX])
{
    uint8_t *at = ret;

    assert(leaf->n <= LEAF_SLOTS_MAX);
    memcpy(at, LEAF_TAG, sizeof LEAF_TAG);
    at += sizeof LEAF_TAG;
    *at++ = LEAF_VERSION;
    *at++ = leaf->cls;
    be64(at, leaf->seq);
    be64(at + 8, leaf->ts_ms);
    at += 16;
    *at++ = leaf->n;
    memcpy(at, leaf->digests, (size_t)leaf->n * LEAF_HASH_SIZE);
    return (size_t)(at - ret) + (size_t)leaf->n * LEAF_HASH_SIZE;
}

int
leaf_decode(struct leaf *ret, const uint8_t *input, size_t len)
{
    const size_t head = sizeof LEAF_TAG + 1 + 1 + 8 + 8 + 1;
    const uint8_t *at = input + sizeof LEAF_TAG;
    uint8_t n;

    if (len < head || memcmp(input, LEAF_TAG, sizeof LEAF_TAG) != 0 || at[0] != LEAF_VERSION || at[1] > LEAF_KEY)
        return -EBADMSG;
    n = at[18];
    if (n > LEAF_SLOTS_MAX || len != head + (size_t)n * LEAF_HASH_SIZE)
        return -EBADMSG;
    ret->cls = at[1];
    ret->seq = from_be64(at + 2);
    ret->ts_ms = from_be64(at + 10);
    ret->n = n;
    memcpy(ret->digests, input + head, (size_t)n * LEAF_HASH_SIZE);
    return 0;
}

void
leaf_hash(const uint8_t *input, size_t len, uint8_t ret[LEAF_HASH_SIZE])
{
    static const uint8_t prefix = 0;
    const struct piece pieces[] = {{&prefix, 1}, {input, len}};

    sha256(pieces, 2, ret);
}
