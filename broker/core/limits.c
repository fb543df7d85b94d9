/*
 * How much an event may leave in its dossier: relations, acts, what it says to deadlines. A quarter of each is kept for
 * who leads the dossier (its holder, who has to answer, their office, and who watches deadlines), and another unit may
 * leave a quarter at most, so that nobody can stop the others' writing. Merged dossiers have a bound together, too:
 * what is worked out of all of them must not take longer than a few times what one takes.
 */
#include "broker/core/asked.h"
#include "broker/core/agency_clocks.h"
#include "broker/core/decide.h"
#include "broker/core/outside.h"
#include "broker/core/parts.h"
#include "broker/core/rules.h"

#include <string.h>

/* An upper bound of the relations this event may add to its dossier. */
static size_t
relations_bound(const struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const Wici__V1__MeetingConvenedS6 *body;
    const char *on_behalf_of = d->event->header->actor->on_behalf_of;
    uint32_t behalf = on_behalf_of[0] == '\0' ? DIRECTORY_NONE : directory_agency(directory, on_behalf_of);
    size_t bound = 8 + 3 * d->note->n_resolved_to;

    if (behalf != DIRECTORY_NONE)
        bound += directory->agencies[behalf].units.count;
    if (d->type == TYPE(MEETING_CONVENED))
        for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
            bound += body->n_invited;
    for (size_t i = 0; i < d->event->section_count; i++) {
        const Wici__V1__ServiceRow *row = facts_row(d->event, i);
        uint32_t agency = row == NULL ? DIRECTORY_NONE : directory_agency(directory, row->provider);

        bound += agency == DIRECTORY_NONE ? 1 : directory->agencies[agency].units.count;
    }
    return bound;
}

/* An upper bound of the acts it may leave in its dossier. */
static size_t
acts_bound(const struct deciding *d)
{
    const Wici__V1__MeetingHeldS6 *body;
    struct parts parts;
    size_t bound = 5 + MISSING_COUNT + (d->event->header->corrects_event_id[0] != '\0' ? d->note->n_resolved_to : 0);

    parts_of_event(&d->core->dossiers, d->dossier, d->acting, d->command->now_ms, d->event, &parts);
    bound += parts.count + asked_bound(d->event, d->note);
    if (d->core->directory.outside_count > 0)
        bound += outside_bound(d->core, d->note, d->dossier) + relations_bound(d);
    if (d->type == TYPE(MEETING_HELD))
        for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
            bound += body->n_documents;
    return bound;
}

/* ---- who writes */

static bool
leads(const struct deciding *d)
{
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];

    if (facts_is_deadline(d->type) || decide_is(d, RELATION_HOLDER) || decide_is(d, RELATION_PENDING))
        return true;
    for (uint32_t i = 0; i < dossier->relation_count; i++)
        if (dossier->relations[i].kind == RELATION_OFFICE &&
            relation_is_of(&d->core->directory, dossier, &dossier->relations[i], d->command->unit) &&
            relation_is_open(&d->core->dossiers, &dossier->relations[i], d->command->now_ms))
            return true;
    return false;
}

/* What the unit has left in the dossier already. */
static size_t
left_by(const struct deciding *d)
{
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];

    for (uint32_t i = 0; i < dossier->relation_count; i++)
        if (dossier->relations[i].kind == RELATION_AUTHOR && dossier->relations[i].who == d->command->unit)
            return dossier->relations[i].left;
    return 0;
}

static bool
is_too_much(size_t there, size_t more, size_t max, bool leading)
{
    return there + more > (leading ? max : max - max / DOSSIER_RESERVE);
}

/* ---- merged dossiers: a relation opened in one is opened in each, and a recall works all out again */

struct sums {
    size_t dossiers, relations, acts, marks;
};

static struct sums
sums_of(const struct dossiers *ds, uint32_t dossier)
{
    struct sums sums = {0};

    for (EACH_OF_GROUP(ds, member, dossier)) {
        sums.dossiers++;
        sums.relations += ds->at[member].relation_count;
        sums.acts += ds->at[member].act_count;
        sums.marks += ds->at[member].marks.count;
    }
    return sums;
}

static bool
group_is_full(const struct deciding *d, size_t relations, size_t acts, bool leading)
{
    struct sums sums;

    if (d->core->dossiers.at[d->dossier].group_next == d->dossier)
        return false;
    sums = sums_of(&d->core->dossiers, d->dossier);
    return is_too_much(sums.relations, relations * sums.dossiers, GROUP_SAYS_MAX, leading) ||
           is_too_much(sums.acts, acts, GROUP_SAYS_MAX, leading) ||
           (d->type < TYPE_SYS_FIRST && is_too_much(sums.marks, MARKS_PER_EVENT_MAX, GROUP_SAYS_MAX, leading));
}

static bool
merges(const struct deciding *d)
{
    return link_by_name(FACTS_TEXT(d->event, 0, Wici__V1__CaseLinkedS0, kind)) == LINK_MERGED_INTO;
}

/* Each dossier of the one group gets the open relations of the other. */
static bool
merged_is_too_much(const struct dossiers *ds, uint32_t a, uint32_t b, size_t relations, size_t acts)
{
    struct sums one = sums_of(ds, a), other = sums_of(ds, b);

    if (dossiers_same_group(ds, a, b))
        return false;
    return one.relations + other.relations + one.dossiers * ds->at[b].relation_count +
                   other.dossiers * ds->at[a].relation_count + (one.dossiers + other.dossiers) * relations >
               GROUP_SAYS_MAX ||
           one.acts + other.acts + acts > GROUP_SAYS_MAX || one.marks + other.marks > GROUP_SAYS_MAX;
}

/* ---- the case that took the dossier up, and what a case takes up: acts are copied */

static int
linked_limits(struct deciding *d, size_t acts)
{
    const struct dossiers *ds = &d->core->dossiers;
    const struct dossier *dossier = &ds->at[d->dossier];
    uint8_t id[16];

    for (uint32_t i = 0; i < dossier->link_count; i++)
        if (dossier->links[i].kind == LINK_REFERRAL_OF &&
            ds->at[dossier->links[i].other].act_count + acts > ACTS_PER_DOSSIER_MAX)
            return decide_refuse(d, E_LIMIT, "header.dossierId");
    if (d->type == TYPE(CASE_LINKED) &&
        uuid_parse(FACTS_TEXT(d->event, 0, Wici__V1__CaseLinkedS0, other_dossier), id) == 0) {
        uint32_t other = dossiers_find(ds, id);

        if (other == DOSSIER_NONE)
            return 0;
        if (merges(d) && merged_is_too_much(ds, d->dossier, other, relations_bound(d), acts))
            return decide_refuse(d, E_LIMIT, "header.dossierId");
        if (dossier->relation_count + ds->at[other].relation_count + relations_bound(d) > RELATIONS_PER_DOSSIER_MAX ||
            dossier->act_count + ds->at[other].act_count + acts > ACTS_PER_DOSSIER_MAX)
            return decide_refuse(d, E_LIMIT, "header.dossierId");
    }
    return 0;
}

/* ---- a consent that was entered elsewhere: who withdraws it reaches all that rests on it */

static bool
rests_on_too_many(const struct deciding *d)
{
    const struct dossiers *ds = &d->core->dossiers;
    uint8_t ref[16];
    uint32_t consent;
    size_t known;

    if (d->event->header->consent_ref[0] == '\0' || uuid_parse(d->event->header->consent_ref, ref) != 0)
        return false;
    consent = rules_thing(ds, d->dossier, MACHINE_CONSENT, ref);
    return consent != THING_NONE && !rules_rests_known(ds, d->dossier, consent, &known) && known >= CONSENT_TIES_MAX;
}

/* Would the dossier have too much after this event, of one who leads it or of another? */
static bool
is_full(const struct deciding *d, size_t relations, size_t acts, bool leading)
{
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];

    return is_too_much(dossier->relation_count, relations, RELATIONS_PER_DOSSIER_MAX, leading) ||
           is_too_much(dossier->act_count, acts, ACTS_PER_DOSSIER_MAX, leading) ||
           (d->type < TYPE_SYS_FIRST &&
            is_too_much(dossier->marks.count, MARKS_PER_EVENT_MAX, MARKS_PER_DOSSIER_MAX, leading)) ||
           (!leading && left_by(d) + acts > LEFT_PER_UNIT_MAX) || group_is_full(d, relations, acts, leading);
}

int
decide_limits(struct deciding *d)
{
    size_t relations = relations_bound(d), acts = acts_bound(d);

    if (agency_clocks_full(d->core, d->event, d->core->directory.units[d->command->unit].agency))
        return decide_refuse(d, E_LIMIT, "header.actor.agency");
    if (d->dossier == DOSSIER_NONE)
        return relations > RELATIONS_PER_DOSSIER_MAX ? decide_refuse(d, E_LIMIT, "header.dossierId") : 0;
    /* What has room for others has room for who leads: who that is matters only where others find none. */
    if (is_full(d, relations, acts, false) && (!leads(d) || is_full(d, relations, acts, true)))
        return decide_refuse(d, E_LIMIT, "header.dossierId");
    if (rests_on_too_many(d))
        return decide_refuse(d, E_LIMIT, "header.consentRef");
    return linked_limits(d, acts);
}
