/*
 * note - texts with signatures, and the checkpoints of a log (C2SP signed-note, tlog-checkpoint)
 *
 *     example.com/log/1                                origin: the log's name                     the text, up to and
 *     20852163                                         size: the leaves of its tree               with the newline of
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root: the hash of the tree                 its last line
 *
 *     — example.com/log/1 Az3grl...xeMcTOAYQ8=          em dash, key name, base64(key id || signature of the text)
 *
 * Signatures are Ed25519. A key is known by its name and id together, the id being the first four bytes of
 * SHA-256(name || 0x0A || 0x01 || public key). As text, a verifier key (vkey) is name+id+base64(0x01 || public key) and
 * a signer key PRIVATE+KEY+name+id+base64(0x01 || seed), the id as eight lower-case hexadecimal digits.
 *
 * Reading is strict: each line ends in a newline, and there is one spelling for each value. What strangers added with
 * keys that we do not know is ignored; a wrong signature under a key that we do know refuses the whole note.
 *
 * Errors: 0 or -errno; -EBADMSG wherever a text is not of the form. A result is untouched on failure.
 * Ownership: what note_parse() gives points into its input; texts made here are malloc'd and the caller's to free; the
 * caller wipes signers. Threads: any.
 */
#ifndef WICI_NOTE_H
#define WICI_NOTE_H

#include "proto/merkle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_NAME_MAX       255u         /* bytes of a key's name, and of an origin */
#define NOTE_SIGNATURES_MAX 16u          /* signatures of one note; the format asks for no fewer */
#define NOTE_SIZE_MAX       (128u << 10) /* bytes of one note: 16 signatures of post-quantum size fit */
#define NOTE_KEYS_MAX       32u          /* verifier keys that one call takes */

#define NOTE_ID_SIZE          4u
#define NOTE_PUBLIC_KEY_SIZE  32u
#define NOTE_SEED_SIZE        32u
#define NOTE_KEY_TEXT_SIZE    (NOTE_NAME_MAX + 1 + 8 + 1 + 44 + 1) /* with the NUL */
#define NOTE_SIGNER_TEXT_SIZE (12 + NOTE_KEY_TEXT_SIZE)

/* ---- keys */

/* A verifier key. */
struct note_key {
    char name[NOTE_NAME_MAX + 1];
    uint8_t id[NOTE_ID_SIZE];
    uint8_t public_key[NOTE_PUBLIC_KEY_SIZE];
};

/* A signer key: whoever holds it can sign. */
struct note_signer {
    struct note_key key;
    uint8_t seed[NOTE_SEED_SIZE];
};

/* Makes a key of its parts. -EINVAL: the name is empty, longer than NOTE_NAME_MAX, no UTF-8, or has a Unicode space, a
 * control character or a plus in it. */
int note_key_make(const char *name, const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE], struct note_key *ret);
/* Reads a vkey, which is all of the len bytes. -EBADMSG: it is none, not of Ed25519, or its id is not that of its key.
 */
int note_key_parse(const char *text, size_t len, struct note_key *ret);
/* Is it the same key: of the same name, with the same public key? */
bool note_key_equal(const struct note_key *a, const struct note_key *b);
/* Writes the vkey, with a NUL. */
void note_key_format(const struct note_key *key, char ret[NOTE_KEY_TEXT_SIZE]);

/* Makes a signer key of a name and a random seed. -EINVAL: as for note_key_make(). -EIO: the library failed. */
int note_signer_make(const char *name, const uint8_t seed[NOTE_SEED_SIZE], struct note_signer *ret);
/* Reads a signer key's text. -EBADMSG, -EIO */
int note_signer_parse(const char *text, size_t len, struct note_signer *ret);
/* Writes a signer key's text, with a NUL; the caller wipes it. */
void note_signer_format(const struct note_signer *signer, char ret[NOTE_SIGNER_TEXT_SIZE]);
/* Overwrites the key in memory. */
void note_signer_wipe(struct note_signer *signer);

/* ---- notes */

struct note_signature {
    const char *name; /* not terminated */
    size_t name_len;
    uint8_t id[NOTE_ID_SIZE];
    const char *base64; /* of id and signature */
    size_t base64_len;
};

struct note {
    const char *text; /* not terminated; ends with a newline */
    size_t text_len;
    size_t count;
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/*
 * Signs a text with each of count signers and gives the whole note, with a NUL behind its *ret_len bytes.
 *   -EINVAL    the text is empty, does not end with a newline, is no UTF-8 or has control characters in it; or there
 *              are no signers, more than NOTE_SIGNATURES_MAX, or one twice
 *   -EMSGSIZE  the note would be larger than NOTE_SIZE_MAX
 *   -ENOMEM
 *   -EIO       the library failed
 */
int note_sign(const char *text, size_t len, const struct note_signer *signers, size_t count, char **ret,
              size_t *ret_len);

/* Takes a note apart; no signature is checked. -EBADMSG: it is none, or is beyond a bound above. */
int note_parse(const char *bytes, size_t len, struct note *ret);

/*
 * Checks the signatures by those of the count keys that signed, and sets bit i of *ret_signed for keys[i]. The keys
 * must be distinct and at most NOTE_KEYS_MAX.
 *   -EKEYREJECTED  a signature by one of the keys is wrong: refuse the note
 *   -EBADMSG       one of the keys signed twice
 *   -ENOKEY        none of the keys signed
 *   -EIO           the library failed
 */
int note_verify(const struct note *note, const struct note_key *keys, size_t count, uint32_t *ret_signed);

/* ---- checkpoints */

#define NOTE_CHECKPOINT_TEXT_SIZE (NOTE_NAME_MAX + 1 + 20 + 1 + 44 + 1 + 1) /* with the NUL */

struct note_checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size;
    uint8_t root[MERKLE_HASH_SIZE];
};

/* Writes the text to sign, with a NUL behind its *ret_len bytes. -EINVAL: the origin is empty, no UTF-8 or has a
 * control character in it. */
int note_checkpoint_format(const struct note_checkpoint *checkpoint, char ret[NOTE_CHECKPOINT_TEXT_SIZE],
                           size_t *ret_len);

/* Reads a note's text. -EBADMSG: it is not exactly the three lines; extension lines are refused, nobody audits them. */
int note_checkpoint_parse(const char *text, size_t len, struct note_checkpoint *ret);

/*
 * Reads and checks a signed checkpoint. Whose keys are needed, and which origin is meant, is for the caller to look at.
 * Errors: those of note_parse(), note_verify() and note_checkpoint_parse().
 */
int note_checkpoint_open(const char *bytes, size_t len, const struct note_key *keys, size_t count,
                         struct note_checkpoint *ret, uint32_t *ret_signed);

#endif
