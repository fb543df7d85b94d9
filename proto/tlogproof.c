/* tlogproof - the lines of a proof, and behind the first empty one the checkpoint as it was signed */
#include "tlogproof.h"

#include "proto/strict.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE    "c2sp.org/tlog-proof@v1"
#define HASH_TEXT_LEN STRICT_BASE64_LEN(MERKLE_HASH_SIZE)

/* Is this a signed checkpoint, as far as can be told without keys, of a tree with such a leaf? */
static int
checkpoint_check(const char *bytes, size_t len, uint64_t index)
{
    struct note_checkpoint checkpoint;
    struct note note;

    if (note_parse(bytes, len, &note) != 0 || note_checkpoint_parse(note.text, note.text_len, &checkpoint) != 0 ||
        index >= checkpoint.size)
        return -EBADMSG;
    return 0;
}

int
tlogproof_format(const struct tlogproof *proof, char **ret, size_t *ret_len)
{
    size_t size = sizeof FIRST_LINE + sizeof "extra " + STRICT_BASE64_LEN(proof->extra_len) + sizeof "index \n" +
                  STRICT_DECIMAL_SIZE + proof->path.count * (HASH_TEXT_LEN + 1) + 1;
    char *bytes, *at;

    assert(proof->path.count <= MERKLE_PROOF_MAX);
    if (proof->extra_len > TLOGPROOF_EXTRA_MAX ||
        checkpoint_check(proof->checkpoint, proof->checkpoint_len, proof->index) != 0)
        return -EINVAL;
    bytes = malloc(size + proof->checkpoint_len + 1);
    if (bytes == NULL)
        return -ENOMEM;

    at = stpcpy(bytes, FIRST_LINE "\n");
    if (proof->extra_len > 0) {
        at = stpcpy(at, "extra ");
        strict_base64_encode(proof->extra, proof->extra_len, at);
        at += STRICT_BASE64_LEN(proof->extra_len);
        *at++ = '\n';
    }
    at += sprintf(at, "index %llu\n", (unsigned long long)proof->index);
    for (size_t i = 0; i < proof->path.count; i++) {
        strict_base64_encode(proof->path.hash[i], MERKLE_HASH_SIZE, at);
        at += HASH_TEXT_LEN;
        *at++ = '\n';
    }
    *at++ = '\n';
    assert((size_t)(at - bytes) <= size);
    memcpy(at, proof->checkpoint, proof->checkpoint_len);
    at += proof->checkpoint_len;
    *at = '\0';
    *ret = bytes;
    *ret_len = (size_t)(at - bytes);
    return 0;
}

/* Reads the hashes up to the empty line. */
static int
path_parse(const char **at, const char *end, struct merkle_proof *ret)
{
    struct strict_line line;

    for (;;) {
        uint8_t hash[MERKLE_HASH_SIZE];
        size_t len;

        if (strict_line_next(at, end, &line) != 0)
            return -EBADMSG;
        if (line.len == 0)
            return 0;
        if (strict_base64_decode(line.text, line.len, hash, sizeof hash, &len) != 0 ||
            merkle_proof_add(ret, hash, len) != 0)
            return -EBADMSG;
    }
}

int
tlogproof_parse(const char *bytes, size_t len, uint8_t *extra, size_t extra_size, struct tlogproof *ret)
{
    struct tlogproof proof = {.extra = extra};
    const char *at = bytes, *end = bytes + len;
    struct strict_line line;

    if (len > TLOGPROOF_SIZE_MAX || strict_line_next(&at, end, &line) != 0 || !strict_line_skip(&line, FIRST_LINE) ||
        line.len != 0 || strict_line_next(&at, end, &line) != 0)
        return -EBADMSG;
    if (strict_line_skip(&line, "extra ")) {
        if (strict_base64_decode(line.text, line.len, extra, extra_size, &proof.extra_len) != 0 ||
            proof.extra_len == 0 || proof.extra_len > TLOGPROOF_EXTRA_MAX || strict_line_next(&at, end, &line) != 0)
            return -EBADMSG;
    }
    if (!strict_line_skip(&line, "index ") || strict_decimal_parse(line.text, line.len, &proof.index) != 0 ||
        path_parse(&at, end, &proof.path) != 0)
        return -EBADMSG;
    proof.checkpoint = at;
    proof.checkpoint_len = (size_t)(end - at);
    if (checkpoint_check(proof.checkpoint, proof.checkpoint_len, proof.index) != 0)
        return -EBADMSG;
    if (proof.extra_len > extra_size)
        return -ENOBUFS;
    *ret = proof;
    return 0;
}

int
tlogproof_verify(const struct tlogproof *proof, const uint8_t leaf_hash[MERKLE_HASH_SIZE], const struct note_key *keys,
                 size_t count, struct note_checkpoint *ret, uint32_t *ret_signed)
{
    struct note_checkpoint checkpoint;
    uint32_t keys_signed;
    int rc = note_checkpoint_open(proof->checkpoint, proof->checkpoint_len, keys, count, &checkpoint, &keys_signed);

    if (rc == 0)
        rc = merkle_inclusion_check(proof->index, checkpoint.size, leaf_hash, &proof->path, checkpoint.root);
    if (rc != 0)
        return rc;
    *ret = checkpoint;
    *ret_signed = keys_signed;
    return 0;
}
