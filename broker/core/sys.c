/*
 * The commands that change the directory, the policy and a dossier's participants.
 *
 *     901 902 903 905 906 910   ADM
 *     904                       ADM, or the unit itself (its old key says so)
 *     907                       ADM; DIR and HEAD in their own agency
 *     908                       a holder of the dossier
 *     909                       a holder, or the unit itself
 *     917                       ADM; DIR of an agency that it names
 *     918                       ADM, OUS
 *     919                       DIR
 *     931                       ADM; DIR of its own agency
 *     920                       DIR, HEAD
 *     921                       OUS
 *     922                       the unit that serves the agency
 *     923                       each unit that was given what is recalled
 *     927                       each unit that was told of the erasure
 *     913 914 915 916           CLERK
 *     911 912 924 925 926       nobody: the broker writes them itself
 *     928 929                   nobody: written on the stopped broker
 */
#include "broker/core/agency_clocks.h"
#include "broker/core/clocks.h"
#include "broker/core/decide.h"
#include "broker/core/outside.h"
#include "broker/core/view.h"

#include <errno.h>
#include <string.h>

#define BROKER_ID "broker" /* agency and unit in what the broker writes itself */

/* decide_role has made sure that there is exactly one section, S0. */
static const void *
body_of(const struct deciding *d)
{
    size_t at = 0;

    return facts_next(d->event, 0, &at);
}

static int
refuse_role(struct deciding *d)
{
    return decide_refuse(d, E_ROLE, "header.actor.role");
}

static int
refuse_field(struct deciding *d, enum error_code code, const char *field)
{
    return decide_refuse_body(d, code, 0, field);
}

/* The external agency that something was delivered to, when the unit serves it. */
static uint32_t
stand_in_of(const struct deciding *d)
{
    return outside_served(&d->core->directory, d->command->unit,
                          FACTS_TEXT(d->event, 0, Wici__V1__SysDeliveredOutsideS0, agency));
}

bool
sys_is_open_to_all_who_know(const struct deciding *d)
{
    /* Whoever was given what is recalled, even if it takes no part any more. */
    if (d->type == TYPE(SYS_RECALL_CONFIRMED))
        return core_dossier_for(d->core, d->acting, d->event->dossier_id) != 0;
    /* Whoever prints for an agency that was given something there. */
    return d->type == TYPE(SYS_DELIVERED_OUTSIDE) && stand_in_of(d) != DIRECTORY_NONE &&
           core_dossier_for(d->core, stand_in_of(d), d->event->dossier_id) != 0;
}

static bool
acts_as(const struct deciding *d, uint32_t roles)
{
    return (roles & 1u << (unsigned)d->event->header->actor->role) != 0;
}

static bool
is_own(const struct deciding *d, const char *unit)
{
    return directory_unit(&d->core->directory, unit) == d->command->unit;
}

static bool
is_own_agency(const struct deciding *d, const char *agency)
{
    return strcmp(agency, directory_unit_agency_id(&d->core->directory, d->command->unit)) == 0;
}

/* Its own agency is among those that declare. */
static bool
declares(const struct deciding *d, const Wici__V1__SysDeclarationRegisteredS0 *body)
{
    for (size_t i = 0; i < body->n_agencies; i++)
        if (is_own_agency(d, body->agencies[i]))
            return true;
    return false;
}

int
sys_role(struct deciding *d)
{
    const struct directory *directory = &d->core->directory;
    const void *body = body_of(d);

    if (body == NULL || d->event->section_count != 1)
        return decide_refuse(d, E_SECTION, "sections");
    switch (d->type) {
    case WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED:
    case WICI__V1__EVENT_TYPE__SYS_EXTERNAL_ENROLLED:
    case WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED:
    case WICI__V1__EVENT_TYPE__SYS_UNIT_SUSPENDED:
    case WICI__V1__EVENT_TYPE__SYS_UNIT_RESUMED:
    case WICI__V1__EVENT_TYPE__SYS_POLICY_LOADED: return acts_as(d, ROLE_BIT(ADM)) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED:
        return acts_as(d, ROLE_BIT(ADM)) || is_own(d, ((const Wici__V1__SysUnitKeyRotatedS0 *)body)->unit_id)
                   ? 0
                   : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_PERSON_REGISTERED: {
        uint32_t unit = directory_unit(directory, ((const Wici__V1__SysPersonRegisteredS0 *)body)->unit);

        if (acts_as(d, ROLE_BIT(ADM)))
            return 0;
        return acts_as(d, ROLE_BIT(DIR) | ROLE_BIT(HEAD)) && unit != DIRECTORY_NONE &&
                       directory->units[unit].agency == directory->units[d->command->unit].agency
                   ? 0
                   : refuse_role(d);
    }
    case WICI__V1__EVENT_TYPE__SYS_DECLARATION_REGISTERED:
        return acts_as(d, ROLE_BIT(ADM)) || (acts_as(d, ROLE_BIT(DIR)) && declares(d, body)) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_SETTING_REGISTERED:
        return acts_as(d, ROLE_BIT(ADM)) || (acts_as(d, ROLE_BIT(DIR)) &&
                                             is_own_agency(d, ((const Wici__V1__SysSettingRegisteredS0 *)body)->agency))
                   ? 0
                   : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_PROGRAMME_REGISTERED:
        return acts_as(d, ROLE_BIT(ADM) | ROLE_BIT(OUS)) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_REPORT_PRESENTED: return acts_as(d, ROLE_BIT(OUS)) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_QUALIFICATION_REGISTERED: return acts_as(d, ROLE_BIT(DIR)) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_VOLUNTEER_FILE_REGISTERED:
        return acts_as(d, ROLE_BIT(DIR) | ROLE_BIT(HEAD)) ? 0 : refuse_role(d);
    /* Who is no holder of a dossier he knows: E_ROLE. One he does not know is refused as such, first. */
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED:
        return !decide_may_write(d) || decide_is(d, RELATION_HOLDER) ? 0 : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED:
        return !decide_may_write(d) || decide_is(d, RELATION_HOLDER) ||
                       is_own(d, ((const Wici__V1__SysParticipantRemovedS0 *)body)->unit)
                   ? 0
                   : refuse_role(d);
    case WICI__V1__EVENT_TYPE__SYS_DELIVERED_OUTSIDE: return stand_in_of(d) == DIRECTORY_NONE ? refuse_role(d) : 0;
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_CONFIRMED:
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED:
        return acts_as(d, ROLE_BIT(BRK) | ROLE_BIT(CLERK)) ? refuse_role(d) : 0;
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED: return acts_as(d, ROLE_BIT(CLERK)) ? 0 : refuse_role(d);
    default: return refuse_role(d);
    }
}

/* ---- what the state allows */

static bool
id_is_taken(const struct deciding *d, const char *id)
{
    return directory_knows(&d->core->directory, id) || strcmp(id, BROKER_ID) == 0;
}

static int
agency_state(struct deciding *d, const Wici__V1__SysAgencyEnrolledS0 *body)
{
    if (id_is_taken(d, body->agency_id))
        return refuse_field(d, E_EXISTS, "agencyId");
    if (d->core->directory.agency_count >= AGENCIES_MAX)
        return refuse_field(d, E_LIMIT, "agencyId");
    return 0;
}

static int
external_state(struct deciding *d, const Wici__V1__SysExternalEnrolledS0 *body)
{
    if (id_is_taken(d, body->agency_id))
        return refuse_field(d, E_EXISTS, "agencyId");
    if (directory_unit(&d->core->directory, body->served_by) == DIRECTORY_NONE)
        return refuse_field(d, E_UNKNOWN, "servedBy");
    if (d->core->directory.agency_count >= AGENCIES_MAX || d->core->directory.unit_count >= UNITS_MAX)
        return refuse_field(d, E_LIMIT, "agencyId");
    return 0;
}

static bool
key_is_taken(const struct deciding *d, const char *key)
{
    return strings_find(&d->core->directory.key_text, key) != STRINGS_NONE;
}

static int
unit_state(struct deciding *d, const Wici__V1__SysUnitEnrolledS0 *body)
{
    const struct directory *directory = &d->core->directory;
    uint32_t agency = directory_agency(directory, body->agency_id);

    if (id_is_taken(d, body->unit_id))
        return refuse_field(d, E_EXISTS, "unitId");
    if (agency == DIRECTORY_NONE || directory->agencies[agency].external != NULL)
        return refuse_field(d, E_UNKNOWN, "agencyId");
    for (size_t i = 0; i < body->n_roles; i++)
        if (body->roles[i] == WICI__V1__ROLE__BRK)
            return refuse_field(d, E_FIELD, "roles");
    if (key_is_taken(d, body->key))
        return refuse_field(d, E_EXISTS, "key");
    if (body->parent[0] != '\0' && directory_unit(directory, body->parent) == DIRECTORY_NONE)
        return refuse_field(d, E_UNKNOWN, "parent");
    if (directory->unit_count >= UNITS_MAX)
        return refuse_field(d, E_LIMIT, "unitId");
    return 0;
}

static int
key_state(struct deciding *d, const Wici__V1__SysUnitKeyRotatedS0 *body)
{
    const struct directory *directory = &d->core->directory;
    uint32_t unit = directory_unit(directory, body->unit_id);
    size_t valid = 0;

    if (unit == DIRECTORY_NONE)
        return refuse_field(d, E_UNKNOWN, "unitId");
    if (key_is_taken(d, body->key))
        return refuse_field(d, E_EXISTS, "key");
    for (size_t i = 0; i < KEYS_PER_UNIT_MAX; i++) {
        uint32_t key = directory->units[unit].keys[i];

        if (key != DIRECTORY_NONE && directory_key_valid(&directory->keys[key], d->command->now_ms))
            valid++;
    }
    return valid == KEYS_PER_UNIT_MAX ? refuse_field(d, E_LIMIT, "key") : 0;
}

static int
suspend_state(struct deciding *d, const char *id)
{
    const struct directory *directory = &d->core->directory;
    uint32_t unit = directory_unit(directory, id);
    const struct unit *u;

    if (unit == DIRECTORY_NONE)
        return refuse_field(d, E_UNKNOWN, "unitId");
    u = &directory->units[unit];
    if (!u->suspended && (u->roles & ROLE_BIT(ADM)) != 0 && directory_active_admins(directory) == 1)
        return refuse_field(d, E_ORDER, "unitId"); /* nobody could undo it */
    return 0;
}

static int
unit_known(struct deciding *d, const char *id, enum error_code code, const char *field)
{
    return directory_unit(&d->core->directory, id) == DIRECTORY_NONE ? refuse_field(d, code, field) : 0;
}

static int
participant_state(struct deciding *d, const Wici__V1__SysParticipantAddedS0 *body)
{
    int rc = directory_addressee(&d->core->directory, body->unit) == DIRECTORY_NONE ? refuse_field(d, E_ADDRESS, "unit")
                                                                                    : 0;

    if (rc == 0 && body->history_from > 0 && body->ground == NULL)
        return refuse_field(d, E_GROUND, "historyFrom");
    return rc;
}

/* Who takes no part is not told of his removal, and has nothing to be removed from. */
static int
removal_state(struct deciding *d, const Wici__V1__SysParticipantRemovedS0 *body)
{
    uint32_t unit = directory_addressee(&d->core->directory, body->unit);

    if (unit == DIRECTORY_NONE)
        return refuse_field(d, E_ADDRESS, "unit");
    return dossiers_has_open(&d->core->dossiers, d->dossier, RELATION_PARTICIPANT, unit, NULL, d->command->now_ms)
               ? 0
               : refuse_field(d, E_ORDER, "unit");
}

static int
policy_state(struct deciding *d, const Wici__V1__SysPolicyLoadedS0 *body)
{
    struct policy *policy = NULL;
    int rc = policy_parse(&policy, body->text, strlen(body->text), d->refusal);

    if (rc == -EBADMSG)
        return -EACCES;
    if (rc != 0)
        return rc;
    if (strcmp(policy_version(policy), body->version) != 0)
        rc = refuse_field(d, E_POLICY, "version");
    policy_destroy(&policy);
    return rc;
}

/* A report is the agency's own: its units are told, and its period has an end. */
static int
report_state(struct deciding *d, const Wici__V1__SysReportPresentedS0 *body)
{
    const struct directory *directory = &d->core->directory;

    for (size_t i = 0; i < body->n_presented_to; i++) {
        uint32_t unit = directory_unit(directory, body->presented_to[i]);

        if (unit == DIRECTORY_NONE || directory->units[unit].agency != directory->units[d->command->unit].agency)
            return decide_refuse_item(d, E_ADDRESS, 0, "presentedTo", i, "");
    }
    if (facts_day(body->period_to) < facts_day(body->period_from))
        return refuse_field(d, E_FIELD, "periodTo");
    if (agency_clocks_full(d->core, d->event, directory->units[d->command->unit].agency))
        return decide_refuse(d, E_LIMIT, "header.actor.agency");
    return facts_same(body->kind, "ART_46") &&
                   !agency_clocks_presented(directory, directory->units[d->command->unit].agency, body)
               ? decide_warn_body(d, RULE_D8W, 0, "presentedTo")
               : 0;
}

static int
declaration_state(struct deciding *d, const Wici__V1__SysDeclarationRegisteredS0 *body)
{
    for (size_t i = 0; i < body->n_agencies; i++)
        if (directory_agency(&d->core->directory, body->agencies[i]) == DIRECTORY_NONE)
            return decide_refuse_item(d, E_UNKNOWN, 0, "agencies", i, "");
    return registers_full(&d->core->registers) ? decide_refuse(d, E_LIMIT, "") : 0;
}

/* ---- a recall is confirmed */

/* The cause is a recall in this dossier that reached the unit, and not of an event of its own. */
static bool
is_recipient(const struct deciding *d)
{
    const struct core_named *recall = d->command->cause, *recalled = d->command->corrected;
    struct core_view view;

    if (recall == NULL || recalled == NULL || !facts_is_recall(recall->event) ||
        recall->entry != d->core->dossiers.at[d->dossier].entry ||
        view_is_author(d->core, d->command->unit, recalled->event) ||
        view_is_author(d->core, d->command->unit, recall->event))
        return false;
    return view_reaches(d->core, d->acting,
                        &(struct core_record){.seq = recall->seq,
                                              .ts_ms = recall->ts_ms,
                                              .entry = recall->entry,
                                              .event = recall->event,
                                              .note = recall->note},
                        &view);
}

static bool
is_confirmed(const struct deciding *d, uint64_t seq)
{
    const struct dossier *dossier = &d->core->dossiers.at[d->dossier];

    for (uint32_t i = 0; i < dossier->act_count; i++) {
        const struct act *act = &dossier->acts[i];

        if (act->input == IN_NONE && act->code == ACT_CODE_CONFIRMED && act_seq(act) == seq && act->number == d->acting)
            return true;
    }
    return false;
}

/* Told to who recalled it and whose it was; the holder reads it as such. */
static int
confirmed_state(struct deciding *d, const Wici__V1__SysRecallConfirmedS0 *body)
{
    const struct core_named *recall = d->command->cause, *recalled = d->command->corrected;
    uint8_t id[16];
    int rc;

    if (!is_recipient(d))
        return decide_refuse(d, E_UNKNOWN, "header.causationId");
    if (uuid_parse(body->recalled_event, id) != 0 || memcmp(id, recalled->event->event_id, sizeof id) != 0)
        return refuse_field(d, E_UNKNOWN, "recalledEvent");
    d->note->corrects_seq = recall->note != NULL ? recall->note->corrects_seq : 0;
    if (is_confirmed(d, d->note->corrects_seq))
        return refuse_field(d, E_EXISTS, "recalledEvent");
    rc = decide_answer_to(d, recall->event->header->actor->unit);
    return rc == 0 ? decide_answer_to(d, recalled->event->header->actor->unit) : rc;
}

/* ---- what became of copies of what was erased */

/* Who was not told learns nothing of whether there was an erasure. */
static int
erasure_confirmed_state(struct deciding *d, const Wici__V1__SysErasureConfirmedS0 *body)
{
    const struct erasure *erasure = erased_at(&d->core->erased, body->intended_seq);
    const struct erased_told *told = erasure == NULL ? NULL : erased_told_of(erasure, d->command->unit);
    bool kept = strcmp(body->how, ERASED_KEPT) == 0;

    if (told == NULL)
        return refuse_field(d, E_UNKNOWN, "intendedSeq");
    if (told->said_seq != 0)
        return refuse_field(d, E_EXISTS, "intendedSeq");
    return kept != (body->legal_basis[0] != '\0') ? refuse_field(d, E_FIELD, "legalBasis") : 0;
}

/* ---- delivered outside */

static int
delivered_state(struct deciding *d, const Wici__V1__SysDeliveredOutsideS0 *body)
{
    const struct core_named *cause = d->command->cause;
    enum outside_state state = OUTSIDE_NOT_DUE;
    uint8_t id[16];

    if (cause != NULL && cause->entry == d->core->dossiers.at[d->dossier].entry)
        state = outside_find(&d->core->dossiers, d->dossier, stand_in_of(d), cause->seq);
    if (state == OUTSIDE_NOT_DUE)
        return decide_refuse(d, E_UNKNOWN, "header.causationId");
    if (uuid_parse(body->event, id) != 0 || memcmp(id, cause->event->event_id, sizeof id) != 0)
        return refuse_field(d, E_UNKNOWN, "event");
    if (state == OUTSIDE_DELIVERED)
        return refuse_field(d, E_EXISTS, "event");
    d->note->delivered_seq = cause->seq;
    return decide_answer_to(d, cause->event->header->actor->unit);
}

int
sys_state(struct deciding *d)
{
    const void *body = body_of(d);

    switch (d->type) {
    case WICI__V1__EVENT_TYPE__SYS_AGENCY_ENROLLED: return agency_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_EXTERNAL_ENROLLED: return external_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_UNIT_ENROLLED: return unit_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_UNIT_KEY_ROTATED: return key_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_UNIT_SUSPENDED:
        return suspend_state(d, ((const Wici__V1__SysUnitSuspendedS0 *)body)->unit_id);
    case WICI__V1__EVENT_TYPE__SYS_UNIT_RESUMED:
        return unit_known(d, ((const Wici__V1__SysUnitResumedS0 *)body)->unit_id, E_UNKNOWN, "unitId");
    case WICI__V1__EVENT_TYPE__SYS_PERSON_REGISTERED:
        return unit_known(d, ((const Wici__V1__SysPersonRegisteredS0 *)body)->unit, E_UNKNOWN, "unit");
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED: return participant_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED: return removal_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_POLICY_LOADED: return policy_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_DECLARATION_REGISTERED: return declaration_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_REPORT_PRESENTED: return report_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_SETTING_REGISTERED:
        if (directory_agency(&d->core->directory, ((const Wici__V1__SysSettingRegisteredS0 *)body)->agency) ==
            DIRECTORY_NONE)
            return refuse_field(d, E_UNKNOWN, "agency");
        return registers_full(&d->core->registers) ? decide_refuse(d, E_LIMIT, "") : 0;
    case WICI__V1__EVENT_TYPE__SYS_PROGRAMME_REGISTERED:
    case WICI__V1__EVENT_TYPE__SYS_QUALIFICATION_REGISTERED:
    case WICI__V1__EVENT_TYPE__SYS_VOLUNTEER_FILE_REGISTERED:
        return registers_full(&d->core->registers) ? decide_refuse(d, E_LIMIT, "") : 0;
    case WICI__V1__EVENT_TYPE__SYS_DELIVERED_OUTSIDE: return delivered_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_RECALL_CONFIRMED: return confirmed_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_ERASURE_CONFIRMED: return erasure_confirmed_state(d, body);
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MISSED:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_MET:
    case WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED: return clocks_decide(d);
    default: return refuse_role(d);
    }
}
