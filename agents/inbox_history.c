/* inbox_history - see inbox_history.h */
#include "agents/inbox_history.h"

#include "proto/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_LEN 62u /* "SEQ-FROM-DOSSIER": twelve digits each, and a UUID */
#define ID_LEN    36u
#define GROUP     ".group"
#define HAND      ".hand"
#define HAND_MAX  512u

/* ---- notes */

/* The same note again after a crash is the same file. */
static int
note_put(const struct agent_dirs *dirs, uint64_t seq, uint64_t from, const char *dossier, const char *suffix)
{
    char name[sizeof((struct history *)NULL)->note];

    if (from == 0 || from >= seq || strlen(dossier) != ID_LEN || strchr(dossier, '/') != NULL)
        return 0;
    (void)snprintf(name, sizeof name, "%012" PRIu64 "-%012" PRIu64 "-%s%s", seq, from, dossier, suffix);
    return agent_write(dirs->history, name, "", 0);
}

/* False: there can be none. */
static bool
hand_name(const char *referral, char ret[ID_LEN + sizeof HAND])
{
    if (strlen(referral) != ID_LEN || strchr(referral, '/') != NULL)
        return false;
    (void)snprintf(ret, ID_LEN + sizeof HAND, "%s" HAND, referral);
    return true;
}

/* ---- what an event opens */

/* The body of that name in one of the event's sections; NULL: none, or not for us. */
static const json_t *
body_of(const json_t *json, const char *name)
{
    const json_t *section;
    size_t index;

    json_array_foreach(json_object_get(json, "sections"), index, section)
    {
        const json_t *body = json_object_get(section, name);

        if (body != NULL)
            return body;
    }
    return NULL;
}

static int
participant_added(const struct agent_dirs *dirs, const char *unit, const struct wici_event *event, const json_t *json)
{
    const json_t *section;
    size_t index;
    int rc = 0;

    json_array_foreach(json_object_get(json, "sections"), index, section)
    {
        const json_t *body = json_object_get(section, "sysParticipantAddedS0");

        if (rc == 0 && strcmp(member_text(body, "unit"), unit) == 0)
            rc = note_put(dirs, event->seq, member_number(body, "historyFrom"), event->dossier_id, "");
    }
    return rc;
}

/* In the dossier itself it is given at once, in a referral of its own when we accept. */
static int
hand_over_asked(const struct agent_dirs *dirs, const struct wici_event *event, const json_t *json)
{
    const json_t *body = body_of(json, "referralSubmittedS6"), *asked = json_object_get(body, "handOver");
    const char *dossier = member_text(asked, "fromDossier");
    uint64_t from = member_number(asked, "historyFrom");
    char name[ID_LEN + sizeof HAND], text[HAND_MAX];

    if (strcmp(member_text(body, "service"), "HAND_OVER") != 0 || from == 0 || strlen(dossier) != ID_LEN)
        return 0;
    if (strcmp(dossier, event->dossier_id) == 0)
        return note_put(dirs, event->seq, from, dossier, GROUP);
    if (!hand_name(event->dossier_id, name))
        return 0;
    (void)snprintf(text, sizeof text, "{\"from\":\"%" PRIu64 "\",\"dossier\":\"%s\"}", from, dossier);
    return agent_write(dirs->history, name, text, strlen(text));
}

/* We have accepted the referral, at the event. */
static int
hand_over_given(const struct agent_dirs *dirs, const struct wici_event *event, const char *referral)
{
    char name[ID_LEN + sizeof HAND];
    json_t *hand;
    int rc;

    if (!hand_name(referral, name) || !agent_exists(dirs->history, name))
        return 0;
    hand = agent_read_json(dirs->history, name, HAND_MAX);
    rc = note_put(dirs, event->seq, member_number(hand, "from"), member_text(hand, "dossier"), "");
    json_decref(hand);
    return rc == 0 ? agent_remove(dirs->history, name) : rc;
}

static int
referral_answered(const struct agent_dirs *dirs, const struct wici_event *event, const json_t *json)
{
    const char *status = member_text(body_of(json, "referralAnsweredS6"), "status");
    char name[ID_LEN + sizeof HAND];

    if (strcmp(status, "accepted") == 0)
        return hand_over_given(dirs, event, event->dossier_id);
    return strcmp(status, "rejected") == 0 && hand_name(event->dossier_id, name) ? agent_remove(dirs->history, name)
                                                                                 : 0;
}

static int
case_linked(const struct agent_dirs *dirs, const struct wici_event *event, const json_t *json, bool own)
{
    const json_t *body = body_of(json, "caseLinkedS0");
    const char *kind = member_text(body, "kind");

    if (strcmp(kind, "MERGED_INTO") == 0)
        return note_put(dirs, event->seq, member_number(body, "historyFrom"), event->dossier_id, GROUP);
    return own && strcmp(kind, "REFERRAL_OF") == 0 ? hand_over_given(dirs, event, member_text(body, "otherDossier"))
                                                   : 0;
}

int
history_note(const struct agent_dirs *dirs, const char *unit, const struct wici_event *event, const json_t *json)
{
    const char *author = member_text(json_object_get(json_object_get(json, "header"), "actor"), "unit");
    bool own = strcmp(author, unit) == 0;

    if (strcmp(event->type, "sys.participant_added") == 0)
        return participant_added(dirs, unit, event, json);
    /* The assistant's unit reads the dossier from its beginning; so does whom a whole referral is forwarded to, and its
     * office, which the event does not name. */
    if (strcmp(event->type, "case.assistant_assigned") == 0)
        return strcmp(member_text(body_of(json, "caseAssistantAssignedS0"), "unit"), unit) == 0
                   ? note_put(dirs, event->seq, 1, event->dossier_id, "")
                   : 0;
    if (strcmp(event->type, "referral.forwarded") == 0)
        return !own && strcmp(member_text(body_of(json, "referralForwardedS0"), "whole"), "YES") == 0
                   ? note_put(dirs, event->seq, 1, event->dossier_id, "")
                   : 0;
    if (strcmp(event->type, "referral.submitted") == 0)
        return own ? 0 : hand_over_asked(dirs, event, json);
    if (strcmp(event->type, "referral.answered") == 0)
        return own ? referral_answered(dirs, event, json) : 0;
    if (strcmp(event->type, "case.linked") == 0)
        return case_linked(dirs, event, json, own);
    return 0;
}

/* ---- what waits */

static bool
is_note(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && (len == PLAIN_LEN || (len == PLAIN_LEN + strlen(GROUP) && agent_has_suffix(name, GROUP)));
}

static int
note_parse(const char *name, struct history *ret)
{
    uint64_t seq;

    if (sscanf(name, "%12" SCNu64 "-%12" SCNu64 "-", &seq, &ret->from) != 2 || seq == 0)
        return -EBADMSG;
    ret->to = seq - 1;
    (void)snprintf(ret->note, sizeof ret->note, "%s", name);
    (void)snprintf(ret->dossier, sizeof ret->dossier, "%.36s", name + PLAIN_LEN - ID_LEN);
    return 0;
}

/* A note for each of the merged dossiers that the unit knows, in place of the one. */
static int
group_spread(const struct agent_dirs *dirs, const struct agent_link *link, const struct history *h)
{
    char request[96], *text = NULL;
    json_t *result, *member;
    size_t index;
    int rc;

    (void)snprintf(request, sizeof request, "{\"group\":{\"dossier\":\"%s\"}}", h->dossier);
    rc = link->query(link->arg, request, &text);
    if (rc == -EPROTO && link->unknown(link->arg))
        return history_done(dirs, h); /* erased meanwhile */
    if (rc != 0)
        return rc == -ENOMEM ? rc : -EAGAIN;
    result = json_loads(text, 0, NULL);
    free(text);
    json_array_foreach(json_object_get(json_object_get(result, "group"), "members"), index, member)
    {
        const char *kind = member_text(member, "link");

        if (rc == 0 && (kind[0] == '\0' || strcmp(kind, "MERGED_INTO") == 0))
            rc = note_put(dirs, h->to + 1, h->from, member_text(member, "dossier"), "");
    }
    json_decref(result);
    return rc == 0 ? history_done(dirs, h) : rc;
}

int
history_next(const struct agent_dirs *dirs, const struct agent_link *link, struct history *ret)
{
    struct agent_list list;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        rc = agent_list(dirs->history, NULL, is_note, 1, &list);
        if (rc != 0)
            return rc;
        more = list.count > 0;
        if (more)
            rc = note_parse(list.names[0], ret);
        agent_list_free(&list);
        if (rc == 0 && more && !agent_has_suffix(ret->note, GROUP))
            return 1;
        if (rc == 0 && more)
            rc = group_spread(dirs, link, ret);
    }
    return rc;
}

int
history_done(const struct agent_dirs *dirs, const struct history *history)
{
    int rc = agent_remove(dirs->history, history->note);

    return rc == 0 ? agent_sync(dirs->history) : rc;
}
