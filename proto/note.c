/*
 * note - the text of a note is split off at its last empty line, since it may have empty lines of its own
 *
 * Nothing of a text is believed before a signature over exactly these bytes was checked; so the parser only finds out
 * where things are, and gives back pointers into the bytes that were signed.
 */
#include "note.h"

#include "proto/hex.h"
#include "proto/strict.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EM_DASH         "\xe2\x80\x94 "
#define TYPE_ED25519    0x01u
#define SIGNATURE_SIZE  64u
#define SIGNED_SIZE     (NOTE_ID_SIZE + SIGNATURE_SIZE)
#define SIGNED_TEXT_LEN 92u /* base64 of it */
#define KEY_DATA_SIZE   33u /* type and key */
#define KEY_DATA_LEN    44u
#define SIGNER_PREFIX   "PRIVATE+KEY+"

static_assert(SIGNED_TEXT_LEN == STRICT_BASE64_LEN(SIGNED_SIZE), "id and signature, spelt");
static_assert(KEY_DATA_LEN == STRICT_BASE64_LEN(KEY_DATA_SIZE), "type and key, spelt");
static_assert(NOTE_PUBLIC_KEY_SIZE == NOTE_SEED_SIZE, "both are spelt alike");
static_assert(NOTE_KEYS_MAX <= 32, "one bit for each");
static_assert(sizeof SIGNER_PREFIX - 1 + NOTE_KEY_TEXT_SIZE == NOTE_SIGNER_TEXT_SIZE, "the prefix and no more");

/* ---- Ed25519, by libcrypto. What it leaves in its queue of errors is taken out again: nobody there would read it. */

static int
ed25519_public_key(const uint8_t seed[NOTE_SEED_SIZE], uint8_t ret[NOTE_PUBLIC_KEY_SIZE])
{
    size_t len = NOTE_PUBLIC_KEY_SIZE;
    EVP_PKEY *key;
    int rc = -EIO;

    ERR_set_mark();
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, NOTE_SEED_SIZE);
    if (key != NULL && EVP_PKEY_get_raw_public_key(key, ret, &len) == 1 && len == NOTE_PUBLIC_KEY_SIZE)
        rc = 0;
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    return rc;
}

static int
ed25519_sign(const uint8_t seed[NOTE_SEED_SIZE], const char *text, size_t text_len, uint8_t ret[SIGNATURE_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL;
    size_t len = SIGNATURE_SIZE;
    int rc = -EIO;

    ERR_set_mark();
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, NOTE_SEED_SIZE);
    if (context != NULL && key != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(context, ret, &len, (const unsigned char *)text, text_len) == 1 && len == SIGNATURE_SIZE)
        rc = 0;
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(context);
    ERR_pop_to_mark();
    return rc;
}

/* -EKEYREJECTED: not the signature of this key, or no key at all. */
static int
ed25519_verify(const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE], const char *text, size_t text_len,
               const uint8_t signature[SIGNATURE_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL;
    int rc = -EIO;

    ERR_set_mark();
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, NOTE_PUBLIC_KEY_SIZE);
    if (context != NULL && key != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
        rc = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const unsigned char *)text, text_len) == 1
                 ? 0
                 : -EKEYREJECTED;
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(context);
    ERR_pop_to_mark();
    return rc;
}

/* ---- names */

static bool
is_unicode_space(int32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f ||
           point == 0x205f || point == 0x3000;
}

static bool
name_is_valid(const char *name, size_t len)
{
    if (len == 0 || len > NOTE_NAME_MAX)
        return false;
    for (size_t at = 0; at < len;) {
        int32_t point = strict_utf8_next(name, len, &at);

        if (point < 0x20 || point == '+' || is_unicode_space(point))
            return false;
    }
    return true;
}

/* An origin is a line: what it is made of is the log's affair. */
static bool
origin_is_valid(const char *origin, size_t len)
{
    return len > 0 && len <= NOTE_NAME_MAX && memchr(origin, '\n', len) == NULL && strict_text_is_clean(origin, len);
}

static bool
key_is(const struct note_key *key, const char *name, size_t name_len, const uint8_t id[NOTE_ID_SIZE])
{
    return memcmp(key->id, id, NOTE_ID_SIZE) == 0 && strlen(key->name) == name_len &&
           memcmp(key->name, name, name_len) == 0;
}

/* ---- keys */

static int
key_make(const char *name, size_t len, const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE], struct note_key *ret)
{
    uint8_t input[NOTE_NAME_MAX + 2 + NOTE_PUBLIC_KEY_SIZE], hash[LEAF_HASH_SIZE];

    if (!name_is_valid(name, len))
        return -EINVAL;
    memcpy(input, name, len);
    input[len] = '\n';
    input[len + 1] = TYPE_ED25519;
    memcpy(input + len + 2, public_key, NOTE_PUBLIC_KEY_SIZE);
    leaf_sha256(input, len + 2 + NOTE_PUBLIC_KEY_SIZE, hash);

    *ret = (struct note_key){.name = ""};
    memcpy(ret->name, name, len);
    memcpy(ret->id, hash, NOTE_ID_SIZE);
    memcpy(ret->public_key, public_key, NOTE_PUBLIC_KEY_SIZE);
    return 0;
}

int
note_key_make(const char *name, const uint8_t public_key[NOTE_PUBLIC_KEY_SIZE], struct note_key *ret)
{
    return key_make(name, strnlen(name, NOTE_NAME_MAX + 1), public_key, ret);
}

/* Finds the three parts of a key's text, which its first two pluses part, and takes the last one's base64 off. */
static int
key_text_parse(const char *text, size_t len, size_t *ret_name_len, const char **ret_id, uint8_t ret[KEY_DATA_SIZE])
{
    const size_t tail = 1 + 2 * NOTE_ID_SIZE + 1 + KEY_DATA_LEN;
    const char *plus = len == 0 ? NULL : memchr(text, '+', len);
    size_t data_len;

    if (plus == NULL || (size_t)(text + len - plus) != tail || plus[1 + 2 * NOTE_ID_SIZE] != '+')
        return -EBADMSG;
    if (strict_base64_decode(text + len - KEY_DATA_LEN, KEY_DATA_LEN, ret, KEY_DATA_SIZE, &data_len) != 0 ||
        data_len != KEY_DATA_SIZE || ret[0] != TYPE_ED25519)
        return -EBADMSG;
    *ret_name_len = (size_t)(plus - text);
    *ret_id = plus + 1;
    return 0;
}

static bool
id_matches(const uint8_t id[NOTE_ID_SIZE], const char *text)
{
    char own[2 * NOTE_ID_SIZE + 1];

    hex_format(id, NOTE_ID_SIZE, own);
    return memcmp(own, text, sizeof own - 1) == 0;
}

static void
key_text_format(const struct note_key *key, const uint8_t secret_or_public[NOTE_PUBLIC_KEY_SIZE],
                char ret[NOTE_KEY_TEXT_SIZE])
{
    uint8_t data[KEY_DATA_SIZE] = {TYPE_ED25519};
    size_t len = strlen(key->name);

    assert(len <= NOTE_NAME_MAX);
    memcpy(data + 1, secret_or_public, NOTE_PUBLIC_KEY_SIZE);
    memcpy(ret, key->name, len);
    ret += len;
    *ret++ = '+';
    hex_format(key->id, NOTE_ID_SIZE, ret); /* its NUL becomes the next sign */
    ret += (size_t)2 * NOTE_ID_SIZE;
    *ret++ = '+';
    strict_base64_encode(data, sizeof data, ret);
    ret[KEY_DATA_LEN] = '\0';
    OPENSSL_cleanse(data, sizeof data);
}

int
note_key_parse(const char *text, size_t len, struct note_key *ret)
{
    uint8_t data[KEY_DATA_SIZE];
    struct note_key key;
    const char *id;
    size_t name_len;

    if (key_text_parse(text, len, &name_len, &id, data) != 0 || key_make(text, name_len, data + 1, &key) != 0 ||
        !id_matches(key.id, id))
        return -EBADMSG;
    *ret = key;
    return 0;
}

bool
note_key_equal(const struct note_key *a, const struct note_key *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->public_key, b->public_key, sizeof a->public_key) == 0;
}

void
note_key_format(const struct note_key *key, char ret[NOTE_KEY_TEXT_SIZE])
{
    key_text_format(key, key->public_key, ret);
}

static int
signer_make(const char *name, size_t len, const uint8_t seed[NOTE_SEED_SIZE], struct note_signer *ret)
{
    uint8_t public_key[NOTE_PUBLIC_KEY_SIZE];
    int rc;

    if (!name_is_valid(name, len))
        return -EINVAL;
    rc = ed25519_public_key(seed, public_key);
    if (rc == 0)
        rc = key_make(name, len, public_key, &ret->key);
    if (rc == 0)
        memcpy(ret->seed, seed, NOTE_SEED_SIZE);
    return rc;
}

int
note_signer_make(const char *name, const uint8_t seed[NOTE_SEED_SIZE], struct note_signer *ret)
{
    return signer_make(name, strnlen(name, NOTE_NAME_MAX + 1), seed, ret);
}

int
note_signer_parse(const char *text, size_t len, struct note_signer *ret)
{
    struct strict_line line = {.text = text, .len = len};
    uint8_t data[KEY_DATA_SIZE] = {0};
    struct note_signer signer;
    const char *id;
    size_t name_len;
    int rc = -EBADMSG;

    if (!strict_line_skip(&line, SIGNER_PREFIX) || key_text_parse(line.text, line.len, &name_len, &id, data) != 0)
        goto out;
    rc = signer_make(line.text, name_len, data + 1, &signer);
    if (rc != 0) {
        rc = rc == -EINVAL ? -EBADMSG : rc;
        goto out;
    }
    if (id_matches(signer.key.id, id))
        *ret = signer;
    else
        rc = -EBADMSG;
    note_signer_wipe(&signer);
out:
    OPENSSL_cleanse(data, sizeof data);
    return rc;
}

void
note_signer_format(const struct note_signer *signer, char ret[NOTE_SIGNER_TEXT_SIZE])
{
    memcpy(ret, SIGNER_PREFIX, sizeof SIGNER_PREFIX - 1);
    key_text_format(&signer->key, signer->seed, ret + sizeof SIGNER_PREFIX - 1);
}

void
note_signer_wipe(struct note_signer *signer)
{
    OPENSSL_cleanse(signer, sizeof *signer);
}

/* ---- notes */

static bool
signers_are_distinct(const struct note_signer *signers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (key_is(&signers[j].key, signers[i].key.name, strlen(signers[i].key.name), signers[i].key.id))
                return false;
    return true;
}

/* Writes the line of one signature and returns where it ends. */
static char *
signature_line(char *at, const struct note_key *key, const uint8_t signature[SIGNATURE_SIZE])
{
    uint8_t data[SIGNED_SIZE];
    size_t name_len = strlen(key->name);

    memcpy(data, key->id, NOTE_ID_SIZE);
    memcpy(data + NOTE_ID_SIZE, signature, SIGNATURE_SIZE);
    memcpy(at, EM_DASH, sizeof EM_DASH - 1);
    at += sizeof EM_DASH - 1;
    memcpy(at, key->name, name_len);
    at += name_len;
    *at++ = ' ';
    strict_base64_encode(data, sizeof data, at);
    at += SIGNED_TEXT_LEN;
    *at++ = '\n';
    return at;
}

int
note_sign(const char *text, size_t len, const struct note_signer *signers, size_t count, char **ret, size_t *ret_len)
{
    size_t size = len + 1;
    char *bytes, *at;
    int rc = 0;

    if (count == 0 || count > NOTE_SIGNATURES_MAX || !signers_are_distinct(signers, count))
        return -EINVAL;
    if (len > NOTE_SIZE_MAX)
        return -EMSGSIZE;
    if (len == 0 || text[len - 1] != '\n' || !strict_text_is_clean(text, len))
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        size += sizeof EM_DASH - 1 + strlen(signers[i].key.name) + 1 + SIGNED_TEXT_LEN + 1;
    if (size > NOTE_SIZE_MAX)
        return -EMSGSIZE;

    bytes = malloc(size + 1);
    if (bytes == NULL)
        return -ENOMEM;
    memcpy(bytes, text, len);
    at = bytes + len;
    *at++ = '\n';
    for (size_t i = 0; i < count && rc == 0; i++) {
        uint8_t signature[SIGNATURE_SIZE];

        rc = ed25519_sign(signers[i].seed, text, len, signature);
        if (rc == 0)
            at = signature_line(at, &signers[i].key, signature);
    }
    if (rc != 0)
        goto out;
    assert(at == bytes + size);
    *at = '\0';
    *ret = bytes;
    *ret_len = size;
    bytes = NULL;
out:
    free(bytes);
    return rc;
}

static int
signature_parse(struct strict_line line, struct note_signature *ret)
{
    const char *space;
    size_t len;

    if (!strict_line_skip(&line, EM_DASH))
        return -EBADMSG;
    space = line.len == 0 ? NULL : memchr(line.text, ' ', line.len);
    if (space == NULL)
        return -EBADMSG;
    ret->name = line.text;
    ret->name_len = (size_t)(space - line.text);
    ret->base64 = space + 1;
    ret->base64_len = line.len - ret->name_len - 1;
    if (!name_is_valid(ret->name, ret->name_len) ||
        strict_base64_decode(ret->base64, ret->base64_len, ret->id, sizeof ret->id, &len) != 0 || len <= NOTE_ID_SIZE)
        return -EBADMSG;
    return 0;
}

int
note_parse(const char *bytes, size_t len, struct note *ret)
{
    const char *end = bytes + len, *at;
    struct note note = {.text = bytes};
    size_t split;

    if (len < 2 || len > NOTE_SIZE_MAX || !strict_text_is_clean(bytes, len))
        return -EBADMSG;
    /* The last empty line: bytes[split - 1] ends the text, bytes[split] is the newline of the empty line. */
    for (split = len - 1; split > 0 && (bytes[split] != '\n' || bytes[split - 1] != '\n'); split--)
        ;
    if (split == 0 || split == len - 1)
        return -EBADMSG;
    note.text_len = split;
    for (at = bytes + split + 1; at < end; note.count++) {
        struct strict_line line;

        if (note.count == NOTE_SIGNATURES_MAX || strict_line_next(&at, end, &line) != 0 ||
            signature_parse(line, &note.signatures[note.count]) != 0)
            return -EBADMSG;
    }
    *ret = note;
    return 0;
}

static int
signature_verify(const struct note *note, const struct note_signature *signature, const struct note_key *key)
{
    uint8_t data[SIGNED_SIZE];
    size_t len;

    if (strict_base64_decode(signature->base64, signature->base64_len, data, sizeof data, &len) != 0 ||
        len != sizeof data)
        return -EKEYREJECTED;
    return ed25519_verify(key->public_key, note->text, note->text_len, data + NOTE_ID_SIZE);
}

int
note_verify(const struct note *note, const struct note_key *keys, size_t count, uint32_t *ret_signed)
{
    uint32_t done = 0;

    assert(count <= NOTE_KEYS_MAX);
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signatures[i];

        for (size_t k = 0; k < count; k++) {
            int rc;

            if (!key_is(&keys[k], signature->name, signature->name_len, signature->id))
                continue;
            if ((done & (UINT32_C(1) << k)) != 0)
                return -EBADMSG;
            rc = signature_verify(note, signature, &keys[k]);
            if (rc != 0)
                return rc;
            done |= UINT32_C(1) << k;
        }
    }
    if (done == 0)
        return -ENOKEY;
    *ret_signed = done;
    return 0;
}

/* ---- checkpoints */

int
note_checkpoint_format(const struct note_checkpoint *checkpoint, char ret[NOTE_CHECKPOINT_TEXT_SIZE], size_t *ret_len)
{
    char root[STRICT_BASE64_LEN(MERKLE_HASH_SIZE)];
    size_t origin_len = strnlen(checkpoint->origin, sizeof checkpoint->origin);
    int len;

    if (!origin_is_valid(checkpoint->origin, origin_len))
        return -EINVAL;
    strict_base64_encode(checkpoint->root, sizeof checkpoint->root, root);
    len = snprintf(ret, NOTE_CHECKPOINT_TEXT_SIZE, "%s\n%llu\n%.*s\n", checkpoint->origin,
                   (unsigned long long)checkpoint->size, (int)sizeof root, root);
    assert(len > 0 && (size_t)len < NOTE_CHECKPOINT_TEXT_SIZE);
    *ret_len = (size_t)len;
    return 0;
}

int
note_checkpoint_parse(const char *text, size_t len, struct note_checkpoint *ret)
{
    struct note_checkpoint checkpoint = {.origin = ""};
    struct strict_line origin, size, root;
    const char *at = text, *end = text + len;
    size_t root_len;

    if (strict_line_next(&at, end, &origin) != 0 || strict_line_next(&at, end, &size) != 0 ||
        strict_line_next(&at, end, &root) != 0 || at != end)
        return -EBADMSG;
    if (!origin_is_valid(origin.text, origin.len) || strict_decimal_parse(size.text, size.len, &checkpoint.size) != 0)
        return -EBADMSG;
    if (strict_base64_decode(root.text, root.len, checkpoint.root, sizeof checkpoint.root, &root_len) != 0 ||
        root_len != sizeof checkpoint.root)
        return -EBADMSG;
    memcpy(checkpoint.origin, origin.text, origin.len);
    *ret = checkpoint;
    return 0;
}

int
note_checkpoint_open(const char *bytes, size_t len, const struct note_key *keys, size_t count,
                     struct note_checkpoint *ret, uint32_t *ret_signed)
{
    struct note note;
    uint32_t keys_signed = 0;
    int rc = note_parse(bytes, len, &note);

    if (rc == 0)
        rc = note_verify(&note, keys, count, &keys_signed);
    if (rc == 0)
        rc = note_checkpoint_parse(note.text, note.text_len, ret);
    if (rc == 0)
        *ret_signed = keys_signed;
    return rc;
}
