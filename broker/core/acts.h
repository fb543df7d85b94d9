/*
 * acts - what the records of a dossier said to the machines, kept so that the state can be worked out again
 *
 * An act is one event as the machines see it: what it said, when, about which thing. The state of a dossier (struct
 * matter, and its things) is the fold of its acts that were not recalled, and is kept beside them so that deciding need
 * not fold. Dossiers that are merged have one matter, the fold of all their acts in the order of the log.
 *
 * A thing is what a dossier may have several of: a meeting, a plan, a consent, a concern, a question. It is found by
 * its own id inside its dossier.
 *
 * Small on purpose, as in dossier.h: most events leave no act.
 *
 * Errors: 0 or -ENOMEM. Ownership: acts are their dossier's, things the table's. Threads: one at a time.
 */
#ifndef CORE_ACTS_H
#define CORE_ACTS_H

#include "broker/core/machines.h"
#include "proto/event.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THING_NONE 0u /* things[0] is no thing */

#define ACT_LATE     1u  /* the event is marked as a late entry */
#define ACT_OTHERS   2u  /* another unit holds or had to answer */
#define ACT_RECALLED 4u  /* was entered in error: counts no more */
#define ACT_COPIED   8u  /* said in a dossier that this one took up; number is the seq there */
#define ACT_ZZ       16u /* with an entitlement under "Za życiem" */
#define ACT_BOTH     32u /* of a case: an IPUS path beside the ordinary one */
#define ACT_CARE     64u /* of a case: a child of it is in foster care */

/* Acts with IN_NONE that other rules ask for, by code; the fold passes them over. */
enum act_code {
    ACT_CODE_NONE,
    ACT_CODE_DOCUMENT,    /* of a meeting that was held: day and number are the first 64 bits of its digest */
    ACT_CODE_COORDINATOR, /* case.worker_set of an IPUS coordinator: number is the person */
    ACT_CODE_RECALL,      /* a record that was recalled; number: how many records later, 0: too many */
    ACT_CODE_AMENDED,     /* a record that was amended; number: as above */
    ACT_CODE_LINK,        /* case.linked: number is the other dossier, day the kind of link */
    ACT_CODE_GATED,       /* sections rest on the consent thing: day is the type, number the set of units addressed */
    ACT_CODE_NEXT,        /* referral.answered: whose turn it is; number is the unit, day the date or DATE_NONE */
    ACT_CODE_HAND_OVER, /* a referral asks to carry on the dossier number; its history goes day records back, 0: none */
    ACT_CODE_HANDED,    /* ... and that was given at seq */
    ACT_CODE_DUE,       /* is to be printed for the external agency number; day: delivered on, DATE_NONE: not yet */
    ACT_CODE_WORKER,    /* who works on the case: number is a set of texts, see workers.c; day: from */
    ACT_CODE_ASSISTANT, /* case.assistant_assigned: number is the person, day the unit; from: the act's day */
    ACT_CODE_ASKED, /* number is a unit that was asked; day: which row or part of the record, from 1; 0: all of it */
    ACT_CODE_STEP,  /* number is the unit that took the step which an answer announced for it */
    ACT_CODE_ADDRESSED, /* an amendment addresses the unit number */
    ACT_CODE_CONFIRMED, /* sys.recall_confirmed: seq is that of what was recalled, number the unit */
    ACT_CODE_MISSING,   /* the record came without a paper: day is which (enum missing), number the unit that said it */
    ACT_CODE_RESTS,     /* sections in the dossier number rest on the consent thing, which was entered in this one */
};

/* What is to be entered yet. */
enum missing { MISSING_INTERVIEW, MISSING_BASIS, MISSING_CONSENT, MISSING_COUNT };

struct act {
    uint32_t seq_low; /* act_seq() */
    uint8_t seq_high;
    uint8_t input, flags;
    uint8_t code;   /* by input, see acts.c */
    int32_t day;    /* the date in the payload that counts; DATE_NONE */
    uint32_t thing; /* THING_NONE */
    uint32_t number;
};
static_assert(sizeof(struct act) == 20, "a dossier keeps many");

/* The number of the record; of an amended one, where it was first said. 40 bits: a log of 2^40 records is larger than
 * any that the store can hold. */
static inline uint64_t
act_seq(const struct act *act)
{
    return (uint64_t)act->seq_high << 32 | act->seq_low;
}

static inline void
act_set_seq(struct act *act, uint64_t seq)
{
    act->seq_low = (uint32_t)seq;
    act->seq_high = (uint8_t)(seq >> 32);
}

#define MATTER_NEEDED 1u
#define MATTER_ZZ     2u
#define MATTER_ORDER  4u
#define MATTER_BOTH   8u
#define MATTER_CARE   16u /* a child is in foster care */
#define MATTER_PLAN   32u /* there is a work plan */

struct matter {
    uint8_t referral, referral_before; /* enum referral_state */
    uint8_t kase, case_before;         /* enum case_state */
    uint8_t flags;
    uint16_t monitor_until; /* last day of the monitoring plan, since 1970; 0: none */
};

#define THING_COOPERATION 1u /* consent: to cooperate */
#define THING_ZZ          2u /* consent: an authorisation to represent */
#define THING_SHARING     4u /* consent: to share data */
#define THING_NAMED       8u /* part: the application names it */

struct thing {
    uint8_t ref[16];
    uint32_t dossier;
    uint32_t next; /* of the same dossier */
    uint8_t machine, state, before;
    uint8_t flags;
    uint32_t number;    /* version or revision; part: the unit it was forwarded to, plus one */
    int32_t day, until; /* IPUS: first period_from, period_to; consent: given_on, valid_to; meeting: held_on */
    uint32_t scope;     /* consent: a set of agencies, dossiers.about; IPUS: 1 when it names its plan of work */
    uint32_t who;       /* IPUS: the coordinator, dossiers.persons; STRINGS_NONE */
};

struct things {
    struct thing *at;
    uint32_t count, cap;
    uint32_t *slots;
    uint32_t slot_mask;
};

/* An act that is not yet added, and the thing it is about. */
struct act_about {
    struct act act;
    enum machine_kind machine; /* MACHINE_COUNT: about no thing */
    uint8_t ref[16];
};

/* ---- acts.c */

/* What the event says to the machines; IN_NONE: nothing. */
struct act_about act_of_event(const struct event *event, uint64_t seq);

/* ---- acts_fold.c */

/* Which guards hold for an act in a state; thing may be NULL. */
uint32_t act_guards(const struct matter *matter, const struct thing *thing, const struct act *act);
/* One step of the fold. */
void matter_step(struct matter *matter, const struct act *act);

struct dossiers;

void things_clear(struct things *things);
/* THING_NONE: the dossier has none with this id. */
uint32_t things_find(const struct things *things, enum machine_kind machine, uint32_t dossier, const uint8_t ref[16]);

/* The dossier's thing with that id, made when there is none. -ENOMEM */
int acts_thing(struct dossiers *dossiers, uint32_t dossier, enum machine_kind machine, const uint8_t ref[16],
               uint32_t *ret);
/* Adds an act to a dossier and takes its step; a thing that the act is about is made when it is new. -ENOMEM */
int acts_add(struct dossiers *dossiers, uint32_t dossier, const struct act_about *what);
/* What was said at that seq is said otherwise (replaced by act), or was never said (act NULL). False: nothing was said
 * there. Else acts_fold() works the state out again. */
bool acts_correct(struct dossiers *dossiers, uint32_t dossier, uint64_t seq, const struct act *act);
/* Works the state of the dossier's group out from its acts. */
void acts_fold(struct dossiers *dossiers, uint32_t dossier);

#endif
