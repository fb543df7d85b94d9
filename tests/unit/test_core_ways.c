/* See test_core_ways.h. */
#include "test_core_ways.h"

const struct arrow *
ways_first_fit(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards)
{
    const struct machine *machine = machine_at(kind);

    for (const struct arrow *a = machine->arrows; a < machine->arrows + machine->arrow_count; a++)
        if (a->input == input && (a->from >> state & 1u) != 0 &&
            (a->guard == GUARD_NONE || (guards >> a->guard & 1u) != 0))
            return a;
    return NULL;
}

bool
ways_names(enum machine_kind kind, enum input input)
{
    const struct machine *machine = machine_at(kind);

    for (size_t i = 0; i < machine->arrow_count; i++)
        if (machine->arrows[i].input == input)
            return true;
    return false;
}

uint32_t
ways_guards(enum machine_kind kind, enum input input)
{
    const struct machine *machine = machine_at(kind);
    uint32_t asked = 0;

    for (size_t i = 0; i < machine->arrow_count; i++)
        if (input == IN_NONE || machine->arrows[i].input == input)
            asked |= 1u << machine->arrows[i].guard;
    return asked & ~1u;
}

static bool
goes_back(enum machine_kind kind, uint8_t state)
{
    const struct machine *machine = machine_at(kind);

    for (size_t i = 0; i < machine->arrow_count; i++)
        if (machine->arrows[i].to == TO_BEFORE && (machine->arrows[i].from >> state & 1u) != 0)
            return true;
    return false;
}

/* The submission that began the referral is taken back, before anything else was said of it. */
static bool
takes_back(const struct search *s, const struct node *from, const struct drive *drive)
{
    return drive->input == IN_NONE && s->world->machine == MACHINE_REFERRAL && from->depth == 1 &&
           drives[from->drive].input == IN_SUBMITTED;
}

uint32_t
ways_hold(const struct search *s, const struct node *at, const struct drive *drive)
{
    bool untaken = s->world->machine == MACHINE_REFERRAL && at->state == REFERRAL_ON_HOLD &&
                   (at->before == REFERRAL_REQUESTED || at->before == REFERRAL_RECEIVED);

    return at->bits | drive->brings | (untaken ? GUARD_BIT(UNTAKEN) : 0);
}

bool
ways_can_say(const struct search *s, const struct node *from, const struct drive *drive)
{
    if (drive->input == IN_NONE && !takes_back(s, from, drive))
        return false;
    return world_takes(s->world, drive->input) && !world_never_takes(s->world, drive->input) &&
           ((from->bits & HAS_DOSSIER) != 0 || (drive->lacks & HAS_DOSSIER) != 0) &&
           (from->bits & drive->needs) == drive->needs && (from->bits & drive->lacks) == 0;
}

bool
ways_follow(const struct search *s, const struct node *from, const struct drive *drive, struct node *ret)
{
    const struct arrow *a = ways_first_fit(s->world->machine, from->state, drive->input, ways_hold(s, from, drive));
    uint32_t sets = drive->sets;

    *ret = *from;
    if (takes_back(s, from, drive))
        ret->state = REFERRAL_ENTERED_IN_ERROR;
    if (a != NULL && a->to == TO_REFUSED)
        return false;
    if (a != NULL && a->to == TO_BEFORE) {
        ret->state = from->before;
    } else if (a != NULL && a->to != TO_SAME) {
        ret->state = a->to;
        ret->before = from->state;
    }
    if (drive->input == IN_ZZ_APPLIED && ret->state != CASE_OPENED && ret->state != CASE_NONE)
        sets = 0;
    ret->bits = (from->bits | sets) & ~drive->clears;
    return true;
}

static void
note_node(struct search *s, struct node node, size_t parent, size_t drive)
{
    node.bits &= s->matter;
    if (!goes_back(s->world->machine, node.state))
        node.before = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->nodes[i].state == node.state && s->nodes[i].before == node.before && s->nodes[i].bits == node.bits)
            return;
    assert_true(s->count < NODES_MAX);
    node.parent = (uint16_t)parent;
    node.drive = (uint16_t)drive;
    node.depth = (uint16_t)(s->count == 0 ? 0 : s->nodes[parent].depth + 1);
    s->nodes[s->count++] = node;
}

void
ways_search(struct search *s, const struct world *world)
{
    struct node next;

    s->world = world;
    s->count = 0;
    s->matter = ways_guards(world->machine, IN_NONE) | HAS_DOSSIER;
    for (size_t d = 0; d < drive_count; d++)
        if (drives[d].input == IN_NONE || ways_names(world->machine, drives[d].input))
            s->matter |= drives[d].needs | drives[d].lacks;
    note_node(s, (struct node){.state = world->start, .bits = world->holds}, 0, 0);
    for (size_t i = 0; i < s->count; i++)
        for (size_t d = 0; d < drive_count; d++)
            if (ways_can_say(s, &s->nodes[i], &drives[d]) && ways_follow(s, &s->nodes[i], &drives[d], &next))
                note_node(s, next, i, d);
}
