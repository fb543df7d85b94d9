/* Bodies are kept as their own decoded copies: the directory is asked for as a whole, field by field. */
#include "broker/core/directory.h"

#include "broker/core/core.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(WICI__V1__ROLE__BRK < 32, "roles fit a word of bits");

int
numbers_add(struct numbers *numbers, uint32_t number)
{
    void *at = numbers->at;
    int rc = array_grow(&at, &numbers->cap, numbers->count, sizeof *numbers->at);

    if (rc != 0)
        return rc;
    numbers->at = at;
    numbers->at[numbers->count++] = number;
    return 0;
}

static int
number_compare(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

void
numbers_sort(struct numbers *numbers)
{
    uint32_t kept = 0;

    if (numbers->count < 2)
        return;
    qsort(numbers->at, numbers->count, sizeof *numbers->at, number_compare);
    for (uint32_t i = 0; i < numbers->count; i++)
        if (kept == 0 || numbers->at[kept - 1] != numbers->at[i])
            numbers->at[kept++] = numbers->at[i];
    numbers->count = kept;
}

/* How many of an ascending list are below a number. */
static uint32_t
numbers_below(const struct numbers *numbers, uint32_t number)
{
    uint32_t below = 0;

    /* The steps follow from the list's length alone. */
    for (uint32_t left = numbers->count; left > 0;) {
        uint32_t half = (left + 1) / 2;

        below += numbers->at[below + half - 1] < number ? half : 0;
        left -= half;
    }
    return below;
}

bool
numbers_has(const struct numbers *numbers, uint32_t number)
{
    uint32_t below = numbers_below(numbers, number);

    return below < numbers->count && numbers->at[below] == number;
}

int
numbers_put(struct numbers *numbers, uint32_t number)
{
    uint32_t below = numbers_below(numbers, number);
    int rc;

    if (below < numbers->count && numbers->at[below] == number)
        return 0;
    rc = numbers_add(numbers, number);
    if (rc != 0)
        return rc;
    memmove(numbers->at + below + 1, numbers->at + below, (numbers->count - 1 - below) * sizeof *numbers->at);
    numbers->at[below] = number;
    return 0;
}

void
numbers_remove(struct numbers *numbers, uint32_t number)
{
    uint32_t below = numbers_below(numbers, number);

    if (below == numbers->count || numbers->at[below] != number)
        return;
    memmove(numbers->at + below, numbers->at + below + 1, (numbers->count - 1 - below) * sizeof *numbers->at);
    numbers->count--;
}

void
numbers_clear(struct numbers *numbers)
{
    free(numbers->at);
    memset(numbers, 0, sizeof *numbers);
}

/* A copy of a message in memory of its own; NULL: no memory. */
static ProtobufCMessage *
message_copy(const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    ProtobufCMessage *copy = NULL;

    if (bytes == NULL)
        return NULL;
    protobuf_c_message_pack(message, bytes);
    copy = protobuf_c_message_unpack(message->descriptor, NULL, len, bytes);
    free(bytes);
    return copy;
}

void
directory_clear(struct directory *d)
{
    for (uint32_t i = 0; i < d->agency_count; i++) {
        if (d->agencies[i].enrolled != NULL)
            protobuf_c_message_free_unpacked(&d->agencies[i].enrolled->base, NULL);
        if (d->agencies[i].external != NULL)
            protobuf_c_message_free_unpacked(&d->agencies[i].external->base, NULL);
        numbers_clear(&d->agencies[i].units);
        numbers_clear(&d->agencies[i].entries);
    }
    for (uint32_t i = 0; i < d->unit_count; i++) {
        protobuf_c_message_free_unpacked(&d->units[i].enrolled->base, NULL);
        numbers_clear(&d->units[i].entries);
        numbers_clear(&d->units[i].told);
    }
    strings_clear(&d->names);
    strings_clear(&d->key_text);
    numbers_clear(&d->watchers);
    free(d->owners);
    free(d->agencies);
    free(d->units);
    free(d->keys);
    memset(d, 0, sizeof *d);
}

/* Takes the id; *ret_new says whether it was free. */
static int
name_take(struct directory *d, const char *id, struct owner owner, uint32_t *ret, bool *ret_new)
{
    uint32_t before = d->names.count;
    void *owners = d->owners;
    int rc = array_grow(&owners, &d->owner_cap, before, sizeof *d->owners);

    if (rc != 0)
        return rc;
    d->owners = owners;
    rc = strings_add(&d->names, id, ret);
    *ret_new = rc == 0 && d->names.count > before;
    if (*ret_new)
        d->owners[*ret] = owner;
    return rc;
}

static int
agency_add(struct directory *d, const char *id, const ProtobufCMessage *body, bool external)
{
    struct agency *agency;
    ProtobufCMessage *copy;
    void *agencies = d->agencies;
    bool is_new = false;
    uint32_t name;
    int rc = array_grow(&agencies, &d->agency_cap, d->agency_count, sizeof *d->agencies);

    if (rc != 0)
        return rc;
    d->agencies = agencies;
    rc = name_take(d, id, (struct owner){.is_unit = false, .index = d->agency_count}, &name, &is_new);
    if (rc != 0 || !is_new)
        return rc;
    copy = message_copy(body);
    if (copy == NULL)
        return -ENOMEM;
    agency = &d->agencies[d->agency_count++];
    memset(agency, 0, sizeof *agency);
    agency->name = name;
    if (external)
        agency->external = (Wici__V1__SysExternalEnrolledS0 *)(void *)copy;
    else
        agency->enrolled = (Wici__V1__SysAgencyEnrolledS0 *)(void *)copy;
    d->version++;
    return 0;
}

int
directory_add_agency(struct directory *d, const Wici__V1__SysAgencyEnrolledS0 *body)
{
    return agency_add(d, body->agency_id, &body->base, false);
}

/* What the agency would be among units: an institution of several kinds has the roles of each. */
static size_t
roles_of_kinds(char *const *kinds, size_t count, Wici__V1__Role ret[])
{
    static const struct {
        const char *kind;
        Wici__V1__Role role;
    } table[] = {
        {"OPS", WICI__V1__ROLE__SW},
        {"CUS", WICI__V1__ROLE__SW},
        {"ASSISTANCE_ORG", WICI__V1__ROLE__FA},
        {"COURT", WICI__V1__ROLE__CT},
        {"PROBATION", WICI__V1__ROLE__KUR},
        {"SCHOOL", WICI__V1__ROLE__SCH},
        {"FOSTER_ORG", WICI__V1__ROLE__FCC},
        {"CARE_FACILITY", WICI__V1__ROLE__CCF},
        {"DAY_SUPPORT", WICI__V1__ROLE__SVC},
        {"COUNSELLING", WICI__V1__ROLE__SVC},
        {"HEALTH", WICI__V1__ROLE__HLT},
        {"POLICE", WICI__V1__ROLE__POL},
        {"IDT", WICI__V1__ROLE__IDT},
        {"MUNICIPALITY", WICI__V1__ROLE__MUN},
        {"PROVIDER", WICI__V1__ROLE__SVC}, /* AUDIT: no role that is told of families */
    };
    size_t found = 0;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t k = 0; k < count; k++)
            if (strcmp(kinds[k], table[i].kind) == 0) {
                ret[found++] = table[i].role;
                break;
            }
    return found;
}

static int
unit_add(struct directory *d, uint32_t agency, uint32_t name, const Wici__V1__SysUnitEnrolledS0 *body)
{
    struct unit *unit = &d->units[d->unit_count]; /* there is room */

    memset(unit, 0, sizeof *unit);
    unit->name = name;
    unit->agency = agency;
    for (size_t i = 0; i < KEYS_PER_UNIT_MAX; i++)
        unit->keys[i] = DIRECTORY_NONE;
    for (size_t i = 0; i < body->n_roles; i++)
        if (body->roles[i] > 0 && (unsigned)body->roles[i] < ROLE_COUNT)
            unit->roles |= 1u << (unsigned)body->roles[i];
    unit->enrolled = (Wici__V1__SysUnitEnrolledS0 *)(void *)message_copy(&body->base);
    if (unit->enrolled == NULL)
        return -ENOMEM;
    d->version++;
    return numbers_add(&d->agencies[agency].units, d->unit_count++);
}

static int
units_room(struct directory *d)
{
    void *units = d->units;
    int rc = array_grow(&units, &d->unit_cap, d->unit_count, sizeof *d->units);

    if (rc == 0)
        d->units = units;
    return rc;
}

int
directory_add_external(struct directory *d, const Wici__V1__SysExternalEnrolledS0 *body)
{
    Wici__V1__SysUnitEnrolledS0 unit;
    Wici__V1__Role roles[ROLE_COUNT];
    uint32_t agency = d->agency_count;
    int rc = units_room(d);

    if (rc == 0)
        rc = agency_add(d, body->agency_id, &body->base, true);
    if (rc != 0 || d->agency_count == agency) /* known already */
        return rc;
    wici__v1__sys_unit_enrolled_s0__init(&unit);
    unit.unit_id = unit.agency_id = body->agency_id;
    unit.name = body->name;
    unit.parent = body->served_by;
    unit.roles = roles;
    unit.n_roles = roles_of_kinds(body->kinds, body->n_kinds, roles);
    rc = unit_add(d, agency, d->agencies[agency].name, &unit);
    if (rc == 0) {
        d->units[d->unit_count - 1].outside = true;
        d->outside_count++;
    }
    return rc;
}

int
directory_add_unit(struct directory *d, const Wici__V1__SysUnitEnrolledS0 *body)
{
    const uint32_t watching = 1u << WICI__V1__ROLE__AUD | 1u << WICI__V1__ROLE__ADM;
    uint32_t index = d->unit_count, agency = directory_agency(d, body->agency_id), name;
    bool is_new = false;
    int rc = units_room(d);

    if (rc != 0)
        return rc;
    if (agency == DIRECTORY_NONE)
        return 0;
    rc = name_take(d, body->unit_id, (struct owner){.is_unit = true, .index = index}, &name, &is_new);
    if (rc != 0 || !is_new)
        return rc;
    rc = unit_add(d, agency, name, body);
    if (rc == 0 && (d->units[index].roles & watching) != 0)
        rc = numbers_add(&d->watchers, index);
    if (rc == 0)
        rc = directory_add_key(d, index, body->key, 0, 0);
    return rc;
}

int
directory_add_key(struct directory *d, uint32_t unit, const char *text, uint64_t until_ms, uint64_t now_ms)
{
    uint32_t *keys = d->units[unit].keys;
    uint32_t number, before = d->key_text.count;
    size_t free_slot = KEYS_PER_UNIT_MAX;
    void *at = d->keys;
    int rc = array_grow(&at, &d->key_cap, before, sizeof *d->keys);

    if (rc != 0)
        return rc;
    d->keys = at;
    rc = strings_add(&d->key_text, text, &number);
    if (rc != 0 || d->key_text.count == before)
        return rc;
    d->keys[number] = (struct key){.unit = unit};
    for (size_t i = 0; i < KEYS_PER_UNIT_MAX; i++) {
        struct key *key = keys[i] == DIRECTORY_NONE ? NULL : &d->keys[keys[i]];

        if (key != NULL && (key->until_ms == 0 || key->until_ms > until_ms))
            key->until_ms = until_ms;
        if (free_slot == KEYS_PER_UNIT_MAX && (key == NULL || !directory_key_valid(key, now_ms)))
            free_slot = i;
    }
    /* core_decide refuses a fifth key; were one in the log all the same, the newest must be the one that counts. */
    if (free_slot == KEYS_PER_UNIT_MAX)
        free_slot = 0;
    keys[free_slot] = number;
    d->version++;
    return 0;
}

void
directory_suspend(struct directory *d, uint32_t unit, bool suspended)
{
    d->units[unit].suspended = suspended;
    d->version++;
}

static uint32_t
owner_find(const struct directory *d, const char *id, bool is_unit)
{
    uint32_t name = strings_find(&d->names, id);

    if (name == STRINGS_NONE || d->owners[name].is_unit != is_unit)
        return DIRECTORY_NONE;
    return d->owners[name].index;
}

uint32_t
directory_unit(const struct directory *d, const char *id)
{
    return owner_find(d, id, true);
}

uint32_t
directory_agency(const struct directory *d, const char *id)
{
    return owner_find(d, id, false);
}

uint32_t
directory_addressee(const struct directory *d, const char *id)
{
    uint32_t unit = directory_unit(d, id), agency = unit == DIRECTORY_NONE ? directory_agency(d, id) : DIRECTORY_NONE;

    if (agency == DIRECTORY_NONE || d->agencies[agency].external == NULL)
        return unit;
    return d->agencies[agency].units.count == 0 ? DIRECTORY_NONE : d->agencies[agency].units.at[0];
}

bool
directory_knows(const struct directory *d, const char *id)
{
    return strings_find(&d->names, id) != STRINGS_NONE;
}

bool
directory_key_valid(const struct key *key, uint64_t now_ms)
{
    return key->until_ms == 0 || now_ms < key->until_ms;
}

const char *
directory_unit_id(const struct directory *d, uint32_t unit)
{
    return strings_at(&d->names, d->units[unit].name);
}

const char *
directory_agency_id(const struct directory *d, uint32_t agency)
{
    return strings_at(&d->names, d->agencies[agency].name);
}

bool
directory_is_of_kind(const struct directory *directory, uint32_t agency, const char *kind)
{
    const struct agency *a = &directory->agencies[agency];
    char *const *kinds = a->external != NULL ? a->external->kinds : a->enrolled->kinds;
    size_t count = a->external != NULL ? a->external->n_kinds : a->enrolled->n_kinds;

    for (size_t i = 0; i < count; i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

const char *
directory_unit_agency_id(const struct directory *d, uint32_t unit)
{
    return directory_agency_id(d, d->units[unit].agency);
}

bool
directory_names(const struct directory *d, uint32_t unit, const char *id)
{
    return strcmp(id, directory_unit_id(d, unit)) == 0 || strcmp(id, directory_unit_agency_id(d, unit)) == 0;
}

unsigned
directory_active_admins(const struct directory *d)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < d->watchers.count; i++) {
        const struct unit *unit = &d->units[d->watchers.at[i]];

        if (!unit->suspended && (unit->roles & 1u << WICI__V1__ROLE__ADM) != 0)
            count++;
    }
    return count;
}

/* ---- who stands in */

#define PARENTS_MAX 32u /* however the units above were enrolled */

static bool
leads(const struct directory *directory, uint32_t unit, uint32_t roles)
{
    return (directory->units[unit].roles & roles) != 0 && !directory->units[unit].suspended;
}

uint32_t
directory_head(const struct directory *directory, uint32_t unit)
{
    const uint32_t director = 1u << WICI__V1__ROLE__DIR, heads = director | 1u << WICI__V1__ROLE__HEAD;
    const struct agency *agency = &directory->agencies[directory->units[unit].agency];
    uint32_t above = unit;

    for (unsigned i = 0; i < PARENTS_MAX && directory->units[above].enrolled != NULL; i++) {
        above = directory_unit(directory, directory->units[above].enrolled->parent);
        if (above == DIRECTORY_NONE)
            break;
        if (above != unit && leads(directory, above, heads))
            return above;
    }
    for (uint32_t i = 0; i < agency->units.count; i++)
        if (agency->units.at[i] != unit && leads(directory, agency->units.at[i], director))
            return agency->units.at[i];
    return DIRECTORY_NONE;
}
