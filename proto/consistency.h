/*
 * consistency - the proof that a log still begins with what it was, in one file
 *
 *     old 20852014                                       size of the older checkpoint
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       the hashes of the consistency proof
 *     ...
 *
 *     example.com/log/1                                  the newer checkpoint, signed
 *     ...
 *
 * This is the body of the request by which a log asks a C2SP tlog-witness for its signature (add-checkpoint). The older
 * root is not in it: whoever checks has that checkpoint.
 *
 * Reading is strict, as note.h says. Errors: 0 or -errno. Ownership: what consistency_parse() gives points into its
 * input; the text made here is malloc'd and the caller's to free. Threads: any.
 */
#ifndef WICI_CONSISTENCY_H
#define WICI_CONSISTENCY_H

#include "proto/merkle.h"
#include "proto/note.h"

#include <stddef.h>
#include <stdint.h>

#define CONSISTENCY_SIZE_MAX (26u + MERKLE_PROOF_MAX * 45u + 1u + NOTE_SIZE_MAX)

struct consistency {
    uint64_t old_size;
    struct merkle_proof proof;
    const char *checkpoint; /* the signed note, verbatim; not terminated */
    size_t checkpoint_len;
};

/* Writes the file and a NUL behind its *ret_len bytes. -EINVAL: the checkpoint is no signed checkpoint, or is older.
 * -ENOMEM */
int consistency_format(const struct consistency *consistency, char **ret, size_t *ret_len);

/* Takes it apart; checks the form of everything in it, but no hash and no signature. -EBADMSG */
int consistency_parse(const char *bytes, size_t len, struct consistency *ret);

/*
 * Checks the newer checkpoint's signatures and that it contains the older one, which the caller trusts.
 *   -EBADMSG  the file is about another older checkpoint, or the proof does not hold; others as note_checkpoint_open()
 *   -ESTALE   both have the same size, and other roots: the log was forked
 */
int consistency_verify(const struct consistency *consistency, const struct note_checkpoint *older,
                       const struct note_key *keys, size_t count, struct note_checkpoint *ret);

#endif
