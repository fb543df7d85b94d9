/* wici document: files that travel with events */
#include "agents/cli/cli.h"
#include "agents/media.h"
#include "proto/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_REASON = 'r' };

/* A file of at most DOCUMENT_SIZE_MAX bytes; says why not. */
static int
file_read(const char *path, uint8_t **ret, size_t *ret_len)
{
    uint8_t *bytes = malloc(DOCUMENT_SIZE_MAX + 1);
    FILE *in = fopen(path, "rbe");
    size_t len = in == NULL || bytes == NULL ? 0 : fread(bytes, 1, DOCUMENT_SIZE_MAX + 1, in);
    int rc = CLI_OK;

    if (in == NULL || bytes == NULL || ferror(in))
        cli_warn("%s: %s", path, strerror(errno));
    else if (len == 0)
        cli_warn(_("%s: is empty"), path);
    else if (len > DOCUMENT_SIZE_MAX)
        cli_warn(_("%s: is larger than 10 MiB"), path);
    if (in == NULL || bytes == NULL || ferror(in) || len == 0 || len > DOCUMENT_SIZE_MAX)
        rc = CLI_FAILED;
    if (in != NULL)
        (void)fclose(in);
    if (rc != CLI_OK) {
        free(bytes);
        return rc;
    }
    *ret = bytes;
    *ret_len = len;
    return CLI_OK;
}

/* How an event names this file. */
static json_t *
reference(const char *path, const uint8_t *bytes, size_t len)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char text[DOCUMENT_DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    struct digest none;

    digest_begin(&none);
    digest_end(&none, bytes, len, digest);
    document_digest_format(digest, text);
    return json_pack("{s:s, s:I, s:s, s:s}", "sha256", text, "size", (json_int_t)len, "mediaType", media_type_of(name),
                     "name", name);
}

static int
files_handle(struct cli *cli, const struct cli_args *args, bool put)
{
    int rc = CLI_OK;

    for (size_t i = 1; i < args->word_count && rc == CLI_OK; i++) {
        uint8_t *bytes = NULL;
        size_t len = 0;

        rc = file_read(args->words[i], &bytes, &len);
        if (rc == CLI_OK && put) {
            int sent = wici_document_put(cli->w, bytes, len, cli->timeout_ms, NULL);

            if (sent != 0)
                rc = cli_fail(cli, sent, args->words[i]);
        }
        if (rc == CLI_OK)
            rc = cli_print_json(reference(args->words[i], bytes, len));
        free(bytes);
    }
    return rc;
}

/* ---- what a record names */

/* The record as JSON. */
static int
record_read(struct cli *cli, const char *word, const char *reason, json_t **ret)
{
    char *end, *text;
    uint64_t seq = strtoull(word, &end, 10);
    json_t *request, *record = NULL;
    int rc;

    if (*end != '\0' || seq == 0)
        usage_fail(_("not a number of a record: %s"), word);
    request = json_pack("{s:I, s:I, s:s}", "fromSeq", (json_int_t)seq, "toSeq", (json_int_t)seq, "reason",
                        reason != NULL ? reason : "");
    text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    json_decref(request);
    rc = text == NULL ? -ENOMEM : wici_read(cli->w, text, cli->timeout_ms, event_keep_first, &record);
    free(text);
    if (rc == 0 && record == NULL) {
        cli_warn(_("there is no such record, or not for this unit: %s"), word);
        return CLI_NOT_FOUND;
    }
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    *ret = record;
    return CLI_OK;
}

json_t *
event_documents(const json_t *record)
{
    json_t *list = json_array();
    const json_t *section;
    size_t i, k;

    json_array_foreach(json_object_get(record, "sections"), i, section)
    {
        uint32_t type;
        unsigned cls;
        const json_t *body = section_body(section, &type, &cls);
        json_t *document;

        json_array_foreach(json_object_get(body, "documents"), k, document)
        {
            json_t *copy = json_copy(document);

            (void)json_object_set_new(copy, "class", json_integer((json_int_t)cls));
            (void)json_array_append_new(list, copy);
        }
    }
    return list;
}

static void
documents_print(const struct cli *cli, const json_t *list)
{
    struct table *t = table_create(6, _("number"), _("name"), _("kind of file"), _("bytes"), _("part"), _("SHA-256"));
    const json_t *document;
    size_t i;

    json_array_foreach(list, i, document)
    {
        char number[24], bytes[24];

        (void)snprintf(number, sizeof number, "%zu", i + 1);
        (void)snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)member_number(document, "size"));
        table_row(t, number, jstr(document, "name"), jstr(document, "mediaType"), bytes,
                  class_label(cli, (unsigned)member_number(document, "class")), jstr(document, "sha256"));
    }
    table_print(t);
}

/* args: get SEQ NUMBER|SHA256 FILE */
static int
get_do(struct cli *cli, const struct cli_args *args)
{
    const char *which = args->words[2], *reason = args_get(args, OPT_REASON), *sha256 = which;
    char *end;
    uint64_t number = strtoull(which, &end, 10);
    json_t *record = NULL, *list = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = CLI_OK;

    if (*end == '\0' && strlen(which) < 2 * DIGEST_SIZE) {
        rc = record_read(cli, args->words[1], reason, &record);
        list = event_documents(record);
        sha256 = jstr(json_array_get(list, number - 1), "sha256");
        if (rc == CLI_OK && (number == 0 || sha256[0] == '\0')) {
            cli_warn(_("the record names no document %s"), which);
            rc = CLI_NOT_FOUND;
        }
    }
    if (rc == CLI_OK) {
        int got = wici_document_get(cli->w, strtoull(args->words[1], NULL, 10), sha256, reason, cli->timeout_ms, &bytes,
                                    &len);

        if (got == -EINVAL)
            usage_fail(_("neither a number nor a SHA-256: %s"), which);
        rc = got == 0 ? cli_file_write(args->words[3], bytes, len) : cli_fail(cli, got, "wici");
    }
    free(bytes);
    json_decref(list);
    json_decref(record);
    return rc;
}

static int
list_do(struct cli *cli, const struct cli_args *args)
{
    json_t *record = NULL, *list;
    int rc = record_read(cli, args->words[1], args_get(args, OPT_REASON), &record);

    if (rc != CLI_OK)
        return rc;
    list = event_documents(record);
    json_decref(record);
    if (json_array_size(list) == 0)
        rc = cli_none(cli, _("The record names no document."));
    if (cli->json)
        return cli_print_json(list) != CLI_OK ? CLI_FAILED : rc;
    documents_print(cli, list);
    json_decref(list);
    return rc;
}

int
cmd_document(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"reason", OPT_REASON, N_("TEXT"), 0, N_("an auditor who wants content says why; it is recorded"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("describe FILE... | put FILE... | list SEQ | get SEQ NUMBER FILE"),
        N_("Files of at most 10 MiB that travel with events. describe: how an event names the file, as JSON for its "
           "\"documents\". put: the same, and sends the file; then publish the event within a day. list: the documents "
           "that a record names. get: writes one of them, by its number or SHA-256, into FILE (- is standard output), "
           "which must not exist yet."),
        2, CLI_ARGS_MAX};
    struct cli_args args;
    const char *word;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    word = args.words[0];
    if (strcmp(word, "describe") == 0)
        return files_handle(cli, &args, false);
    if (strcmp(word, "put") != 0 && !(strcmp(word, "list") == 0 && args.word_count == 2) &&
        !(strcmp(word, "get") == 0 && args.word_count == 4))
        usage_fail(_("say: %s"), _(syntax.words));
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    if (strcmp(word, "put") == 0)
        return files_handle(cli, &args, true);
    return strcmp(word, "list") == 0 ? list_do(cli, &args) : get_do(cli, &args);
}
