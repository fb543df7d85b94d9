/* consistency - see consistency.h */
#include "proto/consistency.h"

#include "proto/strict.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_TEXT_LEN STRICT_BASE64_LEN(MERKLE_HASH_SIZE)

/* Is this a signed checkpoint, as far as can be told without keys, of a tree that is not smaller? */
static int
checkpoint_check(const char *bytes, size_t len, uint64_t old_size)
{
    struct note_checkpoint checkpoint;
    struct note note;

    if (note_parse(bytes, len, &note) != 0 || note_checkpoint_parse(note.text, note.text_len, &checkpoint) != 0 ||
        old_size > checkpoint.size)
        return -EBADMSG;
    return 0;
}

int
consistency_format(const struct consistency *c, char **ret, size_t *ret_len)
{
    size_t size = sizeof "old \n\n" + STRICT_DECIMAL_SIZE + c->proof.count * (HASH_TEXT_LEN + 1);
    char *bytes, *at;

    assert(c->proof.count <= MERKLE_PROOF_MAX);
    if (checkpoint_check(c->checkpoint, c->checkpoint_len, c->old_size) != 0)
        return -EINVAL;
    bytes = malloc(size + c->checkpoint_len + 1);
    if (bytes == NULL)
        return -ENOMEM;
    at = bytes + sprintf(bytes, "old %llu\n", (unsigned long long)c->old_size);
    for (size_t i = 0; i < c->proof.count; i++) {
        strict_base64_encode(c->proof.hash[i], MERKLE_HASH_SIZE, at);
        at += HASH_TEXT_LEN;
        *at++ = '\n';
    }
    *at++ = '\n';
    assert((size_t)(at - bytes) <= size);
    memcpy(at, c->checkpoint, c->checkpoint_len);
    at += c->checkpoint_len;
    *at = '\0';
    *ret = bytes;
    *ret_len = (size_t)(at - bytes);
    return 0;
}

int
consistency_parse(const char *bytes, size_t len, struct consistency *ret)
{
    struct consistency c = {.old_size = 0};
    const char *at = bytes, *end = bytes + len;
    struct strict_line line;

    if (len > CONSISTENCY_SIZE_MAX || strict_line_next(&at, end, &line) != 0 || !strict_line_skip(&line, "old ") ||
        strict_decimal_parse(line.text, line.len, &c.old_size) != 0)
        return -EBADMSG;
    for (;;) {
        uint8_t hash[MERKLE_HASH_SIZE];
        size_t hash_len;

        if (strict_line_next(&at, end, &line) != 0)
            return -EBADMSG;
        if (line.len == 0)
            break;
        if (strict_base64_decode(line.text, line.len, hash, sizeof hash, &hash_len) != 0 ||
            merkle_proof_add(&c.proof, hash, hash_len) != 0)
            return -EBADMSG;
    }
    c.checkpoint = at;
    c.checkpoint_len = (size_t)(end - at);
    if (checkpoint_check(c.checkpoint, c.checkpoint_len, c.old_size) != 0)
        return -EBADMSG;
    *ret = c;
    return 0;
}

int
consistency_verify(const struct consistency *c, const struct note_checkpoint *older, const struct note_key *keys,
                   size_t count, struct note_checkpoint *ret)
{
    struct note_checkpoint newer;
    uint32_t keys_signed;
    int rc = note_checkpoint_open(c->checkpoint, c->checkpoint_len, keys, count, &newer, &keys_signed);

    if (rc != 0)
        return rc;
    if (strcmp(newer.origin, older->origin) != 0 || c->old_size != older->size)
        return -EBADMSG;
    if (newer.size == older->size && memcmp(newer.root, older->root, sizeof newer.root) != 0)
        return -ESTALE;
    /* Every tree begins with the empty one. */
    if (older->size == 0 && c->proof.count != 0)
        return -EBADMSG;
    if (older->size > 0 && merkle_consistency_check(older->size, newer.size, older->root, newer.root, &c->proof) != 0)
        return -EBADMSG;
    *ret = newer;
    return 0;
}
