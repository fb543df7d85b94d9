/*
 * The durable cursors: what their owners acknowledged, and what is on disk.
 */
#include "tests/sim/check.h"

#include "tests/sim/ledger.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSORS_MAX 512u

struct cursor {
    char unit[ID_LEN_MAX + 1], name[ID_LEN_MAX + 1];
    uint64_t begun; /* where it first began: what counts as acknowledged then */
    uint64_t acked; /* the highest acknowledgement that the broker was given */
    uint64_t disk;  /* as last seen committed */
};

static struct cursor cursors[CURSORS_MAX];
static size_t cursor_count;

static struct cursor *
cursor_have(const char *unit, const char *name)
{
    for (size_t i = 0; i < cursor_count; i++)
        if (strcmp(cursors[i].unit, unit) == 0 && strcmp(cursors[i].name, name) == 0)
            return &cursors[i];
    if (cursor_count == CURSORS_MAX)
        abort();
    (void)snprintf(cursors[cursor_count].unit, sizeof cursors[0].unit, "%s", unit);
    (void)snprintf(cursors[cursor_count].name, sizeof cursors[0].name, "%s", name);
    return &cursors[cursor_count++];
}

static struct cursor *
cursor_of(uint32_t unit, const char *name)
{
    struct core_unit u;

    core_unit(ledger_core(), unit, &u);
    return cursor_have(u.id, name);
}

void
check_cursors_clear(void)
{
    memset(cursors, 0, sizeof cursors);
    cursor_count = 0;
}

struct check_cursors_shot {
    size_t count;
    struct cursor at[CURSORS_MAX];
};

struct check_cursors_shot *
check_cursors_shot(void)
{
    struct check_cursors_shot *shot = must(calloc(1, sizeof *shot));

    shot->count = cursor_count;
    memcpy(shot->at, cursors, sizeof cursors);
    return shot;
}

/* A commit of cursors alone is not looked at: the disk may have been ahead of what was seen, never of what was
 * acknowledged. */
void
check_cursors_put_back(const struct check_cursors_shot *shot)
{
    memcpy(cursors, shot->at, sizeof cursors);
    cursor_count = shot->count;
}

void
check_cursor_begins(uint32_t unit, const struct tally_sub *sub, uint64_t from_seq)
{
    struct cursor *c = cursor_of(unit, sub->cursor);

    if (c->disk == 0 && c->acked == 0) {
        c->begun = from_seq - 1;
        return;
    }
    if (from_seq - 1 > c->acked && from_seq - 1 > c->begun)
        sim_fail("G4 cursor", "%s/%s goes on at %" PRIu64 ", acknowledged is %" PRIu64, c->unit, c->name, from_seq,
                 c->acked);
    if (from_seq - 1 < c->disk)
        sim_fail("G4 cursor", "%s/%s goes on at %" PRIu64 ", on disk is %" PRIu64, c->unit, c->name, from_seq, c->disk);
}

void
check_cursor_acked(uint32_t unit, const char *cursor, uint64_t seq)
{
    struct cursor *c = cursor_of(unit, cursor);

    if (seq > c->acked)
        c->acked = seq;
}

void
check_cursor_reached(uint32_t unit, const char *cursor, uint64_t seq)
{
    const struct cursor *c = cursor_of(unit, cursor);

    if (c->disk < seq)
        sim_fail("G4 cursor",
                 "%s/%s was acknowledged up to %" PRIu64 " before an event that has its receipt; on disk is %" PRIu64,
                 c->unit, c->name, seq, c->disk);
}

static int
cursor_check(void *arg, const char *unit, const char *name, const struct store_cursor *cursor)
{
    struct cursor *c = cursor_have(unit, name);

    (void)arg;
    if (c->disk == 0 && c->acked == 0 && c->begun == 0)
        c->begun = cursor->seq; /* committed before Subscribed was sent */
    if (cursor->seq > c->acked && cursor->seq > c->begun)
        sim_fail("G4 cursor", "%s/%s is at %" PRIu64 " on disk, acknowledged is %" PRIu64, unit, name, cursor->seq,
                 c->acked);
    if (cursor->seq < c->disk)
        sim_fail("G4 cursor", "%s/%s went back on disk from %" PRIu64 " to %" PRIu64, unit, name, c->disk, cursor->seq);
    c->disk = cursor->seq;
    return 0;
}

void
check_cursors_committed(struct store *store)
{
    if (store_cursor_each(store, NULL, cursor_check, NULL) != 0)
        sim_fail("G4 cursor", "the cursors cannot be listed: %s", store_damage(store));
}
