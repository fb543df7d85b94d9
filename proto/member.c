/* member - see member.h */
#include "proto/member.h"

#include <ctype.h>
#include <stdlib.h>

const char *
member_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

uint64_t
member_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);

    if (text != NULL)
        return isdigit((unsigned char)text[0]) ? strtoull(text, NULL, 10) : 0;
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}
