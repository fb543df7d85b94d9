/*
 * endorse - one key of a log vouches for the next: whoever trusts the one may trust the other
 *
 * A signed note (note.h) by the key that is replaced, of two lines, which are no checkpoint's:
 *
 *     wici-log-key
 *     <the new key as a vkey>
 *
 * It stands in the record that announces the new key (sys.log_key), and travels with the log's keys. Whoever holds the
 * old key can vouch for whatever he likes, as he could sign whatever he likes: a key that was stolen is no proof of its
 * successor, and has to be taken out of where it is trusted.
 *
 * Errors: see below. Threads: any.
 */
#ifndef PROTO_ENDORSE_H
#define PROTO_ENDORSE_H

#include "proto/note.h"

#define ENDORSE_SIZE_MAX 2048u /* bytes of one, with a NUL */

/* Writes it, with a NUL. -EMSGSIZE, -ENOMEM, -EIO */
int endorse_make(const struct note_signer *by, const struct note_key *key, char ret[ENDORSE_SIZE_MAX]);

/*
 * Does one of these count keys vouch for this one? They are distinct, at most NOTE_KEYS_MAX.
 *   -EBADMSG  the text is no such note, or about another key
 *   -ENOKEY   none of them signed it
 *   -EKEYREJECTED  a signature by one of them is wrong
 *   -EIO      the library failed
 */
int endorse_check(const char *text, const struct note_key *key, const struct note_key *keys, size_t count);

#endif
