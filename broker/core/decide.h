/*
 * decide - the checks of core_decide, each in the file that is named beside it; decide.c calls them in their order
 *
 * A check returns 0, or -EACCES after it has filled the refusal (deciding.h), or -ENOMEM.
 */
#ifndef CORE_DECIDE_H
#define CORE_DECIDE_H

#include "broker/core/deciding.h"

/* ---- sys.c: commands (sys.*): who, and whether the state allows it */
int sys_role(struct deciding *d);
/* The command takes no open relation to the dossier, which the unit knows. */
bool sys_is_open_to_all_who_know(const struct deciding *d);
int sys_state(struct deciding *d);

/* ---- conditions.c: those of the acting role on events of this type; conditional: the policy says p */
int decide_conditions(struct deciding *d, unsigned role, bool conditional);
/* Some condition is known for the role and type. */
bool conditions_known(unsigned role, uint32_t type);

/* ---- address.c: whom it is for */
int decide_addresses(struct deciding *d); /* fills note->resolved_to */
/* A social worker is among those, leads the dossier, or is the author. */
bool decide_tells_social_worker(const struct deciding *d);
/* It opens a dossier that somebody must take up, and names nobody. */
bool decide_is_unaddressed(const struct deciding *d);
int decide_answer(struct deciding *d); /* fills note->answer_to and answer_about */
/* Names in the note a unit (or an external agency) that the event reaches besides. -E2BIG: too many agencies */
int decide_answer_to(struct deciding *d, const char *unit);

/* ---- reach.c: who must be told what is taken back, into the note */
int decide_reach(struct deciding *d);

/* ---- decide_rules.c: what the procedure says of it: the machines, and the rules that look at the state */
int decide_rules(struct deciding *d);
/* forms.c: those that look at the event alone */
int decide_forms(struct deciding *d);
/* decide_ipus.c: those about plans of services */
int decide_ipus_agreed(struct deciding *d);
int decide_ipus_updated(struct deciding *d);

/* ---- declared.c: those whose agencies are given S0 alone, as they signed no declaration, into the note */
int decide_declared(struct deciding *d);

/* ---- limits.c: has the dossier room for what the event may leave? */
int decide_limits(struct deciding *d);

#endif
