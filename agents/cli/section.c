/* section - the sections of events for people: their names, their fields with labels, what a field holds (cli.h) */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/event.h"
#include "proto/types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names */

/* "case_opened_s0" -> "caseOpenedS0", as proto3 JSON spells it. */
static char *
json_name(const char *name)
{
    char *text = calloc(1, strlen(name) + 1), *to = text;
    bool upper = false;

    for (; text != NULL && *name != '\0'; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        *to++ = upper ? (char)toupper((unsigned char)*name) : *name;
        upper = false;
    }
    return text;
}

char *
section_json_name(uint32_t type, unsigned cls)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&wici__v1__section__descriptor,
                                                                                    section_id(type, cls));

    return field == NULL ? NULL : json_name(field->name);
}

const json_t *
section_body(const json_t *section, uint32_t *ret_type, unsigned *ret_cls)
{
    const ProtobufCMessageDescriptor *desc = &wici__v1__section__descriptor;

    for (unsigned i = 0; i < desc->n_fields; i++) {
        char *name;
        const json_t *body;

        if (desc->fields[i].id < 1000)
            continue; /* the marks */
        name = json_name(desc->fields[i].name);
        body = name == NULL ? NULL : json_object_get(section, name);
        free(name);
        if (body != NULL) {
            *ret_type = desc->fields[i].id / 10;
            *ret_cls = desc->fields[i].id % 10;
            return body;
        }
    }
    return NULL;
}

const json_t *
event_first_body(const json_t *event)
{
    uint32_t type;
    unsigned cls;

    return section_body(json_array_get(json_object_get(event, "sections"), 0), &type, &cls);
}

int
event_json(const struct wici_event *event, json_t **ret)
{
    char *text = NULL;
    int rc = wici_event_json(event, &text);

    if (rc == 0 && (*ret = json_loads(text, 0, NULL)) == NULL)
        rc = -ENOMEM;
    free(text);
    return rc;
}

int
event_keep_first(void *arg, const struct wici_event *event)
{
    json_t **ret = arg;

    return *ret == NULL ? event_json(event, ret) : 0;
}

/* ---- a section with the names of its fields */

static void fields_print(const struct cli *cli, const json_t *object, const ProtobufCMessageDescriptor *desc,
                         int indent);

/* What somebody wrote, line by line: none of them can pass for a line of ours. */
static void
lines_print(const char *text, int indent)
{
    char *plain = text_plain(text), *rest = plain, *line = strsep(&rest, "\n");

    printf(" %s\n", line);
    while ((line = strsep(&rest, "\n")) != NULL)
        printf("%*s| %s\n", indent, "", line);
    free(plain);
}

/* A text as people read it: the label of a role or of a code, a date, a time. */
static void
text_print(const struct cli *cli, const char *text, const ProtobufCFieldDescriptor *field, enum field_format format,
           int indent)
{
    char readable[WORDS_TEXT_SIZE];

    if (field->type == PROTOBUF_C_TYPE_ENUM && role_by_name(text) != 0)
        text = role_label(role_by_name(text), cli->pl);
    switch (format) {
    case FIELD_CODE: text = word_label(cli, text); break;
    case FIELD_DATE:
        words_date(text, cli->pl, readable);
        text = readable;
        break;
    case FIELD_TIME:
        words_time_text(text, cli->pl, readable);
        text = readable;
        break;
    case FIELD_ANY:
    case FIELD_ID:
    case FIELD_UUID:
    case FIELD_UUID7:
    case FIELD_LINE:
    case FIELD_TEXT:
    case FIELD_SHA256:
    case FIELD_GMINA:
    case FIELD_MEDIA_TYPE:
    case FIELD_KEY: break;
    }
    lines_print(text, indent + 2);
}

static void
value_print(const struct cli *cli, const json_t *value, const ProtobufCFieldDescriptor *field, enum field_format format,
            int indent)
{
    char *text;

    if (json_is_object(value) && field->type == PROTOBUF_C_TYPE_MESSAGE) {
        putchar('\n');
        fields_print(cli, value, field->descriptor, indent + 2);
        return;
    }
    if (json_is_string(value)) {
        text_print(cli, json_string_value(value), field, format, indent);
    } else if (json_is_boolean(value)) {
        printf(" %s\n", json_is_true(value) ? _("yes") : _("no"));
    } else {
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        printf(" %s\n", text != NULL ? text : "");
        free(text);
    }
}

static void
fields_print(const struct cli *cli, const json_t *object, const ProtobufCMessageDescriptor *desc, int indent)
{
    const struct message_info *info = message_info(desc);

    for (unsigned i = 0; i < desc->n_fields; i++) {
        char *name = json_name(desc->fields[i].name);
        const json_t *value = name == NULL ? NULL : json_object_get(object, name), *element;
        const char *label = info == NULL ? NULL : cli->pl ? info->fields[i].pl : info->fields[i].en;
        enum field_format format = info == NULL ? FIELD_ANY : info->fields[i].format;
        size_t k;

        if (label == NULL || label[0] == '\0')
            label = name;
        if (json_is_array(value)) {
            json_array_foreach(value, k, element)
            {
                printf("%*s%s:", indent, "", label);
                value_print(cli, element, &desc->fields[i], format, indent);
            }
        } else if (value != NULL) {
            printf("%*s%s:", indent, "", label);
            value_print(cli, value, &desc->fields[i], format, indent);
        }
        free(name);
    }
}

static void
mark_print(const char *label, const json_t *list)
{
    char *text = jjoin(list);

    if (text != NULL && text[0] != '\0')
        printf(" (%s %s)", label, text);
    free(text);
}

void
section_print(const struct cli *cli, const json_t *section)
{
    uint32_t type;
    unsigned cls;
    const json_t *body = section_body(section, &type, &cls);
    const struct type_info *info = body == NULL ? NULL : type_by_number(type);

    if (info == NULL || cls >= TYPE_CLASSES || info->body[cls] == NULL)
        return; /* of a newer registry */
    printf("      %s", class_label(cli, cls));
    mark_print(_("about"), json_object_get(section, "subjects"));
    mark_print(_("only for"), json_object_get(section, "onlyFor"));
    mark_print(_("not to"), json_object_get(section, "notTo"));
    putchar('\n');
    fields_print(cli, body, info->body[cls]->desc, 8);
}

/* ---- what a field holds */

static const char *
format_name(enum field_format format)
{
    switch (format) {
    case FIELD_ANY: return "";
    case FIELD_ID: return "ID";
    case FIELD_UUID: return "UUID";
    case FIELD_UUID7: return "UUIDv7";
    case FIELD_DATE: return "DATE";
    case FIELD_TIME: return "TIME";
    case FIELD_CODE: return "CODE";
    case FIELD_LINE: return "LINE";
    case FIELD_TEXT: return "TEXT";
    case FIELD_SHA256: return "SHA256";
    case FIELD_GMINA: return "TERYT";
    case FIELD_MEDIA_TYPE: return "MEDIA_TYPE";
    case FIELD_KEY: return "KEY";
    }
    abort();
}

const char *
field_kind(const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name;
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return strcmp(((const ProtobufCEnumDescriptor *)field->descriptor)->short_name, "Role") == 0 ? "ROLE" : "TYPE";
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        return "BOOL";
    return field->type == PROTOBUF_C_TYPE_STRING ? format_name(info->format) : "NUMBER";
}
