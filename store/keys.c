/*
 * keys - the key store (keys.h gives the file)
 *
 * Invariants:
 *   (1) An entry that unwraps, or is erased, is never overwritten here: after an older copy of the log was restored, a
 *       newer copy may still need it. Only what cannot be a key (zero, or torn by a crash while it was made) is made.
 *   (2) keys_next() gives an entry only after an fdatasync of this process covered it. What an earlier process left may
 *       have been in the page cache only.
 */
#include "store/keys.h"

#include "store/be.h"
#include "proto/file.h"
#include "store/keys_entry.h"
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_MIN  1024u       /* unwrapped keys kept: 40 KiB, more as higher entries are asked for, */
#define CACHE_MAX  262144u     /* up to 10 MiB: reading and unwrapping one costs as much as opening a record */
#define ENTRY_LAST 0xffff0000u /* well below the end of u32 */

static_assert((CACHE_MIN & (CACHE_MIN - 1)) == 0, "the slot is the entry's low bits");
static_assert((CACHE_MAX & (CACHE_MAX - 1)) == 0, "the same");

struct cached {
    uint32_t entry; /* 0: empty */
    uint32_t generation;
    uint8_t key[KEY_SIZE];
};

struct keys {
    int fd;
    uint32_t synced;      /* entries keys_next may give; 0: none yet */
    uint8_t *kek;         /* both from sodium_malloc: guarded, locked when allowed, wiped by sodium_free */
    struct cached *cache; /* by the low bits of the entry */
    uint32_t cache_slots; /* a power of two */
};

/* random: KEY_SIZE bytes of key, then NONCE_SIZE of nonce */
static void
entry_make(const struct keys *k, uint8_t *bytes, uint32_t entry, const uint8_t *random)
{
    memset(bytes, 0, KEYS_ENTRY_SIZE);
    be32_put(bytes + AT_GENERATION, 1);
    bytes[AT_STATE] = STATE_LIVE;
    memcpy(bytes + AT_NONCE, random + KEY_SIZE, NONCE_SIZE);
    keys_entry_wrap(k->kek, bytes, entry, random);
}

/* Does the key lie in it, wrapped for the generation that it says? */
static bool
entry_is_whole(const struct keys *k, const uint8_t *bytes, uint32_t entry)
{
    uint8_t key[KEY_SIZE];
    bool whole = keys_entry_unwrap(k->kek, bytes, entry, key) == 0;

    sodium_memzero(key, sizeof key);
    return whole;
}

/* Is there something at this place that making an entry must not destroy? */
static bool
entry_is_kept(const struct keys *k, const uint8_t *bytes, uint32_t entry)
{
    return bytes[AT_STATE] == STATE_ERASED || (bytes[AT_STATE] == STATE_LIVE && entry_is_whole(k, bytes, entry));
}

/* Sees to STORE_KEY_ENTRIES_STEP entries from first on: makes those that are not there, syncs them all. */
static int
entries_make(struct keys *k, uint32_t first)
{
    enum { STEP = STORE_KEY_ENTRIES_STEP, RANDOM = KEY_SIZE + NONCE_SIZE };
    uint8_t *bytes = NULL, *random = NULL;
    off_t at = (off_t)first * KEYS_ENTRY_SIZE;
    size_t had = 0, from = STEP, to = 0;
    int rc = -ENOMEM;

    bytes = calloc(STEP, KEYS_ENTRY_SIZE);
    random = sodium_malloc((size_t)STEP * RANDOM);
    if (bytes == NULL || random == NULL)
        goto out;

    rc = file_read_at(k->fd, bytes, (size_t)STEP * KEYS_ENTRY_SIZE, at, &had);
    if (rc != 0)
        goto out;
    randombytes_buf(random, (size_t)STEP * RANDOM);
    for (size_t i = 0; i < STEP; i++) {
        uint8_t *entry = bytes + i * KEYS_ENTRY_SIZE;

        if (entry_is_kept(k, entry, first + (uint32_t)i))
            continue;
        entry_make(k, entry, first + (uint32_t)i, random + i * RANDOM);
        from = i < from ? i : from;
        to = i + 1;
    }
    if (to > from)
        rc = file_write_at(k->fd, bytes + from * KEYS_ENTRY_SIZE, (to - from) * KEYS_ENTRY_SIZE,
                           at + (off_t)(from * KEYS_ENTRY_SIZE));
    if (rc == 0 && fdatasync(k->fd) != 0)
        rc = -errno;
    if (rc == 0)
        k->synced = first + STEP - 1;
out:
    sodium_free(random);
    free(bytes);
    return rc;
}

int
keys_last(struct keys *k, uint32_t *ret_entry)
{
    struct stat sb;

    if (fstat(k->fd, &sb) != 0)
        return -errno;
    *ret_entry = sb.st_size / KEYS_ENTRY_SIZE > 1 ? (uint32_t)(sb.st_size / KEYS_ENTRY_SIZE - 1) : 0;
    return 0;
}

int
keys_next(struct keys *k, uint32_t after, uint32_t *ret_entry)
{
    const uint8_t *key;
    uint32_t generation;

    for (uint32_t entry = after + 1; entry < ENTRY_LAST; entry++) {
        int rc = 0;

        if (entry > k->synced)
            rc = entries_make(k, entry);
        if (rc == 0)
            rc = keys_find(k, entry, &key, &generation);
        if (rc == 0)
            *ret_entry = entry;
        if (rc != -ENOKEY) /* erased ones are passed over */
            return rc;
    }
    return -EOVERFLOW;
}

static int
cache_create(struct cached **ret, uint32_t slots)
{
    struct cached *cache = sodium_allocarray(slots, sizeof *cache);

    if (cache == NULL)
        return -ENOMEM;
    sodium_memzero(cache, slots * sizeof *cache);
    *ret = cache;
    return 0;
}

/* Makes the cache larger, as far as it may be, until the entry has a slot that no lower one uses. */
static int
cache_fit(struct keys *k, uint32_t entry)
{
    struct cached *grown;
    uint32_t slots = k->cache_slots;
    int rc;

    while (slots <= entry && slots < CACHE_MAX)
        slots *= 2;
    if (slots == k->cache_slots)
        return 0;
    rc = cache_create(&grown, slots);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < k->cache_slots; i++)
        if (k->cache[i].entry != 0)
            grown[k->cache[i].entry & (slots - 1)] = k->cache[i];
    sodium_free(k->cache);
    k->cache = grown;
    k->cache_slots = slots;
    return 0;
}

int
keys_find(struct keys *k, uint32_t entry, const uint8_t **ret_key, uint32_t *ret_generation)
{
    struct cached *slot;
    uint8_t bytes[KEYS_ENTRY_SIZE];
    size_t had;
    int rc;

    assert(entry != STORE_CLEAR_ENTRY);
    rc = cache_fit(k, entry);
    if (rc != 0)
        return rc;
    slot = &k->cache[entry & (k->cache_slots - 1)];
    if (slot->entry != entry) {
        rc = file_read_at(k->fd, bytes, sizeof bytes, (off_t)entry * KEYS_ENTRY_SIZE, &had);
        if (rc != 0)
            return rc;
        if (had < sizeof bytes || bytes[AT_STATE] == STATE_FREE)
            return -ENOENT;
        if (bytes[AT_STATE] == STATE_ERASED) {
            if (entry_is_whole(k, bytes, entry))
                return -EBADMSG; /* its key is there, of this generation: nobody erased it */
            *ret_generation = be32_get(bytes + AT_GENERATION);
            return -ENOKEY;
        }
        if (bytes[AT_STATE] != STATE_LIVE)
            return -EBADMSG;
        slot->entry = 0; /* a failed unwrap leaves no half of a key */
        rc = keys_entry_unwrap(k->kek, bytes, entry, slot->key);
        if (rc != 0)
            return rc;
        slot->generation = be32_get(bytes + AT_GENERATION);
        slot->entry = entry;
    }
    *ret_key = slot->key;
    *ret_generation = slot->generation;
    return 0;
}

/*
 * A power cut may write one half of an entry and not the other. Generation and state lie in its first 16 bytes, and no
 * sector ends within those; so the entry is live, whole or not, or erased with some of its key left. Either way the
 * same call finishes it. Nobody makes the entry anew meanwhile: entries are made above those that are in use.
 */
int
keys_erase(struct keys *k, uint32_t entry)
{
    uint8_t bytes[KEYS_ENTRY_SIZE];
    struct cached *slot = &k->cache[entry & (k->cache_slots - 1)];
    uint32_t generation;
    size_t had;
    int rc;

    assert(entry != STORE_CLEAR_ENTRY);
    rc = file_read_at(k->fd, bytes, sizeof bytes, (off_t)entry * KEYS_ENTRY_SIZE, &had);
    if (rc != 0)
        return rc;
    if (had < sizeof bytes || bytes[AT_STATE] == STATE_FREE)
        return -ENOENT;
    generation = be32_get(bytes + AT_GENERATION);
    if (bytes[AT_STATE] != STATE_ERASED)
        generation++;
    sodium_memzero(bytes, sizeof bytes);
    be32_put(bytes + AT_GENERATION, generation);
    bytes[AT_STATE] = STATE_ERASED;
    if (slot->entry == entry)
        sodium_memzero(slot, sizeof *slot);
    /* The head first, which no power cut tears: an entry that says it is live and has lost half its key is damage. */
    rc = file_write_at(k->fd, bytes, AT_NONCE, (off_t)entry * KEYS_ENTRY_SIZE);
    if (rc == 0 && fdatasync(k->fd) != 0)
        rc = -errno;
    if (rc == 0)
        rc = file_write_at(k->fd, bytes, sizeof bytes, (off_t)entry * KEYS_ENTRY_SIZE);
    if (rc == 0 && fdatasync(k->fd) != 0)
        rc = -errno;
    return rc;
}

/* ---- making and opening */

static int
kek_create(const char *path)
{
    uint8_t kek[KEY_SIZE];
    int rc;

    randombytes_buf(kek, sizeof kek);
    rc = file_create(path, kek, sizeof kek);
    sodium_memzero(kek, sizeof kek);
    return rc;
}

static int
kek_aside_remove(const char *kek_path)
{
    char aside[PATH_MAX];

    if (snprintf(aside, sizeof aside, "%s.tmp", kek_path) >= (int)sizeof aside)
        return -ENAMETOOLONG;
    return unlink(aside) != 0 && errno != ENOENT && errno != EACCES ? -errno : 0;
}

int
keys_create(const char *key_dir, const char *kek_path, uint8_t ret_pair[KEYS_PAIR_SIZE])
{
    uint8_t header[KEYS_ENTRY_SIZE] = {0}, kek[KEY_SIZE], pair[KEYS_PAIR_SIZE];
    char path[PATH_MAX];
    bool kek_made;
    int rc;

    rc = file_path(path, key_dir, KEYS_FILE);
    if (rc != 0)
        return rc;
    if (access(path, F_OK) == 0)
        return -EEXIST;
    kek_made = access(kek_path, F_OK) != 0 && errno == ENOENT;
    if (kek_made && (rc = kek_create(kek_path)) != 0)
        return rc;
    rc = keys_kek_read(kek_path, kek);
    if (rc != 0)
        goto out;
    /* What an attempt that died half-way wrote aside holds a key, perhaps this one: nobody looks for it there. */
    if (!kek_made && (rc = kek_aside_remove(kek_path)) != 0)
        goto out;
    /* Its name is synced also when it was there: whoever made it may have died before that. In a directory that we may
     * not read somebody else put it. */
    rc = file_sync_parent(kek_path);
    if (rc != 0 && (kek_made || rc != -EACCES))
        goto out;

    randombytes_buf(pair, sizeof pair);
    keys_header_make(kek, pair, header);
    rc = file_create(path, header, sizeof header);
    if (rc == 0)
        rc = file_sync_parent(path);
    if (rc == 0)
        memcpy(ret_pair, pair, sizeof pair);
out:
    sodium_memzero(kek, sizeof kek);
    return rc;
}

static int
header_check(const struct keys *k, uint8_t ret_pair[KEYS_PAIR_SIZE])
{
    uint8_t header[KEYS_ENTRY_SIZE];
    size_t had = 0;
    int rc = file_read_at(k->fd, header, sizeof header, 0, &had);

    if (rc != 0)
        return rc;
    return had != sizeof header ? -EBADMSG : keys_header_open(k->kek, header, ret_pair);
}

int
keys_open(struct keys **ret, const char *key_dir, const char *kek_path, uint8_t ret_pair[KEYS_PAIR_SIZE])
{
    char path[PATH_MAX];
    struct keys *k;
    int rc;

    k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    k->fd = -1;
    rc = -ENOMEM;
    k->kek = sodium_malloc(KEY_SIZE);
    if (k->kek == NULL || cache_create(&k->cache, CACHE_MIN) != 0)
        goto out;
    k->cache_slots = CACHE_MIN;

    if ((rc = keys_kek_read(kek_path, k->kek)) != 0 || (rc = file_path(path, key_dir, KEYS_FILE)) != 0)
        goto out;
    k->fd = open(path, O_RDWR | O_CLOEXEC);
    if (k->fd < 0) {
        rc = errno == ENOENT ? -EBADMSG : -errno;
        goto out;
    }
    rc = header_check(k, ret_pair);
    if (rc != 0)
        goto out;
    *ret = k;
    k = NULL;
out:
    keys_close(&k);
    return rc;
}

void
keys_close(struct keys **keys)
{
    struct keys *k = *keys;

    *keys = NULL;
    if (k == NULL)
        return;
    if (k->fd >= 0)
        close(k->fd);
    sodium_free(k->cache);
    sodium_free(k->kek);
    free(k);
}
