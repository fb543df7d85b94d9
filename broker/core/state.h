/*
 * state - what struct core holds, for the files of this folder only
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "broker/core/core.h"
#include "broker/core/directory.h"
#include "broker/core/erased.h"
#include "broker/core/groups.h"
#include "broker/core/policy.h"
#include "broker/core/registers.h"

#define ROLE_BIT(role) (1u << WICI__V1__ROLE__##role)
#define TYPE(name)     ((uint32_t)WICI__V1__EVENT_TYPE__##name)

/*
 * What was given by a policy that is replaced was given: each with the record that replaced it, ascending. Beyond
 * POLICIES_PAST_MAX the two oldest become one, which gives what either gave, for as long as the younger one did.
 */
#define POLICIES_PAST_MAX 16u
struct policy_past {
    struct policy *at[POLICIES_PAST_MAX];
    uint64_t until_seq[POLICIES_PAST_MAX];
    uint32_t count;
};

struct core {
    struct directory directory;
    struct dossiers dossiers;
    struct registers registers;
    struct erased erased;
    struct agency_clocks agency_clocks;
    struct policy *policy;   /* NULL: none yet, so nobody may publish and nobody is given a section */
    struct policy_past past; /* those before it, of which an erasure has to know */
    char *policy_text;
    uint64_t policy_seq;
    uint64_t latest_ms; /* time of the newest record: the core's only notion of now */
    uint64_t folds;     /* how often dossiers left the lists of units, or all was made anew: core_unit_entry_count() */
    struct numbers scratch; /* what core_audience and core_unit_entries hand out */
};

/* The dossier of a record; NULL: none. */
const struct dossier *core_record_dossier(const struct core *core, const struct core_record *record);

#endif
