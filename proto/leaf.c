/*
 * leaf - the hashed bytes, written big-endian piece by piece
 *
 * What is hashed here is short and there is a lot of it: a leaf of 16 slots takes 20 hashes, most of them of one block.
 * OpenSSL 3's EVP interface spends more on each than the hash itself takes (0.11 us against 0.05 us for 46 bytes in
 * three pieces), so the block interface is called directly. It is deprecated in favour of EVP's exchangeable providers;
 * here the algorithm is part of the format and cannot be exchanged.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "leaf.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define SALT_TAG     "wici-salt-v1" /* each tag is hashed with its terminating 0 */
#define DECOY_TAG    "wici-decoy-v1"
#define SECTION_TAG  "wici-section-v1"
#define LEAF_TAG     "wici-event-v1"
#define LEAF_VERSION 1u

static_assert(SHA256_DIGEST_LENGTH == LEAF_HASH_SIZE, "SHA-256 throughout");

/* Hashes head, then body. Nothing but a fault of the library makes it fail, and then nothing could be proven: stop. */
static void
sha256(const void *head, size_t head_len, const void *body, size_t body_len, uint8_t ret[LEAF_HASH_SIZE])
{
    SHA256_CTX context;
    int ok = SHA256_Init(&context) == 1 && SHA256_Update(&context, head, head_len) == 1;

    if (ok && body_len > 0)
        ok = SHA256_Update(&context, body, body_len) == 1;
    if (!ok || SHA256_Final(ret, &context) != 1)
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
    sha256(data, len, NULL, 0, ret);
}

/*
 * What salts and decoys are hashed from fits one block of SHA-256, and from slot to slot only one byte of it changes.
 * So the block is put together and padded once.
 */
struct derived {
    uint8_t block[SHA256_CBLOCK];
    size_t slot_at;
};

static_assert(sizeof DECOY_TAG + LEAF_SEED_SIZE + 1 + 1 + 8 <= SHA256_CBLOCK,
              "the longer of the two fits with padding");

static void
derived_begin(struct derived *d, const char *tag, size_t tag_size, const uint8_t seed[LEAF_SEED_SIZE])
{
    d->slot_at = tag_size + LEAF_SEED_SIZE;
    memcpy(d->block, tag, tag_size);
    memcpy(d->block + tag_size, seed, LEAF_SEED_SIZE);
    memset(d->block + d->slot_at, 0, sizeof d->block - d->slot_at);
    d->block[d->slot_at + 1] = 0x80;
    be64(d->block + sizeof d->block - 8, (d->slot_at + 1) * 8);
}

static void
derived_take(struct derived *d, uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    SHA256_CTX context;

    d->block[d->slot_at] = slot;
    if (SHA256_Init(&context) != 1)
        abort();
    SHA256_Transform(&context, d->block);
    for (unsigned i = 0; i < 8; i++)
        be32(ret + 4 * i, context.h[i]);
}

void
leaf_salt(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    struct derived salts;

    derived_begin(&salts, SALT_TAG, sizeof SALT_TAG, seed);
    derived_take(&salts, slot, ret);
}

void
leaf_decoy(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE])
{
    struct derived decoys;

    derived_begin(&decoys, DECOY_TAG, sizeof DECOY_TAG, seed);
    derived_take(&decoys, slot, ret);
}

void
leaf_section_digest(const struct leaf_part *part, const uint8_t salt[LEAF_HASH_SIZE], uint8_t ret[LEAF_HASH_SIZE])
{
    uint8_t head[sizeof SECTION_TAG + 3 + LEAF_HASH_SIZE + 4], *at = head + sizeof SECTION_TAG;

    memcpy(head, SECTION_TAG, sizeof SECTION_TAG);
    at[0] = part->slot;
    be16(at + 1, part->section_id);
    memcpy(at + 3, salt, LEAF_HASH_SIZE);
    be32(at + 3 + LEAF_HASH_SIZE, part->len);
    sha256(head, sizeof head, part->body, part->len, ret);
}

void
leaf_fill(struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE], const struct leaf_part *parts, size_t count)
{
    struct derived salts, decoys;
    uint32_t filled = 0;

    assert(leaf->n <= LEAF_SLOTS_MAX);
    derived_begin(&salts, SALT_TAG, sizeof SALT_TAG, seed);
    derived_begin(&decoys, DECOY_TAG, sizeof DECOY_TAG, seed);
    for (size_t i = 0; i < count; i++) {
        uint8_t salt[LEAF_HASH_SIZE];

        assert(parts[i].slot < leaf->n);
        assert((filled & (1u << parts[i].slot)) == 0);
        filled |= 1u << parts[i].slot;
        derived_take(&salts, parts[i].slot, salt);
        leaf_section_digest(&parts[i], salt, leaf->digests[parts[i].slot]);
    }
    for (uint8_t slot = 0; slot < leaf->n; slot++)
        if ((filled & (1u << slot)) == 0)
            derived_take(&decoys, slot, leaf->digests[slot]);
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

    sha256(&prefix, 1, input, len, ret);
}
