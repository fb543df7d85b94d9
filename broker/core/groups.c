/* Dossiers that are one case, or tied to others; and one that is forgotten, which leaves them all. */
#include "broker/core/groups.h"

#include "proto/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const link_names[] = {
    [LINK_REFERRAL_OF] = "REFERRAL_OF", [LINK_MERGED_INTO] = "MERGED_INTO",       [LINK_SIBLING] = "SIBLING",
    [LINK_PREVIOUS] = "PREVIOUS",       [LINK_CONTINUED_FROM] = "CONTINUED_FROM",
};
static_assert(sizeof link_names / sizeof link_names[0] == LINK_KIND_COUNT, "each kind has a name");

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

/* ---- the ring of merged dossiers */

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

void
dossiers_flag(struct dossiers *ds, uint32_t dossier, uint8_t flags)
{
    uint32_t member = dossier;

    do {
        ds->at[member].flags |= flags;
        member = ds->at[member].group_next;
    } while (member != dossier);
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

/* ---- merging and copying */

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
        rc = relation_extra(ds, ds->extras[relation.extra].ref, ds->extras[relation.extra].until_ms,
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

/* ---- links */

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

        rc = dossier_list_room(&links, cap, sizeof *dossier->links);
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

/* ---- taking a link back */

/* Another dossier of the group has an open relation of its own that says the same. */
static bool
others_own(const struct dossiers *ds, uint32_t dossier, const struct relation *shared)
{
    for (uint32_t member = ds->at[dossier].group_next; member != dossier; member = ds->at[member].group_next) {
        const struct dossier *d = &ds->at[member];

        for (uint32_t i = 0; i < d->relation_count; i++) {
            const struct relation *own = &d->relations[i];

            if ((own->flags & RELATION_SHARED) == 0 && own->until_seq == 0 && relation_says_same(ds, own, shared))
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

/* ---- forgetting */

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
