/*
 * report_page - a report as people read it: its words, and the page; and whether a unit is given what it counts. See
 * report.h
 */
#include "agents/report.h"
#include "agents/words.h"

#include "proto/clocks.h"
#include "proto/member.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the policy gives */

#define ROLES_MAX 32u

struct words {
    char *copy, *at[ROLES_MAX + 2];
    size_t count;
};

/* The words of the policy's line that begins with these two; second NULL: with the one. None where it has no such. */
static struct words
words_of_line(const char *policy, const char *first, const char *second)
{
    struct words words = {0};

    for (const char *line = policy; line != NULL && words.count == 0; line = strchr(line, '\n')) {
        char *rest, *word;

        line += *line == '\n';
        free(words.copy);
        words.copy = rest = strndup(line, strcspn(line, "\n"));
        for (words.count = 0; rest != NULL && words.count < ROLES_MAX + 2 && (word = strsep(&rest, " \t")) != NULL;)
            if (word[0] != '\0')
                words.at[words.count++] = word;
        if (words.count < 2 || strcmp(words.at[0], first) != 0 || (second != NULL && strcmp(words.at[1], second) != 0))
            words.count = 0;
    }
    return words;
}

static bool
has_role(const json_t *roles, const char *role)
{
    const json_t *item;
    size_t i;

    json_array_foreach(roles, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), role) == 0)
            return true;
    }
    return false;
}

/* "P0134567": in full is what stands before a slash. */
static bool
gives_health(const char *cell)
{
    const char *at = strpbrk(cell, "4/");

    return at != NULL && *at == '4';
}

static bool
sees_health(const char *policy, const char *type, const json_t *roles)
{
    struct words names = words_of_line(policy, "roles", NULL), cells = words_of_line(policy, "type", type);
    bool sees = false;

    for (size_t i = 1; i < names.count && i + 1 < cells.count && !sees; i++)
        sees = has_role(roles, names.at[i]) && gives_health(cells.at[i + 1]);
    free(names.copy);
    free(cells.copy);
    return sees;
}

bool
report_sees_path(const char *policy, const json_t *roles)
{
    return sees_health(policy, "referral.submitted", roles) && sees_health(policy, "case.opened", roles);
}

/* ---- as people read it */

static const char *
word_text(const char *word, bool polish)
{
    const char *label = words_code(word, polish);

    if (strcmp(word, "NOT_REPORTED") == 0)
        return polish ? "bez sprawozdania" : "nothing reported";
    if (strcmp(word, "REMOVED") == 0)
        return polish ? "wycofano z planu" : "removed from the plan";
    return label != NULL ? label : word;
}

void
report_detail(const json_t *row, bool polish, char ret[REPORT_DETAIL_SIZE])
{
    const char *detail = member_text(row, "detail"), *space = strchr(detail, ' ');
    enum clock_id clock = strncmp(member_text(row, "measure"), "deadlines_", 10) == 0 ? clock_by_name(detail)
                                                                                      : CLOCK_NONE;
    char source[64];

    (void)snprintf(source, sizeof source, "%.*s", (int)strcspn(detail, " "), detail);
    if (clock != CLOCK_NONE)
        (void)snprintf(ret, REPORT_DETAIL_SIZE, "%s %s", detail,
                       polish ? clock_info(clock)->pl : clock_info(clock)->en);
    else if (space != NULL) /* a referral's: source and outcome, either of which may not be known */
        (void)snprintf(ret, REPORT_DETAIL_SIZE, "%s, %s",
                       space == detail ? (polish ? "nieznane" : "not known") : word_text(source, polish),
                       space[1] == '\0' ? (polish ? "bez odpowiedzi" : "not answered") : word_text(space + 1, polish));
    else
        (void)snprintf(ret, REPORT_DETAIL_SIZE, "%s", detail[0] == '\0' ? "" : word_text(detail, polish));
}

void
report_count(const json_t *row, bool polish, char ret[REPORT_COUNT_SIZE])
{
    const json_t *count = json_object_get(row, "count");

    if (json_is_integer(count))
        (void)snprintf(ret, REPORT_COUNT_SIZE, "%lld", (long long)json_integer_value(count));
    else
        (void)snprintf(ret, REPORT_COUNT_SIZE, "%s", polish ? "niewidoczne dla tej roli" : "not visible to this role");
}

const char *
report_title(bool art46, bool polish)
{
    if (art46)
        return polish ? "Półroczne podsumowanie realizacji IPUS (CUS art. 46)"
                      : "Half-yearly summary of the plans (CUS art. 46)";
    return polish ? "Statystyka pracy z rodzinami" : "Statistics of the work with families";
}

/* ---- the page */

static const char *
say(const struct page_options *options, const char *pl, const char *en)
{
    return options->polish ? pl : en;
}

static void
put_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    html_text(out, text);
    fputs("</td>", out);
}

/* The measure is named in each row: a sheet may begin with any of them. */
static void
put_row(FILE *out, const struct page_options *options, const json_t *row)
{
    char detail[REPORT_DETAIL_SIZE], count[REPORT_COUNT_SIZE];
    const char *unit = member_text(row, "unit");

    report_detail(row, options->polish, detail);
    report_count(row, options->polish, count);
    fputs("<tr>", out);
    put_cell(out, member_text(row, options->polish ? "pl" : "en"));
    put_cell(out, detail);
    fputs("<td>", out);
    if (unit[0] != '\0')
        html_named(out, options, unit);
    fputs("</td><td class=\"day\">", out);
    html_text(out, member_text(row, "gmina"));
    fputs("</td>", out);
    put_cell(out, count);
    fputs("</tr>\n", out);
}

static void
put_rows(FILE *out, const struct page_options *options, const json_t *rows)
{
    const json_t *row;
    size_t i;

    fprintf(out,
            "<table class=\"list\"><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr></thead>\n",
            say(options, "co", "what"), say(options, "w tym", "of these"), say(options, "jednostka", "unit"),
            say(options, "gmina", "municipality"), say(options, "liczba", "count"));
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) put_row(out, options, row);
    fputs("</table>\n", out);
}

int
report_page(const json_t *rows, const struct report_head *head, const struct page_options *options, char **ret)
{
    char *text = NULL, since[WORDS_TEXT_SIZE], until[WORDS_TEXT_SIZE];
    size_t len = 0;
    FILE *out;

    assert(head != NULL && options != NULL && ret != NULL);

    out = open_memstream(&text, &len);
    if (out == NULL)
        return -ENOMEM;
    words_date(head->since, options->polish, since);
    words_date(head->until, options->polish, until);
    html_open(out, options, report_title(head->art46, options->polish));
    fprintf(out, "<p>%s %s %s %s. %s ", say(options, "Za okres od", "From"), since, say(options, "do", "to"), until,
            say(options, "Z tego, co może czytać jednostka:", "Of all that the unit may read:"));
    html_named(out, options, head->unit);
    fputs("</p>\n", out);
    put_rows(out, options, rows);
    html_small(out,
               say(options,
                   "Liczą się daty w zdarzeniach; stan na ostatni dzień okresu. Czego jednostka nie może czytać, "
                   "tego nie liczy.",
                   "What counts is the date in an event; all is as on the period's last day. What the unit may not "
                   "read it does not count."));
    html_close(out, options);
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}
