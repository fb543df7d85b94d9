/*
 * What the domain's table of relations delivers (docs/DOMAIN.md), written out anew: it knows nothing of the core's
 * code.
 */
#ifndef TEST_CORE_ORACLE_H
#define TEST_CORE_ORACLE_H

#include "test_core_matrix.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum how {
    BY_NOTHING,
    BY_AUTHOR,
    BY_ADDRESS,
    BY_ANSWER,
    BY_HOLDER,
    BY_PENDING,
    BY_OFFICE,
    BY_PARTICIPANT,
    BY_REFERRER,
    BY_INVITEE,
    BY_PROVIDER,
    BY_PARTY,
    BY_PARTY_NOT_OBLIGED,
    HOW_COUNT
};

static const char *const role_words[MATRIX_ROLES] = {"SW",  "INT", "FA",  "DIR", "HEAD", "IC",  "OUS",
                                                     "OSL", "MUN", "CT",  "KUR", "SCH",  "FCC", "CCF",
                                                     "POL", "HLT", "SVC", "IDT", "AUD"};

static inline bool
is_one_of(const char *word, const char *words)
{
    size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static inline bool
starts(const char *type, const char *family)
{
    return strncmp(type, family, strlen(family)) == 0;
}

/* DOMAIN's table of relations, column "receives". */
static inline bool
oracle_delivers(enum how how, const char *type, const char *role)
{
    switch (how) {
    case BY_NOTHING: return false;
    case BY_AUTHOR:
    case BY_ADDRESS:
    case BY_ANSWER:
    case BY_HOLDER:
    case BY_PENDING: return true;
    case BY_OFFICE:
        return is_one_of(role, "DIR HEAD OUS") && !is_one_of(type, "info.requested info.provided referral.answered");
    case BY_PARTICIPANT:
        if (is_one_of(type, "case.safety_concern_raised case.safety_concern_answered"))
            return is_one_of(role, "SW FA DIR HEAD FCC CCF KUR");
        return is_one_of(type, "referral.submitted referral.answered referral.forwarded referral.completed case.opened "
                               "case.interview_completed case.assistant_requested case.assistant_assigned "
                               "case.plan_updated case.assessment_recorded case.closed case.linked case.worker_set "
                               "consent.granted consent.withdrawn placement.changed ipus.agreed ipus.updated "
                               "ipus.approved ipus.service_reported ipus.concluded");
    case BY_REFERRER: return is_one_of(type, "referral.answered referral.completed");
    case BY_INVITEE: return starts(type, "meeting.");
    case BY_PROVIDER: return starts(type, "ipus.");
    case BY_PARTY:
        if (is_one_of(type, "case.opened case.assistant_assigned case.linked case.worker_set case.closed"))
            return true;
        /* fall through */
    case BY_PARTY_NOT_OBLIGED:
        if (is_one_of(type, "case.plan_updated case.assessment_recorded case.safety_concern_raised "
                            "case.safety_concern_answered"))
            return is_one_of(role, "KUR");
        return is_one_of(type, "placement.changed court.order_issued"); /* which names it as probation_unit */
    case HOW_COUNT: break;
    }
    abort();
}

#endif
