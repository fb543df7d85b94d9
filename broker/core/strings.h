/*
 * strings - each text once, known by a number
 *
 * Numbers are given in order from 0 and stay. Ownership: a table owns its copies; a text handed out lives until the
 * next strings_add(). Threads: one at a time; strings_find and strings_at may run beside each other.
 */
#ifndef CORE_STRINGS_H
#define CORE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#define STRINGS_NONE UINT32_MAX

struct strings {
    char *text; /* all of them, each with its NUL */
    size_t text_len, text_cap;
    uint64_t *start; /* where number i begins */
    uint32_t count, cap;
    uint32_t *slots;    /* hash table of numbers, STRINGS_NONE where empty */
    uint32_t slot_mask; /* slots less one; 0: no table yet */
};

/* The number of the text, added if it is new. -ENOMEM: nothing changed. */
int strings_add(struct strings *strings, const char *text, uint32_t *ret);
/* STRINGS_NONE: not there. */
uint32_t strings_find(const struct strings *strings, const char *text);
const char *strings_at(const struct strings *strings, uint32_t number);
void strings_clear(struct strings *strings);

/* Makes room for one more element in a growing array; the array doubles, and a large one grows by an eighth. -ENOMEM:
 * nothing changed. */
int array_grow(void **array, uint32_t *cap, uint32_t count, size_t size);

uint64_t hash_bytes(const void *data, size_t len);

#endif
