/*
 * pack - see pack.h
 */
#include "broker/pack.h"

#include <assert.h>
#include <string.h>

enum wire { WIRE_NUMBER = 0, WIRE_BYTES = 2 };

static uint8_t *
varint_put(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *
tag_put(uint8_t *at, unsigned field, enum wire wire)
{
    assert(field >= 1 && field <= 15);
    *at++ = (uint8_t)(field << 3 | (unsigned)wire);
    return at;
}

size_t
pack_bytes_size(size_t len)
{
    size_t size = 2 + len;

    for (uint64_t rest = len; rest >= 0x80; rest >>= 7)
        size++;
    return size;
}

uint8_t *
pack_number(uint8_t *at, unsigned field, uint64_t value)
{
    return value == 0 ? at : varint_put(tag_put(at, field, WIRE_NUMBER), value);
}

uint8_t *
pack_head(uint8_t *at, unsigned field, size_t len)
{
    return varint_put(tag_put(at, field, WIRE_BYTES), len);
}

uint8_t *
pack_bytes(uint8_t *at, unsigned field, const void *data, size_t len)
{
    at = pack_head(at, field, len);
    if (len > 0)
        memcpy(at, data, len);
    return at + len;
}
