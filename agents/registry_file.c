/*
 * registry_file - see registry_file.h
 */
#include "agents/registry_file.h"

#include "agents/answer.h"
#include "proto/arena.h"
#include "proto/event.h"
#include "proto/json.h"
#include "proto/keyfile.h"
#include "proto/language.h"
#include "proto/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (1u << 20)

static const struct registry_kind kinds[] = {
    {"agency", "sys.agency_enrolled", "agencyId", NULL, "ADM", true, false},
    {"external", "sys.external_enrolled", "agencyId", NULL, "ADM", true, false},
    {"unit", "sys.unit_enrolled", "unitId", NULL, "ADM", true, false},
    {"declaration", "sys.declaration_registered", NULL, "agencies", "DIR", false, true},
    {"programme", "sys.programme_registered", "programmeId", NULL, "OUS", false, true},
    {"qualification", "sys.qualification_registered", "personRef", "kind", "DIR", false, true},
    {"setting", "sys.setting_registered", "agency", "setting", "DIR", false, true},
    {"volunteer", "sys.volunteer_file_registered", "volunteerRef", NULL, "DIR HEAD", false, true},
};

struct reading {
    const char *path;
    struct registry_file *file;
    struct registry_entry *entry; /* being read; NULL before the first */
    struct arena *arena;
    struct registry_problem *problem;
    unsigned line;
};

static int
wrong(struct reading *r, unsigned line, const char *why, const char *word)
{
    *r->problem = (struct registry_problem){.line = line, .why = why};
    (void)snprintf(r->problem->word, sizeof r->problem->word, "%s", word);
    return -EBADMSG;
}

/* ---- an entry */

static const struct registry_kind *
kind_by_word(const char *word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    return NULL;
}

/* An earlier entry about the same. */
static bool
is_repeated(const struct registry_file *file, const struct registry_entry *entry)
{
    for (const struct registry_entry *other = file->entries; other < entry; other++)
        if (other->kind == entry->kind && registry_same(entry->kind, other->body, entry->body))
            return true;
    return false;
}

/* The entry above is complete: would the broker take it? */
static int
entry_end(struct reading *r)
{
    struct registry_entry *entry = r->entry;
    ProtobufCMessage *message;
    int rc;

    if (entry == NULL)
        return 0;
    r->entry = NULL;
    if (entry->kind->by != (entry->by != NULL))
        return wrong(r, entry->line,
                     entry->kind->by ? N_("say which unit registers this: by = UNIT")
                                     : N_("this is the administrator's: by has no place here"),
                     entry->id);
    if (is_repeated(r->file, entry))
        return wrong(r, entry->line, N_("another entry of this file is about the same"), entry->id);
    arena_reset(r->arena);
    rc = json_to_message(entry->body, entry->type->body[0]->desc, r->arena, &message, &r->problem->refusal);
    if (rc == 0)
        rc = event_check_message(message, "", &r->problem->refusal);
    if (rc == -EBADMSG) {
        r->problem->line = entry->line;
        r->problem->why = NULL;
    }
    return rc;
}

/* "[unit cus-sw]" */
static int
entry_begin(struct reading *r, char *text)
{
    size_t len = strlen(text);
    struct registry_entry *entry = &r->file->entries[r->file->count];
    char *word = text + 1, *id = strpbrk(text, " \t");
    const struct registry_kind *kind;

    if (text[len - 1] != ']' || id == NULL)
        return wrong(r, r->line, N_("an entry begins with [KIND ID]"), text);
    if (r->file->count == REGISTRY_ENTRIES_MAX)
        return wrong(r, r->line, N_("too many entries: make two files of it"), "");
    text[len - 1] = '\0';
    *id++ = '\0';
    id = option_trim(id);
    kind = kind_by_word(word);
    if (kind == NULL)
        return wrong(r, r->line, N_("not a kind of entry"), word);
    *entry = (struct registry_entry){.kind = kind,
                                     .type = type_by_name(kind->type),
                                     .id = strdup(id),
                                     .line = r->line,
                                     .body = kind->id != NULL ? json_pack("{s:s}", kind->id, id) : json_object()};
    r->file->count++;
    r->entry = entry;
    return entry->id == NULL || entry->body == NULL ? -ENOMEM : 0;
}

/* ---- a field */

static const ProtobufCFieldDescriptor *
field_by_json(const struct message_info *message, const char *name, const struct field_info **ret)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        if (strcmp(message->fields[i].json, name) == 0) {
            *ret = &message->fields[i];
            return &message->desc->fields[i];
        }
    }
    return NULL;
}

/* A public key as it stands, or that of a key file beside the registry's. */
static json_t *
key_value(const struct reading *r, const char *text)
{
    const char *slash = strrchr(r->path, '/');
    struct keyfile key;
    char path[PATH_MAX];
    json_t *value;
    int len;

    if (keyfile_is_key(text))
        return json_string(text);
    len = text[0] == '/' || slash == NULL
              ? snprintf(path, sizeof path, "%s", text)
              : snprintf(path, sizeof path, "%.*s/%s", (int)(slash - r->path), r->path, text);
    if (len < 0 || (size_t)len >= sizeof path || keyfile_read(path, &key) != 0)
        return NULL;
    value = json_string(key.public_key);
    keyfile_wipe(&key);
    return value;
}

static json_t *
value_of(const struct reading *r, const char *text, const ProtobufCFieldDescriptor *field,
         const struct field_info *info)
{
    if (info->format == FIELD_KEY)
        return key_value(r, text);
    if (info->format == FIELD_DATE && !isdigit((unsigned char)text[0]))
        return NULL; /* "today" in a file is another day tomorrow */
    return answer_value(text, field, info, 0);
}

static json_t *
list_of(const struct reading *r, char *text, const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    json_t *list = json_array(), *value;
    char *save = NULL;

    for (char *word = strtok_r(text, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
        value = value_of(r, option_trim(word), field, info);
        if (value == NULL || json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int
by_set(struct reading *r, const char *value)
{
    if (r->entry->by != NULL)
        return wrong(r, r->line, N_("this stands here twice"), "by");
    r->entry->by = strdup(value);
    return r->entry->by == NULL ? -ENOMEM : 0;
}

/* "name = value" */
static int
field_set(struct reading *r, char *text)
{
    char *value, *name;
    const ProtobufCFieldDescriptor *field;
    const struct field_info *info;
    json_t *json;

    if (r->entry == NULL || strchr(text, '=') == NULL)
        return wrong(r, r->line, N_("neither [KIND ID] nor a field of an entry (name = value)"), text);
    option_split(text, &name, &value);
    if (strcmp(name, "by") == 0)
        return by_set(r, value);
    field = field_by_json(r->entry->type->body[0], name, &info);
    if (field == NULL)
        return wrong(r, r->line, N_("an entry of this kind has no such field (wici types has them)"), name);
    if (json_object_get(r->entry->body, name) != NULL)
        return wrong(r, r->line, N_("this stands here twice"), name);
    json = field->label == PROTOBUF_C_LABEL_REPEATED ? list_of(r, value, field, info) : value_of(r, value, field, info);
    if (json == NULL)
        return wrong(r, r->line,
                     info->format == FIELD_KEY ? N_("neither a public key nor a key file that can be read")
                                               : N_("this cannot be the value of that field"),
                     name);
    return json_object_set_new(r->entry->body, name, json) != 0 ? -ENOMEM : 0;
}

/* ---- the file */

static int
line_take(struct reading *r, char *text)
{
    int rc;

    text = option_trim(text);
    if (text[0] == '\0' || text[0] == '#')
        return 0;
    if (text[0] != '[')
        return field_set(r, text);
    rc = entry_end(r);
    return rc == 0 ? entry_begin(r, text) : rc;
}

static int
lines_take(struct reading *r, FILE *f)
{
    char line[REGISTRY_LINE_MAX + 2];
    int rc = 0;

    for (r->line = 1; rc == 0 && fgets(line, sizeof line, f) != NULL; r->line++) {
        if (strlen(line) > REGISTRY_LINE_MAX)
            return wrong(r, r->line, N_("the line is too long"), "");
        rc = line_take(r, line);
    }
    if (rc == 0 && ferror(f))
        rc = -EIO;
    return rc == 0 ? entry_end(r) : rc;
}

int
registry_file_read(const char *path, struct registry_file **ret, struct registry_problem *problem)
{
    struct reading r = {.path = path, .file = calloc(1, sizeof *r.file), .problem = problem};
    FILE *f = fopen(path, "re");
    int rc = f == NULL ? -errno : 0;

    *problem = (struct registry_problem){0};
    if (rc == 0 && r.file != NULL)
        r.file->entries = calloc(REGISTRY_ENTRIES_MAX, sizeof *r.file->entries);
    if (rc == 0)
        rc = r.file == NULL || r.file->entries == NULL ? -ENOMEM : arena_create(&r.arena, ARENA_SIZE);
    if (rc == 0)
        rc = lines_take(&r, f);
    if (rc == 0) {
        *ret = r.file;
        r.file = NULL;
    }
    arena_destroy(&r.arena);
    registry_file_close(&r.file);
    if (f != NULL)
        fclose(f);
    return rc;
}

void
registry_file_close(struct registry_file **file)
{
    if (*file == NULL)
        return;
    for (size_t i = 0; i < (*file)->count; i++) {
        free((*file)->entries[i].id);
        free((*file)->entries[i].by);
        json_decref((*file)->entries[i].body);
    }
    free((*file)->entries);
    free(*file);
    *file = NULL;
}

/* ---- comparing */

bool
registry_same(const struct registry_kind *kind, const json_t *a, const json_t *b)
{
    return (kind->id == NULL || json_equal(json_object_get(a, kind->id), json_object_get(b, kind->id))) &&
           (kind->also == NULL || json_equal(json_object_get(a, kind->also), json_object_get(b, kind->also)));
}

static bool
is_default(const json_t *value)
{
    return value == NULL || json_is_false(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

static bool
covers(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)b, name, value)
    {
        if (!is_default(value) && !json_equal(json_object_get(a, name), value))
            return false;
    }
    return true;
}

bool
registry_equal(const json_t *a, const json_t *b)
{
    return covers(a, b) && covers(b, a);
}
