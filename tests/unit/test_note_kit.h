/*
 * test_note_kit - keys, signers and texts for the tests of notes; examples are those of the C2SP documents and of Go's
 * note package
 */
#ifndef TEST_NOTE_KIT_H
#define TEST_NOTE_KIT_H

#include "proto/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DASH "\u2014 "

/* C2SP signed-note: this key verifies this note. */
#define C2SP_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define C2SP_TEXT "This is an example message.\n"
#define C2SP_LINE                                                                                                      \
    DASH "example.com/foo "                                                                                            \
         "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define C2SP_NOTE C2SP_TEXT "\n" C2SP_LINE

/* Go's note package: this signer makes this note. */
#define GO_SIGNER "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define GO_VKEY   "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_TEXT   "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define GO_LINE                                                                                                        \
    DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

/* Of 32 bytes. */
#define HASH_TEXT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static inline struct note_key
key_of(const char *vkey)
{
    struct note_key key;

    assert_int_equal(note_key_parse(vkey, strlen(vkey), &key), 0);
    return key;
}

static inline struct note_signer
signer_of(const char *name, uint8_t number)
{
    uint8_t seed[NOTE_SEED_SIZE];
    struct note_signer signer;

    memset(seed, number, sizeof seed);
    assert_int_equal(note_signer_make(name, seed, &signer), 0);
    return signer;
}

/* A copy of exactly len bytes, so that a read past its end is seen. */
static inline char *
exact(const char *bytes, size_t len)
{
    char *copy = malloc(len + (len == 0));

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

#endif
