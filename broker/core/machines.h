/*
 * machines - what may follow what: one table for each matter that has a course of its own
 *
 *     input (what an event says)  +  state  +  guard  -->  state, and how it is taken: well, with a warning, refused
 *
 * A machine is data: its arrows, of which the first that fits is taken. An input that no arrow of a machine names is
 * none of its business. Events are facts, so that most that come out of order are taken and marked; refused is only
 * what cannot be. docs/RULES.md is printed from these tables.
 *
 * Referral and case are one for each dossier (or group of merged ones); of the others a dossier has as many as there
 * are meetings, plans, consents, concerns and questions.
 */
#ifndef CORE_MACHINES_H
#define CORE_MACHINES_H

#include "proto/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an event says to a machine: name, event type, and what in it makes the difference (Polish, English). */
#define INPUTS(X)                                                                                                      \
    X(SUBMITTED, REFERRAL_SUBMITTED, "", "")                                                                           \
    X(RECEIVED, REFERRAL_ANSWERED, "status received", "status received")                                               \
    X(ACCEPTED, REFERRAL_ANSWERED, "status accepted", "status accepted")                                               \
    X(REJECTED, REFERRAL_ANSWERED, "status rejected", "status rejected")                                               \
    X(ON_HOLD, REFERRAL_ANSWERED, "status on-hold", "status on-hold")                                                  \
    X(PART_NAMED, REFERRAL_SUBMITTED, "część wniosku", "a part of the application")                                    \
    X(PART_RECEIVED, REFERRAL_ANSWERED, "część: status received", "a part: status received")                           \
    X(PART_ACCEPTED, REFERRAL_ANSWERED, "część: status accepted", "a part: status accepted")                           \
    X(PART_REJECTED, REFERRAL_ANSWERED, "część: status rejected", "a part: status rejected")                           \
    X(PART_ON_HOLD, REFERRAL_ANSWERED, "część: status on-hold", "a part: status on-hold")                              \
    X(FORWARDED, REFERRAL_FORWARDED, "w całości", "as a whole")                                                        \
    X(PART_FORWARDED, REFERRAL_FORWARDED, "w części", "in part")                                                       \
    X(COMPLETED, REFERRAL_COMPLETED, "status completed", "status completed")                                           \
    X(FAILED, REFERRAL_COMPLETED, "status failed", "status failed")                                                    \
    X(CANCELLED, REFERRAL_COMPLETED, "status cancelled", "status cancelled")                                           \
    X(PART_COMPLETED, REFERRAL_COMPLETED, "przez tego, kto ma część: completed", "by who has a part: completed")       \
    X(PART_FAILED, REFERRAL_COMPLETED, "przez tego, kto ma część: failed", "by who has a part: failed")                \
    X(PART_CANCELLED, REFERRAL_COMPLETED, "przez tego, kto ma część: cancelled", "by who has a part: cancelled")       \
    X(TAKEN_UP, CASE_LINKED, "REFERRAL_OF: podjęte w sprawie", "REFERRAL_OF: taken up by a case")                      \
    X(CASE_OPENED, CASE_OPENED, "ścieżka ORDINARY lub BOTH", "path ORDINARY or BOTH")                                  \
    X(CASE_OPENED_IPUS, CASE_OPENED, "ścieżka IPUS", "path IPUS")                                                      \
    X(INTERVIEW_NEEDED, CASE_INTERVIEW_COMPLETED, "wniosek ASSISTANT_NEEDED", "conclusion ASSISTANT_NEEDED")           \
    X(INTERVIEW_OTHER, CASE_INTERVIEW_COMPLETED, "wniosek OTHER_SUPPORT", "conclusion OTHER_SUPPORT")                  \
    X(INTERVIEW_NO_NEED, CASE_INTERVIEW_COMPLETED, "wniosek NO_NEED", "conclusion NO_NEED")                            \
    X(REQUESTED, CASE_ASSISTANT_REQUESTED, "", "")                                                                     \
    X(ASSIGNED, CASE_ASSISTANT_ASSIGNED, "", "")                                                                       \
    X(WORK_PLAN, CASE_PLAN_UPDATED, "plan pracy z rodziną", "work plan")                                               \
    X(PERIODIC, CASE_ASSESSMENT_RECORDED, "okresowa", "periodic")                                                      \
    X(POST_CLOSURE, CASE_ASSESSMENT_RECORDED, "po zakończeniu pracy", "after the work ended")                          \
    X(CLOSED, CASE_CLOSED, "bez planu monitorowania", "without a monitoring plan")                                     \
    X(CLOSED_MONITORED, CASE_CLOSED, "z planem monitorowania", "with a monitoring plan")                               \
    X(ZZ_APPLIED, REFERRAL_SUBMITTED, "z uprawnieniem „Za życiem”, w tej sprawie albo przez nią podjęte",              \
      "with an entitlement under \"Za życiem\", in this case or taken up by it")                                       \
    X(IN_CARE, PLACEMENT_CHANGED, "umieszczenie, przeniesienie", "placed, moved")                                      \
    X(BACK_HOME, PLACEMENT_CHANGED, "powrót do domu", "returned home")                                                 \
    X(ORDER_ISSUED, COURT_ORDER_ISSUED, "OBLIGE_COOPERATION", "OBLIGE_COOPERATION")                                    \
    X(ORDER_REVOKED, COURT_ORDER_ISSUED, "REVOKED", "REVOKED")                                                         \
    X(OPINION_REQUESTED, COURT_OPINION_REQUESTED, "", "")                                                              \
    X(CONVENED, MEETING_CONVENED, "status booked", "status booked")                                                    \
    X(CALLED_OFF, MEETING_CONVENED, "status cancelled", "status cancelled")                                            \
    X(HELD, MEETING_HELD, "", "")                                                                                      \
    X(HELD_FIRST_CONTACT, MEETING_HELD, "FIRST_CONTACT", "FIRST_CONTACT")                                              \
    X(AGREEMENTS, MEETING_AGREEMENTS_ISSUED, "", "")                                                                   \
    X(IPUS_AGREED, IPUS_AGREED, "", "")                                                                                \
    X(IPUS_UPDATED, IPUS_UPDATED, "", "")                                                                              \
    X(IPUS_APPROVED, IPUS_APPROVED, "APPROVED", "APPROVED")                                                            \
    X(IPUS_RETURNED, IPUS_APPROVED, "RETURNED", "RETURNED")                                                            \
    X(IPUS_REPORTED, IPUS_SERVICE_REPORTED, "", "")                                                                    \
    X(IPUS_CONCLUDED, IPUS_CONCLUDED, "", "")                                                                          \
    X(CONSENT_GRANTED, CONSENT_GRANTED, "", "")                                                                        \
    X(COOPERATION_GRANTED, CONSENT_GRANTED, "zgoda na współpracę", "consent to cooperate")                             \
    X(CONSENT_WITHDRAWN, CONSENT_WITHDRAWN, "", "")                                                                    \
    X(COOPERATION_WITHDRAWN, CONSENT_WITHDRAWN, "zgody na współpracę", "of the consent to cooperate")                  \
    X(CONSENT_REFUSED, CONSENT_WITHDRAWN, "REFUSED", "REFUSED")                                                        \
    X(CONCERN_RAISED, CASE_SAFETY_CONCERN_RAISED, "", "")                                                              \
    X(CONCERN_ANSWERED, CASE_SAFETY_CONCERN_ANSWERED, "", "")                                                          \
    X(INFO_REQUESTED, INFO_REQUESTED, "", "")                                                                          \
    X(INFO_PROVIDED, INFO_PROVIDED, "na prośbę", "when asked")

enum input {
    IN_NONE, /* nothing that a machine looks at */
#define X(name, type, pl, en) IN_##name,
    INPUTS(X)
#undef X
        INPUT_COUNT
};

/* What has to hold for an arrow besides state and input. */
#define GUARDS(X)                                                                                                      \
    X(LATE, "wpis późniejszy", "a late entry")                                                                         \
    X(ORDER, "sąd zobowiązał rodzinę", "a court order obliges the family")                                             \
    X(ZZ, "sprawa „Za życiem”", "a case under \"Za życiem\"")                                                          \
    X(NEEDED, "ostatni wywiad: potrzebny asystent", "the last interview found an assistant needed")                    \
    X(BOTH, "sprawa obejmuje też IPUS", "the case has an IPUS path beside")                                            \
    X(PLAN_DONE, "ocena sięga ostatniej daty planu monitorowania",                                                     \
      "the assessment reaches the last date of the monitoring plan")                                                   \
    X(OTHERS, "inna jednostka prowadzi albo ma odpowiedzieć", "another unit holds, or has to answer")                  \
    X(UNTAKEN, "wstrzymano je, zanim je przyjęto", "it was put on hold before it was accepted")                        \
    X(NEXT, "wersja o jeden wyższa niż ostatnia", "version one above the last")                                        \
    X(CURRENT, "dotyczy ostatniej wersji", "of the last version")

enum guard {
    GUARD_NONE,
#define X(name, pl, en) GUARD_##name,
    GUARDS(X)
#undef X
        GUARD_COUNT
};
#define GUARD_BIT(name) (1u << GUARD_##name)

enum machine_kind {
    MACHINE_REFERRAL,
    MACHINE_CASE,
    MACHINE_IPUS,
    MACHINE_MEETING,
    MACHINE_CONSENT,
    MACHINE_CONCERN,
    MACHINE_INFO,
    MACHINE_PART,
    MACHINE_COUNT
};

/* The first state of each is that nothing has happened. */
enum referral_state {
    REFERRAL_NONE,
    REFERRAL_REQUESTED,
    REFERRAL_RECEIVED,
    REFERRAL_ACCEPTED,
    REFERRAL_IN_PROGRESS,
    REFERRAL_ON_HOLD,
    REFERRAL_COMPLETED,
    REFERRAL_FAILED,
    REFERRAL_CANCELLED,
    REFERRAL_REJECTED,
    REFERRAL_ENTERED_IN_ERROR, /* no arrow leads there: its submission was recalled */
    REFERRAL_STATE_COUNT
};
enum case_state {
    CASE_NONE,
    CASE_OPENED,
    CASE_ASSESSED,
    CASE_OTHER_SUPPORT,
    CASE_REQUESTED,
    CASE_ASSIGNED,
    CASE_ACTIVE,
    CASE_SUSPENDED,
    CASE_IPUS_ONLY,
    CASE_MONITORED,
    CASE_CLOSED,
    CASE_STATE_COUNT
};
enum ipus_state { IPUS_NONE, IPUS_IS_AGREED, IPUS_IS_APPROVED, IPUS_IS_CONCLUDED, IPUS_STATE_COUNT };
enum meeting_state {
    MEETING_NONE,
    MEETING_BOOKED,
    MEETING_CANCELLED,
    MEETING_IS_HELD,
    MEETING_ISSUED,
    MEETING_STATE_COUNT
};
enum consent_state { CONSENT_NONE, CONSENT_ACTIVE, CONSENT_IS_WITHDRAWN, CONSENT_IS_REFUSED, CONSENT_STATE_COUNT };
enum concern_state { CONCERN_NONE, CONCERN_IS_RAISED, CONCERN_IS_ANSWERED, CONCERN_STATE_COUNT };
enum part_state {
    PART_NONE,
    PART_REQUESTED,
    PART_IS_RECEIVED,
    PART_IS_ACCEPTED,
    PART_IS_ON_HOLD,
    PART_IS_COMPLETED,
    PART_HAS_FAILED,
    PART_IS_CANCELLED,
    PART_IS_REJECTED,
    PART_STATE_COUNT
};
enum info_state { INFO_NONE, INFO_IS_REQUESTED, INFO_IS_PROVIDED, INFO_STATE_COUNT };

#define TO_SAME    0xfeu /* the state stays */
#define TO_BEFORE  0xfdu /* back to the state before the present one was entered by TO_... of an interruption */
#define TO_REFUSED 0xffu /* the event is not taken; the rule says why */

struct arrow {
    uint32_t from; /* bit s: in state s */
    uint8_t input; /* enum input */
    uint8_t guard; /* enum guard */
    uint8_t to;
    uint8_t rule; /* enum rule; RULE_NONE: all is well */
};

struct state_text {
    const char *name, *pl, *en;
};

struct machine {
    const char *name, *pl, *en;
    const struct state_text *states;
    size_t state_count;
    const struct arrow *arrows;
    size_t arrow_count;
};

const struct machine *machine_at(enum machine_kind kind);

/* guards: bits of those that hold. NULL: no arrow of the machine names the input there. */
const struct arrow *machine_find(enum machine_kind kind, uint8_t state, enum input input, uint32_t guards);

/* The state that the arrow leads to. before: the state to go back to, which an interruption sets. */
uint8_t machine_take(const struct arrow *arrow, uint8_t state, uint8_t *before);

const char *input_name(enum input input);
uint32_t input_type(enum input input); /* enum EventType */
const char *input_text(enum input input, bool pl);
const char *guard_text(enum guard guard, bool pl);

#endif
