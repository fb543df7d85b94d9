/*
 * keys - the key store: one wrapped key per dossier, in a file of fixed entries beside the log
 *
 * The file "keys" in the key directory is a row of 80-byte entries. Entry 0 is the header:
 *
 *     magic "WICIKEYS" 8 | version u32 = 1 | zero 4 | nonce 24 | seal(KEK; pair id 16) 32 | zero 8
 *
 * Its seal tells a key-encryption key (KEK) that does not fit; the pair id inside, 16 random bytes that the log has
 * too, tells a key store that belongs to another log. Entries 1, 2, 3, ... are
 *
 *     generation u32 | state u8: 0 free, 1 live, 2 erased | zero 3 | nonce 24 | seal(KEK; key 32) 48
 *
 * sealed with XChaCha20-Poly1305, additional data "wici-key-v1\0", entry u32, generation u32. An erased entry is zero
 * but for its state and its raised generation.
 *
 * Entries are made and synced 1,024 at a time, before anyone knows which dossiers will take them; so an entry does not
 * name its dossier. The dossier id lies in the header part of each sealed record, and a fold of the log finds it.
 * Which entries are taken is the log's knowledge too (the highest entry a committed record uses).
 *
 * Opening reads the header only, so that a million entries open at once; keys are unwrapped when first used and kept
 * in a bounded cache outside of core dumps, wiped at the end.
 *
 * Errors: 0 or -errno. Threads: one at a time.
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdint.h>

#define KEYS_ENTRY_SIZE 80u
#define KEYS_PAIR_SIZE  16u
#define KEYS_FILE       "keys"

struct keys;

/*
 * Makes a key store with a fresh pair id, and the KEK when kek_path does not exist; both are synced, with their
 * directories.
 *   -EEXIST  there is a key store: nothing was touched
 *   -EPERM   the KEK there is can be read by others, or is not 32 bytes
 */
int keys_create(const char *key_dir, const char *kek_path, uint8_t ret_pair[KEYS_PAIR_SIZE]);

/* -EPERM: no KEK, or readable by others, or not the one. -EBADMSG: no key store, or not a key store. */
int keys_open(struct keys **ret, const char *key_dir, const char *kek_path, uint8_t ret_pair[KEYS_PAIR_SIZE]);
void keys_close(struct keys **keys);

/* Number of the last entry the file has room for as it is; entries above are not made yet. */
int keys_last(struct keys *keys, uint32_t *ret_entry);

/* The first live entry above `after`, made when there is none; when this returns 0 the entry is on disk. -EOVERFLOW:
 * there are no more numbers. */
int keys_next(struct keys *keys, uint32_t after, uint32_t *ret_entry);

/*
 * The key of an entry; it lives until the next call. The generation is set with 0 and -ENOKEY.
 *   -ENOENT   no such entry
 *   -ENOKEY   erased
 *   -EBADMSG  it does not unwrap
 */
int keys_find(struct keys *keys, uint32_t entry, const uint8_t **ret_key, uint32_t *ret_generation);

/*
 * Destroys the key of an entry: marks it as erased in the file, raises its generation, zeroes it, syncs each, and wipes
 * what memory holds of it. One that is erased already is zeroed and synced once more, as whoever began it may have died
 * half-way. After an error the key may be there or not: call again.
 *   -ENOENT  no such entry
 */
int keys_erase(struct keys *keys, uint32_t entry);

#endif
