/* wici tail, read, case: what the log holds, as far as this unit may see it */
#include "agents/cli/cli.h"

#include "proto/types.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void
stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct reading {
    struct cli *cli;
    json_t *events; /* collected; NULL: printed at once */
    uint64_t count, max;
    bool content; /* human: print sections too */
    bool ended;
    int code;
};

static void
event_print(const struct reading *r, const json_t *event)
{
    const json_t *header = json_object_get(event, "header"), *actor = json_object_get(header, "actor"), *section;
    size_t i;

    printf("%6s  %s  %s", jstr(event, "seq"), time_local_ms(member_number(event, "tsMs")),
           type_label(r->cli, jstr(header, "type")));
    printf("  [%s %s]", jstr(actor, "unit"), jstr(actor, "role"));
    if (jstr(header, "dossierId")[0] != '\0')
        printf("  %s", jstr(header, "dossierId"));
    putchar('\n');
    if (r->content) {
        json_array_foreach(json_object_get(event, "sections"), i, section) section_print(r->cli, section);
    }
}

static int
on_event(void *arg, const struct wici_event *event)
{
    struct reading *r = arg;
    char *text = NULL;
    int rc;

    if (r->max != 0 && r->count >= r->max)
        return -ECANCELED;
    rc = wici_event_json(event, &text);
    if (rc != 0)
        return rc;
    r->count++;
    if (r->events == NULL && r->cli->json) {
        puts(text);
    } else {
        json_t *json = json_loads(text, 0, NULL);

        if (json == NULL) {
            free(text);
            return -ENOMEM;
        }
        if (r->events != NULL)
            json_array_append(r->events, json);
        else
            event_print(r, json);
        json_decref(json);
    }
    free(text);
    return 0;
}

static void
on_ended(void *arg, const struct wici_error *why)
{
    struct reading *r = arg;

    cli_refusal_print(r->cli, why);
    r->ended = true;
    r->code = CLI_REFUSED;
}

static const char **
words_list(const struct cli_args *args, int key)
{
    const char **list = calloc(args->option_count + 1, sizeof *list);
    size_t count = 0;

    if (list == NULL)
        abort();
    for (size_t i = 0; i < args->option_count; i++) {
        if (args->options[i].key == key)
            list[count++] = args->options[i].value;
    }
    return list;
}

/* The broker has taken the last acknowledgement once it answers what was asked after it; what is closed at once may
 * leave it behind, and then the cursor's next reader is given the same again. */
static int
acks_settle(struct cli *cli, uint32_t subscription)
{
    char *text = NULL;
    int rc = wici_unsubscribe(cli->w, subscription); /* what comes now is for the next time */

    if (rc == 0 && wici_state(cli->w) == WICI_READY)
        rc = wici_query(cli->w, "{\"status\":{}}", cli->timeout_ms, &text);
    free(text);
    return rc;
}

int
cmd_tail(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"cursor", 'u', N_("NAME"), 0, N_("durable: go on after what this cursor has seen, and move it"), 0},
        {"from-seq", 'f', N_("SEQ"), 0, N_("begin at this number"), 0},
        {"since", 's', N_("TIME"), 0, N_("begin at this time: 2026-03-01, 2026-03-01T08:30:00Z, 2h, 3d"), 0},
        {"live", 'l', NULL, 0, N_("only what comes from now on"), 0},
        {"dossier", 'd', N_("UUID"), 0, N_("only of this dossier; may be repeated"), 0},
        {"family", 'F', N_("NAME"), 0, N_("only of this family (referral, case, ...); may be repeated"), 0},
        {"count", 'n', N_("N"), 0, N_("stop after N events"), 0},
        {"content", 'v', NULL, 0, N_("print the sections too"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL, N_("Prints events as they come, old ones first. Ends with Ctrl-C, or after --count."), 0, 0};
    struct wici_subscribe_options subscribe = {.ack_each = 1, .ended_fn = on_ended};
    struct reading r = {.cli = cli};
    struct cli_args args;
    char time[32];
    const char **dossiers, **families;
    uint32_t subscription = 0;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    r.max = args_number(&args, 'n', 0, 1);
    r.content = args_has(&args, 'v');
    subscribe.cursor = args_get(&args, 'u');
    subscribe.from_seq = args_number(&args, 'f', 0, 1);
    subscribe.live = args_has(&args, 'l');
    if (args_time(&args, 's', time))
        subscribe.from_time = time;
    if ((subscribe.from_seq != 0) + subscribe.live + (subscribe.from_time != NULL) > 1)
        usage_fail(_("only one of --from-seq, --since and --live"));
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    dossiers = words_list(&args, 'd');
    families = words_list(&args, 'F');
    subscribe.dossiers = dossiers;
    subscribe.families = families;
    rc = wici_subscribe(cli->w, &subscribe, on_event, &r, &subscription);
    free(dossiers);
    free(families);
    stop_on_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (rc == 0 && !stopped && !r.ended && !(r.max != 0 && r.count >= r.max))
        rc = wici_run(cli->w, -1);
    if (rc == -EINTR && stopped)
        rc = 0;
    if (rc == 0 || rc == -ECANCELED) {
        rc = subscribe.cursor == NULL || r.ended ? 0 : acks_settle(cli, subscription);
        return rc == 0 || rc == -EINTR ? r.code : cli_fail(cli, rc, "wici");
    }
    return cli_fail(cli, rc, "wici");
}

/* The enum word of a type that may be given by name, word or number. */
static json_t *
type_word(const char *text)
{
    const struct type_info *type = type_by_name(text);
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (type == NULL && *end == '\0' && number <= UINT32_MAX)
        type = type_by_number((uint32_t)number);
    for (size_t i = 0; type == NULL && type_at(i) != NULL; i++) {
        if (strcmp(type_at(i)->enum_name, text) == 0)
            type = type_at(i);
    }
    if (type == NULL)
        usage_fail(_("there is no type %s; wici types lists them"), text);
    return json_string(type->enum_name);
}

static void
request_time(json_t *request, const char *name, const struct cli_args *args, int key)
{
    char time[32];

    if (args_time(args, key, time))
        json_object_set_new(request, name, json_string(time));
}

static json_t *
read_request(const struct cli_args *args)
{
    json_t *request = json_object();

    if (args_has(args, 'd'))
        json_object_set_new(request, "dossier", json_string(args_get(args, 'd')));
    if (args_has(args, 't'))
        json_object_set_new(request, "type", type_word(args_get(args, 't')));
    if (args_has(args, 'F'))
        json_object_set_new(request, "family", json_string(args_get(args, 'F')));
    if (args_has(args, 'f'))
        json_object_set_new(request, "fromSeq", json_integer((json_int_t)args_number(args, 'f', 0, 1)));
    if (args_has(args, 'T'))
        json_object_set_new(request, "toSeq", json_integer((json_int_t)args_number(args, 'T', 0, 1)));
    if (args_has(args, 'e'))
        json_object_set_new(request, "eventId", json_string(args_get(args, 'e')));
    if (args_has(args, 'r'))
        json_object_set_new(request, "reason", json_string(args_get(args, 'r')));
    request_time(request, "since", args, 's');
    request_time(request, "until", args, 'U');
    return request;
}

static int
read_do(struct reading *r, json_t *request)
{
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : wici_read(r->cli->w, text, r->cli->timeout_ms, on_event, r);

    json_decref(request);
    free(text);
    return rc == 0 || rc == -ECANCELED ? CLI_OK : cli_fail(r->cli, rc, "wici");
}

int
cmd_read(struct cli *cli, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"dossier", 'd', N_("UUID"), 0, N_("of this dossier"), 0},
        {"type", 't', N_("TYPE"), 0, N_("of this type: case.opened, CASE_OPENED or 201"), 0},
        {"family", 'F', N_("NAME"), 0, N_("of this family: referral, case, ..."), 0},
        {"from-seq", 'f', N_("SEQ"), 0, N_("from this number on"), 0},
        {"to-seq", 'T', N_("SEQ"), 0, N_("up to this number"), 0},
        {"since", 's', N_("TIME"), 0, N_("recorded since: 2026-03-01, 2026-03-01T08:30:00Z, 2h, 3d"), 0},
        {"until", 'U', N_("TIME"), 0, N_("recorded until"), 0},
        {"event", 'e', N_("UUID"), 0, N_("this one event"), 0},
        {"reason", 'r', N_("TEXT"), 0, N_("an auditor who wants content says why; it is recorded"), 0},
        {"count", 'n', N_("N"), 0, N_("stop after N events"), 0},
        {"content", 'v', NULL, 0, N_("print the sections too"), 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct cli_syntax syntax = {
        options, NULL, N_("Prints what the log holds now; all conditions count together. Exit code 5: nothing found."),
        0, 0};
    struct reading r = {.cli = cli};
    struct cli_args args;
    json_t *request;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    r.max = args_number(&args, 'n', 0, 1);
    r.content = args_has(&args, 'v');
    request = read_request(&args);
    rc = cli_connect(cli);
    if (rc != CLI_OK) {
        json_decref(request);
        return rc;
    }
    rc = read_do(&r, request);
    return rc == CLI_OK && r.count == 0 ? cli_none(cli, _("Nothing was found.")) : rc;
}

/* ---- a case */

/* Where each stands, beside it; of some the unit only reads what comes to it. One question for all of them. */
static int
members_stand(struct cli *cli, const char *dossier, json_t *members)
{
    json_t *asked = json_pack("{s:{s:s,s:b}}", "courses", "dossier", dossier, "group", 1), *result, *member, *course;
    char *request = json_dumps(asked, JSON_COMPACT), *text = NULL;
    size_t i, j;
    int rc;

    json_decref(asked);
    rc = wici_query(cli->w, request, cli->timeout_ms, &text);
    free(request);
    if (rc == -EPROTO && strcmp(wici_error(cli->w)->code, "E_UNKNOWN") == 0)
        return CLI_OK;
    if (rc != 0)
        return cli_fail(cli, rc, "courses");
    result = json_loads(text, 0, NULL);
    free(text);
    json_array_foreach(members, i, member)
        json_array_foreach(json_object_get(json_object_get(result, "courses"), "courses"), j,
                           course) if (strcmp(jstr(course, "dossier"), jstr(member, "dossier")) == 0)
            json_object_set(member, "course", course);
    json_decref(result);
    return CLI_OK;
}

int
cmd_case(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("DOSSIER"),
        N_("Prints the events of a dossier and of those linked with it, in order, with the names of their fields."), 1,
        1};
    struct reading r = {.cli = cli};
    struct cli_args args;
    json_t *result = NULL, *directory = NULL;
    const json_t *member;
    json_t *members;
    size_t i;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = cli_connect(cli);
    if (rc == CLI_OK)
        rc = cli_query(cli, json_pack("{s:{s:s}}", "group", "dossier", args.words[0]), &result);
    if (rc != CLI_OK)
        return rc;
    members = json_object_get(json_object_get(result, "group"), "members");
    r.events = json_array();
    rc = members_stand(cli, args.words[0], members);
    if (rc != CLI_OK)
        goto out;
    json_array_foreach(members, i, member)
    {
        rc = read_do(&r, json_pack("{s:s}", "dossier", jstr(member, "dossier")));
        if (rc != CLI_OK)
            goto out;
    }
    if (cli->json)
        rc = cli_print_json(json_pack("{s:O,s:O}", "members", members, "events", r.events));
    else if ((rc = cli_directory(cli, &directory)) == CLI_OK)
        timeline_print(cli, directory, members, r.events);
out:
    json_decref(directory);
    json_decref(r.events);
    json_decref(result);
    return rc;
}
