/*
 * json - the JSON mapping of protobuf 3, by walking protobuf-c's descriptors
 *
 * Both directions read a field through its descriptor: offset of the value, offset of its count (lists) or of the
 * number that says which member is set (oneofs).
 */
#include "json.h"
#include "check.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *
member(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

static const void *
member_read(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

/* ---- names */

#define NAME_MAX_LEN 128u

/* lowerCamelCase: an underscore goes, the letter after it becomes upper case. */
static void
camel_case(const char *name, char ret[NAME_MAX_LEN])
{
    bool upper = false;
    size_t len = 0;

    for (; *name != '\0' && len + 1 < NAME_MAX_LEN; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        ret[len++] = (char)(upper && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        upper = false;
    }
    ret[len] = '\0';
}

/* Our own messages have their names in the registry; those of the wire are spelt as they are needed. */
static const char *
json_name(const ProtobufCMessageDescriptor *desc, unsigned place, char buffer[NAME_MAX_LEN])
{
    const struct message_info *info = message_info(desc);

    if (info != NULL)
        return info->fields[place].json;
    camel_case(desc->fields[place].name, buffer);
    return buffer;
}

static const ProtobufCFieldDescriptor *
field_by_json_name(const ProtobufCMessageDescriptor *desc, const char *name)
{
    char buffer[NAME_MAX_LEN];

    for (unsigned i = 0; i < desc->n_fields; i++)
        if (strcmp(json_name(desc, i, buffer), name) == 0 || strcmp(desc->fields[i].name, name) == 0)
            return &desc->fields[i];
    return NULL;
}

/* ---- base64 */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *
base64_encode(const uint8_t *data, size_t len)
{
    size_t size = (len + 2) / 3 * 4, at = 0;
    char *text = malloc(size + 1);
    json_t *json;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16 | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0) |
                         (i + 2 < len ? data[i + 2] : 0);

        text[at++] = base64_digits[group >> 18];
        text[at++] = base64_digits[(group >> 12) & 63];
        text[at++] = i + 1 < len ? base64_digits[(group >> 6) & 63] : '=';
        text[at++] = i + 2 < len ? base64_digits[group & 63] : '=';
    }
    text[at] = '\0';
    json = json_stringn(text, at);
    free(text);
    return json;
}

static int
base64_value(char c)
{
    const char *at;

    if (c == '-')
        return 62;
    if (c == '_')
        return 63;
    at = c == '\0' ? NULL : strchr(base64_digits, c);
    return at == NULL ? -1 : (int)(at - base64_digits);
}

/* Standard and URL-safe digits, padded or not. */
static int
base64_decode(const char *text, size_t len, struct arena *arena, ProtobufCBinaryData *ret)
{
    uint8_t *data = arena_alloc(arena, len / 4 * 3 + 3);
    uint32_t group = 0;
    size_t used = 0, out = 0;

    if (data == NULL)
        return -ENOMEM;
    while (len > 0 && text[len - 1] == '=')
        len--;
    if (len % 4 == 1)
        return -EBADMSG;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return -EBADMSG;
        group = group << 6 | (uint32_t)value;
        used += 6;
        if (used >= 8) {
            used -= 8;
            data[out++] = (uint8_t)(group >> used);
        }
    }
    ret->data = data;
    ret->len = out;
    return 0;
}

/* ---- message to JSON */

static json_t *
decimal(int64_t number, bool is_unsigned)
{
    char text[24];
    int len = is_unsigned ? snprintf(text, sizeof text, "%llu", (unsigned long long)number)
                          : snprintf(text, sizeof text, "%lld", (long long)number);

    return json_stringn(text, (size_t)len);
}

static json_t *
value_to_json(const void *at, const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)at;

        return json_string(text == NULL ? "" : text);
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = at;

        return base64_encode(bytes->data, bytes->len);
    }
    case PROTOBUF_C_TYPE_MESSAGE: return json_from_message(*(const ProtobufCMessage *const *)at);
    case PROTOBUF_C_TYPE_BOOL: return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int32_t *)at);

        return value != NULL ? json_string(value->name) : json_integer(*(const int32_t *)at);
    }
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: return decimal(*(const int64_t *)at, false);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return decimal(*(const int64_t *)at, true);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: break;
    }
    abort(); /* the generator of the registry refuses messages with floating-point fields */
}

static json_t *
list_to_json(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = *(const size_t *)member_read(message, field->quantifier_offset);
    const uint8_t *values = *(const uint8_t *const *)member_read(message, field->offset);
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++) {
        json_t *value = value_to_json(values + i * check_value_size(field), field);

        if (value == NULL || json_array_append_new(list, value) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *
json_from_message(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *desc = message->descriptor;
    json_t *object = json_object();
    char name[NAME_MAX_LEN];

    for (unsigned i = 0; object != NULL && i < desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &desc->fields[i];
        bool chosen = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
                      *(const uint32_t *)member_read(message, field->quantifier_offset) == field->id;
        json_t *value;

        if (!chosen && !check_present(message, field))
            continue;
        value = field->label == PROTOBUF_C_LABEL_REPEATED ? list_to_json(message, field)
                                                          : value_to_json(member_read(message, field->offset), field);
        if (value == NULL || json_object_set_new(object, json_name(desc, i, name), value) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

/* ---- JSON to message */

/* What a conversion carries along. */
struct reader {
    struct arena *arena;
    struct check_path path;
    struct refusal *refusal;
    unsigned depth;
};

static int
refuse(struct reader *reader)
{
    return check_refuse_at(reader->refusal, E_JSON, &reader->path);
}

/* A whole number within [min, max], written as a number or as a string; 1.0 and 1e3 are whole. */
static int
integer_from_json(struct reader *reader, const json_t *json, int64_t min, uint64_t max, int64_t *ret)
{
    if (json_is_integer(json)) {
        json_int_t number = json_integer_value(json);

        if (number < min || (number > 0 && (uint64_t)number > max))
            return refuse(reader);
        *ret = number;
        return 0;
    }
    if (json_is_real(json)) {
        double number = json_real_value(json);

        if (number != floor(number) || number < (double)min || number > (double)max ||
            fabs(number) > 9007199254740992.0)
            return refuse(reader);
        *ret = (int64_t)number;
        return 0;
    }
    if (json_is_string(json)) {
        const char *text = json_string_value(json);
        char *end = NULL;
        size_t digits = strspn(text[0] == '-' ? text + 1 : text, "0123456789");

        if (digits == 0 || text[digits + (text[0] == '-')] != '\0')
            return refuse(reader);
        errno = 0;
        if (text[0] == '-') {
            long long number = strtoll(text, &end, 10);

            if (errno != 0 || number < min)
                return refuse(reader);
            *ret = number;
        } else {
            unsigned long long number = strtoull(text, &end, 10);

            if (errno != 0 || number > max)
                return refuse(reader);
            *ret = (int64_t)number;
        }
        return 0;
    }
    return refuse(reader);
}

static int
enum_from_json(struct reader *reader, const json_t *json, const ProtobufCEnumDescriptor *desc, int32_t *ret)
{
    const ProtobufCEnumValue *value;
    int64_t number;
    int rc;

    if (json_is_string(json)) {
        value = protobuf_c_enum_descriptor_get_value_by_name(desc, json_string_value(json));
        if (value == NULL)
            return refuse(reader);
        *ret = value->value;
        return 0;
    }
    rc = integer_from_json(reader, json, INT32_MIN, INT32_MAX, &number);
    if (rc == 0)
        *ret = (int32_t)number;
    return rc;
}

static int
string_from_json(struct reader *reader, const json_t *json, char **ret)
{
    size_t len = json_string_length(json);
    char *text;

    if (!json_is_string(json) || memchr(json_string_value(json), 0, len) != NULL)
        return refuse(reader);
    text = arena_alloc(reader->arena, len + 1);
    if (text == NULL)
        return -ENOMEM;
    memcpy(text, json_string_value(json), len + 1);
    *ret = text;
    return 0;
}

static int message_from_json(struct reader *reader, const json_t *json, const ProtobufCMessageDescriptor *desc,
                             ProtobufCMessage **ret);

static int
value_from_json(struct reader *reader, const json_t *json, const ProtobufCFieldDescriptor *field, void *at)
{
    int64_t number = 0;
    int rc;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: return string_from_json(reader, json, at);
    case PROTOBUF_C_TYPE_BYTES:
        if (!json_is_string(json))
            return refuse(reader);
        rc = base64_decode(json_string_value(json), json_string_length(json), reader->arena, at);
        return rc == -EBADMSG ? refuse(reader) : rc;
    case PROTOBUF_C_TYPE_MESSAGE: return message_from_json(reader, json, field->descriptor, at);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(json))
            return refuse(reader);
        *(protobuf_c_boolean *)at = json_is_true(json);
        return 0;
    case PROTOBUF_C_TYPE_ENUM: return enum_from_json(reader, json, field->descriptor, at);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        rc = integer_from_json(reader, json, INT32_MIN, INT32_MAX, &number);
        *(int32_t *)at = (int32_t)number;
        return rc;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        rc = integer_from_json(reader, json, 0, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        return rc;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        rc = integer_from_json(reader, json, INT64_MIN, INT64_MAX, &number);
        *(int64_t *)at = number;
        return rc;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        rc = integer_from_json(reader, json, 0, UINT64_MAX, &number);
        *(uint64_t *)at = (uint64_t)number;
        return rc;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: break;
    }
    abort(); /* the generator of the registry refuses messages with floating-point fields */
}

static int
list_from_json(struct reader *reader, const json_t *json, const char *name, const ProtobufCFieldDescriptor *field,
               ProtobufCMessage *message)
{
    size_t count = json_array_size(json), size = check_value_size(field);
    uint8_t *values;
    int rc = 0;

    if (!json_is_array(json)) {
        check_path_push(&reader->path, name, -1);
        rc = refuse(reader);
        check_path_pop(&reader->path);
        return rc;
    }
    if (count == 0)
        return 0;
    values = arena_alloc(reader->arena, count * size);
    if (values == NULL)
        return -ENOMEM;
    memset(values, 0, count * size);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const json_t *value = json_array_get(json, i);

        check_path_push(&reader->path, name, (long)i);
        rc = json_is_null(value) ? refuse(reader) : value_from_json(reader, value, field, values + i * size);
        check_path_pop(&reader->path);
    }
    if (rc == 0) {
        *(size_t *)member(message, field->quantifier_offset) = count;
        *(void **)member(message, field->offset) = values;
    }
    return rc;
}

static int
field_from_json(struct reader *reader, const char *name, const json_t *json, const ProtobufCMessageDescriptor *desc,
                ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = field_by_json_name(desc, name);
    int rc = 0;

    check_path_push(&reader->path, name, -1);
    if (field == NULL) {
        rc = refuse(reader);
    } else if (json_is_null(json)) {
        rc = 0; /* as if left out */
    } else if (check_present(message, field)) {
        rc = refuse(reader); /* once by its JSON name and once by its original one */
    } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        check_path_pop(&reader->path);
        return list_from_json(reader, json, name, field, message);
    } else {
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            uint32_t *which = member(message, field->quantifier_offset);

            if (*which != 0)
                rc = refuse(reader); /* two members of one oneof */
            *which = field->id;
        }
        if (rc == 0)
            rc = value_from_json(reader, json, field, member(message, field->offset));
    }
    check_path_pop(&reader->path);
    return rc;
}

static int
message_from_json(struct reader *reader, const json_t *json, const ProtobufCMessageDescriptor *desc,
                  ProtobufCMessage **ret)
{
    ProtobufCMessage *message;
    const char *name;
    json_t *value;
    void *iter;
    int rc = 0;

    if (!json_is_object(json) || reader->depth >= EVENT_DEPTH_MAX)
        return refuse(reader);
    message = arena_alloc(reader->arena, desc->sizeof_message);
    if (message == NULL)
        return -ENOMEM;
    desc->message_init(message);
    reader->depth++;
    /* Jansson's iterators take a non-const object but do not change it. */
    for (iter = json_object_iter((json_t *)(uintptr_t)json); rc == 0 && iter != NULL;
         iter = json_object_iter_next((json_t *)(uintptr_t)json, iter)) {
        name = json_object_iter_key(iter);
        value = json_object_iter_value(iter);
        rc = field_from_json(reader, name, value, desc, message);
    }
    reader->depth--;
    if (rc == 0)
        *ret = message;
    return rc;
}

int
json_to_message(const json_t *json, const ProtobufCMessageDescriptor *desc, struct arena *arena, ProtobufCMessage **ret,
                struct refusal *refusal)
{
    struct reader reader = {.arena = arena, .refusal = refusal};

    assert(json != NULL);
    check_path_set(&reader.path, "");
    return message_from_json(&reader, json, desc, ret);
}
