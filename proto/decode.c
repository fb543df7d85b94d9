/*
 * decode - see decode.h
 *
 * protobuf-c decodes in three passes and looks at every field of the descriptor, of which Section has a hundred and
 * fifty. Here a field costs something only when it is there: a list grows by doubling in the arena.
 */
#include "decode.h"
#include "check.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FIELD_NUMBER_MAX 536870911u /* of protobuf */
#define LIST_FIRST       4u         /* room of a list when its first element comes */
#define TAG_BYTES        5u         /* the most of a tag and of a length, as protobuf-c takes them */
#define NUMBER_BYTES     10u

enum wire { WIRE_NUMBER = 0, WIRE_EIGHT = 1, WIRE_BYTES = 2, WIRE_FOUR = 5 };

/* One field as it is encoded. */
struct token {
    uint32_t field;
    enum wire wire;
    uint64_t number;     /* WIRE_NUMBER */
    const uint8_t *data; /* of the others */
    size_t len;
};

struct decode {
    struct arena *arena;
    bool text;
};

/* ---- the encoding */

static int
varint_read(const uint8_t **at, const uint8_t *end, unsigned bytes_max, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes_max && *at < end; i++) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *ret = value;
            return 0;
        }
    }
    return -EBADMSG;
}

static int
value_read(const uint8_t **at, const uint8_t *end, enum wire wire, struct token *ret)
{
    uint64_t len;

    ret->wire = wire;
    switch (wire) {
    case WIRE_NUMBER: return varint_read(at, end, NUMBER_BYTES, &ret->number);
    case WIRE_EIGHT: len = 8; break;
    case WIRE_FOUR: len = 4; break;
    case WIRE_BYTES:
        if (varint_read(at, end, TAG_BYTES, &len) != 0)
            return -EBADMSG;
        break;
    default: return -EBADMSG; /* groups, and what is no wire type */
    }
    if (len > (uint64_t)(end - *at))
        return -EBADMSG;
    ret->data = *at;
    ret->len = (size_t)len;
    *at += len;
    return 0;
}

static int
token_read(const uint8_t **at, const uint8_t *end, struct token *ret)
{
    uint64_t tag;

    if (varint_read(at, end, TAG_BYTES, &tag) != 0)
        return -EBADMSG;
    if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
        return -EBADMSG; /* protobuf-c would take it; a recipient's decoder need not */
    ret->field = (uint32_t)(tag >> 3);
    return value_read(at, end, (enum wire)(tag & 7), ret);
}

static bool
type_is_number(ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_MESSAGE && type != PROTOBUF_C_TYPE_BYTES;
}

static const ProtobufCFieldDescriptor *
field_find(const ProtobufCMessageDescriptor *desc, uint32_t number)
{
    if (number <= desc->n_fields && desc->fields[number - 1].id == number) /* most are numbered 1, 2, 3 */
        return &desc->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(desc, number);
}

/* ---- the structure */

static void *
member(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

static int message_decode(const struct decode *d, const ProtobufCMessageDescriptor *desc, const uint8_t *data,
                          size_t len, unsigned depth, ProtobufCMessage **ret);

static int
string_put(const struct decode *d, const struct token *token, char **to)
{
    char *text;

    if (token->len == 0) {
        *to = (char *)(uintptr_t)protobuf_c_empty_string; /* as an absent one; nobody writes to it */
        return 0;
    }
    if (memchr(token->data, 0, token->len) != NULL || (d->text && !check_is_utf8(token->data, token->len)))
        return -EBADMSG;
    text = arena_alloc(d->arena, token->len + 1);
    if (text == NULL)
        return -ENOMEM;
    memcpy(text, token->data, token->len);
    text[token->len] = '\0';
    *to = text;
    return 0;
}

static int
value_put(const struct decode *d, const ProtobufCFieldDescriptor *field, const struct token *token, unsigned depth,
          void *to)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: return string_put(d, token, to);
    case PROTOBUF_C_TYPE_MESSAGE: return message_decode(d, field->descriptor, token->data, token->len, depth + 1, to);
    case PROTOBUF_C_TYPE_BYTES:
        *(ProtobufCBinaryData *)to = (ProtobufCBinaryData){
            .len = token->len, .data = token->len == 0 ? NULL : (uint8_t *)(uintptr_t)token->data};
        return 0;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)to = token->number != 0; return 0;
    case PROTOBUF_C_TYPE_ENUM: *(int32_t *)to = (int32_t)token->number; return 0;
    case PROTOBUF_C_TYPE_UINT32: *(uint32_t *)to = (uint32_t)token->number; return 0;
    case PROTOBUF_C_TYPE_UINT64: *(uint64_t *)to = token->number; return 0;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: break; /* in none of our messages */
    }
    return -EBADMSG;
}

/* One more element of a list. Its room is 4, 8, 16, ...: full whenever the count is such a number. */
static int
list_add(const struct decode *d, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
         const struct token *token, unsigned depth)
{
    size_t *count = member(message, field->quantifier_offset), size = check_value_size(field);
    uint8_t **list = member(message, field->offset);
    int rc;

    if (*count == 0 || (*count >= LIST_FIRST && (*count & (*count - 1)) == 0)) {
        uint8_t *grown = arena_alloc(d->arena, (*count == 0 ? LIST_FIRST : 2 * *count) * size);

        if (grown == NULL)
            return -ENOMEM;
        if (*count > 0)
            memcpy(grown, *list, *count * size);
        *list = grown;
    }
    rc = value_put(d, field, token, depth, *list + *count * size);
    *count += rc == 0;
    return rc;
}

/* Numbers that lie behind one another in one field. */
static int
list_add_packed(const struct decode *d, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                const struct token *token, unsigned depth)
{
    const uint8_t *at = token->data, *end = at + token->len;
    int rc = 0;

    while (rc == 0 && at < end) {
        struct token element = {.field = token->field};

        rc = value_read(&at, end, WIRE_NUMBER, &element);
        if (rc == 0)
            rc = list_add(d, message, field, &element, depth);
    }
    return rc;
}

/* seen: which fields had their one value. */
static int
field_put(const struct decode *d, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
          const struct token *token, unsigned depth, uint64_t *seen)
{
    bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    bool number = type_is_number(field->type);
    enum wire wire = number ? WIRE_NUMBER : WIRE_BYTES;
    size_t place = choice ? 63 : (size_t)(field - message->descriptor->fields);

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (token->wire == wire)
            return list_add(d, message, field, token, depth);
        return number && token->wire == WIRE_BYTES ? list_add_packed(d, message, field, token, depth) : -EBADMSG;
    }
    if (place > 63)
        place = 62; /* none of our messages has as many fields outside a oneof */
    if (token->wire != wire || (*seen & UINT64_C(1) << place) != 0)
        return -EBADMSG;
    *seen |= UINT64_C(1) << place;
    if (choice)
        *(uint32_t *)member(message, field->quantifier_offset) = field->id;
    return value_put(d, field, token, depth, member(message, field->offset));
}

static int
message_decode(const struct decode *d, const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len,
               unsigned depth, ProtobufCMessage **ret)
{
    const uint8_t *at = data, *end = len > 0 ? data + len : data; /* no bytes: data may be NULL */
    ProtobufCMessage *message;
    uint64_t seen = 0;

    if (depth > EVENT_DEPTH_MAX)
        return -EBADMSG;
    message = arena_alloc(d->arena, desc->sizeof_message);
    if (message == NULL)
        return -ENOMEM;
    desc->message_init(message);
    while (at < end) {
        const ProtobufCFieldDescriptor *field;
        struct token token;
        int rc = token_read(&at, end, &token);

        field = rc == 0 ? field_find(desc, token.field) : NULL;
        if (field != NULL)
            rc = field_put(d, message, field, &token, depth, &seen);
        if (rc != 0)
            return rc;
    }
    *ret = message;
    return 0;
}

int
decode_message(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len, bool text, struct arena *arena,
               ProtobufCMessage **ret)
{
    struct decode d = {.arena = arena, .text = text};

    assert(desc != NULL);
    assert(ret != NULL);
    return message_decode(&d, desc, data, len, 0, ret);
}
