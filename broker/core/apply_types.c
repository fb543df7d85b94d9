/* apply_types - what a record changes in its dossier beside what every record does: type by type; see apply.h */
#include "broker/core/apply.h"

#include "broker/core/facts.h"
#include "broker/core/handover.h"
#include "broker/core/parts.h"

#include <string.h>

int
apply_open_plain(const struct change *c, uint32_t dossier, enum relation_kind kind, uint32_t who, bool from_opening)
{
    struct relation_spec spec = {
        .kind = kind, .who = who, .from_seq = c->seq, .from_opening = from_opening, .opened_seq = c->first_seq};

    if (who == DIRECTORY_NONE)
        return 0;
    return dossiers_open(&c->core->dossiers, &c->core->directory, dossier, &spec);
}

static void
end_all(const struct change *c, uint32_t dossier, enum relation_kind kind, const uint8_t *ref)
{
    dossiers_end(&c->core->dossiers, dossier, kind, WHO_ANY, ref, c->seq);
}

/* Whoever holds or waits, its agency's office looks on, from the dossier's beginning. */
static int
open_with_office(const struct change *c, uint32_t dossier, enum relation_kind kind, uint32_t unit, bool from_opening)
{
    int rc;

    if (unit == DIRECTORY_NONE)
        return 0;
    rc = apply_open_plain(c, dossier, kind, unit, from_opening);
    if (rc == 0)
        rc = apply_open_plain(c, dossier, RELATION_OFFICE, c->core->directory.units[unit].agency, true);
    return rc;
}

size_t
apply_addressed_count(const struct change *c)
{
    return c->record->note != NULL ? c->record->note->n_resolved_to : 0;
}

/* DIRECTORY_NONE: none any more. */
uint32_t
apply_addressed_unit(const struct change *c, size_t index)
{
    return directory_addressee(&c->core->directory, c->record->note->resolved_to[index]);
}

static bool
unit_has(const struct change *c, uint32_t unit, uint32_t roles)
{
    return unit != DIRECTORY_NONE && (c->core->directory.units[unit].roles & roles) != 0;
}

int
apply_open_pending(const struct change *c)
{
    int rc = 0;

    for (size_t i = 0; i < apply_addressed_count(c) && rc == 0; i++)
        rc = open_with_office(c, c->dossier, RELATION_PENDING, apply_addressed_unit(c, i), false);
    return rc;
}

/* ---- taking up and letting go */

static bool
is_open(const struct change *c, uint32_t dossier, enum relation_kind kind, uint32_t who)
{
    return dossiers_has_open(&c->core->dossiers, dossier, kind, who, NULL, c->record->ts_ms);
}

static int
take_up_one(const struct change *c, uint32_t dossier)
{
    int rc = 0;

    if (!is_open(c, dossier, RELATION_HOLDER, c->acting)) {
        /* The holder before ends first: only one holds. */
        end_all(c, dossier, RELATION_HOLDER, NULL);
        rc = open_with_office(c, dossier, RELATION_HOLDER, c->acting, false);
    }
    end_all(c, dossier, RELATION_PENDING, NULL);
    dossiers_end_offices(&c->core->dossiers, &c->core->directory, dossier, c->seq);
    return rc;
}

/* ... and what the referral hands over with it. */
static int
take_up(const struct change *c, uint32_t dossier)
{
    uint32_t handed;
    int rc = take_up_one(c, dossier);

    if (rc == 0)
        rc = handover_accepted(c->core, dossier, c->acting, c->seq, &handed);
    return rc == 0 && handed != DOSSIER_NONE ? take_up_one(c, handed) : rc;
}

static void
let_go(const struct change *c)
{
    dossiers_end(&c->core->dossiers, c->dossier, RELATION_PENDING, c->acting, NULL, c->seq);
    dossiers_end_offices(&c->core->dossiers, &c->core->directory, c->dossier, c->seq);
}

/* ---- referral.* */

/*
 * Inside one agency the dossier goes on: the holder asks another unit to take it over, which waits to accept from then
 * on, or from the number that he gives it the history from. Another agency opens a dossier of its own.
 */
static int
hand_over(const struct change *c)
{
    struct directory *directory = &c->core->directory;
    struct relation_spec spec = {.kind = RELATION_PENDING, .from_seq = c->seq};
    const Wici__V1__ReferralSubmittedS6 *body;
    bool asked = false;
    int rc = 0;

    for (size_t at = 0; (body = facts_next(c->event, 6, &at)) != NULL;) {
        asked = asked || facts_same(body->service, "HAND_OVER");
        if (body->hand_over != NULL && body->hand_over->history_from != 0) {
            spec.from_seq = body->hand_over->history_from;
            spec.opened_seq = c->first_seq != 0 ? c->first_seq : c->seq;
        }
    }
    if (!asked || !is_open(c, c->dossier, RELATION_HOLDER, c->actor))
        return 0;
    for (size_t i = 0; i < apply_addressed_count(c) && rc == 0; i++) {
        spec.who = apply_addressed_unit(c, i);
        if (spec.who != DIRECTORY_NONE && spec.who != c->actor &&
            directory->units[spec.who].agency == directory->units[c->actor].agency)
            rc = dossiers_open(&c->core->dossiers, directory, c->dossier, &spec);
    }
    return rc;
}

static int
referral_submitted(const struct change *c)
{
    const char *behalf = c->event->header->actor->on_behalf_of;
    uint32_t agency = directory_agency(&c->core->directory, behalf);
    int rc = 0;

    if (!c->opened)
        return hand_over(c);
    rc = apply_open_plain(c, c->dossier, RELATION_REFERRER, c->actor, false);
    if (agency != DIRECTORY_NONE)
        for (uint32_t i = 0; i < c->core->directory.agencies[agency].units.count && rc == 0; i++)
            rc = apply_open_plain(c, c->dossier, RELATION_REFERRER, c->core->directory.agencies[agency].units.at[i],
                                  false);
    return rc == 0 ? apply_open_pending(c) : rc;
}

static int
referral_answered(const struct change *c)
{
    const char *status = FACTS_TEXT(c->event, 6, Wici__V1__ReferralAnsweredS6, status);
    const Wici__V1__ReferralAnsweredS6 *body;

    for (size_t at = 0; (body = facts_next(c->event, 6, &at)) != NULL;)
        if (body->n_parts > 0)
            return 0; /* an answer for a part leaves the whole as it is */
    if (!is_open(c, c->dossier, RELATION_PENDING, c->acting) && !is_open(c, c->dossier, RELATION_HOLDER, c->acting))
        return 0;
    if (strcmp(status, "accepted") == 0)
        return take_up(c, c->dossier);
    if (strcmp(status, "rejected") == 0)
        let_go(c);
    return 0;
}

static int
referral_forwarded(const struct change *c)
{
    const char *to = FACTS_TEXT(c->event, 0, Wici__V1__ReferralForwardedS0, to_unit);

    /* The new one reads the history: the applicant's consent to forwarding is its ground. */
    if (strcmp(FACTS_TEXT(c->event, 0, Wici__V1__ReferralForwardedS0, whole), "YES") != 0)
        return 0;
    return open_with_office(c, c->dossier, RELATION_PENDING, directory_addressee(&c->core->directory, to), true);
}

static void
referral_completed(const struct change *c)
{
    if (parts_only(&c->core->dossiers, c->dossier, c->acting, c->record->ts_ms))
        return; /* its parts: the others go on */
    end_all(c, c->dossier, RELATION_REFERRER, NULL);
    end_all(c, c->dossier, RELATION_PENDING, NULL);
    dossiers_end_offices(&c->core->dossiers, &c->core->directory, c->dossier, c->seq);
}

/* ---- case.* */

static int
case_opened(const struct change *c)
{
    const char *path = FACTS_TEXT(c->event, 6, Wici__V1__CaseOpenedS6, path);
    const Wici__V1__CaseOpenedS7 *body;
    uint8_t flags = 0;

    if (strcmp(path, "IPUS") == 0)
        flags |= DOSSIER_IPUS | DOSSIER_PATH_IPUS;
    if (strcmp(path, "BOTH") == 0)
        flags |= DOSSIER_IPUS;
    for (size_t at = 0; (body = facts_next(c->event, 7, &at)) != NULL;)
        if (body->address_protected)
            flags |= DOSSIER_ADDRESS_PROTECTED;
    dossiers_flag(&c->core->dossiers, c->dossier, flags);
    return c->opened ? open_with_office(c, c->dossier, RELATION_HOLDER, c->actor, false) : 0;
}

static int
case_linked(const struct change *c)
{
    struct core *core = c->core;
    enum link_kind kind = link_by_name(FACTS_TEXT(c->event, 0, Wici__V1__CaseLinkedS0, kind));
    const Wici__V1__CaseLinkedS0 *body;
    uint64_t from_seq = c->seq;
    uint32_t other;
    uint8_t id[16];
    int rc;

    if (uuid_parse(FACTS_TEXT(c->event, 0, Wici__V1__CaseLinkedS0, other_dossier), id) != 0)
        return 0;
    other = dossiers_find(&core->dossiers, id);
    if (kind == LINK_KIND_COUNT || other == DOSSIER_NONE || other == c->dossier)
        return 0;
    rc = dossiers_link(&core->dossiers, c->dossier, other, kind);
    if (rc == 0 && kind == LINK_REFERRAL_OF) {
        if (is_open(c, other, RELATION_PENDING, c->actor))
            rc = take_up(c, other);
    }
    /* Whom an order made a party is one to the case that takes it up, or carries it on. */
    if (rc == 0 && (kind == LINK_REFERRAL_OF || kind == LINK_CONTINUED_FROM))
        rc = dossiers_copy(&core->dossiers, &core->directory, other, c->dossier, RELATION_PARTY, c->seq);
    if (rc == 0 && kind == LINK_MERGED_INTO) {
        for (size_t at = 0; (body = facts_next(c->event, 0, &at)) != NULL;)
            if (body->history_from > 0 && body->history_from < from_seq)
                from_seq = body->history_from;
        rc = dossiers_merge(&core->dossiers, &core->directory, c->dossier, other, from_seq);
    }
    return rc;
}

static int
case_worker_set(const struct change *c)
{
    const char *unit = FACTS_TEXT(c->event, 0, Wici__V1__CaseWorkerSetS0, unit);
    struct relation_spec spec = {
        .kind = RELATION_PARTICIPANT,
        .who = directory_unit(&c->core->directory, unit),
        .from_seq = c->seq,
        .opened_seq = c->first_seq,
        .until_ms = facts_day_end_ms(FACTS_TEXT(c->event, 0, Wici__V1__CaseWorkerSetS0, until)),
    };

    return spec.who == DIRECTORY_NONE ? 0 : dossiers_open(&c->core->dossiers, &c->core->directory, c->dossier, &spec);
}

static bool
is_monitoring(const struct change *c, const char *unit)
{
    const Wici__V1__CaseClosedS6 *body;

    for (size_t at = 0; (body = facts_next(c->event, 6, &at)) != NULL;)
        for (size_t i = 0; body->monitoring_plan != NULL && i < body->monitoring_plan->n_units; i++)
            if (strcmp(body->monitoring_plan->units[i], unit) == 0)
                return true;
    return false;
}

static void
case_closed(const struct change *c)
{
    const struct dossier *d = &c->core->dossiers.at[c->dossier];

    for (uint32_t i = 0; i < d->relation_count; i++) {
        const struct relation *relation = &d->relations[i];

        if (relation->kind == RELATION_PARTICIPANT && relation->until_seq == 0 &&
            !is_monitoring(c, directory_unit_id(&c->core->directory, relation->who)))
            dossiers_end(&c->core->dossiers, c->dossier, RELATION_PARTICIPANT, relation->who, NULL, c->seq);
    }
}

static int
concern_answered(const struct change *c)
{
    if (!is_open(c, c->dossier, RELATION_PENDING, c->acting))
        return 0;
    if (strcmp(FACTS_TEXT(c->event, 0, Wici__V1__CaseSafetyConcernAnsweredS0, outcome), "TAKEN_UP") == 0)
        return take_up(c, c->dossier);
    let_go(c);
    return 0;
}

/* ---- meeting.* */

static bool
is_invited(const struct change *c, const char *unit)
{
    const Wici__V1__MeetingConvenedS6 *body;

    for (size_t at = 0; (body = facts_next(c->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_invited; i++)
            if (strcmp(body->invited[i]->unit, unit) == 0)
                return true;
    return false;
}

static int
meeting_convened(const struct change *c)
{
    const struct dossier *d = &c->core->dossiers.at[c->dossier];
    const Wici__V1__MeetingConvenedS6 *body;
    uint8_t ref[16];
    int rc = 0;

    if (c->opened)
        rc = open_with_office(c, c->dossier, RELATION_HOLDER, c->actor, false);
    if (!facts_ref(c->event, ref))
        return rc;
    for (uint32_t i = 0; i < d->relation_count; i++)
        if (d->relations[i].kind == RELATION_INVITEE && d->relations[i].until_seq == 0 &&
            !is_invited(c, directory_unit_id(&c->core->directory, d->relations[i].who)))
            dossiers_end(&c->core->dossiers, c->dossier, RELATION_INVITEE, d->relations[i].who, ref, c->seq);
    for (size_t at = 0; rc == 0 && (body = facts_next(c->event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_invited && rc == 0; i++) {
            const char *const *about = (const char *const *)body->invited[i]->about;
            struct relation_spec spec = {
                .kind = RELATION_INVITEE,
                .who = directory_addressee(&c->core->directory, body->invited[i]->unit),
                .from_seq = c->seq,
                .opened_seq = c->first_seq,
                .about = about,
                .about_count = body->invited[i]->n_about,
                .ref = ref,
            };

            if (spec.who != DIRECTORY_NONE)
                rc = dossiers_open(&c->core->dossiers, &c->core->directory, c->dossier, &spec);
        }
    return rc;
}

/* ---- ipus.* */

static int
provider_change(const struct change *c, const Wici__V1__Section *section, uint32_t unit, bool removed,
                const uint8_t ref[16])
{
    const char *const *about = (const char *const *)section->subjects;
    struct relation_spec spec = {
        .kind = RELATION_PROVIDER,
        .who = unit,
        .from_seq = c->seq,
        .opened_seq = c->first_seq,
        .about = about,
        .about_count = section->n_subjects,
        .ref = ref,
    };

    if (!removed)
        return dossiers_open(&c->core->dossiers, &c->core->directory, c->dossier, &spec);
    dossiers_end(&c->core->dossiers, c->dossier, RELATION_PROVIDER, unit, ref, c->seq);
    return 0;
}

/* Rows that are removed come first: a provider may lose one service and keep another in the same event. */
static int
ipus_rows(const struct change *c, const uint8_t ref[16], bool removed)
{
    const struct directory *directory = &c->core->directory;
    int rc = 0;

    for (size_t i = 0; i < c->event->section_count && rc == 0; i++) {
        const Wici__V1__ServiceRow *row = facts_row(c->event, i);
        uint32_t unit, agency;

        if (row == NULL || (row->removed != 0) != removed)
            continue;
        unit = directory_unit(directory, row->provider);
        agency = directory_agency(directory, row->provider);
        if (unit != DIRECTORY_NONE)
            rc = provider_change(c, c->event->sections[i].section, unit, removed, ref);
        if (agency != DIRECTORY_NONE)
            for (uint32_t j = 0; j < directory->agencies[agency].units.count && rc == 0; j++)
                rc = provider_change(c, c->event->sections[i].section, directory->agencies[agency].units.at[j], removed,
                                     ref);
    }
    return rc;
}

static int
ipus_changed(const struct change *c)
{
    uint8_t ref[16];
    int rc = 0;

    dossiers_flag(&c->core->dossiers, c->dossier, DOSSIER_IPUS);
    if (!facts_ref(c->event, ref))
        return 0;
    if (c->event->type->number == TYPE(IPUS_AGREED) || c->event->type->number == TYPE(IPUS_UPDATED)) {
        rc = ipus_rows(c, ref, true);
        if (rc == 0)
            rc = ipus_rows(c, ref, false);
    }
    if (c->event->type->number == TYPE(IPUS_CONCLUDED))
        end_all(c, c->dossier, RELATION_PROVIDER, ref);
    return rc;
}

/* ---- court.* */

static int
open_party(const struct change *c, uint32_t unit, const struct relation_spec *like)
{
    struct relation_spec spec = *like;

    spec.who = unit;
    return unit == DIRECTORY_NONE ? 0 : dossiers_open(&c->core->dossiers, &c->core->directory, c->dossier, &spec);
}

static int
court_party(const struct change *c)
{
    const struct directory *directory = &c->core->directory;
    const Wici__V1__Actor *actor = c->event->header->actor;
    const char *persons[FACTS_PERSONS_MAX];
    struct relation_spec spec = {
        .kind = RELATION_PARTY, .from_seq = c->seq, .opened_seq = c->first_seq, .about = persons};
    uint32_t agency = directory_agency(directory, actor->on_behalf_of);
    uint32_t asked = ROLE_BIT(KUR); /* which of the addressees becomes a party */
    int rc = 0;

    spec.about_count = facts_persons(c->event, persons);
    if (c->event->type->number == TYPE(COURT_INSIGHT_REQUESTED))
        asked = ROLE_BIT(CT);
    if (c->event->type->number == TYPE(COURT_ORDER_ISSUED)) {
        const Wici__V1__CourtOrderIssuedS5 *body;
        bool revoked = false;

        spec.flags = RELATION_ORDERED;
        for (size_t at = 0; (body = facts_next(c->event, 5, &at)) != NULL;) {
            revoked = revoked || facts_same(body->order_kind, "REVOKED");
            if (facts_same(body->order_kind, "OBLIGE_COOPERATION"))
                spec.flags |= RELATION_OBLIGES;
        }
        if (revoked) {
            dossiers_end_ordered(&c->core->dossiers, c->dossier, c->seq);
            return 0;
        }
        spec.until_ms = facts_day_end_ms(FACTS_TEXT(c->event, 0, Wici__V1__CourtOrderIssuedS0, valid_to));
        for (size_t at = 0; rc == 0 && (body = facts_next(c->event, 5, &at)) != NULL;)
            rc = open_party(c, directory_addressee(directory, body->probation_unit), &spec);
    }
    if (rc == 0 && actor->role == WICI__V1__ROLE__CT)
        rc = open_party(c, c->actor, &spec);
    for (size_t i = 0; i < apply_addressed_count(c) && rc == 0; i++)
        if (unit_has(c, apply_addressed_unit(c, i), asked))
            rc = open_party(c, apply_addressed_unit(c, i), &spec);
    if (agency != DIRECTORY_NONE)
        for (uint32_t i = 0; i < directory->agencies[agency].units.count && rc == 0; i++)
            if (unit_has(c, directory->agencies[agency].units.at[i], ROLE_BIT(CT)))
                rc = open_party(c, directory->agencies[agency].units.at[i], &spec);
    return rc;
}

/* ---- sys.* in a dossier */

static int
participant_added(const struct change *c)
{
    const Wici__V1__SysParticipantAddedS0 *body;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(c->event, 0, &at)) != NULL;) {
        const char *const *about = (const char *const *)body->about;
        struct relation_spec spec = {
            .kind = RELATION_PARTICIPANT,
            .who = directory_addressee(&c->core->directory, body->unit),
            .from_seq = body->history_from > 0 && body->history_from < c->seq ? body->history_from : c->seq,
            .about = about,
            .about_count = body->n_about,
            .until_ms = facts_day_end_ms(body->until),
        };

        if (spec.who != DIRECTORY_NONE)
            rc = dossiers_open(&c->core->dossiers, &c->core->directory, c->dossier, &spec);
    }
    return rc;
}

static void
participant_removed(const struct change *c)
{
    const Wici__V1__SysParticipantRemovedS0 *body;

    for (size_t at = 0; (body = facts_next(c->event, 0, &at)) != NULL;) {
        uint32_t unit = directory_addressee(&c->core->directory, body->unit);

        if (unit != DIRECTORY_NONE)
            dossiers_end(&c->core->dossiers, c->dossier, RELATION_PARTICIPANT, unit, NULL, c->seq);
    }
}

/* ---- one record */

int
apply_type(const struct change *c)
{
    switch (c->event->type->number) {
    case WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED: return referral_submitted(c);
    case WICI__V1__EVENT_TYPE__REFERRAL_ANSWERED: return referral_answered(c);
    case WICI__V1__EVENT_TYPE__REFERRAL_FORWARDED: return referral_forwarded(c);
    case WICI__V1__EVENT_TYPE__REFERRAL_COMPLETED: referral_completed(c); return 0;
    case WICI__V1__EVENT_TYPE__CASE_OPENED: return case_opened(c);
    case WICI__V1__EVENT_TYPE__CASE_LINKED: return case_linked(c);
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED:
        return apply_open_plain(
            c, c->dossier, RELATION_PARTICIPANT,
            directory_unit(&c->core->directory, FACTS_TEXT(c->event, 0, Wici__V1__CaseAssistantAssignedS0, unit)),
            true);
    case WICI__V1__EVENT_TYPE__CASE_WORKER_SET: return case_worker_set(c);
    case WICI__V1__EVENT_TYPE__CASE_CLOSED: case_closed(c); return 0;
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_ANSWERED: return concern_answered(c);
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED: return meeting_convened(c);
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED: {
        uint8_t ref[16];

        if (facts_ref(c->event, ref))
            end_all(c, c->dossier, RELATION_INVITEE, ref);
        return 0;
    }
    case WICI__V1__EVENT_TYPE__COURT_OPINION_REQUESTED:
    case WICI__V1__EVENT_TYPE__COURT_ORDER_ISSUED:
    case WICI__V1__EVENT_TYPE__COURT_INSIGHT_REQUESTED: return court_party(c);
    case WICI__V1__EVENT_TYPE__INFO_PROVIDED:
        return is_open(c, c->dossier, RELATION_PENDING, c->acting) ? take_up(c, c->dossier) : 0;
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_ADDED: return participant_added(c);
    case WICI__V1__EVENT_TYPE__SYS_PARTICIPANT_REMOVED: participant_removed(c); return 0;
    default: return facts_family(c->event->type->number) == FAMILY_IPUS ? ipus_changed(c) : 0;
    }
}
