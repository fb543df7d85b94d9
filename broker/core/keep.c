/*
 * A record leaves at most one act of its own, in its dossier. Beside it: what a case takes over from a referral or
 * letter that it takes up (an order, an application), which is copied, then and later; and the few facts of ACT_CODE_*.
 */
#include "broker/core/keep.h"

#include "broker/core/addressed.h"
#include "broker/core/facts.h"
#include "broker/core/gate.h"
#include "broker/core/handover.h"
#include "broker/core/outside.h"
#include "broker/core/parts.h"
#include "broker/core/rules.h"
#include "broker/core/view.h"
#include "broker/core/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a case takes over */

static bool
is_taken_over(const struct act *act)
{
    switch (act->input) {
    case IN_SUBMITTED: return (act->flags & ACT_ZZ) != 0;
    case IN_ORDER_ISSUED:
    case IN_ORDER_REVOKED:
    case IN_OPINION_REQUESTED:
    case IN_COOPERATION_GRANTED:
    case IN_COOPERATION_WITHDRAWN:
    case IN_IN_CARE:
    case IN_BACK_HOME: return (act->flags & ACT_RECALLED) == 0;
    default: return false;
    }
}

static int
take_over(struct dossiers *ds, uint32_t to, const struct act *act, uint64_t seq)
{
    struct act_about copy = {.act = *act, .machine = MACHINE_COUNT};

    if (!is_taken_over(act))
        return 0;
    if (act->input == IN_SUBMITTED)
        copy.act.input = IN_ZZ_APPLIED;
    copy.act.flags = (uint8_t)((act->flags & ACT_LATE) | ACT_COPIED);
    copy.act.number = act->seq_low;
    act_set_seq(&copy.act, seq);
    copy.act.thing = THING_NONE;
    return acts_add(ds, to, &copy);
}

/* What is said in a dossier that a case took up goes on being said to the case. */
static int
pass_on(struct dossiers *ds, uint32_t dossier, const struct act *act)
{
    const struct dossier *d = &ds->at[dossier];
    int rc = 0;

    if (d->kind == OPENS_CASE)
        return 0;
    for (uint32_t i = 0; i < d->link_count && rc == 0; i++)
        if (d->links[i].kind == LINK_REFERRAL_OF && ds->at[d->links[i].other].kind == OPENS_CASE)
            rc = take_over(ds, d->links[i].other, act, act_seq(act));
    return rc;
}

static int
taken_up(struct dossiers *ds, const struct core_record *record, uint32_t dossier)
{
    struct act_about up = {.act = {.input = IN_TAKEN_UP, .day = DATE_NONE}, .machine = MACHINE_COUNT};
    enum link_kind kind = link_by_name(FACTS_TEXT(record->event, 0, Wici__V1__CaseLinkedS0, kind));
    uint8_t id[16];
    uint32_t other;
    int rc = 0;

    if ((kind != LINK_REFERRAL_OF && kind != LINK_CONTINUED_FROM) ||
        uuid_parse(FACTS_TEXT(record->event, 0, Wici__V1__CaseLinkedS0, other_dossier), id) != 0)
        return 0;
    other = dossiers_find(ds, id);
    if (other == DOSSIER_NONE || other == dossier)
        return 0;
    act_set_seq(&up.act, record->seq);
    if (kind == LINK_REFERRAL_OF)
        rc = acts_add(ds, other, &up);
    for (uint32_t i = 0; i < ds->at[other].act_count && rc == 0; i++)
        rc = take_over(ds, dossier, &ds->at[other].acts[i], record->seq);
    return rc;
}

/* ---- facts that are no acts of a machine */

static int
keep_fact(struct dossiers *ds, uint32_t dossier, uint64_t seq, uint8_t code, int32_t day, uint32_t number,
          uint32_t thing)
{
    struct act_about fact = {.act = {.input = IN_NONE, .code = code, .day = day, .number = number, .thing = thing},
                             .machine = MACHINE_COUNT};

    act_set_seq(&fact.act, seq);
    return acts_add(ds, dossier, &fact);
}

static int
keep_documents(struct dossiers *ds, const struct core_record *record, uint32_t dossier)
{
    const Wici__V1__MeetingHeldS6 *body;
    uint8_t ref[16];
    uint32_t meeting;
    int rc = 0;

    if (!facts_ref(record->event, ref))
        return 0;
    meeting = rules_thing(ds, dossier, MACHINE_MEETING, ref);
    for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_documents && rc == 0; i++) {
            uint64_t document = rules_document(body->documents[i]->sha256);

            rc = keep_fact(ds, dossier, record->seq, ACT_CODE_DOCUMENT, (int32_t)(uint32_t)(document >> 32),
                           (uint32_t)document, meeting);
        }
    return rc;
}

/* Whose turn it is, where an answer says so. */
static int
keep_next(const struct core *core, struct dossiers *ds, const struct core_record *record, uint32_t dossier,
          uint64_t seq)
{
    const Wici__V1__ReferralAnsweredS6 *body;
    uint32_t unit;

    for (size_t at = 0; (body = facts_next(record->event, 6, &at)) != NULL;) {
        if (body->next_action == NULL)
            continue;
        unit = directory_addressee(&core->directory, body->next_action->unit);
        return unit == DIRECTORY_NONE
                   ? 0
                   : keep_fact(ds, dossier, seq, ACT_CODE_NEXT, facts_day(body->next_action->due), unit, THING_NONE);
    }
    return 0;
}

/* Work with the family, as against its paper: opening, linking, inviting and asking are no step. */
static bool
is_step(uint32_t type)
{
    switch (type) {
    case WICI__V1__EVENT_TYPE__CASE_INTERVIEW_COMPLETED:
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_REQUESTED:
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED:
    case WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED:
    case WICI__V1__EVENT_TYPE__CASE_ASSESSMENT_RECORDED:
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_ANSWERED:
    case WICI__V1__EVENT_TYPE__COURT_OPINION_DELIVERED:
    case WICI__V1__EVENT_TYPE__MEETING_HELD:
    case WICI__V1__EVENT_TYPE__IPUS_AGREED:
    case WICI__V1__EVENT_TYPE__IPUS_APPROVED:
    case WICI__V1__EVENT_TYPE__IPUS_SERVICE_REPORTED:
    case WICI__V1__EVENT_TYPE__INFO_PROVIDED: return true;
    default: return false;
    }
}

/* The newest fact of that code about the unit in the family; NULL: none that counts. */
static const struct act *
newest_fact(const struct dossiers *ds, const struct kin *kin, unsigned code, uint32_t unit)
{
    const struct act *best = NULL;

    for (size_t k = 0; k < kin->count; k++)
        for (uint32_t i = 0; i < ds->at[kin->at[k]].act_count; i++) {
            const struct act *act = &ds->at[kin->at[k]].acts[i];

            if (act->input == IN_NONE && act->code == code && act->number == unit && (act->flags & ACT_RECALLED) == 0 &&
                (best == NULL || act_seq(act) > act_seq(best)))
                best = act;
        }
    return best;
}

/* The unit does what an answer to the family's referral announced of it. */
static int
keep_step(struct dossiers *ds, const struct core_record *record, uint32_t dossier, uint32_t actor)
{
    const struct act *said, *taken;
    struct kin kin;

    if (!is_step(record->event->type->number))
        return 0;
    clocks_kin(ds, dossier, &kin);
    said = newest_fact(ds, &kin, ACT_CODE_NEXT, actor);
    taken = said == NULL ? NULL : newest_fact(ds, &kin, ACT_CODE_STEP, actor);
    if (said == NULL || (taken != NULL && act_seq(taken) > act_seq(said)))
        return 0;
    return keep_fact(ds, dossier, record->seq, ACT_CODE_STEP, DATE_NONE, actor, THING_NONE);
}

static int
keep_link(struct dossiers *ds, const struct core_record *record, uint32_t dossier)
{
    enum link_kind kind = link_by_name(FACTS_TEXT(record->event, 0, Wici__V1__CaseLinkedS0, kind));
    uint32_t other;
    uint8_t id[16];

    if (kind == LINK_KIND_COUNT ||
        uuid_parse(FACTS_TEXT(record->event, 0, Wici__V1__CaseLinkedS0, other_dossier), id) != 0)
        return 0;
    other = dossiers_find(ds, id);
    return other == DOSSIER_NONE ? 0
                                 : keep_fact(ds, dossier, record->seq, ACT_CODE_LINK, (int32_t)kind, other, THING_NONE);
}

static int
keep_coordinator(struct dossiers *ds, const struct core_record *record, uint32_t dossier)
{
    const Wici__V1__CaseWorkerSetS0 *body;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 0, &at)) != NULL;) {
        uint32_t person;

        if (body->role != WICI__V1__ROLE__IC || body->person_ref[0] == '\0')
            continue;
        rc = strings_add(&ds->persons, body->person_ref, &person);
        if (rc == 0)
            rc = keep_fact(ds, dossier, record->seq, ACT_CODE_COORDINATOR, DATE_NONE, person, THING_NONE);
    }
    return rc;
}

/* Who made the plan; whom the consent is for. */
static int
keep_thing(struct dossiers *ds, const struct core_record *record, uint32_t thing)
{
    const struct event *event = record->event;
    const char *person = event->header->actor->person_ref;

    if (thing == THING_NONE)
        return 0;
    if (event->type->number == TYPE(IPUS_AGREED) && person[0] != '\0')
        return strings_add(&ds->persons, person, &ds->things.at[thing].who);
    if (event->type->number == TYPE(CONSENT_GRANTED)) {
        const Wici__V1__ConsentGrantedS4 *zz;
        const Wici__V1__ConsentGrantedS6 *body;

        for (size_t at = 0; (zz = facts_next(event, 4, &at)) != NULL;)
            if (zz->zz_authorisation != NULL)
                return dossiers_set(ds, (const char *const *)zz->zz_authorisation->scope_agencies,
                                    zz->zz_authorisation->n_scope_agencies, &ds->things.at[thing].scope);
        for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
            return dossiers_set(ds, (const char *const *)body->scope_agencies, body->n_scope_agencies,
                                &ds->things.at[thing].scope);
    }
    return 0;
}

/* Told where the consent was entered, which finds it from there when the tie has been taken back. */
static int
keep_rests(struct dossiers *ds, const struct core_record *record, uint32_t dossier, uint32_t consent)
{
    size_t known;

    if (rules_rests_known(ds, dossier, consent, &known))
        return 0;
    return keep_fact(ds, ds->things.at[consent].dossier, record->seq, ACT_CODE_RESTS, DATE_NONE, dossier, consent);
}

/* Those whom the record reached by its note: addressed, answered, or told beside these. */
static int
noted_set(struct core *core, const Wici__V1__BrokerNote *note, uint32_t *ret)
{
    size_t max = note == NULL ? 0 : note->n_resolved_to + note->n_answer_to + 32 * note->n_told, count = 0;
    const char **units = calloc(max + 1, sizeof *units);
    int rc;

    if (units == NULL)
        return -ENOMEM;
    for (size_t i = 0; note != NULL && i < note->n_resolved_to; i++)
        units[count++] = note->resolved_to[i];
    for (size_t i = 0; note != NULL && i < note->n_answer_to; i++)
        units[count++] = note->answer_to[i];
    for (uint32_t unit = 0; note != NULL && note->n_told > 0 && unit < core->directory.unit_count; unit++)
        if (view_told(note, unit))
            units[count++] = directory_unit_id(&core->directory, unit);
    rc = dossiers_set(&core->dossiers, units, count, ret);
    free(units);
    return rc;
}

/* Sections that rest on a consent: whoever was given them is told when it is withdrawn. */
static int
keep_gated(struct core *core, const struct core_record *record, uint32_t dossier)
{
    struct dossiers *ds = &core->dossiers;
    uint32_t consent, set = 0;
    uint8_t ref[16];
    int rc = 0;

    /* By the header alone, so that a fold need not decode the sections of everything. */
    if (record->event->header->consent_ref[0] == '\0' || uuid_parse(record->event->header->consent_ref, ref) != 0)
        return 0;
    consent = rules_thing(ds, dossier, MACHINE_CONSENT, ref);
    if (consent == THING_NONE)
        rc = acts_thing(ds, dossier, MACHINE_CONSENT, ref, &consent);
    if (rc == 0)
        rc = noted_set(core, record->note, &set);
    if (rc == 0)
        rc = keep_fact(ds, dossier, record->seq, ACT_CODE_GATED, (int32_t)record->event->type->number, set, consent);
    return rc == 0 ? keep_rests(ds, record, dossier, consent) : rc;
}

/* ---- what was marked since a paper is missing, and is work until it is entered */

static enum missing
missing_of(const Wici__V1__Warning *warning)
{
    static const enum rule rules[MISSING_COUNT] = {
        [MISSING_INTERVIEW] = RULE_I4W, [MISSING_BASIS] = RULE_I7, [MISSING_CONSENT] = RULE_I41};

    for (unsigned i = 0; i < MISSING_COUNT; i++)
        if (strcmp(warning->rule, rule_id(rules[i])) == 0 &&
            strcmp(warning->code, error_name(rule_code(rules[i]))) == 0)
            return (enum missing)i;
    return MISSING_COUNT;
}

static int
keep_missing(const struct core *core, struct dossiers *ds, const struct core_record *record, uint32_t dossier,
             uint64_t seq)
{
    uint32_t unit = directory_unit(&core->directory, record->event->header->actor->unit);
    int rc = 0;

    for (size_t i = 0; record->note != NULL && i < record->note->n_warnings && rc == 0; i++) {
        enum missing missing = missing_of(record->note->warnings[i]);

        if (missing != MISSING_COUNT)
            rc = keep_fact(ds, dossier, seq, ACT_CODE_MISSING, (int32_t)missing, unit, THING_NONE);
    }
    return rc;
}

/* It is said otherwise, and judged anew but for the order in which things came. */
static void
take_missing_back(struct dossier *dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_MISSING && act_seq(act) == seq &&
            act->day != MISSING_INTERVIEW)
            act->flags |= ACT_RECALLED;
    }
}

/* ---- one record */

static bool
leaves_no_act(uint8_t input)
{
    return input == IN_NONE || input == IN_IPUS_REPORTED; /* reports change no state and are many */
}

static int
keep_own(struct dossiers *ds, const struct core_record *record, uint32_t dossier, uint32_t actor)
{
    struct act_about what = act_of_event(record->event, record->seq);
    uint32_t thing = THING_NONE;
    int rc;

    if (leaves_no_act(what.act.input))
        return 0;
    if (rules_others(ds, dossier, actor, record->ts_ms))
        what.act.flags |= ACT_OTHERS;
    if (what.machine != MACHINE_COUNT)
        thing = rules_thing(ds, dossier, what.machine, what.ref);
    if (what.act.input == IN_INFO_PROVIDED && thing == THING_NONE)
        return 0; /* answers no question that was asked here */
    if (thing != THING_NONE && what.act.input == IN_CONSENT_WITHDRAWN &&
        (ds->things.at[thing].flags & THING_COOPERATION) != 0)
        what.act.input = IN_COOPERATION_WITHDRAWN; /* to the case, too, wherever it was given */
    if (thing != THING_NONE && !dossiers_same_group(ds, ds->things.at[thing].dossier, dossier)) {
        struct act_about here = what;

        /* About a thing of the referral or letter that this case took up: it is told there, and the case here. */
        rc = acts_add(ds, ds->things.at[thing].dossier, &what);
        here.machine = MACHINE_COUNT;
        if (rc == 0)
            rc = acts_add(ds, dossier, &here);
    } else {
        rc = acts_add(ds, dossier, &what);
    }
    if (rc == 0 && what.machine != MACHINE_COUNT)
        rc = keep_thing(ds, record, rules_thing(ds, dossier, what.machine, what.ref));
    return rc == 0 ? pass_on(ds, dossier, &what.act) : rc;
}

/* One act for each part; those of an application stand beside its own. */
static int
keep_parts(struct core *core, const struct core_record *record, uint32_t dossier, const struct parts *parts)
{
    struct act_about what = act_of_event(record->event, record->seq);
    uint32_t to = directory_addressee(&core->directory,
                                      FACTS_TEXT(record->event, 0, Wici__V1__ReferralForwardedS0, to_unit));
    int rc = 0;

    what.act.input = (uint8_t)parts->input;
    what.act.number = to == DIRECTORY_NONE ? UINT32_MAX - 1 : to;
    what.machine = MACHINE_PART;
    for (size_t i = 0; i < parts->count && rc == 0; i++) {
        part_ref(parts->at[i], what.ref);
        rc = acts_add(&core->dossiers, dossier, &what);
    }
    return rc;
}

static int
keep_delivered(struct core *core, const struct core_record *record, uint32_t dossier)
{
    const char *agency = FACTS_TEXT(record->event, 0, Wici__V1__SysDeliveredOutsideS0, agency);
    uint32_t stand_in = directory_addressee(&core->directory, agency);

    if (stand_in == DIRECTORY_NONE || record->note == NULL)
        return 0;
    return outside_deliver(core, dossier, stand_in, record->note->delivered_seq,
                           facts_day(FACTS_TEXT(record->event, 0, Wici__V1__SysDeliveredOutsideS0, delivered_on)));
}

/* Something that stands ties the two in that way, from either side. */
static bool
is_linked_by(const struct dossier *dossier, uint32_t other, int32_t kind)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_LINK && (act->flags & ACT_RECALLED) == 0 &&
            act->number == other && act->day == kind)
            return true;
    }
    return false;
}

static int
take_link_back(struct dossiers *ds, uint32_t dossier, uint64_t seq, uint64_t now_seq)
{
    int rc = 0;

    for (uint32_t i = 0; i < ds->at[dossier].act_count && rc == 0; i++) {
        const struct act *act = &ds->at[dossier].acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_LINK && act_seq(act) == seq &&
            !is_linked_by(&ds->at[dossier], act->number, act->day) &&
            !is_linked_by(&ds->at[act->number], dossier, act->day))
            rc = dossiers_unlink(ds, dossier, act->number, (enum link_kind)act->day, seq, now_seq);
        if (act->input == IN_NONE && act->code == ACT_CODE_LINK && act_seq(act) == seq && rc == 0) {
            addressed_end(ds, dossier, now_seq); /* what the other dossier, or this, alone had addressed */
            addressed_end(ds, act->number, now_seq);
        }
    }
    return rc;
}

static void
take_next_back(struct dossier *dossier, uint64_t seq)
{
    for (uint32_t i = 0; i < dossier->act_count; i++) {
        struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_NEXT && act_seq(act) == seq)
            act->flags |= ACT_RECALLED;
    }
}

/* In the dossier, and in those that it took up or that took it up: a party to the one is one to the other. */
static int
undo_relations(struct core *core, uint32_t dossier, uint64_t seq, uint64_t now_seq)
{
    struct dossiers *ds = &core->dossiers;
    int rc = 0;

    for (uint32_t i = 0; i < ds->at[dossier].link_count && rc == 0; i++)
        if (!dossiers_same_group(ds, dossier, ds->at[dossier].links[i].other)) /* else below, once for them all */
            rc = dossiers_undo(ds, &core->directory, ds->at[dossier].links[i].other, seq, now_seq);
    if (rc == 0)
        rc = handover_recalled(core, dossier, seq, now_seq);
    return rc == 0 ? dossiers_undo(ds, &core->directory, dossier, seq, now_seq) : rc;
}

/* 0: further than a number holds. */
static uint32_t
later(uint64_t seq, uint64_t than)
{
    return than - seq > UINT32_MAX ? 0 : (uint32_t)(than - seq);
}

/* A recall counts in the dossiers that took its dossier up, too. Each group is folded once. */
static void
correct_acts(struct dossiers *ds, uint32_t dossier, uint64_t seq, const struct act *act)
{
    const struct dossier *d = &ds->at[dossier];

    for (uint32_t i = 0; i < d->link_count && act == NULL; i++)
        if (acts_correct(ds, d->links[i].other, seq, NULL) && !dossiers_same_group(ds, dossier, d->links[i].other))
            acts_fold(ds, d->links[i].other);
    (void)acts_correct(ds, dossier, seq, act);
    acts_fold(ds, dossier);
}

/* Of a correction without a number (none was known) nothing follows. */
static int
keep_correction(struct core *core, const struct core_record *record, uint32_t dossier)
{
    struct dossiers *ds = &core->dossiers;
    uint64_t seq = record->note != NULL ? record->note->corrects_seq : 0;
    struct act_about what = act_of_event(record->event, seq);
    bool recall = facts_is_recall(record->event);
    int rc = 0;

    if (seq == 0)
        return 0;
    if (recall && !gate_recalled(&ds->at[dossier], seq))
        addressed_recall(core, record, dossier);
    if (recall)
        ds->at[dossier].flags |= DOSSIER_RECALLS;
    rc = keep_fact(ds, dossier, seq, recall ? ACT_CODE_RECALL : ACT_CODE_AMENDED, DATE_NONE, later(seq, record->seq),
                   THING_NONE);
    if (rc == 0)
        correct_acts(ds, dossier, seq, recall ? NULL : &what.act);
    if (rc == 0 && recall)
        rc = undo_relations(core, dossier, seq, record->seq);
    if (rc == 0 && recall && record->event->type->number == TYPE(CASE_LINKED))
        rc = take_link_back(ds, dossier, seq, record->seq);
    if (rc == 0 && !recall && record->event->type->number == TYPE(REFERRAL_ANSWERED)) {
        take_next_back(&ds->at[dossier], seq);
        rc = keep_next(core, ds, record, dossier, seq);
    }
    if (rc == 0 && !recall)
        rc = keep_gated(core, record, dossier); /* it may rest on another consent */
    if (rc == 0 && !recall) {
        take_missing_back(&ds->at[dossier], seq);
        rc = keep_missing(core, ds, record, dossier, seq);
    }
    if (rc == 0 && !recall) { /* said otherwise, of those types that say it */
        workers_take_back(ds, dossier, seq);
        rc = workers_keep(core, record, dossier, seq);
    }
    return rc;
}

int
keep_acts(struct core *core, const struct core_record *record, uint32_t dossier, uint32_t actor)
{
    struct dossiers *ds = &core->dossiers;
    struct parts parts;
    int rc;

    if (record->event->header->corrects_event_id[0] != '\0')
        return keep_correction(core, record, dossier);
    parts_of_event(ds, dossier, actor, record->ts_ms, record->event, &parts);
    rc = parts.input == IN_NONE || parts.input == IN_PART_NAMED ? keep_own(ds, record, dossier, actor) : 0;
    if (rc == 0 && parts.input != IN_NONE)
        rc = keep_parts(core, record, dossier, &parts);
    if (rc == 0)
        rc = keep_gated(core, record, dossier);
    if (rc == 0)
        rc = keep_step(ds, record, dossier, actor);
    if (rc == 0)
        rc = keep_missing(core, ds, record, dossier, record->seq);
    if (rc != 0)
        return rc;
    switch (record->event->type->number) {
    case WICI__V1__EVENT_TYPE__MEETING_HELD: return keep_documents(ds, record, dossier);
    case WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED: return handover_asked(core, record, dossier);
    case WICI__V1__EVENT_TYPE__REFERRAL_ANSWERED: return keep_next(core, ds, record, dossier, record->seq);
    case WICI__V1__EVENT_TYPE__SYS_DELIVERED_OUTSIDE: return keep_delivered(core, record, dossier);
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED:
        return record->note == NULL ? 0
                                    : keep_fact(ds, dossier, record->note->corrects_seq, ACT_CODE_CONFIRMED, DATE_NONE,
                                                actor, THING_NONE);
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED: return workers_keep(core, record, dossier, record->seq);
    case WICI__V1__EVENT_TYPE__CASE_WORKER_SET:
        rc = keep_coordinator(ds, record, dossier);
        return rc == 0 ? workers_keep(core, record, dossier, record->seq) : rc;
    case WICI__V1__EVENT_TYPE__CASE_LINKED:
        rc = keep_link(ds, record, dossier);
        return rc == 0 ? taken_up(ds, record, dossier) : rc;
    default: return 0;
    }
}
