/*
 * tlogproof - a receipt: the proof that a leaf is in the log, in one file (C2SP tlog-proof)
 *
 *     c2sp.org/tlog-proof@v1
 *     extra YWdlLXYxLjIuMQ==                            what the leaf was made of; left out when there is nothing
 *     index 73894                                       of the leaf, from 0
 *     gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      the hashes of the inclusion proof, from the leaf up
 *     ...
 *
 *     example.com/log/1                                 the signed checkpoint of the tree that the leaf is in
 *     ...
 *
 * It is checked without the log: with the log's verifier key and the leaf's hash. The extra bytes are not signed.
 * Whoever uses them computes the leaf's hash from them, so that what is false there gives another hash and the proof
 * fails.
 *
 * Reading is strict, as note.h says. Errors: 0 or -errno. Ownership: what tlogproof_parse() gives points into its input
 * and the caller's buffer; the text made here is malloc'd and the caller's to free. Threads: any.
 */
#ifndef WICI_TLOGPROOF_H
#define WICI_TLOGPROOF_H

#include "proto/merkle.h"
#include "proto/note.h"

#include <stddef.h>
#include <stdint.h>

#define TLOGPROOF_EXTRA_MAX (256u << 10) /* bytes: the largest event, its digests and salts */
/* First line, extra, index, hashes with their newlines, the empty line, checkpoint */
#define TLOGPROOF_SIZE_MAX                                                                                             \
    (23u + (6u + (TLOGPROOF_EXTRA_MAX + 2u) / 3u * 4u + 1u) + 27u + MERKLE_PROOF_MAX * 45u + 1u + NOTE_SIZE_MAX)

struct tlogproof {
    const uint8_t *extra;
    size_t extra_len; /* 0: none */
    uint64_t index;
    struct merkle_proof path;
    const char *checkpoint; /* the signed note, verbatim; not terminated */
    size_t checkpoint_len;
};

/*
 * Writes the proof and a NUL behind its *ret_len bytes.
 *   -EINVAL    more than TLOGPROOF_EXTRA_MAX extra bytes, the checkpoint is no signed checkpoint, or index lies outside
 *              of its tree
 *   -ENOMEM
 */
int tlogproof_format(const struct tlogproof *proof, char **ret, size_t *ret_len);

/*
 * Takes a proof apart; checks the form of everything in it and that index lies in the tree, but no hash and no
 * signature. The extra bytes are written to extra; their number is never more than TLOGPROOF_EXTRA_MAX nor three
 * quarters of len.
 *   -EBADMSG  it is no proof, or is beyond a bound above; *ret is untouched, the bytes at extra are undefined
 *   -ENOBUFS  extra_size is too small
 */
int tlogproof_parse(const char *bytes, size_t len, uint8_t *extra, size_t extra_size, struct tlogproof *ret);

/*
 * Checks signatures and path of a proof that was taken apart, for a leaf with this hash, and gives its checkpoint.
 * Whose keys are needed, and which origin is meant, is for the caller to look at: see note_checkpoint_open().
 *   -EBADMSG  this leaf is not at that place of that tree
 *   others    as note_checkpoint_open() gives them
 */
int tlogproof_verify(const struct tlogproof *proof, const uint8_t leaf_hash[MERKLE_HASH_SIZE],
                     const struct note_key *keys, size_t count, struct note_checkpoint *ret, uint32_t *ret_signed);

#endif
