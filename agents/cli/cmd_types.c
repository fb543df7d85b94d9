/* wici types, template: the registry of event types, for people who write adapters */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/event.h"
#include "proto/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- wici types */

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
