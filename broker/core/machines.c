/* The tables. Arrows of one input stand together, the particular before the general. */
#include "broker/core/machines.h"

#include "wici/v1/event.pb-c.h"

#include <assert.h>

#define IN(state) (1u << (state))
#define ANY       0xffffffffu

/* ---- referral: the codes are those of a FHIR Task */

#define R_WAITS (IN(REFERRAL_REQUESTED) | IN(REFERRAL_RECEIVED))
#define R_WORKS (IN(REFERRAL_ACCEPTED) | IN(REFERRAL_IN_PROGRESS))
#define R_OPEN  (R_WAITS | R_WORKS | IN(REFERRAL_ON_HOLD))
#define R_ENDED                                                                                                        \
    (IN(REFERRAL_COMPLETED) | IN(REFERRAL_FAILED) | IN(REFERRAL_CANCELLED) | IN(REFERRAL_REJECTED) |                   \
     IN(REFERRAL_ENTERED_IN_ERROR))

static const struct state_text referral_states[] = {
    [REFERRAL_NONE] = {"-", "brak", "none"},
    [REFERRAL_REQUESTED] = {"requested", "zgłoszone", "requested"},
    [REFERRAL_RECEIVED] = {"received", "wpłynęło", "received"},
    [REFERRAL_ACCEPTED] = {"accepted", "przyjęte", "accepted"},
    [REFERRAL_IN_PROGRESS] = {"in-progress", "w toku", "in progress"},
    [REFERRAL_ON_HOLD] = {"on-hold", "wstrzymane", "on hold"},
    [REFERRAL_COMPLETED] = {"completed", "załatwione", "completed"},
    [REFERRAL_FAILED] = {"failed", "nie udało się", "failed"},
    [REFERRAL_CANCELLED] = {"cancelled", "odwołane", "cancelled"},
    [REFERRAL_REJECTED] = {"rejected", "nie podjęto", "rejected"},
    [REFERRAL_ENTERED_IN_ERROR] = {"entered-in-error", "wpisane omyłkowo", "entered in error"},
};
static_assert(sizeof referral_states / sizeof referral_states[0] == REFERRAL_STATE_COUNT, "each state has a name");

static const struct arrow referral_arrows[] = {
    {IN(REFERRAL_NONE) | R_ENDED, IN_SUBMITTED, GUARD_NONE, REFERRAL_REQUESTED, RULE_NONE},
    {ANY, IN_SUBMITTED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_WAITS, IN_RECEIVED, GUARD_NONE, REFERRAL_RECEIVED, RULE_NONE},
    {R_WORKS | IN(REFERRAL_ON_HOLD), IN_RECEIVED, GUARD_OTHERS, TO_SAME, RULE_NONE}, /* forwarded to it */
    {R_ENDED, IN_RECEIVED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_RECEIVED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_WAITS, IN_ACCEPTED, GUARD_NONE, REFERRAL_ACCEPTED, RULE_NONE},
    {R_WORKS, IN_ACCEPTED, GUARD_NONE, TO_SAME, RULE_NONE},
    {IN(REFERRAL_ON_HOLD), IN_ACCEPTED, GUARD_UNTAKEN, REFERRAL_ACCEPTED, RULE_NONE},
    {IN(REFERRAL_ON_HOLD), IN_ACCEPTED, GUARD_NONE, TO_BEFORE, RULE_NONE},
    {R_ENDED, IN_ACCEPTED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_ACCEPTED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_OPEN, IN_REJECTED, GUARD_OTHERS, TO_SAME, RULE_NONE}, /* one of several asked */
    {R_WAITS, IN_REJECTED, GUARD_NONE, REFERRAL_REJECTED, RULE_NONE},
    {R_ENDED, IN_REJECTED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_REJECTED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_WORKS, IN_ON_HOLD, GUARD_NONE, REFERRAL_ON_HOLD, RULE_NONE},
    {R_WAITS, IN_ON_HOLD, GUARD_NONE, REFERRAL_ON_HOLD, RULE_T1W},
    {R_ENDED, IN_ON_HOLD, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_ON_HOLD, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_OPEN, IN_FORWARDED, GUARD_NONE, TO_SAME, RULE_NONE},
    {R_ENDED, IN_FORWARDED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_FORWARDED, GUARD_NONE, TO_SAME, RULE_T1W},
    {R_OPEN, IN_PART_FORWARDED, GUARD_NONE, TO_SAME, RULE_NONE},
    {R_ENDED, IN_PART_FORWARDED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_PART_FORWARDED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_WORKS, IN_COMPLETED, GUARD_NONE, REFERRAL_COMPLETED, RULE_NONE},
    {R_OPEN, IN_COMPLETED, GUARD_NONE, REFERRAL_COMPLETED, RULE_T1W},
    {ANY, IN_COMPLETED, GUARD_NONE, TO_SAME, RULE_T1W},
    {R_WORKS, IN_FAILED, GUARD_NONE, REFERRAL_FAILED, RULE_NONE},
    {R_OPEN, IN_FAILED, GUARD_NONE, REFERRAL_FAILED, RULE_T1W},
    {ANY, IN_FAILED, GUARD_NONE, TO_SAME, RULE_T1W},
    {R_OPEN, IN_CANCELLED, GUARD_NONE, REFERRAL_CANCELLED, RULE_NONE},
    {ANY, IN_CANCELLED, GUARD_NONE, TO_SAME, RULE_T1W},

    {R_OPEN, IN_TAKEN_UP, GUARD_NONE, REFERRAL_IN_PROGRESS, RULE_NONE},
    {R_ENDED, IN_TAKEN_UP, GUARD_NONE, TO_SAME, RULE_T1W},
    {ANY, IN_TAKEN_UP, GUARD_NONE, TO_SAME, RULE_NONE}, /* a letter */
};

/* ---- case */

#define C_BEFORE   (IN(CASE_OPENED) | IN(CASE_ASSESSED) | IN(CASE_OTHER_SUPPORT) | IN(CASE_IPUS_ONLY))
#define C_ASSISTED (IN(CASE_ASSIGNED) | IN(CASE_ACTIVE) | IN(CASE_SUSPENDED))
#define C_OPEN     (C_BEFORE | IN(CASE_REQUESTED) | C_ASSISTED)
#define C_ENDED    (IN(CASE_MONITORED) | IN(CASE_CLOSED))
/* Where a case can be one under "Za życiem": it is from its opening on, and then no interview leads it elsewhere. */
#define C_ZZ       (IN(CASE_NONE) | IN(CASE_OPENED) | IN(CASE_REQUESTED) | C_ASSISTED | C_ENDED)

static const struct state_text case_states[] = {
    [CASE_NONE] = {"-", "brak", "none"},
    [CASE_OPENED] = {"OPENED", "wszczęta", "opened"},
    [CASE_ASSESSED] = {"ASSESSED", "po wywiadzie", "assessed"},
    [CASE_OTHER_SUPPORT] = {"OTHER_SUPPORT", "inne wsparcie", "other support"},
    [CASE_REQUESTED] = {"REQUESTED", "wniosek o asystenta", "assistant requested"},
    [CASE_ASSIGNED] = {"ASSIGNED", "asystent przydzielony", "assistant assigned"},
    [CASE_ACTIVE] = {"ACTIVE", "w pracy", "active"},
    [CASE_SUSPENDED] = {"SUSPENDED", "wstrzymana", "suspended"},
    [CASE_IPUS_ONLY] = {"IPUS_ONLY", "tylko IPUS", "IPUS only"},
    [CASE_MONITORED] = {"MONITORED", "monitorowana", "monitored"},
    [CASE_CLOSED] = {"CLOSED", "zakończona", "closed"},
};
static_assert(sizeof case_states / sizeof case_states[0] == CASE_STATE_COUNT, "each state has a name");

static const struct arrow case_arrows[] = {
    {IN(CASE_NONE), IN_CASE_OPENED, GUARD_NONE, CASE_OPENED, RULE_NONE},
    {ANY, IN_CASE_OPENED, GUARD_NONE, TO_SAME, RULE_NONE}, /* of a case that was merged with this one */
    {IN(CASE_NONE), IN_CASE_OPENED_IPUS, GUARD_ZZ, CASE_OPENED, RULE_NONE}, /* merged with the application */
    {IN(CASE_NONE), IN_CASE_OPENED_IPUS, GUARD_NONE, CASE_IPUS_ONLY, RULE_NONE},
    {ANY, IN_CASE_OPENED_IPUS, GUARD_NONE, TO_SAME, RULE_NONE},

    {C_ZZ, IN_INTERVIEW_NEEDED, GUARD_ZZ, TO_REFUSED, RULE_I5},
    {C_BEFORE, IN_INTERVIEW_NEEDED, GUARD_NONE, CASE_ASSESSED, RULE_NONE},
    {C_OPEN, IN_INTERVIEW_NEEDED, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_INTERVIEW_NEEDED, GUARD_NONE, TO_SAME, RULE_T2W},
    {C_ZZ, IN_INTERVIEW_OTHER, GUARD_ZZ, TO_REFUSED, RULE_I5},
    {C_BEFORE, IN_INTERVIEW_OTHER, GUARD_NONE, CASE_OTHER_SUPPORT, RULE_NONE},
    {C_OPEN, IN_INTERVIEW_OTHER, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_INTERVIEW_OTHER, GUARD_NONE, TO_SAME, RULE_T2W},
    {C_ZZ, IN_INTERVIEW_NO_NEED, GUARD_ZZ, TO_REFUSED, RULE_I5},
    {C_BEFORE, IN_INTERVIEW_NO_NEED, GUARD_NONE, CASE_ASSESSED, RULE_NONE},
    {C_OPEN, IN_INTERVIEW_NO_NEED, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_INTERVIEW_NO_NEED, GUARD_NONE, TO_SAME, RULE_T2W},

    {IN(CASE_ASSESSED), IN_REQUESTED, GUARD_NEEDED, CASE_REQUESTED, RULE_NONE}, /* where a newer interview leads, too */
    {C_BEFORE, IN_REQUESTED, GUARD_NONE, CASE_REQUESTED, RULE_T2W},
    {C_ENDED, IN_REQUESTED, GUARD_LATE, TO_SAME, RULE_T2W},
    {C_ENDED, IN_REQUESTED, GUARD_NONE, TO_REFUSED, RULE_T2},
    {ANY, IN_REQUESTED, GUARD_NONE, TO_SAME, RULE_T2W},

    {IN(CASE_REQUESTED), IN_ASSIGNED, GUARD_NONE, CASE_ASSIGNED, RULE_NONE},
    {IN(CASE_OPENED), IN_ASSIGNED, GUARD_ZZ, CASE_ASSIGNED, RULE_NONE},
    {C_BEFORE, IN_ASSIGNED, GUARD_ORDER, CASE_ASSIGNED, RULE_I4W},
    {C_BEFORE, IN_ASSIGNED, GUARD_LATE, CASE_ASSIGNED, RULE_I4W},
    {IN(CASE_NONE), IN_ASSIGNED, GUARD_LATE, TO_SAME, RULE_I4W},
    {IN(CASE_NONE) | C_BEFORE, IN_ASSIGNED, GUARD_NONE, TO_REFUSED, RULE_I4},
    {IN(CASE_ACTIVE) | IN(CASE_SUSPENDED), IN_ASSIGNED, GUARD_NONE, TO_SAME, RULE_NONE}, /* another assistant */
    {C_ENDED, IN_ASSIGNED, GUARD_LATE, TO_SAME, RULE_T2W},
    {C_ENDED, IN_ASSIGNED, GUARD_NONE, TO_REFUSED, RULE_T2},
    {ANY, IN_ASSIGNED, GUARD_NONE, TO_SAME, RULE_T2W},

    {IN(CASE_ASSIGNED), IN_HELD_FIRST_CONTACT, GUARD_NONE, CASE_ACTIVE, RULE_NONE},
    {ANY, IN_HELD_FIRST_CONTACT, GUARD_NONE, TO_SAME, RULE_T2W},

    {IN(CASE_ACTIVE), IN_WORK_PLAN, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_WORK_PLAN, GUARD_NONE, TO_SAME, RULE_T2W},
    {IN(CASE_ACTIVE), IN_PERIODIC, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_PERIODIC, GUARD_NONE, TO_SAME, RULE_T2W},
    {IN(CASE_MONITORED), IN_POST_CLOSURE, GUARD_PLAN_DONE, CASE_CLOSED, RULE_NONE},
    {IN(CASE_MONITORED), IN_POST_CLOSURE, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_POST_CLOSURE, GUARD_NONE, TO_SAME, RULE_T2W},

    {IN(CASE_ASSIGNED) | IN(CASE_ACTIVE), IN_COOPERATION_WITHDRAWN, GUARD_ORDER, TO_SAME, RULE_NONE},
    {IN(CASE_ASSIGNED) | IN(CASE_ACTIVE), IN_COOPERATION_WITHDRAWN, GUARD_NONE, CASE_SUSPENDED, RULE_NONE},
    {ANY, IN_COOPERATION_WITHDRAWN, GUARD_NONE, TO_SAME, RULE_NONE},
    {IN(CASE_SUSPENDED), IN_COOPERATION_GRANTED, GUARD_NONE, TO_BEFORE, RULE_NONE},
    {ANY, IN_COOPERATION_GRANTED, GUARD_NONE, TO_SAME, RULE_NONE},
    {IN(CASE_SUSPENDED), IN_ORDER_ISSUED, GUARD_NONE, TO_BEFORE, RULE_NONE},
    {ANY, IN_ORDER_ISSUED, GUARD_NONE, TO_SAME, RULE_NONE},

    {IN(CASE_IPUS_ONLY), IN_ZZ_APPLIED, GUARD_NONE, CASE_OPENED, RULE_NONE},
    /* The family's own application takes the place of the social worker's request. */
    {IN(CASE_ASSESSED) | IN(CASE_OTHER_SUPPORT), IN_ZZ_APPLIED, GUARD_NONE, CASE_REQUESTED, RULE_NONE},
    {ANY, IN_ZZ_APPLIED, GUARD_NONE, TO_SAME, RULE_NONE},

    {IN(CASE_NONE) | IN(CASE_IPUS_ONLY) | IN(CASE_ACTIVE), IN_IPUS_AGREED, GUARD_NONE, TO_SAME, RULE_NONE},
    {C_OPEN, IN_IPUS_AGREED, GUARD_BOTH, TO_SAME, RULE_NONE},
    {ANY, IN_IPUS_AGREED, GUARD_NONE, TO_SAME, RULE_T2W},
    {IN(CASE_NONE) | IN(CASE_IPUS_ONLY) | IN(CASE_ACTIVE), IN_IPUS_UPDATED, GUARD_NONE, TO_SAME, RULE_NONE},
    {C_OPEN, IN_IPUS_UPDATED, GUARD_BOTH, TO_SAME, RULE_NONE},
    {ANY, IN_IPUS_UPDATED, GUARD_NONE, TO_SAME, RULE_T2W},

    {C_OPEN, IN_CLOSED, GUARD_NONE, CASE_CLOSED, RULE_NONE},
    {IN(CASE_MONITORED), IN_CLOSED, GUARD_NONE, CASE_CLOSED, RULE_NONE},
    {ANY, IN_CLOSED, GUARD_NONE, TO_SAME, RULE_T2W},
    {C_OPEN, IN_CLOSED_MONITORED, GUARD_NONE, CASE_MONITORED, RULE_NONE},
    {IN(CASE_MONITORED), IN_CLOSED_MONITORED, GUARD_NONE, TO_SAME, RULE_NONE},
    {ANY, IN_CLOSED_MONITORED, GUARD_NONE, TO_SAME, RULE_T2W},
};

/* ---- IPUS */

static const struct state_text ipus_states[] = {
    [IPUS_NONE] = {"-", "brak", "none"},
    [IPUS_IS_AGREED] = {"AGREED", "uzgodniony", "agreed"},
    [IPUS_IS_APPROVED] = {"APPROVED", "zatwierdzony", "approved"},
    [IPUS_IS_CONCLUDED] = {"CONCLUDED", "podsumowany", "concluded"},
};
static_assert(sizeof ipus_states / sizeof ipus_states[0] == IPUS_STATE_COUNT, "each state has a name");

static const struct arrow ipus_arrows[] = {
    {IN(IPUS_NONE), IN_IPUS_AGREED, GUARD_NEXT, IPUS_IS_AGREED, RULE_NONE},
    {ANY, IN_IPUS_AGREED, GUARD_NONE, TO_REFUSED, RULE_I20},
    {IN(IPUS_IS_AGREED) | IN(IPUS_IS_APPROVED), IN_IPUS_UPDATED, GUARD_NEXT, IPUS_IS_AGREED, RULE_NONE},
    {IN(IPUS_IS_CONCLUDED), IN_IPUS_UPDATED, GUARD_NEXT, TO_SAME, RULE_T3W},
    {ANY, IN_IPUS_UPDATED, GUARD_NONE, TO_REFUSED, RULE_I20},
    {IN(IPUS_IS_AGREED), IN_IPUS_APPROVED, GUARD_CURRENT, IPUS_IS_APPROVED, RULE_NONE},
    {ANY, IN_IPUS_APPROVED, GUARD_NONE, TO_SAME, RULE_T3W},
    {IN(IPUS_IS_AGREED), IN_IPUS_RETURNED, GUARD_CURRENT, IPUS_IS_AGREED, RULE_NONE},
    {ANY, IN_IPUS_RETURNED, GUARD_NONE, TO_SAME, RULE_T3W},
    {IN(IPUS_IS_APPROVED), IN_IPUS_REPORTED, GUARD_NONE, TO_SAME, RULE_NONE},
    {IN(IPUS_IS_CONCLUDED), IN_IPUS_REPORTED, GUARD_NONE, TO_SAME, RULE_T3W},
    {ANY, IN_IPUS_REPORTED, GUARD_NONE, TO_SAME, RULE_I42W},
    {IN(IPUS_IS_AGREED) | IN(IPUS_IS_APPROVED), IN_IPUS_CONCLUDED, GUARD_NONE, IPUS_IS_CONCLUDED, RULE_NONE},
    {ANY, IN_IPUS_CONCLUDED, GUARD_NONE, TO_SAME, RULE_T3W},
};

/* ---- meeting */

static const struct state_text meeting_states[] = {
    [MEETING_NONE] = {"-", "brak", "none"},
    [MEETING_BOOKED] = {"booked", "zwołane", "booked"},
    [MEETING_CANCELLED] = {"cancelled", "odwołane", "cancelled"},
    [MEETING_IS_HELD] = {"held", "odbyło się", "held"},
    [MEETING_ISSUED] = {"issued", "uzgodnienia wydane", "agreements issued"},
};
static_assert(sizeof meeting_states / sizeof meeting_states[0] == MEETING_STATE_COUNT, "each state has a name");

static const struct arrow meeting_arrows[] = {
    {IN(MEETING_NONE), IN_CONVENED, GUARD_NONE, MEETING_BOOKED, RULE_NONE},
    {IN(MEETING_BOOKED), IN_CONVENED, GUARD_NEXT, MEETING_BOOKED, RULE_NONE},
    {IN(MEETING_CANCELLED), IN_CONVENED, GUARD_NONE, MEETING_BOOKED, RULE_T4W},
    {ANY, IN_CONVENED, GUARD_NONE, TO_SAME, RULE_T4W},
    {IN(MEETING_NONE) | IN(MEETING_BOOKED), IN_CALLED_OFF, GUARD_NONE, MEETING_CANCELLED, RULE_NONE},
    {ANY, IN_CALLED_OFF, GUARD_NONE, TO_SAME, RULE_T4W},
    {IN(MEETING_NONE) | IN(MEETING_BOOKED), IN_HELD, GUARD_NONE, MEETING_IS_HELD, RULE_NONE},
    {IN(MEETING_CANCELLED), IN_HELD, GUARD_NONE, MEETING_IS_HELD, RULE_T4W},
    {ANY, IN_HELD, GUARD_NONE, TO_SAME, RULE_T4W},
    {IN(MEETING_NONE) | IN(MEETING_BOOKED), IN_HELD_FIRST_CONTACT, GUARD_NONE, MEETING_IS_HELD, RULE_NONE},
    {IN(MEETING_CANCELLED), IN_HELD_FIRST_CONTACT, GUARD_NONE, MEETING_IS_HELD, RULE_T4W},
    {ANY, IN_HELD_FIRST_CONTACT, GUARD_NONE, TO_SAME, RULE_T4W},
    {IN(MEETING_IS_HELD) | IN(MEETING_ISSUED), IN_AGREEMENTS, GUARD_NONE, MEETING_ISSUED, RULE_NONE},
    {ANY, IN_AGREEMENTS, GUARD_NONE, TO_SAME, RULE_T4W},
};

/* ---- consent; that it expired is a matter of its date */

static const struct state_text consent_states[] = {
    [CONSENT_NONE] = {"-", "brak", "none"},
    [CONSENT_ACTIVE] = {"active", "udzielona", "active"},
    [CONSENT_IS_WITHDRAWN] = {"withdrawn", "cofnięta", "withdrawn"},
    [CONSENT_IS_REFUSED] = {"refused", "odmówiona", "refused"},
};
static_assert(sizeof consent_states / sizeof consent_states[0] == CONSENT_STATE_COUNT, "each state has a name");

#define WITHDRAWAL(input)                                                                                              \
    {IN(CONSENT_ACTIVE), input, GUARD_NONE, CONSENT_IS_WITHDRAWN, RULE_NONE},                                          \
        {IN(CONSENT_NONE), input, GUARD_NONE, CONSENT_IS_WITHDRAWN, RULE_T5W},                                         \
    {                                                                                                                  \
        ANY, input, GUARD_NONE, TO_SAME, RULE_T5W                                                                      \
    }

static const struct arrow consent_arrows[] = {
    {ANY, IN_CONSENT_GRANTED, GUARD_NONE, CONSENT_ACTIVE, RULE_NONE},
    {ANY, IN_COOPERATION_GRANTED, GUARD_NONE, CONSENT_ACTIVE, RULE_NONE},
    WITHDRAWAL(IN_CONSENT_WITHDRAWN),
    WITHDRAWAL(IN_COOPERATION_WITHDRAWN),
    {IN(CONSENT_NONE), IN_CONSENT_REFUSED, GUARD_NONE, CONSENT_IS_REFUSED, RULE_NONE},
    {IN(CONSENT_ACTIVE), IN_CONSENT_REFUSED, GUARD_NONE, CONSENT_IS_WITHDRAWN, RULE_T5W},
    {ANY, IN_CONSENT_REFUSED, GUARD_NONE, TO_SAME, RULE_T5W},
};

/* ---- safety concern, information; several units may answer */

static const struct state_text concern_states[] = {
    [CONCERN_NONE] = {"-", "brak", "none"},
    [CONCERN_IS_RAISED] = {"raised", "zgłoszone", "raised"},
    [CONCERN_IS_ANSWERED] = {"answered", "z odpowiedzią", "answered"},
};
static_assert(sizeof concern_states / sizeof concern_states[0] == CONCERN_STATE_COUNT, "each state has a name");

static const struct arrow concern_arrows[] = {
    {IN(CONCERN_NONE), IN_CONCERN_RAISED, GUARD_NONE, CONCERN_IS_RAISED, RULE_NONE}, /* its id is the event's */
    {IN(CONCERN_IS_RAISED) | IN(CONCERN_IS_ANSWERED), IN_CONCERN_ANSWERED, GUARD_NONE, CONCERN_IS_ANSWERED, RULE_NONE},
    {ANY, IN_CONCERN_ANSWERED, GUARD_NONE, TO_SAME, RULE_T6W},
};

static const struct state_text info_states[] = {
    [INFO_NONE] = {"-", "brak", "none"},
    [INFO_IS_REQUESTED] = {"requested", "poproszono", "requested"},
    [INFO_IS_PROVIDED] = {"provided", "przekazano", "provided"},
};
static_assert(sizeof info_states / sizeof info_states[0] == INFO_STATE_COUNT, "each state has a name");

static const struct arrow info_arrows[] = {
    {IN(INFO_NONE), IN_INFO_REQUESTED, GUARD_NONE, INFO_IS_REQUESTED, RULE_NONE}, /* its id is the event's */
    {IN(INFO_IS_REQUESTED) | IN(INFO_IS_PROVIDED), IN_INFO_PROVIDED, GUARD_NONE, INFO_IS_PROVIDED, RULE_NONE},
    {ANY, IN_INFO_PROVIDED, GUARD_NONE, TO_SAME, RULE_NONE}, /* answers something else */
};

/* ---- a part of an application: the codes are the referral's */

#define P_WAITS (IN(PART_NONE) | IN(PART_REQUESTED) | IN(PART_IS_RECEIVED))
#define P_OPEN  (P_WAITS | IN(PART_IS_ACCEPTED) | IN(PART_IS_ON_HOLD))
#define P_ENDED (IN(PART_IS_COMPLETED) | IN(PART_HAS_FAILED) | IN(PART_IS_CANCELLED) | IN(PART_IS_REJECTED))

static const struct state_text part_states[] = {
    [PART_NONE] = {"-", "brak", "none"},
    [PART_REQUESTED] = {"requested", "zgłoszona", "requested"},
    [PART_IS_RECEIVED] = {"received", "wpłynęła", "received"},
    [PART_IS_ACCEPTED] = {"accepted", "przyjęta", "accepted"},
    [PART_IS_ON_HOLD] = {"on-hold", "wstrzymana", "on hold"},
    [PART_IS_COMPLETED] = {"completed", "załatwiona", "completed"},
    [PART_HAS_FAILED] = {"failed", "nie udało się", "failed"},
    [PART_IS_CANCELLED] = {"cancelled", "odwołana", "cancelled"},
    [PART_IS_REJECTED] = {"rejected", "nie podjęto", "rejected"},
};
static_assert(sizeof part_states / sizeof part_states[0] == PART_STATE_COUNT, "each state has a name");

static const struct arrow part_arrows[] = {
    {IN(PART_NONE), IN_PART_NAMED, GUARD_NONE, PART_REQUESTED, RULE_NONE},
    {ANY, IN_PART_NAMED, GUARD_NONE, TO_SAME, RULE_T1W},

    {P_OPEN | IN(PART_IS_REJECTED), IN_PART_FORWARDED, GUARD_NONE, PART_REQUESTED, RULE_NONE}, /* of another now */
    {ANY, IN_PART_FORWARDED, GUARD_NONE, TO_REFUSED, RULE_T1},

    {P_WAITS, IN_PART_RECEIVED, GUARD_NONE, PART_IS_RECEIVED, RULE_NONE},
    {P_ENDED, IN_PART_RECEIVED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_PART_RECEIVED, GUARD_NONE, TO_SAME, RULE_T1W},

    {P_WAITS, IN_PART_ACCEPTED, GUARD_NONE, PART_IS_ACCEPTED, RULE_NONE},
    {IN(PART_IS_ACCEPTED), IN_PART_ACCEPTED, GUARD_NONE, TO_SAME, RULE_NONE},
    {IN(PART_IS_ON_HOLD), IN_PART_ACCEPTED, GUARD_NONE, PART_IS_ACCEPTED, RULE_NONE},
    {ANY, IN_PART_ACCEPTED, GUARD_NONE, TO_REFUSED, RULE_T1},

    {P_WAITS, IN_PART_REJECTED, GUARD_NONE, PART_IS_REJECTED, RULE_NONE},
    {P_ENDED, IN_PART_REJECTED, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_PART_REJECTED, GUARD_NONE, TO_SAME, RULE_T1W},

    {IN(PART_IS_ACCEPTED), IN_PART_ON_HOLD, GUARD_NONE, PART_IS_ON_HOLD, RULE_NONE},
    {P_WAITS, IN_PART_ON_HOLD, GUARD_NONE, PART_IS_ON_HOLD, RULE_T1W},
    {P_ENDED, IN_PART_ON_HOLD, GUARD_NONE, TO_REFUSED, RULE_T1},
    {ANY, IN_PART_ON_HOLD, GUARD_NONE, TO_SAME, RULE_T1W},

    {IN(PART_IS_ACCEPTED), IN_PART_COMPLETED, GUARD_NONE, PART_IS_COMPLETED, RULE_NONE},
    {P_OPEN, IN_PART_COMPLETED, GUARD_NONE, PART_IS_COMPLETED, RULE_T1W},
    {ANY, IN_PART_COMPLETED, GUARD_NONE, TO_SAME, RULE_T1W},
    {IN(PART_IS_ACCEPTED), IN_PART_FAILED, GUARD_NONE, PART_HAS_FAILED, RULE_NONE},
    {P_OPEN, IN_PART_FAILED, GUARD_NONE, PART_HAS_FAILED, RULE_T1W},
    {ANY, IN_PART_FAILED, GUARD_NONE, TO_SAME, RULE_T1W},
    {P_OPEN, IN_PART_CANCELLED, GUARD_NONE, PART_IS_CANCELLED, RULE_NONE},
    {ANY, IN_PART_CANCELLED, GUARD_NONE, TO_SAME, RULE_T1W},
};

/* ---- all of them */

#define MACHINE(text, polish, english, of)                                                                             \
    {                                                                                                                  \
        .name = text, .pl = polish, .en = english, .states = of##_states,                                              \
        .state_count = sizeof of##_states / sizeof of##_states[0], .arrows = of##_arrows,                              \
        .arrow_count = sizeof of##_arrows / sizeof of##_arrows[0]                                                      \
    }

static const struct machine machines[MACHINE_COUNT] = {
    [MACHINE_REFERRAL] = MACHINE("referral", "zgłoszenie", "referral", referral),
    [MACHINE_CASE] = MACHINE("case", "sprawa", "case", case),
    [MACHINE_IPUS] = MACHINE("ipus", "IPUS", "IPUS", ipus),
    [MACHINE_MEETING] = MACHINE("meeting", "spotkanie", "meeting", meeting),
    [MACHINE_CONSENT] = MACHINE("consent", "zgoda", "consent", consent),
    [MACHINE_CONCERN] = MACHINE("concern", "zagrożenie bezpieczeństwa", "safety concern", concern),
    [MACHINE_INFO] = MACHINE("info", "prośba o informację", "request for information", info),
    [MACHINE_PART] = MACHINE("part", "część wniosku", "part of an application", part),
};

const struct machine *
machine_at(enum machine_kind kind)
{
    assert(kind < MACHINE_COUNT);
    return &machines[kind];
}

const struct arrow *
machine_find(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards)
{
    const struct machine *machine = machine_at(kind);

    assert(state < machine->state_count);
    for (size_t i = 0; i < machine->arrow_count; i++) {
        const struct arrow *arrow = &machine->arrows[i];

        if (arrow->input == input && (arrow->from & 1u << state) != 0 &&
            (arrow->guard == GUARD_NONE || (guards & 1u << arrow->guard) != 0))
            return arrow;
    }
    return NULL;
}

uint8_t
machine_take(const struct arrow *arrow, uint8_t state, uint8_t *before)
{
    switch (arrow->to) {
    case TO_SAME:
    case TO_REFUSED: return state; /* in the log all the same: then it changed nothing */
    case TO_BEFORE: return *before;
    default: *before = state; return arrow->to;
    }
}

/* ---- texts */

static const struct {
    const char *name;
    uint32_t type;
    const char *pl, *en;
} inputs[INPUT_COUNT] = {{"NONE", 0, "", ""},
#define X(name, type, pl, en) {#name, WICI__V1__EVENT_TYPE__##type, pl, en},
                         INPUTS(X)
#undef X
};

static const struct {
    const char *pl, *en;
} guards_of[GUARD_COUNT] = {{"", ""},
#define X(name, pl, en) {pl, en},
                            GUARDS(X)
#undef X
};

const char *
input_name(enum input input)
{
    assert(input < INPUT_COUNT);
    return inputs[input].name;
}

uint32_t
input_type(enum input input)
{
    assert(input < INPUT_COUNT);
    return inputs[input].type;
}

const char *
input_text(enum input input, bool pl)
{
    assert(input < INPUT_COUNT);
    return pl ? inputs[input].pl : inputs[input].en;
}

const char *
guard_text(enum guard guard, bool pl)
{
    assert(guard < GUARD_COUNT);
    return pl ? guards_of[guard].pl : guards_of[guard].en;
}
