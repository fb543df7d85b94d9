/*
 * tiledir - see tiledir.h
 *
 * Writing and checking go the same way: leaf by leaf, with the newest tile of each level in memory. Where writing puts
 * a file, checking reads it and compares.
 */
#include "proto/tiledir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVEL_ENTRIES MERKLE_TILE_LEVELS /* as a level: the bundles of leaf inputs */

struct tiledir {
    char dir[PATH_MAX - TILEDIR_PATH_SIZE];
    struct merkle_tiles tree;
    uint8_t bundle[TILEDIR_FILE_MAX]; /* the newest leaf inputs */
    size_t bundle_len;
    bool check;      /* compare, instead of writing */
    uint64_t unlike; /* when checking: the first leaf that is not the one in its tile, and one more; 0: none known */
    char path[TILEDIR_PATH_SIZE];
    uint8_t there[TILEDIR_FILE_MAX + 1];
    size_t there_len;
};

/* "tile/0/x001/067.p/12"; width is MERKLE_TILE_WIDTH for a full one. */
static void
tile_path(unsigned level, uint64_t index, unsigned width, char ret[TILEDIR_PATH_SIZE])
{
    char groups[32] = "";
    uint64_t rest = index / 1000;

    assert(width >= 1 && width <= MERKLE_TILE_WIDTH);
    (void)snprintf(groups, sizeof groups, "%03u", (unsigned)(index % 1000));
    for (; rest > 0; rest /= 1000) {
        char more[sizeof groups];

        (void)snprintf(more, sizeof more, "x%03u/%.24s", (unsigned)(rest % 1000), groups);
        memcpy(groups, more, sizeof groups);
    }
    if (level == LEVEL_ENTRIES)
        (void)snprintf(ret, TILEDIR_PATH_SIZE, "tile/entries/%s", groups);
    else
        (void)snprintf(ret, TILEDIR_PATH_SIZE, "tile/%u/%s", level, groups);
    if (width < MERKLE_TILE_WIDTH)
        (void)snprintf(ret + strlen(ret), TILEDIR_PATH_SIZE - strlen(ret), ".p/%u", width);
}

/* ---- files */

static int
parents_make(const char *dir, const char *path)
{
    char part[PATH_MAX];
    size_t dir_len = strlen(dir);

    (void)snprintf(part, sizeof part, "%s/%s", dir, path);
    for (char *at = part + dir_len + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return 0;
}

static int
file_write(const char *dir, const char *path, const void *bytes, size_t len)
{
    char full[PATH_MAX];
    FILE *out;
    int rc = parents_make(dir, path);

    if (rc != 0)
        return rc;
    (void)snprintf(full, sizeof full, "%s/%s", dir, path);
    out = fopen(full, "wxe");
    if (out == NULL)
        return -errno;
    if (fwrite(bytes, 1, len, out) != len || fflush(out) != 0 || fsync(fileno(out)) != 0)
        rc = errno != 0 ? -errno : -EIO;
    if (fclose(out) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

/* Is that what the file holds, and nothing else? */
static int
file_compare(struct tiledir *t, const void *bytes, size_t len)
{
    char full[PATH_MAX];
    FILE *in;

    t->there_len = 0;
    (void)snprintf(full, sizeof full, "%s/%s", t->dir, t->path);
    in = fopen(full, "re");
    if (in == NULL)
        return errno == ENOENT || errno == ENOTDIR ? -EBADMSG : -errno;
    t->there_len = fread(t->there, 1, sizeof t->there, in);
    (void)fclose(in);
    return t->there_len == len && memcmp(t->there, bytes, len) == 0 ? 0 : -EBADMSG;
}

static int
file_put(struct tiledir *t, unsigned level, uint64_t index, unsigned width, const void *bytes, size_t len)
{
    tile_path(level, index, width, t->path);
    return t->check ? file_compare(t, bytes, len) : file_write(t->dir, t->path, bytes, len);
}

/* ---- the tree */

static int
bundle_put(struct tiledir *t, uint64_t index, unsigned width)
{
    /* When checking, the bundle was what the leaf inputs came from. */
    return t->check ? 0 : file_put(t, LEVEL_ENTRIES, index, width, t->bundle, t->bundle_len);
}

/* Of two lists of hashes that are not the same, where they begin to differ. */
static unsigned
first_unlike(const uint8_t *a, const uint8_t *b, unsigned count)
{
    unsigned i = 0;

    while (i + 1 < count &&
           memcmp(a + (size_t)i * MERKLE_HASH_SIZE, b + (size_t)i * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE) == 0)
        i++;
    return i;
}

/* A tile, full or not, with the leaf inputs that belong to one of level 0. */
static int
tile_put(void *arg, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width)
{
    struct tiledir *t = arg;
    size_t len = (size_t)width * MERKLE_HASH_SIZE;
    int rc = file_put(t, level, index, width, hashes, len);

    if (rc == -EBADMSG && t->check && level == 0 && t->there_len == len)
        t->unlike = index * MERKLE_TILE_WIDTH + first_unlike(t->there, hashes, width) + 1;
    if (rc == 0 && level == 0) {
        rc = bundle_put(t, index, width);
        t->bundle_len = 0;
    }
    return rc;
}

/* ---- writing */

static bool
dir_is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    unsigned count = 0;

    if (d == NULL)
        return false;
    while ((entry = readdir(d)) != NULL)
        count++;
    (void)closedir(d);
    return count <= 2; /* . and .. */
}

static int
tiledir_make(struct tiledir **ret, const char *dir)
{
    struct tiledir *t = calloc(1, sizeof *t);

    if (t == NULL)
        return -ENOMEM;
    if (strlen(dir) >= sizeof t->dir) {
        free(t);
        return -ENAMETOOLONG;
    }
    memcpy(t->dir, dir, strlen(dir) + 1);
    *ret = t;
    return 0;
}

int
tiledir_create(struct tiledir **ret, const char *dir)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return -errno;
    if (!dir_is_empty(dir))
        return -ENOTEMPTY;
    return tiledir_make(ret, dir);
}

int
tiledir_add(struct tiledir *t, const uint8_t *input, size_t len)
{
    uint8_t hash[MERKLE_HASH_SIZE];

    assert(len <= LEAF_INPUT_MAX);
    assert(t->bundle_len + 2 + len <= sizeof t->bundle);
    t->bundle[t->bundle_len] = (uint8_t)(len >> 8);
    t->bundle[t->bundle_len + 1] = (uint8_t)len;
    memcpy(t->bundle + t->bundle_len + 2, input, len);
    t->bundle_len += 2 + len;
    leaf_hash(input, len, hash);
    return merkle_tiles_add(&t->tree, hash, tile_put, t);
}

void
tiledir_root(const struct tiledir *t, uint64_t *ret_size, uint8_t ret[MERKLE_HASH_SIZE])
{
    *ret_size = t->tree.frontier.size;
    merkle_frontier_root(&t->tree.frontier, ret);
}

int
tiledir_finish(struct tiledir *t, const char *checkpoint, size_t len)
{
    int rc = merkle_tiles_rest(&t->tree, tile_put, t);

    return rc == 0 ? file_write(t->dir, "checkpoint", checkpoint, len) : rc;
}

void
tiledir_close(struct tiledir **tiles)
{
    free(*tiles);
    *tiles = NULL;
}

/* ---- checking */

/* Reads the bundle that begins with leaf `index`. */
static int
bundle_read(struct tiledir *t, uint64_t index, uint64_t size)
{
    char full[PATH_MAX];
    FILE *in;

    tile_path(LEVEL_ENTRIES, index / MERKLE_TILE_WIDTH, merkle_tile_width(size, 0, index / MERKLE_TILE_WIDTH), t->path);
    (void)snprintf(full, sizeof full, "%s/%s", t->dir, t->path);
    in = fopen(full, "re");
    if (in == NULL)
        return errno == ENOENT || errno == ENOTDIR ? -EBADMSG : -errno;
    t->bundle_len = fread(t->bundle, 1, sizeof t->bundle, in);
    if (fgetc(in) != EOF)
        t->bundle_len = 0; /* longer than the longest: no entry will be found whole */
    (void)fclose(in);
    return 0;
}

/* The next leaf input of the bundle. */
static int
entry_next(const struct tiledir *t, size_t *at, const uint8_t **ret, size_t *ret_len)
{
    size_t len;

    if (t->bundle_len - *at < 2)
        return -EBADMSG;
    len = (size_t)t->bundle[*at] << 8 | t->bundle[*at + 1];
    *at += 2;
    if (len > t->bundle_len - *at || len > LEAF_INPUT_MAX)
        return -EBADMSG;
    *ret = t->bundle + *at;
    *ret_len = len;
    *at += len;
    return 0;
}

/* One bundle. The caller looks at each leaf input before the tiles that it may fill are compared. */
static int
bundle_check(struct tiledir *t, uint64_t size, tiledir_leaf_fn *fn, void *arg, uint64_t *index)
{
    uint64_t last = size - *index > MERKLE_TILE_WIDTH ? *index + MERKLE_TILE_WIDTH : size;
    uint8_t hash[MERKLE_HASH_SIZE];
    size_t at = 0, len = 0, bundle_len;
    const uint8_t *input = NULL;
    int rc = bundle_read(t, *index, size);

    bundle_len = t->bundle_len;
    for (; rc == 0 && *index < last; ++*index) {
        if ((rc = entry_next(t, &at, &input, &len)) != 0 || (rc = fn(arg, *index, input, len, &t->tree.frontier)) != 0)
            return rc;
        leaf_hash(input, len, hash);
        if (*index + 1 == last && at != bundle_len)
            return -EBADMSG;
        rc = merkle_tiles_add(&t->tree, hash, tile_put, t);
        t->bundle_len = bundle_len;
        if (rc != 0)
            return rc;
    }
    return rc;
}

int
tiledir_check(const char *dir, uint64_t size, tiledir_leaf_fn *fn, void *arg, struct merkle_frontier *ret,
              char path[TILEDIR_PATH_SIZE], uint64_t *ret_index)
{
    struct tiledir *t = NULL;
    uint64_t index = 0;
    int rc = tiledir_make(&t, dir);

    if (rc != 0)
        return rc;
    t->check = true;
    while (rc == 0 && index < size)
        rc = bundle_check(t, size, fn, arg, &index);
    if (rc == 0 && (rc = merkle_tiles_rest(&t->tree, tile_put, t)) != 0)
        index--; /* the last one */
    memcpy(path, t->path, TILEDIR_PATH_SIZE);
    *ret_index = t->unlike != 0 ? t->unlike - 1 : index;
    *ret = t->tree.frontier;
    tiledir_close(&t);
    return rc;
}
