/* Keys are 32 bits of a hash of the id: they tell the few things of one family apart. */
#include "broker/core/marks.h"

#include "broker/core/facts.h"
#include "broker/core/state.h"
#include "proto/date.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
marks_add(struct marks *marks, const struct mark *mark)
{
    if (marks->count == marks->cap) {
        uint32_t cap = marks->cap + marks->cap / 4u + 1u;
        struct mark *grown;

        if (cap > UINT16_MAX)
            return -ENOMEM; /* far beyond what decide lets in */
        grown = reallocarray(marks->at, cap, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        marks->at = grown;
        marks->cap = (uint16_t)cap;
    }
    marks->at[marks->count++] = *mark;
    return 0;
}

void
marks_clear(struct marks *marks)
{
    free(marks->at);
    *marks = (struct marks){0};
}

/* ---- an event as marks */

#define ITEM_MAX     127u
#define MARK_SEQ_MAX ((UINT64_C(1) << 36) - 1)

struct saying {
    const struct event *event;
    const Wici__V1__BrokerNote *note; /* NULL: none */
    uint64_t seq;
    struct mark *ret;
    size_t count;
    struct mark nowhere; /* what is not said */
};

static uint16_t
short_day(int32_t day)
{
    return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (uint16_t)day;
}

uint16_t
mark_due(int32_t day)
{
    return day < 1 ? 1 : short_day(day);
}

unsigned
mark_told_of_run(unsigned told)
{
    return (told & CORE_TOLD_CANCELLED) != 0 ? 0 : told;
}

static uint32_t
key_of_id(const uint8_t id[16])
{
    uint32_t key = (uint32_t)hash_bytes(id, 16);

    return key == 0 ? 1 : key;
}

static uint32_t
key_of(const char *uuid)
{
    uint8_t id[16];

    return uuid_parse(uuid, id) == 0 ? key_of_id(id) : 0;
}

static uint32_t
key_of_text(const char *text)
{
    uint32_t key = text[0] == '\0' ? 0 : (uint32_t)hash_bytes(text, strlen(text));

    return text[0] != '\0' && key == 0 ? 1 : key;
}

/* Says nothing without a day. */
static struct mark *
say(struct saying *s, enum sign sign, int32_t day, uint32_t key)
{
    struct mark *mark = &s->nowhere;

    if (day != DATE_NONE && s->count < MARKS_PER_EVENT_MAX)
        mark = &s->ret[s->count++];
    *mark = (struct mark){
        .seq = s->seq & MARK_SEQ_MAX, .says = (unsigned)sign & 31u, .day = short_day(day), .key = key};
    return mark;
}

struct mark
mark_start(uint64_t seq, enum clock_id clock, int32_t day, uint32_t key)
{
    return (struct mark){
        .seq = seq & MARK_SEQ_MAX, .says = (MARK_STARTS + (unsigned)clock) & 63u, .day = short_day(day), .key = key};
}

static struct mark *
start(struct saying *s, enum clock_id clock, int32_t day, uint32_t key)
{
    struct mark *mark = say(s, SIGN_START, day, key);
    const char *priority = s->event->header->priority;

    *mark = mark_start(s->seq, clock, day, key);
    if (priority[0] != '\0' && strcmp(priority, "routine") != 0)
        mark->flags = MARK_URGENT;
    return mark;
}

/* A clock whose due date is named: nothing without one. */
static void
start_date(struct saying *s, enum clock_id clock, int32_t day, int32_t due, uint32_t key, size_t item)
{
    struct mark *mark;

    if (due == DATE_NONE)
        return;
    mark = start(s, clock, day, key);
    mark->due = mark_due(due);
    mark->item = item & ITEM_MAX;
}

/* Of what no field dates: the day on which it was said, and said first. A correction has a moment of its own, which
 * moves nothing. */
static int32_t
day_of(const struct saying *s)
{
    if (s->note != NULL && s->note->first_on[0] != '\0')
        return facts_day(s->note->first_on);
    return date_of_moment(s->event->occurred_ms);
}

static bool
some_is(const struct event *event, unsigned cls, size_t offset, const char *word)
{
    const void *body;
    const char *text;

    for (size_t at = 0; (body = facts_next(event, cls, &at)) != NULL;) {
        memcpy(&text, (const char *)body + offset, sizeof text);
        if (facts_same(text, word))
            return true;
    }
    return false;
}
#define SOME_IS(event, cls, type, field, word) some_is(event, cls, offsetof(type, field), word)

static int32_t
day_in(const struct event *event, unsigned cls, size_t offset)
{
    return facts_day(facts_text_at(event, cls, offset, NULL));
}
#define DAY_IN(event, cls, type, field) day_in(event, cls, offsetof(type, field))

/* ---- referral.* */

static void
referral_submitted(struct saying *s)
{
    const struct event *event = s->event;
    const char *received = event->header->actor->received_on;
    const char *entitlement = FACTS_TEXT(event, 4, Wici__V1__ReferralSubmittedS4, entitlement);
    const Wici__V1__ReferralSubmittedS4 *health;
    const Wici__V1__ReferralSubmittedS6 *body;
    int32_t applied = DAY_IN(event, 0, Wici__V1__ReferralSubmittedS0, applied_on);
    int32_t learnt = DAY_IN(event, 0, Wici__V1__ReferralSubmittedS0, information_received_on);
    size_t parts = 0;

    for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
        parts += body->n_parts;
    (void)start(s, CLOCK_D15, received[0] != '\0' ? facts_day(received) : day_of(s), 0);
    if (SOME_IS(event, 6, Wici__V1__ReferralSubmittedS6, service, "FAMILY_ASSISTANT") && entitlement[0] == '\0')
        (void)start(s, CLOCK_D1, learnt, 0);
    if (SOME_IS(event, 6, Wici__V1__ReferralSubmittedS6, service, "IPUS"))
        start(s, CLOCK_D3, applied != DATE_NONE ? applied : learnt, key_of_id(event->event_id))->item =
            (parts > ITEM_MAX ? ITEM_MAX : parts) & ITEM_MAX;
    for (size_t at = 0; (health = facts_next(event, 4, &at)) != NULL;) {
        if (health->certificate != NULL)
            start_date(s, CLOCK_D17, day_of(s), facts_day(health->certificate->valid_to), 0, 1);
        if (health->b6_document != NULL)
            start_date(s, CLOCK_D17, day_of(s), facts_day(health->b6_document->valid_to), 0, 2);
    }
    if (strcmp(entitlement, "LOSS") == 0)
        (void)say(s, SIGN_LOSS, day_of(s), 0);
}

static void
referral_answered(struct saying *s)
{
    const struct event *event = s->event;
    int32_t day = DAY_IN(event, 0, Wici__V1__ReferralAnsweredS0, answered_on);
    const Wici__V1__ReferralAnsweredS6 *body;
    bool in_part = false;

    (void)say(s, SIGN_ANSWERED, day, 0);
    for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_parts; i++) {
            bool accepted = facts_same(body->status, "accepted");

            in_part = true;
            say(s, accepted ? SIGN_PART_ACCEPTED : SIGN_PART_ANSWERED, day, 0)->item = body->parts[i]->no & ITEM_MAX;
        }
    if (!in_part && SOME_IS(event, 6, Wici__V1__ReferralAnsweredS6, status, "rejected"))
        (void)say(s, SIGN_REJECTED, day, 0);
}

/* Who was sent it is to answer, and who was sent it before is not any more: of each part by itself. */
static void
referral_forwarded(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__ReferralForwardedS0, forwarded_on);
    bool whole = SOME_IS(s->event, 0, Wici__V1__ReferralForwardedS0, whole, "YES");
    const Wici__V1__ReferralForwardedS0 *body;

    if (whole)
        start(s, CLOCK_D15, day, 0)->flags |= MARK_REPLACES;
    for (size_t at = 0; !whole && (body = facts_next(s->event, 0, &at)) != NULL;)
        for (size_t i = 0; i < body->n_part_nos; i++) {
            struct mark *mark = start(s, CLOCK_D15, day, 0);

            mark->flags |= MARK_REPLACES;
            mark->item = body->part_nos[i] & ITEM_MAX;
        }
}

/* ---- case.* */

static void
case_opened(struct saying *s)
{
    const char *entitlement = FACTS_TEXT(s->event, 4, Wici__V1__CaseOpenedS4, entitlement);

    if (entitlement[0] == '\0' && !SOME_IS(s->event, 6, Wici__V1__CaseOpenedS6, path, "IPUS"))
        (void)start(s, CLOCK_D2, DAY_IN(s->event, 0, Wici__V1__CaseOpenedS0, proceeding_started_on), 0);
    if (strcmp(entitlement, "LOSS") == 0)
        (void)say(s, SIGN_LOSS, day_of(s), 0);
}

static void
assistant_assigned(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__CaseAssistantAssignedS0, assigned_on);

    start(s, CLOCK_D4, day, 0)->flags |= MARK_FIRST;
    start(s, CLOCK_D11, day, 0)->flags |= MARK_FIRST;
}

static void
assessment_recorded(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__CaseAssessmentRecordedS0, period_to);

    if (SOME_IS(s->event, 6, Wici__V1__CaseAssessmentRecordedS6, kind, "POST_CLOSURE"))
        (void)say(s, SIGN_POST_CLOSURE, day, 0);
    if (!SOME_IS(s->event, 6, Wici__V1__CaseAssessmentRecordedS6, kind, "PERIODIC"))
        return;
    say(s, SIGN_PERIODIC, day, 0)->item = FACTS_TEXT(s->event, 6, Wici__V1__CaseAssessmentRecordedS6,
                                                     continue_reason)[0] != '\0';
    (void)start(s, CLOCK_D4, day, 0);
}

static void
case_closed(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__CaseClosedS0, closed_on);
    const Wici__V1__CaseClosedS6 *body;

    (void)say(s, SIGN_CLOSED, day, 0);
    for (size_t at = 0; (body = facts_next(s->event, 6, &at)) != NULL;)
        for (size_t i = 0; body->monitoring_plan != NULL && i < body->monitoring_plan->n_dates; i++)
            start_date(s, CLOCK_D14, day, facts_day(body->monitoring_plan->dates[i]), 0, i + 1);
}

/* ---- consent.* */

static size_t
consent_kind(const char *kind)
{
    static const char *const kinds[] = {"", "COOPERATION_DWR_01_01", "DATA_SHARING", "FORWARDING", "FEE_TERMS"};
    size_t count = sizeof kinds / sizeof kinds[0];

    for (size_t i = 0; i < count; i++)
        if (strcmp(kinds[i], kind) == 0)
            return MARK_CONSENT_ITEM + i;
    return MARK_CONSENT_ITEM + count;
}

static void
consent_granted(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__ConsentGrantedS0, given_on);
    uint32_t key = key_of(FACTS_TEXT(s->event, 0, Wici__V1__ConsentGrantedS0, consent_id));
    size_t kind = consent_kind(FACTS_TEXT(s->event, 6, Wici__V1__ConsentGrantedS6, kind));

    say(s, SIGN_CONSENT, day, key)->item = kind & ITEM_MAX;
    start_date(s, CLOCK_D17, day, DAY_IN(s->event, 0, Wici__V1__ConsentGrantedS0, valid_to), key, kind);
}

/* ---- court.* */

static void
order_issued(struct saying *s)
{
    int32_t day = DAY_IN(s->event, 0, Wici__V1__CourtOrderIssuedS0, issued_on);
    const char *received = s->event->header->actor->received_on;
    const Wici__V1__CourtOrderIssuedS0 *body;

    if (SOME_IS(s->event, 5, Wici__V1__CourtOrderIssuedS5, order_kind, "REVOKED"))
        (void)say(s, SIGN_REVOKED, day, 0);
    if (SOME_IS(s->event, 5, Wici__V1__CourtOrderIssuedS5, order_kind, "OBLIGE_COOPERATION"))
        /* From when the office knows of it: of a letter, the day it came. */
        start(s, CLOCK_D1, received[0] != '\0' ? facts_day(received) : day, 0)->flags |= MARK_FIRST;
    for (size_t at = 0; (body = facts_next(s->event, 0, &at)) != NULL;)
        for (size_t i = 0; i < body->n_report_dates; i++)
            start_date(s, CLOCK_D19, day, facts_day(body->report_dates[i]), 0, i + 1);
}

/* ---- meeting.* */

static bool
is_first_contact(const struct event *event)
{
    const Wici__V1__MeetingHeldS6 *body;
    bool worker = false;

    for (size_t at = 0; (body = facts_next(event, 6, &at)) != NULL;)
        for (size_t i = 0; i < body->n_attendance; i++)
            worker = worker || body->attendance[i]->role == WICI__V1__ROLE__SW;
    return worker && SOME_IS(event, 6, Wici__V1__MeetingHeldS6, kind, "FIRST_CONTACT");
}

static void
meeting_held(struct saying *s)
{
    const char *kind = FACTS_TEXT(s->event, 6, Wici__V1__MeetingHeldS6, kind);
    int32_t day = DAY_IN(s->event, 0, Wici__V1__MeetingHeldS0, held_on);
    uint32_t key = key_of(FACTS_TEXT(s->event, 0, Wici__V1__MeetingHeldS0, meeting_id));

    say(s, SIGN_MEETING, day, key)->item = is_first_contact(s->event);
    (void)start(s, CLOCK_D13, day, key);
    if (strncmp(kind, "MULTI_PROFESSIONAL", 18) == 0)
        (void)start(s, CLOCK_D10, day, key);
}

static void
agreed_row(struct saying *s, int32_t day, const Wici__V1__AgreementRow *row, size_t item)
{
    int32_t due = facts_day(row->due_on);
    uint32_t key = key_of_text(row->service_ref);

    if (due != DATE_NONE)
        start_date(s, CLOCK_D16, day, due, key, item);
    else
        say(s, SIGN_ROW, day, key)->item = item & ITEM_MAX;
}

static void
agreements_issued(struct saying *s)
{
    const Wici__V1__MeetingAgreementsIssuedS6 *body;
    int32_t day = day_of(s);
    size_t item = 0;

    (void)say(s, SIGN_AGREEMENTS, day,
              key_of(FACTS_TEXT(s->event, 0, Wici__V1__MeetingAgreementsIssuedS0, meeting_id)));
    for (size_t at = 0; (body = facts_next(s->event, 6, &at)) != NULL;)
        if (body->row != NULL)
            agreed_row(s, day, body->row, ++item);
}

/* ---- ipus.* */

/* The end of the period, and the talk after it; a later version takes the place of an earlier one. */
static void
ipus_period(struct saying *s, int32_t agreed, int32_t until, uint32_t key)
{
    start_date(s, CLOCK_D6, agreed, until, key, 0);
    (void)start(s, CLOCK_D7, until, key);
    for (size_t i = 0; i < s->count; i++)
        if (mark_clock(&s->ret[i]) == CLOCK_D6 || mark_clock(&s->ret[i]) == CLOCK_D7)
            s->ret[i].flags |= MARK_REPLACES;
}

static void
ipus_agreed(struct saying *s)
{
    const struct event *event = s->event;
    int32_t day = DAY_IN(event, 0, Wici__V1__IpusAgreedS0, agreed_on);
    uint32_t renewed = key_of(FACTS_TEXT(event, 6, Wici__V1__IpusAgreedS6, renews_ipus_id));

    (void)say(s, SIGN_AGREED, day, key_of(FACTS_TEXT(event, 0, Wici__V1__IpusAgreedS0, application_event_id)));
    if (renewed != 0)
        (void)say(s, SIGN_RENEWED, day, renewed);
    ipus_period(s, day, DAY_IN(event, 0, Wici__V1__IpusAgreedS0, period_to),
                key_of(FACTS_TEXT(event, 0, Wici__V1__IpusAgreedS0, ipus_id)));
}

static void
ipus_concluded(struct saying *s)
{
    uint32_t key = key_of(FACTS_TEXT(s->event, 0, Wici__V1__IpusConcludedS0, ipus_id));

    (void)say(s, SIGN_CONCLUDED, DAY_IN(s->event, 0, Wici__V1__IpusConcludedS0, ended_on), key);
    say(s, SIGN_CONCLUDED, DAY_IN(s->event, 0, Wici__V1__IpusConcludedS0, summary_talk_on), key)->item = 1;
}

/* ---- the rest */

static void
says_case(struct saying *s)
{
    const struct event *event = s->event;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__CASE_OPENED: case_opened(s); break;
    case WICI__V1__EVENT_TYPE__CASE_INTERVIEW_COMPLETED:
        (void)say(s, SIGN_INTERVIEW, DAY_IN(event, 0, Wici__V1__CaseInterviewCompletedS0, interview_on), 0);
        break;
    case WICI__V1__EVENT_TYPE__CASE_ASSISTANT_ASSIGNED: assistant_assigned(s); break;
    case WICI__V1__EVENT_TYPE__CASE_PLAN_UPDATED:
        if (SOME_IS(event, 4, Wici__V1__CasePlanUpdatedS4, entitlement, "LOSS"))
            (void)say(s, SIGN_LOSS, day_of(s), 0);
        break;
    case WICI__V1__EVENT_TYPE__CASE_ASSESSMENT_RECORDED: assessment_recorded(s); break;
    case WICI__V1__EVENT_TYPE__CASE_CLOSED: case_closed(s); break;
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_RAISED:
        (void)start(s, CLOCK_D18, DAY_IN(event, 0, Wici__V1__CaseSafetyConcernRaisedS0, raised_on),
                    key_of_id(event->event_id));
        break;
    case WICI__V1__EVENT_TYPE__CASE_SAFETY_CONCERN_ANSWERED:
        (void)say(s, SIGN_CONCERN_ANSWERED, DAY_IN(event, 0, Wici__V1__CaseSafetyConcernAnsweredS0, answered_on),
                  key_of(event->header->causation_id));
        break;
    default: break;
    }
}

static void
says_court(struct saying *s)
{
    const struct event *event = s->event;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__COURT_OPINION_REQUESTED:
        start_date(s, CLOCK_D12, DAY_IN(event, 0, Wici__V1__CourtOpinionRequestedS0, requested_on),
                   DAY_IN(event, 0, Wici__V1__CourtOpinionRequestedS0, due_on), key_of_id(event->event_id), 0);
        break;
    case WICI__V1__EVENT_TYPE__COURT_OPINION_DELIVERED:
        (void)say(s, SIGN_OPINION, DAY_IN(event, 0, Wici__V1__CourtOpinionDeliveredS0, delivered_on),
                  key_of(event->header->causation_id));
        break;
    case WICI__V1__EVENT_TYPE__COURT_ORDER_ISSUED: order_issued(s); break;
    default: break;
    }
}

static void
says_ipus(struct saying *s)
{
    const struct event *event = s->event;
    uint32_t service;

    switch (event->type->number) {
    case WICI__V1__EVENT_TYPE__IPUS_AGREED: ipus_agreed(s); break;
    case WICI__V1__EVENT_TYPE__IPUS_UPDATED:
        ipus_period(s, DAY_IN(event, 0, Wici__V1__IpusUpdatedS0, agreed_on),
                    DAY_IN(event, 0, Wici__V1__IpusUpdatedS0, period_to),
                    key_of(FACTS_TEXT(event, 0, Wici__V1__IpusUpdatedS0, ipus_id)));
        break;
    case WICI__V1__EVENT_TYPE__IPUS_SERVICE_REPORTED:
        service = key_of_text(FACTS_TEXT(event, 0, Wici__V1__IpusServiceReportedS0, service_ref));
        if (service != 0)
            (void)say(s, SIGN_SERVICE, day_of(s), service);
        break;
    case WICI__V1__EVENT_TYPE__IPUS_CONCLUDED: ipus_concluded(s); break;
    default: break;
    }
}

/* By header and note alone: a log has many of these, and reading it back should not take their sections. */
static void
says_info(struct saying *s, const Wici__V1__BrokerNote *note)
{
    const struct event *event = s->event;

    if (event->type->number == WICI__V1__EVENT_TYPE__INFO_REQUESTED) {
        if (note != NULL && note->answer_by[0] != '\0')
            start_date(s, CLOCK_D15, day_of(s), facts_day(note->answer_by), key_of_id(event->event_id), 0);
        return;
    }
    if (event->header->causation_id[0] != '\0')
        (void)say(s, SIGN_PROVIDED, day_of(s), key_of(event->header->causation_id));
    if (note != NULL && note->report)
        (void)say(s, SIGN_REPORT, day_of(s), 0);
}

size_t
marks_of_event(const struct event *event, const Wici__V1__BrokerNote *note, uint64_t seq,
               struct mark ret[MARKS_PER_EVENT_MAX])
{
    struct saying s = {.event = event, .note = note, .seq = seq, .ret = ret};

    switch (facts_family(event->type->number)) {
    case FAMILY_REFERRAL:
        if (event->type->number == TYPE(REFERRAL_SUBMITTED))
            referral_submitted(&s);
        if (event->type->number == TYPE(REFERRAL_ANSWERED))
            referral_answered(&s);
        if (event->type->number == TYPE(REFERRAL_FORWARDED))
            referral_forwarded(&s);
        if (event->type->number == TYPE(REFERRAL_COMPLETED))
            (void)say(&s, SIGN_COMPLETED, DAY_IN(event, 0, Wici__V1__ReferralCompletedS0, completed_on), 0);
        break;
    case FAMILY_CASE: says_case(&s); break;
    case FAMILY_CONSENT:
        if (event->type->number == TYPE(CONSENT_GRANTED))
            consent_granted(&s);
        else
            (void)say(&s, SIGN_WITHDRAWN, DAY_IN(event, 0, Wici__V1__ConsentWithdrawnS0, withdrawn_on),
                      key_of(FACTS_TEXT(event, 0, Wici__V1__ConsentWithdrawnS0, consent_id)));
        break;
    case FAMILY_COURT: says_court(&s); break;
    case FAMILY_MEETING:
        if (event->type->number == TYPE(MEETING_HELD))
            meeting_held(&s);
        if (event->type->number == TYPE(MEETING_AGREEMENTS_ISSUED))
            agreements_issued(&s);
        break;
    case FAMILY_IPUS: says_ipus(&s); break;
    case FAMILY_INFO: says_info(&s, note); break;
    default: break;
    }
    return s.count;
}
