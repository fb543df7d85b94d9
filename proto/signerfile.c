/* signerfile - see signerfile.h */
#include "proto/signerfile.h"

#include "proto/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int
signerfile_read(const char *path, struct note_signer *ret)
{
    char text[SECRET_SIZE_MAX + 1] = "";
    struct note_signer signer = {.key.name = ""};
    char *save = NULL;
    bool found = false;
    int rc = secret_read(path, text);

    for (char *line = rc == 0 ? strtok_r(text, "\n", &save) : NULL; line != NULL && rc == 0;
         line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#')
            continue;
        rc = found ? -EBADMSG : note_signer_parse(line, strlen(line), &signer);
        found = true;
    }
    explicit_bzero(text, sizeof text);
    if (rc == 0 && !found)
        rc = -EBADMSG;
    if (rc == 0)
        *ret = signer;
    note_signer_wipe(&signer);
    return rc;
}

int
signerfile_write(const char *path, const struct note_signer *signer)
{
    char key[NOTE_SIGNER_TEXT_SIZE], text[SECRET_SIZE_MAX];
    int len, rc;

    note_signer_format(signer, key);
    len = snprintf(text, sizeof text, "# %s: signs checkpoints; whoever has it can sign for the log\n%s\n",
                   signer->key.name, key);
    rc = len < 0 || (size_t)len >= sizeof text ? -EINVAL : secret_write(path, text, (size_t)len);
    explicit_bzero(key, sizeof key);
    explicit_bzero(text, sizeof text);
    return rc;
}
