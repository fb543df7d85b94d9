/* subject - see subject.h */
#include "agents/subject.h"
#include "agents/page.h"
#include "agents/words.h"

#include "proto/member.h"
#include "proto/types.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words */

static const char *const headings[][2] = {
    [SUBJECT_TITLE] = {"Co dziennik zawiera o teczce", "What the log holds about a dossier"},
    [SUBJECT_STANDS] = {"Stan sprawy", "Where it stands"},
    [SUBJECT_KINDS] = {"Jakie dane", "What kinds of data"},
    [SUBJECT_SOURCES] = {"Kto je wpisał", "Who entered them"},
    [SUBJECT_EVENTS] = {"Zdarzenia", "Events"},
    [SUBJECT_DOCUMENTS] = {"Dokumenty", "Documents"},
    [SUBJECT_RECIPIENTS] = {"Komu je pokazano", "Who was shown them"},
    [SUBJECT_DEADLINES] = {"Terminy", "Deadlines"},
    [SUBJECT_LINKED] = {"Teczki powiązane", "Dossiers linked with it"},
    [SUBJECT_ERASED] = {"Usunięto", "Erased"},
    [SUBJECT_LEFT_OUT] = {"Czego tu nie ma i dlaczego", "What is not in here, and why"},
};

struct words {
    const char *code, *pl, *en;
};

static const struct words notes[] = {
    {"LINKED", "Teczki powiązane: każda ma własne zestawienie, na jej identyfikator.",
     "Dossiers that are linked with it: each has an account of its own, by its id."},
    {"WITHHELD",
     "Części, których ta jednostka nie może zobaczyć: dziennik nie zdradza, czy są. Zestawienie audytora ma wszystkie.",
     "Parts that this unit may not see: the log does not tell whether there are any. An auditor's account has them "
     "all."},
    {"OTHER_PERSONS",
     "Części wyłącznie o innych osobach (liczba):", "Parts that are about other persons only (number):"},
    {"REVIEW",
     "Są tu dane wszystkich osób z teczki: przed wydaniem trzeba ocenić prawa innych osób (art. 15 ust. 4 RODO).",
     "Data of all persons of the dossier are in here: before it is handed over, the rights of the others have to be "
     "weighed (GDPR art. 15(4))."},
    {"DOCUMENT_BYTES", "Treść plików; opcja --output zapisuje je obok (liczba):",
     "What the files contain; the option --output writes them beside it (number):"},
    {"DOCUMENT_MISSING", "Pliki nazwane w zdarzeniach, których autor nie przysłał (liczba):",
     "Files that events name and their author has not sent (number):"},
    {"DEADLINES", "Bieg terminów: dziennik podaje go prowadzącemu. O czym już zawiadomiono, jest wśród zdarzeń.",
     "The deadlines that run: the log tells them to the holder. What was told of them is among the events."},
    {"AUDITORS_REASONS", "Powody odczytów audytorów: podaje się je tylko audytorom.",
     "Why auditors read it: that is told to auditors only."},
    {"PEOPLE", "Który pracownik czytał: dziennik zna jednostki, nie osoby; wie to instytucja.",
     "Which worker read it: the log knows units, not persons; the institution knows."},
    {"QUESTIONS", "Pytania jednostek innych niż audytor o stan sprawy: nie są zapisywane.",
     "Questions of units other than auditors about where it stands: they are not recorded."},
    {"COPIES", "Kopie w instytucjach, które dane otrzymały, i to, co istnieje tylko na papierze.",
     "Copies at the institutions that were given the data, and what is on paper only."},
    {"PURPOSES",
     "Cele, podstawa prawna i okres przechowywania: z rejestru czynności przetwarzania administratora danych.",
     "Purposes, legal basis and how long it is kept: in the controller's record of processing."},
    {"TECHNICAL", "Skróty, dowody i kopie zapasowe dziennika: bez treści albo z tą samą treścią.",
     "Digests, proofs and backups of the log: they hold no content, or the same."},
    {"ERASED_LINKS",
     "W tym dzienniku usunięto już teczki: jeżeli któraś była z tą powiązana, nie da się ustalić, komu pokazano coś z "
     "tej "
     "teczki tylko przez to powiązanie.",
     "Dossiers of this log were erased: if one of them was linked with this one, it cannot be told who was shown "
     "something of this one by that link only."},
    {"ERASED_CONTENT",
     "Treść: zniszczono ją na polecenie i dziennik już jej nie ma. Wcześniejsze kopie zapasowe dają się odczytać, "
     "dopóki "
     "istnieje ich klucz główny.",
     "The content: it was destroyed on an order, and the log does not hold it any more. Earlier backups can be read as "
     "long as their key-encryption key exists."},
    {"ERASED_SHOWN", "Co komu pokazano, zdarzenie po zdarzeniu: po usunięciu nie da się tego ustalić.",
     "Who was shown what, event by event: after an erasure that cannot be told."},
};

static const struct words questions[] = {
    {"courses", "na jakim jest etapie", "where it stands"},
    {"group", "powiązane teczki", "dossiers linked with it"},
    {"explain", "kto co dostaje z zapisu", "who is given what of a record"},
    {"outside", "strona do wydruku dla instytucji bez systemu",
     "a page to print for an institution without the system"},
    {"document", "dokument", "a document"},
    {"shown", "komu co pokazano", "who was shown what"},
};

static const char *
words_find(const struct words *list, size_t count, const char *code, bool pl)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].code, code) == 0)
            return pl ? list[i].pl : list[i].en;
    return code;
}

const char *
subject_heading(enum subject_heading heading, bool pl)
{
    return headings[heading][pl ? 0 : 1];
}

const char *
subject_note(const char *code, bool pl)
{
    return words_find(notes, sizeof notes / sizeof notes[0], code, pl);
}

const char *
subject_question(const char *question, bool pl)
{
    return words_find(questions, sizeof questions / sizeof questions[0], question, pl);
}

void
subject_told(const json_t *row, bool pl, char ret[SUBJECT_TOLD_SIZE])
{
    const char *question = subject_question(member_text(row, "question"), pl);
    json_int_t document = json_integer_value(json_object_get(row, "document"));

    if (document > 0)
        (void)snprintf(ret, SUBJECT_TOLD_SIZE, "%.100s, %s %lld", question, pl ? "nr" : "no.", (long long)document);
    else
        (void)snprintf(ret, SUBJECT_TOLD_SIZE, "%.100s", question);
}

const char *
subject_remark(const json_t *recipient, bool pl)
{
    if (json_is_true(json_object_get(recipient, "reading")))
        return pl ? "trwa odczyt" : "still reading";
    if (json_is_true(json_object_get(recipient, "atMost")))
        return pl ? "najwyżej tyle" : "at most";
    return "";
}

/* ---- the page */

struct sheet {
    FILE *out;
    const struct page_options *o;
    const json_t *subject;
};

static const json_t *
list_of(const struct sheet *s, const char *key)
{
    return json_object_get(s->subject, key);
}

static const char *
say(const struct sheet *s, const char *pl, const char *en)
{
    return s->o->polish ? pl : en;
}

static void
heading(const struct sheet *s, enum subject_heading which)
{
    fputs("<h2>", s->out);
    html_text(s->out, subject_heading(which, s->o->polish));
    fputs("</h2>\n", s->out);
}

/* A table's first line: titles, NULL at the end. */
static void
list_open(const struct sheet *s, const char *const *titles)
{
    fputs("<table class=\"list\">\n<tr>", s->out);
    for (; *titles != NULL; titles++) {
        fputs("<th>", s->out);
        html_text(s->out, *titles);
        fputs("</th>", s->out);
    }
    fputs("</tr>\n", s->out);
}

static void
cell(const struct sheet *s, const char *text)
{
    fputs("<td>", s->out);
    html_text(s->out, text);
    fputs("</td>", s->out);
}

static void
cell_named(const struct sheet *s, const char *id)
{
    fputs("<td>", s->out);
    if (*id != '\0')
        html_named(s->out, s->o, id);
    fputs("</td>", s->out);
}

/* A number, or a text: JSON has 64 bits as text. */
static void
cell_number(const struct sheet *s, const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    fputs("<td>", s->out);
    if (json_is_integer(value))
        fprintf(s->out, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        html_text(s->out, json_string_value(value));
    fputs("</td>", s->out);
}

static void
cell_time(const struct sheet *s, const char *rfc3339)
{
    char readable[WORDS_TEXT_SIZE];

    words_time_text(rfc3339, s->o->polish, readable);
    cell(s, readable);
}

static void
cell_class(const struct sheet *s, const json_t *row)
{
    unsigned cls = (unsigned)json_integer_value(json_object_get(row, "class"));
    const char *name = words_class(cls, s->o->polish);

    fprintf(s->out, "<td>S%u %s</td>", cls, name != NULL ? name : "");
}

static const char *
type_text(const struct sheet *s, const char *word)
{
    for (size_t i = 0; type_at(i) != NULL; i++)
        if (strcmp(type_at(i)->enum_name, word) == 0)
            return s->o->polish ? type_at(i)->pl : type_at(i)->en;
    return word;
}

static void
fact(const struct sheet *s, const char *label, const char *text)
{
    if (*text == '\0')
        return;
    fprintf(s->out, "<tr><th>%s</th>", label);
    cell(s, text);
    fputs("</tr>\n", s->out);
}

static void
put_facts(const struct sheet *s)
{
    char made[WORDS_TEXT_SIZE], as_of[24];

    words_time_text(member_text(s->subject, "made"), s->o->polish, made);
    (void)snprintf(as_of, sizeof as_of, "%lld", (long long)json_integer_value(list_of(s, "asOfSeq")));
    fputs("<table>\n", s->out);
    fact(s, say(s, "teczka", "dossier"), member_text(s->subject, "dossier"));
    fact(s, say(s, "dziennik", "log"), member_text(s->subject, "log"));
    fact(s, say(s, "stan na zapis", "as of record"), as_of);
    fact(s, say(s, "sporządzono", "made"), made);
    fprintf(s->out, "<tr><th>%s</th>", say(s, "sporządziła jednostka", "made by the unit"));
    cell_named(s, member_text(s->subject, "unit"));
    fputs("</tr>\n", s->out);
    fact(s, say(s, "zapisany powód odczytu", "reason, as recorded"), member_text(s->subject, "reason"));
    fact(s, say(s, "tylko osoba", "only the person"), member_text(s->subject, "person"));
    fputs("</table>\n", s->out);
}

static void
put_ranges(const struct sheet *s, const json_t *ranges)
{
    const json_t *range;
    size_t i;

    fputs("<td>", s->out);
    json_array_foreach((json_t *)(uintptr_t)ranges, i, range)
    {
        fputs(i > 0 ? ", " : "", s->out);
        html_text(s->out, member_text(range, "fromSeq"));
        fputs("-", s->out);
        html_text(s->out, member_text(range, "toSeq"));
    }
    fputs("</td>", s->out);
}

static void
put_erased(const struct sheet *s)
{
    const json_t *erased = list_of(s, "erased"), *recipient;
    char when[WORDS_TEXT_SIZE];
    const char *reason = words_code(member_text(erased, "reason"), s->o->polish);
    size_t i;

    if (erased == NULL)
        return;
    heading(s, SUBJECT_ERASED);
    words_time_text(member_text(erased, "ts"), s->o->polish, when);
    fputs("<table>\n", s->out);
    fact(s, say(s, "polecenie zapisano", "order recorded"), when);
    fact(s, say(s, "w zapisie", "as record"), member_text(erased, "intendedSeq"));
    fact(s, say(s, "powód", "reason"), reason != NULL ? reason : member_text(erased, "reason"));
    fact(s, say(s, "skrót polecenia (SHA-256)", "digest of the order (SHA-256)"), member_text(erased, "orderSha256"));
    fact(s, say(s, "wykonano", "done"),
         json_is_true(json_object_get(erased, "done")) ? say(s, "tak", "yes") : say(s, "jeszcze nie", "not yet"));
    fact(s, say(s, "kopie zapasowe nieczytelne od (plan)", "backups unreadable from (planned)"),
         member_text(erased, "backupsClearBy"));
    fprintf(s->out, "<tr><th>%s</th>", say(s, "zapisy", "records"));
    put_ranges(s, json_object_get(erased, "ranges"));
    fputs("</tr>\n</table>\n", s->out);
    list_open(s, (const char *const[]){say(s, "zawiadomiona jednostka", "unit that was told"),
                                       say(s, "instytucja", "institution"), say(s, "jej zapisy", "its records"), NULL});
    json_array_foreach(json_object_get(erased, "recipients"), i, recipient)
    {
        fputs("<tr>", s->out);
        cell_named(s, member_text(recipient, "unit"));
        cell_named(s, member_text(recipient, "agency"));
        put_ranges(s, json_object_get(recipient, "ranges"));
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
put_counts(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    heading(s, SUBJECT_KINDS);
    list_open(s, (const char *const[]){say(s, "rodzaj danych", "kind of data"), say(s, "części", "parts"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "kinds"), i, row)
    {
        fputs("<tr>", s->out);
        cell_class(s, row);
        cell_number(s, row, "parts");
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
    heading(s, SUBJECT_SOURCES);
    list_open(s, (const char *const[]){say(s, "jednostka", "unit"), say(s, "instytucja", "institution"),
                                       say(s, "zdarzenia", "events"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "sources"), i, row)
    {
        fputs("<tr>", s->out);
        cell_named(s, member_text(row, "unit"));
        cell_named(s, member_text(row, "agency"));
        cell_number(s, row, "events");
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
put_documents(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    if (json_array_size(list_of(s, "documents")) == 0)
        return;
    heading(s, SUBJECT_DOCUMENTS);
    list_open(s, (const char *const[]){say(s, "zapis", "record"), say(s, "nazwa", "name"), say(s, "bajty", "bytes"),
                                       say(s, "część", "part"), "SHA-256", say(s, "plik", "file"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "documents"), i, row)
    {
        const char *file = member_text(row, "file");

        fputs("<tr>", s->out);
        cell_number(s, row, "seq");
        cell(s, member_text(row, "name"));
        cell_number(s, row, "size");
        cell_class(s, row);
        cell(s, member_text(row, "sha256"));
        fputs("<td>", s->out);
        if (*file != '\0') {
            fputs("<a href=\"", s->out);
            html_text(s->out, file);
            fputs("\">", s->out);
            html_text(s->out, file);
            fputs("</a>", s->out);
        }
        fputs("</td></tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
put_recipients(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    if (json_array_size(list_of(s, "recipients")) == 0)
        return;
    heading(s, SUBJECT_RECIPIENTS);
    list_open(s, (const char *const[]){say(s, "jednostka", "unit"), say(s, "zapis", "record"), say(s, "co", "what"),
                                       say(s, "części", "parts"), say(s, "pierwszy raz", "first"),
                                       say(s, "ostatni raz", "last"), say(s, "razy", "times"),
                                       say(s, "dlaczego", "why"), say(s, "uwaga", "remark"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "recipients"), i, row)
    {
        char told[SUBJECT_TOLD_SIZE];

        subject_told(row, s->o->polish, told);
        fputs("<tr>", s->out);
        cell_named(s, member_text(row, "unit"));
        cell_number(s, row, "seq");
        cell(s, told[0] != '\0' ? told : type_text(s, member_text(row, "type")));
        cell(s, member_text(row, "classes"));
        cell_time(s, member_text(row, "first"));
        cell_time(s, member_text(row, "last"));
        cell_number(s, row, "times");
        cell(s, member_text(row, "why"));
        cell(s, subject_remark(row, s->o->polish));
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
cell_date(const struct sheet *s, const char *date)
{
    char readable[WORDS_TEXT_SIZE];

    words_date(date, s->o->polish, readable);
    cell(s, readable);
}

static void
put_deadlines(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    if (json_array_size(list_of(s, "deadlines")) == 0)
        return;
    heading(s, SUBJECT_DEADLINES);
    list_open(s, (const char *const[]){say(s, "termin", "deadline"), say(s, "biegnie od", "runs from"),
                                       say(s, "dzień", "due"), say(s, "wykonano", "done on"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "deadlines"), i, row)
    {
        fputs("<tr>", s->out);
        cell(s, member_text(row, s->o->polish ? "pl" : "en"));
        cell_date(s, member_text(row, "startedOn"));
        cell_date(s, member_text(row, "due"));
        cell_date(s, member_text(row, "endedOn"));
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
put_members(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    if (json_array_size(list_of(s, "members")) < 2)
        return;
    heading(s, SUBJECT_LINKED);
    list_open(s, (const char *const[]){say(s, "teczka", "dossier"), say(s, "rodzaj", "kind"),
                                       say(s, "powiązanie", "link"), NULL});
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "members"), i, row)
    {
        const char *kind = words_code(member_text(row, "kind"), s->o->polish),
                   *link = words_code(member_text(row, "link"), s->o->polish);

        if (strcmp(member_text(row, "dossier"), member_text(s->subject, "dossier")) == 0)
            continue;
        fputs("<tr>", s->out);
        cell(s, member_text(row, "dossier"));
        cell(s, kind != NULL ? kind : member_text(row, "kind"));
        cell(s, link != NULL ? link : member_text(row, "link"));
        fputs("</tr>\n", s->out);
    }
    fputs("</table>\n", s->out);
}

static void
put_left_out(const struct sheet *s)
{
    const json_t *row;
    size_t i;

    heading(s, SUBJECT_LEFT_OUT);
    fputs("<ul>\n", s->out);
    json_array_foreach((json_t *)(uintptr_t)list_of(s, "leftOut"), i, row)
    {
        const json_t *count = json_object_get(row, "count");

        fputs("<li>", s->out);
        html_text(s->out, subject_note(member_text(row, "code"), s->o->polish));
        if (count != NULL)
            fprintf(s->out, " %lld", (long long)json_integer_value(count));
        fputs("</li>\n", s->out);
    }
    fputs("</ul>\n", s->out);
}

int
subject_page(const json_t *subject, const struct page_options *options, char **ret)
{
    struct sheet s = {.o = options, .subject = subject};
    const json_t *event;
    char *text = NULL;
    size_t len = 0, i;

    assert(subject != NULL && options != NULL && ret != NULL);

    s.out = open_memstream(&text, &len);
    if (s.out == NULL)
        return -ENOMEM;
    html_open(s.out, options, subject_heading(SUBJECT_TITLE, options->polish));
    put_facts(&s);
    put_erased(&s);
    if (list_of(&s, "erased") == NULL)
        put_counts(&s);
    put_documents(&s);
    put_recipients(&s);
    put_deadlines(&s);
    put_members(&s);
    put_left_out(&s);
    json_array_foreach((json_t *)(uintptr_t)list_of(&s, "events"), i, event) page_event(s.out, options, event);
    html_close(s.out, options);
    if (fclose(s.out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}
