/* See page_value.h. */
#include "agents/page_value.h"
#include "agents/words.h"

#include "proto/date.h"
#include "proto/event.h"

#include <string.h>

#define DEPTH_MAX 12

const char *
page_say(const struct page *p, const char *pl, const char *en)
{
    return p->o->polish ? pl : en;
}

void
page_text(const struct page *p, const char *text)
{
    html_text(p->out, text);
}

void
page_row_open(const struct page *p, const char *label)
{
    fputs("<tr><th>", p->out);
    page_text(p, label);
    fputs("</th><td>", p->out);
}

void
page_row_close(const struct page *p)
{
    fputs("</td></tr>\n", p->out);
}

void
page_row(const struct page *p, const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    page_row_open(p, label);
    page_text(p, value);
    page_row_close(p);
}

void
page_named(const struct page *p, const char *id)
{
    html_named(p->out, p->o, id);
}

void
page_exact(const struct page *p, const char *text)
{
    html_exact(p->out, text);
}

/* Fields in which people look for the day of the week, as it is a day to come when they read it first. */
static bool
is_appointment(const struct field_info *facts)
{
    static const char *const names[] = {"startsAt", "nextMeetingOn", "dueOn", "due", "answerBy", "reportDates"};

    for (size_t i = 0; facts != NULL && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(facts->json, names[i]) == 0)
            return true;
    return false;
}

void
page_time(const struct page *p, const char *rfc3339)
{
    char readable[WORDS_TEXT_SIZE], utc[TIME_TEXT_SIZE];
    uint64_t ms;

    if (time_parse(rfc3339, &ms) != 0) {
        page_text(p, rfc3339);
        return;
    }
    words_time(ms, p->o->polish, readable);
    time_format(ms, utc);
    page_text(p, readable);
    page_exact(p, utc);
}

/* "pon. ", where the field is an appointment. */
static void
put_weekday(const struct page *p, const struct field_info *facts, int32_t day)
{
    if (day == DATE_NONE || !is_appointment(facts))
        return;
    page_text(p, words_weekday(day, p->o->polish));
    fputc(' ', p->out);
}

void
page_date(const struct page *p, const char *date)
{
    char readable[WORDS_TEXT_SIZE];

    words_date(date, p->o->polish, readable);
    page_text(p, readable);
}

void
page_code(const struct page *p, const char *word)
{
    const char *label = words_code(word, p->o->polish);

    page_text(p, label != NULL ? label : word);
    if (label != NULL && strcmp(label, word) != 0)
        page_exact(p, word);
}

/* ---- values */

static void
put_role(const struct page *p, const char *word)
{
    const char *label = role_label(role_by_name(word), p->o->polish);

    page_text(p, label != NULL && *label != '\0' ? label : word);
    if (label != NULL && *label != '\0')
        page_exact(p, word);
}

/* A text of a field; field and facts are NULL where the registry does not know it. */
static void
put_string(const struct page *p, const char *text, const ProtobufCFieldDescriptor *field,
           const struct field_info *facts)
{
    uint64_t ms;
    int32_t day;

    if (field != NULL && field->type == PROTOBUF_C_TYPE_ENUM &&
        strcmp(((const ProtobufCEnumDescriptor *)field->descriptor)->short_name, "Role") == 0) {
        put_role(p, text);
        return;
    }
    switch (facts != NULL ? facts->format : FIELD_ANY) {
    case FIELD_CODE: page_code(p, text); return;
    case FIELD_DATE:
        put_weekday(p, facts, date_parse(text, &day) == 0 ? day : DATE_NONE);
        page_date(p, text);
        return;
    case FIELD_TIME:
        put_weekday(p, facts, time_parse(text, &ms) == 0 ? date_of_moment(ms) : DATE_NONE);
        page_time(p, text);
        return;
    case FIELD_ID: page_named(p, text); return; /* persons have no name there, units and agencies do */
    case FIELD_ANY:
    case FIELD_UUID:
    case FIELD_UUID7:
    case FIELD_LINE:
    case FIELD_TEXT:
    case FIELD_SHA256:
    case FIELD_GMINA:
    case FIELD_MEDIA_TYPE:
    case FIELD_KEY: page_text(p, text); return;
    }
}

static void
put_value(const struct page *p, const json_t *value, const ProtobufCFieldDescriptor *field,
          const struct field_info *facts, int depth)
{
    const struct message_info *info = NULL;
    const json_t *element;
    size_t i;

    if (depth > DEPTH_MAX)
        return;
    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE)
        info = message_info(field->descriptor);
    switch (json_typeof(value)) {
    case JSON_STRING: put_string(p, json_string_value(value), field, facts); break;
    case JSON_INTEGER: fprintf(p->out, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: fprintf(p->out, "%g", json_real_value(value)); break;
    case JSON_TRUE: fputs(page_say(p, "tak", "yes"), p->out); break;
    case JSON_FALSE: fputs(page_say(p, "nie", "no"), p->out); break;
    case JSON_NULL: break;
    case JSON_OBJECT: page_message(p, value, info, depth + 1); break;
    case JSON_ARRAY:
        json_array_foreach((json_t *)(uintptr_t)value, i, element)
        {
            if (i > 0 && !json_is_object(element))
                fputs(", ", p->out);
            put_value(p, element, field, facts, depth + 1);
        }
        break;
    }
}

static bool
info_has(const struct message_info *info, const char *json_name)
{
    for (unsigned i = 0; info != NULL && i < info->desc->n_fields; i++)
        if (strcmp(info->fields[i].json, json_name) == 0)
            return true;
    return false;
}

static void
put_fields(const struct page *p, const json_t *object, const struct message_info *info, int depth)
{
    const char *name;
    json_t *value;

    for (unsigned i = 0; info != NULL && i < info->desc->n_fields; i++) {
        const struct field_info *field = &info->fields[i];
        const char *label = p->o->polish ? field->pl : field->en;

        value = json_object_get(object, field->json);
        if (value == NULL)
            continue;
        page_row_open(p, label != NULL && *label != '\0' ? label : field->json);
        put_value(p, value, &info->desc->fields[i], field, depth);
        page_row_close(p);
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (info_has(info, name))
            continue;
        page_row_open(p, name);
        put_value(p, value, NULL, NULL, depth);
        page_row_close(p);
    }
}

void
page_message(const struct page *p, const json_t *object, const struct message_info *info, int depth)
{
    fputs("<table>\n", p->out);
    put_fields(p, object, info, depth);
    fputs("</table>", p->out);
}

void
page_row_of(const struct page *p, const char *label, const char *value,
            void (*put)(const struct page *p, const char *value))
{
    if (value == NULL || *value == '\0')
        return;
    page_row_open(p, label);
    put(p, value);
    page_row_close(p);
}
