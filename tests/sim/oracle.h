/*
 * oracle - what a unit is to be given of a record, by the tables of docs/DOMAIN.md written out anew
 *
 * Takes from the core which relations there are, from when until when and about whom; which of them deliver the record,
 * and which sections that gives, it says by itself, with the matrix and the table of relations that the unit tests of
 * the core have (tests/unit/test_core_matrix.h, test_core_oracle.h).
 */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "broker/core/core.h"

struct oracle_view {
    bool received, note;
    uint32_t sections; /* bits, as in struct core_view */
};

/* closed: the record was entered in error, as the ledger's headers say */
void oracle_look(const struct core *core, uint32_t unit, const struct core_record *record, bool closed,
                 struct oracle_view *ret);

#endif
