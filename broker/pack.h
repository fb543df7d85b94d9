/*
 * pack - protobuf written by hand, for what goes out most: answers and deliveries
 *
 * protobuf-c measures a message and everything in it, and then packs it; half of what a replay costs was that. Here
 * the caller knows the sizes. Each function writes one field at `at`, where there is room, and returns the place behind
 * it. Fields are numbered 1 to 15, whose tag is one byte. Threads: any.
 */
#ifndef BROKER_PACK_H
#define BROKER_PACK_H

#include <stddef.h>
#include <stdint.h>

#define PACK_NUMBER_SIZE 11u /* bytes that a number takes at most */
#define PACK_HEAD_SIZE   11u /* bytes that pack_head writes at most */

/* Bytes of a field that holds `len` bytes. */
size_t pack_bytes_size(size_t len);

/* A number; 0 is as absent, and takes nothing. */
uint8_t *pack_number(uint8_t *at, unsigned field, uint64_t value);
/* Tag and length of a field whose `len` bytes the caller writes behind them. */
uint8_t *pack_head(uint8_t *at, unsigned field, size_t len);
/* The whole field. */
uint8_t *pack_bytes(uint8_t *at, unsigned field, const void *data, size_t len);

#endif
