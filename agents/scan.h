/*
 * scan - walking through protobuf bytes without copying them
 *
 * A delivered batch is up to a megabyte; its events are handed on as the bytes that came. Also the few fields that are
 * written by hand, because what they hold is packed already.
 *
 * Ownership: what is handed out points into the bytes that are walked through. Threads: any.
 */
#ifndef WICI_SCAN_H
#define WICI_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define SCAN_VARINT  0u
#define SCAN_BYTES   2u
#define SCAN_TAG_MAX 20u /* bytes that scan_put_tag writes at most */

struct scan {
    const uint8_t *at, *end;
};

struct scan_field {
    uint32_t number, wire; /* wire type: SCAN_VARINT, SCAN_BYTES or another */
    uint64_t value;        /* of SCAN_VARINT */
    const uint8_t *data;   /* of SCAN_BYTES */
    size_t len;
};

struct scan scan_begin(const uint8_t *data, size_t len);
/* 1: *ret is the next field; 0: the end; -EBADMSG */
int scan_next(struct scan *scan, struct scan_field *ret);
/* The last bytes field of that number. 1, 0 or -EBADMSG */
int scan_find(const uint8_t *data, size_t len, uint32_t number, struct scan_field *ret);

/* Writes a field's tag, and its length or value; returns the bytes written. */
size_t scan_put_tag(uint8_t *to, uint32_t number, uint32_t wire, uint64_t value);

#endif
