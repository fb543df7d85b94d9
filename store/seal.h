/*
 * seal - content of a record under the key of its dossier
 *
 * XChaCha20-Poly1305. The nonce is the first 24 bytes of the leaf's digest 0, whose salt is fresh for each record. The
 * additional data is the leaf input, as it is: a seal that opens says that this content was sealed for this class, seq
 * and time and these digests, so that reading need not compute any of them again.
 *
 * Threads: any.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_SIZE 32u
#define SEAL_TAG_SIZE 16u /* a sealed blob is longer than its content by this */

/* Bytes of a leaf input before n, and its length with n digests. */
#define SEAL_LEAF_HEAD   32u
#define SEAL_LEAF_LEN(n) (SEAL_LEAF_HEAD + 1u + (size_t)(n)*32u)

/* Writes len + SEAL_TAG_SIZE bytes to sealed, which may not overlap plain. */
void seal_make(uint8_t *sealed, const uint8_t *plain, size_t len, const uint8_t *leaf_input,
               const uint8_t key[SEAL_KEY_SIZE]);

/* Writes len - SEAL_TAG_SIZE bytes to plain. -EBADMSG: another key, another leaf, or changed bytes. */
int seal_open(uint8_t *plain, const uint8_t *sealed, size_t len, const uint8_t *leaf_input,
              const uint8_t key[SEAL_KEY_SIZE]);

#endif
