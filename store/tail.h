/*
 * tail - seqs by key entry, in memory, for the records the finding index has not taken in
 *
 * A hash table from (entry, generation) to an ascending vector of seqs, so that a look-up costs what it finds and not
 * what the tail holds. The vectors lie in one pool; one that outgrows its place moves to the end of the pool at twice
 * the size, and the hole stays until the tail is made anew, after half as many again as STORE_FIND_FLUSH_MAX records at
 * most.
 *
 * Errors: 0 or -ENOMEM. Ownership: whoever has a struct tail frees what it holds with tail_clear(). Threads: one.
 */
#ifndef STORE_TAIL_H
#define STORE_TAIL_H

#include <stddef.h>
#include <stdint.h>

struct tail_list {
    uint64_t key;      /* entry << 32 | generation */
    uint32_t at;       /* place in the pool */
    uint32_t len, cap; /* cap 0: the slot is free */
};

struct tail {
    struct tail_list *slots; /* open addressing, a power of two, at most half full */
    size_t slot_count, used;
    uint64_t *pool;
    size_t pool_len, pool_cap;
};

static inline uint64_t
tail_key(uint32_t entry, uint32_t generation)
{
    return (uint64_t)entry << 32 | generation;
}

void tail_clear(struct tail *tail); /* also frees; a zero struct is an empty tail */
/* seq is above all others of key. -ENOMEM: nothing changed. */
int tail_push(struct tail *tail, uint64_t key, uint64_t seq);
/* Takes the last seq of key away. */
void tail_pop(struct tail *tail, uint64_t key);
/* Takes all seqs of an entry away, whatever their generation. */
void tail_drop(struct tail *tail, uint32_t entry);
/* Returns the seqs of key from `from` on, ascending, and their number; they live until the next push. */
const uint64_t *tail_find(const struct tail *tail, uint64_t key, uint64_t from, size_t *ret_count);

/* The index of the first of count ascending seqs that is not below from; count when there is none. */
size_t seqs_lower_bound(const uint64_t *seqs, size_t count, uint64_t from);

#endif
