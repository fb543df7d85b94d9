/* wici publish: events from JSON, one answer line for each */
#include "agents/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct publishing {
    struct cli *cli;
    size_t sent, answered, refused;
    bool fatal;
};

static void
answer_print(void *arg, const struct wici_answer *answer)
{
    struct publishing *p = arg;
    const struct wici_error *e = answer->refusal;

    p->answered++;
    if (e != NULL)
        p->refused++;
    if (p->cli->json) {
        json_t *receipt = e == NULL ? json_loads(answer->receipt_json, 0, NULL) : NULL;

        cli_print_json(e == NULL ? json_pack("{s:s,s:o}", "eventId", answer->event_id, "receipt", receipt)
                                 : json_pack("{s:s,s:{s:s,s:s,s:s,s:s}}", "eventId", answer->event_id, "refusal",
                                             "code", e->code, "path", e->path, "pl", e->pl, "en", e->en));
    } else if (e == NULL) {
        json_t *receipt = json_loads(answer->receipt_json, 0, NULL);

        printf("%s  %llu  %s%s\n", answer->event_id, (unsigned long long)answer->seq, time_local_ms(answer->ts_ms),
               answer->repeated ? _("  (already in the log)") : "");
        cli_warnings_print(p->cli, receipt);
        json_decref(receipt);
    } else {
        printf("%s  %s %s: %s\n", answer->event_id, e->code, e->path, p->cli->pl ? e->pl : e->en);
    }
}

/* Publishes one event as soon as the window has room. */
static int
one_publish(struct publishing *p, const json_t *event)
{
    struct wici *w = p->cli->w;
    char *text = json_dumps(event, JSON_COMPACT);
    uint8_t *bytes = NULL;
    size_t len;
    int rc = text == NULL ? -ENOMEM : wici_encode_json(w, text, &bytes, &len, NULL);

    free(text);
    if (rc == -EPROTO) {
        struct wici_answer answer = {.event_id = jstr(json_object_get(event, "header"), "eventId"),
                                     .refusal = wici_error(w)};

        p->sent++;
        answer_print(p, &answer);
        return 0;
    }
    while (rc == 0 && (rc = wici_publish(w, bytes, len, answer_print, p)) == -EAGAIN) {
        size_t before = p->answered;

        rc = wici_run(w, p->cli->timeout_ms);
        if (rc == 0 && p->answered == before && wici_state(w) != WICI_READY)
            rc = wici_wait_ready(w, p->cli->timeout_ms);
    }
    free(bytes);
    if (rc == 0)
        p->sent++;
    return rc;
}

static int
stream_publish(struct publishing *p, FILE *in, const char *name)
{
    json_error_t error;
    json_t *value;
    int rc = 0;

    /* A file holds one event, an array of them, or one after another, on one line each or not. */
    while (rc == 0) {
        int c = getc(in);

        while (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            c = getc(in);
        if (c == EOF)
            return 0;
        ungetc(c, in);
        value = json_loadf(in, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
        if (value == NULL) {
            cli_warn(_("%s: line %d: not JSON: %s"), name, error.line, error.text);
            p->fatal = true;
            return 0;
        }
        if (json_is_array(value)) {
            for (size_t i = 0; rc == 0 && i < json_array_size(value); i++)
                rc = one_publish(p, json_array_get(value, i));
        } else {
            rc = one_publish(p, value);
        }
        json_decref(value);
    }
    return rc;
}

int
cmd_publish(struct cli *cli, int argc, char **argv)
{
    static const struct cli_syntax syntax = {
        NULL, N_("[FILE...]"),
        N_("Publishes events: each FILE (- or none: standard input) holds one event in JSON, an array of them, or one "
           "after another. eventId, occurredAt, actor.agency and actor.unit are filled in where they are missing. "
           "Prints "
           "one line for each; the exit code is 3 if some were refused."),
        0, CLI_ARGS_MAX};
    struct publishing p = {.cli = cli};
    struct cli_args args;
    size_t before;
    int rc;

    args_parse(cli, &syntax, argc, argv, &args);
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    if (args.word_count == 0)
        args.words[args.word_count++] = "-";
    for (size_t i = 0; rc == 0 && i < args.word_count; i++) {
        bool standard = strcmp(args.words[i], "-") == 0;
        FILE *in = standard ? stdin : fopen(args.words[i], "re");

        if (in == NULL) {
            cli_warn("%s: %s", args.words[i], strerror(errno));
            p.fatal = true;
            continue;
        }
        rc = stream_publish(&p, in, args.words[i]);
        if (!standard)
            fclose(in);
    }
    while (rc == 0 && p.answered < p.sent) {
        before = p.answered;
        rc = wici_run(cli->w, cli->timeout_ms);
        if (rc == 0 && p.answered == before)
            rc = wici_state(cli->w) == WICI_READY ? 0 : wici_wait_ready(cli->w, cli->timeout_ms);
    }
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    return p.fatal ? CLI_FAILED : p.refused > 0 ? CLI_REFUSED : CLI_OK;
}
