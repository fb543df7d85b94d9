/*
 * digest - see digest.h
 *
 * The block interface of OpenSSL, for the reason given in leaf.c, and because it alone shows the state between blocks.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "digest.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

static_assert(SHA256_DIGEST_LENGTH == DIGEST_SIZE && SHA256_CBLOCK == DIGEST_BLOCK, "SHA-256");
static_assert(sizeof(SHA_LONG) == sizeof(uint32_t), "its words are ours");

/* Nothing but a fault of the library makes it fail. */
static void
context_of(const struct digest *digest, SHA256_CTX *ret)
{
    if (SHA256_Init(ret) != 1)
        abort();
    memcpy(ret->h, digest->h, sizeof digest->h);
    ret->Nl = (SHA_LONG)(digest->len << 3);
    ret->Nh = (SHA_LONG)(digest->len >> 29);
}

void
digest_begin(struct digest *digest)
{
    SHA256_CTX context;

    if (SHA256_Init(&context) != 1)
        abort();
    memcpy(digest->h, context.h, sizeof digest->h);
    digest->len = 0;
}

void
digest_add(struct digest *digest, const void *bytes, size_t len)
{
    SHA256_CTX context;

    assert(len % DIGEST_BLOCK == 0);
    context_of(digest, &context);
    if (SHA256_Update(&context, bytes, len) != 1)
        abort();
    memcpy(digest->h, context.h, sizeof digest->h);
    digest->len += len;
}

void
digest_end(const struct digest *digest, const void *bytes, size_t len, uint8_t ret[DIGEST_SIZE])
{
    SHA256_CTX context;

    context_of(digest, &context);
    if (SHA256_Update(&context, bytes, len) != 1 || SHA256_Final(ret, &context) != 1)
        abort();
}
