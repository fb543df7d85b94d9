/*
 * seal - content of a record under the key of its dossier (seal.h says how)
 *
 * The leaf input lies before the sealed content in its row, as it is: nothing is built for it. The nonce lies at a
 * fixed place in it.
 */
#include "store/seal.h"

#include "proto/leaf.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == SEAL_KEY_SIZE, "a key is 32 bytes");
static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == SEAL_TAG_SIZE, "a tag is 16 bytes");
static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES <= LEAF_HASH_SIZE, "the nonce is part of a digest");
static_assert(SEAL_LEAF_LEN(LEAF_SLOTS_MAX) == LEAF_INPUT_MAX, "the leaf input of proto/leaf.h");

static size_t
leaf_len(const uint8_t *leaf_input)
{
    assert(leaf_input[SEAL_LEAF_HEAD] >= 1 && leaf_input[SEAL_LEAF_HEAD] <= LEAF_SLOTS_MAX);
    return SEAL_LEAF_LEN(leaf_input[SEAL_LEAF_HEAD]);
}

void
seal_make(uint8_t *sealed, const uint8_t *plain, size_t len, const uint8_t *leaf_input,
          const uint8_t key[SEAL_KEY_SIZE])
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, len, leaf_input, leaf_len(leaf_input), NULL,
                                               leaf_input + SEAL_LEAF_HEAD + 1, key);
}

int
seal_open(uint8_t *plain, const uint8_t *sealed, size_t len, const uint8_t *leaf_input,
          const uint8_t key[SEAL_KEY_SIZE])
{
    if (len < SEAL_TAG_SIZE ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, len, leaf_input, leaf_len(leaf_input),
                                                   leaf_input + SEAL_LEAF_HEAD + 1, key) != 0)
        return -EBADMSG;
    return 0;
}
