/*
 * page - see page.h
 *
 * A section is a table of label and value (page_value.h).
 */
#include "agents/page.h"
#include "agents/page_value.h"
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

/* ---- the parts of the page */

static void
put_heading(const struct page *p, const char *text)
{
    fprintf(p->out, "<h%u>", p->heading);
    page_text(p, text);
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

/* What a referral is called follows from the kind of its paper, where that was given. */
static const char *
referral_name(const struct page *p, const json_t *event)
{
    static const struct {
        const char *kind, *pl, *en;
    } names[] = {{"INFORMATION", "informacja o rodzinie", "information on a family"},
                 {"APPLICATION", "wniosek", "application"},
                 {"NEED", "zgłoszenie potrzeby", "need reported"}};
    const json_t *section;
    size_t at;

    json_array_foreach(json_object_get(event, "sections"), at, section)
    {
        const char *kind = member_text(json_object_get(section, "referralSubmittedS6"), "paperKind");

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(names[i].kind, kind) == 0)
                return page_say(p, names[i].pl, names[i].en);
    }
    return NULL;
}

static const char *
event_name(const struct page *p, const json_t *event)
{
    const struct type_info *type = type_of(json_object_get(event, "header"));
    const char *name = referral_name(p, event);

    if (name != NULL)
        return name;
    return type != NULL ? page_say(p, type->pl, type->en) : page_say(p, "zdarzenie", "event");
}

static void
put_addresses(const struct page *p, const json_t *to)
{
    const json_t *address;
    size_t i;

    if (json_array_size(to) == 0)
        return;
    page_row_open(p, page_say(p, "do kogo", "to"));
    json_array_foreach((json_t *)(uintptr_t)to, i, address)
    {
        const char *unit = member_text(address, "unit"), *agency = member_text(address, "agency"),
                   *area = member_text(address, "area");

        if (i > 0)
            fputs("\n", p->out);
        page_named(p, *unit != '\0' ? unit : agency);
        if (*area != '\0') {
            fputs(page_say(p, ", rejon ", ", area "), p->out);
            page_text(p, area);
        }
    }
    page_row_close(p);
}

static void
put_marks(const struct page *p, const json_t *header)
{
    const char *correction = member_text(header, "correction"), *corrects = member_text(header, "correctsEventId");
    const char *because = member_text(header, "enteredBecause"), *priority = member_text(header, "priority");

    if (*corrects != '\0' || *correction != '\0') {
        fputs("<p class=\"mark\">", p->out);
        if (strcmp(correction, "ENTERED_IN_ERROR") == 0)
            fputs(page_say(p, "OMYŁKA: to zdarzenie wycofuje wcześniejsze, wpisane omyłkowo",
                           "IN ERROR: this event withdraws an earlier one, entered in error"),
                  p->out);
        else
            fputs(page_say(p, "POPRAWKA wcześniejszego zdarzenia", "CORRECTION of an earlier event"), p->out);
        if (*corrects != '\0') {
            fputs(": ", p->out);
            page_text(p, corrects);
        }
        fputs("</p>\n", p->out);
    }
    if (json_is_true(json_object_get(header, "lateEntry")) || *because != '\0') {
        fputs("<p class=\"mark\">", p->out);
        fputs(page_say(p, "WPIS PÓŹNIEJSZY", "LATE ENTRY"), p->out);
        if (*because != '\0') {
            fputs(": ", p->out);
            page_code(p, because);
        }
        fputs("</p>\n", p->out);
    }
    if (*priority != '\0' && strcmp(priority, "routine") != 0) {
        fputs("<p class=\"mark\">", p->out);
        fputs(page_say(p, "PILNE: ", "URGENT: "), p->out);
        page_code(p, priority);
        fputs("</p>\n", p->out);
    }
}

/* "informacja o rodzinie, data wpływu 3.03.2026": what an agency without the system wrote, as it knows it. */
static void
put_answered(const struct page *p, const json_t *answered)
{
    const json_t *actor = json_object_get(json_object_get(answered, "header"), "actor");

    page_row_open(p, page_say(p, "odpowiedź na", "in answer to"));
    page_text(p, event_name(p, answered));
    if (member_text(actor, "receivedOn")[0] != '\0') {
        fputs(page_say(p, ", data wpływu ", ", received on "), p->out);
        page_date(p, member_text(actor, "receivedOn"));
    }
    page_row_close(p);
}

static void
put_header(const struct page *p, const json_t *event, const json_t *header)
{
    const json_t *actor = json_object_get(header, "actor");
    const char *agency = member_text(actor, "agency"), *unit = member_text(actor, "unit"),
               *role = member_text(actor, "role");
    char time[TIME_TEXT_SIZE];

    fputs("<table>\n", p->out);
    page_row_of(p, page_say(p, "adresat", "for"), p->o->addressee, page_named);
    if (*agency != '\0' || *unit != '\0') {
        page_row_open(p, page_say(p, "od kogo", "from"));
        page_named(p, agency);
        if (strcmp(unit, agency) != 0) {
            fputs(*agency != '\0' && *unit != '\0' ? ", " : "", p->out);
            page_named(p, unit);
        }
        page_row_close(p);
    }
    if (*role != '\0') {
        const char *label = role_label(role_by_name(role), p->o->polish);

        page_row(p, page_say(p, "rola", "role"), label != NULL && *label != '\0' ? label : role);
    }
    page_row(p, page_say(p, "zawód", "profession"), member_text(actor, "profession"));
    page_row(p, page_say(p, "osoba działająca", "acting person"), member_text(actor, "personRef"));
    if (p->o->person == NULL)
        page_row(p, page_say(p, "w imieniu", "on behalf of"), member_text(actor, "onBehalfOf"));
    page_row_of(p, page_say(p, "droga wpływu", "channel"), member_text(actor, "channel"), page_code);
    page_row_of(p, page_say(p, "data wpływu", "received on"), member_text(actor, "receivedOn"), page_date);
    if (p->o->person == NULL)
        put_addresses(p, json_object_get(header, "to"));
    page_row_of(p, page_say(p, "kiedy się zdarzyło", "occurred at"), member_text(header, "occurredAt"), page_time);
    time_format(member_number(event, "tsMs"), time);
    page_row_of(p, page_say(p, "zapisano w dzienniku", "recorded in the log"), time, page_time);
    page_row_open(p, page_say(p, "numer w dzienniku", "number in the log"));
    fprintf(p->out, "%" PRIu64, member_number(event, "seq"));
    page_row_close(p);
    page_row(p, page_say(p, "teczka", "dossier"), member_text(header, "dossierId"));
    page_row(p, page_say(p, "identyfikator zdarzenia", "event id"), member_text(header, "eventId"));
    page_row(p, page_say(p, "wątek", "thread"), member_text(header, "correlationId"));
    if (p->o->answered != NULL)
        put_answered(p, p->o->answered);
    else
        page_row(p, page_say(p, "odpowiedź na zdarzenie", "answers the event"), member_text(header, "causationId"));
    page_row(p, page_say(p, "na podstawie zgody", "on the consent"), member_text(header, "consentRef"));
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
    page_text(p, label);
    json_array_foreach((json_t *)(uintptr_t)list, i, id)
    {
        fputs(i > 0 ? ", " : " ", p->out);
        page_named(p, json_string_value(id) != NULL ? json_string_value(id) : "");
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
            page_text(p, name);
        fprintf(p->out, "</h%u>\n", p->heading);
        page_message(p, body, info, 0);
        fputc('\n', p->out);
    }
    put_people(p, page_say(p, "Dotyczy osób:", "About persons:"), json_object_get(section, "subjects"));
    if (p->o->person != NULL)
        return;
    put_people(p, page_say(p, "Tylko dla:", "Only for:"), json_object_get(section, "onlyFor"));
    put_people(p, page_say(p, "Nie dla:", "Not to:"), json_object_get(section, "notTo"));
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

    if (count == 0 || p->o->addressee != NULL)
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
    put_heading(p, page_say(p, "Pliki", "Files"));
    fputs("<table>\n", p->out);
    json_array_foreach(files, i, file)
    {
        const char *name = member_text(file, "name"), *path = member_text(file, "file");

        if (path == NULL)
            continue;
        page_row_open(p, name != NULL ? name : page_say(p, "dokument", "document"));
        fputs("<a href=\"", p->out);
        page_text(p, path);
        fputs("\">", p->out);
        page_text(p, path);
        fputs("</a>", p->out);
        page_row_close(p);
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
        put_heading(p, page_say(p, "Dopisane przez brokera", "Added by the broker"));
        page_message(p, note, message_info(&wici__v1__broker_note__descriptor), 0);
    }
    put_withheld(p, event);
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
