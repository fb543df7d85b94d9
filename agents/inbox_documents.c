/*
 * inbox_documents - see inbox_documents.h
 */
#include "agents/inbox_documents.h"

#include "agents/media.h"
#include "proto/document.h"
#include "proto/errors.h"
#include "proto/member.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NOTE_MAX  4096u
#define WAIT_MAX  65536u
#define STEM_SIZE 100u

static bool
is_want(const char *name)
{
    return name[0] != '.' && agent_has_suffix(name, ".want");
}

static bool
is_have(const char *name)
{
    return name[0] != '.' && agent_has_suffix(name, ".have");
}

static bool
is_staged(const char *name)
{
    return name[0] != '.' && agent_has_suffix(name, ".file");
}

static void
name_make(const char *stem, const char *suffix, char ret[NAME_MAX + 1])
{
    (void)snprintf(ret, NAME_MAX + 1, "%s%s", stem, suffix);
}

/* "STEM-K" of a name in state/documents. */
static int
stem_of(const char *name, char ret[STEM_SIZE])
{
    size_t len = strlen(name) - strlen(".want");

    if (len >= STEM_SIZE)
        return -EBADMSG;
    memcpy(ret, name, len);
    ret[len] = '\0';
    return 0;
}

/* ---- wanting */

static bool
is_digest(const json_t *text)
{
    uint8_t digest[DIGEST_SIZE];

    return json_is_string(text) && document_digest_parse(json_string_value(text), digest) == 0;
}

/* Puts the note of one document into the folder, and the name it will have into `files`. */
static int
document_want(const struct documents_from *from, unsigned number, const json_t *seq, json_t *document, json_t *files)
{
    const char *type = json_string_value(json_object_get(document, "mediaType"));
    const char *suffix = media_suffix_of(type != NULL ? type : "");
    char want[NAME_MAX + 1], file[NAME_MAX + 1], *text;
    json_t *note = json_pack("{s:O, s:O, s:s, s:I}", "seq", seq, "sha256", json_object_get(document, "sha256"),
                             "suffix", suffix, "at", (json_int_t)(from->now_ms / 1000u));
    int rc;

    text = note == NULL ? NULL : json_dumps(note, JSON_COMPACT);
    json_decref(note);
    (void)snprintf(want, sizeof want, "%s-%u.want", from->stem, number);
    (void)snprintf(file, sizeof file, "%s-%u%s", from->stem, number, suffix);
    rc = text == NULL ? -ENOMEM : agent_stage(from->dirs->documents, want, text, strlen(text));
    free(text);
    if (rc == 0 && json_array_append_new(files, json_pack("{s:s, s:O, s:O*}", "file", file, "sha256",
                                                          json_object_get(document, "sha256"), "name",
                                                          json_object_get(document, "name"))) < 0)
        rc = -ENOMEM;
    return rc;
}

int
documents_want(const struct documents_from *from, json_t *event, bool *ret_any)
{
    json_t *section, *body, *document, *files = json_array();
    const char *member;
    unsigned number = 0;
    size_t i, k;
    int rc = files == NULL ? -ENOMEM : 0;

    json_array_foreach(json_object_get(event, "sections"), i, section){
        json_object_foreach(section, member, body){json_array_foreach(json_object_get(body, "documents"), k, document){
            if (rc == 0 && is_digest(json_object_get(document, "sha256")))
                rc = document_want(from, ++number, json_object_get(event, "seq"), document, files);
}
}
}
*ret_any = number > 0;
if (rc == 0 && number > 0) {
    rc = json_object_set(event, "files", files) < 0 ? -ENOMEM : 0;
    if (rc == 0)
        rc = agent_sync(from->dirs->documents);
}
json_decref(files);
return rc;
}

/* ---- filing */

/* Steps 4 and 5. Somebody else's file of that name is never replaced. */
static int
have_deliver(const struct agent_dirs *dirs, const char *stem)
{
    char from[NAME_MAX + 1], to[NAME_MAX + 1], have[NAME_MAX + 1];
    const char *suffix;
    json_t *note;
    int rc;

    name_make(stem, ".have", have);
    name_make(stem, ".file", from);
    note = agent_read_json(dirs->documents, have, NOTE_MAX);
    suffix = json_string_value(json_object_get(note, "suffix"));
    if (suffix == NULL)
        suffix = ".bin";
    name_make(stem, suffix, to);
    rc = agent_move(dirs->documents, from, dirs->inbox, to);
    for (unsigned i = 2; rc == -EEXIST && i < 100; i++) {
        (void)snprintf(to, sizeof to, "%s-%u%s", stem, i, suffix);
        rc = agent_move(dirs->documents, from, dirs->inbox, to);
    }
    json_decref(note);
    if (rc == -ENOENT)
        rc = 0; /* it was moved already */
    if (rc == 0)
        rc = agent_sync(dirs->inbox);
    if (rc == 0)
        rc = agent_remove(dirs->documents, have);
    return rc == 0 ? agent_sync(dirs->documents) : rc;
}

/* Steps 2 and 3. */
static int
file_keep(const struct agent_dirs *dirs, const char *stem, const uint8_t *bytes, size_t len)
{
    char file[NAME_MAX + 1], want[NAME_MAX + 1], have[NAME_MAX + 1];
    int rc;

    name_make(stem, ".file", file);
    name_make(stem, ".want", want);
    name_make(stem, ".have", have);
    rc = agent_write(dirs->documents, file, bytes, len);
    if (rc == 0)
        rc = agent_move(dirs->documents, want, dirs->documents, have);
    if (rc == 0)
        rc = agent_sync(dirs->documents);
    return rc == 0 ? have_deliver(dirs, stem) : rc;
}

/* ---- after a restart */

static int
each(const struct agent_dirs *dirs, agent_accept_fn *accept, int (*fn)(const struct agent_dirs *, const char *))
{
    struct agent_list list;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        rc = agent_list(dirs->documents, NULL, accept, DOCUMENTS_STEP_MAX * 16, &list);
        if (rc != 0)
            break;
        more = list.more; /* what was listed is gone after fn */
        for (size_t i = 0; rc == 0 && i < list.count; i++)
            rc = fn(dirs, list.names[i]);
        agent_list_free(&list);
    }
    return rc;
}

static int
have_recover(const struct agent_dirs *dirs, const char *name)
{
    char stem[STEM_SIZE];
    int rc = stem_of(name, stem);

    return rc == 0 ? have_deliver(dirs, stem) : rc;
}

static int
staged_recover(const struct agent_dirs *dirs, const char *name)
{
    return agent_remove(dirs->documents, name); /* its note still says that it is wanted */
}

int
documents_recover(const struct agent_dirs *dirs)
{
    int rc = agent_sweep(dirs->documents);

    if (rc == 0)
        rc = each(dirs, is_have, have_recover);
    if (rc == 0)
        rc = each(dirs, is_staged, staged_recover);
    return rc == 0 ? agent_sync(dirs->documents) : rc;
}

/* ---- fetching */

/* Notes of earlier versions say no time: their file does. */
static bool
is_too_old(const struct documents_fetch *f, const char *name, const json_t *note)
{
    uint64_t now_s = f->link->time_ms(f->link->arg) / 1000u, at_s = member_number(note, "at");
    struct stat st;

    if (at_s == 0 && fstatat(f->dirs->documents, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        at_s = (uint64_t)st.st_mtim.tv_sec;
    return at_s != 0 && now_s > at_s && now_s - at_s > (uint64_t)DOCUMENTS_DAYS * 86400u;
}

/* What becomes of one that the broker refuses. 0: asked for again in the next round. */
static int
refused(const struct documents_fetch *f, const char *name, const json_t *note, const struct agent_refusal *why)
{
    bool later = strcmp(why->code, "E_NO_DOCUMENT") == 0 || error_client(error_by_name(why->code)) == CLIENT_WAIT;
    int rc;

    if (later && !is_too_old(f, name, note))
        return 0;
    agent_log(AGENT_WARN, "inbox: a document of record %.12s does not come: %s", name, why->code);
    rc = agent_remove(f->dirs->documents, name);
    return rc == 0 ? agent_sync(f->dirs->documents) : rc;
}

/* What came is not the document that the event names; the others do not wait for it. */
static int
other_bytes(const struct documents_fetch *f, const char *name, const json_t *note, struct agent_refusal *why)
{
    agent_log(AGENT_WARN, "inbox: for a document of record %.12s the broker gave other bytes: they are not taken",
              name);
    (void)snprintf(why->code, sizeof why->code, "%s", error_name(E_NO_DOCUMENT));
    return refused(f, name, note, why);
}

/* -EAGAIN: no answer now. */
static int
document_fetch(const struct documents_fetch *f, const char *name)
{
    struct agent_refusal why = {0};
    json_t *note = agent_read_json(f->dirs->documents, name, NOTE_MAX);
    const char *sha256 = json_string_value(json_object_get(note, "sha256"));
    uint8_t *bytes = NULL;
    char stem[STEM_SIZE];
    size_t len = 0;
    int rc = stem_of(name, stem);

    if (rc != 0 || sha256 == NULL || member_number(note, "seq") == 0) {
        agent_log(AGENT_WARN, "inbox: a note in state/documents cannot be read: it is passed over");
        rc = 0;
    } else {
        rc = f->link->get(f->link->arg, member_number(note, "seq"), sha256, &bytes, &len, &why);
        if (rc == 0)
            rc = file_keep(f->dirs, stem, bytes, len);
        else if (rc == -EPROTO || rc == -EINVAL)
            rc = refused(f, name, note, &why);
        else if (rc == -EBADMSG)
            rc = other_bytes(f, name, note, &why);
        else if (rc != -ENOMEM)
            rc = -EAGAIN;
    }
    free(bytes);
    json_decref(note);
    return rc;
}

int
documents_run(struct documents_fetch *f, uint64_t now_ms)
{
    struct agent_list list;
    bool more;
    int rc;

    if (now_ms < f->next_ms)
        return 0;
    rc = agent_list(f->dirs->documents, f->after[0] != '\0' ? f->after : NULL, is_want, DOCUMENTS_STEP_MAX, &list);
    if (rc != 0)
        return rc;
    more = list.more;
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        rc = document_fetch(f, list.names[i]);
        if (rc == 0)
            (void)snprintf(f->after, sizeof f->after, "%s", list.names[i]);
    }
    agent_list_free(&list);
    f->waits = more || rc == -EAGAIN;
    if (rc == -EAGAIN) {
        f->next_ms = now_ms + DOCUMENTS_PAUSE_MS;
        return 0;
    }
    if (rc == 0 && !more) {
        f->after[0] = '\0';
        f->next_ms = now_ms + DOCUMENTS_EVERY_MS;
    }
    return rc;
}

int
documents_waiting(const struct agent_dirs *dirs, size_t *ret_count)
{
    struct agent_list list;
    int rc = agent_list(dirs->documents, NULL, is_want, WAIT_MAX, &list);

    if (rc != 0)
        return rc;
    *ret_count = list.count;
    agent_list_free(&list);
    return 0;
}
