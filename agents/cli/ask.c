/*
 * ask - see ask.h
 */
#include "agents/cli/ask.h"

#include "agents/answer.h"
#include "agents/words.h"
#include "proto/event.h"
#include "proto/options.h"
#include "wici/v1/event.pb-c.h"
#include "wici/v1/ipus.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define ROW_FALLBACK_MAX 64u /* rows of a list whose bound the registry leaves to the size of an event */

/* ---- lines */

int
ask_line(const char *prompt, char **ret)
{
    char *line = NULL, *copy;
    size_t size = 0;
    ssize_t len;

    printf("%s ", prompt);
    fflush(stdout);
    len = getline(&line, &size, stdin);
    if (len < 0 || memchr(line, '\0', (size_t)len) != NULL) {
        free(line);
        putchar('\n');
        return -ENODATA;
    }
    copy = strdup(option_trim(line));
    free(line);
    if (copy == NULL)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

/* A line, and those that follow while the last one ends with '\'. */
static int
text_ask(const char *prompt, bool lines, char **ret)
{
    char *text = NULL, *more, *both;
    int rc = ask_line(prompt, &text);

    while (rc == 0 && lines && text[0] != '\0' && text[strlen(text) - 1] == '\\') {
        text[strlen(text) - 1] = '\0';
        rc = ask_line("  ...", &more);
        if (rc != 0)
            break;
        if (asprintf(&both, "%s\n%s", text, more) < 0)
            rc = -ENOMEM;
        free(more);
        if (rc != 0)
            break;
        free(text);
        text = both;
    }
    if (rc == 0)
        *ret = text;
    else
        free(text);
    return rc;
}

int
ask_yes_no(const char *question, bool otherwise, bool *ret)
{
    char prompt[400];
    int rc;

    (void)snprintf(prompt, sizeof prompt, "%s %s", question, otherwise ? _("[Y/n]") : _("[y/N]"));
    for (;;) {
        char *text;
        bool understood;

        rc = ask_line(prompt, &text);
        if (rc != 0)
            return rc;
        if (text[0] == '\0') {
            *ret = otherwise;
            understood = true;
        } else {
            understood = answer_yes_no(text, ret);
        }
        free(text);
        if (understood)
            return 0;
        puts(_("  Please answer yes or no."));
    }
}

/* ---- what may stand in a field */

static const char *
label(const struct ask *ask, const struct field_info *info)
{
    const char *text = ask->cli->pl ? info->pl : info->en;

    return text != NULL && text[0] != '\0' ? text : info->json;
}

static bool
names_person(const struct field_info *info)
{
    return info->format == FIELD_ID && (strstr(info->json, "erson") != NULL || strcmp(info->json, "sameAs") == 0);
}

/* A mailbox, or one of an institution; whatever the field is called. */
static bool
names_unit(const struct field_info *info)
{
    static const char *const names[] = {"unit", "units", "fromUnit", "toUnit", "probationUnit"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(info->json, names[i]) == 0)
            return true;
    return false;
}

static bool
names_partner(const struct field_info *info)
{
    static const char *const names[] = {"provider", "scopeAgencies", "onlyFor", "notTo"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(info->json, names[i]) == 0)
            return true;
    return false;
}

/* What to type, in a few words; "" where the label says it. */
static const char *
form_text(const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        return _("yes or no");
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return _("a number of the list");
    if (strcmp(info->json, "version") == 0 || strcmp(info->json, "revision") == 0)
        return _("a whole number; of the first it is 1");
    if (field->type != PROTOBUF_C_TYPE_STRING)
        return _("a whole number");
    switch (info->format) {
    case FIELD_DATE: return _("date, as 1.03.2026; or today");
    case FIELD_TIME: return _("date and time, as 1.03.2026 8:30");
    case FIELD_CODE: return _("a number of the list");
    case FIELD_UUID:
    case FIELD_UUID7: return _("identifier, 36 characters");
    case FIELD_ID:
        if (names_unit(info))
            return _("the name of a mailbox, as ops-sw");
        return names_partner(info) ? _("the name of a mailbox or an institution, as ops-sw")
                                   : _("a short sign: letters without accents, digits, . _ -");
    case FIELD_TEXT: return _("end a line with \\ to go on in the next");
    case FIELD_SHA256: return _("64 digits of the file's SHA-256 sum");
    case FIELD_GMINA: return _("the municipality's TERYT number, 6 or 7 digits");
    case FIELD_MEDIA_TYPE: return _("kind of file, as application/pdf");
    case FIELD_KEY: return _("public key, 40 characters");
    case FIELD_LINE:
    case FIELD_ANY: return "";
    }
    abort();
}

static void
persons_print(const struct ask *ask)
{
    const json_t *person;
    size_t i;

    json_array_foreach(ask->persons, i, person)
        printf("    %zu  %s  %s\n", i + 1, jstr(person, "personRef"), jstr(person, "name"));
}

static void
choices_print(const struct ask *ask, const ProtobufCFieldDescriptor *field, const struct field_info *info)
{
    char word[ANSWER_WORD_SIZE];

    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *desc = field->descriptor;

        /* Programs have roles, too, behind those of people. */
        for (unsigned i = 1; i < desc->n_values && desc->values[i].value < WICI__V1__ROLE__ADM; i++) {
            const char *text = role_label(role_by_name(desc->values[i].name), ask->cli->pl);

            printf("    %u  %s (%s)\n", i, text != NULL ? text : "", desc->values[i].name);
        }
    }
    for (size_t i = 0; info->format == FIELD_CODE && answer_code(info->codes, i, word); i++)
        printf("    %zu  %s\n", i + 1, word_label(ask->cli, word));
    if (names_person(info))
        persons_print(ask);
}

/* Why an answer cannot stand, and what can. */
static void
mend_print(const struct ask *ask, const struct refusal *refusal, const ProtobufCFieldDescriptor *field,
           const struct field_info *info)
{
    const char *form = form_text(field, info);

    if (refusal->code == E_PERSONAL_DATA)
        printf("  %s\n", error_text(E_PERSONAL_DATA, ask->cli->pl));
    else
        printf(_("  This cannot stand here. Needed: %s\n"), form[0] != '\0' ? form : _("text in one line"));
    if (info->max != 0 && field->type == PROTOBUF_C_TYPE_STRING)
        printf(_("  At most %u bytes (a letter with an accent takes two).\n"), info->max);
    else if (info->max != 0)
        printf(_("  At most %u.\n"), info->max);
}

/* ---- one value */

/* A sign for a person that means nothing: nobody is recognised by it. */
static json_t *
person_ref_new(void)
{
    static const char digits[] = "abcdefghjkmnpqrstuvwxyz23456789";
    uint8_t random[8];
    char text[4 + sizeof random] = "os-";

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return NULL;
    for (size_t i = 0; i < sizeof random; i++)
        text[3 + i] = digits[random[i] % (sizeof digits - 1)];
    return json_stringn(text, sizeof text - 1);
}

static bool
may_be_made(const struct ask *ask, const struct message_info *message, unsigned place)
{
    const struct field_info *info = &message->fields[place];

    if (!info->required)
        return false;
    if (info->format == FIELD_UUID)
        return message == ask->begins && strstr(info->json, "EventId") == NULL; /* an event is there, or is not */
    return strcmp(info->json, "personRef") == 0 && strcmp(message->desc->short_name, "Person") == 0;
}

static void
prompt_make(const struct ask *ask, const struct message_info *message, unsigned place, bool optional, char *ret,
            size_t size)
{
    const char *form = names_person(&message->fields[place]) && json_array_size(ask->persons) > 0
                           ? _("a number of the list, or another short sign")
                           : form_text(&message->desc->fields[place], &message->fields[place]);
    const char *enter = optional                           ? _("Enter: leave out")
                        : may_be_made(ask, message, place) ? _("Enter: a new one")
                                                           : "";

    (void)snprintf(ret, size, "  %s%s%s%s%s%s:", label(ask, &message->fields[place]),
                   form[0] != '\0' || enter[0] != '\0' ? " (" : "", form,
                   form[0] != '\0' && enter[0] != '\0' ? "; " : "", enter,
                   form[0] != '\0' || enter[0] != '\0' ? ")" : "");
}

/* The reference of the person with that number in the list that was shown; NULL: no number of it. */
static json_t *
person_by_number(const struct ask *ask, const char *text)
{
    size_t number = strlen(text) <= 2 && strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
    const json_t *person = number > 0 ? json_array_get(ask->persons, number - 1) : NULL;

    return person == NULL ? NULL : json_string(jstr(person, "personRef"));
}

static json_t *
value_of(const struct ask *ask, const char *text, const struct message_info *message, unsigned place)
{
    const struct field_info *info = &message->fields[place];
    json_t *value = NULL;

    if (text[0] == '\0' && may_be_made(ask, message, place))
        return info->format == FIELD_UUID ? cli_uuid() : person_ref_new();
    if (text[0] == '\0')
        return NULL;
    if (names_person(info))
        value = person_by_number(ask, text);
    return value != NULL ? value : answer_value(text, &message->desc->fields[place], info, ask->today);
}

/* One value; *ret NULL: Enter, where that is allowed. */
static int
value_ask(struct ask *ask, const struct message_info *message, unsigned place, bool optional, json_t **ret)
{
    const ProtobufCFieldDescriptor *field = &message->desc->fields[place];
    const struct field_info *info = &message->fields[place];
    char prompt[500];
    int rc;

    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        printf("  %s:\n", label(ask, info));
        return ask_message(ask, message_info(field->descriptor), ret);
    }
    choices_print(ask, field, info);
    prompt_make(ask, message, place, optional, prompt, sizeof prompt);
    for (;;) {
        struct refusal refusal = {.code = E_FIELD};
        char *text;
        json_t *value;

        rc = text_ask(prompt, info->format == FIELD_TEXT && field->type == PROTOBUF_C_TYPE_STRING, &text);
        if (rc != 0)
            return rc;
        if (text[0] == '\0' && optional) {
            free(text);
            *ret = NULL;
            return 0;
        }
        value = value_of(ask, text, message, place);
        rc = value == NULL ? -EBADMSG : answer_check(value, message, place, ask->arena, &refusal);
        if (rc == 0 && text[0] == '\0')
            printf("    %s\n", json_string_value(value));
        free(text);
        if (rc == 0) {
            *ret = value;
            return 0;
        }
        json_decref(value);
        if (rc != -EBADMSG)
            return rc;
        mend_print(ask, &refusal, field, info);
    }
}

static int
rows_ask(struct ask *ask, const struct message_info *message, unsigned place, bool optional, json_t **ret)
{
    const struct field_info *info = &message->fields[place];
    size_t max = info->max_count != 0 ? info->max_count : ROW_FALLBACK_MAX;
    json_t *rows = json_array(), *row = NULL;
    bool more = true;
    int rc = rows == NULL ? -ENOMEM : 0;

    while (rc == 0 && more && json_array_size(rows) < max) {
        char question[300];

        rc = value_ask(ask, message, place, optional && json_array_size(rows) == 0, &row);
        if (rc != 0 || row == NULL)
            break;
        if (json_array_append_new(rows, row) != 0)
            rc = -ENOMEM;
        (void)snprintf(question, sizeof question, _("  Another one: %s?"), label(ask, info));
        if (rc == 0 && json_array_size(rows) < max)
            rc = ask_yes_no(question, false, &more);
    }
    if (rc == 0 && json_array_size(rows) > 0)
        *ret = json_incref(rows);
    else if (rc == 0)
        *ret = NULL;
    json_decref(rows);
    return rc;
}

int
ask_field(struct ask *ask, const struct message_info *message, unsigned place, bool optional, json_t **ret)
{
    const struct field_info *info = &message->fields[place];
    const json_t *known = ask->known == NULL || info->format != FIELD_UUID ? NULL
                                                                           : json_object_get(ask->known, info->json);
    json_t *made = known != NULL ? json_deep_copy(known) : NULL;

    if (message->desc->fields[place].label == PROTOBUF_C_LABEL_REPEATED)
        return rows_ask(ask, message, place, optional, ret);
    if (made == NULL && ask->renew && info->format == FIELD_UUID && may_be_made(ask, message, place))
        made = cli_uuid();
    if (made == NULL)
        return value_ask(ask, message, place, optional, ret);
    printf("  %s: %s\n", label(ask, info), json_string_value(made));
    *ret = made;
    return 0;
}

/* ---- a message */

/* What the event that is answered names already: taken without a question. */
static bool
is_known(const struct ask *ask, const struct message_info *message, unsigned place)
{
    const struct field_info *info = &message->fields[place];

    return ask->known != NULL && info->format == FIELD_UUID && json_object_get(ask->known, info->json) != NULL;
}

/*
 * A sign alone tells its readers nothing: of a person the name is asked for at once, and may be left out. A plan of
 * services names one, and a further part of rows is for its row.
 */
static bool
is_asked_at_once(const struct ask *ask, const struct message_info *message, unsigned place)
{
    const ProtobufCFieldDescriptor *field = &message->desc->fields[place];

    if (strcmp(message->fields[place].json, "row") == 0)
        return message == ask->again || field->descriptor == &wici__v1__service_row__descriptor;
    return strcmp(message->desc->short_name, "Person") == 0 && strcmp(message->fields[place].json, "name") == 0;
}

/* Files are sent apart: a person cannot tell their digests. */
static bool
is_offered(const struct ask *ask, const struct message_info *message, unsigned place)
{
    const ProtobufCFieldDescriptor *field = &message->desc->fields[place];

    return !message->fields[place].required && !is_known(ask, message, place) &&
           !is_asked_at_once(ask, message, place) &&
           !(field->type == PROTOBUF_C_TYPE_MESSAGE &&
             strcmp(((const ProtobufCMessageDescriptor *)field->descriptor)->short_name, "Document") == 0);
}

/* Fields are chosen by bits; a message has fewer than 64. */
static int
optional_choose(struct ask *ask, const struct message_info *message, uint64_t *ret)
{
    unsigned places[64], count = 0;
    char *text;
    int rc;

    *ret = 0;
    for (unsigned i = 0; i < message->desc->n_fields && count < 64; i++)
        if (is_offered(ask, message, i))
            places[count++] = i;
    if (count == 0)
        return 0;
    if (count == 1 && !message_has_required(message)) { /* nothing to choose from */
        *ret = UINT64_C(1) << places[0];
        return 0;
    }
    puts(_("  You may add:"));
    for (unsigned i = 0; i < count; i++)
        printf("    %u  %s\n", i + 1, label(ask, &message->fields[places[i]]));
    for (;;) {
        bool good = true;

        *ret = 0;
        rc = ask_line(_("  Which? (numbers, as 1 3; Enter: none)"), &text);
        if (rc != 0)
            return rc;
        for (char *save = NULL, *word = strtok_r(text, " ,;", &save); word != NULL;
             word = strtok_r(NULL, " ,;", &save)) {
            unsigned long number = strspn(word, "0123456789") == strlen(word) ? strtoul(word, NULL, 10) : 0;

            if (number < 1 || number > count)
                good = false;
            else
                *ret |= UINT64_C(1) << places[number - 1];
        }
        free(text);
        if (good)
            return 0;
        printf(_("  Please give numbers from 1 to %u.\n"), count);
    }
}

static void
person_remember(struct ask *ask, const json_t *person)
{
    const json_t *known;
    size_t i;

    json_array_foreach(ask->persons, i,
                       known) if (strcmp(jstr(known, "personRef"), jstr(person, "personRef")) == 0) return;
    json_array_append_new(ask->persons,
                          json_pack("{s:s,s:s}", "personRef", jstr(person, "personRef"), "name", jstr(person, "name")));
}

static int
fields_ask(struct ask *ask, const struct message_info *message, bool optional, uint64_t chosen, json_t *object)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < message->desc->n_fields; i++) {
        json_t *value = NULL;

        bool required = message->fields[i].required && message != ask->again;
        bool at_once = required || is_known(ask, message, i) || is_asked_at_once(ask, message, i);

        if (optional ? (chosen & UINT64_C(1) << i) == 0 : !at_once)
            continue;
        rc = ask_field(ask, message, i, !required, &value);
        if (rc == 0 && value != NULL && json_object_set_new(object, message->fields[i].json, value) != 0)
            rc = -ENOMEM;
    }
    return rc;
}

int
ask_message(struct ask *ask, const struct message_info *message, json_t **ret)
{
    json_t *object = json_object();
    uint64_t chosen = 0;
    int rc = object == NULL ? -ENOMEM : 0;

    if (rc == 0)
        rc = fields_ask(ask, message, false, 0, object);
    if (rc == 0)
        rc = optional_choose(ask, message, &chosen);
    if (rc == 0)
        rc = fields_ask(ask, message, true, chosen, object);
    if (rc != 0) {
        json_decref(object);
        return rc;
    }
    if (strcmp(message->desc->short_name, "Person") == 0)
        person_remember(ask, object);
    *ret = object;
    return 0;
}

int
ask_persons(struct ask *ask, const char *question, json_t **ret)
{
    for (;;) {
        json_t *list = json_array();
        bool good = true;
        char *text;
        int rc;

        if (list == NULL)
            return -ENOMEM;
        persons_print(ask);
        rc = ask_line(question, &text);
        if (rc != 0) {
            json_decref(list);
            return rc;
        }
        for (char *save = NULL, *word = strtok_r(text, " ,;", &save); word != NULL;
             word = strtok_r(NULL, " ,;", &save)) {
            json_t *ref = person_by_number(ask, word);

            good = good && ref != NULL && json_array_append_new(list, ref) == 0;
        }
        free(text);
        if (good) {
            *ret = list;
            return 0;
        }
        json_decref(list);
        printf(_("  Please give numbers from 1 to %u.\n"), (unsigned)json_array_size(ask->persons));
    }
}
