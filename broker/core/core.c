/* Making and dropping the state, and what it knows of units and the policy. */
#include "broker/core/agency_clocks.h"
#include "broker/core/state.h"

#include "proto/event.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
core_create(struct core **ret)
{
    struct core *core = calloc(1, sizeof *core);
    int rc;

    if (core == NULL)
        return -ENOMEM;
    rc = dossiers_init(&core->dossiers);
    if (rc != 0) {
        free(core);
        return rc;
    }
    *ret = core;
    return 0;
}

void
core_destroy(struct core **core)
{
    struct core *c = *core;

    if (c == NULL)
        return;
    directory_clear(&c->directory);
    dossiers_clear(&c->dossiers);
    registers_clear(&c->registers);
    erased_clear(&c->erased);
    agency_clocks_clear(&c->agency_clocks);
    numbers_clear(&c->scratch);
    policy_destroy(&c->policy);
    for (uint32_t i = 0; i < c->past.count; i++)
        policy_destroy(&c->past.at[i]);
    free(c->policy_text);
    free(c);
    *core = NULL;
}

void
core_swap(struct core *core, struct core *other)
{
    uint64_t folds = core->folds > other->folds ? core->folds : other->folds;
    struct core kept = *core;

    *core = *other;
    *other = kept;
    core->folds = other->folds = folds + 1;
}

uint32_t
core_unit_by_key(const struct core *core, const char *text, uint64_t now_ms)
{
    const struct directory *directory = &core->directory;
    uint32_t number = strings_find(&directory->key_text, text);
    const struct key *key;

    if (number == STRINGS_NONE)
        return CORE_UNIT_NONE;
    key = &directory->keys[number];
    if (directory->units[key->unit].suspended || !directory_key_valid(key, now_ms))
        return CORE_UNIT_NONE;
    return key->unit;
}

uint32_t
core_unit_by_id(const struct core *core, const char *id)
{
    return directory_unit(&core->directory, id);
}

void
core_unit(const struct core *core, uint32_t unit, struct core_unit *ret)
{
    const struct directory *directory = &core->directory;

    assert(unit < directory->unit_count);
    *ret = (struct core_unit){
        .id = directory_unit_id(directory, unit),
        .agency = directory_unit_agency_id(directory, unit),
        .name = directory->units[unit].enrolled->name,
        .roles = directory->units[unit].roles,
        .suspended = directory->units[unit].suspended,
    };
}

bool
core_unit_is(const struct core *core, uint32_t unit, unsigned role)
{
    assert(unit < core->directory.unit_count);
    assert(role < ROLE_COUNT);
    return (core->directory.units[unit].roles >> role & 1u) != 0;
}

uint32_t
core_unit_count(const struct core *core)
{
    return core->directory.unit_count;
}

uint64_t
core_directory_version(const struct core *core)
{
    return core->directory.version;
}

/* ---- as messages; NULL when the arena is used up */

static Wici__V1__DirectoryAgency *
agency_message(const struct directory *directory, uint32_t agency, struct arena *arena)
{
    const struct agency *a = &directory->agencies[agency];
    Wici__V1__DirectoryAgency *message = arena_alloc(arena, sizeof *message);

    if (message == NULL)
        return NULL;
    wici__v1__directory_agency__init(message);
    if (a->external != NULL) {
        message->id = a->external->agency_id;
        message->name = a->external->name;
        message->kinds = a->external->kinds;
        message->n_kinds = a->external->n_kinds;
        message->served_by = a->external->served_by;
        message->channel = a->external->channel;
        message->external = 1;
    } else {
        message->id = a->enrolled->agency_id;
        message->name = a->enrolled->name;
        message->kinds = a->enrolled->kinds;
        message->n_kinds = a->enrolled->n_kinds;
    }
    return message;
}

static Wici__V1__DirectoryKey *
key_message(const struct directory *directory, uint32_t number, struct arena *arena)
{
    Wici__V1__DirectoryKey *message = arena_alloc(arena, sizeof *message);
    char until[TIME_TEXT_SIZE] = "";

    if (message == NULL)
        return NULL;
    wici__v1__directory_key__init(message);
    if (directory->keys[number].until_ms != 0)
        time_format(directory->keys[number].until_ms, until);
    message->key = arena_text(arena, strings_at(&directory->key_text, number));
    message->until = arena_text(arena, until);
    return message->key == NULL || message->until == NULL ? NULL : message;
}

static Wici__V1__DirectoryUnit *
unit_message(const struct directory *directory, uint32_t unit, struct arena *arena)
{
    const struct unit *u = &directory->units[unit];
    Wici__V1__DirectoryUnit *message = arena_alloc(arena, sizeof *message);

    if (message == NULL)
        return NULL;
    wici__v1__directory_unit__init(message);
    message->id = u->enrolled->unit_id;
    message->agency = u->enrolled->agency_id;
    message->name = u->enrolled->name;
    message->roles = u->enrolled->roles;
    message->n_roles = u->enrolled->n_roles;
    message->areas = u->enrolled->areas;
    message->n_areas = u->enrolled->n_areas;
    message->gmina = u->enrolled->gmina;
    message->n_gmina = u->enrolled->n_gmina;
    message->parent = u->enrolled->parent;
    message->suspended = u->suspended;
    message->keys = arena_alloc(arena, KEYS_PER_UNIT_MAX * sizeof(Wici__V1__DirectoryKey *));
    if (message->keys == NULL)
        return NULL;
    for (size_t i = 0; i < KEYS_PER_UNIT_MAX; i++) {
        if (u->keys[i] == DIRECTORY_NONE)
            continue;
        message->keys[message->n_keys] = key_message(directory, u->keys[i], arena);
        if (message->keys[message->n_keys++] == NULL)
            return NULL;
    }
    return message;
}

int
core_directory(const struct core *core, struct arena *arena, Wici__V1__Directory **ret)
{
    const struct directory *directory = &core->directory;
    Wici__V1__Directory *message = arena_alloc(arena, sizeof *message);

    if (message == NULL)
        return -ENOMEM;
    wici__v1__directory__init(message);
    message->agencies = arena_alloc(arena, (directory->agency_count + 1) * sizeof(Wici__V1__DirectoryAgency *));
    message->units = arena_alloc(arena, (directory->unit_count + 1) * sizeof(Wici__V1__DirectoryUnit *));
    if (message->agencies == NULL || message->units == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < directory->agency_count; i++)
        if ((message->agencies[message->n_agencies++] = agency_message(directory, i, arena)) == NULL)
            return -ENOMEM;
    for (uint32_t i = 0; i < directory->unit_count; i++)
        if (!directory->units[i].outside &&
            (message->units[message->n_units++] = unit_message(directory, i, arena)) == NULL)
            return -ENOMEM;
    *ret = message;
    return 0;
}

int
core_policy(const struct core *core, struct arena *arena, Wici__V1__Policy **ret)
{
    Wici__V1__Policy *message;

    if (core->policy == NULL)
        return -ENOENT;
    message = arena_alloc(arena, sizeof *message);
    if (message == NULL)
        return -ENOMEM;
    wici__v1__policy__init(message);
    message->version = arena_text(arena, policy_version(core->policy));
    message->text = core->policy_text;
    message->seq = core->policy_seq;
    if (message->version == NULL)
        return -ENOMEM;
    *ret = message;
    return 0;
}
