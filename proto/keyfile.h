/*
 * keyfile - a CURVE key pair in a file that only its owner can read
 *
 *     # unit ops-kos-1
 *     public = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7
 *     secret = JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6
 *
 * The broker has one, and so has each unit. Lines that begin with # are comments.
 *
 * Errors: 0 or -errno. Ownership: the caller wipes what it read with keyfile_wipe(). Threads: any.
 */
#ifndef WICI_KEYFILE_H
#define WICI_KEYFILE_H

#include <stdbool.h>

#define KEYFILE_KEY_SIZE 41u /* 40 characters of Z85 and the NUL */

struct keyfile {
    char public_key[KEYFILE_KEY_SIZE];
    char secret_key[KEYFILE_KEY_SIZE];
};

/*
 * Reads a key pair.
 *   -EPERM    group or others may read or write the file, or it is no regular file
 *   -EBADMSG  it does not hold a public and a secret key, each once
 *   others    as open and read give them
 */
int keyfile_read(const char *path, struct keyfile *ret);

/* Writes a key pair into a new file with mode 0600, and syncs file and directory. comment (may be NULL) is one line.
 * -EEXIST: there is such a file; it was not touched. */
int keyfile_write(const char *path, const struct keyfile *key, const char *comment);

/* Overwrites the key in memory. */
void keyfile_wipe(struct keyfile *key);

/* Are these the 40 characters of a Z85 key? */
bool keyfile_is_key(const char *text);

#endif
