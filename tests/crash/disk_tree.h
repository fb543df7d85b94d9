/* disk_tree - what the two halves of disk.h share: trees of files, and what an event makes of one */
#ifndef CRASH_DISK_TREE_H
#define CRASH_DISK_TREE_H

#include "tests/crash/disk.h"

/* Says what failed and ends the process. */
void disk_give_up(const char *what) __attribute__((noreturn));
/* Shared memory of LMDB's, whose bytes are not followed. */
bool disk_is_lock(const char *name);

void tree_copy(struct tree *to, const struct tree *from);
void tree_free(struct tree *tree);
/* Makes the names and the bytes of a directory; fds gets an open descriptor for each file made. */
void tree_make(struct tree *tree, int dir, const char *path, int fds[DISK_NODES_MAX]);
void fds_none(int fds[DISK_NODES_MAX]);
void fds_close(const int fds[DISK_NODES_MAX]);

/* Applies a change of names. What it needs may be missing: then it does nothing. */
void tree_name(struct tree *tree, const struct disk_event *event);
/* Applies a change of bytes. */
void tree_bytes(struct tree *tree, const struct history *h, const struct disk_event *event);
/* A node that came into being in this history is empty at first. */
void tree_node(struct tree *tree, const struct disk_event *event);

#endif
