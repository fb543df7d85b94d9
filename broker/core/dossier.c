/* Growth is doubling for tables and by an eighth for the relations of one dossier, whose slack would count a million
 * times. */
#include "broker/core/dossier.h"

#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64u

static const char *const relation_names[] = {
    [RELATION_AUTHOR] = "author",     [RELATION_ADDRESSEE] = "addressee", [RELATION_HOLDER] = "holder",
    [RELATION_PENDING] = "pending",   [RELATION_OFFICE] = "office",       [RELATION_PARTICIPANT] = "participant",
    [RELATION_REFERRER] = "referrer", [RELATION_INVITEE] = "invitee",     [RELATION_PROVIDER] = "provider",
    [RELATION_PARTY] = "party",       [RELATION_SUCCESSOR] = "successor",
};
static_assert(sizeof relation_names / sizeof relation_names[0] == RELATION_KIND_COUNT, "each kind has a name");

static const char *const link_names[] = {
    [LINK_REFERRAL_OF] = "REFERRAL_OF", [LINK_MERGED_INTO] = "MERGED_INTO",       [LINK_SIBLING] = "SIBLING",
    [LINK_PREVIOUS] = "PREVIOUS",       [LINK_CONTINUED_FROM] = "CONTINUED_FROM",
};
static_assert(sizeof link_names / sizeof link_names[0] == LINK_KIND_COUNT, "each kind has a name");

int
dossiers_init(struct dossiers *ds)
{
    memset(ds, 0, sizeof *ds);
    ds->about = calloc(1, sizeof *ds->about);
    ds->extras = calloc(1, sizeof *ds->extras);
    if (ds->about == NULL || ds->extras == NULL) {
        dossiers_clear(ds);
        return -ENOMEM;
    }
    ds->about_len = ds->about_cap = 1;
    ds->extra_count = ds->extra_cap = 1;
    return 0;
}

void
dossiers_clear(struct dossiers *ds)
{
    for (uint32_t i = 0; i < ds->count; i++) {
        free(ds->at[i].relations);
        free(ds->at[i].links);
        free(ds->at[i].acts);
        marks_clear(&ds->at[i].marks);
    }
    free(ds->at);
    free(ds->slots);
    free(ds->by_entry);
    free(ds->about);
    free(ds->extras);
    strings_clear(&ds->persons);
    things_clear(&ds->things);
    memset(ds, 0, sizeof *ds);
}

/* ---- finding and adding dossiers */

static uint32_t
slot_of(const struct dossiers *ds, const uint8_t id[16])
{
    uint32_t slot = (uint32_t)hash_bytes(id, 16) & ds->slot_mask;

    /* One that was forgotten keeps its slot, and is nobody's. */
    while (ds->slots[slot] != DOSSIER_NONE &&
           (ds->at[ds->slots[slot]].entry == 0 || memcmp(ds->at[ds->slots[slot]].id, id, 16) != 0))
        slot = (slot + 1) & ds->slot_mask;
    return slot;
}

uint32_t
dossiers_find(const struct dossiers *ds, const uint8_t id[16])
{
    return ds->slot_mask == 0 ? DOSSIER_NONE : ds->slots[slot_of(ds, id)];
}

uint32_t
dossiers_by_entry(const struct dossiers *ds, uint32_t entry)
{
    return entry < ds->entry_cap ? ds->by_entry[entry] : DOSSIER_NONE;
}

static int
slots_grow(struct dossiers *ds)
{
    uint32_t count = ds->slot_mask == 0 ? SLOTS_MIN : (ds->slot_mask + 1) * 2;
    uint32_t *slots = reallocarray(NULL, count, sizeof *slots);

    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0xff, count * sizeof *slots);
    free(ds->slots);
    ds->slots = slots;
    ds->slot_mask = count - 1;
    for (uint32_t i = 0; i < ds->count; i++)
        if (ds->at[i].entry != 0)
            slots[slot_of(ds, ds->at[i].id)] = i;
    return 0;
}

static int
entries_grow(struct dossiers *ds, uint32_t entry)
{
    uint32_t cap = ds->entry_cap;
    uint32_t *grown;

    if (entry < cap)
        return 0;
    cap = cap * 2 > entry ? cap * 2 : entry + 64;
    grown = reallocarray(ds->by_entry, cap, sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown + ds->entry_cap, 0xff, (cap - ds->entry_cap) * sizeof *grown);
    ds->by_entry = grown;
    ds->entry_cap = cap;
    return 0;
}

int
dossiers_add(struct dossiers *ds, const uint8_t id[16], uint32_t entry, enum type_opens kind, uint64_t seq,
             uint64_t ts_ms, uint32_t opener, uint32_t *ret)
{
    struct dossier *dossier;
    void *at = ds->at;
    int rc = 0;

    if (ds->slot_mask == 0 || ds->count >= ds->slot_mask / 2)
        rc = slots_grow(ds);
    if (rc == 0)
        rc = entries_grow(ds, entry);
    if (rc == 0)
        rc = array_grow(&at, &ds->cap, ds->count, sizeof *ds->at);
    if (rc != 0)
        return rc;
    ds->at = at;
    dossier = &ds->at[ds->count];
    *dossier = (struct dossier){.opened_seq = seq,
                                .opened_ms = ts_ms,
                                .entry = entry,
                                .opener = opener,
                                .group_next = ds->count,
                                .kind = (uint8_t)kind};
    memcpy(dossier->id, id, 16);
    ds->slots[slot_of(ds, id)] = ds->count;
    ds->by_entry[entry] = ds->count;
    *ret = ds->count++;
    return 0;
}

/* ---- what relations refer to */

/* The set of these persons. */
static int
about_add(struct dossiers *ds, const char *const *persons, size_t count, uint32_t *ret)
{
    uint32_t start = ds->about_len;

    *ret = 0;
    if (count == 0)
        return 0;
    if (ds->about_cap - ds->about_len <= count) {
        uint32_t cap = ds->about_cap * 2 + (uint32_t)count + 16;
        uint32_t *grown = reallocarray(ds->about, cap, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        ds->about = grown;
        ds->about_cap = cap;
    }
    ds->about[start] = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        int rc = strings_add(&ds->persons, persons[i], &ds->about[start + 1 + i]);

        if (rc != 0)
            return rc;
    }
    ds->about_len = start + 1 + (uint32_t)count;
    *ret = start;
    return 0;
}

int
dossiers_set(struct dossiers *ds, const char *const *texts, size_t count, uint32_t *ret)
{
    uint32_t set;
    int rc = about_add(ds, texts, count, &set);

    if (rc == 0)
        *ret = set;
    return rc;
}

static bool
about_same(const struct dossiers *ds, uint32_t a, uint32_t b)
{
    return a == b || (ds->about[a] == ds->about[b] &&
                      memcmp(&ds->about[a + 1], &ds->about[b + 1], ds->about[a] * sizeof ds->about[a]) == 0);
}

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

static int
extra_add(struct dossiers *ds, const uint8_t *ref, uint64_t until_ms, uint64_t opened_seq, uint32_t *ret)
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

static bool
extra_same(const struct dossiers *ds, uint32_t a, uint32_t b)
{
    return memcmp(ds->extras[a].ref, ds->extras[b].ref, sizeof ds->extras[a].ref) == 0 &&
           ds->extras[a].until_ms == ds->extras[b].until_ms;
}

uint64_t
relation_opened_seq(const struct dossiers *ds, const struct relation *relation)
{
    uint64_t seq = ds->extras[relation->extra].opened_seq;

    return seq != 0 ? seq : relation->from_seq;
}

/* One of the dossier's own, beside which none that comes by a merge is needed (addressed.h). */
static struct relation *
addressee_known(const struct dossier *dossier, const struct relation *new)
{
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *old = &dossier->relations[i];

        if (old->kind == RELATION_ADDRESSEE && old->who == new->who && old->until_seq == 0 &&
            ((old->flags & RELATION_SHARED) == 0 || (new->flags &RELATION_SHARED) != 0))
            return old;
    }
    return NULL;
}

/* An open relation that already says what the new one would; NULL: none. */
static struct relation *
relation_known(const struct dossiers *ds, const struct dossier *dossier, const struct relation *new)
{
    if (new->kind == RELATION_ADDRESSEE)
        return addressee_known(dossier, new);
    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *old = &dossier->relations[i];

        if (old->kind != new->kind || old->who != new->who || old->until_seq != 0)
            continue;
        if (old->kind == RELATION_AUTHOR)
            return old; /* kept once: only that there is one counts */
        if (old->kind != RELATION_OFFICE && relation_opened_seq(ds, old) != relation_opened_seq(ds, new))
            continue; /* a recall takes back what its record opened, and no more */
        if (old->from_seq <= new->from_seq && ((new->flags & ~old->flags) & ~RELATION_SHARED) == 0 &&
            extra_same(ds, old->extra, new->extra) && about_same(ds, old->about, new->about))
            return old;
    }
    return NULL;
}

/* Makes a list of one dossier that long. -ENOMEM: there is no room, or it is far longer than decide lets in. */
static int
list_room(void **list, uint32_t cap, size_t size)
{
    void *grown = cap > UINT16_MAX ? NULL : reallocarray(*list, cap, size);

    if (grown == NULL)
        return -ENOMEM;
    *list = grown;
    return 0;
}

static int
relation_add(struct dossiers *ds, struct directory *directory, struct dossier *dossier, const struct relation *new)
{
    struct relation *known = relation_known(ds, dossier, new);
    int rc;

    if (known != NULL) {
        if ((new->flags &RELATION_SHARED) == 0)
            known->flags &= (uint8_t)~RELATION_SHARED; /* its own now */
        return 0;
    }
    rc = list_entry(directory, dossier, new->kind, new->who);
    if (rc != 0)
        return rc;
    if (new->kind != RELATION_OFFICE && directory->units[new->who].outside)
        dossier->flags |= DOSSIER_OUTSIDE;
    if (dossier->relation_count == dossier->relation_cap) {
        uint32_t cap = dossier->relation_cap + dossier->relation_cap / 8u + 1u;
        void *relations = dossier->relations;

        rc = list_room(&relations, cap, sizeof *dossier->relations);
        if (rc != 0)
            return rc;
        dossier->relations = relations;
        dossier->relation_cap = (uint16_t)cap;
    }
    /* Invited again, or given other rows, about other persons: the new word replaces the older one. */
    if (new->kind == RELATION_INVITEE || new->kind == RELATION_PROVIDER)
        for (uint32_t i = 0; i < dossier->relation_count; i++) {
            struct relation *old = &dossier->relations[i];

            if (relation_matches(ds, old, new->kind, new->who, ds->extras[new->extra].ref) && old->until_seq == 0 &&
                old->from_seq < new->from_seq)
                old->until_seq = new->from_seq;
        }
    dossier->relations[dossier->relation_count++] = *new;
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
    rc = about_add(ds, spec->about, spec->about_count, &relation.about);

    if (rc == 0)
        rc = extra_add(ds, spec->ref, spec->until_ms, spec->opened_seq, &relation.extra);
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

/* ---- groups and links */

bool
dossiers_same_group(const struct dossiers *ds, uint32_t a, uint32_t b)
{
    uint32_t member = a;

    do {
        if (member == b)
            return true;
        member = ds->at[member].group_next;
    } while (member != a);
    return false;
}

uint32_t
dossiers_group_size(const struct dossiers *ds, uint32_t dossier)
{
    uint32_t count = 0, member = dossier;

    do {
        count++;
        member = ds->at[member].group_next;
    } while (member != dossier);
    return count;
}

/* Copies what is open among the first `count` relations of `from` to `to` alone; kind RELATION_KIND_COUNT: all. */
static int
copy_open(struct dossiers *ds, struct directory *directory, uint32_t from, uint32_t count, uint32_t to,
          enum relation_kind kind, uint64_t from_seq)
{
    const struct dossier *source = &ds->at[from];

    for (uint32_t i = 0; i < count; i++) {
        struct relation relation = source->relations[i];
        int rc;

        if (relation.until_seq != 0 || (kind != RELATION_KIND_COUNT && relation.kind != kind))
            continue;
        rc = extra_add(ds, ds->extras[relation.extra].ref, ds->extras[relation.extra].until_ms,
                       relation_opened_seq(ds, &relation), &relation.extra);
        if (rc != 0)
            return rc;
        relation.from_seq = from_seq;
        relation.left = relation.kind == RELATION_ADDRESSEE ? 0 : relation.left;
        relation.flags &= (uint8_t)~RELATION_OPENING;
        if (kind == RELATION_KIND_COUNT)
            relation.flags |= RELATION_SHARED;
        rc = relation_add(ds, directory, &ds->at[to], &relation);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int
copy_to_group(struct dossiers *ds, struct directory *directory, uint32_t from, uint32_t count, uint32_t to,
              enum relation_kind kind, uint64_t from_seq)
{
    uint32_t member = to;
    int rc;

    do {
        rc = copy_open(ds, directory, from, count, member, kind, from_seq);
        member = ds->at[member].group_next;
    } while (rc == 0 && member != to);
    return rc;
}

int
dossiers_copy(struct dossiers *ds, struct directory *directory, uint32_t from, uint32_t to, enum relation_kind kind,
              uint64_t from_seq)
{
    if (dossiers_same_group(ds, from, to))
        return 0;
    return copy_to_group(ds, directory, from, ds->at[from].relation_count, to, kind, from_seq);
}

int
dossiers_merge(struct dossiers *ds, struct directory *directory, uint32_t a, uint32_t b, uint64_t from_seq)
{
    uint32_t next, own = ds->at[b].relation_count;
    int rc;

    if (dossiers_same_group(ds, a, b))
        return 0;
    /* Within a group the open relations are alike, so one member speaks for it. What b is given here must not come
     * back: with a from_seq in the past it would show those units more of a than they had. */
    rc = copy_to_group(ds, directory, a, ds->at[a].relation_count, b, RELATION_KIND_COUNT, from_seq);
    if (rc == 0)
        rc = copy_to_group(ds, directory, b, own, a, RELATION_KIND_COUNT, from_seq);
    if (rc != 0)
        return rc;
    next = ds->at[a].group_next;
    ds->at[a].group_next = ds->at[b].group_next;
    ds->at[b].group_next = next;
    dossiers_flag(ds, a, ds->at[a].flags | ds->at[b].flags);
    acts_fold(ds, a);
    return 0;
}

static int
link_add(struct dossier *dossier, uint32_t other, enum link_kind kind)
{
    void *links = dossier->links;
    int rc;

    for (uint32_t i = 0; i < dossier->link_count; i++)
        if (dossier->links[i].other == other && dossier->links[i].kind == kind)
            return 0;
    if (dossier->link_count == dossier->link_cap) {
        uint32_t cap = dossier->link_cap + dossier->link_cap / 2u + 1u;

        rc = list_room(&links, cap, sizeof *dossier->links);
        if (rc != 0)
            return rc;
        dossier->links = links;
        dossier->link_cap = (uint16_t)cap;
    }
    dossier->links[dossier->link_count++] = (struct dossier_link){.other = other, .kind = (uint8_t)kind};
    return 0;
}

int
dossiers_link(struct dossiers *ds, uint32_t a, uint32_t b, enum link_kind kind)
{
    int rc = link_add(&ds->at[a], b, kind);

    return rc != 0 ? rc : link_add(&ds->at[b], a, kind);
}

static void
link_remove(struct dossier *dossier, uint32_t other, enum link_kind kind)
{
    for (uint32_t i = 0; i < dossier->link_count; i++)
        if (dossier->links[i].other == other && dossier->links[i].kind == kind) {
            memmove(&dossier->links[i], &dossier->links[i + 1], (dossier->link_count - i - 1) * sizeof *dossier->links);
            dossier->link_count--;
            return;
        }
}

static void
ring_join(struct dossiers *ds, uint32_t a, uint32_t b)
{
    uint32_t next = ds->at[a].group_next;

    if (dossiers_same_group(ds, a, b))
        return;
    ds->at[a].group_next = ds->at[b].group_next;
    ds->at[b].group_next = next;
}

/* Another dossier of the group has an open relation of its own that says the same. */
static bool
others_own(const struct dossiers *ds, uint32_t dossier, const struct relation *shared)
{
    for (uint32_t member = ds->at[dossier].group_next; member != dossier; member = ds->at[member].group_next) {
        const struct dossier *d = &ds->at[member];

        for (uint32_t i = 0; i < d->relation_count; i++) {
            const struct relation *own = &d->relations[i];

            if ((own->flags & RELATION_SHARED) == 0 && own->until_seq == 0 && own->kind == shared->kind &&
                own->who == shared->who && extra_same(ds, own->extra, shared->extra) &&
                about_same(ds, own->about, shared->about))
                return true;
        }
    }
    return false;
}

static bool
is_held(const struct dossier *dossier)
{
    for (uint32_t i = 0; i < dossier->relation_count; i++)
        if (dossier->relations[i].kind == RELATION_HOLDER && dossier->relations[i].until_seq == 0)
            return true;
    return false;
}

/* The newest relation by which the dossier was held, of its own; or by that unit (WHO_ANY: its own, whoever). */
static struct relation *
last_holder(const struct dossier *dossier, uint32_t who)
{
    struct relation *last = NULL;

    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        struct relation *relation = &dossier->relations[i];

        if (relation->kind == RELATION_HOLDER && (last == NULL || relation->from_seq >= last->from_seq) &&
            (who == WHO_ANY ? (relation->flags & RELATION_SHARED) == 0 : relation->who == who))
            last = relation;
    }
    return last;
}

/*
 * While they were one with others, one of those was taken over, and so were these. By themselves they are held by who
 * held them last: what ended that was said elsewhere. His office looks on again.
 */
static void
hold_again(struct dossiers *ds, uint32_t dossier)
{
    const struct relation *last = NULL;
    uint32_t member = dossier, who;

    if (is_held(&ds->at[dossier]))
        return;
    do {
        const struct relation *own = last_holder(&ds->at[member], WHO_ANY);

        if (own != NULL && (last == NULL || own->from_seq > last->from_seq))
            last = own;
        member = ds->at[member].group_next;
    } while (member != dossier);
    if (last == NULL)
        return;
    who = last->who;
    do {
        struct dossier *d = &ds->at[member];
        struct relation *again = last_holder(d, who);

        for (uint32_t i = 0; again != NULL && i < d->relation_count; i++)
            if (d->relations[i].kind == RELATION_OFFICE && d->relations[i].until_seq == again->until_seq)
                d->relations[i].until_seq = 0;
        if (again != NULL)
            again->until_seq = 0;
        member = d->group_next;
    } while (member != dossier);
}

/* What was shared, and ended with that record, was given by the link's mistake. */
static int
take_shared_back(struct dossiers *ds, uint32_t dossier, uint64_t linked_seq, uint64_t seq)
{
    struct dossier *d = &ds->at[dossier];
    int rc = 0;

    for (uint32_t i = 0; i < d->relation_count && rc == 0; i++)
        if ((d->relations[i].flags & RELATION_SHARED) != 0 && d->relations[i].until_seq == seq)
            rc = relation_take_back(ds, &d->relations[i], linked_seq);
    return rc;
}

int
dossiers_unlink(struct dossiers *ds, uint32_t a, uint32_t b, enum link_kind kind, uint64_t linked_seq, uint64_t seq)
{
    uint32_t members[GROUP_DOSSIERS_MAX], count = 0, member = a;
    int rc = 0;

    link_remove(&ds->at[a], b, kind);
    link_remove(&ds->at[b], a, kind);
    if (kind != LINK_MERGED_INTO || !dossiers_same_group(ds, a, b))
        return 0;
    do {
        members[count++] = member;
        member = ds->at[member].group_next;
    } while (member != a && count < GROUP_DOSSIERS_MAX);
    for (uint32_t i = 0; i < count; i++)
        ds->at[members[i]].group_next = members[i];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < ds->at[members[i]].link_count; j++)
            if (ds->at[members[i]].links[j].kind == LINK_MERGED_INTO)
                ring_join(ds, members[i], ds->at[members[i]].links[j].other);
    for (uint32_t i = 0; i < count; i++) {
        struct dossier *d = &ds->at[members[i]];

        for (uint32_t j = 0; j < d->relation_count; j++) {
            struct relation *relation = &d->relations[j];

            if ((relation->flags & RELATION_SHARED) != 0 && relation->until_seq == 0 &&
                relation->kind != RELATION_ADDRESSEE && !others_own(ds, members[i], relation))
                relation->until_seq = seq;
        }
        acts_fold(ds, members[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        hold_again(ds, members[i]);
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = take_shared_back(ds, members[i], linked_seq, seq);
    return rc;
}

void
dossiers_flag(struct dossiers *ds, uint32_t dossier, uint8_t flags)
{
    uint32_t member = dossier;

    do {
        ds->at[member].flags |= flags;
        member = ds->at[member].group_next;
    } while (member != dossier);
}

/* ---- forgetting */

static void
ring_leave(struct dossiers *ds, uint32_t dossier)
{
    uint32_t before = dossier;

    while (ds->at[before].group_next != dossier)
        before = ds->at[before].group_next;
    ds->at[before].group_next = ds->at[dossier].group_next;
    ds->at[dossier].group_next = dossier;
    if (before != dossier)
        acts_fold(ds, before); /* without what it had said to the group */
}

static void
links_leave(struct dossiers *ds, uint32_t dossier)
{
    struct dossier *d = &ds->at[dossier];

    while (d->link_count > 0) {
        struct dossier_link link = d->links[d->link_count - 1];

        link_remove(d, link.other, (enum link_kind)link.kind);
        link_remove(&ds->at[link.other], dossier, (enum link_kind)link.kind);
    }
}

void
dossiers_forget(struct dossiers *ds, struct directory *directory, uint32_t dossier)
{
    struct dossier *d = &ds->at[dossier];

    assert(d->entry != 0);
    ds->by_entry[d->entry] = DOSSIER_NONE;
    for (uint32_t i = 0; i < d->relation_count; i++) {
        const struct relation *relation = &d->relations[i];

        numbers_remove(relation->kind == RELATION_OFFICE ? &directory->agencies[relation->who].entries
                                                         : &directory->units[relation->who].entries,
                       d->entry);
    }
    for (uint32_t i = 0; i < directory->unit_count; i++)
        numbers_remove(&directory->units[i].told, d->entry);
    links_leave(ds, dossier);
    ring_leave(ds, dossier);
    for (uint32_t i = d->things; i != THING_NONE; i = ds->things.at[i].next)
        memset(ds->things.at[i].ref, 0, sizeof ds->things.at[i].ref);
    free(d->relations);
    free(d->links);
    free(d->acts);
    marks_clear(&d->marks);
    /* Its place in the order of opening stays: lists are searched by it. */
    *d = (struct dossier){.opened_seq = d->opened_seq, .group_next = dossier, .things = THING_NONE};
    ds->forgotten++;
}

uint32_t
dossiers_known(const struct dossiers *ds)
{
    return ds->count - ds->forgotten;
}

/* ---- names */

const char *
relation_name(enum relation_kind kind)
{
    assert(kind < RELATION_KIND_COUNT);
    return relation_names[kind];
}

const char *
link_name(enum link_kind kind)
{
    assert(kind < LINK_KIND_COUNT);
    return link_names[kind];
}

enum link_kind
link_by_name(const char *name)
{
    for (unsigned i = 0; i < LINK_KIND_COUNT; i++)
        if (strcmp(link_names[i], name) == 0)
            return (enum link_kind)i;
    return LINK_KIND_COUNT;
}

const char *
dossier_kind_name(const struct dossier *dossier)
{
    switch (dossier->kind) {
    case OPENS_REFERRAL: return "REFERRAL";
    case OPENS_CASE: return "CASE";
    case OPENS_MEETING: return "MEETING";
    case OPENS_LETTER: return "LETTER";
    default: return "";
    }
}
