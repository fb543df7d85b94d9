/* be - integers as big-endian bytes, so that LMDB's byte order of keys is our order of numbers */
#ifndef STORE_BE_H
#define STORE_BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void
be16_put(uint8_t *to, uint16_t v)
{
    v = htobe16(v);
    memcpy(to, &v, sizeof v);
}

static inline void
be32_put(uint8_t *to, uint32_t v)
{
    v = htobe32(v);
    memcpy(to, &v, sizeof v);
}

static inline void
be64_put(uint8_t *to, uint64_t v)
{
    v = htobe64(v);
    memcpy(to, &v, sizeof v);
}

static inline uint16_t
be16_get(const uint8_t *from)
{
    uint16_t v;

    memcpy(&v, from, sizeof v);
    return be16toh(v);
}

static inline uint32_t
be32_get(const uint8_t *from)
{
    uint32_t v;

    memcpy(&v, from, sizeof v);
    return be32toh(v);
}

static inline uint64_t
be64_get(const uint8_t *from)
{
    uint64_t v;

    memcpy(&v, from, sizeof v);
    return be64toh(v);
}

#endif
