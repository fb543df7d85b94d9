/*
 * wici outside: what is due on paper to agencies without the system that this unit serves; and wici confirm: what the
 * unit did with its copy of an event that was entered in error, or with those of what was erased
 */
#include "agents/cli/cli.h"
#include "agents/page.h"
#include "agents/words.h"
#include "proto/date.h"
#include "proto/json.h"
#include "wici/v1/wire.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- whom the unit serves */

/* Ids of external agencies that this unit serves, or the one that --agency names. NULL: said why. */
static json_t *
agencies_served(struct cli *cli, const struct cli_args *args, json_t **ret_directory)
{
    const char *own = jstr(cli->welcome, "unit"), *named = args_get(args, 'a');
    json_t *found, *agency;
    size_t i;

    if (cli_directory(cli, ret_directory) != CLI_OK)
        return NULL;
    found = json_array();
    json_array_foreach(json_object_get(*ret_directory, "agencies"), i,
                       agency) if (strcmp(jstr(agency, "servedBy"), own) == 0 &&
                                   (named == NULL || strcmp(jstr(agency, "id"), named) == 0))
        json_array_append_new(found, json_string(jstr(agency, "id")));
    return found;
}

/* The one agency that is meant. NULL: said that it has to be named. */
static const char *
agency_meant(const json_t *served)
{
    if (json_array_size(served) == 1)
        return json_string_value(json_array_get(served, 0));
    if (json_array_size(served) == 0)
        cli_warn(_("this unit serves no such institution: see wici agency list"));
    else
        cli_warn(_("this unit serves several institutions without the system: say --agency ID"));
    return NULL;
}

static const char *
channel_of(const json_t *directory, const char *agency)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(directory, "agencies"), i,
                       item) if (strcmp(jstr(item, "id"), agency) == 0 &&
                                 jstr(item, "channel")[0] != '\0') return jstr(item, "channel");
    return "PAPER";
}

/* ---- list */

static int
due_ask(struct cli *cli, const char *agency, json_t *all)
{
    json_int_t dossier = 0, after = 0;

    do {
        json_t *result = NULL, *answer, *item;
        size_t i;
        int rc = cli_query(
            cli, json_pack("{s:{s:s,s:I,s:I}}", "outside", "agency", agency, "dossierSeq", dossier, "afterSeq", after),
            &result);

        if (rc != CLI_OK)
            return rc;
        answer = json_object_get(result, "outside");
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            json_object_set_new(item, "agency", json_string(agency));
            json_array_append(all, item);
        }
        dossier = (json_int_t)member_number(answer, "nextDossierSeq");
        after = (json_int_t)member_number(answer, "nextAfterSeq");
        json_decref(result);
    } while (dossier != 0);
    return CLI_OK;
}

static int
outside_list(struct cli *cli, const json_t *served)
{
    json_t *all = json_array(), *item;
    struct table *table;
    const json_t *agency;
    size_t i;
    int rc = CLI_OK;

    json_array_foreach(served, i, agency) if (rc == CLI_OK) rc = due_ask(cli, json_string_value(agency), all);
    if (rc == CLI_OK && cli->json) {
        rc = cli_print_json(json_incref(all));
    } else if (rc == CLI_OK && json_array_size(all) > 0) {
        table = table_create(5, _("institution"), _("since"), _("what"), _("event"), _("dossier"));
        json_array_foreach(all, i, item)
        {
            char since[WORDS_TEXT_SIZE];

            words_time(member_number(item, "tsMs"), cli->pl, since);
            table_row(table, jstr(item, "agency"), since, type_label(cli, jstr(item, "type")), jstr(item, "eventId"),
                      jstr(item, "dossier"));
        }
        table_print(table);
    }
    if (rc == CLI_OK && json_array_size(all) == 0)
        rc = cli_none(cli, _("Nothing is to be printed and sent."));
    json_decref(all);
    return rc;
}

/* ---- page */

/* The event as the agency is given it. NULL: said why. */
static json_t *
event_for(struct cli *cli, const char *agency, const char *event_id, int *ret)
{
    struct arena *arena = NULL;
    json_t *result = NULL, *event = NULL;
    ProtobufCMessage *message = NULL;
    struct refusal refusal;
    struct wici_event raw = {.seq = 0};
    uint8_t *bytes;
    char *text = NULL;
    int rc;

    *ret = cli_query(cli, json_pack("{s:{s:s,s:s}}", "outside", "agency", agency, "eventId", event_id), &result);
    if (*ret != CLI_OK)
        return NULL;
    rc = arena_create(&arena, 4u << 20);
    if (rc == 0)
        rc = json_to_message(
            json_object_get(json_array_get(json_object_get(json_object_get(result, "outside"), "items"), 0),
                            "delivery"),
            &wici__v1__delivery__descriptor, arena, &message, &refusal);
    if (rc == 0) {
        raw.delivery_len = protobuf_c_message_get_packed_size(message);
        bytes = arena_alloc(arena, raw.delivery_len + 1);
        rc = bytes == NULL ? -ENOMEM : 0;
        if (rc == 0) {
            protobuf_c_message_pack(message, bytes);
            raw.delivery = bytes;
            rc = wici_event_json(&raw, &text);
        }
    }
    if (rc == 0)
        event = json_loads(text, 0, NULL);
    if (rc != 0 || event == NULL)
        *ret = cli_fail(cli, rc != 0 ? rc : -ENOMEM, "outside");
    free(text);
    arena_destroy(&arena);
    json_decref(result);
    return event;
}

/* What the event answers, where the agency sent that, on paper; NULL: nothing, or it cannot be read. */
static json_t *
answered_letter(struct cli *cli, const char *agency, const json_t *event)
{
    const char *id = jstr(json_object_get(event, "header"), "causationId");
    json_t *answered = NULL;
    char request[80];

    if (id[0] == '\0')
        return NULL;
    (void)snprintf(request, sizeof request, "{\"eventId\":\"%.36s\"}", id);
    if (wici_read(cli->w, request, cli->timeout_ms, event_keep_first, &answered) != 0)
        return NULL;
    if (strcmp(jstr(json_object_get(json_object_get(answered, "header"), "actor"), "onBehalfOf"), agency) != 0) {
        json_decref(answered);
        return NULL;
    }
    return answered;
}

static int
outside_page(struct cli *cli, const char *agency, const json_t *directory, const char *event_id, const char *path)
{
    json_t *names = directory_names(directory), *event;
    struct page_options options = {
        .footer = _("This document has personal data in it. To be kept in the files of the case."),
        .names = names,
        .polish = cli->pl,
        .addressee = agency};
    json_t *answered = NULL;
    char *html = NULL;
    int exit_code, rc;

    event = event_for(cli, agency, event_id, &exit_code);
    if (event != NULL)
        options.answered = answered = answered_letter(cli, agency, event);
    if (event != NULL && cli->json) {
        exit_code = cli_print_json(json_incref(event));
    } else if (event != NULL) {
        rc = page_render(event, &options, &html);
        if (rc != 0)
            exit_code = cli_fail(cli, rc, "outside");
        else
            exit_code = cli_file_write(path != NULL ? path : "-", html, strlen(html));
        if (exit_code == CLI_OK && path != NULL)
            printf(_("%s: for %s; when it was handed over, say: wici outside done %s --agency %s\n"), path,
                   jstr(names, agency), event_id, agency);
    }
    free(html);
    json_decref(answered);
    json_decref(event);
    json_decref(names);
    return exit_code;
}

/* ---- a copy for a person of the family */

/* Of what this unit itself may read. */
static int
person_page(struct cli *cli, const char *person, const json_t *directory, const char *event_id, const char *path)
{
    json_t *names = directory_names(directory), *event = NULL;
    const struct page_options options = {.names = names, .polish = cli->pl, .person = person};
    char *html = NULL, request[80];
    int rc, exit_code = CLI_OK;

    (void)snprintf(request, sizeof request, "{\"eventId\":\"%.36s\"}", event_id);
    rc = wici_read(cli->w, request, cli->timeout_ms, event_keep_first, &event);
    if (rc == 0 && event == NULL)
        exit_code = cli_none(cli, _("There is no such event, or not for this unit."));
    else if (rc == 0)
        rc = page_render(event, &options, &html);
    if (rc != 0)
        exit_code = cli_fail(cli, rc, event_id);
    else if (html != NULL)
        exit_code = cli_file_write(path != NULL ? path : "-", html, strlen(html));
    if (exit_code == CLI_OK && path != NULL)
        printf(_("%s: for %s alone; parts that are not for this person are not in it\n"), path, person);
    free(html);
    json_decref(event);
    json_decref(names);
    return exit_code;
}

/* ---- done, confirm */

/* The dossier of an event that the agency was to be given. */
static int
dossier_find(struct cli *cli, const char *agency, const char *event_id, char ret[37])
{
    json_t *result = NULL;
    int rc = cli_query(cli, json_pack("{s:{s:s,s:s}}", "outside", "agency", agency, "eventId", event_id), &result);

    if (rc != CLI_OK)
        return rc;
    (void)snprintf(ret, 37, "%s",
                   jstr(json_array_get(json_object_get(json_object_get(result, "outside"), "items"), 0), "dossier"));
    json_decref(result);
    return CLI_OK;
}

static int
outside_done(struct cli *cli, const char *agency, const json_t *directory, const char *event_id,
             const struct cli_args *args)
{
    const char *role = cli_role(cli, NULL), *channel = args_get(args, 'C'), *on = args_get(args, 'd'),
               *by = args_get(args, 'b');
    char dossier[37], day[DATE_TEXT_SIZE];
    json_t *body;
    int rc;

    if (role == NULL)
        return CLI_USAGE;
    rc = dossier_find(cli, agency, event_id, dossier);
    if (rc != CLI_OK)
        return rc;
    cli_today(day);
    body = json_pack("{s:s,s:s,s:s,s:s}", "event", event_id, "agency", agency, "channel",
                     channel != NULL ? channel : channel_of(directory, agency), "deliveredOn", on != NULL ? on : day);
    if (by != NULL)
        json_object_set_new(body, "by", json_string(by));
    return cli_command_answering(cli, "sys.delivered_outside", dossier, role, event_id, body);
}

int
cmd_outside(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"agency", 'a', N_("ID"), 0, N_("the institution; needed where the unit serves several"), 0},
        {"person", 'p', N_("PERSON"), 0,
         N_("page: a copy of an own or received event for this person of the family, without what is not for them"), 0},
        {"output", 'o', N_("FILE"), 0, N_("page: into this new file, not to standard output"), 0},
        {"channel", 'C', N_("CHANNEL"), 0,
         N_("done: PAPER, EDORECZENIA, EPUAP, EMAIL, PHONE, IN_PERSON; else the institution's usual one"), 0},
        {"on", 'd', N_("DATE"), 0, N_("done: when it was handed over; else today"), 0},
        {"by", 'b', N_("WORKER"), 0, N_("done: who did it"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("list | page EVENT | done EVENT"),
        N_("For the unit that serves institutions without the system: what is to be printed and sent to them, a page "
           "of it "
           "as the institution may read it, and that it was handed over. Exit code 5: nothing is due."),
        1, 2};
    struct cli_args args;
    json_t *served = NULL, *directory = NULL;
    const char *verb, *agency;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    verb = args.words[0];
    if ((strcmp(verb, "list") == 0) != (args.word_count == 1) ||
        (args.word_count == 2 && strcmp(verb, "page") != 0 && strcmp(verb, "done") != 0))
        usage_fail(_("say: %s"), _(syntax.words));
    rc = cli_connect(cli);
    if (rc == CLI_OK && (served = agencies_served(cli, &args, &directory)) == NULL)
        rc = CLI_FAILED;
    if (rc == CLI_OK && args.word_count == 1) {
        rc = outside_list(cli, served);
    } else if (rc == CLI_OK && strcmp(verb, "page") == 0 && args_has(&args, 'p')) {
        rc = person_page(cli, args_get(&args, 'p'), directory, args.words[1], args_get(&args, 'o'));
    } else if (rc == CLI_OK) {
        agency = agency_meant(served);
        if (agency == NULL)
            rc = CLI_USAGE;
        else if (strcmp(verb, "page") == 0)
            rc = outside_page(cli, agency, directory, args.words[1], args_get(&args, 'o'));
        else
            rc = outside_done(cli, agency, directory, args.words[1], &args);
    }
    json_decref(served);
    json_decref(directory);
    return rc;
}

/* ---- a recall, or an erasure, is confirmed */

/* What the event asks to be confirmed: the one or the other. */
struct asked {
    char dossier[37], recalled[37];
    char intended[24];
};

static int
asked_take(void *arg, const struct wici_event *event)
{
    struct asked *asked = arg;
    json_t *json, *header, *section;
    size_t index;
    int rc = event_json(event, &json);

    if (rc != 0)
        return rc;
    header = json_object_get(json, "header");
    if (strcmp(jstr(header, "correction"), "ENTERED_IN_ERROR") == 0) {
        (void)snprintf(asked->dossier, sizeof asked->dossier, "%s", jstr(header, "dossierId"));
        (void)snprintf(asked->recalled, sizeof asked->recalled, "%s", jstr(header, "correctsEventId"));
    }
    json_array_foreach(json_object_get(json, "sections"), index, section)
    {
        const json_t *notice = json_object_get(section, "sysErasureNotifiedS0");

        if (notice != NULL)
            (void)snprintf(asked->intended, sizeof asked->intended, "%s", jstr(notice, "intendedSeq"));
    }
    json_decref(json);
    return 0;
}

static int
recall_confirm(struct cli *cli, const struct asked *asked, const char *role, const char *event, const char *what,
               const char *day)
{
    const char *how = strcmp(what, "set-aside") == 0   ? "SET_ASIDE"
                      : strcmp(what, "destroyed") == 0 ? "DESTROYED"
                                                       : NULL;

    if (how == NULL)
        usage_fail(_("of what was entered in error: %s"), "set-aside, destroyed");
    return cli_command_answering(
        cli, "sys.recall_confirmed", asked->dossier, role, event,
        json_pack("{s:s,s:s,s:s}", "recalledEvent", asked->recalled, "how", how, "confirmedOn", day));
}

static int
erasure_confirm(struct cli *cli, const struct asked *asked, const char *role, const char *what, const char *law,
                const char *day)
{
    bool kept = strcmp(what, "kept") == 0;

    if ((!kept && strcmp(what, "destroyed") != 0) || kept != (law != NULL))
        usage_fail(_("of what was erased: %s"), "destroyed, kept --law TEXT");
    return cli_command_event(cli, "sys.erasure_confirmed", NULL, role,
                             json_pack("{s:s,s:s,s:s,s:s*}", "intendedSeq", asked->intended, "how",
                                       kept ? "KEPT_BY_LAW" : "DESTROYED", "confirmedOn", day, "legalBasis", law));
}

int
cmd_confirm(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"on", 'd', N_("DATE"), 0, N_("when; else today"), 0},
        {"law", 'l', N_("TEXT"), 0, N_("kept: the law that obliges this institution to"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, N_("EVENT set-aside | EVENT destroyed | EVENT kept --law TEXT"),
        N_("Confirms what this unit did with its copy of what was entered in error, or with its copies of what was "
           "erased. EVENT is the event that says it was. Exit code 5: there is no such event for this unit, or it asks "
           "for nothing."),
        2, 2};
    struct cli_args args;
    struct asked asked = {.dossier = ""};
    const char *role, *day, *law;
    char today_text[DATE_TEXT_SIZE], request[80];
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    role = cli_role(cli, NULL);
    if (role == NULL)
        return CLI_USAGE;
    (void)snprintf(request, sizeof request, "{\"eventId\":\"%.36s\"}", args.words[0]);
    rc = wici_read(cli->w, request, cli->timeout_ms, asked_take, &asked);
    if (rc != 0)
        return cli_fail(cli, rc, args.words[0]);
    cli_today(today_text);
    day = args_get(&args, 'd') != NULL ? args_get(&args, 'd') : today_text;
    law = args_get(&args, 'l');
    if (asked.intended[0] != '\0')
        return erasure_confirm(cli, &asked, role, args.words[1], law, day);
    if (asked.dossier[0] == '\0')
        return cli_none(cli, _("There is no such event for this unit, or it asks for nothing to be confirmed."));
    if (law != NULL)
        usage_fail(_("of what was entered in error: %s"), "set-aside, destroyed");
    return recall_confirm(cli, &asked, role, args.words[0], args.words[1], day);
}
