/*
 * find_chunk - how the lists of the finding index lie in LMDB
 *
 *     list u64 | first seq u64    seqs, ascending, 8 bytes each, at most FIND_CHUNK | their sum with the key u64
 *
 * A list is named by entry and generation (tail_key). Its chunks do not overlap: the last seq of one is below the first
 * of the next. `total` is that of the sums of all chunks; who writes adds to it, and subtracts from it.
 *
 * Errors: 0 or -errno. -EBADMSG: what lies there makes no sense, so the index is to be made anew; -ENOSPC: the map is
 * full. Threads: as the transaction's.
 */
#ifndef STORE_FIND_CHUNK_H
#define STORE_FIND_CHUNK_H

#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

/* All chunks are sound, and none is missing. */
int chunks_check(MDB_txn *txn, MDB_dbi seqs, uint64_t total);

/* Appends ascending seqs to the list: fills its last chunk, then begins new ones. */
int chunks_append(MDB_cursor *cursor, uint64_t list, const uint64_t *seqs, size_t count, uint64_t *total);

/* Takes out all lists of the entry. LMDB's codes. */
int chunks_delete(MDB_txn *txn, MDB_dbi seqs, uint32_t entry, uint64_t *total);

/* The list's seqs from `from` up to and with `upto`, at most max. None may lie beyond end. */
int chunks_read(MDB_cursor *cursor, uint64_t list, uint64_t end, uint64_t from, uint64_t upto, uint64_t *ret_seqs,
                size_t max, size_t *ret_count);

#endif
