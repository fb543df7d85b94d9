/*
 * fault - how a test makes a commit fail, leaves the tree out of it, or sees in a small log what a large one does
 *
 * When set, store_commit() calls it instead of LMDB's commit once everything of the batch is written into the
 * transaction; a negative errno it returns is a failed commit, 0 lets the commit go ahead. NULL outside tests.
 */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <stdbool.h>

extern int (*store_commit_fault)(void);

/*
 * While set, commits leave the tree as it was: what the log would cost without it. Nothing that such a log proves
 * holds, and opening it must say so.
 */
extern bool store_tree_fault;

/* While set, the finding index takes in 8 records together, and a single list is worth a transaction. */
extern bool store_find_small;

/* While set, a new list of destroyed keys has room for one. */
extern bool store_list_small;

#endif
