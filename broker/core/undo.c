/*
 * dossiers_undo: relations after a recall. That a record ended a relation shows in its until_seq, which is that
 * record's number; that it opened one, in relation_opened_seq().
 */
#include "broker/core/addressed.h"

#include <string.h>

struct undo {
    struct dossiers *ds;
    uint32_t dossier;
    uint64_t seq, now_seq;
    bool amended; /* the record was */
};

/* The dossier's next fact of that code about the record first said at seq, from *at on. */
static const struct act *
next_fact(const struct dossiers *ds, uint32_t dossier, uint8_t code, uint64_t seq, uint32_t *at)
{
    const struct dossier *d = &ds->at[dossier];

    while (*at < d->act_count) {
        const struct act *act = &d->acts[(*at)++];

        if (act->input == IN_NONE && act->code == code && act_seq(act) == seq)
            return act;
    }
    return NULL;
}

/* The record first said at u->seq, or what amended it, has that number. */
static bool
is_of_it(const struct undo *u, uint64_t seq)
{
    uint32_t member = u->dossier;

    if (seq == u->seq || !u->amended)
        return seq == u->seq;
    do {
        const struct act *fact;

        for (uint32_t at = 0; (fact = next_fact(u->ds, member, ACT_CODE_AMENDED, u->seq, &at)) != NULL;)
            if (fact->number != 0 && seq == u->seq + fact->number)
                return true;
        member = u->ds->at[member].group_next;
    } while (member != u->dossier);
    return false;
}

static bool
was_recalled(const struct undo *u, uint64_t seq)
{
    uint32_t member = u->dossier;

    do {
        uint32_t at = 0;

        if (next_fact(u->ds, member, ACT_CODE_RECALL, seq, &at) != NULL)
            return true;
        member = u->ds->at[member].group_next;
    } while (member != u->dossier);
    return false;
}

/* What the record opened. A court's party copied into the case that took its letter up begins with the link. */
static bool
is_opened_by(const struct undo *u, const struct relation *relation)
{
    return relation_opened_seq(u->ds, relation) == u->seq ||
           (relation->kind == RELATION_PARTY && relation->from_seq == u->seq);
}

static int
end_opened(const struct undo *u, struct dossier *d)
{
    int rc = 0;

    for (uint32_t i = 0; i < d->relation_count && rc == 0; i++) {
        struct relation *relation = &d->relations[i];
        bool stays = relation->kind == RELATION_AUTHOR || relation->kind == RELATION_OFFICE ||
                     relation->kind == RELATION_ADDRESSEE || /* addressed_end() */
                     (relation->kind == RELATION_HOLDER && d->opened_seq == u->seq);

        if (stays || !is_opened_by(u, relation))
            continue;
        if (relation->until_seq == 0)
            relation->until_seq = u->now_seq;
        /* A successor was given nothing but history. */
        rc = relation_take_back(u->ds, relation,
                                relation->kind == RELATION_SUCCESSOR ? relation->until_seq
                                                                     : relation_opened_seq(u->ds, relation));
    }
    return rc;
}

/* ---- what it ended */

static const struct relation *
open_holder(const struct dossier *d)
{
    for (uint32_t i = 0; i < d->relation_count; i++)
        if (d->relations[i].kind == RELATION_HOLDER && d->relations[i].until_seq == 0)
            return &d->relations[i];
    return NULL;
}

static bool
referral_has_ended(const struct dossier *d)
{
    switch ((enum referral_state)d->matter.referral) {
    case REFERRAL_COMPLETED:
    case REFERRAL_FAILED:
    case REFERRAL_CANCELLED:
    case REFERRAL_REJECTED:
    case REFERRAL_ENTERED_IN_ERROR: return true;
    case REFERRAL_NONE:
    case REFERRAL_REQUESTED:
    case REFERRAL_RECEIVED:
    case REFERRAL_ACCEPTED:
    case REFERRAL_IN_PROGRESS:
    case REFERRAL_ON_HOLD:
    case REFERRAL_STATE_COUNT: break;
    }
    return false;
}

/* An act that ends relations of that kind; about: the meeting or IPUS that the relation is of. */
static bool
act_ends(const struct dossiers *ds, const struct act *act, const struct relation *relation)
{
    bool same = act->thing != THING_NONE &&
                memcmp(ds->things.at[act->thing].ref, ds->extras[relation->extra].ref, 16) == 0;

    switch (act->input) {
    case IN_COMPLETED:
    case IN_FAILED:
    case IN_CANCELLED: return relation->kind == RELATION_REFERRER;
    case IN_CLOSED:
    case IN_CLOSED_MONITORED: return relation->kind == RELATION_PARTICIPANT;
    case IN_CONVENED: /* who is invited still has been invited anew */
    case IN_CALLED_OFF:
    case IN_AGREEMENTS: return relation->kind == RELATION_INVITEE && same;
    case IN_IPUS_AGREED:
    case IN_IPUS_UPDATED:
    case IN_IPUS_CONCLUDED: return relation->kind == RELATION_PROVIDER && same;
    case IN_ORDER_REVOKED: return relation->kind == RELATION_PARTY && (relation->flags & RELATION_ORDERED) != 0;
    default: return false;
    }
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Where an act that stands, or what amended it, first ends the relation after `seq`; 0: none has since. */
static uint64_t
ended_since(const struct undo *u, const struct relation *relation, uint64_t seq)
{
    uint32_t member = u->dossier;
    uint64_t first = 0;

    do {
        const struct dossier *d = &u->ds->at[member];

        for (uint32_t i = 0; i < d->act_count; i++) {
            const struct act *fact;

            if ((d->acts[i].flags & ACT_RECALLED) != 0 || !act_ends(u->ds, &d->acts[i], relation))
                continue;
            if (act_seq(&d->acts[i]) > seq)
                first = earlier(first, act_seq(&d->acts[i]));
            for (uint32_t at = 0;
                 (fact = next_fact(u->ds, member, ACT_CODE_AMENDED, act_seq(&d->acts[i]), &at)) != NULL;)
                if (fact->number != 0 && act_seq(fact) + fact->number > seq)
                    first = earlier(first, act_seq(fact) + fact->number);
        }
        member = d->group_next;
    } while (member != u->dossier);
    return first;
}

/* Does the relation, which the record ended, go on, and until when (0: it is open again)? */
static bool
goes_on(const struct undo *u, const struct dossier *d, const struct relation *relation, uint64_t *ret_until)
{
    const struct relation *holder;

    *ret_until = 0;
    if (was_recalled(u, relation_opened_seq(u->ds, relation)))
        return false;
    switch ((enum relation_kind)relation->kind) {
    case RELATION_HOLDER: return open_holder(d) == NULL; /* only one holds */
    case RELATION_PENDING:
        holder = open_holder(d);
        return !referral_has_ended(d) && (holder == NULL || relation_opened_seq(u->ds, holder) < u->seq);
    case RELATION_PARTICIPANT:
    case RELATION_REFERRER:
    case RELATION_INVITEE:
    case RELATION_PROVIDER:
    case RELATION_PARTY: *ret_until = ended_since(u, relation, relation->until_seq); return true;
    case RELATION_AUTHOR:
    case RELATION_ADDRESSEE:
    case RELATION_SUCCESSOR:
    case RELATION_OFFICE: /* see dossiers_undo */
    case RELATION_KIND_COUNT: break;
    }
    return false;
}

/* Holders before those who wait: whether these go on depends on them. */
static void
go_on(const struct undo *u, struct dossier *d, bool holders)
{
    for (uint32_t i = 0; i < d->relation_count; i++) {
        struct relation *relation = &d->relations[i];
        uint64_t until;

        if ((relation->kind == RELATION_HOLDER) == holders && relation->until_seq != 0 &&
            is_of_it(u, relation->until_seq) && !is_opened_by(u, relation) && goes_on(u, d, relation, &until))
            relation->until_seq = until;
    }
}

/* An office that looked on because of what was recalled, and of nothing else. */
static int
take_offices_back(const struct undo *u, struct dossier *d)
{
    int rc = 0;

    for (uint32_t i = 0; i < d->relation_count && rc == 0; i++) {
        struct relation *relation = &d->relations[i];
        uint64_t opened = relation_opened_seq(u->ds, relation);

        if (relation->kind == RELATION_OFFICE && relation->until_seq == u->now_seq &&
            (is_opened_by(u, relation) || was_recalled(u, opened)))
            rc = relation_take_back(u->ds, relation, opened);
    }
    return rc;
}

static bool
was_amended(const struct dossiers *ds, uint32_t dossier, uint64_t seq)
{
    uint32_t member = dossier;

    do {
        uint32_t at = 0;

        if (next_fact(ds, member, ACT_CODE_AMENDED, seq, &at) != NULL)
            return true;
        member = ds->at[member].group_next;
    } while (member != dossier);
    return false;
}

int
dossiers_undo(struct dossiers *ds, const struct directory *directory, uint32_t dossier, uint64_t seq, uint64_t now_seq)
{
    const struct undo u = {
        .ds = ds, .dossier = dossier, .seq = seq, .now_seq = now_seq, .amended = was_amended(ds, dossier, seq)};
    uint32_t member = dossier;
    int rc;

    addressed_end(ds, dossier, now_seq);
    do {
        struct dossier *d = &ds->at[member];

        rc = end_opened(&u, d);
        if (rc != 0)
            return rc;
        go_on(&u, d, true);
        go_on(&u, d, false);
        for (uint32_t i = 0; i < d->relation_count; i++)
            if (d->relations[i].kind == RELATION_OFFICE && d->relations[i].until_seq == seq &&
                dossier_is_served_by(d, directory, d->relations[i].who))
                d->relations[i].until_seq = 0;
        member = d->group_next;
    } while (member != dossier);
    dossiers_end_offices(ds, directory, dossier, now_seq);
    do {
        rc = take_offices_back(&u, &ds->at[member]);
        member = ds->at[member].group_next;
    } while (rc == 0 && member != dossier);
    return rc;
}
