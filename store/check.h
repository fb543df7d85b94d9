/*
 * check - a sum beside bytes that nothing else covers, so that a damaged disk is noticed
 *
 * Records are covered by their seals, leaves and the tree. Cursors, named values, rows of documents, the finding index
 * and the list of destroyed keys are not: each of them carries such a sum, over what it is found by and what it says.
 * Chunks and heads of uploads have a seal as well; their sums are for who looks at them without keys.
 * It is no protection against who changes the file on purpose: the key is in the program.
 *
 * Threads: any.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/be.h"

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_SIZE 8u /* bytes of a sum where it is kept */

/* Sum of name and bytes. Different where they are cut differently, too. */
static inline uint64_t
check_of(const void *name, size_t name_len, const void *bytes, size_t len)
{
    static const uint8_t key[crypto_shorthash_KEYBYTES] = "wici-row-check1"; /* with its NUL */
    uint8_t sums[2][crypto_shorthash_BYTES], sum[crypto_shorthash_BYTES];

    (void)crypto_shorthash(sums[0], name, name_len, key);
    (void)crypto_shorthash(sums[1], bytes, len, key);
    (void)crypto_shorthash(sum, sums[0], sizeof sums, key);
    return be64_get(sum);
}

/* The same for the few bytes that lead a record's row: two multiplications. */
static inline uint32_t
check_of_row(uint64_t seq, uint32_t entry, uint32_t generation)
{
    uint64_t x = ((uint64_t)entry << 32 | generation) * UINT64_C(0x9e3779b97f4a7c15);

    x ^= (seq + UINT64_C(0x632be59bd9b4e019)) * UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 32;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(x >> 32);
}

/* Of one row of the table of event ids. The table has the total of all its rows, which a row more, less or other
 * changes. */
static inline uint64_t
check_of_id(const uint8_t id[16], uint64_t seq)
{
    uint64_t x = be64_get(id) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 32 ^ be64_get(id + 8)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 32 ^ seq) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 32;
}

#endif
