/*
 * decide - the inside of core_decide, shared by its files: decide.c, refuse.c, address.c, conditions.c, forms.c,
 * rules.c, sys.c
 *
 * A check returns 0, or -EACCES after it has filled the refusal, or -ENOMEM.
 */
#ifndef CORE_DECIDE_H
#define CORE_DECIDE_H

#include "broker/core/facts.h"
#include "broker/core/state.h"

struct deciding {
    const struct core *core;
    const struct core_command *command;
    const struct event *event;
    struct arena *arena;
    struct refusal *refusal;
    uint32_t type;
    uint32_t acting;  /* the unit, or the external agency that it acts for: its letters are the agency's */
    uint32_t dossier; /* DOSSIER_NONE: unknown, or the event has none */
    Wici__V1__BrokerNote *note;
};

/* Fill the refusal and return -EACCES. field "" names the section itself. */
int decide_refuse(struct deciding *d, enum error_code code, const char *path);
int decide_refuse_indexed(struct deciding *d, enum error_code code, const char *before, size_t index,
                          const char *after);
/* "sections[2].caseLinkedS0.otherDossier" */
int decide_refuse_body(struct deciding *d, enum error_code code, size_t section, const char *field);
/* ... and "sections[2].meetingConvenedS6.invited[1].unit" */
int decide_refuse_item(struct deciding *d, enum error_code code, size_t section, const char *list, size_t index,
                       const char *field);

/* The same by a rule, whose code it is. */
int decide_refuse_rule(struct deciding *d, enum rule rule, const char *path);
int decide_refuse_rule_body(struct deciding *d, enum rule rule, size_t section, const char *field);
int decide_refuse_rule_item(struct deciding *d, enum rule rule, size_t section, const char *list, size_t index,
                            const char *field);

/* Mark the event; said once for each code and path. 0 or -ENOMEM. */
int decide_warn(struct deciding *d, enum rule rule, const char *path);
int decide_warn_indexed(struct deciding *d, enum rule rule, const char *before, size_t index);
int decide_warn_body(struct deciding *d, enum rule rule, size_t section, const char *field);
int decide_warn_code(struct deciding *d, enum error_code code, const char *path);

/* The setting of the unit's agency (sys.setting_registered) is on today. */
bool decide_setting(const struct deciding *d, const char *setting);
/* The unit has this relation to the event's dossier, open now. */
bool decide_is(const struct deciding *d, enum relation_kind kind);
bool decide_is_in(const struct deciding *d, uint32_t dossier, enum relation_kind kind);
/* The event's dossier is there and the unit may write to it. */
bool decide_may_write(const struct deciding *d);

/* sys.c: a command that takes no open relation to the dossier, which the unit knows. */
bool sys_is_open_to_all_who_know(const struct deciding *d);

/* address.c */
/* It opens a dossier that somebody must take up, and names nobody. */
bool decide_is_unaddressed(const struct deciding *d);
int decide_addresses(struct deciding *d); /* fills note->resolved_to */
/* Names in the note a unit (or an external agency) that the event reaches besides. -E2BIG: too many agencies */
int decide_answer_to(struct deciding *d, const char *unit);
int decide_reach(struct deciding *d);  /* names in the note who must be told what is taken back; reach.c */
int decide_answer(struct deciding *d); /* fills note->answer_to and answer_about */
/* The conditions of the acting role on events of this type; conditional: the policy says p. conditions.c */
int decide_conditions(struct deciding *d, unsigned role, bool conditional);
/* Some condition is known for the role and type. */
bool conditions_known(unsigned role, uint32_t type);
/* What the procedure says of it: the machines, and the rules that look at the state. rules.c */
int decide_rules(struct deciding *d);
/* limits.c: does the dossier have room for what the event may leave? */
int decide_limits(struct deciding *d);
/* rules_ipus.c */
int decide_ipus_agreed(struct deciding *d);
int decide_ipus_updated(struct deciding *d);
int decide_declared(struct deciding *d); /* do the addressees' agencies work by declarations? */
/* The rules that look at the event alone. forms.c */
int decide_forms(struct deciding *d);
/* sys.* commands: who, and whether the state allows it. sys.c */
int sys_role(struct deciding *d);
int sys_state(struct deciding *d);

#endif
