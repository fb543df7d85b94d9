/*
 * leaf - salts, decoys, section digests and the leaf of a record (docs/AUDIT.md gives the bytes)
 *
 * Pure functions of their arguments over SHA-256. All integers in the hashed bytes are big-endian.
 * Threads: any; each keeps its own hashing context.
 */
#ifndef WICI_LEAF_H
#define WICI_LEAF_H

#include <stddef.h>
#include <stdint.h>

#define LEAF_HASH_SIZE 32u
#define LEAF_SEED_SIZE 32u
#define LEAF_SLOTS_MAX 32u
#define LEAF_INPUT_MAX (14u + 1u + 1u + 8u + 8u + 1u + LEAF_SLOTS_MAX * LEAF_HASH_SIZE)

enum leaf_class { LEAF_EVENT = 0, LEAF_ERASURE_INTENDED = 1, LEAF_ERASURE_DONE = 2, LEAF_KEY = 3 };

/* One part of a record: the header (slot 0), the broker's note (slot 1) or a section. */
struct leaf_part {
    uint8_t slot;
    uint16_t section_id;
    uint32_t len;
    const uint8_t *body;
};

struct leaf {
    uint8_t cls; /* enum leaf_class */
    uint8_t n;
    uint64_t seq;
    uint64_t ts_ms;
    uint8_t digests[LEAF_SLOTS_MAX][LEAF_HASH_SIZE];
};

void leaf_salt(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE]);
void leaf_decoy(const uint8_t seed[LEAF_SEED_SIZE], uint8_t slot, uint8_t ret[LEAF_HASH_SIZE]);
void leaf_section_digest(const struct leaf_part *part, const uint8_t salt[LEAF_HASH_SIZE], uint8_t ret[LEAF_HASH_SIZE]);

/* Fills leaf->digests[0..n-1] from the parts, decoys where there is none. Slots must be distinct and below leaf->n. */
void leaf_fill(struct leaf *leaf, const uint8_t seed[LEAF_SEED_SIZE], const struct leaf_part *parts, size_t count);

/* Writes the leaf input and returns its length, at most LEAF_INPUT_MAX. */
size_t leaf_encode(const struct leaf *leaf, uint8_t ret[LEAF_INPUT_MAX]);
/* -EBADMSG: not a leaf input of a version we know. */
int leaf_decode(struct leaf *ret, const uint8_t *input, size_t len);
/* SHA-256(0x00 || leaf input) */
void leaf_hash(const uint8_t *input, size_t len, uint8_t ret[LEAF_HASH_SIZE]);

void leaf_sha256(const void *data, size_t len, uint8_t ret[LEAF_HASH_SIZE]);

#endif
