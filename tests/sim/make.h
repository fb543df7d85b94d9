/*
 * make - random events: any type, any classes, filled from the registry (proto/types.h)
 *
 * Fields that must be there are there, others now and then; units, persons, dossiers and references that bodies name
 * are those of the town and of the dossiers in use, so that relations open, end and meet. Now and then something is
 * wrong.
 */
#ifndef SIM_MAKE_H
#define SIM_MAKE_H

#include "tests/sim/town.h"

#include <stdint.h>

void make_start(void);

/* An event of the unit, entered in the list of saids. */
uint32_t make_event(const struct town_unit *unit);
/* Ties two dossiers that the unit holds, merged as a rule; SAID_NONE: it holds no two. */
uint32_t make_link(const struct town_unit *unit);
/* The same id with other bytes. */
uint32_t make_other_bytes(uint32_t said, const struct town_unit *unit);
/* The same bytes: for another client of the same agency, or of another. */
uint32_t make_copy(uint32_t said, const struct town_unit *unit);

/* Commands of the administrator. */
uint32_t make_enrol_agency(const struct town_agency *agency);
uint32_t make_enrol_unit(const struct town_unit *unit);
uint32_t make_policy(void); /* the one in force, loaded again */
uint32_t make_suspend(const struct town_unit *unit, bool suspend);
/* The unit's key is another one from now on; the old one ends at once, or in `old_ms`. */
uint32_t make_rotate(struct town_unit *unit, uint64_t old_ms);

/* A dossier in use, drawn; "" when there is none. For filters and reads. */
const char *make_dossier(void);
/* Each of them, from 0. */
size_t make_dossier_count(void);
const char *make_dossier_at(size_t index);

#endif
