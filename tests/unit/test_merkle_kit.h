/*
 * test_merkle_kit - the definitions of RFC 6962 and trees to ask, for the tests of proto/merkle.h
 *
 * Expected values come from the recursive definitions, written down as literally as C allows and over another SHA-256
 * (libsodium's). test_merkle_vectors.c has those of an independent implementation.
 */
#ifndef TEST_MERKLE_KIT_H
#define TEST_MERKLE_KIT_H

#include "proto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define HASH       MERKLE_HASH_SIZE
#define KIT_LEAVES 5000u

typedef uint8_t hash_bytes[HASH];

/* A group's setup: makes the leaves. */
int kit_leaves_make(void **state);
extern hash_bytes kit_leaves[KIT_LEAVES];
/* splitmix64: the same cases in each run. */
uint64_t kit_any(void);

/* ---- the definitions */

/* Hash of a node over its children. */
void kit_node(const uint8_t *left, const uint8_t *right, uint8_t *ret);
/* MTH, PATH and SUBPROOF of 2.1; n leaves d. */
void kit_mth(const hash_bytes *d, uint64_t n, uint8_t *ret);
void kit_path(uint64_t m, const hash_bytes *d, uint64_t n, struct merkle_proof *ret);
void kit_subproof(uint64_t m, const hash_bytes *d, uint64_t n, bool b, struct merkle_proof *ret);
/* The root, or both roots, that the first `count` hashes of a proof lead to; false: they are too many or too few. */
bool kit_path_root(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof, size_t count,
                   uint8_t *ret);
bool kit_subproof_roots(uint64_t m, uint64_t n, bool b, const uint8_t *root1, const struct merkle_proof *proof,
                        size_t count, uint8_t *ret_older, uint8_t *ret_newer);
/* Does the proof give the root, or the two roots, that it is to prove? */
bool kit_inclusion_holds(uint64_t m, uint64_t n, const uint8_t *leaf, const struct merkle_proof *proof,
                         const uint8_t *root);
bool kit_consistency_holds(uint64_t m, uint64_t n, const uint8_t *root1, const uint8_t *root2,
                           const struct merkle_proof *proof);
void kit_assert_same(const struct merkle_proof *a, const struct merkle_proof *b);

/* ---- trees to ask; both functions are merkle.h's callbacks */

/* All nodes of the tree over the first count leaves. */
struct nodes {
    uint64_t count;
    unsigned calls_left; /* 0: the next call fails */
    hash_bytes *level[14];
};

struct nodes kit_nodes_make(void);
void kit_nodes_free(struct nodes *nodes);
/* arg: struct nodes. */
int kit_node_of(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH]);

/* A tree of up to 2^64 - 1 equal leaves: what a node's hash is depends on its level alone. arg: its size. */
int kit_equal_node(void *arg, unsigned level, uint64_t index, uint8_t ret[HASH]);
void kit_equal_root(uint64_t size, uint8_t *ret);

#endif
