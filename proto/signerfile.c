/* signerfile - see signerfile.h */
#include "proto/signerfile.h"

#include "proto/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AFTER "after "

/* What a line of the file says; each may be said once. */
static int
line_take(const char *line, struct note_signer *signer, struct note_key *after)
{
    if (line[0] == '#')
        return 0;
    if (strncmp(line, AFTER, strlen(AFTER)) != 0)
        return signer->key.name[0] != '\0' ? -EBADMSG : note_signer_parse(line, strlen(line), signer);
    line += strlen(AFTER);
    return after->name[0] != '\0' ? -EBADMSG : note_key_parse(line, strlen(line), after);
}

int
signerfile_read(const char *path, struct note_signer *ret, struct note_key *ret_after)
{
    char text[SECRET_SIZE_MAX + 1] = "";
    struct note_signer signer = {.key.name = ""};
    struct note_key after = {.name = ""};
    char *save = NULL;
    int rc = secret_read(path, text);

    for (char *line = rc == 0 ? strtok_r(text, "\n", &save) : NULL; line != NULL && rc == 0;
         line = strtok_r(NULL, "\n", &save))
        rc = line_take(line, &signer, &after);
    explicit_bzero(text, sizeof text);
    if (rc == 0 && signer.key.name[0] == '\0')
        rc = -EBADMSG;
    if (rc == 0)
        *ret = signer;
    if (rc == 0 && ret_after != NULL)
        *ret_after = after;
    note_signer_wipe(&signer);
    return rc;
}

static_assert(3 * NOTE_SIGNER_TEXT_SIZE + 256 <= SECRET_SIZE_MAX, "two keys, and the name in a comment");

int
signerfile_write(const char *path, const struct note_signer *signer, const struct note_key *after)
{
    char key[NOTE_SIGNER_TEXT_SIZE], before[NOTE_KEY_TEXT_SIZE] = "", text[SECRET_SIZE_MAX];
    int len, rc;

    note_signer_format(signer, key);
    if (after != NULL)
        note_key_format(after, before);
    len = snprintf(text, sizeof text, "# %s: signs checkpoints; whoever has it can sign for the log\n%s\n%s%s%s",
                   signer->key.name, key,
                   after != NULL ? "# What the guard held when this key was made was signed by:\n" AFTER : "", before,
                   after != NULL ? "\n" : "");
    rc = len < 0 || (size_t)len >= sizeof text ? -EINVAL : secret_write(path, text, (size_t)len);
    explicit_bzero(key, sizeof key);
    explicit_bzero(text, sizeof text);
    return rc;
}
