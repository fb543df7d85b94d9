/*
 * deeds - what clients do at random (client.h)
 */
#include "tests/sim/client.h"

#include "tests/sim/backup.h"
#include "tests/sim/fate.h"
#include "tests/sim/ledger.h"
#include "tests/sim/make.h"
#include "tests/sim/plants.h"
#include "tests/sim/saids.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_WAITING 6u

static void
read_something(struct client *c)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Read read;

    if (c->reads_open >= READS_PER_SESSION_MAX)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__read__init(&read);
    read.request = ++c->next_request;
    if (fate_once_in(2))
        read.dossier = TEXT(make_dossier());
    if (fate_once_in(3))
        read.from_seq = 1 + fate_below(ledger_head() + 1);
    if (fate_once_in(3))
        read.to_seq = read.from_seq + fate_below(ledger_head() + 1);
    if (fate_once_in(4))
        read.max_events = 1 + (uint32_t)fate_below(10);
    if (fate_once_in(4))
        read.family = TEXT(fate_once_in(2) ? "case" : "info");
    if (fate_once_in(5))
        read.reason = TEXT("kontrola");
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_READ;
    message.read = &read;
    c->reads_open++;
    client_say(c, &message);
}

static void
ask_something(struct client *c)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__Explain explain;
    Wici__V1__GroupQuery group;
    Wici__V1__CursorsQuery cursors;
    Wici__V1__FetchedQuery fetched;
    char id[37];

    if (ledger_head() == 0)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__explain__init(&explain);
    wici__v1__group_query__init(&group);
    wici__v1__cursors_query__init(&cursors);
    wici__v1__fetched_query__init(&fetched);
    query.request = ++c->next_request;
    explain.seq = 1 + fate_below(ledger_head());
    uuid_format(ledger_at(explain.seq)->record.event.event_id, id);
    group.dossier = TEXT(make_dossier());
    fetched.event_id = id;
    switch (fate_below(4)) {
    case 0:
        query.what_case = WICI__V1__QUERY__WHAT_EXPLAIN;
        query.explain = &explain;
        break;
    case 1:
        query.what_case = WICI__V1__QUERY__WHAT_GROUP;
        query.group = &group;
        break;
    case 2:
        query.what_case = WICI__V1__QUERY__WHAT_CURSORS;
        query.cursors = &cursors;
        break;
    default:
        query.what_case = WICI__V1__QUERY__WHAT_FETCHED;
        query.fetched = &fetched;
        break;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    client_say(c, &message);
}

/* A dossier that is tied to others, when one is found soon. */
static const char *
dossier_tied(void)
{
    const char *dossier = make_dossier();

    for (unsigned i = 0; i < 8; i++) {
        struct core_erase_member members[2];
        uint8_t id[16];

        if (uuid_parse(dossier, id) == 0 && core_erase_group(ledger_core(), id, members, 2) == 2)
            break;
        dossier = make_dossier();
    }
    return dossier;
}

void
client_erase(struct client *c)
{
    static const char *const reasons[] = {"COURT_ORDER", "GDPR_17", "RETENTION_ENDED", "MISTAKE", "REPEATED"};
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__EraseQuery erase;
    Wici__V1__ErasePreviewQuery preview;
    char *dossiers[2];

    if (c->line == NULL || !c->ready || c->erase != 0 || make_dossier()[0] == '\0')
        return;
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__erase_query__init(&erase);
    wici__v1__erase_preview_query__init(&preview);
    for (size_t i = 0; i < 2; i++)
        dossiers[i] = TEXT(fate_once_in(2) ? dossier_tied() : make_dossier());
    query.request = c->erase = ++c->next_request;
    erase.dossiers = preview.dossiers = dossiers;
    erase.n_dossiers = preview.n_dossiers = 1 + fate_once_in(3);
    erase.reason = TEXT(reasons[fate_below(fate_once_in(9) ? 5 : 4)]);
    erase.order_sha256 = TEXT("00000000000000000000000000000000000000000000000000000000000000aa");
    query.what_case = WICI__V1__QUERY__WHAT_ERASE;
    query.erase = &erase;
    if (fate_once_in(3)) {
        query.what_case = WICI__V1__QUERY__WHAT_ERASE_PREVIEW;
        query.erase_preview = &preview;
    }
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    client_say(c, &message);
}

void
client_backup(struct client *c)
{
    Wici__V1__ClientMessage message;
    Wici__V1__Query query;
    Wici__V1__BackupQuery backup;

    if (c->line == NULL || !c->ready)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__query__init(&query);
    wici__v1__backup_query__init(&backup);
    query.request = ++c->next_request;
    query.what_case = WICI__V1__QUERY__WHAT_BACKUP;
    query.backup = &backup;
    backup.label = TEXT(backup_label_next());
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_QUERY;
    message.query = &query;
    client_say(c, &message);
}

static void
garbage(struct client *c)
{
    uint8_t bytes[24];
    struct door_message parcel = {.bytes = bytes, .len = fate_below(sizeof bytes), .bad_frames = fate_once_in(3)};

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)fate_draw();
    door_say(c->line, &parcel);
}

static void
publish_something(struct client *c)
{
    uint32_t link;

    if (!c->publishes)
        return;
    if (c->queue_len - c->answered < QUEUE_WAITING) {
        if (c->queue_len > 0 && fate_once_in(20)) {
            client_publish(c, make_copy(c->queue[c->queue_len - 1], c->unit)); /* before the first is answered */
        } else if (saids_count() > 0 && fate_once_in(15)) {
            uint32_t said = (uint32_t)fate_below(saids_count());

            if (saids_at(saids_at(said)->same_as)->seq != 0 || saids_at(said)->client == c->index)
                client_publish(c, fate_once_in(4) ? make_other_bytes(said, c->unit) : make_copy(said, c->unit));
        } else {
            link = fate_once_in(4) ? make_link(c->unit) : SAID_NONE;
            client_publish(c, link != SAID_NONE ? link : make_event(c->unit));
        }
    }
    client_publish_next(c);
}

static void
subscriptions_act(struct client *c)
{
    struct client_sub *sub = &c->subs[fate_below(c->sub_count)];

    if (sub->number == 0)
        client_subscribe(c, sub);
    else if (c->temper == TEMPER_EAGER || (c->temper == TEMPER_LATE && fate_once_in(8)))
        client_acknowledge(c, sub);
}

static void
unsubscribe(struct client *c)
{
    struct client_sub *sub = &c->subs[fate_below(c->sub_count)];
    Wici__V1__ClientMessage message;
    Wici__V1__Unsubscribe unsubscribe;

    if (!sub->open)
        return;
    wici__v1__client_message__init(&message);
    wici__v1__unsubscribe__init(&unsubscribe);
    unsubscribe.subscription = sub->number;
    message.message_case = WICI__V1__CLIENT_MESSAGE__MESSAGE_UNSUBSCRIBE;
    message.unsubscribe = &unsubscribe;
    client_say(c, &message);
    sub->number = 0;
    sub->open = false;
}

void
client_act(struct client *c)
{
    if (c->line == NULL) {
        if (c->temper != TEMPER_STUCK || fate_once_in(4))
            client_connect(c);
        return;
    }
    if (!c->ready && c->temper != TEMPER_STUCK)
        return;
    switch (fate_below(c->temper == TEMPER_STUCK ? 40 : 18)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6: publish_something(c); break;
    case 7:
    case 8:
    case 9:
    case 10: subscriptions_act(c); break;
    case 11: read_something(c); break;
    case 12:
        if (fate_once_in(3))
            ask_something(c);
        if (strcmp(c->unit->roles, "AUD") == 0 || fate_once_in(8))
            client_shown_act(c);
        break;
    case 13:
        if (fate_once_in(60))
            garbage(c);
        break;
    case 14:
        if (fate_once_in(30))
            unsubscribe(c);
        break;
    case 15:
    case 16: client_document_act(c); break;
    default: client_publish_next(c); break;
    }
}
