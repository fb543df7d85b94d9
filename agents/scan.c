/* scan - walking through protobuf bytes without copying them */
#include "agents/scan.h"

#include <errno.h>

struct scan
scan_begin(const uint8_t *data, size_t len)
{
    return (struct scan){.at = data, .end = data + len};
}

static int
varint_next(struct scan *scan, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;

        if (scan->at == scan->end)
            return -EBADMSG;
        byte = *scan->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return 0;
        }
    }
    return -EBADMSG;
}

static int
bytes_next(struct scan *scan, size_t len, struct scan_field *ret)
{
    if (len > (size_t)(scan->end - scan->at))
        return -EBADMSG;
    ret->data = scan->at;
    ret->len = len;
    scan->at += len;
    return 0;
}

int
scan_next(struct scan *scan, struct scan_field *ret)
{
    struct scan_field field = {0};
    uint64_t tag, len = 0;
    int rc;

    if (scan->at == scan->end)
        return 0;
    rc = varint_next(scan, &tag);
    if (rc != 0)
        return rc;
    if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
        return -EBADMSG;
    field.number = (uint32_t)(tag >> 3);
    field.wire = (uint32_t)(tag & 7);
    switch (field.wire) {
    case SCAN_VARINT: rc = varint_next(scan, &field.value); break;
    case SCAN_BYTES:
        rc = varint_next(scan, &len);
        if (rc == 0)
            rc = len > SIZE_MAX ? -EBADMSG : bytes_next(scan, (size_t)len, &field);
        break;
    case 1: rc = bytes_next(scan, 8, &field); break;
    case 5: rc = bytes_next(scan, 4, &field); break;
    default: rc = -EBADMSG; break;
    }
    if (rc != 0)
        return rc;
    *ret = field;
    return 1;
}

int
scan_find(const uint8_t *data, size_t len, uint32_t number, struct scan_field *ret)
{
    struct scan scan = scan_begin(data, len);
    struct scan_field field;
    int found = 0, rc;

    while ((rc = scan_next(&scan, &field)) > 0) {
        if (field.number == number && field.wire == SCAN_BYTES) {
            *ret = field;
            found = 1;
        }
    }
    return rc < 0 ? rc : found;
}

static size_t
put_varint(uint8_t *to, uint64_t value)
{
    size_t n = 0;

    while (value >= 0x80) {
        to[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[n++] = (uint8_t)value;
    return n;
}

size_t
scan_put_tag(uint8_t *to, uint32_t number, uint32_t wire, uint64_t value)
{
    size_t n = put_varint(to, (uint64_t)number << 3 | wire);

    return n + put_varint(to + n, value);
}
