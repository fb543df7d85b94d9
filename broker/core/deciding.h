/*
 * deciding - an event that is being decided: what is known of it, what the unit that publishes it is to its dossier
 * (deciding.c), and how it is refused or marked (refuse.c)
 *
 * The checks that use it are decide.h's. Each returns 0, or -EACCES after it has filled the refusal, or -ENOMEM.
 */
#ifndef CORE_DECIDING_H
#define CORE_DECIDING_H

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
    /* By decide_answer(): of the command's cause and corrected, those that the author may see. */
    const struct core_named *answered, *amended;
};

/* ---- refuse.c */

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

/* Mark the event; said once for each rule (or code without one) and path. 0 or -ENOMEM. */
int decide_warn(struct deciding *d, enum rule rule, const char *path);
int decide_warn_indexed(struct deciding *d, enum rule rule, const char *before, size_t index);
int decide_warn_body(struct deciding *d, enum rule rule, size_t section, const char *field);
int decide_warn_code(struct deciding *d, enum error_code code, const char *path);

/* ---- deciding.c */

/* What is said on somebody's behalf names the way on which it came, and the day. 0 or -EACCES */
int decide_received(struct deciding *d);

/* The setting of the unit's agency (sys.setting_registered) is on today. */
bool decide_setting(const struct deciding *d, const char *setting);
/* The unit has this relation to the event's dossier, open now. */
bool decide_is(const struct deciding *d, enum relation_kind kind);
bool decide_is_in(const struct deciding *d, uint32_t dossier, enum relation_kind kind);
/* The event's dossier is there and the unit may write to it. */
bool decide_may_write(const struct deciding *d);

#endif
