/*
 * agent_explain - see agent_explain.h
 *
 * The path of a refusal ("sections[2].referralSubmittedS6.paperKind") is walked through the registry from
 * EventDocument on. Where it ends on a known field, its label, allowed words and bounds are told; where it leaves the
 * registry (a typing error), the nearest name is offered.
 */
#include "agents/agent_explain.h"

#include "proto/check.h"
#include "proto/errors.h"
#include "proto/strict.h"
#include "proto/types.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE    96u
#define NAMES_LISTED 24u

struct place {
    const struct field_info *field;     /* where the path ends; NULL: it left the registry, or is empty */
    const struct message_info *message; /* the last message it went through */
    char unknown[NAME_SIZE];            /* the name that message does not have */
};

static const char *
word_next(const char *path, char name[NAME_SIZE])
{
    size_t len = strcspn(path, ".["), after = strcspn(path, ".");

    if (len >= NAME_SIZE)
        len = NAME_SIZE - 1;
    memcpy(name, path, len);
    name[len] = '\0';
    check_utf8_cut(name);
    return path[after] == '.' ? path + after + 1 : path + after;
}

static void
place_find(const char *path, struct place *ret)
{
    const struct message_info *message = message_info(&wici__v1__event_document__descriptor);
    char name[NAME_SIZE];

    *ret = (struct place){.message = message};
    while (message != NULL && *path != '\0') {
        const ProtobufCMessageDescriptor *desc = message->desc;
        unsigned i = 0;

        path = word_next(path, name);
        while (i < desc->n_fields && strcmp(message->fields[i].json, name) != 0 &&
               strcmp(desc->fields[i].name, name) != 0)
            i++;
        ret->message = message;
        if (i == desc->n_fields) {
            ret->field = NULL;
            memcpy(ret->unknown, name, sizeof name);
            return;
        }
        ret->field = &message->fields[i];
        message = desc->fields[i].type == PROTOBUF_C_TYPE_MESSAGE ? message_info(desc->fields[i].descriptor) : NULL;
    }
}

/* Letters to change, add or drop to make one name of the other. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[NAME_SIZE + 1], len = strlen(b);

    if (len > NAME_SIZE)
        return NAME_SIZE;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);

            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[len];
}

static const char *
nearest_name(const struct message_info *message, const char *name)
{
    const char *best = NULL;
    size_t least = strlen(name) / 3 + 2;

    for (unsigned i = 0; i < message->desc->n_fields; i++) {
        size_t d = distance(name, message->fields[i].json);

        if (d < least) {
            least = d;
            best = message->fields[i].json;
        }
    }
    return best;
}

static const char *
format_text(enum field_format format, bool pl)
{
    switch (format) {
    case FIELD_ID:
        return pl ? "oznaczenie: 1-64 znaki a-z A-Z 0-9 . _ - bez jedenastu cyfr pod rząd"
                  : "an id: 1 to 64 of a-z A-Z 0-9 . _ - with no run of eleven digits";
    case FIELD_UUID: return pl ? "UUID małymi literami (36 znaków)" : "a UUID in lower case (36 characters)";
    case FIELD_UUID7: return pl ? "UUID w wersji 7, małymi literami" : "a UUID of version 7, in lower case";
    case FIELD_DATE: return pl ? "data, np. 2026-03-01" : "a date, as 2026-03-01";
    case FIELD_TIME:
        return pl ? "czas ze strefą, np. 2026-03-01T08:30:00+01:00"
                  : "a time with its zone, as 2026-03-01T08:30:00+01:00";
    case FIELD_LINE: return pl ? "jeden wiersz tekstu" : "one line of text";
    case FIELD_TEXT: return pl ? "tekst" : "text";
    case FIELD_SHA256: return pl ? "64 cyfry szesnastkowe, małe litery" : "64 hexadecimal digits in lower case";
    case FIELD_GMINA: return pl ? "numer TERYT gminy (6 lub 7 cyfr)" : "TERYT number of a municipality (6 or 7 digits)";
    case FIELD_MEDIA_TYPE: return pl ? "rodzaj pliku, np. application/pdf" : "a media type, as application/pdf";
    case FIELD_KEY: return pl ? "klucz publiczny, 40 znaków" : "a public key, 40 characters";
    case FIELD_CODE: return pl ? "jedno ze słów poniżej" : "one of the words below";
    case FIELD_ANY: return NULL;
    }
    return NULL;
}

static void
write_where(FILE *out, const struct agent_refusal *why, const struct place *place, bool pl)
{
    const char *format, *near;

    if (why->path[0] == '\0') {
        fprintf(out, "%s\n", pl ? "Gdzie: cały plik." : "Where: the whole file.");
        return;
    }
    fprintf(out, "%s %s", pl ? "Gdzie:" : "Where:", why->path);
    if (place->field != NULL && place->unknown[0] == '\0' && place->field->pl != NULL)
        fprintf(out, " (%s)", pl ? place->field->pl : place->field->en);
    fputc('\n', out);
    if (place->unknown[0] != '\0' && place->message != NULL) {
        near = nearest_name(place->message, place->unknown);
        fprintf(out, pl ? "Nie ma tu pola o nazwie \"%s\".\n" : "There is no field named \"%s\" here.\n",
                place->unknown);
        if (near != NULL)
            fprintf(out, pl ? "Może chodziło o: %s\n" : "Perhaps it should be: %s\n", near);
        if (place->message->desc->n_fields <= NAMES_LISTED) {
            fprintf(out, "%s", pl ? "Możliwe pola:" : "Possible fields:");
            for (unsigned i = 0; i < place->message->desc->n_fields; i++)
                fprintf(out, " %s", place->message->fields[i].json);
            fputc('\n', out);
        }
        return;
    }
    if (place->field == NULL)
        return;
    format = format_text(place->field->format, pl);
    if (format != NULL)
        fprintf(out, "%s %s\n", pl ? "Ma tu stać:" : "It must hold:", format);
    if (place->field->codes != NULL)
        fprintf(out, "%s %s\n", pl ? "Dozwolone słowa:" : "Allowed words:", place->field->codes);
    if (place->field->max != 0)
        fprintf(out, "%s %u\n",
                pl ? "Największa długość (bajty) lub wartość:" : "Largest length (bytes) or value:", place->field->max);
    if (place->field->required)
        fprintf(out, "%s\n", pl ? "To pole jest obowiązkowe." : "This field is mandatory.");
}

static const char *
mend_text(enum error_client client, bool pl)
{
    switch (client) {
    case CLIENT_FIX:
    case CLIENT_NOTE:
        return pl ? "Popraw wskazane miejsce i zapisz plik ponownie w folderze outbox."
                  : "Mend the place named above and put the file into outbox again.";
    case CLIENT_WAIT:
    case CLIENT_HELLO:
        return pl ? "Zapisz plik ponownie w folderze outbox później." : "Put the file into outbox again later.";
    case CLIENT_ASK:
        return pl ? "Nie wysyłaj ponownie bez rozmowy z administratorem systemu Wici."
                  : "Do not send it again before talking to the administrator of Wici.";
    }
    return "";
}

static void
write_one(FILE *out, const struct agent_refusal *why, const struct place *place, bool pl)
{
    fprintf(out, "%s\n\n", pl ? "Ten plik nie został wysłany." : "This file was not sent.");
    fprintf(out, "%s %s. %s\n", pl ? "Co jest źle:" : "What is wrong:", why->code, pl ? why->pl : why->en);
    write_where(out, why, place, pl);
    if (strcmp(why->code, error_name(E_ID)) == 0)
        fprintf(out, "%s\n",
                pl ? "Jeśli w pliku nie ma eventId, nadał go agent: wtedy zegar tego komputera spieszy się. Ustaw go."
                   : "If the file has no eventId, the agent gave it one: then this computer's clock is fast. Set it.");
    fprintf(out, "%s %s\n", pl ? "Co zrobić:" : "What to do:", mend_text(error_client(error_by_name(why->code)), pl));
}

/* What is no UTF-8, whoever cut it, becomes a question mark: the text has to pass through JSON. */
static void
utf8_mend(char *text, size_t len)
{
    for (size_t at = 0, start; at < len;) {
        start = at;
        if (strict_utf8_next(text, len, &at) < 0) {
            text[start] = '?';
            at = start + 1;
        }
    }
}

int
agent_explain(const struct agent_refusal *why, bool polish, char **ret)
{
    struct place place;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return -ENOMEM;
    place_find(why->path, &place);
    write_one(out, why, &place, polish);
    fputs("\n--\n\n", out);
    write_one(out, why, &place, !polish);
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    utf8_mend(text, len);
    *ret = text;
    return 0;
}

void
agent_explain_make(struct agent_refusal *ret, const char *code, const char *path, const char *pl, const char *en)
{
    (void)snprintf(ret->code, sizeof ret->code, "%s", code);
    (void)snprintf(ret->path, sizeof ret->path, "%s", path);
    check_utf8_cut(ret->path);
    (void)snprintf(ret->pl, sizeof ret->pl, "%s", pl);
    (void)snprintf(ret->en, sizeof ret->en, "%s", en);
}

void
agent_explain_syntax(const json_error_t *error, struct agent_refusal *ret)
{
    char path[64];
    const char *pl = "To nie jest poprawny zapis JSON: w tym miejscu stoi coś, czego tu być nie może (często brak "
                     "przecinka, cudzysłowu albo nawiasu tuż przed tym miejscem).";
    const char *en = "This is not valid JSON: something stands here that must not (often a comma, a quote or a bracket "
                     "is missing just before).";

    /* Jansson's own sentence quotes the text near the error, which may be a person's data. */
    if (json_error_code(error) == json_error_premature_end_of_input) {
        pl = "Plik kończy się, zanim skończy się zapis JSON: nie został zapisany do końca.";
        en = "The file ends before its JSON does: it was not written to its end.";
    } else if (json_error_code(error) == json_error_duplicate_key) {
        pl = "To samo pole podano dwa razy.";
        en = "The same field is given twice.";
    } else if (json_error_code(error) == json_error_invalid_utf8) {
        pl = "Plik nie jest zapisany w UTF-8. Zapisz go w kodowaniu UTF-8.";
        en = "The file is not UTF-8. Save it in the encoding UTF-8.";
    }
    (void)snprintf(path, sizeof path, "wiersz/line %d, kolumna/column %d", error->line, error->column);
    agent_explain_make(ret, "E_JSON", path, pl, en);
}
