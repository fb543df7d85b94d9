/*
 * fuzz - what the targets share
 *
 * A target is one function over any bytes. With clang and -DWICI_FUZZ=ON each is a libFuzzer program; in every build
 * each is linked with replay.c, which gives it the saved corpus and what becomes of that by a fixed series of small
 * changes. A target fails by abort, a sanitizer's report, or more memory than it may use.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to be so, whatever the input. */
#define must(fact) ((fact) ? (void)0 : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact), abort()))

/* A dose of the input: two bytes of length, then so many bytes, or what is left. Returns false at the end. */
struct dose {
    const uint8_t *data;
    size_t len;
};

static inline bool
dose_next(const uint8_t **at, size_t *left, struct dose *ret)
{
    size_t len;

    if (*left < 2)
        return false;
    len = (size_t)(*at)[0] << 8 | (*at)[1];
    *at += 2;
    *left -= 2;
    *ret = (struct dose){.data = *at, .len = len < *left ? len : *left};
    *at += ret->len;
    *left -= ret->len;
    return true;
}

#endif
