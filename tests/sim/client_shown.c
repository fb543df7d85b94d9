/*
 * client_shown - asks who was shown what of a dossier, page by page, and goes on where it was after a reconnect
 * (client.h)
 */
#include "tests/sim/client.h"

#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"

#include <stdio.h>
#include <string.h>

static void
page_ask(struct client *c)
{
    struct client_shown *shown = &c->shown;
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__ShownQuery asked;
    char since[TIME_TEXT_SIZE];

    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__shown_query__init(&asked);
    query.request = shown->request = ++c->next_request;
    query.what_case = WICI__V1__QUERY__WHAT_SHOWN;
    query.shown = &asked;
    asked.dossier = shown->dossier;
    asked.from_record = shown->from_record;
    if (fate_once_in(3))
        asked.reason = TEXT("kontrola");
    if (shown->since_ms != 0) {
        time_format(shown->since_ms, since);
        asked.since = since;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    client_say(c, &message);
}

static void
end(struct client *c)
{
    memset(&c->shown, 0, sizeof c->shown);
}

void
client_shown_ask(struct client *c, const char *dossier)
{
    end(c);
    (void)snprintf(c->shown.dossier, sizeof c->shown.dossier, "%s", dossier);
    page_ask(c);
}

void
client_shown_act(struct client *c)
{
    const char *dossier = make_dossier();

    if (c->shown.request != 0 || dossier[0] == '\0')
        return;
    if (c->shown.dossier[0] != '\0') {
        page_ask(c);
        return;
    }
    (void)snprintf(c->shown.dossier, sizeof c->shown.dossier, "%s", dossier);
    if (fate_once_in(4))
        c->shown.since_ms = fate_wall_ms_ago(fate_below(600000));
    page_ask(c);
}

void
client_shown_told(struct client *c, const Wici__V1__ShownList *list)
{
    c->shown.request = 0;
    c->shown.from_record = list->next_record;
    if (list->next_record == 0)
        end(c);
}

void
client_shown_refused(struct client *c, const char *code)
{
    c->shown.request = 0;
    if (strcmp(code, error_name(E_BUSY)) != 0)
        end(c);
}

void
client_shown_finish(struct client *c)
{
    if (c->shown.dossier[0] != '\0' && c->shown.request == 0)
        page_ask(c);
}
