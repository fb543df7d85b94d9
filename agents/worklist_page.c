/*
 * worklist_page - a work list as people read it: its words, and the page; see worklist.h
 */
#include "agents/words.h"
#include "agents/worklist.h"

#include "proto/member.h"
#include "proto/types.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below 0: the day has gone by. */
static json_int_t
days_left(const json_t *task)
{
    return json_integer_value(json_object_get(task, "daysLeft"));
}

/* ---- as people read them */

static void
waits_text(json_int_t days, bool polish, char ret[WORKLIST_LEFT_SIZE])
{
    if (days <= 0)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "od dziś" : "since today");
    else if (days == 1)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "od wczoraj" : "since yesterday");
    else
        snprintf(ret, WORKLIST_LEFT_SIZE, polish ? "od %lld dni" : "for %lld days", (long long)days);
}

void
worklist_left(const json_t *task, bool polish, char ret[WORKLIST_LEFT_SIZE])
{
    json_int_t left = days_left(task), days = left < 0 ? -left : left;
    const char *word = polish ? (days == 1 ? "dzień" : "dni") : (days == 1 ? "day" : "days");

    if (json_object_get(task, "daysLeft") == NULL)
        waits_text((json_int_t)member_number(task, "waits"), polish, ret);
    else if (left < 0 && json_is_true(json_object_get(task, "quiet"))) /* after a loss nobody is pressed */
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "gdy to będzie możliwe" : "when it is possible");
    else if (left == 0)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "dziś" : "today");
    else if (left == 1)
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "jutro" : "tomorrow");
    else if (left > 0)
        snprintf(ret, WORKLIST_LEFT_SIZE, polish ? "za %lld %s" : "in %lld %s", (long long)days, word);
    else
        snprintf(ret, WORKLIST_LEFT_SIZE, polish ? "%lld %s po terminie" : "%lld %s late", (long long)days, word);
}

void
worklist_due(const json_t *task, bool polish, char ret[WORKLIST_LEFT_SIZE])
{
    char date[WORDS_TEXT_SIZE];

    if (member_text(task, "due")[0] == '\0') {
        snprintf(ret, WORKLIST_LEFT_SIZE, "%s", polish ? "bez terminu" : "no date");
        return;
    }
    words_day(member_text(task, "due"), polish, date);
    snprintf(ret, WORKLIST_LEFT_SIZE, "%s", date);
}

/* The name where the directory knows one, else the id. */
static const char *
name_of(const json_t *names, const char *id)
{
    const char *name = json_string_value(json_object_get(names, id));

    return name != NULL && name[0] != '\0' ? name : id;
}

static const char *
type_text(const char *name, bool polish)
{
    const struct type_info *type = type_by_name(name);

    return type == NULL ? name : polish ? type->pl : type->en;
}

/* On whom it falls within the unit, or why it fell to this one. */
static void
put_who(FILE *out, const json_t *task, const json_t *names, bool polish)
{
    const char *worker = member_text(task, "worker"), *fallen = member_text(task, "fallen");
    bool suspended = strcmp(fallen, "SUSPENDED") == 0;

    if (worker[0] != '\0')
        fprintf(out, polish ? ", pracownik: %s" : ", worker: %s", worker);
    if (worker[0] != '\0' && json_is_true(json_object_get(task, "substitute")))
        fputs(polish ? " (zastępstwo)" : " (substitute)", out);
    if (fallen[0] != '\0')
        fprintf(out, polish ? " (za: %s, %s)" : " (for: %s, %s)", name_of(names, member_text(task, "unit")),
                suspended ? (polish ? "jednostka zawieszona" : "which is suspended")
                          : (polish ? "nie zrobiono w terminie" : "not done in time"));
}

/* "zatwierdzenie IPUS (od: OPS)", "uzgodnienie ze spotkania, wiersz 2 (w imieniu: Szkoła)", "wydrukować i wysłać:
 * odpowiedź (dla: Szkoła)" */
static void
put_title(FILE *out, const json_t *task, const json_t *names, bool polish)
{
    const char *from = member_text(task, "from"), *to = member_text(task, "for");

    fputs(member_text(task, polish ? "pl" : "en"), out);
    if (member_number(task, "row") > 0)
        fprintf(out, polish ? ", wiersz %lld" : ", row %lld", (long long)member_number(task, "row"));
    if (to[0] != '\0' && strcmp(member_text(task, "kind"), "OUTSIDE") != 0)
        fprintf(out, polish ? " (w imieniu: %s)" : " (on behalf of: %s)", name_of(names, to));
    else if (to[0] != '\0')
        fprintf(out, polish ? ": %s (dla: %s)" : ": %s (for: %s)", type_text(member_text(task, "type"), polish),
                name_of(names, to));
    else if (from[0] != '\0')
        fprintf(out, polish ? " (od: %s)" : " (from: %s)", name_of(names, from));
    put_who(out, task, names, polish);
}

const char *
worklist_place(const json_t *task)
{
    const char *dossier = member_text(task, "dossier");

    return dossier[0] != '\0' ? dossier : member_text(task, "agency");
}

char *
worklist_title(const json_t *task, const json_t *names, bool polish)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    put_title(out, task, names, polish);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *
worklist_closed_by(const json_t *task, bool polish)
{
    char *text = NULL;
    size_t len = 0, i;
    FILE *out = open_memstream(&text, &len);
    const json_t *name;

    if (out == NULL)
        return NULL;
    json_array_foreach(json_object_get(task, "closedBy"), i, name)
    {
        if (i > 0)
            fputs(" / ", out);
        fputs(type_text(json_string_value(name), polish), out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the page */

struct sheet {
    FILE *out;
    const struct page_options *o;
    const json_t *files;
};

static const char *
say(const struct sheet *s, const char *pl, const char *en)
{
    return s->o->polish ? pl : en;
}

/* The dossier's first characters, as a link to the page of the event that began it where that is still in inbox. */
static void
put_dossier(const struct sheet *s, const json_t *task)
{
    char seq[24];
    const char *file;

    snprintf(seq, sizeof seq, "%lld", (long long)member_number(task, "seq"));
    file = s->files == NULL ? NULL : json_string_value(json_object_get(s->files, seq));
    if (file != NULL) {
        fputs("<a href=\"", s->out);
        html_text(s->out, file);
        fputs("\">", s->out);
    }
    html_text(s->out, worklist_place(task));
    if (file != NULL)
        fputs("</a>", s->out);
    html_exact(s->out, seq);
}

/* How it is done where no file in outbox does it. */
static void
put_how(const struct sheet *s, const json_t *task)
{
    const char *kind = member_text(task, "kind");
    char line[200];

    if (strcmp(kind, "RECALL") == 0)
        snprintf(line, sizeof line, "wici confirm %s set-aside", member_text(task, "event"));
    else if (strcmp(kind, "OUTSIDE") == 0)
        snprintf(line, sizeof line, "wici outside page %s --agency %s", member_text(task, "event"),
                 member_text(task, "for"));
    else
        return;
    fputs("<br>", s->out);
    html_exact(s->out, line);
}

static int
put_task(const struct sheet *s, const json_t *task, bool others)
{
    char left[WORKLIST_LEFT_SIZE], due[WORKLIST_LEFT_SIZE], since[WORDS_TEXT_SIZE], *closed, *title;
    bool late = days_left(task) < 0 && !json_is_true(json_object_get(task, "quiet"));

    closed = worklist_closed_by(task, s->o->polish);
    title = worklist_title(task, s->o->names, s->o->polish);
    if (closed == NULL || title == NULL) {
        free(closed);
        free(title);
        return -ENOMEM;
    }
    worklist_left(task, s->o->polish, left);
    worklist_due(task, s->o->polish, due);
    words_date(member_text(task, "since"), s->o->polish, since);
    fputs("<tr><td class=\"day\">", s->out);
    html_text(s->out, due);
    fputs(late ? "<br><b>" : "<br>", s->out);
    html_text(s->out, left);
    fputs(late ? "</b></td><td>" : "</td><td>", s->out);
    html_text(s->out, title);
    if (member_text(task, "rule")[0] != '\0')
        html_exact(s->out, member_text(task, "rule"));
    put_how(s, task);
    if (member_text(task, "source")[0] != '\0') {
        fputs("<br><span class=\"small\">", s->out);
        html_text(s->out, member_text(task, "source"));
        fputs("</span>", s->out);
    }
    if (others) {
        fputs("<br>", s->out);
        html_named(s->out, s->o, member_text(task, "unit"));
    }
    fputs("</td><td>", s->out);
    put_dossier(s, task);
    fputs("</td><td class=\"day\">", s->out);
    html_text(s->out, since);
    fputs("</td><td>", s->out);
    html_text(s->out, closed);
    fputs("</td></tr>\n", s->out);
    free(closed);
    free(title);
    return 0;
}

static int
put_tasks(const struct sheet *s, const char *title, const json_t *tasks, bool others)
{
    size_t i;
    const json_t *task;
    int rc = 0;

    fputs("<h2>", s->out);
    html_text(s->out, title);
    fprintf(s->out, " (%zu)</h2>\n", json_array_size(tasks));
    if (json_array_size(tasks) == 0) {
        html_small(s->out, say(s, "Nic nie czeka.", "Nothing is waiting."));
        return 0;
    }
    fprintf(s->out,
            "<table class=\"list\"><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr></thead>\n",
            say(s, "termin", "due"), say(s, "co jest do zrobienia", "what to do"), say(s, "teczka", "dossier"),
            say(s, "biegnie od", "since"), say(s, "co to kończy", "closed by"));
    json_array_foreach((json_t *)(uintptr_t)tasks, i, task)
    {
        if (rc == 0)
            rc = put_task(s, task, others);
    }
    fputs("</table>\n", s->out);
    return rc;
}

int
worklist_page(const json_t *list, const json_t *files, const struct page_options *options, char **ret)
{
    struct sheet s = {.o = options, .files = files};
    const json_t *others = json_object_get(list, "others");
    char *text = NULL, date[WORDS_TEXT_SIZE];
    size_t len = 0;
    int rc;

    assert(options != NULL && ret != NULL);

    s.out = open_memstream(&text, &len);
    if (s.out == NULL)
        return -ENOMEM;
    words_day(member_text(list, "asOf"), options->polish, date);
    html_open(s.out, options, say(&s, "Lista zadań", "Work list"));
    fprintf(s.out, "<p>%s ", say(&s, "Jednostka:", "Unit:"));
    html_named(s.out, options, member_text(list, "unit"));
    fprintf(s.out, ". %s %s</p>\n", say(&s, "Stan na:", "As of:"), date);
    rc = put_tasks(&s, say(&s, "Do zrobienia", "To do"), json_object_get(list, "tasks"), false);
    if (rc == 0 && json_array_size(others) > 0)
        rc = put_tasks(&s, say(&s, "Czego pilnują inni", "What others have to do"), others, true);
    html_small(s.out, say(&s,
                          "Długości terminów są ustawieniami instytucji i nie są poradą prawną. Zadanie znika, gdy "
                          "w dzienniku pojawi się zdarzenie, które je kończy.",
                          "Lengths of deadlines are settings of the institution, and no legal advice. A task goes "
                          "when the event that closes it is in the log."));
    html_close(s.out, options);
    if (fclose(s.out) != 0 && rc == 0)
        rc = -ENOMEM;
    if (rc != 0) {
        free(text);
        return rc;
    }
    *ret = text;
    return 0;
}
