/* wici types, template: the registry of event types, for people who write adapters */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/event.h"
#include "proto/types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* ---- a section with the names of its fields */

static void fields_print(const struct cli *cli, const json_t *object, const ProtobufCMessageDescriptor *desc,
                         int indent);

/* A text as people read it: the label of a role or of a code, a date, a time. */
static void
text_print(const struct cli *cli, const char *text, const ProtobufCFieldDescriptor *field, enum field_format format)
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
    printf(" %s\n", text);
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
        text_print(cli, json_string_value(value), field, format);
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

/* ---- wici types */

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

static void
table_fields(const struct cli *cli, struct table *t, const struct message_info *message, const char *before)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->desc->fields[i];
        const struct field_info *info = &message->fields[i];
        bool many = field->label == PROTOBUF_C_LABEL_REPEATED;
        char path[200], limit[64] = "";

        snprintf(path, sizeof path, "%s%s%s", before, info->json, many ? "[]" : "");
        if (many && info->max_count != 0)
            snprintf(limit, sizeof limit, "<= %u x", info->max_count);
        if (info->max != 0)
            snprintf(limit + strlen(limit), sizeof limit - strlen(limit), "%s<= %u", limit[0] != '\0' ? " " : "",
                     info->max);
        table_row(t, path, field_kind(field, info), info->required ? "*" : "", limit, cli->pl ? info->pl : info->en,
                  info->codes);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && message_info(field->descriptor) != NULL) {
            strncat(path, ".", sizeof path - strlen(path) - 1);
            table_fields(cli, t, message_info(field->descriptor), path);
        }
    }
}

static json_t *
fields_json(const struct message_info *message)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->desc->fields[i];
        const struct field_info *info = &message->fields[i];
        json_t *f = json_pack("{s:s,s:s,s:b,s:b,s:s,s:s}", "name", info->json, "kind", field_kind(field, info),
                              "required", info->required, "repeated", field->label == PROTOBUF_C_LABEL_REPEATED, "pl",
                              info->pl, "en", info->en);

        if (info->max != 0)
            json_object_set_new(f, "max", json_integer(info->max));
        if (info->max_count != 0)
            json_object_set_new(f, "maxCount", json_integer(info->max_count));
        if (info->codes != NULL)
            json_object_set_new(f, "codes", json_string(info->codes));
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && message_info(field->descriptor) != NULL)
            json_object_set_new(f, "fields", fields_json(message_info(field->descriptor)));
        json_array_append_new(list, f);
    }
    return list;
}

static json_t *
type_json(const struct type_info *type, bool fields)
{
    json_t *json = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:i,s:b}", "number", (int)type->number, "name", type->name,
                             "type", type->enum_name, "family", type->family, "pl", type->pl, "en", type->en, "slots",
                             (int)type->slots, "opens", type->opens != OPENS_NOTHING);
    json_t *sections = json_array();

    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        char *name;
        json_t *section;

        if (type->body[cls] == NULL)
            continue;
        name = section_json_name(type->number, cls);
        section = json_pack("{s:i,s:s}", "class", (int)cls, "body", name != NULL ? name : "");
        if (fields)
            json_object_set_new(section, "fields", fields_json(type->body[cls]));
        json_array_append_new(sections, section);
        free(name);
    }
    json_object_set_new(json, "sections", sections);
    return json;
}

const struct type_info *
cli_type(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    for (size_t i = 0; type_at(i) != NULL; i++) {
        const struct type_info *type = type_at(i);

        if (strcmp(type->name, text) == 0 || strcmp(type->enum_name, text) == 0 ||
            (*end == '\0' && type->number == number))
            return type;
    }
    return NULL;
}

static void
types_print(const struct cli *cli)
{
    struct table *t = table_create(4, _("number"), _("type"), _("classes"), _("what"));

    for (size_t i = 0; type_at(i) != NULL; i++) {
        const struct type_info *type = type_at(i);
        char number[16], classes[TYPE_CLASSES + 2] = "S", *to = classes + 1;

        snprintf(number, sizeof number, "%u", type->number);
        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
            if ((type->classes & 1u << cls) != 0)
                *to++ = (char)('0' + cls);
        }
        *to = '\0';
        table_row(t, number, type->name, classes, cli->pl ? type->pl : type->en);
    }
    table_print(t);
}

static void
type_print(const struct cli *cli, const struct type_info *type)
{
    printf("%u  %s  %s\n%s\n", type->number, type->name, type->enum_name, cli->pl ? type->pl : type->en);
    if (type->opens != OPENS_NOTHING)
        puts(_("May open a dossier."));
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        struct table *t;
        char *name;

        if (type->body[cls] == NULL)
            continue;
        name = section_json_name(type->number, cls);
        printf("\n%s: %s\n", class_label(cli, cls), name != NULL ? name : "");
        free(name);
        t = table_create(6, _("field"), _("form"), _("must"), _("limit"), _("meaning"), _("words"));
        table_fields(cli, t, type->body[cls], "");
        table_print(t);
    }
}

int
cmd_types(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"markdown", 'm', NULL, 0, N_("print all types with their fields as Markdown (docs/EVENTS.md)"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {options, N_("[TYPE]"),
                                             N_("Lists the types of events, or the fields of one: case.opened, "
                                                "CASE_OPENED or 201. Mandatory fields have a *."),
                                             0, 1};
    const struct type_info *type;
    struct cli_args args;

    args_parse(cli, &syntax, argc, argv, &args);
    if (args_has(&args, 'm')) {
        markdown_print();
        return CLI_OK;
    }
    if (args.word_count == 0 && !cli->json) {
        types_print(cli);
        return CLI_OK;
    }
    if (args.word_count == 0) {
        json_t *list = json_array();

        for (size_t i = 0; type_at(i) != NULL; i++)
            json_array_append_new(list, type_json(type_at(i), false));
        return cli_print_json(list);
    }
    type = cli_type(args.words[0]);
    if (type == NULL) {
        cli_warn(_("there is no type %s; wici types lists them"), args.words[0]);
        return CLI_NOT_FOUND;
    }
    if (cli->json)
        return cli_print_json(type_json(type, true));
    type_print(cli, type);
    return CLI_OK;
}

/* ---- wici template */

static json_t *
sample_string(const struct field_info *info)
{
    char text[65];
    time_t now = time(NULL);
    struct tm tm;

    switch (info->format) {
    case FIELD_UUID:
    case FIELD_UUID7: return cli_uuid();
    case FIELD_DATE:
        gmtime_r(&now, &tm);
        strftime(text, sizeof text, "%Y-%m-%d", &tm);
        return json_string(text);
    case FIELD_TIME: time_format((uint64_t)now * 1000, text); return json_string(text);
    case FIELD_CODE: return json_stringn(info->codes, strcspn(info->codes, " "));
    case FIELD_SHA256: memset(text, '0', 64); return json_stringn(text, 64);
    case FIELD_GMINA: return json_string("3261011");
    case FIELD_MEDIA_TYPE: return json_string("application/pdf");
    case FIELD_KEY: memset(text, '0', 40); return json_stringn(text, 40);
    case FIELD_ID: return json_string(strstr(info->json, "erson") != NULL ? "person-1" : "id-1");
    case FIELD_ANY:
    case FIELD_LINE:
    case FIELD_TEXT: return json_string("...");
    }
    abort();
}

static json_t *sample_message(const struct message_info *message, bool all);

static json_t *
sample_value(const ProtobufCFieldDescriptor *field, const struct field_info *info, bool all)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
        const struct message_info *message = message_info(field->descriptor);

        return message == NULL ? json_object() : sample_message(message, all);
    }
    case PROTOBUF_C_TYPE_ENUM: return json_string("SW");
    case PROTOBUF_C_TYPE_BOOL: return json_true();
    case PROTOBUF_C_TYPE_STRING: return sample_string(info);
    case PROTOBUF_C_TYPE_BYTES: return json_string("");
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return json_integer(1);
    }
    abort();
}

static json_t *
sample_message(const struct message_info *message, bool all)
{
    json_t *json = json_object();

    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->desc->fields[i];
        const struct field_info *info = &message->fields[i];
        json_t *value;

        if (!info->required && !all)
            continue;
        value = sample_value(field, info, all);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            value = json_pack("[o]", value);
        json_object_set_new(json, info->json, value);
    }
    return json;
}

static bool
message_has_required(const struct message_info *message)
{
    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        if (message->fields[i].required)
            return true;
    }
    return false;
}

json_t *
event_template(const char *name, const char *role, bool all)
{
    const struct type_info *type = cli_type(name);
    bool either_done = false;
    json_t *event, *sections;

    if (type == NULL)
        return NULL;
    sections = json_array();
    event = json_pack("{s:{s:s,s:{s:s}},s:o}", "header", "type", type->enum_name, "actor", "role", role, "sections",
                      sections);
    if (event == NULL)
        return NULL;
    if (type->opens != OPENS_NOTHING)
        json_object_set_new(json_object_get(event, "header"), "dossierId", cli_uuid());
    else if (type->number < TYPE_SYS_FIRST)
        json_object_set_new(json_object_get(event, "header"), "dossierId",
                            json_string("00000000-0000-7000-8000-000000000000"));
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        bool either = (type->either & 1u << cls) != 0;
        char *body;

        if (type->body[cls] == NULL || (!all && (!message_has_required(type->body[cls]) || (either && either_done))))
            continue;
        either_done = either_done || either;
        body = section_json_name(type->number, cls);
        if (body != NULL)
            json_array_append_new(sections, json_pack("{s:o}", body, sample_message(type->body[cls], all)));
        free(body);
    }
    return event;
}

int
cmd_template(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"all", 'a', NULL, 0, N_("all fields, not only the mandatory ones"), 0},
        {"dossier", 'd', N_("UUID"), 0, N_("for this dossier"), 0},
        {"to", 't', N_("UNIT"), 0, N_("addressed to this unit; may be repeated"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("TYPE"), N_("Prints a JSON skeleton of an event, ready to be filled in and given to wici publish."),
        1, 1};
    struct cli_args args;
    json_t *event, *header;
    char *text;

    args_parse(cli, &syntax, argc, argv, &args);
    event = event_template(args.words[0], cli->role != NULL ? cli->role : "SW", args_has(&args, 'a'));
    if (event == NULL) {
        cli_warn(_("there is no type %s; wici types lists them"), args.words[0]);
        return CLI_NOT_FOUND;
    }
    header = json_object_get(event, "header");
    if (args_has(&args, 'd'))
        json_object_set_new(header, "dossierId", json_string(args_get(&args, 'd')));
    for (size_t i = 0; i < args.option_count; i++) {
        json_t *to = json_object_get(header, "to");

        if (args.options[i].key != 't')
            continue;
        if (to == NULL) {
            json_object_set_new(header, "to", json_array());
            to = json_object_get(header, "to");
        }
        json_array_append_new(to, json_pack("{s:s}", "unit", args.options[i].value));
    }
    text = json_dumps(event, cli->json ? JSON_COMPACT : JSON_INDENT(2));
    json_decref(event);
    if (text == NULL)
        return CLI_FAILED;
    puts(text);
    free(text);
    return CLI_OK;
}
