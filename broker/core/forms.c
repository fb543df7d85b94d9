/* The rules that look at the event alone, and at who its author and its units are. One function a rule. */
#include "broker/core/decide.h"
#include "broker/core/gate.h"
#include "proto/date.h"

#include <string.h>

#define SERVICES_MAX 4u /* "około 3-4" */

static bool
acts_as(const struct deciding *d, unsigned role)
{
    return d->event->header->actor->role == role;
}

/* ---- letters and referrals */

static int
insight_by_assistant(struct deciding *d)
{
    if (acts_as(d, WICI__V1__ROLE__FA) && decide_setting(d, "INSIGHT_NOT_BY_FA"))
        return decide_refuse_rule(d, RULE_I2, "header.actor.role");
    if (!acts_as(d, WICI__V1__ROLE__FA) && !acts_as(d, WICI__V1__ROLE__IC))
        return 0;
    return decide_warn(d, decide_tells_social_worker(d) ? RULE_I2W : RULE_I2N, "header.actor.role");
}

static int
blue_card_by_assistant(struct deciding *d)
{
    size_t section;

    if (!acts_as(d, WICI__V1__ROLE__FA) ||
        strcmp(FACTS_TEXT_SECTION(d->event, 5, Wici__V1__CaseSafetyConcernRaisedS5, kind, &section),
               "BLUE_CARD_STARTED") != 0)
        return 0;
    return decide_warn_body(d, decide_tells_social_worker(d) ? RULE_I3 : RULE_I3N, section, "kind");
}

/* Za życiem: the family applies; an ill child has a certificate, a disabled one a paper of its own. */
static int
zz_papers(struct deciding *d)
{
    const Wici__V1__ReferralSubmittedS4 *body;
    size_t section;
    const char *entitlement = FACTS_TEXT_SECTION(d->event, 4, Wici__V1__ReferralSubmittedS4, entitlement, &section);
    bool certificate = false, known = false, paper = false;

    if (entitlement[0] == '\0')
        return 0;
    if (strcmp(FACTS_TEXT(d->event, 6, Wici__V1__ReferralSubmittedS6, paper_kind), "APPLICATION") != 0)
        return decide_warn(d, RULE_I6, "header.type");
    for (size_t at = 0; (body = facts_next(d->event, 4, &at)) != NULL;) {
        certificate = certificate || (body->certificate != NULL && body->certificate->doctor_speciality[0] != '\0');
        known = known || (body->certificate != NULL && d->core->policy != NULL &&
                          policy_knows_speciality(d->core->policy, body->certificate->doctor_speciality));
        paper = paper || (body->b6_document != NULL && body->b6_document->kind[0] != '\0');
    }
    if (strcmp(entitlement, "ILL_CHILD") == 0 && !certificate)
        return decide_warn_body(d, RULE_I6, section, "certificate");
    if (strcmp(entitlement, "ILL_CHILD") == 0 && !known)
        return decide_warn_body(d, RULE_I6, section, "certificate.doctorSpeciality");
    if (strcmp(entitlement, "DISABLED_CHILD") == 0 && !paper)
        return decide_warn_body(d, RULE_I6, section, "b6Document");
    return 0;
}

static int
forwarding_consent(struct deciding *d)
{
    const Wici__V1__ReferralForwardedS6 *body;

    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        if (body->applicant_consent != NULL && body->applicant_consent->on[0] != '\0')
            return 0;
    return decide_warn(d, RULE_I41, "header.type");
}

static int
closed_together(struct deciding *d)
{
    const Wici__V1__CaseClosedS6 *body;
    size_t section;

    if (strcmp(FACTS_TEXT_SECTION(d->event, 6, Wici__V1__CaseClosedS6, reason, &section), "GOALS_MET") != 0)
        return 0;
    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        if (body->decided_with_family)
            return 0;
    return decide_warn_body(d, RULE_I32, section, "decidedWithFamily");
}

/* ---- meetings */

static bool
chair_is_exempt(const char *kind)
{
    return strcmp(kind, "CHILD_REVIEW") == 0 || strcmp(kind, "INTERDISCIPLINARY_TEAM") == 0 ||
           strcmp(kind, "DIAGNOSTIC_GROUP") == 0 || strncmp(kind, "IPUS_", 5) == 0;
}

static int
chair(struct deciding *d, const char *kind, unsigned role, size_t section)
{
    if (role == 0 || role == WICI__V1__ROLE__SW || role == WICI__V1__ROLE__FA || chair_is_exempt(kind))
        return 0;
    return decide_warn_body(d, RULE_I10, section, "chairRole");
}

static int
convened(struct deciding *d)
{
    const Wici__V1__MeetingConvenedS6 *body;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(d->event, 6, &at)) != NULL;)
        rc = chair(d, body->kind, (unsigned)body->chair_role, at - 1);
    return rc;
}

static int
held(struct deciding *d)
{
    const Wici__V1__MeetingHeldS6 *body;
    const Wici__V1__MeetingHeldS1 *family;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (body = facts_next(d->event, 6, &at)) != NULL;) {
        rc = chair(d, body->kind, (unsigned)body->chair_role, at - 1);
        for (size_t i = 0; i < body->n_attendance && rc == 0; i++)
            if (!body->attendance[i]->signed_)
                rc = decide_warn_body(d, RULE_I15, at - 1, "attendance");
        if (rc == 0 && (body->protocol[0] != '\0' || body->n_documents > 0) && !body->protocol_signed)
            rc = decide_warn_body(d, RULE_I15, at - 1, "protocolSigned");
    }
    for (size_t at = 0; rc == 0 && (family = facts_next(d->event, 1, &at)) != NULL;)
        for (size_t i = 0; i < family->n_attendance && rc == 0; i++)
            if (family->attendance[i]->present && !family->attendance[i]->signed_)
                rc = decide_warn_body(d, RULE_I15, at - 1, "attendance");
    return rc;
}

static int
services_chosen(struct deciding *d)
{
    const Wici__V1__MeetingAgreementsIssuedS6 *body;
    size_t count = 0;

    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;) {
        count += body->n_chosen_services;
        if (count > SERVICES_MAX)
            return decide_warn_body(d, RULE_I11, at - 1, "chosenServices");
    }
    return 0;
}

/* ---- IPUS */

static int
ipus_rows(struct deciding *d, bool first)
{
    size_t count = 0, last = 0;

    for (size_t i = 0; i < d->event->section_count; i++) {
        const Wici__V1__ServiceRow *row = facts_row(d->event, i);

        if (row != NULL && !row->removed) {
            count++;
            last = i;
        }
    }
    if (first && count == 0)
        return decide_refuse_rule(d, RULE_I18, "sections");
    return count > SERVICES_MAX ? decide_warn_body(d, RULE_I11, last, "row") : 0;
}

/* Three to twelve months, both days included; an update may be shorter, since part of the time is over. */
static int
ipus_period(struct deciding *d, const char *from_text, const char *to_text, size_t section, bool first)
{
    int32_t from = facts_day(from_text), to = facts_day(to_text);

    if (from == DATE_NONE || to == DATE_NONE)
        return 0; /* the form of the event asks for both */
    if (to > date_add_months(from, 12) - 1 || to < (first ? date_add_months(from, 3) - 1 : from))
        return decide_refuse_rule_body(d, RULE_I16, section, "periodTo");
    return 0;
}

static int
ipus_agreed(struct deciding *d)
{
    size_t agreed, period;
    const char *to = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__IpusAgreedS0, period_to, &period);
    int rc;

    if (strcmp(FACTS_TEXT_SECTION(d->event, 6, Wici__V1__IpusAgreedS6, applicant_agreed, &agreed), "NO") == 0)
        return decide_refuse_rule_body(d, RULE_I19, agreed, "applicantAgreed");
    rc = ipus_period(d, FACTS_TEXT(d->event, 0, Wici__V1__IpusAgreedS0, period_from), to, period, true);
    return rc == 0 ? ipus_rows(d, true) : rc;
}

static int
ipus_updated(struct deciding *d)
{
    size_t agreed, period;
    const char *to = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__IpusUpdatedS0, period_to, &period);
    int rc;

    if (strcmp(FACTS_TEXT_SECTION(d->event, 6, Wici__V1__IpusUpdatedS6, applicant_agreed, &agreed), "NO") == 0)
        return decide_refuse_rule_body(d, RULE_I19, agreed, "applicantAgreed");
    rc = ipus_period(d, FACTS_TEXT(d->event, 0, Wici__V1__IpusUpdatedS0, period_from), to, period, false);
    return rc == 0 ? ipus_rows(d, false) : rc;
}

static int
ipus_concluded(struct deciding *d)
{
    const Wici__V1__IpusConcludedS6 *body;
    bool described = false;
    size_t section;
    const char *talk = FACTS_TEXT_SECTION(d->event, 0, Wici__V1__IpusConcludedS0, summary_talk_on, &section);
    int32_t talk_on = facts_day(talk);
    int32_t ended_on = facts_day(FACTS_TEXT(d->event, 0, Wici__V1__IpusConcludedS0, ended_on));

    for (size_t at = 0; (body = facts_next(d->event, 6, &at)) != NULL;)
        described = described || body->description[0] != '\0' || body->n_documents > 0;
    if (!described)
        return decide_refuse_rule(d, RULE_I22, "sections");
    return talk_on != DATE_NONE && talk_on < ended_on ? decide_warn_body(d, RULE_I22W, section, "summaryTalkOn") : 0;
}

/* ---- consent */

static bool
agency_is_health(const struct deciding *d, const char *id)
{
    const struct directory *directory = &d->core->directory;
    uint32_t agency = directory_agency(directory, id), unit = directory_unit(directory, id);

    if (unit != DIRECTORY_NONE)
        agency = directory->units[unit].agency;
    return agency != DIRECTORY_NONE && directory_is_of_kind(directory, agency, "HEALTH");
}

static int
authorisation_scope(struct deciding *d)
{
    const Wici__V1__ConsentGrantedS4 *body;

    for (size_t at = 0; (body = facts_next(d->event, 4, &at)) != NULL;)
        for (size_t i = 0; body->zz_authorisation != NULL && i < body->zz_authorisation->n_scope_agencies; i++)
            if (agency_is_health(d, body->zz_authorisation->scope_agencies[i]))
                return decide_refuse_rule_item(d, RULE_I26, at - 1, "zzAuthorisation.scopeAgencies", i, "");
    return 0;
}

/* The ground of a history that is handed on is another matter: nothing is cut by it. */
static int
consent_named(struct deciding *d)
{
    if (d->event->header->consent_ref[0] != '\0' || d->type == TYPE(REFERRAL_SUBMITTED) || d->type == TYPE(CASE_LINKED))
        return 0;
    for (size_t i = 0; i < d->event->section_count; i++)
        if (gate_names_consent(d->event, i))
            return decide_warn(d, RULE_I37, "header.consentRef");
    return 0;
}

static int
form_of_type(struct deciding *d)
{
    switch (d->type) {
    case WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED: return zz_papers(d);
    case WICI__V1__EVENT_TYPE__REFERRAL_FORWARDED: return forwarding_consent(d);
    case WICI__V1__EVENT_TYPE__CASE_CLOSED: return closed_together(d);
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED: return blue_card_by_assistant(d);
    case WICI__V1__EVENT_TYPE__COURT_INSIGHT_REQUESTED: return insight_by_assistant(d);
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED: return convened(d);
    case WICI__V1__EVENT_TYPE__MEETING_HELD: return held(d);
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED: return services_chosen(d);
    case WICI__V1__EVENT_TYPE__IPUS_AGREED: return ipus_agreed(d);
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED: return ipus_updated(d);
    case WICI__V1__EVENT_TYPE__IPUS_CONCLUDED: return ipus_concluded(d);
    case WICI__V1__EVENT_TYPE__CONSENT_GRANTED: return authorisation_scope(d);
    default: return 0;
    }
}

int
decide_forms(struct deciding *d)
{
    int rc = form_of_type(d);

    return rc == 0 ? consent_named(d) : rc;
}
