/*
 * shown - see shown.h
 */
#include "agents/cli/shown.h"
#include "agents/subject.h"

#include "proto/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS_MAX 600000 /* for an answer that takes as long as a start of the broker */
#define RETRY_US    200000 /* between two times that a busy broker is asked */

const char *
unit_agency(const json_t *directory, const char *unit)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(directory, "units"), i, entry)
    {
        if (strcmp(jstr(entry, "id"), unit) == 0)
            return jstr(entry, "agency");
    }
    return "";
}

/* ---- asking */

static uint64_t
now_ms(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* One page; while the broker works on another such question, asked again. */
static int
page_ask(struct cli *cli, const char *request, json_t **ret)
{
    int timeout_ms = cli->timeout_ms == CLI_TIMEOUT_MS ? WAIT_MS_MAX : cli->timeout_ms, rc;
    uint64_t until_ms = now_ms() + (uint64_t)timeout_ms;
    char *text = NULL;

    for (;;) {
        rc = wici_query(cli->w, request, timeout_ms, &text);
        if (rc != -EPROTO || strcmp(wici_error(cli->w)->code, "E_BUSY") != 0 || now_ms() >= until_ms)
            break;
        (void)usleep(RETRY_US);
    }
    if (rc != 0)
        return cli_fail(cli, rc, "wici");
    *ret = json_loads(text, 0, NULL);
    free(text);
    return *ret == NULL ? cli_fail(cli, -ENOMEM, "wici") : CLI_OK;
}

static json_t *
request_make(const struct shown_request *request, uint64_t from_record)
{
    json_t *shown = json_pack("{s:s,s:I}", "dossier", request->dossier, "fromRecord", (json_int_t)from_record);

    if (request->since != NULL)
        json_object_set_new(shown, "since", json_string(request->since));
    if (request->until != NULL)
        json_object_set_new(shown, "until", json_string(request->until));
    if (request->reason != NULL)
        json_object_set_new(shown, "reason", json_string(request->reason));
    return json_pack("{s:o}", "shown", shown);
}

/* Events that several pages name are told once. */
static void
events_join(json_t *to, const json_t *from)
{
    const json_t *event;
    size_t i;

    json_array_foreach(from, i, event)
    {
        bool known = false;

        for (size_t k = 0; k < json_array_size(to) && !known; k++)
            known = member_number(json_array_get(to, k), "seq") == member_number(event, "seq");
        if (!known)
            json_array_append_new(to, json_deep_copy(event));
    }
}

int
shown_ask(struct cli *cli, const struct shown_request *request, json_t **ret)
{
    json_t *all = json_pack("{s:s,s:[],s:[]}", "dossier", request->dossier, "events", "reads");
    uint64_t from = 0;

    do {
        json_t *asked = request_make(request, from), *result = NULL, *page;
        char *text = json_dumps(asked, JSON_COMPACT);
        int rc = page_ask(cli, text, &result);

        json_decref(asked);
        free(text);
        if (rc != CLI_OK) {
            json_decref(all);
            return rc;
        }
        page = json_object_get(result, "shown");
        events_join(json_object_get(all, "events"), json_object_get(page, "events"));
        json_array_extend(json_object_get(all, "reads"), json_object_get(page, "reads"));
        json_object_set(all, "asOfSeq", json_object_get(page, "asOfSeq"));
        json_object_set_new(all, "afterErasure", json_boolean(json_is_true(json_object_get(page, "afterErasure"))));
        from = member_number(page, "nextRecord");
        json_decref(result);
    } while (from != 0);
    *ret = all;
    return CLI_OK;
}

/* Those of the events that some of the reads name. */
static json_t *
events_named(const json_t *events, const json_t *reads)
{
    json_t *seqs = json_object(), *kept = json_array(), *event;
    const json_t *read, *shown;
    size_t i, k;

    json_array_foreach(reads, i, read)
    {
        json_array_foreach(json_object_get(read, "shown"), k, shown)
            json_object_set_new(seqs, jstr(shown, "seq"), json_true());
    }
    json_array_foreach(events, i, event)
    {
        if (json_object_get(seqs, jstr(event, "seq")) != NULL)
            json_array_append(kept, event);
    }
    json_decref(seqs);
    return kept;
}

void
shown_narrow(json_t *shown, const json_t *directory, const char *agency, const char *unit)
{
    json_t *kept = json_array(), *read;
    size_t i;

    json_array_foreach(json_object_get(shown, "reads"), i, read)
    {
        const char *whose = jstr(read, "unit");

        if ((unit == NULL || strcmp(unit, whose) == 0) &&
            (agency == NULL || strcmp(agency, unit_agency(directory, whose)) == 0))
            json_array_append(kept, read);
    }
    json_object_set_new(shown, "events", events_named(json_object_get(shown, "events"), kept));
    json_object_set_new(shown, "reads", kept);
}

/* ---- printing */

/* "S0 S6"; "": nothing but the header. */
static void
classes_text(const json_t *shown, char ret[64])
{
    const json_t *cls;
    size_t i, len = 0;

    ret[0] = '\0';
    json_array_foreach(json_object_get(shown, "classes"), i, cls)
    {
        int n = snprintf(ret + len, 64 - len, "%sS%d", len > 0 ? " " : "", (int)json_integer_value(cls));

        if (n < 0 || (size_t)n >= 64 - len)
            return;
        len += (size_t)n;
    }
}

static const char *
event_type(const json_t *shown, uint64_t seq)
{
    const json_t *event;
    size_t i;

    json_array_foreach(json_object_get(shown, "events"), i, event)
    {
        if (member_number(event, "seq") == seq)
            return jstr(event, "type");
    }
    return "";
}

static const char *
remark_text(const json_t *read, const json_t *shown)
{
    if (json_is_true(json_object_get(read, "possibly")))
        return _("possibly shown: the broker was interrupted");
    if (json_is_true(json_object_get(read, "narrowed")))
        return _("at most: several dossiers were asked for");
    return json_is_true(json_object_get(shown, "atMost")) ? _("at most: rights changed meanwhile") : "";
}

static const char *
read_time(const json_t *read)
{
    return member_number(read, "record") == 0 ? _("still reading") : time_local_ms(member_number(read, "tsMs"));
}

void
shown_print(const struct cli *cli, const json_t *list, const json_t *directory)
{
    struct table *t = table_create(8, _("until"), _("unit"), _("institution"), _("record"), _("what"), _("classes"),
                                   _("why"), _("remark"));
    const json_t *read, *shown;
    size_t i, k;

    json_array_foreach(json_object_get(list, "reads"), i, read)
    {
        const char *unit = jstr(read, "unit"), *agency = unit_agency(directory, unit);

        if (jstr(read, "question")[0] != '\0') {
            char told[SUBJECT_TOLD_SIZE];

            subject_told(read, cli->pl, told);
            table_row(t, read_time(read), unit, agency, jstr(read, "seq"), told, "", jstr(read, "why"), "");
        }
        json_array_foreach(json_object_get(read, "shown"), k, shown)
        {
            char classes[64];

            classes_text(shown, classes);
            table_row(t, read_time(read), unit, agency, jstr(shown, "seq"),
                      type_label(cli, event_type(list, member_number(shown, "seq"))),
                      classes[0] != '\0' ? classes : _("header"), jstr(read, "why"), remark_text(read, shown));
        }
    }
    table_print(t);
}

void
shown_csv(const json_t *list, const json_t *directory)
{
    const json_t *read, *shown;
    size_t i, k;

    csv_row(13, "read_record", "until", "unit", "agency", "reader", "seq", "type", "classes", "question", "why",
            "at_most", "still_reading", "document");
    json_array_foreach(json_object_get(list, "reads"), i, read)
    {
        const char *unit = jstr(read, "unit"), *agency = unit_agency(directory, unit);
        bool going_on = member_number(read, "record") == 0;
        char when[TIME_TEXT_SIZE] = "";

        if (!going_on)
            time_format(member_number(read, "tsMs"), when);
        if (jstr(read, "question")[0] != '\0')
            csv_row(13, jstr(read, "record"), when, unit, agency, jstr(read, "cursor"), jstr(read, "seq"), "", "",
                    jstr(read, "question"), jstr(read, "why"), "0", "0", jstr(read, "document"));
        json_array_foreach(json_object_get(read, "shown"), k, shown)
        {
            char classes[64];
            bool at_most = json_is_true(json_object_get(read, "possibly")) ||
                           json_is_true(json_object_get(read, "narrowed")) ||
                           json_is_true(json_object_get(shown, "atMost"));

            classes_text(shown, classes);
            csv_row(13, going_on ? "" : jstr(read, "record"), when, unit, agency, jstr(read, "cursor"),
                    jstr(shown, "seq"), event_type(list, member_number(shown, "seq")), classes, "", jstr(read, "why"),
                    at_most ? "1" : "0", going_on ? "1" : "0", "");
        }
    }
}
