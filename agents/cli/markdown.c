/*
 * markdown - the registry of event types as docs/EVENTS.md
 *
 * Messages that several sections use (Person, Document, ...) get a chapter of their own, once, in the order in which
 * they are met. The text is the same in every locale: labels stand in Polish and in English.
 */
#include "agents/cli/cli.h"
#include "agents/words.h"

#include "proto/event.h"
#include "proto/types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_MAX 128u

struct markdown {
    const struct message_info *shared[SHARED_MAX]; /* met so far */
    size_t count;
};

static void
shared_note(struct markdown *m, const struct message_info *message)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->shared[i] == message)
            return;
    if (m->count == SHARED_MAX)
        abort();
    m->shared[m->count++] = message;
}

/* "[case.opened](#caseopened)": to a chapter, by the rule that forges have for its anchor. */
static void
link_print(const char *chapter)
{
    printf("[%s](#", chapter);
    for (const char *c = chapter; *c != '\0'; c++) {
        if (*c != '.')
            putchar(tolower((unsigned char)*c));
    }
    putchar(')');
}

static void
form_print(struct markdown *m, const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    const struct message_info *message = field->type == PROTOBUF_C_TYPE_MESSAGE ? message_info(field->descriptor)
                                                                                : NULL;

    if (message != NULL) {
        shared_note(m, message);
        link_print(message->desc->short_name);
    } else {
        printf("%s", field_kind(field, info));
    }
}

static void
codes_print(const char *codes)
{
    while (*codes != '\0') {
        size_t len = strcspn(codes, " ");

        printf("`%.*s`%s", (int)len, codes, codes[len] != '\0' ? " " : "");
        codes += len + (codes[len] != '\0');
    }
}

static void
field_print(struct markdown *m, const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    bool many = field->label == PROTOBUF_C_LABEL_REPEATED;

    printf("| `%s%s` | ", info->json, many ? "[]" : "");
    form_print(m, field, info);
    printf(" | %s | ", info->required ? "yes" : "");
    if (many && info->max_count != 0)
        printf("%u times%s", info->max_count, info->max != 0 || info->codes != NULL ? ", " : "");
    if (info->max != 0)
        printf("%u", info->max);
    if (info->codes != NULL)
        codes_print(info->codes);
    printf(" | %s | %s |\n", info->pl != NULL ? info->pl : "", info->en != NULL ? info->en : "");
}

static void
message_print(struct markdown *m, const struct message_info *message, unsigned below)
{
    puts("\n| field | form | must | at most, or words | po polsku | in English |\n|---|---|---|---|---|---|");
    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        if (message->desc->fields[i].id < below)
            field_print(m, &message->desc->fields[i], &message->fields[i]);
    }
}

static const char *
opens_name(enum type_opens opens)
{
    switch (opens) {
    case OPENS_NOTHING: return "";
    case OPENS_REFERRAL: return "REFERRAL";
    case OPENS_CASE: return "CASE";
    case OPENS_MEETING: return "MEETING";
    case OPENS_LETTER: return "LETTER";
    }
    abort();
}

static void
type_print(struct markdown *m, const struct type_info *type)
{
    printf("\n## %s\n\n%u `%s`: %s / %s.", type->name, type->number, type->enum_name, type->pl, type->en);
    if (type->opens != OPENS_NOTHING)
        printf(" May open a dossier (%s).", opens_name(type->opens));
    if (type->either != 0) {
        const char *before = " Of these classes one is enough:";

        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
            if ((type->either & 1u << cls) != 0) {
                printf("%s S%u", before, cls);
                before = ",";
            }
        }
        putchar('.');
    }
    putchar('\n');
    for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
        char *name;

        if (type->body[cls] == NULL)
            continue;
        name = section_json_name(type->number, cls);
        printf("\n**S%u**, %s / %s: `%s`\n", cls, words_class(cls, true), words_class(cls, false),
               name != NULL ? name : "");
        free(name);
        message_print(m, type->body[cls], UINT32_MAX);
    }
}

void
markdown_print(void)
{
    struct markdown m = {.count = 0};

    puts(
        "# Event types\n\n"
        "Every type of event, its sections and their fields, with mandatory fields and limits, out of\n"
        "`proto/wici/v1/*.proto`. Made by `wici types --markdown`; a test compares the two. What the forms mean:\n"
        "`proto/wici/v1/options.proto`. The classes S0 to S7, and who is given which: DOMAIN.md. How an event is\n"
        "sent: PROTOCOL.md. `wici template TYPE` prints a skeleton that passes the checks.\n\n"
        "\"At most\" is bytes of a text, or the largest number. A section may come several times, for other persons\n"
        "(`subjects`) or readers (`onlyFor`, `notTo`); a mandatory field must stand in one of its class. A section of\n"
        "a class without mandatory fields may be left out.\n\n"
        "| | type | classes | po polsku | in English |\n|---|---|---|---|---|");
    for (size_t i = 0; type_at(i) != NULL; i++) {
        const struct type_info *type = type_at(i);

        printf("| %u | ", type->number);
        link_print(type->name);
        fputs(" | S", stdout);
        for (unsigned cls = 0; cls < TYPE_CLASSES; cls++) {
            if ((type->classes & 1u << cls) != 0)
                printf("%u", cls);
        }
        printf(" | %s | %s |\n", type->pl, type->en);
    }
    puts("\n## Header\n\nOf every event: `header`.");
    message_print(&m, message_info(&wici__v1__header__descriptor), UINT32_MAX);
    puts("\n## Section\n\nBeside its body, every element of `sections` may say whom it is about and for.");
    message_print(&m, message_info(&wici__v1__section__descriptor), 1000); /* the bodies are below */
    for (size_t i = 0; type_at(i) != NULL; i++)
        type_print(&m, type_at(i));
    puts("\n# Shared messages");
    for (size_t i = 0; i < m.count; i++) { /* grows while it is walked */
        printf("\n## %s\n", m.shared[i]->desc->short_name);
        message_print(&m, m.shared[i], UINT32_MAX);
    }
}
