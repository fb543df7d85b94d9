/*
 * kek - see kek.h
 *
 * A call begins by looking how far an earlier one came: which of the two keys opens the key store says it.
 */
#include "store/kek.h"

#include "store/be.h"
#include "store/env.h"
#include "proto/file.h"
#include "store/internal.h"
#include "store/keys_entry.h"
#include "store/lmdb_err.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP      1024u /* entries read and written at a time */
#define KEYS_NEXT KEYS_FILE ".next"

typedef int kek_read_fn(const char *path, uint8_t ret[KEY_SIZE]);

struct kek {
    const struct kek_options *options;
    char keys[PATH_MAX], keys_next[PATH_MAX]; /* the key store, and the one that takes its place */
    char kek_next[PATH_MAX], kek_old[PATH_MAX];
    char copy[PATH_MAX];
    uint32_t used; /* the highest entry that records use */
    uint8_t log_pair[KEYS_PAIR_SIZE];
    uint32_t *entry;
    uint8_t *step; /* 2 * STEP entries */
};

static int
path_beside(char ret[PATH_MAX], const char *path, const char *suffix)
{
    int len = snprintf(ret, PATH_MAX, "%s%s", path, suffix);

    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool
is_there(const char *path, const char *suffix)
{
    char beside[PATH_MAX];
    struct stat sb;

    return path_beside(beside, path, suffix) == 0 && lstat(beside, &sb) == 0;
}

bool
kek_is_half_rotated(const char *kek_path)
{
    return is_there(kek_path, KEK_NEXT);
}

bool
kek_old_is_left(const char *kek_path)
{
    return is_there(kek_path, KEK_OLD);
}

/* ---- what there is */

/* The highest entry in use, and the pair id, from the log; nobody writes it, since we hold its lock. */
static int
log_look(struct kek *k)
{
    struct store *st = calloc(1, sizeof *st);
    const uint8_t *frontier;
    char log_dir[PATH_MAX];
    MDB_txn *txn = NULL;
    size_t len;
    int rc = st == NULL ? -ENOMEM : file_path(log_dir, k->options->store.dir, "log");

    if (rc == 0)
        rc = env_open_copy(&st->env, log_dir, STORE_DBS);
    if (rc == 0)
        rc = err_from_lmdb(mdb_txn_begin(st->env, NULL, MDB_RDONLY, &txn));
    if (rc == 0)
        rc = err_from_lmdb(mdb_dbi_open(txn, "meta", 0, &st->meta));
    if (rc == 0)
        rc = identity_load(st, txn);
    if (rc == 0)
        rc = state_load(st, txn, &frontier, &len);
    if (rc == 0) {
        k->used = st->at.keys_used;
        memcpy(k->log_pair, st->pair, sizeof st->pair);
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    if (st != NULL && st->env != NULL)
        mdb_env_close(st->env);
    free(st);
    return rc;
}

/* A copy may lie on a medium that knows no owners. */
static int
kek_copy_read(const char *path, uint8_t ret[KEY_SIZE])
{
    uint8_t bytes[KEY_SIZE + 1];
    size_t had = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return -errno;
    rc = file_read_at(fd, bytes, sizeof bytes, 0, &had);
    close(fd);
    if (rc == 0 && had != KEY_SIZE)
        rc = -EBADMSG;
    if (rc == 0)
        memcpy(ret, bytes, KEY_SIZE);
    sodium_memzero(bytes, sizeof bytes);
    return rc;
}

/* Does this KEK open that key store, and is it the log's? */
static int
store_opens(const struct kek *k, const char *keys_path, const char *kek_path, kek_read_fn *kek_read)
{
    uint8_t header[KEYS_ENTRY_SIZE], kek[KEY_SIZE], pair[KEYS_PAIR_SIZE];
    size_t had = 0;
    int fd, rc = kek_read(kek_path, kek);

    if (rc != 0)
        return rc;
    fd = open(keys_path, O_RDONLY | O_CLOEXEC);
    rc = fd < 0 ? -errno : file_read_at(fd, header, sizeof header, 0, &had);
    if (fd >= 0)
        close(fd);
    if (rc == 0)
        rc = had < sizeof header ? -EBADMSG : keys_header_open(kek, header, pair);
    if (rc == 0 && memcmp(pair, k->log_pair, sizeof pair) != 0)
        rc = -EBADMSG;
    sodium_memzero(kek, sizeof kek);
    return rc;
}

/* ---- making */

/* One that an interrupted call made is used again: the copy of it may be in the operator's hands by now. */
static int
kek_next_make(const struct kek *k)
{
    const char *kek_path = k->options->store.kek_path;
    uint8_t kek[KEY_SIZE];
    int fd, rc = keys_kek_read(k->kek_next, kek);

    if (rc != 0 && is_there(k->kek_next, ""))
        goto out;
    if (rc != 0) {
        randombytes_buf(kek, sizeof kek);
        rc = file_create(k->kek_next, kek, sizeof kek);
    }
    if (rc == 0) {
        fd = open(k->kek_next, O_RDONLY | O_CLOEXEC);
        rc = fd < 0 ? -errno : file_owner_keep(fd, kek_path);
        if (rc == 0 && fsync(fd) != 0)
            rc = -errno;
        if (fd >= 0)
            close(fd);
    }
    if (rc == 0)
        rc = file_sync_parent(kek_path);
out:
    sodium_memzero(kek, sizeof kek);
    return rc;
}

/* The entry under another KEK. What is no key, and no record uses, is left out: whoever takes it makes it. */
static int
entry_rewrap(const struct kek *k, const uint8_t *old_kek, const uint8_t *new_kek, uint8_t *bytes, uint32_t entry)
{
    uint8_t key[KEY_SIZE];
    int rc;

    if (bytes[AT_STATE] != STATE_LIVE && (bytes[AT_STATE] != STATE_FREE || entry > k->used))
        return 0;
    rc = bytes[AT_STATE] == STATE_LIVE ? keys_entry_unwrap(old_kek, bytes, entry, key) : -EBADMSG;
    if (rc == 0) {
        randombytes_buf(bytes + AT_NONCE, NONCE_SIZE);
        keys_entry_wrap(new_kek, bytes, entry, key);
    } else if (entry > k->used) {
        sodium_memzero(bytes, KEYS_ENTRY_SIZE);
        rc = 0;
    } else {
        *k->entry = entry;
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

static int
entries_rewrap(const struct kek *k, int from, int to, const uint8_t *old_kek, const uint8_t *new_kek)
{
    size_t had = STEP * KEYS_ENTRY_SIZE;
    uint32_t first = 1;
    int rc = 0;

    while (rc == 0 && had == STEP * KEYS_ENTRY_SIZE) {
        off_t at = (off_t)first * KEYS_ENTRY_SIZE;
        uint32_t count;

        rc = file_read_at(from, k->step, STEP * KEYS_ENTRY_SIZE, at, &had);
        count = rc == 0 ? (uint32_t)(had / KEYS_ENTRY_SIZE) : 0;
        for (uint32_t i = 0; rc == 0 && i < count; i++)
            rc = entry_rewrap(k, old_kek, new_kek, k->step + i * KEYS_ENTRY_SIZE, first + i);
        if (rc == 0)
            rc = file_write_at(to, k->step, count * KEYS_ENTRY_SIZE, at);
        first += STEP;
    }
    return rc;
}

static int
keys_next_make(const struct kek *k)
{
    uint8_t header[KEYS_ENTRY_SIZE], old_kek[KEY_SIZE], new_kek[KEY_SIZE];
    int from = -1, to = -1, rc;

    if ((rc = keys_kek_read(k->options->store.kek_path, old_kek)) != 0 ||
        (rc = keys_kek_read(k->kek_next, new_kek)) != 0)
        goto out;
    if ((from = open(k->keys, O_RDONLY | O_CLOEXEC)) < 0 ||
        (to = open(k->keys_next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0) {
        rc = -errno;
        goto out;
    }
    keys_header_make(new_kek, k->log_pair, header);
    rc = file_owner_keep(to, k->keys);
    if (rc == 0)
        rc = file_write_at(to, header, sizeof header, 0);
    if (rc == 0)
        rc = entries_rewrap(k, from, to, old_kek, new_kek);
    if (rc == 0 && fsync(to) != 0)
        rc = -errno;
    if (rc == 0)
        rc = file_sync_parent(k->keys);
out:
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && rc == 0)
        rc = -errno;
    sodium_memzero(old_kek, sizeof old_kek);
    sodium_memzero(new_kek, sizeof new_kek);
    return rc;
}

/* ---- comparing */

/* Do these two say the same? What no record uses may be missing in the second. */
static bool
entry_is_same(const struct kek *k, const uint8_t *a, const uint8_t *kek_a, const uint8_t *b, const uint8_t *kek_b,
              uint32_t entry)
{
    uint8_t key_a[KEY_SIZE], key_b[KEY_SIZE];
    bool same;

    if (a[AT_STATE] == STATE_LIVE && keys_entry_unwrap(kek_a, a, entry, key_a) == 0)
        same = b[AT_STATE] == STATE_LIVE && be32_get(a + AT_GENERATION) == be32_get(b + AT_GENERATION) &&
               keys_entry_unwrap(kek_b, b, entry, key_b) == 0 && sodium_memcmp(key_a, key_b, sizeof key_a) == 0;
    else if (a[AT_STATE] == STATE_ERASED)
        same = memcmp(a, b, KEYS_ENTRY_SIZE) == 0;
    else
        same = entry > k->used;
    sodium_memzero(key_a, sizeof key_a);
    sodium_memzero(key_b, sizeof key_b);
    return same;
}

static int
entries_compare(const struct kek *k, int a, const uint8_t *kek_a, int b, const uint8_t *kek_b)
{
    uint8_t *step_b = k->step + STEP * KEYS_ENTRY_SIZE;
    size_t had = STEP * KEYS_ENTRY_SIZE, had_b = 0;
    uint32_t first = 1;
    int rc = 0;

    while (rc == 0 && had == STEP * KEYS_ENTRY_SIZE) {
        off_t at = (off_t)first * KEYS_ENTRY_SIZE;

        if ((rc = file_read_at(a, k->step, STEP * KEYS_ENTRY_SIZE, at, &had)) != 0 ||
            (rc = file_read_at(b, step_b, STEP * KEYS_ENTRY_SIZE, at, &had_b)) != 0)
            break;
        had -= had % KEYS_ENTRY_SIZE; /* a torn end is no entry */
        for (uint32_t i = 0; rc == 0 && i < had / KEYS_ENTRY_SIZE; i++)
            if (had_b < (i + 1) * KEYS_ENTRY_SIZE || !entry_is_same(k, k->step + i * KEYS_ENTRY_SIZE, kek_a,
                                                                    step_b + i * KEYS_ENTRY_SIZE, kek_b, first + i)) {
                *k->entry = first + i;
                rc = -EBADMSG;
            }
        first += STEP;
    }
    return rc;
}

/* The key store in use under the old KEK, against another file under another KEK, both read anew. */
static int
copy_check(const struct kek *k, const char *keys_path, const char *kek_path, kek_read_fn *kek_read)
{
    uint8_t old_kek[KEY_SIZE], new_kek[KEY_SIZE];
    int a = -1, b = -1, rc = store_opens(k, keys_path, kek_path, kek_read);

    if (rc != 0 || (rc = keys_kek_read(k->options->store.kek_path, old_kek)) != 0 ||
        (rc = kek_read(kek_path, new_kek)) != 0)
        goto out;
    if ((a = open(k->keys, O_RDONLY | O_CLOEXEC)) < 0 || (b = open(keys_path, O_RDONLY | O_CLOEXEC)) < 0) {
        rc = -errno;
        goto out;
    }
    rc = entries_compare(k, a, old_kek, b, new_kek);
out:
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    sodium_memzero(old_kek, sizeof old_kek);
    sodium_memzero(new_kek, sizeof new_kek);
    return rc;
}

/* ---- the steps */

/* Whole or not at all; -EEXIST: what stands there must be a copy that an interrupted call made. The medium may know no
 * links, and nobody else writes there. */
static int
copy_put(const char *from, const char *to)
{
    char aside[PATH_MAX];
    int rc = path_beside(aside, to, ".part");

    if (rc != 0)
        return rc;
    if (is_there(to, ""))
        return file_sync_parent(to) != 0 ? -EIO : -EEXIST;
    if (unlink(aside) != 0 && errno != ENOENT)
        return -errno;
    rc = file_copy(from, aside);
    if (rc == 0 && rename(aside, to) != 0)
        rc = -errno;
    if (rc == 0)
        return file_sync_parent(to);
    (void)unlink(aside);
    return rc;
}

static int
copies_make(const struct kek *k)
{
    const struct kek_options *o = k->options;
    bool there;
    int rc;

    if ((rc = file_make_dir(o->copy_dir)) != 0)
        return rc;
    rc = copy_put(k->kek_next, o->kek_copy);
    there = rc == -EEXIST;
    if (rc != 0 && !there)
        return rc;
    rc = copy_put(k->keys_next, k->copy);
    there = there || rc == -EEXIST;
    if (rc != 0 && rc != -EEXIST)
        return rc;
    rc = copy_check(k, k->copy, o->kek_copy, kek_copy_read);
    return rc != 0 && there ? -EEXIST : rc;
}

static int
rotation_begin(const struct kek *k)
{
    int rc;

    if (k->options->copy_dir == NULL || k->options->kek_copy == NULL)
        return -EINVAL;
    if ((rc = kek_next_make(k)) != 0 || (rc = keys_next_make(k)) != 0 ||
        (rc = copy_check(k, k->keys_next, k->kek_next, keys_kek_read)) != 0 || (rc = copies_make(k)) != 0)
        return rc;
    if (rename(k->keys_next, k->keys) != 0)
        return -errno;
    return file_sync_parent(k->keys);
}

/* The new KEK takes the old one's place, which keeps a name of its own until it is destroyed. */
static int
kek_replace(const struct kek *k)
{
    const char *kek = k->options->store.kek_path;

    if (link(kek, k->kek_old) != 0 && errno != EEXIST)
        return -errno;
    if (file_sync_parent(kek) != 0)
        return -EIO;
    if (rename(k->kek_next, kek) != 0)
        return -errno;
    return file_sync_parent(kek);
}

static bool
is_one_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int
kek_destroy(const struct kek *k)
{
    uint8_t nothing[KEY_SIZE] = {0};
    int fd, rc;

    if (is_one_file(k->kek_old, k->options->store.kek_path)) /* somebody put the old key store back: it is in use */
        return unlink(k->kek_old) != 0 ? -errno : file_sync_parent(k->kek_old);
    fd = open(k->kek_old, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    rc = file_write_at(fd, nothing, sizeof nothing, 0);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && unlink(k->kek_old) != 0)
        rc = -errno;
    return rc == 0 ? file_sync_parent(k->kek_old) : rc;
}

/* What an interrupted call named may not be on disk: it died before its sync. The old KEK is not to go before it is. */
static int
names_sync(const struct kek *k)
{
    int rc = file_sync_parent(k->keys);

    return rc == 0 ? file_sync_parent(k->options->store.kek_path) : rc;
}

/* As far as each of the three states goes: nothing done, the key store replaced, the KEK replaced. */
static int
rotation_go_on(const struct kek *k, enum kek_outcome *ret)
{
    const char *kek = k->options->store.kek_path;
    int rc = store_opens(k, k->keys, kek, keys_kek_read);

    *ret = KEK_FINISHED;
    if (rc == 0 && !is_there(k->kek_old, "")) {
        *ret = KEK_ROTATED;
        rc = rotation_begin(k);
        if (rc == 0)
            rc = kek_replace(k);
    } else if (rc == -EPERM) {
        rc = store_opens(k, k->keys, k->kek_next, keys_kek_read);
        if (rc == 0)
            rc = names_sync(k);
        if (rc == 0)
            rc = kek_replace(k);
    } else if (rc == 0) {
        rc = names_sync(k);
    }
    return rc == 0 ? kek_destroy(k) : rc;
}

int
kek_rotate(const struct kek_options *o, enum kek_outcome *ret, uint32_t *entry)
{
    struct kek k = {.options = o, .entry = entry};
    int lock_fd = -1, rc;

    *entry = 0;
    if (sodium_init() < 0)
        return -EIO;
    k.step = malloc(2 * STEP * KEYS_ENTRY_SIZE);
    if (k.step == NULL)
        return -ENOMEM;
    if ((rc = file_path(k.keys, o->store.key_dir, KEYS_FILE)) != 0 ||
        (rc = file_path(k.keys_next, o->store.key_dir, KEYS_NEXT)) != 0 ||
        (rc = path_beside(k.kek_next, o->store.kek_path, KEK_NEXT)) != 0 ||
        (rc = path_beside(k.kek_old, o->store.kek_path, KEK_OLD)) != 0 ||
        (o->copy_dir != NULL && (rc = file_path(k.copy, o->copy_dir, KEYS_FILE)) != 0) ||
        (rc = lock_take(o->store.dir, &lock_fd)) != 0)
        goto out;
    rc = log_look(&k);
    if (rc == 0)
        rc = rotation_go_on(&k, ret);
out:
    if (lock_fd >= 0)
        close(lock_fd);
    free(k.step);
    return rc;
}
