/*
 * arena - a bump allocator over one block
 */
#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena {
    ProtobufCAllocator allocator;
    size_t used, size;
    alignas(max_align_t) uint8_t mem[];
};

static void *
allocator_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
allocator_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer; /* all at once, by arena_reset */
}

int
arena_create(struct arena **ret, size_t size)
{
    struct arena *arena;

    assert(ret != NULL);
    assert(size > 0 && size < SIZE_MAX / 2);

    arena = malloc(sizeof *arena + size);
    if (arena == NULL)
        return -ENOMEM;
    arena->allocator = (ProtobufCAllocator){.alloc = allocator_alloc, .free = allocator_free, .allocator_data = arena};
    arena->used = 0;
    arena->size = size;
    *ret = arena;
    return 0;
}

void
arena_destroy(struct arena **arena)
{
    assert(arena != NULL);
    free(*arena);
    *arena = NULL;
}

void
arena_reset(struct arena *arena)
{
    arena->used = 0;
}

size_t
arena_used(const struct arena *arena)
{
    return arena->used;
}

void
arena_rewind(struct arena *arena, size_t used)
{
    assert(used <= arena->used);
    arena->used = used;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    size_t at = (arena->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    if (at > arena->size || size > arena->size - at)
        return NULL; /* too much for one message: the decoder gives up */
    arena->used = at + size;
    return arena->mem + at;
}

char *
arena_text(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(arena, size);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

ProtobufCAllocator *
arena_allocator(struct arena *arena)
{
    return &arena->allocator;
}
