/* apply - see apply.h */
#include "broker/core/apply.h"

#include "broker/core/addressed.h"
#include "broker/core/asked.h"
#include "broker/core/agency_clocks.h"
#include "broker/core/clocks.h"
#include "broker/core/facts.h"
#include "broker/core/keep.h"
#include "broker/core/outside.h"
#include "broker/core/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- one record */

/* Those that a log has many of; whatever is not here is taken to be read. */
bool
core_apply_reads_sections(uint32_t type)
{
    switch (type) {
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_REQUESTED:
    case WICI__V1__EVENT_TYPE__INFO_REQUESTED:
    case WICI__V1__EVENT_TYPE__INFO_PROVIDED:
    case WICI__V1__EVENT_TYPE__SYS_EVENT_REJECTED:
    case WICI__V1__EVENT_TYPE__SYS_ACCESS_RECORDED:
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED: return false;
    default: return true;
    }
}

/* How much lies in the dossier that rules ask for. */
static size_t
facts_of(const struct change *c)
{
    const struct dossier *dossier = &c->core->dossiers.at[c->dossier];

    return (size_t)dossier->act_count + dossier->marks.count;
}

/* Those whom the note names as told, beside the addressees: what reaches them has to be found when they catch up. */
static int
list_told(const struct change *c)
{
    struct directory *directory = &c->core->directory;
    const Wici__V1__BrokerNote *note = c->record->note;
    int rc = 0;

    for (size_t i = 0; note != NULL && i < note->n_answer_to && rc == 0; i++) {
        uint32_t unit = directory_unit(directory, note->answer_to[i]);

        if (unit != DIRECTORY_NONE && !numbers_has(&directory->units[unit].entries, c->record->entry))
            rc = numbers_put(&directory->units[unit].told, c->record->entry);
    }
    for (uint32_t unit = 0; note != NULL && note->n_told > 0 && unit < directory->unit_count && rc == 0; unit++)
        if (view_told(note, unit) && !numbers_has(&directory->units[unit].entries, c->record->entry))
            rc = numbers_put(&directory->units[unit].told, c->record->entry);
    return rc;
}

static int
apply_in_dossier(struct change *c)
{
    struct core *core = c->core;
    size_t before;
    int rc = 0;

    c->dossier = dossiers_by_entry(&core->dossiers, c->record->entry);
    c->actor = directory_unit(&core->directory, c->event->header->actor->unit);
    c->acting = outside_acting(&core->directory, c->actor, c->event);
    if (c->dossier == DOSSIER_NONE) {
        if (c->event->type->opens == OPENS_NOTHING ||
            dossiers_find(&core->dossiers, c->event->dossier_id) != DOSSIER_NONE)
            return 0;
        rc = dossiers_add(&core->dossiers, c->event->dossier_id, c->record->entry, c->event->type->opens, c->seq,
                          c->record->ts_ms, c->actor, &c->dossier);
        c->opened = true;
    }
    if (rc == 0)
        rc = list_told(c);
    if (rc != 0)
        return rc;
    if (facts_is_deadline(c->event->type->number)) {
        clocks_told(core, c->record, c->dossier);
        return 0; /* who watches deadlines takes no part */
    }
    before = facts_of(c);
    rc = apply_open_plain(c, c->dossier, RELATION_AUTHOR, c->actor, false);
    for (size_t i = 0; i < apply_addressed_count(c) && rc == 0; i++)
        rc = apply_open_plain(c, c->dossier, RELATION_ADDRESSEE, apply_addressed_unit(c, i), false);
    if (rc == 0)
        rc = addressed_keep(core, c->record, c->dossier);
    if (rc == 0)
        rc = keep_acts(core, c->record, c->dossier, c->acting);
    if (rc == 0)
        rc = clocks_keep(core, c->record, c->dossier, c->acting);
    if (rc == 0)
        rc = agency_clocks_keep(core, c->record);
    if (rc == 0 && !facts_is_recall(c->event)) {
        if (c->opened && c->event->type->opens == OPENS_LETTER)
            rc = apply_open_pending(c);
        if (rc == 0)
            rc = apply_type(c);
    }
    if (rc == 0)
        rc = outside_keep(core, c->record, c->dossier);
    if (rc == 0)
        rc = asked_keep(core, c->record, c->dossier);
    if (rc == 0)
        dossiers_count_left(&core->dossiers, c->dossier, c->actor, facts_of(c) - before);
    return rc;
}

static int
apply_unit(struct core *core, const Wici__V1__SysUnitEnrolledS0 *body, const struct core_record *record)
{
    uint32_t count = core->directory.unit_count;
    int rc = directory_add_unit(&core->directory, body);

    return rc != 0 || core->directory.unit_count == count ? rc : agency_clocks_enrolled(core, count, record);
}

static int
apply_key(struct core *core, const Wici__V1__SysUnitKeyRotatedS0 *body, uint64_t ts_ms)
{
    uint32_t unit = directory_unit(&core->directory, body->unit_id);
    uint64_t until_ms = ts_ms;

    if (unit == DIRECTORY_NONE)
        return 0;
    if (body->old_until != NULL && body->old_until[0] != '\0' && time_parse(body->old_until, &until_ms) != 0)
        until_ms = ts_ms;
    return directory_add_key(&core->directory, unit, body->key, until_ms, ts_ms);
}

static void
policy_keep(struct policy_past *past, struct policy *policy, uint64_t until_seq)
{
    if (policy == NULL)
        return;
    if (past->count == POLICIES_PAST_MAX) {
        policy_join(past->at[1], past->at[0]);
        policy_destroy(&past->at[0]);
        past->count--;
        memmove(past->at, past->at + 1, past->count * sizeof past->at[0]);
        memmove(past->until_seq, past->until_seq + 1, past->count * sizeof past->until_seq[0]);
    }
    past->at[past->count] = policy;
    past->until_seq[past->count++] = until_seq;
}

static int
apply_policy(struct core *core, const Wici__V1__SysPolicyLoadedS0 *body, uint64_t seq)
{
    struct policy *policy = NULL;
    struct refusal refusal;
    char *text;
    int rc = policy_parse(&policy, body->text, strlen(body->text), &refusal);

    if (rc == -EBADMSG)
        return 0; /* no version that refused it wrote it; the one before stays in force */
    if (rc != 0)
        return rc;
    text = strdup(body->text);
    if (text == NULL) {
        policy_destroy(&policy);
        return -ENOMEM;
    }
    policy_keep(&core->past, core->policy, seq);
    free(core->policy_text);
    core->policy = policy;
    core->policy_text = text;
    core->policy_seq = seq;
    core->directory.version++;
    return 0;
}

/* The dossiers are known by their key entries; a rebuild that finds only their holes has none to forget. */
static int
apply_intent(struct core *core, const Wici__V1__SysErasureIntendedS0 *body, const struct core_record *record)
{
    for (size_t i = 0; i < body->n_keys; i++) {
        uint32_t dossier = dossiers_by_entry(&core->dossiers, body->keys[i]->entry);

        if (dossier != DOSSIER_NONE)
            dossiers_forget(&core->dossiers, &core->directory, dossier);
        agency_clocks_forget(&core->agency_clocks, body->keys[i]->entry);
    }
    core->folds++;
    return erased_intend(&core->erased, record->seq, record->ts_ms, body);
}

static int
apply_notice(struct core *core, const Wici__V1__SysErasureNotifiedS0 *body, const struct core_record *record)
{
    uint32_t unit = directory_unit(&core->directory, body->unit);

    return unit == DIRECTORY_NONE ? 0 : erased_tell(&core->erased, record->seq, record->ts_ms, unit, body);
}

static int
apply_register(struct core *core, const struct core_record *record)
{
    struct directory *directory = &core->directory;
    const void *body;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(record->event, 0, &at)) != NULL;) {
        uint32_t unit = DIRECTORY_NONE;

        switch (record->event->type->number) {
        case WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED: rc = directory_add_agency(directory, body); break;
        case WICI__V1__EVENT_TYPE__SYS_EXTERNAL_ENROLLED: rc = directory_add_external(directory, body); break;
        case WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED: rc = apply_unit(core, body, record); break;
        case WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED: rc = apply_key(core, body, record->ts_ms); break;
        case WICI__V1__EVENT_TYPE__SYS_UNIT_SUSPENDED:
            unit = directory_unit(directory, ((const Wici__V1__SysUnitSuspendedS0 *)body)->unit_id);
            if (unit != DIRECTORY_NONE)
                directory_suspend(directory, unit, true);
            break;
        case WICI__V1__EVENT_TYPE__SYS_UNIT_RESUMED:
            unit = directory_unit(directory, ((const Wici__V1__SysUnitResumedS0 *)body)->unit_id);
            if (unit != DIRECTORY_NONE)
                directory_suspend(directory, unit, false);
            break;
        case WICI__V1__EVENT_TYPE__SYS_POLICY_LOADED: rc = apply_policy(core, body, record->seq); break;
        case WICI__V1__EVENT_TYPE__SYS_DECLARATION_REGISTERED:
            rc = registers_declaration(&core->registers, directory, body);
            break;
        case WICI__V1__EVENT_TYPE__SYS_SETTING_REGISTERED:
            rc = registers_setting(&core->registers, directory, body);
            break;
        case WICI__V1__EVENT_TYPE__SYS_PROGRAMME_REGISTERED: rc = registers_programme(&core->registers, body); break;
        case WICI__V1__EVENT_TYPE__SYS_QUALIFICATION_REGISTERED:
            unit = directory_unit(directory, record->event->header->actor->unit);
            if (unit != DIRECTORY_NONE)
                rc = registers_qualification(&core->registers, directory->units[unit].agency, body);
            break;
        case WICI__V1__EVENT_TYPE__SYS_VOLUNTEER_FILE_REGISTERED:
            unit = directory_unit(directory, record->event->header->actor->unit);
            if (unit != DIRECTORY_NONE)
                rc = registers_volunteer(&core->registers, directory->units[unit].agency, body);
            break;
        case WICI__V1__EVENT_TYPE__SYS_REPORT_PRESENTED: rc = agency_clocks_keep(core, record); break;
        case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
        case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
        case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
        case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED: clocks_told(core, record, DOSSIER_NONE); break;
        case WICI__V1__EVENT_TYPE__SYS_ERASURE_INTENDED: rc = apply_intent(core, body, record); break;
        case WICI__V1__EVENT_TYPE__SYS_ERASURE_NOTIFIED: rc = apply_notice(core, body, record); break;
        case WICI__V1__EVENT_TYPE__SYS_ERASURE_CONFIRMED:
            unit = directory_unit(directory, record->event->header->actor->unit);
            if (unit != DIRECTORY_NONE)
                rc = erased_confirm(&core->erased, record->seq, record->ts_ms, unit, body);
            break;
        case WICI__V1__EVENT_TYPE__SYS_ERASURE_DONE: erased_finish(&core->erased, record->seq, body); break;
        default: break;
        }
    }
    return rc;
}

int
core_apply(struct core *core, const struct core_record *record)
{
    struct change change = {.core = core, .record = record, .event = record->event, .seq = record->seq};

    if (record->note != NULL && record->event->header->corrects_event_id[0] != '\0')
        change.first_seq = record->note->corrects_seq;

    assert(core != NULL);
    assert(record->event != NULL);
    assert(record->seq > 0);

    core->latest_ms = record->ts_ms;
    if (record->entry != 0 && record->event->has_dossier)
        return apply_in_dossier(&change);
    return apply_register(core, record);
}
