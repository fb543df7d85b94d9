/* wici checkpoint, log: what the log's key has signed */
#include "agents/cli/cli.h"

#include <stdio.h>
#include <string.h>

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
