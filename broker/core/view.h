/*
 * view - the inside of core_view, for core_decide to foresee what an addressee will be given
 *
 * Questions only: nothing fails and nothing is changed. Ownership: lists handed out live until the next core_apply.
 * Threads: one at a time.
 */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "broker/core/state.h"

/* core_view of a record in this dossier (NULL: none, or only now being opened), with these dossier flags. */
void view_compute(const struct core *core, uint32_t unit, const struct core_record *record,
                  const struct dossier *dossier, uint8_t flags, bool with_content, struct core_view *ret);

/* core_view of a record in a dossier, and whether something else than an auditor's look brings it to the unit. */
bool view_reaches(const struct core *core, uint32_t unit, const struct core_record *record, struct core_view *ret);

/* core_view, but recalls, consents that do not hold any more, suspensions and policies that give less do not count:
 * was, or may have been, given something of it. */
bool view_ever_received(const struct core *core, uint32_t unit, const struct core_record *record);
/* The record's dossier was forgotten. */
bool view_is_forgotten(const struct core *core, const struct core_record *record);

/* An address, an answer or a relation brings the record to the unit, whatever it is then given of it. */
bool view_is_brought(const struct core *core, uint32_t unit, const struct core_record *record,
                     const struct dossier *dossier);

/* A relation brings it that is more than being sent it, being invited or having to answer. */
bool view_has_place(const struct core *core, uint32_t unit, const struct core_record *record,
                    const struct dossier *dossier);

/* The relation of a holder brings it. */
bool view_is_holder(const struct core *core, uint32_t unit, const struct core_record *record,
                    const struct dossier *dossier);

/* The note's list names the unit. */
bool view_addressed(const struct core *core, uint32_t unit, const struct core_record *record);
bool view_answered(const struct core *core, uint32_t unit, const struct core_record *record);
/* The lists that a unit's dossiers are made of: its own, and its agency's where it has an office's role; entries,
 * ascending. */
void view_unit_lists(const struct core *core, uint32_t unit, const struct numbers **ret_own,
                     const struct numbers **ret_office);
/* ... names it beyond its lists. */
bool view_told(const Wici__V1__BrokerNote *note, uint32_t unit);
bool view_is_author(const struct core *core, uint32_t unit, const struct event *event);

#endif
