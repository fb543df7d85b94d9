/* endorse - see endorse.h */
#include "endorse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "wici-log-key\n"
#define TEXT_SIZE  (sizeof FIRST_LINE + NOTE_KEY_TEXT_SIZE + 1)

static size_t
text_format(const struct note_key *key, char ret[TEXT_SIZE])
{
    char vkey[NOTE_KEY_TEXT_SIZE];

    note_key_format(key, vkey);
    return (size_t)snprintf(ret, TEXT_SIZE, FIRST_LINE "%s\n", vkey);
}

int
endorse_make(const struct note_signer *by, const struct note_key *key, char ret[ENDORSE_SIZE_MAX])
{
    char text[TEXT_SIZE], *note = NULL;
    size_t len = 0;
    int rc = note_sign(text, text_format(key, text), by, 1, &note, &len);

    if (rc == 0 && len >= ENDORSE_SIZE_MAX)
        rc = -EMSGSIZE;
    if (rc == 0)
        memcpy(ret, note, len + 1);
    free(note);
    return rc;
}

int
endorse_check(const char *text, const struct note_key *key, const struct note_key *keys, size_t count)
{
    char want[TEXT_SIZE];
    size_t len = text_format(key, want);
    struct note note;
    uint32_t by;
    int rc = note_parse(text, strlen(text), &note);

    if (rc == 0 && (note.text_len != len || memcmp(note.text, want, len) != 0))
        rc = -EBADMSG;
    return rc == 0 ? note_verify(&note, keys, count, &by) : rc;
}
