/*
 * subject_person - see subject_person.h
 */
#include "agents/cli/subject_person.h"
#include "agents/cli/cli.h"

#include "proto/types.h"

#include <stdbool.h>
#include <string.h>

static bool
is_listed(const json_t *list, const char *person)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one) if (strcmp(json_string_value(one), person) == 0) return true;
    return false;
}

static bool
is_about(const json_t *section, const char *person)
{
    const json_t *subjects = json_object_get(section, "subjects");

    return json_array_size(subjects) == 0 || is_listed(subjects, person);
}

static bool
is_kept_back(const json_t *section, const char *person)
{
    return is_listed(json_object_get(section, "notTo"), person);
}

static size_t
documents_count(const json_t *section)
{
    uint32_t type;
    unsigned cls;

    return json_array_size(json_object_get(section_body(section, &type, &cls), "documents"));
}

/* ---- what was shown to others */

/* The classes of which the event has nothing but parts that are kept back. */
static unsigned
classes_kept_back(const json_t *event, const char *person)
{
    unsigned kept = 0, other = 0, cls;
    const json_t *section;
    uint32_t type;
    size_t i;

    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        if (section_body(section, &type, &cls) == NULL || cls >= TYPE_CLASSES)
            continue;
        if (is_kept_back(section, person))
            kept |= 1u << cls;
        else
            other |= 1u << cls;
    }
    return kept & ~other;
}

static void
classes_take_out(const json_t *read, uint64_t seq, unsigned kept)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(read, "shown"), i, one)
    {
        json_t *classes = json_object_get(one, "classes");

        if (member_number(one, "seq") != seq)
            continue;
        for (size_t k = json_array_size(classes); k > 0; k--) {
            json_int_t cls = json_integer_value(json_array_get(classes, k - 1));

            if (cls >= 0 && cls < (json_int_t)TYPE_CLASSES && (kept >> cls & 1u) != 0)
                json_array_remove(classes, k - 1);
        }
    }
}

/* Counts the document that was read as the account does, which holds fewer; false: it is kept back. */
static bool
document_may_stay(json_t *read, const json_t *event, const char *person)
{
    uint64_t number = member_number(read, "document"), before = 0, left = 0;
    const json_t *section;
    size_t i;

    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        size_t count = documents_count(section);
        bool kept_back = is_kept_back(section, person), stays = !kept_back && is_about(section, person);

        if (number > before && number <= before + count) {
            if (stays)
                json_object_set_new(read, "document", json_integer((json_int_t)(left + number - before)));
            else
                json_object_del(read, "document"); /* about others: some document of the record */
            return !kept_back;
        }
        before += count;
        left += stays ? count : 0;
    }
    return true;
}

static void
shown_take_out(json_t *reads, const json_t *event, const char *person)
{
    uint64_t seq = member_number(event, "seq");
    unsigned kept = classes_kept_back(event, person);

    for (size_t i = json_array_size(reads); i > 0; i--) {
        json_t *read = json_array_get(reads, i - 1);

        classes_take_out(read, seq, kept);
        if (strcmp(jstr(read, "question"), "document") == 0 && member_number(read, "seq") == seq &&
            !document_may_stay(read, event, person))
            json_array_remove(reads, i - 1);
    }
}

/* Readings of which it is not known which document it was. */
static void
unknown_take_out(json_t *reads)
{
    for (size_t i = json_array_size(reads); i > 0; i--) {
        const json_t *read = json_array_get(reads, i - 1);

        if (strcmp(jstr(read, "question"), "document") == 0 && member_number(read, "seq") == 0)
            json_array_remove(reads, i - 1);
    }
}

/* ---- the events */

static uint64_t
sections_take_out(const json_t *event, const char *person, uint64_t *ret_kept_back, bool *ret_documents)
{
    json_t *sections = json_object_get(event, "sections");
    uint64_t others = 0;

    for (size_t i = json_array_size(sections); i > 0; i--) {
        const json_t *section = json_array_get(sections, i - 1);
        bool kept_back = is_kept_back(section, person);

        if (!kept_back && is_about(section, person))
            continue;
        if (kept_back && documents_count(section) > 0)
            *ret_documents = true;
        *ret_kept_back += kept_back;
        others += !kept_back;
        json_array_remove(sections, i - 1);
    }
    return others;
}

uint64_t
subject_person_narrow(json_t *events, json_t *shown, const char *person, uint64_t *ret_kept_back)
{
    json_t *reads = json_object_get(shown, "reads"), *event;
    bool documents = false;
    uint64_t others = 0;
    size_t i;

    *ret_kept_back = 0;
    json_array_foreach(events, i, event)
    {
        shown_take_out(reads, event, person);
        others += sections_take_out(event, person, ret_kept_back, &documents);
    }
    if (documents)
        unknown_take_out(reads);
    return others;
}
