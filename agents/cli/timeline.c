/* timeline - a case as `wici case` tells it: each event with its author, its addressees, its marks and its sections */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timeline {
    const struct cli *cli;
    const json_t *directory, *members;
};

static int
seq_compare(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    uint64_t m = member_number(*x, "seq"), n = member_number(*y, "seq");

    return m < n ? -1 : m > n;
}

static const json_t *
entry_find(const json_t *list, const char *key, const char *value)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(jstr(entry, key), value) == 0)
            return entry;
    }
    return NULL;
}

/* "cus-sw (Centrum Usług Społecznych)": a unit with the name of its agency, or an agency with its own. */
static void
named_print(const struct timeline *t, const char *id)
{
    const json_t *unit = entry_find(json_object_get(t->directory, "units"), "id", id);
    const char *agency = unit != NULL ? jstr(unit, "agency") : id;
    const char *name = jstr(entry_find(json_object_get(t->directory, "agencies"), "id", agency), "name");

    printf("%s", id);
    if (name[0] != '\0')
        printf(" (%s)", name);
}

static void
addresses_print(const struct timeline *t, const json_t *to)
{
    const json_t *address;
    size_t i;

    json_array_foreach(to, i, address)
    {
        const char *unit = jstr(address, "unit"), *agency = jstr(address, "agency"), *area = jstr(address, "area");

        printf("%s", i == 0 ? _("      to: ") : "; ");
        named_print(t, unit[0] != '\0' ? unit : agency);
        if (area[0] != '\0')
            printf(_(", area %s"), area);
    }
    if (json_array_size(to) > 0)
        putchar('\n');
}

static void
marks_print(const struct timeline *t, const json_t *header)
{
    const char *correction = jstr(header, "correction"), *corrects = jstr(header, "correctsEventId");
    const char *priority = jstr(header, "priority"), *because = jstr(header, "enteredBecause");

    if (corrects[0] != '\0')
        printf(_("      ! corrects the event %s: %s\n"), corrects, word_label(t->cli, correction));
    if (json_is_true(json_object_get(header, "lateEntry")) || because[0] != '\0')
        printf(_("      ! late entry%s%s\n"), because[0] != '\0' ? ": " : "", word_label(t->cli, because));
    if (priority[0] != '\0' && strcmp(priority, "routine") != 0)
        printf("      ! %s\n", word_label(t->cli, priority));
}

/* The classes a type declares of which no section was given: withheld, or never there; nobody can tell which. */
static void
absent_print(const struct timeline *t, const json_t *event)
{
    const json_t *header = json_object_get(event, "header"), *section;
    const struct type_info *type = NULL;
    unsigned given = 0;
    bool first = true;
    size_t i;

    for (i = 0; type == NULL && type_at(i) != NULL; i++) {
        if (strcmp(type_at(i)->enum_name, jstr(header, "type")) == 0)
            type = type_at(i);
    }
    if (type == NULL || strcmp(jstr(json_object_get(header, "actor"), "unit"), jstr(t->cli->welcome, "unit")) == 0)
        return; /* of our own events we are given all */
    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        uint32_t number;
        unsigned cls;

        if (section_body(section, &number, &cls) != NULL)
            given |= 1u << cls;
    }
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        if ((type->classes & 1u << cls) == 0 || (given & 1u << cls) != 0)
            continue;
        printf("%s%s", first ? _("      not given to this unit, or empty: ") : ", ", class_label(t->cli, cls));
        first = false;
    }
    if (!first)
        putchar('\n');
}

static void
event_tell(const struct timeline *t, const json_t *event)
{
    const json_t *header = json_object_get(event, "header"), *actor = json_object_get(header, "actor"), *section;
    const json_t *member = entry_find(t->members, "dossier", jstr(header, "dossierId"));
    char when[WORDS_TEXT_SIZE];
    size_t i;

    words_time_text(jstr(header, "occurredAt"), t->cli->pl, when);
    printf("\n%s  %s  (", when, type_label(t->cli, jstr(header, "type")));
    if (member != NULL && json_array_size(t->members) > 1)
        printf("%s, ", word_label(t->cli, jstr(member, "kind")));
    printf(_("record %s)\n"), jstr(event, "seq"));
    printf("%s", _("      from: "));
    named_print(t, jstr(actor, "unit"));
    printf(", %s\n", role_label(role_by_name(jstr(actor, "role")), t->cli->pl));
    addresses_print(t, json_object_get(header, "to"));
    marks_print(t, header);
    json_array_foreach(json_object_get(event, "sections"), i, section) section_print(t->cli, section);
    absent_print(t, event);
}

void
timeline_print(const struct cli *cli, const json_t *directory, const json_t *members, const json_t *events)
{
    const struct timeline t = {.cli = cli, .directory = directory, .members = members};
    const json_t *member;
    size_t count = json_array_size(events), i;
    const json_t **sorted = calloc(count + 1, sizeof *sorted);

    if (sorted == NULL)
        abort();
    json_array_foreach(members, i, member)
    {
        const char *link = jstr(member, "link");

        printf("%s  %s%s%s\n", jstr(member, "dossier"), word_label(cli, jstr(member, "kind")),
               link[0] != '\0' ? ": " : "", word_label(cli, link));
        course_print(cli, json_object_get(member, "course"));
    }
    for (i = 0; i < count; i++)
        sorted[i] = json_array_get(events, i);
    qsort(sorted, count, sizeof *sorted, seq_compare);
    for (i = 0; i < count; i++)
        event_tell(&t, sorted[i]);
    free(sorted);
}
