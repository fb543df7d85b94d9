/*
 * clients - who there is, and what their inboxes took (client.h)
 */
#include "tests/sim/client.h"

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

#define CLIENTS_MAX 48u

static struct client clients[CLIENTS_MAX];
static size_t client_count;
static struct inbox *inboxes;

static struct inbox *
inbox_add(const struct town_unit *unit, const char *cursor)
{
    static const uint32_t windows[] = {0, 4096, 4096, 16384, 1u << 20};
    static const char *const families[] = {"referral", "case", "info", "sys", "meeting", "court"};
    struct inbox *inbox = must(calloc(1, sizeof *inbox));

    inbox->unit = unit;
    (void)snprintf(inbox->cursor, sizeof inbox->cursor, "%s", cursor);
    inbox->window = windows[fate_below(sizeof windows / sizeof windows[0])];
    inbox->start = fate_once_in(4) ? 0 : 1;
    if (fate_once_in(4))
        (void)snprintf(inbox->family, sizeof inbox->family, "%s", families[fate_below(6)]);
    inbox->next = inboxes;
    inboxes = inbox;
    return inbox;
}

static struct client *
client_add(struct town_unit *unit, const char *session)
{
    struct client *c = &clients[client_count];
    unsigned temper = (unsigned)fate_below(12);

    if (client_count == CLIENTS_MAX)
        abort();
    memset(c, 0, sizeof *c);
    c->index = (uint32_t)client_count++;
    c->unit = unit;
    (void)snprintf(c->session, sizeof c->session, "%s", session);
    c->temper = temper < 7 ? TEMPER_EAGER : temper < 10 ? TEMPER_LATE : temper < 11 ? TEMPER_NO_ACK : TEMPER_STUCK;
    c->publishes = !fate_once_in(5);
    c->upload.paper = PAPER_NONE;
    c->keeps = !fate_once_in(4);
    c->hoards = fate_once_in(40);
    return c;
}

static void
sub_add(struct client *c, struct inbox *inbox)
{
    c->subs[c->sub_count++].inbox = inbox;
}

void
clients_create(void)
{
    client_count = 0;
    for (size_t i = 0; i < town_unit_count(); i++) {
        struct client *c = client_add(town_unit(i), "main");
        struct inbox *inbox = inbox_add(c->unit, "inbox");

        if (i == 0) {
            c->temper = TEMPER_EAGER;
            c->publishes = true;
        }
        sub_add(c, inbox);
        if (fate_once_in(3))
            sub_add(c, inbox_add(c->unit, "")); /* one that ends with its session */
        if (fate_once_in(3)) {
            struct client *second = client_add(c->unit, "second");

            sub_add(second, inbox_add(c->unit, fate_once_in(2) ? "second" : ""));
        }
        if (i > 0 && fate_once_in(5)) {
            struct client *twin = client_add(c->unit, fate_once_in(2) ? "main" : "twin");

            twin->twin = true;
            twin->publishes = false;
            sub_add(twin, inbox);
        }
    }
}

void
clients_clear(void)
{
    for (size_t i = 0; i < client_count; i++) {
        free(clients[i].queue);
        free(clients[i].seqs);
    }
    client_count = 0;
    while (inboxes != NULL) {
        struct inbox *inbox = inboxes;

        inboxes = inbox->next;
        free(inbox->taken);
        free(inbox);
    }
}

size_t
clients_count(void)
{
    return client_count;
}

struct client *
client_at(size_t index)
{
    return &clients[index];
}

/* ---- what was taken */

void
inbox_take(struct inbox *inbox, uint64_t seq)
{
    if (plant_is("inbox_forgets") && seq % 16 == 0)
        return;
    if (seq >= inbox->taken_size) {
        size_t size = inbox->taken_size == 0 ? 1024 : inbox->taken_size;

        while (size <= seq)
            size *= 2;
        inbox->taken = must(realloc(inbox->taken, size));
        memset(inbox->taken + inbox->taken_size, 0, size - inbox->taken_size);
        inbox->taken_size = size;
    }
    inbox->taken[seq] = 1;
}

/* Where a durable subscription goes on is told with Subscribed. */
void
clients_put_back(uint64_t head)
{
    for (struct inbox *inbox = inboxes; inbox != NULL; inbox = inbox->next) {
        inbox->first = 0;
        if (inbox->taken_size > head + 1)
            memset(inbox->taken + head + 1, 0, inbox->taken_size - head - 1);
    }
}

static bool
inbox_wants(const struct inbox *inbox, const struct event *event)
{
    size_t len = strlen(inbox->family);

    if (len > 0 && (strncmp(event->type->name, inbox->family, len) != 0 || event->type->name[len] != '.'))
        return false;
    return inbox->dossier[0] == '\0' || strcmp(event->header->dossier_id, inbox->dossier) == 0;
}

static bool
inbox_is_in_use(const struct inbox *inbox)
{
    for (size_t i = 0; i < client_count; i++)
        for (size_t s = 0; s < clients[i].sub_count; s++)
            if (clients[i].subs[s].inbox == inbox && clients[i].subs[s].open && clients[i].temper != TEMPER_STUCK)
                return true;
    return false;
}

void
clients_check_complete(uint64_t head)
{
    for (const struct inbox *inbox = inboxes; inbox != NULL; inbox = inbox->next) {
        uint32_t unit = core_unit_by_id(ledger_core(), inbox->unit->id);

        if (inbox->cursor[0] == '\0' || inbox->first == 0 || unit == CORE_UNIT_NONE || !inbox_is_in_use(inbox))
            continue;
        for (uint64_t seq = inbox->first; seq <= head; seq++) {
            bool taken = seq < inbox->taken_size && inbox->taken[seq] != 0;
            const struct event *event = &ledger_at(seq)->record.event;

            if (taken || !inbox_wants(inbox, event) || ledger_was_hidden(unit, seq, 1) ||
                event->type->number == WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED)
                continue;
            sim_fail("G4 complete", "%s, cursor %s, never took record %" PRIu64 " (%s)", inbox->unit->id, inbox->cursor,
                     seq, event->type->name);
        }
    }
}
