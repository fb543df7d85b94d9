/*
 * file - whole reads and writes, and files that are there after a power cut
 *
 * A name is there after a power cut when its directory was synced, too: file_sync_parent().
 *
 * Errors: 0 or -errno. Threads: any.
 */
#ifndef WICI_FILE_H
#define WICI_FILE_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

/* "dir/name". -ENAMETOOLONG */
int file_path(char ret[PATH_MAX], const char *dir, const char *name);

/* Reads len bytes, fewer only at the end of the file; *ret_len says how many. */
int file_read_at(int fd, void *to, size_t len, off_t at, size_t *ret_len);
/* Writes all of them. */
int file_write_at(int fd, const void *from, size_t len, off_t at);

/* Makes the file whole or not at all (written aside as `path`.tmp, synced, linked), mode 0600. Its directory is not
 * synced. Whoever is killed may leave `path`.tmp, half of it or a second name of it, until the next attempt. -EEXIST:
 * nothing was touched */
int file_create(const char *path, const void *bytes, size_t len);

/* The same, in place of a file of that name: a crash leaves that one or this one. Its directory is not synced. It
 * belongs to whom that one belonged, also when root made it. */
int file_replace(const char *path, const void *bytes, size_t len);

/* Copies a file into a new one, mode 0600, and syncs it; its directory is not synced. -EEXIST */
int file_copy(const char *from, const char *to);

/* A new file belongs to whom the one belongs whose place it is to take, also when root made it. -ENOENT: there is none.
 */
int file_owner_keep(int fd, const char *like);
/* What root made somewhere belongs to whom the directory belongs that it lies in. What others make is theirs. */
int file_owner_inherit(const char *path);

int file_sync_dir(const char *dir);
int file_sync_parent(const char *path);
/*
 * Makes the directory, mode 0700, when it is not there, and syncs its parent either way: whoever made it may have died
 * before that. A parent that we may not read is none that we made it in. It belongs to whom the parent belongs.
 */
int file_make_dir(const char *dir);

#endif
