/*
 * tiledir - a log as a directory of tiles (C2SP tlog-tiles), which other tools read
 *
 *     checkpoint              the signed checkpoint
 *     tile/L/N[.p/W]          the hashes of tile N of level L; W of them where it is not full
 *     tile/entries/N[.p/W]    leaf inputs 256 N, 256 N + 1, ...: each two bytes of length, then the bytes
 *
 * N is written in groups of three digits, all but the last with an x before: x001/x234/067. There are leaf inputs and
 * hashes in it and no content.
 *
 * Errors: 0 or -errno; what open, read and write give is passed on. Threads: one at a time.
 */
#ifndef WICI_TILEDIR_H
#define WICI_TILEDIR_H

#include "proto/merkle.h"

#include <stddef.h>
#include <stdint.h>

#define TILEDIR_PATH_SIZE 64u
#define TILEDIR_FILE_MAX  (MERKLE_TILE_WIDTH * (2u + LEAF_INPUT_MAX)) /* bytes of the largest file */

/* ---- writing */

struct tiledir;

/* dir is made when its last part is missing. -ENOTEMPTY: there is something in it. */
int tiledir_create(struct tiledir **ret, const char *dir);
/* The next leaf input. */
int tiledir_add(struct tiledir *tiles, const uint8_t *input, size_t len);
/* The tree of what was added. */
void tiledir_root(const struct tiledir *tiles, uint64_t *ret_size, uint8_t ret[MERKLE_HASH_SIZE]);
/* Writes what is not full, then the checkpoint. */
int tiledir_finish(struct tiledir *tiles, const char *checkpoint, size_t len);
void tiledir_close(struct tiledir **tiles);

/* ---- checking */

/* What tiledir_check() calls for each leaf input, in order, with the tree of those before it. Not 0 ends it. */
typedef int tiledir_leaf_fn(void *arg, uint64_t index, const uint8_t *input, size_t len,
                            const struct merkle_frontier *frontier);

/*
 * Reads all leaf inputs of a directory whose checkpoint says `size`, compares every tile with them, and gives their
 * tree.
 *   -EBADMSG  a file is missing, has another size than a log of that size gives it, or does not fit the leaf inputs;
 *             path names it, and *ret_index the first leaf that is not the one in the tile, or, where no leaf of the
 *             file can be told, the last one looked at
 *   others    fn's, with *ret_index the leaf it was called for
 */
int tiledir_check(const char *dir, uint64_t size, tiledir_leaf_fn *fn, void *arg, struct merkle_frontier *ret,
                  char path[TILEDIR_PATH_SIZE], uint64_t *ret_index);

#endif
