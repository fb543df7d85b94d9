/*
 * outbox_event - see outbox_event.h
 */
#include "agents/outbox_event.h"

#include "agents/agent_explain.h"
#include "wici/v1/event.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
event_read(int dir, const char *name, json_t **ret, struct agent_refusal *why)
{
    json_error_t error;
    char *text = NULL;
    size_t len = 0;
    int rc;

    rc = agent_read(dir, name, AGENT_FILE_MAX, &text, &len);
    if (rc == 0 && len > 0 && (*ret = agent_load_json(text, len, &error)) == NULL) {
        agent_explain_syntax(&error, why);
        rc = -EPROTO;
    } else if (rc == 0 && len == 0) {
        agent_explain_make(why, "E_JSON", "", "Plik jest pusty.", "The file is empty.");
        rc = -EPROTO;
    } else if (rc == -EFBIG) {
        agent_explain_make(
            why, "E_SIZE", "",
            "Plik jest większy niż 1 MiB. Skany i inne pliki wkłada się do folderu NAZWA.files obok niego.",
            "The file is larger than 1 MiB. Scans and other files go into the folder NAME.files beside it.");
        rc = -EPROTO;
    } else if (rc == -EACCES || rc == -EINVAL || rc == -ELOOP) {
        agent_explain_make(
            why, "E_JSON", "",
            "Agent nie może odczytać tego pliku: nie ma do niego praw. Zapisz go tak, żeby konto agenta mogło "
            "go czytać.",
            "The agent may not read this file. Save it so that the agent's account can read it.");
        rc = -EPROTO;
    }
    free(text);
    return rc;
}

int
event_fill(const struct outbox_options *o, json_t *event)
{
    const struct agent_role *role = &o->config->role;
    json_t *header = json_object_get(event, "header"), *actor;
    int rc = 0;

    if (!json_is_object(header))
        return 0; /* the encoder says what is wrong with it */
    actor = json_object_get(header, "actor");
    if (actor == NULL) {
        actor = json_object();
        if (json_object_set_new(header, "actor", actor) < 0)
            return -ENOMEM;
    }
    if (!json_is_object(actor))
        return 0;
    if (json_object_get(actor, "agency") == NULL)
        rc |= json_object_set_new(actor, "agency", json_string(o->who->agency));
    if (json_object_get(actor, "unit") == NULL)
        rc |= json_object_set_new(actor, "unit", json_string(o->who->unit));
    if (json_object_get(actor, "role") == NULL)
        rc |= json_object_set_new(actor, "role", json_string(role->role));
    if (role->profession[0] != '\0' && json_object_get(actor, "profession") == NULL)
        rc |= json_object_set_new(actor, "profession", json_string(role->profession));
    return rc != 0 ? -ENOMEM : 0;
}

int
event_facts(const uint8_t *bytes, size_t len, char id[40], bool *ret_addressed)
{
    Wici__V1__EventDocument *event = wici__v1__event_document__unpack(NULL, len, bytes);
    int rc = -EBADMSG;

    if (event != NULL && event->header != NULL && strlen(event->header->event_id) == 36) {
        if (id != NULL)
            memcpy(id, event->header->event_id, 37);
        if (ret_addressed != NULL)
            *ret_addressed = event->header->n_to > 0;
        rc = 0;
    }
    if (event != NULL)
        wici__v1__event_document__free_unpacked(event, NULL);
    return rc;
}
