/* A unit's relations to a dossier: opened and ended in all that are merged with it. undo.c takes back what a record
 * did. */
#include "broker/core/relations.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *const relation_names[] = {
    [RELATION_AUTHOR] = "author",     [RELATION_ADDRESSEE] = "addressee", [RELATION_HOLDER] = "holder",
    [RELATION_PENDING] = "pending",   [RELATION_OFFICE] = "office",       [RELATION_PARTICIPANT] = "participant",
    [RELATION_REFERRER] = "referrer", [RELATION_INVITEE] = "invitee",     [RELATION_PROVIDER] = "provider",
    [RELATION_PARTY] = "party",       [RELATION_SUCCESSOR] = "successor",
};
static_assert(sizeof relation_names / sizeof relation_names[0] == RELATION_KIND_COUNT, "each kind has a name");

const char *
relation_name(enum relation_kind kind)
{
    assert(kind < RELATION_KIND_COUNT);
    return relation_names[kind];
}

/* ---- what few relations have, kept beside, by number */

static int
extra_put(struct dossiers *ds, const struct relation_extra *extra, uint32_t *ret)
{
    void *extras = ds->extras;
    int rc;

    *ret = ds->extra_count - 1;
    if (*ret > 0 && memcmp(&ds->extras[*ret], extra, sizeof *extra) == 0)
        return 0;
    rc = array_grow(&extras, &ds->extra_cap, ds->extra_count, sizeof *ds->extras);
    if (rc != 0)
        return rc;
    ds->extras = extras;
    *ret = ds->extra_count++;
    ds->extras[*ret] = *extra;
    return 0;
}

int
relation_extra(struct dossiers *ds, const uint8_t *ref, uint64_t until_ms, uint64_t opened_seq, uint32_t *ret)
{
    struct relation_extra extra = {.until_ms = until_ms, .opened_seq = opened_seq};

    *ret = 0;
    if (ref == NULL && until_ms == 0 && opened_seq == 0)
        return 0;
    if (ref != NULL)
        memcpy(extra.ref, ref, sizeof extra.ref);
    return extra_put(ds, &extra, ret);
}

int
relation_take_back(struct dossiers *ds, struct relation *relation, uint64_t seq)
{
    struct relation_extra extra = ds->extras[relation->extra];
    uint32_t changed;
    int rc;

    if (extra.taken_back >= seq || ((relation->flags & RELATION_OPENING) == 0 && relation->from_seq >= seq))
        return 0;
    extra.taken_back = seq;
    rc = extra_put(ds, &extra, &changed);
    if (rc == 0)
        relation->extra = changed;
    return rc;
}

/* ---- one relation */

bool
relation_covers(const struct dossiers *ds, const struct relation *relation, uint64_t seq, uint64_t ts_ms)
{
    uint64_t until_ms = ds->extras[relation->extra].until_ms;

    return ((relation->flags & RELATION_OPENING) != 0 || relation->from_seq <= seq) &&
           (relation->until_seq == 0 || seq <= relation->until_seq) && (until_ms == 0 || ts_ms <= until_ms);
}

bool
relation_took_back(const struct dossiers *ds, const struct relation *relation, uint64_t seq)
{
    return seq < ds->extras[relation->extra].taken_back;
}

bool
relation_is_open(const struct dossiers *ds, const struct relation *relation, uint64_t now_ms)
{
    uint64_t until_ms = ds->extras[relation->extra].until_ms;

    return relation->until_seq == 0 && (until_ms == 0 || now_ms <= until_ms);
}

uint64_t
relation_opened_seq(const struct dossiers *ds, const struct relation *relation)
{
    uint64_t seq = ds->extras[relation->extra].opened_seq;

    return seq != 0 ? seq : relation->from_seq;
}

bool
dossier_is_for_office(const struct directory *directory, const struct dossier *dossier, uint32_t unit)
{
    uint32_t roles = 1u << WICI__V1__ROLE__DIR | 1u << WICI__V1__ROLE__HEAD;

    if ((dossier->flags & DOSSIER_IPUS) != 0)
        roles |= 1u << WICI__V1__ROLE__OUS;
    return (directory->units[unit].roles & roles) != 0;
}

bool
relation_is_of(const struct directory *directory, const struct dossier *dossier, const struct relation *relation,
               uint32_t unit)
{
    if (relation->kind != RELATION_OFFICE)
        return relation->who == unit;
    return relation->who == directory->units[unit].agency && dossier_is_for_office(directory, dossier, unit);
}

static bool
relation_matches(const struct dossiers *ds, const struct relation *relation, enum relation_kind kind, uint32_t who,
                 const uint8_t *ref)
{
    return relation->kind == kind && (who == WHO_ANY || relation->who == who) &&
           (ref == NULL || memcmp(ds->extras[relation->extra].ref, ref, 16) == 0);
}

static bool
about_same(const struct dossiers *ds, uint32_t a, uint32_t b)
{
    return a == b || (ds->about[a] == ds->about[b] &&
                      memcmp(&ds->about[a + 1], &ds->about[b + 1], ds->about[a] * sizeof ds->about[a]) == 0);
}

static bool
extra_same(const struct dossiers *ds, uint32_t a, uint32_t b)
{
    return memcmp(ds->extras[a].ref, ds->extras[b].ref, sizeof ds->extras[a].ref) == 0 &&
           ds->extras[a].until_ms == ds->extras[b].until_ms;
}

bool
relation_says_same(const struct dossiers *ds, const struct relation *a, const struct relation *b)
{
    return a->kind == b->kind && a->who == b->who && extra_same(ds, a->extra, b->extra) &&
           about_same(ds, a->about, b->about);
}

bool
dossiers_has_open(const struct dossiers *ds, uint32_t dossier, enum relation_kind kind, uint32_t who,
                  const uint8_t *ref, uint64_t now_ms)
{
    const struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->relation_count; i++)
        if (relation_matches(ds, &d->relations[i], kind, who, ref) && relation_is_open(ds, &d->relations[i], now_ms))
            return true;
    return false;
}

/* ---- opening */

/* Puts the dossier on the list of whoever gets a relation to it. */
static int
list_entry(struct directory *directory, const struct dossier *dossier, enum relation_kind kind, uint32_t who)
{
    return numbers_put(kind == RELATION_OFFICE ? &directory->agencies[who].entries : &directory->units[who].entries,
                       dossier->entry);
}

/* One of the dossier's own, beside which none that comes by a merge is needed (addressed.h). */
static struct relation *
addressee_known(const struct dossier *dossier, const struct relation *wanted)
{
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *old = &dossier->relations[i];

        if (old->kind == RELATION_ADDRESSEE && old->who == wanted->who && old->until_seq == 0 &&
            ((old->flags & RELATION_SHARED) == 0 || (wanted->flags & RELATION_SHARED) != 0))
            return old;
    }
    return NULL;
}

/* An open relation that already says what the new one would; NULL: none. */
static struct relation *
relation_known(const struct dossiers *ds, const struct dossier *dossier, const struct relation *wanted)
{
    if (wanted->kind == RELATION_ADDRESSEE)
        return addressee_known(dossier, wanted);
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *old = &dossier->relations[i];

        if (old->kind != wanted->kind || old->who != wanted->who || old->until_seq != 0)
            continue;
        if (old->kind == RELATION_AUTHOR)
            return old; /* kept once: only that there is one counts */
        if (old->kind != RELATION_OFFICE && relation_opened_seq(ds, old) != relation_opened_seq(ds, wanted))
            continue; /* a recall takes back what its record opened, and no more */
        if (old->from_seq <= wanted->from_seq && ((wanted->flags & ~old->flags) & ~RELATION_SHARED) == 0 &&
            extra_same(ds, old->extra, wanted->extra) && about_same(ds, old->about, wanted->about))
            return old;
    }
    return NULL;
}

int
relation_add(struct dossiers *ds, struct directory *directory, struct dossier *dossier, const struct relation *wanted)
{
    struct relation *known = relation_known(ds, dossier, wanted);
    int rc;

    if (known != NULL) {
        if ((wanted->flags & RELATION_SHARED) == 0)
            known->flags &= (uint8_t)~RELATION_SHARED; /* its own now */
        return 0;
    }
    rc = list_entry(directory, dossier, wanted->kind, wanted->who);
    if (rc != 0)
        return rc;
    if (wanted->kind != RELATION_OFFICE && directory->units[wanted->who].outside)
        dossier->flags |= DOSSIER_OUTSIDE;
    if (dossier->relation_count == dossier->relation_cap) {
        uint32_t cap = dossier->relation_cap + dossier->relation_cap / 8u + 1u;
        void *relations = dossier->relations;

        rc = dossier_list_room(&relations, cap, sizeof *dossier->relations);
        if (rc != 0)
            return rc;
        dossier->relations = relations;
        dossier->relation_cap = (uint16_t)cap;
    }
    /* Invited again, or given other rows, about other persons: the new word replaces the older one. */
    if (wanted->kind == RELATION_INVITEE || wanted->kind == RELATION_PROVIDER)
        for (uint32_t i = 0; i < dossier->relation_count; i++) {
            struct relation *old = &dossier->relations[i];

            if (relation_matches(ds, old, wanted->kind, wanted->who, ds->extras[wanted->extra].ref) &&
                old->until_seq == 0 && old->from_seq < wanted->from_seq)
                old->until_seq = wanted->from_seq;
        }
    dossier->relations[dossier->relation_count++] = *wanted;
    return 0;
}

int
dossiers_open(struct dossiers *ds, struct directory *directory, uint32_t dossier, const struct relation_spec *spec)
{
    struct relation relation = {
        .from_seq = spec->from_seq, .who = spec->who, .kind = (uint8_t)spec->kind, .flags = spec->flags};
    uint32_t member = dossier;
    int rc;

    if (ds->at[dossier].entry == 0)
        return 0; /* forgotten, and still named by an act of another */
    rc = dossiers_set(ds, spec->about, spec->about_count, &relation.about);

    if (rc == 0)
        rc = relation_extra(ds, spec->ref, spec->until_ms, spec->opened_seq, &relation.extra);
    if (rc != 0)
        return rc;
    do {
        relation.flags = member == dossier ? spec->flags : (uint8_t)(spec->flags | RELATION_SHARED);
        if (spec->from_opening)
            relation.flags |= RELATION_OPENING;
        rc = relation_add(ds, directory, &ds->at[member], &relation);
        member = ds->at[member].group_next;
    } while (rc == 0 && member != dossier);
    return rc;
}

void
dossiers_count_left(struct dossiers *ds, uint32_t dossier, uint32_t unit, size_t more)
{
    struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->relation_count && more > 0; i++)
        if (d->relations[i].kind == RELATION_AUTHOR && d->relations[i].who == unit) {
            size_t left = d->relations[i].left + more;

            d->relations[i].left = (uint16_t)(left > UINT16_MAX ? UINT16_MAX : left);
            return;
        }
}

/* ---- ending */

void
dossiers_end(struct dossiers *ds, uint32_t dossier, enum relation_kind kind, uint32_t who, const uint8_t *ref,
             uint64_t seq)
{
    uint32_t member = dossier;

    do {
        struct dossier *d = &ds->at[member];

        for (uint32_t i = 0; i < d->relation_count; i++)
            if (relation_matches(ds, &d->relations[i], kind, who, ref) && d->relations[i].until_seq == 0)
                d->relations[i].until_seq = seq;
        member = d->group_next;
    } while (member != dossier);
}

void
dossiers_end_ordered(struct dossiers *ds, uint32_t dossier, uint64_t seq)
{
    uint32_t member = dossier;

    do {
        struct dossier *d = &ds->at[member];

        for (uint32_t i = 0; i < d->relation_count; i++) {
            struct relation *relation = &d->relations[i];

            if (relation->kind == RELATION_PARTY && (relation->flags & RELATION_ORDERED) != 0 &&
                relation->until_seq == 0)
                relation->until_seq = seq;
        }
        member = d->group_next;
    } while (member != dossier);
}

bool
dossier_is_served_by(const struct dossier *dossier, const struct directory *directory, uint32_t agency)
{
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if ((relation->kind == RELATION_HOLDER || relation->kind == RELATION_PENDING) && relation->until_seq == 0 &&
            directory->units[relation->who].agency == agency)
            return true;
    }
    return false;
}

void
dossiers_end_offices(struct dossiers *ds, const struct directory *directory, uint32_t dossier, uint64_t seq)
{
    const struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->relation_count; i++)
        if (d->relations[i].kind == RELATION_OFFICE && d->relations[i].until_seq == 0 &&
            !dossier_is_served_by(d, directory, d->relations[i].who))
            dossiers_end(ds, dossier, RELATION_OFFICE, d->relations[i].who, NULL, seq);
}
