/* wici subject: what is held about a dossier, as text, as JSON, or as a folder to hand over */
#include "agents/cli/subject.h"
#include "agents/subject.h"
#include "agents/words.h"

#include "proto/limits.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every read of an account carries it: so it is found again among the records of reads, whatever language is spoken. */
#define REASON_PREFIX "RODO/GDPR art. 15: "

/* ---- for people */

static void
heading_print(const struct cli *cli, enum subject_heading which)
{
    printf("\n%s\n", subject_heading(which, cli->pl));
    if (which != SUBJECT_EVENTS) /* each of which begins with an empty line */
        putchar('\n');
}

static void
ranges_text(const json_t *ranges, char *ret, size_t size)
{
    const json_t *range;
    size_t i, len = 0;

    ret[0] = '\0';
    json_array_foreach(ranges, i, range)
    {
        int n = snprintf(ret + len, size - len, "%s%s-%s", len > 0 ? ", " : "", jstr(range, "fromSeq"),
                         jstr(range, "toSeq"));

        if (n < 0 || (size_t)n >= size - len)
            return; /* --json has all of them */
        len += (size_t)n;
    }
}

static void
facts_print(const struct cli *cli, const json_t *subject)
{
    char made[WORDS_TEXT_SIZE];
    struct table *t = table_create(2, _("dossier"), jstr(subject, "dossier"));

    words_time_text(jstr(subject, "made"), cli->pl, made);
    table_row(t, _("log"), jstr(subject, "log"));
    table_row(t, _("as of record"), jstr(subject, "asOfSeq"));
    table_row(t, _("made"), made);
    table_row(t, _("by the unit"), jstr(subject, "unit"));
    if (jstr(subject, "reason")[0] != '\0')
        table_row(t, _("reason, as recorded"), jstr(subject, "reason"));
    if (jstr(subject, "person")[0] != '\0')
        table_row(t, _("only the person"), jstr(subject, "person"));
    printf("%s\n\n", subject_heading(SUBJECT_TITLE, cli->pl));
    table_print(t);
}

static void
erased_print(const struct cli *cli, const json_t *erased)
{
    char when[WORDS_TEXT_SIZE], clear[WORDS_TEXT_SIZE], ranges[1024];
    const json_t *recipient;
    struct table *t;
    size_t i;

    heading_print(cli, SUBJECT_ERASED);
    words_time_text(jstr(erased, "ts"), cli->pl, when);
    words_date(jstr(erased, "backupsClearBy"), cli->pl, clear);
    ranges_text(json_object_get(erased, "ranges"), ranges, sizeof ranges);
    t = table_create(2, _("order recorded"), when);
    table_row(t, _("as record"), jstr(erased, "intendedSeq"));
    table_row(t, _("reason"), word_label(cli, jstr(erased, "reason")));
    table_row(t, _("digest of the order (SHA-256)"), jstr(erased, "orderSha256"));
    table_row(t, _("done"), json_is_true(json_object_get(erased, "done")) ? _("yes") : _("not yet"));
    table_row(t, _("records"), ranges);
    if (clear[0] != '\0')
        table_row(t, _("backups unreadable from (planned)"), clear);
    table_print(t);
    if (json_array_size(json_object_get(erased, "recipients")) == 0)
        return;
    putchar('\n');
    t = table_create(3, _("unit that was told"), _("institution"), _("its records"));
    json_array_foreach(json_object_get(erased, "recipients"), i, recipient)
    {
        ranges_text(json_object_get(recipient, "ranges"), ranges, sizeof ranges);
        table_row(t, jstr(recipient, "unit"), jstr(recipient, "agency"), ranges);
    }
    table_print(t);
}

static void
counts_print(const struct cli *cli, const json_t *subject)
{
    struct table *t = table_create(2, _("kind of data"), _("parts"));
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(subject, "kinds"), i, row)
        table_row(t, class_label(cli, (unsigned)member_number(row, "class")), jstr(row, "parts"));
    heading_print(cli, SUBJECT_KINDS);
    table_print(t);
    t = table_create(3, _("unit"), _("institution"), _("events"));
    json_array_foreach(json_object_get(subject, "sources"), i, row)
        table_row(t, jstr(row, "unit"), jstr(row, "agency"), jstr(row, "events"));
    heading_print(cli, SUBJECT_SOURCES);
    table_print(t);
}

static void
documents_print(const struct cli *cli, const json_t *documents)
{
    struct table *t;
    const json_t *row;
    size_t i;

    if (json_array_size(documents) == 0)
        return;
    t = table_create(6, _("record"), _("name"), _("kind of file"), _("bytes"), _("part"), _("SHA-256"));
    json_array_foreach(documents, i, row)
        table_row(t, jstr(row, "seq"), jstr(row, "name"), jstr(row, "mediaType"), jstr(row, "size"),
                  class_label(cli, (unsigned)member_number(row, "class")), jstr(row, "sha256"));
    heading_print(cli, SUBJECT_DOCUMENTS);
    table_print(t);
}

static void
recipients_print(const struct cli *cli, const json_t *recipients)
{
    struct table *t;
    const json_t *row;
    size_t i;

    if (json_array_size(recipients) == 0)
        return;
    t = table_create(10, _("unit"), _("institution"), _("record"), _("what"), _("classes"), _("first"), _("last"),
                     _("times"), _("why"), _("remark"));
    json_array_foreach(recipients, i, row)
    {
        const char *question = jstr(row, "question"), *classes = jstr(row, "classes");
        char first[WORDS_TEXT_SIZE], last[WORDS_TEXT_SIZE], told[SUBJECT_TOLD_SIZE];

        subject_told(row, cli->pl, told);
        words_time_text(jstr(row, "first"), cli->pl, first);
        words_time_text(jstr(row, "last"), cli->pl, last);
        table_row(t, jstr(row, "unit"), jstr(row, "agency"), jstr(row, "seq"),
                  question[0] != '\0' ? told : type_label(cli, jstr(row, "type")),
                  question[0] != '\0' || classes[0] != '\0' ? classes : _("header"), first, last, jstr(row, "times"),
                  jstr(row, "why"), subject_remark(row, cli->pl));
    }
    heading_print(cli, SUBJECT_RECIPIENTS);
    table_print(t);
}

static void
deadlines_print(const struct cli *cli, const json_t *deadlines)
{
    struct table *t;
    const json_t *row;
    size_t i;

    if (json_array_size(deadlines) == 0)
        return;
    t = table_create(4, _("deadline"), _("runs from"), _("due"), _("done on"));
    json_array_foreach(deadlines, i, row)
    {
        char from[WORDS_TEXT_SIZE], due[WORDS_TEXT_SIZE], ended[WORDS_TEXT_SIZE], label[200];

        words_date(jstr(row, "startedOn"), cli->pl, from);
        words_date(jstr(row, "due"), cli->pl, due);
        words_date(jstr(row, "endedOn"), cli->pl, ended);
        (void)snprintf(label, sizeof label, "%s %s", jstr(row, "clock"), jstr(row, cli->pl ? "pl" : "en"));
        table_row(t, label, from, due, ended);
    }
    heading_print(cli, SUBJECT_DEADLINES);
    table_print(t);
}

static void
linked_print(const struct cli *cli, const json_t *members)
{
    const json_t *row;
    size_t i;

    if (json_array_size(members) < 2)
        return;
    heading_print(cli, SUBJECT_LINKED);
    json_array_foreach(members, i, row) if (i > 0) printf(
        "%s  %s: %s\n", jstr(row, "dossier"), word_label(cli, jstr(row, "kind")), word_label(cli, jstr(row, "link")));
}

static void
left_out_print(const struct cli *cli, const json_t *left_out)
{
    const json_t *row;
    size_t i;

    heading_print(cli, SUBJECT_LEFT_OUT);
    json_array_foreach(left_out, i, row) printf("- %s%s%s\n", subject_note(jstr(row, "code"), cli->pl),
                                                json_object_get(row, "count") != NULL ? " " : "", jstr(row, "count"));
}

static bool
course_tells(const json_t *course)
{
    return json_object_get(course, "referral") != NULL || json_object_get(course, "case") != NULL ||
           jstr(course, "outcome")[0] != '\0' || jstr(course, "holder")[0] != '\0';
}

static void
subject_print(const struct cli *cli, const json_t *subject, const json_t *directory)
{
    const json_t *members = json_object_get(subject, "members"), *erased = json_object_get(subject, "erased"), *course;

    facts_print(cli, subject);
    if (erased != NULL) {
        erased_print(cli, erased);
    } else {
        course = json_object_get(json_array_get(members, 0), "course");
        if (course_tells(course)) {
            heading_print(cli, SUBJECT_STANDS);
            course_print(cli, course);
        }
        counts_print(cli, subject);
        heading_print(cli, SUBJECT_EVENTS);
        timeline_print(cli, directory, NULL, json_object_get(subject, "events"));
        documents_print(cli, json_object_get(subject, "documents"));
        recipients_print(cli, json_object_get(subject, "recipients"));
        deadlines_print(cli, json_object_get(subject, "deadlines"));
        linked_print(cli, members);
    }
    left_out_print(cli, json_object_get(subject, "leftOut"));
}

/* ---- a folder to hand over */

static int
text_write(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return cli_file_write(path, text, strlen(text));
}

static int
page_write(struct cli *cli, const json_t *subject, const json_t *directory, const char *dir)
{
    json_t *names = directory_names(directory);
    const struct page_options options = {.names = names, .polish = cli->pl};
    char *html = NULL, *json = json_dumps(subject, JSON_INDENT(1));
    int rc = json == NULL ? -ENOMEM : subject_page(subject, &options, &html);

    if (rc != 0)
        rc = cli_fail(cli, rc, dir);
    else if ((rc = text_write(dir, "account.json", json)) == CLI_OK)
        rc = text_write(dir, "index.html", html);
    free(html);
    free(json);
    json_decref(names);
    return rc;
}

static int
folder_write(struct cli *cli, json_t *subject, const json_t *directory, const char *dir)
{
    int rc;

    if (mkdir(dir, 0700) != 0) {
        cli_warn("%s: %s", dir, strerror(errno));
        return CLI_FAILED;
    }
    rc = subject_documents(cli, subject, dir);
    if (rc == CLI_OK)
        rc = page_write(cli, subject, directory, dir);
    if (rc != CLI_OK)
        cli_warn(_("%s is not complete: it has no index.html, and is not to be handed over"), dir);
    else if (cli->json)
        rc = cli_print_json(json_incref(subject));
    else
        printf(_("%s: index.html to read and print, account.json with the same for a program, and the documents\n"),
               dir);
    return rc;
}

int
cmd_subject(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"request", 'r', N_("TEXT"), 0, N_("the person's request, as the office files it; recorded with every read"),
         0},
        {"person", 'p', N_("ID"), 0, N_("leave out the parts that are about other persons only"), 0},
        {"output", 'o', N_("DIR"), 0, N_("into this new folder: a page, the same as JSON, and the documents"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("DOSSIER"),
        N_("All that is held about a dossier, for a person's request under GDPR art. 15: the events with their parts, "
           "the documents, who was shown what, when and why, what was erased; and what is not in it. For auditors, "
           "and for who holds the dossier, about what it may see. The log records that it was read for that. "
           "Exit code 5: there is no such dossier, or not for this unit."),
        1, 1};
    char reason[REASON_MAX + 1];
    struct subject_request request = {.reason = reason};
    json_t *subject = NULL, *directory = NULL;
    struct cli_args args;
    const char *text, *dir;
    int rc, len;

    args_parse(cli, &syntax, argc, argv, &args);
    text = args_get(&args, 'r');
    dir = args_get(&args, 'o');
    if (text == NULL || text[strspn(text, " ")] == '\0')
        usage_fail(_("--request TEXT says whose request it is, as the office files it: it is recorded"));
    len = snprintf(reason, sizeof reason, "%s%s", REASON_PREFIX, text);
    if (len < 0 || (size_t)len >= sizeof reason)
        usage_fail(_("--request: at most %zu bytes"), sizeof reason - sizeof REASON_PREFIX);
    request.dossier = args.words[0];
    request.person = args_get(&args, 'p');
    rc = subject_gather(cli, &request, &subject, &directory);
    if (rc == CLI_OK && dir != NULL) {
        rc = folder_write(cli, subject, directory, dir);
    } else if (rc == CLI_OK) {
        rc = subject_documents(cli, subject, NULL);
        if (rc == CLI_OK && cli->json)
            rc = cli_print_json(json_incref(subject));
        else if (rc == CLI_OK)
            subject_print(cli, subject, directory);
    }
    json_decref(subject);
    json_decref(directory);
    return rc;
}
