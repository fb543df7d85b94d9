/* wici checkpoint, log, receipt, consistency, export: what the log's key has signed, and proofs from it */
#include "agents/cli/cli.h"
#include "proto/consistency.h"
#include "proto/strict.h"
#include "proto/tiledir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGN_WAITS 8 /* times that we wait half a second for the next checkpoint */

/* Connects and asks for the newest checkpoint. With --json the whole answer is printed, and *ret is NULL. */
static int
checkpoint_ask(struct cli *cli, json_t **ret)
{
    json_t *result;
    int rc = cli_connect(cli);

    *ret = NULL;
    if (rc == CLI_OK)
        rc = cli_query(cli, json_pack("{s:{}}", "checkpoint"), &result);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        return cli_print_json(result);
    *ret = json_incref(json_object_get(result, "checkpoint"));
    json_decref(result);
    return CLI_OK;
}

int
cmd_checkpoint(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, NULL,
                                             N_("Prints the newest signed checkpoint: the log's name, how many records "
                                                "it has, and the root of the tree over "
                                                "them. Keep it: a later log must contain it."),
                                             0, 0};
    struct cli_args args;
    json_t *checkpoint;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = checkpoint_ask(cli, &checkpoint);
    if (rc == CLI_OK && !cli->json) {
        const char *note = jstr(checkpoint, "note");

        if (note[0] == '\0') {
            cli_warn(_("nothing was signed yet: ask again in a second"));
            rc = CLI_NOT_FOUND;
        }
        fputs(note, stdout);
    }
    json_decref(checkpoint);
    return rc;
}

int
cmd_log(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, "key", N_("Prints the verifier keys that the log has announced, and the records that did."), 1, 1};
    struct cli_args args;
    json_t *checkpoint, *key;
    struct table *t;
    size_t i;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (strcmp(args.words[0], "key") != 0)
        usage_fail(_("say: %s"), syntax.words);
    rc = checkpoint_ask(cli, &checkpoint);
    if (rc == CLI_OK && !cli->json) {
        t = table_create(2, _("record"), _("verifier key"));
        json_array_foreach(json_object_get(checkpoint, "keys"), i, key)
        {
            table_row(t, jstr(key, "seq"), jstr(key, "vkey"));
        }
        table_print(t);
    }
    json_decref(checkpoint);
    return rc;
}

/* ---- receipts */

/* Asks for a receipt, and again while its record is not signed yet. */
static int
receipt_ask(struct cli *cli, const char *word, json_t **ret)
{
    char *end, *text = NULL, *answer = NULL;
    unsigned long long seq = strtoull(word, &end, 10);
    json_t *request = *end == '\0' ? json_pack("{s:{s:I}}", "receipt", "seq", (json_int_t)seq)
                                   : json_pack("{s:{s:s}}", "receipt", "eventId", word);
    int rc = -ENOMEM;

    if (request != NULL)
        text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    for (unsigned i = 0; text != NULL && i < SIGN_WAITS; i++) {
        rc = wici_query(cli->w, text, cli->timeout_ms, &answer);
        if (rc != -EPROTO || wici_error(cli->w) == NULL || strcmp(wici_error(cli->w)->code, "E_BUSY") != 0)
            break;
        (void)usleep(500000);
    }
    free(text);
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    *ret = json_loads(answer, 0, NULL);
    free(answer);
    return *ret == NULL ? cli_fail(cli, -ENOMEM, "wici") : CLI_OK;
}

int
cmd_receipt(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, N_("SEQ|EVENT_ID"),
                                             N_("Prints the receipt of a record: the proof that it is in the log, with "
                                                "what this unit may see of it. The file "
                                                "is checked with wici verify."),
                                             1, 1};
    struct cli_args args;
    json_t *result = NULL;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = receipt_ask(cli, args.words[0], &result);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        return cli_print_json(result);
    fputs(jstr(json_object_get(result, "receipt"), "text"), stdout);
    json_decref(result);
    return CLI_OK;
}

/* ---- consistency */

/* A size as a word names it: a number, or a checkpoint's, kept in a file. */
struct size_word {
    uint64_t size;
    bool is_checkpoint;
    char note[NOTE_SIZE_MAX / 16]; /* "": a number */
    uint8_t root[MERKLE_HASH_SIZE];
};

/* False: said why. */
static bool
size_take(const char *word, struct size_word *ret)
{
    struct note_checkpoint checkpoint;
    struct note note;
    size_t len;
    FILE *in;

    ret->is_checkpoint = false;
    if (strict_decimal_parse(word, strlen(word), &ret->size) == 0)
        return true;
    in = fopen(word, "re");
    if (in == NULL) {
        cli_warn("%s: %s", word, strerror(errno));
        return false;
    }
    len = fread(ret->note, 1, sizeof ret->note - 1, in);
    ret->note[len] = '\0';
    (void)fclose(in);
    if (strlen(ret->note) != len || note_parse(ret->note, len, &note) != 0 ||
        note_checkpoint_parse(note.text, note.text_len, &checkpoint) != 0) {
        cli_warn(_("%s: not a checkpoint"), word);
        return false;
    }
    ret->is_checkpoint = true;
    ret->size = checkpoint.size;
    memcpy(ret->root, checkpoint.root, sizeof ret->root);
    return true;
}

/* Is the root that the broker has for that size the one that the checkpoint has? */
static bool
root_is(const json_t *answer, const char *key, const struct size_word *word)
{
    const char *base64 = jstr(answer, key);
    uint8_t root[MERKLE_HASH_SIZE];
    size_t len;

    return !word->is_checkpoint || (strict_base64_decode(base64, strlen(base64), root, sizeof root, &len) == 0 &&
                                    len == sizeof root && memcmp(root, word->root, sizeof root) == 0);
}

static int
consistency_print(const json_t *c, const struct size_word *older, const struct size_word *newer)
{
    struct consistency file = {.old_size = member_number(c, "oldSize"),
                               .checkpoint = newer->is_checkpoint ? newer->note : jstr(c, "note")};
    const json_t *hash;
    char *text;
    size_t i, len;

    if (!root_is(c, "oldRoot", older) || !root_is(c, "newRoot", newer)) {
        cli_warn(_("the broker's log does not contain the checkpoint %s: it was changed, or is another log"),
                 root_is(c, "oldRoot", older) ? _("NEW") : _("OLD"));
        return CLI_FAILED;
    }
    file.checkpoint_len = strlen(file.checkpoint);
    json_array_foreach(json_object_get(c, "hashes"), i, hash)
    {
        uint8_t bytes[MERKLE_HASH_SIZE];
        const char *base64 = json_string_value(hash);

        if (base64 == NULL || strict_base64_decode(base64, strlen(base64), bytes, sizeof bytes, &len) != 0 ||
            merkle_proof_add(&file.proof, bytes, len) != 0) {
            cli_warn(_("the broker's answer has no sense"));
            return CLI_FAILED;
        }
    }
    if (file.checkpoint_len == 0 && newer->size != 0) {
        cli_warn(_("the log keeps no checkpoint of %llu records: name the file of one"),
                 (unsigned long long)newer->size);
        return CLI_NOT_FOUND;
    }
    if (file.checkpoint_len == 0 || consistency_format(&file, &text, &len) != 0) {
        cli_warn(_("nothing was signed yet: ask again in a second"));
        return CLI_NOT_FOUND;
    }
    fputs(text, stdout);
    free(text);
    return CLI_OK;
}

int
cmd_consistency(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {NULL, N_("OLD [NEW]"),
                                             N_("Prints the proof that a checkpoint contains an older one. Each is "
                                                "named by the file that holds it, or by its "
                                                "number of records; NEW is the newest one when it is left out. As a "
                                                "number it must be one that the log keeps. "
                                                "The proof is checked with wici verify."),
                                             1, 2};
    struct size_word older, newer = {.size = 0};
    struct cli_args args;
    json_t *result = NULL;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (!size_take(args.words[0], &older) || (args.word_count > 1 && !size_take(args.words[1], &newer)))
        return CLI_FAILED;
    if (args.word_count > 1 && newer.size < older.size)
        usage_fail("%s", _("OLD has more records than NEW"));
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = cli_query(cli,
                       json_pack("{s:{s:I,s:I}}", "consistency", "oldSize", (json_int_t)older.size, "newSize",
                                 (json_int_t)newer.size),
                       &result);
    if (rc != CLI_OK)
        return rc;
    if (cli->json)
        return cli_print_json(result);
    rc = consistency_print(json_object_get(result, "consistency"), &older, &newer);
    json_decref(result);
    return rc;
}

/* ---- export */

/* Adds what one answer holds. CLI_OK, with *seq behind it. */
static int
leaves_add(struct tiledir *tiles, const json_t *leaves, uint64_t size, uint64_t *seq)
{
    const json_t *leaf;
    size_t i;

    if (json_array_size(leaves) == 0) {
        cli_warn(_("the broker's answer has no sense"));
        return CLI_FAILED;
    }
    json_array_foreach(leaves, i, leaf)
    {
        const char *base64 = json_string_value(leaf);
        uint8_t input[LEAF_INPUT_MAX];
        size_t len;
        int rc;

        if (*seq > size)
            break;
        if (base64 == NULL || strict_base64_decode(base64, strlen(base64), input, sizeof input, &len) != 0 ||
            len > sizeof input) {
            cli_warn(_("the broker's answer has no sense"));
            return CLI_FAILED;
        }
        rc = tiledir_add(tiles, input, len);
        if (rc != 0) {
            cli_warn(_("cannot be written: %s"), strerror(-rc));
            return CLI_FAILED;
        }
        ++*seq;
    }
    return CLI_OK;
}

/* The leaves of the first `size` records, and then the checkpoint over them, if it is one. */
static int
export_write(struct cli *cli, struct tiledir *tiles, const char *note, uint64_t size)
{
    uint8_t root[MERKLE_HASH_SIZE];
    struct note_checkpoint checkpoint;
    struct note parsed;
    uint64_t seq = 1, count;
    int rc;

    while (seq <= size) {
        json_t *result;

        rc = cli_query(cli, json_pack("{s:{s:I}}", "leaves", "fromSeq", (json_int_t)seq), &result);
        if (rc != CLI_OK)
            return rc;
        rc = leaves_add(tiles, json_object_get(json_object_get(result, "leaves"), "leaves"), size, &seq);
        json_decref(result);
        if (rc != CLI_OK)
            return rc;
    }
    tiledir_root(tiles, &count, root);
    if (note_parse(note, strlen(note), &parsed) != 0 ||
        note_checkpoint_parse(parsed.text, parsed.text_len, &checkpoint) != 0 || checkpoint.size != count ||
        memcmp(checkpoint.root, root, sizeof root) != 0) {
        cli_warn(_("the records do not give the root that was signed: the export is not finished"));
        return CLI_FAILED;
    }
    rc = tiledir_finish(tiles, note, strlen(note));
    if (rc != 0)
        cli_warn(_("cannot be written: %s"), strerror(-rc));
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

int
cmd_export(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("DIR"),
        N_("Writes the log's leaves and tree into a new directory, as other tools for such logs read it (tlog-tiles), "
           "with "
           "its newest checkpoint. It holds no content. For auditors; checked with wici verify."),
        1, 1};
    struct cli_args args;
    struct tiledir *tiles = NULL;
    json_t *checkpoint = NULL;
    bool json;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    json = cli->json;
    cli->json = false;
    rc = checkpoint_ask(cli, &checkpoint);
    if (rc != CLI_OK)
        return rc;
    if (member_number(checkpoint, "size") == 0) {
        cli_warn(_("nothing was signed yet: ask again in a second"));
        rc = CLI_NOT_FOUND;
        goto out;
    }
    rc = tiledir_create(&tiles, args.words[0]);
    if (rc != 0) {
        cli_warn("%s: %s", args.words[0], strerror(-rc));
        rc = CLI_FAILED;
        goto out;
    }
    rc = export_write(cli, tiles, jstr(checkpoint, "note"), member_number(checkpoint, "size"));
    if (rc == CLI_OK && json)
        rc = cli_print_json(
            json_pack("{s:s,s:I}", "dir", args.words[0], "records", (json_int_t)member_number(checkpoint, "size")));
    else if (rc == CLI_OK)
        printf(_("%s: %llu records\n"), args.words[0], (unsigned long long)member_number(checkpoint, "size"));
out:
    tiledir_close(&tiles);
    json_decref(checkpoint);
    return rc;
}

/* ---- verify */

int
cmd_verify(struct cli *cli, int argc, char **argv)
{
    static char program[] = "wici-verify";
    char **words = calloc((size_t)argc + 2, sizeof *words);
    int rc;

    (void)cli; /* it needs neither settings nor a broker */
    if (words == NULL)
        return CLI_FAILED;
    words[0] = program;
    for (int i = 1; i < argc; i++)
        words[i] = argv[i];
    rc = cli_become(words);
    free(words);
    return rc;
}
