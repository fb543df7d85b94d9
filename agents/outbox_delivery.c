/*
 * outbox_delivery - see outbox_delivery.h
 */
#include "agents/outbox_delivery.h"

#include "agents/receipt_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRACK_MAX (64u << 10)

static bool
is_track(const char *name)
{
    return name[0] != '.' && strlen(name) == 41 && agent_has_suffix(name, ".json");
}

/* Is the file one that was written here before, of this event? */
static bool
is_note_of(const struct delivery *d, const char *side, const char *event_id)
{
    json_t *note = agent_read_json(d->dirs->sent, side, TRACK_MAX);
    const char *id = json_string_value(json_object_get(note, "eventId"));
    bool is = id != NULL && strcmp(id, event_id) == 0;

    json_decref(note);
    return is;
}

/* Whether all units have it; 1 also where a file of people's own has the name; -ENOMEM. */
static int
delivery_write(const struct delivery *d, const char *event_id, const json_t *track, const json_t *fetched)
{
    const char *side = json_string_value(json_object_get(track, "delivery"));
    json_t *units = json_object_get(fetched, "units"), *unit, *json;
    char *text = NULL, *old = NULL;
    bool all = true;
    size_t i;
    int rc = 0;

    if (json_array_size(units) == 0)
        return 1; /* nobody is addressed after all */
    json_array_foreach(units, i, unit) all = all && json_is_true(json_object_get(unit, "fetched"));
    json = json_pack("{s:s, s:O, s:O, s:b, s:O}", "eventId", event_id, "file", json_object_get(track, "file"), "sentAt",
                     json_object_get(track, "sentAt"), "fetchedByAll", (int)all, "units", units);
    text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (text == NULL || side == NULL) {
        free(text);
        return -ENOMEM;
    }
    if (agent_exists(d->dirs->sent, side) && !is_note_of(d, side, event_id)) {
        free(text);
        return 1; /* people's own: it stays */
    }
    if (agent_read(d->dirs->sent, side, TRACK_MAX, &old, NULL) != 0 || strcmp(old, text) != 0)
        rc = agent_write(d->dirs->sent, side, text, strlen(text));
    free(old);
    free(text);
    return rc != 0 ? rc : (int)all;
}

/* Returns 1: done with this event; 0: ask again in the next round; -EAGAIN: no answer now; or -errno. */
static int
delivery_ask(const struct delivery *d, const char *name)
{
    json_t *track = agent_read_json(d->dirs->track, name, TRACK_MAX), *result = NULL;
    const char *file = json_string_value(json_object_get(track, "file"));
    time_t sent_at = (time_t)json_integer_value(json_object_get(track, "sentAt"));
    char event_id[40], request[128];
    char *text = NULL;
    int rc = 1;

    if (file == NULL || !agent_exists(d->dirs->sent, file))
        goto out;
    (void)snprintf(event_id, sizeof event_id, "%.36s", name);
    if (!receipt_may_be_of(d->dirs->sent, file, event_id))
        goto out;
    (void)snprintf(request, sizeof request, "{\"fetched\":{\"eventId\":\"%s\"}}", event_id);
    rc = d->link->query(d->link->arg, request, &text);
    if (rc == -EPROTO) {
        rc = d->link->unknown(d->link->arg) ? 1 : 0; /* 1: not ours, or erased */
    } else if (rc != 0) {
        rc = -EAGAIN;
        goto out;
    } else {
        result = json_loads(text, 0, NULL);
        rc = delivery_write(d, event_id, track, json_object_get(result, "fetched"));
    }
    if (rc == 0 &&
        (time_t)(d->link->time_ms(d->link->arg) / 1000u) - sent_at > (time_t)d->config->delivery_days * 86400)
        rc = 1;
out:
    free(text);
    json_decref(result);
    json_decref(track);
    return rc;
}

int
delivery_run(struct delivery *delivery, uint64_t now_ms)
{
    struct agent_list list;
    bool more;
    int rc;

    if (now_ms < delivery->next_ms)
        return 0;
    rc = agent_list(delivery->dirs->track, delivery->after[0] != '\0' ? delivery->after : NULL, is_track,
                    DELIVERY_STEP_MAX, &list);
    if (rc != 0)
        return rc;
    more = list.more;
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        (void)snprintf(delivery->after, sizeof delivery->after, "%s", list.names[i]);
        rc = delivery_ask(delivery, list.names[i]);
        if (rc == 1)
            rc = agent_remove(delivery->dirs->track, list.names[i]);
    }
    agent_list_free(&list);
    if (rc == 0 && more)
        return 1;
    delivery->after[0] = '\0';
    delivery->next_ms = now_ms + delivery->config->delivery_s * 1000;
    return rc == -EAGAIN ? 0 : rc;
}
