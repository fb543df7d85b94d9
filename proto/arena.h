/*
 * arena - memory for decoding one message, given back all at once
 *
 * protobuf-c builds a tree of small allocations out of a stranger's bytes, up to fifty times their size. Here they
 * come out of one fixed block: when it is used up, the allocator returns NULL and unpacking fails cleanly.
 *
 * Ownership: whoever creates an arena destroys it. What was unpacked with it lives until arena_reset().
 * Threads: one thread at a time.
 */
#ifndef WICI_ARENA_H
#define WICI_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* -ENOMEM: no memory for the block. */
int arena_create(struct arena **ret, size_t size);
void arena_destroy(struct arena **arena);

/* Makes all memory handed out since the last reset free again; nothing that was unpacked may be used any more. */
void arena_reset(struct arena *arena);

/* How much is handed out; arena_rewind() makes free again what was handed out after that. */
size_t arena_used(const struct arena *arena);
void arena_rewind(struct arena *arena, size_t used);

/* Aligned for any type, not zeroed; NULL when the arena is used up. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of the text; NULL when the arena is used up. */
char *arena_text(struct arena *arena, const char *text);

/* The text itself as a field of a message that is only packed, which reads it. */
#define TEXT(constant) ((char *)(uintptr_t)(constant))

/* For protobuf-c's unpack functions; belongs to the arena. Its free does nothing. */
ProtobufCAllocator *arena_allocator(struct arena *arena);

#endif
