/*
 * For each start a walk over the marks of its family: a family is a few dossiers, a dossier a few dozen marks. Nothing
 * is kept but the marks, so that a correction, a link or a merge has nothing to put right here.
 */
#include "broker/core/clocks.h"

#include "broker/core/asked.h"
#include "broker/core/rules.h"
#include "broker/core/view.h"
#include "proto/date.h"
#include "proto/limits.h"

#include <assert.h>
#include <string.h>

/* What is looked for: the end of a clock. */
struct looking {
    const struct core *core;
    const struct kin *kin;
    const struct mark *start;
    uint32_t dossier; /* of the start */
};

enum effect { EFFECT_NONE, EFFECT_MEETS, EFFECT_CANCELS };

/* ---- the family of a dossier */

static void
kin_add(const struct dossiers *ds, struct kin *kin, uint32_t dossier, bool own)
{
    uint32_t says = (uint32_t)ds->at[dossier].act_count + ds->at[dossier].marks.count;

    for (size_t i = 0; i < kin->count; i++)
        if (kin->at[i] == dossier)
            return;
    if (kin->count == CLOCK_FAMILY_MAX || (!own && kin->says + says > CLOCK_FAMILY_SAYS_MAX))
        return;
    kin->at[kin->count++] = dossier;
    kin->says += says;
}

void
clocks_kin(const struct dossiers *ds, uint32_t dossier, struct kin *ret)
{
    ret->count = 0;
    ret->says = 0;
    for (EACH_OF_GROUP(ds, member, dossier))
        kin_add(ds, ret, member, true);
    for (EACH_OF_GROUP(ds, member, dossier))
        for (uint32_t i = 0; i < ds->at[member].link_count; i++)
            if (ds->at[member].links[i].kind == LINK_REFERRAL_OF)
                for (EACH_OF_GROUP(ds, other, ds->at[member].links[i].other))
                    kin_add(ds, ret, other, false);
}

/* for (EACH_MARK(l, mark, dossier)): the marks of the family that were not recalled, and whose they are. */
struct walk {
    size_t member;
    uint16_t at;
};

static const struct mark *
walk_next(const struct looking *l, struct walk *walk, uint32_t *ret_dossier)
{
    for (; walk->member < l->kin->count; walk->member++, walk->at = 0) {
        const struct marks *marks = &l->core->dossiers.at[l->kin->at[walk->member]].marks;

        while (walk->at < marks->count) {
            const struct mark *mark = &marks->at[walk->at++];

            if ((mark->flags & MARK_RECALLED) == 0) {
                *ret_dossier = l->kin->at[walk->member];
                return mark;
            }
        }
    }
    return NULL;
}

/* ---- what ends what */

static enum effect
when(bool met)
{
    return met ? EFFECT_MEETS : EFFECT_NONE;
}

/* What was closed is the case that the clock is of, or the one that took its referral up. */
static bool
is_of_case(const struct looking *l, uint32_t closed)
{
    const struct dossier *d = &l->core->dossiers.at[closed];

    if (closed == l->dossier || l->core->dossiers.at[l->dossier].kind == OPENS_CASE)
        return closed == l->dossier;
    for (uint32_t i = 0; i < d->link_count; i++)
        if (d->links[i].kind == LINK_REFERRAL_OF && d->links[i].other == l->dossier)
            return true;
    return false;
}

/* The row was agreed on at a meeting of no later day. */
static bool
is_row_of_meeting_by(const struct looking *l, unsigned day)
{
    const struct mark *mark;
    struct walk walk = {0};
    uint32_t dossier, meeting = 0;

    while (meeting == 0 && (mark = walk_next(l, &walk, &dossier)) != NULL)
        if (mark_sign(mark) == SIGN_AGREEMENTS && mark->seq == l->start->seq && dossier == l->dossier)
            meeting = mark->key;
    walk = (struct walk){0};
    while (meeting != 0 && (mark = walk_next(l, &walk, &dossier)) != NULL)
        if (mark_sign(mark) == SIGN_MEETING && mark->key == meeting && mark->day <= day)
            return true;
    return false;
}

/* What is entered only after the closing belongs to the work that ended then. What is asked for or agreed later (an
 * order, a consent, a meeting of those who meet on) is not of it. */
static bool
is_of_ended_work(const struct looking *l, const struct mark *closed)
{
    if (l->start->day <= closed->day)
        return true;
    switch (mark_clock(l->start)) {
    case CLOCK_D4:
    case CLOCK_D11: return true; /* there is no assistant any more */
    case CLOCK_D16: return is_row_of_meeting_by(l, closed->day);
    default: return false;
    }
}

/* What a case began before it was closed ends with it, also what is entered only afterwards. */
static enum effect
closing_effect(const struct looking *l, const struct mark *closed, uint32_t dossier)
{
    const struct mark *start = l->start;

    if (!mark_is_later(closed, start) && !(is_of_case(l, dossier) && is_of_ended_work(l, closed)))
        return EFFECT_NONE;
    switch (mark_clock(start)) {
    case CLOCK_D10:
    case CLOCK_D11: return start->day > closed->day ? EFFECT_CANCELS : EFFECT_MEETS;
    case CLOCK_D1:
    case CLOCK_D2:
    case CLOCK_D3:
    case CLOCK_D4:
    case CLOCK_D16:
    case CLOCK_D17: return EFFECT_CANCELS;
    default: return EFFECT_NONE;
    }
}

/* An answer to the referral itself, in its own dossier. */
static enum effect
answer_effect(const struct mark *start, const struct mark *sign)
{
    bool referral = mark_clock(start) == CLOCK_D15 && start->key == 0;

    if (!mark_is_later(sign, start))
        return EFFECT_NONE;
    switch (mark_sign(sign)) {
    case SIGN_ANSWERED: return when(referral && start->item == 0);
    case SIGN_PART_ACCEPTED:
    case SIGN_PART_ANSWERED: return when(referral && start->item != 0 && start->item == sign->item);
    case SIGN_REJECTED:
        if (mark_clock(start) == CLOCK_D3)
            return EFFECT_MEETS;
        return mark_clock(start) == CLOCK_D1 || (referral && start->item != 0) ? EFFECT_CANCELS : EFFECT_NONE;
    case SIGN_COMPLETED:
        return referral || mark_clock(start) == CLOCK_D1 || mark_clock(start) == CLOCK_D3 ? EFFECT_CANCELS
                                                                                          : EFFECT_NONE;
    default: return EFFECT_NONE;
    }
}

/* A start takes the place of those before it: of a plan by its id, of a referral, or a part of it, in its own dossier.
 */
static enum effect
start_effect(const struct looking *l, const struct mark *other, uint32_t dossier)
{
    const struct mark *start = l->start;

    if (mark_clock(other) != mark_clock(start) || other->key != start->key || !mark_is_later(other, start) ||
        (other->flags & MARK_REPLACES) == 0 ||
        (mark_clock(start) == CLOCK_D15 && (dossier != l->dossier || other->item != start->item)))
        return EFFECT_NONE;
    return EFFECT_CANCELS;
}

static enum effect
keyed_effect(const struct mark *start, const struct mark *sign)
{
    bool same = sign->key != 0 && sign->key == start->key;

    switch (mark_sign(sign)) {
    case SIGN_AGREEMENTS: return when(mark_clock(start) == CLOCK_D13 && same);
    case SIGN_AGREED: return when(mark_clock(start) == CLOCK_D3 && same);
    case SIGN_RENEWED: return when(mark_clock(start) == CLOCK_D6 && same);
    case SIGN_CONCLUDED: return when(mark_clock(start) == (sign->item == 1 ? CLOCK_D7 : CLOCK_D6) && same);
    case SIGN_SERVICE: return when(mark_clock(start) == CLOCK_D16 && same && mark_is_later(sign, start));
    case SIGN_OPINION: return when(mark_clock(start) == CLOCK_D12 && same);
    case SIGN_PROVIDED: return when(mark_clock(start) == CLOCK_D15 && same);
    case SIGN_CONCERN_ANSWERED: return when(mark_clock(start) == CLOCK_D18 && same);
    case SIGN_WITHDRAWN: return mark_clock(start) == CLOCK_D17 && same ? EFFECT_CANCELS : EFFECT_NONE;
    case SIGN_CONSENT:
        return when(mark_clock(start) == CLOCK_D17 && start->item >= MARK_CONSENT_ITEM && sign->item == start->item &&
                    !same && mark_is_later(sign, start));
    default: return EFFECT_NONE;
    }
}

static enum effect
meeting_effect(const struct mark *start, const struct mark *meeting)
{
    switch (mark_clock(start)) {
    case CLOCK_D2: return when(meeting->item == 1);
    case CLOCK_D10: return when(meeting->key != start->key && mark_comes_after(meeting, start));
    case CLOCK_D16: return when(mark_is_later(meeting, start) && meeting->day >= start->day);
    default: return EFFECT_NONE;
    }
}

/* Dates of one event that are met one by one are looked at apart: item_end. */
static enum effect
effect_of(const struct looking *l, const struct mark *sign, uint32_t dossier)
{
    const struct mark *start = l->start;

    switch (mark_sign(sign)) {
    case SIGN_START: return start_effect(l, sign, dossier);
    case SIGN_ANSWERED:
    case SIGN_REJECTED:
    case SIGN_PART_ACCEPTED:
    case SIGN_PART_ANSWERED:
    case SIGN_COMPLETED: return dossier == l->dossier ? answer_effect(start, sign) : EFFECT_NONE;
    case SIGN_INTERVIEW: return when(mark_clock(start) == CLOCK_D1);
    case SIGN_MEETING: return meeting_effect(start, sign);
    case SIGN_PERIODIC:
        if (mark_clock(start) == CLOCK_D11)
            return when(sign->item == 1 && sign->day >= start->day);
        return when(mark_clock(start) == CLOCK_D4 && mark_comes_after(sign, start));
    case SIGN_CLOSED: return closing_effect(l, sign, dossier);
    case SIGN_REVOKED:
        return mark_clock(start) == CLOCK_D19 && mark_is_later(sign, start) ? EFFECT_CANCELS : EFFECT_NONE;
    default: return keyed_effect(start, sign);
    }
}

/* ---- several dates of one event */

/* The event's next date of that clock, by due date; NULL: no more. */
static const struct mark *
next_item(const struct looking *l, const struct mark *before)
{
    const struct marks *marks = &l->core->dossiers.at[l->dossier].marks;
    const struct mark *best = NULL;

    for (uint16_t i = 0; i < marks->count; i++) {
        const struct mark *mark = &marks->at[i];

        if (mark_sign(mark) != SIGN_START || mark_clock(mark) != mark_clock(l->start) || mark->seq != l->start->seq ||
            (mark->flags & MARK_RECALLED) != 0)
            continue;
        if (before != NULL && (mark->due < before->due || (mark->due == before->due && mark->item <= before->item)))
            continue;
        if (best == NULL || mark->due < best->due || (mark->due == best->due && mark->item < best->item))
            best = mark;
    }
    return best;
}

/* The first such sign behind `used` whose day is no earlier than `from`. */
static const struct mark *
next_sign(const struct looking *l, enum sign sign, const struct mark *used, unsigned from)
{
    const struct mark *best = NULL, *mark;
    struct walk walk = {0};
    uint32_t dossier;

    while ((mark = walk_next(l, &walk, &dossier)) != NULL)
        if (mark_sign(mark) == sign && mark->day >= from && (used == NULL || mark_comes_after(mark, used)) &&
            (best == NULL || mark_comes_after(best, mark)))
            best = mark;
    return best;
}

/* One assessment, one report stands for one date: the earliest open one whose predecessor lies before it. */
static const struct mark *
item_end(const struct looking *l)
{
    enum sign sign = mark_clock(l->start) == CLOCK_D14 ? SIGN_POST_CLOSURE : SIGN_REPORT;
    const struct mark *used = NULL;
    unsigned from = l->start->day;

    for (const struct mark *item = next_item(l, NULL); item != NULL; item = next_item(l, item)) {
        used = next_sign(l, sign, used, from);
        if (used == NULL || item == l->start)
            return used;
        from = item->due + 1u;
    }
    return NULL;
}

/* Every part of the application was accepted by somebody else. */
static const struct mark *
parts_end(const struct looking *l)
{
    const struct marks *marks = &l->core->dossiers.at[l->dossier].marks;
    uint32_t parts[8] = {0}; /* a bit for each of 256 */
    const struct mark *last = NULL;
    unsigned count = 0;

    for (uint16_t i = 0; i < marks->count && l->start->item > 0; i++) {
        const struct mark *mark = &marks->at[i];
        uint32_t bit = 1u << mark->item % 32;

        if (mark_sign(mark) != SIGN_PART_ACCEPTED || (mark->flags & MARK_RECALLED) != 0 ||
            !mark_is_later(mark, l->start) || (parts[mark->item / 32] & bit) != 0)
            continue;
        parts[mark->item / 32] |= bit;
        last = last == NULL || mark_comes_after(mark, last) ? mark : last;
        if (++count == l->start->item)
            return last;
    }
    return NULL;
}

/* ---- one clock */

/* A start that counts only where the clock has not run before: the one before it; NULL. */
static const struct mark *
start_before(const struct looking *l)
{
    const struct mark *mark;
    struct walk walk = {0};
    uint32_t dossier;

    if ((l->start->flags & MARK_FIRST) == 0)
        return NULL;
    while ((mark = walk_next(l, &walk, &dossier)) != NULL)
        if (mark_sign(mark) == SIGN_START && mark_clock(mark) == mark_clock(l->start) && mark_is_later(l->start, mark))
            return mark;
    return NULL;
}

static void
earliest(const struct mark **best, const struct mark *mark, bool by_day)
{
    if (*best == NULL || (by_day ? mark_comes_after(*best, mark) : mark_is_later(*best, mark)))
        *best = mark;
}

static void
find_end(const struct looking *l, struct core_clock *ret)
{
    const struct mark *met = NULL, *cancelled = start_before(l), *mark;
    struct walk walk = {0};
    uint32_t dossier;

    while ((mark = walk_next(l, &walk, &dossier)) != NULL)
        switch (effect_of(l, mark, dossier)) {
        case EFFECT_MEETS: earliest(&met, mark, true); break;
        case EFFECT_CANCELS: earliest(&cancelled, mark, false); break;
        case EFFECT_NONE: break;
        }
    if (mark_clock(l->start) == CLOCK_D14 || mark_clock(l->start) == CLOCK_D19)
        met = item_end(l);
    if (mark_clock(l->start) == CLOCK_D3 && (mark = parts_end(l)) != NULL)
        earliest(&met, mark, true);
    if (met != NULL && (cancelled == NULL || mark_is_later(cancelled, met))) {
        ret->state = CORE_CLOCK_MET;
        ret->end_seq = met->seq;
        ret->ended = met->day;
    } else if (cancelled != NULL) {
        ret->state = CORE_CLOCK_CANCELLED;
        ret->end_seq = cancelled->seq;
    }
}

/* The newest unit that holds the dossier, or else the newest that was asked. */
static uint32_t
holder_of(const struct core *core, const struct dossier *dossier)
{
    const struct relation *best = NULL;

    for (uint32_t i = 0; i < dossier->relation_count; i++) {
        const struct relation *relation = &dossier->relations[i];

        if ((relation->kind != RELATION_HOLDER && relation->kind != RELATION_PENDING) ||
            !relation_is_open(&core->dossiers, relation, core->latest_ms))
            continue;
        if (best == NULL || (relation->kind == RELATION_HOLDER && best->kind == RELATION_PENDING) ||
            (relation->kind == best->kind && relation->from_seq > best->from_seq))
            best = relation;
    }
    return best == NULL ? CORE_UNIT_NONE : best->who;
}

static bool
suffered_loss(const struct looking *l)
{
    const struct mark *mark;
    struct walk walk = {0};
    uint32_t dossier;

    while ((mark = walk_next(l, &walk, &dossier)) != NULL)
        if (mark_sign(mark) == SIGN_LOSS)
            return true;
    return false;
}

bool
clocks_of(const struct core *core, const struct kin *kin, uint32_t dossier, const struct mark *start,
          struct core_clock *ret)
{
    struct looking l = {.core = core, .kin = kin, .start = start, .dossier = dossier};

    if (mark_sign(start) != SIGN_START)
        return false;
    *ret = (struct core_clock){.agency = "",
                               .clock = (enum clock_id)mark_clock(start),
                               .start_seq = start->seq,
                               .item = start->item,
                               .started = start->day,
                               .due = start->due == 0 ? DATE_NONE : start->due,
                               .named = clock_info((enum clock_id)mark_clock(start))->basis == CLOCK_DATE ||
                                        (mark_clock(start) == CLOCK_D15 && start->key != 0),
                               .urgent = (start->flags & MARK_URGENT) != 0,
                               .ended = DATE_NONE,
                               .told = start->told,
                               .notices = start->notices,
                               .holder = holder_of(core, &core->dossiers.at[dossier])};
    memcpy(ret->dossier_id, core->dossiers.at[dossier].id, sizeof ret->dossier_id);
    ret->unit = asked_unit(&core->dossiers.at[dossier], start->seq, asked_item(start), ret->holder);
    if (ret->unit == CORE_UNIT_NONE)
        ret->unit = ret->holder;
    ret->holder_only = suffered_loss(&l);
    if ((start->flags & MARK_RECALLED) != 0)
        ret->state = CORE_CLOCK_CANCELLED;
    else
        find_end(&l, ret);
    if (ret->state == CORE_CLOCK_RUNS)
        ret->told = (uint8_t)mark_told_of_run(ret->told);
    return start->told != 0 || start_before(&l) == NULL;
}

bool
clocks_at(const struct core *core, uint32_t dossier, uint16_t mark, struct core_clock *ret)
{
    struct kin kin;

    assert(mark < core->dossiers.at[dossier].marks.count);
    clocks_kin(&core->dossiers, dossier, &kin);
    return clocks_of(core, &kin, dossier, &core->dossiers.at[dossier].marks.at[mark], ret);
}
