/* Saying no, and saying what is odd: a code, the rule behind it, and the field in JSON names. */
#include "broker/core/deciding.h"

#include <errno.h>
#include <string.h>

#define WARNINGS_MAX 16u

struct path {
    char *at, *end;
};

static void
path_put(struct path *path, const char *text)
{
    while (*text != '\0' && path->at < path->end)
        *path->at++ = *text++;
    *path->at = '\0';
}

static void
path_put_index(struct path *path, size_t index)
{
    char digits[24];
    char *at = digits + sizeof digits - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + index % 10);
        index /= 10;
    } while (index > 0);
    path_put(path, "[");
    path_put(path, at);
    path_put(path, "]");
}

/* "case_linked_s0" as JSON spells it. */
static void
path_put_camel(struct path *path, const char *name)
{
    for (; *name != '\0' && path->at < path->end; name++) {
        if (*name != '_')
            *path->at++ = *name;
        else if (name[1] >= 'a' && name[1] <= 'z')
            *path->at++ = (char)(*++name - 'a' + 'A');
    }
    *path->at = '\0';
}

static struct path
refusal_start(struct deciding *d, enum error_code code)
{
    d->refusal->code = code;
    d->refusal->rule = RULE_NONE;
    d->refusal->path[0] = '\0';
    return (struct path){.at = d->refusal->path, .end = d->refusal->path + sizeof d->refusal->path - 1};
}

int
decide_refuse(struct deciding *d, enum error_code code, const char *path)
{
    struct path out = refusal_start(d, code);

    path_put(&out, path);
    return -EACCES;
}

int
decide_refuse_indexed(struct deciding *d, enum error_code code, const char *before, size_t index, const char *after)
{
    struct path out = refusal_start(d, code);

    path_put(&out, before);
    path_put_index(&out, index);
    path_put(&out, after);
    return -EACCES;
}

static struct path
body_start(struct deciding *d, enum error_code code, size_t section)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&wici__v1__section__descriptor,
                                                                                    d->event->sections[section].id);
    struct path out = refusal_start(d, code);

    path_put(&out, "sections");
    path_put_index(&out, section);
    path_put(&out, ".");
    if (field != NULL)
        path_put_camel(&out, field->name);
    return out;
}

int
decide_refuse_body(struct deciding *d, enum error_code code, size_t section, const char *field)
{
    struct path out = body_start(d, code, section);

    path_put(&out, ".");
    path_put(&out, field);
    return -EACCES;
}

int
decide_refuse_item(struct deciding *d, enum error_code code, size_t section, const char *list, size_t index,
                   const char *field)
{
    struct path out = body_start(d, code, section);

    path_put(&out, ".");
    path_put(&out, list);
    path_put_index(&out, index);
    path_put(&out, field);
    return -EACCES;
}

/* ---- by a rule */

static int
with_rule(struct deciding *d, enum rule rule, int rc)
{
    d->refusal->rule = rule;
    return rc;
}

int
decide_refuse_rule(struct deciding *d, enum rule rule, const char *path)
{
    return with_rule(d, rule, decide_refuse(d, rule_code(rule), path));
}

int
decide_refuse_rule_body(struct deciding *d, enum rule rule, size_t section, const char *field)
{
    return with_rule(d, rule, decide_refuse_body(d, rule_code(rule), section, field));
}

int
decide_refuse_rule_item(struct deciding *d, enum rule rule, size_t section, const char *list, size_t index,
                        const char *field)
{
    return with_rule(d, rule, decide_refuse_item(d, rule_code(rule), section, list, index, field));
}

/* ---- warnings */

/* Texts of the tables are constant, and what packs or prints a warning only reads. */
static char *
constant(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Of one code several rules may speak: each is told. */
static bool
is_said(const Wici__V1__Warning *warning, enum error_code code, enum rule rule, const char *path)
{
    return strcmp(warning->code, error_name(code)) == 0 && strcmp(warning->rule, rule_id(rule)) == 0 &&
           strcmp(warning->path, path) == 0;
}

static int
warning_add(struct deciding *d, enum error_code code, enum rule rule, const char *path)
{
    Wici__V1__BrokerNote *note = d->note;
    size_t size = strlen(path) + 1;
    Wici__V1__Warning *warning;

    for (size_t i = 0; i < note->n_warnings; i++)
        if (is_said(note->warnings[i], code, rule, path))
            return 0;
    if (note->n_warnings == WARNINGS_MAX) {
        if (code != W_DOCUMENT)
            return 0;
        note->n_warnings--; /* by it the log knows that nothing is lost where a document is missing (store/verify.h) */
    }
    if (note->warnings == NULL)
        note->warnings = arena_alloc(d->arena, WARNINGS_MAX * sizeof(Wici__V1__Warning *));
    warning = arena_alloc(d->arena, sizeof *warning);
    if (note->warnings == NULL || warning == NULL)
        return -ENOMEM;
    wici__v1__warning__init(warning);
    warning->code = constant(error_name(code));
    warning->rule = constant(rule_id(rule));
    warning->source = constant(rule_source(rule));
    warning->path = arena_alloc(d->arena, size);
    if (warning->path == NULL)
        return -ENOMEM;
    memcpy(warning->path, path, size);
    note->warnings[note->n_warnings++] = warning;
    return 0;
}

int
decide_warn_code(struct deciding *d, enum error_code code, const char *path)
{
    return warning_add(d, code, RULE_NONE, path);
}

int
decide_warn(struct deciding *d, enum rule rule, const char *path)
{
    return warning_add(d, rule_code(rule), rule, path);
}

/* The paths are built as those of refusals are. */
int
decide_warn_indexed(struct deciding *d, enum rule rule, const char *before, size_t index)
{
    struct refusal path;
    struct deciding shadow = *d;

    shadow.refusal = &path;
    (void)decide_refuse_indexed(&shadow, E_NONE, before, index, "");
    return decide_warn(d, rule, path.path);
}

int
decide_warn_body(struct deciding *d, enum rule rule, size_t section, const char *field)
{
    struct refusal path;
    struct deciding shadow = *d;

    shadow.refusal = &path;
    (void)decide_refuse_body(&shadow, E_NONE, section, field);
    return decide_warn(d, rule, path.path);
}
