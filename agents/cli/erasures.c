/* erasures - see erasures.h */
#include "agents/cli/erasures.h"
#include "agents/words.h"
#include "proto/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000u

/* ---- asking */

/* One page; *from: where the next one begins, 0: that was the last. asked is stolen. */
static int
page_ask(struct cli *cli, json_t *asked, json_int_t *from, json_t **ret)
{
    json_t *result = NULL;
    int rc;

    json_object_set_new(asked, "from", json_integer(*from));
    rc = cli_query(cli, json_pack("{s:o}", "erasures", asked), &result);
    if (rc != CLI_OK)
        return rc;
    *ret = json_incref(json_object_get(result, "erasures"));
    *from = (json_int_t)member_number(*ret, "next");
    json_decref(result);
    return CLI_OK;
}

int
erasures_one(struct cli *cli, const char *dossier_or_seq, json_t **ret)
{
    json_t *erasure = NULL, *recipients = json_array();
    json_int_t from = 0;
    int rc = CLI_OK;

    do {
        json_t *asked = strspn(dossier_or_seq, "0123456789") == strlen(dossier_or_seq)
                            ? json_pack("{s:s}", "intendedSeq", dossier_or_seq)
                            : json_pack("{s:s}", "dossier", dossier_or_seq);
        json_t *page = NULL;

        rc = page_ask(cli, asked, &from, &page);
        if (rc == CLI_OK) {
            json_decref(erasure);
            erasure = json_incref(json_array_get(json_object_get(page, "erasures"), 0));
            json_array_extend(recipients, json_object_get(erasure, "recipients"));
        }
        json_decref(page);
    } while (rc == CLI_OK && from != 0);
    if (rc == CLI_OK) {
        json_object_set(erasure, "recipients", recipients);
        *ret = json_incref(erasure);
    }
    json_decref(erasure);
    json_decref(recipients);
    return rc;
}

int
erasures_all(struct cli *cli, json_t **ret)
{
    json_t *all = json_array();
    json_int_t from = 0;
    int rc;

    do {
        json_t *page = NULL;

        rc = page_ask(cli, json_object(), &from, &page);
        if (rc == CLI_OK)
            json_array_extend(all, json_object_get(page, "erasures"));
        json_decref(page);
    } while (rc == CLI_OK && from != 0);
    if (rc == CLI_OK)
        *ret = json_incref(all);
    json_decref(all);
    return rc;
}

/* ---- printing */

/* A number of it; protobuf's JSON leaves out what is 0. */
static const char *
count_text(const json_t *erasure, const char *key)
{
    return member_number(erasure, key) == 0 ? "0" : jstr(erasure, key);
}

/* Whole days from one time to the other, which is the broker's present when it is empty. */
static void
days_text(const struct cli *cli, const char *from, const char *until, char ret[24])
{
    uint64_t from_ms = 0, until_ms = 0;

    ret[0] = '\0';
    if (time_parse(from, &from_ms) == 0 &&
        time_parse(until[0] != '\0' ? until : jstr(cli->welcome, "time"), &until_ms) == 0)
        (void)snprintf(ret, 24, "%llu",
                       until_ms < from_ms ? 0ull : (unsigned long long)((until_ms - from_ms) / DAY_MS));
}

static uint64_t
unanswered(const json_t *erasure)
{
    return member_number(erasure, "told") - member_number(erasure, "destroyed") - member_number(erasure, "kept");
}

/* "destroyed, 2026-03-02"; "kept by law, 2026-03-02: art. 5". */
static void
copies_text(const struct cli *cli, const json_t *recipient, char *ret, size_t size)
{
    const char *law = jstr(recipient, "legalBasis");
    char on[WORDS_TEXT_SIZE];

    words_date(jstr(recipient, "confirmedOn"), cli->pl, on);
    if (member_number(recipient, "saidSeq") == 0)
        (void)snprintf(ret, size, "%s", _("not answered yet"));
    else
        (void)snprintf(ret, size, "%s, %s%s%s", law[0] == '\0' ? _("destroyed") : _("kept by law"), on,
                       law[0] == '\0' ? "" : ": ", law);
}

static void
recipient_row(const struct cli *cli, struct table *t, const json_t *recipient)
{
    const char *answer = member_number(recipient, "saidSeq") == 0 ? "-" : jstr(recipient, "saidSeq");
    char told[WORDS_TEXT_SIZE], days[24], copies[512];

    words_time_text(jstr(recipient, "told"), cli->pl, told);
    days_text(cli, jstr(recipient, "told"), jstr(recipient, "said"), days);
    copies_text(cli, recipient, copies, sizeof copies);
    table_row(t, jstr(recipient, "unit"), jstr(recipient, "records"), jstr(recipient, "toldSeq"), told, answer, days,
              copies);
}

void
erasures_print_one(const struct cli *cli, const json_t *erasure)
{
    const json_t *recipients = json_object_get(erasure, "recipients"), *recipient;
    bool done = member_number(erasure, "doneSeq") != 0;
    char when[WORDS_TEXT_SIZE];
    struct table *t;
    size_t i;

    words_time_text(jstr(erasure, "intended"), cli->pl, when);
    printf(_("Ordered: record %s, %s. Reason: %s. Done: %s%s.\n"), jstr(erasure, "intendedSeq"), when,
           word_label(cli, jstr(erasure, "reason")), done ? _("record ") : "",
           done ? jstr(erasure, "doneSeq") : _("not yet"));
    printf(_("Units that were told: %s. Their copies: destroyed %s, kept by law %s, not answered yet %llu.\n"),
           count_text(erasure, "told"), count_text(erasure, "destroyed"), count_text(erasure, "kept"),
           (unsigned long long)unanswered(erasure));
    if (json_array_size(recipients) == 0)
        return;
    putchar('\n');
    t = table_create(7, _("UNIT"), _("RECORDS"), _("NOTICE"), _("TOLD ON"), _("ANSWER"), _("DAYS"), _("COPIES"));
    for (unsigned answered = 0; answered < 2; answered++)
        json_array_foreach(recipients, i, recipient) if ((member_number(recipient, "saidSeq") != 0) == (answered == 1))
            recipient_row(cli, t, recipient);
    table_print(t);
}

void
erasures_print_all(const struct cli *cli, const json_t *erasures)
{
    struct table *t = table_create(9, _("ORDER"), _("ORDERED"), _("REASON"), _("DONE"), _("TOLD"), _("DESTROYED"),
                                   _("KEPT"), _("NOT ANSWERED"), _("DAYS"));
    const json_t *erasure;
    size_t i;

    json_array_foreach(erasures, i, erasure)
    {
        char when[WORDS_TEXT_SIZE], left[24], days[24] = "";

        words_time_text(jstr(erasure, "intended"), cli->pl, when);
        (void)snprintf(left, sizeof left, "%llu", (unsigned long long)unanswered(erasure));
        if (unanswered(erasure) > 0)
            days_text(cli, jstr(erasure, "intended"), "", days);
        table_row(t, jstr(erasure, "intendedSeq"), when, word_label(cli, jstr(erasure, "reason")),
                  member_number(erasure, "doneSeq") == 0 ? _("not yet") : jstr(erasure, "doneSeq"),
                  count_text(erasure, "told"), count_text(erasure, "destroyed"), count_text(erasure, "kept"), left,
                  days);
    }
    table_print(t);
}
