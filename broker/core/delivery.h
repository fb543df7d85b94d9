/*
 * delivery - does a relation bring a record to the unit it is of? What the unit is then given of it, view.h says.
 */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "broker/core/state.h"

/* The relation is the unit's, covers the record and delivers records of this kind. The record was not taken back; with
 * `ever` it may have been. */
bool delivery_by(const struct core *core, uint32_t unit, const struct core_record *record,
                 const struct dossier *dossier, const struct relation *relation, bool ever);

/* The relation covers the record; one that was invited to a meeting also the correction of what it was given of it. */
bool delivery_covers(const struct core *core, const struct relation *relation, const struct core_record *record);
/* The first record that it covers and gives. */
uint64_t delivery_from(const struct core *core, const struct dossier *dossier, const struct relation *relation);

/* A participant is given events of this type, whatever his role. */
bool delivery_to_participants(uint32_t type);
/* May the relation give the unit's roles events of this type? Some hang on what they say, too. */
bool delivery_participant_may(const struct core *core, uint32_t unit, uint32_t type);
bool delivery_party_may(const struct core *core, uint32_t unit, const struct relation *relation, uint32_t type);

#endif
