/*
 * doc_row - how documents lie in the log's file: keys, rows and seals
 *
 *     'u' | entry u32                     an upload: nonce 24 | sealed head | sum
 *     'd' | dossier entry u32 | tag 16    a document: entry u32 | size u32 | sum
 *     'c' | entry u32 | chunk u32         nonce 24 | sealed bytes | sum
 *
 * A sum (check.h) is over the row's key and all that is before it: who has no keys, or not these any more, finds a
 * damaged row by it, and one that lies under another key than its own. Who changes a row on purpose is noticed by the
 * seal.
 *
 * Seals are XChaCha20-Poly1305 under the document's key with random nonces: a chunk that is sent again after a crash
 * need not be what it was. The additional data of a chunk is "wici-doc-v1\0", entry, chunk, size and digest, so that no
 * chunk stands in for another one's, nor for one of the same document under another digest. A head's is
 * "wici-doc-head-v1\0" and the entry.
 *
 * The tag is a keyed BLAKE2b of owner and digest, under a key that is the keyed BLAKE2b of "wici-doc-tag-v1\0" under
 * the dossier's key: whoever has the file and the data files cannot ask them whether it is in there.
 *
 * For the files of store/ that deal with documents; everybody else has doc.h. What has no sense is -EBADMSG, and said
 * by store_damage(). Threads: the store's.
 */
#ifndef STORE_DOC_ROW_H
#define STORE_DOC_ROW_H

#include "store/doc.h"
#include "store/internal.h"

#define DOC_TAG_SIZE   16u
#define DOC_KEY_MAX    (1u + 4u + DOC_TAG_SIZE)
#define DOC_NONCE_SIZE 24u
#define DOC_SIZE       (8u + CHECK_SIZE)                             /* of a document's row */
#define DOC_CHUNK_MORE (DOC_NONCE_SIZE + SEAL_TAG_SIZE + CHECK_SIZE) /* of a chunk's row, beside the bytes */
#define DOC_HEAD_SIZE  (8u + 4u + 4u + DIGEST_SIZE + 32u + 1u + STORE_DOC_OWNER_MAX) /* before it is sealed */
#define DOC_HEAD_ROW   (DOC_NONCE_SIZE + DOC_HEAD_SIZE + SEAL_TAG_SIZE + CHECK_SIZE)
#define DOC_CHUNKS_MAX ((STORE_DOC_SIZE_MAX + STORE_DOC_CHUNK - 1) / STORE_DOC_CHUNK)

struct doc_key {
    uint8_t bytes[DOC_KEY_MAX];
    size_t len;
};

struct doc_key doc_key_make(char kind, uint32_t entry);
struct doc_key doc_key_of_chunk(uint32_t entry, uint32_t chunk);
MDB_val doc_key_val(struct doc_key *key); /* points into it */
/* Of the owner's document in the dossier. -ENOKEY: the dossier was erased. */
int doc_key_of_document(struct store *st, uint32_t dossier, const char *owner, const uint8_t digest[DIGEST_SIZE],
                        struct doc_key *ret);

/* The key that seals a document, or a dossier; lives until the next call. -ENOKEY: erased. */
int doc_secret(struct store *st, uint32_t entry, const uint8_t **ret);

static inline uint32_t
doc_chunks(uint32_t size)
{
    return size / STORE_DOC_CHUNK + (size % STORE_DOC_CHUNK != 0);
}

/* How long the row of that chunk is when `size` bytes are there; 0: there is none. */
size_t doc_chunk_row(uint32_t size, uint32_t chunk);

/* Does the row, of any kind, end with the sum of its key and of what is before it? Reads all of it. */
bool doc_row_adds_up(const MDB_val *key, const MDB_val *val);

void doc_row_encode(const struct doc_key *key, uint32_t entry, uint32_t size, uint8_t ret[DOC_SIZE]);
int doc_row_decode(struct store *st, const MDB_val *key, const MDB_val *val, uint32_t *ret_entry, uint32_t *ret_size);

void doc_head_seal(const struct store_doc *doc, const uint8_t *secret, uint8_t ret[DOC_HEAD_ROW]);
/* What can be seen of it without keys: that it is as it was written, and whose it is. */
int doc_head_look(struct store *st, const MDB_val *key, const MDB_val *val, uint32_t *ret_entry);
/* An upload whose key was destroyed: size 0, and nothing but the entry. */
int doc_head_open(struct store *st, const MDB_val *key, const MDB_val *val, struct store_doc *ret);

/* ret has room for doc_chunk_row(). */
void doc_chunk_seal(const struct store_doc *doc, uint32_t chunk, const uint8_t *secret, const void *bytes, size_t len,
                    uint8_t *ret);
/* row is len + DOC_CHUNK_MORE long, and adds up. False: it does not open. */
bool doc_chunk_open(const struct store_doc *doc, uint32_t chunk, const uint8_t *secret, const uint8_t *row, size_t len,
                    uint8_t *ret);

#endif
