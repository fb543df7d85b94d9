/* Kept as facts of the referral's dossier (acts.h): what is asked for, and what was given. */
#include "broker/core/handover.h"

#include "broker/core/facts.h"

#include <string.h>

static int
keep(struct dossiers *ds, uint32_t dossier, uint64_t seq, uint8_t code, uint32_t other, uint32_t back)
{
    struct act_about fact = {
        .act = {.input = IN_NONE, .code = code, .day = (int32_t)back, .number = other, .thing = THING_NONE},
        .machine = MACHINE_COUNT};

    act_set_seq(&fact.act, seq);
    return acts_add(ds, dossier, &fact);
}

static bool
is_fact(const struct act *act, uint8_t code)
{
    return act->input == IN_NONE && act->code == code;
}

int
handover_asked(struct core *core, const struct core_record *record, uint32_t dossier)
{
    struct dossiers *ds = &core->dossiers;
    const Wici__V1__ReferralSubmittedS6 *body;
    uint8_t id[16];
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 6, &at)) != NULL;) {
        uint64_t back;
        uint32_t other;

        if (!facts_same(body->service, "HAND_OVER") || body->hand_over == NULL ||
            uuid_parse(body->hand_over->from_dossier, id) != 0)
            continue;
        other = dossiers_find(ds, id);
        if (other == DOSSIER_NONE || dossiers_same_group(ds, other, dossier))
            continue; /* in the dossier itself: its holder's own addressees wait for it (apply.c) */
        /* How far back it goes; further than a number holds is less history, never more. 0: none. */
        back = body->hand_over->history_from == 0 || body->hand_over->history_from > record->seq
                   ? 0
                   : record->seq - body->hand_over->history_from;
        rc = keep(ds, dossier, record->seq, ACT_CODE_HAND_OVER, other, back > UINT32_MAX ? UINT32_MAX : (uint32_t)back);
    }
    return rc;
}

/* It was asked for and not given yet; NULL: nothing. */
static const struct act *
asked(const struct dossier *referral)
{
    const struct act *found = NULL;

    for (uint32_t i = 0; i < referral->act_count; i++) {
        const struct act *act = &referral->acts[i];

        if ((act->flags & ACT_RECALLED) != 0)
            continue;
        if (is_fact(act, ACT_CODE_HAND_OVER))
            found = act;
        else if (is_fact(act, ACT_CODE_HANDED))
            return NULL;
    }
    return found;
}

int
handover_accepted(struct core *core, uint32_t dossier, uint32_t unit, uint64_t seq, uint32_t *ret)
{
    struct dossiers *ds = &core->dossiers;
    const struct act *act = asked(&ds->at[dossier]);
    uint32_t asker = ds->at[dossier].opener, other;
    struct relation_spec history = {.kind = RELATION_SUCCESSOR, .who = unit, .opened_seq = seq};
    int rc;

    *ret = DOSSIER_NONE;
    if (act == NULL || asker == DIRECTORY_NONE || unit == DIRECTORY_NONE || unit == asker ||
        !dossiers_has_open(ds, act->number, RELATION_HOLDER, asker, NULL, core->latest_ms))
        return 0;
    other = act->number;
    history.from_seq = act->day == 0 ? seq : act_seq(act) - (uint32_t)act->day;
    rc = dossiers_open(ds, &core->directory, other, &history);
    if (rc != 0)
        return rc;
    dossiers_end(ds, other, RELATION_SUCCESSOR, unit, NULL, seq);
    if (core->directory.units[asker].agency == core->directory.units[unit].agency)
        *ret = other;
    return keep(ds, dossier, seq, ACT_CODE_HANDED, other, 0);
}

int
handover_recalled(struct core *core, uint32_t dossier, uint64_t seq, uint64_t now_seq)
{
    struct dossiers *ds = &core->dossiers;
    bool whole = false; /* the referral itself */
    int rc = 0;

    for (uint32_t i = 0; i < ds->at[dossier].act_count; i++)
        whole = whole ||
                (is_fact(&ds->at[dossier].acts[i], ACT_CODE_HAND_OVER) && act_seq(&ds->at[dossier].acts[i]) == seq);
    for (uint32_t i = 0; i < ds->at[dossier].act_count && rc == 0; i++) {
        const struct act *act = &ds->at[dossier].acts[i];

        if (is_fact(act, ACT_CODE_HANDED) && (whole || act_seq(act) == seq))
            rc = dossiers_undo(ds, &core->directory, act->number, act_seq(act), now_seq);
    }
    return rc;
}
