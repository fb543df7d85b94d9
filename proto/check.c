/*
 * check - formats, bounds and mandatory fields
 */
#include "check.h"
#include "date.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PERSONAL_NUMBER_DIGITS 11 /* a PESEL */

void
check_utf8_cut(char *text)
{
    size_t len = strlen(text), first = len;

    while (first > 0 && len - first < 4 && ((unsigned char)text[first - 1] & 0xc0) == 0x80)
        first--;
    if (first > 0 && ((unsigned char)text[first - 1] & 0xc0) == 0xc0) {
        unsigned char lead = (unsigned char)text[first - 1];
        size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

        if (len - (first - 1) < size)
            text[first - 1] = '\0';
    }
}

void
check_path_set(struct check_path *path, const char *text)
{
    path->depth = 0;
    if (text[0] != '\0')
        check_path_push(path, text, -1);
}

void
check_path_push(struct check_path *path, const char *name, long index)
{
    assert(path->depth < CHECK_STEPS_MAX);
    path->steps[path->depth].name = name;
    path->steps[path->depth].index = index;
    path->depth++;
}

void
check_path_pop(struct check_path *path)
{
    assert(path->depth > 0);
    path->depth--;
}

int
check_refuse(struct refusal *refusal, enum error_code code, const char *path)
{
    refusal_set(refusal, code, path);
    check_utf8_cut(refusal->path);
    return -EBADMSG;
}

int
check_refuse_at(struct refusal *refusal, enum error_code code, const struct check_path *path)
{
    size_t len = 0;

    refusal->code = code;
    refusal->rule = RULE_NONE;
    refusal->path[0] = '\0';
    for (unsigned i = 0; i < path->depth && len < sizeof refusal->path; i++) {
        size_t room = sizeof refusal->path - len;
        int step = path->steps[i].index < 0
                       ? snprintf(refusal->path + len, room, "%s%s", i > 0 ? "." : "", path->steps[i].name)
                       : snprintf(refusal->path + len, room, "%s%s[%ld]", i > 0 ? "." : "", path->steps[i].name,
                                  path->steps[i].index);

        len += step > 0 ? (size_t)step : 0;
    }
    check_utf8_cut(refusal->path);
    return -EBADMSG;
}

/* The length of the valid UTF-8 sequence at text, with its code point; 0: none. */
static size_t
utf8_next(const unsigned char *text, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = text[0] < 0x80             ? 1
                 : (text[0] & 0xe0) == 0xc0 ? 2
                 : (text[0] & 0xf0) == 0xe0 ? 3
                 : (text[0] & 0xf8) == 0xf0 ? 4
                                            : 0;
    uint32_t point = len == 1 ? text[0] : text[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3fu);
    }
    if (len == 0 || (len > 1 && point < smallest[len]) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret = point;
    return len;
}

/* ---- text */

#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many characters from text on are plain: printable ASCII, as nearly all are. Looked at eight at a time. */
static size_t
plain_run(const unsigned char *text, size_t len)
{
    size_t at = 0;

    for (; len - at >= 8; at += 8) {
        uint64_t word, low, del;

        memcpy(&word, text + at, sizeof word);
        low = word - EIGHT(0x20); /* borrows from the top bit of bytes below 0x20 */
        del = word + EIGHT(0x01); /* carries into it from 0x7f */
        if (((word | low | del) & EIGHT(0x80)) != 0)
            break;
    }
    while (at < len && text[at] >= 0x20 && text[at] < 0x7f)
        at++;
    return at;
}

bool
check_is_utf8(const uint8_t *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        unsigned char four[4] = {0};
        uint32_t point;
        size_t step = plain_run(text + at, len - at);

        if (step == 0) {
            memcpy(four, text + at, len - at < sizeof four ? len - at : sizeof four);
            step = utf8_next(four, &point);
        }
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

static bool
text_is_clean(const char *text, bool lines)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + strlen(text);

    while ((at += plain_run(at, (size_t)(end - at))) < end) {
        uint32_t point = 0;
        size_t len = utf8_next(at, &point);

        if (len == 0 || point == 0x7f || (point >= 0x80 && point < 0xa0))
            return false;
        if (point < 0x20 && !(lines && (point == '\n' || point == '\t')))
            return false;
        at += len;
    }
    return true;
}

bool
check_is_line(const char *text)
{
    return text_is_clean(text, false);
}

static bool
char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
check_has_personal_number(const char *text)
{
    unsigned run = 0;

    for (; *text != '\0' && run < PERSONAL_NUMBER_DIGITS; text++)
        run = char_is_digit(*text) ? run + 1 : 0;
    return run == PERSONAL_NUMBER_DIGITS;
}

/* ids of events are of version 7; version 8 is for the deadline watcher's, which the core sees to. */
static bool
uuid_is_valid(const char *text, bool event)
{
    uint8_t id[16];
    unsigned version;

    if (uuid_parse(text, id) != 0 || (id[8] & 0xc0) != 0x80)
        return false;
    version = id[6] >> 4;
    return version == 7 || version == 8 || (!event && version == 4);
}

/* Letters, digits, dot, underscore, hyphen; *ret_personal: a run of digits as long as a PESEL. */
static bool
id_is_valid(const char *text, bool *ret_personal)
{
    size_t len = 0;

    *ret_personal = check_has_personal_number(text) && !uuid_is_valid(text, false); /* whose digits mean nothing */
    for (; text[len] != '\0'; len++) {
        char c = text[len];

        if (!char_is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && strchr("._-", c) == NULL)
            return false;
    }
    return len >= 1 && len <= ID_LEN_MAX;
}

static bool
all_of(const char *text, const char *chars, size_t min, size_t max)
{
    size_t len = strlen(text);

    return len >= min && len <= max && strspn(text, chars) == len;
}

static bool
code_is_valid(const char *text, const char *codes)
{
    size_t len = strlen(text);

    if (strchr(text, ' ') != NULL)
        return false; /* else two words that stand side by side in the list would be one */
    for (const char *word = codes; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, text, len) == 0 && (word[len] == ' ' || word[len] == '\0'))
            return true;
    }
    return false;
}

static bool
media_type_is_valid(const char *text)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
    size_t type = strspn(text, token), subtype;

    if (type == 0 || text[type] != '/')
        return false;
    subtype = strspn(text + type + 1, token);
    return subtype > 0 && text[type + 1 + subtype] == '\0';
}

static enum error_code
string_check(const char *text, const struct field_info *info)
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    bool personal = false, good = false;
    uint64_t ms;

    if (info->max > 0 && strnlen(text, (size_t)info->max + 1) > info->max)
        return E_FIELD;
    switch (info->format) {
    case FIELD_ANY: good = text_is_clean(text, true); break;
    case FIELD_ID: good = id_is_valid(text, &personal); break;
    case FIELD_UUID: good = uuid_is_valid(text, false); break;
    case FIELD_UUID7: good = uuid_is_valid(text, true); break;
    case FIELD_DATE: good = date_is_valid(text, strlen(text)); break;
    case FIELD_TIME: good = time_parse(text, &ms) == 0; break;
    case FIELD_CODE: good = code_is_valid(text, info->codes); break;
    case FIELD_LINE: good = text_is_clean(text, false); break;
    case FIELD_TEXT: good = text_is_clean(text, true); break;
    case FIELD_SHA256: good = all_of(text, "0123456789abcdef", 64, 64); break;
    case FIELD_GMINA: good = all_of(text, "0123456789", 6, 7); break;
    case FIELD_MEDIA_TYPE: good = media_type_is_valid(text); break;
    case FIELD_KEY: good = all_of(text, z85, 40, 40); break;
    }
    return personal ? E_PERSONAL_DATA : good ? E_NONE : E_FIELD;
}

/* ---- fields */

static const void *
member(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

static bool
field_is_chosen(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    return *(const uint32_t *)member(message, field->quantifier_offset) == field->id;
}

bool
check_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *at = member(message, field->offset);

    if (!field_is_chosen(message, field))
        return false;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)member(message, field->quantifier_offset) > 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)at;

        return text != NULL && text[0] != '\0';
    }
    case PROTOBUF_C_TYPE_MESSAGE: return *(const ProtobufCMessage *const *)at != NULL;
    case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)at)->len > 0;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return *(const uint64_t *)at != 0;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return *(const uint32_t *)at != 0;
    }
    return false;
}

/* One value, of a field or of an element of a list. Enums may be 0 (left out) except as an element. */
static int
value_check(const void *at, const ProtobufCFieldDescriptor *field, const struct field_info *info, bool element,
            struct check_path *path, struct refusal *refusal)
{
    enum error_code code = E_NONE;

    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)at;

        if (text != NULL && (text[0] != '\0' || element))
            code = string_check(text, info);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        int32_t number = *(const int32_t *)at;

        if ((number == 0 && element) ||
            (number != 0 && protobuf_c_enum_descriptor_get_value(field->descriptor, number) == NULL))
            code = E_FIELD;
    } else if (field->type == PROTOBUF_C_TYPE_UINT32) {
        if (info->max > 0 && *(const uint32_t *)at > info->max)
            code = E_FIELD;
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *child = *(const ProtobufCMessage *const *)at;

        if (child != NULL) {
            assert(info->message != NULL && info->message->desc == child->descriptor);
            /* The only oneof is Section's body: what is mandatory there counts over all sections of a class. */
            return check_message(child, info->message, (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0, path,
                                 refusal);
        }
    }
    return code == E_NONE ? 0 : check_refuse_at(refusal, code, path);
}

size_t
check_value_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    }
    return 0;
}

static int
field_check(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const struct field_info *info,
            bool required, struct check_path *path, struct refusal *refusal)
{
    int rc = 0;

    if (!check_present(message, field)) {
        if (!required || !info->required)
            return 0;
        check_path_push(path, info->json, -1);
        rc = check_refuse_at(refusal, E_FIELD, path);
        check_path_pop(path);
        return rc;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)member(message, field->quantifier_offset);
        const uint8_t *list = *(const uint8_t *const *)member(message, field->offset);

        if (info->max_count > 0 && count > info->max_count) {
            check_path_push(path, info->json, -1);
            rc = check_refuse_at(refusal, E_FIELD, path);
            check_path_pop(path);
            return rc;
        }
        for (size_t i = 0; rc == 0 && i < count; i++) {
            check_path_push(path, info->json, (long)i);
            rc = value_check(list + i * check_value_size(field), field, info, true, path, refusal);
            check_path_pop(path);
        }
        return rc;
    }
    check_path_push(path, info->json, -1);
    rc = value_check(member(message, field->offset), field, info, false, path, refusal);
    check_path_pop(path);
    return rc;
}

int
check_field(const ProtobufCMessage *message, const struct message_info *info, unsigned place, struct check_path *path,
            struct refusal *refusal)
{
    return field_check(message, &info->desc->fields[place], &info->fields[place], true, path, refusal);
}

int
check_message(const ProtobufCMessage *message, const struct message_info *info, bool required, struct check_path *path,
              struct refusal *refusal)
{
    int rc = 0;

    assert(info->desc == message->descriptor);
    for (unsigned i = 0; rc == 0 && i < info->desc->n_fields; i++)
        rc = field_check(message, &info->desc->fields[i], &info->fields[i], required, path, refusal);
    return rc;
}

int
event_check_message(const ProtobufCMessage *message, const char *path, struct refusal *refusal)
{
    const struct message_info *info = message_info(message->descriptor);
    struct check_path at;

    assert(info != NULL);
    check_path_set(&at, path);
    return check_message(message, info, true, &at, refusal);
}
