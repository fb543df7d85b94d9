/*
 * digest - a SHA-256 that may be put away between blocks and taken up again, by another process too
 *
 * What a digest is of comes in pieces, and whoever takes them may die between two. Where the pieces are whole blocks,
 * 40 bytes say all about what was taken so far.
 *
 * Threads: any, each with its own digest.
 */
#ifndef WICI_DIGEST_H
#define WICI_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE  32u
#define DIGEST_BLOCK 64u

struct digest {
    uint32_t h[8];
    uint64_t len; /* bytes taken so far: whole blocks */
};

void digest_begin(struct digest *digest);
/* len is a multiple of DIGEST_BLOCK. */
void digest_add(struct digest *digest, const void *bytes, size_t len);
/* Takes the last piece, of any length, and gives the digest of all of them. `digest` stays as it was before it. */
void digest_end(const struct digest *digest, const void *bytes, size_t len, uint8_t ret[DIGEST_SIZE]);

#endif
