/* keys_entry - one entry of the key store, for the files that read and write the store whole (keys.h gives the layout)
 */
#ifndef STORE_KEYS_ENTRY_H
#define STORE_KEYS_ENTRY_H

#include "store/keys.h"

#include <sodium.h>

#define KEY_SIZE   32u
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE   crypto_aead_xchacha20poly1305_ietf_ABYTES

enum { STATE_FREE = 0, STATE_LIVE = 1, STATE_ERASED = 2 };

/* Places in an entry */
enum { AT_GENERATION = 0, AT_STATE = 4, AT_NONCE = 8, AT_SEALED = 32 };

/* -EBADMSG: it does not open. */
int keys_entry_unwrap(const uint8_t kek[KEY_SIZE], const uint8_t *bytes, uint32_t entry, uint8_t ret_key[KEY_SIZE]);
/* Generation, state and nonce stand in bytes already. */
void keys_entry_wrap(const uint8_t kek[KEY_SIZE], uint8_t *bytes, uint32_t entry, const uint8_t key[KEY_SIZE]);

/* The header of a key store of this pair. */
void keys_header_make(const uint8_t kek[KEY_SIZE], const uint8_t pair[KEYS_PAIR_SIZE], uint8_t ret[KEYS_ENTRY_SIZE]);
/* -EBADMSG: it is none. -EPERM: it is of another KEK. */
int keys_header_open(const uint8_t kek[KEY_SIZE], const uint8_t header[KEYS_ENTRY_SIZE],
                     uint8_t ret_pair[KEYS_PAIR_SIZE]);

/* Reads a KEK. -EPERM: anyone but its owner, us or root, can read it; or there is none, or not 32 bytes. */
int keys_kek_read(const char *path, uint8_t ret[KEY_SIZE]);

#endif
