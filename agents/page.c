/*
 * page - see page.h
 *
 * A section is a table: label, value. The fields come in the registry's order; a field the registry does not know
 * (the partner's software is newer) is shown under its own name, after the others.
 */
#include "agents/page.h"
#include "agents/words.h"

#include "proto/event.h"
#include "proto/member.h"
#include "proto/types.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 12

struct page {
    FILE *out;
    const struct page_options *o;
    unsigned heading; /* of the parts of an event: 2, or 3 where the event has one of its own */
};

static const char *
say(const struct page *p, const char *pl, const char *en)
{
    return p->o->polish ? pl : en;
}

static void
put_text(const struct page *p, const char *text)
{
    html_text(p->out, text);
}

static void
row_open(const struct page *p, const char *label)
{
    fputs("<tr><th>", p->out);
    put_text(p, label);
    fputs("</th><td>", p->out);
}

static void
row_close(const struct page *p)
{
    fputs("</td></tr>\n", p->out);
}

static void
put_row(const struct page *p, const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    row_open(p, label);
    put_text(p, value);
    row_close(p);
}

static void
put_named(const struct page *p, const char *id)
{
    html_named(p->out, p->o, id);
}

static void
put_exact(const struct page *p, const char *text)
{
    html_exact(p->out, text);
}

/* "23.11.2026, 15:13", and the exact time in UTC. */
static void
put_time(const struct page *p, const char *rfc3339)
{
    char readable[WORDS_TEXT_SIZE], utc[TIME_TEXT_SIZE];
    uint64_t ms;

    if (time_parse(rfc3339, &ms) != 0) {
        put_text(p, rfc3339);
        return;
    }
    words_time(ms, p->o->polish, readable);
    time_format(ms, utc);
    put_text(p, readable);
    put_exact(p, utc);
}

static void
put_date(const struct page *p, const char *date)
{
    char readable[WORDS_TEXT_SIZE];

    words_date(date, p->o->polish, readable);
    put_text(p, readable);
}

static void
put_code(const struct page *p, const char *word)
{
    const char *label = words_code(word, p->o->polish);

    put_text(p, label != NULL ? label : word);
    if (label != NULL && strcmp(label, word) != 0)
        put_exact(p, word);
}

/* ---- values */

static void put_message(const struct page *p, const json_t *object, const struct message_info *info, int depth);

static void
put_role(const struct page *p, const char *word)
{
    const char *label = role_label(role_by_name(word), p->o->polish);

    put_text(p, label != NULL && *label != '\0' ? label : word);
    if (label != NULL && *label != '\0')
        put_exact(p, word);
}

/* A text of a field; field and facts are NULL where the registry does not know it. */
static void
put_string(const struct page *p, const char *text, const ProtobufCFieldDescriptor *field,
           const struct field_info *facts)
{
    if (field != NULL && field->type == PROTOBUF_C_TYPE_ENUM &&
        strcmp(((const ProtobufCEnumDescriptor *)field->descriptor)->short_name, "Role") == 0) {
        put_role(p, text);
        return;
    }
    switch (facts != NULL ? facts->format : FIELD_ANY) {
    case FIELD_CODE: put_code(p, text); return;
    case FIELD_DATE: put_date(p, text); return;
    case FIELD_TIME: put_time(p, text); return;
    case FIELD_ID: put_named(p, text); return; /* persons have no name there, units and agencies do */
    case FIELD_ANY:
    case FIELD_UUID:
    case FIELD_UUID7:
    case FIELD_LINE:
    case FIELD_TEXT:
    case FIELD_SHA256:
    case FIELD_GMINA:
    case FIELD_MEDIA_TYPE:
    case FIELD_KEY: put_text(p, text); return;
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
    case JSON_TRUE: fputs(say(p, "tak", "yes"), p->out); break;
    case JSON_FALSE: fputs(say(p, "nie", "no"), p->out); break;
    case JSON_NULL: break;
    case JSON_OBJECT: put_message(p, value, info, depth + 1); break;
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
        row_open(p, label != NULL && *label != '\0' ? label : field->json);
        put_value(p, value, &info->desc->fields[i], field, depth);
        row_close(p);
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (info_has(info, name))
            continue;
        row_open(p, name);
        put_value(p, value, NULL, NULL, depth);
        row_close(p);
    }
}

static void
put_message(const struct page *p, const json_t *object, const struct message_info *info, int depth)
{
    fputs("<table>\n", p->out);
    put_fields(p, object, info, depth);
    fputs("</table>", p->out);
}

/* As put_row, the value written by put. */
static void
put_row_of(const struct page *p, const char *label, const char *value,
           void (*put)(const struct page *p, const char *value))
{
    if (value == NULL || *value == '\0')
        return;
    row_open(p, label);
    put(p, value);
    row_close(p);
}

/* ---- the parts of the page */

static void
put_heading(const struct page *p, const char *text)
{
    fprintf(p->out, "<h%u>", p->heading);
    put_text(p, text);
    fprintf(p->out, "</h%u>\n", p->heading);
}

static const struct type_info *
type_of(const json_t *header)
{
    const char *word = member_text(header, "type");

    for (size_t i = 0; type_at(i) != NULL; i++)
        if (strcmp(type_at(i)->enum_name, word) == 0 || strcmp(type_at(i)->name, word) == 0)
            return type_at(i);
    return NULL;
}

static void
put_addresses(const struct page *p, const json_t *to)
{
    const json_t *address;
    size_t i;

    if (json_array_size(to) == 0)
        return;
    row_open(p, say(p, "do kogo", "to"));
    json_array_foreach((json_t *)(uintptr_t)to, i, address)
    {
        const char *unit = member_text(address, "unit"), *agency = member_text(address, "agency"),
                   *area = member_text(address, "area");

        if (i > 0)
            fputs("\n", p->out);
        put_named(p, *unit != '\0' ? unit : agency);
        if (*area != '\0') {
            fputs(say(p, ", rejon ", ", area "), p->out);
            put_text(p, area);
        }
    }
    row_close(p);
}

static void
put_marks(const struct page *p, const json_t *header)
{
    const char *correction = member_text(header, "correction"), *corrects = member_text(header, "correctsEventId");
    const char *because = member_text(header, "enteredBecause"), *priority = member_text(header, "priority");

    if (*corrects != '\0' || *correction != '\0') {
        fputs("<p class=\"mark\">", p->out);
        if (strcmp(correction, "ENTERED_IN_ERROR") == 0)
            fputs(say(p, "OMYŁKA: to zdarzenie wycofuje wcześniejsze, wpisane omyłkowo",
                      "IN ERROR: this event withdraws an earlier one, entered in error"),
                  p->out);
        else
            fputs(say(p, "POPRAWKA wcześniejszego zdarzenia", "CORRECTION of an earlier event"), p->out);
        if (*corrects != '\0') {
            fputs(": ", p->out);
            put_text(p, corrects);
        }
        fputs("</p>\n", p->out);
    }
    if (json_is_true(json_object_get(header, "lateEntry")) || *because != '\0') {
        fputs("<p class=\"mark\">", p->out);
        fputs(say(p, "WPIS PÓŹNIEJSZY", "LATE ENTRY"), p->out);
        if (*because != '\0') {
            fputs(": ", p->out);
            put_code(p, because);
        }
        fputs("</p>\n", p->out);
    }
    if (*priority != '\0' && strcmp(priority, "routine") != 0) {
        fputs("<p class=\"mark\">", p->out);
        fputs(say(p, "PILNE: ", "URGENT: "), p->out);
        put_code(p, priority);
        fputs("</p>\n", p->out);
    }
}

static void
put_header(const struct page *p, const json_t *event, const json_t *header)
{
    const json_t *actor = json_object_get(header, "actor");
    const char *agency = member_text(actor, "agency"), *unit = member_text(actor, "unit"),
               *role = member_text(actor, "role");
    char time[TIME_TEXT_SIZE];

    fputs("<table>\n", p->out);
    if (*agency != '\0' || *unit != '\0') {
        row_open(p, say(p, "od kogo", "from"));
        put_named(p, agency);
        if (strcmp(unit, agency) != 0) {
            fputs(*agency != '\0' && *unit != '\0' ? ", " : "", p->out);
            put_named(p, unit);
        }
        row_close(p);
    }
    if (*role != '\0') {
        const char *label = role_label(role_by_name(role), p->o->polish);

        put_row(p, say(p, "rola", "role"), label != NULL && *label != '\0' ? label : role);
    }
    put_row(p, say(p, "zawód", "profession"), member_text(actor, "profession"));
    put_row(p, say(p, "osoba działająca", "acting person"), member_text(actor, "personRef"));
    if (p->o->person == NULL)
        put_row(p, say(p, "w imieniu", "on behalf of"), member_text(actor, "onBehalfOf"));
    put_row_of(p, say(p, "droga wpływu", "channel"), member_text(actor, "channel"), put_code);
    put_row_of(p, say(p, "data wpływu", "received on"), member_text(actor, "receivedOn"), put_date);
    if (p->o->person == NULL)
        put_addresses(p, json_object_get(header, "to"));
    put_row_of(p, say(p, "kiedy się zdarzyło", "occurred at"), member_text(header, "occurredAt"), put_time);
    time_format(member_number(event, "tsMs"), time);
    put_row_of(p, say(p, "zapisano w dzienniku", "recorded in the log"), time, put_time);
    row_open(p, say(p, "numer w dzienniku", "number in the log"));
    fprintf(p->out, "%" PRIu64, member_number(event, "seq"));
    row_close(p);
    put_row(p, say(p, "teczka", "dossier"), member_text(header, "dossierId"));
    put_row(p, say(p, "identyfikator zdarzenia", "event id"), member_text(header, "eventId"));
    put_row(p, say(p, "wątek", "thread"), member_text(header, "correlationId"));
    put_row(p, say(p, "odpowiedź na zdarzenie", "answers the event"), member_text(header, "causationId"));
    put_row(p, say(p, "na podstawie zgody", "on the consent"), member_text(header, "consentRef"));
    fputs("</table>\n", p->out);
}

static void
put_people(const struct page *p, const char *label, const json_t *list)
{
    const json_t *id;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    fputs("<p class=\"small\">", p->out);
    put_text(p, label);
    json_array_foreach((json_t *)(uintptr_t)list, i, id)
    {
        fputs(i > 0 ? ", " : " ", p->out);
        put_named(p, json_string_value(id) != NULL ? json_string_value(id) : "");
    }
    fputs("</p>\n", p->out);
}

static void
put_section(const struct page *p, const json_t *section)
{
    const struct message_info *envelope = message_info(&wici__v1__section__descriptor);
    const char *name;
    json_t *body;

    json_object_foreach((json_t *)(uintptr_t)section, name, body)
    {
        const struct message_info *info = NULL;
        size_t len = strlen(name);
        unsigned cls = TYPE_CLASSES;

        if (strcmp(name, "subjects") == 0 || strcmp(name, "onlyFor") == 0 || strcmp(name, "notTo") == 0)
            continue;
        for (unsigned i = 0; envelope != NULL && i < envelope->desc->n_fields; i++) {
            if (strcmp(envelope->fields[i].json, name) != 0)
                continue;
            info = message_info(envelope->desc->fields[i].descriptor);
            cls = envelope->desc->fields[i].id % 10;
        }
        if (cls >= TYPE_CLASSES && len > 0 && name[len - 1] >= '0' && name[len - 1] <= '7')
            cls = (unsigned)(name[len - 1] - '0');
        fprintf(p->out, "<h%u>", p->heading);
        if (cls < TYPE_CLASSES)
            fprintf(p->out, "%s (S%u)", words_class(cls, p->o->polish), cls);
        else
            put_text(p, name);
        fprintf(p->out, "</h%u>\n", p->heading);
        put_message(p, body, info, 0);
        fputc('\n', p->out);
    }
    put_people(p, say(p, "Dotyczy osób:", "About persons:"), json_object_get(section, "subjects"));
    if (p->o->person != NULL)
        return;
    put_people(p, say(p, "Tylko dla:", "Only for:"), json_object_get(section, "onlyFor"));
    put_people(p, say(p, "Nie dla:", "Not to:"), json_object_get(section, "notTo"));
}

static bool
names(const json_t *list, const char *id)
{
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), id) == 0)
            return true;
    }
    return false;
}

/* May stand on this page; what is no section may not. */
static bool
is_for_reader(const struct page *p, const json_t *section)
{
    const json_t *only = json_object_get(section, "onlyFor"), *not_to = json_object_get(section, "notTo");

    if (p->o->person == NULL)
        return true;
    return json_is_object(section) && (only == NULL || (json_is_array(only) && json_array_size(only) == 0)) &&
           (not_to == NULL || (json_is_array(not_to) && !names(not_to, p->o->person)));
}

/* Those of the sections that are for the reader. */
static void
put_sections(const struct page *p, const json_t *sections)
{
    const json_t *section;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)sections, i, section)
    {
        if (is_for_reader(p, section))
            put_section(p, section);
    }
}

/*
 * The log pads every event to the same number of places, so that their number tells nothing; an empty place and one
 * that was withheld look the same. The page must not claim to know how many parts were left out.
 */
static void
put_withheld(const struct page *p, const json_t *event)
{
    size_t count = json_array_size(json_object_get(event, "withheld"));

    if (count == 0)
        return;
    fputs("<p class=\"small\">", p->out);
    if (p->o->polish)
        fprintf(
            p->out,
            "Nie otwarto miejsc: %zu. Pominięto tu części, których ta jednostka nie może zobaczyć, albo miejsca te są "
            "puste (z zapisu nie da się tego odróżnić).",
            count);
    else
        fprintf(
            p->out,
            "Places not opened: %zu. Parts that this unit may not see were left out here, or these places are empty "
            "(the record does not tell which).",
            count);
    fputs("</p>\n", p->out);
}

/* The files that come beside the page, a moment after it. */
static void
put_files(const struct page *p, const json_t *files)
{
    const json_t *file;
    size_t i;

    if (json_array_size(files) == 0)
        return;
    put_heading(p, say(p, "Pliki", "Files"));
    fputs("<table>\n", p->out);
    json_array_foreach(files, i, file)
    {
        const char *name = member_text(file, "name"), *path = member_text(file, "file");

        if (path == NULL)
            continue;
        row_open(p, name != NULL ? name : say(p, "dokument", "document"));
        fputs("<a href=\"", p->out);
        put_text(p, path);
        fputs("\">", p->out);
        put_text(p, path);
        fputs("</a>", p->out);
        row_close(p);
    }
    fputs("</table>\n", p->out);
}

/* All of an event but its name; for a person what is for that person. */
static void
put_event(const struct page *p, const json_t *event)
{
    const json_t *header = json_object_get(event, "header"), *note = json_object_get(event, "note");

    put_marks(p, header);
    put_header(p, event, header);
    put_sections(p, json_object_get(event, "sections"));
    if (p->o->person != NULL)
        return;
    put_files(p, json_object_get(event, "files"));
    if (json_is_object(note) && json_object_size(note) > 0) {
        put_heading(p, say(p, "Dopisane przez brokera", "Added by the broker"));
        put_message(p, note, message_info(&wici__v1__broker_note__descriptor), 0);
    }
    put_withheld(p, event);
}

static const char *
event_name(const struct page *p, const json_t *event)
{
    const struct type_info *type = type_of(json_object_get(event, "header"));

    return type != NULL ? say(p, type->pl, type->en) : say(p, "zdarzenie", "event");
}

void
page_event(FILE *out, const struct page_options *options, const json_t *event)
{
    const struct page p = {.out = out, .o = options, .heading = 3};

    fputs("<h2>", out);
    html_text(out, event_name(&p, event));
    fputs("</h2>\n", out);
    put_event(&p, event);
}

int
page_render(const json_t *event, const struct page_options *options, char **ret)
{
    struct page p = {.o = options, .heading = 2};
    char *text = NULL;
    size_t len = 0;

    assert(options != NULL && ret != NULL);

    if (!json_is_object(event))
        return -EBADMSG;
    p.out = open_memstream(&text, &len);
    if (p.out == NULL)
        return -ENOMEM;
    html_open(p.out, options, event_name(&p, event));
    put_event(&p, event);
    html_close(p.out, options);
    if (fclose(p.out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}
