/*
 * secret - small files that only their owner may read
 *
 * Errors: 0 or -errno. Ownership: the caller wipes what was read. Threads: any.
 */
#ifndef WICI_SECRET_H
#define WICI_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct stat;

#define SECRET_SIZE_MAX 4096u /* bytes of one file */

/*
 * Reads all of the file and puts a NUL behind it.
 *   -EPERM    group or others may read or write the file, or it is no regular file
 *   -EBADMSG  it is larger than SECRET_SIZE_MAX
 *   others    as open and read give them
 */
int secret_read(const char *path, char ret[SECRET_SIZE_MAX + 1]);

/*
 * Makes a new file of mode 0600 with these bytes, and syncs file and directory; nothing is left of it on failure. It
 * has its name once it is whole (file_create): whoever is killed leaves it or none, and perhaps `path`.tmp beside it.
 * -EEXIST: there is such a file; it was not touched.
 */
int secret_write(const char *path, const char *bytes, size_t len);

/* Is this a regular file that neither group nor others may read or write? */
bool secret_is_private(const struct stat *st);

#endif
