/*
 * outbox_files - see outbox_files.h
 */
#include "agents/outbox_files.h"

#include "agents/agent_explain.h"
#include "agents/media.h"
#include "proto/document.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
folder_name(uint64_t number, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%012llu.files", (unsigned long long)number);
}

/* NAME.json -> NAME.files */
static void
folder_beside(const char *name, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%.*s.files", (int)strlen(name) - 5, name);
}

/* The folder of a job. -ENOENT: it has none. */
static int
folder_open(const struct agent_dirs *d, uint64_t number)
{
    char name[NAME_MAX + 1];
    int fd;

    folder_name(number, name);
    fd = openat(d->out, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static bool
is_file(const char *name)
{
    return name[0] != '.' && !agent_has_suffix(name, "~");
}

/* What is said of a file that cannot be sent. -EPROTO */
static int
refuse(struct agent_refusal *why, const char *code, const char *path, const char *pl, const char *en)
{
    agent_explain_make(why, code, path, pl, en);
    return -EPROTO;
}

/* A file, whole, and its digest. -EPROTO */
static int
file_read(int folder, const char *name, const char *path, char **ret, size_t *ret_len, uint8_t digest[DIGEST_SIZE],
          struct agent_refusal *why)
{
    struct digest none;
    int rc = agent_read(folder, name, DOCUMENT_SIZE_MAX, ret, ret_len);

    if (rc == -EFBIG)
        return refuse(why, "E_SIZE", path, "Plik w folderze obok zdarzenia jest większy niż 10 MiB.",
                      "A file in the folder beside the event is larger than 10 MiB.");
    if (rc == -ENOENT)
        return refuse(
            why, "E_FIELD", path,
            "W folderze obok zdarzenia nie ma pliku o nazwie podanej w polu name. Dołóż plik albo popraw nazwę.",
            "The folder beside the event has no file of the name given in name. Add the file or mend the name.");
    if (rc == -EACCES || rc == -EINVAL || rc == -ELOOP)
        return refuse(
            why, "E_FIELD", path,
            "W folderze obok zdarzenia jest coś, czego agent nie może odczytać: plik bez prawa odczytu, skrót "
            "(dowiązanie) albo folder. Włóż tam sam plik.",
            "The folder beside the event holds something that the agent cannot read: a file without "
            "permission, a link, or a folder. Put the file itself there.");
    if (rc != 0)
        return rc;
    if (*ret_len == 0) {
        free(*ret);
        *ret = NULL;
        return refuse(why, "E_FIELD", path, "Plik w folderze obok zdarzenia jest pusty.",
                      "A file in the folder beside the event is empty.");
    }
    digest_begin(&none);
    digest_end(&none, *ret, *ret_len, digest);
    return 0;
}

/* A link, a file, or a folder that is not ours to read or to move: what lies in outbox beside the event. */
static bool
is_no_folder(int rc)
{
    return rc == -ENOTDIR || rc == -ELOOP || rc == -EACCES || rc == -EPERM;
}

static int
folder_refuse(struct agent_refusal *why)
{
    return refuse(
        why, "E_FIELD", "",
        "Agent nie może wziąć folderu obok zdarzenia: to skrót (dowiązanie) albo plik, albo konto agenta nie ma "
        "prawa czytać go i w nim zapisywać.",
        "The agent cannot take the folder beside the event: it is a link or a file, or the agent's account may "
        "not read it and write in it.");
}

/* Out of outbox, if it is there. -EACCES, -EPERM: the agent may not move it. */
static int
folder_take(const struct agent_dirs *d, const char *name, uint64_t number)
{
    char from[NAME_MAX + 1], to[NAME_MAX + 1];
    int rc;

    folder_beside(name, from);
    folder_name(number, to);
    if (agent_exists(d->out, to) || !agent_exists(d->outbox, from))
        return 0;
    rc = agent_move(d->outbox, from, d->out, to);
    if (rc == 0)
        rc = agent_sync(d->out);
    if (rc == 0)
        rc = agent_sync(d->outbox);
    return rc == -ENOENT ? 0 : rc;
}

int
files_take(const struct agent_dirs *d, const char *name, uint64_t number, struct agent_refusal *why)
{
    int rc = folder_take(d, name, number);

    return is_no_folder(rc) ? folder_refuse(why) : rc;
}

/* ---- filling in */

static int
document_fill(int folder, json_t *document, const char *path, struct agent_refusal *why)
{
    const char *name = json_string_value(json_object_get(document, "name"));
    char text[DOCUMENT_DIGEST_TEXT_SIZE], *bytes = NULL;
    uint8_t digest[DIGEST_SIZE];
    size_t len = 0;
    int rc;

    if (name == NULL || json_object_get(document, "sha256") != NULL)
        return 0; /* the encoder says what is missing */
    if (strchr(name, '/') != NULL || !is_file(name) || folder < 0)
        rc = refuse(
            why, "E_FIELD", path,
            "W folderze obok zdarzenia nie ma pliku o nazwie podanej w polu name. Dołóż plik albo popraw nazwę.",
            "The folder beside the event has no file of the name given in name. Add the file or mend the name.");
    else
        rc = file_read(folder, name, path, &bytes, &len, digest, why);
    free(bytes);
    if (rc != 0)
        return rc;
    document_digest_format(digest, text);
    if (json_object_set_new(document, "sha256", json_string(text)) < 0 ||
        (json_object_get(document, "size") == NULL &&
         json_object_set_new(document, "size", json_integer((json_int_t)len)) < 0) ||
        (json_object_get(document, "mediaType") == NULL && json_object_get(document, "media_type") == NULL &&
         json_object_set_new(document, "mediaType", json_string(media_type_of(name))) < 0))
        return -ENOMEM;
    return 0;
}

int
files_fill(const struct agent_dirs *dirs, uint64_t number, json_t *event, struct agent_refusal *why)
{
    int folder = folder_open(dirs, number), rc = folder < 0 && folder != -ENOENT ? folder : 0;
    json_t *section, *body, *document;
    const char *member;
    size_t i, k;

    if (is_no_folder(rc))
        return folder_refuse(why);
    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        json_object_foreach(section, member, body)
        {
            json_array_foreach(json_object_get(body, "documents"), k, document)
            {
                char path[256];

                (void)snprintf(path, sizeof path, "sections[%zu].%.80s.documents[%zu].name", i, member, k);
                if (rc == 0 && json_is_object(document))
                    rc = document_fill(folder, document, path, why);
            }
        }
    }
    if (folder >= 0)
        close(folder);
    return rc;
}

/* ---- sending */

/* Does a section of the event name a document of that digest? */
static bool
is_named(const Wici__V1__EventDocument *event, const uint8_t digest[DIGEST_SIZE])
{
    for (size_t i = 0; i < event->n_sections; i++) {
        Wici__V1__Document *const *list = NULL;
        size_t count = document_list(document_body(event->sections[i]), &list);
        uint8_t named[DIGEST_SIZE];

        for (size_t k = 0; k < count; k++)
            if (document_digest_parse(list[k]->sha256, named) == 0 && memcmp(named, digest, DIGEST_SIZE) == 0)
                return true;
    }
    return false;
}

static int
file_send(int folder, const char *name, const struct agent_link *link, const Wici__V1__EventDocument *event,
          struct agent_refusal *why)
{
    uint8_t digest[DIGEST_SIZE];
    char *bytes = NULL;
    size_t len = 0;
    int rc = file_read(folder, name, "", &bytes, &len, digest, why);

    if (rc == 0 && !is_named(event, digest))
        rc = refuse(
            why, "E_DOCUMENT", "",
            "W folderze obok zdarzenia jest plik, którego zdarzenie nie wskazuje. Wskaż go w polu documents albo "
            "usuń z folderu.",
            "The folder beside the event holds a file that the event does not name. Name it in documents, or take "
            "it out of the folder.");
    if (rc == 0) {
        rc = link->put(link->arg, (const uint8_t *)bytes, len, why);
        if (rc != 0 && rc != -EPROTO && rc != -ENOMEM)
            rc = -EAGAIN; /* no connection, no answer */
    }
    free(bytes);
    return rc;
}

int
files_send(const struct agent_dirs *dirs, const struct agent_link *link, uint64_t number, const uint8_t *event,
           size_t len, struct agent_refusal *why)
{
    Wici__V1__EventDocument *document = NULL;
    struct agent_list list = {0};
    int folder = folder_open(dirs, number), rc;

    if (folder == -ENOENT)
        return 0;
    if (is_no_folder(folder))
        return folder_refuse(why);
    if (folder < 0)
        return folder;
    document = wici__v1__event_document__unpack(NULL, len, event);
    rc = document == NULL ? -ENOMEM : agent_list(folder, NULL, is_file, FILES_MAX, &list);
    if (rc == 0 && list.more)
        rc = refuse(why, "E_SIZE", "", "W folderze obok zdarzenia jest za dużo plików.",
                    "The folder beside the event holds too many files.");
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = file_send(folder, list.names[i], link, document, why);
    agent_list_free(&list);
    if (document != NULL)
        wici__v1__event_document__free_unpacked(document, NULL);
    close(folder);
    return rc;
}

int
files_finish(const struct agent_dirs *d, uint64_t number, int dir, const char *target)
{
    char from[NAME_MAX + 1], to[NAME_MAX + 1];
    int rc;

    folder_name(number, from);
    if (!agent_exists(d->out, from))
        return 0;
    folder_beside(target, to);
    rc = agent_move(d->out, from, dir, to);
    return rc == -ENOENT ? 0 : rc;
}

int
files_return(const struct agent_dirs *d, uint64_t number, int dir, const char *target)
{
    char from[NAME_MAX + 1], to[NAME_MAX + 1];
    int rc;

    folder_beside(target, from);
    folder_name(number, to);
    rc = agent_exists(d->out, to) ? 0 : agent_move(dir, from, d->out, to);
    return rc == -ENOENT ? 0 : rc;
}
