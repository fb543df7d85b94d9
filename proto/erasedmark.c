/* erasedmark - see erasedmark.h */
#include "proto/erasedmark.h"

#include "proto/hex.h"
#include "proto/leaf.h"

#include <string.h>

static const char mark_tag[] = "wici-erased-v1"; /* with its NUL */

void
erased_mark_of(const uint8_t dossier_id[16], uint8_t ret[ERASED_MARK_SIZE])
{
    uint8_t input[sizeof mark_tag + 16], digest[LEAF_HASH_SIZE];

    memcpy(input, mark_tag, sizeof mark_tag);
    memcpy(input + sizeof mark_tag, dossier_id, 16);
    leaf_sha256(input, sizeof input, digest);
    memcpy(ret, digest, ERASED_MARK_SIZE);
}

void
erased_mark_text(const uint8_t dossier_id[16], char ret[ERASED_MARK_TEXT_SIZE])
{
    uint8_t mark[ERASED_MARK_SIZE];

    erased_mark_of(dossier_id, mark);
    hex_format(mark, sizeof mark, ret);
}
