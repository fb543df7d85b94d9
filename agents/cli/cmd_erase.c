/* wici erase: what an erasure of a dossier would take and who was given it, then the order, and what became of copies
 */
#include "agents/cli/ask.h"
#include "agents/cli/erasures.h"
#include "agents/words.h"
#include "proto/date.h"
#include "proto/digest.h"
#include "proto/hex.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_REASON = 'r', OPT_ORDER = 'o', OPT_CLEAR_BY = 256 + 16, OPT_YES = 'y', OPT_STATUS = 's' };

#define ORDER_PIECE      (64u << 10) /* bytes of the order's document read at a time: whole blocks of the digest */
#define ERASE_TIMEOUT_MS 600000      /* an order is answered when all of it is done */

static_assert(ORDER_PIECE % DIGEST_BLOCK == 0, "pieces of the order are whole blocks");

/* The SHA-256 of a file, as hexadecimal digits. 0 or -errno. */
static int
file_digest(const char *path, char ret[2 * DIGEST_SIZE + 1])
{
    uint8_t *piece = malloc(ORDER_PIECE), sum[DIGEST_SIZE];
    FILE *file = fopen(path, "rb");
    struct digest digest;
    size_t len = 0;
    int rc = file == NULL ? -errno : piece == NULL ? -ENOMEM : 0;

    digest_begin(&digest);
    while (rc == 0 && (len = fread(piece, 1, ORDER_PIECE, file)) == ORDER_PIECE)
        digest_add(&digest, piece, len);
    if (rc == 0 && ferror(file) != 0)
        rc = -EIO;
    if (rc == 0 && digest.len == 0 && len == 0)
        rc = -ENODATA;
    if (rc == 0) {
        digest_end(&digest, piece, len, sum);
        hex_format(sum, sizeof sum, ret);
    }
    if (file != NULL)
        (void)fclose(file);
    free(piece);
    return rc;
}

/* ---- what is told */

static void
dossiers_print(const struct cli *cli, const json_t *erasure, bool goes)
{
    const json_t *dossier;
    bool any = false;
    size_t i;

    json_array_foreach(json_object_get(erasure, "dossiers"), i, dossier)
    {
        const char *link = jstr(dossier, "link");

        if (json_is_true(json_object_get(dossier, "goes")) != goes)
            continue;
        if (!any)
            printf("%s\n", goes ? _("What is erased:") : _("Only linked with it, stays:"));
        any = true;
        printf("  %s  %s%s%s\n", jstr(dossier, "dossier"), word_label(cli, jstr(dossier, "kind")),
               link[0] != '\0' ? ", " : "", link[0] != '\0' ? word_label(cli, link) : "");
    }
}

static void
recipients_print(const json_t *erasure)
{
    const json_t *recipients = json_object_get(erasure, "recipients"), *recipient;
    struct table *table;
    size_t i;

    if (json_array_size(recipients) == 0)
        return;
    printf(_("\nIt was, or may have been, given to:\n"));
    table = table_create(4, _("UNIT"), _("RECORDS"), _("FROM"), _("TO"));
    json_array_foreach(recipients, i, recipient) table_row(table, jstr(recipient, "unit"), jstr(recipient, "records"),
                                                           jstr(recipient, "fromSeq"), jstr(recipient, "toSeq"));
    table_print(table);
}

static void
preview_print(const struct cli *cli, const json_t *erasure)
{
    dossiers_print(cli, erasure, true);
    dossiers_print(cli, erasure, false);
    printf(_("Records: %s, from number %s to number %s. Documents: %s.\n"), jstr(erasure, "records"),
           jstr(erasure, "fromSeq"), jstr(erasure, "toSeq"),
           member_number(erasure, "documents") == 0 ? "0" : jstr(erasure, "documents"));
    recipients_print(erasure);
}

static void
done_print(const struct cli *cli, const json_t *erasure, const char *clear_by)
{
    char date[WORDS_TEXT_SIZE];

    printf(
        _("\nErased. Records: %s. The order is record %s. Units that get a notice with the numbers of what they were "
          "given: %zu.\n"),
        jstr(erasure, "records"), jstr(erasure, "intendedSeq"),
        json_array_size(json_object_get(erasure, "recipients")));
    if (clear_by[0] != '\0') {
        words_date(clear_by, cli->pl, date);
        printf(_("Older copies can be read until the key-encryption key is rotated and its old one destroyed: planned "
                 "for %s.\n"),
               date);
    } else {
        printf(_("Older copies can be read until the key-encryption key is rotated and its old one destroyed. No date "
                 "for that was named.\n"));
    }
}

/* ---- asking */

static json_t *
ids_of(const struct cli_args *args)
{
    json_t *ids = json_array();

    for (size_t i = 0; i < args->word_count; i++)
        if (json_array_append_new(ids, json_string(args->words[i])) != 0)
            abort();
    return ids;
}

/* *ret: the answer's member. */
static int
erasure_ask(struct cli *cli, const char *what, json_t *asked, json_t **ret)
{
    json_t *result = NULL;
    int rc = cli_query(cli, json_pack("{s:o}", what, asked), &result);

    if (rc != CLI_OK)
        return rc;
    *ret = json_incref(json_object_get(result, what));
    json_decref(result);
    return CLI_OK;
}

/* A person says so, after he has seen what goes. */
static int
confirm(void)
{
    bool yes = false;

    if (isatty(STDIN_FILENO) != 1)
        usage_fail(_("nobody can be asked here: --yes says that it is to be erased"));
    if (ask_yes_no(_("\nThis cannot be undone. Erase it?"), false, &yes) != 0 || !yes) {
        printf(_("Nothing was erased.\n"));
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* They were erased by an earlier order, or several: what is known of each. */
static int
before_show(struct cli *cli, const struct cli_args *args, json_t *found)
{
    json_t *erasures = json_array(), *erasure;
    int rc = CLI_OK;
    size_t i;

    for (size_t w = 0; w < args->word_count && rc == CLI_OK; w++) {
        bool again = false;

        rc = erasures_one(cli, args->words[w], &erasure);
        if (rc != CLI_OK)
            break;
        for (i = 0; i < json_array_size(erasures) && !again; i++)
            again = member_number(json_array_get(erasures, i), "intendedSeq") == member_number(erasure, "intendedSeq");
        if (!again)
            json_array_append(erasures, erasure);
        json_decref(erasure);
    }
    if (rc == CLI_OK && cli->json) {
        json_object_set(found, "erasures", erasures);
        rc = cli_print_json(json_incref(found));
    } else if (rc == CLI_OK) {
        printf("%s\n", json_is_true(json_object_get(found, "done"))
                           ? _("It was erased before.")
                           : _("Its erasure is under way. Ask again in a while."));
        json_array_foreach(erasures, i, erasure) erasures_print_one(cli, erasure);
    }
    json_decref(erasures);
    return rc;
}

static int
order_give(struct cli *cli, const struct cli_args *args, const char *sha256, json_t **ret)
{
    const char *clear_by = args_get(args, OPT_CLEAR_BY);

    if (cli->timeout_ms < ERASE_TIMEOUT_MS)
        cli->timeout_ms = ERASE_TIMEOUT_MS;
    return erasure_ask(cli, "erase",
                       json_pack("{s:o,s:s,s:s,s:s}", "dossiers", ids_of(args), "reason", args_get(args, OPT_REASON),
                                 "orderSha256", sha256, "backupsClearBy", clear_by == NULL ? "" : clear_by),
                       ret);
}

static int
erase(struct cli *cli, const struct cli_args *args, const char *sha256)
{
    bool order = sha256[0] != '\0', before;
    json_t *found = NULL, *done = NULL;
    int rc = erasure_ask(cli, "erasePreview", json_pack("{s:o}", "dossiers", ids_of(args)), &found);

    if (rc != CLI_OK)
        return rc;
    before = json_is_true(json_object_get(found, "before"));
    if (before || (!order && cli->json)) {
        rc = before ? before_show(cli, args, found) : cli_print_json(json_incref(found));
        goto out;
    }
    if (!cli->json)
        preview_print(cli, found);
    if (!order) {
        printf(_("\nNothing was erased. To erase it: --reason WORD --order FILE\n"));
        goto out;
    }
    if (!args_has(args, OPT_YES))
        rc = confirm();
    if (rc == CLI_OK)
        rc = order_give(cli, args, sha256, &done);
    if (rc == CLI_OK && cli->json)
        (void)cli_print_json(json_incref(done));
    else if (rc == CLI_OK)
        done_print(cli, done, args_get(args, OPT_CLEAR_BY) == NULL ? "" : args_get(args, OPT_CLEAR_BY));
out:
    json_decref(found);
    json_decref(done);
    return rc;
}

/* What became of the copies: of one erasure, or how many answers each still waits for. */
static int
status(struct cli *cli, const char *which)
{
    json_t *found = NULL;
    int rc = cli_connect(cli);

    if (rc == CLI_OK)
        rc = which == NULL ? erasures_all(cli, &found) : erasures_one(cli, which, &found);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        rc = cli_print_json(json_incref(found));
    else if (which != NULL)
        erasures_print_one(cli, found);
    else if (json_array_size(found) > 0)
        erasures_print_all(cli, found);
    if (which == NULL && json_array_size(found) == 0)
        rc = cli_none(cli, _("No dossier was erased."));
    json_decref(found);
    return rc;
}

int
cmd_erase(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"reason", OPT_REASON, N_("WORD"), 0,
         N_("why: COURT_ORDER, GDPR_17, RETENTION_ENDED, UNLAWFUL, MISTAKE or OTHER"), 0},
        {"order", OPT_ORDER, N_("FILE"), 0,
         N_("the document with the order: its SHA-256 enters the log, the document does not"), 0},
        {"clear-by", OPT_CLEAR_BY, N_("DATE"), 0,
         N_("the planned rotation of the key-encryption key, from which on older copies cannot be read"), 0},
        {"yes", OPT_YES, NULL, 0, N_("do not ask"), 0},
        {"status", OPT_STATUS, NULL, 0,
         N_("erase nothing: tell which units were told of an erasure (of that dossier, or ordered by the record of "
            "that "
            "number), and what each says of its copies; without a dossier, all erasures"),
         0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("DOSSIER...\n--status [DOSSIER|SEQ]"),
        N_("Shows what an erasure of these dossiers would take, with those merged with them, and which units were "
           "given "
           "it; with --reason and --order erases it, for good. For administrators; with --status for auditors, too. "
           "Exit code 5: there is no such dossier, or no erasure."),
        0, 16};
    struct cli_args args;
    char sha256[2 * DIGEST_SIZE + 1] = "";
    const char *order, *clear_by;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    order = args_get(&args, OPT_ORDER);
    clear_by = args_get(&args, OPT_CLEAR_BY);
    if (args_has(&args, OPT_STATUS)) {
        if (args.word_count > 1 || order != NULL || clear_by != NULL || args_has(&args, OPT_REASON) ||
            args_has(&args, OPT_YES))
            usage_fail(_("--status goes with one dossier, or the number of an order, or alone"));
        return status(cli, args.word_count == 0 ? NULL : args.words[0]);
    }
    if (args.word_count == 0)
        usage_fail(_("say which dossiers"));
    if ((order != NULL) != args_has(&args, OPT_REASON))
        usage_fail(_("--reason and --order go together"));
    if (clear_by != NULL && !date_is_valid(clear_by, strlen(clear_by)))
        usage_fail(_("not a date (YYYY-MM-DD): %s"), clear_by);
    if (order != NULL && (rc = file_digest(order, sha256)) != 0) {
        cli_warn("%s: %s", order, rc == -ENODATA ? _("the file is empty") : strerror(-rc));
        return CLI_FAILED;
    }
    if ((rc = cli_connect(cli)) != CLI_OK)
        return rc;
    return erase(cli, &args, sha256);
}
