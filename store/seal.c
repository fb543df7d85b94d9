/*
 * seal - content of a record under the key of its dossier (seal.h says how)
 *
 * A leaf input ends with n and the digests, so that the additional data is a constant before its tail, and the nonce
 * lies at a fixed place in it.
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

static const uint8_t label[] = "wici-seal-v1"; /* with its NUL */

#define AD_MAX (sizeof label + 1u + LEAF_SLOTS_MAX * LEAF_HASH_SIZE)

static size_t
ad_build(uint8_t ad[AD_MAX], const uint8_t *leaf_input)
{
    size_t tail = SEAL_LEAF_LEN(leaf_input[SEAL_LEAF_HEAD]) - SEAL_LEAF_HEAD;

    assert(leaf_input[SEAL_LEAF_HEAD] >= 1 && leaf_input[SEAL_LEAF_HEAD] <= LEAF_SLOTS_MAX);
    memcpy(ad, label, sizeof label);
    memcpy(ad + sizeof label, leaf_input + SEAL_LEAF_HEAD, tail);
    return sizeof label + tail;
}

void
seal_make(uint8_t *sealed, const uint8_t *plain, size_t len, const uint8_t *leaf_input,
          const uint8_t key[SEAL_KEY_SIZE])
{
    uint8_t ad[AD_MAX];
    size_t ad_len = ad_build(ad, leaf_input);

    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, len, ad, ad_len, NULL,
                                               leaf_input + SEAL_LEAF_HEAD + 1, key);
}

int
seal_open(uint8_t *plain, const uint8_t *sealed, size_t len, const uint8_t *leaf_input,
          const uint8_t key[SEAL_KEY_SIZE])
{
    uint8_t ad[AD_MAX];
    size_t ad_len = ad_build(ad, leaf_input);

    if (len < SEAL_TAG_SIZE || crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, len, ad, ad_len,
                                                                          leaf_input + SEAL_LEAF_HEAD + 1, key) != 0)
        return -EBADMSG;
    return 0;
}
