/* What an event says to the machines, as an act. What comes of it: acts_fold.c. */
#include "broker/core/acts.h"

#include "broker/core/dossier.h"
#include "broker/core/facts.h"
#include "proto/date.h"

#include <assert.h>
#include <string.h>

static const struct act nothing = {.day = DATE_NONE};

static void
about(struct act_about *what, enum machine_kind machine, const char *ref)
{
    if (uuid_parse(ref, what->ref) == 0)
        what->machine = machine;
}

static enum input
input_of_word(const char *word, const char *const *words, const enum input *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return inputs[i];
    return IN_NONE;
}
#define INPUT_OF_WORD(word, words, inputs) input_of_word(word, words, inputs, sizeof words / sizeof words[0])

static void
referral_act(struct act_about *what, const struct event *event)
{
    static const char *const answers[] = {"received", "accepted", "rejected", "on-hold"};
    static const enum input answered[] = {IN_RECEIVED, IN_ACCEPTED, IN_REJECTED, IN_ON_HOLD};
    static const char *const ends[] = {"completed", "failed", "cancelled"};
    static const enum input ended[] = {IN_COMPLETED, IN_FAILED, IN_CANCELLED};
    const Wici__V1__ReferralAnsweredS6 *body;
    struct act *act = &what->act;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__REFERRAL_SUBMITTED:
        act->input = IN_SUBMITTED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ReferralSubmittedS0, applied_on));
        if (act->day == DATE_NONE)
            act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ReferralSubmittedS0, information_received_on));
        if (FACTS_TEXT(event, 4, Wici__V1__ReferralSubmittedS4, entitlement)[0] != '\0')
            act->flags |= ACT_ZZ;
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_ANSWERED:
        act->input = (uint8_t)INPUT_OF_WORD(FACTS_TEXT(event, 6, Wici__V1__ReferralAnsweredS6, status), answers,
                                            answered);
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ReferralAnsweredS0, answered_on));
        for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
            if (body->n_parts > 0 && act->input <= IN_ON_HOLD)
                act->input = (uint8_t)(act->input - IN_RECEIVED + IN_PART_RECEIVED);
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_FORWARDED:
        act->input = facts_same(FACTS_TEXT(event, 0, Wici__V1__ReferralForwardedS0, whole), "YES") ? IN_FORWARDED
                                                                                                   : IN_PART_FORWARDED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ReferralForwardedS0, forwarded_on));
        break;
    case WICI__V1__EVENT_TYPE__REFERRAL_COMPLETED:
        act->input = (uint8_t)INPUT_OF_WORD(FACTS_TEXT(event, 6, Wici__V1__ReferralCompletedS6, status), ends, ended);
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ReferralCompletedS0, completed_on));
        break;
    default: break;
    }
}

static_assert(IN_PART_ON_HOLD - IN_PART_RECEIVED == IN_ON_HOLD - IN_RECEIVED, "of a part as of the whole");

static void
opened_act(struct act *act, const struct event *event)
{
    const char *path = FACTS_TEXT(event, 6, Wici__V1__CaseOpenedS6, path);
    const Wici__V1__CaseOpenedS3 *care;

    act->input = strcmp(path, "IPUS") == 0 ? IN_CASE_OPENED_IPUS : IN_CASE_OPENED;
    act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CaseOpenedS0, opened_on));
    if (strcmp(path, "BOTH") == 0)
        act->flags |= ACT_BOTH;
    if (FACTS_TEXT(event, 4, Wici__V1__CaseOpenedS4, entitlement)[0] != '\0')
        act->flags |= ACT_ZZ;
    for (size_t at = 0; (care = facts_next(event, 3, &at)) != NULL;)
        if (care->n_children_in_care > 0)
            act->flags |= ACT_CARE;
}

static void
closed_act(struct act *act, const struct event *event)
{
    const Wici__V1__CaseClosedS6 *body;
    int32_t last = DATE_NONE;

    act->input = IN_CLOSED;
    act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CaseClosedS0, closed_on));
    for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;) {
        if (body->monitoring_plan == NULL)
            continue;
        act->input = IN_CLOSED_MONITORED;
        for (size_t i = 0; i < body->monitoring_plan->n_dates; i++) {
            int32_t day = facts_day(body->monitoring_plan->dates[i]);

            last = day > last ? day : last;
        }
    }
    act->number = last <= 0 ? 0 : last > UINT16_MAX ? UINT16_MAX : (uint32_t)last;
}

static void
case_act(struct act_about *what, const struct event *event)
{
    static const char *const conclusions[] = {"ASSISTANT_NEEDED", "OTHER_SUPPORT", "NO_NEED"};
    static const enum input concluded[] = {IN_INTERVIEW_NEEDED, IN_INTERVIEW_OTHER, IN_INTERVIEW_NO_NEED};
    struct act *act = &what->act;
    const char *word;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__CASE_OPENED: opened_act(act, event); break;
    case WICI__V1__EVENT_TYPE__CASE_INTERVIEW_COMPLETED:
        word = FACTS_TEXT(event, 6, Wici__V1__CaseInterviewCompletedS6, conclusion);
        act->input = (uint8_t)INPUT_OF_WORD(word, conclusions, concluded);
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CaseInterviewCompletedS0, interview_on));
        break;
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_REQUESTED: act->input = IN_REQUESTED; break;
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED:
        act->input = IN_ASSIGNED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CaseAssistantAssignedS0, assigned_on));
        break;
    case WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED:
        if (strcmp(FACTS_TEXT(event, 6, Wici__V1__CasePlanUpdatedS6, plan_kind), "WORK_PLAN") == 0)
            act->input = IN_WORK_PLAN;
        break;
    case WICI__V1__EVENT_TYPE__CASE_ASSESSMENT_RECORDED:
        word = FACTS_TEXT(event, 6, Wici__V1__CaseAssessmentRecordedS6, kind);
        act->input = strcmp(word, "PERIODIC") == 0 ? IN_PERIODIC : word[0] != '\0' ? IN_POST_CLOSURE : IN_NONE;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CaseAssessmentRecordedS0, period_to));
        break;
    case WICI__V1__EVENT_TYPE__CASE_CLOSED: closed_act(act, event); break;
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED:
        act->input = IN_CONCERN_RAISED;
        what->machine = MACHINE_CONCERN;
        memcpy(what->ref, event->event_id, sizeof what->ref);
        break;
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_ANSWERED:
        act->input = IN_CONCERN_ANSWERED;
        about(what, MACHINE_CONCERN, event->header->causation_id);
        break;
    default: break;
    }
}

static void
consent_act(struct act_about *what, const struct event *event)
{
    struct act *act = &what->act;

    if (event->type->number == WICI__V1__EVENT_TYPE__CONSENT_GRANTED) {
        const char *kind = FACTS_TEXT(event, 6, Wici__V1__ConsentGrantedS6, kind);
        size_t at = 0;

        act->code = (uint8_t)((strcmp(kind, "COOPERATION_DWR_01_01") == 0 ? THING_COOPERATION : 0) |
                              (strcmp(kind, "DATA_SHARING") == 0 ? THING_SHARING : 0) |
                              (facts_next(event, 4, &at) != NULL ? THING_ZZ : 0));
        act->input = (act->code & THING_COOPERATION) != 0 ? IN_COOPERATION_GRANTED : IN_CONSENT_GRANTED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ConsentGrantedS0, given_on));
        act->number = (uint32_t)facts_day(FACTS_TEXT(event, 0, Wici__V1__ConsentGrantedS0, valid_to));
        about(what, MACHINE_CONSENT, FACTS_TEXT(event, 0, Wici__V1__ConsentGrantedS0, consent_id));
        return;
    }
    /* Whether it is the consent to cooperate is known only with the thing: acts_add. */
    act->input = strcmp(FACTS_TEXT(event, 6, Wici__V1__ConsentWithdrawnS6, effect), "REFUSED") == 0
                     ? IN_CONSENT_REFUSED
                     : IN_CONSENT_WITHDRAWN;
    act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__ConsentWithdrawnS0, withdrawn_on));
    about(what, MACHINE_CONSENT, FACTS_TEXT(event, 0, Wici__V1__ConsentWithdrawnS0, consent_id));
}

static void
court_act(struct act *act, const struct event *event)
{
    const Wici__V1__CourtOrderIssuedS5 *body;

    if (event->type->number == WICI__V1__EVENT_TYPE__COURT_OPINION_REQUESTED) {
        act->input = IN_OPINION_REQUESTED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CourtOpinionRequestedS0, due_on));
        return;
    }
    if (event->type->number != WICI__V1__EVENT_TYPE__COURT_ORDER_ISSUED)
        return;
    act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__CourtOrderIssuedS0, issued_on));
    for (size_t at = 0; (body = facts_next(event, 5, &at)) != NULL;) {
        if (facts_same(body->order_kind, "OBLIGE_COOPERATION"))
            act->input = IN_ORDER_ISSUED;
        if (facts_same(body->order_kind, "REVOKED"))
            act->input = IN_ORDER_REVOKED;
    }
}

static uint32_t
number_of(const struct event *event)
{
    const void *body;
    size_t at = 0;

    body = facts_next(event, 0, &at);
    if (body == NULL)
        return 0;
    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED: return ((const Wici__V1__MeetingConvenedS0 *)body)->revision;
    case WICI__V1__EVENT_TYPE__IPUS_AGREED: return ((const Wici__V1__IpusAgreedS0 *)body)->version;
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED: return ((const Wici__V1__IpusUpdatedS0 *)body)->version;
    case WICI__V1__EVENT_TYPE__IPUS_APPROVED: return ((const Wici__V1__IpusApprovedS0 *)body)->version;
    default: return 0;
    }
}

static void
meeting_act(struct act *act, const struct event *event)
{
    uint64_t starts_ms;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__MEETING_CONVENED:
        act->input = strcmp(FACTS_TEXT(event, 0, Wici__V1__MeetingConvenedS0, status), "cancelled") == 0 ? IN_CALLED_OFF
                                                                                                         : IN_CONVENED;
        if (time_parse(FACTS_TEXT(event, 0, Wici__V1__MeetingConvenedS0, starts_at), &starts_ms) == 0)
            act->day = date_of_moment(starts_ms);
        break;
    case WICI__V1__EVENT_TYPE__MEETING_HELD:
        act->input = strcmp(FACTS_TEXT(event, 6, Wici__V1__MeetingHeldS6, kind), "FIRST_CONTACT") == 0
                         ? IN_HELD_FIRST_CONTACT
                         : IN_HELD;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__MeetingHeldS0, held_on));
        break;
    case WICI__V1__EVENT_TYPE__MEETING_AGREEMENTS_ISSUED: act->input = IN_AGREEMENTS; break;
    default: break;
    }
}

static void
ipus_act(struct act *act, const struct event *event)
{
    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__IPUS_AGREED:
        act->input = IN_IPUS_AGREED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__IpusAgreedS0, period_from));
        break;
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED:
        act->input = IN_IPUS_UPDATED;
        act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__IpusUpdatedS0, period_to));
        break;
    case WICI__V1__EVENT_TYPE__IPUS_APPROVED:
        act->input = strcmp(FACTS_TEXT(event, 6, Wici__V1__IpusApprovedS6, decision), "RETURNED") == 0
                         ? IN_IPUS_RETURNED
                         : IN_IPUS_APPROVED;
        break;
    case WICI__V1__EVENT_TYPE__IPUS_SERVICE_REPORTED: act->input = IN_IPUS_REPORTED; break;
    case WICI__V1__EVENT_TYPE__IPUS_CONCLUDED: act->input = IN_IPUS_CONCLUDED; break;
    default: break;
    }
}

/* By the header alone: a log has many of these, and reading it back should not take their sections. */
static void
info_act(struct act_about *what, const struct event *event)
{
    what->machine = MACHINE_INFO;
    if (event->type->number == WICI__V1__EVENT_TYPE__INFO_REQUESTED) {
        what->act.input = IN_INFO_REQUESTED;
        memcpy(what->ref, event->event_id, sizeof what->ref);
        return;
    }
    what->act.input = IN_INFO_PROVIDED;
    if (uuid_parse(event->header->causation_id, what->ref) != 0)
        *what = (struct act_about){.act = nothing, .machine = MACHINE_COUNT}; /* on its own initiative */
}

static void
placement_act(struct act *act, const struct event *event)
{
    const char *kind = FACTS_TEXT(event, 3, Wici__V1__PlacementChangedS3, kind);

    if (kind[0] != '\0')
        act->input = strcmp(kind, "RETURNED_HOME") == 0 ? IN_BACK_HOME : IN_IN_CARE;
    act->day = facts_day(FACTS_TEXT(event, 0, Wici__V1__PlacementChangedS0, effective_on));
}

struct act_about
act_of_event(const struct event *event, uint64_t seq)
{
    struct act_about what = {.act = nothing, .machine = MACHINE_COUNT};

    switch (facts_family(event->type->number)) {
    case FAMILY_REFERRAL: referral_act(&what, event); break;
    case FAMILY_CASE: case_act(&what, event); break;
    case FAMILY_CONSENT: consent_act(&what, event); break;
    case FAMILY_PLACEMENT: placement_act(&what.act, event); break;
    case FAMILY_COURT: court_act(&what.act, event); break;
    case FAMILY_MEETING:
        meeting_act(&what.act, event);
        if (facts_ref(event, what.ref))
            what.machine = MACHINE_MEETING;
        break;
    case FAMILY_IPUS:
        ipus_act(&what.act, event);
        if (facts_ref(event, what.ref))
            what.machine = MACHINE_IPUS;
        break;
    case FAMILY_INFO: info_act(&what, event); break;
    default: break;
    }
    if (what.act.number == 0)
        what.act.number = number_of(event);
    act_set_seq(&what.act, seq);
    if (event->header->late_entry)
        what.act.flags |= ACT_LATE;
    return what;
}
