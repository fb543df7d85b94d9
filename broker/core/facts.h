/*
 * facts - what an event says, where the core needs to know it
 *
 * Mandatory fields count over all sections of a class, so a field is looked for in each of them: facts_text gives the
 * first that is not empty. Sections whose id the registry does not know say nothing here.
 *
 * Ownership: everything handed out is borrowed from the event. Threads: any.
 */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include "proto/date.h" /* DATE_NONE */
#include "proto/event.h"

#include <stdbool.h>
#include <stddef.h>

#define FACTS_PERSONS_MAX 256u /* persons of one event that count */

/* The registry knows the section, and its body is what the registry says. */
bool facts_section_known(const struct event *event, size_t section);

/*
 * The next section of that class at or after *at, as its body; NULL: no more. Moves *at behind it.
 *     for (size_t at = 0; (body = FACTS_NEXT(event, 6, Wici__V1__MeetingConvenedS6, &at)) != NULL;) ...
 */
const void *facts_next(const struct event *event, unsigned cls, size_t *at);

/* The first text that is not empty in that field; "" when there is none. *ret_section may be NULL. */
const char *facts_text_at(const struct event *event, unsigned cls, size_t offset, size_t *ret_section);
#define FACTS_TEXT(event, cls, type, field)                  facts_text_at(event, cls, offsetof(type, field), NULL)
#define FACTS_TEXT_SECTION(event, cls, type, field, section) facts_text_at(event, cls, offsetof(type, field), section)

/* The event is of a type whose ids are this family's: "meeting" is 6, as in 601. */
enum family {
    FAMILY_REFERRAL = 1,
    FAMILY_CASE,
    FAMILY_CONSENT,
    FAMILY_PLACEMENT,
    FAMILY_COURT,
    FAMILY_MEETING,
    FAMILY_IPUS,
    FAMILY_INFO,
    FAMILY_SYS
};
unsigned facts_family(uint32_t type);

/* Commands and records of sys.* of that type lie in a dossier, but for deadlines of an agency (facts_agency). */
bool facts_sys_in_dossier(uint32_t type);

/* sys.deadline_*: what the deadline watcher tells. */
#define TYPE_DEADLINE_FIRST ((uint32_t)WICI__V1__EVENT_TYPE__SYS_DEADLINE_APPROACHING)
#define TYPE_DEADLINE_LAST  ((uint32_t)WICI__V1__EVENT_TYPE__SYS_DEADLINE_CANCELLED)
bool facts_is_deadline(uint32_t type);
/* What it tells of; NULL: it is none of those, or says nothing. */
const Wici__V1__Deadline *facts_deadline(const struct event *event);
/* The agency as a whole that it tells of; "": of a dossier. */
const char *facts_agency(const struct event *event);

/* meeting_id of meeting.*, ipus_id of ipus.*; false: none. */
bool facts_ref(const struct event *event, uint8_t ret[16]);

/* The persons the event is about: the subjects of its sections and the persons in its S1 bodies; each once. */
size_t facts_persons(const struct event *event, const char *ret[FACTS_PERSONS_MAX]);

/* The row of a section of ipus.agreed and ipus.updated; NULL: it has none. */
const Wici__V1__ServiceRow *facts_row(const struct event *event, size_t section);

/* ENTERED_IN_ERROR: the event says only that another must not count. */
bool facts_is_recall(const struct event *event);

/* The day as proto/date.h counts it; DATE_NONE: no date. */
int32_t facts_day(const char *date);
/* The last moment of the named day in Poland; 0: no date, or one before 1970. */
uint64_t facts_day_end_ms(const char *date);

bool facts_same(const char *a, const char *b);

#endif
