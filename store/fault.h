/*
 * fault - how a test makes a commit fail
 *
 * When set, store_commit() calls it instead of LMDB's commit once everything of the batch is written into the
 * transaction; a negative errno it returns is a failed commit, 0 lets the commit go ahead. NULL outside tests.
 */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

extern int (*store_commit_fault)(void);

#endif
