/* wici registry: the institutions, units and registers of an office out of one file */
#include "agents/cli/cli.h"
#include "agents/registry_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct applying {
    struct cli *cli;
    json_t *held;    /* what the log held of each type that was asked for: type -> [{"seq", "body"}] */
    json_t *records; /* of the type of the entry at hand; in held */
    size_t said, differ, others;
};

static int
on_record(void *arg, const struct wici_event *event)
{
    struct applying *a = arg;
    json_t *json, *body;
    int rc = event_json(event, &json);

    if (rc != 0)
        return rc;
    body = json_deep_copy(event_first_body(json));
    rc = json_array_append_new(a->records, json_pack("{s:O,s:o}", "seq", json_object_get(json, "seq"), "body", body));
    json_decref(json);
    return rc == 0 ? 0 : -ENOMEM;
}

/* Reads what the log holds of a type, once: no entry of the file is about the same as another. */
static int
records_read(struct applying *a, const struct type_info *type)
{
    json_t *request;
    char *text;
    int rc;

    a->records = json_object_get(a->held, type->name);
    if (a->records != NULL)
        return CLI_OK;
    a->records = json_array();
    json_object_set_new(a->held, type->name, a->records);
    request = json_pack("{s:s}", "type", type->enum_name);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    rc = text == NULL ? -ENOMEM : wici_read(a->cli->w, text, a->cli->timeout_ms, on_record, a);
    free(text);
    return rc == 0 ? CLI_OK : cli_fail(a->cli, rc, "wici");
}

/* The newest record about the same thing; NULL: none. */
static const json_t *
record_of(const struct applying *a, const struct registry_entry *entry)
{
    for (size_t i = json_array_size(a->records); i-- > 0;) {
        const json_t *record = json_array_get(a->records, i);

        if (registry_same(entry->kind, json_object_get(record, "body"), entry->body))
            return record;
    }
    return NULL;
}

static bool
has_role(const struct cli *cli, const char *word, size_t len)
{
    const json_t *role;
    size_t i;

    json_array_foreach(json_object_get(cli->welcome, "roles"), i, role)
    {
        if (json_string_length(role) == len && strncmp(json_string_value(role), word, len) == 0)
            return true;
    }
    return false;
}

static bool
is_ours(const struct cli *cli, const struct registry_entry *entry)
{
    return entry->by != NULL ? strcmp(entry->by, jstr(cli->welcome, "unit")) == 0 : has_role(cli, "ADM", 3);
}

/* The first of the kind's roles that the unit has; else the first, which the broker will refuse. */
static void
role_choose(const struct cli *cli, const struct registry_kind *kind, char ret[16])
{
    const char *word = kind->role;
    size_t len = strcspn(word, " ");

    while (!has_role(cli, word, len) && word[len] != '\0') {
        word += len + 1;
        len = strcspn(word, " ");
    }
    if (!has_role(cli, word, len))
        len = strcspn(word = kind->role, " ");
    (void)snprintf(ret, 16, "%.*s", (int)len, word);
}

static void
entry_tell(const struct cli *cli, const struct registry_entry *entry, const char *outcome)
{
    if (!cli->json)
        printf("%s %s: %s\n", entry->kind->word, entry->id, outcome);
}

static int
entry_publish(struct applying *a, const struct registry_entry *entry)
{
    char role[16];

    role_choose(a->cli, entry->kind, role);
    a->said++;
    if (!a->cli->json)
        printf("%s %s: ", entry->kind->word, entry->id);
    return cli_command_event(a->cli, entry->type->name, NULL, role, json_incref(entry->body));
}

static int
entry_apply(struct applying *a, const struct registry_entry *entry)
{
    const json_t *record;
    char text[200];
    int rc;

    if (!is_ours(a->cli, entry)) {
        a->others++;
        (void)snprintf(text, sizeof text, _("for %s to apply"), entry->by != NULL ? entry->by : _("an administrator"));
        entry_tell(a->cli, entry, text);
        return CLI_OK;
    }
    rc = records_read(a, entry->type);
    if (rc != CLI_OK)
        return rc;
    record = record_of(a, entry);
    if (record == NULL || (!registry_equal(json_object_get(record, "body"), entry->body) && !entry->kind->once))
        return entry_publish(a, entry);
    if (registry_equal(json_object_get(record, "body"), entry->body)) {
        (void)snprintf(text, sizeof text, _("there already, as number %s"), jstr(record, "seq"));
        entry_tell(a->cli, entry, text);
        return CLI_OK;
    }
    a->differ++;
    cli_warn(_("%s %s: enrolled otherwise, as number %s, and left as it is (wici unit, wici key rotate)"),
             entry->kind->word, entry->id, jstr(record, "seq"));
    return CLI_OK;
}

static int
file_apply(struct cli *cli, const struct registry_file *file)
{
    struct applying a = {.cli = cli, .held = json_object()};
    int rc = cli_connect(cli);

    for (size_t i = 0; i < file->count && rc == CLI_OK; i++)
        rc = entry_apply(&a, &file->entries[i]);
    json_decref(a.held);
    if (rc == CLI_OK && !cli->json)
        printf(_("%zu recorded, %zu enrolled otherwise, %zu for others, %zu in all\n"), a.said, a.differ, a.others,
               file->count);
    return rc == CLI_OK && a.differ > 0 ? CLI_FAILED : rc;
}

static void
problem_print(const struct cli *cli, const char *path, const struct registry_problem *problem)
{
    if (problem->why == NULL)
        cli_warn("%s:%u: %s %s: %s", path, problem->line, error_name(problem->refusal.code), problem->refusal.path,
                 error_text(problem->refusal.code, cli->pl));
    else
        cli_warn("%s:%u: %s%s%s", path, problem->line, _(problem->why), problem->word[0] != '\0' ? ": " : "",
                 problem->word);
}

int
cmd_registry(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("check FILE | apply FILE"),
        N_("Enrols the institutions and units that a file names, and registers programmes, qualifications, "
           "declarations "
           "and volunteers' files: those entries that are this unit's to say, and that the log does not hold yet. Exit "
           "code 1: something is enrolled otherwise. check reads the file and asks nobody."),
        2, 2};
    struct registry_problem problem;
    struct registry_file *file;
    struct cli_args args;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    if (strcmp(args.words[0], "check") != 0 && strcmp(args.words[0], "apply") != 0)
        usage_fail(_("say: %s"), _(syntax.words));
    rc = registry_file_read(args.words[1], &file, &problem);
    if (rc == -EBADMSG) {
        problem_print(cli, args.words[1], &problem);
        return CLI_USAGE;
    }
    if (rc != 0) {
        cli_warn("%s: %s", args.words[1], strerror(-rc));
        return CLI_FAILED;
    }
    if (strcmp(args.words[0], "apply") == 0)
        rc = file_apply(cli, file);
    else
        printf(_("%zu entries, nothing wrong with them\n"), file->count);
    registry_file_close(&file);
    return rc;
}
