/*
 * new_answered - see new_answered.h
 */
#include "agents/cli/new_answered.h"

#include "proto/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWERED_FILE_MAX (1 << 20) /* bytes of a received file */

int
answered_load(struct cli *cli, const char *what, json_t **ret)
{
    bool number = strspn(what, "0123456789") == strlen(what) && what[0] != '\0';
    json_t *event = NULL, *request;
    struct stat file;
    char *text;
    uint8_t id[16];
    int rc;

    if (access(what, R_OK) == 0) {
        if (stat(what, &file) == 0 && file.st_size <= ANSWERED_FILE_MAX)
            event = json_load_file(what, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json_object_get(event, "header"))) {
            cli_warn(_("%s holds no received event"), what);
            json_decref(event);
            return CLI_FAILED;
        }
        *ret = event;
        return CLI_OK;
    }
    if (!number && uuid_parse(what, id) != 0)
        usage_fail(_("neither a file that can be read, nor a number or an id of an event: %s"), what);
    rc = cli_connect(cli);
    if (rc != CLI_OK)
        return rc;
    request = number ? json_pack("{s:s,s:s}", "fromSeq", what, "toSeq", what) : json_pack("{s:s}", "eventId", what);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    rc = text == NULL ? -ENOMEM : wici_read(cli->w, text, cli->timeout_ms, event_keep_first, &event);
    free(text);
    if (rc != 0) {
        json_decref(event);
        return cli_fail(cli, rc, "wici");
    }
    if (event == NULL) {
        cli_warn(_("there is no event %s, or not for this unit"), what);
        return CLI_NOT_FOUND;
    }
    *ret = event;
    return CLI_OK;
}

/* ---- what is taken from it */

/* Fields that name an event of a type by its id. */
static void
own_id_take(const json_t *header, json_t *known)
{
    static const struct {
        const char *type, *field;
    } fields[] = {{"CASE_INTERVIEW_COMPLETED", "interviewEventId"},
                  {"CASE_ASSISTANT_REQUESTED", "requestEventId"},
                  {"REFERRAL_SUBMITTED", "requestEventId"},
                  {"REFERRAL_SUBMITTED", "applicationEventId"}};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(jstr(header, "type"), fields[i].type) == 0)
            json_object_set_new(known, fields[i].field, json_string(jstr(header, "eventId")));
}

static void
body_take(const json_t *body, json_t *known, json_t *persons)
{
    const json_t *value, *person;
    const char *name;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        uint8_t id[16];

        if (json_is_string(value) && uuid_parse(json_string_value(value), id) == 0 &&
            json_object_get(known, name) == NULL)
            json_object_set_new(known, name, json_string(json_string_value(value)));
    }
    json_array_foreach(json_object_get(body, "persons"), i, person) json_array_append_new(
        persons, json_pack("{s:s,s:s}", "personRef", jstr(person, "personRef"), "name", jstr(person, "name")));
}

void
answered_take(const json_t *event, json_t *header, json_t *known, json_t *persons)
{
    static const char *const copied[] = {"dossierId", "correlationId"};
    const json_t *of = json_object_get(event, "header"), *section;
    size_t i;

    for (i = 0; i < sizeof copied / sizeof copied[0]; i++)
        if (jstr(of, copied[i])[0] != '\0')
            json_object_set_new(header, copied[i], json_string(jstr(of, copied[i])));
    json_object_set_new(header, "causationId", json_string(jstr(of, "eventId")));
    own_id_take(of, known);
    json_array_foreach(json_object_get(event, "sections"), i, section)
    {
        uint32_t type;
        unsigned cls;

        body_take(section_body(section, &type, &cls), known, persons);
    }
}
