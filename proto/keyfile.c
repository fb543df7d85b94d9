/*
 * keyfile - see keyfile.h
 */
#include "proto/keyfile.h"

#include "proto/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool
keyfile_is_key(const char *text)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   ".-:+=^!/*?&<>()[]{}@%$#";

    return strlen(text) == KEYFILE_KEY_SIZE - 1 && strspn(text, alphabet) == KEYFILE_KEY_SIZE - 1;
}

void
keyfile_wipe(struct keyfile *key)
{
    explicit_bzero(key, sizeof *key);
}

static const char *
blanks_skip(const char *at)
{
    return at + strspn(at, " \t");
}

/* One line of the file, NUL-terminated. */
static int
line_parse(char *line, struct keyfile *key)
{
    const char *at = blanks_skip(line);
    char *value, *end;

    if (*at == '#' || *at == '\0')
        return 0;
    if (strncmp(at, "public", 6) == 0)
        value = key->public_key;
    else if (strncmp(at, "secret", 6) == 0)
        value = key->secret_key;
    else
        return -EBADMSG;
    at = blanks_skip(at + 6);
    if (*at != '=' || value[0] != '\0')
        return -EBADMSG;
    at = blanks_skip(at + 1);
    end = line + strlen(line);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        *--end = '\0';
    if (!keyfile_is_key(at))
        return -EBADMSG;
    memcpy(value, at, KEYFILE_KEY_SIZE);
    return 0;
}

static int
text_parse(char *text, struct keyfile *key)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        int rc = line_parse(line, key);

        if (rc != 0)
            return rc;
    }
    return key->public_key[0] != '\0' && key->secret_key[0] != '\0' ? 0 : -EBADMSG;
}

int
keyfile_read(const char *path, struct keyfile *ret)
{
    struct keyfile key = {.public_key = ""};
    char text[SECRET_SIZE_MAX + 1] = "";
    int rc;

    assert(path != NULL);
    assert(ret != NULL);

    rc = secret_read(path, text);
    if (rc == 0)
        rc = text_parse(text, &key);
    if (rc == 0)
        *ret = key;
    explicit_bzero(text, sizeof text);
    keyfile_wipe(&key);
    return rc;
}

int
keyfile_write(const char *path, const struct keyfile *key, const char *comment)
{
    char text[SECRET_SIZE_MAX];
    int n, rc;

    assert(path != NULL);
    assert(keyfile_is_key(key->public_key));
    assert(keyfile_is_key(key->secret_key));
    assert(comment == NULL || strchr(comment, '\n') == NULL);

    n = snprintf(text, sizeof text, "%s%s%spublic = %s\nsecret = %s\n", comment != NULL ? "# " : "",
                 comment != NULL ? comment : "", comment != NULL ? "\n" : "", key->public_key, key->secret_key);
    rc = n < 0 || (size_t)n >= sizeof text ? -EINVAL : secret_write(path, text, (size_t)n);
    explicit_bzero(text, sizeof text);
    return rc;
}
