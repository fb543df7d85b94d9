/*
 * core_decide: the checks, in their fixed order. Who acts; whether his role may write this; whether he knows the
 * dossier; whether the state allows it. Only then what the broker adds to the record.
 */
#include "broker/core/decide.h"
#include "broker/core/gate.h"

#include "broker/core/clocks.h"
#include "broker/core/outside.h"
#include "broker/core/parts.h"
#include "broker/core/view.h"
#include "proto/date.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- 1 and 2: who acts, and may he */

static int
check_actor(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const Wici__V1__Actor *actor = d->event->header->actor;

    if (strcmp(actor->agency, directory_unit_agency_id(directory, d->command->unit)) != 0)
        return decide_refuse(d, E_ACTOR, "header.actor.agency");
    if (strcmp(actor->unit, directory_unit_id(directory, d->command->unit)) != 0)
        return decide_refuse(d, E_ACTOR, "header.actor.unit");
    if (directory->units[d->command->unit].suspended)
        return decide_refuse(d, E_KEY, "");
    return 0;
}

/*
 * A person, whoever enters it. Letters of those outside are entered by the unit that serves them. Who has the system
 * speaks for itself: what it still sends on paper is entered by a reception, and a court's letter also by a social
 * worker.
 */
static bool
may_speak_for(const struct deciding *d, uint32_t agency)
{
    const struct directory *directory = &d->core->directory;
    const Wici__V1__Actor *actor = d->event->header->actor;

    if (agency == DIRECTORY_NONE || agency == directory->units[d->command->unit].agency)
        return true;
    if (directory->agencies[agency].external != NULL)
        return directory_unit(directory, directory->agencies[agency].external->served_by) == d->command->unit;
    return actor->role == WICI__V1__ROLE__INT ||
           (actor->role == WICI__V1__ROLE__SW && facts_family(d->type) == FAMILY_COURT);
}

/* ... and the letter says how and when it came. */
static int
check_behalf(struct deciding *d)
{
    const Wici__V1__Actor *actor = d->event->header->actor;

    if (actor->on_behalf_of[0] == '\0')
        return 0;
    if (!may_speak_for(d, directory_agency(&d->core->directory, actor->on_behalf_of)))
        return decide_refuse(d, E_BEHALF, "header.actor.onBehalfOf");
    return decide_received(d);
}

static int
check_role(struct deciding *d)
{
    unsigned role = (unsigned)d->event->header->actor->role;
    struct policy_cell cell = {0};
    int rc;

    if (role == 0 || role >= ROLE_COUNT || (d->core->directory.units[d->command->unit].roles & 1u << role) == 0)
        return decide_refuse(d, E_ROLE, "header.actor.role");
    if (d->type > TYPE_SYS_FIRST)
        return sys_role(d);
    if (facts_is_recall(d->event))
        return 0; /* the author's and the holder's, whatever their roles publish: check_correction */
    if (d->core->policy != NULL)
        cell = policy_cell(d->core->policy, d->type, role);
    if (!cell.publish)
        return decide_refuse(d, E_ROLE, "header.actor.role");
    rc = decide_conditions(d, role, cell.conditional);
    return rc == 0 ? check_behalf(d) : rc;
}

/* ---- 3: the dossier */

/* It was erased, and the unit was told so. To everybody else it is one that it does not know. */
static bool
is_told_erased(const struct deciding *d, const uint8_t dossier_id[16])
{
    const struct erasure *erasure = erased_find(&d->core->erased, dossier_id);

    return erasure != NULL && erased_told_of(erasure, d->command->unit) != NULL;
}

static int
refuse_dossier(struct deciding *d)
{
    bool told = d->event->has_dossier && is_told_erased(d, d->event->dossier_id);

    return decide_refuse(d, told ? E_ERASED : E_DOSSIER, "header.dossierId");
}

/* Parts that were forwarded to it are its to answer, and to forward. A recall is its author's: check_correction. */
static bool
may_answer_parts(const struct deciding *d)
{
    struct parts parts;

    parts_of_event(&d->core->dossiers, d->dossier, d->acting, d->command->now_ms, d->event, &parts);
    return facts_is_recall(d->event) || parts_are_with(&d->core->dossiers, d->dossier, d->acting, &parts);
}

static int
check_dossier(struct deciding *d)
{
    bool in_dossier = d->type < TYPE_SYS_FIRST || (facts_sys_in_dossier(d->type) && facts_agency(d->event)[0] == '\0');
    /* All three are asked, whatever the first says: the same work for who may and who may not. */
    bool may = ((unsigned)decide_may_write(d) | (unsigned)sys_is_open_to_all_who_know(d) |
                (unsigned)facts_is_deadline(d->type)) != 0;
    enum type_opens opens = d->event->type->opens;

    if (in_dossier != d->event->has_dossier)
        return refuse_dossier(d);
    if (!in_dossier)
        return 0;
    if (d->dossier == DOSSIER_NONE) {
        if (opens == OPENS_NOTHING || erased_find(&d->core->erased, d->event->dossier_id) != NULL)
            return refuse_dossier(d);
        return d->command->fresh_entry == 0 ? decide_refuse(d, E_FULL, "") : 0;
    }
    if (!may)
        return refuse_dossier(d);
    if ((d->type == TYPE(REFERRAL_ANSWERED) || d->type == TYPE(REFERRAL_FORWARDED)) && !decide_is(d, RELATION_HOLDER) &&
        !decide_is(d, RELATION_PENDING) && !may_answer_parts(d))
        return refuse_dossier(d);
    if (d->event->header->corrects_event_id[0] == '\0' &&
        (opens == OPENS_CASE || (opens == OPENS_REFERRAL && d->core->dossiers.at[d->dossier].kind == OPENS_REFERRAL)))
        return decide_refuse(d, E_ORDER, "header.dossierId");
    return 0;
}

/* ---- 4: the state */

static int
check_link(struct deciding *d)
{
    const struct dossiers *dossiers = &d->core->dossiers;
    size_t section;
    const char *text = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__CaseLinkedS0, other_dossier, &section);
    enum link_kind kind = link_by_name(FACTS_TEXT(d->event, 0, Wici__V1__CaseLinkedS0, kind));
    uint8_t id[16] = {0};
    uint32_t other = uuid_parse(text, id) == 0 ? dossiers_find(dossiers, id) : DOSSIER_NONE;
    bool allowed = core_dossier_for(d->core, d->command->unit, id) != 0 && other != DOSSIER_NONE && other != d->dossier;

    if (allowed && kind == LINK_REFERRAL_OF)
        allowed = decide_is_in(d, other, RELATION_PENDING) || decide_is_in(d, other, RELATION_HOLDER);
    if (allowed && kind == LINK_MERGED_INTO)
        allowed = decide_is_in(d, other, RELATION_HOLDER) && decide_is(d, RELATION_HOLDER);
    if (!allowed)
        return decide_refuse_body(d, is_told_erased(d, id) ? E_ERASED : E_DOSSIER, section, "otherDossier");
    if (kind == LINK_MERGED_INTO && !dossiers_same_group(dossiers, d->dossier, other) &&
        dossiers_group_size(dossiers, d->dossier) + dossiers_group_size(dossiers, other) > GROUP_DOSSIERS_MAX)
        return decide_refuse_body(d, E_LIMIT, section, "otherDossier");
    if (dossiers->at[d->dossier].link_count >= LINKS_PER_DOSSIER_MAX ||
        dossiers->at[other].link_count >= LINKS_PER_DOSSIER_MAX)
        return decide_refuse_body(d, E_LIMIT, section, "otherDossier");
    return 0;
}

/* Who holds a dossier hands it over: in that dossier, or by a referral of its own. */
static bool
may_hand_over(const struct deciding *d, const char *from)
{
    uint8_t id[16] = {0};
    uint32_t dossier = uuid_parse(from, id) == 0 ? dossiers_find(&d->core->dossiers, id) : DOSSIER_NONE;

    return core_dossier_for(d->core, d->command->unit, id) != 0 && dossier != DOSSIER_NONE &&
           (d->dossier == DOSSIER_NONE || dossiers_same_group(&d->core->dossiers, d->dossier, dossier)) &&
           decide_is_in(d, dossier, RELATION_HOLDER);
}

static int
check_grounds(struct deciding *d)
{
    if (d->type == TYPE(CASE_LINKED)) {
        const Wici__V1__CaseLinkedS0 *fact;
        const Wici__V1__CaseLinkedS6 *note;
        bool ground = false;

        for (size_t at = 0; (note = facts_next(d->event, 6, &at)) != NULL;)
            ground = ground || note->ground != NULL;
        for (size_t at = 0; (fact = facts_next(d->event, 0, &at)) != NULL;)
            if (fact->history_from > 0 && !ground)
                return decide_refuse_body(d, E_GROUND, at - 1, "historyFrom");
    }
    if (d->type == TYPE(REFERRAL_SUBMITTED)) {
        const Wici__V1__ReferralSubmittedS6 *body;

        for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;) {
            if (body->hand_over != NULL && !may_hand_over(d, body->hand_over->from_dossier))
                return decide_refuse_body(d, E_DOSSIER, at - 1, "handOver.fromDossier");
            if (body->hand_over != NULL && body->hand_over->history_from > 0 && body->ground == NULL)
                return decide_refuse_body(d, E_GROUND, at - 1, "handOver.historyFrom");
        }
    }
    return 0;
}

/* Units that a body brings into the dossier must be there to be brought. */
static int
check_named_units(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const Wici__V1__MeetingConvenedS6 *body;
    const char *unit = NULL;
    size_t section = 0;

    if (d->type == TYPE(CASE_ASSISTANT_ASSIGNED))
        unit = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__CaseAssistantAssignedS0, unit, &section);
    if (d->type == TYPE(CASE_WORKER_SET))
        unit = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__CaseWorkerSetS0, unit, &section);
    if (unit != NULL && directory_unit(directory, unit) == DIRECTORY_NONE)
        return decide_refuse_body(d, E_ADDRESS, section, "unit");
    if (d->type != TYPE(MEETING_CONVENED))
        return 0;
    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_invited; i++)
            if (!directory_knows(directory, body->invited[i]->unit))
                return decide_refuse_item(d, E_ADDRESS, at - 1, "invited", i, ".unit");
    return 0;
}

/* The day that counts from the moment of what was first said. */
static int
note_first_on(struct deciding *d)
{
    const struct core_named *corrected = d->command->corrected;
    char *text;

    if (corrected->note != NULL && corrected->note->first_on[0] != '\0') {
        d->note->first_on = corrected->note->first_on;
        return 0;
    }
    text = arena_alloc(d->arena, DATE_TEXT_SIZE);
    if (text == NULL)
        return -ENOMEM;
    date_format(date_of_moment(corrected->event->occurred_ms), text);
    d->note->first_on = text;
    return 0;
}

/* A correction of a correction is one of what was first said. */
static void
note_corrected(struct deciding *d)
{
    const struct core_named *corrected = d->command->corrected;

    d->note->corrects_seq = corrected->seq;
    if (corrected->note == NULL)
        return;
    d->note->first_to = corrected->note->resolved_to;
    d->note->n_first_to = corrected->note->n_resolved_to;
    if (corrected->note->corrects_seq != 0) {
        d->note->corrects_seq = corrected->note->corrects_seq;
        d->note->first_to = corrected->note->first_to;
        d->note->n_first_to = corrected->note->n_first_to;
    }
}

static int
check_correction(struct deciding *d)
{
    const Wici__V1__Header *header = d->event->header;
    const struct core_named *corrected = d->command->corrected;
    bool author, allowed;

    if (header->corrects_event_id[0] == '\0')
        return header->correction[0] == '\0' ? 0 : decide_refuse(d, E_CORRECT, "header.correctsEventId");
    if (header->correction[0] == '\0')
        return decide_refuse(d, E_CORRECT, "header.correction");
    if (corrected == NULL || d->dossier == DOSSIER_NONE || corrected->entry != d->core->dossiers.at[d->dossier].entry ||
        corrected->event->type != d->event->type)
        return decide_refuse(d, E_CORRECT, "header.correctsEventId");
    author = view_is_author(d->core, d->command->unit, corrected->event);
    allowed = author || (facts_is_recall(d->event) && decide_is(d, RELATION_HOLDER));
    if (!allowed)
        return decide_refuse(d, E_CORRECT, "header.correctsEventId");
    note_corrected(d);
    /* What was taken back was never said: there is nothing to say otherwise. */
    if (!facts_is_recall(d->event) && gate_recalled(&d->core->dossiers.at[d->dossier], d->note->corrects_seq))
        return decide_refuse(d, E_ORDER, "header.correctsEventId");
    return facts_is_recall(d->event) ? 0 : note_first_on(d);
}

/* A command takes effect by itself: what undoes it is the command that says the opposite. */
static int
check_no_correction(struct deciding *d)
{
    const struct event *event = d->event;

    if (event->header->corrects_event_id[0] != '\0')
        return decide_refuse(d, E_CORRECT, "header.correctsEventId");
    return event->header->correction[0] != '\0' ? decide_refuse(d, E_CORRECT, "header.correction") : 0;
}

static int
check_time(struct deciding *d)
{
    const struct core_command *command = d->command;

    /* What the deadline watcher publishes has ids that follow from what it says; nobody else can take them. */
    if ((d->event->event_id[6] >> 4 == 8) != facts_is_deadline(d->type))
        return decide_refuse(d, E_ID, "header.eventId");
    if (d->event->event_id_ms > command->now_ms + EVENT_AHEAD_MS_MAX)
        return decide_refuse(d, E_ID, "header.eventId");
    if (d->event->occurred_ms > command->now_ms + EVENT_AHEAD_MS_MAX)
        return decide_refuse(d, E_TIME, "header.occurredAt");
    if (d->dossier != DOSSIER_NONE && !d->event->header->late_entry &&
        d->event->occurred_ms < d->core->dossiers.at[d->dossier].opened_ms)
        return decide_warn(d, RULE_I35W, "header.occurredAt");
    return 0;
}

/* ---- what an addressee will not be given */

static bool
verdict_is_class(enum core_verdict verdict)
{
    /* Not marks: what the author withheld himself he knows. */
    return verdict == CORE_WITHHELD_CLASS || verdict == CORE_WITHHELD_HALF || verdict == CORE_WITHHELD_RELATION ||
           verdict == CORE_WITHHELD_ADDRESS;
}

static uint8_t
flags_after(const struct deciding *d)
{
    uint8_t flags = d->dossier == DOSSIER_NONE ? 0 : d->core->dossiers.at[d->dossier].flags;
    const Wici__V1__CaseOpenedS7 *body;

    if (d->type == TYPE(CASE_OPENED))
        for (size_t at = 0; (body = facts_next(d->event, 7, &at)) != NULL;)
            if (body->address_protected)
                flags |= DOSSIER_ADDRESS_PROTECTED;
    return flags;
}

static int
warn_withheld(struct deciding *d)
{
    const Wici__V1__Header *header = d->event->header;
    const struct directory *directory = &d->core->directory;
    const struct dossier *dossier = d->dossier == DOSSIER_NONE ? NULL : &d->core->dossiers.at[d->dossier];
    struct core_record record = {
        .seq = d->command->seq, .ts_ms = d->command->now_ms, .event = d->event, .note = d->note};
    int rc = 0;

    for (size_t i = 0; i < d->note->n_resolved_to && rc == 0; i++) {
        uint32_t unit = directory_addressee(directory, d->note->resolved_to[i]);
        struct core_view view;
        bool withheld = false;

        if (unit == DIRECTORY_NONE)
            continue;
        view_compute(d->core, unit, &record, dossier, flags_after(d), false, &view);
        for (size_t j = 0; j < d->event->section_count; j++)
            withheld = withheld || verdict_is_class(view.verdicts[j]);
        if (withheld)
            rc = i < header->n_to ? decide_warn_indexed(d, RULE_I28, "header.to", i)
                                  : decide_warn(d, RULE_I28, "header.type");
    }
    return rc;
}

static int
check_state(struct deciding *d)
{
    int rc;

    if (d->type > TYPE_SYS_FIRST) {
        rc = check_no_correction(d);
        if (rc == 0)
            rc = sys_state(d);
        if (rc == 0 && d->event->has_dossier)
            rc = decide_limits(d);
        return rc == 0 ? check_time(d) : rc;
    }
    rc = decide_addresses(d);
    if (rc == 0 && d->type == TYPE(CASE_LINKED) && !facts_is_recall(d->event))
        rc = check_link(d);
    if (rc == 0 && !facts_is_recall(d->event)) /* it only takes back */
        rc = check_grounds(d);
    if (rc == 0 && !facts_is_recall(d->event))
        rc = check_named_units(d);
    if (rc == 0)
        rc = check_correction(d);
    if (rc == 0) {
        clocks_note(d);
        d->note->consent_elsewhere = gate_is_elsewhere(d->core, d->event, d->dossier);
    }
    if (rc == 0)
        rc = check_time(d);
    if (rc == 0)
        rc = decide_rules(d);
    if (rc == 0)
        rc = decide_limits(d);
    if (rc == 0)
        rc = decide_answer(d);
    if (rc == 0)
        rc = decide_reach(d);
    if (rc == 0)
        rc = decide_declared(d);
    if (rc == 0)
        rc = warn_withheld(d);
    if (rc == 0 && decide_is_unaddressed(d))
        rc = decide_warn_code(d, W_NO_ADDRESSEE, "header.to");
    if (rc == 0 && d->command->missing_document != NULL)
        rc = decide_warn_code(d, W_DOCUMENT, d->command->missing_document);
    return rc;
}

int
core_decide(const struct core *core, const struct core_command *command, struct arena *arena, struct core_decision *ret,
            struct refusal *refusal)
{
    struct deciding d = {.core = core,
                         .command = command,
                         .event = command->event,
                         .arena = arena,
                         .refusal = refusal,
                         .type = command->event->type->number,
                         .dossier = DOSSIER_NONE};
    int rc;

    assert(core != NULL);
    assert(command->unit < core->directory.unit_count);
    assert(command->seq > 0);
    assert(ret != NULL);
    assert(refusal != NULL);

    d.acting = outside_acting(&core->directory, command->unit, command->event);
    if (command->event->has_dossier)
        d.dossier = dossiers_find(&core->dossiers, command->event->dossier_id);
    d.note = arena_alloc(arena, sizeof *d.note);
    if (d.note == NULL)
        return -ENOMEM;
    wici__v1__broker_note__init(d.note);
    rc = check_actor(&d);
    if (rc == 0)
        rc = check_role(&d);
    if (rc == 0)
        rc = check_dossier(&d);
    if (rc == 0)
        rc = check_state(&d);
    if (rc != 0)
        return rc;
    ret->note_len = wici__v1__broker_note__get_packed_size(d.note);
    if (ret->note_len > EVENT_NOTE_MAX)
        return decide_refuse(&d, E_LIMIT, "header.to");
    ret->opens = d.dossier == DOSSIER_NONE && command->event->has_dossier;
    ret->entry = ret->opens ? command->fresh_entry : 0;
    if (d.dossier != DOSSIER_NONE)
        ret->entry = core->dossiers.at[d.dossier].entry;
    ret->note = d.note;
    return 0;
}
